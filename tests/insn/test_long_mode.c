/* Entering and leaving long mode, compatibility mode, control and debug registers in 64 bits,
 * descriptor tables (SDM vol. 3 sections 2.2.1, 2.5, 3.5.2, 4.1, 9.8.5, 10.8.6; vol. 2 "MOV",
 * "LGDT", "LLDT", "LTR"). */
#include "cpu/sys/cpuid.h"
#include "cpu/sys/ctrl.h"
#include "tests/insn/long.h"

#if GUEST_CODE

/* The way every loader goes: PAE, CR3, EFER.LME, PG, a far jump; and back. */
GUEST(enter, 32,
      "mov eax, cr4\n or eax, 0x20\n mov cr4, eax\n mov eax, 0x100000\n mov cr3, eax\n"
      "mov ecx, 0xc0000080\n rdmsr\n or eax, 0x100\n wrmsr\n mov eax, cr0\n or eax, 0x80000000\n"
      "mov cr0, eax\n .byte 0xea\n .long 0x12000\n .word 0x40");
GUEST(in_long, 64, "mov rax, 0x123456789abcdef0\n push 0x48\n push 0x13000\n .byte 0x48, 0xcb");
GUEST(leave_long, 32,
      "mov eax, cr0\n and eax, 0x7fffffff\n mov cr0, eax\n mov ecx, 0xc0000080\n rdmsr\n mov ebx, "
      "eax\n"
      "and eax, 0xfffffeff\n wrmsr\n hlt");
GUEST(mov_cr0, 64, "mov cr0, rax\n hlt");
GUEST(mov_cr3, 64, "mov cr3, rax\n mov rcx, cr3\n hlt");
GUEST(mov_cr4, 64, "mov cr4, rax\n hlt");
GUEST(mov_cr8, 64, "mov cr8, rax\n mov rcx, cr8\n hlt");
GUEST(mov_cr2, 64, "mov cr2, rax\n mov rcx, cr2\n hlt");
GUEST(mov_dr0, 64, "mov dr0, rax\n mov rcx, dr0\n hlt");
GUEST(mov_dr6, 64, "mov dr6, rax\n hlt");
GUEST(mov_dr7, 64, "mov dr7, rax\n hlt");
GUEST(read_cr0, 64, "mov rax, cr0\n hlt");
GUEST(bad_cr, 64, ".byte 0x0f, 0x20, 0xc8\n hlt"); /* CR1 */
GUEST(wrmsr, 64, "wrmsr\n hlt");
GUEST(rdmsr, 64, "rdmsr\n hlt");
GUEST(clear_pg, 32, "mov cr0, eax\n hlt");
GUEST(lgdt, 64, "lgdt [rbx]\n sgdt [rcx]\n hlt");
GUEST(lidt, 64, "lidt [rbx]\n sidt [rcx]\n hlt");
GUEST(lgdt32, 32, "lgdt [ebx]\n sgdt [ecx]\n hlt");
GUEST(lldt, 64, "lldt ax\n sldt rcx\n hlt");
GUEST(ltr, 64, "ltr ax\n str rcx\n hlt");
GUEST(smsw, 64, "smsw rax\n hlt");
GUEST(sgdt, 64, "sgdt [rbx]\n hlt");
GUEST(lar, 64, "lar ecx, eax\n lsl edx, eax\n hlt");
GUEST(cpuid, 64, "cpuid\n hlt");
GUEST(halt, 64, "hlt");

static struct machine *m;
static u64 *reg(unsigned r)
{
    return &m->cpu->gpr[r];
}
static void run_rax(u64 v)
{
    *reg(REG_AX) = v;
    machine_run(m, 10);
}

