/* UHCI and its devices, driven through schedules in memory as a driver makes them: enumeration, HID
 * reports, bulk-only disks, ports, errors and hostile lists. */
#include "tests/dev/usb_rig.h"

START_TEST(requests)
{
    struct set *s = setup();
    u8 d[512] = {0};

    plug(s, &usb_kbd_class, usb_hid_plug);
    enumerate(s);
    ck_assert_int_eq(control(s, 5, REQ(0x80, 6, 0x300, 0, 4), d), 4);
    ck_assert_uint_eq(ld16(d + 2), 0x409);
    ck_assert_int_eq(control(s, 5, REQ(0x80, 6, 0x302, 0x409, 255), d), 26);
    ck_assert_uint_eq(d[2], 'U');
    ck_assert_int_eq(control(s, 5, REQ(0x80, 6, 0x309, 0x409, 255), d), -1);
    ck_assert_int_eq(control(s, 5, REQ(0x80, 6, 0x700, 0, 255), d), -1);
    ck_assert_int_eq(control(s, 5, REQ(0x81, 6, 0x2200, 0, 255), d), 65);
    ck_assert_uint_eq(d[0], 5);
    ck_assert_int_eq(control(s, 5, REQ(0x81, 6, 0x2100, 0, 255), d), 9);
    ck_assert_uint_eq(d[7], 65);
    ck_assert_int_eq(control(s, 5, REQ(0x80, 0, 0, 0, 2), d), 2);
    ck_assert_int_eq(control(s, 5, REQ(0, 3, 1, 0, 0), d), 0); /* remote wake-up */
    ck_assert_int_eq(control(s, 5, REQ(0x80, 0, 0, 0, 2), d), 2);
    ck_assert_uint_eq(d[0], 2);
    ck_assert_int_eq(control(s, 5, REQ(2, 3, 0, 0x81, 0), d), 0); /* halt */
    ck_assert_int_eq(control(s, 5, REQ(0x82, 0, 0, 0x81, 2), d), 2);
    ck_assert_uint_eq(d[0], 1);
    ck_assert(transact(s, 5, 1, USB_IN, 8, 0, 2) & STALLED);
    ck_assert_uint_eq(in16(s, 2) & 2, 2); /* error interrupt */
    ck_assert_int_eq(control(s, 5, REQ(2, 1, 0, 0x81, 0), d), 0);
    ck_assert(transact(s, 5, 1, USB_IN, 8, 0, 2) & NAK);
    ck_assert_int_eq(control(s, 5, REQ(2, 3, 7, 0x81, 0), d), -1);
    ck_assert_int_eq(control(s, 5, REQ(0, 9, 2, 0, 0), d), -1);
    ck_assert_int_eq(control(s, 5, REQ(0x81, 10, 0, 0, 1), d), 1);
    ck_assert_int_eq(control(s, 5, REQ(1, 11, 0, 0, 0), d), 0);
    ck_assert_int_eq(control(s, 5, REQ(1, 11, 1, 0, 0), d), -1);
    ck_assert_int_eq(control(s, 5, REQ(0, 77, 0, 0, 0), d), -1);
    ck_assert_int_eq(control(s, 5, REQ(0x21, 9, 0x200, 0, 300), d), -1); /* too long */
    /* class: idle, protocol, lamps */
    ck_assert_int_eq(control(s, 5, REQ(0x21, 10, 0x500, 0, 0), d), 0);
    ck_assert_int_eq(control(s, 5, REQ(0xa1, 2, 0, 0, 1), d), 1);
    ck_assert_uint_eq(d[0], 5);
    ck_assert_int_eq(control(s, 5, REQ(0x21, 11, 0, 0, 0), d), 0);
    ck_assert_int_eq(control(s, 5, REQ(0xa1, 3, 0, 0, 1), d), 1);
    ck_assert_uint_eq(d[0], 0);
    d[0] = 2;
    ck_assert_int_eq(control(s, 5, REQ(0x21, 9, 0x200, 0, 1), d), 1);
    ck_assert_int_eq(control(s, 5, REQ(0xa1, 1, 0x100, 0, 8), d), 8);
    ck_assert_int_eq(control(s, 5, REQ(0xa1, 99, 0, 0, 8), d), -1);
    ck_assert_int_eq(control(s, 5, REQ(0xc1, 1, 0, 0, 8), d), -1);
    ck_assert_int_eq(control(s, 5, REQ(0x20, 9, 0, 0, 0), d), -1);
    /* the idle rate repeats a report that did not change */
    rig_pass(&s->rig, 30 * MS);
    ck_assert_uint_eq(transact(s, 5, 1, USB_IN, 8, 0, 3) & (ACTIVE | 0x7ff), 7);
    /* nobody at another address: three tries */
    ck_assert_uint_eq(transact(s, 9, 0, USB_IN, 8, 0, 9) & (STALLED | TIMEOUT | ACTIVE),
                      STALLED | TIMEOUT);
    teardown(s);
}
END_TEST

