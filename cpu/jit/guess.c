/* Which accesses guess their addend, and which blocks are worth the effort. */
#include "cpu/jit/guess.h"

static bool is_load(const struct ir_ins *i)
{
    return i->op == IR_LD || i->op == IR_LDZ || i->op == IR_LDX || i->op == IR_LDW;
}

static bool is_store(const struct ir_ins *i)
{
    return i->op == IR_ST || i->op == IR_STI;
}

/* Can this block have guesses at all? */
static bool possible(const struct be_stubs *stubs, const struct be_in *in)
{
    return stubs->flat && !in->ir->long_mode;
}

static bool guesses(const struct be_stubs *stubs, const struct be_in *in)
{
    return in->guess && possible(stubs, in);
}

/* What is known of a value as an address: nothing; made of numbers only, so that its page is found before
 * anybody waits for it; of a stack pointer; of what was loaded, in this block or in the round of the loop before. */
enum kind { ANY, CONSTANT, PLACE, LATE };

static u8 kind_of(const u8 *kind, u8 v)
{
    return v < IR_MAX_VALUE ? kind[v] : ANY;
}

static bool reads_late(const u8 *kind, const struct ir_ins *i)
{
    u8 use = ir_op_info[i->op].use;
    return ((use & IRU_READS_DST) && kind_of(kind, i->dst) == LATE) ||
           ((use & IRU_READS_A) && kind_of(kind, i->a) == LATE) ||
           ((use & IRU_READS_B) && kind_of(kind, i->b) == LATE);
}

static u8 made(const u8 *kind, const struct ir_ins *i)
{
    u8 k = kind_of(kind, i->a);
    if (is_load(i) || reads_late(kind, i))
        return LATE;
    switch (i->op) {
    case IR_MOVI: return CONSTANT;
    case IR_MOV: return k;
    case IR_LEA:
    case IR_ADD:
    case IR_SUB: return k == PLACE || i->b == IR_NONE ? k : ANY;
    case IR_CMOV: return kind_of(kind, i->dst) == PLACE && k == PLACE ? PLACE : ANY;
    default: return ANY;
    }
}

static u8 want(const struct be_stubs *stubs, const struct ir_ins *i, u8 kind)
{
    if (kind == CONSTANT || (kind != LATE && !stubs->guess_early))
        return GUESS_NO;
    return is_load(i) || (is_store(i) && kind == PLACE) ? GUESS_YES : GUESS_LEAD;
}

static void walk(const struct be_stubs *stubs, const struct ir_block *b, u8 *kind, u8 *wanted)
{
    for (u32 n = 0; n < b->n; n++) {
        const struct ir_ins *i = &b->ins[n];
        if (ir_op_info[i->op].attrs & IRA_MEM)
            wanted[n] = want(stubs, i, kind_of(kind, i->a));
        if (ir_op_info[i->op].use & IRU_WRITES_DST && i->dst < IR_MAX_VALUE && i->dst != REG_SP)
            kind[i->dst] = made(kind, i);
    }
}

/* Loads wait for their address, and so do loads behind a store whose address is not known: of the place it
 * writes to they would have its value. That happens on the stack. Elsewhere stores gain nothing. */
void guess_plan(const struct be_stubs *stubs, const struct be_in *in, u8 *wanted)
{
    const struct ir_block *b = in->ir;
    u8 kind[IR_MAX_VALUE];
    if (!guesses(stubs, in))
        return;
    memset(kind, ANY, IR_T0 + b->ntemps);
    kind[REG_SP] = kind[REG_BP] = PLACE;
    if (plan_is_loop(b))
        walk(stubs, b, kind, wanted);
    walk(stubs, b, kind, wanted);
}

u32 guess_take(const struct be_stubs *stubs, const struct be_in *in, struct be_out *out, const u8 *wanted,
               u32 n, bool lead)
{
    const struct ir_ins *i = &in->ir->ins[n];
    if (!guesses(stubs, in) || !(ir_op_info[i->op].attrs & IRA_MEM) || wanted[n] < (lead ? GUESS_LEAD : GUESS_YES) ||
        out->nguesses >= CPU_GUESSES)
        return 0;
    return 1 + (in->guess_first + out->nguesses++) % CPU_GUESSES;
}

bool guess_worth_effort(const struct be_stubs *stubs, const struct be_in *in, const bool *follows)
{
    const struct ir_block *b = in->ir;
    if (!in->heats || in->cut)
        return in->heats;
    for (u32 n = 0; n < b->n && possible(stubs, in); n++)
        if (is_load(&b->ins[n]) && b->ins[n].a != REG_SP && !follows[n])
            return true;
    return plan_is_loop(b);
}
