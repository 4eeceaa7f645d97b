/* SSE and SSE2 floating-point operations by the same instruction of the host, whole vectors at a
 * time: a fast path in front of the soft operations (SDM vol. 1, 10.2.3 and 11.5). */
#ifndef CPU_EXEC_SSE_HOST_H
#define CPU_EXEC_SSE_HOST_H

#include "cpu/exec/sse.h"

/* Each host_OP works on XMM register `reg` and on what the handler has read, and returns true; or
 * does nothing and returns false, on other hosts and when the guest has unmasked an exception: what
 * it sees then is decided by the soft operations.
 *
 * The host's MXCSR is the power-on value between instructions, but for flags: those stay set, and
 * an operation is done again with clear ones only when it seems to have raised a flag that the
 * guest's MXCSR lacks. Every other control of the guest is loaded for the operation and replaced
 * behind it. */
enum { MXCSR_FLAGS = 0x3f };

#if defined(__x86_64__) && !defined(CONFIG_SOFT_FP)

#include <emmintrin.h>

/* Are there host_OPs that do anything? */
enum { SSE_HOST_OPS = 1 };

/* By halves: the host waits when it reads sixteen bytes of which eight were just written. */
static inline __m128i host_vec(const union xmm *v)
{
    __m128d low = _mm_load_sd((const double *)&v->q[0]);
    return _mm_castpd_si128(_mm_loadh_pd(low, (const double *)&v->q[1]));
}

/* Runs `code`, which works on %[d] (dst, of constraint `out`) and %[s] (src, of constraint
 * `in`),
 * under the guest's MXCSR. */
#define HOST_RUN_SSE(mxcsr, code, out, dst, in, src)                                               \
    do {                                                                                           \
        u32 guest_ = *(mxcsr), csr_;                                                               \
        __typeof__(dst) r_ = (dst);                                                                \
        if (LIKELY((guest_ & ~(u32)MXCSR_FLAGS) == MXCSR_INIT)) {                                  \
            __asm__ volatile(code "\n\tstmxcsr %[csr]"                                             \
                             : [d] out(r_), [csr] "=m"(csr_)                                       \
                             : [s] in(src));                                                       \
            if (LIKELY(!(csr_ & ~guest_))) {                                                       \
                (dst) = r_;                                                                        \
                break;                                                                             \
            }                                                                                      \
            r_ = (dst);                                                                            \
        }                                                                                          \
        csr_ = guest_ & ~(u32)MXCSR_FLAGS;                                                         \
        __asm__ volatile("ldmxcsr %[csr]\n\t" code "\n\tstmxcsr %[csr]"                            \
                         : [d] out(r_), [csr] "+m"(csr_)                                           \
                         : [s] in(src));                                                           \
        if ((guest_ & ~(u32)MXCSR_FLAGS) != MXCSR_INIT)                                            \
            _mm_setcsr(MXCSR_INIT);                                                                \
        *(mxcsr) = guest_ | (csr_ & MXCSR_FLAGS);                                                  \
        (dst) = r_;                                                                                \
    } while (0)

#define HOST_INLINE static inline __attribute__((always_inline))

HOST_INLINE bool host_masked(const struct cpu *cpu)
{
    return LIKELY((cpu->mxcsr & 0x1f80) == 0x1f80);
}

/* *at = code(*at, s). */
#define VEC_HOST(name, code)                                                                       \
    HOST_INLINE bool name(struct cpu *cpu, union xmm *at, const union xmm *s)                      \
    {                                                                                              \
        __m128i d, v = host_vec(s);                                                                \
        if (!host_masked(cpu))                                                                     \
            return false;                                                                          \
        d = host_vec(at);                                                                          \
        HOST_RUN_SSE(&cpu->mxcsr, code, "+x", d, "x", v);                                          \
        _mm_storeu_si128((__m128i *)at, d);                                                        \
        return true;                                                                               \
    }

