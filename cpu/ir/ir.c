/* The table of IR operations and what follows from a row: flags read, conditions, flag formats. */
#include "cpu/ir/ir.h"

const struct ir_op_info ir_op_info[IR__COUNT] = {
#define USE(args)                                                                                  \
    (((args)[0] == 'd' ? IRU_SETS_DST | IRU_WRITES_DST : 0) |                                      \
     ((args)[0] == 'm' ? IRU_WRITES_DST | IRU_READS_DST : 0) |                                     \
     ((args)[1] == 'm' ? IRU_WRITES_A : 0) | ((args)[1] != '-' ? IRU_READS_A : 0) |                \
     ((args)[2] == 'd' ? IRU_WRITES_B | IRU_VALUE_B : 0) |                                         \
     ((args)[2] == 'u' || (args)[2] == 'i' ? IRU_READS_B | IRU_VALUE_B : 0))
#define IR(id, text, args, fin, fout, attrs)                                                       \
    [IR_##id] = {text, args, fin, fout, attrs, USE(args)},
#include "cpu/ir/ops.def"
#undef IR
#undef USE
};

u8 ir_cc_flags(unsigned cc)
{
    static const u8 flags[8] = {
        IRF_O, IRF_C, IRF_Z, IRF_C | IRF_Z, IRF_S, IRF_P, IRF_S | IRF_O, IRF_S | IRF_O | IRF_Z,
    };
    return flags[cc >> 1 & 7];
}

u8 ir_flags_in(const struct ir_ins *i)
{
    u8 fin = ir_op_info[i->op].fin;
    if (fin & IRF_CC)
        return ir_cc_flags(i->b);
    if (fin & IRF_VAR)
        return i->b == IR_NONE || !i->flags_out ? 0 : IRF_ALL;
    return fin;
}

u8 ir_flags_pack(u32 f)
{
    return (u8)((f & F_C) | (f & F_P) >> 1 | (f & F_A) >> 2 | (f & F_Z) >> 3 | (f & F_S) >> 3 |
                (f & F_O) >> 6);
}

u32 ir_flags_unpack(u8 f)
{
    return (u32)((f & IRF_C) | (f & IRF_P) << 1 | (f & IRF_A) << 2 | (f & IRF_Z) << 3 |
                 (f & IRF_S) << 3 | (f & IRF_O) << 6);
}

void ir_optimise(struct ir_block *b, u32 mask)
{
    if (mask & BIT(IR_PASS_FOLD))
        ir_pass_fold(b);
    if (mask & BIT(IR_PASS_DCE))
        ir_pass_dce(b);
    else
        ir_pass_liveness(b);
}
