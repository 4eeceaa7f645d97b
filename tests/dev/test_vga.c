/* The VGA driven through its ports and its window with no CPU: registers, planes, pictures, dispi,
 * hostile values. */
#include "tests/dev/vga_rig.h"

START_TEST(attribute_flip_flop)
{
    struct rig *r = rig_new(false);

    out(r, 0x3c2, 1);
    attr(r, 0x11, 0x2a);
    in(r, 0x3da);
    out(r, 0x3c0, 0x11);
    ck_assert_uint_eq(in(r, 0x3c1), 0x2a);
    in(r, 0x3da); /* the flip-flop is back at "index" in the middle of a pair */
    out(r, 0x3c0, 0x10);
    out(r, 0x3c0, 0x0c);
    in(r, 0x3da);
    out(r, 0x3c0, 0x10);
    ck_assert_uint_eq(in(r, 0x3c1), 0x0c);
    attr(r, 3, 5);
    attr(r, 0x20 | 3, 9); /* screen on: the palette is closed */
    in(r, 0x3da);
    out(r, 0x3c0, 3);
    ck_assert_uint_eq(in(r, 0x3c1), 5);
    rig_free(r);
}
END_TEST

START_TEST(crtc_protect_and_decoding)
{
    struct rig *r = rig_new(false);

    out(r, 0x3c2, 1);
    crtc(r, 1, 79);
    crtc(r, 7, 0);
    crtc(r, 0x11, 0x80);
    crtc(r, 1, 5);
    crtc(r, 7, 0xff);
    out(r, 0x3d4, 1);
    ck_assert_uint_eq(in(r, 0x3d5), 79);
    out(r, 0x3d4, 7);
    ck_assert_uint_eq(in(r, 0x3d5), 0x10);
    ck_assert_uint_eq(in(r, 0x3b4), 0xff); /* monochrome address is dead in colour mode */
    out(r, 0x3c2, 0);
    ck_assert_uint_eq(in(r, 0x3b4), 7);
    ck_assert_uint_eq(in(r, 0x3d4), 0xff);
    rig_free(r);
}
END_TEST

START_TEST(dac_sequence)
{
    struct rig *r = rig_new(false);

    out(r, 0x3c8, 255);
    for (u32 i = 0; i < 6; i++) /* wraps from entry 255 to 0; upper bits are not there */
        out(r, 0x3c9, 0xc1 + i);
    out(r, 0x3c7, 255);
    ck_assert_uint_eq(in(r, 0x3c7) & 3, 3);
    for (u32 i = 0; i < 6; i++)
        ck_assert_uint_eq(in(r, 0x3c9), 1 + i);
    out(r, 0x3c8, 9);
    out(r, 0x3c9, 1), out(r, 0x3c9, 2); /* two of three: nothing is stored */
    out(r, 0x3c7, 9);
    ck_assert_uint_eq(in(r, 0x3c9), 0);
    rig_free(r);
}
END_TEST

START_TEST(planes_write_modes)
{
    struct rig *r = rig_new(false);

    mode_planar(r);
    seq(r, 2, 5); /* planes 0 and 2 */
    poke(r, 0xa0010, 0xa5);
    seq(r, 2, 15);
    ck_assert_uint_eq(plane(r, 0, 0xa0010), 0xa5);
    ck_assert_uint_eq(plane(r, 1, 0xa0010), 0x00);
    ck_assert_uint_eq(plane(r, 2, 0xa0010), 0xa5);
    /* mode 1 copies latches */
    gc(r, 5, 1);
    poke(r, 0xa0020, 0xff);
    gc(r, 5, 0);
    ck_assert_uint_eq(peek(r, 0xa0020), 0xa5);
    /* mode 2: colour per plane under the bit mask, rest from the latches */
    gc(r, 5, 2);
    gc(r, 8, 0x0f);
    gc(r, 4, 1), peek(r, 0xa0010);
    poke(r, 0xa0010, 0x02);
    gc(r, 5, 0), gc(r, 8, 0xff);
    ck_assert_uint_eq(plane(r, 0, 0xa0010), 0xa0);
    ck_assert_uint_eq(plane(r, 1, 0xa0010), 0x0f);
    /* mode 0: set/reset, rotate and XOR */
    gc(r, 0, 8), gc(r, 1, 8), gc(r, 3, 4);
    poke(r, 0xa0030, 0x0f);
    gc(r, 0, 0), gc(r, 1, 0);
    ck_assert_uint_eq(plane(r, 3, 0xa0030), 0xff);
    ck_assert_uint_eq(plane(r, 0, 0xa0030), 0xf0);
    gc(r, 3, 0x18);
    poke(r, 0xa0030, 0x3c);
    gc(r, 3, 0);
    ck_assert_uint_eq(peek(r, 0xa0030), 0xcc);
    /* mode 3: the byte is a mask for set/reset */
    gc(r, 5, 3), gc(r, 0, 1);
    peek(r, 0xa0040);
    poke(r, 0xa0040, 0x81);
    gc(r, 5, 0), gc(r, 0, 0);
    ck_assert_uint_eq(plane(r, 0, 0xa0040), 0x81);
    ck_assert_uint_eq(plane(r, 1, 0xa0040), 0x00);
    /* read mode 1: which pixels have colour 1, planes 0 and 1 compared */
    gc(r, 5, 8), gc(r, 2, 1), gc(r, 7, 3);
    ck_assert_uint_eq(peek(r, 0xa0040), 0x81);
    gc(r, 7, 0);
    ck_assert_uint_eq(peek(r, 0xa0040), 0xff);
    rig_free(r);
}
END_TEST

