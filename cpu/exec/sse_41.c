/* SSE4.1 blends, widening moves, tests and the odd ones (SDM vol. 1, 12.9). */
#include "cpu/exec/sse.h"

/* ---- blends by an immediate or by the sign bits of XMM0 ---- */
static void blend(struct cpu *cpu, const struct insn *insn, unsigned bits, bool by_xmm0)
{
    unsigned step = bits / 8;
    union xmm d, s, mask;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    mask = cpu->xmm[0];
    for (unsigned i = 0; i < 128 / bits; i++)
        if (by_xmm0 ? mask.b[i * step + step - 1] >> 7 : insn->imm >> i & 1)
            memcpy(&d.b[i * step], &s.b[i * step], step);
    vec_write(cpu, insn, 0, d);
}

#define BLEND(op, bits, by_xmm0)                                                                   \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        blend(cpu, insn, bits, by_xmm0);                                                           \
    }

BLEND(PBLENDW, 16, false)
BLEND(BLENDPS, 32, false)
BLEND(BLENDPD, 64, false)
BLEND(PBLENDVB, 8, true)
BLEND(BLENDVPS, 32, true)
BLEND(BLENDVPD, 64, true)

/* ---- widening moves ---- */
#define WIDEN(op, from, ftype, to)                                                                 \
    LANE_FN v_##op(union xmm *dst, const union xmm *src, unsigned n)                               \
    {                                                                                              \
        for (unsigned i = 0; i < n / sizeof(dst->to[0]); i++)                                      \
            dst->to[i] = (__typeof__(dst->to[0]))(ftype)src->from[i];                              \
    }                                                                                              \
    VEC_OP(op, v_##op)

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
VEC_OP(PHMINPOSUW, min_position)

void exec_MPSADBW(struct cpu *cpu, const struct insn *insn)
{
    unsigned from = (insn->imm & 3) * 4, to = (insn->imm >> 2 & 1) * 4;
    union xmm d, s, r;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    for (unsigned i = 0; i < 8; i++) {
        u16 sum = 0;
        for (unsigned j = 0; j < 4; j++) {
            s32 diff = d.b[to + i + j] - s.b[from + j];
            sum += (u16)(diff < 0 ? -diff : diff);
        }
        r.w[i] = sum;
    }
    vec_write(cpu, insn, 0, r);
}
