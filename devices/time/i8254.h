/* Interval timer 8254 with the PC's port 0x61 (speaker gate, refresh toggle). */
#ifndef DEVICES_TIME_I8254_H
#define DEVICES_TIME_I8254_H

#include "devices/core/dev.h"
#include "mmu/bus.h"

#define PIT_HZ 1193182ull

/* One counter. Times are in ticks of PIT_HZ since machine start. */
struct i8254_chan {
    u64 start;      /* tick at which the counting element held `count` (in the future: still to be
                       loaded) */
    u64 elapsed;    /* while stopped: ticks counted before */
    u64 next_start; /* tick at which next_count takes over */
    u32 count;      /* counts of one round, 1..65536; 0: none loaded since the control word */
    u32 next_count; /* 0: none waits */
    u16 latch;      /* latched count */
    u8 mode, bcd, access; /* control word: mode 0..5; access 1 low, 2 high, 3 low then high byte */
    u8 latched;           /* bytes of `latch` still to be read; 0: not latched */
    u8 status, status_latched;
    u8 read_high, write_high; /* the next byte of a two-byte access is the high one */
    u8 low;                   /* first byte of a count being written */
    u8 gate;
    u8 stopped;   /* gate low or a count half written, modes 0, 2, 3, 4 */
    u8 triggered; /* modes 1, 5: the gate has started a round */
    u8 armed;     /* modes 1, 5: a count was written */
    u8 next_low;  /* the waiting count begins with the low half of its square wave */
    u8 pad[8];
};

struct i8254_regs {
    struct i8254_chan chan[3];
    u8 port61; /* bits 0..3 as written */
    u8 pad[7];
};

struct i8254 {
    struct dev dev;
    struct i8254_regs r;
    struct irq out0; /* to IRQ 0 */
    struct region io, io61;
    struct timer timer; /* the next change of out0 */
    /* Told before the sound of the speaker changes, so that a mixer can catch up to now; may be
     * NULL. */
    void (*speaker_changing)(void *arg, u64 now);
    void *speaker_arg;
};

extern const struct dev_class i8254_class;

/* Level of OUT of counter 0..2 at time `ns` (not before the last register access). */
bool i8254_out(const struct i8254 *pit, unsigned n, u64 ns);
/* What drives the loudspeaker at time `ns`: OUT2 and the data bit of port 0x61. */
bool i8254_speaker(const struct i8254 *pit, u64 ns);
/* The earliest time after `ns` at which i8254_speaker may change if nothing is written until then;
 * CLOCK_NEVER: it stays. */
u64 i8254_speaker_next(const struct i8254 *pit, u64 ns);
/* The frequency in Hz that the speaker plays now as a plain square wave, or 0 when it is silent or
 * not in mode 3. */
u32 i8254_speaker_hz(const struct i8254 *pit);

#endif
