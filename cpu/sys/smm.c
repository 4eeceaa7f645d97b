/* SMI and RSM (SDM vol. 3 section 34.4). CPUs without long mode have the 32-bit state save map
 * (table 34-1; its reserved part holds the hidden registers), those with it the map of the AMD64
 * manual (vol. 2, table 10-1), which firmware tells by the revision number. */
#include "cpu/sys/smm.h"
#include "cpu/mem.h"
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/seg.h"

/* Offsets from SMBASE + 8000H in the 32-bit map. */
enum {
    M_CR0 = 0x7ffc,
    M_CR3 = 0x7ff8,
    M_EFLAGS = 0x7ff4,
    M_EIP = 0x7ff0,
    M_EDI = 0x7fec,
    M_DR6 = 0x7fcc,
    M_DR7 = 0x7fc8,
    M_TR = 0x7fc4,
    M_LDTR = 0x7fc0,
    M_SEL = 0x7fa8, /* ES, CS, SS, DS, FS, GS upwards */
    M_SEG_LO = 0x7f84,
    M_LDT = 0x7f78,
    M_GDT_BASE = 0x7f74,
    M_GDT_LIMIT = 0x7f70,
    M_TSS = 0x7f5c,
    M_IDT_BASE = 0x7f58,
    M_IDT_LIMIT = 0x7f54,
    M_SEG_HI = 0x7f2c,
    M_CR4 = 0x7f14,
    M_CPL = 0x7f10,
    M_EFER = 0x7f0c,
    M_HALT = 0x7f02,
    M_SMBASE = 0x7ef8,
    M_REVISION = 0x7efc,
    REVISION = 0x20000, /* SMBASE can be relocated; no I/O restart */
};

/* The same in the 64-bit map: a segment is selector, attributes (2 each), limit (4), base (8). */
enum {
    L_SEG = 0x7e00, /* ES, CS, SS, DS, FS, GS, 16 bytes each */
    L_GDT = 0x7e60,
    L_LDT = 0x7e70,
    L_IDT = 0x7e80,
    L_TR = 0x7e90,
    L_HALT = 0x7ec9,
    L_EFER = 0x7ed0,
    L_REVISION = 0x7efc,
    L_SMBASE = 0x7f00,
    L_CR4 = 0x7f48,
    L_CR3 = 0x7f50,
    L_CR0 = 0x7f58,
    L_DR7 = 0x7f60,
    L_DR6 = 0x7f68,
    L_RFLAGS = 0x7f70,
    L_RIP = 0x7f78,
    L_RAX = 0x7ff8, /* and downwards: RCX, RDX, RBX, RSP ... R15 */
    REVISION_64 = 0x20064,
};

static u64 at(const struct cpu *cpu, u32 off)
{
    return (u64)cpu->smbase + 0x8000 + off;
}

/* The map is accessed with paging off. */
static void put(struct cpu *cpu, u32 off, u32 v)
{
    bus_write(cpu->mmu.mem, at(cpu, off), v, 4);
}

static u32 get(struct cpu *cpu, u32 off)
{
    return (u32)bus_read(cpu->mmu.mem, at(cpu, off), 4);
}

static void put64(struct cpu *cpu, u32 off, u64 v)
{
    put(cpu, off, (u32)v);
    put(cpu, off + 4, (u32)(v >> 32));
}

static u64 get64(struct cpu *cpu, u32 off)
{
    return get(cpu, off) | (u64)get(cpu, off + 4) << 32;
}

static bool wide(const struct cpu *cpu)
{
    return cpu_has(cpu, FEAT_LM);
}

