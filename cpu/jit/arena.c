/* A bump allocator over chunks that grow with use. */
#include "cpu/jit/arena.h"
#include "devices/core/bits.h"
#include "devices/core/huge.h"

#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    u8 bytes[] __attribute__((aligned(16)));
};
enum { CHUNK = 4 * 1024 * 1024 };

void *arena_get(struct arena *a, size_t n)
{
    void *p;
    n = (n + 15) & ~(size_t)15;
    if (!a->chunks || a->size - a->used < n) {
        size_t size = MAX((size_t)CHUNK - sizeof(*a->chunks), n);
        struct arena_chunk *c = huge_get(sizeof(*c) + size);
        if (!c)
            return NULL;
        c->next = a->chunks;
        c->size = sizeof(*c) + size;
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
        huge_free(c, c->size);
    }
    *a = (struct arena){0};
}
