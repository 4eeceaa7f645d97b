/* The evaluator: IR executed on struct cpu in plain C, the reference for every back end and the
 * engine for hosts without one. */
#ifndef CPU_IR_EVAL_H
#define CPU_IR_EVAL_H

#include "cpu/cpu.h"
#include "cpu/ir/ir.h"

enum ir_left {
    LEFT_NEXT, /* cpu->rip is where to go on */
    LEFT_BAIL, /* cpu->rip is a guest instruction of which nothing is committed: exec must run it */
};

struct ir_run {
    u32 done; /* guest instructions of the block completed so far; true at every EXEC, and when a
                 fault leaves */
    const bool *stop; /* NULL, or what makes the block leave behind an EXEC when it has become true
                         (block invalidated) */
};

/* Run block `b`, whose first instruction is at cpu->rip. insns[at] is the decoded guest instruction
 * of every EXEC and EXECX. The caller charges run->done instructions afterwards; while exec_
 * functions run (and when one of them, or a page fault, leaves by cpu_raise) cpu->ahead is
 * -run->done, so that cpu_icount() is exact. The block must stay in memory while it runs, even when
 * its code is overwritten: run->stop then makes it leave behind the writing instruction. */
enum ir_left ir_eval(struct cpu *cpu, const struct ir_block *b, const struct insn *const *insns,
                     struct ir_run *run);

#endif
