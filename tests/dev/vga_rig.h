/* A display adapter driven through its ports and its window with no CPU, and the usual modes set by
 * registers, for its tests. */
#ifndef TESTS_DEV_VGA_RIG_H
#define TESTS_DEV_VGA_RIG_H

#include "devices/video/vga.h"

#include "devices/bus/pci.h"
#include "mmu/bus.h"

#include "tests/dev/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct rig {
    struct bus mem, io;
    struct clock clock;
    struct log log;
    struct ram_space space;
    struct dev_list list;
    struct pci_bus pci;
    struct dev *dev;
    struct display *disp;
    u64 now;
};

static inline u64 rig_now(void *arg)
{
    return ((struct rig *)arg)->now;
}

/* A display adapter of class `cls` with `vram` bytes (0: its default), on a PCI bus or not. */
static inline struct rig *rig_with(const struct dev_class *cls, u64 vram, bool pci)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct dev_env env = {&r->mem, &r->io, &r->clock, &r->log};
    struct vga_wiring w = {.space = &r->space, .vram = vram};
    struct err err = {""};
    static const u8 rom[3000] = {0x55, 0xaa, 6};

    bus_init(&r->mem, "memory", 1ull << 36, &r->log);
    bus_init(&r->io, "io", 0x10000, &r->log);
    clock_init(&r->clock, rig_now, r);
    dev_list_init(&r->list);
    pci_bus_init(&r->pci, &r->mem, &r->io, &r->log);
    r->dev = dev_new(&r->list, cls, "vga", &env);
    if (pci) {
        w.pci = &r->pci;
        w.devfn = PCI_DEVFN(2, 0);
        w.rom = rom;
        w.rom_len = sizeof(rom);
    }
    vga_wire(r->dev, &w);
    ck_assert_msg(dev_start(r->dev, &err), "%s", err.msg);
    dev_reset(r->dev);
    r->disp = vga_display(r->dev);
    return r;
}

static inline struct rig *rig_new(bool pci)
{
    return rig_with(&vga_class, 0, pci);
}

static inline void rig_free(struct rig *r)
{
    dev_list_free(&r->list);
    bus_free(&r->mem);
    bus_free(&r->io);
    clock_free(&r->clock);
    ram_space_free(&r->space);
    free(r);
}

static inline void out(struct rig *r, u32 port, u32 v)
{
    bus_write(&r->io, port, v, 1);
}

static inline u8 in(struct rig *r, u32 port)
{
    return (u8)bus_read(&r->io, port, 1);
}

static inline void seq(struct rig *r, u32 i, u32 v)
{
    bus_write(&r->io, 0x3c4, i | v << 8, 2);
}

static inline void gc(struct rig *r, u32 i, u32 v)
{
    bus_write(&r->io, 0x3ce, i | v << 8, 2);
}

static inline void crtc(struct rig *r, u32 i, u32 v)
{
    bus_write(&r->io, 0x3d4, i | v << 8, 2);
}

static inline void attr(struct rig *r, u32 i, u32 v)
{
    in(r, 0x3da);
    out(r, 0x3c0, i);
    out(r, 0x3c0, v);
}

static inline void dispi(struct rig *r, u32 i, u32 v)
{
    bus_write(&r->io, 0x1ce, i, 2);
    bus_write(&r->io, 0x1cf, v, 2);
}

static inline u32 dispi_in(struct rig *r, u32 i)
{
    bus_write(&r->io, 0x1ce, i, 2);
    return (u32)bus_read(&r->io, 0x1cf, 2);
}

static inline void poke(struct rig *r, u32 a, u32 v)
{
    bus_write(&r->mem, a, v, 1);
}

static inline u8 peek(struct rig *r, u32 a)
{
    return (u8)bus_read(&r->mem, a, 1);
}

/* A byte of one plane, in read mode 0. */
static inline u8 plane(struct rig *r, u32 p, u32 a)
{
    gc(r, 4, p);
    return peek(r, a);
}

