/* Local APICs through their registers: priorities, EOI, timer, IPIs, LINT pins, errors, MSRs. */
#include "devices/irq/lapic.h"
#include "tests/dev/rig.h"

enum { CPUS = 3 };

struct cpu_seen {
    int nmi, smi, init, sipi, vector, acks;
};
struct setup {
    struct rig rig;
    struct apic_bus bus;
    struct lapic *apic[CPUS];
    struct probe intr[CPUS];
    struct cpu_seen seen[CPUS];
    int eoi;
};

static int ext_ack(void *arg)
{
    return ((struct cpu_seen *)arg)->acks++, 0x55;
}
static void on_nmi(void *arg)
{
    ((struct cpu_seen *)arg)->nmi++;
}
static void on_smi(void *arg)
{
    ((struct cpu_seen *)arg)->smi++;
}
static void on_init(void *arg)
{
    ((struct cpu_seen *)arg)->init++;
}
static void on_sipi(void *arg, u8 v)
{
    ((struct cpu_seen *)arg)->sipi++, ((struct cpu_seen *)arg)->vector = v;
}
static u64 tsc_ns(void *arg, u64 tsc)
{
    return tsc / 2;
}
static void on_eoi(void *arg, u8 v)
{
    ((struct setup *)arg)->eoi = v;
}

#define REG(off) (APIC_DEFAULT_BASE + (off))
static u32 get(struct setup *s, u32 off)
{
    return mem32(&s->rig, REG(off));
}
static void put(struct setup *s, u32 off, u32 v)
{
    mem32_set(&s->rig, REG(off), v);
}

static void setup(struct setup *s)
{
    static const char *const ids[CPUS] = {"lapic0", "lapic1", "lapic2"};

    memset(s, 0, sizeof(*s));
    rig_init(&s->rig);
    s->bus.eoi = on_eoi;
    s->bus.eoi_arg = s;
    for (unsigned i = 0; i < CPUS; i++) {
        s->apic[i] = rig_new(&s->rig, &lapic_class, ids[i]);
        s->apic[i]->bus = &s->bus;
        s->apic[i]->apic_id = i;
        s->apic[i]->bsp = i == 0;
        s->apic[i]->hooks =
            (struct lapic_hooks){&s->seen[i], ext_ack, on_nmi, on_smi, on_init, on_sipi, tsc_ns};
        irq_connect(&s->apic[i]->intr, probe_set, &s->intr[i], 0);
        rig_start(s->apic[i]);
    }
    for (unsigned i = 0; i < CPUS; i++) {
        s->bus.current = i;
        put(s, 0xf0, 0x1ff);
        put(s, 0xd0, 1u << (24 + i));
    }
    s->bus.current = 0;
}

static void send(struct setup *s, u8 v, bool level)
{
    apic_deliver(&s->bus,
                 &(struct apic_msg){.dest = 0, .vector = v, .mode = APIC_FIXED, .level = level});
}

