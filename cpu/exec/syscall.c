/* Fast system calls: SYSENTER, SYSEXIT, SYSCALL, SYSRET, SWAPGS (SDM vol. 3 section 5.8.7
 * and 5.8.8; AMD64 manual vol. 2 section 6.1 for what AMD's processors do outside of 64-bit code),
 * and RSM. */
#include "cpu/exec/exec.h"
#include "cpu/sys/cpuid.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/seg.h"
#include "cpu/sys/smm.h"

/* CS and SS as these instructions set them. */
static void put_flat(struct cpu *cpu, unsigned cs, unsigned ss, unsigned cpl, u32 size)
{
    cpu->cpl = (u8)cpl;
    seg_put_flat(cpu, cs, ss, cpl, size);
    if (UNLIKELY(cpu->mode_key & MK_VM))
        cpu_update_mode(cpu);
    else
        cpu_update_transfer(cpu);
}

/* ---- SYSENTER and SYSEXIT ---- */

/* AMD's processors have them outside of long mode only. */
static void check_maker(struct cpu *cpu)
{
    if (cpu_lma(cpu) && cpu_is_amd(cpu))
        cpu_raise(cpu, EXC_UD);
}

void exec_SYSENTER(struct cpu *cpu, const struct insn *insn)
{
    bool lm = cpu_lma(cpu);
    check_maker(cpu);
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
    check_maker(cpu);
    if (!cpu_pe(cpu) || !base || cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, 0);
    if (to64 && (!cpu_canonical(cpu->gpr[REG_CX]) || !cpu_canonical(cpu->gpr[REG_DX])))
        cpu_raise_err(cpu, EXC_GP, 0);
    put_flat(cpu, base + (to64 ? 32 : 16), base + (to64 ? 40 : 24), 3, to64 ? DA_L : DA_DB);
    cpu->gpr[REG_SP] = to64 ? cpu->gpr[REG_CX] : (u32)cpu->gpr[REG_CX];
    cpu->next_rip = to64 ? cpu->gpr[REG_DX] : (u32)cpu->gpr[REG_DX];
}

/* ---- SYSCALL and SYSRET ---- */

/* Intel: 64-bit code only. AMD: also compatibility mode and the protected mode of old. */
static void check_enabled(struct cpu *cpu)
{
    if (!(cpu->efer & EFER_SCE) || (!cpu_long(cpu) && !cpu_is_amd(cpu)))
        cpu_raise(cpu, EXC_UD);
}

/* Single steps see the flags that these two leave behind: a kernel that masks TF is entered without
 * a trap, and a program that is returned to with TF set traps at its first instruction. */
static void step_after(struct cpu *cpu)
{
    if (cpu->eflags & FL_TF)
        cpu->db_pending |= DR6_BS;
}

/* Outside of long mode the target is in STAR itself, and nothing goes to R11. */
static void syscall_legacy(struct cpu *cpu, unsigned sel)
{
    if (!cpu_pm(cpu))
        cpu_raise(cpu, EXC_UD);
    reg_write(cpu, REG_CX, 4, cpu->next_rip);
    cpu->eflags &= ~(u32)(FL_VM | FL_IF | FL_RF);
    put_flat(cpu, sel, sel + 8, 0, DA_DB);
    cpu->next_rip = (u32)cpu->star;
    step_after(cpu);
}

void exec_SYSCALL(struct cpu *cpu, const struct insn *insn)
{
    unsigned sel = (unsigned)(cpu->star >> 32) & 0xffff;
    u32 flags = cpu_eflags(cpu);
    u64 target = cpu_long(cpu) ? cpu->lstar : cpu->cstar;
    check_enabled(cpu);
    if (!cpu_lma(cpu)) {
        syscall_legacy(cpu, sel);
        return;
    }
    cpu->gpr[REG_CX] = cpu->next_rip;
    cpu->gpr[11] = flags & ~(u32)FL_RF;
    cpu_set_eflags(cpu, flags & ~(u32)cpu->sfmask & ~(u32)FL_RF);
    put_flat(cpu, sel, sel + 8, 0, DA_L);
    cpu->next_rip = target;
    step_after(cpu);
}

void exec_SYSRET(struct cpu *cpu, const struct insn *insn)
{
    const u32 fixed = FL_RF | FL_VM;
    unsigned sel = (unsigned)(cpu->star >> 48) & 0xffff;
    bool to64 = insn->osz == 8, from64 = cpu_long(cpu);
    u64 target = to64 ? cpu->gpr[REG_CX] : (u32)cpu->gpr[REG_CX];
    check_enabled(cpu);
    /* AMD's processors go there, and the fetch faults with the program's rights. */
    if (!cpu_pm(cpu) || cpu->cpl || (!cpu_canonical(target) && !cpu_is_amd(cpu)))
        cpu_raise_err(cpu, EXC_GP, 0);
    if (from64)
        cpu_set_eflags(cpu, (u32)cpu->gpr[11] & ~fixed);
    else
        cpu->eflags |= FL_IF;
    put_flat(cpu, sel + (to64 ? 16 : 0), sel + 8, 3, to64 ? DA_L : DA_DB);
    cpu->next_rip = target;
    step_after(cpu);
}

void exec_SWAPGS(struct cpu *cpu, const struct insn *insn)
{
    u64 v = cpu->seg[SEG_GS].base;
    need_cpl0(cpu);
    cpu->seg[SEG_GS].base = cpu->kernel_gs_base;
    cpu->kernel_gs_base = v;
    seg_update(cpu, SEG_GS); /* no more: 64-bit code's mode knows nothing of bases */
}

void exec_RSM(struct cpu *cpu, const struct insn *insn)
{
    if (!cpu->in_smm)
        cpu_raise(cpu, EXC_UD);
    smm_leave(cpu);
}
