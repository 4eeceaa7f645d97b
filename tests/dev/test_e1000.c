/* The 82540EM against its manual (Intel 317453): EEPROM and PHY, sending with all offloads,
 * receiving with all filters, interrupts and their delays. */
#include "devices/net/e1000.h"
#include "tests/dev/nicrig.h"

enum { TX_RING = 0x10000, RX_RING = 0x20000, BUF = 0x40000, RX_BUF = 0x80000 };

static u32 rd(struct nicrig *t, u32 reg)
{
    return mem32(&t->rig, NIC_MEM + reg);
}
static void wr(struct nicrig *t, u32 reg, u32 v)
{
    mem32_set(&t->rig, NIC_MEM + reg, v);
}

static struct nicrig *e1000_new(void)
{
    return nicrig_new(&e1000_class, e1000_plug, NULL, NIC_MEM, NIC_IO);
}

static void tx_on(struct nicrig *t)
{
    wr(t, 0x3800, TX_RING), wr(t, 0x3804, 0), wr(t, 0x3808, 64 * 16);
    wr(t, 0x3810, 0), wr(t, 0x3818, 0), wr(t, 0x400, 2);
}

static void rx_on(struct nicrig *t, u32 rctl)
{
    wr(t, 0x2800, RX_RING), wr(t, 0x2808, 16 * 16), wr(t, 0x2810, 0), wr(t, 0x2818, 15);
    for (u32 i = 0; i < 16; i++) {
        bus_write(&t->rig.mem, RX_RING + 16 * i, RX_BUF + 2048 * i, 8);
        bus_write(&t->rig.mem, RX_RING + 16 * i + 8, 0, 8);
    }
    wr(t, 0x100, 2 | rctl);
}

static void desc(struct nicrig *t, u32 i, u64 addr, u32 w2, u32 w3)
{
    bus_write(&t->rig.mem, TX_RING + 16 * i, addr, 8);
    mem32_set(&t->rig, TX_RING + 16 * i + 8, w2);
    mem32_set(&t->rig, TX_RING + 16 * i + 12, w3);
}

static u16 ee_bitbang(struct nicrig *t, u32 addr)
{
    u32 cmd = 6u << 6 | addr;
    u16 v = 0;

    wr(t, 0x10, 0x40);
    ck_assert_uint_eq(rd(t, 0x10) & 0xc0, 0xc0);
    wr(t, 0x10, 0x42);
    for (int i = 8; i >= 0; i--) {
        u32 di = cmd >> i & 1 ? 4 : 0;

        wr(t, 0x10, 0x42 | di), wr(t, 0x10, 0x43 | di), wr(t, 0x10, 0x42 | di);
    }
    ck_assert_uint_eq(rd(t, 0x10) & 8, 0); /* the dummy bit */
    for (int i = 0; i < 16; i++) {
        wr(t, 0x10, 0x43);
        v = (u16)(v << 1 | (rd(t, 0x10) >> 3 & 1));
        wr(t, 0x10, 0x42);
    }
    wr(t, 0x10, 0);
    return v;
}

