/* Copying and filling as libraries do it: word loops for several sizes, and the string instructions
 * for sizes at random. */
#include "tests/bench/bare/bare.h"

enum { SPAN = 1 << 16, CALLS = 64, REST = AREA_ALIAS + 7 * PAGE };

static __attribute__((noinline)) void word_copy(u8 *to, const u8 *from, u32 size)
{
    for (; size >= 16; size -= 16, to += 16, from += 16) {
        u32 a = ((const u32 *)from)[0], b = ((const u32 *)from)[1];
        u32 c = ((const u32 *)from)[2], d = ((const u32 *)from)[3];

        ((u32 *)to)[0] = a;
        ((u32 *)to)[1] = b;
        ((u32 *)to)[2] = c;
        ((u32 *)to)[3] = d;
    }
    for (; size != 0; size--)
        *to++ = *from++;
}

static __attribute__((noinline)) void word_set(u8 *to, u32 v, u32 size)
{
    for (; size >= 16; size -= 16, to += 16) {
        ((u32 *)to)[0] = v;
        ((u32 *)to)[1] = v;
        ((u32 *)to)[2] = v;
        ((u32 *)to)[3] = v;
    }
    for (; size != 0; size--)
        *to++ = (u8)v;
}

static void copies(u32 n, u32 size)
{
    u32 at = 0;

    for (n *= CALLS; n != 0; n--) {
        word_copy((u8 *)REST + at, (const u8 *)AREA + at, size);
        at = (at + size) & (SPAN - 1);
    }
}

static void sets(u32 n, u32 size)
{
    u32 at = 0;

    for (n *= CALLS; n != 0; n--) {
        word_set((u8 *)REST + at, n, size);
        at = (at + size) & (SPAN - 1);
    }
}

static void copy_16(u32 n)
{
    copies(n, 16);
}

static void copy_200(u32 n)
{
    copies(n, 200);
}

static void copy_4k(u32 n)
{
    copies(n, 4096);
}

static void set_16(u32 n)
{
    sets(n, 16);
}

static void set_200(u32 n)
{
    sets(n, 200);
}

static void set_4k(u32 n)
{
    sets(n, 4096);
}

/* Sizes that programs ask for: most are short, some are not. */
static u32 some_size(u32 x)
{
    return x >> 29 == 0 ? x >> 16 & 2047 : x >> 16 & 63;
}

static void rep_copy_mix(u32 n)
{
    u32 x = 1;

    for (n *= CALLS; n != 0; n--) {
        u32 size, from, to;

        x = bare_random(x);
        size = some_size(x);
        from = AREA + (x >> 8 & (SPAN - 1));
        to = REST + (x >> 12 & (SPAN - 1));
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    }
}

static void rep_set_mix(u32 n)
{
    u32 x = 1;

    for (n *= CALLS; n != 0; n--) {
        u32 size, to;

        x = bare_random(x);
        size = some_size(x) >> 2;
        to = REST + (x >> 12 & (SPAN - 4));
        __asm__ volatile("rep stosl" : "+D"(to), "+c"(size) : "a"(x) : "memory");
    }
}

/* The length of a long string by REPNE SCASB, and two areas compared by REPE CMPSB. */
static void scan_prepare(void)
{
    word_set((u8 *)AREA, 0x61616161, 8192);
    word_set((u8 *)REST, 0x61616161, 8192);
    *(u8 *)(AREA + 4096) = 0;
}

static void rep_scan(u32 n)
{
    u32 s = 0;

    for (; n != 0; n--) {
        u32 at = AREA, left = ~0u;

        __asm__ volatile("repne scasb" : "+D"(at), "+c"(left) : "a"(0) : "memory", "cc");
        s += left;
    }
    bare_sink = s;
}

static void rep_compare(u32 n)
{
    u32 s = 0;

    for (; n != 0; n--) {
        u32 at = AREA, with = REST, left = 8192;

        __asm__ volatile("repe cmpsb" : "+D"(at), "+S"(with), "+c"(left) : : "memory", "cc");
        s += left;
    }
    bare_sink = s;
}

const struct kernel copy_kernels[] = {
    {"copy_16", "call/s", copy_16, CALLS, 1, NULL, false},
    {"copy_200", "call/s", copy_200, CALLS, 1, NULL, false},
    {"copy_4k", "call/s", copy_4k, CALLS, 1, NULL, false},
    {"set_16", "call/s", set_16, CALLS, 1, NULL, false},
    {"set_200", "call/s", set_200, CALLS, 1, NULL, false},
    {"set_4k", "call/s", set_4k, CALLS, 1, NULL, false},
    {"rep_copy_mix", "call/s", rep_copy_mix, CALLS, 1, NULL, false},
    {"rep_set_mix", "call/s", rep_set_mix, CALLS, 1, NULL, false},
    {"rep_scan", "MB/s", rep_scan, 4097, 1000000, scan_prepare, false},
    {"rep_compare", "MB/s", rep_compare, 4097, 1000000, scan_prepare, false},
    {NULL, NULL, NULL, 0, 0, NULL, false},
};
