/* Host bridge 8086:1237 (82441FX PMC data sheet, Intel 290549): configuration ports, PAM 0-6,
 * SMRAM. */
#include "devices/bus/i440fx.h"

#include "devices/core/bits.h"

enum { REG_DRB7 = 0x57, REG_PAM0 = 0x59, REG_PAM6 = 0x5f, REG_SMRAM = 0x72 };
enum {
    SMRAM_OPEN = 0x40,
    SMRAM_CLOSED = 0x20,
    SMRAM_LOCK = 0x10,
    SMRAM_ENABLE = 0x08,
    SMRAM_BASE = 0x02
};
enum { PAM_SEGS = 13, PORT_ADDR = 0xcf8, PORT_DATA = 0xcfc };

struct i440fx_regs {
    u8 cfg[PCI_CFG_SIZE];
    u32 addr;
    u32 smm;
};

struct i440fx {
    struct dev dev;
    struct i440fx_regs r;
    struct pci_bus bus;
    struct pci_func fn;
    struct region addr_port, data_port;
    struct region pam[PAM_SEGS], smram;
    struct ram *low;
    u8 (*rcr_read)(void *arg);
    void (*rcr_write)(void *arg, u8 v);
    void *rcr_arg;
};

#define FIELDS_OF struct i440fx_regs
static const struct field i440fx_fields[] = {
    F(cfg, FT_BYTES, 0, "configuration space"),
    F(addr, FT_U32, 0, "configuration address register"),
    F(smm, FT_U32, 0, "a CPU is in system management mode"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct pci_ident i440fx_ident = {
    .vendor = 0x8086, .device = 0x1237, .class_code = 0x060000, .revision = 2,
};

/* The two enable bits (read, write) of shadow segment i: 0 is the BIOS area, 1..12 are 16 KiB each
 * from 0xC0000. */
static u8 pam_dirs(const u8 *cfg, int i)
{
    int n = i ? i + 1 : 1; /* nibble: PAM0's low one is reserved */
    u8 v = cfg[REG_PAM0 + n / 2];

    return (n & 1 ? v >> 4 : v) & REGION_RW;
}

static void update_maps(struct i440fx *h)
{
    u8 sm = h->r.cfg[REG_SMRAM];
    int i;

    if (!h->low)
        return;
    bus_begin(h->dev.env.mem);
    for (i = 0; i < PAM_SEGS; i++) {
        struct region *pam = &h->pam[i];
        u8 dirs = pam_dirs(h->r.cfg, i);

        if (pam->mapped && pam->dirs == dirs)
            continue;
        bus_unmap(h->dev.env.mem, pam);
        pam->dirs = dirs;
        if (dirs)
            bus_map(h->dev.env.mem, pam);
    }
    if ((sm & SMRAM_ENABLE) && ((sm & SMRAM_OPEN) || h->r.smm))
        bus_map(h->dev.env.mem, &h->smram);
    else
        bus_unmap(h->dev.env.mem, &h->smram);
    bus_commit(h->dev.env.mem);
}

static void cfg_wrote(struct pci_func *fn, unsigned off, unsigned size)
{
    struct i440fx *h = container_of(fn, struct i440fx, fn);
    u8 *sm = &h->r.cfg[REG_SMRAM];

    if (off <= REG_SMRAM && off + size > REG_SMRAM) {
        *sm = (u8)((*sm & 0x78) | SMRAM_BASE);
        if (*sm & SMRAM_LOCK) {
            *sm = (u8)(*sm & ~SMRAM_OPEN);
            fn->wmask[REG_SMRAM] = SMRAM_CLOSED;
        }
    }
    if ((off <= REG_PAM6 && off + size > REG_PAM0) || (off <= REG_SMRAM && off + size > REG_SMRAM))
        update_maps(h);
}

void i440fx_set_smm(struct dev *dev, int in_smm)
{
    struct i440fx *h = (struct i440fx *)dev;

    h->r.smm = !!in_smm;
    update_maps(h);
}

/* ---- ports ---- */

static u64 addr_read(void *dev, u64 off, unsigned size)
{
    struct i440fx *h = dev;

    if (size == 4)
        return h->r.addr;
    if (size == 1 && off == 1 && h->rcr_read)
        return h->rcr_read(h->rcr_arg);
    return size_mask(size);
}

static void addr_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct i440fx *h = dev;

    if (size == 4)
        h->r.addr = (u32)v & 0x80fffffc;
    else if (size == 1 && off == 1 && h->rcr_write)
        h->rcr_write(h->rcr_arg, (u8)v);
}

static u64 data_read(void *dev, u64 off, unsigned size)
{
    struct i440fx *h = dev;

    return pci_cfg_read(&h->bus, h->r.addr, (unsigned)off, size);
}

static void data_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct i440fx *h = dev;

    pci_cfg_write(&h->bus, h->r.addr, (unsigned)off, (u32)v, size);
}

