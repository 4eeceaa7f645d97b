/* V86 mode: entering and leaving, IOPL rules, VME and PVI, the I/O permission map (SDM vol. 3
 * chapter 20, vol. 1 17.5). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { V86_SEG = 0x1300, V86_CODE = V86_SEG << 4, INT32 = DA_P | SYS_INT32 << 8, INNER = 0x12000 };

GUEST(iretd, 32, "iretd");
GUEST(v_nop, 16, "nop\n int3");
GUEST(v_cli, 16, "cli\n int3");
GUEST(v_sti, 16, "sti\n int3");
GUEST(v_pushf, 16, "pushf\n int3");
GUEST(v_popf, 16, "popf\n int3");
GUEST(v_pushfd, 16, "pushfd\n int3");
GUEST(v_int, 16, "int 0x21\n int3");
GUEST(v_iret, 16, "iret");
GUEST(v_hlt, 16, "hlt");
GUEST(v_in, 16, "in al, 0x60\n int3");
GUEST(v_out_dx, 16, "out dx, eax\n int3");
GUEST(v_lldt, 16, "lldt ax");
GUEST(v_seg, 16, "mov ds, ax\n mov ecx, [0]\n int3");
GUEST(v_cr, 16, "mov eax, cr0");
GUEST(v_handler, 16, "mov ebp, 0x5a5a\n int3");
GUEST(p_cli, 32, "cli\n int3");
GUEST(p_sti, 32, "sti\n int3");
GUEST(p_in, 32, "in al, 0x60\n int3");
GUEST(p_insb, 32, "rep insb\n int3");
GUEST(p_outsd, 32, "rep outsd\n int3");

static struct machine *m;

/* Go to V86 mode by IRETD from level 0; INT3 leaves again with its frame on the level 0 stack. */
static void start(u32 eflags, const u8 *begin, const u8 *end)
{
    u32 frame[9] = {0, V86_SEG, eflags | FL_VM | 2, 0xfff0, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000};
    machine_protected(m, 0, AT_CODE);
    machine_code(m, AT_CODE, iretd);
    machine_load(m, V86_CODE, begin, (size_t)(end - begin));
    machine_idt_gate(m, EXC_BP, SEL_CODE0, AT_HANDLERS + 16 * EXC_BP, INT32 | DA_DPL);
    m->cpu->gpr[REG_SP] -= sizeof(frame);
    for (u32 i = 0; i < 9; i++)
        machine_st32(m, (u32)m->cpu->gpr[REG_SP] + 4 * i, frame[i]);
}
#define START(eflags, name) start(eflags, name##_begin, name##_end)

/* EFLAGS of the program as the handler finds them; the INT3 frame has no error code. */
static u32 saved_flags(void)
{
    return machine_frame(m, 2);
}

START_TEST(enter_and_leave)
{
    m = machine_new("max", _i);
    START(FL_IOPL, v_nop);
    machine_run(m, 1);
    ck_assert(cpu_v86(m->cpu));
    ck_assert_uint_eq(m->cpu->cpl, 3);
    ck_assert_uint_eq(m->cpu->seg[SEG_ES].base, 0x30000);
    ck_assert_uint_eq(m->cpu->seg[SEG_GS].base, 0x60000);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(machine_frame(m, 0), 2);
    ck_assert_uint_eq(machine_frame(m, 1), V86_SEG);
    ck_assert(saved_flags() & FL_VM);
    ck_assert_uint_eq(machine_frame(m, 3), 0xfff0);
    ck_assert_uint_eq(machine_frame(m, 4), 0x2000);
    ck_assert_uint_eq(machine_frame(m, 5), 0x3000);
    ck_assert_uint_eq(machine_frame(m, 6), 0x4000);
    ck_assert_uint_eq(machine_frame(m, 7), 0x5000);
    ck_assert_uint_eq(machine_frame(m, 8), 0x6000);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SP], AT_STACK0 - 36);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, 0);
    ck_assert(!cpu_v86(m->cpu));
    /* A gate to a segment of another level than 0 is refused. */
    START(FL_IOPL, v_nop);
    machine_idt_gate(m, EXC_BP, SEL_CODE3, AT_HANDLERS, INT32 | DA_DPL);
    machine_run(m, 10);
    expect_error(m, EXC_GP, SEL_CODE3 & ~3u);
    START(FL_IOPL, v_seg);
    machine_st32(m, 0x12340, 0xfeed);
    m->cpu->gpr[REG_AX] = 0x1234;
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->gpr[REG_CX] & 0xffff, 0xfeed);
    machine_free(m);
}
END_TEST

