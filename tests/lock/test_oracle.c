/* Our CPU against the host's: every encoding of the tables with operands at the edges, and the
 * cases that once differed (tests/lock/cases), which need no host. DRAGOMAN_SEED repeats a series,
 * DRAGOMAN_ORACLE sets the number of cases. */
#include "tests/lock/oracle.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CASES "tests/lock/cases"

static u64 number(const char *name, u64 otherwise)
{
    const char *given = getenv(name);
    return given ? strtoull(given, NULL, 0) : otherwise;
}

/* 10^5 cases in exec and in the jit; what differs is written beside the program's output. */
START_TEST(host)
{
    static struct ora_series s;
    s.count = number("DRAGOMAN_ORACLE", 100000);
    s.seed = number("DRAGOMAN_SEED", (u64)time(NULL) << 24);
    s.most = 5;
    s.only_op = -1;
    printf("DRAGOMAN_SEED=0x%llx\n", (unsigned long long)s.seed);
    fflush(stdout);
    if (!ora_series(&s, stdout))
        return;
    fflush(stdout);
    ck_assert_msg(!s.differ, "%llu cases differ: DRAGOMAN_SEED=0x%llx",
                  (unsigned long long)s.differ, (unsigned long long)s.seed);
    /* It means something only when most cases ran. */
    ck_assert_uint_gt(s.ran, s.count * 8 / 10);
}
END_TEST

static bool run_file(struct ora_guest *const guest[4], const char *path, char *why, size_t n)
{
    struct ora_case c;
    struct ora_out want, got;
    struct ora_verdict v;
    FILE *f = fopen(path, "r");
    bool ok = f && ora_read(f, &c, &want, why, n);
    if (f)
        fclose(f);
    if (!ok)
        return false;
    for (u32 i = 0; i < 4; i++) {
        if (!guest[i] || (i & 1) != c.lma)
            continue;
        ora_guest_run(guest[i], &c, &got);
        ora_compare(&c, &want, &got, &v);
        if (!v.same) {
            snprintf(why, n, "%s:%s", i < 2 ? "exec" : "jit", v.text);
            return false;
        }
    }
    return true;
}

START_TEST(cases)
{
    struct ora_guest *guest[4];
    struct dirent *e;
    char path[512], why[512];
    DIR *d = opendir(CASES);
    u32 n = 0, bad = 0;
    ck_assert_msg(d != NULL, "run this where " CASES " is");
    for (u32 i = 0; i < 4; i++)
        guest[i] = ora_guest_new(i < 2 ? ENGINE_EXEC : ENGINE_JIT, i & 1, ~0ull);
    ck_assert(guest[0] && guest[1]);
    while ((e = readdir(d))) {
        size_t len = strlen(e->d_name);
        if (len < 4 || strcmp(e->d_name + len - 4, ".txt"))
            continue;
        snprintf(path, sizeof(path), CASES "/%s", e->d_name);
        n++;
        if (!run_file(guest, path, why, sizeof(why))) {
            printf("%s: %s\n", path, why);
            bad++;
        }
    }
    closedir(d);
    for (u32 i = 0; i < 4; i++)
        ora_guest_free(guest[i]);
    printf("%u cases from " CASES ", %u wrong\n", n, bad);
    fflush(stdout);
    ck_assert_uint_eq(bad, 0);
    ck_assert_uint_gt(n, 10);
}
END_TEST

/* A far call between 64-bit code and compatibility mode may push elsewhere, and one that comes to
 * no end may be such; no other difference of calls is excused. */
START_TEST(calls_across)
{
    static const struct {
        u8 mode, status;
        u16 host, guest; /* CS behind it; 0: it faulted */
        bool amd, excused;
    } rows[] = {
        {32, ORA_OK, ORA_GDT_CS64, 0, true, true},   {16, ORA_OK, 0, ORA_GDT_CS64, true, true},
        {64, ORA_OK, ORA_CS32, 0, true, true},       {64, ORA_OK, 0, ORA_CS16, true, true},
        {16, ORA_TIMEOUT, 0, 0, true, true},         {64, ORA_TIMEOUT, 0, 0, true, false},
        {32, ORA_OK, ORA_GDT_CS64, 0, false, false}, {32, ORA_OK, ORA_CS16, 0, true, false},
        {64, ORA_OK, ORA_GDT_CS64, 0, true, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ora_case c = {.mode = rows[i].mode, .amd = rows[i].amd, .lma = true, .op = OP_CALLF};
        struct ora_out h, g;
        struct ora_verdict v;
        c.in.rip = ORA_CODE;
        h = g = (struct ora_out){.r = c.in, .vector = EXC_PF};
        h.status = rows[i].status;
        if (rows[i].host) {
            h.r.sel[SEG_CS] = rows[i].host;
            h.r.rip = ORA_CODE + 0x100;
            h.vector = EXC_BP;
        }
        if (rows[i].guest) {
            g.r.sel[SEG_CS] = rows[i].guest;
            g.r.rip = ORA_CODE + 0x100;
            g.vector = EXC_BP;
        }
        ora_compare(&c, &h, &g, &v);
        ck_assert_msg(v.same == rows[i].excused && !v.excused == !rows[i].excused, "row %u: %s",
                      (unsigned)i, v.text);
    }
}
END_TEST

/* A case survives being written and read. */
START_TEST(text)
{
    struct ora_rows rows;
    struct ora_case a, b;
    struct ora_out out, back;
    struct ora_guest *g = ora_guest_new(ENGINE_EXEC, true, ~0ull);
    ck_assert(g && ora_rows_make(&rows));
    for (u64 seed = 1; seed < 400; seed++) {
        char why[128] = "";
        FILE *f = tmpfile();
        ck_assert(f != NULL);
        ora_make(&a, seed, &rows, ora_guest_feats(g));
        a.lma = true;
        memset(&out, 0, sizeof(out)); /* padding, too */
        ora_guest_run(g, &a, &out);
        ck_assert(ora_write(f, &a, &out, NULL));
        rewind(f);
        ck_assert_msg(ora_read(f, &b, &back, why, sizeof(why)), "seed %u: %s", (unsigned)seed, why);
        fclose(f);
        ck_assert_mem_eq(&a.in, &b.in, sizeof(a.in));
        ck_assert_mem_eq(a.code, b.code, a.ncode);
        ck_assert_mem_eq(&out.r, &back.r, sizeof(out.r));
        ck_assert_uint_eq(out.vector, back.vector);
        ck_assert_uint_eq(a.npatch, b.npatch);
        ck_assert_mem_eq(a.patch, b.patch, a.npatch);
    }
    ora_rows_free(&rows);
    ora_guest_free(g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oracle");
    TCase *t = tcase_create("all");
    SRunner *runner;
    int failed;
    tcase_set_timeout(t, 7200);
    tcase_add_test(t, text);
    tcase_add_test(t, calls_across);
    tcase_add_test(t, cases);
    tcase_add_test(t, host);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
