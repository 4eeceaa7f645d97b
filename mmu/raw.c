/* The windows of plain memory that translated code reads without a translation while paging is off
 * (translator.md 5.5): what they are made of. */
#include "mmu/mmu.h"
#include "mmu/walk.h"

enum { LOW_END = 0xa0000 };

void mmu_raw_close(struct mmu *mmu)
{
    for (unsigned k = 0; k < MMU_RAWS; k++)
        mmu->raw[k].size = 0;
}

/* Up to where may an access begin that ends in front of `end`, counted from `start`? */
static u32 room(u64 start, u64 end)
{
    return end > start + MMU_RAW_SPAN ? (u32)(end - start - MMU_RAW_SPAN) : 0;
}

void mmu_raw_open(struct mmu *mmu, u64 phys)
{
    const struct mmu_window *w = &mmu->window[0];
    unsigned k = phys >= MMU_RAW_HIGH;
    u64 start = k ? MMU_RAW_HIGH : 0, end = MIN(w->start + w->len, k ? BIT64(32) : LOW_END);
    const struct ram *ram;
    if (mmu->a20_mask != ~(u64)0 || mmu->nwatch || mmu->raw[k].size)
        return;
    if (phys - w->start >= w->len || w->start > start || !(ram = w->region->ram))
        return;
    mmu->raw[k].base = (u64)(uintptr_t)ram->host + w->region->ram_off - w->region->base;
    mmu->raw[k].size = room(start, end);
}
