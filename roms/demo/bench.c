/* Rates of simple work: how many instructions (known from the loops below) or bytes per second of
 * the timer. */
#include "roms/demo/bench.h"
#include "roms/demo/console.h"
#include "roms/demo/timer.h"
#include "roms/lib/io.h"
#include "roms/lib/mem.h"

enum { BLOCK = 64 * 1024, MAX_ROUNDS = 1000000 };

static u8 buffer[2 * BLOCK];

/* 8 instructions a turn. */
static void alu(void)
{
    u32 n = 20000, a = 1;

    __asm__ volatile("1:\n\t"
                     "add %1, %0\n\t"
                     "xor $0x55, %0\n\t"
                     "rol $3, %0\n\t"
                     "sub $7, %0\n\t"
                     "lea 5(%0,%0,2), %0\n\t"
                     "and $0x7fffffff, %0\n\t"
                     "dec %1\n\t"
                     "jnz 1b"
                     : "+r"(a), "+r"(n)
                     :
                     : "cc");
}

/* 6 instructions a turn, two of which touch memory. */
static void memory(void)
{
    u32 n = 20000, i = 0;

    __asm__ volatile("1:\n\t"
                     "mov (%2,%1), %%eax\n\t"
                     "mov %%eax, 4(%2,%1)\n\t"
                     "add $8, %1\n\t"
                     "and $0xfff8, %1\n\t"
                     "dec %0\n\t"
                     "jnz 1b"
                     : "+r"(n), "+r"(i)
                     : "r"(buffer)
                     : "eax", "cc", "memory");
}

__attribute__((noinline)) static u32 leaf(u32 x)
{
    __asm__ volatile("" : "+r"(x)); /* keeps the compiler from knowing what comes back */
    return x + 1;
}

static void calls(void)
{
    u32 x = 0;

    for (u32 i = 0; i < 20000; i++)
        x = leaf(x);
}

static void copy(void)
{
    memcpy(buffer, buffer + BLOCK, BLOCK);
}

static const struct work {
    const char *name;
    void (*run)(void);
    u32 per_round;
    const char *unit;
} works[] = {
    {"alu", alu, 8 * 20000, "instructions"},
    {"memory", memory, 6 * 20000, "instructions"},
    {"calls", calls, 20000, "calls"},
    {"copy", copy, BLOCK, "bytes"},
};

bool bench_run(u32 ticks)
{
    for (u32 i = 0; i < ARRAY_LEN(works); i++) {
        u32 start, rounds = 0, passed;
        u64 per_second;

        timer_sleep(1); /* begin at the edge of a tick */
        start = timer_ticks();
        cpu_sti();
        do {
            works[i].run();
            rounds++;
            passed = timer_ticks() - start;
        } while (passed < ticks && rounds < MAX_ROUNDS);
        cpu_cli();
        if (passed == 0)
            return false;
        per_second = div64((u64)rounds * works[i].per_round * TIMER_HZ, passed);
        print("bench %s: %u.%u million %s per second\n", works[i].name,
              (u32)div64(per_second, 1000000), (u32)div64(per_second, 100000) % 10, works[i].unit);
    }
    return true;
}
