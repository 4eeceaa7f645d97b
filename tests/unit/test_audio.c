/* The host's side of sound: the mixer on the grid of virtual time, resampling, stretching for slow
 * guests, WAV files. */
#include "frontend/audio/audio.h"
#include "frontend/audio/mixer.h"
#include "frontend/audio/stretch.h"
#include "tests/dev/rig.h"
#include "tests/dev/tone.h"

#include <stdio.h>
#include <unistd.h>

struct tape {
    struct audio_sink sink;
    s16 buf[2 * 48000 * 6];
    size_t n;
    u64 silence;
};

static void tape_frames(struct audio_sink *sink, const s16 *stereo, size_t n)
{
    struct tape *t = container_of(sink, struct tape, sink);

    for (size_t i = 0; i < 2 * n && t->n < ARRAY_LEN(t->buf) / 2; i++)
        t->buf[2 * t->n + i] = stereo[i];
    t->n += n;
}

static void tape_silence(struct audio_sink *sink, u64 n)
{
    container_of(sink, struct tape, sink)->silence += n;
}

struct desk {
    struct rig rig;
    struct mixer mixer;
    struct tape tape;
};

static struct desk *desk_new(u32 rate)
{
    struct desk *d = calloc(1, sizeof(*d));

    rig_init(&d->rig);
    mixer_init(&d->mixer, &d->rig.clock, rate);
    d->tape.sink = (struct audio_sink){tape_frames, tape_silence, NULL};
    mixer_add_sink(&d->mixer, &d->tape.sink);
    d->rig.now = NS_PER_SEC;
    return d;
}

static void desk_free(struct desk *d)
{
    rig_free(&d->rig);
    free(d);
}

/* One second of a 440 Hz sine in chunks of 10 ms; the real rate is rate + part. */
static void play(struct desk *d, struct audio_voice *v, u32 rate, double part, int chunks, u64 late)
{
    u64 start = d->rig.now, n = 0;
    s16 out[2 * 2000];

    for (int c = 1; c <= chunks; c++) {
        u64 until = (u64)((rate + part) * c / 100);
        size_t k = 0;

        for (u64 i = n; i < until; i++, k++)
            out[2 * k] = out[2 * k + 1] =
                (s16)lrint(8000 * sin(2 * 3.14159265358979 * 440 * (double)i / (rate + part)));
        d->rig.now = start + (u64)c * 10000000 + (c % 3 ? late : 0);
        audio_samples(v, start + (u64)((double)n / (rate + part) * 1e9), out, k, rate);
        clock_run(&d->rig.clock);
        n = until;
    }
}

START_TEST(rates)
{
    static const u32 hz[] = {8000, 11025, 22050, 44100, 48000, 49716, 96000};
    struct desk *d = desk_new(48000);

    struct audio_voice *v = audio_voice(&d->mixer.out, "test");

    for (unsigned i = 0; i < ARRAY_LEN(hz); i++) {
        size_t from = d->tape.n;

        play(d, v, hz[i], 0, 100, 4000000);
        mixer_flush(&d->mixer);
        ck_assert_uint_ge(d->tape.n - from, 47900);
        from += 600;
        ck_assert_double_eq_tol(tone_peak(d->tape.buf + 2 * from, 46000, 48000, 430, 450, 0.25),
                                440, 0.3);
        ck_assert_double_eq_tol(tone_level(d->tape.buf + 2 * from, 46000, 48000, 440, 1), 8000, 20);
        ck_assert_double_lt(tone_gap(d->tape.buf + 2 * from, 46000, 48000), 0.3);
        /* as steep as the sine is, and no more */
        ck_assert_int_lt(tone_jump(d->tape.buf + 2 * from, 46000), 8000 * 440 * 6.2832 / 48000 + 5);
        d->tape.n = 0;
    }
    desk_free(d);
}
END_TEST

/* A rate that is no whole number: the voice follows its stamps. */
START_TEST(drift)
{
    struct desk *d = desk_new(44100);
    struct audio_voice *v = audio_voice(&d->mixer.out, "test");
    const struct mixer_voice *mv = container_of(v, struct mixer_voice, base);

    play(d, v, 21739, 20, 500, 0);
    ck_assert_double_eq_tol(mv->step, 21759.0 / 44100, 0.00003);
    ck_assert_double_lt(tone_gap(d->tape.buf + 2 * 1000, 200000, 44100), 0.3);
    ck_assert_int_lt(tone_jump(d->tape.buf + 2 * 1000, 200000), 8000 * 440 * 6.2832 / 44100 + 5);
    desk_free(d);
}
END_TEST

