/* What the templates of x87 operations share, and the stubs for 64 bits of precision: registers are
 * where exec has them, in fpu.st (SDM vol. 1 section 8.2). */
#ifndef CPU_JIT_A64_X87_WIDE_H
#define CPU_JIT_A64_X87_WIDE_H

#include "cpu/jit/a64/em.h"

struct x87_op {
    struct em *e;
    struct as *a;
    const struct ir_ins *i;
    const struct insn *insn;
};

/* The physical register ST(i); is there an operand in memory? */
static inline unsigned em_x87_phys(const struct em *e, unsigned i)
{
    return (e->x87.top + i) & 7;
}
static inline bool em_x87_is_memory(const struct x87_op *o)
{
    return o->insn->o[0].kind == OPND_MEM;
}

/* x87.c: the instruction's place and how C1 comes about are noted; so is where the operand of the access
 * at p lies, which spoils SCR3. n registers are popped. */
void em_x87_note(const struct x87_op *o, enum x87_c1 c1, unsigned a, unsigned b);
void em_x87_note_memory(const struct x87_op *o, struct em_place p);
void em_x87_pop(struct em *e, unsigned n);
/* A word of struct cpu to memory; the control word from there; the status word */
void em_x87_store_word(const struct x87_op *o, s64 off);
void em_x87_load_control(const struct x87_op *o);
void em_x87_status(const struct x87_op *o);

/* The templates of one kind of registers. `op`: WIDE_ADD to WIDE_DIVR; pops: how many registers. */
struct x87_way {
    void (*arith)(const struct x87_op *o, enum be_x87_wide op, bool integer, unsigned pops);
    void (*root)(const struct x87_op *o);
    void (*sign)(const struct x87_op *o, bool clear); /* FABS, else FCHS */
    void (*exchange)(const struct x87_op *o);
    /* with ST(i) or, in memory, with an integer or a number, or with zero; to the unit's flags */
    void (*order)(const struct x87_op *o, unsigned i, bool integer, bool zero, unsigned pops);
    void (*order_flags)(const struct x87_op *o, unsigned pops); /* ... to EFLAGS */
    void (*load)(const struct x87_op *o, bool integer);
    void (*constant)(const struct x87_op *o, bool one); /* else zero */
    void (*store)(const struct x87_op *o, unsigned pops);
    void (*store_int)(const struct x87_op *o, bool trunc, unsigned pops);
};
/* x87.c: registers are doubles; x87_wide.c: they have 64 bits of precision. */
extern const struct x87_way em_x87_doubles, em_x87_wide;

/* x87_wide_stubs.c, x87_wide_move.c: stubs for be_stubs.x87_wide, of BL. They leave all registers but those
 * named and V0 to V5 as they are, NZCV too. What is neither normal nor zero, or near the ends of the range,
 * they refuse without having done anything; else FP_PE and x87_c1 are what the operation makes of them.
 *
 * ADD to SQRT: *SCR = *SCR op *ADDR; of DIV, DIVR and SQRT SCR3 is spoilt. ORDER: of *SCR and *ADDR: 0, SW_C0
 * or SW_C3. LOAD: *SCR = SCR2 (integers extended). All spoil SCR, ADDR, SCR2, SCR3; SCR is 0, for ORDER
 * WIDE_REFUSED, when they refuse.
 * STORE: SCR2 = *SCR2, SCR3 is 0 when it refuses; of integers SCR3 says what exponent is too large. */
enum { WIDE_REFUSED_BIT = 16, WIDE_REFUSED = 1 << WIDE_REFUSED_BIT };
void em_x87_wide_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs);
void em_x87_wide_moves(struct codebuf *buf, struct as *a, struct be_stubs *stubs);

/* Both: the last part of a stub, C1 of bit 0 of `up`, FP_PE unless `rest` is 0; `up` and t are spoilt. */
void em_x87_wide_rounded(struct as *a, unsigned up, unsigned rest, unsigned t);

#endif
