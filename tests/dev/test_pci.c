/* PCI configuration space, BARs and interrupt wires; the i440FX's shadow RAM and SMRAM; PIIX3
 * routing and resets. */
#include "devices/bus/i440fx.h"
#include "devices/bus/pci.h"
#include "devices/bus/piix3.h"
#include "tests/dev/rig.h"

/* A function with one of each kind of BAR. */
struct card {
    struct dev dev;
    u8 cfg[PCI_CFG_SIZE];
    struct pci_func fn;
    u32 last;
};

static u64 card_read(void *dev, u64 off, unsigned size) { return 0xa0 + off; }
static void card_write(void *dev, u64 off, u64 v, unsigned size)
{
    ((struct card *)dev)->last = (u32)v;
}
static const struct region_ops card_ops = {card_read, card_write, 1, 1};
static const struct pci_ident card_ident = {
    .vendor = 0x1af4, .device = 0x4444, .class_code = 0xff0000, .pin = 1};

struct set {
    struct rig rig;
    struct dev *host, *isa;
    struct card card;
    struct region ram;
    struct probe irq[16];
    int a20, a20_calls, resets;
};

static void set_a20(void *arg, int open)
{
    ((struct set *)arg)->a20 = open;
    ((struct set *)arg)->a20_calls++;
}

static void count_reset(void *arg, const char *why)
{
    ((struct set *)arg)->resets++;
}

static void setup(struct set *s)
{
    struct piix3_wiring w = {.a20 = set_a20, .reset = count_reset, .arg = s};
    int i;

    memset(s, 0, sizeof *s);
    rig_init(&s->rig);
    s->ram = (struct region){.name = "ram", .size = 0xa0000, .ram = &s->rig.ram};
    bus_map(&s->rig.mem, &s->ram);
    s->host = rig_new(&s->rig, &i440fx_class, "i440fx");
    i440fx_wire(s->host, &s->rig.ram);
    s->isa = rig_new(&s->rig, &piix3_class, "piix3");
    for (i = 0; i < 16; i++)
        irq_connect(&w.isa[i], probe_set, &s->irq[i], i);
    piix3_wire(s->isa, i440fx_bus(s->host), &w);
    i440fx_connect_rcr(s->host, piix3_rcr_read, piix3_rcr_write, s->isa);

    s->card.fn.bus = i440fx_bus(s->host);
    s->card.fn.devfn = PCI_DEVFN(3, 0);
    s->card.fn.bar[0] =
        (struct pci_bar){PCI_BAR_IO, 32, {.name = "io", .ops = &card_ops, .dev = &s->card}};
    s->card.fn.bar[1] =
        (struct pci_bar){PCI_BAR_MEM, 4096, {.name = "mem", .ops = &card_ops, .dev = &s->card}};
    s->card.fn.bar[2] = (struct pci_bar){
        PCI_BAR_MEM_PREF, 1 << 20, {.name = "pref", .ops = &card_ops, .dev = &s->card}};
    s->card.fn.bar[6] =
        (struct pci_bar){PCI_BAR_EXPROM, 65536, {.name = "rom", .ops = &card_ops, .dev = &s->card}};
    rig_start(s->host);
    rig_start(s->isa);
    pci_func_init(&s->card.fn, NULL, s->card.cfg, &card_ident);
    pci_func_reset(&s->card.fn);
}

static void teardown(struct set *s)
{
    pci_func_free(&s->card.fn);
    rig_free(&s->rig);
}

static u32 cfg_addr(u8 devfn, u8 reg) { return 0x80000000u | (u32)devfn << 8 | (reg & 0xfc); }

static u32 cfg_read(struct set *s, u8 devfn, u8 reg, unsigned size)
{
    out32(&s->rig, 0xcf8, cfg_addr(devfn, reg));
    return (u32)bus_read(&s->rig.io, 0xcfc + (reg & 3), size);
}

static void cfg_write(struct set *s, u8 devfn, u8 reg, u32 v, unsigned size)
{
    out32(&s->rig, 0xcf8, cfg_addr(devfn, reg));
    bus_write(&s->rig.io, 0xcfc + (reg & 3), v, size);
}

enum { CARD = 3 << 3, ISA = 1 << 3 };

START_TEST(test_mechanism)
{
    struct set s;

    setup(&s);
    out32(&s.rig, 0xcf8, 0x80000000);
    ck_assert_uint_eq(in32(&s.rig, 0xcf8), 0x80000000);
    ck_assert_uint_eq(in32(&s.rig, 0xcfc), 0x12378086);
    ck_assert_uint_eq(cfg_read(&s, ISA, 0, 4), 0x70008086);
    ck_assert_uint_eq(cfg_read(&s, ISA, 0x0e, 1), 0x80);
    ck_assert_uint_eq(cfg_read(&s, CARD, 2, 2), 0x4444);
    ck_assert_uint_eq(cfg_read(&s, CARD, 0x2c, 4), 0x11001af4);
    ck_assert_uint_eq(cfg_read(&s, 0xf8, 0, 4), 0xffffffff);
    /* no enable bit, another bus */
    out32(&s.rig, 0xcf8, 0);
    ck_assert_uint_eq(in32(&s.rig, 0xcfc), 0xffffffff);
    out32(&s.rig, 0xcf8, 0x80010000);
    ck_assert_uint_eq(in32(&s.rig, 0xcfc), 0xffffffff);
    /* a byte to the address register is not for it */
    out32(&s.rig, 0xcf8, 0x80000000);
    out8(&s.rig, 0xcfb, 1);
    ck_assert_uint_eq(in32(&s.rig, 0xcf8), 0x80000000);
    teardown(&s);
}
END_TEST

