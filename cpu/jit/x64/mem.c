/* x86-64 code for guest memory: the inline TLB probe with its way out of line, segment checks, and
 * calls to exec_. The probe of a page that is there, in plain words: entry = tlb + (la >> 12 &
 * mask) * 32; is (la + size - 1) on the page that entry.tag names? then host address = la +
 * entry.addend. */
#include "cpu/jit/x64/group.h"

struct cold em_cold_state(struct em *e)
{
    return (struct cold){.flags = (u8)e->flags,
                         .mend = (u8)e->mend,
                         .upper = e->upper,
                         .recipe = e->recipe};
}

/* The host register that holds the linear address a + imm, zero-extended: a's own when nothing is
 * to be added. */
unsigned em_address(struct em *e, const struct ir_ins *i, s32 imm)
{
    struct loc l = em_loc(e, i->a);
    unsigned width = e->in->ir->long_mode ? 8 : 4;
    if (l.reg && !imm)
        return l.r;
    if (!l.reg)
        as_load(&e->a, width, ADDR, MEM(STATE, l.disp));
    if (imm)
        as_lea(&e->a, width, ADDR, MEM(l.reg ? l.r : ADDR, imm));
    return ADDR;
}

/* rorx dst, src, count (BMI2) where the host has it. */
static void rotate_right(struct em *e, unsigned dst, unsigned src, unsigned count)
{
    if (e->stubs->rorx) {
        as8(&e->a, 0xc4);
        as8(&e->a, (u8)(0xc3 | (src < 8 ? 0x20 : 0)));
        as8(&e->a, 0x7b);
        as8(&e->a, 0xf0);
        as8(&e->a, (u8)(0xc0 | (dst & 7) << 3 | (src & 7)));
    } else {
        as_mov_rr(&e->a, 4, dst, src);
        as_rr(&e->a, 0xc1, 4, 1, dst);
    }
    as8(&e->a, (u8)count);
}

/* Where the flat table for these accesses is, from STATE. */
static s32 flat_table(const struct em *e, bool write)
{
    return (s32)(e->stubs->flat - STATE_BIAS + (s64)flat_offset(e->in->user, write));
}

/* The probe of the flat table. A rotation brings the page's number to the bottom and the lowest
 * bits of the address above it: an address that is not aligned finds 0. */
static u8 *probe_flat(struct em *e, unsigned la, unsigned size, bool write)
{
    s32 table = flat_table(e, write);
    if (size == 1) {
        as_mov_rr(&e->a, 4, SCR, la);
        as_rr(&e->a, 0xc1, 4, 5, SCR);
        as8(&e->a, PAGE_BITS);
    } else {
        rotate_right(e, SCR, la, PAGE_BITS);
        as_alu_ri(&e->a, 4, 4, SCR, (s32)(size * FLAT_PAGES - 1));
    }
    return em_entry(e, table);
}

/* The probe of the flat table for `span` bytes with any alignment: behind the rotation the offset in
 * the page is on top, so that one comparison refuses what goes beyond its end. */
static u8 *probe_loose(struct em *e, unsigned la, unsigned span, bool write, u8 **crosses)
{
    s32 table = flat_table(e, write);
    rotate_right(e, SCR, la, PAGE_BITS);
    as_alu_ri(&e->a, 7, 4, SCR, (s32)((PAGE_SIZE + 1u - span) << (32 - PAGE_BITS)));
    *crosses = as_jcc(&e->a, CC_AE);
    as_alu_ri(&e->a, 4, 4, SCR, FLAT_PAGES - 1);
    return em_entry(e, table);
}

/* Without paging, for reads: is the address in the window of plain memory? There pages are neighbours and
 * nothing needs to be aligned. */
