/* Stretching: the ratio is the average inflow, nudged so that the store stays at its target; only
 * when the store runs low is it lowered at once, and when it is empty the sound fades. */
#include "frontend/audio/stretch.h"

#include <math.h>
#include <string.h>

#define TARGET_S 0.06
enum { STEP = 32 /* frames for which the ratio stays */ };

void stretch_init(struct stretch *s, u32 rate)
{
    memset(s, 0, sizeof(*s));
    s->rate = rate;
    s->flow = 1;
}

void stretch_put(struct stretch *s, const s16 *stereo, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        s->ring[2 * (s->in % STRETCH_ROOM)] = stereo[2 * i];
        s->ring[2 * (s->in % STRETCH_ROOM) + 1] = stereo[2 * i + 1];
        s->in++;
    }
    if ((double)s->in - s->pos > STRETCH_ROOM - 8)
        s->pos = (double)s->in - TARGET_S * s->rate;
}

/* Between frames 1 and 2 of four: Catmull and Rom's cubic. */
static float between(const float y[4], float t)
{
    float a = 0.5f * (3 * (y[1] - y[2]) - y[0] + y[3]);
    float b = y[0] - 2.5f * y[1] + 2 * y[2] - 0.5f * y[3];

    return ((a * t + b) * t + 0.5f * (y[2] - y[0])) * t + y[1];
}

static double ratio(struct stretch *s)
{
    double target = TARGET_S * s->rate, fill = (double)s->in - s->pos, e, r;

    s->fill += (fill - s->fill) * STEP / (0.2 * s->rate);
    e = (s->fill - target) / target;
    r = s->flow * (1 + 0.1 * (e > 1 ? 1 : e < -1 ? -1 : e));
    if (fill < target / 2) /* never quite to the end of what there is */
        r *= fmax(0.02, (fill - 8) / (target / 2));
    if (fill > 4 * target)
        r *= 1.25;
    return r;
}

/* n output frames have passed since the last look. */
static void watch_flow(struct stretch *s, size_t n)
{
    double came = (double)(s->in - s->put_before) / (double)n;
    /* quickly when it is needed, slowly when all is well, or the pitch would tremble */
    double fill = (double)s->in - s->pos, span = fill < TARGET_S * s->rate / 2 ? 0.25 : 2;
    double weight = (double)n / (span * s->rate);

    s->idle = s->in == s->put_before ? s->idle + n : 0;
    s->put_before = s->in;
    if (s->idle > s->rate / 5) /* stopped: the rest would be one long groan */
        s->playing = false;
    s->flow += (came - s->flow) * (weight > 1 ? 1 : weight);
    s->flow = fmin(1.5, fmax(0.02, s->flow));
}

static void frame(struct stretch *s, s16 *out)
{
    u64 at = (u64)s->pos;
    float t = (float)(s->pos - (double)at), y[4];

    for (unsigned c = 0; c < 2; c++) {
        for (unsigned k = 0; k < 4; k++)
            y[k] = s->ring[2 * ((at + k) % STRETCH_ROOM) + c];
        s->last[c] = between(y, t) * s->fade;
        out[c] = (s16)fmaxf(-32768, fminf(32767, s->last[c]));
    }
    s->fade = fminf(1, s->fade + 200.0f / (float)s->rate);
}

bool stretch_get(struct stretch *s, s16 *out, size_t n)
{
    bool any = false;
    double r = 1;

    watch_flow(s, n);
    for (size_t i = 0; i < n; i++) {
        double fill = (double)s->in - s->pos;

        if (!s->playing && !s->idle && fill >= TARGET_S * s->rate) {
            s->playing = true;
            s->fade = 0;
            s->flow = 1;
            s->fill = fill;
        }
        if (s->playing && fill < 5)
            s->playing = false;
        if (i % STEP == 0)
            r = ratio(s);
        if (s->playing) {
            frame(s, out + 2 * i);
            s->pos += r;
            any = true;
            continue;
        }
        for (unsigned c = 0; c < 2; c++) {
            s->last[c] *= 0.99f;
            out[2 * i + c] = (s16)s->last[c];
            any |= out[2 * i + c] != 0;
        }
    }
    return any;
}
