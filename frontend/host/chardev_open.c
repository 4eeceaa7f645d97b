/* The kinds of host character devices: standard input and output, files, named pipes, ptys,
 * sockets. */
#define _GNU_SOURCE
#include "frontend/host/chardev_open.h"

#include "frontend/term/tty.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

static bool open_stdio(struct chardev *dev, struct err *err)
{
    struct stat st;

    dev->in_fd = STDIN_FILENO;
    dev->out_fd = STDOUT_FILENO;
    dev->is_stdio = true;
    dev->is_tty = isatty(STDOUT_FILENO);
    dev->is_file = !fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode);
    if (fcntl(STDIN_FILENO, F_GETFD) < 0)
        dev->in_fd = -1;
    /* Shared, Ctrl-C belongs to the guest and Ctrl-A x ends the program; alone, Ctrl-C still ends
     * it. */
    tty_raw(STDIN_FILENO, !dev->want_mux);
    snprintf(dev->label, sizeof(dev->label), "stdio");
    return true;
}

static bool open_file(struct chardev *dev, const char *path, struct err *err)
{
    dev->out_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (dev->out_fd < 0)
        return err_set(err, "Cannot write '%.300s' for a character device: %s.", path,
                       strerror(errno));
    dev->is_file = true;
    snprintf(dev->label, sizeof(dev->label), "file:%.280s", path);
    return true;
}

static bool open_pipe(struct chardev *dev, const char *path, struct err *err)
{
    char in[4200], out[4200];

    snprintf(in, sizeof(in), "%.4096s.in", path);
    snprintf(out, sizeof(out), "%.4096s.out", path);
    dev->in_fd = open(in, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    dev->out_fd = open(out, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (dev->in_fd < 0 || dev->out_fd < 0) {
        if (dev->in_fd >= 0)
            close(dev->in_fd);
        if (dev->out_fd >= 0)
            close(dev->out_fd);
        dev->in_fd = dev->out_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (dev->in_fd < 0)
            return err_set(err,
                           "Cannot open the pipe '%.300s' (nor '.in' and '.out' behind that name): "
                           "%s; make it with "
                           "mkfifo.",
                           path, strerror(errno));
    }
    snprintf(dev->label, sizeof(dev->label), "pipe:%.280s", path);
    return true;
}

static bool open_pty(struct chardev *dev, struct err *err)
{
    struct termios t;
    char name[100];
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), slave;

    if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, name, sizeof(name))) {
        err_set(err, "Cannot make a pseudo terminal: %s.", strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    /* Kept open for good: without any reader the master would report a hang-up again and again. */
    slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave >= 0 && !tcgetattr(slave, &t)) {
        cfmakeraw(&t);
        tcsetattr(slave, TCSANOW, &t);
    }
    dev->in_fd = dev->out_fd = fd;
    snprintf(dev->label, sizeof(dev->label), "pty:%s", name);
    fprintf(stderr, "char device redirected to %s (label %s)\n", name, dev->id);
    return true;
}

/* ---- sockets ---- */

struct sock_opts {
    char address[300];
    bool server, wait;
    u32 reconnect;
};

static bool sock_parse(const char *text, struct sock_opts *o, struct err *err)
{
    size_t n = strcspn(text, ",");

    o->server = false;
    o->wait = true;
    o->reconnect = 0;
    if (n >= sizeof(o->address))
        return err_set(err, "The socket's address is too long.");
    memcpy(o->address, text, n);
    o->address[n] = 0;
    for (text += n; *text == ','; text += n) {
        text++;
        n = strcspn(text, ",");
        if ((n == 6 && !strncmp(text, "server", n)) || (n == 9 && !strncmp(text, "server=on", n)))
            o->server = true;
        else if ((n == 6 && !strncmp(text, "nowait", n)) ||
                 (n == 8 && !strncmp(text, "wait=off", n)))
            o->wait = false;
        else if (n > 10 && n < 16 && !strncmp(text, "reconnect=", 10))
            o->reconnect = (u32)strtoul(text + 10, NULL, 10);
        else if ((n != 7 || strncmp(text, "wait=on", n)) &&
                 (n != 10 || strncmp(text, "server=off", n)))
            return err_set(err, "A socket takes server=on|off, wait=on|off and "
                                "reconnect=seconds, not '%.60s'.", text);
    }
    return true;
}

