/* ISA bridge 8086:7000 (82371SB PIIX3 data sheet, Intel 290550): PIRQ routing, reset control, port
 * 0x92. */
#include "devices/bus/piix3.h"

#include "devices/core/bits.h"

enum { REG_PIRQ = 0x60, PIRQ_OFF = 0x80 };
enum { PORT_92 = 0x92, P92_RESET = 1, P92_A20 = 2 };
enum { RCR_HARD = 2, RCR_CPU = 4 };

struct piix3_regs {
    u8 cfg[PCI_CFG_SIZE];
    u8 p92, rcr, a20, pad;
};

struct piix3 {
    struct dev dev;
    struct piix3_regs r;
    struct pci_func fn;
    struct region p92_port;
    struct piix3_wiring w;
    u8 pirq[4];
};

#define FIELDS_OF struct piix3_regs
static const struct field piix3_fields[] = {
    F(cfg, FT_BYTES, 0, "configuration space"),
    F(p92, FT_U8, 0, "system control port A"),
    F(rcr, FT_U8, 0, "reset control"),
    F(a20, FT_U8, 1, "address line 20 is open"),
    F(pad, FT_U8, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct pci_ident piix3_ident = {
    .vendor = 0x8086, .device = 0x7000, .class_code = 0x060100, .multi = true,
};

/* Values after reset beyond the header (data sheet section 2.1). */
static const struct {
    u8 off, v;
} reset_values[] = {
    {0x4c, 0x4d}, {0x4e, 0x03}, {0x60, 0x80}, {0x61, 0x80}, {0x62, 0x80},
    {0x63, 0x80}, {0x69, 0x02}, {0x70, 0x80}, {0x76, 0x0c}, {0x77, 0x0c},
    {0x78, 0x02}, {0xa0, 0x08}, {0xa8, 0x0f},
};

/* ---- interrupt routing ---- */

/* Recompute every ISA line from the four PIRQ wires and the routing registers. */
static void update_irqs(struct piix3 *b)
{
    u32 lines = 0;
    int i;

    for (i = 0; i < 4; i++) {
        u8 route = b->r.cfg[REG_PIRQ + i];

        if (b->pirq[i] && !(route & PIRQ_OFF))
            lines |= BIT(route & 15);
    }
    for (i = 0; i < 16; i++)
        irq_set(&b->w.isa[i], lines >> i & 1);
}

void piix3_set_pirq(void *dev, int pirq, int level)
{
    struct piix3 *b = dev;

    b->pirq[pirq & 3] = !!level;
    update_irqs(b);
}

static void cfg_wrote(struct pci_func *fn, unsigned off, unsigned size)
{
    struct piix3 *b = container_of(fn, struct piix3, fn);

    if (off < REG_PIRQ + 4 && off + size > REG_PIRQ)
        update_irqs(b);
}

/* ---- A20 and reset ---- */

static void set_a20(struct piix3 *b, int open)
{
    b->r.a20 = !!open;
    if (b->w.a20)
        b->w.a20(b->w.arg, b->r.a20);
}

void piix3_kbd_a20(void *dev, int n, int level)
{
    set_a20(dev, level);
}

bool piix3_a20(struct dev *dev)
{
    return ((struct piix3 *)dev)->r.a20;
}

static u64 p92_read(void *dev, u64 off, unsigned size)
{
    struct piix3 *b = dev;

    return (u64)((b->r.p92 & ~P92_A20) | (b->r.a20 ? P92_A20 : 0));
}

static void p92_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct piix3 *b = dev;
    u8 old = b->r.p92;

    b->r.p92 = (u8)v;
    if (b->r.a20 != !!(v & P92_A20))
        set_a20(b, !!(v & P92_A20));
    if (!(old & P92_RESET) && (v & P92_RESET) && b->w.reset)
        b->w.reset(b->w.arg, "port 0x92");
}

u8 piix3_rcr_read(void *dev)
{
    return ((struct piix3 *)dev)->r.rcr;
}

void piix3_rcr_write(void *dev, u8 v)
{
    struct piix3 *b = dev;
    u8 old = b->r.rcr;

    b->r.rcr = v & (RCR_HARD | RCR_CPU);
    if (!(old & RCR_CPU) && (v & RCR_CPU) && b->w.reset)
        b->w.reset(b->w.arg, "port 0xcf9");
}

static const struct region_ops p92_ops = {p92_read, p92_write, 1, 1};

/* ---- life ---- */

void piix3_wire(struct dev *dev, struct pci_bus *bus, const struct piix3_wiring *wiring)
{
    struct piix3 *b = (struct piix3 *)dev;

    b->fn.bus = bus;
    b->w = *wiring;
}

static bool piix3_init(struct dev *dev, struct err *err)
{
    struct piix3 *b = (struct piix3 *)dev;

    b->fn.devfn = PCI_DEVFN(1, 0);
    b->fn.wrote = cfg_wrote;
    pci_func_init(&b->fn, dev, b->r.cfg, &piix3_ident);
    if (b->fn.bus) {
        b->fn.bus->set_pirq = piix3_set_pirq;
        b->fn.bus->arg = b;
    }
    b->p92_port =
        (struct region){.name = "port92", .base = PORT_92, .size = 1, .ops = &p92_ops, .dev = b};
    bus_map(dev->env.io, &b->p92_port);
    return true;
}

static void piix3_reset(struct dev *dev)
{
    struct piix3 *b = (struct piix3 *)dev;
    size_t i;

    pci_func_reset(&b->fn);
    memset(b->r.cfg + 0x40, 0, sizeof b->r.cfg - 0x40);
    b->r.cfg[PCI_COMMAND] = PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER;
    st16(b->r.cfg + PCI_STATUS, PCI_STATUS_MEDIUM);
    for (i = 0; i < ARRAY_LEN(reset_values); i++)
        b->r.cfg[reset_values[i].off] = reset_values[i].v;
    set_a20(b, 1);
    update_irqs(b);
}

static bool piix3_loaded(struct dev *dev, struct err *err)
{
    struct piix3 *b = (struct piix3 *)dev;
    int i;

    b->r.rcr &= RCR_HARD | RCR_CPU;
    pci_func_loaded(&b->fn);
    for (i = 0; b->fn.bus && i < 4; i++)
        b->pirq[i] = b->fn.bus->pirq_level[i];
    set_a20(b, b->r.a20);
    update_irqs(b);
    return true;
}

static void piix3_free(struct dev *dev)
{
    struct piix3 *b = (struct piix3 *)dev;

    bus_unmap(dev->env.io, &b->p92_port);
    pci_func_free(&b->fn);
}

const struct dev_class piix3_class = {
    .name = "piix3", .help = "PIIX3 ISA bridge", .size = sizeof(struct piix3),
    .saved_at = offsetof(struct piix3, r), .saved_size = sizeof(struct piix3_regs), .version = 1,
    .fields = piix3_fields, .init = piix3_init, .reset = piix3_reset, .loaded = piix3_loaded,
    .free = piix3_free,
};
