/* MMX and SSE instructions through exec: every encoding the decoder knows against the host,
 * registers, memory, MXCSR and flags; then availability, alignment, masked exceptions and the MMX
 * view of the x87 registers. */
#include "tests/unit/simd_fixture.h"
#include "tests/unit/fp_cases.h"

#ifdef __x86_64__

HOST_RUN(host_sse, "fxrstor (%%rsi)",
         "fxsave (%%rsi)\n fninit\n pushq $0x1f80\n ldmxcsr (%%rsp)\n popq %%rax")

enum { FX = 512, USED = 416, MEM = 64 };

/* Register lanes of every kind, so that each instruction often meets interesting ones. */
static u64 lane(u64 *seed, unsigned kind)
{
    u64 hi;
    switch (kind) {
    case 0: hi = rnd_ieee(seed, 23, 8); return hi << 32 | rnd_ieee(seed, 23, 8);
    case 1: return rnd_ieee(seed, 52, 11);
    case 2: return rnd_bits(seed);
    case 3: return rnd(seed) & 0x0303030303030303ull; /* small counts, equal bytes, zeroes */
    default: return rnd(seed) & 0x3f;
    }
}

static void random_state(struct fixture *f, u64 *seed)
{
    struct cpu *cpu = f->cpu;
    u64 r = rnd(seed);
    unsigned kind = r % 5;
    x87_init(cpu);
    cpu->fpu.top = r >> 8 & 7;
    cpu->fpu.empty = r >> 11 & 0xff;
    for (unsigned i = 0; i < 8; i++) {
        cpu->fpu.st[i] = (struct f80){lane(seed, kind), 0xffff};
        cpu->xmm[i].q[0] = lane(seed, kind);
        cpu->xmm[i].q[1] = lane(seed, kind);
    }
    if ((r >> 20 & 3) == 0)
        cpu->xmm[1] = cpu->xmm[2];
    for (unsigned i = 0; i < 4; i++)
        cpu->gpr[i] = (u32)lane(seed, r >> 22 & 1 ? 4 : kind);
    cpu_set_aflags(cpu, rnd(seed) & F_ALL);
    cpu->mxcsr = (u32)((r >> 24 & 3) << 13 | MXCSR_INIT);
    if ((r >> 28 & 7) == 0)
        cpu->mxcsr |= MXCSR_DAZ;
    if ((r >> 31 & 7) == 0)
        cpu->mxcsr |= MXCSR_FTZ;
    if ((r >> 34 & 15) == 0)
        cpu->mxcsr &= ~(u32)(r >> 40 & FP_ALL) << 7 | 0x7f | 0xe000 | MXCSR_FTZ;
    for (unsigned i = 0; i < MEM; i += 8)
        st64(data(f) + i, lane(seed, kind));
}

static void pack(const struct cpu *cpu, u8 fx[FX])
{
    memset(fx, 0, FX);
    st16(fx, cpu->fpu.cw);
    st16(fx + 2, x87_status(cpu));
    fx[4] = (u8)~cpu->fpu.empty;
    st32(fx + 24, cpu->mxcsr);
    st32(fx + 28, 0xffff);
    for (unsigned i = 0; i < 8; i++) {
        f80_store(fx + 32 + 16 * i, st_get(cpu, i));
        st64(fx + 160 + 16 * i, cpu->xmm[i].q[0]);
        st64(fx + 168 + 16 * i, cpu->xmm[i].q[1]);
    }
}

static void dump(const char *who, const u8 *fx, const u8 *mem, const u64 *gpr, u64 flags)
{
    printf("  %s mxcsr %04x sw %04x tags %02x flags %03x gpr %08x %08x %08x %08x\n", who,
           ld32(fx + 24), ld16(fx + 2), fx[4], (unsigned)flags, (u32)gpr[0], (u32)gpr[1],
           (u32)gpr[2], (u32)gpr[3]);
    for (unsigned i = 0; i < 4; i++)
        printf("    xmm%u %016llx %016llx st%u %016llx mem %016llx\n", i,
               (unsigned long long)ld64(fx + 168 + 16 * i),
               (unsigned long long)ld64(fx + 160 + 16 * i), i,
               (unsigned long long)ld64(fx + 32 + 16 * i), (unsigned long long)ld64(mem + 8 * i));
}

