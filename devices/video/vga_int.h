/* Inside the VGA: its saved registers, what drawing remembers, and the calls between the parts of
 * the device. */
#ifndef DEVICES_VIDEO_VGA_INT_H
#define DEVICES_VIDEO_VGA_INT_H

#include "devices/video/vga.h"

#include "devices/bus/pci.h"
#include "mmu/bus.h"

#define VGA_MAX_W                                                                                  \
    2560u /* what VBE answers as its largest mode; the register file cannot name a larger one */
#define VGA_MAX_H     2048u
#define VGA_LINE_ROOM (VGA_MAX_W + 64)

/* Bits named in IBM's VGA registers. */
enum {
    MISC_COLOR = 0x01,
    MISC_RAM = 0x02,
    SEQ1_8DOTS = 0x01,
    SEQ1_HALF_CLOCK = 0x08,
    SEQ1_OFF = 0x20,
    SEQ4_NO_ODD_EVEN = 0x04,
    SEQ4_CHAIN4 = 0x08,
    GC5_READ_MODE = 0x08,
    GC5_ODD_EVEN = 0x10,
    GC5_INTERLEAVE = 0x20,
    GC5_256 = 0x40,
    GC6_GRAPHICS = 0x01,
    ATTR10_LINE_GRAPHICS = 0x04,
    ATTR10_BLINK = 0x08,
    ATTR10_PAN_TOP_ONLY = 0x20,
    ATTR10_P54 = 0x80,
    ATTR_ON = 0x20, /* in the index: the screen shows memory, the palette is closed to the CPU */
};

/* Bochs dispi registers and the bits of ENABLE. */
enum {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_MEMORY_64K,
    VBE_NREGS,
    VBE_ON = 0x01,
    VBE_GETCAPS = 0x02,
    VBE_8BIT_DAC = 0x20,
    VBE_LFB = 0x40,
    VBE_NOCLEAR = 0x80,
};

/* The registers a Cirrus adapter has beyond the VGA's; zero in others. */
struct cirrus_regs {
    u32 blt;      /* what a blit wants of the processor: 0 nothing, 1 its bytes, 2 to give it bytes */
    u32 blt_have; /* bytes of the row that is moved */
    u32 blt_row;
    u16 cursor_x, cursor_y;
    u8 sr[32], gr[64];
    u8 hidden, hidden_reads; /* the DAC's mode, behind the mask register */
    u8 cursor_dac[48];
    u8 pad[2];
    u8 blt_data[8192];
};

struct vga_regs {
    u16 vbe[VBE_NREGS];
    u16 vbe_index;
    u8 vbe_low; /* low byte of a data word written in halves */
    u8 misc, feature;
    u8 attr_index, attr_data_next, attr[21];
    u8 seq_index, seq[8];
    u8 crtc_index, crtc[32];
    u8 gc_index, gc[16];
    u8 dac_reading, dac_index, dac_sub, dac_pending[3], pel_mask, dac[768];
    u8 latch[4];
    u8 cfg[PCI_CFG_SIZE];
    u8 pad[4];
    struct cirrus_regs x;
};

enum vga_kind { VGA_BLANK, VGA_TEXT, VGA_CGA, VGA_PLANAR, VGA_256, VGA_LINEAR };

/* Everything but memory that the picture depends on: when it differs from last time, all of it is
 * drawn again. */
struct vga_mode {
    u32 kind, w, h;
    u32 start;        /* address counter of the first row (LINEAR: byte offset) */
    u32 pitch;        /* counter steps from row to row (LINEAR: bytes) */
    u32 bpp;          /* LINEAR */
    u32 mask;         /* for byte indexes into video memory */
    u32 line_compare; /* last scan line of the upper part */
    u32 max_scan, double_scan, preset_scan;
    u32 dots, zoom; /* dots per character; host pixels per dot */
    u32 pan, pan_split;
    u32 cga_bit13, cga_bit14; /* counter bits replaced by row-scan bits 0 and 1; 32: none */
    u32 attr10, underline, font[2], plane_mask;
    u32 flip;  /* what the blinking of graphics modes turns over in a pixel now */
    u32 blank; /* BLANK: palette entry that the screen shows, ~0u: black */
};

/* Scan lines [y, y + n) that show one row of memory. */
struct vga_band {
    u32 y, n, scan, counter, pan;
};

struct vga_draw {
    struct surface surf;
    u32 room; /* pixels allocated */
    struct vga_mode mode;
    u32 pal[256], attr_pal[16];
    u8 fonts[2][256 * 32];
    u64 text_hash[VGA_MAX_H];
    u8 *page_dirty; /* one per page of video memory */
    u32 line[VGA_LINE_ROOM];
    u32 cursor_y0, cursor_y1; /* rows that a cursor of the adapter's own is on */
    u64 cursor_looks;         /* and what it looks like there */
    bool drawn;
};

