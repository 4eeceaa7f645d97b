/* Saving and loading what the TLB holds. Two numbers for each translation: its linear and its physical
 * page, with the rest of what is known in their low bits. What follows from memory as it is (host
 * addresses, flags of fast paths) is made anew. */
#include "mmu/walk.h"

#include "devices/core/snap.h"

enum {
    L_RD = BIT(TLB_RD),
    L_WR = BIT(TLB_WR),
    L_EX = BIT(TLB_EX),
    L_RIGHTS = L_RD | L_WR | L_EX,
    L_GLOBAL = 8,
    L_MODE = 16,
    L_ALL = 31,
};

static bool maps(u64 tag)
{
    return (tag & PAGE_MASK) != TLB_INVALID;
}

void mmu_note_writes(struct mmu *mmu, void (*writes)(void *arg, u64 page_la), void *arg)
{
    mmu->writes = writes;
    mmu->writes_arg = arg;
}

void mmu_tlb_save(const struct mmu *mmu, struct snap *snap)
{
    for (u64 m = 0; m < MMU__MODES; m++)
        for (u32 i = 0; i < TLB_SIZE; i++) {
            const struct tlb_entry *e = &mmu->tlb[m].e[i];
            const struct tlb_cold *c = &mmu->tlb[m].cold[i];
            u64 rights = (maps(e->rd) ? L_RD : 0) | (maps(e->wr) ? L_WR : 0) |
                         (maps(e->ex) ? L_EX : 0);
            if (!c->used || !rights)
                continue;
            snap_put_u64(snap, c->la | rights | (c->global ? L_GLOBAL : 0) | (m ? L_MODE : 0));
            snap_put_u64(snap, c->phys | c->large);
        }
}

bool mmu_tlb_load(struct mmu *mmu, struct snap *snap)
{
    mmu_flush(mmu, true);
    mmu->large_lo = ~(u64)0, mmu->large_hi = 0;
    while (snap->pos < snap->len) {
        u64 la = snap_get_u64(snap), phys = snap_get_u64(snap);
        struct walk w = {.phys = phys & ~(u64)PAGE_MASK,
                         .global = la & L_GLOBAL,
                         .large = (u8)(phys & PAGE_MASK)};
        if (snap->bad || (la & PAGE_MASK) > L_ALL || (phys & PAGE_MASK) > 30) {
            mmu_flush(mmu, true);
            return false;
        }
        mmu_enter(mmu, la & L_MODE ? MMU_USER : MMU_SUP, la & ~(u64)PAGE_MASK, &w,
                  (unsigned)(la & L_RIGHTS));
    }
    return true;
}
