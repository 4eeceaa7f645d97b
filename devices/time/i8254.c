/* Intel 8254 interval timer (data sheet 231164) and port 0x61 of the PIIX3 (290550, 2.5.5). Nothing
 * ticks: counts and outputs are functions of the time since a counter was loaded. */
#include "devices/time/i8254.h"
#include "devices/core/bits.h"

enum { ACCESS_LOW = 1, ACCESS_HIGH = 2, ACCESS_BOTH = 3 };
enum {
    P61_GATE2 = 0x01,
    P61_SPEAKER = 0x02,
    P61_WRITABLE = 0x0f,
    P61_REFRESH = 0x10,
    P61_OUT2 = 0x20
};
enum { STATUS_OUT = 0x80, STATUS_NULL = 0x40 };

/* DRAM refresh asks every 15.085 us (18 ticks); the toggle bit changes with each. */
enum { REFRESH_TICKS = 18 };

#define FIELDS_OF struct i8254_regs
#define CHAN(i, g)                                                                                 \
    F(chan[i].start, FT_U64, 0, "tick of loading"),                                                \
        F(chan[i].elapsed, FT_U64, 0, "ticks before the stop"),                                    \
        F(chan[i].next_start, FT_U64, 0, "tick of the next count's start"),                        \
        F(chan[i].count, FT_U32, 0, "count"), F(chan[i].next_count, FT_U32, 0, "next count"),      \
        F(chan[i].latch, FT_U16, 0, "latched count"), F(chan[i].mode, FT_U8, 0, "mode"),           \
        F(chan[i].bcd, FT_U8, 0, "decimal"),                                                       \
        F(chan[i].access, FT_U8, ACCESS_BOTH, "bytes of an access"),                               \
        F(chan[i].latched, FT_U8, 0, "latched bytes left"),                                        \
        F(chan[i].status, FT_U8, 0, "latched status"),                                             \
        F(chan[i].status_latched, FT_U8, 0, "status is latched"),                                  \
        F(chan[i].read_high, FT_U8, 0, "read the high byte"),                                      \
        F(chan[i].write_high, FT_U8, 0, "write the high byte"),                                    \
        F(chan[i].low, FT_U8, 0, "low byte written"), F(chan[i].gate, FT_U8, g, "gate input"),     \
        F(chan[i].stopped, FT_U8, !(g), "counting stopped"),                                       \
        F(chan[i].triggered, FT_U8, 0, "started by the gate"),                                     \
        F(chan[i].armed, FT_U8, 0, "count written"),                                               \
        F(chan[i].next_low, FT_U8, 0, "next count starts low"),                                    \
        F(chan[i].pad, FT_BYTES, 0, "unused")
static const struct field i8254_fields[] = {CHAN(0, 1),
                                            CHAN(1, 1),
                                            CHAN(2, 0),
                                            F(port61, FT_U8, 0, "port 0x61"),
                                            F(pad, FT_BYTES, 0, "unused"),
                                            FIELDS_END};
#undef FIELDS_OF

/* ---- time ---- */

static u64 ns_to_ticks(u64 ns)
{
    return muldiv64(ns, PIT_HZ, NS_PER_SEC);
}

/* The first ns that belongs to `tick`; a tick beyond the range of ns never comes. */
static u64 tick_to_ns(u64 tick)
{
    u64 ns = tick >> 54 ? CLOCK_NEVER : muldiv64(tick, NS_PER_SEC, PIT_HZ);

    if (ns == CLOCK_NEVER)
        return ns;
    return ns_to_ticks(ns) < tick ? ns + 1 : ns;
}

static u64 ticks_now(struct i8254 *pit)
{
    return ns_to_ticks(clock_now(pit->dev.env.clock));
}

/* ---- pure functions of a counter and a tick ---- */

static bool periodic(const struct i8254_chan *c)
{
    return c->mode == 2 || c->mode == 3;
}
static bool by_gate(const struct i8254_chan *c)
{
    return c->mode == 1 || c->mode == 5;
}

