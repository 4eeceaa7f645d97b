/* A VGA programmed by its registers alone: text, 320x200 in 256 colours, and the Bochs extension's
 * linear modes. */
#ifndef ROMS_LIB_VGA_H
#define ROMS_LIB_VGA_H

#include "devices/core/types.h"

enum { VGA_COLS = 80, VGA_ROWS = 25 };

/* 80x25 text (mode 3) with our own font and the 16 usual colours; clears the screen. */
void vga_text_mode(void);
/* 320x200, one byte a pixel at 0xA0000 (mode 13h), with a palette of smooth colours; clears the
 * screen. */
void vga_mode13(void);
/* A linear mode of 32 bits a pixel; returns the frame buffer, or NULL when the adapter has no such
 * extension. */
volatile u32 *vga_linear_mode(u16 width, u16 height);
/* Back to the plain VGA after vga_linear_mode; follow with one of the modes above. */
void vga_linear_off(void);

/* Write to the text screen at the cursor with attribute `attr`; scrolls; '\n' and '\b' work. */
void vga_putc(char c, u8 attr);
/* Show a string at a place without moving the cursor. */
void vga_at(int row, int col, const char *s, u8 attr);

#endif
