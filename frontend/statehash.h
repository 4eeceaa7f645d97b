/* A line per N guest instructions with a hash of the machine's state: what two runs or two engines
 * are compared by. */
#ifndef FRONTEND_STATEHASH_H
#define FRONTEND_STATEHASH_H

#include "cpu/cpu.h"
#include "devices/core/err.h"

#include <stdio.h>

struct state_hash {
    u64 every; /* instructions; 0: off */
    FILE *out;
    u64 last;
};

/* `spec` is "N,file" (counted time only). False with *err when it is not, or the file cannot be
 * written. */
bool state_hash_open(struct state_hash *h, const char *spec, bool counted, struct err *err);
void state_hash_close(struct state_hash *h);
/* How many of `insns` instructions may run before the next line is due. */
u32 state_hash_limit(const struct state_hash *h, const struct cpu *cpu, u32 insns);
/* Between two cpu_run: write the line if one is due. Every 1000th line also covers all of `ram`. */
void state_hash_note(struct state_hash *h, const struct cpu *cpu, const struct ram *ram);

#endif
