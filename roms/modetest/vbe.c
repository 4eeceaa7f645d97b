/* VBE: packed and direct-colour modes through the bank window and the linear frame buffer, scrolling,
 * row lengths, the wide DAC, and a mode set by the dispi registers (VBE core functions 3.0). */
#include "roms/modetest/modetest.h"

struct mode_info {
    u16 attributes;
    u8 win_a, win_b;
    u16 granularity, win_size, seg_a, seg_b;
    u32 win_func;
    u16 pitch, w, h;
    u8 cell_w, cell_h, planes, bpp, banks, model, bank_size, pages, reserved;
    u8 direct[9];
    u32 lfb;
    u8 rest[212];
} PACKED;

static struct mode_info info;

static u32 color(u32 x, u32 y, u32 w, u32 h, u32 bpp)
{
    u32 r = x * 255 / w, g = y * 255 / h, b = (x ^ y) & 255, p;

    if (bpp == 8)
        return picture(x, y, w, h, 256);
    p = picture(x, y, w, h, 4);
    if (p == 3)
        r = g = b = 255;
    if (bpp == 15)
        return r >> 3 << 10 | g >> 3 << 5 | b >> 3;
    if (bpp == 16)
        return r >> 3 << 11 | g >> 2 << 5 | b >> 3;
    return r << 16 | g << 8 | b;
}

/* The window shows the 64 KiB that `at` is in. */
static u32 banked(u32 at, u32 *bank)
{
    if (at >> 16 != *bank) {
        *bank = at >> 16;
        vbe_call(0x4f05, 0, 0, (u16)(*bank * 64 / info.granularity), 0);
    }
    return 0xa0000 + (at & 0xffff);
}

/* Every `step`-th row, the others as their upper neighbour: a large picture takes long otherwise. */
static void fill(u32 w, u32 h, u32 pitch, u32 bpp, bool linear)
{
    u32 bytes = (bpp + 7) / 8, bank = ~0u;

    for (u32 y = 0; y < h; y++) {
        for (u32 x = 0; x < w; x++) {
            u32 c = color(x, y, w, h, bpp), at = y * pitch + x * bytes;

            if (linear && bytes == 4) {
                poke32(0, info.lfb + at, c);
                continue;
            }
            for (u32 k = 0; k < bytes; k++)
                put8(linear ? info.lfb + at + k : banked(at + k, &bank), c >> (8 * k) & 0xff);
        }
    }
}

static bool set_mode(u32 mode)
{
    return vbe_call(0x4f01, 0, (u16)mode, 0, &info) == 0x4f &&
           vbe_call(0x4f02, (u16)mode, 0, 0, 0) == 0x4f;
}

/* The number of the mode with these measures among all that the BIOS has; 0: none. */
static u32 find_mode(u32 w, u32 h, u32 bpp)
{
    for (u32 m = 0x100; m < 0x1a0; m++) {
        if (vbe_call(0x4f01, 0, (u16)m, 0, &info) == 0x4f && (info.attributes & 1) &&
            info.w == w && info.h == h && info.bpp == bpp && (info.model == 4 || info.model == 6))
            return m;
    }
    return 0;
}

bool vbe_linear(u32 w, u32 h, u32 bpp, u32 *lfb, u32 *pitch)
{
    u32 m = find_mode(w, h, bpp);

    if (!m || !set_mode(m | 0x4000))
        return false;
    *lfb = info.lfb;
    *pitch = info.pitch;
    return true;
}

static void planar(void)
{
    if (!set_mode(0x102))
        return;
    for (u32 p = 0; p < 4; p++) {
        seq(2, 1u << p);
        for (u32 y = 0; y < 600; y++) {
            for (u32 i = 0; i < 100; i++) {
                u32 b = 0;

                for (u32 k = 0; k < 8; k++)
                    b = b << 1 | (picture(i * 8 + k, y, 800, 600, 16) >> p & 1);
                put8(0xa0000 + y * 100 + i, b);
            }
        }
    }
    seq(2, 15);
    shown("vbe-4-800x600");
}

static void depths(void)
{
    static const struct {
        u16 w, h;
        u8 bpp;
        const char *banked, *linear;
    } list[] = {
        {640, 480, 8, "vbe-8-banked", "vbe-8-linear"},
        {640, 480, 15, "vbe-15-banked", "vbe-15-linear"},
        {640, 480, 16, "vbe-16-banked", "vbe-16-linear"},
        {640, 480, 24, "vbe-24-banked", "vbe-24-linear"},
        {640, 480, 32, "vbe-32-banked", "vbe-32-linear"},
        {1024, 768, 8, NULL, "vbe-8-1024x768"},
        {1280, 1024, 16, NULL, "vbe-16-1280x1024"},
        {1920, 1200, 32, NULL, "vbe-32-1920x1200"},
    };

    for (u32 i = 0; i < ARRAY_LEN(list); i++) {
        u32 m = find_mode(list[i].w, list[i].h, list[i].bpp);

        if (!m)
            continue;
        if (list[i].banked && set_mode(m)) {
            fill(info.w, info.h, info.pitch, info.bpp, false);
            shown(list[i].banked);
        }
        if (set_mode(m | 0x4000)) {
            fill(info.w, info.h, info.pitch, info.bpp, true);
            shown(list[i].linear);
        }
    }
}

static void scrolling(void)
{
    u32 m = find_mode(640, 480, 16);

    if (!m || !set_mode(m | 0x4000))
        return;
    vbe_call(0x4f06, 0, 800, 0, 0); /* rows of 800 points */
    fill(800, 600, 1600, 16, true);
    shown("vbe-16-virtual");
    vbe_call(0x4f07, 0, 100, 77, 0);
    shown("vbe-16-offset");
}

static void wide_dac(void)
{
    u32 m = find_mode(640, 480, 8);

    if (!m || !set_mode(m | 0x4000))
        return;
    fill(info.w, info.h, info.pitch, 8, true);
    vbe_call(0x4f08, 0x0800, 0, 0, 0);
    for (u32 i = 0; i < 256; i++)
        dac(i, i, 255 - i, i ^ 0x55);
    shown("vbe-8-dac-8");
}

/* Dispi registers alone, with a width that no BIOS mode has. */
static void dispi(u32 i, u32 v)
{
    outw(0x1ce, (u16)i);
    outw(0x1cf, (u16)v);
}

static void by_registers(void)
{
    u32 lfb = find_mode(640, 480, 32) ? info.lfb : 0;

    if (!lfb)
        return;
    outw(0x1ce, 0);
    if ((inw(0x1cf) & 0xfff0) != 0xb0c0) /* another adapter */
        return;
    dispi(4, 0);
    dispi(1, 1000);
    dispi(2, 700);
    dispi(3, 32);
    dispi(4, 0x41);
    info.lfb = lfb;
    fill(1000, 700, 4000, 32, true);
    shown("dispi-1000x700");
    dispi(4, 0);
}

void test_vbe(void)
{
    planar();
    depths();
    scrolling();
    wide_dac();
    by_registers();
}
