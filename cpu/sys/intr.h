/* Interrupts and exceptions: delivery in every mode, and IRET (SDM vol. 3 chapter 6, section 20.3;
 * vol. 2 "INT n", "IRET").
 *
 * The run loop calls intr_exception() after cpu_raise*() has unwound to it, intr_deliver(INTR_HW)
 * between instructions with cpu->rip at the next one, and debug_trap() when cpu->db_pending is set.
 * A fault within the delivery of anything but an exception leaves by cpu_raise*() again, with the
 * state before the delivery. */
#ifndef CPU_SYS_INTR_H
#define CPU_SYS_INTR_H

#include "cpu/cpu.h"

enum intr_kind {
    INTR_HW,    /* external interrupt or NMI: returns to cpu->rip */
    INTR_FAULT, /* exception that restarts its instruction: returns to cpu->rip with RF set */
    INTR_TRAP,  /* #DB behind an instruction: returns to cpu->rip */
    INTR_SOFT,  /* INT n: returns to cpu->next_rip; the gate's DPL is checked, V86 rules apply */
    INTR_INT3,  /* INT3 and INTO: as INT n without the rules for V86 */
    INTR_ICEBP, /* INT1: no DPL check */
};

/* Deliver `vector`, with an error code in protected mode if has_err. Sets cpu->rip and
 * cpu->next_rip to the handler. */
void intr_deliver(struct cpu *cpu, unsigned vector, enum intr_kind kind, bool has_err, u32 err);
/* Deliver the exception that cpu_raise* left in cpu->exc_*, with the rules for faults on the way
 * (double fault). False: the processor shuts down (triple fault); the state is that of the last
 * fault. */
bool intr_exception(struct cpu *cpu);
/* IRET with operand size osz: commits everything, or raises. */
void intr_return(struct cpu *cpu, unsigned osz);
/* Vectors that push an error code. */
static inline bool intr_has_error(unsigned vector)
{
    return vector < 32 && (0x00027d00u >> vector & 1);
}

#endif
