/* What the test benches of the labs say: a sentence for each thing that was looked at, and how many
 * of them were right. */
#ifndef DOCS_LABS_COMMON_SCORE_H
#define DOCS_LABS_COMMON_SCORE_H

#include "devices/core/types.h"

#include <stdarg.h>
#include <stdio.h>

struct score {
    unsigned passed, missed;
};

/* One line: "passed" or "MISSED" and the sentence. Returns `ok`. */
static inline PRINTF_LIKE(3, 4) bool score(struct score *s, bool ok, const char *fmt, ...)
{
    va_list args;

    s->passed += ok;
    s->missed += !ok;
    fputs(ok ? "  passed: " : "  MISSED: ", stdout);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
    return ok;
}

/* The exit status of a bench: 0 when nothing was missed. */
static inline int score_status(const struct score *s)
{
    return s->missed || !s->passed;
}

#endif
