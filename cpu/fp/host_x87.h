/* x87 arithmetic on the host's own unit: a fast path in front of the soft operations of f80.c (SDM
 * vol. 1, 8.1 and 8.5; private to the x87 code). */
#ifndef CPU_FP_HOST_X87_H
#define CPU_FP_HOST_X87_H

#include "cpu/fp/fp.h"

/* Each host_f80_OP(env, a, b, r) does *r = a OP b under env and returns true, or returns false with
 * nothing reported when the operands or the result are out of the ordinary: the soft operation then
 * decides. Ordinary means that the operation raised nothing but FP_PE and gave zero or a normal
 * number, so that no rule about NaNs, denormals, or masked and unmasked responses is taken from the
 * host: on such operands IEEE 754 leaves one answer.
 *
 * Clearing the host's flags is expensive. They stay set from one operation to the next, and an
 * operation is done again behind FNCLEX only when it seems to have raised something that
 * env->sticky lacks. On return the unit is as the ABI wants it: empty, control word 0x37f. */
#if defined(__x86_64__) && !defined(CONFIG_SOFT_FP)

enum { HOST_CW = 0x37f, HOST_SW_C1 = 0x200 };

/* The host's control word for env: everything masked; the reserved precision means the full one. */
static inline __attribute__((always_inline)) u16 host_f80_cw(const struct fpenv *env)
{
    unsigned prec = env->prec == 1 ? FP_PC64 : env->prec & 3u;
    return (u16)(0x7f | prec << 8 | (env->round & 3u) << 10);
}

static inline __attribute__((always_inline)) void host_f80_set(u16 cw)
{
    __asm__ volatile("fldcw %0" : : "m"(cw));
}

static inline __attribute__((always_inline)) void host_f80_clear(void)
{
    __asm__ volatile("fnclex");
}

/* May the result be delivered? Then its flags are in env. */
static inline __attribute__((always_inline)) bool host_f80_accept(struct fpenv *env,
                                                                  const struct f80 *r, u16 sw)
{
    u32 exp = r->se & 0x7fff;
    if (__builtin_expect(sw & FP_ALL & ~FP_PE, 0)) {
        host_f80_clear();
        return false;
    }
    if (__builtin_expect(exp - 1 >= 0x7ffe, 0) && (exp || r->frac))
        return false;
    env->flags |= sw & FP_PE;
    env->rounded_up = sw & HOST_SW_C1;
    return true;
}

/* `op` finds a in ST(1) and b in ST(0) and leaves its result alone on the stack. */
#define HOST_F80(name, op)                                                                         \
    static inline __attribute__((always_inline)) u16 host_f80_do_##name(                           \
        const struct f80 *a, const struct f80 *b, struct f80 *r)                                   \
    {                                                                                              \
        u16 sw;                                                                                    \
        __asm__ volatile("fldt %[a]\n\t" op "\n\tfnstsw %[sw]\n\tfstpt %[r]"                       \
                         : [r] "=m"(*r), [sw] "=a"(sw)                                             \
                         : [a] "m"(*a), [b] "m"(*b)                                                \
                         : "st", "st(1)");                                                         \
        return sw;                                                                                 \
    }                                                                                              \
    static inline __attribute__((always_inline)) bool host_f80_##name(                             \
        struct fpenv *env, const struct f80 *a, const struct f80 *b, struct f80 *r)                \
    {                                                                                              \
        u16 cw = host_f80_cw(env), sw;                                                             \
        if (__builtin_expect(cw != HOST_CW, 0))                                                    \
            host_f80_set(cw);                                                                      \
        sw = host_f80_do_##name(a, b, r);                                                          \
        if (__builtin_expect(sw & FP_ALL & ~env->sticky, 0)) {                                     \
            host_f80_clear();                                                                      \
            sw = host_f80_do_##name(a, b, r);                                                      \
        }                                                                                          \
        if (__builtin_expect(cw != HOST_CW, 0))                                                    \
            host_f80_set(HOST_CW);                                                                 \
        return host_f80_accept(env, r, sw);                                                        \
    }

#else

#define HOST_F80(name, op)                                                                         \
    static inline bool host_f80_##name(struct fpenv *env, const struct f80 *a,                     \
                                       const struct f80 *b, struct f80 *r)                         \
    {                                                                                              \
        return false;                                                                              \
    }

#endif

/* As bytes: assemblers disagree about the names of the popping forms. */
HOST_F80(add, "fldt %[b]\n\t.byte 0xde, 0xc1")
HOST_F80(sub, "fldt %[b]\n\t.byte 0xde, 0xe9")
HOST_F80(mul, "fldt %[b]\n\t.byte 0xde, 0xc9")
HOST_F80(div, "fldt %[b]\n\t.byte 0xde, 0xf9")
HOST_F80(sqrt, "fsqrt")
HOST_F80(rndint, "frndint")

#undef HOST_F80

#endif
