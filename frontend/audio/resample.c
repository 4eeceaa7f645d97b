/* Resampling by a Blackman-windowed sinc, whose cut-off follows the lower of the two rates
 * (J. O. Smith, "Digital Audio Resampling"). */
#include "frontend/audio/resample.h"

#include <math.h>
#include <string.h>

enum { CUTS = 64 };

static void make_kernel(struct resample *r, unsigned cut)
{
    const double pi = 3.14159265358979323846, c = (double)cut / CUTS;

    if (r->cut == cut)
        return;
    r->cut = cut;
    for (int f = 0; f <= RS_PHASES; f++) {
        double sum = 0;

        for (int k = 0; k < RS_TAPS; k++) {
            double x = k - (RS_TAPS / 2 - 1) - (double)f / RS_PHASES;
            double w =
                0.42 + 0.5 * cos(2 * pi * x / RS_TAPS) + 0.08 * cos(4 * pi * x / RS_TAPS);
            double h = (fabs(x) < 1e-9 ? c : sin(pi * c * x) / (pi * x)) * w;

            r->kernel[f][k] = (float)h;
            sum += h;
        }
        for (int k = 0; k < RS_TAPS; k++)
            r->kernel[f][k] = (float)(r->kernel[f][k] / sum);
    }
}

void resample_start(struct resample *r, u32 in_rate, u32 out_rate, double offset)
{
    double c = in_rate > out_rate ? (double)out_rate / in_rate : 1;

    make_kernel(r, (unsigned)(c * 0.92 * CUTS) + 1);
    memset(r->in, 0, sizeof(r->in));
    r->have = RS_TAPS / 2;
    r->pos = RS_TAPS / 2 + offset;
}

/* Forget what no output needs any more. */
static void trim(struct resample *r)
{
    size_t first = r->pos > RS_TAPS / 2 ? (size_t)r->pos - RS_TAPS / 2 : 0;

    first = MIN(first, r->have);
    memmove(r->in, r->in + 2 * first, (r->have - first) * 2 * sizeof(r->in[0]));
    r->have -= first;
    r->pos -= (double)first;
}

void resample_put(struct resample *r, const s16 *stereo, size_t frames)
{
    trim(r);
    frames = MIN(frames, (size_t)RS_ROOM - r->have);
    for (size_t i = 0; i < 2 * frames; i++)
        r->in[2 * r->have + i] = stereo[i];
    r->have += frames;
}

bool resample_get(struct resample *r, double step, s32 out[2])
{
    size_t at = (size_t)r->pos;
    double fine = (r->pos - (double)at) * RS_PHASES;
    size_t phase = (size_t)fine;
    float t = (float)(fine - (double)phase), left = 0, right = 0;
    const float *in, *a = r->kernel[phase], *b = r->kernel[phase + 1];

    if (at + RS_TAPS / 2 + 1 > r->have)
        return false;
    in = r->in + 2 * (at - (RS_TAPS / 2 - 1));
    for (int k = 0; k < RS_TAPS; k++) {
        float h = a[k] + (b[k] - a[k]) * t;

        left += h * in[2 * k];
        right += h * in[2 * k + 1];
    }
    out[0] = (s32)lrintf(left);
    out[1] = (s32)lrintf(right);
    r->pos += step;
    return true;
}

double resample_left(const struct resample *r)
{
    return (double)r->have - r->pos;
}
