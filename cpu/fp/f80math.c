/* x87 transcendental functions in 128-bit fixed point and floating point (SDM vol. 1, 8.3.8
 * to 8.3.10; the tables of special values are those of F2XM1, FYL2X, FYL2XP1, FPATAN, FPTAN, FSIN
 * and FCOS in vol. 2). */
#include "cpu/fp/core.h"
#include "cpu/fp/mathtab.h"

#define ONE ((u128)1 << 127)

static u128 fixed(struct fixed f)
{
    return (u128)f.hi << 64 | f.lo;
}

/* The high 128 bits of a product. */
static u128 mul_hi(u128 a, u128 b)
{
    u64 ah = (u64)(a >> 64), al = (u64)a, bh = (u64)(b >> 64), bl = (u64)b;
    u128 mid = (u128)ah * bl + (((u128)al * bl) >> 64);
    u128 mid2 = (u128)al * bh + (u64)mid;
    return (u128)ah * bh + (mid >> 64) + (mid2 >> 64);
}

/* Product of two fixed-point numbers below 2. */
static u128 mul_q(u128 a, u128 b)
{
    return mul_hi(a, b) << 1;
}

static struct fp_big big_mul(struct fp_big a, struct fp_big b)
{
    struct fp_big r = {a.sign != b.sign, a.exp + b.exp + 1, mul_hi(a.sig, b.sig)};
    return fp_normal(r);
}

/* a / b truncated to 128 bits; b nonzero. */
static struct fp_big big_div(struct fp_big a, struct fp_big b)
{
    struct fp_big r = {a.sign != b.sign, a.exp - b.exp, 0};
    u128 rem = a.sig, q = 0;
    for (int i = 0; i < 128; i++) {
        bool carry = false;
        if (i) {
            carry = rem >> 127;
            rem <<= 1;
        }
        q <<= 1;
        if (carry || rem >= b.sig) {
            rem -= b.sig;
            q |= 1;
        }
    }
    r.sig = q;
    return fp_normal(r);
}

/* Sum of two numbers, truncated. */
static struct fp_big big_add(struct fp_big a, struct fp_big b)
{
    struct fp_big r;
    if (!a.sig || !b.sig)
        return a.sig ? a : b;
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        r = a;
        a = b;
        b = r;
    }
    r = (struct fp_big){a.sign, a.exp + 1, a.sig >> 1};
    b.sig = fp_shr_jam(b.sig >> 1, (u32)(a.exp - b.exp));
    r.sig = a.sign == b.sign ? r.sig + b.sig : r.sig - b.sig;
    return fp_normal(r);
}

static struct fp_big big_fixed(u128 q)
{
    return fp_normal((struct fp_big){false, 0, q});
}

/* |a| as fixed point; a below 2. */
static u128 to_fixed(struct fp_big a)
{
    return a.exp < -127 ? 0 : a.sig >> -a.exp;
}

/* c[0] + z (c[1] + z (c[2] ...)), or with alternating signs. */
static u128 series(const struct fixed *c, unsigned n, u128 z, bool alternate)
{
    u128 p = fixed(c[n - 1]);
    for (unsigned i = n - 1; i-- > 0;)
        p = alternate ? fixed(c[i]) - mul_q(z, p) : fixed(c[i]) + mul_q(z, p);
    return p;
}

/* Deliver an irrational result: it is never exact, whatever its first 128 bits. */
static struct f80 finish(struct fpenv *env, struct fp_big v)
{
    v.sig |= 1;
    return f80_round_prec(env, FP_PC64, v);
}

