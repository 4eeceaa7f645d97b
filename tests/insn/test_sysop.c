/* Control registers, MSRs, CPUID, fast system calls and other system instructions (SDM vol. 3
 * sections 2.5, 5.8.7). */
#include "cpu/sys/cpuid.h"
#include "cpu/sys/msr.h"
#include "devices/core/err.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

GUEST(mov_cr0, 32, "mov cr0, eax\n hlt");
GUEST(mov_cr3, 32, "mov cr3, eax\n hlt");
GUEST(mov_cr4, 32, "mov cr4, eax\n hlt");
GUEST(read_cr0, 32, "mov eax, cr0\n hlt");
GUEST(lmsw, 32, "lmsw ax\n hlt");
GUEST(smsw, 32, "smsw eax\n hlt");
GUEST(clts, 32, "clts\n hlt");
GUEST(rdmsr, 32, "rdmsr\n hlt");
GUEST(wrmsr, 32, "wrmsr\n hlt");
GUEST(cpuid, 32, "cpuid\n hlt");
GUEST(rdtsc, 32, "rdtsc\n hlt");
GUEST(sysenter, 32, "sysenter");
GUEST(sysexit, 32, "sysexit");
GUEST(halt, 32, "hlt");
GUEST(lgdt, 32, "lgdt [ebx]\n sgdt [ecx]\n hlt");
GUEST(lgdt16, 32, ".byte 0x66\n lgdt [ebx]\n hlt");
GUEST(invlpg, 32,
      "mov ecx, [ebx]\n mov dword ptr [edx], 0\n mov ecx, [ebx]\n invlpg [ebx]\n mov ecx, [ebx]\n "
      "hlt");
GUEST(go_pm, 16,
      "cli\n lgdt [0x600]\n mov eax, cr0\n or al, 1\n mov cr0, eax\n .byte 0x66, 0xea\n .long "
      "0x10000\n .word 8");
GUEST(back_real, 16,
      "mov eax, cr0\n and al, 0xfe\n mov cr0, eax\n .byte 0xea\n .word 0x6100\n .word 0");

static struct machine *m;

static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
}
#define START(cpl, name) start(cpl, name##_begin, name##_end)

static void run_eax(u32 eax)
{
    m->cpu->gpr[REG_AX] = eax;
    machine_run(m, 10);
}

START_TEST(control_registers)
{
    m = machine_new("max", _i);
    START(0, mov_cr0); /* PG without PE */
    run_eax(CR0_PG | CR0_ET);
    expect_error(m, EXC_GP, 0u);
    START(0, mov_cr0); /* NW without CD */
    run_eax(CR0_PE | CR0_NW);
    expect_error(m, EXC_GP, 0u);
    START(0, mov_cr0);
    run_eax(CR0_PE | CR0_TS);
    ck_assert_uint_eq(m->cpu->cr0, CR0_PE | CR0_TS | CR0_ET); /* ET is fixed */
    START(3, mov_cr0);
    run_eax(CR0_PE);
    expect_error(m, EXC_GP, 0u);
    START(3, read_cr0);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, mov_cr4);
    run_eax(BIT(13)); /* reserved here */
    expect_error(m, EXC_GP, 0u);
    START(0, mov_cr4);
    run_eax(CR4_PSE | CR4_PGE);
    ck_assert_uint_eq(m->cpu->cr4, CR4_PSE | CR4_PGE);
    /* PAE: directory pointers with reserved bits make MOV CR3 fault. */
    START(0, mov_cr3);
    memset(machine_mem(m, 0x9000), 0, 32);
    machine_st32(m, 0x9000, 0x100001);
    m->cpu->cr4 |= CR4_PAE;
    m->cpu->cr3 = 0x9000;
    machine_st32(m, 0x100000, 0x83);
    m->cpu->mmu.mode.cr4 = m->cpu->cr4;
    machine_st32(m, 0x9040, 0x100003); /* bit 1 is reserved in a pointer */
    machine_st32(m, 0x9044, 0);
    {
        struct mmu_mode mode = {.cr0 = m->cpu->cr0 | CR0_PG, .cr3 = 0x9000, .cr4 = m->cpu->cr4};
        ck_assert(mmu_set_mode(&m->cpu->mmu, &mode, true));
        m->cpu->cr0 |= CR0_PG;
        cpu_update_mode(m->cpu);
    }
    run_eax(0x9040);
    expect_error(m, EXC_GP, 0u);
    ck_assert_uint_eq(m->cpu->cr3, 0x9000);
    START(0, lmsw);
    run_eax(0xfffe); /* cannot clear PE */
    ck_assert_uint_eq(m->cpu->cr0 & 0xf, 0xf);
    START(3, smsw);
    machine_run(m, 1);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], m->cpu->cr0);
    START(0, clts);
    m->cpu->cr0 |= CR0_TS;
    machine_run(m, 10);
    ck_assert(!(m->cpu->cr0 & CR0_TS));
    START(3, clts);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

