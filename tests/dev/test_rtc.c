/* The MC146818 through ports 0x70 and 0x71: calendar, formats, update cycle, alarm, periodic and
 * update interrupts. */
#include "devices/time/mc146818.h"
#include "tests/dev/rig.h"

struct setup {
    struct rig rig;
    struct mc146818 *rtc;
    struct probe irq, nmi;
};

static void setup_at(struct setup *s, s64 base)
{
    memset(s, 0, sizeof(*s));
    rig_init(&s->rig);
    s->rtc = rig_new(&s->rig, &mc146818_class, "rtc");
    s->rtc->base = (u64)base;
    irq_connect(&s->rtc->out, probe_set, &s->irq, 0);
    irq_connect(&s->rtc->nmi_mask, probe_set, &s->nmi, 0);
    rig_start(s->rtc);
}

static u8 get(struct setup *s, u8 reg)
{
    out8(&s->rig, 0x70, reg);
    return in8(&s->rig, 0x71);
}

static void put(struct setup *s, u8 reg, u8 v)
{
    out8(&s->rig, 0x70, reg);
    out8(&s->rig, 0x71, v);
}

static void expect(struct setup *s, unsigned century, unsigned year, unsigned month, unsigned day,
                   unsigned hour, unsigned min, unsigned sec, unsigned wday)
{
    ck_assert_uint_eq(get(s, 0x32), century);
    ck_assert_uint_eq(get(s, 9), year);
    ck_assert_uint_eq(get(s, 8), month);
    ck_assert_uint_eq(get(s, 7), day);
    ck_assert_uint_eq(get(s, 4), hour);
    ck_assert_uint_eq(get(s, 2), min);
    ck_assert_uint_eq(get(s, 0), sec);
    ck_assert_uint_eq(get(s, 6), wday);
}

START_TEST(calendar)
{
    struct setup s;

    setup_at(&s, 951782399); /* 2000-02-28 23:59:59, a Monday */
    expect(&s, 0x20, 0x00, 0x02, 0x28, 0x23, 0x59, 0x59, 2);
    rig_pass(&s.rig, NS_PER_SEC);
    expect(&s, 0x20, 0x00, 0x02, 0x29, 0x00, 0x00, 0x00, 3);
    rig_pass(&s.rig, 86400 * NS_PER_SEC);
    expect(&s, 0x20, 0x00, 0x03, 0x01, 0x00, 0x00, 0x00, 4);
    rig_free(&s.rig);
    setup_at(&s, 4102444799); /* 2099-12-31 23:59:59 */
    rig_pass(&s.rig, NS_PER_SEC);
    expect(&s, 0x21, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 6);
    rig_free(&s.rig);
    setup_at(&s, -1); /* 1969-12-31 23:59:59 */
    expect(&s, 0x19, 0x69, 0x12, 0x31, 0x23, 0x59, 0x59, 4);
    rig_free(&s.rig);
}
END_TEST

START_TEST(formats)
{
    struct setup s;

    setup_at(&s, 1000000000); /* 2001-09-09 01:46:40 */
    put(&s, 11, 0x06);        /* binary, 24 hours */
    expect(&s, 20, 1, 9, 9, 1, 46, 40, 1);
    put(&s, 11, 0x00); /* BCD, 12 hours */
    expect(&s, 0x20, 0x01, 0x09, 0x09, 0x01, 0x46, 0x40, 1);
    rig_pass(&s.rig, 12 * 3600 * NS_PER_SEC);
    ck_assert_uint_eq(get(&s, 4), 0x81);
    rig_pass(&s.rig, 11 * 3600 * NS_PER_SEC);
    ck_assert_uint_eq(get(&s, 4), 0x12); /* midnight is 12 am */
    put(&s, 4, 0x92);                    /* 12 pm is noon */
    put(&s, 11, 0x02);
    ck_assert_uint_eq(get(&s, 4), 0x12);
    rig_free(&s.rig);
}
END_TEST

START_TEST(setting)
{
    struct setup s;

    setup_at(&s, 0);
    put(&s, 11, 0x82); /* stop */
    put(&s, 0, 0x58), put(&s, 2, 0x59), put(&s, 4, 0x23), put(&s, 7, 0x31), put(&s, 8, 0x12),
        put(&s, 9, 0x99);
    put(&s, 0x32, 0x19), put(&s, 6, 0x06);
    rig_pass(&s.rig, 10 * NS_PER_SEC);
    expect(&s, 0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x58, 6); /* stands still */
    put(&s, 11, 0x02);
    rig_pass(&s.rig, 2 * NS_PER_SEC);
    expect(&s, 0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 7);
    put(&s, 2, 0x30); /* a single register while it runs */
    rig_pass(&s.rig, NS_PER_SEC);
    expect(&s, 0x20, 0x00, 0x01, 0x01, 0x00, 0x30, 0x01, 7);
    put(&s, 6, 0x01); /* whatever the guest thinks the day is, it goes on from there */
    rig_pass(&s.rig, 86400 * NS_PER_SEC);
    ck_assert_uint_eq(get(&s, 6), 2);
    for (unsigned v = 0; v < 256; v++) /* nonsense is no reason to fall over */
        for (unsigned reg = 0; reg < 10; reg++)
            put(&s, (u8)reg, (u8)(v * 37 + reg * 11));
    rig_pass(&s.rig, NS_PER_SEC);
    ck_assert_uint_ge(get(&s, 8), 1);
    ck_assert_uint_le(get(&s, 8), 0x12);
    rig_free(&s.rig);
}
END_TEST

