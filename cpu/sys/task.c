/* Hardware task switches with 16- and 32-bit TSSs (SDM vol. 3 sections 7.2 and 7.3). */
#include "cpu/sys/task.h"
#include "cpu/mem.h"
#include "cpu/sys/debug.h"

enum {
    TSS32_LIMIT = 0x67,
    TSS16_LIMIT = 0x2b,
    TSS_BUSY = 0x200, /* in the second doubleword of its descriptor */
    TSS_32 = 0x800,
};

/* A TSS as read, in one form for both sizes. */
struct tss {
    u32 cr3, eip, eflags, gpr[8];
    u16 seg[SEG__COUNT], ldt;
    bool trap, is32;
};

void task_stack(struct cpu *cpu, unsigned level, u32 ext, u16 *ss, u32 *esp)
{
    bool is32 = cpu->tr.attr & TSS_32;
    u32 off = is32 ? 4 + 8 * level : 2 + 4 * level;
    u32 last = off + (is32 ? 5 : 3);
    if (!(cpu->tr.attr & DA_P) || last > cpu->tr.limit)
        cpu_raise_err(cpu, EXC_TS, (cpu->tr.sel & 0xfffcu) | ext);
    *esp = (u32)sys_read(cpu, cpu->tr.base + off, is32 ? 4 : 2);
    *ss = (u16)sys_read(cpu, cpu->tr.base + off + (is32 ? 4 : 2), 2);
}

u64 task_stack64(struct cpu *cpu, unsigned slot, u32 ext)
{
    u32 off = 4 + 8 * slot;
    u64 sp;
    if (!(cpu->tr.attr & DA_P) || off + 7 > cpu->tr.limit)
        cpu_raise_err(cpu, EXC_TS, (cpu->tr.sel & 0xfffcu) | ext);
    sp = sys_read(cpu, cpu->tr.base + off, 8);
    if ((u64)sext(sp, 48) != sp)
        cpu_raise_err(cpu, EXC_SS, ext);
    return sp;
}

static void read_tss(struct cpu *cpu, u64 base, struct tss *t)
{
    if (t->is32) {
        t->cr3 = (u32)sys_read(cpu, base + 0x1c, 4);
        t->eip = (u32)sys_read(cpu, base + 0x20, 4);
        t->eflags = (u32)sys_read(cpu, base + 0x24, 4);
        for (unsigned i = 0; i < 8; i++)
            t->gpr[i] = (u32)sys_read(cpu, base + 0x28 + 4 * i, 4);
        for (unsigned s = 0; s < SEG__COUNT; s++)
            t->seg[s] = (u16)sys_read(cpu, base + 0x48 + 4 * s, 2);
        t->ldt = (u16)sys_read(cpu, base + 0x60, 2);
        t->trap = sys_read(cpu, base + 0x64, 2) & 1;
        return;
    }
    t->eip = (u32)sys_read(cpu, base + 0x0e, 2);
    t->eflags = (u32)sys_read(cpu, base + 0x10, 2);
    /* The upper halves read as ones, as 32-bit processors load them from a 16-bit TSS. */
    for (unsigned i = 0; i < 8; i++)
        t->gpr[i] = (u32)sys_read(cpu, base + 0x12 + 2 * i, 2) | 0xffff0000u;
    for (unsigned s = 0; s <= SEG_DS; s++)
        t->seg[s] = (u16)sys_read(cpu, base + 0x22 + 2 * s, 2);
    t->ldt = (u16)sys_read(cpu, base + 0x2a, 2);
}

/* The dynamic part of the present task into its TSS; it has been checked to be writable. */
static void save_tss(struct cpu *cpu, bool is32, const struct task_from *from, u32 eflags)
{
    u64 base = cpu->tr.base;
    if (is32) {
        sys_write(cpu, base + 0x20, 4, from->rip);
        sys_write(cpu, base + 0x24, 4, eflags);
        for (unsigned i = 0; i < 8; i++)
            sys_write(cpu, base + 0x28 + 4 * i, 4, (u32)cpu->gpr[i]);
        for (unsigned s = 0; s < SEG__COUNT; s++)
            sys_write(cpu, base + 0x48 + 4 * s, 2, cpu->seg[s].sel);
        return;
    }
    sys_write(cpu, base + 0x0e, 2, from->rip & 0xffff);
    sys_write(cpu, base + 0x10, 2, eflags & 0xffff);
    for (unsigned i = 0; i < 8; i++)
        sys_write(cpu, base + 0x12 + 2 * i, 2, cpu->gpr[i] & 0xffff);
    for (unsigned s = 0; s <= SEG_DS; s++)
        sys_write(cpu, base + 0x22 + 2 * s, 2, cpu->seg[s].sel);
}

