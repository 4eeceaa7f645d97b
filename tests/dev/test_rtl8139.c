/* The RTL8139C+ against its data sheet: EEPROM, slots and ring, descriptors with checksums,
 * segments and tags, timer. */
#include "devices/net/rtl8139.h"
#include "tests/dev/nicrig.h"

enum { RING = 0x30000, RXD = 0x10000, TXD = 0x20000, BUF = 0x40000 };
#define OWN   0x80000000u
#define EOR   0x40000000u
#define FIRST 0x20000000u
#define LAST  0x10000000u

static struct nicrig *rtl_new(void)
{
    return nicrig_new(&rtl8139_class, rtl8139_plug, NULL, NIC_IO, NIC_MEM);
}
static u32 rd(struct nicrig *t, unsigned off, unsigned size)
{
    return (u32)bus_read(&t->rig.io, NIC_IO + off, size);
}
static void wr(struct nicrig *t, unsigned off, u32 v, unsigned size)
{
    bus_write(&t->rig.io, NIC_IO + off, v, size);
}

static u16 eeprom(struct nicrig *t, unsigned addr)
{
    u32 cmd = 6u << 6 | addr;
    u16 v = 0;

    wr(t, 0x50, 0x80, 1), wr(t, 0x50, 0x88, 1);
    for (int i = 8; i >= 0; i--) {
        u32 di = cmd >> i & 1 ? 2 : 0;

        wr(t, 0x50, 0x88 | di, 1), wr(t, 0x50, 0x8c | di, 1);
    }
    wr(t, 0x50, 0x88, 1);
    for (int i = 0; i < 16; i++) {
        wr(t, 0x50, 0x8c, 1);
        v = (u16)(v << 1 | (rd(t, 0x50, 1) & 1));
        wr(t, 0x50, 0x88, 1);
    }
    wr(t, 0x50, 0, 1);
    return v;
}

START_TEST(identity)
{
    struct nicrig *t = rtl_new();

    ck_assert_uint_eq(rd(t, 0, 4), 0x12005452);
    ck_assert_uint_eq(rd(t, 4, 2), 0x5634);
    ck_assert_uint_eq(mem32(&t->rig, NIC_MEM), 0x12005452);
    ck_assert_uint_eq(rd(t, 0x40, 4), 0x74800000);
    ck_assert_uint_eq(eeprom(t, 0), 0x8129);
    ck_assert_uint_eq(eeprom(t, 7), 0x5452);
    ck_assert_uint_eq(eeprom(t, 9), 0x5634);
    /* configuration is locked, what is computed or another chip's cannot be written */
    wr(t, 0x52, 0xff, 1), wr(t, 0x3a, 0x55, 2), wr(t, 0xda, 0x55, 2);
    ck_assert_uint_eq(rd(t, 0x52, 1), 0x0c);
    ck_assert_uint_eq(rd(t, 0x3a, 2) | rd(t, 0xda, 2), 0);
    wr(t, 0x50, 0xc0, 1), wr(t, 0x52, 0xf0, 1);
    ck_assert_uint_eq(rd(t, 0x52, 1), 0xf0);
    wr(t, 0, 0x44332211, 4);
    ck_assert_uint_eq(rd(t, 0, 4), 0x44332211);
    wr(t, 0x50, 0x40, 1); /* load it all again */
    ck_assert_uint_eq(rd(t, 0, 4), 0x12005452);
    ck_assert_uint_eq(rd(t, 0x50, 1) & 0xc0, 0);
    ck_assert_uint_eq(rd(t, 0x58, 1) & 4, 0); /* the link is up */
    ck_assert_uint_eq(rd(t, 0x64, 2) & 4, 4);
    wr(t, 0x62, 0xb300, 2);
    ck_assert_uint_eq(rd(t, 0x62, 2), 0x3100);
    wr(t, 0x37, 0x10, 1);
    ck_assert_uint_eq(rd(t, 0x37, 1), 1);
    nicrig_free(t);
}
END_TEST

