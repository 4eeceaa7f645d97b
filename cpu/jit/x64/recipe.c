/* Recipes: how to have an operation's flags again once the host's are lost. Most flags that a
 * memory access would have to save are wanted by nobody but a page fault: the way out of line then
 * makes them anew, and the hot path has nothing to do (translator.md 5.8). */
#include "cpu/jit/x64/group.h"
#include "cpu/ir/shape.h"

enum { LOOK_AHEAD = 32 };

/* What the recipe reads: for results computed in place the result and the other operand. */
static bool in_place(const struct ir_ins *i)
{
    return i->dst == i->a;
}

static bool possible(const struct em *e, const struct ir_ins *i)
{
    if (e->fused)
        return false;
    if (i->flags_out != IRF_ALL && e->mend != MEND_INC)
        return false;
    switch (i->op) {
    case IR_CMP:
    case IR_TEST: return true;
    case IR_AND:
    case IR_OR:
    case IR_XOR: return true;
    case IR_ADD:
    case IR_SUB: return i->b == IR_NONE ? i->imm == (s32)i->imm : i->b != i->dst;
    case IR_NEG: return true;
    case IR_INC:
    case IR_DEC: return e->mend == MEND_INC;
    default: return false;
    }
}

static bool value(u8 v)
{
    return v < IR_MAX_VALUE;
}

static bool reads(const struct ir_ins *r, u8 v)
{
    switch (r->op) {
    case IR_CMP:
    case IR_TEST: return v == r->a || v == r->b;
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_NEG:
    case IR_INC:
    case IR_DEC: return v == r->dst;
    default: return in_place(r) ? v == r->dst || v == r->b : v == r->a || v == r->b;
    }
}

static bool writes(const struct ir_ins *i, const struct ir_ins *recipe)
{
    u8 use = ir_op_info[i->op].use;
    for (unsigned m = ir_implicit(i->op); m; m &= m - 1)
        if (reads(recipe, (u8)__builtin_ctz(m)))
            return true;
    return ((use & IRU_WRITES_DST) && value(i->dst) && reads(recipe, i->dst)) ||
           ((use & IRU_WRITES_A) && value(i->a) && reads(recipe, i->a)) ||
           ((use & IRU_WRITES_B) && value(i->b) && reads(recipe, i->b));
}

/* The operation that sets all wanted flags anew, before which nothing needs them in memory and
 * nothing changes what the recipe reads; 0: there is none, and the flags are better saved. */
static u32 end_of(const struct em *e, const struct ir_ins *recipe)
{
    const struct ir_block *b = e->in->ir;
    bool spoiled = false;
    for (u32 n = e->now + 1; n < b->n && n <= e->now + LOOK_AHEAD; n++) {
        const struct ir_ins *i = &b->ins[n];
        u8 attrs = ir_op_info[i->op].attrs;
        if (ir_calls_exec(i->op) || attrs & IRA_EXIT || i->op == IR_GETF || ir_may_keep_flags(i))
            return 0;
        spoiled = spoiled || em_may_fault(e, n);
        if (i->flags_out) {
            if (e->live[n] & (u8)~i->flags_out)
                return 0;
            return spoiled ? n : 0;
        }
        if (writes(i, recipe))
            return 0;
        spoiled = spoiled || ir_op_info[i->op].fout || i->op == IR_ANDS || i->op == IR_ORS ||
                  (ir_is_branch(i->op) && i->op != IR_JCC);
    }
    return 0;
}

/* Keep a temporary that the recipe reads until its end. */
static bool keep(struct em *e, const struct ir_ins *r, u8 v, u32 until)
{
    if (v < IR_T0 || !value(v) || !reads(r, v))
        return true;
    if ((!e->free_regs && !em_upper_any(e)) || e->nkept == ARRAY_LEN(e->kept))
        return false;
    if (e->last[v] < until) {
        e->last[v] = (u16)until;
        e->kept[e->nkept].v = v;
        e->kept[e->nkept++].until = (u16)until;
    }
    return true;
}

