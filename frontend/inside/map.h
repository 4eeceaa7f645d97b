/* A hash table from numbers to numbers, for what is counted by block, page or edge. */
#ifndef FRONTEND_INSIDE_MAP_H
#define FRONTEND_INSIDE_MAP_H

#include "devices/core/types.h"

struct map {
    u64 *keys; /* 0: free; else the key + 1 */
    u64 *values;
    u32 n, size; /* size: a power of two, or 0 */
};

/* The value of `key` (not ~0); a new one is 0. NULL: no memory, or there are `most` already. */
u64 *map_get(struct map *m, u64 key, u32 most);
/* NULL: there is none. */
u64 *map_find(const struct map *m, u64 key);
void map_free(struct map *m);

#endif
