/* Pictures written are pictures read back: a small independent PNG reader, PPM bytes, and the text
 * screen. */
#include "frontend/png.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static u32 be(const u8 *p)
{
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

/* Undo the filters of one row. */
static void unfilter(u8 type, u8 *row, const u8 *up, size_t n)
{
    ck_assert_uint_le(type, 2);
    for (size_t i = 0; i < n; i++) {
        u8 left = i >= 3 ? row[i - 3] : 0;
        row[i] = (u8)(row[i] + (type == 1 ? left : type == 2 ? up[i] : 0));
    }
}

/* The colour of place x in a row of palette places. */
static u32 palette_pixel(const u8 *row, const u8 *rgb, size_t colors, unsigned bits, u32 x)
{
    u32 at = row[x * bits / 8] >> (8 - bits - x * bits % 8) & ((1u << bits) - 1);

    ck_assert_uint_lt(at, colors);
    return (u32)rgb[3 * at] << 16 | (u32)rgb[3 * at + 1] << 8 | rgb[3 * at + 2];
}

/* Decode a PNG, compare with `s`; it must have so many bits a pixel. */
static void check_png(const u8 *data, size_t len, const struct surface *s, unsigned depth)
{
    bool rgb = depth == 24, ended = false;
    unsigned bits = rgb ? 8 : depth;
    size_t at = 8, packed_len = 0, row = ((size_t)s->w * depth + 7) / 8, colors = 0;
    u8 *packed = malloc(len), *raw = malloc((row + 1) * s->h), *zero = calloc(1, row);
    u8 palette[768];
    uLongf n = (uLongf)((row + 1) * s->h);

    ck_assert_int_eq(memcmp(data, "\x89PNG\r\n\x1a\n", 8), 0);
    while (at + 12 <= len) {
        u32 size = be(data + at);
        const u8 *body = data + at + 8;

        ck_assert_uint_le(at + 12 + size, len);
        ck_assert_uint_eq(crc32(0, data + at + 4, size + 4), be(body + size));
        if (!memcmp(data + at + 4, "IHDR", 4)) {
            ck_assert_uint_eq(be(body), s->w);
            ck_assert_uint_eq(be(body + 4), s->h);
            ck_assert_uint_eq(body[8], bits);
            ck_assert_uint_eq(body[9], rgb ? 2 : 3);
            ck_assert_int_eq(memcmp(body + 10, "\0\0\0", 3), 0);
        } else if (!memcmp(data + at + 4, "PLTE", 4)) {
            ck_assert(!rgb && !packed_len && size && size % 3 == 0 && size <= 3u << bits);
            memcpy(palette, body, size);
            colors = size / 3;
        } else if (!memcmp(data + at + 4, "IDAT", 4)) {
            memcpy(packed + packed_len, body, size);
            packed_len += size;
        } else if (!memcmp(data + at + 4, "IEND", 4)) {
            ended = true;
        }
        at += 12 + size;
    }
    ck_assert(ended);
    ck_assert_uint_eq(at, len);
    ck_assert_int_eq(uncompress(raw, &n, packed, (uLong)packed_len), Z_OK);
    ck_assert_uint_eq(n, (row + 1) * s->h);
    for (u32 y = 0; y < s->h; y++) {
        u8 *r = raw + (row + 1) * y;

        ck_assert(rgb || !r[0]);
        unfilter(r[0], r + 1, y ? r - row : zero, row);
        for (u32 x = 0; x < s->w; x++) {
            u32 got = rgb ? (u32)r[1 + 3 * x] << 16 | (u32)r[2 + 3 * x] << 8 | r[3 + 3 * x]
                          : palette_pixel(r + 1, palette, colors, bits, x);

            ck_assert_uint_eq(got, s->pixels[y * s->stride + x] & 0xffffff);
        }
    }
    free(packed);
    free(raw);
    free(zero);
}

static struct surface picture(u32 w, u32 h, u32 stride)
{
    struct surface s = {.w = w, .h = h, .stride = stride};

    s.pixels = malloc(sizeof(u32) * stride * h);
    for (u32 i = 0; i < stride * h; i++)
        s.pixels[i] = (i * 2654435761u) >> (i % 3 * 4);
    return s;
}

static void round_trip(const struct surface *s, unsigned depth)
{
    char *data = NULL;
    size_t n;
    FILE *f = open_memstream(&data, &n);

    ck_assert(png_write(f, s));
    fclose(f);
    check_png((u8 *)data, n, s, depth);
    free(data);
}

START_TEST(png_round_trip)
{
    static const u32 sizes[][4] = {
        {1, 1, 1, 1}, {3, 2, 3, 4}, {17, 33, 20, 24}, {720, 400, 720, 24}};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct surface s = picture(sizes[i][0], sizes[i][1], sizes[i][2]);

        round_trip(&s, sizes[i][3]);
        free(s.pixels);
    }
}
END_TEST

