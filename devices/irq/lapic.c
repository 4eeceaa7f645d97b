/* Local APIC (Intel SDM volume 3, chapter 10), register version 0x14, without x2APIC. */
#include "devices/irq/lapic.h"
#include "devices/core/bits.h"
#include "devices/irq/lapic_int.h"

enum {
    REG_ID = 0x02,
    REG_VERSION = 0x03,
    REG_TPR = 0x08,
    REG_APR = 0x09,
    REG_PPR = 0x0a,
    REG_EOI = 0x0b,
    REG_LDR = 0x0d,
    REG_DFR = 0x0e,
    REG_SVR = 0x0f,
    REG_ISR = 0x10,
    REG_TMR = 0x18,
    REG_IRR = 0x20,
    REG_ESR = 0x28,
    REG_ICR_LO = 0x30,
    REG_ICR_HI = 0x31,
    REG_LVT = 0x32,
    REG_INITIAL = 0x38,
    REG_CURRENT = 0x39,
    REG_DIVIDE = 0x3e,
};
enum { SVR_BITS = 0x3ff, VERSION = (LVT_COUNT - 1) << 16 | 0x14 };
#define BASE_BSP    0x100u
#define BASE_ENABLE 0x800u
#define BASE_ADDR   0xffffff000ull

/* Bits of each LVT register that can be written. */
static const u32 lvt_bits[LVT_COUNT] = {0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff};

#define FIELDS_OF struct lapic_regs
static const struct field lapic_fields[] = {
    F(base_msr, FT_U64, APIC_DEFAULT_BASE | BASE_ENABLE, "IA32_APIC_BASE"),
    F(tsc_deadline, FT_U64, 0, "IA32_TSC_DEADLINE"),
    F(timer_start, FT_U64, 0, "time the timer was loaded"),
    F(timer_next, FT_U64, CLOCK_NEVER, "time of the next expiry"),
    F(id, FT_U32, 0, "identification"),
    F(tpr, FT_U32, 0, "task priority"),
    F(ldr, FT_U32, 0, "logical destination"),
    F(dfr, FT_U32, 0xffffffff, "destination format"),
    F(svr, FT_U32, 0xff, "spurious vector and enable"),
    F(esr, FT_U32, 0, "error status"),
    F(esr_new, FT_U32, 0, "errors since the last write"),
    F(icr_lo, FT_U32, 0, "interrupt command"),
    F(icr_hi, FT_U32, 0, "interrupt command, destination"),
    FA(lvt, FT_U32, LVT_MASKED, "local vector table"),
    F(initial, FT_U32, 0, "timer initial count"),
    F(divide, FT_U32, 0, "timer divide configuration"),
    FA(isr, FT_U32, 0, "in service"),
    FA(irr, FT_U32, 0, "interrupt requests"),
    FA(tmr, FT_U32, 0, "trigger mode"),
    FK(lint[0], FT_U8, 0, "level of LINT0"),
    FK(lint[1], FT_U8, 0, "level of LINT1"),
    F(extint, FT_U8, 0, "ExtINT message pending"),
    F(pad, FT_U8, 0, "unused"),
    FIELDS_END};
#undef FIELDS_OF

static const struct prop lapic_props[] = {
    {"id", offsetof(struct lapic, apic_id), PT_U32, 0, 0, 254, "APIC id"},
    {"bsp", offsetof(struct lapic, bsp), PT_BOOL, 1, 0, 1, "bootstrap processor"},
    {"timer-hz", offsetof(struct lapic, timer_hz), PT_U64, 1000000000, 1000, 1000000000,
     "timer clock before the divider"},
    PROPS_END};

/* ---- bit maps of 256 vectors ---- */

static void vec_set(u32 *map, u8 v)
{
    map[v >> 5] |= BIT(v & 31);
}
static void vec_clear(u32 *map, u8 v)
{
    map[v >> 5] &= ~BIT(v & 31);
}
static bool vec_test(const u32 *map, u8 v)
{
    return map[v >> 5] >> (v & 31) & 1;
}

/* The highest vector in the map, or -1. */
static int vec_highest(const u32 *map)
{
    for (int i = 7; i >= 0; i--)
        if (map[i])
            return 32 * i + 31 - __builtin_clz(map[i]);
    return -1;
}

