/* Floppy controller: reset and sensing, seeks, reads and writes by DMA and polling, format, change
 * line, bad commands. */
#include "devices/disk/fdc.h"
#include "devices/irq/i8237.h"
#include "tests/dev/memblk.h"
#include "tests/dev/rig.h"

enum { DOR = 0x3f2, MSR = 0x3f4, FIFO = 0x3f5, DIR = 0x3f7 };
enum { CHS_SIZE = 1474560 };

struct set {
    struct rig rig;
    struct region ram;
    struct i8237 *dma;
    struct dev *fdc;
    struct memblk *fd;
    struct probe irq;
};

static void setup_size(struct set *s, u64 size)
{
    struct fdc_wiring w = {.dma = NULL};

    memset(s, 0, sizeof *s);
    rig_init(&s->rig);
    rig_map_ram(&s->rig, &s->ram);
    s->fd = memblk_new(&s->rig.clock, size, 512);
    s->fd->blk.removable = true;
    s->dma = rig_new(&s->rig, &i8237_class, "dma");
    rig_start(s->dma);
    w.dma = s->dma;
    w.drive[0] = &s->fd->blk;
    irq_connect(&w.irq, probe_set, &s->irq, 6);
    s->fdc = rig_new(&s->rig, &fdc_class, "fdc");
    fdc_wire(s->fdc, &w);
    rig_start(s->fdc);
}

static void teardown(struct set *s)
{
    rig_free(&s->rig);
    memblk_free(s->fd);
}

static void cmd(struct set *s, const u8 *c, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        ck_assert_uint_eq(in8(&s->rig, MSR) & 0xc0, 0x80);
        out8(&s->rig, FIFO, c[i]);
    }
}

static int result(struct set *s, u8 *r)
{
    int n = 0;

    while ((in8(&s->rig, MSR) & 0xd0) == 0xd0 && n < 16)
        r[n++] = in8(&s->rig, FIFO);
    return n;
}

static void wait_irq(struct set *s)
{
    int i;

    for (i = 0; i < 3000 && !s->irq.level; i++)
        rig_pass(&s->rig, 100000);
    ck_assert_int_eq(s->irq.level, 1);
}

static u8 sense(struct set *s, u8 *track)
{
    u8 r[16];

    cmd(s, (const u8[]){8}, 1);
    ck_assert_int_eq(result(s, r), 2);
    *track = r[1];
    return r[0];
}

/* Out of reset, motor on, speed for the medium, on track 0. */
static void start(struct set *s, u8 rate)
{
    u8 t;
    int i;

    out8(&s->rig, 0xd6, 0xc0); /* channels 0-3 hang on channel 4 */
    out8(&s->rig, 0xd4, 0);
    out8(&s->rig, DOR, 0);
    out8(&s->rig, DOR, 0x1c);
    wait_irq(s);
    for (i = 0; i < 4; i++)
        ck_assert_uint_eq(sense(s, &t), 0xc0 | i);
    out8(&s->rig, DIR, rate);
    cmd(s, (const u8[]){3, 0xaf, 0x02}, 3);
    cmd(s, (const u8[]){7, 0}, 2);
    wait_irq(s);
    ck_assert_uint_eq(sense(s, &t), 0x20);
    ck_assert_uint_eq(t, 0);
}

static void dma(struct set *s, u32 addr, u32 len, bool to_mem)
{
    out8(&s->rig, 0x0a, 6);
    out8(&s->rig, 0x0c, 0);
    out8(&s->rig, 0x0b, to_mem ? 0x46 : 0x4a);
    out8(&s->rig, 0x04, (u8)addr);
    out8(&s->rig, 0x04, (u8)(addr >> 8));
    out8(&s->rig, 0x81, (u8)(addr >> 16));
    out8(&s->rig, 0x05, (u8)(len - 1));
    out8(&s->rig, 0x05, (u8)((len - 1) >> 8));
    out8(&s->rig, 0x0a, 2);
}

static void seek(struct set *s, u8 track)
{
    u8 t;

    cmd(s, (const u8[]){0x0f, 0, track}, 3);
    ck_assert_uint_eq(in8(&s->rig, MSR) & 1, 1);
    wait_irq(s);
    ck_assert_uint_eq(sense(s, &t) & 0xf8, 0x20);
    ck_assert_uint_eq(t, track);
}

static void rw(struct set *s, u8 op, u8 c, u8 h, u8 sec, u8 eot, u8 *r)
{
    cmd(s, (const u8[]){op, (u8)(h << 2), c, h, sec, 2, eot, 0x1b, 0xff}, 9);
    wait_irq(s);
    ck_assert_int_eq(result(s, r), 7);
    ck_assert_int_eq(s->irq.level, 0);
}

