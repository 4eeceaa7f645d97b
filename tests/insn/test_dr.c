/* Breakpoint registers and single step in the corners: RF, suppression behind MOV SS, frames that
 * the processor writes, DR6 and DR7 details, I/O breakpoints (SDM vol. 3 sections 17.2 and 17.3).
 */
#include "cpu/sys/debug.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { INT32 = DA_P | SYS_INT32 << 8, HANDLER = 0x12000, RW = 3, WR = 1, IO = 2 };

GUEST(nops, 32, "nop\n nop\n nop\n hlt");
GUEST(ss_nop, 32, "mov ss, eax\n nop\n nop\n hlt");
GUEST(ss_pop_nop, 32, ".byte 0x17\n nop\n nop\n hlt");
GUEST(ss_ss, 32, "mov ss, eax\n mov ss, eax\n nop\n hlt");
GUEST(lss, 32, "lss esp, [ebx]\n nop\n hlt");
GUEST(ss_mem_int, 32, "mov ss, [ebx]\n int 0x40\n nop\n hlt");
GUEST(rep_movs, 32, "rep movsb\n nop\n hlt");
GUEST(rep_stos, 32, "rep stosd\n nop\n hlt");
GUEST(int40, 32, "int 0x40\n nop\n hlt");
GUEST(push, 32, "push eax\n nop\n hlt");
GUEST(call_far, 32, ".byte 0x9a\n .long 0x12000\n .word 8\n hlt");
GUEST(iret, 32, "iretd");
GUEST(halt, 32, "hlt");
GUEST(nop_iret, 32, "nop\n iretd");
GUEST(in_dx, 32, "in ax, dx\n nop\n hlt");
GUEST(outs, 32, "rep outsb\n nop\n hlt");
GUEST(write_dr7, 32, "mov dr7, eax\n mov eax, dr7\n mov dr6, ebx\n mov ebx, dr6\n hlt");
GUEST(read_twice, 32, "mov eax, dr0\n mov eax, dr0\n hlt");
GUEST(store_two, 32, "mov [ebx], eax\n mov ecx, [esi]\n nop\n hlt");
GUEST(load_absent, 32, "mov eax, [ebx]\n mov eax, [esi]\n hlt");
GUEST(int1, 32, ".byte 0xf1\n nop\n hlt");
GUEST(popf_tf, 32, "popfd\n nop\n nop\n hlt");
GUEST(tf_hlt, 32, "hlt\n nop\n nop\n hlt");
GUEST(tf_div, 32, "div ecx\n nop\n hlt");
GUEST(tf_jmp, 32, "jmp 1f\n nop\n 1: nop\n hlt");
GUEST(skip_handler, 32, "add edi, 1\n or dword ptr [esp+8], 0x10000\n iretd");
GUEST(step_handler, 32, "add edi, 1\n iretd");
GUEST(bt_wide, 32, "mov word ptr [ebx], 1\n nop\n hlt");

static struct machine *m;

static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
}
#define START(cpl, name) start(cpl, name##_begin, name##_end)

/* Breakpoint i at addr: kind 0 (execute), WR, IO, RW; len 0, 1, 3 as in DR7 (1, 2, 4 bytes). */
static void bp(unsigned i, u32 addr, u32 kind, u32 len)
{
    m->cpu->dr[i] = addr;
    m->cpu->dr[7] |= 0x400 | BIT(2 * i) | kind << (16 + 4 * i) | len << (18 + 4 * i);
    debug_update(m->cpu);
}

static void step_on(void)
{
    m->cpu->eflags |= FL_TF;
    cpu_update_mode(m->cpu);
}

/* It stopped in the #DB handler with EIP `eip` in its frame and `bits` in DR6. */
#define expect_db(eip, bits)                                                                       \
    do {                                                                                           \
        ck_assert_int_eq(machine_vector(m), EXC_DB);                                               \
        ck_assert_uint_eq(machine_frame(m, 0), (u32)(eip));                                        \
        ck_assert_uint_eq(m->cpu->dr[6] & 0xe00f, (u32)(bits));                                    \
    } while (0)

