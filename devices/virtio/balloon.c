/* virtio-balloon: pages given back, taken again, and statistics (VIRTIO 1.1, section 5.5). */
#include "devices/virtio/balloon.h"

#include "devices/core/bits.h"

enum { Q_INFLATE, Q_DEFLATE, Q_STATS, QUEUES, QUEUE_SIZE = 128 };
/* Of one chain so many pages are looked at; drivers give 256. */
enum { PAGES_MAX = 4096, CHUNK = 256, BUDGET = 16, STAT_SIZE = 10 };
#define F_STATS_VQ       BIT64(1)
#define F_DEFLATE_ON_OOM BIT64(2)
#define NO_STAT          (~0ull)

#define FIELDS_OF struct virtio_balloon_regs
static const struct field balloon_fields[] = {
    VIRTIO_FIELDS,
    FA(stat, FT_U64, NO_STAT, "statistics of the guest"),
    FK(target, FT_U32, 0, "pages that the balloon shall have"),
    F(actual, FT_U32, 0, "pages that it has"),
    F(stats_head, FT_U16, 0, "chain for statistics"),
    F(stats_held, FT_U8, 0, "is there one"),
    F(pad, FT_U8, 0, "unused"),
    F(pad2, FT_U32, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop balloon_props[] = {
    VIRTIO_PROPS(virtio_balloon),
    {"deflate-on-oom", offsetof(struct virtio_balloon, on_oom), PT_BOOL, 0, 0, 1,
     "the guest may take pages back when it has no others"},
    PROPS_END,
};

static struct virtio_balloon *of(struct virtio *v)
{
    return container_of(v, struct virtio_balloon, v);
}

static unsigned balloon_queues(struct virtio *v)
{
    return QUEUES;
}

static u16 balloon_queue_size(struct virtio *v, unsigned q)
{
    return QUEUE_SIZE;
}

static u64 balloon_features(struct virtio *v)
{
    return F_STATS_VQ | (of(v)->on_oom ? F_DEFLATE_ON_OOM : 0);
}

static void balloon_config(struct virtio *v, u8 *to)
{
    st32(to, of(v)->r.target);
    st32(to + 4, of(v)->r.actual);
}

static void balloon_config_write(struct virtio *v, unsigned off, u32 val, unsigned size)
{
    if (off == 4 && size == 4)
        of(v)->r.actual = val;
}

/* ---- pages ---- */

/* Pages [first, first + n) of the guest's memory are not needed: those that are memory. */
static void give_back(struct virtio_balloon *b, u64 first, u64 n)
{
    struct bus *mem = b->v.dev.env.mem;

    while (n) {
        u64 addr = first << PAGE_BITS, len = n << PAGE_BITS;
        const struct bus_range *r = bus_find(mem, addr, 1);

        if (r && r->region->ram) {
            len = MIN(len, r->end - addr) & ~(u64)PAGE_MASK;
            ram_discard(r->region->ram, r->region->ram_off + (addr - r->region->base), len);
            len = MAX(len, (u64)PAGE_SIZE);
        } else {
            len = PAGE_SIZE;
        }
        first += len >> PAGE_BITS;
        n -= len >> PAGE_BITS;
    }
}

/* Neighbours together: one call of the host for a run. */
static void inflate(struct virtio_balloon *b, const struct vq_elem *e)
{
    u64 first = 0, n = 0, total = MIN(e->out_len / 4, (u64)PAGES_MAX);
    u8 buf[4 * CHUNK];

    for (u64 at = 0; at < total; at += CHUNK) {
        unsigned k = (unsigned)MIN(total - at, (u64)CHUNK);

        vq_get(&b->v, e, 4 * at, buf, 4 * k);
        for (unsigned i = 0; i < k; i++) {
            u64 page = ld32(buf + 4 * i);

            if (n && page == first + n) {
                n++;
            } else if (n && page + 1 == first) {
                first--, n++;
            } else {
                give_back(b, first, n);
                first = page, n = 1;
            }
        }
    }
    give_back(b, first, n);
}

/* ---- statistics ---- */

static void take_stats(struct virtio_balloon *b, const struct vq_elem *e)
{
    u8 s[STAT_SIZE];

    for (unsigned i = 0; i < 2 * BALLOON_STATS; i++) {
        if (vq_get(&b->v, e, i * STAT_SIZE, s, sizeof(s)) < sizeof(s))
            break;
        if (ld16(s) < BALLOON_STATS)
            b->r.stat[ld16(s)] = ld64(s + 2);
    }
    b->r.stats_head = e->head;
    b->r.stats_held = 1;
}

/* Hand the chain back, which asks for new ones. */
static void ask_stats(struct virtio_balloon *b)
{
    if (!b->r.stats_held)
        return;
    b->r.stats_held = 0;
    vq_push(&b->v, Q_STATS, b->r.stats_head, 0);
}

static void balloon_notify(struct virtio *v, unsigned q)
{
    struct virtio_balloon *b = of(v);
    struct vq_elem e;

    for (unsigned budget = BUDGET; vq_pop(v, q, &e); budget--) {
        if (q == Q_STATS) {
            ask_stats(b); /* one waits at most */
            take_stats(b, &e);
        } else {
            if (q == Q_INFLATE)
                inflate(b, &e);
            vq_push(v, q, e.head, 0);
        }
        if (budget == 1) {
            virtio_later(v, q);
            return;
        }
    }
}

static void forget(struct virtio *v)
{
    struct virtio_balloon *b = of(v);

    b->r.stats_held = 0;
    b->r.stats_head = 0;
    b->r.actual = 0;
    for (unsigned i = 0; i < BALLOON_STATS; i++)
        b->r.stat[i] = NO_STAT;
}

static const struct virtio_ops balloon_ops = {
    .type = VIRTIO_BALLOON,
    .pci_class = 0x00ff00,
    .config_len = 8,
    .queues = balloon_queues,
    .queue_size = balloon_queue_size,
    .features = balloon_features,
    .notify = balloon_notify,
    .config = balloon_config,
    .config_write = balloon_config_write,
    .reset = forget,
};

/* ---- for people ---- */

static void set_target(void *dev, u64 bytes)
{
    struct virtio_balloon *b = dev;

    bytes = MIN(bytes, b->ram_size);
    b->r.target = (u32)((b->ram_size - bytes) >> PAGE_BITS);
    virtio_config_changed(&b->v);
}

static u64 left(const struct virtio_balloon *b, u32 pages)
{
    u64 bytes = (u64)pages << PAGE_BITS;

    return bytes < b->ram_size ? b->ram_size - bytes : 0;
}

static void get_info(void *dev, struct balloon_info *info)
{
    struct virtio_balloon *b = dev;

    info->target = left(b, b->r.target);
    info->actual = left(b, b->r.actual);
    info->driver = b->r.v.status & VIRTIO_ST_DRIVER_OK;
    for (unsigned i = 0; i < BALLOON_STATS; i++)
        info->stat[i] = (s64)b->r.stat[i];
    ask_stats(b);
}

/* ---- life ---- */

static bool balloon_init(struct dev *dev, struct err *err)
{
    return virtio_init((struct virtio *)dev, &balloon_ops, err);
}

static void balloon_reset(struct dev *dev)
{
    virtio_reset((struct virtio *)dev);
}

static bool balloon_loaded(struct dev *dev, struct err *err)
{
    struct virtio_balloon *b = (struct virtio_balloon *)dev;

    b->r.stats_held = b->r.stats_held != 0;
    return virtio_loaded(&b->v, err);
}

static void balloon_free(struct dev *dev)
{
    virtio_free((struct virtio *)dev);
}

bool virtio_balloon_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct virtio_balloon *b = (struct virtio_balloon *)dev;

    if (plug->balloon && plug->balloon->set)
        return err_set(err, "there is one balloon at most");
    if (plug->balloon)
        *plug->balloon = (struct balloon_sink){b, set_target, get_info};
    virtio_plug(&b->v, plug);
    b->ram_size = plug->ram_size;
    return true;
}

const struct dev_class virtio_balloon_class = {
    .name = "virtio-balloon",
    .help = "takes memory from guests that know virtio",
    .size = sizeof(struct virtio_balloon),
    .saved_at = offsetof(struct virtio_balloon, r),
    .saved_size = sizeof(struct virtio_balloon_regs),
    .version = 1,
    .fields = balloon_fields,
    .props = balloon_props,
    .init = balloon_init,
    .reset = balloon_reset,
    .loaded = balloon_loaded,
    .free = balloon_free,
};
