/* Pictures: the Mandelbrot set in two graphic modes. */
#ifndef ROMS_DEMO_PICTURE_H
#define ROMS_DEMO_PICTURE_H

#include "devices/core/types.h"

/* Draw in 320x200 with 256 colours; returns a checksum of what the display memory holds. The mode
 * stays on. */
u32 picture_vga(void);
/* The checksums of pictures that are right. */
#define PICTURE_VGA_SUM    0x0eae7cf2u
#define PICTURE_LINEAR_SUM 0x452c715eu

/* Draw in 640x480 with 32 bits a pixel; false when the adapter cannot. *sum is a checksum of
 * display memory. */
bool picture_linear(u32 *sum);

#endif
