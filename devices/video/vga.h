/* The VGA with Bochs VBE extensions as a board sees it: class, wiring before start, and the picture
 * it gives. */
#ifndef DEVICES_VIDEO_VGA_H
#define DEVICES_VIDEO_VGA_H

#include "devices/core/dev.h"
#include "devices/core/ports.h"
#include "mmu/ram.h"

struct pci_bus;

#define VGA_VRAM_DEFAULT (16 * MIB)
#define VGA_VRAM_MIN     (1 * MIB)
#define VGA_VRAM_MAX     (256 * MIB)

/* VGA at its fixed ports and window; with a PCI bus also the function
 * 1234:1111 whose BAR0 is the linear frame buffer, BAR2 the registers in memory, and whose ROM BAR
 * holds the video BIOS. */
extern const struct dev_class vga_class;

/* What the board gives between dev_new and dev_start. `pci` NULL: a plain ISA adapter. The ROM's
 * bytes are copied. */
struct vga_wiring {
    struct ram_space *space; /* that the video memory becomes part of; required */
    u64 vram; /* bytes of it, a power of two between the two limits; 0: the default */
    struct pci_bus *pci;
    u8 devfn;
    const u8 *rom; /* video BIOS for the ROM BAR, or NULL */
    size_t rom_len;
};
void vga_wire(struct dev *dev, const struct vga_wiring *wiring);

/* The picture, for a frontend; stays in place as long as the device. */
struct display *vga_display(struct dev *dev);

/* The video memory, for whoever saves the memories of the machine. */
struct ram *vga_ram(struct dev *dev);

#endif
