/* Where the guest's arithmetic flags are while a block is emitted for AArch64: S, Z, C and O in NZCV, P
 * and A as values that they are made of, and of those as few as possible before anybody looks
 * (translator.md 3 and 5.4). */
#include "cpu/jit/a64/em.h"

enum { NZCV_N = 31, NZCV_Z = 30, NZCV_C = 29, NZCV_V = 28 };

void em_flags_invert(struct em *e, struct as *a)
{
    if (e->stubs->flagm) {
        as32(a, 0xd500401f); /* cfinv */
        return;
    }
    as_get_nzcv(a, SCR);
    as_logic_imm(a, A_EOR, false, SCR, SCR, BIT(NZCV_C), SCR2);
    as_set_nzcv(a, SCR);
}

void em_flags_insert(struct em *e, unsigned r, bool overflow)
{
    if (e->stubs->flagm) { /* rmif r, #rotation, #mask: V is the lowest of four bits, C the next */
        as32(&e->a, 0xba000400 | (overflow ? 0u : 63u) << 15 | r << 5 | (overflow ? 1u : 2u));
        return;
    }
    as_get_nzcv(&e->a, SCR2);
    as_bfi(&e->a, false, SCR2, r, overflow ? NZCV_V : NZCV_C, 1);
    as_set_nzcv(&e->a, SCR2);
}

enum carry em_sign_and_zero(struct em *e, unsigned r, unsigned size)
{
    if (size < 4) { /* 0 + r shifted */
        as_rrrs(&e->a, A_ADDS, false, XZR, XZR, r, LSL, 32 - 8 * size);
        return CARRY_DIRECT;
    }
    as_add_imm(&e->a, A_SUBS, size == 8, XZR, r, 0, NOREG); /* blocks hand C on inverted */
    return CARRY_INVERTED;
}

void em_flags_shifted(struct em *e, const struct recipe *k)
{
    unsigned bits = 8u * k->size, n = (unsigned)k->imm;
    bool left = k->op == IR_SHL || k->op == IR_SHLD;
    if (n <= bits)
        as_ubfx(&e->a, true, SCR, k->a, left ? bits - n : n - 1, 1);
    else if (k->op == IR_SAR)
        as_ubfx(&e->a, true, SCR, k->a, bits - 1, 1);
    else
        as_mov_imm(&e->a, SCR, 0);
    em_flags_insert(e, SCR, false);
}

/* Flags of a shift from what was shifted and its result; what manuals leave open: cpu/ir/README.md */
static void shift_nzcv(struct em *e, const struct recipe *k)
{
    unsigned bits = 8u * k->size;
    bool left = k->op == IR_SHL || k->op == IR_SHLD;
    em_sign_and_zero(e, k->res, k->size);
    em_flags_shifted(e, k); /* SCR is the bit then */
    if (k->op == IR_SAR)
        return;
    if (left) {
        as_ubfx(&e->a, true, SCR3, k->res, bits - 1, 1);
        as_rrr(&e->a, A_EOR, false, SCR, SCR, SCR3);
    } else {
        as_rrrs(&e->a, A_EOR, true, SCR, k->res, k->res, LSR, 1);
        as_ubfx(&e->a, true, SCR, SCR, bits - 2, 1);
    }
    em_flags_insert(e, SCR, true);
}

/* S and Z are clear, C and O say that the upper half of a product matters. */
static void product_nzcv(struct em *e, const struct recipe *k)
{
    if (k->op == IR_MULU) {
        as_lsr(&e->a, true, SCR, k->a, 8u * k->size);
    } else {
        as_sbfx(&e->a, true, SCR, k->a, 0, 8u * k->size);
        as_rrr(&e->a, A_EOR, true, SCR, SCR, k->a);
    }
    as_add_imm(&e->a, A_SUBS, true, XZR, SCR, 0, SCR2);
    as_cset(&e->a, SCR, A_NE);
    as_rrrs(&e->a, A_ORR, false, SCR, SCR, SCR, LSL, 1);
    as_lsl(&e->a, false, SCR, SCR, NZCV_V);
    as_set_nzcv(&e->a, SCR);
}

/* A sum or difference of up to 32 bits, made on top of SCR; of 64 bits only INC, DEC and what is
 * compared with a constant. */
