/* Kernels of single operations that a translator is tempted to leave to slow code: products and
 * quotients, strings one element at a time and repeated ones that are short, exchanges, scans,
 * flags as data. */
#include "tests/bench/bare/bare.h"

enum {
    TIMES = 256,
    TEXT = 4096, /* bytes of the long strings */
};

static void divide(u32 n)
{
    u32 s = 1;

    for (u32 i = n * TIMES; i != 0; i--)
        s += 0x9e3779b9u / (i | 1) + 0x7fffffffu % (s | 1);
    bare_sink = s;
}

static void divide_signed(u32 n)
{
    s32 s = 1;

    for (u32 i = n * TIMES; i != 0; i--)
        s += (s32)(i * 12345) / (s32)(i | 1);
    bare_sink = (u32)s;
}

static void multiply(u32 n)
{
    u64 x = 88172645463325252u;

    for (u32 i = n * TIMES; i != 0; i--)
        x = (u64)(u32)x * 0x9e3779b9u + (x >> 32);
    bare_sink = (u32)x;
}

static void lods_stos(u32 n)
{
    for (; n != 0; n--) {
        u32 src = AREA, dst = AREA + 2 * PAGE, count = TIMES;

        __asm__ volatile("1: lodsl\n\tstosl\n\tdecl %2\n\tjnz 1b"
                         : "+S"(src), "+D"(dst), "+r"(count)
                         :
                         : "eax", "memory", "cc");
    }
}

/* A string with its end `len` bytes on. */
static void text(u32 len)
{
    volatile u8 *p = (volatile u8 *)AREA;

    for (u32 i = 0; i < TEXT; i++)
        p[i] = p[i + 2 * PAGE] = (u8)0x78;
    p[len] = 0;
}

static void text_long(void)
{
    text(TEXT - 1);
}

static void text_short(void)
{
    text(12);
}

static void scas(u32 n)
{
    u32 s = 0;

    for (; n != 0; n--) {
        u32 p = AREA, count = ~0u;

        __asm__ volatile("repne scasb" : "+D"(p), "+c"(count) : "a"(0) : "memory", "cc");
        s += count;
    }
    bare_sink = s;
}

static void cmps(u32 n)
{
    u32 s = 0;

    for (; n != 0; n--) {
        u32 p = AREA, q = AREA + 2 * PAGE, count = TEXT;

        __asm__ volatile("repe cmpsb" : "+S"(p), "+D"(q), "+c"(count) : : "memory", "cc");
        s += count;
    }
    bare_sink = s;
}

static void exchange(u32 n)
{
    volatile u32 *p = (volatile u32 *)AREA;

    *p = 0;
    for (u32 i = n * TIMES; i != 0; i--) {
        u32 old = *p, one = 1;

        __asm__ volatile("lock cmpxchgl %2, %1\n\tlock xaddl %3, %1"
                         : "+a"(old), "+m"(*p)
                         : "r"(old + 1), "r"(one)
                         : "memory", "cc");
    }
}

static void scans(u32 n)
{
    u32 s = 1;

    for (u32 i = n * TIMES; i != 0; i--) {
        u32 low, high;

        __asm__("bsfl %1, %0" : "=r"(low) : "r"(i) : "cc");
        __asm__("bsrl %1, %0" : "=r"(high) : "r"(i) : "cc");
        s = (s << low) + high;
    }
    bare_sink = s;
}

static void wide_shift(u32 n)
{
    u64 s = 0x123456789abcdefu;

    for (u32 i = n * TIMES; i != 0; i--)
        s = (s << (i & 31)) ^ (s >> 7);
    bare_sink = (u32)s;
}

static void sahf(u32 n)
{
    u32 s = 0;

    for (u32 i = n * TIMES; i != 0; i--)
        __asm__ volatile("movl %1, %%eax\n\tsahf\n\tjz 1f\n\tincl %0\n\t1:"
                         : "+r"(s)
                         : "r"(i << 8)
                         : "eax", "cc");
    bare_sink = s;
}

const struct kernel op_kernels[] = {
    {"div", "div/s", divide, TIMES * 2, 1, NULL, false},
    {"idiv", "div/s", divide_signed, TIMES, 1, NULL, false},
    {"mul", "mul/s", multiply, TIMES, 1, NULL, false},
    {"lods_stos", "elem/s", lods_stos, TIMES, 1, NULL, false},
    {"scas", "MB/s", scas, TEXT, 1000000, text_long, false},
    {"scas12", "scan/s", scas, 1, 1, text_short, false},
    {"cmps", "MB/s", cmps, TEXT, 1000000, text_long, false},
    {"cmps12", "comp/s", cmps, 1, 1, text_short, false},
    {"cmpxchg", "op/s", exchange, TIMES * 2, 1, NULL, false},
    {"bitscan", "op/s", scans, TIMES * 2, 1, NULL, false},
    {"shld", "op/s", wide_shift, TIMES * 2, 1, NULL, false},
    {"sahf", "op/s", sahf, TIMES, 1, NULL, false},
    {NULL, NULL, NULL, 0, 0, NULL, false},
};
