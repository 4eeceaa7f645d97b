/* Task switches by JMP, CALL, IRET, gates and interrupts, with 32- and 16-bit TSSs (SDM vol. 3
 * chapter 7). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum {
    USED = DA_P | DA_S | DA_ACCESSED,
    FLAT = USED | DA_G | DA_DB,
    D0 = SEL_FREE,
    D1 = SEL_FREE + 8,
    D2 = SEL_FREE + 16,
    NEW = 0x14000,
    STACK_NEW = 0x50000,
};

GUEST(jmp_tss, 32, "mov ecx, 0x1234\n .byte 0xea\n .long 0\n .word 0x30\n hlt");
GUEST(call_tss, 32, "mov ecx, 0x1234\n .byte 0x9a\n .long 0\n .word 0x30\n mov edi, 0x77\n hlt");
GUEST(jmp_gate, 32, ".byte 0xea\n .long 0\n .word 0x40\n hlt");
GUEST(new_halt, 32, "hlt");
GUEST(new_iret, 32, "mov edx, 0x9876\n iretd\n hlt");
GUEST(divide, 32, "div ecx\n hlt");
GUEST(bad_load, 32, "mov ds, eax\n hlt");
GUEST(int40, 32, "int 0x40\n mov edi, 0x77\n hlt");

static struct machine *m;

static void put_tss(u32 at, u32 eip, u32 eflags)
{
    memset(machine_mem(m, at), 0, 0x68);
    machine_st32(m, at + 0x1c, AT_PAGES);
    machine_st32(m, at + 0x20, eip);
    machine_st32(m, at + 0x24, eflags);
    for (u32 i = 0; i < 8; i++)
        machine_st32(m, at + 0x28 + 4 * i, 0x1000 + i);
    machine_st32(m, at + 0x28 + 4 * REG_SP, STACK_NEW);
    for (u32 s = 0; s < 6; s++)
        machine_st32(m, at + 0x48 + 4 * s, s == SEG_CS ? SEL_CODE0 : SEL_DATA0);
    machine_st32(m, at + 0x60, SEL_LDT);
    machine_st32(m, at + 0x64, 0x680000);
}

static void start(const u8 *begin, const u8 *end)
{
    machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    put_tss(AT_TSS2, NEW, 0x2);
    machine_code(m, NEW, new_halt);
}
#define START(name) start(name##_begin, name##_end)

static unsigned tss_type(unsigned sel)
{
    return machine_ld32(m, AT_GDT + sel + 4) >> 8 & 15;
}

START_TEST(jump)
{
    m = machine_new("max", _i);
    START(jmp_tss);
    m->cpu->dr[7] = 0x455;
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->rip, NEW + 1);
    ck_assert_uint_eq(m->cpu->tr.sel, SEL_TSS2);
    ck_assert_uint_eq(tss_type(SEL_TSS), SYS_TSS32);
    ck_assert_uint_eq(tss_type(SEL_TSS2), SYS_TSS32_BUSY);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0x1001);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SP], STACK_NEW);
    ck_assert(m->cpu->cr0 & CR0_TS);
    ck_assert_uint_eq(m->cpu->dr[7], 0x400);
    ck_assert_uint_eq(m->cpu->eflags & FL_NT, 0);
    /* The old task is in its TSS. */
    ck_assert_uint_eq(machine_ld32(m, AT_TSS + 0x20), AT_CODE + 12);
    ck_assert_uint_eq(machine_ld32(m, AT_TSS + 0x28 + 4), 0x1234);
    ck_assert_uint_eq(machine_ld16(m, AT_TSS + 0x4c), SEL_CODE0);
    machine_free(m);
}
END_TEST