START_TEST(two_voices_and_pauses)
{
    struct desk *d = desk_new(48000);
    struct audio_voice *a = audio_voice(&d->mixer.out, "a"), *b = audio_voice(&d->mixer.out, "b");
    s16 loud[2 * 480];
    u64 at;

    for (unsigned i = 0; i < ARRAY_LEN(loud); i++)
        loud[i] = 30000;
    d->rig.now = at = 2 * NS_PER_SEC;
    for (int c = 0; c < 50; c++) {
        d->rig.now = at + 10000000;
        audio_samples(a, at, loud, 480, 48000);
        audio_samples(b, at, loud, 480, 48000);
        clock_run(&d->rig.clock);
        at += 10000000;
    }
    /* the sum is cut, not wrapped; the time before is silence */
    ck_assert_uint_eq(d->tape.silence, 2 * 48000 - 256);
    ck_assert_int_eq(d->tape.buf[2 * 12000], 32767);
    /* nothing more comes: the mixer comes to rest */
    rig_pass(&d->rig, 2 * NS_PER_SEC);
    ck_assert(!d->mixer.active && !timer_pending(&d->mixer.timer));
    ck_assert_uint_ge(d->tape.n, 24000 + 256);
    ck_assert_int_eq(d->tape.buf[2 * (d->tape.n < 200000 ? d->tape.n - 1 : 0)], 0);
    /* what is nonsense changes nothing */
    audio_samples(a, at, loud, 0, 48000);
    audio_samples(a, at, loud, 480, 5);
    ck_assert(!d->mixer.active);
    /* far ahead of time: the ring is handed out first */
    for (int c = 0; c < 200; c++)
        audio_samples(a, d->rig.now + (u64)c * 10000000, loud, 480, 48000);
    ck_assert_uint_ge(d->tape.n, 48000);
    for (int i = 0; i < MIX_VOICES; i++)
        b = audio_voice(&d->mixer.out, "more");
    ck_assert_ptr_null(b);
    audio_samples(b, 0, loud, 480, 48000);
    desk_free(d);
}
END_TEST

/* A guest at a share of the host's speed, in bursts: what is heard has no gap and no jump. */
static void stretched(unsigned share)
{
    struct stretch *s = calloc(1, sizeof(*s));
    s16 *out = calloc(48000 * 8, 4), in[2 * 480];
    size_t n = 0, k = 0;

    stretch_init(s, 48000);
    for (unsigned t = 0; t < 800; t++) {
        if (t % share == 0) {
            for (int i = 0; i < 480; i++, k++)
                in[2 * i] = in[2 * i + 1] =
                    (s16)lrint(8000 * sin(2 * 3.14159265358979 * 440 * (double)k / 48000));
            stretch_put(s, in, 480);
        }
        stretch_get(s, out + 2 * n, 480);
        n += 480;
    }
    /* after two seconds */
    ck_assert_double_lt(tone_gap(out + 2 * 96000, n - 96000, 48000), 0.7);
    ck_assert_int_lt(tone_jump(out + 2 * 96000, n - 96000), 600);
    ck_assert_double_eq_tol(
        tone_peak(out + 2 * 200000, 96000, 48000, 400.0 / share, 480.0 / share, 0.25),
        440.0 / share, share == 1 ? 2 : 3);
    if (share == 1)
        ck_assert_double_eq_tol(tone_level(out + 2 * 200000, 48000, 48000, 440, 0), 8000, 400);
    /* from the first sound on: never a click */
    ck_assert_int_lt(tone_jump(out, n), 800);
    /* the guest falls silent: it fades, then there is nothing to play */
    for (unsigned t = 0; t < 100; t++)
        stretch_get(s, out, 480);
    ck_assert(!stretch_get(s, out, 480));
    free(out);
    free(s);
}

START_TEST(full_speed)
{
    stretched(1);
}
END_TEST

START_TEST(quarter_speed)
{
    stretched(4);
}
END_TEST

/* Full speed, then a quarter, then full: no click anywhere. */
START_TEST(changing_speed)
{
    struct stretch *s = calloc(1, sizeof(*s));
    s16 *out = calloc(48000 * 10, 4), in[2 * 480];
    size_t n = 0, k = 0;

    stretch_init(s, 48000);
    for (unsigned t = 0; t < 900; t++) {
        if (t < 300 || t >= 600 || t % 4 == 0) {
            for (int i = 0; i < 480; i++, k++)
                in[2 * i] = in[2 * i + 1] =
                    (s16)lrint(8000 * sin(2 * 3.14159265358979 * 440 * (double)k / 48000));
            stretch_put(s, in, 480);
        }
        stretch_get(s, out + 2 * n, 480);
        n += 480;
    }
    ck_assert_double_lt(tone_gap(out + 2 * 9600, n - 9600, 48000), 2);
    ck_assert_int_lt(tone_jump(out, n), 800);
    free(out);
    free(s);
}
END_TEST