START_TEST(registers_after_reset)
{
    struct setup s;
    u64 v;

    setup(&s);
    s.bus.current = 1;
    ck_assert_uint_eq(get(&s, 0x20), 1u << 24);
    ck_assert_uint_eq(get(&s, 0x30), 0x50014);
    ck_assert_uint_eq(get(&s, 0xe0), 0xffffffff);
    ck_assert_uint_eq(get(&s, 0x320), 0x10000);
    ck_assert_uint_eq(get(&s, 0x350), 0x10000);
    ck_assert_uint_eq(get(&s, 0x104), 0);
    ck_assert(lapic_msr_read(s.apic[0], MSR_APIC_BASE, &v));
    ck_assert_uint_eq(v, 0xfee00900);
    ck_assert(lapic_msr_read(s.apic[1], MSR_APIC_BASE, &v));
    ck_assert_uint_eq(v, 0xfee00800);
    s.bus.current = 0;
    ck_assert_uint_eq(get(&s, 0x350), 0x700); /* virtual wire on the first processor */
    ck_assert_uint_eq(get(&s, 0x24), 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(priorities_and_eoi)
{
    struct setup s;

    setup(&s);
    send(&s, 0x41, false);
    send(&s, 0x52, false);
    send(&s, 0x45, false);
    ck_assert_int_eq(s.intr[0].level, 1);
    ck_assert_uint_eq(get(&s, 0x220), BIT(0x12) | 0x22);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x52);
    ck_assert_uint_eq(get(&s, 0x120), BIT(0x12));
    ck_assert_uint_eq(get(&s, 0xa0), 0x50);
    ck_assert_int_eq(s.intr[0].level, 0);
    send(&s, 0x5f, false); /* the same class waits */
    ck_assert_int_eq(s.intr[0].level, 0);
    send(&s, 0x61, true);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x61);
    ck_assert_uint_eq(get(&s, 0x1b0), 2);
    put(&s, 0xb0, 0);
    ck_assert_int_eq(s.eoi, 0x61);
    s.eoi = 0;
    put(&s, 0xb0, 0);
    ck_assert_int_eq(s.eoi, 0); /* edge-triggered: no broadcast */
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x5f);
    put(&s, 0xb0, 0);
    put(&s, 0x80, 0x45);
    ck_assert_int_eq(s.intr[0].level, 0);
    ck_assert_int_eq(lapic_ack(s.apic[0]), -1);
    ck_assert_uint_eq(get(&s, 0xa0), 0x45);
    lapic_set_cr8(s.apic[0], 3);
    ck_assert_uint_eq(get(&s, 0x80), 0x30);
    ck_assert_uint_eq(lapic_get_cr8(s.apic[0]), 3);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x45);
    put(&s, 0xb0, 0);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x41);
    put(&s, 0xb0, 0);
    put(&s, 0xb0, 0); /* nothing in service */
    rig_free(&s.rig);
}
END_TEST

START_TEST(timer_one_shot)
{
    struct setup s;

    setup(&s);
    put(&s, 0x3e0, 0x3); /* by 16 */
    put(&s, 0x320, 0x40);
    put(&s, 0x380, 1000);
    rig_pass(&s.rig, 8000);
    ck_assert_uint_eq(get(&s, 0x390), 500);
    rig_pass(&s.rig, 7999);
    ck_assert_int_eq(s.intr[0].level, 0);
    rig_pass(&s.rig, 1);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x40);
    ck_assert_uint_eq(get(&s, 0x390), 0);
    put(&s, 0xb0, 0);
    rig_pass(&s.rig, NS_PER_SEC);
    ck_assert_int_eq(s.intr[0].rises, 1);
    put(&s, 0x320, 0x10040); /* masked: counts, but does not interrupt */
    put(&s, 0x380, 1000);
    rig_pass(&s.rig, 20000);
    ck_assert_int_eq(s.intr[0].rises, 1);
    put(&s, 0x320, 0x40);
    put(&s, 0x380, 1000);
    put(&s, 0x380, 0); /* stops */
    rig_pass(&s.rig, 20000);
    ck_assert_int_eq(s.intr[0].rises, 1);
    /* a new divider in the middle: the rest at the new speed */
    put(&s, 0x380, 1000);
    rig_pass(&s.rig, 8000);
    put(&s, 0x3e0, 0xb); /* by 1 */
    ck_assert_uint_eq(get(&s, 0x390), 500);
    rig_pass(&s.rig, 499);
    ck_assert_int_eq(s.intr[0].rises, 1);
    rig_pass(&s.rig, 1);
    ck_assert_int_eq(s.intr[0].rises, 2);
    rig_free(&s.rig);
}
END_TEST

START_TEST(timer_periodic)
{
    struct setup s;

    setup(&s);
    put(&s, 0x3e0, 0xb);
    put(&s, 0x320, 0x20040);
    put(&s, 0x380, 10000);
    for (int i = 0; i < 100; i++) {
        rig_pass(&s.rig, 10000);
        ck_assert_int_eq(s.intr[0].rises, i + 1);
        ck_assert_int_eq(lapic_ack(s.apic[0]), 0x40);
        put(&s, 0xb0, 0);
    }
    s.rig.now += 55555; /* late: one interrupt, and the phase is kept */
    clock_run(&s.rig.clock);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x40);
    put(&s, 0xb0, 0);
    ck_assert_uint_eq(clock_next(&s.rig.clock), 1060000);
    put(&s, 0x380, 1); /* one ns: must not hang */
    rig_pass(&s.rig, 100000);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x40);
    ck_assert_uint_le(get(&s, 0x390), 1);
    rig_free(&s.rig);
}
END_TEST

