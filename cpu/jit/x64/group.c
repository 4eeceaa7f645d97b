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
    em_plan(e, EM_REACH, joins, give_registers);
}

s32 em_group_from_base(struct em *e, const struct ir_ins *i, struct group *g)
{
    enum { NEAR = 128 };
    s32 at = e->offset[e->now] - g->lo, first = (s32)((u32)i->imm - (u32)at);
    /* A single alignment and width say all about a group of one place. */
    bool plain = g->span == ir_bytes(i->type);
    if (first > 0 && first <= NEAR && g->span + first <= EM_REACH && !plain && em_loc(e, i->a).reg) {
        g->lo -= first;
        g->span = (u16)(g->span + first);
        at += first;
    }
    return at;
}

/* Entries of the flat table that are the same and not 0: both pages allow it, with one addend. */
void em_group_across(struct as *a, s64 flat)
{
    enum { WRITE_BIT = 10, TABLE_BITS = 24 };
    s32 table = (s32)(flat - STATE_BIAS);
    u8 *refused[4], *supervisor;
    _Static_assert(BE_GROUP_WRITE == 1 << WRITE_BIT && MMU_USER == 1 && MMU_SUP == 0, "as flat_offset()");
    _Static_assert(FLAT_TABLE_SIZE / sizeof(u64) == 1 << TABLE_BITS, "a table's entries");
    as_push(a, SCR2);
    as_alu_mi(a, 7, 1, ST(code_bits), 64);
    refused[0] = as_jcc(a, CC_E);
    as_mov_rr(a, 4, SCR2, RAX);
    as_alu_ri(a, 4, 4, SCR2, BE_GROUP_SPAN);
    as_rr(a, 0x03, 4, SCR2, ADDR);
    refused[1] = as_jcc(a, CC_B); /* around the end of the address space */
    as_alu_ri(a, 5, 4, SCR2, 1);
    as_rr(a, 0xc1, 4, 5, SCR2); /* shr */
    as8(a, PAGE_BITS);
    as_rr(a, 0xc1, 4, 5, RAX);
    as8(a, WRITE_BIT);
    as_alu_ri(a, 4, 4, RAX, 1);
    as_alu_mi(a, 7, 1, ST(mmu_mode), MMU_USER);
    supervisor = as_jcc(a, CC_NE);
    as_alu_ri(a, 1, 4, RAX, 2);
    as_patch(supervisor, a->p);
    as_rr(a, 0xc1, 4, 4, RAX); /* shl */
    as8(a, TABLE_BITS);
    as_rr(a, 0x03, 4, SCR2, RAX);
    as_push(a, ADDR);
    as_rr(a, 0xc1, 4, 5, ADDR);
    as8(a, PAGE_BITS);
    as_rr(a, 0x03, 4, RAX, ADDR);
    as_pop(a, ADDR);
    as_load(a, 8, RAX, MEMX(STATE, RAX, 3, table));
    as_rm(a, 0x3b, 8, RAX, MEMX(STATE, SCR2, 3, table));
    refused[2] = as_jcc(a, CC_NE);
    as_rr(a, 0x85, 8, RAX, RAX);
    refused[3] = as_jcc(a, CC_E);
    as_rr(a, 0x03, 8, RAX, ADDR);
    as_pop(a, SCR2);
    as8(a, 0xc3);
    for (unsigned i = 0; i < ARRAY_LEN(refused); i++)
        as_patch(refused[i], a->p);
    as_pop(a, SCR2);
}
