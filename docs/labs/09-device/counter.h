/* Lab 9: an ISA device, a counter of microseconds with an interrupt. Four registers of 32 bits at
 * ports iobase (COUNTER_*). */
#ifndef DOCS_LABS_09_DEVICE_COUNTER_H
#define DOCS_LABS_09_DEVICE_COUNTER_H

#include "devices/core/dev.h"
#include "devices/core/plug.h"
#include "mmu/bus.h"

/* Registers, by their offset from iobase. */
enum {
    COUNTER_COUNT = 0,    /* read: whole microseconds since it started or went round; 0: it stands */
    COUNTER_LIMIT = 4,    /* microseconds until it goes round; 0 is taken as 1 */
    COUNTER_CONTROL = 8,  /* CONTROL_*: setting RUN when it is clear starts at 0 */
    COUNTER_STATUS = 12,  /* read: STATUS_REACHED when it went round; writing a 1 clears the bit */
};
enum { CONTROL_RUN = 1, CONTROL_IRQ = 2, CONTROL_ALL = 3, STATUS_REACHED = 1 };

/* What a snapshot keeps: every byte is a row of the field table. */
struct counter_regs {
    u64 begun; /* ns of virtual time at which COUNT was 0 */
    u32 limit; /* microseconds, never 0 */
    u16 control, status;
};

struct counter {
    struct dev dev;
    struct counter_regs r;
    struct region io;
    struct timer timer; /* runs out when COUNT reaches LIMIT */
    struct irq irq;     /* its level is up while REACHED and IRQ are set */
    u32 iobase, line;   /* properties: the first port, the ISA interrupt */
};

/* class.c: the tables that describe the device, and its plug. */
extern const struct dev_class counter_class;
bool counter_plug(struct dev *dev, const struct plug *plug, struct err *err);

/* counter.c, the student's. Make timer and region and put the region on the bus of ports. */
bool counter_init(struct dev *dev, struct err *err);
/* The fields have their reset values: the wire and the timer follow. */
void counter_reset(struct dev *dev);
/* The fields come from a snapshot, which anybody may have written: false with a sentence when
 * they are none that the device can have; else the wire and the timer follow. */
bool counter_loaded(struct dev *dev, struct err *err);

#endif
