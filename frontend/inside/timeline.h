/* -timeline: what devices do, as Chrome trace events, which Perfetto and chrome://tracing show. */
#ifndef FRONTEND_INSIDE_TIMELINE_H
#define FRONTEND_INSIDE_TIMELINE_H

#include "cpu/cpu.h"
#include "devices/core/err.h"

struct timeline;

/* Times are the machine's clock, `cpu`'s. The file gets `size` bytes at most. NULL with *err when
 * it cannot be made. */
struct timeline *timeline_open(const char *path, u64 size, struct cpu *cpu, struct err *err);
const struct probe_hooks *timeline_probe(const struct timeline *t);
/* False, and a line on standard error, when not all could be written. */
bool timeline_close(struct timeline *t);

#endif
