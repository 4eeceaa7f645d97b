/* AArch64 code for guest memory: the inline probe of the translation tables with its way out of line,
 * segment checks, and calls to exec_. None of it touches NZCV. In plain words, for 32 bits: addend =
 * table[la >> 12 | (la & (size - 1)) << 20]; when that is 0 ask; host address = la + addend. */
#include "cpu/jit/a64/em.h"

struct cold em_cold_state(struct em *e)
{
    return (struct cold){.carry = (u8)e->carry, .recipe = e->recipe, .x87 = em_x87_now(e)};
}

/* The host register with the linear address a + imm; in 32-bit code its lower half counts. */
static unsigned address(struct em *e, const struct ir_ins *i, s32 imm)
{
    unsigned r = em_use(e, i->a, ADDR);
    if (!imm)
        return r;
    as_add_imm(&e->a, A_ADD, e->in->ir->long_mode, ADDR, r, imm, SCR3);
    return ADDR;
}

static u8 *probe_flat(struct em *e, unsigned la, unsigned size, bool write, u8 **crosses)
{
    unsigned table = write ? WR_TABLE : RD_TABLE;
    *crosses = NULL;
    if (size > 1 && (e->in->loose || size == 10)) {
        as_logic_imm(&e->a, A_AND, false, SCR, la, PAGE_MASK, NOREG);
        as_add_imm(&e->a, A_SUB, false, SCR, SCR, PAGE_SIZE + 1 - size, SCR2);
        as_lsr(&e->a, false, SCR, SCR, 31);
        *crosses = as_cbz(&e->a, false, SCR);
        as_lsr(&e->a, false, SCR, la, PAGE_BITS);
    } else if (size > 1) {
        as_extr(&e->a, false, SCR, la, la, PAGE_BITS);
        as_logic_imm(&e->a, A_AND, false, SCR, SCR, (u64)size * FLAT_PAGES - 1, SCR2);
    } else {
        as_lsr(&e->a, false, SCR, la, PAGE_BITS);
    }
    return em_entry(e, table);
}

/* In long mode: is the number of the last byte's page in the table? */
static u8 *probe_wide(struct em *e, unsigned la, unsigned size, bool write)
{
    u8 *miss;
    unsigned last = la;
    as_ubfx(&e->a, true, SCR, la, PAGE_BITS, 20);
    as_mem_reg(&e->a, A_LOAD, 8, SCR2, write ? WR_TABLE : RD_TABLE, SCR, false, true);
    if (size > 1) {
        as_add_imm(&e->a, A_ADD, true, SCR3, la, size - 1, NOREG);
        last = SCR3;
    }
    as_rrrs(&e->a, A_SUB, true, SCR2, SCR2, last, LSR, PAGE_BITS);
    miss = as_cbnz(&e->a, true, SCR2);
    as_mem_reg(&e->a, A_LOAD, 8, SCR, WIDE, SCR, false, true);
    return miss;
}

/* Without those tables: the tagged one. */
static u8 *probe_tagged(struct em *e, unsigned la, unsigned size, bool write)
{
    bool wide = e->in->ir->long_mode;
    s64 tlb = ST(mmu.tlb) + (e->in->user ? (s64)sizeof(struct tlb) : 0);
    u8 *miss;
    _Static_assert(sizeof(struct tlb_entry) == 32, "a shift gives the entry");
    as_mov_imm(&e->a, SCR3, (u64)tlb);
    as_rrr(&e->a, A_ADD, true, SCR3, SCR3, STATE);
    as_ubfx(&e->a, true, SCR, la, PAGE_BITS, TLB_BITS);
    as_rrrs(&e->a, A_ADD, true, SCR3, SCR3, SCR, LSL, 5);
    as_add_imm(&e->a, A_ADD, wide, SCR, la, size - 1, NOREG);
    as_logic_imm(&e->a, A_AND, wide, SCR, SCR, ~(u64)PAGE_MASK, SCR2);
    as_mem(&e->a, A_LOAD, 8, SCR2, SCR3,
           write ? offsetof(struct tlb_entry, wr) : offsetof(struct tlb_entry, rd));
    as_rrr(&e->a, A_SUB, true, SCR, SCR, SCR2);
    miss = as_cbnz(&e->a, true, SCR);
    as_mem(&e->a, A_LOAD, 8, SCR, SCR3, offsetof(struct tlb_entry, addend));
    return miss;
}

/* [base + index] with an index of 32 or 64 bits as one register. */
static void sum(struct em *e, unsigned d, unsigned base, unsigned index, bool word)
{
    if (word) /* add d, base, w index, uxtw */
        as32(&e->a, 0x8b204000 | index << 16 | base << 5 | d);
    else
        as_rrr(&e->a, A_ADD, true, d, base, index);
}

