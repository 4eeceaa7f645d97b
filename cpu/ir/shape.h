/* How wide each IR operation reads and writes its values, and how it moves flags: the facts that
 * the verifier and the passes share beside the rows of ops.def. */
#ifndef CPU_IR_SHAPE_H
#define CPU_IR_SHAPE_H

#include "cpu/ir/ir.h"
#include "devices/core/bits.h"

/* A temporary's contents as the verifier follows them: not written, or that many low bits are
 * meaningful, or a place. */
enum ir_width { IRW_NONE, IRW_8, IRW_16, IRW_32, IRW_64, IRW_PLACE };

static inline bool ir_is_guest(unsigned v)
{
    return v < IR_T0;
}

static inline bool ir_is_temp(unsigned v)
{
    return v >= IR_T0 && v < IR_MAX_VALUE;
}

static inline unsigned ir_type_width(unsigned type)
{
    return IRW_8 + type;
}

static inline unsigned ir_addr_width(bool long_mode)
{
    return long_mode ? IRW_64 : IRW_32;
}

/* Does exec run the guest instruction of this operation? */
static inline bool ir_calls_exec(unsigned op)
{
    return op == IR_EXEC || op == IR_EXECR || op == IR_EXECX;
}

/* Guest registers that the operation reads and writes beside its operands, as a mask. */
static inline unsigned ir_implicit(unsigned op)
{
    return op >= IR_MULU && op <= IR_DIVS ? BIT(REG_AX) | BIT(REG_DX) : 0;
}

/* Low bits of `a` that matter (where the row says u). */
static inline unsigned ir_reads_a(const struct ir_ins *i, bool long_mode)
{
    switch (i->op) {
    case IR_ZX8:
    case IR_SX8:
    case IR_SETH: return IRW_8;
    case IR_ZX16:
    case IR_SX16:
    case IR_GETH:
    case IR_SETF: return IRW_16;
    case IR_SX32: return IRW_32;
    case IR_SEG:
    case IR_CANON:
    case IR_LD:
    case IR_LDZ:
    case IR_LDX:
    case IR_LDW:
    case IR_ST:
    case IR_STI:
    case IR_VECL:
    case IR_VECLF:
    case IR_VECS:
    case IR_CALLI:
    case IR_RET:
    case IR_GOTOI: return ir_addr_width(long_mode);
    default: return ir_type_width(i->type);
    }
}

/* Low bits of `b` that matter (where the row says u or i and b is a value). */
static inline unsigned ir_reads_b(const struct ir_ins *i)
{
    switch (i->op) {
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR:
    case IR_BT:
    case IR_BTS:
    case IR_BTR:
    case IR_BTC:
    case IR_SHLD:
    case IR_SHRD: return IRW_8;
    case IR_STW: return IRW_PLACE;
    default: return ir_type_width(i->type);
    }
}

/* The type of the result as a guest register takes it: I8 and I16 keep the register's other bits.
 */
static inline unsigned ir_result_type(const struct ir_ins *i)
{
    return i->op == IR_LDZ || i->op == IR_LDX || i->op == IR_GETF ? (unsigned)I32 : i->type;
}

/* Low bits of a temporary `dst` that are meaningful behind the operation. */
static inline unsigned ir_result_width(const struct ir_ins *i)
{
    unsigned type = ir_result_type(i);
    if (type >= I32 || i->op == IR_LEA || i->op == IR_LDS || i->op == IR_LDC)
        return IRW_64;
    return ir_type_width(type);
}

/* A way out of the middle of a block? */
static inline bool ir_is_branch(unsigned op)
{
    return op == IR_JCC || op == IR_BRZ || op == IR_BRNZ || op == IR_BRNI;
}

/* Does the path through the block (possibly) end here, or stop for a fault, so that all guest state
 * must be true? */
static inline bool ir_needs_state(const struct ir_ins *i)
{
    return (ir_op_info[i->op].attrs & (IRA_FAULT | IRA_EXIT)) || ir_is_branch(i->op);
}

/* A shift whose count is known at run time only: with a count of 0 it writes nothing. */
static inline bool ir_may_keep_flags(const struct ir_ins *i)
{
    return (ir_op_info[i->op].fin & IRF_VAR) && i->b != IR_NONE;
}

/* Flags that are wanted before `i`, when `behind` are wanted behind it. */
static inline u8 ir_flags_before(const struct ir_ins *i, u8 behind)
{
    if (ir_needs_state(i))
        return IRF_ALL;
    if (ir_may_keep_flags(i))
        return behind;
    return (u8)((behind & ~i->flags_out) | ir_flags_in(i));
}

#endif
