/* OPL3: timers, banks, pitches, waveforms by their harmonics, envelopes by their times, vibrato and
 * tremolo, four operators, rhythm. */
#include "devices/audio/adlib.h"
#include "devices/audio/opl3.h"
#include "tests/dev/rig.h"
#include "tests/dev/tone.h"

struct fm {
    struct rig rig;
    struct ear ear;
    struct dev *dev;
};

static void set_up(struct fm *f)
{
    struct plug plug = {.audio = &f->ear.out};
    struct err err;

    rig_init(&f->rig);
    ear_init(&f->ear);
    f->dev = rig_new(&f->rig, &adlib_class, "adlib");
    ck_assert(adlib_plug(f->dev, &plug, &err));
    rig_start(f->dev);
    f->rig.now = 5000000;
}

static void tear_down(struct fm *f)
{
    rig_free(&f->rig);
    ear_free(&f->ear);
}

static void reg(struct fm *f, unsigned n, u8 v)
{
    u16 port = n & 0x100 ? 0x38a : 0x388;

    out8(&f->rig, port, (u8)n);
    out8(&f->rig, port + 1, v);
}

/* An operator at register offset `op`: loud, at once, held. */
static void op(struct fm *f, unsigned o, u8 level, u8 form)
{
    reg(f, 0x20 + o, 0x21);
    reg(f, 0x40 + o, level);
    reg(f, 0x60 + o, level == 63 ? 0 : 0xf0); /* 63 is not silent yet: 47 dB */
    reg(f, 0x80 + o, 0x0f);
    reg(f, 0xe0 + o, form);
}

/* fnum 580 in block 4 is 440.0 Hz: 580 * 49716 / 2^16. */
static void note(struct fm *f, unsigned ch, bool on)
{
    reg(f, 0xa0 + ch, 580 & 0xff);
    reg(f, 0xb0 + ch, (u8)((on ? 0x20 : 0) | 4 << 2 | 580 >> 8));
}

static const struct ear_voice *listen(struct fm *f, u64 ms)
{
    ear_forget(&f->ear);
    rig_pass(&f->rig, ms * 1000000);
    return &f->ear.voice[0];
}

static double level(const struct ear_voice *v, double hz, int c)
{
    return tone_level(v->buf, v->n, v->rate, hz, c);
}

/* As AdLib drivers find the chip. */
START_TEST(timers)
{
    struct fm f;

    set_up(&f);
    reg(&f, 4, 0x60), reg(&f, 4, 0x80);
    ck_assert_uint_eq(in8(&f.rig, 0x388), 0);
    reg(&f, 2, 0xff), reg(&f, 4, 0x21);
    rig_pass(&f.rig, 79000);
    ck_assert_uint_eq(in8(&f.rig, 0x388), 0);
    rig_pass(&f.rig, 1000);
    ck_assert_uint_eq(in8(&f.rig, 0x388), 0xc0);
    reg(&f, 4, 0x80);
    ck_assert_uint_eq(in8(&f.rig, 0x388), 0);
    rig_pass(&f.rig, 80000); /* it runs on */
    ck_assert_uint_eq(in8(&f.rig, 0x388), 0xc0);
    reg(&f, 4, 0x60);
    ck_assert_uint_eq(in8(&f.rig, 0x388), 0);
    reg(&f, 3, 0x00), reg(&f, 4, 0x02);
    rig_pass(&f.rig, 81900000);
    ck_assert_uint_eq(in8(&f.rig, 0x388), 0);
    rig_pass(&f.rig, 21000);
    ck_assert_uint_eq(in8(&f.rig, 0x388), 0xa0);
    rig_reload(f.dev);
    ck_assert_uint_eq(in8(&f.rig, 0x388), 0xa0);
    ck_assert_uint_eq(in8(&f.rig, 0x389), 0xff);
    tear_down(&f);
}
END_TEST

