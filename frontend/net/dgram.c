/* A frame a datagram, over UDP on this host or Unix sockets. */
#define _GNU_SOURCE
#include "frontend/net/address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DGRAM_BATCH = 64 };

struct dgram {
    struct netdev *d;
    struct net_address local, remote;
    struct loop_src src;
    char unlink_path[108];
};

static void on_ready(void *arg, short revents)
{
    struct dgram *g = arg;
    u8 frame[NETDEV_FRAME_MAX];

    for (unsigned i = 0; i < DGRAM_BATCH && netdev_room(g->d); i++) {
        ssize_t n = recv(g->src.fd, frame, sizeof(frame), MSG_DONTWAIT);

        if (n < 0 && errno == ECONNREFUSED)
            continue; /* what was sent before found nobody */
        if (n < 0)
            return;
        netdev_deliver(g->d, frame, (size_t)n);
    }
    if (!netdev_room(g->d))
        loop_events(g->d->all->loop, &g->src, 0);
}

static void dgram_resume(struct netdev *d)
{
    struct dgram *g = d->state;

    loop_events(d->all->loop, &g->src, POLLIN);
}

static bool addresses(struct dgram *g, struct err *err)
{
    struct netdev *d = g->d;
    char text[64];

    if (!netdev_prop(d, "udp", 0, text, sizeof(text)))
        return net_address_props(d, "local", &g->local, err) &&
               net_address_props(d, "remote", &g->remote, err);
    if (!net_address_inet("-netdev socket: udp", text, &g->remote, err))
        return false;
    if (!netdev_prop(d, "localaddr", 0, text, sizeof(text)))
        return err_set(
            err, "-netdev socket: udp= needs localaddr=127.0.0.1:port, where frames come in.");
    return net_address_inet("-netdev socket: localaddr", text, &g->local, err);
}

static bool dgram_open(struct netdev *d, struct err *err)
{
    struct dgram *g = calloc(1, sizeof(*g));
    struct stat st;
    mode_t mask;
    int fd, rc;

    if (!g)
        return err_set(err, "No memory for a network.");
    d->state = g;
    g->d = d;
    g->src = (struct loop_src){-1, POLLIN, on_ready, g};
    if (!addresses(g, err))
        return false;
    if (g->local.fd >= 0) {
        g->src.fd = g->local.fd;
    } else {
        if (!g->local.len || !g->remote.len || g->local.any.sa_family != g->remote.any.sa_family)
            return err_set(
                err, "-netdev dgram needs local.type= and remote.type= of the same kind (inet or "
                     "unix), or local.type=fd.");
        fd = socket(g->local.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return err_set(err, "Cannot make a socket: %s.", strerror(errno));
        g->src.fd = fd;
        if (g->local.any.sa_family == AF_UNIX && !lstat(g->local.un.sun_path, &st) &&
            S_ISSOCK(st.st_mode))
            unlink(g->local.un.sun_path); /* left over from an earlier run */
        mask = umask(0177);
        rc = bind(fd, &g->local.any, g->local.len);
        umask(mask);
        if (rc) {
            err_set(err, "-netdev %s cannot use %s: %s.", d->kind->name, g->local.text,
                    strerror(errno));
            close(fd);
            g->src.fd = -1;
            return false;
        }
        if (g->local.any.sa_family == AF_UNIX)
            memcpy(g->unlink_path, g->local.un.sun_path, sizeof(g->unlink_path));
    }
    loop_add(d->all->loop, &g->src);
    return true;
}

static void dgram_send(struct netdev *d, const u8 *frame, size_t n)
{
    struct dgram *g = d->state;
    bool named = g->local.fd < 0;

    if (sendto(g->src.fd, frame, n, MSG_DONTWAIT | MSG_NOSIGNAL, named ? &g->remote.any : NULL,
               named ? g->remote.len : 0) < 0)
        d->dropped++;
}

static void dgram_close(struct netdev *d)
{
    struct dgram *g = d->state;

    if (g && g->src.fd >= 0) {
        loop_remove(d->all->loop, &g->src);
        close(g->src.fd);
    }
    if (g && g->unlink_path[0])
        unlink(g->unlink_path);
    free(g);
    d->state = NULL;
}

static void dgram_describe(const struct netdev *d, char *buf, size_t size)
{
    const struct dgram *g = d->state;

    snprintf(buf, size, "%s to %s", g->local.text, g->remote.text);
}

const struct netdev_kind net_kind_dgram = {"dgram",     dgram_open,   dgram_send,
                                           dgram_close, dgram_resume, dgram_describe};
