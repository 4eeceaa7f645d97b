/* What lab 5 asks for: a software TLB in front of a page walk. 32-bit paging with pages of 4 KiB
 * (SDM vol. 3 sections 4.3, 4.6 and 4.10). */
#ifndef DOCS_LABS_05_TLB_TLB_H
#define DOCS_LABS_05_TLB_TLB_H

#include "devices/core/types.h"

/* What a walk of the page tables found, beside the physical page. */
struct leaf {
    u32 phys;    /* address of the page */
    bool user;   /* level 3 may use it */
    bool write;  /* it may be written (CR0.WP is set: by all levels) */
    bool dirty;  /* its D bit is set, now that the walk has ended */
    bool global; /* its G bit is set: a flush that is not of everything leaves it */
};

/* Walk the tables for an access and set A, and D for a write. False: a page fault. */
typedef bool walk_fn(void *arg, u32 la, bool write, bool user, struct leaf *leaf);

struct tlb5;

/* A TLB that asks `walk` for what it does not have; NULL: no memory. */
struct tlb5 *tlb5_new(walk_fn *walk, void *arg);
void tlb5_free(struct tlb5 *t);
/* The physical address of la into *phys. False: a page fault. */
bool tlb5_translate(struct tlb5 *t, u32 la, bool write, bool user, u32 *phys);
/* CR3 was written: forget all, but translations of global pages only when `global`. */
void tlb5_flush(struct tlb5 *t, bool global);
/* INVLPG: forget the page of la, global or not. */
void tlb5_invlpg(struct tlb5 *t, u32 la);

#endif
