/* Fast system calls, SWAPGS, the MSRs behind them and system management mode on CPUs with long mode
 * (SDM vol. 3 sections 5.8.7, 5.8.8, vol. 2 "SYSCALL", "SYSRET", "SYSENTER", "SYSEXIT", "SWAPGS";
 * AMD64 manual vol. 2 sections 6.1 and 10.2.3). */
#include "cpu/sys/ctrl.h"
#include "tests/insn/long.h"

#if GUEST_CODE

enum {
    KERNEL = 0x12000,
    KERNEL_COMPAT = 0x12800,
    PROGRAM = 0x13000,
    STAR_CALL = 0x60, /* CS; SS is 8 above */
    STAR_RET = 0x83,  /* compatibility CS; SS 8, 64-bit CS 16 above */
};
#define FLAT_LIMIT 0xffffffffu

GUEST(syscall, 64, "syscall\n hlt");
GUEST(syscall32, 32, "syscall\n hlt");
GUEST(sysretq, 64, ".byte 0x48, 0x0f, 0x07");
GUEST(sysretl, 64, ".byte 0x0f, 0x07");
GUEST(sysret32, 32, ".byte 0x0f, 0x07");
GUEST(sysenter, 64, "sysenter");
GUEST(sysenter32, 32, "sysenter");
GUEST(sysexitq, 64, ".byte 0x48, 0x0f, 0x35");
GUEST(sysexitl, 64, ".byte 0x0f, 0x35");
GUEST(swapgs, 64, "swapgs\n mov rax, gs:[0]\n swapgs\n mov rcx, gs:[0]\n hlt");
GUEST(swapgs32, 32, ".byte 0x0f, 0x01, 0xf8\n hlt");
GUEST(wrmsr, 64, "wrmsr\n hlt");
GUEST(rdmsr, 64, "rdmsr\n hlt");
GUEST(rsm, 16, "mov eax, cs:[0xfefc]\n rsm");
GUEST(spin, 64, "nop\n nop\n hlt");
GUEST(spin32, 32, "nop\n nop\n hlt");
GUEST(halt, 64, "hlt");
GUEST(nop_halt, 64, "nop\n nop\n hlt");

static struct machine *m;
static u64 *reg(unsigned r)
{
    return &m->cpu->gpr[r];
}

static void set_msrs(void)
{
    struct cpu *cpu = m->cpu;
    cpu->star = (u64)STAR_RET << 48 | (u64)STAR_CALL << 32 | 0x14000;
    cpu->lstar = LONG_HIGH + KERNEL;
    cpu->cstar = LONG_HIGH + KERNEL_COMPAT;
    cpu->sfmask = FL_IF | FL_TF | FL_DF | F_C;
    cpu->sysenter_cs = 0x60;
    cpu->sysenter_esp = LONG_HIGH + AT_STACK0;
    cpu->sysenter_eip = LONG_HIGH + KERNEL;
    machine_code(m, KERNEL, nop_halt);
    machine_code(m, KERNEL_COMPAT, nop_halt);
    machine_code(m, PROGRAM, nop_halt);
}

static void check_seg(unsigned s, unsigned sel, u32 attr)
{
    const struct seg *seg = &m->cpu->seg[s];
    ck_assert_uint_eq(seg->sel, sel);
    ck_assert_uint_eq(seg->base, 0);
    ck_assert_uint_eq(seg->limit, FLAT_LIMIT);
    ck_assert_uint_eq(seg->attr & (DA_P | DA_S | DA_CODE | DA_L | DA_DB | DA_DPL),
                      attr | DA_P | DA_S);
}

