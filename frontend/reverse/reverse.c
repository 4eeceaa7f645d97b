/* Going back: from a point in front, forwards to the very instruction. What was met last is looked
 * for interval by interval, from the present to the beginning. */
#include "frontend/reverse/reverse.h"

#include "cpu/sys/stop.h"
#include "frontend/gdb/server.h"
#include "frontend/monitor/monitor.h"
#include "frontend/replay/replay.h"
#include "frontend/reverse/history.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLICE_NS = 20000000,   /* reverse_work comes back at least so often */
    WINDOW = 64,           /* instructions in front that a step back looks at, and at most: the */
    WINDOW_MAX = 1 << 18,  /* runs of a string instruction are one step */
    NEAR = 1 << 18,        /* so far from a point, another is made beside the place looked at */
    MAX_WATCHED = 1 << 16, /* pages of watched ranges that are looked up */
};

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

static u64 now(const struct vm *vm)
{
    return cpu_icount(vm_cpu(vm));
}

static struct where here(const struct vm *vm)
{
    const struct cpu *cpu = vm_cpu(vm);
    u64 sum = 0;

    for (unsigned i = 0; i < 16; i++)
        sum = sum * 31 + cpu->gpr[i];
    return (struct where){cpu->rip, cpu->seg[SEG_CS].base, sum, (cpu->eflags & FL_RF) != 0};
}

/* ---- beginning and end ---- */

bool reverse_start(struct vm *vm, struct err *err)
{
    struct reverse *r;

    if (!reverse_wanted(vm->opt))
        return true;
    vm->reverse = r = calloc(1, sizeof(*r));
    if (!r)
        return err_set(err, "There is no memory to remember what the machine did.");
    r->h.every = HIST_STEP;
    r->begun = history_begin(&r->h, vm, vm->opt->reverse_mem, err);
    return r->begun;
}

/* History up to date with the machine as it is, which is live. False with *err: there is none. */
static bool up_to_date(struct vm *vm, struct err *err)
{
    struct reverse *r = vm->reverse;
    struct point *p = r->h.n ? r->h.p[r->h.n - 1] : NULL;

    if (!r->begun) {
        r->changed = false;
        r->begun = history_begin(&r->h, vm, vm->opt->reverse_mem, err);
        return r->begun;
    }
    if (!r->changed && p->icount == now(vm) && p->clock == clock_now(&vm->clock))
        return true;
    p = history_add(&r->h);
    if (!p)
        return err_set(err, "There is no memory to remember what the machine did.");
    p->barrier = r->changed;
    r->changed = false;
    return true;
}

void reverse_forget(struct vm *vm)
{
    if (vm->reverse)
        vm->reverse->begun = false;
}

void reverse_end(struct vm *vm)
{
    struct reverse *r = vm->reverse;
    struct err err;

    if (!r || !r->h.past)
        return;
    r->way = WAY_NONE;
    if (!history_go(&r->h, r->h.n - 1, &err))
        fprintf(stderr, "dragoman: the machine does not come back from its past: %s\n", err.msg);
}

void reverse_free(struct vm *vm)
{
    struct reverse *r = vm->reverse;

    if (!r)
        return;
    reverse_end(vm);
    history_free(&r->h);
    free(r->seen);
    free(r);
    vm->reverse = NULL;
}

void reverse_every(struct vm *vm, u64 insns)
{
    if (vm->reverse) {
        vm->reverse->h.every = insns;
        vm->reverse->h.next_at = now(vm) + insns;
    }
}

void reverse_limit(struct vm *vm, u64 bytes)
{
    if (vm->reverse)
        vm->reverse->h.limit = bytes;
}

/* ---- telling ---- */

bool reverse_on(const struct vm *vm)
{
    return vm->reverse != NULL;
}

const char *reverse_log_end(const struct vm *vm)
{
    return vm->reverse ? vm->reverse->log_end : NULL;
}

bool reverse_describe(const struct vm *vm, struct reverse_info *info)
{
    const struct reverse *r = vm->reverse;
    const struct history *h;

    if (!r || !r->begun)
        return false;
    h = &r->h;
    *info = (struct reverse_info){
        .begin = h->p[0]->icount,
        .now = now(vm),
        .present = h->past ? h->p[h->n - 1]->icount : now(vm),
        .bytes = history_bytes(h),
        .limit = h->limit,
        .points = h->n,
        .past = h->past,
    };
    return true;
}