/* ---- what the CPU sees ---- */

bool lapic_software_on(const struct lapic *apic)
{
    return lapic_enabled(apic) && (apic->r.svr & SVR_ENABLE);
}

u32 lapic_ppr(const struct lapic *apic)
{
    int isr = vec_highest(apic->r.isr);
    u32 tpr = apic->r.tpr & 0xff, serving = isr < 0 ? 0 : (u32)isr & 0xf0;

    return (tpr & 0xf0) >= serving ? tpr : serving;
}

/* The vector that is above the processor priority, or -1. */
static int deliverable(const struct lapic *apic)
{
    int v = lapic_software_on(apic) ? vec_highest(apic->r.irr) : -1;

    return v >= 0 && ((u32)v & 0xf0) > (lapic_ppr(apic) & 0xf0) ? v : -1;
}

/* Is the 8259s' INT passed to the CPU? With the APIC disabled its pin is the CPU's INTR. */
static bool extint_waits(const struct lapic *apic)
{
    u32 lvt = apic->r.lvt[LVT_LINT0];

    if (!lapic_enabled(apic))
        return apic->r.lint[0];
    return apic->r.extint ||
           (apic->r.lint[0] && !(lvt & LVT_MASKED) && (lvt >> 8 & 7) == APIC_EXTINT);
}

bool lapic_pending(const struct lapic *apic)
{
    return deliverable(apic) >= 0 || extint_waits(apic);
}

void lapic_update(struct lapic *apic)
{
    irq_set(&apic->intr, lapic_pending(apic));
}

static void call(struct lapic *apic, void (*hook)(void *arg))
{
    if (hook)
        hook(apic->hooks.arg);
}

int lapic_ack(struct lapic *apic)
{
    int v = deliverable(apic);

    if (v >= 0) {
        vec_clear(apic->r.irr, (u8)v);
        vec_set(apic->r.isr, (u8)v);
    } else if (extint_waits(apic)) {
        apic->r.extint = 0;
        v = apic->hooks.extint_ack ? apic->hooks.extint_ack(apic->hooks.arg) : -1;
    }
    lapic_update(apic);
    return v;
}

/* ---- events in ---- */

static void accept_vector(struct lapic *apic, u8 v, bool level);

void lapic_error(struct lapic *apic, u32 bit)
{
    u32 lvt = apic->r.lvt[LVT_ERROR];
    bool first = !(apic->r.esr_new & bit);

    apic->r.esr_new |= bit;
    if (first && !(lvt & LVT_MASKED) && (lvt & 0xff) >= 16)
        accept_vector(apic, (u8)lvt, false);
}

static void accept_vector(struct lapic *apic, u8 v, bool level)
{
    if (v < 16) {
        lapic_error(apic, ESR_RECV_VECTOR);
        return;
    }
    vec_set(apic->r.irr, v);
    if (level)
        vec_set(apic->r.tmr, v);
    else
        vec_clear(apic->r.tmr, v);
}

static void init_received(struct lapic *apic);

/* A message or a local source in the given mode arrived. */
void lapic_accept(struct lapic *apic, u8 mode, u8 vector, bool level)
{
    switch (mode) {
    case APIC_FIXED:
    case APIC_LOWEST:
        if (lapic_software_on(apic))
            accept_vector(apic, vector, level);
        break;
    case APIC_SMI: call(apic, apic->hooks.smi); break;
    case APIC_NMI: call(apic, apic->hooks.nmi); break;
    case APIC_INIT: init_received(apic); break;
    case APIC_SIPI:
        if (apic->hooks.sipi)
            apic->hooks.sipi(apic->hooks.arg, vector);
        break;
    case APIC_EXTINT: apic->r.extint = 1; break;
    default: break;
    }
}

/* Raise local source `n` of the LVT as its register says. */
void lapic_local_event(struct lapic *apic, unsigned n)
{
    u32 lvt = apic->r.lvt[n];
    u8 mode = n == LVT_TIMER || n == LVT_ERROR ? APIC_FIXED : lvt >> 8 & 7;
    bool level = (n == LVT_LINT0 || n == LVT_LINT1) && mode == APIC_FIXED && (lvt & LVT_LEVEL);

    if ((lvt & LVT_MASKED) || mode == APIC_EXTINT)
        return; /* ExtINT is a level that extint_waits looks at */
    if (level) {
        if (lvt & LVT_REMOTE_IRR)
            return;
        apic->r.lvt[n] |= LVT_REMOTE_IRR;
    }
    lapic_accept(apic, mode, (u8)lvt, level);
}

