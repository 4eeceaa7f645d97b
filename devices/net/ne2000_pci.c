/* The NE2000 as PCI function 10ec:8029 (Realtek RTL8029AS): the same registers at BAR 0. */
#include "devices/net/ne2000_int.h"

enum { BAR_SIZE = 0x100 };

static const struct prop pci_props[] = {
    {"mac", offsetof(struct ne2000, mac_text), PT_STR, 0, 0, 0, "address"},
    PROPS_END,
};

static const struct pci_ident ne2k_ident = {
    .vendor = 0x10ec, .device = 0x8029, .class_code = 0x020000, .pin = 1};

static bool init(struct dev *dev, struct err *err)
{
    struct ne2000 *n = (struct ne2000 *)dev;

    n->pci = true;
    if (!ne2000_core_init(n, err) ||
        !nic_rom_init(&n->rom, &n->fn, "ne2k_pci.rom", &ne2k_ident, err))
        return false;
    n->fn.bar[0] = (struct pci_bar){
        PCI_BAR_IO, BAR_SIZE, {.name = "ne2k_pci", .ops = &ne2000_ops, .dev = n, .prio = 1}};
    pci_func_init(&n->fn, dev, n->r.cfg, &ne2k_ident);
    return true;
}

static void reset(struct dev *dev)
{
    struct ne2000 *n = (struct ne2000 *)dev;

    pci_func_reset(&n->fn);
    ne2000_core_reset(n);
}

static bool loaded(struct dev *dev, struct err *err)
{
    struct ne2000 *n = (struct ne2000 *)dev;

    pci_func_loaded(&n->fn);
    ne2000_core_loaded(n);
    return true;
}

static void release(struct dev *dev)
{
    struct ne2000 *n = (struct ne2000 *)dev;

    ne2000_core_free(n);
    pci_func_free(&n->fn);
    nic_rom_free(&n->rom);
}

bool ne2k_pci_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct ne2000 *n = (struct ne2000 *)dev;

    n->fn.bus = plug->pci;
    n->fn.devfn = plug->devfn;
    n->net = plug->net;
    nic_rom_wire(&n->rom, plug);
    return true;
}

const struct dev_class ne2k_pci_class = {
    .name = "ne2k_pci",
    .help = "NE2000 on the PCI bus (RTL8029), 10 Mb/s Ethernet",
    .size = sizeof(struct ne2000),
    .saved_at = offsetof(struct ne2000, r),
    .saved_size = sizeof(struct ne2000_regs),
    .version = 1,
    .fields = ne2000_fields,
    .props = pci_props,
    .init = init,
    .reset = reset,
    .loaded = loaded,
    .free = release,
};