START_TEST(timer_deadline)
{
    struct setup s;
    u64 v;

    setup(&s);
    put(&s, 0x320, 0x40040);
    ck_assert(lapic_msr_write(s.apic[0], MSR_TSC_DEADLINE, 20000));
    put(&s, 0x380, 5); /* no effect in this mode */
    rig_pass(&s.rig, 9999);
    ck_assert_int_eq(s.intr[0].level, 0);
    rig_pass(&s.rig, 1);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x40);
    put(&s, 0xb0, 0);
    ck_assert(lapic_msr_read(s.apic[0], MSR_TSC_DEADLINE, &v));
    ck_assert_uint_eq(v, 0);
    lapic_msr_write(s.apic[0], MSR_TSC_DEADLINE, 100); /* in the past: at once */
    rig_pass(&s.rig, 0);
    ck_assert_int_eq(s.intr[0].level, 1);
    lapic_ack(s.apic[0]);
    put(&s, 0xb0, 0);
    lapic_msr_write(s.apic[0], MSR_TSC_DEADLINE, 40000);
    put(&s, 0x320, 0x40); /* leaving the mode disarms */
    rig_pass(&s.rig, NS_PER_SEC);
    ck_assert_int_eq(s.intr[0].level, 0);
    s.apic[0]->hooks.tsc_to_ns = NULL;
    ck_assert(!lapic_msr_write(s.apic[0], MSR_TSC_DEADLINE, 1));
    rig_free(&s.rig);
}
END_TEST

START_TEST(ipis)
{
    struct setup s;

    setup(&s);
    put(&s, 0x310, 2u << 24);
    put(&s, 0x300, 0x4041);
    ck_assert_int_eq(lapic_ack(s.apic[2]), 0x41);
    ck_assert_int_eq(s.intr[1].rises, 0);
    put(&s, 0x300, 0x44042); /* self */
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x42);
    put(&s, 0xb0, 0);
    put(&s, 0x300, 0xc4043); /* all but self */
    ck_assert_int_eq(s.intr[0].level, 0);
    ck_assert_int_eq(s.intr[1].level, 1);
    put(&s, 0x300, 0x84044); /* all */
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x44);
    put(&s, 0x310, 6u << 24);
    put(&s, 0x300, 0x4851); /* logical, flat: 1 and 2 */
    ck_assert_uint_eq(s.apic[0]->r.irr[2] & BIT(0x11), 0);
    ck_assert_uint_eq(s.apic[1]->r.irr[2] & BIT(0x11), BIT(0x11));
    ck_assert_uint_eq(s.apic[2]->r.irr[2] & BIT(0x11), BIT(0x11));
    put(&s, 0x310, 7u << 24);
    put(&s, 0x80, 0x10);
    put(&s, 0x300, 0x4961); /* lowest priority: of the three, 1 has nothing in service */
    ck_assert_uint_eq(s.apic[1]->r.irr[3], 2);
    put(&s, 0x310, 1u << 24);
    put(&s, 0x300, 0x4400);
    ck_assert_int_eq(s.seen[1].nmi, 1);
    put(&s, 0x300, 0x4200);
    ck_assert_int_eq(s.seen[1].smi, 1);
    put(&s, 0x300, 0xc500);
    ck_assert_int_eq(s.seen[1].init, 1);
    ck_assert_uint_eq(s.apic[1]->r.svr, 0xff);
    put(&s, 0x300, 0x8500); /* de-assert */
    ck_assert_int_eq(s.seen[1].init, 1);
    put(&s, 0x300, 0x4608);
    ck_assert_int_eq(s.seen[1].sipi, 1);
    ck_assert_int_eq(s.seen[1].vector, 8);
    put(&s, 0x310, 0xffu << 24);
    put(&s, 0x300, 0x4400);
    ck_assert_int_eq(s.seen[0].nmi + s.seen[1].nmi + s.seen[2].nmi, 4);
    put(&s, 0x310, 77u << 24); /* nobody */
    put(&s, 0x300, 0x4041);
    ck_assert_uint_eq(get(&s, 0x300), 0x4041);
    rig_free(&s.rig);
}
END_TEST

