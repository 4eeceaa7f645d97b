/* Judges a WAV file: wavtone FILE SOUNDS HZ TOLERANCE GAP-MS. The file must hold so many sounds with
 * pauses between them, each of a second at least, of that frequency, without a longer gap. Says what
 * it found, one line each. */
#include "devices/core/bits.h"
#include "tests/dev/tone.h"

#include <stdio.h>

enum { HEAD = 44, WINDOW_MS = 10, PAUSE_MS = 100 };

static bool loud(const s16 *p, size_t n)
{
    int peak = 0;

    for (size_t i = 0; i < n; i++)
        peak = MAX(peak, abs(p[2 * i]));
    return peak > 300;
}

/* The end of the sound that begins at `from`: behind it is a pause. */
static size_t end_of(const s16 *p, size_t n, u32 rate, size_t from)
{
    size_t w = rate * WINDOW_MS / 1000, end = from;

    for (size_t at = from; at + w <= n && at < end + rate * PAUSE_MS / 1000; at += w) {
        if (loud(p + 2 * at, w))
            end = at + w;
    }
    return end;
}

static bool judge(const s16 *p, size_t n, u32 rate, double hz, double tolerance, double gap)
{
    size_t edge = rate / 50, middle;
    double found, worst;

    if (n < rate) {
        printf("%.2f s: too short\n", (double)n / rate);
        return false;
    }
    /* without the rise and the fall, which are part of it */
    p += 2 * edge;
    n -= 2 * edge;
    middle = MIN(n, (size_t)rate);
    found = tone_peak(p, middle, rate, 50, 2000, 1);
    found = tone_peak(p, middle, rate, found - 2, found + 2, 0.05);
    worst = tone_gap(p, n, rate);
    printf("%.2f s: %.2f Hz, longest gap %.2f ms\n", (double)n / rate, found, worst);
    return fabs(found - hz) <= tolerance && worst <= gap;
}

int main(int argc, char **argv)
{
    FILE *f = argc == 6 ? fopen(argv[1], "rb") : NULL;
    u8 head[HEAD];
    s16 *p;
    size_t n = 0, room;
    u32 rate;
    int sounds = 0;
    bool ok = true;

    if (!f || fread(head, 1, HEAD, f) != HEAD) {
        fprintf(stderr, "usage: wavtone FILE SOUNDS HZ TOLERANCE GAP-MS\n");
        return 2;
    }
    rate = ld32(head + 24);
    room = ld32(head + 40) / 4;
    p = calloc(room + 1, 4);
    for (u8 b[4]; n < room && fread(b, 1, 4, f) == 4; n++)
        p[2 * n] = (s16)ld16(b), p[2 * n + 1] = (s16)ld16(b + 2);
    fclose(f);
    for (size_t at = 0, w = rate / 100, end; rate >= 100 && at + w <= n;) {
        if (!loud(p + 2 * at, w)) {
            at += w;
            continue;
        }
        end = end_of(p, n, rate, at);
        ok &= judge(p + 2 * at, end - at, rate, atof(argv[3]), atof(argv[4]), atof(argv[5]));
        sounds++;
        at = end;
    }
    free(p);
    printf("%d sounds\n", sounds);
    return !(ok && sounds == atoi(argv[2]));
}
