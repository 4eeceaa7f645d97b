/* Templates for vector operations that move, shuffle, insert and extract (SDM vol. 1
 * sections 9.4.3, 10.4.4, 11.4.2, 12.10; Arm ARM C7.2). */
#include "cpu/jit/a64/vec.h"

/* Between registers, all of them; memory forms go straight there. */
void vt_move(const struct vop *o)
{
    v_mov(o->a, o->d, o->s);
}
/* MOVQ */
void vt_move_low(const struct vop *o)
{
    v_mov8(o->a, o->d, o->s);
}

void vt_shufb(const struct vop *o)
{
    unsigned keep = o->mmx ? 0x87 : 0x8f; /* indexes with bit 7 are out of range: 0 */
    as32(o->a, 0x4f00e400 | (keep >> 5) << 16 | (keep & 31) << 5 | 2); /* movi v2.16b */
    v3(o->a, V_AND, 2, 2, o->s);
    v3(o->a, 0x4e000000, o->d, o->n, 2); /* tbl */
}

void vt_alignr(const struct vop *o)
{
    unsigned bytes = o->mmx ? 8 : 16;
    if (o->imm >= 2 * bytes) {
        v_zero(o->a, o->d);
    } else if (o->mmx) {
        v3(o->a, V_ZIP1 | V_SIZE(SZ_D), 2, o->s, o->n);
        v_zero(o->a, 3);
        v_ext(o->a, o->d, 2, 3, o->imm);
    } else if (o->imm < 16) {
        v_ext(o->a, o->d, o->s, o->n, o->imm);
    } else {
        v_zero(o->a, 2);
        v_ext(o->a, o->d, o->n, 2, o->imm - 16u);
    }
}

/* PSLLDQ (row code 1) and PSRLDQ. */
void vt_shift_bytes(const struct vop *o)
{
    if (o->imm > 15) {
        v_zero(o->a, o->d);
        return;
    }
    if (!o->imm) {
        v_mov(o->a, o->d, o->n);
        return;
    }
    v_zero(o->a, 2);
    if (o->code)
        v_ext(o->a, o->d, 2, o->n, 16u - o->imm);
    else
        v_ext(o->a, o->d, o->n, 2, o->imm);
}

/* ---- four lanes of s ---- */
/* Lanes first to first + 3 of d = those of s that imm names; the others are s's. */
static void lanes(const struct vop *o, unsigned size, unsigned first)
{
    unsigned from = o->s;
    if (o->d == o->s) {
        v_mov(o->a, 2, o->s);
        from = 2;
    } else {
        v_mov(o->a, o->d, o->s);
    }
    for (unsigned i = 0; i < 4; i++) {
        unsigned k = o->imm >> (2 * i) & 3;
        if (k != i)
            v_ins(o->a, size, o->d, first + i, from, first + k);
    }
}

/* One instruction for what it can do: PSHUFD of s, SHUFPS of n and s. */
static bool shuffle_short(const struct vop *o, unsigned n, unsigned s)
{
    u32 code;
    switch (o->imm) {
    case 0x44: code = V_ZIP1 | V_SIZE(SZ_D); break;
    case 0xee: code = V_ZIP2 | V_SIZE(SZ_D); break;
    case 0x88: code = V_UZP1 | V_SIZE(SZ_S); break;
    case 0xdd: code = V_UZP2 | V_SIZE(SZ_S); break;
    case 0x4e: v_ext(o->a, o->d, n, s, 8); return true;
    default: return false;
    }
    v3(o->a, code, o->d, n, s);
    return true;
}
static void shuffle(const struct vop *o)
{
    unsigned s = o->s, d = o->d, k = o->imm & 3;
    if (shuffle_short(o, s, s))
        return;
    switch (o->imm) {
    case 0x00:
    case 0x55:
    case 0xaa:
    case 0xff: v_dup(o->a, SZ_S, d, s, k); break;
    case 0xb1: v2(o->a, V2(0, SZ_S, 0), d, s); break; /* rev64 */
    case 0x50: v3(o->a, V_ZIP1 | V_SIZE(SZ_S), d, s, s); break;
    case 0xfa: v3(o->a, V_ZIP2 | V_SIZE(SZ_S), d, s, s); break;
    case 0xa0: v3(o->a, V_TRN1 | V_SIZE(SZ_S), d, s, s); break;
    case 0xf5: v3(o->a, V_TRN2 | V_SIZE(SZ_S), d, s, s); break;
    case 0x39: v_ext(o->a, d, s, s, 4); break;
    case 0x93: v_ext(o->a, d, s, s, 12); break;
    default: lanes(o, SZ_S, 0); break;
    }
}
void vt_shuffle(const struct vop *o)
{
    shuffle(o);
}
void vt_shuffle_low(const struct vop *o) /* PSHUFLW, PSHUFW */
{
    lanes(o, SZ_H, 0);
}
void vt_shuffle_high(const struct vop *o)
{
    lanes(o, SZ_H, 4);
}

/* Two lanes of n, two of s. */
void vt_shufps(const struct vop *o)
{
    if (o->n == o->s) {
        shuffle(o);
        return;
    }
    if (shuffle_short(o, o->n, o->s))
        return;
    v_mov(o->a, 2, o->n);
    for (unsigned i = 0; i < 4; i++) {
        unsigned k = o->imm >> (2 * i) & 3, from = i < 2 ? o->n : o->s;
        if (from == o->s || k != i)
            v_ins(o->a, SZ_S, 2, i, from, k);
    }
    v_mov(o->a, o->d, 2);
}
void vt_shufpd(const struct vop *o)
{
    switch (o->imm & 3) {
    case 0: v3(o->a, V_ZIP1 | V_SIZE(SZ_D), o->d, o->n, o->s); break;
    case 1: v_ext(o->a, o->d, o->n, o->s, 8); break;
    case 3: v3(o->a, V_ZIP2 | V_SIZE(SZ_D), o->d, o->n, o->s); break;
    default:
        v_mov(o->a, 2, o->n);
        v_ins(o->a, SZ_D, 2, 1, o->s, 1);
        v_mov(o->a, o->d, 2);
        break;
    }
}

