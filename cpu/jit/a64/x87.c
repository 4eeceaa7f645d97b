/* AArch64 code for x87 operations on doubles: loads, stores, arithmetic, comparison (SDM vol. 1
 * section 8.3). What is no normal double or zero goes to exec, which has the instruction anew.
 * C1 and the unit's pointers are noted, to be made when somebody asks. */
#include "cpu/jit/a64/vec.h"
#include "cpu/jit/a64/x87_wide.h"

enum {
    F_ADD = 0x1e602800,
    F_SUB = 0x1e603800,
    F_MUL = 0x1e600800,
    F_DIV = 0x1e601800,
    F_SQRT = 0x1e61c000,
    F_NEG = 0x1e614000,
    F_ABS = 0x1e60c000,
    F_ONE = 0x1e6e1000,      /* fmov d, #1.0 */
    F_TO_SINGLE = 0x1e624000,
    F_TO_DOUBLE = 0x1e22c000,
    F_FROM_INT = 0x1e620000, /* A_WIDE: of 64 bits */
    F_NEAREST = 0x1e600000,  /* fcvtns */
    F_CHOP = 0x1e780000,     /* fcvtzs */
    F_CMP = 0x1e602000,
    F_GT = 0x7ee0e400,
    F_EQ = 0x5e60e400,
};
#define A_WIDE BIT(31)

/* COLD_X87_CHECK: what is looked at; registers from bit 8 on. */
enum { LOADED_DOUBLE, LOADED_SINGLE, SUM, PRODUCT, QUOTIENT, ROOT, STORED_SINGLE };

void em_x87_bail(struct em *e, const struct ir_ins *i, u8 *from)
{
    em_cold(e, COLD_BAIL, i, from, NULL, 0);
}

/* ---- what an instruction leaves ---- */
void em_x87_note(const struct x87_op *o, enum x87_c1 c1, unsigned a, unsigned b)
{
    struct em_x87 *k = &o->e->x87;
    k->site = (u8)(o->i->at + 1);
    k->c1 = (u8)c1, k->c1_a = (u8)a, k->c1_b = (u8)b;
}

/* Where the operand of the access at p lies. Spoils SCR3. */
void em_x87_note_memory(const struct x87_op *o, struct em_place p)
{
    struct em *e = o->e;
    bool wide = e->in->ir->long_mode;
    unsigned la = p.index;
    if (!wide && la != ADDR) {
        as_mov(o->a, false, SCR3, la);
        la = SCR3;
    }
    em_state(o->a, A_STORE, 8, la, ST(fpu.fdp));
    if (e->x87.fds == o->insn->seg + 1)
        return;
    e->x87.fds = o->insn->seg + 1;
    em_state(o->a, A_LOAD, 2, SCR3, ST(seg[o->insn->seg].sel));
    em_state(o->a, A_STORE, 2, SCR3, ST(fpu.fds));
}

void em_x87_pop(struct em *e, unsigned n)
{
    for (; n; n--) {
        em_x87_drop(e, e->x87.top);
        e->x87.top = (e->x87.top + 1) & 7;
    }
}

static void push(struct em *e, unsigned r)
{
    e->x87.top = (e->x87.top - 1) & 7;
    em_x87_set(e, e->x87.top, r);
}

/* ---- values that doubles have ---- */
/* Exponents in the middle of the range have different upper bits: the rest is looked at out of line. */
static void moderate(const struct x87_op *o, unsigned r, bool dbl, u32 what)
{
    u8 *from;
    as_rrrs(o->a, A_EOR, dbl, SCR, r, r, LSL, 1);
    from = as_tbz(o->a, SCR, dbl ? 62 : 30);
    em_cold(o->e, COLD_X87_CHECK, o->i, from, o->a->p, what);
}

/* Where FP_PE may be clear: the host's mark says that it becomes set. `later`: not before a store that
 * may fault, so exec does it. */
