/* Lab 5, reference solution: a direct-mapped TLB of 64 entries. */
#include "docs/labs/05-tlb/tlb.h"

#include <stdlib.h>

enum { ENTRIES = 64 };

struct entry {
    bool used;
    u32 page; /* linear address of it */
    struct leaf leaf;
};

struct tlb5 {
    walk_fn *walk;
    void *arg;
    struct entry e[ENTRIES];
};

struct tlb5 *tlb5_new(walk_fn *walk, void *arg)
{
    struct tlb5 *t = calloc(1, sizeof(*t));

    if (t) {
        t->walk = walk;
        t->arg = arg;
    }
    return t;
}

void tlb5_free(struct tlb5 *t)
{
    free(t);
}

static struct entry *place(struct tlb5 *t, u32 la)
{
    return &t->e[(la >> 12) % ENTRIES];
}

/* May the access go ahead without a walk? A write needs a D bit that is set already; whatever the
 * entry does not allow is walked for, too: the tables may allow it by now, and only a walk may say
 * that there is a page fault. */
static bool allows(const struct entry *e, u32 la, bool write, bool user)
{
    return e->used && e->page == (la & ~0xfffu) && (!user || e->leaf.user) &&
           (!write || (e->leaf.write && e->leaf.dirty));
}

bool tlb5_translate(struct tlb5 *t, u32 la, bool write, bool user, u32 *phys)
{
    struct entry *e = place(t, la);

    if (!allows(e, la, write, user)) {
        struct leaf leaf;

        if (!t->walk(t->arg, la, write, user, &leaf))
            return false;
        *e = (struct entry){true, la & ~0xfffu, leaf};
    }
    *phys = e->leaf.phys | (la & 0xfff);
    return true;
}

void tlb5_flush(struct tlb5 *t, bool global)
{
    for (u32 i = 0; i < ENTRIES; i++)
        if (global || !t->e[i].leaf.global)
            t->e[i].used = false;
}

void tlb5_invlpg(struct tlb5 *t, u32 la)
{
    struct entry *e = place(t, la);

    if (e->page == (la & ~0xfffu))
        e->used = false;
}