START_TEST(window_placement)
{
    struct rig *r = rig_new(false);

    mode_text(r);
    poke(r, 0xb8000, 'A');
    poke(r, 0xb8001, 7);
    ck_assert_uint_eq(peek(r, 0xb8000), 'A');
    ck_assert_uint_eq(peek(r, 0xb8001), 7);
    ck_assert_uint_eq(peek(r, 0xa0000), 0xff);
    ck_assert_uint_eq(peek(r, 0xb0000), 0xff);
    out(r, 0x3c2, 0x65); /* memory off */
    ck_assert_uint_eq(peek(r, 0xb8000), 0xff);
    poke(r, 0xb8000, 'B');
    out(r, 0x3c2, 0x67);
    ck_assert_uint_eq(peek(r, 0xb8000), 'A');
    gc(r, 6, 0x0a);
    poke(r, 0xb0002, 'M');
    ck_assert_uint_eq(peek(r, 0xb0002), 'M');
    ck_assert_uint_eq(peek(r, 0xb8002), 0xff);
    rig_free(r);
}
END_TEST

START_TEST(chain4_direct_is_same_memory)
{
    struct rig *r = rig_new(false);

    mode_13h(r);
    ck_assert_ptr_nonnull(bus_find(&r->mem, 0xa0000, 1)->region->ram);
    for (u32 i = 0; i < 16; i++)
        poke(r, 0xa1230 + i, 0x40 + i);
    gc(r, 3, 0x18); /* XOR: now through the full logic */
    ck_assert_ptr_null(bus_find(&r->mem, 0xa0000, 1)->region->ram);
    for (u32 i = 0; i < 16; i++)
        ck_assert_uint_eq(peek(r, 0xa1230 + i), 0x40 + i);
    poke(r, 0xa1230, 0xff); /* latches hold the group's bytes */
    gc(r, 3, 0);
    ck_assert_uint_eq(peek(r, 0xa1230), 0xff ^ 0x4c);
    /* unchained, the byte of pixel 4n + p is plane p at n */
    seq(r, 4, 6);
    gc(r, 4, 2);
    ck_assert_uint_eq(peek(r, 0xa0000 + 0x1230 / 4), 0x42);
    rig_free(r);
}
END_TEST

START_TEST(retrace_from_virtual_clock)
{
    struct rig *r = rig_new(false);
    u32 edges = 0, blanks = 0, n = 100000;
    u8 last = 8;

    mode_text(r);
    for (u32 i = 0; i < n; i++) { /* one second */
        u8 s;
        r->now += 10000;
        s = in(r, 0x3da);
        edges += (s & 8) && !(last & 8);
        blanks += s & 1;
        last = s;
    }
    ck_assert_uint_ge(edges, 60);
    ck_assert_uint_le(edges, 80);
    ck_assert_uint_gt(blanks, n / 10);
    ck_assert_uint_lt(blanks, n / 2);
    last = in(r, 0x3da);
    ck_assert_uint_eq(in(r, 0x3da), last); /* time stands still: so does the beam */
    rig_free(r);
}
END_TEST

