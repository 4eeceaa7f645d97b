/* CD drive: signature, packets by PIO and DMA, sense data, media change, raw sectors, tables of
 * contents. */
#include "devices/disk/ide.h"
#include "tests/dev/memblk.h"
#include "tests/dev/rig.h"

enum { SECTORS = 600, CMD = 0x170, CTL = 0x376, BM = 0xc008 };

struct set {
    struct rig rig;
    struct region ram;
    struct pci_bus pci;
    struct dev *ide;
    struct memblk *cd;
    struct probe irq[2];
};

static void setup(struct set *s)
{
    struct ide_wiring w = {.drive = {NULL}};

    memset(s, 0, sizeof *s);
    rig_init(&s->rig);
    rig_map_ram(&s->rig, &s->ram);
    pci_bus_init(&s->pci, &s->rig.mem, &s->rig.io, NULL);
    s->cd = memblk_new(&s->rig.clock, SECTORS * 2048, 2048);
    s->cd->blk.cdrom = s->cd->blk.removable = s->cd->blk.read_only = true;
    w.drive[2] = &s->cd->blk;
    irq_connect(&w.irq[0], probe_set, &s->irq[0], 0);
    irq_connect(&w.irq[1], probe_set, &s->irq[1], 1);
    s->ide = rig_new(&s->rig, &ide_class, "ide");
    ide_wire(s->ide, &s->pci, &w);
    rig_start(s->ide);
    pci_cfg_write(&s->pci, 0x80000920, 0, 0xc000, 4);
    pci_cfg_write(&s->pci, 0x80000904, 0, 5, 2);
}

static void teardown(struct set *s)
{
    rig_free(&s->rig);
    memblk_free(s->cd);
}

static u8 finish(struct set *s)
{
    int i;

    for (i = 0; i < 1000 && !s->irq[1].level; i++)
        rig_pass(&s->rig, 1000);
    ck_assert_int_eq(s->irq[1].level, 1);
    return in8(&s->rig, CMD + 7);
}

static void send(struct set *s, const u8 *packet, u16 limit, bool dma)
{
    int i;

    out8(&s->rig, CMD + 6, 0xa0);
    out8(&s->rig, CMD + 1, dma);
    out8(&s->rig, CMD + 4, (u8)limit);
    out8(&s->rig, CMD + 5, (u8)(limit >> 8));
    out8(&s->rig, CMD + 7, 0xa0);
    ck_assert_uint_eq(in8(&s->rig, CTL) & 0x88, 8);
    ck_assert_uint_eq(in8(&s->rig, CMD + 2), 1); /* command, to the drive */
    for (i = 0; i < 12; i += 2)
        bus_write(&s->rig.io, CMD, ld16(packet + i), 2);
}

/* A whole packet command by PIO. Returns the bytes read, or minus the error register. */
static int packet(struct set *s, const u8 *p, u8 *buf, u16 limit)
{
    int n = 0;

    send(s, p, limit, false);
    for (;;) {
        u8 st = finish(s);
        int len, i;

        if (st & 1)
            return -in8(&s->rig, CMD + 1);
        if (!(st & 8)) {
            ck_assert_uint_eq(in8(&s->rig, CMD + 2), 3);
            return n;
        }
        ck_assert_uint_eq(in8(&s->rig, CMD + 2), 2);
        len = in8(&s->rig, CMD + 4) | in8(&s->rig, CMD + 5) << 8;
        ck_assert_int_gt(len, 0);
        ck_assert_int_le(len, limit ? limit : 0xfffe);
        for (i = 0; i < len; i += 2)
            st16(buf + n + i, (u16)bus_read(&s->rig.io, CMD, 2));
        n += len;
    }
}

static void sense(struct set *s, u8 key, u8 asc)
{
    static const u8 p[12] = {3, 0, 0, 0, 18};
    u8 b[32];

    ck_assert_int_eq(packet(s, p, b, 18), 18);
    ck_assert_uint_eq(b[2], key);
    ck_assert_uint_eq(b[12], asc);
}

static const u8 test_unit_ready[12] = {0};

