/* User networking: libslirp's translator of addresses between the adapter and sockets of the host,
 * on the machine's thread. Its many descriptors hang on one epoll descriptor, which is what the
 * loop watches. */
#define _GNU_SOURCE
#include "frontend/net/slirp.h"

#ifdef CONFIG_SLIRP
#include <arpa/inet.h>
#include <errno.h>
#include <libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 64, MAX_SEARCH = 16, NAME = 256, MAX_FDS = 65536, HUGE_FRAME = 65000 };

/* One of libslirp's descriptors, by number. */
struct watch {
    u32 have, want; /* EPOLL*: with the epoll descriptor; asked for */
    int got;        /* SLIRP_POLL_* */
    bool mine;
};

struct user_timer {
    struct timer timer;
    struct user_net *u;
    SlirpTimerCb fn;
    void *arg;
};

struct user_net {
    struct netdev *d;
    Slirp *slirp;
    int epoll;
    struct loop_src src;
    struct loop_timer timer;
    struct loop_job refill;
    struct watch *watch;
    int nwatch;
    int *asked; /* by libslirp's index: descriptors it asked for */
    int nasked, room;
    char tftp[OPT_PATH], bootfile[NAME], server[NAME], hostname[NAME], domain[NAME];
    char search[MAX_SEARCH][NAME];
    const char *searches[MAX_SEARCH + 1];
    char net_text[64];
    bool restricted;
};

/* ---- descriptors ---- */

static u32 to_epoll(int ev)
{
    return (ev & SLIRP_POLL_IN ? (u32)EPOLLIN : 0) | (ev & SLIRP_POLL_OUT ? (u32)EPOLLOUT : 0) |
           (ev & SLIRP_POLL_PRI ? (u32)EPOLLPRI : 0);
}

