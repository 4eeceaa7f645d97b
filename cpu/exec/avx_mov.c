/* Moves of YMM registers and their state (SDM vol. 1 ch. 14). */
#include "cpu/exec/avx.h"

/* Outside 64-bit mode registers 8 to 15 stay as they are. */
void exec_VZEROUPPER(struct cpu *cpu, const struct insn *insn)
{
    avx_begin(cpu);
    memset(cpu->ymmh, 0, cpu_long(cpu) ? sizeof(cpu->ymmh) : sizeof(cpu->ymmh) / 2);
}

void exec_VZEROALL(struct cpu *cpu, const struct insn *insn)
{
    exec_VZEROUPPER(cpu, insn);
    memset(cpu->xmm, 0, cpu_long(cpu) ? sizeof(cpu->xmm) : sizeof(cpu->xmm) / 2);
}
