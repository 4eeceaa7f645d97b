/* A parallel port as the first PCs had it (IBM PC Technical Reference, "Printer Adapter"; IEEE 1284
 * compatibility mode), with a printer that takes every byte at once. */
#ifndef DEVICES_CHAR_LPT_H
#define DEVICES_CHAR_LPT_H

#include "devices/core/dev.h"
#include "devices/core/plug.h"
#include "mmu/bus.h"

struct lpt_regs {
    u8 data, control;
    u8 acked; /* the printer acknowledged since the status was read last */
};

struct lpt {
    struct dev dev;
    struct lpt_regs r;
    struct irq out;
    struct chr *chr;
    struct region io;
    u32 base, irq; /* properties */
};

extern const struct dev_class lpt_class;
/* Connect it to its interrupt and to the character device that prints. */
bool lpt_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
