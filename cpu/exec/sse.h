/* What the MMX and SSE handlers share: availability checks, vector operands, MXCSR and its
 * exceptions (SDM vol. 1, 9.5, 10.2.3 and 11.5). Lanes are addressed through union xmm. */
#ifndef CPU_EXEC_SSE_H
#define CPU_EXEC_SSE_H

#include "cpu/exec/x87.h"

enum { MXCSR_DAZ = 0x40, MXCSR_FTZ = 0x8000, MXCSR_INIT = 0x1f80 };

/* Bits of MXCSR that may be set. */
static inline u32 mxcsr_mask(const struct cpu *cpu)
{
    return cpu_has(cpu, FEAT_SSE2) ? 0xffff : 0xffbf;
}

/* Every change of MXCSR's controls: what translated code may do depends on them. */
static inline void mxcsr_set(struct cpu *cpu, u32 v)
{
    bool masks = (cpu->mxcsr ^ v) & MXCSR_MASKS;
    cpu->mxcsr = v;
    if (masks)
        cpu_update_mode(cpu);
}

/* ---- availability ---- */
static inline void sse_begin(struct cpu *cpu)
{
    if (UNLIKELY((cpu->cr0 & CR0_EM) || !(cpu->cr4 & CR4_OSFXSR)))
        cpu_raise(cpu, EXC_UD);
    if (UNLIKELY(cpu->cr0 & CR0_TS))
        cpu_raise(cpu, EXC_NM);
}

static inline void mmx_begin(struct cpu *cpu)
{
    if (UNLIKELY(cpu->cr0 & CR0_EM))
        cpu_raise(cpu, EXC_UD);
    if (UNLIKELY(cpu->cr0 & CR0_TS))
        cpu_raise(cpu, EXC_NM);
    if (UNLIKELY(cpu->fpu.sw & SW_ES))
        x87_pending(cpu);
}

/* Behind the last possible fault of an instruction with MMX operands: the x87 stack becomes the MMX
 * register file. */
static inline void mmx_commit(struct cpu *cpu)
{
    cpu->fpu.top = 0;
    cpu->fpu.empty = 0;
}

static inline bool uses_mmx(const struct insn *insn)
{
    return insn->o[0].kind == OPND_MMX || insn->o[1].kind == OPND_MMX;
}

/* An operation with MMX and XMM forms. */
static inline void simd_begin(struct cpu *cpu, const struct insn *insn)
{
    if (uses_mmx(insn))
        mmx_begin(cpu);
    else
        sse_begin(cpu);
}

/* ---- operands ---- */
static inline u64 mmx_get(const struct cpu *cpu, unsigned reg)
{
    return cpu->fpu.st[reg & 7].frac;
}

static inline void mmx_set(struct cpu *cpu, unsigned reg, u64 v)
{
    cpu->fpu.st[reg & 7] = (struct f80){v, 0xffff};
}

/* Address of a 16-byte operand that must be aligned: #GP(0) otherwise. */
static inline u64 vec_aligned(struct cpu *cpu, const struct insn *insn)
{
    u64 off = ea(cpu, insn);
    if (UNLIKELY(mem_address(cpu, insn->seg, off) & 15))
        cpu_raise_err(cpu, EXC_GP, 0);
    return off;
}

/* Operands of 16 and 32 bytes that need no alignment raise #AC where they lack that of 16. */
static inline void vec_check_ac(struct cpu *cpu, u64 la)
{
    if (UNLIKELY(cpu->align_check && (la & 15)))
        mem_raise_ac(cpu);
}

/* Plain memory moves as a whole: halves would make the host wait when the register is next used. */
static inline union xmm vec_load(struct cpu *cpu, unsigned seg, u64 off)
{
    u64 la = mem_linear(cpu, seg, off, 16, false);
    const struct tlb_entry *e = &cpu->mmu.tlb[cpu->mmu_mode].e[tlb_index(la)];
    union xmm v;
    u8 m[16];
    vec_check_ac(cpu, la);
    if (LIKELY(tlb_hit(e->rd, la, 16))) {
        memcpy(&v, (const void *)(uintptr_t)(la + e->addend), 16);
        return v;
    }
    mem_read_bytes(cpu, seg, off, m, 16);
    v.q[0] = ld64(m);
    v.q[1] = ld64(m + 8);
    return v;
}

