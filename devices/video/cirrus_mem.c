/* Video memory as the processor sees it in packed-pixel modes: banks at A0000, the linear frame
 * buffer, the extended write modes, the blitter's registers and its data (GD5446 Technical Reference
 * Manual, 6 and 9.4). */
#include "devices/video/cirrus_int.h"

#include "devices/core/bits.h"

enum { WINDOW = 0x10000, HALF = 0x8000, MMIO_AT = 0x18000, MMIO_SIZE = 0x100 };

static bool packed(const struct vga *v)
{
    return v->r.x.sr[7] & SR7_PACKED;
}

/* Addresses count 8 or 16 pixels at a time in some write modes. */
static u32 scaled(const struct vga *v, u32 addr)
{
    u8 b = v->r.x.gr[0x0b];

    if ((b & (GRB_BY_16 | GRB_WRITE_MODES)) == (GRB_BY_16 | GRB_WRITE_MODES))
        addr <<= 4;
    else if (b & GRB_BY_8)
        addr <<= 3;
    return addr & v->vram_mask;
}

static u32 bank_of(const struct vga *v, u32 off)
{
    const struct cirrus_regs *x = &v->r.x;
    u32 shift = x->gr[0x0b] & GRB_BANK_16K ? 14 : 12;

    if (!(x->gr[0x0b] & GRB_TWO_BANKS))
        return ((u32)x->gr[9] << shift) + off;
    return ((u32)x->gr[off < HALF ? 9 : 10] << shift) + (off & (HALF - 1));
}

static bool write_modes(const struct vga *v)
{
    return (v->r.x.gr[0x0b] & GRB_WRITE_MODES) && (v->r.gc[5] & 7) >= 4 && (v->r.gc[5] & 7) <= 5;
}

/* Each bit of the byte is a pixel: in the foreground's colour where it is one, in mode 5 in the
 * background's where it is none. */
static void expand(struct vga *v, u32 addr, u8 val)
{
    const struct cirrus_regs *x = &v->r.x;
    bool wide = (x->gr[0x0b] & (GRB_BY_16 | GRB_WRITE_MODES)) == (GRB_BY_16 | GRB_WRITE_MODES);
    bool back = (v->r.gc[5] & 7) == 5;

    for (u32 i = 0; i < 8; i++) {
        bool one = val & (0x80 >> i);
        u32 at = (addr + (wide ? 2 * i : i)) & v->vram_mask & (wide ? ~1u : ~0u);

        if (!one && !back)
            continue;
        ram_wrote_within(&v->vram, at, wide ? 2 : 1);
        v->vram.host[at] = x->gr[one];
        if (wide)
            v->vram.host[at + 1] = x->gr[0x10 + one];
    }
}

static void put(struct vga *v, u32 addr, u8 val)
{
    addr = scaled(v, addr);
    if (write_modes(v)) {
        expand(v, addr, val);
        return;
    }
    ram_wrote_within(&v->vram, addr, 1);
    v->vram.host[addr] = val;
}

static bool mmio_at_b8000(const struct vga *v, u64 off)
{
    return (v->r.x.sr[0x17] & (SR17_MMIO | SR17_MMIO_LINEAR)) == SR17_MMIO && off >= MMIO_AT &&
           off < MMIO_AT + MMIO_SIZE;
}

bool cirrus_window_read(struct vga *v, u64 off, u8 *val)
{
    if (mmio_at_b8000(v, off)) {
        *val = cirrus_mmio_read(v, (u32)off - MMIO_AT);
        return true;
    }
    if (!packed(v))
        return false;
    *val = 0xff;
    if (off >= WINDOW)
        return true;
    *val = v->r.x.blt == BLT_GIVES ? cirrus_blt_give(v)
                                   : v->vram.host[scaled(v, bank_of(v, (u32)off))];
    return true;
}

bool cirrus_window_write(struct vga *v, u64 off, u8 val)
{
    if (mmio_at_b8000(v, off)) {
        cirrus_mmio_write(v, (u32)off - MMIO_AT, val);
        return true;
    }
    if (!packed(v))
        return false;
    if (off < WINDOW) {
        if (v->r.x.blt == BLT_TAKES)
            cirrus_blt_take(v, val);
        else
            put(v, bank_of(v, (u32)off), val);
    }
    return true;
}

/* Does a byte written become the byte of memory? Then it is mapped as it is. */
static bool plain(const struct vga *v)
{
    u8 b = v->r.x.gr[0x0b];

    return packed(v) && v->r.x.blt == BLT_IDLE && !write_modes(v) && !(b & GRB_BY_8) &&
           (b & (GRB_BY_16 | GRB_WRITE_MODES)) != (GRB_BY_16 | GRB_WRITE_MODES);
}

/* The direct path of the linear frame buffer; without its last page where registers are in it. */
static void map_linear(struct vga *v)
{
    struct bus *mem = v->dev.env.mem;
    const struct region *bar = &v->pci.bar[0].region;
    u64 size = v->vram.size - (v->r.x.sr[0x17] & SR17_MMIO ? PAGE_SIZE : 0);
    bool want = plain(v) && bar->mapped;

    if (v->linear.mapped == want &&
        (!want || (v->linear.base == bar->base && v->linear.size == size)))
        return;
    bus_begin(mem);
    bus_unmap(mem, &v->linear);
    if (want) {
        v->linear.base = bar->base;
        v->linear.size = size;
        bus_map(mem, &v->linear);
    }
    bus_commit(mem);
}

bool cirrus_window_direct(struct vga *v, u64 *ram_off, bool *want)
{
    map_linear(v);
    if (!packed(v)) {
        *ram_off = 0;
        return false;
    }
    *ram_off = bank_of(v, 0);
    *want = plain(v) && !(v->r.x.gr[0x0b] & GRB_TWO_BANKS) && !(*ram_off & PAGE_MASK) &&
            *ram_off + WINDOW <= v->vram.size;
    return true;
}

/* ---- the linear frame buffer: memory in its lower half, the blitter's data in its upper ---- */

enum { LFB_BLT = 0x1000000 };

static bool mmio_linear(const struct vga *v, u64 off)
{
    return (v->r.x.sr[0x17] & (SR17_MMIO | SR17_MMIO_LINEAR)) == (SR17_MMIO | SR17_MMIO_LINEAR) &&
           (off & v->vram_mask) >= v->vram.size - MMIO_SIZE;
}

static u64 lfb_read(void *dev, u64 off, unsigned size)
{
    struct vga *v = dev;

    if (v->r.x.blt == BLT_GIVES)
        return cirrus_blt_give(v);
    if (mmio_linear(v, off))
        return cirrus_mmio_read(v, (u32)off & (MMIO_SIZE - 1));
    if (off >= LFB_BLT)
        return 0xff;
    return v->vram.host[scaled(v, (u32)off & v->vram_mask)];
}

static void lfb_write(void *dev, u64 off, u64 val, unsigned size)
{
    struct vga *v = dev;

    if (mmio_linear(v, off) && off < LFB_BLT)
        cirrus_mmio_write(v, (u32)off & (MMIO_SIZE - 1), (u8)val);
    else if (v->r.x.blt == BLT_TAKES)
        cirrus_blt_take(v, (u8)val);
    else if (off < LFB_BLT)
        put(v, (u32)off & v->vram_mask, (u8)val);
}

const struct region_ops cirrus_lfb_ops = {lfb_read, lfb_write, 1, 1};
