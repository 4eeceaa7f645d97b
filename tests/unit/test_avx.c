/* VEX instructions through exec: every encoding of the three opcode maps against the host, #UD
 * included; registers in full width, memory, MXCSR, flags and exceptions. Then availability,
 * alignment, masked and gathered memory, and what an instruction leaves of the upper halves. */
#include "tests/unit/simd_fixture.h"
#include "cpu/exec/avx.h"
#include "tests/unit/fp_cases.h"

enum { AREA = 832, MEM = 128 };

/* 64-bit code without paging, the state enabled. */
static void prepare(struct fixture *f)
{
    struct cpu *cpu = f->cpu;
    fixture_open(f);
    cpu = f->cpu;
    cpu->efer = EFER_LME | EFER_LMA;
    cpu->seg[SEG_CS].attr = (cpu->seg[SEG_CS].attr | DA_L) & ~(u32)DA_DB;
    cpu->cr4 |= CR4_OSXSAVE;
    cpu->xcr0 = 7;
    cpu_update_mode(cpu);
    seg_update_all(cpu);
}

/* Back to 32-bit code. */
static void protected_mode(struct cpu *cpu)
{
    cpu->efer = 0;
    cpu->seg[SEG_CS].attr = (cpu->seg[SEG_CS].attr | DA_DB) & ~(u32)DA_L;
    cpu_update_mode(cpu);
    seg_update_all(cpu);
}

#ifdef __x86_64__

HOST_RUN(
    host_avx, "movl $7, %%eax\n xorl %%edx, %%edx\n xrstor (%%rsi)",
    "movl $7, %%eax\n xorl %%edx, %%edx\n xsave (%%rsi)\n vzeroupper\n pushq $0x1f80\n ldmxcsr "
    "(%%rsp)\n popq %%rax")

static bool host_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static u64 lane(u64 *seed, unsigned kind)
{
    u64 hi;
    switch (kind) {
    case 0: hi = rnd_ieee(seed, 23, 8); return hi << 32 | rnd_ieee(seed, 23, 8);
    case 1: return rnd_ieee(seed, 52, 11);
    case 2: return rnd_bits(seed);
    case 3: return rnd(seed) & 0x0303030303030303ull;
    case 4: hi = rnd_ieee(seed, 10, 5); return hi << 48 | rnd_ieee(seed, 10, 5) << 16;
    default: return rnd(seed) & 0x3f;
    }
}

