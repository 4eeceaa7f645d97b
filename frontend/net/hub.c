/* Hubs: what comes in at one port goes out at all others of the same number. A port has an adapter
 * on it, or, with netdev=, another network. */
#include "frontend/net/netdev.h"

#include <stdlib.h>
#include <string.h>

struct port {
    u64 hub;
    struct netdev *d, *behind; /* behind: of netdev=; NULL: an adapter is on this port */
};

static void repeat(struct port *from, const u8 *frame, size_t n)
{
    for (struct netdev *d = from->d->all->first; d; d = d->next) {
        struct port *p = d->kind == from->d->kind ? d->state : NULL;

        if (!p || p == from || p->hub != from->hub)
            continue;
        if (p->behind)
            p->behind->net.ops->send(&p->behind->net, frame, n);
        else
            netdev_deliver(d, frame, n);
    }
}

static void hub_send(struct netdev *d, const u8 *frame, size_t n)
{
    repeat(d->state, frame, n);
}

static bool behind_can_take(void *arg)
{
    return true;
}

static void behind_take(void *arg, const u8 *frame, size_t n)
{
    struct port *p = arg;

    /* as from an adapter: what is on other ports gets it from their queues */
    p->d->all->sending++;
    repeat(p, frame, n);
    p->d->all->sending--;
}

static bool hub_open(struct netdev *d, struct err *err)
{
    struct port *p = calloc(1, sizeof(*p));
    char id[64];

    if (!p)
        return err_set(err, "No memory for a hub.");
    d->state = p;
    p->d = d;
    if (!netdev_number(d, "hubid", 0xffff, &p->hub, err))
        return false;
    if (!netdev_prop(d, "netdev", 0, id, sizeof(id)))
        return true;
    p->behind = netdev_find(d->all, id);
    if (!p->behind || p->behind == d)
        return err_set(err, "-netdev hubport: no -netdev before it has the id '%.60s'.", id);
    if (!netdev_join(p->behind, d->id, err) || !netdev_join(d, id, err))
        return false;
    p->behind->net.arg = p;
    p->behind->net.can_take = behind_can_take;
    p->behind->net.take = behind_take;
    return true;
}

static void hub_close(struct netdev *d)
{
    struct port *p = d->state;

    if (p && p->behind)
        p->behind->net.take = NULL;
    free(p);
    d->state = NULL;
}

static void hub_describe(const struct netdev *d, char *buf, size_t size)
{
    const struct port *p = d->state;

    snprintf(buf, size, "hubid=%u%s%s", (unsigned)p->hub, p->behind ? ",netdev=" : "",
             p->behind ? p->behind->id : "");
}

const struct netdev_kind net_kind_hubport = {"hubport", hub_open, hub_send,
                                             hub_close, NULL,     hub_describe};
