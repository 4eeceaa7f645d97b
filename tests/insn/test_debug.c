/* Single step, breakpoint registers, interrupt shadows, and system management mode (SDM vol. 3
 * chapters 17 and 34). */
#include "cpu/sys/debug.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { INT32 = DA_P | SYS_INT32 << 8 };

GUEST(nops, 32, "nop\n nop\n nop\n hlt");
GUEST(popf_step, 32, "pushfd\n or dword ptr [esp], 0x100\n popfd\n nop\n nop\n hlt");
GUEST(mov_ss, 32, "mov ss, eax\n mov esp, ebx\n nop\n hlt");
GUEST(mov_ss_int, 32, "sti\n mov ss, eax\n mov esp, ebx\n nop\n hlt");
GUEST(store, 32, "mov [ebx], ecx\n nop\n hlt");
GUEST(loadr, 32, "mov ecx, [ebx]\n nop\n hlt");
GUEST(rep_movs, 32, "rep movsb\n nop\n hlt");
GUEST(int40, 32, "int 0x40\n hlt");
GUEST(handler_iret, 32, "iretd");
GUEST(out_port, 32, "out 0x60, al\n nop\n hlt");
GUEST(read_dr, 32, "mov eax, dr3\n hlt");
GUEST(read_dr4, 32, "mov eax, dr4\n hlt");
GUEST(smm_code, 16, "mov dword ptr [0x9000], 0x600d600d\n mov ax, cs\n mov [0x9004], ax\n rsm");
GUEST(smm_move, 16, "mov dword ptr cs:[0xfef8], 0xa0000\n rsm");
GUEST(rsm, 32, "rsm");
GUEST(spin, 32, "inc ecx\n nop\n nop\n hlt");

static struct machine *m;

static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
}
#define START(cpl, name) start(cpl, name##_begin, name##_end)

static void set_dr7(u32 v)
{
    m->cpu->dr[7] = v | 0x400;
    debug_update(m->cpu);
}

START_TEST(single_step)
{
    m = machine_new("max", _i);
    START(0, nops);
    m->cpu->eflags |= FL_TF;
    cpu_update_mode(m->cpu);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 1);
    ck_assert_uint_eq(m->cpu->dr[6], 0xffff0ff0 | DR6_BS);
    ck_assert(machine_frame(m, 2) & FL_TF);
    ck_assert(!(m->cpu->eflags & FL_TF));
    /* POPF that sets TF: the trap comes behind the next instruction. */
    START(0, popf_step);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 10);
    /* No trap behind MOV SS. */
    START(0, mov_ss);
    m->cpu->gpr[REG_AX] = SEL_DATA0;
    m->cpu->gpr[REG_BX] = AT_STACK0;
    m->cpu->eflags |= FL_TF;
    cpu_update_mode(m->cpu);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 4);
    /* REP: a trap after every element. */
    START(0, rep_movs);
    m->cpu->gpr[REG_CX] = 5;
    m->cpu->gpr[REG_SI] = AT_DATA;
    m->cpu->gpr[REG_DI] = AT_DATA + 0x100;
    m->cpu->eflags |= FL_TF;
    cpu_update_mode(m->cpu);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 4);
    /* INT n leaves no trap in the handler; the one behind its IRET is that of the instruction it
     * returns to. */
    START(0, int40);
    machine_idt_gate(m, 0x40, SEL_CODE0, 0x12000, INT32);
    machine_code(m, 0x12000, handler_iret);
    machine_load(m, AT_CODE + 2, "\x90\x90\xf4", 3);
    m->cpu->eflags |= FL_TF;
    cpu_update_mode(m->cpu);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 3);
    machine_free(m);
}
END_TEST

START_TEST(shadow)
{
    m = machine_new("max", _i);
    START(0, mov_ss_int);
    m->cpu->gpr[REG_AX] = SEL_DATA0;
    m->cpu->gpr[REG_BX] = AT_STACK0 - 0x100;
    m->vector = 0x40;
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), 0x40);
    /* STI covers MOV SS, which covers the MOV ESP. */
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 5);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SP], AT_STACK0 - 0x100 - 12);
    machine_free(m);
}
END_TEST

