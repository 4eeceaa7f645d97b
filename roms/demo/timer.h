/* The demo's clock: the 8254's channel 0 interrupts 100 times a second. */
#ifndef ROMS_DEMO_TIMER_H
#define ROMS_DEMO_TIMER_H

#include "devices/core/types.h"

enum { TIMER_HZ = 100 };

void timer_init(void);
/* Ticks since timer_init. */
u32 timer_ticks(void);
/* Sleep that many ticks with the processor halted; interrupts are off again afterwards. */
void timer_sleep(u32 ticks);

#endif
