/* Runs of string elements, shared by the memory and the port strings. */
#ifndef CPU_EXEC_STRING_H
#define CPU_EXEC_STRING_H

#include "cpu/exec/exec.h"

struct run {
    u32 n; /* elements; 0: the count register is 0, nothing happens */
    unsigned size, shift; /* bytes of an element: 1 << shift */
    bool back;   /* DF */
    bool single; /* addresses are compared or aligned: no block moves */
};

/* Start with as many elements as the count asks for, at most a page of bytes. */
void string_begin(struct cpu *cpu, const struct insn *insn, struct run *r);
/* Cut the run to what lies in one page and in the segment behind s:reg; at least 1 element stays.
 */
void string_limit(struct cpu *cpu, const struct insn *insn, struct run *r, unsigned s, unsigned reg,
                  bool write);
/* Move index register `reg` over n elements; take n off the count. */
void string_step(struct cpu *cpu, const struct insn *insn, const struct run *r, unsigned reg,
                 u32 n);
void string_count(struct cpu *cpu, const struct insn *insn, u32 n);
/* Behind a run: restart the instruction if the count is not used up. */
void string_end(struct cpu *cpu, const struct insn *insn);

#endif
