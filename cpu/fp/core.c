/* Rounding, and arithmetic on unpacked numbers: the part all floating-point formats share (SDM vol.
 * 1, 4.8 and 4.9). */
#include "cpu/fp/core.h"

/* Round the significand to `bits`: the kept bits from bit 63 down; *carry when it became 2.0 (and
 * is returned as 1.0). */
static u64 round_sig(u128 sig, unsigned bits, u8 mode, bool sign, bool *inexact, bool *up,
                     bool *carry)
{
    u64 hi = (u64)(sig >> 64);
    u64 lsb = 1ull << (64 - bits);
    u64 kept = hi & ~(lsb - 1);
    u128 rest = sig - ((u128)kept << 64);
    u128 half = (u128)1 << (127 - bits);
    bool inc;
    *carry = false;
    *inexact = rest != 0;
    if (mode == RC_NEAREST)
        inc = rest > half || (rest == half && (kept & lsb));
    else
        inc = rest && (mode == RC_UP ? !sign : mode == RC_DOWN && sign);
    *up = inc;
    if (inc) {
        kept += lsb;
        if (kept < lsb) {
            kept = FP_MSB;
            *carry = true;
        }
    }
    return kept;
}

static struct fp_out overflow(struct fpenv *env, const struct fp_fmt *f, bool sign)
{
    bool to_inf = env->round == RC_NEAREST || env->round == (sign ? RC_DOWN : RC_UP);
    env->flags |= FP_OE | FP_PE;
    env->rounded_up = to_inf;
    if (to_inf)
        return (struct fp_out){(u32)(f->emax - f->emin + 2), FP_MSB};
    return (struct fp_out){(u32)(f->emax - f->emin + 1), ~0ull << (64 - f->bits)};
}

static struct fp_out underflow(struct fpenv *env, const struct fp_fmt *f, struct fp_big v)
{
    bool inexact, up, carry;
    u64 sig;
    if (env->ftz) {
        env->flags |= FP_UE | FP_PE;
        return (struct fp_out){0, 0};
    }
    sig = round_sig(fp_shr_jam(v.sig, (u32)(f->emin - v.exp)), f->bits, env->round, v.sign,
                    &inexact, &up, &carry);
    if (inexact)
        env->flags |= FP_UE | FP_PE;
    env->rounded_up = up;
    return (struct fp_out){(u32)(sig >> 63), sig};
}

struct fp_out fp_round(struct fpenv *env, const struct fp_fmt *f, struct fp_big v)
{
    bool inexact, up, carry;
    u64 sig;
    s32 exp;
    env->rounded_up = false;
    if (!v.sig)
        return (struct fp_out){0, 0};
    sig = round_sig(v.sig, f->bits, env->round, v.sign, &inexact, &up, &carry);
    exp = v.exp + carry;
    /* Tininess is judged after rounding with an unbounded exponent. */
    if (exp < f->emin) {
        if (!(env->unmasked & FP_UE))
            return underflow(env, f, v);
        env->flags |= FP_UE;
        exp += f->wrap;
        if (exp < f->emin) {
            env->flags |= FP_PE;
            return (struct fp_out){0, 0};
        }
    } else if (exp > f->emax) {
        if (!(env->unmasked & FP_OE))
            return overflow(env, f, v.sign);
        env->flags |= FP_OE;
        exp -= f->wrap;
        if (exp > f->emax) {
            env->flags |= FP_PE;
            env->rounded_up = true;
            return (struct fp_out){(u32)(f->emax - f->emin + 2), FP_MSB};
        }
    }
    if (inexact)
        env->flags |= FP_PE;
    env->rounded_up = up;
    return (struct fp_out){(u32)(exp - f->emin + 1), sig};
}

struct fp_big fp_add(struct fp_num a, struct fp_num b, u8 round)
{
    struct fp_big r, s;
    if (a.kind == FPK_ZERO || b.kind == FPK_ZERO) {
        if (a.kind == b.kind)
            return (struct fp_big){a.sign == b.sign ? a.sign : round == RC_DOWN, 0, 0};
        return fp_widen(a.kind == FPK_ZERO ? b : a);
    }
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        struct fp_num t = a;
        a = b;
        b = t;
    }
    r = (struct fp_big){a.sign, a.exp + 1, (u128)a.sig << 63};
    s.sig = fp_shr_jam((u128)b.sig << 63, (u32)(a.exp - b.exp));
    r.sig = a.sign == b.sign ? r.sig + s.sig : r.sig - s.sig;
    if (!r.sig)
        r.sign = round == RC_DOWN;
    return fp_normal(r);
}

struct fp_big fp_mul(struct fp_num a, struct fp_num b)
{
    struct fp_big r = {a.sign != b.sign, a.exp + b.exp + 1, 0};
    if (a.kind == FPK_ZERO || b.kind == FPK_ZERO)
        return r;
    r.sig = (u128)a.sig * b.sig;
    return fp_normal(r);
}

