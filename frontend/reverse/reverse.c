/* Beginning and end of history, what is asked for and told, and machines that run forwards in it.
 */
#include "frontend/reverse/reverse_int.h"

#include "frontend/gdb/server.h"
#include "frontend/monitor/monitor.h"
#include "frontend/replay/replay.h"

#include <stdlib.h>
#include <string.h>

struct where reverse_here(const struct vm *vm)
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
    if (r->begun || vm->opt->reverse != REVERSE_AUTO)
        return r->begun;
    fprintf(stderr, "dragoman: %s\n", err->msg); /* nobody has asked for it yet */
    reverse_free(vm);
    return true;
}

/* History up to date with the machine as it is, which is live. False with *err: there is none. */
static bool up_to_date(struct vm *vm, struct err *err)
{
    struct reverse *r = vm->reverse;
    struct point *p = r->h.n ? r->h.p[r->h.n - 1] : NULL;

    if (!r->begun) {
        r->changed = false;
        r->begun = history_begin(&r->h, vm, r->h.limit, err);
        r->none = !r->begun;
        return r->begun;
    }
    if (!r->changed && p->icount == reverse_now(vm) && p->clock == clock_now(&vm->clock))
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
        vm->reverse->begun = vm->reverse->none = false;
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
    history_leave(&r->h);
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
        vm->reverse->h.next_at = reverse_now(vm) + insns;
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
        .now = reverse_now(vm),
        .present = h->past ? h->p[h->n - 1]->icount : reverse_now(vm),
        .bytes = history_bytes(h),
        .limit = h->limit,
        .points = h->n,
        .past = h->past,
        .lost = r->lost,
    };
    return true;
}

void reverse_finish(struct vm *vm, const struct stop_hit *hit, const char *log_end)
{
    struct reverse *r = vm->reverse;
    struct stop_hit front = hit ? *hit : (struct stop_hit){0};
    char text[256], line[400];

    r->way = WAY_NONE;
    front.within = false; /* it is all of it that lies ahead */
    stop_report(vm_cpu(vm), &front);
    r->log_end = log_end;
    snprintf(line, sizeof(line), "instruction %llu%s%s%s", (unsigned long long)reverse_now(vm),
             hit ? ": " : "", hit ? stop_text(hit, text, sizeof(text)) : "",
             log_end ? ", where history begins" : "");
    vm->debug_stop = true;
    vm_stop(vm, "paused (debug)");
    if (!gdb_server_attached(vm->gdb))
        monitor_tell(vm, line);
    r->log_end = NULL;
}

bool reverse_is_lost(const struct vm *vm)
{
    return vm->reverse && vm->reverse->lost;
}

bool reverse_lost(struct vm *vm, struct err *err)
{
    struct reverse *r = vm->reverse;
    struct err why;

    if (!r || !r->lost)
        return false;
    r->lost = !history_go(&r->h, r->h.n - 1, &why);
    if (r->lost)
        err_set(err,
                "The machine does not come back from its past, and stands ('cont' and "
                "'replay_seek' try it again): %.300s",
                why.msg);
    else if (!vm->running)
        vm->state = "paused";
    return r->lost;
}

static void say(struct vm *vm, const char *line)
{
    fprintf(stderr, "dragoman: %s\n", line);
    gdb_server_say(vm->gdb, line);
}

/* It cannot be done: say so, in the present. */
void reverse_fail(struct vm *vm, const char *why)
{
    struct reverse *r = vm->reverse;
    char line[500];
    struct err err = {""};

    snprintf(line, sizeof(line), "going back stopped at instruction %llu: %s",
             (unsigned long long)reverse_now(vm), why);
    r->way = WAY_NONE;
    r->lost = true;
    say(vm, line);
    if (reverse_lost(vm, &err))
        say(vm, err.msg);
    stop_report(vm_cpu(vm), NULL);
    vm->debug_stop = true;
    vm_stop(vm, "paused (debug)");
    monitor_tell(vm, line);
    if (r->lost)
        monitor_tell(vm, err.msg);
}

/* ---- asking ---- */

static bool ask(struct vm *vm, enum way way, struct err *err)
{
    struct reverse *r = vm->reverse;

    if (!r)
        return err_set(err, "There is no recording to go back in: -icount with -gdb, or with "
                            "reverse=on, makes one.");
    vm_stop(vm, "paused");
    if (reverse_lost(vm, err))
        return false;
    if (!r->h.past && !up_to_date(vm, err))
        return false;
    r->way = way;
    r->phase = PH_BEGIN;
    r->origin = reverse_now(vm);
    r->from = reverse_here(vm);
    r->window = REV_WINDOW;
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

    if (!why && reverse_now(vm) > end->icount)
        why = "it went past where it was before";
    if (why) {
        reverse_fail(vm, why);
        return;
    }
    if (reverse_now(vm) < end->icount || clock_now(&vm->clock) < end->clock)
        return;
    if (!history_go(&r->h, r->h.end, &err))
        reverse_fail(vm, err.msg);
}

void reverse_turn(struct vm *vm)
{
    struct reverse *r = vm->reverse;
    struct err err;

    if (!r)
        return;
    if (r->h.past) {
        turn_past(vm);
    } else if (r->begun ? r->changed || reverse_now(vm) >= r->h.next_at : !r->none) {
        if (up_to_date(vm, &err))
            history_thin(&r->h);
    }
}
