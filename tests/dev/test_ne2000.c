/* NE2000 on both buses against the DP8390's data sheet: address PROM, remote DMA, sending, the
 * receive ring, filters. */
#include "devices/net/ne2000.h"
#include "tests/dev/nicrig.h"

static void out(struct nicrig *t, unsigned off, u8 v)
{
    out8(&t->rig, (u16)((t->bus.fn[0x18] ? NIC_IO : 0x300) + off), v);
}
static u8 in(struct nicrig *t, unsigned off)
{
    return in8(&t->rig, (u16)((t->bus.fn[0x18] ? NIC_IO : 0x300) + off));
}
static u32 data_in(struct nicrig *t, unsigned size)
{
    return (u32)bus_read(&t->rig.io, (t->bus.fn[0x18] ? NIC_IO : 0x300) + 0x10, size);
}
static void data_out(struct nicrig *t, u32 v, unsigned size)
{
    bus_write(&t->rig.io, (t->bus.fn[0x18] ? NIC_IO : 0x300) + 0x10, v, size);
}

static struct nicrig *ne_isa(void)
{
    return nicrig_new(&ne2k_isa_class, ne2k_isa_plug, NULL, 0, 0);
}
static struct nicrig *ne_pci(void)
{
    return nicrig_new(&ne2k_pci_class, ne2k_pci_plug, NULL, NIC_IO, 0);
}

/* Remote DMA of n bytes at addr: command 0x0a reads, 0x12 writes. */
static void dma(struct nicrig *t, u16 addr, u16 n, u8 cmd)
{
    out(t, 8, (u8)addr), out(t, 9, (u8)(addr >> 8));
    out(t, 10, (u8)n), out(t, 11, (u8)(n >> 8));
    out(t, 0, cmd);
}

/* A driver's start: word mode, ring from 0x46 to 0x50, all kinds of frames by `rcr`. */
static void start(struct nicrig *t, u8 rcr)
{
    out(t, 0, 0x21), out(t, 14, 0x49), out(t, 1, 0x46), out(t, 2, 0x50), out(t, 3, 0x46);
    out(t, 12, rcr), out(t, 13, 0), out(t, 7, 0xff), out(t, 15, 0x3f);
    out(t, 0, 0x61);
    for (unsigned i = 0; i < 6; i++)
        out(t, 1 + i, (u8)MAC_OWN[i]);
    out(t, 7, 0x47);
    out(t, 0, 0x22);
}

static u8 curr(struct nicrig *t)
{
    u8 v;

    out(t, 0, 0x62);
    v = in(t, 7);
    out(t, 0, 0x22);
    return v;
}

START_TEST(prom_and_dma)
{
    struct nicrig *t = ne_isa();

    /* in bytes: each byte of the address twice, then the mark of 16-bit cards */
    out(t, 0, 0x22);
    dma(t, 0, 32, 0x0a);
    for (unsigned i = 0; i < 12; i++)
        ck_assert_uint_eq(data_in(t, 1), (u8)MAC_OWN[i / 2]);
    dma(t, 28, 2, 0x0a);
    ck_assert_uint_eq(data_in(t, 1), 0x57);
    /* in words a byte of a word is enough */
    start(t, 0);
    dma(t, 0, 12, 0x0a);
    for (unsigned i = 0; i < 6; i++)
        ck_assert_uint_eq(data_in(t, 1), (u8)MAC_OWN[i]);
    ck_assert_uint_eq(in(t, 7) & 0x40, 0x40);
    /* what is written is read; at the end of the ring it goes on at its start */
    dma(t, 0x4ffe, 4, 0x12);
    data_out(t, 0x2211, 2), data_out(t, 0x4433, 2);
    dma(t, 0x4ffe, 8, 0x0a);
    ck_assert_uint_eq(data_in(t, 2), 0x2211);
    ck_assert_uint_eq(in(t, 8) | in(t, 9) << 8, 0x4600);
    ck_assert_uint_eq(data_in(t, 2), 0x4433);
    dma(t, 0x4600, 4, 0x0a);
    ck_assert_uint_eq(data_in(t, 2), 0x4433);
    /* without a command, or beyond memory, ones */
    out(t, 0, 0x22);
    ck_assert_uint_eq(data_in(t, 2), 0xffff);
    data_out(t, 0, 2);
    dma(t, 0xd000, 2, 0x0a);
    ck_assert_uint_eq(data_in(t, 2), 0xffff);
    dma(t, 0, 0, 0x0a); /* nothing to do is done */
    ck_assert_uint_eq(in(t, 7) & 0x40, 0x40);
    ck_assert_uint_eq(in(t, 10), 0xff);
    nicrig_free(t);
}
END_TEST

/* The reset port stops the chip; what is in its memory stays (drivers look for memory that way). */
START_TEST(reset_keeps_memory)
{
    struct nicrig *t = ne_isa();

    start(t, 0);
    dma(t, 0x4800, 4, 0x12);
    data_out(t, 0x2211, 2), data_out(t, 0x4433, 2);
    in(t, 0x1f);
    ck_assert_uint_eq(in(t, 0) & 3, 1);
    ck_assert_uint_eq(in(t, 7) & 0x80, 0x80);
    start(t, 0);
    dma(t, 0x4800, 4, 0x0a);
    ck_assert_uint_eq(data_in(t, 2), 0x2211);
    ck_assert_uint_eq(data_in(t, 2), 0x4433);
    nicrig_free(t);
}
END_TEST