/* A vector access whose address in register la, + disp, is not aligned as it must be goes to exec; so
 * does one of 32 bytes, of which the probe sees 16, that reaches the next page. */
static void aligned(struct em *e, const struct ir_ins *i, unsigned la, s32 disp)
{
    bool wide;
    if (i->op < IR_VECL || i->op > IR_VECS)
        return;
    wide = em_vec_access_is_wide(&e->in->insns[i->at]);
    if (i->b != IR_ACCESS_ALIGNED && !wide)
        return;
    if (disp) {
        as_add_imm(&e->a, A_ADD, false, SCR, la, disp, SCR2);
        la = SCR;
    }
    if (i->b == IR_ACCESS_ALIGNED) {
        as_logic_imm(&e->a, A_AND, false, SCR, la, wide ? 31 : 15, NOREG);
        em_cold(e, COLD_BAIL, i, as_cbnz(&e->a, false, SCR), NULL, 0);
    } else {
        as_logic_imm(&e->a, A_AND, false, SCR, la, PAGE_MASK, NOREG);
        as_add_imm(&e->a, A_SUB, false, SCR, SCR, PAGE_SIZE - 31, NOREG);
        em_cold(e, COLD_BAIL, i, as_tbz(&e->a, SCR, 31), NULL, 0);
    }
}

static struct em_place single(struct em *e, const struct ir_ins *i, bool write)
{
    bool ten = i->op >= IR_VECL && i->op <= IR_VECS && i->b == IR_ACCESS_TEN;
    unsigned size = ten ? 10 : ir_bytes(i->type), la = address(e, i, (s32)i->imm);
    u8 *miss, *crosses = NULL;
    aligned(e, i, la, 0);
    if (!e->stubs->flat)
        miss = probe_tagged(e, la, size, write);
    else if (e->in->ir->long_mode)
        miss = probe_wide(e, la, size, write);
    else
        miss = probe_flat(e, la, size, write, &crosses);
    em_cold(e, COLD_PREPARE, i, miss, e->a.p, 0);
    if (e->ncold) {
        struct cold *c = &e->cold[e->ncold - 1];
        c->from2 = crosses;
        c->guess = e->guess, c->guess_back = e->a.p;
        c->write = write, c->size = ten ? 5 : i->type, c->reg = (u8)la;
        c->probe = e->stubs->flat && !e->in->ir->long_mode ? e->in->user : 2;
    }
    return (struct em_place){SCR, (u8)la, !e->in->ir->long_mode, 0};
}

/* Any alignment: a last byte on another page differs in the lowest bit of the page's number. */
static u8 *probe_span(struct em *e, unsigned la, unsigned span, bool write, u8 **straddles)
{
    as_add_imm(&e->a, A_ADD, false, SCR2, la, span - 1, NOREG);
    as_rrr(&e->a, A_EOR, false, SCR2, SCR2, la);
    *straddles = as_tbnz(&e->a, SCR2, PAGE_BITS);
    as_lsr(&e->a, false, SCR, la, PAGE_BITS);
    return em_entry(e, write ? WR_TABLE : RD_TABLE);
}

/* The group's first access: check all of it and keep the host address of its lowest byte. */
static void lead(struct em *e, const struct ir_ins *i, const struct group *g)
{
    s32 at = e->offset[e->now] - g->lo;
    unsigned la = address(e, i, (s32)((u32)i->imm - (u32)at));
    bool word = !e->in->ir->long_mode;
    u8 *miss, *found, *straddles = NULL;
    aligned(e, i, la, at);
    if (!e->stubs->flat)
        miss = probe_tagged(e, la, g->span, g->write);
    else if (!word)
        miss = probe_wide(e, la, g->span, g->write);
    else if (g->span <= 8 && !(g->span & (g->span - 1)) && !e->in->loose)
        miss = probe_flat(e, la, g->span, g->write, &straddles);
    else
        miss = probe_span(e, la, g->span, g->write, &straddles);
    found = e->a.p;
    sum(e, g->reg, SCR, la, word);
    em_cold(e, COLD_GROUP, i, miss, NULL,
            g->span | (g->write ? BE_GROUP_WRITE : 0u) |
                (plan_is_write(i) ? BE_GROUP_LEAD_WRITE : 0u) | BE_GROUP_LEAD(i->type, at));
    if (e->ncold) {
        struct cold *c = &e->cold[e->ncold - 1];
        c->reg = (u8)la, c->from2 = straddles, c->write = g->reg, c->back = e->a.p;
        c->guess = e->guess, c->guess_back = found;
    }
}

