/* virtio-balloon: the guest gives pages back to the host (VIRTIO 1.1, section 5.5). */
#ifndef DEVICES_VIRTIO_BALLOON_H
#define DEVICES_VIRTIO_BALLOON_H

#include "devices/virtio/virtio.h"

enum { BALLOON_STATS = 10 }; /* swapped in, out, faults, free, total, available, caches ... */

struct virtio_balloon_regs {
    struct virtio_regs v;
    u64 stat[BALLOON_STATS]; /* as the driver said last; all ones: it did not */
    u32 target, actual;      /* pages in the balloon: as asked, as the driver says */
    u16 stats_head;          /* a chain for statistics waits here */
    u8 stats_held, pad;
    u32 pad2;
};

struct virtio_balloon {
    struct virtio v;
    struct virtio_balloon_regs r;
    u64 ram_size;
    bool on_oom; /* property */
};

extern const struct dev_class virtio_balloon_class;
bool virtio_balloon_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
