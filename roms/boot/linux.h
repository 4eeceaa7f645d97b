/* Starts a Linux kernel without a BIOS. */
#ifndef ROMS_BOOT_LINUX_H
#define ROMS_BOOT_LINUX_H

#include "roms/boot/memmap.h"
#include "roms/lib/bootdata.h"

/* Enter the kernel by the 32-bit boot protocol. Returns a sentence when it is too old for that. */
const char *linux_start(const struct bootdata *b, const struct memmap *m, u32 rsdp);

#endif
