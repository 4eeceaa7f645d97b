/* A USB controller with what is plugged into it, driven by schedules in memory as a driver makes
 * them. */
#ifndef TESTS_DEV_USB_RIG_H
#define TESTS_DEV_USB_RIG_H

#include "devices/core/bits.h"
#include "devices/usb/uhci.h"
#include "devices/usb/usb_hid.h"
#include "devices/usb/usb_storage.h"
#include "tests/dev/memblk.h"
#include "tests/dev/rig.h"

#include <check.h>

enum { IO = 0xc000, LIST = 0x1000, QH = 0x2000, TD = 0x3000, BUF = 0x8000, CFG = 0x80000a00 };
enum {
    ACTIVE = 1 << 23,
    STALLED = 1 << 22,
    NAK = 1 << 19,
    TIMEOUT = 1 << 18,
    BABBLE = 1 << 20,
    IOC = 1 << 24,
    SPD = 1 << 29,
    THREE = 3 << 27
};
#define MS 1000000ull

struct set {
    struct rig rig;
    struct region ram;
    struct pci_bus pci;
    struct uhci *hc;
    struct input_sink keys;
    struct mouse_sink mouse;
    struct tablet_sink tablet;
    int irq, old_keys, old_moves;
    struct memblk disk;
    u8 data[65536];
};

static inline void pirq(void *arg, int n, int level)
{
    ((struct set *)arg)->irq = level;
}
static inline void old_key(void *dev, u16 key, bool down)
{
    ((struct set *)dev)->old_keys++;
}
static inline void old_move(void *dev, int dx, int dy, int dz, u32 b)
{
    ((struct set *)dev)->old_moves++;
}

static inline u16 in16(struct set *s, unsigned reg)
{
    return (u16)bus_read(&s->rig.io, IO + reg, 2);
}
static inline void out16(struct set *s, unsigned reg, u16 v)
{
    bus_write(&s->rig.io, IO + reg, v, 2);
}
static inline void poke(struct set *s, u32 a, u32 v)
{
    mem32_set(&s->rig, a, v);
}
static inline u32 peek(struct set *s, u32 a)
{
    return mem32(&s->rig, a);
}

static inline struct set *setup(void)
{
    struct set *s = calloc(1, sizeof(*s));

    rig_init(&s->rig);
    rig_map_ram(&s->rig, &s->ram);
    pci_bus_init(&s->pci, &s->rig.mem, &s->rig.io, NULL);
    s->pci.set_pirq = pirq, s->pci.arg = s;
    s->hc = rig_new(&s->rig, &uhci_class, "uhci");
    s->hc->fn.bus = &s->pci;
    s->hc->fn.devfn = PCI_DEVFN(1, 2);
    rig_start(s->hc);
    pci_cfg_write(&s->pci, CFG | 0x20, 0, IO | 1, 4);
    pci_cfg_write(&s->pci, CFG | 4, 0, 5, 2);
    s->keys = (struct input_sink){s, old_key};
    s->mouse = (struct mouse_sink){s, old_move};
    for (unsigned i = 0; i < 1024; i++)
        poke(s, LIST + 4 * i, QH | 2);
    poke(s, QH, 1), poke(s, QH + 4, 1);
    bus_write(&s->rig.io, IO + 8, LIST, 4);
    return s;
}

static inline void teardown(struct set *s)
{
    rig_free(&s->rig);
    free(s);
}

static inline void *plug(struct set *s, const struct dev_class *cls,
                  bool (*wire)(struct dev *, const struct plug *, struct err *))
{
    struct usb_bus *bus = &s->hc->bus;
    struct plug p = {.usb = &bus,
                     .keyboard = &s->keys,
                     .mouse = &s->mouse,
                     .tablet = &s->tablet,
                     .blk = &s->disk.blk};
    struct dev *dev = rig_new(&s->rig, cls, cls->name);
    struct err err;

    ck_assert(wire(dev, &p, &err));
    rig_start(dev);
    return dev;
}

/* Reset and enable port 0, run. */
static inline void power(struct set *s)
{
    ck_assert_uint_eq(in16(s, 16) & 3, 3);
    out16(s, 16, 0x200);
    out16(s, 16, 0);
    out16(s, 16, 4 | 2);
    ck_assert_uint_eq(in16(s, 16) & 7, 5);
    out16(s, 0, 1);
    ck_assert_uint_eq(in16(s, 2) & 0x20, 0);
}

/* One transaction in the queue; its control word after at most `ms` frames. */
static inline u32 transact(struct set *s, u8 addr, unsigned ep, u8 pid, unsigned len, u32 flags,
                    unsigned ms)
{
    poke(s, TD, 1);
    poke(s, TD + 4, ACTIVE | THREE | flags);
    poke(s, TD + 8, ((len - 1) & 0x7ff) << 21 | ep << 15 | (u32)addr << 8 | pid);
    poke(s, TD + 12, BUF);
    poke(s, QH + 4, TD);
    for (; ms && (peek(s, TD + 4) & ACTIVE); ms--)
        rig_pass(&s->rig, MS);
    return peek(s, TD + 4);
}

/* A control request with at most `len` bytes in packets of 8; bytes moved, or -1 for a stall. */
static inline int control(struct set *s, u8 addr, const u8 *req, u8 *data)
{
    unsigned len = ld16(req + 6), at = 0;
    u32 c;

    memcpy(s->rig.ram.host + BUF, req, 8);
    c = transact(s, addr, 0, USB_SETUP, 8, 0, 2);
    ck_assert_uint_eq(c & (ACTIVE | STALLED), 0);
    while (at < len) {
        unsigned n = MIN(len - at, 8u);

        if (!(req[0] & 0x80))
            memcpy(s->rig.ram.host + BUF, data + at, n);
        c = transact(s, addr, 0, req[0] & 0x80 ? USB_IN : USB_OUT, n, 0, 2);
        if (c & STALLED)
            return -1;
        if (req[0] & 0x80)
            memcpy(data + at, s->rig.ram.host + BUF, (c + 1) & 0x7ff);
        at += (c + 1) & 0x7ff;
        if (((c + 1) & 0x7ff) < n)
            break;
    }
    c = transact(s, addr, 0, (req[0] & 0x80) && len ? USB_OUT : USB_IN, 0, 0, 2);
    return c & STALLED ? -1 : (int)at;
}

#define REQ(type, req, value, index, len)                                                          \
    (const u8[])                                                                                   \
    {                                                                                              \
        type, req, (value)&0xff, (value) >> 8, (index)&0xff, (index) >> 8, (len)&0xff, (len) >> 8  \
    }

static inline void enumerate(struct set *s)
{
    u8 d[256];

    power(s);
    ck_assert_int_eq(control(s, 0, REQ(0x80, 6, 0x100, 0, 64), d), 18);
    ck_assert_uint_eq(d[0], 18);
    ck_assert_int_eq(control(s, 0, REQ(0, 5, 5, 0, 0), d), 0);
    ck_assert_int_eq(control(s, 5, REQ(0x80, 6, 0x200, 0, 9), d), 9);
    ck_assert_int_eq(control(s, 5, REQ(0x80, 6, 0x200, 0, ld16(d + 2)), d), ld16(d + 2));
    ck_assert_int_eq(control(s, 5, REQ(0, 9, 1, 0, 0), d), 0);
    ck_assert_int_eq(control(s, 5, REQ(0x80, 8, 0, 0, 1), d), 1);
    ck_assert_uint_eq(d[0], 1);
}

#endif
