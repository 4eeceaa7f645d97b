/* The parallel port: data, status and control registers; a byte goes out when STROBE falls (IBM PC
 * Technical Reference, "Printer Adapter"; IEEE 1284-1994, compatibility mode). */
#include "devices/char/lpt.h"

#include "devices/core/bits.h"

enum { LPT_DATA, LPT_STATUS, LPT_CONTROL, LPT_SIZE = 4 };
/* Status, as read: BUSY and ACK are low when they are so; one that is not busy and has no error. */
enum { ST_ERROR = 8, ST_SELECT = 0x10, ST_PAPER_OUT = 0x20, ST_ACK = 0x40, ST_NOT_BUSY = 0x80 };
enum { ST_UNUSED = 0x07 };
enum { CT_STROBE = 1, CT_AUTO_FEED = 2, CT_INIT = 4, CT_SELECT = 8, CT_IRQ = 0x10, CT_INPUT = 0x20 };
enum { CT_UNUSED = 0xc0, CT_USED = 0x3f };

#define FIELDS_OF struct lpt_regs
static const struct field lpt_fields[] = {
    F(data, FT_U8, 0, "data register"),
    F(control, FT_U8, CT_INIT | CT_SELECT, "control register"),
    F(acked, FT_U8, 0, "acknowledged since the status was read"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop lpt_props[] = {
    {"iobase", offsetof(struct lpt, base), PT_U32, 0x378, 0x100, 0xfff8, "first port"},
    {"irq", offsetof(struct lpt, irq), PT_U32, 7, 3, 15, "interrupt"},
    PROPS_END,
};

static void update_irq(struct lpt *l)
{
    irq_set(&l->out, l->r.acked && (l->r.control & CT_IRQ));
}

static u64 lpt_read(void *dev, u64 off, unsigned size)
{
    struct lpt *l = dev;

    switch (off) {
    /* With the drivers off nobody holds the lines: they float high. */
    case LPT_DATA: return l->r.control & CT_INPUT ? 0xff : l->r.data;
    case LPT_STATUS: {
        u8 v = ST_UNUSED | ST_ERROR | ST_SELECT | ST_NOT_BUSY | (l->r.acked ? 0 : ST_ACK);

        l->r.acked = 0;
        update_irq(l);
        return v;
    }
    case LPT_CONTROL: return CT_UNUSED | l->r.control;
    default: return 0xff;
    }
}

static void lpt_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct lpt *l = dev;
    u8 old = l->r.control;

    if (off == LPT_DATA)
        l->r.data = (u8)v;
    if (off == LPT_CONTROL) {
        l->r.control = v & CT_USED;
        if (!(old & CT_STROBE) && (v & CT_STROBE) && (v & CT_INIT)) {
            chr_write(l->chr, &l->r.data, 1);
            l->r.acked = 1;
        }
        update_irq(l);
    }
}

static const struct region_ops lpt_ops = {lpt_read, lpt_write, 1, 1};

static bool lpt_init(struct dev *dev, struct err *err)
{
    struct lpt *l = (struct lpt *)dev;

    l->io = (struct region){
        .name = dev->id, .base = l->base, .size = LPT_SIZE, .ops = &lpt_ops, .dev = l};
    bus_map(dev->env.io, &l->io);
    return true;
}

static void lpt_reset(struct dev *dev)
{
    update_irq((struct lpt *)dev);
}

static bool lpt_loaded(struct dev *dev, struct err *err)
{
    struct lpt *l = (struct lpt *)dev;

    l->r.control &= CT_USED;
    l->r.acked = l->r.acked != 0;
    update_irq(l);
    return true;
}

bool lpt_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct lpt *l = (struct lpt *)dev;

    l->chr = plug->chr;
    l->out = plug->isa_irq(plug->arg, l->irq);
    return true;
}

const struct dev_class lpt_class = {
    .name = "lpt",
    .help = "parallel port",
    .size = sizeof(struct lpt),
    .saved_at = offsetof(struct lpt, r),
    .saved_size = sizeof(struct lpt_regs),
    .version = 1,
    .fields = lpt_fields,
    .props = lpt_props,
    .init = lpt_init,
    .reset = lpt_reset,
    .loaded = lpt_loaded,
};
