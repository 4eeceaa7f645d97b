/* Partial remainder, scaling and extraction of x87 numbers (SDM vol. 2: FPREM, FPREM1, FSCALE,
 * FXTRACT). */
#include "cpu/fp/core.h"

/* a mod b after `steps` + 1 quotient bits, all significands below 2^64; the low bits of the
 * quotient go to *q. */
static u64 divide_step(u64 a, u64 b, u32 steps, u64 *q)
{
    u128 r = a;
    u64 quot = 0;
    for (;;) {
        quot <<= 1;
        if (r >= b) {
            r -= b;
            quot |= 1;
        }
        if (!steps--)
            break;
        r <<= 1;
    }
    *q = quot;
    return (u64)r;
}

/* The finite case: nonzero a and b. */
static struct fp_big remainder_of(struct fp_num a, struct fp_num b, bool nearest,
                                  struct f80_quotient *quot)
{
    struct fp_big r = {a.sign, b.exp, 0};
    s32 d = a.exp - b.exp;
    u64 q = 0, rem;
    if (d < -1 || (d < 0 && !nearest))
        return fp_widen(a);
    if (d >= 64) {
        /* Between 32 and 63 bits are removed, so that what is left is a multiple of 32 away. */
        u32 n = ((u32)d & 31) | 32;
        rem = divide_step(a.sig, b.sig, n, &q);
        quot->partial = true;
        r.exp = b.exp + d - (s32)n;
        r.sig = (u128)rem << 64;
        return fp_normal(r);
    }
    if (d < 0) {
        /* a < b, but perhaps more than half of it: compare at half of b's scale. */
        r.exp = a.exp;
        if (a.sig > b.sig) {
            /* a > b / 2: the quotient is 1, the remainder a - b = a.sig - 2 * b.sig at a's
             * exponent. */
            r.sign = !a.sign;
            r.sig = ((u128)b.sig << 64) - (((u128)a.sig << 64) - ((u128)b.sig << 64));
            quot->q = 1;
            return fp_normal(r);
        }
        return fp_widen(a);
    }
    rem = divide_step(a.sig, b.sig, (u32)d, &q);
    if (nearest && (rem > b.sig - rem || (rem == b.sig - rem && (q & 1)))) {
        rem = b.sig - rem;
        r.sign = !r.sign;
        q++;
    }
    quot->q = q & 7;
    r.sig = (u128)rem << 64;
    if (!rem)
        r.sign = a.sign;
    return fp_normal(r);
}

struct f80 f80_rem(struct fpenv *env, struct f80 x, struct f80 y, bool nearest,
                   struct f80_quotient *q)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    struct f80 r;
    *q = (struct f80_quotient){0, false};
    if (f80_nan2(env, x, y, a, b, &r))
        return r;
    if (a.kind == FPK_INF || b.kind == FPK_ZERO)
        return f80_invalid(env);
    if (f80_denormal(env, a.denormal || b.denormal))
        return x;
    if (a.kind == FPK_ZERO)
        return x;
    if (b.kind == FPK_INF)
        return f80_round_prec(env, FP_PC64, fp_widen(a));
    return f80_round_prec(env, FP_PC64, remainder_of(a, b, nearest, q));
}

struct f80 f80_scale(struct fpenv *env, struct f80 x, struct f80 y)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    struct fp_big v;
    bool over, inexact, up;
    struct f80 r;
    u64 n;
    if (f80_nan2(env, x, y, a, b, &r))
        return r;
    if (b.kind == FPK_INF) {
        if ((a.kind == FPK_ZERO && !b.sign) || (a.kind == FPK_INF && b.sign))
            return f80_invalid(env);
        if (f80_denormal(env, a.denormal) || a.kind == FPK_ZERO || a.kind == FPK_INF)
            return x;
        return b.sign ? f80_zero(a.sign) : f80_inf(a.sign);
    }
    if (f80_denormal(env, a.denormal || b.denormal) || a.kind != FPK_FINITE)
        return x;
    n = fp_to_u64(b, RC_CHOP, &over, &inexact, &up);
    /* Any larger scale over- or underflows just as far. */
    if (over || n > 0x10000)
        n = 0x10000;
    v = fp_widen(a);
    v.exp += b.sign ? -(s32)n : (s32)n;
    return f80_round_prec(env, FP_PC64, v);
}

struct f80 f80_xtract(struct fpenv *env, struct f80 x, struct f80 *exponent)
{
    struct fp_num a = f80_unpack(x);
    struct f80 r;
    if (f80_nan1(env, x, a, &r)) {
        *exponent = r;
        return r;
    }
    if (a.kind == FPK_ZERO) {
        env->flags |= FP_ZE;
        *exponent = f80_inf(true);
        return x;
    }
    if (a.kind == FPK_INF) {
        *exponent = f80_inf(false);
        return x;
    }
    f80_denormal(env, a.denormal);
    *exponent = f80_from_s64(a.exp);
    return (struct f80){a.sig, (u16)(a.sign << 15 | 16383)};
}
