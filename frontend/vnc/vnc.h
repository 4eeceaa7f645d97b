/* The screen for VNC clients (RFC 6143), through libvncserver. */
#ifndef FRONTEND_VNC_VNC_H
#define FRONTEND_VNC_VNC_H

#include "devices/core/err.h"
#include "devices/core/types.h"

struct vm;
struct vnc;

/* Display n is at these TCP ports + n. */
enum { VNC_PORT = 5900, VNC_WS_PORT = 5700, VNC_MAX_DISPLAY = 65535 - VNC_PORT, VNC_WS_DEFAULT = ~0u >> 1 };

/* Listen as vm->opt->vnc says and hook into the machine's loop. NULL with *err. */
struct vnc *vnc_open(struct vm *vm, struct err *err);
void vnc_close(struct vnc *v); /* NULL is fine */
/* What clients have to know from now on, at most 8 characters. */
bool vnc_set_password(struct vnc *v, const char *password, struct err *err);
/* For the monitor: where it listens and who is there. */
void vnc_describe(const struct vnc *v, char *text, size_t size);

#endif
