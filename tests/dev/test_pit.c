/* The 8254 through its ports: the six modes against the data sheet's waveforms, latches, BCD, gate
 * and port 0x61. */
#include "devices/time/i8254.h"
#include "tests/dev/rig.h"

struct setup {
    struct rig rig;
    struct i8254 *pit;
    struct probe irq;
};

static void setup(struct setup *s)
{
    memset(s, 0, sizeof(*s));
    rig_init(&s->rig);
    s->pit = rig_new(&s->rig, &i8254_class, "pit");
    irq_connect(&s->pit->out0, probe_set, &s->irq, 0);
    rig_start(s->pit);
}

/* Be at the start of tick t, with all events up to there run. */
static void at_tick(struct setup *s, u64 t)
{
    u64 ns = muldiv64(t, NS_PER_SEC, PIT_HZ) + 1;

    if (ns > s->rig.now)
        rig_pass(&s->rig, ns - s->rig.now);
    s->rig.now = ns;
}

/* The tick before the one that loads: counts written at tick 99 are loaded at 100. */
enum { T0 = 100 };

static void program(struct setup *s, unsigned chan, u8 control, u16 count)
{
    at_tick(s, T0 - 1);
    out8(&s->rig, 0x43, (u8)(chan << 6 | control));
    if ((control & 0x30) != 0x20)
        out8(&s->rig, (u16)(0x40 + chan), (u8)count);
    if ((control & 0x30) != 0x10)
        out8(&s->rig, (u16)(0x40 + chan), (u8)(count >> 8));
}

static u16 count(struct setup *s, unsigned chan)
{
    u8 low;

    out8(&s->rig, 0x43, (u8)(chan << 6));
    low = in8(&s->rig, (u16)(0x40 + chan));
    return (u16)(low | in8(&s->rig, (u16)(0x40 + chan)) << 8);
}

/* OUT of a counter for ticks T0 .. as a string of 0 and 1 must begin with `want`. */
static void expect_wave(struct setup *s, unsigned chan, const char *want)
{
    for (unsigned i = 0; want[i]; i++) {
        at_tick(s, T0 + i);
        ck_assert_msg(i8254_out(s->pit, chan, s->rig.now) == (want[i] == '1'),
                      "counter %u, tick %u of %s", chan, i, want);
        if (chan == 0)
            ck_assert_msg(s->irq.level == (want[i] == '1'), "wire, tick %u of %s", i, want);
    }
}

START_TEST(mode0)
{
    struct setup s;

    setup(&s);
    program(&s, 0, 0x30, 4);
    expect_wave(&s, 0, "0000111111");
    ck_assert_int_eq(s.irq.rises, 1);
    at_tick(&s, T0 + 14);
    ck_assert_uint_eq(count(&s, 0), 0x10000 - 10); /* counts on below zero */
    /* the first byte of a new count stops it and drops OUT */
    out8(&s.rig, 0x40, 9);
    ck_assert_int_eq(s.irq.level, 0);
    at_tick(&s, T0 + 20);
    out8(&s.rig, 0x40, 0);
    at_tick(&s, T0 + 29);
    ck_assert_int_eq(s.irq.level, 0);
    at_tick(&s, T0 + 30);
    ck_assert_int_eq(s.irq.level, 1);
    rig_free(&s.rig);
}
END_TEST

START_TEST(mode2)
{
    struct setup s;

    setup(&s);
    program(&s, 0, 0x34, 4);
    expect_wave(&s, 0, "111011101110");
    ck_assert_int_eq(s.irq.rises, 3); /* one on the control word, two rounds */
    at_tick(&s, T0 + 12);
    ck_assert_uint_eq(count(&s, 0), 4);
    at_tick(&s, T0 + 15);
    ck_assert_uint_eq(count(&s, 0), 1);
    /* a new count waits for the end of the round */
    at_tick(&s, T0 + 17);
    out8(&s.rig, 0x40, 3);
    out8(&s.rig, 0x40, 0);
    for (unsigned i = 17; i < 30; i++) {
        static const char wave[] = "1101101101101";

        at_tick(&s, T0 + i);
        ck_assert_msg(s.irq.level == wave[i - 17] - '0', "tick %u", i);
    }
    rig_free(&s.rig);
}
END_TEST

