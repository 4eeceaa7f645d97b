/* High precision event timer (IA-PC HPET Specification 1.0a). The counter is computed from the
 * virtual clock; events are found by looking, and a host timer runs only for those that interrupt.
 */
#include "devices/time/hpet.h"

#include "devices/core/bits.h"

enum { PERIOD_FS = 10000000, TICK_NS = 10 }; /* 100 MHz */
enum { R_ID = 0x00, R_CONFIG = 0x10, R_STATUS = 0x20, R_COUNTER = 0xf0, R_TIMER = 0x100 };
enum { T_CONFIG, T_CMP = 8, T_FSB = 0x10, T_STRIDE = 0x20 };
enum { CFG_ENABLE = 1, CFG_LEGACY = 2 };
enum {
    TC_LEVEL = 0x02,
    TC_ENABLE = 0x04,
    TC_PERIODIC = 0x08,
    TC_CAN_PERIODIC = 0x10,
    TC_IS_64 = 0x20,
    TC_SET_VALUE = 0x40,
    TC_32 = 0x100,
    TC_ROUTE_AT = 9,
    TC_WRITABLE = 0x3f4e | TC_SET_VALUE,
};
#define NEVER (~0ull)
/* Counts further away than this (1400 years) are as good as never: what is nearer is before or behind
 * without doubt, even where the counter begins again at 0. */
#define FAR BIT64(62)
/* A comparator that repeats faster than this would leave the machine no time for anything else. */
enum { WAKE_MIN_NS = 2000 };