START_TEST(test_reset_and_sense)
{
    struct set s;
    u8 t, r[16];

    setup_size(&s, CHS_SIZE);
    ck_assert_uint_eq(in8(&s.rig, MSR), 0);
    start(&s, 0);
    cmd(&s, (const u8[]){8}, 1); /* nothing more to sense */
    ck_assert_int_eq(result(&s, r), 1);
    ck_assert_uint_eq(r[0], 0x80);
    cmd(&s, (const u8[]){0x10}, 1);
    ck_assert_int_eq(result(&s, r), 1);
    ck_assert_uint_eq(r[0], 0x90);
    cmd(&s, (const u8[]){0x1f}, 1);
    ck_assert_int_eq(result(&s, r), 1);
    ck_assert_uint_eq(r[0], 0x80);
    cmd(&s, (const u8[]){0x13, 0, 0x57, 9}, 4);
    cmd(&s, (const u8[]){0x94}, 1);
    ck_assert_int_eq(result(&s, r), 1);
    ck_assert_uint_eq(r[0], 0x10);
    cmd(&s, (const u8[]){0x0e}, 1);
    ck_assert_int_eq(result(&s, r), 10);
    ck_assert_uint_eq(r[8], 0x57);
    ck_assert_uint_eq(r[9], 9);
    ck_assert_uint_eq(r[7], 0x80);
    cmd(&s, (const u8[]){4, 0}, 2);
    ck_assert_int_eq(result(&s, r), 1);
    ck_assert_uint_eq(r[0], 0x38);
    out8(&s.rig, MSR, 0x80); /* reset by the data rate register; locked values stay; polling is off,
                                so no status is... */
    wait_irq(&s);
    ck_assert_uint_eq(sense(&s, &t) & 0xc0, 0xc0);
    teardown(&s);
}
END_TEST

START_TEST(test_read)
{
    struct set s;
    u8 r[16];

    setup_size(&s, CHS_SIZE);
    start(&s, 0);
    seek(&s, 5);
    dma(&s, 0x20000, 3 * 512, true);
    rw(&s, 0xe6, 5, 0, 17, 18, r); /* two sectors of side 0, one of side 1 */
    ck_assert_uint_eq(r[0] & 0xc0, 0);
    ck_assert_uint_eq(r[1] | r[2], 0);
    ck_assert_uint_eq(r[3], 5);
    ck_assert_uint_eq(r[4], 1);
    ck_assert_uint_eq(r[5], 2);
    ck_assert_mem_eq(s.rig.ram.host + 0x20000, s.fd->data + ((5 * 2 + 0) * 18 + 16) * 512, 3 * 512);
    /* to the end of the track without a terminal count */
    dma(&s, 0x30000, 4 * 512, true);
    rw(&s, 0x46, 5, 1, 17, 18, r);
    ck_assert_uint_eq(r[0] & 0xc0, 0x40);
    ck_assert_uint_eq(r[1], 0x80);
    ck_assert_mem_eq(s.rig.ram.host + 0x30000, s.fd->data + ((5 * 2 + 1) * 18 + 16) * 512, 2 * 512);
    teardown(&s);
}
END_TEST

START_TEST(test_write_and_format)
{
    struct set s;
    u8 r[16];
    int i;

    setup_size(&s, CHS_SIZE);
    start(&s, 0);
    seek(&s, 2);
    memset(s.rig.ram.host + 0x20000, 0xc3, 1024);
    dma(&s, 0x20000, 700, false); /* the second sector is cut off: the rest is zeros */
    rw(&s, 0x45, 2, 1, 4, 18, r);
    ck_assert_uint_eq(r[0] & 0xc0, 0);
    i = ((2 * 2 + 1) * 18 + 3) * 512;
    ck_assert_uint_eq(s.fd->data[i + 699], 0xc3);
    ck_assert_uint_eq(s.fd->data[i + 700], 0);
    ck_assert_uint_eq(s.fd->data[i + 1023], 0);
    s.fd->blk.read_only = true;
    dma(&s, 0x20000, 512, false);
    rw(&s, 0x45, 2, 1, 4, 18, r);
    ck_assert_uint_eq(r[0] & 0xc0, 0x40);
    ck_assert_uint_eq(r[1], 2);
    s.fd->blk.read_only = false;
    for (i = 0; i < 18; i++)
        memcpy(s.rig.ram.host + 0x20000 + 4 * i, (u8[]){2, 0, (u8)(i + 1), 2}, 4);
    dma(&s, 0x20000, 72, false);
    cmd(&s, (const u8[]){0x4d, 0, 2, 18, 0x54, 0xf6}, 6);
    wait_irq(&s);
    ck_assert_int_eq(result(&s, r), 7);
    ck_assert_uint_eq(r[0] & 0xc0, 0);
    for (i = 0; i < 18 * 512; i++)
        ck_assert_uint_eq(s.fd->data[2 * 2 * 18 * 512 + i], 0xf6);
    ck_assert_uint_ne(s.fd->data[(2 * 2 + 1) * 18 * 512 + 5], 0xf6);
    teardown(&s);
}
END_TEST

