/* The optimiser: blocks in tests/ir/NAME.ir before and after (golden), and random blocks that must
 * do the same either way. */
#include "tests/ir/behave.h"
#include "tests/ir/gen.h"

#include <check.h>
#include <stdio.h>
#include <time.h>

/* A file: comment lines, "# passes: ..." among them; a block; "---"; the block that must come out.
 */
static const char *const files[] = {
    "fold_const", "fold_copy",      "fold_address", "fold_long",
    "liveness",   "liveness_fault", "dce",          "rmw",
};
static const char *root = ".";

static bool read_file(const char *name, char *text, size_t size)
{
    char path[512];
    FILE *f;
    size_t n;
    snprintf(path, sizeof(path), "%s/tests/ir/%s.ir", root, name);
    f = fopen(path, "r");
    if (!f)
        return false;
    n = fread(text, 1, size - 1, f);
    text[n] = 0;
    fclose(f);
    return true;
}

/* The mask that the "# passes:" line asks for. */
static u32 wanted_passes(const char *text)
{
    const char *line = strstr(text, "# passes:");
    char word[128] = {0};
    ck_assert_ptr_nonnull(line);
    strncpy(word, line, MIN(strcspn(line, "\n"), sizeof(word) - 1));
    return (strstr(word, "fold") ? BIT(IR_PASS_FOLD) : 0) |
           (strstr(word, "dce") ? BIT(IR_PASS_DCE) : 0);
}

START_TEST(golden)
{
    static char text[16384], got[16384], want[16384];
    static struct ir_block b, expected;
    struct err err;
    char *second;
    u32 mask;
    ck_assert_msg(read_file(files[_i], text, sizeof(text)), "%s", files[_i]);
    mask = wanted_passes(text);
    second = strstr(text, "\n---\n");
    ck_assert_ptr_nonnull(second);
    *second = 0;
    ck_assert_msg(ir_parse(&b, text, &err) && ir_check(&b, &err), "%s: %s", files[_i], err.msg);
    ck_assert_msg(ir_parse(&expected, second + 5, &err) && ir_check(&expected, &err),
                  "%s: expected part: %s", files[_i], err.msg);
    ir_optimise(&b, mask);
    ck_assert_msg(ir_check(&b, &err), "%s: result: %s", files[_i], err.msg);
    /* Files about folding need not repeat what is live. */
    if (!strstr(second + 5, "live="))
        for (u32 n = 0; n < b.n; n++)
            b.ins[n].flags_live = 0;
    ir_print(&expected, want, sizeof(want));
    ir_print(&b, got, sizeof(got));
    ck_assert_msg(!strcmp(got, want), "%s gives:\n%swanted:\n%s", files[_i], got, want);
    /* A second run finds nothing more to do. */
    ir_optimise(&b, mask);
    for (u32 n = 0; n < b.n && !strstr(second + 5, "live="); n++)
        b.ins[n].flags_live = 0;
    ir_print(&b, got, sizeof(got));
    ck_assert_str_eq(got, want);
}
END_TEST

START_TEST(optimised_blocks_do_the_same)
{
    static struct ir_block plain, opt;
    static char before[65536], after[65536];
    struct env *env = env_new();
    struct outcome a, b;
    u64 seed = 20 + (u64)_i;
    u32 dropped = 0, ended = 0, total = 0;
    for (int n = 0; n < 1500; n++) {
        u64 state;
        bool long_mode = n % 3 == 0;
        struct err err;
        gen_block(&seed, &plain, 8 + (u32)(rnd(&seed) % 50), long_mode);
        opt = plain;
        ir_optimise(&opt, (u32)_i);
        ck_assert_msg(ir_check(&opt, &err), "%s", err.msg);
        ir_pass_liveness(&plain);
        dropped += plain.n - opt.n;
        total += plain.n;
        for (int k = 0; k < 4; k++) {
            u64 hash;
            state = rnd(&seed);
            hash = behaviour(env, &plain, state, &a);
            ended += a.left == LEFT_NEXT && a.done == plain.nguest;
            if (hash == behaviour(env, &opt, state, &b) && !memcmp(&a, &b, sizeof(a)))
                continue;
            ir_print(&plain, before, sizeof(before));
            ir_print(&opt, after, sizeof(after));
            ck_abort_msg(
                "block %d, passes %d, left %d/%d done %u/%u rip %llx/%llx flags %x/%x\n%s\n%s", n,
                _i, a.left, b.left, a.done, b.done, (unsigned long long)a.rip,
                (unsigned long long)b.rip, a.aflags, b.aflags, before, after);
        }
    }
    /* The blocks must be worth the name: some run to their end, and the optimiser finds work. */
    ck_assert_uint_gt(ended, 100);
    if (_i & BIT(IR_PASS_DCE))
        ck_assert_uint_gt(dropped, total / 50);
    env_free(env);
}
END_TEST

