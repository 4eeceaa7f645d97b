/* Writing CR0, CR3, CR4, CR8 and EFER; permission for ports (SDM vol. 3 sections 2.5, 4.1, 9.8.5;
 * vol. 1 17.5). */
#include "cpu/sys/ctrl.h"
#include "cpu/mem.h"
#include "cpu/sys/debug.h"

#define CR0_KNOWN                                                                                  \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

NORETURN static void gp0(struct cpu *cpu)
{
    cpu_raise_err(cpu, EXC_GP, 0);
}

static bool push(struct cpu *cpu, u32 cr0, u64 cr3, u32 cr4, u64 efer, bool cr3_written)
{
    struct mmu_mode mode = {.cr3 = cr3, .cr0 = cr0, .cr4 = cr4, .efer = (u32)efer};
    return mmu_set_mode(&cpu->mmu, &mode, cr3_written);
}

bool ctrl_push_mode(struct cpu *cpu)
{
    bool ok = push(cpu, cpu->cr0, cpu->cr3, cpu->cr4, cpu->efer, true);
    mmu_flush(&cpu->mmu, true);
    return ok;
}

/* Does TR hold a 16-bit TSS, which long mode does not have? */
static bool tss16(const struct cpu *cpu)
{
    return (cpu->tr.attr & DA_P) && !(cpu->tr.attr & 0x800);
}

void ctrl_write_cr0(struct cpu *cpu, u64 value)
{
    u32 v = ((u32)value & CR0_KNOWN) | CR0_ET;
    u64 efer = cpu->efer;
    if (cpu_long(cpu) && value >> 32)
        gp0(cpu);
    if ((v & CR0_PG) && !(v & CR0_PE))
        gp0(cpu);
    if ((v & CR0_NW) && !(v & CR0_CD))
        gp0(cpu);
    if ((v & ~cpu->cr0 & CR0_PG) && (efer & EFER_LME)) {
        if (!(cpu->cr4 & CR4_PAE) || (cpu->seg[SEG_CS].attr & DA_L) || tss16(cpu))
            gp0(cpu);
        efer |= EFER_LMA;
    } else if ((~v & cpu->cr0 & CR0_PG) && cpu_lma(cpu)) {
        if (cpu->code_bits == 64)
            gp0(cpu);
        efer &= ~(u64)EFER_LMA;
    }
    if (!push(cpu, v, cpu->cr3, cpu->cr4, efer, false))
        gp0(cpu);
    cpu->cr0 = v;
    cpu->efer = efer;
    cpu_update_mode(cpu);
}

void ctrl_write_cr3(struct cpu *cpu, u64 v)
{
    if (!cpu_lma(cpu))
        v = (u32)v;
    if (v & ~cpu->mmu.phys_mask) /* bit 63 too: no PCIDs */
        gp0(cpu);
    if (!push(cpu, cpu->cr0, v, cpu->cr4, cpu->efer, true))
        gp0(cpu);
    cpu->cr3 = v;
}

u32 ctrl_cr4_bits(const struct cpu *cpu)
{
    static const struct {
        u8 feat;
        u32 bits;
    } has[] = {
        {FEAT_VME, CR4_VME | CR4_PVI}, {FEAT_TSC, CR4_TSD},       {FEAT_DE, CR4_DE},
        {FEAT_PSE, CR4_PSE},           {FEAT_PAE, CR4_PAE},       {FEAT_MCE, CR4_MCE},
        {FEAT_PGE, CR4_PGE},           {FEAT_MMX, CR4_PCE},       {FEAT_FXSR, CR4_OSFXSR},
        {FEAT_SSE, CR4_OSXMMEXCPT},    {FEAT_XSAVE, CR4_OSXSAVE},
        {FEAT_FSGSBASE, CR4_FSGSBASE}, {FEAT_UMIP, CR4_UMIP},         {FEAT_SMEP, CR4_SMEP},
    };
    u32 bits = 0;
    for (unsigned i = 0; i < ARRAY_LEN(has); i++)
        if (cpu_has(cpu, has[i].feat))
            bits |= has[i].bits;
    return bits;
}

