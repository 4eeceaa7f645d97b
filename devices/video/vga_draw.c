/* The picture: what the registers mean as a mode, and the graphic modes drawn row by row where
 * memory or mode changed (IBM VGA Technical Reference: CRT controller address generation, attribute
 * controller; Bochs dispi depths). */
#include "devices/video/vga_int.h"

#include "devices/core/bits.h"

#include <stdlib.h>
#include <string.h>

/* ---- registers to mode ---- */

static void mode_linear(struct vga *v, struct vga_mode *m)
{
    const u16 *r = v->r.vbe;

    m->kind = r[VBE_BPP] == 4 ? VGA_PLANAR : VGA_LINEAR;
    m->w = r[VBE_XRES];
    m->h = r[VBE_YRES];
    m->bpp = r[VBE_BPP];
    m->pitch = vbe_pitch(v);
    m->start = vbe_start(v);
    m->mask = v->vram_mask;
    m->line_compare = ~0u;
    m->zoom = 1;
    m->dots = 8;
    if (m->kind == VGA_PLANAR) {
        m->pitch /= 4;
        m->start /= 4;
        m->cga_bit13 = m->cga_bit14 = 32;
        m->plane_mask = v->r.attr[0x12] & 15;
        m->attr10 = v->r.attr[0x10] & ~(u32)ATTR10_BLINK;
    }
}

/* Which 8 KiB of plane 2 each of the two character sets is in (sequencer register 3). */
static void mode_fonts(const struct vga *v, struct vga_mode *m)
{
    u32 s = v->r.seq[3];
    u32 b = (s & 3) | (s >> 2 & 4), a = (s >> 2 & 3) | (s >> 3 & 4);

    m->font[0] = (b & 3) * 0x4000 + (b >> 2) * 0x2000;
    m->font[1] = (a & 3) * 0x4000 + (a >> 2) * 0x2000;
}

static void mode_pan(const struct vga *v, struct vga_mode *m)
{
    u32 p = v->r.attr[0x13] & 15;

    if (m->kind == VGA_256)
        p = (p & 7) / 2;
    else if (m->dots == 9)
        p = p >= 8 ? 0 : p + 1;
    else
        p &= 7;
    m->pan = p;
    m->pan_split = v->r.attr[0x10] & ATTR10_PAN_TOP_ONLY ? 0 : p;
}

void vga_mode_get(struct vga *v, struct vga_mode *m)
{
    const struct vga_regs *r = &v->r;
    const u8 *c = r->crtc;
    u32 columns = c[1] + 1u, step, lines;

    memset(m, 0, sizeof(*m));
    if (v->ext && v->ext->mode(v, m))
        return;
    if (vbe_on(v)) {
        mode_linear(v, m);
        return;
    }
    lines = (c[0x12] | (u32)(c[7] & 0x02) << 7 | (u32)(c[7] & 0x40) << 3) + 1;
    m->line_compare = c[0x18] | (u32)(c[7] & 0x10) << 4 | (u32)(c[9] & 0x40) << 3;
    if (c[0x17] & 0x04) { /* the line counter counts every second line */
        lines *= 2;
        m->line_compare = m->line_compare * 2 + 1;
    }
    m->h = MIN(lines, VGA_MAX_H);
    m->max_scan = c[9] & 0x1f;
    m->double_scan = c[9] >> 7;
    m->preset_scan = c[8] & 0x1f;
    m->start = (u32)(c[0x0c] << 8 | c[0x0d]) + (c[8] >> 5 & 3);
    m->pitch = c[0x13] * 2u;
    m->mask = 0x3ffff;
    m->attr10 = r->attr[0x10];
    m->plane_mask = r->attr[0x12] & 15;
    m->zoom = r->seq[1] & SEQ1_HALF_CLOCK ? 2 : 1;
    m->dots = 8;
    m->cga_bit13 = m->cga_bit14 = 32;
    if (!(r->gc[6] & GC6_GRAPHICS)) {
        m->kind = VGA_TEXT;
        m->dots = r->seq[1] & SEQ1_8DOTS ? 8 : 9;
        m->underline = c[0x14] & 0x1f;
        mode_fonts(v, m);
    } else {
        m->kind = r->gc[5] & GC5_256 ? VGA_256 : r->gc[5] & GC5_INTERLEAVE ? VGA_CGA : VGA_PLANAR;
        /* Addresses are stored unshifted here, so the bits that row scans replace move down by the
         * shift. */
        step = c[0x14] & 0x40 ? 2 : c[0x17] & 0x40 ? 0 : 1;
        if (!(c[0x17] & 1))
            m->cga_bit13 = 13 - step;
        if (!(c[0x17] & 2))
            m->cga_bit14 = 14 - step;
    }
    if (m->kind == VGA_256) /* four pixels of two dots each */
        m->dots = 4, m->zoom *= 2;
    m->w = columns * m->dots * m->zoom;
    if (m->w > VGA_MAX_W)
        m->w = VGA_MAX_W;
    mode_pan(v, m);
    if (m->kind == VGA_PLANAR && (m->attr10 & ATTR10_BLINK))
        m->flip = vga_blink_phase(v, 16) ? 8 : 0;
    if (!(r->attr_index & ATTR_ON) || (r->seq[1] & SEQ1_OFF) || m->h < 2) {
        m->kind = VGA_BLANK;
        /* While the CPU has the palette, the border's colour fills the screen. */
        m->blank = (r->seq[1] & SEQ1_OFF) || m->h < 2 ? ~0u : r->attr[0x11];
        if (m->h < 2) /* nothing was ever set up */
            m->w = 640, m->h = 480;
    }
}