/* One random case. 1: agrees; 0: differs, described on stdout; -1: the host lacks the instruction.
 */
static int one_case(struct fixture *f, struct host *h, const u8 *code, unsigned n, u64 *seed)
{
    static u8 hfx[FX] __attribute__((aligned(64))), hmem[4096] __attribute__((aligned(4096)));
    u8 fx[FX], before[FX], mem0[MEM];
    struct cpu *cpu = f->cpu;
    struct host_regs regs;
    struct insn insn;
    char text[80];
    u64 gpr0[4];
    u32 mxcsr;
    int vector;
    bool same;
    decode(&insn, code, n, 32, ~0ull);
    random_state(f, seed);
    regs =
        (struct host_regs){cpu->gpr[0], cpu->gpr[1], cpu->gpr[2], cpu->gpr[3], cpu_aflags(cpu) | 2};
    memcpy(gpr0, cpu->gpr, sizeof(gpr0));
    pack(cpu, hfx);
    memcpy(before, hfx, FX);
    memcpy(hmem, data(f), MEM);
    memcpy(mem0, hmem, MEM);
    vector = -1;
    if (!host_sse(h, hfx, hmem, &regs)) {
        if (host_trap_sig == SIGILL)
            return -1;
        vector = host_trap_sig == SIGFPE ? EXC_XM : EXC_GP;
        mxcsr = host_trap_mxcsr;
        memcpy(hfx, before, FX);
        if (vector == EXC_XM)
            st32(hfx + 24, mxcsr);
        memcpy(&regs, gpr0, sizeof(gpr0));
        regs.flags = cpu_aflags(cpu);
    }
    same = run_insn(f, code, n) == vector;
    pack(cpu, fx);
    if (vector == EXC_XM && op_info[insn.op].attrs & OPA_MMX) {
        /* The unit is in MMX state behind the fault, too (tests/lock/cases), which the signal's frame is not asked
         * for here. */
        memcpy(hfx, fx, 24);
        memcpy(hfx + 32, fx + 32, 128);
    }
    regs.flags &= F_ALL;
    memset(hfx + 6, 0, 18); /* opcode and pointers */
    st32(hfx + 28, 0xffff); /* hosts have more MXCSR bits */
    memset(hfx + USED - 128, 0, FX - USED + 128);
    memset(fx + USED - 128, 0, FX - USED + 128);
    same = same && !memcmp(fx, hfx, FX) && !memcmp(data(f), hmem, MEM) &&
           (u32)regs.a == (u32)cpu->gpr[0] && (u32)regs.c == (u32)cpu->gpr[1] &&
           (u32)regs.d == (u32)cpu->gpr[2] && (u32)regs.b == (u32)cpu->gpr[3] &&
           regs.flags == cpu_aflags(cpu);
    if (same)
        return 1;
    printf("%s  host vector %d, exec %d\n", disasm(text, sizeof(text), &insn, 0), vector,
           cpu->exc_vector);
    dump("before", before, mem0, gpr0, 0);
    dump("host  ", hfx, hmem, (u64[]){regs.a, regs.c, regs.d, regs.b}, regs.flags);
    dump("exec  ", fx, data(f), cpu->gpr, cpu_aflags(cpu));
    return 0;
}

/* Is it an operation of ours whose answer is the same on every processor? */
static bool comparable(const struct insn *insn)
{
    if (!(op_info[insn->op].attrs & (OPA_MMX | OPA_SSE)))
        return false;
    switch (insn->op) {
    case OP_RCPPS:
    case OP_RCPSS:
    case OP_RSQRTPS:
    case OP_RSQRTSS: /* approximations */
    case OP_LDMXCSR: /* tested below */ return false;
    default: return true;
    }
}

