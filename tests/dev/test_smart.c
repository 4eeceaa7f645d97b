/* ATA disks beside their sectors: SMART as smartctl asks for it, and the transfer modes that IDENTIFY
 * tells of (ATA/ATAPI-6, 8.55 and 8.15). */
#include "devices/disk/ide.h"
#include "tests/dev/memblk.h"
#include "tests/dev/rig.h"

enum { CMD = 0x1f0, CTL = 0x3f6, ERR = 1, DRQ = 8 };
enum { READ_DATA = 0xd0, THRESHOLDS = 0xd1, AUTOSAVE = 0xd2, SELF_TEST = 0xd4, READ_LOG = 0xd5 };
enum { ENABLE = 0xd8, DISABLE = 0xd9, STATUS = 0xda };

struct set {
    struct rig rig;
    struct pci_bus pci;
    struct memblk *disk;
    struct probe irq;
};

static void setup(struct set *s)
{
    struct ide_wiring w = {.drive = {NULL}};
    struct dev *ide;

    memset(s, 0, sizeof(*s));
    rig_init(&s->rig);
    pci_bus_init(&s->pci, &s->rig.mem, &s->rig.io, NULL);
    s->disk = memblk_new(&s->rig.clock, 65536, 512);
    w.drive[0] = &s->disk->blk;
    irq_connect(&w.irq[0], probe_set, &s->irq, 0);
    ide = rig_new(&s->rig, &ide_class, "ide");
    ide_wire(ide, &s->pci, &w);
    rig_start(ide);
    out8(&s->rig, CMD + 6, 0xe0);
}

static void teardown(struct set *s)
{
    rig_free(&s->rig);
    memblk_free(s->disk);
}

static u8 finish(struct set *s)
{
    for (int i = 0; i < 1000 && !s->irq.level; i++)
        rig_pass(&s->rig, 1000);
    ck_assert_int_eq(s->irq.level, 1);
    return in8(&s->rig, CMD + 7);
}

/* A SMART command; of those with data, all of it. Gives the status. */
static u8 smart(struct set *s, u8 feature, u8 lba, u8 *buf)
{
    u8 st;

    out8(&s->rig, CMD + 1, feature);
    out8(&s->rig, CMD + 2, 1);
    out8(&s->rig, CMD + 3, lba);
    out8(&s->rig, CMD + 4, 0x4f);
    out8(&s->rig, CMD + 5, 0xc2);
    out8(&s->rig, CMD + 7, 0xb0);
    st = finish(s);
    for (int i = 0; (st & DRQ) && i < 512; i += 2)
        st16(buf + i, (u16)bus_read(&s->rig.io, CMD, 2));
    return st;
}

static u8 sum(const u8 *b)
{
    u8 v = 0;

    for (int i = 0; i < 512; i++)
        v = (u8)(v + b[i]);
    return v;
}

START_TEST(data)
{
    struct set s;
    u8 values[512], limits[512];

    setup(&s);
    ck_assert_uint_eq(smart(&s, READ_DATA, 0, values) & (DRQ | ERR), DRQ);
    ck_assert_uint_eq(smart(&s, THRESHOLDS, 0, limits) & (DRQ | ERR), DRQ);
    ck_assert_uint_eq(sum(values) | sum(limits), 0);
    for (int i = 2; i < 362 && values[i]; i += 12) {
        ck_assert_uint_eq(values[i], limits[i]);
        ck_assert_uint_ge(values[i + 3], limits[i + 1]); /* all is well */
    }
    ck_assert_uint_eq(values[367] & 0x10, 0x10); /* self-tests */
    /* the answer to "is it well" are the registers as they were */
    ck_assert_uint_eq(smart(&s, STATUS, 0, values) & (DRQ | ERR), 0);
    ck_assert_uint_eq(in8(&s.rig, CMD + 4), 0x4f);
    ck_assert_uint_eq(in8(&s.rig, CMD + 5), 0xc2);
    teardown(&s);
}
END_TEST

START_TEST(logs_and_switches)
{
    struct set s;
    u8 b[512];

    setup(&s);
    ck_assert_uint_eq(smart(&s, READ_LOG, 0, b) & (DRQ | ERR), DRQ);
    ck_assert_uint_eq(b[0], 1);
    ck_assert_uint_eq(smart(&s, READ_LOG, 6, b) & (DRQ | ERR), DRQ);
    ck_assert_uint_eq(sum(b), 0);
    ck_assert_uint_eq(smart(&s, READ_LOG, 1, b) & (DRQ | ERR), DRQ);
    ck_assert_uint_eq(b[452], 0); /* no errors so far */
    ck_assert_uint_eq(smart(&s, READ_LOG, 0x99, b) & (DRQ | ERR), ERR);
    ck_assert_uint_eq(smart(&s, AUTOSAVE, 0, b) & ERR, 0);
    ck_assert_uint_eq(smart(&s, SELF_TEST, 1, b) & ERR, 0);
    ck_assert_uint_eq(smart(&s, 0xd6, 0, b) & ERR, ERR);
    /* turned off, only turning it on is known */
    ck_assert_uint_eq(smart(&s, DISABLE, 0, b) & ERR, 0);
    ck_assert_uint_eq(smart(&s, READ_DATA, 0, b) & ERR, ERR);
    ck_assert_uint_eq(in8(&s.rig, CMD + 1), 4); /* aborted */
    ck_assert_uint_eq(smart(&s, ENABLE, 0, b) & ERR, 0);
    ck_assert_uint_eq(smart(&s, READ_DATA, 0, b) & (DRQ | ERR), DRQ);
    /* without the key nothing is SMART */
    out8(&s.rig, CMD + 1, STATUS);
    out8(&s.rig, CMD + 4, 0);
    out8(&s.rig, CMD + 7, 0xb0);
    ck_assert_uint_eq(finish(&s) & ERR, ERR);
    teardown(&s);
}
END_TEST

static u16 identify_word(struct set *s, unsigned word)
{
    u16 v = 0;

    out8(&s->rig, CMD + 7, 0xec);
    ck_assert_uint_eq(finish(s) & (DRQ | ERR), DRQ);
    for (unsigned i = 0; i < 256; i++) {
        u16 w = (u16)bus_read(&s->rig.io, CMD, 2);

        v = i == word ? w : v;
    }
    return v;
}

static u8 set_mode(struct set *s, u8 mode)
{
    out8(&s->rig, CMD + 1, 3);
    out8(&s->rig, CMD + 2, mode);
    out8(&s->rig, CMD + 7, 0xef);
    return finish(s);
}

START_TEST(modes)
{
    struct set s;

    setup(&s);
    ck_assert_uint_eq(set_mode(&s, 0x22) & ERR, 0); /* multiword DMA 2 */
    ck_assert_uint_eq(identify_word(&s, 63), 0x0407);
    ck_assert_uint_eq(identify_word(&s, 88), 0x003f);
    ck_assert_uint_eq(set_mode(&s, 0x45) & ERR, 0); /* Ultra DMA 5 */
    ck_assert_uint_eq(identify_word(&s, 63), 0x0007);
    ck_assert_uint_eq(identify_word(&s, 88), 0x203f);
    ck_assert_uint_eq(set_mode(&s, 0x0c) & ERR, 0); /* PIO 4 */
    ck_assert_uint_eq(identify_word(&s, 88), 0x003f);
    teardown(&s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {data, logs_and_switches, modes, NULL};

    return rig_main("smart", tests);
}
