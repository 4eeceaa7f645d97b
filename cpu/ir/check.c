/* The verifier of IR blocks: rows kept, temporaries written before they are read and no wider than
 * written, guest state untouched before an operation that may fault. */
#include "cpu/cpu.h"
#include "cpu/ir/shape.h"
#include "devices/core/err.h"

#include <string.h>

struct check {
    const struct ir_block *b;
    struct err *err;
    u32 n; /* the operation under test */
    const struct ir_ins *i;
    u8 width[IR_MAX_VALUE]; /* enum ir_width, of temporaries */
    u8 place_type[IR_MAX_VALUE];
    bool committed; /* the guest instruction has changed guest state */
};

static bool fail(struct check *c, const char *what)
{
    return err_set(c->err, "IR operation %u (%s.%u, guest instruction %u): %s.", c->n,
                   ir_op_info[c->i->op].name, 8 * ir_bytes(c->i->type), c->i->at, what);
}

static bool in_range(const struct check *c, unsigned v)
{
    return v < IR_T0 + c->b->ntemps;
}

static bool reads(struct check *c, unsigned v, unsigned width)
{
    if (!in_range(c, v))
        return fail(c, "a value that does not exist is read");
    if (ir_is_guest(v))
        return width != IRW_PLACE || fail(c, "a guest register is no place");
    if (c->width[v] == IRW_NONE)
        return fail(c, "a temporary is read before it is written");
    if ((width == IRW_PLACE) != (c->width[v] == IRW_PLACE))
        return fail(c, "places are for stw, and only they");
    return c->width[v] >= width || fail(c, "a temporary is read wider than it was written");
}

static bool writes(struct check *c, unsigned v, unsigned width)
{
    if (!in_range(c, v))
        return fail(c, "a value that does not exist is written");
    if (ir_is_temp(v))
        c->width[v] = (u8)width;
    else
        c->committed = true;
    return true;
}

/* What rows cannot say of types. */
static bool check_type(struct check *c)
{
    const struct ir_ins *i = c->i;
    switch (i->op) {
    case IR_VEC:
    case IR_VECF:
    case IR_VECX:
    case IR_VECXF:
    case IR_VECL:
    case IR_VECLF:
    case IR_VECS: return true;
    case IR_SETCC: return i->type == I8 || fail(c, "the type must be 8");
    case IR_BAIL:
    case IR_GETF: return i->type == I32 || fail(c, "the type must be 32");
    case IR_SX32: return i->type == I64 || fail(c, "the type must be 64");
    case IR_SHLD:
    case IR_SHRD:
    case IR_BSWAP: return i->type >= I32 || fail(c, "the type must be 32 or 64");
    case IR_LDZ:
    case IR_LDX: return i->type <= I32 || fail(c, "the type must be 32 at most");
    case IR_ZX16:
    case IR_SX16:
    case IR_LEA:
    case IR_IMUL:
    case IR_BT:
    case IR_BTS:
    case IR_BTR:
    case IR_BTC:
    case IR_BSF:
    case IR_BSR:
    case IR_TZCNT:
    case IR_LZCNT:
    case IR_POPCNT:
    case IR_CMOV:
        return (i->type >= I16 && i->type <= I64) || fail(c, "the type must be 16 at least");
    default: return i->type <= I64 || fail(c, "the type is of vectors");
    }
}

static bool fits_s32(s64 v)
{
    return v == (s32)v;
}

static bool state_offset(struct check *c, u64 off, unsigned size)
{
    return off + size <= offsetof(struct cpu, unwind) ||
           fail(c, "the offset lies outside the CPU's state");
}

static bool check_imm(struct check *c)
{
    const struct ir_ins *i = c->i;
    unsigned bits = 8 * ir_bytes(i->type);
    bool by_imm = ir_op_info[i->op].args[2] == 'i' && i->b == IR_NONE;
    switch (i->op) {
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR:
    case IR_SHLD:
    case IR_SHRD:
        if (by_imm)
            return (i->imm >= 1 && i->imm <= (bits == 64 ? 63 : 31)) ||
                   fail(c, "a shift count out of range");
        break;
    case IR_BT:
    case IR_BTS:
    case IR_BTR:
    case IR_BTC:
        if (by_imm)
            return (i->imm >= 0 && i->imm < bits) || fail(c, "a bit number out of range");
        break;
    case IR_LEA:
        if (i->b == IR_NONE && i->imm >> 32)
            return fail(c, "a scale without an index");
        return (u64)i->imm >> 32 <= 3 || fail(c, "a scale above 3");
    case IR_LD:
    case IR_LDZ:
    case IR_LDX:
    case IR_LDW:
    case IR_VECL:
    case IR_VECLF:
    case IR_VECS:
    case IR_ST: return fits_s32(i->imm) || fail(c, "a displacement of more than 32 bits");
    case IR_SEG:
        return (!(i->imm & ~(s64)0x1ff) && (i->imm & 0xff)) ||
               fail(c, "size and direction out of range");
    case IR_LDS:
    case IR_STS: return state_offset(c, (u64)i->imm, ir_bytes(i->type));
    case IR_ANDS:
    case IR_ORS: return state_offset(c, (u32)i->imm, 4);
    case IR_JCC:
    case IR_BRZ:
    case IR_BRNZ:
    case IR_BRNI:
    case IR_CALL:
    case IR_GOTO:
        return c->b->long_mode || !((u64)i->imm >> 32) || fail(c, "an EIP of more than 32 bits");
    case IR_BAIL:
        return (i->imm && !((u64)i->imm >> 32)) || fail(c, "a mask that is 0 or too wide");
    case IR_STI:
    case IR_LDC:
    case IR_MOVI: return true;
    }
    if (by_imm)
        return bits == 64 ? fits_s32(i->imm) || fail(c, "an immediate that does not fit 32 bits")
                          : (i->imm >= -(s64)BIT64(bits - 1) && i->imm < (s64)BIT64(bits)) ||
                                fail(c, "an immediate wider than the type");
    return !i->imm || fail(c, "an immediate that the row does not use");
}

