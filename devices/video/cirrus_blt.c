/* The blitter: copies with raster operations, 8x8 patterns, colour expansion, transparency, data
 * from and to the processor (GD5446 Technical Reference Manual, 9). Everything it will touch is
 * checked to lie in video memory before the first byte is moved. */
#include "devices/video/cirrus_int.h"

#include <string.h>

enum {
    MODE_BACKWARDS = 0x01,
    MODE_TO_SYSTEM = 0x02,
    MODE_FROM_SYSTEM = 0x04,
    MODE_TRANSPARENT = 0x08,
    MODE_PATTERN = 0x40,
    MODE_EXPAND = 0x80,
    EXT_DWORDS = 0x01,
    EXT_INVERT = 0x02,
    EXT_SOLID = 0x04,
    ROP_SOURCE = 0x0d,
};

/* One blit as the registers describe it. */
struct blt {
    u32 mode, ext, bytes; /* bytes a pixel */
    u32 w, h;             /* w in bytes */
    s32 dpitch, spitch;
    u32 dst, src;
    u32 table;  /* of the raster operation: bit 2 * source + destination */
    u32 fg, bg; /* as pixels */
    u32 key;    /* of transparency */
    u32 skip;   /* bytes at the left that are not drawn */
    u32 bit0;   /* which bit of a row's expanded source the skip leaves first */
};

/* The truth table of a raster operation by its number; unknown ones leave the destination. */
static u32 rop_table(u8 rop)
{
    static const struct {
        u8 rop, table;
    } rops[] = {{0x00, 0x0}, {0x05, 0x8}, {0x06, 0xa}, {0x09, 0x4}, {0x0b, 0x5}, {0x0d, 0xc},
                {0x0e, 0xf}, {0x50, 0x2}, {0x59, 0x6}, {0x6d, 0xe}, {0x90, 0x7}, {0x95, 0x9},
                {0xad, 0xd}, {0xd0, 0x3}, {0xd6, 0xb}, {0xda, 0x1}};

    for (u32 i = 0; i < ARRAY_LEN(rops); i++) {
        if (rops[i].rop == rop)
            return rops[i].table;
    }
    return 0xa;
}

static u32 combine(u32 table, u32 s, u32 d)
{
    return (table & 1 ? ~s & ~d : 0) | (table & 2 ? ~s & d : 0) | (table & 4 ? s & ~d : 0) |
           (table & 8 ? s & d : 0);
}

static u32 gr16(const struct cirrus_regs *x, u32 i)
{
    return x->gr[i] | (u32)x->gr[i + 1] << 8;
}

static struct blt get_blt(const struct vga *v)
{
    const struct cirrus_regs *x = &v->r.x;
    struct blt b = {
        .mode = x->gr[0x30], .ext = x->gr[0x33], .bytes = (x->gr[0x30] >> 4 & 3) + 1u,
        .w = (gr16(x, 0x20) & 0x1fff) + 1, .h = (gr16(x, 0x22) & 0x7ff) + 1,
        .dpitch = (s32)(gr16(x, 0x24) & 0x1fff), .spitch = (s32)(gr16(x, 0x26) & 0x1fff),
        .dst = (gr16(x, 0x28) | (u32)x->gr[0x2a] << 16) & v->vram_mask,
        .src = (gr16(x, 0x2c) | (u32)x->gr[0x2e] << 16) & v->vram_mask,
        .table = rop_table(x->gr[0x32]),
        .bg = x->gr[0x00] | (u32)x->gr[0x10] << 8 | (u32)x->gr[0x12] << 16 | (u32)x->gr[0x14] << 24,
        .fg = x->gr[0x01] | (u32)x->gr[0x11] << 8 | (u32)x->gr[0x13] << 16 | (u32)x->gr[0x15] << 24,
        .key = gr16(x, 0x34),
    };