START_TEST(pitch)
{
    struct fm f;
    const struct ear_voice *v;

    set_up(&f);
    op(&f, 0, 63, 0), op(&f, 3, 0, 0);
    note(&f, 0, true);
    v = listen(&f, 1000);
    ck_assert_uint_eq(v->rate, 49716);
    ck_assert_uint_le(v->apart, 25000);
    ck_assert_double_eq_tol(tone_peak(v->buf, v->n, v->rate, 400, 480, 0.25), 440, 0.3);
    ck_assert_double_eq_tol(level(v, 440, 0), 2 * 4084, 100);
    ck_assert_double_lt(tone_gap(v->buf, v->n, v->rate), 0.5);
    /* the multiples */
    for (int m = 0; m < 16; m++) {
        static const double by[] = {.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 12, 12, 15, 15};

        reg(&f, 0x23, (u8)(0x20 | m));
        v = listen(&f, 200);
        ck_assert_double_eq_tol(level(v, 440 * by[m], 0), 2 * 4084, 200);
    }
    /* 0.75 dB a step */
    reg(&f, 0x23, 0x21), reg(&f, 0x43, 8);
    v = listen(&f, 200);
    ck_assert_double_eq_tol(level(v, 440, 0), 4084, 50);
    /* quieter with the note: 3 dB an octave and 6 dB */
    reg(&f, 0x43, 0x40);
    v = listen(&f, 200);
    ck_assert_double_eq_tol(20 * log10(level(v, 440, 0) / 8168), -9 * 0.5 - 4.5, 2);
    reg(&f, 0x43, 0xc0);
    v = listen(&f, 200);
    ck_assert_double_eq_tol(20 * log10(level(v, 440, 0) / 8168), -18, 4);
    /* released and silent: no more work */
    note(&f, 0, false);
    rig_pass(&f.rig, 100000000);
    v = listen(&f, 100);
    ck_assert_uint_eq(v->n, 0);
    tear_down(&f);
}
END_TEST

START_TEST(waveforms)
{
    /* mean, and the first four harmonics, for an amplitude of 1 */
    static const double want[8][5] = {
        {0, 1, 0, 0, 0},
        {.3183, .5, .2122, 0, .0424},
        {.6366, 0, .4244, 0, .0849},
        {.3183, 0, .4502, 0, .2193},
        {0, .4244, .5, .2546, 0},
        {.3183, 0, 0, 0, .2122}, /* and what the tests below leave out */
        {0, 1.2732, 0, .4244, 0},
        {0, 0, 0, 0, 0},
    };
    struct fm f;

    set_up(&f);
    reg(&f, 0x105, 1);
    reg(&f, 0xc0, 0x30);
    op(&f, 0, 63, 0), op(&f, 3, 0, 0);
    note(&f, 0, true);
    for (u8 w = 0; w < 8; w++) {
        const struct ear_voice *v;
        double mean = 0;

        reg(&f, 0xe3, w);
        v = listen(&f, 500);
        for (size_t i = 0; i < v->n; i++)
            mean += v->buf[2 * i];
        if (w == 5 || w == 7)
            continue;
        ck_assert_double_eq_tol(mean / (double)v->n / 8168, want[w][0], 0.02);
        for (int h = 1; h < 5; h++) {
            if (w == 3)
                continue; /* quarters: compared by their mean alone */
            ck_assert_msg(fabs(level(v, 440 * h, 0) / 8168 - want[w][h]) < 0.02,
                          "wave %d, harmonic %d: %f", w, h, level(v, 440 * h, 0) / 8168);
        }
    }
    /* the old chip has four */
    reg(&f, 0x105, 0);
    reg(&f, 0xe3, 6);
    ck_assert_double_eq_tol(level(listen(&f, 300), 880, 0) / 8168, .4244, 0.02);
    tear_down(&f);
}
END_TEST

/* ms until the sound has fallen below 1/10, or risen above 9/10, of 8168. */
static double until(const struct ear_voice *v, bool falls)
{
    for (size_t i = 0; i + 120 < v->n; i += 20) {
        int peak = 0;

        for (size_t k = i; k < i + 120; k++)
            peak = MAX(peak, abs(v->buf[2 * k]));
        if (falls ? peak < 817 : peak > 7350)
            return 1000.0 * (double)i / v->rate;
    }
    return -1;
}