START_TEST(msrs)
{
    m = machine_new("pentium3", _i);
    START(0, rdmsr);
    m->cpu->gpr[REG_CX] = 0x12345;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(3, rdmsr);
    m->cpu->gpr[REG_CX] = 0x174;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, wrmsr);
    m->cpu->gpr[REG_CX] = 0x277; /* PAT with a reserved type */
    m->cpu->gpr[REG_AX] = 0x02;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(0, wrmsr);
    m->cpu->gpr[REG_CX] = 0x175;
    m->cpu->gpr[REG_AX] = 0xc0001000;
    m->cpu->gpr[REG_DX] = 0;
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->sysenter_esp, 0xc0001000);
    START(0, wrmsr);
    m->cpu->gpr[REG_CX] = 0x10;
    m->cpu->gpr[REG_AX] = 1000000;
    machine_run(m, 10);
    START(0, rdtsc);
    machine_run(m, 10);
    ck_assert_uint_lt(m->cpu->gpr[REG_AX], 1000000); /* reset cleared it */
    START(0, wrmsr);                                 /* no EFER on this model */
    m->cpu->gpr[REG_CX] = 0xc0000080u;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(3, rdtsc);
    m->cpu->cr4 |= CR4_TSD;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

/* Only a CPU that says so has IA32_ARCH_CAPABILITIES, and nobody writes it; the leaves of clocks. */
START_TEST(arch_capabilities)
{
    static const char *const without[] = {"pentium2", "qemu64", "qemu32,-arch-capabilities,-tsc-leaf"};
    u32 out[4];
    for (unsigned i = 0; i < ARRAY_LEN(without); i++) {
        m = machine_new(without[i], _i);
        cpuid_query(m->cpu, 7, 0, out);
        ck_assert(!(out[3] >> 29 & 1));
        START(0, rdmsr);
        m->cpu->gpr[REG_CX] = 0x10a;
        machine_run(m, 10);
        expect_error(m, EXC_GP, 0u);
        machine_free(m);
    }
    m = machine_new("qemu32", _i);
    cpuid_query(m->cpu, 0, 0, out);
    ck_assert_uint_ge(out[0], 7);
    cpuid_query(m->cpu, 7, 0, out);
    ck_assert(out[3] >> 29 & 1);
    /* Nobody has said what this machine's clocks are. */
    cpuid_query(m->cpu, 0x15, 0, out);
    ck_assert_uint_eq(out[0] | out[1] | out[2] | out[3], 0);
    m->cpu->hooks.crystal_hz = 25000000;
    cpuid_query(m->cpu, 0x15, 0, out);
    ck_assert_uint_eq(out[0], 1);
    ck_assert_uint_eq(out[1], 1);
    ck_assert_uint_eq(out[2], 25000000);
    cpuid_query(m->cpu, 0x16, 0, out);
    ck_assert_uint_eq(out[0], 25);
    START(0, rdmsr);
    m->cpu->gpr[REG_CX] = 0x10a;
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], 0x21); /* RDCL_NO, MDS_NO */
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DX], 0);
    START(0, wrmsr);
    m->cpu->gpr[REG_CX] = 0x10a;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

START_TEST(identification)
{
    struct err err;
    u64 feats;
    m = machine_new("pentium3,-sse", _i);
    START(3, cpuid);
    machine_run(m, 1);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_BX], 0x756e6547); /* "Genu" */
    ck_assert_uint_eq(m->cpu->gpr[REG_AX], 2);
    START(3, cpuid);
    m->cpu->gpr[REG_AX] = 1;
    machine_run(m, 1);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], 0x673);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DX] & BIT(25), 0);
    ck_assert_uint_ne((u32)m->cpu->gpr[REG_DX] & BIT(23), 0);
    cpu_reset(m->cpu);
    ck_assert_uint_eq(m->cpu->gpr[REG_DX], 0x673);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].base + m->cpu->rip, 0xfffffff0u);
    ck_assert_uint_eq(m->cpu->cr0, 0x60000010);
    machine_free(m);
    ck_assert_ptr_null(cpu_model_parse("z80", &feats, &err));
    ck_assert_ptr_null(cpu_model_parse("pentium,+warp", &feats, &err));
    ck_assert_ptr_null(cpu_model_parse("max,xsave=maybe", &feats, &err));
    ck_assert_ptr_nonnull(cpu_model_parse("max,xsave=off", &feats, &err));
    ck_assert(!(feats & (FEAT_BIT(XSAVE) | FEAT_BIT(AVX) | FEAT_BIT(AVX2))));
    ck_assert_ptr_nonnull(cpu_model_parse("qemu32,+avx2", &feats, &err));
    ck_assert(feats & FEAT_BIT(XSAVE) && feats & FEAT_BIT(AVX) && !(feats & FEAT_BIT(FMA)));
    ck_assert_ptr_nonnull(cpu_model_parse("qemu32,+sse4_1,-sse2", &feats, &err));
    ck_assert(feats & FEAT_BIT(SSE41));
    ck_assert(!(feats & FEAT_BIT(SSE2)));
}
END_TEST

