/* What translated code counts of its exits when it is asked to. */
#include "tests/insn/suite.h"
#include "cpu/jit/jit.h"
#include "devices/core/err.h"

enum { ROUNDS = 1000 };

/* A machine whose translated code counts its exits, about to run what will be put at AT_CODE. */
static struct machine *tallied(void)
{
    struct jit_config config = {.eager = true, .passes = ~0u, .tally = true};
    struct machine *m = machine_new("max", ENGINE_EXEC);
    struct err err = {""};
    ck_assert_msg(jit_new(m->cpu, &config, &err), "%s", err.msg);
    machine_protected(m, 0, AT_CODE);
    m->cpu->gpr[REG_AX] = 0;
    return m;
}

/* Each round: a call and its return, a call that is left by a jump of another kind than RET. */
GUEST(rounds, 32, "mov ecx, 1000\n"
                  "1: call 2f\n call 4f\n 6: dec ecx\n jnz 1b\n hlt\n"
                  ".balign 64\n 2: cmp ecx, 500\n jb 3f\n inc eax\n 3: ret\n"
                  ".balign 64\n 4: pop edx\n jmp edx");

START_TEST(by_cause)
{
    struct machine *m = tallied();
    struct jit_exits x;
    machine_code(m, AT_CODE, rounds);
    ck_assert_int_eq(cpu_run(m->cpu, ENGINE_JIT, 1000000), CPU_EXIT_HALT);
    ck_assert_uint_eq(m->cpu->gpr[REG_AX], ROUNDS - 499);
    jit_exits(m->cpu, &x);
#ifdef CONFIG_JIT /* the evaluator counts nothing */
    /* Nine instructions a round, and INC in half of them. */
    ck_assert_uint_ge(x.insns, 9 * ROUNDS);
    ck_assert_uint_le(x.insns, 10 * ROUNDS);
    ck_assert_uint_ge(x.paired, ROUNDS - 10);
    ck_assert_uint_le(x.paired, ROUNDS);
    ck_assert_uint_ge(x.table, ROUNDS - 10);
    ck_assert_uint_le(x.table, ROUNDS + 10);
    ck_assert_uint_ge(x.linked, 2 * ROUNDS);
    ck_assert_uint_le(x.unlinked, 20);
    ck_assert_uint_le(x.missed, 20);
    ck_assert_uint_eq(x.faults, 0);
#endif
    machine_free(m);
}
END_TEST

/* Deeper than any back end has pairs for: the innermost returns are paired, all are right. */
GUEST(deep, 32, "mov ebx, 5\n 3: mov ecx, 6000\n call 1f\n dec ebx\n jnz 3b\n hlt\n"
                "1: dec ecx\n jz 2f\n call 1b\n 2: inc eax\n ret");

START_TEST(deeper_than_pairs)
{
    struct machine *m = tallied();
    struct jit_exits x;
    machine_code(m, AT_CODE, deep);
    m->cpu->gpr[REG_SP] = 0x78000;
    ck_assert_int_eq(cpu_run(m->cpu, ENGINE_JIT, 1000000), CPU_EXIT_HALT);
    ck_assert_uint_eq(m->cpu->gpr[REG_AX], 5 * 6000);
    ck_assert_uint_eq(m->cpu->gpr[REG_SP], 0x78000);
    jit_exits(m->cpu, &x);
#ifdef CONFIG_JIT
    ck_assert_uint_ge(x.paired, 2 * 1000); /* the first rounds make links */
#endif
    machine_free(m);
}
END_TEST

SUITE_MAIN("tally", by_cause, deeper_than_pairs)
