/* Draws a known picture in every standard BIOS mode, in unchained 256-colour modes, with the VGA's
 * special effects and in VBE modes, one after another, each until a key is pressed. */
#include "roms/modetest/modetest.h"

u16 video(u16 ax, u16 bx, u16 cx, u16 dx)
{
    struct cpu_regs r = {.eax = ax, .ebx = bx, .ecx = cx, .edx = dx};

    cpu_int(0x10, &r);
    big_fs();
    return r.ax;
}

u16 vbe_call(u16 ax, u16 bx, u16 cx, u16 dx, void *buf)
{
    struct cpu_regs r = {.eax = ax, .ebx = bx, .ecx = cx, .edx = dx, .edi = (u32)buf};

    cpu_int(0x10, &r);
    big_fs();
    return r.ax;
}

void seq(u32 i, u32 v)
{
    outw(0x3c4, (u16)(i | v << 8));
}

void gc(u32 i, u32 v)
{
    outw(0x3ce, (u16)(i | v << 8));
}

static u16 crtc_port(void)
{
    return inb(0x3cc) & 1 ? 0x3d4 : 0x3b4;
}

void crtc(u32 i, u32 v)
{
    outw(crtc_port(), (u16)(i | v << 8));
}

u8 crtc_get(u32 i)
{
    outb(crtc_port(), (u8)i);
    return inb((u16)(crtc_port() + 1));
}

void attr(u32 i, u32 v)
{
    inb((u16)(crtc_port() + 6));
    outb(0x3c0, (u8)i);
    outb(0x3c0, (u8)v);
    outb(0x3c0, 0x20);
}

u8 attr_get(u32 i)
{
    u8 v;

    inb((u16)(crtc_port() + 6));
    outb(0x3c0, (u8)i);
    v = inb(0x3c1);
    inb((u16)(crtc_port() + 6));
    outb(0x3c0, 0x20);
    return v;
}

void dac(u32 i, u32 r, u32 g, u32 b)
{
    outb(0x3c8, (u8)i);
    outb(0x3c9, (u8)r);
    outb(0x3c9, (u8)g);
    outb(0x3c9, (u8)b);
}

static void say(const char *s)
{
    for (; *s; s++)
        outb(0xe9, (u8)*s);
}

void shown(const char *name)
{
    struct cpu_regs r = {.eax = 0};

    say("mode ");
    say(name);
    say("\n");
    cpu_int(0x16, &r);
}

u32 picture(u32 x, u32 y, u32 w, u32 h, u32 colors)
{
    if (x == 0 || y == 0 || x == w - 1 || y == h - 1)
        return colors - 1;
    if (x == y || x + y == w - 1)
        return colors > 2 ? colors / 2 : 1;
    if (y < h / 3)
        return colors > 2 ? x * colors / w : (x ^ y) >> 3 & 1;
    if (y < 2 * h / 3)
        return (x / 8 + y / 8) % colors;
    return (x * 7 + y * 3) % colors;
}

void main(void);
void main(void)
{
    outb(0x92, inb(0x92) | 2);
    test_text();
    test_cga();
    test_planar();
    test_packed();
    test_vbe();
    test_cirrus();
    video(3, 0, 0, 0);
    say("end\n");
}