static void rounds(const struct x87_op *o, bool later)
{
    enum { IXC_BIT = 4 };
    u8 *from;
    if (!o->e->in->x87_rounds)
        return;
    as32(o->a, MRS_FPSR | SCR);
    from = as_tbnz(o->a, SCR, IXC_BIT);
    em_cold(o->e, COLD_X87_ROUNDS, o->i, from, o->a->p, later);
}

static void result(const struct x87_op *o, unsigned kind, unsigned r, unsigned x, unsigned y)
{
    v_to_general(o->a, true, SCR, r);
    moderate(o, SCR, true, kind | r << 8 | x << 16 | y << 24);
    rounds(o, false);
}

static void branch(struct as *a, u8 *at, const u8 *to)
{
    if (at)
        a->full |= !as_branch(at, to);
}

/* The way on where doubles x and y (or only the first) have a zero among them; spoils SCR. */
static void zeroes(struct as *a, unsigned x, unsigned y, bool both, const u8 *back)
{
    for (unsigned n = 0; n < (both ? 2u : 1u); n++) {
        v_to_general(a, true, SCR, n ? y : x);
        as_lsl(a, true, SCR, SCR, 1);
        branch(a, as_cbz(a, true, SCR), back);
    }
}

/* SCR has a double (or single) that is not moderate: on at c->back when it is 0, and may be, or a normal
 * number but for the smallest `least` exponents; else to what follows. */
static void normal(struct as *a, const struct cold *c, bool dbl, unsigned least)
{
    unsigned kind = c->arg & 0xff, x = c->arg >> 16 & 0xff, y = c->arg >> 24 & 0xff;
    unsigned bits = dbl ? 11 : 8;
    u8 *zero, *small, *large;
    as_lsl(a, dbl, SCR, SCR, 1);
    zero = as_cbz(a, dbl, SCR);
    as_lsr(a, dbl, SCR, SCR, (dbl ? 64 : 32) - bits);
    as_add_imm(a, A_SUB, false, SCR, SCR, least, NOREG);
    small = as_tbnz(a, SCR, 31);
    as_add_imm(a, A_SUB, false, SCR, SCR, (1 << bits) - 1 - least, NOREG);
    large = as_cbz(a, false, SCR);
    as_b_to(a, c->back);
    if (kind == PRODUCT || kind == QUOTIENT || kind == STORED_SINGLE) {
        as_patch(a, zero);
        zeroes(a, x, y, kind == PRODUCT, c->back);
    } else {
        branch(a, zero, c->back);
    }
    as_patch(a, small);
    as_patch(a, large);
}

/* The instruction is exec's after all. */
static void leave(struct em *e, const struct cold *c)
{
    em_x87_write(e, c->x87 ? &e->x87_then[c->x87 - 1] : &(const struct em_x87){0});
    em_flags_commit(e);
    as_mov_imm(&e->a, SCR2, SITE(e->in->block_id, c->at));
    as_b_to(&e->a, codebuf_rw(e->buf, e->stubs->bail));
}

static void check(struct em *e, const struct cold *c)
{
    struct as *a = &e->a;
    bool dbl = false;
    switch (c->arg & 0xff) {
    case LOADED_DOUBLE: dbl = true; /* fallthrough */
    case LOADED_SINGLE:
        as_mov(a, dbl, SCR, SCR2);
        normal(a, c, dbl, 1);
        break;
    case STORED_SINGLE:
        v_to_general(a, false, SCR, c->arg >> 8 & 0xff);
        normal(a, c, false, 2);
        break;
    default:
        v_to_general(a, true, SCR, c->arg >> 8 & 0xff);
        normal(a, c, true, 2);
        break;
    }
    leave(e, c);
}

static void rounded(struct em *e, const struct cold *c)
{
    struct as *a = &e->a;
    em_state(a, A_LOAD, 1, SCR, ST(fpu.ready));
    as_logic_imm(a, A_AND, false, SCR, SCR, X87_NO_PE, NOREG);
    branch(a, as_cbz(a, false, SCR), c->back);
    if (c->arg) {
        leave(e, c);
        return;
    }
    em_flags_commit(e);
    as_mov_imm(a, SCR2, SITE(e->in->block_id, c->at));
    as_bl_to(a, codebuf_rw(e->buf, e->stubs->x87_rounds));
    em_cold_back(e, c);
}

