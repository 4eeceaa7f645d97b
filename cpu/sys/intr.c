/* Delivery of interrupts and exceptions (SDM vol. 3 sections 6.10 to 6.15, 20.1 to 20.3). */
#include "cpu/sys/intr.h"
#include "cpu/mem.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/far.h"
#include "cpu/sys/quick.h"
#include "cpu/sys/stop.h"
#include "cpu/sys/task.h"

#include <string.h>

/* One delivery under way. */
struct delivery {
    unsigned vector;
    enum intr_kind kind;
    bool has_err;
    u32 err;
    u32 ext;    /* EXT bit of error codes raised on the way */
    u64 ret;    /* return address */
    u32 eflags; /* as pushed */
};

static inline bool quick(struct cpu *cpu, const struct delivery *v)
{
    const struct quick_intr q = {
        .vector = v->vector,
        .by_program = v->kind == INTR_SOFT || v->kind == INTR_INT3,
        .has_err = v->has_err,
        .err = v->err,
        .ret = v->ret,
        .eflags = v->eflags,
    };
    return quick_deliver(cpu, &q);
}

static u32 idt_error(const struct delivery *v)
{
    return v->vector * 8 + 2 + v->ext;
}

/* ---- through the vectors of real mode, also from V86 mode with VME ---- */

static void deliver_ivt(struct cpu *cpu, const struct delivery *v, u64 table, u32 clear)
{
    struct stack st = stack_now(cpu);
    u32 entry = (u32)sys_read(cpu, table + v->vector * 4, 4);
    stack_push(cpu, &st, 2, v->eflags & 0xffff);
    stack_push(cpu, &st, 2, cpu->seg[SEG_CS].sel);
    stack_push(cpu, &st, 2, v->ret & 0xffff);
    if ((entry & 0xffff) > cpu->seg[SEG_CS].limit)
        cpu_raise_err(cpu, EXC_GP, v->ext);
    sp_put(cpu, st.sp);
    cpu->eflags &= ~clear;
    if (cpu_v86(cpu))
        seg_put_v86(cpu, SEG_CS, entry >> 16);
    else
        seg_put_real(cpu, SEG_CS, entry >> 16);
    cpu_update_mode(cpu);
    cpu->next_rip = entry & 0xffff;
}

static void deliver_real(struct cpu *cpu, struct delivery *v)
{
    if (v->vector * 4 + 3 > cpu->idt.limit)
        cpu_raise_err(cpu, EXC_GP, idt_error(v));
    deliver_ivt(cpu, v, cpu->idt.base, FL_IF | FL_TF | FL_AC | FL_RF);
}

/* INT n in V86 mode. True: it was redirected to the program's own vector (CR4.VME); false: go
 * through the IDT. */
static bool v86_redirect(struct cpu *cpu, struct delivery *v)
{
    bool own = false;
    if (cpu->cr4 & CR4_VME) {
        u32 io;
        if (!(cpu->tr.attr & 0x800) || cpu->tr.limit < 0x67)
            cpu_raise_err(cpu, EXC_GP, 0);
        io = (u32)sys_read(cpu, cpu->tr.base + 0x66, 2);
        if (io < 32 || io - 32 + v->vector / 8 > cpu->tr.limit)
            cpu_raise_err(cpu, EXC_GP, 0);
        own = !(sys_read(cpu, cpu->tr.base + io - 32 + v->vector / 8, 1) >> (v->vector & 7) & 1);
    }
    if (!own) {
        if (cpu_iopl(cpu) < 3)
            cpu_raise_err(cpu, EXC_GP, 0);
        return false;
    }
    if (cpu_iopl(cpu) == 3) {
        deliver_ivt(cpu, v, 0, FL_IF | FL_TF | FL_AC | FL_RF);
        return true;
    }
    v->eflags = (v->eflags & ~(u32)FL_IF) | FL_IOPL | (v->eflags & FL_VIF ? FL_IF : 0);
    deliver_ivt(cpu, v, 0, FL_VIF | FL_TF | FL_AC | FL_RF);
    return true;
}

/* ---- protected mode ---- */

static void deliver_task(struct cpu *cpu, const struct delivery *v, unsigned tss)
{
    struct task_from from = {
        .reason = TASK_CALL, .rip = v->ret, .eflags = v->eflags, .ext = v->ext};
    task_enter(cpu, tss, &from);
    if (v->has_err) {
        struct stack st = stack_now(cpu);
        st.error = v->ext;
        stack_push(cpu, &st, cpu->tr.attr & 0x800 ? 4 : 2, v->err);
        sp_put(cpu, st.sp);
    }
    if (cpu->next_rip > cpu->seg[SEG_CS].limit)
        cpu_raise_err(cpu, EXC_GP, v->ext);
}