START_TEST(system_calls)
{
    static const char *const models[] = {"qemu64", "core2duo"};
    for (unsigned i = 0; i < 2; i++) {
        m = machine_new(models[i], _i);
        LONG(m, 3, syscall);
        set_msrs();
        cpu_set_eflags(m->cpu, FL_IF | FL_DF | F_C | F_Z | FL_AC);
        machine_run(m, 1);
        ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + KERNEL);
        ck_assert_uint_eq(*reg(REG_CX), AT_CODE + 2);
        ck_assert_uint_eq(*reg(11), FL_IF | FL_DF | F_C | F_Z | FL_AC | 2);
        ck_assert_uint_eq(cpu_eflags(m->cpu), F_Z | FL_AC | 2);
        ck_assert_uint_eq(*reg(REG_SP), AT_STACK3); /* the stack is the kernel's business */
        ck_assert_uint_eq(m->cpu->cpl, 0);
        check_seg(SEG_CS, STAR_CALL, DA_CODE | DA_L);
        check_seg(SEG_SS, STAR_CALL + 8, DA_DB);
        LONG(m, 0, syscall); /* from level 0 as well */
        set_msrs();
        machine_run(m, 1);
        ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + KERNEL);
        LONG(m, 3, syscall); /* disabled */
        m->cpu->efer &= ~(u64)EFER_SCE;
        machine_run(m, 10);
        expect_vector(m, EXC_UD);
        machine_free(m);
    }
}
END_TEST

START_TEST(system_returns)
{
    m = machine_new("core2duo", _i);
    LONG(m, 0, sysretq);
    set_msrs();
    *reg(REG_CX) = PROGRAM;
    *reg(11) = 0xffffffff00000000ull | FL_IF | FL_RF | FL_VM | F_S | FL_IOPL | 0x8028;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, PROGRAM);
    ck_assert_uint_eq(cpu_eflags(m->cpu), FL_IF | F_S | FL_IOPL | 2);
    ck_assert_uint_eq(m->cpu->cpl, 3);
    check_seg(SEG_CS, (STAR_RET + 16) | 3, DA_CODE | DA_L | DA_DPL);
    check_seg(SEG_SS, (STAR_RET + 8) | 3, DA_DB | DA_DPL);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, SEL_DATA0); /* left alone */
    LONG(m, 0, sysretl);                                   /* to compatibility mode */
    set_msrs();
    *reg(REG_CX) = 0xffff800000000000ull | PROGRAM;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, PROGRAM);
    ck_assert_uint_eq(m->cpu->code_bits, 32);
    check_seg(SEG_CS, STAR_RET | 3, DA_CODE | DA_DB | DA_DPL);
    LONG(m, 3, sysretq);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, sysretq);
    m->cpu->efer &= ~(u64)EFER_SCE;
    machine_run(m, 10);
    expect_vector(m, EXC_UD);
    /* RCX not canonical: Intel's processors fault in the kernel, on the program's stack; AMD's in
     * the program. */
    LONG(m, 0, sysretq);
    set_msrs();
    *reg(REG_CX) = NOT_CANONICAL;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    ck_assert_uint_eq(long_frame(m, 2), SEL_CODE0);
    machine_free(m);
    m = machine_new("qemu64", _i);
    LONG(m, 0, sysretq);
    set_msrs();
    *reg(REG_CX) = NOT_CANONICAL;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, NOT_CANONICAL);
    ck_assert_uint_eq(long_frame(m, 2), (STAR_RET + 16) | 3);
    machine_free(m);
}
END_TEST