struct em_place em_access(struct em *e, const struct ir_ins *i, bool write)
{
    const struct group *g = e->group[e->now] ? &e->groups[e->group[e->now] - 1] : NULL;
    struct em_place p;
    s32 disp;
    if (!e->follows[e->now])
        e->guess = (u16)guess_take(e->stubs, e->in, e->out, e->guesses, e->now, g != NULL);
    if (!g) {
        p = single(e, i, write);
        e->guess = 0;
        return p;
    }
    if (!e->follows[e->now])
        lead(e, i, g);
    e->guess = 0;
    disp = e->offset[e->now] - g->lo;
    if (as_mem_fits(ir_bytes(i->type), disp))
        return (struct em_place){g->reg, NOREG, false, disp};
    as_add_imm(&e->a, A_ADD, true, SCR, g->reg, disp, NOREG);
    return (struct em_place){SCR, NOREG, false, 0};
}

void em_place_general(struct em *e, unsigned what, unsigned size, unsigned t, struct em_place p)
{
    if (p.index == NOREG)
        as_mem(&e->a, what, size, t, p.base, p.disp);
    else
        as_mem_reg(&e->a, what, size, t, p.base, p.index, p.word, false);
}

void em_place_vec(struct em *e, unsigned size, unsigned v, struct em_place p, bool write)
{
    u32 log = (u32)__builtin_ctz(size) & 3, what = size == 16 ? (write ? 2 : 3) : !write;
    if (p.index == NOREG && p.disp >= 0 && !(p.disp & (s32)(size - 1)) && p.disp < (s32)size << 12)
        as32(&e->a, log << 30 | 0x3d000000 | what << 22 | (u32)p.disp / size << 10 |
                        (u32)p.base << 5 | v);
    else if (p.index == NOREG) /* em_access saw that it fits */
        as32(&e->a, log << 30 | 0x3c000000 | what << 22 | ((u32)p.disp & 0x1ff) << 12 |
                        (u32)p.base << 5 | v);
    else
        as32(&e->a, log << 30 | 0x3c200800 | what << 22 | (u32)p.index << 16 |
                        (p.word ? 2u : 3u) << 13 | (u32)p.base << 5 | v);
}

void em_load(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), as = i->op == IR_LD ? size : 4, d;
    struct em_place p;
    if (i->op == IR_LD && em_pair(e, i))
        return;
    p = em_access(e, i, false);
    d = em_target(e, i->dst, as, SCR);
    em_place_general(e, i->op == IR_LDX && size < 4 ? A_LOAD_SX32 : A_LOAD, size, d, p);
    em_put(e, i->dst, d, as);
}

void em_store(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), v;
    struct em_place p;
    if (i->op == IR_ST && em_pair(e, i))
        return;
    p = em_access(e, i, true);
    if (i->op == IR_ST) {
        v = em_use(e, i->b, SCR2);
    } else {
        u64 imm = (u64)(s64)(s32)(i->imm >> 32) & size_mask(size);
        bool eip = e->in->insns[i->at].op == OP_CALL && size == 4; /* the return address */
        e->out->fixed_eip |= e->in->insns[i->at].op == OP_CALL && !eip;
        v = imm || eip ? SCR2 : XZR;
        if (eip)
            em_eip(e, SCR2, imm);
        else if (imm)
            as_mov_imm(&e->a, SCR2, imm);
    }
    em_place_general(e, A_STORE, size, v, p);
}

/* The place temporary keeps the host address of the bytes. */
void em_load_for_write(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), d, at;
    struct em_place p = em_access(e, i, true);
    struct loc l = em_loc(e, i->b);
    at = l.reg ? l.r : SCR2;
    if (p.index == NOREG && p.base != SCR && em_place_stays(e, i)) {
        e->place = i->b, e->place_base = p.base, e->place_disp = p.disp;
        d = em_target(e, i->dst, size, SCR);
        as_mem(&e->a, A_LOAD, size, d, p.base, p.disp);
        em_put(e, i->dst, d, size);
        return;
    }
    if (p.index == NOREG)
        as_add_imm(&e->a, A_ADD, true, at, p.base, p.disp, NOREG);
    else
        sum(e, at, p.base, p.index, p.word);
    if (!l.reg)
        em_state(&e->a, A_STORE, 8, at, l.off);
    d = em_target(e, i->dst, size, SCR);
    as_mem(&e->a, A_LOAD, size, d, at, 0);
    em_put(e, i->dst, d, size);
}

void em_store_back(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), at, v = em_use(e, i->a, SCR);
    if (e->place && e->place == i->b) {
        as_mem(&e->a, A_STORE, size, v, e->place_base, e->place_disp);
        return;
    }
    at = em_use(e, i->b, SCR2);
    as_mem(&e->a, A_STORE, size, v, at, 0);
}

