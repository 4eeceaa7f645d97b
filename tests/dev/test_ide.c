/* ATA disks behind the PIIX3 controller: detection, PIO, multiple, bus master DMA, 48 bits, errors,
 * resets, saved state. */
#include "devices/disk/ide.h"
#include "tests/dev/memblk.h"
#include "tests/dev/rig.h"

enum { SECTORS = 4096, CMD = 0x1f0, CTL = 0x3f6, BM = 0xc000 };
enum { BSY = 0x80, DRDY = 0x40, DRQ = 8, ERR = 1 };

struct set {
    struct rig rig;
    struct region ram;
    struct pci_bus pci;
    struct dev *ide;
    struct memblk *disk;
    struct probe irq[2];
};

static void setup(struct set *s)
{
    struct ide_wiring w = {.drive = {NULL}};

    memset(s, 0, sizeof *s);
    rig_init(&s->rig);
    rig_map_ram(&s->rig, &s->ram);
    pci_bus_init(&s->pci, &s->rig.mem, &s->rig.io, NULL);
    s->disk = memblk_new(&s->rig.clock, SECTORS * 512, 512);
    w.drive[0] = &s->disk->blk;
    irq_connect(&w.irq[0], probe_set, &s->irq[0], 0);
    irq_connect(&w.irq[1], probe_set, &s->irq[1], 1);
    s->ide = rig_new(&s->rig, &ide_class, "ide");
    ide_wire(s->ide, &s->pci, &w);
    rig_start(s->ide);
    pci_cfg_write(&s->pci, 0x80000920, 0, BM, 4);
    pci_cfg_write(&s->pci, 0x80000904, 0, 5, 2);
}

static void teardown(struct set *s)
{
    rig_free(&s->rig);
    memblk_free(s->disk);
}

static u8 status(struct set *s) { return in8(&s->rig, CTL); }

/* Wait for the interrupt, take it, give the status. */
static u8 finish(struct set *s)
{
    int i;

    for (i = 0; i < 1000 && !s->irq[0].level; i++)
        rig_pass(&s->rig, 1000);
    ck_assert_int_eq(s->irq[0].level, 1);
    i = in8(&s->rig, CMD + 7);
    ck_assert_int_eq(s->irq[0].level, 0);
    return (u8)i;
}

static void task(struct set *s, u32 lba, u8 count, u8 cmd)
{
    out8(&s->rig, CMD + 6, (u8)(0xe0 | (lba >> 24 & 15)));
    out8(&s->rig, CMD + 2, count);
    out8(&s->rig, CMD + 3, (u8)lba);
    out8(&s->rig, CMD + 4, (u8)(lba >> 8));
    out8(&s->rig, CMD + 5, (u8)(lba >> 16));
    out8(&s->rig, CMD + 7, cmd);
}

static void task48(struct set *s, u64 lba, u16 count, u8 cmd)
{
    out8(&s->rig, CMD + 6, 0x40);
    out8(&s->rig, CMD + 2, (u8)(count >> 8));
    out8(&s->rig, CMD + 3, (u8)(lba >> 24));
    out8(&s->rig, CMD + 4, (u8)(lba >> 32));
    out8(&s->rig, CMD + 5, (u8)(lba >> 40));
    out8(&s->rig, CMD + 2, (u8)count);
    out8(&s->rig, CMD + 3, (u8)lba);
    out8(&s->rig, CMD + 4, (u8)(lba >> 8));
    out8(&s->rig, CMD + 5, (u8)(lba >> 16));
    out8(&s->rig, CMD + 7, cmd);
}

static void pio_read(struct set *s, u8 *buf, unsigned words)
{
    unsigned i;

    for (i = 0; i < words; i++)
        st16(buf + 2 * i, (u16)bus_read(&s->rig.io, CMD, 2));
}

