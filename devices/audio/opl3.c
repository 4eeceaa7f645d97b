/* OPL3: registers, timers, and when samples are made (YMF262 data sheet, "Register map"). */
#include "devices/audio/opl3.h"

#include <string.h>

enum { TICK_NS = 10000000, CHUNK = 512 };
enum { R_TIMER1 = 2, R_TIMER2 = 3, R_CONTROL = 4, R_RHYTHM = 0xbd, R_NEW = 0x105 };
enum { CT_RESET = 0x80, ST_IRQ = 0x80 };

static u64 frame_ns(u64 frame)
{
    return muldiv64(frame, NS_PER_SEC, OPL3_RATE);
}

static u64 ns_frame(u64 ns)
{
    return muldiv64(ns, OPL3_RATE, NS_PER_SEC);
}

/* ---- sound ---- */

static void render(struct opl3 *o, u64 until)
{
    s16 out[2 * CHUNK];

    while (o->frame < until) {
        size_t n = (size_t)MIN(until - o->frame, (u64)CHUNK);

        for (size_t i = 0; i < n; i++) {
            s32 v[2];

            opl3_sample(o, v);
            for (size_t c = 0; c < 2; c++) {
                s32 x = v[c] * o->gain[c] / 128;

                out[2 * i + c] = (s16)(x > 32767 ? 32767 : x < -32768 ? -32768 : x);
            }
        }
        audio_samples(o->voice, frame_ns(o->frame), out, n, OPL3_RATE);
        o->frame += n;
    }
}

static void catch_up(struct opl3 *o, u64 now)
{
    if (!o->sounding)
        return;
    if (frame_ns(o->frame) + NS_PER_SEC < now)
        o->frame = ns_frame(now); /* nobody hears what is so late */
    render(o, ns_frame(now));
}

/* Something may be heard from now on. */
static void wake(struct opl3 *o, u64 now)
{
    if (o->sounding || !o->voice || opl3_silent(o))
        return;
    o->sounding = true;
    o->frame = ns_frame(now);
    timer_set(&o->timer, now + TICK_NS);
}

static void tick(void *arg, u64 now)
{
    struct opl3 *o = arg;

    now = clock_now(o->clock);
    catch_up(o, now);
    o->sounding = !opl3_silent(o);
    if (o->sounding)
        timer_set(&o->timer, now + TICK_NS);
}

void opl3_gain(struct opl3 *o, u16 left, u16 right)
{
    if (left == o->gain[0] && right == o->gain[1])
        return;
    catch_up(o, clock_now(o->clock));
    o->gain[0] = left;
    o->gain[1] = right;
}

/* ---- timers: 80 and 320 us a count, from the register up to 256 ---- */

static u64 timer_period(const struct opl3 *o, unsigned n)
{
    return (256u - o->r->reg[R_TIMER1 + n]) * (n ? 320000ull : 80000ull);
}

static u8 flags_at(const struct opl3 *o, u64 now)
{
    u8 ctl = o->r->reg[R_CONTROL], flags = o->r->flags;

    for (unsigned n = 0; n < 2; n++) {
        u8 flag = (u8)(0x40 >> n);

        if ((ctl & BIT(n)) && !(ctl & flag) && now - o->r->timer_start[n] < CLOCK_NEVER / 2 &&
            now - o->r->timer_start[n] >= timer_period(o, n))
            flags |= flag;
    }
    return flags;
}

static void write_control(struct opl3 *o, u8 v, u64 now)
{
    u8 old = o->r->reg[R_CONTROL];

    if (v & CT_RESET) { /* the other bits are not looked at */
        o->r->flags = 0;
        for (unsigned n = 0; n < 2; n++) {
            u64 period = timer_period(o, n), since = now - o->r->timer_start[n];

            /* it runs on: the next overflow is at the end of this round */
            if ((old & BIT(n)) && since < CLOCK_NEVER / 2)
                o->r->timer_start[n] = now - since % period;
        }
        return;
    }
    o->r->flags = flags_at(o, now);
    for (unsigned n = 0; n < 2; n++) {
        if ((v & BIT(n)) && !(old & BIT(n)))
            o->r->timer_start[n] = now;
    }
    o->r->flags &= (u8)~(v & 0x60);
    o->r->reg[R_CONTROL] = v;
}

