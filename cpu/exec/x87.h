/* What the x87 handlers share: the register stack, status word, pending exceptions (SDM vol. 1
 * chapter 8). */
#ifndef CPU_EXEC_X87_H
#define CPU_EXEC_X87_H

#include "cpu/exec/exec.h"
#include "cpu/fp/fp.h"

/* Control word bits that software can change; bit 6 always reads as one. */
enum { CW_WRITABLE = 0x1f3f, CW_ONE = 0x40, CW_INIT = 0x37f };

/* ---- pending exceptions (x87_env.c) ---- */
/* #MF for an exception that an earlier instruction left pending: call when SW_ES is set. */
void x87_pending(struct cpu *cpu);
/* Recompute SW_ES and SW_B from the flags and masks, and FERR# with them. */
void x87_update_es(struct cpu *cpu);
/* Note where the instruction that reports an unmasked exception is and what its opcode was. */
void x87_note_opcode(struct cpu *cpu);
/* The status word with TOP. */
u16 x87_status(const struct cpu *cpu);
/* The full tag word, two bits per physical register. */
u16 x87_tags(const struct cpu *cpu);
void x87_init(struct cpu *cpu);
/* The x87 part of an FXSAVE image: bytes 0 to 23 and 32 to 159 of m. `wide`: with 64-bit pointers
 * and no selectors, as with REX.W. */
void x87_image_store(const struct cpu *cpu, bool wide, u8 *m);
void x87_image_load(struct cpu *cpu, bool wide, const u8 *m);

/* ---- entry of a handler ---- */
/* Every x87 instruction: #NM when the unit is emulated or belongs to another task. */
static inline void x87_available(struct cpu *cpu)
{
    if (UNLIKELY(cpu->cr0 & (CR0_EM | CR0_TS)))
        cpu_raise(cpu, EXC_NM);
}

/* A waiting instruction: also delivers what is pending. */
static inline void x87_start(struct cpu *cpu)
{
    x87_available(cpu);
    if (UNLIKELY(cpu->fpu.sw & SW_ES))
        x87_pending(cpu);
}

/* Behind the last memory fault of a non-control instruction: record its pointers, clear C1. */
static inline void x87_note_code(struct cpu *cpu)
{
    struct fpu *f = &cpu->fpu;
    f->sw &= (u16)~SW_C1;
    f->fip = cpu->rip;
    f->fcs = cpu->seg[SEG_CS].sel;
}

/* ... of one whose memory operand is at offset `off`. */
static inline void x87_note_mem(struct cpu *cpu, const struct insn *insn, u64 off)
{
    x87_note_code(cpu);
    cpu->fpu.fdp = off;
    cpu->fpu.fds = cpu->seg[insn->seg].sel;
}

static inline void x87_note(struct cpu *cpu, const struct insn *insn)
{
    if (insn->nopnd && insn->o[0].kind == OPND_MEM)
        x87_note_mem(cpu, insn, ea(cpu, insn));
    else
        x87_note_code(cpu);
}

static inline void x87_begin(struct cpu *cpu, const struct insn *insn)
{
    x87_start(cpu);
    x87_note(cpu, insn);
}

/* ---- the stack ---- */
static inline unsigned st_phys(const struct cpu *cpu, unsigned i)
{
    return (cpu->fpu.top + i) & 7;
}

static inline bool st_empty(const struct cpu *cpu, unsigned i)
{
    return cpu->fpu.empty >> st_phys(cpu, i) & 1;
}

/* Member by member: a copy of the whole with its padding would wait for the host's own ten-byte
 * stores to these places. */
static inline struct f80 st_get(const struct cpu *cpu, unsigned i)
{
    const struct f80 *st = &cpu->fpu.st[st_phys(cpu, i)];
    return (struct f80){st->frac, st->se};
}

static inline void st_set(struct cpu *cpu, unsigned i, struct f80 v)
{
    unsigned p = st_phys(cpu, i);
    cpu->fpu.st[p].frac = v.frac;
    cpu->fpu.st[p].se = v.se;
    cpu->fpu.empty &= (u8)~BIT(p);
}

static inline void st_free(struct cpu *cpu, unsigned i)
{
    cpu->fpu.empty |= (u8)BIT(st_phys(cpu, i));
}

static inline void st_pop(struct cpu *cpu)
{
    st_free(cpu, 0);
    cpu->fpu.top = (cpu->fpu.top + 1) & 7;
}

static inline void st_push(struct cpu *cpu, struct f80 v)
{
    cpu->fpu.top = (cpu->fpu.top - 1) & 7;
    st_set(cpu, 0, v);
}

/* ---- exceptions ---- */
static inline struct fpenv x87_env(const struct cpu *cpu)
{
    return (struct fpenv){.round = cpu->fpu.cw >> 10 & 3,
                          .prec = cpu->fpu.cw >> 8 & 3,
                          .unmasked = ~cpu->fpu.cw & FP_ALL,
                          .sticky = cpu->fpu.sw & cpu->fpu.cw & FP_PE};
}

/* Enter what an operation reported into the status word. True when its result is to be delivered.
 */
static inline bool x87_report(struct cpu *cpu, const struct fpenv *env)
{
    cpu->fpu.sw |= (u16)(env->flags | (env->rounded_up ? SW_C1 : 0));
    if (LIKELY(!(env->flags & env->unmasked)))
        return true;
    x87_note_opcode(cpu);
    x87_update_es(cpu);
    return !(env->flags & env->unmasked & FP_PRE);
}

/* Stack underflow, or overflow with C1 set. True when masked: the caller then delivers the
 * indefinite. */
static inline bool x87_stack_fault(struct cpu *cpu, bool overflow)
{
    struct fpenv env = {.flags = FP_IE, .rounded_up = overflow, .unmasked = ~cpu->fpu.cw & FP_ALL};
    cpu->fpu.sw |= SW_SF;
    return x87_report(cpu, &env);
}

static inline void x87_set_cc(struct cpu *cpu, u16 cc)
{
    cpu->fpu.sw = (u16)((cpu->fpu.sw & ~(SW_C0 | SW_C2 | SW_C3)) | cc);
}

/* Push v, or deal with the overflow. */
static inline void x87_push(struct cpu *cpu, struct f80 v)
{
    if (LIKELY(st_empty(cpu, 7)))
        st_push(cpu, v);
    else if (x87_stack_fault(cpu, true))
        st_push(cpu, F80_INDEFINITE);
}

/* ---- the ten-byte memory format ---- */
static inline struct f80 f80_load(const u8 m[10])
{
    return (struct f80){ld64(m), ld16(m + 8)};
}

static inline void f80_store(u8 m[10], struct f80 v)
{
    st64(m, v.frac);
    st16(m + 8, v.se);
}

#endif