    if (b.bytes == 1)
        b.key &= 0xff;
    if (b.mode & (MODE_PATTERN | MODE_EXPAND)) {
        if (b.bytes == 3) {
            b.skip = x->gr[0x2f] & 0x1f;
            b.bit0 = b.skip / 3;
        } else {
            b.bit0 = x->gr[0x2f] & 7;
            b.skip = b.bit0 * b.bytes;
        }
        b.skip = MIN(b.skip, b.w);
    }
    if ((b.mode & MODE_BACKWARDS) && !(b.mode & (MODE_PATTERN | MODE_EXPAND | MODE_FROM_SYSTEM))) {
        b.dpitch = -b.dpitch;
        b.spitch = -b.spitch;
    } else {
        b.mode &= ~(u32)MODE_BACKWARDS;
    }
    return b;
}

/* Do `h` rows of `w` bytes, `pitch` apart, lie in video memory? Downwards rows end at `start`. The one
 * place that decides it; nothing here can overflow. */
static bool span_ok(const struct vga *v, u32 start, s64 pitch, u32 w, u32 h, bool backwards)
{
    s64 last = (s64)start + pitch * ((s64)h - 1);
    s64 lo = MIN((s64)start, last) - (backwards ? (s64)w - 1 : 0);
    s64 hi = MAX((s64)start, last) + (backwards ? 0 : (s64)w - 1);

    return lo >= 0 && hi < (s64)v->vram.size;
}

/* ---- pixels ---- */

/* The pixel at `at` becomes what the operation makes of `s` and it. */
static void put(struct vga *v, const struct blt *b, u32 at, u32 s)
{
    u8 *p = v->vram.host + at;
    u32 d = 0, r;

    for (u32 i = 0; i < b->bytes; i++)
        d |= (u32)p[i] << (8 * i);
    r = combine(b->table, s, d);
    if ((b->mode & MODE_TRANSPARENT) && !(b->mode & MODE_EXPAND) && b->bytes <= 2 &&
        (r & (b->bytes == 1 ? 0xff : 0xffff)) == b->key)
        return;
    for (u32 i = 0; i < b->bytes; i++)
        p[i] = (u8)(r >> (8 * i));
}

static u32 pixel_of(const u8 *p, u32 bytes)
{
    u32 s = 0;

    for (u32 i = 0; i < bytes; i++)
        s |= (u32)p[i] << (8 * i);
    return s;
}

/* How many whole pixels are in a row; what is left of a pixel at its end is not drawn. */
static u32 pixels(const struct blt *b)
{
    return b->w / b->bytes;
}

/* A row of expanded bits: ones are the foreground, zeros the background or nothing. */
static void expand_row(struct vga *v, const struct blt *b, u32 at, const u8 *bits, u32 mask)
{
    bool through = b->mode & MODE_TRANSPARENT, inverse = through && (b->ext & EXT_INVERT);
    u32 color = inverse ? b->bg : b->fg;

    for (u32 x = b->skip / b->bytes, bit = b->bit0; x < pixels(b); x++, bit++) {
        u32 i = bit & mask;
        bool one = !!(bits[i >> 3] & (0x80 >> (i & 7))) != inverse;

        if (one)
            put(v, b, at + x * b->bytes, color);
        else if (!through)
            put(v, b, at + x * b->bytes, b->bg);
    }
}

/* A row of an 8x8 pattern of pixels. */
static void pattern_row(struct vga *v, const struct blt *b, u32 at, const u8 *row)
{
    for (u32 x = b->skip / b->bytes; x < pixels(b); x++)
        put(v, b, at + x * b->bytes, pixel_of(row + (x & 7) * b->bytes, b->bytes));
}

/* A row of plain bytes. */
static void copy_row(struct vga *v, const struct blt *b, u32 at, const u8 *from)
{
    u8 *to = v->vram.host + at;

    if (b->mode & MODE_TRANSPARENT) {
        for (u32 x = 0; x < pixels(b); x++)
            put(v, b, at + x * b->bytes, pixel_of(from + x * b->bytes, b->bytes));
        return;
    }
    if (b->table == 0xc && (from + b->w <= to || to + b->w <= from)) {
        memcpy(to, from, b->w);
        return;
    }
    for (u32 x = 0; x < b->w; x++)
        to[x] = (u8)combine(b->table, from[x], to[x]);
}