START_TEST(pages_of_registers)
{
    struct nicrig *t = ne_pci();

    start(t, 0x04);
    ck_assert_uint_eq(in(t, 10) | in(t, 11) << 8, 0x4350);
    out(t, 0, 0x62), out(t, 8, 0x5a);
    ck_assert_uint_eq(in(t, 8), 0x5a);
    ck_assert_uint_eq(in(t, 1), 0x52);
    out(t, 0, 0xa2);
    ck_assert_uint_eq(in(t, 1) | in(t, 2) << 8, 0x5046);
    ck_assert_uint_eq(in(t, 12) & 0x3f, 0x04);
    ck_assert_uint_eq(in(t, 13), 0xe0);
    ck_assert_uint_eq(in(t, 14), 0xc9);
    ck_assert_uint_eq(in(t, 15), 0xbf);
    ck_assert_uint_eq(in(t, 4) | in(t, 5), 0);
    out(t, 0, 0xe2), out(t, 1, 0xc0);
    ck_assert_uint_eq(in(t, 1), 0xc0);
    ck_assert_uint_eq(in(t, 5) | in(t, 6) | in(t, 3) | in(t, 9), 0x40);
    rig_reload(t->dev);
    /* reading the reset port */
    in(t, 0x1f), out(t, 0x1f, 0);
    ck_assert_uint_eq(in(t, 0), 0x21);
    ck_assert_uint_eq(in(t, 7), 0x80);
    ck_assert_uint_eq(in(t, 1) | in(t, 2) | in(t, 6), 0);
    nicrig_free(t);
}
END_TEST

START_TEST(send)
{
    struct nicrig *t = ne_pci();
    u8 f[100];

    start(t, 0);
    make_frame(f, 100, MAC_ALL);
    dma(t, 0x4000, 100, 0x12);
    for (unsigned i = 0; i < 100; i += 4)
        data_out(t, ld32(f + i), 4);
    out(t, 7, 0x40);
    out(t, 4, 0x40), out(t, 5, 100), out(t, 6, 0), out(t, 0, 0x26);
    ck_assert_uint_eq(t->sent, 1);
    ck_assert_uint_eq(t->len[0], 100);
    ck_assert_mem_eq(t->frame[0], f, 100);
    ck_assert_uint_eq(in(t, 7), 2);
    ck_assert_uint_eq(in(t, 4), 1);
    ck_assert_uint_eq(in(t, 0), 0x22);
    ck_assert_int_eq(nicrig_level(t), 1);
    out(t, 7, 2);
    ck_assert_int_eq(nicrig_level(t), 0);
    out(t, 13, 2), out(t, 0, 0x26); /* loopback stays inside */
    ck_assert_uint_eq(t->sent, 1);
    out(t, 13, 0), out(t, 5, 4), out(t, 0, 0x26);
    ck_assert_uint_eq(t->sent, 1);
    nicrig_free(t);
}
END_TEST

START_TEST(receive)
{
    struct nicrig *t = ne_isa();
    u8 f[1514];

    make_frame(f, 1514, MAC_OWN);
    nic_take(t, f, 100);
    ck_assert(nic_can_take(t));
    start(t, 0);
    nic_take(t, f, 100);
    ck_assert_int_eq(nicrig_level(t), 1);
    ck_assert_uint_eq(curr(t), 0x48);
    dma(t, 0x4700, 20, 0x0a);
    ck_assert_uint_eq(data_in(t, 2), 0x4801);
    ck_assert_uint_eq(data_in(t, 2), 104);
    ck_assert_uint_eq(data_in(t, 2), ld16(f));
    /* not read yet: acknowledging does not make it forgotten; then it does */
    out(t, 7, 0x41);
    ck_assert_uint_eq(in(t, 7), 1);
    out(t, 3, 0x47), out(t, 7, 1);
    ck_assert_uint_eq(in(t, 7), 0);
    ck_assert_int_eq(nicrig_level(t), 0);
    /* 252 bytes and their CRC need a second page; runts are filled up */
    nic_take(t, f, 252);
    ck_assert_uint_eq(curr(t), 0x4a);
    nic_take(t, f, 20);
    ck_assert_uint_eq(curr(t), 0x4b);
    out(t, 3, 0x4a);
    /* around the end of the ring */
    nic_take(t, f, 1514);
    ck_assert_uint_eq(curr(t), 0x47);
    dma(t, 0x4b00, 1518, 0x0a);
    data_in(t, 4);
    for (unsigned i = 0; i < 1512; i += 4)
        ck_assert_uint_eq(data_in(t, 4), ld32(f + i));
    /* full */
    ck_assert(!nic_can_take(t));
    nic_take(t, f, 1514);
    ck_assert_uint_eq(in(t, 7) & 0x10, 0x10);
    ck_assert_uint_eq(in(t, 15), 1);
    ck_assert_uint_eq(in(t, 15), 0);
    for (unsigned i = 0; i < 200; i++)
        nic_take(t, f, 1514);
    ck_assert_uint_eq(in(t, 7) & 0x20, 0x20);
    t->ready = 0;
    out(t, 3, 0x45); /* one before the start is the end */
    ck_assert_uint_gt(t->ready, 0);
    ck_assert(nic_can_take(t));
    rig_reload(t->dev);
    /* a ring that cannot be takes nothing */
    out(t, 1, 0x10);
    nic_take(t, f, 60);
    ck_assert(nic_can_take(t));
    nicrig_free(t);
}
END_TEST

