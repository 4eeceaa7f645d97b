/* A byte queue of fixed room that only wraps or drops: the one buffer type of the devices
 * (reliability.md D1). */
#ifndef DEVICES_CORE_FIFO_H
#define DEVICES_CORE_FIFO_H

#include "devices/core/types.h"

/* Lives in saved state: `buf` is the caller's array of `cap` bytes; head/len are saved fields. */
struct fifo_state {
    u32 head, len;
};

static inline bool fifo_put(struct fifo_state *f, u8 *buf, u32 cap, u8 v)
{
    if (f->len >= cap)
        return false;
    buf[(f->head + f->len++) % cap] = v;
    return true;
}

static inline u8 fifo_get(struct fifo_state *f, const u8 *buf, u32 cap)
{
    u8 v;
    if (!f->len)
        return 0;
    v = buf[f->head % cap];
    f->head = (f->head + 1) % cap;
    f->len--;
    return v;
}

/* What loaded() calls: false when the saved counters do not fit `cap`. */
static inline bool fifo_valid(const struct fifo_state *f, u32 cap)
{
    return f->len <= cap && f->head < cap;
}

#endif
