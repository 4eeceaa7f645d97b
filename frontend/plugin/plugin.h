/* Plug-ins: shared objects that are told what the guest does (dragoman-plugin.h). */
#ifndef FRONTEND_PLUGIN_PLUGIN_H
#define FRONTEND_PLUGIN_PLUGIN_H

#include "cpu/cpu.h"
#include "devices/core/err.h"

struct plugin;

/* Load the shared object at `path` and start it with `args` ("key=value,..."; ",," is a comma).
 * NULL with a sentence when it is not a plug-in of this version or refuses. */
struct plugin *plugin_open(const char *path, const char *args, struct cpu *cpu, struct err *err);
/* Its hooks, which stay as long as it does. */
const struct probe_hooks *plugin_probe(const struct plugin *p);
/* Tell it that the machine ends, and unload it. */
void plugin_close(struct plugin *p);

#endif
