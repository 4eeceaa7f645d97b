/* A virtual CPU's life, its mode, flags, dump and hash (SDM vol. 3 table 9-1 and section 9.1). */
#include "cpu/cpu.h"
#include "cpu/exec/step.h"
#include "cpu/flags.h"
#include "cpu/sys/cpuid.h"
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/seg.h"
#include "cpu/sys/stop.h"
#include "devices/core/err.h"
#include "devices/core/huge.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

struct cpu *cpu_new(const struct cpu_config *config, struct err *err)
{
    u64 feats;
    const struct cpu_model *model = cpu_model_parse(config->model, &feats, err);
    struct cpu *cpu;
    if (!model)
        return NULL;
    cpu = huge_get(sizeof(*cpu)); /* its tables are read here and there by translated code */
    if (!cpu) {
        err_set(err, "There is not enough memory for a virtual CPU.");
        return NULL;
    }
    cpu->model = model;
    cpu->feats = feats;
    cpu->index = config->index;
    cpu->io = config->io;
    cpu->clock = config->clock;
    cpu->log = config->log;
    if (!exec_cache_new(cpu)) {
        huge_free(cpu, sizeof(*cpu));
        err_set(err, "There is not enough memory for a virtual CPU.");
        return NULL;
    }
    mmu_init(&cpu->mmu, config->mem, config->space, config->log);
    cpu->mmu.phys_mask = BIT64(model->phys_bits) - 1;
    cpu->mmu.gib_pages = cpu_has(cpu, FEAT_PDPE1GB);
    cpu->random = (config->seed ^ 0x5851f42d4c957f2dull) + ((u64)config->index << 32);
    cpu_reset(cpu);
    return cpu;
}

void cpu_free(struct cpu *cpu)
{
    if (!cpu)
        return;
    exec_cache_free(cpu);
    stop_free(cpu);
    mmu_free(&cpu->mmu);
    huge_free(cpu, sizeof(*cpu));
}

static void reset_segments(struct cpu *cpu)
{
    const u32 data = DA_P | DA_S | DA_WRITE | DA_ACCESSED;
    for (unsigned s = 0; s < SEG__COUNT; s++)
        cpu->seg[s] = (struct seg){.limit = 0xffff, .attr = data};
    cpu->seg[SEG_CS] = (struct seg){.base = 0xffff0000u,
                                    .limit = 0xffff,
                                    .attr = DA_P | DA_S | DA_CODE | DA_READ | DA_ACCESSED,
                                    .sel = 0xf000};
    cpu->ldt = (struct seg){.limit = 0xffff, .attr = DA_P | 0x200};
    cpu->tr = (struct seg){.limit = 0xffff, .attr = DA_P | 0xb00};
    cpu->gdt = cpu->idt = (struct dtable){.limit = 0xffff};
}

void cpu_init_signal(struct cpu *cpu)
{
    memset(cpu->gpr, 0, sizeof(cpu->gpr));
    cpu->gpr[REG_DX] = cpuid_signature(cpu->model);
    cpu->rip = cpu->next_rip = 0xfff0;
    cpu_set_eflags(cpu, 0);
    cpu->cr0 = CR0_ET | (cpu->cr0 & (CR0_CD | CR0_NW));
    cpu->cr2 = cpu->cr3 = 0;
    cpu->cr4 = 0;
    cpu->efer = cpu->cr8 = 0;
    memset(cpu->dr, 0, sizeof(cpu->dr));
    cpu->dr[6] = 0xffff0ff0;
    cpu->dr[7] = 0x400;
    cpu->cpl = 0;
    cpu->code_bits = 16;
    cpu->shadow = cpu->shadow_ss = cpu->halted = false;
    cpu->db_pending = 0;
    cpu->init_pending = false;
    reset_segments(cpu);
    ctrl_push_mode(cpu);
    debug_update(cpu);
    seg_update_all(cpu);
}

