/* Lab 9, reference solution: a counter of microseconds with an interrupt. */
#include "docs/labs/09-device/counter.h"

enum { NS_PER_US = 1000 };

/* What follows from the registers: the level of the wire and the timer. */
static void update(struct counter *c)
{
    irq_set(&c->irq, c->r.status & STATUS_REACHED && c->r.control & CONTROL_IRQ);
    if (c->r.control & CONTROL_RUN)
        timer_set(&c->timer, c->r.begun + (u64)c->r.limit * NS_PER_US);
    else
        timer_cancel(&c->timer);
}

static void counter_reached(void *arg, u64 now)
{
    struct counter *c = arg;

    c->r.begun = now;
    c->r.status |= STATUS_REACHED;
    update(c);
}

static u64 counter_read(void *dev, u64 off, unsigned size)
{
    struct counter *c = dev;

    switch (off) {
    case COUNTER_COUNT:
        if (!(c->r.control & CONTROL_RUN))
            return 0;
        return (clock_now(c->dev.env.clock) - c->r.begun) / NS_PER_US;
    case COUNTER_LIMIT: return c->r.limit;
    case COUNTER_CONTROL: return c->r.control;
    default: return c->r.status;
    }
}

static void counter_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct counter *c = dev;

    switch (off) {
    case COUNTER_LIMIT: c->r.limit = v ? (u32)v : 1; break;
    case COUNTER_CONTROL:
        if (v & ~(u64)c->r.control & CONTROL_RUN)
            c->r.begun = clock_now(c->dev.env.clock);
        c->r.control = v & CONTROL_ALL;
        break;
    case COUNTER_STATUS: c->r.status &= (u16)~v; break;
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

    if (!c->r.limit || c->r.control > CONTROL_ALL || c->r.begun > clock_now(dev->env.clock))
        return err_set(err, "the counter's state is none that it can have");
    update(c);
    return true;
}
