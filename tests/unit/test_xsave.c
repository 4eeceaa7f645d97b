/* XSAVE, XSAVEOPT, XSAVEC, XRSTOR, XGETBV, XSETBV: the image, partial requests, initial states,
 * every rejection; images against the host's; what CPUID says of them. */
#include "tests/unit/simd_fixture.h"
#include "cpu/exec/avx.h"
#include "cpu/sys/cpuid.h"
#include "tests/unit/fp_cases.h"

enum { SIZE = 832 };

/* The state enabled; 64-bit code with `wide`. */
static struct cpu *prepare(struct fixture *f, bool wide)
{
    struct cpu *cpu;
    fixture_open(f);
    cpu = f->cpu;
    if (wide) {
        cpu->efer = EFER_LME | EFER_LMA;
        cpu->seg[SEG_CS].attr = (cpu->seg[SEG_CS].attr | DA_L) & ~(u32)DA_DB;
        cpu_update_mode(cpu);
        seg_update_all(cpu);
    }
    cpu->cr4 |= CR4_OSXSAVE;
    cpu->xcr0 = 7;
    memset(data(f), 0, 1024);
    return cpu;
}

static void request(struct cpu *cpu, u32 components)
{
    cpu->gpr[REG_AX] = components;
    cpu->gpr[REG_DX] = 0;
}

#define XSAVE(f)    RUN(f, 0x0f, 0xae, 0x27)
#define XRSTOR(f)   RUN(f, 0x0f, 0xae, 0x2f)
#define XSAVEOPT(f) RUN(f, 0x0f, 0xae, 0x37)
#define XSAVEC(f)   RUN(f, 0x0f, 0xc7, 0x27)
#define XGETBV(f)   RUN(f, 0x0f, 0x01, 0xd0)
#define XSETBV(f)   RUN(f, 0x0f, 0x01, 0xd1)

static void fill(struct cpu *cpu, u64 seed)
{
    for (unsigned i = 0; i < 16; i++) {
        cpu->xmm[i] = (union xmm){.q = {rnd(&seed), rnd(&seed)}};
        cpu->ymmh[i] = (union xmm){.q = {rnd(&seed), rnd(&seed)}};
    }
    x87_init(cpu);
    for (unsigned i = 0; i < 8; i++)
        cpu->fpu.st[i] = (struct f80){rnd(&seed) | 1ull << 63, (u16)(rnd(&seed) & 0x7fff)};
    cpu->fpu.top = rnd(&seed) & 7;
    cpu->fpu.empty = (u8)rnd(&seed);
    cpu->fpu.cw = 0x27f;
    cpu->mxcsr = 0x1fa0;
}

START_TEST(test_round_trip)
{
    struct fixture f;
    struct cpu *cpu = prepare(&f, _i & 1);
    unsigned n = _i & 1 ? 16 : 8, which = (unsigned)_i >> 1;
    union xmm xmm[16], ymmh[16];
    struct fpu fpu;
    fill(cpu, 0x1234567 + (u64)_i);
    cpu->xmm[15].q[0] = 5;
    memcpy(xmm, cpu->xmm, sizeof(xmm));
    memcpy(ymmh, cpu->ymmh, sizeof(ymmh));
    fpu = cpu->fpu;
    request(cpu, which);
    ck_assert_int_eq(XSAVE(&f), -1);
    ck_assert_uint_eq(ld64(data(&f) + 512), which);
    ck_assert_uint_eq(ld64(data(&f) + 520), 0);
    ck_assert_uint_eq(ld32(data(&f) + 24), which & 6 ? 0x1fa0 : 0);
    ck_assert_uint_eq(ld64(data(&f) + 160 + 16 * 3), which & 2 ? xmm[3].q[0] : 0);
    ck_assert_uint_eq(ld64(data(&f) + 160 + 16 * 15), which & 2 && n == 16 ? 5 : 0);
    ck_assert_uint_eq(ld64(data(&f) + 576 + 16 * 7 + 8), which & 4 ? ymmh[7].q[1] : 0);
    ck_assert_uint_eq(ld16(data(&f)), which & 1 ? 0x27f : 0);
    /* Restored with everything asked for: what the image lacks becomes initial. */
    fill(cpu, 0x7654321);
    request(cpu, 7);
    st32(data(&f) + 24, 0x1fa0);
    ck_assert_int_eq(XRSTOR(&f), -1);
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(cpu->xmm[i].q[1], which & 2 ? xmm[i].q[1] : 0);
        ck_assert_uint_eq(cpu->ymmh[i].q[0], which & 4 ? ymmh[i].q[0] : 0);
    }
    if (n == 8)
        ck_assert_uint_ne(cpu->xmm[8].q[1], 0); /* out of reach */
    ck_assert_uint_eq(cpu->mxcsr, 0x1fa0);
    ck_assert_uint_eq(cpu->fpu.cw, which & 1 ? 0x27f : 0x37f);
    ck_assert_uint_eq(cpu->fpu.empty, which & 1 ? fpu.empty : 0xff);
    ck_assert_uint_eq(cpu->fpu.st[2].frac, which & 1 ? fpu.st[2].frac : 0);
    ck_assert_uint_eq(cpu->fpu.top, which & 1 ? fpu.top : 0);
    fixture_close(&f);
}
END_TEST

