/* Intel 8259A interrupt controller (data sheet 231468), with the edge/level register of the PIIX3
 * (290550, 2.5.4). */
#include "devices/irq/i8259.h"

enum {
    ICW1_IC4 = 0x01,
    ICW1_SINGLE = 0x02,
    ICW1_INIT = 0x10,
    ICW4_AEOI = 0x02,
    ICW4_SFNM = 0x10,
    OCW3 = 0x08,
    OCW3_RIS = 0x01,
    OCW3_RR = 0x02,
    OCW3_POLL = 0x04,
    OCW3_SMM = 0x20,
    OCW3_ESMM = 0x40,
};

#define FIELDS_OF struct i8259_regs
static const struct field i8259_fields[] = {FK(lines, FT_U8, 0, "level of the inputs"),
                                            F(irr, FT_U8, 0, "interrupt requests"),
                                            F(isr, FT_U8, 0, "in service"),
                                            F(imr, FT_U8, 0, "interrupt mask"),
                                            F(elcr, FT_U8, 0, "edge/level control"),
                                            F(base, FT_U8, 0, "vector of IR0"),
                                            F(icw, FT_U8, 0, "initialisation word expected next"),
                                            F(icw1, FT_U8, 0, "ICW1"),
                                            F(icw4, FT_U8, 0, "ICW4"),
                                            F(lowest, FT_U8, 7, "input of lowest priority"),
                                            F(read_isr, FT_U8, 0, "command port reads ISR"),
                                            F(poll, FT_U8, 0, "next read polls"),
                                            F(special, FT_U8, 0, "special mask mode"),
                                            F(rotate_aeoi, FT_U8, 0, "rotate on automatic EOI"),
                                            FIELDS_END};
#undef FIELDS_OF

static const struct prop i8259_props[] = {
    {"base", offsetof(struct i8259, base), PT_U32, 0x20, 0, 0xfffe, "command port"},
    {"elcr", offsetof(struct i8259, elcr_port), PT_U32, 0x4d0, 0, 0xffff,
     "edge/level port, 0: none"},
    {"elcr-mask", offsetof(struct i8259, elcr_mask), PT_U32, 0xf8, 0, 0xff,
     "inputs that can be level"},
    {"cascade", offsetof(struct i8259, cascade), PT_U32, 0x04, 0, 0xff,
     "inputs that a slave drives"},
    PROPS_END};

/* Inputs whose request follows the level. A slave's INT stays up while it has more to say, so that
 * input cannot wait for edges. */
static u8 level_inputs(const struct i8259 *pic)
{
    return (u8)(pic->r.elcr | pic->cascade);
}

/* Place in the priority order of the first input in `mask`: 0 is the highest; 8 when mask is empty.
 */
static int priority_of(const struct i8259 *pic, u8 mask)
{
    for (int p = 0; p < 8; p++)
        if (mask & BIT((pic->r.lowest + 1 + p) & 7))
            return p;
    return 8;
}

/* The input to be served now, or -1. */
static int pending_input(const struct i8259 *pic)
{
    u8 busy = pic->r.isr;
    int want = priority_of(pic, (u8)(pic->r.irr & ~pic->r.imr));

    if (pic->r.special)
        busy &= (u8)~pic->r.imr;
    if (pic->r.icw4 & ICW4_SFNM)
        busy &= (u8)~pic->cascade; /* the slave orders its own requests */
    if (want == 8 || want >= priority_of(pic, busy))
        return -1;
    return (pic->r.lowest + 1 + want) & 7;
}

static void update_irq(struct i8259 *pic)
{
    irq_set(&pic->out, pending_input(pic) >= 0);
}

bool i8259_pending(const struct i8259 *pic)
{
    return pending_input(pic) >= 0;
}

void i8259_set_irq(void *sink, int n, int level)
{
    struct i8259 *pic = sink;
    u8 bit = (u8)BIT(n & 7);

    if (level) {
        if (!(pic->r.lines & bit) || (level_inputs(pic) & bit))
            pic->r.irr |= bit;
        pic->r.lines |= bit;
    } else {
        /* an edge stays latched: drivers that are late still find their request */
        if (level_inputs(pic) & bit)
            pic->r.irr &= (u8)~bit;
        pic->r.lines &= (u8)~bit;
    }
    update_irq(pic);
}

/* Take input n into service as an INTA or a poll does. */
static void serve(struct i8259 *pic, int n)
{
    if (pic->r.icw4 & ICW4_AEOI) {
        if (pic->r.rotate_aeoi)
            pic->r.lowest = (u8)n;
    } else {
        pic->r.isr |= (u8)BIT(n);
    }
    if (!(level_inputs(pic) & BIT(n)))
        pic->r.irr &= (u8)~BIT(n);
    update_irq(pic);
}

int i8259_ack(struct i8259 *master, struct i8259 *slave)
{
    int n = pending_input(master), vector;

    if (n < 0)
        return master->r.base | 7; /* spurious: no ISR bit */
    if (slave && (master->cascade & BIT(n))) {
        int m = pending_input(slave);

        vector = slave->r.base | (m < 0 ? 7 : m);
        serve(master, n);
        if (m >= 0)
            serve(slave, m);
        return vector;
    }
    serve(master, n);
    return master->r.base | n;
}

