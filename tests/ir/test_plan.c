/* What back ends know of a block before they emit it (cpu/jit/plan.h): which accesses share a probe,
 * which steps of registers are one, where the block looks at exit_request. */
#include "cpu/jit/plan.h"
#include "devices/core/err.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { NONE = 0xff, REG = 5 };

static struct ir_block block;
static struct insn insns[IR_MAX_GUEST];
static u8 group[IR_MAX_INS];
static bool follows[IR_MAX_INS], skip[IR_MAX_INS];
static s32 offset[IR_MAX_INS], extra[IR_MAX_INS];
static struct group groups[PLAN_GROUPS];
static struct plan plan;

/* The plan of `text`, whose groups may have `regs` host registers. */
static void make(const char *text, u32 regs)
{
    static const u8 reg[] = {REG, REG + 1, REG + 2};
    struct err err;
    memset(group, 0, sizeof(group));
    memset(follows, 0, sizeof(follows));
    memset(skip, 0, sizeof(skip));
    memset(extra, 0, sizeof(extra));
    ck_assert_msg(ir_parse(&block, text, &err), "%s", err.msg);
    ck_assert_msg(ir_check(&block, &err), "%s", err.msg);
    plan = (struct plan){.ir = &block,
                         .insns = insns,
                         .reach = 512,
                         .group = group,
                         .follows = follows,
                         .offset = offset,
                         .skip = skip,
                         .extra = extra,
                         .groups = groups};
    plan_groups(&plan, true);
    for (u32 k = 0; k < plan.ngroups; k++)
        groups[k].reg = NONE;
    plan_registers(&plan, reg, regs, NONE);
    plan_steps(&plan);
}

#define HEAD "block rip=0x1000 long=0 temps=2 off=0,2,4,6\n"

START_TEST(same_base)
{
    make(HEAD "0: ld.32 g0, [g3+0x8]\n1: st.32 [g3+0x0], g1\n2: ld.8 g2, [g3+0x20]\n2: goto.32 0x1006\n",
         1);
    ck_assert(group[0] && group[0] == group[1] && group[0] == group[2]);
    ck_assert(!follows[0] && follows[1] && follows[2]);
    ck_assert_int_eq(groups[0].lo, 0);
    ck_assert_uint_eq(groups[0].span, 0x21);
    ck_assert(groups[0].write && groups[0].reg == REG);
}
END_TEST

START_TEST(other_base)
{
    make(HEAD "0: ld.32 g0, [g3+0x8]\n1: mov.32 g3, g1\n2: ld.8 g2, [g3+0x8]\n2: goto.32 0x1006\n", 1);
    ck_assert(!group[0] && !group[2] && !follows[2]);
}
END_TEST

/* What exec does to translations nobody knows: not even a constant address is checked any more. */
START_TEST(behind_exec)
{
    static const char with[] =
        HEAD "0: movi.32 t0, 0x2000\n0: ld.32 g0, [t0+0x0]\n1: exec.32\n2: movi.32 t1, 0x2004\n"
             "2: ld.32 g1, [t1+0x0]\n2: goto.32 0x1006\n";
    static const char without[] =
        HEAD "0: movi.32 t0, 0x2000\n0: ld.32 g0, [t0+0x0]\n1: mov.32 g4, g5\n2: movi.32 t1, 0x2004\n"
             "2: ld.32 g1, [t1+0x0]\n2: goto.32 0x1006\n";
    make(without, 1);
    ck_assert(follows[4]);
    make(with, 1);
    ck_assert(!group[1] && !group[4] && !follows[4]);
}
END_TEST

START_TEST(too_few_registers)
{
    static const char text[] = "block rip=0x1000 long=0 temps=2 off=0,2,4,6,8\n0: ld.32 g0, [g3+0x0]\n"
                               "1: ld.32 g1, [g5+0x0]\n2: ld.32 g2, [g3+0x4]\n"
                               "3: ld.32 g4, [g5+0x4]\n3: goto.32 0x1008\n";
    make(text, 2);
    ck_assert(follows[2] && follows[3]);
    ck_assert_uint_ne(groups[0].reg, groups[1].reg);
    make(text, 1);
    ck_assert(follows[2] && !follows[3] && !group[1]);
}
END_TEST

START_TEST(steps)
{
    make(HEAD "0: st.32 [g4-0x4], g0\n0: lea.32 g4, [g4-0x4]\n1: st.32 [g4-0x4], g1\n"
              "1: lea.32 g4, [g4-0x4]\n2: goto.32 0x1006\n",
         1);
    ck_assert(follows[2]);
    ck_assert(skip[1] && !skip[3]);
    ck_assert_int_eq(extra[3], -4);
    /* Alone each access may fault, and shows ESP as it is. */
    make(HEAD "0: st.32 [g4-0x4], g0\n0: lea.32 g4, [g4-0x4]\n1: st.32 [g4-0x4], g1\n"
              "1: lea.32 g4, [g4-0x4]\n2: goto.32 0x1006\n",
         0);
    ck_assert(!skip[1] && !skip[3]);
}
END_TEST

START_TEST(polls_and_loops)
{
    make(HEAD "0: add.32 g0, g0, g1\n1: ld.32 g0, [g3+0x0]\n2: goto.32 0x1000\n", 1);
    ck_assert_uint_eq(plan_poll(&block, follows), 1);
    ck_assert(plan_is_loop(&block));
    make(HEAD "0: jcc.32 e, 0x1100\n1: ld.32 g0, [g3+0x0]\n2: goto.32 0x1006\n", 1);
    ck_assert_uint_eq(plan_poll(&block, follows), 0);
    ck_assert(!plan_is_loop(&block));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("plan");
    TCase *t = tcase_create("plan");
    SRunner *runner;
    int failed;
    tcase_add_test(t, same_base);
    tcase_add_test(t, other_base);
    tcase_add_test(t, behind_exec);
    tcase_add_test(t, too_few_registers);
    tcase_add_test(t, steps);
    tcase_add_test(t, polls_and_loops);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