START_TEST(slots)
{
    struct nicrig *t = rtl_new();
    u8 f[200];

    make_frame(f, 200, MAC_ALL);
    ram_put(t, BUF, f, 200);
    wr(t, 0x20, BUF, 4), wr(t, 0x10, 200, 4); /* off */
    ck_assert_uint_eq(t->sent, 0);
    wr(t, 0x37, 4, 1), wr(t, 0x3c, 4, 2);
    ck_assert_uint_eq(rd(t, 0x60, 2), 0x000e);
    wr(t, 0x10, 200, 4);
    ck_assert_uint_eq(t->len[0], 200);
    ck_assert_mem_eq(t->frame[0], f, 200);
    ck_assert_uint_eq(rd(t, 0x10, 4), 0xa000 | 200);
    ck_assert_uint_eq(rd(t, 0x60, 2), 0x100f);
    ck_assert_int_eq(nicrig_level(t), 1);
    wr(t, 0x3e, 4, 2);
    ck_assert_int_eq(nicrig_level(t), 0);
    wr(t, 0x10, 0xa000 | 200, 4); /* OWN is set: nothing */
    ck_assert_uint_eq(t->sent, 1);
    wr(t, 0x2c, BUF, 4), wr(t, 0x1c, 10, 4); /* too short for a frame, but done */
    ck_assert_uint_eq(t->sent, 1);
    ck_assert_uint_eq(rd(t, 0x1c, 4) & 0xa000, 0xa000);
    /* loopback */
    wr(t, 0x30, RING, 4), wr(t, 0x44, 0x80f, 4), wr(t, 0x37, 0x0c, 1), wr(t, 0x40, 0x60000, 4);
    wr(t, 0x10, 200, 4);
    ck_assert_uint_eq(t->sent, 1);
    ck_assert_uint_eq(rd(t, 0x3a, 2), 208);
    nicrig_free(t);
}
END_TEST

START_TEST(ring)
{
    struct nicrig *t = rtl_new();
    u8 f[1518], g[8];
    unsigned n = 0;

    make_frame(f, 1514, MAC_OWN);
    nic_take(t, f, 100);
    ck_assert(nic_can_take(t));
    wr(t, 0x30, RING, 4), wr(t, 0x37, 8, 1), wr(t, 0x3c, 0x11, 2), wr(t, 0x44, 0x2, 4);
    ck_assert_uint_eq(rd(t, 0x37, 1) & 1, 1);
    nic_take(t, f, 101);
    ck_assert_int_eq(nicrig_level(t), 1);
    ck_assert_uint_eq(rd(t, 0x37, 1) & 1, 0);
    bus_copy(&t->rig.mem, RING, g, 8, false);
    ck_assert_uint_eq(ld32(g), 105u << 16 | 0x4001);
    ck_assert_uint_eq(ld32(g + 4), ld32(f));
    ck_assert_uint_eq(rd(t, 0x3a, 2), 112);
    wr(t, 0x38, 112 - 16, 2);
    ck_assert_uint_eq(rd(t, 0x37, 1) & 1, 1);
    /* filters */
    make_frame(f, 60, MAC_ALL);
    nic_take(t, f, 60);
    ck_assert_uint_eq(rd(t, 0x3a, 2), 112);
    wr(t, 0x44, 8, 4);
    nic_take(t, f, 60);
    bus_copy(&t->rig.mem, RING + 112, g, 4, false);
    ck_assert_uint_eq(ld32(g), 64u << 16 | 0x2001);
    make_frame(f, 60, "\x01\x00\x5e\x00\x00\xfb");
    wr(t, 0x44, 4, 4);
    nic_take(t, f, 60);
    ck_assert_uint_eq(rd(t, 0x3a, 2), 112 + 68);
    wr(t, 0x08, ~0u, 4), wr(t, 0x0c, ~0u, 4);
    nic_take(t, f, 20);
    ck_assert_uint_eq(rd(t, 0x3a, 2), 112 + 2 * 68);
    make_frame(f, 60, "\x52\x54\x00\x00\x00\x01");
    nic_take(t, f, 60);
    wr(t, 0x44, 1, 4);
    nic_take(t, f, 60);
    ck_assert_uint_eq(rd(t, 0x3a, 2), 112 + 3 * 68);
    /* until it is full; then nothing is lost that the host can keep */
    make_frame(f, 1514, MAC_OWN);
    while (nic_can_take(t) && n++ < 20)
        nic_take(t, f, 1514);
    ck_assert_uint_eq(n, 5);
    nic_take(t, f, 1514);
    nic_take(t, f, 1514);
    ck_assert_uint_eq(rd(t, 0x3e, 2) & 0x10, 0x10);
    ck_assert_uint_ge(rd(t, 0x4c, 4), 1);
    wr(t, 0x4c, 0, 4);
    ck_assert_uint_eq(rd(t, 0x4c, 4), 0);
    rig_reload(t->dev);
    pci_cfg_write(&t->bus, 0x80001804u, 0, 7, 2);
    /* around the end: in two parts, or with WRAP in one behind it */
    for (u32 wrap = 0; wrap < 2; wrap++) {
        wr(t, 0x37, 0x10, 1);
        wr(t, 0x30, RING, 4), wr(t, 0x44, 2 | wrap << 7, 4), wr(t, 0x37, 8, 1);
        for (unsigned i = 0; i < 6; i++) {
            nic_take(t, f, 1514);
            wr(t, 0x38, rd(t, 0x3a, 2) - 16, 2);
        }
        ck_assert_uint_eq(rd(t, 0x3a, 2), 6 * 1524 - 8192);
        bus_copy(&t->rig.mem, RING + (wrap ? 8192 : 0), g, 8, false);
        ck_assert_mem_eq(g, f + 8192 - 5 * 1524 - 4, 8);
    }
    nicrig_free(t);
}
END_TEST