static void finish(struct vm *vm, const struct stop_hit *hit, const char *log_end)
{
    struct reverse *r = vm->reverse;
    struct stop_hit front = hit ? *hit : (struct stop_hit){0};
    char text[256], line[400];

    r->way = WAY_NONE;
    front.within = false; /* it is all of it that lies ahead */
    stop_report(vm_cpu(vm), &front);
    r->log_end = log_end;
    snprintf(line, sizeof(line), "instruction %llu%s%s%s", (unsigned long long)now(vm),
             hit ? ", in front of: " : "", hit ? stop_text(hit, text, sizeof(text)) : "",
             log_end ? ", where history begins" : "");
    vm->debug_stop = true;
    vm_stop(vm, "paused (debug)");
    if (!gdb_server_attached(vm->gdb))
        monitor_tell(vm, line);
    r->log_end = NULL;
}

/* It cannot be done: say so, in the present. */
static void fail(struct vm *vm, const char *why)
{
    struct reverse *r = vm->reverse;
    char line[500];
    struct err err;

    snprintf(line, sizeof(line), "going back stopped at instruction %llu: %s",
             (unsigned long long)now(vm), why);
    r->way = WAY_NONE;
    if (!history_go(&r->h, r->h.n - 1, &err))
        BUG("the machine does not come back from its past: %s", err.msg);
    fprintf(stderr, "dragoman: %s\n", line);
    gdb_server_say(vm->gdb, line);
    stop_report(vm_cpu(vm), NULL);
    vm->debug_stop = true;
    vm_stop(vm, "paused (debug)");
    monitor_tell(vm, line);
}

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
    fail(vm, err.msg);
    return false;
}

/* A few turns forwards, to `until` at most. False: the operation is over. */
static bool pass(struct vm *vm, u64 until)
{
    const char *why;

    vm_pass(vm, until);
    why = replay_differs(vm);
    if (why && vm->reverse->way)
        fail(vm, why);
    return !why && vm->running && vm->reverse->way;
}

/* The operation ends in front of instruction `target`. */
static void run_to(struct vm *vm, u64 target)
{
    struct reverse *r = vm->reverse;

    r->target = target;
    r->phase = PH_RUN;
    go(vm, history_at(&r->h, target));
}

static void to_begin(struct vm *vm)
{
    if (go(vm, 0))
        finish(vm, NULL, "begin");
}

/* Where we are will be gone to again soon: make that cheap. */
static void remember(struct vm *vm)
{
    struct history *h = &vm->reverse->h;

    if (h->past && now(vm) - h->p[h->base]->icount > NEAR)
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
    u64 i = now(vm) - r->lo;

    if (i < r->nseen)
        return true;
    if (i >= r->cap) {
        u32 cap = MAX(2 * r->cap, (u32)WINDOW * 2);
        struct where *more = i < cap ? realloc(r->seen, cap * sizeof(*more)) : NULL;

        if (!more)
            return false;
        r->seen = more;
        r->cap = cap;
    }
    r->seen[i] = here(vm);
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
        fail(vm, "there is no memory for the instructions in front");
    else if (now(vm) < r->origin)
        pass(vm, now(vm) + 1);
    else
        step_choose(vm);
}

/* ---- back to a stop point ---- */

/* Can none of the stop points have been met between points i and i + 1? Writes were to other pages,
 * and code ran in others. */