struct f80 f80_2xm1(struct fpenv *env, struct f80 x)
{
    struct fp_num a = f80_unpack(x);
    struct fp_big y;
    struct f80 r;
    if (f80_nan1(env, x, a, &r))
        return r;
    if (a.kind == FPK_INF)
        return a.sign ? (struct f80){FP_MSB, 0xbfff} : x;
    if (a.kind == FPK_ZERO || f80_denormal(env, a.denormal))
        return x;
    if (a.exp >= 0) {
        /* 2^-1 - 1 is -1/2 and 2^1 - 1 is 1; beyond, the result is undefined and x stays. All are
         * called inexact. */
        env->flags |= FP_PE;
        if (a.exp == 0 && a.sig == FP_MSB && a.sign)
            return (struct f80){FP_MSB, 0xbffe};
        return x;
    }
    y = big_mul(fp_widen(a), big_fixed(fixed(fixed_ln2)));
    return finish(
        env, big_mul(y, big_fixed(series(exp_series, ARRAY_LEN(exp_series), to_fixed(y), a.sign))));
}

/* log2((1 + s) / (1 - s)) for |s| below 0.18. */
static struct fp_big log2_ratio(struct fp_big s)
{
    u128 f = to_fixed(s);
    struct fp_big p = big_fixed(series(odd_series, ARRAY_LEN(odd_series), mul_q(f, f), false));
    struct fp_big r = big_mul(big_mul(s, p), big_fixed(fixed(fixed_log2e)));
    r.exp++;
    return r;
}

static struct fp_big big_int(s32 v)
{
    return fp_normal((struct fp_big){v < 0, 127, (u128)(u32)(v < 0 ? -v : v)});
}

/* log2 of a positive number that is not a power of two. */
static struct fp_big log2_of(struct fp_big x)
{
    static const struct fp_big one = {false, 0, ONE}, minus_one = {true, 0, ONE};
    /* Bring the significand between sqrt(1/2) and sqrt(2). */
    s32 e = x.exp + ((u64)(x.sig >> 64) > 0xb504f333f9de6484ull);
    struct fp_big m = {false, x.exp - e, x.sig};
    struct fp_big s = big_div(big_add(m, minus_one), big_add(m, one));
    return big_add(big_int(e), log2_ratio(s));
}

struct f80 f80_yl2x(struct fpenv *env, struct f80 x, struct f80 y)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    bool one = a.kind == FPK_FINITE && a.exp == 0 && a.sig == FP_MSB;
    struct f80 r;
    if (f80_nan2(env, x, y, a, b, &r))
        return r;
    if (a.kind == FPK_ZERO) {
        if (b.kind == FPK_ZERO)
            return f80_invalid(env);
        if (b.kind == FPK_FINITE)
            env->flags |= FP_ZE;
        return f80_inf(!b.sign);
    }
    if (a.sign || (one && b.kind == FPK_INF))
        return f80_invalid(env);
    if (a.kind == FPK_INF && b.kind == FPK_ZERO)
        return f80_invalid(env);
    if (f80_denormal(env, a.denormal || b.denormal))
        return x;
    if (a.kind == FPK_INF)
        return f80_inf(b.sign);
    if (b.kind == FPK_INF)
        return f80_inf(b.sign != (a.exp < 0));
    if (one)
        return f80_zero(b.sign);
    if (b.kind == FPK_ZERO)
        return f80_zero(b.sign != (a.exp < 0));
    env->flags |=
        FP_PE; /* processors report it even for a power of two, whose logarithm is an integer */
    if (a.sig == FP_MSB) {
        r = f80_round_prec(env, FP_PC64, big_mul(fp_widen(b), big_int(a.exp)));
        if (!(r.se & 0x7fff))
            env->flags |= FP_UE;
        return r;
    }
    return finish(env, big_mul(fp_widen(b), log2_of(fp_widen(a))));
}

