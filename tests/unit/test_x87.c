/* x87 instructions through exec: every encoding against the host (registers, tags, status, memory,
 * flags), then what the host cannot show: #NM, #MF and FERR#, image layouts, restartability. */
#include "tests/unit/simd_fixture.h"
#include "tests/unit/fp_cases.h"

#ifdef __x86_64__

/* FRSTOR faults on nothing here: pending exceptions are never loaded. FNSAVE does not wait. */
HOST_RUN(host_x87, "frstor (%%rsi)", "fnsave (%%rsi)\n fninit")

enum { IMG_SIZE = 108 };

/* The image FNSAVE makes of the guest's state in the 32-bit protected format. */
static void pack(const struct cpu *cpu, u8 img[IMG_SIZE])
{
    memset(img, 0, IMG_SIZE);
    st32(img, 0xffff0000 | cpu->fpu.cw);
    st32(img + 4, 0xffff0000 | x87_status(cpu));
    st32(img + 8, 0xffff0000 | x87_tags(cpu));
    for (unsigned i = 0; i < 8; i++)
        f80_store(img + 28 + 10 * i, st_get(cpu, i));
}

static void clear_pointers(u8 *img)
{
    memset(img + 12, 0, 16);
}

static void random_state(struct fixture *f, u64 *seed)
{
    static const u8 precs[] = {FP_PC24, FP_PC53, FP_PC64, FP_PC64};
    struct cpu *cpu = f->cpu;
    u64 r = rnd(seed);
    u8 masks = (r & 3) ? FP_ALL : r >> 8 & FP_ALL;
    cpu->fpu.cw = (u16)(CW_ONE | masks | precs[r >> 16 & 3] << 8 | (r >> 18 & 3) << 10);
    cpu->fpu.sw = (u16)(r >> 24 & (SW_CC | SW_SF | FP_ALL) & ~(FP_ALL & ~masks));
    cpu->fpu.top = r >> 40 & 7;
    cpu->fpu.empty = r >> 43 & 1 ? 0 : r >> 48 & 0xff;
    if ((r >> 44 & 3) == 0)
        cpu->fpu.empty |= (u8)BIT(st_phys(cpu, 7));
    for (unsigned i = 0; i < 8; i++)
        cpu->fpu.st[i] = rnd_f80(seed);
    cpu_set_aflags(cpu, rnd(seed) & F_ALL);
    for (unsigned i = 0; i < 4; i++)
        cpu->gpr[i] = (u32)rnd(seed);
}

static void random_memory(u8 *m, u64 *seed)
{
    struct f80 v = rnd_f80(seed);
    for (unsigned i = 0; i < 128; i += 8)
        st64(m + i, rnd_bits(seed));
    switch (rnd(seed) & 3) {
    case 0: st64(m, rnd_ieee(seed, 23, 8)); break;
    case 1: st64(m, rnd_ieee(seed, 52, 11)); break;
    case 2: f80_store(m, v); break;
    default:
        for (unsigned i = 0; i < 9; i++)
            m[i] = (u8)(rnd(seed) % 10 << 4 | rnd(seed) % 10);
        m[9] = (u8)(rnd(seed) & 0x80);
        break;
    }
}

/* Results that may be a unit in the last place apart. */
static bool transcendental(u16 op)
{
    switch (op) {
    case OP_F2XM1:
    case OP_FYL2X:
    case OP_FYL2XP1:
    case OP_FPATAN:
    case OP_FPTAN:
    case OP_FSIN:
    case OP_FCOS:
    case OP_FSINCOS: return true;
    default: return false;
    }
}

/* A bit pair per empty register. */
static u16 empties(const u8 *img)
{
    return ld16(img + 8) & ld16(img + 8) >> 1 & 0x5555;
}

/* Within a unit in the last place, across the borders of binades and of denormals too. */
static bool close_to(const u8 *a, const u8 *b)
{
    s64 d = (s64)(ld64(a) - ld64(b));
    int e = ld16(a + 8) - ld16(b + 8);
    if (e == 0 || ((ld16(a + 8) & 0x7fff) <= 1 && (ld16(b + 8) & 0x7fff) <= 1))
        return d >= -1 && d <= 1;
    return e == 1 ? ld64(a) == 1ull << 63 && ld64(b) == ~0ull
                  : e == -1 && ld64(b) == 1ull << 63 && ld64(a) == ~0ull;
}