START_TEST(test_errors)
{
    struct set s;
    u8 r[16];

    setup_size(&s, CHS_SIZE);
    start(&s, 0);
    dma(&s, 0x20000, 512, true);
    rw(&s, 0x46, 7, 0, 1, 18, r); /* the head is elsewhere */
    ck_assert_uint_eq(r[1], 4);
    ck_assert_uint_eq(r[2], 0x10);
    rw(&s, 0x46, 0, 0, 19, 36, r);
    ck_assert_uint_eq(r[1], 4);
    cmd(&s, (const u8[]){0x13, 0, 0x40, 0}, 4); /* implied seek */
    rw(&s, 0x46, 7, 0, 1, 18, r);
    ck_assert_uint_eq(r[0] & 0xc0, 0);
    out8(&s.rig, DIR, 2); /* the wrong data rate */
    rw(&s, 0x46, 7, 0, 1, 18, r);
    ck_assert_uint_eq(r[1], 1);
    out8(&s.rig, DIR, 0);
    cmd(&s, (const u8[]){0x46, 1, 0, 0, 1, 2, 18, 0x1b, 0xff}, 9); /* a drive that is not there */
    wait_irq(&s);
    ck_assert_int_eq(result(&s, r), 7);
    ck_assert_uint_eq(r[0] & 0xc0, 0x40);
    s.fd->fail = 5;
    rw(&s, 0x46, 7, 0, 1, 18, r);
    ck_assert_uint_eq(r[1], 0x20);
    /* the DMA channel stays closed: overrun in the end */
    s.fd->fail = 0;
    out8(&s.rig, 0x0a, 6);
    rw(&s, 0x46, 7, 0, 1, 18, r);
    ck_assert_uint_eq(r[1], 0x10);
    teardown(&s);
}
END_TEST

/* SCAN of the first three sectors against `want` in memory; gives ST2, *sector where it ended. */
static u8 scan(struct set *s, u8 op, const u8 *want, u8 *sector)
{
    u8 r[16];

    for (int i = 0; i < 3; i++)
        memcpy(s->rig.ram.host + 0x20000 + 512 * i, want, 512);
    dma(s, 0x20000, 3 * 512, false);
    cmd(s, (const u8[]){op, 0, 0, 0, 1, 2, 3, 0x1b, 1}, 9);
    wait_irq(s);
    ck_assert_int_eq(result(s, r), 7);
    *sector = r[5];
    return r[2];
}

/* 82077AA, 6.1: SH when all is equal, SN when no sector meets the condition; ones match anything. */
START_TEST(test_scan)
{
    enum { EQUAL = 0x51, LOW = 0x59, HIGH = 0x5d, SN = 4, SH = 8 };
    struct set s;
    u8 want[512], at;

    setup_size(&s, CHS_SIZE);
    start(&s, 0);
    memcpy(want, s.fd->data + 512, 512);
    ck_assert_uint_eq(scan(&s, EQUAL, want, &at), SH);
    ck_assert_uint_eq(at, 2);
    want[100] = 0xff;
    ck_assert_uint_eq(scan(&s, EQUAL, want, &at), SH);
    ck_assert_uint_eq(at, 2);
    want[100] = (u8)(s.fd->data[612] ^ 1);
    ck_assert_uint_eq(scan(&s, EQUAL, want, &at), SN);
    for (int i = 0; i < 512; i++)
        want[i] = MAX(s.fd->data[i], (u8)1) - 1;
    ck_assert_uint_eq(scan(&s, HIGH, want, &at), 0); /* the disk's bytes are higher */
    ck_assert_uint_eq(at, 1);
    ck_assert_uint_eq(scan(&s, LOW, want, &at), SN);
    for (int i = 0; i < 512; i++)
        want[i] = MIN(s.fd->data[512 + i], (u8)0xfd) + 1;
    memset(want + 200, 0xff, 100); /* where the disk may have more */
    for (int i = 0; i < 512; i++)
        if (s.fd->data[512 + i] > 0xfd)
            want[i] = s.fd->data[512 + i];
    ck_assert_uint_eq(scan(&s, LOW, want, &at), 0);
    ck_assert_uint_le(at, 2);
    memset(want, 0xff, 512);
    ck_assert_uint_eq(scan(&s, EQUAL, want, &at), SH);
    ck_assert_uint_eq(at, 1);
    teardown(&s);
}
END_TEST

