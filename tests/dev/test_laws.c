/* The laws that hold for every device class (table in classes.h): reset, save and load, coverage of
 * the field table, wires after loading, and survival of random operations and damaged snapshots.
 * LAW_OPS in the environment sets how many. Arguments name the classes to test (none: all); -l lists
 * them. */
#include "tests/dev/law_run.h"

#include <stdio.h>
#include <time.h>

enum { OPS = 200000, ROUNDS = 200 };

static void operate_some(struct run *run)
{
    for (u32 n = 50 + rnd(run) % 100; n; n--)
        operate(run);
    settle(run);
}

/* Which saved element two snapshots of the device differ in. */
static const char *difference(const struct run *run, struct snap *a, struct snap *b, char *text,
                              size_t room)
{
    const struct dev_class *cls = run->row->cls;
    void *x = calloc(1, cls->saved_size), *y = calloc(1, cls->saved_size);

    a->pos = b->pos = 0;
    snprintf(text, room, "in no field");
    if (snap_load_fields(a, cls->name, run->law.dev->id, cls->version, cls->fields, x, NULL) &&
        snap_load_fields(b, cls->name, run->law.dev->id, cls->version, cls->fields, y, NULL)) {
        for (const struct field *f = cls->fields; f->type != FT_END; f++)
            for (u32 i = 0; i < f->count; i++)
                if (field_get(f, x, i) != field_get(f, y, i)) {
                    snprintf(text, room, "%s[%u]: %#llx, %#llx", f->name, i,
                             (unsigned long long)field_get(f, x, i),
                             (unsigned long long)field_get(f, y, i));
                    goto found;
                }
    }
found:
    free(x);
    free(y);
    return text;
}

static void same(const struct run *run, struct snap *a, struct snap *b, const char *law)
{
    char text[100];

    ck_assert_msg(a->len == b->len && !memcmp(a->data, b->data, a->len), "%s: %s: %s",
                  run->row->cls->name, law, difference(run, a, b, text, sizeof(text)));
}

START_TEST(fields_cover_the_state)
{
    const struct dev_class *cls = law_classes[_i].cls;
    long at = fields_uncovered(cls->fields, cls->saved_size);

    ck_assert_msg(at < 0, "%s: byte %ld of the saved state has no field", cls->name, at);
    ck_assert_uint_ge(cls->version, 1);
    ck_assert_uint_le(cls->saved_at + cls->saved_size, cls->size);
    for (const struct field *a = cls->fields; a->type != FT_END; a++) {
        ck_assert_msg(a->help && a->help[0], "%s: %s has no help", cls->name, a->name);
        ck_assert_msg(a->since >= 1 && a->since <= cls->version, "%s: %s", cls->name, a->name);
        for (const struct field *b = a + 1; b->type != FT_END; b++)
            ck_assert_msg(strcmp(a->name, b->name), "%s: two fields named %s", cls->name, a->name);
    }
}
END_TEST

START_TEST(reset_twice_is_reset_once)
{
    struct run run;

    run_init(&run, _i);
    for (int round = 0; round < ROUNDS; round++) {
        struct snap a = {0}, b = {0};

        operate_some(&run);
        dev_reset(run.law.dev);
        dev_save(run.law.dev, &a);
        dev_reset(run.law.dev);
        dev_save(run.law.dev, &b);
        same(&run, &a, &b, "two resets differ from one");
        law_map(&run.law);
        snap_free(&a);
        snap_free(&b);
    }
    run_free(&run);
}
END_TEST

START_TEST(save_and_load)
{
    struct run run;
    struct err err = {""};

    run_init(&run, _i);
    for (int round = 0; round < ROUNDS; round++) {
        struct snap a = {0}, b = {0}, c = {0};
        u8 level[LAW_WIRES];
        u64 then;

        operate_some(&run);
        dev_save(run.law.dev, &a);
        ck_assert_msg(dev_load(run.law.dev, &a, &err), "%s", err.msg);
        dev_save(run.law.dev, &b);
        same(&run, &a, &b, "save, load, save differ");
        then = run.rig.now;
        for (unsigned i = 0; i < run.law.wires; i++)
            level[i] = run.law.wire[i]->level;

        operate_some(&run);
        run.rig.now = then;
        a.pos = 0;
        ck_assert_msg(dev_load(run.law.dev, &a, &err), "%s", err.msg);
        dev_save(run.law.dev, &c);
        same(&run, &a, &c, "what is loaded after a change differs from what was saved");
        for (unsigned i = 0; i < run.law.wires; i++)
            ck_assert_msg(run.law.wire[i]->level == level[i], "%s: wire %u is wrong after loading",
                          run.row->cls->name, i);
        snap_free(&a);
        snap_free(&b);
        snap_free(&c);
    }
    run_free(&run);
}
END_TEST