START_TEST(test_signature)
{
    struct set s;
    u8 id[512];
    int i;

    setup(&s);
    ck_assert_uint_eq(in8(&s.rig, CMD + 4), 0x14);
    ck_assert_uint_eq(in8(&s.rig, CMD + 5), 0xeb);
    out8(&s.rig, CMD + 4, 0);
    out8(&s.rig, CMD + 7, 0xec); /* IDENTIFY DEVICE fails, and shows the signature */
    ck_assert_uint_eq(finish(&s) & 1, 1);
    ck_assert_uint_eq(in8(&s.rig, CMD + 4), 0x14);
    out8(&s.rig, CMD + 7, 0xa1);
    ck_assert_uint_eq(finish(&s), 0x58);
    for (i = 0; i < 256; i++)
        st16(id + 2 * i, (u16)bus_read(&s.rig.io, CMD, 2));
    ck_assert_uint_eq(ld16(id), 0x85c0);
    out8(&s.rig, CMD + 7, 0x08); /* DEVICE RESET */
    ck_assert_uint_eq(in8(&s.rig, CTL), 0);
    ck_assert_uint_eq(in8(&s.rig, CMD + 5), 0xeb);
    teardown(&s);
}
END_TEST

START_TEST(test_capacity_and_read)
{
    static const u8 cap[12] = {0x25}, rd[12] = {0x28, 0, 0, 0, 0, 7, 0, 0, 5};
    struct set s;
    u8 *buf = malloc(65536);

    setup(&s);
    ck_assert_int_eq(packet(&s, cap, buf, 8), 8);
    ck_assert_uint_eq(__builtin_bswap32(ld32(buf)), SECTORS - 1);
    ck_assert_uint_eq(__builtin_bswap32(ld32(buf + 4)), 2048);
    ck_assert_int_eq(packet(&s, rd, buf, 2048), 5 * 2048); /* a sector per block */
    ck_assert_mem_eq(buf, s.cd->data + 7 * 2048, 5 * 2048);
    memset(buf, 0, 65536);
    ck_assert_int_eq(packet(&s, rd, buf, 0xfffe), 5 * 2048); /* all at once */
    ck_assert_mem_eq(buf, s.cd->data + 7 * 2048, 5 * 2048);
    memset(buf, 0, 65536);
    ck_assert_int_eq(packet(&s, rd, buf, 600), 5 * 2048); /* blocks smaller than a sector */
    ck_assert_mem_eq(buf, s.cd->data + 7 * 2048, 5 * 2048);
    free(buf);
    teardown(&s);
}
END_TEST

START_TEST(test_dma)
{
    static const u8 rd[12] = {0xa8, 0, 0, 0, 0, 3, 0, 0, 0, 40};
    struct set s;
    int i;

    setup(&s);
    for (i = 0; i < 2; i++) {
        st32(s.rig.ram.host + 0x1000 + 8 * i, 0x20000 + 0x10000 * (u32)i);
        st32(s.rig.ram.host + 0x1004 + 8 * i, i ? 0x80004000 : 0);
    }
    out32(&s.rig, BM + 4, 0x1000);
    send(&s, rd, 0, true);
    out8(&s.rig, BM, 9);
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert_uint_eq(in8(&s.rig, CMD + 2), 3);
    ck_assert_uint_eq(in8(&s.rig, BM + 2) & 5, 4);
    ck_assert_mem_eq(s.rig.ram.host + 0x20000, s.cd->data + 3 * 2048, 40 * 2048);
    teardown(&s);
}
END_TEST

START_TEST(test_errors)
{
    static const u8 beyond[12] = {0x28, 0, 0, 0, 2, 0x58, 0, 0, 1},
                    huge[12] = {0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff},
                    unknown[12] = {0xe0};
    struct set s;
    u8 buf[2048];

    setup(&s);
    ck_assert_int_eq(packet(&s, beyond, buf, 2048), -(5 << 4 | 4)); /* the sector behind the last */
    sense(&s, 5, 0x21);
    ck_assert_int_eq(packet(&s, huge, buf, 2048), -(5 << 4 | 4));
    ck_assert_int_eq(packet(&s, unknown, buf, 2048), -(5 << 4 | 4));
    sense(&s, 5, 0x20);
    sense(&s, 0, 0); /* told once */
    s.cd->fail = 5;
    ck_assert_int_eq(packet(&s, (const u8[12]){0x28, 0, 0, 0, 0, 0, 0, 0, 1}, buf, 2048),
                     -(3 << 4 | 4));
    sense(&s, 3, 0x11);
    teardown(&s);
}
END_TEST

