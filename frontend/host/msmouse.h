/* A Microsoft-compatible serial mouse with three buttons behind a UART: a kind of character device. */
#ifndef FRONTEND_HOST_MSMOUSE_H
#define FRONTEND_HOST_MSMOUSE_H

#include "devices/core/ports.h"

struct chardev;

struct msmouse {
    struct chardev *dev; /* whose users get its bytes */
    int dx, dy;          /* not told yet */
    u32 buttons, told;
    bool powered; /* by the lines of the port */
};

struct mouse_sink msmouse_sink(struct msmouse *m);
/* The port's lines changed: they power the mouse, which says what it is when it gets power. */
void msmouse_lines(struct msmouse *m, bool dtr, bool rts);
/* Tell what is not told yet, if the port has room for it. */
void msmouse_send(struct msmouse *m);

#endif