START_TEST(eeprom_and_phy)
{
    struct nicrig *t =
        nicrig_new(&e1000_class, e1000_plug, "mac=52:54:00:aa:bb:cc", NIC_MEM, NIC_IO);
    u32 sum = 0;

    /* U-Boot takes this semaphore before it reads the EEPROM; it must stay taken. */
    wr(t, 0x5b50, 2);
    ck_assert_uint_eq(rd(t, 0x5b50), 2);
    wr(t, 0x5b50, 0);
    ck_assert_uint_eq(rd(t, 0x5b50), 0);
    ck_assert_uint_eq(rd(t, 0x5400), 0xaa005452u);
    ck_assert_uint_eq(rd(t, 0x5404), 0x8000ccbb);
    ck_assert_uint_eq(rd(t, 0x8) & 3, 3);
    for (u32 i = 0; i < 64; i++) {
        wr(t, 0x14, i << 8 | 1);
        ck_assert_uint_eq(rd(t, 0x14) & 0x10, 0x10);
        sum += rd(t, 0x14) >> 16;
        if (i < 3 || i == 63)
            ck_assert_uint_eq(ee_bitbang(t, i), rd(t, 0x14) >> 16);
    }
    ck_assert_uint_eq(sum & 0xffff, 0xbaba);
    wr(t, 0x14, 70 << 8 | 1);
    ck_assert_uint_eq(rd(t, 0x14) >> 16, 0);
    /* PHY: identity, read-only registers, another address, interrupt */
    wr(t, 0x20, 0x08220000);
    ck_assert_uint_eq(rd(t, 0x20), 0x18220141);
    wr(t, 0x20, 0x04220000 | 0x1234);
    wr(t, 0x20, 0x08220000);
    ck_assert_uint_eq(rd(t, 0x20) & 0xffff, 0x0141);
    wr(t, 0x20, 0x04240000 | 0x01e1), wr(t, 0x20, 0x08240000);
    ck_assert_uint_eq(rd(t, 0x20) & 0xffff, 0x01e1);
    wr(t, 0x20, 0x08420000);
    ck_assert_uint_eq(rd(t, 0x20) >> 28 & 7, 5);
    wr(t, 0xd0, 0x204);
    wr(t, 0x20, 0x28220000);
    ck_assert_int_eq(nicrig_level(t), 1);
    ck_assert_uint_eq(rd(t, 0xc0), 0x200);
    ck_assert_int_eq(nicrig_level(t), 0);
    wr(t, 0x20, 0x04200000 | 0x1340); /* restart: the link changes */
    ck_assert_uint_eq(rd(t, 0xc0), 4);
    wr(t, 0x20, 0x04200000 | 0x8000), wr(t, 0x20, 0x08200000);
    ck_assert_uint_eq(rd(t, 0x20) & 0xffff, 0x1140);
    wr(t, 0, 0x80000000);
    /* the same registers at the I/O ports */
    out32(&t->rig, NIC_IO, 0x5400);
    ck_assert_uint_eq(in32(&t->rig, NIC_IO + 4), rd(t, 0x5400));
    ck_assert_uint_eq(in32(&t->rig, NIC_IO), 0x5400);
    out32(&t->rig, NIC_IO + 4, 0x11223344);
    ck_assert_uint_eq(rd(t, 0x5400), 0x11223344);
    ck_assert_uint_eq(in32(&t->rig, NIC_IO + 8), 0);
    wr(t, 0, 1 << 26); /* reset gives the address back */
    ck_assert_uint_eq(rd(t, 0x5400), 0xaa005452u);
    nicrig_free(t);
}
END_TEST

START_TEST(send_legacy)
{
    struct nicrig *t = e1000_new();
    u8 f[200];

    tx_on(t);
    make_frame(f, 100, MAC_ALL);
    ram_put(t, BUF, f, 60), ram_put(t, BUF + 0x1000, f + 60, 40);
    wr(t, 0xd0, 1);
    desc(t, 0, BUF, 60, 0);
    desc(t, 1, BUF + 0x1000, 0x09000000 | 40, 0);
    wr(t, 0x3818, 1);
    ck_assert_uint_eq(t->sent, 0);
    ck_assert_uint_eq(rd(t, 0x3810), 1);
    rig_reload(t->dev);
    wr(t, 0x3818, 2);
    ck_assert_uint_eq(t->sent, 1);
    ck_assert_uint_eq(t->len[0], 100);
    ck_assert_mem_eq(t->frame[0], f, 100);
    ck_assert_uint_eq(mem32(&t->rig, TX_RING + 28) & 1, 1);
    ck_assert_uint_eq(mem32(&t->rig, TX_RING + 12) & 1, 0);
    ck_assert_int_eq(nicrig_level(t), 1);
    ck_assert_uint_eq(rd(t, 0xc0), 3);
    /* a sum by hand: from byte 14 to the end, at byte 50 */
    desc(t, 2, BUF, 0x05000000 | 50 << 16 | 60, 14 << 8);
    f[50] = f[51] = 0;
    ram_put(t, BUF, f, 60);
    wr(t, 0x3818, 3);
    ck_assert_uint_eq(nic_sum(0, t->frame[1] + 14, 46), 0xffff);
    /* statistics, which reading clears */
    ck_assert_uint_eq(rd(t, 0x40d4), 2);
    ck_assert_uint_eq(rd(t, 0x40d4), 0);
    ck_assert_uint_eq(rd(t, 0x40f4), 2);
    ck_assert_uint_eq(rd(t, 0x40c8), 168);
    ck_assert_uint_eq(rd(t, 0x40cc), 0);
    ck_assert_uint_eq(rd(t, 0x40c8), 0);
    /* a frame that is too long for anything is dropped, and the next one goes */
    for (u32 i = 3; i < 8; i++)
        desc(t, i, 0x1000, 0xffff, 0);
    desc(t, 8, 0x1000, 0x01000000 | 60, 0), desc(t, 9, BUF, 0x01000000 | 60, 0);
    wr(t, 0x3818, 10);
    rig_pass(&t->rig, 1000);
    ck_assert_uint_eq(t->sent, 3);
    ck_assert_uint_eq(rd(t, 0x3810), 10);
    nicrig_free(t);
}
END_TEST