START_TEST(test_read_only)
{
    struct set s;

    setup(&s);
    cfg_write(&s, CARD, 0, 0x12345678, 4);
    ck_assert_uint_eq(cfg_read(&s, CARD, 0, 4), 0x44441af4);
    cfg_write(&s, CARD, 0x3c, 0xffff, 2);
    ck_assert_uint_eq(cfg_read(&s, CARD, 0x3c, 2), 0x01ff);
    cfg_write(&s, CARD, 0x24, 0xffffffff, 4); /* BAR 5 does not exist */
    ck_assert_uint_eq(cfg_read(&s, CARD, 0x24, 4), 0);
    cfg_write(&s, CARD, 4, 0xffff, 2);
    ck_assert_uint_eq(cfg_read(&s, CARD, 4, 2), 0x0547);
    teardown(&s);
}
END_TEST

START_TEST(test_bar_sizing)
{
    struct set s;
    static const u32 want[7] = {0xffffffe1, 0xfffff000, 0xfff00008, 0, 0, 0, 0};
    int i;

    setup(&s);
    cfg_write(&s, CARD, 4, 3, 2);
    for (i = 0; i < 6; i++) {
        cfg_write(&s, CARD, (u8)(0x10 + 4 * i), 0xffffffff, 4);
        ck_assert_uint_eq(cfg_read(&s, CARD, (u8)(0x10 + 4 * i), 4), want[i]);
        ck_assert(!s.card.fn.bar[i].region.mapped); /* sizing maps nothing */
        cfg_write(&s, CARD, (u8)(0x10 + 4 * i), 0, 4);
    }
    cfg_write(&s, CARD, 0x30, 0xfffffffe, 4);
    ck_assert_uint_eq(cfg_read(&s, CARD, 0x30, 4), 0xffff0000);
    teardown(&s);
}
END_TEST

START_TEST(test_bar_mapping)
{
    struct set s;

    setup(&s);
    cfg_write(&s, CARD, 0x10, 0xc020, 4);
    cfg_write(&s, CARD, 0x14, 0xfeb00000, 4);
    ck_assert_uint_eq(in8(&s.rig, 0xc021), 0xff);
    cfg_write(&s, CARD, 4, PCI_CMD_IO, 2);
    ck_assert_uint_eq(in8(&s.rig, 0xc021), 0xa1);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xfeb00003, 1), 0xff);
    cfg_write(&s, CARD, 4, PCI_CMD_IO | PCI_CMD_MEM, 2);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xfeb00003, 1), 0xa3);
    cfg_write(&s, CARD, 0x14, 0xfec00000, 4);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xfeb00003, 1), 0xff);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xfec00003, 1), 0xa3);
    /* the ROM needs its own enable bit beside the command register's */
    cfg_write(&s, CARD, 0x30, 0xfe000000, 4);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xfe000005, 1), 0xff);
    cfg_write(&s, CARD, 0x30, 0xfe000001, 4);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xfe000005, 1), 0xa5);
    pci_func_reset(&s.card.fn);
    ck_assert_uint_eq(in8(&s.rig, 0xc021), 0xff);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xfec00003, 1), 0xff);
    teardown(&s);
}
END_TEST

START_TEST(test_interrupt)
{
    struct set s;

    setup(&s);
    /* slot 3, pin A: the third wire; off after reset */
    pci_set_intx(&s.card.fn, 1);
    ck_assert_int_eq(s.irq[10].level + s.irq[11].level, 0);
    ck_assert_uint_eq(cfg_read(&s, CARD, 6, 2) & 8, 8);
    cfg_write(&s, ISA, 0x62, 0x0b, 1);
    ck_assert_int_eq(s.irq[11].level, 1);
    cfg_write(&s, ISA, 0x62, 0x0a, 1);
    ck_assert_int_eq(s.irq[11].level, 0);
    ck_assert_int_eq(s.irq[10].level, 1);
    cfg_write(&s, CARD, 4, PCI_CMD_INTX_OFF, 2);
    ck_assert_int_eq(s.irq[10].level, 0);
    cfg_write(&s, CARD, 4, 0, 2);
    ck_assert_int_eq(s.irq[10].level, 1);
    pci_set_intx(&s.card.fn, 0);
    ck_assert_int_eq(s.irq[10].level, 0);
    ck_assert_uint_eq(pci_pirq(PCI_DEVFN(1, 3), 1), 0);
    ck_assert_uint_eq(pci_pirq(PCI_DEVFN(2, 0), 4), 0);
    teardown(&s);
}
END_TEST