void em_x87_cold(struct em *e, const struct cold *c)
{
    struct as *a = &e->a;
    u8 *none;
    switch (c->kind) {
    case COLD_VEC_OUT:
        as_bl_to(a, codebuf_rw(e->buf, c->arg ? e->stubs->x87_spill : e->stubs->vec_spill));
        as_b_to(a, c->back);
        break;
    case COLD_X87_WAKE:
        em_flags_commit(e);
        as_mov_imm(a, SCR, c->arg);
        as_mov_imm(a, SCR2, SITE(e->in->block_id, c->at));
        as_bl_to(a, codebuf_rw(e->buf, e->stubs->x87_wake));
        none = as_cbz(a, true, SCR);
        em_cold_back(e, c);
        as_patch(a, none);
        em_twin_exit(e, c->at);
        break;
    case COLD_X87_ROUNDS: rounded(e, c); break;
    default: check(e, c); break;
    }
}

/* ---- operands from memory ---- */
/* A double, or what is made one, in the register that it returns; *p: where it lay. */
static unsigned fetch(const struct x87_op *o, bool integer, struct em_place *p)
{
    struct em *e = o->e;
    unsigned size = o->insn->o[0].size, r = em_x87_new(e);
    *p = em_access(e, o->i, false);
    em_place_general(e, size == 2 ? A_LOAD_SX32 : A_LOAD, size, SCR2, *p);
    if (integer) {
        if (size == 8) { /* more than 53 bits are too many */
            as_sbfx(o->a, true, SCR, SCR2, 0, 54);
            as_rrr(o->a, A_SUB, true, SCR, SCR, SCR2);
            em_x87_bail(e, o->i, as_cbnz(o->a, true, SCR));
        }
        v2(o->a, F_FROM_INT | (size == 8 ? A_WIDE : 0), r, SCR2);
        return r;
    }
    moderate(o, SCR2, size == 8, size == 8 ? LOADED_DOUBLE : LOADED_SINGLE);
    v_from_general(o->a, size == 8, r, SCR2);
    if (size == 4)
        v2(o->a, F_TO_DOUBLE, r, r);
    return r;
}

/* ---- loads ---- */
static void load(const struct x87_op *o, bool integer)
{
    struct em *e = o->e;
    struct em_place p;
    unsigned r;
    if (em_x87_is_memory(o)) {
        r = fetch(o, integer, &p);
        em_x87_note_memory(o, p);
    } else {
        r = em_x87_get(e, em_x87_phys(e, o->insn->o[0].reg));
    }
    push(e, r);
    em_x87_note(o, C1_CLEAR, 0, 0);
}

static void constant(const struct x87_op *o, bool one)
{
    unsigned r = em_x87_new(o->e);
    if (one)
        as32(o->a, F_ONE | r);
    else
        v_from_general(o->a, true, r, XZR);
    push(o->e, r);
    em_x87_note(o, C1_CLEAR, 0, 0);
}

/* ---- stores ---- */
static void store(const struct x87_op *o, unsigned pops)
{
    struct em *e = o->e;
    unsigned r = em_x87_get(e, e->x87.top), size = o->insn->o[0].size, v = r;
    struct em_place p;
    if (!em_x87_is_memory(o)) {
        em_x87_set(e, em_x87_phys(e, o->insn->o[0].reg), r);
    } else {
        if (size == 4) {
            v = em_x87_new(e);
            v2(o->a, F_TO_SINGLE, v, r);
            v_to_general(o->a, false, SCR, v);
            moderate(o, SCR, false, STORED_SINGLE | v << 8 | r << 16);
            rounds(o, true);
        }
        p = em_access(e, o->i, true);
        em_place_vec(e, size, v, p, true);
        em_x87_note_memory(o, p);
    }
    em_x87_note(o, size == 4 && em_x87_is_memory(o) ? C1_SINGLE : C1_CLEAR, r, r);
    em_x87_pop(e, pops);
}

