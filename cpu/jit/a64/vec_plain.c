/* Checks on hosts without FEAT_AFP: the unit computes as x86's does as long as operands and result
 * are ordinary: no denormals, no NaNs, nothing near the ends of the range. FPCR.FZ is MXCSR.DAZ, so
 * that flags raised in front of a refusal are some of those that exec raises (SDM vol. 1
 * section 4.9; Arm ARM A1.5). In plain words: twice an operand, which has lost its sign, less 1, is
 * large for 0 and for normal numbers; the upper bits of a result's exponent are neither all 0 nor
 * all 1. */
#include "cpu/jit/a64/vec.h"

enum { ONES = 7, STEP = 6 };

/* 0 in r when the lowest element of v is a denormal. */
static void operand(const struct vop *o, unsigned r, unsigned v, bool dbl)
{
    v_to_general(o->a, dbl, r, v);
    as_lsl(o->a, dbl, r, r, 1);
    as_add_imm(o->a, A_SUB, dbl, r, r, 1, NOREG);
    as_lsr(o->a, dbl, r, r, dbl ? 56 : 24);
}

static void scalar(const struct vop *o, bool dbl, unsigned a, unsigned b, unsigned r)
{
    u8 *from = NULL, *from2 = NULL;
    if (a != NOREG) {
        operand(o, SCR, a, dbl);
        if (b != NOREG && b != a) {
            operand(o, SCR2, b, dbl);
            as_rrr(o->a, A_MUL, false, SCR, SCR, SCR2);
        }
        from = as_cbz(o->a, false, SCR);
    }
    if (r != NOREG) {
        unsigned lsb = dbl ? 55 : 24, width = dbl ? 8 : 7;
        v_to_general(o->a, dbl, SCR, r);
        as_ubfx(o->a, dbl, SCR, SCR, lsb, width);
        as_add_imm(o->a, A_ADD, false, SCR, SCR, 1, NOREG);
        as_ubfx(o->a, false, SCR, SCR, 1, width - 1);
        from2 = as_cbz(o->a, false, SCR);
    }
    if (!from)
        from = from2, from2 = NULL;
    em_vec_slow(o, from, from2);
}

static u32 narrow(unsigned count)
{
    return 0x0f008400 | (64 - count) << 16; /* SHRN, doublewords to words */
}

/* Four words, 0 for each operand that is a denormal, in V2. */
static void operands(const struct vop *o, bool dbl, unsigned a, unsigned b)
{
    unsigned size = dbl ? SZ_D : SZ_S;
    as32(o->a, 0x6f07e7e0 | ONES); /* movi v.2d, all ones */
    v_shl(o->a, V_SHL, size, 2, a, 1);
    v3(o->a, V3(0, size, 16), 2, 2, ONES);
    if (b != a) {
        v_shl(o->a, V_SHL, size, 3, b, 1);
        v3(o->a, V3(0, size, 16), 3, 3, ONES);
    }
    if (dbl) {
        v2(o->a, narrow(32), 2, 2);
        v2(o->a, narrow(32) | VQ, 2, b != a ? 3 : 2);
        if (b == a)
            v_dup(o->a, SZ_D, 2, 2, 0);
    } else if (b != a) {
        v3(o->a, V3(1, SZ_S, 13), 2, 2, 3);
    }
    v_shr(o->a, V_USHR, SZ_S, 2, 2, 24);
}

static void packed(const struct vop *o, bool dbl, unsigned a, unsigned b, unsigned r)
{
    if (a != NOREG)
        operands(o, dbl, a, b == NOREG ? a : b);
    if (r != NOREG) {
        unsigned to = a != NOREG ? 3 : 2;
        as32(o->a, 0x4f006400 | (dbl ? 1u : 2u) << 5 | STEP); /* movi v.4s, #n, lsl #24 */
        if (dbl) {
            v2(o->a, narrow(31), to, r);
            v2(o->a, narrow(31) | VQ, to, r);
        } else {
            v_shl(o->a, V_SHL, SZ_S, to, r, 1);
        }
        v3(o->a, V3(0, SZ_S, 16), to, to, STEP);
        v_shr(o->a, V_USHR, SZ_S, to, to, dbl ? 25 : 26);
        if (a != NOREG)
            v3(o->a, V3(1, SZ_S, 13), 2, 2, 3);
    }
    v2(o->a, 0x6eb1a800, 2, 2); /* uminv s2 */
    v_to_general(o->a, false, SCR, 2);
    em_vec_slow(o, as_cbz(o->a, false, SCR), NULL);
}

void em_vec_check(const struct vop *o, enum shape shape, unsigned a, unsigned b, unsigned r)
{
    if (shape == SHAPE_SS || shape == SHAPE_SD)
        scalar(o, shape == SHAPE_SD, a, b, r);
    else
        packed(o, shape == SHAPE_PD, a, b, r);
}
