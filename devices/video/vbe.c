/* Bochs VBE: mode registers behind ports 1CE/1CF/1D0 (the VBE_DISPI interface, ID B0C5). */
#include "devices/video/vga_int.h"

#include <string.h>

enum { ID_FIRST = 0xb0c0, ID_LAST = 0xb0c5 };

static u32 row_bytes(u32 bpp, u32 width)
{
    switch (bpp) {
    case 4: return width / 8 * 4; /* planar: a counter step is 8 pixels in 4 bytes */
    case 15: return width * 2;
    default: return width * (bpp / 8);
    }
}

u32 vbe_pitch(const struct vga *v)
{
    return row_bytes(v->r.vbe[VBE_BPP], v->r.vbe[VBE_VIRT_WIDTH]);
}

u32 vbe_start(const struct vga *v)
{
    const u16 *r = v->r.vbe;
    return (vbe_pitch(v) * r[VBE_Y_OFFSET] + row_bytes(r[VBE_BPP], r[VBE_X_OFFSET])) &
           v->vram_mask;
}

/* Make the mode's numbers such that the picture lies within video memory, whatever the guest wrote.
 */
static void fix_geometry(struct vga *v)
{
    u16 *r = v->r.vbe;
    u32 lines;

    r[VBE_XRES] = (u16)MIN(MAX(r[VBE_XRES] & ~7u, 8u), VGA_MAX_W);
    r[VBE_YRES] = (u16)MIN(MAX(r[VBE_YRES], 1u), VGA_MAX_H);
    if (r[VBE_VIRT_WIDTH] < r[VBE_XRES])
        r[VBE_VIRT_WIDTH] = r[VBE_XRES];
    lines = (u32)(v->vram.size / vbe_pitch(v));
    if (lines < r[VBE_YRES]) {
        r[VBE_VIRT_WIDTH] = r[VBE_XRES];
        lines = (u32)(v->vram.size / vbe_pitch(v));
        r[VBE_YRES] = (u16)MIN(lines, r[VBE_YRES]);
    }
    r[VBE_VIRT_HEIGHT] = (u16)MIN(lines, 0xffffu);
    if (r[VBE_Y_OFFSET] + r[VBE_YRES] > lines)
        r[VBE_Y_OFFSET] = (u16)(lines - r[VBE_YRES]);
    if (r[VBE_X_OFFSET] + r[VBE_XRES] > r[VBE_VIRT_WIDTH])
        r[VBE_X_OFFSET] = (u16)(r[VBE_VIRT_WIDTH] - r[VBE_XRES]);
}

/* The dispi hardware sets the VGA's own registers to fit, so that drivers need only the dispi
 * registers. */
static void force_vga(struct vga *v)
{
    struct vga_regs *r = &v->r;

    r->gc[6] = (u8)((r->gc[6] & ~0x0f) | 0x05);
    r->seq[2] = 0x0f;
    r->seq[4] |= SEQ4_NO_ODD_EVEN;
    r->seq[1] &= (u8)~SEQ1_HALF_CLOCK;
    r->gc[5] &= (u8) ~(GC5_256 | GC5_INTERLEAVE | GC5_ODD_EVEN);
    if (r->vbe[VBE_BPP] == 4) {
        r->seq[4] &= (u8)~SEQ4_CHAIN4;
    } else {
        r->seq[4] |= SEQ4_CHAIN4;
        r->gc[5] = GC5_256;
        r->gc[1] = r->gc[3] = 0; /* bytes pass through the window as they are */
        r->gc[8] = 0xff;
    }
}

static void enable(struct vga *v, u16 val)
{
    u16 *r = v->r.vbe;
    bool was = vbe_on(v);

    r[VBE_BANK] = val & VBE_ON ? r[VBE_BANK] : 0;
    if ((val & VBE_ON) && !was) {
        r[VBE_VIRT_WIDTH] = r[VBE_XRES];
        r[VBE_X_OFFSET] = r[VBE_Y_OFFSET] = 0;
        r[VBE_ENABLE] = val;
        fix_geometry(v);
        force_vga(v);
        if (!(val & VBE_NOCLEAR)) {
            u64 n = MIN((u64)vbe_pitch(v) * r[VBE_YRES], v->vram.size);
            ram_wrote(&v->vram, 0, n);
            memset(v->vram.host, 0, n);
        }
    }
    r[VBE_ENABLE] = val & (VBE_ON | VBE_GETCAPS | VBE_8BIT_DAC | VBE_LFB | VBE_NOCLEAR);
    vga_window_update(v);
}

u16 vbe_read(struct vga *v, u32 index)
{
    const u16 *r = v->r.vbe;

    if (index >= VBE_NREGS)
        return 0;
    if (index == VBE_MEMORY_64K)
        return (u16)(v->vram.size >> 16);
    if (r[VBE_ENABLE] & VBE_GETCAPS) {
        switch (index) {
        case VBE_XRES: return VGA_MAX_W;
        case VBE_YRES: return 1600;
        case VBE_BPP: return 32;
        }
    }
    return r[index];
}

void vbe_write(struct vga *v, u32 index, u16 val)
{
    u16 *r = v->r.vbe;

    switch (index) {
    case VBE_ID:
        if (val >= ID_FIRST && val <= ID_LAST)
            r[VBE_ID] = val;
        break;
    case VBE_XRES:
    case VBE_YRES:
        if (vbe_on(v)) {
            log_guest_error(v->dev.env.log, "vga", "dispi resolution written while the mode is on");
            break;
        }
        if (val)
            r[index] = val;
        break;
    case VBE_BPP:
        if (val == 0)
            val = 8;
        if (vbe_on(v) ||
            (val != 4 && val != 8 && val != 15 && val != 16 && val != 24 && val != 32)) {
            log_guest_error(v->dev.env.log, "vga", "dispi depth %u refused", val);
            break;
        }
        r[index] = val;
        break;
    case VBE_ENABLE: enable(v, val); break;
    case VBE_BANK:
        r[index] = val & (u16)((v->vram.size >> 16) - 1);
        vga_window_update(v);
        break;
    case VBE_VIRT_WIDTH:
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET:
        r[index] = index == VBE_VIRT_WIDTH ? val & 0xfff8 : val;
        if (vbe_on(v))
            fix_geometry(v);
        break;
    }
}

/* The data port sits at the odd address 1CF on PCs and at 1D0 elsewhere. A word at 1CF is not
 * aligned in the region, so it arrives as two bytes, low first: the low one waits in vbe_low for
 * the high one. */
static u64 ports_read(void *dev, u64 off, unsigned size)
{
    struct vga *v = dev;
    u16 data = vbe_read(v, v->r.vbe_index);

    if (off == 0)
        return size == 2 ? v->r.vbe_index : v->r.vbe_index & 0xff;
    if (off == 1)
        return data & 0xff;
    return size == 2 ? data : data >> 8;
}

static void ports_write(void *dev, u64 off, u64 val, unsigned size)
{
    struct vga *v = dev;

    if (off == 0)
        v->r.vbe_index = (u16)val;
    else if (off == 1)
        v->r.vbe_low = (u8)val;
    else if (size == 2)
        vbe_write(v, v->r.vbe_index, (u16)val);
    else if (off == 2)
        vbe_write(v, v->r.vbe_index, (u16)(v->r.vbe_low | val << 8));
}

const struct region_ops vbe_port_ops = {ports_read, ports_write, 1, 2};
