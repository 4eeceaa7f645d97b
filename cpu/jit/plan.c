/* Groups: accesses off the same base within a block, at offsets known to each other, share one
 * probe. The first of them checks that all bytes between the lowest and the highest lie on one page
 * that allows what the group does, or on two that do and are neighbours in the host's memory as
 * well; the others are then one host instruction, which can neither fault nor spoil flags
 * (translator.md 5.5). What the check refuses goes on in a twin of the block without groups. */
#include "cpu/jit/plan.h"
#include "mmu/mmu.h"

enum { MAX_GROUPS = PLAN_GROUPS, SUMS = 24, CONSTANT = IR_MAX_VALUE };

/* What is known of a value: values with the same epoch differ by `delta` only. */
struct value {
    u32 epoch;
    s32 delta;
};

struct search {
    struct plan *plan;
    struct value value[IR_MAX_VALUE];
    u32 epochs, exits;
    struct {
        u32 a, b, scale, epoch;
    } sums[SUMS]; /* base + scaled index, seen before */
    u32 nsums;
    struct {
        u32 epoch, exits; /* exits before the leader */
        s64 lo, hi;
        u16 members, first, last;
        bool write, aligned; /* aligned: the leader's address is a multiple of 16 */
    } g[MAX_GROUPS];
    u32 n, closed; /* the first `closed` take no more members */
};

static bool is_access(const struct plan *p, const struct ir_ins *i)
{
    if (i->op == IR_VECL || i->op == IR_VECS)
        return i->b != IR_ACCESS_TEN && p->joins && p->joins(&p->insns[i->at]);
    return i->op == IR_LD || i->op == IR_LDZ || i->op == IR_LDX || i->op == IR_ST ||
           i->op == IR_STI || i->op == IR_LDW;
}

/* Behind STI nothing may come in between, as it could on the way to the twin. */
static bool in_shadow(const struct plan *p, const struct ir_ins *i)
{
    return i->at && p->insns[i->at - 1].op == OP_STI;
}

static bool is_aligned(const struct ir_ins *i)
{
    return (i->op == IR_VECL || i->op == IR_VECS) && i->b == IR_ACCESS_ALIGNED;
}

/* r = r + constant, as wide as addresses are. */
static bool is_step(const struct plan *p, const struct ir_ins *i)
{
    return i->op == IR_LEA && i->a == i->dst && i->b == IR_NONE && i->dst < 16 &&
           i->type == (p->ir->long_mode ? I64 : I32);
}

static void written(struct search *p, u8 v)
{
    if (v < IR_MAX_VALUE)
        p->value[v] = (struct value){++p->epochs, 0};
}

static u32 sum_epoch(struct search *p, u32 a, u32 b, u32 scale)
{
    for (u32 k = 0; k < p->nsums; k++)
        if (p->sums[k].a == a && p->sums[k].b == b && p->sums[k].scale == scale)
            return p->sums[k].epoch;
    if (p->nsums < SUMS) {
        p->sums[p->nsums].a = a, p->sums[p->nsums].b = b, p->sums[p->nsums].scale = scale;
        p->sums[p->nsums++].epoch = p->epochs + 1;
    }
    return ++p->epochs;
}

/* Values are numbers of 32 bits, which wrap, or of 64, whose distances from each other may be too
 * large to be known. */
static struct value moved(struct search *p, u32 epoch, s64 delta)
{
    if (p->plan->ir->long_mode && delta != (s32)delta)
        return (struct value){++p->epochs, 0};
    return (struct value){epoch, (s32)(u32)delta};
}

/* base + (index << scale) + displacement: known when the same sum was there before, or one whose
 * terms differ by constants. */
static struct value sum_of(struct search *p, const struct ir_ins *i)
{
    static const struct value none = {CONSTANT, 0};
    const struct value a = i->a == IR_NONE ? none : p->value[i->a], b = p->value[i->b];
    u32 scale = (u32)(i->imm >> 32) & 3;
    return moved(p, sum_epoch(p, a.epoch, b.epoch, scale),
                 (s64)a.delta + (s64)b.delta * (1 << scale) + (s32)i->imm);
}