/* d's lane i = s's lane k, the others are n's. */
static void one_lane(const struct vop *o, unsigned size, unsigned i, unsigned k)
{
    if (o->d == o->n) {
        v_ins(o->a, size, o->d, i, o->s, k);
        return;
    }
    v_mov(o->a, 2, o->n);
    v_ins(o->a, size, 2, i, o->s, k);
    v_mov(o->a, o->d, 2);
}
void vt_movhlps(const struct vop *o)
{
    one_lane(o, SZ_D, 0, 1);
}
/* MOVSS and MOVSD between registers, MOVLPS and MOVLPD from memory; row code: the size. */
void vt_movlow(const struct vop *o)
{
    one_lane(o, o->code, 0, 0);
}
/* MOVLHPS, MOVHPS and MOVHPD from memory. */
void vt_movhigh(const struct vop *o)
{
    one_lane(o, SZ_D, 1, 0);
}
/* MOVDDUP, MOVSLDUP, MOVSHDUP: s with itself. */
void vt_dup_lanes(const struct vop *o)
{
    v3(o->a, o->code, o->d, o->s, o->s);
}

/* ---- blends ---- */
/* Row code: the size of elements. Neighbours that go together are one insertion. */
void vt_blend(const struct vop *o)
{
    unsigned size = o->code, n = 16u >> size, all = (1u << n) - 1, mask = o->imm & all, d = o->d;
    if (mask == all) {
        v_mov(o->a, o->d, o->s);
        return;
    }
    if (o->d != o->n)
        d = 2;
    v_mov(o->a, d, o->n);
    for (unsigned i = 0; i < n;) {
        unsigned s = size, k = i;
        if (!(mask >> i & 1)) {
            i++;
            continue;
        }
        while (s < SZ_D) {
            unsigned wide = 2u << (s - size), run = (1u << wide) - 1;
            if (i & (wide - 1) || (mask >> i & run) != run)
                break;
            s++;
        }
        k = i >> (s - size);
        v_ins(o->a, s, d, k, o->s, k);
        i += 1u << (s - size);
    }
    v_mov(o->a, o->d, d);
}
/* By the signs of XMM0's elements; row code: their size. */
void vt_blendv(const struct vop *o)
{
    unsigned mask = o->insn->vl ? V_XMM + (o->insn->o[3].reg & 15u) : V_XMM;
    v2(o->a, V2(0, o->code, 10), 2, mask);
    v3(o->a, V_BSL, 2, o->s, o->n);
    v_mov(o->a, o->d, 2);
}

/* ---- lanes and general registers ---- */
/* PINSR: from a general register (IR_VECG) or the lowest element of s; row code: the size. */
void vt_insert(const struct vop *o)
{
    unsigned i = o->imm & (((o->mmx ? 8u : 16u) >> o->code) - 1);
    if (o->i->op != IR_VECG) {
        one_lane(o, o->code, i, 0);
        return;
    }
    if (o->d != o->n)
        v_mov(o->a, o->d, o->n);
    v_ins_general(o->a, o->code, o->d, i, em_use(o->e, o->i->a, SCR));
}
/* PEXTR, EXTRACTPS: to a general register. */
void vt_extract(const struct vop *o)
{
    unsigned r = em_vec_result(o);
    v_umov(o->a, o->code, r, o->s, o->imm & (((o->mmx ? 8u : 16u) >> o->code) - 1));
    em_vec_put(o, r);
}
void vt_insertps(const struct vop *o)
{
    unsigned k = o->i->op == IR_VECL ? 0u : o->imm >> 6, i = o->imm >> 4 & 3, d = o->d;
    if (o->d != o->n)
        d = 2;
    v_mov(o->a, d, o->n);
    v_ins(o->a, SZ_S, d, i, o->s, k);
    for (unsigned z = 0; z < 4; z++)
        if (o->imm >> z & 1)
            v_ins_general(o->a, SZ_S, d, z, XZR);
    v_mov(o->a, o->d, d);
}
/* MOVMSKPS, MOVMSKPD, PMOVMSKB: signs side by side: sums of pairs, each moved to its place; row
 * code: the size of elements. */
void em_vec_signs(const struct vop *o, unsigned r)
{
    unsigned per = 8u >> o->code;
    v_shr(o->a, V_USHR, o->code, 2, o->s, (8u << o->code) - 1);
    for (unsigned size = o->code; size < SZ_D; size++)
        v_shr(o->a, V_USRA, size + 1, 2, 2, (8u << size) - (1u << (size - o->code)));
    v_umov(o->a, SZ_B, SCR, 2, 0);
    if (o->mmx) {
        as_mov(o->a, false, r, SCR);
        return;
    }
    v_umov(o->a, SZ_B, SCR2, 2, 8);
    as_rrrs(o->a, A_ORR, false, r, SCR, SCR2, LSL, per);
}
void vt_mask(const struct vop *o)
{
    unsigned r = em_vec_result(o);
    em_vec_signs(o, r);
    em_vec_put(o, r);
}