static bool sock_listen(struct chardev *dev, const struct sock_opts *o, const struct sockaddr *sa,
                        socklen_t len, int fd, struct err *err)
{
    if (bind(fd, sa, len) || listen(fd, 1)) {
        err_set(err, "Cannot listen on '%s': %s.", o->address, strerror(errno));
        close(fd);
        return false;
    }
    dev->listen_fd = fd;
    if (o->wait) {
        fprintf(stderr, "dragoman: waiting for a connection on %s\n", o->address);
        fd = accept(fd, NULL, NULL);
        if (fd >= 0)
            dev->in_fd = dev->out_fd = fd;
    }
    return true;
}

static bool sock_open(struct chardev *dev, const struct sock_opts *o, const struct sockaddr *sa,
                      socklen_t len, struct err *err)
{
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0)
        return err_set(err, "Cannot make a socket: %s.", strerror(errno));
    dev->is_socket = true;
    if (o->server) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        return sock_listen(dev, o, sa, len, fd, err);
    }
    if (o->reconnect) {
        dev->peer = malloc(len);
        if (!dev->peer) {
            close(fd);
            return err_set(err, "Out of memory for a socket.");
        }
        memcpy(dev->peer, sa, len);
        dev->peer_len = len;
        dev->reconnect = o->reconnect;
    }
    if (connect(fd, sa, len)) {
        if (o->reconnect) { /* it may come up later */
            close(fd);
            return true;
        }
        err_set(err, "Cannot connect to '%s': %s; add ',server=on,wait=off' to listen there.",
                o->address, strerror(errno));
        close(fd);
        return false;
    }
    dev->in_fd = dev->out_fd = fd;
    return true;
}

static bool open_unix(struct chardev *dev, const char *text, struct err *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct sock_opts o;
    struct stat st;
    mode_t mask;
    bool ok;

    if (!sock_parse(text, &o, err))
        return false;
    if (strlen(o.address) >= sizeof(sa.sun_path))
        return err_set(err, "The socket's path '%.200s' is longer than %zu characters.", o.address,
                       sizeof(sa.sun_path) - 1);
    memcpy(sa.sun_path, o.address, strlen(o.address) + 1);
    if (o.server && !lstat(o.address, &st) && S_ISSOCK(st.st_mode))
        unlink(o.address); /* left over from an earlier run */
    mask = umask(0177);    /* whoever connects owns the guest */
    ok = sock_open(dev, &o, (const struct sockaddr *)&sa, sizeof(sa), err);
    umask(mask);
    dev->is_unix = ok;
    if (ok && o.server)
        memcpy(dev->unlink_path, sa.sun_path, sizeof(sa.sun_path));
    snprintf(dev->label, sizeof(dev->label), "unix:%.280s", o.address);
    return ok;
}

static bool open_tcp(struct chardev *dev, const char *text, struct err *err)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    struct sock_opts o;
    char *colon, *end;
    long port;

    if (!sock_parse(text, &o, err))
        return false;
    colon = strrchr(o.address, ':');
    port = colon ? strtol(colon + 1, &end, 10) : 0;
    if (!colon || *end || port < 1 || port > 65535)
        return err_set(err, "A TCP address is host:port with a port of 1 to 65535, not '%s'.",
                       o.address);
    *colon = 0;
    /* The protocol has no authentication, so nothing but this host is let in. */
    if (o.address[0] && strcmp(o.address, "127.0.0.1") && strcmp(o.address, "localhost"))
        return err_set(err, "TCP is for this host only: use 127.0.0.1:%ld, not '%s'.", port,
                       o.address);
    *colon = ':';
    sa.sin_port = htons((u16)port);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    snprintf(dev->label, sizeof(dev->label), "tcp:%.280s", o.address);
    return sock_open(dev, &o, (const struct sockaddr *)&sa, sizeof(sa), err);
}

