/* Sound Blaster 16: detection, every way to play, interrupts, mixer, MPU-401, snapshots; programmed
 * as drivers do it. */
#include "devices/audio/sb16.h"
#include "devices/audio/sb_adpcm.h"
#include "devices/irq/i8237.h"
#include "tests/dev/rig.h"
#include "tests/dev/tone.h"

enum { BASE = 0x220, BUF = 0x10000 };

struct card {
    struct rig rig;
    struct region ram;
    struct ear ear;
    struct i8237 *dma;
    struct dev *sb;
    struct probe irq[16];
};

static struct irq wire(void *arg, unsigned n)
{
    struct card *c = arg;
    struct irq irq;

    irq_connect(&irq, probe_set, &c->irq[n], (int)n);
    return irq;
}

static struct err plug_card(struct card *c, const char *props)
{
    struct plug plug = {.isa_irq = wire, .arg = c, .audio = &c->ear.out};
    struct err err = {""};

    memset(c, 0, sizeof(*c));
    rig_init(&c->rig);
    rig_map_ram(&c->rig, &c->ram);
    ear_init(&c->ear);
    c->dma = rig_new(&c->rig, &i8237_class, "dma");
    rig_start(c->dma);
    plug.dma = c->dma;
    c->sb = rig_new(&c->rig, &sb16_class, "sb16");
    if (props_set(sb16_class.props, c->sb, props, &err) && sb16_plug(c->sb, &plug, &err) &&
        dev_start(c->sb, &err))
        dev_reset(c->sb);
    out8(&c->rig, 0xd6, 0xc0); /* the cascade */
    out8(&c->rig, 0xd4, 0);
    return err;
}

static void set_up(struct card *c)
{
    struct err err = plug_card(c, NULL);

    ck_assert_msg(!err.msg[0], "%s", err.msg);
    c->rig.now = 1000000;
}

static void tear_down(struct card *c)
{
    rig_free(&c->rig);
    ear_free(&c->ear);
}

static void dsp(struct card *c, u8 v)
{
    ck_assert_uint_eq(in8(&c->rig, BASE + 0xc) & 0x80, 0);
    out8(&c->rig, BASE + 0xc, v);
}

static void dsp2(struct card *c, u8 cmd, unsigned len)
{
    dsp(c, cmd);
    dsp(c, (u8)len);
    dsp(c, (u8)(len >> 8));
}

static u8 answer(struct card *c)
{
    ck_assert_uint_eq(in8(&c->rig, BASE + 0xe) & 0x80, 0x80);
    return in8(&c->rig, BASE + 0xa);
}

static void restart(struct card *c)
{
    out8(&c->rig, BASE + 6, 1);
    rig_pass(&c->rig, 3000);
    out8(&c->rig, BASE + 6, 0);
    rig_pass(&c->rig, 100000);
    ck_assert_uint_eq(answer(c), 0xaa);
}

static void mixer(struct card *c, u8 n, u8 v)
{
    out8(&c->rig, BASE + 4, n);
    out8(&c->rig, BASE + 5, v);
}

static u8 mixer_in(struct card *c, u8 n)
{
    out8(&c->rig, BASE + 4, n);
    return in8(&c->rig, BASE + 5);
}

/* Program channel 1 or 5 for n bytes at BUF. */
static void dma(struct card *c, bool wide, u8 mode, unsigned n)
{
    struct rig *r = &c->rig;
    unsigned count = (wide ? n / 2 : n) - 1;

    if (wide) {
        out8(r, 0xd4, 5), out8(r, 0xd8, 0), out8(r, 0xd6, (u8)(mode | 1));
        out8(r, 0xc4, (u8)((BUF >> 1) & 0xff)), out8(r, 0xc4, (u8)(BUF >> 9 & 0xff));
        out8(r, 0xc6, (u8)count), out8(r, 0xc6, (u8)(count >> 8));
        out8(r, 0x8b, BUF >> 16), out8(r, 0xd4, 1);
    } else {
        out8(r, 0x0a, 5), out8(r, 0x0c, 0), out8(r, 0x0b, (u8)(mode | 1));
        out8(r, 0x02, BUF & 0xff), out8(r, 0x02, BUF >> 8 & 0xff);
        out8(r, 0x03, (u8)count), out8(r, 0x03, (u8)(count >> 8));
        out8(r, 0x83, BUF >> 16), out8(r, 0x0a, 1);
    }
}

