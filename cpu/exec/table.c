/* The table of handlers. An operation that no file implements gets a weak handler here that raises #UD, so the program
 * links whatever families are present. */
#include "cpu/exec/exec.h"

#define OP(id, text, reads, writes, undef, attrs, feat)                                            \
    __attribute__((weak)) void exec_##id(struct cpu *cpu, const struct insn *insn)                 \
    {                                                                                              \
        cpu_raise(cpu, EXC_UD);                                                                    \
    }
#include "cpu/isa/ops.def"
#undef OP

exec_fn *const exec_table[OP__COUNT] = {
#define OP(id, text, reads, writes, undef, attrs, feat) [OP_##id] = exec_##id,
#include "cpu/isa/ops.def"
#undef OP
};