static void put_desc(struct nicrig *t, u32 at, u32 w0, u32 w1, u64 addr)
{
    mem32_set(&t->rig, at, w0), mem32_set(&t->rig, at + 4, w1);
    bus_write(&t->rig.mem, at + 8, addr, 8);
}

static struct nicrig *cplus(u32 cpcr)
{
    struct nicrig *t = rtl_new();

    wr(t, 0xe0, cpcr, 2), wr(t, 0x37, 0x0c, 1);
    wr(t, 0xe4, RXD, 4), wr(t, 0xe8, 0, 4), wr(t, 0x20, TXD, 4), wr(t, 0x24, 0, 4);
    wr(t, 0x28, TXD + 0x1000, 4), wr(t, 0x2c, 0, 4);
    wr(t, 0x44, 0xf, 4), wr(t, 0x3c, 0xffff, 2);
    return t;
}

START_TEST(cplus_receive)
{
    struct nicrig *t = cplus(0x63);
    u8 f[1518], g[60];
    size_t n = make_ip(f, 6, 200);

    ck_assert(!nic_can_take(t));
    put_desc(t, RXD, OWN | 1600, 0, BUF);
    put_desc(t, RXD + 16, OWN | 1600, 0, BUF + 2048);
    put_desc(t, RXD + 32, OWN | 128, 0, BUF + 4096);
    put_desc(t, RXD + 48, OWN | EOR | 1600, 0, BUF + 6144);
    ck_assert(nic_can_take(t));
    nic_take(t, f, n);
    ck_assert_uint_eq(mem32(&t->rig, RXD), FIRST | LAST | 1 << 25 | 1 << 16 | (u32)(n + 4));
    bus_copy(&t->rig.mem, BUF, g, 60, false);
    ck_assert_mem_eq(g, f, 60);
    ck_assert_uint_eq(rd(t, 0x3e, 2), 1);
    /* wrong sums; a tag taken out */
    f[60] ^= 1, f[24] ^= 1;
    memmove(f + 16, f + 12, n - 12);
    be_put(f + 12, 0x8100), be_put(f + 14, 0x0123);
    nic_take(t, f, n + 4);
    ck_assert_uint_eq(mem32(&t->rig, RXD + 16),
                      FIRST | LAST | 1 << 25 | 1 << 16 | 0xa000 | (u32)(n + 4));
    ck_assert_uint_eq(mem32(&t->rig, RXD + 20), 1 << 16 | 0x2301);
    /* over two, the second the last of the ring; UDP to all */
    n = make_ip(f, 17, 300);
    memset(f, 0xff, 6);
    nic_take(t, f, n);
    ck_assert_uint_eq(mem32(&t->rig, RXD + 32) & ~0x1fffu, FIRST | 1 << 24 | 2 << 16);
    ck_assert_uint_eq(mem32(&t->rig, RXD + 48), EOR | LAST | 1 << 24 | 2 << 16 | (u32)(n + 4));
    nic_take(t, f, n); /* none left */
    ck_assert_uint_eq(rd(t, 0x3e, 2) & 0x10, 0x10);
    /* the ring began anew; neither TCP nor UDP; no IP */
    put_desc(t, RXD, OWN | EOR | 1600, 0, BUF);
    f[23] = 99, be_put(f + 24, 0), be_put(f + 24, (u16)~nic_sum(0, f + 14, 20));
    nic_take(t, f, n);
    ck_assert_uint_eq(mem32(&t->rig, RXD) & 0x7f0000, 3 << 16);
    put_desc(t, RXD, OWN | EOR | 1600, 0, BUF);
    make_frame(f, 60, "\x01\x00\x5e\x00\x00\xfb");
    wr(t, 8, ~0u, 4), wr(t, 12, ~0u, 4);
    nic_take(t, f, 60);
    ck_assert_uint_eq(mem32(&t->rig, RXD) & 0x0fff0000, 1 << 26);
    /* tallies */
    wr(t, 0x14, 0, 4), wr(t, 0x10, BUF | 8, 4);
    ck_assert_uint_eq(rd(t, 0x10, 4) & 8, 0);
    ck_assert_uint_eq(mem32(&t->rig, BUF + 8), 6);
    ck_assert_uint_eq(mem32(&t->rig, BUF + 56), 1);
    nicrig_free(t);
}
END_TEST

