/* Saving and loading a virtual CPU: its registers as a flat struct with a field table, checked by
 * the rules of the instructions that write them (SDM vol. 3 sections 2.5, 4.1 and 26.3). */
#include "cpu/state.h"
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/seg.h"
#include "devices/core/err.h"

#include <stdio.h>

enum { STATE_VERSION = 1, SEG_LDT = SEG__COUNT, SEG_TR, SEGS };

struct saved {
    u64 gpr[16], rip;
    u64 seg_base[SEGS];
    u64 gdt_base, idt_base;
    u64 cr2, cr3, efer, cr8, xcr0, pdpte[4], dr[8], db_pending;
    u64 fp_frac[8], fip, fdp;
    u64 sysenter_cs, sysenter_esp, sysenter_eip;
    u64 star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;
    u64 tsc_offset, pat, mtrr_def, mtrr_fix[11], mtrr_var[16], misc_enable, mcg_status, ucode_rev;
    u64 kvm_time, kvm_wall, wall, random, icount;
    u8 xmm[16 * 16], ymmh[16 * 16];
    u32 seg_limit[SEGS], seg_attr[SEGS];
    u32 eflags, mxcsr, cr0, cr4, kvm_version, smbase;
    u16 seg_sel[SEGS], gdt_limit, idt_limit;
    u16 fp_se[8], cw, sw, fop, fcs, fds;
    u8 top, empty, cpl;
    u8 in_smm, smm_nmi, nmi_blocked, nmi_pending, smi_pending, init_pending;
    u8 shadow, shadow_ss, halted, intr;
};

#define FIELDS_OF struct saved
static const struct field rows[] = {
    FA(gpr, FT_U64, 0, "general registers"),
    F(rip, FT_U64, 0, "instruction pointer"),
    FA(seg_base, FT_U64, 0, "segments ES to GS, LDT, TR: base"),
    F(gdt_base, FT_U64, 0, "GDTR"),
    F(idt_base, FT_U64, 0, "IDTR"),
    F(cr2, FT_U64, 0, "CR2"),
    F(cr3, FT_U64, 0, "CR3"),
    F(efer, FT_U64, 0, "EFER"),
    F(cr8, FT_U64, 0, "CR8"),
    F(xcr0, FT_U64, 1, "XCR0"),
    FA(pdpte, FT_U64, 0, "page directory pointers as loaded with CR3"),
    FA(dr, FT_U64, 0, "debug registers"),
    F(db_pending, FT_U64, 0, "bits of DR6 still to be told by #DB"),
    FA(fp_frac, FT_U64, 0, "x87 registers: significand"),
    F(fip, FT_U64, 0, "x87 instruction pointer"),
    F(fdp, FT_U64, 0, "x87 data pointer"),
    F(sysenter_cs, FT_U64, 0, "SYSENTER_CS"),
    F(sysenter_esp, FT_U64, 0, "SYSENTER_ESP"),
    F(sysenter_eip, FT_U64, 0, "SYSENTER_EIP"),
    F(star, FT_U64, 0, "STAR"),
    F(lstar, FT_U64, 0, "LSTAR"),
    F(cstar, FT_U64, 0, "CSTAR"),
    F(sfmask, FT_U64, 0, "SFMASK"),
    F(kernel_gs_base, FT_U64, 0, "KERNEL_GS_BASE"),
    F(tsc_aux, FT_U64, 0, "TSC_AUX"),
    F(tsc_offset, FT_U64, 0, "what the TSC is ahead of the clock"),
    F(pat, FT_U64, 0, "PAT"),
    F(mtrr_def, FT_U64, 0, "default memory type"),
    FA(mtrr_fix, FT_U64, 0, "fixed memory ranges"),
    FA(mtrr_var, FT_U64, 0, "variable memory ranges"),
    F(misc_enable, FT_U64, 0, "MISC_ENABLE"),
    F(mcg_status, FT_U64, 0, "MCG_STATUS"),
    F(ucode_rev, FT_U64, 0, "microcode revision"),
    F(kvm_time, FT_U64, 0, "paravirtual clock: system time"),
    F(kvm_wall, FT_U64, 0, "paravirtual clock: wall clock"),
    F(wall, FT_U64, 0, "seconds since 1970 when the TSC was 0"),
    F(random, FT_U64, 0, "state of RDRAND"),
    F(icount, FT_U64, 0, "instructions executed"),
    FA(xmm, FT_BYTES, 0, "XMM registers"),
    FA(ymmh, FT_BYTES, 0, "upper halves of YMM registers"),
    FA(seg_limit, FT_U32, 0, "segments: limit"),
    FA(seg_attr, FT_U32, 0, "segments: attributes"),
    F(eflags, FT_U32, 0, "EFLAGS"),
    F(mxcsr, FT_U32, 0x1f80, "MXCSR"),
    F(cr0, FT_U32, 0, "CR0"),
    F(cr4, FT_U32, 0, "CR4"),
    F(kvm_version, FT_U32, 0, "paravirtual clock: updates"),
    F(smbase, FT_U32, 0x30000, "base of system management memory"),
    FA(seg_sel, FT_U16, 0, "segments: selector"),
    F(gdt_limit, FT_U16, 0, "GDTR"),
    F(idt_limit, FT_U16, 0, "IDTR"),
    FA(fp_se, FT_U16, 0, "x87 registers: sign and exponent"),
    F(cw, FT_U16, 0x40, "x87 control word"),
    F(sw, FT_U16, 0, "x87 status word without TOP"),
    F(fop, FT_U16, 0, "x87 opcode"),
    F(fcs, FT_U16, 0, "x87 code selector"),
    F(fds, FT_U16, 0, "x87 data selector"),
    F(top, FT_U8, 0, "x87 TOP"),
    F(empty, FT_U8, 0, "x87 registers that are empty"),
    F(cpl, FT_U8, 0, "privilege level"),
    F(in_smm, FT_U8, 0, "in system management mode"),
    F(smm_nmi, FT_U8, 0, "NMIs were blocked when SMM was entered"),
    F(nmi_blocked, FT_U8, 0, "NMIs are blocked"),
    F(nmi_pending, FT_U8, 0, "an NMI waits"),
    F(smi_pending, FT_U8, 0, "an SMI waits"),
    F(init_pending, FT_U8, 0, "an INIT waits"),
    F(shadow, FT_U8, 0, "interrupts are held off for an instruction"),
    F(shadow_ss, FT_U8, 0, "debug traps too"),
    F(halted, FT_U8, 0, "waits for an interrupt"),
    F(intr, FT_U8, 0, "level of the interrupt wire"),
    FIELDS_END,
};
#undef FIELDS_OF

