/* Random programs in lockstep: exec against translated code and against the evaluator
 * (tests/lock/README.md). The seed is printed; DRAGOMAN_SEED=... repeats it, DRAGOMAN_LOCK=... sets
 * the number of programs. */
#include "cpu/sys/ctrl.h"
#include "cpu/sys/seg.h"
#include "tests/lock/lockstep.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(CONFIG_SAN)
enum { PROGRAMS = 5000 };
#else
enum { PROGRAMS = 50000 };
#endif

static u64 first_seed(void)
{
    const char *given = getenv("DRAGOMAN_SEED");
    return given ? strtoull(given, NULL, 0) : (u64)time(NULL) * 0x9e3779b97f4a7c15ull & ~(u64)31;
}

static u64 programs(void)
{
    const char *given = getenv("DRAGOMAN_LOCK");
    return given ? strtoull(given, NULL, 0) : PROGRAMS;
}

static void run(enum cpu_engine engine, const char *model, u64 n,
                const struct lock_options *options)
{
    struct lock_prog *p = malloc(sizeof(*p));
    struct lock_machine *a = lock_machine_new(model, ENGINE_EXEC),
                        *b = lock_machine_new(model, engine);
    u64 seed = first_seed(), insns = 0;
    ck_assert(p && a && b);
    printf("DRAGOMAN_SEED=0x%llx (%s)\n", (unsigned long long)seed, model);
    fflush(stdout);
    for (u64 i = 0; i < n; i++) {
        u64 s = seed + i;
        if (!(s & 31) || !i)
            lock_vary(b, s & ~(u64)31);
        ck_assert_msg(lock_check(p, s, options, a, b, &insns, stdout),
                      "engines differ: DRAGOMAN_SEED=0x%llx", (unsigned long long)s);
    }
    /* The comparison means something only when programs get anywhere and translated code runs. */
    ck_assert_uint_gt(insns, n * 20);
    ck_assert_uint_gt(b->blocks + jit_stats(b->cpu)->blocks, n);
    lock_machine_free(a);
    lock_machine_free(b);
    free(p);
}

START_TEST(simple_jit)
{
    const struct lock_options options = {.simple = true};
    run(ENGINE_JIT, "pentium3", programs() / 4, &options);
}
END_TEST

START_TEST(units_jit)
{
    static const char *const models[] = {"pentium3", "max"};
    const struct lock_options options = {.units = true};
    run(ENGINE_JIT, models[_i], programs() / 4, &options);
}
END_TEST

START_TEST(all_jit)
{
    static const char *const models[] = {"pentium3", "max", "486"};
    const struct lock_options options = {0};
    run(ENGINE_JIT, models[_i], programs() / (_i ? 4 : 2), &options);
}
END_TEST

START_TEST(all_eval)
{
    const struct lock_options options = {0};
    run(ENGINE_EVAL, "pentium3", programs() / 2, &options);
}
END_TEST

START_TEST(long_mode)
{
    const struct lock_options options = {.kinds = BIT(LOCK_LONG)};
    run(_i ? ENGINE_EVAL : ENGINE_JIT, "max", programs() / (_i ? 4 : 2), &options);
}
END_TEST

/* ---- what random programs do not reach ---- */

/* 32-bit flat code at 0x10000. */
static struct lock_machine *flat(const u8 *code, u32 n)
{
    static u8 image[LOCK_RAM];
    struct lock_machine *m = lock_machine_new("pentium3", ENGINE_JIT);
    ck_assert(m);
    memset(image, 0, sizeof(image));
    memcpy(image + LOCK_CODE, code, n);
    lock_machine_reset(m, image);
    m->cpu->cr0 |= CR0_PE;
    ctrl_push_mode(m->cpu);
    for (unsigned i = 0; i < SEG__COUNT; i++) {
        struct seg v = {.limit = ~0u,
                        .attr = DA_P | DA_S | DA_WRITE | DA_ACCESSED | DA_DB | DA_G |
                                (i == SEG_CS ? DA_CODE : 0),
                        .sel = 8};
        seg_put(m->cpu, i, &v);
    }
    m->cpu->rip = LOCK_CODE;
    cpu_update_mode(m->cpu);
    seg_update_all(m->cpu);
    cpu_update_mode(m->cpu);
    return m;
}

/* A link between pages must not outlive a move of A20: the other end is other memory then. */
START_TEST(link_over_a20)
{
    static const u8 code[] = {
        0xe9, 0xfb, 0x00, 0x10, 0x00, /* 10000: jmp 0x110100 */
    };
    static const u8 back[] = {0x40, 0xe9, 0xfa,
                              0xfe, 0xef, 0xff}; /* 110100: inc eax; jmp 0x10000 */
    static const u8 other[] = {0x43, 0xf4};      /* inc ebx; hlt */
    struct lock_machine *m = flat(code, sizeof(code));
    struct ram high;
    struct region region;
    ck_assert(ram_init(&high, &m->space, 0x20000, NULL));
    /* The translator sized its tables before: give the CPU a new one. */
    {
        struct jit_config config = {
            .counted = true, .eager = true, .passes = ~0u, .code_size = 1 * MIB};
        jit_free(m->cpu);
        ck_assert(jit_new(m->cpu, &config, NULL));
    }
    region = (struct region){.name = "high", .base = 0x100000, .size = 0x20000, .ram = &high};
    bus_map(&m->mem, &region);
    memcpy(high.host + 0x10100, back, sizeof(back));
    memcpy(m->ram.host + 0x10100, other, sizeof(other));
    ck_assert_int_eq(cpu_run(m->cpu, ENGINE_JIT, 300), CPU_EXIT_BUDGET);
    ck_assert_uint_gt(m->cpu->gpr[REG_AX], 90);
#ifdef CONFIG_JIT
    ck_assert_uint_gt(jit_stats(m->cpu)->links, 0);
#endif
    cpu_set_a20(m->cpu, false);
    ck_assert_int_eq(cpu_run(m->cpu, ENGINE_JIT, 300), CPU_EXIT_HALT);
    ck_assert_uint_eq(m->cpu->gpr[REG_BX], 1);
    bus_unmap(&m->mem, &region);
    ram_free(&high);
    lock_machine_free(m);
}
END_TEST

/* The budget is exact in counted mode, whatever the blocks. */
START_TEST(budget)
{
    static const u8 code[] = {0x40, 0x40, 0x40, 0x40, 0xeb, 0xfa}; /* inc eax * 4; jmp */
    struct lock_machine *m = flat(code, sizeof(code));
    u64 sum = 0;
    for (u32 n = 1; n < 60; n++) {
        ck_assert_int_eq(cpu_run(m->cpu, ENGINE_JIT, n), CPU_EXIT_BUDGET);
        sum += n;
        ck_assert_uint_eq(m->cpu->icount, sum);
        ck_assert_uint_eq(m->cpu->gpr[REG_AX], sum / 5 * 4 + sum % 5);
    }
    lock_machine_free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lock");
    TCase *t = tcase_create("random programs"), *u = tcase_create("by hand");
    SRunner *runner;
    int failed;
    tcase_set_timeout(t, 3000);
    tcase_add_test(t, simple_jit);
    tcase_add_loop_test(t, units_jit, 0, 2);
    tcase_add_loop_test(t, all_jit, 0, 3);
    tcase_add_test(t, all_eval);
    tcase_add_loop_test(t, long_mode, 0, 2);
    tcase_add_test(u, link_over_a20);
    tcase_add_test(u, budget);
    suite_add_tcase(suite, u);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
