/* The bare-metal benchmark's machine: descriptor and page tables, the ACPI timer as the clock
 * (82371AB data sheet, 7.1.3), COM1 as the output. */
#include "tests/bench/bare/measure.h"
#include "roms/lib/multiboot.h"
#include "roms/lib/power.h"
#include "roms/lib/serial.h"

enum {
    PM_TIMER = 8, /* offset in the power management ports (82371AB data sheet 7.1.3) */
    PM_HZ = 3579545,
    PM_MASK = 0xffffff,
    VECTORS = 0x90,
};

volatile u32 bare_sink;
static const struct kernel *const bare_tables[] = {BARE_TABLES};
static u64 idt[VECTORS] __attribute__((aligned(8)));
static volatile u32 page_directory[1024] __attribute__((aligned(4096)));
static volatile u32 page_tables[MAPPED >> 22][1024] __attribute__((aligned(4096)));
static u16 timer_port;

void bare_main(const struct mb_info *mbi);
void bare_unexpected(void);
extern void fault_other(void);

static u32 timer(void)
{
    return inl(timer_port) & PM_MASK;
}

volatile u32 *bare_pte(u32 address)
{
    return &page_tables[(address >> 22) % ARRAY_LEN(page_tables)][address >> 12 & 1023];
}

void bare_gate(u32 vector, void (*entry)(void), bool user)
{
    u32 a = (u32)entry;

    idt[vector] =
        (a & 0xffff) | 0x08u << 16 | (u64)((a & 0xffff0000) | 0x8e00 | (user ? 0x6000 : 0)) << 32;
}

void bare_unexpected(void)
{
    serial_puts("# unexpected exception\n");
    power_off();
}

static void start_tables(void)
{
    struct {
        u16 limit;
        u32 base;
    } __attribute__((packed)) idtr = {sizeof(idt) - 1, (u32)idt};

    for (u32 v = 0; v < VECTORS; v++)
        bare_gate(v, fault_other, false);
    __asm__ volatile("lidt %0" : : "m"(idtr));
    for (u32 t = 0; t < ARRAY_LEN(page_tables); t++) {
        for (u32 i = 0; i < 1024; i++)
            page_tables[t][i] = t << 22 | i << 12 | PTE_RWU;
        page_directory[t] = (u32)page_tables[t] | PTE_RWU;
    }
    write_cr3((u32)page_directory);
    write_cr0(read_cr0() | 0x80010000u); /* paging, write protection */
}

/* Turn the SIMD registers on where the processor has them (SDM volume 3, 13.1). */
static bool start_sse2(void)
{
    u32 a = 1, b, c, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    write_cr0((read_cr0() & ~0x0cu) | 0x22u); /* no emulation, native errors, monitor */
    __asm__ volatile("fninit");
    if ((d & 1u << 26) == 0)
        return false;
    write_cr4(read_cr4() | 0x600u);
    return true;
}

void bare_main(const struct mb_info *mbi)
{
    const char *words = (const char *)mbi->cmdline;
    struct platform p = {.hz = PM_HZ, .mask = PM_MASK, .clock = timer, .put = serial_puts};
    u16 base;

    serial_init();
    base = pm_enable();
    timer_port = (u16)(base + PM_TIMER);
    start_tables();
    p.sse2 = start_sse2();
    if ((mbi->flags & 4) == 0 || words == NULL)
        words = "";
    while (*words != 0 && *words != ' ') /* the kernel's own name */
        words++;
    serial_puts("BARE-UP\n");
    for (u32 i = 0; i < ARRAY_LEN(bare_tables); i++)
        measure_all(&p, bare_tables[i], words);
    measure_all(&p, sys_kernels, words);
    serial_puts("BENCH-DONE\n");
    power_off();
}
