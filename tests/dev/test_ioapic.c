/* The I/O APIC with one local APIC: edges, levels, remote IRR, masking, modes. */
#include "devices/irq/ioapic.h"
#include "tests/dev/rig.h"

struct setup {
    struct rig rig;
    struct apic_bus bus;
    struct lapic *apic;
    struct ioapic *io;
    struct probe intr;
    int nmi;
};

static void on_nmi(void *arg)
{
    ++*(int *)arg;
}

static void setup(struct setup *s)
{
    memset(s, 0, sizeof(*s));
    rig_init(&s->rig);
    s->apic = rig_new(&s->rig, &lapic_class, "lapic0");
    s->apic->bus = &s->bus;
    s->apic->hooks = (struct lapic_hooks){.arg = &s->nmi, .nmi = on_nmi};
    irq_connect(&s->apic->intr, probe_set, &s->intr, 0);
    rig_start(s->apic);
    s->io = rig_new(&s->rig, &ioapic_class, "ioapic");
    s->io->bus = &s->bus;
    rig_start(s->io);
    mem32_set(&s->rig, APIC_DEFAULT_BASE + 0xf0, 0x1ff);
}

static u32 get(struct setup *s, u32 reg)
{
    mem32_set(&s->rig, IOAPIC_BASE, reg);
    return mem32(&s->rig, IOAPIC_BASE + 0x10);
}
static void put(struct setup *s, u32 reg, u32 v)
{
    mem32_set(&s->rig, IOAPIC_BASE, reg);
    mem32_set(&s->rig, IOAPIC_BASE + 0x10, v);
}
static void redir(struct setup *s, unsigned pin, u32 low)
{
    put(s, 0x10 + 2 * pin, low);
}
static void eoi(struct setup *s)
{
    mem32_set(&s->rig, APIC_DEFAULT_BASE + 0xb0, 0);
}