void lapic_set_lint(void *sink, int n, int level)
{
    struct lapic *apic = sink;
    bool rose = level && !apic->r.lint[n & 1];

    apic->r.lint[n & 1] = !!level;
    if (rose && lapic_enabled(apic))
        lapic_local_event(apic, LVT_LINT0 + ((unsigned)n & 1));
    else if (rose && n == 1)
        call(apic, apic->hooks.nmi); /* APIC off: the pin is NMI */
    lapic_update(apic);
}

static void eoi(struct lapic *apic)
{
    int v = vec_highest(apic->r.isr);

    if (v < 0)
        return;
    vec_clear(apic->r.isr, (u8)v);
    if (!vec_test(apic->r.tmr, (u8)v))
        return;
    for (unsigned n = LVT_LINT0; n <= LVT_LINT1; n++) {
        if (!(apic->r.lvt[n] & LVT_REMOTE_IRR) || (apic->r.lvt[n] & 0xff) != (u32)v)
            continue;
        apic->r.lvt[n] &= ~(u32)LVT_REMOTE_IRR;
        if (apic->r.lint[n - LVT_LINT0])
            lapic_local_event(apic, n);
    }
    if (apic->bus && apic->bus->eoi)
        apic->bus->eoi(apic->bus->eoi_arg, (u8)v);
}

/* ---- registers ---- */

static void write_lvt(struct lapic *apic, unsigned n, u32 v)
{
    unsigned was = lapic_timer_mode(apic);

    v = (v & lvt_bits[n]) | (apic->r.lvt[n] & LVT_REMOTE_IRR);
    if (!(v & LVT_LEVEL) || (v >> 8 & 7) != APIC_FIXED)
        v &= ~(u32)LVT_REMOTE_IRR;
    if (!lapic_software_on(apic))
        v |= LVT_MASKED;
    apic->r.lvt[n] = v;
    if (n == LVT_TIMER && lapic_timer_mode(apic) != was) {
        /* a change to or from the deadline mode disarms; between the other two the count runs on */
        if (lapic_timer_mode(apic) == TIMER_DEADLINE || was == TIMER_DEADLINE) {
            apic->r.tsc_deadline = 0;
            apic->r.initial = 0;
            lapic_timer_arm(apic, CLOCK_NEVER);
        } else if (apic->r.timer_next == CLOCK_NEVER && lapic_timer_mode(apic) == TIMER_PERIODIC) {
            lapic_timer_start(apic);
        }
    }
    if (n >= LVT_LINT0 && n <= LVT_LINT1 && apic->r.lint[n - LVT_LINT0] && (v & LVT_LEVEL))
        lapic_local_event(apic, n);
}

static struct lapic *current(struct apic_bus *bus)
{
    struct lapic *apic = bus->n ? bus->cpu[bus->current % bus->n] : NULL;

    return apic && lapic_enabled(apic) ? apic : NULL;
}

static u32 reg_read(struct lapic *apic, unsigned reg)
{
    if (reg >= REG_LVT && reg < REG_LVT + LVT_COUNT)
        return apic->r.lvt[reg - REG_LVT];
    if (reg >= REG_ISR && reg < REG_ISR + 8)
        return apic->r.isr[reg - REG_ISR];
    if (reg >= REG_TMR && reg < REG_TMR + 8)
        return apic->r.tmr[reg - REG_TMR];
    if (reg >= REG_IRR && reg < REG_IRR + 8)
        return apic->r.irr[reg - REG_IRR];
    switch (reg) {
    case REG_ID: return apic->r.id;
    case REG_VERSION: return VERSION;
    case REG_TPR: return apic->r.tpr;
    case REG_APR:
    case REG_PPR: return lapic_ppr(apic);
    case REG_EOI: return 0;
    case REG_LDR: return apic->r.ldr;
    case REG_DFR: return apic->r.dfr;
    case REG_SVR: return apic->r.svr;
    case REG_ESR: return apic->r.esr;
    case REG_ICR_LO: return apic->r.icr_lo;
    case REG_ICR_HI: return apic->r.icr_hi;
    case REG_INITIAL: return apic->r.initial;
    case REG_CURRENT: return lapic_timer_count(apic);
    case REG_DIVIDE: return apic->r.divide;
    default: lapic_error(apic, ESR_REGISTER); return 0;
    }
}