START_TEST(mode3)
{
    struct setup s;

    setup(&s);
    program(&s, 0, 0x36, 6);
    expect_wave(&s, 0, "111000111000");
    at_tick(&s, T0 + 12);
    ck_assert_uint_eq(count(&s, 0), 6);
    at_tick(&s, T0 + 13);
    ck_assert_uint_eq(count(&s, 0), 4);
    at_tick(&s, T0 + 15);
    ck_assert_uint_eq(count(&s, 0), 6);
    rig_free(&s.rig);
    setup(&s);
    program(&s, 0, 0x36, 5);
    expect_wave(&s, 0, "1110011100");
    at_tick(&s, T0 + 10);
    ck_assert_uint_eq(count(&s, 0), 4);
    at_tick(&s, T0 + 12);
    ck_assert_uint_eq(count(&s, 0), 0);
    at_tick(&s, T0 + 13);
    ck_assert_uint_eq(count(&s, 0), 4);
    rig_free(&s.rig);
}
END_TEST

/* A new count of the square wave takes over at the end of the half that runs. */
START_TEST(mode3_new_count)
{
    static const struct {
        unsigned written;
        const char *wave;
    } cases[] = {{1, "11100110011001"}, {4, "11100011001100"}};
    struct setup s;

    for (unsigned k = 0; k < ARRAY_LEN(cases); k++) {
        setup(&s);
        program(&s, 0, 0x36, 6);
        at_tick(&s, T0 + cases[k].written);
        out8(&s.rig, 0x40, 4);
        out8(&s.rig, 0x40, 0);
        for (unsigned i = cases[k].written; cases[k].wave[i]; i++) {
            at_tick(&s, T0 + i);
            ck_assert_msg(s.irq.level == cases[k].wave[i] - '0', "%s, tick %u", cases[k].wave, i);
        }
        rig_free(&s.rig);
    }
}
END_TEST

START_TEST(mode4)
{
    struct setup s;

    setup(&s);
    program(&s, 0, 0x38, 3);
    expect_wave(&s, 0, "11101111111");
    ck_assert_int_eq(s.irq.rises, 2);
    /* when the host is late and the strobe is over, the edge still comes */
    at_tick(&s, T0 + 50);
    out8(&s.rig, 0x40, 10);
    out8(&s.rig, 0x40, 0);
    s.rig.now += 1000000;
    clock_run(&s.rig.clock);
    ck_assert_int_eq(s.irq.rises, 3);
    ck_assert_int_eq(s.irq.level, 1);
    rig_pass(&s.rig, 1000000000);
    ck_assert_int_eq(s.irq.rises, 3);
    rig_free(&s.rig);
}
END_TEST

static void gate2(struct setup *s, int level)
{
    out8(&s->rig, 0x61, (u8)((in8(&s->rig, 0x61) & 0xe) | level));
}

START_TEST(mode1_by_gate)
{
    struct setup s;

    setup(&s);
    program(&s, 2, 0x32, 4);
    expect_wave(&s, 2, "111111");
    at_tick(&s, T0 + 9);
    gate2(&s, 1);
    for (unsigned i = 10; i < 20; i++) {
        at_tick(&s, T0 + i);
        ck_assert_int_eq(i8254_out(s.pit, 2, s.rig.now), i >= 14);
    }
    /* retriggered in the middle: the pulse gets longer */
    gate2(&s, 0);
    at_tick(&s, T0 + 29);
    gate2(&s, 1);
    at_tick(&s, T0 + 31);
    gate2(&s, 0);
    gate2(&s, 1);
    for (unsigned i = 32; i < 40; i++) {
        at_tick(&s, T0 + i);
        ck_assert_int_eq(i8254_out(s.pit, 2, s.rig.now), i >= 36);
    }
    rig_free(&s.rig);
}
END_TEST

START_TEST(mode5_by_gate)
{
    struct setup s;

    setup(&s);
    program(&s, 2, 0x3a, 3);
    expect_wave(&s, 2, "11111");
    at_tick(&s, T0 + 9);
    gate2(&s, 1);
    for (unsigned i = 10; i < 20; i++) {
        at_tick(&s, T0 + i);
        ck_assert_int_eq(i8254_out(s.pit, 2, s.rig.now), i != 13);
    }
    rig_free(&s.rig);
}
END_TEST

