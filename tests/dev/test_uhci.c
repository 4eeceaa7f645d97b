/* UHCI while the CPU sleeps: frames that change nothing are passed over in one step, and what is seen
 * afterwards is the same to the bit. Plugging in, snapshots. */
#include "tests/dev/usb_rig.h"

/* The same as its twin does with every frame in its time, slept through. */
static void sleep_for(struct set *s, u64 ns)
{
    u64 until = s->rig.now + ns;

    while (s->rig.now < until) {
        u64 wake = clock_sleep(&s->rig.clock);

        s->rig.now = MAX(s->rig.now, MIN(wake, until));
        clock_awake(&s->rig.clock);
        clock_run(&s->rig.clock);
        if (wake > until)
            break;
    }
    s->rig.now = until;
}

/* Controller, devices and memory of the two are the same. */
static void same(struct set *a, struct set *b)
{
    struct dev *x = a->rig.devs.first, *y = b->rig.devs.first;

    for (; x; x = x->next, y = y->next) {
        struct snap p = {0}, q = {0};

        dev_save(x, &p);
        dev_save(y, &q);
        ck_assert_uint_eq(p.len, q.len);
        ck_assert_mem_eq(p.data, q.data, p.len);
        snap_free(&p);
        snap_free(&q);
    }
    ck_assert_mem_eq(a->rig.ram.host, b->rig.ram.host, a->rig.ram.size);
    ck_assert_int_eq(a->irq, b->irq);
}

/* A keyboard that is asked every eighth frame. */
static struct set *polled(u32 flags)
{
    struct set *s = setup();

    plug(s, &usb_kbd_class, usb_hid_plug);
    enumerate(s);
    poke(s, QH + 4, 1);
    for (unsigned i = 0; i < 1024; i++)
        poke(s, LIST + 4 * i, i % 8 ? 1 : QH | 2);
    poke(s, TD, 1);
    poke(s, TD + 4, ACTIVE | THREE | flags);
    poke(s, TD + 8, 7u << 21 | 1 << 15 | 5 << 8 | USB_IN);
    poke(s, TD + 12, BUF);
    poke(s, QH + 4, TD);
    return s;
}

START_TEST(empty_list)
{
    struct set *a = setup(), *b = setup();

    out16(a, 0, 1), out16(b, 0, 1);
    ck_assert_uint_eq(clock_sleep(&b->rig.clock), CLOCK_NEVER);
    clock_awake(&b->rig.clock);
    for (u64 ns = 300000; ns < 10000 * MS; ns = ns * 3 + 1) {
        rig_pass(&a->rig, ns);
        sleep_for(b, ns);
        same(a, b);
        ck_assert_uint_eq(in16(a, 6), in16(b, 6));
    }
    teardown(a);
    teardown(b);
}
END_TEST

START_TEST(keyboard_at_rest)
{
    struct set *a = polled(IOC), *b = polled(IOC);

    /* the first time it is asked the descriptor notes that: that frame is not left out */
    ck_assert_uint_le(clock_sleep(&b->rig.clock), b->rig.now + 8 * MS);
    clock_awake(&b->rig.clock);
    rig_pass(&a->rig, 8 * MS);
    sleep_for(b, 8 * MS);
    same(a, b);
    ck_assert(peek(b, TD + 4) & NAK);
    ck_assert_uint_eq(clock_sleep(&b->rig.clock), CLOCK_NEVER);
    clock_awake(&b->rig.clock);
    rig_pass(&a->rig, 3456789012);
    sleep_for(b, 3456789012);
    same(a, b);
    /* a key: the next frame that asks for it is waited for, and brings it */
    a->keys.key(a->keys.dev, 0x1e, true);
    b->keys.key(b->keys.dev, 0x1e, true);
    ck_assert_uint_le(clock_sleep(&b->rig.clock), b->rig.now + 8 * MS);
    clock_awake(&b->rig.clock);
    rig_pass(&a->rig, 8 * MS);
    sleep_for(b, 8 * MS);
    same(a, b);
    ck_assert_uint_eq(peek(b, TD + 4) & ACTIVE, 0);
    ck_assert_uint_eq(in16(b, 2) & 1, 1);
    ck_assert_uint_eq(clock_sleep(&b->rig.clock), CLOCK_NEVER); /* done: nobody asks any more */
    clock_awake(&b->rig.clock);
    teardown(a);
    teardown(b);
}
END_TEST