static void pio_write(struct set *s, const u8 *buf, unsigned words)
{
    unsigned i;

    for (i = 0; i < words; i++)
        bus_write(&s->rig.io, CMD, ld16(buf + 2 * i), 2);
}

START_TEST(test_detect)
{
    struct set s;

    setup(&s);
    ck_assert_uint_eq(status(&s), 0x50);
    ck_assert_uint_eq(in8(&s.rig, CMD + 2), 1);
    ck_assert_uint_eq(in8(&s.rig, CMD + 3), 1);
    ck_assert_uint_eq(in8(&s.rig, CMD + 4) | in8(&s.rig, CMD + 5), 0);
    out8(&s.rig, CMD + 2, 0x55);
    out8(&s.rig, CMD + 3, 0xaa);
    ck_assert_uint_eq(in8(&s.rig, CMD + 2), 0x55);
    ck_assert_uint_eq(in8(&s.rig, CMD + 3), 0xaa);
    /* the absent slave and the empty channel */
    out8(&s.rig, CMD + 6, 0xb0);
    ck_assert_uint_eq(status(&s), 0);
    out8(&s.rig, CMD + 7, 0xec);
    rig_pass(&s.rig, 100000);
    ck_assert_int_eq(s.irq[0].rises, 0);
    out8(&s.rig, 0x172, 0x55);
    ck_assert_uint_eq(in8(&s.rig, 0x172), 0);
    ck_assert_uint_eq(in8(&s.rig, 0x376), 0);
    teardown(&s);
}
END_TEST

START_TEST(test_identify)
{
    struct set s;
    u8 id[512], sum = 0;
    int i;

    setup(&s);
    task(&s, 0, 0, 0xec);
    ck_assert_uint_eq(finish(&s), 0x58);
    pio_read(&s, id, 256);
    ck_assert_uint_eq(status(&s), 0x50);
    ck_assert_int_eq(s.irq[0].level, 0);
    ck_assert_uint_eq(ld32(id + 120), SECTORS);
    ck_assert_uint_eq(ld64(id + 200), SECTORS);
    ck_assert_uint_eq(ld16(id + 98) & 0x300, 0x300);
    ck_assert_uint_eq(ld16(id + 54), 'D' << 8 | 'R');
    for (i = 0; i < 512; i++)
        sum = (u8)(sum + id[i]);
    ck_assert_uint_eq(sum, 0);
    teardown(&s);
}
END_TEST

START_TEST(test_pio_read)
{
    struct set s;
    u8 buf[1536];
    int i;

    setup(&s);
    task(&s, 10, 3, 0x20);
    ck_assert_uint_eq(status(&s) & BSY, BSY);
    for (i = 0; i < 3; i++) { /* one interrupt per sector, none at the end */
        ck_assert_uint_eq(finish(&s), 0x58);
        pio_read(&s, buf + 512 * i, 256);
    }
    rig_pass(&s.rig, 1000000);
    ck_assert_int_eq(s.irq[0].rises, 3);
    ck_assert_uint_eq(status(&s), 0x50);
    ck_assert_mem_eq(buf, s.disk->data + 10 * 512, 1536);
    ck_assert_uint_eq(in8(&s.rig, CMD + 3), 13);
    ck_assert_uint_eq(in8(&s.rig, CMD + 2), 0);
    /* 32-bit accesses of the data port */
    task(&s, 20, 1, 0x20);
    finish(&s);
    for (i = 0; i < 128; i++)
        st32(buf + 4 * i, in32(&s.rig, CMD));
    ck_assert_mem_eq(buf, s.disk->data + 20 * 512, 512);
    teardown(&s);
}
END_TEST

