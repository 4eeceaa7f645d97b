/* The VGA device: field table, life cycle, and what the parts share (IBM VGA Technical Reference;
 * Bochs dispi). */
#include "devices/video/vga_int.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_OF struct vga_regs
const struct field vga_fields[] = {
    FA(vbe, FT_U16, 0, "dispi registers"),
    F(vbe_index, FT_U16, 0, "dispi index"),
    F(vbe_low, FT_U8, 0, "low half of a dispi word on its way"),
    F(misc, FT_U8, 0, "miscellaneous output"),
    F(feature, FT_U8, 0, "feature control"),
    F(attr_index, FT_U8, 0, "attribute index and screen enable"),
    F(attr_data_next, FT_U8, 0, "attribute flip-flop: the next write to 3C0 is data"),
    FA(attr, FT_U8, 0, "attribute registers"),
    F(seq_index, FT_U8, 0, "sequencer index"),
    FA(seq, FT_U8, 0, "sequencer registers"),
    F(crtc_index, FT_U8, 0, "CRTC index"),
    FA(crtc, FT_U8, 0, "CRTC registers"),
    F(gc_index, FT_U8, 0, "graphics controller index"),
    FA(gc, FT_U8, 0, "graphics controller registers"),
    F(dac_reading, FT_U8, 0, "DAC was last set up for reading"),
    F(dac_index, FT_U8, 0, "DAC entry"),
    F(dac_sub, FT_U8, 0, "which of red, green, blue is next"),
    FA(dac_pending, FT_U8, 0, "components written so far"),
    F(pel_mask, FT_U8, 0xff, "mask on pixel values"),
    F(dac, FT_BYTES, 0, "palette"),
    FA(latch, FT_U8, 0, "plane latches"),
    F(cfg, FT_BYTES, 0, "PCI configuration space"),
    F(pad, FT_BYTES, 0, "unused"),
    F(x.blt, FT_U32, 0, "a blit waits for the processor"),
    F(x.blt_have, FT_U32, 0, "bytes of its row"),
    F(x.blt_row, FT_U32, 0, "its row"),
    F(x.cursor_x, FT_U16, 0, "hardware cursor"),
    F(x.cursor_y, FT_U16, 0, "hardware cursor"),
    FA(x.sr, FT_U8, 0, "extended sequencer registers"),
    FA(x.gr, FT_U8, 0, "extended graphics registers"),
    F(x.hidden, FT_U8, 0, "hidden DAC register"),
    F(x.hidden_reads, FT_U8, 0, "steps towards it"),
    FA(x.cursor_dac, FT_U8, 0, "colours of the cursor"),
    F(x.pad, FT_BYTES, 0, "unused"),
    F(x.blt_data, FT_BYTES, 0, "data of a blit"),
    FIELDS_END,
};
#undef FIELDS_OF

void vga_wire(struct dev *dev, const struct vga_wiring *wiring)
{
    ((struct vga *)dev)->wiring = *wiring;
}

struct display *vga_display(struct dev *dev)
{
    return &((struct vga *)dev)->display;
}

struct ram *vga_ram(struct dev *dev)
{
    return &((struct vga *)dev)->vram;
}

/* A power of two: addresses are masked with it. */
static u64 vram_size(const struct vga *v)
{
    u64 n = VGA_VRAM_MIN;

    while (n < v->wiring.vram && n < VGA_VRAM_MAX)
        n <<= 1;
    return v->wiring.vram ? n : VGA_VRAM_DEFAULT;
}

