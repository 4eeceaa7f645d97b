/* A bump allocator over chunks of plain pages that grow with use. */
#include "cpu/jit/arena.h"
#include "devices/core/bits.h"
#include "devices/core/hostmem.h"

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    u8 bytes[] __attribute__((aligned(16)));
};
/* No huge pages: what is kept here is written once and seldom read, and a hypervisor that takes
 * free huge pages away makes each new one cost milliseconds. */
enum { CHUNK = 4 * 1024 * 1024 };

void *arena_get(struct arena *a, size_t n)
{
    void *p;
    n = (n + 7) & ~(size_t)7;
    if (!a->chunks || a->size - a->used < n) {
        size_t size = MAX((size_t)CHUNK - sizeof(*a->chunks), n);
        struct arena_chunk *c = host_map(NULL, host_whole(sizeof(*c) + size), 0, HOST_RW);
        if (!c)
            return NULL;
        c->next = a->chunks;
        c->size = sizeof(*c) + size;
        *a = (struct arena){c, 0, size};
    }
    p = a->chunks->bytes + a->used;
    a->used += n;
    return p; /* new pages are 0 */
}

void arena_reset(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *c = a->chunks;
        a->chunks = c->next;
        host_unmap(c, host_whole(c->size));
    }
    *a = (struct arena){0};
}