START_TEST(test_chs)
{
    struct set s;
    u8 buf[512];

    setup(&s);
    out8(&s.rig, CMD + 6, 0xa0 | 15); /* INITIALIZE PARAMETERS: 16 heads, 17 sectors */
    out8(&s.rig, CMD + 2, 17);
    out8(&s.rig, CMD + 7, 0x91);
    ck_assert_uint_eq(finish(&s), 0x50);
    out8(&s.rig, CMD + 6, 0xa0 | 2);
    out8(&s.rig, CMD + 2, 1);
    out8(&s.rig, CMD + 3, 5);
    out8(&s.rig, CMD + 4, 3);
    out8(&s.rig, CMD + 5, 0);
    out8(&s.rig, CMD + 7, 0x20);
    finish(&s);
    pio_read(&s, buf, 256);
    ck_assert_mem_eq(buf, s.disk->data + ((3 * 16 + 2) * 17 + 4) * 512, 512);
    out8(&s.rig, CMD + 3, 0); /* there is no sector 0 */
    out8(&s.rig, CMD + 2, 1);
    out8(&s.rig, CMD + 7, 0x20);
    ck_assert_uint_eq(finish(&s) & ERR, ERR);
    ck_assert_uint_eq(in8(&s.rig, CMD + 1), 0x10);
    teardown(&s);
}
END_TEST

START_TEST(test_pio_write)
{
    struct set s;
    u8 buf[1024];

    setup(&s);
    memset(buf, 0x5a, sizeof buf);
    buf[513] = 1;
    task(&s, 100, 2, 0x30);
    ck_assert_uint_eq(status(&s), 0x58); /* at once, with no interrupt */
    ck_assert_int_eq(s.irq[0].level, 0);
    pio_write(&s, buf, 256);
    ck_assert_uint_eq(finish(&s), 0x58);
    pio_write(&s, buf + 512, 256);
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert_mem_eq(s.disk->data + 100 * 512, buf, 1024);
    ck_assert_uint_eq(s.disk->flushes, 0);
    out8(&s.rig, CMD + 7, 0xe7);
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert_uint_eq(s.disk->flushes, 1);
    /* without the write cache a write is not over before the flush */
    out8(&s.rig, CMD + 1, 0x82);
    out8(&s.rig, CMD + 7, 0xef);
    ck_assert_uint_eq(finish(&s), 0x50);
    task(&s, 100, 1, 0x30);
    pio_write(&s, buf, 256);
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert_uint_eq(s.disk->flushes, 2);
    teardown(&s);
}
END_TEST

START_TEST(test_multiple)
{
    struct set s;
    u8 buf[512 * 10];

    setup(&s);
    out8(&s.rig, CMD + 2, 3); /* not a power of two */
    out8(&s.rig, CMD + 7, 0xc6);
    ck_assert_uint_eq(finish(&s) & ERR, ERR);
    out8(&s.rig, CMD + 2, 8);
    out8(&s.rig, CMD + 7, 0xc6);
    ck_assert_uint_eq(finish(&s), 0x50);
    task(&s, 50, 10, 0xc4);
    ck_assert_uint_eq(finish(&s), 0x58);
    pio_read(&s, buf, 8 * 256);
    ck_assert_uint_eq(finish(&s), 0x58);
    pio_read(&s, buf + 4096, 2 * 256);
    ck_assert_mem_eq(buf, s.disk->data + 50 * 512, sizeof buf);
    memset(buf, 0x77, sizeof buf);
    task(&s, 60, 9, 0xc5);
    pio_write(&s, buf, 8 * 256);
    ck_assert_uint_eq(finish(&s), 0x58);
    pio_write(&s, buf, 256);
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert_mem_eq(s.disk->data + 60 * 512, buf, 9 * 512);
    out8(&s.rig, CMD + 2, 0);
    out8(&s.rig, CMD + 7, 0xc6);
    finish(&s);
    task(&s, 0, 1, 0xc4);
    ck_assert_uint_eq(finish(&s) & ERR, ERR);
    teardown(&s);
}
END_TEST

static void prd(struct set *s, u32 i, u32 addr, u16 len, bool last)
{
    st32(s->rig.ram.host + 0x1000 + 8 * i, addr);
    st32(s->rig.ram.host + 0x1004 + 8 * i, len | (last ? 0x80000000u : 0));
}

