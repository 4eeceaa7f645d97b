/* Memory that begins and ends on the borders of huge pages, with the hint that they are wanted. */
#include "devices/core/huge.h"
#include "devices/core/bits.h"
#include "devices/core/hostmem.h"

#define HUGE_PAGE ((size_t)2 << 20)

static size_t whole(size_t n)
{
    return (n + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

void *huge_get(size_t n)
{
    void *p = host_map(NULL, whole(n), HUGE_PAGE, HOST_RW);
    if (p)
        host_huge(p, whole(n), true);
    return p;
}

void huge_free(void *p, size_t n)
{
    host_unmap(p, whole(n));
}
