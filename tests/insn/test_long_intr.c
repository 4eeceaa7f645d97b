/* Interrupts and exceptions in long mode: 16-byte gates, the frame, its alignment, stacks from the
 * TSS and from its interrupt stack table, IRETQ (SDM vol. 3 sections 6.14, 7.7; vol. 2 "IRET"). */
#include "tests/insn/long.h"

#if GUEST_CODE

GUEST(int40, 64, "int 0x40\n hlt");
GUEST(int40_32, 32, "int 0x40\n hlt");
GUEST(int3, 64, "int3\n hlt");
GUEST(int1, 64, ".byte 0xf1\n hlt");
GUEST(ud, 64, "ud2");
GUEST(divide, 64, "div rcx\n hlt");
GUEST(load, 64, "mov rax, [rbx]\n hlt");
GUEST(spin, 64, "1: nop\n jmp 1b");
GUEST(iretq, 64, "iretq");
GUEST(iretd, 64, "iretd");
GUEST(iretd32, 32, "iretd");
GUEST(halt, 64, "hlt");
GUEST(step, 64, "nop\n nop\n hlt");
GUEST(mov_ss, 64, "mov ss, eax\n nop\n hlt");

enum { INNER = 0x12000, ODD = 5 };

static struct machine *m;
static u64 *reg(unsigned r)
{
    return &m->cpu->gpr[r];
}

/* RIP, CS, RFLAGS, RSP, SS in the quadwords of the frame from `i` on. */
static void check_frame(unsigned i, u64 rip, u64 cs, u64 rsp, u64 ss)
{
    ck_assert_uint_eq(long_frame(m, i), rip);
    ck_assert_uint_eq(long_frame(m, i + 1), cs);
    ck_assert_uint_eq(long_frame(m, i + 3), rsp);
    ck_assert_uint_eq(long_frame(m, i + 4), ss);
}

START_TEST(frames)
{
    m = machine_new("qemu64", _i);
    /* From level 3: the stack of the TSS, SS null with the new RPL. */
    LONG(m, 3, int40);
    long_idt_gate(m, 0x40, SEL_CODE0, AT_HANDLERS + 0x400, LONG_INT | DA_DPL, 0);
    m->cpu->eflags |= FL_IF;
    machine_run(m, 10);
    expect_vector(m, 0x40);
    check_frame(0, AT_CODE + 2, SEL_CODE3, AT_STACK3, SEL_DATA3);
    ck_assert_uint_eq(long_frame(m, 2), 0x202);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 - 40);
    ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, 0);
    ck_assert_uint_eq(m->cpu->cpl, 0);
    ck_assert(!(m->cpu->eflags & FL_IF));
    /* At the same level SS:RSP are pushed too, on an aligned stack; SS stays. */
    for (unsigned i = 0; i < 16; i += 3) {
        LONG(m, 0, int40);
        *reg(REG_SP) = AT_STACK0 - i;
        machine_run(m, 10);
        expect_vector(m, 0x40);
        check_frame(0, AT_CODE + 2, SEL_CODE0, AT_STACK0 - i, SEL_DATA0);
        ck_assert_uint_eq(*reg(REG_SP), ((AT_STACK0 - i) & ~15u) - 40);
        ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, SEL_DATA0);
    }
    /* With an error code there are 48 bytes below the aligned place. */
    LONG(m, 0, load);
    *reg(REG_SP) = AT_STACK0 - ODD;
    *reg(REG_BX) = NOT_CANONICAL;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    ck_assert_uint_eq(*reg(REG_SP), ((AT_STACK0 - ODD) & ~15u) - 48);
    check_frame(1, AT_CODE, SEL_CODE0, AT_STACK0 - ODD, SEL_DATA0);
    /* RF in the image of a fault, and a trap gate that keeps IF. */
    LONG(m, 0, ud);
    long_idt_gate(m, EXC_UD, SEL_CODE0, AT_HANDLERS + 16 * EXC_UD, LONG_TRAP, 0);
    m->cpu->eflags |= FL_IF;
    machine_run(m, 10);
    expect_vector(m, EXC_UD);
    ck_assert_uint_eq(long_frame(m, 2), 0x202 | FL_RF);
    ck_assert(m->cpu->eflags & FL_IF);
    LONG(m, 3, divide);
    *reg(REG_CX) = 0;
    machine_run(m, 10);
    expect_vector(m, EXC_DE);
    /* INT3 and INT1 are traps; INT1 asks for no DPL. */
    LONG(m, 3, int3);
    long_idt_gate(m, EXC_BP, SEL_CODE0, AT_HANDLERS + 16 * EXC_BP, LONG_INT | DA_DPL, 0);
    machine_run(m, 10);
    expect_vector(m, EXC_BP);
    ck_assert_uint_eq(long_frame(m, 0), AT_CODE + 1);
    LONG(m, 3, int1);
    machine_run(m, 10);
    expect_vector(m, EXC_DB);
    /* A hardware interrupt in the lower half's last level 3 code. */
    LONG(m, 3, spin);
    m->cpu->eflags |= FL_IF;
    m->vector = 0x77;
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 10);
    expect_vector(m, 0x77);
    ck_assert_uint_eq(long_frame(m, 1), SEL_CODE3);
    machine_free(m);
}
END_TEST

