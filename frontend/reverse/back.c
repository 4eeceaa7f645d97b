/* The way back: from a point in front, forwards to the very instruction. What was met last is
 * looked for interval by interval, from the present to the beginning. */
#include "frontend/reverse/reverse_int.h"

#include "frontend/replay/replay.h"

#include <stdlib.h>

enum {
    SLICE_NS = 20000000,  /* reverse_work comes back at least so often */
    WINDOW_MAX = 1 << 18, /* instructions that a step back looks at: runs of a string instruction */
    NEAR = 1 << 18,       /* so far from a point, another is made beside the place looked at */
    MAX_WATCHED = 1 << 16, /* pages of watched ranges that are looked up */
};

/* ---- moving ---- */

/* False: it could not be done, and the operation is over. */
static bool go(struct vm *vm, u32 i)
{
    struct reverse *r = vm->reverse;
    struct err err;

    if (i + 1 == r->h.n && !r->h.past)
        return true; /* there it is */
    if (history_go(&r->h, i, &err))
        return true;
    reverse_fail(vm, err.msg);
    return false;
}

/* A few turns forwards, to `until` at most. False: the operation is over. */
static bool pass(struct vm *vm, u64 until)
{
    const char *why;

    vm_pass(vm, until);
    why = replay_differs(vm);
    if (why && vm->reverse->way)
        reverse_fail(vm, why);
    return !why && vm->running && vm->reverse->way;
}

/* The operation ends in front of instruction `target`, behind the one before it: a point with that
 * very count may be further, behind the delivery of an interrupt. `least`: the point to begin at,
 * or one behind it. */
static void run_from(struct vm *vm, u32 least, u64 target)
{
    struct reverse *r = vm->reverse;

    r->target = target;
    r->last_hit = ~(u64)0;
    r->phase = PH_RUN;
    go(vm, MAX(least, history_before(&r->h, target)));
}

static void run_to(struct vm *vm, u64 target)
{
    run_from(vm, 0, target);
}

static void to_begin(struct vm *vm)
{
    if (go(vm, 0))
        reverse_finish(vm, NULL, "begin");
}

/* Where we are will be gone to again soon: make that cheap. */
static void remember(struct vm *vm)
{
    struct history *h = &vm->reverse->h;

    if (h->past && reverse_now(vm) - h->p[h->base]->icount > NEAR)
        history_add(h);
}

/* ---- one instruction back ---- */

/* A point that does not follow from what was before, the last one in front of `icount`; else 0. */
static u32 barrier_before(const struct history *h, u64 icount)
{
    u32 i = history_before(h, icount);

    while (i && !h->p[i]->barrier)
        i--;
    return i;
}

static void step_begin(struct vm *vm)
{
    struct reverse *r = vm->reverse;
    struct history *h = &r->h;
    u64 least = h->p[barrier_before(h, r->origin)]->icount;

    if (r->origin <= h->p[0]->icount) {
        to_begin(vm);
        return;
    }
    r->lo = MAX(r->origin - MIN(r->origin, r->window), least);
    r->nseen = 0;
    r->phase = PH_FRONT;
    go(vm, history_at(h, r->lo));
}

static bool see(struct reverse *r, const struct vm *vm)
{
    u64 i = reverse_now(vm) - r->lo;

    if (i < r->nseen)
        return true;
    if (i >= r->cap) {
        u32 cap = MAX(2 * r->cap, (u32)REV_WINDOW * 2);
        struct where *more = i < cap ? realloc(r->seen, cap * sizeof(*more)) : NULL;

        if (!more)
            return false;
        r->seen = more;
        r->cap = cap;
    }
    r->seen[i] = reverse_here(vm);
    r->nseen = (u32)i + 1;
    return true;
}

/* Is what comes at place i another run of the string instruction in front of it? */
static bool goes_on(const struct reverse *r, u32 i)
{
    return i && r->seen[i].rf && r->seen[i].rip == r->seen[i - 1].rip &&
           r->seen[i].base == r->seen[i - 1].base;
}

static void step_choose(struct vm *vm)
{
    struct reverse *r = vm->reverse;
    const struct where *last = &r->seen[r->nseen - 1];
    u32 i = r->nseen - 1;
    bool all = r->lo <= r->h.p[barrier_before(&r->h, r->origin)]->icount;
    bool same = last->rip == r->from.rip && last->base == r->from.base && last->sum == r->from.sum;

    /* If an interrupt was delivered since the last instruction, a string instruction is on its way,
     * or somebody changed registers, what was before that is a place of its own. */
    if (same && !i) {
        to_begin(vm);
        return;
    }
    i -= same;
    while (goes_on(r, i))
        i--;
    if (!i && !all && r->seen[0].rf && r->window < WINDOW_MAX) {
        r->window *= 16;
        step_begin(vm);
        return;
    }
    run_to(vm, r->lo + i);
}

static void step_look(struct vm *vm)
{
    struct reverse *r = vm->reverse;

    if (!see(r, vm))
        reverse_fail(vm, "there is no memory for the instructions in front");
    else if (reverse_now(vm) < r->origin)
        pass(vm, reverse_now(vm) + 1);
    else
        step_choose(vm);
}

/* ---- back to a stop point ---- */

