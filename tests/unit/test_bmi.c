/* Bit manipulation, ADX, POPCNT, MOVBE and their kin through exec, every operand size and form,
 * against the host; rules of the VEX prefix; RDRAND, RDPID, FSGSBASE. */
#include "tests/unit/simd_fixture.h"

/* 64-bit code, flat memory without paging: enough for single instructions. */
static void long_mode(struct fixture *f)
{
    struct cpu *cpu = f->cpu;
    cpu->efer = EFER_LME | EFER_LMA;
    cpu->seg[SEG_CS].attr |= DA_L;
    cpu->seg[SEG_CS].attr &= ~(u32)DA_DB;
    cpu_update_mode(cpu);
    seg_update_all(cpu);
    ck_assert_uint_eq(cpu->code_bits, 64);
}

#ifdef __x86_64__

HOST_RUN(host_int, "", "")

static u64 rnd(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Values that bit instructions care about: small, sparse, dense, at the ends. */
static u64 value(u64 *seed)
{
    u64 r = rnd(seed);
    switch (r & 7) {
    case 0: return 0;
    case 1: return ~0ull;
    case 2: return r >> 8 & 0x7f;
    case 3: return 1ull << (r >> 8 & 63);
    case 4: return (r >> 8 & 0x3f) | (r >> 16 & 0x7f) << 8; /* BEXTR control */
    case 5: return rnd(seed) & rnd(seed) & rnd(seed);
    case 6: return (u32)rnd(seed);
    default: return rnd(seed);
    }
}

struct form {
    const char *name;
    u8 vex; /* 1: VEX map 2 or 3 in `map`; 0: legacy, prefix and escape bytes */
    u8 map; /* 1: 0F, 2: 0F 38, 3: 0F 3A */
    u8 pp;  /* 0, 66, F3, F2 as 0 to 3 */
    u8 opcode;
    s8 reg; /* ModRM.reg of a group, -1: an operand */
    bool imm;
};

static const struct form forms[] = {
    {"andn", 1, 2, 0, 0xf2, -1, false},    {"blsr", 1, 2, 0, 0xf3, 1, false},
    {"blsmsk", 1, 2, 0, 0xf3, 2, false},   {"blsi", 1, 2, 0, 0xf3, 3, false},
    {"bzhi", 1, 2, 0, 0xf5, -1, false},    {"pext", 1, 2, 2, 0xf5, -1, false},
    {"pdep", 1, 2, 3, 0xf5, -1, false},    {"mulx", 1, 2, 3, 0xf6, -1, false},
    {"bextr", 1, 2, 0, 0xf7, -1, false},   {"shlx", 1, 2, 1, 0xf7, -1, false},
    {"sarx", 1, 2, 2, 0xf7, -1, false},    {"shrx", 1, 2, 3, 0xf7, -1, false},
    {"rorx", 1, 3, 3, 0xf0, -1, true},     {"adcx", 0, 2, 1, 0xf6, -1, false},
    {"adox", 0, 2, 2, 0xf6, -1, false},    {"popcnt", 0, 1, 2, 0xb8, -1, false},
    {"tzcnt", 0, 1, 2, 0xbc, -1, false},   {"lzcnt", 0, 1, 2, 0xbd, -1, false},
    {"movbe", 0, 2, 0, 0xf0, -1, false},   {"movbe m", 0, 2, 0, 0xf1, -1, false},
    {"crc32 b", 0, 2, 3, 0xf0, -1, false}, {"crc32 v", 0, 2, 3, 0xf1, -1, false},
};

/* The bytes of one random instruction of the form: registers 0 to 3 or [rdi]. */
static unsigned encode(const struct form *f, u64 r, bool wide, u8 *b)
{
    static const u8 pps[4] = {0, 0x66, 0xf3, 0xf2};
    unsigned n = 0;
    u8 vvvv = f->opcode == 0xf0 && f->map == 3 ? 0 : r & 3, w = wide && r >> 2 & 1;
    if (f->vex) {
        b[n++] = 0xc4;
        b[n++] = 0xe0 | f->map;
        b[n++] = (u8)(w << 7 | (~vvvv & 15) << 3 | f->pp);
    } else {
        if (!w && r >> 4 & 1 && f->pp != 1 && f->map != 2)
            b[n++] = 0x66; /* 16 bits */
        if (pps[f->pp])
            b[n++] = pps[f->pp];
        if (w)
            b[n++] = 0x48;
        b[n++] = 0x0f;
        if (f->map > 1)
            b[n++] = f->map == 2 ? 0x38 : 0x3a;
    }
    b[n++] = f->opcode;
    b[n] = (u8)((f->reg >= 0 ? f->reg : (s8)(r >> 8 & 3)) << 3);
    b[n++] |= (r >> 10 & 3) == 0 || !strncmp(f->name, "movbe", 5) ? 7 : 0xc0 | (r >> 12 & 3);
    if (f->imm)
        b[n++] = (u8)(r >> 16);
    return n;
}

START_TEST(test_against_host)
{
    static u8 mem[64] __attribute__((aligned(64)));
    const struct form *form = &forms[_i];
    struct fixture f;
    struct host h;
    u64 seed = 0x853c49e6748fea9bull + (u64)_i;
    int cases = getenv("FP_CASES") ? atoi(getenv("FP_CASES")) : 4000, tried = 0;
    fixture_open(&f);
    host_open(&h);
    long_mode(&f);
    for (int i = 0; i < cases; i++) {
        u8 code[16];
        struct insn insn;
        struct cpu *cpu = f.cpu;
        unsigned n = encode(form, rnd(&seed), true, code);
        struct host_regs r;
        u64 g[4], flags = rnd(&seed) & F_ALL;
        u32 mask;
        memset(code + n, 0x90, sizeof(code) - n);
        for (unsigned k = 0; k < 4; k++)
            cpu->gpr[k] = g[k] = value(&seed);
        cpu_set_aflags(cpu, (u32)flags);
        st64(data(&f), value(&seed));
        memcpy(mem, data(&f), 8);
        ck_assert_int_eq(decode(&insn, code, n, 64, cpu->feats), DEC_OK);
        ck_assert_uint_eq(insn.len, n);
        host_code(&h, code, n);
        r = (struct host_regs){g[0], g[1], g[2], g[3], flags | 2};
        if (!host_int(&h, mem, mem, &r))
            break; /* the host lacks it */
        ck_assert_int_eq(run_insn(&f, code, n), -1);
        mask = F_ALL & ~op_info[insn.op].undef;
        ck_assert_msg(
            cpu->gpr[0] == r.a && cpu->gpr[1] == r.c && cpu->gpr[2] == r.d && cpu->gpr[3] == r.b &&
                !((cpu_aflags(cpu) ^ r.flags) & mask) && !memcmp(mem, data(&f), 8),
            "%s %02x %02x %02x %02x %02x: in %llx %llx %llx %llx %x host %llx %llx %llx "
            "%llx %x exec %llx %llx %llx %llx %x",
            form->name, code[0], code[1], code[2], code[3], code[4], (unsigned long long)g[0],
            (unsigned long long)g[1], (unsigned long long)g[2], (unsigned long long)g[3],
            (unsigned)flags, (unsigned long long)r.a, (unsigned long long)r.c,
            (unsigned long long)r.d, (unsigned long long)r.b, (unsigned)r.flags & F_ALL,
            (unsigned long long)cpu->gpr[0], (unsigned long long)cpu->gpr[1],
            (unsigned long long)cpu->gpr[2], (unsigned long long)cpu->gpr[3], cpu_aflags(cpu));
        tried++;
    }
    if (getenv("FP_CASES"))
        printf("%s: %d cases\n", form->name, tried);
    host_close(&h);
    fixture_close(&f);
}
END_TEST

#endif

static enum dec_result dec(const char *hex, unsigned bits, struct insn *in)
{
    u8 b[15] = {0};
    unsigned v;
    for (unsigned n = 0; sscanf(hex + 2 * n, "%2x", &v) == 1; n++)
        b[n] = (u8)v;
    return decode(in, b, 15, bits, ~0ull);
}

START_TEST(test_vex_prefix)
{
    struct insn in;
    ck_assert_int_eq(dec("c4e270f2c1", 64, &in), DEC_OK); /* ANDN eax, ecx, ecx */
    ck_assert_int_eq(in.op, OP_ANDN);
    ck_assert_uint_eq(in.osz, 4);
    ck_assert_int_eq(dec("c4e2f0f2c1", 64, &in), DEC_OK);
    ck_assert_uint_eq(in.osz, 8);
    ck_assert_int_eq(dec("c4e2f0f2c1", 32, &in), DEC_OK); /* W counts in 64-bit code only */
    ck_assert_uint_eq(in.osz, 4);
    ck_assert_int_eq(dec("c4e270f2c1", 16, &in), DEC_OK);
    ck_assert_uint_eq(in.osz, 4);
    ck_assert_int_eq(dec("c44210f2c1", 32, &in), DEC_OK); /* mod 0: LES */
    ck_assert_int_eq(in.op, OP_LES);
    ck_assert_int_eq(dec("c4e274f2c1", 64, &in), DEC_UD); /* VEX.L */
    ck_assert_int_eq(dec("66c4e270f2c1", 64, &in), DEC_UD);
    ck_assert_int_eq(dec("f2c4e270f2c1", 64, &in), DEC_UD);
    ck_assert_int_eq(dec("f3c4e270f2c1", 64, &in), DEC_UD);
    ck_assert_int_eq(dec("f0c4e270f2c1", 64, &in), DEC_UD);
    ck_assert_int_eq(dec("48c4e270f2c1", 64, &in), DEC_UD);
    ck_assert_int_eq(dec("67c4e270f201", 64, &in), DEC_OK); /* address size is fine */
    ck_assert_int_eq(dec("c4e073f0c105", 64, &in), DEC_UD); /* opcode map 0 */
    ck_assert_int_eq(dec("c4e37bf0c105", 64, &in), DEC_OK); /* RORX */
    ck_assert_int_eq(dec("c4e373f0c105", 64, &in), DEC_UD); /* vvvv of RORX is not free */
    ck_assert_int_eq(dec("c4e270f3c1", 64, &in), DEC_UD);   /* /0 of the group */
    ck_assert_int_eq(dec("c5f877", 64, &in), DEC_OK);
    ck_assert_int_eq(in.op, OP_VZEROUPPER);
    ck_assert_int_eq(dec("c5fc77", 64, &in), DEC_OK);
    ck_assert_int_eq(in.op, OP_VZEROALL);
    ck_assert_int_eq(dec("c5f077", 64, &in), DEC_UD);
    ck_assert_int_eq(decode(&in, (const u8[]){0xc4, 0xe2}, 2, 64, ~0ull), DEC_SHORT);
    ck_assert_int_eq(
        decode(&in, (const u8[]){0xc4, 0xe2, 0x70, 0xf2, 0xc1}, 5, 64, ~FEAT_BIT(BMI1)), DEC_UD);
}
END_TEST

/* Real and V86 mode have no VEX. */
START_TEST(test_vex_modes)
{
    struct fixture f;
    fixture_open(&f);
    ck_assert_int_eq(RUN(&f, 0xc4, 0xe2, 0x70, 0xf2, 0xc1), -1);
    f.cpu->eflags |= FL_VM;
    cpu_update_mode(f.cpu);
    ck_assert_int_eq(RUN(&f, 0xc4, 0xe2, 0x70, 0xf2, 0xc1), EXC_UD);
    f.cpu->eflags &= ~(u32)FL_VM;
    f.cpu->cr0 &= ~(u32)CR0_PE;
    cpu_update_mode(f.cpu);
    ck_assert_int_eq(RUN(&f, 0xc4, 0xe2, 0x70, 0xf2, 0xc1), EXC_UD);
    fixture_close(&f);
}
END_TEST

/* The same machine gives the same numbers; other CPUs and seeds give others; all bits move. */
START_TEST(test_random)
{
    struct fixture a, b;
    u64 ones = 0, zeros = 0;
    fixture_open(&a);
    fixture_open(&b);
    long_mode(&a);
    long_mode(&b);
    for (int i = 0; i < 64; i++) {
        u64 hash = cpu_hash(a.cpu);
        cpu_set_aflags(a.cpu, F_ALL & ~F_C);
        ck_assert_int_eq(RUN(&a, 0x48, 0x0f, 0xc7, 0xf0), -1); /* RDRAND rax */
        ck_assert_int_eq(RUN(&b, 0x48, 0x0f, 0xc7, 0xf8), -1); /* RDSEED rax */
        ck_assert_uint_eq(cpu_aflags(a.cpu), F_C);
        ck_assert_uint_eq(a.cpu->gpr[0], b.cpu->gpr[0]);
        ck_assert_uint_ne(hash, cpu_hash(a.cpu));
        ones |= a.cpu->gpr[0];
        zeros |= ~a.cpu->gpr[0];
    }
    ck_assert_uint_eq(ones, ~0ull);
    ck_assert_uint_eq(zeros, ~0ull);
    a.cpu->gpr[0] = ~0ull;
    ck_assert_int_eq(RUN(&a, 0x66, 0x0f, 0xc7, 0xf0), -1); /* 16 bits keep the rest */
    ck_assert_uint_eq(a.cpu->gpr[0] >> 16, 0xffffffffffffull);
    ck_assert_int_eq(RUN(&a, 0x0f, 0xc7, 0xf0), -1);
    ck_assert_uint_eq(a.cpu->gpr[0] >> 32, 0);
    fixture_close(&a);
    fixture_close(&b);
}
END_TEST

START_TEST(test_system)
{
    struct fixture f;
    struct cpu *cpu;
    struct insn in;
    fixture_open(&f);
    cpu = f.cpu;
    ck_assert_int_eq(dec("f30faec0", 32, &in), DEC_UD); /* RDFSBASE eax: 64-bit code only */
    cpu->tsc_aux = 0x1234;
    cpu->gpr[0] = ~0ull;
    ck_assert_int_eq(RUN(&f, 0xf3, 0x0f, 0xc7, 0xf8), -1); /* RDPID eax */
    ck_assert_uint_eq(cpu->gpr[0], 0x1234);
    long_mode(&f);
    ck_assert_int_eq(RUN(&f, 0xf3, 0x48, 0x0f, 0xae, 0xc1), EXC_UD); /* CR4.FSGSBASE is off */
    cpu->cr4 |= CR4_FSGSBASE;
    cpu->gpr[1] = 0x00007fff12345678;
    ck_assert_int_eq(RUN(&f, 0xf3, 0x48, 0x0f, 0xae, 0xd1), -1); /* WRFSBASE rcx */
    ck_assert_uint_eq(cpu->seg[SEG_FS].base, 0x00007fff12345678);
    ck_assert_int_eq(RUN(&f, 0xf3, 0x0f, 0xae, 0xd9), -1); /* WRGSBASE ecx */
    ck_assert_uint_eq(cpu->seg[SEG_GS].base, 0x12345678);
    ck_assert_int_eq(RUN(&f, 0xf3, 0x48, 0x0f, 0xae, 0xc2), -1); /* RDFSBASE rdx */
    ck_assert_uint_eq(cpu->gpr[2], 0x00007fff12345678);
    ck_assert_int_eq(RUN(&f, 0xf3, 0x0f, 0xae, 0xc2), -1); /* RDFSBASE edx */
    ck_assert_uint_eq(cpu->gpr[2], 0x12345678);
    cpu->gpr[1] = 0x0000800000000000;
    ck_assert_int_eq(RUN(&f, 0xf3, 0x48, 0x0f, 0xae, 0xd1), EXC_GP);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bmi");
    TCase *tc = tcase_create("bmi");
    SRunner *sr;
    int failed;
    tcase_set_timeout(tc, 120);
#ifdef __x86_64__
    tcase_add_loop_test(tc, test_against_host, 0, (int)ARRAY_LEN(forms));
#endif
    tcase_add_test(tc, test_vex_prefix);
    tcase_add_test(tc, test_vex_modes);
    tcase_add_test(tc, test_random);
    tcase_add_test(tc, test_system);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
