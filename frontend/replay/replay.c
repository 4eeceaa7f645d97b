/* The log and the machine: when things enter, digests, and saying where two runs part. */
#include "frontend/replay/replay_int.h"

#include "frontend/gdb/server.h"
#include "frontend/reverse/reverse.h"
#include "frontend/state/format.h"
#include "frontend/state/parts.h"

#include "devices/core/bits.h"

#include <stdarg.h>
#include <stdlib.h>

/* Digests: of processors every so many instructions, with devices, with memory. */
#define CPU_EVERY (1ull << 20)
#define DEV_EVERY (1ull << 26)
#define RAM_EVERY (1ull << 32)

#define EVENTS (~(u32)BIT(RR_DATA) & (BIT(RR__KINDS) - 1))

static u64 icount(const struct replay *rp)
{
    return cpu_icount(vm_cpu(rp->vm));
}

/* ---- life ---- */

bool replay_open(struct vm *vm, struct err *err)
{
    struct options *opt = vm->opt;
    struct replay *rp;
    bool temp = opt->rr == RR_OFF && reverse_wanted(opt);

    if (opt->rr == RR_OFF && !temp)
        return true;
    vm->replay = rp = calloc(1, sizeof(*rp));
    if (!rp || !(rp->scratch = malloc(RR_MAX_DATA)))
        return err_set(err, "No memory for the log.");
    rp->vm = vm;
    rp->temp = temp;
    rp->mode = rp->live = temp ? RR_RECORD : opt->rr;
    rp->last = &rp->first;
    if (opt->cpus > 1)
        return err_set(err, "A run of several processors cannot be recorded: give -smp 1.");
    if (rp->mode == RR_RECORD) {
        rp->head = (struct rr_head){.seed = vm->cfg.cpu_seed,
                                    .rtc_base = vm->cfg.rtc_base,
                                    .rtc_zone = vm->cfg.rtc_zone,
                                    .shift = (u32)opt->icount_shift,
                                    .flags = vm->cfg.rtc_host ? RR_RTC_HOST : 0};
        return true;
    }
    if (!rr_open(&rp->events, opt->rr_file, EVENTS, &rp->head, err) ||
        !rr_open(&rp->data, opt->rr_file, BIT(RR_DATA), &rp->head, err))
        return false;
    if (rp->head.shift != (u32)opt->icount_shift)
        return err_set(err, "The log was recorded with -icount shift=%u.", rp->head.shift);
    vm->cfg.cpu_seed = rp->head.seed;
    vm->cfg.rtc_base = rp->head.rtc_base;
    vm->cfg.rtc_zone = rp->head.rtc_zone;
    vm->cfg.rtc_host = rp->head.flags & RR_RTC_HOST;
    return true;
}

bool replay_start(struct vm *vm, struct err *err)
{
    struct replay *rp = vm->replay;
    char *config;
    u64 hash, given;

    if (!rp)
        return true;
    given = rr_given(&vm->pc->cfg);
    config = vm_config_text(vm);
    hash = config ? sf_hash(config) : 0;
    free(config);
    rr_wrap_sinks(rp);
    rp->digested = icount(rp);
    if (rp->mode == RR_RECORD) {
        rp->head.config = hash;
        rp->head.given = given;
        rp->head.icount = icount(rp);
        rp->head.clock = clock_now(&vm->clock);
        rp->started = rr_begin(rp, err);
        return rp->started;
    }
    if (rp->head.config != hash)
        return err_set(err,
                       "The log '%.300s' is of another machine: start with the options that it "
                       "was recorded with.",
                       vm->opt->rr_file);
    if (rp->head.given && rp->head.given != given)
        return err_set(err,
                       "The log '%.300s' is of a machine with another %s: a replay needs the same "
                       "bytes.",
                       vm->opt->rr_file,
                       (u32)rp->head.given != (u32)given ? "firmware or ROM"
                                                         : "kernel, initrd or command line");
    if (icount(rp) != rp->head.icount && !rp->events.taken && !rp->data.taken &&
        icount(rp) < rp->head.icount)
        return err_set(err,
                       "The log '%.300s' begins at instruction %llu: start from the snapshot "
                       "that it was recorded from.",
                       vm->opt->rr_file, (unsigned long long)rp->head.icount);
    rp->started = true;
    return true;
}

static void digest_of(struct replay *rp, bool dev, bool ram, u8 out[16])
{
    struct pc *pc = rp->vm->pc;
    u64 cpus = 0;
    u32 devs = 0, mem = 0;

    for (unsigned i = 0; i < pc->ncpus; i++)
        cpus = cpus * 31 + cpu_hash(pc->cpu[i]);
    if (dev) {
        struct snap snap = {0};

        for (unsigned i = 0; pc_part_name(pc, i); i++)
            pc_save_part(pc, i, &snap);
        devs = rr_digest(0, snap.data, snap.len) | 1;
        snap_free(&snap);
    }
    for (const struct ram *r = ram ? pc->space.first : NULL; r; r = r->next)
        mem = rr_digest(mem, r->host, r->size);
    st64(out, cpus);
    st32(out + 8, devs);
    st32(out + 12, ram ? mem | 1 : 0);
}

