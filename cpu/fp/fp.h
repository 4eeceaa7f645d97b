/* Exact soft floats: x87 80-bit extended and SSE single/double arithmetic with the processor's own
 * rules for NaNs, denormals and exceptions (SDM vol. 1 chapters 4, 8 and 11). No operation here
 * uses the host's floating point; hard.h says where handlers may. */
#ifndef CPU_FP_FP_H
#define CPU_FP_FP_H

#include "devices/core/types.h"

/* A double-extended number: sign and biased exponent in `se`, significand with its explicit integer
 * bit in `frac`. */
struct f80 {
    u64 frac;
    u16 se;
};

/* Exception flags, in the positions of the x87 status word and of MXCSR. */
enum {
    FP_IE = 0x01,
    FP_DE = 0x02,
    FP_ZE = 0x04,
    FP_OE = 0x08,
    FP_UE = 0x10,
    FP_PE = 0x20,
    FP_PRE =
        FP_IE | FP_DE | FP_ZE, /* found before the result is computed: unmasked, they suppress it */
    FP_POST = FP_OE | FP_UE | FP_PE,
    FP_ALL = FP_PRE | FP_POST,
};

/* Rounding control, in the encoding of the x87 control word and of MXCSR. */
enum { RC_NEAREST, RC_DOWN, RC_UP, RC_CHOP };

/* Precision control of the x87 control word. 1 is reserved. */
enum { FP_PC24 = 0, FP_PC53 = 2, FP_PC64 = 3 };

/* What an operation is done under, and what it reports. Operations only ever add to `flags`. */
struct fpenv {
    u8 round;        /* RC_NEAREST ... */
    u8 prec;         /* FP_PC*; obeyed by f80 add, sub, mul, div and sqrt only */
    u8 flags;        /* FP_IE ...: sticky */
    u8 unmasked;     /* exceptions that trap: they change what overflow and underflow deliver */
    bool daz, ftz;   /* MXCSR.DAZ and .FTZ; f32/f64 operations only */
    bool rounded_up; /* f80 operations: the last rounding increased the magnitude (x87 C1) */
    u8 sticky; /* FP_PE or 0: masked and reported before, so that an f80 operation may report it
                  whether or not it happened; spares the fast path from telling */
};

enum fp_order { FP_LESS, FP_EQUAL, FP_GREATER, FP_UNORDERED };

/* Class of an f80, as FXAM tells them apart. */
enum f80_class { F80_UNSUPPORTED, F80_NAN, F80_NORMAL, F80_INF, F80_ZERO, F80_DENORMAL };

/* What FPREM and FPREM1 report beside the remainder: low three bits of the quotient, and whether
 * the reduction is partial (C2). */
struct f80_quotient {
    u8 q;
    bool partial;
};

enum f80_const { F80_1, F80_L2T, F80_L2E, F80_PI, F80_LG2, F80_LN2, F80_0 };

#define F80_INDEFINITE ((struct f80){0xc000000000000000ull, 0xffff})

/* ---- x87: arithmetic. When a pre-computation exception is unmasked the caller must drop the
 * result. ---- */
struct f80 f80_add(struct fpenv *env, struct f80 a, struct f80 b);
struct f80 f80_sub(struct fpenv *env, struct f80 a, struct f80 b);
struct f80 f80_mul(struct fpenv *env, struct f80 a, struct f80 b);
struct f80 f80_div(struct fpenv *env, struct f80 a, struct f80 b);
struct f80 f80_sqrt(struct fpenv *env, struct f80 a);
/* Remainder of a / b: `nearest` chooses FPREM1 (quotient to nearest even) over FPREM (truncated).
 */
struct f80 f80_rem(struct fpenv *env, struct f80 a, struct f80 b, bool nearest,
                   struct f80_quotient *q);
/* a * 2^trunc(b). */
struct f80 f80_scale(struct fpenv *env, struct f80 a, struct f80 b);
/* Splits a: the significand is returned, the unbiased exponent goes to *exponent. */
struct f80 f80_xtract(struct fpenv *env, struct f80 a, struct f80 *exponent);
struct f80 f80_rndint(struct fpenv *env, struct f80 a);
/* Order of a and b. `quiet` (FUCOM): only a signalling NaN is invalid. */
enum fp_order f80_compare(struct fpenv *env, struct f80 a, struct f80 b, bool quiet);
enum f80_class f80_classify(struct f80 a);
struct f80 f80_const(const struct fpenv *env, enum f80_const c);
struct f80 f80_chs(struct f80 a);
struct f80 f80_abs(struct f80 a);

