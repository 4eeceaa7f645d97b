/* Fast system calls: SYSENTER, SYSEXIT, SYSCALL, SYSRET, SWAPGS (SDM vol. 3 section 5.8.7
 * and 5.8.8), and RSM. */
#include "cpu/exec/exec.h"
#include "cpu/sys/seg.h"
#include "cpu/sys/smm.h"

enum {
    FLAT_CODE = DA_P | DA_S | DA_CODE | DA_READ | DA_ACCESSED | DA_G,
    FLAT_DATA = DA_P | DA_S | DA_WRITE | DA_ACCESSED | DA_G
};

/* CS and SS as these instructions set them: flat, from nothing but the selectors. */
static void put_flat(struct cpu *cpu, unsigned cs, unsigned ss, unsigned cpl, u32 size)
{
    struct seg code = {.limit = 0xffffffffu,
                       .attr = FLAT_CODE | cpl << 13 | size,
                       .sel = (u16)((cs & 0xfffc) | cpl)};
    struct seg stack = {.limit = 0xffffffffu,
                        .attr = FLAT_DATA | cpl << 13 | DA_DB,
                        .sel = (u16)((ss & 0xfffc) | cpl)};
    cpu->cpl = (u8)cpl;
    seg_put(cpu, SEG_CS, &code);
    seg_put(cpu, SEG_SS, &stack);
    cpu_update_mode(cpu);
}

static bool canonical(u64 v)
{
    return (u64)sext(v, 48) == v;
}

void exec_SYSENTER(struct cpu *cpu, const struct insn *insn)
{
    bool lm = cpu_lma(cpu);
    if (!cpu_pe(cpu) || !(cpu->sysenter_cs & 0xfffc))
        cpu_raise_err(cpu, EXC_GP, 0);
    cpu->eflags &= ~(u32)(FL_VM | FL_IF | FL_RF);
    put_flat(cpu, (unsigned)cpu->sysenter_cs, (unsigned)(cpu->sysenter_cs & 0xfffc) + 8, 0,
             lm ? DA_L : DA_DB);
    cpu->gpr[REG_SP] = lm ? cpu->sysenter_esp : (u32)cpu->sysenter_esp;
    cpu->next_rip = lm ? cpu->sysenter_eip : (u32)cpu->sysenter_eip;
}

void exec_SYSEXIT(struct cpu *cpu, const struct insn *insn)
{
    unsigned base = (unsigned)cpu->sysenter_cs & 0xfffc;
    bool to64 = insn->osz == 8;
    if (!cpu_pe(cpu) || !base || cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, 0);
    if (to64 && (!canonical(cpu->gpr[REG_CX]) || !canonical(cpu->gpr[REG_DX])))
        cpu_raise_err(cpu, EXC_GP, 0);
    put_flat(cpu, base + (to64 ? 32 : 16), base + (to64 ? 40 : 24), 3, to64 ? DA_L : DA_DB);
    cpu->gpr[REG_SP] = to64 ? cpu->gpr[REG_CX] : (u32)cpu->gpr[REG_CX];
    cpu->next_rip = to64 ? cpu->gpr[REG_DX] : (u32)cpu->gpr[REG_DX];
}

void exec_SYSCALL(struct cpu *cpu, const struct insn *insn)
{
    unsigned sel = (unsigned)(cpu->star >> 32) & 0xffff;
    u32 flags = cpu_eflags(cpu);
    if (!(cpu->efer & EFER_SCE) || cpu->code_bits != 64)
        cpu_raise(cpu, EXC_UD);
    cpu->gpr[REG_CX] = cpu->next_rip;
    cpu->gpr[11] = flags & ~(u32)FL_RF;
    cpu_set_eflags(cpu, flags & ~(u32)cpu->sfmask & ~(u32)FL_RF);
    put_flat(cpu, sel, sel + 8, 0, DA_L);
    cpu->next_rip = cpu->lstar;
}

void exec_SYSRET(struct cpu *cpu, const struct insn *insn)
{
    const u32 fixed = FL_RF | FL_VM;
    unsigned sel = (unsigned)(cpu->star >> 48) & 0xffff;
    bool to64 = insn->osz == 8;
    if (!(cpu->efer & EFER_SCE) || cpu->code_bits != 64)
        cpu_raise(cpu, EXC_UD);
    if (cpu->cpl || (to64 && !canonical(cpu->gpr[REG_CX])))
        cpu_raise_err(cpu, EXC_GP, 0);
    cpu_set_eflags(cpu, (u32)cpu->gpr[11] & ~fixed);
    put_flat(cpu, sel + (to64 ? 16 : 0), sel + 8, 3, to64 ? DA_L : DA_DB);
    cpu->next_rip = to64 ? cpu->gpr[REG_CX] : (u32)cpu->gpr[REG_CX];
}

void exec_SWAPGS(struct cpu *cpu, const struct insn *insn)
{
    u64 v = cpu->seg[SEG_GS].base;
    need_cpl0(cpu);
    cpu->seg[SEG_GS].base = cpu->kernel_gs_base;
    cpu->kernel_gs_base = v;
    seg_update(cpu, SEG_GS);
    cpu_update_mode(cpu);
}

void exec_RSM(struct cpu *cpu, const struct insn *insn)
{
    if (!cpu->in_smm)
        cpu_raise(cpu, EXC_UD);
    smm_leave(cpu);
}
