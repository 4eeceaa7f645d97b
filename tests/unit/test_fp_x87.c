/* The soft x87 arithmetic against the host's x87 unit: results, exception flags, C0..C3, bit for
 * bit. */
#include "cpu/fp/fp.h"
#include "tests/unit/fp_cases.h"
#include "tests/unit/fp_host.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)

HOST(add, "fadd %%st(1), %%st")
HOST(sub, "fsub %%st(1), %%st")
HOST(mul, "fmul %%st(1), %%st")
HOST(div, "fdiv %%st(1), %%st")
HOST(sqrt, "fsqrt")
HOST(prem, "fprem")
HOST(prem1, "fprem1")
HOST(scale, "fscale")
HOST(xtract, "fxtract")
HOST(rndint, "frndint")
HOST(com, "fcom %%st(1)")
HOST(ucom, "fucom %%st(1)")
HOST(xam, "fxam")
HOST(fst32, "fsts %[mem]")
HOST(fst64, "fstl %[mem]")
HOST(fld32, "fstp %%st(0)\n flds %[mem]")
HOST(fld64, "fstp %%st(0)\n fldl %[mem]")
HOST(fist16, "fists %[mem]")
HOST(fist32, "fistl %[mem]")
HOST(fist64, "fld %%st(0)\n fistpll %[mem]")
HOST(bstp, "fld %%st(0)\n fbstp %[mem]")
HOST(bld, "fstp %%st(0)\n fbld %[mem]")
HOST(fld1, "fstp %%st(0)\n fld1")
HOST(fldl2t, "fstp %%st(0)\n fldl2t")
HOST(fldl2e, "fstp %%st(0)\n fldl2e")
HOST(fldpi, "fstp %%st(0)\n fldpi")
HOST(fldlg2, "fstp %%st(0)\n fldlg2")
HOST(fldln2, "fstp %%st(0)\n fldln2")

static void soft_add(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_add(e, a, b);
}

static void soft_sub(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_sub(e, a, b);
}

static void soft_mul(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_mul(e, a, b);
}

static void soft_div(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_div(e, a, b);
}

static void soft_sqrt(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_sqrt(e, a);
}

static void quotient(struct result *r, struct f80_quotient q)
{
    r->sw |=
        (u16)((q.q & 4 ? C0 : 0) | (q.q & 2 ? C3 : 0) | (q.q & 1 ? C1 : 0) | (q.partial ? C2 : 0));
}

static void soft_prem(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    struct f80_quotient q;
    r->r0 = f80_rem(e, a, b, false, &q);
    e->rounded_up = false;
    quotient(r, q);
}

static void soft_prem1(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    struct f80_quotient q;
    r->r0 = f80_rem(e, a, b, true, &q);
    e->rounded_up = false;
    quotient(r, q);
}

static void soft_scale(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_scale(e, a, b);
}

static void soft_xtract(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_xtract(e, a, &r->r1);
}

static void soft_rndint(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_rndint(e, a);
}

static void order(struct result *r, enum fp_order o)
{
    static const u16 codes[] = {C0, C3, 0, C0 | C2 | C3};
    r->sw |= codes[o];
}

static void soft_com(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    order(r, f80_compare(e, a, b, false));
}

static void soft_ucom(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    order(r, f80_compare(e, a, b, true));
}

static void soft_xam(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    static const u16 codes[] = {0, C0, C2, C2 | C0, C3, C3 | C2};
    r->sw |= (u16)(codes[f80_classify(a)] | (a.se >> 15 ? C1 : 0));
}

static bool stored(const struct fpenv *e, u8 more)
{
    return !(e->flags & e->unmasked & (FP_PRE | more));
}

static void soft_fst32(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    u32 v = f80_to_f32(e, a);
    if (stored(e, FP_OE | FP_UE))
        memcpy(r->mem, &v, 4);
}

static void soft_fst64(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    u64 v = f80_to_f64(e, a);
    if (stored(e, FP_OE | FP_UE))
        memcpy(r->mem, &v, 8);
}

static void soft_fld32(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    u32 v;
    memcpy(&v, r->mem, 4);
    r->r0 = f80_from_f32(e, v);
}

static void soft_fld64(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    u64 v;
    memcpy(&v, r->mem, 8);
    r->r0 = f80_from_f64(e, v);
}

static void soft_fist(struct fpenv *e, struct f80 a, struct result *r, unsigned bits)
{
    s64 v = f80_to_int(e, a, bits, false);
    if (stored(e, 0))
        memcpy(r->mem, &v, bits / 8);
}

static void soft_fist16(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    soft_fist(e, a, r, 16);
}

static void soft_fist32(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    soft_fist(e, a, r, 32);
}

static void soft_fist64(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    soft_fist(e, a, r, 64);
}

static void soft_bstp(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    u8 bcd[10];
    f80_to_bcd(e, a, bcd);
    if (stored(e, 0))
        memcpy(r->mem, bcd, 10);
}

static void soft_bld(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_from_bcd(r->mem);
}

#define SOFT_CONST(name, c)                                                                        \
    static void soft_##name(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)         \
    {                                                                                              \
        r->r0 = f80_const(e, c);                                                                   \
    }
SOFT_CONST(fld1, F80_1)
SOFT_CONST(fldl2t, F80_L2T)
SOFT_CONST(fldl2e, F80_L2E)
SOFT_CONST(fldpi, F80_PI)
SOFT_CONST(fldlg2, F80_LG2)
SOFT_CONST(fldln2, F80_LN2)

/* Memory operands prepared before the operation. */
enum mem { MEM_NONE, MEM_F32, MEM_F64, MEM_BCD };

