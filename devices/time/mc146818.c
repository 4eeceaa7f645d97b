/* Motorola MC146818A real-time clock (data sheet ADI-1026). The date is computed from the virtual
 * clock when looked at. */
#include "devices/time/mc146818.h"

enum {
    R_SEC = 0,
    R_SEC_ALARM = 1,
    R_MIN = 2,
    R_MIN_ALARM = 3,
    R_HOUR = 4,
    R_HOUR_ALARM = 5,
    R_WDAY = 6,
    R_DAY = 7,
    R_MONTH = 8,
    R_YEAR = 9,
    R_A = 10,
    R_B = 11,
    R_C = 12,
    R_D = 13,
    R_CENTURY = 0x32,
};
enum { A_UIP = 0x80, A_DIV = 0x70, A_DIV_NORMAL = 0x20, A_RATE = 0x0f };
enum { B_SET = 0x80, B_PIE = 0x40, B_AIE = 0x20, B_UIE = 0x10, B_BINARY = 0x04, B_24H = 0x02 };
enum { C_IRQF = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10 };
enum { D_VRT = 0x80, PM = 0x80, DONT_CARE = 0xc0 };

/* The update takes 1984 us and is announced 244 us ahead (table 6: tUC and tBUC at 32.768 kHz). */
enum { UIP_NS = (1984 + 244) * 1000 };
enum { DAY = 86400, LOST_MAX = 8192 };

#define FIELDS_OF struct mc146818_regs
static const struct field mc146818_fields[] = {
    FK(seconds, FT_U64, 0, "date shown at time `at`"),
    FK(at, FT_U64, 0, "time of that"),
    FK(looked, FT_U64, 0, "time up to which flags are collected"),
    FK(div_start, FT_U64, 0, "time the divider was released"),
    FK(cmos, FT_BYTES, 0, "registers and memory"),
    F(index, FT_U8, 0, "selected byte and NMI mask"),
    FK(weekday, FT_U8, 0, "day of week offset"),
    FK(pad, FT_BYTES, 0, "unused"),
    FS(lost, FT_U64, 0, "periodic interrupts to be made up for", 2),
    FS(redo, FT_U64, CLOCK_NEVER, "time of the next of them", 2),
    FIELDS_END};
#undef FIELDS_OF

static const struct prop mc146818_props[] = {{"base", offsetof(struct mc146818, base), PT_U64,
                                              946684800, 0, ~0ull,
                                              "seconds since 1970 at machine start"},
                                             {"slew", offsetof(struct mc146818, slew), PT_BOOL, 0,
                                              0, 1, "make up for lost periodic interrupts"},
                                             PROPS_END};

/* ---- calendar ---- */

struct date {
    s64 year;
    unsigned month, day, hour, min, sec, wday; /* month 1..12, day 1..31, wday 0 = Sunday */
};

static s64 floor_div(s64 a, s64 b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01 of a date in the Gregorian calendar; months count from March so that leap
 * days come last. */
static s64 days_of(s64 year, unsigned month, unsigned day)
{
    s64 y = month <= 2 ? year - 1 : year, era = floor_div(y, 400);
    s64 in_era = y - era * 400, from_march = (month + 9) % 12;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + (153 * from_march + 2) / 5 +
           (s64)day - 1 - 719468;
}

static struct date date_of(s64 seconds)
{
    s64 days = floor_div(seconds, DAY), era, doe, yoe, doy, mp;
    unsigned rest = (unsigned)(seconds - days * DAY);
    struct date d = {.hour = rest / 3600, .min = rest / 60 % 60, .sec = rest % 60};

    d.wday = (unsigned)((days + 4) - floor_div(days + 4, 7) * 7);
    days += 719468;
    era = floor_div(days, 146097);
    doe = days - era * 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;
    d.day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    d.month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    d.year = yoe + era * 400 + (d.month <= 2);
    return d;
}

/* ---- register formats ---- */

static u8 encode(const struct mc146818 *rtc, unsigned v)
{
    return (u8)(rtc->r.cmos[R_B] & B_BINARY ? v : v / 10 % 10 << 4 | v % 10);
}

static unsigned decode(const struct mc146818 *rtc, u8 v)
{
    return rtc->r.cmos[R_B] & B_BINARY ? v : (v >> 4) * 10u + (v & 0xfu);
}

static u8 encode_hour(const struct mc146818 *rtc, unsigned hour)
{
    if (rtc->r.cmos[R_B] & B_24H)
        return encode(rtc, hour);
    return (u8)(encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? PM : 0));
}

