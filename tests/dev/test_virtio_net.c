/* virtio-net against VIRTIO 1.1, section 5.1: the configuration, both directions, buffers that are
 * merged, filters and their commands, the interface of before version 1. */
#include "devices/net/virtio_net.h"
#include "tests/dev/vdriver.h"

enum { RX, TX, CTRL, QUEUES };
enum { RXBUF = 0x40000, TXBUF = 0x60000, CMD = 0x70000, ACK = 0x71000 };
#define F_GUEST_CSUM BIT64(1)
#define F_MRG_RXBUF  BIT64(15)
#define F_CTRL       (BIT64(17) | BIT64(18) | BIT64(19) | BIT64(20) | BIT64(23))
#define F_ALL        (~0ull)
#define OWN   "\x52\x54\x00\x12\x34\x56"
#define OTHER "\x52\x54\x00\xaa\xbb\xcc"
#define ALL   "\xff\xff\xff\xff\xff\xff"
#define GROUP "\x01\x00\x5e\x00\x00\x05"

struct set {
    struct rig rig;
    struct region ram;
    struct vdriver d;
    struct net net;
    struct virtio_net *nic;
    u8 sent[70000];
    size_t len;
    unsigned frames, ready;
};

static void sent(struct net *net, const u8 *frame, size_t n)
{
    struct set *s = container_of(net, struct set, net);

    memcpy(s->sent, frame, MIN(n, sizeof(s->sent)));
    s->len = n;
    s->frames++;
}

static void ready(struct net *net)
{
    container_of(net, struct set, net)->ready++;
}

static struct set *setup(u64 features)
{
    static const struct net_ops ops = {sent};
    struct set *s = calloc(1, sizeof(*s));
    struct plug plug;

    rig_init(&s->rig);
    rig_map_ram(&s->rig, &s->ram);
    vd_bus(&s->d, &s->rig);
    plug = vd_plug(&s->d);
    s->net.ops = &ops;
    s->net.ready = ready;
    plug.net = &s->net;
    s->nic = rig_new(&s->rig, &virtio_net_class, "net");
    ck_assert(virtio_net_plug(&s->nic->v.dev, &plug, NULL));
    rig_start(s->nic);
    if (features)
        vd_begin(&s->d, features, QUEUES);
    return s;
}

static void teardown(struct set *s)
{
    rig_free(&s->rig);
    free(s);
}

static void put(struct set *s, u64 at, const void *p, size_t n)
{
    bus_copy(&s->rig.mem, at, (void *)(uintptr_t)p, n, true);
}

static void get(struct set *s, u64 at, void *p, size_t n)
{
    bus_copy(&s->rig.mem, at, p, n, false);
}

/* A frame of n bytes to `to`, filled with numbers. */
static void make(u8 *f, size_t n, const char *to)
{
    memcpy(f, to, 6);
    memcpy(f + 6, "\x02\0\0\0\0\1\x88\xb5", 8);
    for (size_t i = 14; i < n; i++)
        f[i] = (u8)i;
}

/* Buffers for receiving: n of `len` bytes each. */
static void offer(struct set *s, unsigned n, u32 len)
{
    for (unsigned i = 0; i < n; i++)
        vd_send(&s->d, RX, &(struct vd_buf){RXBUF + i * 2048, len, true}, 1);
}

/* Is a frame to `to` let in? */
static bool let_in(struct set *s, const char *to, u16 tag)
{
    u8 f[64];
    u32 len;

    make(f, sizeof(f), to);
    if (tag) {
        memcpy(f + 12, "\x81\0", 2);
        be16_put(f + 14, tag);
    }
    offer(s, 1, 2048);
    s->net.take(s->net.arg, f, sizeof(f));
    if (vd_done(&s->d, RX, NULL, &len)) {
        ck_assert_uint_eq(len, 12 + sizeof(f));
        return true;
    }
    /* the buffer is still there: a broadcast by any filter takes it away */
    return false;
}

/* A command with n bytes behind its class and number; the answer. */
static u8 command(struct set *s, u8 class, u8 number, const void *data, u32 n)
{
    struct vd_buf b[2] = {{CMD, 2 + n, false}, {ACK, 1, true}};
    u8 head[2] = {class, number}, ack = 0xee;

    put(s, CMD, head, 2);
    put(s, CMD + 2, data, n);
    put(s, ACK, &ack, 1);
    vd_send(&s->d, CTRL, b, 2);
    ck_assert(vd_done(&s->d, CTRL, NULL, NULL));
    get(s, ACK, &ack, 1);
    return ack;
}