static unsigned dma_count(struct card *c, u16 port)
{
    unsigned low;

    out8(&c->rig, port < 0x10 ? 0x0c : 0xd8, 0);
    low = in8(&c->rig, port);
    return low | (unsigned)in8(&c->rig, port) << 8;
}

/* Periods that fill n samples exactly, as 8 or 16 bits, unsigned or signed. */
static void fill(struct card *c, unsigned n, unsigned periods, bool wide, bool sign, unsigned step,
                 unsigned at)
{
    for (unsigned i = 0; i < n; i++) {
        double v = sin(2 * 3.14159265358979 * periods * i / n);
        unsigned where = at + i * step;

        if (wide)
            st16((u8 *)c->rig.ram.host + BUF + 2 * where,
                 (u16)(lrint(v * 16000) + (sign ? 0 : 32768)));
        else
            ((u8 *)c->rig.ram.host)[BUF + where] = (u8)(lrint(v * 100) + (sign ? 0 : 128));
    }
}

static void heard(const struct ear_voice *v, double hz, double level, int channel)
{
    size_t n = MIN(v->n, (size_t)v->rate);

    ck_assert_uint_gt(n, v->rate / 4);
    ck_assert_double_eq_tol(tone_peak(v->buf, n, v->rate, hz - 30, hz + 30, 0.5), hz, 2);
    ck_assert_double_eq_tol(tone_level(v->buf, n, v->rate, hz, channel), level, level / 20);
    ck_assert_uint_lt(v->apart, 60000);
}

START_TEST(who_is_it)
{
    struct card c;

    set_up(&c);
    restart(&c);
    dsp(&c, 0xe1);
    ck_assert_uint_eq(answer(&c), 4);
    ck_assert_uint_eq(answer(&c), 5);
    dsp(&c, 0xe0), dsp(&c, 0x5a);
    ck_assert_uint_eq(answer(&c), 0xa5);
    dsp(&c, 0xe4), dsp(&c, 0x77), dsp(&c, 0xe8);
    ck_assert_uint_eq(answer(&c), 0x77);
    dsp(&c, 0xe3);
    for (const char *p = "COPYRIGHT (C) CREATIVE"; *p; p++)
        ck_assert_int_eq(answer(&c), *p);
    restart(&c);
    ck_assert_uint_eq(in8(&c.rig, BASE + 0xe) & 0x80, 0);
    dsp(&c, 0xd8);
    ck_assert_uint_eq(answer(&c), 0);
    dsp(&c, 0xd1), dsp(&c, 0xd8);
    ck_assert_uint_eq(answer(&c), 0xff);
    dsp(&c, 0xd3), dsp(&c, 0xd8);
    ck_assert_uint_eq(answer(&c), 0);
    /* no signal processor; an input of silence; states that are zero */
    dsp(&c, 0x0e), dsp(&c, 1), dsp(&c, 2), dsp(&c, 0x0f), dsp(&c, 1);
    ck_assert_uint_eq(answer(&c), 0xff);
    dsp(&c, 0x20);
    ck_assert_uint_eq(answer(&c), 0x80);
    dsp(&c, 0xf8);
    ck_assert_uint_eq(answer(&c), 0);
    dsp(&c, 0xfd);
    ck_assert_uint_eq(answer(&c), 0xfd);
    /* identification by DMA: 0xaa - 0x02 + 0x20 - 106 for 0x22 */
    dma(&c, false, 0x44, 1);
    dsp(&c, 0xe2), dsp(&c, 0x22);
    ck_assert_uint_eq(((u8 *)c.rig.ram.host)[BUF], (u8)(0xaa - 0x02 + 0x20 - 106));
    dsp(&c, 0x99); /* with no channel open it waits */
    rig_pass(&c.rig, 5000000);
    ck_assert_int_eq(c.irq[5].level, 0);
    /* MIDI mode of the DSP: no more commands until a reset */
    dsp(&c, 0x34), dsp(&c, 0xe1);
    ck_assert_uint_eq(in8(&c.rig, BASE + 0xe) & 0x80, 0);
    restart(&c);
    ck_assert_uint_eq(in8(&c.rig, BASE + 7), 0xff);
    tear_down(&c);
}
END_TEST