static void bm_start(struct set *s, bool to_mem)
{
    out32(&s->rig, BM + 4, 0x1000);
    out8(&s->rig, BM + 2, 0x66);
    out8(&s->rig, BM, to_mem ? 8 : 0);
    out8(&s->rig, BM, to_mem ? 9 : 1);
}

START_TEST(test_dma_read)
{
    struct set s;

    setup(&s);
    prd(&s, 0, 0x20000, 0x300, false);
    prd(&s, 1, 0x30000, 0, true); /* 0: 64 KiB */
    task(&s, 8, 4, 0xc8);
    bm_start(&s, true);
    ck_assert_uint_eq(in8(&s.rig, BM + 2) & 1, 1);
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert_uint_eq(in8(&s.rig, BM + 2), 0x65); /* descriptors left over: still active */
    ck_assert_mem_eq(s.rig.ram.host + 0x20000, s.disk->data + 8 * 512, 0x300);
    ck_assert_mem_eq(s.rig.ram.host + 0x30000, s.disk->data + 8 * 512 + 0x300, 0x500);
    out8(&s.rig, BM, 0);
    ck_assert_uint_eq(in8(&s.rig, BM + 2) & 1, 0);
    /* large: several buffers, exact descriptors; the engine first, then the command */
    prd(&s, 0, 0x40000, 0, false);
    prd(&s, 1, 0x50000, 0, false);
    prd(&s, 2, 0x60000, 0x200, true);
    bm_start(&s, true);
    task48(&s, 100, 257, 0x25);
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert_uint_eq(in8(&s.rig, BM + 2), 0x64);
    ck_assert_mem_eq(s.rig.ram.host + 0x40000, s.disk->data + 100 * 512, 257 * 512);
    teardown(&s);
}
END_TEST

START_TEST(test_dma_write)
{
    struct set s;

    setup(&s);
    memset(s.rig.ram.host + 0x20000, 0xab, 1024);
    prd(&s, 0, 0x20000, 1024, true);
    task(&s, 30, 2, 0xca);
    rig_pass(&s.rig, 1000000);
    ck_assert_int_eq(s.irq[0].rises, 0); /* nothing before the engine is started */
    bm_start(&s, false);
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert_mem_eq(s.disk->data + 30 * 512, s.rig.ram.host + 0x20000, 1024);
    ck_assert_uint_eq(in8(&s.rig, BM + 2) & 5, 4);
    teardown(&s);
}
END_TEST

START_TEST(test_dma_misuse)
{
    struct set s;

    setup(&s);
    /* too short a table: the engine stops, no interrupt; a reset mends it */
    prd(&s, 0, 0x20000, 512, true);
    task(&s, 0, 2, 0xc8);
    bm_start(&s, true);
    rig_pass(&s.rig, 1000000);
    ck_assert_int_eq(s.irq[0].rises, 0);
    ck_assert_uint_eq(in8(&s.rig, BM + 2) & 5, 0);
    out8(&s.rig, BM, 0);
    out8(&s.rig, CTL, 4);
    out8(&s.rig, CTL, 0);
    ck_assert_uint_eq(status(&s), 0x50);
    /* the wrong direction, and no bus mastering: nothing moves */
    memset(s.rig.ram.host + 0x20000, 0, 512);
    task(&s, 5, 1, 0xc8);
    bm_start(&s, false);
    rig_pass(&s.rig, 1000000);
    ck_assert_uint_eq(s.rig.ram.host[0x20001], 0);
    out8(&s.rig, BM, 0);
    pci_cfg_write(&s.pci, 0x80000904, 0, 1, 2);
    bm_start(&s, true);
    rig_pass(&s.rig, 1000000);
    ck_assert_uint_eq(s.rig.ram.host[0x20001], 0);
    /* descriptors that point nowhere and at the table itself do no harm */
    out8(&s.rig, BM, 0);
    pci_cfg_write(&s.pci, 0x80000904, 0, 5, 2);
    prd(&s, 0, 0xfffffff0, 256, false);
    prd(&s, 1, 0x1000, 256, true);
    bm_start(&s, true);
    ck_assert_uint_eq(finish(&s), 0x50);
    teardown(&s);
}
END_TEST

