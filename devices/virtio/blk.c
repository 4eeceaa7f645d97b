/* virtio-blk: read, write, flush, identity, discard, write zeroes (VIRTIO 1.1, section 5.2). */
#include "devices/virtio/blk.h"

#include "devices/core/bits.h"

#include <stdlib.h>

enum { SECTOR_BITS = 9, SECTOR = 512, SEGS = 126, RANGE_SIZE = 16, RANGES = 32 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
enum { HEADER = 16, RANGE_UNMAP = 1 };
#define F_SEG_MAX      BIT64(2)
#define F_GEOMETRY     BIT64(4)
#define F_RO           BIT64(5)
#define F_BLK_SIZE     BIT64(6)
#define F_FLUSH        BIT64(9)
#define F_TOPOLOGY     BIT64(10)
#define F_CONFIG_WCE   BIT64(11)
#define F_DISCARD      BIT64(13)
#define F_WRITE_ZEROES BIT64(14)
/* One request, and all that are under way, in bytes: what is above waits in the ring or is refused. */
#define REQUEST_MAX (8 * MIB)
#define UNDER_WAY   (16 * MIB)
/* A range of zeroes is written in pieces of this size. */
#define ZEROES (256 * KIB)

/* One chain. */
struct vblk_job {
    struct virtio_blk *d;
    struct vq_elem e;
    struct blk_req req;
    u32 type, generation;
    u8 status;
    bool at_disk;  /* the disk has req */
    u32 written;   /* bytes for the used ring */
    u64 size;      /* of buf */
    u8 *buf;
    /* discard and write zeroes: ranges, one after the other */
    u8 range[RANGES * RANGE_SIZE];
    unsigned nranges, at;
    u64 range_done; /* bytes of the present one */
};

#define FIELDS_OF struct virtio_blk_regs
static const struct field blk_fields[] = {
    VIRTIO_FIELDS,
    FA(head, FT_U16, 0, "chains under way"),
    F(busy, FT_U8, 0, "how many chains are under way"),
    F(writeback, FT_U8, 1, "writes may wait for a flush"),
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop blk_props[] = {
    VIRTIO_PROPS(virtio_blk),
    {"serial", offsetof(struct virtio_blk, serial), PT_STR, 0, 0, 0, "serial number, 20 characters"},
    PROPS_END,
};

static struct virtio_blk *of(struct virtio *v)
{
    return container_of(v, struct virtio_blk, v);
}

/* ---- what it says about itself ---- */

static unsigned blk_queues(struct virtio *v)
{
    return 1;
}

static u16 blk_queue_size(struct virtio *v, unsigned q)
{
    return VBLK_QUEUE;
}

static u64 blk_features(struct virtio *v)
{
    u64 f = F_SEG_MAX | F_GEOMETRY | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY | F_CONFIG_WCE;

    return of(v)->blk->read_only ? f | F_RO : f | F_DISCARD | F_WRITE_ZEROES;
}

static void blk_config(struct virtio *v, u8 *to)
{
    struct virtio_blk *d = of(v);
    u64 sectors = d->blk->size >> SECTOR_BITS;

    st64(to, sectors);
    st32(to + 12, SEGS);
    st16(to + 16, (u16)MIN(sectors / (16 * 63), (u64)16383));
    to[18] = 16;
    to[19] = 63;
    st32(to + 20, SECTOR);
    to[32] = d->r.writeback;
    st32(to + 36, (u32)MIN(sectors, (u64)0x3fffff)); /* discard: sectors, ranges, alignment */
    st32(to + 40, RANGES);
    st32(to + 44, 1);
    st32(to + 48, (u32)MIN(sectors, (u64)0x3fffff)); /* write zeroes: sectors, ranges, may unmap */
    st32(to + 52, RANGES);
    to[56] = 1;
}

static void blk_config_write(struct virtio *v, unsigned off, u32 val, unsigned size)
{
    if (off == 32 && size == 1)
        of(v)->r.writeback = val & 1;
}

/* Writes are to be safe when they are answered? */
static bool write_through(const struct virtio_blk *d)
{
    return !d->r.writeback || !virtio_has(&d->v, F_FLUSH);
}

/* ---- jobs ---- */

static void arm(struct virtio_blk *d)
{
    if (!timer_pending(&d->timer))
        timer_set(&d->timer, clock_now(d->v.dev.env.clock));
}

static void drop(struct virtio_blk *d, unsigned i)
{
    struct vblk_job *job = d->job[i];

    if (job) {
        if (job->at_disk)
            blk_cancel(d->blk, &job->req);
        d->bytes -= job->size;
        free(job->buf);
        free(job);
    }
    d->r.busy--;
    memmove(d->job + i, d->job + i + 1, (d->r.busy - i) * sizeof(d->job[0]));
    memmove(d->r.head + i, d->r.head + i + 1, (d->r.busy - i) * sizeof(d->r.head[0]));
    d->r.head[d->r.busy] = 0;
    d->job[d->r.busy] = NULL;
}

/* The answer: status in the last byte that the chain has for the device. */
static void answer(struct virtio_blk *d, struct vblk_job *job)
{
    u16 head = job->e.head;
    u32 len = job->written;
    unsigned i = 0;

    if (job->e.in_len) {
        vq_put(&d->v, &job->e, job->e.in_len - 1, &job->status, 1);
        len++;
    }
    while (i < d->r.busy && d->job[i] != job)
        i++;
    if (i < d->r.busy)
        drop(d, i);
    vq_push(&d->v, 0, head, len);
}

static bool next_range(struct virtio_blk *d, struct vblk_job *job);
static void blk_notify(struct virtio *v, unsigned q);

static void submit(struct virtio_blk *d, struct vblk_job *job, enum blk_op op, u64 off, u64 len)
{
    job->req.op = op;
    job->req.off = off;
    job->req.len = (size_t)len;
    job->req.buf = job->buf;
    job->at_disk = true;
    blk_submit(d->blk, &job->req);
}

static void done(struct blk_req *req)
{
    struct vblk_job *job = req->arg;
    struct virtio_blk *d = job->d;
    bool wrote = req->op != BLK_READ && req->op != BLK_FLUSH;

    job->at_disk = false;
    if (job->generation != d->v.generation)
        return; /* from before a reset, which has dropped it */
    if (req->status) {
        job->status = S_IOERR;
    } else if (req->op == BLK_READ) {
        job->written = (u32)vq_put(&d->v, &job->e, 0, job->buf, job->size);
    } else if (job->nranges && wrote && next_range(d, job)) {
        return;
    } else if (wrote && write_through(d)) {
        submit(d, job, BLK_FLUSH, 0, 0);
        return;
    }
    answer(d, job);
    blk_notify(&d->v, 0); /* what waited for room */
}

static bool alloc(struct virtio_blk *d, struct vblk_job *job, u64 size)
{
    job->buf = size ? calloc(1, (size_t)size) : NULL;
    if (size && !job->buf)
        return false;
    job->size = size;
    d->bytes += size;
    return true;
}

/* Is [sector, sector + n bytes) on the disk? */
static bool on_disk(const struct virtio_blk *d, u64 sector, u64 bytes)
{
    return sector <= d->blk->size >> SECTOR_BITS && bytes <= d->blk->size - (sector << SECTOR_BITS);
}

/* ---- ranges ---- */

/* The next piece of a discard or of zeroes; false: there is none, or status tells why not. */
static bool next_range(struct virtio_blk *d, struct vblk_job *job)
{
    for (; job->at < job->nranges; job->at++, job->range_done = 0) {
        const u8 *r = job->range + job->at * RANGE_SIZE;
        u64 start = ld64(r) << SECTOR_BITS, len = (u64)ld32(r + 8) << SECTOR_BITS, n;

        if (job->range_done >= len)
            continue;
        n = len - job->range_done;
        if (job->type == T_WRITE_ZEROES)
            n = MIN(n, job->size);
        start += job->range_done;
        job->range_done += n;
        submit(d, job, job->type == T_DISCARD ? BLK_DISCARD : BLK_WRITE, start, n);
        return true;
    }
    return false;
}

static u8 begin_ranges(struct virtio_blk *d, struct vblk_job *job)
{
    u64 len = job->e.out_len - HEADER, zeroes = 0;

    if (d->blk->read_only)
        return S_IOERR;
    if (!len || len % RANGE_SIZE || len > sizeof(job->range))
        return S_UNSUPP;
    vq_get(&d->v, &job->e, HEADER, job->range, (size_t)len);
    job->nranges = (unsigned)len / RANGE_SIZE;
    for (unsigned i = 0; i < job->nranges; i++) {
        const u8 *r = job->range + i * RANGE_SIZE;
        u64 bytes = (u64)ld32(r + 8) << SECTOR_BITS;
        u32 flags = ld32(r + 12);

        if (flags & ~(u32)(job->type == T_DISCARD ? 0 : RANGE_UNMAP))
            return S_UNSUPP;
        if (!on_disk(d, ld64(r), bytes))
            return S_IOERR;
        zeroes = MAX(zeroes, bytes);
    }
    if (job->type == T_WRITE_ZEROES && !alloc(d, job, MIN(zeroes, (u64)ZEROES)))
        return S_IOERR;
    if (!next_range(d, job))
        arm(d);
    return S_OK;
}

/* ---- beginning ---- */

static u8 begin_io(struct virtio_blk *d, struct vblk_job *job, u64 sector)
{
    bool write = job->type == T_OUT;
    u64 len = write ? job->e.out_len - HEADER : job->e.in_len - 1;

    if (len % SECTOR || !on_disk(d, sector, len) || (write && d->blk->read_only) ||
        len > REQUEST_MAX)
        return S_IOERR;
    if (!len) {
        arm(d);
        return S_OK;
    }
    if (!alloc(d, job, len))
        return S_IOERR;
    if (write)
        vq_get(&d->v, &job->e, HEADER, job->buf, (size_t)len);
    submit(d, job, write ? BLK_WRITE : BLK_READ, sector << SECTOR_BITS, len);
    return S_OK;
}

static u8 identity(struct virtio_blk *d, struct vblk_job *job)
{
    char id[VBLK_SERIAL] = {0};

    if (d->serial)
        memcpy(id, d->serial, MIN(strlen(d->serial), sizeof(id)));
    job->written = (u32)vq_put(&d->v, &job->e, 0, id,
                               (size_t)MIN(job->e.in_len - 1, (u64)sizeof(id)));
    arm(d);
    return S_OK;
}

static u8 begin(struct virtio_blk *d, struct vblk_job *job)
{
    u8 h[HEADER];

    if (job->e.out_len < HEADER || !job->e.in_len)
        return S_IOERR;
    vq_get(&d->v, &job->e, 0, h, sizeof(h));
    job->type = ld32(h);
    switch (job->type) {
    case T_IN:
    case T_OUT: return begin_io(d, job, ld64(h + 8));
    case T_FLUSH: submit(d, job, BLK_FLUSH, 0, 0); return S_OK;
    case T_GET_ID: return identity(d, job);
    case T_DISCARD:
    case T_WRITE_ZEROES: return begin_ranges(d, job);
    default: return S_UNSUPP;
    }
}

/* Answers that the disk is not asked for wait for this, so that a notification answers nothing by
 * itself, and what is loaded can be answered at all. */
static void fire(void *arg, u64 now)
{
    struct virtio_blk *d = arg;

    for (unsigned i = 0; i < d->r.busy;) {
        struct vblk_job *job = d->job[i];

        if (job->at_disk)
            i++;
        else
            answer(d, job);
    }
    blk_notify(&d->v, 0);
}

/* A job for a chain; its request begins or has its answer. */
static bool start(struct virtio_blk *d, const struct vq_elem *e)
{
    struct vblk_job *job = calloc(1, sizeof(*job));

    if (!job)
        return false;
    job->d = d;
    job->e = *e;
    job->generation = d->v.generation;
    job->req.done = done;
    job->req.arg = job;
    d->job[d->r.busy] = job;
    d->r.head[d->r.busy++] = e->head;
    job->status = begin(d, job);
    if (job->status)
        arm(d);
    return true;
}

static void blk_notify(struct virtio *v, unsigned q)
{
    struct virtio_blk *d = of(v);
    struct vq_elem e;

    while (d->r.busy < VBLK_BUSY && vq_pop(v, q, &e)) {
        u64 len = MAX(e.out_len, e.in_len);

        if (e.out_len < HEADER || !e.in_len) {
            virtio_broken(v, "a disk request has no header or no status");
            return;
        }
        /* Wait for others to end, which looks at the queue again. */
        if (d->r.busy && len <= REQUEST_MAX && d->bytes + len > UNDER_WAY) {
            vq_unpop(v, q, 1);
            return;
        }
        if (!start(d, &e)) {
            vq_unpop(v, q, 1);
            return;
        }
    }
}

/* ---- life ---- */

static void drop_all(struct virtio_blk *d)
{
    while (d->r.busy)
        drop(d, d->r.busy - 1u);
    timer_cancel(&d->timer);
}

/* The fields may say already that nothing is under way. */
static void forget(struct virtio *v)
{
    struct virtio_blk *d = of(v);

    d->r.busy = 0;
    while (d->r.busy < VBLK_BUSY && d->job[d->r.busy])
        d->r.busy++;
    drop_all(d);
    d->r.writeback = 1;
}

static void changed(void *arg)
{
    virtio_config_changed(arg);
}

static const struct virtio_ops blk_ops = {
    .type = VIRTIO_BLK,
    .pci_class = 0x010000,
    .config_len = 60,
    .queues = blk_queues,
    .queue_size = blk_queue_size,
    .features = blk_features,
    .notify = blk_notify,
    .config = blk_config,
    .config_write = blk_config_write,
    .reset = forget,
};

static bool blk_init(struct dev *dev, struct err *err)
{
    struct virtio_blk *d = (struct virtio_blk *)dev;

    if (d->blk->cdrom || d->blk->removable)
        return err_set(err, "'%s' takes disks, not media that can be changed: use -device ide-cd",
                       dev->id);
    timer_init(&d->timer, dev->env.clock, fire, d, "virtio-blk");
    d->blk->changed = changed;
    d->blk->changed_arg = d;
    return virtio_init(&d->v, &blk_ops, err);
}

static void blk_reset(struct dev *dev)
{
    virtio_reset((struct virtio *)dev);
}

/* Requests that were under way begin again, from the rings. */
static bool blk_loaded(struct dev *dev, struct err *err)
{
    struct virtio_blk *d = (struct virtio_blk *)dev;
    u16 head[VBLK_BUSY];
    unsigned n = MIN(d->r.busy, (unsigned)VBLK_BUSY);
    u8 writeback = d->r.writeback & 1;

    memcpy(head, d->r.head, sizeof(head));
    forget(&d->v);
    memset(d->r.head, 0, sizeof(d->r.head));
    d->r.writeback = writeback;
    if (!virtio_loaded(&d->v, err))
        return false;
    for (unsigned i = 0; i < n; i++) {
        struct vq_elem e;

        /* A chain that is not whole any more has no room for an answer, and is handed back. */
        if (!vq_again(&d->v, 0, head[i], &e))
            e = (struct vq_elem){.head = head[i]};
        if (!start(d, &e))
            return err_set(err, "no memory for the requests of '%s'", dev->id);
    }
    return true;
}

static void blk_free(struct dev *dev)
{
    virtio_free((struct virtio *)dev);
}

bool virtio_blk_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct virtio_blk *d = (struct virtio_blk *)dev;

    virtio_plug(&d->v, plug);
    d->blk = plug->blk;
    return true;
}

const struct dev_class virtio_blk_class = {
    .name = "virtio-blk",
    .help = "disk for guests that know virtio",
    .size = sizeof(struct virtio_blk),
    .saved_at = offsetof(struct virtio_blk, r),
    .saved_size = sizeof(struct virtio_blk_regs),
    .version = 1,
    .fields = blk_fields,
    .props = blk_props,
    .init = blk_init,
    .reset = blk_reset,
    .loaded = blk_loaded,
    .free = blk_free,
};
