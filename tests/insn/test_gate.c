/* Interrupts, exceptions, call gates, far returns and IRET: frames, stack switches, error codes,
 * double faults (SDM vol. 3 sections 5.8 and 6.10 to 6.15). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum {
    USED = DA_P | DA_S | DA_ACCESSED,
    FLAT = USED | DA_G | DA_DB,
    D0 = SEL_FREE,
    D1 = SEL_FREE + 8,
    D2 = SEL_FREE + 16,
    GATE32 = DA_P | SYS_CALL32 << 8,
    GATE16 = DA_P | SYS_CALL16 << 8,
    INT32 = DA_P | SYS_INT32 << 8,
    TRAP32 = DA_P | SYS_TRAP32 << 8,
    INT16 = DA_P | SYS_INT16 << 8,
    INNER = 0x12000, /* code reached through gates */
};

GUEST(halt, 32, "hlt");
GUEST(int40, 32, "int 0x40\n hlt");
GUEST(int3, 32, "int3\n hlt");
GUEST(into, 32, "into\n hlt");
GUEST(int1, 32, ".byte 0xf1\n hlt");
GUEST(ud, 32, "ud2");
GUEST(divide, 32, "div ecx\n hlt");
GUEST(bound, 32, "bound eax, [ebx]\n hlt");
GUEST(load, 32, "mov ecx, [ebx]\n hlt");
GUEST(call_gate, 32, "push 0x1111\n push 0x2222\n .byte 0x9a\n .long 0\n .word 0x43\n hlt");
GUEST(call_gate0, 32, ".byte 0x9a\n .long 0\n .word 0x40\n hlt");
GUEST(jmp_gate0, 32, ".byte 0xea\n .long 0\n .word 0x40\n hlt");
GUEST(retf8, 32, "retf 8");
GUEST(retf, 32, "retf");
GUEST(iretd, 32, "iretd");
GUEST(sti_hlt, 32, "sti\n nop\n hlt");

static struct machine *m;

static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
}
#define START(cpl, name) start(cpl, name##_begin, name##_end)

START_TEST(int_from_user)
{
    m = machine_new("max", _i);
    START(3, int40);
    machine_idt_gate(m, 0x40, SEL_CODE0, AT_HANDLERS + 0x400, INT32 | DA_DPL);
    m->cpu->eflags |= FL_IF;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), 0x40);
    ck_assert_uint_eq(m->cpu->cpl, 0);
    ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, SEL_DATA0);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SP], AT_STACK0 - 20);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 2);
    ck_assert_uint_eq(machine_frame(m, 1), SEL_CODE3);
    ck_assert_uint_eq(machine_frame(m, 2), 0x202);
    ck_assert_uint_eq(machine_frame(m, 3), AT_STACK3);
    ck_assert_uint_eq(machine_frame(m, 4), SEL_DATA3);
    ck_assert_uint_eq(m->cpu->eflags & FL_IF, 0);
    /* A trap gate keeps IF. */
    START(3, int40);
    machine_idt_gate(m, 0x40, SEL_CODE0, AT_HANDLERS + 0x400, TRAP32 | DA_DPL);
    m->cpu->eflags |= FL_IF;
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->eflags & FL_IF, FL_IF);
    /* DPL 0: #GP with the vector. */
    START(3, int40);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0x40u * 8 + 2);
    ck_assert_uint_eq(machine_frame(m, 1), AT_CODE);
    /* A 16-bit gate pushes words. */
    START(0, int40);
    machine_idt_gate(m, 0x40, SEL_CODE0, AT_HANDLERS + 0x400, INT16);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SP], AT_STACK0 - 6);
    machine_free(m);
}
END_TEST

