/* The soft x87 transcendental functions: against the host within one unit in the last place,
 * special values exactly, and a few correctly rounded values on every host. */
#include "cpu/fp/fp.h"
#include "tests/unit/fp_cases.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)

#include "tests/unit/fp_host.h"

HOST(f2xm1, "f2xm1")
HOST(fyl2x, "fld %%st(1)\n fld %%st(1)\n fyl2x")
HOST(fyl2xp1, "fld %%st(1)\n fld %%st(1)\n fyl2xp1")
HOST(fpatan, "fld %%st(1)\n fld %%st(1)\n fpatan")
HOST(fsin, "fsin")
HOST(fcos, "fcos")
HOST(fptan, "fptan")
HOST(fsincos, "fsincos")

static void soft_f2xm1(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_2xm1(e, a);
}

/* The two-operand functions work on copies of a and b above the originals. */
static void soft_fyl2x(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_yl2x(e, a, b);
    r->r1 = a;
}

static void soft_fyl2xp1(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_yl2xp1(e, a, b);
    r->r1 = a;
}

static void soft_fpatan(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    r->r0 = f80_atan2(e, b, a);
    r->r1 = a;
}

static void soft_fsin(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    if (!f80_sin(e, a, &r->r0))
        r->sw |= C2;
}

static void soft_fcos(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    if (!f80_cos(e, a, &r->r0))
        r->sw |= C2;
}

static void soft_fptan(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    struct f80 tan;
    if (!f80_tan(e, a, &tan)) {
        r->sw |= C2;
        return;
    }
    r->r0 = (struct f80){1ull << 63, 0x3fff};
    if ((tan.se & 0x7fff) == 0x7fff && tan.frac << 1)
        r->r0 = tan;
    r->r1 = tan;
}

static void soft_fsincos(struct fpenv *e, struct f80 a, struct f80 b, struct result *r)
{
    struct f80 s, c;
    if (!f80_sincos(e, a, &s, &c)) {
        r->sw |= C2;
        return;
    }
    r->r0 = c;
    r->r1 = s;
}

enum domain { ANY, BELOW_ONE, NEAR_ZERO, ANGLE };

static const struct op {
    const char *name;
    host_fn *host;
    soft_fn *soft;
    u8 domain;
} ops[] = {
#define ROW(n, domain)                                                                             \
    {                                                                                              \
#n, host_##n, soft_##n, domain                                                             \
    }
    ROW(f2xm1, BELOW_ONE), ROW(fyl2x, ANY),  ROW(fyl2xp1, NEAR_ZERO), ROW(fpatan, ANY),
    ROW(fsin, ANGLE),      ROW(fcos, ANGLE), ROW(fptan, ANGLE),       ROW(fsincos, ANGLE),
};

/* Units in the last place between two numbers of one sign; huge when they are not comparable. */
static u64 distance(struct f80 a, struct f80 b)
{
    u64 d;
    s32 ea = a.se & 0x7fff, eb = b.se & 0x7fff;
    if (a.se >> 15 != b.se >> 15 || ea == 0x7fff || eb == 0x7fff)
        return same_f80(a, b) ? 0 : ~0ull;
    if (ea == eb || (ea <= 1 && eb <= 1))
        return a.frac > b.frac ? a.frac - b.frac : b.frac - a.frac;
    if (eb == ea + 1)
        d = ~a.frac + 1 + (b.frac << 1 & ~0ull);
    else if (ea == eb + 1)
        d = ~b.frac + 1 + (a.frac << 1);
    else
        return ~0ull;
    return d;
}

/* The operand moved into the domain the SDM defines the function for. NaNs, infinities, zeros and
 * denormals stay. */
static struct f80 into_domain(struct f80 a, u8 domain, u64 r)
{
    u32 exp = a.se & 0x7fff;
    u32 limit = domain == BELOW_ONE ? 0x3fff : domain == NEAR_ZERO ? 0x3ffd : 0x3fff + 8;
    if (domain == ANY || exp == 0x7fff || exp < limit || (domain == ANGLE && exp >= 0x3fff + 63))
        return a;
    a.se = (u16)((a.se & 0x8000) | (limit - 1 - r % 20));
    return a;
}