START_TEST(keyboard)
{
    struct set *s = setup();
    struct usb_hid *h = plug(s, &usb_kbd_class, usb_hid_plug);
    const u8 *b = s->rig.ram.host + BUF;

    s->keys.key(s->keys.dev, 0x1e, true);
    ck_assert_int_eq(s->old_keys, 1); /* to the PS/2 one until a driver is there */
    enumerate(s);
    out16(s, 4, 15);
    ck_assert(transact(s, 5, 1, USB_IN, 8, IOC, 3) & ACTIVE);
    ck_assert_int_eq(s->irq, 0);
    s->keys.key(s->keys.dev, 0x2a, true); /* Shift, A */
    s->keys.key(s->keys.dev, 0x1e, true);
    s->keys.key(s->keys.dev, 0xe048, true);
    s->keys.key(s->keys.dev, 0x1e, false);
    s->keys.key(s->keys.dev, 0x7777, true); /* no such key */
    rig_pass(&s->rig, 2 * MS);
    ck_assert_uint_eq(peek(s, TD + 4) & (ACTIVE | 0x7ff), 7);
    ck_assert_mem_eq(b, "\2\0\0\0\0\0\0\0", 8);
    ck_assert_int_eq(s->irq, 1);
    ck_assert_uint_eq(in16(s, 2) & 1, 1);
    out16(s, 2, 1);
    ck_assert_int_eq(s->irq, 0);
    rig_reload(&h->dev);
    transact(s, 5, 1, USB_IN, 8, 0, 3);
    ck_assert_mem_eq(b, "\2\0\4\0\0\0\0\0", 8);
    transact(s, 5, 1, USB_IN, 8, 0, 3);
    ck_assert_mem_eq(b, "\2\0\4\x52\0\0\0\0", 8);
    transact(s, 5, 1, USB_IN, 8, 0, 3);
    ck_assert_mem_eq(b, "\2\0\x52\0\0\0\0\0", 8);
    ck_assert(transact(s, 5, 1, USB_IN, 8, 0, 3) & ACTIVE);
    /* seven keys are too many for a report */
    for (u16 k = 2; k < 9; k++)
        s->keys.key(s->keys.dev, k, true);
    for (int i = 0; i < 7; i++)
        transact(s, 5, 1, USB_IN, 8, 0, 3);
    ck_assert_uint_eq(b[2], 1);
    ck_assert_uint_eq(b[7], 1);
    for (int i = 0; i < 100; i++) /* what does not fit is lost, no more */
        s->keys.key(s->keys.dev, 0x30, i & 1);
    ck_assert_uint_eq(usb_hid_usage(0xe11d), 0x48);
    ck_assert_uint_eq(usb_hid_usage(0xe05b), 0xe3);
    ck_assert_uint_eq(usb_hid_usage(0xe07e), 0);
    teardown(s);
}
END_TEST