/* MOV SS and POP SS hold off the instruction breakpoint of the next instruction and the single step
 * behind themselves (6.8.3). */
START_TEST(behind_mov_ss)
{
    m = machine_new("max", _i);
    START(0, ss_nop);
    m->cpu->gpr[REG_AX] = SEL_DATA0;
    bp(0, AT_CODE + 2, 0, 0);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    START(0, ss_nop); /* but not of the one behind it */
    m->cpu->gpr[REG_AX] = SEL_DATA0;
    bp(0, AT_CODE + 3, 0, 0);
    machine_run(m, 10);
    expect_db(AT_CODE + 3, 1);
    START(0, ss_pop_nop);
    m->cpu->gpr[REG_SP] -= 4;
    machine_st32(m, AT_STACK0 - 4, SEL_DATA0);
    bp(0, AT_CODE + 1, 0, 0);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    START(0, ss_pop_nop);
    m->cpu->gpr[REG_SP] -= 4;
    step_on();
    machine_run(m, 10);
    expect_db(AT_CODE + 2, DR6_BS);
    /* LSS has no shadow. */
    START(0, lss);
    machine_st32(m, AT_DATA, AT_STACK0 - 64);
    machine_st32(m, AT_DATA + 4, SEL_DATA0);
    m->cpu->gpr[REG_BX] = AT_DATA;
    step_on();
    machine_run(m, 10);
    expect_db(AT_CODE + 3, DR6_BS);
    /* A data breakpoint met by MOV SS is reported behind the next instruction; when that is INT n,
     * in front of the first instruction of its handler. */
    START(0, ss_mem_int);
    machine_st32(m, AT_DATA, SEL_DATA0);
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_idt_gate(m, 0x40, SEL_CODE0, HANDLER, INT32);
    machine_code(m, HANDLER, nops);
    bp(1, AT_DATA, RW, 1);
    machine_run(m, 10);
    expect_db(HANDLER, 2);
    ck_assert_uint_eq(machine_frame(m, 3), AT_CODE + 4);
    machine_free(m);
}
END_TEST

/* RF in the pushed flags: 1 for faults and in the middle of REP, 0 for traps and instruction
 * breakpoints (17.3.1.1). */
START_TEST(resume_flag)
{
    m = machine_new("max", _i);
    START(0, nops);
    bp(0, AT_CODE + 1, 0, 0);
    machine_run(m, 10);
    expect_db(AT_CODE + 1, 1);
    ck_assert_uint_eq(machine_frame(m, 2) & FL_RF, 0);
    /* A handler that sets RF goes on; one that does not would come back for ever. */
    START(0, nops);
    machine_idt_gate(m, EXC_DB, SEL_CODE0, HANDLER, INT32);
    machine_code(m, HANDLER, skip_handler);
    bp(0, AT_CODE + 1, 0, 0);
    machine_run(m, 50);
    ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 4);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI], 1);
    START(0, nops);
    machine_idt_gate(m, EXC_DB, SEL_CODE0, HANDLER, INT32);
    machine_code(m, HANDLER, step_handler);
    bp(0, AT_CODE + 1, 0, 0);
    machine_run(m, 50);
    ck_assert_uint_gt(m->cpu->gpr[REG_DI], 5);
    /* REP: RF is set in whatever interrupts it, and not behind its last iteration. */
    START(0, rep_movs);
    m->cpu->gpr[REG_CX] = 2;
    m->cpu->gpr[REG_SI] = m->cpu->gpr[REG_DI] = AT_DATA;
    step_on();
    machine_run(m, 10);
    expect_db(AT_CODE, DR6_BS);
    ck_assert_uint_eq(machine_frame(m, 2) & FL_RF, FL_RF);
    START(0, rep_movs);
    m->cpu->gpr[REG_CX] = 1;
    m->cpu->gpr[REG_SI] = m->cpu->gpr[REG_DI] = AT_DATA;
    step_on();
    machine_run(m, 10);
    expect_db(AT_CODE + 2, DR6_BS);
    ck_assert_uint_eq(machine_frame(m, 2) & FL_RF, 0);
    /* A breakpoint on a REP instruction hits once, not once for every restart. */
    START(0, rep_stos);
    machine_idt_gate(m, EXC_DB, SEL_CODE0, HANDLER, INT32);
    machine_code(m, HANDLER, skip_handler);
    m->cpu->gpr[REG_CX] = 5000;
    m->cpu->gpr[REG_DI] = AT_DATA;
    bp(0, AT_CODE, 0, 0);
    machine_run(m, 100);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI], AT_DATA + 20000 + 1);
    ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 4);
    ck_assert_uint_eq(m->cpu->eflags & FL_RF, 0);
    machine_free(m);
}
END_TEST

