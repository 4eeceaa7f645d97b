/* Conversion of one element between the formats of vectors (SDM vol. 1, 11.6.3). */
#ifndef CPU_EXEC_SSE_CVT_H
#define CPU_EXEC_SSE_CVT_H

#include "cpu/exec/sse.h"

/* Element forms. */
enum form { F32, F64, INT32 };

static inline u64 element(enum form f, const union xmm *v, unsigned i)
{
    return f == F64 ? v->q[i] : v->d[i];
}

static inline u64 convert(struct fpenv *env, enum form from, enum form to, u64 x, bool trunc)
{
    const struct fp_ieee *ffrom = from == F64 ? &fp_double : &fp_single,
                         *fto = to == F64 ? &fp_double : &fp_single;
    if (from == INT32)
        return ieee_from_s64(env, fto, (s32)x);
    if (to == INT32)
        return (u32)ieee_to_int(env, ffrom, x, 32, trunc);
    return to == F64 ? f64_from_f32(env, (u32)x) : f32_from_f64(env, x);
}

#endif
