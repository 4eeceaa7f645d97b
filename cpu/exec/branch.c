/* Near and far transfers of control (SDM vol. 1 sections 6.3, 6.4 and 7.3.8). */
#include "cpu/exec/exec.h"
#include "cpu/sys/far.h"
#include "cpu/sys/intr.h"

static u64 relative(const struct cpu *cpu, const struct insn *insn)
{
    return (cpu->next_rip + insn->imm) & size_mask(insn->osz);
}

void exec_JCC(struct cpu *cpu, const struct insn *insn)
{
    if (cpu_cc(cpu, insn->cc))
        branch(cpu, relative(cpu, insn));
}

static u64 near_target(struct cpu *cpu, const struct insn *insn)
{
    return insn->o[0].kind == OPND_REL ? relative(cpu, insn) : opnd_read(cpu, insn, 0);
}

void exec_JMP(struct cpu *cpu, const struct insn *insn)
{
    branch(cpu, near_target(cpu, insn));
}

void exec_CALL(struct cpu *cpu, const struct insn *insn)
{
    u64 target = near_target(cpu, insn), ret = cpu->next_rip;
    branch(cpu, target);
    push(cpu, insn->osz, ret);
}

void exec_RET(struct cpu *cpu, const struct insn *insn)
{
    branch(cpu, stack_read(cpu, 0, insn->osz));
    pop_commit(cpu, insn->osz + (insn->nopnd ? (unsigned)insn->imm & 0xffff : 0));
}

/* Pointer operand of a far transfer. */
static u64 far_target(struct cpu *cpu, const struct insn *insn, unsigned *sel)
{
    u64 at, off;
    if (insn->o[0].kind == OPND_FAR) {
        *sel = insn->imm2;
        return insn->imm & size_mask(insn->osz);
    }
    at = ea(cpu, insn);
    off = mem_read(cpu, insn->seg, at, insn->osz);
    *sel = (unsigned)mem_read(cpu, insn->seg, (at + insn->osz) & size_mask(insn->asz), 2);
    return off;
}

void exec_JMPF(struct cpu *cpu, const struct insn *insn)
{
    unsigned sel;
    u64 off = far_target(cpu, insn, &sel);
    far_jump(cpu, sel, off, insn->osz);
}

void exec_CALLF(struct cpu *cpu, const struct insn *insn)
{
    unsigned sel;
    u64 off = far_target(cpu, insn, &sel);
    far_call(cpu, sel, off, insn->osz);
}

void exec_RETF(struct cpu *cpu, const struct insn *insn)
{
    far_ret(cpu, insn->osz, insn->nopnd ? (unsigned)insn->imm & 0xffff : 0);
}

void exec_IRET(struct cpu *cpu, const struct insn *insn)
{
    intr_return(cpu, insn->osz);
}

static void loop(struct cpu *cpu, const struct insn *insn, bool condition)
{
    u64 count = (reg_read(cpu, REG_CX, insn->asz) - 1) & size_mask(insn->asz);
    if (count && condition)
        branch(cpu, relative(cpu, insn));
    reg_write(cpu, REG_CX, insn->asz, count);
}

void exec_LOOP(struct cpu *cpu, const struct insn *insn)
{
    loop(cpu, insn, true);
}
void exec_LOOPE(struct cpu *cpu, const struct insn *insn)
{
    loop(cpu, insn, cpu_cc(cpu, CC_E));
}
void exec_LOOPNE(struct cpu *cpu, const struct insn *insn)
{
    loop(cpu, insn, cpu_cc(cpu, CC_NE));
}

void exec_JCXZ(struct cpu *cpu, const struct insn *insn)
{
    if (!reg_read(cpu, REG_CX, insn->asz))
        branch(cpu, relative(cpu, insn));
}

void exec_INT(struct cpu *cpu, const struct insn *insn)
{
    intr_deliver(cpu, (u8)insn->imm, INTR_SOFT, false, 0);
}

void exec_INT3(struct cpu *cpu, const struct insn *insn)
{
    intr_deliver(cpu, EXC_BP, INTR_INT3, false, 0);
}

void exec_INT1(struct cpu *cpu, const struct insn *insn)
{
    intr_deliver(cpu, EXC_DB, INTR_ICEBP, false, 0);
}

void exec_INTO(struct cpu *cpu, const struct insn *insn)
{
    if (cpu->af.of)
        intr_deliver(cpu, EXC_OF, INTR_INT3, false, 0);
}

void exec_BOUND(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->osz, bits = 8 * size;
    u64 at = ea(cpu, insn);
    s64 i = sext(opnd_read(cpu, insn, 0), bits);
    s64 lo = sext(mem_read(cpu, insn->seg, at, size), bits);
    s64 hi = sext(mem_read(cpu, insn->seg, (at + size) & size_mask(insn->asz), size), bits);
    if (i < lo || i > hi)
        cpu_raise(cpu, EXC_BR);
}
