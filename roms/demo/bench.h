/* A small processor benchmark. */
#ifndef ROMS_DEMO_BENCH_H
#define ROMS_DEMO_BENCH_H

#include "devices/core/types.h"

/* Measure each kind of work for `ticks` timer ticks and print its rate. False when the clock stands
 * still. */
bool bench_run(u32 ticks);

#endif
