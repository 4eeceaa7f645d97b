/* A bump allocator over chunks that grow with use. */
#include "cpu/jit/arena.h"
#include "devices/core/bits.h"

#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    u8 bytes[] __attribute__((aligned(16)));
};
enum { CHUNK = 256 * 1024 };

void *arena_get(struct arena *a, size_t n)
{
    void *p;
    n = (n + 15) & ~(size_t)15;
    if (!a->chunks || a->size - a->used < n) {
        size_t size = MAX((size_t)CHUNK, n);
        struct arena_chunk *c = malloc(sizeof(*c) + size);
        if (!c)
            return NULL;
        c->next = a->chunks;
        *a = (struct arena){c, 0, size};
    }
    p = a->chunks->bytes + a->used;
    a->used += n;
    return memset(p, 0, n);
}

void arena_reset(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *c = a->chunks;
        a->chunks = c->next;
        free(c);
    }
    *a = (struct arena){0};
}