START_TEST(gate_stops)
{
    struct setup s;

    setup(&s);
    gate2(&s, 1);
    program(&s, 2, 0x30, 10);
    at_tick(&s, T0 + 4);
    gate2(&s, 0);
    at_tick(&s, T0 + 50);
    ck_assert_uint_eq(count(&s, 2), 6);
    ck_assert(!i8254_out(s.pit, 2, s.rig.now));
    gate2(&s, 1);
    at_tick(&s, T0 + 55);
    ck_assert(!i8254_out(s.pit, 2, s.rig.now));
    at_tick(&s, T0 + 56);
    ck_assert(i8254_out(s.pit, 2, s.rig.now));
    rig_free(&s.rig);

    /* modes 2 and 3: OUT goes up with the gate down, and a new round starts with it up */
    setup(&s);
    gate2(&s, 1);
    program(&s, 2, 0x36, 10);
    at_tick(&s, T0 + 7);
    ck_assert(!i8254_out(s.pit, 2, s.rig.now));
    gate2(&s, 0);
    ck_assert(i8254_out(s.pit, 2, s.rig.now));
    at_tick(&s, T0 + 19);
    gate2(&s, 1);
    at_tick(&s, T0 + 24);
    ck_assert(i8254_out(s.pit, 2, s.rig.now));
    at_tick(&s, T0 + 25);
    ck_assert(!i8254_out(s.pit, 2, s.rig.now));
    rig_free(&s.rig);
}
END_TEST

START_TEST(latches)
{
    struct setup s;

    setup(&s);
    program(&s, 0, 0x34, 1000);
    at_tick(&s, T0 + 100);
    out8(&s.rig, 0x43, 0x00);
    at_tick(&s, T0 + 200);
    out8(&s.rig, 0x43, 0x00); /* no effect: still latched */
    ck_assert_uint_eq(in8(&s.rig, 0x40), 900 & 0xff);
    ck_assert_uint_eq(in8(&s.rig, 0x40), 900 >> 8);
    ck_assert_uint_eq(in8(&s.rig, 0x40), 800 & 0xff); /* live again */
    ck_assert_uint_eq(in8(&s.rig, 0x40), 800 >> 8);
    /* read-back of count and status: the status comes first */
    out8(&s.rig, 0x43, 0xc2);
    ck_assert_uint_eq(in8(&s.rig, 0x40), 0xb4);
    ck_assert_uint_eq(in8(&s.rig, 0x40), 800 & 0xff);
    ck_assert_uint_eq(in8(&s.rig, 0x40), 800 >> 8);
    /* null count until the element is loaded */
    out8(&s.rig, 0x43, 0x50 | 0x08);
    out8(&s.rig, 0x43, 0xe4);
    ck_assert_uint_eq(in8(&s.rig, 0x41), 0xd8);
    out8(&s.rig, 0x41, 50);
    at_tick(&s, T0 + 202);
    out8(&s.rig, 0x43, 0xe4);
    ck_assert_uint_eq(in8(&s.rig, 0x41), 0x98);
    ck_assert_uint_eq(in8(&s.rig, 0x43), 0xff);
    rig_free(&s.rig);
}
END_TEST

START_TEST(bcd_and_single_bytes)
{
    struct setup s;

    setup(&s);
    program(&s, 0, 0x35, 0x1000);
    at_tick(&s, T0 + 1);
    ck_assert_uint_eq(count(&s, 0), 0x0999);
    program(&s, 0, 0x31, 0); /* 10000 */
    rig_free(&s.rig);
    setup(&s);
    program(&s, 0, 0x31, 0);
    at_tick(&s, T0 + 9999);
    ck_assert_int_eq(s.irq.level, 0);
    at_tick(&s, T0 + 10000);
    ck_assert_int_eq(s.irq.level, 1);
    rig_free(&s.rig);
    setup(&s);
    program(&s, 0, 0x24, 0x0200); /* high byte only */
    at_tick(&s, T0 + 512);
    ck_assert_uint_eq(in8(&s.rig, 0x40), 2);
    at_tick(&s, T0 + 513);
    ck_assert_uint_eq(in8(&s.rig, 0x40), 1);
    rig_free(&s.rig);
    setup(&s);
    program(&s, 0, 0x14, 200); /* low byte only */
    at_tick(&s, T0 + 3);
    ck_assert_uint_eq(in8(&s.rig, 0x40), 197);
    rig_free(&s.rig);
}
END_TEST

