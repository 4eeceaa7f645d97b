/* Between an adapter and its network: queues, limits, counters, dumps; and the list of networks. */
#include "frontend/net/netdev.h"

#include "frontend/net/pcap.h"

#include <stdlib.h>
#include <string.h>

/* What may wait for a guest that does not take it; a guest's own frames wait only for a limit. */
enum { IN_BYTES = 2 << 20, IN_FRAMES = 4096, OUT_BYTES = 256 << 10 };
/* Frames handed over at once before other events get their turn. */
enum { FLUSH_FRAMES = 512 };

#define KIND(sym, name, keys, help) extern const struct netdev_kind net_kind_##sym;
#include "frontend/net/kinds.def"
#undef KIND

const struct netdev_kind *const netdev_kinds[] = {
#define KIND(sym, name, keys, help) &net_kind_##sym,
#include "frontend/net/kinds.def"
#undef KIND
    NULL,
};

/* ---- queues ---- */

static void queue_init(struct net_queue *q)
{
    *q = (struct net_queue){0};
    q->last = &q->first;
}

static bool queue_put(struct net_queue *q, const u8 *frame, size_t n)
{
    struct net_packet *p = malloc(sizeof(*p) + n);

    if (!p)
        return false;
    p->next = NULL;
    p->n = n;
    memcpy(p->data, frame, n);
    *q->last = p;
    q->last = &p->next;
    q->bytes += n;
    q->frames++;
    return true;
}

/* The first one, which is the caller's to free. */
static struct net_packet *queue_get(struct net_queue *q)
{
    struct net_packet *p = q->first;

    q->first = p->next;
    if (!q->first)
        q->last = &q->first;
    q->bytes -= p->n;
    q->frames--;
    return p;
}

static void queue_free(struct net_queue *q)
{
    while (q->first)
        free(queue_get(q));
}

static void dump(struct netdev *d, const u8 *frame, size_t n)
{
    for (unsigned i = 0; i < NETDEV_DUMPS && d->dump[i]; i++)
        pcap_write(d->dump[i], clock_now(d->all->clock), frame, n);
}

/* ---- to the guest ---- */

bool netdev_room(const struct netdev *d)
{
    return d->in.bytes < IN_BYTES / 2 && d->in.frames < IN_FRAMES / 2;
}

static void hand_over(struct netdev *d, const u8 *frame, size_t n)
{
    d->frames_in++;
    d->bytes_in += n;
    bucket_take(&d->in_limit, n);
    d->net.take(d->net.arg, frame, n);
}

/* Can the adapter have a frame now? If only the limit is against it, the timer is set. */
static bool taking(struct netdev *d)
{
    u64 when;

    if (!d->net.take || !d->net.can_take(d->net.arg))
        return false;
    if (!bucket_limits(&d->in_limit) || bucket_open(&d->in_limit, clock_now(d->all->clock), &when))
        return true;
    timer_set(&d->in_timer, when);
    return false;
}

static void flush_in(void *arg)
{
    struct netdev *d = arg;
    bool full = !netdev_room(d);
    unsigned n = 0;

    while (d->in.first && taking(d)) {
        struct net_packet *p = queue_get(&d->in);

        hand_over(d, p->data, p->n);
        free(p);
        if (++n >= FLUSH_FRAMES) {
            loop_post(d->all->loop, &d->flush);
            break;
        }
    }
    if (full && netdev_room(d) && d->kind->resume)
        d->kind->resume(d);
}

void netdev_deliver(struct netdev *d, const u8 *frame, size_t n)
{
    if (n < 14 || n > NETDEV_FRAME_MAX || !d->net.take) {
        d->dropped++;
        return;
    }
    dump(d, frame, n);
    if (!d->all->sending && !d->in.first && taking(d)) {
        hand_over(d, frame, n);
        return;
    }
    if (d->in.bytes + n > IN_BYTES || d->in.frames >= IN_FRAMES || !queue_put(&d->in, frame, n)) {
        d->dropped++;
        return;
    }
    if (d->all->sending)
        loop_post(d->all->loop, &d->flush);
}

static void in_due(void *arg, u64 now)
{
    flush_in(arg);
}

/* The adapter has room: it is inside one of its handlers. */
static void device_ready(struct net *net)
{
    struct netdev *d = container_of(net, struct netdev, net);

    if (d->in.first)
        loop_post(d->all->loop, &d->flush);
}

/* ---- from the guest ---- */

static void pass_on(struct netdev *d, const u8 *frame, size_t n)
{
    d->frames_out++;
    d->bytes_out += n;
    bucket_take(&d->out_limit, n);
    d->all->sending++;
    d->kind->send(d, frame, n);
    d->all->sending--;
}

static bool may_pass(struct netdev *d)
{
    u64 when;

    if (!bucket_limits(&d->out_limit) ||
        bucket_open(&d->out_limit, clock_now(d->all->clock), &when))
        return true;
    timer_set(&d->out_timer, when);
    return false;
}

static void out_due(void *arg, u64 now)
{
    struct netdev *d = arg;

    for (unsigned n = 0; n < FLUSH_FRAMES && d->out.first && may_pass(d); n++) {
        struct net_packet *p = queue_get(&d->out);

        pass_on(d, p->data, p->n);
        free(p);
    }
    if (d->out.first && !timer_pending(&d->out_timer))
        timer_set(&d->out_timer, now + 1);
}

static void device_send(struct net *net, const u8 *frame, size_t n)
{
    struct netdev *d = container_of(net, struct netdev, net);

    if (n < 14 || n > NETDEV_FRAME_MAX)
        return;
    dump(d, frame, n);
    if (!d->out.first && may_pass(d))
        pass_on(d, frame, n);
    else if (d->out.bytes + n > OUT_BYTES || !queue_put(&d->out, frame, n))
        d->dropped++;
}

