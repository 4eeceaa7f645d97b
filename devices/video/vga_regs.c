/* The VGA's register file: ports 3B0-3BB and 3C0-3DF (IBM VGA Technical Reference, "VGA Function",
 * registers). */
#include "devices/video/vga_int.h"

static const u8 seq_mask[8] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0x00, 0x00, 0x00};
static const u8 gc_mask[16] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};

enum { CRTC_LATCH = 0x22, CRTC_ATTR_STATE = 0x24, CRTC_LAST = 0x18 };

/* ---- the beam ---- */

/* Where the beam is, from the CRTC's totals and the dot clock (MISC bits 2-3 choose 25.175
 * or 28.322 MHz). */
static void beam(struct vga *v, bool *hblank, bool *vblank, bool *vretrace)
{
    const u8 *c = v->r.crtc;
    u32 dots = v->r.seq[1] & SEQ1_8DOTS ? 8 : 9;
    u32 khz = (v->r.misc & 0x0c) == 0x04 ? 28322 : 25175;
    u32 htotal = c[0] + 5u;
    u32 vtotal = (c[6] | (u32)(c[7] & 0x01) << 8 | (u32)(c[7] & 0x20) << 4) + 2;
    u32 hdisp = c[1] + 1u;
    u32 vdisp = (c[0x12] | (u32)(c[7] & 0x02) << 7 | (u32)(c[7] & 0x40) << 3) + 1;
    u32 vstart = c[0x10] | (u32)(c[7] & 0x04) << 6 | (u32)(c[7] & 0x80) << 2;
    u32 vlen = ((c[0x11] & 15u) - (vstart & 15u)) & 15u;
    u64 line_ps, in_frame;
    u32 y, x;

    if (v->r.seq[1] & SEQ1_HALF_CLOCK)
        khz /= 2;
    line_ps = (u64)htotal * dots * 1000000000ull / khz;
    in_frame = (u64)((unsigned __int128)clock_now(v->dev.env.clock) * 1000 % (line_ps * vtotal));
    y = (u32)(in_frame / line_ps);
    x = (u32)(in_frame % line_ps * htotal / line_ps);
    *hblank = x >= hdisp;
    *vblank = y >= vdisp;
    *vretrace = y >= vstart && y < vstart + (vlen ? vlen : 16);
    if (vstart >=
        vtotal) /* never reached: give software that waits for it an edge in the blank lines */
        *vretrace = y >= vtotal - 2;
}

static u8 status1(struct vga *v)
{
    bool hblank, vblank, vretrace;

    beam(v, &hblank, &vblank, &vretrace);
    return (u8)((hblank || vblank ? 0x01 : 0) | (vretrace ? 0x08 : 0));
}

/* ---- one function per group of registers ---- */

static void attr_write(struct vga *v, u8 val)
{
    struct vga_regs *r = &v->r;
    u32 i = r->attr_index & 0x1f;

    r->attr_data_next ^= 1;
    if (r->attr_data_next) {
        r->attr_index = val & 0x3f;
        return;
    }
    if (i < 16) {
        if (!(r->attr_index & ATTR_ON)) /* the palette is the CPU's only while the screen is off */
            r->attr[i] = val & 0x3f;
    } else if (i <= 0x14) {
        static const u8 mask[5] = {0xef, 0xff, 0x3f, 0x0f, 0x0f};
        r->attr[i] = val & mask[i - 16];
    }
}

static u8 attr_read(struct vga *v)
{
    u32 i = v->r.attr_index & 0x1f;
    return i <= 0x14 ? v->r.attr[i] : 0;
}

static u8 crtc_read(struct vga *v)
{
    struct vga_regs *r = &v->r;

    if (r->crtc_index == CRTC_LATCH)
        return r->latch[r->gc[4] & 3];
    if (r->crtc_index == CRTC_ATTR_STATE)
        return (u8)(r->attr_data_next << 7);
    return r->crtc_index <= CRTC_LAST ? r->crtc[r->crtc_index] : 0xff;
}

static void crtc_write(struct vga *v, u8 val)
{
    struct vga_regs *r = &v->r;
    u32 i = r->crtc_index;

    if (i > CRTC_LAST)
        return;
    if (i <= 7 &&
        (r->crtc[0x11] & 0x80)) { /* protected: only bit 8 of line compare stays writable */
        if (i == 7)
            r->crtc[7] = (u8)((r->crtc[7] & ~0x10) | (val & 0x10));
        return;
    }
    r->crtc[i] = val;
}

