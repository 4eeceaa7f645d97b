/* -jit-gdb: names of translated code for a gdb that debugs this program, guest_ADDRESS, and where
 * frames of it lie. */
#ifndef FRONTEND_INSIDE_GDBJIT_H
#define FRONTEND_INSIDE_GDBJIT_H

#include "cpu/cpu.h"
#include "devices/core/err.h"
#include "devices/core/probe.h"

struct gdbjit;

/* NULL with *err: not on hosts without ELF. */
struct gdbjit *gdbjit_open(struct cpu *cpu, struct err *err);
const struct probe_hooks *gdbjit_probe(const struct gdbjit *g);
/* False, and a line on standard error, when some code had no name for want of memory. */
bool gdbjit_close(struct gdbjit *g);

#endif