START_TEST(gate_errors)
{
    m = machine_new("max", _i);
    START(0, int40);
    machine_idt_gate(m, 0x40, SEL_CODE0, 0, INT32 & ~DA_P);
    machine_run(m, 10);
    expect_error(m, EXC_NP, 0x202u);
    START(0, int40);
    machine_idt_gate(m, 0x40, 0, 0, INT32);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, int40);
    machine_idt_gate(m, 0x40, SEL_DATA0, 0, INT32);
    machine_run(m, 10);
    expect_error(m, EXC_GP, (u32)SEL_DATA0);
    START(0, int40);
    machine_idt_gate(m, 0x40, D0, 0, INT32);
    machine_desc(m, D0, 0, 0xfffff, (FLAT | DA_CODE) & ~DA_P);
    machine_run(m, 10);
    expect_error(m, EXC_NP, (u32)D0);
    START(0, int40); /* not a gate */
    machine_idt_gate(m, 0x40, SEL_CODE0, 0, DA_P | SYS_CALL32 << 8);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0x202u);
    START(0, int40); /* beyond the IDT */
    m->cpu->idt.limit = 0x1ff;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0x202u);
    START(0, int40); /* handler beyond its segment */
    machine_desc(m, D0, 0, 0xff, USED | DA_CODE | DA_DB);
    machine_idt_gate(m, 0x40, D0, 0x100, INT32);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    /* The same for an exception has EXT set. */
    START(0, ud);
    machine_idt_gate(m, EXC_UD, SEL_DATA0, 0, INT32);
    machine_run(m, 10);
    expect_error(m, EXC_GP, (u32)SEL_DATA0 | 1);
    /* The stack of the inner level is bad. */
    START(3, ud);
    machine_st32(m, AT_TSS + 8, SEL_DATA3);
    machine_idt_gate(m, EXC_TS, SEL_CODE0, AT_HANDLERS + 16 * EXC_TS, INT32);
    ck_assert_int_eq(machine_run(m, 10),
                     CPU_EXIT_SHUTDOWN); /* no handler of level 0 can be entered */
    machine_free(m);
}
END_TEST

START_TEST(exceptions)
{
    m = machine_new("max", _i);
    START(0, divide);
    m->cpu->gpr[REG_CX] = 0;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DE);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE);
    ck_assert_uint_eq(machine_frame(m, 2) & FL_RF, FL_RF); /* faults push RF */
    START(0, divide);
    m->cpu->gpr[REG_CX] = 1;
    m->cpu->gpr[REG_DX] = 1; /* quotient too large */
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DE);
    START(0, bound);
    machine_st32(m, AT_DATA, (u32)-5);
    machine_st32(m, AT_DATA + 4, 5);
    m->cpu->gpr[REG_BX] = AT_DATA;
    m->cpu->gpr[REG_AX] = 6;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_BR);
    START(0, bound);
    m->cpu->gpr[REG_BX] = AT_DATA;
    m->cpu->gpr[REG_AX] = (u32)-5;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    START(0, int3);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 1);
    ck_assert_uint_eq(machine_frame(m, 2) & FL_RF, 0);
    START(3, int3);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 3u * 8 + 2);
    START(3, int1); /* no DPL check */
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    START(0, into);
    cpu_set_aflags(m->cpu, F_O);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_OF);
    START(0, into);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    machine_free(m);
}
END_TEST

START_TEST(double_and_triple_fault)
{
    m = machine_new("max", _i);
    /* #GP while delivering #PF: double fault; a not-present #DF gate: shutdown. */
    START(0, load);
    machine_paging(m);
    machine_page(m, AT_DATA, 0);
    m->cpu->gpr[REG_BX] = AT_DATA + 4;
    machine_idt_gate(m, EXC_PF, 0, 0, INT32);
    machine_run(m, 10);
    expect_error(m, EXC_DF, 0u);
    ck_assert_uint_eq(machine_frame(m, 1), AT_CODE);
    ck_assert_uint_eq(m->cpu->cr2, AT_DATA + 4);
    START(0, load);
    m->cpu->gpr[REG_BX] = AT_DATA + 4;
    machine_idt_gate(m, EXC_PF, 0, 0, INT32);
    machine_idt_gate(m, EXC_DF, 0, 0, INT32);
    machine_paging(m);
    machine_page(m, AT_DATA, 0);
    ck_assert_int_eq(machine_run(m, 10), CPU_EXIT_SHUTDOWN);
    /* #UD (benign) then #GP: the #GP is served. */
    START(0, ud);
    machine_idt_gate(m, EXC_UD, 0, 0, INT32);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 1u);
    /* #DE then #NP: double fault. */
    START(0, divide);
    machine_idt_gate(m, EXC_DE, SEL_CODE0, 0, INT32 & ~DA_P);
    machine_run(m, 10);
    expect_error(m, EXC_DF, 0u);
    machine_free(m);
}
END_TEST

