/* Vector operations that the translator makes host code of, in the jit against exec: every encoding
 * of theirs in the tables with operands at the edges, all exceptions masked in most cases, on any
 * host. DRAGOMAN_SEED repeats a series, DRAGOMAN_VECTOR sets the number of cases, DRAGOMAN_OP picks
 * one operation. */
#include "tests/lock/oracle.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Offsets in the FXSAVE image. */
enum { FX_CW = 0, FX_SW = 2, FX_MXCSR = 24, FX_XMM = 160, MASKS = 0x1f80 };

static struct ora_guest *guest[4]; /* exec, jit; the same with long mode */
static struct ora_rows rows;
static u64 feats;

static u64 number(const char *name, u64 otherwise)
{
    const char *given = getenv(name);
    return given ? strtoull(given, NULL, 0) : otherwise;
}

static bool chosen(unsigned op)
{
    const char *only = getenv("DRAGOMAN_OP");
    return only ? !strcmp(op_info[op].name, only)
                : (op_info[op].attrs & (OPA_MMX | OPA_SSE | OPA_AVX)) != 0;
}

static void setup(void)
{
    u32 n = 0;
    for (u32 i = 0; i < ARRAY_LEN(guest); i++) {
        guest[i] = ora_guest_new(i & 1 ? ENGINE_JIT : ENGINE_EXEC, i >> 1, ~(u64)0);
        ck_assert_ptr_nonnull(guest[i]);
    }
    feats = ora_guest_feats(guest[0]);
    ck_assert(ora_rows_make(&rows));
    for (u32 i = 0; i < rows.n; i++)
        if (chosen(rows.row[i].op))
            rows.row[n++] = rows.row[i];
    ck_assert_uint_gt(n, 0);
    rows.n = n;
}

static void teardown(void)
{
    for (u32 i = 0; i < ARRAY_LEN(guest); i++)
        ora_guest_free(guest[i]);
    ora_rows_free(&rows);
}

/* Exceptions are masked, and none is pending, where translated code has vector operations. */
static void mask(struct ora_case *c)
{
    st32(c->in.fx + FX_MXCSR, ld32(c->in.fx + FX_MXCSR) | MASKS);
    c->in.fx[FX_CW] |= 0x3f;
    c->in.fx[FX_SW] &= 0x40;
    c->in.fx[FX_SW + 1] &= 0x7f; /* B says what ES says */
}

static bool same(const struct ora_case *c, const struct ora_out *a, const struct ora_out *b,
                 struct ora_verdict *v)
{
    ora_compare(c, a, b, v);
    return v->same && !v->masked && !v->excused &&
           ld32(a->r.fx + FX_MXCSR) == ld32(b->r.fx + FX_MXCSR) &&
           !memcmp(a->r.fx + FX_XMM, b->r.fx + FX_XMM, 256);
}

START_TEST(jit_is_exec)
{
    u64 seed = number("DRAGOMAN_SEED", (u64)time(NULL) << 24);
    u64 count = number("DRAGOMAN_VECTOR", 20000), ran = 0;
    static struct ora_case c;
    static struct ora_out a, b;
    printf("DRAGOMAN_SEED=0x%llx\n", (unsigned long long)seed);
    fflush(stdout);
    for (u64 i = 0; i < count; i++) {
        struct ora_verdict v;
        ora_make(&c, seed + i, &rows, feats);
        if (!chosen(c.op))
            continue;
        if (i & 7)
            mask(&c);
        ora_guest_run(guest[2 * c.lma], &c, &a);
        ora_guest_run(guest[2 * c.lma + 1], &c, &b);
        ran++;
        if (!same(&c, &a, &b, &v))
            ora_explain(stdout, &c, &a, &b, "jit");
        ck_assert_msg(same(&c, &a, &b, &v), "DRAGOMAN_SEED=0x%llx %s:%s",
                      (unsigned long long)(seed + i), op_info[c.op].name, v.text);
    }
    ck_assert_uint_gt(ran, count / 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vector");
    TCase *t = tcase_create("vector");
    SRunner *r;
    int failed;
    tcase_add_checked_fixture(t, setup, teardown); /* torn down in the process of the test */
    tcase_set_timeout(t, 600);
    tcase_add_test(t, jit_is_exec);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
