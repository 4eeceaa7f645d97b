/* x86-64 code for guest memory in long mode, where the host has BMI2: the tables by the lower half of
 * the address (mmu/tlb.h). In plain words: index = (u32)la >> 12; is (la + size - 1) >> 12 the number
 * in entry[index]? then host address = la + addend[index]. Both shifts take their count from the
 * state pointer, whose lowest bits are made for it. */
#include "cpu/jit/x64/group.h"

_Static_assert((STATE_BIAS & 63) == PAGE_BITS, "struct cpu begins at a multiple of 64");

bool em_wide(const struct em *e)
{
    return e->stubs->flat && e->stubs->rorx && e->in->ir->long_mode;
}

bool em_wide_disp(s32 imm)
{
    return imm <= INT32_MAX - (s32)PAGE_SIZE;
}

/* shrx dst, src, STATE: src >> 12, of 32 bits or `whole`. */
static void page_number(struct em *e, unsigned dst, unsigned src, bool whole)
{
    as8(&e->a, 0xc4);
    as8(&e->a, (u8)(0x42 | (dst < 8 ? 0x80 : 0) | (src < 8 ? 0x20 : 0)));
    as8(&e->a, (u8)((whole ? 0x80 : 0) | (~STATE & 15) << 3 | 3));
    as8(&e->a, 0xf7);
    as8(&e->a, (u8)(0xc0 | (dst & 7) << 3 | (src & 7)));
}

u8 *em_probe_wide(struct em *e, struct mem la, unsigned size, bool write)
{
    s32 table[WIDE_TABLES];
    unsigned low = la.base;
    u8 *miss;
    for (int t = 0; t < WIDE_TABLES; t++)
        table[t] = (s32)(e->stubs->flat - STATE_BIAS + (s64)wide_offset(e->in->user, t));
    if (la.disp) {
        low = SCR2;
        as_lea(&e->a, 8, SCR2, la);
    }
    page_number(e, SCR, low, false);
    if (size > 1) {
        low = SCR2;
        as_lea(&e->a, 8, SCR2, MEM(la.base, la.disp + (s32)size - 1));
    }
    page_number(e, SCR2, low, true);
    as_rm(&e->a, 0x3b, 8, SCR2, MEMX(STATE, SCR, 3, table[write ? WIDE_WR : WIDE_RD]));
    miss = as_jcc(&e->a, CC_NE);
    as_load(&e->a, 8, SCR, MEMX(STATE, SCR, 3, table[WIDE_ADDEND]));
    return miss;
}

/* The linear address a + imm as a base and what is to be added. */
static struct mem place(struct em *e, const struct ir_ins *i, s32 imm)
{
    struct loc l = em_loc(e, i->a);
    /* Out of line ADDR comes to hold the whole sum. */
    if (l.reg && em_wide_disp(imm))
        return MEM(l.r, imm);
    return MEM(em_address(e, i, imm), 0);
}

static void bail_unless_aligned(struct em *e, const struct ir_ins *i, struct mem la)
{
    unsigned r = la.base;
    if (la.disp) {
        r = SCR;
        as_lea(&e->a, 4, SCR, la);
    }
    em_bail_unless_aligned(e, i, r, 16);
}

static struct mem single(struct em *e, const struct ir_ins *i, bool write)
{
    unsigned access = em_vector_access(i), size = access == IR_ACCESS_TEN ? 10 : ir_bytes(i->type);
    struct mem la = place(e, i, (s32)i->imm);
    u8 *miss;
    if (access == IR_ACCESS_ALIGNED)
        bail_unless_aligned(e, i, la);
    miss = em_probe_wide(e, la, size, write);
    em_cold(e, COLD_PREPARE, i, miss, e->a.p, 0);
    if (e->ncold) {
        struct cold *c = &e->cold[e->ncold - 1];
        c->write = write, c->size = access == IR_ACCESS_TEN ? 5 : i->type;
        c->reg = la.base, c->disp = la.disp;
        c->probe = 2;
    }
    return MEMX(SCR, la.base, 0, la.disp);
}

static struct mem slot(const struct group *g)
{
    return MEM(STATE, ST_OFF(slots) + 8 * g->slot);
}

/* The group's first access: check all of it and keep the host address of its lowest byte. */
static void lead(struct em *e, const struct ir_ins *i, struct group *g, bool write)
{
    s32 at = em_group_from_base(e, i, g);
    struct mem la = place(e, i, (s32)((u32)i->imm - (u32)at));
    u8 *miss;
    if (em_vector_access(i) == IR_ACCESS_ALIGNED)
        bail_unless_aligned(e, i, MEM(la.base, la.disp + at));
    miss = em_probe_wide(e, la, g->span, g->write);
    as_lea(&e->a, 8, g->reg, MEMX(SCR, la.base, 0, la.disp));
    em_cold(e, COLD_GROUP, i, miss, e->a.p,
            g->span | (g->write ? BE_GROUP_WRITE : 0u) | (write ? BE_GROUP_LEAD_WRITE : 0u) |
                BE_GROUP_LEAD(i->type, at));
    if (e->ncold) {
        struct cold *c = &e->cold[e->ncold - 1];
        c->reg = la.base, c->disp = la.disp, c->write = g->reg;
    }
    if (g->reg == SCR)
        as_store(&e->a, 8, SCR, slot(g));
}

struct mem em_wide_access(struct em *e, const struct ir_ins *i, bool write)
{
    struct group *g;
    if (!e->group[e->now]) {
        em_flags_spoil(e, true);
        return single(e, i, write);
    }
    g = &e->groups[e->group[e->now] - 1];
    if (g->first == e->now) {
        em_flags_spoil(e, true);
        lead(e, i, g, write);
    } else if (g->reg == SCR) {
        as_load(&e->a, 8, SCR, slot(g));
    }
    return MEM(g->reg, e->offset[e->now] - g->lo);
}
