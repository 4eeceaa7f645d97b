/* What runs the kernels: the same in the machine and in a Linux process, which differ in the clock
 * and in where text goes. */
#ifndef TESTS_BENCH_BARE_MEASURE_H
#define TESTS_BENCH_BARE_MEASURE_H

#include "tests/bench/bare/bare.h"

/* The clock and the output that the platform gives. */
struct platform {
    u32 hz, mask; /* of the clock: its rate, and the bits that count */
    u32 (*clock)(void);
    void (*put)(const char *text);
    bool sse2;
};

/* Run those kernels of a table that `words` names (no word: all) and print the rate of each. */
void measure_all(const struct platform *p, const struct kernel *k, const char *words);

#endif