START_TEST(bytes_once)
{
    struct card c;

    set_up(&c);
    restart(&c);
    fill(&c, 22222, 440, false, false, 1, 0); /* 439.99 Hz at 22222 */
    dma(&c, false, 0x48, 22222);
    dsp(&c, 0x40), dsp(&c, 256 - 45);
    dsp2(&c, 0x14, 22222 - 1);
    rig_pass(&c.rig, 990000000);
    ck_assert_int_eq(c.irq[5].level, 0);
    ck_assert_uint_le(dma_count(&c, 3), 22222 / 50);
    rig_pass(&c.rig, 20000000);
    ck_assert_int_eq(c.irq[5].level, 1);
    ck_assert_uint_eq(mixer_in(&c, 0x82), 1);
    ck_assert_uint_eq(dma_count(&c, 3), 0xffff);
    ck_assert_uint_eq(c.ear.voice[0].n, 22222);
    heard(&c.ear.voice[0], 440, 25600, 0);
    in8(&c.rig, BASE + 0xe);
    ck_assert_int_eq(c.irq[5].level, 0);
    /* nothing more comes */
    rig_pass(&c.rig, 100000000);
    ck_assert_uint_eq(c.ear.voice[0].n, 22222);
    ck_assert_int_eq(c.irq[5].rises, 1);
    tear_down(&c);
}
END_TEST

START_TEST(words_in_stereo_without_end)
{
    struct card c;
    unsigned then;

    set_up(&c);
    restart(&c);
    fill(&c, 4410, 44, true, true, 2, 0); /* left 440 Hz, right 880 */
    fill(&c, 4410, 88, true, true, 2, 1);
    dma(&c, true, 0x58, 4410 * 4);
    dsp2(&c, 0x41, 44100 >> 8 | (44100 & 0xff) << 8);
    dsp(&c, 0xb6), dsp(&c, 0x30), dsp(&c, (u8)(4410 - 1)), dsp(&c, (4410 - 1) >> 8);
    /* 4410 words: an interrupt every 50 ms */
    for (int i = 1; i <= 20; i++) {
        rig_pass(&c.rig, 50001000);
        ck_assert_int_eq(c.irq[5].rises, i);
        ck_assert_uint_eq(mixer_in(&c, 0x82), 2);
        in8(&c.rig, BASE + 0xe);
        ck_assert_int_eq(c.irq[5].level, 1); /* the other acknowledgement */
        in8(&c.rig, BASE + 0xf);
        ck_assert_int_eq(c.irq[5].level, 0);
    }
    heard(&c.ear.voice[0], 440, 16000, 0);
    ck_assert_double_eq_tol(tone_level(c.ear.voice[0].buf, 44100, 44100, 880, 1), 16000, 300);
    ck_assert_double_lt(tone_level(c.ear.voice[0].buf, 44100, 44100, 880, 0), 100);
    /* the counter goes with the time between events */
    then = dma_count(&c, 0xc6);
    rig_pass(&c.rig, 1000000);
    ck_assert_uint_eq(then - dma_count(&c, 0xc6), 88);
    /* pause and go on */
    dsp(&c, 0xd5);
    then = dma_count(&c, 0xc6);
    rig_pass(&c.rig, 500000000);
    ck_assert_uint_eq(then, dma_count(&c, 0xc6));
    dsp(&c, 0xd6);
    rig_pass(&c.rig, 10000000);
    ck_assert_uint_ne(then, dma_count(&c, 0xc6));
    /* a snapshot in the middle */
    rig_reload(c.sb);
    then = (unsigned)c.ear.voice[0].n;
    rig_pass(&c.rig, 20000000);
    ck_assert_uint_ge(c.ear.voice[0].n - then, 400);
    /* the present block is the last */
    in8(&c.rig, BASE + 0xf);
    dsp(&c, 0xd9);
    rig_pass(&c.rig, 200000000);
    ck_assert_int_eq(c.irq[5].level, 1);
    in8(&c.rig, BASE + 0xf);
    then = (unsigned)c.ear.voice[0].n;
    rig_pass(&c.rig, 200000000);
    ck_assert_uint_eq(c.ear.voice[0].n, then);
    tear_down(&c);
}
END_TEST