static void dump(const char *who, const u8 *img, const u8 *mem, u64 flags)
{
    printf("  %s cw %04x sw %04x tw %04x flags %03x mem", who, ld16(img), ld16(img + 4),
           ld16(img + 8), (unsigned)flags);
    for (int i = 9; i >= 0; i--)
        printf("%s%02x", i == 9 ? " " : "", mem[i]);
    for (unsigned i = 0; i < 8; i++)
        printf("%s%04x:%016llx", i & 3 ? " " : "\n    ", ld16(img + 36 + 10 * i),
               (unsigned long long)ld64(img + 28 + 10 * i));
    printf("\n");
}

/* One random case of the instruction d8+esc modrm; false with a description when the host differs.
 */
static bool one_case(struct fixture *f, struct host *h, const u8 *code, unsigned n, u64 *seed)
{
    static u8 hmem[512] __attribute__((aligned(64)));
    u8 before[IMG_SIZE], himg[IMG_SIZE], img[IMG_SIZE], mem0[128];
    struct cpu *cpu = f->cpu;
    struct host_regs regs;
    struct insn insn;
    u8 *mem = data(f);
    char text[64];
    int vector;
    bool same;
    decode(&insn, code, n, 32, ~0ull);
    random_state(f, seed);
    cpu->gpr[REG_DI] = DATA;
    random_memory(mem, seed);
    if (insn.op == OP_FBLD)
        for (unsigned i = 0; i < 9; i++)
            mem[i] = (u8)(rnd(seed) % 10 << 4 | rnd(seed) % 10);
    memcpy(hmem, mem, 128);
    memcpy(mem0, mem, 128);
    regs =
        (struct host_regs){cpu->gpr[0], cpu->gpr[1], cpu->gpr[2], cpu->gpr[3], cpu_aflags(cpu) | 2};
    pack(cpu, before);
    memcpy(himg, before, IMG_SIZE);
    if (!host_x87(h, himg, hmem, &regs)) {
        printf("host signal %d\n", host_trap_sig);
        return false;
    }
    vector = run_insn(f, code, n);
    pack(cpu, img);
    clear_pointers(himg);
    clear_pointers(img);
    if (insn.op == OP_FNSTENV || insn.op == OP_FNSAVE) {
        clear_pointers(mem);
        clear_pointers(hmem);
    }
    regs.flags &= F_ALL;
    if (transcendental(insn.op)) {
        for (unsigned i = 0; i < 8; i++)
            if (close_to(img + 28 + 10 * i, himg + 28 + 10 * i))
                memcpy(himg + 28 + 10 * i, img + 28 + 10 * i, 10);
        /* ... which can turn a denormal into a normal number. */
        if (empties(img) == empties(himg))
            st16(himg + 8, ld16(img + 8));
        st16(himg + 4, (u16)((ld16(himg + 4) & ~SW_C1) | (ld16(img + 4) & SW_C1)));
    }
    same = vector == -1 && !memcmp(himg, img, IMG_SIZE) && !memcmp(mem, hmem, 128) &&
           (u32)regs.a == (u32)cpu->gpr[0] && regs.flags == cpu_aflags(cpu);
    if (same)
        return true;
    printf("%s  %02x %02x vector %d ax %04x %04x\n", disasm(text, sizeof(text), &insn, 0), code[0],
           code[1], vector, (u16)regs.a, (u16)cpu->gpr[0]);
    dump("before", before, mem0, 0);
    dump("host  ", himg, hmem, regs.flags);
    dump("exec  ", img, mem, cpu_aflags(cpu));
    return false;
}

