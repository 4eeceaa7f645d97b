/* Quick ways of interrupts, IRET and loads of segment registers, private to cpu/sys: true when all was as usual and is done,
 * false when nothing was changed and the general way is to be gone. */
#ifndef CPU_SYS_QUICK_H
#define CPU_SYS_QUICK_H

#include "cpu/cpu.h"
#include "cpu/sys/seg.h"

struct quick_intr {
    unsigned vector;
    bool by_program; /* the gate's DPL counts */
    bool has_err;
    u32 err;
    u64 ret;
    u32 eflags; /* as pushed */
};

bool quick_deliver(struct cpu *cpu, const struct quick_intr *v);
/* IRET with 32-bit operands. */
bool quick_return(struct cpu *cpu);
/* Load `sel` into segment register s, which is neither CS nor SS, from the GDT. */
bool quick_load(struct cpu *cpu, unsigned s, unsigned sel);

#endif
