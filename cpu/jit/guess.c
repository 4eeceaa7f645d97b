/* Which accesses guess their addend, and which blocks are worth the effort. */
#include "cpu/jit/guess.h"

static bool is_load(const struct ir_ins *i)
{
    return i->op == IR_LD || i->op == IR_LDZ || i->op == IR_LDX || i->op == IR_LDW;
}

/* Are there guesses in this block at all? */
static bool guesses(const struct be_stubs *stubs, const struct be_in *in)
{
    return in->guess && stubs->flat && !in->ir->long_mode;
}

static bool is_late(const bool *late, u8 v)
{
    return v < IR_MAX_VALUE && late[v];
}

/* One walk over the block: a value is late that was loaded or made of one that is. */
static void walk(const struct ir_block *b, bool *late, bool *value)
{
    for (u32 n = 0; n < b->n; n++) {
        const struct ir_ins *i = &b->ins[n];
        u8 use = ir_op_info[i->op].use;
        bool l = is_load(i) || ((use & IRU_READS_DST) && is_late(value, i->dst)) ||
                 ((use & IRU_READS_A) && is_late(value, i->a)) ||
                 ((use & IRU_READS_B) && is_late(value, i->b));
        if (ir_op_info[i->op].attrs & IRA_MEM)
            late[n] = is_late(value, i->a);
        if ((use & IRU_WRITES_DST) && i->dst < IR_MAX_VALUE)
            value[i->dst] = l;
    }
}

void guess_plan(const struct be_stubs *stubs, const struct be_in *in, bool *late)
{
    const struct ir_block *b = in->ir;
    bool value[IR_MAX_VALUE];
    if (!guesses(stubs, in))
        return;
    memset(value, 0, IR_T0 + b->ntemps);
    if (plan_is_loop(b))
        walk(b, late, value);
    walk(b, late, value);
}

u32 guess_take(const struct be_stubs *stubs, const struct be_in *in, struct be_out *out, const bool *late,
               u32 n, bool lead)
{
    const struct ir_ins *i = &in->ir->ins[n];
    if (!guesses(stubs, in) || !(ir_op_info[i->op].attrs & IRA_MEM) || !late[n] ||
        !(is_load(i) || lead) || out->nguesses >= CPU_GUESSES)
        return 0;
    return 1 + (in->guess_first + out->nguesses++) % CPU_GUESSES;
}

bool guess_worth_effort(const struct be_stubs *stubs, const struct be_in *in, const bool *follows)
{
    const struct ir_block *b = in->ir;
    if (!in->heats || in->cut)
        return in->heats;
    for (u32 n = 0; n < b->n && stubs->flat && !b->long_mode; n++)
        if (is_load(&b->ins[n]) && b->ins[n].a != REG_SP && !follows[n])
            return true;
    return plan_is_loop(b);
}
