/* The Cirrus adapter's blitter, where there is one: copies with all raster operations in both
 * directions, patterns, colour expansion, transparency and data from the processor, in 8, 16, 24
 * and 32 bits a point (GD5446 Technical Reference Manual, 9). */
#include "roms/modetest/modetest.h"

enum { BACKWARDS = 1, FROM_SYSTEM = 4, TRANSPARENT = 8, PATTERN = 0x40, EXPAND = 0x80 };
enum { INVERT = 2, SOLID = 4 };

static const u8 rops[16] = {0x0d, 0x00, 0x05, 0x06, 0x09, 0x0b, 0x0e, 0x50,
                            0x59, 0x6d, 0x90, 0x95, 0xad, 0xd0, 0xd6, 0xda};

struct op {
    u32 dst, src, w, h, dpitch, spitch;
    u8 mode, rop, ext, skip;
    u32 fg, bg, key;
};

static u32 pitch, bytes, lfb;

static bool present(void)
{
    outw(0x3c4, 0x1206);
    outb(0x3c4, 6);
    return inb(0x3c5) == 0x12;
}

static void color(u32 i, u32 c)
{
    gc(i, c & 0xff);
    gc(0x10 + i, c >> 8 & 0xff);
    gc(0x12 + i, c >> 16 & 0xff);
    gc(0x14 + i, c >> 24 & 0xff);
}

/* Start a blit; `data` bytes go through the window for those that want them. */
static void blit(const struct op *o, const u8 *data, u32 n)
{
    gc(0x31, 4);
    gc(0x31, 0);
    color(0, o->bg);
    color(1, o->fg);
    gc(0x20, (o->w - 1) & 0xff);
    gc(0x21, (o->w - 1) >> 8);
    gc(0x22, (o->h - 1) & 0xff);
    gc(0x23, (o->h - 1) >> 8);
    gc(0x24, o->dpitch & 0xff);
    gc(0x25, o->dpitch >> 8);
    gc(0x26, o->spitch & 0xff);
    gc(0x27, o->spitch >> 8);
    gc(0x28, o->dst & 0xff);
    gc(0x29, o->dst >> 8 & 0xff);
    gc(0x2a, o->dst >> 16);
    gc(0x2c, o->src & 0xff);
    gc(0x2d, o->src >> 8 & 0xff);
    gc(0x2e, o->src >> 16);
    gc(0x2f, o->skip);
    gc(0x30, o->mode | (bytes - 1) << 4);
    gc(0x32, o->rop);
    gc(0x33, o->ext);
    gc(0x34, o->key & 0xff);
    gc(0x35, o->key >> 8 & 0xff);
    gc(0x31, 2);
    for (u32 i = 0; i + 4 <= n; i += 4)
        poke32(0, 0xa0000, data[i] | (u32)data[i + 1] << 8 | (u32)data[i + 2] << 16 |
                               (u32)data[i + 3] << 24);
}

static u32 at(u32 x, u32 y)
{
    return y * pitch + x * bytes;
}

/* Something of every value in a stretch of memory below the picture. */
static u32 make_source(void)
{
    u32 base = (at(0, 480) + 256) & ~255u;

    for (u32 i = 0; i < 24 * 1024; i++)
        put8(lfb + base + i, (i * 7 + (i >> 6) * 13) & 0xff);
    return base;
}

static void background(void)
{
    for (u32 y = 0; y < 480; y++) {
        for (u32 x = 0; x < pitch; x += 4)
            poke32(0, lfb + y * pitch + x, (x / 16 + y / 8) * 0x01030507u);
    }
}

static void all_rops(u32 src)
{
    for (u32 i = 0; i < 16; i++) {
        u32 x = 8 + i % 8 * 76, y = 4 + i / 8 * 40;
        struct op o = {at(x, y), src + i * 16, 60 * bytes, 32, pitch, 512, 0, rops[i], 0, 0, 0, 0, 0};

        blit(&o, 0, 0);
        /* backwards, both ending at the last byte */
        o.dst = at(x, y + 80) + 31 * pitch + 60 * bytes - 1;
        o.src = src + i * 16 + 31 * 512 + 60 * bytes - 1;
        o.mode = BACKWARDS;
        blit(&o, 0, 0);
    }
    /* overlapping, as when a screen scrolls */
    {
        struct op up = {at(8, 170), at(8, 174), 200 * bytes, 40, pitch, pitch, 0, 0x0d, 0, 0, 0, 0, 0};
        struct op down = {at(220, 174) + 39 * pitch + 200 * bytes - 1,
                          at(220, 170) + 39 * pitch + 200 * bytes - 1, 200 * bytes, 40, pitch, pitch,
                          BACKWARDS, 0x0d, 0, 0, 0, 0, 0};

        blit(&up, 0, 0);
        blit(&down, 0, 0);
    }
}

