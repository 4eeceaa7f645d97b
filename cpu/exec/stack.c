/* The stack: PUSH, POP and their kin, ENTER and LEAVE (SDM vol. 1 chapter 6; vol. 2 per
 * instruction). */
#include "cpu/exec/exec.h"
#include "cpu/sys/seg.h"

void exec_PUSH(struct cpu *cpu, const struct insn *insn)
{
    push(cpu, insn->osz, opnd_read(cpu, insn, 0));
}

/* A memory destination is addressed with the stack pointer already moved. */
void exec_POP(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->osz;
    u64 v = stack_read(cpu, 0, size), old = cpu->gpr[REG_SP], off;
    if (insn->o[0].kind != OPND_MEM) {
        pop_commit(cpu, size);
        opnd_write(cpu, insn, 0, v);
        return;
    }
    pop_commit(cpu, size);
    off = ea(cpu, insn);
    cpu->gpr[REG_SP] = old;
    mem_write(cpu, insn->seg, off, size, v);
    pop_commit(cpu, size);
}

/* Only the selector's two bytes are written when a 32-bit operand size moves SP by four; eight are
 * all written. */
void exec_PUSHSEG(struct cpu *cpu, const struct insn *insn)
{
    u64 sp = (sp_get(cpu) - insn->osz) & sp_mask(cpu);
    mem_write(cpu, SEG_SS, sp, insn->osz == 8 ? 8 : 2, cpu->seg[insn->o[0].reg].sel);
    sp_set(cpu, sp);
}

void exec_POPSEG(struct cpu *cpu, const struct insn *insn)
{
    unsigned sel = (u16)stack_read(cpu, 0, insn->osz), s = insn->o[0].reg;
    unsigned width = cpu->stack_bits / 8u;
    u64 sp = sp_get(cpu) + insn->osz;
    seg_load(cpu, s, sel);
    /* POP SS may change the width of the stack, but moved SP by the old one. */
    reg_write(cpu, REG_SP, width, sp);
    if (s == SEG_SS)
        cpu->shadow = cpu->shadow_ss = true;
}

void exec_PUSHA(struct cpu *cpu, const struct insn *insn)
{
    u64 sp = sp_get(cpu), old = cpu->gpr[REG_SP]; /* all of ESP is stored, also on a 16-bit stack */
    unsigned size = insn->osz;
    for (unsigned i = 1; i <= 8; i++)
        mem_check_write(cpu, SEG_SS, (sp - i * size) & sp_mask(cpu), size);
    for (unsigned i = 0; i < 8; i++) {
        sp = (sp - size) & sp_mask(cpu);
        mem_write(cpu, SEG_SS, sp, size, (i == REG_SP ? old : cpu->gpr[i]) & size_mask(size));
    }
    sp_set(cpu, sp);
}

void exec_POPA(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->osz;
    u64 v[8];
    for (unsigned i = 0; i < 8; i++)
        v[i] = stack_read(cpu, i * size, size);
    pop_commit(cpu, 8 * size);
    for (unsigned i = 0; i < 8; i++)
        if (7 - i != REG_SP)
            reg_write(cpu, 7 - i, size, v[i]);
}

/* Every write below the final stack pointer's old place happens before a register changes: a fault
 * on the way leaves only bytes below the stack behind. */
void exec_ENTER(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->osz, level = insn->imm2 & 31;
    u64 mask = sp_mask(cpu), sp = (sp_get(cpu) - size) & mask;
    u64 bp = cpu->gpr[REG_BP] & mask;
    u64 frame = (cpu->gpr[REG_SP] & ~mask) | sp; /* ESP as a whole, also on a 16-bit stack */
    mem_write(cpu, SEG_SS, sp, size, cpu->gpr[REG_BP] & size_mask(size));
    for (unsigned i = 1; i < level; i++) {
        bp = (bp - size) & mask;
        sp = (sp - size) & mask;
        mem_write(cpu, SEG_SS, sp, size, mem_read(cpu, SEG_SS, bp, size));
    }
    if (level) {
        sp = (sp - size) & mask;
        mem_write(cpu, SEG_SS, sp, size, frame & size_mask(size));
    }
    sp = (sp - (u16)insn->imm) & mask;
    mem_check_write(cpu, SEG_SS, sp, size);
    reg_write(cpu, REG_BP, size, frame);
    sp_set(cpu, sp);
}

void exec_LEAVE(struct cpu *cpu, const struct insn *insn)
{
    u64 bp = cpu->gpr[REG_BP] & sp_mask(cpu);
    u64 v = mem_read(cpu, SEG_SS, bp, insn->osz);
    sp_set(cpu, bp + insn->osz);
    reg_write(cpu, REG_BP, insn->osz, v);
}

/* ---- flags ---- */

void exec_PUSHF(struct cpu *cpu, const struct insn *insn)
{
    u32 f = cpu_eflags(cpu) & ~(u32)(FL_VM | FL_RF);
    if (cpu_v86(cpu) && cpu_iopl(cpu) < 3) {
        if (!(cpu->cr4 & CR4_VME) || insn->osz != 2)
            cpu_raise_err(cpu, EXC_GP, 0);
        f = (f & ~(u32)FL_IF) | FL_IOPL | (cpu->eflags & FL_VIF ? FL_IF : 0);
    }
    push(cpu, insn->osz, f);
}

/* POPF in V86 mode below IOPL 3: IF goes to VIF (CR4.VME). */
static void popf_virtual(struct cpu *cpu, u32 f)
{
    const u32 mask = F_ALL | FL_DF | FL_NT;
    if ((f & FL_TF) || ((f & FL_IF) && (cpu->eflags & FL_VIP)))
        cpu_raise_err(cpu, EXC_GP, 0);
    cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~(mask | FL_TF | FL_VIF)) | (f & mask) |
                            (f & FL_IF ? FL_VIF : 0));
}

void exec_POPF(struct cpu *cpu, const struct insn *insn)
{
    u32 mask = F_ALL | FL_TF | FL_DF | FL_NT | FL_AC | FL_ID;
    u32 f = (u32)stack_read(cpu, 0, insn->osz);
    u32 old = cpu->eflags;
    bool v86 = cpu_v86(cpu);
    if (v86 && cpu_iopl(cpu) < 3) {
        if (!(cpu->cr4 & CR4_VME) || insn->osz != 2)
            cpu_raise_err(cpu, EXC_GP, 0);
        popf_virtual(cpu, f);
    } else {
        if (cpu->cpl <= cpu_iopl(cpu))
            mask |= FL_IF;
        if (!cpu->cpl)
            mask |= FL_IOPL;
        if (insn->osz == 2)
            mask &= 0xffff;
        cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~(mask | FL_RF)) | (f & mask));
    }
    pop_commit(cpu, insn->osz);
    if ((old ^ cpu->eflags) & (FL_TF | FL_AC)) /* all that the mode takes from here */
        cpu_update_mode(cpu);
}