/* VERIFY reads without moving anything; FORMAT with a sector size that the medium has not. */
START_TEST(test_verify)
{
    struct set s;
    u8 r[16];

    setup_size(&s, CHS_SIZE);
    start(&s, 0);
    cmd(&s, (const u8[]){0x56, 0x80, 0, 0, 1, 2, 18, 0x1b, 4}, 9); /* EC: four sectors */
    wait_irq(&s);
    ck_assert_int_eq(result(&s, r), 7);
    ck_assert_uint_eq(r[0] & 0xc0, 0);
    ck_assert_uint_eq(r[5], 5);
    ck_assert_uint_eq(s.fd->reads, 4);
    cmd(&s, (const u8[]){0xd6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff}, 9); /* both sides to their end */
    wait_irq(&s);
    ck_assert_int_eq(result(&s, r), 7);
    ck_assert_uint_eq(r[0] & 0xc0, 0);
    ck_assert_uint_eq(r[3], 1); /* the next cylinder, head 0, sector 1 */
    ck_assert_uint_eq(r[4], 0);
    ck_assert_uint_eq(r[5], 1);
    ck_assert_uint_eq(s.fd->reads, 40);
    memcpy(s.rig.ram.host + 0x20000, "\0\0\1\3", 4);
    dma(&s, 0x20000, 4, false);
    cmd(&s, (const u8[]){0x4d, 0, 2, 1, 0x54, 0xf6}, 6);
    wait_irq(&s);
    ck_assert_int_eq(result(&s, r), 7);
    ck_assert_uint_eq(r[0] & 0xc0, 0x40);
    ck_assert_uint_eq(r[1], 4);
    ck_assert_uint_eq(s.fd->writes, 0);
    teardown(&s);
}
END_TEST

START_TEST(test_polled)
{
    struct set s;
    u8 r[16], buf[512];
    int i;

    setup_size(&s, CHS_SIZE);
    start(&s, 0);
    cmd(&s, (const u8[]){3, 0xaf, 0x03}, 3);
    cmd(&s, (const u8[]){0x46, 0, 0, 0, 3, 2, 3, 0x1b, 0xff}, 9);
    for (i = 0; i < 512; i++) {
        wait_irq(&s);
        ck_assert_uint_eq(in8(&s.rig, MSR) & 0xf0, 0xf0);
        buf[i] = in8(&s.rig, FIFO);
    }
    wait_irq(&s);
    ck_assert_int_eq(result(&s, r), 7);
    ck_assert_mem_eq(buf, s.fd->data + 2 * 512, 512);
    ck_assert_uint_eq(r[1], 0x80);
    cmd(&s, (const u8[]){0x45, 0, 0, 0, 3, 2, 3, 0x1b, 0xff}, 9);
    for (i = 0; i < 512; i++) {
        ck_assert_uint_eq(in8(&s.rig, MSR) & 0xf0, 0xb0);
        out8(&s.rig, FIFO, 0x99);
    }
    wait_irq(&s);
    ck_assert_int_eq(result(&s, r), 7);
    ck_assert_uint_eq(s.fd->data[2 * 512 + 511], 0x99);
    teardown(&s);
}
END_TEST

START_TEST(test_change_line)
{
    struct set s;
    u8 t;

    setup_size(&s, CHS_SIZE);
    out8(&s.rig, DOR, 0);
    out8(&s.rig, DOR, 0x1c);
    wait_irq(&s);
    ck_assert_uint_eq(in8(&s.rig, DIR), 0x80);
    start(&s, 0); /* recalibrates: a step pulse */
    ck_assert_uint_eq(in8(&s.rig, DIR), 0);
    s.fd->blk.changed(s.fd->blk.changed_arg);
    ck_assert_uint_eq(in8(&s.rig, DIR), 0x80);
    out8(&s.rig, DOR, 0x0c); /* motor off: not driven */
    ck_assert_uint_eq(in8(&s.rig, DIR), 0);
    out8(&s.rig, DOR, 0x1c);
    s.fd->blk.size = 0; /* with no disk in the drive it stays */
    cmd(&s, (const u8[]){0x0f, 0, 1}, 3);
    wait_irq(&s);
    sense(&s, &t);
    ck_assert_uint_eq(in8(&s.rig, DIR), 0x80);
    teardown(&s);
}
END_TEST