static unsigned decode_hour(const struct mc146818 *rtc, u8 v)
{
    if (rtc->r.cmos[R_B] & B_24H)
        return decode(rtc, v);
    return decode(rtc, v & 0x7f) % 12 + (v & PM ? 12 : 0);
}

/* ---- time ---- */

static u64 now_ns(const struct mc146818 *rtc)
{
    return clock_now(rtc->dev.env.clock);
}

static bool divider_runs(const struct mc146818 *rtc)
{
    return (rtc->r.cmos[R_A] & A_DIV) < 0x60;
}

static bool running(const struct mc146818 *rtc)
{
    return divider_runs(rtc) && !(rtc->r.cmos[R_B] & B_SET);
}

/* Whole seconds that have ended since `at`. */
static u64 seconds_since(const struct mc146818 *rtc, u64 ns)
{
    return ns > rtc->r.at ? (ns - rtc->r.at) / NS_PER_SEC : 0;
}

/* Put the date at ns into the registers. */
static void show(struct mc146818 *rtc, u64 ns)
{
    struct date d = date_of((s64)(rtc->r.seconds + seconds_since(rtc, ns)));
    unsigned year = (unsigned)(d.year - floor_div(d.year, 10000) * 10000);
    u8 *cmos = rtc->r.cmos;

    cmos[R_SEC] = encode(rtc, d.sec);
    cmos[R_MIN] = encode(rtc, d.min);
    cmos[R_HOUR] = encode_hour(rtc, d.hour);
    cmos[R_WDAY] = encode(rtc, (d.wday + rtc->r.weekday) % 7 + 1);
    cmos[R_DAY] = encode(rtc, d.day);
    cmos[R_MONTH] = encode(rtc, d.month);
    cmos[R_YEAR] = encode(rtc, year % 100);
    cmos[R_CENTURY] = encode(rtc, year / 100);
}

/* Take the registers as the date; values out of range carry over into the next unit. */
static void take(struct mc146818 *rtc)
{
    const u8 *cmos = rtc->r.cmos;
    unsigned month = decode(rtc, cmos[R_MONTH]), wday = decode(rtc, cmos[R_WDAY]), true_wday;
    s64 year = (s64)decode(rtc, cmos[R_CENTURY]) * 100 + decode(rtc, cmos[R_YEAR]), days;

    month = month ? (month - 1) % 12 + 1 : 1;
    days = days_of(year, month, decode(rtc, cmos[R_DAY]));
    rtc->r.seconds = (u64)(days * DAY + (s64)decode_hour(rtc, cmos[R_HOUR]) * 3600 +
                           (s64)decode(rtc, cmos[R_MIN]) * 60 + decode(rtc, cmos[R_SEC]));
    true_wday = date_of((s64)rtc->r.seconds).wday;
    rtc->r.weekday = (u8)((wday + 6 + 7 - true_wday) % 7);
}

/* Let `at` be the start of the present second, with the registers true. */
static void settle(struct mc146818 *rtc, u64 ns)
{
    u64 n = seconds_since(rtc, ns);

    if (!running(rtc))
        return;
    show(rtc, ns);
    rtc->r.seconds += n;
    rtc->r.at += n * NS_PER_SEC;
}

/* ns between periodic flags, 0: none. Rates 1 and 2 are those of 8 and 9 with the 32.768 kHz
 * crystal. */
static u64 periods(const struct mc146818 *rtc, u64 ns)
{
    unsigned rate = rtc->r.cmos[R_A] & A_RATE;

    if (!rate || !divider_runs(rtc) || ns < rtc->r.div_start)
        return 0;
    if (rate < 3)
        rate += 7;
    return muldiv64(ns - rtc->r.div_start, 32768, NS_PER_SEC) >> (rate - 1);
}

