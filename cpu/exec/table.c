/* The table of handlers: every operation of ops.def has one, or the program does not link. */
#include "cpu/exec/exec.h"

exec_fn *const exec_table[OP__COUNT] = {
#define OP(id, text, reads, writes, undef, attrs, feat) [OP_##id] = exec_##id,
#include "cpu/isa/ops.def"
#undef OP
};