START_TEST(test_media_change)
{
    static const u8 gesn[12] = {0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8}, eject[12] = {0x1b, 0, 0, 0, 2},
                    close_[12] = {0x1b, 0, 0, 0, 3}, lock[12] = {0x1e, 0, 0, 0, 1},
                    unlock[12] = {0x1e};
    struct set s;
    u8 buf[64];
    u64 size;

    setup(&s);
    ck_assert_int_eq(packet(&s, test_unit_ready, buf, 8), 0);
    ck_assert_int_eq(packet(&s, lock, buf, 8), 0);
    ck_assert(s.cd->blk.locked);
    ck_assert_int_lt(packet(&s, eject, buf, 8), 0);
    sense(&s, 5, 0x53);
    ck_assert_int_eq(packet(&s, unlock, buf, 8), 0);
    ck_assert_int_eq(packet(&s, eject, buf, 8), 0);
    ck_assert(s.cd->blk.tray_open);
    ck_assert_int_eq(packet(&s, test_unit_ready, buf, 8), -(2 << 4 | 4));
    sense(&s, 2, 0x3a);
    ck_assert_int_eq(packet(&s, close_, buf, 8), 0);
    ck_assert_int_eq(packet(&s, test_unit_ready, buf, 8), -(6 << 4 | 4));
    sense(&s, 6, 0x28);
    ck_assert_int_eq(packet(&s, test_unit_ready, buf, 8), 0);
    /* the host takes the disc out and puts another in */
    size = s.cd->blk.size;
    packet(&s, gesn, buf, 8);
    s.cd->blk.size = 0;
    s.cd->blk.inserted = false;
    s.cd->blk.changed(s.cd->blk.changed_arg);
    ck_assert_int_eq(packet(&s, gesn, buf, 8), 8);
    ck_assert_uint_eq(buf[4], 3);
    ck_assert_uint_eq(buf[5], 0);
    ck_assert_int_eq(packet(&s, test_unit_ready, buf, 8), -(2 << 4 | 4));
    s.cd->blk.size = size;
    s.cd->blk.inserted = true;
    s.cd->blk.changed(s.cd->blk.changed_arg);
    ck_assert_int_eq(packet(&s, gesn, buf, 8), 8);
    ck_assert_uint_eq(buf[4], 2);
    ck_assert_int_eq(packet(&s, test_unit_ready, buf, 8), -(6 << 4 | 4));
    ck_assert_int_eq(packet(&s, test_unit_ready, buf, 8), 0);
    teardown(&s);
}
END_TEST

START_TEST(test_tables)
{
    static const u8 toc[12] = {0x43, 0, 0, 0, 0, 0, 0, 0, 64},
                    toc_msf[12] = {0x43, 2, 0, 0, 0, 0, 0xaa, 0, 64},
                    session[12] = {0x43, 0, 1, 0, 0, 0, 0, 0, 64},
                    raw[12] = {0x43, 2, 2, 0, 0, 0, 0, 0, 64},
                    cut[12] = {0x43, 0, 0, 0, 0, 0, 0, 0, 4},
                    conf[12] = {0x46, 0, 0, 0, 0, 0, 0, 0, 64}, inq[12] = {0x12, 0, 0, 0, 96},
                    mode[12] = {0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 64};
    struct set s;
    u8 b[128];

    setup(&s);
    ck_assert_int_eq(packet(&s, toc, b, 64), 20);
    ck_assert_uint_eq(b[1], 18);
    ck_assert_uint_eq(b[14], 0xaa);
    ck_assert_uint_eq(__builtin_bswap32(ld32(b + 16)), SECTORS);
    ck_assert_int_eq(packet(&s, toc_msf, b, 64), 12);
    ck_assert_uint_eq(b[9] * 4500 + b[10] * 75 + b[11], SECTORS + 150);
    ck_assert_int_eq(packet(&s, session, b, 64), 12);
    ck_assert_int_eq(packet(&s, raw, b, 64), 4 + 4 * 11);
    ck_assert_int_eq(packet(&s, cut, b, 64), 4);
    ck_assert_int_eq(packet(&s, conf, b, 64), 40);
    ck_assert_uint_eq(b[7], 8);
    ck_assert_int_eq(packet(&s, inq, b, 96), 36);
    ck_assert_uint_eq(b[0], 5);
    ck_assert_int_eq(packet(&s, mode, b, 64), 30);
    ck_assert_uint_eq(b[8], 0x2a);
    teardown(&s);
}
END_TEST