/* The time at which the periodic flag comes next; CLOCK_NEVER: never. */
static u64 next_period(const struct mc146818 *rtc, u64 ns)
{
    unsigned rate = rtc->r.cmos[R_A] & A_RATE;
    u64 tick;

    if (!rate || !divider_runs(rtc))
        return CLOCK_NEVER;
    if (rate < 3)
        rate += 7;
    tick = (periods(rtc, ns) + 1) << (rate - 1);
    return rtc->r.div_start + muldiv64(tick, NS_PER_SEC, 32768) + 1;
}

static bool alarm_fits(const struct mc146818 *rtc, unsigned of_day)
{
    const u8 *cmos = rtc->r.cmos;
    u8 sec = cmos[R_SEC_ALARM], min = cmos[R_MIN_ALARM], hour = cmos[R_HOUR_ALARM];

    return (sec >= DONT_CARE || decode(rtc, sec) == of_day % 60) &&
           (min >= DONT_CARE || decode(rtc, min) == of_day / 60 % 60) &&
           (hour >= DONT_CARE || decode_hour(rtc, hour) == of_day / 3600);
}

/* Did the alarm match at the end of one of the `n` seconds before date `last`? */
static bool alarm_within(const struct mc146818 *rtc, s64 last, u64 n)
{
    for (u64 i = 0; i < MIN(n, (u64)DAY); i++) {
        s64 s = last - (s64)i;

        if (alarm_fits(rtc, (unsigned)(s - floor_div(s, DAY) * DAY)))
            return true;
    }
    return false;
}

static void update_irq(struct mc146818 *rtc)
{
    irq_set(&rtc->out, rtc->r.cmos[R_B] & rtc->r.cmos[R_C] & (C_PF | C_AF | C_UF));
    irq_set(&rtc->nmi_mask, rtc->r.index & 0x80);
}

/* Ticks that came while the flag was up, or several in one look, were lost on the guest, which
 * counts time by them: remember them, up to some seconds' worth (-rtc driftfix=slew). */
static void count_lost(struct mc146818 *rtc, u64 n)
{
    bool up = rtc->r.cmos[R_C] & C_PF;

    if (!rtc->slew || !(rtc->r.cmos[R_B] & B_PIE))
        return;
    rtc->r.lost = MIN(rtc->r.lost + n - (up ? 0 : 1), (u64)LOST_MAX);
}

/* The guest took one: it gets the next that was lost soon, between those that come by themselves. */
static void plan_redo(struct mc146818 *rtc, u64 ns)
{
    u64 next = next_period(rtc, ns);

    if (!rtc->r.lost || !(rtc->r.cmos[R_B] & B_PIE) || next == CLOCK_NEVER)
        rtc->r.redo = CLOCK_NEVER;
    else
        rtc->r.redo = ns + (next - ns) / 2;
}

static void redo(struct mc146818 *rtc, u64 ns)
{
    if (ns < rtc->r.redo)
        return;
    rtc->r.redo = CLOCK_NEVER;
    if (rtc->r.lost && !(rtc->r.cmos[R_C] & C_PF)) {
        rtc->r.lost--;
        rtc->r.cmos[R_C] |= C_PF;
    }
}

/* Collect the flags of what has happened since the last look. */
static void look(struct mc146818 *rtc, u64 ns)
{
    u64 before = seconds_since(rtc, rtc->r.looked), after = seconds_since(rtc, ns), ticks;

    if (ns <= rtc->r.looked)
        return;
    redo(rtc, ns);
    ticks = periods(rtc, ns) - periods(rtc, rtc->r.looked);
    if (ticks) {
        count_lost(rtc, ticks);
        rtc->r.cmos[R_C] |= C_PF;
    }
    if (running(rtc) && after != before) {
        rtc->r.cmos[R_C] |= C_UF;
        if (!(rtc->r.cmos[R_C] & C_AF) &&
            alarm_within(rtc, (s64)(rtc->r.seconds + after), after - before))
            rtc->r.cmos[R_C] |= C_AF;
    }
    rtc->r.looked = ns;
    settle(rtc, ns);
}