/* Ticks in the high half of a square wave. */
static u64 high_half(u32 count)
{
    return (count + 1) / 2;
}

/* The counter as it is at tick t: a waiting count takes over at its time. */
static struct i8254_chan at(const struct i8254_chan *chan, u64 t)
{
    struct i8254_chan c = *chan;

    if (c.next_count && !c.stopped && (s64)(t - c.next_start) >= 0) {
        c.start = c.next_start;
        c.count = c.next_count;
        c.next_count = 0;
        /* a square wave goes on with the half that the old one had not reached */
        if (c.next_low)
            c.start -= high_half(c.count);
        c.next_low = 0;
    }
    return c;
}

/* Is the counting element loaded at t, i.e. not waiting for the next clock? */
static bool loaded_at(const struct i8254_chan *c, u64 t)
{
    if (!c->count || (by_gate(c) && !c->triggered))
        return false;
    return c->stopped || (s64)(t - c->start) >= 0;
}

static u64 elapsed_at(const struct i8254_chan *c, u64 t)
{
    if (c->stopped)
        return c->elapsed;
    return (s64)(t - c->start) >= 0 ? t - c->start : 0;
}

/* OUT of a counter that at() has brought to t. */
static bool out_level(const struct i8254_chan *c, u64 t)
{
    u64 e = elapsed_at(c, t);
    bool loaded = loaded_at(c, t);

    switch (c->mode) {
    case 0: return loaded && !c->write_high && e >= c->count;
    case 1: return !loaded || e >= c->count;
    case 2: return !loaded || !c->gate || e % c->count != c->count - 1;
    case 3: return !loaded || !c->gate || e % c->count < high_half(c->count);
    default: return !loaded || e != c->count;
    }
}

/* Tick after t at which OUT changes next, if nothing is written until then; CLOCK_NEVER: it stays.
 */
static u64 next_change(const struct i8254_chan *c, u64 t)
{
    u64 e = elapsed_at(c, t), base = c->start, turn;

    if (!c->count || c->stopped || (by_gate(c) && !c->triggered))
        return CLOCK_NEVER;
    if (c->mode == 1 && (s64)(t - c->start) < 0)
        return c->start;
    switch (c->mode) {
    case 0:
    case 1: return e < c->count ? base + c->count : CLOCK_NEVER;
    case 2:
        turn = e / c->count * c->count;
        return base + turn + (e - turn < c->count - 1 ? c->count - 1 : c->count);
    case 3:
        turn = e / c->count * c->count;
        return base + turn + (e - turn < high_half(c->count) ? high_half(c->count) : c->count);
    default:
        if (e < c->count)
            return base + c->count;
        return e == c->count ? t + 1 : CLOCK_NEVER;
    }
}

static u16 to_bcd(u32 v)
{
    return (u16)(v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12);
}

static u32 from_bcd(u16 v)
{
    return (v & 0xfu) + (v >> 4 & 0xfu) * 10 + (v >> 8 & 0xfu) * 100 + (v >> 12 & 0xfu) * 1000;
}

/* The count as the CPU reads it. */
static u16 count_at(const struct i8254_chan *c, u64 t)
{
    u32 round = c->bcd ? 10000 : 65536, v;
    u64 e = elapsed_at(c, t);

    if (!c->count)
        return 0;
    if (c->mode == 2) {
        v = (u32)(c->count - e % c->count);
    } else if (c->mode == 3) {
        u64 in = e % c->count, half = high_half(c->count);

        if (in >= half)
            in -= half;
        v = (u32)((c->count & ~1u) - 2 * in);
    } else {
        v = (u32)((c->count + round - e % round) % round);
    }
    v %= round;
    return c->bcd ? to_bcd(v) : (u16)v;
}

bool i8254_out(const struct i8254 *pit, unsigned n, u64 ns)
{
    u64 t = ns_to_ticks(ns);
    struct i8254_chan c = at(&pit->r.chan[n % 3], t);

    return out_level(&c, t);
}

