/* The PC speaker: the tone of counter 2, its gates, edges at any time, silence, snapshots. */
#include "devices/audio/pcspk.h"
#include "devices/time/i8254.h"
#include "tests/dev/rig.h"
#include "tests/dev/tone.h"

struct speaker {
    struct rig rig;
    struct ear ear;
    struct i8254 *pit;
    struct pcspk *spk;
};

static void set_up(struct speaker *s)
{
    rig_init(&s->rig);
    ear_init(&s->ear);
    s->pit = rig_new(&s->rig, &i8254_class, "pit");
    rig_start(s->pit);
    s->spk = rig_new(&s->rig, &pcspk_class, "pcspk");
    pcspk_wire(&s->spk->dev, s->pit, &s->ear.out);
    rig_start(s->spk);
    rig_pass(&s->rig, 12345678);
}

static void tear_down(struct speaker *s)
{
    rig_free(&s->rig);
    ear_free(&s->ear);
}

static void tone(struct rig *rig, unsigned count)
{
    out8(rig, 0x43, 0xb6);
    out8(rig, 0x42, (u8)count);
    out8(rig, 0x42, (u8)(count >> 8));
}

START_TEST(plays_a_tone)
{
    struct speaker s;
    const struct ear_voice *v = &s.ear.voice[0];

    set_up(&s);
    tone(&s.rig, 2712); /* 439.96 Hz */
    out8(&s.rig, 0x61, 3);
    rig_pass(&s.rig, 2 * NS_PER_SEC);
    ck_assert_uint_eq(v->rate, 48000);
    ck_assert_uint_ge(v->n, 95000);
    ck_assert_uint_le(v->apart, 1);
    ck_assert_double_eq_tol(tone_peak(v->buf, v->n, v->rate, 400, 480, 0.25), 440, 0.3);
    /* a square wave: 4/pi of its height, odd harmonics, no even ones */
    ck_assert_double_eq_tol(tone_level(v->buf, v->n, v->rate, 439.96, 0), 4500 * 1.2732, 150);
    ck_assert_double_lt(tone_level(v->buf, v->n, v->rate, 879.93, 0), 60);
    ck_assert_double_eq_tol(tone_level(v->buf, v->n, v->rate, 3 * 439.96, 0), 4500 * 0.4244, 100);
    ck_assert_double_lt(tone_gap(v->buf + 2 * 100, v->n - 100, v->rate), 0.5);
    /* the gate ends it; after the steady level has leaked away no timer runs */
    out8(&s.rig, 0x61, 0);
    rig_pass(&s.rig, NS_PER_SEC);
    ear_forget(&s.ear);
    rig_pass(&s.rig, NS_PER_SEC);
    ck_assert_uint_eq(v->n, 0);
    ck_assert(!timer_pending(&s.spk->timer));
    tear_down(&s);
}
END_TEST

/* Tones above what can be heard fold into nothing audible. */
START_TEST(no_aliases)
{
    struct speaker s;
    const struct ear_voice *v = &s.ear.voice[0];

    set_up(&s);
    tone(&s.rig, 39); /* 30594 Hz: would fold to 17406 */
    out8(&s.rig, 0x61, 3);
    rig_pass(&s.rig, NS_PER_SEC);
    for (double f = 200; f < 17000; f += 170)
        ck_assert_double_lt(tone_level(v->buf + 2 * 9600, 38000, v->rate, f, 0), 40);
    tear_down(&s);
}
END_TEST

/* The data bit moved by software, with the counter's output high: 1 kHz, and its edges are where
 * they were written. */
START_TEST(by_software)
{
    struct speaker s;
    const struct ear_voice *v = &s.ear.voice[0];

    set_up(&s);
    out8(&s.rig, 0x43, 0xb0);
    for (int i = 0; i < 2000; i++) {
        out8(&s.rig, 0x61, i & 1 ? 2 : 0);
        out8(&s.rig, 0x43, 0xb6);
        rig_pass(&s.rig, 500000);
    }
    ck_assert_double_eq_tol(tone_peak(v->buf, v->n, v->rate, 900, 1100, 1), 1000, 1.1);
    ck_assert_double_gt(tone_level(v->buf, v->n, v->rate, 1000, 0), 5000);
    tear_down(&s);
}
END_TEST

START_TEST(late_and_loaded)
{
    struct speaker s;
    const struct ear_voice *v = &s.ear.voice[0];
    size_t n;

    set_up(&s);
    tone(&s.rig, 1193);
    out8(&s.rig, 0x61, 3);
    rig_pass(&s.rig, 100000000);
    /* a halt of the host: what is seconds late is left out */
    n = v->n;
    s.rig.now += 5 * NS_PER_SEC;
    clock_run(&s.rig.clock);
    ck_assert_uint_lt(v->n - n, 1000);
    s.rig.now += NS_PER_SEC / 2;
    clock_run(&s.rig.clock);
    ck_assert_uint_gt(v->n - n, 23000);
    rig_reload(&s.spk->dev);
    n = v->n;
    rig_pass(&s.rig, 100000000);
    ck_assert_uint_gt(v->n - n, 4000);
    tear_down(&s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {plays_a_tone, no_aliases, by_software, late_and_loaded, NULL};

    return rig_main("pcspk", tests);
}