START_TEST(page_fault_codes)
{
    m = machine_new("max", _i);
    for (unsigned cpl = 0; cpl <= 3; cpl += 3) {
        START(cpl, load);
        machine_paging(m);
        machine_page(m, AT_DATA, 0);
        m->cpu->gpr[REG_BX] = AT_DATA + 0x123;
        m->cpu->gpr[REG_CX] = 77;
        machine_run(m, 10);
        expect_error(m, EXC_PF, cpl ? 4u : 0u);
        ck_assert_uint_eq(m->cpu->cr2, AT_DATA + 0x123);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 77);
    }
    START(3, load); /* a supervisor page */
    machine_paging(m);
    machine_page(m, AT_DATA, AT_DATA | 3);
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_run(m, 10);
    expect_error(m, EXC_PF, 5u);
    START(0, load); /* the second page of a crossing access */
    machine_paging(m);
    machine_page(m, AT_DATA + 0x1000, 0);
    m->cpu->gpr[REG_BX] = AT_DATA + 0xffe;
    machine_run(m, 10);
    expect_error(m, EXC_PF, 0u);
    ck_assert_uint_eq(m->cpu->cr2, AT_DATA + 0x1000);
    machine_free(m);
}
END_TEST

START_TEST(call_gate_inner)
{
    m = machine_new("max", _i);
    START(3, call_gate);
    machine_gate(m, D0, SEL_CODE0, INNER, GATE32 | DA_DPL, 2);
    machine_code(m, INNER, halt);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->rip, INNER + 1);
    ck_assert_uint_eq(m->cpu->cpl, 0);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].sel, SEL_CODE0);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 17);
    ck_assert_uint_eq(machine_frame(m, 1), SEL_CODE3);
    ck_assert_uint_eq(machine_frame(m, 2), 0x2222);
    ck_assert_uint_eq(machine_frame(m, 3), 0x1111);
    ck_assert_uint_eq(machine_frame(m, 4), AT_STACK3 - 8);
    ck_assert_uint_eq(machine_frame(m, 5), SEL_DATA3);
    /* And back: both stacks drop the parameters. DS of level 0 becomes null, ES of level 3 stays.
     */
    START(3, call_gate);
    machine_gate(m, D0, SEL_CODE0, INNER, GATE32 | DA_DPL, 2);
    machine_code(m, INNER, retf8);
    machine_run(m, 4);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].sel, SEL_CODE3);
    m->cpu->cpl = m->cpu->cpl;
    ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 17);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SP], AT_STACK3);
    ck_assert_uint_eq(m->cpu->cpl, 3);
    machine_free(m);
}
END_TEST

