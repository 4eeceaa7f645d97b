/* The commands of a CD and DVD drive (MMC-3, T10/1363D; SPC-2) over the PACKET protocol. */
#include "devices/disk/ide_int.h"

#include "devices/core/bits.h"

enum { SENSE_NOT_READY = 2, SENSE_ILLEGAL = 5, SENSE_ATTENTION = 6 };
enum {
    ASC_BAD_COMMAND = 0x20,
    ASC_BAD_LBA = 0x21,
    ASC_BAD_FIELD = 0x24,
    ASC_CHANGED = 0x28,
    ASC_NO_SAVING = 0x39,
    ASC_NO_MEDIUM = 0x3a,
    ASC_NO_REMOVAL = 0x53
};
enum {
    PART_SYNC = 0x80,
    PART_HEADER = 0x20,
    PART_SUBHEADER = 0x40,
    PART_USER = 0x10,
    PART_EDC = 0x08
};
enum { CD_MAX_SECTORS = 450000 /* 100 minutes: what is larger must be a DVD */ };

static u32 be24(const u8 *p)
{
    return (u32)p[0] << 16 | (u32)p[1] << 8 | p[2];
}

static u32 total_sectors(const struct ide_drive *d)
{
    return (u32)MIN(d->blk->size / CD_SECTOR, 0xfffffffeull);
}

static bool has_medium(const struct ide_drive *d)
{
    return d->blk->size && !d->blk->tray_open;
}

static void put_msf(u8 *p, u32 lba)
{
    lba += 150;
    p[0] = (u8)(lba / 75 / 60);
    p[1] = (u8)(lba / 75 % 60);
    p[2] = (u8)(lba % 75);
}

/* An address in a table: minute, second, frame or a number, as the command asked. */
static void put_addr(u8 *p, u32 lba, bool msf)
{
    if (!msf) {
        be32_put(p, lba);
        return;
    }
    p[0] = 0;
    put_msf(p + 1, lba);
}

/* ---- raw sectors ---- */

u32 mmc_sector_len(u8 flags)
{
    u32 n = 0;

    if (flags & PART_SYNC)
        n += 12;
    if (flags & PART_HEADER)
        n += 4;
    if (flags & PART_USER)
        n += CD_SECTOR;
    if (flags & PART_EDC)
        n += 288;
    return n;
}

void mmc_expand(struct ide_drive *d)
{
    static const u8 sync[12] = {0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0};
    struct ide_drive_regs *r = d->r;
    u8 user[CD_SECTOR];
    u32 i;

    if (r->cd_flags == PART_USER)
        return;
    /* In place, from the last to the first when sectors grow. When they shrink there is no user
     * data to keep. */
    for (i = r->in_buf; i-- > 0;) {
        u8 *p = r->buf + i * r->cd_len;

        memcpy(user, r->buf + i * CD_SECTOR, CD_SECTOR);
        if (r->cd_flags & PART_SYNC) {
            memcpy(p, sync, sizeof sync);
            p += sizeof sync;
        }
        if (r->cd_flags & PART_HEADER) {
            u8 msf[3];
            int k;

            put_msf(msf, (u32)r->lba + i);
            for (k = 0; k < 3; k++)
                p[k] = (u8)(msf[k] / 10 % 10 << 4 | msf[k] % 10);
            p[3] = 1; /* mode 1 */
            p += 4;
        }
        if (r->cd_flags & PART_USER) {
            memcpy(p, user, CD_SECTOR);
            p += CD_SECTOR;
        }
        if (r->cd_flags & PART_EDC)
            memset(p, 0, 288);
    }
}

/* ---- replies ---- */

static void cmd_request_sense(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;
    u8 *b = r->buf;

    if (r->attention && !r->sense) {
        r->attention = 0;
        r->sense = SENSE_ATTENTION;
        r->asc = ASC_CHANGED;
        r->ascq = 0;
    }
    memset(b, 0, 18);
    b[0] = 0xf0;
    b[2] = r->sense;
    b[7] = 10;
    b[12] = r->asc;
    b[13] = r->ascq;
    if (r->sense == SENSE_ATTENTION)
        r->attention = 0;
    r->sense = r->asc = r->ascq = 0;
    atapi_reply(d, 18, r->packet[4]);
}

