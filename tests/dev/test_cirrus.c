/* The Cirrus GD5446: unlocking, banks, the linear frame buffer, depths, hidden DAC, hardware cursor,
 * every kind of blit against a model written the slow way, and hostile registers. */
#include "tests/dev/vga_rig.h"

#include "devices/video/cirrus.h"
#include "devices/video/cirrus_int.h"

#define LFB  0xe0000000ull
#define MMIO 0xe2000000ull
enum { VRAM = 4 << 20 };

static struct rig *start(void)
{
    struct rig *r = rig_with(&cirrus_class, 0, true);

    pci_cfg_write(&r->pci, 0x80001010, 0, (u32)LFB, 4);
    pci_cfg_write(&r->pci, 0x80001014, 0, (u32)MMIO, 4);
    pci_cfg_write(&r->pci, 0x80001004, 0, 3, 2);
    return r;
}

static void mode_packed(struct rig *r, u32 sr7)
{
    mode_13h(r);
    geometry(r, 80, 480, 0, 80);
    seq(r, 6, 0x12);
    seq(r, 7, sr7);
    gc(r, 0x0b, 0x20);
    grey(r);
    attr(r, 0x10, 1);
    screen_on(r);
}

static struct vga *vga_of(struct rig *r)
{
    return (struct vga *)r->dev;
}

static const struct surface *look(struct rig *r)
{
    return r->disp->update(r->disp->dev, false);
}

START_TEST(identification)
{
    struct rig *r = start();

    ck_assert_uint_eq(pci_cfg_read(&r->pci, 0x80001000, 0, 4), 0x00b81013);
    out(r, 0x3c2, 0x63);
    seq(r, 6, 0);
    ck_assert_uint_eq(in(r, 0x3c5), 0x0f);
    seq(r, 6, 0x12);
    ck_assert_uint_eq(in(r, 0x3c5), 0x12);
    out(r, 0x3d4, 0x27);
    ck_assert_uint_eq(in(r, 0x3d5), 0xb8);
    out(r, 0x3d4, 0x25);
    in(r, 0x3d5);
    crtc(r, 0x1b, 0x22);
    ck_assert_uint_eq(in(r, 0x3d5), 0x22);
    out(r, 0x3c4, 0x0f);
    ck_assert_uint_eq(in(r, 0x3c5), 0x98);
    ck_assert_uint_eq(bus_read(&r->mem, MMIO + 4, 1), 0x0f); /* 3C4: the index */
    bus_write(&r->mem, MMIO + 4, 6, 1);
    ck_assert_uint_eq(bus_read(&r->mem, MMIO + 5, 1), 0x12);
    ck_assert_uint_eq(bus_read(&r->mem, MMIO + 0x300, 1), 0xff);
    rig_free(r);
}
END_TEST