START_TEST(test_raw_sector)
{
    static const u8 raw[12] = {0xbe, 0, 0, 0, 0, 9, 0, 0, 30, 0xf8},
                    user[12] = {0xbe, 0, 0, 0, 0, 9, 0, 0, 1, 0x10},
                    none[12] = {0xbe, 0, 0, 0, 0, 9, 0, 0, 1, 0},
                    msf[12] = {0xb9, 0, 0, 0, 2, 9, 0, 2, 11, 0x10};
    struct set s;
    u8 *b = malloc(30 * 2352);
    int i;

    setup(&s);
    ck_assert_int_eq(packet(&s, raw, b, 0xfffe), 30 * 2352);
    for (i = 0; i < 30; i++) {
        const u8 *q = b + i * 2352;

        ck_assert_uint_eq(q[0] | q[11], 0);
        ck_assert_uint_eq(q[1] & q[10], 0xff);
        ck_assert_uint_eq(q[13], 2);
        ck_assert_uint_eq(q[14], (9 + i) / 10 * 16 + (9 + i) % 10); /* BCD */
        ck_assert_uint_eq(q[15], 1);
        ck_assert_mem_eq(q + 16, s.cd->data + (9 + i) * 2048, 2048);
    }
    ck_assert_int_eq(packet(&s, user, b, 2048), 2048);
    ck_assert_mem_eq(b, s.cd->data + 9 * 2048, 2048);
    ck_assert_int_eq(packet(&s, none, b, 2048), 0);
    ck_assert_int_eq(packet(&s, msf, b, 2048), 4096);
    ck_assert_mem_eq(b, s.cd->data + 9 * 2048, 4096);
    free(b);
    teardown(&s);
}
END_TEST

START_TEST(test_reset_in_read)
{
    static const u8 rd[12] = {0x28, 0, 0, 0, 0, 0, 0, 0, 100};
    struct set s;
    u8 buf[2048];

    setup(&s);
    send(&s, rd, 2048, false);
    rig_reload(s.ide);
    finish(&s);
    out8(&s.rig, CMD + 7, 0x08);
    rig_pass(&s.rig, 1000000);
    ck_assert_uint_eq(in8(&s.rig, CTL), 0);
    ck_assert_int_eq(packet(&s, (const u8[12]){0x28, 0, 0, 0, 0, 5, 0, 0, 1}, buf, 2048), 2048);
    ck_assert_mem_eq(buf, s.cd->data + 5 * 2048, 2048);
    teardown(&s);
}
END_TEST

START_TEST(test_small_commands)
{
    static const u8 seek[12] = {0x2b, 0, 0, 0, (SECTORS - 1) >> 8, (SECTORS - 1) & 0xff};
    static const u8 seek_end[12] = {0x2b, 0, 0, 0, SECTORS >> 8, SECTORS & 0xff};
    static const u8 mechanism[12] = {0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8};
    static const u8 track[12] = {0x52, 1, 0, 0, 0, 1, 0, 0, 36}, speed[12] = {0xbb, 0, 0xff, 0xff};
    static const u8 disc[12] = {0x51, 0, 0, 0, 0, 0, 0, 0, 34}, disc_bad[12] = {0x51, 1, 0, 0, 0, 0, 0, 0, 34};
    struct set s;
    u8 b[64];

    setup(&s);
    ck_assert_int_eq(packet(&s, seek, b, 64), 0);
    ck_assert_int_lt(packet(&s, seek_end, b, 64), 0); /* one behind the last */
    sense(&s, 5, 0x21);
    ck_assert_int_eq(packet(&s, mechanism, b, 64), 8);
    ck_assert_uint_eq(b[5], 1);
    ck_assert_int_eq(packet(&s, track, b, 64), 36);
    ck_assert_uint_eq(be16(b), 34);
    ck_assert_uint_eq(b[2], 1);
    ck_assert_uint_eq(be32(b + 8), 0);
    ck_assert_uint_eq(be32(b + 24), SECTORS);
    ck_assert_int_eq(packet(&s, speed, b, 64), 0);
    ck_assert_int_eq(packet(&s, disc, b, 64), 34);
    ck_assert_uint_eq(be16(b), 32);
    ck_assert_int_lt(packet(&s, disc_bad, b, 64), 0);
    sense(&s, 5, 0x24);
    teardown(&s);
}
END_TEST

