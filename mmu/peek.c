/* Guest memory as a debugger sees it: through the page tables, and without a trace in them, in the
 * TLB or in a device (SDM vol. 3 ch. 4). */
#include "mmu/mmu.h"
#include "mmu/walk.h"

u64 mmu_translate(struct mmu *mmu, u64 la)
{
    struct walk w;
    struct mmu_fault fault;
    if (!walk(mmu, MMU_SUP, la, TLB_RD, true, &w, &fault))
        return ~(u64)0;
    return (w.phys & mmu->a20_mask) | (la & PAGE_MASK);
}

/* Where reads of the n bytes at `phys` find memory, and the offset in it; NULL: they do not. */
static struct ram *memory_at(struct mmu *mmu, u64 phys, size_t n, u64 *off)
{
    const struct bus_range *r = bus_find(mmu->mem, phys, 0);
    if (!r || !r->region->ram || r->end - phys < n)
        return NULL;
    *off = r->region->ram_off + (phys - r->region->base);
    return r->region->ram;
}

/* n bytes between `buf` and memory at a linear or physical address, page by page. */
static bool copy(struct mmu *mmu, bool linear, u64 at, u8 *buf, size_t n, bool write)
{
    while (n) {
        u64 phys = linear ? mmu_translate(mmu, at) : at, off;
        size_t len = MIN(n, PAGE_SIZE - (at & PAGE_MASK));
        struct ram *ram = phys == ~(u64)0 ? NULL : memory_at(mmu, phys, len, &off);
        if (!ram)
            return false;
        if (write) {
            ram_wrote(ram, off, len);
            memcpy(ram->host + off, buf, len);
        } else {
            memcpy(buf, ram->host + off, len);
        }
        buf += len, at += len, n -= len;
    }
    return true;
}

bool mmu_peek_phys(struct mmu *mmu, u64 phys, void *buf, size_t n)
{
    return copy(mmu, false, phys, buf, n, false);
}

bool mmu_poke_phys(struct mmu *mmu, u64 phys, const void *buf, size_t n)
{
    return copy(mmu, false, phys, (u8 *)buf, n, true);
}

bool mmu_peek(struct mmu *mmu, u64 la, void *buf, size_t n)
{
    return copy(mmu, true, la, buf, n, false);
}

bool mmu_poke(struct mmu *mmu, u64 la, const void *buf, size_t n)
{
    return copy(mmu, true, la, (u8 *)buf, n, true);
}
