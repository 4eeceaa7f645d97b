/* The points of a machine's history, and going from one to another. */
#ifndef FRONTEND_REVERSE_HISTORY_H
#define FRONTEND_REVERSE_HISTORY_H

#include "frontend/reverse/point.h"

enum {
    HIST_STEP = 1 << 24, /* instructions between two points near the present */
    HIST_FINE = 64,      /* further back, a point about every (age / HIST_FINE) */
    HIST_LOCALS = 48,    /* points made while looking at the past */
};

struct history {
    struct vm *vm;
    u64 limit;        /* bytes that it may take */
    u64 every;        /* instructions between two points near the present */
    struct point **p; /* by time; the last is the present, or where the machine left it */
    u32 n, cap;
    u32 base; /* dirty bits say what was written since the machine was at this point */
    u32 end;  /* in the past: the point where the run must not simply go on */
    bool past;
    struct pages ram;
    struct hist_disk disk[VM_DRIVES];
    /* Linear pages written, and what code ran, since the last point, in the present. */
    struct numset writes;
    struct ran ran;
    struct mmu_notes notes;
    u64 next_at; /* when the next point is due */
    u64 begun;   /* so often did history begin anew */
};

/* History begins here and now, in the present. False with *err: it cannot. */
bool history_begin(struct history *h, struct vm *vm, u64 limit, struct err *err);
void history_free(struct history *h);
/* Make a point of where the machine is: behind the last one in the present (then, if a medium was
 * changed since, history begins anew with it), else among those that there are. NULL: not possible.
 */
struct point *history_add(struct history *h);
/* Leave out points, oldest history last, until what is kept fits. In the present. */
void history_thin(struct history *h);
/* The machine goes to point i. The last one is the present: it is live again. False with *err: then
 * the machine is in no state; the last point may still be gone to, as often as that takes. */
bool history_go(struct history *h, u32 i, struct err *err);
/* The machine ends: drives have their images again, wherever it is. */
void history_leave(struct history *h);
/* The last point in front of instruction `icount`, or 0; the last one not behind it, or 0. */
u32 history_before(const struct history *h, u64 icount);
u32 history_at(const struct history *h, u64 icount);
/* Did nothing write to the linear page (number) between points i and i + 1; did no instruction
 * begin at linear address la? False: perhaps. */
bool history_unwritten(const struct history *h, u32 i, u64 page);
bool history_unrun(const struct history *h, u32 i, u64 la);
/* Bytes in use. */
u64 history_bytes(const struct history *h);

#endif