/* The frames that the processor writes are writes. */
START_TEST(own_frames)
{
    m = machine_new("max", _i);
    START(0, int40);
    machine_idt_gate(m, 0x40, SEL_CODE0, HANDLER, INT32);
    machine_code(m, HANDLER, nops);
    bp(0, AT_STACK0 - 8, WR, 3); /* CS of the frame */
    machine_run(m, 10);
    expect_db(HANDLER, 1);
    ck_assert_uint_eq(machine_frame(m, 3), AT_CODE + 2);
    START(0, call_far);
    machine_code(m, HANDLER, nops);
    bp(0, AT_STACK0 - 8, WR, 3);
    machine_run(m, 10);
    expect_db(HANDLER, 1);
    START(0, iret); /* a read; the debug trap from level 3 has its frame elsewhere */
    machine_st32(m, AT_TSS + 4, AT_STACK0 + 0x1000);
    m->cpu->gpr[REG_SP] -= 20;
    machine_st32(m, AT_STACK0 - 20, HANDLER);
    machine_st32(m, AT_STACK0 - 16, SEL_CODE3);
    machine_st32(m, AT_STACK0 - 12, 2);
    machine_st32(m, AT_STACK0 - 8, AT_STACK3);
    machine_st32(m, AT_STACK0 - 4, SEL_DATA3);
    machine_code(m, HANDLER, nops);
    bp(2, AT_STACK0 - 20, RW, 0);
    machine_run(m, 10);
    expect_db(HANDLER, 4);
    /* A hardware interrupt: in front of the handler's first instruction. */
    START(0, nops);
    machine_idt_gate(m, 0x40, SEL_CODE0, HANDLER, INT32);
    machine_code(m, HANDLER, nops);
    bp(0, AT_STACK0 - 12, WR, 3);
    m->cpu->eflags |= FL_IF;
    m->vector = 0x40;
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 10);
    expect_db(HANDLER, 1);
    /* From level 3: the inner stack. */
    START(3, int40);
    machine_idt_gate(m, 0x40, SEL_CODE0, HANDLER, INT32 | DA_DPL);
    machine_code(m, HANDLER, nops);
    bp(3, AT_STACK0 - 20, WR, 3);
    machine_run(m, 10);
    expect_db(HANDLER, 8);
    START(0, push);
    bp(3, AT_STACK0 - 4, WR, 3);
    machine_run(m, 10);
    expect_db(AT_CODE + 1, 8);
    /* A breakpoint on the frame of the debug exception itself meets every delivery: the machine
     * makes no progress but stays alive and uses up its budget. */
    START(0, push);
    bp(3, AT_STACK0 - 8, WR, 3);
    m->cpu->gpr[REG_SP] = AT_STACK0;
    machine_idt_gate(m, EXC_DB, SEL_CODE0, HANDLER, INT32);
    machine_code(m, HANDLER, nops);
    bp(2, AT_STACK0 - 4, WR, 3);
    machine_run(m, 100);
    machine_free(m);
}
END_TEST

