/* The NE2000 on the ISA bus: 32 ports and an interrupt, set by jumpers. */
#include "devices/net/ne2000_int.h"

static const struct prop isa_props[] = {
    {"iobase", offsetof(struct ne2000, base), PT_U32, 0x300, 0x100, 0xffe0, "first port"},
    {"irq", offsetof(struct ne2000, irq), PT_U32, 9, 2, 15, "interrupt"},
    {"mac", offsetof(struct ne2000, mac_text), PT_STR, 0, 0, 0, "address"},
    PROPS_END,
};

static bool isa_init(struct dev *dev, struct err *err)
{
    struct ne2000 *n = (struct ne2000 *)dev;

    if (n->base & (NE_PORTS - 1))
        return err_set(err, "%s: iobase is a multiple of 0x20, not 0x%x", dev->id, n->base);
    if (!ne2000_core_init(n, err))
        return false;
    n->io = (struct region){
        .name = dev->id, .base = n->base, .size = NE_PORTS, .ops = &ne2000_ops, .dev = n};
    bus_map(dev->env.io, &n->io);
    return true;
}

static void isa_reset(struct dev *dev)
{
    ne2000_core_reset((struct ne2000 *)dev);
}

static bool isa_loaded(struct dev *dev, struct err *err)
{
    ne2000_core_loaded((struct ne2000 *)dev);
    return true;
}

static void isa_free(struct dev *dev)
{
    ne2000_core_free((struct ne2000 *)dev);
}

bool ne2k_isa_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct ne2000 *n = (struct ne2000 *)dev;

    n->net = plug->net;
    n->out = plug->isa_irq(plug->arg, n->irq == 2 ? 9 : n->irq); /* line 2 leads to 9 on an AT */
    return true;
}

const struct dev_class ne2k_isa_class = {
    .name = "ne2k_isa",
    .help = "NE2000, 10 Mb/s Ethernet on the ISA bus",
    .size = sizeof(struct ne2000),
    .saved_at = offsetof(struct ne2000, r),
    .saved_size = sizeof(struct ne2000_regs),
    .version = 1,
    .fields = ne2000_fields,
    .props = isa_props,
    .init = isa_init,
    .reset = isa_reset,
    .loaded = isa_loaded,
    .free = isa_free,
};