bool vga_next_band(const struct vga_mode *m, struct vga_band *b)
{
    u32 row_lines = (m->max_scan + 1) << m->double_scan;
    u32 next = b->y + b->n, left;

    if (!b->n) {
        u32 first = m->preset_scan <= m->max_scan ? m->preset_scan : 0;
        *b = (struct vga_band){0, 0, first, m->start, m->pan};
        left = (m->max_scan + 1 - first) << m->double_scan;
        next = 0;
    } else {
        if (next == (u64)m->line_compare + 1) { /* the split: memory from 0, row scan from 0 */
            b->counter = 0;
            b->pan = m->pan_split;
        } else {
            b->counter += m->pitch;
        }
        b->scan = 0;
        left = row_lines;
    }
    b->y = next;
    if (next <= m->line_compare && next + left > m->line_compare && m->line_compare != ~0u)
        left = m->line_compare + 1 - next;
    b->n = left;
    if (b->y >= m->h)
        return false;
    b->n = MIN(b->n, m->h - b->y);
    return true;
}

/* ---- palette ---- */

static u32 expand6(u32 c)
{
    return (c & 0x3f) << 2 | (c >> 4 & 3);
}

static bool palette_changed(struct vga *v, const struct vga_mode *m)
{
    const struct vga_regs *r = &v->r;
    bool eight = r->vbe[VBE_ENABLE] & VBE_8BIT_DAC;
    u32 pal[256], attr[16];
    bool changed;

    for (u32 i = 0; i < 256; i++) {
        const u8 *d = r->dac + 3 * (i & r->pel_mask);
        pal[i] = eight ? (u32)d[0] << 16 | (u32)d[1] << 8 | d[2]
                       : expand6(d[0]) << 16 | expand6(d[1]) << 8 | expand6(d[2]);
    }
    for (u32 i = 0; i < 16; i++) {
        u32 a = r->attr[m->kind == VGA_TEXT ? i : (i & m->plane_mask) ^ m->flip];
        if (r->attr[0x10] & ATTR10_P54)
            a = (a & 15) | (u32)(r->attr[0x14] & 15) << 4;
        else
            a = (a & 0x3f) | (u32)(r->attr[0x14] & 12) << 4;
        attr[i] = pal[a];
    }
    changed = memcmp(pal, v->draw.pal, sizeof(pal)) || memcmp(attr, v->draw.attr_pal, sizeof(attr));
    memcpy(v->draw.pal, pal, sizeof(pal));
    memcpy(v->draw.attr_pal, attr, sizeof(attr));
    return changed;
}

/* ---- rows ---- */