/* Before anything else changes. What else cannot be as the map has it is corrected. */
static void put_controls(struct cpu *cpu, u32 cr0, u64 cr3, u32 cr4, u64 efer, u32 flags)
{
    const u64 known = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    if ((cr0 & (CR0_PE | CR0_PG)) == CR0_PG || (cr0 & (CR0_CD | CR0_NW)) == CR0_NW ||
        (cr4 & ~ctrl_cr4_bits(cpu)))
        cpu_unwind(cpu, CPU_UNWIND_SHUTDOWN);
    cpu->cr0 = cr0 | CR0_ET;
    cpu->cr3 = cr3 & cpu->mmu.phys_mask;
    cpu->cr4 = cr4;
    cpu->efer = efer & known;
    /* Long mode is active exactly when it is enabled and paging is on. */
    if (!(cr0 & CR0_PG) || !(cpu->efer & EFER_LME) || !(cpu->cr4 & CR4_PAE))
        cpu->efer &= ~(u64)EFER_LMA;
    else
        cpu->efer |= EFER_LMA;
    if (!(cr0 & CR0_PE) || cpu_lma(cpu))
        flags &= ~(u32)FL_VM;
    cpu_set_eflags(cpu, flags);
}

static void put_debug(struct cpu *cpu, u32 dr6, u32 dr7)
{
    cpu->dr[6] = (dr6 & 0xe00f) | 0xffff0ff0;
    cpu->dr[7] = (dr7 & 0xffff23ff) | 0x400;
}

/* ---- the 32-bit map ---- */

static u32 seg_slot(unsigned s)
{
    return s < 3 ? M_SEG_LO + 12 * s : M_SEG_HI + 12 * (s - 3);
}

/* Attributes, limit and base at `slot`. */
static void put_seg(struct cpu *cpu, u32 slot, const struct seg *s)
{
    put(cpu, slot, s->attr >> 8);
    put(cpu, slot + 4, s->limit);
    put(cpu, slot + 8, (u32)s->base);
}

static struct seg get_seg(struct cpu *cpu, u32 slot, u32 sel)
{
    return (struct seg){.base = get(cpu, slot + 8),
                        .limit = get(cpu, slot + 4),
                        .attr = get(cpu, slot) << 8 & 0xf0ff00,
                        .sel = (u16)sel};
}

/* EAX is highest: EDI, ESI, EBP, ESP, EBX, EDX, ECX, EAX go downwards. */
static u32 gpr_slot(unsigned reg)
{
    return M_EDI - 4 * (7 - reg);
}

static void save_32(struct cpu *cpu)
{
    put(cpu, M_CR0, cpu->cr0);
    put(cpu, M_CR3, (u32)cpu->cr3);
    put(cpu, M_CR4, cpu->cr4);
    put(cpu, M_EFER, (u32)cpu->efer);
    put(cpu, M_EFLAGS, cpu_eflags(cpu));
    put(cpu, M_EIP, (u32)cpu->rip);
    put(cpu, M_CPL, cpu->cpl);
    for (unsigned i = 0; i < 8; i++)
        put(cpu, gpr_slot(i), (u32)cpu->gpr[i]);
    put(cpu, M_DR6, (u32)cpu->dr[6]);
    put(cpu, M_DR7, (u32)cpu->dr[7]);
    for (unsigned s = 0; s < SEG__COUNT; s++) {
        put(cpu, M_SEL + 4 * s, cpu->seg[s].sel);
        put_seg(cpu, seg_slot(s), &cpu->seg[s]);
    }
    put(cpu, M_TR, cpu->tr.sel);
    put_seg(cpu, M_TSS, &cpu->tr);
    put(cpu, M_LDTR, cpu->ldt.sel);
    put_seg(cpu, M_LDT, &cpu->ldt);
    put(cpu, M_GDT_BASE, (u32)cpu->gdt.base);
    put(cpu, M_GDT_LIMIT, cpu->gdt.limit);
    put(cpu, M_IDT_BASE, (u32)cpu->idt.base);
    put(cpu, M_IDT_LIMIT, cpu->idt.limit);
    put(cpu, M_SMBASE, cpu->smbase);
    put(cpu, M_REVISION, REVISION);
    bus_write(cpu->mmu.mem, at(cpu, M_HALT), cpu->halted, 2);
}

