/* The log: areas chosen by -d, lines written to one stream (log.def has a row per area). */
#ifndef DEVICES_CORE_LOG_H
#define DEVICES_CORE_LOG_H

#include "devices/core/probe.h"
#include "devices/core/types.h"

#include <stdio.h>

enum log_area {
#define LOG(id, name, help) LOGA_##id,
#include "devices/core/log.def"
#undef LOG
    LOGA__COUNT
};

/* One per machine. `mask` has BIT(LOGA_x) set for the areas that are on; `out` is where lines go
 * (NULL: nowhere). LOG_PROBE: `probe` is there. */
enum { LOG_PROBE = 31 };
enum { LOG_MAX_RANGES = 16 };
struct log_range {
    u64 first, last;
};
struct log {
    u32 mask;
    FILE *out;
    const struct probe_hooks *probe;
    u32 unprinted; /* areas that are on for the probe alone */
    /* -dfilter: code lines are for these linear addresses only; none: for all */
    struct log_range range[LOG_MAX_RANGES];
    u32 nranges;
    /* lines of that area so far: they are rate-limited, since the guest controls their number */
    u32 guest_errors;
};

static inline bool log_on(const struct log *log, enum log_area area)
{
    return UNLIKELY(log && (log->mask & BIT(area)));
}

/* The hooks that somebody set (log_attach); NULL: nobody looks inside. */
static inline const struct probe_hooks *log_probe(const struct log *log)
{
    return UNLIKELY(log && log->mask >> LOG_PROBE) ? log->probe : NULL;
}
/* Set the hooks, which stay the caller's; NULL takes them away. */
void log_attach(struct log *log, const struct probe_hooks *probe);

/* Is `area` on for code at linear address `addr`? */
bool log_in_range(const struct log *log, u64 addr);
static inline bool log_at(const struct log *log, enum log_area area, u64 addr)
{
    return log_on(log, area) && (!log->nranges || log_in_range(log, addr));
}

/* Write a formatted line (newline added) if `area` is on. */
void log_line(struct log *log, enum log_area area, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A guest mistake: log_line in the guest_errors area, limited in number. `who` is the device or
 * unit. */
void log_guest_error(struct log *log, const char *who, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Parse a comma list of area names ("in_asm,int", "all") into *mask. False with *err for an unknown
 * name. */
struct err;
bool log_parse(const char *list, u32 *mask, struct err *err);

/* Parse "0x7c00-0x7dff,0x100000+0x1000,a..b" into the ranges of -dfilter. False with *err. */
bool log_parse_ranges(struct log *log, const char *list, struct err *err);

#endif
