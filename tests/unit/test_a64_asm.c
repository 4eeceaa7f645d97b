/* The AArch64 encoders (cpu/jit/a64/asm.c, which is plain C) against Capstone's reading of what
 * they write, on any host. */
#include "config.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef CONFIG_JIT_A64
#include "cpu/jit/a64/asm.c"
#else
#include "cpu/jit/a64/asm.h"
#endif
#include "cpu/jit/a64/vec.h"

#ifdef CONFIG_CAPSTONE
#include <capstone/capstone.h>

static u8 code[256];
static struct as as;
static csh cs;

static void begin(void)
{
    as = (struct as){code, code + sizeof(code), false};
}

/* What stands at the start of `code`, as Capstone writes it. */
static const char *text(u64 at, unsigned n)
{
    static char line[256];
    cs_insn *insn;
    size_t got = cs_disasm(cs, code, (size_t)(as.p - code), at, 0, &insn);
    ck_assert_uint_gt(got, n);
    snprintf(line, sizeof(line), "%s %s", insn[n].mnemonic, insn[n].op_str);
    cs_free(insn, got);
    return line;
}

static void expect(const char *form, ...) __attribute__((format(printf, 1, 2)));
static void expect(const char *form, ...)
{
    char want[256];
    const char *got = text(0, 0);
    va_list ap;
    va_start(ap, form);
    vsnprintf(want, sizeof(want), form, ap);
    va_end(ap);
    /* INS by its other name, as Capstone 5 has it */
    if (!strncmp(want, "ins ", 4) && !strncmp(got, "mov v", 5))
        memcpy(want, "mov ", 4);
    ck_assert_str_eq(got, want);
}

static const char *reg(unsigned r, bool wide)
{
    static char names[8][4];
    static unsigned next;
    char *name = names[next++ & 7];
    snprintf(name, 4, r == 31 ? "%czr" : "%c%u", wide ? 'x' : 'w', r);
    return name;
}

START_TEST(registers)
{
    static const struct {
        u32 op;
        const char *name;
    } ops[] = {{A_AND, "and"},  {A_BIC, "bic"},   {A_ORR, "orr"},   {A_EOR, "eor"},
               {A_EON, "eon"},  {A_ANDS, "ands"}, {A_ADD, "add"},   {A_ADDS, "adds"},
               {A_SUB, "sub"},  {A_SUBS, "subs"}, {A_ADC, "adc"},   {A_ADCS, "adcs"},
               {A_SBC, "sbc"},  {A_SBCS, "sbcs"}, {A_UDIV, "udiv"}, {A_SDIV, "sdiv"},
               {A_LSLV, "lsl"}, {A_LSRV, "lsr"},  {A_ASRV, "asr"},  {A_RORV, "ror"},
               {A_MUL, "mul"}};
    for (unsigned k = 0; k < ARRAY_LEN(ops); k++)
        for (unsigned n = 0; n < 64; n++) {
            bool wide = n & 1;
            unsigned d = (n * 7 + 1) % 31, a = (n * 11 + 2) % 31, b = (n * 5 + 3) % 31;
            begin();
            as_rrr(&as, ops[k].op, wide, d, a, b);
            expect("%s %s, %s, %s", ops[k].name, reg(d, wide), reg(a, wide), reg(b, wide));
        }
    begin();
    as_rrrs(&as, A_EOR, true, 3, 4, 5, LSR, 12);
    expect("eor x3, x4, x5, lsr #12");
    begin();
    as_madd(&as, false, 1, 2, 3, 4);
    expect("madd w1, w2, w3, w4");
    begin();
    as_msub(&as, true, 1, 2, 3, 4);
    expect("msub x1, x2, x3, x4");
    begin();
    as_csel(&as, true, 1, 2, 3, A_GE);
    expect("csel x1, x2, x3, ge");
    begin();
    as_ccmp(&as, 1, 2, AS_C, A_HI);
    expect("ccmp x1, x2, #2, hi");
    begin();
    as_adr_here(&as, as_adr(&as, 5));
    expect("adr x5, #4");
    begin();
    as_cset(&as, 7, A_CS);
    expect("cset w7, hs");
    begin();
    as_rr(&as, A_REV, true, 1, 2);
    expect("rev x1, x2");
    begin();
    as_rr(&as, A_CLZ, false, 1, 2);
    expect("clz w1, w2");
}
END_TEST