START_TEST(test_dvd)
{
    static const u8 physical[12] = {0xad, 0, 0, 0, 0, 0, 0, 0, 8, 4}, copyright[12] = {0xad, 0, 0, 0, 0, 0, 0, 1, 0, 8};
    static const u8 maker[12] = {0xad, 0, 0, 0, 0, 0, 0, 4, 8, 4}, unknown[12] = {0xad, 0, 0, 0, 0, 0, 0, 9, 8, 4};
    static const u8 layer[12] = {0xad, 0, 0, 0, 0, 0, 1, 0, 8, 4}, profile[12] = {0x46, 2, 0, 0, 0, 0, 0, 0, 8};
    u8 *b = calloc(1, 65536);
    struct set s;

    setup(&s);
    ck_assert_int_lt(packet(&s, physical, b, 4096), 0); /* a CD has none */
    sense(&s, 5, 0x30);
    ck_assert_int_eq(packet(&s, profile, b, 8), 8);
    ck_assert_uint_eq(be16(b + 6), 8); /* CD-ROM */
    s.cd->blk.size = 2048ull * 2000000; /* too large for a CD: nothing of it is read here */
    ck_assert_int_eq(packet(&s, physical, b, 4096), 2052);
    ck_assert_uint_eq(be16(b), 2050);
    ck_assert_uint_eq(be32(b + 8), 0x30000);
    ck_assert_uint_eq(be32(b + 12), 0x30000 + 2000000 - 1);
    ck_assert_int_eq(packet(&s, copyright, b, 4096), 8);
    ck_assert_uint_eq(be16(b), 6);
    ck_assert_int_eq(packet(&s, maker, b, 4096), 2052);
    ck_assert_int_lt(packet(&s, unknown, b, 4096), 0);
    sense(&s, 5, 0x24);
    ck_assert_int_lt(packet(&s, layer, b, 4096), 0); /* it has one */
    sense(&s, 5, 0x24);
    ck_assert_int_eq(packet(&s, profile, b, 8), 8);
    ck_assert_uint_eq(be16(b + 6), 0x10); /* DVD-ROM */
    teardown(&s);
    free(b);
}
END_TEST

/* A software reset in the middle of a block leaves nothing of it behind. */
START_TEST(test_reset_in_block)
{
    static const u8 rd[12] = {0x28, 0, 0, 0, 0, 7, 0, 0, 5};
    struct set s;

    setup(&s);
    send(&s, rd, 2048, false);
    ck_assert_uint_eq(finish(&s) & 8, 8);
    bus_read(&s.rig.io, CMD, 2);
    out8(&s.rig, CTL, 4);
    out8(&s.rig, CTL, 0);
    ck_assert_uint_eq(in8(&s.rig, CTL), 0);
    rig_reload(s.ide);
    teardown(&s);
}
END_TEST

/* Random packets with random limits, by PIO and DMA. */
START_TEST(test_noise)
{
    struct set s;
    u32 seed = 99;
    int i, k;

    setup(&s);
    out32(&s.rig, BM + 4, 0x1000);
    for (i = 0; i < 20000; i++) {
        static const u8 ops[] = {0x28, 0xa8, 0xbe, 0xb9, 0x43, 0x46, 0x4a, 0x5a,
                                 0x12, 0x03, 0x25, 0x42, 0x51, 0xad, 0x1b};
        u8 p[12];

        for (k = 0; k < 12; k++) {
            seed = seed * 1664525 + 1013904223;
            p[k] = seed & 0x300 ? (u8)(seed >> 28) : (u8)(seed >> 20);
        }
        p[0] = seed & 1 ? ops[(seed >> 8) % ARRAY_LEN(ops)] : p[0];
        out8(&s.rig, CMD + 7, 0x08);
        out8(&s.rig, CMD + 1, seed >> 12 & 1);
        out8(&s.rig, CMD + 4, (u8)(seed >> 16));
        out8(&s.rig, CMD + 5, (u8)(seed >> 24));
        out8(&s.rig, CMD + 7, 0xa0);
        for (k = 0; k < 12; k += 2)
            bus_write(&s.rig.io, CMD, ld16(p + k), 2);
        out8(&s.rig, BM, 0);
        out8(&s.rig, BM, 9);
        for (k = 0; k < 40; k++) {
            in32(&s.rig, CMD);
            if (k % 10 == 0)
                rig_pass(&s.rig, 2000);
        }
    }
    teardown(&s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_signature, test_capacity_and_read, test_dma,           test_errors, test_media_change,
        test_tables,    test_raw_sector,        test_reset_in_read, test_small_commands,
        test_dvd,       test_reset_in_block,  test_noise,  NULL};

    return rig_main("atapi", tests);
}