void cpu_reset(struct cpu *cpu)
{
    cpu->cr0 = CR0_CD | CR0_NW;
    cpu->in_smm = cpu->nmi_blocked = cpu->smi_pending = cpu->nmi_pending = false;
    cpu->smbase = 0x30000;
    cpu_init_signal(cpu);
    memset(&cpu->fpu, 0, sizeof(cpu->fpu));
    cpu->fpu.cw = 0x40;
    memset(cpu->xmm, 0, sizeof(cpu->xmm));
    memset(cpu->ymmh, 0, sizeof(cpu->ymmh));
    cpu->mxcsr = 0x1f80;
    cpu->xcr0 = 1;
    cpu->sysenter_cs = cpu->sysenter_esp = cpu->sysenter_eip = 0;
    cpu->star = cpu->lstar = cpu->cstar = cpu->sfmask = cpu->kernel_gs_base = cpu->tsc_aux = 0;
    cpu->tsc_offset = 0;
    cpu->kvm_time = cpu->kvm_wall = 0;
    cpu->pat = 0x0007040600070406ull;
    cpu->mtrr_def = 0;
    memset(cpu->mtrr_fix, 0, sizeof(cpu->mtrr_fix));
    memset(cpu->mtrr_var, 0, sizeof(cpu->mtrr_var));
    cpu->misc_enable = 1; /* fast strings */
    cpu->mcg_status = cpu->ucode_rev = 0;
    cpu_update_mode(cpu);
}

/* ---- flags ---- */

u32 cpu_eflags(const struct cpu *cpu)
{
    return cpu->eflags | cpu_aflags(cpu) | FL_ONE;
}

void cpu_set_eflags(struct cpu *cpu, u32 v)
{
    const u32 known =
        FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF | FL_VM | FL_AC | FL_VIF | FL_VIP | FL_ID;
    cpu_set_aflags(cpu, v);
    cpu->eflags = v & known;
}

bool cpu_cc(const struct cpu *cpu, unsigned cc)
{
    return flags_cc(cpu_aflags(cpu), cc);
}

/* ---- mode ---- */

/* No x87 instruction can find or make an exception that is not masked. */
static bool x87_quiet(const struct cpu *cpu)
{
    return !(cpu->cr0 & (CR0_EM | CR0_TS)) && (cpu->fpu.cw & FP_ALL) == FP_ALL &&
           !(cpu->fpu.sw & SW_ES);
}

/* The bits of mode_key that come from control registers, units and EFLAGS.VM. */
enum { KEY_KEPT = MK_VEC | MK_X87 | MK_AVX | MK_PE | MK_VM | MK_PG | MK_DEBUG };

static u64 kept_key(const struct cpu *cpu)
{
    u64 key = 0;
    key |= !(cpu->cr0 & (CR0_EM | CR0_TS)) && (cpu->cr4 & CR4_OSFXSR) &&
                   (cpu->mxcsr & MXCSR_MASKS) == MXCSR_MASKS
               ? MK_VEC
               : 0;
    key |= key & MK_VEC && cpu_pm(cpu) && (cpu->cr4 & CR4_OSXSAVE) && (cpu->xcr0 & 6) == 6 ? MK_AVX
                                                                                           : 0;
    key |= x87_quiet(cpu) ? MK_X87 : 0;
    key |= cpu->cr0 & CR0_PE ? MK_PE : 0;
    key |= cpu->eflags & FL_VM ? MK_VM : 0;
    key |= cpu->cr0 & CR0_PG ? MK_PG : 0;
    key |= cpu->dr[7] & DR7_ENABLE ? MK_DEBUG : 0;
    return key;
}

/* Widths of code and stack. True: the code came from 64 bits or goes there. */
static bool update_widths(struct cpu *cpu)
{
    bool was64 = cpu->code_bits == 64;
    if (cpu_lma(cpu) && (cpu->seg[SEG_CS].attr & DA_L)) {
        cpu->code_bits = cpu->stack_bits = 64;
        return !was64;
    }
    cpu->code_bits = cpu->seg[SEG_CS].attr & DA_DB ? 32 : 16;
    cpu->stack_bits = cpu->seg[SEG_SS].attr & DA_DB ? 32 : 16;
    return was64;
}

/* The upper halves do not survive leaving 64-bit mode (SDM vol. 1 section 3.4.1.1), and RSM may
 * bring some into 32-bit code. Translated code takes a register as it is for a 32-bit address:
 * outside of 64-bit code they are zero, always. */
static void cut_registers(struct cpu *cpu)
{
    if (cpu->code_bits != 64 && cpu_has(cpu, FEAT_LM))
        for (unsigned i = 0; i < 8; i++)
            cpu->gpr[i] = (u32)cpu->gpr[i];
}

