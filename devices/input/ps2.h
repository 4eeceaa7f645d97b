/* The two wires between the keyboard controller and a PS/2 device, as bytes. */
#ifndef DEVICES_INPUT_PS2_H
#define DEVICES_INPUT_PS2_H

#include "devices/core/irq.h"
#include "devices/core/types.h"

/* A device on one end: the controller calls these. `ready` is the device's wire to i8042_set_ready:
 * it has a byte. */
struct ps2_dev {
    void *dev;
    void (*write)(void *dev, u8 byte); /* a command or parameter from the host */
    int (*take)(void *dev);            /* the next byte, -1: none */
};

#endif
