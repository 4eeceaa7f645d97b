/* A point in history: all of the machine between two instructions, in memory of this process. Pages
 * of memory and disks are kept by how they differ from other points; the rest is here as it is. */
#ifndef FRONTEND_REVERSE_POINT_H
#define FRONTEND_REVERSE_POINT_H

#include "cpu/sys/ran.h"
#include "devices/core/snap.h"
#include "frontend/replay/replay.h"
#include "frontend/reverse/disks.h"
#include "frontend/state/parts.h"
#include "frontend/vm.h"

enum { POINT_LISTS = 1 + VM_DRIVES }; /* memory, then the drives */

struct point {
    u64 serial;        /* grows from point to point; 1 or more */
    u64 icount, clock; /* where it is */
    bool barrier;      /* it does not follow from the point before: a debugger changed something */
    bool local;        /* made while looking at the past, for the neighbourhood */
    struct vm_time time;
    struct snap timers, parts, tlb, drive[VM_DRIVES];
    struct replay_place log;
    struct page_list list[POINT_LISTS]; /* pages that changed since the point before */
    struct numset writes; /* numbers of the linear pages that were written since then */
    struct ran ran;       /* what code ran since then */
    u64 bytes;            /* of the snaps */
};

/* The machine as it is now, but for pages; it stands, or is between two instructions. NULL: no
 * memory. */
struct point *point_take(struct vm *vm);
/* Put it back; pages and disks are there already, and no dirty bit is set where memory is as at
 * that point. False with *err: then the machine is in no state at all. */
bool point_put(struct vm *vm, const struct point *p, struct err *err);
void point_free(struct point *p);

/* ---- memory ---- */
/* Keep the pages of all memories that were written since the dirty bits were last cleared, and
 * clear them; `all`: every page that is not zero. */
void memory_keep(struct vm *vm, struct pages *pages, struct page_list *list, u64 serial, bool all);
/* Memory becomes as it was at `serial`: what was written since the bits were cleared, and the pages
 * of lists[0..n), are looked at. Clears the bits. */
void memory_go(struct vm *vm, const struct pages *pages, struct page_list *const *lists, u32 n,
               u64 serial);

#endif
