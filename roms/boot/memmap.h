/* The memory map the boot ROM hands to a kernel. */
#ifndef ROMS_BOOT_MEMMAP_H
#define ROMS_BOOT_MEMMAP_H

#include "roms/lib/multiboot.h"

enum { MEMMAP_MAX = 32 };

struct memmap {
    struct e820 e[MEMMAP_MAX];
    u32 n;
    u32 low_end; /* RAM below 4 GiB ends here */
    u32 tables;  /* firmware tables grow down from low_end to here */
};

/* Read the RAM layout from the emulator. */
void memmap_init(struct memmap *m);
/* Take `size` bytes from the top of low RAM for a table that the kernel must keep. */
void *memmap_take(struct memmap *m, u32 size, u32 align);
/* Build the list of ranges; call it after the last memmap_take. */
void memmap_finish(struct memmap *m);

#endif
