/* virtio devices for the laws of tests/dev/test_laws.c: on a bus of their own, with a driver that
 * writes nonsense into its rings. */
#ifndef TESTS_DEV_CLASSES_VIRTIO_H
#define TESTS_DEV_CLASSES_VIRTIO_H

#include "devices/virtio/balloon.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/p9.h"
#include "devices/virtio/rng.h"
#include "tests/dev/memblk.h"
#include "tests/dev/vdriver.h"

/* The driver and the host's ends, in one allocation that outlives the device. */
struct law_virtio {
    struct vdriver d;
    struct memblk blk;
    u8 disk[65536];
    struct chr chr;
    struct net net;
    struct share share;
    struct balloon_sink balloon;
    struct virtio_serial *ctl;
};

static struct vdriver *law_virtio(struct law *law)
{
    struct law_virtio *all = law->extra = calloc(1, sizeof(*all));
    struct vdriver *d = &all->d;

    vd_bus(d, law->rig);
    law->pci = &d->bus;
    law->cfg = VD_CFG(d->devfn);
    law->bar[0] = VD_IO;
    law->bar[1] = VD_MSIX;
    law->bar[4] = VD_MEM;
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
    case 0: vd_cfg(d, r >> 4 & 0xfc, r >> 8, 1u << (r >> 30) % 3); break;
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

static void law_virtio_blk(struct law *law)
{
    struct virtio_blk *b = law_new(law, &virtio_blk_class);
    struct vdriver *d = law_virtio(law);
    struct law_virtio *all = law->extra;
    struct plug plug = vd_plug(d);

    memblk_init(&all->blk, &law->rig->clock, all->disk, sizeof(all->disk));
    plug.blk = &all->blk.blk;
    virtio_blk_plug(&b->v.dev, &plug, NULL);
    rig_start(b);
}

/* Requests as they should be, to sectors of the disk and beyond; ranges to be discarded or zeroed. */
static void law_virtio_blk_poke(struct law *law, u32 r)
{
    static const u8 types[] = {0, 1, 4, 8, 11, 13, 0, 1, 2, 99};
    struct law_virtio *all = law->extra;
    struct bus *mem = &law->rig->mem;
    u32 type = types[(r >> 4) % ARRAY_LEN(types)], sector = r & 0x80000000 ? r >> 8 : r >> 8 & 127;
    bool in = type == 0 || type == 8;

    switch (r & 15) {
    case 0:
    case 1: law_virtio_poke(law, r >> 4); break;
    case 2: all->blk.fail = r & 0x70 ? 0 : 5; break;
    case 3: all->blk.blk.changed(all->blk.blk.changed_arg); break;
    case 4: law->rig->now += r >> 12; break;
    default:
        bus_write(mem, 0x40000, type, 8);
        bus_write(mem, 0x40008, sector, 8);
        bus_write(mem, 0x41000, sector, 8); /* a range */
        bus_write(mem, 0x41008, r >> 16 & 63, 8);
        vd_send(&all->d, 0,
                (struct vd_buf[]){{0x40000, 16, false},
                                  {0x41000, r & 0x40000000 ? 512u << (r >> 24 & 7) : 16, in},
                                  {0x60000, 1, true}},
                3);
        break;
    }
}

static size_t law_share_serve(struct share *share, const u8 *msg, size_t n, u8 *out, size_t room)
{
    memset(out, 1, MIN(room, n));
    return MIN(room, n);
}

static void law_share_reset(struct share *share)
{
}

static void law_virtio_p9(struct law *law)
{
    static const struct share_ops ops = {law_share_serve, law_share_reset};
    struct virtio_p9 *p = law_new(law, &virtio_p9_class);
    struct vdriver *d = law_virtio(law);
    struct law_virtio *all = law->extra;
    struct plug plug = vd_plug(d);

    all->share.ops = &ops;
    plug.share = &all->share;
    ck_assert(prop_set(virtio_p9_class.props, p, "mount_tag", "tag", NULL));
    virtio_p9_plug(&p->v.dev, &plug, NULL);
    rig_start(p);
}

static void law_virtio_balloon(struct law *law)
{
    struct virtio_balloon *b = law_new(law, &virtio_balloon_class);
    struct vdriver *d = law_virtio(law);
    struct law_virtio *all = law->extra;
    struct plug plug = vd_plug(d);

    plug.balloon = &all->balloon;
    virtio_balloon_plug(&b->v.dev, &plug, NULL);
    rig_start(b);
}

static void law_virtio_balloon_poke(struct law *law, u32 r)
{
    struct law_virtio *all = law->extra;
    struct balloon_info info;

    if ((r & 31) == 31)
        all->balloon.set(all->balloon.dev, r);
    else if ((r & 31) == 30)
        all->balloon.info(all->balloon.dev, &info);
    else
        law_virtio_poke(law, r);
}

static void law_virtio_ctl(struct law *law, bool port_too)
{
    struct virtio_serial *s = rig_new(law->rig, &virtio_serial_class, "virtio-serial");
    struct vdriver *d = law_virtio(law);
    struct law_virtio *all = law->extra;
    struct plug plug = vd_plug(d);
    struct vserial_bus *bus = NULL;
    struct vport *p;

    plug.vserial = &bus;
    plug.chr = &all->chr;
    all->ctl = s;
    virtio_serial_plug(&s->v.dev, &plug, NULL);
    rig_start(s);
    p = rig_new(law->rig, port_too ? &virtserialport_class : &virtconsole_class, "port");
    (port_too ? virtserialport_plug : virtconsole_plug)(&p->dev, &plug, NULL);
    rig_start(p);
    law->dev = port_too ? &p->dev : &s->v.dev;
}

static void law_virtio_serial(struct law *law)
{
    law_virtio_ctl(law, false);
}

static void law_virtio_port(struct law *law)
{
    law_virtio_ctl(law, true);
}

static void law_virtio_console(struct law *law)
{
    law_virtio_ctl(law, false);
    law->dev = law->dev->next;
}

static void law_virtio_serial_poke(struct law *law, u32 r)
{
    struct law_virtio *all = law->extra;
    struct law ctl = *law;
    u8 data[64] = {0};

    ctl.dev = &all->ctl->v.dev;
    if ((r & 31) == 31)
        all->chr.event(all->chr.arg, 2 + (r >> 8 & 1));
    else if ((r & 31) == 30)
        all->chr.take(all->chr.arg, data, MIN(all->chr.can_take(all->chr.arg), sizeof(data)));
    else
        law_virtio_poke(&ctl, r);
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
