/* PS/2 keyboard of 102 keys with scan code sets 1 and 2. */
#ifndef DEVICES_INPUT_PS2KBD_H
#define DEVICES_INPUT_PS2KBD_H

#include "devices/core/dev.h"
#include "devices/core/fifo.h"
#include "devices/core/ports.h"
#include "devices/input/ps2.h"

enum { PS2KBD_KEYS = 64, PS2KBD_REPLIES = 16 };

struct ps2kbd_regs {
    u64 repeat_at; /* ns of the next repeat, CLOCK_NEVER: none */
    struct fifo_state key, reply;
    u8 keys[PS2KBD_KEYS];       /* scan code bytes */
    u8 replies[PS2KBD_REPLIES]; /* answers to commands: these go first */
    u8 down[32];                /* which keys are held: a bit per code, extended ones from 128 */
    u16 repeat_key;             /* the key that repeats */
    u8 set;                     /* scan code set 1 or 2 */
    u8 leds;
    u8 rate; /* typematic parameter */
    u8 enabled;
    u8 command; /* command that waits for its parameter, 0: none */
    u8 last;    /* last byte sent, for resend */
};

struct ps2kbd {
    struct dev dev;
    struct ps2kbd_regs r;
    struct irq ready; /* to i8042_set_ready, n I8042_KBD */
    struct timer timer;
    void (*leds)(void *arg, u8 leds); /* bit 0 scroll, 1 num, 2 caps lock; may be NULL */
    void *leds_arg;
};

extern const struct dev_class ps2kbd_class;

/* What the controller's port and the frontend are given. */
struct ps2_dev ps2kbd_port(struct ps2kbd *kbd);
struct input_sink ps2kbd_sink(struct ps2kbd *kbd);
/* A key of ports.h changes. A repeat of `down` for a key that is held is dropped: the keyboard
 * repeats by itself. */
void ps2kbd_key(void *dev, u16 key, bool down);

#endif