START_TEST(banks_and_frame_buffer)
{
    struct rig *r = start();

    mode_packed(r, 1);
    ck_assert_ptr_nonnull(bus_find(&r->mem, LFB, 1)->region->ram);
    ck_assert_ptr_nonnull(bus_find(&r->mem, 0xa0000, 1)->region->ram);
    bus_write(&r->mem, LFB + 0x23456, 0x77, 1);
    gc(r, 9, 8); /* 16 KiB each */
    ck_assert_uint_eq(peek(r, 0xa3456), 0x77);
    gc(r, 0x0b, 0); /* 4 KiB each */
    gc(r, 9, 0x23);
    ck_assert_uint_eq(peek(r, 0xa0456), 0x77);
    gc(r, 0x0b, 1); /* two banks of 32 KiB */
    gc(r, 9, 0), gc(r, 10, 0x20);
    ck_assert_uint_eq(peek(r, 0xab456), 0x77);
    poke(r, 0xab457, 0x55);
    ck_assert_uint_eq(bus_read(&r->mem, LFB + 0x23457, 1), 0x55);
    ck_assert_uint_eq(peek(r, 0xb0000), 0xff);
    /* each byte is eight points in the foreground's colour, then with the background's */
    gc(r, 0x0b, 0x06), gc(r, 9, 0);
    gc(r, 0, 0x11), gc(r, 1, 0x99);
    gc(r, 5, 0x44);
    poke(r, 0xa0002, 0x81);
    gc(r, 5, 0x45);
    poke(r, 0xa0003, 0x80);
    gc(r, 5, 0x40), gc(r, 0x0b, 0);
    ck_assert_uint_eq(bus_read(&r->mem, LFB + 16, 8), 0x9900000000000099);
    ck_assert_uint_eq(bus_read(&r->mem, LFB + 24, 8), 0x1111111111111199);
    /* sixteen bits a point */
    gc(r, 0x0b, 0x16), gc(r, 0x10, 0x22), gc(r, 0x11, 0x33), gc(r, 5, 0x45);
    poke(r, 0xa0004, 0xc0);
    gc(r, 5, 0x40), gc(r, 0x0b, 0);
    ck_assert_uint_eq(bus_read(&r->mem, LFB + 64, 8), 0x2211221133993399);
    /* moving the frame buffer moves what is mapped */
    pci_cfg_write(&r->pci, 0x80001010, 0, 0xd0000000, 4);
    ck_assert_uint_eq(bus_read(&r->mem, 0xd0023456, 1), 0x77);
    ck_assert_uint_eq(bus_read(&r->mem, LFB + 0x23456, 1), 0xff);
    rig_free(r);
}
END_TEST

START_TEST(depths)
{
    static const struct {
        u32 sr7, hidden, bytes, value, pixel;
    } d[] = {{0x01, 0, 1, 33, 0},
             {0x07, 0xc1, 2, 0x07e0, 0x00ff00},
             {0x03, 0xc0, 2, 0x7c00, 0xff0000},
             {0x05, 0xc5, 3, 0x123456, 0x123456},
             {0x09, 0xc5, 4, 0xff654321, 0x654321}};
    struct rig *r = start();

    for (u32 i = 0; i < ARRAY_LEN(d); i++) {
        const struct surface *s;

        mode_packed(r, d[i].sr7);
        in(r, 0x3c8); /* another register: the count starts anew */
        for (u32 k = 0; k < 4; k++)
            in(r, 0x3c6);
        out(r, 0x3c6, d[i].hidden);
        for (u32 k = 0; k < 4; k++)
            ck_assert_uint_eq(in(r, 0x3c6), 0xff);
        ck_assert_uint_eq(in(r, 0x3c6), d[i].hidden);
        crtc(r, 0x13, d[i].bytes * 80 & 0xff);
        crtc(r, 0x1b, d[i].bytes * 80 >> 8 ? 0x12 : 2);
        bus_write(&r->mem, LFB + (10 * 640 + 7) * d[i].bytes, d[i].value,
                  d[i].bytes == 3 ? 4 : d[i].bytes);
        s = look(r);
        ck_assert_uint_eq(s->w, 640);
        ck_assert_uint_eq(s->h, 480);
        ck_assert_uint_eq(pixel(s, 7, 10), i ? d[i].pixel : level(33));
        crtc(r, 0x0c, d[i].bytes * 160 * 10 >> 8), crtc(r, 0x0d, d[i].bytes * 160 * 10 & 0xff);
        ck_assert_uint_eq(pixel(look(r), 7, 0), i ? d[i].pixel : level(33));
    }
    in(r, 0x3da), out(r, 0x3c0, 0);
    ck_assert_uint_eq(pixel(look(r), 7, 0), 0);
    rig_free(r);
}
END_TEST

