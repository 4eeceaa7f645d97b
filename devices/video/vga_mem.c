/* The window at A0000-BFFFF: planes, latches, and all read and write modes (IBM VGA Technical
 * Reference, graphics controller and sequencer). Video memory holds the four planes' bytes of an
 * address side by side, byte 4*a+p. */
#include "devices/video/vga_int.h"

#include "devices/core/bits.h"

/* Chain-4 and odd/even addresses are stored compressed: the CPU's address divided by 4 or 2 gives
 * the plane offset, and drawing uses the address counter unshifted to match. A chain-4 window is
 * thereby a plain stretch of video memory. */

static const u32 plane_bytes[16] = {
    0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000, 0x00ff00ff, 0x00ffff00, 0x00ffffff,
    0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff, 0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff,
};

static const struct {
    u32 base, size;
} windows[4] = {{0x00000, 0x20000}, {0x00000, 0x10000}, {0x10000, 0x08000}, {0x18000, 0x08000}};

/* The CPU's offset from A0000 to an address in video memory before plane selection; false outside
 * of the window. */
static bool window_addr(const struct vga *v, u64 off, u32 *addr)
{
    u32 w = v->r.gc[6] >> 2 & 3;

    if (!(v->r.misc & MISC_RAM) || off < windows[w].base ||
        off >= windows[w].base + windows[w].size)
        return false;
    *addr = (u32)off - windows[w].base;
    if (vbe_on(v))
        *addr += (u32)v->r.vbe[VBE_BANK] << 16;
    return true;
}

static u32 byte_repeat(u32 b)
{
    return b * 0x01010101u;
}

/* Byte index of the 4-byte group an address is in, and the planes that the address selects by
 * itself. */
static u32 group_of(const struct vga *v, u32 addr, bool odd_even, u32 *planes)
{
    if (v->r.seq[4] & SEQ4_CHAIN4) {
        *planes = 1u << (addr & 3);
        return addr & ~3u & v->vram_mask;
    }
    if (odd_even) {
        *planes = 5u << (addr & 1);
        return (addr & ~1u) << 1 & v->vram_mask;
    }
    *planes = 15;
    return addr << 2 & v->vram_mask;
}

static u8 color_compare(const struct vga *v, u32 latch)
{
    u32 care = plane_bytes[v->r.gc[7] & 15];
    u32 diff = (latch ^ plane_bytes[v->r.gc[2] & 15]) & care;

    diff |= diff >> 16;
    diff |= diff >> 8;
    return (u8)~diff;
}

static u8 read_byte(struct vga *v, u64 off)
{
    u32 addr, planes, group, plane;
    bool odd_even = v->r.gc[5] & GC5_ODD_EVEN;

    if (!window_addr(v, off, &addr))
        return 0xff;
    group = group_of(v, addr, odd_even, &planes);
    for (u32 i = 0; i < 4; i++)
        v->r.latch[i] = v->vram.host[group + i];
    if (v->r.gc[5] & GC5_READ_MODE)
        return color_compare(v, ld32(v->r.latch));
    plane = v->r.gc[4] & 3;
    if (v->r.seq[4] & SEQ4_CHAIN4)
        plane = addr & 3;
    else if (odd_even)
        plane = (plane & 2) | (addr & 1);
    return v->r.latch[plane];
}

/* What the four planes become where the map mask lets them. */
static u32 write_logic(const struct vga *v, u32 val)
{
    const u8 *gc = v->r.gc;
    u32 latch = ld32(v->r.latch);
    u32 rot = gc[3] & 7;
    u32 turned = (val >> rot | val << (8 - rot)) & 0xff;
    u32 bit_mask = gc[8];
    u32 x;

    switch (gc[5] & 3) {
    case 0:
        x = byte_repeat(turned);
        x = (x & ~plane_bytes[gc[1] & 15]) | (plane_bytes[gc[0] & 15] & plane_bytes[gc[1] & 15]);
        break;
    case 1: return latch;
    case 2: x = plane_bytes[val & 15]; break;
    default:
        x = plane_bytes[gc[0] & 15];
        bit_mask &= turned;
        break;
    }
    switch (gc[3] >> 3 & 3) {
    case 1: x &= latch; break;
    case 2: x |= latch; break;
    case 3: x ^= latch; break;
    }
    bit_mask = byte_repeat(bit_mask);
    return (x & bit_mask) | (latch & ~bit_mask);
}