START_TEST(envelopes)
{
    struct fm f;
    double slow;

    set_up(&f);
    op(&f, 0, 63, 0), op(&f, 3, 0, 0);
    /* decay of rate 8 to nothing: 20 dB in about 40 ms at rate 4 * 8, twice that one lower */
    reg(&f, 0x63, 0xf8), reg(&f, 0x83, 0xf0);
    note(&f, 0, true);
    slow = until(listen(&f, 1000), true);
    ck_assert_double_gt(slow, 20);
    ck_assert_double_lt(slow, 90);
    note(&f, 0, false), note(&f, 0, true);
    reg(&f, 0x63, 0xf7);
    note(&f, 0, false), note(&f, 0, true);
    ck_assert_double_eq_tol(until(listen(&f, 1000), true), 2 * slow, slow / 4);
    /* sustain at -24 dB, held; not held it goes on down */
    reg(&f, 0x63, 0xfa), reg(&f, 0x83, 0x86);
    note(&f, 0, false), note(&f, 0, true);
    listen(&f, 500);
    ck_assert_double_eq_tol(level(listen(&f, 300), 440, 0), 8168 / 15.85, 40);
    reg(&f, 0x23, 0x01);
    listen(&f, 1500);
    ck_assert_double_lt(level(listen(&f, 300), 440, 0), 50);
    /* attack */
    reg(&f, 0x23, 0x21), reg(&f, 0x63, 0x50), reg(&f, 0x83, 0x0f);
    note(&f, 0, false);
    listen(&f, 100);
    note(&f, 0, true);
    slow = until(listen(&f, 1500), false);
    ck_assert_double_gt(slow, 50);
    ck_assert_double_lt(slow, 500);
    /* the same rate is faster for high notes with KSR */
    reg(&f, 0x23, 0x31);
    note(&f, 0, false);
    listen(&f, 100);
    note(&f, 0, true);
    ck_assert_double_lt(until(listen(&f, 1500), false), slow / 2);
    /* the fastest rates, and none at all */
    for (int rate = 11; rate < 16; rate++) {
        reg(&f, 0x63, (u8)(0xf0 | rate)), reg(&f, 0x83, 0xf0);
        note(&f, 0, false), note(&f, 0, true);
        ck_assert_double_lt(until(listen(&f, 100), true), 15);
    }
    reg(&f, 0x63, 0x00);
    note(&f, 0, false), note(&f, 0, true);
    ck_assert_double_lt(level(listen(&f, 300), 440, 0), 20);
    tear_down(&f);
}
END_TEST

START_TEST(modulation)
{
    struct fm f;
    const struct ear_voice *v;

    set_up(&f);
    op(&f, 0, 16, 0), op(&f, 3, 0, 0);
    reg(&f, 0x20, 0x22); /* the modulator an octave up: odd harmonics */
    note(&f, 0, true);
    v = listen(&f, 500);
    ck_assert_double_gt(level(v, 3 * 440, 0), 500);
    ck_assert_double_lt(level(v, 2 * 440, 0), 100);
    /* both heard */
    reg(&f, 0xc0, 1);
    v = listen(&f, 500);
    ck_assert_double_eq_tol(level(v, 440, 0), 8168, 200);
    ck_assert_double_eq_tol(level(v, 880, 0), 2042, 60);
    /* feedback makes a saw of the modulator */
    reg(&f, 0x20, 0x21), reg(&f, 0x40, 0), reg(&f, 0x43, 63), reg(&f, 0xc0, 0x0d);
    v = listen(&f, 500);
    ck_assert_double_gt(level(v, 880, 0), 1000);
    /* tremolo at 3.7 Hz, 4.8 dB deep; vibrato at 6 Hz */
    reg(&f, 0xc0, 0), reg(&f, 0x40, 63), reg(&f, 0x43, 0), reg(&f, 0xbd, 0x80);
    reg(&f, 0x23, 0xa1);
    v = listen(&f, 1000);
    ck_assert_double_gt(level(v, 440 + 3.7, 0), 500);
    reg(&f, 0x23, 0x61), reg(&f, 0xbd, 0x40);
    v = listen(&f, 1000);
    ck_assert_double_gt(level(v, 440 + 6.07, 0), 800);
    ck_assert_double_lt(level(v, 440, 0), 8100);
    tear_down(&f);
}
END_TEST

