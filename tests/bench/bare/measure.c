/* Runs each kernel three times for an eighth of a second and prints its rate; a kernel whose name
 * has "=N" behind it runs 4N, N and 2N times instead, for those who count instructions. */
#include "tests/bench/bare/measure.h"
#include "roms/lib/mem.h"

enum { TRIALS = 3, LEAST_PART = 20, WANTED_PART = 8 };

static u32 timed(const struct platform *p, const struct kernel *k, u32 n)
{
    u32 start;

    if (k->prepare != NULL)
        k->prepare();
    start = p->clock();
    k->run(n);
    return (p->clock() - start) & p->mask;
}

static void put_number(const struct platform *p, u64 v)
{
    char digits[24];
    unsigned at = sizeof(digits) - 1;

    digits[at] = 0;
    do {
        u64 rest = div64(v, 10);

        digits[--at] = (char)('0' + (u32)(v - rest * 10));
        v = rest;
    } while (v != 0);
    p->put(digits + at);
}

static void report(const struct platform *p, const struct kernel *k, u32 n, u32 ticks)
{
    u64 tenths = div64(div64((u64)n * k->per * p->hz, ticks) * 10, k->div);
    u64 whole = div64(tenths, 10);

    p->put("R ");
    p->put(k->name);
    p->put(" ");
    put_number(p, whole);
    p->put(".");
    put_number(p, tenths - whole * 10);
    p->put(" ");
    p->put(k->unit);
    p->put("\n");
}

/*
 * Double the work until it can be timed, then do what fills the wanted time, three times. The
 * fastest counts: what slows one of them down is the host's other work.
 */
static void measure(const struct platform *p, const struct kernel *k)
{
    u32 least = p->hz / LEAST_PART, wanted = p->hz / WANTED_PART;
    u32 n = 1, ticks = timed(p, k, n);

    /* Kernels multiply n by up to 64 in 32 bits. */
    while (ticks < least && n < 1u << 25) {
        n *= 2;
        ticks = timed(p, k, n);
    }
    if (ticks < wanted && ticks != 0)
        n = (u32)div64((u64)n * wanted, ticks);
    ticks = 0;
    for (u32 i = 0; i < TRIALS; i++) {
        u32 t = timed(p, k, n);

        if (ticks == 0 || t < ticks)
            ticks = t;
    }
    if (ticks == 0)
        ticks = 1;
    report(p, k, n, ticks);
}

/* Is the kernel asked for? With "=N" behind its name *times is N, else 0. */
static bool named(const char *words, const char *name, u32 *times)
{
    size_t len = strlen(name);
    bool any = false;

    *times = 0;
    while (*words != 0) {
        size_t n = 0;

        while (words[n] != 0 && words[n] != ' ')
            n++;
        if (n >= len && memcmp(words, name, len) == 0 && (n == len || words[len] == '=')) {
            for (size_t i = len + 1; i < n; i++)
                *times = *times * 10 + (u8)(words[i] - '0');
            return true;
        }
        any |= n != 0;
        words += n + (words[n] == ' ');
    }
    return !any;
}

/* The clock is read between the runs only, and each ends with a line: what happens from one line to
 * the next is the run, and the third less the second is n rounds with nothing else. The first is
 * long: a translator has to have seen what is worth its best. */
static void count(const struct platform *p, const struct kernel *k, u32 n)
{
    for (u32 i = 0; i < 3; i++) {
        u32 ticks = timed(p, k, i == 0 ? 4 * n : i * n);

        p->put("N ");
        p->put(k->name);
        p->put(" ");
        put_number(p, ticks);
        p->put("\n");
    }
}

void measure_all(const struct platform *p, const struct kernel *k, const char *words)
{
    for (; k->name != NULL; k++) {
        u32 times;

        if (!named(words, k->name, &times))
            continue;
        if (!k->sse2 || p->sse2) {
            if (times != 0)
                count(p, k, times);
            else
                measure(p, k);
        } else {
            p->put("# no SSE2 for ");
            p->put(k->name);
            p->put("\n");
        }
    }
}
