/* What the handlers of VEX-encoded vector instructions share: availability, operands of 16 and 32
 * bytes (SDM vol. 1 ch. 14, vol. 2 section 2.4). A vector is its two halves; most operations work
 * on each half alike, with the lane functions of their SSE forms. Every write to a register clears
 * what lies above it. */
#ifndef CPU_EXEC_AVX_H
#define CPU_EXEC_AVX_H

#include "cpu/exec/sse.h"

/* XCR0 bits that must be on: SSE and AVX. */
enum { XCR0_YMM = 6 };

union ymm {
    union xmm h[2]; /* lower, upper half */
    u8 b[32];
    u16 w[16];
    u32 d[8];
    u64 q[4];
} LITTLE_ENDIAN_MEMBERS;

static inline void avx_begin(struct cpu *cpu)
{
    if (UNLIKELY(!cpu_pm(cpu) || !(cpu->cr4 & CR4_OSXSAVE) || (cpu->xcr0 & XCR0_YMM) != XCR0_YMM))
        cpu_raise(cpu, EXC_UD);
    if (UNLIKELY(cpu->cr0 & CR0_TS))
        cpu_raise(cpu, EXC_NM);
}

/* For handlers of both forms. */
static inline void sse_avx_begin(struct cpu *cpu, const struct insn *insn)
{
    if (insn->vl)
        avx_begin(cpu);
    else
        sse_begin(cpu);
}

/* ---- registers ---- */
static inline union ymm ymm_get(const struct cpu *cpu, unsigned reg)
{
    return (union ymm){.h = {cpu->xmm[reg & 15], cpu->ymmh[reg & 15]}};
}

static inline void ymm_set(struct cpu *cpu, unsigned reg, const union ymm *v)
{
    cpu->xmm[reg & 15] = v->h[0];
    cpu->ymmh[reg & 15] = v->h[1];
}

/* Write the lower half; the upper becomes zero. */
static inline void xmm_set(struct cpu *cpu, unsigned reg, union xmm v)
{
    cpu->xmm[reg & 15] = v;
    cpu->ymmh[reg & 15] = (union xmm){.q = {0, 0}};
}

/* Write the destination of an operation that has computed insn->vl bytes. */
static inline void avx_write(struct cpu *cpu, const struct insn *insn, const union ymm *v)
{
    if (insn->vl == 32)
        ymm_set(cpu, insn->o[0].reg, v);
    else
        xmm_set(cpu, insn->o[0].reg, v->h[0]);
}

/* ---- memory: unaligned, checked as a whole ---- */
static inline union ymm ymm_load(struct cpu *cpu, unsigned seg, u64 off)
{
    union ymm v;
    u8 m[32];
    if (UNLIKELY(cpu->align_check))
        vec_check_ac(cpu, mem_linear(cpu, seg, off, 32, false));
    mem_read_bytes(cpu, seg, off, m, 32);
    for (unsigned i = 0; i < 4; i++)
        v.q[i] = ld64(m + 8 * i);
    return v;
}

static inline void ymm_store(struct cpu *cpu, unsigned seg, u64 off, const union ymm *v)
{
    u8 m[32];
    for (unsigned i = 0; i < 4; i++)
        st64(m + 8 * i, v->q[i]);
    if (UNLIKELY(cpu->align_check))
        vec_check_ac(cpu, mem_linear(cpu, seg, off, 32, true));
    mem_write_bytes(cpu, seg, off, m, 32);
}

/* Operand i: a register in full, or memory; what memory does not fill is zero. */
static inline union ymm avx_read(struct cpu *cpu, const struct insn *insn, unsigned i)
{
    const struct opnd *o = &insn->o[i];
    union ymm v = {.q = {0, 0, 0, 0}};
    if (o->kind == OPND_XMM || o->kind == OPND_YMM)
        return ymm_get(cpu, o->reg);
    if (o->size == 32)
        return ymm_load(cpu, insn->seg, ea(cpu, insn));
    if (o->size == 16)
        v.h[0] = vec_load(cpu, insn->seg, ea(cpu, insn));
    else
        v.q[0] = opnd_read(cpu, insn, i);
    return v;
}

/* ---- operations on lanes: dest = fn(first source, last operand) on each half ---- */
static inline __attribute__((always_inline)) void avx_op(struct cpu *cpu, const struct insn *insn,
                                                         vec_fn *fn)
{
    union ymm d, s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, insn->nopnd - 1u);
    d = ymm_get(cpu, insn->o[1].reg);
    fn(&d.h[0], &s.h[0], 16);
    if (insn->vl == 32)
        fn(&d.h[1], &s.h[1], 16);
    avx_write(cpu, insn, &d);
}

/* The handlers of an operation with MMX, SSE and VEX forms. */
#define VEX_OP(op, fn)                                                                             \
    VEC_OP(op, fn)                                                                                 \
    void exec_V##op(struct cpu *cpu, const struct insn *insn)                                      \
    {                                                                                              \
        avx_op(cpu, insn, fn);                                                                     \
    }

/* ---- ... that an immediate controls: `step` bits of it belong to each half, 0: all to both ----
 */
typedef void imm_fn(union xmm *d, const union xmm *s, unsigned imm);

static inline __attribute__((always_inline)) void imm_op(struct cpu *cpu, const struct insn *insn,
                                                         imm_fn *fn)
{
    union xmm d, s;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = cpu->xmm[insn->o[0].reg & 15];
    fn(&d, &s, (u8)insn->imm);
    cpu->xmm[insn->o[0].reg & 15] = d;
}

static inline __attribute__((always_inline)) void
avx_imm_op(struct cpu *cpu, const struct insn *insn, imm_fn *fn, unsigned step)
{
    union ymm d, s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, insn->nopnd - 2u);
    d = ymm_get(cpu, insn->o[1].reg);
    fn(&d.h[0], &s.h[0], (u8)insn->imm);
    if (insn->vl == 32)
        fn(&d.h[1], &s.h[1], (u8)insn->imm >> step);
    avx_write(cpu, insn, &d);
}

#define IMM_OP(op, fn, step)                                                                       \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        imm_op(cpu, insn, fn);                                                                     \
    }                                                                                              \
    AVX_IMM_OP(V##op, fn, step)

#define AVX_IMM_OP(op, fn, step)                                                                   \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        avx_imm_op(cpu, insn, fn, step);                                                           \
    }

#endif
