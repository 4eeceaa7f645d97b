/* What every instruction test shares: a case that runs for each engine, and the expectation of a
 * fault. */
#ifndef TESTS_INSN_SUITE_H
#define TESTS_INSN_SUITE_H

#include "cpu/sys/seg.h"
#include "tests/insn/machine.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Loop tests get the engine as _i (machine_new() knows ENGINE_COLD). The machine stopped in the handler of `vec`, with `err` on top
 * of its stack. */
#define expect_error(m, vec, err)                                                                  \
    do {                                                                                           \
        ck_assert_int_eq(machine_vector(m), (vec));                                                \
        ck_assert_uint_eq(machine_frame(m, 0), (err));                                             \
    } while (0)

/* The next of a series of random numbers; *state is where it stands. */
static inline u64 suite_random(u64 *state)
{
    u64 z = (*state += 0x9e3779b97f4a7c15ull);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    return z ^ z >> 29;
}

#define SUITE_MAIN(name, ...)                                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        Suite *s = suite_create(name);                                                             \
        TCase *t = tcase_create("engines");                                                        \
        SRunner *r;                                                                                \
        int failed;                                                                                \
        if (!getenv("CK_DEFAULT_TIMEOUT")) /* slow builds ask for more */                          \
            tcase_set_timeout(t, 30);                                                              \
        for (size_t i = 0; i < ARRAY_LEN(tests); i++)                                              \
            tcase_add_loop_test(t, tests[i], ENGINE_EXEC, ENGINE_COLD + 1);                        \
        suite_add_tcase(s, t);                                                                     \
        r = srunner_create(s);                                                                     \
        srunner_run_all(r, CK_NORMAL);                                                             \
        failed = srunner_ntests_failed(r);                                                         \
        srunner_free(r);                                                                           \
        return failed != 0;                                                                        \
    }

#endif
