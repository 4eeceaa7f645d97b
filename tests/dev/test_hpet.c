/* High precision event timer: capabilities, counter, one-shot and periodic comparators, level
 * interrupts, legacy replacement (IA-PC HPET 1.0a). */
#include "devices/time/hpet.h"
#include "tests/dev/rig.h"

#include <check.h>

enum { ID = 0, CONFIG = 0x10, STATUS = 0x20, COUNTER = 0xf0 };
enum { ENABLE = 1, LEGACY = 2 };
enum { LEVEL = 2, INT = 4, PERIODIC = 8, SET = 0x40, W32 = 0x100 };
enum { MS = 100000 }; /* ticks */

struct set {
    struct rig rig;
    struct hpet *h;
    struct probe irq0, irq8, pin2;
};

static void setup(struct set *s)
{
    memset(s, 0, sizeof(*s));
    rig_init(&s->rig);
    s->h = rig_new(&s->rig, &hpet_class, "hpet");
    irq_connect(&s->h->legacy[0], probe_set, &s->irq0, 0);
    irq_connect(&s->h->legacy[1], probe_set, &s->irq8, 8);
    irq_connect(&s->h->gsi[2], probe_set, &s->pin2, 2);
    rig_start(s->h);
}

static u64 rd(struct set *s, unsigned reg)
{
    return bus_read(&s->rig.mem, HPET_BASE + reg, 8);
}
static u32 rd4(struct set *s, unsigned reg)
{
    return mem32(&s->rig, HPET_BASE + reg);
}
static void wr(struct set *s, unsigned reg, u64 v)
{
    bus_write(&s->rig.mem, HPET_BASE + reg, v, 8);
}
static void wr4(struct set *s, unsigned reg, u32 v)
{
    mem32_set(&s->rig, HPET_BASE + reg, v);
}
static unsigned conf(unsigned n)
{
    return 0x100 + 0x20 * n;
}
static unsigned cmp(unsigned n)
{
    return 0x108 + 0x20 * n;
}

START_TEST(counter)
{
    struct set s;

    setup(&s);
    ck_assert_uint_eq(rd(&s, ID), 0x009896808086a201ull);
    ck_assert_uint_eq(rd4(&s, ID + 4), 10000000);
    ck_assert_uint_eq(rd4(&s, conf(0) + 4), 4); /* pin 2 */
    ck_assert_uint_eq(rd4(&s, conf(0)), 0x30);
    ck_assert_uint_eq(rd4(&s, conf(1)), 0x20);
    ck_assert_uint_eq(rd(&s, cmp(2)), ~0ull);
    ck_assert_uint_eq(rd(&s, 0x180), 0);
    rig_pass(&s.rig, 1000000);
    ck_assert_uint_eq(rd(&s, COUNTER), 0);
    wr(&s, COUNTER, 0x1fffffff0ull);
    wr(&s, CONFIG, ENABLE);
    rig_pass(&s.rig, 1000000);
    ck_assert_uint_eq(rd(&s, COUNTER), 0x1fffffff0ull + MS);
    ck_assert_uint_eq(rd4(&s, COUNTER + 4), 2);
    wr(&s, COUNTER, 5); /* not while it runs */
    ck_assert_uint_eq(rd(&s, COUNTER), 0x1fffffff0ull + MS);
    rig_reload(&s.h->dev);
    wr4(&s, CONFIG, 0);
    rig_pass(&s.rig, 1000000);
    ck_assert_uint_eq(rd(&s, COUNTER), 0x1fffffff0ull + MS);
    wr4(&s, COUNTER, 7), wr4(&s, COUNTER + 4, 0);
    ck_assert_uint_eq(rd(&s, COUNTER), 7);
    rig_free(&s.rig);
}
END_TEST

