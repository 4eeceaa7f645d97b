/* Programmable interrupt controller 8259A: one instance per chip; a PC has two, the second on IR2
 * of the first. */
#ifndef DEVICES_IRQ_I8259_H
#define DEVICES_IRQ_I8259_H

#include "devices/core/dev.h"
#include "mmu/bus.h"

struct i8259_regs {
    u8 lines;       /* level of IR0..7 now */
    u8 irr;         /* requests */
    u8 isr;         /* in service */
    u8 imr;         /* masked */
    u8 elcr;        /* 1: level-triggered */
    u8 base;        /* ICW2: vector of IR0 */
    u8 icw;         /* next ICW expected on the data port: 0 none, 2, 3, 4 */
    u8 icw1, icw4;  /* as written */
    u8 lowest;      /* the IR with the lowest priority now */
    u8 read_isr;    /* OCW3: the command port reads ISR */
    u8 poll;        /* OCW3: the next read is a poll */
    u8 special;     /* special mask mode */
    u8 rotate_aeoi; /* rotate in automatic EOI mode */
};

struct i8259 {
    struct dev dev;
    struct i8259_regs r;
    struct irq out; /* INT: to the CPU (through LINT0) or to IR2 of the master */
    struct region io, elcr_io;
    /* props */
    u32 base;      /* command port; the data port follows */
    u32 elcr_port; /* 0: none */
    u32 elcr_mask; /* which bits of ELCR can be set */
    u32 cascade;   /* mask of IRs that a slave drives (master only) */
};

extern const struct dev_class i8259_class;

/* Input IR`n` (0..7) of the chip `sink`. */
void i8259_set_irq(void *sink, int n, int level);
/* The CPU's two INTA cycles: the vector. `slave` may be NULL. A request that went away gives the
 * spurious IR7. */
int i8259_ack(struct i8259 *master, struct i8259 *slave);
/* Is a request waiting for the CPU? */
bool i8259_pending(const struct i8259 *pic);

#endif