/* The key comes while the machine sleeps: frames before it are over, it is not told too early. */
START_TEST(woken_by_a_key)
{
    struct set *a = polled(0), *b = polled(0);

    rig_pass(&a->rig, 8 * MS);
    sleep_for(b, 8 * MS);
    rig_pass(&a->rig, 1234567);
    ck_assert_uint_eq(clock_sleep(&b->rig.clock), CLOCK_NEVER);
    b->rig.now += 1234567;
    a->keys.key(a->keys.dev, 0x1e, true);
    b->keys.key(b->keys.dev, 0x1e, true);
    clock_awake(&b->rig.clock);
    clock_run(&b->rig.clock);
    same(a, b);
    for (unsigned i = 0; i < 8; i++) {
        rig_pass(&a->rig, MS);
        sleep_for(b, MS);
        same(a, b);
    }
    ck_assert_uint_eq(peek(b, TD + 4) & ACTIVE, 0);
    teardown(a);
    teardown(b);
}
END_TEST

/* The guest asked to be told every 40 ms, whatever happens. */
START_TEST(idle_rate)
{
    struct set *a = polled(0), *b = polled(0);
    u64 wake;

    for (unsigned i = 0; i < 2; i++) {
        struct set *s = i ? b : a;

        poke(s, QH + 4, 1);
        for (unsigned k = 0; k < 1024; k++)
            poke(s, LIST + 4 * k, QH | 2);
        ck_assert_int_eq(control(s, 5, REQ(0x21, 10, 10 << 8, 0, 0), NULL), 0);
        transact(s, 5, 1, USB_IN, 8, 0, 3); /* one report */
        poke(s, TD + 4, ACTIVE | THREE);
        poke(s, QH + 4, TD);
    }
    rig_pass(&a->rig, 2 * MS);
    sleep_for(b, 2 * MS);
    wake = clock_sleep(&b->rig.clock);
    ck_assert_uint_gt(wake, b->rig.now + 5 * MS);
    ck_assert_uint_le(wake, b->rig.now + 41 * MS);
    clock_awake(&b->rig.clock);
    rig_pass(&a->rig, 60 * MS);
    sleep_for(b, 60 * MS);
    same(a, b);
    ck_assert_uint_eq(peek(b, TD + 4) & ACTIVE, 0);
    teardown(a);
    teardown(b);
}
END_TEST

/* A disk at work is waited for by its own timer. */
START_TEST(busy_disk)
{
    struct set *s = setup();
    u8 cbw[31] = "USBC\1\0\0\0\0\2\0\0\x80\0\x0a\x28\0\0\0\0\0\0\0\1";
    u64 start;

    memblk_init(&s->disk, &s->rig.clock, s->data, sizeof(s->data));
    plug(s, &usb_storage_class, usb_storage_plug);
    enumerate(s);
    s->disk.delay = 100 * MS;
    memcpy(s->rig.ram.host + BUF, cbw, sizeof(cbw));
    transact(s, 5, 2, USB_OUT, 31, 0, 3);
    transact(s, 5, 1, USB_IN, 64, 0, 3);
    ck_assert(peek(s, TD + 4) & NAK);
    start = s->rig.now;
    ck_assert_uint_gt(clock_sleep(&s->rig.clock), start + 50 * MS);
    clock_awake(&s->rig.clock);
    sleep_for(s, 110 * MS);
    ck_assert_uint_eq(peek(s, TD + 4) & (ACTIVE | NAK), 0);
    teardown(s);
}
END_TEST