START_TEST(cplus_send)
{
    struct nicrig *t = cplus(0x63);
    static u8 f[6000];
    size_t n = make_ip(f, 6, 3000), at = 0;

    /* one in two parts, its sums put in */
    be_put(f + 50, 0), be_put(f + 24, 0);
    ram_put(t, BUF, f, n);
    put_desc(t, TXD, OWN | FIRST | 7 << 16 | 20, 0, BUF);
    put_desc(t, TXD + 16, OWN | LAST | (u32)(n - 20), 0, BUF + 20);
    put_desc(t, TXD + 32, 0, 0, 0);
    wr(t, 0xd9, 0x40, 1);
    ck_assert_uint_eq(t->sent, 1);
    ck_assert_uint_eq(t->len[0], n);
    ck_assert(nic_check(t->frame[0], n).ip_ok && nic_check(t->frame[0], n).l4_ok);
    ck_assert_uint_eq(mem32(&t->rig, TXD) & OWN, 0);
    ck_assert_uint_eq(rd(t, 0xd9, 1), 0);
    ck_assert_uint_eq(rd(t, 0x3e, 2), 0x84);
    /* cut, with a tag */
    put_desc(t, TXD + 32, OWN | FIRST | LAST | EOR | 1u << 27 | 1400u << 16 | (u32)n,
             1 << 17 | 0x2301, BUF);
    put_desc(t, TXD, 0, 0, 0);
    t->sent = 0;
    wr(t, 0xd9, 0x40, 1);
    ck_assert_uint_eq(t->sent, 3);
    for (unsigned i = 0; i < 3; i++) {
        size_t len = t->len[i] - 58;

        ck_assert(nic_check(t->frame[i], t->len[i]).ip_ok &&
                  nic_check(t->frame[i], t->len[i]).l4_ok);
        ck_assert_uint_eq(be_get(t->frame[i] + 14), 0x0123);
        ck_assert_uint_eq(be_get(t->frame[i] + 44), 0x2000 + at);
        ck_assert_uint_eq(t->frame[i][51], i < 2 ? 0x10 : 0x19);
        ck_assert_mem_eq(t->frame[i] + 58, f + 54 + at, len);
        at += len;
    }
    ck_assert_uint_eq(at, 3000);
    /* UDP, at high priority */
    n = make_ip(f, 17, 100);
    be_put(f + 40, 0);
    ram_put(t, BUF, f, n);
    put_desc(t, TXD + 0x1000, OWN | FIRST | LAST | EOR | 2 << 16 | (u32)n, 0, BUF);
    t->sent = 0;
    wr(t, 0xd9, 0x80, 1);
    ck_assert_uint_eq(t->sent, 1);
    ck_assert(nic_check(t->frame[0], n).l4_ok);
    /* to a host that takes more, in fewer */
    n = make_ip(f, 6, 5000);
    ram_put(t, BUF, f, n);
    t->sent = 0, t->net.max_frame = 65000;
    put_desc(t, TXD, OWN | FIRST | LAST | EOR | 1u << 27 | 1400u << 16 | (u32)n, 0, BUF);
    wr(t, 0xd9, 0x40, 1);
    ck_assert_uint_eq(t->sent, 1);
    ck_assert(nic_check(t->frame[0], n).l4_ok);
    /* too long: an error; a ring of one that is never given back is left after a while */
    for (unsigned i = 0; i < 4; i++)
        put_desc(t, TXD + 16 * i, OWN | (i ? 0 : FIRST) | (i == 3 ? LAST | EOR : 0) | 0xffff, 0,
                 0x1000);
    t->sent = 0;
    wr(t, 0xd9, 0x40, 1);
    rig_pass(&t->rig, 100);
    ck_assert_uint_eq(t->sent, 0);
    ck_assert_uint_eq(rd(t, 0x3e, 2) & 8, 8);
    /* no TCP to cut, headers that lie */
    put_desc(t, TXD, OWN | FIRST | LAST | EOR | 1u << 27 | 1400u << 16 | 60, 0, 0x1000);
    wr(t, 0xd9, 0x40, 1);
    ck_assert_uint_eq(t->sent, 0);
    wr(t, 0xd9, 1, 1); /* an interrupt for the asking */
    ck_assert_uint_eq(rd(t, 0x3e, 2) & 0x100, 0x100);
    nicrig_free(t);
}
END_TEST

