/* Host character devices: buffers out, flow control in, and sharing by Ctrl-A. */
#include "frontend/host/chardev.h"

#include "frontend/host/chardev_open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { OUT_ROOM_MAX = 1 << 20, WRITE_CHUNK = 4096, READ_CHUNK = 4096 };
#define FLUSH_NS 1000000000ull

/* ---- out ---- */

static ssize_t write_some(struct chardev *dev, const u8 *data, size_t n)
{
    struct pollfd p = {dev->out_fd, POLLOUT, 0};
    ssize_t k;

    if (dev->is_socket)
        return send(dev->out_fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    /* The descriptor may be shared with the shell that started us, so it is not made non-blocking:
     * ask first, and write only as much as goes in at once. */
    if (!dev->is_file && (poll(&p, 1, 0) <= 0 || !(p.revents & (POLLOUT | POLLERR | POLLHUP)))) {
        errno = EAGAIN;
        return -1;
    }
    do {
        k = write(dev->out_fd, data, dev->is_tty ? MIN(n, 256u) : MIN(n, (size_t)WRITE_CHUNK));
    } while (k < 0 && errno == EINTR);
    return k;
}

static void keep(struct chardev *dev, const u8 *data, size_t n)
{
    if (dev->olen + n > dev->ocap) {
        size_t cap = MAX(dev->ocap * 2, (size_t)4096);
        u8 *p;

        while (cap < dev->olen + n)
            cap *= 2;
        p = cap <= OUT_ROOM_MAX ? realloc(dev->obuf, cap) : NULL;
        if (!p) {
            dev->dropped += n;
            return;
        }
        dev->obuf = p;
        dev->ocap = cap;
    }
    memcpy(dev->obuf + dev->olen, data, n);
    dev->olen += n;
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

/* Write what waits; true when nothing does any more. */
static bool flush(struct chardev *dev)
{
    while (dev->olen) {
        ssize_t k = write_some(dev, dev->obuf, dev->olen);

        if (k <= 0) {
            if (k < 0 && would_block())
                return false;
            dev->dropped += dev->olen; /* the other end is gone */
            dev->olen = 0;
            return true;
        }
        memmove(dev->obuf, dev->obuf + k, dev->olen - (size_t)k);
        dev->olen -= (size_t)k;
    }
    return true;
}

static void out_ready(void *arg, short revents)
{
    struct chardev *dev = arg;

    if (!flush(dev))
        return;
    loop_events(dev->loop, &dev->out, 0);
    for (unsigned i = 0; i < dev->mux.n; i++) {
        if (dev->users[i]->drained)
            dev->users[i]->drained(dev->users[i]->arg);
    }
}

/* ---- ringbuf ---- */

static void ring_put(struct chardev *dev, const u8 *data, size_t n)
{
    while (n--) {
        if (dev->ring_len == dev->ring_size) { /* the oldest goes */
            dev->ring_at = (dev->ring_at + 1) % dev->ring_size;
            dev->ring_len--;
        }
        dev->ring[(dev->ring_at + dev->ring_len++) % dev->ring_size] = *data++;
    }
}

size_t chardev_ring_read(struct chardev *dev, u8 *data, size_t n)
{
    size_t k;

    for (k = 0; dev->ring && k < n && dev->ring_len; k++) {
        data[k] = dev->ring[dev->ring_at];
        dev->ring_at = (dev->ring_at + 1) % dev->ring_size;
        dev->ring_len--;
    }
    return k;
}

void chardev_send(struct chardev *dev, const u8 *data, size_t n)
{
    if (dev && dev->ring)
        ring_put(dev, data, n);
    if (!dev || dev->out_fd < 0)
        return;
    while (n && !dev->olen) {
        ssize_t k = write_some(dev, data, n);

        if (k < 0 && !would_block())
            return;
        if (k <= 0)
            break;
        data += k;
        n -= (size_t)k;
    }
    if (n) {
        keep(dev, data, n);
        loop_events(dev->loop, &dev->out, POLLOUT);
    }
}

/* ---- in ---- */

static void tell(struct chardev *dev, int event)
{
    for (unsigned i = 0; i < dev->mux.n; i++) {
        if (dev->users[i]->event)
            dev->users[i]->event(dev->users[i]->arg, event);
    }
}

static struct chardev_user *focused(struct chardev *dev)
{
    return dev->mux.n ? dev->users[dev->mux.focus] : NULL;
}

bool chardev_focused(const struct chardev *dev, const struct chardev_user *user)
{
    return dev->mux.n && dev->users[dev->mux.focus] == user;
}

static void shared_input(struct chardev *dev, const u8 *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct chardev_user *u = focused(dev);

        switch (mux_key(&dev->mux, data[i])) {
        case MUX_BYTE:
            if (u)
                u->input(u->arg, &data[i], 1);
            break;
        case MUX_BREAK:
            if (u && u->event)
                u->event(u->arg, CHR_BREAK);
            break;
        case MUX_SWITCH:
            if (focused(dev) && focused(dev) != u && focused(dev)->event)
                focused(dev)->event(focused(dev)->arg, CHR_OPENED);
            break;
        case MUX_HELP: chardev_send(dev, (const u8 *)mux_help, strlen(mux_help)); break;
        case MUX_QUIT:
            if (dev->hooks.quit)
                dev->hooks.quit(dev->hooks.arg);
            break;
        case MUX_SYNC:
            if (dev->hooks.sync)
                dev->hooks.sync(dev->hooks.arg);
            break;
        case MUX_NONE: break;
        }
    }
}

/* How many bytes may be read from the host now. A shared terminal is always read, since Ctrl-A must
 * work when the guest does not listen; its ports drop what they have no room for. */
static size_t room(struct chardev *dev)
{
    struct chardev_user *u = focused(dev);

    if (dev->want_mux)
        return READ_CHUNK;
    return u ? MIN(u->room(u->arg), (size_t)READ_CHUNK) : 0;
}

/* Connect again after the seconds that reconnect= says. */
static void try_later(struct chardev *dev)
{
    struct itimerspec t = {.it_value = {.tv_sec = dev->reconnect}};

    if (dev->reconnect && dev->again.fd > 0)
        timerfd_settime(dev->again.fd, 0, &t, NULL);
}

static void hang_up(struct chardev *dev)
{
    loop_remove(dev->loop, &dev->in);
    loop_remove(dev->loop, &dev->out);
    if (dev->is_socket) {
        close(dev->in_fd);
        dev->in_fd = dev->out_fd = -1;
        dev->olen = 0;
        try_later(dev);
    } else {
        dev->in_fd = -1; /* end of input; output may go on */
        loop_add(dev->loop, &dev->out);
    }
    tell(dev, CHR_CLOSED);
}

/* Descriptors that come along with the bytes go to the user, or are closed. */
static void take_fds(struct chardev *dev, struct msghdr *msg)
{
    struct chardev_user *u = focused(dev);
    int fd;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; at + sizeof(fd) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(fd)) {
            memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
            if (u && u->take_fd)
                u->take_fd(u->arg, fd);
            else
                close(fd);
        }
    }
}