/* Report descriptors: the kind of pointer, and a length that the HID descriptor tells truly. */
START_TEST(descriptions)
{
    const struct dev_class *const kinds[] = {&usb_mouse_class, &usb_tablet_class};

    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        struct set *s = setup();
        u8 d[256] = {0};
        int n;

        plug(s, kinds[i], usb_hid_plug);
        enumerate(s);
        ck_assert_int_eq(control(s, 5, REQ(0x81, 6, 0x2100, 0, 255), d), 9);
        n = ld16(d + 7);
        ck_assert_int_eq(control(s, 5, REQ(0x81, 6, 0x2200, 0, 255), d), n);
        ck_assert_mem_eq(d, "\x05\x01\x09\x02\xa1\x01", 6); /* generic desktop, mouse, application */
        ck_assert_uint_eq(d[n - 1], 0xc0);
        teardown(s);
    }
}
END_TEST

START_TEST(pointers)
{
    struct set *s = setup();
    const u8 *b = s->rig.ram.host + BUF;

    plug(s, &usb_mouse_class, usb_hid_plug);
    s->mouse.move(s->mouse.dev, 1, 1, 0, 0);
    ck_assert_int_eq(s->old_moves, 1);
    enumerate(s);
    s->mouse.move(s->mouse.dev, 100, -5, 0, 0);
    s->mouse.move(s->mouse.dev, 100, -5, 1, 0); /* joined */
    s->mouse.move(s->mouse.dev, 0, 0, 0, 1);
    ck_assert_uint_eq(transact(s, 5, 1, USB_IN, 4, 0, 3) & 0x7ff, 3);
    ck_assert_mem_eq(b, "\0\x7f\xf6\xff", 4);
    transact(s, 5, 1, USB_IN, 4, 0, 3);
    ck_assert_mem_eq(b, "\0\x49\0\0", 4);
    transact(s, 5, 1, USB_IN, 4, 0, 3);
    ck_assert_mem_eq(b, "\1\0\0\0", 4);
    ck_assert(transact(s, 5, 1, USB_IN, 4, 0, 3) & ACTIVE);
    teardown(s);

    s = setup();
    b = s->rig.ram.host + BUF;
    plug(s, &usb_tablet_class, usb_hid_plug);
    ck_assert(!s->tablet.wanted(s->tablet.dev));
    s->tablet.point(s->tablet.dev, 1, 1, 0, 0);
    enumerate(s);
    ck_assert(s->tablet.wanted(s->tablet.dev));
    s->tablet.point(s->tablet.dev, 1, 2, 0, 0);
    s->tablet.point(s->tablet.dev, 0x1234, 99999, 0, 0); /* the newer place counts */
    s->tablet.point(s->tablet.dev, 0x1234, 3, 0, 2);
    s->tablet.point(s->tablet.dev, 0x1234, 3, -1, 2);
    ck_assert_uint_eq(transact(s, 5, 1, USB_IN, 8, 0, 3) & 0x7ff, 5);
    ck_assert_mem_eq(b, "\0\x34\x12\xff\x7f\0", 6);
    transact(s, 5, 1, USB_IN, 8, 0, 3);
    ck_assert_mem_eq(b, "\2\x34\x12\3\0\0", 6);
    transact(s, 5, 1, USB_IN, 8, 0, 3);
    ck_assert_mem_eq(b, "\2\x34\x12\3\0\1", 6);
    /* asleep, it wakes the controller when it may */
    ck_assert_int_eq(control(s, 5, REQ(0, 3, 1, 0, 0), NULL), 0);
    out16(s, 0, 8);
    out16(s, 4, 2);
    s->tablet.point(s->tablet.dev, 5, 5, 0, 0);
    ck_assert_int_eq(s->irq, 1);
    ck_assert_uint_eq(in16(s, 16) & 0x40, 0x40);
    out16(s, 16, 0x44), out16(s, 16, 4), out16(s, 2, 4);
    ck_assert_int_eq(s->irq, 0);
    teardown(s);
}
END_TEST

/* ---- disk ---- */

