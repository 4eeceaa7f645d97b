/* The guest's half of a multiboot start: memory map and jump (Multiboot Specification 0.6.96). */
#include "roms/lib/multiboot.h"

void multiboot_fill(struct mb_info *mbi, const struct e820 *map, u32 n)
{
    struct mb_mmap *out = (struct mb_mmap *)mbi->mmap_addr;

    mbi->mem_lower = 0;
    mbi->mem_upper = 0;
    for (u32 i = 0; i < n; i++) {
        u64 base = map[i].base, end = base + map[i].length;

        out[i].size = sizeof(*out) - sizeof(out->size);
        out[i].base = base;
        out[i].length = map[i].length;
        out[i].type = map[i].type;
        if (map[i].type != 1)
            continue;
        if (base == 0)
            mbi->mem_lower = (u32)(end < 0xa0000 ? end : 0xa0000) >> 10;
        /* "Upper" memory is what follows the first megabyte without a gap. */
        if (base <= 0x100000 && end > 0x100000 && end <= 0x100000000ull)
            mbi->mem_upper = (u32)(end - 0x100000) >> 10;
    }
    mbi->mmap_length = n * sizeof(*out);
    mbi->flags |= MBI_MEMORY | MBI_MMAP;
}

void multiboot_enter(u32 entry, struct mb_info *mbi)
{
    __asm__ volatile("cli; jmp *%0" : : "r"(entry), "a"(MULTIBOOT_BOOT_MAGIC), "b"(mbi) : "memory");
    __builtin_unreachable();
}