START_TEST(code_breakpoint)
{
    m = machine_new("max", _i);
    START(0, nops);
    m->cpu->dr[1] = AT_CODE + 1;
    set_dr7(0x8);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 1);
    ck_assert_uint_eq(m->cpu->dr[6] & 0xf, 2);
    /* RF on return lets the instruction through once. */
    START(0, nops);
    m->cpu->dr[1] = AT_CODE;
    set_dr7(0x8);
    m->cpu->eflags |= FL_RF;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq(m->cpu->eflags & FL_RF, 0);
    machine_free(m);
}
END_TEST

START_TEST(data_breakpoint)
{
    m = machine_new("max", _i);
    START(0, store);
    m->cpu->dr[0] = AT_DATA;
    set_dr7(0x1 | 0xd0000); /* write, 4 bytes */
    m->cpu->gpr[REG_BX] = AT_DATA + 3;
    m->cpu->gpr[REG_CX] = 0x55;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 2); /* a trap: the store is done */
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 3), 0x55);
    ck_assert_uint_eq(m->cpu->dr[6] & 0xf, 1);
    START(0, store);
    m->cpu->dr[0] = AT_DATA;
    set_dr7(0x1 | 0xd0000);
    m->cpu->gpr[REG_BX] = AT_DATA + 4;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    START(0, loadr); /* reads do not hit a write breakpoint */
    m->cpu->dr[0] = AT_DATA;
    set_dr7(0x1 | 0xd0000);
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    START(0, loadr);
    m->cpu->dr[0] = AT_DATA;
    set_dr7(0x1 | 0xf0000);
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    /* In the middle of a REP. */
    START(0, rep_movs);
    m->cpu->dr[2] = AT_DATA + 0x102;
    set_dr7(0x10 | 0x1000000);
    m->cpu->gpr[REG_CX] = 8;
    m->cpu->gpr[REG_SI] = AT_DATA;
    m->cpu->gpr[REG_DI] = AT_DATA + 0x100;
    machine_run(m, 50);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 5);
    /* Ports, with CR4.DE. */
    START(0, out_port);
    m->cpu->cr4 |= CR4_DE;
    m->cpu->dr[3] = 0x60;
    set_dr7(0x40 | 0x20000000);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 2);
    machine_free(m);
}
END_TEST

START_TEST(general_detect)
{
    m = machine_new("max", _i);
    START(0, read_dr);
    set_dr7(DR7_GD);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE);
    ck_assert(m->cpu->dr[6] & DR6_BD);
    ck_assert(!(m->cpu->dr[7] & DR7_GD));
    START(3, read_dr);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, read_dr4);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], 0xffff0ff0);
    START(0, read_dr4);
    m->cpu->cr4 |= CR4_DE;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_UD);
    machine_free(m);
}
END_TEST

START_TEST(smm)
{
    m = machine_new("qemu32", _i); /* no long mode: the 32-bit map */
    START(3, spin);
    machine_code(m, 0x38000, smm_code);
    m->cpu->gpr[REG_CX] = 41;
    cpu_smi(m->cpu);
    machine_run(m, 3);
    ck_assert(m->cpu->in_smm);
    ck_assert_uint_eq(machine_ld32(m, 0x9000), 0x600d600d);
    machine_run(m, 1);
    ck_assert(!m->cpu->in_smm);
    ck_assert_uint_eq(machine_ld16(m, 0x9004), 0x3000);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 41);
    ck_assert_uint_eq(m->cpu->cpl, 3);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].sel, SEL_CODE3);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].end_w, BIT64(32));
    /* The map, as firmware reads it. */
    ck_assert_uint_eq(machine_ld32(m, 0x3fff0), AT_CODE);
    ck_assert_uint_eq(machine_ld32(m, 0x3ffd4), 41);
    ck_assert_uint_eq(machine_ld32(m, 0x3fef8), 0x30000);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u); /* the HLT at level 3 */
    START(0, spin);              /* SMBASE moves */
    machine_code(m, 0x38000, smm_move);
    cpu_smi(m->cpu);
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->smbase, 0xa0000);
    START(0, rsm); /* outside SMM */
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_UD);
    machine_free(m);
}
END_TEST

SUITE_MAIN("debug", single_step, shadow, code_breakpoint, data_breakpoint, general_detect, smm)

#else
int main(void)
{
    puts("debug: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