/* Initial components are not saved by XSAVEOPT and XSAVEC, and are marked absent by all. */
START_TEST(test_initial)
{
    struct fixture f;
    struct cpu *cpu = prepare(&f, true);
    fill(cpu, 99);
    memset(cpu->ymmh, 0, sizeof(cpu->ymmh));
    memset(data(&f), 0xaa, SIZE);
    request(cpu, 7);
    ck_assert_int_eq(XSAVEOPT(&f), -1);
    ck_assert_uint_eq(ld64(data(&f) + 512), (0xaaaaaaaaaaaaaaaaull & ~7ull) | 3);
    ck_assert_uint_eq(data(&f)[576], 0xaa);
    ck_assert_uint_eq(data(&f)[520], 0xaa);
    ck_assert_int_eq(XSAVE(&f), -1);
    ck_assert_uint_eq(data(&f)[576], 0);
    cpu->ymmh[3].q[0] = 1;
    memset(cpu->xmm, 0, sizeof(cpu->xmm));
    memset(data(&f), 0xaa, SIZE);
    ck_assert_int_eq(XSAVEC(&f), -1);
    ck_assert_uint_eq(ld64(data(&f) + 512), 7); /* MXCSR is not initial */
    ck_assert_uint_eq(ld64(data(&f) + 520), 7 | 1ull << 63);
    ck_assert_uint_eq(ld64(data(&f) + 576 + 48), 1);
    cpu->mxcsr = 0x1f80;
    cpu->ymmh[3].q[0] = 0;
    ck_assert_int_eq(XSAVEC(&f), -1);
    ck_assert_uint_eq(ld64(data(&f) + 512), 1);
    /* XRSTOR takes the compacted form. */
    memset(data(&f) + 528, 0, 48);
    cpu->xmm[1].q[1] = cpu->ymmh[1].q[1] = 77;
    cpu->mxcsr = 0x1fbf;
    ck_assert_int_eq(XRSTOR(&f), -1);
    ck_assert_uint_eq(cpu->xmm[1].q[1] | cpu->ymmh[1].q[1], 0);
    ck_assert_uint_eq(cpu->mxcsr, 0x1f80);
    st64(data(&f) + 528, 1);
    ck_assert_int_eq(XRSTOR(&f), EXC_GP);
    fixture_close(&f);
}
END_TEST