/* The value that i computes, when it is one that is known but for a constant. */
static bool known(struct search *p, const struct ir_ins *i, struct value *v)
{
    if (i->type != (p->plan->ir->long_mode ? I64 : I32))
        return false;
    if (i->op == IR_MOV) {
        *v = p->value[i->a];
    } else if (i->op == IR_MOVI && i->imm == (s32)i->imm) {
        *v = (struct value){CONSTANT, (s32)i->imm};
    } else if (i->op == IR_LEA && i->a != IR_NONE && i->b == IR_NONE) {
        *v = moved(p, p->value[i->a].epoch, (s64)p->value[i->a].delta + (s32)i->imm);
    } else if (i->op == IR_LEA && i->b != IR_NONE) {
        *v = sum_of(p, i);
    } else if ((i->op == IR_ADD || i->op == IR_SUB) && i->b == IR_NONE && i->imm == (s32)i->imm) {
        s64 by = i->op == IR_ADD ? i->imm : -i->imm;
        *v = moved(p, p->value[i->a].epoch, p->value[i->a].delta + by);
    } else if (i->op == IR_INC || i->op == IR_DEC) {
        *v = moved(p, p->value[i->a].epoch, (s64)p->value[i->a].delta + (i->op == IR_INC ? 1 : -1));
    } else if (i->op == IR_LDS) { /* bases of segments change in exec only */
        *v = (struct value){sum_epoch(p, ~0u, (u32)i->imm, 0), 0};
    } else {
        return false;
    }
    return true;
}

static void follow_values(struct search *p, const struct ir_ins *i)
{
    u8 use = ir_op_info[i->op].use;
    struct value v;
    if (!(use & (IRU_WRITES_DST | IRU_WRITES_A | IRU_WRITES_B)) && !ir_implicit(i->op))
        return;
    if (known(p, i, &v)) {
        p->value[i->dst] = v;
        return;
    }
    if (use & IRU_WRITES_DST)
        written(p, i->dst);
    if (use & IRU_WRITES_A)
        written(p, i->a);
    if (use & IRU_WRITES_B)
        written(p, i->b);
    for (unsigned m = ir_implicit(i->op); m; m &= m - 1)
        written(p, (u8)__builtin_ctz(m));
}

/* The newest group of this base that the access may join, or MAX_GROUPS. */
static u32 find(const struct search *p, u32 epoch, s64 lo, s64 hi, const struct ir_ins *i)
{
    bool write = plan_is_write(i);
    for (u32 k = p->n; k-- > p->closed;) {
        if (p->g[k].epoch != epoch)
            continue;
        /* A read only asks for the right to write when the write follows for certain. */
        if ((write && !p->g[k].write && p->g[k].exits != p->exits) ||
            MAX(hi, p->g[k].hi) - MIN(lo, p->g[k].lo) > (s64)p->plan->reach)
            return MAX_GROUPS;
        /* What the leader's alignment does not settle asks for a check of its own. */
        if (is_aligned(i) && !(p->g[k].aligned && !((lo - p->plan->offset[p->g[k].first]) & 15)))
            return MAX_GROUPS;
        return k;
    }
    return MAX_GROUPS;
}

static void access(struct search *p, const struct ir_ins *i, u32 n)
{
    const struct value *v = &p->value[i->a];
    s64 lo = (s64)v->delta + (s32)i->imm, hi = lo + ir_bytes(i->type);
    u32 k;
    if (lo != (s32)lo || hi != (s32)hi)
        return;
    /* A leader's displacement is made that of the lowest byte. */
    if ((s32)i->imm < INT32_MIN + (s32)PAGE_SIZE || (s32)i->imm > INT32_MAX - (s32)PAGE_SIZE)
        return;
    k = find(p, v->epoch, lo, hi, i);
    if (k == MAX_GROUPS) {
        if (p->n == MAX_GROUPS || in_shadow(p->plan, i))
            return;
        k = p->n++;
        p->g[k].epoch = v->epoch, p->g[k].exits = p->exits;
        p->g[k].lo = lo, p->g[k].hi = hi;
        p->g[k].members = 0, p->g[k].first = (u16)n;
        p->g[k].write = plan_is_write(i);
        p->g[k].aligned = is_aligned(i);
    }
    p->g[k].lo = MIN(p->g[k].lo, lo);
    p->g[k].hi = MAX(p->g[k].hi, hi);
    p->g[k].write = p->g[k].write || plan_is_write(i);
    p->g[k].last = (u16)n;
    p->plan->offset[n] = (s32)lo;
    /* Most accesses stay alone: what is only for groups begins with the second. */
    if (p->g[k].members++) {
        p->plan->group[n] = p->plan->group[p->g[k].first] = (u8)(k + 1);
        p->plan->follows[n] = true;
        p->plan->joined = true;
    }
}

/* What was found, as the back end takes it. */
static void tell(struct search *s)
{
    struct plan *p = s->plan;
    p->ngroups = s->n;
    for (u32 k = 0; k < s->n; k++)
        p->groups[k] = (struct group){.write = s->g[k].write,
                                      .members = s->g[k].members,
                                      .first = s->g[k].first,
                                      .last = s->g[k].last,
                                      .lo = (s32)s->g[k].lo,
                                      .span = (u16)(s->g[k].hi - s->g[k].lo)};
}

