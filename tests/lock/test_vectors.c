/* Our engines against recorded vectors of a host processor (tests/lock/vectors.bin): x87, MMX, SSE and AVX in the portable
 * code of any host, big-endian ones included. */
#include "tests/lock/vectors.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "tests/lock/vectors.bin"
enum { SHOWN = 5, BIN_LEAST = 5000 };

/* _i: the engine. */
START_TEST(replay)
{
    struct ora_guest *guest[2];
    struct vectors v;
    struct ora_case c;
    struct ora_out want, got;
    struct ora_verdict verdict;
    char why[256] = "";
    u32 n = 0, bad = 0;
    ck_assert_msg(vectors_load(&v, FILE_NAME, why, sizeof(why)), "%s (run in the project's folder)", why);
    for (u32 lma = 0; lma < 2; lma++) {
        guest[lma] = ora_guest_new((enum cpu_engine)_i, lma, ~0ull);
        ck_assert(guest[lma] != NULL);
    }
    for (; n < v.n; n++) {
        ck_assert_msg(vectors_next(&v, &c, &want), "%s is cut at vector %u", FILE_NAME, n);
        ora_guest_run(guest[c.lma], &c, &got);
        ora_compare(&c, &want, &got, &verdict);
        if (verdict.same)
            continue;
        if (bad++ < SHOWN) {
            printf("vector %u, %s:%s\n", n, op_info[c.op].name, verdict.text);
            ora_explain(stdout, &c, &want, &got, _i == ENGINE_EXEC ? "exec" : "translated code");
        }
    }
    for (u32 lma = 0; lma < 2; lma++)
        ora_guest_free(guest[lma]);
    vectors_free(&v);
    printf("%u vectors, %u wrong\n", n, bad);
    fflush(stdout);
    ck_assert_uint_eq(bad, 0);
    ck_assert_uint_gt(n, BIN_LEAST);
}
END_TEST

/* What is written can be read again. */
START_TEST(round_trip)
{
    static struct ora_regs states[VEC_STATES];
    struct vectors v, w;
    struct ora_rows rows;
    struct ora_case a, b;
    struct ora_out want, back;
    struct ora_guest *g = ora_guest_new(ENGINE_EXEC, true, ~0ull);
    char path[] = "/tmp/vectors.XXXXXX", why[256];
    u64 s = 1;
    int fd = mkstemp(path);
    ck_assert(g && fd >= 0 && ora_rows_make(&rows));
    for (u32 i = 0; i < VEC_STATES; i++) {
        a.mode = 64;
        ora_make_state(&a, &s);
        states[i] = a.in;
    }
    ck_assert(vectors_new(&v, states, false));
    for (u32 pass = 0; pass < 2; pass++) {
        for (u64 seed = 1; seed < 300; seed++) {
            ora_make(&a, seed, &rows, ora_guest_feats(g));
            a.lma = true;
            a.in.flags = (a.in.flags & ORA_EFLAGS) | FL_ONE;
            memset(&want, 0, sizeof(want)); /* padding, too */
            ora_guest_run(g, &a, &want);
            want.r.flags = (want.r.flags & ORA_EFLAGS) | FL_ONE;
            if (want.status != ORA_OK || want.mem_hi - want.mem_lo > ORA_MEM)
                continue;
            if (!pass) {
                vectors_put(&v, (u32)seed % VEC_STATES, -1, &a, &want);
                continue;
            }
            ck_assert_msg(vectors_next(&w, &b, &back), "seed %u", (unsigned)seed);
            ck_assert_mem_eq(&a.in, &b.in, offsetof(struct ora_regs, fx));
            ck_assert_mem_eq(a.in.fx + 24, b.in.fx + 24, 392);
            ck_assert_mem_eq(a.code, b.code, a.ncode);
            ck_assert_mem_eq(&want.r, &back.r, offsetof(struct ora_regs, fx));
            ck_assert_mem_eq(want.r.fx + 24, back.r.fx + 24, 392);
            ck_assert_mem_eq(want.r.ymmh, back.r.ymmh, sizeof(back.r.ymmh));
            ck_assert_uint_eq(want.vector, back.vector);
            ck_assert_uint_eq(want.mem_hash, back.mem_hash);
        }
        if (!pass) {
            ck_assert(vectors_save(&v, path));
            ck_assert_msg(vectors_load(&w, path, why, sizeof(why)), "%s", why);
            ck_assert_uint_eq(v.n, w.n);
        }
    }
    vectors_free(&v);
    ck_assert_msg(!vectors_load(&v, "/dev/null", why, sizeof(why)), "an empty file was read");
    remove(path);
    vectors_free(&w);
    ora_rows_free(&rows);
    ora_guest_free(g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vectors");
    TCase *t = tcase_create("all");
    SRunner *runner;
    int failed;
    tcase_set_timeout(t, 3600);
    tcase_add_test(t, round_trip);
    tcase_add_loop_test(t, replay, ENGINE_EXEC, ENGINE_JIT + 1);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
