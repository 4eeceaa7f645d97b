/* Host registers for the groups of accesses that share a probe (cpu/jit/plan.h): one keeps the host
 * address of a group's lowest byte from its first access to its last. */
#include "cpu/jit/x64/group.h"

/* A group between many uses of R8 to R15 leaves the registers to them: each access then loads the
 * host address from a slot. */
enum { USES_PER_ACCESS = 3, SLOTS_FOR_GROUPS = 12 };

static bool in_slot(struct em *e, u32 k, u32 *slots)
{
    if (!e->uppers || !em_wide(e) || *slots == SLOTS_FOR_GROUPS ||
        em_upper_uses(e, e->groups[k].first, e->groups[k].last) <
            USES_PER_ACCESS * e->groups[k].members)
        return false;
    e->groups[k].reg = SCR;
    e->groups[k].slot = (u8)__builtin_ctz(e->free_slots);
    e->free_slots &= e->free_slots - 1;
    ++*slots;
    return true;
}

/* Give groups a host register; the members of those that find none stay on their own. */
static void give_registers(struct em *e, struct plan *p)
{
    static const u8 regs[EM_GROUP_REGS] = {R15, R11};
    u32 busy[EM_GROUP_REGS] = {0}, slots = 0;
    bool lost = false;
    for (u32 k = 0; k < p->ngroups; k++) {
        struct group *g = &e->groups[k];
        g->reg = NOREG;
        if (g->members < 2 || in_slot(e, k, &slots))
            continue;
        for (u32 r = 0; r < EM_GROUP_REGS; r++) {
            if (busy[r] > g->first)
                continue;
            busy[r] = g->last + 1u;
            e->free_regs &= (u16)~BIT(regs[r]);
            e->group_regs |= (u16)BIT(regs[r]);
            g->reg = regs[r];
            break;
        }
        lost |= g->reg == NOREG;
    }
    if (lost)
        plan_drop_groups(p, NOREG);
}

/* MMX and SSE operands join; those of VEX forms and of the x87 unit's words do not. */
static bool joins(const struct insn *insn)
{
    return !insn->vl && !em_x87_control(insn->op);
}

void em_plan_groups(struct em *e)
{
    const struct ir_block *b = e->in->ir;
    struct plan p = {.ir = b,
                     .insns = e->in->insns,
                     .joins = joins,
                     .group = e->group,
                     .follows = e->follows,
                     .offset = e->offset,
                     .skip = e->skip,
                     .extra = e->extra,
                     .groups = e->groups};
    memset(e->group, 0, b->n);
    memset(e->follows, 0, b->n);
    memset(e->skip, 0, b->n);
    memset(e->extra, 0, b->n * sizeof(e->extra[0]));
    if (!e->in->groups)
        return;
    plan_groups(&p);
    e->ngroups = p.ngroups;
    if (p.joined)
        give_registers(e, &p);
    if (p.steps > 1)
        plan_steps(&p);
    e->drop = p.joined;
}