static u8 *probe_raw(struct em *e, unsigned la)
{
    const s32 raw = ST_OFF(mmu.raw) + (s32)((e->in->raw - 1u) * sizeof(struct mmu_raw));
    unsigned from = la;
    u8 *miss;
    _Static_assert((int)EM_REACH <= (int)MMU_RAW_SPAN, "what is read lies in the window");
    if (e->in->raw > 1)
        as_lea(&e->a, 4, from = SCR, MEM(la, -MMU_RAW_HIGH));
    as_rm(&e->a, 0x3b, 4, from, MEM(STATE, raw + (s32)offsetof(struct mmu_raw, size)));
    miss = as_jcc(&e->a, CC_AE);
    as_load(&e->a, 8, SCR, MEM(STATE, raw + (s32)offsetof(struct mmu_raw, base)));
    return miss;
}

/* ... what lies elsewhere is looked up after all. */
static void raw_missed(struct em *e, const struct cold *c)
{
    bool group = c->kind == COLD_GROUP;
    unsigned size = group ? c->arg & BE_GROUP_SPAN : BIT(c->size);
    u8 *none, *crosses = NULL;
    none = group && size > 1 ? probe_loose(e, c->reg, size, false, &crosses)
                             : probe_flat(e, c->reg, size, false);
    as_jmp_to(&e->a, c->guess_back);
    if (e->a.full)
        return;
    as_patch(none, e->a.p);
    if (crosses)
        as_patch(crosses, e->a.p);
}

/* The probe of the tagged table. */
static u8 *probe_tagged(struct em *e, unsigned la, unsigned size, bool write)
{
    s32 tlb = ST_OFF(mmu.tlb) + (e->in->user ? (s32)sizeof(struct tlb) : 0);
    s32 tag = tlb + (s32)(write ? offsetof(struct tlb_entry, wr) : offsetof(struct tlb_entry, rd));
    u8 *miss;
    as_mov_rr(&e->a, 4, SCR, la);
    as_rr(&e->a, 0xc1, 4, 5, SCR);
    as8(&e->a, PAGE_BITS - 5);
    as_alu_ri(&e->a, 4, 4, SCR, (TLB_SIZE - 1) << 5);
    if (size > 1)
        as_lea(&e->a, e->in->ir->long_mode ? 8 : 4, SCR2, MEM(la, size - 1));
    else
        as_mov_rr(&e->a, e->in->ir->long_mode ? 8 : 4, SCR2, la);
    as_alu_ri(&e->a, 4, e->in->ir->long_mode ? 8 : 4, SCR2, (s32)~PAGE_MASK);
    as_rm(&e->a, 0x3b, 8, SCR2, MEMX(STATE, SCR, 0, tag));
    miss = as_jcc(&e->a, CC_NE);
    as_load(&e->a, 8, SCR, MEMX(STATE, SCR, 0, tlb + (s32)offsetof(struct tlb_entry, addend)));
    return miss;
}

void em_bail_unless_aligned(struct em *e, const struct ir_ins *i, unsigned r, unsigned size)
{
    as_rr(&e->a, 0xf6, 1, 0, r); /* test */
    as8(&e->a, (u8)(size - 1));
    em_cold(e, COLD_BAIL, i, as_jcc(&e->a, CC_NE), NULL, 0);
}

/* The probe; leaves the addend in SCR and returns the register with the linear address. Behind it
 * an access to [SCR + la] is right. Spoils the host's flags and SCR2. */