/* Wake for flags that would interrupt and are not up yet; all others are found when register C is
 * read. */
static void arm(struct mc146818 *rtc, u64 ns)
{
    u8 wanted = rtc->r.cmos[R_B] & ~rtc->r.cmos[R_C];
    u64 next = CLOCK_NEVER;

    if (wanted & B_PIE)
        next = MIN(next_period(rtc, ns), rtc->r.redo);
    else if (rtc->slew && (rtc->r.cmos[R_B] & B_PIE))
        next = next_period(rtc, ns); /* to count what is lost */
    if ((wanted & (B_AIE | B_UIE)) && running(rtc))
        next = MIN(next, rtc->r.at + (seconds_since(rtc, ns) + 1) * NS_PER_SEC);
    timer_set(&rtc->timer, next);
}

static void timer_fired(void *arg, u64 now)
{
    struct mc146818 *rtc = arg;

    look(rtc, now);
    arm(rtc, now);
    update_irq(rtc);
}

/* ---- registers ---- */

static u8 reg_read(struct mc146818 *rtc, unsigned reg, u64 ns)
{
    u8 v = rtc->r.cmos[reg];

    switch (reg) {
    case R_A:
        if (running(rtc) &&
            NS_PER_SEC - (ns > rtc->r.at ? ns - rtc->r.at : 0) % NS_PER_SEC <= UIP_NS)
            v |= A_UIP;
        return v;
    case R_C:
        if (v & rtc->r.cmos[R_B] & (C_PF | C_AF | C_UF))
            v |= C_IRQF;
        if (v & C_PF)
            plan_redo(rtc, ns);
        rtc->r.cmos[R_C] = 0;
        return v;
    case R_D: return D_VRT;
    default: return v;
    }
}

static void write_a(struct mc146818 *rtc, u8 v, u64 ns)
{
    bool ran = divider_runs(rtc);

    if ((rtc->r.cmos[R_A] ^ v) & (A_DIV | A_RATE))
        rtc->r.lost = 0, rtc->r.redo = CLOCK_NEVER;
    rtc->r.cmos[R_A] = v & (A_DIV | A_RATE);
    if (!ran && divider_runs(rtc)) {
        /* the first update comes half a second after the divider is released */
        rtc->r.div_start = ns;
        rtc->r.at = ns > NS_PER_SEC / 2 ? ns - NS_PER_SEC / 2 : 0;
    }
}

static void write_b(struct mc146818 *rtc, u8 v, u64 ns)
{
    bool ran = running(rtc);

    if (!(v & B_PIE))
        rtc->r.lost = 0, rtc->r.redo = CLOCK_NEVER;
    if (v & B_SET)
        v &= (u8)~B_UIE; /* going to set mode clears update-ended interrupts */
    rtc->r.cmos[R_B] = v;
    /* The guest rewrites the registers itself after it changes their format, so a date that is set
     * is taken in the format that holds when the clock starts. */
    if (!ran && running(rtc)) {
        u64 phase = ns > rtc->r.at ? (ns - rtc->r.at) % NS_PER_SEC : 0;

        take(rtc);
        rtc->r.at = ns - phase;
        rtc->r.looked = ns;
    } else if (running(rtc)) {
        show(rtc, ns);
    }
}

static bool is_date(unsigned reg)
{
    return reg == R_SEC || reg == R_MIN || reg == R_HOUR || (reg >= R_WDAY && reg <= R_YEAR) ||
           reg == R_CENTURY;
}

static void reg_write(struct mc146818 *rtc, unsigned reg, u8 v, u64 ns)
{
    switch (reg) {
    case R_A: write_a(rtc, v, ns); break;
    case R_B: write_b(rtc, v, ns); break;
    case R_C:
    case R_D: break;
    default:
        rtc->r.cmos[reg] = v;
        if (is_date(reg) && running(rtc))
            take(rtc);
        break;
    }
}

static u64 mc146818_read(void *dev, u64 off, unsigned size)
{
    struct mc146818 *rtc = dev;
    u64 ns = now_ns(rtc);
    u8 v;

    if (!off)
        return 0xff; /* the index cannot be read back */
    look(rtc, ns);
    v = reg_read(rtc, rtc->r.index & 0x7f, ns);
    arm(rtc, ns);
    update_irq(rtc);
    return v;
}

