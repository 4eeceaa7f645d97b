/* x87 operations on doubles: with precision control of 53 bits, rounding to nearest and everything
 * masked, a result that is a normal double is what the unit computes, too (SDM vol. 1 sections 4.8,
 * 8.1.5). Between blocks cpu->fpu.dbl names the registers that are kept as doubles. */
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
    bool fpsr;  /* leaves marks in the host's status */
    bool control; /* may change what X87_CONTROL says */
};
/* False: not one that is done with doubles. */
bool x87_does(const struct insn *insn, struct x87_does *d);

/* How far TOP moves in an instruction that exec does. */
int x87_step(const struct insn *insn);

/* What a stretch of instructions wants of the unit where it begins, by physical registers. */
struct x87_want {
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
/* Everything back to where exec has it. */
void jit_x87_sleep(struct cpu *cpu);

#endif