START_TEST(identity)
{
    struct set *s = setup(F_ALL);
    u8 mac[6];

    ck_assert_uint_eq(vd_cfg_get(&s->d, 0, 4), 0x10001af4);
    ck_assert_uint_eq(vd_cfg_get(&s->d, 10, 2), 0x0200); /* Ethernet */
    for (unsigned i = 0; i < 6; i++)
        mac[i] = (u8)vd_get(&s->d, 0x2000 + i, 1);
    ck_assert_mem_eq(mac, OWN, 6);
    ck_assert_uint_eq(vd_get(&s->d, 0x2006, 2), 1); /* the link is up */
    vd_set(&s->d, 0x2000, 0x66, 1);                 /* read only as of version 1 */
    ck_assert_uint_eq(vd_get(&s->d, 0x2000, 1), 0x52);
    ck_assert_uint_eq(s->d.features & (F_GUEST_CSUM | F_MRG_RXBUF | F_CTRL), F_GUEST_CSUM | F_MRG_RXBUF | F_CTRL);
    teardown(s);
}
END_TEST

/* The cable is pulled out: the configuration and an interrupt say so, nothing passes. */
START_TEST(cable)
{
    struct set *s = setup(F_ALL);
    u8 frame[100], head[12] = {0};
    struct vd_buf b = {TXBUF, 112, false};

    make(frame, sizeof(frame), OTHER);
    put(s, TXBUF, head, 12);
    put(s, TXBUF + 12, frame, 100);
    s->net.set_link(s->net.arg, true);
    ck_assert_uint_eq(vd_get(&s->d, 0x1000, 1), 0);
    s->net.set_link(s->net.arg, false);
    ck_assert_uint_eq(vd_get(&s->d, 0x1000, 1), 2);
    ck_assert_uint_eq(vd_get(&s->d, 0x2006, 2), 0);
    ck_assert(s->net.can_take(s->net.arg));
    s->net.take(s->net.arg, frame, 100);
    vd_send(&s->d, TX, &b, 1);
    ck_assert(vd_done(&s->d, TX, NULL, NULL));
    ck_assert_uint_eq(s->frames, 0);
    s->net.set_link(s->net.arg, true);
    ck_assert_uint_eq(vd_get(&s->d, 0x2006, 2), 1);
    s->net.set_link(s->net.arg, false);
    dev_reset(&s->nic->v.dev);
    ck_assert(!s->net.link(s->net.arg));
    teardown(s);
}
END_TEST

START_TEST(address_refused)
{
    struct rig rig;
    struct err err = {""};
    struct virtio_net *n;

    rig_init(&rig);
    n = rig_new(&rig, &virtio_net_class, "net");
    ck_assert(props_set(virtio_net_class.props, &n->v.dev, "mac=01:00:5e:00:00:01", &err));
    ck_assert(!dev_start(&n->v.dev, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "01:00:5e"));
    rig_free(&rig);
}
END_TEST

START_TEST(sends)
{
    struct set *s = setup(F_ALL);
    u8 frame[1514], head[12] = {0};
    u16 id, done;
    u32 len;

    make(frame, sizeof(frame), OTHER);
    put(s, TXBUF, head, 12);
    put(s, TXBUF + 12, frame, 500);
    put(s, TXBUF + 0x2000, frame + 500, 1014);
    /* header and frame may be cut anywhere */
    id = vd_send(&s->d, TX, (struct vd_buf[]){{TXBUF, 5, false}, {TXBUF + 5, 507, false}, {TXBUF + 0x2000, 1014, false}}, 3);
    ck_assert_uint_eq(s->frames, 1);
    ck_assert_uint_eq(s->len, sizeof(frame));
    ck_assert_mem_eq(s->sent, frame, sizeof(frame));
    ck_assert(vd_done(&s->d, TX, &done, &len));
    ck_assert_uint_eq(done, id);
    ck_assert_uint_eq(len, 0);
    /* less than a header of Ethernet, or more than any frame: given back, not sent */
    vd_send(&s->d, TX, &(struct vd_buf){TXBUF, 12 + 13, false}, 1);
    ck_assert(vd_done(&s->d, TX, NULL, NULL));
    vd_send(&s->d, TX, (struct vd_buf[]){{0, 65536, false}, {0, 65536, false}}, 2);
    ck_assert(vd_done(&s->d, TX, NULL, NULL));
    ck_assert_uint_eq(s->frames, 1);
    vd_send(&s->d, TX, &(struct vd_buf){TXBUF, 12 + 14, false}, 1);
    ck_assert_uint_eq(s->frames, 2);
    teardown(s);
}
END_TEST