/* One place of headroom for the sum; below a product of 106 bits and an addend of 53 there are
 * zeroes enough for every bit that an alignment of up to 20 places moves, and a longer one cannot
 * cancel. */
struct fp_big fp_muladd(struct fp_num a, struct fp_num b, struct fp_num c, u8 round)
{
    struct fp_big p = fp_mul(a, b), s = fp_widen(c), r;
    if (!p.sig || !s.sig) {
        if (!p.sig && !s.sig)
            return (struct fp_big){p.sign == s.sign ? p.sign : round == RC_DOWN, 0, 0};
        return p.sig ? p : s;
    }
    if (p.exp < s.exp || (p.exp == s.exp && p.sig < s.sig)) {
        r = p;
        p = s;
        s = r;
    }
    r = (struct fp_big){p.sign, p.exp + 1, fp_shr_jam(p.sig, 1)};
    s.sig = fp_shr_jam(s.sig, (u32)(p.exp - s.exp) + 1);
    r.sig = p.sign == s.sign ? r.sig + s.sig : r.sig - s.sig;
    if (!r.sig)
        r.sign = round == RC_DOWN;
    return fp_normal(r);
}

struct fp_big fp_div(struct fp_num a, struct fp_num b)
{
    struct fp_big r = {a.sign != b.sign, a.exp - b.exp, 0};
    u128 num;
    u64 q, rem;
    bool half;
    if (a.kind == FPK_ZERO)
        return r;
    num = (u128)a.sig << 63;
    if (a.sig < b.sig) {
        num <<= 1;
        r.exp--;
    }
    q = (u64)(num / b.sig);
    rem = (u64)num - q * b.sig;
    /* One more quotient bit and stickiness are all that rounding to 64 bits can need. */
    half = rem >= b.sig - rem;
    r.sig = (u128)q << 64 | (u64)half << 63 | (half ? rem != b.sig - rem : rem != 0);
    return r;
}

static u32 isqrt64(u64 v)
{
    u64 root = 0;
    for (u64 bit = 1ull << 62; bit; bit >>= 2) {
        if (v >= root + bit) {
            v -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (u32)root;
}

struct fp_big fp_sqrt(struct fp_num a)
{
    struct fp_big r = {false, a.exp >> 1, 0};
    u128 n = (u128)a.sig << (a.exp & 1 ? 64 : 63);
    u64 hi = (u64)(n >> 64), lo = (u64)n;
    u64 s1 = isqrt64(hi), r1 = hi - s1 * s1;
    /* The root of the high half gives half of the root; the other half is one division (quotient at
     * most 2^32). */
    u128 part = (u128)r1 << 32 | lo >> 32;
    u64 q = (u64)(part / (2 * s1)), u = (u64)(part % (2 * s1));
    u128 root = ((u128)s1 << 32) + q;
    __extension__ __int128 rem = (__int128)(((u128)u << 32) | (u32)lo) - (__int128)((u128)q * q);
    while (rem < 0) {
        root--;
        rem += (__int128)(2 * root + 1);
    }
    r.sig = root << 64 | ((u128)((u128)rem > root) << 63) | (rem != 0);
    return r;
}

enum fp_order fp_order(struct fp_num a, struct fp_num b)
{
    bool less;
    if (a.kind == FPK_ZERO && b.kind == FPK_ZERO)
        return FP_EQUAL;
    if (a.kind == FPK_ZERO)
        return b.sign ? FP_GREATER : FP_LESS;
    if (b.kind == FPK_ZERO || a.sign != b.sign)
        return a.sign ? FP_LESS : FP_GREATER;
    if (a.kind == FPK_INF || b.kind == FPK_INF) {
        if (a.kind == b.kind)
            return FP_EQUAL;
        less = b.kind == FPK_INF;
    } else if (a.exp != b.exp) {
        less = a.exp < b.exp;
    } else if (a.sig != b.sig) {
        less = a.sig < b.sig;
    } else {
        return FP_EQUAL;
    }
    return less != a.sign ? FP_LESS : FP_GREATER;
}

u64 fp_to_u64(struct fp_num a, u8 round, bool *over, bool *inexact, bool *up)
{
    bool carry;
    u128 fixed;
    u64 v;
    *over = *inexact = *up = false;
    if (a.kind == FPK_ZERO)
        return 0;
    if (a.exp >= 64) {
        *over = true;
        return 0;
    }
    fixed = fp_shr_jam((u128)a.sig << 64, (u32)(63 - a.exp));
    v = round_sig(fixed, 64, round, a.sign, inexact, up, &carry);
    *over = carry;
    return v;
}