/* Members of both structs that are called alike. */
/* clang-format off */
#define SAME(copy)                                                                                 \
    copy(rip) copy(cr2) copy(cr3) copy(efer) copy(cr8) copy(xcr0) copy(db_pending)                 \
    copy(sysenter_cs) copy(sysenter_esp) copy(sysenter_eip) copy(star) copy(lstar) copy(cstar)     \
    copy(sfmask) copy(kernel_gs_base) copy(tsc_aux) copy(tsc_offset) copy(pat) copy(mtrr_def)      \
    copy(misc_enable) copy(mcg_status) copy(ucode_rev) copy(kvm_time) copy(kvm_wall) copy(random)  \
    copy(icount) copy(mxcsr) copy(cr0) copy(cr4) copy(kvm_version) copy(smbase) copy(cpl)          \
    copy(in_smm) copy(smm_nmi) copy(nmi_blocked) copy(nmi_pending) copy(smi_pending)               \
    copy(init_pending) copy(shadow) copy(shadow_ss) copy(halted) copy(intr)
/* clang-format on */
#define SAME_ARRAYS(copy) copy(gpr) copy(dr) copy(mtrr_fix) copy(mtrr_var) copy(xmm) copy(ymmh)
#define SAME_X87(copy)                                                                             \
    copy(cw) copy(sw) copy(top) copy(empty) copy(fop) copy(fcs) copy(fds) copy(fip) copy(fdp)

static void name(const struct cpu *cpu, char id[16])
{
    snprintf(id, 16, "cpu%u", cpu->index);
}

static void save_seg(struct saved *s, unsigned i, const struct seg *seg)
{
    s->seg_base[i] = seg->base;
    s->seg_limit[i] = seg->limit;
    s->seg_attr[i] = seg->attr;
    s->seg_sel[i] = seg->sel;
}

