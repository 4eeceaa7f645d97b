/* The firmware configuration device: what the emulator tells the guest before any disk is read
 * (ports 0x510..0x514). */
#ifndef ROMS_LIB_FWCFG_H
#define ROMS_LIB_FWCFG_H

#include "devices/core/types.h"

/* Numbered items. Sizes and addresses are little-endian u32, the *_DATA items are plain bytes. */
enum fw_key {
    FW_SIGNATURE = 0x00,
    FW_ID = 0x01,
    FW_RAM_SIZE = 0x03,
    FW_KERNEL_ADDR = 0x07,
    FW_KERNEL_SIZE = 0x08,
    FW_INITRD_ADDR = 0x0a,
    FW_INITRD_SIZE = 0x0b,
    FW_KERNEL_ENTRY = 0x10,
    FW_KERNEL_DATA = 0x11,
    FW_INITRD_DATA = 0x12,
    FW_CMDLINE_ADDR = 0x13,
    FW_CMDLINE_SIZE = 0x14,
    FW_CMDLINE_DATA = 0x15,
    FW_SETUP_ADDR = 0x16,
    FW_SETUP_SIZE = 0x17,
    FW_SETUP_DATA = 0x18,
    FW_FILE_DIR = 0x19,
};

struct fw_file {
    u32 size;
    u16 key;
};

/* Is the device there? */
bool fw_present(void);

/* Read the first `n` bytes of item `key`, by DMA where the device can do that. */
void fw_read(u16 key, void *dst, u32 n);

/* A numbered item as a little-endian u32; 0 when it does not exist. */
u32 fw_u32(u16 key);

/* Find a named file. False when there is none of that name. */
bool fw_find(const char *name, struct fw_file *f);

#endif