/* A context for IPv4 and TCP or UDP at the usual places, then the data. */
static void send_big(struct nicrig *t, const u8 *f, size_t n, u32 tucmd, u32 hdr, u32 mss,
                     u32 popts)
{
    bool tcp = tucmd & 1;

    ram_put(t, BUF, f, n);
    mem32_set(&t->rig, TX_RING, 14 | 24 << 8 | 33 << 16);
    mem32_set(&t->rig, TX_RING + 4, 34 | (tcp ? 50u : 40u) << 8);
    mem32_set(&t->rig, TX_RING + 8, 0x20000000 | tucmd << 24 | (u32)(n - hdr));
    mem32_set(&t->rig, TX_RING + 12, mss << 16 | hdr << 8);
    desc(t, 1, BUF, 0x21100000 | (mss ? 0x04000000 : 0) | (u32)n, popts << 8);
    wr(t, 0x3810, 0);
    wr(t, 0x3818, 2);
}

START_TEST(send_segments)
{
    struct nicrig *t = e1000_new();
    static u8 f[9100];
    size_t n = make_ip(f, 6, 5000), at = 0;

    tx_on(t);
    /* drivers leave the sum of the addresses and the protocol there */
    be_put(f + 50, nic_sum((u32)nic_sum(0, f + 26, 8) + 6, f, 0));
    be_put(f + 24, 0);
    send_big(t, f, n, 7, 54, 1460, 3);
    ck_assert_uint_eq(t->sent, 4);
    for (unsigned i = 0; i < 4; i++) {
        struct nic_csum c = nic_check(t->frame[i], t->len[i]);
        size_t len = t->len[i] - 54;

        ck_assert(c.ip_ok && c.l4_ok && c.tcp);
        ck_assert_uint_eq(len, i < 3 ? 1460 : 5000 - 3 * 1460);
        ck_assert_uint_eq(be_get(t->frame[i] + 18), 0x1000 + i);
        ck_assert_uint_eq(be_get(t->frame[i] + 40), 0x2000 + at);
        ck_assert_uint_eq(t->frame[i][47], i < 3 ? 0x10 : 0x19);
        ck_assert_mem_eq(t->frame[i] + 54, f + 54 + at, len);
        at += len;
    }
    ck_assert_uint_eq(rd(t, 0x40f8), 1);
    /* a host that takes more gets several at once, and the same bytes */
    t->sent = 0, t->net.max_frame = 4000;
    send_big(t, f, n, 7, 54, 1460, 3);
    ck_assert_uint_eq(t->sent, 2);
    ck_assert_uint_eq(t->len[0], 54 + 2920);
    ck_assert(nic_check(t->frame[1], t->len[1]).l4_ok);
    /* UDP: the length in its header */
    t->sent = 0, t->net.max_frame = 0;
    n = make_ip(f, 17, 3000);
    be_put(f + 40, nic_sum((u32)nic_sum(0, f + 26, 8) + 17, f, 0));
    be_put(f + 24, 0);
    send_big(t, f, n, 6, 42, 1400, 3);
    ck_assert_uint_eq(t->sent, 3);
    ck_assert(nic_check(t->frame[2], t->len[2]).l4_ok);
    ck_assert_uint_eq(be_get(t->frame[0] + 38), 1408);
    /* sums alone */
    t->sent = 0;
    n = make_ip(f, 6, 100);
    be_put(f + 50, nic_sum((u32)nic_sum(0, f + 26, 8) + 6 + 120, f, 0));
    be_put(f + 24, 0);
    send_big(t, f, n, 7, 54, 0, 3);
    ck_assert_uint_eq(t->sent, 1);
    ck_assert(nic_check(t->frame[0], t->len[0]).l4_ok && nic_check(t->frame[0], t->len[0]).ip_ok);
    /* impossible headers send nothing */
    t->sent = 0;
    send_big(t, f, n, 7, 200, 1460, 3);
    send_big(t, f, n, 7, 4, 1460, 3);
    ck_assert_uint_eq(t->sent, 0);
    nicrig_free(t);
}
END_TEST