/* All instructions of one map (0F, 0F 38, 0F 3A) and mandatory prefix. */
START_TEST(test_against_host)
{
    static const u8 prefixes[] = {0, 0x66, 0xf3, 0xf2};
    struct fixture f;
    struct host h;
    u64 seed = 0x2545f4914f6cdd1dull + (u64)_i;
    unsigned map = (unsigned)_i % 3, prefix = prefixes[_i / 3], tried = 0;
    int cases = getenv("FP_CASES") ? atoi(getenv("FP_CASES")) : 2500, bad = 0;
    fixture_open(&f);
    host_open(&h);
    for (unsigned op = 0; op < 256; op++) {
        if (!map && (op == 0x38 || op == 0x3a))
            continue; /* the other maps */
        for (int i = 0, here = 0; i < cases && here < 2; i++) {
            u8 code[8], n = 0, modrm;
            u64 r = rnd(&seed);
            struct insn insn;
            int ok;
            if (prefix)
                code[n++] = (u8)prefix;
            code[n++] = 0x0f;
            if (map)
                code[n++] = map == 1 ? 0x38 : 0x3a;
            code[n++] = (u8)op;
            /* Register 0..3 or [edi]; group opcodes need the reg field whole. */
            modrm = (u8)((r & 3) == 0 ? 7 : 0xc0 | (r >> 8 & 3));
            modrm |= (u8)((map == 0 && op >= 0x71 && op <= 0x73 ? r >> 16 & 7 : r >> 16 & 3) << 3);
            code[n++] = modrm;
            code[n++] = (u8)(r >> 24);
            if (decode(&insn, code, n, 32, ~0ull) != DEC_OK || !comparable(&insn))
                continue;
            tried++;
            host_code(&h, code, insn.len);
            ok = one_case(&f, &h, code, insn.len, &seed);
            if (ok < 0)
                break;
            if (!ok)
                here++, bad++;
        }
    }
    host_close(&h);
    fixture_close(&f);
    ck_assert_int_eq(bad, 0);
    if (prefix == 0x66)
        ck_assert_uint_gt(tried, 1000);
}
END_TEST

#endif

/* ---- availability ---- */
START_TEST(test_unavailable)
{
    struct fixture f;
    fixture_open(&f);
    data(&f);
    f.cpu->cr4 &= ~(u32)CR4_OSFXSR;
    ck_assert_int_eq(RUN(&f, 0x0f, 0x58, 0xc1), EXC_UD);       /* ADDPS */
    ck_assert_int_eq(RUN(&f, 0x66, 0x0f, 0xef, 0xc1), EXC_UD); /* PXOR xmm */
    ck_assert_int_eq(RUN(&f, 0x0f, 0xef, 0xc1), -1);           /* PXOR mm */
    ck_assert_int_eq(RUN(&f, 0x0f, 0x70, 0xc1, 0x1b), -1);     /* PSHUFW */
    f.cpu->cr4 |= CR4_OSFXSR;
    f.cpu->cr0 |= CR0_TS;
    ck_assert_int_eq(RUN(&f, 0x0f, 0x58, 0xc1), EXC_NM);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xef, 0xc1), EXC_NM);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x1f), EXC_NM); /* STMXCSR */
    f.cpu->cr0 |= CR0_EM;
    ck_assert_int_eq(RUN(&f, 0x0f, 0x58, 0xc1), EXC_UD);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xef, 0xc1), EXC_UD);
    fixture_close(&f);
}
END_TEST

