/* Far JMP, CALL and RET (SDM vol. 3 sections 5.8.1 to 5.8.6; vol. 2 "JMP", "CALL", "RET"). */
#include "cpu/sys/far.h"
#include "cpu/mem.h"
#include "cpu/sys/task.h"

void far_check_ip(struct cpu *cpu, const struct desc *d, u64 off, u32 error)
{
    bool ok = cpu_lma(cpu) && (d->hi & DA_L) ? cpu_canonical(off) : off <= desc_limit(d);
    if (!ok)
        cpu_raise_err(cpu, EXC_GP, error);
}

void far_put_cs(struct cpu *cpu, unsigned sel, const struct desc *d, unsigned cpl)
{
    cpu->cpl = (u8)cpl;
    seg_put_desc(cpu, SEG_CS, (sel & 0xfffc) | cpl, d);
}

/* A code segment must not have L and D both set in long mode. */
static bool bad_long_code(const struct cpu *cpu, const struct desc *d)
{
    return cpu_lma(cpu) && (d->hi & (DA_L | DA_DB)) == (DA_L | DA_DB);
}

/* Move to sel:off in the code segment of d at privilege level cpl. The last step of every transfer.
 */
static void enter(struct cpu *cpu, unsigned sel, const struct desc *d, unsigned cpl, u64 off)
{
    far_put_cs(cpu, sel, d, cpl);
    cpu_update_mode(cpu);
    cpu->next_rip = off;
}

/* ---- without protection ---- */

static void real_put_cs(struct cpu *cpu, unsigned sel, u64 off)
{
    if (cpu_v86(cpu))
        seg_put_v86(cpu, SEG_CS, sel);
    else
        seg_put_real(cpu, SEG_CS, sel);
    cpu_update_mode(cpu);
    cpu->next_rip = off;
}

static void real_check_ip(struct cpu *cpu, u64 off)
{
    if (off > (cpu_v86(cpu) ? 0xffff : cpu->seg[SEG_CS].limit))
        cpu_raise_err(cpu, EXC_GP, 0);
}

/* ---- direct ---- */

/* A far JMP or CALL straight to a code segment stays at CPL. */
static void check_direct(struct cpu *cpu, unsigned sel, const struct desc *d)
{
    u32 error = sel & 0xfffc;
    if (bad_long_code(cpu, d))
        cpu_raise_err(cpu, EXC_GP, error);
    if (desc_is_conforming(d) ? desc_dpl(d) > cpu->cpl
                              : (sel & 3) > cpu->cpl || desc_dpl(d) != cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, error);
    if (!desc_present(d))
        cpu_raise_err(cpu, EXC_NP, error);
}

static void jump_code(struct cpu *cpu, unsigned sel, struct desc *d, u64 off)
{
    check_direct(cpu, sel, d);
    far_check_ip(cpu, d, off, 0);
    desc_touch(cpu, d);
    enter(cpu, sel, d, cpu->cpl, off);
}

static void call_code(struct cpu *cpu, unsigned sel, struct desc *d, u64 off, unsigned osz)
{
    struct stack st;
    check_direct(cpu, sel, d);
    st = stack_now(cpu);
    stack_push(cpu, &st, osz, cpu->seg[SEG_CS].sel);
    stack_push(cpu, &st, osz, cpu->next_rip);
    far_check_ip(cpu, d, off, 0);
    desc_touch(cpu, d);
    sp_put(cpu, st.sp);
    enter(cpu, sel, d, cpu->cpl, off);
}

/* ---- call gates ---- */

struct call_gate {
    unsigned sel, params, size; /* size of what is pushed: 2, 4 or 8 */
    u64 off;
    struct desc code;
};

/* The gate *d at `sel` and its target, as far as JMP and CALL share the checks. */
static void read_gate(struct cpu *cpu, unsigned sel, const struct desc *d, struct call_gate *g)
{
    u32 error;
    if (desc_dpl(d) < cpu->cpl || desc_dpl(d) < (sel & 3))
        cpu_raise_err(cpu, EXC_GP, sel & 0xfffc);
    if (!desc_present(d))
        cpu_raise_err(cpu, EXC_NP, sel & 0xfffc);
    g->sel = d->lo >> 16;
    g->off = (d->lo & 0xffff) | (d->hi & 0xffff0000);
    g->params = d->hi & 31;
    g->size = desc_type(d) == SYS_CALL16 ? 2 : 4;
    if (g->size == 2)
        g->off &= 0xffff;
    if (cpu_lma(cpu)) {
        u64 high = desc_high(cpu, sel, d);
        if (high >> 40 & 0x1f)
            cpu_raise_err(cpu, EXC_GP, sel & 0xfffc);
        g->off |= high << 32;
        g->size = 8;
    }
    error = g->sel & 0xfffc;
    if (sel_null(g->sel))
        cpu_raise_err(cpu, EXC_GP, 0);
    if (!desc_read(cpu, g->sel, &g->code) || !desc_is_code(&g->code) ||
        desc_dpl(&g->code) > cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, error);
    if (cpu_lma(cpu) && (g->code.hi & (DA_L | DA_DB)) != DA_L)
        cpu_raise_err(cpu, EXC_GP, error);
}

