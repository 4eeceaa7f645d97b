/* Text modes: characters from the fonts in plane 2, cursor, blinking, eight or nine dots, and the
 * text as text (IBM VGA Technical Reference, alphanumeric modes). */
#include "devices/video/vga_int.h"

#include "devices/core/bits.h"

#include <string.h>

enum { GLYPH_BYTES = 32, MAX_COLUMNS = 256 };

/* Blinking counts frames: the cursor changes every 8, characters every 16. A frame of the text
 * modes takes 1/70 s. */
#define FRAME_NS (NS_PER_SEC / 70)

void vga_text_fonts(struct vga *v, const struct vga_mode *m, bool *changed)
{
    for (u32 f = 0; f < 2; f++) {
        u8 *have = v->draw.fonts[f];

        for (u32 i = 0; i < 256 * GLYPH_BYTES; i++) {
            u8 bits = v->vram.host[(m->font[f] + i) * 4 + 2];
            if (have[i] != bits)
                have[i] = bits, *changed = true;
        }
    }
}

struct cursor {
    bool on;
    u32 counter, first, last;
};

static struct cursor cursor_now(struct vga *v)
{
    const u8 *c = v->r.crtc;
    struct cursor cur = {
        /* the skew of CRTC register B moves the cursor right by up to three characters */
        .counter = (((u32)c[0x0e] << 8 | c[0x0f]) + (c[0x0b] >> 5 & 3)) & 0xffff,
        .first = c[0x0a] & 0x1f, .last = c[0x0b] & 0x1f};

    cur.on = !(c[0x0a] & 0x20) && cur.first <= cur.last;
    return cur;
}

bool vga_blink_phase(struct vga *v, u32 frames)
{
    return clock_now(v->dev.env.clock) / (frames * FRAME_NS) & 1;
}

static u64 hash_step(u64 h, u64 x)
{
    h = (h ^ x) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

/* The dots of one scan line of one cell. */
static void cell_line(u32 *out, u32 dots, u32 bits, bool ninth, u32 fg, u32 bg)
{
    for (u32 i = 0; i < 8; i++)
        out[i] = bits & (0x80u >> i) ? fg : bg;
    if (dots == 9)
        out[8] = ninth && (bits & 1) ? fg : bg;
}

struct row {
    u16 cell[MAX_COLUMNS + 2]; /* character | attribute << 8 */
    u32 columns;
    u32 cursor_column; /* >= columns: not in this row */
    bool hidden;       /* blinking characters are in their dark phase */
};

static u64 row_read(struct vga *v, const struct vga_mode *m, const struct vga_band *b,
                    struct row *row)
{
    struct cursor cur = cursor_now(v);
    u64 h = hash_step(b->n, (u64)b->scan << 32 | b->y);
    bool blinks = false;

    row->columns = MIN(m->w / m->zoom / m->dots + (b->pan ? 1 : 0), (u32)MAX_COLUMNS);
    row->cursor_column = ~0u;
    row->hidden = (m->attr10 & ATTR10_BLINK) && vga_blink_phase(v, 16);
    for (u32 x = 0; x < row->columns; x++) {
        const u8 *p = vga_planes(v, m, b->counter + x);

        row->cell[x] = (u16)(p[0] | p[1] << 8);
        h = hash_step(h, row->cell[x]);
        blinks = blinks || p[1] & 0x80;
        if (((b->counter + x) & 0xffff) == cur.counter && cur.on && !vga_blink_phase(v, 8))
            row->cursor_column = x;
    }
    h = hash_step(h, row->cursor_column);
    if (row->cursor_column != ~0u)
        h = hash_step(h, cur.first << 8 | cur.last);
    return blinks && row->hidden ? hash_step(h, 1) : h;
}

static void row_line(struct vga *v, const struct vga_mode *m, const struct row *row, u32 scan)
{
    struct cursor cur = cursor_now(v);
    const u32 *pal = v->draw.attr_pal;
    u32 *out = v->draw.line;

    for (u32 x = 0; x < row->columns; x++, out += m->dots) {
        u32 ch = row->cell[x] & 0xff, attr = row->cell[x] >> 8;
        u32 fg = pal[attr & 15], bg = pal[attr >> 4];
        u32 bits = v->draw.fonts[attr >> 3 & 1][ch * GLYPH_BYTES + (scan & 31)];
        bool ninth = (m->attr10 & ATTR10_LINE_GRAPHICS) && (ch & 0xe0) == 0xc0;

        if (m->attr10 & ATTR10_BLINK) {
            bg = pal[attr >> 4 & 7];
            if ((attr & 0x80) && row->hidden)
                bits = 0;
        }
        if ((attr & 0x77) == 0x01 && scan == m->underline)
            bits = 0xff, ninth = true;
        if (x == row->cursor_column && scan >= cur.first && scan <= cur.last)
            bits = 0xff, ninth = true;
        cell_line(out, m->dots, bits, ninth, fg, bg);
    }
}

bool vga_text_band(struct vga *v, const struct vga_mode *m, const struct vga_band *b, u32 index,
                   bool full)
{
    struct row row;
    u64 h = row_read(v, m, b, &row);
    u64 *have = &v->draw.text_hash[MIN(index, VGA_MAX_H - 1)];

    if (!full && *have == h)
        return false;
    *have = h;
    for (u32 i = 0; i < b->n; i++) {
        row_line(v, m, &row, b->scan + (i >> m->double_scan));
        vga_line_out(v, m, b->y + i, b->pan);
    }
    return true;
}

bool vga_text_snapshot(void *dev, struct text_screen *out)
{
    struct vga *v = dev;
    struct vga_mode m;
    struct vga_band b = {0};
    struct cursor cur = cursor_now(v);

    vga_mode_get(v, &m);
    if (m.kind != VGA_TEXT)
        return false;
    memset(out, 0, sizeof(*out));
    out->cols = MIN(m.w / m.zoom / m.dots, 160u);
    while (out->rows < 100 && vga_next_band(&m, &b)) {
        for (u32 x = 0; x < out->cols; x++) {
            const u8 *p = vga_planes(v, &m, b.counter + x);

            out->cells[out->rows * out->cols + x] = (u16)(p[0] | p[1] << 8);
            if (((b.counter + x) & 0xffff) == cur.counter && cur.on) {
                out->cursor_on = true;
                out->cursor_x = x;
                out->cursor_y = out->rows;
            }
        }
        out->rows++;
    }
    return true;
}