/* Outside of 64-bit code: AMD only. */
START_TEST(makers)
{
    m = machine_new("qemu64", _i);
    COMPAT(m, 3, syscall32);
    set_msrs();
    m->cpu->eflags |= FL_IF;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + KERNEL_COMPAT);
    ck_assert_uint_eq(m->cpu->code_bits, 64);
    ck_assert_uint_eq(*reg(REG_CX), AT_CODE + 2);
    ck_assert_uint_eq(*reg(11), FL_IF | 2);
    COMPAT(m, 0, sysret32);
    set_msrs();
    *reg(REG_CX) = PROGRAM;
    *reg(11) = F_C;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, PROGRAM);
    ck_assert_uint_eq(cpu_eflags(m->cpu), FL_IF | 2); /* R11 counts in 64-bit code only */
    check_seg(SEG_CS, STAR_RET | 3, DA_CODE | DA_DB | DA_DPL);
    machine_protected(m, 3, AT_CODE); /* no long mode at all */
    machine_code(m, AT_CODE, syscall32);
    set_msrs();
    m->cpu->efer = EFER_SCE;
    m->cpu->eflags |= FL_IF;
    *reg(11) = 77;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, 0x14000);
    ck_assert_uint_eq((u32)*reg(REG_CX), AT_CODE + 2);
    ck_assert_uint_eq(*reg(11), 77);
    ck_assert_uint_eq(cpu_eflags(m->cpu), 2);
    check_seg(SEG_CS, STAR_CALL, DA_CODE | DA_DB);
    LONG(m, 3, sysenter);
    set_msrs();
    machine_run(m, 10);
    expect_vector(m, EXC_UD);
    COMPAT(m, 3, sysenter32);
    set_msrs();
    machine_run(m, 10);
    expect_vector(m, EXC_UD);
    LONG(m, 0, sysexitq);
    set_msrs();
    machine_run(m, 10);
    expect_vector(m, EXC_UD);
    machine_free(m);
    m = machine_new("core2duo", _i);
    COMPAT(m, 3, syscall32);
    set_msrs();
    machine_run(m, 10);
    expect_vector(m, EXC_UD);
    COMPAT(m, 0, sysret32);
    set_msrs();
    machine_run(m, 10);
    expect_vector(m, EXC_UD);
    machine_free(m);
}
END_TEST

START_TEST(sysenter_sysexit)
{
    m = machine_new("core2duo", _i);
    for (unsigned from = 0; from < 2; from++) {
        if (from)
            COMPAT(m, 3, sysenter32);
        else
            LONG(m, 3, sysenter);
        set_msrs();
        m->cpu->eflags |= FL_IF;
        machine_run(m, 1);
        ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + KERNEL);
        ck_assert_uint_eq(*reg(REG_SP), LONG_HIGH + AT_STACK0);
        check_seg(SEG_CS, 0x60, DA_CODE | DA_L);
        check_seg(SEG_SS, 0x68, DA_DB);
        ck_assert(!(m->cpu->eflags & FL_IF));
    }
    LONG(m, 3, sysenter);
    m->cpu->sysenter_cs = 3;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, sysexitq);
    set_msrs();
    *reg(REG_CX) = 0xffff800000001000ull;
    *reg(REG_DX) = PROGRAM;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, PROGRAM);
    ck_assert_uint_eq(*reg(REG_SP), 0xffff800000001000ull);
    check_seg(SEG_CS, 0x83, DA_CODE | DA_L | DA_DPL);
    check_seg(SEG_SS, 0x8b, DA_DB | DA_DPL);
    LONG(m, 0, sysexitl);
    set_msrs();
    *reg(REG_CX) = 0xffff800000001000ull;
    *reg(REG_DX) = 0xffff800000000000ull | PROGRAM;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, PROGRAM);
    ck_assert_uint_eq(*reg(REG_SP), 0x1000);
    check_seg(SEG_CS, 0x73, DA_CODE | DA_DB | DA_DPL);
    check_seg(SEG_SS, 0x7b, DA_DB | DA_DPL);
    for (unsigned i = 0; i < 2; i++) {
        LONG(m, 0, sysexitq);
        set_msrs();
        *reg(REG_CX) = i ? NOT_CANONICAL : 0x1000;
        *reg(REG_DX) = i ? PROGRAM : NOT_CANONICAL;
        machine_run(m, 10);
        expect_fault(m, EXC_GP, 0, AT_CODE);
    }
    machine_free(m);
}
END_TEST