/* A command through the transport; the status, and the residue in *left. */
static int command(struct set *s, const u8 *cdb, unsigned n, u8 *data, u32 len, bool in, u32 *left)
{
    u8 cbw[31] = {'U', 'S', 'B', 'C', 7, 0, 0, 0};
    u32 at = 0, c;
    u8 *b = s->rig.ram.host + BUF;

    st32(cbw + 8, len);
    cbw[12] = in ? 0x80 : 0;
    cbw[14] = (u8)n;
    memcpy(cbw + 15, cdb, n);
    memcpy(b, cbw, 31);
    c = transact(s, 5, 2, USB_OUT, 31, 0, 3);
    if (c & STALLED)
        return -1;
    while (at < len) {
        u32 k = MIN(len - at, 64u);

        if (!in)
            memcpy(b, data + at, k);
        c = transact(s, 5, in ? 1 : 2, in ? USB_IN : USB_OUT, k, 0, 50);
        if (c & (STALLED | ACTIVE))
            return -2;
        if (in)
            memcpy(data + at, b, (c + 1) & 0x7ff);
        at += (c + 1) & 0x7ff;
        if (((c + 1) & 0x7ff) < k)
            break;
    }
    c = transact(s, 5, 1, USB_IN, 13, 0, 50);
    ck_assert_uint_eq(c & (STALLED | ACTIVE), 0);
    ck_assert_mem_eq(b, "USBS\7\0\0\0", 8);
    *left = ld32(b + 8);
    return b[12];
}
#define CDB(...) (const u8[16]){__VA_ARGS__}, 10

static struct usb_storage *disk(struct set *s)
{
    struct usb_storage *d;

    memblk_init(&s->disk, &s->rig.clock, s->data, sizeof(s->data));
    s->disk.delay = MS / 2;
    d = plug(s, &usb_storage_class, usb_storage_plug);
    enumerate(s);
    return d;
}

