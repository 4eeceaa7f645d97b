/* The Mandelbrot set in fixed-point arithmetic: 4.28 bits, one 32x32 to 64 bit multiplication per
 * product. */
#include "roms/demo/picture.h"
#include "roms/lib/vga.h"

enum { FRACTION = 28, MAX_ITERATIONS = 48 };

static s32 fixed_mul(s32 a, s32 b)
{
    return (s32)((s64)a * b >> FRACTION);
}

/* How long the point stays within reach: 0 for points of the set. */
static u32 iterate(s32 cr, s32 ci)
{
    s32 zr = 0, zi = 0;

    for (u32 n = 1; n <= MAX_ITERATIONS; n++) {
        s32 rr = fixed_mul(zr, zr), ii = fixed_mul(zi, zi);

        if ((u32)rr + (u32)ii > 4u << FRACTION)
            return n;
        zi = 2 * fixed_mul(zr, zi) + ci;
        zr = rr - ii + cr;
        /* Outside of [-2, 2] the next squares would not fit. */
        if (zr > 2 << FRACTION || zr < -(2 << FRACTION) || zi > 2 << FRACTION ||
            zi < -(2 << FRACTION))
            return n + 1;
    }
    return 0;
}

static u32 at_pixel(u32 x, u32 y, u32 width, u32 height)
{
    /* The view is 3.5 wide and centred at -0.75. */
    s32 step = (s32)(((u32)7 << (FRACTION - 1)) / width);

    return iterate(-(3 << (FRACTION - 2)) + step * ((s32)x - (s32)width / 2),
                   step * ((s32)y - (s32)height / 2));
}

static u32 mix(u32 sum, u32 v)
{
    return (sum << 5 | sum >> 27) ^ v;
}

u32 picture_vga(void)
{
    volatile u8 *screen = (volatile u8 *)0xa0000;
    u32 sum = 0;

    vga_mode13();
    for (u32 y = 0; y < 200; y++) {
        for (u32 x = 0; x < 320; x++)
            screen[y * 320 + x] = (u8)(at_pixel(x, y, 320, 200) * 5);
    }
    for (u32 i = 0; i < 320 * 200; i++)
        sum = mix(sum, screen[i]);
    return sum;
}

bool picture_linear(u32 *sum)
{
    volatile u32 *screen = vga_linear_mode(640, 480);

    if (screen == NULL)
        return false;
    for (u32 y = 0; y < 480; y++) {
        for (u32 x = 0; x < 640; x++) {
            u32 n = at_pixel(x, y, 640, 480);

            screen[y * 640 + x] =
                n == 0 ? x / 5 : (n * 5 & 255) << 16 | (n * 11 & 255) << 8 | (n * 3 & 255);
        }
    }
    *sum = 0;
    for (u32 i = 0; i < 640 * 480; i += 7)
        *sum = mix(*sum, screen[i] & 0xffffff);
    return true;
}
