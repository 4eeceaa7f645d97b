/* Recording a run in counted time, and running it again: everything that comes from outside enters
 * at one place, between instructions, and is kept with the instruction and the time. */
#ifndef FRONTEND_REPLAY_REPLAY_H
#define FRONTEND_REPLAY_REPLAY_H

#include "devices/core/ports.h"
#include "devices/core/err.h"
#include "devices/core/snap.h"
#include "frontend/opts.h"
#include "frontend/replay/log.h"

struct vm;
struct pc_config;
struct replay;

/* For -icount rr=...: what the log says of the host (time, seeds) goes into vm->cfg, or from it
 * into the log. Before the machine is made. False with *err. */
bool replay_open(struct vm *vm, struct err *err);
/* Put us between the devices and the host's ends that vm->cfg names; before the machine is made. */
bool replay_wrap_ports(struct vm *vm, struct err *err);
/* The same for keyboard, mouse, tablet and balloon, and start the log; when all is made and a
 * snapshot, if any, is loaded. */
bool replay_start(struct vm *vm, struct err *err);
/* The machine has ended: was that how the recorded one did? Else vm->status is 1. */
void replay_finish(struct vm *vm);
/* Ends the log. False: not all of it could be written. NULL is fine. */
bool replay_close(struct vm *vm);

/* ---- for the run loop; all are fine without a replay ---- */
/* Between instructions, when no timer is due: what waits enters the machine. */
void replay_point(struct vm *vm);
/* At most so many of `insns` until something enters, or the next digest. */
u64 replay_limit(const struct vm *vm, u64 insns);
/* Behind a run of instructions: digests. */
void replay_ran(struct vm *vm);
/* Replaying: how long a halted machine sleeps in virtual time at most, ~0: until its next timer. */
bool replaying(const struct vm *vm);
u64 replay_wake(const struct vm *vm);
/* Replaying: the machine sleeps and nothing in the log will wake it. */
void replay_stuck(struct vm *vm);
/* Recording: something waits that can enter now, so nobody sleeps. */
bool replay_waits(const struct vm *vm);

/* ---- for those who change the machine ---- */
/* A line of the monitor, `name` being its command. True: it is ours: it waits for its turn (record)
 * or must not be (replay: *err says so). */
bool replay_command(struct vm *vm, const char *name, const char *line, struct err *err);
/* A snapshot is made; where in the log that is, for who goes on from it. */
void replay_saved(struct vm *vm, u64 at[2]);
/* A snapshot was loaded that was made there. False with *err: not possible here. */
bool replay_loaded(struct vm *vm, const u64 at[2], struct err *err);

/* ---- going back (seek.c), for frontend/reverse ---- */
/* A place in the log. */
struct replay_place {
    struct rr_place events, data;
    u64 digested;
};
/* Where the machine is now. */
void replay_tell(struct vm *vm, struct replay_place *place);
/* The machine's state is, or will be, that of `place`: go on there. It runs again what it did,
 * unheard, at most to instruction and time *end; NULL: it is where it was last, and goes on as it
 * did then. */
void replay_go(struct vm *vm, const struct replay_place *place, const u64 end[2]);
/* Does it run what it did already? */
bool replay_past(const struct vm *vm);
/* Refuse `what` while it does. */
bool replay_present(struct vm *vm, const char *what, struct err *err);
/* What is different this time, or NULL. */
const char *replay_differs(const struct vm *vm);
/* While a state is put into the devices nothing of what they say is for the host. */
void replay_mute(struct vm *vm, bool muted);

#endif
