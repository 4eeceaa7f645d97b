/* Guest memory between guard areas, its dirty bits, and the note to the owner of
 * translated code. */
#include "mmu/ram.h"
#include "devices/core/err.h"
#include "devices/core/hostmem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Address space that faults on either side: a stray access stops there instead of in somebody's
 * data. */
#define GUARD HUGE
#define HUGE  ((size_t)HOST_PAGE_MAX)

enum { LINE_BITS = 6 }; /* code_lines has a bit per 64 bytes */

static bool map_host(struct ram *ram, struct err *err)
{
    /* Guards are whole pages of the host; the one behind begins where its last page of memory
     * ends. */
    u8 *area = host_map(NULL, GUARD + host_whole(ram->size) + GUARD, HUGE, HOST_NONE);
    if (!area)
        return err_set(err, "the host has no address space for %llu MiB of guest memory: %s",
                       (unsigned long long)(ram->size / MIB), strerror(errno));
    ram->area = area;
    ram->host = area + GUARD;
    if (!host_protect(ram->host, ram->size, HOST_RW))
        return err_set(err, "the host cannot give %llu MiB for guest memory: %s; try a smaller -m",
                       (unsigned long long)(ram->size / MIB), strerror(errno));
    /* Private and aligned, so that the host may back it with huge pages: the software TLB misses
     * into host TLB misses, and those cost as much again. Only a hint. */
    host_huge(ram->host, ram->size, true);
    return true;
}

static bool add_pages(struct ram *ram, struct ram_space *space, struct err *err)
{
    u64 pages = ram->size >> PAGE_BITS, total = space->next_page + pages;
    struct ram **last = &space->first;
    u64 *lines;

    if (total > UINT32_MAX / 2)
        return err_set(err, "guest memory is too large");
    lines = realloc(space->code_lines, total * sizeof(*lines));
    ram->dirty = calloc(pages, 1);
    if (lines)
        space->code_lines = lines;
    if (!lines || !ram->dirty)
        return err_set(err, "no memory for the page tables of guest memory");
    memset(lines + space->npages, 0, (total - space->npages) * sizeof(*lines));
    ram->space = space;
    ram->page0 = space->next_page;
    space->npages = space->next_page = (u32)total;
    while (*last)
        last = &(*last)->next;
    *last = ram;
    return true;
}

bool ram_init(struct ram *ram, struct ram_space *space, u64 size, struct err *err)
{
    *ram = (struct ram){0};
    if (!size || size > (u64)1 << 42)
        return err_set(err, "guest memory of %llu bytes is not possible", (unsigned long long)size);
    ram->size = (size + PAGE_MASK) & ~(u64)PAGE_MASK;
    if (map_host(ram, err) && add_pages(ram, space, err))
        return true;
    ram_free(ram);
    return false;
}

void ram_free(struct ram *ram)
{
    struct ram **p = ram->space ? &ram->space->first : NULL;

    while (p && *p && *p != ram)
        p = &(*p)->next;
    if (p && *p)
        *p = ram->next;
    if (ram->area)
        host_unmap(ram->area, GUARD + host_whole(ram->size) + GUARD);
    free(ram->dirty);
    *ram = (struct ram){0};
}

void ram_space_free(struct ram_space *space)
{
    free(space->code_lines);
    *space = (struct ram_space){0};
}

/* Bits of the lines that [off, off+len) of a page touches; 0 < len <= PAGE_SIZE - off. */
static u64 line_mask(u32 off, u32 len)
{
    u32 first = off >> LINE_BITS, last = (off + len - 1) >> LINE_BITS;

    return (~0ull >> (63 - (last - first))) << first;
}

void ram_code_added(struct ram_space *space, u32 page, u64 lines)
{
    space->code_lines[page] |= lines;
    for (u32 i = 0; i < RAM_GAPS; i++)
        if (space->gap[i].page == page)
            space->gap[i].hi = 0;
}

bool ram_code_at(struct ram_space *space, u32 page, u32 off, u32 len)
{
    struct ram_gap *gap = &space->gap[ram_gap_of(page, off)];
    u32 lo = 0, hi = PAGE_SIZE;

    if (LIKELY(!(space->code_lines[page] & line_mask(off, len))))
        return false;
    if (gap->page == page && off >= gap->lo && off + len <= gap->hi)
        return false;
    if (!space->covered || space->covered(space->arg, page, off, len, &lo, &hi))
        return true;
    *gap = (struct ram_gap){.page = page, .lo = lo, .hi = hi};
    return false;
}

bool ram_free_at(struct ram_space *space, u32 page, u32 off, u32 len, u32 *lo, u32 *hi)
{
    u64 lines = space->code_lines[page], mask = line_mask(off, len);
    u64 below = lines & ((mask & -mask) - 1), above = lines & ~((mask & -mask) - 1);
    const struct ram_gap *gap = &space->gap[ram_gap_of(page, off)];
    if (ram_code_at(space, page, off, len))
        return false;
    if (lines & mask) {
        if (gap->page != page || off < gap->lo || off + len > gap->hi)
            return false;
        *lo = gap->lo;
        *hi = gap->hi;
    } else {
        *lo = below ? (64 - (u32)__builtin_clzll(below)) << LINE_BITS : 0;
        *hi = above ? (u32)__builtin_ctzll(above) << LINE_BITS : PAGE_SIZE;
    }
    return true;
}

void ram_wrote(struct ram *ram, u64 off, u64 len)
{
    struct ram_space *space = ram->space;

    if (off >= ram->size)
        return;
    len = MIN(len, ram->size - off);
    while (len) {
        u32 page = (u32)(off >> PAGE_BITS), at = (u32)off & PAGE_MASK;
        u32 n = (u32)MIN(len, (u64)(PAGE_SIZE - at));

        ram->dirty[page] = DIRTY_ALL;
        if (UNLIKELY(ram_code_at(space, ram->page0 + page, at, n)) && space->wrote)
            space->wrote(space->arg, ram->page0 + page, at, n);
        off += n;
        len -= n;
    }
}

void ram_discard(struct ram *ram, u64 off, u64 len)
{
    if (off >= ram->size || ((off | len) & PAGE_MASK))
        return;
    len = MIN(len, ram->size - off);
    ram_wrote(ram, off, len);
    if (ram->pieces) /* what is only dropped would come back out of the file */
        host_renew(ram->host + off, len);
    else
        host_drop(ram->host + off, len);
}

void ram_exchange(struct ram *ram, u8 *from)
{
    host_exchange(ram->host, from, ram->size, ram->pieces);
    ram_wrote(ram, 0, ram->size);
}

bool ram_test_clear_dirty(struct ram *ram, u32 page, u8 client)
{
    struct ram_space *space = ram->space;

    if (page >= ram->size >> PAGE_BITS || !(ram->dirty[page] & client))
        return false;
    ram->dirty[page] &= (u8)~client;
    if (space->cleaned)
        space->cleaned(space->arg, ram->page0 + page);
    return true;
}