START_TEST(sends_in_portions)
{
    struct set *s = setup(F_ALL);
    unsigned n = 0;

    /* 40 frames of 4 KiB at once: some now, the others soon, so that nobody waits for long */
    for (unsigned i = 0; i < 40; i++)
        vd_add(&s->d, TX, &(struct vd_buf){TXBUF, 4096, false}, 1);
    vd_kick(&s->d, TX);
    ck_assert_uint_gt(s->frames, 0);
    ck_assert_uint_lt(s->frames, 40);
    for (unsigned i = 0; i < 10; i++)
        rig_pass(&s->rig, 1000000);
    ck_assert_uint_eq(s->frames, 40);
    while (vd_done(&s->d, TX, NULL, NULL))
        n++;
    ck_assert_uint_eq(n, 40);
    teardown(s);
}
END_TEST

START_TEST(receives)
{
    struct set *s = setup(F_ALL & ~F_MRG_RXBUF & ~F_CTRL);
    u8 frame[1514], got[1526];
    u32 len;

    make(frame, sizeof(frame), OTHER); /* without filters it takes everything */
    ck_assert(!s->net.can_take(s->net.arg));
    s->net.take(s->net.arg, frame, sizeof(frame)); /* lost */
    s->ready = 0;
    offer(s, 2, 2048);
    ck_assert_uint_gt(s->ready, 0);
    ck_assert(s->net.can_take(s->net.arg));
    s->net.take(s->net.arg, frame, sizeof(frame));
    ck_assert(vd_done(&s->d, RX, NULL, &len));
    ck_assert_uint_eq(len, sizeof(got));
    get(s, RXBUF, got, sizeof(got));
    ck_assert_mem_eq(got, "\0\0\0\0\0\0\0\0\0\0\1\0", 12); /* one buffer, as version 1 wants */
    ck_assert_mem_eq(got + 12, frame, sizeof(frame));
    s->net.take(s->net.arg, frame, 13); /* no frame at all */
    ck_assert(!vd_done(&s->d, RX, NULL, NULL));
    s->net.take(s->net.arg, frame, 60);
    ck_assert(vd_done(&s->d, RX, NULL, &len));
    ck_assert_uint_eq(len, 72);
    /* not merged, a frame that does not fit is dropped and the buffer kept */
    offer(s, 2, 100);
    s->net.take(s->net.arg, frame, 200);
    ck_assert(!vd_done(&s->d, RX, NULL, NULL));
    s->net.take(s->net.arg, frame, 60);
    ck_assert(vd_done(&s->d, RX, NULL, NULL));
    teardown(s);
}
END_TEST

START_TEST(receives_merged)
{
    struct set *s = setup(F_ALL & ~F_CTRL);
    u8 frame[200], got[256], *p = got;
    u32 len;

    make(frame, sizeof(frame), OWN);
    offer(s, 3, 64);
    s->net.take(s->net.arg, frame, sizeof(frame)); /* 212 bytes, 192 of room */
    ck_assert(!vd_done(&s->d, RX, NULL, NULL));
    vd_send(&s->d, RX, &(struct vd_buf){RXBUF + 3 * 2048, 64, true}, 1);
    s->net.take(s->net.arg, frame, sizeof(frame));
    for (unsigned i = 0; i < 4; i++) {
        ck_assert(vd_done(&s->d, RX, NULL, &len));
        ck_assert_uint_eq(len, i < 3 ? 64 : 20);
        get(s, RXBUF + i * 2048, p, len);
        p += len;
    }
    ck_assert_uint_eq(ld16(got + 10), 4);
    ck_assert_mem_eq(got + 12, frame, sizeof(frame));
    teardown(s);
}
END_TEST

/* Sums that were found right need not be computed again. */
START_TEST(checksums)
{
    struct set *s = setup(F_ALL & ~F_CTRL);
    u8 f[14 + 20 + 8 + 4] = OWN "\x02\0\0\0\0\1\x08\0\x45\0\0\x20\0\0\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2\0\x35\x10\0\0\x0c";
    u8 head[12];

    memcpy(f + 42, "data", 4);
    be16_put(f + 24, (u16)~nic_sum(0, f + 14, 20));
    be16_put(f + 40, (u16)~nic_sum(nic_sum(0, f + 26, 8) + 17 + 12, f + 34, 12));
    offer(s, 2, 2048);
    s->net.take(s->net.arg, f, sizeof(f));
    get(s, RXBUF, head, 12);
    ck_assert_uint_eq(head[0], 2);
    f[45] ^= 1;
    s->net.take(s->net.arg, f, sizeof(f));
    get(s, RXBUF + 2048, head, 12);
    ck_assert_uint_eq(head[0], 0);
    teardown(s);
}
END_TEST

