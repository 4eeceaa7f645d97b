/* The host's time by its time-stamp counter: as late as the host's clock says, and never backwards. */
#include "frontend/loop.h"
#include "frontend/ticker.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

/* How far apart ticker and clock are; a call of clock on both sides, because something may come between. */
static u64 apart(struct ticker *t)
{
    u64 least = ~(u64)0;
    for (unsigned i = 0; i < 50; i++) {
        u64 before = host_now(), now = ticker_now(t), after = host_now();
        u64 off = now < before ? before - now : now > after ? now - after : 0;
        least = MIN(least, off);
    }
    return least;
}

START_TEST(follows_the_clock)
{
    struct ticker t;
    u64 end = host_now() + 300000000, last;
    ticker_init(&t);
    last = ticker_now(&t);
    while (host_now() < end) {
        for (unsigned i = 0; i < 2000; i++) {
            u64 now = ticker_now(&t);
            ck_assert_uint_ge(now, last);
            last = now;
        }
        ck_assert_uint_lt(apart(&t), 5000);
    }
}
END_TEST

START_TEST(after_a_pause)
{
    const struct timespec pause = {0, 120000000};
    struct ticker t;
    ticker_init(&t);
    ticker_now(&t);
    for (unsigned i = 0; i < 3; i++) {
        u64 last = ticker_now(&t);
        nanosleep(&pause, NULL);
        ck_assert_uint_ge(ticker_now(&t), last + 120000000 - 5000);
        ck_assert_uint_lt(apart(&t), 5000);
    }
}
END_TEST

/* The counter was set back, or stood still while the host slept: the clock counts, but time does not
 * go back. */
START_TEST(counter_jumps)
{
    struct ticker t;
    u64 last;
    ticker_init(&t);
    if (!t.usable)
        return;
    /* On a busy host it may take several slices until two looks at both were close together. */
    for (u64 end = host_now() + 60000000; host_now() < end + (t.room ? 0 : 3000000000);)
        last = ticker_now(&t);
    ck_assert_uint_gt(t.room, 0);
    for (unsigned back = 0; back < 2; back++) {
        t.tsc += back ? 1ull << 40 : -(1ull << 40);
        t.tsc0 += back ? 1ull << 40 : -(1ull << 40);
        for (unsigned i = 0; i < 1000; i++) {
            u64 now = ticker_now(&t);
            ck_assert_uint_ge(now, last);
            last = now;
        }
        ck_assert_uint_lt(last, host_now() + 2000000);
        for (u64 end = host_now() + 60000000; host_now() < end;)
            last = ticker_now(&t);
        ck_assert_uint_lt(apart(&t), 5000);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ticker");
    TCase *tc = tcase_create("ticker");
    SRunner *r = srunner_create(s);
    int failed;
    tcase_add_test(tc, follows_the_clock);
    tcase_add_test(tc, after_a_pause);
    tcase_add_test(tc, counter_jumps);
    suite_add_tcase(s, tc);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
