/* Task state segments and hardware task switches (SDM vol. 3 chapter 7). */
#ifndef CPU_SYS_TASK_H
#define CPU_SYS_TASK_H

#include "cpu/cpu.h"
#include "cpu/sys/seg.h"

enum task_reason { TASK_JMP, TASK_CALL, TASK_IRET };

/* Why and from where a task is left. */
struct task_from {
    enum task_reason reason;
    u64 rip;    /* EIP to save */
    u32 eflags; /* EFLAGS to save */
    u32 ext;    /* EXT bit of error codes */
};

/* Switch to the task whose TSS descriptor is *d (type and presence checked by the caller) at
 * selector sel. Afterwards cpu->rip and next_rip are the new task's. Faults before the switch leave
 * the old task untouched, later ones happen in the new task. */
void task_switch(struct cpu *cpu, unsigned sel, struct desc *d, const struct task_from *from);
/* Follow a task gate or TSS selector: check it as an available TSS (#GP/#NP with the selector) and
 * switch. */
void task_enter(struct cpu *cpu, unsigned sel, const struct task_from *from);
/* The stack that the TSS holds for privilege level `level`: raises #TS when it is outside the TSS.
 */
void task_stack(struct cpu *cpu, unsigned level, u32 ext, u16 *ss, u32 *esp);
/* Long mode: RSP0..2 (slot 0..2) or IST1..7 (slot 4..10) of the 64-bit TSS. */
u64 task_stack64(struct cpu *cpu, unsigned slot, u32 ext);

#endif