/* ---- registers ---- */

static void write_keys(struct opl3 *o, unsigned bank, unsigned ch, bool on)
{
    static const u8 first[9] = {0, 1, 2, 6, 7, 8, 12, 13, 14};
    unsigned slot = 18 * bank + first[ch], four = o->r->reg[0x104];
    unsigned pair = 3 * bank + ch % 3;
    bool joined = ch < 6 && (o->r->reg[R_NEW] & 1) && (four & BIT(pair));

    if (joined && ch >= 3)
        return; /* the second half of four operators goes by the first half's key */
    for (unsigned k = 0; k < (joined ? 2u : 1u); k++) {
        opl3_key(o, slot + 6 * k, 1, on);
        opl3_key(o, slot + 6 * k + 3, 1, on);
    }
}

static void write_rhythm(struct opl3 *o, u8 v)
{
    /* bass drum (both), snare, tom, cymbal, hi-hat */
    static const struct {
        u8 bit, slot;
    } drum[] = {{0x10, 12}, {0x10, 15}, {8, 16}, {4, 14}, {2, 17}, {1, 13}};

    for (unsigned i = 0; i < ARRAY_LEN(drum); i++)
        opl3_key(o, drum[i].slot, 2, (v & 0x20) && (v & drum[i].bit));
}

static void write_reg(struct opl3 *o, unsigned n, u8 v)
{
    u64 now = clock_now(o->clock);
    unsigned low = n & 0xff;

    catch_up(o, now);
    if (n == R_CONTROL) {
        write_control(o, v, now);
        return;
    }
    if (n == R_TIMER1 || n == R_TIMER2)
        o->r->flags = flags_at(o, now);
    o->r->reg[n] = v;
    if (low >= 0xb0 && low <= 0xb8)
        write_keys(o, n >> 8, low - 0xb0, v & 0x20);
    if (n == R_RHYTHM)
        write_rhythm(o, v);
    wake(o, now);
}

u8 opl3_read(struct opl3 *o, unsigned port)
{
    u8 flags = flags_at(o, clock_now(o->clock));

    return port & 3 ? 0xff : (u8)(flags | (flags ? ST_IRQ : 0));
}

void opl3_write(struct opl3 *o, unsigned port, u8 v)
{
    unsigned bank = port >> 1 & 1;

    if (!(port & 1)) {
        o->r->index[0] = v;
        /* the second bank is there after NEW is set; NEW itself always is */
        o->r->index[1] = bank && ((o->r->reg[R_NEW] & 1) || v == (R_NEW & 0xff));
        return;
    }
    write_reg(o, o->r->index[0] | (o->r->index[1] & 1u) << 8, v);
}

/* ---- life ---- */

void opl3_init(struct opl3 *o, struct opl3_regs *r, struct clock *clock, const char *name)
{
    o->r = r;
    o->clock = clock;
    o->gain[0] = o->gain[1] = 256;
    timer_init(&o->timer, clock, tick, o, name);
    opl3_tables(o);
}

void opl3_reset(struct opl3 *o)
{
    o->sounding = false;
    timer_cancel(&o->timer);
}

void opl3_saving(struct opl3 *o)
{
    catch_up(o, clock_now(o->clock));
}

void opl3_loaded(struct opl3 *o)
{
    struct opl3_regs *r = o->r;

    for (unsigned i = 0; i < OPL3_SLOTS; i++) {
        r->env[i] &= 511;
        r->phase[i] &= BIT(19) - 1;
        if (r->stage[i] > OPL3_RELEASE)
            r->stage[i] = OPL3_OFF;
        r->key[i] &= 3;
    }
    r->noise &= BIT(23) - 1;
    r->noise |= !r->noise;
    r->index[1] &= 1;
    opl3_reset(o);
    wake(o, clock_now(o->clock));
}