START_TEST(text_picture)
{
    struct rig *r = rig_new(false);
    const struct surface *s;
    struct text_screen *t = calloc(1, sizeof(*t));

    mode_text(r);
    /* the font, as BIOSes load it */
    seq(r, 2, 4), seq(r, 4, 6), gc(r, 5, 0), gc(r, 6, 4);
    for (u32 i = 0; i < 16; i++) {
        poke(r, 0xa0000 + 'A' * 32 + i, i == 3 ? 0x81 : 0);
        poke(r, 0xa0000 + 0xc4 * 32 + i, i == 7 ? 0xff : 0);
    }
    seq(r, 2, 3), seq(r, 4, 2), gc(r, 5, 0x10), gc(r, 6, 0x0e);
    bus_write(&r->mem, 0xb8000 + 2 * 81, 0x2e41, 2); /* row 1, column 1: 'A', 14 on 2 */
    bus_write(&r->mem, 0xb8000 + 2 * 82, 0x07c4, 2);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(s->w, 720);
    ck_assert_uint_eq(s->h, 400);
    ck_assert_uint_eq(pixel(s, 9, 19), level(14));
    ck_assert_uint_eq(pixel(s, 10, 19), level(2));
    ck_assert_uint_eq(pixel(s, 16, 19), level(14));
    ck_assert_uint_eq(pixel(s, 17, 19), level(2)); /* ninth dot: background ... */
    ck_assert_uint_eq(pixel(s, 26, 23), level(7)); /* ... but line graphics go on */
    ck_assert_uint_eq(pixel(s, 9, 18), level(2));
    /* nothing changed: nothing drawn; one cell changed: its row only */
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(s->dirty_y0, s->dirty_y1);
    poke(r, 0xb8000 + 2 * 80 * 5, 'A');
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(s->dirty_y0, 80);
    ck_assert_uint_eq(s->dirty_y1, 96);
    /* cursor, blinking with time */
    crtc(r, 0x0a, 14), crtc(r, 0x0b, 15), crtc(r, 0x0e, 0), crtc(r, 0x0f, 81);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 10, 31), level(14));
    r->now += 120000000;
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 10, 31), level(2));
    ck_assert(r->disp->text(r->disp->dev, t));
    ck_assert_uint_eq(t->cols, 80);
    ck_assert_uint_eq(t->rows, 25);
    ck_assert_uint_eq(t->cells[81], 0x2e41);
    ck_assert(t->cursor_on && t->cursor_x == 1 && t->cursor_y == 1);
    /* attribute bit 7 blinks or is a bright background */
    poke(r, 0xb8000 + 2 * 81 + 1, 0xae);
    r->now = 0;
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 9, 19), level(14));
    r->now = NS_PER_SEC * 17 / 70;
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 9, 19), level(2));
    attr(r, 0x10, 0x04), screen_on(r);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 10, 19), level(10));
    /* screen off */
    seq(r, 1, 0x20);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 9, 19), 0);
    ck_assert(!r->disp->text(r->disp->dev, t));
    free(t);
    rig_free(r);
}
END_TEST

START_TEST(planar_picture)
{
    struct rig *r = rig_new(false);
    const struct surface *s;

    mode_planar(r);
    gc(r, 5, 2), gc(r, 8, 0x10);
    peek(r, 0xa0000 + 80 * 10 + 2);
    poke(r, 0xa0000 + 80 * 10 + 2, 11);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(s->w, 640);
    ck_assert_uint_eq(s->h, 480);
    ck_assert_uint_eq(pixel(s, 19, 10), level(11));
    ck_assert_uint_eq(pixel(s, 18, 10), 0);
    /* pixel panning moves left, start address moves up, the split shows memory from 0 */
    attr(r, 0x13, 3), screen_on(r);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 16, 10), level(11));
    crtc(r, 0x0d, 80);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 16, 9), level(11));
    crtc(r, 0x18, 99), crtc(r, 7, 0x42), crtc(r, 9, 0);
    attr(r, 0x10, 0x21), screen_on(r);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 16, 9), level(11));
    ck_assert_uint_eq(pixel(s, 19, 110), level(11)); /* not panned below the split */
    attr(r, 0x12, 8), screen_on(r);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 19, 110), level(8)); /* plane enable */
    rig_free(r);
}
END_TEST

