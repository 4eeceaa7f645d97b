/* x87 double-extended arithmetic: operand classes, NaN rules, the basic operations and comparisons
 * (SDM vol. 1, 4.8, 8.5). */
#include "cpu/fp/core.h"
#include "cpu/fp/host_x87.h"

static const struct fp_fmt formats[4] = {
    [FP_PC24] = {24, -16382, 16383, 24576},
    [1] = {64, -16382, 16383, 24576},
    [FP_PC53] = {53, -16382, 16383, 24576},
    [FP_PC64] = {64, -16382, 16383, 24576},
};

struct fp_num f80_unpack(struct f80 a)
{
    u32 exp = a.se & 0x7fff;
    struct fp_num n = {.sign = a.se >> 15, .sig = a.frac};
    if (exp == 0x7fff) {
        if (!(a.frac & FP_MSB))
            n.kind = FPK_BAD;
        else if (a.frac == FP_MSB)
            n.kind = FPK_INF;
        else
            n.kind = a.frac & FP_MSB >> 1 ? FPK_QNAN : FPK_SNAN;
    } else if (exp) {
        n.kind = a.frac & FP_MSB ? FPK_FINITE : FPK_BAD;
        n.exp = (s32)exp - 16383;
    } else if (a.frac) {
        unsigned shift = (unsigned)__builtin_clzll(a.frac);
        n.kind = FPK_FINITE;
        n.denormal = true;
        n.exp = -16382 - (s32)shift;
        n.sig <<= shift;
    }
    return n;
}

struct f80 f80_round_prec(struct fpenv *env, u8 prec, struct fp_big v)
{
    struct fp_out o = fp_round(env, &formats[prec & 3], v);
    return (struct f80){o.sig, (u16)(v.sign << 15 | o.exp)};
}

struct f80 f80_invalid(struct fpenv *env)
{
    env->flags |= FP_IE;
    return F80_INDEFINITE;
}

bool f80_denormal(struct fpenv *env, bool denormal)
{
    if (denormal)
        env->flags |= FP_DE;
    return denormal && (env->unmasked & FP_DE);
}

static struct f80 quiet(struct f80 a)
{
    a.frac |= FP_MSB >> 1;
    return a;
}

bool f80_nan1(struct fpenv *env, struct f80 a, struct fp_num na, struct f80 *r)
{
    env->rounded_up = false;
    if (na.kind == FPK_BAD) {
        *r = f80_invalid(env);
        return true;
    }
    if (na.kind == FPK_SNAN)
        env->flags |= FP_IE;
    if (fp_is_nan(na))
        *r = quiet(a);
    return fp_is_nan(na);
}

bool f80_nan2(struct fpenv *env, struct f80 a, struct f80 b, struct fp_num na, struct fp_num nb,
              struct f80 *r)
{
    env->rounded_up = false;
    if (na.kind == FPK_BAD || nb.kind == FPK_BAD) {
        *r = f80_invalid(env);
        return true;
    }
    if (na.kind == FPK_SNAN || nb.kind == FPK_SNAN)
        env->flags |= FP_IE;
    if (!fp_is_nan(na) && !fp_is_nan(nb))
        return false;
    if (!fp_is_nan(na))
        *r = quiet(b);
    else if (!fp_is_nan(nb))
        *r = quiet(a);
    else if (na.kind != nb.kind) /* a quiet NaN wins over a signalling one */
        *r = na.kind == FPK_QNAN ? a : b;
    else if (a.frac != b.frac)
        *r = quiet(a.frac > b.frac ? a : b);
    else
        *r = quiet(na.sign ? b : a);
    return true;
}

static struct f80 add(struct fpenv *env, struct f80 x, struct f80 y, bool sub)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    struct f80 r;
    if (f80_nan2(env, x, y, a, b, &r))
        return r;
    b.sign ^= sub;
    if (a.kind == FPK_INF && b.kind == FPK_INF && a.sign != b.sign)
        return f80_invalid(env);
    if (f80_denormal(env, a.denormal || b.denormal))
        return x;
    if (a.kind == FPK_INF || b.kind == FPK_INF)
        return f80_inf(a.kind == FPK_INF ? a.sign : b.sign);
    return f80_round_prec(env, env->prec, fp_add(a, b, env->round));
}

struct f80 f80_add_soft(struct fpenv *env, struct f80 a, struct f80 b)
{
    return add(env, a, b, false);
}

struct f80 f80_sub_soft(struct fpenv *env, struct f80 a, struct f80 b)
{
    return add(env, a, b, true);
}

struct f80 f80_mul_soft(struct fpenv *env, struct f80 x, struct f80 y)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    struct f80 r;
    if (f80_nan2(env, x, y, a, b, &r))
        return r;
    if ((a.kind == FPK_INF && b.kind == FPK_ZERO) || (a.kind == FPK_ZERO && b.kind == FPK_INF))
        return f80_invalid(env);
    if (f80_denormal(env, a.denormal || b.denormal))
        return x;
    if (a.kind == FPK_INF || b.kind == FPK_INF)
        return f80_inf(a.sign != b.sign);
    return f80_round_prec(env, env->prec, fp_mul(a, b));
}

