/* What the three files of the local APIC share: lapic.c, lapic_timer.c, apic_bus.c. */
#ifndef DEVICES_IRQ_LAPIC_INT_H
#define DEVICES_IRQ_LAPIC_INT_H

#include "devices/irq/lapic.h"

enum {
    SVR_ENABLE = BIT(8),
    LVT_REMOTE_IRR = BIT(14),
    LVT_LEVEL = BIT(15),
    LVT_MASKED = BIT(16),
    ESR_SEND_VECTOR = BIT(5),
    ESR_RECV_VECTOR = BIT(6),
    ESR_REGISTER = BIT(7),
    TIMER_PERIODIC = 1,
    TIMER_DEADLINE = 2,
};

/* ---- lapic.c ---- */

/* Enabled by the base MSR and by the spurious vector register. */
bool lapic_software_on(const struct lapic *apic);
/* The processor priority: what a vector's class must exceed. */
u32 lapic_ppr(const struct lapic *apic);
/* Drive INTR as the state says; at the end of every entry point. */
void lapic_update(struct lapic *apic);
/* A message or a local source in the given mode arrived. */
void lapic_accept(struct lapic *apic, u8 mode, u8 vector, bool level);
/* Note an error bit and raise the error interrupt. */
void lapic_error(struct lapic *apic, u32 bit);
/* Raise local source `n` of the LVT as its register says. */
void lapic_local_event(struct lapic *apic, unsigned n);

/* ---- lapic_timer.c ---- */

unsigned lapic_timer_mode(const struct lapic *apic);
u32 lapic_timer_count(struct lapic *apic);
/* Set the next expiry (ns; CLOCK_NEVER: none). */
void lapic_timer_arm(struct lapic *apic, u64 when);
/* The initial count was written: start from it. */
void lapic_timer_start(struct lapic *apic);
void lapic_timer_divide(struct lapic *apic, u32 v);
/* Set the expiry from the TSC deadline if that mode is on. */
void lapic_deadline_arm(struct lapic *apic);
void lapic_timer_expired(void *arg, u64 now);

/* ---- apic_bus.c ---- */

/* The interrupt command register was written: send the message it describes. */
void lapic_send_ipi(struct lapic *apic);

#endif