#define FIELDS_OF struct hpet_regs
/* One comparator: its rows in the table. */
#define TIMER_ROWS(n)                                                                              \
    F(timer[n].config, FT_U64, 0, "comparator " #n ": configuration"),                             \
        F(timer[n].cmp, FT_U64, ~0ull, "comparator " #n ": value"),                                \
        F(timer[n].period, FT_U64, 0, "comparator " #n ": period"),                                \
        F(timer[n].due, FT_U64, ~0ull, "comparator " #n ": counter at the next event")
static const struct field hpet_fields[] = {
    F(config, FT_U64, 0, "general configuration"),
    F(status, FT_U64, 0, "interrupt status"),
    F(counter, FT_U64, 0, "main counter"),
    F(since, FT_U64, 0, "tick at which it had that value"),
    TIMER_ROWS(0),
    TIMER_ROWS(1),
    TIMER_ROWS(2),
    FK(legacy, FT_BYTES, 0, "outputs of the 8254 and the RTC"),
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop hpet_props[] = {
    {"routes", offsetof(struct hpet, routes), PT_U32, 4, 1, 0xffffff,
     "mask of I/O APIC inputs that comparators can be routed to"},
    PROPS_END,
};

/* ---- the counter ---- */

static u64 ticks_now(const struct hpet *h)
{
    return clock_now(h->dev.env.clock) / TICK_NS;
}

static bool counting(const struct hpet *h)
{
    return h->r.config & CFG_ENABLE;
}

static u64 counter(const struct hpet *h)
{
    return counting(h) ? h->r.counter + (ticks_now(h) - h->r.since) : h->r.counter;
}

static bool periodic(const struct hpet *h, unsigned n)
{
    return n == 0 && (h->r.timer[n].config & TC_PERIODIC);
}

static u64 width_mask(const struct hpet_timer *t)
{
    return t->config & TC_32 ? 0xffffffffu : ~0ull;
}

/* The count that lies `ahead` of now. */
static u64 after(u64 now, u64 ahead)
{
    u64 count = now + ahead;

    return ahead > FAR ? NEVER : count == NEVER ? 0 : count;
}

static bool reached(u64 due, u64 now)
{
    return due != NEVER && now - due <= FAR;
}

/* The next time after `now` that the counter equals the comparator. */
static u64 next_match(const struct hpet_timer *t, u64 now)
{
    u64 mask = width_mask(t), ahead = (t->cmp - now) & mask;

    return after(now, ahead || mask == ~0ull ? (ahead ? ahead : NEVER) : mask + 1);
}

/* ---- events ---- */

static bool legacy(const struct hpet *h)
{
    return h->r.config & CFG_LEGACY;
}

/* Does the comparator drive the wire of interrupt 0 or 8 (2.3.5)? */
static bool replaces(const struct hpet *h, unsigned n)
{
    return legacy(h) && n < 2;
}

static unsigned route(const struct hpet *h, unsigned n)
{
    return (unsigned)bits_get(h->r.timer[n].config, TC_ROUTE_AT, 5);
}

static struct irq *output(struct hpet *h, unsigned n)
{
    unsigned gsi = route(h, n);

    if (replaces(h, n))
        return &h->legacy[n];
    return gsi < HPET_GSIS && (h->routes >> gsi & 1) ? &h->gsi[gsi] : NULL;
}

static bool level_active(const struct hpet *h, unsigned n)
{
    u64 c = h->r.timer[n].config;

    return counting(h) && (c & TC_ENABLE) && (c & TC_LEVEL) && (h->r.status >> n & 1);
}

static void update_irq(struct hpet *h)
{
    u32 high = 0;

    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        if (!replaces(h, n) && output(h, n) && level_active(h, n))
            high |= 1u << route(h, n);
    }
    for (unsigned n = 0; n < 2; n++)
        irq_set(&h->legacy[n], legacy(h) ? level_active(h, n) : h->r.legacy[n]);
    for (unsigned gsi = 0; gsi < HPET_GSIS; gsi++) {
        if (h->routes >> gsi & 1)
            irq_set(&h->gsi[gsi], high >> gsi & 1);
    }
}

static void event(struct hpet *h, unsigned n)
{
    const struct hpet_timer *t = &h->r.timer[n];
    struct irq *out = output(h, n);

    if (t->config & TC_LEVEL)
        h->r.status |= BIT64(n);
    else if ((t->config & TC_ENABLE) && out) {
        irq_set(out, 1);
        irq_set(out, 0);
    }
}

/* Let what is due happen. Periods that nobody saw because the host was late become one event. */
static void look(struct hpet *h)
{
    u64 now = counter(h);

    if (!counting(h))
        return;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        struct hpet_timer *t = &h->r.timer[n];

        if (!reached(t->due, now))
            continue;
        if (periodic(h, n) && t->period) {
            u64 late = now - t->due, rounds = late / t->period + 1;

            t->cmp = (t->cmp + rounds * t->period) & width_mask(t);
            t->due = after(now, rounds * t->period - late);
        } else {
            t->due = next_match(t, now);
        }
        event(h, n);
    }
}

static void arm(struct hpet *h)
{
    u64 ahead = NEVER, now = counter(h), ns;

    for (unsigned n = 0; counting(h) && n < HPET_TIMERS; n++) {
        const struct hpet_timer *t = &h->r.timer[n];

        if ((t->config & TC_ENABLE) && t->due != NEVER)
            ahead = MIN(ahead, reached(t->due, now) ? 0 : t->due - now);
    }
    if (ahead > (u64)1 << 56) {
        timer_cancel(&h->wake);
        return;
    }
    ns = ahead ? (ticks_now(h) + ahead) * TICK_NS : 0;
    timer_set(&h->wake, MAX(ns, clock_now(h->dev.env.clock) + WAKE_MIN_NS));
}

static void woken(void *arg, u64 now)
{
    struct hpet *h = arg;

    look(h);
    arm(h);
    update_irq(h);
}

void hpet_set_legacy(void *hpet, int n, int level)
{
    struct hpet *h = hpet;

    h->r.legacy[n & 1] = level != 0;
    update_irq(h);
}

/* ---- registers ---- */

static void aim(struct hpet *h, unsigned n)
{
    h->r.timer[n].due = counting(h) ? next_match(&h->r.timer[n], counter(h)) : NEVER;
}

static void write_config(struct hpet *h, u64 v)
{
    bool was = counting(h);

    v &= CFG_ENABLE | CFG_LEGACY;
    if (was)
        h->r.counter = counter(h);
    h->r.since = ticks_now(h);
    h->r.config = v;
    if (was == counting(h))
        return;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        /* A comparator that equals the counter when this starts is met at once. */
        if (!was && h->r.timer[n].cmp == (h->r.counter & width_mask(&h->r.timer[n])))
            h->r.timer[n].due = after(h->r.counter, 0);
        else
            aim(h, n);
    }
}

static bool has_route(const struct hpet *h, u64 config)
{
    u64 gsi = bits_get(config, TC_ROUTE_AT, 5);

    return gsi < HPET_GSIS && (h->routes >> gsi & 1);
}

static void write_timer_config(struct hpet *h, unsigned n, u64 v)
{
    struct hpet_timer *t = &h->r.timer[n];
    u64 old = t->config;

    v &= TC_WRITABLE;
    if (n)
        v &= ~(u64)TC_PERIODIC;
    if (!(v & TC_PERIODIC))
        v &= ~(u64)TC_SET_VALUE;
    /* (2.3.8) what is read back tells of a route that there is not */
    if (!has_route(h, v))
        v = bits_put(v, TC_ROUTE_AT, 5, bits_get(old, TC_ROUTE_AT, 5));
    t->config = v;
    if (v & TC_32) {
        t->cmp &= 0xffffffffu;
        t->period &= 0xffffffffu;
    }
    if (!(v & TC_LEVEL))
        h->r.status &= ~BIT64(n);
    if ((old ^ v) & (TC_32 | TC_PERIODIC))
        aim(h, n);
}

static void write_cmp(struct hpet *h, unsigned n, u64 v)
{
    struct hpet_timer *t = &h->r.timer[n];
    u64 now = counter(h), behind;

    v &= width_mask(t);
    if (periodic(h, n)) {
        t->period = v;
        if (!(t->config & TC_SET_VALUE)) {
            /* the accumulator goes on; one that never was in the future cannot */
            if (t->due == NEVER)
                aim(h, n);
            return;
        }
        t->config &= ~(u64)TC_SET_VALUE;
    }
    t->cmp = v;
    if (!counting(h))
        return;
    /* Software that reads the counter, adds some microseconds, and writes the sum may find itself
     * behind: the host stopped it in between. An event at once is what it counts on, not one after
     * the counter went all the way round. */
    behind = (now - v) & width_mask(t);
    if (behind <= width_mask(t) / 2)
        t->due = after(now, 0);
    else
        aim(h, n);
}

static u64 read_timer(struct hpet *h, unsigned n, unsigned reg)
{
    const struct hpet_timer *t = &h->r.timer[n];

    switch (reg) {
    case T_CONFIG: return t->config | (n ? 0 : TC_CAN_PERIODIC) | TC_IS_64 | (u64)h->routes << 32;
    case T_CMP: return t->cmp;
    default: return 0;
    }
}

static u64 read_reg(struct hpet *h, unsigned reg)
{
    unsigned n = (reg - R_TIMER) / T_STRIDE;

    switch (reg) {
    case R_ID: return (u64)PERIOD_FS << 32 | HPET_ID;
    case R_CONFIG: return h->r.config;
    case R_STATUS: return h->r.status;
    case R_COUNTER: return counter(h);
    default: return reg >= R_TIMER && n < HPET_TIMERS ? read_timer(h, n, reg % T_STRIDE) : 0;
    }
}

static u64 hpet_read(void *dev, u64 off, unsigned size)
{
    struct hpet *h = dev;
    u64 v;

    look(h);
    v = read_reg(h, (unsigned)off & (HPET_SIZE - 8));
    arm(h);
    update_irq(h);
    return bits_get(v, (unsigned)(off & 4) * 8, size * 8);
}

static void write_reg(struct hpet *h, unsigned reg, u64 v)
{
    unsigned n = (reg - R_TIMER) / T_STRIDE;

    if (reg == R_CONFIG) {
        write_config(h, v);
    } else if (reg == R_STATUS) {
        h->r.status &= ~v;
    } else if (reg == R_COUNTER) {
        if (!counting(h)) /* (2.3.7) writes are for a counter that stands */
            h->r.counter = v;
    } else if (reg >= R_TIMER && n < HPET_TIMERS) {
        if (reg % T_STRIDE == T_CONFIG)
            write_timer_config(h, n, v);
        else if (reg % T_STRIDE == T_CMP)
            write_cmp(h, n, v);
    }
}

/* Does what is written to comparator 0 become its period only? */
static bool writes_period(const struct hpet *h)
{
    return periodic(h, 0) && !(h->r.timer[0].config & TC_SET_VALUE);
}

static void hpet_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct hpet *h = dev;
    unsigned reg = (unsigned)off & (HPET_SIZE - 8), at = (unsigned)(off & 4) * 8;
    bool half = size < 8;

    look(h);
    if (half && reg == R_STATUS)
        v = v << at; /* bits that are not written are not cleared */
    else if (half)
        v = bits_put(reg == R_TIMER + T_CMP && writes_period(h) ? h->r.timer[0].period
                                                                : read_reg(h, reg),
                     at, 32, v);
    write_reg(h, reg, v);
    look(h);
    arm(h);
    update_irq(h);
}

static const struct region_ops hpet_ops = {hpet_read, hpet_write, 4, 8};

/* ---- life ---- */

static bool hpet_init(struct dev *dev, struct err *err)
{
    struct hpet *h = (struct hpet *)dev;

    timer_init(&h->wake, dev->env.clock, woken, h, "hpet");
    h->mmio = (struct region){
        .name = dev->id, .base = HPET_BASE, .size = HPET_SIZE, .ops = &hpet_ops, .dev = h};
    bus_map(dev->env.mem, &h->mmio);
    return true;
}

static void hpet_reset(struct dev *dev)
{
    struct hpet *h = (struct hpet *)dev;

    arm(h);
    update_irq(h);
}

static bool hpet_loaded(struct dev *dev, struct err *err)
{
    struct hpet *h = (struct hpet *)dev;

    h->r.config &= CFG_ENABLE | CFG_LEGACY;
    h->r.status &= BIT64(HPET_TIMERS) - 1;
    if (h->r.since > ticks_now(h))
        h->r.since = ticks_now(h);
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        struct hpet_timer *t = &h->r.timer[n];

        t->config &= TC_WRITABLE & ~(n ? (u64)(TC_PERIODIC | TC_SET_VALUE) : 0);
        if (!has_route(h, t->config))
            t->config = bits_put(t->config, TC_ROUTE_AT, 5, 0);
        t->cmp &= width_mask(t);
        t->period &= width_mask(t);
    }
    h->r.legacy[0] = h->r.legacy[0] != 0;
    h->r.legacy[1] = h->r.legacy[1] != 0;
    arm(h);
    update_irq(h);
    return true;
}

const struct dev_class hpet_class = {
    .name = "hpet",
    .help = "high precision event timer",
    .size = sizeof(struct hpet),
    .saved_at = offsetof(struct hpet, r),
    .saved_size = sizeof(struct hpet_regs),
    .version = 1,
    .fields = hpet_fields,
    .props = hpet_props,
    .init = hpet_init,
    .reset = hpet_reset,
    .loaded = hpet_loaded,
};
