/* Names of translated code by the guest's addresses: which code memory holds what, for perf
 * (perfmap.c) and gdb (gdbjit.c). */
#ifndef FRONTEND_INSIDE_NAMES_H
#define FRONTEND_INSIDE_NAMES_H

#include "devices/core/probe.h"
#include "frontend/inside/map.h"

struct code_name {
    u64 host, la;
    u32 size, id;
    bool dropped; /* not run any more; keeps its name until its memory is used again */
};
/* Zeroed, but for the last three members. */
struct code_names {
    struct code_name *list; /* [n] */
    u32 n, cap;
    struct map by_id; /* the last one of each number, + 1 */
    u64 top;          /* the end of the highest code since all was told anew */
    bool bad;         /* some found no room */
    /* One more, list[n - 1]; and: forget all that were put, those that are still there come again. */
    void (*put)(void *arg, const struct code_name *name);
    void (*anew)(void *arg);
    void *arg;
};

/* The hooks of devices/core/probe.h. */
void code_names_made(struct code_names *names, const struct probe_block *b);
void code_names_dropped(struct code_names *names, u32 id);
void code_names_free(struct code_names *names);

#endif