static const struct region_ops addr_ops = {addr_read, addr_write, 1, 4};
static const struct region_ops data_ops = {data_read, data_write, 1, 4};

/* ---- life ---- */

struct pci_bus *i440fx_bus(struct dev *dev)
{
    struct i440fx *h = (struct i440fx *)dev;

    if (!h->bus.io)
        pci_bus_init(&h->bus, dev->env.mem, dev->env.io, dev->env.log);
    return &h->bus;
}

void i440fx_wire(struct dev *dev, struct ram *low)
{
    ((struct i440fx *)dev)->low = low;
}

void i440fx_connect_rcr(struct dev *dev, u8 (*read)(void *arg), void (*write)(void *arg, u8 v),
                        void *arg)
{
    struct i440fx *h = (struct i440fx *)dev;

    h->rcr_read = read;
    h->rcr_write = write;
    h->rcr_arg = arg;
}

static bool i440fx_init(struct dev *dev, struct err *err)
{
    struct i440fx *h = (struct i440fx *)dev;
    int i;

    h->fn.bus = i440fx_bus(dev);
    h->fn.devfn = PCI_DEVFN(0, 0);
    h->fn.wrote = cfg_wrote;
    pci_func_init(&h->fn, dev, h->r.cfg, &i440fx_ident);

    h->addr_port = (struct region){
        .name = "pci-addr", .base = PORT_ADDR, .size = 4, .ops = &addr_ops, .dev = h};
    h->data_port = (struct region){
        .name = "pci-data", .base = PORT_DATA, .size = 4, .ops = &data_ops, .dev = h};
    bus_map(dev->env.io, &h->addr_port);
    bus_map(dev->env.io, &h->data_port);

    for (i = 0; i < PAM_SEGS; i++) {
        u64 base = i ? 0xc0000 + 0x4000 * (u64)(i - 1) : 0xf0000;

        h->pam[i] = (struct region){.name = "shadow-ram",
                                    .base = base,
                                    .size = i ? 0x4000 : 0x10000,
                                    .ram = h->low,
                                    .ram_off = base,
                                    .prio = 2};
    }
    h->smram = (struct region){.name = "smram", .base = 0xa0000, .size = 0x20000, .ram = h->low,
                               .ram_off = 0xa0000, .prio = 10};
    return true;
}

static void set_lock_mask(struct i440fx *h)
{
    h->fn.wmask[REG_SMRAM] = h->r.cfg[REG_SMRAM] & SMRAM_LOCK ? SMRAM_CLOSED : 0xff;
}

static void i440fx_reset(struct dev *dev)
{
    struct i440fx *h = (struct i440fx *)dev;

    pci_func_reset(&h->fn);
    h->r.cfg[REG_SMRAM] = SMRAM_BASE;
    /* The row limit of the last bank tells the RAM size in units of 8 MiB. */
    h->r.cfg[REG_DRB7] = h->low ? (u8)MIN(h->low->size >> 23, 255u) : 0;
    set_lock_mask(h);
    update_maps(h);
}

static bool i440fx_loaded(struct dev *dev, struct err *err)
{
    struct i440fx *h = (struct i440fx *)dev;

    h->r.addr &= 0x80fffffc;
    h->r.smm = !!h->r.smm;
    h->r.cfg[REG_SMRAM] = (u8)((h->r.cfg[REG_SMRAM] & 0x78) | SMRAM_BASE);
    set_lock_mask(h);
    pci_func_loaded(&h->fn);
    update_maps(h);
    return true;
}

static void i440fx_free(struct dev *dev)
{
    struct i440fx *h = (struct i440fx *)dev;
    int i;

    for (i = 0; i < PAM_SEGS; i++)
        bus_unmap(dev->env.mem, &h->pam[i]);
    bus_unmap(dev->env.mem, &h->smram);
    bus_unmap(dev->env.io, &h->addr_port);
    bus_unmap(dev->env.io, &h->data_port);
    pci_func_free(&h->fn);
}

const struct dev_class i440fx_class = {
    .name = "i440fx", .help = "i440FX host bridge", .size = sizeof(struct i440fx),
    .saved_at = offsetof(struct i440fx, r), .saved_size = sizeof(struct i440fx_regs), .version = 1,
    .fields = i440fx_fields, .init = i440fx_init, .reset = i440fx_reset, .loaded = i440fx_loaded,
    .free = i440fx_free,
};