struct f80 f80_yl2xp1(struct fpenv *env, struct f80 x, struct f80 y)
{
    static const struct fp_big one = {false, 0, ONE};
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    struct fp_big v, log;
    struct f80 r;
    if (f80_nan2(env, x, y, a, b, &r))
        return r;
    if (a.kind == FPK_ZERO && b.kind == FPK_INF)
        return f80_invalid(env);
    if (a.kind == FPK_INF && (a.sign || b.kind == FPK_ZERO))
        return f80_invalid(env);
    if (f80_denormal(env, a.denormal || b.denormal))
        return x;
    if (a.kind == FPK_INF)
        return f80_inf(b.sign);
    if (b.kind == FPK_INF)
        return f80_inf(a.sign != b.sign);
    if (a.kind == FPK_ZERO || b.kind == FPK_ZERO)
        return f80_zero(a.sign != b.sign);
    v = fp_widen(a);
    if (a.exp < -2) {
        /* log2(1 + x) with s = x / (2 + x) keeps every bit of a small x. */
        struct fp_big two = {false, 1, ONE};
        log = log2_ratio(big_div(v, big_add(v, two)));
    } else {
        v = big_add(v, one);
        if (v.sign || !v.sig) { /* x <= -1 has no logarithm; the result is undefined and x stays */
            env->flags |= FP_PE;
            return x;
        }
        log = v.sig == ONE ? big_int(v.exp) : log2_of(v);
    }
    return finish(env, big_mul(fp_widen(b), log));
}

/* atan of 0 < t <= 1. */
static struct fp_big atan_of(struct fp_big t)
{
    u128 f, c, z;
    unsigned k = 0;
    struct fp_big r = t, base;
    if (t.exp >= -5) {
        f = to_fixed(t);
        k = (unsigned)((f + (ONE >> 5)) >> 123);
    }
    if (k) {
        c = (u128)k << 123;
        r = fp_normal((struct fp_big){f < c, 0, f < c ? c - f : f - c});
        r = big_div(r, (struct fp_big){false, 0, ONE + mul_q(f, c)});
        if (f == c)
            return big_fixed(fixed(atan_sixteenths[k]));
    }
    f = to_fixed(r);
    z = mul_q(f, f);
    /* One unit less, so that even a tiny quotient's angle is below it. */
    r = big_mul(r, big_fixed(series(odd_series, ARRAY_LEN(odd_series), z, true) - 1));
    base = big_fixed(fixed(atan_sixteenths[k]));
    return k ? big_add(base, r) : r;
}

/* pi * n / 4. */
static struct fp_big quarter_pi(unsigned n)
{
    struct fp_big v = big_mul(big_fixed(fixed(fixed_pi_2)), big_int((s32)n));
    v.exp--;
    return v;
}

struct f80 f80_atan2(struct fpenv *env, struct f80 y, struct f80 x)
{
    struct fp_num a = f80_unpack(y), b = f80_unpack(x);
    struct fp_big v, m, n;
    struct f80 r;
    if (f80_nan2(env, x, y, b, a, &r))
        return r;
    if (f80_denormal(env, a.denormal || b.denormal))
        return x;
    if (a.kind == FPK_ZERO || (b.kind == FPK_INF && a.kind != FPK_INF)) {
        if (!b.sign)
            return f80_zero(a.sign);
        v = quarter_pi(4);
    } else if (a.kind == FPK_INF) {
        v = quarter_pi(b.kind != FPK_INF ? 2 : b.sign ? 3 : 1);
    } else if (b.kind == FPK_ZERO) {
        v = quarter_pi(2);
    } else {
        bool steep = a.exp > b.exp || (a.exp == b.exp && a.sig > b.sig);
        m = fp_widen(steep ? b : a);
        n = fp_widen(steep ? a : b);
        m.sign = n.sign = false;
        v = atan_of(big_div(m, n));
        if (steep)
            v = big_add(quarter_pi(2), (struct fp_big){!b.sign, v.exp, v.sig});
        else if (b.sign)
            v = big_add(quarter_pi(4), (struct fp_big){true, v.exp, v.sig});
    }
    v.sign = a.sign;
    return finish(env, v);
}

/* |x| brought to at most pi / 4: x = quadrant * pi / 2 + r. */
struct reduced {
    unsigned quadrant;
    struct fp_big r;
};