START_TEST(filters)
{
    enum { PROMISC, ALL_MULTI, ALL_UNI, NO_MULTI, NO_UNI, NO_BCAST };
    struct set *s = setup(F_ALL);
    u8 table[4 + 6 + 4 + 6] = {1, 0, 0, 0};

    /* a driver that knows filters starts with none open */
    ck_assert(let_in(s, OWN, 0));
    ck_assert(let_in(s, ALL, 0));
    ck_assert(!let_in(s, OTHER, 0));
    ck_assert(!let_in(s, GROUP, 0));
    ck_assert_uint_eq(command(s, 0, PROMISC, "\1", 1), 0);
    ck_assert(let_in(s, OTHER, 0));
    ck_assert_uint_eq(command(s, 0, PROMISC, "\0", 1), 0);
    ck_assert_uint_eq(command(s, 0, ALL_MULTI, "\1", 1), 0);
    ck_assert(let_in(s, GROUP, 0) && !let_in(s, OTHER, 0));
    ck_assert_uint_eq(command(s, 0, NO_MULTI, "\1", 1), 0);
    ck_assert(!let_in(s, GROUP, 0));
    command(s, 0, ALL_MULTI, "\0", 1), command(s, 0, NO_MULTI, "\0", 1);
    ck_assert_uint_eq(command(s, 0, ALL_UNI, "\1", 1), 0);
    ck_assert(let_in(s, OTHER, 0));
    ck_assert_uint_eq(command(s, 0, NO_UNI, "\1", 1), 0);
    ck_assert(!let_in(s, OWN, 0) && !let_in(s, OTHER, 0));
    command(s, 0, ALL_UNI, "\0", 1), command(s, 0, NO_UNI, "\0", 1);
    ck_assert_uint_eq(command(s, 0, NO_BCAST, "\1", 1), 0);
    ck_assert(!let_in(s, ALL, 0));
    command(s, 0, NO_BCAST, "\0", 1);
    /* the table: adapters, then groups */
    memcpy(table + 4, OTHER, 6);
    table[10] = 1;
    memcpy(table + 14, GROUP, 6);
    ck_assert_uint_eq(command(s, 1, 0, table, sizeof(table)), 0);
    ck_assert(let_in(s, OTHER, 0) && let_in(s, GROUP, 0));
    ck_assert(!let_in(s, "\x52\x54\0\xaa\xbb\xcd", 0) && !let_in(s, "\x01\x00\x5e\0\0\6", 0));
    rig_reload(&s->nic->v.dev);
    ck_assert(let_in(s, OTHER, 0));
    /* another address of its own */
    ck_assert_uint_eq(command(s, 1, 1, "\x52\x54\0\1\2\3", 6), 0);
    ck_assert(let_in(s, "\x52\x54\0\1\2\3", 0) && !let_in(s, OWN, 0));
    ck_assert_uint_eq(vd_get(&s->d, 0x2005, 1), 3);
    /* tags are kept out until they are named */
    command(s, 0, PROMISC, "\1", 1);
    ck_assert(!let_in(s, OTHER, 0x2005));
    ck_assert_uint_eq(command(s, 2, 0, "\5\0", 2), 0);
    ck_assert(let_in(s, OTHER, 0x2005) && !let_in(s, OTHER, 0x2006));
    ck_assert_uint_eq(command(s, 2, 1, "\5\0", 2), 0);
    ck_assert(!let_in(s, OTHER, 5));
    /* a reset of the driver's undoes all of it */
    vd_begin(&s->d, F_ALL & ~F_CTRL, QUEUES);
    ck_assert(let_in(s, OTHER, 5));
    ck_assert_uint_eq(vd_get(&s->d, 0x2005, 1), 0x56);
    teardown(s);
}
END_TEST

START_TEST(large_tables)
{
    struct set *s = setup(F_ALL);
    u8 table[4 + 65 * 6 + 4 + 6] = {65};

    /* more than it remembers: all adapters are let in, the groups still by name */
    table[4 + 65 * 6] = 1;
    memcpy(table + 8 + 65 * 6, GROUP, 6);
    ck_assert_uint_eq(command(s, 1, 0, table, sizeof(table)), 0);
    ck_assert(let_in(s, OTHER, 0) && let_in(s, GROUP, 0) && !let_in(s, "\x01\x00\x5e\0\0\6", 0));
    memset(table, 0, sizeof(table));
    table[4] = 65;
    ck_assert_uint_eq(command(s, 1, 0, table, 4 + 4 + 65 * 6), 0);
    ck_assert(!let_in(s, OTHER, 0) && let_in(s, GROUP, 0) && let_in(s, "\x01\x00\x5e\0\0\6", 0));
    teardown(s);
}
END_TEST