struct f80 f80_div_soft(struct fpenv *env, struct f80 x, struct f80 y)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    bool sign = a.sign != b.sign;
    struct f80 r;
    if (f80_nan2(env, x, y, a, b, &r))
        return r;
    if (a.kind == b.kind && a.kind != FPK_FINITE)
        return f80_invalid(env);
    if (b.kind == FPK_ZERO && a.kind == FPK_FINITE) {
        env->flags |= FP_ZE; /* takes the place of a denormal dividend's report */
        return f80_inf(sign);
    }
    if (f80_denormal(env, a.denormal || b.denormal))
        return x;
    if (a.kind == FPK_INF)
        return f80_inf(sign);
    if (b.kind == FPK_INF)
        return f80_zero(sign);
    return f80_round_prec(env, env->prec, fp_div(a, b));
}

struct f80 f80_sqrt_soft(struct fpenv *env, struct f80 x)
{
    struct fp_num a = f80_unpack(x);
    struct f80 r;
    if (f80_nan1(env, x, a, &r))
        return r;
    if (a.kind == FPK_ZERO)
        return x;
    if (a.sign)
        return f80_invalid(env);
    if (f80_denormal(env, a.denormal) || a.kind == FPK_INF)
        return x;
    return f80_round_prec(env, env->prec, fp_sqrt(a));
}

struct f80 f80_rndint_soft(struct fpenv *env, struct f80 x)
{
    struct fp_num a = f80_unpack(x);
    bool over, inexact, up;
    struct f80 r;
    u64 v;
    if (f80_nan1(env, x, a, &r))
        return r;
    if (a.kind != FPK_FINITE || f80_denormal(env, a.denormal) || a.exp >= 63)
        return x;
    v = fp_to_u64(a, env->round, &over, &inexact, &up);
    r = f80_round_prec(env, FP_PC64, fp_normal((struct fp_big){a.sign, 127, v}));
    if (inexact)
        env->flags |= FP_PE;
    env->rounded_up = up;
    return r;
}

enum fp_order f80_compare_soft(struct fpenv *env, struct f80 x, struct f80 y, bool quiet_nan)
{
    struct fp_num a = f80_unpack(x), b = f80_unpack(y);
    env->rounded_up = false;
    if (a.kind == FPK_BAD || b.kind == FPK_BAD || fp_is_nan(a) || fp_is_nan(b)) {
        if (!quiet_nan || a.kind >= FPK_SNAN || b.kind >= FPK_SNAN)
            env->flags |= FP_IE;
        return FP_UNORDERED;
    }
    if (a.denormal || b.denormal)
        env->flags |= FP_DE;
    return fp_order(a, b);
}

/* ---- the fast paths: the host's unit, and integer comparison of ordinary numbers ---- */
#define BINARY(name)                                                                               \
    struct f80 f80_##name(struct fpenv *env, struct f80 a, struct f80 b)                           \
    {                                                                                              \
        struct f80 r;                                                                              \
        return host_f80_##name(env, &a, &b, &r) ? r : f80_##name##_soft(env, a, b);                \
    }
#define UNARY(name)                                                                                \
    struct f80 f80_##name(struct fpenv *env, struct f80 a)                                         \
    {                                                                                              \
        struct f80 r;                                                                              \
        return host_f80_##name(env, &a, &a, &r) ? r : f80_##name##_soft(env, a);                   \
    }
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
UNARY(sqrt)
UNARY(rndint)

enum fp_order f80_compare(struct fpenv *env, struct f80 a, struct f80 b, bool quiet_nan)
{
    bool less;
    if (UNLIKELY(!f80_plain(a) || !f80_plain(b)))
        return f80_compare_soft(env, a, b, quiet_nan);
    env->rounded_up = false;
    if (a.frac == b.frac && (a.se == b.se || !a.frac))
        return FP_EQUAL;
    if ((a.se ^ b.se) & 0x8000)
        less = a.se >> 15;
    else /* a zero has the smallest exponent */
        less = (a.se != b.se ? a.se < b.se : a.frac < b.frac) != a.se >> 15;
    return less ? FP_LESS : FP_GREATER;
}

enum f80_class f80_classify(struct f80 a)
{
    static const u8 classes[] = {
        [FPK_ZERO] = F80_ZERO, [FPK_FINITE] = F80_NORMAL, [FPK_INF] = F80_INF,
        [FPK_QNAN] = F80_NAN,  [FPK_SNAN] = F80_NAN,      [FPK_BAD] = F80_UNSUPPORTED};
    struct fp_num n = f80_unpack(a);
    return n.denormal ? F80_DENORMAL : classes[n.kind];
}

struct f80 f80_const(const struct fpenv *env, enum f80_const c)
{
    /* The significands truncated to 64 bits, and what nearest rounding adds to them. */
    static const struct {
        struct f80 v;
        u8 up;
    } consts[] = {
        [F80_1] = {{FP_MSB, 0x3fff}, 0},
        [F80_L2T] = {{0xd49a784bcd1b8afe, 0x4000}, 0},
        [F80_L2E] = {{0xb8aa3b295c17f0bb, 0x3fff}, 1},
        [F80_PI] = {{0xc90fdaa22168c234, 0x4000}, 1},
        [F80_LG2] = {{0x9a209a84fbcff798, 0x3ffd}, 1},
        [F80_LN2] = {{0xb17217f7d1cf79ab, 0x3ffe}, 1},
        [F80_0] = {{0, 0}, 0},
    };
    struct f80 v = consts[c].v;
    if (c != F80_1 && c != F80_0)
        v.frac += env->round == RC_NEAREST ? consts[c].up : env->round == RC_UP;
    return v;
}

struct f80 f80_chs(struct f80 a)
{
    a.se ^= 0x8000;
    return a;
}

struct f80 f80_abs(struct f80 a)
{
    a.se &= 0x7fff;
    return a;
}