START_TEST(filters)
{
    struct nicrig *t = ne_isa();
    u8 f[60];
    u32 hash = nic_crc((const u8 *)"\x01\x00\x5e\x00\x00\xfb", 6) >> 26;

    start(t, 0);
    make_frame(f, 60, MAC_ALL);
    nic_take(t, f, 60);
    ck_assert_uint_eq(curr(t), 0x47);
    out(t, 12, 4);
    nic_take(t, f, 60);
    ck_assert_uint_eq(curr(t), 0x48);
    make_frame(f, 60, "\x52\x54\x00\x00\x00\x01");
    nic_take(t, f, 60);
    ck_assert_uint_eq(curr(t), 0x48);
    out(t, 12, 0x10);
    nic_take(t, f, 60);
    ck_assert_uint_eq(curr(t), 0x49);
    make_frame(f, 60, "\x01\x00\x5e\x00\x00\xfb");
    out(t, 12, 8);
    nic_take(t, f, 60);
    ck_assert_uint_eq(curr(t), 0x49);
    out(t, 0, 0x62), out(t, 8 + (hash >> 3), (u8)(1u << (hash & 7))), out(t, 0, 0x22);
    nic_take(t, f, 60);
    ck_assert_uint_eq(curr(t), 0x4a);
    ck_assert_uint_eq(in(t, 12), 0x21);
    out(t, 12, 0x28); /* monitoring only */
    nic_take(t, f, 60);
    ck_assert_uint_eq(curr(t), 0x4a);
    nicrig_free(t);
}
END_TEST

/* The chip does not know of its cable: sending ends well, and nothing passes. */
START_TEST(cable)
{
    struct nicrig *t = ne_pci();
    u8 f[100], was;

    make_frame(f, 100, MAC_OWN);
    start(t, 0);
    was = (u8)curr(t);
    nic_link(t, false);
    ck_assert(nic_can_take(t));
    nic_take(t, f, 100);
    ck_assert_uint_eq(curr(t), was);
    out(t, 7, 0xff), out(t, 4, 0x40), out(t, 5, 100), out(t, 6, 0), out(t, 0, 0x26);
    ck_assert_uint_eq(in(t, 7), 2);
    ck_assert_uint_eq(t->sent, 0);
    dev_reset(t->dev);
    ck_assert(!t->net.link(t->net.arg));
    nic_link(t, true);
    start(t, 0);
    nic_take(t, f, 100);
    ck_assert_uint_ne(curr(t), was);
    nicrig_free(t);
}
END_TEST

/* A ROM for a family gets the function's IDs and keeps its sum; one with IDs, or a damaged one, stays as it is. */
START_TEST(boot_rom)
{
    static u8 rom[2048];

    for (unsigned round = 0; round < 4; round++) {
        struct nicrig *t = ne_pci();
        struct nic_rom r = {.space = &t->rig.space, .data = rom, .len = round == 3 ? 20 : sizeof(rom)};
        struct pci_func fn = {.bus = NULL};
        static const struct pci_ident ident = {.vendor = 0x10ec, .device = 0x8029};
        struct err err;
        u8 sum = 0;

        memset(rom, 0, sizeof(rom));
        st16(rom, 0xaa55), rom[2] = 4, st16(rom + 0x18, round == 2 ? 0xfff0 : 0x40);
        memcpy(rom + 0x40, "PCIR", 4);
        st32(rom + 0x44, round == 1 ? 0x12341234 : 0);
        ck_assert(nic_rom_init(&r, &fn, "rom", &ident, &err));
        ck_assert_uint_eq(ld32(r.ram.host + 0x44), round == 1 ? 0x12341234 : round ? 0 : 0x802910ec);
        for (unsigned i = 0; i < sizeof(rom); i++)
            sum = (u8)(sum + r.ram.host[i] - (r.len > i ? rom[i] : 0));
        ck_assert_uint_eq(sum, 0);
        ck_assert_uint_eq(fn.bar[PCI_BAR_ROM].size, 4096);
        nic_rom_free(&r);
        r.len = MIB + 1;
        ck_assert(!nic_rom_init(&r, &fn, "rom", &ident, &err));
        nicrig_free(t);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {prom_and_dma, reset_keeps_memory, pages_of_registers, send, receive, filters, cable, boot_rom, NULL};

    return rig_main("ne2000", tests);
}
