/* Conversions between the x87 format and integers, packed BCD, single and double (SDM vol. 1, 8.3.3
 * and 8.5). */
#include "cpu/fp/core.h"

#include <string.h>

struct f80 f80_from_s64(s64 v)
{
    u64 mag = v < 0 ? 0 - (u64)v : (u64)v;
    unsigned shift;
    if (!mag)
        return f80_zero(false);
    shift = (unsigned)__builtin_clzll(mag);
    return (struct f80){mag << shift, (u16)((v < 0 ? 0x8000 : 0) | (16383 + 63 - shift))};
}

/* Every single and double is exact in this format; NaNs keep their kind. */
static struct f80 widen(const struct fp_ieee *f, u64 v, bool *denormal)
{
    struct fp_num n = ieee_unpack(f, v);
    u16 s = (u16)(n.sign << 15);
    *denormal = n.denormal;
    switch (n.kind) {
    case FPK_ZERO: return f80_zero(n.sign);
    case FPK_FINITE: return (struct f80){n.sig, (u16)(s | (16383 + n.exp))};
    case FPK_INF: return f80_inf(n.sign);
    default: return (struct f80){n.sig, (u16)(s | 0x7fff)};
    }
}

/* A zero or normal number is made of the parts of the other format. */
static bool quick_widen(const struct fp_ieee *f, u64 v, struct f80 *r)
{
    unsigned fracbits = f->fracbits;
    u32 exp = (u32)(v >> fracbits) & (BIT(f->expbits) - 1);
    u64 sign = v >> (fracbits + f->expbits) << 15;
    u64 frac = v << (63 - fracbits);
    if (LIKELY(exp && exp != BIT(f->expbits) - 1)) {
        *r = (struct f80){frac | FP_MSB, (u16)(sign | (exp + 16383 - (u32)f->fmt.emax))};
        return true;
    }
    *r = (struct f80){0, (u16)sign};
    return !exp && !(frac << 1);
}

struct f80 f80_widen_f32(u32 v, bool *denormal)
{
    struct f80 r;
    *denormal = false;
    if (LIKELY(quick_widen(&fp_single, v, &r)))
        return r;
    return widen(&fp_single, v, denormal);
}

struct f80 f80_widen_f64(u64 v, bool *denormal)
{
    struct f80 r;
    *denormal = false;
    if (LIKELY(quick_widen(&fp_double, v, &r)))
        return r;
    return widen(&fp_double, v, denormal);
}

static struct f80 from_ieee(struct fpenv *env, const struct fp_ieee *f, u64 v)
{
    bool denormal;
    struct f80 a = widen(f, v, &denormal), r;
    if (f80_nan1(env, a, f80_unpack(a), &r))
        return r;
    f80_denormal(env, denormal);
    return a;
}

struct f80 f80_from_f32(struct fpenv *env, u32 v)
{
    struct f80 r;
    if (LIKELY(quick_widen(&fp_single, v, &r))) {
        env->rounded_up = false;
        return r;
    }
    return from_ieee(env, &fp_single, v);
}

struct f80 f80_from_f64(struct fpenv *env, u64 v)
{
    struct f80 r;
    if (LIKELY(quick_widen(&fp_double, v, &r))) {
        env->rounded_up = false;
        return r;
    }
    return from_ieee(env, &fp_double, v);
}

static u64 to_ieee(struct fpenv *env, const struct fp_ieee *f, struct f80 a)
{
    struct fp_num n = f80_unpack(a);
    struct fp_big v;
    u8 before = env->flags;
    u64 r;
    env->rounded_up = false;
    switch (n.kind) {
    case FPK_BAD:
        env->flags |= FP_IE;
        return ieee_nan(f, (struct fp_num){.sign = true, .sig = FP_MSB});
    case FPK_SNAN: env->flags |= FP_IE; return ieee_nan(f, n);
    case FPK_QNAN: return ieee_nan(f, n);
    case FPK_INF: return ieee_pack(f, n.sign, (struct fp_out){BIT(f->expbits) - 1, FP_MSB});
    default: break;
    }
    v = fp_widen(n);
    r = ieee_pack(f, v.sign, fp_round(env, &f->fmt, v));
    /* Nothing is stored when over- or underflow traps, so nothing was rounded either. */
    if (env->flags & env->unmasked & (FP_OE | FP_UE)) {
        env->flags = (u8)((env->flags & ~FP_PE) | before);
        env->rounded_up = false;
    }
    return r;
}

u32 f80_to_f32_soft(struct fpenv *env, struct f80 a)
{
    return (u32)to_ieee(env, &fp_single, a);
}

u64 f80_to_f64_soft(struct fpenv *env, struct f80 a)
{
    return to_ieee(env, &fp_double, a);
}