START_TEST(rate_over_a_second)
{
    struct setup s;

    setup(&s);
    program(&s, 0, 0x34, 11932); /* 100 Hz */
    s.irq.rises = 0;
    rig_pass(&s.rig, 10 * NS_PER_SEC);
    ck_assert_int_eq(s.irq.rises, 999);
    rig_free(&s.rig);
    setup(&s);
    program(&s, 0, 0x36, 0); /* 18.2 Hz */
    s.irq.rises = 0;
    rig_pass(&s.rig, 100 * NS_PER_SEC);
    ck_assert_int_eq(s.irq.rises, 1820);
    /* a host that was away for long: one edge, no storm */
    s.irq.rises = 0;
    s.rig.now += 5 * NS_PER_SEC;
    for (int i = 0; i < 10; i++)
        clock_run(&s.rig.clock);
    ck_assert_int_eq(s.irq.rises, 1);
    rig_free(&s.rig);
}
END_TEST

static int changes;
static void changing(void *arg, u64 now)
{
    changes++;
}

START_TEST(port61)
{
    struct setup s;
    unsigned toggles = 0;
    u8 last;

    setup(&s);
    s.pit->speaker_changing = changing;
    changes = 0;
    last = in8(&s.rig, 0x61);
    for (int i = 0; i < 10000; i++) {
        s.rig.now += 1000;
        if ((in8(&s.rig, 0x61) ^ last) & 0x10)
            toggles++;
        last = in8(&s.rig, 0x61);
    }
    ck_assert_uint_ge(toggles, 10000 / 16);
    ck_assert_uint_le(toggles, 10000 / 14);
    program(&s, 2, 0x36, 1193);
    out8(&s.rig, 0x61, 0xff);
    ck_assert_uint_eq(in8(&s.rig, 0x61) & 0xcf, 0x0f);
    ck_assert_int_gt(changes, 0);
    ck_assert_uint_eq(i8254_speaker_hz(s.pit), 1000);
    ck_assert(i8254_speaker(s.pit, s.rig.now));
    rig_pass(&s.rig, 600000);
    ck_assert_uint_eq(in8(&s.rig, 0x61) & 0x20, 0);
    ck_assert(!i8254_speaker(s.pit, s.rig.now));
    rig_pass(&s.rig, 500000);
    ck_assert_uint_eq(in8(&s.rig, 0x61) & 0x20, 0x20);
    out8(&s.rig, 0x61, 1);
    ck_assert(!i8254_speaker(s.pit, s.rig.now));
    ck_assert_uint_eq(i8254_speaker_hz(s.pit), 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(state)
{
    struct setup s;
    struct snap snap = {0};
    struct err err;

    setup(&s);
    program(&s, 0, 0x36, 100);
    at_tick(&s, T0 + 30);
    out8(&s.rig, 0x40, 50); /* half a count, and a wave in its low half */
    rig_reload(&s.pit->dev);
    out8(&s.rig, 0x40, 0);
    ck_assert_int_eq(s.irq.level, i8254_out(s.pit, 0, s.rig.now));
    s.irq.rises = 0;
    at_tick(&s, T0 + 1000);
    ck_assert_int_gt(s.irq.rises, 15);
    s.pit->r.chan[1].count = 70000;
    dev_save(&s.pit->dev, &snap);
    ck_assert(!dev_load(&s.pit->dev, &snap, &err));
    snap_free(&snap);
    rig_free(&s.rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {mode0,
                                  mode2,
                                  mode3,
                                  mode3_new_count,
                                  mode4,
                                  mode1_by_gate,
                                  mode5_by_gate,
                                  gate_stops,
                                  latches,
                                  bcd_and_single_bytes,
                                  rate_over_a_second,
                                  port61,
                                  state,
                                  NULL};

    return rig_main("pit", tests);
}
