/* The log's lines and the parser of -d lists. */
#include "devices/core/log.h"
#include "devices/core/err.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The guest decides how often it errs, so after this many lines we stop repeating it. */
enum { GUEST_ERROR_LIMIT = 1000 };

/* All areas but the one that changes how code runs. */
enum { LOG_ALL = BIT(LOGA__COUNT) - 1 - BIT(LOGA_NOCHAIN) };
_Static_assert((int)LOGA__COUNT <= (int)LOG_PROBE, "areas and the probe share a word");

static const char *const area_names[] = {
#define LOG(id, name, help) name,
#include "devices/core/log.def"
#undef LOG
};

void log_attach(struct log *log, const struct probe_hooks *probe)
{
    u32 asked = log->mask & ~log->unprinted & ~BIT(LOG_PROBE);

    log->probe = probe;
    log->mask = asked | (probe ? probe->areas | BIT(LOG_PROBE) : 0);
    log->unprinted = probe ? probe->areas & ~asked : 0;
}

/* The line for the probe, which may be one block's whole IR. */
static void show_probe(const struct log *log, enum log_area area, const char *fmt, va_list ap)
{
    enum { MOST = 256 * 1024 };
    va_list again;
    int len;
    char *text;

    va_copy(again, ap);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (len < 0 || len > MOST || !(text = malloc((size_t)len + 1)))
        return;
    vsnprintf(text, (size_t)len + 1, fmt, ap);
    log->probe->line(log->probe->arg, area, text);
    free(text);
}

void log_line(struct log *log, enum log_area area, const char *fmt, ...)
{
    va_list ap;

    if (!log_on(log, area))
        return;
    if (log->probe && log->probe->line && log->probe->areas & BIT(area)) {
        va_start(ap, fmt);
        show_probe(log, area, fmt, ap);
        va_end(ap);
    }
    if (!log->out || log->unprinted & BIT(area))
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
        return LOG_ALL;
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

bool log_in_range(const struct log *log, u64 addr)
{
    for (u32 i = 0; i < log->nranges; i++)
        if (addr >= log->range[i].first && addr <= log->range[i].last)
            return true;
    return false;
}

/* One range at *list; moves *list behind it. */
static bool parse_range(const char **list, struct log_range *r)
{
    const char *p = *list;
    char *end;
    u64 second;

    if (*p < '0' || *p > '9')
        return false;
    r->first = r->last = strtoull(p, &end, 0);
    p = end;
    if (*p == '-' || *p == '+' || (p[0] == '.' && p[1] == '.')) {
        char sep = *p;

        p += sep == '.' ? 2 : 1;
        if (*p < '0' || *p > '9')
            return false;
        second = strtoull(p, &end, 0);
        p = end;
        r->last = sep == '+' ? r->first + second - 1 : second;
    }
    *list = p;
    return r->last >= r->first;
}

bool log_parse_ranges(struct log *log, const char *list, struct err *err)
{
    const char *p = list;

    log->nranges = 0;
    while (*p) {
        if (log->nranges == LOG_MAX_RANGES)
            return err_set(err, "-dfilter takes %d ranges at most.", LOG_MAX_RANGES);
        if (!parse_range(&p, &log->range[log->nranges]) || (*p && *p != ','))
            return err_set(err, "-dfilter takes ranges such as 0x7c00-0x7dff or 0x100000+0x1000, not '%.60s'.", list);
        log->nranges++;
        p += *p == ',';
    }
    return true;
}