START_TEST(what_counts)
{
    m = machine_new("max", _i);
    /* Two hits by one instruction come together; the next instruction's come apart. */
    START(0, store_two);
    m->cpu->gpr[REG_BX] = m->cpu->gpr[REG_SI] = AT_DATA;
    bp(0, AT_DATA, WR, 3);
    bp(1, AT_DATA + 2, RW, 1);
    machine_run(m, 10);
    expect_db(AT_CODE + 2, 3);
    /* A disabled register that matches does not trap. */
    START(0, store_two);
    m->cpu->gpr[REG_BX] = m->cpu->gpr[REG_SI] = AT_DATA;
    bp(0, AT_DATA, WR, 3);
    m->cpu->dr[7] &= ~(u64)3;
    debug_update(m->cpu);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    /* Lengths mask the low address bits. */
    START(0, store_two);
    m->cpu->gpr[REG_BX] = AT_DATA;
    m->cpu->gpr[REG_SI] = AT_DATA + 0x100;
    bp(0, AT_DATA + 3, WR, 3);
    machine_run(m, 10);
    expect_db(AT_CODE + 2, 1);
    START(0, bt_wide);
    m->cpu->gpr[REG_BX] = AT_DATA + 1;
    bp(0, AT_DATA + 2, WR, 0);
    machine_run(m, 10);
    expect_db(AT_CODE + 5, 1);
    /* A fault takes the place of a data breakpoint met on the way: none is reported. */
    START(0, load_absent);
    machine_paging(m);
    machine_page(m, AT_DATA, 0);
    m->cpu->gpr[REG_BX] = AT_DATA;
    bp(0, AT_DATA, RW, 3);
    m->cpu->dr[6] = 0xffff0ff0;
    machine_run(m, 10);
    expect_error(m, EXC_PF, 0u);
    ck_assert_uint_eq(m->cpu->dr[6], 0xffff0ff0);
    /* BS joins a breakpoint's bits; DR6's own are never cleared but by software. */
    START(0, store_two);
    m->cpu->gpr[REG_BX] = m->cpu->gpr[REG_SI] = AT_DATA;
    bp(0, AT_DATA, WR, 3);
    m->cpu->dr[6] |= DR6_BT;
    step_on();
    machine_run(m, 10);
    expect_db(AT_CODE + 2, DR6_BT | DR6_BS | 1);
    machine_free(m);
}
END_TEST

START_TEST(registers)
{
    m = machine_new("max", _i);
    START(0, write_dr7);
    m->cpu->gpr[REG_AX] = 0xffffd800 & ~(u32)DR7_GD;
    m->cpu->gpr[REG_BX] = 0;
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], 0xffff0400);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_BX], 0xffff0ff0);
    /* GD: every #DB clears it, so the handler itself may look; it is a fault. */
    START(0, read_twice);
    machine_idt_gate(m, EXC_DB, SEL_CODE0, HANDLER, INT32);
    machine_code(m, HANDLER, iret);
    m->cpu->dr[0] = 0x1234;
    m->cpu->dr[7] |= DR7_GD;
    debug_update(m->cpu);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 7);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], 0x1234);
    ck_assert(m->cpu->dr[6] & DR6_BD);
    ck_assert(!(m->cpu->dr[7] & DR7_GD));
    START(0, nops); /* single step clears it, too */
    m->cpu->dr[7] |= DR7_GD;
    step_on();
    machine_run(m, 10);
    expect_db(AT_CODE + 1, DR6_BS);
    ck_assert(!(m->cpu->dr[7] & DR7_GD));
    START(0, nops); /* and an instruction breakpoint */
    m->cpu->dr[7] |= DR7_GD;
    bp(0, AT_CODE, 0, 0);
    machine_run(m, 10);
    expect_db(AT_CODE, 1);
    ck_assert(!(m->cpu->dr[7] & DR7_GD));
    START(0, int1); /* INT1 sets no bit */
    machine_run(m, 10);
    expect_db(AT_CODE + 1, 0);
    machine_free(m);
}
END_TEST

