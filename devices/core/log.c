/* The log's lines and the parser of -d lists. */
#include "devices/core/log.h"
#include "devices/core/err.h"

#include <stdarg.h>
#include <string.h>

/* The guest decides how often it errs, so after this many lines we stop repeating it. */
enum { GUEST_ERROR_LIMIT = 1000 };

static const char *const area_names[] = {
#define LOG(id, name, help) name,
#include "devices/core/log.def"
#undef LOG
};

void log_line(struct log *log, enum log_area area, const char *fmt, ...)
{
    va_list ap;

    if (!log_on(log, area) || !log->out)
        return;
    va_start(ap, fmt);
    vfprintf(log->out, fmt, ap);
    va_end(ap);
    fputc('\n', log->out);
}

void log_guest_error(struct log *log, const char *who, const char *fmt, ...)
{
    va_list ap;

    if (!log_on(log, LOGA_GUEST_ERRORS) || log->guest_errors > GUEST_ERROR_LIMIT)
        return;
    if (log->guest_errors++ == GUEST_ERROR_LIMIT) {
        log_line(log, LOGA_GUEST_ERRORS, "guest error: further lines are left out");
        return;
    }
    if (!log->out)
        return;
    fprintf(log->out, "guest error: %s: ", who);
    va_start(ap, fmt);
    vfprintf(log->out, fmt, ap);
    va_end(ap);
    fputc('\n', log->out);
}

/* The bit of the area called name[0..len), 0 when there is none. */
static u32 area_mask(const char *name, size_t len)
{
    if (len == 3 && !memcmp(name, "all", 3))
        return BIT(LOGA__COUNT) - 1;
    for (unsigned i = 0; i < LOGA__COUNT; i++)
        if (strlen(area_names[i]) == len && !memcmp(area_names[i], name, len))
            return BIT(i);
    return 0;
}

bool log_parse(const char *list, u32 *mask, struct err *err)
{
    u32 got = 0;

    for (;;) {
        size_t len = strcspn(list, ",");
        u32 bits = area_mask(list, len);

        if (!bits)
            return err_set(err, "unknown log area '%.*s'; -d help lists them",
                           len < 64 ? (int)len : 64, list);
        got |= bits;
        if (!list[len])
            break;
        list += len + 1;
    }
    *mask = got;
    return true;
}
