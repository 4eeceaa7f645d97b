/* The log: areas chosen by -d, lines written to one stream (log.def has a row per area). */
#ifndef DEVICES_CORE_LOG_H
#define DEVICES_CORE_LOG_H

#include "devices/core/types.h"

#include <stdio.h>

enum log_area {
#define LOG(id, name, help) LOGA_##id,
#include "devices/core/log.def"
#undef LOG
    LOGA__COUNT
};

/* One per machine. `mask` has BIT(LOGA_x) set for the areas that are on; `out` is where lines go
 * (NULL: nowhere). */
struct log {
    u32 mask;
    FILE *out;
    /* lines of that area so far: they are rate-limited, since the guest controls their number */
    u32 guest_errors;
};

static inline bool log_on(const struct log *log, enum log_area area)
{
    return UNLIKELY(log && (log->mask & BIT(area)));
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

#endif