static void dac_data_write(struct vga *v, u8 val)
{
    struct vga_regs *r = &v->r;

    r->dac_pending[r->dac_sub] = val;
    if (++r->dac_sub < 3)
        return;
    r->dac_sub = 0;
    for (u32 i = 0; i < 3; i++)
        r->dac[r->dac_index * 3u + i] =
            r->vbe[VBE_ENABLE] & VBE_8BIT_DAC ? r->dac_pending[i] : r->dac_pending[i] & 0x3f;
    r->dac_index++;
}

static u8 dac_data_read(struct vga *v)
{
    struct vga_regs *r = &v->r;
    u8 val = r->dac[r->dac_index * 3u + r->dac_sub];

    if (++r->dac_sub == 3) {
        r->dac_sub = 0;
        r->dac_index++;
    }
    return val;
}

static void seq_write(struct vga *v, u8 val)
{
    v->r.seq[v->r.seq_index] = val & seq_mask[v->r.seq_index];
    vga_window_update(v);
}

static void gc_write(struct vga *v, u8 val)
{
    v->r.gc[v->r.gc_index] = val & gc_mask[v->r.gc_index];
    vga_window_update(v);
}

/* 3Bx answers in monochrome mode and 3Dx in colour mode; the other one is not there. */
static bool decoded(const struct vga *v, u32 port)
{
    if (port >= 0x3c0 && port < 0x3d0)
        return true;
    return (port >= 0x3d0) == !!(v->r.misc & MISC_COLOR);
}

u8 vga_port_read(struct vga *v, u32 port)
{
    struct vga_regs *r = &v->r;
    u8 val;

    if (!decoded(v, port))
        return 0xff;
    if (v->ext && v->ext->port_read(v, port, &val))
        return val;
    switch (port) {
    case 0x3c0: return r->attr_data_next ? 0 : r->attr_index;
    case 0x3c1: return attr_read(v);
    case 0x3c2: return 0x10; /* the colour monitor answers the switch sense */
    case 0x3c3: return 0x01;
    case 0x3c4: return r->seq_index;
    case 0x3c5: return r->seq[r->seq_index];
    case 0x3c6: return r->pel_mask;
    case 0x3c7: return r->dac_reading ? 3 : 0;
    case 0x3c8: return r->dac_index;
    case 0x3c9: return dac_data_read(v);
    case 0x3ca: return r->feature;
    case 0x3cc: return r->misc;
    case 0x3ce: return r->gc_index;
    case 0x3cf: return r->gc[r->gc_index];
    case 0x3b4:
    case 0x3d4: return r->crtc_index;
    case 0x3b5:
    case 0x3d5: return crtc_read(v);
    case 0x3ba:
    case 0x3da: r->attr_data_next = 0; return status1(v);
    default: return 0xff;
    }
}

void vga_port_write(struct vga *v, u32 port, u8 val)
{
    struct vga_regs *r = &v->r;

    if (!decoded(v, port) || (v->ext && v->ext->port_write(v, port, val)))
        return;
    switch (port) {
    case 0x3c0: attr_write(v, val); break;
    case 0x3c2:
        r->misc = val & 0xef;
        vga_window_update(v);
        break;
    case 0x3c4: r->seq_index = val & 7; break;
    case 0x3c5: seq_write(v, val); break;
    case 0x3c6: r->pel_mask = val; break;
    case 0x3c7: r->dac_index = val, r->dac_sub = 0, r->dac_reading = 1; break;
    case 0x3c8: r->dac_index = val, r->dac_sub = 0, r->dac_reading = 0; break;
    case 0x3c9: dac_data_write(v, val); break;
    case 0x3ce: r->gc_index = val & 15; break;
    case 0x3cf: gc_write(v, val); break;
    case 0x3b4:
    case 0x3d4: r->crtc_index = val & 0x3f; break;
    case 0x3b5:
    case 0x3d5: crtc_write(v, val); break;
    case 0x3ba:
    case 0x3da: r->feature = val & 0x10; break;
    }
}

static u64 port_read(void *dev, u64 off, unsigned size)
{
    return vga_port_read(dev, 0x3c0 + (u32)off);
}

static void port_write(void *dev, u64 off, u64 val, unsigned size)
{
    vga_port_write(dev, 0x3c0 + (u32)off, (u8)val);
}

static u64 mono_read(void *dev, u64 off, unsigned size)
{
    return vga_port_read(dev, 0x3b0 + (u32)off);
}

static void mono_write(void *dev, u64 off, u64 val, unsigned size)
{
    vga_port_write(dev, 0x3b0 + (u32)off, (u8)val);
}

const struct region_ops vga_port_ops = {port_read, port_write, 1, 1};
const struct region_ops vga_mono_ops = {mono_read, mono_write, 1, 1};
