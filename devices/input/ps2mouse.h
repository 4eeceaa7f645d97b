/* PS/2 mouse, which becomes a wheel mouse by the knock sequences of the IntelliMouse. */
#ifndef DEVICES_INPUT_PS2MOUSE_H
#define DEVICES_INPUT_PS2MOUSE_H

#include "devices/core/dev.h"
#include "devices/core/fifo.h"
#include "devices/core/ports.h"
#include "devices/input/ps2.h"

enum { PS2MOUSE_QUEUE = 32 };

struct ps2mouse_regs {
    u64 next; /* ns before which no further packet is sent */
    struct fifo_state out;
    u8 queue[PS2MOUSE_QUEUE];
    u32 dx, dy, dz; /* movement not reported yet (two's complement; dy upwards) */
    u8 buttons, reported;
    u8 id;   /* 0 plain, 3 wheel, 4 five buttons */
    u8 rate; /* samples per second */
    u8 resolution;
    u8 scaling;   /* 2:1 */
    u8 streaming; /* data reporting enabled */
    u8 remote;    /* reports only when asked */
    u8 wrap;      /* echoes */
    u8 command;   /* command that waits for its parameter, 0: none */
    u8 knock[2];  /* the last two sample rates set */
    u8 last;      /* last byte sent */
    u8 pad[7];
};

struct ps2mouse {
    struct dev dev;
    struct ps2mouse_regs r;
    struct irq ready; /* to i8042_set_ready, n I8042_AUX */
    struct timer timer;
};

extern const struct dev_class ps2mouse_class;

struct ps2_dev ps2mouse_port(struct ps2mouse *mouse);
struct mouse_sink ps2mouse_sink(struct ps2mouse *mouse);
/* The mouse moved by dx to the right, dy downwards, the wheel by dz towards the user; buttons as in
 * ports.h. */
void ps2mouse_move(void *dev, int dx, int dy, int dz, u32 buttons);

#endif
