/* AArch64 stubs for x87 arithmetic and comparison with 64 bits of precision, to nearest (SDM vol. 1
 * sections 4.8.4, 8.1.5): significands in general registers, what rounding cuts off in another. Exponents
 * whose upper two bits differ are so far from the ends of the range that no sum leaves it. */
#include "cpu/jit/a64/vec.h"
#include "cpu/jit/a64/x87_wide.h"

/* *TO and *BY as significand, and sign and exponent, with whatever lies behind; more scratch. */
enum { TO = X0, FA = X2, EA = X3, FB = X4, EB = X5, BIG = X17, EXP = X16, T = X1 };
enum { SIGN = 0x8000, SIGN_BIT = 15, MSB_BIT = 63, BIAS = 16383, HOME_BITS = 15 };

/* ---- around a stub ---- */
static void save(struct as *a)
{
    v_from_general(a, true, 0, X3);
    v_from_general(a, true, 2, X4);
    v_from_general(a, true, 3, X5);
    v_from_general(a, true, 4, X17);
    as_get_nzcv(a, EXP);
    v_from_general(a, true, 5, EXP);
    as_pair(a, A_LDP, FA, EA, TO, 0);
    as_pair(a, A_LDP, FB, EB, ADDR, 0);
}

static void restore(struct as *a)
{
    v_to_general(a, true, EXP, 5);
    as_set_nzcv(a, EXP);
    v_to_general(a, true, X3, 0);
    v_to_general(a, true, X4, 2);
    v_to_general(a, true, X5, 3);
    v_to_general(a, true, X17, 4);
    as_ret(a);
}

/* Places that are branched from. */
struct from {
    u8 *at[12];
    unsigned n;
};
static void add_from(struct from *f, u8 *at)
{
    f->at[f->n++] = at;
}
static void here(struct as *a, const struct from *f)
{
    for (unsigned n = 0; n < f->n; n++)
        as_patch(a, f->at[n]);
}

/* ---- what numbers are ---- */
/* On when both are normal numbers in the middle of the range. */
static void ordinary(struct as *a, struct from *special)
{
    as_rrr(a, A_AND, true, T, FA, FB);
    add_from(special, as_tbz(a, T, MSB_BIT));
    as_rrrs(a, A_EOR, false, T, EA, EA, LSL, 1);
    as_rrrs(a, A_EOR, false, EXP, EB, EB, LSL, 1);
    as_rrr(a, A_AND, false, T, T, EXP);
    add_from(special, as_tbz(a, T, 14));
}

/* On when the one of the two is. */
static void one_ordinary(struct as *a, unsigned frac, unsigned exp, struct from *refuse)
{
    add_from(refuse, as_tbz(a, frac, MSB_BIT));
    as_rrrs(a, A_EOR, false, T, exp, exp, LSL, 1);
    add_from(refuse, as_tbz(a, T, 14));
}

/* T is 0 when it is zero. */
static void zero(struct as *a, unsigned frac, unsigned exp)
{
    as_ubfx(a, true, T, exp, 0, HOME_BITS);
    as_rrr(a, A_ORR, true, T, T, frac);
}

/* ---- the end of an operation ---- */
void em_x87_wide_rounded(struct as *a, unsigned up, unsigned rest, unsigned t)
{
    u8 *exact;
    as_lsl(a, false, up, up, 1);
    _Static_assert(C1_SET == 2 && C1_CLEAR == 0, "a bit");
    em_state(a, A_STORE, 1, up, ST(x87_c1));
    exact = as_cbz(a, true, rest);
    em_state(a, A_LOAD, 2, t, ST(fpu.sw));
    as_logic_imm(a, A_ORR, false, t, t, FP_PE, NOREG);
    em_state(a, A_STORE, 2, t, ST(fpu.sw));
    as_patch(a, exact);
}

