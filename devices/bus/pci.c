/* PCI functions and their configuration space: masks, base address registers, interrupt wires
 * (PCI 2.1 chapter 6). */
#include "devices/bus/pci.h"

#include "devices/core/bits.h"

/* Where BAR i is in configuration space. */
static unsigned bar_off(int i)
{
    return i == PCI_BAR_ROM ? PCI_ROM_BAR : PCI_BAR0 + 4 * (unsigned)i;
}

static u32 bar_type_bits(const struct pci_bar *bar)
{
    switch (bar->kind) {
    case PCI_BAR_IO: return 1;
    case PCI_BAR_MEM_PREF: return 8;
    default: return 0;
    }
}

void pci_bus_init(struct pci_bus *bus, struct bus *mem, struct bus *io, struct log *log)
{
    *bus = (struct pci_bus){.mem = mem, .io = io, .log = log};
}

/* ---- interrupts ---- */

/* Recompute one wire from every function that drives it. */
static void update_pirq(struct pci_bus *bus, unsigned pirq)
{
    u8 level = 0;
    int i;

    for (i = 0; i < 256; i++) {
        const struct pci_func *fn = bus->fn[i];

        if (!fn || !fn->level || !fn->ident->pin || pci_pirq(fn->devfn, fn->ident->pin) != pirq)
            continue;
        if (ld16(fn->cfg + PCI_COMMAND) & PCI_CMD_INTX_OFF)
            continue;
        level = 1;
    }
    if (level == bus->pirq_level[pirq])
        return;
    bus->pirq_level[pirq] = level;
    if (bus->set_pirq)
        bus->set_pirq(bus->arg, (int)pirq, level);
}

static void update_intx(struct pci_func *fn)
{
    fn->cfg[PCI_STATUS] = (u8)((fn->cfg[PCI_STATUS] & ~PCI_STATUS_INTX) |
                               (fn->level ? PCI_STATUS_INTX : 0));
    if (fn->bus && fn->ident->pin)
        update_pirq(fn->bus, pci_pirq(fn->devfn, fn->ident->pin));
}

void pci_set_intx(struct pci_func *fn, int level)
{
    level = !!level;
    if (fn->level == level)
        return;
    fn->level = (u8)level;
    update_intx(fn);
}

/* ---- base address registers ---- */

/* Where the BAR's registers say it is; false when it decodes nothing (off, zero, or wrapping while
 * it is being sized). */
static bool bar_place(const struct pci_func *fn, int i, u64 *base)
{
    const struct pci_bar *bar = &fn->bar[i];
    u32 v = ld32(fn->cfg + bar_off(i));
    u16 cmd = ld16(fn->cfg + PCI_COMMAND);
    u64 limit = bar->kind == PCI_BAR_IO ? 0x10000 : 0x100000000ull;

    if (!(cmd & (bar->kind == PCI_BAR_IO ? PCI_CMD_IO : PCI_CMD_MEM)))
        return false;
    if (bar->kind == PCI_BAR_EXPROM && !(v & 1))
        return false;
    *base = v & ~(u64)(bar->size - 1);
    if (*base == 0 || *base + bar->size > limit)
        return false;
    /* The last bytes of the 4 GiB are the firmware's: a register full of ones is being sized, not
     * placed. */
    return bar->kind == PCI_BAR_IO || *base + bar->size != limit;
}

static void update_bar(struct pci_func *fn, int i)
{
    struct pci_bar *bar = &fn->bar[i];
    struct bus *space;
    u64 base = 0;
    bool on;

    if (bar->kind == PCI_BAR_NONE || !fn->bus)
        return;
    space = bar->kind == PCI_BAR_IO ? fn->bus->io : fn->bus->mem;
    on = bar_place(fn, i, &base);
    if (on == bar->region.mapped && (!on || base == bar->region.base))
        return;
    bus_begin(space);
    bus_unmap(space, &bar->region);
    if (on) {
        bar->region.base = base;
        bar->region.size = bar->size;
        bus_map(space, &bar->region);
    }
    bus_commit(space);
}

static void update_bars(struct pci_func *fn)
{
    int i;

    for (i = 0; i < PCI_BARS; i++)
        update_bar(fn, i);
}

/* ---- configuration space ---- */

static struct pci_func *target(struct pci_bus *bus, u32 addr)
{
    if (!(addr & 0x80000000u) || (addr >> 16 & 0xff) != 0)
        return NULL;
    return bus->fn[addr >> 8 & 0xff];
}

u32 pci_cfg_read(struct pci_bus *bus, u32 addr, unsigned off, unsigned size)
{
    struct pci_func *fn = target(bus, addr);
    unsigned reg = (addr & 0xfc) + (off & 3);

    if (!fn || reg + size > PCI_CFG_SIZE)
        return (u32)size_mask(size);
    if (fn->reading)
        fn->reading(fn, reg, size);
    return (u32)ld_le(fn->cfg + reg, size);
}