START_TEST(cursor)
{
    struct rig *r = start();
    const struct surface *s;

    mode_packed(r, 1);
    for (u32 i = 0; i < 32; i++) { /* 32x32, pattern 1: a row of each kind */
        bus_write(&r->mem, LFB + VRAM - 0x4000 + 256 + i * 4, i & 1 ? 0xffffffff : 0, 4);
        bus_write(&r->mem, LFB + VRAM - 0x4000 + 384 + i * 4, i & 2 ? 0xffffffff : 0, 4);
    }
    seq(r, 0x13, 1);
    seq(r, 0x12, 2);
    out(r, 0x3c8, 0);
    out(r, 0x3c9, 63), out(r, 0x3c9, 0), out(r, 0x3c9, 0);
    out(r, 0x3c8, 15);
    out(r, 0x3c9, 0), out(r, 0x3c9, 63), out(r, 0x3c9, 0);
    out(r, 0x3c7, 15);
    in(r, 0x3c9);
    ck_assert_uint_eq(in(r, 0x3c9), 63);
    seq(r, 0x12, 1);
    seq(r, 0x10 | (101 & 7) << 5, 101 >> 3);
    seq(r, 0x11 | (50 & 7) << 5, 50 >> 3);
    ck_assert_uint_eq(in(r, 0x3c5), 50 >> 3);
    s = look(r);
    ck_assert_uint_eq(pixel(s, 101, 50), 0);
    ck_assert_uint_eq(pixel(s, 101, 51), 0xffffff);
    ck_assert_uint_eq(pixel(s, 132, 52), 0xff0000);
    ck_assert_uint_eq(pixel(s, 132, 53), 0x00ff00);
    ck_assert_uint_eq(pixel(s, 133, 53), 0);
    s = look(r); /* nothing changed, and what is inverted stays so */
    ck_assert_uint_eq(s->dirty_y0, s->dirty_y1);
    bus_write(&r->mem, LFB + 51 * 640 + 101, 9, 1);
    s = look(r);
    ck_assert_uint_eq(pixel(s, 101, 51), level(9) ^ 0xffffff);
    ck_assert_uint_eq(pixel(s, 102, 51), 0xffffff);
    seq(r, 0x11, 200 >> 3); /* elsewhere: the old place shows memory */
    s = look(r);
    ck_assert_uint_eq(pixel(s, 101, 51), level(9));
    ck_assert_uint_eq(pixel(s, 102, 201), 0xffffff);
    seq(r, 0x12, 5); /* 64x64 */
    look(r);
    seq(r, 0x12, 0);
    s = look(r);
    ck_assert_uint_eq(pixel(s, 102, 201), 0);
    rig_free(r);
}
END_TEST

/* ---- blits ---- */

struct op {
    u32 dst, src, w, h, dpitch, spitch, mode, bytes, rop, ext, skip, fg, bg, key;
};

static void set16(struct rig *r, u32 i, u32 v)
{
    gc(r, i, v & 0xff), gc(r, i + 1, v >> 8 & 0xff);
}

static void blit(struct rig *r, const struct op *o)
{
    static const u8 at[4] = {0, 0x10, 0x12, 0x14};

    for (u32 i = 0; i < 4; i++)
        gc(r, at[i], o->bg >> (8 * i) & 0xff), gc(r, at[i] + 1, o->fg >> (8 * i) & 0xff);
    set16(r, 0x20, o->w - 1), set16(r, 0x22, o->h - 1);
    set16(r, 0x24, o->dpitch), set16(r, 0x26, o->spitch);
    set16(r, 0x28, o->dst), gc(r, 0x2a, o->dst >> 16);
    set16(r, 0x2c, o->src), gc(r, 0x2e, o->src >> 16);
    gc(r, 0x2f, o->skip), gc(r, 0x30, o->mode | (o->bytes - 1) << 4);
    gc(r, 0x32, o->rop), gc(r, 0x33, o->ext), set16(r, 0x34, o->key);
    gc(r, 0x31, 0), gc(r, 0x31, 2);
}

static bool idle(struct rig *r)
{
    out(r, 0x3ce, 0x31);
    return !(in(r, 0x3cf) & 0x0b);
}

static u8 *memory(struct rig *r)
{
    return vga_ram(r->dev)->host;
}