/* A socket that whoever started us left open: it listens, or is connected. */
static bool open_fd(struct chardev *dev, const char *text, struct err *err)
{
    int listens = 0, family = 0, kind = 0, fd;
    socklen_t len = sizeof(int);
    char *end;
    long n = strtol(text, &end, 10);

    if (end == text || (*end && *end != ',') || n < 3 || n > 65535)
        return err_set(err, "fd= is the number of an open socket, not '%.60s'.", text);
    fd = (int)n;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &len) || kind != SOCK_STREAM)
        return err_set(err, "Descriptor %d is no stream socket.", fd);
    len = sizeof(int);
    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len);
    len = sizeof(int);
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    dev->is_socket = true;
    dev->is_unix = family == AF_UNIX;
    if (listens)
        dev->listen_fd = fd;
    else
        dev->in_fd = dev->out_fd = fd;
    snprintf(dev->label, sizeof(dev->label), "fd:%d", fd);
    return true;
}

/* ---- datagrams ---- */

/* "[host]:port" of this host; port 0 only where `any` allows it. */
static bool parse_local(const char *text, bool any, struct sockaddr_in *sa, struct err *err)
{
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : 0;

    if (!colon || *end || port < (any ? 0 : 1) || port > 65535)
        return err_set(err, "A UDP address is host:port with a port of 1 to 65535, not '%.100s'.",
                       text);
    if (n && (n != 9 || (strncmp(text, "127.0.0.1", n) && strncmp(text, "localhost", n))))
        return err_set(err, "UDP is for this host only: use 127.0.0.1:%ld, not '%.100s'.", port,
                       text);
    *sa = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((u16)port)};
    sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return true;
}

/* host:port[@[localaddr]:localport] */
static bool open_udp(struct chardev *dev, const char *text, struct err *err)
{
    struct sockaddr_in peer, self;
    char remote[200];
    size_t n = strcspn(text, "@");
    int fd;

    snprintf(remote, sizeof(remote), "%.*s", (int)MIN(n, sizeof(remote) - 1), text);
    if (!parse_local(remote, false, &peer, err) ||
        !parse_local(text[n] ? text + n + 1 : ":0", true, &self, err))
        return false;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof(self)) ||
        connect(fd, (struct sockaddr *)&peer, sizeof(peer))) {
        err_set(err, "Cannot use UDP at '%.100s': %s.", text, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    dev->is_socket = dev->is_dgram = true;
    dev->in_fd = dev->out_fd = fd;
    snprintf(dev->label, sizeof(dev->label), "udp:%.280s", text);
    return true;
}

static bool open_ringbuf(struct chardev *dev, const char *size, struct err *err)
{
    unsigned long n = *size ? strtoul(size, NULL, 0) : 65536;

    if (n < 16 || n > 1 << 24)
        return err_set(err, "A ringbuf has 16 bytes to 16 MiB, not '%.60s'.", size);
    dev->ring = calloc(1, n);
    if (!dev->ring)
        return err_set(err, "Out of memory for a ringbuf.");
    dev->ring_size = (u32)n;
    snprintf(dev->label, sizeof(dev->label), "ringbuf");
    return true;
}

bool chardev_open_spec(struct chardev *dev, const char *spec, struct err *err)
{
    if (!strcmp(spec, "stdio"))
        return open_stdio(dev, err);
    if (!strcmp(spec, "null") || !strcmp(spec, "vc")) {
        snprintf(dev->label, sizeof(dev->label), "%s", spec);
        return true;
    }
    if (!strcmp(spec, "msmouse")) {
        dev->is_mouse = true;
        dev->mouse.dev = dev;
        snprintf(dev->label, sizeof(dev->label), "msmouse");
        return true;
    }
    if (!strcmp(spec, "pty"))
        return open_pty(dev, err);
    if (!strncmp(spec, "file:", 5))
        return open_file(dev, spec + 5, err);
    if (!strncmp(spec, "pipe:", 5))
        return open_pipe(dev, spec + 5, err);
    if (!strncmp(spec, "unix:", 5))
        return open_unix(dev, spec + 5, err);
    if (!strncmp(spec, "fd:", 3))
        return open_fd(dev, spec + 3, err);
    if (!strncmp(spec, "udp:", 4))
        return open_udp(dev, spec + 4, err);
    if (!strcmp(spec, "ringbuf") || !strncmp(spec, "ringbuf:", 8))
        return open_ringbuf(dev, spec[7] ? spec + 8 : "", err);
    if (!strncmp(spec, "tcp:", 4))
        return open_tcp(dev, spec + 4, err);
    return err_set(err, "'%.80s' is no character device.", spec);
}
