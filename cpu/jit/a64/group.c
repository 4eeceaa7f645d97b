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

/* Entries of the flat table that are the same and not 0: both pages allow it, with one addend. */
void em_group_across(struct as *a)
{
    enum { WRITE_BIT = 10 };
    u8 *refused[4], *read, *found;
    _Static_assert(BE_GROUP_WRITE == 1 << WRITE_BIT, "a bit to test");
    as_mem(a, A_LOAD, 1, X4, STATE, ST(code_bits));
    refused[0] = as_tbnz(a, X4, 6); /* 64-bit code has other tables */
    refused[1] = as_tbnz(a, SCR3, 32); /* around the end of the address space */
    as_lsr(a, true, X3, ADDR, PAGE_BITS);
    as_lsr(a, true, SCR3, SCR3, PAGE_BITS);
    read = as_tbz(a, SCR, WRITE_BIT);
    as_mem_reg(a, A_LOAD, 8, X3, WR_TABLE, X3, false, true);
    as_mem_reg(a, A_LOAD, 8, SCR3, WR_TABLE, SCR3, false, true);
    found = as_b(a);
    as_patch(a, read);
    as_mem_reg(a, A_LOAD, 8, X3, RD_TABLE, X3, false, true);
    as_mem_reg(a, A_LOAD, 8, SCR3, RD_TABLE, SCR3, false, true);
    as_patch(a, found);
    as_rrr(a, A_EOR, true, SCR3, SCR3, X3);
    refused[2] = as_cbnz(a, true, SCR3);
    refused[3] = as_cbz(a, true, X3);
    as_rrr(a, A_ADD, true, SCR, X3, ADDR);
    as_pair(a, A_LDP_POST, X3, X4, SP, 16);
    as_ret(a);
    for (unsigned i = 0; i < ARRAY_LEN(refused); i++)
        as_patch(a, refused[i]);
}
