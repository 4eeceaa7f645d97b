/* Vector operations that a back end leaves to exec in the middle of a block, because the host does not
 * treat such operands or results as x86 does. They raise no exceptions: all are masked where translated
 * code has vector operations. */
#include "cpu/exec/exec.h"
#include "cpu/jit/block.h"

u64 jit_help_vec(struct cpu *cpu, const union xmm *mem, u64 unused, u32 what)
{
    struct insn insn = {.op = (u16)(what & ((1u << BE_VEC_D) - 1)), .nopnd = 2};
    unsigned d = what >> BE_VEC_D & 15, s = what >> BE_VEC_S & 15;
    u64 gpr = cpu->gpr[0], result;
    union xmm keep;
    insn.imm = what >> BE_VEC_IMM & 0xff;
    if (what & BE_VEC_MEM)
        s = (d + 1) & 7;
    keep = cpu->xmm[s];
    if (what & BE_VEC_MEM)
        cpu->xmm[s] = *mem;
    insn.o[0] = what & BE_VEC_GPR ? (struct opnd){OPND_GPR, 0, what & BE_VEC_WIDE ? 8 : 4}
                                  : (struct opnd){OPND_XMM, (u8)d, 16};
    insn.o[1] = (struct opnd){OPND_XMM, (u8)s, 16};
    exec_table[insn.op](cpu, &insn);
    if (what & BE_VEC_MEM)
        cpu->xmm[s] = keep;
    result = cpu->gpr[0];
    if (what & BE_VEC_GPR)
        cpu->gpr[0] = gpr;
    return result;
}