START_TEST(wav_files)
{
    char path[] = "/tmp/test_audio.XXXXXX";
    struct audio_sink *w;
    struct err err = {""};
    s16 some[2 * 300] = {0};
    u8 head[44];
    u64 frames;
    FILE *f;

    ck_assert_int_ge(mkstemp(path), 0);
    w = wav_open(path, 44100, &err);
    ck_assert_msg(w != NULL, "%s", err.msg);
    w->silence(w, 1000);
    w->frames(w, some, 300); /* nothing yet */
    some[0] = 5, some[599] = -2;
    w->frames(w, some, 300);
    w->silence(w, 100000);
    w->frames(w, some, 300);
    ck_assert_str_eq(wav_path(w, &frames), path);
    ck_assert_uint_eq(frames, 100600);
    wav_close(w);
    f = fopen(path, "rb");
    ck_assert_uint_eq(fread(head, 1, 44, f), 44);
    ck_assert_mem_eq(head, "RIFF", 4);
    ck_assert_uint_eq(ld32(head + 4), 36 + 4 * 100600);
    ck_assert_mem_eq(head + 8, "WAVEfmt \20\0\0\0\1\0\2\0", 16);
    ck_assert_uint_eq(ld32(head + 24), 44100);
    ck_assert_uint_eq(ld32(head + 40), 4 * 100600);
    fseek(f, 0, SEEK_END);
    ck_assert_int_eq(ftell(f), 44 + 4 * 100600);
    fclose(f);
    /* more than the header can say is not begun */
    w = wav_open(path, 44100, &err);
    w->frames(w, some, 300);
    w->silence(w, 0x3ffffff0);
    wav_close(w);
    unlink(path);
    ck_assert_ptr_null(wav_open("/nowhere/x.wav", 44100, &err));
    ck_assert(strstr(err.msg, "/nowhere/x.wav"));
}
END_TEST

START_TEST(audiodevs)
{
    static struct options opt;
    char path[] = "/tmp/test_audio.XXXXXX";
    struct rig rig;
    struct err err = {""};
    struct audio *audio;
    u64 frames;

    rig_init(&rig);
    ck_assert_int_ge(mkstemp(path), 0);
    opt.naudiodevs = 2;
    opt.audiodevs[0] = (struct opt_audiodev){.id = "a", .driver = AUDIO_NONE, .rate = 48000};
    opt.audiodevs[1] = (struct opt_audiodev){.id = "b", .driver = AUDIO_WAV, .rate = 22050};
    snprintf(opt.audiodevs[1].path, sizeof(opt.audiodevs[1].path), "%s", path);
    audio = audio_open(&opt, &rig.clock, NULL, &err);
    ck_assert_msg(audio != NULL, "%s", err.msg);
    ck_assert_ptr_nonnull(audio_find(audio, "b"));
    ck_assert_ptr_null(audio_find(audio, "c"));
    ck_assert(!audio_capture(audio, path, "", &err) && strstr(err.msg, "several"));
    ck_assert(!audio_capture(audio, path, "x", &err) && strstr(err.msg, "'x'"));
    ck_assert(!audio_capture(audio, "/nowhere/y", "a", &err));
    ck_assert(!audio_capture_stop(audio, 0, &err));
    for (int i = 0; i < 8; i++)
        ck_assert(audio_capture(audio, path, "a", &err));
    ck_assert(!audio_capture(audio, path, "a", &err));
    ck_assert_str_eq(audio_capture_path(audio, 7, &frames), path);
    ck_assert_ptr_null(audio_capture_path(audio, 8, &frames));
    ck_assert(audio_capture_stop(audio, 3, &err));
    ck_assert_ptr_null(audio_capture_path(audio, 7, &frames));
    audio_close(audio);
    opt.audiodevs[1].path[0] = 0;
    ck_assert_ptr_null(audio_open(&opt, &rig.clock, NULL, &err));
    audio_close(NULL);
    unlink(path);
    rig_free(&rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {rates,          drift,     two_voices_and_pauses, full_speed,
                                  quarter_speed, changing_speed, wav_files, audiodevs, NULL};

    return rig_main("audio", tests);
}
