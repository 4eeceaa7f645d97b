/* Character devices of the host (terminal, file, pty, socket, pipe) and the ports that connect them
 * to a UART. */
#ifndef FRONTEND_HOST_CHARDEV_H
#define FRONTEND_HOST_CHARDEV_H

#include "devices/core/err.h"
#include "devices/core/ports.h"
#include "frontend/host/msmouse.h"
#include "frontend/loop.h"
#include "frontend/term/mux.h"

enum { CHARDEV_USERS = 8, CHARDEV_PORT_ROOM = 4096 };

struct chardev;
struct sockaddr;

/* One that reads and writes a chardev: a port or a monitor. */
struct chardev_user {
    size_t (*room)(void *arg); /* how many bytes it can take now */
    void (*input)(void *arg, const u8 *data, size_t n);
    void (*event)(void *arg, int event); /* CHR_*; may be NULL */
    void *arg;
    struct chardev *dev; /* set by chardev_attach */
    void (*drained)(void *arg);        /* everything sent is on its way; may be NULL */
    /* A descriptor came over a unix socket, now the user's to close. NULL: they are closed. */
    void (*take_fd)(void *arg, int fd);
};

/* What the Ctrl-A keys do to the program. */
struct chardev_hooks {
    void *arg;
    void (*quit)(void *arg);
    void (*sync)(void *arg);
};

struct chardev {
    char id[64];
    char label[300]; /* for people: "pty:/dev/pts/3" */
    struct loop *loop;
    struct loop_src in, out, listener, again; /* again: time to connect anew */
    struct loop_src away; /* a second one who connected, until it has heard that; fd 0: none */
    int in_fd, out_fd, listen_fd; /* -1: none */
    bool is_stdio, is_tty, is_file, is_socket, is_unix, is_dgram;
    bool want_mux;
    bool is_mouse; /* nothing of the host: `mouse` is behind it */
    struct msmouse mouse;
    char unlink_path[108];
    u8 *obuf; /* bytes waiting for the host */
    size_t olen, ocap;
    u64 dropped;
    const char *busy;        /* what a second one who connects is told; NULL: nothing */
    u32 reconnect;           /* seconds between tries of a client; 0: none */
    struct sockaddr *peer;   /* ... and whom to */
    u32 peer_len;
    u8 *ring;                /* of a ringbuf: the last ring_size bytes, from ring_at */
    u32 ring_size, ring_at, ring_len;
    struct mux mux;
    struct chardev_user *users[CHARDEV_USERS];
    struct chardev_hooks hooks;
};

/* Open what `spec` names: stdio, null, msmouse, pty, file:path, pipe:path,
 * unix:path[,server=on][,wait=off], tcp:host:port[,...], fd:number (a socket that is open), udp:...,
 * ringbuf. With `mux` several users share it through
 * Ctrl-A. NULL with a sentence in *err. */
struct chardev *chardev_open(struct loop *loop, const char *id, const char *spec, bool mux,
                             struct err *err);
/* Write out what is waiting (for up to a second), close. NULL is fine. */
void chardev_close(struct chardev *dev);

/* Join the users. False when it is taken and not shared. */
bool chardev_attach(struct chardev *dev, struct chardev_user *user);
/* Bytes to the host: written, else kept, else (1 MiB waiting) dropped. Never blocks. */
void chardev_send(struct chardev *dev, const u8 *data, size_t n);
/* A ringbuf: take up to n of its bytes; give it n as if from outside. 0 when it is none. */
size_t chardev_ring_read(struct chardev *dev, u8 *data, size_t n);
bool chardev_ring_write(struct chardev *dev, const u8 *data, size_t n);
/* A user has room again. */
void chardev_pull(struct chardev *dev);
/* Is the user the one that keys go to? */
bool chardev_focused(const struct chardev *dev, const struct chardev_user *user);

/* The host end of a device's struct chr, with a buffer for what the device has no room for. `chr`
 * can be given to a board before a chardev is connected. */
struct chr_port {
    struct chr chr;
    struct chardev_user user;
    u8 buf[CHARDEV_PORT_ROOM];
    u32 head, len;
};
void chr_port_init(struct chr_port *port);
bool chr_port_connect(struct chr_port *port, struct chardev *dev);

#endif
