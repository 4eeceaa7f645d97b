/* The machine of the instruction tests in long mode. */
#include "tests/insn/long.h"
#include "cpu/sys/ctrl.h"

u64 machine_ld64(struct machine *m, u32 addr)
{
    return ld64(machine_mem(m, addr));
}

void machine_st64(struct machine *m, u32 addr, u64 v)
{
    u8 b[8];
    st64(b, v);
    machine_load(m, addr, b, 8);
}

void long_desc(struct machine *m, unsigned sel, u64 base, u32 limit, u32 attr)
{
    u32 at = (sel & 4 ? AT_LDT : AT_GDT) + (sel & 0xfff8);
    machine_desc(m, sel, (u32)base, limit, attr);
    machine_st64(m, at + 8, base >> 32);
}

void long_gate(struct machine *m, unsigned sel, unsigned target, u64 off, u32 attr)
{
    u32 at = (sel & 4 ? AT_LDT : AT_GDT) + (sel & 0xfff8);
    machine_gate(m, sel, target, (u32)off, attr, 0);
    machine_st64(m, at + 8, off >> 32);
}

void long_idt_gate(struct machine *m, unsigned vector, unsigned target, u64 off, u32 attr,
                   unsigned ist)
{
    u32 at = AT_IDT + 16 * vector;
    machine_st32(m, at, target << 16 | (off & 0xffff));
    machine_st32(m, at + 4, ((u32)off & 0xffff0000) | attr | ist);
    machine_st64(m, at + 8, off >> 32);
}

void long_entry(struct machine *m, u32 at, u64 entry)
{
    machine_st64(m, at, entry);
    mmu_flush(&m->cpu->mmu, true);
}

void long_page(struct machine *m, u32 la, u64 pte)
{
    long_entry(m, LONG_PT + (la >> 12) * 8, pte);
}

u64 long_frame(struct machine *m, unsigned i)
{
    return machine_ld64(m, (u32)(m->cpu->gpr[REG_SP] & 0x3fffff) + 8 * i);
}

static void set_seg(struct cpu *cpu, unsigned s, unsigned sel, u32 attr)
{
    struct seg v = {.limit = 0xffffffffu, .attr = attr, .sel = (u16)sel};
    seg_put(cpu, s, &v);
}

static void write_pages(struct machine *m)
{
    memset(machine_mem(m, AT_PAGES), 0, 0x6000);
    machine_st64(m, LONG_PML4, LONG_PDPT | PTE_RW);
    machine_st64(m, LONG_PML4 + 511 * 8, LONG_PDPT_HIGH | PTE_RW);
    machine_st64(m, LONG_PDPT, LONG_PD | PTE_RW);
    machine_st64(m, LONG_PDPT_HIGH + 510 * 8, LONG_PD | PTE_RW);
    machine_st64(m, LONG_PD, LONG_PT | PTE_RW);
    machine_st64(m, LONG_PD + 8, (LONG_PT + 0x1000) | PTE_RW);
    for (u32 i = 0; i < 1024; i++)
        machine_st64(m, LONG_PT + 8 * i, i << 12 | PTE_RW);
}

static void write_tables(struct machine *m)
{
    memset(machine_mem(m, AT_GDT), 0, 0x1000);
    memset(machine_mem(m, AT_LDT), 0, 0x100);
    memset(machine_mem(m, AT_TSS), 0, 0x68);
    machine_desc(m, SEL_CODE0, 0, 0xfffff, LONG_CODE);
    machine_desc(m, SEL_DATA0, 0, 0xfffff, LONG_DATA);
    machine_desc(m, SEL_CODE3, 0, 0xfffff, LONG_CODE | DA_DPL);
    machine_desc(m, SEL_DATA3, 0, 0xfffff, LONG_DATA | DA_DPL);
    machine_desc(m, SEL_COMPAT0, 0, 0xfffff, LONG_COMPAT);
    machine_desc(m, SEL_COMPAT3, 0, 0xfffff, LONG_COMPAT | DA_DPL);
    long_desc(m, SEL_TSS64, AT_TSS, 0x1fff, DA_P | SYS_TSS32_BUSY << 8);
    long_desc(m, SEL_LDT64, AT_LDT, 0xff, DA_P | SYS_LDT << 8);
    for (unsigned v = 0; v < 256; v++) {
        long_idt_gate(m, v, SEL_CODE0, AT_HANDLERS + 16 * v, LONG_INT, 0);
        machine_load(m, AT_HANDLERS + 16 * v, "\xf4", 1);
    }
    machine_st64(m, AT_TSS + 4, AT_STACK0);
    machine_st32(m, AT_TSS + 0x64, 0x68 << 16); /* all ports are closed */
    memset(machine_mem(m, AT_TSS + 0x68), 0xff, 0x1f00);
}

static void start(struct machine *m, unsigned cpl, u32 addr, unsigned code, u32 attr)
{
    struct cpu *cpu = m->cpu;
    cpu_reset(cpu);
    write_pages(m);
    write_tables(m);
    cpu->gdt = (struct dtable){AT_GDT, 0xfff};
    cpu->idt = (struct dtable){AT_IDT, 0xfff};
    cpu->tr = (struct seg){
        .base = AT_TSS, .limit = 0x1fff, .attr = DA_P | SYS_TSS32_BUSY << 8, .sel = SEL_TSS64};
    cpu->ldt =
        (struct seg){.base = AT_LDT, .limit = 0xff, .attr = DA_P | SYS_LDT << 8, .sel = SEL_LDT64};
    ctrl_write_cr0(cpu, CR0_PE | CR0_ET | CR0_NE | CR0_WP);
    ctrl_write_cr4(cpu, CR4_PAE | CR4_PGE | CR4_OSFXSR);
    ctrl_write_cr3(cpu, LONG_PML4);
    ctrl_write_efer(cpu, EFER_LME | EFER_SCE | EFER_NXE);
    ctrl_write_cr0(cpu, cpu->cr0 | CR0_PG);
    cpu->cpl = (u8)cpl;
    set_seg(cpu, SEG_CS, code, attr | cpl << 13);
    cpu_update_mode(cpu);
    for (unsigned s = 0; s < SEG__COUNT; s++)
        if (s != SEG_CS)
            set_seg(cpu, s, cpl ? SEL_DATA3 : SEL_DATA0, LONG_DATA | cpl << 13);
    cpu->gpr[REG_SP] = cpl ? AT_STACK3 : AT_STACK0;
    cpu->rip = addr;
    cpu_update_mode(cpu);
}

void machine_long(struct machine *m, unsigned cpl, u32 addr)
{
    start(m, cpl, addr, cpl ? SEL_CODE3 : SEL_CODE0, LONG_CODE);
}

void machine_compat(struct machine *m, unsigned cpl, u32 addr)
{
    start(m, cpl, addr, cpl ? SEL_COMPAT3 : SEL_COMPAT0, LONG_COMPAT);
}