START_TEST(bad_commands)
{
    static const struct {
        u8 class, number, n;
        const char *data;
    } bad[] = {{0, 6, 1, "\1"},          {0, 0, 0, ""},          {1, 1, 5, "\x52\x54\0\1\2"}, {1, 2, 6, "\x52\x54\0\1\2\3"},
               {1, 0, 3, "\1\0\0"},      {1, 0, 8, "\2\0\0\0\0\0\0\0"}, {1, 0, 4, "\0\0\0\0"},  {2, 0, 1, "\5"},
               {2, 0, 2, "\0\x10"},      {2, 2, 2, "\5\0"},      {9, 0, 1, "\0"},
               {1, 0, 8, "\xff\xff\xff\xff\xff\xff\xff\xff"}};
    struct set *s = setup(F_ALL);

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(command(s, bad[i].class, bad[i].number, bad[i].data, bad[i].n) == 1, "command %u", i);
    ck_assert(let_in(s, OWN, 0) && !let_in(s, OTHER, 0));
    teardown(s);
}
END_TEST

/* Of before version 1: a header of ten bytes, the address is written, queues by page number. */
START_TEST(old_interface)
{
    struct set *s = setup(0);
    u8 frame[60], got[70], head[10] = {0};

    vd_map(&s->d);
    vd_io_set(&s->d, 18, 3, 1);
    vd_io_set(&s->d, 4, 0, 4);
    for (unsigned q = 0; q < 2; q++) {
        vd_io_set(&s->d, 14, q, 2);
        ck_assert_uint_eq(vd_io(&s->d, 12, 2), 256);
        vd_io_set(&s->d, 8, 0x10 + 4 * q, 4);
    }
    vd_io_set(&s->d, 18, 7, 1);
    for (unsigned i = 0; i < 6; i++)
        vd_io_set(&s->d, 20 + i, (u8)OTHER[i], 1);
    ck_assert_uint_eq(vd_io(&s->d, 20 + 5, 1), 0xcc);
    ck_assert_uint_eq(vd_io(&s->d, 26, 2), 1);
    make(frame, sizeof(frame), OTHER);
    put(s, TXBUF, head, 10);
    put(s, TXBUF + 10, frame, sizeof(frame));
    for (unsigned q = 0; q < 2; q++) { /* a descriptor in each, 256 entries */
        u64 at = 0x10000 + 0x4000 * q;

        bus_write(&s->rig.mem, at, q == TX ? TXBUF : RXBUF, 8);
        bus_write(&s->rig.mem, at + 8, 70, 4);
        bus_write(&s->rig.mem, at + 12, q == TX ? 0 : 2, 4);
        bus_write(&s->rig.mem, at + 4096 + 4, 0, 2);
        bus_write(&s->rig.mem, at + 4096 + 2, 1, 2);
        vd_io_set(&s->d, 16, q, 2);
    }
    ck_assert_uint_eq(s->frames, 1);
    ck_assert_uint_eq(s->len, 60);
    ck_assert_mem_eq(s->sent, frame, 60);
    ck_assert(s->net.can_take(s->net.arg));
    s->net.take(s->net.arg, frame, sizeof(frame));
    ck_assert_uint_eq(bus_read(&s->rig.mem, 0x10000 + 0x2000 + 2, 2), 1);
    ck_assert_uint_eq(bus_read(&s->rig.mem, 0x10000 + 0x2000 + 8, 4), 70);
    get(s, RXBUF, got, 70);
    ck_assert_mem_eq(got + 10, frame, 60);
    teardown(s);
}
END_TEST

START_TEST(bad_snapshot)
{
    struct set *s = setup(F_ALL);
    struct snap snap = {0};
    struct err err = {""};

    s->nic->r.uni = s->nic->r.multi = 40;
    dev_save(&s->nic->v.dev, &snap);
    ck_assert(!dev_load(&s->nic->v.dev, &snap, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "80 addresses"));
    ck_assert_uint_eq(s->nic->r.uni, 0);
    snap_free(&snap);
    teardown(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {identity, cable, address_refused, sends, sends_in_portions, receives, receives_merged,
                                  checksums, filters, large_tables, bad_commands, old_interface, bad_snapshot, NULL};

    return rig_main("virtio-net", tests);
}
