/* The Cirrus adapter's registers beyond the VGA's: extended sequencer, graphics and CRTC registers,
 * the hidden DAC register, the cursor's palette, memory-mapped blitter registers (GD5446 Technical
 * Reference Manual, 4 to 9). */
#include "devices/video/cirrus_int.h"

enum { UNLOCKED = 0x12, LOCKED = 0x0f, CHIP_ID = 0xb8, HIDDEN_AFTER = 4 };

/* ---- sequencer ---- */

static u8 sr_read(struct vga *v)
{
    const struct cirrus_regs *x = &v->r.x;
    u32 i = v->r.seq_index & 0x1f;

    if (i < 5)
        return v->r.seq[i];
    switch (i) {
    case 0x10: return (u8)(x->cursor_x >> 3);
    case 0x11: return (u8)(x->cursor_y >> 3);
    default: return x->sr[i];
    }
}

static void sr_write(struct vga *v, u8 val)
{
    static const u8 vga_mask[5] = {0x03, 0x3d, 0xff, 0x3f, 0x0e};
    struct cirrus_regs *x = &v->r.x;
    u32 index = v->r.seq_index, i = index & 0x1f;

    switch (i) {
    case 0x00:
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x04: v->r.seq[i] = val & vga_mask[i]; break;
    case 0x06: x->sr[6] = (val & 0x17) == UNLOCKED ? UNLOCKED : LOCKED; break;
    /* the lowest three bits of the cursor's place are the upper ones of the index */
    case 0x10: x->cursor_x = (u16)(val << 3 | index >> 5); break;
    case 0x11: x->cursor_y = (u16)(val << 3 | index >> 5); break;
    case 0x17: x->sr[i] = (u8)((x->sr[i] & 0x38) | (val & 0xc7)); break;
    default: x->sr[i] = val; break;
    }
    vga_window_update(v);
}

/* ---- graphics controller ---- */

static u8 gr_read(struct vga *v, u32 i)
{
    const struct cirrus_regs *x = &v->r.x;

    if (i >= 2 && i <= 8)
        return v->r.gc[i];
    if (i == 0x31)
        return (u8)(x->gr[i] | (x->blt ? GR31_BUSY : 0));
    return x->gr[i];
}

void cirrus_gr_write(struct vga *v, u32 i, u8 val)
{
    static const u8 vga_mask[9] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7f, 0x0f, 0x0f, 0xff};
    struct cirrus_regs *x = &v->r.x;
    u8 old;

    i &= 0x3f;
    old = x->gr[i];
    if (i <= 8)
        v->r.gc[i] = val & vga_mask[i];
    switch (i) {
    case 0x21: /* width, pitches: 13 bits */
    case 0x25:
    case 0x27: val &= 0x1f; break;
    case 0x23: val &= 0x07; break;
    case 0x2a:
    case 0x2e: val &= 0x3f; break;
    case 0x31: val &= (u8)~GR31_BUSY; break;
    }
    x->gr[i] = val;
    if (i == 0x31) {
        if ((old & GR31_RESET) && !(val & GR31_RESET))
            cirrus_blt_reset(v);
        else if (!(old & GR31_START) && (val & GR31_START))
            cirrus_blt_start(v);
    } else if (i == 0x2a && (x->gr[0x31] & GR31_AUTOSTART)) {
        cirrus_blt_start(v);
    }
    if (i <= 0x0b)
        vga_window_update(v);
}

/* ---- CRTC ---- */

static bool cr_read(struct vga *v, u8 *val)
{
    switch (v->r.crtc_index) {
    case 0x19:
    case 0x1a:
    case 0x1b:
    case 0x1c:
    case 0x1d: *val = v->r.crtc[v->r.crtc_index]; return true;
    case 0x25: *val = 0; return true; /* the first step of the chip */
    case 0x27: *val = CHIP_ID; return true;
    default: return false;
    }
}

/* ---- DAC ---- */

static u32 cursor_color_index(const struct vga *v)
{
    return (v->r.dac_index & 15u) * 3 + v->r.dac_sub;
}

static void cursor_step(struct vga *v)
{
    if (++v->r.dac_sub == 3) {
        v->r.dac_sub = 0;
        v->r.dac_index++;
    }
}

/* Four reads of the mask without another access to the DAC, and the fifth is of what is behind. */
static u8 hidden_read(struct vga *v)
{
    struct cirrus_regs *x = &v->r.x;

    if (x->hidden_reads == HIDDEN_AFTER) {
        x->hidden_reads = 0;
        return x->hidden;
    }
    x->hidden_reads++;
    return v->r.pel_mask;
}

static bool hidden_write(struct vga *v, u8 val)
{
    struct cirrus_regs *x = &v->r.x;

    if (x->hidden_reads != HIDDEN_AFTER)
        return false;
    x->hidden_reads = 0;
    x->hidden = val;
    return true;
}

bool cirrus_port_read(struct vga *v, u32 port, u8 *val)
{
    struct cirrus_regs *x = &v->r.x;

    if (port == 0x3c6) {
        *val = hidden_read(v);
        return true;
    }
    if (port >= 0x3c7 && port <= 0x3c9)
        x->hidden_reads = 0;
    switch (port) {
    case 0x3c5: *val = sr_read(v); return true;
    case 0x3c9:
        if (!(x->sr[0x12] & SR12_CURSOR_DAC))
            return false;
        *val = x->cursor_dac[cursor_color_index(v)];
        cursor_step(v);
        return true;
    case 0x3cf: *val = gr_read(v, v->r.gc_index); return true;
    case 0x3b5:
    case 0x3d5: return cr_read(v, val);
    default: return false;
    }
}

bool cirrus_port_write(struct vga *v, u32 port, u8 val)
{
    struct cirrus_regs *x = &v->r.x;

    if (port == 0x3c6)
        return hidden_write(v, val);
    if (port >= 0x3c7 && port <= 0x3c9)
        x->hidden_reads = 0;
    switch (port) {
    case 0x3c4: v->r.seq_index = val; return true;
    case 0x3c5: sr_write(v, val); return true;
    case 0x3c9:
        if (!(x->sr[0x12] & SR12_CURSOR_DAC))
            return false;
        x->cursor_dac[cursor_color_index(v)] = val & 0x3f;
        cursor_step(v);
        return true;
    case 0x3ce: v->r.gc_index = val & 0x3f; return true;
    case 0x3cf: cirrus_gr_write(v, v->r.gc_index, val); return true;
    case 0x3b5:
    case 0x3d5:
        if (v->r.crtc_index < 0x19 || v->r.crtc_index > 0x1d)
            return false;
        v->r.crtc[v->r.crtc_index] = val;
        return true;
    default: return false;
    }
}

/* ---- memory-mapped ---- */

/* Which graphics register each byte of the blitter's block is; 0xff: none. */
static const u8 mmio_gr[0x41] = {
    0x00, 0x10, 0x12, 0x14, 0x01, 0x11, 0x13, 0x15, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
    0x28, 0x29, 0x2a, 0xff, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0xff, 0x32, 0x33, 0x34, 0x35, 0xff, 0xff,
    0x38, 0x39, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x31,
};

u8 cirrus_mmio_read(struct vga *v, u32 off)
{
    if (off >= sizeof(mmio_gr) || mmio_gr[off] == 0xff)
        return 0xff;
    return gr_read(v, mmio_gr[off]);
}

void cirrus_mmio_write(struct vga *v, u32 off, u8 val)
{
    if (off < sizeof(mmio_gr) && mmio_gr[off] != 0xff)
        cirrus_gr_write(v, mmio_gr[off], val);
}