static void cmd_inquiry(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;
    u8 *b = r->buf;

    if (r->packet[1] & 1) {
        atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_FIELD, 0);
        return;
    }
    memset(b, 0, 36);
    b[0] = 5;
    b[1] = 0x80;
    b[3] = 0x21;
    b[4] = 31;
    memcpy(b + 8, "DRAGOMAN", 8);
    memcpy(b + 16, "DVD-ROM         ", 16);
    memcpy(b + 32, "1.0 ", 4);
    atapi_reply(d, 36, be16(r->packet + 3));
}

static void cmd_read_capacity(struct ide_drive *d)
{
    be32_put(d->r->buf, total_sectors(d) - 1);
    be32_put(d->r->buf + 4, CD_SECTOR);
    atapi_reply(d, 8, 8);
}

static void cmd_read(struct ide_drive *d, u32 n)
{
    atapi_read(d, be32(d->r->packet + 2), n, PART_USER);
}

static void cmd_read_cd(struct ide_drive *d, u32 lba, u32 n)
{
    const u8 *p = d->r->packet;
    u8 type = p[1] >> 2 & 7;

    /* Any type of sector, or mode 1: all sectors are of mode 1. */
    if (type != 0 && type != 2) {
        atapi_fail(d, SENSE_ILLEGAL, 0x64, 0);
        return;
    }
    if ((p[9] & 6) || (p[10] & 7)) { /* error flags and subchannels are not there to give */
        atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_FIELD, 0);
        return;
    }
    atapi_read(d, lba, n, p[9] & 0xf8);
}

static u32 from_msf(const u8 *p)
{
    u32 frames = ((u32)p[0] * 60 + p[1]) * 75 + p[2];

    return frames >= 150 ? frames - 150 : 0;
}

static void cmd_read_cd_msf(struct ide_drive *d)
{
    const u8 *p = d->r->packet;
    u32 start = from_msf(p + 3), end = from_msf(p + 6);

    if (end < start)
        atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_FIELD, 0);
    else
        cmd_read_cd(d, start, end - start);
}

/* Format 0: tracks; the disc has one data track and a lead-out. */
static u32 toc_tracks(struct ide_drive *d, bool msf, u8 first)
{
    u8 *b = d->r->buf, *q = b + 4;

    b[2] = b[3] = 1;
    if (first <= 1) {
        q[0] = 0;
        q[1] = 0x14; /* data track, position in Q */
        q[2] = 1;
        q[3] = 0;
        put_addr(q + 4, 0, msf);
        q += 8;
    }
    q[0] = 0;
    q[1] = 0x14;
    q[2] = 0xaa;
    q[3] = 0;
    put_addr(q + 4, total_sectors(d), msf);
    q += 8;
    be16_put(b, (u32)(q - b) - 2);
    return (u32)(q - b);
}

/* Format 2: the raw entries of the lead-in, points A0, A1, A2 and track 1. */
static u32 toc_raw(struct ide_drive *d)
{
    static const u8 points[4] = {0xa0, 0xa1, 0xa2, 1};
    u8 *b = d->r->buf, *q = b + 4;
    int i;

    b[2] = b[3] = 1;
    for (i = 0; i < 4; i++, q += 11) {
        memset(q, 0, 11);
        q[0] = 1;
        q[1] = 0x14;
        q[3] = points[i];
        if (i < 2)
            q[8] = 1; /* first and last track */
        else
            put_msf(q + 8, i == 2 ? total_sectors(d) : 0);
    }
    be16_put(b, (u32)(q - b) - 2);
    return (u32)(q - b);
}