START_TEST(call_gate_errors)
{
    static const struct {
        u32 sel, off, attr, target_attr;
        int vec;
        u32 err;
    } c[] = {
        {SEL_CODE0, INNER, GATE32, 0, EXC_GP, D0}, /* gate DPL 0 */
        {SEL_CODE0, INNER, (GATE32 | DA_DPL) & ~DA_P, 0, EXC_NP, D0},
        {0, INNER, GATE32 | DA_DPL, 0, EXC_GP, 0},
        {SEL_DATA0, INNER, GATE32 | DA_DPL, 0, EXC_GP, SEL_DATA0},
        {0x1008, INNER, GATE32 | DA_DPL, 0, EXC_GP, 0x1008},
        {D1, INNER, GATE32 | DA_DPL, (FLAT | DA_CODE) & ~DA_P, EXC_NP, D1},
        {D1, INNER, GATE32 | DA_DPL, USED | DA_CODE, EXC_GP, 0}, /* beyond the 1-byte segment */
    };
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        START(3, call_gate);
        machine_gate(m, D0, c[i].sel, c[i].off, c[i].attr, 2);
        if (c[i].target_attr)
            machine_desc(m, D1, 0, 0, c[i].target_attr);
        machine_run(m, 10);
        ck_assert_msg(machine_vector(m) == c[i].vec && machine_frame(m, 0) == c[i].err,
                      "case %zu: %d %x", i, machine_vector(m), machine_frame(m, 0));
        ck_assert_uint_eq(machine_frame(m, 1), AT_CODE + 10); /* the CALL */
        ck_assert_uint_eq(machine_frame(m, 4), AT_STACK3 - 8);
    }
    /* The new stack has no room: #SS with its selector. The handler runs at level 0 on a stack that
     * works, so the gate leads to level 1. */
    START(3, call_gate);
    machine_gate(m, D0, D1 | 1, INNER, GATE32 | DA_DPL, 2);
    machine_desc(m, D1, 0, 0xfffff, FLAT | DA_CODE | 1 << 13);
    machine_desc(m, D2, 0, 0x10, USED | DA_WRITE | DA_DB | 1 << 13);
    machine_st32(m, AT_TSS + 12, 0x10);
    machine_st32(m, AT_TSS + 16, D2 | 1);
    machine_run(m, 10);
    expect_error(m, EXC_SS, (u32)D2);
    START(3, call_gate); /* not a stack of level 1 */
    machine_gate(m, D0, D1 | 1, INNER, GATE32 | DA_DPL, 2);
    machine_st32(m, AT_TSS + 16, SEL_DATA0);
    machine_run(m, 10);
    expect_error(m, EXC_TS, (u32)SEL_DATA0);
    START(3, call_gate); /* the TSS is too short */
    machine_gate(m, D0, D1 | 1, INNER, GATE32 | DA_DPL, 2);
    m->cpu->tr.limit = 16;
    machine_run(m, 10);
    expect_error(m, EXC_TS, (u32)SEL_TSS);
    machine_free(m);
}
END_TEST

START_TEST(direct_transfers)
{
    static const struct {
        u32 attr;
        bool call;
        int vec; /* -1: arrives */
        u32 err;
    } c[] = {
        {FLAT | DA_CODE, false, -1, 0},
        {FLAT | DA_CODE, true, -1, 0},
        {FLAT | DA_CODE | DA_DPL, false, EXC_GP, D0},
        {FLAT | DA_CODE | DA_CONFORM, false, -1, 0},
        {FLAT | DA_CODE | DA_CONFORM | DA_DPL, false, EXC_GP, D0},
        {(FLAT | DA_CODE) & ~DA_P, true, EXC_NP, D0},
        {FLAT | DA_WRITE, false, EXC_GP, D0},
        {GATE32, true, -1, 0},
        {GATE32, false, -1, 0},
        {DA_P | SYS_LDT << 8, true, EXC_GP, D0},
        {INT32, false, EXC_GP, D0},
        {DA_P | SYS_TSS32_BUSY << 8, false, EXC_GP, D0},
    };
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        if (c[i].call)
            START(0, call_gate0);
        else
            START(0, jmp_gate0);
        if (c[i].attr == GATE32)
            machine_gate(m, D0, SEL_CODE0, INNER, GATE32, 0);
        else
            machine_desc(m, D0, INNER, 0xfff, c[i].attr);
        machine_code(m, INNER, halt);
        machine_run(m, 10);
        if (c[i].vec < 0) {
            ck_assert_msg(m->cpu->rip + m->cpu->seg[SEG_CS].base == INNER + 1, "case %zu", i);
            ck_assert_uint_eq((u32)m->cpu->gpr[REG_SP], c[i].call ? AT_STACK0 - 8 : AT_STACK0);
        } else {
            ck_assert_msg(machine_vector(m) == c[i].vec && machine_frame(m, 0) == c[i].err,
                          "case %zu: %d %x", i, machine_vector(m), machine_frame(m, 0));
        }
    }
    machine_free(m);
}
END_TEST