START_TEST(budget_and_timer)
{
    struct nicrig *t = cplus(0x03);

    for (unsigned i = 0; i < 60; i++)
        put_desc(t, TXD + 16 * i, OWN | FIRST | LAST | 1514, 0, 0x1000);
    put_desc(t, TXD + 16 * 60, EOR, 0, 0);
    wr(t, 0xd9, 0x40, 1);
    ck_assert_uint_lt(t->sent, 60);
    rig_reload(t->dev);
    pci_cfg_write(&t->bus, 0x80001804u, 0, 7, 2);
    rig_pass(&t->rig, 10);
    ck_assert_uint_eq(t->sent, 60);
    /* 33 MHz */
    wr(t, 0x3e, 0xffff, 2);
    wr(t, 0x48, 0, 4), wr(t, 0x54, 33000, 4);
    rig_pass(&t->rig, 999000);
    ck_assert_uint_eq(rd(t, 0x3e, 2) & 0x4000, 0);
    ck_assert_uint_eq(rd(t, 0x48, 4), 32967);
    rig_pass(&t->rig, 2000);
    ck_assert_uint_eq(rd(t, 0x3e, 2) & 0x4000, 0x4000);
    wr(t, 0x54, 0, 4);
    nicrig_free(t);
}
END_TEST

/* The cable is pulled out: both statuses and an interrupt say so, nothing passes. */
START_TEST(cable)
{
    struct nicrig *t = rtl_new();
    u8 f[200];

    make_frame(f, 200, MAC_OWN);
    ram_put(t, BUF, f, 200);
    wr(t, 0x30, RING, 4), wr(t, 0x37, 0x0c, 1), wr(t, 0x44, 0x2, 4), wr(t, 0x3c, 0x20, 2);
    nic_link(t, false);
    ck_assert_int_eq(nicrig_level(t), 1);
    ck_assert_uint_eq(rd(t, 0x3e, 2), 0x20);
    wr(t, 0x3e, 0x20, 2);
    ck_assert_int_eq(nicrig_level(t), 0);
    nic_link(t, false);
    ck_assert_int_eq(nicrig_level(t), 0);
    ck_assert_uint_eq(rd(t, 0x58, 1) & 4, 4);
    ck_assert_uint_eq(rd(t, 0x64, 2), 0x7809);
    ck_assert_uint_eq(rd(t, 0x68, 2), 0);
    ck_assert(nic_can_take(t));
    nic_take(t, f, 200);
    ck_assert_uint_eq(rd(t, 0x3a, 2), 0);
    wr(t, 0x20, BUF, 4), wr(t, 0x10, 200, 4); /* done, but nobody heard it */
    ck_assert_uint_eq(rd(t, 0x10, 4), 0xa000 | 200);
    ck_assert_uint_eq(t->sent, 0);
    wr(t, 0x37, 0x10, 1);
    ck_assert_uint_eq(rd(t, 0x64, 2), 0x7809);
    wr(t, 0x37, 0x0c, 1), wr(t, 0x40, 0x60000, 4); /* loopback stays inside */
    wr(t, 0x30, RING, 4), wr(t, 0x44, 0x2, 4), wr(t, 0x20, BUF, 4), wr(t, 0x10, 200, 4);
    ck_assert_uint_eq(rd(t, 0x3a, 2), 208);
    dev_reset(t->dev);
    pci_cfg_write(&t->bus, 0x80001810u, 0, NIC_IO, 4);
    pci_cfg_write(&t->bus, 0x80001804u, 0, 7, 2);
    ck_assert_uint_eq(rd(t, 0x58, 1) & 4, 4);
    nic_link(t, true);
    ck_assert_uint_eq(rd(t, 0x3e, 2), 0x20);
    ck_assert_uint_eq(rd(t, 0x58, 1) & 4, 0);
    ck_assert_uint_eq(rd(t, 0x64, 2), 0x782d);
    ck_assert_uint_eq(rd(t, 0x68, 2), 0x45e1);
    nicrig_free(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {identity,         cable, slots, ring, cplus_receive, cplus_send,
                                  budget_and_timer, NULL};

    return rig_main("rtl8139", tests);
}