static u8 temp_of(const struct em *e, u8 v)
{
    return v >= IR_T0 && value(v) ? e->temp[v] : 0;
}

bool em_recipe_useful(struct em *e, const struct ir_ins *i)
{
    return !(e->in->off_techniques & JIT_OFF(RECIPES)) && possible(e, i) && end_of(e, i) != 0;
}

void em_recipe_note(struct em *e, const struct ir_ins *i)
{
    u32 until;
    e->recipe = (struct recipe){.possible = !(e->in->off_techniques & JIT_OFF(RECIPES)) &&
                                            possible(e, i),
                                .mend = (u8)e->mend,
                                .ins = *i,
                                .at = e->now,
                                .temp = {temp_of(e, i->dst), temp_of(e, i->a), temp_of(e, i->b)}};
    if (e->recipe.possible && (until = end_of(e, i)) && keep(e, i, i->dst, until) &&
        keep(e, i, i->a, until) && keep(e, i, i->b, until))
        e->recipe.until = until;
}

bool em_recipe_holds(struct em *e)
{
    const struct ir_ins *r = &e->recipe.ins;
    bool temps = r->dst >= IR_T0 || r->a >= IR_T0 || r->b >= IR_T0;
    if (!e->recipe.possible)
        return false;
    for (u32 n = e->recipe.at + 1; n < e->now; n++) {
        const struct ir_ins *i = &e->in->ir->ins[n];
        if (writes(i, r) || i->flags_out || (temps && i->op != IR_JCC))
            return false;
    }
    return true;
}

void em_recipe_recall(struct em *e, const struct cold *c)
{
    const struct ir_ins *r = &c->recipe.ins;
    const u8 v[3] = {r->dst, r->a, r->b};
    e->flags = (enum flag_place)c->flags;
    e->mend = (enum flag_mend)c->mend;
    e->recipe = c->recipe;
    e->upper = c->upper;
    for (unsigned k = 0; k < 3; k++)
        if (v[k] >= IR_T0 && value(v[k]))
            e->temp[v[k]] = c->recipe.temp[k];
}

/* ---- emission ---- */
static void again(struct em *e, const struct ir_ins *r, unsigned size)
{
    unsigned un = r->op == IR_ADD ? 5 : 0; /* what takes the operation back: SUB, ADD */
    if (!in_place(r)) {
        em_load_to(e, SCR, r->a, size);
        em_alu_to(e, r, r->op == IR_ADD ? 0 : 5, SCR);
        return;
    }
    em_load_to(e, SCR, r->dst, size);
    em_alu_to(e, r, un, SCR);
    em_alu_to(e, r, r->op == IR_ADD ? 0 : 5, SCR);
}

static void group_twice(struct em *e, const struct ir_ins *r, unsigned size)
{
    unsigned byte = size == 1;
    em_load_to(e, SCR, r->dst, size);
    if (r->op == IR_NEG) {
        as_rr(&e->a, 0xf7u - byte, size, 3, SCR);
        as_rr(&e->a, 0xf7u - byte, size, 3, SCR);
        return;
    }
    as_rr(&e->a, 0xffu - byte, size, r->op == IR_INC, SCR);
    as_rr(&e->a, 0xffu - byte, size, r->op == IR_DEC, SCR);
}

void em_recipe_emit(struct em *e)
{
    const struct ir_ins *r = &e->recipe.ins;
    unsigned size = ir_bytes(r->type);
    switch (r->op) {
    case IR_CMP:
    case IR_TEST: em_compare(e, r); break;
    case IR_ADD:
    case IR_SUB: again(e, r, size); break;
    case IR_NEG:
    case IR_INC:
    case IR_DEC: group_twice(e, r, size); break;
    default: { /* AND, OR, XOR: the result says all */
        unsigned v = em_use(e, r->dst, size, SCR);
        as_rr(&e->a, size == 1 ? 0x84 : 0x85, size, v, v);
        break;
    }
    }
    e->flags = FLAGS_HOST;
    e->mend = (enum flag_mend)e->recipe.mend;
}