static void cmd_read_toc(struct ide_drive *d)
{
    const u8 *p = d->r->packet;
    u8 *b = d->r->buf, format = p[2] & 15;
    bool msf = p[1] & 2;
    u32 len;

    if (!format)
        format = p[9] >> 6; /* where the first drives had it */
    if (p[6] > 1 && p[6] != 0xaa && format == 0) {
        atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_FIELD, 0);
        return;
    }
    memset(b, 0, 64);
    switch (format) {
    case 0: len = toc_tracks(d, msf, p[6]); break;
    case 1: /* one session, beginning with track 1 */
        be16_put(b, 10);
        b[2] = b[3] = 1;
        b[5] = 0x14;
        b[6] = 1;
        put_addr(b + 8, 0, msf);
        len = 12;
        break;
    case 2: len = toc_raw(d); break;
    default:
        atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_FIELD, 0);
        return;
    }
    atapi_reply(d, len, be16(p + 7));
}

static void cmd_subchannel(struct ide_drive *d)
{
    const u8 *p = d->r->packet;
    u8 *b = d->r->buf;
    u32 len = 4;

    memset(b, 0, 24);
    b[1] = 0x15; /* no audio status */
    if (p[2] & 0x40) {
        if (p[3] < 1 || p[3] > 3) {
            atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_FIELD, 0);
            return;
        }
        len = p[3] == 1 ? 16 : 24;
        be16_put(b + 2, len - 4);
        b[4] = p[3];
        if (p[3] == 1) {
            b[5] = 0x14;
            b[6] = b[7] = 1;
            put_addr(b + 8, 0, p[1] & 2);
            put_addr(b + 12, 0, p[1] & 2);
        }
    }
    atapi_reply(d, len, be16(p + 7));
}

/* ---- mode pages ---- */

static u32 mode_page(struct ide_drive *d, u8 *q, u8 page)
{
    switch (page) {
    case 0x01: /* read error recovery */
        memset(q, 0, 8);
        q[0] = 0x01;
        q[1] = 6;
        q[3] = 5;
        return 8;
    case 0x0e: /* CD audio control */
        memset(q, 0, 16);
        q[0] = 0x0e;
        q[1] = 14;
        q[2] = 4;
        q[7] = 75;
        q[8] = 1;
        q[9] = 255;
        q[10] = 2;
        q[11] = 255;
        return 16;
    case 0x2a: /* capabilities */
        memset(q, 0, 22);
        q[0] = 0x2a;
        q[1] = 20;
        q[2] = 0x3b; /* reads CD-R, CD-RW, DVD */
        q[4] = 0x71; /* audio play, mode 2 forms 1 and 2, multi-session */
        q[5] = 0x03; /* CD-DA commands */
        q[6] = (u8)(0x2d | (d->blk->locked ? 2 : 0)); /* tray, eject, lock */
        be16_put(q + 8, 706);
        be16_put(q + 10, 2);
        be16_put(q + 12, 512);
        be16_put(q + 14, 706);
        return 22;
    default: return 0;
    }
}

static void cmd_mode_sense(struct ide_drive *d)
{
    static const u8 all[] = {0x01, 0x0e, 0x2a};
    const u8 *p = d->r->packet;
    u8 *b = d->r->buf, page = p[2] & 0x3f;
    u32 len = 8;
    size_t i;

    if (p[2] >> 6 == 3) {
        atapi_fail(d, SENSE_ILLEGAL, ASC_NO_SAVING, 0);
        return;
    }
    memset(b, 0, 8);
    for (i = 0; i < ARRAY_LEN(all); i++)
        if (page == all[i] || page == 0x3f)
            len += mode_page(d, b + len, all[i]);
    if (len == 8) {
        atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_FIELD, 0);
        return;
    }
    be16_put(b, len - 2);
    b[2] = d->blk->tray_open ? 0x71 : has_medium(d) ? 0x01 : 0x70;
    atapi_reply(d, len, be16(p + 7));
}

/* ---- features and events ---- */

