/* The SCSI commands of a USB disk (SPC-2, SBC-2, as the USB Mass Storage UFI and bulk-only
 * specifications use them). */
#include "devices/usb/usb_storage.h"

#include "devices/core/bits.h"

enum {
    TEST_UNIT_READY = 0x00,
    REQUEST_SENSE = 0x03,
    READ_6 = 0x08,
    WRITE_6 = 0x0a,
    INQUIRY = 0x12,
    MODE_SENSE_6 = 0x1a,
    START_STOP = 0x1b,
    PREVENT_ALLOW = 0x1e,
    READ_FORMAT = 0x23,
    READ_CAPACITY = 0x25,
    READ_10 = 0x28,
    WRITE_10 = 0x2a,
    VERIFY_10 = 0x2f,
    SYNC_CACHE = 0x35,
    MODE_SENSE_10 = 0x5a,
    READ_16 = 0x88,
    WRITE_16 = 0x8a,
    SERVICE_IN = 0x9e,
    REPORT_LUNS = 0xa0,
    READ_12 = 0xa8,
    WRITE_12 = 0xaa,
};
enum {
    ASC_NONE = 0,
    ASC_OPCODE = 0x20,
    ASC_RANGE = 0x21,
    ASC_FIELD = 0x24,
    ASC_PROTECT = 0x27,
    ASC_CHANGED = 0x28,
    ASC_ABSENT = 0x3a
};
enum { STATUS_CHECK = 1 };

static u16 be16(const u8 *p)
{
    return (u16)(p[0] << 8 | p[1]);
}
static u32 be32(const u8 *p)
{
    return (u32)be16(p) << 16 | be16(p + 2);
}
static u64 be64(const u8 *p)
{
    return (u64)be32(p) << 32 | be32(p + 4);
}
static void put_be16(u8 *p, u16 v)
{
    p[0] = (u8)(v >> 8), p[1] = (u8)v;
}
static void put_be32(u8 *p, u32 v)
{
    put_be16(p, (u16)(v >> 16)), put_be16(p + 2, (u16)v);
}

void usb_scsi_sense(struct usb_storage *s, u8 key, u8 asc)
{
    s->r.sense_key = key;
    s->r.sense_asc = asc;
    s->r.status = key ? STATUS_CHECK : 0;
}

static u64 blocks(const struct usb_storage *s)
{
    return s->blk->size / MSD_BLOCK;
}

/* `n` bytes of answer, of which the host asked for `room`. */
static void answer(struct usb_storage *s, u32 n, u32 room)
{
    s->r.len = MIN(n, room);
}

static void inquiry(struct usb_storage *s)
{
    static const char names[] = "DRAGOMANUSB disk        1.0 ";
    u8 *b = s->r.buf;

    if (s->r.cdb[1] & 3) { /* no vital product data */
        usb_scsi_sense(s, SENSE_ILLEGAL, ASC_FIELD);
        return;
    }
    b[1] = s->removable ? 0x80 : 0;
    b[2] = 4; /* SPC-2 */
    b[3] = 2;
    b[4] = 31;
    memcpy(b + 8, names, 28);
    answer(s, 36, be16(s->r.cdb + 3));
}

static void request_sense(struct usb_storage *s)
{
    u8 *b = s->r.buf;

    b[0] = 0x70;
    b[2] = s->r.sense_key;
    b[7] = 10;
    b[12] = s->r.sense_asc;
    answer(s, 18, s->r.cdb[4]);
    s->r.sense_key = s->r.sense_asc = 0;
}

static void mode_sense(struct usb_storage *s, bool ten)
{
    u8 *b = s->r.buf, page = s->r.cdb[2] & 0x3f;
    u32 n = ten ? 8 : 4, head = n;

    if (page == 8 || page == 0x3f) { /* caching: write back */
        b[n] = 8;
        b[n + 1] = 18;
        b[n + 2] = 4;
        n += 20;
    }
    if (n == head && page != 0 && page != 0x1c) {
        usb_scsi_sense(s, SENSE_ILLEGAL, ASC_FIELD);
        return;
    }
    if (ten)
        put_be16(b, (u16)(n - 2));
    else
        b[0] = (u8)(n - 1);
    b[ten ? 3 : 2] = s->blk->read_only ? 0x80 : 0;
    answer(s, n, ten ? be16(s->r.cdb + 7) : s->r.cdb[4]);
}

static void capacity(struct usb_storage *s)
{
    put_be32(s->r.buf, (u32)MIN(blocks(s) - 1, (u64)0xffffffff));
    put_be32(s->r.buf + 4, MSD_BLOCK);
    answer(s, 8, 8);
}

