/* System instructions: tables, control registers, flags of the system, processor information (SDM
 * vol. 2; vol. 3 sections 2.8 and 5.9). */
#include "cpu/exec/exec.h"
#include "cpu/sys/cpuid.h"
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/msr.h"
#include "cpu/sys/seg.h"
#include "cpu/sys/stop.h"

/* #UD in real and V86 mode. */
static void need_pm(struct cpu *cpu)
{
    if (!cpu_pm(cpu))
        cpu_raise(cpu, EXC_UD);
}

/* CR4.UMIP: programs may not look at the system's tables. */
static void check_umip(struct cpu *cpu)
{
    if ((cpu->cr4 & CR4_UMIP) && cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, 0);
}

static void put_zf(struct cpu *cpu, bool z)
{
    cpu->af.szapc = (u8)((cpu->af.szapc & ~F_Z) | (z ? F_Z : 0));
}

void exec_UD(struct cpu *cpu, const struct insn *insn)
{
    cpu_raise(cpu, EXC_UD);
}
void exec_NOP(struct cpu *cpu, const struct insn *insn) {}
void exec_PAUSE(struct cpu *cpu, const struct insn *insn) {}
void exec_PREFETCH(struct cpu *cpu, const struct insn *insn) {}
void exec_LFENCE(struct cpu *cpu, const struct insn *insn) {}
void exec_MFENCE(struct cpu *cpu, const struct insn *insn) {}
void exec_SFENCE(struct cpu *cpu, const struct insn *insn) {}

/* No caches to flush, but the access is checked as a load of a byte. */
void exec_CLFLUSH(struct cpu *cpu, const struct insn *insn)
{
    const struct seg *seg = &cpu->seg[insn->seg];
    u64 off = ea(cpu, insn);
    struct mmu_fault fault;
    if (cpu->code_bits == 64 || !cpu_pm(cpu) || (seg->attr & (DA_P | DA_CODE | DA_READ)) != (DA_P | DA_CODE)) {
        mem_read(cpu, insn->seg, off, 1);
        return;
    }
    /* As a load, but an execute-only segment is fine. */
    if (off > seg->limit)
        cpu_raise_err(cpu, EXC_GP, 0);
    if (!mmu_check_read(&cpu->mmu, cpu->mmu_mode, mem_address(cpu, insn->seg, off), 1, &fault))
        cpu_raise_pf(cpu, &fault);
}

void exec_CLFLUSHOPT(struct cpu *cpu, const struct insn *insn)
{
    exec_CLFLUSH(cpu, insn);
}
void exec_CLWB(struct cpu *cpu, const struct insn *insn)
{
    exec_CLFLUSH(cpu, insn);
}

void exec_CLD(struct cpu *cpu, const struct insn *insn)
{
    cpu->eflags &= ~(u32)FL_DF;
}
void exec_STD(struct cpu *cpu, const struct insn *insn)
{
    cpu->eflags |= FL_DF;
}

/* ---- interrupt flag ---- */

/* Does the program act on VIF instead of IF? Raises #GP(0) when it may touch neither. */
static bool virtual_if(struct cpu *cpu)
{
    if (!cpu_pe(cpu) || cpu->cpl <= cpu_iopl(cpu))
        return false;
    if (cpu_v86(cpu) ? !(cpu->cr4 & CR4_VME) : cpu->cpl != 3 || !(cpu->cr4 & CR4_PVI))
        cpu_raise_err(cpu, EXC_GP, 0);
    return true;
}

void exec_CLI(struct cpu *cpu, const struct insn *insn)
{
    cpu->eflags &= virtual_if(cpu) ? ~(u32)FL_VIF : ~(u32)FL_IF;
}

void exec_STI(struct cpu *cpu, const struct insn *insn)
{
    if (virtual_if(cpu)) {
        if (cpu->eflags & FL_VIP)
            cpu_raise_err(cpu, EXC_GP, 0);
        cpu->eflags |= FL_VIF;
        return;
    }
    if (!(cpu->eflags & FL_IF))
        cpu->shadow = true;
    cpu->eflags |= FL_IF;
}

