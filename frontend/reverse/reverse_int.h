/* The inside of running backwards: reverse.c (beginning and end, asking and telling, machines that
 * run forwards), back.c (the way back, piece by piece). */
#ifndef FRONTEND_REVERSE_REVERSE_INT_H
#define FRONTEND_REVERSE_REVERSE_INT_H

#include "cpu/sys/stop.h"
#include "frontend/reverse/history.h"
#include "frontend/reverse/reverse.h"

enum { REV_WINDOW = 64 }; /* instructions in front that a step back looks at, at first */

enum way { WAY_NONE, WAY_STEP, WAY_CONTINUE, WAY_SEEK };
enum phase {
    PH_BEGIN, /* nothing done yet */
    PH_RUN,   /* to r->target, and that is it */
    PH_FRONT, /* to r->lo, from where each instruction is looked at */
    PH_LOOK,  /* up to r->origin */
    PH_SCAN,  /* an interval, noting stop points */
    PH_MEET,  /* at r->target: on to the stop point there */
};

/* Where an instruction begins, as far as two of the same count can differ. */
struct where {
    u64 rip, base, sum; /* sum: of the general registers */
    bool rf;
};

struct found {
    struct stop_hit hit;
    u64 target; /* instructions in front of it */
    u32 turn;   /* the how manieth hit with that count; 0: it is in front of the instruction */
    bool any;
};

struct reverse {
    struct history h;
    bool begun;   /* there is a history, and it is this machine's */
    bool none;    /* there cannot be one for this machine */
    bool lost;    /* the machine is in no state: it could not come back from its past */
    bool changed; /* somebody changed the machine's state since the last point */
    enum way way;
    enum phase phase;
    u64 origin; /* instructions when it was asked for */
    struct where from;
    u64 target, lo, window;
    struct where *seen; /* at lo, lo + 1, ... */
    u32 nseen, cap;
    const struct point *interval; /* PH_SCAN: it began here, and ends at scan_end */
    u64 scan_end, last_hit;
    u32 turn;
    struct found found;
    const char *log_end;
};

/* Instructions executed so far, and where the next one is. */
static inline u64 reverse_now(const struct vm *vm)
{
    return cpu_icount(vm_cpu(vm));
}
struct where reverse_here(const struct vm *vm);
/* The machine is where it was to go, in front of `hit` (or NULL): it stops. log_end: "begin" or
 * NULL. */
void reverse_finish(struct vm *vm, const struct stop_hit *hit, const char *log_end);
/* It cannot be done: the machine stops in the present, or, when that cannot be gone to either, in
 * no state (reverse_lost); `why` is told. */
void reverse_fail(struct vm *vm, const char *why);

#endif