START_TEST(storage)
{
    struct set *s = setup();
    struct usb_storage *d = disk(s);
    static u8 b[40000], want[40000];
    u32 left;

    ck_assert_int_eq(control(s, 5, REQ(0xa1, 0xfe, 0, 0, 1), b), 1);
    ck_assert_uint_eq(b[0], 0);
    ck_assert_int_eq(command(s, CDB(0x12, 0, 0, 0, 36), b, 36, true, &left), 0);
    ck_assert_mem_eq(b + 8, "DRAGOMAN", 8);
    ck_assert_int_eq(command(s, CDB(0x12, 1, 0, 0, 36), b, 36, true, &left), 1);
    ck_assert_uint_eq(left, 36);
    ck_assert_int_eq(command(s, CDB(3, 0, 0, 0, 18), b, 18, true, &left), 0);
    ck_assert_uint_eq(b[2], 5);
    ck_assert_uint_eq(b[12], 0x24);
    ck_assert_int_eq(command(s, CDB(0), b, 0, false, &left), 0);
    ck_assert_int_eq(command(s, CDB(0x25), b, 8, true, &left), 0);
    ck_assert_uint_eq(b[3], 127);
    ck_assert_uint_eq(b[6], 2);
    ck_assert_int_eq(command(s, CDB(0x23, 0, 0, 0, 0, 0, 0, 0, 252), b, 252, true, &left), 0);
    ck_assert_uint_eq(left, 240);
    ck_assert_int_eq(command(s, (const u8[16]){0x9e, 0x10, [13] = 32}, 16, b, 32, true, &left), 0);
    ck_assert_uint_eq(b[7], 127);
    ck_assert_int_eq(command(s, (const u8[16]){0x9e, 0x11, [13] = 32}, 16, b, 32, true, &left), 1);
    ck_assert_int_eq(command(s, CDB(0x1a, 0, 0x3f, 0, 192), b, 192, true, &left), 0);
    ck_assert_uint_eq(b[0], 23);
    ck_assert_int_eq(command(s, CDB(0x5a, 0, 8, 0, 0, 0, 0, 0, 192), b, 192, true, &left), 0);
    ck_assert_uint_eq(b[1], 26);
    ck_assert_int_eq(command(s, CDB(0x1a, 0, 5, 0, 192), b, 192, true, &left), 1);
    ck_assert_int_eq(command(s, CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16), b, 16, true, &left), 0);
    ck_assert_int_eq(command(s, CDB(0x1e, 0, 0, 0, 1), b, 0, false, &left), 0);
    ck_assert(s->disk.blk.locked);
    ck_assert_int_eq(command(s, CDB(0x1b), b, 0, false, &left), 0);
    ck_assert_int_eq(command(s, CDB(0x2f), b, 0, false, &left), 0);
    ck_assert_int_eq(command(s, CDB(0xee), b, 0, false, &left), 1);

    /* more than a chunk, both ways */
    for (unsigned i = 0; i < sizeof(want); i++)
        want[i] = (u8)(i * 7 + i / 251);
    ck_assert_int_eq(command(s, CDB(0x2a, 0, 0, 0, 0, 3, 0, 0, 70), want, 70 * 512, false, &left),
                     0);
    ck_assert_uint_eq(left, 0);
    ck_assert_mem_eq(s->data + 3 * 512, want, 70 * 512);
    rig_reload(&d->dev);
    ck_assert_int_eq(command(s, CDB(0x28, 0, 0, 0, 0, 3, 0, 0, 70), b, 70 * 512, true, &left), 0);
    ck_assert_mem_eq(b, want, 70 * 512);
    ck_assert_int_eq(command(s, CDB(0x08, 0, 0, 4, 1), b, 512, true, &left), 0);
    ck_assert_mem_eq(b, want + 512, 512);
    ck_assert_int_eq(command(s, (const u8[16]){0x88, [9] = 5, [13] = 1}, 16, b, 512, true, &left),
                     0);
    ck_assert_int_eq(command(s, CDB(0xa8, 0, 0, 0, 0, 5, 0, 0, 0, 1), b, 512, true, &left), 0);
    ck_assert_int_eq(command(s, CDB(0x35), b, 0, false, &left), 0);
    ck_assert_uint_eq(s->disk.flushes, 1);

    /* beyond the end, the wrong way, read only, less room than blocks */
    ck_assert_int_eq(command(s, CDB(0x28, 0, 0, 0, 0, 127, 0, 0, 2), b, 1024, true, &left), 1);
    ck_assert_int_eq(command(s, CDB(0x28, 0, 255, 255, 255, 255, 0, 0, 2), b, 1024, true, &left),
                     1);
    ck_assert_int_eq(command(s, CDB(0x28, 0, 0, 0, 0, 1, 0, 0, 1), b, 512, false, &left), 1);
    ck_assert_int_eq(command(s, CDB(0x28, 0, 0, 0, 0, 1, 0, 0, 9), b, 700, true, &left), 0);
    ck_assert_uint_eq(left, 700 - 512);
    s->disk.blk.read_only = true;
    ck_assert_int_eq(command(s, CDB(0x2a, 0, 0, 0, 0, 3, 0, 0, 1), b, 512, false, &left), 1);
    s->disk.blk.read_only = false;
    /* an error of the host */
    s->disk.fail = 5;
    ck_assert_int_eq(command(s, CDB(0x28, 0, 0, 0, 0, 3, 0, 0, 1), b, 512, true, &left), 1);
    ck_assert_int_eq(command(s, CDB(0x2a, 0, 0, 0, 0, 3, 0, 0, 1), b, 512, false, &left), 1);
    s->disk.fail = 0;
    ck_assert_int_eq(command(s, CDB(3, 0, 0, 0, 18), b, 18, true, &left), 0);
    ck_assert_uint_eq(b[2], 3);
    /* another medium */
    s->disk.blk.changed(s->disk.blk.changed_arg);
    ck_assert_int_eq(command(s, CDB(0), b, 0, false, &left), 1);
    ck_assert_int_eq(command(s, CDB(0), b, 0, false, &left), 0);
    s->disk.blk.size = 0;
    ck_assert_int_eq(command(s, CDB(0), b, 0, false, &left), 1);
    s->disk.blk.size = sizeof(s->data);
    teardown(s);
}
END_TEST