/* Are bytes stored as the CPU writes them, on the planes that the map mask lets through? */
static bool logic_is_plain(const struct vga_regs *r)
{
    return !(r->gc[1] | r->gc[3] | (r->gc[5] & 3)) && r->gc[8] == 0xff;
}

/* The planes of a group become those of `now` that are not in `keep`. */
static void put_group(struct vga *v, u32 group, u32 now, u32 keep)
{
    u32 old = ld32(v->vram.host + group);

    now = (now & ~keep) | (old & keep);
    if (now == old)
        return;
    ram_wrote_within(&v->vram, group, 4);
    st32(v->vram.host + group, now);
}

static void write_byte(struct vga *v, u64 off, u32 val)
{
    u32 addr, planes, group;

    if (!window_addr(v, off, &addr))
        return;
    group = group_of(v, addr, !(v->r.seq[4] & SEQ4_NO_ODD_EVEN), &planes);
    put_group(v, group, logic_is_plain(&v->r) ? byte_repeat(val) : write_logic(v, val),
              ~plane_bytes[planes & v->r.seq[2] & 15]);
}

/* A character and its attribute, as programs write text: the two bytes of one group. */
static bool write_cell(struct vga *v, u64 off, u32 val)
{
    u32 addr, planes, group;

    if ((off & 1) || (v->r.seq[4] & (SEQ4_CHAIN4 | SEQ4_NO_ODD_EVEN)) || !logic_is_plain(&v->r) ||
        !window_addr(v, off, &addr))
        return false;
    group = group_of(v, addr, true, &planes);
    put_group(v, group, (val & 0xffff) * 0x00010001u, ~plane_bytes[v->r.seq[2] & 15]);
    return true;
}

static u64 window_read(void *dev, u64 off, unsigned size)
{
    const struct vga *v = dev;
    u64 val = 0;

    for (unsigned i = 0; i < size; i++) {
        u8 b;

        if (!v->ext || !v->ext->window_read(dev, off + i, &b))
            b = read_byte(dev, off + i);
        val |= (u64)b << (8 * i);
    }
    return val;
}

static void window_write(void *dev, u64 off, u64 val, unsigned size)
{
    const struct vga *v = dev;

    if (!v->ext && size == 2 && write_cell(dev, off, (u32)val))
        return;
    for (unsigned i = 0; i < size; i++) {
        u8 b = (u8)(val >> (8 * i));

        if (!v->ext || !v->ext->window_write(dev, off + i, b))
            write_byte(dev, off + i, b);
    }
}

const struct region_ops vga_window_ops = {window_read, window_write, 1, 8};

/* In chain-4 with every modifier neutral a byte written is the byte stored: memory can be mapped
 * there as it is. Reads then leave the latches alone, which only a program that reads in chain-4
 * and writes latches unchained could see. */
static bool window_is_plain(const struct vga *v)
{
    const struct vga_regs *r = &v->r;

    return (r->seq[4] & SEQ4_CHAIN4) && r->seq[2] == 15 && (r->misc & MISC_RAM) && !r->gc[1] &&
           !r->gc[3] && !(r->gc[5] & (3 | GC5_READ_MODE)) && r->gc[8] == 0xff;
}

void vga_window_update(struct vga *v)
{
    struct bus *mem = v->dev.env.mem;
    u32 w = v->r.gc[6] >> 2 & 3;
    u64 base = 0xa0000 + windows[w].base, size = windows[w].size;
    u64 off = vbe_on(v) ? (u64)v->r.vbe[VBE_BANK] << 16 : 0;
    bool want = window_is_plain(v) && off + size <= v->vram.size;

    if (v->ext && v->ext->window_direct(v, &off, &want)) {
        base = 0xa0000;
        size = 0x10000;
    }
    if (v->direct.mapped == want &&
        (!want || (v->direct.base == base && v->direct.size == size && v->direct.ram_off == off)))
        return;
    bus_begin(mem);
    bus_unmap(mem, &v->direct);
    if (want) {
        v->direct.base = base;
        v->direct.size = size;
        v->direct.ram_off = off;
        bus_map(mem, &v->direct);
    }
    bus_commit(mem);
}