/* ---- blits within video memory ---- */

static void copy_backwards(struct vga *v, const struct blt *b)
{
    for (u32 y = 0; y < b->h; y++) {
        u32 d = (u32)((s64)b->dst + (s64)y * b->dpitch), s = (u32)((s64)b->src + (s64)y * b->spitch);

        ram_wrote(&v->vram, d + 1 - b->w, b->w);
        if ((b->mode & MODE_TRANSPARENT) && b->bytes <= 2) {
            for (u32 x = 0; x + b->bytes <= b->w; x += b->bytes)
                put(v, b, d + 1 - x - b->bytes,
                    pixel_of(v->vram.host + s + 1 - x - b->bytes, b->bytes));
        } else {
            for (u32 x = 0; x < b->w; x++)
                v->vram.host[d - x] =
                    (u8)combine(b->table, v->vram.host[s - x], v->vram.host[d - x]);
        }
    }
}

static void copy(struct vga *v, const struct blt *b)
{
    bool back = b->mode & MODE_BACKWARDS;

    if (!span_ok(v, b->dst, b->dpitch, b->w, b->h, back) ||
        !span_ok(v, b->src, b->spitch, b->w, b->h, back))
        return;
    if (back) {
        copy_backwards(v, b);
        return;
    }
    for (u32 y = 0; y < b->h; y++) {
        u32 at = b->dst + y * (u32)b->dpitch;

        ram_wrote(&v->vram, at, b->w);
        copy_row(v, b, at, v->vram.host + b->src + y * (u32)b->spitch);
    }
}

/* Bytes from one row of a pattern to the next, and the whole of it. */
static u32 pattern_pitch(const struct blt *b)
{
    return b->mode & MODE_EXPAND ? 1 : b->bytes == 3 ? 32 : 8 * b->bytes;
}

/* `pattern` has eight rows; the first to be drawn is in the lowest bits of the source's address. */
static void fill(struct vga *v, const struct blt *b, const u8 *pattern)
{
    u32 pitch = pattern_pitch(b);

    if (!span_ok(v, b->dst, b->dpitch, b->w, b->h, false))
        return;
    for (u32 y = 0; y < b->h; y++) {
        u32 at = b->dst + y * (u32)b->dpitch;
        const u8 *row = pattern + ((b->src + y) & 7) * pitch;

        ram_wrote(&v->vram, at, b->w);
        if (b->mode & MODE_EXPAND)
            expand_row(v, b, at, row, 7);
        else
            pattern_row(v, b, at, row);
    }
}