START_TEST(test_errors)
{
    struct set s;

    setup(&s);
    task(&s, SECTORS - 1, 2, 0x20);
    ck_assert_uint_eq(finish(&s), 0x51);
    ck_assert_uint_eq(in8(&s.rig, CMD + 1), 0x10);
    task48(&s, 0xffffffffffffull, 0, 0x24);
    ck_assert_uint_eq(finish(&s) & ERR, ERR);
    task(&s, 0, 1, 0xff);
    ck_assert_uint_eq(finish(&s), 0x51);
    ck_assert_uint_eq(in8(&s.rig, CMD + 1), 4);
    s.disk->fail = 5;
    task(&s, 7, 2, 0x20);
    ck_assert_uint_eq(finish(&s), 0x51);
    ck_assert_uint_eq(in8(&s.rig, CMD + 1), 0x40);
    ck_assert_uint_eq(in8(&s.rig, CMD + 3), 7);
    s.disk->fail = 0;
    s.disk->blk.read_only = true;
    task(&s, 7, 1, 0x30);
    ck_assert_uint_eq(finish(&s), 0x51);
    teardown(&s);
}
END_TEST

START_TEST(test_busy_and_reset)
{
    struct set s;

    setup(&s);
    task(&s, 9, 1, 0x20);
    out8(&s.rig, CMD + 3, 0x33); /* a busy drive ignores writes and commands */
    out8(&s.rig, CMD + 7, 0xec);
    ck_assert_uint_eq(in8(&s.rig, CMD + 3), 9);
    out8(&s.rig, CTL, 4);
    ck_assert_uint_eq(s.disk->cancels, 1);
    ck_assert_uint_eq(status(&s) & BSY, BSY);
    out8(&s.rig, CTL, 0);
    rig_pass(&s.rig, 1000000);
    ck_assert_uint_eq(status(&s), 0x50);
    ck_assert_uint_eq(in8(&s.rig, CMD + 1), 1);
    ck_assert_int_eq(s.irq[0].rises, 0);
    /* nIEN holds the wire back, not the interrupt */
    out8(&s.rig, CTL, 2);
    task(&s, 0, 1, 0x20);
    rig_pass(&s.rig, 1000000);
    ck_assert_int_eq(s.irq[0].rises, 0);
    out8(&s.rig, CTL, 0);
    ck_assert_int_eq(s.irq[0].level, 1);
    teardown(&s);
}
END_TEST

START_TEST(test_registers)
{
    struct set s;

    setup(&s);
    task48(&s, 0x123456789abcull, 0xdef0, 0x27); /* READ NATIVE MAX ADDRESS EXT */
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert_uint_eq(in8(&s.rig, CMD + 3), (SECTORS - 1) & 0xff);
    ck_assert_uint_eq(in8(&s.rig, CMD + 4), (SECTORS - 1) >> 8);
    out8(&s.rig, CMD + 4, 0x12);
    out8(&s.rig, CMD + 4, 0x34);
    ck_assert_uint_eq(in8(&s.rig, CMD + 4), 0x34);
    out8(&s.rig, CTL, 0x80);
    ck_assert_uint_eq(in8(&s.rig, CMD + 4), 0x12);
    out8(&s.rig, CMD + 3, 0);
    ck_assert_uint_eq(in8(&s.rig, CMD + 4), 0x34);
    out8(&s.rig, CMD + 7, 0xe5);
    finish(&s);
    ck_assert_uint_eq(in8(&s.rig, CMD + 2), 0xff);
    out8(&s.rig, CMD + 7, 0xe0);
    finish(&s);
    out8(&s.rig, CMD + 7, 0xe5);
    finish(&s);
    ck_assert_uint_eq(in8(&s.rig, CMD + 2), 0);
    out8(&s.rig, CMD + 4, 0x4f); /* SMART RETURN STATUS */
    out8(&s.rig, CMD + 5, 0xc2);
    out8(&s.rig, CMD + 1, 0xda);
    out8(&s.rig, CMD + 7, 0xb0);
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert_uint_eq(in8(&s.rig, CMD + 4), 0x4f);
    teardown(&s);
}
END_TEST