START_TEST(divider)
{
    struct setup s;

    setup_at(&s, 0);
    rig_pass(&s.rig, 300000000);
    put(&s, 10, 0x70); /* held in reset */
    rig_pass(&s.rig, 5 * NS_PER_SEC);
    ck_assert_uint_eq(get(&s, 0), 0);
    put(&s, 10, 0x26);
    rig_pass(&s.rig, 499000000);
    ck_assert_uint_eq(get(&s, 0), 0);
    rig_pass(&s.rig, 2000000); /* the first update comes half a second later */
    ck_assert_uint_eq(get(&s, 0), 1);
    rig_free(&s.rig);
}
END_TEST

START_TEST(update_in_progress)
{
    struct setup s;
    u64 began = 0, ended = 0;

    setup_at(&s, 0);
    for (u64 us = 0; us < 1100000; us += 10) {
        s.rig.now = us * 1000;
        if ((get(&s, 10) & 0x80) && !began)
            began = us;
        if (!(get(&s, 10) & 0x80) && began && !ended)
            ended = us;
        if (us < 1000000)
            ck_assert_uint_eq(get(&s, 0), 0);
    }
    ck_assert_uint_ge(began, 1000000 - 2300);
    ck_assert_uint_le(began, 1000000 - 2200);
    ck_assert_uint_eq(ended, 1000000);
    put(&s, 11, 0x82);
    s.rig.now = 1999900000;
    ck_assert_uint_eq(get(&s, 10) & 0x80, 0); /* no updates while it is being set */
    rig_free(&s.rig);
}
END_TEST

