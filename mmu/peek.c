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

bool mmu_peek_phys(struct mmu *mmu, u64 phys, void *buf, size_t n)
{
    u8 *out = buf;
    while (n) {
        size_t len = MIN(n, PAGE_SIZE - (phys & PAGE_MASK));
        u64 off;
        struct ram *ram = memory_at(mmu, phys, len, &off);
        if (!ram)
            return false;
        memcpy(out, ram->host + off, len);
        out += len, phys += len, n -= len;
    }
    return true;
}

bool mmu_poke_phys(struct mmu *mmu, u64 phys, const void *buf, size_t n)
{
    const u8 *in = buf;
    while (n) {
        size_t len = MIN(n, PAGE_SIZE - (phys & PAGE_MASK));
        u64 off;
        struct ram *ram = memory_at(mmu, phys, len, &off);
        if (!ram)
            return false;
        ram_wrote(ram, off, len);
        memcpy(ram->host + off, in, len);
        in += len, phys += len, n -= len;
    }
    return true;
}

bool mmu_peek(struct mmu *mmu, u64 la, void *buf, size_t n)
{
    u8 *out = buf;
    while (n) {
        u64 phys = mmu_translate(mmu, la);
        size_t len = MIN(n, PAGE_SIZE - (la & PAGE_MASK));
        if (phys == ~(u64)0 || !mmu_peek_phys(mmu, phys, out, len))
            return false;
        out += len, la += len, n -= len;
    }
    return true;
}

bool mmu_poke(struct mmu *mmu, u64 la, const void *buf, size_t n)
{
    const u8 *in = buf;
    while (n) {
        u64 phys = mmu_translate(mmu, la);
        size_t len = MIN(n, PAGE_SIZE - (la & PAGE_MASK));
        if (phys == ~(u64)0 || !mmu_poke_phys(mmu, phys, in, len))
            return false;
        in += len, la += len, n -= len;
    }
    return true;
}
