/* Memory that begins and ends on the borders of huge pages, with the hint that they are wanted. */
#define _GNU_SOURCE
#include "devices/core/huge.h"
#include "devices/core/bits.h"

#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

static size_t whole(size_t n)
{
    return (n + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

void *huge_get(size_t n)
{
    size_t size = whole(n), before;
    u8 *area = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED)
        return NULL;
    before = -(uintptr_t)area & (HUGE_PAGE - 1);
    if (before)
        munmap(area, before);
    munmap(area + before + size, HUGE_PAGE - before);
    madvise(area + before, size, MADV_HUGEPAGE); /* only a hint */
    return area + before;
}

void huge_free(void *p, size_t n)
{
    if (p)
        munmap(p, whole(n));
}
