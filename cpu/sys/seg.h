/* Segment descriptors: reading, checking and loading them (SDM vol. 3 chapter 3 and sections 5.2
 * to 5.8). */
#ifndef CPU_SYS_SEG_H
#define CPU_SYS_SEG_H

#include "cpu/cpu.h"

/* A descriptor as it stands in its table. */
struct desc {
    u64 la;     /* where */
    u32 lo, hi; /* its two doublewords; DA_* bits apply to hi */
};

/* Types of system descriptors (DA_TYPE >> 8). 16-bit and 32-bit kinds differ in bit 3. */
enum {
    SYS_TSS16 = 1,
    SYS_LDT = 2,
    SYS_TSS16_BUSY = 3,
    SYS_CALL16 = 4,
    SYS_TASK_GATE = 5,
    SYS_INT16 = 6,
    SYS_TRAP16 = 7,
    SYS_TSS32 = 9,
    SYS_TSS32_BUSY = 11,
    SYS_CALL32 = 12,
    SYS_INT32 = 14,
    SYS_TRAP32 = 15,
};

static inline unsigned desc_dpl(const struct desc *d)
{
    return d->hi >> 13 & 3;
}
static inline unsigned desc_type(const struct desc *d)
{
    return d->hi >> 8 & 15;
}
static inline bool desc_is_sys(const struct desc *d)
{
    return !(d->hi & DA_S);
}
static inline bool desc_present(const struct desc *d)
{
    return d->hi & DA_P;
}
static inline bool desc_is_code(const struct desc *d)
{
    return (d->hi & (DA_S | DA_CODE)) == (DA_S | DA_CODE);
}
static inline bool desc_is_conforming(const struct desc *d)
{
    return (d->hi & (DA_S | DA_CODE | DA_CONFORM)) == (DA_S | DA_CODE | DA_CONFORM);
}
static inline bool desc_is_wdata(const struct desc *d)
{
    return (d->hi & (DA_S | DA_CODE | DA_WRITE)) == (DA_S | DA_WRITE);
}
/* A readable segment: any data segment, or code with R set. */
static inline bool desc_is_readable(const struct desc *d)
{
    return (d->hi & DA_S) && (!(d->hi & DA_CODE) || (d->hi & DA_READ));
}
static inline bool sel_null(unsigned sel)
{
    return !(sel & 0xfffc);
}
static inline unsigned seg_dpl(const struct seg *s)
{
    return s->attr >> 13 & 3;
}

static inline u32 desc_limit(const struct desc *d) /* in bytes, granularity applied */
{
    u32 limit = (d->lo & 0xffff) | (d->hi & 0xf0000);
    return d->hi & DA_G ? limit << 12 | 0xfff : limit;
}
static inline u64 desc_base(const struct desc *d) /* bits 31..0 */
{
    return d->lo >> 16 | (d->hi & 0xff) << 16 | (d->hi & 0xff000000);
}
/* Read the descriptor `sel` names. False when it lies outside its table or the LDT is unusable; may
 * raise #PF. */
bool desc_read(struct cpu *cpu, unsigned sel, struct desc *d);
/* The second eight bytes of the 16-byte descriptor *d of long mode at `sel`; #GP(sel) when they lie
 * outside of the table. */
u64 desc_high(struct cpu *cpu, unsigned sel, const struct desc *d);
/* Set the accessed bit in memory and in *d if it is clear; may raise #PF. */
void desc_touch(struct cpu *cpu, struct desc *d);
/* The hidden part that loading `sel` with descriptor d gives; base_high is or-ed into the base. */
static inline struct seg seg_make(unsigned sel, const struct desc *d)
{
    return (struct seg){
        .base = desc_base(d), .limit = desc_limit(d), .attr = d->hi & 0x00f0ff00, .sel = (u16)sel};
}