START_TEST(picture_256)
{
    struct rig *r = rig_new(false);
    const struct surface *s;

    mode_13h(r);
    poke(r, 0xa0000 + 320 * 7 + 5, 33);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(s->w, 640);
    ck_assert_uint_eq(s->h, 400);
    ck_assert_uint_eq(pixel(s, 10, 14), level(33));
    ck_assert_uint_eq(pixel(s, 11, 15), level(33));
    ck_assert_uint_eq(pixel(s, 12, 15), 0);
    ck_assert_uint_eq(pixel(s, 10, 16), 0);
    out(r, 0x3c8, 33), out(r, 0x3c9, 63), out(r, 0x3c9, 0), out(r, 0x3c9, 0);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 10, 14), 0xff0000);
    /* mode X: one plane at a time, same picture rules */
    seq(r, 4, 6), crtc(r, 0x14, 0), crtc(r, 0x17, 0xe3);
    seq(r, 2, 2);
    poke(r, 0xa0000 + 80 * 20 + 1, 12);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 10, 40), level(12));
    poke(r, 0xa0000 + 80 * 190, 12);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_gt(s->dirty_y0, 300); /* only what is near */
    ck_assert_uint_le(s->dirty_y1, 400);
    rig_free(r);
}
END_TEST

START_TEST(cga_picture)
{
    struct rig *r = rig_new(false);
    const struct surface *s;

    out(r, 0x3c2, 0x63);
    seq(r, 1, 9), seq(r, 2, 3), seq(r, 4, 2);
    gc(r, 3, 0), gc(r, 5, 0x30), gc(r, 6, 0x0f), gc(r, 8, 0xff);
    geometry(r, 40, 400, 1, 20);
    crtc(r, 9, 0xc1); /* 200 lines drawn twice, two row scans */
    crtc(r, 0x17, 0xa2);
    grey(r);
    attr(r, 0x12, 3), attr(r, 0x10, 1), screen_on(r);
    poke(r, 0xb8000, 0x1b);          /* line 0: 0 1 2 3 */
    poke(r, 0xb8000 + 0x2000, 0xe4); /* line 1: 3 2 1 0 */
    poke(r, 0xb8000 + 81, 0xc0);     /* line 2, pixel 4 */
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(s->w, 640);
    ck_assert_uint_eq(s->h, 400);
    for (u32 i = 0; i < 4; i++) {
        ck_assert_uint_eq(pixel(s, 2 * i, 0), level(i));
        ck_assert_uint_eq(pixel(s, 2 * i + 1, 1), level(i));
        ck_assert_uint_eq(pixel(s, 2 * i, 2), level(3 - i));
    }
    ck_assert_uint_eq(pixel(s, 8, 4), level(3));
    ck_assert_uint_eq(pixel(s, 10, 4), 0);
    rig_free(r);
}
END_TEST

static void vbe_mode(struct rig *r, u32 w, u32 h, u32 bpp, u32 flags)
{
    dispi(r, 4, 0);
    dispi(r, 1, w), dispi(r, 2, h), dispi(r, 3, bpp);
    dispi(r, 4, 1 | flags);
}

START_TEST(dispi_registers)
{
    struct rig *r = rig_new(false);

    ck_assert_uint_eq(dispi_in(r, 0), 0xb0c5);
    dispi(r, 0, 0xb0c2);
    ck_assert_uint_eq(dispi_in(r, 0), 0xb0c2);
    dispi(r, 0, 0x1234);
    ck_assert_uint_eq(dispi_in(r, 0), 0xb0c2);
    ck_assert_uint_eq(dispi_in(r, 10), 256);
    dispi(r, 4, 2);
    ck_assert_uint_eq(dispi_in(r, 1), 2560);
    ck_assert_uint_eq(dispi_in(r, 3), 32);
    vbe_mode(r, 800, 600, 16, 0x40);
    ck_assert_uint_eq(dispi_in(r, 1), 800);
    ck_assert_uint_eq(dispi_in(r, 6), 800);
    dispi(r, 1, 1024); /* refused while on */
    ck_assert_uint_eq(dispi_in(r, 1), 800);
    dispi(r, 3, 7);
    ck_assert_uint_eq(dispi_in(r, 3), 16);
    dispi(r, 6, 1600);
    ck_assert_uint_eq(dispi_in(r, 7), 16 * 1024 * 1024 / 3200);
    dispi(r, 8, 5000);
    ck_assert_uint_eq(dispi_in(r, 8), 800);
    bus_write(&r->io, 0x1ce, 2, 2); /* the other data port */
    ck_assert_uint_eq(bus_read(&r->io, 0x1d0, 2), 600);
    rig_free(r);
}
END_TEST

