/* virtio-rng: random numbers of the host, or of a seed (VIRTIO 1.1, section 5.4). */
#ifndef DEVICES_VIRTIO_RNG_H
#define DEVICES_VIRTIO_RNG_H

#include "devices/virtio/virtio.h"

struct virtio_rng_regs {
    struct virtio_regs v;
    u64 state; /* of the generator that stands in for the host's */
};

struct virtio_rng {
    struct virtio v;
    struct virtio_rng_regs r;
    struct entropy *entropy; /* NULL: numbers follow from the seed */
    u64 seed;
};

extern const struct dev_class virtio_rng_class;
bool virtio_rng_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