static inline u32 pixel(const struct surface *s, u32 x, u32 y)
{
    ck_assert(x < s->w && y < s->h);
    return s->pixels[y * s->stride + x];
}

/* A palette where entry i is grey level i (6 bits), and attribute palette i = i. */
static inline void grey(struct rig *r)
{
    out(r, 0x3c8, 0);
    for (u32 i = 0; i < 256; i++) {
        for (u32 c = 0; c < 3; c++)
            out(r, 0x3c9, i & 63);
    }
    out(r, 0x3c6, 0xff);
    for (u32 i = 0; i < 16; i++)
        attr(r, i, i);
    attr(r, 0x12, 15);
    attr(r, 0x13, 0);
    attr(r, 0x14, 0);
}

static inline u32 level(u32 i)
{
    u32 c = (i & 63) << 2 | (i & 63) >> 4;
    return c << 16 | c << 8 | c;
}

/* Lines of picture, columns of characters, row offset. */
static inline void geometry(struct rig *r, u32 cols, u32 lines, u32 scan, u32 offset)
{
    crtc(r, 0x11, 0);
    crtc(r, 0, cols + 15);
    crtc(r, 1, cols - 1);
    crtc(r, 6, (lines + 49) & 0xff);
    crtc(r, 7,
         ((lines - 1) >> 7 & 2) | ((lines - 1) >> 3 & 0x40) | 0x10 | ((lines + 49) >> 8 & 1) |
             ((lines + 12) >> 6 & 4));
    crtc(r, 8, 0);
    crtc(r, 9, 0x40 | scan);
    crtc(r, 0x0a, 0x20);
    crtc(r, 0x0c, 0);
    crtc(r, 0x0d, 0);
    crtc(r, 0x10, (lines + 12) & 0xff);
    crtc(r, 0x11, ((lines + 14) & 15));
    crtc(r, 0x12, (lines - 1) & 0xff);
    crtc(r, 0x13, offset);
    crtc(r, 0x14, 0x1f);
    crtc(r, 0x17, 0xe3);
    crtc(r, 0x18, 0xff);
}

static inline void screen_on(struct rig *r)
{
    in(r, 0x3da);
    out(r, 0x3c0, 0x20);
}

static inline void mode_text(struct rig *r)
{
    out(r, 0x3c2, 0x67);
    seq(r, 1, 0);
    seq(r, 2, 3);
    seq(r, 3, 0);
    seq(r, 4, 2);
    gc(r, 0, 0), gc(r, 1, 0), gc(r, 3, 0);
    gc(r, 5, 0x10);
    gc(r, 6, 0x0e);
    gc(r, 8, 0xff);
    geometry(r, 80, 400, 15, 40);
    grey(r);
    attr(r, 0x10, 0x0c);
    attr(r, 0x13, 8); /* with nine dots, 8 is "not panned" */
    screen_on(r);
}

static inline void mode_13h(struct rig *r)
{
    out(r, 0x3c2, 0x63);
    seq(r, 1, 1);
    seq(r, 2, 15);
    seq(r, 4, 0x0e);
    gc(r, 0, 0), gc(r, 1, 0), gc(r, 3, 0);
    gc(r, 5, 0x40);
    gc(r, 6, 5);
    gc(r, 8, 0xff);
    geometry(r, 80, 400, 1, 40);
    crtc(r, 0x14, 0x40);
    crtc(r, 0x17, 0xa3);
    grey(r);
    attr(r, 0x10, 0x41);
    screen_on(r);
}

static inline void mode_planar(struct rig *r)
{
    out(r, 0x3c2, 0xe3);
    seq(r, 1, 1);
    seq(r, 2, 15);
    seq(r, 4, 6);
    gc(r, 0, 0), gc(r, 1, 0), gc(r, 3, 0);
    gc(r, 5, 0);
    gc(r, 6, 5);
    gc(r, 8, 0xff);
    geometry(r, 80, 480, 0, 40);
    grey(r);
    attr(r, 0x10, 1);
    screen_on(r);
}

#endif