START_TEST(dispi_pictures)
{
    static const struct {
        u32 bpp, value, pixel;
    } depth[] = {{8, 33, 0},
                 {15, 0x7c00, 0xff0000},
                 {16, 0x07e0, 0x00ff00},
                 {24, 0x123456, 0x123456},
                 {32, 0xff654321, 0x654321}};
    struct rig *r = rig_new(true);
    u8 sum = 0;
    const struct surface *s;

    grey(r);
    out(r, 0x3c2, 0x63);
    /* the frame buffer where the firmware puts it */
    pci_cfg_write(&r->pci, 0x80001010, 0, 0xe0000000, 4);
    pci_cfg_write(&r->pci, 0x80001018, 0, 0xe1000000, 4);
    pci_cfg_write(&r->pci, 0x80001030, 0, 0xe2000001, 4);
    pci_cfg_write(&r->pci, 0x80001004, 0, 3, 2);
    ck_assert_uint_eq(pci_cfg_read(&r->pci, 0x80001000, 0, 4), 0x11111234);
    ck_assert_uint_eq(bus_read(&r->mem, 0xe2000000, 2), 0xaa55);
    ck_assert_uint_eq(bus_read(&r->mem, 0xe1000500, 2), 0xb0c5);
    /* the display's description: header, sum, the preferred timing's sides */
    ck_assert_uint_eq(bus_read(&r->mem, 0xe1000000, 8), 0x00ffffffffffff00ull);
    for (u32 i = 0; i < 128; i++)
        sum = (u8)(sum + bus_read(&r->mem, 0xe1000000 + i, 1));
    ck_assert_uint_eq(sum, 0);
    for (u32 i = 0; i < 2; i++) {
        u32 at = 0xe1000038 + 3 * i; /* the low bits; the upper four are two bytes on */

        ck_assert_uint_eq(
            bus_read(&r->mem, at, 1) | (bus_read(&r->mem, at + 2, 1) & 0xf0) << 4, i ? 768 : 1024);
    }
    bus_write(&r->mem, 0xe1000000, 1, 1);
    ck_assert_uint_eq(bus_read(&r->mem, 0xe1000000, 1), 0);
    for (u32 i = 0; i < ARRAY_LEN(depth); i++) {
        u32 n = (depth[i].bpp + 7) / 8;

        vbe_mode(r, 640, 480, depth[i].bpp, 0x40);
        bus_write(&r->mem, 0xe0000000 + (100 * 640 + 7) * n, depth[i].value, n == 3 ? 4 : n);
        s = r->disp->update(r->disp->dev, false);
        ck_assert_uint_eq(s->w, 640);
        ck_assert_uint_eq(s->h, 480);
        ck_assert_uint_eq(pixel(s, 7, 100), i ? depth[i].pixel : level(33));
        ck_assert_uint_eq(pixel(s, 6, 100), 0);
        s = r->disp->update(r->disp->dev, false);
        ck_assert_uint_eq(s->dirty_y0, s->dirty_y1);
        bus_write(&r->mem, 0xe0000000 + 200 * 640 * n, 0, n == 3 ? 2 : n);
        s = r->disp->update(r->disp->dev, false);
        ck_assert_uint_ge(s->dirty_y0, 190);
        ck_assert_uint_le(s->dirty_y1, 210);
    }
    /* through the registers in memory, and the bank window */
    bus_write(&r->mem, 0xe1000500 + 2 * 5, 1, 2);
    ck_assert_uint_eq(dispi_in(r, 5), 1);
    poke(r, 0xa0004, 0x77);
    ck_assert_uint_eq(bus_read(&r->mem, 0xe0010004, 1), 0x77);
    dispi(r, 9, 10);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(pixel(s, 7, 90), 0x654321);
    /* planar 16 colours in a dispi mode */
    vbe_mode(r, 800, 600, 4, 0);
    seq(r, 2, 4);
    poke(r, 0xa0000 + 100, 0x80);
    s = r->disp->update(r->disp->dev, false);
    ck_assert_uint_eq(s->w, 800);
    ck_assert_uint_eq(pixel(s, 0, 1), level(4));
    rig_free(r);
}
END_TEST

