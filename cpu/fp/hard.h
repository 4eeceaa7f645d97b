/* Arithmetic of singles and doubles on the host's own, where that gives the same: IEEE 754 fixes
 * the result of + - * / and square root to the bit when rounding to nearest, so a host that
 * computes in the operands' format agrees with ieee_* as long as nothing but FP_PE can come of it.
 * Every function here says no to the rest: NaNs, infinities, denormals, and results near the ends
 * of the range, where overflow, underflow and flushing begin (SDM vol. 1 sections 4.9, 11.5). */
#ifndef CPU_FP_HARD_H
#define CPU_FP_HARD_H

#include "devices/core/types.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Hosts that compute doubles in a wider format round twice. */
#ifdef CONFIG_SOFT_FP
#define HARD_FLOAT 0
#else
#define HARD_FLOAT (FLT_EVAL_METHOD == 0)
#endif

enum hard_op { HARD_NONE, HARD_ADD, HARD_SUB, HARD_MUL, HARD_DIV, HARD_MIN, HARD_MAX };

/* May arithmetic go ahead under this MXCSR? Rounding to nearest, no FTZ or DAZ, everything masked,
 * and FP_PE set already: it is the one flag that is not computed. */
static inline bool hard_mxcsr(u32 mxcsr)
{
    return HARD_FLOAT && (mxcsr & 0xffe0) == 0x1fa0;
}

static inline double hard_f64(u64 v)
{
    double d;
    memcpy(&d, &v, 8);
    return d;
}
static inline u64 hard_u64(double d)
{
    u64 v;
    memcpy(&v, &d, 8);
    return v;
}
static inline float hard_f32(u32 v)
{
    float f;
    memcpy(&f, &v, 4);
    return f;
}
static inline u32 hard_u32(float f)
{
    u32 v;
    memcpy(&v, &f, 4);
    return v;
}

/* Zero or a normal number. */
static inline bool hard_plain64(u64 a)
{
    return (a >> 52 & 0x7ff) - 1 < 0x7fe || !(a << 1);
}
static inline bool hard_plain32(u32 a)
{
    return (a >> 23 & 0xff) - 1 < 0xfe || !(a << 1);
}
/* Normal, and not the least one: that may have been rounded up from a tiny value. */
static inline bool hard_normal64(u64 a)
{
    return (a >> 52 & 0x7ff) - 2 < 0x7fd;
}
static inline bool hard_normal32(u32 a)
{
    return (a >> 23 & 0xff) - 2 < 0xfd;
}

/* The two widths of *r = a op b; false: let ieee_* do it. A sum of zero is exact; a product or
 * quotient of zero is when the first operand (or a factor) is zero. */
#define HARD_BINARY(bits, type)                                                                    \
    static inline bool hard_binary##bits(enum hard_op op, u##bits a, u##bits b, u##bits *r)        \
    {                                                                                              \
        type x = hard_f##bits(a), y = hard_f##bits(b);                                             \
        bool sum = false;                                                                          \
        if (!hard_plain##bits(a) || !hard_plain##bits(b))                                          \
            return false;                                                                          \
        switch (op) {                                                                              \
        case HARD_ADD:                                                                             \
            *r = hard_u##bits(x + y);                                                              \
            sum = true;                                                                            \
            break;                                                                                 \
        case HARD_SUB:                                                                             \
            *r = hard_u##bits(x - y);                                                              \
            sum = true;                                                                            \
            break;                                                                                 \
        case HARD_MUL: *r = hard_u##bits(x * y); break;                                            \
        case HARD_DIV:                                                                             \
            if (!(b << 1))                                                                         \
                return false;                                                                      \
            *r = hard_u##bits(x / y);                                                              \
            break;                                                                                 \
        case HARD_MIN: *r = x < y ? a : b; return true;                                            \
        case HARD_MAX: *r = x > y ? a : b; return true;                                            \
        default: return false;                                                                     \
        }                                                                                          \
        return hard_normal##bits(*r) ||                                                            \
               (!(*r << 1) && (sum || !(a << 1) || (op == HARD_MUL && !(b << 1))));                \
    }
HARD_BINARY(64, double)
HARD_BINARY(32, float)

static inline bool hard_sqrt64(u64 a, u64 *r)
{
    if (!hard_plain64(a) || a >> 63)
        return false;
    *r = hard_u64(sqrt(hard_f64(a)));
    return true;
}
static inline bool hard_sqrt32(u32 a, u32 *r)
{
    if (!hard_plain32(a) || a >> 31)
        return false;
    *r = hard_u32(sqrtf(hard_f32(a)));
    return true;
}

/* To a signed 32-bit integer, cut. With an inexact result only when `inexact_ok` (FP_PE is set
 * already). */
static inline bool hard_trunc64(u64 a, bool inexact_ok, s32 *v)
{
    double d = hard_f64(a);
    if (!HARD_FLOAT || !hard_plain64(a) || !(d > -2147483648.0 && d < 2147483647.0))
        return false;
    *v = (s32)d;
    return inexact_ok || (double)*v == d;
}

#endif
