/* The host's arithmetic against the exact one: wherever cpu/fp/hard.h says yes, the bits are those
 * of ieee_* and nothing but FP_PE is reported (SDM vol. 1 section 4.9). */
#include "cpu/fp/hard.h"
#include "cpu/fp/fp.h"

#include <check.h>
#include <stdlib.h>

enum { ROUNDS = 1500000 };

static u64 rnd(u64 *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Doubles as they hurt: near each other, near the ends of the range, zeroes, powers of two,
 * anything. */
static u64 number(u64 *s)
{
    u64 r = rnd(s), sign = r & BIT64(63), frac = r & (BIT64(52) - 1);
    switch (rnd(s) % 12) {
    case 0: return sign;
    case 1: return sign | (rnd(s) % 4) << 52 | frac;
    case 2: return sign | (0x7fc + rnd(s) % 4) << 52 | frac;
    case 3: return sign | (0x3ff + rnd(s) % 8) << 52;
    case 4: return sign | (0x3ff - 530 + rnd(s) % 40) << 52 | frac;
    case 5: return sign | (0x3ff + 500 + rnd(s) % 40) << 52 | frac;
    case 6: return sign | 1ull << 52;
    case 7: return r;
    default: return sign | (0x3f0 + rnd(s) % 32) << 52 | frac;
    }
}

static u32 single(u64 *s)
{
    u64 r = rnd(s);
    u32 sign = (u32)r & BIT(31), frac = (u32)(r >> 32) & 0x7fffff;
    switch (rnd(s) % 10) {
    case 0: return sign;
    case 1: return sign | (u32)(rnd(s) % 4) << 23 | frac;
    case 2: return sign | (u32)(0xfc + rnd(s) % 4) << 23 | frac;
    case 3: return sign | (u32)(0x7f + rnd(s) % 8) << 23;
    case 4: return sign | (u32)(0x7f - 66 + rnd(s) % 8) << 23 | frac;
    case 5: return sign | 1u << 23;
    case 6: return (u32)r;
    default: return sign | (u32)(0x70 + rnd(s) % 32) << 23 | frac;
    }
}

typedef u64 soft_fn(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b);
static const struct {
    enum hard_op op;
    soft_fn *soft;
} ops[] = {{HARD_ADD, ieee_add}, {HARD_SUB, ieee_sub}, {HARD_MUL, ieee_mul},
           {HARD_DIV, ieee_div}, {HARD_MIN, ieee_min}, {HARD_MAX, ieee_max}};

static const struct fpenv masked = {.round = RC_NEAREST};

START_TEST(doubles)
{
    u64 s = 0x1234567 + (u64)_i, yes = 0, r;
    if (!HARD_FLOAT)
        return;
    for (u32 n = 0; n < ROUNDS / 6; n++) {
        u64 a = number(&s), b = rnd(&s) & 7 ? number(&s) : a ^ (rnd(&s) & 1) << 63, want;
        struct fpenv env = masked;
        if (!hard_binary64(ops[_i].op, a, b, &r))
            continue;
        yes++;
        want = ops[_i].soft(&env, &fp_double, a, b);
        ck_assert_msg(r == want && !(env.flags & ~FP_PE),
                      "op %d: %llx, %llx: %llx, not %llx; flags %x", _i, (unsigned long long)a,
                      (unsigned long long)b, (unsigned long long)r, (unsigned long long)want,
                      env.flags);
    }
    ck_assert_uint_gt(yes, ROUNDS / 6 / 3);
}
END_TEST

START_TEST(singles)
{
    u64 s = 0x7654321 + (u64)_i, yes = 0;
    u32 r;
    if (!HARD_FLOAT)
        return;
    for (u32 n = 0; n < ROUNDS / 6; n++) {
        u32 a = single(&s), b = rnd(&s) & 7 ? single(&s) : a ^ (u32)(rnd(&s) & 1) << 31;
        struct fpenv env = masked;
        u64 want;
        if (!hard_binary32(ops[_i].op, a, b, &r))
            continue;
        yes++;
        want = ops[_i].soft(&env, &fp_single, a, b);
        ck_assert_msg(r == want && !(env.flags & ~FP_PE), "op %d: %x, %x: %x, not %llx; flags %x",
                      _i, a, b, r, (unsigned long long)want, env.flags);
    }
    ck_assert_uint_gt(yes, ROUNDS / 6 / 3);
}
END_TEST

START_TEST(one_operand)
{
    u64 s = 0xabcdef, r;
    u32 r32;
    s32 i;
    for (u32 n = 0; n < ROUNDS / 4; n++) {
        u64 a = number(&s);
        u32 b = single(&s);
        struct fpenv env = masked;
        if (HARD_FLOAT && hard_sqrt64(a, &r))
            ck_assert_uint_eq(r, ieee_sqrt(&env, &fp_double, a));
        if (HARD_FLOAT && hard_sqrt32(b, &r32))
            ck_assert_uint_eq(r32, ieee_sqrt(&env, &fp_single, b));
        ck_assert(!(env.flags & ~FP_PE));
        env = masked;
        if (hard_trunc64(a, n & 1, &i)) {
            ck_assert_int_eq(i, ieee_to_int(&env, &fp_double, a, 32, true));
            ck_assert(!(env.flags & ~(n & 1 ? FP_PE : 0)));
        }
    }
}
END_TEST

START_TEST(when)
{
    ck_assert(!hard_mxcsr(0x1f80)); /* the first inexact result must be noted */
    ck_assert(hard_mxcsr(0x1fa0) == HARD_FLOAT);
    ck_assert(hard_mxcsr(0x1fbf) == HARD_FLOAT);
    for (unsigned bit = 6; bit < 16; bit++)
        ck_assert(!hard_mxcsr(0x1fa0 ^ BIT(bit)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fp_hard");
    TCase *t = tcase_create("hard");
    SRunner *runner;
    int failed;
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, doubles, 0, ARRAY_LEN(ops));
    tcase_add_loop_test(t, singles, 0, ARRAY_LEN(ops));
    tcase_add_test(t, one_operand);
    tcase_add_test(t, when);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
