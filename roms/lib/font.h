/* The ROMs' own character shapes for ASCII 32..126. */
#ifndef ROMS_LIB_FONT_H
#define ROMS_LIB_FONT_H

#include "devices/core/types.h"

/* Fill `rows` with the 16 scan lines of character `c` (leftmost pixel in bit 7). Unknown codes give
 * a block. */
void font_glyph(u8 c, u8 rows[16]);

#endif
