/* Memory kernels: dependent loads, read-modify-write, and the string instructions at good and bad
 * distances. */
#include "tests/bench/bare/bare.h"

enum {
    CHASE_SMALL = 16 << 10,
    CHASE_BIG = 16 << 20,
    CHASE_STEPS = 4096,
    LINE = 64,
    RANDOM_AREA = 64 << 20,
    WORDS = 16384,
    BLOCK = 1 << 20,
    SHIFTED = AREA_ALIAS + 5 * PAGE, /* not the same slot as AREA in any table */
};

/* Link the lines of an area into one ring in an order that no prefetcher guesses. */
static void chase_link(u32 size)
{
    u32 lines = size / LINE, x = 0;

    /* x -> 5x+c modulo a power of two visits everything once (Knuth, volume 2, 3.2.1.2). */
    for (u32 i = 0; i < lines; i++) {
        u32 next = (x * 5 + 12345) & (lines - 1);

        *(u32 *)(AREA + x * LINE) = AREA + next * LINE;
        x = next;
    }
}

static void chase_prepare_small(void)
{
    chase_link(CHASE_SMALL);
}

static void chase_prepare_big(void)
{
    chase_link(CHASE_BIG);
}

static void chase(u32 n)
{
    u32 p = AREA;

    for (; n != 0; n--) {
        for (u32 i = 0; i < CHASE_STEPS; i += 4) {
            p = *(volatile u32 *)p;
            p = *(volatile u32 *)p;
            p = *(volatile u32 *)p;
            p = *(volatile u32 *)p;
        }
    }
    bare_sink = p;
}

/* Independent loads all over 64 MiB: what a table of translations makes of more pages than it has
 * places. */
static void random_read(u32 n)
{
    u32 x = 12345, s = 0;

    for (u32 i = n * 64; i != 0; i--) {
        x = bare_random(x);
        s += *(volatile u32 *)(AREA + (x >> 6 & (RANDOM_AREA - 4)));
    }
    bare_sink = s;
}

static void memadd(u32 n)
{
    for (; n != 0; n--) {
        volatile u32 *a = (volatile u32 *)AREA;

        for (u32 i = 0; i < WORDS; i++)
            a[i] += n;
    }
}

static void rep_movs(u32 dst, u32 src, u32 words)
{
    __asm__ volatile("rep movsl" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
}

static void movs_alias(u32 n)
{
    for (; n != 0; n--)
        rep_movs(AREA_ALIAS, AREA, BLOCK / 4);
}

static void movs(u32 n)
{
    for (; n != 0; n--)
        rep_movs(SHIFTED, AREA, BLOCK / 4);
}

static void movs32(u32 n)
{
    for (u32 i = n * 64; i != 0; i--)
        rep_movs(SHIFTED + (i & 63) * 32, AREA + (i & 63) * 32, 8);
}

static void movs1k(u32 n)
{
    for (u32 i = n * 64; i != 0; i--)
        rep_movs(SHIFTED + (i & 63) * 1000, AREA + (i & 63) * 1000, 250);
}

static void stos(u32 n)
{
    for (; n != 0; n--) {
        u32 dst = AREA, words = BLOCK / 4;

        __asm__ volatile("rep stosl" : "+D"(dst), "+c"(words) : "a"(n) : "memory");
    }
}

static void movsb(u32 n)
{
    for (; n != 0; n--) {
        u32 dst = SHIFTED + 1, src = AREA + 2, bytes = 16384;

        __asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(bytes) : : "memory");
    }
}

const struct kernel mem_kernels[] = {
    {"chase_16k", "load/s", chase, CHASE_STEPS, 1, chase_prepare_small, false},
    {"chase_16m", "load/s", chase, CHASE_STEPS, 1, chase_prepare_big, false},
    {"rand_64m", "load/s", random_read, 64, 1, NULL, false},
    {"memadd", "op/s", memadd, WORDS, 1, NULL, false},
    {"movs_alias", "MB/s", movs_alias, BLOCK, 1000000, NULL, false},
    {"movs", "MB/s", movs, BLOCK, 1000000, NULL, false},
    {"movs32", "copy/s", movs32, 64, 1, NULL, false},
    {"movs1k", "copy/s", movs1k, 64, 1, NULL, false},
    {"movsb", "MB/s", movsb, 16384, 1000000, NULL, false},
    {"stos", "MB/s", stos, BLOCK, 1000000, NULL, false},
    {NULL, NULL, NULL, 0, 0, NULL, false},
};
