/* Unit tests of devices/core: log lists, event queue, field tables, snapshots, properties and
 * devices. */
#include "devices/core/dev.h"
#include "devices/core/bits.h"
#include "devices/core/fifo.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- bits and fifo ---- */

START_TEST(bits)
{
    u8 buf[8] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};

    ck_assert_uint_eq(ld16(buf), 0x2211);
    ck_assert_uint_eq(ld32(buf + 1), 0x55443322);
    ck_assert_uint_eq(ld64(buf), 0x8877665544332211ull);
    st_le(buf, 4, 0xdeadbeef);
    ck_assert_uint_eq(ld_le(buf, 8), 0x88776655deadbeefull);
    ck_assert_uint_eq(bits_get(0xabcd, 4, 8), 0xbc);
    ck_assert_uint_eq(bits_put(0xffff, 4, 8, 0), 0xf00f);
    ck_assert_uint_eq(bits_put(0, 0, 64, ~0ull), ~0ull);
    ck_assert_int_eq(sext(0x80, 8), -128);
    ck_assert_uint_eq(size_mask(8), ~0ull);
}
END_TEST

START_TEST(fifo_wraps_and_drops)
{
    struct fifo_state f = {0};
    u8 buf[3] = {0};

    ck_assert_uint_eq(fifo_get(&f, buf, 3), 0);
    for (int round = 0; round < 10; round++) {
        ck_assert(fifo_put(&f, buf, 3, 1));
        ck_assert(fifo_put(&f, buf, 3, 2));
        ck_assert(fifo_put(&f, buf, 3, 3));
        ck_assert(!fifo_put(&f, buf, 3, 4));
        for (u8 i = 1; i <= 3; i++)
            ck_assert_uint_eq(fifo_get(&f, buf, 3), i);
        fifo_put(&f, buf, 3, 9); /* moves the head on by one each round */
        ck_assert_uint_eq(fifo_get(&f, buf, 3), 9);
        ck_assert(fifo_valid(&f, 3));
    }
    f.head = 3;
    ck_assert(!fifo_valid(&f, 3));
}
END_TEST

/* ---- log ---- */

START_TEST(log_lists)
{
    struct err err;
    u32 mask = 7;

    ck_assert(log_parse("int,io", &mask, &err));
    ck_assert_uint_eq(mask, BIT(LOGA_INT) | BIT(LOGA_IO));
    ck_assert(log_parse("all", &mask, &err));
    ck_assert_uint_eq(mask, BIT(LOGA__COUNT) - 1);
    mask = 5;
    ck_assert(!log_parse("int,nonsense", &mask, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "nonsense"));
    ck_assert_uint_eq(mask, 5);
    ck_assert(!log_parse("", &mask, NULL));
    ck_assert(!log_parse("int,", &mask, NULL));
}
END_TEST

START_TEST(log_limits_guest_errors)
{
    char *text = NULL;
    size_t size = 0, lines = 0;
    struct log log = {.mask = BIT(LOGA_GUEST_ERRORS), .out = open_memstream(&text, &size)};

    for (int i = 0; i < 5000; i++)
        log_guest_error(&log, "dev", "mistake %d", i);
    log_line(&log, LOGA_INT, "not on");
    fclose(log.out);
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    ck_assert_uint_eq(lines, 1001);
    ck_assert_ptr_nonnull(strstr(text, "dev: mistake 0\n"));
    ck_assert_ptr_null(strstr(text, "not on"));
    free(text);
    log_guest_error(NULL, "dev", "no log at all");
}
END_TEST

/* ---- clock ---- */

static u64 hand(void *arg)
{
    return *(u64 *)arg;
}

struct event {
    struct timer timer;
    struct run *run;
    int id;
};
struct run {
    u64 now;
    struct clock clock;
    struct event ev[8];
    int fired[64];
    int n, moved;
    u64 rearm;  /* ev[0] sets itself to this time, 0: not */
    int cancel; /* ev[0] cancels this one, -1: none */
};

static void note(void *arg, u64 now)
{
    struct event *ev = arg;
    struct run *run = ev->run;

    ck_assert_uint_eq(now, run->now);
    ck_assert(!timer_pending(&ev->timer));
    run->fired[run->n++] = ev->id;
    if (ev->id == 0 && run->rearm)
        timer_set(&ev->timer, run->rearm);
    if (ev->id == 0 && run->cancel >= 0)
        timer_cancel(&run->ev[run->cancel].timer);
}

