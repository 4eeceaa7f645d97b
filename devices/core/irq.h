/* A wire that carries a level from one device to another's input. */
#ifndef DEVICES_CORE_IRQ_H
#define DEVICES_CORE_IRQ_H

#include "devices/core/types.h"

struct irq {
    void (*set)(void *sink, int n, int level); /* NULL: not connected */
    void *sink;
    int n;
    u8 level;
};

/* Drive the wire; a repeat of the present level is dropped. Devices compute the level from their
 * state at the end of every entry point and call this: nothing is ever "raised". */
static inline void irq_set(struct irq *irq, int level)
{
    level = !!level;
    if (irq->level == level)
        return;
    irq->level = (u8)level;
    if (irq->set)
        irq->set(irq->sink, irq->n, level);
}

static inline void irq_connect(struct irq *irq, void (*set)(void *, int, int), void *sink, int n)
{
    *irq = (struct irq){set, sink, n, 0};
}

#endif
