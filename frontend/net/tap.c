/* Tap interfaces: frames through a descriptor that was handed over, or through /dev/net/tun. */
#define _GNU_SOURCE
#include "frontend/net/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TAP_BATCH = 64 };

struct tap {
    struct netdev *d;
    struct loop_src src;
    char name[IFNAMSIZ];
};

static void on_ready(void *arg, short revents)
{
    struct tap *t = arg;
    u8 frame[NETDEV_FRAME_MAX];

    for (unsigned i = 0; i < TAP_BATCH && netdev_room(t->d); i++) {
        ssize_t n = read(t->src.fd, frame, sizeof(frame));

        if (n > 0) {
            netdev_deliver(t->d, frame, (size_t)n);
            continue;
        }
        /* The interface is gone: it would be reported again and again. */
        if (!n || (errno != EAGAIN && errno != EINTR))
            loop_events(t->d->all->loop, &t->src, 0);
        return;
    }
    if (!netdev_room(t->d))
        loop_events(t->d->all->loop, &t->src, 0);
}

static void tap_resume(struct netdev *d)
{
    struct tap *t = d->state;

    loop_events(d->all->loop, &t->src, POLLIN);
}

static bool open_interface(struct tap *t, const char *name, struct err *err)
{
    struct ifreq req = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (!opts_copy(req.ifr_name, sizeof(req.ifr_name), name)) {
        if (fd >= 0)
            close(fd);
        return err_set(err,
                       "-netdev tap: the interface's name '%.40s' is longer than %d characters.",
                       name, IFNAMSIZ - 1);
    }
    if (fd < 0 || ioctl(fd, TUNSETIFF, &req)) {
        err_set(
            err,
            "-netdev tap: the interface '%.20s' cannot be used: %s; have it made for this user (ip "
            "tuntap add mode tap user ...), hand it over with fd=, or use -netdev user.",
            name[0] ? name : "tap%d", strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    memcpy(t->name, req.ifr_name, sizeof(t->name));
    t->name[IFNAMSIZ - 1] = 0;
    t->src.fd = fd;
    return true;
}

static bool tap_open(struct netdev *d, struct err *err)
{
    struct tap *t = calloc(1, sizeof(*t));
    char name[64] = "", script[OPT_TEXT];
    u64 fd = 0;

    if (!t)
        return err_set(err, "No memory for a tap.");
    d->state = t;
    t->d = d;
    t->src = (struct loop_src){-1, POLLIN, on_ready, t};
    for (unsigned i = 0; i < 2; i++) {
        if (netdev_prop(d, i ? "downscript" : "script", 0, script, sizeof(script)) &&
            strcmp(script, "no"))
            return err_set(err,
                           "-netdev tap runs no scripts: give script=no,downscript=no and set the "
                           "interface up before.");
    }
    netdev_prop(d, "ifname", 0, name, sizeof(name));
    if (netdev_prop(d, "fd", 0, script, sizeof(script))) {
        if (!netdev_number(d, "fd", 0xffff, &fd, err))
            return false;
        if (fcntl((int)fd, F_GETFL) < 0 || fcntl((int)fd, F_SETFL, O_RDWR | O_NONBLOCK))
            return err_set(err, "-netdev tap: descriptor %u cannot be used: %s.", (unsigned)fd,
                           strerror(errno));
        t->src.fd = (int)fd;
        snprintf(t->name, sizeof(t->name), "fd %u", (unsigned)fd);
    } else if (!open_interface(t, name, err)) {
        return false;
    }
    loop_add(d->all->loop, &t->src);
    return true;
}

static void tap_send(struct netdev *d, const u8 *frame, size_t n)
{
    struct tap *t = d->state;

    if (write(t->src.fd, frame, n) != (ssize_t)n)
        d->dropped++;
}

static void tap_close(struct netdev *d)
{
    struct tap *t = d->state;

    if (t && t->src.fd >= 0) {
        loop_remove(d->all->loop, &t->src);
        close(t->src.fd);
    }
    free(t);
    d->state = NULL;
}

static void tap_describe(const struct netdev *d, char *buf, size_t size)
{
    const struct tap *t = d->state;

    snprintf(buf, size, "%s", t->name);
}

const struct netdev_kind net_kind_tap = {"tap",     tap_open,   tap_send,
                                         tap_close, tap_resume, tap_describe};