void vga_line_out(struct vga *v, const struct vga_mode *m, u32 y, u32 pan)
{
    u32 *out = v->draw.surf.pixels + (size_t)y * v->draw.surf.stride;
    const u32 *in = v->draw.line + pan;
    u32 n = m->w / m->zoom;

    switch (m->zoom) {
    case 1: memcpy(out, in, n * sizeof(*out)); break;
    case 2:
        for (u32 x = 0; x < n; x++)
            out[2 * x] = out[2 * x + 1] = in[x];
        break;
    default:
        for (u32 x = 0; x < m->w; x++)
            out[x] = in[x / m->zoom];
        break;
    }
}

static void row_planar(struct vga *v, const struct vga_mode *m, u32 counter, u32 groups)
{
    u32 *out = v->draw.line;
    const u32 *pal = v->draw.attr_pal;

    for (u32 g = 0; g < groups; g++, out += 8) {
        const u8 *p = vga_planes(v, m, counter + g);
        u32 p0 = p[0], p1 = p[1], p2 = p[2], p3 = p[3];

        for (u32 i = 0; i < 8; i++) {
            u32 s = 7 - i;
            out[i] =
                pal[(p0 >> s & 1) | (p1 >> s & 1) << 1 | (p2 >> s & 1) << 2 | (p3 >> s & 1) << 3];
        }
    }
}

/* Interleaved shift mode: planes 0 and 2 give four pixels of two bits each, then planes 1 and 3
 * four more. */
static void row_cga(struct vga *v, const struct vga_mode *m, u32 counter, u32 groups)
{
    u32 *out = v->draw.line;
    const u32 *pal = v->draw.attr_pal;

    for (u32 g = 0; g < groups; g++, out += 8) {
        const u8 *p = vga_planes(v, m, counter + g);

        for (u32 i = 0; i < 8; i++) {
            u32 half = i >> 2, s = 6 - 2 * (i & 3);
            out[i] = pal[(p[half] >> s & 3) | (p[half + 2] >> s & 3) << 2];
        }
    }
}

static void row_256(struct vga *v, const struct vga_mode *m, u32 counter, u32 groups)
{
    u32 *out = v->draw.line;
    const u32 *pal = v->draw.pal;

    for (u32 g = 0; g < groups; g++, out += 4) {
        const u8 *p = vga_planes(v, m, counter + g);
        out[0] = pal[p[0]], out[1] = pal[p[1]], out[2] = pal[p[2]], out[3] = pal[p[3]];
    }
}

/* Five and six bits to eight by repeating the upper ones below. */
static u32 rgb(u32 r, u32 g, u32 b, u32 gbits)
{
    return (r << 3 | r >> 2) << 16 | (g << (8 - gbits) | g >> (2 * gbits - 8)) << 8 |
           (b << 3 | b >> 2);
}

void vga_convert(u32 *out, const u8 *p, u32 n, u32 bpp, const u32 *pal)
{
    u32 c;

    switch (bpp) {
    case 8:
        for (u32 x = 0; x < n; x++)
            out[x] = pal[p[x]];
        break;
    case 15:
        for (u32 x = 0; x < n; x++) {
            c = ld16(p + 2 * x);
            out[x] = rgb(c >> 10 & 31, c >> 5 & 31, c & 31, 5);
        }
        break;
    case 16:
        for (u32 x = 0; x < n; x++) {
            c = ld16(p + 2 * x);
            out[x] = rgb(c >> 11, c >> 5 & 63, c & 31, 6);
        }
        break;
    case 24:
        for (u32 x = 0; x < n; x++, p += 3)
            out[x] = (u32)p[2] << 16 | (u32)p[1] << 8 | p[0];
        break;
    default:
        for (u32 x = 0; x < n; x++)
            out[x] = ld32(p + 4 * x) & 0xffffff;
        break;
    }
}

/* A row of the linear frame buffer; fetches wrap at the end of memory byte by byte only where they
 * could reach it. */