/* The flags that the two leave behind decide on single steps. */
START_TEST(stepping)
{
    m = machine_new("qemu64", _i);
    LONG(m, 3, syscall); /* TF is masked: the kernel is not stepped */
    set_msrs();
    m->cpu->eflags |= FL_TF;
    cpu_update_mode(m->cpu);
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + KERNEL + LENGTH(nop_halt));
    ck_assert_uint_eq(*reg(11) & FL_TF, FL_TF);
    LONG(m, 3, syscall); /* not masked: behind SYSCALL */
    set_msrs();
    m->cpu->sfmask = 0;
    m->cpu->eflags |= FL_TF;
    cpu_update_mode(m->cpu);
    machine_run(m, 10);
    expect_vector(m, EXC_DB);
    ck_assert_uint_eq(long_frame(m, 0), LONG_HIGH + KERNEL);
    LONG(m, 0, sysretq); /* as if the system call had been stepped over */
    set_msrs();
    *reg(REG_CX) = PROGRAM;
    *reg(11) = FL_TF | 2;
    machine_run(m, 10);
    expect_vector(m, EXC_DB);
    ck_assert_uint_eq(long_frame(m, 0), PROGRAM);
    machine_free(m);
}
END_TEST

START_TEST(swap)
{
    m = machine_new("qemu64", _i);
    LONG(m, 0, swapgs);
    machine_st64(m, AT_DATA, 1);
    machine_st64(m, AT_DATA + 8, 2);
    m->cpu->seg[SEG_GS].base = AT_DATA;
    seg_update(m->cpu, SEG_GS);
    m->cpu->kernel_gs_base = LONG_HIGH + AT_DATA + 8;
    machine_run(m, 10);
    ck_assert_uint_eq(*reg(REG_AX), 2);
    ck_assert_uint_eq(*reg(REG_CX), 1);
    LONG(m, 3, swapgs);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    COMPAT(m, 0, swapgs32);
    machine_run(m, 10);
    expect_vector(m, EXC_UD);
    machine_free(m);
}
END_TEST

START_TEST(msrs)
{
    static const u32 addresses[] = {0xc0000082, 0xc0000083, 0xc0000100, 0xc0000101,
                                    0xc0000102, 0x175,      0x176};
    m = machine_new("qemu64", _i);
    for (unsigned i = 0; i < ARRAY_LEN(addresses); i++) {
        LONG(m, 0, wrmsr);
        *reg(REG_CX) = 0xabcd00000000ull | addresses[i]; /* ECX, EDX and EAX count */
        *reg(REG_DX) = 0x1234500000000ull | 0xffff8000u;
        *reg(REG_AX) = ~(u64)0 << 32 | 0x12345678;
        machine_run(m, 10);
        ck_assert(m->cpu->halted);
        machine_code(m, AT_CODE, rdmsr);
        m->cpu->halted = false;
        m->cpu->rip = AT_CODE;
        *reg(REG_AX) = *reg(REG_DX) = ~(u64)0;
        machine_run(m, 10);
        ck_assert_uint_eq(*reg(REG_AX), 0x12345678);
        ck_assert_uint_eq(*reg(REG_DX), 0xffff8000u);
        LONG(m, 0, wrmsr);
        *reg(REG_CX) = addresses[i];
        *reg(REG_DX) = NOT_CANONICAL >> 32;
        *reg(REG_AX) = 0;
        machine_run(m, 10);
        expect_fault(m, EXC_GP, 0, AT_CODE);
    }
    LONG(m, 0, wrmsr);
    *reg(REG_CX) = 0xc0000100u;
    *reg(REG_DX) = 0xffff8000u;
    *reg(REG_AX) = 5;
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->seg[SEG_FS].base, 0xffff800000000005ull);
    LONG(m, 3, wrmsr);
    *reg(REG_CX) = 0xc0000100u;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    machine_free(m);
}
END_TEST

/* SMI in 64-bit and compatibility code: all of the state comes back, and firmware finds the map of
 * AMD64 by its revision. */