/* Can none of the stop points have been met between points i and i + 1? Writes were to other pages,
 * and code ran elsewhere. */
static bool nothing_there(const struct vm *vm, u32 i)
{
    const struct history *h = &vm->reverse->h;
    const struct stop *s;
    u64 pages = 0;

    for (unsigned k = 0; (s = stop_at(vm_cpu(vm), k)); k++) {
        u64 first = s->addr >> PAGE_BITS, n = ((s->addr + (s->len - 1)) >> PAGE_BITS) - first + 1;

        if (s->kind == STOP_CODE && history_unrun(h, i, s->addr))
            continue;
        if (s->kind != STOP_WRITE || (pages += n) > MAX_WATCHED)
            return false;
        while (n--)
            if (!history_unwritten(h, i, first + n))
                return false;
    }
    return true;
}

/* The next interval to be looked at is that of point i, or one further back. */
static void scan_from(struct vm *vm, u32 i)
{
    struct reverse *r = vm->reverse;
    struct history *h = &r->h;

    while (i && nothing_there(vm, i))
        i--;
    if (!i && nothing_there(vm, 0)) {
        to_begin(vm);
        return;
    }
    r->scan_end = i + 1 < h->n ? MIN(r->origin, h->p[i + 1]->icount) : r->origin;
    r->interval = h->p[i];
    r->found.any = false;
    r->last_hit = ~(u64)0;
    r->phase = PH_SCAN;
    go(vm, i);
}

bool reverse_met(struct vm *vm, const struct stop_hit *hit)
{
    struct reverse *r = vm->reverse;
    bool code = hit->stop.kind == STOP_CODE || hit->stop.kind == STOP_PHYS ||
                hit->stop.kind == STOP_INTR || hit->stop.kind == STOP_EXC;
    u64 at = reverse_now(vm);

    if (!r || !r->way)
        return false;
    r->turn = at == r->last_hit ? r->turn + 1 : 1;
    r->last_hit = at;
    if (r->phase == PH_SCAN && (code ? at < r->origin : at != 0))
        r->found =
            (struct found){*hit, code || hit->within ? at : at - 1, code ? r->turn : 0, true};
    else if ((r->phase == PH_MEET || r->phase == PH_RUN) && code && at == r->target &&
             r->turn == r->found.turn) /* exceptions are met by the instruction in front */
        reverse_finish(vm, hit, NULL);
    return true;
}

static void scan(struct vm *vm)
{
    struct reverse *r = vm->reverse;
    struct history *h = &r->h;
    u32 i;

    if (reverse_now(vm) < r->scan_end) {
        if (reverse_now(vm) - h->p[h->base]->icount >= h->every &&
            r->scan_end - reverse_now(vm) > NEAR)
            history_add(h);
        pass(vm, r->scan_end);
        return;
    }
    for (i = 0; h->p[i] != r->interval;)
        i++;
    if (r->found.any) {
        run_from(vm, i, r->found.target);
        return;
    }
    if (i)
        scan_from(vm, i - 1);
    else
        to_begin(vm);
}

/* At the instruction that was looked for. */
static void arrived(struct vm *vm)
{
    struct reverse *r = vm->reverse;

    if (r->way == WAY_CONTINUE && r->found.turn) {
        r->phase = PH_MEET;
        return;
    }
    remember(vm);
    reverse_finish(vm, r->way == WAY_CONTINUE ? &r->found.hit : NULL, NULL);
}

/* ---- piece by piece ---- */

static void begin(struct vm *vm)
{
    struct reverse *r = vm->reverse;

    if (r->way == WAY_STEP)
        step_begin(vm);
    else if (r->way == WAY_SEEK && r->target == r->h.p[r->h.n - 1]->icount)
        r->phase = go(vm, r->h.n - 1) ? PH_RUN : r->phase;
    else if (r->way == WAY_SEEK)
        run_to(vm, r->target);
    else if (r->origin <= r->h.p[0]->icount)
        to_begin(vm);
    else if (r->found.any)
        run_to(vm, r->found.target);
    else
        scan_from(vm, history_before(&r->h, r->origin));
}

static void piece(struct vm *vm)
{
    struct reverse *r = vm->reverse;

    switch (r->phase) {
    case PH_BEGIN: begin(vm); break;
    case PH_RUN:
        if (reverse_now(vm) < r->target)
            pass(vm, r->target);
        else
            arrived(vm);
        break;
    case PH_FRONT:
        if (reverse_now(vm) < r->lo) {
            pass(vm, r->lo);
            break;
        }
        remember(vm);
        r->lo = reverse_now(vm);
        r->phase = PH_LOOK;
        break;
    case PH_LOOK: step_look(vm); break;
    case PH_SCAN: scan(vm); break;
    case PH_MEET:
        if (reverse_now(vm) > r->target)
            reverse_fail(vm, "what stopped there before does not now");
        else
            pass(vm, r->target + 1);
        break;
    }
}

bool reverse_busy(const struct vm *vm)
{
    return vm->reverse && vm->reverse->way;
}

void reverse_work(struct vm *vm)
{
    u64 until = host_now() + SLICE_NS;

    do
        piece(vm);
    while (reverse_busy(vm) && vm->running && !vm->quit && host_now() < until);
}
