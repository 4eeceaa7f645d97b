/* Bulk-only transport: command wrapper, data, status wrapper (USB Mass Storage Class, Bulk-Only
 * Transport 1.0 chapters 3, 5, 6). */
#include "devices/usb/usb_storage.h"

#include "devices/core/bits.h"

enum { PH_COMMAND, PH_DATA, PH_STATUS };
enum { CBW_LEN = 31, CSW_LEN = 13 };
#define CBW_SIGNATURE 0x43425355u
#define CSW_SIGNATURE 0x53425355u
enum { MSD_RESET = 0xff, MSD_MAX_LUN = 0xfe };
enum { EP_IN = 1, EP_OUT = 2, ASC_READ = 0x11, ASC_WRITE = 0x0c };

#define FIELDS_OF struct usb_storage_regs
static const struct field usb_storage_fields[] = {
    USB_ROWS,
    F(off, FT_U64, 0, "place in the image"),
    F(tag, FT_U32, 0, "tag of the command"),
    F(expect, FT_U32, 0, "bytes the host means to move"),
    F(moved, FT_U32, 0, "bytes moved"),
    F(left, FT_U32, 0, "bytes of the image to move"),
    F(pos, FT_U32, 0, "place in the buffer"),
    F(len, FT_U32, 0, "bytes in the buffer"),
    F(phase, FT_U8, 0, "phase"),
    F(to_host, FT_U8, 0, "direction"),
    F(status, FT_U8, 0, "status of the command"),
    F(op, FT_U8, 0, "what the image is asked for"),
    F(cdb, FT_BYTES, 0, "command"),
    F(sense_key, FT_U8, 0, "sense key"),
    F(sense_asc, FT_U8, 0, "additional sense code"),
    F(busy, FT_U8, 0, "request of the image on its way"),
    F(attention, FT_U8, 0, "medium changed"),
    F(buf, FT_BYTES, 0, "data"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop usb_storage_props[] = {
    {"removable", offsetof(struct usb_storage, removable), PT_BOOL, 0, 0, 1,
     "a medium that can be taken out"},
    PROPS_END,
};

static const u8 device_desc[18] = {
    18, 1, 0x10, 0x01, 0, 0, 0, 8, 0x27, 0x06, 0x02, 0x00, 0, 1, 1, 2, 3, 1,
};

static const u8 config_desc[] = {
    9, 2, 32,   0, 1,  1, 0, 0xc0, 0, /* self-powered */
    9, 4, 0,    0, 2,  8, 6, 0x50, 0, /* mass storage, SCSI, bulk-only */
    7, 5, 0x81, 2, 64, 0, 0, 7,    5, 0x02, 2, 64, 0, 0,
};

static const char *const names[] = {"Dragoman", "USB disk", "000000000001", NULL};

/* ---- the image ---- */

static void request_done(struct blk_req *req);

static void request(struct usb_storage *s, u8 what)
{
    static const enum blk_op ops[] = {BLK_FLUSH, BLK_READ, BLK_WRITE, BLK_FLUSH};

    s->r.busy = what;
    s->req = (struct blk_req){.op = ops[what & 3],
                              .off = s->r.off,
                              .len = s->r.len,
                              .buf = s->r.buf,
                              .done = request_done,
                              .arg = s};
    if (what == MSD_FLUSH)
        s->req.len = 0;
    blk_submit(s->blk, &s->req);
}

static void cancel(struct usb_storage *s)
{
    if (s->r.busy)
        blk_cancel(s->blk, &s->req);
    s->r.busy = 0;
}

static void read_chunk(struct usb_storage *s)
{
    s->r.len = MIN(s->r.left, (u32)MSD_BUF);
    s->r.pos = 0;
    request(s, MSD_READ);
}

static void request_done(struct blk_req *req)
{
    struct usb_storage *s = req->arg;
    u8 what = s->r.busy;

    s->r.busy = 0;
    if (what != MSD_FLUSH) {
        s->r.off += s->r.len;
        s->r.left -= MIN(s->r.left, s->r.len);
    }
    if (what == MSD_WRITE)
        s->r.len = 0;
    if (!req->status)
        return;
    usb_scsi_sense(s, SENSE_MEDIUM, what == MSD_READ ? ASC_READ : ASC_WRITE);
    s->r.left = s->r.len = s->r.pos = 0;
}

/* ---- phases ---- */

static int command(struct usb_storage *s, const u8 *b, u16 len)
{
    struct usb_storage_regs *r = &s->r;

    if (len != CBW_LEN || ld32(b) != CBW_SIGNATURE || (b[13] & 15) || !(b[14] & 31) ||
        (b[14] & 31) > MSD_CDB) {
        /* Not meaningful: both pipes stall until the host resets the device (6.6.1). */
        r->usb.halt_in |= 1u << EP_IN;
        return USB_STALL;
    }
    r->tag = ld32(b + 4);
    r->expect = ld32(b + 8);
    r->to_host = b[12] >> 7;
    r->moved = 0;
    memset(r->cdb, 0, MSD_CDB);
    memcpy(r->cdb, b + 15, b[14] & 31);
    usb_scsi_command(s);
    r->phase = r->expect ? PH_DATA : PH_STATUS;
    if (r->op == MSD_READ && r->left)
        read_chunk(s);
    else if (r->op == MSD_FLUSH)
        request(s, MSD_FLUSH);
    return len;
}

static int data_out(struct usb_storage *s, const u8 *b, u16 len)
{
    struct usb_storage_regs *r = &s->r;
    u32 n = MIN((u32)len, r->expect - r->moved);

    if (r->op == MSD_WRITE && r->left) {
        u32 fits = MIN(r->left, (u32)MSD_BUF) - MIN(r->len, (u32)MSD_BUF);

        memcpy(r->buf + r->len, b, MIN(n, fits));
        r->len += MIN(n, fits);
        if (r->len == MIN(r->left, (u32)MSD_BUF))
            request(s, MSD_WRITE);
    }
    /* what a command does not take is dropped */
    r->moved += n;
    if (r->moved == r->expect)
        r->phase = PH_STATUS;
    return len;
}

static int data_in(struct usb_storage *s, u8 *b, u16 len)
{
    struct usb_storage_regs *r = &s->r;
    u32 n = MIN(MIN((u32)len, r->len - r->pos), r->expect - r->moved);

    if (r->op == MSD_READ && r->pos == r->len && r->left) {
        read_chunk(s);
        return USB_NAK;
    }
    memcpy(b, r->buf + r->pos, n);
    r->pos += n;
    r->moved += n;
    /* a short packet ends the data early */
    if (n < len || r->moved == r->expect)
        r->phase = PH_STATUS;
    return (int)n;
}

static int status(struct usb_storage *s, u8 *b, u16 len)
{
    struct usb_storage_regs *r = &s->r;
    u8 csw[CSW_LEN];

    st32(csw, CSW_SIGNATURE);
    st32(csw + 4, r->tag);
    st32(csw + 8, r->expect - r->moved);
    csw[12] = r->status;
    memcpy(b, csw, MIN(len, (u16)CSW_LEN));
    r->phase = PH_COMMAND;
    return MIN(len, (u16)CSW_LEN);
}

static int storage_data(struct usb_dev *u, enum usb_pid pid, unsigned ep, u8 *buf, u16 len)
{
    struct usb_storage *s = container_of(u, struct usb_storage, usb);

    if (ep != (pid == USB_IN ? EP_IN : EP_OUT))
        return USB_STALL;
    if (s->r.busy)
        return USB_NAK;
    if (pid == USB_OUT) {
        if (s->r.phase == PH_COMMAND)
            return command(s, buf, len);
        return s->r.phase == PH_DATA && !s->r.to_host ? data_out(s, buf, len) : USB_STALL;
    }
    if (s->r.phase == PH_DATA && s->r.to_host)
        return data_in(s, buf, len);
    return s->r.phase == PH_STATUS ? status(s, buf, len) : USB_STALL;
}

/* While the disk is at work; its end wakes the machine. */
static u64 storage_quiet(struct usb_dev *u, enum usb_pid pid, unsigned ep)
{
    const struct usb_storage *s = container_of(u, struct usb_storage, usb);

    return s->r.busy && ep == (pid == USB_IN ? EP_IN : EP_OUT) ? CLOCK_NEVER : 0;
}

static void transport_reset(struct usb_storage *s)
{
    cancel(s);
    s->r.phase = PH_COMMAND;
    s->r.left = s->r.len = s->r.pos = s->r.expect = s->r.moved = 0;
    s->r.op = s->r.status = 0;
}

static int storage_control(struct usb_dev *u, const struct usb_setup *setup, u8 *buf, u16 room)
{
    struct usb_storage *s = container_of(u, struct usb_storage, usb);

    if ((setup->type & (USB_TYPE | USB_RECIPIENT)) != (USB_CLASS | USB_TO_INTERFACE))
        return USB_STALL;
    if (setup->request == MSD_MAX_LUN) {
        buf[0] = 0;
        return 1;
    }
    if (setup->request != MSD_RESET)
        return USB_STALL;
    transport_reset(s);
    return 0;
}

static void bus_reset(struct usb_dev *u)
{
    transport_reset(container_of(u, struct usb_storage, usb));
}

static const struct usb_ops storage_ops = {
    .device = device_desc,
    .config = config_desc,
    .config_len = sizeof(config_desc),
    .strings = names,
    .control = storage_control,
    .data = storage_data,
    .quiet = storage_quiet,
    .reset = bus_reset,
};

/* ---- life ---- */

static void medium_changed(void *arg)
{
    struct usb_storage *s = arg;

    transport_reset(s);
    s->r.attention = 1;
}

static bool storage_init(struct dev *dev, struct err *err)
{
    struct usb_storage *s = (struct usb_storage *)dev;

    s->usb.ops = &storage_ops;
    s->usb.r = &s->r.usb;
    s->blk->changed = medium_changed;
    s->blk->changed_arg = s;
    return !s->bus || usb_attach(s->bus, &s->usb, err);
}

/* The fields have their reset values already: a request that still runs belongs to the past. */
static void storage_reset(struct dev *dev)
{
    struct usb_storage *s = (struct usb_storage *)dev;

    if (s->req.done)
        blk_cancel(s->blk, &s->req);
}

static bool storage_loaded(struct dev *dev, struct err *err)
{
    struct usb_storage *s = (struct usb_storage *)dev;
    struct usb_storage_regs *r = &s->r;

    if (s->req.done)
        blk_cancel(s->blk, &s->req);
    usb_loaded(&s->usb);
    if (r->len > MSD_BUF || r->pos > r->len || r->moved > r->expect || r->phase > PH_STATUS ||
        r->op > MSD_FLUSH || r->busy > MSD_FLUSH || (r->off | r->left) % MSD_BLOCK ||
        ((r->op == MSD_READ || r->op == MSD_WRITE) &&
         (r->off > s->blk->size || r->left > s->blk->size - r->off)) ||
        (r->busy && r->busy != r->op) || (r->busy == MSD_READ && r->len > r->left) ||
        (r->op == MSD_WRITE && r->len > r->left))
        return err_set(err, "%s: the saved transfer is impossible", dev->id);
    r->to_host = r->to_host != 0;
    r->attention = r->attention != 0;
    if (r->busy)
        request(s, r->busy);
    return true;
}

static void storage_free(struct dev *dev)
{
    struct usb_storage *s = (struct usb_storage *)dev;

    cancel(s);
    s->blk->changed = NULL;
}

bool usb_storage_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct usb_storage *s = (struct usb_storage *)dev;

    s->bus = *plug->usb;
    s->blk = plug->blk;
    return true;
}

const struct dev_class usb_storage_class = {
    .name = "usb-storage",
    .help = "USB disk",
    .size = sizeof(struct usb_storage),
    .saved_at = offsetof(struct usb_storage, r),
    .saved_size = sizeof(struct usb_storage_regs),
    .version = 1,
    .fields = usb_storage_fields,
    .props = usb_storage_props,
    .init = storage_init,
    .reset = storage_reset,
    .loaded = storage_loaded,
    .free = storage_free,
};
