/* The soft single and double precision operations against the host's SSE unit: results and MXCSR
 * flags, bit for bit. */
#include "cpu/fp/fp.h"
#include "tests/unit/fp_cases.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S &fp_single
#define D &fp_double

/* ---- approximations: their error, on every host ---- */
START_TEST(test_rcp_error)
{
    u64 seed = 99;
    for (int i = 0; i < 300000; i++) {
        u32 exp = 2 + (u32)(rnd(&seed) % 250), x = (u32)(rnd(&seed) & 0x807fffff) | exp << 23;
        struct fpenv env = {0};
        /* |x * r - 1| must stay below 1.5 * 2^-12. */
        u64 p = ieee_sub(&env, D,
                         ieee_mul(&env, D, f64_from_f32(&env, x), f64_from_f32(&env, f32_rcp(x))),
                         0x3ff0000000000000);
        ck_assert_uint_lt(p & ~(1ull << 63), 0x3f38000000000000);
    }
    ck_assert_uint_eq(f32_rcp(0x80000000), 0xff800000);
    ck_assert_uint_eq(f32_rcp(0x00000001), 0x7f800000);
    ck_assert_uint_eq(f32_rcp(0x7f800000), 0);
    ck_assert_uint_eq(f32_rcp(0x7f7fffff), 0);
    ck_assert_uint_eq(f32_rcp(0x7f800001), 0x7fc00001);
}
END_TEST

START_TEST(test_rsqrt_error)
{
    u64 seed = 98;
    for (int i = 0; i < 300000; i++) {
        u32 exp = 1 + (u32)(rnd(&seed) % 254), x = (u32)(rnd(&seed) & 0x007fffff) | exp << 23;
        struct fpenv env = {0};
        u64 r = f64_from_f32(&env, f32_rsqrt(x));
        /* x r^2 - 1 is twice the relative error. */
        u64 p = ieee_sub(&env, D, ieee_mul(&env, D, f64_from_f32(&env, x), ieee_mul(&env, D, r, r)),
                         0x3ff0000000000000);
        ck_assert_uint_lt(p & ~(1ull << 63), 0x3f48000000000000);
    }
    ck_assert_uint_eq(f32_rsqrt(0x80000000), 0xff800000);
    ck_assert_uint_eq(f32_rsqrt(0x80000001), 0xff800000);
    ck_assert_uint_eq(f32_rsqrt(0xbf800000), 0xffc00000);
    ck_assert_uint_eq(f32_rsqrt(0x7f800000), 0);
    ck_assert_uint_eq(f32_rsqrt(0xff800000), 0xffc00000);
}
END_TEST

#ifdef __x86_64__

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

struct io {
    u64 a, b; /* b is the destination's old value and the first operand, as in `op a, b` of AT&T
                 syntax */
    u32 mxcsr;
};

/* An unmasked exception arrives as SIGFPE: its MXCSR is in the signal frame, the result is the old
 * value. */
static sigjmp_buf trap;
static volatile u32 trap_mxcsr;

static void on_fpe(int sig, siginfo_t *info, void *ctx)
{
    /* The frame's first bytes of the FXSAVE image; MXCSR is at offset 24. */
    const u8 *fx = (const u8 *)((ucontext_t *)ctx)->uc_mcontext.fpregs;
    u32 v;
    memcpy(&v, fx + 24, 4);
    trap_mxcsr = v;
    siglongjmp(trap, 1);
}

typedef void host_fn(struct io *io);
typedef u64 soft_fn(struct fpenv *env, u64 first, u64 second);

#define HOST(name, op)                                                                             \
    static void host_##name(struct io *io)                                                         \
    {                                                                                              \
        u32 plain = 0x1f80;                                                                        \
        if (sigsetjmp(trap, 1)) {                                                                  \
            io->mxcsr = trap_mxcsr;                                                                \
            return;                                                                                \
        }                                                                                          \
        __asm__ volatile("movq %[a], %%xmm1\n movq %[b], %%xmm0\n ldmxcsr %[mxcsr]\n" op           \
                         "\n stmxcsr %[mxcsr]\n"                                                   \
                         "ldmxcsr %[plain]\n movq %%xmm0, %[b]\n"                                  \
                         : [b] "+m"(io->b), [mxcsr] "+m"(io->mxcsr)                                \
                         : [a] "m"(io->a), [plain] "m"(plain)                                      \
                         : "xmm0", "xmm1", "rax", "memory", "cc");                                 \
    }

