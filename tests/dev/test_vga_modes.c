/* What modes are made of beyond the usual: memory sizes, panning and splits in every kind of mode,
 * blinking, the border, palettes, large frame buffers, and that only what changed is drawn. */
#include "tests/dev/vga_rig.h"

#define LFB 0xe0000000ull

static void map_lfb(struct rig *r)
{
    pci_cfg_write(&r->pci, 0x80001010, 0, (u32)LFB, 4);
    pci_cfg_write(&r->pci, 0x80001004, 0, 3, 2);
}

static void dispi_mode(struct rig *r, u32 w, u32 h, u32 bpp)
{
    dispi(r, 4, 0);
    dispi(r, 1, w);
    dispi(r, 2, h);
    dispi(r, 3, bpp);
    dispi(r, 4, 0x41);
    screen_on(r);
}

static const struct surface *look(struct rig *r)
{
    return r->disp->update(r->disp->dev, false);
}

START_TEST(memory_sizes)
{
    static const u32 mib[] = {1, 2, 8, 16, 32, 64};

    for (u32 i = 0; i < ARRAY_LEN(mib); i++) {
        struct rig *r = rig_with(&vga_class, mib[i] * MIB, true);
        u32 last = mib[i] * (u32)MIB - 4;

        map_lfb(r);
        ck_assert_uint_eq(dispi_in(r, 10), mib[i] * 16);
        ck_assert_uint_eq(vga_ram(r->dev)->size, mib[i] * MIB);
        bus_write(&r->mem, LFB + last, 0x12345678, 4);
        ck_assert_uint_eq(bus_read(&r->mem, LFB + last, 4), 0x12345678);
        /* the last bank shows it, the one behind it is the first */
        mode_13h(r);
        dispi_mode(r, 640, 480, 8);
        bus_write(&r->mem, LFB + last, 0x12345678, 4);
        dispi(r, 5, mib[i] * 16 - 1);
        ck_assert_uint_eq(peek(r, 0xafffc), 0x78);
        dispi(r, 5, mib[i] * 16);
        ck_assert_uint_eq(dispi_in(r, 5), 0);
        /* a mode that is too large becomes as high as fits */
        dispi_mode(r, 1024, 768, 32);
        ck_assert_uint_eq(look(r)->h, mib[i] < 3 ? MIN(mib[i] * 256u, 768u) : 768);
        rig_free(r);
    }
}
END_TEST

START_TEST(large_linear)
{
    struct rig *r = rig_with(&vga_class, 16 * MIB, true);
    const struct surface *s;

    map_lfb(r);
    mode_13h(r);
    dispi_mode(r, 1920, 1200, 32);
    s = look(r);
    ck_assert_uint_eq(s->w, 1920);
    ck_assert_uint_eq(s->h, 1200);
    bus_write(&r->mem, LFB + (1199ull * 1920 + 1919) * 4, 0xabcdef, 4);
    s = look(r);
    ck_assert_uint_eq(pixel(s, 1919, 1199), 0xabcdef);
    /* one page of it: at most two rows are touched */
    ck_assert_uint_ge(s->dirty_y0, 1198);
    s = look(r);
    ck_assert_uint_eq(s->dirty_y0, s->dirty_y1);
    /* scrolling down by rows and right by pixels */
    dispi(r, 9, 500);
    s = look(r);
    ck_assert_uint_eq(pixel(s, 1919, 699), 0xabcdef);
    dispi(r, 9, 0);
    dispi(r, 6, 2048);
    bus_write(&r->mem, LFB + (10 * 2048ull + 100) * 4, 0x123456, 4);
    dispi(r, 8, 60);
    s = look(r);
    ck_assert_uint_eq(pixel(s, 40, 10), 0x123456);
    rig_free(r);
}
END_TEST

START_TEST(depths_are_scaled)
{
    struct rig *r = rig_with(&vga_class, 0, true);
    const struct surface *s;

    map_lfb(r);
    mode_13h(r);
    dispi_mode(r, 640, 480, 15);
    bus_write(&r->mem, LFB, 0x7fff, 2);
    bus_write(&r->mem, LFB + 2, 0x4210, 2);
    s = look(r);
    ck_assert_uint_eq(pixel(s, 0, 0), 0xffffff);
    ck_assert_uint_eq(pixel(s, 1, 0), 0x848484);
    dispi_mode(r, 640, 480, 16);
    bus_write(&r->mem, LFB, 0xffff, 2);
    bus_write(&r->mem, LFB + 2, 0x8410, 2);
    s = look(r);
    ck_assert_uint_eq(pixel(s, 0, 0), 0xffffff);
    ck_assert_uint_eq(pixel(s, 1, 0), 0x848284);
    rig_free(r);
}
END_TEST

