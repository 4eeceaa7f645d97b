/* Going back in the log of a run that goes on: what was recorded is replayed, unheard, up to where
 * the machine was, and recorded on from there. */
#define _GNU_SOURCE
#include "frontend/replay/replay_int.h"

#include "frontend/reverse/reverse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS = (BIT(RR__KINDS) - 1) & ~BIT(RR_DATA) };

/* A new file of no name that others have to know; malloc. */
static char *temp_name(struct err *err)
{
    const char *dir = getenv("TMPDIR");
    char *path;
    int fd;

    if (asprintf(&path, "%s/dragoman-log-XXXXXX", dir && *dir ? dir : "/tmp") < 0) {
        err_set(err, "No memory for the log.");
        return NULL;
    }
    fd = mkstemp(path);
    if (fd >= 0) {
        close(fd);
        return path;
    }
    err_set(err,
            "Cannot write a log to go back in, '%.300s': %s; -icount reverse=off does without.",
            path, strerror(errno));
    free(path);
    return NULL;
}

bool rr_begin(struct replay *rp, struct err *err)
{
    const struct options *opt = rp->vm->opt;
    char *temp = rp->temp ? temp_name(err) : NULL;
    const char *path = temp ? temp : opt->rr_file;
    struct rr_head head;
    bool ok = (!rp->temp || temp) && rr_create(&rp->out, path, &rp->head, err);

    if (ok && reverse_wanted(opt)) {
        rr_flush(&rp->out);
        ok = rr_open(&rp->events, path, EVENTS, &head, err) &&
             rr_open(&rp->data, path, BIT(RR_DATA), &head, err);
    }
    if (temp)
        unlink(temp);
    free(temp);
    return ok;
}

void replay_tell(struct vm *vm, struct replay_place *place)
{
    struct replay *rp = vm->replay;

    place->digested = rp->digested;
    if (rp->mode == RR_REPLAY) {
        place->events = rr_tell(&rp->events);
        place->data = rr_tell(&rp->data);
        return;
    }
    rr_flush(&rp->out);
    place->events = (struct rr_place){rp->out.at, rp->events_out, cpu_icount(vm_cpu(vm))};
    place->data = (struct rr_place){rp->out.at, rp->data_out, cpu_icount(vm_cpu(vm))};
}

/* The host's ends were told that there is no room, and may have kept something. */
static void ask_hosts(struct replay *rp)
{
    for (unsigned i = 0; i < RR_CHRS; i++)
        if (rp->chr[i].host && rp->chr[i].host->ready)
            rp->chr[i].host->ready(rp->chr[i].host);
    for (unsigned i = 0; i < PC_MAX_ADDONS; i++)
        if (rp->net[i].host && rp->net[i].host->ready)
            rp->net[i].host->ready(rp->net[i].host);
}

void replay_go(struct vm *vm, const struct replay_place *place, const u64 end[2])
{
    struct replay *rp = vm->replay;

    if (!rp->past)
        rp->live = rp->mode;
    rp->failed = false;
    rp->past = end != NULL;
    rp->mode = end ? RR_REPLAY : rp->live;
    rp->digested = place->digested;
    if (rp->mode == RR_REPLAY) {
        rr_seek(&rp->events, &place->events);
        rr_seek(&rp->data, &place->data);
    }
    if (end) {
        rp->end_icount = end[0];
        rp->end_clock = end[1];
        rp->why[0] = 0;
    } else if (rp->mode == RR_RECORD) {
        ask_hosts(rp);
    }
}

bool replay_past(const struct vm *vm)
{
    return vm->replay && vm->replay->past;
}

bool replay_present(struct vm *vm, const char *what, struct err *err)
{
    if (reverse_lost(vm, err))
        return false;
    return !replay_past(vm) ||
           err_set(err,
                   "The machine is in its past, where nothing can be changed: %s is for the "
                   "present, to which 'replay_seek' without a number goes.",
                   what);
}

const char *replay_differs(const struct vm *vm)
{
    return vm->replay && vm->replay->why[0] ? vm->replay->why : NULL;
}

void replay_mute(struct vm *vm, bool muted)
{
    vm->replay->muted = muted;
}
