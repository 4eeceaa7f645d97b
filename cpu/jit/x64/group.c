/* Host registers for the groups of accesses that share a probe (cpu/jit/plan.h): one keeps the host
 * address of a group's lowest byte from its first access to its last. */
#include "cpu/jit/x64/group.h"

/* A group between many uses of R8 to R15 leaves the registers to them: each access then loads the
 * host address from a slot. */
enum { USES_PER_ACCESS = 3, SLOTS_FOR_GROUPS = 12 };

static void in_slot(struct em *e, u32 k, u32 *slots)
{
    if (!e->uppers || !em_wide(e) || *slots == SLOTS_FOR_GROUPS ||
        em_upper_uses(e, e->groups[k].first, e->groups[k].last) <
            USES_PER_ACCESS * e->groups[k].members)
        return;
    e->groups[k].reg = SCR;
    e->groups[k].slot = (u8)__builtin_ctz(e->free_slots);
    e->free_slots &= e->free_slots - 1;
    ++*slots;
}

/* Longer groups cross pages more often. */
enum { REACH = 512 };

static void give_registers(struct em *e, struct plan *p)
{
    static const u8 regs[] = {R15, R11};
    u32 slots = 0, used;
    for (u32 k = 0; k < p->ngroups; k++) {
        e->groups[k].reg = NOREG;
        if (e->groups[k].members > 1)
            in_slot(e, k, &slots);
    }
    used = plan_registers(p, regs, ARRAY_LEN(regs), NOREG);
    e->free_regs &= (u16)~used;
    e->group_regs |= (u16)used;
}

/* MMX and SSE operands join; those of VEX forms and of the x87 unit's words do not. */
static bool joins(const struct insn *insn)
{
    return !insn->vl && !em_x87_control(insn->op);
}

void em_plan_groups(struct em *e)
{
    em_plan(e, REACH, joins, give_registers);
}