#define BINARY(op)                                                                                 \
    HOST(op##ss, #op "ss %%xmm1, %%xmm0")                                                          \
    HOST(op##sd, #op "sd %%xmm1, %%xmm0")                                                          \
    static u64 soft_##op##ss(struct fpenv *e, u64 a, u64 b)                                        \
    {                                                                                              \
        return (a & ~0xffffffffull) | ieee_##op(e, S, (u32)a, (u32)b);                             \
    }                                                                                              \
    static u64 soft_##op##sd(struct fpenv *e, u64 a, u64 b)                                        \
    {                                                                                              \
        return ieee_##op(e, D, a, b);                                                              \
    }
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(min)
BINARY(max)

HOST(sqrtss, "sqrtss %%xmm1, %%xmm0")
HOST(sqrtsd, "sqrtsd %%xmm1, %%xmm0")
static u64 soft_sqrtss(struct fpenv *e, u64 a, u64 b)
{
    return (a & ~0xffffffffull) | ieee_sqrt(e, S, (u32)b);
}
static u64 soft_sqrtsd(struct fpenv *e, u64 a, u64 b)
{
    return ieee_sqrt(e, D, b);
}

#define CMP(n)                                                                                     \
    HOST(cmpss##n, "cmpss $" #n ", %%xmm1, %%xmm0")                                                \
    HOST(cmpsd##n, "cmpsd $" #n ", %%xmm1, %%xmm0")                                                \
    static u64 soft_cmpss##n(struct fpenv *e, u64 a, u64 b)                                        \
    {                                                                                              \
        return (a & ~0xffffffffull) | (ieee_cmp(e, S, (u32)a, (u32)b, n) ? 0xffffffff : 0);        \
    }                                                                                              \
    static u64 soft_cmpsd##n(struct fpenv *e, u64 a, u64 b)                                        \
    {                                                                                              \
        return ieee_cmp(e, D, a, b, n) ? ~0ull : 0;                                                \
    }
CMP(0)
CMP(1)
CMP(2)
CMP(3)
CMP(4)
CMP(5)
CMP(6)
CMP(7)

#define FLAGS "\n pushfq\n popq %%rax\n movq %%rax, %%xmm0"
HOST(comiss, "comiss %%xmm1, %%xmm0" FLAGS)
HOST(comisd, "comisd %%xmm1, %%xmm0" FLAGS)
HOST(ucomiss, "ucomiss %%xmm1, %%xmm0" FLAGS)
HOST(ucomisd, "ucomisd %%xmm1, %%xmm0" FLAGS)
/* ZF, PF and CF of an order; the host's other flags are masked in the comparison. */
static u64 eflags(enum fp_order o)
{
    static const u8 f[] = {0x01, 0x40, 0x00, 0x45};
    return f[o];
}
static u64 soft_comiss(struct fpenv *e, u64 a, u64 b)
{
    return eflags(ieee_order(e, S, (u32)a, (u32)b, false));
}
static u64 soft_comisd(struct fpenv *e, u64 a, u64 b)
{
    return eflags(ieee_order(e, D, a, b, false));
}
static u64 soft_ucomiss(struct fpenv *e, u64 a, u64 b)
{
    return eflags(ieee_order(e, S, (u32)a, (u32)b, true));
}
static u64 soft_ucomisd(struct fpenv *e, u64 a, u64 b)
{
    return eflags(ieee_order(e, D, a, b, true));
}

#define TO_INT(op, fmt, cut, trunc)                                                                \
    HOST(op##l, #op " %%xmm1, %%eax\n movq %%rax, %%xmm0")                                         \
    HOST(op##q, #op " %%xmm1, %%rax\n movq %%rax, %%xmm0")                                         \
    static u64 soft_##op##l(struct fpenv *e, u64 a, u64 b)                                         \
    {                                                                                              \
        return (u32)ieee_to_int(e, fmt, cut b, 32, trunc);                                         \
    }                                                                                              \
    static u64 soft_##op##q(struct fpenv *e, u64 a, u64 b)                                         \
    {                                                                                              \
        return (u64)ieee_to_int(e, fmt, cut b, 64, trunc);                                         \
    }
TO_INT(cvtss2si, S, (u32), false)
TO_INT(cvttss2si, S, (u32), true)
TO_INT(cvtsd2si, D, (u64), false)
TO_INT(cvttsd2si, D, (u64), true)

HOST(cvtsi2ssl, "movq %%xmm1, %%rax\n cvtsi2ss %%eax, %%xmm0")
HOST(cvtsi2ssq, "movq %%xmm1, %%rax\n cvtsi2ss %%rax, %%xmm0")
HOST(cvtsi2sdl, "movq %%xmm1, %%rax\n cvtsi2sd %%eax, %%xmm0")
HOST(cvtsi2sdq, "movq %%xmm1, %%rax\n cvtsi2sd %%rax, %%xmm0")
static u64 soft_cvtsi2ssl(struct fpenv *e, u64 a, u64 b)
{
    return (a & ~0xffffffffull) | ieee_from_s64(e, S, (s32)b);
}
static u64 soft_cvtsi2ssq(struct fpenv *e, u64 a, u64 b)
{
    return (a & ~0xffffffffull) | ieee_from_s64(e, S, (s64)b);
}
static u64 soft_cvtsi2sdl(struct fpenv *e, u64 a, u64 b)
{
    return ieee_from_s64(e, D, (s32)b);
}
static u64 soft_cvtsi2sdq(struct fpenv *e, u64 a, u64 b)
{
    return ieee_from_s64(e, D, (s64)b);
}

HOST(cvtss2sd, "cvtss2sd %%xmm1, %%xmm0")
HOST(cvtsd2ss, "cvtsd2ss %%xmm1, %%xmm0")
static u64 soft_cvtss2sd(struct fpenv *e, u64 a, u64 b)
{
    return f64_from_f32(e, (u32)b);
}
static u64 soft_cvtsd2ss(struct fpenv *e, u64 a, u64 b)
{
    return (a & ~0xffffffffull) | f32_from_f64(e, b);
}

#define ROUND(n)                                                                                   \
    HOST(roundss##n, "roundss $" #n ", %%xmm1, %%xmm0")                                            \
    HOST(roundsd##n, "roundsd $" #n ", %%xmm1, %%xmm0")                                            \
    static u64 soft_roundss##n(struct fpenv *e, u64 a, u64 b)                                      \
    {                                                                                              \
        return (a & ~0xffffffffull) | ieee_rndint(e, S, (u32)b, (n)&4 ? e->round : (n)&3, (n)&8);  \
    }                                                                                              \
    static u64 soft_roundsd##n(struct fpenv *e, u64 a, u64 b)                                      \
    {                                                                                              \
        return ieee_rndint(e, D, b, (n)&4 ? e->round : (n)&3, (n)&8);                              \
    }
ROUND(0)
ROUND(1)
ROUND(2)
ROUND(3)
ROUND(4)
ROUND(12)

enum kind { SINGLE, DOUBLE, INTEGER };

static const struct op {
    const char *name;
    host_fn *host;
    soft_fn *soft;
    u8 kind;
    bool flags; /* the result is EFLAGS */
    bool sse41;
} ops[] = {
#define ROW(n, kind, flags, sse41)                                                                 \
    {                                                                                              \
#n, host_##n, soft_##n, kind, flags, sse41                                                 \
    }
#define PAIR(n)       ROW(n##ss, SINGLE, false, false), ROW(n##sd, DOUBLE, false, false)
#define CMPS(n)       ROW(cmpss##n, SINGLE, false, false), ROW(cmpsd##n, DOUBLE, false, false)
#define INTS(n, kind) ROW(n##l, kind, false, false), ROW(n##q, kind, false, false)
#define ROUNDS(n)     ROW(roundss##n, SINGLE, false, true), ROW(roundsd##n, DOUBLE, false, true)
    PAIR(add),
    PAIR(sub),
    PAIR(mul),
    PAIR(div),
    PAIR(min),
    PAIR(max),
    PAIR(sqrt),
    CMPS(0),
    CMPS(1),
    CMPS(2),
    CMPS(3),
    CMPS(4),
    CMPS(5),
    CMPS(6),
    CMPS(7),
    ROW(comiss, SINGLE, true, false),
    ROW(comisd, DOUBLE, true, false),
    ROW(ucomiss, SINGLE, true, false),
    ROW(ucomisd, DOUBLE, true, false),
    INTS(cvtss2si, SINGLE),
    INTS(cvttss2si, SINGLE),
    INTS(cvtsd2si, DOUBLE),
    INTS(cvttsd2si, DOUBLE),
    INTS(cvtsi2ss, INTEGER),
    INTS(cvtsi2sd, INTEGER),
    ROW(cvtss2sd, SINGLE, false, false),
    ROW(cvtsd2ss, DOUBLE, false, false),
    ROUNDS(0),
    ROUNDS(1),
    ROUNDS(2),
    ROUNDS(3),
    ROUNDS(4),
    ROUNDS(12),
};

static u64 operand(u64 *seed, u8 kind)
{
    u64 hi;
    switch (kind) {
    case SINGLE: hi = rnd(seed) << 32; return hi | rnd_ieee(seed, 23, 8);
    case DOUBLE: return rnd_ieee(seed, 52, 11);
    default: hi = rnd(seed) & 63; return rnd_bits(seed) >> hi;
    }
}

/* One random case; with `traps`, some exceptions are unmasked. */
static bool one_case(const struct op *op, u64 *seed, bool traps)
{
    u64 r = rnd(seed), a = operand(seed, op->kind), b = operand(seed, op->kind), got;
    struct fpenv env = {.round = r & 3, .daz = (r >> 2 & 7) == 0, .ftz = (r >> 5 & 7) == 0};
    struct io io = {.a = a, .b = b};
    u32 sw;
    if (traps)
        env.unmasked = r >> 16 & FP_ALL;
    if (env.unmasked & FP_UE)
        env.ftz = false; /* FTZ counts only while underflow is masked: see the case below */
    io.mxcsr = (u32)(FP_ALL & ~env.unmasked) << 7 | (u32)env.round << 13 | (u32)env.ftz << 15 |
               (u32)env.daz << 6;
    if ((env.unmasked & FP_UE) && (r >> 24 & 1))
        io.mxcsr |= 1u << 15;
    u32 mxcsr = io.mxcsr;
    op->host(&io);
    got = op->soft(&env, b, a);
    sw = env.flags;
    if (env.flags & env.unmasked & FP_PRE)
        sw &= FP_PRE;
    if (env.flags & env.unmasked)
        got = b;
    else if (op->flags)
        io.b &= 0x45;
    if (got == io.b && sw == (io.mxcsr & FP_ALL))
        return true;
    printf("%s mxcsr %04x first %016llx second %016llx\n  host %016llx flags %02x\n  soft %016llx "
           "flags %02x\n",
           op->name, mxcsr, (unsigned long long)b, (unsigned long long)a, (unsigned long long)io.b,
           io.mxcsr & FP_ALL, (unsigned long long)got, sw);
    return false;
}

START_TEST(test_against_host)
{
    const struct op *op = &ops[_i];
    u64 seed = 0xabcdef + (u64)_i;
    int n = getenv("FP_CASES") ? atoi(getenv("FP_CASES")) : 30000, bad = 0;
    struct sigaction sa = {.sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO};
    if (op->sse41 && !__builtin_cpu_supports("sse4.1"))
        return;
    sigaction(SIGFPE, &sa, NULL);
    for (int i = 0; i < n && bad < 8; i++)
        bad += !one_case(op, &seed, false);
    for (int i = 0; i < n / 10 && bad < 8; i++)
        bad += !one_case(op, &seed, true);
    ck_assert_msg(!bad, "%s differs from the host", op->name);
}
END_TEST

#endif

int main(void)
{
    Suite *suite = suite_create("fp_sse");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;
    setvbuf(stdout, NULL, _IONBF, 0);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_rcp_error);
    tcase_add_test(tc, test_rsqrt_error);
#ifdef __x86_64__
    tcase_add_loop_test(tc, test_against_host, 0, ARRAY_LEN(ops));
#else
    puts("fp_sse: not an x86-64 host, no comparison with it");
#endif
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
