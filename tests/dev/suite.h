/* What a test program of devices does in main(). */
#ifndef TESTS_DEV_SUITE_H
#define TESTS_DEV_SUITE_H

#include <check.h>

/* Run the tests of a NULL-terminated list, each within so many seconds; what main() returns. */
static inline int rig_main_within(const char *name, const TTest *const *tests, double seconds)
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, seconds);
    for (; *tests; tests++)
        tcase_add_test(tc, *tests);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

static inline int rig_main(const char *name, const TTest *const *tests)
{
    return rig_main_within(name, tests, 60);
}

#endif
