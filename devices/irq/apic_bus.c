/* Messages between local APICs, I/O APIC and devices (Intel SDM volume 3, 10.6 and 10.11). */
#include "devices/irq/lapic_int.h"

enum { ICR_LOGICAL = BIT(11), ICR_ASSERT = BIT(14), ICR_LEVEL = BIT(15) };

static bool match(const struct lapic *apic, u8 dest, bool logical)
{
    u32 ldr = apic->r.ldr >> 24;

    if (!lapic_enabled(apic))
        return false;
    if (!logical)
        return dest == 0xff || dest == apic->r.id >> 24;
    if (apic->r.dfr >> 28 == 0xf)
        return ldr & dest;
    return (dest >> 4 == 0xf || dest >> 4 == ldr >> 4) && (ldr & dest & 0xf);
}

/* Of the APICs that match, the enabled one with the lowest priority. */
static struct lapic *lowest_priority(struct apic_bus *bus, u8 dest, bool logical)
{
    struct lapic *best = NULL;

    for (unsigned i = 0; i < bus->n; i++) {
        struct lapic *apic = bus->cpu[i];

        if (match(apic, dest, logical) && lapic_software_on(apic) &&
            (!best || lapic_ppr(apic) < lapic_ppr(best)))
            best = apic;
    }
    return best;
}

void apic_deliver(struct apic_bus *bus, const struct apic_msg *msg)
{
    if (msg->mode == APIC_LOWEST) {
        struct lapic *apic = lowest_priority(bus, msg->dest, msg->logical);

        if (!apic)
            return;
        lapic_accept(apic, APIC_FIXED, msg->vector, msg->level);
        lapic_update(apic);
        return;
    }
    for (unsigned i = 0; i < bus->n; i++) {
        struct lapic *apic = bus->cpu[i];

        if (!match(apic, msg->dest, msg->logical))
            continue;
        lapic_accept(apic, msg->mode, msg->vector, msg->level);
        lapic_update(apic);
    }
}

void apic_msi(struct apic_bus *bus, u64 addr, u32 data)
{
    struct apic_msg msg = {.dest = (u8)(addr >> 12),
                           .vector = (u8)data,
                           .mode = data >> 8 & 7,
                           .logical = addr >> 2 & 1,
                           .level = data >> 15 & 1};

    apic_deliver(bus, &msg);
}

/* The interrupt command register was written: send the message it describes. */
void lapic_send_ipi(struct lapic *apic)
{
    u32 icr = apic->r.icr_lo, shorthand = icr >> 18 & 3;
    u8 mode = icr >> 8 & 7, vector = (u8)icr;
    struct apic_msg msg = {.dest = (u8)(apic->r.icr_hi >> 24),
                           .vector = vector,
                           .mode = mode,
                           .logical = icr & ICR_LOGICAL,
                           .level = false};

    if ((mode == APIC_FIXED || mode == APIC_LOWEST) && vector < 16) {
        lapic_error(apic, ESR_SEND_VECTOR);
        return;
    }
    if (mode == APIC_INIT && (icr & ICR_LEVEL) && !(icr & ICR_ASSERT))
        return; /* INIT level de-assert only synchronises arbitration ids of old processors */
    if (!shorthand) {
        apic_deliver(apic->bus, &msg);
        return;
    }
    for (unsigned i = 0; i < apic->bus->n; i++) {
        struct lapic *to = apic->bus->cpu[i];

        if ((shorthand == 1 && to != apic) || (shorthand == 3 && to == apic) || !lapic_enabled(to))
            continue;
        lapic_accept(to, mode == APIC_LOWEST ? APIC_FIXED : mode, vector, false);
        lapic_update(to);
    }
}