START_TEST(periodic)
{
    struct setup s;

    setup_at(&s, 0);
    get(&s, 12);
    put(&s, 10, 0x26); /* 1024 Hz */
    rig_pass(&s.rig, NS_PER_SEC);
    ck_assert_int_eq(s.irq.rises, 0);
    ck_assert_uint_eq(get(&s, 12), 0x50); /* flags come without being enabled */
    ck_assert_uint_eq(get(&s, 12), 0);
    put(&s, 11, 0x42);
    for (int i = 0; i < 1000; i++) {
        while (!s.irq.level)
            rig_pass(&s.rig, 10000);
        ck_assert_uint_eq(get(&s, 12) & 0xc0, 0xc0);
        ck_assert_int_eq(s.irq.level, 0);
    }
    ck_assert_uint_ge(s.rig.now, NS_PER_SEC + 970 * (NS_PER_SEC / 1000));
    ck_assert_uint_le(s.rig.now, NS_PER_SEC + 985 * (NS_PER_SEC / 1000));
    put(&s, 10, 0x2f); /* 2 Hz */
    get(&s, 12);
    rig_pass(&s.rig, 510000000);
    ck_assert_int_eq(s.irq.level, 1);
    get(&s, 12);
    put(&s, 10, 0x20); /* none */
    rig_pass(&s.rig, 10 * NS_PER_SEC);
    ck_assert_int_eq(s.irq.level, 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(unread_flags_cost_no_events)
{
    struct setup s;

    setup_at(&s, 0);
    put(&s, 10, 0x23);
    put(&s, 11, 0x42);
    rig_pass(&s.rig, NS_PER_SEC);
    ck_assert_int_eq(s.irq.rises, 1);
    ck_assert_uint_eq(clock_next(&s.rig.clock), CLOCK_NEVER);
    rig_free(&s.rig);
}
END_TEST

START_TEST(update_and_alarm)
{
    struct setup s;

    setup_at(&s, 86390); /* 23:59:50 */
    put(&s, 11, 0x12);
    get(&s, 12);
    rig_pass(&s.rig, 999999999);
    ck_assert_int_eq(s.irq.level, 0);
    rig_pass(&s.rig, 1);
    ck_assert_int_eq(s.irq.level, 1);
    ck_assert_uint_eq(get(&s, 12) & 0xb0, 0x90);
    put(&s, 1, 0x05), put(&s, 3, 0x00), put(&s, 5, 0x00); /* 00:00:05 */
    put(&s, 11, 0x22);
    rig_pass(&s.rig, 13 * NS_PER_SEC);
    ck_assert_int_eq(s.irq.level, 0);
    rig_pass(&s.rig, NS_PER_SEC);
    ck_assert_int_eq(s.irq.level, 1);
    ck_assert_uint_eq(get(&s, 12) & 0xa0, 0xa0);
    put(&s, 3, 0xc0), put(&s, 5, 0xff); /* each minute at :05 */
    rig_pass(&s.rig, 59 * NS_PER_SEC);
    ck_assert_int_eq(s.irq.level, 0);
    rig_pass(&s.rig, NS_PER_SEC);
    ck_assert_int_eq(s.irq.level, 1);
    /* polled after a long sleep, the flag has not been missed */
    put(&s, 11, 0x02);
    get(&s, 12);
    rig_pass(&s.rig, 120 * NS_PER_SEC);
    ck_assert_uint_eq(get(&s, 12) & 0x20, 0x20);
    rig_free(&s.rig);
}
END_TEST

START_TEST(memory_and_nmi)
{
    struct setup s;

    setup_at(&s, 0);
    for (unsigned reg = 14; reg < 128; reg++)
        if (reg != 0x32)
            put(&s, (u8)reg, (u8)(reg * 3));
    rig_pass(&s.rig, 5 * NS_PER_SEC);
    dev_reset(&s.rtc->dev); /* the battery keeps it */
    for (unsigned reg = 14; reg < 128; reg++)
        if (reg != 0x32)
            ck_assert_uint_eq(get(&s, (u8)reg), (u8)(reg * 3));
    ck_assert_uint_eq(get(&s, 0), 5);
    ck_assert_uint_eq(get(&s, 13), 0x80);
    put(&s, 13, 0);
    ck_assert_uint_eq(get(&s, 13), 0x80);
    ck_assert_int_eq(s.nmi.level, 0);
    out8(&s.rig, 0x70, 0x80 | 14);
    ck_assert_int_eq(s.nmi.level, 1);
    ck_assert_uint_eq(in8(&s.rig, 0x71), 42);
    out8(&s.rig, 0x70, 0);
    ck_assert_int_eq(s.nmi.level, 0);
    mc146818_poke(s.rtc, 0x10, 0x44);
    ck_assert_uint_eq(get(&s, 0x10), 0x44);
    mc146818_poke(s.rtc, 11, 0xff); /* not a register */
    ck_assert_uint_eq(get(&s, 11), 2);
    mc146818_poke(s.rtc, 4000, 1);
    rig_free(&s.rig);
}
END_TEST

START_TEST(state)
{
    struct setup s;
    struct snap snap = {0};
    struct err err;

    setup_at(&s, 1000000000);
    put(&s, 11, 0x52);
    rig_pass(&s.rig, 1234567890);
    rig_reload(&s.rtc->dev);
    ck_assert_int_eq(s.irq.level, 1);
    ck_assert_uint_eq(get(&s, 0), 0x41);
    s.rtc->r.seconds = (u64)1 << 60;
    dev_save(&s.rtc->dev, &snap);
    ck_assert(!dev_load(&s.rtc->dev, &snap, &err));
    snap_free(&snap);
    rig_free(&s.rig);
}
END_TEST

/* With 1024 ticks a second, the guest takes none for half a second: it gets them all afterwards,
 * between those that come by themselves. */
START_TEST(drift)
{
    for (int slew = 0; slew < 2; slew++) {
        struct setup s;
        int ticks = 0;

        setup_at(&s, 0);
        s.rtc->slew = slew;
        put(&s, 11, 0x42);
        get(&s, 12);
        rig_pass(&s.rig, NS_PER_SEC / 2);
        rig_reload(&s.rtc->dev);
        for (int i = 0; i < 20000; i++) {
            if (s.irq.level) {
                get(&s, 12);
                ticks++;
            }
            rig_pass(&s.rig, 100000);
        }
        /* 2.5 s are 2560 ticks */
        ck_assert_int_ge(ticks, slew ? 2555 : 2045);
        ck_assert_int_le(ticks, slew ? 2562 : 2051);
        /* another rate: what was lost is forgotten */
        rig_pass(&s.rig, NS_PER_SEC / 2);
        put(&s, 10, 0x2a);
        ck_assert_uint_eq(s.rtc->r.lost, 0);
        rig_free(&s.rig);
    }
}
END_TEST

START_TEST(skip)
{
    struct setup s;

    setup_at(&s, 951782399); /* 2000-02-28 23:59:59 */
    mc146818_skip(s.rtc, 86400 * NS_PER_SEC);
    expect(&s, 0x20, 0x00, 0x02, 0x29, 0x23, 0x59, 0x59, 3);
    rig_free(&s.rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {calendar,
                                  formats,
                                  setting,
                                  divider,
                                  update_in_progress,
                                  periodic,
                                  unread_flags_cost_no_events,
                                  update_and_alarm,
                                  memory_and_nmi,
                                  state,
                                  drift, skip, NULL};

    return rig_main("rtc", tests);
}
