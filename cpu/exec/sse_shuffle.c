/* Packing, unpacking, shuffling, inserting and extracting lanes (SDM vol. 1, 9.4.3, 10.4.4
 * and 11.4.2). */
#include "cpu/exec/avx.h"

/* ---- packs: the destination's lanes, then the source's, each saturated to half its width ---- */
#define PACK(op, from, to, type, lo, hi)                                                           \
    LANE_FN v_##op(union xmm *dst, const union xmm *src, unsigned n)                               \
    {                                                                                              \
        unsigned half = n / sizeof(dst->from[0]);                                                  \
        union xmm r = *dst;                                                                        \
        for (unsigned i = 0; i < half; i++) {                                                      \
            r.to[i] = (__typeof__(r.to[0]))clamp((type)dst->from[i], lo, hi);                      \
            r.to[half + i] = (__typeof__(r.to[0]))clamp((type)src->from[i], lo, hi);               \
        }                                                                                          \
        *dst = r;                                                                                  \
    }                                                                                              \
    VEX_OP(op, v_##op)

PACK(PACKSSWB, w, b, s16, INT8_MIN, INT8_MAX)
PACK(PACKUSWB, w, b, s16, 0, UINT8_MAX)
PACK(PACKSSDW, d, w, s32, INT16_MIN, INT16_MAX)
PACK(PACKUSDW, d, w, s32, 0, UINT16_MAX)

/* ---- unpacks: lanes of the low or high halves, alternating ---- */
#define UNPACK(op, lane, high)                                                                     \
    LANE_FN v_##op(union xmm *dst, const union xmm *src, unsigned n)                               \
    {                                                                                              \
        unsigned half = n / sizeof(dst->lane[0]) / 2, at = (high) ? half : 0;                      \
        union xmm r = *dst;                                                                        \
        for (unsigned i = 0; i < half; i++) {                                                      \
            r.lane[2 * i] = dst->lane[at + i];                                                     \
            r.lane[2 * i + 1] = src->lane[at + i];                                                 \
        }                                                                                          \
        *dst = r;                                                                                  \
    }                                                                                              \
    VEX_OP(op, v_##op)

UNPACK(PUNPCKLBW, b, false)
UNPACK(PUNPCKLWD, w, false)
UNPACK(PUNPCKLDQ, d, false)
UNPACK(PUNPCKLQDQ, q, false)
UNPACK(PUNPCKHBW, b, true)
UNPACK(PUNPCKHWD, w, true)
UNPACK(PUNPCKHDQ, d, true)
UNPACK(PUNPCKHQDQ, q, true)
UNPACK(UNPCKLPS, d, false)
UNPACK(UNPCKHPS, d, true)
UNPACK(UNPCKLPD, q, false)
UNPACK(UNPCKHPD, q, true)

/* ---- shuffles by an immediate ---- */
/* Lane i of four comes from lane imm[2i+1:2i]. */
static unsigned pick4(u64 imm, unsigned i)
{
    return imm >> 2 * i & 3;
}

void exec_PSHUFW(struct cpu *cpu, const struct insn *insn)
{
    union xmm s, r = {.q = {0, 0}};
    mmx_begin(cpu);
    s = vec_read(cpu, insn, 1);
    for (unsigned i = 0; i < 4; i++)
        r.w[i] = s.w[pick4(insn->imm, i)];
    mmx_commit(cpu);
    vec_write(cpu, insn, 0, r);
}

LANE_FN shuffle_dwords(union xmm *d, const union xmm *s, unsigned imm)
{
    union xmm r;
    for (unsigned i = 0; i < 4; i++)
        r.d[i] = s->d[pick4(imm, i)];
    *d = r;
}
IMM_OP(PSHUFD, shuffle_dwords, 0)

LANE_FN shuffle_words(union xmm *d, const union xmm *s, unsigned imm, unsigned at)
{
    union xmm r = *s;
    for (unsigned i = 0; i < 4; i++)
        r.w[at + i] = s->w[at + pick4(imm, i)];
    *d = r;
}

LANE_FN shuffle_low_words(union xmm *d, const union xmm *s, unsigned imm)
{
    shuffle_words(d, s, imm, 0);
}
IMM_OP(PSHUFLW, shuffle_low_words, 0)

LANE_FN shuffle_high_words(union xmm *d, const union xmm *s, unsigned imm)
{
    shuffle_words(d, s, imm, 4);
}
IMM_OP(PSHUFHW, shuffle_high_words, 0)

LANE_FN shuffle_singles(union xmm *d, const union xmm *s, unsigned imm)
{
    union xmm r;
    for (unsigned i = 0; i < 4; i++)
        r.d[i] = (i < 2 ? d : s)->d[pick4(imm, i)];
    *d = r;
}
IMM_OP(SHUFPS, shuffle_singles, 0)

LANE_FN shuffle_doubles(union xmm *d, const union xmm *s, unsigned imm)
{
    d->q[0] = d->q[imm & 1];
    d->q[1] = s->q[imm >> 1 & 1];
}
IMM_OP(SHUFPD, shuffle_doubles, 2)

static void shuffle_bytes(union xmm *d, const union xmm *s, unsigned n)
{
    union xmm r = *d;
    for (unsigned i = 0; i < n; i++)
        r.b[i] = s->b[i] & 0x80 ? 0 : d->b[s->b[i] & (n - 1)];
    *d = r;
}
VEX_OP(PSHUFB, shuffle_bytes)

/* The bytes from `count` on of s, with d behind it. */
LANE_FN align_bytes(union xmm *d, const union xmm *s, unsigned count, unsigned n)
{
    union xmm r = {.q = {0, 0}};
    for (unsigned i = 0; i < n; i++) {
        unsigned at = count + i;
        r.b[i] = at < n ? s->b[at] : at < 2 * n ? d->b[at - n] : 0;
    }
    *d = r;
}

void exec_PALIGNR(struct cpu *cpu, const struct insn *insn)
{
    union xmm s, d;
    simd_begin(cpu, insn);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    align_bytes(&d, &s, (u8)insn->imm, vec_bytes(insn));
    if (uses_mmx(insn))
        mmx_commit(cpu);
    vec_write(cpu, insn, 0, d);
}

LANE_FN align_16(union xmm *d, const union xmm *s, unsigned imm)
{
    align_bytes(d, s, imm, 16);
}
AVX_IMM_OP(VPALIGNR, align_16, 0)

/* ---- insertion and extraction of one lane ---- */
void exec_PINSRW(struct cpu *cpu, const struct insn *insn)
{
    union xmm d;
    u64 v;
    simd_begin(cpu, insn);
    v = opnd_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    d.w[insn->imm & (vec_bytes(insn) / 2 - 1)] = (u16)v;
    if (uses_mmx(insn))
        mmx_commit(cpu);
    vec_write(cpu, insn, 0, d);
}

void exec_PEXTRW(struct cpu *cpu, const struct insn *insn)
{
    union xmm s;
    simd_begin(cpu, insn);
    s = vec_read(cpu, insn, 1);
    opnd_write(cpu, insn, 0, s.w[insn->imm & (vec_bytes(insn) / 2 - 1)]);
    if (uses_mmx(insn))
        mmx_commit(cpu);
}

/* Lane imm of `size` bytes of the first vector source becomes the operand behind it. */
static void insert(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    union xmm d;
    u64 v;
    u8 m[8];
    sse_avx_begin(cpu, insn);
    v = opnd_read(cpu, insn, insn->vl ? 2 : 1);
    d = cpu->xmm[insn->o[insn->vl ? 1 : 0].reg & 15];
    st64(m, v);
    memcpy(&d.b[(insn->imm * size) & 15], m, size);
    if (insn->vl)
        xmm_set(cpu, insn->o[0].reg, d);
    else
        vec_write(cpu, insn, 0, d);
}

#define INSERT(op, size)                                                                           \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        insert(cpu, insn, size);                                                                   \
    }

INSERT(PINSRB, 1)
INSERT(PINSRD, 4)
INSERT(PINSRQ, 8)
INSERT(VPINSRB, 1)
INSERT(VPINSRW, 2)
INSERT(VPINSRD, 4)
INSERT(VPINSRQ, 8)

/* Operand 0 becomes lane imm of `size` bytes. */
static void extract(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    u8 m[8] = {0};
    sse_avx_begin(cpu, insn);
    memcpy(m, &cpu->xmm[insn->o[1].reg & 15].b[(insn->imm * size) & 15], size);
    opnd_write(cpu, insn, 0, ld64(m));
}

#define EXTRACT(op, size)                                                                          \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        extract(cpu, insn, size);                                                                  \
    }