/* The gate's code segment: *d. */
static void check_handler(struct cpu *cpu, const struct delivery *v, unsigned sel, struct desc *d)
{
    u32 error = (sel & 0xfffc) | v->ext;
    if (sel_null(sel))
        cpu_raise_err(cpu, EXC_GP, v->ext);
    if (!desc_read(cpu, sel, d) || !desc_is_code(d) || desc_dpl(d) > cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, error);
    if (cpu_lma(cpu) && (d->hi & (DA_L | DA_DB)) != DA_L)
        cpu_raise_err(cpu, EXC_GP, error);
    if (!desc_present(d))
        cpu_raise_err(cpu, EXC_NP, error);
    /* V86 mode is left to level 0 only. */
    if (cpu_v86(cpu) && (desc_is_conforming(d) || desc_dpl(d)))
        cpu_raise_err(cpu, EXC_GP, error);
}

static void clear_flags(struct cpu *cpu, bool interrupt_gate)
{
    cpu->eflags &= ~(u32)(FL_TF | FL_VM | FL_RF | FL_NT);
    if (interrupt_gate)
        cpu->eflags &= ~(u32)FL_IF;
}

/* The frame, behind SS:eSP of the interrupted program (`outer`) when stacks are switched. */
static void push_frame(struct cpu *cpu, const struct delivery *v, struct stack *st, unsigned size,
                       bool outer)
{
    const u64 frame[6] = {
        cpu->seg[SEG_SS].sel, cpu->gpr[REG_SP], v->eflags, cpu->seg[SEG_CS].sel, v->ret, v->err};
    unsigned first = outer ? 0 : 2;
    stack_push_words(cpu, st, size, frame + first, (v->has_err ? 6 : 5) - first);
}

/* Stack switch to the handler's privilege level, perhaps out of V86 mode. */
static void deliver_inner(struct cpu *cpu, const struct delivery *v, unsigned cs, struct desc *code,
                          u64 off, unsigned size, bool interrupt_gate)
{
    unsigned cpl = desc_dpl(code);
    bool v86 = cpu_v86(cpu);
    struct stack st;
    struct desc d;
    struct seg ss;
    u16 sel;
    u32 esp;
    task_stack(cpu, cpl, v->ext, &sel, &esp);
    seg_check_stack(cpu, sel, cpl, EXC_TS, v->ext, &d);
    desc_touch(cpu, &d);
    ss = seg_make(sel, &d);
    st = stack_at(&ss, esp, cpl, (sel & 0xfffcu) | v->ext);
    if (v86) {
        stack_push(cpu, &st, size, cpu->seg[SEG_GS].sel);
        stack_push(cpu, &st, size, cpu->seg[SEG_FS].sel);
        stack_push(cpu, &st, size, cpu->seg[SEG_DS].sel);
        stack_push(cpu, &st, size, cpu->seg[SEG_ES].sel);
    }
    push_frame(cpu, v, &st, size, true);
    far_check_ip(cpu, code, off, v->ext);
    desc_touch(cpu, code);
    clear_flags(cpu, interrupt_gate);
    if (v86) {
        seg_put_null(cpu, SEG_GS, 0);
        seg_put_null(cpu, SEG_FS, 0);
        seg_put_null(cpu, SEG_DS, 0);
        seg_put_null(cpu, SEG_ES, 0);
    }
    seg_put_desc(cpu, SEG_SS, sel, &d);
    far_put_cs(cpu, cs, code, cpl);
    if (UNLIKELY(v86))
        cpu_update_mode(cpu);
    else
        cpu_update_transfer(cpu);
    sp_put(cpu, st.sp);
    cpu->next_rip = off;
}

static void deliver_same(struct cpu *cpu, const struct delivery *v, unsigned cs, struct desc *code,
                         u64 off, unsigned size, bool interrupt_gate)
{
    struct stack st = stack_now(cpu);
    st.error = v->ext;
    push_frame(cpu, v, &st, size, false);
    far_check_ip(cpu, code, off, v->ext);
    desc_touch(cpu, code);
    clear_flags(cpu, interrupt_gate);
    far_put_cs(cpu, cs, code, cpu->cpl);
    cpu_update_transfer(cpu);
    sp_put(cpu, st.sp);
    cpu->next_rip = off;
}