static u32 restore_32(struct cpu *cpu)
{
    put_controls(cpu, get(cpu, M_CR0), get(cpu, M_CR3), get(cpu, M_CR4), get(cpu, M_EFER),
                 get(cpu, M_EFLAGS));
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = get(cpu, gpr_slot(i));
    put_debug(cpu, get(cpu, M_DR6), get(cpu, M_DR7));
    cpu->cpl = get(cpu, M_CPL) & 3;
    for (unsigned s = 0; s < SEG__COUNT; s++) {
        struct seg v = get_seg(cpu, seg_slot(s), get(cpu, M_SEL + 4 * s));
        seg_put(cpu, s, &v);
    }
    cpu->tr = get_seg(cpu, M_TSS, get(cpu, M_TR));
    cpu->ldt = get_seg(cpu, M_LDT, get(cpu, M_LDTR));
    cpu->gdt = (struct dtable){get(cpu, M_GDT_BASE), (u16)get(cpu, M_GDT_LIMIT)};
    cpu->idt = (struct dtable){get(cpu, M_IDT_BASE), (u16)get(cpu, M_IDT_LIMIT)};
    cpu->rip = cpu->next_rip = get(cpu, M_EIP);
    cpu->halted = bus_read(cpu->mmu.mem, at(cpu, M_HALT), 2) & 1;
    return get(cpu, M_SMBASE);
}

/* ---- the 64-bit map ---- */

/* The attributes lose their gap: bits 15..12 are those of the second doubleword's 23..20. */
static void put_seg64(struct cpu *cpu, u32 slot, const struct seg *s)
{
    put(cpu, slot, s->sel | (s->attr >> 8 & 0xf0ff) << 16);
    put(cpu, slot + 4, s->limit);
    put64(cpu, slot + 8, s->base);
}

static struct seg get_seg64(struct cpu *cpu, u32 slot)
{
    u32 v = get(cpu, slot);
    return (struct seg){.base = get64(cpu, slot + 8),
                        .limit = get(cpu, slot + 4),
                        .attr = v >> 16 << 8 & 0xf0ff00,
                        .sel = (u16)v};
}

static void put_table64(struct cpu *cpu, u32 slot, const struct dtable *t)
{
    put(cpu, slot + 4, t->limit);
    put64(cpu, slot + 8, t->base);
}

static struct dtable get_table64(struct cpu *cpu, u32 slot)
{
    return (struct dtable){get64(cpu, slot + 8), (u16)get(cpu, slot + 4)};
}

static void save_64(struct cpu *cpu)
{
    for (unsigned s = 0; s < SEG__COUNT; s++)
        put_seg64(cpu, L_SEG + 16 * s, &cpu->seg[s]);
    put_table64(cpu, L_GDT, &cpu->gdt);
    put_seg64(cpu, L_LDT, &cpu->ldt);
    put_table64(cpu, L_IDT, &cpu->idt);
    put_seg64(cpu, L_TR, &cpu->tr);
    put64(cpu, L_EFER, cpu->efer);
    put64(cpu, L_CR4, cpu->cr4);
    put64(cpu, L_CR3, cpu->cr3);
    put64(cpu, L_CR0, cpu->cr0);
    put64(cpu, L_DR7, cpu->dr[7]);
    put64(cpu, L_DR6, cpu->dr[6]);
    put64(cpu, L_RFLAGS, cpu_eflags(cpu));
    put64(cpu, L_RIP, cpu->rip);
    for (unsigned i = 0; i < 16; i++)
        put64(cpu, L_RAX - 8 * i, cpu->gpr[i]);
    put(cpu, L_SMBASE, cpu->smbase);
    put(cpu, L_REVISION, REVISION_64);
    bus_write(cpu->mmu.mem, at(cpu, L_HALT), cpu->halted, 1);
}

