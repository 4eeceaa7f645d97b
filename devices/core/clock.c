/* The event queue: a binary heap ordered by deadline, then by order of arming. */
#include "devices/core/clock.h"
#include "devices/core/err.h"

#include <stdlib.h>

void clock_init(struct clock *clock, u64 (*read)(void *arg), void *arg)
{
    *clock = (struct clock){.read = read, .arg = arg};
}

void clock_free(struct clock *clock)
{
    for (u32 i = 1; i <= clock->n; i++)
        clock->heap[i]->heap = 0;
    for (struct timer *t = clock->held; t; t = t->held_next)
        t->heap = 0;
    free(clock->heap);
    clock->heap = NULL;
    clock->held = NULL;
    clock->n = clock->cap = 0;
}

u64 clock_next(const struct clock *clock)
{
    return clock->n ? clock->heap[1]->when : CLOCK_NEVER;
}

static bool before(const struct timer *a, const struct timer *b)
{
    return a->when != b->when ? a->when < b->when : a->seq < b->seq;
}

static void place(struct clock *clock, u32 i, struct timer *timer)
{
    clock->heap[i] = timer;
    timer->heap = i;
}

static void sift_up(struct clock *clock, u32 i, struct timer *timer)
{
    for (; i > 1 && before(timer, clock->heap[i / 2]); i /= 2)
        place(clock, i, clock->heap[i / 2]);
    place(clock, i, timer);
}

static void sift_down(struct clock *clock, u32 i, struct timer *timer)
{
    for (;;) {
        u32 child = 2 * i;

        if (child > clock->n)
            break;
        if (child < clock->n && before(clock->heap[child + 1], clock->heap[child]))
            child++;
        if (!before(clock->heap[child], timer))
            break;
        place(clock, i, clock->heap[child]);
        i = child;
    }
    place(clock, i, timer);
}

static void insert(struct clock *clock, struct timer *timer)
{
    if (clock->n + 1 >= clock->cap) {
        u32 cap = clock->cap ? 2 * clock->cap : 64;
        struct timer **heap = realloc(clock->heap, cap * sizeof(*heap));

        if (!heap)
            BUG("no memory for %u timers", cap);
        clock->heap = heap;
        clock->cap = cap;
    }
    sift_up(clock, ++clock->n, timer);
}

static void take_out(struct clock *clock, struct timer *timer)
{
    u32 i = timer->heap;
    struct timer *last = clock->heap[clock->n--];

    timer->heap = 0;
    if (last == timer)
        return;
    if (i > 1 && before(last, clock->heap[i / 2]))
        sift_up(clock, i, last);
    else
        sift_down(clock, i, last);
}

/* Timers that a handler armed for a time already passed wait here until clock_run ends: they are
 * queued for everybody else, but cannot keep clock_run going for ever. */
static void hold(struct clock *clock, struct timer *timer)
{
    take_out(clock, timer);
    timer->heap = TIMER_HELD;
    timer->held_next = clock->held;
    clock->held = timer;
}

static void unhold(struct clock *clock, struct timer *timer)
{
    struct timer **p = &clock->held;

    while (*p != timer)
        p = &(*p)->held_next;
    *p = timer->held_next;
    timer->heap = 0;
}

static void tell_moved(struct clock *clock, u64 next_before)
{
    if (clock->moved && !clock->running && clock_next(clock) != next_before)
        clock->moved(clock->moved_arg);
}

void clock_run(struct clock *clock)
{
    u64 now = clock_now(clock), armed_before = clock->seq, next_before = clock_next(clock);

    if (clock->running)
        return;
    clock->running = true;
    while (clock->n && clock->heap[1]->when <= now) {
        struct timer *timer = clock->heap[1];

        if (timer->seq > armed_before) {
            hold(clock, timer);
            continue;
        }
        take_out(clock, timer);
        timer->fire(timer->arg, now);
    }
    while (clock->held) {
        struct timer *timer = clock->held;

        clock->held = timer->held_next;
        insert(clock, timer);
    }
    clock->running = false;
    tell_moved(clock, next_before);
}

void timer_init(struct timer *timer, struct clock *clock, void (*fire)(void *arg, u64 now),
                void *arg, const char *name)
{
    *timer = (struct timer){.when = CLOCK_NEVER, .fire = fire, .arg = arg, .name = name};
    timer->clock = clock;
}

static void remove_quietly(struct timer *timer)
{
    if (timer->heap == TIMER_HELD)
        unhold(timer->clock, timer);
    else if (timer->heap)
        take_out(timer->clock, timer);
}

void timer_set(struct timer *timer, u64 when)
{
    struct clock *clock = timer->clock;
    u64 next_before = clock_next(clock);

    remove_quietly(timer);
    timer->when = when;
    timer->seq = ++clock->seq;
    if (when != CLOCK_NEVER)
        insert(clock, timer);
    tell_moved(clock, next_before);
}

static bool inside(const struct timer *timer, const void *mem, size_t size)
{
    return (uintptr_t)timer - (uintptr_t)mem < size;
}

void clock_forget(struct clock *clock, const void *mem, size_t size)
{
    u32 i = 1;

    while (i <= clock->n) {
        if (inside(clock->heap[i], mem, size)) {
            timer_cancel(clock->heap[i]);
            i = 1; /* the heap has been reordered */
        } else {
            i++;
        }
    }
    for (struct timer *t = clock->held, *next; t; t = next) {
        next = t->held_next;
        if (inside(t, mem, size))
            timer_cancel(t);
    }
    for (struct timer **p = &clock->rests; *p;) {
        if (inside(*p, mem, size))
            *p = (*p)->rest_next;
        else
            p = &(*p)->rest_next;
    }
}

void timer_rests(struct timer *timer, u64 (*rest)(void *arg, u64 until))
{
    timer->rest = rest;
    timer->rest_next = timer->clock->rests;
    timer->clock->rests = timer;
}

u64 clock_sleep(struct clock *clock)
{
    u64 wake = CLOCK_NEVER;

    if (!clock->rests)
        return clock_next(clock);
    for (u32 i = 1; i <= clock->n; i++) {
        if (!clock->heap[i]->rest)
            wake = MIN(wake, clock->heap[i]->when);
    }
    for (struct timer *t = clock->rests; t; t = t->rest_next) {
        if (timer_pending(t) && t->when < wake)
            wake = MIN(wake, t->rest(t->arg, wake));
    }
    return wake;
}

void clock_awake(struct clock *clock)
{
    for (struct timer *t = clock->rests; t; t = t->rest_next)
        t->rest(t->arg, 0);
}

void timer_cancel(struct timer *timer)
{
    timer_set(timer, CLOCK_NEVER);
}
