/* Installs the ACPI tables that the emulator has prepared. */
#ifndef ROMS_BOOT_ACPI_H
#define ROMS_BOOT_ACPI_H

#include "roms/boot/memmap.h"

/* Follow the emulator's list of commands. Returns the address of the root pointer (RSDP); 0 when
 * there are no tables. */
u32 acpi_install(struct memmap *m);

#endif