START_TEST(test_formats)
{
    static const struct {
        u32 size;
        u8 rate, spt, heads, cyls;
    } f[] = {{163840, 2, 8, 1, 40},   {368640, 2, 9, 2, 40},   {737280, 2, 9, 2, 80},
             {1228800, 0, 15, 2, 80}, {1474560, 0, 18, 2, 80}, {1720320, 0, 21, 2, 80},
             {2949120, 3, 36, 2, 80}, {1296384, 0, 18, 2, 80}};
    size_t i;

    for (i = 0; i < ARRAY_LEN(f); i++) {
        struct set s;
        u8 r[16], h = (u8)(f[i].heads - 1);
        u32 off = ((f[i].cyls - 1u) * f[i].heads + h) * f[i].spt + f[i].spt - 1u;

        setup_size(&s, f[i].size);
        start(&s, f[i].rate);
        seek(&s, (u8)(f[i].cyls - 1));
        memset(s.rig.ram.host + 0x20000, 0xee, 512);
        dma(&s, 0x20000, 512, true);
        rw(&s, 0x46, (u8)(f[i].cyls - 1), h, f[i].spt, f[i].spt, r);
        ck_assert_uint_eq(r[0] & 0xc0, 0);
        if ((off + 1) * 512 <= f[i].size)
            ck_assert_mem_eq(s.rig.ram.host + 0x20000, s.fd->data + off * 512, 512);
        else /* an image that is shorter than its format */
            ck_assert_uint_eq(ld32(s.rig.ram.host + 0x20000), 0);
        dma(&s, 0x20000, 512, true);
        rw(&s, 0x46, (u8)(f[i].cyls - 1), h, (u8)(f[i].spt + 1), 50, r);
        ck_assert_uint_eq(r[1], 4);
        teardown(&s);
    }
}
END_TEST

START_TEST(test_save_in_read)
{
    struct set s;
    u8 r[16];

    setup_size(&s, CHS_SIZE);
    start(&s, 0);
    dma(&s, 0x20000, 4 * 512, true);
    cmd(&s, (const u8[]){0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff}, 9);
    rig_pass(&s.rig, 1500);
    rig_reload(s.fdc);
    wait_irq(&s);
    ck_assert_int_eq(result(&s, r), 7);
    ck_assert_uint_eq(r[0] & 0xc0, 0);
    ck_assert_mem_eq(s.rig.ram.host + 0x20000, s.fd->data, 4 * 512);
    cmd(&s, (const u8[]){0x0f, 0}, 2);
    rig_reload(s.fdc);
    out8(&s.rig, FIFO, 9);
    rig_reload(s.fdc);
    wait_irq(&s);
    ck_assert_uint_eq(sense(&s, r), 0x20);
    ck_assert_uint_eq(r[0], 9);
    teardown(&s);
}
END_TEST

START_TEST(test_noise)
{
    struct set s;
    u32 seed = 4711;
    int i;

    setup_size(&s, CHS_SIZE);
    start(&s, 0);
    for (i = 0; i < 400000; i++) {
        static const u8 cmds[] = {0x46, 0xe6, 0x45, 0xc5, 0x4d, 0x42, 0x16,
                                  0x11, 0x59, 0x5d, 0x0f, 0x07, 0x03, 0x13};
        u16 port;
        u8 v;

        seed = seed * 1664525 + 1013904223;
        port = (u16)(0x3f0 + (seed >> 8 & 7));
        v = (u8)(seed >> 20 & (seed & 0x80 ? 0xff : 0x13));
        if (port == FIFO && (seed & 0x30) == 0)
            v = cmds[v % ARRAY_LEN(cmds)];
        if (port == DOR || port == MSR)
            v = seed & 0xf0 ? 0x1c : v;
        if (port == MSR)
            v = 0;
        if (port == 0x3f6)
            port = FIFO;
        if (seed >> 30)
            out8(&s.rig, port, v);
        else
            in8(&s.rig, port);
        if (i % 5000 == 0)
            dma(&s, 0x20000, seed & 0xfff, seed & 1);
        if (i % 3 == 0)
            rig_pass(&s.rig, 10000);
    }
    teardown(&s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_reset_and_sense, test_read,    test_write_and_format, test_errors, test_polled,
        test_scan,            test_verify,
        test_change_line,     test_formats, test_save_in_read,     test_noise,  NULL};

    return rig_main("fdc", tests);
}
