/* Lab 5, test bench: random accesses and changes of page tables, through the student's TLB and by a
 * walk for each access. Walks are those of the project (mmu/walk.c). */
#include "docs/labs/05-tlb/tlb.h"

#include "docs/labs/common/score.h"
#include "mmu/walk.h"

#include <stdlib.h>
#include <string.h>

enum {
    MEMORY = 0x100000,
    DIRECTORY = 0x1000, /* one page table behind it maps the first 4 MiB */
    TABLE = 0x2000,
    PAGES = 96, /* linear pages that are used */
    P = 1,
    W = 2,
    U = 4,
    D = 0x40,
    G = 0x100,
    CR0_PG_WP = (int)0x80010001u,
    CR4_PGE_BIT = 0x80,
};

/* One machine: memory with tables, and our MMU for its walks. */
struct side {
    struct bus bus;
    struct ram_space space;
    struct ram ram;
    struct region region;
    struct mmu mmu;
    u64 walks;
};

static bool walk_side(void *arg, u32 la, bool write, bool user, struct leaf *leaf)
{
    struct side *s = arg;
    struct mmu_fault fault;
    struct walk w;

    s->walks++;
    if (!walk(&s->mmu, user ? MMU_USER : MMU_SUP, la, write ? TLB_WR : TLB_RD, false, &w, &fault))
        return false;
    *leaf = (struct leaf){(u32)w.phys, w.user, w.write, w.dirty || write, w.global};
    return true;
}

static void set_pte(struct side *s, u32 page, u32 pte)
{
    st32(s->ram.host + TABLE + 4 * page, pte);
}

static u32 get_pte(const struct side *s, u32 page)
{
    return ld32(s->ram.host + TABLE + 4 * page);
}

static void side_init(struct side *s)
{
    struct mmu_mode mode = {.cr3 = DIRECTORY, .cr0 = (u32)CR0_PG_WP, .cr4 = CR4_PGE_BIT};

    memset(s, 0, sizeof(*s));
    bus_init(&s->bus, "memory", BIT64(32), NULL);
    if (!ram_init(&s->ram, &s->space, MEMORY, NULL))
        exit(2);
    s->region = (struct region){.name = "ram", .size = MEMORY, .ram = &s->ram};
    bus_map(&s->bus, &s->region);
    mmu_init(&s->mmu, &s->bus, &s->space, NULL);
    s->mmu.phys_mask = 0xffffffffu;
    st32(s->ram.host + DIRECTORY, TABLE | P | W | U);
    for (u32 page = 0; page < PAGES; page++)
        set_pte(s, page, 0x10000 | page << 12 | P | W | U);
    mmu_set_mode(&s->mmu, &mode, true);
}

static void side_free(struct side *s)
{
    mmu_free(&s->mmu);
    bus_free(&s->bus);
    ram_free(&s->ram);
    ram_space_free(&s->space);
}

static u32 rnd(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (u32)(*seed >> 16);
}

/* One access on both sides: the same answer? */
static bool same_access(struct tlb5 *t, struct side *by_walk, u32 la, bool write, bool user,
                        u64 *right)
{
    u32 got = 0;
    struct leaf leaf;
    bool ok = tlb5_translate(t, la, write, user, &got);
    bool want = walk_side(by_walk, la, write, user, &leaf);

    *right += want;
    return ok == want && (!want || got == (leaf.phys | (la & 0xfff)));
}

/* Changes a page table entry on both sides and tells the TLB, as a kernel has to. */
static void change(struct tlb5 *t, struct side *a, struct side *b, u64 *seed)
{
    u32 r = rnd(seed), page = r % PAGES;
    u32 pte = (rnd(seed) % 128 + 16) << 12 | (r >> 8 & 15 ? P : 0) | (r >> 12 & 15 ? W : 0) |
              (r >> 16 & 15 ? U : 0) | (r >> 20 & 3 ? 0 : G);

    set_pte(a, page, pte);
    set_pte(b, page, pte);
    if (rnd(seed) & 7)
        tlb5_invlpg(t, page << 12 | (r >> 24));
    else
        tlb5_flush(t, true);
}

static void try_random(struct score *sc)
{
    enum { STEPS = 200000 };
    struct side a, b;
    struct tlb5 *t;
    u64 seed = 1, right = 0, step;
    u32 base = 0;
    bool dirty = true;

    side_init(&a);
    side_init(&b);
    t = tlb5_new(walk_side, &a);
    for (step = 0; t && step < STEPS; step++) {
        u32 r = rnd(&seed), la;

        if (r % 64 == 0)
            base = rnd(&seed) % (PAGES - 8); /* programs stay near where they are */
        la = (base + r / 64 % 8) << 12 | (rnd(&seed) & 0xfff);
        if (r % 101 == 0)
            change(t, &a, &b, &seed);
        if (!same_access(t, &b, la, r >> 20 & 1, r >> 21 & 1, &right))
            break;
    }
    for (u32 page = 0; page < PAGES; page++)
        dirty &= get_pte(&a, page) == get_pte(&b, page);
    score(sc, step == STEPS, "%llu of %u random accesses: the same addresses and faults",
          (unsigned long long)step, (unsigned)STEPS);
    score(sc, dirty && step == STEPS, "accessed and dirty bits are the same in the end");
    score(sc, step == STEPS && a.walks < b.walks / 3,
          "%llu walks for %llu accesses (less than a third)", (unsigned long long)a.walks,
          (unsigned long long)b.walks);
    if (t)
        tlb5_free(t);
    side_free(&a);
    side_free(&b);
}

/* Walks that `n` reads of page 5 and then page 6 cost. */
static u64 cost(struct tlb5 *t, struct side *s, u32 n)
{
    u64 before = s->walks;
    u32 phys;

    for (u32 i = 0; i < n; i++)
        (void)tlb5_translate(t, (5 + i % 2) << 12, false, false, &phys);
    return s->walks - before;
}

static void try_flushes(struct score *sc)
{
    struct side s;
    struct tlb5 *t;

    side_init(&s);
    set_pte(&s, 5, get_pte(&s, 5) | G);
    t = tlb5_new(walk_side, &s);
    if (t) {
        u64 first = cost(t, &s, 100), again = cost(t, &s, 100), kept, all, one;

        tlb5_flush(t, false);
        kept = cost(t, &s, 100);
        tlb5_flush(t, true);
        all = cost(t, &s, 100);
        tlb5_invlpg(t, 5 << 12 | 0x123);
        one = cost(t, &s, 100);
        score(sc, first == 2 && again == 0, "two pages cost two walks, and none the next time");
        score(sc, kept == 1, "behind a flush the global page is there, the other is walked for");
        score(sc, all == 2, "behind a flush of everything both are walked for");
        score(sc, one == 1, "INVLPG drops a global page, too, and only that");
        tlb5_free(t);
    }
    side_free(&s);
}

int main(void)
{
    struct score sc = {0, 0};

    try_random(&sc);
    try_flushes(&sc);
    return score_status(&sc);
}