/* What stays clear of the ends of the range rounds to what is in it. Rounding is to nearest, or down to
 * zero. */
static void store_int(const struct x87_op *o, bool trunc, unsigned pops)
{
    struct em *e = o->e;
    struct em_x87 *k = &e->x87;
    unsigned r = em_x87_get(e, k->top), size = o->insn->o[0].size;
    u32 wide = size == 8 ? A_WIDE : 0;
    bool nearest = !(X87_CONTROL & ~k->ready), either = !trunc && !nearest;
    struct em_place p;
    v_to_general(o->a, true, SCR, r);
    as_ubfx(o->a, true, SCR, SCR, 52, 11);
    as_add_imm(o->a, A_SUB, false, SCR, SCR, 1023 + 8 * size - 2, NOREG);
    em_x87_bail(e, o->i, as_tbz(o->a, SCR, 31));
    if (either) { /* bits 2 and 3 of `ready` are those of the rounding control */
        em_state(o->a, A_LOAD, 1, SCR, ST(fpu.ready));
        as_rrrs(o->a, A_EOR, false, SCR, SCR, SCR, LSR, 1);
        em_x87_bail(e, o->i, as_tbnz(o->a, SCR, 2));
    }
    if (e->in->x87_rounds) {
        v2(o->a, F_CHOP | wide, SCR, r);
        rounds(o, true);
    }
    p = em_access(e, o->i, true);
    if (either) {
        u8 *chop, *done;
        em_state(o->a, A_LOAD, 1, SCR2, ST(fpu.ready));
        as_ubfx(o->a, false, SCR2, SCR2, 2, 1);
        chop = as_cbnz(o->a, false, SCR2);
        v2(o->a, F_NEAREST | wide, SCR2, r);
        as_mov_imm(o->a, SCR3, C1_INT);
        done = as_b(o->a);
        as_patch(o->a, chop);
        v2(o->a, F_CHOP | wide, SCR2, r);
        as_mov_imm(o->a, SCR3, C1_CLEAR);
        as_patch(o->a, done);
        em_place_general(e, A_STORE, size, SCR2, p);
        em_state(o->a, A_STORE, 1, SCR3, ST(x87_c1));
        v_to_general(o->a, true, SCR3, r);
        em_state(o->a, A_STORE, 8, SCR3, ST(x87_last[0]));
    } else {
        v2(o->a, (trunc ? F_CHOP : F_NEAREST) | wide, SCR2, r);
        em_place_general(e, A_STORE, size, SCR2, p);
    }
    em_x87_note_memory(o, p);
    em_x87_note(o, either ? C1_KNOWN : trunc ? C1_CLEAR : C1_INT, r, r);
    em_x87_pop(e, pops);
}

/* ---- arithmetic ---- */
static void arith(const struct x87_op *o, enum be_x87_wide op, bool integer, unsigned pops)
{
    static const struct {
        u32 code;
        u8 c1, kind;
    } by[] = {[WIDE_ADD] = {F_ADD, C1_ADD, SUM},
              [WIDE_SUB] = {F_SUB, C1_SUB, SUM},
              [WIDE_SUBR] = {F_SUB, C1_SUB, SUM},
              [WIDE_MUL] = {F_MUL, C1_MUL, PRODUCT},
              [WIDE_DIV] = {F_DIV, C1_DIV, QUOTIENT},
              [WIDE_DIVR] = {F_DIV, C1_DIV, QUOTIENT}};
    struct em *e = o->e;
    bool mem = em_x87_is_memory(o);
    unsigned to = em_x87_phys(e, mem ? 0 : o->insn->o[0].reg), a = em_x87_get(e, to), b, r, x, y;
    struct em_place p = {0};
    b = mem ? fetch(o, integer, &p) : em_x87_get(e, em_x87_phys(e, o->insn->o[1].reg));
    x = op == WIDE_SUBR || op == WIDE_DIVR ? b : a, y = x == a ? b : a;
    r = em_x87_new(e);
    v3(o->a, by[op].code, r, x, y);
    result(o, by[op].kind, r, x, y);
    if (mem)
        em_x87_note_memory(o, p);
    em_x87_set(e, to, r);
    em_x87_note(o, by[op].c1, x, y);
    em_x87_pop(e, pops);
}