bool i8254_speaker(const struct i8254 *pit, u64 ns)
{
    return (pit->r.port61 & P61_SPEAKER) && i8254_out(pit, 2, ns);
}

u64 i8254_speaker_next(const struct i8254 *pit, u64 ns)
{
    u64 t = ns_to_ticks(ns), next;
    struct i8254_chan c = at(&pit->r.chan[2], t);

    if (!(pit->r.port61 & P61_SPEAKER))
        return CLOCK_NEVER;
    next = next_change(&c, t);
    if (c.next_count && !c.stopped)
        next = MIN(next, c.next_start);
    return tick_to_ns(next);
}

u32 i8254_speaker_hz(const struct i8254 *pit)
{
    const struct i8254_chan *c = &pit->r.chan[2];
    u32 count = c->next_count ? c->next_count : c->count;

    if (c->mode != 3 || !count ||
        (pit->r.port61 & (P61_SPEAKER | P61_GATE2)) != (P61_SPEAKER | P61_GATE2))
        return 0;
    return (u32)(PIT_HZ / count);
}

/* ---- the wire of counter 0 ---- */

static void update_irq(struct i8254 *pit)
{
    u64 t = ticks_now(pit), next;
    struct i8254_chan *c = &pit->r.chan[0];
    struct i8254_chan now = at(c, t);

    irq_set(&pit->out0, out_level(&now, t));
    next = next_change(&now, t);
    if (now.next_count && !now.stopped)
        next = MIN(next, now.next_start);
    timer_set(&pit->timer, tick_to_ns(next));
}

/* The tick at which OUT of a square wave or rate generator last went up at the end of a round; 0:
 * never. */
static u64 last_rise(const struct i8254_chan *c, u64 t)
{
    u64 e = elapsed_at(c, t);

    if (!periodic(c) || !c->gate || !loaded_at(c, t) || e < c->count)
        return 0;
    return t - e % c->count;
}

/* OUT0 changed. When the host was late and whole rounds have passed, the edges in them become one.
 */
static void out0_changed(void *arg, u64 now)
{
    struct i8254 *pit = arg;
    u64 t = ns_to_ticks(now), rise;
    struct i8254_chan c = at(&pit->r.chan[0], t);

    rise = last_rise(&c, t);
    if (rise && rise >= ns_to_ticks(pit->timer.when)) {
        irq_set(&pit->out0, 0);
        irq_set(&pit->out0, 1);
    } else if (c.mode >= 4 && loaded_at(&c, t) && elapsed_at(&c, t) > c.count) {
        irq_set(&pit->out0, 0); /* the strobe lasted one clock and may be over already */
    }
    update_irq(pit);
}

/* ---- events ---- */

static void commit(struct i8254_chan *c, u64 t)
{
    *c = at(c, t);
}

static void stop(struct i8254_chan *c, u64 t)
{
    if (c->stopped)
        return;
    commit(c, t);
    c->elapsed = elapsed_at(c, t);
    c->stopped = 1;
}

static void go_on(struct i8254_chan *c, u64 t)
{
    if (!c->stopped || !c->gate || (c->mode == 0 && c->write_high))
        return;
    c->stopped = 0;
    c->start = t - c->elapsed;
    c->elapsed = 0;
}

static void set_gate(struct i8254_chan *c, bool level, u64 t)
{
    bool rose = level && !c->gate;

    if (level == !!c->gate)
        return;
    if (!level && !by_gate(c))
        stop(c, t);
    c->gate = level;
    if (!rose)
        return;
    if (by_gate(c)) {
        if (!c->armed)
            return;
        if (c->next_count) {
            c->count = c->next_count;
            c->next_count = 0;
        }
        c->triggered = 1;
        c->start = t + 1;
    } else if (periodic(c)) {
        c->stopped = 0;
        c->elapsed = 0;
        if (c->next_count) {
            c->count = c->next_count;
            c->next_count = 0;
        }
        c->start = t + 1;
    } else {
        go_on(c, t);
    }
}

