/* 256 colours: mode 13h, and modes without chain-4 with 320x240 and 360x480 points. */
#include "roms/modetest/modetest.h"

static void palette(void)
{
    for (u32 i = 0; i < 256; i++)
        dac(i, i & 63, (i * 3) & 63, (255 - i) >> 2);
}

static void unchained(u32 w, u32 h, u32 stride)
{
    for (u32 p = 0; p < 4; p++) {
        seq(2, 1u << p);
        for (u32 y = 0; y < h; y++) {
            for (u32 x = p; x < w; x += 4)
                put8(0xa0000 + y * stride + x / 4, picture(x, y, w, h, 256));
        }
    }
    seq(2, 15);
}

/* Mode 13h without chain-4, in byte mode, with 480 lines. */
static void mode_x(u32 misc)
{
    video(0x13, 0, 0, 0);
    seq(4, 6);
    seq(0, 1);
    outb(0x3c2, (u8)misc);
    seq(0, 3);
    crtc(0x11, crtc_get(0x11) & 0x7fu);
    crtc(0x06, 0x0d);
    crtc(0x07, 0x3e);
    crtc(0x09, 0x41);
    crtc(0x10, 0xea);
    crtc(0x11, 0xac);
    crtc(0x12, 0xdf);
    crtc(0x14, 0x00);
    crtc(0x15, 0xe7);
    crtc(0x16, 0x06);
    crtc(0x17, 0xe3);
}

void test_packed(void)
{
    video(0x13, 0, 0, 0);
    for (u32 y = 0; y < 200; y++) {
        for (u32 x = 0; x < 320; x++)
            put8(0xa0000 + y * 320 + x, picture(x, y, 320, 200, 256));
    }
    shown("13");
    palette();
    shown("13-palette");
    crtc(0x0d, 20);
    shown("13-start");
    crtc(0x09, crtc_get(9) & ~0x1fu); /* every line once: the lower half shows what follows */
    crtc(0x0d, 24); /* and from elsewhere, for programs that look only at this for changes */
    shown("13-400-lines");
    attr(0x13, 2);
    shown("13-pan");

    mode_x(0xe3);
    palette();
    unchained(320, 240, 80);
    shown("x-320x240");
    crtc(0x0d, 81);
    shown("x-scroll");
    crtc(0x09, 0x01);
    crtc(0x18, 199);
    crtc(0x07, 0x2e);
    shown("x-split");
    attr(0x13, 4);
    shown("x-split-pan");

    mode_x(0xe7);
    crtc(0x11, 0x2c);
    crtc(0x00, 0x6b);
    crtc(0x01, 0x59);
    crtc(0x02, 0x5a);
    crtc(0x03, 0x8e);
    crtc(0x04, 0x5e);
    crtc(0x05, 0x8a);
    crtc(0x09, 0x40);
    crtc(0x13, 0x2d);
    unchained(360, 480, 90);
    shown("x-360x480");
}
