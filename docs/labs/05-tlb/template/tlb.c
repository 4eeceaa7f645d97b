/* Lab 5: a software TLB. This one has no memory: each access walks the tables. The places to change
 * say HOLE. */
#include "docs/labs/05-tlb/tlb.h"

#include <stdlib.h>

struct tlb5 {
    walk_fn *walk;
    void *arg;
    /* HOLE 1: entries, each for one page. Which one is it for, what do the walks' answers allow? */
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

bool tlb5_translate(struct tlb5 *t, u32 la, bool write, bool user, u32 *phys)
{
    struct leaf leaf;

    /* HOLE 2: look first. An entry may be used only when the walk would succeed and would change
     * nothing in the tables: think of the D bit. */
    if (!t->walk(t->arg, la, write, user, &leaf))
        return false;
    *phys = leaf.phys | (la & 0xfff);
    return true;
}

void tlb5_flush(struct tlb5 *t, bool global)
{
    /* HOLE 3 */
}

void tlb5_invlpg(struct tlb5 *t, u32 la)
{
    /* HOLE 4 */
}
