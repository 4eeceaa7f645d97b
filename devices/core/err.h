/* One sentence about what went wrong while setting up, carried up to main, which prints it. */
#ifndef DEVICES_CORE_ERR_H
#define DEVICES_CORE_ERR_H

#include "devices/core/types.h"

struct err {
    char msg[512];
};

/* Fill `err` (may be NULL) with a formatted sentence: what is wrong and how to mend it. Always
 * returns false, so a function can say `return err_set(err, ...)`. */
bool err_set(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Our own bug: print where and stop the process. Never reachable from guest bytes. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
NORETURN void bug_at(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