static void write_now(struct replay *rp, u8 kind, u8 port, const void *data, u32 n)
{
    struct rr_record r = {kind, port, n, icount(rp), clock_now(&rp->vm->clock), (u8 *)data};

    rr_write(&rp->out, &r);
    if (kind == RR_DATA)
        rp->data_out++;
    else
        rp->events_out++;
}

bool replay_close(struct vm *vm)
{
    struct replay *rp = vm->replay;
    bool ok = true;

    if (!rp)
        return true;
    if (rp->temp && rp->started) {
        rr_finish(&rp->out);
    } else if (rp->mode == RR_RECORD && rp->started) {
        u8 end[20];

        st32(end, (u32)vm->status);
        digest_of(rp, true, true, end + 4);
        write_now(rp, RR_END, 0, end, sizeof(end));
        ok = rr_finish(&rp->out);
    }
    rr_close(&rp->events);
    rr_close(&rp->data);
    while (rp->first) {
        struct rr_pending *p = rp->first;

        rp->first = p->next;
        free(p);
    }
    free(rp->scratch);
    free(rp);
    vm->replay = NULL;
    return ok;
}

void rr_differs(struct replay *rp, const char *fmt, ...)
{
    va_list ap;
    char what[300];

    if (rp->failed)
        return;
    rp->failed = true;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    if (rp->past) { /* who went back says it, and stays where it is */
        snprintf(rp->why, sizeof(rp->why), "%s", what);
        cpu_kick(vm_cpu(rp->vm));
        return;
    }
    fprintf(stderr, "dragoman: the replay stops at instruction %llu: %s\n",
            (unsigned long long)icount(rp), what);
    vm_quit(rp->vm, 1);
}

/* ---- recording ---- */

void rr_queue(struct replay *rp, u8 kind, u8 port, const void *data, u32 n)
{
    struct rr_pending *p = malloc(sizeof(*p) + n);

    if (!p)
        BUG("no memory for the log of a run");
    *p = (struct rr_pending){.kind = kind, .port = port, .n = n};
    if (n)
        memcpy(p->data, data, n);
    *rp->last = p;
    rp->last = &p->next;
    cpu_kick(vm_cpu(rp->vm));
}

/* Everything that can enter does; what a device has no room for keeps its place, and what is behind
 * it for the same device, too. */
static void let_in(struct replay *rp)
{
    struct rr_pending **p = &rp->first;
    u64 full_chr = 0, full_net = 0;

    while (*p && !rp->vm->quit) {
        struct rr_pending *x = *p;
        u64 *full = x->kind == RR_CHR || x->kind == RR_CHR_EVENT ? &full_chr
                    : x->kind == RR_NET                          ? &full_net
                                                                 : NULL;
        u32 n = full && *full >> x->port & 1 ? 0 : rr_room(rp, x);

        if (!n) {
            if (full)
                *full |= BIT64(x->port);
            p = &x->next;
            continue;
        }
        write_now(rp, x->kind, x->port, x->data + x->at, n);
        x->at += n;
        rr_enter(rp, x->kind, x->port, x->data + x->at - n, n);
        if (x->at < x->n) { /* the device is full now */
            *full |= BIT64(x->port);
            rr_entered(rp, x->kind, x->port, n);
            p = &x->next;
            continue;
        }
        *p = x->next;
        if (!*p)
            rp->last = p;
        rr_entered(rp, x->kind, x->port, n);
        free(x);
        p = &rp->first; /* the host's end may have given more */
    }
}

/* ---- replaying ---- */

/* The event that comes next; NULL when there is none that can be had: then the replay stops. */
static const struct rr_record *next_event(struct replay *rp)
{
    const struct rr_record *r = rr_peek(&rp->events);

    if (r || rp->failed)
        return r;
    if (rp->events.bad)
        rr_differs(rp, "the log is damaged behind what happened at instruction %llu (byte %llu)",
                   (unsigned long long)rp->events.last, (unsigned long long)rp->events.at);
    else if (!rp->past || rp->live == RR_REPLAY)
        rr_differs(rp, "the log ends");
    return NULL;
}