/* The input in service with the highest priority, or -1. */
static int in_service(const struct i8259 *pic)
{
    u8 isr = pic->r.isr;
    int p;

    if (pic->r.special)
        isr &= (u8)~pic->r.imr; /* non-specific EOI passes over masked levels */
    p = priority_of(pic, isr);
    return p == 8 ? -1 : (pic->r.lowest + 1 + p) & 7;
}

static void write_icw1(struct i8259 *pic, u8 v)
{
    pic->r.icw1 = v;
    pic->r.irr = pic->r.lines & level_inputs(pic); /* edges must come anew */
    pic->r.imr = pic->r.isr = 0;
    pic->r.lowest = 7;
    pic->r.read_isr = pic->r.poll = pic->r.special = pic->r.rotate_aeoi = 0;
    pic->r.icw4 = 0;
    pic->r.icw = 2;
}

static void write_ocw2(struct i8259 *pic, u8 v)
{
    bool rotate = v & 0x80, specific = v & 0x40, eoi = v & 0x20;
    int n = specific ? v & 7 : in_service(pic);

    if (!eoi && !specific) {
        pic->r.rotate_aeoi = rotate;
        return;
    }
    if (n < 0)
        return;
    if (eoi)
        pic->r.isr &= (u8)~BIT(n);
    if (rotate)
        pic->r.lowest = (u8)n;
}

static void write_ocw3(struct i8259 *pic, u8 v)
{
    if (v & OCW3_POLL)
        pic->r.poll = 1;
    if (v & OCW3_RR)
        pic->r.read_isr = v & OCW3_RIS;
    if (v & OCW3_ESMM)
        pic->r.special = !!(v & OCW3_SMM);
}

static void write_data(struct i8259 *pic, u8 v)
{
    switch (pic->r.icw) {
    case 2:
        pic->r.base = v & 0xf8;
        if (!(pic->r.icw1 & ICW1_SINGLE))
            pic->r.icw = 3;
        else
            pic->r.icw = pic->r.icw1 & ICW1_IC4 ? 4 : 0;
        break;
    case 3: /* which inputs have slaves, or the slave's number: the board's wiring decides that */
        pic->r.icw = pic->r.icw1 & ICW1_IC4 ? 4 : 0;
        break;
    case 4:
        pic->r.icw4 = v;
        pic->r.icw = 0;
        break;
    default: pic->r.imr = v; break;
    }
}

static u64 i8259_read(void *dev, u64 off, unsigned size)
{
    struct i8259 *pic = dev;

    if (pic->r.poll) {
        int n = pending_input(pic);

        pic->r.poll = 0;
        if (n < 0)
            return 0;
        serve(pic, n);
        return 0x80 | (u64)n;
    }
    if (off)
        return pic->r.imr;
    return pic->r.read_isr ? pic->r.isr : pic->r.irr;
}

static void i8259_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct i8259 *pic = dev;

    if (off)
        write_data(pic, (u8)v);
    else if (v & ICW1_INIT)
        write_icw1(pic, (u8)v);
    else if (v & OCW3)
        write_ocw3(pic, (u8)v);
    else
        write_ocw2(pic, (u8)v);
    update_irq(pic);
}

static u64 elcr_read(void *dev, u64 off, unsigned size)
{
    return ((struct i8259 *)dev)->r.elcr;
}

static void elcr_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct i8259 *pic = dev;
    u8 was = pic->r.elcr;

    pic->r.elcr = (u8)(v & pic->elcr_mask);
    /* an input that became level follows its line from now on */
    pic->r.irr = (u8)((pic->r.irr & ~(pic->r.elcr & ~was)) | (pic->r.lines & pic->r.elcr));
    update_irq(pic);
}

static const struct region_ops i8259_ops = {i8259_read, i8259_write, 1, 1};
static const struct region_ops elcr_ops = {elcr_read, elcr_write, 1, 1};

static bool i8259_init(struct dev *dev, struct err *err)
{
    struct i8259 *pic = (struct i8259 *)dev;

    pic->io = (struct region){
        .name = dev->id, .base = pic->base, .size = 2, .ops = &i8259_ops, .dev = pic};
    bus_map(dev->env.io, &pic->io);
    if (pic->elcr_port) {
        pic->elcr_io = (struct region){
            .name = "elcr", .base = pic->elcr_port, .size = 1, .ops = &elcr_ops, .dev = pic};
        bus_map(dev->env.io, &pic->elcr_io);
    }
    return true;
}

static void i8259_reset(struct dev *dev)
{
    struct i8259 *pic = (struct i8259 *)dev;

    pic->r.irr = pic->r.lines & level_inputs(pic); /* the wires do not care about our reset */
    update_irq(pic);
}

static bool i8259_loaded(struct dev *dev, struct err *err)
{
    struct i8259 *pic = (struct i8259 *)dev;

    if (pic->r.lowest > 7 || pic->r.icw > 4 || pic->r.icw == 1)
        return err_set(err, "%s: the saved priority or initialisation state is impossible",
                       dev->id);
    if (pic->r.elcr & ~pic->elcr_mask)
        return err_set(err, "%s: the saved edge/level mask is impossible", dev->id);
    update_irq(pic);
    return true;
}

const struct dev_class i8259_class = {
    .name = "i8259",
    .help = "8259A interrupt controller",
    .size = sizeof(struct i8259),
    .saved_at = offsetof(struct i8259, r),
    .saved_size = sizeof(struct i8259_regs),
    .version = 1,
    .fields = i8259_fields,
    .props = i8259_props,
    .init = i8259_init,
    .reset = i8259_reset,
    .loaded = i8259_loaded,
};
