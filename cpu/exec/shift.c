/* Shifts and rotates (SDM vol. 1 section 7.3.6). A count of 0 writes the operand back and keeps the
 * flags. */
#include "cpu/exec/exec.h"
#include "cpu/flags.h"

static unsigned count_of(struct cpu *cpu, const struct insn *insn, unsigned i)
{
    return (unsigned)opnd_read(cpu, insn, i) & (insn->o[0].size == 8 ? 63 : 31);
}

static inline void shift(struct cpu *cpu, const struct insn *insn, enum shift_kind kind)
{
    u64 a = opnd_read_rmw(cpu, insn, 0);
    u32 flags = cpu_aflags(cpu);
    u64 r = flags_rotate_shift(kind, a, count_of(cpu, insn, 1), insn->o[0].size, &flags);
    opnd_write(cpu, insn, 0, r);
    cpu_set_aflags(cpu, flags);
}

void exec_ROL(struct cpu *cpu, const struct insn *insn)
{
    shift(cpu, insn, SHIFT_ROL);
}
void exec_ROR(struct cpu *cpu, const struct insn *insn)
{
    shift(cpu, insn, SHIFT_ROR);
}
void exec_RCL(struct cpu *cpu, const struct insn *insn)
{
    shift(cpu, insn, SHIFT_RCL);
}
void exec_RCR(struct cpu *cpu, const struct insn *insn)
{
    shift(cpu, insn, SHIFT_RCR);
}
void exec_SHL(struct cpu *cpu, const struct insn *insn)
{
    shift(cpu, insn, SHIFT_SHL);
}
void exec_SHR(struct cpu *cpu, const struct insn *insn)
{
    shift(cpu, insn, SHIFT_SHR);
}
void exec_SAR(struct cpu *cpu, const struct insn *insn)
{
    shift(cpu, insn, SHIFT_SAR);
}

void exec_SHLD(struct cpu *cpu, const struct insn *insn)
{
    u64 a = opnd_read_rmw(cpu, insn, 0);
    u32 flags = cpu_aflags(cpu);
    u64 r = flags_shld(a, opnd_read(cpu, insn, 1), count_of(cpu, insn, 2), insn->o[0].size, &flags);
    opnd_write(cpu, insn, 0, r);
    cpu_set_aflags(cpu, flags);
}

void exec_SHRD(struct cpu *cpu, const struct insn *insn)
{
    u64 a = opnd_read_rmw(cpu, insn, 0);
    u32 flags = cpu_aflags(cpu);
    u64 r = flags_shrd(a, opnd_read(cpu, insn, 1), count_of(cpu, insn, 2), insn->o[0].size, &flags);
    opnd_write(cpu, insn, 0, r);
    cpu_set_aflags(cpu, flags);
}