void em_segment(struct em *e, const struct ir_ins *i)
{
    unsigned seg = i->b, size = i->imm & 0xff;
    bool write = i->imm & 0x100;
    s64 end = (s64)(offsetof(struct cpu, seg) + seg * sizeof(struct seg) +
                    (write ? offsetof(struct seg, end_w) : offsetof(struct seg, end_r)));
    unsigned off = em_use(e, i->a, ADDR);
    em_state(&e->a, A_LOAD, 8, SCR, end);
    if (e->in->ir->long_mode) {
        as_add_imm(&e->a, A_ADD, true, SCR2, off, size, NOREG);
    } else {
        as_mov(&e->a, false, SCR2, off);
        as_add_imm(&e->a, A_ADD, true, SCR2, SCR2, size, NOREG);
    }
    as_rrr(&e->a, A_SUB, true, SCR, SCR, SCR2);
    as_lsr(&e->a, true, SCR, SCR, 63);
    em_cold(e, COLD_SEG, i, as_cbnz(&e->a, true, SCR), e->a.p, (u64)seg << 16 | (i->imm & 0x1ff));
    if (e->ncold)
        e->cold[e->ncold - 1].reg = (u8)off, e->cold[e->ncold - 1].back = e->a.p;
}

/* What is not canonical takes the way of an access that needs exec. */
void em_canonical(struct em *e, const struct ir_ins *i)
{
    unsigned r = em_use(e, i->a, ADDR);
    as_sbfx(&e->a, true, SCR, r, 0, 48);
    as_rrr(&e->a, A_SUB, true, SCR, SCR, r);
    em_cold(e, COLD_PREPARE, i, as_cbnz(&e->a, true, SCR), NULL, 0);
    if (e->ncold) {
        struct cold *c = &e->cold[e->ncold - 1];
        c->reg = (u8)r, c->probe = 2, c->back = e->a.p;
    }
}

void em_bail(struct em *e, const struct ir_ins *i)
{
    unsigned r = em_use(e, i->a, SCR);
    as_logic_imm(&e->a, A_AND, false, SCR, r, (u32)i->imm, SCR2);
    em_cold(e, COLD_BAIL, i, as_cbnz(&e->a, false, SCR), NULL, 0);
}

void em_selector(struct em *e, u8 v)
{
    as_mov(&e->a, false, SCR, em_use(e, v, SCR));
}

void em_cold_arguments(struct em *e, const struct cold *c)
{
    if (e->in->ir->long_mode ? c->reg != ADDR : true)
        as_mov(&e->a, e->in->ir->long_mode, ADDR, c->reg);
    em_site(e, c->at);
    if (c->kind == COLD_GROUP || c->kind == COLD_SEG)
        as_mov_imm(&e->a, SCR, c->arg);
}

/* Does the unit's state go to struct cpu first? Somebody may look at it. */
static bool was_written(const struct cold *c)
{
    return c->x87 && c->kind != COLD_X87_CHECK && c->kind != COLD_X87_ROUNDS && c->kind != COLD_VEC &&
           c->kind != COLD_VEC_OUT;
}

void em_cold_back(struct em *e, const struct cold *c)
{
    if (was_written(c))
        em_x87_unwrite(e, &e->x87_then[c->x87 - 1]);
    if (c->carry == CARRY_DIRECT) {
        /* without FlagM an inversion spoils what the stub gives */
        if (!e->stubs->flagm)
            as_mov(&e->a, true, X30, SCR);
        em_flags_invert(e, &e->a);
        if (!e->stubs->flagm)
            as_mov(&e->a, true, SCR, X30);
    }
    as_b_to(&e->a, c->back);
}

void em_cold_begin(struct em *e, const struct cold *c)
{
    e->recipe = c->recipe;
    e->carry = (enum carry)c->carry;
    if (was_written(c))
        em_x87_write(e, &e->x87_then[c->x87 - 1]);
    if (c->kind <= COLD_CANON && c->kind != COLD_EXIT)
        em_flags_commit(e);
}

void em_cold_group(struct em *e, const struct cold *c)
{
    u8 *none;
    as_mov(&e->a, true, c->write, SCR); /* the group's register */
    none = as_cbz(&e->a, true, SCR);
    em_cold_back(e, c);
    as_patch(&e->a, none);
}

void em_cold_exit(struct em *e, const struct cold *c)
{
    em_side_exit(e, c->arg, c->at + 1u);
}

void em_cold_bail(struct em *e)
{
    em_jmp_stub(e, e->stubs->bail);
}

void em_cold_other(struct em *e, const struct cold *c)
{
    if (c->kind == COLD_VEC)
        em_vec_cold(e, c);
    else
        em_x87_cold(e, c);
}

bool em_cold_here(struct em *e, const struct cold *c)
{
    if (c->kind == COLD_EXIT) /* be_patch reads it: so many words back is a branch here */
        as32(&e->a, (u32)(e->a.p + 4 - c->from) / 4 & 0xffff);
    as_patch(&e->a, c->from);
    if (c->guess)
        em_guess_wrong(e, c);
    if (c->from2)
        as_patch(&e->a, c->from2);
    return true;
}