static const struct op {
    const char *name;
    host_fn *host;
    soft_fn *soft;
    u8 mem;
    bool unmasked; /* may run with unmasked exceptions here: one instruction, and nothing after it
                      waits */
} ops[] = {
#define ROW(n, mem, unmasked)                                                                      \
    {                                                                                              \
#n, host_##n, soft_##n, mem, unmasked                                                      \
    }
    ROW(add, MEM_NONE, true),     ROW(sub, MEM_NONE, true),     ROW(mul, MEM_NONE, true),
    ROW(div, MEM_NONE, true),     ROW(sqrt, MEM_NONE, true),    ROW(prem, MEM_NONE, true),
    ROW(prem1, MEM_NONE, true),   ROW(scale, MEM_NONE, true),   ROW(xtract, MEM_NONE, true),
    ROW(rndint, MEM_NONE, true),  ROW(com, MEM_NONE, true),     ROW(ucom, MEM_NONE, true),
    ROW(xam, MEM_NONE, true),     ROW(fst32, MEM_NONE, true),   ROW(fst64, MEM_NONE, true),
    ROW(fld32, MEM_F32, false),   ROW(fld64, MEM_F64, false),   ROW(fist16, MEM_NONE, true),
    ROW(fist32, MEM_NONE, true),  ROW(fist64, MEM_NONE, false), ROW(bstp, MEM_NONE, false),
    ROW(bld, MEM_BCD, false),     ROW(fld1, MEM_NONE, false),   ROW(fldl2t, MEM_NONE, false),
    ROW(fldl2e, MEM_NONE, false), ROW(fldpi, MEM_NONE, false),  ROW(fldlg2, MEM_NONE, false),
    ROW(fldln2, MEM_NONE, false),
};

static void fill_memory(u64 *seed, u8 kind, u8 mem[16])
{
    u64 v;
    memset(mem, 0xa5, 16);
    switch (kind) {
    case MEM_F32:
        v = rnd_ieee(seed, 23, 8);
        memcpy(mem, &v, 4);
        break;
    case MEM_F64:
        v = rnd_ieee(seed, 52, 11);
        memcpy(mem, &v, 8);
        break;
    case MEM_BCD:
        for (int i = 0; i < 9; i++) {
            v = rnd(seed);
            mem[i] = (u8)((v >> 8) % 10 << 4 | (v >> 16) % 10);
        }
        mem[9] = (u8)(rnd(seed) & 0x80);
        break;
    default: break;
    }
}

/* One random case of `op`; false, with a description on stdout, when host and soft float differ. */
static bool one_case(const struct op *op, u64 *seed)
{
    static const u8 precs[] = {FP_PC24, FP_PC53, FP_PC64, FP_PC64};
    struct f80 a = rnd_f80(seed), b = rnd_f80(seed);
    struct result h = {.r0 = a, .r1 = b}, s = {.r0 = a, .r1 = b};
    u64 r = rnd(seed);
    struct fpenv env = {.round = r & 3, .prec = precs[r >> 2 & 3]};
    u16 cw;
    if (op->unmasked && (r >> 8 & 3) == 0)
        env.unmasked = r >> 16 & FP_ALL;
    cw = (u16)(0x40 | (FP_ALL & ~env.unmasked) | env.prec << 8 | env.round << 10);
    if ((r >> 40 & 7) == 0)
        b.frac = a.frac;
    if ((r >> 43 & 15) == 0)
        b.se = a.se;
    h.r1 = s.r1 = b;
    fill_memory(seed, op->mem, h.mem);
    memcpy(s.mem, h.mem, 16);
    u8 mem[16];
    memcpy(mem, h.mem, 16);
    op->host(cw, a, b, &h);
    op->soft(&env, a, b, &s);
    s.sw |= (u16)(env.flags | (env.rounded_up ? C1 : 0));
    if (env.flags & env.unmasked & FP_PRE) {
        s.r0 = a;
        s.r1 = b;
    }
    h.sw &= CONDS | FP_ALL;
    if (same_f80(h.r0, s.r0) && same_f80(h.r1, s.r1) && h.sw == s.sw && !memcmp(h.mem, s.mem, 16))
        return true;
    printf("%s cw %04x a %04x:%016llx b %04x:%016llx mem %016llx\n", op->name, cw, a.se,
           (unsigned long long)a.frac, b.se, (unsigned long long)b.frac,
           *(unsigned long long *)mem);
    printf("  host %04x:%016llx %04x:%016llx sw %04x mem %016llx\n", h.r0.se,
           (unsigned long long)h.r0.frac, h.r1.se, (unsigned long long)h.r1.frac, h.sw,
           *(unsigned long long *)h.mem);
    printf("  soft %04x:%016llx %04x:%016llx sw %04x mem %016llx\n", s.r0.se,
           (unsigned long long)s.r0.frac, s.r1.se, (unsigned long long)s.r1.frac, s.sw,
           *(unsigned long long *)s.mem);
    return false;
}

START_TEST(test_against_host)
{
    const struct op *op = &ops[_i];
    u64 seed = 0x9e3779b97f4a7c15ull + (u64)_i;
    int n = getenv("FP_CASES") ? atoi(getenv("FP_CASES")) : 60000, bad = 0;
    for (int i = 0; i < n && bad < 8; i++)
        bad += !one_case(op, &seed);
    ck_assert_msg(!bad, "%s differs from the host", op->name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fp_x87");
    TCase *tc = tcase_create("host");
    SRunner *sr;
    int failed;
    setvbuf(stdout, NULL, _IONBF, 0);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_against_host, 0, ARRAY_LEN(ops));
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}

#else

int main(void)
{
    puts("fp_x87: no x87 on this host, nothing to compare with");
    return 0;
}

#endif
