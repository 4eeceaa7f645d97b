/* Stop points on ports, vectors, modes and MSRs, and what a debugger's single step holds off. */
#include "cpu/jit/jit.h"
#include "tests/insn/suite.h"
#include "tests/insn/stops.h"

#if GUEST_CODE

enum { INT32 = DA_P | SYS_INT32 << 8 };

static struct machine *m;

GUEST(ports, 32, "1: in al, 0x60\n out 0x61, ax\n mov edx, 0x3f8\n out dx, al\n loop 1b\n hlt");
GUEST(insb_rep, 32, "rep insb\n nop\n hlt");
GUEST(int40, 32, "1: int 0x40\n loop 1b\n hlt");
GUEST(back, 32, "iretd");
GUEST(ud, 32, "nop\n ud2\n nop\n hlt");
GUEST(bp, 32, "int3\n nop\n hlt");
GUEST(msrs, 32, "mov ecx, 0x174\n rdmsr\n wrmsr\n mov ecx, 0x175\n rdmsr\n hlt");
GUEST(sysenter32, 32, "sysenter");
GUEST(spin, 32, "sti\n nop\n 1: inc eax\n jmp 1b");
/* From real mode to protected mode with paging. */
GUEST(to_paging, 16,
      "mov eax, cr0\n or al, 1\n mov cr0, eax\n mov ebx, 0x100000\n mov cr3, ebx\n"
      "or eax, 0x80000000\n mov cr0, eax\n nop\n hlt");

static void start(const u8 *begin, const u8 *end)
{
    machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    machine_idt_gate(m, 0x40, SEL_CODE0, 0x12000, INT32);
    machine_code(m, 0x12000, back);
}
#define START(name) start(name##_begin, name##_end)

static void expect(u32 eip, enum stop_kind kind, u64 addr)
{
    ck_assert_int_eq(machine_run(m, 10000), CPU_EXIT_DEBUG);
    ck_assert_uint_eq(m->cpu->rip, eip);
    ck_assert_int_eq(stop_last(m->cpu)->stop.kind, kind);
    ck_assert_uint_eq(stop_last(m->cpu)->addr, addr);
}

START_TEST(port)
{
    m = machine_new("max", _i);
    for (u32 round = 0; round < 3; round++) {
        START(ports);
        m->cpu->gpr[REG_CX] = 50;
        if (round == 1)
            ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_BUDGET);
        stop_put(m, STOP_IO, 0x3f8, 8);
        if (round == 2)
            stop_put(m, STOP_IO, 0x60, 1);
        for (u32 i = round == 1 ? 20 : 0; i < 50; i++) {
            if (round == 2) {
                expect(AT_CODE + 2, STOP_IO, 0x60);
                ck_assert(!stop_last(m->cpu)->write);
            }
            expect(AT_CODE + 11, STOP_IO, 0x3f8);
            ck_assert(stop_last(m->cpu)->write);
            ck_assert_uint_eq(m->cpu->gpr[REG_CX], 50 - i);
        }
        ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_HALT);
        stop_drop(m, STOP_IO, 0x60, 1);
        stop_drop(m, STOP_IO, 0x3f8, 8);
    }
    /* A wide access reaches ports behind its own. */
    START(ports);
    m->cpu->gpr[REG_CX] = 1;
    stop_put(m, STOP_IO, 0x62, 1);
    expect(AT_CODE + 5, STOP_IO, 0x62);
    stop_drop(m, STOP_IO, 0x62, 1);
    machine_free(m);
}
END_TEST

START_TEST(port_string)
{
    u64 plain = 0;
    m = machine_new("max", _i);
    for (u32 watched = 0; watched < 2; watched++) {
        u64 count;
        START(insb_rep);
        m->cpu->gpr[REG_CX] = 20;
        m->cpu->gpr[REG_DI] = AT_DATA;
        m->cpu->gpr[REG_DX] = 0x77;
        count = cpu_icount(m->cpu);
        if (watched) {
            stop_put(m, STOP_IO, 0x77, 1);
            for (u32 i = 1; i <= 20; i++) {
                expect(AT_CODE + (i == 20 ? 2 : 0), STOP_IO, 0x77);
                ck_assert_uint_eq(m->cpu->gpr[REG_CX], 20 - i);
            }
        }
        ck_assert_int_eq(machine_run(m, 1000), CPU_EXIT_HALT);
        if (watched)
            ck_assert_uint_eq(cpu_icount(m->cpu) - count, plain);
        plain = cpu_icount(m->cpu) - count;
    }
    machine_free(m);
}
END_TEST