START_TEST(cluster_model)
{
    struct setup s;

    setup(&s);
    for (unsigned i = 0; i < CPUS; i++) {
        s.bus.current = i;
        put(&s, 0xe0, 0x0fffffff);
        put(&s, 0xd0, (i == 2 ? 0x11u : 0x01u << i) << 24);
    }
    s.bus.current = 0;
    put(&s, 0x310, 0x13u << 24);
    put(&s, 0x300, 0x4841);
    ck_assert_int_eq(s.intr[0].level, 0);
    ck_assert_int_eq(s.intr[1].level, 0);
    ck_assert_int_eq(s.intr[2].level, 1);
    put(&s, 0x310, 0xf3u << 24);
    put(&s, 0x300, 0x4842);
    ck_assert_int_eq(s.intr[0].level, 1);
    ck_assert_int_eq(s.intr[1].level, 1);
    rig_free(&s.rig);
}
END_TEST

START_TEST(lint_pins)
{
    struct setup s;

    setup(&s);
    lapic_set_lint(s.apic[0], 0, 1); /* the 8259s */
    ck_assert_int_eq(s.intr[0].level, 1);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x55);
    lapic_set_lint(s.apic[0], 0, 0);
    ck_assert_int_eq(s.intr[0].level, 0);
    put(&s, 0x350, 0x10700);
    lapic_set_lint(s.apic[0], 0, 1);
    ck_assert_int_eq(s.intr[0].level, 0);
    put(&s, 0x350, 0x700);
    ck_assert_int_eq(s.intr[0].level, 1);
    lapic_set_lint(s.apic[0], 0, 0);
    put(&s, 0x360, 0x400);
    lapic_set_lint(s.apic[0], 1, 1);
    lapic_set_lint(s.apic[0], 1, 1);
    ck_assert_int_eq(s.seen[0].nmi, 1);
    lapic_set_lint(s.apic[0], 1, 0);
    put(&s, 0x360, 0x33);
    lapic_set_lint(s.apic[0], 1, 1);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x33);
    put(&s, 0xb0, 0);
    /* level-triggered: asks again after EOI while the pin is up */
    put(&s, 0x350, 0x8034);
    lapic_set_lint(s.apic[0], 0, 1);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x34);
    ck_assert_uint_eq(get(&s, 0x350), 0xc034);
    put(&s, 0xb0, 0);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x34);
    lapic_set_lint(s.apic[0], 0, 0);
    put(&s, 0xb0, 0);
    ck_assert_int_eq(s.intr[0].level, 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(software_disable)
{
    struct setup s;

    setup(&s);
    send(&s, 0x41, false);
    put(&s, 0x320, 0x40);
    put(&s, 0xf0, 0xff);
    ck_assert_int_eq(s.intr[0].level, 0);
    ck_assert_uint_eq(get(&s, 0x320), 0x10040);
    put(&s, 0x320, 0x40);
    ck_assert_uint_eq(get(&s, 0x320), 0x10040); /* the mask cannot be cleared */
    send(&s, 0x51, false);
    ck_assert_uint_eq(get(&s, 0x220), 2);
    ck_assert_uint_eq(get(&s, 0x250), 0);
    apic_deliver(&s.bus, &(struct apic_msg){.dest = 0, .mode = APIC_NMI});
    ck_assert_int_eq(s.seen[0].nmi, 1);
    put(&s, 0xf0, 0x1ff);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x41);
    rig_free(&s.rig);
}
END_TEST

