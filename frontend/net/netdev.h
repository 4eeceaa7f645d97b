/* Networks of the host as network adapters see them: a queue, limits and counters between an
 * adapter and one of several kinds of networks (kinds.def). */
#ifndef FRONTEND_NET_NETDEV_H
#define FRONTEND_NET_NETDEV_H

#include "devices/core/clock.h"
#include "devices/core/err.h"
#include "devices/core/log.h"
#include "devices/core/ports.h"
#include "frontend/loop.h"
#include "frontend/net/bucket.h"
#include "frontend/opts.h"

enum { NETDEV_FRAME_MAX = 69632, NETDEV_DUMPS = 4 };

struct netdev;
struct netdevs;
struct pcap;

/* A kind of network. `open` finds its settings in d->props; a kind without `send` drops. */
struct netdev_kind {
    const char *name;
    bool (*open)(struct netdev *d, struct err *err);
    /* from the adapter; may be inside a device's handler */
    void (*send)(struct netdev *d, const u8 *frame, size_t n);
    void (*close)(struct netdev *d); /* also after a failed open */
    /* the adapter's queue has room again: what was left with the host may be read; may be NULL */
    void (*resume)(struct netdev *d);
    /* one line for people, behind the kind */
    void (*describe)(const struct netdev *d, char *buf, size_t size);
};

/* Frames that wait: to the guest until it takes them, from it until the limit lets them pass. */
struct net_packet {
    struct net_packet *next;
    size_t n;
    u8 data[];
};
struct net_queue {
    struct net_packet *first, **last;
    size_t bytes, frames;
};

struct netdev {
    struct net net; /* the adapter's end */
    char id[64];
    const char *props; /* as of struct opt_netdev */
    const struct netdev_kind *kind;
    struct netdevs *all;
    struct netdev *next;
    void *state;              /* the kind's */
    char user[64];            /* the adapter (or hub) that has it; "": nobody */
    struct net_queue in, out; /* to the guest; from it */
    struct bucket in_limit, out_limit;
    struct timer in_timer, out_timer; /* the limit lets the next one pass */
    struct loop_job flush;            /* hand over what is queued */
    struct pcap *dump[NETDEV_DUMPS];
    u64 frames_in, bytes_in, frames_out, bytes_out, dropped;
};

/* All of a machine. */
struct netdevs {
    struct loop *loop;
    struct clock *clock;
    struct log *log;
    struct netdev *first, **last;
    u32 sending; /* > 0: inside an adapter's send; nothing is handed to adapters meanwhile */
};

extern const struct netdev_kind *const netdev_kinds[]; /* ends with NULL */

void netdevs_init(struct netdevs *all, struct loop *loop, struct clock *clock, struct log *log);
/* A network as the command line asks for it. False with *err. */
bool netdev_open(struct netdevs *all, const struct opt_netdev *opt, struct err *err);
void netdevs_close(struct netdevs *all);
/* By id; NULL: none. */
struct netdev *netdev_find(const struct netdevs *all, const char *id);
/* The network is `user`'s from now on. False with *err when it is somebody's already. */
bool netdev_join(struct netdev *d, const char *user, struct err *err);
/* The network with that id or of that adapter, which has a link; NULL with *err: there is none. */
struct netdev *netdev_with_link(const struct netdevs *all, const char *name, struct err *err);

/* For kinds: a frame for the adapter, at once or through the queue; dropped when that is full. */
void netdev_deliver(struct netdev *d, const u8 *frame, size_t n);
/* Is there room in the queue? Kinds that can leave frames with the host look here first, and get
 * `resume` later. */
bool netdev_room(const struct netdev *d);

/* For netdev_state.c: what waits is forgotten; one more waits, if there is room; look at what waits. */
void netdev_queue_clear(struct net_queue *q);
bool netdev_queue_put(struct netdev *d, struct net_queue *q, const u8 *frame, size_t n);
void netdev_wake(struct netdev *d);

/* The value of `key` in d->props, number `nth` of those there are; false: there is none (or it is
 * too long for buf). */
bool netdev_prop(const struct netdev *d, const char *key, unsigned nth, char *buf, size_t size);
/* Props that are something else than text: left alone when not given. */
bool netdev_number(const struct netdev *d, const char *key, u64 max, u64 *v, struct err *err);
bool netdev_bool(const struct netdev *d, const char *key, bool *v, struct err *err);

/* kinds.def has a row for each kind: its keys. opts_net.c: are these properties all known? */
struct netdev_keys {
    const char *kind;
    const char *const *keys;
    const char *help;
};
extern const struct netdev_keys netdev_keys[]; /* ends with a NULL kind */

#endif
