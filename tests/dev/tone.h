/* An ear for tests: records what voices of devices give, finds the tone in it and the gaps. */
#ifndef TESTS_DEV_TONE_H
#define TESTS_DEV_TONE_H

#include "devices/core/clock.h"
#include "devices/core/ports.h"

#include <math.h>
#include <stdlib.h>

enum { EAR_VOICES = 4 };

struct ear_voice {
    struct audio_voice base;
    s16 *buf; /* pairs */
    size_t n, cap;
    u32 rate;
    u64 first, next; /* virtual times of the first frame, and behind the last */
    u64 apart;       /* the worst distance between a chunk's stamp and the end of the one before */
};

struct ear {
    struct audio_out out;
    struct ear_voice voice[EAR_VOICES];
    unsigned n;
};

static inline void ear_samples(struct audio_voice *voice, u64 when, const s16 *stereo,
                               size_t frames, u32 rate)
{
    struct ear_voice *v = container_of(voice, struct ear_voice, base);

    if (v->n + frames > v->cap) {
        v->cap = 2 * (v->n + frames);
        v->buf = realloc(v->buf, v->cap * 4);
    }
    if (!v->n)
        v->first = v->next = when;
    v->apart = MAX(v->apart, when > v->next ? when - v->next : v->next - when);
    for (size_t i = 0; i < 2 * frames; i++)
        v->buf[2 * v->n + i] = stereo[i];
    v->n += frames;
    v->rate = rate;
    v->next = when + frames * NS_PER_SEC / rate;
}

static inline struct audio_voice *ear_new(struct audio_out *out, const char *name)
{
    struct ear *ear = container_of(out, struct ear, out);

    if (ear->n >= EAR_VOICES)
        return NULL;
    ear->voice[ear->n].base.samples = ear_samples;
    return &ear->voice[ear->n++].base;
}

static inline void ear_init(struct ear *ear)
{
    *ear = (struct ear){.out = {ear_new}};
}

static inline void ear_forget(struct ear *ear)
{
    for (unsigned i = 0; i < ear->n; i++)
        ear->voice[i].n = 0, ear->voice[i].apart = 0;
}

static inline void ear_free(struct ear *ear)
{
    for (unsigned i = 0; i < ear->n; i++)
        free(ear->voice[i].buf);
}

/* How loud frequency f is in one channel (0 or 1): the amplitude of its sine. */
static inline double tone_level(const s16 *stereo, size_t n, u32 rate, double f, int channel)
{
    double re = 0, im = 0, w = 2 * 3.14159265358979323846 * f / rate, all = 0;

    for (size_t i = 0; i < n; i++) {
        double window = 1 - cos(2 * 3.14159265358979323846 * ((double)i + 0.5) / (double)n);
        double x = stereo[2 * i + (size_t)channel] * window;

        re += x * cos(w * (double)i);
        im += x * sin(w * (double)i);
        all += window;
    }
    return n ? 2 * sqrt(re * re + im * im) / all : 0;
}

/* The loudest frequency in [lo, hi], looked at in steps. */
static inline double tone_peak(const s16 *stereo, size_t n, u32 rate, double lo, double hi,
                               double step)
{
    double best = 0, at = lo;

    for (double f = lo; f <= hi; f += step) {
        double v = tone_level(stereo, n, rate, f, 0);

        if (v > best)
            best = v, at = f;
    }
    return at;
}

/* The longest time (ms) that the left channel stays within 1/64 of full loudness of the recording. */
static inline double tone_gap(const s16 *stereo, size_t n, u32 rate)
{
    size_t run = 0, worst = 0;
    int peak = 0;

    for (size_t i = 0; i < n; i++)
        peak = MAX(peak, abs(stereo[2 * i]));
    for (size_t i = 0; i < n; i++) {
        run = abs(stereo[2 * i]) * 64 <= peak ? run + 1 : 0;
        worst = MAX(worst, run);
    }
    return 1000.0 * (double)worst / rate;
}

/* The largest step between two neighbours in the left channel. */
static inline int tone_jump(const s16 *stereo, size_t n)
{
    int worst = 0;

    for (size_t i = 1; i < n; i++)
        worst = MAX(worst, abs(stereo[2 * i] - stereo[2 * i - 2]));
    return worst;
}

#endif