/* A flag that liveness calls dead must not matter: its value is changed right behind the operation
 * that wrote it. */
START_TEST(dead_flags_do_not_matter)
{
    static struct ir_block plain, spoilt;
    struct env *env = env_new();
    struct outcome a, b;
    u64 seed = 77;
    u32 tried = 0;
    for (int n = 0; n < 1500; n++) {
        u64 state = rnd(&seed), hash;
        gen_block(&seed, &plain, 30, false);
        ir_pass_liveness(&plain);
        spoilt = plain;
        for (u32 k = 0; k < spoilt.n; k++) {
            /* Leaving a dead flag unwritten is one way to have a wrong value in it. */
            tried +=
                spoilt.ins[k].op != IR_EXEC && spoilt.ins[k].flags_out != spoilt.ins[k].flags_live;
            spoilt.ins[k].flags_out = spoilt.ins[k].flags_live;
        }
        hash = behaviour(env, &plain, state, &a);
        ck_assert_uint_eq(hash, behaviour(env, &spoilt, state, &b));
        ck_assert_msg(!memcmp(&a, &b, sizeof(a)), "block %d", n);
    }
    ck_assert_uint_gt(tried, 1000);
    env_free(env);
}
END_TEST

/* Passes run at every translation: linear time is a promise. The bound is loose, for slow and
 * instrumented builds, and of the program's own time in its best round, for busy hosts. */
START_TEST(passes_are_quick)
{
    enum { BLOCKS = 64, ROUNDS = 40 };
    static struct ir_block blocks[BLOCKS], b;
    struct timespec t0, t1;
    u64 seed = 3, ops = 0, best = ~(u64)0;
    const char *slow = getenv("CK_TIMEOUT_MULTIPLIER");
    for (unsigned k = 0; k < BLOCKS; k++)
        gen_block(&seed, &blocks[k], 40, false);
    for (unsigned k = 0; k < BLOCKS; k++)
        ops += blocks[k].n;
    for (unsigned r = 0; r < ROUNDS; r++) {
        u64 ns = 0;
        for (unsigned k = 0; k < BLOCKS; k++) {
            b = blocks[k];
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
            ir_optimise(&b, BIT(IR_PASS_FOLD) | BIT(IR_PASS_DCE));
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
            ns += (u64)((t1.tv_sec - t0.tv_sec) * 1000000000ll + (t1.tv_nsec - t0.tv_nsec));
        }
        best = MIN(best, ns);
    }
    printf("optimiser: %.1f ns per operation\n", (double)best / (double)ops);
    ck_assert_uint_lt(best / ops, 1000 * (slow ? strtoull(slow, NULL, 0) : 1)); /* emulated hosts */
}
END_TEST

int main(int argc, char **argv)
{
    Suite *s = suite_create("ir passes");
    TCase *t = tcase_create("passes");
    SRunner *r;
    int failed;
    if (argc > 1)
        root = argv[1];
    tcase_add_loop_test(t, golden, 0, (int)ARRAY_LEN(files));
    tcase_add_loop_test(t, optimised_blocks_do_the_same, 1, 1 << IR_PASS__COUNT);
    tcase_add_test(t, dead_flags_do_not_matter);
    tcase_add_test(t, passes_are_quick);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