/* All encodings of one escape byte: memory forms, then register forms. */
START_TEST(test_against_host)
{
    struct fixture f;
    struct host h;
    u64 seed = 0x5851f42d4c957f2dull + (u64)_i;
    int cases = getenv("FP_CASES") ? atoi(getenv("FP_CASES")) : 1500, bad = 0;
    fixture_open(&f);
    host_open(&h);
    for (unsigned m = 0; m < 72; m++) {
        u8 code[2] = {(u8)(0xd8 + _i), (u8)(m < 8 ? m << 3 | 7 : 0xc0 + m - 8)};
        struct insn insn;
        if (decode(&insn, code, 2, 32, ~0ull) != DEC_OK)
            continue;
        if (insn.op == OP_FFREEP || insn.op == OP_FNENI)
            continue; /* not every host has them */
        if (code[0] == 0xd9 && (code[1] & 0xf8) == 0xd8)
            continue; /* an alias of FSTP that some processors exempt from stack faults */
        host_code(&h, code, 2);
        for (int i = 0, here = 0; i < cases && here < 3; i++)
            if (!one_case(&f, &h, code, 2, &seed))
                here++, bad++;
    }
    host_close(&h);
    fixture_close(&f);
    ck_assert_int_eq(bad, 0);
}
END_TEST

#endif

/* ---- availability and pending exceptions ---- */
START_TEST(test_nm)
{
    struct fixture f;
    fixture_open(&f);
    data(&f);
    f.cpu->cr0 |= CR0_TS;
    ck_assert_int_eq(RUN(&f, 0xd9, 0xe8), EXC_NM);
    ck_assert_int_eq(RUN(&f, 0xdb, 0xe3), EXC_NM);
    ck_assert_int_eq(RUN(&f, 0xdf, 0xe0), EXC_NM);
    f.cpu->cr0 = (f.cpu->cr0 & ~(u32)CR0_TS) | CR0_EM;
    ck_assert_int_eq(RUN(&f, 0xd9, 0xe8), EXC_NM);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xae, 0x07), EXC_NM);
    f.cpu->cr0 &= ~(u32)CR0_EM;
    ck_assert_int_eq(RUN(&f, 0xd9, 0xe8), -1);
    fixture_close(&f);
}
END_TEST

/* 1 / 0 with the zero divide unmasked: delivered by the next waiting instruction, not by FNSTSW or
 * FNCLEX. */
START_TEST(test_mf)
{
    struct fixture f;
    fixture_open(&f);
    f.cpu->fpu.cw = CW_INIT & ~FP_ZE;
    ck_assert_int_eq(RUN(&f, 0xd9, 0xee), -1);
    ck_assert_int_eq(RUN(&f, 0xd9, 0xe8), -1);
    ck_assert_int_eq(RUN(&f, 0xd8, 0xf1), -1);
    ck_assert_int_eq(f.ferr, -1);
    ck_assert_uint_eq(f.cpu->fpu.fop, 0x0f1);
    ck_assert_uint_eq(st_get(f.cpu, 0).se, 0x3fff);
    ck_assert_int_eq(RUN(&f, 0xdf, 0xe0), -1);
    ck_assert_uint_eq(f.cpu->gpr[0] & 0xffff, SW_ES | SW_B | FP_ZE | 6 << 11);
    ck_assert_int_eq(RUN(&f, 0xd9, 0xe8), EXC_MF);
    ck_assert_int_eq(RUN(&f, 0x0f, 0xef, 0xc0), EXC_MF);
    ck_assert_int_eq(RUN(&f, 0xdb, 0xe2), -1);
    ck_assert_int_eq(RUN(&f, 0xd9, 0xe8), -1);
    fixture_close(&f);
}
END_TEST

/* The same with CR0.NE clear: FERR# rises with the exception and falls when it is cleared, and
 * nothing faults. */