/* Every other form: bytes unsigned, signed, stereo, words unsigned, words by the channel of bytes. */
START_TEST(forms)
{
    static const struct {
        bool wide, sign, stereo, by_bytes;
    } form[] = {{0, 0, 1, 0}, {0, 1, 0, 0}, {0, 1, 1, 0}, {1, 0, 0, 0}, {1, 1, 0, 1}, {1, 0, 1, 1}};
    struct card c;

    for (unsigned i = 0; i < ARRAY_LEN(form); i++) {
        unsigned channels = form[i].stereo ? 2 : 1, bytes = 2205 * channels << form[i].wide;
        unsigned len = 2205 * channels - 1;

        set_up(&c);
        restart(&c);
        for (unsigned k = 0; k < channels; k++)
            fill(&c, 2205, 44, form[i].wide, form[i].sign, channels, k);
        if (form[i].by_bytes)
            mixer(&c, 0x81, 2);
        dma(&c, form[i].wide && !form[i].by_bytes, 0x58, bytes);
        dsp2(&c, 0x41, 22050 >> 8 | (22050 & 0xff) << 8);
        dsp(&c, form[i].wide ? 0xb6 : 0xc6);
        dsp(&c, (u8)(form[i].stereo << 5 | form[i].sign << 4));
        dsp(&c, (u8)len), dsp(&c, (u8)(len >> 8));
        rig_pass(&c.rig, NS_PER_SEC);
        heard(&c.ear.voice[0], 440, form[i].wide ? 16000 : 25600, (int)channels - 1);
        ck_assert_int_eq(c.irq[5].rises, 1);
        tear_down(&c);
    }
}
END_TEST

START_TEST(older_commands)
{
    /* command, continued, two channels by the old switch */
    static const struct {
        u8 cmd;
        bool again, stereo;
    } cmd[] = {{0x1c, 1, 0}, {0x90, 1, 0}, {0x91, 0, 0}, {0x91, 0, 1}};
    struct card c;

    for (unsigned i = 0; i < ARRAY_LEN(cmd); i++) {
        unsigned channels = cmd[i].stereo ? 2 : 1;

        set_up(&c);
        restart(&c);
        for (unsigned k = 0; k < channels; k++)
            fill(&c, 10000, 220, false, false, channels, k);
        mixer(&c, 0x0e, cmd[i].stereo ? 2 : 0);
        dma(&c, false, 0x58, 10000 * channels);
        dsp(&c, 0x40), dsp(&c, cmd[i].stereo ? 256 - 25 : 256 - 50); /* 20000 frames */
        dsp2(&c, 0x48, 10000 * channels - 1);
        dsp(&c, cmd[i].cmd);
        rig_pass(&c.rig, NS_PER_SEC);
        heard(&c.ear.voice[0], 440, 25600, 0);
        ck_assert_uint_eq(c.ear.voice[0].n > 10001, cmd[i].again);
        dsp(&c, 0xda);
        rig_pass(&c.rig, NS_PER_SEC);
        in8(&c.rig, BASE + 0xe);
        ck_assert_int_eq(c.irq[5].level, 0);
        tear_down(&c);
    }
}
END_TEST

/* What comes nearest to a tone in ADPCM, by trying every code. */
static unsigned pack(enum sb_adpcm kind, u8 *to, unsigned frames, unsigned periods)
{
    unsigned per = sb_adpcm_samples(kind), n = 0;
    u8 ref = 128, step = 0;

    to[n++] = 128;
    for (unsigned i = 0; i < frames; i += per) {
        long best = -1;
        u8 code = 0, out[4], r, s;

        for (unsigned b = 0; b < 256; b++) {
            long err = 0;

            r = ref, s = step;
            sb_adpcm_unpack(kind, (u8)b, &r, &s, out);
            for (unsigned k = 0; k < per; k++) {
                long want =
                    128 + lrint(60 * sin(2 * 3.14159265358979 * periods * (i + k) / frames));
                err += (out[k] - want) * (out[k] - want);
            }
            if (best < 0 || err < best)
                best = err, code = (u8)b;
        }
        sb_adpcm_unpack(kind, code, &ref, &step, out);
        to[n++] = code;
    }
    return n;
}