static void deliver_protected(struct cpu *cpu, struct delivery *v)
{
    struct desc gate, code;
    unsigned type, size;
    u64 raw, off;
    if (v->vector * 8 + 7 > cpu->idt.limit)
        cpu_raise_err(cpu, EXC_GP, idt_error(v));
    raw = sys_read(cpu, cpu->idt.base + v->vector * 8, 8);
    gate.lo = (u32)raw;
    gate.hi = (u32)(raw >> 32);
    type = desc_type(&gate);
    if (!desc_is_sys(&gate) ||
        !((1u << type) & (BIT(SYS_TASK_GATE) | BIT(SYS_INT16) | BIT(SYS_TRAP16) | BIT(SYS_INT32) |
                          BIT(SYS_TRAP32))))
        cpu_raise_err(cpu, EXC_GP, idt_error(v));
    if ((v->kind == INTR_SOFT || v->kind == INTR_INT3) && desc_dpl(&gate) < cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, idt_error(v));
    if (!desc_present(&gate))
        cpu_raise_err(cpu, EXC_NP, idt_error(v));
    if (type == SYS_TASK_GATE) {
        deliver_task(cpu, v, gate.lo >> 16);
        return;
    }
    size = type & 8 ? 4 : 2;
    off = (gate.lo & 0xffff) | (size == 4 ? gate.hi & 0xffff0000 : 0);
    check_handler(cpu, v, gate.lo >> 16, &code);
    if (!desc_is_conforming(&code) && desc_dpl(&code) < cpu->cpl)
        deliver_inner(cpu, v, gate.lo >> 16, &code, off, size, !(type & 1));
    else
        deliver_same(cpu, v, gate.lo >> 16, &code, off, size, !(type & 1));
}

/* ---- long mode: 16-byte gates, always SS:RSP in the frame, an aligned stack (SDM vol. 3
 * section 6.14) ---- */

static void deliver_long(struct cpu *cpu, struct delivery *v)
{
    struct desc gate, code;
    unsigned type, ist, cpl, cs;
    struct stack st;
    u64 raw, off;
    if (v->vector * 16 + 15 > cpu->idt.limit)
        cpu_raise_err(cpu, EXC_GP, idt_error(v));
    raw = sys_read(cpu, cpu->idt.base + v->vector * 16, 8);
    gate.lo = (u32)raw;
    gate.hi = (u32)(raw >> 32);
    type = desc_type(&gate);
    if (!desc_is_sys(&gate) || (type != SYS_INT32 && type != SYS_TRAP32))
        cpu_raise_err(cpu, EXC_GP, idt_error(v));
    if ((v->kind == INTR_SOFT || v->kind == INTR_INT3) && desc_dpl(&gate) < cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, idt_error(v));
    if (!desc_present(&gate))
        cpu_raise_err(cpu, EXC_NP, idt_error(v));
    off = (gate.lo & 0xffff) | (gate.hi & 0xffff0000) |
          sys_read(cpu, cpu->idt.base + v->vector * 16 + 8, 4) << 32;
    cs = gate.lo >> 16;
    check_handler(cpu, v, cs, &code);
    ist = gate.hi & 7;
    cpl = desc_is_conforming(&code) ? cpu->cpl : desc_dpl(&code);
    st = (struct stack){
        .sp = cpu->gpr[REG_SP], .mask = ~(u64)0, .mode = cpl == 3 ? MMU_USER : MMU_SUP, .error = v->ext};
    if (ist)
        st.sp = task_stack64(cpu, ist + 3, v->ext);
    else if (cpl != cpu->cpl)
        st.sp = task_stack64(cpu, cpl, v->ext);
    st.sp &= ~(u64)15;
    push_frame(cpu, v, &st, 8, true);
    far_check_ip(cpu, &code, off, v->ext);
    desc_touch(cpu, &code);
    clear_flags(cpu, !(type & 1));
    if (cpl != cpu->cpl) {
        struct seg ss = {.sel = (u16)cpl, .attr = cpl << 13};
        seg_put(cpu, SEG_SS, &ss);
    }
    far_put_cs(cpu, cs, &code, cpl);
    cpu->next_rip = off;
    cpu_update_transfer(cpu);
    cpu->gpr[REG_SP] = st.sp;
}