unsigned em_probe(struct em *e, const struct ir_ins *i, s32 imm, bool write, unsigned access)
{
    unsigned size = access == IR_ACCESS_TEN ? 10 : ir_bytes(i->type), la;
    bool flat = e->stubs->flat && !e->in->ir->long_mode && access != IR_ACCESS_TEN;
    bool raw = e->in->raw && flat && !write;
    u8 *miss, *crosses = NULL;
    em_flags_spoil(e, true);
    la = em_address(e, i, imm);
    if (access == IR_ACCESS_ALIGNED)
        em_bail_unless_aligned(e, i, la, 16);
    if (!flat && em_wide(e))
        miss = em_probe_wide(e, MEM(la, 0), size, write);
    else if (!flat)
        miss = probe_tagged(e, la, size, write);
    else if (raw)
        miss = probe_raw(e, la);
    else if (e->in->loose && size > 1 && access != IR_ACCESS_ALIGNED)
        miss = probe_loose(e, la, size, write, &crosses);
    else
        miss = probe_flat(e, la, size, write);
    em_cold(e, COLD_PREPARE, i, miss, e->a.p, 0);
    if (e->ncold) {
        struct cold *c = &e->cold[e->ncold - 1];
        c->from2 = crosses;
        c->guess = e->guess, c->guess_back = e->a.p;
        c->raw = raw;
        c->table = flat_table(e, write);
        c->write = write, c->size = access == IR_ACCESS_TEN ? 5 : i->type, c->reg = (u8)la;
        c->probe = flat ? e->in->user : 2;
    }
    return la;
}

/* ---- groups ---- */

/* The group's first access: check all of it and keep the host address of its lowest byte. */
static void group_lead(struct em *e, const struct ir_ins *i, struct group *g)
{
    s32 at = em_group_from_base(e, i, g);
    bool write = plan_is_write(i);
    bool flat = e->stubs->flat && !e->in->ir->long_mode;
    bool raw = e->in->raw && flat && !g->write;
    unsigned la;
    u8 *miss, *found, *straddles = NULL;
    em_flags_spoil(e, true);
    la = em_address(e, i, (s32)((u32)i->imm - (u32)at));
    if (em_vector_access(i) == IR_ACCESS_ALIGNED) {
        as_lea(&e->a, 4, SCR, MEM(la, at));
        em_bail_unless_aligned(e, i, SCR, 16);
    }
    if (!flat)
        miss = probe_tagged(e, la, g->span, g->write);
    else if (raw)
        miss = probe_raw(e, la);
    else if (g->span == ir_bytes(i->type) &&
             (em_vector_access(i) == IR_ACCESS_ALIGNED || g->span == 1 ||
              (g->span <= 8 && !e->in->loose)))
        miss = probe_flat(e, la, g->span, g->write);
    else
        miss = probe_loose(e, la, g->span, g->write, &straddles);
    found = e->a.p;
    as_lea(&e->a, 8, g->reg, MEMX(e->guess ? SCR2 : SCR, la, 0, 0));
    em_cold(e, COLD_GROUP, i, miss, e->a.p,
            g->span | (g->write ? BE_GROUP_WRITE : 0u) | (write ? BE_GROUP_LEAD_WRITE : 0u) |
                BE_GROUP_LEAD(i->type, at));
    if (e->ncold) {
        struct cold *c = &e->cold[e->ncold - 1];
        c->reg = (u8)la, c->from2 = straddles, c->write = g->reg;
        c->guess = e->guess, c->guess_back = found;
        c->raw = raw;
        c->table = flat_table(e, g->write);
    }
}

/* Which guess does this access make? Without paging, what reads and writes knows where its memory is but
 * for what the table says of writes. */
static u16 guess_for(struct em *e, const struct ir_ins *i, const struct group *g, bool write)
{
    if (!e->in->raw || !e->stubs->flat || e->in->ir->long_mode)
        return (u16)guess_take(e->stubs, e->in, e->out, e->guesses, e->now, g != NULL);
    return (g && g->write) || (write && i->op == IR_LDW) ? GUESS_RAW : 0;
}

struct mem em_access(struct em *e, const struct ir_ins *i, bool write)
{
    struct group *g = e->group[e->now] ? &e->groups[e->group[e->now] - 1] : NULL;
    unsigned la = 0, addend;
    if (em_wide(e))
        return em_wide_access(e, i, write);
    if (g && g->first != e->now)
        return MEM(g->reg, e->offset[e->now] - g->lo);
    e->guess = guess_for(e, i, g, write);
    if (g)
        group_lead(e, i, g);
    else
        la = em_probe(e, i, (s32)i->imm, write, em_vector_access(i));
    addend = e->guess ? SCR2 : SCR;
    e->guess = 0;
    return g ? MEM(g->reg, e->offset[e->now] - g->lo) : MEMX(addend, la, 0, 0);
}

