/* Interrupt shadows: the instruction behind STI, MOV SS and POP SS runs before any interrupt, NMI
 * or SMI (SDM vol. 3 section 6.8.3; vol. 2 "STI"). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { INT32 = DA_P | SYS_INT32 << 8 };

GUEST(sti_hlt, 32, "sti\n hlt\n inc edi");
GUEST(sti_jcc, 32, "sti\n jnc 1f\n hlt\n 1: inc edi\n inc edi\n hlt");
GUEST(sti_call, 32, "sti\n call 1f\n hlt\n 1: inc edi\n hlt");
GUEST(sti_sti, 32, "sti\n sti\n inc edi\n hlt");
GUEST(sti_cli, 32, "sti\n cli\n inc edi\n hlt");
GUEST(sti_ss, 32, "sti\n mov ss, eax\n inc edi\n inc edi\n hlt");
GUEST(ss_sti, 32, "mov ss, eax\n sti\n inc edi\n hlt");
GUEST(on_already, 32, "sti\n inc edi\n inc edi\n hlt");
GUEST(pop_ss, 32, ".byte 0x16\n sti\n nop\n .byte 0x17\n mov esp, ebx\n inc edi\n hlt");
GUEST(lss, 32, "lss esp, [esi]\n inc edi\n hlt");
GUEST(popf, 32, "push 0x202\n popfd\n inc edi\n hlt");
GUEST(iret, 32, "iretd\n hlt");
GUEST(target, 32, "inc edi\n hlt");
GUEST(sti_fault, 32, "sti\n ud2\n hlt");
GUEST(ss_fault, 32, "mov ss, eax\n ud2\n hlt");
GUEST(ss_nop, 32, "mov ss, eax\n nop\n inc edi\n hlt");
GUEST(sti_rep, 32, "sti\n rep stosb\n inc ebx\n hlt");
GUEST(sti_nop, 32, "sti\n nop\n inc edi\n hlt");
GUEST(sti_int, 32, "sti\n int 0x41\n hlt");
GUEST(smi_code, 16, "inc byte ptr cs:[0x9000]\n rsm");
GUEST(idle, 32, "1: sti\n hlt\n cli\n inc edi\n cmp edi, 5\n jb 1b\n hlt");
GUEST(iret_only, 32, "inc ebp\n iretd");
GUEST(real_idle, 16, "sti\n hlt\n inc di\n cli\n hlt");

static struct machine *m;
#define REG(r) ((u32)m->cpu->gpr[REG_##r])

static void start(u32 at, const u8 *begin, const u8 *end)
{
    machine_protected(m, 0, at);
    machine_load(m, at, begin, (size_t)(end - begin));
    for (unsigned i = 0; i < 8; i++)
        if (i != REG_SP)
            m->cpu->gpr[i] = 0;
    m->cpu->gpr[REG_AX] = SEL_DATA0;
    m->cpu->gpr[REG_BX] = AT_STACK0 - 0x100;
    m->vector = 0x40;
    cpu_set_intr(m->cpu, 1);
}
#define START(name) start(AT_CODE, name##_begin, name##_end)

/* The interrupt came in front of the instruction at offset `at` of the code. */
static void arrives(u32 at)
{
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), 0x40);
    ck_assert_uint_eq(machine_frame(m, 0) - AT_CODE, at);
}

START_TEST(sti)
{
    m = machine_new("max", _i);
    START(sti_hlt);
    arrives(2);
    START(sti_jcc);
    arrives(4);
    START(sti_call);
    arrives(7);
    START(sti_sti); /* only the first has a shadow: IF was set for the second */
    arrives(2);
    START(sti_cli);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq(REG(DI), 1);
    START(sti_ss); /* one shadow into the next */
    arrives(4);
    START(ss_sti);
    arrives(4);
    START(on_already);
    m->cpu->eflags |= FL_IF;
    machine_run(m, 20);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE); /* at once */
    START(sti_int); /* the software interrupt first; its gate closes IF, IRET would open it */
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), 0x41);
    START(sti_rep); /* one instruction is one run of a string here, between 1 and all elements */
    m->cpu->gpr[REG_DI] = AT_DATA;
    m->cpu->gpr[REG_CX] = 0x3000;
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), 0x40);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 1);
    ck_assert_uint_lt(REG(CX), 0x3000);
    ck_assert_uint_eq(REG(DI) + REG(CX), AT_DATA + 0x3000);
    machine_free(m);
}
END_TEST