/* BIG, with EXP for its sign and exponent and FB for what is behind, is rounded, stored and returned. */
static void deliver(struct as *a)
{
    u8 *over, *back;
    as_logic_imm(a, A_AND, true, EA, BIG, 1, NOREG);
    as_rrr(a, A_ORR, true, EA, EA, FB); /* half goes up where BIG is odd: it is more then */
    as_mov_imm(a, T, BIT64(63));
    as_rrr(a, A_SUBS, true, XZR, EA, T);
    as_cset(a, T, A_HI);
    as_rrr(a, A_ADDS, true, BIG, BIG, T);
    over = as_bcond(a, A_CS);
    back = a->p;
    as_mem(a, A_STORE, 8, BIG, TO, 0);
    as_mem(a, A_STORE, 2, EXP, TO, 8);
    em_x87_wide_rounded(a, T, FB, EA);
    restore(a);
    as_patch(a, over);
    as_mov_imm(a, BIG, BIT64(63));
    as_add_imm(a, A_ADD, false, EXP, EXP, 1, NOREG);
    as_b_to(a, back);
}

static void refused(struct as *a, const struct from *refuse)
{
    here(a, refuse);
    as_mov_imm(a, TO, 0);
    restore(a);
}

/* ---- sums ---- */
/* BIG.EXP is the one of larger magnitude, FB.EB the other, T by how much the exponents differ. Leaves FA:FB
 * as the other one's significand, in place. */
static void align(struct as *a, struct from *far)
{
    as_ubfx(a, true, T, EA, 0, HOME_BITS);
    as_ubfx(a, true, EXP, EB, 0, HOME_BITS);
    as_rrr(a, A_SUBS, true, XZR, FA, FB);
    as_rrr(a, A_SBCS, true, XZR, T, EXP);
    as_csel(a, true, BIG, FA, FB, A_CS);
    as_csel(a, true, FB, FB, FA, A_CS);
    as_csel(a, true, EXP, EA, EB, A_CS);
    as_csel(a, true, EB, EB, EA, A_CS);
    as_rrr(a, A_SUB, false, T, EXP, EB);
    as_ubfx(a, true, T, T, 0, HOME_BITS);
    as_lsr(a, false, EA, T, 6);
    add_from(far, as_cbnz(a, false, EA));
    as_rrr(a, A_LSRV, true, FA, FB, T);
    as_rrr(a, A_ORN, true, EA, XZR, T);
    as_lsl(a, true, FB, FB, 1);
    as_rrr(a, A_LSLV, true, FB, FB, EA); /* by 64 - T, where T may be 0 */
}

/* The same where exponents differ by 64 or more. */
static void align_far(struct as *a, const u8 *back)
{
    u8 *farther;
    as_add_imm(a, A_SUB, false, T, T, 64, NOREG);
    as_mov_imm(a, FA, 0);
    as_lsr(a, false, EA, T, 6);
    farther = as_cbnz(a, false, EA);
    as_rrr(a, A_ORN, true, EA, XZR, T);
    as_lsl(a, true, FA, FB, 1);
    as_rrr(a, A_LSLV, true, FA, FA, EA);
    as_rrr(a, A_LSRV, true, FB, FB, T);
    as_rrr(a, A_SUBS, true, XZR, FA, XZR);
    as_cset(a, EA, A_NE);
    as_rrr(a, A_ORR, true, FB, FB, EA);
    as_mov_imm(a, FA, 0);
    as_b_to(a, back);
    as_patch(a, farther);
    as_mov_imm(a, FB, 1);
    as_b_to(a, back);
}

/* BIG:FB -= FA:FB, brought back to 64 bits. Zero is positive. */
static void difference(struct as *a, const u8 *round)
{
    u8 *little, *nothing;
    const u8 *shift;
    as_rrr(a, A_SUBS, true, FB, XZR, FB);
    as_rrr(a, A_SBC, true, BIG, BIG, FA);
    little = as_cbz(a, true, BIG);
    shift = a->p;
    as_rr(a, A_CLZ, true, EA, BIG);
    as_rrr(a, A_LSLV, true, BIG, BIG, EA);
    as_rrr(a, A_ORN, true, EB, XZR, EA);
    as_lsr(a, true, FA, FB, 1);
    as_rrr(a, A_LSRV, true, FA, FA, EB); /* by 64 - EA, where EA may be 0 */
    as_rrr(a, A_ORR, true, BIG, BIG, FA);
    as_rrr(a, A_LSLV, true, FB, FB, EA);
    as_rrr(a, A_SUB, false, EXP, EXP, EA);
    as_b_to(a, round);
    as_patch(a, little);
    nothing = as_cbz(a, true, FB);
    as_mov(a, true, BIG, FB);
    as_mov_imm(a, FB, 0);
    as_add_imm(a, A_SUB, false, EXP, EXP, 64, NOREG);
    as_b_to(a, shift);
    as_patch(a, nothing);
    as_mov_imm(a, EXP, 0);
    as_b_to(a, round);
}