START_TEST(test_ferr)
{
    struct fixture f;
    fixture_open(&f);
    f.cpu->cr0 &= ~(u32)CR0_NE;
    f.cpu->fpu.cw = CW_INIT & ~FP_IE;
    RUN(&f, 0xd9, 0xfa); /* FSQRT of an empty register */
    ck_assert_int_eq(f.ferr, 1);
    ck_assert_int_eq(RUN(&f, 0xd9, 0xe8), -1);
    RUN(&f, 0xdb, 0xe2);
    ck_assert_int_eq(f.ferr, 0);
    /* Unmasking a flag that is already set is an exception too; FNINIT takes it back. */
    f.cpu->fpu.cw = CW_INIT;
    f.cpu->fpu.sw = FP_PE;
    st16(data(&f), CW_INIT & ~FP_PE);
    RUN(&f, 0xd9, 0x2f);
    ck_assert_int_eq(f.ferr, 1);
    RUN(&f, 0xdb, 0xe3);
    ck_assert_int_eq(f.ferr, 0);
    fixture_close(&f);
}
END_TEST

/* Environment layouts: 16-bit and real mode, which the host comparison does not reach. */
START_TEST(test_environment)
{
    struct fixture f;
    u8 *m;
    fixture_open(&f);
    m = data(&f);
    f.cpu->fpu.fip = 0x12345;
    f.cpu->fpu.fcs = 0x1b;
    f.cpu->fpu.fop = 0x123;
    f.cpu->fpu.fdp = 0x6789a;
    f.cpu->fpu.fds = 0x23;
    ck_assert_int_eq(RUN(&f, 0xd9, 0x37), -1);
    ck_assert_uint_eq(ld32(m), 0xffff037f);
    ck_assert_uint_eq(ld32(m + 4), 0xffff0000);
    ck_assert_uint_eq(ld32(m + 8), 0xffffffff);
    ck_assert_uint_eq(ld32(m + 12), 0x12345);
    ck_assert_uint_eq(ld32(m + 16), 0x0123001b);
    ck_assert_uint_eq(ld32(m + 20), 0x6789a);
    ck_assert_uint_eq(ld32(m + 24), 0xffff0023);
    ck_assert_int_eq(RUN(&f, 0x66, 0xd9, 0x37), -1);
    ck_assert_uint_eq(ld16(m), 0x37f);
    ck_assert_uint_eq(ld16(m + 4), 0xffff);
    ck_assert_uint_eq(ld16(m + 6), 0x2345);
    ck_assert_uint_eq(ld16(m + 8), 0x1b);
    ck_assert_uint_eq(ld16(m + 10), 0x789a);
    ck_assert_uint_eq(ld16(m + 12), 0x23);
    /* Real mode: linear addresses. */
    f.cpu->cr0 &= ~(u32)CR0_PE;
    f.cpu->fpu.fip = 0x2345;
    f.cpu->fpu.fcs = 0x1000;
    f.cpu->fpu.fdp = 0x0001;
    f.cpu->fpu.fds = 0xf000;
    ck_assert_int_eq(RUN(&f, 0x66, 0xd9, 0x37), -1);
    ck_assert_uint_eq(ld16(m + 6), 0x2345);
    ck_assert_uint_eq(ld16(m + 8), 0x1123);
    ck_assert_uint_eq(ld16(m + 10), 0x0001);
    ck_assert_uint_eq(ld16(m + 12), 0xf000);
    ck_assert_int_eq(RUN(&f, 0xd9, 0x37), -1);
    ck_assert_uint_eq(ld32(m + 12), 0x2345);
    ck_assert_uint_eq(ld32(m + 16), 0x1123);
    ck_assert_uint_eq(ld32(m + 20), 0x0001);
    ck_assert_uint_eq(ld32(m + 24), 0xf000);
    ck_assert_int_eq(RUN(&f, 0xd9, 0x27), -1);
    ck_assert_uint_eq(f.cpu->fpu.fip, 0x12345);
    ck_assert_uint_eq(f.cpu->fpu.fdp, 0xf0001);
    fixture_close(&f);
}
END_TEST

