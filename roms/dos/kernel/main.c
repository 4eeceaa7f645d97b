/* The kernel's start: interrupt vectors, memory, the disk, then the shell. */
#include "roms/dos/kernel/kernel.h"
#include "roms/dos/lib/int.h"

static void set_vectors(void)
{
    u8 n;

    set_vector(0x20, far_code(int20));
    set_vector(0x21, far_code(int21));
    set_vector(0x22, far_code(int_nothing));
    set_vector(0x23, far_code(int_nothing));
    set_vector(0x24, far_code(int24));
    set_vector(0x27, far_code(int27));
    set_vector(0x28, far_code(int_nothing));
    set_vector(0x29, far_code(int29));
    for (n = 0x2a; n <= 0x2f; n++)
        set_vector(n, far_code(int_nothing));
    /* A PC's firmware leaves a word of 0 here, or a vector; programs look for EMS by it. */
    set_vector(0x67, far_code(int_nothing));
}

void kernel_main(void)
{
    extern u8 _bss_end[];
    struct cpu_regs r = {.ax = 0};
    u16 first = (u16)(own_seg() + (((u32)_bss_end + 15) >> 4));

    con_init();
    con_puts("\nDragoman DOS\n");
    cpu_int(0x12, &r); /* KiB of conventional memory */
    mem_init(first, (u16)(r.ax << 6));
    set_vectors();
    file_init();
    if (!fat_init())
        con_puts("cannot read the disk\n");
    proc_start_shell("SHELL.COM");
    con_puts("System halted\n");
}
