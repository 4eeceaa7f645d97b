/* The firmware configuration device: items and files that the board gives and firmware reads
 * through two port sets. */
#ifndef DEVICES_BUS_FWCFG_H
#define DEVICES_BUS_FWCFG_H

#include "devices/core/dev.h"
#include "mmu/bus.h"

extern const struct dev_class fwcfg_class;

/* Keys of the items that are not files (QEMU's docs/specs/fw_cfg interface). */
enum {
    FWCFG_SIGNATURE = 0x00,
    FWCFG_ID = 0x01,
    FWCFG_UUID = 0x02,
    FWCFG_RAM_SIZE = 0x03,
    FWCFG_NOGRAPHIC = 0x04,
    FWCFG_NB_CPUS = 0x05,
    FWCFG_KERNEL_ADDR = 0x07,
    FWCFG_KERNEL_SIZE = 0x08,
    FWCFG_INITRD_ADDR = 0x0a,
    FWCFG_INITRD_SIZE = 0x0b,
    FWCFG_NUMA = 0x0d,
    FWCFG_BOOT_MENU = 0x0e,
    FWCFG_MAX_CPUS = 0x0f,
    FWCFG_KERNEL_ENTRY = 0x10,
    FWCFG_KERNEL_DATA = 0x11,
    FWCFG_INITRD_DATA = 0x12,
    FWCFG_CMDLINE_ADDR = 0x13,
    FWCFG_CMDLINE_SIZE = 0x14,
    FWCFG_CMDLINE_DATA = 0x15,
    FWCFG_SETUP_ADDR = 0x16,
    FWCFG_SETUP_SIZE = 0x17,
    FWCFG_SETUP_DATA = 0x18,
    FWCFG_FILE_DIR = 0x19,
    FWCFG_FIRST_FILE = 0x20,
    FWCFG_LOCAL = 0x8000,
    FWCFG_ACPI_TABLES = 0x8000,
    FWCFG_IRQ0_OVERRIDE = 0x8002,
};
enum { FWCFG_MAX_FILES = 64, FWCFG_NAME_LEN = 56 };

/* Is there an item `key` (other than those of files)? */
bool fwcfg_valid(u16 key);
/* Give item `key` its bytes, replacing what it had. `copy`: the device keeps its own copy, else the
 * bytes must stay. */
void fwcfg_set(struct dev *dev, u16 key, const void *data, size_t len, bool copy);
/* The same for a little-endian number of `size` bytes. */
void fwcfg_set_num(struct dev *dev, u16 key, u64 v, unsigned size);
/* Add a file, or replace the bytes of the one that has the name. False when the table is full or
 * the name too long. */
bool fwcfg_file(struct dev *dev, const char *name, const void *data, size_t len, bool copy);

#endif
