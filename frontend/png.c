/* A PNG writer on top of zlib (ISO/IEC 15948: signature, IHDR, PLTE, IDAT, IEND; a palette where
 * 256 colours are enough, else RGB), and PPM. */
#include "frontend/png.h"

#include "devices/core/bits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static bool chunk(FILE *f, const char *type, const u8 *data, size_t n)
{
    u8 head[8], tail[4];
    uLong crc;

    be32_put(head, (u32)n);
    memcpy(head + 4, type, 4);
    crc = crc32(0, head + 4, 4);
    if (n)
        crc = crc32(crc, data, (uInt)n);
    be32_put(tail, (u32)crc);
    return fwrite(head, 1, 8, f) == 8 && (!n || fwrite(data, 1, n, f) == n) &&
           fwrite(tail, 1, 4, f) == 4;
}

static void rgb_row(u8 *out, const struct surface *s, u32 y)
{
    const u32 *p = s->pixels + (size_t)y * s->stride;

    for (u32 x = 0; x < s->w; x++) {
        *out++ = (u8)(p[x] >> 16);
        *out++ = (u8)(p[x] >> 8);
        *out++ = (u8)p[x];
    }
}

/* All rows with their filter bytes. Filter 2 ("up") stores differences to the row above, which
 * screens repeat a lot. */
static u8 *rgb_rows(const struct surface *s, size_t *len)
{
    size_t row = (size_t)s->w * 3;
    u8 *out = malloc((row + 1) * s->h + 2 * row), *now, *above;

    if (!out)
        return NULL;
    now = out + (row + 1) * s->h;
    above = now + row;
    memset(above, 0, row);
    for (u32 y = 0; y < s->h; y++) {
        u8 *to = out + (row + 1) * y;

        rgb_row(now, s, y);
        *to++ = 2;
        for (size_t i = 0; i < row; i++)
            to[i] = (u8)(now[i] - above[i]);
        memcpy(above, now, row);
    }
    *len = (row + 1) * s->h;
    return out;
}

/* ---- pictures of few colours ---- */

enum { COLORS = 256, SLOTS = 1024 };

/* The colours of a picture in the order they appear, found by hashing. */
struct palette {
    u32 color[COLORS];
    u16 slot[SLOTS]; /* place in color[] plus one; 0: free */
    unsigned n;
};

/* The place of a colour, which is added when it is new; COLORS when there is no room. */
static unsigned place(struct palette *p, u32 color)
{
    u32 h = (color * 2654435761u) >> 22;

    while (p->slot[h] && p->color[p->slot[h] - 1] != color)
        h = (h + 1) % SLOTS;
    if (p->slot[h])
        return p->slot[h] - 1u;
    if (p->n == COLORS)
        return COLORS;
    p->color[p->n++] = color;
    p->slot[h] = (u16)p->n;
    return p->n - 1;
}

static bool few_colors(struct palette *p, const struct surface *s)
{
    memset(p, 0, sizeof(*p));
    for (u32 y = 0; y < s->h; y++) {
        for (u32 x = 0; x < s->w; x++) {
            if (place(p, s->pixels[(size_t)y * s->stride + x] & 0xffffff) == COLORS)
                return false;
        }
    }
    return true;
}

/* All rows as places in the palette, `bits` each, the leftmost in the highest bits; unfiltered,
 * since differences of places mean nothing. */
static u8 *place_rows(const struct surface *s, struct palette *p, unsigned bits, size_t *len)
{
    size_t row = ((size_t)s->w * bits + 7) / 8;
    u8 *out = calloc(row + 1, s->h);

    if (!out)
        return NULL;
    for (u32 y = 0; y < s->h; y++) {
        u8 *to = out + (row + 1) * y + 1;

        for (size_t x = 0; x < s->w; x++) {
            unsigned at = place(p, s->pixels[(size_t)y * s->stride + x] & 0xffffff);

            to[x * bits / 8] |= (u8)(at << (8 - bits - x * bits % 8));
        }
    }
    *len = (row + 1) * s->h;
    return out;
}

static bool palette_chunk(FILE *f, const struct palette *p)
{
    u8 rgb[COLORS * 3];

    for (unsigned i = 0; i < p->n; i++) {
        rgb[3 * i] = (u8)(p->color[i] >> 16);
        rgb[3 * i + 1] = (u8)(p->color[i] >> 8);
        rgb[3 * i + 2] = (u8)p->color[i];
    }
    return chunk(f, "PLTE", rgb, 3 * p->n);
}

bool png_write(FILE *f, const struct surface *s)
{
    static const u8 signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    struct palette p;
    bool few = few_colors(&p, s), ok = false;
    unsigned bits = !few || p.n > 16 ? 8 : p.n > 4 ? 4 : p.n > 2 ? 2 : 1;
    u8 head[13] = {0};
    size_t len = 0;
    u8 *raw = few ? place_rows(s, &p, bits, &len) : rgb_rows(s, &len), *packed = NULL;
    uLongf n = compressBound((uLong)len);

    if (raw)
        packed = malloc(n);
    if (packed && compress2(packed, &n, raw, (uLong)len, few ? 9 : 6) == Z_OK) {
        be32_put(head, s->w);
        be32_put(head + 4, s->h);
        head[8] = (u8)bits;     /* per sample */
        head[9] = few ? 3 : 2; /* places in a palette, or RGB */
        ok = fwrite(signature, 1, 8, f) == 8 && chunk(f, "IHDR", head, 13) &&
             (!few || palette_chunk(f, &p)) && chunk(f, "IDAT", packed, n) &&
             chunk(f, "IEND", NULL, 0);
    }
    free(raw);
    free(packed);
    return ok;
}

bool ppm_write(FILE *f, const struct surface *s)
{
    size_t row = (size_t)s->w * 3;
    u8 *buf = malloc(row + 1);
    bool ok = buf && fprintf(f, "P6\n%u %u\n255\n", s->w, s->h) > 0;

    for (u32 y = 0; ok && y < s->h; y++) {
        rgb_row(buf, s, y);
        ok = fwrite(buf, 1, row, f) == row;
    }
    free(buf);
    return ok;
}

static bool ends_in(const char *s, const char *tail)
{
    size_t n = strlen(s), k = strlen(tail);
    return n >= k && !strcmp(s + n - k, tail);
}

bool screendump_as(const struct display *display, const char *path, bool png, struct err *err)
{
    const struct surface *s;
    FILE *f;
    bool ok;

    if (!display->update)
        return err_set(err, "The machine has no display adapter.");
    s = display->update(display->dev, false);
    if (!s->pixels)
        return err_set(err, "There is no picture yet.");
    f = fopen(path, "wb");
    if (!f)
        return err_set(err, "Cannot write '%.300s': %s.", path, strerror(errno));
    ok = png ? png_write(f, s) : ppm_write(f, s);
    if (fclose(f) || !ok) {
        remove(path);
        return err_set(err, "Cannot write '%.300s': the disk may be full.", path);
    }
    return true;
}

bool screendump(const struct display *display, const char *path, struct err *err)
{
    return screendump_as(display, path, ends_in(path, ".png") || ends_in(path, ".PNG"), err);
}