START_TEST(one_shot)
{
    struct set s;

    setup(&s);
    wr(&s, CONFIG, ENABLE);
    wr4(&s, conf(2), INT | W32 | 2 << 9);
    ck_assert_uint_eq(rd4(&s, conf(2)), (INT | W32 | 2 << 9) + 0x20);
    wr4(&s, cmp(2), rd4(&s, COUNTER) + MS);
    rig_pass(&s.rig, 999900);
    ck_assert_int_eq(s.pin2.rises, 0);
    rig_pass(&s.rig, 5000);
    ck_assert_int_eq(s.pin2.rises, 1);
    ck_assert_int_eq(s.pin2.level, 0); /* an edge */
    rig_pass(&s.rig, 1000000000);
    ck_assert_int_eq(s.pin2.rises, 1);
    /* 32 bits wrap after 43 s: once more */
    rig_pass(&s.rig, 42000000000ull);
    ck_assert_int_eq(s.pin2.rises, 2);
    /* what is just behind comes at once */
    wr4(&s, cmp(2), rd4(&s, COUNTER) - 10);
    ck_assert_int_eq(s.pin2.rises, 3);
    /* disabled: nothing; a route that does not exist is not taken: the one before stays */
    wr4(&s, conf(2), W32 | 2 << 9);
    wr4(&s, cmp(2), rd4(&s, COUNTER) + 100);
    rig_pass(&s.rig, 10000);
    ck_assert_int_eq(s.pin2.rises, 3);
    wr4(&s, conf(2), INT | W32 | 5 << 9);
    wr4(&s, cmp(2), rd4(&s, COUNTER) + 100);
    rig_pass(&s.rig, 10000);
    ck_assert_int_eq(s.pin2.rises, 4);
    rig_free(&s.rig);
}
END_TEST