START_TEST(adpcm)
{
    static const struct {
        u8 cmd;
        enum sb_adpcm kind;
        bool autoinit;
    } form[] = {{0x75, SB_ADPCM_4, 0}, {0x77, SB_ADPCM_26, 0}, {0x17, SB_ADPCM_2, 0},
                {0x7d, SB_ADPCM_4, 1}, {0x7f, SB_ADPCM_26, 1}, {0x1f, SB_ADPCM_2, 1}};
    struct card c;

    for (unsigned i = 0; i < ARRAY_LEN(form); i++) {
        unsigned n;

        set_up(&c);
        restart(&c);
        n = pack(form[i].kind, (u8 *)c.rig.ram.host + BUF, 12000, 440);
        dma(&c, false, form[i].autoinit ? 0x58 : 0x48, n);
        dsp(&c, 0x40), dsp(&c, 256 - 83); /* 12048 Hz */
        dsp2(&c, 0x48, n - 1);
        if (form[i].autoinit)
            dsp(&c, form[i].cmd);
        else
            dsp2(&c, form[i].cmd, n - 1);
        rig_pass(&c.rig, 995000000);
        ck_assert_int_eq(c.irq[5].rises, 0);
        rig_pass(&c.rig, 10000000);
        ck_assert_int_eq(c.irq[5].rises, 1);
        ck_assert_double_eq_tol(tone_peak(c.ear.voice[0].buf, 11900, 12048, 400, 480, 0.5), 441.7, 1);
        tear_down(&c);
    }
    /* without a reference byte: the step and the sample of before */
    set_up(&c);
    restart(&c);
    dma(&c, false, 0x48, 100);
    memset((u8 *)c.rig.ram.host + BUF, 0x77, 100);
    dsp2(&c, 0x74, 99);
    rig_pass(&c.rig, 100000000);
    ck_assert_uint_eq(c.ear.voice[0].n, 200);
    ck_assert_int_gt(c.ear.voice[0].buf[2 * 199], 30000);
    tear_down(&c);
}
END_TEST

START_TEST(silence_direct_and_input)
{
    struct card c;
    const struct ear_voice *v = &c.ear.voice[1];

    set_up(&c);
    restart(&c);
    dsp2(&c, 0x41, 8000 >> 8 | (8000 & 0xff) << 8);
    dsp2(&c, 0x80, 799);
    rig_pass(&c.rig, 99000000);
    ck_assert_int_eq(c.irq[5].level, 0);
    rig_pass(&c.rig, 2000000);
    ck_assert_int_eq(c.irq[5].level, 1);
    ck_assert_uint_eq(c.ear.voice[0].n, 0);
    in8(&c.rig, BASE + 0xe);
    /* by software: 500 Hz from 16000 samples a second */
    for (int i = 0; i < 16000; i++) {
        dsp(&c, 0x10), dsp(&c, i / 16 & 1 ? 228 : 28);
        rig_pass(&c.rig, 62500);
    }
    ck_assert_uint_gt(v->n, 190000);
    ck_assert_double_eq_tol(tone_peak(v->buf, v->n, v->rate, 490, 510, 0.5), 500, 0.6);
    /* recording gives the middle of the range */
    dma(&c, false, 0x44, 1000);
    dsp2(&c, 0x24, 999);
    rig_pass(&c.rig, 200000000);
    ck_assert_int_eq(c.irq[5].level, 1);
    ck_assert_uint_eq(((u8 *)c.rig.ram.host)[BUF + 999], 0x80);
    in8(&c.rig, BASE + 0xe);
    dma(&c, true, 0x44, 1000);
    dsp(&c, 0xb8), dsp(&c, 0), dsp(&c, 0xf3), dsp(&c, 1);
    rig_pass(&c.rig, 200000000);
    ck_assert_int_eq(c.irq[5].level, 1);
    ck_assert_uint_eq(ld16((u8 *)c.rig.ram.host + BUF + 998), 0x8000);
    in8(&c.rig, BASE + 0xf);
    dsp(&c, 0x2c), dsp(&c, 0x98);
    restart(&c);
    /* interrupts on demand; exits; speeds that do not exist are brought into range */
    dsp(&c, 0xf2);
    ck_assert_uint_eq(mixer_in(&c, 0x82), 1);
    dsp(&c, 0xf3);
    ck_assert_uint_eq(mixer_in(&c, 0x82), 3);
    in8(&c.rig, BASE + 0xe), in8(&c.rig, BASE + 0xf);
    ck_assert_int_eq(c.irq[5].level, 0);
    dsp(&c, 0x45), dsp(&c, 0xd0), dsp(&c, 0xd4);
    dsp2(&c, 0x41, 0);
    dsp2(&c, 0x41, 0xffff);
    dsp(&c, 0x40), dsp(&c, 0xff);
    tear_down(&c);
}
END_TEST