START_TEST(storage_errors)
{
    struct set *s = setup();
    struct usb_storage *d = disk(s);
    u8 b[64], *ram = s->rig.ram.host + BUF;
    u32 left;

    /* no command wrapper: both pipes stall until they are reset */
    memset(ram, 0, 31);
    ck_assert(transact(s, 5, 2, USB_OUT, 31, 0, 3) & STALLED);
    ck_assert(transact(s, 5, 1, USB_IN, 13, 0, 3) & STALLED);
    ck_assert_int_eq(control(s, 5, REQ(0x21, 0xff, 0, 0, 0), b), 0);
    ck_assert_int_eq(control(s, 5, REQ(2, 1, 0, 0x81, 0), b), 0);
    ck_assert_int_eq(control(s, 5, REQ(2, 1, 0, 0x02, 0), b), 0);
    ck_assert_int_eq(command(s, CDB(0), b, 0, false, &left), 0);
    ck_assert(transact(s, 5, 1, USB_IN, 13, 0, 3) & STALLED); /* nothing to tell */
    ck_assert_int_eq(control(s, 5, REQ(2, 1, 0, 0x81, 0), b), 0);
    ck_assert(transact(s, 5, 3, USB_IN, 13, 0, 3) & STALLED);
    ck_assert_int_eq(control(s, 5, REQ(0x21, 0x11, 0, 0, 0), b), -1);
    ck_assert_int_eq(control(s, 5, REQ(0x40, 0x11, 0, 0, 0), b), -1);
    /* a read on its way is taken along by a snapshot, and forgotten by a reset */
    s->disk.delay = 100 * MS;
    ck_assert_int_eq(command(s, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1), b, 0, true, &left), 0);
    memcpy(ram, "USBC\1\0\0\0\0\2\0\0\x80\0\x0a\x28\0\0\0\0\0\0\0\1", 24);
    memset(ram + 24, 0, 7);
    transact(s, 5, 2, USB_OUT, 31, 0, 3);
    ck_assert_uint_eq(d->r.busy, MSD_READ);
    ck_assert(transact(s, 5, 1, USB_IN, 64, 0, 3) & NAK);
    rig_reload(&d->dev);
    ck_assert_uint_eq(d->r.busy, MSD_READ);
    dev_reset(&d->dev);
    ck_assert_uint_eq(d->r.busy, 0);
    ck_assert_ptr_eq(s->disk.first, NULL);
    teardown(s);
}
END_TEST

/* ---- the controller ---- */

START_TEST(ports_and_registers)
{
    struct set *s = setup();
    struct usb_hid *h = plug(s, &usb_kbd_class, usb_hid_plug);
    struct usb_hid *third;
    struct usb_bus *bus = &s->hc->bus;
    struct plug p = {.usb = &bus, .mouse = &s->mouse};
    struct err err;

    ck_assert_uint_eq(pci_cfg_read(&s->pci, CFG, 0, 4), 0x70208086);
    ck_assert_uint_eq(pci_cfg_read(&s->pci, CFG | 8, 0, 4), 0x0c030001);
    ck_assert_uint_eq(pci_cfg_read(&s->pci, CFG | 0x60, 0, 1), 0x10);
    ck_assert_uint_eq(in16(s, 18), 0x80);
    out16(s, 18, 4); /* nothing there to enable */
    ck_assert_uint_eq(in16(s, 18), 0x80);
    plug(s, &usb_mouse_class, usb_hid_plug);
    ck_assert_uint_eq(in16(s, 18), 0x93);
    third = rig_new(&s->rig, &usb_mouse_class, "third");
    ck_assert(usb_hid_plug(&third->dev, &p, &err));
    ck_assert(!dev_start(&third->dev, &err));
    ck_assert(strstr(err.msg, "ports") != NULL);
    power(s);
    out16(s, 6, 55); /* not while running */
    rig_pass(&s->rig, 10 * MS);
    ck_assert_uint_eq(in16(s, 6), 10);
    s->rig.now += 100 * MS; /* a late host: time is counted all the same */
    clock_run(&s->rig.clock);
    ck_assert_uint_eq(in16(s, 6), 110);
    out16(s, 0, 0);
    ck_assert_uint_eq(in16(s, 2), 0x20);
    out16(s, 6, 0xfff);
    ck_assert_uint_eq(in16(s, 6), 0x7ff);
    bus_write(&s->rig.io, IO + 12, 0x7f, 1);
    ck_assert_uint_eq(in8(&s->rig, IO + 12), 0x7f);
    ck_assert_uint_eq(in8(&s->rig, IO + 14), 0xff);
    out16(s, 12, 0x41);
    ck_assert_uint_eq(in8(&s->rig, IO + 12), 0x41);
    h->r.usb.addr = 3;
    out16(s, 16, 0x1004);
    ck_assert_uint_eq(in16(s, 16) & 0x1000, 0x1000);
    out16(s, 0, 4); /* all of the bus */
    ck_assert_uint_eq(h->r.usb.addr, 0);
    ck_assert_uint_eq(in16(s, 16), 0x93);
    bus_write(&s->rig.io, IO + 4, 15, 1);
    ck_assert_uint_eq(in16(s, 4), 15);
    out16(s, 0, 2);
    ck_assert_uint_eq(in16(s, 4), 0);
    ck_assert_uint_eq(in16(s, 0), 0);
    teardown(s);
}
END_TEST