void exec_HLT(struct cpu *cpu, const struct insn *insn)
{
    need_cpl0(cpu);
    cpu->halted = true;
}

/* ---- descriptor tables ---- */

static void load_table(struct cpu *cpu, const struct insn *insn, struct dtable *t)
{
    u64 at = ea(cpu, insn), base;
    u16 limit;
    need_cpl0(cpu);
    limit = (u16)mem_read(cpu, insn->seg, at, 2);
    base = mem_read(cpu, insn->seg, (at + 2) & size_mask(insn->asz), cpu_long(cpu) ? 8 : 4);
    if (insn->osz == 2)
        base &= 0xffffff;
    if (cpu_long(cpu) && !cpu_canonical(base))
        cpu_raise_err(cpu, EXC_GP, 0);
    t->base = base;
    t->limit = limit;
}

static void store_table(struct cpu *cpu, const struct insn *insn, const struct dtable *t)
{
    unsigned size = cpu_long(cpu) ? 8 : 4;
    u64 at = ea(cpu, insn), next = (at + 2) & size_mask(insn->asz);
    mem_check_write(cpu, insn->seg, at, 2);
    mem_check_write(cpu, insn->seg, next, size);
    mem_write(cpu, insn->seg, at, 2, t->limit);
    mem_write(cpu, insn->seg, next, size, t->base);
}

void exec_LGDT(struct cpu *cpu, const struct insn *insn)
{
    load_table(cpu, insn, &cpu->gdt);
}
void exec_LIDT(struct cpu *cpu, const struct insn *insn)
{
    load_table(cpu, insn, &cpu->idt);
}
void exec_SGDT(struct cpu *cpu, const struct insn *insn)
{
    check_umip(cpu);
    store_table(cpu, insn, &cpu->gdt);
}
void exec_SIDT(struct cpu *cpu, const struct insn *insn)
{
    check_umip(cpu);
    store_table(cpu, insn, &cpu->idt);
}

void exec_LLDT(struct cpu *cpu, const struct insn *insn)
{
    need_pm(cpu);
    need_cpl0(cpu);
    seg_load_ldt(cpu, (u16)opnd_read(cpu, insn, 0));
}

void exec_LTR(struct cpu *cpu, const struct insn *insn)
{
    need_pm(cpu);
    need_cpl0(cpu);
    seg_load_tr(cpu, (u16)opnd_read(cpu, insn, 0));
}

void exec_SLDT(struct cpu *cpu, const struct insn *insn)
{
    need_pm(cpu);
    check_umip(cpu);
    opnd_write(cpu, insn, 0, cpu->ldt.sel);
}

void exec_STR(struct cpu *cpu, const struct insn *insn)
{
    need_pm(cpu);
    check_umip(cpu);
    opnd_write(cpu, insn, 0, cpu->tr.sel);
}

/* ---- questions about selectors ---- */

void exec_LAR(struct cpu *cpu, const struct insn *insn)
{
    u32 rights = 0;
    bool ok;
    need_pm(cpu);
    ok = seg_lar(cpu, (u16)opnd_read(cpu, insn, 1), &rights);
    if (ok)
        opnd_write(cpu, insn, 0, insn->o[0].size == 2 ? rights & 0xff00 : rights);
    put_zf(cpu, ok);
}

void exec_LSL(struct cpu *cpu, const struct insn *insn)
{
    u32 limit = 0;
    bool ok;
    need_pm(cpu);
    ok = seg_lsl(cpu, (u16)opnd_read(cpu, insn, 1), &limit);
    if (ok)
        opnd_write(cpu, insn, 0, limit);
    put_zf(cpu, ok);
}

void exec_VERR(struct cpu *cpu, const struct insn *insn)
{
    need_pm(cpu);
    put_zf(cpu, seg_verify(cpu, (u16)opnd_read(cpu, insn, 0), false));
}

void exec_VERW(struct cpu *cpu, const struct insn *insn)
{
    need_pm(cpu);
    put_zf(cpu, seg_verify(cpu, (u16)opnd_read(cpu, insn, 0), true));
}