static void root(const struct x87_op *o)
{
    struct em *e = o->e;
    unsigned a = em_x87_get(e, e->x87.top), r = em_x87_new(e);
    v2(o->a, F_SQRT, r, a);
    result(o, ROOT, r, a, a);
    em_x87_set(e, e->x87.top, r);
    em_x87_note(o, C1_SQRT, a, a);
}

static void sign(const struct x87_op *o, bool clear)
{
    struct em *e = o->e;
    unsigned a = em_x87_get(e, e->x87.top), r = em_x87_new(e);
    v2(o->a, clear ? F_ABS : F_NEG, r, a);
    em_x87_set(e, e->x87.top, r);
    em_x87_note(o, C1_CLEAR, 0, 0);
}

static void exchange(const struct x87_op *o)
{
    struct em *e = o->e;
    unsigned p = em_x87_phys(e, 0), q = em_x87_phys(e, o->insn->o[0].reg);
    unsigned a = em_x87_get(e, p), b = em_x87_get(e, q);
    em_x87_set(e, p, b);
    em_x87_set(e, q, a);
    em_x87_note(o, C1_CLEAR, 0, 0);
}

/* ---- comparison: no NaNs here ---- */
static void order(const struct x87_op *o, unsigned i, bool integer, bool zero, unsigned pops)
{
    struct em *e = o->e;
    unsigned a = em_x87_get(e, e->x87.top), b;
    struct em_place p = {0};
    bool mem = !zero && em_x87_is_memory(o);
    if (zero) {
        b = em_x87_new(e);
        v_from_general(o->a, true, b, XZR);
    } else {
        b = mem ? fetch(o, integer, &p) : em_x87_get(e, em_x87_phys(e, i));
    }
    if (mem)
        em_x87_note_memory(o, p);
    v3(o->a, F_GT, 2, b, a);
    v3(o->a, F_EQ, 3, a, b);
    v_to_general(o->a, false, SCR, 2);
    v_to_general(o->a, false, SCR2, 3);
    as_logic_imm(o->a, A_AND, false, SCR, SCR, 0x100, NOREG);
    as_logic_imm(o->a, A_AND, false, SCR2, SCR2, 0x4000, NOREG);
    as_rrr(o->a, A_ORR, false, SCR, SCR, SCR2);
    em_state(o->a, A_LOAD, 2, SCR2, ST(fpu.sw));
    as_logic_imm(o->a, A_AND, false, SCR2, SCR2, 0xbaff, SCR3);
    as_rrr(o->a, A_ORR, false, SCR, SCR, SCR2);
    em_state(o->a, A_STORE, 2, SCR, ST(fpu.sw));
    em_x87_note(o, C1_CLEAR, 0, 0);
    em_x87_pop(e, pops);
}

/* To Z, P and C; C1 stays as it is. */
static void order_flags(const struct x87_op *o, unsigned pops)
{
    struct em *e = o->e;
    unsigned a = em_x87_get(e, e->x87.top), b = em_x87_get(e, em_x87_phys(e, o->insn->o[1].reg));
    as32(o->a, F_CMP | b << 16 | a << 5);
    as_mov_imm(o->a, PARITY, 1);
    as_mov_imm(o->a, ADJUST, 1);
    as_get_nzcv(o->a, SCR); /* the sign is below's, which C has already, inverted */
    as_logic_imm(o->a, A_AND, false, SCR, SCR, 3u << 29, NOREG);
    as_set_nzcv(o->a, SCR);
    e->recipe.kind = RECIPE_NONE;
    e->carry = CARRY_INVERTED;
    e->x87.site = (u8)(o->i->at + 1);
    em_x87_pop(e, pops);
}