START_TEST(hostile_schedules)
{
    struct set *s = setup();

    plug(s, &usb_kbd_class, usb_hid_plug);
    enumerate(s);
    poke(s, QH, QH | 2); /* a queue that follows itself */
    rig_pass(&s->rig, 5 * MS);
    poke(s, QH + 4, QH | 2); /* ... and holds itself */
    rig_pass(&s->rig, 5 * MS);
    poke(s, QH + 4, 1);
    poke(s, QH, 0x2100 | 2), poke(s, 0x2100, 0x2200 | 2), poke(s, 0x2104, 1);
    poke(s, 0x2200, 0x2100 | 2), poke(s, 0x2204, 1); /* a circle further on */
    rig_pass(&s->rig, 5 * MS);
    poke(s, QH, 1);
    for (unsigned i = 0; i < 1024; i++) /* descriptors that follow themselves */
        poke(s, LIST + 4 * i, TD);
    poke(s, TD, TD | 4), poke(s, TD + 4, ACTIVE), poke(s, TD + 8, 0x00e00569);
    rig_pass(&s->rig, 5 * MS);
    ck_assert_uint_eq(in16(s, 2) & 0x10, 0);
    for (unsigned i = 0; i < 1024; i++) /* lists outside memory */
        poke(s, LIST + 4 * i, 0xfffffff0u);
    rig_pass(&s->rig, 5 * MS);
    ck_assert_uint_eq(in16(s, 2) & 0x30, 0x30); /* all ones are no descriptor */
    out16(s, 2, 0x1f), out16(s, 0, 1);
    for (unsigned i = 0; i < 1024; i++)
        poke(s, LIST + 4 * i, QH | 2);
    /* babble: more than there is room for; a short packet is told and stops the queue */
    s->keys.key(s->keys.dev, 0x1e, true);
    out16(s, 4, 8);
    ck_assert_uint_eq(transact(s, 5, 1, USB_IN, 64, SPD, 5) & (ACTIVE | 0x7ff), 7);
    ck_assert_uint_eq(peek(s, QH + 4), TD);
    ck_assert_int_eq(s->irq, 1);
    out16(s, 2, 1);
    /* no such transaction, too long: the controller stops with an error that nothing masks */
    transact(s, 5, 1, 0x55, 8, 0, 5);
    ck_assert_uint_eq(in16(s, 2) & 0x30, 0x30);
    ck_assert_int_eq(s->irq, 1);
    out16(s, 2, 0x10), out16(s, 0, 1);
    transact(s, 5, 1, USB_IN, 0x6f0, 0, 5);
    ck_assert_uint_eq(in16(s, 2) & 0x30, 0x30);
    /* without bus mastering nothing is read */
    out16(s, 2, 0x10), out16(s, 0, 1);
    pci_cfg_write(&s->pci, CFG | 4, 0, 1, 2);
    ck_assert(transact(s, 5, 1, 0x55, 8, 0, 5) & ACTIVE);
    ck_assert_uint_eq(in16(s, 2) & 0x30, 0);
    teardown(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests,       keyboard,            descriptions,      pointers, storage,
        storage_errors, ports_and_registers, hostile_schedules, NULL};

    return rig_main("usb", tests);
}
