/* What ends a processor's work: double and triple faults and their table, NMI and its blocking,
 * INIT and reset (SDM vol. 3 sections 6.7, 6.15 "#DF", 9.1, table 6-5, table 9-1). */
#include "cpu/sys/ctrl.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { INT32 = DA_P | SYS_INT32 << 8, HANDLER = 0x12000 };

GUEST(fault, 32, "mov eax, [ebx]\n hlt");
GUEST(bad_seg, 32, "mov ds, ecx\n hlt");
GUEST(divide, 32, "div edx\n hlt");
GUEST(ud2, 32, "ud2\n hlt");
GUEST(int_n, 32, "int 0x40\n hlt");
GUEST(nops, 32, "nop\n nop\n nop\n nop\n hlt");
GUEST(iretd, 32, "inc edi\n iretd");
GUEST(count_nmi, 32, "inc edi\n nop\n nop\n iretd");
GUEST(nmi_faults, 32, "inc edi\n int 0x41\n nop\n nop\n iretd");
GUEST(iret_only, 32, "iretd");
GUEST(halt, 32, "hlt");
GUEST(boot, 16, "mov ax, 0x1234\n hlt");
GUEST(load_idt, 32, "lidt [ebx]\n int3\n hlt");
GUEST(real_tf, 16, "lidt [0x600]\n int3\n hlt");

static struct machine *m;
#define REG(r) ((u32)m->cpu->gpr[REG_##r])

static void start(const u8 *begin, const u8 *end)
{
    machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    for (unsigned i = 0; i < 8; i++)
        if (i != REG_SP)
            m->cpu->gpr[i] = 0;
}
#define START(name) start(name##_begin, name##_end)

/* Table 6-5: the second exception while delivering the first. A gate that is no gate makes #GP, one
 * that is not present #NP, one with a null selector #GP, an IDT page that is absent #PF. */
START_TEST(double_fault_table)
{
    enum { GP_GATE, NP_GATE, PF_IDT, SECONDS };
    static const struct {
        int first;
        bool df[SECONDS]; /* double fault, or the second one alone */
    } c[] = {
        {EXC_DE, {true, true, false}}, /* contributory, then contributory, not a page fault */
        {EXC_GP, {true, true, false}},   {EXC_PF, {true, true, true}},
        {EXC_UD, {false, false, false}}, {0x40, {false, false, false}},
    };
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        for (unsigned k = 0; k < SECONDS; k++) {
            static const int second[] = {EXC_GP, EXC_NP, EXC_PF};
            unsigned v = (unsigned)c[i].first;
            u32 gates = 0x70000; /* an IDT of its own, with `v` on a page that can go away */
            int want;
            switch (v) {
            case EXC_DE: START(divide); break;
            case EXC_GP: START(bad_seg); break;
            case EXC_PF: START(fault); break;
            case EXC_UD: START(ud2); break;
            default: START(int_n); break;
            }
            m->cpu->gpr[REG_BX] = 0x3ff000;
            m->cpu->gpr[REG_CX] = 0x1008;
            machine_paging(m);
            machine_page(m, 0x3ff000, 0);
            if (k == GP_GATE)
                machine_idt_gate(m, v, SEL_CODE0, HANDLER, DA_P | SYS_LDT << 8);
            if (k == NP_GATE)
                machine_idt_gate(m, v, SEL_CODE0, HANDLER, INT32 & ~DA_P);
            if (k == PF_IDT) {
                u32 at = gates + 0x1000 - 8 * v - 4; /* its second half is on the next page */
                if (v == EXC_PF || v == 0x40)
                    at = gates + 0x1000 - 8 * v;
                memcpy(machine_mem(m, at), machine_mem(m, AT_IDT), 8 * v);
                machine_page(m, gates + 0x1000, 0);
                m->cpu->idt.base = at;
                if (v != EXC_PF && v != 0x40)
                    continue; /* the #PF gate itself lies behind: see below */
            }
            want = c[i].df[k] ? EXC_DF : second[k];
            if (k == PF_IDT && v == EXC_PF) { /* #DF lies in front of it */
                machine_run(m, 20);
                ck_assert_int_eq(machine_vector(m), EXC_DF);
                continue;
            }
            machine_run(m, 20);
            ck_assert_msg(machine_vector(m) == want, "case %zu/%u: %d", i, k, machine_vector(m));
            ck_assert_uint_eq(machine_frame(m, 1), AT_CODE);
            if (want == EXC_DF)
                ck_assert_uint_eq(machine_frame(m, 0), 0);
            else if (k != PF_IDT)
                ck_assert_uint_eq(machine_frame(m, 0), v * 8 + 2 + (v != 0x40));
        }
    machine_free(m);
}
END_TEST