void plan_groups(struct plan *p, bool wanted)
{
    const struct ir_block *b = p->ir;
    struct search search, *s = &search;
    memset(p->group, 0, b->n);
    memset(p->follows, 0, b->n);
    memset(p->skip, 0, b->n);
    memset(p->extra, 0, b->n * sizeof(p->extra[0]));
    if (!wanted)
        return;
    s->plan = p;
    s->n = s->closed = s->exits = s->nsums = 0;
    s->epochs = CONSTANT;
    for (u32 v = 0; v < IR_T0 + b->ntemps; v++)
        s->value[v] = (struct value){v, 0};
    for (u32 n = 0; n < b->n; n++) {
        const struct ir_ins *i = &b->ins[n];
        u8 attrs = ir_op_info[i->op].attrs;
        if (attrs & IRA_MEM && is_access(p, i))
            access(s, i, n);
        if (ir_is_branch(i->op))
            s->exits++;
        if (ir_calls_exec(i->op)) { /* what C code does to translations and segments is unknown */
            for (u32 v = 0; v < IR_T0 + b->ntemps; v++)
                written(s, (u8)v);
            s->nsums = 0;
            s->closed = s->n;
            continue;
        }
        p->steps += is_step(p, i);
        follow_values(s, i);
    }
    tell(s);
}

u32 plan_registers(struct plan *p, const u8 *regs, u32 n, u8 none)
{
    u32 busy[PLAN_GROUPS] = {0}, used = 0;
    bool lost = false;
    for (u32 k = 0; k < p->ngroups; k++) {
        struct group *g = &p->groups[k];
        if (g->members < 2 || g->reg != none)
            continue;
        for (u32 r = 0; r < n && g->reg == none; r++) {
            if (busy[r] > g->first)
                continue;
            busy[r] = g->last + 1u;
            used |= BIT(regs[r]);
            g->reg = regs[r];
        }
        lost |= g->reg == none;
    }
    for (u32 at = 0; lost && at < p->ir->n; at++)
        if (p->group[at] && p->groups[p->group[at] - 1].reg == none)
            p->group[at] = p->follows[at] = 0;
    return used;
}

static bool uses(const struct ir_ins *i, u8 v, bool address_too)
{
    u8 use = ir_op_info[i->op].use;
    return ir_implicit(i->op) >> v & 1 || ((use & IRU_WRITES_DST) && i->dst == v) ||
           ((use & IRU_READS_A) && i->a == v && address_too) || ((use & IRU_VALUE_B) && i->b == v);
}

/* Steps of a register that nobody sees in between become one, at the last of them: PUSH after PUSH
 * moves ESP once. */
void plan_steps(struct plan *p)
{
    const struct ir_block *b = p->ir;
    u16 open[16]; /* the step that nobody saw yet, for registers of the mask */
    u32 mask = 0;
    if (p->steps < 2)
        return;
    for (u32 n = 0; n < b->n; n++) {
        const struct ir_ins *i = &b->ins[n];
        bool seen = (ir_op_info[i->op].attrs & IRA_FAULT && !p->follows[n]) ||
                    ir_op_info[i->op].attrs & IRA_EXIT ||
                    ir_is_branch(i->op) ||
                    ir_calls_exec(i->op);
        if (seen) {
            mask = 0;
            continue;
        }
        if (is_step(p, i)) {
            u32 last = open[i->dst];
            if (mask >> i->dst & 1) {
                p->skip[last] = true;
                p->extra[n] = p->extra[last] + (s32)b->ins[last].imm;
            }
            open[i->dst] = (u16)n;
            mask |= (u32)BIT(i->dst);
            continue;
        }
        for (u32 m = mask; m; m &= m - 1) {
            unsigned r = (unsigned)__builtin_ctz(m);
            if (uses(i, (u8)r, !p->follows[n] || i->op == IR_VECL || i->op == IR_VECS))
                mask &= ~(u32)BIT(r);
        }
    }
}


u8 plan_temp(u32 *regs, u32 *slots)
{
    u32 *from = *regs ? regs : slots;
    unsigned n;
    if (!*from)
        return 0;
    n = (unsigned)__builtin_ctz(*from);
    *from &= *from - 1;
    return (u8)(from == regs ? n : PLAN_SLOT | n);
}

void plan_temp_back(u8 place, u32 *regs, u32 *slots)
{
    if (place & PLAN_SLOT)
        *slots |= BIT(place & ~PLAN_SLOT);
    else
        *regs |= BIT(place);
}

bool plan_is_loop(const struct ir_block *b)
{
    for (u32 n = 0; n < b->n; n++)
        if ((b->ins[n].op == IR_JCC || b->ins[n].op == IR_GOTO) && (u64)b->ins[n].imm == b->rip)
            return true;
    return false;
}

u32 plan_poll(const struct ir_block *b, const bool *follows)
{
    for (u32 n = 0; n < b->n; n++) {
        u8 op = b->ins[n].op;
        if (ir_op_info[op].attrs & IRA_EXIT || ir_is_branch(op))
            return 0;
        if (ir_op_info[op].attrs & IRA_FAULT && !follows[n])
            return n;
    }
    return 0;
}