static void check_gate_present(struct cpu *cpu, const struct call_gate *g)
{
    if (!desc_present(&g->code))
        cpu_raise_err(cpu, EXC_NP, g->sel & 0xfffc);
}

static void jump_gate(struct cpu *cpu, unsigned sel, const struct desc *d)
{
    struct call_gate g;
    read_gate(cpu, sel, d, &g);
    if (!desc_is_conforming(&g.code) && desc_dpl(&g.code) != cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, g.sel & 0xfffc);
    check_gate_present(cpu, &g);
    far_check_ip(cpu, &g.code, g.off, 0);
    desc_touch(cpu, &g.code);
    enter(cpu, g.sel, &g.code, cpu->cpl, g.off);
}

static void call_gate_same(struct cpu *cpu, struct call_gate *g)
{
    struct stack st = stack_now(cpu);
    if (g->size == 8) { /* also from compatibility mode: only what the old stack's width says */
        st.sp &= st.mask;
        st.seg = NULL;
        st.mask = ~(u64)0;
    }
    stack_push(cpu, &st, g->size, cpu->seg[SEG_CS].sel);
    stack_push(cpu, &st, g->size, cpu->next_rip);
    far_check_ip(cpu, &g->code, g->off, 0);
    desc_touch(cpu, &g->code);
    enter(cpu, g->sel, &g->code, cpu->cpl, g->off);
    sp_put(cpu, st.sp);
}

/* To a more privileged level: the stack of that level from the TSS, the parameters copied over. */
static void call_gate_inner(struct cpu *cpu, struct call_gate *g)
{
    unsigned cpl = desc_dpl(&g->code);
    struct stack old = stack_now(cpu), st;
    u64 old_sp = cpu->gpr[REG_SP];
    u64 params[32];
    struct desc d;
    struct seg ss;
    u16 sel;
    u32 esp;
    if (g->size == 8) {
        ss = (struct seg){.sel = (u16)cpl, .attr = (u32)cpl << 13};
        st = (struct stack){
            .sp = task_stack64(cpu, cpl, 0), .mask = ~(u64)0, .mode = MMU_SUP, .error = 0};
        g->params = 0;
    } else {
        task_stack(cpu, cpl, 0, &sel, &esp);
        seg_check_stack(cpu, sel, cpl, EXC_TS, 0, &d);
        desc_touch(cpu, &d);
        ss = seg_make(sel, &d);
        st = stack_at(&ss, esp, cpl, sel & 0xfffc);
    }
    for (unsigned i = 0; i < g->params; i++)
        params[i] = stack_pop(cpu, &old, g->size);
    stack_push(cpu, &st, g->size, cpu->seg[SEG_SS].sel);
    stack_push(cpu, &st, g->size, old_sp);
    for (unsigned i = g->params; i-- > 0;)
        stack_push(cpu, &st, g->size, params[i]);
    stack_push(cpu, &st, g->size, cpu->seg[SEG_CS].sel);
    stack_push(cpu, &st, g->size, cpu->next_rip);
    far_check_ip(cpu, &g->code, g->off, 0);
    desc_touch(cpu, &g->code);
    seg_put(cpu, SEG_SS, &ss);
    enter(cpu, g->sel, &g->code, cpl, g->off);
    sp_put(cpu, st.sp);
}

static void call_gate(struct cpu *cpu, unsigned sel, const struct desc *d)
{
    struct call_gate g;
    read_gate(cpu, sel, d, &g);
    check_gate_present(cpu, &g);
    if (!desc_is_conforming(&g.code) && desc_dpl(&g.code) < cpu->cpl)
        call_gate_inner(cpu, &g);
    else
        call_gate_same(cpu, &g);
}

/* ---- tasks ---- */

static void to_task(struct cpu *cpu, unsigned sel, const struct desc *d, enum task_reason reason)
{
    struct task_from from = {.reason = reason, .rip = cpu->next_rip, .eflags = cpu_eflags(cpu)};
    unsigned tss = sel;
    if (cpu_lma(cpu) || desc_dpl(d) < cpu->cpl || desc_dpl(d) < (sel & 3))
        cpu_raise_err(cpu, EXC_GP, sel & 0xfffc);
    if (desc_type(d) == SYS_TASK_GATE) {
        if (!desc_present(d))
            cpu_raise_err(cpu, EXC_NP, sel & 0xfffc);
        tss = d->lo >> 16;
    }
    task_enter(cpu, tss, &from);
}

