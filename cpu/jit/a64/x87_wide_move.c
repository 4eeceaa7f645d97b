/* AArch64 stubs that make x87 registers of numbers in memory, and those of registers, rounded to nearest
 * (SDM vol. 1 sections 4.2, 4.8, 8.3.3). */
#include "cpu/jit/a64/vec.h"
#include "cpu/jit/a64/x87_wide.h"

enum { SIGN = 0x8000, SIGN_BIT = 15, MSB_BIT = 63, BIAS = 16383, EXP_BITS = 15 };

/* The bits of a format in memory. */
struct format {
    bool dbl;
    u8 bits, fraction, exponent;
    u16 rebias; /* what is added to its exponent */
};
static struct format format(bool dbl)
{
    return dbl ? (struct format){true, 64, 52, 11, BIAS - 1023} : (struct format){false, 32, 23, 8, BIAS - 127};
}

/* r += or -= a constant of up to 24 bits */
static void add_long(struct as *a, u32 op, unsigned d, unsigned n, u32 by)
{
    as_add_imm(a, op, false, d, n, by & 0xfff, NOREG);
    as_add_imm(a, op, false, d, d, by & 0xfff000, NOREG);
}

/* ---- loads: SCR says where to, SCR2 has what ---- */
static void load_float(struct as *a, bool dbl)
{
    struct format f = format(dbl);
    u8 *special, *zero, *small, *large;
    const u8 *normal;
    as_rrrs(a, A_EOR, dbl, SCR3, SCR2, SCR2, LSL, 1);
    special = as_tbz(a, SCR3, f.bits - 2u);
    normal = a->p;
    as_lsl(a, true, SCR3, SCR2, MSB_BIT - f.fraction);
    as_logic_imm(a, A_ORR, true, SCR3, SCR3, BIT64(63), NOREG);
    as_mem(a, A_STORE, 8, SCR3, SCR, 0);
    as_ubfx(a, true, SCR3, SCR2, f.fraction, f.exponent);
    as_lsr(a, dbl, SCR2, SCR2, f.bits - 1u);
    add_long(a, A_ADD, SCR3, SCR3, f.rebias);
    as_bfi(a, false, SCR3, SCR2, SIGN_BIT, 1);
    as_mem(a, A_STORE, 2, SCR3, SCR, 8);
    as_ret(a);
    as_patch(a, special);
    as_lsl(a, dbl, SCR3, SCR2, 1);
    zero = as_cbz(a, dbl, SCR3);
    as_lsr(a, dbl, SCR3, SCR3, f.fraction + 1u);
    small = as_cbz(a, false, SCR3);
    as_add_imm(a, A_ADD, false, SCR3, SCR3, 1, NOREG);
    large = as_tbnz(a, SCR3, f.exponent);
    as_b_to(a, normal);
    as_patch(a, zero);
    as_mem(a, A_STORE, 8, XZR, SCR, 0);
    as_lsr(a, dbl, SCR2, SCR2, f.bits - 1u);
    as_lsl(a, false, SCR2, SCR2, SIGN_BIT);
    as_mem(a, A_STORE, 2, SCR2, SCR, 8);
    as_ret(a);
    as_patch(a, small);
    as_patch(a, large);
    as_mov_imm(a, SCR, 0);
    as_ret(a);
}

static void load_int(struct as *a)
{
    u8 *zero;
    as_asr(a, true, SCR3, SCR2, 63);
    as_rrr(a, A_EOR, true, SCR2, SCR2, SCR3);
    as_rrr(a, A_SUB, true, SCR2, SCR2, SCR3);
    zero = as_cbz(a, true, SCR2);
    as_logic_imm(a, A_AND, false, SCR3, SCR3, SIGN, NOREG);
    as_rr(a, A_CLZ, true, ADDR, SCR2);
    as_rrr(a, A_LSLV, true, SCR2, SCR2, ADDR);
    add_long(a, A_ADD, SCR3, SCR3, BIAS + 63);
    as_rrr(a, A_SUB, false, SCR3, SCR3, ADDR);
    as_patch(a, zero); /* SCR2 and SCR3 are 0: it has no sign */
    as_mem(a, A_STORE, 8, SCR2, SCR, 0);
    as_mem(a, A_STORE, 2, SCR3, SCR, 8);
    as_ret(a);
}

/* ---- stores: SCR2 says where from, and gets what is stored ---- */
enum { FRAC = X3, EXP = X4, T = X5, OUT = SCR2 };

static void save(struct as *a)
{
    v_from_general(a, true, 0, X3);
    v_from_general(a, true, 2, X4);
    v_from_general(a, true, 3, X5);
    as_get_nzcv(a, T);
    v_from_general(a, true, 4, T);
    as_pair(a, A_LDP, FRAC, EXP, SCR2, 0);
}

static void restore(struct as *a, bool refuses)
{
    v_to_general(a, true, SCR3, 4);
    as_set_nzcv(a, SCR3);
    v_to_general(a, true, X3, 0);
    v_to_general(a, true, X4, 2);
    v_to_general(a, true, X5, 3);
    as_mov_imm(a, SCR3, !refuses);
    as_ret(a);
}

/* T = 1 when what is behind `r`, its highest bit first in `rest`, rounds it up. Spoils t. */
static void round_up(struct as *a, unsigned r, unsigned rest, unsigned t)
{
    as_logic_imm(a, A_AND, true, T, r, 1, NOREG);
    as_rrr(a, A_ORR, true, T, T, rest);
    as_mov_imm(a, t, BIT64(63));
    as_rrr(a, A_SUBS, true, XZR, T, t);
    as_cset(a, T, A_HI);
}