/* The depth follows the number of colours, on both sides of each step; the unused byte of a pixel
 * is no colour. */
START_TEST(png_palettes)
{
    static const u32 steps[][2] = {{1, 1},  {2, 1},  {3, 2},   {4, 2},   {5, 4},
                                   {16, 4}, {17, 8}, {256, 8}, {257, 24}};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct surface s = picture(37, 19, 40);

        for (u32 k = 0; k < 40 * 19; k++)
            s.pixels[k] = (k % steps[i][0]) * 0x10305 ^ k << 24;
        round_trip(&s, steps[i][1]);
        free(s.pixels);
    }
}
END_TEST

START_TEST(ppm_bytes)
{
    u32 px[4] = {0x123456, 0xff0000, 0x00ff00, 0xdeadbeef};
    struct surface s = {.pixels = px, .w = 1, .h = 2, .stride = 2};
    char *data = NULL;
    size_t n;
    FILE *f = open_memstream(&data, &n);

    ck_assert(ppm_write(f, &s));
    fclose(f);
    ck_assert_uint_eq(n, 11 + 6);
    ck_assert_int_eq(memcmp(data, "P6\n1 2\n255\n\x12\x34\x56\x00\xff\x00", n), 0);
    free(data);
}
END_TEST

static const struct surface *fake_update(void *dev, bool full)
{
    return dev;
}

static bool fake_text(void *dev, struct text_screen *t)
{
    memset(t, 0, sizeof(*t));
    t->cols = 10;
    t->rows = 3;
    memcpy(t->cells, (u16[]){0x0748, 0x0769, 0x0720, 0x07db, 0x0720, 0x0700}, 12);
    t->cells[20] = 0x07c4;
    t->cells[21] = 0x0701;
    return true;
}

START_TEST(files_and_errors)
{
    struct surface s = picture(8, 8, 8);
    struct display d = {&s, fake_update, NULL}, none = {NULL, NULL, NULL};
    char dir[] = "/tmp/dragoman-png-XXXXXX", path[64];
    struct err err;
    u8 head[8];
    FILE *f;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/a.png", dir);
    ck_assert(screendump(&d, path, &err));
    f = fopen(path, "rb");
    ck_assert_uint_eq(fread(head, 1, 8, f), 8);
    fclose(f);
    ck_assert_int_eq(memcmp(head + 1, "PNG", 3), 0);
    unlink(path);
    snprintf(path, sizeof(path), "%s/a.ppm", dir);
    ck_assert(screendump(&d, path, &err));
    f = fopen(path, "rb");
    ck_assert_uint_eq(fread(head, 1, 2, f), 2);
    fclose(f);
    ck_assert_int_eq(memcmp(head, "P6", 2), 0);
    unlink(path);
    ck_assert(!screendump(&d, "/nonexistent/a.png", &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "/nonexistent/a.png"));
    ck_assert(!screendump(&none, path, &err));
    if (access("/dev/full", W_OK) == 0) { /* a full disk is an error, not half a picture */
        FILE *full = fopen("/dev/full", "wb");
        bool ok = png_write(full, &s);

        ck_assert(fclose(full) || !ok);
    }
    rmdir(dir);
    free(s.pixels);
}
END_TEST

START_TEST(text)
{
    struct display d = {NULL, fake_update, fake_text}, none = {NULL, NULL, NULL};
    char *data = NULL;
    size_t n;
    FILE *f = open_memstream(&data, &n);

    ck_assert(textdump(&d, f));
    ck_assert(!textdump(&none, f));
    fclose(f);
    ck_assert_str_eq(data, "Hi \xe2\x96\x88\n\n\xe2\x94\x80\xe2\x98\xba\n");
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("png");
    TCase *tc = tcase_create("png");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, png_round_trip);
    tcase_add_test(tc, png_palettes);
    tcase_add_test(tc, ppm_bytes);
    tcase_add_test(tc, files_and_errors);
    tcase_add_test(tc, text);
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