static void row_linear(struct vga *v, const struct vga_mode *m, u32 off, u32 y)
{
    u32 *out = v->draw.surf.pixels + (size_t)y * v->draw.surf.stride;
    u32 bytes = (m->bpp + 7) / 8, n = m->w * bytes;
    u8 wrapped[VGA_MAX_W * 4];
    const u8 *p = v->vram.host + (off & m->mask);

    if ((u64)(off & m->mask) + n > v->vram.size) {
        for (u32 i = 0; i < n; i++)
            wrapped[i] = v->vram.host[(off + i) & m->mask];
        p = wrapped;
    }
    vga_convert(out, p, m->w, m->bpp, v->draw.pal);
}

static u32 cga_counter(const struct vga_mode *m, u32 counter, u32 scan)
{
    if (m->cga_bit13 < 32)
        counter = (u32)bits_put(counter, m->cga_bit13, 1, scan & 1);
    if (m->cga_bit14 < 32)
        counter = (u32)bits_put(counter, m->cga_bit14, 1, scan >> 1 & 1);
    return counter;
}

/* ---- what changed ---- */

/* Read and clear the dirty bits of all of video memory: a page is looked at once, then many rows
 * ask about it. */
static void collect_dirty(struct vga *v)
{
    for (u32 i = 0; i < v->vram.size / PAGE_SIZE; i++)
        v->draw.page_dirty[i] =
            v->vram.dirty[i] & DIRTY_DISPLAY && ram_test_clear_dirty(&v->vram, i, DIRTY_DISPLAY);
}

static bool bytes_dirty(const struct vga *v, const struct vga_mode *m, u32 off, u32 n)
{
    u32 first = (off & m->mask) >> PAGE_BITS,
        last = (u32)(((u64)(off & m->mask) + n - 1) >> PAGE_BITS);

    for (u32 p = first; p <= last; p++) {
        if (v->draw.page_dirty[p & (m->mask >> PAGE_BITS)])
            return true;
    }
    return false;
}

static void mark(struct surface *s, u32 y, u32 n)
{
    if (s->dirty_y0 == s->dirty_y1) {
        s->dirty_y0 = y;
        s->dirty_y1 = y + n;
        return;
    }
    s->dirty_y0 = MIN(s->dirty_y0, y);
    s->dirty_y1 = MAX(s->dirty_y1, y + n);
}

/* ---- a cursor of the adapter's own ---- */

/* Before the picture: rows whose cursor changed, and those it is on if anything below it did, are to
 * be drawn anew (cursor_y0 to cursor_y1). Returns whether it is to be drawn again. */
static bool cursor_before(struct vga *v, const struct vga_mode *m, bool full)
{
    struct vga_draw *d = &v->draw;
    u32 old0 = d->cursor_y0, old1 = d->cursor_y1, y0, y1;
    u32 n = m->w * ((m->bpp + 7) / 8), lines = (m->max_scan + 1) << m->double_scan;
    bool on, dirty = full;
    u64 looks;

    d->cursor_y0 = d->cursor_y1 = 0;
    if (!v->ext)
        return false;
    on = v->ext->cursor_rows(v, m, &y0, &y1, &looks);
    for (u32 y = y0; on && y < y1 && !dirty; y++)
        dirty = bytes_dirty(v, m, m->start + y / lines * m->pitch, n);
    if (looks != d->cursor_looks || dirty) {
        d->cursor_y0 = old0 < old1 && looks != d->cursor_looks ? (on ? MIN(old0, y0) : old0) : y0;
        d->cursor_y1 = old0 < old1 && looks != d->cursor_looks ? MAX(old1, y1) : y1;
    } else {
        on = false;
    }
    d->cursor_looks = looks;
    return on;
}

/* Afterwards: draw it, and remember where it is. */
static void cursor_after(struct vga *v, const struct vga_mode *m, bool draw)
{
    u64 looks;

    if (!v->ext)
        return;
    if (draw)
        v->ext->cursor_draw(v, m);
    v->ext->cursor_rows(v, m, &v->draw.cursor_y0, &v->draw.cursor_y1, &looks);
}

/* ---- whole pictures ---- */

static void draw_linear(struct vga *v, const struct vga_mode *m, bool full)
{
    u32 n = m->w * ((m->bpp + 7) / 8), lines = (m->max_scan + 1) << m->double_scan;
    const struct vga_draw *d = &v->draw;

    for (u32 y = 0; y < m->h; y++) {
        u32 off = m->start + y / lines * m->pitch;

        if (!full && !(y >= d->cursor_y0 && y < d->cursor_y1) && !bytes_dirty(v, m, off, n))
            continue;
        row_linear(v, m, off, y);
        mark(&v->draw.surf, y, 1);
    }
}

