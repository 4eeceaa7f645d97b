/* The watchdog of the iB700 board: a write to port 0x443 starts it with 30 seconds less two for
 * each step of the low four bits, one to port 0x441 stops it (iB700 user's manual, "Watchdog
 * timer"). */
#include "devices/watchdog/ib700.h"

enum { PORT_STOP = 0x441, PORT_START = 0x443, LONGEST = 30 };

#define FIELDS_OF struct ib700_regs
static const struct field ib700_fields[] = {
    F(deadline, FT_U64, CLOCK_NEVER, "time at which it runs out"),
    FIELDS_END,
};
#undef FIELDS_OF

static u64 ib700_read(void *dev, u64 off, unsigned size)
{
    return 0xff;
}

static void stop_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct ib700 *w = dev;

    w->r.deadline = CLOCK_NEVER;
    timer_cancel(&w->timer);
}

static void start_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct ib700 *w = dev;

    w->r.deadline = clock_now(w->dev.env.clock) + (LONGEST - 2 * (v & 15)) * NS_PER_SEC;
    timer_set(&w->timer, w->r.deadline);
}

static const struct region_ops stop_ops = {ib700_read, stop_write, 1, 1};
static const struct region_ops start_ops = {ib700_read, start_write, 1, 1};

static void ran_out(void *arg, u64 now)
{
    struct ib700 *w = arg;

    w->r.deadline = CLOCK_NEVER;
    if (w->expired)
        w->expired(w->arg);
}

static void arm(struct ib700 *w)
{
    if (w->r.deadline == CLOCK_NEVER)
        timer_cancel(&w->timer);
    else
        timer_set(&w->timer, w->r.deadline);
}

static bool ib700_init(struct dev *dev, struct err *err)
{
    struct ib700 *w = (struct ib700 *)dev;

    timer_init(&w->timer, dev->env.clock, ran_out, w, "ib700");
    w->stop = (struct region){
        .name = "ib700-stop", .base = PORT_STOP, .size = 1, .ops = &stop_ops, .dev = w};
    w->start = (struct region){
        .name = "ib700-start", .base = PORT_START, .size = 1, .ops = &start_ops, .dev = w};
    bus_map(dev->env.io, &w->stop);
    bus_map(dev->env.io, &w->start);
    return true;
}

static void ib700_reset(struct dev *dev)
{
    arm((struct ib700 *)dev);
}

static bool ib700_loaded(struct dev *dev, struct err *err)
{
    arm((struct ib700 *)dev);
    return true;
}

bool ib700_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct ib700 *w = (struct ib700 *)dev;

    w->expired = plug->watchdog;
    w->arg = plug->arg;
    return true;
}

const struct dev_class ib700_class = {
    .name = "ib700",
    .help = "ISA watchdog",
    .size = sizeof(struct ib700),
    .saved_at = offsetof(struct ib700, r),
    .saved_size = sizeof(struct ib700_regs),
    .version = 1,
    .fields = ib700_fields,
    .init = ib700_init,
    .reset = ib700_reset,
    .loaded = ib700_loaded,
};