/* ---- the new task's segments: faults here are the new task's ---- */

static void load_ldt(struct cpu *cpu, unsigned sel, u32 ext)
{
    u32 error = (sel & 0xfffc) | ext;
    struct desc d;
    cpu->ldt = (struct seg){.sel = (u16)sel};
    if (sel_null(sel))
        return;
    if ((sel & 4) || !desc_read(cpu, sel, &d) || !desc_is_sys(&d) || desc_type(&d) != SYS_LDT ||
        !desc_present(&d))
        cpu_raise_err(cpu, EXC_TS, error);
    cpu->ldt = seg_make(sel, &d);
}

static void load_stack(struct cpu *cpu, unsigned sel, u32 ext)
{
    struct desc d;
    struct seg v;
    seg_check_stack(cpu, sel, cpu->cpl, EXC_TS, ext, &d);
    desc_touch(cpu, &d);
    v = seg_make(sel, &d);
    seg_put(cpu, SEG_SS, &v);
}

static void load_code(struct cpu *cpu, unsigned sel, u32 ext)
{
    u32 error = (sel & 0xfffc) | ext;
    struct desc d;
    struct seg v;
    if (sel_null(sel) || !desc_read(cpu, sel, &d) || !desc_is_code(&d))
        cpu_raise_err(cpu, EXC_TS, error);
    if (desc_is_conforming(&d) ? desc_dpl(&d) > (sel & 3) : desc_dpl(&d) != (sel & 3))
        cpu_raise_err(cpu, EXC_TS, error);
    if (!desc_present(&d))
        cpu_raise_err(cpu, EXC_NP, error);
    desc_touch(cpu, &d);
    v = seg_make(sel, &d);
    seg_put(cpu, SEG_CS, &v);
}

static void load_data(struct cpu *cpu, unsigned s, unsigned sel, u32 ext)
{
    u32 error = (sel & 0xfffc) | ext;
    struct desc d;
    struct seg v;
    if (sel_null(sel))
        return;
    if (!desc_read(cpu, sel, &d) || !desc_is_readable(&d))
        cpu_raise_err(cpu, EXC_TS, error);
    if (!desc_is_conforming(&d) && ((sel & 3) > desc_dpl(&d) || cpu->cpl > desc_dpl(&d)))
        cpu_raise_err(cpu, EXC_TS, error);
    if (!desc_present(&d))
        cpu_raise_err(cpu, EXC_NP, error);
    desc_touch(cpu, &d);
    v = seg_make(sel, &d);
    seg_put(cpu, s, &v);
}

static void load_segments(struct cpu *cpu, const struct tss *t, u32 ext)
{
    if (cpu_v86(cpu)) {
        for (unsigned s = 0; s < SEG__COUNT; s++)
            seg_put_v86(cpu, s, t->seg[s]);
    } else {
        load_code(cpu, t->seg[SEG_CS], ext);
        cpu_update_mode(cpu);
        load_stack(cpu, t->seg[SEG_SS], ext);
        load_data(cpu, SEG_DS, t->seg[SEG_DS], ext);
        load_data(cpu, SEG_ES, t->seg[SEG_ES], ext);
        load_data(cpu, SEG_FS, t->seg[SEG_FS], ext);
        load_data(cpu, SEG_GS, t->seg[SEG_GS], ext);
    }
    cpu_update_mode(cpu);
}

/* Clear or set the busy bit of the TSS descriptor at linear address la. */
static void set_busy(struct cpu *cpu, u64 la, bool busy)
{
    u32 hi = (u32)sys_read(cpu, la + 4, 4);
    sys_write(cpu, la + 4, 4, busy ? hi | TSS_BUSY : hi & ~(u32)TSS_BUSY);
}

