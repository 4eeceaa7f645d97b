/* Lab 9: a counter of microseconds with an interrupt. The places to fill in say HOLE; in the end
 * the file has 100 lines at most. */
#include "docs/labs/09-device/counter.h"

enum { NS_PER_US = 1000 };

/* What follows from the registers: the level of the wire and the timer. Each way into the device
 * ends with a call of this. */
static void update(struct counter *c)
{
    /* HOLE 1: irq_set with the level that status and control give; timer_set for the moment at
     * which COUNT reaches LIMIT, or timer_cancel when the counter stands. */
}

/* The timer's function: COUNT has reached LIMIT at time `now`. */
static void counter_reached(void *arg, u64 now)
{
    struct counter *c = arg;

    /* HOLE 2: begin again from 0, note that the limit was reached. */
    update(c);
}

static u64 counter_read(void *dev, u64 off, unsigned size)
{
    struct counter *c = dev;

    switch (off) {
    /* HOLE 3: COUNT, from the clock (clock_now) and r.begun; CONTROL; STATUS. */
    case COUNTER_LIMIT: return c->r.limit;
    default: return 0;
    }
}

static void counter_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct counter *c = dev;

    switch (off) {
    case COUNTER_LIMIT: c->r.limit = v ? (u32)v : 1; break;
    /* HOLE 4: CONTROL (only the bits of CONTROL_ALL; RUN that was clear starts at 0) and STATUS. */
    }
    update(c);
}

bool counter_init(struct dev *dev, struct err *err)
{
    static const struct region_ops ops = {counter_read, counter_write, 4, 4};
    struct counter *c = (struct counter *)dev;

    timer_init(&c->timer, dev->env.clock, counter_reached, c, "counter");
    c->io = (struct region){
        .name = dev->id, .base = c->iobase, .size = 16, .ops = &ops, .dev = c};
    bus_map(dev->env.io, &c->io);
    return true;
}

void counter_reset(struct dev *dev)
{
    update((struct counter *)dev);
}

bool counter_loaded(struct dev *dev, struct err *err)
{
    struct counter *c = (struct counter *)dev;

    /* HOLE 5: refuse what cannot be (err_set): a limit of 0, unknown bits, a start in the
     * future. */
    update(c);
    return true;
}