static void noise(struct rig *r, u32 seed)
{
    u8 *p = memory(r);

    for (u32 i = 0; i < VRAM; i++) {
        seed = seed * 1664525 + 1013904223;
        p[i] = (u8)(seed >> 24);
    }
}

static u8 rop_model(u32 rop, u8 s, u8 d)
{
    switch (rop) {
    case 0x00: return 0;
    case 0x05: return s & d;
    case 0x06: return d;
    case 0x09: return (u8)(s & ~d);
    case 0x0b: return (u8)~d;
    case 0x0d: return s;
    case 0x0e: return 0xff;
    case 0x50: return (u8)(~s & d);
    case 0x59: return s ^ d;
    case 0x6d: return s | d;
    case 0x90: return (u8)(~s | ~d);
    case 0x95: return (u8)~(s ^ d);
    case 0xad: return (u8)(s | ~d);
    case 0xd0: return (u8)~s;
    case 0xd6: return (u8)(~s | d);
    default: return (u8)(~s & ~d);
    }
}

static const u8 rops[16] = {0x00, 0x05, 0x06, 0x09, 0x0b, 0x0d, 0x0e, 0x50,
                            0x59, 0x6d, 0x90, 0x95, 0xad, 0xd0, 0xd6, 0xda};

START_TEST(copies)
{
    struct rig *r = start();
    u8 *want = malloc(VRAM);

    mode_packed(r, 1);
    for (u32 i = 0; i < 32; i++) {
        bool back = i >= 16;
        struct op o = {0x10000 + i * 3, 0x20000 + i, 77, 13, 640, 512, back, 1, rops[i & 15],
                       0, 0, 0, 0, 0};

        noise(r, i);
        memcpy(want, memory(r), VRAM);
        for (u32 y = 0; y < 13; y++) {
            for (u32 x = 0; x < 77; x++) {
                u32 d = o.dst + y * 640 + x, s = o.src + y * 512 + x;
                want[d] = rop_model(o.rop, memory(r)[s], want[d]);
            }
        }
        if (back)
            o.dst += 12 * 640 + 76, o.src += 12 * 512 + 76;
        blit(r, &o);
        ck_assert_int_eq(memcmp(want, memory(r), VRAM), 0);
        ck_assert(idle(r));
    }
    free(want);
    rig_free(r);
}
END_TEST

START_TEST(scrolling_overlaps)
{
    struct rig *r = start();
    struct op up = {0x10000, 0x10000 + 640 * 2, 640, 20, 640, 640, 0, 1, 0x0d, 0, 0, 0, 0, 0};
    struct op down = {0x10000 + 640 * 21 + 639, 0x10000 + 640 * 19 + 639, 640, 20, 640, 640, 1, 1,
                      0x0d, 0, 0, 0, 0, 0};
    u8 *was = malloc(VRAM);

    mode_packed(r, 1);
    noise(r, 1);
    memcpy(was, memory(r), VRAM);
    blit(r, &up);
    ck_assert_int_eq(memcmp(memory(r) + 0x10000, was + 0x10000 + 1280, 640 * 20), 0);
    memcpy(memory(r), was, VRAM);
    blit(r, &down);
    ck_assert_int_eq(memcmp(memory(r) + 0x10000 + 1280, was + 0x10000, 640 * 20), 0);
    free(was);
    rig_free(r);
}
END_TEST

