/* Decimal adjustment (SDM vol. 2 "DAA", "DAS", "AAA", "AAS", "AAM", "AAD"). OF and other flags that
 * the manual leaves open are clear; SF, ZF and PF follow AL. */
#include "cpu/exec/exec.h"
#include "cpu/flags.h"

static u32 al_of(const struct cpu *cpu)
{
    return cpu->gpr[REG_AX] & 0xff;
}

static u32 ah_of(const struct cpu *cpu)
{
    return cpu->gpr[REG_AX] >> 8 & 0xff;
}

static void put_ax(struct cpu *cpu, u32 ah, u32 al)
{
    reg_write(cpu, REG_AX, 2, (ah & 0xff) << 8 | (al & 0xff));
}

/* DAA adds and DAS subtracts the corrections. */
static void adjust_packed(struct cpu *cpu, int sign)
{
    u32 f = cpu_aflags(cpu), old = al_of(cpu), al = old, out = 0;
    if ((old & 15) > 9 || (f & F_A)) {
        al += (u32)(sign * 6);
        out |= F_A;
        if ((f & F_C) || (sign < 0 ? old < 6 : old > 0xff - 6))
            out |= F_C;
    }
    if (old > 0x99 || (f & F_C)) {
        al += (u32)(sign * 0x60);
        out |= F_C;
    } else if (sign > 0) {
        out &= ~(u32)F_C;
    }
    al &= 0xff;
    reg_write(cpu, REG_AX, 1, al);
    cpu_set_aflags(cpu, out | flags_szp(al, 1));
}

void exec_DAA(struct cpu *cpu, const struct insn *insn)
{
    adjust_packed(cpu, 1);
}
void exec_DAS(struct cpu *cpu, const struct insn *insn)
{
    adjust_packed(cpu, -1);
}

/* AAA and AAS work on AX as a whole: a carry out of AL reaches AH. */
static void adjust_unpacked(struct cpu *cpu, int sign)
{
    u32 f = cpu_aflags(cpu), ax = cpu->gpr[REG_AX] & 0xffff, out = 0;
    if ((ax & 15) > 9 || (f & F_A)) {
        ax += (u32)(sign * 0x106);
        out = F_A | F_C;
    }
    ax &= 0xff0f;
    reg_write(cpu, REG_AX, 2, ax);
    cpu_set_aflags(cpu, out | flags_szp(ax & 0xff, 1));
}

void exec_AAA(struct cpu *cpu, const struct insn *insn)
{
    adjust_unpacked(cpu, 1);
}
void exec_AAS(struct cpu *cpu, const struct insn *insn)
{
    adjust_unpacked(cpu, -1);
}

void exec_AAM(struct cpu *cpu, const struct insn *insn)
{
    u32 base = insn->imm & 0xff, al = al_of(cpu);
    if (!base)
        cpu_raise(cpu, EXC_DE);
    put_ax(cpu, al / base, al % base);
    cpu_set_aflags(cpu, flags_szp(al % base, 1));
}

void exec_AAD(struct cpu *cpu, const struct insn *insn)
{
    u32 al = (al_of(cpu) + ah_of(cpu) * (u32)(insn->imm & 0xff)) & 0xff;
    put_ax(cpu, 0, al);
    cpu_set_aflags(cpu, flags_szp(al, 1));
}