/* What follows from CPL, widths, segments and EFLAGS, and the key with `kept` in it. */
static inline void put_mode(struct cpu *cpu, u64 kept)
{
    u64 key = kept | cpu_seg_key(cpu);
    key |= cpu->eflags & FL_TF ? MK_TF : 0;
    if (cpu->cpl == 3) {
        cpu->mmu_mode = MMU_USER;
        cpu->align_check = (cpu->cr0 & CR0_AM) && (cpu->eflags & FL_AC);
        key |= cpu->align_check ? MK_CPL3 | MK_AC : MK_CPL3;
    } else {
        cpu->mmu_mode = MMU_SUP;
        cpu->align_check = false;
        key |= cpu->cpl ? MK_RING12 : 0;
    }
    if (cpu->code_bits == 64) {
        key |= MK_CODE64 | MK_STACK64;
    } else {
        u32 most = cpu->code_bits == 32 ? 0xffffffffu : 0xffffu;
        key |= cpu->code_bits == 32 ? MK_CODE32 : 0;
        key |= cpu->stack_bits == 32 ? MK_STACK32 : 0;
        key |= cpu->seg[SEG_CS].limit < most ? MK_LIMIT : 0;
    }
    cpu->mode_key = key;
    if (UNLIKELY(cpu->stop_on & STOP_ON_MODE))
        stop_mode(cpu);
}

void cpu_update_mode(struct cpu *cpu)
{
    bool other;
    if (!cpu_pe(cpu))
        cpu->cpl = 0;
    else if (cpu_v86(cpu))
        cpu->cpl = 3;
    other = update_widths(cpu);
    cut_registers(cpu);
    /* The ends of segments depend on rights being checked and on 64-bit code. */
    if (other || cpu->seg_mode != (cpu->cr0 & CR0_PE) + (cpu->eflags & FL_VM)) {
        cpu->seg_mode = (cpu->cr0 & CR0_PE) + (cpu->eflags & FL_VM);
        seg_update_all(cpu);
    }
    put_mode(cpu, kept_key(cpu));
}

void cpu_update_transfer(struct cpu *cpu)
{
    if (UNLIKELY(update_widths(cpu))) {
        cut_registers(cpu);
        seg_update_all(cpu);
    }
#ifdef CONFIG_DEBUG
    if ((cpu->mode_key & KEY_KEPT) != kept_key(cpu))
        BUG("mode key %llx is not up to date", (unsigned long long)cpu->mode_key);
#endif
    put_mode(cpu, cpu->mode_key & KEY_KEPT);
}

/* ---- looking at it ---- */

struct text {
    char *p;
    size_t left;
};

static void PRINTF_LIKE(2, 3) put(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;
    va_start(ap, fmt);
    n = vsnprintf(t->p, t->left, fmt, ap);
    va_end(ap);
    if (n > 0 && t->left) {
        size_t k = MIN((size_t)n, t->left - 1);
        t->p += k;
        t->left -= k;
    }
}

static void dump_seg(struct text *t, const char *name, const struct seg *s)
{
    put(t, "%-4s %04x base %08llx limit %08x attr %06x\n", name, s->sel,
        (unsigned long long)s->base, s->limit, s->attr);
}