static void write_svr(struct lapic *apic, u32 v)
{
    apic->r.svr = v & SVR_BITS;
    if (apic->r.svr & SVR_ENABLE)
        return;
    for (unsigned n = 0; n < LVT_COUNT; n++)
        apic->r.lvt[n] |= LVT_MASKED;
}

static void reg_write(struct lapic *apic, unsigned reg, u32 v)
{
    if (reg >= REG_LVT && reg < REG_LVT + LVT_COUNT) {
        write_lvt(apic, reg - REG_LVT, v);
        return;
    }
    switch (reg) {
    case REG_ID: apic->r.id = v & 0xff000000; break;
    case REG_TPR: apic->r.tpr = v & 0xff; break;
    case REG_EOI: eoi(apic); break;
    case REG_LDR: apic->r.ldr = v & 0xff000000; break;
    case REG_DFR: apic->r.dfr = v | 0x0fffffff; break;
    case REG_SVR: write_svr(apic, v); break;
    case REG_ESR:
        apic->r.esr = apic->r.esr_new;
        apic->r.esr_new = 0;
        break;
    case REG_ICR_LO:
        apic->r.icr_lo = v & 0xccfff;
        lapic_send_ipi(apic);
        break;
    case REG_ICR_HI: apic->r.icr_hi = v & 0xff000000; break;
    case REG_INITIAL:
        if (lapic_timer_mode(apic) == TIMER_DEADLINE)
            break;
        apic->r.initial = v;
        lapic_timer_start(apic);
        break;
    case REG_DIVIDE: lapic_timer_divide(apic, v); break;
    case REG_VERSION:
    case REG_APR:
    case REG_PPR:
    case REG_CURRENT: break; /* read-only */
    default:
        if (reg < REG_ISR || reg >= REG_IRR + 8)
            lapic_error(apic, ESR_REGISTER);
        break;
    }
}

static u64 lapic_read(void *dev, u64 off, unsigned size)
{
    struct lapic *apic = current(dev);
    u64 v;

    if (!apic)
        return ~0ull;
    v = off & 0xc ? 0 : reg_read(apic, off >> 4 & 0xff);
    lapic_update(apic);
    return v;
}

static void lapic_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct lapic *apic = current(dev);

    if (!apic || (off & 0xc))
        return;
    reg_write(apic, off >> 4 & 0xff, (u32)v);
    lapic_update(apic);
}

static const struct region_ops lapic_ops = {lapic_read, lapic_write, 4, 4};

/* ---- model-specific registers ---- */

/* The page is one for all vCPUs and follows the first one's base. */
static void map_page(struct lapic *apic)
{
    struct apic_bus *bus = apic->bus;
    u64 base = apic->r.base_msr & BASE_ADDR;

    if (!bus->n || bus->cpu[0] != apic || (bus->mmio.mapped && bus->mmio.base == base))
        return;
    bus_move(apic->dev.env.mem, &bus->mmio, base);
}

bool lapic_msr_read(struct lapic *apic, u32 msr, u64 *v)
{
    switch (msr) {
    case MSR_APIC_BASE: *v = apic->r.base_msr; return true;
    case MSR_TSC_DEADLINE:
        *v = lapic_timer_mode(apic) == TIMER_DEADLINE ? apic->r.tsc_deadline : 0;
        return apic->hooks.tsc_to_ns != NULL;
    default: return false;
    }
}

static void local_reset(struct lapic *apic);

static bool write_base(struct lapic *apic, u64 v)
{
    bool was_on = lapic_enabled(apic);

    if (v & ~(BASE_ADDR | BASE_ENABLE | BASE_BSP))
        return false; /* x2APIC and bits beyond the physical address */
    apic->r.base_msr = v;
    if (was_on && !lapic_enabled(apic))
        local_reset(apic);
    map_page(apic);
    lapic_update(apic);
    return true;
}

