/* How soon something outside of the program gets in: a kick from another thread ends every kind of
 * endless loop, and an interrupt is taken within one of its rounds (SDM vol. 3 section 6.9: at
 * instruction boundaries). */
#include "cpu/jit/jit.h"
#include "devices/core/err.h"
#include "tests/insn/suite.h"

#include <pthread.h>
#include <time.h>

#if GUEST_CODE

GUEST(jmp_self, 32, "1: jmp 1b");
GUEST(jcc_self, 32, "xor eax, eax\n 1: je 1b");
GUEST(pair, 32, "1: inc eax\n jmp 2f\n nop\n 2: inc ecx\n jmp 1b");
GUEST(indirect, 32, "1: inc eax\n jmp ebx");
GUEST(call_ret, 32, "1: call 2f\n jmp 1b\n 2: ret");
GUEST(long_loop, 32,
      "1: inc eax\n push eax\n pop ecx\n xor ecx, edx\n mov [esi], ecx\n add edx, [esi]\n jnz 1b\n "
      "jmp 1b");
GUEST(strings, 32, "1: mov ecx, 64\n mov esi, 0x40000\n mov edi, 0x50000\n rep movsb\n jmp 1b");
GUEST(loop_insn, 32, "1: or ecx, -1\n 2: loop 2b\n jmp 1b");
GUEST(faulting, 32, "1: ud2");
GUEST(back, 32, "iretd");
GUEST(self_changing, 32, "1: inc byte ptr [edi]\n .byte 0xb8\n .long 0\n jmp 1b");

static struct machine *m;

static const struct {
    const char *name;
    const u8 *begin, *end;
} loops[] = {
#define L(n)                                                                                       \
    {                                                                                              \
#n, n##_begin, n##_end                                                                     \
    }
    L(jmp_self),  L(jcc_self), L(pair),      L(indirect), L(call_ret),
    L(long_loop), L(strings),  L(loop_insn), L(faulting), L(self_changing),
#undef L
};

static void start(size_t i)
{
    machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, loops[i].begin, (size_t)(loops[i].end - loops[i].begin));
    m->cpu->gpr[REG_BX] = AT_CODE;
    m->cpu->gpr[REG_SI] = AT_DATA;
    m->cpu->gpr[REG_DI] = AT_CODE + 3;
    machine_idt_gate(m, EXC_UD, SEL_CODE0, 0x12000, DA_P | SYS_INT32 << 8);
    machine_code(m, 0x12000, back);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *kicker(void *arg)
{
    const struct timespec wait = {0, 20000000};
    nanosleep(&wait, NULL);
    *(double *)arg = now();
    cpu_kick(m->cpu);
    return NULL;
}

/* A machine whose translated code does not count, as with host time: it must look at the request
 * itself. Counting code is bounded by its budget instead. */
static struct machine *uncounted(int engine)
{
    struct machine *n = machine_new("max", engine);
    struct jit_config config = {.eager = engine != ENGINE_COLD, .passes = ~0u, .hot = 0xfff};
    struct err err = {""};
    if (n->cpu->jit) {
        jit_free(n->cpu);
        ck_assert_msg(jit_new(n->cpu, &config, &err), "%s", err.msg);
    }
    return n;
}

/* The budget alone would let them run for seconds. */
START_TEST(kick)
{
    m = uncounted(_i);
    for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
        double kicked = 0, left;
        pthread_t thread;
        enum cpu_exit why;
        start(i);
        ck_assert_int_eq(pthread_create(&thread, NULL, kicker, &kicked), 0);
        why = cpu_run(m->cpu, m->engine, 0x7fffffff);
        left = now();
        pthread_join(thread, NULL);
        ck_assert_msg(why == CPU_EXIT_BUDGET, "%s: %d", loops[i].name, why);
        /* Microseconds; a busy host may take its time. */
        ck_assert_msg(left - kicked < 1.0, "%s: %f s", loops[i].name, left - kicked);
    }
    machine_free(m);
}
END_TEST

/* An interrupt that is there when the run begins, and one that comes at any instruction count. */
START_TEST(interrupt)
{
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(loops); i++)
        for (u32 after = 0; after < 40; after += 3) {
            u64 before;
            start(i);
            m->cpu->eflags |= FL_IF;
            cpu_update_mode(m->cpu);
            m->vector = 0x40;
            machine_run(m, after);
            cpu_set_intr(m->cpu, 1);
            before = cpu_icount(m->cpu);
            machine_run(m, 1000);
            ck_assert_msg(machine_vector(m) == 0x40, "%s after %u", loops[i].name, after);
            ck_assert_msg(cpu_icount(m->cpu) - before <= 4, "%s after %u: %llu instructions",
                          loops[i].name, after, (unsigned long long)(cpu_icount(m->cpu) - before));
        }
    machine_free(m);
}
END_TEST

/* Budgets are kept to the instruction, whatever the blocks are. */
START_TEST(budget)
{
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
        start(i);
        for (u32 n = 1; n < 60; n += 7) {
            u64 before = cpu_icount(m->cpu);
            ck_assert_int_eq(cpu_run(m->cpu, m->engine, n), CPU_EXIT_BUDGET);
            ck_assert_msg(cpu_icount(m->cpu) - before == n, "%s: %llu of %u", loops[i].name,
                          (unsigned long long)(cpu_icount(m->cpu) - before), n);
        }
    }
    machine_free(m);
}
END_TEST

SUITE_MAIN("latency", kick, interrupt, budget)

#else
int main(void)
{
    puts("latency: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