static void sum_nzcv(struct em *e, const struct recipe *k)
{
    unsigned up = k->size < 4 ? 32 - 8u * k->size : 0;
    u32 op = k->kind == RECIPE_ADD ? A_ADDS : A_SUBS, back = k->kind == RECIPE_ADD ? A_SUB : A_ADD;
    if (k->keeps_c) {
        bool wide = k->size == 8;
        as_cset(&e->a, X30, A_CS);
        as_add_imm(&e->a, back, wide, SCR, k->res, 1, NOREG);
        if (up)
            as_lsl(&e->a, false, SCR, SCR, up);
        as_mov_imm(&e->a, SCR2, (u64)1 << up);
        as_rrr(&e->a, op, wide, XZR, SCR, SCR2);
        em_flags_insert(e, X30, false);
    } else if (k->has_imm && k->size >= 4 && k->a != NOREG) {
        as_add_imm(&e->a, op, k->size == 8, XZR, k->a, k->imm, SCR2);
    } else if (k->has_imm) {
        if (k->a != NOREG)
            as_lsl(&e->a, false, SCR, k->a, up);
        else
            as_add_imm(&e->a, back, false, SCR, k->res, k->imm, SCR2),
                as_lsl(&e->a, false, SCR, SCR, up);
        as_mov_imm(&e->a, SCR2, (u32)k->imm << up);
        as_rrr(&e->a, op, false, XZR, SCR, SCR2);
    } else if (k->b != NOREG) {
        if (k->a != NOREG)
            as_lsl(&e->a, false, SCR, k->a, up);
        else
            as_rrr(&e->a, back, false, SCR, k->res, k->b), as_lsl(&e->a, false, SCR, SCR, up);
        as_rrrs(&e->a, op, false, XZR, SCR, k->b, LSL, up);
    } else { /* b = res - a, or a - res */
        if (k->kind == RECIPE_ADD)
            as_rrr(&e->a, A_SUB, false, SCR2, k->res, k->a);
        else
            as_rrr(&e->a, A_SUB, false, SCR2, k->a, k->res);
        as_lsl(&e->a, false, SCR, k->a, up);
        as_rrrs(&e->a, op, false, XZR, SCR, SCR2, LSL, up);
    }
}

/* PARITY = the result, ADJUST = a ^ b; the order matters where the result is in one of them. */
static void sum_values(struct em *e, const struct recipe *k)
{
    u32 back = k->kind == RECIPE_ADD ? A_SUB : A_ADD, fore = k->kind == RECIPE_ADD ? A_ADD : A_SUB;
    unsigned a = k->a, b = k->b;
    if (k->has_imm) {
        s64 low = k->imm & 0xff; /* nobody looks at more */
        if (a == NOREG) {
            as_add_imm(&e->a, back, false, SCR, k->res, low, NOREG);
            a = SCR;
        }
        if (k->imm & 0x10)
            as_logic_imm(&e->a, A_EOR, false, ADJUST, a, 0x10, SCR2);
        else
            as_mov(&e->a, false, ADJUST, a);
        if (k->res != NOREG)
            as_mov(&e->a, false, PARITY, k->res);
        else if (low)
            as_add_imm(&e->a, fore, false, PARITY, a, low, NOREG);
        else
            as_mov(&e->a, false, PARITY, a);
        return;
    }
    if (k->res == NOREG) {
        as_rrr(&e->a, A_EOR, false, ADJUST, a, b);
        as_rrr(&e->a, fore, false, PARITY, a, b);
        return;
    }
    if (a == NOREG && b == NOREG) { /* twice a register to itself: a ^ b is 0 */
        as_mov(&e->a, false, ADJUST, XZR);
        as_mov(&e->a, false, PARITY, k->res);
        return;
    }
    if (a == NOREG)
        as_rrr(&e->a, back, false, SCR, k->res, b), a = SCR;
    else if (b == NOREG && k->kind == RECIPE_ADD)
        as_rrr(&e->a, A_SUB, false, SCR, k->res, a), b = SCR;
    else if (b == NOREG)
        as_rrr(&e->a, A_SUB, false, SCR, a, k->res), b = SCR;
    as_rrr(&e->a, A_EOR, false, ADJUST, a, b);
    as_mov(&e->a, false, PARITY, k->res);
}

static enum carry test_nzcv(struct em *e, const struct recipe *k)
{
    u64 imm = (u64)k->imm & size_mask(k->size);
    if (!k->has_imm && k->a == k->b)
        return em_sign_and_zero(e, k->a, k->size);
    if (k->size >= 4 && k->has_imm) {
        as_logic_imm(&e->a, A_ANDS, k->size == 8, XZR, k->a, imm, SCR2);
    } else if (k->size >= 4) {
        as_rrr(&e->a, A_ANDS, k->size == 8, XZR, k->a, k->b);
    } else {
        if (k->has_imm)
            as_logic_imm(&e->a, A_AND, false, SCR, k->a, imm, SCR2);
        else
            as_rrr(&e->a, A_AND, false, SCR, k->a, k->b);
        em_sign_and_zero(e, SCR, k->size);
    }
    return CARRY_DIRECT;
}