START_TEST(round_trip)
{
    m = machine_new("qemu64", _i);
    machine_long(m, 0, AT_CODE); /* for the page tables */
    machine_protected(m, 0, AT_CODE);
    machine_code(m, AT_CODE, enter);
    machine_code(m, 0x12000, in_long);
    machine_code(m, 0x13000, leave_long);
    machine_desc(m, 0x40, 0, 0xfffff, LONG_CODE);
    machine_desc(m, 0x48, 0, 0xfffff, LONG_COMPAT);
    machine_run(m, 12);
    /* Active, but CS is still a 32-bit one: compatibility mode (section 10.8.5). */
    ck_assert_uint_eq(m->cpu->efer, EFER_LME | EFER_LMA);
    ck_assert_uint_eq(m->cpu->code_bits, 32);
    machine_run(m, 2);
    ck_assert_uint_eq(m->cpu->code_bits, 64);
    ck_assert_uint_eq(*reg(REG_AX), 0x123456789abcdef0ull);
    machine_run(m, 3);
    ck_assert_uint_eq(m->cpu->code_bits, 32);
    ck_assert_uint_eq(m->cpu->rip, 0x13000);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)*reg(REG_BX), EFER_LME); /* LMA went with PG */
    ck_assert_uint_eq(m->cpu->efer, 0);
    ck_assert_uint_eq(m->cpu->code_bits, 32);
    ck_assert(m->cpu->halted);
    ck_assert(!(m->cpu->cr0 & CR0_PG));
    machine_free(m);
}
END_TEST

/* What section 10.8.5.3 and MOV's exceptions forbid. */
START_TEST(forbidden)
{
    m = machine_new("qemu64", _i);
    LONG(m, 0, mov_cr0); /* PG in 64-bit mode */
    run_rax(m->cpu->cr0 & ~CR0_PG);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, mov_cr0);
    run_rax(m->cpu->cr0 | BIT64(32));
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, mov_cr0); /* NW without CD */
    run_rax(m->cpu->cr0 | CR0_NW);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, mov_cr4); /* PAE */
    run_rax(m->cpu->cr4 & ~(u64)CR4_PAE);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, mov_cr4);
    run_rax(m->cpu->cr4 | BIT64(40));
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, wrmsr); /* LME while paging is on */
    *reg(REG_CX) = 0xc0000080u;
    *reg(REG_DX) = 0;
    run_rax(EFER_SCE);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, wrmsr); /* a reserved bit */
    *reg(REG_CX) = 0xc0000080u;
    *reg(REG_DX) = 0;
    run_rax(EFER_SCE | EFER_LME | 2);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, wrmsr); /* LMA cannot be written */
    *reg(REG_CX) = 0xc0000080u;
    *reg(REG_DX) = 0;
    run_rax(EFER_LME);
    ck_assert_uint_eq(m->cpu->efer, EFER_LME | EFER_LMA);
    /* Compatibility mode may leave. */
    COMPAT(m, 0, clear_pg);
    run_rax(m->cpu->cr0 & ~CR0_PG);
    ck_assert_uint_eq(m->cpu->efer & (EFER_LMA | EFER_LME), EFER_LME);
    ck_assert(m->cpu->halted);
    /* Turning it on without PAE, with a 64-bit CS, with a 16-bit TSS. */
    COMPAT(m, 0, clear_pg);
    ctrl_write_cr0(m->cpu, m->cpu->cr0 & ~CR0_PG);
    ctrl_write_cr4(m->cpu, 0);
    machine_idt_gate(m, EXC_GP, SEL_COMPAT0, AT_HANDLERS + 16 * EXC_GP, LONG_INT);
    run_rax(m->cpu->cr0 | CR0_PG);
    expect_vector(m, EXC_GP);
    COMPAT(m, 0, clear_pg);
    ctrl_write_cr0(m->cpu, m->cpu->cr0 & ~CR0_PG);
    m->cpu->seg[SEG_CS].attr |= DA_L;
    machine_idt_gate(m, EXC_GP, SEL_COMPAT0, AT_HANDLERS + 16 * EXC_GP, LONG_INT);
    run_rax(m->cpu->cr0 | CR0_PG);
    expect_vector(m, EXC_GP);
    COMPAT(m, 0, clear_pg);
    ctrl_write_cr0(m->cpu, m->cpu->cr0 & ~CR0_PG);
    m->cpu->tr.attr = DA_P | SYS_TSS16_BUSY << 8;
    machine_idt_gate(m, EXC_GP, SEL_COMPAT0, AT_HANDLERS + 16 * EXC_GP, LONG_INT);
    run_rax(m->cpu->cr0 | CR0_PG);
    expect_vector(m, EXC_GP);
    machine_free(m);
}
END_TEST

