/* The verifier of the IR: what it accepts, and a wrong block for every rule. */
#include "tests/ir/env.h"

#include <check.h>
#include <stdio.h>

struct rule {
    const char *ins;  /* operations, without the closing goto */
    const char *says; /* part of the message; NULL: accepted */
};

static const struct rule rules[] = {
    {"0: add.32 g0, g1, g2\n", NULL},
    {"0: movi.32 t0, 0x5\n0: st.32 [g3+0x0], t0\n", NULL},
    {"0: ld.16 t0, [g3+0x0]\n0: zx16.32 t1, t0\n0: mov.32 g0, t1\n", NULL},
    {"0: ldw.8 t0, [g3+0x0], t1\n0: inc.8 t0, t0\n0: stw.8 t0, t1\n", NULL},
    {"0: lea.16 t0, [g3+g6<<0+0x0]\n0: ld.32 g0, [t0+0x0]\n", NULL},
    {"0: mov.32 g0, g1\n1: ld.32 g2, [g0+0x0]\n", NULL},
    {"0: shl.8 g0, g0, 0x1f\n", NULL},
    {"0: add.32 g0, g1, g2 ; out=-\n", NULL},
    {"0: and.8 g0, g0, 0xff\n0: and.8 g0, g0, -0x80\n", NULL},
    {"0: exec.8\n1: exec.8\n", NULL},
    {"0: setcc.8 t0, e\n0: mov.8 g0, t0\n", NULL},

    {"0: mov.32 g0, t0\n", "before it is written"},
    {"0: stw.32 g0, t0\n", "before it is written"},
    {"0: mov.32 g0, t4\n", "does not exist"},
    {"0: mov.32 t4, g0\n", "does not exist"},
    {"0: ld.16 t0, [g3+0x0]\n0: mov.32 g0, t0\n", "wider"},
    {"0: mov.8 t0, g3\n0: ld.32 g0, [t0+0x0]\n", "wider"},
    {"0: movi.16 t0, 0x5\n0: add.32 g0, g0, t0\n", "wider"},
    {"0: setcc.8 t0, e\n0: add.32 g0, g0, t0\n", "wider"},
    {"0: movi.32 t0, 0x5\n0: stw.32 g0, t0\n", "places"},
    {"0: ldw.32 t0, [g3+0x0], t1\n0: mov.32 g0, t1\n", "places"},
    {"0: ldw.32 t0, [g3+0x0], t1\n0: stw.16 t0, t1\n", "another type"},
    {"0: ldw.32 t0, [g3+0x0], g1\n", "place must be"},
    {"0: ldw.32 t0, [g3+0x0], t1\n0: stw.32 t0, g1\n", "no place"},
    {"0: xchg.32 g0, none\n", "does not exist"},
    {"0: movi.32 t0, 1\n0: xchg.32 g0, t0\n", "guest registers"},
    {"0: shl.32 g0, g0, 0x0\n", "shift count"},
    {"0: shl.16 g0, g0, 0x20\n", "shift count"},
    {"0: rol.64 g0, g0, 0x40\n", "shift count"},
    {"0: bt.16 g0, 0x10\n", "bit number"},
    {"0: bt.8 g0, 0x1\n", "type must"},
    {"0: imul.8 g0, g0, g1\n", "type must"},
    {"0: setcc.32 g0, e\n", "type must"},
    {"0: getf.16 t0\n", "type must"},
    {"0: bswap.16 g0, g0\n", "type must"},
    {"0: sx32.32 g0, g0\n", "type must"},
    {"0: ldz.64 t0, [g0+0x0]\n", "type must"},
    {"0: add.8 g0, g0, 0x100\n", "wider than the type"},
    {"0: add.64 g0, g0, 0x80000000\n", "fit 32 bits"},
    {"0: ld.32 g0, [g1+0x80000000]\n", "displacement"},
    {"0: seg.32 g0, ds, 0x200\n", "size and direction"},
    {"0: seg.32 g0, ds, 0x0\n", "size and direction"},
    {"0: lds.32 g0, s[0x7fffffff]\n", "outside"},
    {"0: ors.32 s[0x7fffffff], 0x1\n", "outside"},
    {"0: lds.32 g0, s[-0x8]\n", "outside"},
    {"0: jcc.32 e, 0x100000000\n", "EIP"},
    {"0: lea.32 g0, [g1<<2+0x0]\n", "scale"},
    {"0: inc.32 g0, g0 ; out=all\n", "row does not"},
    {"0: rol.32 g0, g0, 0x1 ; out=C live=O\n", "does not write"},
    {"1: clc.8\n0: clc.8\n", "in order"},
    {"3: clc.8\n", "in order"},
    {"0: mov.32 g0, g1\n0: ld.32 g2, [g0+0x0]\n", "changed state"},
    {"0: cmp.32 g0, g1\n0: ld.32 g2, [g0+0x0]\n", "changed state"},
    {"0: st.32 [g1+0x0], g0\n0: st.32 [g1+0x4], g0\n", "changed state"},
    {"0: mov.32 g0, g1\n0: exec.8\n", "changed state"},
    {"0: ors.32 s[0x80], 0x1\n0: seg.32 g0, ds, 0x4\n", "changed state"},
    {"0: goto.32 0x5\n", "only the last"},
    {"0: execx.8\n", "only the last"},
};

