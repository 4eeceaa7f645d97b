/* virtio devices for the laws of tests/dev/test_laws.c: on a bus of their own, with a driver that
 * writes nonsense into its rings. */
#ifndef TESTS_DEV_CLASSES_VIRTIO_H
#define TESTS_DEV_CLASSES_VIRTIO_H

#include "devices/virtio/rng.h"
#include "tests/dev/vdriver.h"

static struct vdriver *law_virtio(struct law *law)
{
    struct vdriver *d = law->extra = calloc(1, sizeof(*d));

    vd_bus(d, law->rig);
    return d;
}

/* A chain of some pieces, mostly well formed. */
static void law_virtio_chain(struct vdriver *d, unsigned q, u32 r)
{
    struct vd_buf b[4];
    unsigned n = 1 + (r >> 2 & 3);

    for (unsigned i = 0; i < n; i++) {
        u32 x = (r >> (3 * i)) * 2654435761u;

        b[i] = (struct vd_buf){x & 0xff0 ? x & 0xffff0 : (u64)x << 12, x >> 20 & 0xfff, i >= n / 2};
        if (!i)
            b[0].len = r & 0x100 ? 16 : b[0].len;
        /* a header that often means something */
        bus_write(&d->rig->mem, b[i].addr & 0xfffff, r >> 24 & 15, 4);
    }
    if (r & 0x10000)
        b[n - 1].write = true;
    vd_send(d, q, b, n);
}

static void law_virtio_poke(struct law *law, u32 r)
{
    struct vdriver *d = law->extra;
    struct virtio *v = (struct virtio *)law->dev;
    unsigned n = v->ops->queues(v), q = (r >> 4) % n;

    switch (r & 15) {
    case 0: vd_cfg(d, r >> 4 & 0xfc, r >> 8, 1u << (r >> 30)); break;
    case 1: vd_map(d); break;
    case 2:
    case 3:
        if (!(v->r->status & 4) || !(r & 0x70000))
            vd_begin(d, (u64)(r & 8 ? ~0u : r) << 24 | r >> 4, n);
        break;
    case 4: vd_io_set(d, 8, r & 0x100 ? 0x10 : 0, 4); break;
    case 5: bus_write(&law->rig->mem, vd_desc(q) + (r >> 8 & 0x1fff), r, 2); break;
    case 6: vd_cfg(d, 0x43, r >> 8 & 0xc0, 1); break;
    case 7: vd_kick(d, q); break;
    default: law_virtio_chain(d, q, r >> 4); break;
    }
}

static void law_virtio_rng(struct law *law)
{
    struct virtio_rng *rng = law_new(law, &virtio_rng_class);
    struct vdriver *d = law_virtio(law);
    struct plug plug = vd_plug(d);

    virtio_rng_plug(&rng->v.dev, &plug, NULL);
    rig_start(rng);
}

#endif
