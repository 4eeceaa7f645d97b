/* AArch64 code for two accesses that lie side by side behind one check: LDP and STP (Arm ARM C6.2).
 */
#include "cpu/jit/a64/em.h"

/* The operation behind e->now when it goes on in the same group; 0: none. */
static u32 neighbour(const struct em *e, const struct ir_ins *i)
{
    const struct ir_block *b = e->in->ir;
    u32 n = e->now + 1;
    while (n < b->n && e->skip[n])
        n++;
    if (n >= b->n || b->ins[n].op != i->op || b->ins[n].type != i->type || !e->follows[n] ||
        e->group[n] != e->group[e->now])
        return 0;
    return n;
}

bool em_pair(struct em *e, const struct ir_ins *i)
{
    u32 now = e->now, other;
    s32 size = (s32)ir_bytes(i->type), at, step;
    const struct group *g;
    const struct ir_ins *k;
    bool load = i->op == IR_LD;
    u8 v, v2, r, r2;
    if (!e->group[now] || size < 4 || !(other = neighbour(e, i)))
        return false;
    g = &e->groups[e->group[now] - 1];
    k = &e->in->ir->ins[other];
    v = load ? i->dst : i->b, v2 = load ? k->dst : k->b;
    step = e->offset[other] - e->offset[now];
    at = (step < 0 ? e->offset[other] : e->offset[now]) - g->lo;
    if ((step != size && step != -size) || at % size || at / size < -64 || at / size > 63)
        return false;
    /* of the second one no temporary: those come and go as operations are emitted */
    if (!ir_is_guest(v2) || !em_loc(e, v).reg || (load && v == v2))
        return false;
    r = em_loc(e, v).r, r2 = em_loc(e, v2).r;
    if (load) {
        e->now = other;
        em_flags_guard(e, k, r2);
        e->now = now;
    }
    em_access(
        e, i,
        !load); /* the check, when this is the group's first; nothing else is emitted for it */
    e->skip[other] = true;
    as32(&e->a, (size == 8 ? 0xa9000000u : 0x29000000u) | (u32)load << 22 |
                    ((u32)(at / size) & 0x7f) << 15 | (u32)(step < 0 ? r : r2) << 10 |
                    (u32)g->reg << 5 | (step < 0 ? r2 : r));
    return true;
}

bool em_place_stays(const struct em *e, const struct ir_ins *i)
{
    const struct ir_block *b = e->in->ir;
    if (!e->group[e->now])
        return false;
    for (u32 n = e->now + 1; n <= e->last[i->b]; n++) {
        const struct ir_ins *k = &b->ins[n];
        if (k->op == IR_LDW || (e->group[n] && !e->follows[n]) || ir_calls_exec(k->op))
            return false;
        if (k->dst == i->b || k->a == i->b)
            return false;
        if (k->op != IR_STW && ir_op_info[k->op].use & IRU_VALUE_B && k->b == i->b)
            return false;
    }
    return true;
}
