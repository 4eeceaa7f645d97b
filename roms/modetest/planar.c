/* 16-colour modes: planes, write modes, latches, panning, split screen, palettes. */
#include "roms/modetest/modetest.h"

static void fill(u32 columns, u32 h, u32 stride, u32 planes)
{
    for (u32 y = 0; y < h; y++) {
        for (u32 i = 0; i < columns; i++) {
            u8 b[4] = {0};

            for (u32 k = 0; k < 8; k++) {
                u32 c = picture(i * 8 + k, y, columns * 8, h, 16) & planes;

                for (u32 p = 0; p < 4; p++)
                    b[p] |= (u8)((c >> p & 1) << (7 - k));
            }
            for (u32 p = 0; p < 4; p++) {
                seq(2, 1u << p);
                put8(0xa0000 + y * stride + i, b[p]);
            }
        }
    }
    seq(2, 15);
}

/* Boxes through every write mode, function and rotation over what is there. */
static void write_modes(u32 stride)
{
    for (u32 n = 0; n < 48; n++) {
        u32 at = 0xa0000 + (10 + n / 16 * 24) * stride + 2 + n % 16 * 2;

        gc(0, n & 15);
        gc(1, n >> 1 & 15);
        gc(3, (n & 7) | (n >> 3 & 3) << 3);
        gc(5, n & 3);
        gc(8, n & 4 ? 0xff : 0x3c);
        for (u32 y = 0; y < 16; y++) {
            get8(at + y * stride);
            put8(at + y * stride, (n * 37 + y * 5) & 0xff);
        }
    }
    gc(0, 0);
    gc(1, 0);
    gc(3, 0);
    gc(5, 0);
    gc(8, 0xff);
}

/* What read mode 1 says of a row, drawn below it. */
static void compare_row(u32 stride)
{
    for (u32 i = 0; i < stride; i++) {
        u32 v;

        gc(2, i & 15);
        gc(7, 15 - (i >> 4 & 7));
        gc(5, 8);
        v = get8(0xa0000 + 5 * stride + i);
        gc(5, 0);
        put8(0xa0000 + 180 * stride + i, v);
    }
    gc(7, 15);
}

static void effects(void)
{
    u32 overflow;

    video(0x0d, 0, 0, 0);
    fill(40, 200, 40, 15);
    write_modes(40);
    shown("0d-write-modes");
    compare_row(40);
    shown("0d-read-mode-1");
    attr(0x12, 5);
    fill(40, 200, 40, 15); /* for programs that look only at memory for changes */
    shown("0d-plane-enable");
    attr(0x12, 15);
    attr(0x14, 3);
    attr(0x10, 0x81);
    for (u32 i = 0; i < 64; i++)
        dac(i, i, 63 - i, i * 2 & 63);
    shown("0d-p54s");
    attr(0x10, 1);
    attr(0x14, 8);
    for (u32 i = 0; i < 64; i++)
        dac(128 + i, 63 - i, i, 20);
    shown("0d-color-select");
    outb(0x3c6, 0x0f);
    shown("0d-pel-mask");

    video(0x0d, 0, 0, 0);
    crtc(0x13, 24); /* 48 bytes a row: 384 points */
    fill(48, 300, 48, 15);
    shown("0d-wide-rows");
    crtc(0x0d, 49);
    shown("0d-start");
    crtc(0x08, 0x40); /* two bytes more */
    shown("0d-byte-pan");
    crtc(0x08, 0);
    crtc(0x18, 0x1f);
    overflow = crtc_get(7);
    crtc(0x07, overflow | 0x10);
    crtc(0x09, crtc_get(9) & ~0x40u);
    shown("0d-split");
    attr(0x13, 5);
    shown("0d-split-pan");
    attr(0x10, 0x21);
    shown("0d-split-pan-top");
}

void test_planar(void)
{
    static const struct {
        u8 mode, columns;
        u16 h;
        u8 planes;
        const char *name;
    } modes[] = {
        {0x0d, 40, 200, 15, "0d"}, {0x0e, 80, 200, 15, "0e"}, {0x0f, 80, 350, 1, "0f"},
        {0x10, 80, 350, 15, "10"}, {0x11, 80, 480, 1, "11"},  {0x12, 80, 480, 15, "12"},
    };

    for (u32 i = 0; i < ARRAY_LEN(modes); i++) {
        video(modes[i].mode, 0, 0, 0);
        fill(modes[i].columns, modes[i].h, modes[i].columns, modes[i].planes);
        shown(modes[i].name);
    }
    effects();
}
