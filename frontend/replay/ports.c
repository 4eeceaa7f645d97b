/* Between devices and the host's ends, by the interfaces of devices/core/ports.h: what goes out
 * passes, what comes in waits for its turn. No device and no host's end knows. */
#include "frontend/replay/replay_int.h"

#include "devices/core/bits.h"
#include "frontend/monitor/monitor.h"

#include <stdlib.h>

static bool recording(const struct replay *rp)
{
    return rp->mode == RR_RECORD;
}

/* A device has room again, perhaps for what waits. */
static void look_again(struct replay *rp)
{
    if (rp->first)
        cpu_kick(vm_cpu(rp->vm));
}

/* ---- characters ---- */

static size_t chr_host_room(void *arg)
{
    struct rr_chr *c = arg;

    return recording(c->rp) && c->waiting < RR_INBOX ? RR_INBOX - c->waiting : 0;
}

static void chr_host_gives(void *arg, const u8 *data, size_t n)
{
    struct rr_chr *c = arg;

    if (!recording(c->rp))
        return;
    c->waiting += n;
    rr_queue(c->rp, RR_CHR, c->index, data, (u32)n);
}

static void chr_host_event(void *arg, int event)
{
    struct rr_chr *c = arg;
    u8 buf[4];

    st32(buf, (u32)event);
    if (recording(c->rp))
        rr_queue(c->rp, RR_CHR_EVENT, c->index, buf, 4);
}

static void chr_dev_write(struct chr *dev, const u8 *data, size_t n)
{
    struct rr_chr *c = container_of(dev, struct rr_chr, dev);

    if (!rr_quiet(c->rp))
        chr_write(c->host, data, n);
}

static void chr_dev_lines(struct chr *dev, bool dtr, bool rts)
{
    struct rr_chr *c = container_of(dev, struct rr_chr, dev);

    if (!rr_quiet(c->rp) && c->host->ops && c->host->ops->lines)
        c->host->ops->lines(c->host, dtr, rts);
}

static void chr_dev_ready(struct chr *dev)
{
    look_again(container_of(dev, struct rr_chr, dev)->rp);
}

static struct chr *wrap_chr(struct replay *rp, unsigned index, struct chr *host)
{
    static const struct chr_ops ops = {chr_dev_write, chr_dev_lines};
    struct rr_chr *c = &rp->chr[index];

    if (!host)
        return NULL;
    *c = (struct rr_chr){
        .dev = {.ops = &ops, .ready = chr_dev_ready}, .host = host, .rp = rp, .index = (u8)index};
    host->can_take = chr_host_room;
    host->take = chr_host_gives;
    host->event = chr_host_event;
    host->arg = c;
    return &c->dev;
}

/* ---- networks ---- */

static bool net_host_room(void *arg)
{
    struct rr_net *x = arg;

    return recording(x->rp) && x->waiting < RR_FRAMES;
}

static void net_host_gives(void *arg, const u8 *frame, size_t n)
{
    struct rr_net *x = arg;

    if (!recording(x->rp))
        return;
    x->waiting++;
    rr_queue(x->rp, RR_NET, x->index, frame, (u32)n);
}

/* Replaying, nothing goes to networks: nobody there waits for it. */
static void net_dev_send(struct net *dev, const u8 *frame, size_t n)
{
    struct rr_net *x = container_of(dev, struct rr_net, dev);

    if (recording(x->rp) && !rr_quiet(x->rp))
        x->host->ops->send(x->host, frame, n);
}

/* A command of the monitor, which is a record itself. */
static void net_host_link(void *arg, bool up)
{
    struct rr_net *x = arg;

    if (x->dev.set_link)
        x->dev.set_link(x->dev.arg, up);
}

static bool net_host_has_link(void *arg)
{
    struct rr_net *x = arg;

    return !x->dev.link || x->dev.link(x->dev.arg);
}

static void net_dev_ready(struct net *dev)
{
    look_again(container_of(dev, struct rr_net, dev)->rp);
}

static struct net *wrap_net(struct replay *rp, unsigned index, struct net *host)
{
    static const struct net_ops ops = {net_dev_send};
    struct rr_net *x = &rp->net[index];

    if (!host)
        return NULL;
    *x = (struct rr_net){.dev = {.ops = &ops, .ready = net_dev_ready, .max_frame = host->max_frame},
                         .host = host,
                         .rp = rp,
                         .index = (u8)index};
    host->can_take = net_host_room;
    host->take = net_host_gives;
    host->set_link = net_host_link;
    host->link = net_host_has_link;
    host->arg = x;
    return &x->dev;
}

