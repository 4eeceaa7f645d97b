/* The two multiboot structures that a loader fills in (Multiboot Specification 0.6.96,
 * section 3.3). */
#ifndef ROMS_LIB_MULTIBOOT_H
#define ROMS_LIB_MULTIBOOT_H

#include "devices/core/types.h"

enum {
    MULTIBOOT_BOOT_MAGIC = 0x2badb002,
    MBI_MEMORY = 1u << 0,
    MBI_MMAP = 1u << 6,
};

struct mb_info {
    u32 flags;
    u32 mem_lower, mem_upper; /* KiB */
    u32 boot_device;
    u32 cmdline;
    u32 mods_count, mods_addr;
    u32 syms[4];
    u32 mmap_length, mmap_addr;
};

/* An entry of the memory map: the size field does not count itself. */
struct mb_mmap {
    u32 size;
    u64 base, length;
    u32 type;
} __attribute__((packed));

/* An entry as int 0x15 function 0xe820 and the file etc/e820 give it. */
struct e820 {
    u64 base, length;
    u32 type;
} __attribute__((packed));

/* Write the memory map into the information structure the host prepared, at the place it left for
 * it. */
void multiboot_fill(struct mb_info *mbi, const struct e820 *map, u32 n);

/* Enter the kernel as the specification says: flat segments, EAX the magic number, EBX the
 * information structure. */
__attribute__((noreturn)) void multiboot_enter(u32 entry, struct mb_info *mbi);

#endif