void pci_cfg_write(struct pci_bus *bus, u32 addr, unsigned off, u32 v, unsigned size)
{
    struct pci_func *fn = target(bus, addr);
    unsigned reg = (addr & 0xfc) + (off & 3), i;

    if (!fn || reg + size > PCI_CFG_SIZE)
        return;
    for (i = 0; i < size; i++) {
        u8 b = (u8)(v >> 8 * i), *p = &fn->cfg[reg + i];

        *p = (u8)((*p & ~fn->wmask[reg + i]) | (b & fn->wmask[reg + i]));
        *p = (u8)(*p & ~(b & fn->w1c[reg + i]));
    }
    if (reg < PCI_STATUS && reg + size > PCI_COMMAND)
        update_intx(fn);
    if (reg < PCI_ROM_BAR + 4)
        update_bars(fn);
    if (fn->wrote)
        fn->wrote(fn, reg, size);
}

static void set_masks(struct pci_func *fn)
{
    int i;

    memset(fn->wmask, 0, sizeof fn->wmask);
    memset(fn->w1c, 0, sizeof fn->w1c);
    memset(fn->wmask + 0x40, 0xff, sizeof fn->wmask - 0x40);
    st16(fn->wmask + PCI_COMMAND, PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER | PCI_CMD_PARITY |
                                      PCI_CMD_SERR | PCI_CMD_INTX_OFF);
    st16(fn->w1c + PCI_STATUS, 0xf900);
    fn->wmask[PCI_CACHE_LINE] = 0xff;
    fn->wmask[PCI_INT_LINE] = 0xff;
    for (i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *bar = &fn->bar[i];

        if (bar->kind == PCI_BAR_NONE)
            continue;
        st32(fn->wmask + bar_off(i), ~(bar->size - 1) | (bar->kind == PCI_BAR_EXPROM ? 1 : 0));
    }
}

/* The header bytes that no guest can change. */
static void set_constants(struct pci_func *fn)
{
    const struct pci_ident *id = fn->ident;
    bool own = id->sub_vendor || id->sub_id;
    u8 *cfg = fn->cfg;
    int i;

    st16(cfg + PCI_VENDOR, id->vendor);
    st16(cfg + PCI_DEVICE, id->device);
    cfg[PCI_REVISION] = id->revision;
    cfg[PCI_CLASS] = (u8)id->class_code;
    st16(cfg + PCI_CLASS + 1, (u16)(id->class_code >> 8));
    cfg[PCI_HEADER] = id->multi ? 0x80 : 0;
    st16(cfg + PCI_SUB_VENDOR, own ? id->sub_vendor : 0x1af4);
    st16(cfg + PCI_SUB_ID, own ? id->sub_id : 0x1100);
    cfg[PCI_INT_PIN] = id->pin;
    for (i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *bar = &fn->bar[i];
        u32 v;

        if (bar->kind == PCI_BAR_NONE) {
            st32(cfg + bar_off(i), 0);
            continue;
        }
        v = ld32(cfg + bar_off(i)) & ld32(fn->wmask + bar_off(i));
        st32(cfg + bar_off(i), v | bar_type_bits(bar));
    }
}

void pci_func_init(struct pci_func *fn, struct dev *dev, u8 *cfg, const struct pci_ident *ident)
{
    fn->dev = dev;
    fn->cfg = cfg;
    fn->ident = ident;
    set_masks(fn);
    set_constants(fn);
    if (!fn->bus)
        return;
    if (fn->bus->fn[fn->devfn])
        BUG("two functions at PCI %02x.%x", fn->devfn >> 3, fn->devfn & 7);
    fn->bus->fn[fn->devfn] = fn;
}

void pci_func_reset(struct pci_func *fn)
{
    memset(fn->cfg, 0, 0x40);
    set_constants(fn);
    fn->level = 0;
    update_intx(fn);
    update_bars(fn);
}

void pci_func_loaded(struct pci_func *fn)
{
    set_constants(fn);
    update_bars(fn);
    update_intx(fn);
}

void pci_func_free(struct pci_func *fn)
{
    int i;

    if (!fn->bus || fn->bus->fn[fn->devfn] != fn)
        return;
    fn->bus->fn[fn->devfn] = NULL;
    for (i = 0; i < PCI_BARS; i++)
        if (fn->bar[i].kind != PCI_BAR_NONE)
            bus_unmap(fn->bar[i].kind == PCI_BAR_IO ? fn->bus->io : fn->bus->mem,
                      &fn->bar[i].region);
}
