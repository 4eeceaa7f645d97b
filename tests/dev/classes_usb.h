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

    w->fn.bus = law_pci(law);
    w->fn.devfn = PCI_DEVFN(1, 3);
    rig_start(w);
    pci_cfg_write(law->extra, 0x80000b10, 0, 0xe0000000, 4);
    pci_cfg_write(law->extra, 0x80000b04, 0, 2, 2);
}

static void law_i6300esb_poke(struct law *law, u32 r)
{
    if (r & 1) {
        law_config_poke(law, r);
        return;
    }
    bus_write(&law->rig->mem, 0xe000000c, 0x80, 4);
    bus_write(&law->rig->mem, 0xe000000c, 0x86, 4);
    bus_write(&law->rig->mem, 0xe0000000 + (r & 12), r >> 8, 4);
    pci_cfg_write(law->extra, 0x80000b68, 0, r >> 4 & 2, 1);
}

/* ---- USB ---- */

/* The controller with a keyboard in its first port. */
static void law_uhci(struct law *law)
{
    struct uhci *hc = law_new(law, &uhci_class);
    struct usb_hid *kbd;
    struct pci_bus *pci = law_pci(law);

    hc->fn.bus = pci;
    hc->fn.devfn = PCI_DEVFN(1, 3);
    rig_start(hc);
    kbd = rig_new(law->rig, &usb_kbd_class, "law-kbd");
    kbd->bus = &hc->bus;
    rig_start(kbd);
    pci_cfg_write(pci, 0x80000b20, 0, 0xc001, 4);
    pci_cfg_write(pci, 0x80000b04, 0, 5, 2);
}

/* A schedule of random words in guest memory, most of them links to each other. */
static void law_uhci_poke(struct law *law, u32 r)
{
    struct bus *io = &law->rig->io;

    bus_write(&law->rig->mem, r & 0xffc, r & 1 ? r >> 4 & 0xff6 : r << 3, 4);
    switch (r >> 28) {
    case 0: bus_write(io, 0xc008, 0, 4); break;
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
    u8 buf[64] = {(u8)(r >> 4 & 0xa1), (u8)(r >> 8 & 15), (u8)(r >> 12), (u8)(r >> 16 & 0x23),
                  0, 0, (u8)(r >> 20), 0};

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
