/* Split virtqueues, with everything that the driver writes copied once and checked (VIRTIO 1.1,
 * section 2.6). */
#include "devices/virtio/virtio_int.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4, DESC_SIZE = 16 };
enum { AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };
enum { RING_IDX = 2, RING_ENTRIES = 4, AVAIL_ENTRY = 2, USED_ENTRY = 8 };

static u16 load16(struct virtio *v, u64 addr)
{
    u8 b[2];

    bus_copy(v->dev.env.mem, addr, b, sizeof(b), false);
    return ld16(b);
}

static void store16(struct virtio *v, u64 addr, u16 val)
{
    u8 b[2];

    st16(b, val);
    bus_copy(v->dev.env.mem, addr, b, sizeof(b), true);
}

/* Where the other side says how far it wants to hear nothing. */
static u64 used_event(const struct virtio *v, unsigned q)
{
    return v->r->q_avail[q] + RING_ENTRIES + AVAIL_ENTRY * (u64)v->r->q_size[q];
}

static u64 avail_event(const struct virtio *v, unsigned q)
{
    return v->r->q_used[q] + RING_ENTRIES + USED_ENTRY * (u64)v->r->q_size[q];
}

/* May queue q be touched? */
static bool usable(const struct virtio *v, unsigned q)
{
    return q < VIRTIO_QUEUES && v->r->q_enabled[q] && v->r->q_size[q] && virtio_ready(v);
}

/* How many chains wait; 0 as well when the driver claims more than the ring holds. */
static u16 waiting(struct virtio *v, unsigned q)
{
    u16 n = (u16)(load16(v, v->r->q_avail[q] + RING_IDX) - v->r->q_last[q]);

    if (n <= v->r->q_size[q])
        return n;
    virtio_broken(v, "an available ring is ahead by more than its size");
    return 0;
}

bool vq_pending(struct virtio *v, unsigned q)
{
    return usable(v, q) && waiting(v, q);
}

/* A table of descriptors: the queue's own, or one that a descriptor points at. */
struct table {
    u64 addr;
    u32 n;
    bool indirect;
};

static bool enter_indirect(struct virtio *v, struct table *t, u64 addr, u32 len, u16 flags)
{
    if (t->indirect || (flags & DESC_NEXT) || !virtio_has(v, VIRTIO_F_INDIRECT_DESC) || !len ||
        len % DESC_SIZE)
        return false;
    *t = (struct table){addr, len / DESC_SIZE, true};
    return true;
}

static bool add_seg(struct vq_elem *e, u64 addr, u32 len, bool write)
{
    if (e->nout + e->nin >= VQ_SEGS || addr + len < addr || (!write && e->nin))
        return false;
    e->seg[e->nout + e->nin] = (struct vq_seg){addr, len, 0};
    if (write)
        e->nin++, e->in_len += len;
    else
        e->nout++, e->out_len += len;
    return true;
}

/* No word about chains that are not well formed: that is for those who take them. */
static bool follow(struct virtio *v, unsigned q, u16 head, struct vq_elem *e)
{
    struct table t;
    u32 at = head;

    e->head = head;
    e->nout = e->nin = 0;
    e->out_len = e->in_len = 0;
    t = (struct table){v->r->q_desc[q], v->r->q_size[q], false};
    /* One step more than pieces, for the descriptor that leads to an indirect table. */
    for (unsigned steps = 0; steps <= VQ_SEGS && at < t.n; steps++) {
        u8 d[DESC_SIZE];
        u16 flags;

        bus_copy(v->dev.env.mem, t.addr + (u64)at * DESC_SIZE, d, sizeof(d), false);
        flags = ld16(d + 12);
        if (flags & DESC_INDIRECT) {
            if (!enter_indirect(v, &t, ld64(d), ld32(d + 8), flags))
                break;
            at = 0;
            continue;
        }
        if (!add_seg(e, ld64(d), ld32(d + 8), flags & DESC_WRITE))
            break;
        if (!(flags & DESC_NEXT))
            return true;
        at = ld16(d + 14);
    }
    return false;
}

bool vq_again(struct virtio *v, unsigned q, u16 head, struct vq_elem *e)
{
    return usable(v, q) && follow(v, q, head, e);
}

