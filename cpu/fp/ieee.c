/* Single and double precision as SSE computes them: DAZ, FTZ, NaN rules, comparisons, conversions
 * (SDM vol. 1 11.5). */
#include "cpu/fp/core.h"

/* SSE delivers nothing when over- or underflow traps: the bias adjustment only has to bring any
 * operand into range. */
const struct fp_ieee fp_single = {{24, -126, 127, 2048}, 23, 8};
const struct fp_ieee fp_double = {{53, -1022, 1023, 4096}, 52, 11};
const struct fp_ieee fp_half = {{11, -14, 15, 512}, 10, 5};

struct fp_num ieee_unpack(const struct fp_ieee *f, u64 a)
{
    u32 expmax = BIT(f->expbits) - 1;
    u32 exp = (u32)(a >> f->fracbits) & expmax;
    u64 frac = a & (BIT64(f->fracbits) - 1);
    struct fp_num n = {.sign = a >> (f->fracbits + f->expbits) & 1,
                       .sig = frac << (63 - f->fracbits)};
    if (exp == expmax) {
        n.kind = !frac ? FPK_INF : n.sig & FP_MSB >> 1 ? FPK_QNAN : FPK_SNAN;
        n.sig |= FP_MSB;
    } else if (exp) {
        n.kind = FPK_FINITE;
        n.exp = (s32)exp - f->fmt.emax;
        n.sig |= FP_MSB;
    } else if (frac) {
        unsigned shift = (unsigned)__builtin_clzll(n.sig);
        n.kind = FPK_FINITE;
        n.denormal = true;
        n.exp = f->fmt.emin - (s32)shift;
        n.sig <<= shift;
    }
    return n;
}

u64 ieee_pack(const struct fp_ieee *f, bool sign, struct fp_out o)
{
    u64 frac = (o.sig & ~FP_MSB) >> (63 - f->fracbits);
    return (u64)sign << (f->fracbits + f->expbits) | (u64)o.exp << f->fracbits | frac;
}

u64 ieee_nan(const struct fp_ieee *f, struct fp_num n)
{
    return ieee_pack(f, n.sign, (struct fp_out){BIT(f->expbits) - 1, n.sig | FP_MSB >> 1});
}

u64 ieee_invalid(struct fpenv *env, const struct fp_ieee *f)
{
    env->flags |= FP_IE;
    return ieee_pack(f, true, (struct fp_out){BIT(f->expbits) - 1, FP_MSB >> 1});
}

u64 ieee_infinity(const struct fp_ieee *f, bool sign)
{
    return ieee_pack(f, sign, (struct fp_out){BIT(f->expbits) - 1, 0});
}

static u64 zero(const struct fp_ieee *f, bool sign)
{
    return ieee_pack(f, sign, (struct fp_out){0, 0});
}

u64 ieee_finish(struct fpenv *env, const struct fp_ieee *f, struct fp_big v)
{
    return ieee_pack(f, v.sign, fp_round(env, &f->fmt, v));
}

struct fp_num ieee_operand(const struct fpenv *env, const struct fp_ieee *f, u64 a)
{
    struct fp_num n = ieee_unpack(f, a);
    if (n.denormal && env->daz) {
        n.kind = FPK_ZERO;
        n.denormal = false;
    }
    return n;
}

/* The first NaN of the two, quieted: true when there is one. */
static bool nan2(struct fpenv *env, const struct fp_ieee *f, struct fp_num a, struct fp_num b,
                 u64 *r)
{
    if (a.kind == FPK_SNAN || b.kind == FPK_SNAN)
        env->flags |= FP_IE;
    if (!fp_is_nan(a) && !fp_is_nan(b))
        return false;
    *r = ieee_nan(f, fp_is_nan(a) ? a : b);
    return true;
}

/* Reports a denormal operand; true when that traps, so that nothing more may be reported. */
static bool denormal(struct fpenv *env, struct fp_num a, struct fp_num b)
{
    if (!a.denormal && !b.denormal)
        return false;
    env->flags |= FP_DE;
    return env->unmasked & FP_DE;
}

static u64 add(struct fpenv *env, const struct fp_ieee *f, struct fp_num a, struct fp_num b,
               bool sub)
{
    u64 r = 0;
    if (nan2(env, f, a, b, &r))
        return r;
    b.sign ^= sub;
    if (a.kind == FPK_INF && b.kind == FPK_INF && a.sign != b.sign)
        return ieee_invalid(env, f);
    if (denormal(env, a, b))
        return 0;
    if (a.kind == FPK_INF || b.kind == FPK_INF)
        return ieee_infinity(f, a.kind == FPK_INF ? a.sign : b.sign);
    return ieee_finish(env, f, fp_add(a, b, env->round));
}

u64 ieee_add(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b)
{
    return add(env, f, ieee_operand(env, f, a), ieee_operand(env, f, b), false);
}

