/* Control transfers between segments: far JMP, CALL and RET through code segments and gates (SDM
 * vol. 3 section 5.8). */
#ifndef CPU_SYS_FAR_H
#define CPU_SYS_FAR_H

#include "cpu/cpu.h"
#include "cpu/sys/seg.h"

/* Far JMP and CALL to sel:off in every mode; `osz` is the operand size (bytes) of what CALL pushes.
 * They raise, or commit everything with cpu->next_rip at the target. */
void far_jump(struct cpu *cpu, unsigned sel, u64 off, unsigned osz);
void far_call(struct cpu *cpu, unsigned sel, u64 off, unsigned osz);
/* Far RET that releases `extra` bytes of parameters. */
void far_ret(struct cpu *cpu, unsigned osz, unsigned extra);

/* ---- pieces that interrupts and IRET share ---- */
/* #GP(error) unless `off` can be executed in code segment d. */
void far_check_ip(struct cpu *cpu, const struct desc *d, u64 off, u32 error);
/* Load CS from d with the privilege level cpl, which becomes the CPL. cpu_update_mode is left to
 * the caller. */
void far_put_cs(struct cpu *cpu, unsigned sel, const struct desc *d, unsigned cpl);
/* Check `sel` as the target of a far return or IRET; *d is its descriptor. */
void far_check_return(struct cpu *cpu, unsigned sel, struct desc *d);
/* SS of the outer level in a return to privilege level rpl; *ss is the register to be. May set the
 * accessed bit. */
void far_return_stack(struct cpu *cpu, unsigned sel, unsigned rpl, bool to_64, struct seg *ss);

#endif
