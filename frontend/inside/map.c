/* The hash table: open addresses, linear probes, at most three quarters full. */
#include "frontend/inside/map.h"

#include <stdlib.h>

static u32 place(const struct map *m, u64 key)
{
    u32 i = (u32)(key * 0x9e3779b97f4a7c15ull >> 32) & (m->size - 1);
    while (m->keys[i] && m->keys[i] != key + 1)
        i = (i + 1) & (m->size - 1);
    return i;
}

static bool grow(struct map *m)
{
    struct map big = {.size = m->size ? 2 * m->size : 256, .n = m->n};
    big.keys = calloc(big.size, sizeof(*big.keys));
    big.values = calloc(big.size, sizeof(*big.values));
    if (!big.keys || !big.values) {
        map_free(&big);
        return false;
    }
    for (u32 i = 0; i < m->size; i++) {
        u32 to;
        if (!m->keys[i])
            continue;
        to = place(&big, m->keys[i] - 1);
        big.keys[to] = m->keys[i];
        big.values[to] = m->values[i];
    }
    map_free(m);
    *m = big;
    return true;
}

u64 *map_find(const struct map *m, u64 key)
{
    u32 i;
    if (!m->size)
        return NULL;
    i = place(m, key);
    return m->keys[i] ? &m->values[i] : NULL;
}

u64 *map_get(struct map *m, u64 key, u32 most)
{
    u64 *v = map_find(m, key);
    u32 i;
    if (v)
        return v;
    if (m->n >= most || (m->n >= m->size / 4 * 3 && !grow(m)))
        return NULL;
    i = place(m, key);
    m->keys[i] = key + 1;
    m->n++;
    return &m->values[i];
}

void map_free(struct map *m)
{
    free(m->keys);
    free(m->values);
    *m = (struct map){0};
}