START_TEST(second_bank_and_four_operators)
{
    struct fm f;
    const struct ear_voice *v;

    set_up(&f);
    /* without NEW the second bank is the first */
    op(&f, 0x100, 63, 0), op(&f, 0x103, 0, 0);
    note(&f, 0x100, true);
    ck_assert_double_gt(level(listen(&f, 200), 440, 0), 8000);
    note(&f, 0, false);
    reg(&f, 0x105, 1);
    op(&f, 0x100, 63, 0), op(&f, 0x103, 0, 0);
    /* sides */
    reg(&f, 0x1c0, 0x20);
    note(&f, 0x100, true);
    v = listen(&f, 200);
    ck_assert_double_lt(level(v, 440, 0), 10);
    ck_assert_double_gt(level(v, 440, 1), 8000);
    note(&f, 0x100, false);
    rig_pass(&f.rig, 50000000);
    /* channels 0 and 3 as one: operators 0, 3, 8, 0xb; which are heard */
    reg(&f, 0x104, 1);
    op(&f, 0, 0, 0), op(&f, 3, 0, 0), op(&f, 8, 0, 0), op(&f, 0xb, 0, 0);
    reg(&f, 0x20, 0x21), reg(&f, 0x23, 0x22), reg(&f, 0x28, 0x23), reg(&f, 0x2b, 0x25);
    for (unsigned form = 0; form < 4; form++) {
        static const double heard[4] = {0, 440, 440, 440};
        bool a = form & 2;

        reg(&f, 0xc0, (u8)(0x30 | (form >> 1))), reg(&f, 0xc3, (u8)(0x30 | (form & 1)));
        note(&f, 3, true); /* the second half's key does nothing */
        note(&f, 0, false), note(&f, 0, true);
        v = listen(&f, 500);
        ck_assert_uint_gt(v->n, 20000);
        if (a)
            ck_assert_double_gt(level(v, heard[form], 0), 5000);
    }
    /* quiet the rest: algorithm 3 lets operator 4 sound alone */
    reg(&f, 0x60, 0), reg(&f, 0x63, 0), reg(&f, 0x68, 0);
    note(&f, 0, false);
    rig_pass(&f.rig, 100000000);
    note(&f, 0, true);
    v = listen(&f, 500);
    ck_assert_double_eq_tol(level(v, 5 * 440, 0), 8168, 200);
    tear_down(&f);
}
END_TEST

START_TEST(rhythm)
{
    struct fm f;
    static const u8 drums[] = {0x10, 0x08, 0x04, 0x02, 0x01};

    set_up(&f);
    for (unsigned o = 0x10; o <= 0x15; o++)
        op(&f, o, 0, 0);
    note(&f, 6, false), note(&f, 7, false), note(&f, 8, false);
    for (unsigned i = 0; i < ARRAY_LEN(drums); i++) {
        const struct ear_voice *v;
        double sum = 0;

        reg(&f, 0xbd, (u8)(0x20 | drums[i]));
        v = listen(&f, 300);
        for (size_t k = 0; k < v->n; k++)
            sum += abs(v->buf[2 * k]);
        ck_assert_msg(sum / (double)(v->n + 1) > 2000, "drum %02x: %f", drums[i], sum);
        if (drums[i] == 4) /* the tom is a tone */
            ck_assert_double_gt(level(v, 440, 0), 12000);
        if (drums[i] == 8) /* the snare is none */
            ck_assert_double_lt(level(v, 440, 0), 12000);
        reg(&f, 0xbd, 0x20);
        rig_pass(&f.rig, 50000000);
        ck_assert_uint_eq(listen(&f, 50)->n, 0);
    }
    rig_reload(f.dev);
    tear_down(&f);
}
END_TEST

START_TEST(late)
{
    struct fm f;
    size_t n;

    set_up(&f);
    op(&f, 0, 63, 0), op(&f, 3, 0, 0);
    note(&f, 0, true);
    listen(&f, 100);
    n = f.ear.voice[0].n;
    f.rig.now += 5 * NS_PER_SEC;
    clock_run(&f.rig.clock);
    ck_assert_uint_lt(f.ear.voice[0].n - n, 1000);
    rig_reload(f.dev);
    ck_assert_double_gt(level(listen(&f, 300), 440, 0), 8000);
    tear_down(&f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {timers,     pitch,
                                  waveforms,  envelopes,
                                  modulation, second_bank_and_four_operators,
                                  rhythm,     late,
                                  NULL};

    return rig_main("opl3", tests);
}