static void fill_from_memory(struct vga *v, const struct blt *b)
{
    static const u8 solid[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    u32 size = 8 * pattern_pitch(b), at = b->src & ~(size - 1);
    u8 pattern[256];

    if ((b->mode & MODE_EXPAND) && (b->ext & EXT_SOLID)) {
        fill(v, b, solid);
        return;
    }
    /* a copy: it may lie where it is drawn to */
    if (!span_ok(v, at, size, size, 1, false))
        return;
    memcpy(pattern, v->vram.host + at, size);
    fill(v, b, pattern);
}

/* Rows of bits in memory, each starting at a byte. */
static void expand_from_memory(struct vga *v, const struct blt *b)
{
    u32 n = (pixels(b) + 7) / 8;
    u64 size = (u64)n * b->h;

    if (size > v->vram.size || !span_ok(v, b->src, 0, (u32)size, 1, false) ||
        !span_ok(v, b->dst, b->dpitch, b->w, b->h, false))
        return;
    for (u32 y = 0; y < b->h; y++) {
        u32 at = b->dst + y * (u32)b->dpitch;

        ram_wrote(&v->vram, at, b->w);
        expand_row(v, b, at, v->vram.host + b->src + (u64)y * n, ~0u);
    }
}

/* ---- blits with the processor ---- */

/* Bytes the processor moves for one row (of a pattern: for all of it). */
static u32 system_row(const struct blt *b)
{
    u32 n;

    if (b->mode & MODE_PATTERN)
        return 8 * pattern_pitch(b);
    if (b->mode & MODE_EXPAND) {
        n = pixels(b);
        return b->ext & EXT_DWORDS ? (n + 31) / 32 * 4 : (n + 7) / 8;
    }
    return (b->w + 3) & ~3u;
}

static void done(struct vga *v)
{
    struct cirrus_regs *x = &v->r.x;

    x->blt = BLT_IDLE;
    x->gr[0x31] &= (u8)~GR31_START;
    vga_window_update(v);
}

static void begin_system(struct vga *v, const struct blt *b)
{
    struct cirrus_regs *x = &v->r.x;
    bool give = b->mode & MODE_TO_SYSTEM;

    if (give ? !span_ok(v, b->src, b->spitch, b->w, b->h, false)
             : !span_ok(v, b->dst, b->dpitch, b->w, b->h, false)) {
        done(v);
        return;
    }
    x->blt = give ? BLT_GIVES : BLT_TAKES;
    x->blt_have = x->blt_row = 0;
    vga_window_update(v);
}

/* The registers can be written while a blit waits for its bytes, so that all is looked at anew. */
void cirrus_blt_take(struct vga *v, u8 val)
{
    struct cirrus_regs *x = &v->r.x;
    struct blt b = get_blt(v);
    u32 need = MIN(system_row(&b), (u32)sizeof(x->blt_data)), at;

    x->blt_data[x->blt_have++] = val;
    if (x->blt_have < need)
        return;
    x->blt_have = 0;
    if (b.mode & MODE_PATTERN) {
        fill(v, &b, x->blt_data);
        done(v);
        return;
    }
    at = b.dst + x->blt_row * (u32)b.dpitch;
    if (x->blt_row < b.h && span_ok(v, b.dst, b.dpitch, b.w, b.h, false)) {
        ram_wrote(&v->vram, at, b.w);
        if (b.mode & MODE_EXPAND)
            expand_row(v, &b, at, x->blt_data, ~0u);
        else
            copy_row(v, &b, at, x->blt_data);
    }
    if (++x->blt_row >= b.h)
        done(v);
}

u8 cirrus_blt_give(struct vga *v)
{
    struct cirrus_regs *x = &v->r.x;
    struct blt b = get_blt(v);
    u8 val = 0;

    if (x->blt_have < b.w && x->blt_row < b.h &&
        span_ok(v, b.src, b.spitch, b.w, b.h, false))
        val = v->vram.host[b.src + x->blt_row * (u32)b.spitch + x->blt_have];
    if (++x->blt_have >= ((b.w + 3) & ~3u)) {
        x->blt_have = 0;
        if (++x->blt_row >= b.h)
            done(v);
    }
    return val;
}

/* ---- control ---- */

void cirrus_blt_reset(struct vga *v)
{
    v->r.x.gr[0x31] &= (u8) ~(GR31_START | GR31_RESET);
    v->r.x.blt_have = v->r.x.blt_row = 0;
    done(v);
}

void cirrus_blt_start(struct vga *v)
{
    struct blt b = get_blt(v);

    v->r.x.gr[0x31] |= GR31_START;
    if ((b.mode & (MODE_FROM_SYSTEM | MODE_TO_SYSTEM)) == (MODE_FROM_SYSTEM | MODE_TO_SYSTEM)) {
        log_guest_error(v->dev.env.log, "cirrus", "a blit from the processor to the processor");
        done(v);
        return;
    }
    if (b.mode & (MODE_FROM_SYSTEM | MODE_TO_SYSTEM)) {
        begin_system(v, &b);
        return;
    }
    if (b.mode & MODE_PATTERN)
        fill_from_memory(v, &b);
    else if (b.mode & MODE_EXPAND)
        expand_from_memory(v, &b);
    else
        copy(v, &b);
    done(v);
}
