/* virtio-9p: each chain is a message and the room for its answer. */
#include "devices/virtio/p9.h"

#include "devices/core/bits.h"

#include <stdlib.h>

enum { BUDGET = 16 };
#define F_MOUNT_TAG BIT64(0)

#define FIELDS_OF struct virtio_p9_regs
static const struct field p9_fields[] = {
    VIRTIO_FIELDS,
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop p9_props[] = {
    VIRTIO_PROPS(virtio_p9),
    {"mount_tag", offsetof(struct virtio_p9, tag), PT_STR, 0, 0, 0, "what the guest mounts it by"},
    PROPS_END,
};

static struct virtio_p9 *of(struct virtio *v)
{
    return container_of(v, struct virtio_p9, v);
}

static unsigned p9_queues(struct virtio *v)
{
    return 1;
}

static u16 p9_queue_size(struct virtio *v, unsigned q)
{
    return P9_QUEUE;
}

static u64 p9_features(struct virtio *v)
{
    return F_MOUNT_TAG;
}

static void p9_config(struct virtio *v, u8 *to)
{
    size_t n = strlen(of(v)->tag);

    st16(to, (u16)n);
    memcpy(to + 2, of(v)->tag, n);
}

static void p9_notify(struct virtio *v, unsigned q)
{
    struct virtio_p9 *d = of(v);
    struct vq_elem e;

    for (unsigned budget = BUDGET; vq_pop(v, q, &e); budget--) {
        size_t n = 0, len = (size_t)MIN(e.out_len, (u64)P9_MSG_MAX);

        if (e.out_len <= P9_MSG_MAX) {
            len = vq_get(v, &e, 0, d->msg, len);
            n = d->share->ops->serve(d->share, d->msg, len, d->answer,
                                     (size_t)MIN(e.in_len, (u64)P9_MSG_MAX));
            vq_put(v, &e, 0, d->answer, n);
        }
        vq_push(v, q, e.head, (u32)n);
        if (budget == 1) {
            virtio_later(v, q);
            return;
        }
    }
}

static void forget(struct virtio *v)
{
    of(v)->share->ops->reset(of(v)->share);
}

static const struct virtio_ops p9_ops = {
    .type = VIRTIO_9P,
    .pci_class = 0x000200,
    .config_len = 2 + P9_TAG_MAX,
    .queues = p9_queues,
    .queue_size = p9_queue_size,
    .features = p9_features,
    .notify = p9_notify,
    .config = p9_config,
    .reset = forget,
};

static bool p9_init(struct dev *dev, struct err *err)
{
    struct virtio_p9 *d = (struct virtio_p9 *)dev;

    if (!d->tag || !d->tag[0] || strlen(d->tag) > P9_TAG_MAX)
        return err_set(err, "'%s' needs mount_tag= with 1 to %d characters", dev->id, P9_TAG_MAX);
    d->msg = malloc(P9_MSG_MAX);
    d->answer = malloc(P9_MSG_MAX);
    if (!d->msg || !d->answer)
        return err_set(err, "no memory for '%s'", dev->id);
    return virtio_init(&d->v, &p9_ops, err);
}

static void p9_reset(struct dev *dev)
{
    virtio_reset((struct virtio *)dev);
}

/* What was open then is not so now; the guest finds that out by an error. */
static bool p9_loaded(struct dev *dev, struct err *err)
{
    forget((struct virtio *)dev);
    return virtio_loaded((struct virtio *)dev, err);
}

static void p9_free(struct dev *dev)
{
    struct virtio_p9 *d = (struct virtio_p9 *)dev;

    virtio_free(&d->v);
    free(d->msg);
    free(d->answer);
}

bool virtio_p9_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct virtio_p9 *d = (struct virtio_p9 *)dev;

    virtio_plug(&d->v, plug);
    d->share = plug->share;
    return true;
}

const struct dev_class virtio_p9_class = {
    .name = "virtio-9p",
    .help = "folder of the host for guests that know virtio",
    .size = sizeof(struct virtio_p9),
    .saved_at = offsetof(struct virtio_p9, r),
    .saved_size = sizeof(struct virtio_p9_regs),
    .version = 1,
    .fields = p9_fields,
    .props = p9_props,
    .init = p9_init,
    .reset = p9_reset,
    .loaded = p9_loaded,
    .free = p9_free,
};