static void capacity16(struct usb_storage *s)
{
    u64 last = blocks(s) - 1;

    if ((s->r.cdb[1] & 0x1f) != 0x10) {
        usb_scsi_sense(s, SENSE_ILLEGAL, ASC_FIELD);
        return;
    }
    put_be32(s->r.buf, (u32)(last >> 32));
    put_be32(s->r.buf + 4, (u32)last);
    put_be32(s->r.buf + 8, MSD_BLOCK);
    answer(s, 32, be32(s->r.cdb + 10));
}

static void format_capacities(struct usb_storage *s)
{
    s->r.buf[3] = 8;
    put_be32(s->r.buf + 4, (u32)MIN(blocks(s), (u64)0xffffffff));
    put_be32(s->r.buf + 8, MSD_BLOCK);
    s->r.buf[8] = 2; /* formatted medium */
    answer(s, 12, be16(s->r.cdb + 7));
}

/* The range is checked once, in 64 bits; what follows only goes through it. */
static void transfer(struct usb_storage *s, u64 lba, u32 n, bool write)
{
    if (lba > blocks(s) || n > blocks(s) - lba || n > 0x7fffff) {
        usb_scsi_sense(s, SENSE_ILLEGAL, ASC_RANGE);
    } else if (write && s->blk->read_only) {
        usb_scsi_sense(s, SENSE_PROTECT, ASC_PROTECT);
    } else if (write == s->r.to_host && n) {
        usb_scsi_sense(s, SENSE_ILLEGAL, ASC_FIELD); /* the wrapper says another direction */
    } else {
        s->r.off = lba * MSD_BLOCK;
        s->r.left = MIN(n * MSD_BLOCK, s->r.expect / MSD_BLOCK * MSD_BLOCK);
        s->r.op = write ? MSD_WRITE : MSD_READ;
    }
}

static bool needs_medium(u8 op)
{
    return op != INQUIRY && op != REQUEST_SENSE && op != REPORT_LUNS && op != PREVENT_ALLOW &&
           op != START_STOP;
}

static void media_command(struct usb_storage *s)
{
    const u8 *c = s->r.cdb;

    switch (c[0]) {
    case READ_6:
    case WRITE_6: transfer(s, be32(c) & 0x1fffff, c[4] ? c[4] : 256, c[0] == WRITE_6); break;
    case READ_10:
    case WRITE_10: transfer(s, be32(c + 2), be16(c + 7), c[0] == WRITE_10); break;
    case READ_12:
    case WRITE_12: transfer(s, be32(c + 2), be32(c + 6), c[0] == WRITE_12); break;
    case READ_16:
    case WRITE_16: transfer(s, be64(c + 2), be32(c + 10), c[0] == WRITE_16); break;
    case READ_CAPACITY: capacity(s); break;
    case SERVICE_IN: capacity16(s); break;
    case READ_FORMAT: format_capacities(s); break;
    case SYNC_CACHE: s->r.op = MSD_FLUSH; break;
    case MODE_SENSE_6: mode_sense(s, false); break;
    case MODE_SENSE_10: mode_sense(s, true); break;
    case TEST_UNIT_READY:
    case VERIFY_10: break;
    default: usb_scsi_sense(s, SENSE_ILLEGAL, ASC_OPCODE); break;
    }
}

void usb_scsi_command(struct usb_storage *s)
{
    u8 op = s->r.cdb[0];

    s->r.op = 0;
    s->r.status = 0;
    s->r.left = s->r.len = s->r.pos = 0;
    memset(s->r.buf, 0, 256);
    if (op != REQUEST_SENSE && op != INQUIRY) {
        usb_scsi_sense(s, 0, ASC_NONE);
        if (s->r.attention) {
            s->r.attention = 0;
            usb_scsi_sense(s, SENSE_ATTENTION, ASC_CHANGED);
            return;
        }
    }
    if (needs_medium(op) && !blocks(s)) {
        usb_scsi_sense(s, SENSE_NOT_READY, ASC_ABSENT);
        return;
    }
    switch (op) {
    case INQUIRY: inquiry(s); break;
    case REQUEST_SENSE: request_sense(s); break;
    case REPORT_LUNS:
        s->r.buf[3] = 8;
        answer(s, 16, be32(s->r.cdb + 6));
        break;
    case PREVENT_ALLOW: s->blk->locked = s->r.cdb[4] & 1; break;
    case START_STOP: break;
    default: media_command(s); break;
    }
}
