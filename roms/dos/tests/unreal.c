/* UNREAL.COM: segment limits that outlive protected mode ("unreal" or "big real" mode), which
 * memory drivers and games use to reach all memory from real mode. Runs in real mode only. */
#include "roms/dos/lib/check.h"
#include "roms/dos/lib/trap.h"
#include "roms/lib/io.h"

static u64 gdt[3];
static struct {
    u16 limit;
    u32 base;
} PACKED gdtr;

/* Load FS and GS with the descriptor in protected mode and come back. */
static void load_limits(u16 selector)
{
    gdt[1] = 0x00cf93000000ffff; /* 4 GiB */
    gdt[2] = 0x000093000000ffff; /* 64 KiB */
    gdtr.limit = sizeof(gdt) - 1;
    gdtr.base = own_seg() * 16u + (u32)gdt;
    __asm__ volatile("cli; lgdtl %0\n\t"
                     "movl %%cr0, %%eax; orb $1, %%al; movl %%eax, %%cr0; jmp 1f\n"
                     "1:\tmovw %1, %%fs; movw %1, %%gs\n\t"
                     "andb $0xfe, %%al; movl %%eax, %%cr0; jmp 2f\n"
                     "2:\txorw %%ax, %%ax; movw %%ax, %%fs; movw %%ax, %%gs; sti"
                     :
                     : "m"(gdtr), "r"(selector)
                     : "eax", "memory");
}

static u32 read_gs(u32 address)
{
    u32 v;

    __asm__ volatile("movl %%gs:(%1), %0" : "=r"(v) : "r"(address) : "memory");
    return v;
}

static void write_gs(u32 address, u32 v)
{
    __asm__ volatile("movl %0, %%gs:(%1)" : : "r"(v), "r"(address) : "memory");
}

enum { FAR_UP = 0x00280000 };

static const char *reach(void)
{
    u32 old = trap_install(0x0d), i;

    outb(0x92, (inb(0x92) & 0xfe) | 2);
    load_limits(8);
    trap_count = 0;
    for (i = 0; i < 16; i++)
        write_gs(FAR_UP + i * 0x1111, i * 0x10203);
    for (i = 0; i < 16; i++)
        CHECK_EQ(read_gs(FAR_UP + i * 0x1111), i * 0x10203, "contents above 1 MiB");
    CHECK_EQ(read_gs(0x0d * 4), far_code(trap_handler), "low memory through the same segment");
    CHECK_EQ(trap_count, 0, "faults");
    set_vector(0x0d, old);
    return NULL;
}

/* Timer interrupts, BIOS and DOS calls in between; all of them load segment registers. */
static const char *survives(void)
{
    u32 end = bios_ticks() + 3, n = 0;
    struct cpu_regs r = {.eax = 0x0300};

    write_gs(FAR_UP, 0xcafe);
    while (bios_ticks() < end) {
        CHECK_EQ(read_gs(FAR_UP), 0xcafe + n, "across interrupts");
        write_gs(FAR_UP, 0xcafe + ++n);
    }
    r.ebx = 0;
    cpu_int(0x10, &r);
    r.eax = 0x3000;
    cpu_int(0x21, &r);
    CHECK_EQ(read_gs(FAR_UP), 0xcafe + n, "across INT 10h and INT 21h");
    return NULL;
}

/* A load in real mode changes the base, not the limit. */
static const char *reload(void)
{
    u32 v;

    write_gs(FAR_UP + 0x12340, 0x600df00d);
    __asm__ volatile(
        "movw $0x1234, %%ax; movw %%ax, %%gs; movl %%gs:(%1), %0; xorw %%ax, %%ax; movw %%ax, %%gs"
        : "=&r"(v)
        : "r"(FAR_UP)
        : "eax");
    CHECK_EQ(v, 0x600df00d, "base 0x12340 and an offset above 64 KiB");
    return NULL;
}

static const char *back(void)
{
    u32 old = trap_install(0x0d);

    load_limits(16);
    FAULT("movl $0x10000, %%ebx", "movb %%gs:(%%ebx), %%al");
    CHECK_EQ(trap_count, 1, "a 64 KiB limit faults again");
    CHECK_EQ(trap_ip, trap_want, "address of the fault");
    FAULT("movl $0xffff, %%ebx", "movb %%gs:(%%ebx), %%al");
    CHECK_EQ(trap_count, 0, "but not at 0xffff");
    set_vector(0x0d, old);
    return NULL;
}

int main(void);

int main(void)
{
    static const struct test tests[] = {
        {"unreal-reach", reach},
        {"unreal-interrupts", survives},
        {"unreal-reload", reload},
        {"unreal-back", back},
    };

    dos_shrink();
    if (cpu_mode() != MODE_REAL)
        return 0;
    return run_tests(tests, ARRAY_LEN(tests));
}
