/* What back ends share of emitting a block, over the struct em of the one that is built, whose members of
 * these names mean the same everywhere: a, buf, stubs, in, out, temp, last, free_regs, free_slots, group,
 * follows, offset, skip, extra, groups, live_in. */
#ifndef CPU_JIT_EM_H
#define CPU_JIT_EM_H

#if defined(CONFIG_JIT_X64)
#include "cpu/jit/x64/em.h"
#elif defined(CONFIG_JIT_A64)
#include "cpu/jit/a64/em.h"
#endif

#endif
