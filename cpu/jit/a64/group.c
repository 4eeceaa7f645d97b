/* Host registers for the groups of accesses that share a probe (cpu/jit/plan.h): one keeps the host
 * address of a group's lowest byte from its first access to its last. */
#include "cpu/jit/a64/em.h"

/* Four rounds of a loop over rows of 200 bytes, and less than BE_GROUP_SPAN can say. */
enum { REACH = 1000 };

static void give_registers(struct em *e, struct plan *p)
{
    static const u8 few[] = {X5, X4}, many[] = {X15, X14, X13, X12}, torture[] = {X5};
    const u8 *regs = p->ir->long_mode ? few : many;
    u32 n = p->ir->long_mode ? ARRAY_LEN(few) : ARRAY_LEN(many);
    if (!(e->free_regs >> regs[0] & 1)) /* torture leaves three temporaries */
        regs = torture, n = ARRAY_LEN(torture);
    for (u32 k = 0; k < p->ngroups; k++)
        e->groups[k].reg = NOREG;
    e->free_regs &= ~plan_registers(p, regs, n, NOREG);
}

/* Vector accesses that do no more than load or store behind their check. */
static bool joins(const struct insn *insn)
{
    return !insn->vl && !(insn_units(insn) & UNIT_X87);
}

void em_plan_groups(struct em *e)
{
    em_plan(e, REACH, joins, give_registers);
}
