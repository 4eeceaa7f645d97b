/* PCI configuration space by mechanism 1, on bus 0. */
#ifndef ROMS_LIB_PCI_H
#define ROMS_LIB_PCI_H

#include "devices/core/types.h"

/* A device is named by its configuration address: function in bits 10..8, slot in bits 15..11. */
u32 pci_read32(u32 dev, u8 reg);
void pci_write32(u32 dev, u8 reg, u32 v);
u16 pci_read16(u32 dev, u8 reg);
void pci_write16(u32 dev, u8 reg, u16 v);
void pci_write8(u32 dev, u8 reg, u8 v);

/* The n-th function on bus 0 (n counts slots*8+functions) exists? Then *dev names it. */
bool pci_at(u32 n, u32 *dev);
/* First function of that class and subclass, or of that vendor and device. */
bool pci_find_class(u16 class_code, u32 *dev);
bool pci_find_id(u16 vendor, u16 device, u32 *dev);
/* The memory address in base address register `bar`; 0 when it is not a memory register or holds
 * none. */
u32 pci_bar(u32 dev, unsigned bar);

#endif
