/* Vector instructions of AArch64 and what the templates of vector operations share (Arm ARM, C4.1
 * "Data Processing - Scalar Floating-Point and Advanced SIMD"). */
#ifndef CPU_JIT_A64_VEC_H
#define CPU_JIT_A64_VEC_H

#include "cpu/jit/a64/em.h"

/* Host vector registers: guest XMM n is V16 + n; V0 to V7 are scratch, of which V1 has an operand
 * from memory. V8 to V15 are the caller's. */
enum { V_XMM = 16, V_MEM = 1 };

/* Words of the instruction groups, for 16 bytes: three registers of the same kind, of different
 * widths (8 to 16 bytes; VQ: from the upper halves), two registers, permutations, shifts by a
 * constant. Sizes: 0 bytes to 3 doublewords. */
#define VQ               BIT(30)
#define V3(u, size, opc) (0x4e200400u | (u32)(u) << 29 | (u32)(size) << 22 | (u32)(opc) << 11)
#define VD(u, size, opc) (0x0e200000u | (u32)(u) << 29 | (u32)(size) << 22 | (u32)(opc) << 12)
#define V2(u, size, opc) (0x4e200800u | (u32)(u) << 29 | (u32)(size) << 22 | (u32)(opc) << 12)
#define VP(size, opc)    (0x4e000800u | (u32)(size) << 22 | (u32)(opc) << 12)
#define VS(u, opc)       (0x4f000400u | (u32)(u) << 29 | (u32)(opc) << 11)

enum { SZ_B, SZ_H, SZ_S, SZ_D };
enum {
    V_AND = V3(0, 0, 3),
    V_BIC = V3(0, 1, 3),
    V_ORR = V3(0, 2, 3),
    V_EOR = (int)V3(1, 0, 3),
    V_BSL = (int)V3(1, 1, 3),
    V_BIT = (int)V3(1, 2, 3),
    V_BIF = (int)V3(1, 3, 3),
    V_NOT = (int)V2(1, 0, 5),
    V_UZP1 = VP(0, 1),
    V_TRN1 = VP(0, 2),
    V_ZIP1 = VP(0, 3),
    V_UZP2 = VP(0, 5),
    V_TRN2 = VP(0, 6),
    V_ZIP2 = VP(0, 7),
    V_SHL = VS(0, 10),
    V_SSHR = VS(0, 0),
    V_USHR = (int)VS(1, 0),
    V_USRA = (int)VS(1, 2),
    V_RSHRN = VS(0, 17) & ~(int)VQ,
    V_SSHLL = VS(0, 20) & ~(int)VQ,
    V_USHLL = (int)(VS(1, 20) & ~VQ),
};
#define V_SIZE(size) ((u32)(size) << 22)
#define V_DOUBLE     BIT(22) /* of instructions on single precision: the same on doubles */
#define V_SCALAR     BIT(28) /* of those with three registers: on one lane */

static inline void v3(struct as *a, u32 code, unsigned d, unsigned n, unsigned m)
{
    as32(a, code | m << 16 | n << 5 | d);
}
static inline void v2(struct as *a, u32 code, unsigned d, unsigned n)
{
    as32(a, code | n << 5 | d);
}
static inline void v_mov(struct as *a, unsigned d, unsigned n)
{
    if (d != n)
        v3(a, V_ORR, d, n, n);
}
/* the lower half, the upper one cleared */
static inline void v_mov8(struct as *a, unsigned d, unsigned n)
{
    v3(a, V_ORR & ~VQ, d, n, n);
}
static inline void v_zero(struct as *a, unsigned d)
{
    as32(a, 0x6f00e400 | d);
}
/* Shifts by a constant of elements of 8 << size bits: right by 1 to all; left by 0 to all but one.
 */
static inline void v_shr(struct as *a, u32 code, unsigned size, unsigned d, unsigned n,
                         unsigned count)
{
    as32(a, code | ((16u << size) - count) << 16 | n << 5 | d);
}
static inline void v_shl(struct as *a, u32 code, unsigned size, unsigned d, unsigned n,
                         unsigned count)
{
    as32(a, code | ((8u << size) + count) << 16 | n << 5 | d);
}
/* `count` bytes from byte imm on of n with m above it */
static inline void v_ext(struct as *a, unsigned d, unsigned n, unsigned m, unsigned imm)
{
    as32(a, 0x6e000000 | m << 16 | imm << 11 | n << 5 | d);
}
static inline u32 v_lane(unsigned size, unsigned i)
{
    return (i << (size + 1) | 1u << size) << 16;
}
static inline void v_dup(struct as *a, unsigned size, unsigned d, unsigned n, unsigned i)
{
    as32(a, 0x4e000400 | v_lane(size, i) | n << 5 | d);
}
static inline void v_dup_general(struct as *a, unsigned size, unsigned d, unsigned r)
{
    as32(a, 0x4e000c00 | v_lane(size, 0) | r << 5 | d);
}
/* lane i of d = lane k of n; = general register r */
static inline void v_ins(struct as *a, unsigned size, unsigned d, unsigned i, unsigned n,
                         unsigned k)
{
    as32(a, 0x6e000400 | v_lane(size, i) | k << (size + 11) | n << 5 | d);
}
static inline void v_ins_general(struct as *a, unsigned size, unsigned d, unsigned i, unsigned r)
{
    as32(a, 0x4e001c00 | v_lane(size, i) | r << 5 | d);
}
/* general register = lane i, zero-extended */
static inline void v_umov(struct as *a, unsigned size, unsigned r, unsigned n, unsigned i)
{
    as32(a, (size == SZ_D ? 0x4e003c00u : 0x0e003c00u) | v_lane(size, i) | n << 5 | r);
}
/* the lowest 4 or 8 bytes from and to a general register */
static inline void v_from_general(struct as *a, bool wide, unsigned d, unsigned r)
{
    as32(a, (wide ? 0x9e670000u : 0x1e270000u) | r << 5 | d);
}
static inline void v_to_general(struct as *a, bool wide, unsigned r, unsigned n)
{
    as32(a, (wide ? 0x9e660000u : 0x1e260000u) | n << 5 | r);
}