START_TEST(test_alignment)
{
    struct fixture f;
    fixture_open(&f);
    data(&f);
    f.cpu->gpr[REG_DI] = DATA + 8;
    ck_assert_int_eq(RUN(&f, 0x0f, 0x28, 0x07), EXC_GP);       /* MOVAPS load */
    ck_assert_int_eq(RUN(&f, 0x0f, 0x29, 0x07), EXC_GP);       /* ... store */
    ck_assert_int_eq(RUN(&f, 0x0f, 0x58, 0x07), EXC_GP);       /* ADDPS */
    ck_assert_int_eq(RUN(&f, 0x66, 0x0f, 0xe7, 0x07), EXC_GP); /* MOVNTDQ */
    ck_assert_int_eq(RUN(&f, 0x0f, 0x10, 0x07), -1);           /* MOVUPS */
    ck_assert_int_eq(RUN(&f, 0xf3, 0x0f, 0x6f, 0x07), -1);     /* MOVDQU */
    ck_assert_int_eq(RUN(&f, 0xf3, 0x0f, 0x58, 0x07), -1);     /* ADDSS */
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x07), EXC_GP);       /* FXSAVE */
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x0f), EXC_GP);       /* FXRSTOR */
    fixture_close(&f);
}
END_TEST

START_TEST(test_mxcsr)
{
    struct fixture f;
    u8 *m;
    fixture_open(&f);
    m = data(&f);
    st32(m, 0x9fc0);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x17), -1);
    ck_assert_uint_eq(f.cpu->mxcsr, 0x9fc0);
    st32(m, 0x11f80);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x17), EXC_GP);
    ck_assert_uint_eq(f.cpu->mxcsr, 0x9fc0);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x5f, 0x10), -1);
    ck_assert_uint_eq(ld32(m + 16), 0x9fc0);
    /* Without SSE2 there is no DAZ. */
    f.cpu->feats &= ~FEAT_BIT(SSE2);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x57, 0x10), EXC_GP);
    fixture_close(&f);
}
END_TEST

/* An unmasked divide by zero: #XM, or #UD while the system has not announced a handler; the
 * destination stays. */
START_TEST(test_xm)
{
    struct fixture f;
    fixture_open(&f);
    f.cpu->xmm[0].q[0] = f.cpu->xmm[0].q[1] = 0x3f8000003f800000;
    f.cpu->mxcsr = MXCSR_INIT & ~(FP_ZE << 7);
    ck_assert_int_eq(RUN(&f, 0x0f, 0x5e, 0xc1), EXC_XM);
    ck_assert_uint_eq(f.cpu->mxcsr & FP_ALL, FP_ZE);
    ck_assert_uint_eq(f.cpu->xmm[0].q[0], 0x3f8000003f800000);
    f.cpu->cr4 &= ~(u32)CR4_OSXMMEXCPT;
    ck_assert_int_eq(RUN(&f, 0x0f, 0x5e, 0xc1), EXC_UD);
    f.cpu->mxcsr = MXCSR_INIT;
    ck_assert_int_eq(RUN(&f, 0x0f, 0x5e, 0xc1), -1);
    ck_assert_uint_eq(f.cpu->xmm[0].d[3], 0x7f800000);
    fixture_close(&f);
}
END_TEST

/* MMX instructions take over the x87 stack; EMMS empties it. */
START_TEST(test_aliasing)
{
    struct fixture f;
    fixture_open(&f);
    data(&f);
    RUN(&f, 0xd9, 0xe8);
    RUN(&f, 0xd9, 0xeb);
    ck_assert_uint_eq(f.cpu->fpu.top, 6);
    f.cpu->gpr[0] = 0x12345678;
    ck_assert_int_eq(RUN(&f, 0x0f, 0x6e, 0xd8), -1); /* MOVD mm3, eax */
    ck_assert_uint_eq(f.cpu->fpu.top, 0);
    ck_assert_uint_eq(f.cpu->fpu.empty, 0);
    ck_assert_uint_eq(f.cpu->fpu.st[3].frac, 0x12345678);
    ck_assert_uint_eq(f.cpu->fpu.st[3].se, 0xffff);
    ck_assert_uint_eq(f.cpu->fpu.st[7].frac, 1ull << 63);
    ck_assert_int_eq(RUN(&f, 0x0f, 0x77), -1);
    ck_assert_uint_eq(f.cpu->fpu.empty, 0xff);
    fixture_close(&f);
}
END_TEST

