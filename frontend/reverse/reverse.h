/* Running backwards: what debuggers and people ask for, done piece by piece from the run loop, so
 * that it can be stopped. */
#ifndef FRONTEND_REVERSE_REVERSE_H
#define FRONTEND_REVERSE_REVERSE_H

#include "devices/core/err.h"
#include "devices/core/types.h"

struct vm;
struct stop_hit;
struct reverse;

/* Begin history, if the options ask for it; when all is made and the log has begun. False with
 * *err. */
bool reverse_start(struct vm *vm, struct err *err);
/* The machine ends: it goes back to the present, so that log and disks are those of the whole run.
 */
void reverse_end(struct vm *vm);
void reverse_free(struct vm *vm);

/* ---- for debuggers and people ---- */
/* Can this machine go back at all? */
bool reverse_on(const struct vm *vm);
/* Go back one instruction, or to the stop point that was met last, or to the beginning. False with
 * *err: not possible. The machine runs (backwards) until it is there, then it stops. */
bool reverse_step(struct vm *vm, struct err *err);
bool reverse_continue(struct vm *vm, struct err *err);
/* Go to where `icount` instructions were executed; ~0: to the present. */
bool reverse_seek(struct vm *vm, u64 icount, struct err *err);
/* Why the machine stopped: "begin" or "end" of what is recorded; NULL: for another reason. */
const char *reverse_log_end(const struct vm *vm);
/* The replay of a log has come to its end: stop. */
void reverse_log_ends(struct vm *vm);
/* Somebody outside is about to change the machine's state. False with *err: it is in its past. */
bool reverse_change(struct vm *vm, const char *what, struct err *err);
/* Is the machine in no state, because it could not be brought back from its past? Then it must not
 * run and is not what it was. This tries to bring it to its present first. True with *err: it is so
 * still. */
bool reverse_lost(struct vm *vm, struct err *err);
bool reverse_is_lost(const struct vm *vm); /* ... this does not */
/* The machine is another one: history begins anew. */
void reverse_forget(struct vm *vm);

/* How often points are made near the present (instructions; HIST_STEP at first), and how much
 * memory they may take. */
void reverse_every(struct vm *vm, u64 insns);
void reverse_limit(struct vm *vm, u64 bytes);

struct reverse_info {
    u64 begin, now, present; /* instructions */
    u64 bytes, limit;
    u32 points;
    bool past, lost; /* lost: all but `present` and the sizes says nothing */
};
/* False: there is no history. */
bool reverse_describe(const struct vm *vm, struct reverse_info *info);

/* ---- for the run loop ---- */
/* Does the machine run backwards? Then reverse_work goes on with it, for some milliseconds. */
bool reverse_busy(const struct vm *vm);
void reverse_work(struct vm *vm);
/* Before each turn of a machine that runs forwards. */
void reverse_turn(struct vm *vm);
/* A stop point was met. True: it is ours, the machine does not stop. */
bool reverse_met(struct vm *vm, const struct stop_hit *hit);
/* The machine stops, whoever wants it. */
void reverse_stopped(struct vm *vm);

#endif