static ssize_t read_some(struct chardev *dev, u8 *buf, size_t n)
{
    union {
        struct cmsghdr align;
        u8 room[CMSG_SPACE(4 * sizeof(int))]; /* what is more than that, the host closes */
    } control;
    struct iovec iov = {buf, n};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
                         .msg_controllen = sizeof(control.room)};
    ssize_t k;

    if (!dev->is_unix)
        return read(dev->in_fd, buf, n);
    k = recvmsg(dev->in_fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (k >= 0)
        take_fds(dev, &msg);
    return k;
}

static void in_ready(void *arg, short revents)
{
    struct chardev *dev = arg;
    u8 buf[READ_CHUNK];
    size_t n = room(dev);
    ssize_t k;

    if (!n && !(revents & (POLLHUP | POLLERR))) {
        loop_events(dev->loop, &dev->in, 0);
        return;
    }
    k = read_some(dev, buf, n ? n : 1);
    if (k <= 0) {
        if (k < 0 && (would_block() || errno == EINTR))
            return;
        if (dev->is_dgram) /* empty, or nobody listens there yet */
            return;
        hang_up(dev);
        return;
    }
    if (dev->want_mux) {
        shared_input(dev, buf, (size_t)k);
    } else if (focused(dev)) {
        focused(dev)->input(focused(dev)->arg, buf, (size_t)k);
    }
}

