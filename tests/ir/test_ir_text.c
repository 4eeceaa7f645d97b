/* The text form of the IR: exact round trips, one golden block, and hostile text. */
#include "tests/ir/gen.h"

#include <check.h>
#include <stdio.h>

static const char golden[] = "block rip=0x7c00 long=0 temps=5 off=0,3,5,9\n"
                             "  0: seg.32 g3, ds, 0x4, w\n"
                             "  0: ldw.32 t0, [g3-0x8], t1\n"
                             "  0: add.32 t2, t0, 0x5 ; out=all live=CZ\n"
                             "  0: stw.32 t2, t1\n"
                             "  1: lea.16 t3, [g5+g6<<1+0x10]\n"
                             "  1: lea.32 t4, [g5-0x4]\n"
                             "  1: sti.8 [t4+0x0], -0x1\n"
                             "  1: setcc.8 g0, be\n"
                             "  2: inc.16 g1, g1 ; out=PAZSO live=Z\n"
                             "  2: shl.32 g2, g2, g1 ; out=all live=-\n"
                             "  2: cmp.8 g0, -0x80 ; out=all live=all\n"
                             "  2: lds.32 g2, s[0x80]\n"
                             "  2: ands.32 s[0x84], 0xfffffbff\n"
                             "  2: movi.64 g7, -0x8000000000000000\n"
                             "  2: clc.8 ; out=C live=C\n"
                             "  2: jcc.32 ne, 0x7c00\n"
                             "  2: brz.16 g1, 0xffff\n"
                             "  2: goto.32 0x7c09\n";

static bool same(const struct ir_block *a, const struct ir_block *b)
{
    return a->n == b->n && a->ntemps == b->ntemps && a->rip == b->rip && a->nguest == b->nguest &&
           a->long_mode == b->long_mode && !memcmp(a->ins, b->ins, a->n * sizeof(a->ins[0])) &&
           !memcmp(a->off, b->off, (a->nguest + 1) * sizeof(a->off[0]));
}

START_TEST(prints_what_it_parsed)
{
    static struct ir_block b;
    static char text[4096];
    ck_assert(env_parse(&b, golden));
    ir_print(&b, text, sizeof(text));
    ck_assert_str_eq(text, golden);
    ck_assert_int_eq(b.ins[2].flags_live, IRF_C | IRF_Z);
    ck_assert_int_eq(b.ins[3].b, IR_T0 + 1);
    ck_assert_int_eq(b.ins[6].imm >> 32, -1);
    ck_assert_int_eq(b.ins[4].imm, 1ll << 32 | 0x10);
    ck_assert_int_eq(b.off[2], 5);
}
END_TEST

START_TEST(random_blocks_round_trip)
{
    static struct ir_block a, b;
    static char text[65536], again[65536];
    u64 seed = 42;
    for (int n = 0; n < 500; n++) {
        struct err err;
        gen_block(&seed, &a, 60, n & 1);
        ir_print(&a, text, sizeof(text));
        ck_assert_msg(ir_parse(&b, text, &err), "%s", err.msg);
        ck_assert_msg(same(&a, &b), "%s", text);
        ir_print(&b, again, sizeof(again));
        ck_assert_str_eq(text, again);
    }
}
END_TEST

START_TEST(defaults_and_comments)
{
    static struct ir_block b;
    ck_assert(env_parse(
        &b,
        "# one\n\nblock rip=16 long=0 temps=0 off=0,1\n 0: add.32 g0,g0,g1\n# two\n 0:goto.32 17"));
    ck_assert_int_eq(b.n, 2);
    ck_assert_int_eq(b.ins[0].flags_out, IRF_ALL);
    ck_assert_int_eq(b.ins[0].flags_live, 0);
}
END_TEST

START_TEST(short_buffers_are_kept)
{
    static struct ir_block b;
    char text[256];
    ck_assert(env_parse(&b, golden));
    for (size_t n = 0; n < sizeof(text); n++) {
        memset(text, 'x', sizeof(text));
        ir_print(&b, text, n);
        if (n) {
            ck_assert_uint_lt(strlen(text), n);
            ck_assert(!strncmp(text, golden, strlen(text)));
        }
        for (size_t k = n; k < sizeof(text); k++)
            ck_assert_int_eq(text[k], 'x');
    }
}
END_TEST