static void random_state(struct fixture *f, u64 *seed)
{
    struct cpu *cpu = f->cpu;
    u64 r = rnd(seed);
    unsigned kind = r % 6;
    x87_init(cpu);
    for (unsigned i = 0; i < 16; i++) {
        cpu->xmm[i] = (union xmm){.q = {lane(seed, kind), lane(seed, kind)}};
        cpu->ymmh[i] = (union xmm){.q = {lane(seed, kind), lane(seed, kind)}};
    }
    if ((r >> 20 & 3) == 0) {
        cpu->xmm[1] = cpu->xmm[2];
        cpu->ymmh[1] = cpu->ymmh[2];
    }
    for (unsigned i = 0; i < 4; i++)
        cpu->gpr[i] = r >> 22 & 1 ? lane(seed, 5) : lane(seed, kind);
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

/* The vector part of the XSAVE image. */
static void pack(const struct cpu *cpu, u8 *x)
{
    memset(x, 0, AREA);
    st16(x, CW_INIT);
    st32(x + 24, cpu->mxcsr);
    st32(x + 28, 0xffff);
    for (unsigned i = 0; i < 16; i++) {
        st64(x + 160 + 16 * i, cpu->xmm[i].q[0]);
        st64(x + 168 + 16 * i, cpu->xmm[i].q[1]);
        st64(x + 576 + 16 * i, cpu->ymmh[i].q[0]);
        st64(x + 584 + 16 * i, cpu->ymmh[i].q[1]);
    }
    x[512] = 7;
}

/* Lines for the registers among 0..15 that differ between any of the images. */
static void dump(const u8 *before, const u8 *host, const u8 *ours)
{
    const u8 *all[3] = {before, host, ours};
    static const char *const who[3] = {"before", "host", "exec"};
    printf("  mxcsr before %04x host %04x exec %04x\n", ld32(before + 24), ld32(host + 24),
           ld32(ours + 24));
    for (unsigned i = 0; i < 16; i++)
        for (unsigned k = 0; k < 3; k++)
            if (memcmp(host + 160 + 16 * i, ours + 160 + 16 * i, 16) ||
                memcmp(host + 576 + 16 * i, ours + 576 + 16 * i, 16) || (!k && i < 4))
                printf("    %-6s ymm%-2u %016llx %016llx %016llx %016llx\n", who[k], i,
                       (unsigned long long)ld64(all[k] + 584 + 16 * i),
                       (unsigned long long)ld64(all[k] + 576 + 16 * i),
                       (unsigned long long)ld64(all[k] + 168 + 16 * i),
                       (unsigned long long)ld64(all[k] + 160 + 16 * i));
}

static u8 area[AREA] __attribute__((aligned(64))), hmem[4096] __attribute__((aligned(4096)));

/* Run `code` on the host in the state of the fixture, memory at the start of hmem. The vector it
 * raised or -1; the result is in `area`, hmem and *regs. */
static int run_host(struct fixture *f, struct host *h, struct host_regs *regs)
{
    const struct cpu *cpu = f->cpu;
    u8 before[AREA];
    struct host_regs r0 = {cpu->gpr[0], cpu->gpr[1], cpu->gpr[2], cpu->gpr[3], cpu_aflags(cpu) | 2};
    *regs = r0;
    pack(cpu, area);
    memcpy(before, area, AREA);
    memcpy(hmem, data(f), MEM);
    if (host_avx(h, area, hmem, regs)) {
        memset(area, 0, 24);
        memset(area + 32, 0, 128);
        st16(area, CW_INIT);
        st32(area + 28, 0xffff);
        memset(area + 416, 0, 160);
        area[512] = 7;
        return -1;
    }
    *regs = r0;
    memcpy(area, before, AREA);
    if (host_trap_sig == SIGILL)
        return EXC_UD;
    if (host_trap_sig == SIGFPE) {
        st32(area + 24, host_trap_mxcsr);
        return EXC_XM;
    }
    return EXC_GP;
}

/* One case; false: differs, described on stdout. */
static bool one_case(struct fixture *f, struct host *h, const u8 *code, const struct insn *insn)
{
    u8 ours[AREA], before[AREA];
    struct cpu *cpu = f->cpu;
    struct host_regs regs;
    char text[80];
    int vector = run_host(f, h, &regs), mine;
    pack(cpu, before);
    mine = run_insn(f, code, insn->len);
    pack(cpu, ours);
    if (mine == vector && !memcmp(ours, area, AREA) && !memcmp(data(f), hmem, MEM) &&
        regs.a == cpu->gpr[0] && regs.c == cpu->gpr[1] && regs.d == cpu->gpr[2] &&
        regs.b == cpu->gpr[3] &&
        !((regs.flags ^ cpu_aflags(cpu)) & F_ALL & ~op_info[insn->op].undef))
        return true;
    printf("%s  host vector %d, exec %d\n", disasm(text, sizeof(text), insn, 0), vector, mine);
    printf("  host %llx %llx %llx %llx %x exec %llx %llx %llx %llx %x mem %d\n",
           (unsigned long long)regs.a, (unsigned long long)regs.c, (unsigned long long)regs.d,
           (unsigned long long)regs.b, (unsigned)regs.flags & F_ALL,
           (unsigned long long)cpu->gpr[0], (unsigned long long)cpu->gpr[1],
           (unsigned long long)cpu->gpr[2], (unsigned long long)cpu->gpr[3], cpu_aflags(cpu),
           memcmp(data(f), hmem, MEM));
    dump(before, area, ours);
    return false;
}

/* Encodings that processors have and we do not: mask registers of AVX-512, 256-bit AES and
 * carry-less multiplication, Galois fields, dot products and what else later extensions brought.
 * VPERMQ and VPERMPD without W are #UD on Intel's, and here; AMD's ignore W. */
static bool foreign(unsigned map, unsigned op, bool w, bool l)
{
    if (map == 1)
        return (op >= 0x41 && op <= 0x4b) || (op >= 0x90 && op <= 0x99);
    if (map == 2)
        return (l && op >= 0xdc && op <= 0xdf) || op == 0xcf || (op >= 0x50 && op <= 0x53) ||
               op == 0xb0 || op == 0xb1 || op == 0xb4 || op == 0xb5 || op == 0x72 || op >= 0xe0 ||
               op == 0x49 || op == 0x4b || op == 0x5c || op == 0x5e || op == 0xcb || op == 0xcc ||
               op == 0xcd || op == 0xd2 || op == 0xd3 || op == 0xda;
    return (op <= 1 && !w) || (op >= 0x30 && op <= 0x33) || (l && op == 0x44) || op == 0xce ||
           op == 0xcf || (op >= 0x48 && op <= 0x49) || (op >= 0x5c && op <= 0x5f) ||
           (op >= 0x68 && op <= 0x7f) || op == 0xde;
}

/* Approximations differ among processors; MXCSR loads have a test of their own. */
static bool comparable(const struct insn *insn)
{
    switch (insn->op) {
    case OP_VRCPPS:
    case OP_VRCPSS:
    case OP_VRSQRTPS:
    case OP_VRSQRTSS:
    case OP_VLDMXCSR:
    case OP_VMASKMOVDQU: return false;
    default: return !insn->vsib;
    }
}

/* The bytes of a random instruction. vvvv is all ones in `free_vvvv`, else random. */
static unsigned encode(u8 *b, unsigned map, unsigned pp, bool w, bool l, u8 op, bool ones, u64 r)
{
    unsigned n = 0;
    bool group = map == 1 && (op == 0xae || (op >= 0x71 && op <= 0x73));
    u8 vvvv = ones ? 0 : r & 15;
    b[n++] = 0xc4;
    b[n++] = (u8)((r >> 4 & 0x80) | 0x40 | (r >> 5 & 0x20) | map);
    b[n++] = (u8)(w << 7 | (~vvvv & 15) << 3 | l << 2 | pp);
    b[n++] = op;
    b[n] = (u8)((group ? r >> 16 & 7 : r >> 16 & 3) << 3);
    if (r >> 20 & 1) {
        b[1] |= 0x20; /* B clear: rdi */
        b[n++] |= 0x47;
        b[n++] = (r >> 21 & 3) ? 0 : r >> 24 & 31;
    } else {
        b[n++] |= 0xc0 | (r >> 24 & 3);
    }
    b[n++] = (u8)(r >> 32);
    return n;
}

/* General registers beyond 3 and the stack pointer are the host's own: only operands 0 to 3. */
static bool safe(const struct insn *insn)
{
    for (unsigned i = 0; i < insn->nopnd; i++)
        if (insn->o[i].kind == OPND_GPR && insn->o[i].reg > 3)
            return false;
    return true;
}

/* All opcodes of one map and mandatory prefix, with both values of W and L. */
START_TEST(test_against_host)
{
    struct fixture f;
    struct host h;
    u64 seed = 0x2545f4914f6cdd1dull + (u64)_i;
    unsigned map = 1 + (unsigned)_i % 3, pp = (unsigned)_i / 3, tried = 0, invalid = 0;
    int cases = getenv("FP_CASES") ? atoi(getenv("FP_CASES")) : 400, bad = 0;
    if (!host_has_avx2())
        return;
    prepare(&f);
    host_open(&h);
    for (unsigned op = 0; op < 1024; op++) {
        bool w = op >> 8 & 1, l = op >> 9;
        for (int i = 0, here = 0; i < cases && here < 2; i++) {
            u8 code[16];
            u64 r = rnd(&seed);
            struct insn insn;
            enum dec_result res;
            unsigned n = encode(code, map, pp, w, l, (u8)op, i & 1, r);
            memset(code + n, 0x90, sizeof(code) - n);
            random_state(&f, &seed);
            res = decode(&insn, code, 15, 64, f.cpu->feats);
            if (res != DEC_OK && (i > 40 || foreign(map, op & 0xff, w, l) || op == 0xc4))
                continue;
            if (res != DEC_OK) {
                struct host_regs regs;
                int vector;
                host_code(&h, code, n);
                vector = run_host(&f, &h, &regs);
                invalid++;
                if (vector != EXC_UD) {
                    printf("map %u pp %u w %d l %d op %02x modrm %02x vvvv %s: host vector %d, "
                           "ours #UD\n",
                           map, pp, w, l, op & 0xff, code[4], i & 1 ? "1111" : "any", vector);
                    here = 2;
                    bad++;
                }
                continue;
            }
            if (!comparable(&insn) || !safe(&insn))
                continue;
            tried++;
            host_code(&h, code, insn.len);
            if (!one_case(&f, &h, code, &insn))
                here++, bad++;
        }
    }
    host_close(&h);
    fixture_close(&f);
    if (getenv("FP_CASES"))
        printf("map %u pp %u: %u cases, %u invalid\n", map, pp, tried, invalid);
    ck_assert_int_eq(bad, 0);
}
END_TEST

/* Gathers: indexes around the memory, every mask; destination, mask and index in full. */
START_TEST(test_gathers)
{
    struct fixture f;
    struct host h;
    u64 seed = 0x9e3779b97f4a7c15ull;
    int cases = getenv("FP_CASES") ? atoi(getenv("FP_CASES")) : 400, bad = 0;
    if (!host_has_avx2())
        return;
    prepare(&f);
    host_open(&h);
    for (int i = 0; i < cases * 16; i++) {
        u8 code[16] = {0xc4, 0xe2, 0, (u8)(0x90 | (i & 3)), 0x44, 0, 0}; /* [rdi + index + 0] */
        u64 r = rnd(&seed);
        struct insn insn;
        bool qword = i & 1;
        code[2] = (u8)((i >> 2 & 1) << 7 | (~(r & 3) & 15) << 3 | (i >> 3 & 1) << 2 | 1);
        code[4] |= (u8)((r >> 2 & 3) << 3);
        code[5] = (u8)(7 | (r >> 4 & 3) << 3 | (r >> 6 & 3) << 6);
        if (decode(&insn, code, 15, 64, f.cpu->feats) != DEC_OK)
            continue; /* overlapping registers */
        random_state(&f, &seed);
        for (unsigned k = 0; k < 4; k++) {
            union ymm v;
            for (unsigned j = 0; j < 8; j++)
                v.d[j] = rnd(&seed) & 7;
            for (unsigned j = 0; qword && j < 4; j++)
                v.q[j] = rnd(&seed) & 7;
            if (k == insn.index)
                ymm_set(f.cpu, k, &v);
        }
        if (r >> 8 & 1)
            f.cpu->xmm[insn.o[2].reg & 15].q[0] = ~0ull;
        host_code(&h, code, insn.len);
        if (!one_case(&f, &h, code, &insn) && ++bad > 4)
            break;
    }
    host_close(&h);
    fixture_close(&f);
    ck_assert_int_eq(bad, 0);
}
END_TEST

#endif

START_TEST(test_unavailable)
{
    static const u8 add[] = {0xc5, 0xfc, 0x58, 0xc1}; /* VADDPS ymm0, ymm0, ymm1 */
    struct fixture f;
    struct cpu *cpu;
    prepare(&f);
    cpu = f.cpu;
    ck_assert_int_eq(run_insn(&f, add, 4), -1);
    cpu->cr4 &= ~(u32)(CR4_OSFXSR);
    cpu->cr0 |= CR0_EM; /* neither counts */
    ck_assert_int_eq(run_insn(&f, add, 4), -1);
    cpu->cr0 |= CR0_TS;
    ck_assert_int_eq(run_insn(&f, add, 4), EXC_NM);
    cpu->xcr0 = 3;
    ck_assert_int_eq(run_insn(&f, add, 4), EXC_UD);
    cpu->xcr0 = 7;
    cpu->cr4 &= ~(u32)CR4_OSXSAVE;
    ck_assert_int_eq(run_insn(&f, add, 4), EXC_UD);
    cpu->cr0 &= ~(u32)(CR0_TS | CR0_PE);
    cpu->cr4 |= CR4_OSXSAVE;
    ck_assert_int_eq(run_insn(&f, add, 4), EXC_UD);
    fixture_close(&f);
}
END_TEST

START_TEST(test_alignment)
{
    struct fixture f;
    prepare(&f);
    data(&f);
    f.cpu->gpr[REG_DI] = DATA + 16;
    ck_assert_int_eq(RUN(&f, 0xc5, 0xfc, 0x28, 0x07), EXC_GP); /* VMOVAPS ymm0, [rdi] */
    ck_assert_int_eq(RUN(&f, 0xc5, 0xf8, 0x28, 0x07), -1);     /* xmm0 */
    ck_assert_int_eq(RUN(&f, 0xc5, 0xfc, 0x29, 0x07), EXC_GP);
    ck_assert_int_eq(RUN(&f, 0xc5, 0xfd, 0xe7, 0x07), EXC_GP); /* VMOVNTDQ */
    ck_assert_int_eq(RUN(&f, 0xc5, 0xfc, 0x10, 0x07), -1);     /* VMOVUPS */
    f.cpu->gpr[REG_DI] = DATA + 5;
    ck_assert_int_eq(RUN(&f, 0xc5, 0xfc, 0x58, 0x07), -1); /* VADDPS ymm0, ymm0, [rdi] */
    /* With EFLAGS.AC: 16 bytes are the alignment of both sizes; masked moves have none. */
    f.cpu->align_check = true;
    ck_assert_int_eq(RUN(&f, 0xc5, 0xfc, 0x58, 0x07), EXC_AC);
    ck_assert_int_eq(RUN(&f, 0xc5, 0xf8, 0x10, 0x07), EXC_AC); /* VMOVUPS xmm0, [rdi] */
    ck_assert_int_eq(RUN(&f, 0x0f, 0x11, 0x07), EXC_AC);       /* MOVUPS [rdi], xmm0 */
    memset(&f.cpu->xmm[1], 0xff, 16);
    ck_assert_int_eq(RUN(&f, 0xc4, 0xe2, 0x75, 0x2c, 0x07), -1); /* VMASKMOVPS ymm0, ymm1, [rdi] */
    f.cpu->gpr[REG_DI] = DATA + 16;
    ck_assert_int_eq(RUN(&f, 0xc5, 0xfc, 0x58, 0x07), -1);
    fixture_close(&f);
}
END_TEST

/* SSE forms keep the upper half, VEX.128 forms clear it; VZEROUPPER in 32-bit code does 8
 * registers. */
START_TEST(test_upper_halves)
{
    struct fixture f;
    struct cpu *cpu;
    prepare(&f);
    cpu = f.cpu;
    for (unsigned i = 0; i < 16; i++)
        cpu->ymmh[i].q[0] = cpu->ymmh[i].q[1] = i + 1;
    ck_assert_int_eq(RUN(&f, 0x0f, 0x58, 0xc1), -1); /* ADDPS xmm0, xmm1 */
    ck_assert_uint_eq(cpu->ymmh[0].q[1], 1);
    ck_assert_int_eq(RUN(&f, 0xc5, 0xf8, 0x58, 0xc1), -1); /* VADDPS xmm0, xmm0, xmm1 */
    ck_assert_uint_eq(cpu->ymmh[0].q[1], 0);
    ck_assert_int_eq(RUN(&f, 0xc5, 0xf2, 0x58, 0xc9), -1); /* VADDSS xmm1, xmm1, xmm1 */
    ck_assert_uint_eq(cpu->ymmh[1].q[0], 0);
    protected_mode(cpu);
    ck_assert_int_eq(RUN(&f, 0xc5, 0xf8, 0x77), -1);
    ck_assert_uint_eq(cpu->ymmh[7].q[0], 0);
    ck_assert_uint_eq(cpu->ymmh[8].q[0], 9);
    fixture_close(&f);
}
END_TEST

/* Elements that are masked out are not touched, wherever they would lie. */
START_TEST(test_masked)
{
    struct fixture f;
    struct cpu *cpu;
    prepare(&f);
    cpu = f.cpu;
    cpu->seg[SEG_FS] = (struct seg){.base = 0, .limit = ~0u, .attr = cpu->seg[SEG_DS].attr};
    seg_update(cpu, SEG_FS);
    for (unsigned i = 0; i < 8; i++)
        st32(data(&f) + 4 * i, 0x100 + i);
    memset(&cpu->xmm[1], 0, 16);
    memset(&cpu->ymmh[1], 0, 16);
    cpu->xmm[1].d[2] = 0x80000000;
    cpu->ymmh[1].d[3] = 0xffffffff;
    ck_assert_int_eq(RUN(&f, 0xc4, 0xe2, 0x75, 0x2c, 0x07), -1); /* VMASKMOVPS ymm0, ymm1, [rdi] */
    ck_assert_uint_eq(cpu->xmm[0].d[2], 0x102);
    ck_assert_uint_eq(cpu->xmm[0].d[1], 0);
    ck_assert_uint_eq(cpu->ymmh[0].d[3], 0x107);
    /* Non-canonical addresses fault only when an element there is wanted. */
    cpu->gpr[REG_DI] = 0x00007ffffffffff0;
    ck_assert_int_eq(RUN(&f, 0xc4, 0xe2, 0x75, 0x2c, 0x07), EXC_GP);
    cpu->ymmh[1].d[3] = cpu->xmm[1].d[2] = 0;
    ck_assert_int_eq(RUN(&f, 0xc4, 0xe2, 0x75, 0x2c, 0x07), -1);
    ck_assert_int_eq(RUN(&f, 0xc4, 0xe2, 0x75, 0x2e, 0x07), -1); /* the store */
    ck_assert_uint_eq(cpu->xmm[0].q[0] | cpu->xmm[0].q[1], 0);
    fixture_close(&f);
}
END_TEST

/* A gather that faults has done what lies before, and says so in its mask. */
START_TEST(test_gather_restart)
{
    static const u8 code[] = {0xc4, 0xe2, 0x6d, 0x92, 0x04, 0x0f}; /* ymm0, [rdi + ymm1], ymm2 */
    struct fixture f;
    struct cpu *cpu;
    prepare(&f);
    cpu = f.cpu;
    protected_mode(cpu);
    cpu->seg[SEG_DS].limit = 0xffff;
    seg_update(cpu, SEG_DS);
    for (unsigned i = 0; i < 8; i++)
        st32(data(&f) + 4 * i, 0x100 + i);
    memset(&cpu->xmm[0], 7, 16);
    memset(&cpu->ymmh[0], 7, 16);
    /* The lower elements arrive, then one faults. */
    for (unsigned i = 0; i < 4; i++) {
        cpu->xmm[1].d[i] = 4 * i;
        cpu->ymmh[1].d[i] = 16 + 4 * i;
        cpu->xmm[2].d[i] = cpu->ymmh[2].d[i] = 0x80000000;
    }
    cpu->ymmh[1].d[1] = 0x10000; /* beyond the limit */
    ck_assert_int_eq(run_insn(&f, code, sizeof(code)), EXC_GP);
    ck_assert_uint_eq(cpu->xmm[0].d[3], 0x103);
    ck_assert_uint_eq(cpu->ymmh[0].d[0], 0x104);
    ck_assert_uint_eq(cpu->ymmh[0].d[1], 0x07070707);
    ck_assert_uint_eq(cpu->xmm[2].q[0] | cpu->xmm[2].q[1] | cpu->ymmh[2].d[0], 0);
    ck_assert_uint_eq(cpu->ymmh[2].d[1] >> 31, 1);
    cpu->ymmh[1].d[1] = 20;
    st32(data(&f), 0x999); /* not read again */
    ck_assert_int_eq(run_insn(&f, code, sizeof(code)), -1);
    ck_assert_uint_eq(cpu->xmm[0].d[0], 0x100);
    ck_assert_uint_eq(cpu->ymmh[0].d[1], 0x105);
    ck_assert_uint_eq(cpu->ymmh[0].d[3], 0x107);
    ck_assert_uint_eq(cpu->ymmh[2].q[0] | cpu->ymmh[2].q[1], 0);
    fixture_close(&f);
}
END_TEST

START_TEST(test_encodings)
{
    static const struct {
        const char *hex;
        bool ok;
    } rows[] = {
        {"c4e26d920409", true},  /* gather */
        {"c4e275920409", false}, /* mask = index */
        {"c4e27d920409", false}, /* destination = mask */
        {"c4e26d920c09", false}, /* destination = index */
        {"c4e26d92c1", false},   /* register form */
        {"c4e26d9201", false},   /* no SIB */
        {"c5fc5801", true},      /* VADDPS */
        {"62f17c4858c1", false}, /* EVEX */
    };
    struct insn in;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        u8 b[15] = {0};
        unsigned v;
        for (unsigned n = 0; sscanf(rows[i].hex + 2 * n, "%2x", &v) == 1; n++)
            b[n] = (u8)v;
        ck_assert_msg((decode(&in, b, 15, 64, ~0ull) == DEC_OK) == rows[i].ok, "%s", rows[i].hex);
    }
    /* 256-bit integer forms need AVX2, the 128-bit ones do not. */
    ck_assert_int_eq(decode(&in, (const u8[]){0xc5, 0xf9, 0xfc, 0xc1}, 4, 64, ~FEAT_BIT(AVX2)),
                     DEC_OK);
    ck_assert_int_eq(decode(&in, (const u8[]){0xc5, 0xfd, 0xfc, 0xc1}, 4, 64, ~FEAT_BIT(AVX2)),
                     DEC_UD);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("avx");
    TCase *tc = tcase_create("avx");
    SRunner *sr;
    int failed;
    tcase_set_timeout(tc, 600);
#ifdef __x86_64__
    tcase_add_loop_test(tc, test_against_host, 0, 12);
    tcase_add_test(tc, test_gathers);
#endif
    tcase_add_test(tc, test_unavailable);
    tcase_add_test(tc, test_alignment);
    tcase_add_test(tc, test_upper_halves);
    tcase_add_test(tc, test_masked);
    tcase_add_test(tc, test_gather_restart);
    tcase_add_test(tc, test_encodings);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