/* Now and then what a machine does to a device: reset, snapshot and back. */
static void disturb(struct run *run)
{
    struct snap a = {0}, b = {0};
    struct err err = {""};

    if (!(rnd(run) & 7)) {
        dev_reset(run->law.dev);
        law_map(&run->law);
        return;
    }
    dev_save(run->law.dev, &a);
    ck_assert_msg(dev_load(run->law.dev, &a, &err), "%s", err.msg);
    dev_save(run->law.dev, &b);
    same(run, &a, &b, "save, load, save differ");
    snap_free(&a);
    snap_free(&b);
}

START_TEST(random_operations)
{
    const char *text = getenv("LAW_OPS");
    long ops = text ? atol(text) : OPS, i;
    clock_t then = clock();
    struct run run;

    run_init(&run, _i);
    for (i = 0; i < ops; i++) {
        operate(&run);
        if (!(rnd(&run) & 0x7ff))
            disturb(&run);
        if (!(i & 0xfff))
            settle(&run);
    }
    if (text)
        printf("%-16s %8ld operations %8.2f s\n", run.row->cls->name, i,
               (double)(clock() - then) / CLOCKS_PER_SEC);
    run_free(&run);
}
END_TEST

/* A snapshot with any bytes changed is refused or leaves a device that goes on working. */
START_TEST(damaged_snapshots)
{
    struct run run;
    int taken = 0;

    run_init(&run, _i);
    for (int round = 0; round < 3 * ROUNDS; round++) {
        struct snap a = {0};

        operate_some(&run);
        dev_save(run.law.dev, &a);
        for (u32 n = 1 + rnd(&run) % 8; n; n--)
            a.data[rnd(&run) % a.len] = (u8)(rnd(&run) & 1 ? 0xff : rnd(&run));
        taken += dev_load(run.law.dev, &a, NULL);
        snap_free(&a);
        for (int i = 0; i < 100; i++)
            operate(&run);
        dev_reset(run.law.dev);
        law_map(&run.law);
    }
    ck_assert_int_gt(taken, 0);
    run_free(&run);
}
END_TEST

static void add_class(Suite *suite, int i, double seconds)
{
    TCase *tc = tcase_create(law_classes[i].cls->name);

    tcase_set_timeout(tc, seconds);
    tcase_add_loop_test(tc, fields_cover_the_state, i, i + 1);
    tcase_add_loop_test(tc, reset_twice_is_reset_once, i, i + 1);
    tcase_add_loop_test(tc, save_and_load, i, i + 1);
    tcase_add_loop_test(tc, random_operations, i, i + 1);
    tcase_add_loop_test(tc, damaged_snapshots, i, i + 1);
    suite_add_tcase(suite, tc);
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name))
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    const char *text = getenv("LAW_OPS"), *time = getenv("CK_DEFAULT_TIMEOUT");
    double seconds = text && time ? atof(time) : 300; /* those that the operations take */
    int n = ARRAY_LEN(law_classes), failed, found = 0;
    Suite *suite;
    SRunner *runner;

    if (argc == 2 && !strcmp(argv[1], "-l")) {
        for (int i = 0; i < n; i++)
            puts(law_classes[i].cls->name);
        return 0;
    }
    suite = suite_create("laws");
    runner = srunner_create(suite);
    for (int i = 0; i < n; i++) {
        if (wanted(law_classes[i].cls->name, argc, argv)) {
            add_class(suite, i, seconds);
            found++;
        }
    }
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed || found < (argc > 1 ? argc - 1 : n);
}