START_TEST(send_segments_ip6)
{
    struct nicrig *t = e1000_new();
    u8 f[3000] = {0};

    tx_on(t);
    make_frame(f, 74 + 2000, MAC_ALL);
    be_put(f + 12, 0x86dd);
    memset(f + 14, 0, 60);
    f[14] = 0x60, f[20] = 6, f[66] = 0x50;
    f[22] = 0xfe, f[38] = 0xfe;
    be_put(f + 70, nic_sum((u32)nic_sum(0, f + 22, 32) + 6, f, 0));
    ram_put(t, BUF, f, 2074);
    mem32_set(&t->rig, TX_RING, 14 | 24 << 8);
    mem32_set(&t->rig, TX_RING + 4, 54 | 70 << 8);
    mem32_set(&t->rig, TX_RING + 8, 0x25000000 | 2000);
    mem32_set(&t->rig, TX_RING + 12, 1440u << 16 | 74 << 8);
    desc(t, 1, BUF, 0x25100000 | 2074, 2 << 8);
    wr(t, 0x3818, 2);
    ck_assert_uint_eq(t->sent, 2);
    ck_assert_uint_eq(be_get(t->frame[0] + 18), 1460);
    ck_assert(nic_check(t->frame[0], t->len[0]).l4_ok);
    ck_assert(nic_check(t->frame[1], t->len[1]).l4_ok);
    nicrig_free(t);
}
END_TEST

START_TEST(vlan)
{
    struct nicrig *t = e1000_new();
    u8 f[64];

    tx_on(t), rx_on(t, 0x8000);
    wr(t, 0, 0x40000241);
    make_frame(f, 60, MAC_OWN);
    ram_put(t, BUF, f, 60);
    desc(t, 0, BUF, 0x41000000 | 60, 0x0123u << 16);
    wr(t, 0x3818, 1);
    ck_assert_uint_eq(t->len[0], 64);
    ck_assert_uint_eq(be_get(t->frame[0] + 12), 0x8100);
    ck_assert_uint_eq(be_get(t->frame[0] + 14), 0x0123);
    ck_assert_mem_eq(t->frame[0] + 16, f + 12, 48);
    /* back in: the tag goes to the descriptor, through the filter */
    nic_take(t, t->frame[0], 64);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 12), 0x01230000 | 0x0f);
    wr(t, 0x100, 0x48002);
    nic_take(t, t->frame[0], 64);
    ck_assert_uint_eq(rd(t, 0x2810), 1);
    wr(t, 0x5600 + 4 * (0x123 >> 5), 1u << (0x123 & 31));
    nic_take(t, t->frame[0], 64);
    ck_assert_uint_eq(rd(t, 0x2810), 2);
    nicrig_free(t);
}
END_TEST