static void cmd_get_configuration(struct ide_drive *d)
{
    const u8 *p = d->r->packet;
    u8 *b = d->r->buf;
    bool dvd = has_medium(d) && total_sectors(d) > CD_MAX_SECTORS, cd = has_medium(d) && !dvd;

    if ((p[1] & 3) == 3) {
        atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_FIELD, 0);
        return;
    }
    memset(b, 0, 40);
    be16_put(b + 6, dvd ? 0x10 : cd ? 0x08 : 0);
    b[10] = 0x03; /* feature 0, profile list: persistent, current */
    b[11] = 8;
    be16_put(b + 12, 0x10); /* DVD-ROM */
    b[14] = dvd;
    be16_put(b + 16, 0x08); /* CD-ROM */
    b[18] = cd;
    be16_put(b + 20, 1); /* feature 1, core: ATAPI */
    b[22] = 0x0b;
    b[23] = 8;
    be32_put(b + 24, 2);
    b[28] = 1;
    be16_put(b + 32, 3); /* feature 3, removable medium: tray, eject, lock */
    b[34] = 0x03;
    b[35] = 4;
    b[36] = 0x39;
    be32_put(b, 36);
    atapi_reply(d, 40, be16(p + 7));
}

static void cmd_event_status(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;
    u8 *b = r->buf;

    if (!(r->packet[1] & 1)) { /* only asking, not waiting */
        atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_FIELD, 0);
        return;
    }
    memset(b, 0, 8);
    b[3] = 0x10; /* the class that is supported: media */
    if (!(r->packet[4] & 0x10)) {
        be16_put(b, 2);
        b[2] = 0x80;
        atapi_reply(d, 4, be16(r->packet + 7));
        return;
    }
    be16_put(b, 6);
    b[2] = 4;
    b[4] = r->event;
    b[5] = (u8)((d->blk->tray_open ? 1 : 0) | (has_medium(d) ? 2 : 0));
    r->event = 0;
    atapi_reply(d, 8, be16(r->packet + 7));
}

static void cmd_mechanism(struct ide_drive *d)
{
    u8 *b = d->r->buf;

    memset(b, 0, 8);
    b[5] = 1;
    atapi_reply(d, 8, be16(d->r->packet + 8));
}

static void cmd_disc_information(struct ide_drive *d)
{
    u8 *b = d->r->buf;

    if (d->r->packet[1] & 7) {
        atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_FIELD, 0);
        return;
    }
    memset(b, 0, 34);
    be16_put(b, 32);
    b[2] = 0x0e; /* complete disc, last session complete */
    b[3] = b[4] = b[5] = b[6] = 1;
    b[7] = 0x20;
    memset(b + 16, 0xff, 8);
    atapi_reply(d, 34, be16(d->r->packet + 7));
}

static void cmd_track_information(struct ide_drive *d)
{
    u8 *b = d->r->buf;

    memset(b, 0, 36);
    be16_put(b, 34);
    b[2] = b[3] = 1;
    b[5] = 4;
    b[6] = 1;
    be32_put(b + 24, total_sectors(d));
    atapi_reply(d, 36, be16(d->r->packet + 7));
}

static void cmd_dvd_structure(struct ide_drive *d)
{
    const u8 *p = d->r->packet;
    u8 *b = d->r->buf;
    u32 total = total_sectors(d), len;

    if (total <= CD_MAX_SECTORS || p[1] || p[6]) {
        atapi_fail(d, SENSE_ILLEGAL, total <= CD_MAX_SECTORS ? 0x30 : ASC_BAD_FIELD,
                   total <= CD_MAX_SECTORS ? 2 : 0);
        return;
    }
    memset(b, 0, 2052);
    switch (p[7]) {
    case 0: /* physical format: DVD-ROM, 120 mm, one layer */
        b[4] = 1;
        b[5] = 0x0f;
        b[6] = 1;
        be32_put(b + 8, 0x30000);
        be32_put(b + 12, 0x30000 + total - 1);
        len = 2052;
        break;
    case 1: len = 8; break; /* copyright: none */
    case 4: len = 2052; break; /* manufacturing data: none */
    default:
        atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_FIELD, 0);
        return;
    }
    be16_put(b, len - 2);
    atapi_reply(d, len, be16(p + 8));
}

/* ---- mechanics ---- */

