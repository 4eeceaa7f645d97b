/* The protocol of Microsoft's serial mouse: packets of three bytes with seven bits each, the first
 * marked by bit 6; a fourth for the middle button, as Logitech added it. */
#include "frontend/host/msmouse.h"

#include "frontend/host/chardev.h"

enum { STEP = 127, SYNC = 0x40, LEFT = 0x20, RIGHT = 0x10, MIDDLE = 0x20 };

static struct chardev_user *user_of(const struct msmouse *m)
{
    return m->dev->mux.n ? m->dev->users[0] : NULL;
}

/* A packet is sent when the ones before are on their way, so that the newest place is never far
 * behind a queue of old ones. */
static bool may_send(const struct msmouse *m)
{
    const struct chardev_user *u = user_of(m);

    return u && m->powered && u->room(u->arg) + 8 >= CHARDEV_PORT_ROOM;
}

void msmouse_send(struct msmouse *m)
{
    while ((m->dx || m->dy || m->buttons != m->told) && may_send(m)) {
        int dx = MAX(-STEP, MIN(m->dx, STEP)), dy = MAX(-STEP, MIN(m->dy, STEP));
        bool middle = (m->buttons | m->told) & 4;
        u8 packet[4] = {
            (u8)(SYNC | (m->buttons & 1 ? LEFT : 0) | (m->buttons & 2 ? RIGHT : 0) |
                 (dy >> 4 & 0x0c) | (dx >> 6 & 3)),
            (u8)(dx & 0x3f), (u8)(dy & 0x3f), m->buttons & 4 ? MIDDLE : 0};

        m->dx -= dx;
        m->dy -= dy;
        m->told = m->buttons;
        user_of(m)->input(user_of(m)->arg, packet, middle ? 4 : 3);
    }
}

static void move(void *dev, int dx, int dy, int dz, u32 buttons)
{
    struct msmouse *m = dev;

    /* no more than a guest that never reads should catch up with */
    m->dx = MAX(-4096, MIN(m->dx + dx, 4096));
    m->dy = MAX(-4096, MIN(m->dy + dy, 4096));
    m->buttons = buttons & 7;
    msmouse_send(m);
}

struct mouse_sink msmouse_sink(struct msmouse *m)
{
    return (struct mouse_sink){m, move};
}

void msmouse_lines(struct msmouse *m, bool dtr, bool rts)
{
    static const u8 id[] = {'M', '3'};
    bool power = dtr && rts;

    if (power && !m->powered) {
        m->dx = m->dy = 0;
        if (user_of(m))
            user_of(m)->input(user_of(m)->arg, id, sizeof(id));
    }
    m->powered = power;
}