/* What changes something by itself: tries that are counted, transfers, a frame list that is broken. */
START_TEST(at_work)
{
    static const struct {
        u32 ctrl, token;
        bool rests;
    } row[] = {
        {ACTIVE | THREE | TIMEOUT, 9 << 8 | USB_IN, false},    /* nobody there: a try less each time */
        {ACTIVE | TIMEOUT, 9 << 8 | USB_IN, true},             /* not counted */
        {ACTIVE, 9 << 8 | USB_IN, false},                      /* to be noted first */
        {ACTIVE | NAK, 5 << 8 | USB_SETUP | 7 << 21, false},   /* the default pipe */
        {ACTIVE | NAK, 5 << 8 | USB_IN, false},
        {ACTIVE | NAK, 5 << 8 | 3 << 15 | USB_IN, false},      /* no such endpoint: stalls */
        {ACTIVE | NAK, 5 << 8 | 1 << 15 | 0x55, false},        /* no such packet: the controller stops */
        {ACTIVE | NAK, 5 << 8 | 1 << 15 | USB_IN | 0x5ffu << 21, false},
        {ACTIVE | NAK, 5 << 8 | 1 << 15 | USB_IN, true},
        {0, 5 << 8 | 1 << 15 | USB_IN, true},                  /* not active */
    };

    for (unsigned i = 0; i < ARRAY_LEN(row); i++) {
        struct set *a = polled(0), *b = polled(0);
        u64 wake;

        for (unsigned k = 0; k < 2; k++) {
            struct set *s = k ? b : a;

            rig_pass(&s->rig, 20 * MS);
            poke(s, TD + 4, row[i].ctrl);
            poke(s, TD + 8, row[i].token);
        }
        wake = clock_sleep(&b->rig.clock);
        clock_awake(&b->rig.clock);
        ck_assert_msg((wake == CLOCK_NEVER) == row[i].rests, "row %u: %llu", i, (unsigned long long)wake);
        rig_pass(&a->rig, 30 * MS);
        sleep_for(b, 30 * MS);
        same(a, b);
        teardown(a);
        teardown(b);
    }
}
END_TEST

/* Sleep ends before any frame was due; then the guest links a descriptor: it is seen in the next. */
START_TEST(short_sleep)
{
    struct set *s = polled(0);

    rig_pass(&s->rig, 20 * MS);
    ck_assert_uint_eq(clock_sleep(&s->rig.clock), CLOCK_NEVER);
    s->rig.now += 1000;
    clock_awake(&s->rig.clock);
    clock_run(&s->rig.clock);
    memcpy(s->rig.ram.host + BUF, REQ(0x80, 6, 0x100, 0, 8), 8);
    poke(s, TD + 4, ACTIVE | THREE);
    poke(s, TD + 8, 7u << 21 | 5 << 8 | USB_SETUP);
    rig_pass(&s->rig, 8 * MS);
    ck_assert_uint_eq(peek(s, TD + 4) & (ACTIVE | STALLED), 0);
    teardown(s);
}
END_TEST

/* Another timer ends the sleep: only the frames up to it were looked at. */
static void nothing(void *arg, u64 now)
{
}

START_TEST(other_timers)
{
    struct set *a = polled(0), *b = polled(0);
    struct timer t;

    timer_init(&t, &b->rig.clock, nothing, NULL, "other");
    rig_pass(&a->rig, 20 * MS);
    rig_pass(&b->rig, 20 * MS);
    /* the entry of the hundredth frame from here is at work */
    for (unsigned k = 0; k < 2; k++) {
        struct set *s = k ? b : a;
        u32 at = LIST + 4 * ((in16(s, 6) + 100) & 0x3ff);

        poke(s, TD + 0x100, 1);
        poke(s, TD + 0x104, ACTIVE | THREE);
        poke(s, TD + 0x108, 9 << 8 | USB_IN);
        poke(s, at, TD + 0x100);
    }
    timer_set(&t, b->rig.now + 4 * MS);
    ck_assert_uint_eq(clock_sleep(&b->rig.clock), b->rig.now + 4 * MS);
    b->rig.now += 300 * MS; /* the host is late: what was not looked at is not left out */
    clock_awake(&b->rig.clock);
    ck_assert_uint_le(((struct uhci *)b->hc)->r.frame_at, b->rig.now - 290 * MS);
    timer_cancel(&t);
    b->rig.now -= 300 * MS;
    rig_pass(&a->rig, 250 * MS);
    sleep_for(b, 250 * MS);
    ck_assert_uint_eq(peek(a, TD + 0x104), peek(b, TD + 0x104));
    ck_assert_uint_eq(peek(b, TD + 0x104) >> 27 & 3, 2);
    teardown(a);
    teardown(b);
}
END_TEST

