/* The 32-bit boot protocol of Linux (Documentation/x86/boot.rst and zero-page.rst of the kernel).
 */
#include "roms/boot/linux.h"
#include "roms/lib/mem.h"

enum {
    ZERO_PAGE = 0x90000,

    /* Offsets in the zero page, and the same in the kernel's first sectors. */
    ZP_CURSOR_X = 0x00,
    ZP_CURSOR_Y = 0x01,
    ZP_VIDEO_MODE = 0x06,
    ZP_VIDEO_COLS = 0x07,
    ZP_VIDEO_LINES = 0x0e,
    ZP_VIDEO_IS_VGA = 0x0f,
    ZP_VIDEO_POINTS = 0x10,
    ZP_ACPI_RSDP = 0x70,
    ZP_ALT_MEM_K = 0x1e0,
    ZP_E820_ENTRIES = 0x1e8,
    ZP_HEADER = 0x1f1,
    HDR_JUMP_OFFSET = 0x201,
    HDR_END_BASE = 0x202,
    HDR_MAGIC = 0x202,
    HDR_VERSION = 0x206,
    HDR_CODE32_START = 0x214,
    ZP_E820_TABLE = 0x2d0,
};

/* The kernel expects its code at selector 0x10 and its data at 0x18. */
static const u64 linux_gdt[4] = {0, 0, 0x00cf9b000000ffffull, 0x00cf93000000ffffull};

struct gdtr {
    u16 limit;
    u32 base;
} __attribute__((packed));

__attribute__((noreturn)) static void enter(u32 start)
{
    struct gdtr r = {sizeof(linux_gdt) - 1, (u32)linux_gdt};

    __asm__ volatile("cli\n\t"
                     "lgdt %0\n\t"
                     "mov $0x18, %%ecx\n\t"
                     "mov %%ecx, %%ds\n\t"
                     "mov %%ecx, %%es\n\t"
                     "mov %%ecx, %%fs\n\t"
                     "mov %%ecx, %%gs\n\t"
                     "mov %%ecx, %%ss\n\t"
                     "push $0x10\n\t"
                     "push %%eax\n\t"
                     "xor %%ebx, %%ebx\n\t"
                     "xor %%edi, %%edi\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "lret"
                     :
                     : "m"(r), "a"(start), "S"(ZERO_PAGE)
                     : "memory");
    __builtin_unreachable();
}

const char *linux_start(const struct bootdata *b, const struct memmap *m, u32 rsdp)
{
    const u8 *setup = (const u8 *)b->setup;
    u8 *zp = (u8 *)ZERO_PAGE;
    u32 end, start;

    if (memcmp(setup + HDR_MAGIC, "HdrS", 4) != 0 || *(const u16 *)(setup + HDR_VERSION) < 0x202)
        return "this kernel is too old to start without a BIOS";
    end = HDR_END_BASE + setup[HDR_JUMP_OFFSET];
    memset(zp, 0, 4096);
    memcpy(zp + ZP_HEADER, setup + ZP_HEADER, end - ZP_HEADER);
    /* The text screen as the boot ROM has left it. */
    zp[ZP_CURSOR_Y] = 3;
    zp[ZP_VIDEO_MODE] = 3;
    zp[ZP_VIDEO_COLS] = 80;
    zp[ZP_VIDEO_LINES] = 25;
    zp[ZP_VIDEO_IS_VGA] = 1;
    zp[ZP_VIDEO_POINTS] = 16;
    *(u32 *)(zp + ZP_ACPI_RSDP) = rsdp;
    *(u32 *)(zp + ZP_ALT_MEM_K) = (m->tables - 0x100000) >> 10;
    zp[ZP_E820_ENTRIES] = (u8)m->n;
    memcpy(zp + ZP_E820_TABLE, m->e, m->n * sizeof(m->e[0]));
    start = *(const u32 *)(zp + HDR_CODE32_START);
    enter(start);
}
