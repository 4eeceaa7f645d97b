/* Templates for single and double precision (SDM vol. 1 sections 4.9, 11.5). On hosts with FEAT_AFP
 * the unit chooses NaNs, flushes and reports denormals as x86's does and leaves the rest of a
 * register alone in scalar forms (FPCR.AH, NEP, FIZ: Arm ARM A1.5); elsewhere results stay in
 * scratch until they are seen to be ordinary (vec_plain.c). Row codes: the word for single
 * precision; V_DOUBLE. */
#include "cpu/jit/a64/vec.h"

static bool is_double(const struct vop *o)
{
    return o->code & V_DOUBLE;
}
static enum shape scalar_shape(const struct vop *o)
{
    return is_double(o) ? SHAPE_SD : SHAPE_SS;
}
static enum shape packed_shape(const struct vop *o)
{
    return is_double(o) ? SHAPE_PD : SHAPE_PS;
}

/* d = n with the lowest element, of `size`, from v. */
static void low_from(const struct vop *o, unsigned size, unsigned v)
{
    unsigned d = o->d;
    if (d != o->n && d == o->s && d == v)
        v_mov(o->a, 2, v), v = 2;
    v_mov(o->a, d, o->n);
    v_ins(o->a, size, d, 0, v, 0);
}
static void commit_scalar(const struct vop *o, unsigned size)
{
    low_from(o, size, 0);
    em_vec_slow_back(o, NOREG);
}
static void commit_packed(const struct vop *o)
{
    v_mov(o->a, o->d, 0);
    em_vec_slow_back(o, NOREG);
}

/* ---- d = op(n, s) ---- */
void vt_fp_packed(const struct vop *o)
{
    if (o->e->stubs->afp) {
        v3(o->a, o->code, o->d, o->n, o->s);
        return;
    }
    v3(o->a, o->code, 0, o->n, o->s);
    em_vec_check(o, packed_shape(o), o->n, o->s, 0);
    commit_packed(o);
}
void vt_fp_scalar(const struct vop *o)
{
    if (o->e->stubs->afp && (o->d == o->n || o->d != o->s)) {
        v_mov(o->a, o->d, o->n);
        v3(o->a, o->code, o->d, o->d, o->s);
        return;
    }
    v3(o->a, o->code, 0, o->n, o->s);
    if (!o->e->stubs->afp)
        em_vec_check(o, scalar_shape(o), o->n, o->s, 0);
    commit_scalar(o, is_double(o) ? SZ_D : SZ_S);
}

/* HADDPS, HSUBPS and kin: row code: the operation on even and odd elements. */
void vt_fp_horizontal(const struct vop *o)
{
    u32 size = V_SIZE(is_double(o) ? SZ_D : SZ_S);
    struct vop with = *o;
    v3(o->a, V_UZP1 | size, 4, o->n, o->s);
    v3(o->a, V_UZP2 | size, 5, o->n, o->s);
    if (o->e->stubs->afp) {
        with.n = 4, with.s = 5;
        vt_fp_packed(&with);
        return;
    }
    v3(o->a, o->code, 0, 4, 5);
    em_vec_check(o, packed_shape(o), 4, 5, 0);
    commit_packed(o);
}

/* MINPS, MAXPS and kin, without AFP: n when it is below (above) s, else s; every NaN is invalid. */
static void pick(const struct vop *o, bool scalar, bool most)
{
    u32 gt = V3(1, 2, 28) | (o->code & V_DOUBLE) | (scalar ? V_SCALAR : 0u);
    if (scalar && o->e->stubs->afp) {
        vt_fp_scalar(o);
        return;
    }
    if (o->e->stubs->afp) {
        vt_fp_packed(o);
        return;
    }
    em_vec_check(o, scalar ? scalar_shape(o) : packed_shape(o), o->n, o->s, NOREG);
    v3(o->a, gt, 0, most ? o->n : o->s, most ? o->s : o->n);
    v3(o->a, V_BSL, 0, o->n, o->s);
    if (scalar)
        commit_scalar(o, is_double(o) ? SZ_D : SZ_S);
    else
        commit_packed(o);
}
void vt_fp_min_packed(const struct vop *o)
{
    pick(o, false, false);
}
void vt_fp_min_scalar(const struct vop *o)
{
    pick(o, true, false);
}
void vt_fp_max_packed(const struct vop *o)
{
    pick(o, false, true);
}
void vt_fp_max_scalar(const struct vop *o)
{
    pick(o, true, true);
}

