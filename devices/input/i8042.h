/* Keyboard controller 8042 at ports 0x60 and 0x64: keyboard and mouse port, A20 and reset lines. */
#ifndef DEVICES_INPUT_I8042_H
#define DEVICES_INPUT_I8042_H

#include "devices/core/dev.h"
#include "devices/core/fifo.h"
#include "devices/input/ps2.h"
#include "mmu/bus.h"

enum { I8042_KBD, I8042_AUX };
enum { I8042_REPLIES = 16 };

struct i8042_regs {
    u64 next;                    /* ns before which the next byte does not arrive from a device */
    u8 ram[32];                  /* byte 0: the command byte */
    u8 replies[I8042_REPLIES];   /* bytes of the controller itself */
    u8 reply_aux[I8042_REPLIES]; /* 1: to be shown as a mouse byte */
    struct fifo_state reply;
    u8 out;              /* output buffer */
    u8 full;             /* it holds an unread byte */
    u8 source;           /* of `out`: 0 keyboard, 1 mouse, 2 controller */
    u8 command;          /* command that waits for its parameter, 0: none */
    u8 last_was_command; /* status bit 3 */
    u8 system;           /* status bit 2: self-test passed */
    u8 a20;
    u8 release;  /* translation: the release prefix 0xf0 was seen */
    u8 ready[2]; /* level of the devices' ready wires */
    u8 pad[6];
};

struct i8042 {
    struct dev dev;
    struct i8042_regs r;
    struct irq irq1, irq12;
    struct irq a20;         /* the gate's level */
    struct irq reset;       /* pulses high to reset the machine */
    struct ps2_dev port[2]; /* I8042_KBD, I8042_AUX; take == NULL: nothing connected */
    struct region data_io, cmd_io;
    struct timer timer;
};

extern const struct dev_class i8042_class;

/* Input wires from the devices: n is I8042_KBD or I8042_AUX; level: a byte waits. */
void i8042_set_ready(void *sink, int n, int level);
/* What the controller makes of scan code set 2 byte `v` (without the release prefix). */
u8 i8042_translate(u8 v);

#endif
