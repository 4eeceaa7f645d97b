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

/* The operation that sets all wanted flags anew, before which nothing needs them in memory; 0: there is
 * none, and the flags are better saved. *changed: whether something changes what the recipe reads. */
static u32 end_of(const struct em *e, const struct ir_ins *recipe, bool *changed)
{
    const struct ir_block *b = e->in->ir;
    bool spoiled = false;
    *changed = false;
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
        *changed = *changed || writes(i, recipe);
        spoiled = spoiled || ir_op_info[i->op].fout || i->op == IR_ANDS || i->op == IR_ORS ||
                  (ir_is_branch(i->op) && i->op != IR_JCC);
    }
    return 0;
}

/* Keep a temporary that the recipe reads until its end. */
static bool keep(struct em *e, const struct ir_ins *r, u8 v, u32 until)
{
    if (v < IR_T0 || !value(v) || !reads(r, v) || v >= IR_T0 + e->in->ir->ntemps)
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
    bool changed;
    return !(e->in->off_techniques & JIT_OFF(RECIPES)) && possible(e, i) &&
           end_of(e, i, &changed) != 0 && !changed;
}

/* A slot with a copy of v until operation `until`, as a temporary of its own; IR_NONE: there is no room
 * for it. One store does what saving the flags takes three or four instructions for. */
static u8 copy(struct em *e, u8 v, u32 until)
{
    u32 t = IR_T0 + e->in->ir->ntemps + e->ncopies;
    struct loc l = em_loc(e, v);
    unsigned slot;
    if (!l.reg || t >= IR_MAX_VALUE || !e->free_slots || e->nkept == ARRAY_LEN(e->kept))
        return IR_NONE;
    slot = (unsigned)__builtin_ctz(e->free_slots);
    e->free_slots &= ~BIT(slot);
    e->ncopies++;
    e->temp[t] = (u8)(0x80 | slot);
    e->last[t] = (u16)until;
    e->kept[e->nkept].v = (u8)t;
    e->kept[e->nkept++].until = (u16)until;
    as_store(&e->a, 8, l.r, MEM(STATE, em_loc(e, (u8)t).disp));
    return (u8)t;
}

static bool shifts(const struct ir_ins *i)
{
    return (i->op == IR_SHL || i->op == IR_SHR || i->op == IR_SAR) && i->b == IR_NONE;
}

/* What the recipe reads is changed before its end: it is to read a copy of one value, if that is all. */
static bool use_copy(struct em *e, struct ir_ins *r, u32 until)
{
    u8 v = IR_NONE, t;
    if (e->in->off_techniques & JIT_OFF(COPIES))
        return false;
    for (u32 n = e->now + 1; n < until; n++)
        for (unsigned g = 0; g < 16; g++) {
            struct ir_ins one = *r;
            if (!reads(r, (u8)g))
                continue;
            one.op = IR_TEST, one.a = one.b = (u8)g;
            if (!writes(&e->in->ir->ins[n], &one))
                continue;
            if (v != IR_NONE && v != g)
                return false;
            v = (u8)g;
        }
    if (v == IR_NONE || (t = copy(e, v, until)) == IR_NONE)
        return false;
    if (r->dst == v)
        r->dst = t;
    if (r->a == v)
        r->a = t;
    if (r->b == v)
        r->b = t;
    return true;
}

/* Shifts overwrite what their recipe reads, and comparisons are better not separated from the jump
 * behind them. */
void em_recipe_before(struct em *e, const struct ir_ins *i)
{
    struct ir_ins r = *i;
    bool changed;
    u32 until;
    e->copied.op = IR_MOV;
    if (e->in->off_techniques & (JIT_OFF(RECIPES) | JIT_OFF(COPIES)) || e->fused ||
        i->flags_out != IRF_ALL || !(shifts(i) || i->op == IR_CMP || i->op == IR_TEST) ||
        !(until = end_of(e, i, &changed)))
        return;
    if (shifts(i) ? (r.dst = r.a = copy(e, i->a, until)) == IR_NONE
                  : !changed || !use_copy(e, &r, until))
        return;
    e->copied = r;
    e->copied_until = until;
}

static void put(struct em *e, const struct ir_ins *r)
{
    e->recipe = (struct recipe){.possible = true,
                                .mend = (u8)e->mend,
                                .ins = *r,
                                .at = e->now,
                                .temp = {temp_of(e, r->dst), temp_of(e, r->a), temp_of(e, r->b)}};
}

void em_recipe_note(struct em *e, const struct ir_ins *i)
{
    struct ir_ins r = *i;
    u32 until = 0;
    bool changed = false;
    if ((shifts(i) || i->op == IR_CMP || i->op == IR_TEST) && e->copied.op == i->op) {
        r = e->copied;
        e->copied.op = IR_MOV;
        until = e->copied_until;
    } else if (e->in->off_techniques & JIT_OFF(RECIPES) || !possible(e, i)) {
        e->recipe = (struct recipe){.possible = false};
        return;
    } else if ((until = end_of(e, i, &changed)) && changed && !use_copy(e, &r, until)) {
        until = 0;
    }
    put(e, &r);
    if (until && keep(e, &r, r.dst, until) && keep(e, &r, r.a, until) && keep(e, &r, r.b, until))
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
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
        em_load_to(e, SCR, r->a, size);
        as_rr(&e->a, size == 1 ? 0xc0 : 0xc1, size, r->op == IR_SHL ? 4 : r->op == IR_SHR ? 5 : 7, SCR);
        as8(&e->a, (u8)r->imm);
        break;
    default: { /* AND, OR, XOR: the result says all */
        unsigned v = em_use(e, r->dst, size, SCR);
        as_rr(&e->a, size == 1 ? 0x84 : 0x85, size, v, v);
        break;
    }
    }
    e->flags = FLAGS_HOST;
    e->mend = (enum flag_mend)e->recipe.mend;
}