static void moved(void *arg)
{
    ((struct run *)arg)->moved++;
}

static void run_init(struct run *run)
{
    memset(run, 0, sizeof(*run));
    run->cancel = -1;
    clock_init(&run->clock, hand, &run->now);
    run->clock.moved = moved;
    run->clock.moved_arg = run;
    for (int i = 0; i < 8; i++) {
        run->ev[i].run = run;
        run->ev[i].id = i;
        timer_init(&run->ev[i].timer, &run->clock, note, &run->ev[i], "test");
    }
}

START_TEST(clock_orders)
{
    struct run run;

    run_init(&run);
    ck_assert_uint_eq(clock_next(&run.clock), CLOCK_NEVER);
    timer_set(&run.ev[3].timer, 30);
    timer_set(&run.ev[1].timer, 10);
    timer_set(&run.ev[2].timer, 10);
    timer_set(&run.ev[5].timer, 50);
    ck_assert_uint_eq(clock_next(&run.clock), 10);
    run.now = 9;
    clock_run(&run.clock);
    ck_assert_int_eq(run.n, 0);
    run.now = 30;
    clock_run(&run.clock);
    ck_assert_int_eq(run.n, 3);
    ck_assert_int_eq(run.fired[0], 1); /* equal deadlines: in the order of arming */
    ck_assert_int_eq(run.fired[1], 2);
    ck_assert_int_eq(run.fired[2], 3);
    ck_assert_uint_eq(clock_next(&run.clock), 50);
    timer_set(&run.ev[5].timer, CLOCK_NEVER);
    ck_assert(!timer_pending(&run.ev[5].timer));
    ck_assert_uint_eq(clock_next(&run.clock), CLOCK_NEVER);
    timer_cancel(&run.ev[5].timer);
    clock_free(&run.clock);
}
END_TEST

START_TEST(clock_past_timers_wait_for_the_next_run)
{
    struct run run;

    run_init(&run);
    run.rearm = 5;
    timer_set(&run.ev[0].timer, 10);
    timer_set(&run.ev[1].timer, 20);
    run.now = 100;
    clock_run(&run.clock);
    ck_assert_int_eq(run.n, 2);
    ck_assert(timer_pending(&run.ev[0].timer));
    ck_assert_uint_eq(clock_next(&run.clock), 5);
    clock_run(&run.clock);
    ck_assert_int_eq(run.n, 3);
    timer_cancel(&run.ev[0].timer);
    ck_assert(!timer_pending(&run.ev[0].timer));
    clock_free(&run.clock);
}
END_TEST

/* A handler sets another timer for the past, and then takes it back. */
static void set_and_cancel(void *arg, u64 now)
{
    struct run *run = arg;

    timer_set(&run->ev[2].timer, 3);
    timer_set(&run->ev[3].timer, 4);
    clock_run(&run->clock); /* within a run: nothing, but both have been put aside */
}

static void cancel_both(void *arg, u64 now)
{
    struct run *run = arg;

    timer_cancel(&run->ev[3].timer);
    timer_cancel(&run->ev[2].timer);
}

START_TEST(clock_cancels_what_waits)
{
    struct run run;
    struct timer first, second;

    run_init(&run);
    timer_init(&first, &run.clock, set_and_cancel, &run, "first");
    timer_init(&second, &run.clock, cancel_both, &run, "second");
    timer_set(&first, 10);
    timer_set(&second, 20); /* meets them waiting for the next run */
    run.now = 100;
    clock_run(&run.clock);
    ck_assert_int_eq(run.n, 0);
    ck_assert_uint_eq(clock_next(&run.clock), CLOCK_NEVER);
    clock_run(&run.clock);
    ck_assert_int_eq(run.n, 0);
    clock_free(&run.clock);
}
END_TEST

START_TEST(clock_handler_cancels_another)
{
    struct run run;

    run_init(&run);
    run.cancel = 1;
    timer_set(&run.ev[0].timer, 10);
    timer_set(&run.ev[1].timer, 10);
    timer_set(&run.ev[2].timer, 10);
    run.now = 10;
    clock_run(&run.clock);
    ck_assert_int_eq(run.n, 2);
    ck_assert_int_eq(run.fired[1], 2);
    clock_free(&run.clock);
}
END_TEST

