/* What the self-test programs share: run a table of tests and say "MODE NAME: ok" or
 * "MODE NAME: FAIL why" for each. */
#ifndef ROMS_DOS_LIB_CHECK_H
#define ROMS_DOS_LIB_CHECK_H

#include "roms/dos/lib/dos.h"

/* A test returns NULL, or why it failed. */
struct test {
    const char *name;
    const char *(*run)(void);
};

/* Leave a test with a reason unless the condition holds. */
#define CHECK(cond, why)                                                                           \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return why;                                                                            \
    } while (0)

/* The same for two numbers; both are printed when they differ. */
#define CHECK_EQ(got, want, why)                                                                   \
    do {                                                                                           \
        if (!check_eq((u32)(got), (u32)(want)))                                                    \
            return why;                                                                            \
    } while (0)

enum cpu_mode { MODE_REAL, MODE_PLAIN, MODE_VME, MODE_IOPL3 };

/* How this program is being run: in real mode, or in V86 mode by which of the monitor's methods. */
enum cpu_mode cpu_mode(void);
bool check_eq(u32 got, u32 want);
/* Returns the number of failures, main()'s result. */
int run_tests(const struct test *tests, u32 n);

#endif