START_TEST(state_laws)
{
    struct rig *r = rig_new(true);
    struct snap a = {0}, b = {0};
    struct err err;
    static u8 saved[65536];

    ck_assert_int_eq(fields_uncovered(vga_class.fields, vga_class.saved_size), -1);
    ck_assert_uint_le(vga_class.saved_size, sizeof(saved));
    memcpy(saved, dev_saved(r->dev), vga_class.saved_size);
    dev_reset(r->dev);
    ck_assert_int_eq(memcmp(saved, dev_saved(r->dev), vga_class.saved_size), 0);
    mode_13h(r);
    dev_save(r->dev, &a);
    mode_text(r);
    ck_assert(dev_load(r->dev, &a, &err));
    dev_save(r->dev, &b);
    ck_assert_uint_eq(a.len, b.len);
    ck_assert_int_eq(memcmp(a.data, b.data, a.len), 0);
    ck_assert_ptr_nonnull(
        bus_find(&r->mem, 0xa0000, 1)->region->ram); /* the window came back too */
    snap_free(&a);
    snap_free(&b);
    rig_free(r);
}
END_TEST

static u32 rnd(u32 *s)
{
    *s = *s * 1664525u + 1013904223u;
    return *s >> 8;
}

/* Whatever is written, nothing is fetched outside of video memory and pictures stay within bounds.
 */
START_TEST(hostile_registers)
{
    struct rig *r = rig_new(true);
    struct text_screen *t = calloc(1, sizeof(*t));
    u32 s = 12345;

    pci_cfg_write(&r->pci, 0x80001010, 0, 0xe0000000, 4);
    pci_cfg_write(&r->pci, 0x80001004, 0, 3, 2);
    for (u32 round = 0; round < 400; round++) {
        const struct surface *f;

        for (u32 i = 0; i < 150; i++) {
            u32 v = rnd(&s) & 0xff, what = rnd(&s) % 8;

            if (what < 4)
                out(r, 0x3b0 + rnd(&s) % 0x30, v);
            else if (what == 4)
                crtc(r, rnd(&s) % 0x40, v);
            else if (what == 5)
                dispi(r, rnd(&s) % 12, rnd(&s) % 3 ? rnd(&s) & 0xffff : v);
            else if (what == 6)
                bus_write(&r->mem, 0xa0000 + rnd(&s) % 0x20000, rnd(&s), 1u << rnd(&s) % 4);
            else
                bus_read(&r->mem, 0xa0000 + rnd(&s) % 0x20000, 1u << rnd(&s) % 4);
        }
        if (round % 3)
            screen_on(r);
        if (round % 5 == 0)
            dispi(r, 4, 0);
        r->now += 1000003;
        f = r->disp->update(r->disp->dev, false);
        ck_assert_uint_le(f->w, 2560);
        ck_assert_uint_le(f->h, 2048);
        ck_assert_uint_le(f->dirty_y1, f->h);
        r->disp->text(r->disp->dev, t);
        ck_assert_uint_le(t->cols * t->rows, ARRAY_LEN(t->cells));
    }
    free(t);
    rig_free(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga");
    TCase *tc = tcase_create("vga");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, attribute_flip_flop);
    tcase_add_test(tc, crtc_protect_and_decoding);
    tcase_add_test(tc, dac_sequence);
    tcase_add_test(tc, planes_write_modes);
    tcase_add_test(tc, window_placement);
    tcase_add_test(tc, chain4_direct_is_same_memory);
    tcase_add_test(tc, retrace_from_virtual_clock);
    tcase_add_test(tc, text_picture);
    tcase_add_test(tc, planar_picture);
    tcase_add_test(tc, picture_256);
    tcase_add_test(tc, cga_picture);
    tcase_add_test(tc, dispi_registers);
    tcase_add_test(tc, dispi_pictures);
    tcase_add_test(tc, state_laws);
    tcase_add_test(tc, hostile_registers);
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
