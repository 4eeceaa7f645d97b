/* I/O APIC: 24 inputs, each sent as a message to local APICs. */
#ifndef DEVICES_IRQ_IOAPIC_H
#define DEVICES_IRQ_IOAPIC_H

#include "devices/core/dev.h"
#include "devices/irq/lapic.h"
#include "mmu/bus.h"

enum { IOAPIC_PINS = 24 };
#define IOAPIC_BASE 0xfec00000ull

struct ioapic_regs {
    u64 redir[IOAPIC_PINS];
    u32 lines; /* level of the inputs now */
    u32 id;    /* as the register: bits 27..24 */
    u32 select;
    u32 pad;
};

struct ioapic {
    struct dev dev;
    struct ioapic_regs r;
    struct apic_bus *bus; /* set before dev_start, which also takes the bus's EOI hook */
    struct region mmio;
};

extern const struct dev_class ioapic_class;

/* Input pin n (0..23). */
void ioapic_set_irq(void *sink, int n, int level);

#endif
