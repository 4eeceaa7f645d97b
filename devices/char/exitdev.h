/* The exit device: a guest's write ends the program with a status of the guest's choice. */
#ifndef DEVICES_CHAR_EXITDEV_H
#define DEVICES_CHAR_EXITDEV_H

#include "devices/core/dev.h"
#include "mmu/bus.h"

struct exitdev_regs {
    u32 value; /* last value written */
};

struct exitdev {
    struct dev dev;
    struct exitdev_regs r;
    struct region io;
    void (*exit)(
        void *arg,
        int status); /* called inside the guest's OUT; status is (value << 1) | 1, 8 bits */
    void *arg;
    u32 base; /* prop */
};

extern const struct dev_class exitdev_class;

#endif