START_TEST(test_rejections)
{
    struct fixture f;
    struct cpu *cpu = prepare(&f, true);
    request(cpu, 7);
    cpu->cr4 &= ~(u32)CR4_OSXSAVE;
    ck_assert_int_eq(XSAVE(&f), EXC_UD);
    ck_assert_int_eq(XRSTOR(&f), EXC_UD);
    ck_assert_int_eq(XGETBV(&f), EXC_UD);
    ck_assert_int_eq(XSETBV(&f), EXC_UD);
    cpu->cr4 |= CR4_OSXSAVE;
    cpu->cr0 |= CR0_TS;
    ck_assert_int_eq(XSAVE(&f), EXC_NM);
    ck_assert_int_eq(XRSTOR(&f), EXC_NM);
    cpu->cr0 &= ~(u32)CR0_TS;
    for (unsigned off = 1; off < 64; off++) {
        cpu->gpr[REG_DI] = DATA + off;
        ck_assert_int_eq(XSAVE(&f), EXC_GP);
        ck_assert_int_eq(XRSTOR(&f), EXC_GP);
    }
    data(&f);
    ck_assert_int_eq(XRSTOR(&f), -1);
    st64(data(&f) + 512, 8); /* a component that is not enabled */
    ck_assert_int_eq(XRSTOR(&f), EXC_GP);
    st64(data(&f) + 512, 1ull << 63);
    ck_assert_int_eq(XRSTOR(&f), EXC_GP);
    st64(data(&f) + 512, 0);
    for (unsigned off = 520; off < 536; off++) {
        data(&f)[off] = 1; /* the compacted form is bit 63 of the first of these */
        ck_assert_int_eq(XRSTOR(&f), EXC_GP);
        data(&f)[off] = 0;
    }
    st32(data(&f) + 24, 0x10000);
    ck_assert_int_eq(XRSTOR(&f), EXC_GP);
    request(cpu, 1); /* MXCSR is not looked at */
    ck_assert_int_eq(XRSTOR(&f), -1);
    request(cpu, 4);
    ck_assert_int_eq(XRSTOR(&f), EXC_GP);
    fixture_close(&f);
}
END_TEST

START_TEST(test_xcr0)
{
    static const struct {
        u32 low, high, ecx;
        int vector;
    } rows[] = {
        {1, 0, 0, -1},     {3, 0, 0, -1},     {7, 0, 0, -1},        {0, 0, 0, EXC_GP},
        {2, 0, 0, EXC_GP}, {5, 0, 0, EXC_GP}, {8, 0, 0, EXC_GP},    {0xf, 0, 0, EXC_GP},
        {7, 1, 0, EXC_GP}, {7, 0, 1, EXC_GP}, {0xe7, 0, 0, EXC_GP},
    };
    struct fixture f;
    struct cpu *cpu = prepare(&f, false);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        cpu->gpr[REG_AX] = rows[i].low;
        cpu->gpr[REG_DX] = rows[i].high;
        cpu->gpr[REG_CX] = rows[i].ecx;
        cpu->xcr0 = 1;
        ck_assert_int_eq(XSETBV(&f), rows[i].vector);
        ck_assert_uint_eq(cpu->xcr0, rows[i].vector < 0 ? rows[i].low : 1);
    }
    cpu->xcr0 = 7;
    cpu->gpr[REG_CX] = 0;
    ck_assert_int_eq(XGETBV(&f), -1);
    ck_assert_uint_eq(cpu->gpr[REG_AX], 7);
    memset(cpu->xmm, 0, sizeof(cpu->xmm));
    cpu->ymmh[2].q[1] = 1;
    cpu->gpr[REG_CX] = 1;
    ck_assert_int_eq(XGETBV(&f), -1);
    ck_assert_uint_eq(cpu->gpr[REG_AX], 4);
    cpu->gpr[REG_CX] = 2;
    ck_assert_int_eq(XGETBV(&f), EXC_GP);
    cpu->gpr[REG_CX] = 0;
    cpu->gpr[REG_AX] = 7;
    cpu->cpl = 3;
    ck_assert_int_eq(XSETBV(&f), EXC_GP);
    fixture_close(&f);
}
END_TEST