START_TEST(clock_tells_of_an_earlier_deadline)
{
    struct run run;

    run_init(&run);
    timer_set(&run.ev[0].timer, 100);
    ck_assert_int_eq(run.moved, 1);
    timer_set(&run.ev[1].timer, 200);
    ck_assert_int_eq(run.moved, 1);
    timer_set(&run.ev[1].timer, 50);
    ck_assert_int_eq(run.moved, 2);
    clock_free(&run.clock);
}
END_TEST

START_TEST(clock_against_a_model)
{
    struct run run;
    u64 due[8];
    u32 seed = 1;

    run_init(&run);
    for (int i = 0; i < 8; i++)
        due[i] = CLOCK_NEVER;
    for (int step = 0; step < 20000; step++) {
        unsigned r = seed = seed * 1664525u + 1013904223u, i = r >> 10 & 7;
        u64 first = CLOCK_NEVER;

        due[i] = r >> 28 ? run.now + 1 + (r >> 16 & 63) : CLOCK_NEVER;
        timer_set(&run.ev[i].timer, due[i]);
        for (int k = 0; k < 8; k++)
            first = MIN(first, due[k]);
        ck_assert_uint_eq(clock_next(&run.clock), first);
        run.now += r >> 20 & 15;
        run.n = 0;
        clock_run(&run.clock);
        for (int k = 0; k < run.n; k++) {
            ck_assert_uint_le(due[run.fired[k]], run.now);
            due[run.fired[k]] = CLOCK_NEVER;
        }
        for (int k = 0; k < 8; k++)
            ck_assert_uint_gt(due[k], run.now);
    }
    clock_free(&run.clock);
}
END_TEST

START_TEST(clock_forgets_freed_memory)
{
    struct run run;

    run_init(&run);
    for (int i = 0; i < 8; i++)
        timer_set(&run.ev[i].timer, 100 - (u64)i);
    clock_forget(&run.clock, &run.ev[2], 4 * sizeof(run.ev[0]));
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(timer_pending(&run.ev[i].timer), i < 2 || i >= 6);
    run.now = 100;
    clock_run(&run.clock);
    ck_assert_int_eq(run.n, 4);
    ck_assert_int_eq(run.fired[0], 7);
    clock_free(&run.clock);
}
END_TEST

/* ---- a device of our own ---- */

struct toy_regs {
    u64 wide;
    u32 list[3];
    u16 half;
    u8 byte;
    bool flag;
    u8 blob[4];
    u8 kept[4];
};
struct toy {
    struct dev dev;
    struct toy_regs r;
    u32 size;
    u64 speed;
    bool fast;
    const char *name;
    int resets, loads;
};

#define FIELDS_OF struct toy_regs
static const struct field toy_fields[] = {F(wide, FT_U64, 0x1122334455667788ull, "wide"),
                                          FA(list, FT_U32, 7, "list"),
                                          F(half, FT_U16, 0xabcd, "half"),
                                          F(byte, FT_U8, 1, "byte"),
                                          F(flag, FT_BOOL, 1, "flag"),
                                          F(blob, FT_BYTES, 0xee, "blob"),
                                          FK(kept, FT_BYTES, 0x55, "kept"),
                                          FIELDS_END};
/* What an older version of the class saved. */
static const struct field old_fields[] = {F(half, FT_U16, 0, "half"), FIELDS_END};
#undef FIELDS_OF

static const struct prop toy_props[] = {
    {"size", offsetof(struct toy, size), PT_U32, 16, 1, 4096, "size"},
    {"speed", offsetof(struct toy, speed), PT_U64, 9, 0, ~0ull, "speed"},
    {"fast", offsetof(struct toy, fast), PT_BOOL, 1, 0, 1, "fast"},
    {"name", offsetof(struct toy, name), PT_STR, 0, 0, 0, "name"},
    PROPS_END};

static void toy_reset(struct dev *dev)
{
    ((struct toy *)dev)->resets++;
}

static bool toy_loaded(struct dev *dev, struct err *err)
{
    struct toy *toy = (struct toy *)dev;

    toy->loads++;
    return toy->r.byte < 100 || err_set(err, "byte is too large");
}

static const struct dev_class toy_class = {.name = "toy",
                                           .help = "a toy",
                                           .size = sizeof(struct toy),
                                           .saved_at = offsetof(struct toy, r),
                                           .saved_size = sizeof(struct toy_regs),
                                           .version = 2,
                                           .fields = toy_fields,
                                           .props = toy_props,
                                           .reset = toy_reset,
                                           .loaded = toy_loaded};