/* Sums leave C direct, differences inverted. */
enum carry em_flags_anew(struct em *e, const struct recipe *k)
{
    switch (k->kind) {
    case RECIPE_ADD:
    case RECIPE_SUB: sum_nzcv(e, k); break;
    case RECIPE_LOGIC: return em_sign_and_zero(e, k->res, k->size);
    case RECIPE_TEST: return test_nzcv(e, k);
    case RECIPE_SHIFT: shift_nzcv(e, k); break;
    case RECIPE_PRODUCT: product_nzcv(e, k); break;
    }
    return k->kind == RECIPE_SUB ? CARRY_INVERTED : CARRY_DIRECT;
}

static void make_values(struct em *e, const struct recipe *k)
{
    switch (k->kind) {
    case RECIPE_ADD:
    case RECIPE_SUB: sum_values(e, k); break;
    case RECIPE_LOGIC:
        as_mov(&e->a, false, PARITY, k->res);
        as_mov(&e->a, false, ADJUST, k->res);
        break;
    case RECIPE_TEST:
        if (k->has_imm)
            as_logic_imm(&e->a, A_AND, false, PARITY, k->a, (u64)k->imm & 0xff, SCR2);
        else
            as_rrr(&e->a, A_AND, false, PARITY, k->a, k->b);
        as_mov(&e->a, false, ADJUST, PARITY);
        break;
    case RECIPE_SHIFT:
        as_logic_imm(&e->a, A_EOR, false, ADJUST, k->res, 0x10, SCR2);
        as_mov(&e->a, false, PARITY, k->res);
        break;
    case RECIPE_PRODUCT:
    case RECIPE_CLEAR:
        as_mov_imm(&e->a, PARITY, 1);
        as_mov_imm(&e->a, ADJUST, 1);
        break;
    }
}

void em_flags_nzcv(struct em *e)
{
    if (e->recipe.kind == RECIPE_NONE || !e->recipe.nzcv)
        return;
    if (e->recipe.keeps_c)
        em_flags_anew(e, &e->recipe);
    else
        e->carry = em_flags_anew(e, &e->recipe);
    e->recipe.nzcv = false;
}

/* All flags of 8 or 16 bits of logic: sign-extended, the result is PF's value and gives S and Z when
 * 0 is taken from it, with C as blocks hand it on; AF is clear as both its values are the same. */
static void narrow_logic(struct em *e, struct recipe *k)
{
    as_sbfx(&e->a, false, PARITY, k->res, 0, 8u * k->size);
    as_add_imm(&e->a, A_SUBS, false, XZR, PARITY, 0, NOREG);
    as_mov(&e->a, false, ADJUST, PARITY);
    e->carry = CARRY_INVERTED;
    k->kind = RECIPE_NONE;
}

void em_flags_make(struct em *e)
{
    struct recipe *k = &e->recipe;
    /* both parts would ask what was there before a constant was added */
    if ((k->kind == RECIPE_ADD || k->kind == RECIPE_SUB) && k->nzcv && !k->keeps_c && k->has_imm &&
        k->a == NOREG && k->size < 4) {
        as_add_imm(&e->a, k->kind == RECIPE_ADD ? A_SUB : A_ADD, false, SCR3, k->res, k->imm, SCR2);
        k->a = SCR3;
    }
    if (k->nzcv && k->kind == RECIPE_LOGIC && k->size < 4) {
        narrow_logic(e, k);
        return;
    }
    em_flags_nzcv(e);
    make_values(e, &e->recipe);
    e->recipe.kind = RECIPE_NONE;
}

void em_flags_carry(struct em *e, enum carry carry)
{
    em_flags_nzcv(e);
    if (e->carry != carry)
        em_flags_invert(e, &e->a);
    e->carry = carry;
}

void em_flags_commit(struct em *e)
{
    em_flags_make(e);
    em_flags_carry(e, CARRY_INVERTED);
}

void em_flags_recall(struct em *e, const struct recipe *open, enum carry carry)
{
    e->recipe = *open;
    e->carry = carry;
    em_flags_commit(e);
}

bool em_flags_wanted(const struct em *e, const struct ir_ins *i)
{
    const struct recipe *k = &e->recipe;
    u8 open = IRF_P | IRF_A | (!k->nzcv ? 0 : k->keeps_c ? IRF_ALL & ~IRF_C : IRF_ALL);
    /* what follows in a group cannot fault */
    u8 wanted = e->follows[e->now] ? e->live[e->now] : ir_flags_before(i, e->live[e->now]);
    return wanted & open;
}

/* Can all that is open be made of what is left? */
static bool enough(const struct recipe *k)
{
    bool res = k->res != NOREG, a = k->a != NOREG, b = k->b != NOREG || k->has_imm;
    switch (k->kind) {
    case RECIPE_LOGIC: return res;
    case RECIPE_TEST: return a && b;
    case RECIPE_ADD:
    case RECIPE_SUB: return k->keeps_c ? res : res + a + b >= 2;
    case RECIPE_SHIFT: return res && (a || !k->nzcv);
    case RECIPE_PRODUCT: return a || !k->nzcv;
    default: return true;
    }
}