START_TEST(interrupt_stacks)
{
    m = machine_new("max", _i);
    for (unsigned ist = 1; ist < 8; ist++) {
        LONG(m, 0, int40);
        long_idt_gate(m, 0x40, SEL_CODE0, AT_HANDLERS + 0x400, LONG_INT, ist);
        machine_st64(m, AT_TSS + 0x1c + 8 * ist, 0x50000 + 0x1000 * ist + 7);
        machine_run(m, 10);
        expect_vector(m, 0x40);
        ck_assert_uint_eq(*reg(REG_SP), 0x50000 + 0x1000 * ist - 40);
        check_frame(0, AT_CODE + 2, SEL_CODE0, AT_STACK0, SEL_DATA0);
        ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, SEL_DATA0);
    }
    LONG(m, 3, int40); /* also from level 3 */
    long_idt_gate(m, 0x40, SEL_CODE0, AT_HANDLERS + 0x400, LONG_INT | DA_DPL, 3);
    machine_st64(m, AT_TSS + 0x1c + 24, 0x53000);
    machine_run(m, 10);
    ck_assert_uint_eq(*reg(REG_SP), 0x53000 - 40);
    ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, 0);
    /* A stack that is not canonical: #SS with EXT only for events from outside; and a TSS that ends
     * before the slot: #TS with its selector. */
    LONG(m, 0, int40);
    long_idt_gate(m, 0x40, SEL_CODE0, AT_HANDLERS + 0x400, LONG_INT, 1);
    machine_st64(m, AT_TSS + 0x24, NOT_CANONICAL);
    machine_run(m, 10);
    expect_fault(m, EXC_SS, 0, AT_CODE);
    LONG(m, 0, int40);
    long_idt_gate(m, 0x40, SEL_CODE0, AT_HANDLERS + 0x400, LONG_INT, 1);
    m->cpu->tr.limit = 0x2a;
    machine_run(m, 10);
    expect_fault(m, EXC_TS, SEL_TSS64, AT_CODE);
    machine_free(m);
}
END_TEST