/* Constants of sums: what is added may be spread over a scratch register, or be the contrary. */
START_TEST(sums)
{
    static const s64 values[] = {0, 1, 4095, 4096, 0xfff000, 0x1001000, -1, -4095, -4096, 0x12345};
    begin();
    as_add_imm(&as, A_ADD, true, 1, 2, 4095, 9);
    expect("add x1, x2, #0xfff");
    begin();
    as_add_imm(&as, A_ADD, false, 1, 2, 0x5000, 9);
    expect("add w1, w2, #5, lsl #12");
    begin();
    as_add_imm(&as, A_ADDS, false, 1, 2, -5, 9);
    expect("subs w1, w2, #5");
    begin();
    as_add_imm(&as, A_SUBS, false, XZR, 2, 5, 9);
    expect("cmp w2, #5");
    for (unsigned k = 0; k < ARRAY_LEN(values); k++) {
        begin();
        as_add_imm(&as, A_ADD, true, 1, 2, values[k], 9);
        ck_assert(!as.full && as.p > code && as.p <= code + 20);
    }
}
END_TEST

/* What the instructions that make a constant in register d leave there. */
static u64 constant(unsigned d)
{
    u64 v = 0xdeadbeef;
    for (const u8 *p = code; p < as.p; p += 4) {
        u32 w = ld32(p), hw = (w >> 21 & 3) * 16;
        u64 imm = (u64)(w >> 5 & 0xffff) << hw;
        ck_assert_uint_eq(w & 31, d);
        switch (w & 0xff800000) {
        case 0xd2800000: v = imm; break;
        case 0x92800000: v = ~imm; break;
        case 0xf2800000: v = (v & ~((u64)0xffff << hw)) | imm; break;
        case 0x12800000: v = (u32)~imm; break;
        default: { /* orr: the constant as Capstone reads it */
            const char *t = strchr(text(0, (unsigned)(p - code) / 4), '#');
            if ((w & 0x7f800000) != 0x32000000 || !t)
                ck_abort_msg("%08x", w);
            v = strtoull(t + 1, NULL, 0);
            if (!(w >> 31))
                v = (u32)v;
        }
        }
    }
    return v;
}

START_TEST(constants)
{
    u64 x = 88172645463325252ull;
    for (unsigned n = 0; n < 20000; n++) {
        static const u64 masks[] = {~0ull, 0xffff, 0xffffffff, 0xff00ff00ff00ffull,
                                    0xffff0000ffff0000ull};
        u64 v;
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        v = x & masks[n % 5];
        if (n % 3 == 0)
            v = ~v;
        if (n % 7 == 0)
            v = ((x & 63 ? BIT64(x & 63) : 1) - 1) << (x >> 6 & 31);
        begin();
        as_mov_imm(&as, 5, v);
        ck_assert_uint_le((unsigned)(as.p - code), 16);
        ck_assert_uint_eq(constant(5), v);
    }
}
END_TEST

/* Every constant that logical instructions can have comes out as it went in. */
START_TEST(logical_constants)
{
    unsigned forms = 0;
    for (unsigned size = 2; size <= 64; size *= 2)
        for (unsigned ones = 1; ones < size; ones++)
            for (unsigned turn = 0; turn < size; turn++) {
                u64 v = BIT64(ones) - 1;
                const char *t;
                v = turn ? (v << turn | v >> (size - turn)) & (size == 64 ? ~0ull : BIT64(size) - 1)
                         : v;
                for (unsigned s = size; s < 64; s *= 2)
                    v |= v << s;
                begin();
                as_logic_imm(&as, A_AND, true, 1, 2, v, 9);
                ck_assert_int_eq(as.p - code, 4);
                t = strchr(text(0, 0), '#');
                ck_assert(t && strtoull(t + 1, NULL, 0) == v);
                forms++;
            }
    ck_assert_uint_eq(forms, 5334);
}
END_TEST