START_TEST(each_rule)
{
    const struct rule *rule = &rules[_i];
    static struct ir_block b;
    struct err err = {{0}};
    char text[512];
    snprintf(text, sizeof(text), "block rip=0x100 long=0 temps=4 off=0,1,3\n%s1: goto.32 0x103\n",
             rule->ins);
    ck_assert_msg(ir_parse(&b, text, &err), "%s: %s", rule->ins, err.msg);
    if (!rule->says) {
        ck_assert_msg(ir_check(&b, &err), "%s: %s", rule->ins, err.msg);
        return;
    }
    ck_assert_msg(!ir_check(&b, &err), "accepted: %s", rule->ins);
    ck_assert_msg(strstr(err.msg, rule->says), "%s: %s", rule->ins, err.msg);
}
END_TEST

START_TEST(blocks_as_a_whole)
{
    static struct ir_block good, b;
    ck_assert(env_parse(&good, "block rip=0 long=0 temps=0 off=0,1,3\n0: clc.8\n1: goto.32 3\n"));
#define WRONG(change)                                                                              \
    do {                                                                                           \
        struct err err = {{0}};                                                                    \
        b = good;                                                                                  \
        change;                                                                                    \
        ck_assert_msg(!ir_check(&b, &err), #change);                                               \
        ck_assert(err.msg[0]);                                                                     \
    } while (0)
    WRONG(b.n = 0);
    WRONG(b.n = 1);
    WRONG(b.n = IR_MAX_INS + 1);
    WRONG(b.nguest = 0);
    WRONG(b.nguest = IR_MAX_GUEST + 1);
    WRONG(b.ntemps = IR_MAX_VALUE);
    WRONG(b.off[1] = 0);
    WRONG(b.off[2] = 17);
    WRONG(b.off[0] = 1);
    WRONG(b.ins[0].op = IR__COUNT);
    WRONG(b.ins[0].type = 4);
    WRONG(b.ins[0].dst = 0);
    WRONG(b.ins[0].a = 0);
    WRONG(b.ins[0].b = 0);
    WRONG(b.ins[0].imm = 1);
    WRONG(b.ins[0].flags_out = 64);
}
END_TEST

/* Any bytes whatever get an answer. */
START_TEST(noise)
{
    static struct ir_block b;
    u64 seed = 99;
    for (int n = 0; n < 20000; n++) {
        u8 *p = (u8 *)&b.ins[0];
        b.n = 1 + (u32)(rnd(&seed) % 8);
        b.nguest = 1 + (u32)(rnd(&seed) % 3);
        b.ntemps = 4;
        for (u32 k = 0; k <= b.nguest; k++)
            b.off[k] = (u16)(2 * k);
        for (size_t k = 0; k < b.n * sizeof(b.ins[0]); k++)
            p[k] = (u8)(rnd(&seed) % 3 ? rnd(&seed) : rnd(&seed) % 20);
        for (u32 k = 0; k < b.n; k++)
            b.ins[k].op %= IR__COUNT + 1, b.ins[k].type &= 3, b.ins[k].at = 0;
        (void)ir_check(&b, NULL);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ir check");
    TCase *t = tcase_create("check");
    SRunner *r;
    int failed;
    tcase_add_loop_test(t, each_rule, 0, (int)ARRAY_LEN(rules));
    tcase_add_test(t, blocks_as_a_whole);
    tcase_add_test(t, noise);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
