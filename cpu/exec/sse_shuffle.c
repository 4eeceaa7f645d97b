/* Packing, unpacking, shuffling, inserting and extracting lanes (SDM vol. 1, 9.4.3, 10.4.4
 * and 11.4.2). */
#include "cpu/exec/sse.h"

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
    VEC_OP(op, v_##op)

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
    VEC_OP(op, v_##op)

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

void exec_PSHUFD(struct cpu *cpu, const struct insn *insn)
{
    union xmm s, r;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    for (unsigned i = 0; i < 4; i++)
        r.d[i] = s.d[pick4(insn->imm, i)];
    vec_write(cpu, insn, 0, r);
}

static void shuffle_words(struct cpu *cpu, const struct insn *insn, unsigned at)
{
    union xmm s, r;
    sse_begin(cpu);
    r = s = vec_read(cpu, insn, 1);
    for (unsigned i = 0; i < 4; i++)
        r.w[at + i] = s.w[at + pick4(insn->imm, i)];
    vec_write(cpu, insn, 0, r);
}

void exec_PSHUFLW(struct cpu *cpu, const struct insn *insn)
{
    shuffle_words(cpu, insn, 0);
}

void exec_PSHUFHW(struct cpu *cpu, const struct insn *insn)
{
    shuffle_words(cpu, insn, 4);
}

void exec_SHUFPS(struct cpu *cpu, const struct insn *insn)
{
    union xmm s, d, r;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    for (unsigned i = 0; i < 4; i++)
        r.d[i] = (i < 2 ? d : s).d[pick4(insn->imm, i)];
    vec_write(cpu, insn, 0, r);
}

void exec_SHUFPD(struct cpu *cpu, const struct insn *insn)
{
    union xmm s, d, r;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    r.q[0] = d.q[insn->imm & 1];
    r.q[1] = s.q[insn->imm >> 1 & 1];
    vec_write(cpu, insn, 0, r);
}

static void shuffle_bytes(union xmm *d, const union xmm *s, unsigned n)
{
    union xmm r = *d;
    for (unsigned i = 0; i < n; i++)
        r.b[i] = s->b[i] & 0x80 ? 0 : d->b[s->b[i] & (n - 1)];
    *d = r;
}
VEC_OP(PSHUFB, shuffle_bytes)

void exec_PALIGNR(struct cpu *cpu, const struct insn *insn)
{
    unsigned n = vec_bytes(insn), count = (u8)insn->imm;
    union xmm s, d, r = {.q = {0, 0}};
    simd_begin(cpu, insn);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    for (unsigned i = 0; i < n; i++) {
        unsigned at = count + i;
        r.b[i] = at < n ? s.b[at] : at < 2 * n ? d.b[at - n] : 0;
    }
    if (uses_mmx(insn))
        mmx_commit(cpu);
    vec_write(cpu, insn, 0, r);
}

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

void exec_PINSRB(struct cpu *cpu, const struct insn *insn)
{
    u64 v;
    sse_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    cpu->xmm[insn->o[0].reg & 15].b[insn->imm & 15] = (u8)v;
}

void exec_PINSRD(struct cpu *cpu, const struct insn *insn)
{
    u64 v;
    sse_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    cpu->xmm[insn->o[0].reg & 15].d[insn->imm & 3] = (u32)v;
}

void exec_PINSRQ(struct cpu *cpu, const struct insn *insn)
{
    u64 v;
    sse_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    cpu->xmm[insn->o[0].reg & 15].q[insn->imm & 1] = v;
}

void exec_PEXTRB(struct cpu *cpu, const struct insn *insn)
{
    sse_begin(cpu);
    opnd_write(cpu, insn, 0, vec_read(cpu, insn, 1).b[insn->imm & 15]);
}

void exec_PEXTRD(struct cpu *cpu, const struct insn *insn)
{
    sse_begin(cpu);
    opnd_write(cpu, insn, 0, vec_read(cpu, insn, 1).d[insn->imm & 3]);
}

void exec_PEXTRQ(struct cpu *cpu, const struct insn *insn)
{
    sse_begin(cpu);
    opnd_write(cpu, insn, 0, vec_read(cpu, insn, 1).q[insn->imm & 1]);
}

void exec_EXTRACTPS(struct cpu *cpu, const struct insn *insn)
{
    exec_PEXTRD(cpu, insn);
}

void exec_INSERTPS(struct cpu *cpu, const struct insn *insn)
{
    union xmm d;
    u32 v;
    sse_begin(cpu);
    v = insn->o[1].kind == OPND_MEM ? (u32)opnd_read(cpu, insn, 1)
                                    : vec_read(cpu, insn, 1).d[insn->imm >> 6 & 3];
    d = vec_read(cpu, insn, 0);
    d.d[insn->imm >> 4 & 3] = v;
    for (unsigned i = 0; i < 4; i++)
        if (insn->imm >> i & 1)
            d.d[i] = 0;
    vec_write(cpu, insn, 0, d);
}