u64 ieee_sub(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b)
{
    return add(env, f, ieee_operand(env, f, a), ieee_operand(env, f, b), true);
}

u64 ieee_mul(struct fpenv *env, const struct fp_ieee *f, u64 x, u64 y)
{
    struct fp_num a = ieee_operand(env, f, x), b = ieee_operand(env, f, y);
    u64 r = 0;
    if (nan2(env, f, a, b, &r))
        return r;
    if ((a.kind == FPK_INF && b.kind == FPK_ZERO) || (a.kind == FPK_ZERO && b.kind == FPK_INF))
        return ieee_invalid(env, f);
    if (denormal(env, a, b))
        return 0;
    if (a.kind == FPK_INF || b.kind == FPK_INF)
        return ieee_infinity(f, a.sign != b.sign);
    return ieee_finish(env, f, fp_mul(a, b));
}

u64 ieee_div(struct fpenv *env, const struct fp_ieee *f, u64 x, u64 y)
{
    struct fp_num a = ieee_operand(env, f, x), b = ieee_operand(env, f, y);
    bool sign = a.sign != b.sign;
    u64 r = 0;
    if (nan2(env, f, a, b, &r))
        return r;
    if (a.kind == b.kind && a.kind != FPK_FINITE)
        return ieee_invalid(env, f);
    if (b.kind == FPK_ZERO && a.kind != FPK_INF) {
        env->flags |= FP_ZE;
        return ieee_infinity(f, sign);
    }
    if (denormal(env, a, b))
        return 0;
    if (a.kind == FPK_INF)
        return ieee_infinity(f, sign);
    if (b.kind == FPK_INF)
        return zero(f, sign);
    return ieee_finish(env, f, fp_div(a, b));
}

u64 ieee_sqrt(struct fpenv *env, const struct fp_ieee *f, u64 x)
{
    struct fp_num a = ieee_operand(env, f, x);
    u64 r = 0;
    if (nan2(env, f, a, a, &r))
        return r;
    if (a.kind == FPK_ZERO)
        return zero(f, a.sign);
    if (a.sign)
        return ieee_invalid(env, f);
    if (denormal(env, a, a))
        return 0;
    return a.kind == FPK_INF ? x : ieee_finish(env, f, fp_sqrt(a));
}

/* MINSx and MAXSx return the second operand for NaNs and for two zeros, and treat every NaN as
 * invalid. */
static u64 pick(struct fpenv *env, const struct fp_ieee *f, u64 x, u64 y, enum fp_order want)
{
    struct fp_num a = ieee_operand(env, f, x), b = ieee_operand(env, f, y);
    if (fp_is_nan(a) || fp_is_nan(b)) {
        env->flags |= FP_IE;
        return b.kind == FPK_ZERO ? zero(f, b.sign) : y;
    }
    if (denormal(env, a, b))
        return 0;
    if (fp_order(a, b) == want)
        return a.kind == FPK_ZERO ? zero(f, a.sign) : x;
    return b.kind == FPK_ZERO ? zero(f, b.sign) : y;
}

u64 ieee_min(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b)
{
    return pick(env, f, a, b, FP_LESS);
}

u64 ieee_max(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b)
{
    return pick(env, f, a, b, FP_GREATER);
}

enum fp_order ieee_order(struct fpenv *env, const struct fp_ieee *f, u64 x, u64 y, bool quiet)
{
    struct fp_num a = ieee_operand(env, f, x), b = ieee_operand(env, f, y);
    if (fp_is_nan(a) || fp_is_nan(b)) {
        if (!quiet || a.kind == FPK_SNAN || b.kind == FPK_SNAN)
            env->flags |= FP_IE;
        return FP_UNORDERED;
    }
    if (denormal(env, a, b))
        return FP_EQUAL;
    return fp_order(a, b);
}

bool ieee_cmp(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b, unsigned pred)
{
    enum { L = 1 << FP_LESS, E = 1 << FP_EQUAL, G = 1 << FP_GREATER, U = 1 << FP_UNORDERED };
    /* EQ LT LE UNORD NEQ NLT NLE ORD; EQ_UQ NGE NGT FALSE NEQ_OQ GE GT TRUE (SDM vol. 2, CMPPS and
     * VCMPPS). */
    static const u8 truth[16] = {
        E,     L,     L | E,     U, L | G | U, E | G | U, G | U, L | E | G,
        E | U, L | U, L | E | U, 0, L | G,     G | E,     G,     L | E | G | U};
    /* Bit n: predicate n does not signal for quiet NaNs; predicates 16 to 31 are the opposites. */
    const u16 quiet = 0x9999;
    bool q = (quiet >> (pred & 15) & 1) != (pred >> 4 & 1);
    return truth[pred & 15] >> ieee_order(env, f, a, b, q) & 1;
}