/* A zero and a number, or two zeroes. */
static void sum_special(struct as *a, const u8 *round, struct from *refuse)
{
    u8 *a_zero, *both;
    zero(a, FA, EA);
    a_zero = as_cbz(a, true, T);
    zero(a, FB, EB);
    add_from(refuse, as_cbnz(a, true, T));
    one_ordinary(a, FA, EA, refuse);
    as_mov(a, true, BIG, FA);
    as_mov(a, true, EXP, EA);
    as_mov_imm(a, FB, 0);
    as_b_to(a, round);
    as_patch(a, a_zero);
    zero(a, FB, EB);
    both = as_cbz(a, true, T);
    one_ordinary(a, FB, EB, refuse);
    as_mov(a, true, BIG, FB);
    as_mov(a, true, EXP, EB);
    as_mov_imm(a, FB, 0);
    as_b_to(a, round);
    as_patch(a, both); /* FB is 0 */
    as_mov_imm(a, BIG, 0);
    as_rrr(a, A_AND, false, EXP, EA, EB);
    as_logic_imm(a, A_AND, false, EXP, EXP, SIGN, NOREG);
    as_b_to(a, round);
}

static void sum(struct as *a, enum be_x87_wide op)
{
    struct from special = {.n = 0}, far = {.n = 0}, refuse = {.n = 0};
    u8 *differ, *carries;
    const u8 *near, *round;
    save(a);
    if (op != WIDE_ADD)
        as_logic_imm(a, A_EOR, false, op == WIDE_SUB ? EB : EA, op == WIDE_SUB ? EB : EA, SIGN, NOREG);
    ordinary(a, &special);
    align(a, &far);
    near = a->p;
    as_rrr(a, A_EOR, false, EA, EXP, EB);
    differ = as_tbnz(a, EA, SIGN_BIT);
    as_rrr(a, A_ADDS, true, BIG, BIG, FA);
    carries = as_bcond(a, A_CS);
    round = a->p;
    deliver(a);
    as_patch(a, carries);
    as_logic_imm(a, A_AND, true, EA, FB, 1, NOREG);
    as_extr(a, true, FB, BIG, FB, 1);
    as_rrr(a, A_ORR, true, FB, FB, EA);
    as_lsr(a, true, BIG, BIG, 1);
    as_logic_imm(a, A_ORR, true, BIG, BIG, BIT64(63), NOREG);
    as_add_imm(a, A_ADD, false, EXP, EXP, 1, NOREG);
    as_b_to(a, round);
    as_patch(a, differ);
    difference(a, round);
    here(a, &far);
    align_far(a, near);
    here(a, &special);
    sum_special(a, round, &refuse);
    refused(a, &refuse);
}