/* What a far JMP or CALL in protected mode meets at `sel`. */
static void transfer(struct cpu *cpu, unsigned sel, u64 off, unsigned osz, bool call)
{
    struct desc d;
    if (sel_null(sel))
        cpu_raise_err(cpu, EXC_GP, 0);
    if (!desc_read(cpu, sel, &d))
        cpu_raise_err(cpu, EXC_GP, sel & 0xfffc);
    if (desc_is_code(&d)) {
        if (call)
            call_code(cpu, sel, &d, off, osz);
        else
            jump_code(cpu, sel, &d, off);
        return;
    }
    if (desc_is_sys(&d)) {
        switch (desc_type(&d)) {
        case SYS_CALL16:
            if (cpu_lma(cpu))
                break;
            /* fall through */
        case SYS_CALL32:
            if (call)
                call_gate(cpu, sel, &d);
            else
                jump_gate(cpu, sel, &d);
            return;
        case SYS_TASK_GATE:
        case SYS_TSS16:
        case SYS_TSS32: to_task(cpu, sel, &d, call ? TASK_CALL : TASK_JMP); return;
        }
    }
    cpu_raise_err(cpu, EXC_GP, sel & 0xfffc);
}

void far_jump(struct cpu *cpu, unsigned sel, u64 off, unsigned osz)
{
    if (cpu_pm(cpu)) {
        transfer(cpu, sel, off, osz, false);
        return;
    }
    real_check_ip(cpu, off);
    real_put_cs(cpu, sel, off);
}

void far_call(struct cpu *cpu, unsigned sel, u64 off, unsigned osz)
{
    struct stack st;
    if (cpu_pm(cpu)) {
        transfer(cpu, sel, off, osz, true);
        return;
    }
    st = stack_now(cpu);
    stack_push(cpu, &st, osz, cpu->seg[SEG_CS].sel);
    stack_push(cpu, &st, osz, cpu->next_rip);
    real_check_ip(cpu, off);
    sp_put(cpu, st.sp);
    real_put_cs(cpu, sel, off);
}

/* ---- returns ---- */

void far_check_return(struct cpu *cpu, unsigned sel, struct desc *d)
{
    u32 error = sel & 0xfffc;
    unsigned rpl = sel & 3;
    if (sel_null(sel) || !desc_read(cpu, sel, d) || !desc_is_code(d) || rpl < cpu->cpl ||
        bad_long_code(cpu, d))
        cpu_raise_err(cpu, EXC_GP, error);
    if (desc_is_conforming(d) ? desc_dpl(d) > rpl : desc_dpl(d) != rpl)
        cpu_raise_err(cpu, EXC_GP, error);
    if (!desc_present(d))
        cpu_raise_err(cpu, EXC_NP, error);
}

void far_return_stack(struct cpu *cpu, unsigned sel, unsigned rpl, bool to_64, struct seg *ss)
{
    struct desc d;
    if (sel_null(sel) && to_64 && rpl != 3 && (sel & 3) == rpl) {
        *ss = (struct seg){.sel = (u16)sel, .attr = (u32)rpl << 13};
        return;
    }
    seg_check_stack(cpu, sel, rpl, EXC_GP, 0, &d);
    desc_touch(cpu, &d);
    *ss = seg_make(sel, &d);
}

static void ret_real(struct cpu *cpu, unsigned osz, unsigned extra)
{
    struct stack st = stack_now(cpu);
    u64 ip = stack_pop(cpu, &st, osz);
    unsigned sel = (u16)stack_pop(cpu, &st, osz);
    real_check_ip(cpu, ip);
    sp_put(cpu, st.sp + extra);
    real_put_cs(cpu, sel, ip);
}

void far_ret(struct cpu *cpu, unsigned osz, unsigned extra)
{
    struct stack st = stack_now(cpu);
    unsigned sel, rpl, ss_sel;
    struct desc d;
    struct seg ss;
    u64 ip, sp;
    if (!cpu_pm(cpu)) {
        ret_real(cpu, osz, extra);
        return;
    }
    ip = stack_pop(cpu, &st, osz);
    sel = (u16)stack_pop(cpu, &st, osz);
    rpl = sel & 3;
    far_check_return(cpu, sel, &d);
    far_check_ip(cpu, &d, ip, 0);
    if (rpl == cpu->cpl) {
        desc_touch(cpu, &d);
        sp_put(cpu, st.sp + extra);
        enter(cpu, sel, &d, rpl, ip);
        return;
    }
    st.sp = (st.sp & ~st.mask) | ((st.sp + extra) & st.mask);
    sp = stack_pop(cpu, &st, osz);
    ss_sel = (u16)stack_pop(cpu, &st, osz);
    far_return_stack(cpu, ss_sel, rpl, cpu_lma(cpu) && (d.hi & DA_L), &ss);
    desc_touch(cpu, &d);
    seg_put(cpu, SEG_SS, &ss);
    enter(cpu, sel, &d, rpl, ip);
    sp_put(cpu, sp + extra);
    seg_null_inner(cpu);
    cpu_update_mode(cpu);
}
