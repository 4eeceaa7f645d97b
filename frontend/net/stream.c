/* Frames through a stream socket, each behind its length as 32 bits, big-endian: how machines of
 * other programs, and passt, are joined. One end listens, the other connects. */
#define _GNU_SOURCE
#include "frontend/net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { IN_ROOM = 256 << 10, OUT_ROOM = 1 << 20, HEADER = 4 };

struct stream {
    struct netdev *d;
    struct net_address addr;
    bool server;
    u64 reconnect; /* seconds; 0: never */
    struct loop_src conn, listener;
    struct loop_timer retry;
    char unlink_path[108];
    u8 *in, *out;
    size_t in_len, out_len;
};

static void disconnect(struct stream *s);

/* ---- from the peer ---- */

/* Hand over whole frames. False: the peer does not speak this. */
static bool take_frames(struct stream *s)
{
    size_t at = 0;
    bool ok = true;

    while (s->in_len - at >= HEADER && netdev_room(s->d)) {
        u32 n = (u32)s->in[at] << 24 | (u32)s->in[at + 1] << 16 | (u32)s->in[at + 2] << 8 |
                s->in[at + 3];

        if (!n || n > NETDEV_FRAME_MAX) {
            ok = false;
            break;
        }
        if (s->in_len - at - HEADER < n)
            break;
        netdev_deliver(s->d, s->in + at + HEADER, n);
        at += HEADER + n;
    }
    memmove(s->in, s->in + at, s->in_len - at);
    s->in_len -= at;
    return ok;
}

static void want_events(struct stream *s)
{
    bool room = netdev_room(s->d) && s->in_len < IN_ROOM;

    loop_events(s->d->all->loop, &s->conn,
                (short)((room ? POLLIN : 0) | (s->out_len ? POLLOUT : 0)));
}

static void drain(struct stream *s)
{
    ssize_t n = write(s->conn.fd, s->out, s->out_len);

    if (n <= 0)
        return;
    memmove(s->out, s->out + n, s->out_len - (size_t)n);
    s->out_len -= (size_t)n;
}

static void on_data(void *arg, short revents)
{
    struct stream *s = arg;
    ssize_t n = 0;

    if (revents & POLLOUT)
        drain(s);
    if (revents & (POLLIN | POLLHUP | POLLERR)) {
        n = s->in_len < IN_ROOM ? read(s->conn.fd, s->in + s->in_len, IN_ROOM - s->in_len) : -1;
        if (n > 0)
            s->in_len += (size_t)n;
        else if (!n || (revents & (POLLHUP | POLLERR)) || (errno != EAGAIN && errno != EINTR)) {
            disconnect(s);
            return;
        }
    }
    if (!take_frames(s)) {
        log_guest_error(s->d->all->log, s->d->id, "the peer sent an impossible length");
        disconnect(s);
        return;
    }
    want_events(s);
}

static void stream_resume(struct netdev *d)
{
    struct stream *s = d->state;

    if (s->conn.fd < 0)
        return;
    if (!take_frames(s))
        disconnect(s);
    else
        want_events(s);
}

/* ---- connecting ---- */

static void connected(struct stream *s, int fd)
{
    int one = 1;

    fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    s->in_len = s->out_len = 0;
    s->conn = (struct loop_src){fd, POLLIN, on_data, s};
    loop_add(s->d->all->loop, &s->conn);
    loop_events(s->d->all->loop, &s->listener, 0);
}

static bool dial(struct stream *s)
{
    int fd = socket(s->addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), keep;

    if (fd >= 0 && !connect(fd, &s->addr.any, s->addr.len)) {
        connected(s, fd);
        return true;
    }
    keep = errno;
    if (fd >= 0)
        close(fd);
    errno = keep;
    return false;
}

static void on_retry(void *arg)
{
    struct stream *s = arg;

    if (s->conn.fd < 0 && !dial(s))
        s->retry.when = host_now() + s->reconnect * 1000000000ull;
}

static void on_caller(void *arg, short revents)
{
    struct stream *s = arg;
    int fd = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0)
        connected(s, fd);
}

static void disconnect(struct stream *s)
{
    loop_remove(s->d->all->loop, &s->conn);
    close(s->conn.fd);
    s->conn.fd = -1;
    s->in_len = s->out_len = 0;
    loop_events(s->d->all->loop, &s->listener, POLLIN);
    if (s->reconnect)
        s->retry.when = host_now() + s->reconnect * 1000000000ull;
}

static bool start_listening(struct stream *s, struct err *err)
{
    struct net_address *a = &s->addr;
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    bool local = a->any.sa_family == AF_UNIX;
    mode_t mask;
    struct stat st;
    int rc;

    if (fd < 0)
        return err_set(err, "Cannot make a socket: %s.", strerror(errno));
    s->listener.fd = fd;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (local && !lstat(a->un.sun_path, &st) && S_ISSOCK(st.st_mode))
        unlink(a->un.sun_path); /* left over from an earlier run */
    mask = umask(0177);
    rc = bind(fd, &a->any, a->len) || listen(fd, 1);
    umask(mask);
    if (rc)
        return err_set(err, "-netdev %s cannot listen on %s: %s.", s->d->kind->name, a->text,
                       strerror(errno));
    if (local)
        memcpy(s->unlink_path, a->un.sun_path, sizeof(s->unlink_path));
    loop_add(s->d->all->loop, &s->listener);
    return true;
}

