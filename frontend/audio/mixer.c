/* The mixer. A voice's clock and the grid of virtual time drift apart by what rates in whole Hz leave
 * out; its step follows its stamps slowly, so that nothing is ever skipped or doubled. */
#include "frontend/audio/mixer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Devices give what they have every 10 ms: what is older than LAG_NS is complete. */
enum { TICK_NS = 10000000, LAG_NS = 30000000, JUMP_NS = 5000000, BLOCK = 512 };
enum { REST_NS = 500000000 };

static u64 frame_of(const struct mixer *m, u64 ns)
{
    return muldiv64(ns, m->rate, NS_PER_SEC);
}

static void emit(struct mixer *m, u64 until)
{
    s16 out[2 * BLOCK];

    while (m->done < until) {
        size_t n = (size_t)MIN(until - m->done, (u64)BLOCK);

        for (size_t i = 0; i < n; i++) {
            s32 *slot = &m->ring[2 * ((m->done + i) % MIX_RING)];

            for (int c = 0; c < 2; c++) {
                out[2 * i + (size_t)c] =
                    (s16)(slot[c] > 32767 ? 32767 : slot[c] < -32768 ? -32768 : slot[c]);
                slot[c] = 0;
            }
        }
        for (struct audio_sink *s = m->sinks; s; s = s->next)
            s->frames(s, out, n);
        m->done += n;
    }
}

static void tick(void *arg, u64 now)
{
    struct mixer *m = arg;
    /* By its deadline and not by the time: after a halt of the host, timers of devices with later
     * deadlines have not given theirs yet. */
    u64 due = MAX(m->timer.when, now - MIN(now, (u64)REST_NS)), upto;

    upto = frame_of(m, due - MIN(due, (u64)LAG_NS));
    if (upto > m->end + m->rate / 2) {
        mixer_flush(m);
        m->active = false;
        return;
    }
    emit(m, upto);
    timer_set(&m->timer, due + TICK_NS);
}

static void wake(struct mixer *m, u64 when)
{
    u64 first = frame_of(m, when), now = clock_now(m->clock);

    if (m->active)
        return;
    first -= MIN(first, (u64)BLOCK / 2); /* a second voice may begin a little earlier */
    if (first > m->done) {
        for (struct audio_sink *s = m->sinks; s; s = s->next)
            s->silence(s, first - m->done);
        m->done = first;
    }
    m->end = MAX(m->end, m->done);
    m->active = true;
    timer_set(&m->timer, now + TICK_NS);
}

/* Add what the voice's resampler gives to the ring. */
static void drain(struct mixer_voice *v)
{
    struct mixer *m = v->mixer;
    s32 out[2];

    while (resample_get(&v->rs, v->step, out)) {
        if (v->frame >= m->done + MIX_RING)
            emit(m, v->frame - MIX_RING + 1);
        if (v->frame >= m->done) {
            s32 *slot = &m->ring[2 * (v->frame % MIX_RING)];

            slot[0] += out[0];
            slot[1] += out[1];
        }
        v->frame++;
    }
    m->end = MAX(m->end, v->frame);
}

/* The last frames are inside the resampler still: push them out. */
static void finish(struct mixer_voice *v)
{
    static const s16 nothing[2 * RS_TAPS];

    if (!v->rate)
        return;
    resample_put(&v->rs, nothing, RS_TAPS);
    drain(v);
    v->rate = 0;
}

static void begin(struct mixer_voice *v, u64 when, u32 rate)
{
    struct mixer *m = v->mixer;
    double first = (double)when * m->rate / NS_PER_SEC;

    finish(v);
    v->rate = rate;
    v->frame = (u64)ceil(first);
    v->step = (double)rate / m->rate;
    resample_start(&v->rs, rate, m->rate, ((double)v->frame - first) * v->step);
}

static void samples(struct audio_voice *voice, u64 when, const s16 *stereo, size_t frames,
                    u32 rate)
{
    struct mixer_voice *v = container_of(voice, struct mixer_voice, base);
    struct mixer *m = v->mixer;
    double err;

    if (!frames || rate < 100 || rate > 1000000)
        return;
    wake(m, when);
    if (rate != v->rate || when + JUMP_NS < v->next || when > v->next + JUMP_NS)
        begin(v, when, rate);
    /* how far the next output's place in the sound is ahead of its place in time, in s */
    err = ((double)when - (double)v->frame * NS_PER_SEC / m->rate) / NS_PER_SEC -
          resample_left(&v->rs) / rate;
    err = err > 0.002 ? 0.002 : err < -0.002 ? -0.002 : err;
    v->step = (double)rate / m->rate * (1 - err);
    v->next = when + muldiv64(frames, NS_PER_SEC, rate);
    while (frames) {
        size_t n = MIN(frames, (size_t)RS_ROOM / 4);

        resample_put(&v->rs, stereo, n);
        drain(v);
        stereo += 2 * n;
        frames -= n;
    }
}

static struct audio_voice *new_voice(struct audio_out *out, const char *name)
{
    struct mixer *m = container_of(out, struct mixer, out);
    struct mixer_voice *v = &m->voice[m->nvoices];

    if (m->nvoices >= MIX_VOICES)
        return NULL;
    m->nvoices++;
    v->base.samples = samples;
    v->mixer = m;
    snprintf(v->name, sizeof(v->name), "%s", name);
    return &v->base;
}

void mixer_init(struct mixer *m, struct clock *clock, u32 rate)
{
    memset(m, 0, sizeof(*m));
    m->out.voice = new_voice;
    m->rate = rate;
    m->clock = clock;
    timer_init(&m->timer, clock, tick, m, "mixer");
}

void mixer_flush(struct mixer *m)
{
    for (unsigned i = 0; i < m->nvoices; i++)
        finish(&m->voice[i]);
    emit(m, m->end);
}

void mixer_add_sink(struct mixer *m, struct audio_sink *sink)
{
    sink->next = m->sinks;
    m->sinks = sink;
}

void mixer_remove_sink(struct mixer *m, struct audio_sink *sink)
{
    for (struct audio_sink **p = &m->sinks; *p; p = &(*p)->next) {
        if (*p == sink) {
            *p = sink->next;
            return;
        }
    }
}