START_TEST(control_registers)
{
    m = machine_new("qemu64", _i);
    LONG(m, 0, mov_cr3); /* physical address bits of the model: 40 */
    machine_load(m, 0x300000, machine_mem(m, LONG_PML4), 0x1000);
    run_rax(0x300018);
    ck_assert_uint_eq(*reg(REG_CX), 0x300018); /* PWT and PCD stay */
    for (unsigned bit = 40; bit < 64; bit++) {
        LONG(m, 0, mov_cr3);
        run_rax(LONG_PML4 | BIT64(bit));
        expect_fault(m, EXC_GP, 0, AT_CODE);
    }
    LONG(m, 0, mov_cr2); /* any value: nobody checks */
    run_rax(NOT_CANONICAL + 5);
    ck_assert_uint_eq(*reg(REG_CX), NOT_CANONICAL + 5);
    LONG(m, 0, mov_cr8);
    run_rax(9);
    ck_assert_uint_eq(*reg(REG_CX), 9);
    LONG(m, 0, mov_cr8);
    run_rax(16);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 3, mov_cr8);
    run_rax(1);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, read_cr0);
    run_rax(~(u64)0);
    ck_assert_uint_eq(*reg(REG_AX), m->cpu->cr0); /* all 64 bits, without REX.W */
    LONG(m, 0, bad_cr);
    machine_run(m, 10);
    expect_vector(m, EXC_UD);
    LONG(m, 3, smsw);
    run_rax(~(u64)0);
    machine_run(m, 10);
    ck_assert_uint_eq(*reg(REG_AX), m->cpu->cr0);
    machine_free(m);
}
END_TEST

START_TEST(debug_registers)
{
    m = machine_new("max", _i);
    LONG(m, 0, mov_dr0);
    run_rax(0xffff800012345678ull);
    ck_assert_uint_eq(*reg(REG_CX), 0xffff800012345678ull);
    LONG(m, 0, mov_dr6);
    run_rax(BIT64(32));
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, mov_dr7);
    run_rax(BIT64(32) | 0x400);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    /* An instruction breakpoint on an address above 4 GiB. */
    LONG(m, 0, halt);
    machine_code(m, AT_CODE, read_cr0);
    m->cpu->dr[0] = LONG_HIGH + AT_CODE;
    m->cpu->dr[7] = 0x402;
    m->cpu->rip = LONG_HIGH + AT_CODE;
    cpu_update_mode(m->cpu);
    machine_run(m, 10);
    expect_vector(m, EXC_DB);
    ck_assert_uint_eq(long_frame(m, 0), LONG_HIGH + AT_CODE);
    ck_assert_uint_eq(m->cpu->dr[6] & 0xf, 1);
    machine_free(m);
}
END_TEST

