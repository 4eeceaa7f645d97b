/* Dead code: operations without effect of which neither the value nor a flag is wanted go away, and
 * what only they wanted with them. One walk from the end, which also leaves flags_live as
 * pass_liveness would. */
#include "cpu/ir/shape.h"

#include <string.h>

struct live {
    u64 values[(IR_MAX_VALUE + 63) / 64];
    u8 flags;
};

enum { GUEST_REGS = (1 << IR_T0) - 1 };

static bool is_live(const struct live *l, unsigned v)
{
    return l->values[v >> 6] >> (v & 63) & 1;
}

static void want(struct live *l, unsigned v)
{
    if (v < IR_MAX_VALUE)
        l->values[v >> 6] |= BIT64(v & 63);
}

static void kill_value(struct live *l, unsigned v)
{
    if (v < IR_MAX_VALUE)
        l->values[v >> 6] &= ~BIT64(v & 63);
}

static bool is_dead(const struct live *l, const struct ir_ins *i, const struct ir_op_info *info)
{
    if (info->attrs & (IRA_FAULT | IRA_SIDE | IRA_EXIT))
        return false;
    if (i->flags_out & l->flags)
        return false;
    return i->dst == IR_NONE || !is_live(l, i->dst);
}

/* What is wanted before `i`, from what is wanted behind it. */
static void step(struct live *l, const struct ir_ins *i, const struct ir_op_info *info)
{
    u8 use = info->use;
    if ((use & IRU_SETS_DST) && (ir_is_temp(i->dst) || ir_result_type(i) >= I32))
        kill_value(l, i->dst);
    if (use & IRU_WRITES_B)
        kill_value(l, i->b);
    l->flags = ir_flags_before(i, l->flags);
    if (ir_needs_state(i))
        l->values[0] |= GUEST_REGS;
    if (use & IRU_READS_DST)
        want(l, i->dst);
    if (use & IRU_READS_A)
        want(l, i->a);
    if (use & IRU_READS_B)
        want(l, i->b);
    l->values[0] |= ir_implicit(i->op);
}

/* `by` is all that wants the temporary that i gives and only copies it (behind GETH: extends what is
 * extended): i may give by's destination at once. */
static bool only_copied(const struct live *l, const struct ir_ins *i, const struct ir_ins *by)
{
    bool copies = by->op == IR_MOV || (by->op == IR_ZX8 && i->op == IR_GETH);
    return copies && by->type >= I32 && i->type == by->type && i->at == by->at &&
           i->dst == by->a && ir_is_temp(i->dst) && !is_live(l, i->dst) &&
           i->op <= IR_LDX && ir_op_info[i->op].use & IRU_SETS_DST &&
           ir_result_type(i) == by->type;
}

void ir_pass_dce(struct ir_block *b)
{
    struct live l = {.values = {GUEST_REGS}, .flags = IRF_ALL};
    u32 to = b->n;
    for (u32 n = b->n; n-- > 0;) {
        struct ir_ins *i = &b->ins[n];
        const struct ir_op_info *info = &ir_op_info[i->op];
        if (is_dead(&l, i, info))
            continue;
        if (n && only_copied(&l, i - 1, i)) {
            i[-1].dst = i->dst;
            continue;
        }
        i->flags_live = i->flags_out & l.flags;
        step(&l, i, info);
        b->ins[--to] = *i;
    }
    b->n -= to;
    if (to)
        memmove(b->ins, b->ins + to, b->n * sizeof(b->ins[0]));
}