START_TEST(call_and_return)
{
    m = machine_new("max", _i);
    START(call_tss);
    machine_code(m, NEW, new_iret);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI], 0x77);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0x1234);
    ck_assert_uint_eq(m->cpu->tr.sel, SEL_TSS);
    ck_assert_uint_eq(tss_type(SEL_TSS), SYS_TSS32_BUSY);
    ck_assert_uint_eq(tss_type(SEL_TSS2), SYS_TSS32);
    ck_assert_uint_eq(machine_ld16(m, AT_TSS2), SEL_TSS);          /* back link */
    ck_assert_uint_eq(machine_ld32(m, AT_TSS2 + 0x24) & FL_NT, 0); /* saved without NT */
    ck_assert_uint_eq(machine_ld32(m, AT_TSS2 + 0x28 + 8), 0x9876);
    ck_assert_uint_eq(machine_ld32(m, AT_TSS2 + 0x20), NEW + 6);
    machine_free(m);
}
END_TEST

START_TEST(gates)
{
    m = machine_new("max", _i);
    START(jmp_gate);
    machine_gate(m, D0, SEL_TSS2, 0, DA_P | SYS_TASK_GATE << 8, 0);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->rip, NEW + 1);
    START(jmp_gate); /* busy */
    machine_gate(m, D0, SEL_TSS, 0, DA_P | SYS_TASK_GATE << 8, 0);
    machine_run(m, 10);
    expect_error(m, EXC_GP, (u32)SEL_TSS);
    START(jmp_gate); /* not present gate, not present TSS, TSS in the LDT */
    machine_gate(m, D0, SEL_TSS2, 0, SYS_TASK_GATE << 8, 0);
    machine_run(m, 10);
    expect_error(m, EXC_NP, (u32)D0);
    START(jmp_gate);
    machine_gate(m, D0, SEL_TSS2, 0, DA_P | SYS_TASK_GATE << 8, 0);
    machine_desc(m, SEL_TSS2, AT_TSS2, 0x67, SYS_TSS32 << 8);
    machine_run(m, 10);
    expect_error(m, EXC_NP, (u32)SEL_TSS2);
    START(jmp_gate);
    machine_gate(m, D0, 0x44, 0, DA_P | SYS_TASK_GATE << 8, 0);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0x44u);
    START(jmp_tss); /* too short */
    machine_desc(m, SEL_TSS2, AT_TSS2, 0x66, DA_P | SYS_TSS32 << 8);
    machine_run(m, 10);
    expect_error(m, EXC_TS, (u32)SEL_TSS2);
    ck_assert_uint_eq(m->cpu->tr.sel, SEL_TSS);
    machine_free(m);
}
END_TEST

START_TEST(interrupt_tasks)
{
    m = machine_new("max", _i);
    /* An exception with an error code through a task gate: the code is on the new task's stack. */
    START(bad_load);
    machine_idt_gate(m, EXC_GP, SEL_TSS2, 0, DA_P | SYS_TASK_GATE << 8);
    m->cpu->gpr[REG_AX] = 0x1008;
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->rip, NEW + 1);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SP], STACK_NEW - 4);
    ck_assert_uint_eq(machine_frame(m, 0), 0x1008);
    ck_assert(m->cpu->eflags & FL_NT);
    ck_assert_uint_eq(machine_ld32(m, AT_TSS + 0x20), AT_CODE); /* the faulting instruction */
    /* INT n and back. */
    START(int40);
    machine_idt_gate(m, 0x40, SEL_TSS2, 0, DA_P | SYS_TASK_GATE << 8);
    machine_code(m, NEW, new_iret);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI], 0x77);
    START(divide); /* no error code */
    machine_idt_gate(m, EXC_DE, SEL_TSS2, 0, DA_P | SYS_TASK_GATE << 8);
    m->cpu->gpr[REG_CX] = 0;
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SP], STACK_NEW);
    machine_free(m);
}
END_TEST

