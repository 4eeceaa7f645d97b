/* Templates for single and double precision on hosts with FEAT_AFP, whose unit then chooses NaNs,
 * flushes and reports denormals as x86's does and leaves the rest of a register alone in scalar forms
 * (FPCR.AH, NEP, FIZ: Arm ARM A1.5.10; SDM vol. 1 sections 4.9, 11.5); what differs still goes to exec. Row codes: the
 * word for single precision or packed singles; doubles have V_DOUBLE. */
#include "cpu/jit/a64/vec.h"

/* The operation's shape by its mandatory prefix is told by its row. */
static bool is_double(const struct vop *o)
{
    return o->code & V_DOUBLE;
}

/* d = op(n, s): packed; scalar, with n's upper part. */
void vt_fp_packed(const struct vop *o)
{
    v3(o->a, o->code, o->d, o->n, o->s);
}
void vt_fp_scalar(const struct vop *o)
{
    if (o->d == o->n || o->d != o->s) {
        v_mov(o->a, o->d, o->n);
        v3(o->a, o->code, o->d, o->d, o->s);
        return;
    }
    v_mov(o->a, 2, o->n);
    v3(o->a, o->code, 2, 2, o->s);
    v_mov(o->a, o->d, 2);
}

/* One operand, scalar: d's upper part stays. */
void vt_fp_root(const struct vop *o)
{
    if (o->d == o->n || o->d != o->s) {
        v_mov(o->a, o->d, o->n);
        v2(o->a, o->code, o->d, o->s);
        return;
    }
    v_mov(o->a, 2, o->n);
    v2(o->a, o->code, 2, o->s);
    v_mov(o->a, o->d, 2);
}

/* HSUBPS, HSUBPD. */
void vt_fp_horizontal(const struct vop *o)
{
    u32 size = V_SIZE(is_double(o) ? SZ_D : SZ_S);
    v3(o->a, V_UZP1 | size, 2, o->n, o->s);
    v3(o->a, V_UZP2 | size, 3, o->n, o->s);
    v3(o->a, o->code, o->d, 2, 3);
}

/* Elements that are NaNs: all ones. */
static void nans(const struct vop *o, unsigned d, unsigned n, unsigned scratch)
{
    unsigned size = is_double(o) ? SZ_D : SZ_S;
    if (size == SZ_D) {
        as_mov_imm(o->a, SCR, 0xffe0000000000000ull);
        v_dup_general(o->a, SZ_D, scratch, SCR);
    } else {
        as32(o->a, 0x4f0767e0 | scratch); /* movi .4s, #0xff, lsl #24 */
    }
    v3(o->a, V3(0, size, 16), d, n, n); /* without the sign */
    v3(o->a, V3(1, size, 6), d, d, scratch);
}

/* CMPPS and kin; row code: V_DOUBLE, and V_SCALAR for those on one lane. */
void vt_fp_compare(const struct vop *o)
{
    const u32 eq = V3(0, 0, 28) | o->code, ge = V3(1, 0, 28) | o->code, gt = V3(1, 2, 28) | o->code;
    bool scalar = o->code & V_SCALAR;
    unsigned n = o->n, s = o->s, r = scalar || o->d == n || o->d == s ? 2 : o->d;
    switch (o->imm & 3) {
    case 0: v3(o->a, eq, r, n, s); break;
    case 1: v3(o->a, gt, r, s, n); break;
    case 2: v3(o->a, ge, r, s, n); break;
    default:
        v3(o->a, eq, 4, n, s); /* for what it reports */
        nans(o, 5, n, 4);
        nans(o, 6, s, 4);
        v3(o->a, V_ORR, r, 5, 6);
        break;
    }
    if (o->imm & 4)
        v2(o->a, V_NOT, r, r);
    if (!scalar) {
        v_mov(o->a, o->d, r);
        return;
    }
    if (o->d != o->n)
        v_mov(o->a, o->d, o->n);
    v_ins(o->a, is_double(o) ? SZ_D : SZ_S, o->d, 0, r, 0);
}

/* COMIS and UCOMIS: below, or unordered: C; equal or unordered: Z; unordered: P. */
void vt_fp_order(const struct vop *o)
{
    as32(o->a, o->code | o->s << 16 | o->n << 5);
    as_cset(o->a, PARITY, A_VC);
    as_mov_imm(o->a, ADJUST, 0);
    if (o->e->stubs->flagm2) {
        as32(o->a, 0xd500405f); /* axflag */
    } else {
        as_get_nzcv(o->a, SCR);
        as_rrrs(o->a, A_ORR, false, SCR2, SCR, SCR, LSL, 2);
        as_rrrs(o->a, A_BIC, false, SCR, SCR, SCR, LSL, 1);
        as_logic_imm(o->a, A_AND, false, SCR2, SCR2, BIT(30), NOREG);
        as_logic_imm(o->a, A_AND, false, SCR, SCR, BIT(29), NOREG);
        as_rrr(o->a, A_ORR, false, SCR, SCR, SCR2);
        as_set_nzcv(o->a, SCR);
    }
    em_vec_flags(o);
}

