/* The page-table walk: 2-level, PAE and 4-level (SDM vol. 3 ch. 4). */
#ifndef MMU_WALK_H
#define MMU_WALK_H

#include "mmu/mmu.h"

struct walk {
    u64 phys;      /* physical address of the 4 KiB page that holds the address */
    bool user, write, exec; /* rights of the translation, before CR0.WP is considered */
    bool dirty;    /* the leaf's D bit is set */
    bool global, large;
};

/* Walk for linear address `la` as an access of kind `access` (TLB_RD, TLB_WR, TLB_EX) by mode `m`. On success sets A (and D
 * for writes) in the tables and fills *w. False: *fault holds the #PF. With `peek` nothing is written and rights are not
 * checked. */
bool walk(struct mmu *mmu, int m, u64 la, int access, bool peek, struct walk *w, struct mmu_fault *fault);

/* Load the PDPTEs that CR3 of `mode` points at; false when a present one has reserved bits set. */
bool walk_load_pdptes(struct mmu *mmu, const struct mmu_mode *mode, u64 out[4]);

#endif