START_TEST(ports)
{
    m = machine_new("max", _i);
    START(0, in_dx);
    m->cpu->gpr[REG_DX] = 0x71;
    m->cpu->cr4 |= CR4_DE;
    bp(0, 0x72, IO, 0); /* the second byte of the access */
    machine_run(m, 10);
    expect_db(AT_CODE + 2, 1);
    START(0, in_dx);
    m->cpu->gpr[REG_DX] = 0x70;
    m->cpu->cr4 |= CR4_DE;
    bp(0, 0x72, IO, 1);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    START(0, in_dx); /* without DE the kind means nothing */
    m->cpu->gpr[REG_DX] = 0x72;
    bp(0, 0x72, IO, 0);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    START(0, outs); /* behind the iteration that hit it */
    m->cpu->gpr[REG_DX] = 0x72;
    m->cpu->gpr[REG_CX] = 9;
    m->cpu->gpr[REG_SI] = AT_DATA;
    m->cpu->cr4 |= CR4_DE;
    bp(0, 0x72, IO, 0);
    machine_run(m, 10);
    expect_db(AT_CODE, 1);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 8);
    machine_free(m);
}
END_TEST

START_TEST(single_step)
{
    m = machine_new("max", _i);
    START(0, popf_tf); /* POPF clearing TF still traps behind itself */
    m->cpu->gpr[REG_SP] -= 4;
    machine_st32(m, AT_STACK0 - 4, 2);
    step_on();
    machine_run(m, 10);
    expect_db(AT_CODE + 1, DR6_BS);
    START(0, tf_hlt); /* the trap ends HLT */
    step_on();
    machine_run(m, 10);
    expect_db(AT_CODE + 1, DR6_BS);
    START(0, tf_div); /* a fault: no trap of the instruction; TF is in its frame */
    m->cpu->gpr[REG_CX] = 0;
    step_on();
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DE);
    ck_assert_uint_eq(machine_frame(m, 2) & FL_TF, FL_TF);
    START(0, tf_jmp);
    step_on();
    machine_run(m, 10);
    expect_db(AT_CODE + 3, DR6_BS);
    /* IRET that sets TF: the trap is behind the instruction it returns to. */
    START(0, iret);
    m->cpu->gpr[REG_SP] -= 12;
    machine_st32(m, AT_STACK0 - 12, HANDLER);
    machine_st32(m, AT_STACK0 - 8, SEL_CODE0);
    machine_st32(m, AT_STACK0 - 4, 0x102);
    machine_code(m, HANDLER, nops);
    machine_run(m, 10);
    expect_db(HANDLER + 1, DR6_BS);
    /* The debug trap comes before an interrupt that is pending at the same boundary. */
    START(0, nops);
    step_on();
    m->cpu->eflags |= FL_IF;
    machine_idt_gate(m, EXC_DB, SEL_CODE0, HANDLER, DA_P | SYS_TRAP32 << 8);
    machine_code(m, HANDLER, halt);
    m->vector = 0x40;
    cpu_update_mode(m->cpu);
    machine_run(m, 0);
    cpu_nmi(m->cpu);
    m->cpu->nmi_blocked = true;
    machine_run(m, 1);
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), 0x40);
    ck_assert_uint_eq(machine_frame(m, 0), HANDLER); /* interrupted in front of the handler */
    machine_free(m);
}
END_TEST

SUITE_MAIN("dr", behind_mov_ss, resume_flag, own_frames, what_counts, registers, ports, single_step)

#else
int main(void)
{
    puts("dr: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
