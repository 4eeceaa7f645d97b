/* The host's monotonic time, read from its time-stamp counter between looks at the host's clock. */
#ifndef FRONTEND_TICKER_H
#define FRONTEND_TICKER_H

#include "devices/core/types.h"

struct ticker {
    u64 tsc, ns;  /* where the present line begins */
    u64 rate;     /* its slope: 2^32 times nanoseconds per tick */
    u64 room;     /* so many ticks until the host's clock is looked at again; 0: it is always */
    u64 tsc0, ns0; /* since when the slope has been measured */
    bool usable;  /* the counter runs at a constant rate, and the host's own clock trusts it */
};

void ticker_init(struct ticker *t);
/* Nanoseconds of CLOCK_MONOTONIC, to a fraction of a microsecond; never less than before. For one
 * thread. */
u64 ticker_now(struct ticker *t);

#endif