START_TEST(wrong_text_is_refused)
{
    static const char *const lines[] = {
        "0: nop.32",
        "0: add.24 g0, g0, g1",
        "0: add g0, g0, g1",
        "0: add.32 g16, g0, g1",
        "0: add.32 t184, g0, g1",
        "0: add.32 g0, g0",
        "0: add.32 g0, g0, g1 g2",
        "0: setcc.8 g0, z",
        "64: clc.8",
        "x: clc.8",
        "0: ld.32 t0, g1",
        "0: ld.32 t0, [g1+0x0",
        "0: lea.32 t0, [g1+g2<<4+0x0]",
        "0: lea.32 t0, [g1+0x100000000]",
        "0: clc.8 ; out=X",
        "0: seg.32 g0, xs, 4",
        "0: seg.32 g0, ds, 4, x",
        "0: movi.32 g0, ",
        "0: adds.32 g0, g0, g1",
    };
    static struct ir_block b;
    struct err err;
    char text[256];
    for (size_t n = 0; n < ARRAY_LEN(lines); n++) {
        snprintf(text, sizeof(text), "block rip=0 long=0 temps=4 off=0,1\n%s\n", lines[n]);
        err.msg[0] = 0;
        ck_assert_msg(!ir_parse(&b, text, &err), "%s", lines[n]);
        ck_assert_msg(strstr(err.msg, "line 2"), "%s", err.msg);
    }
    ck_assert(!ir_parse(&b, "", &err));
    ck_assert(!ir_parse(&b, "0: clc.8\n", &err));
    ck_assert(!ir_parse(&b, "block rip=0 long=2 temps=4 off=0,1\n", &err));
    ck_assert(!ir_parse(&b, "block rip=0 long=0 temps=185 off=0,1\n", &err));
    ck_assert(!ir_parse(&b, "block rip=0 long=0 temps=4 off=0,65536\n", &err));
}
END_TEST

START_TEST(too_many_of_anything)
{
    static struct ir_block b;
    static char text[65536];
    size_t n = (size_t)sprintf(text, "block rip=0 long=0 temps=4 off=0,1\n");
    for (int k = 0; k < IR_MAX_INS + 1; k++)
        n += (size_t)sprintf(text + n, "0: clc.8\n");
    ck_assert(!ir_parse(&b, text, NULL));
    ck_assert_uint_eq(b.n, IR_MAX_INS);
    n = (size_t)sprintf(text, "block rip=0 long=0 temps=4 off=0");
    for (int k = 0; k < IR_MAX_GUEST + 1; k++)
        n += (size_t)sprintf(text + n, ",%d", k + 1);
    ck_assert(!ir_parse(&b, text, NULL));
}
END_TEST

/* Damaged text is parsed or refused, and what the verifier then accepts prints again. */
START_TEST(damaged_text)
{
    static struct ir_block b;
    static char text[sizeof(golden)], out[65536];
    u64 seed = 7;
    for (int n = 0; n < 20000; n++) {
        memcpy(text, golden, sizeof(golden));
        for (u64 k = 1 + rnd(&seed) % 3; k; k--)
            text[rnd(&seed) % (sizeof(golden) - 1)] =
                (char)(rnd(&seed) % 4 ? ' ' + rnd(&seed) % 95 : rnd(&seed));
        if (ir_parse(&b, text, NULL)) {
            (void)ir_check(&b, NULL);
            ir_print(&b, out, sizeof(out));
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ir text");
    TCase *t = tcase_create("text");
    SRunner *r;
    int failed;
    tcase_add_test(t, prints_what_it_parsed);
    tcase_add_test(t, random_blocks_round_trip);
    tcase_add_test(t, defaults_and_comments);
    tcase_add_test(t, short_buffers_are_kept);
    tcase_add_test(t, wrong_text_is_refused);
    tcase_add_test(t, too_many_of_anything);
    tcase_add_test(t, damaged_text);
    tcase_set_timeout(t, 30);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
