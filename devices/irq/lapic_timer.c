/* Timer of the local APIC (Intel SDM volume 3, 10.5.4): one-shot, periodic and TSC deadline. */
#include "devices/irq/lapic_int.h"

/* A periodic count of a few ns would keep the machine busy with nothing else: expiries closer than
 * this are merged. */
enum { MIN_PERIOD_NS = 1000 };

unsigned lapic_timer_mode(const struct lapic *apic)
{
    return apic->r.lvt[LVT_TIMER] >> 17 & 3;
}

/* log2 of the divider. */
static unsigned divide_shift(const struct lapic *apic)
{
    unsigned code = (apic->r.divide & 3) | (apic->r.divide >> 1 & 4);

    return (code + 1) & 7;
}

/* ns that `count` timer counts take. */
static u64 count_ns(const struct lapic *apic, u64 count)
{
    u64 ns = muldiv64(count << divide_shift(apic), NS_PER_SEC, apic->timer_hz);

    return ns ? ns : 1;
}

u32 lapic_timer_count(struct lapic *apic)
{
    u64 now = clock_now(apic->dev.env.clock), counts;

    if (lapic_timer_mode(apic) == TIMER_DEADLINE || !apic->r.initial || now < apic->r.timer_start)
        return 0;
    counts = muldiv64(now - apic->r.timer_start, apic->timer_hz, NS_PER_SEC) >> divide_shift(apic);
    if (lapic_timer_mode(apic) == TIMER_PERIODIC)
        return apic->r.initial - (u32)(counts % apic->r.initial);
    return counts >= apic->r.initial ? 0 : apic->r.initial - (u32)counts;
}

void lapic_timer_arm(struct lapic *apic, u64 when)
{
    apic->r.timer_next = when;
    timer_set(&apic->timer, when);
}

void lapic_timer_start(struct lapic *apic)
{
    apic->r.timer_start = clock_now(apic->dev.env.clock);
    if (apic->r.initial && lapic_timer_mode(apic) != TIMER_DEADLINE)
        lapic_timer_arm(apic, apic->r.timer_start + count_ns(apic, apic->r.initial));
    else
        lapic_timer_arm(apic, CLOCK_NEVER);
}

void lapic_deadline_arm(struct lapic *apic)
{
    if (lapic_timer_mode(apic) != TIMER_DEADLINE)
        return;
    if (apic->r.tsc_deadline && apic->hooks.tsc_to_ns)
        lapic_timer_arm(apic, apic->hooks.tsc_to_ns(apic->hooks.arg, apic->r.tsc_deadline));
    else
        lapic_timer_arm(apic, CLOCK_NEVER);
}

void lapic_timer_expired(void *arg, u64 now)
{
    struct lapic *apic = arg;

    lapic_local_event(apic, LVT_TIMER);
    if (lapic_timer_mode(apic) == TIMER_PERIODIC && apic->r.initial) {
        u64 period = count_ns(apic, apic->r.initial), next = apic->r.timer_next + period;

        if (next < now + MIN_PERIOD_NS) {
            u64 late = now + MIN_PERIOD_NS - apic->r.timer_next;

            next = apic->r.timer_next + (late / period + 1) * period;
        }
        lapic_timer_arm(apic, next);
    } else {
        apic->r.tsc_deadline = 0;
        lapic_timer_arm(apic, CLOCK_NEVER);
    }
    lapic_update(apic);
}

void lapic_tsc_changed(struct lapic *apic)
{
    lapic_deadline_arm(apic);
}

/* The count runs on at another speed from the value it has. */
void lapic_timer_divide(struct lapic *apic, u32 v)
{
    u32 left = lapic_timer_count(apic);
    u64 now = clock_now(apic->dev.env.clock), done;

    apic->r.divide = v & 0xb;
    if (!left || lapic_timer_mode(apic) == TIMER_DEADLINE)
        return;
    done = count_ns(apic, apic->r.initial - left);
    apic->r.timer_start = now > done ? now - done : 0;
    lapic_timer_arm(apic, now + count_ns(apic, left));
}
