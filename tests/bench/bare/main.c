/* The bare-metal benchmark: runs each kernel three times for an eighth of a second of ACPI timer
 * time and prints its rate on COM1. */
#include "tests/bench/bare/bare.h"
#include "roms/lib/mem.h"
#include "roms/lib/multiboot.h"
#include "roms/lib/power.h"
#include "roms/lib/serial.h"

enum {
    PM_TIMER = 8, /* offset in the power management ports (82371AB data sheet 7.1.3) */
    PM_HZ = 3579545,
    PM_MASK = 0xffffff,
    LEAST = PM_HZ / 20, /* shorter than 50 ms says nothing */
    WANTED = PM_HZ / 8,
    TRIALS = 3,
    VECTORS = 0x90,
};

volatile u32 bare_sink;
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

static u32 timed(const struct kernel *k, u32 n)
{
    u32 start;

    if (k->prepare != NULL)
        k->prepare();
    start = timer();
    k->run(n);
    return (timer() - start) & PM_MASK;
}

static void put_number(u64 v)
{
    char digits[24];
    unsigned n = 0;

    do {
        u64 rest = div64(v, 10);

        digits[n++] = (char)('0' + (u32)(v - rest * 10));
        v = rest;
    } while (v != 0);
    while (n > 0)
        serial_putc(digits[--n]);
}

static void report(const struct kernel *k, u32 n, u32 ticks)
{
    u64 tenths = div64(div64((u64)n * k->per * PM_HZ, ticks) * 10, k->div);
    u64 whole = div64(tenths, 10);

    serial_puts("R ");
    serial_puts(k->name);
    serial_putc(' ');
    put_number(whole);
    serial_putc('.');
    put_number(tenths - whole * 10);
    serial_putc(' ');
    serial_puts(k->unit);
    serial_puts("\n");
}

/*
 * Double the work until it can be timed, then do what fills the wanted time, three times. The
 * fastest counts: what slows one of them down is the host's other work.
 */
static void measure(const struct kernel *k)
{
    u32 n = 1, ticks = timed(k, n);

    while (ticks < LEAST && n < 1u << 30) {
        n *= 2;
        ticks = timed(k, n);
    }
    if (ticks < WANTED && ticks != 0)
        n = (u32)div64((u64)n * WANTED, ticks);
    ticks = 0;
    for (u32 i = 0; i < TRIALS; i++) {
        u32 t = timed(k, n);

        if (ticks == 0 || t < ticks)
            ticks = t;
    }
    if (ticks == 0)
        ticks = 1;
    report(k, n, ticks);
}

/* Is `name` one of the words behind the first of the command line? No word at all means every
 * kernel. */
static bool wanted(const char *words, const char *name)
{
    bool any = false;

    while (*words != 0) {
        size_t n = 0;

        while (words[n] != 0 && words[n] != ' ')
            n++;
        if (n != 0) {
            any = true;
            if (n == strlen(name) && memcmp(words, name, n) == 0)
                return true;
        }
        words += n + (words[n] == ' ');
    }
    return !any;
}

static void run_all(const struct kernel *k, const char *words, bool sse2)
{
    for (; k->name != NULL; k++) {
        if (!wanted(words, k->name))
            continue;
        if (!k->sse2 || sse2) {
            measure(k);
        } else {
            serial_puts("# no SSE2 for ");
            serial_puts(k->name);
            serial_puts("\n");
        }
    }
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
    bool sse2;
    u16 base;

    serial_init();
    base = pm_enable();
    timer_port = (u16)(base + PM_TIMER);
    start_tables();
    sse2 = start_sse2();
    if ((mbi->flags & 4) == 0 || words == NULL)
        words = "";
    while (*words != 0 && *words != ' ') /* the kernel's own name */
        words++;
    serial_puts("BARE-UP\n");
    run_all(cpu_kernels, words, sse2);
    run_all(op_kernels, words, sse2);
    run_all(mem_kernels, words, sse2);
    run_all(x87_kernels, words, sse2);
    run_all(sse2_kernels, words, sse2);
    run_all(sys_kernels, words, sse2);
    run_all(code_kernels, words, sse2);
    serial_puts("BENCH-DONE\n");
    power_off();
}
