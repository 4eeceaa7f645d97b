/* The screen for VNC clients (RFC 6143), through libvncserver. */
#ifndef FRONTEND_VNC_VNC_H
#define FRONTEND_VNC_VNC_H

#include "devices/core/err.h"
#include "devices/core/types.h"

struct vm;
struct vnc;

/* Display n is at these TCP ports + n. */
enum {
    VNC_PORT = 5900,
    VNC_WS_PORT = 5700,
    VNC_MAX_DISPLAY = 65535 - VNC_PORT,
    VNC_WS_DEFAULT = ~0u >> 1,
    VNC_CLIENTS = 8,
};

/* Listen as vm->opt->vnc says and hook into the machine's loop. NULL with *err. */
struct vnc *vnc_open(struct vm *vm, struct err *err);
void vnc_close(struct vnc *v); /* NULL is fine */
/* What clients have to know from now on, at most 8 characters. */
bool vnc_set_password(struct vnc *v, const char *password, struct err *err);
/* Nobody is let in with the password any more from this date on, in seconds since 1970; 0: it
 * stays good. */
bool vnc_expire_password(struct vnc *v, s64 when, struct err *err);

/* Where it listens and who is there, for programs. */
struct vnc_info {
    char host[64];
    u32 port;
    bool ipv6, password;
    unsigned nclients;
    struct vnc_peer {
        char host[64], service[8];
        bool ipv6;
    } client[VNC_CLIENTS];
};
void vnc_info(const struct vnc *v, struct vnc_info *info);
/* For the monitor: where it listens and who is there. */
void vnc_describe(const struct vnc *v, char *text, size_t size);

#endif