void exec_ARPL(struct cpu *cpu, const struct insn *insn)
{
    u64 dst, src;
    need_pm(cpu);
    dst = opnd_read(cpu, insn, 0); /* written only when it changes */
    src = opnd_read(cpu, insn, 1);
    if ((dst & 3) < (src & 3)) {
        opnd_write(cpu, insn, 0, (dst & 0xfffc) | (src & 3));
        put_zf(cpu, true);
    } else {
        put_zf(cpu, false);
    }
}

/* ---- control and debug registers ---- */

void exec_MOVCR(struct cpu *cpu, const struct insn *insn)
{
    need_cpl0(cpu);
    if (insn->o[0].kind == OPND_CR)
        ctrl_write_cr(cpu, insn->o[0].reg, opnd_read(cpu, insn, 1));
    else
        opnd_write(cpu, insn, 0, ctrl_read_cr(cpu, insn->o[1].reg));
}

void exec_MOVDR(struct cpu *cpu, const struct insn *insn)
{
    if (insn->o[0].kind == OPND_DR)
        debug_write_dr(cpu, insn->o[0].reg, opnd_read(cpu, insn, 1));
    else
        opnd_write(cpu, insn, 0, debug_read_dr(cpu, insn->o[1].reg));
}

void exec_CLTS(struct cpu *cpu, const struct insn *insn)
{
    need_cpl0(cpu);
    cpu->cr0 &= ~(u32)CR0_TS;
    cpu_update_mode(cpu);
}

void exec_LMSW(struct cpu *cpu, const struct insn *insn)
{
    need_cpl0(cpu);
    ctrl_lmsw(cpu, (u16)opnd_read(cpu, insn, 0));
}

void exec_SMSW(struct cpu *cpu, const struct insn *insn)
{
    check_umip(cpu);
    opnd_write(cpu, insn, 0, cpu->cr0);
}

void exec_INVD(struct cpu *cpu, const struct insn *insn)
{
    need_cpl0(cpu);
}
void exec_WBINVD(struct cpu *cpu, const struct insn *insn)
{
    need_cpl0(cpu);
}

void exec_INVLPG(struct cpu *cpu, const struct insn *insn)
{
    u64 off = ea(cpu, insn);
    need_cpl0(cpu);
    if (cpu_long(cpu))
        mmu_invlpg(&cpu->mmu, insn->seg >= SEG_FS ? cpu->seg[insn->seg].base + off : off);
    else
        mmu_invlpg(&cpu->mmu, (u32)(cpu->seg[insn->seg].base + off));
}

/* ---- bases of FS and GS ---- */

static void need_fsgsbase(struct cpu *cpu)
{
    if (!(cpu->cr4 & CR4_FSGSBASE))
        cpu_raise(cpu, EXC_UD);
}

static void read_base(struct cpu *cpu, const struct insn *insn, unsigned s)
{
    need_fsgsbase(cpu);
    opnd_write(cpu, insn, 0, cpu->seg[s].base);
}

static void write_base(struct cpu *cpu, const struct insn *insn, unsigned s)
{
    u64 v;
    need_fsgsbase(cpu);
    v = opnd_read(cpu, insn, 0);
    if ((u64)((s64)(v << 16) >> 16) != v)
        cpu_raise_err(cpu, EXC_GP, 0);
    cpu->seg[s].base = v;
    seg_update(cpu, s);
    cpu_update_mode(cpu);
}

void exec_RDFSBASE(struct cpu *cpu, const struct insn *insn)
{
    read_base(cpu, insn, SEG_FS);
}
void exec_RDGSBASE(struct cpu *cpu, const struct insn *insn)
{
    read_base(cpu, insn, SEG_GS);
}
void exec_WRFSBASE(struct cpu *cpu, const struct insn *insn)
{
    write_base(cpu, insn, SEG_FS);
}
void exec_WRGSBASE(struct cpu *cpu, const struct insn *insn)
{
    write_base(cpu, insn, SEG_GS);
}

/* ---- MSRs, time, identification ---- */

