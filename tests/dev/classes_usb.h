/* Watchdogs and USB as test_laws.c makes them; a part of classes.h. */
#ifndef TESTS_DEV_CLASSES_USB_H
#define TESTS_DEV_CLASSES_USB_H

/* ---- watchdogs ---- */

static void law_ib700(struct law *law)
{
    rig_start(law_new(law, &ib700_class));
}

static void law_i6300esb(struct law *law)
{
    struct i6300esb *w = law_new(law, &i6300esb_class);

    w->fn.bus = law_pci(law, PCI_DEVFN(1, 3));
    w->fn.devfn = PCI_DEVFN(1, 3);
    law->bar[0] = 0xe0000000;
    rig_start(w);
}

static void law_i6300esb_poke(struct law *law, u32 r)
{
    if (r & 1) {
        pci_cfg_write(law->pci, law->cfg + 0x60 + (r & 8), 0, r >> 8 & 0xff, r & 16 ? 1 : 2);
        return;
    }
    bus_write(&law->rig->mem, 0xe000000c, 0x80, 4);
    bus_write(&law->rig->mem, 0xe000000c, 0x86, 4);
    bus_write(&law->rig->mem, 0xe0000000 + (r & 12), r & 32 ? r >> 8 : r >> 24, 4);
    pci_cfg_write(law->pci, law->cfg + 0x68, 0, r >> 4 & 2, 1);
}

/* ---- USB ---- */

/* The first port powered, the controller runs a list whose frames all begin with the queue at 5000h. */
static void law_uhci_ready(struct law *law)
{
    struct bus *io = &law->rig->io, *mem = &law->rig->mem;

    bus_write(io, 0xc010, 0x200, 2);
    bus_write(io, 0xc010, 0, 2);
    bus_write(io, 0xc010, 4, 2);
    for (u32 i = 0; i < 1024; i++)
        bus_write(mem, 0x4000 + 4 * i, 0x5002, 4);
    bus_write(mem, 0x5000, 1, 4);
    bus_write(mem, 0x5004, 1, 4);
    bus_write(io, 0xc008, 0x4000, 4);
    bus_write(io, 0xc000, 1, 2);
}

/* The controller with a keyboard in its first port. */
static void law_uhci(struct law *law)
{
    struct uhci *hc = law_new(law, &uhci_class);
    struct usb_hid *kbd;

    hc->fn.bus = law_pci(law, PCI_DEVFN(1, 3));
    hc->fn.devfn = PCI_DEVFN(1, 3);
    rig_start(hc);
    kbd = rig_new(law->rig, &usb_kbd_class, "law-kbd");
    kbd->bus = &hc->bus;
    rig_start(kbd);
    law->bar[4] = 0xc000;
    law->ready = law_uhci_ready;
}

/* A request of eight bytes: of the standard, and of its classes. */
static void law_usb_setup(u8 *b, u32 r)
{
    static const u8 types[] = {0, 0x80, 0x81, 0x21, 0xa1, 1, 2, 0x82};
    u16 value = r & 0x100 ? (u16)(r >> 9 & 0xff) : (u16)((1 + (r >> 9) % 3) << (r & 0x200 ? 8 : 0));

    memset(b, 0, 8);
    b[0] = types[r & 7];
    b[1] = r >> 3 & 15;
    if (b[0] == 0x81)
        value = (u16)(0x2100 + (r >> 1 & 0x300));
    st16(b + 2, value);
    b[4] = r & 0x80 ? (u8)(r >> 16 & 0x83) : 0;
    st16(b + 6, r >> 20 & 0xff);
}

/* The queue holds one to three transactions with the keyboard, or with nobody. */
static void law_uhci_schedule(struct law *law, u32 r)
{
    struct bus *mem = &law->rig->mem;
    u8 setup[8];
    unsigned n = 1 + (r >> 30) % 3;

    law_usb_setup(setup, r);
    bus_copy(mem, 0x6000, setup, 8, true);
    for (unsigned i = 0; i < n; i++) {
        u32 at = 0x5100 + 32 * i, pid = i == 0 && r & 0x10000 ? 0x2d : r >> i & 0x20000 ? 0xe1 : 0x69;

        bus_write(mem, at, i + 1 < n ? (at + 32) | (r & 4) : 1, 4);
        bus_write(mem, at + 4, 0x00800000 | (r & 0x39000000), 4);
        bus_write(mem, at + 8, 7u << 21 | (r >> 18 & 1) << 15 | (r & 0x700000 ? 0 : r >> 8 & 0x7f00) | pid, 4);
        bus_write(mem, at + 12, 0x6000 + 64 * i, 4);
    }
    bus_write(mem, 0x5004, 0x5100, 4);
}