void ctrl_write_cr4(struct cpu *cpu, u64 v)
{
    if (v & ~(u64)ctrl_cr4_bits(cpu))
        gp0(cpu);
    if (cpu_lma(cpu) && !(v & CR4_PAE))
        gp0(cpu);
    if (!push(cpu, cpu->cr0, cpu->cr3, (u32)v, cpu->efer, false))
        gp0(cpu);
    cpu->cr4 = (u32)v;
    debug_update(cpu);
}

void ctrl_write_cr8(struct cpu *cpu, u64 v)
{
    if (v >> 4)
        gp0(cpu);
    cpu->cr8 = v;
    if (cpu->hooks.tpr_write)
        cpu->hooks.tpr_write(cpu->hooks.arg, (u8)(v << 4));
}

void ctrl_write_efer(struct cpu *cpu, u64 v)
{
    u64 known = (cpu_has(cpu, FEAT_SYSCALL) ? EFER_SCE : 0) |
                (cpu_has(cpu, FEAT_NX) ? EFER_NXE : 0) |
                (cpu_has(cpu, FEAT_LM) ? EFER_LME | EFER_LMA : 0);
    if (v & ~known)
        gp0(cpu);
    if ((cpu->cr0 & CR0_PG) && ((v ^ cpu->efer) & EFER_LME))
        gp0(cpu);
    v = (v & ~(u64)EFER_LMA) | (cpu->efer & EFER_LMA);
    push(cpu, cpu->cr0, cpu->cr3, cpu->cr4, v, false);
    cpu->efer = v;
    cpu_update_mode(cpu);
}

u64 ctrl_read_cr(struct cpu *cpu, unsigned n)
{
    switch (n) {
    case 0: return cpu->cr0;
    case 2: return cpu->cr2;
    case 3: return cpu->cr3;
    case 4: return cpu->cr4;
    case 8: return cpu->hooks.tpr_read ? cpu->hooks.tpr_read(cpu->hooks.arg) >> 4 : cpu->cr8;
    default: cpu_raise(cpu, EXC_UD);
    }
}

void ctrl_write_cr(struct cpu *cpu, unsigned n, u64 v)
{
    switch (n) {
    case 0: ctrl_write_cr0(cpu, v); break;
    case 2: cpu->cr2 = v; break;
    case 3: ctrl_write_cr3(cpu, v); break;
    case 4: ctrl_write_cr4(cpu, v); break;
    case 8: ctrl_write_cr8(cpu, v); break;
    default: cpu_raise(cpu, EXC_UD);
    }
}

void ctrl_lmsw(struct cpu *cpu, u16 v)
{
    const u32 mask = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
    u32 pe = cpu->cr0 & CR0_PE;
    ctrl_write_cr0(cpu, (cpu->cr0 & ~mask) | (v & mask) | pe);
}

void ctrl_check_io(struct cpu *cpu, u16 port, unsigned size)
{
    u32 base, map;
    if (!cpu_pe(cpu) || (!cpu_v86(cpu) && cpu->cpl <= cpu_iopl(cpu)))
        return;
    if (!(cpu->tr.attr & DA_P) || !(cpu->tr.attr & 0x800) || cpu->tr.limit < 0x67)
        gp0(cpu);
    base = (u32)sys_read(cpu, cpu->tr.base + 0x66, 2) + port / 8u;
    /* Two bytes are always read: the map must go on one byte behind the last port. */
    if (base + 1 > cpu->tr.limit)
        gp0(cpu);
    map = (u32)sys_read(cpu, cpu->tr.base + base, 2) >> (port & 7);
    if (map & (BIT(size) - 1))
        gp0(cpu);
}