static const struct net_ops device_ops = {device_send};

/* ---- snapshots ---- */

void netdev_queue_clear(struct net_queue *q)
{
    queue_free(q);
}

bool netdev_queue_put(struct netdev *d, struct net_queue *q, const u8 *frame, size_t n)
{
    size_t most = q == &d->in ? IN_BYTES : OUT_BYTES;

    return q->bytes + n <= most && q->frames < IN_FRAMES && queue_put(q, frame, n);
}

void netdev_wake(struct netdev *d)
{
    if (d->in.first)
        loop_post(d->all->loop, &d->flush);
    timer_set(&d->out_timer, d->out.first ? clock_now(d->all->clock) : CLOCK_NEVER);
}

/* ---- settings ---- */

bool netdev_prop(const struct netdev *d, const char *key, unsigned nth, char *buf, size_t size)
{
    const char *p = d->props;
    char name[64], value[OPT_PATH];
    bool has_key;

    while (opts_next(&p, name, sizeof(name), value, sizeof(value), &has_key)) {
        /* a key alone is switched on */
        if (strcmp(has_key ? name : value, key) || nth-- > 0)
            continue;
        return opts_copy(buf, size, has_key ? value : "on");
    }
    return false;
}

bool netdev_number(const struct netdev *d, const char *key, u64 max, u64 *v, struct err *err)
{
    char text[64];

    if (!netdev_prop(d, key, 0, text, sizeof(text)))
        return true;
    return opts_number(text, max, v) ||
           err_set(err, "-netdev %s: %s is a number up to %llu, not '%.60s'.", d->kind->name, key,
                   (unsigned long long)max, text);
}

bool netdev_bool(const struct netdev *d, const char *key, bool *v, struct err *err)
{
    char text[64];

    if (!netdev_prop(d, key, 0, text, sizeof(text)))
        return true;
    return opts_bool(text, v) ||
           err_set(err, "-netdev %s: %s is on or off, not '%.60s'.", d->kind->name, key, text);
}

static bool set_limits(struct netdev *d, struct err *err)
{
    u64 in = 0, out = 0, frames_in = 0, frames_out = 0, burst = 0, max = 1ull << 40;
    u64 now = clock_now(d->all->clock);

    if (!netdev_number(d, "rate-in", max, &in, err) ||
        !netdev_number(d, "rate-out", max, &out, err) ||
        !netdev_number(d, "frames-in", max, &frames_in, err) ||
        !netdev_number(d, "frames-out", max, &frames_out, err) ||
        !netdev_number(d, "burst", 1ull << 32, &burst, err))
        return false;
    bucket_init(&d->in_limit, in, frames_in, burst, now);
    bucket_init(&d->out_limit, out, frames_out, burst, now);
    return true;
}

/* ---- all of them ---- */

void netdevs_init(struct netdevs *all, struct loop *loop, struct clock *clock, struct log *log)
{
    *all = (struct netdevs){.loop = loop, .clock = clock, .log = log};
    all->last = &all->first;
}

struct netdev *netdev_find(const struct netdevs *all, const char *id)
{
    struct netdev *d = all->first;

    while (d && strcmp(d->id, id))
        d = d->next;
    return d;
}

bool netdev_open(struct netdevs *all, const struct opt_netdev *opt, struct err *err)
{
    struct netdev *d = calloc(1, sizeof(*d));
    unsigned i = 0;

    if (!d)
        return err_set(err, "No memory for a network.");
    while (netdev_kinds[i] && strcmp(netdev_kinds[i]->name, opt->kind))
        i++;
    if (!netdev_kinds[i]) {
        free(d);
        return err_set(err, "There is no kind '%s' of networks.", opt->kind);
    }
    memcpy(d->id, opt->id, sizeof(d->id));
    d->kind = netdev_kinds[i];
    d->props = opt->props;
    d->all = all;
    d->net.ops = &device_ops;
    d->net.ready = device_ready;
    d->flush = (struct loop_job){.run = flush_in, .arg = d};
    queue_init(&d->in), queue_init(&d->out);
    timer_init(&d->in_timer, all->clock, in_due, d, "network in");
    timer_init(&d->out_timer, all->clock, out_due, d, "network out");
    *all->last = d;
    all->last = &d->next;
    return set_limits(d, err) && d->kind->open(d, err);
}

void netdevs_close(struct netdevs *all)
{
    struct netdev *d;

    for (d = all->first; d; d = d->next) {
        d->kind->close(d);
        loop_unpost(all->loop, &d->flush);
        timer_cancel(&d->in_timer), timer_cancel(&d->out_timer);
    }
    while ((d = all->first)) {
        all->first = d->next;
        for (unsigned i = 0; i < NETDEV_DUMPS; i++)
            pcap_close(d->dump[i]);
        queue_free(&d->in), queue_free(&d->out);
        free(d);
    }
    all->last = &all->first;
}

bool netdev_join(struct netdev *d, const char *user, struct err *err)
{
    if (d->user[0])
        return err_set(err, "Network '%s' has '%s' on it already; join two through hubports.",
                       d->id, d->user);
    snprintf(d->user, sizeof(d->user), "%.63s", user);
    return true;
}

struct netdev *netdev_with_link(const struct netdevs *all, const char *name, struct err *err)
{
    struct netdev *d = netdev_find(all, name);

    for (struct netdev *x = all->first; x && !d; x = x->next)
        d = strcmp(x->user, name) ? NULL : x;
    if (!d || !name[0])
        err_set(err, "There is no network or adapter '%.60s'; 'info network' lists them.", name);
    else if (!d->net.set_link)
        err_set(err, "Network '%s' has no adapter, so no link either.", d->id);
    else
        return d;
    return NULL;
}