static void graphics_line(struct vga *v, const struct vga_mode *m, u32 counter, u32 pan, u32 y)
{
    u32 groups = m->w / m->zoom / m->dots + 2;

    if (m->kind == VGA_256)
        row_256(v, m, counter, groups);
    else if (m->kind == VGA_CGA)
        row_cga(v, m, counter, groups);
    else
        row_planar(v, m, counter, groups);
    vga_line_out(v, m, y, pan);
}

static void draw_graphics(struct vga *v, const struct vga_mode *m, bool full)
{
    struct vga_band b = {0};
    struct surface *s = &v->draw.surf;
    u32 bytes = (m->w / m->zoom / m->dots + 2) * 4;

    while (vga_next_band(m, &b)) {
        u32 last = ~0u;

        for (u32 i = 0; i < b.n; i++) {
            u32 c = cga_counter(m, b.counter, b.scan + (i >> m->double_scan));

            if (!full && !bytes_dirty(v, m, c << 2, bytes))
                continue;
            if (c == last && i) /* the same memory again: a repeated scan line */
                memcpy(s->pixels + (size_t)(b.y + i) * s->stride,
                       s->pixels + (size_t)(b.y + i - 1) * s->stride, m->w * sizeof(u32));
            else
                graphics_line(v, m, c, b.pan, b.y + i);
            last = c;
            mark(s, b.y + i, 1);
        }
    }
}

static void draw_text(struct vga *v, const struct vga_mode *m, bool full)
{
    struct vga_band b = {0};
    u32 index = 0;

    while (vga_next_band(m, &b)) {
        if (vga_text_band(v, m, &b, index++, full))
            mark(&v->draw.surf, b.y, b.n);
    }
}

/* Give the surface its size; false when the host has no memory for it (the old picture stays). */
static bool resize(struct vga_draw *d, u32 w, u32 h)
{
    if (d->surf.pixels && d->surf.w == w && d->surf.h == h)
        return true;
    if (w * h > d->room) {
        u32 *p = realloc(d->surf.pixels, (size_t)w * h * sizeof(u32));
        if (!p)
            return false;
        d->surf.pixels = p;
        d->room = w * h;
    }
    d->surf.w = d->surf.stride = w;
    d->surf.h = h;
    d->surf.gen++;
    d->drawn = false;
    return true;
}

const struct surface *vga_update(void *dev, bool full)
{
    struct vga *v = dev;
    struct vga_draw *d = &v->draw;
    struct vga_mode m;
    bool fonts = false, cursor;

    d->surf.dirty_y0 = d->surf.dirty_y1 = 0;
    vga_mode_get(v, &m);
    if (!resize(d, m.w, m.h))
        return &d->surf;
    if (palette_changed(v, &m))
        full = true;
    if (!d->drawn || memcmp(&m, &d->mode, sizeof(m)))
        full = true;
    if (m.kind == VGA_TEXT)
        vga_text_fonts(v, &m, &fonts);
    full = full || fonts;
    collect_dirty(v);
    switch (m.kind) {
    case VGA_TEXT: draw_text(v, &m, full); break;
    case VGA_LINEAR:
        cursor = cursor_before(v, &m, full);
        draw_linear(v, &m, full);
        cursor_after(v, &m, cursor);
        break;
    case VGA_BLANK:
        if (full) {
            u32 c = m.blank == ~0u ? 0 : d->pal[m.blank];

            for (size_t i = 0; i < (size_t)m.w * m.h; i++)
                d->surf.pixels[i] = c;
            mark(&d->surf, 0, m.h);
        }
        break;
    default: draw_graphics(v, &m, full); break;
    }
    d->mode = m;
    d->drawn = true;
    return &d->surf;
}

void vga_draw_free(struct vga_draw *d)
{
    free(d->surf.pixels);
    free(d->page_dirty);
    d->surf.pixels = NULL;
    d->page_dirty = NULL;
}
