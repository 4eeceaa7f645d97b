/* Model-specific registers (SDM vol. 4 chapter 2). */
#ifndef CPU_SYS_MSR_H
#define CPU_SYS_MSR_H

#include "cpu/cpu.h"

/* Read or write MSR `n`. False: it does not exist or the value is not allowed, which means #GP(0).
 */
bool msr_read(struct cpu *cpu, u32 n, u64 *v);
bool msr_write(struct cpu *cpu, u32 n, u64 v);
/* The time-stamp counter as RDTSC reads it. */
u64 cpu_tsc(struct cpu *cpu);

#endif