/* A whole count was written. */
static void load_count(struct i8254_chan *c, u16 raw, u64 t)
{
    u32 n = c->bcd ? from_bcd(raw) % 10000 : raw;

    if (!n)
        n = c->bcd ? 10000 : 65536;
    if (periodic(c) && n == 1)
        n = 2; /* not allowed (table of minimum counts); what the chip does then is not specified */
    commit(c, t);
    c->armed = 1;
    if (by_gate(c)) {
        if (c->triggered && c->count)
            c->next_count = n, c->next_start = ~0ull >> 1; /* taken by the next trigger */
        else
            c->count = n;
        return;
    }
    if (periodic(c) && c->count && !c->stopped && (s64)(t - c->start) >= 0) {
        u64 e = t - c->start, in = e % c->count, half = high_half(c->count);

        c->next_count = n;
        c->next_low = 0;
        if (c->mode == 2) {
            c->next_start = t - in + c->count;
        } else if (in < half) {
            c->next_start = t - in + half;
            c->next_low = 1;
        } else {
            c->next_start = t - in + c->count;
        }
        return;
    }
    c->count = n;
    c->next_count = 0;
    c->elapsed = 0;
    c->start = t + 1;
    c->stopped = !c->gate;
}

static void write_control(struct i8254_chan *c, u8 v, u64 t)
{
    u8 mode = v >> 1 & 7;

    c->mode = mode > 5 ? mode & 3 : mode;
    c->bcd = v & 1;
    c->access = v >> 4 & 3;
    c->read_high = c->write_high = c->latched = c->status_latched = 0;
    c->count = c->next_count = 0;
    c->next_low = 0;
    c->triggered = c->armed = 0;
    c->elapsed = 0;
    c->start = t;
    c->stopped = !by_gate(c) && !c->gate;
}

static void latch_count(struct i8254_chan *c, u64 t)
{
    struct i8254_chan now = at(c, t);

    if (c->latched)
        return;
    c->latch = count_at(&now, t);
    c->latched = c->access == ACCESS_BOTH ? 2 : 1;
}

static void latch_status(struct i8254_chan *c, u64 t)
{
    struct i8254_chan now = at(c, t);

    if (c->status_latched)
        return;
    c->status = (u8)((out_level(&now, t) ? STATUS_OUT : 0) |
                     (!loaded_at(&now, t) || now.next_count ? STATUS_NULL : 0) | c->access << 4 |
                     c->mode << 1 | c->bcd);
    c->status_latched = 1;
}

/* ---- registers ---- */

static void write_command(struct i8254 *pit, u8 v, u64 t)
{
    if (v >> 6 == 3) {
        for (unsigned n = 0; n < 3; n++) {
            if (!(v & (2u << n)))
                continue;
            if (!(v & 0x20))
                latch_count(&pit->r.chan[n], t);
            if (!(v & 0x10))
                latch_status(&pit->r.chan[n], t);
        }
    } else if (!(v & 0x30)) {
        latch_count(&pit->r.chan[v >> 6], t);
    } else {
        write_control(&pit->r.chan[v >> 6], v, t);
    }
}

static void write_counter(struct i8254_chan *c, u8 v, u64 t)
{
    switch (c->access) {
    case ACCESS_LOW: load_count(c, v, t); break;
    case ACCESS_HIGH: load_count(c, (u16)(v << 8), t); break;
    default:
        if (!c->write_high) {
            c->low = v;
            if (c->mode == 0)
                stop(c, t);
            c->write_high = 1;
        } else {
            c->write_high = 0;
            load_count(c, (u16)(c->low | v << 8), t);
        }
        break;
    }
}

static u8 read_counter(struct i8254_chan *c, u64 t)
{
    struct i8254_chan now = at(c, t);
    u16 v = c->latched ? c->latch : count_at(&now, t);
    bool high = c->access == ACCESS_HIGH;

    if (c->status_latched) {
        c->status_latched = 0;
        return c->status;
    }
    if (c->access == ACCESS_BOTH) {
        high = c->read_high;
        c->read_high ^= 1;
    }
    if (c->latched)
        c->latched--;
    return (u8)(high ? v >> 8 : v);
}

