/* The architectural state of a virtual CPU as a section of a snapshot (reliability.md 4). */
#ifndef CPU_STATE_H
#define CPU_STATE_H

#include "cpu/cpu.h"
#include "devices/core/snap.h"

/* Between two instructions only (not inside cpu_run). What follows from the state, and what only
 * the host knows (translations, TLBs), is not in it. */
void cpu_save(const struct cpu *cpu, struct snap *snap);
/* What is read is believed only as far as a CPU of this model can be in such a state. False with
 * *err: the CPU is as it was. Memory, and with it the tables of paging, should be there before. */
bool cpu_load(struct cpu *cpu, struct snap *snap, struct err *err);

#endif