static inline void vec_store(struct cpu *cpu, unsigned seg, u64 off, union xmm v)
{
    u64 la = mem_linear(cpu, seg, off, 16, true);
    const struct tlb_entry *e = &cpu->mmu.tlb[cpu->mmu_mode].e[tlb_index(la)];
    u8 m[16];
    vec_check_ac(cpu, la);
    if (LIKELY(tlb_hit(e->wr, la, 16))) {
        memcpy((void *)(uintptr_t)(la + e->addend), &v, 16);
        return;
    }
    st64(m, v.q[0]);
    st64(m + 8, v.q[1]);
    mem_write_bytes(cpu, seg, off, m, 16);
}

/* Operand i: a register in full, or memory; what memory does not fill is zero. Sixteen bytes must
 * be aligned. */
static inline __attribute__((always_inline)) union xmm vec_read(struct cpu *cpu,
                                                                const struct insn *insn, unsigned i)
{
    const struct opnd *o = &insn->o[i];
    union xmm v = {.q = {0, 0}};
    if (o->kind == OPND_XMM)
        return cpu->xmm[o->reg & 15];
    if (o->kind == OPND_MMX)
        v.q[0] = mmx_get(cpu, o->reg);
    else if (o->size == 16)
        return vec_load(cpu, insn->seg, vec_aligned(cpu, insn));
    else
        v.q[0] = opnd_read(cpu, insn, i);
    return v;
}

/* Write register operand i: the whole of an XMM or MMX register. */
static inline __attribute__((always_inline)) void
vec_write(struct cpu *cpu, const struct insn *insn, unsigned i, union xmm v)
{
    const struct opnd *o = &insn->o[i];
    if (o->kind == OPND_XMM)
        cpu->xmm[o->reg & 15] = v;
    else
        mmx_set(cpu, o->reg, v.q[0]);
}

/* Bytes of the vectors that an operation with MMX and XMM forms works on. */
static inline unsigned vec_bytes(const struct insn *insn)
{
    return uses_mmx(insn) ? 8 : 16;
}

/* MASKMOVQ, MASKMOVDQU: the bytes of v whose byte of `mask` has its top bit set, to [rDI]. All that
 * will be written is checked before the first byte is. */
static inline void masked_store(struct cpu *cpu, const struct insn *insn, union xmm v,
                                union xmm mask, unsigned n)
{
    u64 limit = size_mask(insn->asz), at = cpu->gpr[REG_DI] & limit;
    for (unsigned i = 0; i < n; i++)
        if (mask.b[i] & 0x80)
            mem_check_write(cpu, insn->seg, (at + i) & limit, 1);
    for (unsigned i = 0; i < n; i++)
        if (mask.b[i] & 0x80)
            mem_write(cpu, insn->seg, (at + i) & limit, 1, v.b[i]);
}

/* dest = fn(dest, source) on `n` bytes (8 or 16). Inlined into every handler, so that the lanes are
 * loops of known length. */
typedef void vec_fn(union xmm *d, const union xmm *s, unsigned n);

static inline __attribute__((always_inline)) void vec_op(struct cpu *cpu, const struct insn *insn,
                                                         vec_fn *fn)
{
    union xmm d, s;
    if (LIKELY(!uses_mmx(insn))) {
        sse_begin(cpu);
        s = vec_read(cpu, insn, 1);
        d = cpu->xmm[insn->o[0].reg & 15];
        fn(&d, &s, 16);
        cpu->xmm[insn->o[0].reg & 15] = d;
        return;
    }
    mmx_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    fn(&d, &s, 8);
    mmx_commit(cpu);
    vec_write(cpu, insn, 0, d);
}

#define LANE_FN static inline __attribute__((always_inline)) void

#define VEC_OP(op, fn)                                                                             \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        vec_op(cpu, insn, fn);                                                                     \
    }

/* ---- floating-point exceptions ---- */
static inline struct fpenv sse_env(const struct cpu *cpu)
{
    return (struct fpenv){
        .round = cpu->mxcsr >> 13 & 3,
        .unmasked = ~(cpu->mxcsr >> 7) & FP_ALL,
        .daz = cpu->mxcsr & MXCSR_DAZ,
        .ftz = cpu->mxcsr & MXCSR_FTZ,
    };
}

/* Enter the flags in MXCSR; #XM when one is unmasked, so call this before any result is written. */
static inline void sse_report(struct cpu *cpu, const struct fpenv *env)
{
    u8 flags = env->flags;
    if (flags & env->unmasked & FP_PRE)
        flags &= FP_PRE; /* nothing was computed, so nothing overflowed or was inexact */
    cpu->mxcsr |= flags;
    if (UNLIKELY(flags & env->unmasked))
        cpu_raise(cpu, cpu->cr4 & CR4_OSXMMEXCPT ? EXC_XM : EXC_UD);
}

static inline s32 clamp(s32 v, s32 lo, s32 hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

#endif