/* The processor reduces by a 66-bit pi, exactly; so do we (SDM vol. 1, 8.3.8). */
static struct reduced reduce(struct fp_num x)
{
    const u128 half_pi = (u128)3 << 64 | 0x243f6a8885a308d3ull; /* pi / 2 * 2^65 */
    struct reduced out = {0, fp_widen(x)};
    u128 n, rem;
    out.r.sign = false;
    if (x.exp < -1)
        return out;
    n = (u128)x.sig << (x.exp + 2); /* |x| * 2^65 */
    rem = n % half_pi;
    out.quadrant = (unsigned)(n / half_pi);
    out.r.sign = rem > half_pi - rem;
    if (out.r.sign) {
        rem = half_pi - rem;
        out.quadrant++;
    }
    out.r.exp = 62;
    out.r.sig = rem;
    out.r = fp_normal(out.r);
    return out;
}

static struct fp_big sin_of(struct fp_big r)
{
    u128 f = to_fixed(r);
    /* One unit less, so that even a tiny angle's sine is below the angle. */
    return big_mul(r, big_fixed(series(sin_series, ARRAY_LEN(sin_series), mul_q(f, f), true) - 1));
}

static struct fp_big cos_of(struct fp_big r)
{
    u128 f = to_fixed(r);
    return big_fixed(series(cos_series, ARRAY_LEN(cos_series), mul_q(f, f), true) - 1);
}

static struct fp_big sin_at(struct reduced x, bool negative)
{
    struct fp_big v = x.quadrant & 1 ? cos_of(x.r) : sin_of(x.r);
    v.sign = v.sign != negative;
    v.sign ^= x.quadrant >> 1 & 1;
    return v;
}

static struct fp_big cos_at(struct reduced x)
{
    x.quadrant++;
    return sin_at(x, false);
}

/* The cases all trigonometric functions share. 1: *r is the answer. 0: a finite nonzero *a. -1: out
 * of range. */
static int trig_special(struct fpenv *env, struct f80 x, struct fp_num *a, struct f80 *r)
{
    *a = f80_unpack(x);
    if (f80_nan1(env, x, *a, r))
        return 1;
    if (a->kind == FPK_INF) {
        *r = f80_invalid(env);
        return 1;
    }
    if (a->exp >= 63 && a->kind == FPK_FINITE)
        return -1;
    *r = x;
    return f80_denormal(env, a->denormal);
}

bool f80_sin(struct fpenv *env, struct f80 x, struct f80 *sin)
{
    struct fp_num a;
    int special = trig_special(env, x, &a, sin);
    if (special || a.kind == FPK_ZERO)
        return special >= 0;
    *sin = finish(env, sin_at(reduce(a), a.sign));
    return true;
}

bool f80_cos(struct fpenv *env, struct f80 x, struct f80 *cos)
{
    struct fp_num a;
    int special = trig_special(env, x, &a, cos);
    if (special)
        return special > 0;
    *cos = a.kind == FPK_ZERO ? (struct f80){FP_MSB, 0x3fff} : finish(env, cos_at(reduce(a)));
    return true;
}

bool f80_sincos(struct fpenv *env, struct f80 x, struct f80 *sin, struct f80 *cos)
{
    if (!f80_sin(env, x, sin))
        return false;
    return f80_cos(env, x, cos);
}

bool f80_tan(struct fpenv *env, struct f80 x, struct f80 *tan)
{
    struct fp_num a;
    struct reduced red;
    struct fp_big s, c;
    int special = trig_special(env, x, &a, tan);
    if (special || a.kind == FPK_ZERO)
        return special >= 0;
    red = reduce(a);
    s = sin_of(red.r);
    c = cos_of(red.r);
    s = red.quadrant & 1 ? big_div(c, s) : big_div(s, c);
    s.sign ^= (red.quadrant & 1) ^ a.sign;
    *tan = finish(env, s);
    return true;
}