static struct toy *toy_new(struct dev_list *list, const char *id)
{
    struct dev_env env = {0};

    return (struct toy *)dev_new(list, &toy_class, id, &env);
}

START_TEST(dev_life)
{
    struct dev_list list;
    struct toy *a, *b;

    dev_list_init(&list);
    a = toy_new(&list, "a");
    b = toy_new(&list, "b");
    ck_assert_uint_eq(a->r.wide, 0x1122334455667788ull);
    ck_assert_uint_eq(a->r.list[2], 7);
    ck_assert_uint_eq(a->r.blob[3], 0xee);
    ck_assert(a->r.flag);
    ck_assert_uint_eq(a->size, 16);
    ck_assert(a->fast);
    ck_assert(dev_start(&a->dev, NULL));
    ck_assert_ptr_eq(dev_find(&list, "b"), &b->dev);
    ck_assert_ptr_null(dev_find(&list, "c"));
    a->r.half = 1;
    a->r.kept[0] = 9;
    dev_list_reset(&list);
    ck_assert_uint_eq(a->r.half, 0xabcd);
    ck_assert_uint_eq(a->r.kept[0], 9); /* battery-backed */
    ck_assert_int_eq(b->resets, 1);
    ck_assert_int_eq(fields_uncovered(toy_fields, sizeof(struct toy_regs)), -1);
    ck_assert_int_eq(fields_uncovered(old_fields, sizeof(struct toy_regs)), 0);
    dev_list_free(&list);
    ck_assert_ptr_null(list.first);
}
END_TEST

START_TEST(props_parse)
{
    struct dev_list list;
    struct err err;
    struct toy *toy;

    dev_list_init(&list);
    toy = toy_new(&list, "toy");
    ck_assert(prop_set(toy_props, toy, "size", "0x1F", &err));
    ck_assert_uint_eq(toy->size, 0x1f);
    ck_assert(prop_set(toy_props, toy, "size", "4K", &err));
    ck_assert_uint_eq(toy->size, 4096);
    ck_assert(!prop_set(toy_props, toy, "size", "4097", &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "size"));
    ck_assert_ptr_nonnull(strstr(err.msg, "4096"));
    ck_assert(!prop_set(toy_props, toy, "size", "0", &err));
    ck_assert(!prop_set(toy_props, toy, "size", "-1", &err));
    ck_assert(!prop_set(toy_props, toy, "size", "1x", &err));
    ck_assert(!prop_set(toy_props, toy, "size", "", &err));
    ck_assert_uint_eq(toy->size, 4096);
    ck_assert(prop_set(toy_props, toy, "speed", "18446744073709551615", &err));
    ck_assert(!prop_set(toy_props, toy, "speed", "18446744073709551616", &err));
    ck_assert(!prop_set(toy_props, toy, "speed", "18446744073709551615K", &err));
    ck_assert(prop_set(toy_props, toy, "fast", "off", &err));
    ck_assert(!toy->fast);
    ck_assert(!prop_set(toy_props, toy, "fast", "maybe", &err));
    ck_assert(prop_set(toy_props, toy, "name", "one", &err));
    ck_assert(prop_set(toy_props, toy, "name", "two", &err));
    ck_assert_str_eq(toy->name, "two");
    ck_assert(!prop_set(toy_props, toy, "colour", "red", &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "colour"));
    ck_assert(!prop_set(NULL, toy, "colour", "red", &err));
    dev_list_free(&list);
}
END_TEST

/* ---- snapshots ---- */

START_TEST(snap_round_trip)
{
    struct dev_list list;
    struct snap snap = {0};
    struct toy *toy;
    struct err err;

    dev_list_init(&list);
    toy = toy_new(&list, "toy");
    toy->r.wide = 1;
    toy->r.list[1] = 0xcafe;
    toy->r.flag = false;
    toy->r.kept[3] = 2;
    dev_save(&toy->dev, &snap);
    fields_reset(toy_fields, &toy->r, true);
    ck_assert(dev_load(&toy->dev, &snap, &err));
    ck_assert_uint_eq(snap.pos, snap.len);
    ck_assert_uint_eq(toy->r.wide, 1);
    ck_assert_uint_eq(toy->r.list[0], 7);
    ck_assert_uint_eq(toy->r.list[1], 0xcafe);
    ck_assert(!toy->r.flag);
    ck_assert_uint_eq(toy->r.kept[3], 2);
    snap_free(&snap);
    dev_list_free(&list);
}
END_TEST