START_TEST(sensitive)
{
    m = machine_new("max", _i);
    /* Below IOPL 3 each of these is #GP(0); at IOPL 3 they work on IF. */
    START(0, v_cli);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, v_sti);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, v_pushf);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, v_popf);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, v_int);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, v_iret);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(FL_IOPL | FL_IF, v_cli);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(saved_flags() & FL_IF, 0);
    START(FL_IOPL, v_pushf);
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld16(m, 0x2ffee), 0x3002);
    START(FL_IOPL, v_int); /* through the IDT: the gate's DPL counts */
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0x21u * 8 + 2);
    START(FL_IOPL, v_int);
    machine_idt_gate(m, 0x21, SEL_CODE0, AT_HANDLERS + 0x210, INT32 | DA_DPL);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), 0x21);
    /* Always privileged or undefined. */
    START(FL_IOPL, v_hlt);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(FL_IOPL, v_cr);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(FL_IOPL, v_lldt);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_UD);
    machine_free(m);
}
END_TEST

START_TEST(vme)
{
    m = machine_new("max", _i);
    for (unsigned vif = 0; vif < 2; vif++) {
        START(vif ? FL_VIF : 0, v_pushf);
        m->cpu->cr4 |= CR4_VME;
        machine_run(m, 10);
        ck_assert_int_eq(machine_vector(m), EXC_BP);
        ck_assert_uint_eq(machine_ld16(m, 0x2ffee), 0x3002 | (vif ? FL_IF : 0));
    }
    START(FL_VIF | FL_IF, v_cli);
    m->cpu->cr4 |= CR4_VME;
    machine_run(m, 10);
    ck_assert_uint_eq(saved_flags() & (FL_VIF | FL_IF), FL_IF);
    START(0, v_sti);
    m->cpu->cr4 |= CR4_VME;
    machine_run(m, 10);
    ck_assert_uint_eq(saved_flags() & (FL_VIF | FL_IF), FL_VIF);
    START(FL_VIP, v_sti);
    m->cpu->cr4 |= CR4_VME;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, v_pushfd); /* the 32-bit forms stay sensitive */
    m->cpu->cr4 |= CR4_VME;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, v_popf);
    m->cpu->cr4 |= CR4_VME;
    machine_st32(m, 0x2fff0, FL_IF | F_C);
    machine_run(m, 10);
    ck_assert_uint_eq(saved_flags() & (FL_VIF | FL_IF | FL_IOPL | F_C), FL_VIF | F_C);
    /* INT n goes to the program's own vector where the map has a 0. */
    START(FL_VIF, v_int);
    m->cpu->cr4 |= CR4_VME;
    machine_st32(m, AT_TSS + 0x64, 0x880000);
    memset(machine_mem(m, AT_TSS + 0x68), 0, 32);
    machine_st32(m, 4 * 0x21, V86_SEG << 16 | 0x100);
    machine_code(m, V86_CODE + 0x100, v_handler);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(m->cpu->gpr[REG_BP] & 0xffff, 0x5a5a);
    ck_assert_uint_eq(saved_flags() & FL_VIF, 0);
    ck_assert_uint_eq(machine_ld16(m, 0x2ffea), 2);
    ck_assert_uint_eq(machine_ld16(m, 0x2ffec), V86_SEG);
    ck_assert_uint_eq(machine_ld16(m, 0x2ffee), 0x3202); /* IOPL 3, IF = VIF */
    START(FL_VIF, v_int);                                /* a 1: #GP below IOPL 3 */
    m->cpu->cr4 |= CR4_VME;
    machine_st32(m, AT_TSS + 0x64, 0x880000);
    memset(machine_mem(m, AT_TSS + 0x68), 0xff, 32);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