static void mc146818_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct mc146818 *rtc = dev;
    u64 ns = now_ns(rtc);

    look(rtc, ns);
    if (!off)
        rtc->r.index = (u8)v;
    else
        reg_write(rtc, rtc->r.index & 0x7f, (u8)v, ns);
    arm(rtc, ns);
    update_irq(rtc);
}

void mc146818_poke(struct mc146818 *rtc, unsigned reg, u8 v)
{
    if (reg > R_D && reg < CMOS_SIZE)
        rtc->r.cmos[reg] = v;
}

u8 mc146818_peek(const struct mc146818 *rtc, unsigned reg)
{
    return rtc->r.cmos[reg % CMOS_SIZE];
}

void mc146818_skip(struct mc146818 *rtc, u64 ns)
{
    u64 now = now_ns(rtc);

    look(rtc, now);
    rtc->r.seconds += ns / NS_PER_SEC;
    rtc->skipped += ns / NS_PER_SEC;
    show(rtc, now);
    arm(rtc, now);
    update_irq(rtc);
}

s64 mc146818_offset(const struct mc146818 *rtc)
{
    return (s64)(rtc->r.seconds - rtc->base - rtc->skipped -
                 (rtc->r.at + NS_PER_SEC / 2) / NS_PER_SEC);
}

static const struct region_ops mc146818_ops = {mc146818_read, mc146818_write, 1, 1};

/* ---- life ---- */

static bool mc146818_init(struct dev *dev, struct err *err)
{
    struct mc146818 *rtc = (struct mc146818 *)dev;

    timer_init(&rtc->timer, dev->env.clock, timer_fired, rtc, "rtc");
    rtc->r.cmos[R_A] = A_DIV_NORMAL | 6; /* what set-up code leaves: 1024 Hz, 24 hours, BCD */
    rtc->r.cmos[R_B] = B_24H;
    rtc->r.cmos[R_D] = D_VRT;
    rtc->r.seconds = rtc->base;
    rtc->r.looked = rtc->r.at = rtc->r.div_start = 0;
    show(rtc, 0);
    rtc->io =
        (struct region){.name = dev->id, .base = 0x70, .size = 2, .ops = &mc146818_ops, .dev = rtc};
    bus_map(dev->env.io, &rtc->io);
    return true;
}

static void mc146818_reset(struct dev *dev)
{
    struct mc146818 *rtc = (struct mc146818 *)dev;
    u64 ns = now_ns(rtc);

    look(rtc, ns);
    rtc->r.cmos[R_B] &= (u8) ~(B_PIE | B_AIE | B_UIE | 0x08);
    rtc->r.cmos[R_C] = 0;
    arm(rtc, ns);
    update_irq(rtc);
}

static bool mc146818_loaded(struct dev *dev, struct err *err)
{
    struct mc146818 *rtc = (struct mc146818 *)dev;
    s64 limit = (s64)1 << 48;

    if ((s64)rtc->r.seconds > limit || (s64)rtc->r.seconds < -limit || rtc->r.weekday > 6 ||
        (rtc->r.at | rtc->r.looked | rtc->r.div_start) >> 62)
        return err_set(err, "%s: the saved date is impossible", dev->id);
    rtc->r.cmos[R_A] &= A_DIV | A_RATE;
    rtc->r.cmos[R_C] &= C_PF | C_AF | C_UF;
    rtc->r.lost = MIN(rtc->r.lost, (u64)LOST_MAX);
    arm(rtc, now_ns(rtc));
    update_irq(rtc);
    return true;
}

const struct dev_class mc146818_class = {
    .name = "mc146818",
    .help = "real-time clock and CMOS memory",
    .size = sizeof(struct mc146818),
    .saved_at = offsetof(struct mc146818, r),
    .saved_size = sizeof(struct mc146818_regs),
    .version = 2,
    .fields = mc146818_fields,
    .props = mc146818_props,
    .init = mc146818_init,
    .reset = mc146818_reset,
    .loaded = mc146818_loaded,
};
