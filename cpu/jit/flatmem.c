/* Memory of the flat translation tables: address space that costs only what is touched
 * (translator.md 5.5). */
#define _GNU_SOURCE
#include "cpu/jit/flatmem.h"
#include "devices/core/bits.h"

#include <sys/mman.h>

enum { STEP = 64 * MIB, REACH = 0x7f000000 };
#define SIZE (FLAT_TABLES * FLAT_TABLE_SIZE)

static bool reaches(u64 base, u64 near)
{
    s64 first = (s64)(base - near), last = (s64)(base + SIZE - near);
    return first > -(s64)REACH && last < (s64)REACH;
}

bool flatmem_new(struct flat_tables *flat, const void *near)
{
    u64 at = (u64)(uintptr_t)near & ~(u64)(STEP - 1);
    flat->base = NULL;
    /* The host takes the address for a wish: ask below, then above, until what it gives reaches. */
    for (u64 d = STEP; d + SIZE < REACH; d += STEP)
        for (unsigned above = 0; above < 2; above++) {
            u64 wish = above ? at + d : at - SIZE - d;
            void *p = mmap((void *)(uintptr_t)wish, SIZE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (p == MAP_FAILED)
                continue;
            if (reaches((u64)(uintptr_t)p, (u64)(uintptr_t)near)) {
                /* A huge page would cost 2 MiB for each page of entries that is looked at. */
                madvise(p, SIZE, MADV_NOHUGEPAGE);
                flat->base = p;
                return true;
            }
            munmap(p, SIZE);
        }
    return false;
}

void flatmem_free(struct flat_tables *flat)
{
    if (flat->base)
        munmap(flat->base, SIZE);
    flat->base = NULL;
}
