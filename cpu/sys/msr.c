/* RDMSR and WRMSR: the registers of the system volume, with the board's reached through hooks (SDM
 * vol. 4 chapter 2). */
#include "cpu/sys/msr.h"
#include "cpu/sys/kvmclock.h"
#include "cpu/sys/cpuid.h"
#include "cpu/sys/ctrl.h"
#include "cpu/sys/seg.h"
#include "devices/core/bits.h"

enum {
    MSR_P5_MC_ADDR = 0x0,
    MSR_P5_MC_TYPE = 0x1,
    MSR_TSC = 0x10,
    MSR_PLATFORM_ID = 0x17,
    MSR_APIC_BASE = 0x1b,
    MSR_EBL_CR_POWERON = 0x2a,
    MSR_TSC_ADJUST = 0x3b,
    MSR_UCODE_WRITE = 0x79,
    MSR_UCODE_REV = 0x8b,
    MSR_SMBASE = 0x9e,
    MSR_MTRRCAP = 0xfe,
    MSR_ARCH_CAPABILITIES = 0x10a,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_ESP,
    MSR_SYSENTER_EIP,
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS,
    MSR_MCG_CTL,
    MSR_MISC_ENABLE = 0x1a0,
    MSR_DEBUGCTL = 0x1d9,
    MSR_MTRR_VAR = 0x200,
    MSR_MTRR_FIX64K = 0x250,
    MSR_MTRR_FIX16K = 0x258,
    MSR_MTRR_FIX4K = 0x268,
    MSR_PAT = 0x277,
    MSR_MTRR_DEF = 0x2ff,
};
/* MSR_ARCH_CAPABILITIES */
enum {
    ARCH_RDCL_NO = BIT(0), /* user code has no addresses of the kernel's memory, not even to guess with */
    ARCH_MDS_NO = BIT(5),  /* VERW has no buffers to clear: kernels need not at each return */
};

#define MSR_EFER      0xc0000080u
#define MSR_STAR      0xc0000081u
#define MSR_LSTAR     0xc0000082u
#define MSR_CSTAR     0xc0000083u
#define MSR_SFMASK    0xc0000084u
#define MSR_FS_BASE   0xc0000100u
#define MSR_GS_BASE   0xc0000101u
#define MSR_KERNEL_GS 0xc0000102u
#define MSR_TSC_AUX   0xc0000103u
/* AMD's configuration of the system: nothing to configure here, but kernels look at it. */
#define MSR_EVNTSEL0  0xc0010000u /* four selectors of events, then their counters, which stand */
#define MSR_SYSCFG    0xc0010010u
#define MSR_HWCR      0xc0010015u
#define MSR_TOP_MEM2  0xc001001du
#define MSR_NB_CFG    0xc001001fu
#define MSR_INT_PEND  0xc0010055u

u64 cpu_tsc(struct cpu *cpu)
{
    u64 raw = cpu->hooks.tsc ? cpu->hooks.tsc(cpu->hooks.arg) : cpu_icount(cpu);
    return raw + cpu->tsc_offset;
}

/* Index of a fixed-range MTRR in mtrr_fix[], or -1. */
static int mtrr_fixed(u32 n)
{
    if (n == MSR_MTRR_FIX64K)
        return 0;
    if (n == MSR_MTRR_FIX16K || n == MSR_MTRR_FIX16K + 1)
        return (int)(n - MSR_MTRR_FIX16K) + 1;
    if (n >= MSR_MTRR_FIX4K && n < MSR_MTRR_FIX4K + 8)
        return (int)(n - MSR_MTRR_FIX4K) + 3;
    return -1;
}

/* The register an MSR simply is, or NULL. */
static u64 *plain(struct cpu *cpu, u32 n)
{
    bool lm = cpu_has(cpu, FEAT_LM), sc = cpu_has(cpu, FEAT_SYSCALL);
    if (cpu_has(cpu, FEAT_MTRR)) {
        if (n >= MSR_MTRR_VAR && n < MSR_MTRR_VAR + ARRAY_LEN(cpu->mtrr_var))
            return &cpu->mtrr_var[n - MSR_MTRR_VAR];
        if (mtrr_fixed(n) >= 0)
            return &cpu->mtrr_fix[mtrr_fixed(n)];
        if (n == MSR_MTRR_DEF)
            return &cpu->mtrr_def;
    }
    switch (n) {
    case MSR_SYSENTER_CS: return cpu_has(cpu, FEAT_SEP) ? &cpu->sysenter_cs : NULL;
    case MSR_SYSENTER_ESP: return cpu_has(cpu, FEAT_SEP) ? &cpu->sysenter_esp : NULL;
    case MSR_SYSENTER_EIP: return cpu_has(cpu, FEAT_SEP) ? &cpu->sysenter_eip : NULL;
    case MSR_MCG_STATUS: return cpu_has(cpu, FEAT_MCA) ? &cpu->mcg_status : NULL;
    case MSR_MISC_ENABLE: return cpu->model->family >= 6 ? &cpu->misc_enable : NULL;
    case MSR_PAT: return cpu_has(cpu, FEAT_PAT) ? &cpu->pat : NULL;
    case MSR_STAR: return sc ? &cpu->star : NULL;
    case MSR_LSTAR: return lm ? &cpu->lstar : NULL;
    case MSR_CSTAR: return lm ? &cpu->cstar : NULL;
    case MSR_SFMASK: return lm ? &cpu->sfmask : NULL;
    case MSR_FS_BASE: return lm ? &cpu->seg[SEG_FS].base : NULL;
    case MSR_GS_BASE: return lm ? &cpu->seg[SEG_GS].base : NULL;
    case MSR_KERNEL_GS: return lm ? &cpu->kernel_gs_base : NULL;
    case MSR_TSC_AUX: return cpu_has(cpu, FEAT_RDTSCP) ? &cpu->tsc_aux : NULL;
    default: return NULL;
    }
}