static bool nothing_there(const struct vm *vm, u32 i)
{
    const struct history *h = &vm->reverse->h;
    const struct stop *s;
    u64 pages = 0;

    for (unsigned k = 0; (s = stop_at(vm_cpu(vm), k)); k++) {
        u64 first = s->addr >> PAGE_BITS, n = ((s->addr + (s->len - 1)) >> PAGE_BITS) - first + 1;

        if (s->kind == STOP_CODE && history_unrun(h, i, first))
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
    u64 at = now(vm);

    if (!r || !r->way)
        return false;
    r->turn = at == r->last_hit ? r->turn + 1 : 1;
    r->last_hit = at;
    if (r->phase == PH_SCAN && (code ? at < r->origin : at != 0))
        r->found =
            (struct found){*hit, code || hit->within ? at : at - 1, code ? r->turn : 0, true};
    else if (r->phase == PH_MEET && code && at == r->target && r->turn == r->found.turn)
        finish(vm, hit, NULL);
    return true;
}

static void scan(struct vm *vm)
{
    struct reverse *r = vm->reverse;
    struct history *h = &r->h;
    u32 i;

    if (now(vm) < r->scan_end) {
        if (now(vm) - h->p[h->base]->icount >= h->every && r->scan_end - now(vm) > NEAR)
            history_add(h);
        pass(vm, r->scan_end);
        return;
    }
    if (r->found.any) {
        run_to(vm, r->found.target);
        return;
    }
    for (i = 0; h->p[i] != r->interval;)
        i++;
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
        r->last_hit = ~(u64)0;
        return;
    }
    remember(vm);
    finish(vm, r->way == WAY_CONTINUE ? &r->found.hit : NULL, NULL);
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
        if (now(vm) < r->target)
            pass(vm, r->target);
        else
            arrived(vm);
        break;
    case PH_FRONT:
        if (now(vm) < r->lo) {
            pass(vm, r->lo);
            break;
        }
        remember(vm);
        r->lo = now(vm);
        r->phase = PH_LOOK;
        break;
    case PH_LOOK: step_look(vm); break;
    case PH_SCAN: scan(vm); break;
    case PH_MEET:
        if (now(vm) > r->target)
            fail(vm, "what stopped there before does not now");
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

static bool ask(struct vm *vm, enum way way, struct err *err)
{
    struct reverse *r = vm->reverse;

    if (!r)
        return err_set(err, "There is no recording to go back in: -icount with -gdb, or with "
                            "reverse=on, makes one.");
    vm_stop(vm, "paused");
    if (!r->h.past && !up_to_date(vm, err))
        return false;
    r->way = way;
    r->phase = PH_BEGIN;
    r->origin = now(vm);
    r->from = here(vm);
    r->window = WINDOW;
    r->found = (struct found){0};
    if (stop_last(vm_cpu(vm))->within) /* in the middle of what was met last */
        r->found = (struct found){*stop_last(vm_cpu(vm)), r->origin, 0, true};
    vm_cont(vm);
    return true;
}

bool reverse_step(struct vm *vm, struct err *err)
{
    return ask(vm, WAY_STEP, err);
}

bool reverse_continue(struct vm *vm, struct err *err)
{
    return ask(vm, WAY_CONTINUE, err);
}

bool reverse_seek(struct vm *vm, u64 icount, struct err *err)
{
    struct reverse *r = vm->reverse;
    u64 first, last;

    if (!ask(vm, WAY_SEEK, err))
        return false;
    first = r->h.p[0]->icount;
    last = r->h.p[r->h.n - 1]->icount;
    r->target = icount == ~(u64)0 ? last : icount;
    if (r->target >= first && r->target <= last)
        return true;
    vm_stop(vm, "paused");
    return err_set(err, "History goes from instruction %llu to %llu.", (unsigned long long)first,
                   (unsigned long long)last);
}

/* ---- a machine that runs forwards ---- */

bool reverse_change(struct vm *vm, const char *what, struct err *err)
{
    if (!replay_present(vm, what, err))
        return false;
    if (vm->reverse)
        vm->reverse->changed = true;
    return true;
}

void reverse_stopped(struct vm *vm)
{
    if (vm->reverse)
        vm->reverse->way = WAY_NONE;
}

void reverse_log_ends(struct vm *vm)
{
    vm->reverse->log_end = "end";
    vm->debug_stop = true;
    stop_report(vm_cpu(vm), NULL);
    vm_stop(vm, "paused (end of the log)");
    vm->reverse->log_end = NULL;
}

static void turn_past(struct vm *vm)
{
    struct reverse *r = vm->reverse;
    const struct point *end = r->h.p[r->h.end];
    const char *why = replay_differs(vm);
    struct err err;

    if (!why && now(vm) > end->icount)
        why = "it went past where it was before";
    if (why) {
        fail(vm, why);
        return;
    }
    if (now(vm) < end->icount || clock_now(&vm->clock) < end->clock)
        return;
    if (!history_go(&r->h, r->h.end, &err))
        fail(vm, err.msg);
}

void reverse_turn(struct vm *vm)
{
    struct reverse *r = vm->reverse;
    struct err err;

    if (!r)
        return;
    if (r->h.past) {
        turn_past(vm);
    } else if (!r->begun || r->changed || now(vm) >= r->h.next_at) {
        if (up_to_date(vm, &err))
            history_thin(&r->h);
    }
}
