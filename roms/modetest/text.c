/* Text modes: every character and attribute; 8 and 9 dots, two fonts, 50 rows, underline, panning,
 * split screen, 40 columns. */
#include "roms/modetest/modetest.h"

static void set(u32 mode)
{
    video((u16)mode, 0, 0, 0);
    video(0x0100, 0, 0x2000, 0); /* no cursor: it blinks */
    video(0x1003, 0, 0, 0);      /* bright backgrounds: characters would blink, too */
}

static void fill(u32 base, u32 columns, u32 rows)
{
    for (u32 y = 0; y < rows; y++) {
        for (u32 x = 0; x < columns; x++) {
            u32 n = y * columns + x;

            /* B0 to BF, whose ninth dot is the background, have a picture of their own. */
            put8(base + 2 * n, (n & 0xf0) == 0xb0 ? 0x20 : n & 0xff);
            put8(base + 2 * n + 1, (n * 5 + (n >> 8)) & 0xff);
        }
    }
}

void test_text(void)
{
    static const char *const names[] = {"00", "01", "02", "03"};

    for (u32 m = 0; m < 4; m++) {
        set(m);
        fill(0xb8000, m < 2 ? 40 : 80, 25);
        shown(names[m]);
        if (m == 1) {
            seq(1, 9); /* 40 columns of eight dots */
            shown("01-8-dots");
        }
    }
    set(7);
    fill(0xb0000, 80, 25);
    shown("07");

    set(3);
    video(0x1112, 0, 0, 0); /* 8x8 font: 50 rows */
    video(0x0100, 0, 0x2000, 0);
    fill(0xb8000, 80, 50);
    shown("03-50-rows");

    set(3);
    seq(1, 1); /* eight dots */
    fill(0xb8000, 80, 25);
    shown("03-8-dots");

    set(3);
    for (u32 i = 0; i < 2000; i++) { /* all kinds of ninth dots */
        put8(0xb8000 + 2 * i, i & 0xff);
        put8(0xb8001 + 2 * i, 0x1e);
    }
    shown("03-line-graphics");
    set(3);
    attr(0x10, 0); /* none for line graphics, no blinking */
    for (u32 i = 0; i < 2000; i++) {
        put8(0xb8000 + 2 * i, (i * 3) & 0xff);
        put8(0xb8001 + 2 * i, 0x2f);
    }
    shown("03-no-line-graphics");

    set(3);
    fill(0xb8000, 80, 50);
    crtc(0x0c, 0);
    crtc(0x0d, 85); /* from another place, and some dots and lines in */
    shown("03-start");
    crtc(0x08, 5);
    shown("03-preset-row");
    crtc(0x08, 0);
    attr(0x13, 3);
    shown("03-pan");
    attr(0x13, 8);
    crtc(0x18, 199); /* the split: lower part from 0 */
    crtc(0x07, crtc_get(7) & ~0x10u);
    crtc(0x09, crtc_get(9) & ~0x40u);
    shown("03-split");
    attr(0x13, 3);
    attr(0x10, 0x24);
    shown("03-split-pan");

    set(3);
    video(0x1112, 1, 0, 0); /* another font as the second one */
    seq(3, 4);              /* attribute bit 3 chooses between block 0 and 1 */
    crtc(0x09, 0x4f);
    crtc(0x12, 0x8f);
    fill(0xb8000, 80, 25);
    shown("03-two-fonts");
}