START_TEST(fields)
{
    begin();
    as_ubfx(&as, false, 1, 2, 8, 8);
    expect("ubfx w1, w2, #8, #8");
    begin();
    as_sbfx(&as, true, 1, 2, 0, 48);
    expect("sbfx x1, x2, #0, #0x30");
    begin();
    as_bfi(&as, true, 1, 2, 8, 8);
    expect("bfi x1, x2, #8, #8");
    begin();
    as_bfxil(&as, true, 1, 2, 24, 8);
    expect("bfxil x1, x2, #0x18, #8");
    begin();
    as_lsl(&as, false, 1, 2, 5);
    expect("lsl w1, w2, #5");
    begin();
    as_lsr(&as, true, 1, 2, 63);
    expect("lsr x1, x2, #0x3f");
    begin();
    as_asr(&as, false, 1, 2, 31);
    expect("asr w1, w2, #0x1f");
    begin();
    as_extr(&as, false, 1, 2, 2, 12);
    expect("ror w1, w2, #0xc");
    begin();
    as_extr(&as, true, 1, 2, 3, 12);
    expect("extr x1, x2, x3, #0xc");
}
END_TEST

START_TEST(memory)
{
    static const char *names[] = {"strb", "strh", "str", "str", "ldrb", "ldrh", "ldr", "ldr"};
    for (unsigned k = 0; k < 8; k++) {
        unsigned size = 1u << (k & 3);
        bool wide = size == 8;
        begin();
        as_mem(&as, k < 4 ? A_STORE : A_LOAD, size, 3, 4, size * 5);
        expect("%s %s, [x4, #%s%x]", names[k], reg(3, wide), size * 5 > 9 ? "0x" : "", size * 5);
        begin();
        as_mem_reg(&as, k < 4 ? A_STORE : A_LOAD, size, 3, 4, 5, true, false);
        expect("%s %s, [x4, w5, uxtw]", names[k], reg(3, wide));
    }
    begin();
    as_mem(&as, A_LOAD, 4, 3, 4, -8);
    expect("ldur w3, [x4, #-8]");
    begin();
    as_mem_reg(&as, A_LOAD, 8, 3, 4, 5, false, true);
    expect("ldr x3, [x4, x5, lsl #3]");
    begin();
    as_mem(&as, A_LOAD_SX32, 1, 3, 4, 0);
    expect("ldrsb w3, [x4]");
    begin();
    as_pair(&as, A_STP, 3, 4, SP, 16);
    expect("stp x3, x4, [sp, #0x10]");
    begin();
    as_pair(&as, A_LDP_POST, 3, 4, SP, 16);
    expect("ldp x3, x4, [sp], #0x10");
    ck_assert(as_mem_fits(8, 32760) && !as_mem_fits(8, 32768) && !as_mem_fits(8, 257) &&
              as_mem_fits(1, 4095));
}
END_TEST

START_TEST(branches)
{
    static const struct {
        unsigned of, far;
    } reach[] = {{0, 0x8000000}, {1, 0x100000}, {2, 0x100000}, {4, 0x8000}};
    u8 *at[6];
    begin();
    at[0] = as_b(&as), at[1] = as_bcond(&as, A_NE), at[2] = as_cbz(&as, true, 3);
    at[3] = as_cbnz(&as, false, 3), at[4] = as_tbz(&as, 3, 31), at[5] = as_tbnz(&as, 3, 33);
    for (unsigned k = 0; k < 6; k++)
        as_patch(&as, at[k]);
    as_ret(&as);
    ck_assert_str_eq(text(0x1000, 0), "b #0x1018");
    ck_assert_str_eq(text(0x1000, 1), "b.ne #0x1018");
    ck_assert_str_eq(text(0x1000, 2), "cbz x3, #0x1018");
    ck_assert_str_eq(text(0x1000, 3), "cbnz w3, #0x1018");
    ck_assert_str_eq(text(0x1000, 4), "tbz w3, #0x1f, #0x1018");
    ck_assert_str_eq(text(0x1000, 5), "tbnz x3, #0x21, #0x1018");
    for (unsigned k = 0; k < ARRAY_LEN(reach); k++) {
        uintptr_t from = (uintptr_t)at[reach[k].of];
        ck_assert(as_branch(at[reach[k].of], (const u8 *)(from - reach[k].far)));
        ck_assert(!as_branch(at[reach[k].of], (const u8 *)(from + reach[k].far)));
    }
}
END_TEST

