/* Saving and loading the queues of a network. The network itself is no part of the machine: its
 * connections go on as the host has them. */
#include "frontend/net/netdev_state.h"

static void save_queue(const struct net_queue *q, struct snap *snap)
{
    snap_put_u64(snap, q->frames);
    for (const struct net_packet *p = q->first; p; p = p->next) {
        snap_put_u64(snap, p->n);
        snap_put(snap, p->data, p->n);
    }
}

void netdev_save(struct netdev *d, struct snap *snap)
{
    save_queue(&d->in, snap);
    save_queue(&d->out, snap);
}

static void load_queue(struct netdev *d, struct net_queue *q, struct snap *snap)
{
    u64 frames = snap_get_u64(snap);

    netdev_queue_clear(q);
    while (frames-- && !snap->bad) {
        u64 n = snap_get_u64(snap);

        if (n < 14 || n > NETDEV_FRAME_MAX || n > snap->len - snap->pos)
            snap->bad = true;
        else if (netdev_queue_put(d, q, snap->data + snap->pos, n))
            snap->pos += n;
        else
            snap->bad = true;
    }
}

void netdev_load(struct netdev *d, struct snap *snap)
{
    load_queue(d, &d->in, snap);
    load_queue(d, &d->out, snap);
    netdev_wake(d);
}