START_TEST(interrupt)
{
    m = machine_new("max", _i);
    START(int40);
    m->cpu->gpr[REG_CX] = 30;
    ck_assert_int_eq(machine_run(m, 30), CPU_EXIT_BUDGET);
    stop_put(m, STOP_INTR, 0x40, 0);
    for (u32 i = 0; i < 20; i++) {
        expect(0x12000, STOP_INTR, 0x40);
        ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 2);
        ck_assert_uint_eq(stop_last(m->cpu)->at, AT_CODE);
    }
    ck_assert_int_eq(machine_run(m, 1000), CPU_EXIT_HALT);
    /* One of hardware: in front of its handler's first instruction, too. */
    START(spin);
    m->vector = 0x40;
    cpu_set_intr(m->cpu, 1);
    expect(0x12000, STOP_INTR, 0x40);
    machine_free(m);
}
END_TEST

START_TEST(exception)
{
    m = machine_new("max", _i);
    START(ud);
    stop_put(m, STOP_EXC, EXC_UD, 0);
    stop_put(m, STOP_INTR, EXC_UD, 0); /* it is no interrupt */
    expect(AT_HANDLERS + 16 * EXC_UD, STOP_EXC, EXC_UD);
    ck_assert_uint_eq(stop_last(m->cpu)->at, AT_CODE + 1);
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_HALT);
    START(bp);
    stop_put(m, STOP_EXC, EXC_BP, 0);
    expect(AT_HANDLERS + 16 * EXC_BP, STOP_EXC, EXC_BP);
    /* Nobody can handle it: the state is that in front of the instruction, once. */
    START(ud);
    m->cpu->idt.limit = 0;
    expect(AT_CODE + 1, STOP_EXC, EXC_UD);
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_SHUTDOWN);
    machine_free(m);
}
END_TEST

START_TEST(msr)
{
    m = machine_new("max", _i);
    START(msrs);
    stop_put(m, STOP_MSR, 0x174, 0);
    expect(AT_CODE + 7, STOP_MSR, 0x174);
    ck_assert(!stop_last(m->cpu)->write);
    expect(AT_CODE + 9, STOP_MSR, 0x174);
    ck_assert(stop_last(m->cpu)->write);
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_HALT);
    machine_free(m);
}
END_TEST

START_TEST(mode)
{
    u32 at;
    m = machine_new("max", _i);
    machine_protected(m, 0, AT_CODE);
    machine_paging(m); /* tables at AT_PAGES */
    machine_real(m, 0x7000);
    ck_assert_uint_eq(AT_PAGES, 0x100000);
    machine_code(m, 0x7000, to_paging);
    stop_put(m, STOP_MODE, STOP_MODE_PE | STOP_MODE_PG, 0);
    at = 0x7000 + 3 + 2 + 3;
    expect(at, STOP_MODE, STOP_MODE_PE);
    expect(at + 6 + 3 + 6 + 3 - 2 + 2, STOP_MODE, STOP_MODE_PG);
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_HALT);
    stop_clear(m->cpu, STOP_OF_MONITOR);
    /* To level 0 by SYSENTER. */
    machine_protected(m, 3, AT_CODE);
    machine_code(m, AT_CODE, sysenter32);
    m->cpu->sysenter_cs = SEL_CODE0;
    m->cpu->sysenter_eip = 0x12000;
    stop_put(m, STOP_MODE, STOP_MODE_CPL, 0);
    expect(0x12000, STOP_MODE, STOP_MODE_CPL);
    machine_free(m);
}
END_TEST

/* A debugger's step: what waits is delivered when it is over. */
START_TEST(quiet)
{
    m = machine_new("max", _i);
    START(spin);
    m->vector = 0x40;
    cpu_set_intr(m->cpu, 1);
    m->cpu->quiet = true;
    for (u32 i = 0; i < 5; i++)
        cpu_run(m->cpu, ENGINE_EXEC, 1);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE + 3);
    ck_assert(m->cpu->intr);
    m->cpu->quiet = false;
    cpu_run(m->cpu, m->engine, 1);
    ck_assert_uint_eq(m->cpu->intr, 0);
    machine_free(m);
}
END_TEST

SUITE_MAIN("stop points on events", port, port_string, interrupt, exception, msr, mode, quiet)
#else
int main(void)
{
    return 0;
}
#endif
