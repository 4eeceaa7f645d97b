/* The same kernels as a 32-bit Linux process without a C library: what the host does by itself.
 * Linux i386 system calls: int 0x80, number in EAX, arguments in EBX, ECX, EDX, ... */
#include "tests/bench/bare/measure.h"
#include "roms/lib/mem.h"

enum {
    SYS_EXIT = 1,
    SYS_WRITE = 4,
    SYS_OLD_MMAP = 90,
    SYS_CLOCK_GETTIME = 265,
    CLOCK_MONOTONIC = 1,
    PROT_RWX = 7,
    MAP_PRIVATE_FIXED_ANON = 0x32,
    MICROSECONDS = 1000000,
    WORDS = 1024,
};

volatile u32 bare_sink;

void native_main(const u32 *stack);

static s32 call3(u32 number, u32 a, u32 b, u32 c)
{
    s32 r;

    __asm__ volatile("int $0x80" : "=a"(r) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return r;
}

static u32 microseconds(void)
{
    struct {
        s32 seconds, ns;
    } t;

    call3(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (u32)&t, 0);
    return (u32)t.seconds * MICROSECONDS + (u32)t.ns / 1000;
}

static void put(const char *text)
{
    call3(SYS_WRITE, 1, (u32)text, strlen(text));
}

/* Put the arguments behind the program's name into one line, as the boot loader gives them. */
static void join(char line[WORDS], const u32 *stack)
{
    u32 at = 0;

    for (u32 i = 1; i < stack[0]; i++) {
        for (const char *p = (const char *)stack[1 + i]; *p != 0 && at < WORDS - 2; p++)
            line[at++] = *p;
        line[at++] = ' ';
        if (at > WORDS - 2)
            break;
    }
    line[at] = 0;
}

void native_main(const u32 *stack)
{
    static const struct kernel *const tables[] = {BARE_TABLES};
    static char words[WORDS];
    struct platform p = {.hz = MICROSECONDS, .mask = ~0u, .clock = microseconds, .put = put};
    u32 area[6] = {AREA, MAPPED - AREA, PROT_RWX, MAP_PRIVATE_FIXED_ANON, ~0u, 0};
    u32 a = 1, b, c, d;

    if (call3(SYS_OLD_MMAP, (u32)area, 0, 0) != AREA) {
        put("# no memory at the kernels' addresses\n");
        call3(SYS_EXIT, 1, 0, 0);
    }
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    p.sse2 = (d & 1u << 26) != 0;
    join(words, stack);
    for (u32 i = 0; i < ARRAY_LEN(tables); i++)
        measure_all(&p, tables[i], words);
    put("BENCH-DONE\n");
    call3(SYS_EXIT, 0, 0, 0);
}

/* The stack as the kernel leaves it: argument count, arguments, NULL. */
__asm__(
    ".globl _start\n_start:\n\tmov %esp, %eax\n\tand $-16, %esp\n\tsub $12, %esp\n\tpush %eax\n\t"
    "call native_main\n");
