/* Local APIC of each vCPU, and the bus between local APICs, I/O APIC and message-signalled
 * interrupts. */
#ifndef DEVICES_IRQ_LAPIC_H
#define DEVICES_IRQ_LAPIC_H

#include "devices/core/dev.h"
#include "mmu/bus.h"

enum { APIC_MAX_CPUS = 64 };
#define APIC_DEFAULT_BASE 0xfee00000ull
enum { MSR_APIC_BASE = 0x1b, MSR_TSC_DEADLINE = 0x6e0 };

/* Delivery modes of interrupt messages (SDM 3, 10.5.1). */
enum apic_mode {
    APIC_FIXED = 0,
    APIC_LOWEST = 1,
    APIC_SMI = 2,
    APIC_NMI = 4,
    APIC_INIT = 5,
    APIC_SIPI = 6,
    APIC_EXTINT = 7,
};

struct lapic;

/* One per machine; the board zero-initialises it and passes it to every lapic and the ioapic before
 * dev_start. */
struct apic_bus {
    struct lapic *cpu[APIC_MAX_CPUS];
    unsigned n;
    unsigned current; /* index of the vCPU that runs: whose registers the MMIO page shows; kept by
                         the run loop */
    struct region mmio;
    void (*eoi)(void *arg, u8 vector); /* EOI of a level-triggered vector: to the I/O APIC */
    void *eoi_arg;
};

struct apic_msg {
    u8 dest, vector, mode;
    bool logical, level; /* destination mode; trigger mode */
};

/* What the local APIC asks of its vCPU; any may be NULL. */
struct lapic_hooks {
    void *arg;
    int (*extint_ack)(void *arg); /* INTA on the 8259s: the vector */
    void (*nmi)(void *arg);
    void (*smi)(void *arg);
    void (*init)(void *arg);
    void (*sipi)(void *arg, u8 vector);
    /* Virtual time (ns) at which the vCPU's TSC reaches `tsc`; a time not after now when it has.
     * NULL: the TSC-deadline mode does not exist. */
    u64 (*tsc_to_ns)(void *arg, u64 tsc);
};

enum { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };

struct lapic_regs {
    u64 base_msr;
    u64 tsc_deadline;
    u64 timer_start; /* ns when the initial count was loaded */
    u64 timer_next;  /* ns of the next expiry, CLOCK_NEVER: none */
    u32 id;          /* as the register: bits 31..24 */
    u32 tpr, ldr, dfr, svr;
    u32 esr, esr_new; /* visible; collected since the last write */
    u32 icr_lo, icr_hi;
    u32 lvt[LVT_COUNT];
    u32 initial, divide;
    u32 isr[8], irr[8], tmr[8];
    u8 lint[2]; /* level of LINT0, LINT1 */
    u8 extint;  /* an ExtINT message waits for INTA */
    u8 pad;
};

struct lapic {
    struct dev dev;
    struct lapic_regs r;
    struct irq intr; /* to the CPU: lapic_ack would give a vector */
    struct lapic_hooks hooks;
    struct apic_bus *bus;
    struct timer timer;
    /* props */
    u32 apic_id;
    bool bsp;
    u64 timer_hz;
};

extern const struct dev_class lapic_class;

/* LINT0 (n 0: the 8259s' INT) and LINT1 (n 1: NMI). */
void lapic_set_lint(void *sink, int n, int level);
/* Would lapic_ack give a vector? */
bool lapic_pending(const struct lapic *apic);
/* The CPU takes an interrupt: its vector; -1 when there is none any more. */
int lapic_ack(struct lapic *apic);
/* MSRs 0x1b and 0x6e0. False: not ours, or (write) a value that must raise #GP. */
bool lapic_msr_read(struct lapic *apic, u32 msr, u64 *v);
bool lapic_msr_write(struct lapic *apic, u32 msr, u64 v);
/* The task priority as CR8 shows it (0..15). */
u8 lapic_get_cr8(const struct lapic *apic);
void lapic_set_cr8(struct lapic *apic, u8 v);
/* The TSC of the vCPU was written: the deadline moves. */
void lapic_tsc_changed(struct lapic *apic);
/* Is the local APIC enabled by its base MSR? (CPUID's APIC bit follows it.) */
static inline bool lapic_enabled(const struct lapic *apic)
{
    return apic->r.base_msr & BIT(11);
}

/* Send a message to the local APICs it names. */
void apic_deliver(struct apic_bus *bus, const struct apic_msg *msg);
/* A message-signalled interrupt: a device's write of `data` to `addr` (0xfeexxxxx). */
void apic_msi(struct apic_bus *bus, u64 addr, u32 data);

#endif