bool vga_init_common(struct vga *v, struct err *err)
{
    struct dev *dev = &v->dev;

    if (!ram_init(&v->vram, v->wiring.space, vram_size(v), err))
        return false;
    v->vram_mask = (u32)v->vram.size - 1;
    v->draw.page_dirty = calloc(1, v->vram.size / PAGE_SIZE);
    if (!v->draw.page_dirty)
        return err_set(err, "There is no memory for the display adapter.");
    v->ports_mono = (struct region){
        .name = "vga.mono", .base = 0x3b0, .size = 0x0c, .ops = &vga_mono_ops, .dev = v};
    v->ports =
        (struct region){.name = "vga", .base = 0x3c0, .size = 0x20, .ops = &vga_port_ops, .dev = v};
    v->ports_vbe = (struct region){
        .name = "vga.vbe", .base = 0x1ce, .size = 4, .ops = &vbe_port_ops, .dev = v};
    v->window = (struct region){.name = "vga.window",
                                .base = 0xa0000,
                                .size = 0x20000,
                                .ops = &vga_window_ops,
                                .dev = v,
                                .prio = 1};
    v->direct = (struct region){.name = "vga.direct", .ram = &v->vram, .prio = 2};
    bus_map(dev->env.io, &v->ports_mono);
    bus_map(dev->env.io, &v->ports);
    bus_map(dev->env.mem, &v->window);
    v->display = (struct display){v, vga_update, vga_text_snapshot};
    return true;
}

static bool vga_init(struct dev *dev, struct err *err)
{
    struct vga *v = (struct vga *)dev;

    if (!vga_init_common(v, err))
        return false;
    bus_map(dev->env.io, &v->ports_vbe);
    return vga_pci_init(v, err);
}

static void vga_reset(struct dev *dev)
{
    struct vga *v = (struct vga *)dev;

    v->r.vbe[VBE_ID] = 0xb0c5;
    v->r.vbe[VBE_XRES] = 640;
    v->r.vbe[VBE_YRES] = 480;
    v->r.vbe[VBE_BPP] = 8;
    v->r.vbe[VBE_VIRT_WIDTH] = 640;
    v->r.vbe[VBE_VIRT_HEIGHT] = 480;
    vga_window_update(v);
    if (v->wiring.pci)
        pci_func_reset(&v->pci);
}

static bool in_range(u32 v, u32 lo, u32 hi)
{
    return v >= lo && v <= hi;
}

/* Indexes are masked where they are stored, not where they are used, so a snapshot's must be
 * checked here; so must the dispi geometry, which the drawing code takes as lying within video
 * memory. */
static bool vga_loaded(struct dev *dev, struct err *err)
{
    struct vga *v = (struct vga *)dev;
    struct vga_regs *r = &v->r;
    const u16 *vbe = r->vbe;
    u32 bpp = vbe[VBE_BPP];
    bool ok = r->seq_index < 8 && r->gc_index < 16 && r->crtc_index < 64 && r->attr_index < 64 &&
              r->attr_data_next < 2 && r->dac_sub < 3 && vbe[VBE_BANK] < (v->vram.size >> 16);

    ok = ok && (bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32);
    if (vbe_on(v))
        ok = ok && in_range(vbe[VBE_XRES], 8, VGA_MAX_W) && in_range(vbe[VBE_YRES], 1, VGA_MAX_H) &&
             vbe[VBE_VIRT_WIDTH] >= vbe[VBE_XRES];
    if (!ok)
        return err_set(err,
                       "The saved state of '%s' holds register values that the chip cannot have; "
                       "the snapshot is damaged.",
                       dev->id);
    vga_window_update(v);
    if (v->wiring.pci)
        pci_func_loaded(&v->pci);
    v->draw.drawn = false;
    return true;
}

void vga_free_common(struct vga *v)
{
    struct dev *dev = &v->dev;

    bus_unmap(dev->env.io, &v->ports_mono);
    bus_unmap(dev->env.io, &v->ports);
    bus_unmap(dev->env.io, &v->ports_vbe);
    bus_unmap(dev->env.mem, &v->window);
    bus_unmap(dev->env.mem, &v->direct);
    vga_pci_free(v);
    vga_draw_free(&v->draw);
    if (v->vram.host)
        ram_free(&v->vram);
}

static void vga_free(struct dev *dev)
{
    vga_free_common((struct vga *)dev);
}

const struct dev_class vga_class = {
    .name = "VGA",
    .help = "VGA with Bochs VBE",
    .size = sizeof(struct vga),
    .saved_at = offsetof(struct vga, r),
    .saved_size = sizeof(struct vga_regs),
    .version = 1,
    .fields = vga_fields,
    .init = vga_init,
    .reset = vga_reset,
    .loaded = vga_loaded,
    .free = vga_free,
};
