/* The x87 unit while a block runs: its registers are doubles in host registers, TOP is a constant, and
 * what else changes is written to struct cpu where somebody might look: in front of exits and of C
 * code, and out of line where an access is refused (SDM vol. 1 section 8.1). A check in front of the
 * first operation says that the unit is as the block was made for. */
#include "cpu/jit/a64/vec.h"

enum { FIRST = 8, COUNT = 8 }; /* V8 to V15: C code leaves their lower halves alone */

static s64 home(unsigned p)
{
    return ST(x87_dbl) + 8 * (s64)p;
}

/* A double from or to struct cpu. */
static void move(struct as *a, bool load, unsigned v, s64 off)
{
    as32(a, (load ? 0xfd400000u : 0xfd000000u) | (u32)(off / 8) << 10 | STATE << 5 | v);
}

/* ---- to struct cpu ---- */
static void write_tags(struct as *a, const struct em_x87 *k, unsigned r)
{
    u8 changed = (k->empty ^ k->empty_there) & k->tagged;
    u8 set = changed & k->empty, clear = changed & (u8)~k->empty;
    if (k->top != k->top_there) {
        as_mov_imm(a, r, k->top);
        em_state(a, A_STORE, 1, r, ST(fpu.top));
    }
    if (!changed)
        return;
    em_state(a, A_LOAD, 1, r, ST(fpu.empty));
    if (set)
        as_logic_imm(a, A_ORR, false, r, r, set, SCR3);
    if (clear)
        as_logic_imm(a, A_AND, false, r, r, (u8)~clear, SCR3);
    em_state(a, A_STORE, 1, r, ST(fpu.empty));
}

static void write_c1(struct as *a, const struct em_x87 *k)
{
    unsigned r = XZR;
    if (k->c1 == C1_KNOWN)
        return;
    if (k->c1 != C1_CLEAR) {
        move(a, false, k->c1_a, ST(x87_last[0]));
        if (k->c1_b != k->c1_a)
            move(a, false, k->c1_b, ST(x87_last[1]));
        else
            move(a, false, k->c1_a, ST(x87_last[1]));
        as_mov_imm(a, SCR, k->c1);
        r = SCR;
    }
    em_state(a, A_STORE, 1, r, ST(x87_c1));
}

void em_x87_write(struct em *e, const struct em_x87 *k)
{
    struct as *a = &e->a;
    if (!k->known)
        return;
    for (u32 m = k->dirty; m; m &= m - 1) {
        unsigned p = (unsigned)__builtin_ctz(m);
        move(a, false, k->reg[p], home(p));
    }
    write_tags(a, k, SCR);
    write_c1(a, k);
    if (k->site) {
        as_mov_imm(a, SCR, SITE(e->in->block_id, k->site - 1) + 1);
        em_state(a, A_STORE, 4, SCR, ST(x87_site));
    }
}

void em_x87_unwrite(struct em *e, const struct em_x87 *k)
{
    struct em_x87 back = *k;
    back.top = k->top_there, back.top_there = k->top;
    back.empty = k->empty_there, back.empty_there = k->empty;
    write_tags(&e->a, &back, SCR2);
}

void em_x87_flush(struct em *e)
{
    struct em_x87 *k = &e->x87;
    em_x87_write(e, k);
    k->dirty = 0;
    k->top_there = k->top;
    k->empty_there = k->empty;
    k->c1 = C1_KNOWN;
    k->site = 0;
}

void em_x87_forget(struct em *e)
{
    em_x87_flush(e);
    if (e->x87.known)
        e->x87_guess = e->x87.top;
    e->x87.known = false;
}

void em_x87_leave(struct em *e, const struct ir_ins *i)
{
    u8 *from;
    em_x87_forget(e);
    e->x87_guess = 0; /* as MMX operations leave it */
    em_state(&e->a, A_LOAD, 1, SCR, ST(x87_live));
    from = as_cbnz(&e->a, false, SCR);
    em_cold(e, COLD_VEC_OUT, i, from, e->a.p, 1);
}

static bool is_open(const struct em_x87 *k)
{
    return k->known && (k->dirty || k->top != k->top_there || k->c1 != C1_KNOWN || k->site ||
                        ((k->empty ^ k->empty_there) & k->tagged));
}

u8 em_x87_now(struct em *e)
{
    if (!is_open(&e->x87))
        return 0;
    if (e->nx87 && !memcmp(&e->x87_then[e->nx87 - 1], &e->x87, sizeof(e->x87)))
        return (u8)e->nx87;
    if (e->nx87 == X87_THEN) {
        e->a.full = true; /* never seen: em_x87_begin sees to it */
        return 0;
    }
    e->x87_then[e->nx87++] = e->x87;
    return (u8)e->nx87;
}

/* ---- host registers ---- */
static u32 in_use(const struct em_x87 *k)
{
    u32 used = 0;
    for (unsigned p = 0; p < 8; p++)
        if (k->reg[p] != NOREG)
            used |= BIT(k->reg[p]);
    if (k->c1 > C1_KNOWN)
        used |= BIT(k->c1_a) | BIT(k->c1_b);
    return used;
}

/* Physical register p has its place in struct cpu only. */
static void put_back(struct em *e, unsigned p)
{
    struct em_x87 *k = &e->x87;
    if (k->dirty >> p & 1)
        move(&e->a, false, k->reg[p], home(p));
    k->dirty &= (u8)~BIT(p);
    k->reg[p] = NOREG;
}

