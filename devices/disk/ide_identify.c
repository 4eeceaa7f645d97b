/* IDENTIFY DEVICE, IDENTIFY PACKET DEVICE and SMART (ATA/ATAPI-6 sections 8.15, 8.16, 8.55;
 * words about TRIM: ACS-2, section 7.17.7). */
#include "devices/disk/ide_int.h"

/* Text in identify data: space-padded, the two characters of each word exchanged. */
static void put_text(u8 *buf, unsigned word, unsigned len, const char *text)
{
    unsigned i;

    for (i = 0; i < len; i++)
        buf[2 * word + (i ^ 1)] = (u8)(*text ? *text++ : ' ');
}

static void put(u8 *buf, unsigned word, u16 v)
{
    st16(buf + 2 * word, v);
}

/* Words about transfer modes that both kinds of drive share. */
static void put_modes(struct ide_drive *d, u8 *buf)
{
    u8 m = d->r->xfer_mode;
    u16 mw = 7, ud = 0x3f;

    if (m >= 0x20 && m <= 0x22)
        mw |= (u16)(0x100 << (m & 7));
    if (m >= 0x40 && m <= 0x45)
        ud |= (u16)(0x100 << (m & 7));
    put(buf, 51, 0x200);
    put(buf, 52, 0x200);
    put(buf, 53, 7); /* words 54-58, 64-70 and 88 are valid */
    put(buf, 63, mw);
    put(buf, 64, 3);
    put(buf, 65, 120);
    put(buf, 66, 120);
    put(buf, 67, 120);
    put(buf, 68, 120);
    put(buf, 88, ud);
}

static void put_names(struct ide_drive *d, const char *model)
{
    char serial[] = "DM00001";

    serial[6] = (char)('1' + d->index);
    put_text(d->r->buf, 10, 20, serial);
    put_text(d->r->buf, 23, 8, "1.0");
    put_text(d->r->buf, 27, 40, model);
}

/* The last word: a signature and a byte that makes the sum of all zero. */
static void put_checksum(u8 *buf)
{
    u8 sum = 0;
    int i;

    buf[510] = 0xa5;
    for (i = 0; i < 511; i++)
        sum = (u8)(sum + buf[i]);
    buf[511] = (u8)-sum;
}

void ata_identify(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;
    u8 *buf = r->buf;
    u64 total = drive_sectors(d), cur = (u64)r->cyls * r->heads * r->spt;
    u32 lba28 = (u32)MIN(total, 0x0fffffffull);
    u64 cyls = MIN(total / (16 * 63), 16383ull);

    memset(buf, 0, IDE_SECTOR);
    put(buf, 0, 0x0040);
    put(buf, 1, (u16)cyls);
    put(buf, 3, 16);
    put(buf, 4, 63 * 512);
    put(buf, 5, 512);
    put(buf, 6, 63);
    put_names(d, "DRAGOMAN HARDDISK");
    put(buf, 20, 3);
    put(buf, 21, 512);
    put(buf, 22, 4);
    put(buf, 47, 0x8000 | IDE_MULT_MAX);
    put(buf, 48, 1);      /* 32-bit data port accesses */
    put(buf, 49, 0x0b00); /* DMA, LBA, IORDY can be disabled */
    put_modes(d, buf);
    put(buf, 54, (u16)r->cyls);
    put(buf, 55, r->heads);
    put(buf, 56, r->spt);
    put(buf, 57, (u16)cur);
    put(buf, 58, (u16)(cur >> 16));
    put(buf, 59, r->mult ? 0x100 | r->mult : 0);
    put(buf, 60, (u16)lba28);
    put(buf, 61, (u16)(lba28 >> 16));
    put(buf, 80, 0x00f0); /* ATA-4 to ATA-7 */
    put(buf, 81, 0x0016);
    put(buf, 82, 0x4021); /* NOP, write cache, SMART */
    put(buf, 83, 0x7400); /* 48-bit addresses, FLUSH CACHE (EXT) */
    put(buf, 84, 0x4000);
    put(buf, 85, (u16)(0x4000 | (r->wcache ? 0x20 : 0) | (r->smart_on ? 1 : 0)));
    put(buf, 86, 0x3400);
    put(buf, 87, 0x4000);
    put(buf, 93, (u16)(0x6000 | (d->index & 1 ? 0x0b00 : 0x000b)));
    st64(buf + 200, total);
    if (d->blk->discard) {
        put(buf, 105, IDE_TRIM_BLOCKS);
        put(buf, 169, 1); /* TRIM; what a given up sector reads as is not promised */
    }
    put_checksum(buf);
}