START_TEST(without_bus_master)
{
    struct set *s = polled(0);

    rig_pass(&s->rig, 20 * MS);
    poke(s, TD + 4, ACTIVE);
    pci_cfg_write(&s->pci, CFG | 4, 0, 1, 2);
    ck_assert_uint_eq(clock_sleep(&s->rig.clock), CLOCK_NEVER);
    clock_awake(&s->rig.clock);
    teardown(s);
}
END_TEST

START_TEST(snapshots)
{
    struct set *s = polled(0);
    struct snap snap = {0};
    struct err err;
    u16 frame;

    rig_pass(&s->rig, 20 * MS);
    frame = in16(s, 6);
    dev_save(&s->hc->dev, &snap); /* a reset in between would be one of the devices, too */
    out16(s, 0, 0), out16(s, 6, 0), out16(s, 16, 0);
    ck_assert(dev_load(&s->hc->dev, &snap, &err));
    snap_free(&snap);
    ck_assert_uint_eq(in16(s, 6), frame);
    ck_assert_uint_eq(in16(s, 0), 1);
    ck_assert_uint_eq(in16(s, 16) & 5, 5);
    rig_pass(&s->rig, 3 * MS);
    ck_assert_uint_eq(in16(s, 6), frame + 3);
    /* saved in the middle of a sleep, the frames until then are over */
    ck_assert_uint_eq(clock_sleep(&s->rig.clock), CLOCK_NEVER);
    s->rig.now += 500 * MS;
    dev_save(&s->hc->dev, &snap);
    ck_assert(dev_load(&s->hc->dev, &snap, &err));
    ck_assert_uint_eq(in16(s, 6), frame + 503);
    clock_awake(&s->rig.clock);
    ck_assert_uint_eq(in16(s, 6), frame + 503);
    snap_free(&snap);
    /* what cannot be is put right: a port enabled with nothing in it, a stopped controller with frames */
    s->hc->r.port[1] = 4 | 1;
    s->hc->r.cmd = 0;
    dev_save(&s->hc->dev, &snap);
    ck_assert(dev_load(&s->hc->dev, &snap, &err));
    ck_assert_uint_eq(in16(s, 18) & 4, 0);
    ck_assert_uint_eq(in16(s, 2) & 0x20, 0x20);
    ck_assert_uint_eq(clock_sleep(&s->rig.clock), CLOCK_NEVER);
    snap_free(&snap);
    teardown(s);
}
END_TEST

START_TEST(wired)
{
    struct usb_bus *first = NULL;
    struct plug p = {.usb = &first, .devfn = PCI_DEVFN(4, 0)};
    struct uhci *hc[2];
    struct pci_bus pci;
    struct err err;
    struct rig rig;

    rig_init(&rig);
    pci_bus_init(&pci, &rig.mem, &rig.io, NULL);
    p.pci = &pci;
    for (unsigned i = 0; i < 2; i++) {
        hc[i] = rig_new(&rig, &uhci_class, i ? "b" : "a");
        p.devfn = PCI_DEVFN(4 + i, 0);
        ck_assert(uhci_plug(&hc[i]->dev, &p, &err));
        rig_start(hc[i]);
    }
    ck_assert_ptr_eq(first, &hc[0]->bus); /* devices go to the first controller */
    ck_assert_ptr_eq(pci.fn[PCI_DEVFN(5, 0)], &hc[1]->fn);
    /* a device that sleeps while nothing is suspended wakes nobody */
    hc[0]->bus.wake(hc[0], 0);
    ck_assert_uint_eq(hc[0]->r.sts & UHCI_STS_RESUME, 0);
    rig_free(&rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {empty_list,  keyboard_at_rest, woken_by_a_key, idle_rate,
                                  busy_disk,   at_work,          short_sleep,    other_timers,
                                  without_bus_master, snapshots, wired,          NULL};

    return rig_main("uhci", tests);
}
