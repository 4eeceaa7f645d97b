/* Fused multiply-add and half precision: what AVX's companions FMA and F16C compute (SDM vol. 1,
 * 14.4.1 and 14.5). */
#include "cpu/fp/core.h"

u64 ieee_fma(struct fpenv *env, const struct fp_ieee *f, u64 x, u64 y, u64 z, bool neg_ab,
             bool neg_c)
{
    struct fp_num a = ieee_operand(env, f, x), b = ieee_operand(env, f, y),
                  c = ieee_operand(env, f, z);
    bool sign = (a.sign != b.sign) != neg_ab;
    bool no_product =
        (a.kind == FPK_INF && b.kind == FPK_ZERO) || (a.kind == FPK_ZERO && b.kind == FPK_INF);
    if (a.kind == FPK_SNAN || b.kind == FPK_SNAN || c.kind == FPK_SNAN)
        env->flags |= FP_IE;
    if (fp_is_nan(a) || fp_is_nan(b))
        return ieee_nan(f, fp_is_nan(a) ? a : b);
    if (fp_is_nan(c)) /* infinity times zero is not invalid then */
        return ieee_nan(f, c);
    c.sign = c.sign != neg_c;
    if (no_product)
        return ieee_invalid(env, f);
    if ((a.kind == FPK_INF || b.kind == FPK_INF) && c.kind == FPK_INF && sign != c.sign)
        return ieee_invalid(env, f);
    if (a.denormal || b.denormal || c.denormal) {
        env->flags |= FP_DE;
        if (env->unmasked & FP_DE)
            return 0;
    }
    if (a.kind == FPK_INF || b.kind == FPK_INF)
        return ieee_infinity(f, sign);
    if (c.kind == FPK_INF)
        return ieee_infinity(f, c.sign);
    a.sign = a.sign != neg_ab;
    return ieee_finish(env, f, fp_muladd(a, b, c, env->round));
}

u32 f32_from_f16(struct fpenv *env, u16 x)
{
    struct fp_num a = ieee_unpack(&fp_half, x);
    if (a.kind == FPK_SNAN)
        env->flags |= FP_IE;
    if (fp_is_nan(a))
        return (u32)ieee_nan(&fp_single, a);
    if (a.kind == FPK_INF)
        return (u32)ieee_infinity(&fp_single, a.sign);
    return (u32)ieee_finish(env, &fp_single, fp_widen(a)); /* always exact */
}

u16 f16_from_f32(struct fpenv *env, u32 x)
{
    struct fp_num a = ieee_operand(env, &fp_single, x);
    bool ftz = env->ftz;
    u16 r;
    if (a.kind == FPK_SNAN)
        env->flags |= FP_IE;
    if (fp_is_nan(a))
        return (u16)ieee_nan(&fp_half, a);
    if (a.kind == FPK_INF)
        return (u16)ieee_infinity(&fp_half, a.sign);
    if (a.denormal) {
        env->flags |= FP_DE;
        if (env->unmasked & FP_DE)
            return 0;
    }
    env->ftz = false;
    r = (u16)ieee_finish(env, &fp_half, fp_widen(a));
    env->ftz = ftz;
    return r;
}