START_TEST(level)
{
    struct set s;

    setup(&s);
    wr(&s, conf(1), INT | LEVEL | 2 << 9);
    wr(&s, cmp(1), 50);
    wr(&s, CONFIG, ENABLE);
    ck_assert_int_eq(s.pin2.level, 0);
    rig_pass(&s.rig, 10000);
    ck_assert_int_eq(s.pin2.level, 1);
    ck_assert_uint_eq(rd(&s, STATUS), 2);
    rig_reload(&s.h->dev);
    ck_assert_int_eq(s.pin2.level, 1);
    wr4(&s, STATUS, 1);
    ck_assert_int_eq(s.pin2.level, 1);
    wr4(&s, STATUS + 4, 2); /* the other half clears nothing */
    ck_assert_int_eq(s.pin2.level, 1);
    wr4(&s, STATUS, 2);
    ck_assert_int_eq(s.pin2.level, 0);
    /* the status is told even where no interrupt is */
    wr(&s, conf(1), LEVEL | 2 << 9);
    wr(&s, cmp(1), rd(&s, COUNTER) + 10);
    rig_pass(&s.rig, 10000);
    ck_assert_uint_eq(rd(&s, STATUS), 2);
    ck_assert_int_eq(s.pin2.level, 0);
    wr(&s, conf(1), 2 << 9);
    ck_assert_uint_eq(rd(&s, STATUS), 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(periodic)
{
    struct set s;

    setup(&s);
    /* as one write sets both, the counter at 0 */
    wr(&s, conf(0), INT | PERIODIC | SET | 2 << 9);
    wr(&s, cmp(0), MS);
    ck_assert_uint_eq(rd4(&s, conf(0)) & SET, 0);
    wr(&s, CONFIG, ENABLE);
    rig_pass(&s.rig, 10005000);
    ck_assert_int_eq(s.pin2.rises, 10);
    ck_assert_uint_eq(rd(&s, cmp(0)), 11 * MS);
    rig_reload(&s.h->dev);
    /* a late host: one event for many periods, and the beat is kept */
    s.rig.now += 50000000;
    clock_run(&s.rig.clock);
    ck_assert_int_eq(s.pin2.rises, 11);
    rig_pass(&s.rig, 1000000);
    ck_assert_int_eq(s.pin2.rises, 12);
    /* another period alone, in 32-bit writes */
    wr4(&s, cmp(0), 2 * MS);
    rig_pass(&s.rig, 20000000);
    ck_assert_int_ge(s.pin2.rises, 22);
    ck_assert_int_le(s.pin2.rises, 23);
    /* as Linux does it: value, then period */
    wr4(&s, CONFIG, 0);
    wr4(&s, conf(0), INT | PERIODIC | SET | W32 | 2 << 9);
    wr4(&s, CONFIG, ENABLE);
    s.pin2.rises = 0;
    wr4(&s, cmp(0), rd4(&s, COUNTER) + MS);
    wr4(&s, cmp(0), MS);
    rig_pass(&s.rig, 5005000);
    ck_assert_int_eq(s.pin2.rises, 5);
    /* comparators 1 and 2 do not repeat */
    wr4(&s, conf(1), INT | PERIODIC);
    ck_assert_uint_eq(rd4(&s, conf(1)), 0x20 | INT);
    /* a period of one tick must not stop the machine */
    wr4(&s, conf(0), INT | PERIODIC | SET | W32 | 2 << 9);
    wr4(&s, cmp(0), rd4(&s, COUNTER) + 1);
    wr4(&s, cmp(0), 1);
    s.pin2.rises = 0;
    rig_pass(&s.rig, 1000000);
    ck_assert_int_gt(s.pin2.rises, 100);
    ck_assert_int_lt(s.pin2.rises, 1000);
    rig_free(&s.rig);
}
END_TEST

START_TEST(replacement)
{
    struct set s;

    setup(&s);
    hpet_set_legacy(s.h, HPET_PIT, 1);
    hpet_set_legacy(s.h, HPET_RTC, 1);
    ck_assert_int_eq(s.irq0.level, 1);
    ck_assert_int_eq(s.irq8.level, 1);
    wr(&s, CONFIG, ENABLE | LEGACY);
    ck_assert_int_eq(s.irq0.level, 0);
    ck_assert_int_eq(s.irq8.level, 0);
    s.irq0.rises = s.irq8.rises = 0;
    hpet_set_legacy(s.h, HPET_PIT, 0), hpet_set_legacy(s.h, HPET_PIT, 1);
    ck_assert_int_eq(s.irq0.rises, 0);
    wr(&s, conf(0), INT | 2 << 9), wr(&s, cmp(0), rd(&s, COUNTER) + 100);
    wr(&s, conf(1), INT | LEVEL), wr(&s, cmp(1), rd(&s, COUNTER) + 100);
    rig_pass(&s.rig, 10000);
    ck_assert_int_eq(s.irq0.rises, 1);
    ck_assert_int_eq(s.irq8.level, 1);
    ck_assert_int_eq(s.pin2.rises, 0);
    rig_reload(&s.h->dev);
    dev_reset(&s.h->dev);
    ck_assert_int_eq(s.irq0.level, 1); /* the 8254 again */
    rig_free(&s.rig);
}
END_TEST

/* Every register: what is reserved reads as 0, what is not offered cannot be set (2.3). */
START_TEST(registers)
{
    struct set s;

    setup(&s);
    wr(&s, ID, 0);
    ck_assert_uint_eq(rd(&s, ID), 0x009896808086a201ull);
    wr(&s, CONFIG, ~(u64)ENABLE);
    ck_assert_uint_eq(rd(&s, CONFIG), LEGACY);
    wr(&s, CONFIG, 0);
    wr(&s, STATUS, ~0ull);
    ck_assert_uint_eq(rd(&s, STATUS), 0);
    for (unsigned n = 0; n < 3; n++) {
        /* all bits but the route: no FSB delivery, no period but of the first */
        wr(&s, conf(n), ~0ull & ~0x3e00ull);
        ck_assert_uint_eq(rd4(&s, conf(n)), n ? 0x126u : 0x17e);
        ck_assert_uint_eq(rd4(&s, conf(n) + 4), 4);
        ck_assert_uint_eq(rd(&s, cmp(n)), 0xffffffff); /* 32 bits now */
        wr(&s, conf(n), 0);
        wr(&s, conf(n) + 0x10, ~0ull); /* the FSB register is not there */
        ck_assert_uint_eq(rd(&s, conf(n) + 0x10), 0);
        /* a route that there is, then one that there is not */
        wr(&s, conf(n), 2 << 9 | INT);
        ck_assert_uint_eq(rd4(&s, conf(n)) >> 9 & 31, 2);
        wr(&s, conf(n), 3 << 9 | INT | LEVEL);
        ck_assert_uint_eq(rd4(&s, conf(n)) >> 9 & 31, 2);
        ck_assert_uint_eq(rd4(&s, conf(n)) & 6, INT | LEVEL);
        wr(&s, conf(n), 31 << 9);
        ck_assert_uint_eq(rd4(&s, conf(n)) >> 9 & 31, 2);
    }
    wr(&s, conf(0), SET); /* means nothing without a period */
    ck_assert_uint_eq(rd4(&s, conf(0)) & SET, 0);
    for (unsigned reg = 0x28; reg < 0x400; reg += 8) {
        if (reg == COUNTER || (reg >= 0x100 && reg < 0x160))
            continue;
        wr(&s, reg, ~0ull);
        ck_assert_uint_eq(rd(&s, reg), 0);
    }
    rig_free(&s.rig);
}
END_TEST

/* The counter begins again at 0 behind its last value; comparators wait across that. */
START_TEST(wraps)
{
    struct set s;

    setup(&s);
    wr(&s, COUNTER, ~0ull - 999); /* a thousand counts before */
    wr(&s, conf(2), 2 << 9 | INT);
    wr(&s, cmp(2), 500);
    wr(&s, CONFIG, ENABLE);
    rig_pass(&s.rig, 14990);
    ck_assert_int_eq(s.pin2.rises, 0);
    rig_pass(&s.rig, 10);
    ck_assert_int_eq(s.pin2.rises, 1);
    ck_assert_uint_eq(rd(&s, COUNTER), 500);
    /* 32 bits: each time the lower half comes round */
    wr(&s, CONFIG, 0);
    wr(&s, COUNTER, 0x3fffffff0ull);
    wr(&s, conf(2), 2 << 9 | INT | W32);
    wr(&s, cmp(2), 0x10);
    wr(&s, CONFIG, ENABLE);
    rig_pass(&s.rig, 310);
    ck_assert_int_eq(s.pin2.rises, 1);
    rig_pass(&s.rig, 3000); /* the host is not woken more often than every two microseconds */
    ck_assert_int_eq(s.pin2.rises, 2);
    rig_pass(&s.rig, 10 * ((u64)1 << 32) - 3000);
    ck_assert_int_eq(s.pin2.rises, 2);
    rig_pass(&s.rig, 10);
    ck_assert_int_eq(s.pin2.rises, 3);
    wr(&s, conf(2), 0);
    /* a period across the end of 64 bits */
    wr(&s, CONFIG, 0);
    wr(&s, COUNTER, ~0ull - 49);
    wr(&s, conf(0), 2 << 9 | INT | PERIODIC | SET);
    wr(&s, cmp(0), ~0ull - 19);
    wr(&s, cmp(0), 1000);
    wr(&s, CONFIG, ENABLE);
    rig_pass(&s.rig, 3000);
    ck_assert_int_eq(s.pin2.rises, 4);
    ck_assert_uint_eq(rd(&s, cmp(0)), 980);
    rig_reload(&s.h->dev);
    rig_pass(&s.rig, 10000);
    ck_assert_int_eq(s.pin2.rises, 5);
    rig_free(&s.rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {counter, one_shot, level, periodic, replacement, registers, wraps, NULL};

    return rig_main("hpet", tests);
}
