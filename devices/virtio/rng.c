/* virtio-rng: one queue of buffers, each filled with random bytes (VIRTIO 1.1, section 5.4). */
#include "devices/virtio/rng.h"

#include "devices/core/bits.h"

/* A driver gets at most this much for one chain, and this many chains at once. */
enum { CHAIN_MAX = 4096, BUDGET = 64, QUEUE_SIZE = 8 };

#define FIELDS_OF struct virtio_rng_regs
static const struct field rng_fields[] = {
    VIRTIO_FIELDS,
    F(state, FT_U64, 0, "state of the seeded generator"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop rng_props[] = {
    VIRTIO_PROPS(virtio_rng),
    PROPS_END,
};

static unsigned rng_queues(struct virtio *v)
{
    return 1;
}

static u16 rng_queue_size(struct virtio *v, unsigned q)
{
    return QUEUE_SIZE;
}

static u64 rng_features(struct virtio *v)
{
    return 0;
}

/* The state counts, and what is seen is mixed: every number comes once in 2^64 (splitmix64). */
static u64 seeded(struct virtio_rng *rng)
{
    u64 z = rng->r.state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static void fill(struct virtio_rng *rng, u8 *buf, size_t n)
{
    if (rng->entropy) {
        rng->entropy->fill(rng->entropy->arg, buf, n);
        return;
    }
    for (size_t i = 0; i < n; i += 8) {
        u8 b[8];

        st64(b, seeded(rng));
        memcpy(buf + i, b, MIN(n - i, sizeof(b)));
    }
}

static void rng_notify(struct virtio *v, unsigned q)
{
    struct virtio_rng *rng = container_of(v, struct virtio_rng, v);
    struct vq_elem e;
    u8 buf[CHAIN_MAX];

    for (unsigned budget = BUDGET; vq_pop(v, q, &e); budget--) {
        size_t n = (size_t)MIN(e.in_len, (u64)sizeof(buf));

        fill(rng, buf, n);
        vq_push(v, q, e.head, (u32)vq_put(v, &e, 0, buf, n));
        if (budget == 1) {
            virtio_later(v, q);
            return;
        }
    }
}

static const struct virtio_ops rng_ops = {
    .type = VIRTIO_RNG,
    .pci_class = 0x00ff00,
    .queues = rng_queues,
    .queue_size = rng_queue_size,
    .features = rng_features,
    .notify = rng_notify,
};

static bool rng_init(struct dev *dev, struct err *err)
{
    return virtio_init((struct virtio *)dev, &rng_ops, err);
}

static void rng_reset(struct dev *dev)
{
    struct virtio_rng *rng = (struct virtio_rng *)dev;

    rng->r.state = rng->seed;
    virtio_reset(&rng->v);
}

static bool rng_loaded(struct dev *dev, struct err *err)
{
    return virtio_loaded((struct virtio *)dev, err);
}

static void rng_free(struct dev *dev)
{
    virtio_free((struct virtio *)dev);
}

bool virtio_rng_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct virtio_rng *rng = (struct virtio_rng *)dev;

    virtio_plug(&rng->v, plug);
    rng->entropy = plug->entropy;
    /* not the numbers that RDRAND gives */
    rng->seed = plug->seed ^ 0x7669727472676e00ull;
    return true;
}

const struct dev_class virtio_rng_class = {
    .name = "virtio-rng",
    .help = "random numbers for guests that know virtio",
    .size = sizeof(struct virtio_rng),
    .saved_at = offsetof(struct virtio_rng, r),
    .saved_size = sizeof(struct virtio_rng_regs),
    .version = 1,
    .fields = rng_fields,
    .props = rng_props,
    .init = rng_init,
    .reset = rng_reset,
    .loaded = rng_loaded,
    .free = rng_free,
};