static void speaker_changing(struct i8254 *pit)
{
    if (pit->speaker_changing)
        pit->speaker_changing(pit->speaker_arg, clock_now(pit->dev.env.clock));
}

static u64 i8254_read(void *dev, u64 off, unsigned size)
{
    struct i8254 *pit = dev;

    return off < 3 ? read_counter(&pit->r.chan[off], ticks_now(pit)) : 0xff;
}

static void i8254_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct i8254 *pit = dev;
    u64 t = ticks_now(pit);

    if (pit->timer.when <= clock_now(pit->dev.env.clock))
        out0_changed(
            pit,
            clock_now(pit->dev.env.clock)); /* a pulse that the event queue has not got to yet */
    if (off == 2 || (off == 3 && (v & 0xc0) == 0x80))
        speaker_changing(pit);
    if (off < 3)
        write_counter(&pit->r.chan[off], (u8)v, t);
    else
        write_command(pit, (u8)v, t);
    update_irq(pit);
}

static u64 port61_read(void *dev, u64 off, unsigned size)
{
    struct i8254 *pit = dev;
    u64 ns = clock_now(pit->dev.env.clock);
    u8 v = pit->r.port61;

    if (ns_to_ticks(ns) / REFRESH_TICKS & 1)
        v |= P61_REFRESH;
    if (i8254_out(pit, 2, ns))
        v |= P61_OUT2;
    return v;
}

static void port61_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct i8254 *pit = dev;

    if ((v ^ pit->r.port61) & (P61_GATE2 | P61_SPEAKER))
        speaker_changing(pit);
    pit->r.port61 = v & P61_WRITABLE;
    set_gate(&pit->r.chan[2], v & P61_GATE2, ticks_now(pit));
}

static const struct region_ops i8254_ops = {i8254_read, i8254_write, 1, 1};
static const struct region_ops port61_ops = {port61_read, port61_write, 1, 1};

/* ---- life ---- */

static bool i8254_init(struct dev *dev, struct err *err)
{
    struct i8254 *pit = (struct i8254 *)dev;

    timer_init(&pit->timer, dev->env.clock, out0_changed, pit, "pit");
    pit->io =
        (struct region){.name = dev->id, .base = 0x40, .size = 4, .ops = &i8254_ops, .dev = pit};
    pit->io61 =
        (struct region){.name = "port61", .base = 0x61, .size = 1, .ops = &port61_ops, .dev = pit};
    bus_map(dev->env.io, &pit->io);
    bus_map(dev->env.io, &pit->io61);
    return true;
}

static void i8254_reset(struct dev *dev)
{
    update_irq((struct i8254 *)dev);
}

static bool chan_valid(const struct i8254_chan *c)
{
    return c->mode <= 5 && c->bcd <= 1 && c->access >= 1 && c->access <= 3 && c->latched <= 2 &&
           c->count <= 65536 && c->next_count <= 65536 && c->gate <= 1 && c->stopped <= 1 &&
           c->write_high <= 1 && c->read_high <= 1 && c->next_low <= 1 &&
           !(periodic(c) && (c->count == 1 || c->next_count == 1));
}

static bool i8254_loaded(struct dev *dev, struct err *err)
{
    struct i8254 *pit = (struct i8254 *)dev;

    for (unsigned n = 0; n < 3; n++)
        if (!chan_valid(&pit->r.chan[n]))
            return err_set(err, "%s: the saved state of counter %u is impossible", dev->id, n);
    pit->r.port61 &= P61_WRITABLE;
    update_irq(pit);
    return true;
}

const struct dev_class i8254_class = {
    .name = "i8254",
    .help = "8254 interval timer and port 0x61",
    .size = sizeof(struct i8254),
    .saved_at = offsetof(struct i8254, r),
    .saved_size = sizeof(struct i8254_regs),
    .version = 1,
    .fields = i8254_fields,
    .init = i8254_init,
    .reset = i8254_reset,
    .loaded = i8254_loaded,
};