/* Recompute end_r and end_w of cpu->seg[s] for the present mode. */
void seg_update(struct cpu *cpu, unsigned s);
void seg_update_all(struct cpu *cpu);
/* Put values in place as segment register s with its ends (no checks, no cpu_update_mode). */
void seg_set(struct cpu *cpu, unsigned s, unsigned sel, u64 base, u32 limit, u32 attr);
static inline void seg_put(struct cpu *cpu, unsigned s, const struct seg *v)
{
    seg_set(cpu, s, v->sel, v->base, v->limit, v->attr);
}
/* The same from a descriptor. */
static inline void seg_put_desc(struct cpu *cpu, unsigned s, unsigned sel, const struct desc *d)
{
    seg_set(cpu, s, sel, desc_base(d), desc_limit(d), d->hi & 0x00f0ff00);
}
/* CS and SS as SYSENTER and its like make them of nothing but selectors: flat, `size` of CS. */
void seg_put_flat(struct cpu *cpu, unsigned cs, unsigned ss, unsigned cpl, u32 size);
/* A null selector's register: every use faults. */
void seg_put_null(struct cpu *cpu, unsigned s, unsigned sel);
/* Load as real mode does: base = 16 * sel, limit and size as they are. V86: everything is fixed. */
void seg_put_real(struct cpu *cpu, unsigned s, unsigned sel);
void seg_put_v86(struct cpu *cpu, unsigned s, unsigned sel);

/* MOV Sreg, POP Sreg, LDS...: load `sel` into s (not CS) in the present mode with all checks;
 * raises or commits. */
void seg_load(struct cpu *cpu, unsigned s, unsigned sel);
/* Check `sel` as a stack segment for privilege level `cpl`: failing raises `vector` (EXC_GP or
 * EXC_TS), #SS when not present, with `ext` (0 or 1) or-ed into the error code. *d is its
 * descriptor. */
void seg_check_stack(struct cpu *cpu, unsigned sel, unsigned cpl, unsigned vector, unsigned ext,
                     struct desc *d);
/* After a return to an outer level: data segment registers that the new CPL may not use become
 * null. */
void seg_null_inner(struct cpu *cpu);

/* LAR, LSL, VERR, VERW: whether the selector is visible at CPL and RPL, and what it gives. */
bool seg_lar(struct cpu *cpu, unsigned sel, u32 *rights);
bool seg_lsl(struct cpu *cpu, unsigned sel, u32 *limit);
bool seg_verify(struct cpu *cpu, unsigned sel, bool write);

/* LLDT and LTR at CPL 0 in protected mode. */
void seg_load_ldt(struct cpu *cpu, unsigned sel);
void seg_load_tr(struct cpu *cpu, unsigned sel);

/* ---- a stack that is being built, on a segment that need not be loaded yet ---- */
struct stack {
    const struct seg *seg; /* NULL: 64-bit mode, flat */
    u64 sp, mask;
    int mode;  /* MMU_SUP or MMU_USER */
    u32 error; /* error code of #SS when there is no room */
};
/* The stack in *seg at sp, for accesses at privilege level cpl. seg->attr gives the width. (In line,
 * as is seg_make(): a structure that is copied whole right after its members were stored waits for
 * the host's store buffer.) */
static inline struct stack stack_at(const struct seg *seg, u64 sp, unsigned cpl, u32 error)
{
    u64 mask = seg->attr & DA_DB ? 0xffffffffu : 0xffffu;
    return (struct stack){
        .seg = seg, .sp = sp, .mask = mask, .mode = cpl == 3 ? MMU_USER : MMU_SUP, .error = error};
}
/* The present stack. */
static inline struct stack stack_now(struct cpu *cpu)
{
    struct stack st = stack_at(&cpu->seg[SEG_SS], cpu->gpr[REG_SP], cpu->cpl, 0);
    if (cpu->code_bits == 64) {
        st.seg = NULL;
        st.mask = ~(u64)0;
    }
    return st;
}
/* Push `size` bytes: memory is written, the registers are not. */
void stack_push(struct cpu *cpu, struct stack *st, unsigned size, u64 v);
/* Pop `size` bytes, moving st->sp only. */
u64 stack_pop(struct cpu *cpu, struct stack *st, unsigned size);
/* Push v[0] to v[n - 1], in that order, and pop as many; in one piece when no access of them can
 * fault. */
void stack_push_words(struct cpu *cpu, struct stack *st, unsigned size, const u64 *v, unsigned n);
void stack_pop_words(struct cpu *cpu, struct stack *st, unsigned size, u64 *v, unsigned n);
/* Make `sp` the stack pointer, in the width of the stack segment that is loaded by now. */
static inline void sp_put(struct cpu *cpu, u64 sp)
{
    u64 *r = &cpu->gpr[REG_SP];
    if (cpu->stack_bits == 16)
        *r = (*r & ~(u64)0xffff) | (sp & 0xffff);
    else
        *r = cpu->stack_bits == 32 ? (u32)sp : sp;
}

#endif