/* ROUNDPS and kin; row code: the word of FRINTX. Its inexact is wanted or not, whatever the mode. */
void vt_fp_round(const struct vop *o)
{
    bool scalar = o->code >> 24 == 0x1e;
    static const u32 packed[4] = {V2(0, 0, 24), V2(0, 0, 25), V2(0, 2, 24), V2(0, 2, 25)};
    static const u32 single[4] = {0x1e244000, 0x1e254000, 0x1e24c000, 0x1e25c000};
    u32 any = scalar ? 0x1e27c000u : V2(1, 2, 25), size = is_double(o) ? V_DOUBLE : 0;
    struct vop with = *o;
    with.code = (o->imm & 4 ? any : scalar ? single[o->imm & 3] : packed[o->imm & 3]) | size;
    if (o->imm == 4)
        with.code = o->code;
    else if (!(o->imm & 8))
        v2(o->a, o->code, 3, o->s);
    if (scalar)
        vt_fp_root(&with);
    else
        v2(o->a, with.code, o->d, o->s);
}

/* ---- conversions ---- */
/* CVTSI2SS, CVTSI2SD. */
void vt_fp_from_int(const struct vop *o)
{
    bool wide = o->insn->o[o->insn->vl ? 2 : 1].size == 8;
    unsigned r = SCR;
    if (o->i->op == IR_VECG)
        r = em_use(o->e, o->i->a, SCR);
    else
        v_to_general(o->a, wide, SCR, o->s);
    v2(o->a, o->code | (u32)wide << 31, 2, r);
    if (o->d != o->n)
        v_mov(o->a, o->d, o->n);
    v_ins(o->a, is_double(o) ? SZ_D : SZ_S, o->d, 0, 2, 0);
}

/* CVTSS2SI and kin; row code: the word of FCVTZS, and 1: rounded as MXCSR says. What comes near the
 * ends of the range is exec's. */
void vt_fp_to_int(const struct vop *o)
{
    bool wide = o->insn->o[0].size == 8, dbl = is_double(o);
    u32 code = o->code & ~1u, exp = (dbl ? 1023u : 127u) + (wide ? 62 : 30);
    unsigned r = em_vec_result(o), s = o->s;
    v_to_general(o->a, dbl, SCR, s);
    as_ubfx(o->a, dbl, SCR, SCR, dbl ? 52 : 23, dbl ? 11 : 8);
    as_add_imm(o->a, A_SUB, false, SCR, SCR, exp, NOREG);
    em_vec_slow(o, as_tbz(o->a, SCR, 31), NULL);
    if (o->code & 1) {
        v2(o->a, 0x1e274000 | (dbl ? V_DOUBLE : 0), 2, s); /* frintx */
        s = 2;
    }
    v2(o->a, code | (u32)wide << 31, r, s);
    em_vec_slow_back(o, r);
    em_put(o->e, o->i->dst, r, wide ? 8 : 4);
}

void vt_cvt_dq2ps(const struct vop *o)
{
    v2(o->a, V2(0, 0, 29), o->d, o->s);
}
void vt_cvt_dq2pd(const struct vop *o)
{
    v_shl(o->a, V_SSHLL, SZ_S, 2, o->s, 0);
    v2(o->a, V2(0, 1, 29), o->d, 2);
}
/* Out of range and NaN: 0x80000000. Row code 1: truncating. */
void vt_cvt_ps2dq(const struct vop *o)
{
    unsigned s = o->s;
    as32(o->a, 0x4f046400 | 5);                     /* movi v5.4s, #0x80, lsl #24 */
    as32(o->a, 0x4f026400 | (0x4f & 0x1f) << 5 | 4); /* movi v4.4s, #0x4f, lsl #24: 2^31 */
    v3(o->a, V_BIC, 3, s, 5);
    v3(o->a, V3(0, SZ_S, 6), 4, 4, 3); /* in range */
    if (!o->code) {
        v2(o->a, V2(1, 0, 25), 3, s);
        s = 3;
    }
    v2(o->a, V2(0, 2, 27), 3, s);
    v3(o->a, V_BSL, 4, 3, 5);
    v_mov(o->a, o->d, 4);
}
/* Both near or out of the range of 32 bits are exec's. */
void vt_cvt_pd2dq(const struct vop *o)
{
    unsigned s = o->s;
    u8 *first;
    v_to_general(o->a, true, SCR, s);
    v_umov(o->a, SZ_D, SCR2, s, 1);
    as_ubfx(o->a, true, SCR, SCR, 52, 11);
    as_ubfx(o->a, true, SCR2, SCR2, 52, 11);
    as_add_imm(o->a, A_SUB, false, SCR, SCR, 1023 + 30, NOREG);
    as_add_imm(o->a, A_SUB, false, SCR2, SCR2, 1023 + 30, NOREG);
    first = as_tbz(o->a, SCR, 31);
    em_vec_slow(o, first, as_tbz(o->a, SCR2, 31));
    if (!o->code) {
        v2(o->a, V2(1, 1, 25), 2, s);
        s = 2;
    }
    v2(o->a, V2(0, 3, 27), 2, s);
    v2(o->a, V2(0, SZ_S, 18) & ~VQ, o->d, 2);
    em_vec_slow_back(o, NOREG);
}
void vt_cvt_ps2pd(const struct vop *o)
{
    v2(o->a, 0x0e617800, o->d, o->s);
}
void vt_cvt_pd2ps(const struct vop *o)
{
    v2(o->a, 0x0e616800, o->d, o->s);
}