static bool one_case(const struct op *op, u64 *seed)
{
    struct f80 a = rnd_f80(seed), b = rnd_f80(seed);
    struct result h = {0}, s = {0};
    struct fpenv env = {.prec = FP_PC64};
    u16 mask = CONDS & ~C1;
    u8 flags = FP_ALL;
    a = into_domain(a, op->domain, rnd(seed));
    h.r0 = s.r0 = a;
    h.r1 = s.r1 = b;
    op->host(0x37f, a, b, &h);
    op->soft(&env, a, b, &s);
    s.sw |= env.flags;
    if (distance(h.r0, s.r0) <= 1 && distance(h.r1, s.r1) <= 1 &&
        ((h.sw ^ s.sw) & (mask | flags)) == 0)
        return true;
    printf("%s a %04x:%016llx b %04x:%016llx\n", op->name, a.se, (unsigned long long)a.frac, b.se,
           (unsigned long long)b.frac);
    printf("  host %04x:%016llx %04x:%016llx sw %04x\n", h.r0.se, (unsigned long long)h.r0.frac,
           h.r1.se, (unsigned long long)h.r1.frac, h.sw);
    printf("  soft %04x:%016llx %04x:%016llx sw %04x\n", s.r0.se, (unsigned long long)s.r0.frac,
           s.r1.se, (unsigned long long)s.r1.frac, s.sw);
    return false;
}

START_TEST(test_against_host)
{
    const struct op *op = &ops[_i];
    u64 seed = 0x1234567 + (u64)_i;
    int n = getenv("FP_CASES") ? atoi(getenv("FP_CASES")) : 40000, bad = 0;
    for (int i = 0; i < n && bad < 8; i++)
        bad += !one_case(op, &seed);
    ck_assert_msg(!bad, "%s differs from the host", op->name);
}
END_TEST

#endif

enum { V_2XM1, V_YL2X, V_YL2XP1, V_ATAN2, V_SIN, V_COS, V_TAN };

/* Correctly rounded results, from 500-bit arithmetic; angles above pi / 4 are reduced by the 66-bit
 * pi. */