static void ended(struct replay *rp, const struct rr_record *r)
{
    u8 own[16];

    digest_of(rp, true, true, own);
    if (r->n != 20 || memcmp(own, r->data + 4, 16)) {
        rr_differs(rp,
                   "the log ends here, and the machine is in another state than the recorded one");
        return;
    }
    /* Somebody who looks inside may want to go back. */
    if (!rp->paused && !rp->vm->quit && gdb_server_attached(rp->vm->gdb) && reverse_on(rp->vm)) {
        rp->paused = true;
        reverse_log_ends(rp->vm);
        return;
    }
    rp->done = true;
    fprintf(stderr, "dragoman: replayed to the end, instruction %llu: all is equal\n",
            (unsigned long long)icount(rp));
    vm_quit(rp->vm, (int)ld32(r->data));
}

void replay_finish(struct vm *vm)
{
    struct replay *rp = vm->replay;
    const struct rr_record *r;

    if (!replaying(vm) || rp->failed || rp->done)
        return;
    r = next_event(rp);
    if (r && r->kind == RR_END && r->icount == icount(rp))
        ended(rp, r);
    else if (r)
        rr_differs(rp, "the machine ended; the recorded one went on");
    if (rp->failed)
        vm->status = 1;
}

static void play(struct replay *rp)
{
    const struct rr_record *r;

    while (!rp->vm->quit && rp->vm->running && (r = next_event(rp)) != NULL &&
           r->icount <= icount(rp)) {
        u64 now = clock_now(&rp->vm->clock);
        u32 n = r->n;
        u8 kind = r->kind, port = r->port;

        if (kind == RR_DIGEST && r->icount == icount(rp)) {
            /* replay_ran takes it, when instructions have brought us here. Nobody takes others, and
             * a machine that sleeps would wait for ever. */
            if (icount(rp) % CPU_EVERY || icount(rp) == rp->digested)
                rr_differs(rp, "the log has a digest where none is made");
            return;
        }
        if (r->icount == icount(rp) && r->clock > now)
            return; /* it sleeps until then */
        if (r->icount < icount(rp) || r->clock < now) {
            rr_differs(rp,
                       "something entered at instruction %llu, %llu ns; the machine went past "
                       "that",
                       (unsigned long long)r->icount, (unsigned long long)r->clock);
            return;
        }
        if (kind == RR_END) {
            ended(rp, r);
            return;
        }
        memcpy(rp->scratch, r->data, n);
        rr_next(&rp->events);
        rr_enter(rp, kind, port, rp->scratch, n);
    }
}

void rr_inside(struct replay *rp, u8 port, void *data, u32 *n, u32 room)
{
    const struct rr_record *r;

    if (!rp->started)
        return;
    if (rp->mode == RR_RECORD) {
        write_now(rp, RR_DATA, port, data, *n);
        return;
    }
    r = rr_peek(&rp->data);
    if (!r || r->port != port || r->n > room || r->icount != icount(rp)) {
        rr_differs(rp, "a device asks the host for bytes; the recorded one did not, here");
        memset(data, 0, *n);
        return;
    }
    memcpy(data, r->data, r->n);
    *n = r->n;
    rr_next(&rp->data);
}

/* ---- the run loop ---- */

void replay_point(struct vm *vm)
{
    struct replay *rp = vm->replay;

    if (!rp || !rp->started)
        return;
    /* Timers of the host's ends exist only while recording: what is due comes first, in both; but
     * snapshots are made whenever somebody asks. */
    if (clock_next(&vm->clock) <= clock_now(&vm->clock)) {
        const struct rr_record *r = rp->mode == RR_REPLAY ? rr_peek(&rp->events) : NULL;

        if (!r || r->kind != RR_SAVED)
            return;
    }
    if (rp->mode == RR_RECORD)
        let_in(rp);
    else
        play(rp);
}

u64 replay_limit(const struct vm *vm, u64 insns)
{
    struct replay *rp = vm->replay;
    const struct rr_record *r;
    u64 now;

    if (!rp || !rp->started)
        return insns;
    now = icount(rp);
    insns = MIN(insns, CPU_EVERY - now % CPU_EVERY);
    if (rp->past)
        insns = MIN(insns, rp->end_icount > now ? rp->end_icount - now : 1);
    if (rp->mode == RR_RECORD || !(r = rr_peek(&rp->events)))
        return insns;
    return MAX(MIN(insns, r->icount > now ? r->icount - now : 1), 1u);
}

static void compare(struct replay *rp, const u8 own[16])
{
    const struct rr_record *r = rr_peek(&rp->events);
    const char *what;

    if (!r || r->kind != RR_DIGEST || r->icount != icount(rp) || r->n != 16) {
        if (r && r->icount <= icount(rp))
            rr_differs(rp, "something entered at instruction %llu; the machine went past that",
                       (unsigned long long)r->icount);
        else if (r)
            rr_differs(rp, "the log has no digest here");
        return; /* no record at all: play() says why */
    }
    what = memcmp(own, r->data, 8)             ? "processor"
           : memcmp(own + 8, r->data + 8, 4)   ? "devices"
           : memcmp(own + 12, r->data + 12, 4) ? "memory"
                                               : NULL;
    if (what)
        rr_differs(rp, "the %s differs from the recorded one; at instruction %llu it was equal",
                   what, (unsigned long long)rp->digested);
    rp->digested = icount(rp);
    rr_next(&rp->events);
}