bool vq_pop(struct virtio *v, unsigned q, struct vq_elem *e)
{
    struct virtio_regs *r = v->r;
    u16 head;

    if (!usable(v, q) || !waiting(v, q))
        return false;
    head = load16(v, r->q_avail[q] + RING_ENTRIES + AVAIL_ENTRY * (u64)(r->q_last[q] % r->q_size[q]));
    r->q_last[q]++;
    if (virtio_has(v, VIRTIO_F_EVENT_IDX))
        store16(v, avail_event(v, q), r->q_last[q]);
    if (follow(v, q, head, e))
        return true;
    virtio_broken(v, "a chain of descriptors is not well formed");
    return false;
}

void vq_unpop(struct virtio *v, unsigned q, unsigned n)
{
    if (q < VIRTIO_QUEUES)
        v->r->q_last[q] = (u16)(v->r->q_last[q] - n);
}

/* Bytes between `buf` and the pieces [i, end), skipping `off`. */
static size_t copy(struct virtio *v, const struct vq_elem *e, unsigned i, unsigned end, u64 off,
                   u8 *buf, size_t n, bool to_guest)
{
    size_t done = 0;

    for (; i < end && done < n; i++) {
        const struct vq_seg *s = &e->seg[i];
        size_t part;

        if (off >= s->len) {
            off -= s->len;
            continue;
        }
        part = MIN(n - done, (size_t)(s->len - off));
        bus_copy(v->dev.env.mem, s->addr + off, buf + done, part, to_guest);
        done += part;
        off = 0;
    }
    return done;
}

size_t vq_get(struct virtio *v, const struct vq_elem *e, u64 off, void *buf, size_t n)
{
    return copy(v, e, 0, e->nout, off, buf, n, false);
}

size_t vq_put(struct virtio *v, const struct vq_elem *e, u64 off, const void *buf, size_t n)
{
    return copy(v, e, e->nout, e->nout + e->nin, off, (u8 *)(uintptr_t)buf, n, true);
}

void vq_fill(struct virtio *v, unsigned q, unsigned i, u16 head, u32 len)
{
    struct virtio_regs *r = v->r;
    u8 b[USED_ENTRY];

    if (!usable(v, q))
        return;
    st32(b, head);
    st32(b + 4, len);
    bus_copy(v->dev.env.mem,
             r->q_used[q] + RING_ENTRIES + USED_ENTRY * (u64)((u16)(r->q_idx[q] + i) % r->q_size[q]),
             b, sizeof(b), true);
}

/* Does the driver want an interrupt for used entries [old, now)? */
static bool wants_interrupt(struct virtio *v, unsigned q, u16 old, u16 now)
{
    if (!virtio_has(v, VIRTIO_F_EVENT_IDX))
        return !(load16(v, v->r->q_avail[q]) & AVAIL_NO_INTERRUPT);
    return (u16)(now - load16(v, used_event(v, q)) - 1) < (u16)(now - old);
}

void vq_flush(struct virtio *v, unsigned q, unsigned n)
{
    struct virtio_regs *r = v->r;
    u16 old;

    if (!usable(v, q) || !n)
        return;
    old = r->q_idx[q];
    r->q_idx[q] = (u16)(old + n);
    store16(v, r->q_used[q] + RING_IDX, r->q_idx[q]);
    if (wants_interrupt(v, q, old, r->q_idx[q]))
        virtio_interrupt(v, ISR_QUEUE, r->q_vector[q]);
}

void vq_push(struct virtio *v, unsigned q, u16 head, u32 len)
{
    vq_fill(v, q, 0, head, len);
    vq_flush(v, q, 1);
}

void vq_want(struct virtio *v, unsigned q, bool want)
{
    if (!usable(v, q))
        return;
    if (virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        /* Behind the last one by as much as can be: told of nothing for a whole ring. */
        store16(v, avail_event(v, q), (u16)(v->r->q_last[q] - (want ? 0 : v->r->q_size[q] + 1)));
        return;
    }
    store16(v, v->r->q_used[q], want ? 0 : USED_NO_NOTIFY);
}