/* ---- one operand ---- */
static void unary_scalar(const struct vop *o)
{
    v_mov(o->a, o->d, o->n);
    v2(o->a, o->code, o->d, o->s);
}
void vt_fp_root(const struct vop *o)
{
    if (o->e->stubs->afp && (o->d == o->n || o->d != o->s)) {
        unary_scalar(o);
        return;
    }
    v2(o->a, o->code, 0, o->s);
    if (!o->e->stubs->afp)
        em_vec_check(o, scalar_shape(o), o->s, NOREG, 0);
    commit_scalar(o, is_double(o) ? SZ_D : SZ_S);
}
void vt_fp_root_packed(const struct vop *o)
{
    if (o->e->stubs->afp) {
        v2(o->a, o->code, o->d, o->s);
        return;
    }
    v2(o->a, o->code, 0, o->s);
    em_vec_check(o, packed_shape(o), o->s, NOREG, 0);
    commit_packed(o);
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
    unsigned n = o->n, s = o->s, r = scalar || o->d == n || o->d == s ? 0 : o->d;
    if (!o->e->stubs->afp)
        em_vec_check(o, scalar ? scalar_shape(o) : packed_shape(o), n, s, NOREG);
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
    if (scalar)
        low_from(o, is_double(o) ? SZ_D : SZ_S, r);
    else
        v_mov(o->a, o->d, r);
    em_vec_slow_back(o, NOREG);
}

/* COMIS and UCOMIS: below, or unordered: C; equal or unordered: Z; unordered: P. */
void vt_fp_order(const struct vop *o)
{
    if (!o->e->stubs->afp)
        em_vec_check(o, scalar_shape(o), o->n, o->s, NOREG);
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
    em_vec_slow_back(o, XZR);
}

/* ROUNDPS and kin; row code: the word of FRINTX. Its inexact is wanted or not, whatever the mode.
 */
void vt_fp_round(const struct vop *o)
{
    bool scalar = o->code >> 24 == 0x1e;
    static const u32 packed[4] = {V2(0, 0, 24), V2(0, 0, 25), V2(0, 2, 24), V2(0, 2, 25)};
    static const u32 single[4] = {0x1e244000, 0x1e254000, 0x1e24c000, 0x1e25c000};
    u32 any = scalar ? 0x1e27c000u : V2(1, 2, 25), size = is_double(o) ? V_DOUBLE : 0;
    u32 code = (o->imm & 4 ? any : scalar ? single[o->imm & 3] : packed[o->imm & 3]) | size;
    if (o->imm == 4)
        code = o->code;
    else if (!(o->imm & 8))
        v2(o->a, o->code, 3, o->s);
    v2(o->a, code, scalar ? 0 : o->d, o->s);
    if (scalar)
        low_from(o, is_double(o) ? SZ_D : SZ_S, 0);
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
    low_from(o, is_double(o) ? SZ_D : SZ_S, 2);
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
    as32(o->a, 0x4f046400 | 5);                      /* movi v5.4s, #0x80, lsl #24 */
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
/* ---- between the formats ---- */
void vt_cvt_ps2pd(const struct vop *o)
{
    if (o->e->stubs->afp) {
        v2(o->a, 0x0e617800, o->d, o->s);
        return;
    }
    v_mov8(o->a, 5, o->s);
    v2(o->a, 0x0e617800, 0, 5);
    em_vec_check(o, SHAPE_PS, 5, NOREG, NOREG);
    em_vec_check(o, SHAPE_PD, NOREG, NOREG, 0);
    commit_packed(o);
}
void vt_cvt_pd2ps(const struct vop *o)
{
    if (o->e->stubs->afp) {
        v2(o->a, 0x0e616800, o->d, o->s);
        return;
    }
    v2(o->a, 0x0e616800, 0, o->s);
    v_dup(o->a, SZ_D, 5, 0, 0);
    em_vec_check(o, SHAPE_PS, NOREG, NOREG, 5);
    commit_packed(o);
}
/* A denormal that is narrowed becomes 0, which is no ordinary result. */
void vt_cvt_scalar(const struct vop *o)
{
    bool widens = !is_double(o);
    if (o->e->stubs->afp && (o->d == o->n || o->d != o->s)) {
        unary_scalar(o);
        return;
    }
    v2(o->a, o->code, 0, o->s);
    if (!o->e->stubs->afp && widens)
        em_vec_check(o, SHAPE_SS, o->s, NOREG, NOREG);
    if (!o->e->stubs->afp)
        em_vec_check(o, widens ? SHAPE_SD : SHAPE_SS, NOREG, NOREG, 0);
    commit_scalar(o, widens ? SZ_D : SZ_S);
}
