/* Watched bytes: linear ranges whose accesses somebody outside of the guest wants to know of. Their
 * pages have TLB_WATCH in the tags, so that no fast path takes them; all others are as they were.
 */
#ifndef MMU_WATCH_H
#define MMU_WATCH_H

#include "mmu/mmu.h"

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

/* The bytes [first, last], and which accesses to their pages are to be seen (WATCH_*). */
struct mmu_watch {
    u64 first, last;
    u8 what;
};

/* From now on these n ranges are watched, and no others: `seen` is called behind each read or write
 * of a page that one of them touches, byte by byte where the access crosses pages. The list must
 * stay where it is. n is 0: none. */
void mmu_watch(struct mmu *mmu, const struct mmu_watch *list, u32 n,
               void (*seen)(void *arg, u64 la, unsigned size, bool write), void *arg);

#endif