START_TEST(bad_gates)
{
    static const struct {
        unsigned sel;
        u64 off;
        u32 attr;
        unsigned vec;
        u32 error;
        u8 cpl;
    } rows[] = {
        {SEL_CODE0, INNER, DA_P | SYS_INT16 << 8, EXC_GP, 0x40 * 8 + 2, 0},
        {SEL_CODE0, INNER, DA_P | SYS_TASK_GATE << 8, EXC_GP, 0x40 * 8 + 2, 0},
        {SEL_CODE0, INNER, DA_P | SYS_CALL32 << 8, EXC_GP, 0x40 * 8 + 2, 0},
        {SEL_CODE0, INNER, LONG_INT & ~DA_P, EXC_NP, 0x40 * 8 + 2, 0},
        {SEL_CODE0, INNER, LONG_INT, EXC_GP, 0x40 * 8 + 2, 3},
        {0, INNER, LONG_INT, EXC_GP, 0, 0},
        {SEL_DATA0, INNER, LONG_INT, EXC_GP, SEL_DATA0, 0},
        {SEL_COMPAT0, INNER, LONG_INT, EXC_GP, SEL_COMPAT0, 0}, /* handlers are 64-bit code */
        {SEL_CODE3, INNER, LONG_INT, EXC_GP, SEL_CODE3 & ~3, 0},
        {SEL_CODE0, NOT_CANONICAL, LONG_INT, EXC_GP, 0, 0},
    };
    m = machine_new("max", _i);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        LONG(m, rows[i].cpl, int40);
        long_idt_gate(m, 0x40, rows[i].sel, rows[i].off, rows[i].attr, 0);
        machine_run(m, 10);
        expect_fault(m, rows[i].vec, rows[i].error, AT_CODE);
    }
    LONG(m, 0, int40); /* beyond the limit */
    m->cpu->idt.limit = 0x40 * 16 + 14;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0x40 * 8 + 2, AT_CODE);
    /* A fault while #GP is delivered: double fault, with error code 0, on its own stack. */
    LONG(m, 0, load);
    *reg(REG_BX) = NOT_CANONICAL;
    long_idt_gate(m, EXC_GP, SEL_CODE0, INNER, LONG_INT & ~DA_P, 0);
    long_idt_gate(m, EXC_DF, SEL_CODE0, AT_HANDLERS + 16 * EXC_DF, LONG_INT, 2);
    machine_st64(m, AT_TSS + 0x2c, 0x58000);
    machine_run(m, 10);
    expect_fault(m, EXC_DF, 0, AT_CODE);
    ck_assert_uint_eq(*reg(REG_SP), 0x58000 - 48);
    /* And a third one: shutdown. */
    LONG(m, 0, load);
    *reg(REG_BX) = NOT_CANONICAL;
    m->cpu->idt.limit = 0;
    ck_assert_int_eq(machine_run(m, 10), CPU_EXIT_SHUTDOWN);
    machine_free(m);
}
END_TEST

START_TEST(from_compatibility)
{
    m = machine_new("qemu64", _i);
    COMPAT(m, 3, int40_32);
    long_idt_gate(m, 0x40, SEL_CODE0, AT_HANDLERS + 0x400, LONG_INT | DA_DPL, 0);
    machine_run(m, 10);
    expect_vector(m, 0x40);
    check_frame(0, AT_CODE + 2, SEL_COMPAT3, AT_STACK3, SEL_DATA3);
    ck_assert_uint_eq(m->cpu->code_bits, 64);
    COMPAT(m, 0, int40_32); /* no change of stack, but the frame is the wide one */
    machine_run(m, 10);
    expect_vector(m, 0x40);
    check_frame(0, AT_CODE + 2, SEL_COMPAT0, AT_STACK0, SEL_DATA0);
    machine_free(m);
}
END_TEST

/* Push an IRET frame of quadwords onto the stack of level 0 and start `IRETQ`. */
static void give(u64 rip, u64 cs, u64 flags, u64 rsp, u64 ss)
{
    const u64 v[5] = {rip, cs, flags, rsp, ss};
    LONG(m, 0, iretq);
    *reg(REG_SP) = AT_STACK0 - 40;
    for (unsigned i = 0; i < 5; i++)
        machine_st64(m, AT_STACK0 - 40 + 8 * i, v[i]);
    machine_code(m, INNER, halt);
}

