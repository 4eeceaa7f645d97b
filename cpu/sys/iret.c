/* IRET in all modes (SDM vol. 2 "IRET/IRETD/IRETQ"; vol. 3 section 20.2 and 20.3). */
#include "cpu/sys/intr.h"
#include "cpu/mem.h"
#include "cpu/sys/far.h"
#include "cpu/sys/quick.h"
#include "cpu/sys/task.h"

/* EFLAGS after loading image `v` of `osz` bytes, of which only the bits in `mask` count. */
static void put_flags(struct cpu *cpu, u32 v, u32 mask, unsigned osz)
{
    if (osz == 2)
        mask &= 0xffff;
    cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~mask) | (v & mask));
}

enum { FLAGS_ALWAYS = F_ALL | FL_TF | FL_DF | FL_NT | FL_RF | FL_AC | FL_ID };

static void return_real(struct cpu *cpu, unsigned osz)
{
    struct stack st = stack_now(cpu);
    u64 ip = stack_pop(cpu, &st, osz);
    unsigned sel = (u16)stack_pop(cpu, &st, osz);
    u32 flags = (u32)stack_pop(cpu, &st, osz);
    if (ip > cpu->seg[SEG_CS].limit)
        cpu_raise_err(cpu, EXC_GP, 0);
    put_flags(cpu, flags, FLAGS_ALWAYS | FL_IF | FL_IOPL, osz);
    sp_put(cpu, st.sp);
    seg_put_real(cpu, SEG_CS, sel);
    cpu_update_mode(cpu);
    cpu->next_rip = ip;
}

/* Within V86 mode: IOPL 3, or the virtual interrupt flag of CR4.VME with 16-bit operands. */
static void return_v86(struct cpu *cpu, unsigned osz)
{
    struct stack st = stack_now(cpu);
    u32 mask = FLAGS_ALWAYS;
    unsigned sel;
    u32 flags;
    u64 ip;
    bool virtual = cpu_iopl(cpu) < 3;
    if (virtual && (!(cpu->cr4 & CR4_VME) || osz != 2))
        cpu_raise_err(cpu, EXC_GP, 0);
    ip = stack_pop(cpu, &st, osz);
    sel = (u16)stack_pop(cpu, &st, osz);
    flags = (u32)stack_pop(cpu, &st, osz);
    if (ip > 0xffff)
        cpu_raise_err(cpu, EXC_GP, 0);
    if (virtual) {
        if ((flags & FL_TF) || ((flags & FL_IF) && (cpu->eflags & FL_VIP)))
            cpu_raise_err(cpu, EXC_GP, 0);
        put_flags(cpu, flags, mask, osz);
        cpu->eflags = (cpu->eflags & ~(u32)FL_VIF) | (flags & FL_IF ? FL_VIF : 0);
    } else {
        put_flags(cpu, flags, mask | FL_IF, osz);
    }
    sp_put(cpu, st.sp);
    seg_put_v86(cpu, SEG_CS, sel);
    cpu_update_mode(cpu);
    cpu->next_rip = ip;
}

/* From level 0 into V86 mode: nine doublewords, nothing to check but memory. */
static void return_to_v86(struct cpu *cpu, struct stack *st, u64 ip, unsigned cs, u32 flags)
{
    static const u8 order[] = {SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    unsigned sel[ARRAY_LEN(order)];
    u64 sp = stack_pop(cpu, st, 4);
    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        sel[i] = (u16)stack_pop(cpu, st, 4);
    if ((u16)ip != ip)
        cpu_raise_err(cpu, EXC_GP, 0);
    cpu_set_eflags(cpu, flags);
    cpu->cpl = 3;
    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        seg_put_v86(cpu, order[i], sel[i]);
    seg_put_v86(cpu, SEG_CS, cs);
    cpu_update_mode(cpu);
    cpu->gpr[REG_SP] = (u32)sp;
    cpu->next_rip = ip;
}

static void return_task(struct cpu *cpu)
{
    struct task_from from = {.reason = TASK_IRET, .rip = cpu->next_rip, .eflags = cpu_eflags(cpu)};
    unsigned sel;
    struct desc d;
    if (cpu_lma(cpu))
        cpu_raise_err(cpu, EXC_GP, 0);
    sel = (unsigned)sys_read(cpu, cpu->tr.base, 2);
    if (sel_null(sel) || (sel & 4) || !desc_read(cpu, sel, &d) || !desc_is_sys(&d) ||
        (desc_type(&d) != SYS_TSS16_BUSY && desc_type(&d) != SYS_TSS32_BUSY))
        cpu_raise_err(cpu, EXC_TS, sel & 0xfffc);
    if (!desc_present(&d))
        cpu_raise_err(cpu, EXC_NP, sel & 0xfffc);
    task_switch(cpu, sel, &d, &from);
    if (cpu->next_rip > cpu->seg[SEG_CS].limit)
        cpu_raise_err(cpu, EXC_GP, 0);
}

static void return_protected(struct cpu *cpu, unsigned osz)
{
    struct stack st = stack_now(cpu);
    bool outer, leaves, frame64 = cpu->code_bits == 64;
    unsigned sel, ss_sel = 0, rpl;
    u32 flags, mask = FLAGS_ALWAYS;
    struct seg ss = {0};
    struct desc d;
    u64 ip, sp = 0, words[3];
    stack_pop_words(cpu, &st, osz, words, 3);
    ip = words[0];
    sel = (u16)words[1];
    flags = (u32)words[2];
    if ((flags & FL_VM) && osz == 4 && !cpu->cpl && !cpu_lma(cpu)) {
        return_to_v86(cpu, &st, ip, sel, flags);
        return;
    }
    rpl = sel & 3;
    far_check_return(cpu, sel, &d);
    leaves = rpl > cpu->cpl;
    outer = leaves || frame64; /* 64-bit code always pops SS:RSP */
    far_check_ip(cpu, &d, ip, 0);
    if (outer) {
        stack_pop_words(cpu, &st, osz, words, 2);
        sp = words[0];
        ss_sel = (u16)words[1];
        far_return_stack(cpu, ss_sel, rpl, cpu_lma(cpu) && (d.hi & DA_L), &ss);
    }
    desc_touch(cpu, &d);
    if (cpu->cpl <= cpu_iopl(cpu))
        mask |= FL_IF;
    if (!cpu->cpl)
        mask |= FL_IOPL | FL_VIF | FL_VIP;
    put_flags(cpu, flags, mask, osz);
    if (outer)
        seg_put(cpu, SEG_SS, &ss);
    far_put_cs(cpu, sel, &d, rpl);
    if (leaves)
        seg_null_inner(cpu);
    cpu_update_transfer(cpu);
    sp_put(cpu, outer ? sp : st.sp);
    cpu->next_rip = ip;
}

void intr_return(struct cpu *cpu, unsigned osz)
{
    if (osz == 4 && LIKELY(quick_return(cpu)))
        ;
    else if (!cpu_pe(cpu))
        return_real(cpu, osz);
    else if (cpu_v86(cpu))
        return_v86(cpu, osz);
    else if (cpu->eflags & FL_NT)
        return_task(cpu);
    else
        return_protected(cpu, osz);
    cpu->nmi_blocked = false;
}
