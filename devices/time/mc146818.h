/* Real-time clock and 128 bytes of battery-backed memory (MC146818), with the century in byte 0x32.
 */
#ifndef DEVICES_TIME_MC146818_H
#define DEVICES_TIME_MC146818_H

#include "devices/core/dev.h"
#include "mmu/bus.h"

enum { CMOS_SIZE = 128 };

struct mc146818_regs {
    u64 seconds;        /* since 1970, as the registers show, at time `at`; two's complement */
    u64 at;             /* ns */
    u64 looked;         /* ns up to which flags have been collected */
    u64 div_start;      /* ns when the divider last left its reset */
    u8 cmos[CMOS_SIZE]; /* 0..9 and the century: only valid while the clock stands still */
    u8 index;           /* port 0x70 as written; bit 7 masks NMI */
    u8 weekday;         /* added to the true day of the week, 0..6 */
    u8 pad[6];
    u64 lost; /* periodic interrupts that the guest is still to be given */
    u64 redo; /* ns at which it gets the next of them; CLOCK_NEVER: none */
};

struct mc146818 {
    struct dev dev;
    struct mc146818_regs r;
    struct irq out;      /* IRQ 8 */
    struct irq nmi_mask; /* high: NMI is masked by bit 7 of port 0x70 */
    struct region io;
    struct timer timer;
    /* props */
    bool slew; /* make up for periodic interrupts that the guest was too slow for */
    u64 base;  /* seconds since 1970 that the clock shows at machine start (two's complement) */
    u64 skipped; /* seconds of mc146818_skip so far */
};

extern const struct dev_class mc146818_class;

/* The date goes `ns` forward at once: the host's time while the machine stood still. */
void mc146818_skip(struct mc146818 *rtc, u64 ns);

/* How far the guest has moved the date from what it would be by itself, in seconds. */
s64 mc146818_offset(const struct mc146818 *rtc);

/* The board fills in the configuration bytes (sizes, drives) before the guest starts; `reg`
 * 0x0e..0x7f. */
void mc146818_poke(struct mc146818 *rtc, unsigned reg, u8 v);
u8 mc146818_peek(const struct mc146818 *rtc, unsigned reg);

#endif