void atapi_identify(struct ide_drive *d)
{
    u8 *buf = d->r->buf;

    memset(buf, 0, IDE_SECTOR);
    put(buf, 0, 0x85c0); /* packet device, CD, removable, DRQ within 50 us, 12-byte packets */
    put_names(d, "DRAGOMAN DVD-ROM");
    put(buf, 20, 3);
    put(buf, 21, 512);
    put(buf, 22, 4);
    put(buf, 48, 1);
    put(buf, 49, 0x0b00);
    put_modes(d, buf);
    put(buf, 71, 30);
    put(buf, 72, 30);
    put(buf, 80, 0x001e);
    put(buf, 82, 0x0214); /* packet, DEVICE RESET, NOP */
    put(buf, 83, 0x4000);
    put(buf, 84, 0x4000);
    put(buf, 85, 0x0214);
    put(buf, 87, 0x4000);
    put_checksum(buf);
}

/* ---- SMART ---- */

static const struct {
    u8 id, flags, value, worst, threshold, raw;
} attributes[] = {
    {1, 3, 100, 100, 6, 0},     /* raw read error rate */
    {3, 3, 100, 100, 0, 16},    /* spin-up time */
    {4, 2, 100, 100, 20, 1},    /* start-stop count */
    {5, 3, 100, 100, 36, 0},    /* reallocated sectors */
    {9, 3, 100, 100, 0, 1},     /* power-on hours */
    {12, 3, 100, 100, 0, 1},    /* power cycles */
    {190, 3, 69, 69, 50, 31},   /* airflow temperature */
};

static void smart_sum(u8 *buf)
{
    u8 sum = 0;
    int i;

    for (i = 0; i < 511; i++)
        sum = (u8)(sum + buf[i]);
    buf[511] = (u8)-sum;
}

static void smart_data(u8 *buf, bool thresholds)
{
    size_t i;

    memset(buf, 0, IDE_SECTOR);
    buf[0] = 1;
    for (i = 0; i < ARRAY_LEN(attributes); i++) {
        u8 *a = buf + 2 + 12 * i;

        a[0] = attributes[i].id;
        if (thresholds) {
            a[1] = attributes[i].threshold;
            continue;
        }
        a[1] = attributes[i].flags;
        a[3] = attributes[i].value;
        a[4] = attributes[i].worst;
        a[5] = attributes[i].raw;
    }
    if (!thresholds) {
        st16(buf + 364, 0x20);
        buf[367] = 1 << 4 | 1 << 3 | 1; /* self-tests can be asked for */
        st16(buf + 368, 3);
        buf[370] = 1;
        buf[372] = 2;
        buf[373] = 54;
    }
    smart_sum(buf);
}

static void smart_reply(struct ide_drive *d)
{
    d->r->kind = KIND_ATA_ONCE;
    ide_pio_in(d, IDE_SECTOR);
}

void ata_smart(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    if (r->hcyl != 0xc2 || r->lcyl != 0x4f || (!r->smart_on && r->feature != 0xd8)) {
        ide_fail(d, ER_ABRT);
        return;
    }
    switch (r->feature) {
    case 0xd0:
    case 0xd1:
        smart_data(r->buf, r->feature == 0xd1);
        smart_reply(d);
        break;
    case 0xd5: /* READ LOG: the directory, the error log and the self-test log, all empty */
        memset(r->buf, 0, IDE_SECTOR);
        if (r->sector != 0 && r->sector != 1 && r->sector != 6) {
            ide_fail(d, ER_ABRT);
            break;
        }
        r->buf[0] = 1;
        if (r->sector)
            smart_sum(r->buf);
        smart_reply(d);
        break;
    case 0xd2: case 0xd3: case 0xd4: case 0xdb: ide_done(d); break;
    case 0xd8:
        r->smart_on = 1;
        ide_done(d);
        break;
    case 0xd9:
        r->smart_on = 0;
        ide_done(d);
        break;
    case 0xda: /* RETURN STATUS: the signature as it was says that all is well */
        ide_done(d);
        break;
    default: ide_fail(d, ER_ABRT); break;
    }
}
