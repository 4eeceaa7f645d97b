/* The loudspeaker as a sum of band-limited steps, one for each edge of the 8254's output at its own
 * time (port 0x61: 290550, 2.5.5). A leak of the sum is the coupling that lets no steady level
 * through. */
#include "devices/audio/pcspk.h"

#include "devices/time/i8254.h"

#include <math.h>
#include <string.h>

enum { TICK_NS = 10000000, UNIT = 1 << 15, HEIGHT = 9000, LEAK = 9 };

#define FIELDS_OF struct pcspk_regs
static const struct field pcspk_fields[] = {
    F(level, FT_U8, 0, "level of the speaker's wire"),
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

static u64 frame_ns(u64 frame)
{
    return muldiv64(frame, NS_PER_SEC, PCSPK_RATE);
}

static u64 ns_frame(u64 ns)
{
    return muldiv64(ns, PCSPK_RATE, NS_PER_SEC);
}

/* Slopes of steps at each of the phases between two frames: windowed sinc, cut off below half the
 * rate. */
static void make_kernel(struct pcspk *p)
{
    const double pi = 3.14159265358979323846, cut = 0.9;

    for (int f = 0; f < PCSPK_PHASES; f++) {
        double h[PCSPK_TAPS], all = 0;
        s32 left = UNIT;

        for (int k = 0; k < PCSPK_TAPS; k++) {
            double x = k - PCSPK_TAPS / 2 - (double)f / PCSPK_PHASES + 0.5;
            double w = 0.42 + 0.5 * cos(2 * pi * x / PCSPK_TAPS) +
                       0.08 * cos(4 * pi * x / PCSPK_TAPS);

            h[k] = (fabs(x) < 1e-9 ? cut : sin(pi * cut * x) / (pi * x)) * w;
            all += h[k];
        }
        for (int k = 0; k < PCSPK_TAPS; k++) {
            p->kernel[f][k] = (s32)lrint(h[k] / all * UNIT);
            left -= p->kernel[f][k];
        }
        p->kernel[f][PCSPK_TAPS / 2] += left; /* steps must cancel to the last bit */
    }
}

/* An edge at `ns`, which is inside the chunk from p->frame on. */
static void add_edge(struct pcspk *p, u64 ns, bool up)
{
    u64 at = muldiv64(ns, PCSPK_RATE * PCSPK_PHASES, NS_PER_SEC), n = at / PCSPK_PHASES;
    const s32 *row = p->kernel[at % PCSPK_PHASES];

    if (n < p->frame || n >= p->frame + PCSPK_CHUNK + PCSPK_TAPS)
        return;
    for (int k = 0; k < PCSPK_TAPS; k++)
        p->step[n - p->frame + (u64)k] += up ? row[k] : -row[k];
}

static void add_edges(struct pcspk *p, u64 until)
{
    while (p->seen < until) {
        bool level = i8254_speaker(p->pit, p->seen);

        if (level != p->r.level) {
            add_edge(p, p->seen, level);
            p->r.level = level;
        }
        p->seen = MIN(until, i8254_speaker_next(p->pit, p->seen));
    }
}

/* Give away the frames before `until`. */
static void emit(struct pcspk *p, u64 until)
{
    s16 out[2 * (PCSPK_CHUNK + 1)];
    size_t n = (size_t)MIN(until - p->frame, (u64)PCSPK_CHUNK);

    if (until <= p->frame)
        return;
    for (size_t i = 0; i < n; i++) {
        s64 v;

        p->sum += p->step[i];
        p->sum -= p->sum / (1 << LEAK);
        v = p->sum * HEIGHT / UNIT;
        out[2 * i] = out[2 * i + 1] = (s16)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
    }
    audio_samples(p->voice, frame_ns(p->frame), out, n, PCSPK_RATE);
    memmove(p->step, p->step + n, sizeof(p->step) - n * sizeof(p->step[0]));
    memset(p->step + ARRAY_LEN(p->step) - n, 0, n * sizeof(p->step[0]));
    p->frame += n;
}

static void advance(struct pcspk *p, u64 now)
{
    while (p->seen < now) {
        add_edges(p, MIN(now, frame_ns(p->frame + PCSPK_CHUNK)));
        emit(p, ns_frame(p->seen));
    }
}

static void start(struct pcspk *p, u64 now)
{
    p->seen = now;
    p->frame = ns_frame(now);
    p->sum = 0;
    memset(p->step, 0, sizeof(p->step));
    p->sounding = true;
    timer_set(&p->timer, now + TICK_NS);
}

static bool quiet(const struct pcspk *p)
{
    for (size_t i = 0; i < ARRAY_LEN(p->step); i++) {
        if (p->step[i])
            return false;
    }
    return p->sum > -UNIT / 64 && p->sum < UNIT / 64 &&
           p->r.level == i8254_speaker(p->pit, p->seen) &&
           i8254_speaker_next(p->pit, p->seen) == CLOCK_NEVER;
}

static void tick(void *arg, u64 now)
{
    struct pcspk *p = arg;

    now = clock_now(p->dev.env.clock);
    if (now - MIN(now, p->seen) > NS_PER_SEC)
        start(p, now); /* nobody hears what is so late */
    advance(p, now);
    p->sounding = !quiet(p);
    if (p->sounding)
        timer_set(&p->timer, now + TICK_NS);
}

static void changing(void *arg, u64 now)
{
    struct pcspk *p = arg;

    if (p->sounding)
        advance(p, now);
    else
        start(p, now);
}

void pcspk_wire(struct dev *dev, struct i8254 *pit, struct audio_out *out)
{
    struct pcspk *p = (struct pcspk *)dev;

    p->pit = pit;
    p->voice = audio_voice(out, dev->id);
    pit->speaker_changing = changing;
    pit->speaker_arg = p;
}

static bool pcspk_init(struct dev *dev, struct err *err)
{
    struct pcspk *p = (struct pcspk *)dev;

    timer_init(&p->timer, dev->env.clock, tick, p, "pcspk");
    make_kernel(p);
    return true;
}

static bool pcspk_loaded(struct dev *dev, struct err *err)
{
    struct pcspk *p = (struct pcspk *)dev;

    p->r.level &= 1;
    start(p, clock_now(dev->env.clock));
    return true;
}

const struct dev_class pcspk_class = {
    .name = "pcspk",
    .help = "PC speaker",
    .size = sizeof(struct pcspk),
    .saved_at = offsetof(struct pcspk, r),
    .saved_size = sizeof(struct pcspk_regs),
    .version = 1,
    .fields = pcspk_fields,
    .init = pcspk_init,
    .loaded = pcspk_loaded,
};
