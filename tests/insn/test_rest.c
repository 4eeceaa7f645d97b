/* System instructions without a home of their own: caches, counters, MONITOR, ports, PAUSE (SDM
 * vol. 2). */
#include "tests/insn/suite.h"

#if GUEST_CODE

GUEST(wbinvd, 32, "wbinvd\n hlt");
GUEST(invd, 32, "invd\n hlt");
GUEST(rdpmc, 32, "rdpmc\n hlt");
GUEST(rdtscp, 32, "rdtscp\n hlt");
GUEST(monitor, 32, "monitor\n hlt");
GUEST(mwait, 32, "mwait\n hlt");
GUEST(pause_, 32, "pause\n hlt");
GUEST(in_out, 32, "in al, dx\n out dx, al\n in eax, 0x60\n out 0x62, ax\n hlt");
GUEST(sldt, 32, "sldt eax\n str ecx\n hlt");

static struct machine *m;

static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
}
#define START(cpl, name) start(cpl, name##_begin, name##_end)

/* WBINVD and INVD: nothing that a program sees, and for level 0 only. */
START_TEST(caches)
{
    m = machine_new("max", _i);
    machine_st32(m, AT_DATA, 0x1234);
    START(0, wbinvd);
    machine_run(m, 5);
    ck_assert_int_eq(machine_vector(m), -1);
    START(0, invd);
    machine_run(m, 5);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA), 0x1234);
    START(3, wbinvd);
    machine_run(m, 5);
    expect_error(m, EXC_GP, 0u);
    START(3, invd);
    machine_run(m, 5);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

/* RDPMC: counters 0 and 1 exist; CR4.PCE lets programs read them. RDTSCP gives TSC_AUX in ECX. */
START_TEST(counters)
{
    m = machine_new("max", _i);
    START(0, rdpmc);
    m->cpu->gpr[REG_AX] = m->cpu->gpr[REG_DX] = 7;
    m->cpu->gpr[REG_CX] = 1;
    machine_run(m, 5);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq(m->cpu->gpr[REG_AX] | m->cpu->gpr[REG_DX], 0);
    START(0, rdpmc);
    m->cpu->gpr[REG_CX] = 2;
    machine_run(m, 5);
    expect_error(m, EXC_GP, 0u);
    START(3, rdpmc);
    m->cpu->gpr[REG_CX] = 0;
    machine_run(m, 5);
    expect_error(m, EXC_GP, 0u);
    START(0, rdtscp);
    m->cpu->tsc_aux = 0x55;
    machine_run(m, 5);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq(m->cpu->gpr[REG_CX], 0x55);
    START(3, rdtscp);
    m->cpu->cr4 |= CR4_TSD;
    machine_run(m, 5);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

/* MONITOR reads its byte, MWAIT halts while interrupts are on; outside of level 0 they do not
 * exist. */
START_TEST(waiting)
{
    m = machine_new("max", _i);
    START(0, monitor);
    m->cpu->gpr[REG_AX] = AT_DATA;
    m->cpu->gpr[REG_CX] = m->cpu->gpr[REG_DX] = 0;
    machine_run(m, 5);
    ck_assert_int_eq(machine_vector(m), -1);
    START(0, monitor); /* extensions that are none */
    m->cpu->gpr[REG_CX] = 1;
    machine_run(m, 5);
    expect_error(m, EXC_GP, 0u);
    START(0, mwait);
    m->cpu->gpr[REG_CX] = 0;
    cpu_set_eflags(m->cpu, FL_IF);
    ck_assert_int_eq(machine_run(m, 5), CPU_EXIT_HALT);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE + 3);
    START(3, monitor);
    machine_run(m, 5);
    ck_assert_int_eq(machine_vector(m), EXC_UD);
    START(3, mwait);
    machine_run(m, 5);
    ck_assert_int_eq(machine_vector(m), EXC_UD);
    START(3, pause_);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE + 2);
    machine_free(m);
}
END_TEST

START_TEST(ports)
{
    m = machine_new("max", _i);
    START(0, in_out);
    m->cpu->gpr[REG_DX] = 0x70;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq(m->io_reads, 2);
    ck_assert_uint_eq(m->io_writes, 2);
    ck_assert_uint_eq(m->io_port, 0x62);
    ck_assert_uint_eq(m->io_last, m->cpu->gpr[REG_AX] & 0xffff);
    START(3, in_out); /* no bitmap: not for level 3 */
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

/* SLDT and STR into registers are zero-extended. */
START_TEST(selectors)
{
    m = machine_new("max", _i);
    START(0, sldt);
    m->cpu->gpr[REG_AX] = m->cpu->gpr[REG_CX] = ~0u;
    machine_run(m, 5);
    ck_assert_uint_eq(m->cpu->gpr[REG_AX], m->cpu->ldt.sel);
    ck_assert_uint_eq(m->cpu->gpr[REG_CX], SEL_TSS);
    machine_free(m);
}
END_TEST

SUITE_MAIN("rest", caches, counters, waiting, ports, selectors)

#else
int main(void)
{
    puts("rest: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