void chardev_pull(struct chardev *dev)
{
    if (dev && dev->in_fd >= 0 && room(dev))
        loop_events(dev->loop, &dev->in, POLLIN);
}

/* ---- life ---- */

static void watch(struct chardev *dev)
{
    if (dev->in_fd >= 0) {
        dev->in = (struct loop_src){dev->in_fd, 0, in_ready, dev};
        loop_add(dev->loop, &dev->in);
        chardev_pull(dev);
    }
    if (dev->out_fd >= 0 && !dev->is_file) {
        dev->out = (struct loop_src){dev->out_fd, 0, out_ready, dev};
        loop_add(dev->loop, &dev->out);
    }
}

static void away_done(struct chardev *dev)
{
    if (dev->away.fd <= 0)
        return;
    loop_remove(dev->loop, &dev->away);
    close(dev->away.fd);
    dev->away.fd = 0;
}

/* What it says is of no interest, but closing in front of it would take back what it is told. */
static void away_ready(void *arg, short revents)
{
    struct chardev *dev = arg;
    u8 buf[READ_CHUNK];
    ssize_t k = recv(dev->away.fd, buf, sizeof(buf), MSG_DONTWAIT);

    if (!k || (k < 0 && !would_block()))
        away_done(dev);
}

static void turn_away(struct chardev *dev, int fd)
{
    if (!dev->busy ||
        send(fd, dev->busy, strlen(dev->busy), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ||
        shutdown(fd, SHUT_WR)) {
        close(fd);
        return;
    }
    away_done(dev); /* one at a time */
    dev->away = (struct loop_src){fd, POLLIN, away_ready, dev};
    loop_add(dev->loop, &dev->away);
}

static void connection(void *arg, short revents)
{
    struct chardev *dev = arg;
    int fd = accept(dev->listen_fd, NULL, NULL);

    if (fd < 0)
        return;
    if (dev->in_fd >= 0) { /* one at a time: the newcomer is turned away */
        turn_away(dev, fd);
        return;
    }
    dev->in_fd = dev->out_fd = fd;
    dev->mux.escaped = false;
    watch(dev);
    tell(dev, CHR_OPENED);
}

/* The timer of reconnect= rang. */
static void connect_again(void *arg, short revents)
{
    struct chardev *dev = arg;
    u64 rings;
    int fd;

    if (read(dev->again.fd, &rings, sizeof(rings)) != sizeof(rings) || dev->in_fd >= 0)
        return;
    fd = socket(dev->peer->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, dev->peer, dev->peer_len)) {
        if (fd >= 0)
            close(fd);
        try_later(dev);
        return;
    }
    dev->in_fd = dev->out_fd = fd;
    watch(dev);
    tell(dev, CHR_OPENED);
}

bool chardev_ring_write(struct chardev *dev, const u8 *data, size_t n)
{
    struct chardev_user *u = focused(dev);

    if (!dev->ring)
        return false;
    if (u)
        u->input(u->arg, data, MIN(n, u->room(u->arg)));
    return true;
}

struct chardev *chardev_open(struct loop *loop, const char *id, const char *spec, bool mux,
                             struct err *err)
{
    struct chardev *dev = calloc(1, sizeof(*dev));

    if (!dev) {
        err_set(err, "Out of memory for a character device.");
        return NULL;
    }
    dev->loop = loop;
    dev->in_fd = dev->out_fd = dev->listen_fd = -1;
    dev->want_mux = mux;
    strncpy(dev->id, id, sizeof(dev->id) - 1);
    if (!chardev_open_spec(dev, spec, err)) {
        free(dev);
        return NULL;
    }
    if (dev->listen_fd >= 0) {
        dev->listener = (struct loop_src){dev->listen_fd, POLLIN, connection, dev};
        loop_add(loop, &dev->listener);
    }
    watch(dev);
    if (dev->reconnect) {
        int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

        dev->again = (struct loop_src){fd, POLLIN, connect_again, dev};
        if (fd >= 0)
            loop_add(loop, &dev->again);
        if (dev->in_fd < 0)
            try_later(dev);
    }
    return dev;
}