START_TEST(receive_filters)
{
    struct nicrig *t = e1000_new();
    u8 f[100], g[60] = {0};
    unsigned n = 0;

    make_frame(f, 100, MAC_OWN);
    nic_take(t, f, 100); /* off: lost */
    ck_assert(nic_can_take(t));
    rx_on(t, 0);
    nic_take(t, f, 100);
    ck_assert_uint_eq(rd(t, 0x2810), ++n);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 8) & 0xffff, 104);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 12), 7); /* done, whole, no sums */
    bus_copy(&t->rig.mem, RX_BUF, g, 60, false);
    ck_assert_mem_eq(g, f, 60);
    make_frame(f, 100, "\x52\x54\x00\x12\x34\x57");
    nic_take(t, f, 100);
    ck_assert_uint_eq(rd(t, 0x2810), n);
    wr(t, 0x100, 0xa); /* all of them */
    nic_take(t, f, 100);
    ck_assert_uint_eq(rd(t, 0x2810), ++n);
    wr(t, 0x100, 2);
    make_frame(f, 100, MAC_ALL);
    nic_take(t, f, 100);
    ck_assert_uint_eq(rd(t, 0x2810), n);
    wr(t, 0x100, 0x8002);
    nic_take(t, f, 100);
    ck_assert_uint_eq(rd(t, 0x2810), ++n);
    make_frame(f, 100, "\x01\x00\x5e\x00\x00\xfb");
    nic_take(t, f, 100);
    ck_assert_uint_eq(rd(t, 0x2810), n);
    wr(t, 0x5200 + 4 * (0xfb0 >> 5), 1u << (0xfb0 & 31));
    nic_take(t, f, 100);
    ck_assert_uint_eq(rd(t, 0x2810), ++n);
    wr(t, 0x5200 + 4 * (0xfb0 >> 5), 0);
    wr(t, 0x100, 0x12);
    nic_take(t, f, 100);
    ck_assert_uint_eq(rd(t, 0x2810), ++n);
    /* short ones are filled up; the CRC can be left out */
    make_frame(f, 20, MAC_OWN);
    wr(t, 0x100, 0x04000002);
    nic_take(t, f, 20);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 16 * n + 8) & 0xffff, 60);
    n++;
    ck_assert_uint_eq(rd(t, 0x4074), n);
    ck_assert_uint_eq(rd(t, 0x407c), 2);
    ck_assert_uint_eq(rd(t, 0x4078), 1);
    /* no bus mastering, nothing is received */
    pci_cfg_write(&t->bus, 0x80001804u, 0, 3, 2);
    nic_take(t, f, 60);
    ck_assert_uint_eq(rd(t, 0x2810), n);
    nicrig_free(t);
}
END_TEST

START_TEST(receive_sums_and_sizes)
{
    struct nicrig *t = e1000_new();
    static u8 f[9100];
    size_t n = make_ip(f, 6, 200);

    rx_on(t, 0);
    wr(t, 0x5000, 0x30e); /* IP, TCP and UDP; the packet sum from byte 14 */
    nic_take(t, f, n);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 12), 0x63);
    f[60] ^= 1;
    nic_take(t, f, n);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 28), 0x2063);
    f[24] ^= 1;
    nic_take(t, f, n);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 44) & 0xff60, 0x6060);
    n = make_ip(f, 17, 200);
    nic_take(t, f, n);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 60), 0x63);
    be_put(f + 40, 0); /* UDP without a sum */
    nic_take(t, f, n);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 76), 0x43);
    make_frame(f, 60, MAC_OWN);
    nic_take(t, f, 60);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 92), 7);
    /* long frames: refused, then over several buffers */
    make_frame(f, 9000, MAC_OWN);
    nic_take(t, f, 9000);
    ck_assert_uint_eq(rd(t, 0x2810), 6);
    ck_assert_uint_eq(rd(t, 0x40ac), 1);
    wr(t, 0x100, 0x22);
    nic_take(t, f, 9000);
    ck_assert_uint_eq(rd(t, 0x2810), 11);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 16 * 6 + 12) & 3, 1);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 16 * 10 + 12) & 3, 3);
    ck_assert_uint_eq(mem32(&t->rig, RX_RING + 16 * 10 + 8) & 0xffff, 9004 - 4 * 2048);
    /* full: can_take says so, what comes all the same is counted */
    wr(t, 0xd0, 0x40);
    ck_assert(!nic_can_take(t));
    nic_take(t, f, 9000);
    ck_assert_uint_eq(rd(t, 0x2810), 11);
    ck_assert_uint_eq(rd(t, 0x4010), 1);
    ck_assert_int_eq(nicrig_level(t), 1);
    t->ready = 0;
    wr(t, 0x2818, 10);
    ck_assert_uint_gt(t->ready, 0);
    /* rings that cannot be */
    wr(t, 0x2808, 0);
    ck_assert(!nic_can_take(t));
    wr(t, 0x2808, 256), wr(t, 0x2810, 0xffff);
    ck_assert(!nic_can_take(t));
    /* other sizes of buffers */
    wr(t, 0x2810, 0), wr(t, 0x2818, 15), wr(t, 0x100, 0x30002);
    nic_take(t, f, 600);
    ck_assert_uint_eq(rd(t, 0x2810), 3);
    wr(t, 0x100, 0x02010002), wr(t, 0x2810, 0);
    nic_take(t, f, 1500);
    ck_assert_uint_eq(rd(t, 0x2810), 1);
    nicrig_free(t);
}
END_TEST

