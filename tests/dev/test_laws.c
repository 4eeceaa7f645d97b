/* The laws that hold for every device class (table in classes.h): reset, save and load, coverage of
 * the field table, wires after loading, and survival of random operations and damaged snapshots.
 * LAW_OPS in the environment sets how many. */
#include "tests/dev/classes.h"

#include <stdio.h>

enum { OPS = 200000, ROUNDS = 200 };

struct run {
    struct rig rig;
    struct region ram;
    struct law law;
    const struct law_class *row;
    u64 seed;
};

static u32 rnd(struct run *run)
{
    run->seed = run->seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(run->seed >> 32);
}

static void run_init(struct run *run, int i)
{
    memset(run, 0, sizeof(*run));
    run->row = &law_classes[i];
    run->seed = (u64)i * 977 + 5;
    rig_init(&run->rig);
    rig_map_ram(&run->rig, &run->ram);
    run->law.rig = &run->rig;
    run->row->construct(&run->law);
}

static void run_free(struct run *run)
{
    rig_free(&run->rig);
    free(run->law.extra);
}

/* Run events until none is due: a device whose timer stays in the past would keep a machine busy
 * for ever. */
static void settle(struct run *run)
{
    int budget = 100;

    while (clock_next(&run->rig.clock) <= run->rig.now) {
        clock_run(&run->rig.clock);
        ck_assert_msg(budget--, "%s: a timer is always due", run->row->cls->name);
    }
}

/* Values that registers care about more often than chance would give them. */
static u64 value(struct run *run)
{
    u32 r = rnd(run);

    switch (r & 7) {
    case 0: return 0;
    case 1: return ~0ull;
    case 2: return BIT64(r >> 8 & 63);
    case 3: return r >> 8 & 0xff;
    default: return (u64)rnd(run) << 32 | rnd(run);
    }
}

static void access_bus(struct run *run, struct bus *bus)
{
    u32 r = rnd(run);
    struct region *region;
    u64 addr;
    unsigned size = 1u << (r & 3);

    if (!bus->n)
        return;
    region = bus->regions[(r >> 4) % bus->n];
    addr = region->base + (rnd(run) % MIN(region->size, (u64)0x10000)) - (r >> 16 & 7 ? 0 : 2);
    if (r & 0x1000)
        addr &= ~(u64)(size - 1);
    if (r & 8)
        bus_write(bus, addr, value(run), size);
    else
        bus_read(bus, addr, size);
}

static void operate(struct run *run)
{
    u32 r = rnd(run);

    switch (r % 8) {
    case 0:
        run->rig.now += rnd(run) >> (r >> 8 & 31);
        clock_run(&run->rig.clock);
        break;
    case 1: access_bus(run, &run->rig.mem); break;
    case 2:
    case 3:
        if (run->row->stimulate)
            run->row->stimulate(&run->law, rnd(run));
        break;
    default: access_bus(run, &run->rig.io); break;
    }
    if (run->rig.now >> 60)
        run->rig.now = 0;
}

static void operate_some(struct run *run)
{
    for (u32 n = 50 + rnd(run) % 100; n; n--)
        operate(run);
    settle(run);
}

static void same(const struct run *run, const struct snap *a, const struct snap *b, const char *law)
{
    ck_assert_msg(a->len == b->len && !memcmp(a->data, b->data, a->len), "%s: %s",
                  run->row->cls->name, law);
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

START_TEST(random_operations)
{
    const char *text = getenv("LAW_OPS");
    long ops = text ? atol(text) : OPS;
    struct run run;

    run_init(&run, _i);
    for (long i = 0; i < ops; i++) {
        operate(&run);
        if (!(rnd(&run) & 0x3fff))
            dev_reset(run.law.dev);
        if (!(i & 0xfff))
            settle(&run);
    }
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
    }
    ck_assert_int_gt(taken, 0);
    run_free(&run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("laws");
    TCase *tc = tcase_create("laws");
    SRunner *runner = srunner_create(suite);
    int n = ARRAY_LEN(law_classes), failed;

    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, fields_cover_the_state, 0, n);
    tcase_add_loop_test(tc, reset_twice_is_reset_once, 0, n);
    tcase_add_loop_test(tc, save_and_load, 0, n);
    tcase_add_loop_test(tc, random_operations, 0, n);
    tcase_add_loop_test(tc, damaged_snapshots, 0, n);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