START_TEST(base_msr)
{
    struct setup s;

    setup(&s);
    ck_assert(!lapic_msr_write(s.apic[0], MSR_APIC_BASE, 0xfee00d00)); /* x2APIC */
    ck_assert(!lapic_msr_write(s.apic[0], MSR_APIC_BASE, 0xfee00801));
    ck_assert(!lapic_msr_write(s.apic[0], 0x10, 0));
    ck_assert(lapic_msr_write(s.apic[0], MSR_APIC_BASE, 0xfed00900));
    ck_assert_uint_eq(mem32(&s.rig, 0xfee00030), 0xffffffff);
    ck_assert_uint_eq(mem32(&s.rig, 0xfed00030), 0x50014);
    rig_reload(&s.apic[0]->dev);
    ck_assert_uint_eq(mem32(&s.rig, 0xfed00030), 0x50014);
    dev_reset(&s.apic[0]->dev);
    ck_assert_uint_eq(mem32(&s.rig, 0xfee00030), 0x50014);
    /* off: the pins are INTR and NMI */
    ck_assert(lapic_msr_write(s.apic[0], MSR_APIC_BASE, 0xfee00100));
    ck_assert(!lapic_enabled(s.apic[0]));
    ck_assert_uint_eq(get(&s, 0x30), 0xffffffff);
    lapic_set_lint(s.apic[0], 0, 1);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x55);
    lapic_set_lint(s.apic[0], 1, 1);
    ck_assert_int_eq(s.seen[0].nmi, 1);
    rig_free(&s.rig);
}
END_TEST

START_TEST(errors)
{
    struct setup s;

    setup(&s);
    put(&s, 0x370, 0xfe);
    put(&s, 0x300, 0x4005); /* vector below 16 */
    ck_assert_uint_eq(get(&s, 0x280), 0);
    put(&s, 0x280, 0);
    ck_assert_uint_eq(get(&s, 0x280), 0x20);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0xfe);
    put(&s, 0xb0, 0);
    send(&s, 3, false);
    get(&s, 0x3f0);
    put(&s, 0x280, 0);
    ck_assert_uint_eq(get(&s, 0x280), 0xc0);
    put(&s, 0x280, 0);
    ck_assert_uint_eq(get(&s, 0x280), 0);
    put(&s, 0x370, 3); /* an error vector that is an error itself */
    put(&s, 0x300, 0x4005);
    rig_free(&s.rig);
}
END_TEST

START_TEST(msi)
{
    struct setup s;

    setup(&s);
    apic_msi(&s.bus, 0xfee01000, 0x4041);
    ck_assert_int_eq(lapic_ack(s.apic[1]), 0x41);
    apic_msi(&s.bus, 0xfee04004 | 0, 0x4042); /* logical 4 */
    ck_assert_int_eq(lapic_ack(s.apic[2]), 0x42);
    apic_msi(&s.bus, 0xfee00000, 0x4700); /* ExtINT */
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x55);
    ck_assert_int_eq(s.intr[0].level, 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(state)
{
    struct setup s;
    struct snap snap = {0};
    struct err err;

    setup(&s);
    put(&s, 0x3e0, 0xb);
    put(&s, 0x320, 0x20040);
    put(&s, 0x380, 1000000);
    send(&s, 0x51, true);
    rig_pass(&s.rig, 300000);
    rig_reload(&s.apic[0]->dev);
    ck_assert_int_eq(s.apic[0]->intr.level, 1);
    ck_assert_uint_eq(get(&s, 0x390), 700000);
    lapic_ack(s.apic[0]);
    put(&s, 0xb0, 0);
    rig_pass(&s.rig, 700000);
    ck_assert_int_eq(lapic_ack(s.apic[0]), 0x40);
    s.apic[0]->r.base_msr = 1;
    dev_save(&s.apic[0]->dev, &snap);
    ck_assert(!dev_load(&s.apic[0]->dev, &snap, &err));
    snap_free(&snap);
    rig_free(&s.rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {registers_after_reset,
                                  priorities_and_eoi,
                                  timer_one_shot,
                                  timer_periodic,
                                  timer_deadline,
                                  ipis,
                                  cluster_model,
                                  lint_pins,
                                  software_disable,
                                  base_msr,
                                  errors,
                                  msi,
                                  state,
                                  NULL};

    return rig_main("lapic", tests);
}
