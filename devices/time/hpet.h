/* High precision event timer: one counter of 100 MHz, three comparators (IA-PC HPET 1.0a). */
#ifndef DEVICES_TIME_HPET_H
#define DEVICES_TIME_HPET_H

#include "devices/core/dev.h"
#include "mmu/bus.h"

enum { HPET_TIMERS = 3, HPET_GSIS = 24, HPET_SIZE = 0x400 };
#define HPET_BASE 0xfed00000ull
/* Revision 1, three timers, 64 bits, legacy replacement, vendor 8086: the low half of the
 * capabilities, which the ACPI table repeats. */
#define HPET_ID 0x8086a201u

/* Inputs of hpet_set_legacy. */
enum { HPET_PIT, HPET_RTC };

struct hpet_timer {
    u64 config; /* without the capability bits */
    u64 cmp, period;
    u64 due; /* the counter at the next event; HPET_NEVER: none to come */
};

struct hpet_regs {
    u64 config, status;
    u64 counter; /* its value at tick `since`, or where it stands */
    u64 since;
    struct hpet_timer timer[HPET_TIMERS];
    u8 legacy[2]; /* levels of the old timers' outputs */
    u8 pad[6];
};

struct hpet {
    struct dev dev;
    struct hpet_regs r;
    struct irq legacy[2]; /* interrupts 0 and 8: the old timers' or those of comparators 0, 1 */
    struct irq gsi[HPET_GSIS]; /* the I/O APIC's inputs; those in `routes` are used */
    u32 routes;                /* property: which inputs comparators may be routed to */
    struct region mmio;
    struct timer wake;
};

extern const struct dev_class hpet_class;

/* Wire end: the outputs of the 8254 (HPET_PIT) and the RTC (HPET_RTC). */
void hpet_set_legacy(void *hpet, int n, int level);

#endif