START_TEST(triple_fault)
{
    m = machine_new("max", _i);
    START(load_idt); /* the classical reset: an empty IDT */
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_st32(m, AT_DATA, 0);
    machine_st32(m, AT_DATA + 4, 0);
    ck_assert_int_eq(machine_run(m, 20), CPU_EXIT_SHUTDOWN);
    ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 3);
    /* What the machine does then: reset. The processor starts as after power-on. */
    cpu_reset(m->cpu);
    ck_assert_uint_eq(m->cpu->cr0, 0x60000010);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].base + m->cpu->rip, 0xfffffff0u);
    ck_assert(!m->cpu->halted);
    machine_real(m, 0x6000); /* the same in real mode */
    machine_code(m, 0x6000, real_tf);
    machine_st32(m, 0x600, 0);
    machine_st32(m, 0x604, 0);
    ck_assert_int_eq(machine_run(m, 20), CPU_EXIT_SHUTDOWN);
    /* A stack that is gone, too. */
    START(fault);
    machine_paging(m);
    machine_page(m, AT_STACK0 - 0x1000, 0);
    m->cpu->gpr[REG_BX] = AT_STACK0 - 0x1000;
    ck_assert_int_eq(machine_run(m, 20), CPU_EXIT_SHUTDOWN);
    /* After the machine's reset another program runs, with nothing left of the old translations. */
    machine_real(m, 0x6000);
    machine_code(m, 0x6000, boot);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0x1234);
    machine_free(m);
}
END_TEST

START_TEST(nmi)
{
    m = machine_new("max", _i);
    START(nops); /* blocked from delivery until IRET, one more is remembered */
    machine_idt_gate(m, EXC_NMI, SEL_CODE0, HANDLER, INT32);
    machine_code(m, HANDLER, count_nmi);
    cpu_nmi(m->cpu);
    machine_run(m, 2);
    ck_assert_uint_eq(REG(DI), 1);
    ck_assert(m->cpu->nmi_blocked);
    cpu_nmi(m->cpu);
    cpu_nmi(m->cpu);
    machine_run(m, 1);
    ck_assert_uint_eq(REG(DI), 1);
    machine_run(m, 50);
    ck_assert_uint_eq(REG(DI), 2);
    ck_assert(!m->cpu->nmi_blocked);
    ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 5);
    START(nops); /* any IRET unblocks, also that of an exception within the handler */
    machine_idt_gate(m, EXC_NMI, SEL_CODE0, HANDLER, INT32);
    machine_idt_gate(m, 0x41, SEL_CODE0, HANDLER + 0x100, INT32);
    machine_code(m, HANDLER, nmi_faults);
    machine_code(m, HANDLER + 0x100, iret_only);
    cpu_nmi(m->cpu);
    machine_run(m, 1);
    cpu_nmi(m->cpu);
    machine_run(m, 3); /* INT, IRET, and then the second one at once */
    ck_assert_uint_eq(REG(DI), 2);
    START(nops); /* IF does not matter; NMI goes before INTR */
    m->cpu->eflags |= FL_IF;
    m->vector = 0x40;
    cpu_set_intr(m->cpu, 1);
    cpu_nmi(m->cpu);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_NMI);
    cpu_set_intr(m->cpu, 0);
    START(halt); /* it ends HLT */
    ck_assert_int_eq(machine_run(m, 20), CPU_EXIT_HALT);
    cpu_nmi(m->cpu);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_NMI);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 1);
    machine_free(m);
}
END_TEST

/* INIT: real mode at the reset vector; x87, SSE, MTRRs, MSRs and the cache bits keep what they had
 * (table 9-1). */
START_TEST(init)
{
    m = machine_new("max", _i);
    START(nops);
    machine_paging(m);
    m->cpu->fpu.cw = 0x27f;
    m->cpu->fpu.st[2] = (struct f80){0x8000000000000001ull, 0x4001};
    m->cpu->xmm[3].q[1] = 0x1234;
    m->cpu->mtrr_def = 0x806;
    m->cpu->sysenter_eip = 0x99;
    m->cpu->gpr[REG_SI] = 7;
    m->cpu->init_pending = true;
    cpu_recheck(m->cpu);
    machine_run(m, 1);
    ck_assert(cpu_real(m->cpu));
    ck_assert_uint_eq(m->cpu->cr0 & ~(u32)(CR0_CD | CR0_NW), CR0_ET);
    ck_assert_uint_eq(REG(SI), 0);
    ck_assert_uint_eq(m->cpu->fpu.cw, 0x27f);
    ck_assert_uint_eq(m->cpu->fpu.st[2].frac, 0x8000000000000001ull);
    ck_assert_uint_eq(m->cpu->xmm[3].q[1], 0x1234);
    ck_assert_uint_eq(m->cpu->mtrr_def, 0x806);
    ck_assert_uint_eq(m->cpu->sysenter_eip, 0x99);
    cpu_init_signal(m->cpu);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].sel, 0xf000);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].base + m->cpu->rip, 0xfffffff0u);
    ck_assert_uint_eq(m->cpu->idt.limit, 0xffff);
    ck_assert_uint_eq(m->cpu->dr[7], 0x400);
    cpu_reset(m->cpu); /* and RESET does not */
    ck_assert_uint_eq(m->cpu->fpu.cw, 0x40);
    ck_assert_uint_eq(m->cpu->xmm[3].q[1], 0);
    ck_assert_uint_eq(m->cpu->mtrr_def, 0);
    ck_assert_uint_eq(m->cpu->sysenter_eip, 0);
    machine_free(m);
}
END_TEST

SUITE_MAIN("reset", double_fault_table, triple_fault, nmi, init)

#else
int main(void)
{
    puts("reset: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