/* ---- answers inside of an instruction ---- */

static void fill(void *arg, void *buf, size_t n)
{
    struct replay *rp = arg;

    for (u8 *p = buf; n;) {
        u32 part = (u32)MIN(n, (size_t)RR_MAX_DATA), got = part;

        if (recording(rp))
            rp->host_entropy->fill(rp->host_entropy->arg, p, part);
        rr_inside(rp, RR_D_ENTROPY, p, &got, part);
        p += part;
        n -= part;
    }
}

static size_t serve(struct share *share, const u8 *msg, size_t n, u8 *out, size_t room)
{
    struct rr_share *s = container_of(share, struct rr_share, dev);
    u32 got = 0;

    if (recording(s->rp))
        got = (u32)s->host->ops->serve(s->host, msg, n, out, room);
    rr_inside(s->rp, (u8)(RR_D_SHARE + s->index), out, &got, (u32)room);
    return got;
}

static void share_reset(struct share *share)
{
    struct rr_share *s = container_of(share, struct rr_share, dev);

    if (recording(s->rp) && !rr_quiet(s->rp))
        s->host->ops->reset(s->host);
}

static struct share *wrap_share(struct replay *rp, unsigned index, struct share *host)
{
    static const struct share_ops ops = {serve, share_reset};
    struct rr_share *s = &rp->share[index];

    if (!host)
        return NULL;
    *s = (struct rr_share){.dev = {.ops = &ops}, .host = host, .rp = rp, .index = (u8)index};
    return &s->dev;
}

bool replay_wrap_ports(struct vm *vm, struct err *err)
{
    struct replay *rp = vm->replay;
    struct pc_config *cfg = &vm->cfg;
    unsigned n = 0;

    if (!rp)
        return true;
    for (unsigned i = 0; i < PC_SERIALS; i++)
        cfg->serial[i] = wrap_chr(rp, n++, cfg->serial[i]);
    cfg->debugcon = wrap_chr(rp, n++, cfg->debugcon);
    cfg->audio = rr_wrap_sound(rp, 0, cfg->audio);
    for (unsigned i = 0; i < cfg->naddons; i++) {
        cfg->addon[i].audio = rr_wrap_sound(rp, 1 + i, cfg->addon[i].audio);
        cfg->addon[i].chr = wrap_chr(rp, n + i, cfg->addon[i].chr);
        cfg->addon[i].net = wrap_net(rp, i, cfg->addon[i].net);
        cfg->addon[i].share = wrap_share(rp, i, cfg->addon[i].share);
    }
    if (cfg->entropy) {
        rp->host_entropy = cfg->entropy;
        rp->entropy = (struct entropy){fill, rp};
        cfg->entropy = &rp->entropy;
    }
    return true;
}

/* ---- people ---- */

static void sink_key(void *arg, u16 key, bool down)
{
    u8 buf[3] = {(u8)key, (u8)(key >> 8), down};

    if (recording(arg))
        rr_queue(arg, RR_KEY, 0, buf, sizeof(buf));
}

static void four(u8 buf[16], u32 a, u32 b, u32 c, u32 d)
{
    st32(buf, a), st32(buf + 4, b), st32(buf + 8, c), st32(buf + 12, d);
}

static void sink_move(void *arg, int dx, int dy, int dz, u32 buttons)
{
    u8 buf[16];

    four(buf, (u32)dx, (u32)dy, (u32)dz, buttons);
    if (recording(arg))
        rr_queue(arg, RR_MOUSE, 0, buf, sizeof(buf));
}

static void sink_point(void *arg, u32 x, u32 y, int dz, u32 buttons)
{
    u8 buf[16];

    four(buf, x, y, (u32)dz, buttons);
    if (recording(arg))
        rr_queue(arg, RR_TABLET, 0, buf, sizeof(buf));
}

static bool sink_wanted(void *arg)
{
    struct replay *rp = arg;

    return !rp->tablet.wanted || rp->tablet.wanted(rp->tablet.dev);
}

static void sink_balloon(void *arg, u64 bytes)
{
    u8 buf[8];

    st64(buf, bytes);
    if (recording(arg))
        rr_queue(arg, RR_BALLOON, 0, buf, sizeof(buf));
}

static void sink_balloon_info(void *arg, struct balloon_info *info)
{
    struct replay *rp = arg;

    rp->balloon.info(rp->balloon.dev, info);
}

