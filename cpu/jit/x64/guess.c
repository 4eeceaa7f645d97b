/* Guesses: a load through a pointer that was itself just loaded waits for the table's entry before it
 * can start. Where the addend is guessed, to be what the same instruction found last, only the
 * comparison waits, which the host's branch prediction takes out of the way: a chain of pointers then
 * costs one load a link instead of two. Wrong guesses cost a mispredicted branch; blocks where they
 * are common are made anew without (jit.c). */
#include "cpu/jit/x64/group.h"
#include "cpu/ir/shape.h"

static bool is_load(const struct ir_ins *i)
{
    return i->op == IR_LD || i->op == IR_LDZ || i->op == IR_LDX || i->op == IR_LDW;
}

/* Are there guesses in this block at all? */
static bool guesses(const struct em *e)
{
    return e->in->guess && e->stubs->flat && !e->in->ir->long_mode;
}

static bool may_guess(const struct em *e, const struct ir_ins *i, u32 n)
{
    return ir_op_info[i->op].attrs & IRA_MEM && e->late[n] &&
           (is_load(i) || (e->group[n] && e->groups[e->group[n] - 1].first == n));
}

static bool is_late(const bool *late, u8 v)
{
    return v < IR_MAX_VALUE && late[v];
}

/* One walk over the block: a value is late that was loaded or made of one that is. */
static void walk(struct em *e, bool *late)
{
    const struct ir_block *b = e->in->ir;
    for (u32 n = 0; n < b->n; n++) {
        const struct ir_ins *i = &b->ins[n];
        u8 use = ir_op_info[i->op].use;
        bool l = is_load(i) || ((use & IRU_READS_DST) && is_late(late, i->dst)) ||
                 ((use & IRU_READS_A) && is_late(late, i->a)) ||
                 ((use & IRU_READS_B) && is_late(late, i->b));
        if (ir_op_info[i->op].attrs & IRA_MEM)
            e->late[n] = is_late(late, i->a);
        if ((use & IRU_WRITES_DST) && i->dst < IR_MAX_VALUE)
            late[i->dst] = l;
    }
}

/* Addresses of values that were loaded in this block, or in the round of the loop before, are worth a
 * guess. */
void em_plan_guesses(struct em *e)
{
    const struct ir_block *b = e->in->ir;
    bool late[IR_MAX_VALUE];
    if (!guesses(e))
        return;
    memset(late, 0, IR_T0 + b->ntemps);
    if (plan_is_loop(b))
        walk(e, late);
    walk(e, late);
}

/* Is there, as far as one look says, anything to be won by more effort? */
static bool worth_effort(const struct em *e)
{
    const struct ir_block *b = e->in->ir;
    if (!e->in->heats || e->in->cut)
        return e->in->heats;
    for (u32 n = 0; n < b->n && e->stubs->flat && !b->long_mode; n++)
        if (is_load(&b->ins[n]) && b->ins[n].a != REG_SP && !em_follows(e, n))
            return true;
    return plan_is_loop(b);
}

void em_count_runs(struct em *e)
{
    s64 heat = (s64)offsetof(struct cpu, heat) + 4 * (s64)(e->in->block_id % CPU_HEATS);
    u8 *often;
    if (!worth_effort(e))
        return;
    _Static_assert(offsetof(struct cpu, heat) > 1024, "a displacement of 32 bits");
    as_alu_mi(&e->a, 5, 4, ST_AT(heat), 1);
    em_fix(e, BE_FIX_HEAT, 5);
    often = as_jcc(&e->a, CC_S);
    em_cold(e, COLD_HOT, NULL, often, e->a.p, 0);
}

bool em_may_guess(const struct em *e, const struct ir_ins *i)
{
    return guesses(e) && may_guess(e, i, e->now) && e->out->nguesses < CPU_GUESSES;
}

u8 *em_entry(struct em *e, s32 table)
{
    if (e->guess) {
        as_load(&e->a, 8, SCR2, ST_AT(offsetof(struct cpu, guess) + 8u * (e->guess - 1u)));
        as_rm(&e->a, 0x3b, 8, SCR2, MEMX(STATE, SCR, 3, table));
        return as_jcc(&e->a, CC_NE);
    }
    as_load(&e->a, 8, SCR, MEMX(STATE, SCR, 3, table));
    as_rr(&e->a, 0x85, 8, SCR, SCR);
    return as_jcc(&e->a, CC_E);
}

/* The entry has the addend, unless it is 0: then all goes on as without guesses. */
void em_guess_wrong(struct em *e, const struct cold *c)
{
    u8 *none;
    as_load(&e->a, 8, SCR, MEMX(STATE, SCR, 3, c->table));
    as_rr(&e->a, 0x85, 8, SCR, SCR);
    none = as_jcc(&e->a, CC_E);
    as_store(&e->a, 8, SCR, ST_AT(offsetof(struct cpu, guess) + 8u * (c->guess - 1u)));
    em_call_stub(e, e->stubs->guess);
    as_jmp_to(&e->a, c->guess_back);
    if (!e->a.full)
        as_patch(none, e->a.p);
}
