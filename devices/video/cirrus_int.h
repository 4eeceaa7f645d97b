/* Inside the Cirrus adapter: names of its register bits and the calls between its parts. The
 * registers are vga_regs.x. */
#ifndef DEVICES_VIDEO_CIRRUS_INT_H
#define DEVICES_VIDEO_CIRRUS_INT_H

#include "devices/video/cirrus.h"
#include "devices/video/vga_int.h"

#define CIRRUS_VRAM (4 * MIB)

/* Sequencer and graphics registers beyond the VGA's (GD5446 Technical Reference Manual, 4 and 6). */
enum {
    SR7_PACKED = 0x01,
    SR7_DEPTH = 0x0e,
    SR7_8 = 0x00,
    SR7_16_DOUBLE = 0x02,
    SR7_24 = 0x04,
    SR7_16 = 0x06,
    SR7_32 = 0x08,
    SR12_CURSOR = 0x01,
    SR12_CURSOR_DAC = 0x02,
    SR12_LARGE = 0x04,
    SR17_MMIO = 0x04,
    SR17_MMIO_LINEAR = 0x40,
    GRB_TWO_BANKS = 0x01,
    GRB_BY_8 = 0x02,
    GRB_WRITE_MODES = 0x04,
    GRB_BY_16 = 0x10,
    GRB_BANK_16K = 0x20,
    GR31_START = 0x02,
    GR31_RESET = 0x04,
    GR31_BUSY = 0x09, /* running, and waiting for or having data */
    GR31_AUTOSTART = 0x80,
};
/* What a blit that needs the processor does: nothing, take its bytes, give it bytes. */
enum { BLT_IDLE, BLT_TAKES, BLT_GIVES };

/* cirrus_regs.c */
bool cirrus_port_read(struct vga *v, u32 port, u8 *val);
bool cirrus_port_write(struct vga *v, u32 port, u8 val);
/* The graphics registers as the blitter's memory-mapped registers have them. */
u8 cirrus_mmio_read(struct vga *v, u32 off);
void cirrus_mmio_write(struct vga *v, u32 off, u8 val);
void cirrus_gr_write(struct vga *v, u32 i, u8 val);

/* cirrus_mem.c: the window at A0000 and the linear frame buffer. */
bool cirrus_window_read(struct vga *v, u64 off, u8 *val);
bool cirrus_window_write(struct vga *v, u64 off, u8 val);
bool cirrus_window_direct(struct vga *v, u64 *ram_off, bool *want);
extern const struct region_ops cirrus_lfb_ops;

/* cirrus_blt.c */
void cirrus_blt_start(struct vga *v);
void cirrus_blt_reset(struct vga *v);
/* A byte from the processor, or to it. */
void cirrus_blt_take(struct vga *v, u8 val);
u8 cirrus_blt_give(struct vga *v);

/* cirrus_draw.c */
bool cirrus_mode(struct vga *v, struct vga_mode *m);
bool cirrus_cursor_rows(struct vga *v, const struct vga_mode *m, u32 *y0, u32 *y1, u64 *looks);
void cirrus_cursor_draw(struct vga *v, const struct vga_mode *m);

#endif
