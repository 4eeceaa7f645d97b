/* Control registers and EFER: the rules for writing them, and the paging mode pushed to the MMU
 * (SDM vol. 3 section 2.5). */
#ifndef CPU_SYS_CTRL_H
#define CPU_SYS_CTRL_H

#include "cpu/cpu.h"

/* MOV CRn and its kin at CPL 0: raise #GP(0)/#UD, or commit with the mode updated everywhere. */
void ctrl_write_cr0(struct cpu *cpu, u64 v);
void ctrl_write_cr3(struct cpu *cpu, u64 v);
void ctrl_write_cr4(struct cpu *cpu, u64 v);
void ctrl_write_cr8(struct cpu *cpu, u64 v);
u64 ctrl_read_cr(struct cpu *cpu, unsigned n);
void ctrl_write_cr(struct cpu *cpu, unsigned n, u64 v);
/* LMSW: PE can be set but not cleared. */
void ctrl_lmsw(struct cpu *cpu, u16 v);
void ctrl_write_efer(struct cpu *cpu, u64 v);
/* Which bits of CR4 this CPU has. */
u32 ctrl_cr4_bits(const struct cpu *cpu);
/* Give the MMU the mode the registers hold, everything flushed: after reset, RSM, loading a
 * snapshot. False: a PAE directory pointer has reserved bits. */
bool ctrl_push_mode(struct cpu *cpu);

/* Ports: #GP(0) unless the program may touch [port, port + size) (SDM vol. 1 section 17.5). */
void ctrl_check_io(struct cpu *cpu, u16 port, unsigned size);

#endif