static void cmd_start_stop(struct ide_drive *d)
{
    struct blk *blk = d->blk;
    u8 how = d->r->packet[4] & 3;

    if (d->r->packet[4] >> 4 || how < 2) { /* a power condition, or spinning up and down */
        atapi_ok(d);
        return;
    }
    if (how == 2 && blk->locked) {
        if (blk->tray_open)
            atapi_ok(d);
        else
            atapi_fail(d, blk->size ? SENSE_ILLEGAL : SENSE_NOT_READY, ASC_NO_REMOVAL, 2);
        return;
    }
    if (blk->tray_open != (how == 2)) {
        blk->tray_open = how == 2;
        if (blk->size && how == 3) {
            d->r->attention = 1;
            d->r->event = 2;
        } else {
            d->r->event = 3;
        }
    }
    atapi_ok(d);
}

static void cmd_prevent(struct ide_drive *d)
{
    d->blk->locked = d->r->packet[4] & 1;
    atapi_ok(d);
}

static void cmd_seek(struct ide_drive *d)
{
    if (be32(d->r->packet + 2) >= total_sectors(d))
        atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_LBA, 0);
    else
        atapi_ok(d);
}

/* ---- dispatch ---- */

/* Every command: what it is, and whether it tells of a changed medium first and needs one. */
enum { CHECK_MEDIUM = 1, KEEP_ATTENTION = 2 };

static u8 command_flags(u8 op)
{
    switch (op) {
    case 0x03: case 0x12: case 0x46: case 0x4a: return KEEP_ATTENTION;
    case 0x00:
    case 0x25:
    case 0x28:
    case 0xa8:
    case 0x2b:
    case 0x42:
    case 0x43:
    case 0x51:
    case 0x52:
    case 0xad:
    case 0xb9: case 0xbe: return CHECK_MEDIUM;
    default: return 0;
    }
}

static bool ready(struct ide_drive *d, u8 flags)
{
    struct ide_drive_regs *r = d->r;

    if (!(flags & KEEP_ATTENTION)) {
        if (r->attention) {
            /* Removal is told as "no medium"; the change when the next medium is in. */
            if (has_medium(d) || !(flags & CHECK_MEDIUM)) {
                r->attention = 0;
                atapi_fail(d, SENSE_ATTENTION, ASC_CHANGED, 0);
                return false;
            }
        }
        r->sense = r->asc = r->ascq = 0;
    }
    if ((flags & CHECK_MEDIUM) && !has_medium(d)) {
        atapi_fail(d, SENSE_NOT_READY, ASC_NO_MEDIUM, d->blk->tray_open ? 2 : 1);
        return false;
    }
    return true;
}

void mmc_command(struct ide_drive *d)
{
    const u8 *p = d->r->packet;

    if (!ready(d, command_flags(p[0])))
        return;
    switch (p[0]) {
    case 0x00: atapi_ok(d); break;
    case 0x03: cmd_request_sense(d); break;
    case 0x12: cmd_inquiry(d); break;
    case 0x1b: cmd_start_stop(d); break;
    case 0x1e: cmd_prevent(d); break;
    case 0x25: cmd_read_capacity(d); break;
    case 0x28: cmd_read(d, be16(p + 7)); break;
    case 0xa8: cmd_read(d, be32(p + 6)); break;
    case 0x2b: cmd_seek(d); break;
    case 0x42: cmd_subchannel(d); break;
    case 0x43: cmd_read_toc(d); break;
    case 0x46: cmd_get_configuration(d); break;
    case 0x4a: cmd_event_status(d); break;
    case 0x51: cmd_disc_information(d); break;
    case 0x52: cmd_track_information(d); break;
    case 0x5a: cmd_mode_sense(d); break;
    case 0xad: cmd_dvd_structure(d); break;
    case 0xb9: cmd_read_cd_msf(d); break;
    case 0xbb: atapi_ok(d); break; /* SET CD SPEED */
    case 0xbd: cmd_mechanism(d); break;
    case 0xbe: cmd_read_cd(d, be32(p + 2), be24(p + 6)); break;
    default: atapi_fail(d, SENSE_ILLEGAL, ASC_BAD_COMMAND, 0); break;
    }
}
