/* The host's clock by RDTSC: a line through what CLOCK_MONOTONIC said, drawn anew every millisecond. A
 * guest's RDTSC costs a third of a call of clock_gettime() this way. */
#include "frontend/ticker.h"
#include "frontend/loop.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <x86intrin.h>

enum { LINE_NS = 1000000, MEASURE_NS = 50000000, APART_NS = 100000, LOOK_TICKS = 20000 };

/* Time that the line gives `ticks` behind its beginning. */
static u64 along(const struct ticker *t, u64 ticks)
{
    return t->ns + (u64)((unsigned __int128)ticks * t->rate >> 32);
}

static void measure(struct ticker *t, u64 tsc, u64 ns)
{
    t->room = 0;
    t->tsc = t->tsc0 = tsc;
    t->ns0 = ns;
}

/* Look at the host's clock. What was given already is no more than the end of the line. */
static u64 look(struct ticker *t)
{
    u64 before = __rdtsc(), ns = host_now(), tsc = __rdtsc();
    u64 least = along(t, t->room), real, rate, d;
    if (tsc - before > LOOK_TICKS) /* something came between: which of both it was is unknown */
        return MAX(ns, MAX(least, t->ns));
    d = tsc - t->tsc;
    if (d > BIT64(62) || ns < t->ns0) { /* the counter was set back */
        measure(t, tsc, ns);
        return t->ns = MAX(ns, least);
    }
    if (ns - t->ns0 < MEASURE_NS)
        return t->ns = MAX(ns, t->ns);
    rate = (u64)(((unsigned __int128)(ns - t->ns0) << 32) / MAX(tsc - t->tsc0, 1u));
    if (t->room) {
        real = t->ns + (u64)((unsigned __int128)d * rate >> 32);
        if (MAX(real, ns) - MIN(real, ns) > APART_NS + (ns - t->ns) / 1024) { /* it stood still */
            measure(t, tsc, ns);
            return t->ns = MAX(ns, least);
        }
    }
    t->tsc = tsc;
    t->ns = MAX(ns, least);
    t->room = (u64)(((u64)LINE_NS << 32) / MAX(rate, 1u));
    /* Ahead of the clock: slower until it has caught up. */
    t->rate = rate - MIN(rate / 2, (u64)((unsigned __int128)rate * (t->ns - ns) / LINE_NS));
    return t->ns;
}

/* Linux measures its own clock with the counter only when it has found it good. */
static bool trusted(void)
{
    char name[16] = "";
    unsigned a, b, c, d = 0;
    FILE *f;
    if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & BIT(8)))
        return false;
    f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    if (!f)
        return false;
    if (!fgets(name, sizeof(name), f))
        name[0] = 0;
    fclose(f);
    return !strcmp(name, "tsc\n");
}

void ticker_init(struct ticker *t)
{
    *t = (struct ticker){.usable = trusted()};
    if (t->usable)
        measure(t, __rdtsc(), host_now());
}

u64 ticker_now(struct ticker *t)
{
    u64 d;
    if (UNLIKELY(!t->usable))
        return host_now();
    d = __rdtsc() - t->tsc;
    if (UNLIKELY(d >= t->room))
        return look(t);
    return t->ns + (d * t->rate >> 32); /* d is below 2^24 or so, the rate below 2^32 */
}

#else

void ticker_init(struct ticker *t)
{
    *t = (struct ticker){0};
}

u64 ticker_now(struct ticker *t)
{
    return host_now();
}

#endif