static u32 restore_64(struct cpu *cpu)
{
    put_controls(cpu, get(cpu, L_CR0), get64(cpu, L_CR3), get(cpu, L_CR4), get64(cpu, L_EFER),
                 get(cpu, L_RFLAGS));
    put_debug(cpu, get(cpu, L_DR6), get(cpu, L_DR7));
    for (unsigned s = 0; s < SEG__COUNT; s++) {
        struct seg v = get_seg64(cpu, L_SEG + 16 * s);
        if (cpu->efer & EFER_LMA)
            v.base = (u64)sext(v.base, 48);
        seg_put(cpu, s, &v);
    }
    cpu->cpl = (u8)seg_dpl(&cpu->seg[SEG_SS]); /* this map has no place of its own for it */
    cpu->gdt = get_table64(cpu, L_GDT);
    cpu->ldt = get_seg64(cpu, L_LDT);
    cpu->idt = get_table64(cpu, L_IDT);
    cpu->tr = get_seg64(cpu, L_TR);
    for (unsigned i = 0; i < 16; i++) /* behind the last mode update of SMM, which cuts them */
        cpu->gpr[i] = get64(cpu, L_RAX - 8 * i);
    cpu->rip = cpu->next_rip = get64(cpu, L_RIP);
    cpu->halted = bus_read(cpu->mmu.mem, at(cpu, L_HALT), 1) & 1;
    return get(cpu, L_SMBASE);
}

/* ---- in and out ---- */

void smm_enter(struct cpu *cpu)
{
    if (log_at(cpu->log, LOGA_INT, cpu->seg[SEG_CS].base + cpu->rip))
        log_line(cpu->log, LOGA_INT, "SMI at %04x:%08llx smbase %x", cpu->seg[SEG_CS].sel,
                 (unsigned long long)cpu->rip, cpu->smbase);
    if (cpu->hooks.smi_ack)
        cpu->hooks.smi_ack(cpu->hooks.arg, 1);
    if (wide(cpu))
        save_64(cpu);
    else
        save_32(cpu);
    cpu->in_smm = true;
    cpu->smi_pending = false;
    cpu->smm_nmi = cpu->nmi_blocked;
    cpu->nmi_blocked = true;
    cpu->halted = cpu->shadow = cpu->shadow_ss = false;
    cpu->db_pending = 0;
    cpu_set_eflags(cpu, 0);
    cpu->cr0 &= ~(u32)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    cpu->cr4 = 0;
    cpu->efer = 0;
    cpu->dr[7] = 0x400;
    for (unsigned s = 0; s < SEG__COUNT; s++) {
        struct seg v = {.limit = 0xffffffffu, .attr = DA_G | DA_P | DA_S | DA_WRITE | DA_ACCESSED};
        if (s == SEG_CS) {
            v.sel = (u16)(cpu->smbase >> 4);
            v.base = cpu->smbase;
        }
        seg_put(cpu, s, &v);
    }
    ctrl_push_mode(cpu);
    debug_update(cpu);
    seg_update_all(cpu);
    cpu_update_mode(cpu);
    cpu->rip = cpu->next_rip = 0x8000;
}

void smm_leave(struct cpu *cpu)
{
    u32 base = wide(cpu) ? restore_64(cpu) : restore_32(cpu);
    if (log_at(cpu->log, LOGA_INT, cpu->seg[SEG_CS].base + cpu->rip))
        log_line(cpu->log, LOGA_INT, "RSM to %04x:%08llx smbase %x", cpu->seg[SEG_CS].sel,
                 (unsigned long long)cpu->rip, base);
    cpu->smbase = base;
    cpu->in_smm = false;
    cpu->nmi_blocked = cpu->smm_nmi;
    cpu_update_mode(cpu);
    ctrl_push_mode(cpu);
    debug_update(cpu);
    seg_update_all(cpu);
    cpu_update_mode(cpu);
    if (cpu->code_bits != 64)
        cpu->rip = cpu->next_rip = (u32)cpu->rip;
    if (cpu->hooks.smi_ack)
        cpu->hooks.smi_ack(cpu->hooks.arg, 0);
}
