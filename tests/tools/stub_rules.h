/* One step of both machines, and what QEMU is known to do otherwise. */
#ifndef TESTS_TOOLS_STUB_RULES_H
#define TESTS_TOOLS_STUB_RULES_H

#include "cpu/cpu.h"
#include "tests/tools/stub.h"

/* In what two states differ. */
enum {
    DIFF_GPR = 1,
    DIFF_RIP = 2,
    DIFF_FLAGS = 4,
    DIFF_SEL = 8,
    DIFF_CR = 16,
    DIFF_X87 = 32,
    DIFF_SSE = 64,
    DIFF_MEM = 128,
    DIFF_ALL = 255,
};

struct stub_step {
    u64 number;
    u64 la;              /* of the instruction */
    u8 bytes[16];
    bool decoded;        /* into `in`: false also when its bytes cannot be read */
    struct insn in;
    struct stub_state before, ours, theirs;
    struct seg seg[SEG__COUNT]; /* before */
    u8 code_bits, stack_bits;
    int vector;          /* what it raised in ours, -1: nothing */
    u32 error;
    u32 diff;            /* DIFF_* */
    u32 flags;           /* that differ */
    u32 mem_at, mem_n;   /* DIFF_MEM: the first byte, how many */
    u8 mem_ours, mem_theirs; /* the first byte on each side */
    u64 ea, operand;     /* offset and linear address of the memory operand */
    bool memory;         /* it has one */
};

struct stub_rule {
    u16 op;              /* enum op, or STUB_ANY */
    u8 diff;             /* what it explains */
    bool (*when)(const struct stub_step *st); /* NULL: always */
    bool stop;           /* QEMU cannot be given our state: the ROM's run ends */
    const char *why;
};
#define STUB_ANY 0xffff

/* How many rules there are; the rule's number for what differs, -1 when nothing explains it. */
extern const struct stub_rule stub_rules[];
extern const unsigned stub_nrules;
int stub_excuse(const struct stub_step *st);
/* Is the result what some device or clock said? Then QEMU gets ours and nothing is counted. */
bool stub_input(const struct stub_step *st);
/* Fill ea, operand and memory from the rest. */
void stub_operand(struct stub_step *st);

#endif
