/* Saving and loading what the TLB holds. Two numbers for each translation: its linear and its
 * physical page, with the rest of what is known in their low bits. What follows from memory as it
 * is (host addresses, flags of fast paths) is made anew. */
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

/* Do with each entry that is in use, once. */
typedef void each_fn(void *arg, struct tlb_entry *e, const struct tlb_cold *c, int m);
static void each(const struct mmu *mmu, each_fn *fn, void *arg)
{
    for (int m = 0; m < MMU__MODES; m++)
        for (unsigned list = 0; list < 2; list++)
            for (u32 k = 0; k < mmu->tlb[m].nused[list]; k++) {
                const struct tlb *t = &mmu->tlb[m];
                u16 i = t->used[list][k];
                if (!list || !(t->cold[i].used & BIT(0)))
                    fn(arg, (struct tlb_entry *)&t->e[i], &t->cold[i], m);
            }
}

static void watch_fetches(void *arg, struct tlb_entry *e, const struct tlb_cold *c, int m)
{
    if (maps(e->ex))
        e->ex |= TLB_WATCH;
}

void mmu_note(struct mmu *mmu, const struct mmu_notes *notes)
{
    mmu->notes = notes;
    if (!notes)
        return;
    each(mmu, watch_fetches, NULL);
    /* Whoever caches where code is has to ask again. */
    mmu->gen++;
    mmu->gen_global++;
}

static void save(void *arg, struct tlb_entry *e, const struct tlb_cold *c, int m)
{
    u64 rights = (maps(e->rd) ? L_RD : 0) | (maps(e->wr) ? L_WR : 0) | (maps(e->ex) ? L_EX : 0);
    u8 two[16];
    if (!rights)
        return;
    st64(two, c->la | rights | (c->global ? L_GLOBAL : 0) | (m ? L_MODE : 0));
    st64(two + 8, c->phys | c->large);
    snap_put(arg, two, sizeof(two));
}

void mmu_tlb_save(const struct mmu *mmu, struct snap *snap)
{
    each(mmu, save, snap);
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
