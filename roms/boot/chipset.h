/* The little that must be set up before a kernel or the demo can run on an i440FX/PIIX3 machine. */
#ifndef ROMS_BOOT_CHIPSET_H
#define ROMS_BOOT_CHIPSET_H

#include "devices/core/types.h"

/* Address line 20, interrupt controllers (all masked, vectors 8 and 0x70 as a BIOS leaves them),
 * timer at 18.2 Hz. */
void chipset_init(void);
/* Addresses for every PCI function on bus 0, interrupt routing, power management ports. */
void pci_init(void);

#endif
