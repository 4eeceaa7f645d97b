/* Setup errors as one sentence, and the stop for our own bugs. */
#include "devices/core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool err_set(struct err *err, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return false;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    return false;
}

NORETURN void bug_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "dragoman: internal error at %s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}