START_TEST(expansions)
{
    struct rig *r = start();

    mode_packed(r, 1);
    for (u32 bytes = 1; bytes <= 4; bytes++) {
        for (u32 kind = 0; kind < 8; kind++) {
            bool through = kind & 1, inverse = kind & 2, pattern = kind & 4;
            u32 n = 21, row = pattern ? 1 : 3;
            struct op o = {0x8000, pattern ? 0x3000 + 3 : 0x3000, n * bytes, 9, 400, 8,
                           0x80u | (through ? 8 : 0) | (pattern ? 0x40 : 0), bytes, 0x0d,
                           inverse ? 2 : 0, 0, 0x44332211, 0x88776655, 0};
            static u8 was[0x10000];

            noise(r, kind + bytes * 8);
            memcpy(was, memory(r), sizeof(was));
            blit(r, &o);
            for (u32 y = 0; y < 9; y++) {
                for (u32 x = 0; x < n; x++) {
                    u32 b = pattern ? was[0x3000 + ((3 + y) & 7)] >> (7 - (x & 7)) & 1
                                    : was[0x3000 + y * row + x / 8] >> (7 - (x & 7)) & 1;
                    const u8 *p = memory(r) + 0x8000 + y * 400 + x * bytes;
                    bool one = b != (through && inverse);
                    u32 c = one ? (through && inverse ? o.bg : o.fg) : o.bg;

                    for (u32 k = 0; k < bytes; k++)
                        ck_assert_uint_eq(p[k], !one && through ? was[0x8000 + y * 400 + x * bytes + k]
                                                                : (u8)(c >> (8 * k)));
                }
            }
        }
    }
    rig_free(r);
}
END_TEST

START_TEST(patterns_and_solid)
{
    struct rig *r = start();

    mode_packed(r, 1);
    for (u32 bytes = 1; bytes <= 4; bytes++) {
        u32 pitch = bytes == 3 ? 32 : 8 * bytes;
        struct op o = {0x9000, 0x3000 + 5, 30 * bytes, 11, 500, 0, 0x40, bytes, 0x0d, 0,
                       bytes == 3 ? 6 : 2, 0, 0, 0};

        noise(r, bytes);
        memory(r)[0x9000] = 0xee;
        blit(r, &o);
        ck_assert_uint_eq(memory(r)[0x9000], 0xee); /* skipped */
        for (u32 y = 0; y < 11; y++) {
            for (u32 x = 2; x < 30; x++) {
                for (u32 k = 0; k < bytes; k++)
                    ck_assert_uint_eq(memory(r)[0x9000 + y * 500 + x * bytes + k],
                                      memory(r)[0x3000 + ((5 + y) & 7) * pitch + (x & 7) * bytes + k]);
            }
        }
        o.mode = 0xc0, o.ext = 4, o.fg = 0x01020304, o.skip = 0;
        blit(r, &o);
        for (u32 x = 0; x < 30 * bytes; x++)
            ck_assert_uint_eq(memory(r)[0x9000 + 10 * 500 + x], o.fg >> 8 * (x % bytes) & 0xff);
    }
    rig_free(r);
}
END_TEST

START_TEST(transparent_copies)
{
    struct rig *r = start();

    mode_packed(r, 1);
    for (u32 bytes = 1; bytes <= 2; bytes++) {
        for (u32 back = 0; back < 2; back++) {
            struct op o = {0x9000, 0x3000, 4 * bytes, 1, 64, 64, 8 | back, bytes, 0x0d, 0, 0, 0, 0,
                           bytes == 1 ? 0x55 : 0x6655};
            static const u8 src[2][8] = {{0x55, 1, 0x55, 2}, {0x55, 0x66, 0x55, 0x67, 1, 0x66, 0x55, 0x66}};
            static const u8 want[2][8] = {{9, 1, 9, 2}, {9, 9, 0x55, 0x67, 1, 0x66, 9, 9}};

            memset(memory(r) + 0x9000, 9, 8);
            memcpy(memory(r) + 0x3000, src[bytes - 1], 8);
            if (back)
                o.dst += 4 * bytes - 1, o.src += 4 * bytes - 1;
            blit(r, &o);
            ck_assert_int_eq(memcmp(memory(r) + 0x9000, want[bytes - 1], 4 * bytes), 0);
        }
    }
    rig_free(r);
}
END_TEST

