/* Interrupt wiring of the PC: sources ORed per line, each line to the 8259s and the I/O APIC, FERR#
 * at port 0xF0. */
#include "devices/board/pc_int.h"

enum { PORT_FERR_CLEAR = 0xf0, IRQ_FERR = 13 };

static void update_line(struct pc *pc, unsigned gsi)
{
    struct pc_parts *p = pc->parts;
    int level = p->gsi[gsi].sources != 0;

    /* Input 2 of the 8259s is their cascade. */
    if (gsi < 16 && gsi != 2)
        i8259_set_irq(p->pic[gsi >> 3], (int)(gsi & 7), level);
    /* The timer is on pin 2 of the I/O APIC, as the interrupt source override of the tables says,
     * together with what the HPET routes there; pin 0 has the 8259s. */
    if (gsi == 0 || gsi == 2)
        ioapic_set_irq(p->ioapic, 2, p->gsi[0].sources || p->gsi[2].sources);
    else
        ioapic_set_irq(p->ioapic, (int)gsi, level);
}

static void line_set(void *sink, int n, int level)
{
    struct pc *pc = sink;
    unsigned gsi = (unsigned)n & 0xff;
    struct pc_gsi *g;
    u32 old;

    if (gsi >= PC_GSIS)
        return;
    g = &pc->parts->gsi[gsi];
    old = g->sources;
    g->sources = (u32)bits_put(old, (unsigned)n >> IRQ_SOURCE_SHIFT & 31, 1, level ? 1 : 0);
    if (!old != !g->sources)
        update_line(pc, gsi);
}

struct irq pc_irq_wire(struct pc *pc, unsigned gsi, enum pc_irq_source source)
{
    return (struct irq){line_set, pc, (int)(gsi | (unsigned)source << IRQ_SOURCE_SHIFT), 0};
}

void pc_irq_connect(struct pc *pc, struct irq *irq, unsigned gsi, enum pc_irq_source source)
{
    *irq = pc_irq_wire(pc, gsi, source);
}

/* The 8259s' output goes to LINT0 of the first CPU, or to its INTR pin when it has no local APIC.
 */
static void pic_out(void *sink, int n, int level)
{
    struct pc *pc = sink;

    if (pc->parts->lapic[0])
        lapic_set_lint(pc->parts->lapic[0], 0, level);
    else if (pc->cpu[0])
        cpu_set_intr(pc->cpu[0], level);
}

/* ---- FERR#: an unmasked x87 exception in the old style is interrupt 13 until port 0xF0 is written
 * ---- */

static u64 ferr_read(void *dev, u64 off, unsigned size)
{
    return size_mask(size);
}

static void ferr_write(void *dev, u64 off, u64 v, unsigned size)
{
    line_set(dev, IRQ_FERR | IRQ_CPU << IRQ_SOURCE_SHIFT, 0);
}

static const struct region_ops ferr_ops = {ferr_read, ferr_write, 1, 1};

static struct i8259 *make_pic(struct pc *pc, const char *id, u32 base, u32 elcr_port, u32 elcr_mask,
                              u32 cascade, struct err *err)
{
    struct dev *dev = pc_dev(pc, &i8259_class, id);
    struct i8259 *pic = (struct i8259 *)dev;

    pic->base = base;
    pic->elcr_port = elcr_port;
    pic->elcr_mask = elcr_mask;
    pic->cascade = cascade;
    return dev_start(dev, err) ? pic : NULL;
}

bool pc_irq_create(struct pc *pc, struct err *err)
{
    struct pc_parts *p = pc->parts;
    struct dev *dev;

    p->pic[0] = make_pic(pc, "pic0", 0x20, 0x4d0, 0xf8, 4, err);
    p->pic[1] = p->pic[0] ? make_pic(pc, "pic1", 0xa0, 0x4d1, 0xde, 0, err) : NULL;
    if (!p->pic[1])
        return false;
    irq_connect(&p->pic[0]->out, pic_out, pc, 0);
    irq_connect(&p->pic[1]->out, i8259_set_irq, p->pic[0], 2);

    dev = pc_dev(pc, &ioapic_class, "ioapic");
    p->ioapic = (struct ioapic *)dev;
    p->ioapic->bus = &p->apic;
    if (!dev_start(dev, err))
        return false;
    p->ferr_port = (struct region){
        .name = "ferr", .base = PORT_FERR_CLEAR, .size = 1, .ops = &ferr_ops, .dev = pc};
    bus_map(&pc->io, &p->ferr_port);
    return true;
}