/* An operation being emitted: d = op(n, s). d may be n or s. `mmx`: 8 bytes count. */
struct vop {
    struct em *e;
    struct as *a;
    const struct ir_ins *i;
    const struct insn *insn;
    unsigned d, n, s;
    u32 code; /* the row's */
    u8 imm, live;
    bool mmx;
};
typedef void vec_fn(const struct vop *o);
struct vec_row {
    vec_fn *fn;
    u32 code;
    u8 host;
};
enum {
    MRS_FPCR = (int)0xd53b4400,
    MSR_FPCR = (int)0xd51b4400,
    MRS_FPSR = (int)0xd53b4420,
    MSR_FPSR = (int)0xd51b4420
};

/* What a row needs of the host. */
enum { HOST_ANY, HOST_AFP, HOST_AES, HOST_PMULL, HOST_FLAGM2, HOST_AVX, HOST__COUNT };

/* vec_state.c */
bool em_vec_has(unsigned host);

/* Templates by file; vec.def says which operation has which. vec_int.c */
vec_fn vt_same, vt_swapped, vt_one, vt_pack, vt_mulh, vt_muldq, vt_maddwd, vt_maddubsw, vt_sadbw,
    vt_mulhrsw, vt_shift_left, vt_shift_right, vt_shift_arith, vt_horizontal, vt_sign, vt_minpos,
    vt_widen, vt_test, vt_aesenc, vt_aesdec, vt_clmul;
/* vec_move.c */
vec_fn vt_move, vt_move_low, vt_shufb, vt_alignr, vt_shift_bytes, vt_shuffle, vt_shuffle_low,
    vt_shuffle_high, vt_shufps, vt_shufpd, vt_movhlps, vt_movlow, vt_movhigh, vt_dup_lanes,
    vt_blend, vt_blendv, vt_insert, vt_extract, vt_insertps, vt_mask;
/* vec.c */
vec_fn vt_emms;
/* vec_avx.c */
vec_fn vt_broadcast, vt_insert_half, vt_extract_half, vt_zero_upper;
/* vec_fp.c */
vec_fn vt_fp_packed, vt_fp_scalar, vt_fp_min_packed, vt_fp_min_scalar, vt_fp_max_packed,
    vt_fp_max_scalar, vt_fp_root, vt_fp_root_packed, vt_fp_compare, vt_fp_order, vt_fp_round,
    vt_fp_horizontal, vt_fp_from_int, vt_fp_to_int, vt_cvt_dq2ps, vt_cvt_dq2pd, vt_cvt_ps2dq,
    vt_cvt_pd2dq, vt_cvt_ps2pd, vt_cvt_pd2ps, vt_cvt_scalar;

/* vec_plain.c: on hosts without AFP: leave it to exec unless operands a and b and result r are
 * ordinary; NOREG: not looked at. Spoils SCR, SCR2, V2, V3, V6, V7. */
enum shape { SHAPE_SS, SHAPE_SD, SHAPE_PS, SHAPE_PD };
void em_vec_check(const struct vop *o, enum shape shape, unsigned a, unsigned b, unsigned r);

/* The general register of VECD's result, and what puts it to dst. */
unsigned em_vec_result(const struct vop *o);
void em_vec_put(const struct vop *o, unsigned r);
/* vec_slow.c: let exec do it when the branch `from` (or from2) is taken; where the block goes on
 * then and which register the result belongs into: NOREG: it is a vector's, XZR: it is the flags, C
 * inverted */
void em_vec_slow(const struct vop *o, u8 *from, u8 *from2);
void em_vec_slow_back(const struct vop *o, unsigned r);
/* PF and AF clear, as behind PTEST and comparisons, NZCV with C inverted is made. */
void em_vec_flags(const struct vop *o);

/* vec.c: the row of an operation; loads that are the whole operation; MOVD and MOVQ with a general
 * register (false: it is another); store the lowest bytes, or a lane, of o->s */
const struct vec_row *em_vec_row(unsigned op);
bool em_vec_plain_load(unsigned op);
bool em_vec_move_general(const struct vop *o, unsigned op);
void em_vec_store(const struct vop *o, unsigned op);
/* vec_move.c: the mask of signs of s to register r; spoils SCR, SCR2 */
void em_vec_signs(const struct vop *o, unsigned r);
/* vec_avx.c: operations with VEX prefixes */
void em_avx_ops(u8 mask[(OP__COUNT + 7) / 8]);
void em_avx_op(struct vop *o);

#endif
