/* System management mode (SDM vol. 3 chapter 34). */
#ifndef CPU_SYS_SMM_H
#define CPU_SYS_SMM_H

#include "cpu/cpu.h"

/* Take the SMI that is pending, between instructions: the state goes to SMRAM, execution to SMBASE
 * + 8000H. */
void smm_enter(struct cpu *cpu);
/* RSM: everything back from SMRAM. A state whose control registers cannot be shuts the processor
 * down (section 34.4.1): leaves by longjmp, in SMM as it was. */
void smm_leave(struct cpu *cpu);

#endif