START_TEST(test_save_in_flight)
{
    struct set s;
    u8 buf[512];

    setup(&s);
    task(&s, 77, 2, 0x20);
    rig_reload(s.ide);
    finish(&s);
    pio_read(&s, buf, 100);
    rig_reload(s.ide); /* in the middle of a sector */
    pio_read(&s, buf + 200, 156);
    ck_assert_mem_eq(buf, s.disk->data + 77 * 512, 512);
    finish(&s);
    pio_read(&s, buf, 256);
    ck_assert_mem_eq(buf, s.disk->data + 78 * 512, 512);
    prd(&s, 0, 0x20000, 1024, true);
    task(&s, 3, 2, 0xc8);
    bm_start(&s, true);
    rig_reload(s.ide);
    pci_cfg_write(&s.pci, 0x80000904, 0, 5, 2);
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert_mem_eq(s.rig.ram.host + 0x20000, s.disk->data + 3 * 512, 1024);
    teardown(&s);
}
END_TEST

static void range(struct set *s, unsigned i, u64 lba, u16 n)
{
    bus_write(&s->rig.mem, 0x20000 + 8 * i, (u64)n << 48 | lba, 8);
}

/* TRIM with so many blocks of ranges. */
static u8 trim(struct set *s, u8 feature, u16 blocks)
{
    prd(s, 0, 0x20000, 8 * 512, true);
    out8(&s->rig, CMD + 1, feature);
    task48(s, 0, blocks, 0x06);
    bm_start(s, false);
    return finish(s);
}

static bool zero(const struct set *s, u32 lba, u32 n)
{
    for (u32 i = lba * 512; i < (lba + n) * 512; i++) {
        if (s->disk->data[i])
            return false;
    }
    return true;
}