/* ---- words ---- */
void em_x87_store_word(const struct x87_op *o, s64 off)
{
    struct em_place p = em_access(o->e, o->i, true);
    em_state(o->a, A_LOAD, 2, SCR2, off);
    em_place_general(o->e, A_STORE, 2, SCR2, p);
}

/* Masks, and only they, must all be set. */
void em_x87_load_control(const struct x87_op *o)
{
    struct em *e = o->e;
    struct em_place p = em_access(e, o->i, false);
    em_place_general(e, A_LOAD, 2, SCR2, p);
    as_rrr(o->a, A_ORN, false, SCR, XZR, SCR2);
    as_logic_imm(o->a, A_AND, false, SCR, SCR, 0x3f, NOREG);
    em_x87_bail(e, o->i, as_cbnz(o->a, false, SCR));
    as_logic_imm(o->a, A_AND, false, SCR2, SCR2, 0x1f3f, SCR);
    as_logic_imm(o->a, A_ORR, false, SCR2, SCR2, 0x40, NOREG);
    em_state(o->a, A_STORE, 2, SCR2, ST(fpu.cw));
    as_ubfx(o->a, false, SCR2, SCR2, 8, 4);
    as_logic_imm(o->a, A_EOR, false, SCR2, SCR2, 2, NOREG);
    em_state(o->a, A_LOAD, 1, SCR, ST(fpu.ready));
    as_bfi(o->a, false, SCR, SCR2, 0, 4);
    em_state(o->a, A_STORE, 1, SCR, ST(fpu.ready));
    e->x87.ready &= (u8)~X87_CONTROL;
}

/* C1 may be open in struct cpu; what takes more than clearing it is exec's. */
void em_x87_status(const struct x87_op *o)
{
    struct em *e = o->e;
    u8 c1 = e->x87.c1;
    unsigned d;
    struct em_place p = {0};
    if (c1 > C1_KNOWN)
        em_x87_flush(e);
    if (c1 != C1_CLEAR) {
        em_state(o->a, A_LOAD, 1, SCR, ST(x87_c1));
        as_add_imm(o->a, A_ADD, false, SCR2, SCR, 3 - C1_SET, NOREG);
        as_lsr(o->a, false, SCR2, SCR2, 2);
        em_x87_bail(e, o->i, as_cbnz(o->a, false, SCR2));
    }
    if (em_x87_is_memory(o))
        p = em_access(e, o->i, true);
    em_state(o->a, A_LOAD, 2, SCR2, ST(fpu.sw));
    if (c1 == C1_CLEAR) {
        as_logic_imm(o->a, A_AND, false, SCR2, SCR2, 0xfdff, SCR3);
    } else {
        _Static_assert(C1_CLEAR == 0 && C1_KNOWN == 1 && C1_SET == 2, "bit 0: stays, bit 1: is set");
        em_state(o->a, A_LOAD, 1, LINK, ST(x87_c1));
        as_logic_imm(o->a, A_AND, false, SCR3, LINK, 1, NOREG);
        as_logic_imm(o->a, A_EOR, false, SCR3, SCR3, 1, NOREG);
        as_rrrs(o->a, A_BIC, false, SCR2, SCR2, SCR3, LSL, 9);
        as_lsr(o->a, false, SCR3, LINK, 1);
        as_rrrs(o->a, A_ORR, false, SCR2, SCR2, SCR3, LSL, 9);
    }
    if (e->x87.top) {
        as_mov_imm(o->a, SCR3, (u64)e->x87.top << 11);
        as_rrr(o->a, A_ORR, false, SCR2, SCR2, SCR3);
    }
    if (em_x87_is_memory(o)) {
        em_place_general(e, A_STORE, 2, SCR2, p);
    } else {
        d = SCR2;
        em_put(e, o->i->dst, d, 2);
    }
}

const struct x87_way em_x87_doubles = {arith,       root,  sign,     exchange, order,
                                       order_flags, load,  constant, store,    store_int};