void rr_wrap_sinks(struct replay *rp)
{
    struct pc *pc = rp->vm->pc;

    rp->keyboard = pc->keyboard;
    rp->mouse = pc->mouse;
    rp->tablet = pc->tablet;
    rp->balloon = pc->balloon;
    if (pc->keyboard.key)
        pc->keyboard = (struct input_sink){rp, sink_key};
    if (pc->mouse.move)
        pc->mouse = (struct mouse_sink){rp, sink_move};
    if (pc->tablet.point)
        pc->tablet = (struct tablet_sink){rp, sink_point, sink_wanted};
    if (pc->balloon.set)
        pc->balloon = (struct balloon_sink){rp, sink_balloon, sink_balloon_info};
}

/* ---- entering ---- */

u32 rr_room(struct replay *rp, const struct rr_pending *p)
{
    const struct rr_chr *c = &rp->chr[p->port < RR_CHRS ? p->port : 0];
    const struct rr_net *x = &rp->net[p->port < PC_MAX_ADDONS ? p->port : 0];

    if (p->kind == RR_CHR)
        return c->dev.can_take ? (u32)MIN((size_t)(p->n - p->at), c->dev.can_take(c->dev.arg)) : 0;
    if (p->kind == RR_NET)
        return x->dev.take && x->dev.can_take(x->dev.arg) ? p->n : 0;
    return p->n;
}

void rr_entered(struct replay *rp, u8 kind, u8 port, u32 n)
{
    if (kind == RR_CHR) {
        struct chr *host = rp->chr[port].host;

        rp->chr[port].waiting -= n;
        if (host->ready)
            host->ready(host);
    } else if (kind == RR_NET) {
        struct net *host = rp->net[port].host;

        rp->net[port].waiting--;
        if (host->ready)
            host->ready(host);
    }
}

static void command(struct replay *rp, const u8 *data, u32 n)
{
    char line[1024], name[32];
    size_t word;

    n = MIN(n, (u32)sizeof(line) - 1);
    memcpy(line, data, n);
    line[n] = 0;
    word = strcspn(line, " \t/");
    snprintf(name, sizeof(name), "%.*s", (int)MIN(word, sizeof(name) - 1), line);
    /* A log comes from anywhere, and most commands do things to the host. */
    if (rr_is_recorded(name))
        monitor_repeat(rp->vm, line);
    else
        rr_differs(rp, "the log has a command that is never in one: '%s'", name);
}

void rr_enter(struct replay *rp, u8 kind, u8 port, const u8 *data, u32 n)
{
    static const u8 least[RR__KINDS] = {[RR_CHR_EVENT] = 4, [RR_KEY] = 3,     [RR_MOUSE] = 16,
                                        [RR_TABLET] = 16,   [RR_BALLOON] = 8, [RR_NET] = 14};
    struct rr_chr *c = &rp->chr[port < RR_CHRS ? port : 0];
    struct rr_net *x = &rp->net[port < PC_MAX_ADDONS ? port : 0];

    if (n < least[kind])
        return;
    switch (kind) {
    case RR_CHR:
        if (c->dev.take && c->dev.can_take(c->dev.arg) >= n)
            c->dev.take(c->dev.arg, data, n);
        else
            rr_differs(rp, "a character device does not take %u bytes", n);
        break;
    case RR_CHR_EVENT:
        if (c->dev.event)
            c->dev.event(c->dev.arg, (int)ld32(data));
        break;
    case RR_NET:
        if (x->dev.take && x->dev.can_take(x->dev.arg))
            x->dev.take(x->dev.arg, data, n);
        else
            rr_differs(rp, "a network adapter does not take a frame");
        break;
    case RR_KEY:
        if (rp->keyboard.key)
            rp->keyboard.key(rp->keyboard.dev, ld16(data), data[2]);
        break;
    case RR_MOUSE:
        if (rp->mouse.move)
            rp->mouse.move(rp->mouse.dev, (int)ld32(data), (int)ld32(data + 4), (int)ld32(data + 8),
                           ld32(data + 12));
        break;
    case RR_TABLET:
        if (rp->tablet.point)
            rp->tablet.point(rp->tablet.dev, ld32(data), ld32(data + 4), (int)ld32(data + 8),
                             ld32(data + 12));
        break;
    case RR_BALLOON:
        if (rp->balloon.set)
            rp->balloon.set(rp->balloon.dev, ld64(data));
        break;
    case RR_COMMAND: command(rp, data, n); break;
    case RR_SAVED:
        for (unsigned i = 0; i < rp->vm->pc->ncpus; i++)
            mmu_flush(&rp->vm->pc->cpu[i]->mmu, true);
        break;
    }
}
