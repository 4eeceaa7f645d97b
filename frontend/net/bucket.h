/* A token bucket: so many bytes and so many frames a second, with bursts. */
#ifndef FRONTEND_NET_BUCKET_H
#define FRONTEND_NET_BUCKET_H

#include "devices/core/types.h"

/* Rates of 0 are no limit. Debts are allowed: what passes when there are tokens may take more than
 * there are, and the next one waits longer. */
struct bucket {
    u64 bytes_rate, frames_rate; /* a second */
    u64 bytes_burst, frames_burst;
    s64 bytes, frames; /* tokens left, times 10^9 */
    u64 last;          /* ns */
};

/* `burst` bytes may pass at once after a pause; 0: what passes in a tenth of a second. */
void bucket_init(struct bucket *b, u64 bytes_rate, u64 frames_rate, u64 burst, u64 now);
static inline bool bucket_limits(const struct bucket *b)
{
    return b->bytes_rate || b->frames_rate;
}
/* May something pass at `now`? If not, when: the earliest time. */
bool bucket_open(struct bucket *b, u64 now, u64 *when);
/* n bytes pass. */
void bucket_take(struct bucket *b, size_t n);

#endif
