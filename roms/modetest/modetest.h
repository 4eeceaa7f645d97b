/* What the parts of the mode test share: BIOS calls, memory at linear addresses, registers, and the
 * hand-shake with whoever takes the pictures. */
#ifndef ROMS_MODETEST_MODETEST_H
#define ROMS_MODETEST_MODETEST_H

#include "roms/dos/lib/int.h"
#include "roms/lib/io.h"

/* INT 10h with these registers; returns AX. */
u16 video(u16 ax, u16 bx, u16 cx, u16 dx);
/* INT 10h function 4Fxx with ES:DI at `buf` (or NULL); returns AX. */
u16 vbe_call(u16 ax, u16 bx, u16 cx, u16 dx, void *buf);

/* Give FS a limit of 4 GiB: before memory is reached at linear addresses, since BIOS calls may undo it. */
void big_fs(void);
static inline void put8(u32 addr, u32 v)
{
    poke8(0, addr, (u8)v);
}
static inline u8 get8(u32 addr)
{
    return peek8(0, addr);
}

/* Indexed registers. */
void seq(u32 i, u32 v);
void gc(u32 i, u32 v);
void crtc(u32 i, u32 v);
u8 crtc_get(u32 i);
void attr(u32 i, u32 v);
u8 attr_get(u32 i);
void dac(u32 i, u32 r, u32 g, u32 b);

/* A picture is complete: its name goes out at port E9, then a key is waited for. */
void shown(const char *name);

/* text.c, cga.c, planar.c, packed.c, vbe.c, cirrus.c: all pictures of a kind of modes. */
void test_text(void);
void test_cga(void);
void test_planar(void);
void test_packed(void);
void test_vbe(void);
void test_cirrus(void);
/* Set the VBE mode of that size and depth with its linear frame buffer; false: there is none. */
bool vbe_linear(u32 w, u32 h, u32 bpp, u32 *lfb, u32 *pitch);

/* The picture of graphics modes: a frame, diagonals, bars and a checked field, as a colour number
 * below `colors` of each point. */
u32 picture(u32 x, u32 y, u32 w, u32 h, u32 colors);

#endif