START_TEST(fast_calls)
{
    m = machine_new("max", _i);
    START(3, sysenter);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u); /* SYSENTER_CS is 0 */
    START(3, sysenter);
    m->cpu->sysenter_cs = SEL_CODE0;
    m->cpu->sysenter_esp = 0x30000;
    m->cpu->sysenter_eip = 0x12000;
    m->cpu->eflags |= FL_IF;
    machine_code(m, 0x12000, halt);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->rip, 0x12001);
    ck_assert_uint_eq(m->cpu->cpl, 0);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SP], 0x30000);
    ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, SEL_CODE0 + 8);
    ck_assert(!(m->cpu->eflags & FL_IF));
    START(0, sysexit);
    m->cpu->sysenter_cs = SEL_CODE0;
    m->cpu->gpr[REG_CX] = AT_STACK3;
    m->cpu->gpr[REG_DX] = 0x12000;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->cpl, 3);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].sel, SEL_CODE3);
    ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, SEL_DATA3);
    ck_assert_uint_eq((u32)m->cpu->rip, 0x12000);
    START(3, sysexit);
    m->cpu->sysenter_cs = SEL_CODE0;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

START_TEST(tables)
{
    m = machine_new("max", _i);
    START(0, lgdt);
    machine_load(m, AT_DATA, "\xff\x0f\x78\x56\x34\x12", 6);
    m->cpu->gpr[REG_BX] = AT_DATA;
    m->cpu->gpr[REG_CX] = AT_DATA + 16;
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->gdt.base, 0x12345678);
    ck_assert_uint_eq(m->cpu->gdt.limit, 0xfff);
    ck_assert_int_eq(memcmp(machine_mem(m, AT_DATA), machine_mem(m, AT_DATA + 16), 6), 0);
    START(0, lgdt16); /* 24-bit base */
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->gdt.base, 0x345678);
    START(3, lgdt);
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

START_TEST(invalidation)
{
    m = machine_new("max", _i);
    START(0, invlpg);
    machine_paging(m);
    m->cpu->gpr[REG_BX] = AT_DATA;
    m->cpu->gpr[REG_DX] = AT_PAGES + 0x1000 + (AT_DATA >> 12) * 4;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_PF);
    /* The TLB may go on answering until INVLPG, and no longer. */
    ck_assert_uint_ge(machine_frame(m, 1), AT_CODE + 8);
    ck_assert_uint_le(machine_frame(m, 1), AT_CODE + (u32)(invlpg_end - invlpg_begin) - 3);
    machine_free(m);
}
END_TEST

START_TEST(mode_switch)
{
    m = machine_new("max", _i);
    machine_protected(m, 0, AT_CODE); /* writes the tables */
    machine_real(m, 0x6000);
    machine_code(m, 0x6000, go_pm);
    machine_load(m, 0x600, "\xff\x0f\x00\x10\x00\x00", 6);
    machine_code(m, AT_CODE, halt);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 1);
    ck_assert_uint_eq(m->cpu->code_bits, 32);
    ck_assert(m->cpu->mode_key & MK_FLAT_CS);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].sel, 8);
    /* And back: CS keeps the 16-bit attributes of the segment left from. */
    machine_real(m, 0x6000);
    machine_code(m, 0x6000, back_real);
    m->cpu->cr0 |= CR0_PE;
    cpu_update_mode(m->cpu);
    machine_code(m, 0x6100, halt);
    machine_run(m, 20);
    ck_assert_uint_eq(m->cpu->rip, 0x6101);
    ck_assert_uint_eq(m->cpu->code_bits, 16);
    ck_assert(cpu_real(m->cpu));
    machine_free(m);
}
END_TEST

SUITE_MAIN("sysop", control_registers, msrs, arch_capabilities, identification, fast_calls, tables, invalidation,
           mode_switch)

#else
int main(void)
{
    puts("sysop: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