/* Does rounding go away from zero, when the bits cut off stand in `rest` from bit 63 down? */
static bool away(u8 round, bool sign, bool odd, u64 rest)
{
    switch (round) {
    case RC_NEAREST: return rest > FP_MSB || (rest == FP_MSB && odd);
    case RC_DOWN: return rest && sign;
    case RC_UP: return rest && !sign;
    default: return false;
    }
}

/* A zero, or a number that is normal in both formats, before and after rounding. */
static bool quick_narrow(struct fpenv *env, const struct fp_ieee *f, struct f80 a, u64 *r)
{
    unsigned cut = 63u - f->fracbits;
    u32 exp = (a.se & 0x7fffu) - 16383 + (u32)f->fmt.emax;
    bool sign = a.se >> 15, up;
    u64 rest = a.frac << (64 - cut), m = a.frac >> cut;
    if (UNLIKELY(exp - 1 >= BIT(f->expbits) - 2 || !(a.frac & FP_MSB))) {
        if ((a.se & 0x7fff) || a.frac)
            return false;
        *r = (u64)sign << (f->fracbits + f->expbits);
        env->rounded_up = false;
        return true;
    }
    up = away(env->round, sign, m & 1, rest);
    /* The integer bit adds one to the exponent, and so does a carry into it. */
    m += up;
    m += (u64)(exp - 1) << f->fracbits;
    if (UNLIKELY(m >> f->fracbits >= BIT(f->expbits) - 1))
        return false;
    if (rest)
        env->flags |= FP_PE;
    env->rounded_up = up;
    *r = m | (u64)sign << (f->fracbits + f->expbits);
    return true;
}

u32 f80_to_f32(struct fpenv *env, struct f80 a)
{
    u64 r;
    return quick_narrow(env, &fp_single, a, &r) ? (u32)r : f80_to_f32_soft(env, a);
}

u64 f80_to_f64(struct fpenv *env, struct f80 a)
{
    u64 r;
    return quick_narrow(env, &fp_double, a, &r) ? r : f80_to_f64_soft(env, a);
}

/* Numbers from 1 to 2^63 take a shift. */
s64 f80_to_int(struct fpenv *env, struct f80 a, unsigned bits, bool trunc)
{
    u32 exp = (a.se & 0x7fffu) - 16383;
    u64 limit = 1ull << (bits - 1), rest, v;
    bool sign = a.se >> 15, up;
    if (exp > 62 || !(a.frac & FP_MSB))
        return f80_to_int_soft(env, a, bits, trunc);
    v = a.frac >> (63 - exp);
    rest = a.frac << 1 << exp;
    up = away(trunc ? RC_CHOP : env->round, sign, v & 1, rest);
    v += up;
    if (v > limit || (v == limit && !sign))
        return f80_to_int_soft(env, a, bits, trunc);
    if (rest)
        env->flags |= FP_PE;
    env->rounded_up = up;
    return (s64)(sign ? 0 - v : v);
}

s64 f80_to_int_soft(struct fpenv *env, struct f80 a, unsigned bits, bool trunc)
{
    struct fp_num n = f80_unpack(a);
    u64 limit = 1ull << (bits - 1), v = 0;
    bool over = true, inexact = false, up = false;
    env->rounded_up = false;
    if (n.kind <= FPK_FINITE)
        v = fp_to_u64(n, trunc ? RC_CHOP : env->round, &over, &inexact, &up);
    if (over || v > limit || (v == limit && !n.sign)) {
        env->flags |= FP_IE;
        return (s64)(0 - limit);
    }
    if (inexact)
        env->flags |= FP_PE;
    env->rounded_up = up;
    return (s64)(n.sign ? 0 - v : v);
}

struct f80 f80_from_bcd(const u8 bcd[10])
{
    struct f80 r;
    u64 v = 0;
    for (int i = 8; i >= 0; i--)
        v = v * 100 + (u64)(bcd[i] >> 4) * 10 + (bcd[i] & 15);
    r = f80_from_s64((s64)v);
    r.se |= (u16)((bcd[9] & 0x80) << 8);
    return r;
}

void f80_to_bcd(struct fpenv *env, struct f80 a, u8 bcd[10])
{
    static const u8 indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff};
    struct fp_num n = f80_unpack(a);
    bool over = true, inexact = false, up = false;
    u64 v = 0;
    env->rounded_up = false;
    if (n.kind <= FPK_FINITE)
        v = fp_to_u64(n, env->round, &over, &inexact, &up);
    if (over || v > 999999999999999999ull) {
        env->flags |= FP_IE;
        memcpy(bcd, indefinite, sizeof(indefinite));
        return;
    }
    if (inexact)
        env->flags |= FP_PE;
    env->rounded_up = up;
    for (int i = 0; i < 9; i++, v /= 100)
        bcd[i] = (u8)(v % 100 / 10 << 4 | v % 10);
    bcd[9] = (u8)(n.sign << 7);
}