static struct seg load_seg(const struct saved *s, unsigned i)
{
    return (struct seg){.base = s->seg_base[i],
                        .limit = s->seg_limit[i],
                        .attr = s->seg_attr[i],
                        .sel = s->seg_sel[i]};
}

void cpu_save(const struct cpu *cpu, struct snap *snap)
{
    struct saved s = {0};
    char id[16];

#define OUT(m) s.m = cpu->m;
    SAME(OUT)
#undef OUT
#define OUT(m)                                                                                     \
    _Static_assert(sizeof(s.m) == sizeof(cpu->m), #m);                                             \
    memcpy(s.m, cpu->m, sizeof(s.m));
    SAME_ARRAYS(OUT)
#undef OUT
#define OUT(m) s.m = cpu->fpu.m;
    SAME_X87(OUT)
#undef OUT
    memcpy(s.pdpte, cpu->mmu.pdpte, sizeof(s.pdpte));
    for (unsigned i = 0; i < SEG__COUNT; i++)
        save_seg(&s, i, &cpu->seg[i]);
    save_seg(&s, SEG_LDT, &cpu->ldt);
    save_seg(&s, SEG_TR, &cpu->tr);
    s.gdt_base = cpu->gdt.base, s.gdt_limit = cpu->gdt.limit;
    s.idt_base = cpu->idt.base, s.idt_limit = cpu->idt.limit;
    for (unsigned i = 0; i < 8; i++)
        s.fp_frac[i] = cpu->fpu.st[i].frac, s.fp_se[i] = cpu->fpu.st[i].se;
    s.eflags = cpu_eflags(cpu);
    s.wall = cpu->hooks.wall;
    name(cpu, id);
    snap_save_fields(snap, "cpu", id, STATE_VERSION, rows, &s);
}

/* ---- what cannot be ---- */

static bool is_bool(const struct saved *s)
{
    return (s->in_smm | s->smm_nmi | s->nmi_blocked | s->nmi_pending | s->smi_pending |
            s->init_pending | s->shadow | s->shadow_ss | s->halted | s->intr) <= 1;
}

static bool controls_ok(const struct cpu *cpu, const struct saved *s)
{
    bool lm = cpu_has(cpu, FEAT_LM), active = s->efer & EFER_LMA;

    if ((s->cr0 & CR0_PG) && !(s->cr0 & CR0_PE))
        return false;
    if ((s->cr0 & CR0_NW) && !(s->cr0 & CR0_CD))
        return false;
    if ((s->cr4 & ~ctrl_cr4_bits(cpu)) ||
        (s->efer & ~(u64)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)))
        return false;
    if (!lm && (s->efer & (EFER_LME | EFER_LMA)))
        return false;
    return active == ((s->efer & EFER_LME) && (s->cr0 & CR0_PG)) &&
           (!active || (s->cr4 & CR4_PAE)) && !(s->cr3 & ~cpu->mmu.phys_mask) && !(s->cr8 >> 4);
}

static bool modes_ok(const struct saved *s)
{
    bool active = s->efer & EFER_LMA, code64 = active && (s->seg_attr[SEG_CS] & DA_L);

    if (s->cpl > 3 || (!(s->cr0 & CR0_PE) && s->cpl))
        return false;
    if ((s->eflags & FL_VM) && (!(s->cr0 & CR0_PE) || s->cpl != 3 || active))
        return false;
    return code64 || !(s->rip >> 32);
}

static bool addresses_ok(const struct cpu *cpu, const struct saved *s)
{
    const u64 flat[] = {s->gdt_base,     s->idt_base,     s->lstar,         s->cstar,
                        s->sysenter_esp, s->sysenter_eip, s->kernel_gs_base};
    bool lm = cpu_has(cpu, FEAT_LM);

    for (unsigned i = 0; i < ARRAY_LEN(flat); i++)
        if (lm ? !cpu_canonical(flat[i]) : flat[i] >> 32)
            return false;
    for (unsigned i = 0; i < SEGS; i++)
        if ((lm ? !cpu_canonical(s->seg_base[i]) : s->seg_base[i] >> 32) ||
            (s->seg_attr[i] & ~0x00f0ff00u))
            return false;
    for (unsigned i = 0; i < 4; i++)
        if ((s->pdpte[i] & 1) && (s->pdpte[i] & (0x1e6 | ~(cpu->mmu.phys_mask | PAGE_MASK))))
            return false;
    if (!lm)
        for (unsigned i = 0; i < 16; i++)
            if (i < 8 ? s->gpr[i] >> 32 : s->gpr[i])
                return false;
    return true;
}