/* What the operations above do without their fast paths; for the fast paths and their tests. */
struct f80 f80_add_soft(struct fpenv *env, struct f80 a, struct f80 b);
struct f80 f80_sub_soft(struct fpenv *env, struct f80 a, struct f80 b);
struct f80 f80_mul_soft(struct fpenv *env, struct f80 a, struct f80 b);
struct f80 f80_div_soft(struct fpenv *env, struct f80 a, struct f80 b);
struct f80 f80_sqrt_soft(struct fpenv *env, struct f80 a);
struct f80 f80_rndint_soft(struct fpenv *env, struct f80 a);
enum fp_order f80_compare_soft(struct fpenv *env, struct f80 a, struct f80 b, bool quiet);

/* ---- x87: conversions ---- */
struct f80 f80_from_s64(s64 v);
struct f80 f80_from_f32(struct fpenv *env, u32 v);
struct f80 f80_from_f64(struct fpenv *env, u64 v);
/* The same without rules: signalling NaNs stay, nothing is reported; *denormal tells whether v was
 * one. */
struct f80 f80_widen_f32(u32 v, bool *denormal);
struct f80 f80_widen_f64(u64 v, bool *denormal);
u32 f80_to_f32(struct fpenv *env, struct f80 a);
u64 f80_to_f64(struct fpenv *env, struct f80 a);
u32 f80_to_f32_soft(struct fpenv *env, struct f80 a);
u64 f80_to_f64_soft(struct fpenv *env, struct f80 a);
s64 f80_to_int_soft(struct fpenv *env, struct f80 a, unsigned bits, bool trunc);
/* To a signed integer of `bits` (16, 32, 64); `trunc` ignores env->round. Out of range: FP_IE and
 * the indefinite. */
s64 f80_to_int(struct fpenv *env, struct f80 a, unsigned bits, bool trunc);
/* Packed BCD: ten bytes, eighteen digits and a sign. */
struct f80 f80_from_bcd(const u8 bcd[10]);
void f80_to_bcd(struct fpenv *env, struct f80 a, u8 bcd[10]);

/* ---- x87: transcendental functions, correct to one unit in the last place ---- */
struct f80 f80_2xm1(struct fpenv *env, struct f80 x);
struct f80 f80_yl2x(struct fpenv *env, struct f80 x, struct f80 y);
struct f80 f80_yl2xp1(struct fpenv *env, struct f80 x, struct f80 y);
/* The angle of the point (x, y). */
struct f80 f80_atan2(struct fpenv *env, struct f80 y, struct f80 x);
/* Each returns false, and writes nothing, when |x| >= 2^63 (C2: reduction incomplete). */
bool f80_sin(struct fpenv *env, struct f80 x, struct f80 *sin);
bool f80_cos(struct fpenv *env, struct f80 x, struct f80 *cos);
bool f80_sincos(struct fpenv *env, struct f80 x, struct f80 *sin, struct f80 *cos);
bool f80_tan(struct fpenv *env, struct f80 x, struct f80 *tan);

/* ---- SSE: single and double precision. Both widths share one implementation, chosen by `fp_ieee`.
 * ---- */
struct fp_ieee;
extern const struct fp_ieee fp_single, fp_double, fp_half;

u64 ieee_add(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b);
u64 ieee_sub(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b);
u64 ieee_mul(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b);
u64 ieee_div(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b);
u64 ieee_sqrt(struct fpenv *env, const struct fp_ieee *f, u64 a);
/* a * b + c rounded once; `neg_ab` and `neg_c` negate the product and the addend (not NaNs). The
 * first NaN of a, b, c is the result when there is one. (ieee_fma.c) */
u64 ieee_fma(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b, u64 c, bool neg_ab,
             bool neg_c);
u64 ieee_min(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b);
u64 ieee_max(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b);
/* Truth of predicate `pred` (0..7 SSE, 8..31 as AVX numbers them). */
bool ieee_cmp(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b, unsigned pred);
/* COMISx, or UCOMISx when `quiet`. */
enum fp_order ieee_order(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b, bool quiet);
/* To a signed integer of `bits` (32 or 64), sign-extended; out of range: FP_IE and the most
 * negative integer. */
s64 ieee_to_int(struct fpenv *env, const struct fp_ieee *f, u64 a, unsigned bits, bool trunc);
u64 ieee_from_s64(struct fpenv *env, const struct fp_ieee *f, s64 v);
/* To an integral value (ROUNDSS and family) under rounding mode `round`; `exact_ok` suppresses
 * FP_PE. */
u64 ieee_rndint(struct fpenv *env, const struct fp_ieee *f, u64 a, u8 round, bool no_inexact);
u64 f64_from_f32(struct fpenv *env, u32 a);
u32 f32_from_f64(struct fpenv *env, u64 a);
/* Half precision (F16C): env->ftz has no effect, and DAZ and FP_DE none on halves. (ieee_fma.c) */
u32 f32_from_f16(struct fpenv *env, u16 a);
u16 f16_from_f32(struct fpenv *env, u32 a);
/* RCPSS and RSQRTSS: relative error below 2^-12, no exceptions, the same bits everywhere. */
u32 f32_rcp(u32 a);
u32 f32_rsqrt(u32 a);

#endif
