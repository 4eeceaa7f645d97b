/* What of a machine lies outside of its devices and its memory: time, timers' order, keys that are
 * still to be pressed, frames that wait, and how it is built. */
#ifndef FRONTEND_STATE_PARTS_H
#define FRONTEND_STATE_PARTS_H

#include "devices/core/snap.h"

struct vm;

/* How the machine is built, a line for each thing that two machines must have alike; malloc. */
char *vm_config_text(const struct vm *vm);
/* False with a sentence naming the first line that differs. */
bool vm_config_same(const char *here, const char *saved, struct err *err);

/* Time and keys. */
struct vm_time {
    u64 clock; /* virtual ns */
    u64 key_when[128];
    u16 key_code[128];
    u8 key_down[128];
    u32 nkeys, buttons;
    u64 log[2]; /* place in the log of a recorded run */
};
/* As it is, without a place in the log. */
void vm_time_take(struct vm *vm, struct vm_time *t);
void vm_time_save(struct vm *vm, struct snap *snap);
bool vm_time_read(struct vm_time *t, struct snap *snap, struct err *err);
/* It is this time from now on; `icount` is what the CPU's state says. */
void vm_time_put(struct vm *vm, const struct vm_time *t, u64 icount);

/* Events of devices at one and the same time happen in the order in which they were asked for; what
 * is loaded asks in the order of the devices. */
void vm_timers_save(struct vm *vm, struct snap *snap);
bool vm_timers_check(struct snap *snap, struct err *err);
void vm_timers_put(struct vm *vm, struct snap *snap);

#endif