START_TEST(wide_dac)
{
    struct rig *r = rig_with(&vga_class, 0, true);

    map_lfb(r);
    mode_13h(r);
    dispi_mode(r, 640, 480, 8);
    dispi(r, 4, 0x61);
    out(r, 0x3c8, 7);
    out(r, 0x3c9, 0x81), out(r, 0x3c9, 0x42), out(r, 0x3c9, 0xff);
    bus_write(&r->mem, LFB + 5, 7, 1);
    ck_assert_uint_eq(pixel(look(r), 5, 0), 0x8142ff);
    out(r, 0x3c6, 0xf8); /* the mask takes the lower bits of 7 */
    ck_assert_uint_eq(pixel(look(r), 5, 0), 0);
    rig_free(r);
}
END_TEST

START_TEST(cursor_skew)
{
    struct rig *r = rig_new(false);
    struct text_screen *t = calloc(1, sizeof(*t));

    mode_text(r);
    crtc(r, 0x0a, 0), crtc(r, 0x0e, 0), crtc(r, 0x0f, 10);
    for (u32 skew = 0; skew < 4; skew++) {
        crtc(r, 0x0b, skew << 5 | 15);
        ck_assert(r->disp->text(r->disp->dev, t));
        ck_assert(t->cursor_on);
        ck_assert_uint_eq(t->cursor_x, 10 + skew);
    }
    free(t);
    rig_free(r);
}
END_TEST

START_TEST(graphics_blink)
{
    struct rig *r = rig_new(false);

    mode_planar(r);
    attr(r, 0x10, 9);
    screen_on(r);
    seq(r, 2, 1);
    poke(r, 0xa0000, 0x80);
    r->now = 0;
    ck_assert_uint_eq(pixel(look(r), 0, 0), level(1));
    r->now = NS_PER_SEC * 17 / 70;
    ck_assert_uint_eq(pixel(look(r), 0, 0), level(9));
    attr(r, 0x10, 1);
    screen_on(r);
    ck_assert_uint_eq(pixel(look(r), 0, 0), level(1));
    rig_free(r);
}
END_TEST

START_TEST(border_fills_the_screen_without_a_palette)
{
    struct rig *r = rig_new(false);

    mode_planar(r);
    attr(r, 0x11, 5);
    in(r, 0x3da);
    out(r, 0x3c0, 0); /* the CPU has the palette */
    ck_assert_uint_eq(pixel(look(r), 100, 100), level(5));
    screen_on(r);
    ck_assert_uint_eq(pixel(look(r), 100, 100), 0);
    seq(r, 1, 0x21);
    in(r, 0x3da);
    out(r, 0x3c0, 0);
    ck_assert_uint_eq(pixel(look(r), 100, 100), 0);
    rig_free(r);
}
END_TEST

/* Panning by less than a character and by whole bytes, and what the lower part of a split keeps. */
START_TEST(panning_256)
{
    struct rig *r = rig_new(false);
    const struct surface *s;

    mode_13h(r);
    crtc(r, 0x14, 0), crtc(r, 0x17, 0xe3); /* bytes: one address is four pixels */
    seq(r, 4, 6);
    for (u32 p = 0; p < 4; p++) {
        seq(r, 2, 1u << p);
        for (u32 x = 0; x < 90; x++)
            poke(r, 0xa0000 + x, (4 * x + p) & 63);
    }
    ck_assert_uint_eq(pixel(look(r), 0, 0), level(0));
    attr(r, 0x13, 2); /* two dots are one pixel here */
    screen_on(r);
    ck_assert_uint_eq(pixel(look(r), 0, 0), level(1));
    ck_assert_uint_eq(pixel(look(r), 639, 0), level((319 + 1) & 63));
    crtc(r, 8, 0x40); /* two bytes */
    ck_assert_uint_eq(pixel(look(r), 0, 0), level(9));
    /* the split starts at address 0, panned unless the mode control says no */
    crtc(r, 0x18, 99), crtc(r, 7, 0x42), crtc(r, 9, 0x01);
    s = look(r);
    ck_assert_uint_eq(pixel(s, 0, 100), level(1));
    attr(r, 0x10, 0x61);
    screen_on(r);
    ck_assert_uint_eq(pixel(look(r), 0, 100), level(0));
    ck_assert_uint_eq(pixel(look(r), 0, 0), level(9));
    rig_free(r);
}
END_TEST

START_TEST(preset_row_and_double_scan)
{
    struct rig *r = rig_new(false);
    const struct surface *s;

    mode_planar(r);
    crtc(r, 9, 0x43); /* four lines a row */
    poke(r, 0xa0000, 0x80);
    poke(r, 0xa0050, 0x40);
    s = look(r);
    ck_assert_uint_eq(pixel(s, 0, 3), level(15));
    ck_assert_uint_eq(pixel(s, 1, 4), level(15));
    crtc(r, 8, 3); /* one line of the first row is left */
    s = look(r);
    ck_assert_uint_eq(pixel(s, 0, 0), level(15));
    ck_assert_uint_eq(pixel(s, 1, 1), level(15));
    crtc(r, 8, 0), crtc(r, 9, 0xc0); /* every line twice */
    s = look(r);
    ck_assert_uint_eq(pixel(s, 0, 1), level(15));
    ck_assert_uint_eq(pixel(s, 1, 2), level(15));
    rig_free(r);
}
END_TEST