/* ---- vectors (vec.h) ---- */
static const char *const arrangement[] = {"16b", "8h", "4s", "2d"};

START_TEST(vector_three)
{
    static const struct {
        u32 u, opc;
        unsigned sizes; /* mask */
        const char *name;
    } same[] = {{0, 0x10, 15, "add"},   {1, 0x10, 15, "sub"},   {0, 0x01, 15, "sqadd"},
                {1, 0x01, 15, "uqadd"}, {0, 0x05, 15, "sqsub"}, {1, 0x05, 15, "uqsub"},
                {0, 0x06, 15, "cmgt"},  {1, 0x11, 15, "cmeq"},  {0, 0x0c, 7, "smax"},
                {1, 0x0c, 7, "umax"},   {0, 0x0d, 7, "smin"},   {1, 0x0d, 7, "umin"},
                {0, 0x13, 7, "mul"},    {1, 0x02, 7, "urhadd"}, {0, 0x17, 15, "addp"}};
    static const struct {
        u32 code;
        const char *name;
    } bits[] = {{V_AND, "and"},      {V_BIC, "bic"},      {(u32)V_EOR, "eor"},
                {(u32)V_BSL, "bsl"}, {(u32)V_BIT, "bit"}, {(u32)V_BIF, "bif"}};
    static const struct {
        u32 code;
        const char *name;
    } permutations[] = {{V_UZP1, "uzp1"}, {V_TRN1, "trn1"}, {V_ZIP1, "zip1"},
                        {V_UZP2, "uzp2"}, {V_TRN2, "trn2"}, {V_ZIP2, "zip2"}};
    for (unsigned k = 0; k < ARRAY_LEN(same); k++)
        for (unsigned size = SZ_B; size <= SZ_D; size++) {
            const char *t = arrangement[size];
            if (!(same[k].sizes >> size & 1))
                continue;
            begin();
            v3(&as, V3(same[k].u, size, same[k].opc), 17, 30 - k, k);
            expect("%s v17.%s, v%u.%s, v%u.%s", same[k].name, t, 30 - k, t, k, t);
        }
    for (unsigned k = 0; k < ARRAY_LEN(bits); k++) {
        begin();
        v3(&as, bits[k].code, 1, 18, 31);
        expect("%s v1.16b, v18.16b, v31.16b", bits[k].name);
    }
    for (unsigned k = 0; k < ARRAY_LEN(permutations); k++)
        for (unsigned size = SZ_B; size <= SZ_D; size++) {
            const char *t = arrangement[size];
            begin();
            v3(&as, permutations[k].code | V_SIZE(size), 1, 18, 31);
            expect("%s v1.%s, v18.%s, v31.%s", permutations[k].name, t, t, t);
        }
    begin();
    v3(&as, VD(0, SZ_H, 0xc), 1, 2, 3);
    expect("smull v1.4s, v2.4h, v3.4h");
    begin();
    v3(&as, VD(1, SZ_S, 0xc) | VQ, 1, 2, 3);
    expect("umull2 v1.2d, v2.4s, v3.4s");
    begin();
    v_ext(&as, 1, 2, 3, 12);
    expect("ext v1.16b, v2.16b, v3.16b, #0xc");
    begin();
    v3(&as, V_ORR, 1, 2, 3);
    expect("orr v1.16b, v2.16b, v3.16b");
}
END_TEST