START_TEST(test_save_restore)
{
    struct fixture f;
    struct fpu before;
    u64 seed = 7;
    for (unsigned round = 0; round < 2; round++) {
        fixture_open(&f);
        data(&f);
        for (unsigned i = 0; i < 8; i++)
            f.cpu->fpu.st[i] = rnd_f80(&seed);
        f.cpu->fpu.empty = 0x5a;
        f.cpu->fpu.top = 3;
        f.cpu->fpu.sw = SW_C1 | FP_PE;
        f.cpu->fpu.fip = 0x1234;
        before = f.cpu->fpu;
        ck_assert_int_eq(round ? RUN(&f, 0x66, 0xdd, 0x37) : RUN(&f, 0xdd, 0x37), -1);
        ck_assert_uint_eq(f.cpu->fpu.empty, 0xff);
        ck_assert_uint_eq(f.cpu->fpu.cw, CW_INIT);
        ck_assert_uint_eq(x87_status(f.cpu), 0);
        memset(f.cpu->fpu.st, 0, sizeof(f.cpu->fpu.st));
        ck_assert_int_eq(round ? RUN(&f, 0x66, 0xdd, 0x27) : RUN(&f, 0xdd, 0x27), -1);
        for (unsigned i = 0; i < 8; i++) {
            ck_assert_uint_eq(f.cpu->fpu.st[i].frac, before.st[i].frac);
            ck_assert_uint_eq(f.cpu->fpu.st[i].se, before.st[i].se);
        }
        ck_assert_uint_eq(f.cpu->fpu.empty, 0x5a);
        ck_assert_uint_eq(f.cpu->fpu.top, 3);
        ck_assert_uint_eq(f.cpu->fpu.fip, 0x1234);
        fixture_close(&f);
    }
}
END_TEST

/* A store that faults leaves the stack alone. */
START_TEST(test_restart)
{
    struct fixture f;
    fixture_open(&f);
    RUN(&f, 0xd9, 0xe8);
    f.cpu->seg[SEG_DS].limit = 0xfff;
    seg_update(f.cpu, SEG_DS);
    data(&f);
    ck_assert_int_eq(RUN(&f, 0xd9, 0x1f), EXC_GP);
    ck_assert_int_eq(RUN(&f, 0xdb, 0x3f), EXC_GP);
    ck_assert_int_eq(RUN(&f, 0xdd, 0x37), EXC_GP);
    ck_assert_int_eq(RUN(&f, 0xdf, 0x37), EXC_GP);
    ck_assert_uint_eq(f.cpu->fpu.top, 7);
    ck_assert_uint_eq(f.cpu->fpu.empty, 0x7f);
    ck_assert_uint_eq(f.cpu->fpu.sw, 0);
    fixture_close(&f);
}
END_TEST

/* Pointers: of the last non-control instruction; FDP only of one with a memory operand. */
START_TEST(test_pointers)
{
    struct fixture f;
    fixture_open(&f);
    memset(data(&f), 0, 16);
    RUN(&f, 0xd9, 0x07);
    ck_assert_uint_eq(f.cpu->fpu.fip, CODE);
    ck_assert_uint_eq(f.cpu->fpu.fcs, f.cpu->seg[SEG_CS].sel);
    ck_assert_uint_eq(f.cpu->fpu.fdp, DATA);
    ck_assert_uint_eq(f.cpu->fpu.fds, f.cpu->seg[SEG_DS].sel);
    f.cpu->fpu.fip = 0;
    RUN(&f, 0xdf, 0xe0);
    ck_assert_uint_eq(f.cpu->fpu.fip, 0);
    RUN(&f, 0xd9, 0xe8);
    ck_assert_uint_eq(f.cpu->fpu.fip, CODE);
    ck_assert_uint_eq(f.cpu->fpu.fdp, DATA);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x87");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;
    setvbuf(stdout, NULL, _IONBF, 0);
    tcase_set_timeout(tc, 40);
    tcase_add_test(tc, test_nm);
    tcase_add_test(tc, test_mf);
    tcase_add_test(tc, test_ferr);
    tcase_add_test(tc, test_environment);
    tcase_add_test(tc, test_save_restore);
    tcase_add_test(tc, test_restart);
    tcase_add_test(tc, test_pointers);
#ifdef __x86_64__
    tcase_add_loop_test(tc, test_against_host, 0, 8);
#else
    puts("x87: not an x86-64 host, no comparison with it");
#endif
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