/* Push a far return or IRET frame for the instruction at AT_CODE. */
static void frame(const u32 *v, size_t n)
{
    u32 sp = (u32)m->cpu->gpr[REG_SP] - 4 * (u32)n;
    for (size_t i = 0; i < n; i++)
        machine_st32(m, sp + 4 * (u32)i, v[i]);
    m->cpu->gpr[REG_SP] = sp;
}

START_TEST(returns)
{
    static const struct {
        u32 cs, ss, eip;
        int vec;
        u32 err;
    } c[] = {
        {0, SEL_DATA3, INNER, EXC_GP, 0},
        {SEL_DATA3, SEL_DATA3, INNER, EXC_GP, SEL_DATA3 & ~3},
        {SEL_CODE3 & ~3, SEL_DATA3, INNER, EXC_GP, SEL_CODE3 & ~3}, /* RPL 0, DPL 3 */
        {SEL_CODE0 | 3, SEL_DATA3, INNER, EXC_GP, SEL_CODE0},
        {SEL_CODE3, 0, INNER, EXC_GP, 0},
        {SEL_CODE3, SEL_DATA0, INNER, EXC_GP, SEL_DATA0},
        {SEL_CODE3, SEL_CODE3, INNER, EXC_GP, SEL_CODE3 & ~3},
        {0x100b, SEL_DATA3, INNER, EXC_GP, 0x1008},
    };
    m = machine_new("max", _i);
    for (unsigned iret = 0; iret < 2; iret++) {
        for (size_t i = 0; i < ARRAY_LEN(c); i++) {
            u32 v[5] = {c[i].eip, c[i].cs, 0x202, AT_STACK3, c[i].ss};
            if (!iret)
                v[2] = v[3], v[3] = v[4];
            if (iret)
                START(0, iretd);
            else
                START(0, retf);
            frame(v, iret ? 5 : 4);
            machine_run(m, 10);
            ck_assert_msg(machine_vector(m) == c[i].vec && machine_frame(m, 0) == c[i].err,
                          "case %u/%zu: %d %x", iret, i, machine_vector(m), machine_frame(m, 0));
            ck_assert_uint_eq(machine_frame(m, 1), AT_CODE);
        }
    }
    /* Good ones, with the segments of level 0 nulled and the flags by privilege. */
    START(0, iretd);
    machine_code(m, INNER, halt);
    m->cpu->seg[SEG_ES] = m->cpu->seg[SEG_DS];
    frame((const u32[]){INNER, SEL_CODE3, 0x3246 | FL_AC | FL_ID, AT_STACK3, SEL_DATA3}, 5);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->cpl, 3);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, 0);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].attr, 0);
    ck_assert_uint_eq(cpu_eflags(m->cpu), 0x3246 | FL_AC | FL_ID);
    START(3, iretd); /* level 3 changes neither IF nor IOPL */
    frame((const u32[]){AT_CODE, SEL_CODE3, 0x3202}, 3);
    machine_run(m, 1);
    ck_assert_uint_eq(cpu_eflags(m->cpu), 0x2);
    START(0, iretd); /* EIP beyond the limit */
    machine_desc(m, D0, 0, 0xff, USED | DA_CODE | DA_DB);
    frame((const u32[]){0x100, D0, 2}, 3);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

START_TEST(hardware_interrupts)
{
    m = machine_new("max", _i);
    /* STI holds interrupts off for one instruction. */
    START(0, sti_hlt);
    m->vector = 0x40;
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), 0x40);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 2);
    /* Not with IF clear; NMI always, and only once until IRET. */
    START(0, halt);
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 1);
    cpu_nmi(m->cpu);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_NMI);
    cpu_nmi(m->cpu);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SP], AT_STACK0 - 12);
    ck_assert(m->cpu->nmi_blocked);
    machine_free(m);
}
END_TEST

SUITE_MAIN("gate", int_from_user, gate_errors, exceptions, double_and_triple_fault,
           page_fault_codes, call_gate_inner, call_gate_errors, direct_transfers, returns,
           hardware_interrupts)

#else
int main(void)
{
    puts("gate: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