static void patterns(u32 src)
{
    for (u32 i = 0; i < 16; i++) {
        u32 x = 8 + i % 8 * 76, y = 216 + i / 8 * 24;
        struct op o = {at(x, y), src + i * 256, 50 * bytes, 20, pitch, 0, PATTERN, rops[i], 0,
                       bytes == 3 ? 0 : i & 3, 0, 0, 0};

        blit(&o, 0, 0);
        o.dst = at(x, y + 50);
        o.mode = PATTERN | EXPAND | (i & 4 ? TRANSPARENT : 0);
        o.ext = i & 8 ? INVERT : 0;
        o.fg = 0xf01e3cu + i * 0x111111u;
        o.bg = 0x0f3355u + i * 0x070707u;
        blit(&o, 0, 0);
    }
    {
        struct op o = {at(560, 170), 0, 60 * bytes, 40, pitch, 0, PATTERN | EXPAND, 0x0d, SOLID, 0,
                       0x123456, 0, 0};

        blit(&o, 0, 0);
    }
}

static void expansion(u32 src)
{
    static u8 data[1024];

    for (u32 i = 0; i < sizeof(data); i++)
        data[i] = (u8)(i * 29 + (i >> 3));
    for (u32 i = 0; i < 8; i++) {
        u32 x = 8 + i * 76, ext = i & 2 ? INVERT : 0;
        struct op o = {at(x, 320), src + i * 33, 61 * bytes, 16, pitch, 8,
                       EXPAND | (i & 1 ? TRANSPARENT : 0), rops[i], ext, i & 4 && bytes != 3 ? 3 : 0,
                       0xc0ffee + i * 99, 0x00beef, 0};

        blit(&o, 0, 0);
        /* the same with the bits from the processor: 61 points are 8 bytes a row */
        o.dst = at(x, 340);
        o.mode |= FROM_SYSTEM;
        blit(&o, data, 8 * 16);
    }
}

static void from_processor(void)
{
    static u8 data[4096];

    for (u32 i = 0; i < sizeof(data); i++)
        data[i] = (u8)(i * 3 + (i >> 5) * 11);
    for (u32 i = 0; i < 8; i++) {
        u32 w = 21 * bytes, row = (w + 3) & ~3u;
        struct op o = {at(8 + i * 76, 385), 0, w, 16, pitch, 0, FROM_SYSTEM, rops[i + 4], 0, 0, 0, 0, 0};

        blit(&o, data, row * 16);
    }
}

static void transparency(u32 src)
{
    if (bytes > 2)
        return;
    for (u32 i = 0; i < 8; i++) {
        struct op o = {at(8 + i * 76, 410), src, 60 * bytes, 30, pitch, 128, TRANSPARENT, rops[i], 0, 0,
                       0, 0, get8(lfb + src + i * 2)};

        if (bytes == 2)
            o.key |= (u32)get8(lfb + src + i * 2 + 1) << 8;
        blit(&o, 0, 0);
    }
}

/* Points of the cursor, 64 by 64, and its colours. */
static void cursor(void)
{
    for (u32 i = 0; i < 1024; i++)
        put8(lfb + 0x3fc000 + i, (i >> 4) * 3 ^ i * 17);
    outw(0x3c4, 0x0713);
    outw(0x3c4, 0x0013);
    outw(0x3c4, 0x0212);
    dac(0, 63, 0, 20);
    dac(15, 10, 63, 40);
    outw(0x3c4, 0x0512);
    outw(0x3c4, (u16)(0x10 | (300 & 7) << 5 | 300 >> 3 << 8));
    outw(0x3c4, (u16)(0x11 | (205 & 7) << 5 | 205 >> 3 << 8));
}

void test_cirrus(void)
{
    static const char *const names[] = {"blt-8", "blt-16", "blt-24", "blt-32"};

    if (!present())
        return;
    for (bytes = 1; bytes <= 4; bytes++) {
        u32 src;

        if (!vbe_linear(640, 480, bytes * 8, &lfb, &pitch))
            continue;
        present(); /* unlocks */
        background();
        src = make_source();
        all_rops(src);
        patterns(src);
        expansion(src);
        from_processor();
        transparency(src);
        gc(0x31, 4);
        gc(0x31, 0);
        shown(names[bytes - 1]);
        if (bytes == 2) {
            cursor();
            shown("blt-16-cursor");
            outw(0x3c4, 0x0012);
        }
    }
}
