/* Templates for integer vector operations (SDM vol. 1 sections 9.4, 11.4.2, 12; Arm ARM C7.2). */
#include "cpu/jit/a64/vec.h"

/* MMX: the form for 8 bytes, but for doublewords, which have none. */
static u32 sized(const struct vop *o)
{
    return o->mmx && (o->code >> 22 & 3) != SZ_D ? o->code & ~VQ : o->code;
}

/* ---- one host instruction ---- */
void vt_same(const struct vop *o)
{
    v3(o->a, sized(o), o->d, o->n, o->s);
}
void vt_swapped(const struct vop *o)
{
    v3(o->a, sized(o), o->d, o->s, o->n);
}
void vt_one(const struct vop *o)
{
    v2(o->a, sized(o), o->d, o->s);
}

/* ---- packs ---- */
void vt_pack(const struct vop *o)
{
    if (o->mmx) {
        v3(o->a, V_ZIP1 | V_SIZE(SZ_D), 2, o->n, o->s);
        v2(o->a, o->code & ~VQ, o->d, 2);
    } else if (o->n == o->s) {
        v2(o->a, o->code & ~VQ, o->d, o->n);
        v_dup(o->a, SZ_D, o->d, o->d, 0);
    } else if (o->d == o->s) {
        v2(o->a, o->code & ~VQ, 2, o->n);
        v2(o->a, o->code, 2, o->s);
        v_mov(o->a, o->d, 2);
    } else {
        v2(o->a, o->code & ~VQ, o->d, o->n);
        v2(o->a, o->code, o->d, o->s);
    }
}

/* ---- multiplications ---- */
static void products(const struct vop *o, u32 code)
{
    v3(o->a, code, 2, o->n, o->s);
    v3(o->a, code | VQ, 3, o->n, o->s);
}
void vt_mulh(const struct vop *o)
{
    products(o, o->code);
    v3(o->a, V_UZP2 | V_SIZE(SZ_H), o->d, 2, 3);
}
void vt_muldq(const struct vop *o)
{
    const u32 narrow = V2(0, SZ_S, 18) & ~VQ; /* XTN */
    v2(o->a, narrow, 2, o->n);
    v2(o->a, narrow, 3, o->s);
    v3(o->a, o->code, o->d, 2, 3);
}
void vt_maddwd(const struct vop *o)
{
    products(o, VD(0, SZ_H, 12));
    v3(o->a, V3(0, SZ_S, 23), o->d, 2, 3);
}
/* Bytes without sign times bytes with sign fit words; sums of two saturate. */
void vt_maddubsw(const struct vop *o)
{
    const u32 mul = V3(0, SZ_H, 19);
    v_shl(o->a, V_USHLL, SZ_B, 2, o->n, 0);
    v_shl(o->a, V_SSHLL, SZ_B, 3, o->s, 0);
    v_shl(o->a, V_USHLL | VQ, SZ_B, 4, o->n, 0);
    v_shl(o->a, V_SSHLL | VQ, SZ_B, 5, o->s, 0);
    v3(o->a, mul, 2, 2, 3);
    v3(o->a, mul, 4, 4, 5);
    v3(o->a, V_UZP1 | V_SIZE(SZ_H), 3, 2, 4);
    v3(o->a, V_UZP2 | V_SIZE(SZ_H), 5, 2, 4);
    v3(o->a, V3(0, SZ_H, 1), o->d, 3, 5);
}
void vt_sadbw(const struct vop *o)
{
    v3(o->a, V3(1, SZ_B, 14), 2, o->n, o->s);
    v2(o->a, V2(1, SZ_B, 2), 2, 2);
    v2(o->a, V2(1, SZ_H, 2), 2, 2);
    v2(o->a, V2(1, SZ_S, 2), o->d, 2);
}
/* SQRDMULH saturates the square of -32768; this does not. */
void vt_mulhrsw(const struct vop *o)
{
    products(o, VD(0, SZ_H, 12));
    v_shr(o->a, V_RSHRN, SZ_H, o->d, 2, 15);
    v_shr(o->a, V_RSHRN | VQ, SZ_H, o->d, 3, 15);
}

/* ---- shifts; row code: the size of elements ---- */
/* Counts of a register: 64 bits, of which all above an element's are alike. To all elements of V2.
 */
static void count(const struct vop *o)
{
    v2(o->a, V2(1, SZ_S, 20) & ~VQ, 2, o->s);                      /* uqxtn to 32 bits */
    as32(o->a, 0x0f000400 | (64 >> 5) << 16 | (64 & 31) << 5 | 3); /* movi v3.2s, #64 */
    v3(o->a, V3(1, SZ_S, 13) & ~VQ, 2, 2, 3);
    v_dup(o->a, o->code, 2, 2, 0);
}
static void shift_by_register(const struct vop *o, bool right, bool sign)
{
    count(o);
    if (right)
        v2(o->a, V2(1, o->code, 11), 2, 2);
    v3(o->a, V3(!sign, o->code, 8), o->d, o->n, 2);
}
static bool by_constant(const struct vop *o)
{
    return o->insn->o[o->insn->vl ? 2 : 1].kind == OPND_IMM;
}
void vt_shift_left(const struct vop *o)
{
    if (!by_constant(o))
        shift_by_register(o, false, false);
    else if (o->imm >= 8u << o->code)
        v_zero(o->a, o->d);
    else
        v_shl(o->a, V_SHL, o->code, o->d, o->n, o->imm);
}
void vt_shift_right(const struct vop *o)
{
    if (!by_constant(o))
        shift_by_register(o, true, false);
    else if (o->imm >= 8u << o->code)
        v_zero(o->a, o->d);
    else if (!o->imm)
        v_mov(o->a, o->d, o->n);
    else
        v_shr(o->a, V_USHR, o->code, o->d, o->n, o->imm);
}
void vt_shift_arith(const struct vop *o)
{
    unsigned most = (8u << o->code) - 1;
    if (!by_constant(o))
        shift_by_register(o, true, true);
    else if (!o->imm)
        v_mov(o->a, o->d, o->n);
    else
        v_shr(o->a, V_SSHR, o->code, o->d, o->n, o->imm < most ? o->imm : most);
}