bool lapic_msr_write(struct lapic *apic, u32 msr, u64 v)
{
    switch (msr) {
    case MSR_APIC_BASE: return write_base(apic, v);
    case MSR_TSC_DEADLINE:
        if (!apic->hooks.tsc_to_ns)
            return false;
        if (lapic_timer_mode(apic) == TIMER_DEADLINE) {
            apic->r.tsc_deadline = v;
            lapic_deadline_arm(apic);
        }
        return true;
    default: return false;
    }
}

u8 lapic_get_cr8(const struct lapic *apic)
{
    return apic->r.tpr >> 4 & 0xf;
}

void lapic_set_cr8(struct lapic *apic, u8 v)
{
    apic->r.tpr = (v & 0xfu) << 4;
    lapic_update(apic);
}

/* ---- life ---- */

/* Registers as reset leaves them, besides the base MSR. On the bootstrap processor LINT0 passes the
 * 8259s' interrupts from the start, as a board without set-up code needs (MultiProcessor
 * Specification 1.4, 3.6.2.2). */
static void local_reset(struct lapic *apic)
{
    u64 base = apic->r.base_msr;

    fields_reset(lapic_fields, &apic->r, false);
    apic->r.base_msr = base;
    apic->r.id = apic->apic_id << 24;
    if (apic->bsp)
        apic->r.lvt[LVT_LINT0] = APIC_EXTINT << 8;
    lapic_timer_arm(apic, CLOCK_NEVER);
}

static void init_received(struct lapic *apic)
{
    u32 id = apic->r.id;

    local_reset(apic);
    apic->r.id = id;
    call(apic, apic->hooks.init);
}

static bool lapic_init(struct dev *dev, struct err *err)
{
    struct lapic *apic = (struct lapic *)dev;
    struct apic_bus *bus = apic->bus;

    if (!bus || bus->n == APIC_MAX_CPUS)
        return err_set(err, "%s: at most %d processors are possible", dev->id, APIC_MAX_CPUS);
    timer_init(&apic->timer, dev->env.clock, lapic_timer_expired, apic, "lapic");
    if (!bus->n)
        bus->mmio = (struct region){
            .name = "lapic", .size = 4096, .ops = &lapic_ops, .dev = bus, .prio = 8};
    bus->cpu[bus->n++] = apic;
    return true;
}

static void lapic_reset(struct dev *dev)
{
    struct lapic *apic = (struct lapic *)dev;

    if (apic->bsp)
        apic->r.base_msr |= BASE_BSP;
    local_reset(apic);
    map_page(apic);
    lapic_update(apic);
}

static bool lapic_loaded(struct dev *dev, struct err *err)
{
    struct lapic *apic = (struct lapic *)dev;
    struct lapic_regs *r = &apic->r;

    if (r->base_msr & ~(BASE_ADDR | BASE_ENABLE | BASE_BSP))
        return err_set(err, "%s: the saved base address is impossible", dev->id);
    for (unsigned n = 0; n < LVT_COUNT; n++)
        r->lvt[n] &= lvt_bits[n] | LVT_REMOTE_IRR;
    r->divide &= 0xb;
    r->irr[0] &= 0xffff0000; /* vectors below 16 do not exist */
    r->isr[0] &= 0xffff0000;
    r->lint[0] = !!r->lint[0];
    r->lint[1] = !!r->lint[1];
    if (r->timer_next != CLOCK_NEVER && lapic_timer_mode(apic) != TIMER_DEADLINE && !r->initial)
        r->timer_next = CLOCK_NEVER;
    map_page(apic);
    timer_set(&apic->timer, r->timer_next);
    lapic_update(apic);
    return true;
}

const struct dev_class lapic_class = {
    .name = "lapic",
    .help = "local APIC of a processor",
    .size = sizeof(struct lapic),
    .saved_at = offsetof(struct lapic, r),
    .saved_size = sizeof(struct lapic_regs),
    .version = 1,
    .fields = lapic_fields,
    .props = lapic_props,
    .init = lapic_init,
    .reset = lapic_reset,
    .loaded = lapic_loaded,
};
