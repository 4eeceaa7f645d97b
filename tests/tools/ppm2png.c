/* Makes a small PNG of a screen's PPM: ppm2png IN.ppm OUT.png COLORS [N]. Each side is divided by
 * N, and pictures with more colours are reduced by median cut (Heckbert 1982): the set of colours is
 * halved again and again across its longest side, and each part becomes its mean. */
#include "frontend/png.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_COLORS = 256, MAX_SIDE = 4096, MAX_DIVIDE = 8 };

/* A colour of the picture and how many points have it. */
struct shade {
    u32 color, count, mean;
};

struct box {
    struct shade *first;
    size_t n;
};

static unsigned channel(u32 color, unsigned c)
{
    return color >> (8 * c) & 0xff;
}

static int by_color(const void *a, const void *b)
{
    u32 x = *(const u32 *)a, y = *(const u32 *)b;

    return x < y ? -1 : x > y;
}

#define BY_CHANNEL(name, c)                                                                        \
    static int name(const void *a, const void *b)                                                  \
    {                                                                                              \
        const struct shade *x = a, *y = b;                                                         \
        int d = (int)channel(x->color, c) - (int)channel(y->color, c);                             \
                                                                                                   \
        return d ? d : by_color(&x->color, &y->color);                                             \
    }
BY_CHANNEL(by_blue, 0)
BY_CHANNEL(by_green, 1)
BY_CHANNEL(by_red, 2)

static u64 population(const struct box *b)
{
    u64 sum = 0;

    for (size_t i = 0; i < b->n; i++)
        sum += b->first[i].count;
    return sum;
}

/* The longest side of a box, and its length. */
static unsigned side(const struct box *b, unsigned *length)
{
    unsigned best = 0;

    *length = 0;
    for (unsigned c = 0; c < 3; c++) {
        unsigned low = 255, high = 0;

        for (size_t i = 0; i < b->n; i++) {
            low = MIN(low, channel(b->first[i].color, c));
            high = MAX(high, channel(b->first[i].color, c));
        }
        if (high - low > *length && high > low) {
            *length = high - low;
            best = c;
        }
    }
    return best;
}

/* Split a box of several colours where half of its points are on either side. */
static struct box split(struct box *b)
{
    static int (*const order[3])(const void *, const void *) = {by_blue, by_green, by_red};
    unsigned length;
    u64 half = population(b) / 2, sum = 0;
    size_t k = 0;
    struct box rest;

    qsort(b->first, b->n, sizeof(struct shade), order[side(b, &length)]);
    while (k + 2 < b->n && sum + b->first[k].count <= half)
        sum += b->first[k++].count;
    k += !k;
    rest = (struct box){b->first + k, b->n - k};
    b->n = k;
    return rest;
}

static void set_mean(const struct box *b)
{
    u64 sum[3] = {0}, n = population(b);
    u32 mean = 0;

    for (size_t i = 0; i < b->n; i++) {
        for (unsigned c = 0; c < 3; c++)
            sum[c] += (u64)channel(b->first[i].color, c) * b->first[i].count;
    }
    for (unsigned c = 0; c < 3; c++)
        mean |= (u32)((sum[c] + n / 2) / n) << (8 * c);
    for (size_t i = 0; i < b->n; i++)
        b->first[i].mean = mean;
}

/* The box that is worth splitting most, or NULL when all hold one colour. */
static struct box *widest(struct box *boxes, unsigned n)
{
    struct box *best = NULL;
    u64 most = 0;

    for (unsigned i = 0; i < n; i++) {
        unsigned length;
        u64 worth;

        if (boxes[i].n < 2)
            continue;
        side(&boxes[i], &length);
        worth = population(&boxes[i]) * length;
        if (worth > most) {
            most = worth;
            best = &boxes[i];
        }
    }
    return best;
}

static void reduce(struct shade *shades, size_t n, unsigned colors)
{
    struct box boxes[MAX_COLORS] = {{shades, n}}, *b;
    unsigned used = 1;

    while (used < colors && (b = widest(boxes, used)))
        boxes[used++] = split(b);
    for (unsigned i = 0; i < used; i++)
        set_mean(&boxes[i]);
    qsort(shades, n, sizeof(shades[0]), by_color);
}