/* Write host register r, just loaded with `size` clean bytes, to dst. */
static void put(struct em *e, u8 dst, unsigned r, unsigned size)
{
    struct loc d = em_loc(e, dst);
    if (d.reg && d.r != r)
        as_mov_rr(&e->a, size, d.r, r);
    else if (!d.reg)
        as_store(&e->a, size == 4 ? 8 : size, r, MEM(STATE, d.disp));
}

void em_load(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    struct mem m = em_access(e, i, false);
    struct loc d = em_loc(e, i->dst);
    if (i->op == IR_LD) {
        unsigned r = d.reg ? d.r : SCR2;
        as_load(&e->a, size, r, m);
        if (!d.reg)
            put(e, i->dst, r, size);
    } else {
        unsigned r = d.reg ? d.r : SCR2;
        bool sx = i->op == IR_LDX;
        if (size >= 4)
            as_load(&e->a, size, r, m);
        else
            as_rm(&e->a, (size == 1 ? 0x1b6u : 0x1b7u) + (sx ? 8 : 0), 4, r, m);
        if (!d.reg)
            put(e, i->dst, r, 4);
    }
}

void em_store(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    struct mem m = em_access(e, i, true);
    if (i->op != IR_STI) {
        /* The addend is in one of the scratch registers. */
        as_store(&e->a, size, em_use(e, i->b, size, m.base == SCR2 ? SCR : SCR2), m);
        return;
    }
    as_mov_mi(&e->a, size, m, (s32)(i->imm >> 32));
    if (e->in->insns[i->at].op == OP_CALL && !e->in->ir->long_mode) { /* the return address */
        em_fix(e, BE_FIX_EIP, 4);
        e->out->fixed_eip |= size != 4;
    }
}

/* The place temporary keeps the host address of the bytes. */
void em_load_for_write(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    struct mem m = em_access(e, i, true);
    struct loc d = em_loc(e, i->dst), p = em_loc(e, i->b);
    unsigned pr = p.reg ? p.r : SCR;
    as_lea(&e->a, 8, pr, m);
    if (!p.reg)
        as_store(&e->a, 8, pr, MEM(STATE, p.disp));
    as_load(&e->a, size, d.reg ? d.r : SCR2, MEM(pr, 0));
    if (!d.reg)
        put(e, i->dst, SCR2, size);
}

void em_store_back(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    unsigned v = em_use(e, i->a, size, SCR);
    struct loc p = em_loc(e, i->b);
    if (!p.reg)
        as_load(&e->a, 8, SCR2, MEM(STATE, p.disp));
    as_store(&e->a, size, v, MEM(p.reg ? p.r : SCR2, 0));
}

void em_segment(struct em *e, const struct ir_ins *i)
{
    unsigned seg = i->b, size = i->imm & 0xff;
    bool write = i->imm & 0x100;
    unsigned off;
    u8 *fail;
    s32 end = (s32)(offsetof(struct cpu, seg) + seg * sizeof(struct seg) +
                    (write ? offsetof(struct seg, end_w) : offsetof(struct seg, end_r))) -
              STATE_BIAS;
    em_flags_spoil(e, true);
    off = em_use(e, i->a, 8, ADDR);
    as_lea(&e->a, 8, SCR, MEM(off, size));
    as_rm(&e->a, 0x3b, 8, SCR, MEM(STATE, end));
    fail = as_jcc(&e->a, CC_A);
    em_cold(e, COLD_SEG, i, fail, e->a.p, (u64)seg << 16 | (i->imm & 0x1ff));
    if (e->ncold)
        e->cold[e->ncold - 1].reg = (u8)off;
}