void intr_deliver(struct cpu *cpu, unsigned vector, enum intr_kind kind, bool has_err, u32 err)
{
    bool own = kind == INTR_SOFT || kind == INTR_INT3 || kind == INTR_ICEBP;
    struct delivery v = {
        .vector = vector & 0xff,
        .kind = kind,
        .has_err = has_err && cpu_pe(cpu),
        .err = err,
        .ext = kind == INTR_SOFT || kind == INTR_INT3 ? 0 : 1,
        .ret = own ? cpu->next_rip : cpu->rip,
        .eflags = cpu_eflags(cpu) | (kind == INTR_FAULT ? FL_RF : 0),
    };
    if (log_on(cpu->log, LOGA_INT))
        log_line(cpu->log, LOGA_INT,
                 "vector %02x kind %d error %x%s at %04x:%08llx cpl %d cr2 %08llx", vector, kind,
                 err, has_err ? "" : " (none)", cpu->seg[SEG_CS].sel, (unsigned long long)v.ret,
                 cpu->cpl, (unsigned long long)cpu->cr2);
    if (UNLIKELY(cpu->stop_on & STOP_ON_VECTOR))
        stop_vector(cpu, v.vector, kind != INTR_HW && kind != INTR_SOFT, err);
    if (LIKELY(quick(cpu, &v)))
        ;
    else if (!cpu_pe(cpu))
        deliver_real(cpu, &v);
    else if (cpu_lma(cpu))
        deliver_long(cpu, &v);
    else if (!(cpu_v86(cpu) && kind == INTR_SOFT && v86_redirect(cpu, &v)))
        deliver_protected(cpu, &v);
    cpu->rip = cpu->next_rip;
    if (UNLIKELY(cpu_waits(cpu)))
        cpu->halted = cpu->shadow = cpu->shadow_ss = false;
    if (v.vector == EXC_DB && kind != INTR_SOFT && kind != INTR_HW)
        cpu->dr[7] &= ~(u64)DR7_GD; /* the handler may look at the registers */
    if (kind == INTR_FAULT || kind == INTR_TRAP)
        cpu->stat_exc[v.vector & 31]++;
    else
        cpu->stat_intr++;
}

/* ---- exceptions ---- */

/* Do two exceptions, the second within the delivery of the first, make a double fault? (SDM vol. 3
 * table 6-5) */
static bool doubles(unsigned first, unsigned second)
{
    const u32 contributory = BIT(EXC_DE) | BIT(EXC_TS) | BIT(EXC_NP) | BIT(EXC_SS) | BIT(EXC_GP);
    if (contributory >> first & 1)
        return contributory >> second & 1;
    if (first == EXC_PF)
        return second == EXC_PF || (contributory >> second & 1);
    return false;
}

/* Try one delivery; false: another exception came up and is in cpu->exc_*. */
static __attribute__((noinline)) bool try_deliver(struct cpu *cpu, unsigned vector, bool has_err, u32 err)
{
    enum intr_kind kind = vector == EXC_DB || vector == EXC_DF ? INTR_TRAP : INTR_FAULT;
    struct unwind outer = cpu->unwind;
    if (unwind_here(&cpu->unwind)) {
        cpu->unwind = outer;
        return false;
    }
    intr_deliver(cpu, vector, kind, has_err, err);
    cpu->unwind = outer;
    return true;
}

bool intr_exception(struct cpu *cpu)
{
    unsigned vector = cpu->exc_vector & 31;
    bool has_err = cpu->exc_has_error;
    u32 err = cpu->exc_error;
    cpu->db_pending = 0;
    /* Each round either delivers, or ends in a worse class; benign chains are bounded by their
     * number of classes. */
    for (int round = 0; round < 8; round++) {
        unsigned next;
        if (UNLIKELY(cpu->stop_on & STOP_ON_VECTOR))
            stop_vector(cpu, vector, true, err);
        if (try_deliver(cpu, vector, has_err, err))
            return true;
        next = cpu->exc_vector & 31;
        has_err = cpu->exc_has_error;
        err = cpu->exc_error;
        if (vector == EXC_DF)
            return false;
        if (doubles(vector, next)) {
            vector = EXC_DF;
            has_err = true;
            err = 0;
        } else {
            vector = next;
        }
    }
    return false;
}

/* ---- raising ---- */

NORETURN static void raise(struct cpu *cpu, unsigned vector, bool has_err, u32 error)
{
    cpu->exc_vector = (u8)vector;
    cpu->exc_has_error = has_err;
    cpu->exc_error = error;
    cpu_unwind(cpu, CPU_UNWIND_EXCEPTION);
}

void cpu_raise(struct cpu *cpu, unsigned vector)
{
    raise(cpu, vector, false, 0);
}

void cpu_raise_err(struct cpu *cpu, unsigned vector, u32 error)
{
    raise(cpu, vector, true, error);
}

void cpu_raise_pf(struct cpu *cpu, const struct mmu_fault *fault)
{
    cpu->cr2 = fault->addr;
    raise(cpu, EXC_PF, true, fault->error);
}
