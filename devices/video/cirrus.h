/* Cirrus Logic GD5446 on PCI (1013:00b8): a VGA with packed-pixel modes, a linear frame buffer, a
 * hardware cursor and a blitter. Wired and looked at as a VGA (vga.h). */
#ifndef DEVICES_VIDEO_CIRRUS_H
#define DEVICES_VIDEO_CIRRUS_H

#include "devices/video/vga.h"

/* vga_wire, vga_display and vga_ram work on it; its memory is 4 MiB. */
extern const struct dev_class cirrus_class;

#endif
