/* The machine of the instruction tests. */
#include "tests/insn/machine.h"
#include "cpu/jit/jit.h"
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/seg.h"
#include "devices/core/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static u64 io_read(void *dev, u64 off, unsigned size)
{
    struct machine *m = dev;
    m->io_reads++;
    m->io_port = (u16)off;
    return off * 0x01010101u + m->io_reads;
}

static void io_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct machine *m = dev;
    m->io_writes++;
    m->io_port = (u16)off;
    m->io_last = v;
}

static int intr_ack(void *arg)
{
    struct machine *m = arg;
    cpu_set_intr(m->cpu, 0);
    return m->vector;
}

static const struct region_ops io_ops = {.read = io_read, .write = io_write, .min = 1, .max = 4};

struct machine *machine_new(const char *model, int engine)
{
    struct machine *m = calloc(1, sizeof(*m));
    struct err err = {""};
    struct cpu_config config = {.mem = &m->mem, .io = &m->io, .space = &m->space, .model = model};
    m->engine = engine == ENGINE_COLD ? ENGINE_JIT : (enum cpu_engine)engine;
    bus_init(&m->mem, "memory", BIT64(36), NULL);
    bus_init(&m->io, "ports", 0x10000, NULL);
    if (!ram_init(&m->ram, &m->space, RAM_BYTES, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    m->ram_region = (struct region){.name = "ram", .size = RAM_BYTES, .ram = &m->ram};
    bus_map(&m->mem, &m->ram_region);
    m->io_region = (struct region){.name = "io", .size = 0x10000, .ops = &io_ops, .dev = m};
    bus_map(&m->io, &m->io_region);
    m->cpu = cpu_new(&config, &err);
    if (!m->cpu) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    m->cpu->hooks.arg = m;
    m->cpu->hooks.intr_ack = intr_ack;
    if (engine != ENGINE_EXEC) {
        struct jit_config jc = {.counted = true, .eager = engine != ENGINE_COLD, .passes = ~0u};
        jc.hot = 0xfff;
        if (!jit_new(m->cpu, &jc, &err))
            fprintf(stderr, "%s\n", err.msg);
        m->space.wrote = jit_wrote;
        m->space.covered = jit_covers;
        m->space.arg = m->cpu;
    }
    return m;
}

void machine_free(struct machine *m)
{
    if (m->cpu->jit)
        jit_free(m->cpu);
    cpu_free(m->cpu);
    bus_free(&m->mem);
    bus_free(&m->io);
    ram_free(&m->ram);
    ram_space_free(&m->space);
    free(m);
}

u8 *machine_mem(struct machine *m, u32 addr)
{
    return m->ram.host + addr;
}

void machine_load(struct machine *m, u32 addr, const void *bytes, size_t n)
{
    memcpy(machine_mem(m, addr), bytes, n);
    ram_wrote(&m->ram, addr, n);
}

u32 machine_ld32(struct machine *m, u32 addr)
{
    return ld32(machine_mem(m, addr));
}

u16 machine_ld16(struct machine *m, u32 addr)
{
    return ld16(machine_mem(m, addr));
}

void machine_load16(struct machine *m, u32 addr, const u16 *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        st16(machine_mem(m, addr + 2 * (u32)i), words[i]);
    ram_wrote(&m->ram, addr, 2 * n);
}

void machine_st32(struct machine *m, u32 addr, u32 v)
{
    u8 b[4];
    st32(b, v);
    machine_load(m, addr, b, 4);
}

static u32 table(unsigned sel)
{
    return (sel & 4 ? AT_LDT : AT_GDT) + (sel & 0xfff8);
}

void machine_desc(struct machine *m, unsigned sel, u32 base, u32 limit, u32 attr)
{
    machine_st32(m, table(sel), base << 16 | (limit & 0xffff));
    machine_st32(m, table(sel) + 4,
                 (base & 0xff000000) | (base >> 16 & 0xff) | (limit & 0xf0000) | attr);
}

void machine_gate(struct machine *m, unsigned sel, unsigned target, u32 off, u32 attr,
                  unsigned params)
{
    machine_st32(m, table(sel), target << 16 | (off & 0xffff));
    machine_st32(m, table(sel) + 4, (off & 0xffff0000) | attr | params);
}

void machine_idt_gate(struct machine *m, unsigned vector, unsigned target, u32 off, u32 attr)
{
    machine_st32(m, AT_IDT + 8 * vector, target << 16 | (off & 0xffff));
    machine_st32(m, AT_IDT + 8 * vector + 4, (off & 0xffff0000) | attr);
}

static void set_seg(struct cpu *cpu, unsigned s, unsigned sel, u32 attr)
{
    struct seg v = {.limit = 0xffffffffu, .attr = attr, .sel = (u16)sel};
    seg_put(cpu, s, &v);
}

void machine_real(struct machine *m, u32 addr)
{
    struct cpu *cpu = m->cpu;
    cpu_reset(cpu);
    for (unsigned s = 0; s < SEG__COUNT; s++)
        seg_put_real(cpu, s, 0);
    /* Vector v goes to 0000:AT_HANDLERS + 16 v, where a HLT is. */
    for (unsigned v = 0; v < 256; v++) {
        machine_st32(m, 4 * v, AT_HANDLERS + 16 * v);
        machine_mem(m, AT_HANDLERS + 16 * v)[0] = 0xf4;
    }
    cpu->idt = (struct dtable){0, 0x3ff};
    cpu->gpr[REG_SP] = 0x7000;
    cpu->rip = addr;
    cpu_update_mode(cpu);
}

void machine_protected(struct machine *m, unsigned cpl, u32 addr)
{
    const u32 flat = DA_P | DA_S | DA_G | DA_DB | DA_ACCESSED;
    struct cpu *cpu = m->cpu;
    cpu_reset(cpu);
    machine_desc(m, SEL_CODE0, 0, 0xfffff, flat | DA_CODE | DA_READ);
    machine_desc(m, SEL_DATA0, 0, 0xfffff, flat | DA_WRITE);
    machine_desc(m, SEL_CODE3, 0, 0xfffff, flat | DA_CODE | DA_READ | DA_DPL);
    machine_desc(m, SEL_DATA3, 0, 0xfffff, flat | DA_WRITE | DA_DPL);
    machine_desc(m, SEL_TSS, AT_TSS, 0x1fff, DA_P | SYS_TSS32_BUSY << 8);
    machine_desc(m, SEL_TSS2, AT_TSS2, 0x67, DA_P | SYS_TSS32 << 8);
    machine_desc(m, SEL_LDT, AT_LDT, 0xff, DA_P | SYS_LDT << 8);
    for (unsigned v = 0; v < 256; v++) {
        machine_idt_gate(m, v, SEL_CODE0, AT_HANDLERS + 16 * v, DA_P | SYS_INT32 << 8);
        machine_mem(m, AT_HANDLERS + 16 * v)[0] = 0xf4;
    }
    memset(machine_mem(m, AT_TSS), 0, 0x68);
    machine_st32(m, AT_TSS + 4, AT_STACK0);
    machine_st32(m, AT_TSS + 8, SEL_DATA0);
    machine_st32(m, AT_TSS + 0x64,
                 0x68 << 16); /* the I/O map begins right behind; all ports are closed */
    memset(machine_mem(m, AT_TSS + 0x68), 0xff, 0x1f00);
    cpu->gdt = (struct dtable){AT_GDT, 0xfff};
    cpu->idt = (struct dtable){AT_IDT, 0x7ff};
    cpu->tr = (struct seg){
        .base = AT_TSS, .limit = 0x1fff, .attr = DA_P | SYS_TSS32_BUSY << 8, .sel = SEL_TSS};
    cpu->ldt =
        (struct seg){.base = AT_LDT, .limit = 0xff, .attr = DA_P | SYS_LDT << 8, .sel = SEL_LDT};
    ctrl_write_cr0(cpu, CR0_PE | CR0_ET | CR0_NE);
    cpu->cpl = (u8)cpl;
    set_seg(cpu, SEG_CS, cpl ? SEL_CODE3 : SEL_CODE0, flat | DA_CODE | DA_READ | cpl << 13);
    for (unsigned s = 0; s < SEG__COUNT; s++)
        if (s != SEG_CS)
            set_seg(cpu, s, cpl ? SEL_DATA3 : SEL_DATA0, flat | DA_WRITE | cpl << 13);
    cpu->gpr[REG_SP] = cpl ? AT_STACK3 : AT_STACK0;
    cpu->rip = addr;
    cpu_update_mode(cpu);
}

void machine_paging(struct machine *m)
{
    machine_st32(m, AT_PAGES, (AT_PAGES + 0x1000) | 7);
    for (u32 i = 0; i < 1024; i++)
        machine_st32(m, AT_PAGES + 0x1000 + 4 * i, i << 12 | 7);
    ctrl_write_cr3(m->cpu, AT_PAGES);
    ctrl_write_cr0(m->cpu, m->cpu->cr0 | CR0_PG);
}

void machine_page(struct machine *m, u32 la, u32 pte)
{
    machine_st32(m, AT_PAGES + 0x1000 + (la >> 12) * 4, pte);
    mmu_flush(&m->cpu->mmu, true);
}

enum cpu_exit machine_run(struct machine *m, u32 insns)
{
    u64 end = cpu_icount(m->cpu) + insns;
    for (;;) {
        u64 now = cpu_icount(m->cpu);
        enum cpu_exit why;
        if (now >= end)
            return CPU_EXIT_BUDGET;
        why = cpu_run(m->cpu, m->engine, (u32)(end - now));
        if (why != CPU_EXIT_BUDGET)
            return why;
    }
}

int machine_vector(const struct machine *m)
{
    u64 at = m->cpu->seg[SEG_CS].base + m->cpu->rip - 1 - AT_HANDLERS;
    if (!m->cpu->halted || at % 16 || at / 16 > 255)
        return -1;
    return (int)(at / 16);
}

u32 machine_frame(struct machine *m, unsigned i)
{
    u32 sp = (u32)(m->cpu->gpr[REG_SP] & (m->cpu->stack_bits == 16 ? 0xffff : 0xffffffffu));
    return machine_ld32(m, (u32)m->cpu->seg[SEG_SS].base + sp + 4 * i);
}
