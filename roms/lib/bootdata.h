/* What the emulator hands over for a direct kernel boot: numbered fw_cfg items, copied to where
 * they say they belong. */
#ifndef ROMS_LIB_BOOTDATA_H
#define ROMS_LIB_BOOTDATA_H

#include "devices/core/types.h"

struct bootdata {
    u32 setup; /* address of the kernel's real-mode part; 0: none was given */
    u32 setup_size;
    u32 kernel; /* address of the protected-mode part */
    u32 kernel_size;
    u32 cmdline; /* address of the command line */
    u32 initrd, initrd_size;
    u32 entry; /* multiboot: where to start */
};

/* Copy kernel, initial ramdisk, set-up code and command line. False when no kernel was given. */
bool bootdata_load(struct bootdata *b);

#endif