START_TEST(interrupts)
{
    struct nicrig *t = e1000_new();
    u8 f[60];

    make_frame(f, 60, MAC_OWN);
    tx_on(t), rx_on(t, 0);
    ram_put(t, BUF, f, 60);
    /* throttled: 1000 units of 256 ns between two */
    wr(t, 0xc4, 1000), wr(t, 0xd0, 0x80);
    nic_take(t, f, 60);
    ck_assert_int_eq(nicrig_level(t), 1);
    rd(t, 0xc0);
    nic_take(t, f, 60);
    ck_assert_int_eq(nicrig_level(t), 0);
    rig_pass(&t->rig, 255000);
    ck_assert_int_eq(nicrig_level(t), 0);
    rig_reload(t->dev);
    pci_cfg_write(&t->bus, 0x80001804u, 0, 7, 2);
    rig_pass(&t->rig, 2000);
    ck_assert_int_eq(nicrig_level(t), 1);
    /* delayed: 10 units of 1.024 us, cut short by another cause */
    wr(t, 0xc4, 0);
    rd(t, 0xc0);
    wr(t, 0x2820, 10);
    nic_take(t, f, 60);
    ck_assert_int_eq(nicrig_level(t), 0);
    rig_pass(&t->rig, 11000);
    ck_assert_int_eq(nicrig_level(t), 1);
    wr(t, 0xc0, 0xffffffff);
    ck_assert_int_eq(nicrig_level(t), 0);
    nic_take(t, f, 60);
    wr(t, 0xc8, 0x80);
    ck_assert_int_eq(nicrig_level(t), 1);
    wr(t, 0xd8, 0xffffffff);
    ck_assert_int_eq(nicrig_level(t), 0);
    ck_assert_uint_eq(rd(t, 0xd0), 0);
    rd(t, 0xc0);
    wr(t, 0xd0, 1), wr(t, 0x3820, 100);
    desc(t, 0, BUF, 0x89000000 | 60, 0);
    wr(t, 0x3818, 1);
    ck_assert_int_eq(nicrig_level(t), 0);
    rig_pass(&t->rig, 110000);
    ck_assert_int_eq(nicrig_level(t), 1);
    nicrig_free(t);
}
END_TEST

START_TEST(loopback_and_budget)
{
    struct nicrig *t = e1000_new();
    u8 f[60];

    make_frame(f, 60, MAC_OWN);
    ram_put(t, BUF, f, 60);
    tx_on(t), rx_on(t, 0xc0);
    desc(t, 0, BUF, 0x01000000 | 60, 0);
    wr(t, 0x3818, 1);
    ck_assert_uint_eq(t->sent, 0);
    ck_assert_uint_eq(rd(t, 0x2810), 1);
    wr(t, 0x100, 2);
    wr(t, 0x20, 0x04200000 | 0x5140);
    wr(t, 0x3810, 0), wr(t, 0x3818, 1), wr(t, 0x400, 2);
    ck_assert_uint_eq(rd(t, 0x2810), 2);
    wr(t, 0x20, 0x04200000 | 0x1140);
    /* more than one go does: the timer carries on */
    for (u32 i = 0; i < 63; i++)
        desc(t, i, 0x1000, 0x01000000 | 1514, 0);
    wr(t, 0x3810, 0), wr(t, 0x3818, 63);
    ck_assert_uint_lt(t->sent, 63);
    ck_assert_uint_gt(t->sent, 40);
    rig_reload(t->dev);
    pci_cfg_write(&t->bus, 0x80001810u, 0, NIC_MEM, 4);
    pci_cfg_write(&t->bus, 0x80001804u, 0, 7, 2);
    rig_pass(&t->rig, 10);
    ck_assert_uint_eq(t->sent, 63);
    nicrig_free(t);
}
END_TEST