static bool units_ok(const struct cpu *cpu, const struct saved *s)
{
    u64 known = 3 | (cpu_has(cpu, FEAT_AVX) ? 4 : 0);

    return s->top < 8 && !(s->sw & SW_TOP) && !(s->mxcsr >> 16) && (s->xcr0 & 1) &&
           !(s->xcr0 & ~known) && (s->xcr0 & 6) != 4;
}

/* The name of what is wrong, or NULL. */
static const char *wrong(const struct cpu *cpu, const struct saved *s)
{
    if (!is_bool(s))
        return "flags are neither 0 nor 1";
    if (!controls_ok(cpu, s))
        return "CR0, CR3, CR4, CR8 or EFER";
    if (!modes_ok(s))
        return "privilege level, EFLAGS.VM or EIP";
    if (!addresses_ok(cpu, s))
        return "a segment, table or general register";
    if (!units_ok(cpu, s))
        return "x87, MXCSR or XCR0";
    if ((s->dr[6] | s->dr[7]) >> 32 || s->db_pending & ~(u64)(DR6_B | DR6_BS | DR6_BT | DR6_BD))
        return "DR6 or DR7";
    if (s->icount >> 60)
        return "the number of instructions";
    return NULL;
}

static void put(struct cpu *cpu, const struct saved *s)
{
#define IN(m) cpu->m = s->m;
    SAME(IN)
#undef IN
#define IN(m) memcpy(cpu->m, s->m, sizeof(s->m));
    SAME_ARRAYS(IN)
#undef IN
#define IN(m) cpu->fpu.m = s->m;
    SAME_X87(IN)
#undef IN
    for (unsigned i = 0; i < SEG__COUNT; i++)
        cpu->seg[i] = load_seg(s, i);
    cpu->ldt = load_seg(s, SEG_LDT);
    cpu->tr = load_seg(s, SEG_TR);
    cpu->gdt = (struct dtable){s->gdt_base, s->gdt_limit};
    cpu->idt = (struct dtable){s->idt_base, s->idt_limit};
    for (unsigned i = 0; i < 8; i++)
        cpu->fpu.st[i] = (struct f80){s->fp_frac[i], s->fp_se[i]};
    cpu->hooks.wall = s->wall;
    cpu_set_eflags(cpu, s->eflags);
}

/* All that follows from the registers. */
static void derive(struct cpu *cpu, const struct saved *s)
{
    cpu->next_rip = cpu->rip;
    memset(cpu->seg_raw, 0, sizeof(cpu->seg_raw));
    cpu->seg_mode = ~0u;
    cpu->code_bits = 16;
    ctrl_push_mode(cpu);
    /* They stay as they were loaded, whatever memory holds by now. */
    if ((cpu->cr0 & CR0_PG) && (cpu->cr4 & CR4_PAE) && !cpu_lma(cpu)) {
        cpu->mmu.mode = (struct mmu_mode){cpu->cr3, cpu->cr0, cpu->cr4, (u32)cpu->efer};
        memcpy(cpu->mmu.pdpte, s->pdpte, sizeof(s->pdpte));
        mmu_flush(&cpu->mmu, true);
    }
    debug_update(cpu);
    seg_update_all(cpu);
    cpu_update_mode(cpu);
}

bool cpu_load(struct cpu *cpu, struct snap *snap, struct err *err)
{
    struct saved s = {0};
    const char *what;
    char id[16];

    name(cpu, id);
    if (!snap_load_fields(snap, "cpu", id, STATE_VERSION, rows, &s, err))
        return false;
    what = wrong(cpu, &s);
    if (what)
        return err_set(err, "the snapshot has a state of %s that cannot be: %s", id, what);
    put(cpu, &s);
    derive(cpu, &s);
    cpu_recheck(cpu);
    return true;
}