/* A schedule of random words in guest memory, most of them links to each other. */
static void law_uhci_poke(struct law *law, u32 r)
{
    struct bus *io = &law->rig->io;

    bus_write(&law->rig->mem, r & 0xffc, r & 1 ? r >> 4 & 0xff6 : r << 3, 4);
    if (r & 2) {
        law_uhci_schedule(law, r * 2654435761u);
        law->rig->now += 1000000;
        return;
    }
    switch (r >> 28) {
    case 0: bus_write(io, 0xc008, r & 4 ? 0 : 0x4000, 4); break;
    case 1: bus_write(io, 0xc000, 1, 2); break;
    case 2: bus_write(io, 0xc010, 4, 2); break;
    case 3:
        bus_write(&law->rig->mem, r & 0xffc, 0x00800000 | (r & 0x39000000), 4);
        bus_write(&law->rig->mem, (r & 0xffc) + 4, 0x00e00069 | (r & 0xff00), 4);
        break;
    default: break;
    }
}

static void law_usb_hid(struct law *law, const struct dev_class *cls)
{
    rig_start(law_new(law, cls));
}
static void law_usb_kbd(struct law *law) { law_usb_hid(law, &usb_kbd_class); }
static void law_usb_mouse(struct law *law) { law_usb_hid(law, &usb_mouse_class); }
static void law_usb_tablet(struct law *law) { law_usb_hid(law, &usb_tablet_class); }

static void law_usb_packet(struct usb_dev *u, u32 r)
{
    static const u8 pids[] = {USB_IN, USB_OUT, USB_SETUP, USB_IN};
    u8 buf[64] = {0};

    law_usb_setup(buf, r >> 4);
    if ((r & 15) == 15) {
        u->r->config = 1;
        u->r->halt_in = u->r->halt_out = 0;
    }
    usb_packet(u, (enum usb_pid)pids[r & 3], r >> 2 & 3, buf, (r & 3) == 2 ? 8 : r >> 24 & 63);
}

static void law_usb_hid_poke(struct law *law, u32 r)
{
    struct usb_hid *h = (struct usb_hid *)law->dev;
    struct input_sink keys = {0};
    struct mouse_sink mouse = {0};
    struct tablet_sink tablet = {0};
    struct usb_bus *none = NULL;
    struct plug plug = {.usb = &none, .keyboard = &keys, .mouse = &mouse, .tablet = &tablet};
    struct err err;

    if (r & 1) {
        law_usb_packet(&h->usb, r >> 1);
        return;
    }
    usb_hid_plug(law->dev, &plug, &err);
    if (keys.key)
        keys.key(h, (u16)(r >> 8 & 0x7f) | (r & 2 ? 0xe000 : 0), r >> 2 & 1);
    else if (mouse.move)
        mouse.move(h, (s32)r >> (r & 31), (s32)(r << 3), (s32)(r << 7) >> 28, r >> 5);
    else
        tablet.point(h, r >> 8, r >> 12, (s32)(r << 7) >> 28, r >> 5);
}

static void law_usb_storage(struct law *law)
{
    struct usb_storage *s = law_new(law, &usb_storage_class);

    s->blk = &law_disk(law, false)->blk.blk;
    rig_start(s);
}

static void law_usb_storage_poke(struct law *law, u32 r)
{
    static const u8 ops[] = {0x28, 0x2a, 0x12, 0x03, 0x25, 0x35, 0x1a, 0x5a, 0x08, 0xaa, 0x88, 0x23};
    struct usb_storage *s = (struct usb_storage *)law->dev;
    u8 cbw[64] = {0x55, 0x53, 0x42, 0x43, 1, 2, 3, 4, 0, (u8)(r >> 8 & 0x1f), 0, 0,
                  (u8)(r >> 9 & 0x80), 0, 16, ops[r % ARRAY_LEN(ops)], 0, 0, 0, 0, (u8)(r >> 20 & 63),
                  0, 0, (u8)(r >> 24 & 15)};

    s->usb.r->config = 1;
    s->usb.r->halt_in = s->usb.r->halt_out = 0;
    switch (r >> 28) {
    case 0: usb_packet(&s->usb, USB_OUT, 2, cbw, 31); break;
    case 1: law_usb_packet(&s->usb, r); break;
    case 2: s->blk->changed(s->blk->changed_arg); break;
    case 3: law_disk_fail(law, r >> 8 & 1 ? 5 : 0); break;
    default: usb_packet(&s->usb, r & 0x10000000 ? USB_IN : USB_OUT, r & 0x10000000 ? 1 : 2, cbw, 64);
    }
}

#endif
