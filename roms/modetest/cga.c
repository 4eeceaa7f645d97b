/* The CGA's graphics modes: two interleaved banks, 2 bits or 1 bit a point. */
#include "roms/modetest/modetest.h"

static void fill(u32 bits)
{
    u32 per = 8 / bits, w = 80 * per;

    for (u32 y = 0; y < 200; y++) {
        for (u32 i = 0; i < 80; i++) {
            u32 v = 0;

            for (u32 k = 0; k < per; k++)
                v = v << bits | picture(i * per + k, y, w, 200, 1u << bits);
            put8(0xb8000 + (y & 1) * 0x2000 + (y >> 1) * 80 + i, v);
        }
    }
}

void test_cga(void)
{
    video(4, 0, 0, 0);
    fill(2);
    shown("04");
    video(0x0b00, 0x0101, 0, 0); /* the other palette */
    video(0x0b00, 0x0012, 0, 0);
    shown("04-palette");
    crtc(0x0d, 40);
    shown("04-start");
    video(5, 0, 0, 0);
    fill(2);
    shown("05");
    video(6, 0, 0, 0);
    fill(1);
    shown("06");
}