START_TEST(refusals)
{
    static const char *const bad[] = {"52:54:00:12:34", "01:54:00:12:34:56", "52:54:00:12:34:5g",
                                      "x", "52:54:00:12:34:56:78"};
    u8 mac[6];
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!nic_parse_mac(bad[i], mac, &err), "%s", bad[i]);
    ck_assert(nic_parse_mac("AA-bb-cc-00-11-22", mac, &err));
    ck_assert_uint_eq(mac[0], 0xaa);
}
END_TEST

/* The cable is pulled out: status, PHY and an interrupt say so, nothing passes, no reset puts it
 * in. */
START_TEST(cable)
{
    struct nicrig *t = e1000_new();
    u8 f[100];

    make_frame(f, 100, MAC_OWN);
    tx_on(t), rx_on(t, 0);
    wr(t, 0xd0, 4), rd(t, 0xc0);
    ck_assert_uint_eq(rd(t, 8) & 2, 2);
    nic_link(t, true); /* it is in */
    ck_assert_int_eq(nicrig_level(t), 0);
    nic_link(t, false);
    ck_assert_uint_eq(rd(t, 8) & 2, 0);
    ck_assert_int_eq(nicrig_level(t), 1);
    ck_assert_uint_eq(rd(t, 0xc0), 4);
    nic_link(t, false);
    ck_assert_int_eq(nicrig_level(t), 0);
    wr(t, 0x20, 0x08210000);
    ck_assert_uint_eq(rd(t, 0x20) & 0xffff, 0x7989);
    wr(t, 0x20, 0x08250000);
    ck_assert_uint_eq(rd(t, 0x20) & 0xffff, 0);
    wr(t, 0x20, 0x08310000);
    ck_assert_uint_eq(rd(t, 0x20) & 0x400, 0);
    wr(t, 0x20, 0x04200000 | 0x1340); /* nobody answers a negotiation */
    ck_assert_uint_eq(rd(t, 0xc0), 0);
    /* in: taken and forgotten; out: it waits */
    ck_assert(nic_can_take(t));
    nic_take(t, f, 100);
    ck_assert_uint_eq(rd(t, 0x2810), 0);
    ram_put(t, BUF, f, 100);
    desc(t, 0, BUF, 0x0b000000 | 100, 0);
    wr(t, 0x3818, 1);
    ck_assert_uint_eq(t->sent, 0);
    ck_assert_uint_eq(rd(t, 0x3810), 0);
    nic_link(t, true);
    ck_assert_uint_eq(t->sent, 1);
    ck_assert_uint_eq(t->len[0], 100);
    ck_assert_uint_eq(rd(t, 0xc0) & 5, 5);
    ck_assert_uint_eq(rd(t, 8) & 2, 2);
    /* once the PHY tells that it was lost */
    wr(t, 0x20, 0x08210000);
    ck_assert_uint_eq(rd(t, 0x20) & 0xffff, 0x79a9);
    wr(t, 0x20, 0x08210000);
    ck_assert_uint_eq(rd(t, 0x20) & 0xffff, 0x79ad);
    nic_take(t, f, 100);
    ck_assert_uint_eq(rd(t, 0x2810), 1);
    /* resets of the controller, of the PHY and of the machine; what stays inside passes */
    nic_link(t, false);
    wr(t, 0, 1u << 26), wr(t, 0, 1u << 31);
    ck_assert_uint_eq(rd(t, 8) & 2, 0);
    wr(t, 0x20, 0x08210000);
    ck_assert_uint_eq(rd(t, 0x20) & 0xffff, 0x7989);
    tx_on(t), rx_on(t, 0xc0);
    wr(t, 0x3818, 1);
    ck_assert_uint_eq(rd(t, 0x2810), 1);
    ck_assert_uint_eq(t->sent, 1);
    dev_reset(t->dev);
    ck_assert(!t->net.link(t->net.arg));
    nicrig_free(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {eeprom_and_phy,    cable,
                                  send_legacy,       send_segments,
                                  send_segments_ip6, vlan,
                                  receive_filters,   receive_sums_and_sizes,
                                  interrupts,        loopback_and_budget,
                                  refusals,          NULL};

    return rig_main("e1000", tests);
}
