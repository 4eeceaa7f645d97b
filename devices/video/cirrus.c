/* The Cirrus GD5446 as a device: its place on the PCI bus, what makes it more than a VGA, its life. */
#include "devices/video/cirrus_int.h"

#include <string.h>

enum { LFB_SIZE = 32 << 20, MMIO_SIZE = 0x1000, MMIO_BLT = 0x100 };

static const struct pci_ident ident = {
    .vendor = 0x1013, .device = 0x00b8, .class_code = 0x030000, .revision = 0};

const struct vga_ext cirrus_ext = {
    .port_read = cirrus_port_read,
    .port_write = cirrus_port_write,
    .window_read = cirrus_window_read,
    .window_write = cirrus_window_write,
    .window_direct = cirrus_window_direct,
    .mode = cirrus_mode,
    .cursor_rows = cirrus_cursor_rows,
    .cursor_draw = cirrus_cursor_draw,
};

/* BAR 1: the VGA's ports from 3C0 in its first bytes, the blitter's registers behind. */
static u64 mmio_read(void *dev, u64 off, unsigned size)
{
    struct vga *v = dev;

    if (off < 0x20)
        return vga_port_read(v, 0x3c0 + (u32)off);
    if (off >= MMIO_BLT && off < MMIO_BLT + 0x100)
        return cirrus_mmio_read(v, (u32)off - MMIO_BLT);
    return 0xff;
}

static void mmio_write(void *dev, u64 off, u64 val, unsigned size)
{
    struct vga *v = dev;

    if (off < 0x20)
        vga_port_write(v, 0x3c0 + (u32)off, (u8)val);
    else if (off >= MMIO_BLT && off < MMIO_BLT + 0x100)
        cirrus_mmio_write(v, (u32)off - MMIO_BLT, (u8)val);
}

static const struct region_ops mmio_ops = {mmio_read, mmio_write, 1, 1};

/* The frame buffer may have moved. */
static void config_wrote(struct pci_func *fn, unsigned off, unsigned size)
{
    vga_window_update((struct vga *)fn->dev);
}

static bool cirrus_init(struct dev *dev, struct err *err)
{
    struct vga *v = (struct vga *)dev;

    v->ext = &cirrus_ext;
    v->wiring.vram = CIRRUS_VRAM;
    v->linear = (struct region){.name = "cirrus.linear", .ram = &v->vram, .prio = 2};
    if (!vga_init_common(v, err))
        return false;
    if (!v->wiring.pci)
        return true;
    v->pci.bus = v->wiring.pci;
    v->pci.devfn = v->wiring.devfn;
    v->pci.wrote = config_wrote;
    v->pci.bar[0] = (struct pci_bar){
        PCI_BAR_MEM_PREF, LFB_SIZE,
        {.name = "cirrus.lfb", .ops = &cirrus_lfb_ops, .dev = v, .prio = 1}};
    v->pci.bar[1] = (struct pci_bar){
        PCI_BAR_MEM, MMIO_SIZE, {.name = "cirrus.mmio", .ops = &mmio_ops, .dev = v, .prio = 1}};
    if (!vga_pci_rom(v, err))
        return false;
    pci_func_init(&v->pci, &v->dev, v->r.cfg, &ident);
    return true;
}

static void cirrus_reset(struct dev *dev)
{
    struct vga *v = (struct vga *)dev;
    struct cirrus_regs *x = &v->r.x;

    x->sr[0x06] = 0x0f; /* locked */
    x->sr[0x0f] = 0x98; /* 64 bits wide, two banks: 4 MiB */
    x->sr[0x15] = 0x04; /* the same for the BIOS */
    x->sr[0x17] = 0x20; /* PCI */
    x->sr[0x1f] = 0x2d; /* memory clock */
    if (v->wiring.pci)
        pci_func_reset(&v->pci);
    vga_window_update(v);
}

static bool cirrus_loaded(struct dev *dev, struct err *err)
{
    struct vga *v = (struct vga *)dev;
    const struct vga_regs *r = &v->r;
    const struct cirrus_regs *x = &r->x;

    if (r->gc_index >= 64 || r->crtc_index >= 64 || r->attr_index >= 64 || r->attr_data_next >= 2 ||
        r->dac_sub >= 3 || x->blt > BLT_GIVES || x->blt_have >= sizeof(x->blt_data) ||
        x->blt_row >= 0x800 || x->cursor_x >= 0x800 || x->cursor_y >= 0x800 || x->hidden_reads > 4 ||
        (r->vbe[VBE_ENABLE] & VBE_ON))
        return err_set(err, "The saved state of '%s' holds register values that the chip cannot "
                            "have; the snapshot is damaged.", dev->id);
    if (v->wiring.pci)
        pci_func_loaded(&v->pci);
    vga_window_update(v);
    v->draw.drawn = false;
    return true;
}

static void cirrus_free(struct dev *dev)
{
    struct vga *v = (struct vga *)dev;

    bus_unmap(dev->env.mem, &v->linear);
    vga_free_common(v);
}

const struct dev_class cirrus_class = {
    .name = "cirrus-vga",
    .help = "Cirrus Logic GD5446",
    .size = sizeof(struct vga),
    .saved_at = offsetof(struct vga, r),
    .saved_size = sizeof(struct vga_regs),
    .version = 1,
    .fields = vga_fields,
    .init = cirrus_init,
    .reset = cirrus_reset,
    .loaded = cirrus_loaded,
    .free = cirrus_free,
};