/* What rounds to a normal number below the largest exponent; exponent and fraction carry as one. */
static void store_float(struct as *a, bool dbl)
{
    struct format f = format(dbl);
    u8 *special, *range, *refuse;
    const u8 *done;
    save(a);
    special = as_tbz(a, FRAC, MSB_BIT);
    as_ubfx(a, true, OUT, EXP, 0, EXP_BITS);
    add_long(a, A_SUB, OUT, OUT, f.rebias + 1u);
    as_add_imm(a, A_SUBS, false, XZR, OUT, (1 << f.exponent) - 3, NOREG);
    range = as_bcond(a, A_CS);
    as_lsr(a, true, SCR3, FRAC, MSB_BIT - f.fraction);
    as_lsl(a, true, FRAC, FRAC, f.fraction + 1u);
    as_rrrs(a, A_ADD, true, OUT, SCR3, OUT, LSL, f.fraction); /* the bit that is not stored adds 1 */
    as_lsr(a, false, EXP, EXP, SIGN_BIT);
    as_rrrs(a, A_ADD, true, OUT, OUT, EXP, LSL, f.bits - 1u);
    round_up(a, SCR3, FRAC, EXP);
    as_rrr(a, A_ADD, true, OUT, OUT, T);
    done = a->p;
    em_x87_wide_rounded(a, T, FRAC, EXP);
    restore(a, false);
    as_patch(a, special);
    as_ubfx(a, true, T, EXP, 0, EXP_BITS);
    as_rrr(a, A_ORR, true, T, T, FRAC);
    refuse = as_cbnz(a, true, T);
    as_lsr(a, false, OUT, EXP, SIGN_BIT);
    as_lsl(a, true, OUT, OUT, f.bits - 1u);
    as_b_to(a, done); /* FRAC and T are 0 */
    as_patch(a, range);
    as_patch(a, refuse);
    restore(a, true);
}

/* To nearest or down to zero, as the control word or `trunc` says. */
static void store_int(struct as *a, bool trunc)
{
    u8 *range, *special, *shifts, *tiny, *chop = NULL, *mode = NULL, *chopped = NULL, *refuse, *positive;
    const u8 *shifted, *done;
    save(a);
    as_ubfx(a, true, OUT, EXP, 0, EXP_BITS);
    as_rrr(a, A_SUBS, false, XZR, OUT, SCR3);
    range = as_bcond(a, A_CS);
    special = as_tbz(a, FRAC, MSB_BIT);
    as_mov_imm(a, SCR3, BIAS + 63);
    as_rrr(a, A_SUB, false, OUT, SCR3, OUT); /* 2 at least */
    as_lsr(a, false, T, OUT, 6);
    shifts = as_cbnz(a, false, T);
    as_rrr(a, A_LSRV, true, SCR3, FRAC, OUT);
    as_rrr(a, A_SUB, false, OUT, XZR, OUT);
    as_rrr(a, A_LSLV, true, FRAC, FRAC, OUT);
    shifted = a->p;
    as_mov_imm(a, T, 0);
    if (!trunc) {
        em_state(a, A_LOAD, 2, OUT, ST(fpu.cw));
        as_ubfx(a, false, OUT, OUT, 10, 2);
        chop = as_cbnz(a, false, OUT);
        round_up(a, SCR3, FRAC, OUT);
        as_rrr(a, A_ADD, true, SCR3, SCR3, T);
        chopped = a->p;
    }
    as_mov(a, true, OUT, SCR3);
    positive = as_tbz(a, EXP, SIGN_BIT);
    as_rrr(a, A_SUB, true, OUT, XZR, OUT);
    as_patch(a, positive);
    done = a->p;
    em_x87_wide_rounded(a, T, FRAC, EXP);
    restore(a, false);
    if (!trunc) {
        as_patch(a, chop);
        as_add_imm(a, A_SUB, false, OUT, OUT, RC_CHOP, NOREG);
        mode = as_cbnz(a, false, OUT);
        as_b_to(a, chopped);
    }
    as_patch(a, shifts); /* below 1: by 64 the fraction is all behind the point, by more it is little */
    as_mov_imm(a, SCR3, 0);
    as_add_imm(a, A_SUB, false, OUT, OUT, 64, NOREG);
    tiny = as_cbz(a, false, OUT);
    as_mov_imm(a, FRAC, 1);
    as_patch(a, tiny);
    as_b_to(a, shifted);
    as_patch(a, special);
    as_rrr(a, A_ORR, true, T, OUT, FRAC);
    refuse = as_cbnz(a, true, T);
    as_mov_imm(a, OUT, 0);
    as_b_to(a, done); /* FRAC and T are 0 */
    as_patch(a, range);
    as_patch(a, refuse);
    if (mode)
        as_patch(a, mode);
    restore(a, true);
}

void em_x87_wide_moves(struct codebuf *buf, struct as *a, struct be_stubs *stubs)
{
    stubs->x87_wide[WIDE_LOAD4] = codebuf_rx(buf, a->p);
    load_float(a, false);
    stubs->x87_wide[WIDE_LOAD8] = codebuf_rx(buf, a->p);
    load_float(a, true);
    stubs->x87_wide[WIDE_LOAD_INT] = codebuf_rx(buf, a->p);
    load_int(a);
    stubs->x87_wide[WIDE_STORE4] = codebuf_rx(buf, a->p);
    store_float(a, false);
    stubs->x87_wide[WIDE_STORE8] = codebuf_rx(buf, a->p);
    store_float(a, true);
    stubs->x87_wide[WIDE_STORE_INT] = codebuf_rx(buf, a->p);
    store_int(a, false);
    stubs->x87_wide[WIDE_STORE_TRUNC] = codebuf_rx(buf, a->p);
    store_int(a, true);
}