/* Give the picture at most so many colours; false without memory. */
static bool quantize(struct surface *s, unsigned colors)
{
    size_t points = (size_t)s->w * s->h, n = 0;
    u32 *sorted = malloc(points * sizeof(u32));
    struct shade *shades = calloc(points, sizeof(*shades));

    if (!sorted || !shades) {
        free(sorted);
        free(shades);
        return false;
    }
    memcpy(sorted, s->pixels, points * sizeof(u32));
    qsort(sorted, points, sizeof(u32), by_color);
    for (size_t i = 0; i < points; i++) {
        if (!n || shades[n - 1].color != sorted[i])
            shades[n++].color = sorted[i];
        shades[n - 1].count++;
    }
    if (n > colors) {
        reduce(shades, n, colors);
        for (size_t i = 0; i < points; i++) {
            const struct shade *at = bsearch(&s->pixels[i], shades, n, sizeof(*shades), by_color);

            s->pixels[i] = at->mean;
        }
    }
    free(sorted);
    free(shades);
    return true;
}

/* Each square of n by n points becomes one, their mean; what is left over at the edges goes. */
static void divide(struct surface *s, unsigned n)
{
    u32 w = s->w / n, h = s->h / n;

    for (u32 y = 0; y < h; y++) {
        for (u32 x = 0; x < w; x++) {
            u32 sum[3] = {0}, mean = 0;

            for (u32 i = 0; i < n * n; i++) {
                u32 color = s->pixels[(size_t)(y * n + i / n) * s->stride + x * n + i % n];

                for (unsigned c = 0; c < 3; c++)
                    sum[c] += channel(color, c);
            }
            for (unsigned c = 0; c < 3; c++)
                mean |= (sum[c] + n * n / 2) / (n * n) << (8 * c);
            /* never behind a point that is still to be read */
            s->pixels[(size_t)y * w + x] = mean;
        }
    }
    s->w = s->stride = w;
    s->h = h;
}

static bool read_ppm(FILE *f, struct surface *s)
{
    u8 rgb[3];

    if (fscanf(f, "P6 %u %u 255", &s->w, &s->h) != 2 || fgetc(f) == EOF || !s->w || !s->h ||
        s->w > MAX_SIDE || s->h > MAX_SIDE)
        return false;
    s->stride = s->w;
    s->pixels = malloc((size_t)s->w * s->h * sizeof(u32));
    for (size_t i = 0; s->pixels && i < (size_t)s->w * s->h; i++) {
        if (fread(rgb, 1, 3, f) != 3)
            return false;
        s->pixels[i] = (u32)rgb[0] << 16 | (u32)rgb[1] << 8 | rgb[2];
    }
    return s->pixels != NULL;
}

int main(int argc, char **argv)
{
    struct surface s = {0};
    unsigned colors = argc == 4 || argc == 5 ? (unsigned)atoi(argv[3]) : 0;
    unsigned n = argc == 5 ? (unsigned)atoi(argv[4]) : 1;
    FILE *in, *out;
    bool ok;

    if (colors < 2 || colors > MAX_COLORS || n < 1 || n > MAX_DIVIDE) {
        fprintf(stderr, "usage: ppm2png IN.ppm OUT.png COLORS [N] (2 to %d, 1 to %d)\n", MAX_COLORS,
                MAX_DIVIDE);
        return 2;
    }
    in = fopen(argv[1], "rb");
    ok = in && read_ppm(in, &s) && s.w >= n && s.h >= n;
    if (ok)
        divide(&s, n);
    ok = ok && quantize(&s, colors);
    if (in)
        fclose(in);
    if (!ok) {
        fprintf(stderr, "ppm2png: '%s' is no picture of a screen\n", argv[1]);
        free(s.pixels);
        return 1;
    }
    out = fopen(argv[2], "wb");
    ok = out && png_write(out, &s);
    if (out && fclose(out))
        ok = false;
    free(s.pixels);
    if (!ok)
        fprintf(stderr, "ppm2png: cannot write '%s'\n", argv[2]);
    return !ok;
}
