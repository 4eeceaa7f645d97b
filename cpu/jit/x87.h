/* x87 operations in back ends without such a unit, with rounding to nearest and everything masked. With
 * precision control of 53 bits on doubles: a result that is a normal double is what the unit computes,
 * too (SDM vol. 1 sections 4.8, 8.1.5); between blocks cpu->fpu.dbl names the registers that are kept so.
 * With 64 bits ("wide") on the registers as they are. */
#ifndef CPU_JIT_X87_H
#define CPU_JIT_X87_H

#include "cpu/cpu.h"
#include "cpu/isa/isa.h"

/* What an instruction does to the stack. Registers as masks of ST(i) before it. */
struct x87_does {
    u8 reads;   /* must not be empty */
    u8 writes;  /* gets a value: must be one of doubles, or pushed */
    bool push;  /* writes what becomes ST(0) */
    u8 pops;
    u8 ready;   /* X87_* that must be 0 */
    u8 wide;    /* ... in wide code beside what `ready` says of X87_CONTROL, which must be X87_WIDE */
    bool fpsr;  /* leaves marks in the host's status */
    bool control; /* may change what X87_CONTROL says */
};
/* False: not one that is done with doubles. */
bool x87_does(const struct insn *insn, struct x87_does *d);

/* How far TOP moves in an instruction that exec does. */
int x87_step(const struct insn *insn);

/* What a stretch of instructions wants of the unit where it begins, by physical registers. */
struct x87_want {
    bool wide; /* no register is a double, X87_CONTROL is X87_WIDE where it counts */
    u8 top;
    u8 tagged, empty; /* of the registers in the mask `tagged`: empty or not */
    u8 dbl;           /* mask: doubles */
    u8 ready;
    bool fpsr;
};
/* One more instruction: adds what it wants, unless one before it settles that, and moves *top. `made`:
 * masks of the registers of which one before says that they are empty, or not. False: it contradicts
 * what comes before it, and nothing is added. */
struct x87_made {
    u8 top, tagged, empty, dbl, control; /* the last: of `ready`, what is another now */
};
bool x87_add(struct x87_want *w, struct x87_made *made, const struct x87_does *d);

/* cpu->x87_c1: how C1 comes of cpu->x87_last. */
enum x87_c1 {
    C1_CLEAR, /* it is 0 */
    C1_KNOWN, /* it is in the status word */
    C1_SET,   /* it is 1 */
    C1_ADD,
    C1_SUB,
    C1_MUL,
    C1_DIV,
    C1_SQRT,
    C1_SINGLE, /* stored in single precision */
    C1_INT,    /* ... as an integer */
};

/* The word at cpu->fpu.top as struct x87_want has it, and which of its bits count. */
u32 x87_word(const struct x87_want *w);
u32 x87_care(const struct x87_want *w);
/* Make the unit's state such that the word agrees with `want` in the bits of `care`; 0: it is another. */
u64 jit_x87_wake(struct cpu *cpu, u64 unused, u64 care_want, u32 site);
/* An operation rounded, and FP_PE was clear. */
void jit_x87_rounds(struct cpu *cpu, u64 unused, u64 unused2, u32 site);
/* Is the precision control that of doubles? */
bool jit_x87_doubles(const struct cpu *cpu);
/* ... all 64 bits? */
bool jit_x87_wide(const struct cpu *cpu);
/* Wide code: *to = *to / *by, *by / *to, root of *to, where all are normal numbers or zeroes; else 0. */
u64 jit_x87_div(struct cpu *cpu, const struct f80 *by, struct f80 *to, u32 site);
u64 jit_x87_divr(struct cpu *cpu, const struct f80 *by, struct f80 *to, u32 site);
u64 jit_x87_sqrt(struct cpu *cpu, const struct f80 *unused, struct f80 *to, u32 site);
/* Everything back to where exec has it. */
void jit_x87_sleep(struct cpu *cpu);

#endif