/* Sign-extend from bit 47 and compare: the jump taken for what differs. */
static u8 *not_canonical(struct em *e, unsigned r)
{
    as_mov_rr(&e->a, 8, SCR, r);
    as_rr(&e->a, 0xc1, 8, 4, SCR);
    as8(&e->a, 16);
    as_rr(&e->a, 0xc1, 8, 7, SCR);
    as8(&e->a, 16);
    as_rr(&e->a, 0x3b, 8, SCR, r);
    return as_jcc(&e->a, CC_NE);
}

/* What is not canonical takes the way of an access that needs exec. */
void em_canonical(struct em *e, const struct ir_ins *i)
{
    unsigned r;
    u8 *other;
    bool top;
    em_flags_spoil(e, true);
    top = em_stack_top(e, i, &other);
    r = em_use(e, i->a, 8, ADDR);
    if (!top)
        other = not_canonical(e, r);
    em_cold(e, top ? COLD_CANON : COLD_PREPARE, i, other, e->a.p, 0);
    if (e->ncold) {
        e->cold[e->ncold - 1].reg = (u8)r;
        e->cold[e->ncold - 1].probe = 2;
    }
}

void em_bail(struct em *e, const struct ir_ins *i)
{
    unsigned r;
    em_flags_spoil(e, true);
    r = em_use(e, i->a, 4, SCR);
    as_rr(&e->a, 0xf7, 4, 0, r); /* test */
    as32(&e->a, (u32)i->imm);
    em_cold(e, COLD_BAIL, i, as_jcc(&e->a, CC_NE), NULL, 0);
}

void em_selector(struct em *e, u8 v)
{
    em_load_to(e, SCR, v, 4);
}

void em_cold_arguments(struct em *e, const struct cold *c)
{
    if (c->kind == COLD_CANON) {
        u8 *other = not_canonical(e, c->reg);
        as_jmp_to(&e->a, c->back);
        if (e->a.full)
            return;
        as_patch(other, e->a.p);
    }
    if (c->disp)
        as_lea(&e->a, 8, ADDR, MEM(c->reg, c->disp));
    else if (c->reg != ADDR)
        as_mov_rr(&e->a, 8, ADDR, c->reg);
    em_site(e, c->at);
    if (c->kind == COLD_GROUP || c->kind == COLD_SEG)
        as_mov_ri(&e->a, SCR, c->arg);
}

void em_cold_begin(struct em *e, const struct cold *c)
{
    em_recipe_recall(e, c);
    if (c->kind == COLD_EXIT)
        return;
    em_flags_save(e);
    em_upper_flush(e);
}

void em_cold_back(struct em *e, const struct cold *c)
{
    if (c->guess)
        as_mov_rr(&e->a, 8, SCR2, SCR);
    if (c->kind == COLD_PREPARE || c->kind == COLD_CANON)
        em_upper_again(e, ADDR);
    as_jmp_to(&e->a, c->back);
}

void em_cold_group(struct em *e, const struct cold *c)
{
    em_upper_again(e, ADDR);
    if (c->write != SCR) /* the group's register, when it has one */
        as_mov_rr(&e->a, 8, c->write, SCR);
    as_rr(&e->a, 0x85, 8, SCR, SCR);
    as_patch(as_jcc(&e->a, CC_NE), c->back);
}

void em_cold_exit(struct em *e, const struct cold *c)
{
    em_side_exit(e, c->from, c->arg, c->at + 1u, c->again);
}

void em_cold_bail(struct em *e)
{
    em_call_stub(e, e->stubs->bail);
}

void em_cold_other(struct em *e, const struct cold *c)
{
}

bool em_cold_here(struct em *e, const struct cold *c)
{
    as_patch(c->from, e->a.p);
    if (c->guess)
        em_guess_wrong(e, c);
    if (c->raw)
        raw_missed(e, c);
    if (e->a.full)
        return false;
    if (c->from2)
        as_patch(c->from2, e->a.p);
    return true;
}
