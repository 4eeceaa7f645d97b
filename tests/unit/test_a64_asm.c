/* The AArch64 encoders (cpu/jit/a64/asm.c, which is plain C) against Capstone's reading of what they
 * write, on any host. */
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
    va_list ap;
    va_start(ap, form);
    vsnprintf(want, sizeof(want), form, ap);
    va_end(ap);
    ck_assert_str_eq(text(0, 0), want);
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
    } ops[] = {{A_AND, "and"},   {A_BIC, "bic"},   {A_ORR, "orr"},   {A_EOR, "eor"},  {A_EON, "eon"},
               {A_ANDS, "ands"}, {A_ADD, "add"},   {A_ADDS, "adds"}, {A_SUB, "sub"},  {A_SUBS, "subs"},
               {A_ADC, "adc"},   {A_ADCS, "adcs"}, {A_SBC, "sbc"},   {A_SBCS, "sbcs"}, {A_UDIV, "udiv"},
               {A_SDIV, "sdiv"}, {A_LSLV, "lsl"},  {A_LSRV, "lsr"},  {A_ASRV, "asr"}, {A_RORV, "ror"},
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
        static const u64 masks[] = {~0ull, 0xffff, 0xffffffff, 0xff00ff00ff00ffull, 0xffff0000ffff0000ull};
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
                v = turn ? (v << turn | v >> (size - turn)) & (size == 64 ? ~0ull : BIT64(size) - 1) : v;
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
    ck_assert(as_mem_fits(8, 32760) && !as_mem_fits(8, 32768) && !as_mem_fits(8, 257) && as_mem_fits(1, 4095));
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
#endif
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