static void start32(unsigned cpl, u32 eflags, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    machine_idt_gate(m, EXC_BP, SEL_CODE0, AT_HANDLERS + 16 * EXC_BP, INT32 | DA_DPL);
    m->cpu->eflags |= eflags;
    cpu_update_mode(m->cpu);
}
#define START32(cpl, eflags, name) start32(cpl, eflags, name##_begin, name##_end)

START_TEST(pvi)
{
    m = machine_new("max", _i);
    START32(3, 0, p_cli);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START32(3, FL_VIF | FL_IF, p_cli);
    m->cpu->cr4 |= CR4_PVI;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(saved_flags() & (FL_VIF | FL_IF), FL_IF);
    START32(3, FL_VIP, p_sti);
    m->cpu->cr4 |= CR4_PVI;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START32(3, FL_IOPL, p_sti);
    machine_run(m, 10);
    ck_assert_uint_eq(saved_flags() & FL_IF, FL_IF);
    machine_free(m);
}
END_TEST

START_TEST(ports)
{
    m = machine_new("max", _i);
    START32(3, 0, p_in);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    ck_assert_uint_eq(m->io_reads, 0);
    START32(3, FL_IOPL, p_in);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(m->io_port, 0x60);
    START32(3, 0, p_in); /* the map opens port 60h */
    machine_mem(m, AT_TSS + 0x68 + 0x60 / 8)[0] = 0xfe;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    /* V86 mode always asks the map, even at IOPL 3. */
    START(FL_IOPL, v_in);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(FL_IOPL, v_out_dx); /* all bits of a wide access, also across the byte */
    machine_mem(m, AT_TSS + 0x68 + 0x80 / 8)[0] = 0x3f;
    machine_mem(m, AT_TSS + 0x69 + 0x80 / 8)[0] = 0xfc;
    m->cpu->gpr[REG_DX] = 0x86;
    m->io_writes = 0;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_ge(m->io_writes, 1);
    START(FL_IOPL, v_out_dx);
    machine_mem(m, AT_TSS + 0x68 + 0x80 / 8)[0] = 0x3f;
    machine_mem(m, AT_TSS + 0x69 + 0x80 / 8)[0] = 0xfe;
    m->cpu->gpr[REG_DX] = 0x86;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    /* The map must reach one byte beyond. */
    START32(3, 0, p_in);
    machine_mem(m, AT_TSS + 0x68 + 0x60 / 8)[0] = 0;
    m->cpu->tr.limit = 0x68 + 0x60 / 8;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

START_TEST(port_strings)
{
    m = machine_new("max", _i);
    START32(0, 0, p_insb);
    m->cpu->gpr[REG_DX] = 0x10;
    m->cpu->gpr[REG_CX] = 5000;
    m->cpu->gpr[REG_DI] = AT_DATA + 0x123;
    machine_run(m, 10000);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(m->io_reads, 5000);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI], AT_DATA + 0x123 + 5000);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0);
    ck_assert_uint_eq(machine_mem(m, AT_DATA + 0x123)[10], (0x10 * 0x01010101u + 11) & 0xff);
    /* A page fault in the middle: exactly the ports read whose bytes arrived. */
    m->io_reads = 0;
    START32(0, 0, p_insb);
    machine_paging(m);
    machine_page(m, AT_DATA + 0x1000, 0);
    m->cpu->gpr[REG_CX] = 100;
    m->cpu->gpr[REG_DI] = AT_DATA + 0xff0;
    machine_run(m, 1000);
    expect_error(m, EXC_PF, 2u);
    ck_assert_uint_eq(m->io_reads, 16);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 84);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI], AT_DATA + 0x1000);
    ck_assert_uint_eq(machine_frame(m, 1), AT_CODE);
    m->io_writes = 0;
    START32(0, 0, p_outsd);
    m->cpu->gpr[REG_DX] = 0x20;
    m->cpu->gpr[REG_CX] = 3;
    m->cpu->gpr[REG_SI] = AT_DATA;
    machine_st32(m, AT_DATA + 8, 0x13579bdf);
    machine_run(m, 100);
    ck_assert_uint_eq(m->io_writes, 3);
    ck_assert_uint_eq(m->io_last, 0x13579bdf);
    machine_free(m);
}
END_TEST

SUITE_MAIN("v86", enter_and_leave, sensitive, vme, pvi, ports, port_strings)

#else
int main(void)
{
    puts("v86: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
