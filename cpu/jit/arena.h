/* Memory that is given piece by piece and taken back all at once: what describes translated code
 * lives until the next flush. */
#ifndef CPU_JIT_ARENA_H
#define CPU_JIT_ARENA_H

#include "devices/core/types.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks; /* the newest first */
    size_t used, size;          /* of the newest */
};

/* `n` zeroed bytes, aligned to 8; NULL: there is no memory. */
void *arena_get(struct arena *a, size_t n);
void arena_reset(struct arena *a);

#endif
