/* Debug registers, breakpoints and single stepping (SDM vol. 3 chapter 17.1 to 17.3). */
#ifndef CPU_SYS_DEBUG_H
#define CPU_SYS_DEBUG_H

#include "cpu/cpu.h"

/* DR6: which breakpoint, and why. */
enum { DR6_B = 0xf, DR6_BD = 0x2000, DR6_BS = 0x4000, DR6_BT = 0x8000 };
enum { DR7_ENABLE = 0xff, DR7_GD = 0x2000 };

/* DR7, CR4.DE changed: recompute cpu->watch and mode_key. */
void debug_update(struct cpu *cpu);
u64 debug_read_dr(struct cpu *cpu, unsigned n);
void debug_write_dr(struct cpu *cpu, unsigned n, u64 v);
/* A port access: note a hit of an I/O breakpoint (CR4.DE). */
void debug_io(struct cpu *cpu, u16 port, unsigned size);
/* RF and instruction breakpoints of the instruction at cpu->rip: clears RF, or raises #DB. */
void debug_fetch(struct cpu *cpu);
/* Deliver what db_pending holds as a #DB trap with cpu->rip at the next instruction. Raises as
 * intr_deliver does. */
void debug_trap(struct cpu *cpu);

/* What the run loop does around an instruction: before it, with cpu->rip in place... */
static inline void debug_begin(struct cpu *cpu)
{
    if (UNLIKELY((cpu->eflags & FL_RF) || (cpu->mode_key & MK_DEBUG)))
        debug_fetch(cpu);
}

/* ... and after it completed: `tf` is EFLAGS.TF from before it. True: call debug_trap(). A trap
 * behind MOV SS or POP SS waits for the next instruction's end; interrupts made by software leave
 * no single-step trap behind, SYSCALL and SYSRET see to it themselves. */
static inline bool debug_end(struct cpu *cpu, unsigned op, bool tf)
{
    if (LIKELY(!tf && !cpu->db_pending))
        return false;
    if (cpu->shadow_ss)
        return false;
    if (tf && op != OP_INT && op != OP_INT3 && op != OP_INTO && op != OP_INT1 &&
        op != OP_SYSCALL && op != OP_SYSRET)
        cpu->db_pending |= DR6_BS;
    return cpu->db_pending;
}

#endif