/* Registers of the new task, with its selectors in place but unusable. */
static void put_registers(struct cpu *cpu, const struct tss *t, u32 eflags)
{
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = t->gpr[i];
    cpu_set_eflags(cpu, eflags);
    cpu->rip = cpu->next_rip = t->eip;
    cpu->cpl = eflags & FL_VM ? 3 : t->seg[SEG_CS] & 3;
    for (unsigned s = 0; s < SEG__COUNT; s++)
        seg_put_null(cpu, s, t->seg[s]);
    cpu->cr0 |= CR0_TS;
    cpu_update_mode(cpu);
}

static void switch_cr3(struct cpu *cpu, u32 cr3)
{
    struct mmu_mode mode = cpu->mmu.mode;
    mode.cr3 = cr3;
    if (!mmu_set_mode(&cpu->mmu, &mode, true))
        cpu_raise_err(cpu, EXC_GP, 0);
    cpu->cr3 = cr3;
}

void task_switch(struct cpu *cpu, unsigned sel, struct desc *d, const struct task_from *from)
{
    bool old32 = cpu->tr.attr & TSS_32;
    bool nested = from->reason == TASK_CALL;
    u32 old_flags = from->reason == TASK_IRET ? from->eflags & ~(u32)FL_NT : from->eflags;
    u64 base = desc_base(d), old_desc = cpu->gdt.base + (cpu->tr.sel & 0xfff8);
    u16 old_sel = cpu->tr.sel;
    struct tss t = {.is32 = desc_type(d) & 8};
    if (desc_limit(d) < (t.is32 ? TSS32_LIMIT : TSS16_LIMIT))
        cpu_raise_err(cpu, EXC_TS, (sel & 0xfffc) | from->ext);
    if (!(cpu->tr.attr & DA_P) || cpu->tr.limit < (old32 ? 0x5fu : 0x29u))
        cpu_raise_err(cpu, EXC_TS, (cpu->tr.sel & 0xfffcu) | from->ext);

    /* Everything that can fault in the old task, before anything changes. */
    read_tss(cpu, base, &t);
    sys_check_write(cpu, cpu->tr.base + (old32 ? 0x20 : 0x0e), old32 ? 0x40 : 0x1c);
    sys_check_write(cpu, old_desc + 4, 4);
    sys_check_write(cpu, d->la + 4, 4);
    if (nested)
        sys_check_write(cpu, base, 2);

    if (!nested)
        set_busy(cpu, old_desc, false);
    save_tss(cpu, old32, from, old_flags);
    if (nested)
        sys_write(cpu, base, 2, old_sel);
    if (from->reason != TASK_IRET)
        set_busy(cpu, d->la, true);
    d->hi |= TSS_BUSY;
    cpu->tr = seg_make(sel, d);

    put_registers(cpu, &t, nested ? t.eflags | FL_NT : t.eflags);
    cpu->dr[7] &= ~(u64)0x155; /* L0..L3 and LE */
    debug_update(cpu);
    if (t.is32 && (cpu->cr0 & CR0_PG))
        switch_cr3(cpu, t.cr3);
    load_ldt(cpu, t.ldt, from->ext);
    load_segments(cpu, &t, from->ext);
    if (t.trap)
        cpu->db_pending |= DR6_BT;
}

void task_enter(struct cpu *cpu, unsigned sel, const struct task_from *from)
{
    u32 error = (sel & 0xfffc) | from->ext;
    struct desc d;
    if (sel_null(sel) || (sel & 4) || !desc_read(cpu, sel, &d) || !desc_is_sys(&d) ||
        (desc_type(&d) != SYS_TSS16 && desc_type(&d) != SYS_TSS32))
        cpu_raise_err(cpu, EXC_GP, error);
    if (!desc_present(&d))
        cpu_raise_err(cpu, EXC_NP, error);
    task_switch(cpu, sel, &d, from);
    if (from->reason != TASK_CALL || !from->ext) {
        if (cpu->next_rip > cpu->seg[SEG_CS].limit)
            cpu_raise_err(cpu, EXC_GP, 0);
    }
}
