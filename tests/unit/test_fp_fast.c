/* The fast paths of the x87 arithmetic against the soft operations behind them: results, flags and
 * C1, over all rounding and precision controls, and whatever the host's unit remembers. */
#include "cpu/fp/fp.h"
#include "tests/unit/fp_cases.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* An operation's answer as bits. */
typedef struct f80 op_fn(struct fpenv *env, struct f80 a, struct f80 b);

#define BINARY(name)                                                                               \
    static struct f80 fast_##name(struct fpenv *e, struct f80 a, struct f80 b)                     \
    {                                                                                              \
        return f80_##name(e, a, b);                                                                \
    }                                                                                              \
    static struct f80 soft_##name(struct fpenv *e, struct f80 a, struct f80 b)                     \
    {                                                                                              \
        return f80_##name##_soft(e, a, b);                                                         \
    }

#define VALUE(name, expr_fast, expr_soft)                                                          \
    static struct f80 fast_##name(struct fpenv *e, struct f80 a, struct f80 b)                     \
    {                                                                                              \
        return (struct f80){(u64)(expr_fast), 0};                                                  \
    }                                                                                              \
    static struct f80 soft_##name(struct fpenv *e, struct f80 a, struct f80 b)                     \
    {                                                                                              \
        return (struct f80){(u64)(expr_soft), 0};                                                  \
    }

#define UNARY(name)                                                                                \
    static struct f80 fast_##name(struct fpenv *e, struct f80 a, struct f80 b)                     \
    {                                                                                              \
        return f80_##name(e, a);                                                                   \
    }                                                                                              \
    static struct f80 soft_##name(struct fpenv *e, struct f80 a, struct f80 b)                     \
    {                                                                                              \
        return f80_##name##_soft(e, a);                                                            \
    }

BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
UNARY(sqrt)
UNARY(rndint)
VALUE(com, f80_compare(e, a, b, false), f80_compare_soft(e, a, b, false))
VALUE(ucom, f80_compare(e, a, b, true), f80_compare_soft(e, a, b, true))
VALUE(f32, f80_to_f32(e, a), f80_to_f32_soft(e, a))
VALUE(f64, f80_to_f64(e, a), f80_to_f64_soft(e, a))
VALUE(int16, f80_to_int(e, a, 16, false), f80_to_int_soft(e, a, 16, false))
VALUE(int32, f80_to_int(e, a, 32, false), f80_to_int_soft(e, a, 32, false))
VALUE(int64, f80_to_int(e, a, 64, false), f80_to_int_soft(e, a, 64, false))
VALUE(trunc, f80_to_int(e, a, 32, true), f80_to_int_soft(e, a, 32, true))

static const struct op {
    const char *name;
    op_fn *fast, *soft;
} ops[] = {
#define ROW(n)                                                                                     \
    {                                                                                              \
#n, fast_##n, soft_##n                                                                     \
    }
    ROW(add), ROW(sub), ROW(mul), ROW(div),   ROW(sqrt),  ROW(rndint), ROW(com),
    ROW(ucom), ROW(f32), ROW(f64), ROW(int16), ROW(int32), ROW(int64),  ROW(trunc),
};

/* Operands of which half are near each other and near one, so that sums cancel and quotients are
 * exact. */
static void operands(u64 *seed, u64 r, struct f80 *a, struct f80 *b)
{
    *a = rnd_f80(seed);
    *b = rnd_f80(seed);
    if (r & 1) {
        a->frac = (a->frac & ~0ull << (r >> 8 & 63)) | 1ull << 63;
        b->frac = (b->frac & ~0ull << (r >> 14 & 63)) | 1ull << 63;
        a->se = (u16)((a->se & 0x8000) | (0x3ff0 + (r >> 20 & 31)));
        b->se = (u16)((b->se & 0x8000) | (0x3ff0 + (r >> 25 & 31)));
    }
    if ((r >> 1 & 15) == 0)
        *b = *a;
    if ((r >> 1 & 15) == 1)
        *b = f80_chs(*a);
}

static void describe(const char *who, struct f80 v, const struct fpenv *e)
{
    printf("  %s %04x:%016llx flags %02x up %d\n", who, v.se, (unsigned long long)v.frac, e->flags,
           e->rounded_up);
}

START_TEST(test_same)
{
    const struct op *op = &ops[_i];
    u64 seed = 0xd1b54a32d192ed03ull + (u64)_i;
    int n = getenv("FP_CASES") ? atoi(getenv("FP_CASES")) : 200000, bad = 0;
    for (int i = 0; i < n && bad < 8; i++) {
        u64 r = rnd(&seed);
        struct fpenv soft = {.round = r >> 32 & 3, .prec = r >> 34 & 3}, fast;
        struct f80 a, b, rs, rf;
        operands(&seed, r, &a, &b);
        if ((r >> 36 & 3) == 0)
            soft.unmasked = r >> 38 & FP_ALL;
        fast = soft;
        /* A flag that is set and masked already may be reported again. */
        if (r >> 44 & 1 && !(soft.unmasked & FP_PE))
            fast.sticky = fast.flags = soft.flags = FP_PE;
        rs = op->soft(&soft, a, b);
        rf = op->fast(&fast, a, b);
        if (soft.flags == fast.flags && soft.flags & soft.unmasked & FP_PRE)
            continue; /* no result */
        if (rs.frac == rf.frac && rs.se == rf.se && soft.flags == fast.flags &&
            soft.rounded_up == fast.rounded_up)
            continue;
        printf("%s round %u prec %u unmasked %02x: %04x:%016llx %04x:%016llx\n", op->name,
               soft.round, soft.prec, soft.unmasked, a.se, (unsigned long long)a.frac, b.se,
               (unsigned long long)b.frac);
        describe("soft", rs, &soft);
        describe("fast", rf, &fast);
        bad++;
    }
    ck_assert_msg(!bad, "%s: the fast path differs", op->name);
}
END_TEST

#ifdef __x86_64__
/* The host's control word must be what compiled code expects, and its stack empty. */
START_TEST(test_host_left_alone)
{
    struct fpenv env = {.round = RC_UP, .prec = FP_PC24};
    u16 image[14];
    f80_div(&env, f80_from_s64(1), f80_from_s64(3));
    f80_sqrt(&env, f80_from_s64(-1));
    __asm__ volatile("fnstenv %0\n\tfldenv %0" : "+m"(image));
    ck_assert_uint_eq(image[0], 0x37f);
    ck_assert_uint_eq(image[4], 0xffff);
    ck_assert_uint_eq(env.flags, FP_PE | FP_IE);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("fp_fast");
    TCase *tc = tcase_create("soft");
    SRunner *sr;
    int failed;
    setvbuf(stdout, NULL, _IONBF, 0);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_same, 0, ARRAY_LEN(ops));
#ifdef __x86_64__
    tcase_add_test(tc, test_host_left_alone);
#endif
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
