/* Memory from the host in whole pages: the only place, with that of translated code
 * (cpu/jit/codebuf.c), that maps memory or knows how large the host's pages are. */
#define _GNU_SOURCE
#include "devices/core/hostmem.h"
#include "devices/core/bits.h"
#include "devices/core/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif
#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

size_t host_page(void)
{
    const char *pretend = getenv("DRAGOMAN_HOST_PAGE");
    long real = sysconf(_SC_PAGESIZE), size = pretend ? strtol(pretend, NULL, 0) : real;
    /* What is pretended cannot be smaller: the host would refuse it. */
    if (size < HOST_PAGE_MIN || size > HOST_PAGE_MAX || size & (size - 1) || size < real)
        return 0;
    return (size_t)size;
}

static size_t page_or_most(void)
{
    size_t page = host_page();
    return page ? page : HOST_PAGE_MAX;
}

size_t host_whole(size_t n)
{
    size_t page = page_or_most();
    return (n + page - 1) & ~(page - 1);
}

static int prot_of(enum host_access access)
{
    return access == HOST_RW   ? PROT_READ | PROT_WRITE
           : access == HOST_RX ? PROT_READ | PROT_EXEC
                               : PROT_NONE;
}

void *host_map(void *wish, size_t size, size_t align, enum host_access access)
{
    size_t more, before;
    u8 *area;
    align = MAX(align, page_or_most());
    more = align > HOST_PAGE_MIN ? align : 0; /* no page is smaller */
    size = host_whole(size);
    area = mmap(wish, size + more, prot_of(access), MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
    if (area == MAP_FAILED)
        return NULL;
    before = -(uintptr_t)area & (align - 1);
    if (before)
        munmap(area, before);
    if (more - before)
        munmap(area + before + size, more - before);
    return area + before;
}

void host_unmap(void *p, size_t size)
{
    if (p)
        munmap(p, host_whole(size));
}

bool host_protect(void *p, size_t size, enum host_access access)
{
    if ((uintptr_t)p & (page_or_most() - 1)) {
        errno = EINVAL;
        return false;
    }
    return !mprotect(p, host_whole(size), prot_of(access));
}

/* Other memory takes the place of [p, p + size). */
static bool put_over(void *p, size_t size, int flags, int fd, u64 off)
{
    size_t page = page_or_most();
    if (((uintptr_t)p | size | off) & (page - 1))
        return false;
    return mmap(p, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE | flags, fd,
                (off_t)off) == p;
}

bool host_map_file(void *p, size_t size, int fd, u64 off)
{
    return put_over(p, size, 0, fd, off);
}

void host_renew(void *p, size_t size)
{
    if (!put_over(p, size, MAP_ANONYMOUS, -1, 0))
        memset(p, 0, size);
}

void host_huge(void *p, size_t size, bool wanted)
{
#ifdef MADV_HUGEPAGE
    madvise(p, host_whole(size), wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
}

void host_drop(void *p, size_t size)
{
#ifdef __linux__
    uintptr_t page = page_or_most(), at = (uintptr_t)p, end = at + size;
    uintptr_t first = (at + page - 1) & ~(page - 1), last = end & ~(page - 1);

    /* Private memory: what is dropped comes back as zeros. */
    if (first < last && !madvise((void *)first, last - first, MADV_DONTNEED)) {
        memset(p, 0, first - at);
        memset((void *)last, 0, end - last);
        return;
    }
#endif
    memset(p, 0, size);
}

#ifdef MREMAP_DONTUNMAP
/* What is left stays taken: a thread's mapping cannot come to lie there meanwhile. */
static bool move(void *from, void *to, size_t size)
{
    return mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) == to;
}

/* By moving the pages, through an empty place. */
static bool exchange_pages(void *a, void *b, size_t size)
{
    u8 *hole = host_map(NULL, size, HOST_PAGE_MAX, HOST_RW);

    if (!hole)
        return false;
    if (!move(a, hole, size)) {
        host_unmap(hole, size);
        return false;
    }
    if (!move(b, a, size) || !move(hole, b, size))
        BUG("the host cannot move %zu bytes of memory: %s", size, strerror(errno));
    host_unmap(hole, size);
    return true;
}
#endif

void host_exchange(void *a, void *b, size_t size, bool pieces)
{
    u8 *p = a, *q = b;

#ifdef MREMAP_DONTUNMAP
    if (!pieces && exchange_pages(a, b, host_whole(size)))
        return;
#endif
    for (size_t i = 0; i < size; i += 4096) {
        u8 page[4096];
        size_t n = MIN(size - i, sizeof(page));

        memcpy(page, p + i, n);
        memcpy(p + i, q + i, n);
        memcpy(q + i, page, n);
    }
}