START_TEST(iret)
{
    m = machine_new("qemu64", _i);
    give(INNER, SEL_CODE3, 0x3202 | F_C | FL_ID, 0xffff800000001234ull, SEL_DATA3);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, INNER);
    ck_assert_uint_eq(m->cpu->cpl, 3);
    ck_assert_uint_eq(*reg(REG_SP), 0xffff800000001234ull);
    ck_assert_uint_eq(cpu_eflags(m->cpu), 0x3202 | F_C | FL_ID);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, 0); /* DPL 0 is not for level 3 */
    /* To the same level, with a null SS, as the handlers of level 0 have it. */
    give(INNER, SEL_CODE0, 2, 0x50008, 0);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, INNER);
    ck_assert_uint_eq(*reg(REG_SP), 0x50008);
    ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, 0);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, SEL_DATA0);
    /* A null SS is no stack for level 3, nor for compatibility mode. */
    give(INNER, SEL_CODE3, 2, 0x50008, 3);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    give(INNER, SEL_COMPAT0, 2, 0x50008, 0);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    give(INNER, SEL_CODE3, 2, 0x50008, SEL_DATA0);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, SEL_DATA0, AT_CODE);
    give(NOT_CANONICAL, SEL_CODE3, 2, 0x50008, SEL_DATA3);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    give(INNER, SEL_DATA3, 2, 0x50008, SEL_DATA3);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, SEL_DATA3 & ~3u, AT_CODE);
    give(INNER, SEL_CODE3, 2, 0x50008, SEL_DATA3); /* no tasks to return to */
    m->cpu->eflags |= FL_NT;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    /* VM is not for long mode: it is dropped. */
    give(INNER, SEL_CODE0, 2 | FL_VM, 0x50008, SEL_DATA0);
    machine_run(m, 1);
    ck_assert(!(m->cpu->eflags & FL_VM));
    /* L and D together are reserved. */
    give(INNER, SEL_LONG_FREE, 2, 0x50008, SEL_DATA0);
    machine_desc(m, SEL_LONG_FREE, 0, 0xfffff, LONG_CODE | DA_DB);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, SEL_LONG_FREE, AT_CODE);
    machine_free(m);
}
END_TEST

START_TEST(iret_narrow)
{
    m = machine_new("qemu64", _i);
    /* To compatibility mode: ESP is cut, the limit counts again. */
    give(INNER, SEL_COMPAT3, 0x202, 0x500001234, SEL_DATA3);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->code_bits, 32);
    ck_assert_uint_eq(*reg(REG_SP), 0x1234);
    ck_assert(m->cpu->eflags & FL_IF);
    give(0x100000000ull + INNER, SEL_COMPAT3, 0x202, 0x1234, SEL_DATA3);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    /* IRETD in 64-bit code pops five doublewords, even at the same level. */
    LONG(m, 0, iretd);
    *reg(REG_SP) = AT_STACK0 - 20;
    machine_st32(m, AT_STACK0 - 20, INNER);
    machine_st32(m, AT_STACK0 - 16, SEL_CODE0);
    machine_st32(m, AT_STACK0 - 12, 2);
    machine_st32(m, AT_STACK0 - 8, 0x51000);
    machine_st32(m, AT_STACK0 - 4, SEL_DATA0);
    machine_code(m, INNER, halt);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, INNER);
    ck_assert_uint_eq(*reg(REG_SP), 0x51000);
    /* In compatibility mode at the same level it pops three. */
    COMPAT(m, 0, iretd32);
    *reg(REG_SP) = AT_STACK0 - 12;
    machine_st32(m, AT_STACK0 - 12, INNER);
    machine_st32(m, AT_STACK0 - 8, SEL_CODE0);
    machine_st32(m, AT_STACK0 - 4, 2);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, INNER);
    ck_assert_uint_eq(m->cpu->code_bits, 64);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0);
    machine_free(m);
}
END_TEST

START_TEST(stepping)
{
    m = machine_new("max", _i);
    LONG(m, 3, step);
    m->cpu->eflags |= FL_TF;
    cpu_update_mode(m->cpu);
    machine_run(m, 10);
    expect_vector(m, EXC_DB);
    ck_assert_uint_eq(long_frame(m, 0), AT_CODE + 1);
    ck_assert_uint_eq(long_frame(m, 2), 2 | FL_TF);
    ck_assert_uint_eq(m->cpu->dr[6] & 0x4000, 0x4000);
    LONG(m, 0, mov_ss); /* one instruction more behind MOV SS */
    *reg(REG_AX) = 0;
    m->cpu->eflags |= FL_TF;
    cpu_update_mode(m->cpu);
    machine_run(m, 10);
    expect_vector(m, EXC_DB);
    ck_assert_uint_eq(long_frame(m, 0), AT_CODE + 3);
    machine_free(m);
}
END_TEST

SUITE_MAIN("long_intr", frames, interrupt_stacks, bad_gates, from_compatibility, iret, iret_narrow,
           stepping)

#else
int main(void)
{
    puts("long_intr: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