/* The same for an XMM register. */
#define SSE_HOST(name, code)                                                                       \
    VEC_HOST(hostv_##name, code)                                                                   \
    HOST_INLINE bool host_##name(struct cpu *cpu, unsigned reg, const union xmm *s)                \
    {                                                                                              \
        return hostv_##name(cpu, &cpu->xmm[reg & 15], s);                                          \
    }

/* EFLAGS from a comparison of the register with s. */
#define HOST_ORDER(before, code)                                                                   \
    __asm__ volatile(before code " %[b], %[a]\n\tstmxcsr %[csr]"                                   \
                     : [csr] "+m"(csr), "=@ccz"(z), "=@ccp"(p), "=@ccc"(c)                         \
                     : [a] "x"(a), [b] "x"(b))

#define SSE_HOST_ORDER(name, code)                                                                 \
    HOST_INLINE bool host_##name(struct cpu *cpu, unsigned reg, const union xmm *s)                \
    {                                                                                              \
        u32 guest = cpu->mxcsr, control = guest & ~(u32)MXCSR_FLAGS, csr = control;                \
        __m128i a = host_vec(&cpu->xmm[reg & 15]), b = host_vec(s);                                \
        u8 z = 0, p = 0, c = 0;                                                                    \
        if (!host_masked(cpu))                                                                     \
            return false;                                                                          \
        if (LIKELY(control == MXCSR_INIT))                                                         \
            HOST_ORDER("", code);                                                                  \
        if (UNLIKELY(control != MXCSR_INIT || (csr & ~guest))) {                                   \
            csr = control;                                                                         \
            HOST_ORDER("ldmxcsr %[csr]\n\t", code);                                                \
            if (control != MXCSR_INIT)                                                             \
                _mm_setcsr(MXCSR_INIT);                                                            \
            cpu->mxcsr = guest | (csr & MXCSR_FLAGS);                                              \
        }                                                                                          \
        cpu->af.of = 0;                                                                            \
        cpu->af.szapc = (u8)(c | p << 2 | z << 6);                                                 \
        return true;                                                                               \
    }

/* *r = an integer of `size` bytes from s. */
#define SSE_HOST_TO_INT(name, code)                                                                \
    HOST_INLINE bool host_##name(struct cpu *cpu, unsigned size, const union xmm *s, u64 *r)       \
    {                                                                                              \
        __m128i v = host_vec(s);                                                                   \
        u64 d = 0;                                                                                 \
        if (!host_masked(cpu))                                                                     \
            return false;                                                                          \
        if (size == 8)                                                                             \
            HOST_RUN_SSE(&cpu->mxcsr, code " %[s], %q[d]", "+r", d, "x", v);                       \
        else                                                                                       \
            HOST_RUN_SSE(&cpu->mxcsr, code " %[s], %k[d]", "+r", d, "x", v);                       \
        *r = d;                                                                                    \
        return true;                                                                               \
    }

/* The low lane of the register from v. */
#define SSE_HOST_FROM_INT(name, code)                                                              \
    HOST_INLINE bool host_##name(struct cpu *cpu, unsigned reg, s64 v)                             \
    {                                                                                              \
        __m128i *at = (__m128i *)&cpu->xmm[reg & 15], d;                                           \
        if (!host_masked(cpu))                                                                     \
            return false;                                                                          \
        d = host_vec(&cpu->xmm[reg & 15]);                                                         \
        HOST_RUN_SSE(&cpu->mxcsr, code " %[s], %[d]", "+x", d, "r", v);                            \
        _mm_store_si128(at, d);                                                                    \
        return true;                                                                               \
    }

#else

enum { SSE_HOST_OPS = 0 };

#define VEC_HOST(name, code)                                                                       \
    static inline bool name(struct cpu *cpu, union xmm *at, const union xmm *s)                    \
    {                                                                                              \
        return false;                                                                              \
    }
#define SSE_HOST(name, code)                                                                       \
    static inline bool host_##name(struct cpu *cpu, unsigned reg, const union xmm *s)              \
    {                                                                                              \
        return false;                                                                              \
    }
#define SSE_HOST_ORDER(name, code) SSE_HOST(name, code)
#define SSE_HOST_TO_INT(name, code)                                                                \
    static inline bool host_##name(struct cpu *cpu, unsigned size, const union xmm *s, u64 *r)     \
    {                                                                                              \
        return false;                                                                              \
    }
#define SSE_HOST_FROM_INT(name, code)                                                              \
    static inline bool host_##name(struct cpu *cpu, unsigned reg, s64 v)                           \
    {                                                                                              \
        return false;                                                                              \
    }

#endif

/* What VEC_HOST makes. */
typedef bool host_vec_fn(struct cpu *cpu, union xmm *at, const union xmm *s);
/* A host_OP of SSE_HOST. */
typedef bool host_fn(struct cpu *cpu, unsigned reg, const union xmm *s);

#endif
