/* SSE4.1 blends, widening moves, tests and the odd ones (SDM vol. 1, 12.9). */
#include "cpu/exec/avx.h"

/* ---- blends by an immediate ---- */
#define BLEND(op, lane)                                                                            \
    LANE_FN v_##op(union xmm *d, const union xmm *s, unsigned imm)                                 \
    {                                                                                              \
        for (unsigned i = 0; i < 16 / sizeof(d->lane[0]); i++)                                     \
            if (imm >> i & 1)                                                                      \
                d->lane[i] = s->lane[i];                                                           \
    }

BLEND(PBLENDW, w)
BLEND(BLENDPS, d)
BLEND(BLENDPD, q)
IMM_OP(PBLENDW, v_PBLENDW, 0)
IMM_OP(BLENDPS, v_BLENDPS, 4)
IMM_OP(BLENDPD, v_BLENDPD, 2)
AVX_IMM_OP(VPBLENDD, v_BLENDPS, 4)

/* ---- blends by the sign bits of a register: XMM0, or with VEX the fourth operand ---- */
#define BLENDV(op, lane, stype)                                                                    \
    LANE_FN v_##op(union xmm *d, const union xmm *s, const union xmm *mask)                        \
    {                                                                                              \
        for (unsigned i = 0; i < 16 / sizeof(d->lane[0]); i++)                                     \
            if ((stype)mask->lane[i] < 0)                                                          \
                d->lane[i] = s->lane[i];                                                           \
    }                                                                                              \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        union xmm d, s;                                                                            \
        sse_begin(cpu);                                                                            \
        s = vec_read(cpu, insn, 1);                                                                \
        d = vec_read(cpu, insn, 0);                                                                \
        v_##op(&d, &s, &cpu->xmm[0]);                                                              \
        vec_write(cpu, insn, 0, d);                                                                \
    }                                                                                              \
    void exec_V##op(struct cpu *cpu, const struct insn *insn)                                      \
    {                                                                                              \
        union ymm d, s, mask;                                                                      \
        avx_begin(cpu);                                                                            \
        s = avx_read(cpu, insn, 2);                                                                \
        d = ymm_get(cpu, insn->o[1].reg);                                                          \
        mask = ymm_get(cpu, insn->o[3].reg);                                                       \
        v_##op(&d.h[0], &s.h[0], &mask.h[0]);                                                      \
        v_##op(&d.h[1], &s.h[1], &mask.h[1]);                                                      \
        avx_write(cpu, insn, &d);                                                                  \
    }

BLENDV(PBLENDVB, b, s8)
BLENDV(BLENDVPS, d, s32)
BLENDV(BLENDVPD, q, s64)

/* ---- widening moves ---- */
#define WIDEN(op, from, ftype, to)                                                                 \
    LANE_FN v_##op(union xmm *dst, const union xmm *src, unsigned n)                               \
    {                                                                                              \
        for (unsigned i = 0; i < n / sizeof(dst->to[0]); i++)                                      \
            dst->to[i] = (__typeof__(dst->to[0]))(ftype)src->from[i];                              \
    }                                                                                              \
    VEC_OP(op, v_##op)                                                                             \
    void exec_V##op(struct cpu *cpu, const struct insn *insn)                                      \
    {                                                                                              \
        const unsigned bytes = 16 * sizeof(((union xmm *)0)->from[0]) /                            \
                               sizeof(((union xmm *)0)->to[0]); /* that fill one half */           \
        union ymm d, s;                                                                            \
        union xmm high = {.q = {0, 0}};                                                            \
        avx_begin(cpu);                                                                            \
        s = avx_read(cpu, insn, 1);                                                                \
        memcpy(&high, s.b + bytes, bytes);                                                         \
        v_##op(&d.h[0], &s.h[0], 16);                                                              \
        v_##op(&d.h[1], &high, 16);                                                                \
        avx_write(cpu, insn, &d);                                                                  \
    }

WIDEN(PMOVSXBW, b, s8, w)
WIDEN(PMOVSXBD, b, s8, d)
WIDEN(PMOVSXBQ, b, s8, q)
WIDEN(PMOVSXWD, w, s16, d)
WIDEN(PMOVSXWQ, w, s16, q)
WIDEN(PMOVSXDQ, d, s32, q)
WIDEN(PMOVZXBW, b, u8, w)
WIDEN(PMOVZXBD, b, u8, d)
WIDEN(PMOVZXBQ, b, u8, q)
WIDEN(PMOVZXWD, w, u16, d)
WIDEN(PMOVZXWQ, w, u16, q)
WIDEN(PMOVZXDQ, d, u32, q)

/* ---- the rest ---- */
void exec_PTEST(struct cpu *cpu, const struct insn *insn)
{
    union xmm d, s;
    u32 f = 0;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    if (!((d.q[0] & s.q[0]) | (d.q[1] & s.q[1])))
        f |= F_Z;
    if (!((~d.q[0] & s.q[0]) | (~d.q[1] & s.q[1])))
        f |= F_C;
    cpu_set_aflags(cpu, f);
}

static void min_position(union xmm *d, const union xmm *s, unsigned n)
{
    unsigned at = 0;
    for (unsigned i = 1; i < 8; i++)
        if (s->w[i] < s->w[at])
            at = i;
    *d = (union xmm){.q = {s->w[at] | (u64)at << 16, 0}};
}
VEX_OP(PHMINPOSUW, min_position)

LANE_FN sum_blocks(union xmm *d, const union xmm *s, unsigned imm)
{
    unsigned from = (imm & 3) * 4, to = (imm >> 2 & 1) * 4;
    union xmm r;
    for (unsigned i = 0; i < 8; i++) {
        u16 sum = 0;
        for (unsigned j = 0; j < 4; j++) {
            s32 diff = d->b[to + i + j] - s->b[from + j];
            sum += (u16)(diff < 0 ? -diff : diff);
        }
        r.w[i] = sum;
    }
    *d = r;
}
IMM_OP(MPSADBW, sum_blocks, 3)

/* ZF: no bit of `mask` is set in both; CF: none is set in the second alone. */
static void avx_test(struct cpu *cpu, const struct insn *insn, u64 mask)
{
    union ymm d, s;
    u64 both = 0, second = 0;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 1);
    d = ymm_get(cpu, insn->o[0].reg);
    for (unsigned i = 0; i < insn->vl / 8u; i++) {
        both |= d.q[i] & s.q[i] & mask;
        second |= ~d.q[i] & s.q[i] & mask;
    }
    cpu_set_aflags(cpu, (both ? 0 : F_Z) | (second ? 0 : F_C));
}

void exec_VPTEST(struct cpu *cpu, const struct insn *insn)
{
    avx_test(cpu, insn, ~0ull);
}

void exec_VTESTPS(struct cpu *cpu, const struct insn *insn)
{
    avx_test(cpu, insn, 0x8000000080000000ull);
}

void exec_VTESTPD(struct cpu *cpu, const struct insn *insn)
{
    avx_test(cpu, insn, 0x8000000000000000ull);
}