/* ---- products ---- */
static void product(struct as *a)
{
    struct from special = {.n = 0}, refuse = {.n = 0};
    u8 *normal, *a_zero, *b_zero;
    const u8 *round;
    save(a);
    ordinary(a, &special);
    as_rrr(a, A_UMULH, true, BIG, FA, FB);
    as_rrr(a, A_MUL, true, FB, FA, FB);
    as_rrr(a, A_EOR, false, EXP, EA, EB);
    as_ubfx(a, true, EA, EA, 0, HOME_BITS);
    as_ubfx(a, true, EB, EB, 0, HOME_BITS);
    as_rrr(a, A_ADD, false, EA, EA, EB);
    as_mov_imm(a, T, BIAS - 1);
    as_rrr(a, A_SUB, false, EA, EA, T);
    normal = as_tbnz(a, BIG, MSB_BIT);
    as_extr(a, true, BIG, BIG, FB, 63);
    as_lsl(a, true, FB, FB, 1);
    as_add_imm(a, A_SUB, false, EA, EA, 1, NOREG);
    as_patch(a, normal);
    as_add_imm(a, A_ADD, false, T, EA, 2, NOREG); /* 7FFE, which may become more, or 7FFF */
    add_from(&refuse, as_tbnz(a, T, SIGN_BIT));
    as_bfi(a, false, EXP, EA, 0, HOME_BITS);
    round = a->p;
    deliver(a);
    here(a, &special);
    zero(a, FA, EA);
    a_zero = as_cbz(a, true, T);
    zero(a, FB, EB);
    add_from(&refuse, as_cbnz(a, true, T));
    one_ordinary(a, FA, EA, &refuse);
    b_zero = as_b(a);
    as_patch(a, a_zero);
    zero(a, FB, EB);
    a_zero = as_cbz(a, true, T);
    one_ordinary(a, FB, EB, &refuse);
    as_patch(a, a_zero);
    as_patch(a, b_zero);
    as_rrr(a, A_EOR, false, EXP, EA, EB);
    as_logic_imm(a, A_AND, false, EXP, EXP, SIGN, NOREG);
    as_mov_imm(a, BIG, 0);
    as_mov_imm(a, FB, 0);
    as_b_to(a, round);
    refused(a, &refuse);
}

/* ---- order ---- */
static void order(struct as *a)
{
    struct from special = {.n = 0}, refuse = {.n = 0}, equal = {.n = 0};
    u8 *differ, *either, *checked;
    const u8 *known, *out;
    save(a);
    ordinary(a, &special);
    known = a->p;
    as_rrr(a, A_EOR, false, T, EA, EB);
    differ = as_tbnz(a, T, SIGN_BIT);
    as_ubfx(a, true, T, EA, 0, HOME_BITS);
    as_ubfx(a, true, EXP, EB, 0, HOME_BITS);
    as_rrr(a, A_SUBS, true, XZR, FA, FB);
    as_rrr(a, A_SBCS, true, XZR, T, EXP);
    as_cset(a, BIG, A_CC);
    as_rrr(a, A_EOR, true, T, T, EXP);
    as_rrr(a, A_EOR, true, FA, FA, FB);
    as_rrr(a, A_ORR, true, T, T, FA);
    add_from(&equal, as_cbz(a, true, T));
    as_rrrs(a, A_EOR, false, BIG, BIG, EA, LSR, SIGN_BIT); /* less in magnitude is more below 0 */
    out = a->p;
    as_logic_imm(a, A_AND, false, BIG, BIG, 1, NOREG);
    _Static_assert(SW_C0 == 1 << 8, "what is less");
    as_lsl(a, false, SCR, BIG, 8);
    restore(a);
    as_patch(a, differ);
    as_rrr(a, A_ORR, true, T, FA, FB);
    add_from(&equal, as_cbz(a, true, T));
    as_lsr(a, false, BIG, EA, SIGN_BIT);
    as_b_to(a, out);
    here(a, &equal);
    as_mov_imm(a, SCR, SW_C3);
    restore(a);
    here(a, &special);
    zero(a, FA, EA);
    either = as_cbz(a, true, T);
    one_ordinary(a, FA, EA, &refuse);
    as_patch(a, either);
    zero(a, FB, EB);
    checked = as_cbz(a, true, T);
    one_ordinary(a, FB, EB, &refuse);
    as_patch(a, checked);
    as_b_to(a, known);
    here(a, &refuse);
    as_mov_imm(a, SCR, WIDE_REFUSED);
    restore(a);
}

void em_x87_wide_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs)
{
    for (enum be_x87_wide op = WIDE_ADD; op <= WIDE_SUBR; op++) {
        stubs->x87_wide[op] = codebuf_rx(buf, a->p);
        sum(a, op);
    }
    stubs->x87_wide[WIDE_MUL] = codebuf_rx(buf, a->p);
    product(a);
    stubs->x87_wide[WIDE_ORDER] = codebuf_rx(buf, a->p);
    order(a);
    em_x87_wide_moves(buf, a, stubs);
}
