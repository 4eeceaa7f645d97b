/* The clock that guests on KVM know: a page from which they have the time by RDTSC. */
#ifndef CPU_SYS_KVMCLOCK_H
#define CPU_SYS_KVMCLOCK_H

#include "cpu/cpu.h"

/* Leaves 0x40000000 and 0x40000001 of CPUID. */
void kvmclock_leaf(const struct cpu *cpu, u32 leaf, u32 out[4]);
/* RDMSR and WRMSR; false: MSR n is none of these. */
bool kvmclock_read(const struct cpu *cpu, u32 n, u64 *v);
bool kvmclock_write(struct cpu *cpu, u32 n, u64 v);
/* The time-stamp counter was written. */
void kvmclock_moved(struct cpu *cpu);

#endif