void em_flags_guard(struct em *e, const struct ir_ins *i, unsigned r)
{
    const struct recipe *k = &e->recipe;
    struct recipe less = *k;
    if (k->kind == RECIPE_NONE || (k->res != r && k->a != r && k->b != r))
        return;
    less.res = k->res == r ? NOREG : k->res;
    less.a = k->a == r ? NOREG : k->a;
    less.b = k->b == r ? NOREG : k->b;
    less.zero = k->zero == r ? 0 : k->zero;
    if (enough(&less)) {
        e->recipe = less;
        return;
    }
    if (em_flags_wanted(e, i))
        em_flags_make(e);
    else
        e->recipe.kind = RECIPE_NONE;
}

/* EFLAGS bits 7, 6, 4, 2 and 0 in SCR2; NZCV stays in SCR3. */
static void collect(struct as *a, enum carry carry)
{
    as_get_nzcv(a, SCR3);
    as_lsr(a, false, SCR2, SCR3, NZCV_Z);
    as_lsl(a, false, SCR2, SCR2, 6);
    as_ubfx(a, false, SCR, SCR3, NZCV_C, 1);
    if (carry == CARRY_INVERTED)
        as_logic_imm(a, A_EOR, false, SCR, SCR, 1, NOREG);
    as_rrr(a, A_ORR, false, SCR2, SCR2, SCR);
    as_rrrs(a, A_EOR, false, SCR, PARITY, PARITY, LSR, 4);
    as_rrrs(a, A_EOR, false, SCR, SCR, SCR, LSR, 2);
    as_rrrs(a, A_EON, false, SCR, SCR, SCR, LSR, 1);
    as_bfi(a, false, SCR2, SCR, 2, 1);
    as_rrr(a, A_EOR, false, SCR, PARITY, ADJUST);
    as_lsr(a, false, SCR, SCR, 4);
    as_bfi(a, false, SCR2, SCR, 4, 1);
}

void em_flags_out(struct as *a)
{
    collect(a, CARRY_INVERTED);
    as_mem(a, A_STORE, 1, SCR2, STATE, ST(af.szapc));
    as_ubfx(a, false, SCR2, SCR3, NZCV_V, 1);
    as_mem(a, A_STORE, 1, SCR2, STATE, ST(af.of));
}

/* EFLAGS bits 7..0 in SCR: all but O, whose place in NZCV is cleared, are set; C inverted. */
static void spread(struct as *a)
{
    as_ubfx(a, false, SCR3, SCR, 6, 2);
    as_lsl(a, false, SCR3, SCR3, NZCV_Z);
    as_rrr(a, A_ORN, false, SCR2, XZR, SCR);
    as_bfi(a, false, SCR3, SCR2, NZCV_C, 1);
    as_ubfx(a, false, PARITY, SCR, 2, 1);
    as_logic_imm(a, A_EOR, false, PARITY, PARITY, 1, NOREG);
    as_logic_imm(a, A_AND, false, SCR2, SCR, 0x10, NOREG);
    as_rrr(a, A_EOR, false, ADJUST, PARITY, SCR2);
}

void em_flags_in(struct as *a)
{
    as_mem(a, A_LOAD, 1, SCR, STATE, ST(af.szapc));
    spread(a);
    as_mem(a, A_LOAD, 1, SCR2, STATE, ST(af.of));
    as_bfi(a, false, SCR3, SCR2, NZCV_V, 1);
    as_set_nzcv(a, SCR3);
}

void em_getf(struct em *e, const struct ir_ins *i)
{
    unsigned d;
    em_flags_make(e);
    collect(&e->a, e->carry);
    as_ubfx(&e->a, false, SCR, SCR3, NZCV_V, 1);
    d = em_target(e, i->dst, 4, SCR2);
    as_rrrs(&e->a, A_ORR, false, d, SCR2, SCR, LSL, 11);
    em_put(e, i->dst, d, 4);
}

void em_setf(struct em *e, const struct ir_ins *i, u8 live)
{
    unsigned r;
    bool keep = !(i->flags_out & IRF_O) && live & IRF_O;
    if (keep) {
        em_flags_nzcv(e);
        as_get_nzcv(&e->a, X30);
        as_lsr(&e->a, false, X30, X30, NZCV_V);
    }
    r = em_use(e, i->a, SCR);
    if (r != SCR)
        as_mov(&e->a, false, SCR, r);
    spread(&e->a);
    if (!keep)
        as_lsr(&e->a, false, SCR2, SCR, 11);
    as_bfi(&e->a, false, SCR3, keep ? X30 : SCR2, NZCV_V, 1);
    as_set_nzcv(&e->a, SCR3);
    e->recipe.kind = RECIPE_NONE;
    e->carry = CARRY_INVERTED;
}