START_TEST(mixer_registers)
{
    struct card c;

    set_up(&c);
    ck_assert_uint_eq(mixer_in(&c, 0x30), 0xc0);
    ck_assert_uint_eq(mixer_in(&c, 0x22), 0xcc);
    ck_assert_uint_eq(mixer_in(&c, 0x44), 0x80);
    mixer(&c, 0x22, 0x5a);
    ck_assert_uint_eq(mixer_in(&c, 0x30), 0x50);
    ck_assert_uint_eq(mixer_in(&c, 0x31), 0xa0);
    mixer(&c, 0x32, 0xff);
    ck_assert_uint_eq(mixer_in(&c, 0x32), 0xf8);
    ck_assert_uint_eq(mixer_in(&c, 0x04), 0xfc);
    mixer(&c, 0x0a, 5);
    ck_assert_uint_eq(mixer_in(&c, 0x3a), 0xa0);
    ck_assert_uint_eq(mixer_in(&c, 0x0a), 5);
    mixer(&c, 0x3b, 0xff), mixer(&c, 0x3c, 0xff), mixer(&c, 0x3d, 0xff), mixer(&c, 0x43, 0xff);
    ck_assert_uint_eq(mixer_in(&c, 0x3b), 0xc0);
    ck_assert_uint_eq(mixer_in(&c, 0x3c), 0x1f);
    ck_assert_uint_eq(mixer_in(&c, 0x3d), 0x7f);
    ck_assert_uint_eq(mixer_in(&c, 0x43), 1);
    mixer(&c, 0x26, 0x80), mixer(&c, 0x28, 0x12), mixer(&c, 0x2e, 0x34), mixer(&c, 0x47, 0xff);
    ck_assert_uint_eq(mixer_in(&c, 0x36), 0x10);
    ck_assert_uint_eq(mixer_in(&c, 0x39), 0x40);
    ck_assert_uint_eq(mixer_in(&c, 0x47), 0xf0);
    mixer(&c, 0x00, 0);
    ck_assert_uint_eq(mixer_in(&c, 0x30), 0xc0);
    ck_assert_uint_eq(mixer_in(&c, 0x3c), 0x1f);
    ck_assert_uint_eq(in8(&c.rig, BASE + 4), 0x3c);
    /* the chosen line and channels stay over that */
    ck_assert_uint_eq(mixer_in(&c, 0x80), 2);
    ck_assert_uint_eq(mixer_in(&c, 0x81), 0x22);
    mixer(&c, 0x80, 8);
    mixer(&c, 0x00, 0);
    dsp(&c, 0xf2);
    ck_assert_int_eq(c.irq[10].level, 1);
    ck_assert_int_eq(c.irq[5].level, 0);
    mixer(&c, 0x80, 1); /* moved while it is high */
    ck_assert_int_eq(c.irq[10].level, 0);
    ck_assert_int_eq(c.irq[9].level, 1);
    in8(&c.rig, BASE + 0xe);
    /* loudness: 2 dB a step */
    restart(&c);
    mixer(&c, 0x32, 21 << 3);
    fill(&c, 11025, 440, false, false, 1, 0);
    dma(&c, false, 0x48, 11025);
    dsp2(&c, 0x41, 11025 >> 8 | (11025 & 0xff) << 8);
    dsp2(&c, 0x14, 11024);
    rig_pass(&c.rig, NS_PER_SEC);
    heard(&c.ear.voice[0], 440, 12800, 0);
    ck_assert_double_eq_tol(tone_level(c.ear.voice[0].buf, 11025, 11025, 440, 1), 25600, 500);
    /* no channel at all: it waits */
    mixer(&c, 0x81, 0);
    dsp2(&c, 0x14, 11024);
    rig_pass(&c.rig, NS_PER_SEC);
    ck_assert_uint_lt(c.ear.voice[0].n, 12000);
    tear_down(&c);
}
END_TEST

