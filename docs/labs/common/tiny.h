/* The tiny emulator of labs 3, 4 and 7: our decoder, our handlers and our memory, and a run loop
 * that the student writes. 32-bit code at level 0, flat, without paging and interrupts; HLT ends
 * it. */
#ifndef DOCS_LABS_COMMON_TINY_H
#define DOCS_LABS_COMMON_TINY_H

#include "cpu/isa/isa.h"
#include "devices/core/types.h"

struct machine;
struct cpu;

enum {
    TINY_CODE = 0x10000,      /* where programs begin */
    TINY_DATA = 0x40000,      /* ... and keep their data */
    TINY_MOST = 20000000,     /* instructions; who runs more does not end */
};

struct tiny {
    struct machine *m;
    struct cpu *cpu;
    u64 decoded;   /* calls of tiny_decode */
    u64 executed;  /* calls of tiny_execute */
    u64 looked_up; /* calls of tiny_look_up */
    /* told of every write to memory that tiny_watch named; may be NULL */
    void (*wrote)(void *arg, u32 addr, u32 len);
    void *arg;
};

/* ---- for run loops ---- */

/* Decode the instruction at address `eip`. False: the bytes there are no instruction. */
bool tiny_decode(struct tiny *t, u32 eip, struct insn *out);
/* Run the handler of a decoded instruction, which must be the one at EIP: registers, flags,
 * memory and EIP change. */
void tiny_execute(struct tiny *t, const struct insn *insn);
/* EIP of the next instruction. */
u32 tiny_eip(const struct tiny *t);
/* Has HLT been executed? */
bool tiny_halted(const struct tiny *t);
/* Does a block end behind this instruction, because it jumps or changes the mode? */
bool tiny_ends_block(const struct insn *insn);
/* Count a search for a block by its address. */
void tiny_look_up(struct tiny *t);
/* `wrote` wants to hear of writes to these bytes from now on (and may hear of their
 * neighbours'). */
void tiny_watch(struct tiny *t, u32 addr, u32 len);

/* ---- for test benches ---- */

/* A machine with `n` bytes of code at TINY_CODE, registers zero but ESP. Ends the program when
 * there is no memory. */
void tiny_init(struct tiny *t, const void *code, size_t n);
void tiny_free(struct tiny *t);
/* Back to the start: registers as tiny_init left them, memory as it is. */
void tiny_again(struct tiny *t);
/* Call run(arg). False: a fault, an invalid instruction or too many instructions ended it. */
bool tiny_run(struct tiny *t, void (*run)(void *arg), void *arg);
/* The same program by our own interpreter. */
bool tiny_reference(struct tiny *t);
/* Are registers, flags, EIP and all memory equal? */
bool tiny_equal(const struct tiny *a, const struct tiny *b);
/* Put bytes into memory from outside of the guest. */
void tiny_load(struct tiny *t, u32 addr, const void *bytes, size_t n);
u32 tiny_ld32(const struct tiny *t, u32 addr);
/* A general register by its number (REG_AX ...). */
u32 tiny_reg(const struct tiny *t, unsigned reg);

#endif