START_TEST(snap_versions)
{
    struct toy_regs r;
    struct snap snap = {0};
    struct err err;

    fields_reset(toy_fields, &r, true);
    r.half = 5;
    snap_save_fields(&snap, "toy", "x", 1, old_fields, &r);
    memset(&r, 0xff, sizeof(r));
    ck_assert(snap_load_fields(&snap, "toy", "x", 2, toy_fields, &r, &err));
    ck_assert_uint_eq(r.half, 5);
    ck_assert_uint_eq(r.list[0], 7); /* absent: the reset value */
    snap.pos = 0;
    ck_assert(!snap_load_fields(&snap, "toy", "y", 2, toy_fields, &r, &err));
    snap.pos = 0;
    ck_assert(!snap_load_fields(&snap, "doll", "x", 2, toy_fields, &r, &err));
    snap_free(&snap);

    /* a row of the future is skipped; a section of the future is refused */
    snap_save_fields(&snap, "toy", "x", 1, toy_fields, &r);
    ck_assert(snap_load_fields(&snap, "toy", "x", 1, old_fields, &r, &err));
    ck_assert_uint_eq(snap.pos, snap.len);
    snap_free(&snap);
    snap_save_fields(&snap, "toy", "x", 3, toy_fields, &r);
    ck_assert(!snap_load_fields(&snap, "toy", "x", 2, toy_fields, &r, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "version 3"));
    snap_free(&snap);
}
END_TEST

START_TEST(snap_refused_state_is_not_kept)
{
    struct dev_list list;
    struct snap snap = {0};
    struct toy *toy;
    struct err err;

    dev_list_init(&list);
    toy = toy_new(&list, "toy");
    toy->r.byte = 200;
    dev_save(&toy->dev, &snap);
    ck_assert(!dev_load(&toy->dev, &snap, &err));
    ck_assert_str_eq(err.msg, "byte is too large");
    ck_assert_uint_eq(toy->r.byte, 1);
    snap_free(&snap);
    dev_list_free(&list);
}
END_TEST

START_TEST(snap_hostile)
{
    struct toy_regs r, before;
    struct snap snap = {0}, bad;
    u32 seed = 7;

    memset(&r, 0, sizeof(r));
    fields_reset(toy_fields, &r, true);
    snap_save_fields(&snap, "toy", "x", 2, toy_fields, &r);
    for (size_t cut = 0; cut < snap.len; cut++) {
        bad = (struct snap){.data = snap.data, .len = cut};
        before = r;
        ck_assert(!snap_load_fields(&bad, "toy", "x", 2, toy_fields, &r, NULL));
        ck_assert_mem_eq(&r, &before, sizeof(r));
    }
    for (int round = 0; round < 50000; round++) {
        u8 *copy = malloc(snap.len);

        memcpy(copy, snap.data, snap.len);
        for (int k = 0; k < 3; k++) {
            seed = seed * 1664525u + 1013904223u;
            copy[(seed >> 8) % snap.len] = (u8)(seed >> 24);
        }
        bad = (struct snap){.data = copy, .len = snap.len};
        snap_load_fields(&bad, "toy", "x", 2, toy_fields, &r, NULL);
        ck_assert(r.flag == 0 || r.flag == 1);
        free(copy);
    }
    bad = (struct snap){.data = snap.data, .len = 4};
    ck_assert_uint_eq(snap_get_u64(&bad), 0);
    ck_assert(bad.bad);
    snap_free(&snap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core");
    TCase *tc = tcase_create("core");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, bits);
    tcase_add_test(tc, fifo_wraps_and_drops);
    tcase_add_test(tc, log_lists);
    tcase_add_test(tc, log_limits_guest_errors);
    tcase_add_test(tc, clock_orders);
    tcase_add_test(tc, clock_past_timers_wait_for_the_next_run);
    tcase_add_test(tc, clock_handler_cancels_another);
    tcase_add_test(tc, clock_cancels_what_waits);
    tcase_add_test(tc, clock_tells_of_an_earlier_deadline);
    tcase_add_test(tc, clock_against_a_model);
    tcase_add_test(tc, clock_forgets_freed_memory);
    tcase_add_test(tc, dev_life);
    tcase_add_test(tc, props_parse);
    tcase_add_test(tc, snap_round_trip);
    tcase_add_test(tc, snap_versions);
    tcase_add_test(tc, snap_refused_state_is_not_kept);
    tcase_add_test(tc, snap_hostile);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
