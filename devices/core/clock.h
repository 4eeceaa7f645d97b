/* The one virtual clock of a machine and its event queue; time is in nanoseconds since machine
 * start. */
#ifndef DEVICES_CORE_CLOCK_H
#define DEVICES_CORE_CLOCK_H

#include "devices/core/types.h"

#define NS_PER_SEC  1000000000ull
#define CLOCK_NEVER (~0ull)

struct clock;

struct timer {
    u64 when; /* deadline; CLOCK_NEVER: not set */
    void (*fire)(void *arg, u64 now);
    void *arg;
    const char *name;
    struct clock *clock;
    u32 heap; /* place in the heap, 0: not queued */
    u64 seq;  /* order of arming: equal deadlines fire in this order (determinism) */
    struct timer *held_next;
    u64 (*rest)(void *arg, u64 until); /* see timer_rests; NULL: it always fires in time */
    struct timer *rest_next;
};
/* timer.heap: armed for the past during clock_run, waits for the next one */
enum { TIMER_HELD = 0x7fffffff };

/* A binary heap of timers over a source of time. `read` gives the time now: host-paced or counted
 * in instructions. */
struct clock {
    u64 (*read)(void *arg);
    void *arg;
    /* the earliest deadline changed (may be NULL): lets the run loop shorten its budget */
    void (*moved)(void *arg);
    void *moved_arg;
    struct timer **heap; /* heap[1..n] */
    u32 n, cap;
    u64 seq;
    struct timer *held;
    struct timer *rests; /* those with `rest` */
    bool running; /* inside clock_run: `moved` is told once, at its end */
};

void clock_init(struct clock *clock, u64 (*read)(void *arg), void *arg);
void clock_free(struct clock *clock);
static inline u64 clock_now(struct clock *clock)
{
    return clock->read(clock->arg);
}

/* Deadline of the earliest timer, or CLOCK_NEVER. */
u64 clock_next(const struct clock *clock);

/* The CPU sleeps, and nobody acts but timers and the host: when must it be woken at the latest? Timers
 * that rest are not waited for while their firing would change nothing that can be seen. clock_awake
 * follows before anything runs or the clock is asked again for its deadline. */
u64 clock_sleep(struct clock *clock);
void clock_awake(struct clock *clock);

/* Fire every timer whose deadline is at or before now, earliest first; a handler may set and cancel
 * timers. Bounded: a timer set by a handler to a time already passed fires in the next call. */
void clock_run(struct clock *clock);

void timer_init(struct timer *timer, struct clock *clock, void (*fire)(void *arg, u64 now),
                void *arg, const char *name);
/* A timer must be cancelled before its memory goes away (unless its clock went first). */
/* (Re)arm for absolute time `when` (ns); timer_cancel disarms; both are fine in any state. */
void timer_set(struct timer *timer, u64 when);
void timer_cancel(struct timer *timer);
/* A timer that fires often and mostly in vain, once and for all after timer_init. `rest` is asked when
 * the CPU is about to sleep: from when on (not before the deadline) would firing be seen, if nobody else
 * acts before `until`? With until 0 the sleep is over at clock_now: it makes up for the firings left out,
 * and moves the deadline. */
void timer_rests(struct timer *timer, u64 (*rest)(void *arg, u64 until));
/* Cancel every timer that lies in [mem, mem + size), which is about to be freed. */
void clock_forget(struct clock *clock, const void *mem, size_t size);
static inline bool timer_pending(const struct timer *timer)
{
    return timer->heap != 0;
}

/* a * b / c without overflow in between (c != 0): for converting between tick rates and ns. */
static inline u64 muldiv64(u64 a, u64 b, u64 c)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    if (b == c) /* known where this is called: a clock that counts nanoseconds */
        return a;
#ifdef __x86_64__
    /* The quotient fits: one instruction instead of the compiler's division of 128-bit numbers. */
    if (LIKELY((u64)(product >> 64) < c)) {
        u64 quotient, rest;
        __asm__("divq %4"
                : "=a"(quotient), "=d"(rest)
                : "0"((u64)product), "1"((u64)(product >> 64)), "r"(c)
                : "cc");
        return quotient;
    }
#endif
    return (u64)(product / c);
}

#endif