START_TEST(tables)
{
    static const u8 image[10] = {0xff, 0x0f, 0x78, 0x56, 0x34, 0x12, 0x00, 0x80, 0xff, 0xff};
    m = machine_new("max", _i);
    LONG(m, 0, lgdt);
    machine_load(m, AT_DATA, image, 10);
    *reg(REG_BX) = AT_DATA;
    *reg(REG_CX) = AT_DATA + 32;
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->gdt.base, 0xffff800012345678ull);
    ck_assert_uint_eq(m->cpu->gdt.limit, 0xfff);
    ck_assert_int_eq(memcmp(machine_mem(m, AT_DATA + 32), image, 10), 0);
    LONG(m, 0, lidt);
    *reg(REG_BX) = AT_DATA;
    *reg(REG_CX) = AT_DATA + 48;
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->idt.base, 0xffff800012345678ull);
    ck_assert_int_eq(memcmp(machine_mem(m, AT_DATA + 48), image, 10), 0);
    LONG(m, 0, lgdt); /* a base that is not canonical (vol. 2 "LGDT/LIDT") */
    machine_st64(m, AT_DATA + 2, NOT_CANONICAL);
    *reg(REG_BX) = AT_DATA;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    ck_assert_uint_eq(m->cpu->gdt.base, AT_GDT);
    LONG(m, 3, lgdt);
    *reg(REG_BX) = AT_DATA;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    COMPAT(m, 0, lgdt32); /* six bytes */
    machine_load(m, AT_DATA, image, 10);
    memset(machine_mem(m, AT_DATA + 32), 0x55, 10);
    *reg(REG_BX) = AT_DATA;
    *reg(REG_CX) = AT_DATA + 32;
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->gdt.base, 0x12345678);
    ck_assert_uint_eq(machine_ld64(m, AT_DATA + 32 + 2) >> 32, 0x55555555);
    /* UMIP (section 2.5). */
    LONG(m, 3, sgdt);
    m->cpu->cr4 |= CR4_UMIP;
    *reg(REG_BX) = AT_DATA;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    machine_free(m);
}
END_TEST

static void ltr(unsigned sel)
{
    machine_code(m, AT_CODE, ltr);
    run_rax(sel);
}

/* 16-byte descriptors (section 3.5.2, 7.2.3). */
START_TEST(system_segments)
{
    const unsigned free = SEL_LONG_FREE;
    const u32 tss = DA_P | SYS_TSS32 << 8, ldt = DA_P | SYS_LDT << 8;
    m = machine_new("max", _i);
    machine_long(m, 0, AT_CODE);
    long_desc(m, free, 0xffff8000deadb000ull, 0x67, tss);
    ltr(free);
    ck_assert(m->cpu->halted);
    ck_assert_uint_eq(m->cpu->tr.base, 0xffff8000deadb000ull);
    ck_assert_uint_eq(m->cpu->tr.limit, 0x67);
    ck_assert_uint_eq(*reg(REG_CX), free);
    ck_assert_uint_eq(machine_ld32(m, AT_GDT + free + 4) >> 8 & 15, SYS_TSS32_BUSY);
    machine_long(m, 0, AT_CODE); /* busy */
    long_desc(m, free, AT_TSS, 0x67, tss | 0x200);
    ltr(free);
    expect_fault(m, EXC_GP, free, AT_CODE);
    machine_long(m, 0, AT_CODE); /* a 16-bit TSS */
    long_desc(m, free, AT_TSS, 0x67, DA_P | SYS_TSS16 << 8);
    ltr(free);
    expect_fault(m, EXC_GP, free, AT_CODE);
    machine_long(m, 0, AT_CODE); /* the upper half has a type */
    long_desc(m, free, AT_TSS, 0x67, tss);
    machine_st32(m, AT_GDT + free + 12, 0x100);
    ltr(free);
    expect_fault(m, EXC_GP, free, AT_CODE);
    machine_long(m, 0, AT_CODE); /* the upper half is beyond the limit */
    long_desc(m, free, AT_TSS, 0x67, tss);
    m->cpu->gdt.limit = free + 14;
    ltr(free);
    expect_fault(m, EXC_GP, free, AT_CODE);
    machine_long(m, 0, AT_CODE); /* not canonical */
    long_desc(m, free, NOT_CANONICAL, 0x67, tss);
    ltr(free);
    expect_fault(m, EXC_GP, free, AT_CODE);
    machine_long(m, 0, AT_CODE); /* not present */
    long_desc(m, free, AT_TSS, 0x67, tss & ~DA_P);
    ltr(free);
    expect_fault(m, EXC_NP, free, AT_CODE);
    machine_long(m, 0, AT_CODE);
    ltr(0);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, lldt);
    long_desc(m, free, 0xffff800000001000ull, 0x1f, ldt);
    run_rax(free);
    ck_assert_uint_eq(m->cpu->ldt.base, 0xffff800000001000ull);
    ck_assert_uint_eq(*reg(REG_CX), free);
    LONG(m, 0, lldt);
    run_rax(3); /* null: no LDT */
    ck_assert(!(m->cpu->ldt.attr & DA_P));
    LONG(m, 0, lldt);
    run_rax(SEL_TSS64);
    expect_fault(m, EXC_GP, SEL_TSS64, AT_CODE);
    LONG(m, 3, lldt);
    run_rax(SEL_LDT64);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    /* LAR and LSL know the types of long mode only. */
    LONG(m, 0, lar);
    run_rax(SEL_TSS64);
    ck_assert_uint_eq(*reg(REG_CX), DA_P | SYS_TSS32_BUSY << 8);
    ck_assert_uint_eq(*reg(REG_DX), 0x1fff);
    LONG(m, 0, lar);
    machine_desc(m, free, 0, 0x67, DA_P | SYS_TSS16 << 8);
    *reg(REG_CX) = *reg(REG_DX) = 77;
    run_rax(free);
    ck_assert_uint_eq(*reg(REG_CX), 77);
    ck_assert_uint_eq(*reg(REG_DX), 77);
    machine_free(m);
}
END_TEST