START_TEST(processor_data)
{
    struct rig *r = start();
    struct op o = {0x9000, 0, 6, 2, 100, 0, 4, 1, 0x0d, 0, 0, 0, 0, 0};

    mode_packed(r, 1);
    memset(memory(r), 0xaa, 0x10000);
    blit(r, &o); /* two rows of six bytes, eight each on the bus */
    ck_assert(!idle(r));
    ck_assert_ptr_null(bus_find(&r->mem, 0xa0000, 1)->region->ram);
    bus_write(&r->mem, 0xa0000, 0x0807060504030201, 8);
    rig_free(r);

    r = start();
    mode_packed(r, 1);
    memset(memory(r), 0xaa, 0x10000);
    blit(r, &o);
    for (u32 i = 0; i < 16; i++)
        bus_write(&r->mem, i < 8 ? 0xa0000 + i : LFB + 0x1000000, i, 1);
    ck_assert(idle(r));
    ck_assert_uint_eq(memory(r)[0x9005], 5);
    ck_assert_uint_eq(memory(r)[0x9006], 0xaa);
    ck_assert_uint_eq(memory(r)[0x9064], 8);
    /* a colour pattern from the processor, and rows of bits in double words */
    o.mode = 0x44, o.h = 9;
    blit(r, &o);
    for (u32 i = 0; i < 64; i++)
        poke(r, 0xa0000, i);
    ck_assert(idle(r));
    ck_assert_uint_eq(memory(r)[0x9000 + 8 * 100 + 3], 3);
    o.mode = 0x84, o.ext = 1, o.h = 2, o.w = 4, o.fg = 0xf1, o.bg = 0xf0;
    blit(r, &o);
    for (u32 i = 0; i < 8; i++)
        poke(r, 0xa0000, i == 0 ? 0x50 : i == 4 ? 0xa0 : 0);
    ck_assert(idle(r));
    ck_assert_uint_eq(bus_read(&r->mem, LFB + 0x9000, 4), 0xf1f0f1f0);
    ck_assert_uint_eq(bus_read(&r->mem, LFB + 0x9064, 4), 0xf0f1f0f1);
    /* to the processor */
    o = (struct op){0, 0x9000, 4, 2, 0, 100, 2, 1, 0x0d, 0, 0, 0, 0, 0};
    blit(r, &o);
    ck_assert_uint_eq(bus_read(&r->mem, 0xa0000, 4), 0xf1f0f1f0);
    ck_assert_uint_eq(bus_read(&r->mem, 0xa0000, 4), 0xf0f1f0f1);
    ck_assert(idle(r));
    /* both at once is nothing; a reset ends what waits */
    o.mode = 6;
    blit(r, &o);
    ck_assert(idle(r));
    o.mode = 4;
    blit(r, &o);
    ck_assert(!idle(r));
    gc(r, 0x31, 4), gc(r, 0x31, 0);
    ck_assert(idle(r));
    rig_free(r);
}
END_TEST

