/* The page-table walk: 2-level, PAE and 4-level (SDM vol. 3 ch. 4). */
#ifndef MMU_WALK_H
#define MMU_WALK_H

#include "mmu/mmu.h"

struct walk {
    u64 phys;               /* physical address of the 4 KiB page that holds the address */
    bool user, write, exec; /* rights of the translation, before CR0.WP is considered */
    bool dirty;             /* the leaf's D bit is set */
    bool global;
    u8 large; /* address bits within a page larger than 4 KiB: 21, 22 or 30; else 0 */
};

/* Walk for linear address `la` as an access of kind `access` (TLB_RD, TLB_WR, TLB_EX) by mode `m`.
 * On success sets A (and D for writes) in the tables and fills *w. False: *fault holds the #PF.
 * With `peek` nothing is written and rights are not checked. */
bool walk(struct mmu *mmu, int m, u64 la, int access, bool peek, struct walk *w,
          struct mmu_fault *fault);

/* Enter the translation w (phys with A20 applied) of the page of la into the TLB of mode m, with
 * `rights`: BIT(TLB_RD), BIT(TLB_WR), BIT(TLB_EX). */
struct tlb_entry *mmu_enter(struct mmu *mmu, int m, u64 la, const struct walk *w, unsigned rights);

/* The memory region behind n bytes at physical address phys for reads (dir 0) or writes (1), or
 * NULL where devices or nothing answers. */
struct region *mmu_memory_find(struct mmu *mmu, u64 phys, unsigned n, int dir);
static inline struct region *mmu_memory(struct mmu *mmu, u64 phys, unsigned n, int dir)
{
    const struct mmu_window *w = &mmu->window[dir];
    if (LIKELY(phys - w->start < w->len && w->len - (phys - w->start) >= n))
        return w->region;
    return mmu_memory_find(mmu, phys, n, dir);
}

/* Load the PDPTEs that CR3 of `mode` points at; false when a present one has reserved bits set. */
bool walk_load_pdptes(struct mmu *mmu, const struct mmu_mode *mode, u64 out[4]);

#endif
