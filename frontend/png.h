/* Pictures of the screen as PNG and PPM files, and the screen's text as UTF-8. */
#ifndef FRONTEND_PNG_H
#define FRONTEND_PNG_H

#include "devices/core/err.h"
#include "devices/core/ports.h"

#include <stdio.h>

/* Write the picture: with a palette when it has at most 256 colours, else in 8-bit RGB. False when
 * the host cannot (disk full, no memory). */
bool png_write(FILE *f, const struct surface *s);
bool ppm_write(FILE *f, const struct surface *s);

/* Pull a picture from the display and write it to `path`, as PNG or as PPM. */
bool screendump_as(const struct display *display, const char *path, bool png, struct err *err);
/* The same: as PNG when the path ends in .png. */
bool screendump(const struct display *display, const char *path, struct err *err);

/* The Unicode character that a PC's fonts draw for a byte. */
u32 textdump_char(u8 c);
/* The text screen, row by row without blanks at line ends, as UTF-8 into f. False in graphic modes.
 */
bool textdump(const struct display *display, FILE *f);

#endif
