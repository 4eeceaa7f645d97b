/* -perfmap: /tmp/perf-PID.map, by which `perf report` names translated code after the guest's. */
#ifndef FRONTEND_INSIDE_PERFMAP_H
#define FRONTEND_INSIDE_PERFMAP_H

#include "devices/core/err.h"
#include "devices/core/probe.h"

struct perfmap;

/* NULL with *err when the file cannot be made. */
struct perfmap *perfmap_open(struct err *err);
const struct probe_hooks *perfmap_probe(const struct perfmap *m);
/* False, and a line on standard error, when not all could be written. The file stays for perf. */
bool perfmap_close(struct perfmap *m);

#endif