START_TEST(test_cpuid)
{
    struct fixture f;
    struct cpu *cpu = prepare(&f, false);
    u32 out[4];
    cpuid_query(cpu, 0xd, 0, out);
    ck_assert_uint_eq(out[0], 7);
    ck_assert_uint_eq(out[1], 832);
    ck_assert_uint_eq(out[2], 832);
    cpu->xcr0 = 3;
    cpuid_query(cpu, 0xd, 0, out);
    ck_assert_uint_eq(out[1], 576);
    cpuid_query(cpu, 0xd, 1, out);
    ck_assert_uint_eq(out[0], 7);
    cpuid_query(cpu, 0xd, 2, out);
    ck_assert_uint_eq(out[0], 256);
    ck_assert_uint_eq(out[1], 576);
    cpuid_query(cpu, 0xd, 3, out);
    ck_assert_uint_eq(out[0] | out[1] | out[2] | out[3], 0);
    cpuid_query(cpu, 1, 0, out);
    ck_assert(out[2] & BIT(27)); /* OSXSAVE mirrors CR4 */
    cpu->cr4 &= ~(u32)CR4_OSXSAVE;
    cpuid_query(cpu, 1, 0, out);
    ck_assert(!(out[2] & BIT(27)));
    /* The last leaf is that of what the CPU has. */
    cpuid_query(cpu, 0, 0, out);
    ck_assert_uint_eq(out[0], 0x16);
    cpu->feats &= ~FEAT_BIT(TSC_LEAF);
    cpuid_query(cpu, 0, 0, out);
    ck_assert_uint_eq(out[0], 0xd);
    cpu->feats &= ~FEAT_BIT(XSAVE);
    cpuid_query(cpu, 0, 0, out);
    ck_assert_uint_eq(out[0], 7);
    fixture_close(&f);
}
END_TEST

#ifdef __x86_64__

HOST_RUN(host_image, "movl $7, %%eax\n xorl %%edx, %%edx\n xrstor64 (%%rsi)",
         "fninit\n vzeroupper\n pushq $0x1f80\n ldmxcsr (%%rsp)\n popq %%rax")

/* What the host saves of a state is what we save of it, for every request. */
START_TEST(test_against_host)
{
    static u8 before[SIZE] __attribute__((aligned(64))), mem[4096] __attribute__((aligned(64)));
    static const u8 code[] = {0x48, 0x0f, 0xae, 0x27}; /* XSAVE64 [rdi] */
    struct fixture f;
    struct host h;
    u64 seed = 0xabcdef;
    if (!__builtin_cpu_supports("avx"))
        return;
    host_open(&h);
    host_code(&h, code, sizeof(code));
    for (int i = 0; i < 400; i++) {
        struct cpu *cpu = prepare(&f, true);
        struct host_regs r = {.a = (u64)i & 7, .flags = 2};
        u64 bv;
        fill(cpu, rnd(&seed));
        cpu->fpu.sw = (u16)(rnd(&seed) & 0x4700);
        request(cpu, 7);
        ck_assert_int_eq(run_insn(&f, code, sizeof(code)), -1);
        memcpy(before, data(&f), SIZE);
        memset(mem, 0x55, sizeof(mem));
        memset(mem + 512, 0, 64);
        memcpy(data(&f), mem, SIZE);
        request(cpu, (u32)i & 7);
        ck_assert(host_image(&h, before, mem, &r));
        ck_assert_int_eq(run_insn(&f, code, sizeof(code)), -1);
        bv = ld64(data(&f) + 512);
        ck_assert_uint_eq(bv, ld64(mem + 512));
        if (i & 6)
            memcpy(mem + 28, data(&f) + 28, 4); /* hosts have more MXCSR bits */
        /* Processors keep pointers and opcode in their own ways. */
        memcpy(mem + 5, data(&f) + 5, 19);
        memcpy(mem + 416, data(&f) + 416, 96);
        for (unsigned k = 0; k < 8; k++) /* six bytes behind each register are anyone's */
            memcpy(mem + 32 + 16 * k + 10, data(&f) + 32 + 16 * k + 10, 6);
        ck_assert_msg(!memcmp(mem, data(&f), SIZE), "request %d", i & 7);
        fixture_close(&f);
    }
    host_close(&h);
}
END_TEST

#endif

int main(void)
{
    Suite *s = suite_create("xsave");
    TCase *tc = tcase_create("xsave");
    SRunner *sr;
    int failed;
    tcase_add_loop_test(tc, test_round_trip, 0, 16);
    tcase_add_test(tc, test_initial);
    tcase_add_test(tc, test_rejections);
    tcase_add_test(tc, test_xcr0);
    tcase_add_test(tc, test_cpuid);
#ifdef __x86_64__
    tcase_add_test(tc, test_against_host);
#endif
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
