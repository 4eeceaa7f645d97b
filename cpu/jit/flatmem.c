/* Memory of the flat translation tables: address space that costs only what is touched
 * (translator.md 5.5). */
#include "cpu/jit/flatmem.h"
#include "devices/core/bits.h"
#include "devices/core/hostmem.h"

enum { STEP = 64 * MIB, REACH = 0x7f000000 };
#define SIZE FLAT_ALL

static bool reaches(u64 base, u64 near)
{
    s64 first = (s64)(base - near), last = (s64)(base + SIZE - near);
    return first > -(s64)REACH && last < (s64)REACH;
}

/* The two entries of each wide table that may not start as 0 (wide_set in mmu/mmu.c). */
static void wide_start(const struct flat_tables *flat)
{
    for (int m = 0; m < 2; m++)
        for (int t = WIDE_RD; t <= WIDE_WR; t++) {
            u8 *at = flat->base + wide_offset(m, t);
            st64(at, WIDE_NONE);
            st64(at + WIDE_TABLE_SIZE - sizeof(u64), WIDE_NONE);
        }
}

bool flatmem_new(struct flat_tables *flat, const void *near)
{
    u64 at = (u64)(uintptr_t)near & ~(u64)(STEP - 1);
    flat->base = NULL;
    /* The host takes the address for a wish: ask below, then above, until what it gives reaches. */
    for (u64 d = STEP; d + SIZE < REACH; d += STEP)
        for (unsigned above = 0; above < 2; above++) {
            u64 wish = above ? at + d : at - SIZE - d;
            void *p = host_map((void *)(uintptr_t)wish, SIZE, 0, HOST_RW);
            if (!p)
                continue;
            if (reaches((u64)(uintptr_t)p, (u64)(uintptr_t)near)) {
                /* A huge page would cost 2 MiB for each page of entries that is looked at. */
                host_huge(p, SIZE, false);
                flat->base = p;
                wide_start(flat);
                return true;
            }
            host_unmap(p, SIZE);
        }
    return false;
}

void flatmem_free(struct flat_tables *flat)
{
    host_unmap(flat->base, SIZE);
    flat->base = NULL;
}