EXTRACT(PEXTRB, 1)
EXTRACT(PEXTRD, 4)
EXTRACT(PEXTRQ, 8)
EXTRACT(EXTRACTPS, 4)
EXTRACT(VPEXTRB, 1)
EXTRACT(VPEXTRW, 2)
EXTRACT(VPEXTRD, 4)
EXTRACT(VPEXTRQ, 8)
EXTRACT(VEXTRACTPS, 4)

static void insert_single(struct cpu *cpu, const struct insn *insn)
{
    unsigned from = insn->vl ? 2 : 1;
    union xmm d;
    u32 v;
    sse_avx_begin(cpu, insn);
    v = insn->o[from].kind == OPND_MEM ? (u32)opnd_read(cpu, insn, from)
                                       : cpu->xmm[insn->o[from].reg & 15].d[insn->imm >> 6 & 3];
    d = cpu->xmm[insn->o[from - 1].reg & 15];
    d.d[insn->imm >> 4 & 3] = v;
    for (unsigned i = 0; i < 4; i++)
        if (insn->imm >> i & 1)
            d.d[i] = 0;
    if (insn->vl)
        xmm_set(cpu, insn->o[0].reg, d);
    else
        vec_write(cpu, insn, 0, d);
}

void exec_INSERTPS(struct cpu *cpu, const struct insn *insn)
{
    insert_single(cpu, insn);
}

void exec_VINSERTPS(struct cpu *cpu, const struct insn *insn)
{
    insert_single(cpu, insn);
}