START_TEST(test_trim)
{
    struct set s;
    u8 id[512];

    setup(&s);
    memset(s.rig.ram.host + 0x20000, 0, 8 * 512);
    range(&s, 0, 100, 10);
    /* not announced and not done unless the host takes discards */
    ck_assert_uint_eq(trim(&s, 1, 1) & ERR, ERR);
    ck_assert_uint_eq(in8(&s.rig, CMD + 1), 4);
    s.disk->blk.discard = true;
    task(&s, 0, 0, 0xec);
    finish(&s);
    pio_read(&s, id, 256);
    ck_assert_uint_eq(ld16(id + 2 * 169), 1);
    ck_assert_uint_eq(ld16(id + 2 * 105), 8);
    /* ranges with holes among them, the last sector, the end of the second block */
    range(&s, 2, 200, 1);
    range(&s, 63, SECTORS - 1, 1);
    range(&s, 127, 300, 256);
    ck_assert_uint_eq(trim(&s, 1, 2), 0x50);
    ck_assert_uint_eq(s.disk->discards, 4);
    ck_assert(zero(&s, 100, 10) && zero(&s, 200, 1));
    ck_assert(zero(&s, SECTORS - 1, 1) && zero(&s, 300, 256));
    ck_assert(!zero(&s, 99, 1) && !zero(&s, 110, 1) && !zero(&s, 201, 1) && !zero(&s, 556, 1));
    ck_assert_uint_eq(in8(&s.rig, BM + 2) & 4, 4);
    /* one bad range: nothing is given up */
    range(&s, 0, 600, 10);
    range(&s, 5, SECTORS - 1, 2);
    ck_assert_uint_eq(trim(&s, 1, 1), 0x51);
    ck_assert_uint_eq(in8(&s.rig, CMD + 1), 0x10);
    range(&s, 5, 0xffffffffffffull, 0xffff);
    ck_assert_uint_eq(trim(&s, 1, 1), 0x51);
    ck_assert(!zero(&s, 600, 1));
    ck_assert_uint_eq(s.disk->discards, 4);
    /* refused: too many blocks, none, another function, a disk that must not change */
    range(&s, 5, 0, 0);
    ck_assert_uint_eq(trim(&s, 1, 9) & ERR, ERR);
    ck_assert_uint_eq(trim(&s, 1, 0) & ERR, ERR);
    ck_assert_uint_eq(trim(&s, 0, 1) & ERR, ERR);
    s.disk->blk.read_only = true;
    ck_assert_uint_eq(trim(&s, 1, 1) & ERR, ERR);
    s.disk->blk.read_only = false;
    ck_assert_uint_eq(s.disk->discards, 4);
    /* the host's error, and a reload in the middle of the list */
    s.disk->fail = 5;
    ck_assert_uint_eq(trim(&s, 1, 1) & ERR, ERR);
    s.disk->fail = 0;
    range(&s, 1, 700, 3);
    prd(&s, 0, 0x20000, 512, true);
    out8(&s.rig, CMD + 1, 1);
    task48(&s, 0, 1, 0x06);
    bm_start(&s, false);
    rig_reload(s.ide);
    rig_pass(&s.rig, 1000);
    rig_reload(s.ide);
    pci_cfg_write(&s.pci, 0x80000904, 0, 5, 2);
    ck_assert_uint_eq(finish(&s), 0x50);
    ck_assert(zero(&s, 600, 10) && zero(&s, 700, 3) && zero(&s, 200, 1));
    teardown(&s);
}
END_TEST

/* Random register traffic must neither crash nor leave the wire out of step with the interrupt. */
START_TEST(test_noise)
{
    struct set s;
    u32 seed = 12345;
    int i;

    setup(&s);
    prd(&s, 0, 0x20000, 0x8000, false);
    prd(&s, 1, 0x21000, 0, true);
    out32(&s.rig, BM + 4, 0x1000);
    for (i = 0; i < 300000; i++) {
        static const u16 ports[] = {CMD,     CMD + 1, CMD + 2, CMD + 3, CMD + 4, CMD + 5,
                                    CMD + 6, CMD + 7, CTL,     BM,      BM + 2};
        static const u8 cmds[] = {0x20, 0x30, 0xc8, 0xca, 0x25, 0x35, 0xc4,
                                  0xc5, 0x29, 0xec, 0xef, 0xb0, 0xe7, 0x91, 0x06};
        u16 port;
        u8 v;

        seed = seed * 1664525 + 1013904223;
        port = ports[(seed >> 8) % ARRAY_LEN(ports)];
        v = (u8)(seed >> 20);
        if (port == CMD + 7 && (v & 3))
            v = cmds[v % ARRAY_LEN(cmds)];
        if (port == CTL && (v & 15))
            v &= (u8)~4;
        if (seed >> 31)
            bus_write(&s.rig.io, port, v, port == CMD ? 1u << (v % 3) : 1);
        else
            bus_read(&s.rig.io, port, port == CMD ? 1u << (v % 3) : 1);
        if (seed % 7 == 0)
            rig_pass(&s.rig, 2000);
    }
    teardown(&s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_detect,         test_identify,  test_pio_read,       test_chs,        test_pio_write,
        test_multiple,       test_dma_read,  test_dma_write,      test_dma_misuse, test_errors,
        test_busy_and_reset, test_registers, test_save_in_flight, test_trim,       test_noise,
        NULL};

    return rig_main("ide", tests);
}
