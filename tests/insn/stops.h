/* Stop points set and taken away by tests; those that know no length give 0. */
#ifndef TESTS_INSN_STOPS_H
#define TESTS_INSN_STOPS_H

#include "cpu/sys/stop.h"
#include "devices/core/err.h"
#include "tests/insn/machine.h"

static inline bool stop_put(struct machine *m, enum stop_kind kind, u64 addr, u64 len)
{
    struct err err;
    return stop_add(m->cpu, &(struct stop){.kind = kind, .addr = addr, .len = len}, &err);
}

static inline bool stop_drop(struct machine *m, enum stop_kind kind, u64 addr, u64 len)
{
    return stop_remove(m->cpu, &(struct stop){.kind = kind, .addr = addr, .len = len});
}

#endif