static const struct {
    int fn;
    struct f80 x, y, want;
} vectors[] = {
    {V_2XM1,
     {0xade47ddebde5c099, 0xbffe},
     {0x0000000000000000, 0x0000},
     {0xc043e01c09db70f7, 0xbffd}},
    {V_2XM1,
     {0xbb9985edd7210dff, 0x3ffd},
     {0x0000000000000000, 0x0000},
     {0x9409c5fda2da6ae1, 0x3ffd}},
    {V_2XM1,
     {0x86a3209ca6233255, 0x3ff6},
     {0x0000000000000000, 0x0000},
     {0xbac79efc719501aa, 0x3ff5}},
    {V_2XM1,
     {0xaf96ecbf1cfb10f6, 0x3fd7},
     {0x0000000000000000, 0x0000},
     {0xf36b36ac3454f2f5, 0x3fd6}},
    {V_YL2X,
     {0x9f8fb2d4de527100, 0x3fff},
     {0x8d0d7f438b33e968, 0xc002},
     {0xb3668a0fac3a9f6e, 0xc000}},
    {V_YL2X,
     {0xdd976d90035b7399, 0x3ffe},
     {0xa3c6140e687c966c, 0x4002},
     {0x886af11f74240b62, 0xc000}},
    {V_YL2X,
     {0xef08e64eea959c21, 0x4000},
     {0xe186c5bb28dbd25e, 0xc002},
     {0xd65f1d16fc62227f, 0xc003}},
    {V_YL2X,
     {0xcf18348e238642ea, 0x401d},
     {0x90ed44bc206f5c66, 0xc002},
     {0x8b033df429ba3da3, 0xc007}},
    {V_YL2X,
     {0xef8a30d5f8eb18b9, 0x3d43},
     {0xe3051e55359eeefb, 0x4002},
     {0x9afd2f7fe1d4faa4, 0xc00c}},
    {V_YL2X,
     {0xfdbff99bf5cae3bf, 0x5387},
     {0x954f5d06df561d80, 0x4002},
     {0xb64c97975e18867f, 0x400e}},
    {V_YL2XP1,
     {0x8100000000000001, 0xbffd},
     {0xf024aa478a0a8c96, 0x4000},
     {0xc924c87eb625f5f3, 0xbfff}},
    {V_YL2XP1,
     {0xf871e6cb2e81d66d, 0x3ffc},
     {0xfb88474bf770c226, 0x4000},
     {0x9da778779574208c, 0x3fff}},
    {V_YL2XP1,
     {0x82c2d00e4c7d6df0, 0xbfeb},
     {0x953e0c406a375391, 0xc000},
     {0xdbf4a57503e67388, 0x3fec}},
    {V_YL2XP1,
     {0x88567f8043892dfc, 0x3fbf},
     {0xe8a092c24d25deb3, 0xc000},
     {0xb2bc611db58bbea7, 0xbfc1}},
    {V_ATAN2,
     {0xd6c68ca598921396, 0x3fff},
     {0xa7acb39310e6d8e6, 0xbfff},
     {0xa9b12715da47ec63, 0xbffe}},
    {V_ATAN2,
     {0xa72d1d13d18a669a, 0xbfff},
     {0xa86be89fb2489191, 0xbffa},
     {0xc70c35e19306736a, 0xc000}},
    {V_ATAN2,
     {0xbc7c22fa7b3120df, 0x3ffa},
     {0xa0ca90ff0e979cf3, 0x3fff},
     {0xc46006041d4337d4, 0x3fff}},
    {V_ATAN2,
     {0xdff94880f3001cee, 0x4002},
     {0xb3bfe89cd84a1d3a, 0xc03b},
     {0xc90fdaa22168c1e5, 0xbfff}},
    {V_ATAN2,
     {0xe4d49bd38c8f95ef, 0x403b},
     {0xb02cbdee5dbe4409, 0xc002},
     {0xc517a45c266a58f6, 0xbfc5}},
    {V_ATAN2,
     {0x85fb277b73ec28d0, 0x3ffe},
     {0xfa4355b99faba827, 0x3ffe},
     {0x8a253f1f5d278fec, 0x3fff}},
    {V_ATAN2,
     {0xe0bbf8891e782196, 0x3fff},
     {0xe8e526e2edfde416, 0x3ffe},
     {0xf4c53a811ac2a52f, 0x3ffd}},
    {V_SIN,
     {0xc199782d58296818, 0xbfe1},
     {0x0000000000000000, 0x0000},
     {0xc199782d58296813, 0xbfe1}},
    {V_COS,
     {0xc199782d58296818, 0xbfe1},
     {0x0000000000000000, 0x0000},
     {0xffffffffffffffee, 0x3ffe}},
    {V_TAN,
     {0xc199782d58296818, 0xbfe1},
     {0x0000000000000000, 0x0000},
     {0xc199782d58296821, 0xbfe1}},
    {V_SIN,
     {0xc3296de8e488b6c8, 0xbffe},
     {0x0000000000000000, 0x0000},
     {0xb0ccb4b9dfccb9c9, 0xbffe}},
    {V_COS,
     {0xc3296de8e488b6c8, 0xbffe},
     {0x0000000000000000, 0x0000},
     {0xb9249478400498c3, 0x3ffe}},
    {V_TAN,
     {0xc3296de8e488b6c8, 0xbffe},
     {0x0000000000000000, 0x0000},
     {0xf476b17a6ad76ae3, 0xbffe}},
    {V_SIN,
     {0xbb3ea93ac68deb5d, 0xbfff},
     {0x0000000000000000, 0x0000},
     {0xfe828af4e8d93ebf, 0xbffe}},
    {V_COS,
     {0xbb3ea93ac68deb5d, 0xbfff},
     {0x0000000000000000, 0x0000},
     {0xdca53d602842a050, 0x3ffb}},
    {V_TAN,
     {0xbb3ea93ac68deb5d, 0xbfff},
     {0x0000000000000000, 0x0000},
     {0x93a533e69c382ee4, 0xc002}},
    {V_SIN,
     {0xdfcb81e096fabb7b, 0x4000},
     {0x0000000000000000, 0x0000},
     {0xb2105df66e2dd029, 0xbffd}},
    {V_COS,
     {0xdfcb81e096fabb7b, 0x4000},
     {0x0000000000000000, 0x0000},
     {0xf004f6eb942f8cb4, 0xbffe}},
    {V_TAN,
     {0xdfcb81e096fabb7b, 0x4000},
     {0x0000000000000000, 0x0000},
     {0xbdeb6570eed78c1f, 0x3ffd}},
    {V_SIN,
     {0xa5dedd80dc14ed57, 0xc004},
     {0x0000000000000000, 0x0000},
     {0x962fd3da9ad2e02e, 0x3ffe}},
    {V_COS,
     {0xa5dedd80dc14ed57, 0xc004},
     {0x0000000000000000, 0x0000},
     {0xcf50e45226564b0f, 0xbffe}},
    {V_TAN,
     {0xa5dedd80dc14ed57, 0xc004},
     {0x0000000000000000, 0x0000},
     {0xb9748814c0faaa2e, 0xbffe}},
    {V_SIN,
     {0xf90ffaf56ed78f5d, 0x4013},
     {0x0000000000000000, 0x0000},
     {0x84cdb24622c4d6c7, 0xbffe}},
    {V_COS,
     {0xf90ffaf56ed78f5d, 0x4013},
     {0x0000000000000000, 0x0000},
     {0xdadbe2a639e56dcd, 0x3ffe}},
    {V_TAN,
     {0xf90ffaf56ed78f5d, 0x4013},
     {0x0000000000000000, 0x0000},
     {0x9b5737592909f93a, 0xbffe}},
    {V_SIN,
     {0xab9d62cd355f2af4, 0x402c},
     {0x0000000000000000, 0x0000},
     {0xa6d0f3a1190a46c3, 0x3ffe}},
    {V_COS,
     {0xab9d62cd355f2af4, 0x402c},
     {0x0000000000000000, 0x0000},
     {0xc22fb67fd6547a12, 0xbffe}},
    {V_TAN,
     {0xab9d62cd355f2af4, 0x402c},
     {0x0000000000000000, 0x0000},
     {0xdbead6bf344f99f3, 0xbffe}},
    {V_SIN,
     {0x92f81314eb07c30d, 0xc03d},
     {0x0000000000000000, 0x0000},
     {0x9804682d5646427e, 0xbffe}},
    {V_COS,
     {0x92f81314eb07c30d, 0xc03d},
     {0x0000000000000000, 0x0000},
     {0xcdfa4328e5ecf428, 0x3ffe}},
    {V_TAN,
     {0x92f81314eb07c30d, 0xc03d},
     {0x0000000000000000, 0x0000},
     {0xbcef662dd8dda363, 0xbffe}},
};

START_TEST(test_vector)
{
    struct f80 x = vectors[_i].x, y = vectors[_i].y, r = {0, 0}, want = vectors[_i].want;
    struct fpenv env = {.prec = FP_PC64};
    switch (vectors[_i].fn) {
    case V_2XM1: r = f80_2xm1(&env, x); break;
    case V_YL2X: r = f80_yl2x(&env, x, y); break;
    case V_YL2XP1: r = f80_yl2xp1(&env, x, y); break;
    case V_ATAN2: r = f80_atan2(&env, y, x); break;
    case V_SIN: ck_assert(f80_sin(&env, x, &r)); break;
    case V_COS: ck_assert(f80_cos(&env, x, &r)); break;
    case V_TAN: ck_assert(f80_tan(&env, x, &r)); break;
    }
    ck_assert_uint_eq(r.se, want.se);
    ck_assert_uint_eq(r.frac, want.frac);
    ck_assert_uint_eq(env.flags, FP_PE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fp_math");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;
    setvbuf(stdout, NULL, _IONBF, 0);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_vector, 0, ARRAY_LEN(vectors));
#if defined(__x86_64__) || defined(__i386__)
    tcase_add_loop_test(tc, test_against_host, 0, ARRAY_LEN(ops));
#endif
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
