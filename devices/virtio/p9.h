/* virtio-9p: carries messages of 9P between a guest and a shared folder of the host (VIRTIO's device
 * type 9, as Linux's 9pnet_virtio drives it). */
#ifndef DEVICES_VIRTIO_P9_H
#define DEVICES_VIRTIO_P9_H

#include "devices/virtio/virtio.h"

enum { P9_TAG_MAX = 32, P9_MSG_MAX = 512 * 1024, P9_QUEUE = 128 };

struct virtio_p9_regs {
    struct virtio_regs v;
};

struct virtio_p9 {
    struct virtio v;
    struct virtio_p9_regs r;
    struct share *share;
    u8 *msg, *answer; /* P9_MSG_MAX each */
    char *tag;        /* property */
};

extern const struct dev_class virtio_p9_class;
bool virtio_p9_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