START_TEST(test_pam)
{
    struct set s;

    setup(&s);
    s.rig.ram.host[0xf0010] = 0x11;
    s.rig.ram.host[0xc4000] = 0x22;
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xf0010, 1), 0xff);
    cfg_write(&s, 0, 0x59, 0x10, 1); /* BIOS area: read RAM */
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xf0010, 1), 0x11);
    bus_write(&s.rig.mem, 0xf0010, 0x33, 1);
    ck_assert_uint_eq(s.rig.ram.host[0xf0010], 0x11);
    cfg_write(&s, 0, 0x59, 0x20, 1); /* write RAM, read what is there */
    bus_write(&s.rig.mem, 0xf0010, 0x44, 1);
    ck_assert_uint_eq(s.rig.ram.host[0xf0010], 0x44);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xf0010, 1), 0xff);
    cfg_write(&s, 0, 0x5a, 0x30, 1); /* 0xC4000 is the high nibble of PAM1 */
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xc4000, 1), 0x22);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xc0000, 1), 0xff);
    cfg_write(&s, 0, 0x5f, 0x33, 1);
    bus_write(&s.rig.mem, 0xeffff, 0x55, 1);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xeffff, 1), 0x55);
    rig_reload(s.host);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xc4000, 1), 0x22);
    dev_reset(s.host);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xc4000, 1), 0xff);
    teardown(&s);
}
END_TEST

START_TEST(test_smram)
{
    struct set s;

    setup(&s);
    s.rig.ram.host[0xa8000] = 0x77;
    ck_assert_uint_eq(cfg_read(&s, 0, 0x72, 1), 0x02);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xa8000, 1), 0xff);
    cfg_write(&s, 0, 0x72, 0x4a, 1);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xa8000, 1), 0x77);
    cfg_write(&s, 0, 0x72, 0x0a, 1);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xa8000, 1), 0xff);
    i440fx_set_smm(s.host, 1);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xa8000, 1), 0x77);
    i440fx_set_smm(s.host, 0);
    cfg_write(&s, 0, 0x72, 0x5a, 1); /* locked: cannot be opened again, not even at the same time */
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xa8000, 1), 0xff);
    cfg_write(&s, 0, 0x72, 0x4a, 1);
    ck_assert_uint_eq(cfg_read(&s, 0, 0x72, 1), 0x1a);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0xa8000, 1), 0xff);
    teardown(&s);
}
END_TEST

START_TEST(test_resets_and_a20)
{
    struct set s;

    setup(&s);
    ck_assert_int_eq(s.a20, 1);
    out8(&s.rig, 0xcf9, 0x02);
    ck_assert_int_eq(s.resets, 0);
    out8(&s.rig, 0xcf9, 0x06);
    ck_assert_int_eq(s.resets, 1);
    ck_assert_uint_eq(in8(&s.rig, 0xcf9), 0x06);
    out8(&s.rig, 0x92, 0x00);
    ck_assert_int_eq(s.a20, 0);
    ck_assert_uint_eq(in8(&s.rig, 0x92) & 2, 0);
    piix3_kbd_a20(s.isa, 0, 1);
    ck_assert_int_eq(s.a20, 1);
    ck_assert_uint_eq(in8(&s.rig, 0x92) & 2, 2);
    out8(&s.rig, 0x92, 0x03);
    ck_assert_int_eq(s.resets, 2);
    out8(&s.rig, 0x92, 0x03); /* only the rising edge counts */
    ck_assert_int_eq(s.resets, 2);
    teardown(&s);
}
END_TEST

/* What the bridge holds survives a snapshot: the gate, the routes with their wires, the reset register. */
START_TEST(test_bridge_reloads)
{
    struct set s;

    setup(&s);
    out8(&s.rig, 0x92, 0x00);
    cfg_write(&s, PCI_DEVFN(1, 0), 0x61, 0x8b, 1);
    out8(&s.rig, 0xcf9, 0x02);
    ck_assert(!piix3_a20(s.isa));
    rig_reload(s.isa);
    ck_assert(!piix3_a20(s.isa));
    ck_assert_int_eq(s.a20, 0);
    ck_assert_uint_eq(cfg_read(&s, PCI_DEVFN(1, 0), 0x61, 1), 0x8b);
    ck_assert_uint_eq(in8(&s.rig, 0xcf9), 2);
    ck_assert_int_eq(s.resets, 0);
    teardown(&s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_mechanism,   test_read_only,      test_bar_sizing,
                                  test_bar_mapping, test_interrupt,      test_pam,
                                  test_smram,       test_resets_and_a20, test_bridge_reloads,
                                  NULL};

    return rig_main("pci", tests);
}