void replay_ran(struct vm *vm)
{
    struct replay *rp = vm->replay;
    u64 now;
    u8 own[16];

    if (!rp || !rp->started)
        return;
    now = icount(rp);
    if (now % CPU_EVERY || now == rp->digested)
        return;
    /* The log of a process that goes back says soon enough that something differs. */
    digest_of(rp, !rp->temp && !(now % DEV_EVERY), !rp->temp && !(now % RAM_EVERY), own);
    if (rp->mode == RR_REPLAY) {
        compare(rp, own);
        return;
    }
    rp->digested = now;
    write_now(rp, RR_DIGEST, 0, own, sizeof(own));
}

bool replaying(const struct vm *vm)
{
    return vm->replay && vm->replay->started && vm->replay->mode == RR_REPLAY;
}

u64 replay_wake(const struct vm *vm)
{
    const struct replay *rp = vm->replay;
    const struct rr_record *r = rr_peek(&vm->replay->events);
    u64 end = rp->past && rp->end_icount == icount(rp) ? rp->end_clock : CLOCK_NEVER;

    return r && r->icount == icount(rp) ? MIN(r->clock, end) : end;
}

void replay_stuck(struct vm *vm)
{
    if (vm->replay->past || next_event(vm->replay))
        rr_differs(vm->replay, "the machine sleeps for ever; the recorded one did not");
}

bool replay_waits(const struct vm *vm)
{
    const struct replay *rp = vm->replay;

    if (!rp || rp->mode != RR_RECORD)
        return false;
    for (const struct rr_pending *p = rp->first; p; p = p->next)
        if (rr_room(vm->replay, p))
            return true;
    return false;
}

/* ---- commands and snapshots ---- */

static bool named(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (!strcmp(*list, name))
            return true;
    return false;
}

bool rr_is_recorded(const char *name)
{
    static const char *const later[] = {
        "system_reset",          "system_powerdown", "nmi",      "o", "change", "eject", "tray",
        "block_set_io_throttle", "watchdog_action",  "set_link", NULL};

    return named(later, name);
}

bool replay_command(struct vm *vm, const char *name, const char *line, struct err *err)
{
    static const char *const never[] = {"loadvm", "i", NULL};
    static const char *const input[] = {"sendkey", "paste",         "mouse_move", "mouse_button",
                                        "balloon", "ringbuf_write", NULL};
    struct replay *rp = vm->replay;
    bool is_later = rr_is_recorded(name), is_input = named(input, name),
         is_never = named(never, name);

    if (!rp || !rp->started)
        return false;
    if (rp->past && (is_never || is_later || is_input || !strcmp(name, "commit")))
        return !replay_present(vm, name, err);
    /* Nobody else will replay a temporary log: history can hold what it does not. */
    if (rp->temp && (is_never || (is_later && !vm->running)))
        return !reverse_change(vm, name, err);
    if (is_never)
        err_set(err, "'%.20s' is not possible while the machine records or replays a log.", name);
    else if (rp->mode == RR_REPLAY && (is_later || is_input))
        err_set(err, "The machine replays a log: nothing from outside can change it.");
    else if (is_later)
        rr_queue(rp, RR_COMMAND, 0, line, (u32)strlen(line));
    else
        return false;
    return true;
}

void replay_saved(struct vm *vm, u64 at[2])
{
    struct replay *rp = vm->replay;

    at[0] = at[1] = 0;
    if (!rp || !rp->started)
        return;
    if (rp->mode == RR_RECORD) {
        /* Who goes on from the snapshot has no translations of addresses: neither have we. */
        rr_enter(rp, RR_SAVED, 0, NULL, 0);
        write_now(rp, RR_SAVED, 0, NULL, 0);
        at[0] = rp->events_out;
        at[1] = rp->data_out;
    } else {
        at[0] = rp->events.taken;
        at[1] = rp->data.taken;
    }
}

bool replay_loaded(struct vm *vm, const u64 at[2], struct err *err)
{
    struct replay *rp = vm->replay;

    if (rp && rp->temp && rp->started)
        rp->digested = icount(rp);
    if (!rp || rp->mode != RR_REPLAY || rp->started)
        return true;
    while (rp->events.taken < at[0] && rr_peek(&rp->events))
        rr_next(&rp->events);
    while (rp->data.taken < at[1] && rr_peek(&rp->data))
        rr_next(&rp->data);
    return (rp->events.taken == at[0] && rp->data.taken == at[1]) ||
           err_set(err, "The log '%.300s' ends before the snapshot.", vm->opt->rr_file);
}