static bool start(struct stream *s, struct err *err)
{
    struct loop *loop = s->d->all->loop;

    s->in = malloc(IN_ROOM);
    s->out = malloc(OUT_ROOM);
    if (!s->in || !s->out)
        return err_set(err, "No memory for a network.");
    if (s->addr.fd >= 0) {
        connected(s, s->addr.fd);
        return true;
    }
    if (s->server)
        return start_listening(s, err);
    loop_timer_add(loop, &s->retry);
    if (dial(s))
        return true;
    if (!s->reconnect)
        return err_set(err, "-netdev %s cannot connect to %s: %s.", s->d->kind->name, s->addr.text,
                       strerror(errno));
    s->retry.when = host_now() + s->reconnect * 1000000000ull;
    return true;
}

static struct stream *stream_new(struct netdev *d)
{
    struct stream *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    d->state = s;
    s->d = d;
    s->conn.fd = -1;
    s->listener = (struct loop_src){-1, POLLIN, on_caller, s};
    s->retry = (struct loop_timer){.when = LOOP_NEVER, .fire = on_retry, .arg = s};
    return s;
}

static bool stream_open(struct netdev *d, struct err *err)
{
    struct stream *s = stream_new(d);

    if (!s)
        return err_set(err, "No memory for a network.");
    if (!netdev_bool(d, "server", &s->server, err) ||
        !netdev_number(d, "reconnect", 3600, &s->reconnect, err) ||
        !net_address_props(d, "addr", &s->addr, err))
        return false;
    if (!s->addr.len && s->addr.fd < 0)
        return err_set(
            err,
            "-netdev stream needs addr.type= (unix with addr.path, inet with addr.port, or fd).");
    if (s->reconnect && s->server)
        return err_set(err, "-netdev stream: reconnect is for the end that connects (server=off).");
    return start(s, err);
}

/* ---- to the peer ---- */

static void stream_send(struct netdev *d, const u8 *frame, size_t n)
{
    struct stream *s = d->state;
    u8 header[HEADER] = {(u8)(n >> 24), (u8)(n >> 16), (u8)(n >> 8), (u8)n};
    struct iovec v[] = {{header, HEADER}, {(void *)frame, n}};
    size_t sent = 0;

    if (s->conn.fd < 0)
        return;
    if (!s->out_len) {
        ssize_t k = writev(s->conn.fd, v, 2);

        if (k == (ssize_t)(n + HEADER))
            return;
        sent = k > 0 ? (size_t)k : 0;
    }
    /* What was begun must be finished: room for a whole frame is kept for that. */
    if (s->out_len + n + HEADER > OUT_ROOM - (sent ? 0 : NETDEV_FRAME_MAX)) {
        d->dropped++;
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        size_t skip = MIN(sent, v[i].iov_len);

        memcpy(s->out + s->out_len, (u8 *)v[i].iov_base + skip, v[i].iov_len - skip);
        s->out_len += v[i].iov_len - skip;
        sent -= skip;
    }
    want_events(s);
}

static void stream_close(struct netdev *d)
{
    struct stream *s = d->state;
    struct loop *loop = d->all->loop;

    if (!s)
        return;
    if (s->conn.fd >= 0) {
        loop_remove(loop, &s->conn);
        close(s->conn.fd);
    }
    if (s->listener.fd >= 0) {
        loop_remove(loop, &s->listener);
        close(s->listener.fd);
    }
    loop_timer_remove(loop, &s->retry);
    if (s->unlink_path[0])
        unlink(s->unlink_path);
    free(s->in), free(s->out);
    free(s);
    d->state = NULL;
}

static void stream_describe(const struct netdev *d, char *buf, size_t size)
{
    const struct stream *s = d->state;

    snprintf(buf, size, "%s %s%s", s->server ? "listening on" : "to", s->addr.text,
             s->conn.fd >= 0 ? ", connected" : ", not connected");
}

const struct netdev_kind net_kind_stream = {"stream",     stream_open,   stream_send,
                                            stream_close, stream_resume, stream_describe};

/* ---- the older form: -netdev socket,listen=|connect=|fd=, and udp= which dgram.c does ---- */

static bool socket_open(struct netdev *d, struct err *err)
{
    char text[64];
    struct stream *s;
    unsigned given = 0;

    for (unsigned i = 0; i < 4; i++)
        given += netdev_prop(d, (const char *const[]){"listen", "connect", "fd", "udp"}[i], 0, text,
                             sizeof(text));
    if (given != 1)
        return err_set(err, "-netdev socket takes one of listen=, connect=, udp= and fd=.");
    if (netdev_prop(d, "udp", 0, text, sizeof(text))) {
        extern const struct netdev_kind net_kind_dgram;

        d->kind = &net_kind_dgram;
        return d->kind->open(d, err);
    }
    s = stream_new(d);
    if (!s)
        return err_set(err, "No memory for a network.");
    s->server = netdev_prop(d, "listen", 0, text, sizeof(text));
    if (s->server || netdev_prop(d, "connect", 0, text, sizeof(text))) {
        if (!net_address_inet("-netdev socket", text, &s->addr, err))
            return false;
    } else {
        u64 fd = 0;

        if (!netdev_number(d, "fd", 65535, &fd, err))
            return false;
        s->addr.fd = (int)fd;
        snprintf(s->addr.text, sizeof(s->addr.text), "fd:%u", (unsigned)fd);
        if (fcntl((int)fd, F_GETFD) < 0)
            return err_set(err, "-netdev socket: descriptor %u is not open.", (unsigned)fd);
    }
    return start(s, err);
}

const struct netdev_kind net_kind_socket = {"socket",     socket_open,   stream_send,
                                            stream_close, stream_resume, stream_describe};