START_TEST(vector_two)
{
    begin();
    v2(&as, (u32)V_NOT, 4, 21);
    expect("mvn v4.16b, v21.16b");
    for (unsigned size = SZ_B; size <= SZ_D; size++) {
        const char *t = arrangement[size];
        begin();
        v2(&as, V2(0, size, 0xb), 4, 21);
        expect("abs v4.%s, v21.%s", t, t);
        begin();
        v_shl(&as, V_SHL, size, 4, 21, 7);
        expect("shl v4.%s, v21.%s, #7", t, t);
        for (unsigned count = 1; count <= 8u << size; count++) {
            begin();
            v_shr(&as, (u32)V_USHR, size, 4, 21, count);
            expect("ushr v4.%s, v21.%s, #%s%x", t, t, count > 9 ? "0x" : "", count);
            begin();
            v_shr(&as, V_SSHR, size, 4, 21, count);
            expect("sshr v4.%s, v21.%s, #%s%x", t, t, count > 9 ? "0x" : "", count);
        }
        begin();
        v_shr(&as, (u32)V_USRA, size, 4, 21, 3);
        expect("usra v4.%s, v21.%s, #3", t, t);
    }
    begin();
    v_shl(&as, V_SSHLL, SZ_H, 4, 21, 3);
    expect("sshll v4.4s, v21.4h, #3");
    begin();
    v_shl(&as, (u32)V_USHLL, SZ_B, 4, 21, 3);
    expect("ushll v4.8h, v21.8b, #3");
    begin();
    v_shr(&as, V_RSHRN, SZ_H, 4, 21, 3);
    expect("rshrn v4.4h, v21.4s, #3");
}
END_TEST

START_TEST(vector_lanes)
{
    static const char letters[] = "bhsd";
    static const char *const lane[] = {"0", "1", "2",   "3",   "4",   "5",   "6",   "7",
                                       "8", "9", "0xa", "0xb", "0xc", "0xd", "0xe", "0xf"};
    for (unsigned size = SZ_B; size <= SZ_D; size++)
        for (unsigned i = 0; i < 16u >> size; i++) {
            unsigned k = (16u >> size) - 1 - i;
            const char *wide = size == SZ_D ? "x" : "w", *mov = size >= SZ_S ? "mov" : "umov";
            begin();
            v_dup(&as, size, 3, 20, i);
            expect("dup v3.%s, v20.%c[%s]", arrangement[size], letters[size], lane[i]);
            begin();
            v_ins(&as, size, 3, i, 20, k);
            expect("ins v3.%c[%s], v20.%c[%s]", letters[size], lane[i], letters[size], lane[k]);
            begin();
            v_ins_general(&as, size, 3, i, X9);
            expect("ins v3.%c[%s], %s9", letters[size], lane[i], wide);
            begin();
            v_umov(&as, size, X9, 3, i);
            expect("%s %s9, v3.%c[%s]", mov, wide, letters[size], lane[i]);
        }
    begin();
    v_dup_general(&as, SZ_S, 3, X9);
    expect("dup v3.4s, w9");
    begin();
    v_from_general(&as, false, 3, X9);
    expect("fmov s3, w9");
    begin();
    v_from_general(&as, true, 3, X9);
    expect("fmov d3, x9");
    begin();
    v_to_general(&as, false, X9, 3);
    expect("fmov w9, s3");
    begin();
    v_to_general(&as, true, X9, 3);
    expect("fmov x9, d3");
    begin();
    v_mov(&as, 3, 20);
    expect("mov v3.16b, v20.16b");
    begin();
    v_mov8(&as, 3, 20);
    expect("mov v3.8b, v20.8b");
    begin();
    v_mov(&as, 3, 3);
    ck_assert_ptr_eq(as.p, code);
    begin();
    v_zero(&as, 3);
    expect("movi v3.2d, #0000000000000000");
}
END_TEST
#endif

int main(void)
{
    Suite *s = suite_create("AArch64 encoders");
    TCase *t = tcase_create("encoders");
    SRunner *runner;
    int failed;
#ifdef CONFIG_CAPSTONE
    if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &cs) != CS_ERR_OK)
        return 1;
    tcase_set_timeout(t, 60);
    tcase_add_test(t, registers);
    tcase_add_test(t, sums);
    tcase_add_test(t, constants);
    tcase_add_test(t, logical_constants);
    tcase_add_test(t, fields);
    tcase_add_test(t, memory);
    tcase_add_test(t, branches);
    tcase_add_test(t, vector_three);
    tcase_add_test(t, vector_two);
    tcase_add_test(t, vector_lanes);
#endif
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