START_TEST(mpu401_and_fm)
{
    struct card c;

    set_up(&c);
    ck_assert_uint_eq(in8(&c.rig, 0x331) & 0xc0, 0x80);
    out8(&c.rig, 0x331, 0xff);
    ck_assert_uint_eq(in8(&c.rig, 0x331) & 0xc0, 0);
    ck_assert_int_eq(c.irq[5].level, 1);
    ck_assert_uint_eq(mixer_in(&c, 0x82), 4);
    ck_assert_uint_eq(in8(&c.rig, 0x330), 0xfe);
    ck_assert_int_eq(c.irq[5].level, 0);
    out8(&c.rig, 0x331, 0x3f);
    ck_assert_uint_eq(in8(&c.rig, 0x330), 0xfe);
    out8(&c.rig, 0x330, 0x90), out8(&c.rig, 0x331, 0x12);
    ck_assert_uint_eq(in8(&c.rig, 0x331) & 0x80, 0x80);
    out8(&c.rig, 0x331, 0xff); /* leaves UART mode without a word */
    ck_assert_uint_eq(in8(&c.rig, 0x331) & 0x80, 0x80);
    out8(&c.rig, 0x331, 0xff);
    ck_assert_uint_eq(in8(&c.rig, 0x330), 0xfe);
    /* the synthesizer is at three places */
    out8(&c.rig, BASE + 8, 4), out8(&c.rig, BASE + 9, 0x60);
    out8(&c.rig, BASE, 2), out8(&c.rig, BASE + 1, 0xff);
    out8(&c.rig, 0x388, 4), out8(&c.rig, 0x389, 0x21);
    rig_pass(&c.rig, 90000);
    ck_assert_uint_eq(in8(&c.rig, 0x388), 0xc0);
    ck_assert_uint_eq(in8(&c.rig, BASE), 0xc0);
    ck_assert_uint_eq(in8(&c.rig, BASE + 8), 0xc0);
    tear_down(&c);
}
END_TEST

START_TEST(other_settings)
{
    static const struct {
        const char *props, *says;
    } bad[] = {{"iobase=0x230", "iobase"}, {"irq=3", "irq"},         {"dma=2", "dma"},
               {"mpu=0x310", "mpu"},       {"iobase=0x200", "iobase"}, {"dma16=4", "dma16"}};
    struct card c;
    struct err err;

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        err = plug_card(&c, bad[i].props);
        ck_assert_msg(strstr(err.msg, bad[i].says) != NULL, "%s: %s", bad[i].props, err.msg);
        tear_down(&c);
    }
    err = plug_card(&c, "iobase=0x240,irq=10,dma=3,dma16=7,mpu=0x300");
    ck_assert_msg(!err.msg[0], "%s", err.msg);
    out8(&c.rig, 0x244, 0x80);
    ck_assert_uint_eq(in8(&c.rig, 0x245), 8);
    out8(&c.rig, 0x244, 0x81);
    ck_assert_uint_eq(in8(&c.rig, 0x245), 0x88);
    tear_down(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_is_it, bytes_once, words_in_stereo_without_end, forms,
        older_commands, adpcm, silence_direct_and_input, mixer_registers,
        mpu401_and_fm, other_settings, NULL};

    return rig_main("sb16", tests);
}
