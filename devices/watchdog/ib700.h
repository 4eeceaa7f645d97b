/* The watchdog of the iB700 single-board computer: two ports. */
#ifndef DEVICES_WATCHDOG_IB700_H
#define DEVICES_WATCHDOG_IB700_H

#include "devices/core/dev.h"
#include "devices/core/plug.h"
#include "mmu/bus.h"

struct ib700_regs {
    u64 deadline; /* ns; CLOCK_NEVER: off */
};

struct ib700 {
    struct dev dev;
    struct ib700_regs r;
    void (*expired)(void *arg);
    void *arg;
    struct region stop, start;
    struct timer timer;
};

extern const struct dev_class ib700_class;
bool ib700_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
