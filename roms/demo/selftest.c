/* The demonstrations as tests, one function each, in a table. */
#include "roms/demo/selftest.h"
#include "roms/demo/bench.h"
#include "roms/demo/console.h"
#include "roms/demo/intr.h"
#include "roms/demo/keyboard.h"
#include "roms/demo/paging.h"
#include "roms/demo/picture.h"
#include "roms/demo/timer.h"
#include "roms/lib/io.h"
#include "roms/lib/serial.h"
#include "roms/lib/vga.h"

/* What the interrupt handlers leave behind for the test that provoked them. */
static struct {
    volatile u32 count, eax;
} seen;

static bool test_screen(void)
{
    volatile u16 *cell = (volatile u16 *)0xb8000 + 24 * 80 + 79;
    u16 old = *cell, back;

    *cell = 0x1e2a;
    back = *cell;
    *cell = old;
    return back == 0x1e2a;
}

/* In loop-back mode the transmitter feeds the receiver and nothing leaves the machine. */
static bool test_serial(void)
{
    bool ok = true;
    u8 mcr;

    for (u32 i = 0; i < 100000 && (inb(COM1 + 5) & 0x40) == 0; i++)
        continue;
    mcr = inb(COM1 + 4);
    outb(COM1 + 4, 0x1e);
    while (serial_getc() >= 0)
        continue;
    for (u32 i = 0; i < 4; i++) {
        u8 v = (u8)(0x3a * i + 5);
        int got = -1;

        outb(COM1, v);
        for (u32 wait = 0; wait < 100000 && got < 0; wait++)
            got = serial_getc();
        ok = ok && got == v;
    }
    outb(COM1 + 4, mcr);
    return ok;
}

static bool test_timer(void)
{
    u32 start = timer_ticks();
    u64 a = rdtsc();

    timer_sleep(5);
    return timer_ticks() - start >= 5 && rdtsc() > a;
}

static bool test_keyboard(void)
{
    while (keyboard_get() >= 0)
        continue;
    keyboard_inject(0x2a); /* shift down, d down, d up, shift up */
    timer_sleep(2);
    keyboard_inject(0x20);
    timer_sleep(2);
    keyboard_inject(0xa0);
    timer_sleep(2);
    keyboard_inject(0xaa);
    timer_sleep(2);
    return keyboard_get() == 'D' && keyboard_get() < 0;
}

static void on_demo(struct regs *r)
{
    seen.count++;
    seen.eax = r->eax;
    r->eax = r->eax * 2 + 1;
}

/* INT n: a call through the interrupt table, with a register in and out. */
static bool test_interrupt(void)
{
    u32 v = 21;

    seen.count = 0;
    intr_handle(VEC_DEMO, on_demo);
    __asm__ volatile("int %1" : "+a"(v) : "i"(VEC_DEMO) : "memory");
    return seen.count == 1 && seen.eax == 21 && v == 43;
}

static void on_divide(struct regs *r)
{
    seen.count++;
    r->ecx = 7; /* a better divisor; the division is run again */
}

static bool test_divide_error(void)
{
    u32 quotient = 100, zero = 0;

    seen.count = 0;
    intr_handle(VEC_DIVIDE, on_divide);
    __asm__ volatile("xor %%edx, %%edx; div %%ecx"
                     : "+a"(quotient), "+c"(zero)
                     :
                     : "edx", "memory");
    intr_handle(VEC_DIVIDE, NULL);
    return seen.count == 1 && quotient == 14;
}

static void on_breakpoint(struct regs *r)
{
    seen.count++;
    seen.eax = r->eip;
}

static bool test_breakpoint(void)
{
    u32 after;

    seen.count = 0;
    intr_handle(VEC_BREAKPOINT, on_breakpoint);
    __asm__ volatile("int3\n1: mov $1b, %0" : "=r"(after) : : "memory");
    intr_handle(VEC_BREAKPOINT, NULL);
    return seen.count == 1 && seen.eax == after;
}

static bool test_paging(void)
{
    struct paging_result r;

    paging_demo(&r);
    print("page fault at %x, error code %u\n", r.fault_address, r.fault_error);
    return r.alias && r.accessed && r.read_only && r.demand && r.fault_address == 0x40003123 &&
           r.fault_error == 2;
}

/* Every word of two megabytes from 2 MiB up gets its own address, and keeps it. */
static bool test_memory(void)
{
    volatile u32 *p = (volatile u32 *)0x200000;
    u32 n = 0x80000, bad = 0;

    for (u32 i = 0; i < n; i++)
        p[i] = (u32)&p[i] * 2654435761u;
    for (u32 i = 0; i < n; i++)
        bad += p[i] != (u32)&p[i] * 2654435761u;
    return bad == 0;
}

/* Exact in every x87: 0.1 rounded to 64 bits, times ten, minus one is -2^-64 before and 0 after
 * rounding to 53 bits. */
static bool test_float(void)
{
    u32 control = 0x037f;
    s64 result;

    __asm__ volatile("fninit\n\t"
                     "fldcw %1\n\t"
                     "fldpi\n\t"
                     "fmul %%st(0), %%st\n\t" /* 9.8696... */
                     "push $1000000\n\t"
                     "fimull (%%esp)\n\t"
                     "add $4, %%esp\n\t"
                     "fistpll %0"
                     : "=m"(result)
                     : "m"(control)
                     : "memory", "cc");
    return result == 9869604;
}

static bool test_picture(void)
{
    u32 sum;

    console_graphics(true);
    sum = picture_vga();
    print("picture checksum %x\n", sum);
    timer_sleep(10); /* long enough to be seen */
    console_graphics(false);
    return sum == PICTURE_VGA_SUM;
}

static bool test_linear(void)
{
    u32 sum = 0;
    bool there;

    console_graphics(true);
    there = picture_linear(&sum);
    if (there) {
        print("picture checksum %x\n", sum);
        timer_sleep(10);
    } else {
        print("no linear frame buffer here\n");
    }
    vga_linear_off();
    console_graphics(false);
    return !there || sum == PICTURE_LINEAR_SUM;
}

static bool test_bench(void)
{
    return bench_run(10);
}

static const struct {
    const char *name;
    bool (*run)(void);
} tests[] = {
    {"screen", test_screen},         {"serial", test_serial},
    {"timer", test_timer},           {"keyboard", test_keyboard},
    {"interrupt", test_interrupt},   {"divide-error", test_divide_error},
    {"breakpoint", test_breakpoint}, {"paging", test_paging},
    {"memory", test_memory},         {"float", test_float},
    {"picture", test_picture},       {"linear", test_linear},
    {"bench", test_bench},
};

u32 selftest_run(void)
{
    u32 failed = 0;

    for (u32 i = 0; i < ARRAY_LEN(tests); i++) {
        bool ok = tests[i].run();

        print("%s %s\n", ok ? "ok" : "FAIL", tests[i].name);
        failed += !ok;
    }
    return failed;
}
