/* The form in which every format computes: unpacked operands, exact wide results, one rounding
 * (private to cpu/fp). */
#ifndef CPU_FP_CORE_H
#define CPU_FP_CORE_H

#include "cpu/fp/fp.h"

__extension__ typedef unsigned __int128 u128;

#define FP_MSB (1ull << 63)

enum fp_kind { FPK_ZERO, FPK_FINITE, FPK_INF, FPK_QNAN, FPK_SNAN, FPK_BAD };

/* An unpacked operand. FPK_FINITE: sig / 2^63 * 2^exp with bit 63 of sig set, whatever the format.
 */
struct fp_num {
    u8 kind; /* enum fp_kind; FPK_BAD: an encoding the x87 does not support */
    bool sign;
    bool denormal;
    s32 exp;
    u64 sig;
};

/* An exact or sticky result: sig / 2^127 * 2^exp with bit 127 set, or sig 0 for zero. Bit 0 stands
 * for every nonzero bit that did not fit. */
struct fp_big {
    bool sign;
    s32 exp;
    u128 sig;
};

/* What a result is rounded to. */
struct fp_fmt {
    u8 bits;        /* of the significand, with the integer bit */
    s32 emin, emax; /* exponents of the smallest normal and of the largest finite number */
    s32 wrap;       /* bias adjustment delivered for unmasked overflow and underflow */
};

/* A rounded result: biased exponent (0: zero or denormal; emax - emin + 2: infinity), significand
 * from bit 63 down. */
struct fp_out {
    u32 exp;
    u64 sig;
};

static inline u128 fp_shr_jam(u128 v, u32 n)
{
    if (n == 0)
        return v;
    if (n >= 128)
        return v != 0;
    return v >> n | ((v << (128 - n)) != 0);
}

static inline unsigned fp_clz128(u128 v)
{
    u64 hi = (u64)(v >> 64);
    return hi ? (unsigned)__builtin_clzll(hi) : 64 + (unsigned)__builtin_clzll((u64)v);
}

/* Bring bit 127 of a nonzero sig back to 1. */
static inline struct fp_big fp_normal(struct fp_big v)
{
    if (v.sig) {
        unsigned n = fp_clz128(v.sig);
        v.sig <<= n;
        v.exp -= (s32)n;
    }
    return v;
}

static inline struct fp_big fp_widen(struct fp_num a)
{
    return (struct fp_big){a.sign, a.exp, a.kind == FPK_FINITE ? (u128)a.sig << 64 : 0};
}

static inline bool fp_is_nan(struct fp_num a)
{
    return a.kind == FPK_QNAN || a.kind == FPK_SNAN;
}

/* Round v to `fmt` under env, with the masked or unmasked response to overflow and underflow. */
struct fp_out fp_round(struct fpenv *env, const struct fp_fmt *fmt, struct fp_big v);

/* Operations on finite operands (zero allowed unless said otherwise); exact up to the sticky bit.
 */
struct fp_big fp_add(struct fp_num a, struct fp_num b,
                     u8 round); /* the sign of an exact zero follows `round` */
struct fp_big fp_mul(struct fp_num a, struct fp_num b);
/* a * b + c, exact up to the sticky bit for significands of up to 53 bits. */
struct fp_big fp_muladd(struct fp_num a, struct fp_num b, struct fp_num c, u8 round);
struct fp_big fp_div(struct fp_num a, struct fp_num b); /* b nonzero */
struct fp_big fp_sqrt(struct fp_num a);                 /* a positive, nonzero */
/* The order of two operands that are not NaN. */
enum fp_order fp_order(struct fp_num a, struct fp_num b);
/* Magnitude of finite `a` rounded to an integer; *over when it needs more than 64 bits. */
u64 fp_to_u64(struct fp_num a, u8 round, bool *over, bool *inexact, bool *up);

/* Unpack, and pack with the x87 NaN rules (f80.c). */
struct fp_num f80_unpack(struct f80 a);
struct f80 f80_round_prec(struct fpenv *env, u8 prec, struct fp_big v);
/* Deals with operands that are unsupported or NaN: true, with the answer in *r. */
bool f80_nan1(struct fpenv *env, struct f80 a, struct fp_num na, struct f80 *r);
bool f80_nan2(struct fpenv *env, struct f80 a, struct f80 b, struct fp_num na, struct fp_num nb,
              struct f80 *r);
struct f80 f80_invalid(struct fpenv *env);
/* Reports a denormal operand; true when that traps and the operation must stop. */
bool f80_denormal(struct fpenv *env, bool denormal);

/* Zero or a normal number: nothing that has rules of its own. */
static inline bool f80_plain(struct f80 a)
{
    u32 exp = a.se & 0x7fff;
    return exp - 1 < 0x7ffe ? a.frac >> 63 : !exp && !a.frac;
}

static inline struct f80 f80_zero(bool sign)
{
    return (struct f80){0, (u16)(sign << 15)};
}

static inline struct f80 f80_inf(bool sign)
{
    return (struct f80){FP_MSB, (u16)(sign << 15 | 0x7fff)};
}

/* Single and double precision (ieee.c); shared with the conversions to and from f80. */
struct fp_ieee {
    struct fp_fmt fmt;
    u8 fracbits; /* of the stored fraction */
    u8 expbits;
};
struct fp_num ieee_unpack(const struct fp_ieee *f, u64 a);
u64 ieee_pack(const struct fp_ieee *f, bool sign, struct fp_out o);
/* The quiet NaN of sign and significand of `n`. */
u64 ieee_nan(const struct fp_ieee *f, struct fp_num n);
/* The default NaN; also reports FP_IE. */
u64 ieee_invalid(struct fpenv *env, const struct fp_ieee *f);
u64 ieee_infinity(const struct fp_ieee *f, bool sign);
/* Round and pack. */
u64 ieee_finish(struct fpenv *env, const struct fp_ieee *f, struct fp_big v);
/* Unpack, denormals as zeroes where DAZ says so. */
struct fp_num ieee_operand(const struct fpenv *env, const struct fp_ieee *f, u64 a);

#endif
