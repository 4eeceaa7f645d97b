/* SMI and RSM with the 32-bit state save map (SDM vol. 3 section 34.4, table 34-1; the reserved
 * part of the map holds the hidden registers). */
#include "cpu/sys/smm.h"
#include "cpu/mem.h"
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/seg.h"

/* Offsets from SMBASE + 8000H. */
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

static void save(struct cpu *cpu)
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

void smm_enter(struct cpu *cpu)
{
    if (cpu->hooks.smi_ack)
        cpu->hooks.smi_ack(cpu->hooks.arg, 1);
    save(cpu);
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
    u32 base = get(cpu, M_SMBASE), flags = get(cpu, M_EFLAGS);
    cpu->cr0 = get(cpu, M_CR0) | CR0_ET;
    if (!(cpu->cr0 & CR0_PE))
        cpu->cr0 &= ~CR0_PG;
    cpu->cr3 = get(cpu, M_CR3);
    cpu->cr4 = get(cpu, M_CR4) & ctrl_cr4_bits(cpu);
    cpu->efer = get(cpu, M_EFER) & (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
    cpu_set_eflags(cpu, cpu->cr0 & CR0_PE ? flags : flags & ~(u32)FL_VM);
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = get(cpu, gpr_slot(i));
    cpu->dr[6] = (get(cpu, M_DR6) & 0xe00f) | 0xffff0ff0;
    cpu->dr[7] = (get(cpu, M_DR7) & 0xffff2bff) | 0x400;
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
    cpu->smbase = base;
    cpu->in_smm = false;
    cpu->nmi_blocked = cpu->smm_nmi;
    cpu_update_mode(cpu);
    ctrl_push_mode(cpu);
    debug_update(cpu);
    seg_update_all(cpu);
    cpu_update_mode(cpu);
    if (cpu->hooks.smi_ack)
        cpu->hooks.smi_ack(cpu->hooks.arg, 0);
}