START_TEST(memory_mapped_registers)
{
    struct rig *r = start();
    u64 at = MMIO + 0x100;

    mode_packed(r, 1);
    memset(memory(r), 0, 0x10000);
    for (u32 i = 0; i < 8; i++)
        memory(r)[0x3000 + i] = (u8)(0x40 + i);
    seq(r, 0x17, 0x04); /* also at B8000 */
    for (u32 round = 0; round < 2; round++, at = 0xb8000) {
        bus_write(&r->mem, at + 0x08, 7, 2), bus_write(&r->mem, at + 0x0a, 0, 2);
        bus_write(&r->mem, at + 0x0c, 8, 2), bus_write(&r->mem, at + 0x0e, 8, 2);
        bus_write(&r->mem, at + 0x14, 0x3000, 2), bus_write(&r->mem, at + 0x16, 0, 1);
        bus_write(&r->mem, at + 0x18, 0, 1), bus_write(&r->mem, at + 0x1a, 0x0d, 1);
        bus_write(&r->mem, at + 0x1b, 0, 1);
        bus_write(&r->mem, at + 0x10, 0x5000 + round * 64, 2), bus_write(&r->mem, at + 0x12, 0, 1);
        bus_write(&r->mem, at + 0x40, 0, 1), bus_write(&r->mem, at + 0x40, 2, 1);
        ck_assert_uint_eq(bus_read(&r->mem, at + 0x40, 1) & 0x0b, 0);
        ck_assert_uint_eq(memory(r)[0x5007 + round * 64], 0x47);
        ck_assert_uint_eq(bus_read(&r->mem, at + 0x08, 1), 7);
        ck_assert_uint_eq(bus_read(&r->mem, at + 0x13, 1), 0xff);
    }
    seq(r, 0x17, 0x44); /* at the end of the frame buffer */
    ck_assert_uint_eq(bus_read(&r->mem, LFB + VRAM - 256 + 8, 1), 7);
    bus_write(&r->mem, LFB + VRAM - 256 + 8, 9, 1);
    ck_assert_uint_eq(bus_read(&r->mem, MMIO + 0x108, 1), 9);
    /* started by its address */
    gc(r, 0x31, 0x80), gc(r, 0x28, 0x00), gc(r, 0x29, 0x60), gc(r, 0x2a, 0);
    ck_assert_uint_eq(memory(r)[0x6003], 0x43);
    rig_free(r);
}
END_TEST

/* Whatever is asked for, nothing outside of memory is touched: the guard pages around it would tell. */
START_TEST(hostile_blits)
{
    static const u8 modes[] = {0, 1, 8, 9, 4, 0x44, 0x84, 0xc4, 2, 0x40, 0x80, 0xc0, 0x88, 0xc8, 6};
    struct rig *r = start();
    u32 s = 99;

    mode_packed(r, 1);
    for (u32 round = 0; round < 20000; round++) {
        struct op o;
        u32 *f = (u32 *)&o;

        for (u32 i = 0; i < sizeof(o) / 4; i++) {
            s = s * 1664525 + 1013904223;
            f[i] = s >> 8;
        }
        o.mode = modes[o.mode % ARRAY_LEN(modes)];
        o.bytes = (o.bytes & 3) + 1;
        o.rop = rops[o.rop & 15];
        if (round & 1)
            o.w &= 63, o.h &= 15; /* small ones, that lie within */
        if (round & 2)
            o.dst = VRAM - 1 - (o.dst & 1023);
        if (round & 4)
            o.src = VRAM - 1 - (o.src & 1023);
        blit(r, &o);
        for (u32 i = 0; i < 40; i++) {
            if (o.mode & 2)
                peek(r, 0xa0000 + i);
            else
                poke(r, 0xa0000 + i, s >> (i & 15) & 0xff);
        }
        if (round % 16 == 0) {
            struct snap a = {0};
            struct err err;

            dev_save(r->dev, &a);
            ck_assert_msg(dev_load(r->dev, &a, &err), "%s", err.msg);
            snap_free(&a);
        }
    }
    rig_free(r);
}
END_TEST

START_TEST(damaged_state)
{
    struct rig *r = start();
    struct snap a = {0};
    struct err err;

    mode_packed(r, 1);
    vga_of(r)->r.x.blt = 3;
    dev_save(r->dev, &a);
    ck_assert(!dev_load(r->dev, &a, &err));
    snap_free(&a);
    vga_of(r)->r.x.blt = 0;
    vga_of(r)->r.x.blt_have = 8192;
    dev_save(r->dev, &a);
    ck_assert(!dev_load(r->dev, &a, &err));
    snap_free(&a);
    rig_free(r);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {identification, banks_and_frame_buffer, depths, cursor, copies,
                                  scrolling_overlaps, expansions, patterns_and_solid,
                                  transparent_copies, processor_data, memory_mapped_registers,
                                  hostile_blits, damaged_state, NULL};
    Suite *suite = suite_create("cirrus");
    TCase *tc = tcase_create("cirrus");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 120);
    for (u32 i = 0; tests[i]; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
