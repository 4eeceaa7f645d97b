/* A small font drawn on a grid of 5 by 8 and grown to the 8 by 16 cells of VGA text: less data,
 * still readable. */
#include "roms/lib/font.h"

#include "devices/core/glyphs.h"

void font_glyph(u8 c, u8 rows[16])
{
    for (int y = 0; y < 16; y++) {
        u8 r;

        if (c == 0) {
            rows[y] = 0;
        } else if (c < 32 || c > 126) {
            rows[y] = 0xff;
        } else {
            /* Each row is used twice, and each stroke is two pixels wide so that it is as heavy
             * across as it is down. */
            r = (u8)(glyphs_5x8[c - 32][y / 2] << 2);
            rows[y] = (u8)(r | r >> 1);
        }
    }
}
