/* The Cirrus adapter's picture: packed-pixel modes from its registers, and the hardware cursor over
 * them (GD5446 Technical Reference Manual, 5 and 8). */
#include "devices/video/cirrus_int.h"

#include "devices/core/bits.h"

enum { CURSORS_AT = 0x4000 /* below the end of memory */ };

static u32 depth(const struct vga *v)
{
    const struct cirrus_regs *x = &v->r.x;

    switch (x->sr[7] & SR7_DEPTH) {
    case SR7_16:
    case SR7_16_DOUBLE: return x->hidden & 1 ? 16 : 15; /* 5:6:5 or 5:5:5 */
    case SR7_24: return 24;
    case SR7_32: return 32;
    default: return 8;
    }
}

bool cirrus_mode(struct vga *v, struct vga_mode *m)
{
    const struct vga_regs *r = &v->r;
    const u8 *c = r->crtc;
    u32 h;

    if (!(r->x.sr[7] & SR7_PACKED))
        return false;
    m->kind = VGA_LINEAR;
    m->bpp = depth(v);
    h = (c[0x12] | (u32)(c[7] & 0x02) << 7 | (u32)(c[7] & 0x40) << 3) + 1;
    if (c[0x1a] & 1) /* interlaced: both halves are shown */
        h *= 2;
    m->w = MIN((c[1] + 1u) * 8, VGA_MAX_W);
    m->h = MIN(h, VGA_MAX_H);
    m->start = ((u32)c[0x0c] << 8 | c[0x0d] | (c[0x1b] & 1u) << 16 | (c[0x1b] & 0x0cu) << 15 |
                (c[0x1d] & 0x80u) << 12) * 4;
    m->pitch = (c[0x13] | (c[0x1b] & 0x10u) << 4) * 8;
    m->mask = v->vram_mask;
    m->line_compare = ~0u;
    m->zoom = 1;
    m->dots = 8;
    m->max_scan = c[9] & 0x1f;
    m->double_scan = c[9] >> 7;
    /* Not by sequencer 1, bit 5: the BIOSes that go with this adapter in virtual machines leave it
     * set in these modes. */
    if (!(r->attr_index & ATTR_ON)) {
        m->kind = VGA_BLANK;
        m->blank = ~0u;
    }
    return true;
}

/* ---- cursor ---- */

static const u8 *cursor_bits(const struct vga *v)
{
    u32 n = v->r.x.sr[0x13] & 0x3f;

    if (v->r.x.sr[0x12] & SR12_LARGE)
        n &= 0x3c;
    return v->vram.host + v->vram.size - CURSORS_AT + n * 256;
}

/* Two bits a point: nothing, the complement, the background's colour, the foreground's. */
static u32 cursor_point(const struct vga *v, u32 x, u32 y)
{
    const u8 *p = cursor_bits(v);
    u32 bit = 0x80u >> (x & 7);

    if (v->r.x.sr[0x12] & SR12_LARGE) {
        p += y * 16 + x / 8;
        return (p[0] & bit ? 1 : 0) | (p[8] & bit ? 2 : 0);
    }
    p += y * 4 + x / 8;
    return (p[0] & bit ? 1 : 0) | (p[128] & bit ? 2 : 0);
}

static u32 cursor_size(const struct vga *v)
{
    return v->r.x.sr[0x12] & SR12_LARGE ? 64 : 32;
}

static u32 cursor_color(const struct vga *v, u32 i)
{
    const u8 *c = v->r.x.cursor_dac + 3 * i;

    return (u32)(c[0] << 2 | c[0] >> 4) << 16 | (u32)(c[1] << 2 | c[1] >> 4) << 8 |
           (u32)(c[2] << 2 | c[2] >> 4);
}

/* The rows it is on, and a number that says what it looks like and where. */
bool cirrus_cursor_rows(struct vga *v, const struct vga_mode *m, u32 *y0, u32 *y1, u64 *looks)
{
    const struct cirrus_regs *x = &v->r.x;
    const u8 *bits = cursor_bits(v);
    u32 n = cursor_size(v);
    u64 h = (u64)x->cursor_x << 32 | (u64)x->cursor_y << 8 | x->sr[0x12];

    *y0 = *y1 = 0;
    *looks = 0;
    if (m->kind != VGA_LINEAR || !(x->sr[0x12] & SR12_CURSOR) || x->cursor_y >= m->h)
        return false;
    for (u32 i = 0; i < n * n / 4; i++)
        h = (h ^ bits[i]) * 0x9e3779b97f4a7c15ull;
    for (u32 i = 0; i < sizeof(x->cursor_dac); i++)
        h = (h ^ x->cursor_dac[i]) * 0x9e3779b97f4a7c15ull;
    *looks = h | 1;
    *y0 = x->cursor_y;
    *y1 = MIN(x->cursor_y + n, m->h);
    return true;
}

void cirrus_cursor_draw(struct vga *v, const struct vga_mode *m)
{
    const struct cirrus_regs *x = &v->r.x;
    struct surface *s = &v->draw.surf;
    u32 n = cursor_size(v), bg = cursor_color(v, 0), fg = cursor_color(v, 15);

    for (u32 j = 0; j < n && x->cursor_y + j < m->h; j++) {
        u32 *row = s->pixels + (size_t)(x->cursor_y + j) * s->stride;

        for (u32 i = 0; i < n && x->cursor_x + i < m->w; i++) {
            u32 *p = row + x->cursor_x + i;

            switch (cursor_point(v, i, j)) {
            case 1: *p ^= 0xffffff; break;
            case 2: *p = bg; break;
            case 3: *p = fg; break;
            }
        }
    }
}