unsigned em_x87_new(struct em *e)
{
    struct em_x87 *k = &e->x87;
    u32 all = (BIT(COUNT) - 1) << FIRST, none = all & ~in_use(k) & ~e->x87_kept;
    unsigned r;
    if (!none && k->c1 > C1_KNOWN) {
        write_c1(&e->a, k);
        k->c1 = C1_KNOWN;
        none = all & ~in_use(k) & ~e->x87_kept;
    }
    for (unsigned p = 0; !none && p < 8; p++)
        if (k->reg[p] != NOREG && !(e->x87_kept >> k->reg[p] & 1)) {
            put_back(e, p);
            none = all & ~in_use(k) & ~e->x87_kept;
        }
    if (!none) {
        e->a.full = true; /* never seen: an operation has four at most */
        return FIRST;
    }
    r = (unsigned)__builtin_ctz(none);
    e->x87_kept |= BIT(r);
    return r;
}

unsigned em_x87_get(struct em *e, unsigned p)
{
    struct em_x87 *k = &e->x87;
    if (k->reg[p] == NOREG) {
        unsigned r = em_x87_new(e);
        move(&e->a, true, r, home(p));
        k->reg[p] = (u8)r;
    }
    e->x87_kept |= BIT(k->reg[p]);
    return k->reg[p];
}

void em_x87_set(struct em *e, unsigned p, unsigned r)
{
    e->x87.reg[p] = (u8)r;
    e->x87.dirty |= (u8)BIT(p);
    em_x87_fill(e, p);
}

void em_x87_fill(struct em *e, unsigned p)
{
    struct em_x87 *k = &e->x87;
    u8 bit = (u8)BIT(p);
    if (!(k->tagged & bit))
        k->empty_there |= bit; /* not known: written in any case */
    k->tagged |= bit;
    k->empty &= (u8)~bit;
}

void em_x87_drop(struct em *e, unsigned p)
{
    e->x87.empty |= (u8)BIT(p);
}

/* ---- the check ---- */
/* What this stretch of the block wants, from operation n on. */
static void wants(const struct em *e, u32 n, struct x87_want *w)
{
    const struct em_x87 *k = &e->x87;
    const struct ir_block *b = e->in->ir;
    struct x87_made made = {.top = k->known ? k->top : e->x87_guess};
    *w = (struct x87_want){.wide = e->in->x87_wide, .top = made.top};
    if (k->known)
        made.tagged = k->tagged, made.empty = k->empty, made.dbl = k->dbl;
    for (; n < b->n; n++) {
        const struct ir_ins *i = &b->ins[n];
        const struct insn *insn = &e->in->insns[i->at];
        struct x87_does does;
        if (ir_calls_exec(i->op))
            break;
        if (i->op < IR_VEC || i->op > IR_VECS || !(insn_units(insn) & UNIT_X87))
            continue;
        if (!x87_does(insn, &does) || !x87_add(w, &made, &does))
            break;
    }
}

static void begin_known(struct em *e, const struct x87_want *w)
{
    struct em_x87 *k = &e->x87;
    if (!k->known) {
        memset(k, 0, sizeof(*k));
        memset(k->reg, NOREG, sizeof(k->reg));
        k->known = true;
        k->c1 = C1_KNOWN;
        k->top = k->top_there = w->top;
    }
    k->empty = (u8)((k->empty & ~w->tagged) | w->empty);
    k->empty_there = (u8)((k->empty_there & ~w->tagged) | w->empty);
    k->tagged |= w->tagged;
    k->dbl |= w->dbl;
    k->ready |= w->ready;
}

static void check(struct em *e, const struct ir_ins *i, const struct x87_want *w)
{
    struct as *a = &e->a;
    u32 want = x87_word(w), care = x87_care(w);
    if (e->in->x87_rounds)
        care &= ~((u32)X87_NO_PE << 24);
    em_x87_flush(e);
    if (w->fpsr && !e->last_vec) { /* its marks are MXCSR's while XMM registers are the host's */
        em_state(a, A_LOAD, 1, SCR, ST(vec_live));
        u8 *from = as_cbnz(a, false, SCR);
        em_cold(e, COLD_VEC_OUT, i, from, a->p, 0);
        if (e->in->x87_rounds)
            as32(a, MSR_FPSR | XZR);
    }
    _Static_assert(offsetof(struct fpu, ready) == offsetof(struct fpu, top) + 3, "one word");
    em_state(a, A_LOAD, 4, SCR, ST(fpu.top));
    as_mov_imm(a, SCR2, want);
    as_rrr(a, A_EOR, false, SCR, SCR, SCR2);
    as_logic_imm(a, A_AND, false, SCR, SCR, care, SCR2);
    em_cold(e, COLD_X87_WAKE, i, as_cbnz(a, false, SCR), NULL, (u64)care << 32 | want);
    if (e->ncold)
        e->cold[e->ncold - 1].back = a->p;
}

static bool settled(const struct em_x87 *k, const struct x87_want *w)
{
    return k->known && !w->tagged && !(w->dbl & ~k->dbl) && !(w->ready & ~k->ready);
}

bool em_x87_begin(struct em *e, const struct ir_ins *i, const struct x87_does *does)
{
    struct em_x87 *k = &e->x87;
    struct x87_want own, w;
    struct x87_made made = {.top = k->known ? k->top : e->x87_guess};
    e->x87_kept = 0;
    if (k->known)
        made.tagged = k->tagged, made.empty = k->empty, made.dbl = k->dbl;
    own = (struct x87_want){.wide = e->in->x87_wide, .top = made.top};
    if ((does->fpsr && e->last_vec && !own.wide) || !x87_add(&own, &made, does)) {
        em_x87_bail(e, i, as_b(&e->a));
        em_x87_forget(e);
        return false;
    }
    if (!settled(k, &own)) {
        wants(e, e->now, &w);
        check(e, i, &w);
        begin_known(e, &w);
    }
    if (e->nx87 + 8 > X87_THEN)
        em_x87_flush(e);
    return true;
}