/* A faulting MMX load changes neither the register nor the tags. */
START_TEST(test_restart)
{
    struct fixture f;
    fixture_open(&f);
    data(&f);
    f.cpu->seg[SEG_DS].limit = 0xfff;
    seg_update(f.cpu, SEG_DS);
    ck_assert_int_eq(RUN(&f, 0x0f, 0x6f, 0x07), EXC_GP);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xfc, 0x07), EXC_GP);
    ck_assert_int_eq(RUN(&f, 0x0f, 0x7f, 0x07), EXC_GP);
    ck_assert_uint_eq(f.cpu->fpu.empty, 0xff);
    f.cpu->fpu.st[1].frac = 0x80; /* the mask of MASKMOVQ: one byte at [edi] */
    ck_assert_int_eq(RUN(&f, 0x0f, 0xf7, 0xc1), EXC_GP);
    fixture_close(&f);
}
END_TEST

START_TEST(test_fxsave)
{
    struct fixture f;
    struct fpu fpu;
    u8 *m;
    fixture_open(&f);
    m = data(&f);
    memset(m, 0xcc, 512);
    RUN(&f, 0xd9, 0xeb);
    f.cpu->xmm[7].q[1] = 0x0123456789abcdef;
    f.cpu->mxcsr = 0x1fa0;
    fpu = f.cpu->fpu;
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x07), -1);
    ck_assert_uint_eq(ld16(m), CW_INIT);
    ck_assert_uint_eq(ld16(m + 2), 7 << 11);
    ck_assert_uint_eq(m[4], 0x80);
    ck_assert_uint_eq(ld32(m + 8), CODE);
    ck_assert_uint_eq(ld32(m + 24), 0x1fa0);
    ck_assert_uint_eq(ld32(m + 28), 0xffff);
    ck_assert_uint_eq(ld64(m + 32), 0xc90fdaa22168c235);
    ck_assert_uint_eq(ld64(m + 160 + 7 * 16 + 8), 0x0123456789abcdef);
    ck_assert_uint_eq(m[500], 0xcc);
    RUN(&f, 0xdb, 0xe3);
    f.cpu->xmm[7].q[1] = 0;
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x0f), -1);
    ck_assert_uint_eq(f.cpu->fpu.top, fpu.top);
    ck_assert_uint_eq(f.cpu->fpu.empty, fpu.empty);
    ck_assert_uint_eq(f.cpu->fpu.fip, fpu.fip);
    ck_assert_uint_eq(f.cpu->fpu.st[7].frac, 0xc90fdaa22168c235);
    ck_assert_uint_eq(f.cpu->xmm[7].q[1], 0x0123456789abcdef);
    st32(m + 24, 0x10000);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x0f), EXC_GP);
    /* Without CR4.OSFXSR the XMM registers stay out of it. */
    f.cpu->cr4 &= ~(u32)CR4_OSFXSR;
    memset(m, 0xcc, 512);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x07), -1);
    ck_assert_uint_eq(m[160], 0xcc);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sse");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;
    setvbuf(stdout, NULL, _IONBF, 0);
    tcase_set_timeout(tc, 40);
    tcase_add_test(tc, test_unavailable);
    tcase_add_test(tc, test_alignment);
    tcase_add_test(tc, test_mxcsr);
    tcase_add_test(tc, test_xm);
    tcase_add_test(tc, test_aliasing);
    tcase_add_test(tc, test_restart);
    tcase_add_test(tc, test_fxsave);
#ifdef __x86_64__
    tcase_add_loop_test(tc, test_against_host, 0, 12);
#else
    puts("sse: not an x86-64 host, no comparison with it");
#endif
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