START_TEST(management_mode)
{
    const u64 rip = LONG_HIGH + PROGRAM;
    m = machine_new("qemu64", _i);
    LONG(m, 3, spin);
    machine_code(m, 0x38000, rsm);
    machine_code(m, PROGRAM, spin);
    m->cpu->rip = rip;
    for (unsigned i = 0; i < 16; i++)
        *reg(i) = 0x1111222233330000ull + i;
    m->cpu->seg[SEG_FS].base = LONG_HIGH + AT_DATA;
    seg_update(m->cpu, SEG_FS);
    cpu_set_eflags(m->cpu, FL_IF | F_C);
    cpu_smi(m->cpu);
    machine_run(m, 1);
    ck_assert(m->cpu->in_smm);
    ck_assert_uint_eq(m->cpu->code_bits, 16);
    ck_assert_uint_eq(m->cpu->efer, 0);
    ck_assert_uint_eq(*reg(REG_AX) & 0xffff, 0x0064); /* 20064 */
    *reg(3) = 5;                                      /* clobbered, as handlers do */
    ck_assert_uint_eq(machine_ld32(m, 0x3fefc), 0x20064);
    ck_assert_uint_eq(machine_ld32(m, 0x3ff00), 0x30000);
    ck_assert_uint_eq(machine_ld64(m, 0x3ff78), rip);
    ck_assert_uint_eq(machine_ld64(m, 0x3fff8), 0x1111222233330000ull);
    ck_assert_uint_eq(machine_ld64(m, 0x3ff80), 0x111122223333000full);
    ck_assert_uint_eq(machine_ld64(m, 0x3ff50), LONG_PML4);
    ck_assert_uint_eq(machine_ld64(m, 0x3fed0), EFER_LMA | EFER_LME | EFER_SCE | EFER_NXE);
    ck_assert_uint_eq(machine_ld64(m, 0x3fe48), LONG_HIGH + AT_DATA);
    ck_assert_uint_eq(machine_ld16(m, 0x3fe10), SEL_CODE3);
    machine_run(m, 1);
    ck_assert(!m->cpu->in_smm);
    ck_assert_uint_eq(m->cpu->rip, rip);
    ck_assert_uint_eq(m->cpu->code_bits, 64);
    ck_assert_uint_eq(m->cpu->cpl, 3);
    for (unsigned i = 0; i < 16; i++)
        ck_assert_uint_eq(*reg(i), 0x1111222233330000ull + i);
    ck_assert_uint_eq(cpu_eflags(m->cpu), FL_IF | F_C | 2);
    ck_assert_uint_eq(m->cpu->seg[SEG_FS].base, LONG_HIGH + AT_DATA);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].attr, LONG_CODE | DA_DPL);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, rip + 1);
    /* Level 0 with a null SS, halted: back into the halt. */
    LONG(m, 0, halt);
    machine_code(m, 0x38000, rsm);
    seg_put_null(m->cpu, SEG_SS, 0);
    machine_run(m, 1);
    cpu_smi(m->cpu);
    machine_run(m, 1);
    ck_assert(m->cpu->in_smm);
    ck_assert_int_eq(machine_run(m, 10), CPU_EXIT_HALT);
    ck_assert_uint_eq(m->cpu->cpl, 0);
    ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, 0);
    COMPAT(m, 3, spin32);
    machine_code(m, 0x38000, rsm);
    cpu_smi(m->cpu);
    machine_run(m, 2);
    ck_assert_uint_eq(m->cpu->code_bits, 32);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE);
    ck_assert(cpu_lma(m->cpu));
    ck_assert_uint_eq(m->cpu->cpl, 3);
    machine_free(m);
}
END_TEST

SUITE_MAIN("long_call", system_calls, system_returns, makers, sysenter_sysexit, stepping, swap,
           msrs, management_mode)

#else
int main(void)
{
    puts("long_call: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