/* Reads as 0 on AMD's models, writes are dropped. */
static bool configuration(const struct cpu *cpu, u32 n)
{
    return cpu_is_amd(cpu) && (n - MSR_EVNTSEL0 < 8 || n == MSR_SYSCFG || n == MSR_HWCR || n == MSR_TOP_MEM2 ||
                               n == MSR_NB_CFG || n == MSR_INT_PEND);
}

bool msr_read(struct cpu *cpu, u32 n, u64 *v)
{
    u64 *r = plain(cpu, n);
    if (r) {
        *v = *r;
        return true;
    }
    *v = 0;
    switch (n) {
    case MSR_TSC: *v = cpu_tsc(cpu); return cpu_has(cpu, FEAT_TSC);
    case MSR_UCODE_REV: *v = cpu->ucode_rev; return cpu->model->family >= 6;
    case MSR_P5_MC_ADDR:
    case MSR_P5_MC_TYPE: return true;
    case MSR_PLATFORM_ID:
    case MSR_EBL_CR_POWERON:
    case MSR_DEBUGCTL: return cpu->model->family >= 6;
    case MSR_MTRRCAP:
        *v = 0x500 | ARRAY_LEN(cpu->mtrr_var) / 2; /* write combining, fixed ranges */
        return cpu_has(cpu, FEAT_MTRR);
    case MSR_ARCH_CAPABILITIES: *v = ARCH_RDCL_NO | ARCH_MDS_NO; return cpu_has(cpu, FEAT_ARCH_CAP);
    case MSR_MCG_CAP: return cpu_has(cpu, FEAT_MCA); /* no banks, no MCG_CTL */
    case MSR_SMBASE: *v = cpu->smbase; return cpu->in_smm;
    case MSR_EFER:
        *v = cpu->efer;
        return cpu->feats & (FEAT_BIT(SYSCALL) | FEAT_BIT(NX) | FEAT_BIT(LM));
    }
    if (configuration(cpu, n) || kvmclock_read(cpu, n, v))
        return true;
    return cpu->hooks.msr_read && cpu->hooks.msr_read(cpu->hooks.arg, n, v);
}

static bool memory_type(u64 t)
{
    return t == 0 || t == 1 || (t >= 4 && t <= 7);
}

/* Every byte of v a memory type; UC- (7) is one for the PAT only. */
static bool memory_types(u64 v, bool pat)
{
    for (unsigned i = 0; i < 64; i += 8)
        if (!memory_type(v >> i & 0xff) || (!pat && (v >> i & 0xff) == 7))
            return false;
    return true;
}

/* Is v allowed in the plain register n? */
static bool allowed(struct cpu *cpu, u32 n, u64 v)
{
    if (n == MSR_PAT)
        return memory_types(v, true);
    if (mtrr_fixed(n) >= 0)
        return memory_types(v, false);
    if (n == MSR_MTRR_DEF)
        return !(v & ~(u64)0xcff) && memory_type(v & 0xff) && (v & 0xff) != 7;
    if (n >= MSR_MTRR_VAR && n < MSR_MTRR_VAR + ARRAY_LEN(cpu->mtrr_var)) {
        u64 low = n & 1 ? 0x800 : 0xff;
        if (v & ~(cpu->mmu.phys_mask & ~(u64)0xfff) & ~low)
            return false;
        return (n & 1) || (memory_type(v & 0xff) && (v & 0xff) != 7);
    }
    switch (n) {
    case MSR_SYSENTER_ESP:
    case MSR_SYSENTER_EIP:
    case MSR_LSTAR:
    case MSR_CSTAR:
    case MSR_FS_BASE:
    case MSR_GS_BASE:
    case MSR_KERNEL_GS: return cpu_canonical(v);
    case MSR_TSC_AUX:
    case MSR_SFMASK: return !(v >> 32);
    default: return true;
    }
}

bool msr_write(struct cpu *cpu, u32 n, u64 v)
{
    u64 *r = plain(cpu, n);
    if (r) {
        if (!allowed(cpu, n, v))
            return false;
        *r = v;
        if (n == MSR_FS_BASE || n == MSR_GS_BASE) {
            seg_update_all(cpu);
            cpu_update_mode(cpu);
        }
        return true;
    }
    switch (n) {
    case MSR_TSC:
        if (!cpu_has(cpu, FEAT_TSC))
            return false;
        cpu->tsc_offset += v - cpu_tsc(cpu);
        kvmclock_moved(cpu);
        return true;
    case MSR_UCODE_REV:
        return cpu->model->family >= 6; /* software writes 0 before asking by CPUID */
    case MSR_UCODE_WRITE:
    case MSR_EBL_CR_POWERON: return cpu->model->family >= 6;
    case MSR_DEBUGCTL: return cpu->model->family >= 6 && !(v & ~(u64)3);
    case MSR_P5_MC_ADDR:
    case MSR_P5_MC_TYPE: return true;
    case MSR_EFER:
        if (!(cpu->feats & (FEAT_BIT(SYSCALL) | FEAT_BIT(NX) | FEAT_BIT(LM))))
            return false;
        ctrl_write_efer(cpu, v);
        return true;
    }
    if (configuration(cpu, n) || kvmclock_write(cpu, n, v))
        return true;
    return cpu->hooks.msr_write && cpu->hooks.msr_write(cpu->hooks.arg, n, v);
}