/* Bad selectors in the new TSS fault in the new task. */
START_TEST(new_task_faults)
{
    static const struct {
        u32 at, value;
        int vec;
        u32 err;
    } c[] = {
        {0x4c, 0, EXC_TS, 0},
        {0x4c, SEL_DATA0, EXC_TS, SEL_DATA0},
        {0x4c, D0, EXC_NP, D0},
        {0x50, 0, EXC_TS, 0},
        {0x50, SEL_CODE0, EXC_TS, SEL_CODE0},
        {0x50, SEL_DATA3, EXC_TS, SEL_DATA3 & ~3},
        {0x50, D1, EXC_SS, D1},
        {0x54, D1, EXC_NP, D1},
        {0x54, D2, EXC_TS, D2},
        {0x60, SEL_DATA0, EXC_TS, SEL_DATA0},
        {0x60, 0x44, EXC_TS, 0x44},
    };
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        START(jmp_tss);
        machine_desc(m, D0, 0, 0xfffff, (FLAT | DA_CODE) & ~DA_P);
        machine_desc(m, D1, 0, 0xfffff, (FLAT | DA_WRITE) & ~DA_P);
        machine_desc(m, D2, 0, 0xfffff, FLAT | DA_CODE); /* execute-only */
        machine_st32(m, AT_TSS2 + c[i].at, c[i].value);
        /* The handler must not need the broken stack: a third task takes the fault. */
        machine_desc(m, D2 + 8, 0x15000, 0x67, DA_P | SYS_TSS32 << 8);
        put_tss(0x15000, NEW + 0x100, 0);
        machine_code(m, NEW + 0x100, new_halt);
        machine_idt_gate(m, (unsigned)c[i].vec, D2 + 8, 0, DA_P | SYS_TASK_GATE << 8);
        machine_run(m, 10);
        ck_assert_msg(m->cpu->rip == NEW + 0x101, "case %zu: eip %x", i, (u32)m->cpu->rip);
        ck_assert_msg(machine_frame(m, 0) == c[i].err, "case %zu: error %x", i,
                      machine_frame(m, 0));
        ck_assert_uint_eq(machine_ld16(m, 0x15000), SEL_TSS2); /* it came from the new task */
        ck_assert_uint_eq(machine_ld32(m, AT_TSS2 + 0x20), NEW);
        /* Code selectors of the third task are good, so it runs even with the LDT of the second
         * broken. */
        machine_desc(m, SEL_TSS2, AT_TSS2, 0x67, DA_P | SYS_TSS32 << 8);
    }
    machine_free(m);
}
END_TEST

START_TEST(trap_bit_and_cr3)
{
    m = machine_new("max", _i);
    START(jmp_tss);
    machine_st32(m, AT_TSS2 + 0x64, 0x680001);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(m->cpu->dr[6] & 0x8000, 0x8000);
    ck_assert_uint_eq(machine_frame(m, 0), NEW);
    /* CR3 changes with the task when paging is on: the new directory maps AT_DATA elsewhere. */
    START(jmp_tss);
    machine_paging(m);
    machine_st32(m, AT_TSS2 + 0x1c, AT_PAGES + 0x3000);
    machine_st32(m, AT_PAGES + 0x3000, (AT_PAGES + 0x1000) | 7);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->cr3, AT_PAGES + 0x3000);
    ck_assert_uint_eq((u32)m->cpu->rip, NEW + 1);
    machine_free(m);
}
END_TEST

START_TEST(tss16)
{
    u16 t[22] = {0};
    m = machine_new("max", _i);
    START(jmp_tss);
    machine_desc(m, SEL_TSS2, AT_TSS2, 0x2b, DA_P | SYS_TSS16 << 8);
    t[7] = NEW & 0xffff;
    for (unsigned i = 0; i < 8; i++)
        t[9 + i] = (u16)(0x2000 + i);
    t[17] = SEL_DATA0;
    t[18] = D0;
    t[19] = SEL_DATA0;
    t[20] = SEL_DATA0;
    machine_load16(m, AT_TSS2, t, ARRAY_LEN(t));
    machine_desc(m, D0, NEW & 0xf0000, 0xfffff, FLAT | DA_CODE);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->rip, (NEW & 0xffff) + 1);
    ck_assert_uint_eq(m->cpu->gpr[REG_CX] & 0xffff, 0x2001);
    ck_assert_uint_eq(m->cpu->seg[SEG_FS].sel, 0);
    ck_assert_uint_eq(tss_type(SEL_TSS2), SYS_TSS16_BUSY);
    machine_free(m);
}
END_TEST

SUITE_MAIN("task", jump, call_and_return, gates, interrupt_tasks, new_task_faults, trap_bit_and_cr3,
           tss16)

#else
int main(void)
{
    puts("task: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