struct vga;

/* What an adapter that is more than a VGA puts before the VGA's own ways. */
struct vga_ext {
    /* true: done; false: as the VGA does it */
    bool (*port_read)(struct vga *v, u32 port, u8 *val);
    bool (*port_write)(struct vga *v, u32 port, u8 val);
    bool (*window_read)(struct vga *v, u64 off, u8 *val);
    bool (*window_write)(struct vga *v, u64 off, u8 val);
    /* true: a mode of its own, *want: the window is memory from *ram_off on */
    bool (*window_direct)(struct vga *v, u64 *ram_off, bool *want);
    bool (*mode)(struct vga *v, struct vga_mode *m);
    /* a cursor over the picture: its rows, and a number that changes with its looks */
    bool (*cursor_rows)(struct vga *v, const struct vga_mode *m, u32 *y0, u32 *y1, u64 *looks);
    void (*cursor_draw)(struct vga *v, const struct vga_mode *m);
};

struct vga {
    struct dev dev;
    struct vga_regs r;
    struct vga_wiring wiring;
    struct ram vram, rom;
    u32 vram_mask; /* its size is a power of two */
    struct pci_func pci;
    struct region ports_mono, ports, ports_vbe, window, direct;
    struct region linear;      /* the direct path of another frame buffer */
    const struct vga_ext *ext; /* NULL: a plain VGA */
    struct display display;
    struct vga_draw draw;
};

/* vga.c: what every adapter begins and ends with, and the rows of vga_regs. */
extern const struct field vga_fields[];
bool vga_init_common(struct vga *v, struct err *err);
void vga_free_common(struct vga *v);

/* vga_regs.c: the register file. `port` is 0x3b0..0x3df. */
u8 vga_port_read(struct vga *v, u32 port);
void vga_port_write(struct vga *v, u32 port, u8 val);
extern const struct region_ops vga_port_ops, vga_mono_ops;

/* vga_mem.c: the window at A0000. */
extern const struct region_ops vga_window_ops;
/* The registers that decide how the window works changed: map or unmap the direct path. */
void vga_window_update(struct vga *v);

/* vbe.c: dispi registers by index. */
u16 vbe_read(struct vga *v, u32 index);
void vbe_write(struct vga *v, u32 index, u16 val);
static inline bool vbe_on(const struct vga *v)
{
    return v->r.vbe[VBE_ENABLE] & VBE_ON;
}
/* Bytes from one row to the next, and the byte offset of the first pixel. */
u32 vbe_pitch(const struct vga *v);
u32 vbe_start(const struct vga *v);
extern const struct region_ops vbe_port_ops;

/* vga_pci.c: the PCI function; calls for a plain ISA adapter do nothing. */
bool vga_pci_init(struct vga *v, struct err *err);
void vga_pci_free(struct vga *v);
/* The expansion ROM's BAR, when there is a ROM. */
bool vga_pci_rom(struct vga *v, struct err *err);

/* vga_draw.c */
const struct surface *vga_update(void *dev, bool full);
void vga_mode_get(struct vga *v, struct vga_mode *m);
void vga_draw_free(struct vga_draw *d);
/* The next band after `b` (b->n == 0: the first); false at the bottom of the picture. */
bool vga_next_band(const struct vga_mode *m, struct vga_band *b);
/* `n` pixels of the depth as 00RRGGBB. */
void vga_convert(u32 *out, const u8 *in, u32 n, u32 bpp, const u32 *pal);
/* vga_text.c */
/* Blinking counts frames: is it in its second half, with `frames` in each? */
bool vga_blink_phase(struct vga *v, u32 frames);
bool vga_text_snapshot(void *dev, struct text_screen *out);
void vga_text_fonts(struct vga *v, const struct vga_mode *m, bool *changed);
/* Draw one row of characters when it differs from what is shown; true when it did. `index` is the
 * row's place. */
bool vga_text_band(struct vga *v, const struct vga_mode *m, const struct vga_band *b, u32 index,
                   bool full);
/* Copy m->w host pixels of the drawn line, from dot `pan`, to row y of the surface. */
void vga_line_out(struct vga *v, const struct vga_mode *m, u32 y, u32 pan);

/* The four planes' bytes at an address counter value. */
static inline const u8 *vga_planes(const struct vga *v, const struct vga_mode *m, u32 counter)
{
    return v->vram.host + ((counter << 2) & m->mask & ~3u);
}

#endif