char *cpu_dump(const struct cpu *cpu, char *buf, size_t n)
{
    static const char *const gpr[16] = {"AX", "CX", "DX",  "BX",  "SP",  "BP",  "SI",  "DI",
                                        "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"};
    static const char *const seg[SEG__COUNT] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    bool wide = cpu_has(cpu, FEAT_LM);
    u32 f = cpu_eflags(cpu);
    struct text t = {buf, n};
    if (n)
        *buf = 0;
    for (unsigned i = 0; i < (wide ? 16 : 8); i++)
        put(&t, "%s%s=%0*llx%c",
            i >= 8 ? ""
            : wide ? "R"
                   : "E",
            gpr[i], wide ? 16 : 8, (unsigned long long)cpu->gpr[i], (i & 3) == 3 ? '\n' : ' ');
    put(&t, "%s=%0*llx EFLAGS=%08x [%c%c%c%c%c%c%c%c%c] IOPL=%u CPL=%u %u-bit%s%s%s%s\n",
        wide ? "RIP" : "EIP", wide ? 16 : 8, (unsigned long long)cpu->rip, f, f & F_O ? 'O' : '-',
        f & FL_DF ? 'D' : '-', f & FL_IF ? 'I' : '-', f & FL_TF ? 'T' : '-', f & F_S ? 'S' : '-',
        f & F_Z ? 'Z' : '-', f & F_A ? 'A' : '-', f & F_P ? 'P' : '-', f & F_C ? 'C' : '-',
        cpu_iopl(cpu), cpu->cpl, cpu->code_bits, cpu_pe(cpu) ? "" : " real",
        cpu_v86(cpu) ? " V86" : "", cpu->halted ? " HLT" : "", cpu->in_smm ? " SMM" : "");
    for (unsigned s = 0; s < SEG__COUNT; s++)
        dump_seg(&t, seg[s], &cpu->seg[s]);
    dump_seg(&t, "LDTR", &cpu->ldt);
    dump_seg(&t, "TR", &cpu->tr);
    put(&t, "GDTR base %08llx limit %04x\nIDTR base %08llx limit %04x\n",
        (unsigned long long)cpu->gdt.base, cpu->gdt.limit, (unsigned long long)cpu->idt.base,
        cpu->idt.limit);
    put(&t, "CR0=%08x CR2=%08llx CR3=%08llx CR4=%08x EFER=%llx\n", cpu->cr0,
        (unsigned long long)cpu->cr2, (unsigned long long)cpu->cr3, cpu->cr4,
        (unsigned long long)cpu->efer);
    put(&t, "DR0=%08llx DR1=%08llx DR2=%08llx DR3=%08llx DR6=%08llx DR7=%08llx\n",
        (unsigned long long)cpu->dr[0], (unsigned long long)cpu->dr[1],
        (unsigned long long)cpu->dr[2], (unsigned long long)cpu->dr[3],
        (unsigned long long)cpu->dr[6], (unsigned long long)cpu->dr[7]);
    return buf;
}

static u64 mix(u64 h, u64 v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

static u64 mix_seg(u64 h, const struct seg *s)
{
    return mix(mix(mix(h, s->base), (u64)s->limit << 32 | s->attr), s->sel);
}

u64 cpu_hash(const struct cpu *cpu)
{
    u64 h = 0x243f6a8885a308d3ull;
    for (unsigned i = 0; i < 16; i++)
        h = mix(h, cpu->gpr[i]);
    h = mix(h, cpu->rip);
    h = mix(h, cpu_eflags(cpu));
    for (unsigned s = 0; s < SEG__COUNT; s++)
        h = mix_seg(h, &cpu->seg[s]);
    h = mix_seg(mix_seg(h, &cpu->ldt), &cpu->tr);
    h = mix(mix(h, cpu->gdt.base), cpu->gdt.limit);
    h = mix(mix(h, cpu->idt.base), cpu->idt.limit);
    h = mix(mix(h, (u64)cpu->cr4 << 32 | cpu->cr0), cpu->cr2);
    h = mix(mix(h, cpu->cr3), cpu->efer);
    for (unsigned i = 0; i < 8; i++)
        h = mix(h, cpu->dr[i]);
    h = mix(h, (u64)cpu->cpl | (u64)cpu->halted << 8 | (u64)cpu->shadow << 9 |
                   (u64)cpu->shadow_ss << 10 | (u64)cpu->in_smm << 11 |
                   (u64)cpu->nmi_blocked << 12);
    for (unsigned i = 0; i < 8; i++)
        h = mix(mix(h, cpu->fpu.st[i].frac), cpu->fpu.st[i].se);
    h = mix(h, cpu->fpu.cw | (u64)cpu->fpu.sw << 16 | (u64)cpu->fpu.top << 32 |
                   (u64)cpu->fpu.empty << 40 | (u64)cpu->fpu.fop << 48);
    h = mix(mix(h, cpu->fpu.fip), cpu->fpu.fdp);
    h = mix(h, cpu->fpu.fcs | (u64)cpu->fpu.fds << 16 | (u64)cpu->mxcsr << 32);
    for (unsigned i = 0; i < 16; i++)
        h = mix(mix(h, cpu->xmm[i].q[0]), cpu->xmm[i].q[1]);
    for (unsigned i = 0; i < 16; i++)
        h = mix(mix(h, cpu->ymmh[i].q[0]), cpu->ymmh[i].q[1]);
    h = mix(mix(h, cpu->xcr0), cpu->random);
    h = mix(mix(mix(h, cpu->sysenter_cs), cpu->sysenter_esp), cpu->sysenter_eip);
    h = mix(mix(mix(h, cpu->star), cpu->lstar), cpu->kernel_gs_base);
    h = mix(mix(mix(h, cpu->cstar), cpu->sfmask), cpu->tsc_aux);
    return mix(mix(h, cpu->pat), cpu->misc_enable);
}
