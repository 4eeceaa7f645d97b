/* What the boot option ROMs share: the C entry called by loader16.S and the way to give up. */
#ifndef ROMS_LIB_LOADER_H
#define ROMS_LIB_LOADER_H

#include "roms/lib/multiboot.h"

/* Load a kernel. `map` holds the firmware's `n` memory map entries. Returns the real-mode segment
 * of the kernel's set-up code and stores the initial stack pointer in *stack; a kernel that starts
 * in protected mode is entered from inside. */
u32 loader_main(const struct e820 *map, u32 n, u16 *stack);

/* Say on the serial port why nothing starts, and stop. */
__attribute__((noreturn)) void loader_fail(const char *why);

#endif