START_TEST(underline_and_second_font)
{
    struct rig *r = rig_new(false);
    const struct surface *s;

    mode_text(r);
    crtc(r, 0x14, 12);
    bus_write(&r->mem, 0xb8000, 0x0120, 2); /* underlined: foreground 1 on 0 */
    bus_write(&r->mem, 0xb8002, 0x0220, 2);
    s = look(r);
    ck_assert_uint_eq(pixel(s, 0, 12), level(1));
    ck_assert_uint_eq(pixel(s, 8, 12), level(1));
    ck_assert_uint_eq(pixel(s, 9, 12), 0);
    ck_assert_uint_eq(pixel(s, 0, 11), 0);
    /* the second font is at 8000h of plane 2 (block 2), chosen by attribute bit 3 */
    seq(r, 2, 4), seq(r, 4, 6), gc(r, 5, 0), gc(r, 6, 4);
    poke(r, 0xa8000 + 0x41 * 32, 0x80);
    seq(r, 2, 3), seq(r, 4, 2), gc(r, 5, 0x10), gc(r, 6, 0x0e);
    seq(r, 3, 0x08); /* A: block 2, B: block 0 */
    bus_write(&r->mem, 0xb8004, 0x0f41, 2);
    ck_assert_uint_eq(pixel(look(r), 18, 0), level(15));
    bus_write(&r->mem, 0xb8004, 0x0741, 2);
    ck_assert_uint_eq(pixel(look(r), 18, 0), 0);
    rig_free(r);
}
END_TEST

START_TEST(half_clock_is_wide)
{
    struct rig *r = rig_new(false);

    mode_text(r);
    geometry(r, 40, 400, 15, 20);
    seq(r, 1, 8);
    ck_assert_uint_eq(look(r)->w, 720);
    seq(r, 1, 9);
    ck_assert_uint_eq(look(r)->w, 640);
    rig_free(r);
}
END_TEST

START_TEST(status_follows_the_clock)
{
    struct rig *r = rig_new(false);
    u32 lines = 0;
    u8 last = 1;

    mode_planar(r); /* 640x480: 31.5 kHz */
    seq(r, 1, 1);
    crtc(r, 0x11, 0);
    crtc(r, 0, 0x5f), crtc(r, 1, 0x4f), crtc(r, 6, 0x0b), crtc(r, 7, 0x3e), crtc(r, 0x10, 0xea);
    crtc(r, 0x11, 0x0c), crtc(r, 0x12, 0xdf);
    for (u32 i = 0; i < 50000; i++) { /* 10 ms in steps of 200 ns */
        u8 s;
        r->now += 200;
        s = in(r, 0x3da);
        lines += (s & 1) && !(last & 1);
        last = s;
    }
    ck_assert_uint_ge(lines, 270); /* 315 lines, less those within the vertical blank */
    ck_assert_uint_le(lines, 316);
    rig_free(r);
}
END_TEST

START_TEST(registers_in_memory)
{
    struct rig *r = rig_with(&vga_class, 0, true);
    u64 at = 0xe8000000;

    map_lfb(r);
    pci_cfg_write(&r->pci, 0x80001018, 0, (u32)at, 4);
    mode_13h(r);
    bus_write(&r->mem, at + 0x404, 2, 1); /* 3C4, 3C5 */
    ck_assert_uint_eq(bus_read(&r->mem, at + 0x405, 1), 15);
    bus_write(&r->mem, at + 0x405, 7, 1);
    out(r, 0x3c4, 2);
    ck_assert_uint_eq(in(r, 0x3c5), 7);
    bus_write(&r->mem, at + 0x500 + 2 * 1, 0x0320, 2);
    ck_assert_uint_eq(dispi_in(r, 1), 0x320);
    ck_assert_uint_eq(bus_read(&r->mem, at + 0x500 + 2 * 1, 2), 0x320);
    ck_assert_uint_eq(bus_read(&r->mem, at + 0x600, 4), 8);
    ck_assert_uint_eq(bus_read(&r->mem, at + 0x604, 4), 0x1e1e1e1e);
    ck_assert_uint_eq(bus_read(&r->mem, at + 0x700, 1), 0xff);
    bus_write(&r->mem, at + 0x700, 1, 1);
    rig_free(r);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        memory_sizes, large_linear, depths_are_scaled, wide_dac, cursor_skew, graphics_blink,
        border_fills_the_screen_without_a_palette, panning_256, preset_row_and_double_scan,
        underline_and_second_font, half_clock_is_wide, status_follows_the_clock,
        registers_in_memory, NULL,
    };
    Suite *suite = suite_create("vga modes");
    TCase *tc = tcase_create("vga modes");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 60);
    for (u32 i = 0; tests[i]; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
