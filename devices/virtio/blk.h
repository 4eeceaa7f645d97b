/* virtio-blk: a disk behind one queue of requests, several of them under way at once (VIRTIO 1.1,
 * section 5.2). */
#ifndef DEVICES_VIRTIO_BLK_H
#define DEVICES_VIRTIO_BLK_H

#include "devices/virtio/virtio.h"

enum { VBLK_QUEUE = 256, VBLK_BUSY = 64, VBLK_SERIAL = 20 };

struct virtio_blk_regs {
    struct virtio_regs v;
    u16 head[VBLK_BUSY]; /* chains under way, oldest first */
    u8 busy;             /* how many */
    u8 writeback;        /* the driver wants a write cache: data is safe after a flush only */
    u8 pad[6];
};

struct vblk_job;

struct virtio_blk {
    struct virtio v;
    struct virtio_blk_regs r;
    struct blk *blk;
    struct vblk_job *job[VBLK_BUSY]; /* of each head */
    u64 bytes;                       /* that they hold */
    struct timer timer;              /* answers that need no disk */
    char *serial;                    /* property */
};

extern const struct dev_class virtio_blk_class;
bool virtio_blk_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