START_TEST(registers)
{
    struct setup s;

    setup(&s);
    ck_assert_uint_eq(get(&s, 1), 0x00170011);
    put(&s, 0, 0xffffffff);
    ck_assert_uint_eq(get(&s, 0), 0x0f000000);
    ck_assert_uint_eq(get(&s, 2), 0x0f000000);
    ck_assert_uint_eq(get(&s, 0x10), 0x10000);
    put(&s, 0x10, 0xffffffff);
    ck_assert_uint_eq(get(&s, 0x10), 0x0001afff); /* status and remote IRR are read-only */
    put(&s, 0x11, 0xffffffff);
    ck_assert_uint_eq(get(&s, 0x11), 0xff000000);
    ck_assert_uint_eq(get(&s, 0x40), 0); /* no such registers */
    put(&s, 0x40, 1);
    put(&s, 0xff, 1);
    mem32_set(&s.rig, IOAPIC_BASE, 0xffffff01);
    ck_assert_uint_eq(mem32(&s.rig, IOAPIC_BASE), 1);
    ck_assert_uint_eq(mem32(&s.rig, IOAPIC_BASE + 0x20), 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(edges)
{
    struct setup s;

    setup(&s);
    ioapic_set_irq(s.io, 4, 1);
    ioapic_set_irq(s.io, 4, 0);
    redir(&s, 4, 0x41); /* an edge while masked is lost */
    ck_assert_int_eq(s.intr.level, 0);
    ioapic_set_irq(s.io, 4, 1);
    ioapic_set_irq(s.io, 4, 1);
    ck_assert_int_eq(lapic_ack(s.apic), 0x41);
    eoi(&s);
    ck_assert_int_eq(s.intr.level, 0);
    ioapic_set_irq(s.io, 4, 0);
    ioapic_set_irq(s.io, 4, 1);
    ck_assert_int_eq(lapic_ack(s.apic), 0x41);
    ioapic_set_irq(s.io, 99, 1); /* no such pins */
    ioapic_set_irq(s.io, -1, 1);
    rig_free(&s.rig);
}
END_TEST

START_TEST(levels)
{
    struct setup s;

    setup(&s);
    redir(&s, 10, 0x8051);
    ioapic_set_irq(s.io, 10, 1);
    ck_assert_uint_eq(get(&s, 0x24), 0xc051);
    ck_assert_int_eq(lapic_ack(s.apic), 0x51);
    ck_assert_int_eq(s.intr.level, 0);
    eoi(&s);
    ck_assert_int_eq(lapic_ack(s.apic), 0x51); /* still up: again */
    ioapic_set_irq(s.io, 10, 0);
    eoi(&s);
    ck_assert_uint_eq(get(&s, 0x24), 0x8051);
    ck_assert_int_eq(s.intr.level, 0);
    redir(&s, 10, 0x18051);
    ioapic_set_irq(s.io, 10, 1);
    ck_assert_int_eq(s.intr.level, 0);
    redir(&s, 10, 0x8051); /* a level waits for the mask to go */
    ck_assert_int_eq(s.intr.level, 1);
    /* software that has no EOI register clears remote IRR by a turn to edge and back */
    redir(&s, 10, 0x10051);
    ck_assert_uint_eq(get(&s, 0x24), 0x10051);
    rig_free(&s.rig);
}
END_TEST

START_TEST(two_pins_one_vector)
{
    struct setup s;

    setup(&s);
    redir(&s, 16, 0x8061);
    redir(&s, 17, 0x8061);
    ioapic_set_irq(s.io, 16, 1);
    ck_assert_int_eq(lapic_ack(s.apic), 0x61);
    ioapic_set_irq(s.io, 17, 1);
    ioapic_set_irq(s.io, 16, 0);
    eoi(&s);
    ck_assert_int_eq(lapic_ack(s.apic), 0x61);
    ioapic_set_irq(s.io, 17, 0);
    eoi(&s);
    ck_assert_int_eq(s.intr.level, 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(modes_and_destinations)
{
    struct setup s;

    setup(&s);
    redir(&s, 1, 0x400); /* NMI */
    ioapic_set_irq(s.io, 1, 1);
    ck_assert_int_eq(s.nmi, 1);
    put(&s, 0x10 + 2 * 2 + 1, 5u << 24); /* to nobody */
    redir(&s, 2, 0x41);
    ioapic_set_irq(s.io, 2, 1);
    ck_assert_int_eq(s.intr.level, 0);
    put(&s, 0x10 + 2 * 3 + 1, 1u << 24);
    mem32_set(&s.rig, APIC_DEFAULT_BASE + 0xd0, 1u << 24);
    redir(&s, 3, 0x942); /* logical, lowest priority */
    ioapic_set_irq(s.io, 3, 1);
    ck_assert_int_eq(lapic_ack(s.apic), 0x42);
    redir(&s, 5, 0x303); /* reserved mode */
    ioapic_set_irq(s.io, 5, 1);
    rig_free(&s.rig);
}
END_TEST

START_TEST(state)
{
    struct setup s;
    struct snap snap = {0};
    struct err err;

    setup(&s);
    redir(&s, 10, 0x8051);
    ioapic_set_irq(s.io, 10, 1);
    rig_reload(&s.io->dev);
    ck_assert_uint_eq(get(&s, 0x24), 0xc051);
    ck_assert_int_eq(lapic_ack(s.apic), 0x51);
    ioapic_set_irq(s.io, 10, 0);
    eoi(&s);
    ck_assert_int_eq(s.intr.level, 0);
    s.io->r.redir[3] = ~0ull;
    dev_save(&s.io->dev, &snap);
    ck_assert(!dev_load(&s.io->dev, &snap, &err));
    snap_free(&snap);
    rig_free(&s.rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        registers, edges, levels, two_pins_one_vector, modes_and_destinations, state, NULL};

    return rig_main("ioapic", tests);
}