static int from_epoll(u32 ev)
{
    return (ev & EPOLLIN ? SLIRP_POLL_IN : 0) | (ev & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
           (ev & EPOLLPRI ? SLIRP_POLL_PRI : 0) | (ev & EPOLLERR ? SLIRP_POLL_ERR : 0) |
           (ev & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

static struct watch *watch_of(struct user_net *u, int fd)
{
    int n = u->nwatch;
    struct watch *w;

    if (fd < 0 || fd >= MAX_FDS)
        return NULL;
    if (fd >= n) {
        n = MAX(2 * n, fd + 64);
        w = realloc(u->watch, (size_t)n * sizeof(*w));
        if (!w)
            return NULL;
        memset(w + u->nwatch, 0, (size_t)(n - u->nwatch) * sizeof(*w));
        u->watch = w;
        u->nwatch = n;
    }
    return &u->watch[fd];
}

static int add_poll(int fd, int events, void *arg)
{
    struct user_net *u = arg;
    struct watch *w = watch_of(u, fd);

    if (!w)
        return -1;
    if (u->nasked == u->room) {
        int room = u->room * 2 + 64;
        int *asked = realloc(u->asked, (size_t)room * sizeof(*asked));

        if (!asked)
            return -1;
        u->asked = asked;
        u->room = room;
    }
    w->want |= to_epoll(events);
    u->asked[u->nasked] = fd;
    return u->nasked++;
}

static int get_revents(int index, void *arg)
{
    struct user_net *u = arg;
    int fd = index >= 0 && index < u->nasked ? u->asked[index] : -1;

    return fd >= 0 && fd < u->nwatch ? u->watch[fd].got : 0;
}

/* Tell the epoll descriptor what changed. A number may stand for another socket than before. */
static void sync_watch(struct user_net *u, int fd)
{
    struct watch *w = &u->watch[fd];
    struct epoll_event ev = {.events = w->want, .data.fd = fd};

    if (w->want == w->have)
        return;
    if (!w->want)
        epoll_ctl(u->epoll, EPOLL_CTL_DEL, fd, &ev);
    else if (!w->have || (epoll_ctl(u->epoll, EPOLL_CTL_MOD, fd, &ev) && errno == ENOENT))
        epoll_ctl(u->epoll, EPOLL_CTL_ADD, fd, &ev);
    w->have = w->want;
}

/* Ask what libslirp waits for now. */
static void refill(void *arg)
{
    struct user_net *u = arg;
    u32 timeout = UINT32_MAX;

    for (int fd = 0; fd < u->nwatch; fd++)
        u->watch[fd].want = 0;
    u->nasked = 0;
    slirp_pollfds_fill(u->slirp, &timeout, add_poll, u);
    for (int fd = 0; fd < u->nwatch; fd++)
        sync_watch(u, fd);
    u->timer.when = timeout == UINT32_MAX ? LOOP_NEVER : host_now() + timeout * 1000000ull;
}

static void events_in(struct user_net *u)
{
    struct epoll_event ev[EVENTS];
    int n = epoll_wait(u->epoll, ev, EVENTS, 0);

    for (int i = 0; i < n; i++)
        u->watch[ev[i].data.fd].got = from_epoll(ev[i].events);
    slirp_pollfds_poll(u->slirp, 0, get_revents, u);
    for (int i = 0; i < n; i++)
        u->watch[ev[i].data.fd].got = 0;
    refill(u);
}

static void on_ready(void *arg, short revents)
{
    events_in(arg);
}

static void on_time(void *arg)
{
    events_in(arg);
}

/* ---- what libslirp calls ---- */

static ssize_t cb_send(const void *frame, size_t n, void *arg)
{
    struct user_net *u = arg;

    netdev_deliver(u->d, frame, n);
    return (ssize_t)n;
}

static void cb_guest_error(const char *msg, void *arg)
{
    struct user_net *u = arg;

    log_guest_error(u->d->all->log, u->d->id, "%s", msg);
}

static int64_t cb_clock(void *arg)
{
    struct user_net *u = arg;

    return (int64_t)clock_now(u->d->all->clock);
}

static void user_timer_fire(void *arg, u64 now)
{
    struct user_timer *t = arg;

    t->fn(t->arg);
    loop_post(t->u->d->all->loop, &t->u->refill);
}

static void *cb_timer_new(SlirpTimerCb fn, void *arg, void *opaque)
{
    struct user_net *u = opaque;
    struct user_timer *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->u = u;
    t->fn = fn;
    t->arg = arg;
    timer_init(&t->timer, u->d->all->clock, user_timer_fire, t, "user network");
    return t;
}

static void cb_timer_free(void *timer, void *arg)
{
    struct user_timer *t = timer;

    if (!t)
        return;
    timer_cancel(&t->timer);
    free(t);
}

static void cb_timer_mod(void *timer, int64_t ms, void *arg)
{
    struct user_timer *t = timer;

    if (t)
        timer_set(&t->timer, ms < 0 ? 0 : (u64)ms * 1000000);
}

/* A number that comes or goes is another socket: nothing is known of it. */
static void cb_fd(int fd, void *arg)
{
    struct user_net *u = arg;
    struct watch *w = watch_of(u, fd);
    struct epoll_event ev = {0};

    if (!w || !w->have)
        return;
    epoll_ctl(u->epoll, EPOLL_CTL_DEL, fd, &ev);
    w->have = 0;
}

static void cb_notify(void *arg)
{
    struct user_net *u = arg;

    loop_post(u->d->all->loop, &u->refill);
}

static const SlirpCb callbacks = {
    .send_packet = cb_send,
    .guest_error = cb_guest_error,
    .clock_get_ns = cb_clock,
    .timer_new = cb_timer_new,
    .timer_free = cb_timer_free,
    .timer_mod = cb_timer_mod,
    .register_poll_fd = cb_fd,
    .unregister_poll_fd = cb_fd,
    .notify = cb_notify,
};

/* ---- settings ---- */

static bool text_prop(struct user_net *u, const char *key, char *buf, size_t size)
{
    return netdev_prop(u->d, key, 0, buf, size) && buf[0];
}

static bool ip_prop(struct user_net *u, const char *key, struct in_addr *a, struct err *err)
{
    char text[64];

    if (!text_prop(u, key, text, sizeof(text)) || inet_pton(AF_INET, text, a) == 1)
        return true;
    return err_set(err, "-netdev user: %s is an IPv4 address, not '%.60s'.", key, text);
}

static bool ip6_prop(struct user_net *u, const char *key, struct in6_addr *a, struct err *err)
{
    char text[64];

    if (!text_prop(u, key, text, sizeof(text)) || inet_pton(AF_INET6, text, a) == 1)
        return true;
    return err_set(err, "-netdev user: %s is an IPv6 address, not '%.60s'.", key, text);
}

/* "10.0.2.0/24", "10.0.2.0/255.255.255.0", or an address of a class. */
static bool parse_net(const char *text, struct in_addr *net, struct in_addr *mask)
{
    char buf[64];
    char *slash;
    u32 bits = 24, m;
    u64 n;

    if (!opts_copy(buf, sizeof(buf), text))
        return false;
    slash = strchr(buf, '/');
    if (slash)
        *slash++ = 0;
    if (inet_pton(AF_INET, buf, net) != 1)
        return false;
    if (slash && strchr(slash, '.')) {
        if (inet_pton(AF_INET, slash, mask) != 1)
            return false;
        m = ~ntohl(mask->s_addr);
        return !(m & (m + 1)) && m >= 7;
    }
    if (slash) {
        if (!opts_number(slash, 29, &n) || n < 4)
            return false;
        bits = (u32)n;
    }
    mask->s_addr = htonl(~0u << (32 - bits));
    return true;
}

static bool inside(struct in_addr a, struct in_addr net, struct in_addr mask)
{
    u32 host = ntohl(a.s_addr & ~mask.s_addr);

    return (a.s_addr & mask.s_addr) == net.s_addr && host && host != ntohl(~mask.s_addr);
}

static bool set_ip4(struct user_net *u, SlirpConfig *c, struct err *err)
{
    char text[64] = "10.0.2.0/24";
    struct in_addr net, mask;

    if ((text_prop(u, "net", text, sizeof(text)) || text[0]) && !parse_net(text, &net, &mask))
        return err_set(
            err,
            "-netdev user: net is an address and the bits of a network, 10.0.2.0/24, not '%.60s'.",
            text);
    net.s_addr &= mask.s_addr;
    c->vnetwork = net;
    c->vnetmask = mask;
    c->vhost.s_addr = net.s_addr | htonl(2);
    c->vnameserver.s_addr = net.s_addr | htonl(3);
    /* where there is room for it, above the addresses that people give by hand */
    c->vdhcp_start.s_addr = net.s_addr | (ntohl(~mask.s_addr) >= 31 ? htonl(15) : htonl(4));
    if (!ip_prop(u, "host", &c->vhost, err) || !ip_prop(u, "dns", &c->vnameserver, err) ||
        !ip_prop(u, "dhcpstart", &c->vdhcp_start, err))
        return false;
    if (!inside(c->vhost, net, mask) || !inside(c->vnameserver, net, mask) ||
        !inside(c->vdhcp_start, net, mask))
        return err_set(err, "-netdev user: host, dns and dhcpstart lie within net (%s).", text);
    if (c->vhost.s_addr == c->vnameserver.s_addr || c->vhost.s_addr == c->vdhcp_start.s_addr ||
        c->vnameserver.s_addr == c->vdhcp_start.s_addr)
        return err_set(err, "-netdev user: host, dns and dhcpstart are three different addresses.");
    inet_ntop(AF_INET, &net, u->net_text, sizeof(u->net_text));
    return true;
}

static bool set_ip6(struct user_net *u, SlirpConfig *c, struct err *err)
{
    char text[80] = "fec0::/64";
    char *slash;
    u64 bits = 64;

    if (netdev_prop(u->d, "ipv6-net", 0, text, sizeof(text)) && !text[0])
        return err_set(err, "-netdev user: ipv6-net is empty.");
    slash = strchr(text, '/');
    if (slash)
        *slash++ = 0;
    if (inet_pton(AF_INET6, text, &c->vprefix_addr6) != 1 ||
        (slash && (!opts_number(slash, 126, &bits) || bits < 8)))
        return err_set(
            err, "-netdev user: ipv6-net is an address and the bits of a network, fec0::/64.");
    c->vprefix_len = (u8)bits;
    c->vhost6 = c->vnameserver6 = c->vprefix_addr6;
    c->vhost6.s6_addr[15] |= 2;
    c->vnameserver6.s6_addr[15] |= 3;
    return ip6_prop(u, "ipv6-host", &c->vhost6, err) &&
           ip6_prop(u, "ipv6-dns", &c->vnameserver6, err);
}

static bool set_names(struct user_net *u, SlirpConfig *c, struct err *err)
{
    unsigned n = 0;

    if (text_prop(u, "tftp", u->tftp, sizeof(u->tftp))) {
        if (access(u->tftp, R_OK | X_OK))
            return err_set(err, "-netdev user: the folder tftp=%.300s cannot be read: %s.", u->tftp,
                           strerror(errno));
        c->tftp_path = u->tftp;
    }
    if (text_prop(u, "bootfile", u->bootfile, 128))
        c->bootfile = u->bootfile;
    else if (netdev_prop(u->d, "bootfile", 0, u->bootfile, sizeof(u->bootfile)) && u->bootfile[0])
        return err_set(err, "-netdev user: bootfile has 127 characters at most.");
    if (text_prop(u, "tftp-server-name", u->server, sizeof(u->server)))
        c->tftp_server_name = u->server;
    if (text_prop(u, "hostname", u->hostname, 33))
        c->vhostname = u->hostname;
    if (text_prop(u, "domainname", u->domain, sizeof(u->domain)))
        c->vdomainname = u->domain;
    while (n < MAX_SEARCH && netdev_prop(u->d, "dnssearch", n, u->search[n], NAME)) {
        u->searches[n] = u->search[n];
        n++;
    }
    if (n)
        c->vdnssearch = u->searches;
    return true;
}

/* ---- forwarding ---- */

/* The text up to `end` at *p, and past it. */
static bool part(const char **p, char end, char *buf, size_t size)
{
    const char *at = end ? strchr(*p, end) : *p + strlen(*p);
    size_t n = at ? (size_t)(at - *p) : 0;

    if (!at || n >= size)
        return false;
    memcpy(buf, *p, n);
    buf[n] = 0;
    *p = at + (end != 0);
    return true;
}

static bool address(const char *text, u32 usual, struct in_addr *a)
{
    a->s_addr = htonl(usual);
    return !text[0] || inet_pton(AF_INET, text, a) == 1;
}

static bool port_number(const char *text, u64 least, int *port)
{
    u64 n;

    if (!opts_number(text, 65535, &n) || n < least)
        return false;
    *port = (int)n;
    return true;
}

/* "tcp:" or "udp:" or ":" at *p. */
static bool protocol(const char **p, int *udp)
{
    char word[8];

    if (!part(p, ':', word, sizeof(word)))
        return false;
    *udp = !strcmp(word, "udp");
    return *udp || !word[0] || !strcmp(word, "tcp");
}

bool slirp_forward(struct netdev *d, const char *rule, struct err *err)
{
    struct user_net *u = d->state;
    struct in_addr host, guest;
    char host_ip[32], host_port[16], guest_ip[32], guest_port[16];
    const char *p = rule;
    int udp, hp, gp;

    /* Only this host reaches the guest unless an address says otherwise. */
    if (!protocol(&p, &udp) || !part(&p, ':', host_ip, sizeof(host_ip)) ||
        !part(&p, '-', host_port, sizeof(host_port)) ||
        !part(&p, ':', guest_ip, sizeof(guest_ip)) ||
        !part(&p, 0, guest_port, sizeof(guest_port)) || !address(host_ip, INADDR_LOOPBACK, &host) ||
        !address(guest_ip, 0, &guest) || !port_number(host_port, 0, &hp) ||
        !port_number(guest_port, 1, &gp))
        return err_set(
            err, "hostfwd is [tcp|udp]:[address]:port-[guest address]:port, not '%.100s'.", rule);
    if (slirp_add_hostfwd(u->slirp, udp, host, hp, guest, gp))
        return err_set(err, "Port %d of this host cannot be forwarded to the guest: %s.", hp,
                       strerror(errno));
    loop_post(d->all->loop, &u->refill);
    return true;
}

bool slirp_unforward(struct netdev *d, const char *rule, struct err *err)
{
    struct user_net *u = d->state;
    struct in_addr host;
    char host_ip[32];
    const char *p = rule;
    int udp, port;

    if (!protocol(&p, &udp) || !part(&p, ':', host_ip, sizeof(host_ip)) ||
        !address(host_ip, INADDR_LOOPBACK, &host) || !port_number(p, 1, &port))
        return err_set(err, "What is removed is [tcp|udp]:[address]:port, not '%.100s'.", rule);
    if (slirp_remove_hostfwd(u->slirp, udp, host, port))
        return err_set(err, "There is no such forwarding: '%.100s'.", rule);
    loop_post(d->all->loop, &u->refill);
    return true;
}

/* [tcp]:address:port-unix:path or -cmd:command: a port that the guest sees on an address of its
 * net. */
static bool guest_forward(struct user_net *u, const char *rule, struct err *err)
{
    char ip[32], port[16];
    struct in_addr a;
    const char *p = rule;
    int udp, gp, rc;

    if (!protocol(&p, &udp) || udp || !part(&p, ':', ip, sizeof(ip)) ||
        !part(&p, '-', port, sizeof(port)) || inet_pton(AF_INET, ip, &a) != 1 ||
        !port_number(port, 1, &gp) || (strncmp(p, "unix:", 5) && strncmp(p, "cmd:", 4)))
        return err_set(
            err, "guestfwd is [tcp]:address:port-unix:path or -cmd:command, not '%.100s'.", rule);
    rc = p[0] == 'u' ? slirp_add_unix(u->slirp, p + 5, &a, gp)
                     : slirp_add_exec(u->slirp, p + 4, &a, gp);
    return !rc ||
           err_set(err, "guestfwd: address %s is not one of the guest's network, or taken.", ip);
}

static bool forwards(struct user_net *u, struct err *err)
{
    char rule[OPT_TEXT];

    for (unsigned i = 0; netdev_prop(u->d, "hostfwd", i, rule, sizeof(rule)); i++) {
        if (!slirp_forward(u->d, rule, err))
            return false;
    }
    for (unsigned i = 0; netdev_prop(u->d, "guestfwd", i, rule, sizeof(rule)); i++) {
        if (!guest_forward(u, rule, err))
            return false;
    }
    return true;
}

/* ---- the kind ---- */

static bool user_open(struct netdev *d, struct err *err)
{
    struct user_net *u = calloc(1, sizeof(*u));
    bool ip4 = true, ip6 = true;
    SlirpConfig c = {.version = 1};

    if (!u)
        return err_set(err, "No memory for user networking.");
    d->state = u;
    u->d = d;
    u->epoll = -1;
    u->timer = (struct loop_timer){.when = LOOP_NEVER, .fire = on_time, .arg = u};
    u->refill = (struct loop_job){.run = refill, .arg = u};
    if (!netdev_bool(d, "restrict", &u->restricted, err) || !netdev_bool(d, "ipv4", &ip4, err) ||
        !netdev_bool(d, "ipv6", &ip6, err) || !set_ip4(u, &c, err) || !set_ip6(u, &c, err) ||
        !set_names(u, &c, err))
        return false;
    if (!ip4 && !ip6)
        return err_set(err, "-netdev user: one of ipv4 and ipv6 must be on.");
    c.restricted = u->restricted;
    c.in_enabled = ip4;
    c.in6_enabled = ip6;
    u->epoll = epoll_create1(EPOLL_CLOEXEC);
    u->slirp = u->epoll < 0 ? NULL : slirp_new(&c, &callbacks, u);
    if (!u->slirp)
        return err_set(err, "User networking cannot be started.");
    /* libslirp looks at lengths itself and takes what IP does: fewer, larger segments. */
    d->net.max_frame = HUGE_FRAME;
    u->src = (struct loop_src){u->epoll, POLLIN, on_ready, u};
    loop_add(d->all->loop, &u->src);
    loop_timer_add(d->all->loop, &u->timer);
    loop_post(d->all->loop, &u->refill);
    return forwards(u, err);
}

static void user_send(struct netdev *d, const u8 *frame, size_t n)
{
    struct user_net *u = d->state;

    slirp_input(u->slirp, frame, (int)n);
    loop_post(d->all->loop, &u->refill);
}

static void user_close(struct netdev *d)
{
    struct user_net *u = d->state;

    if (!u)
        return;
    if (u->slirp) {
        slirp_cleanup(u->slirp);
        loop_remove(d->all->loop, &u->src);
        loop_timer_remove(d->all->loop, &u->timer);
    }
    loop_unpost(d->all->loop, &u->refill);
    if (u->epoll >= 0)
        close(u->epoll);
    free(u->watch);
    free(u->asked);
    free(u);
    d->state = NULL;
}

static void user_describe(const struct netdev *d, char *buf, size_t size)
{
    const struct user_net *u = d->state;

    snprintf(buf, size, "net=%s,restrict=%s", u->net_text, u->restricted ? "on" : "off");
}

char *slirp_connections(const struct netdev *d)
{
    const struct user_net *u = d->state;

    return slirp_connection_info(u->slirp);
}

const struct netdev_kind net_kind_user = {"user",     user_open, user_send,
                                          user_close, NULL,      user_describe};
#endif