/* ---- sums and differences of neighbours; row code: the operation on even and odd elements ---- */
void vt_horizontal(const struct vop *o)
{
    u32 size = o->code & V_SIZE(3), q = o->mmx ? VQ : 0;
    v3(o->a, (V_UZP1 | size) & ~q, 2, o->n, o->s);
    v3(o->a, (V_UZP2 | size) & ~q, 3, o->n, o->s);
    v3(o->a, o->code & ~q, o->d, 2, 3);
}

/* PSIGN: row code: the size of elements. */
void vt_sign(const struct vop *o)
{
    v2(o->a, V2(0, o->code, 10), 2, o->s); /* below 0 */
    v2(o->a, V2(0, o->code, 9), 3, o->s);  /* 0 */
    v2(o->a, V2(1, o->code, 11), 4, o->n);
    v3(o->a, V_BSL, 2, 4, o->n);
    v3(o->a, V_BIC, o->d, 2, 3);
}

void vt_minpos(const struct vop *o)
{
    as32(o->a, 0x6e71a800 | o->s << 5 | 2); /* uminv h2 */
    v_dup(o->a, SZ_H, 3, 2, 0);
    v3(o->a, V3(1, SZ_H, 17), 3, 3, o->s);
    v2(o->a, V2(0, SZ_B, 18) & ~VQ, 3, 3);
    v_to_general(o->a, true, SCR, 3);
    v_umov(o->a, SZ_H, SCR2, 2, 0);
    as_rr(o->a, A_RBIT, true, SCR, SCR);
    as_rr(o->a, A_CLZ, true, SCR, SCR);
    as_lsr(o->a, false, SCR, SCR, 3);
    as_rrrs(o->a, A_ORR, false, SCR, SCR2, SCR, LSL, 16);
    v_from_general(o->a, true, o->d, SCR);
}

/* PMOVSX and PMOVZX; row code: sign << 8 | from << 4 | to. */
void vt_widen(const struct vop *o)
{
    unsigned from = o->code >> 4 & 3, to = o->code & 3, r = o->s;
    for (; from < to; from++) {
        v_shl(o->a, o->code >> 8 ? V_SSHLL : V_USHLL, from, o->d, r, 0);
        r = o->d;
    }
}

/* PTEST: Z when no bit is set in both, C when none is in s alone. */
void vt_test(const struct vop *o)
{
    const u32 narrow = V2(1, SZ_S, 20) & ~VQ; /* uqxtn keeps what is not 0 from becoming 0 */
    v3(o->a, V_AND, 2, o->s, o->n);
    v3(o->a, V_BIC, 3, o->s, o->n);
    v2(o->a, narrow, 2, 2);
    v2(o->a, narrow, 3, 3);
    v_to_general(o->a, true, SCR, 2);
    v_to_general(o->a, true, SCR2, 3);
    as_add_imm(o->a, A_SUBS, true, XZR, SCR, 0, NOREG);
    as_cset(o->a, SCR, A_EQ);
    as_add_imm(o->a, A_SUBS, true, XZR, SCR2, 0, NOREG);
    as_cset(o->a, SCR2, A_NE); /* inverted */
    as_lsl(o->a, false, SCR, SCR, 30);
    as_rrrs(o->a, A_ORR, false, SCR, SCR, SCR2, LSL, 29);
    as_set_nzcv(o->a, SCR);
    as_mov_imm(o->a, PARITY, 1);
    as_mov_imm(o->a, ADJUST, 0);
    em_vec_flags(o);
}

/* ---- AES: the key comes last on x86, first here; row code: the first step, the second or 0 is
 * what follows by two bits ---- */
static void round_of(const struct vop *o, u32 round, u32 mix)
{
    v_zero(o->a, 2);
    v_mov(o->a, 3, o->n);
    v2(o->a, round, 3, 2);
    if (mix)
        v2(o->a, mix, 3, 3);
    v3(o->a, V_EOR, o->d, 3, o->s);
}
void vt_aesenc(const struct vop *o)
{
    round_of(o, 0x4e284800, o->code);
}
void vt_aesdec(const struct vop *o)
{
    round_of(o, 0x4e285800, o->code);
}
void vt_clmul(const struct vop *o)
{
    unsigned n = o->n, s = o->s;
    if (o->imm & 1) {
        v_dup(o->a, SZ_D, 2, n, 1);
        n = 2;
    }
    if (o->imm & 16) {
        v_dup(o->a, SZ_D, 3, s, 1);
        s = 3;
    }
    v3(o->a, 0x0ee0e000, o->d, n, s);
}