static bool check_b(struct check *c, char arg)
{
    const struct ir_ins *i = c->i;
    bool optional = arg == 'i' || i->op == IR_LEA;
    switch (arg) {
    case '-': return i->b == IR_NONE || fail(c, "b is not used and must be none");
    case 's': return i->b < SEG__COUNT || fail(c, "b is no segment");
    case 'c': return i->b < 16 || fail(c, "b is no condition");
    case 'l': return i->b < IR_ACCESSES || fail(c, "b is no kind of access");
    case 'd': return ir_is_temp(i->b) || fail(c, "the place must be a temporary");
    default: return (optional && i->b == IR_NONE) || reads(c, i->b, ir_reads_b(i));
    }
}

static bool check_reads(struct check *c)
{
    const struct ir_ins *i = c->i;
    const char *args = ir_op_info[i->op].args;
    if (args[0] == '-' && i->dst != IR_NONE)
        return fail(c, "dst is not used and must be none");
    if (args[0] == 'm' &&
        !reads(c, i->dst, i->op == IR_SETH ? (unsigned)IRW_16 : ir_type_width(i->type)))
        return false;
    if (args[1] == '-' && i->a != IR_NONE)
        return fail(c, "a is not used and must be none");
    if (args[1] != '-' && !(i->op == IR_LEA && i->a == IR_NONE) &&
        !reads(c, i->a, ir_reads_a(i, c->b->long_mode)))
        return false;
    if (i->op == IR_XCHG && (!ir_is_guest(i->dst) || !ir_is_guest(i->a)))
        return fail(c, "both operands must be guest registers");
    if (!check_b(c, args[2]))
        return false;
    return i->op != IR_STW || c->place_type[i->b] == i->type ||
           fail(c, "the place was made for another type");
}

static bool check_writes(struct check *c)
{
    const struct ir_ins *i = c->i;
    const struct ir_op_info *info = &ir_op_info[i->op];
    unsigned old = ir_is_temp(i->dst) ? c->width[i->dst] : 0;
    if (info->args[0] == 'd' && !writes(c, i->dst, ir_result_width(i)))
        return false;
    /* What is modified keeps its width: SETH leaves the rest; CMOV widens as any result. */
    if (info->args[0] == 'm' && !writes(c, i->dst, i->op == IR_SETH ? old : ir_result_width(i)))
        return false;
    if (info->args[2] == 'd') {
        if (!writes(c, i->b, IRW_PLACE))
            return false;
        c->place_type[i->b] = i->type;
    }
    if (i->flags_out || (info->attrs & IRA_MEM && info->attrs & IRA_SIDE && i->op != IR_LDW) ||
        ir_implicit(i->op) || i->op == IR_STS || i->op == IR_ANDS || i->op == IR_ORS || i->op == IR_XCHG)
        c->committed = true;
    return true;
}

static bool check_ins(struct check *c)
{
    const struct ir_ins *i = c->i;
    const struct ir_op_info *info = &ir_op_info[i->op];
    bool last = c->n + 1 == c->b->n;
    if (i->at >= c->b->nguest || (c->n && i->at < i[-1].at))
        return fail(c, "guest instructions must come in order");
    if (c->n && i->at != i[-1].at)
        c->committed = false;
    if (i->flags_out & ~(info->fout & IRF_ALL))
        return fail(c, "it writes flags that its row does not");
    if (i->flags_live & ~i->flags_out)
        return fail(c, "flags are live that it does not write");
    if ((info->attrs & IRA_FAULT) && c->committed)
        return fail(c, "it may fault after its guest instruction has changed state");
    if (!(info->attrs & IRA_EXIT) == last)
        return fail(c, last ? "the last operation must end the block"
                            : "only the last operation may end the block");
    return check_type(c) && check_reads(c) && check_imm(c) && check_writes(c);
}

bool ir_check(const struct ir_block *b, struct err *err)
{
    struct check c = {.b = b, .err = err};
    if (b->n == 0 || b->n > IR_MAX_INS)
        return err_set(err, "IR block: %u operations.", b->n);
    if (b->nguest == 0 || b->nguest > IR_MAX_GUEST)
        return err_set(err, "IR block: %u guest instructions.", b->nguest);
    if (b->ntemps > IR_MAX_VALUE - IR_T0)
        return err_set(err, "IR block: %u temporaries.", b->ntemps);
    for (u32 k = 0; k < b->nguest; k++)
        if (b->off[0] || (!(b->jumped >> k & 1) &&
                          (b->off[k + 1] <= b->off[k] || b->off[k + 1] - b->off[k] > 15)))
            return err_set(err, "IR block: guest instruction %u has an impossible length.", k);
    for (c.n = 0; c.n < b->n; c.n++) {
        c.i = &b->ins[c.n];
        if (c.i->op >= IR__COUNT || c.i->type > I128)
            return err_set(err, "IR operation %u: no such operation or type.", c.n);
        if (!check_ins(&c))
            return false;
    }
    return true;
}
