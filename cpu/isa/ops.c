/* What is known of each operation, expanded from ops.def. */
#include "cpu/isa/isa.h"

const struct op_info op_info[OP__COUNT] = {
#define OP(id, text, reads, writes, undef, attrs, feat)                                            \
    [OP_##id] = {text, reads, writes, undef, attrs, FEAT_##feat},
#include "cpu/isa/ops.def"
#undef OP
};