START_TEST(identification)
{
    static const char *const models[] = {"qemu64", "core2duo", "max"};
    for (unsigned i = 0; i < ARRAY_LEN(models); i++) {
        m = machine_new(models[i], _i);
        LONG(m, 3, cpuid);
        *reg(REG_BX) = *reg(REG_DX) = ~(u64)0;
        *reg(REG_AX) = 0x80000001u;
        machine_run(m, 1);
        ck_assert_uint_eq(*reg(REG_DX) & (BIT(29) | BIT(20) | BIT(11)),
                          BIT(29) | BIT(20) | BIT(11));
        ck_assert_uint_eq(*reg(REG_CX) & 1, 1); /* LAHF */
        ck_assert_uint_eq(*reg(REG_BX) >> 32 | *reg(REG_DX) >> 32, 0);
        LONG(m, 3, cpuid);
        *reg(REG_AX) = 0x80000008u;
        machine_run(m, 1);
        ck_assert_uint_eq(*reg(REG_AX) >> 8 & 0xff, 48);
        ck_assert_uint_eq(*reg(REG_AX) & 0xff, m->cpu->model->phys_bits);
        /* AMD's second-level cache has one line per tag; with none, Linux multiplies its size. */
        LONG(m, 3, cpuid);
        *reg(REG_AX) = 0x80000006u;
        machine_run(m, 1);
        ck_assert_uint_eq(*reg(REG_CX) >> 8 & 15, !strcmp(models[i], "qemu64"));
        LONG(m, 0, rdmsr);
        *reg(REG_CX) = 0xc0000080u;
        run_rax(~(u64)0);
        ck_assert_uint_eq(*reg(REG_AX), EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
        /* AMD's performance counters are there, and stand; Xen reads one without asking. */
        LONG(m, 0, rdmsr);
        *reg(REG_CX) = 0xc0010004u;
        run_rax(~(u64)0);
        if (strcmp(models[i], "qemu64"))
            expect_fault(m, EXC_GP, 0, AT_CODE);
        else
            ck_assert_uint_eq(*reg(REG_AX), 0);
        machine_free(m);
    }
}
END_TEST

SUITE_MAIN("long_mode", round_trip, forbidden, control_registers, debug_registers, tables,
           system_segments, identification)

#else
int main(void)
{
    puts("long_mode: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