START_TEST(stack_loads)
{
    m = machine_new("max", _i);
    START(pop_ss);
    m->cpu->gpr[REG_CX] = 0;
    cpu_set_intr(m->cpu, 0);
    machine_run(m, 3);
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), 0x40); /* between NOP and POP SS: no shadow there */
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 3);
    START(pop_ss);
    cpu_set_intr(m->cpu, 0);
    machine_run(m, 4);
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), 0x40);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 6);
    ck_assert_uint_eq(REG(SP), AT_STACK0 - 0x100 - 12);
    START(lss); /* both registers at once: no shadow */
    machine_st32(m, AT_DATA, AT_STACK0 - 0x80);
    machine_st32(m, AT_DATA + 4, SEL_DATA0);
    m->cpu->gpr[REG_SI] = AT_DATA;
    cpu_set_intr(m->cpu, 0);
    m->cpu->eflags |= FL_IF;
    machine_run(m, 1);
    cpu_set_intr(m->cpu, 1);
    arrives(3);
    machine_free(m);
}
END_TEST

START_TEST(others_have_none)
{
    m = machine_new("max", _i);
    START(popf);
    arrives(6);
    START(iret);
    m->cpu->gpr[REG_SP] -= 12;
    machine_st32(m, AT_STACK0 - 12, AT_CODE + 0x100);
    machine_st32(m, AT_STACK0 - 8, SEL_CODE0);
    machine_st32(m, AT_STACK0 - 4, 0x202);
    machine_code(m, AT_CODE + 0x100, target);
    arrives(0x100);
    machine_free(m);
}
END_TEST

/* A fault in the shadow ends it; its gate has closed IF. */
START_TEST(faults)
{
    m = machine_new("max", _i);
    START(sti_fault);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_UD);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 1);
    ck_assert(machine_frame(m, 2) & FL_IF);
    START(sti_fault); /* a trap gate leaves it open: the interrupt is first in the handler */
    machine_idt_gate(m, EXC_UD, SEL_CODE0, AT_HANDLERS + 16 * EXC_UD, DA_P | SYS_TRAP32 << 8);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), 0x40);
    ck_assert_uint_eq(machine_frame(m, 0), AT_HANDLERS + 16 * EXC_UD);
    START(ss_fault);
    m->cpu->eflags |= FL_TF | FL_IF;
    cpu_set_intr(m->cpu, 0);
    cpu_update_mode(m->cpu);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_UD);
    ck_assert(!m->cpu->shadow && !m->cpu->shadow_ss);
    machine_free(m);
}
END_TEST

START_TEST(nmi_and_smi)
{
    m = machine_new("max", _i);
    START(ss_nop);
    cpu_set_intr(m->cpu, 0);
    machine_run(m, 1);
    cpu_nmi(m->cpu);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_NMI);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 3);
    /* An SMI between STI and HLT would let the interrupt in before HLT: the program would then
     * sleep with nothing left to wake it. */
    START(sti_hlt);
    machine_code(m, 0x38000, smi_code);
    machine_load(m, 0x39000, "", 1);
    machine_run(m, 1);
    ck_assert(m->cpu->shadow);
    cpu_smi(m->cpu);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), 0x40);
    ck_assert_uint_eq(*machine_mem(m, 0x39000), 1);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 2);
    machine_free(m);
}
END_TEST

/* STI as the last byte of a page, and of a block that ends there. */
START_TEST(page_end)
{
    m = machine_new("max", _i);
    for (u32 back = 1; back <= 3; back++) {
        u32 at = 0x12000 - back;
        start(at, sti_nop_begin, sti_nop_end);
        machine_run(m, 20);
        ck_assert_int_eq(machine_vector(m), 0x40);
        ck_assert_uint_eq(machine_frame(m, 0), at + 2);
        ck_assert_uint_eq(REG(DI), 0);
    }
    machine_free(m);
}
END_TEST

/* The idle loop of every system: each wake-up runs the handler once and goes on behind HLT. */
START_TEST(idle_loop)
{
    m = machine_new("max", _i);
    START(idle);
    machine_idt_gate(m, 0x40, SEL_CODE0, 0x12000, INT32);
    machine_code(m, 0x12000, iret_only);
    cpu_set_intr(m->cpu, 0);
    for (u32 i = 0; i < 5; i++) {
        ck_assert_int_eq(machine_run(m, 50), CPU_EXIT_HALT);
        ck_assert_uint_eq(REG(DI), i);
        cpu_set_intr(m->cpu, 1);
    }
    ck_assert_int_eq(machine_run(m, 50), CPU_EXIT_HALT);
    ck_assert_uint_eq(REG(DI), 5);
    ck_assert_uint_eq(REG(BP), 5);
    machine_real(m, 0x6000); /* and in real mode */
    machine_code(m, 0x6000, real_idle);
    machine_load(m, AT_HANDLERS + 16 * 0x40, "\xcf", 1);
    m->cpu->gpr[REG_DI] = 0;
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DI), 1);
    ck_assert_uint_eq((u32)m->cpu->rip, 0x6005);
    machine_free(m);
}
END_TEST

SUITE_MAIN("shadow", sti, stack_loads, others_have_none, faults, nmi_and_smi, page_end, idle_loop)

#else
int main(void)
{
    puts("shadow: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