s64 ieee_to_int(struct fpenv *env, const struct fp_ieee *f, u64 x, unsigned bits, bool trunc)
{
    struct fp_num a = ieee_operand(env, f, x);
    u64 limit = 1ull << (bits - 1), v = 0;
    bool over = true, inexact = false, up;
    if (a.kind <= FPK_FINITE)
        v = fp_to_u64(a, trunc ? RC_CHOP : env->round, &over, &inexact, &up);
    if (over || v > limit || (v == limit && !a.sign)) {
        env->flags |= FP_IE;
        return (s64)(0 - limit);
    }
    if (inexact)
        env->flags |= FP_PE;
    return (s64)(a.sign ? 0 - v : v);
}

u64 ieee_from_s64(struct fpenv *env, const struct fp_ieee *f, s64 v)
{
    u64 mag = v < 0 ? 0 - (u64)v : (u64)v;
    return ieee_finish(env, f, fp_normal((struct fp_big){v < 0, 127, mag}));
}

u64 ieee_rndint(struct fpenv *env, const struct fp_ieee *f, u64 x, u8 round, bool no_inexact)
{
    struct fp_num a = ieee_operand(env, f, x);
    bool over, inexact, up;
    u64 v, r = 0;
    if (nan2(env, f, a, a, &r))
        return r;
    if (a.kind == FPK_ZERO)
        return zero(f, a.sign);
    if (a.kind == FPK_INF || a.exp >= f->fracbits)
        return x;
    v = fp_to_u64(a, round, &over, &inexact, &up);
    if (inexact && !no_inexact)
        env->flags |= FP_PE;
    return ieee_finish(env, f, fp_normal((struct fp_big){a.sign, 127, v}));
}

u64 f64_from_f32(struct fpenv *env, u32 x)
{
    struct fp_num a = ieee_operand(env, &fp_single, x);
    u64 r = 0;
    if (a.kind == FPK_SNAN)
        env->flags |= FP_IE;
    if (fp_is_nan(a))
        return ieee_nan(&fp_double, a);
    if (denormal(env, a, a))
        return r;
    if (a.kind == FPK_INF)
        return ieee_infinity(&fp_double, a.sign);
    return ieee_finish(env, &fp_double, fp_widen(a));
}

u32 f32_from_f64(struct fpenv *env, u64 x)
{
    struct fp_num a = ieee_operand(env, &fp_double, x);
    if (a.kind == FPK_SNAN)
        env->flags |= FP_IE;
    if (fp_is_nan(a))
        return (u32)ieee_nan(&fp_single, a);
    if (denormal(env, a, a))
        return 0;
    if (a.kind == FPK_INF)
        return (u32)ieee_infinity(&fp_single, a.sign);
    return (u32)ieee_finish(env, &fp_single, fp_widen(a));
}

/* Sign, biased exponent and 14-bit fraction of an approximation; exponents outside the format
 * become zero or infinity. */
static u32 approx(bool sign, s32 biased, u32 frac14)
{
    u32 s = (u32)sign << 31;
    if (biased <= 0)
        return s;
    return s | (u32)biased << 23 | frac14 << 9;
}

u32 f32_rcp(u32 x)
{
    struct fp_num a = ieee_unpack(&fp_single, x);
    u32 sign = x & 0x80000000;
    u32 m, q;
    if (fp_is_nan(a))
        return x | 0x00400000;
    if (a.kind == FPK_INF)
        return sign;
    if (a.kind == FPK_ZERO || a.denormal)
        return sign | 0x7f800000;
    /* The middle of the interval the top 12 fraction bits name, as a number in [2^13, 2^14). */
    m = (u32)(a.sig >> 51) << 1 | 1;
    q = BIT(28) / m; /* 2 / value, scaled by 2^14 */
    return approx(a.sign, 126 - a.exp, q & 0x3fff);
}

u32 f32_rsqrt(u32 x)
{
    struct fp_num a = ieee_unpack(&fp_single, x);
    u32 sign = x & 0x80000000;
    u64 m, want, root = 0;
    if (fp_is_nan(a))
        return x | 0x00400000;
    if (a.kind == FPK_ZERO || a.denormal)
        return sign | 0x7f800000;
    if (a.sign)
        return 0xffc00000;
    if (a.kind == FPK_INF)
        return 0;
    /* m = the middle of the interval, 14 bits, doubled for an odd exponent: the value is m / 2^13 *
     * 4^(exp / 2). The result 2 / sqrt(value) scaled by 2^14 is sqrt(2^(2 * 15 + 13) / m), found
     * bit by bit. */
    m = ((a.sig >> 51) << 1 | 1) << (a.exp & 1);
    want = (BIT64(43) - 1) / m;
    for (u64 bit = 1 << 15; bit; bit >>= 1)
        if ((root | bit) * (root | bit) <= want)
            root |= bit;
    return approx(false, 126 - (a.exp >> 1), (u32)root & 0x3fff);
}