void chardev_close(struct chardev *dev)
{
    u64 end = host_now() + FLUSH_NS;

    if (!dev)
        return;
    while (dev->out_fd >= 0 && !flush(dev) && host_now() < end) {
        struct pollfd p = {dev->out_fd, POLLOUT, 0};
        poll(&p, 1, 100);
    }
    loop_remove(dev->loop, &dev->in);
    loop_remove(dev->loop, &dev->out);
    loop_remove(dev->loop, &dev->listener);
    away_done(dev);
    if (dev->again.fd > 0) {
        loop_remove(dev->loop, &dev->again);
        close(dev->again.fd);
    }
    if (!dev->is_stdio) {
        if (dev->in_fd >= 0)
            close(dev->in_fd);
        if (dev->out_fd >= 0 && dev->out_fd != dev->in_fd)
            close(dev->out_fd);
    }
    if (dev->listen_fd >= 0)
        close(dev->listen_fd);
    if (dev->unlink_path[0])
        unlink(dev->unlink_path);
    for (unsigned i = 0; i < dev->mux.n; i++)
        dev->users[i]->dev = NULL;
    free(dev->obuf);
    free(dev->ring);
    free(dev->peer);
    free(dev);
}

bool chardev_attach(struct chardev *dev, struct chardev_user *user)
{
    if (dev->mux.n >= CHARDEV_USERS || (dev->mux.n && !dev->want_mux))
        return false;
    dev->users[dev->mux.n++] = user;
    user->dev = dev;
    chardev_pull(dev);
    return true;
}

/* ---- ports ---- */

static size_t device_room(const struct chr *chr)
{
    return chr->can_take ? chr->can_take(chr->arg) : 0;
}

/* Give the device what waits, as far as it has room. */
static void port_drain(struct chr_port *port)
{
    while (port->len && device_room(&port->chr)) {
        size_t n =
            MIN(MIN((size_t)port->len, CHARDEV_PORT_ROOM - port->head), device_room(&port->chr));

        port->chr.take(port->chr.arg, port->buf + port->head, n);
        port->head = (u32)((port->head + n) % CHARDEV_PORT_ROOM);
        port->len -= (u32)n;
    }
}

static void port_input(void *arg, const u8 *data, size_t n)
{
    struct chr_port *port = arg;

    for (size_t i = 0; i < n && port->len < CHARDEV_PORT_ROOM; i++)
        port->buf[(port->head + port->len++) % CHARDEV_PORT_ROOM] = data[i];
    port_drain(port);
}

static size_t port_room(void *arg)
{
    return CHARDEV_PORT_ROOM - ((struct chr_port *)arg)->len;
}

static void port_event(void *arg, int event)
{
    struct chr_port *port = arg;

    if (port->chr.event)
        port->chr.event(port->chr.arg, event);
}

static void port_write(struct chr *chr, const u8 *data, size_t n)
{
    chardev_send(container_of(chr, struct chr_port, chr)->user.dev, data, n);
}

static void port_lines(struct chr *chr, bool dtr, bool rts)
{
    struct chardev *dev = container_of(chr, struct chr_port, chr)->user.dev;

    if (dev && dev->is_mouse)
        msmouse_lines(&dev->mouse, dtr, rts);
}

static void port_ready(struct chr *chr)
{
    struct chr_port *port = container_of(chr, struct chr_port, chr);

    port_drain(port);
    if (port->user.dev && port->user.dev->is_mouse)
        msmouse_send(&port->user.dev->mouse);
    chardev_pull(port->user.dev);
}

void chr_port_init(struct chr_port *port)
{
    static const struct chr_ops ops = {port_write, port_lines};

    memset(port, 0, sizeof(*port));
    port->chr.ops = &ops;
    port->chr.ready = port_ready;
    port->user = (struct chardev_user){
        .room = port_room, .input = port_input, .event = port_event, .arg = port};
}

bool chr_port_connect(struct chr_port *port, struct chardev *dev)
{
    return chardev_attach(dev, &port->user);
}