static void put_edx_eax(struct cpu *cpu, u64 v)
{
    cpu->gpr[REG_AX] = (u32)v;
    cpu->gpr[REG_DX] = v >> 32;
}

static u64 edx_eax(const struct cpu *cpu)
{
    return (u64)(u32)cpu->gpr[REG_DX] << 32 | (u32)cpu->gpr[REG_AX];
}

void exec_RDMSR(struct cpu *cpu, const struct insn *insn)
{
    u64 v = 0;
    need_cpl0(cpu);
    if (!msr_read(cpu, (u32)cpu->gpr[REG_CX], &v)) {
        log_guest_error(cpu->log, "cpu", "read of unknown MSR %x", (u32)cpu->gpr[REG_CX]);
        cpu_raise_err(cpu, EXC_GP, 0);
    }
    put_edx_eax(cpu, v);
    if (UNLIKELY(cpu->stop_on & STOP_ON_MSR))
        stop_msr(cpu, (u32)cpu->gpr[REG_CX], false);
}

void exec_WRMSR(struct cpu *cpu, const struct insn *insn)
{
    need_cpl0(cpu);
    if (!msr_write(cpu, (u32)cpu->gpr[REG_CX], edx_eax(cpu))) {
        log_guest_error(cpu->log, "cpu", "write of MSR %x refused", (u32)cpu->gpr[REG_CX]);
        cpu_raise_err(cpu, EXC_GP, 0);
    }
    if (UNLIKELY(cpu->stop_on & STOP_ON_MSR))
        stop_msr(cpu, (u32)cpu->gpr[REG_CX], true);
}

static void check_tsd(struct cpu *cpu)
{
    if ((cpu->cr4 & CR4_TSD) && cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, 0);
}

void exec_RDTSC(struct cpu *cpu, const struct insn *insn)
{
    check_tsd(cpu);
    put_edx_eax(cpu, cpu_tsc(cpu));
}

void exec_RDTSCP(struct cpu *cpu, const struct insn *insn)
{
    check_tsd(cpu);
    put_edx_eax(cpu, cpu_tsc(cpu));
    cpu->gpr[REG_CX] = (u32)cpu->tsc_aux;
}

void exec_RDPID(struct cpu *cpu, const struct insn *insn)
{
    opnd_write(cpu, insn, 0, (u32)cpu->tsc_aux);
}

/* The two counters of a P6 exist and count nothing. */
void exec_RDPMC(struct cpu *cpu, const struct insn *insn)
{
    if ((cpu->cpl && !(cpu->cr4 & CR4_PCE)) || (u32)cpu->gpr[REG_CX] > 1)
        cpu_raise_err(cpu, EXC_GP, 0);
    put_edx_eax(cpu, 0);
}

void exec_CPUID(struct cpu *cpu, const struct insn *insn)
{
    u32 out[4];
    cpuid_query(cpu, (u32)cpu->gpr[REG_AX], (u32)cpu->gpr[REG_CX], out);
    cpu->gpr[REG_AX] = out[0];
    cpu->gpr[REG_BX] = out[1];
    cpu->gpr[REG_CX] = out[2];
    cpu->gpr[REG_DX] = out[3];
}

/* MWAIT may end for any reason; with interrupts on it sleeps like HLT, which every waiting loop
 * expects. */
void exec_MONITOR(struct cpu *cpu, const struct insn *insn)
{
    if (cpu->cpl)
        cpu_raise(cpu, EXC_UD);
    if ((u32)cpu->gpr[REG_CX])
        cpu_raise_err(cpu, EXC_GP, 0);
    mem_read(cpu, insn->seg < SEG__COUNT ? insn->seg : SEG_DS, reg_read(cpu, REG_AX, insn->asz), 1);
}

void exec_MWAIT(struct cpu *cpu, const struct insn *insn)
{
    if (cpu->cpl)
        cpu_raise(cpu, EXC_UD);
    if ((u32)cpu->gpr[REG_CX] & ~1u)
        cpu_raise_err(cpu, EXC_GP, 0);
    cpu->halted = cpu->eflags & FL_IF;
}
