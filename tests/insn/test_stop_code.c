/* Stop points on code: met at exactly the same instructions by all engines, whatever was translated
 * before, in every mode. */
#include "cpu/jit/jit.h"
#include "tests/insn/long.h"
#include "tests/insn/stops.h"

#if GUEST_CODE

enum { ROUNDS = 200, TRACE = 8000 };

static struct machine *m;

/* A loop with a call, a string instruction and a branch that is taken every other time. */
GUEST(work, 32,
      "1: mov edi, 0x40000\n" /* 0 */
      "mov esi, 0x40100\n"    /* 5 */
      "mov ebp, ecx\n"        /* 10 */
      "mov ecx, 5\n"          /* 12 */
      "rep movsb\n"           /* 17 */
      "mov ecx, ebp\n"        /* 19 */
      "call 3f\n"             /* 21 */
      "test cl, 1\n"          /* 26 */
      "jz 2f\n"               /* 29 */
      "inc edx\n"             /* 31 */
      "2: add eax, ecx\n"     /* 32 */
      "dec ecx\n"             /* 34 */
      "jnz 1b\n"              /* 35 */
      "hlt\n"                 /* 37 */
      "3: inc ebx\n"          /* 38 */
      "ret");                 /* 39 */
GUEST(patched, 32, "1: inc byte ptr [ebx]\n mov edx, 0\n add eax, edx\n loop 1b\n hlt");
GUEST(real_loop, 16, "1: inc ax\n inc bx\n inc dx\n dec cx\n jnz 1b\n hlt");
GUEST(nops, 32, "nop\n inc eax\n nop\n hlt");
GUEST(count64, 64, "1: inc eax\n inc rdx\n dec ecx\n jnz 1b\n hlt");

static void start(void)
{
    machine_protected(m, 0, AT_CODE);
    machine_code(m, AT_CODE, work);
    m->cpu->gpr[REG_AX] = m->cpu->gpr[REG_BX] = m->cpu->gpr[REG_DX] = 0;
    m->cpu->gpr[REG_CX] = ROUNDS;
}

/* What runs when, by single steps: linear addresses by instruction. */
struct trace {
    u32 n;
    u32 at[TRACE];
};

static void trace_of(struct trace *t)
{
    struct machine *now = m;
    u64 zero;
    m = machine_new("max", ENGINE_EXEC);
    start();
    zero = cpu_icount(m->cpu);
    t->n = 0;
    while (!m->cpu->halted && t->n < TRACE) {
        t->at[t->n++] = (u32)m->cpu->rip;
        cpu_run(m->cpu, ENGINE_EXEC, 1);
    }
    ck_assert_uint_eq(cpu_icount(m->cpu) - zero, t->n);
    machine_free(m);
    m = now;
}

/* Run on; the stops must be those where the trace is at one of these two addresses, from
 * instruction `from` of it on. */
static void expect_stops(const struct trace *t, u64 zero, u32 from, u32 a, u32 b)
{
    for (u32 i = from; i < t->n; i++) {
        if ((t->at[i] != a && t->at[i] != b) || (i && t->at[i] == t->at[i - 1]))
            continue;
        ck_assert_int_eq(machine_run(m, TRACE), CPU_EXIT_DEBUG);
        ck_assert_uint_eq(m->cpu->rip, t->at[i]);
        ck_assert_uint_eq(cpu_icount(m->cpu) - zero, i);
        ck_assert_uint_eq(stop_last(m->cpu)->at, t->at[i]);
        ck_assert_int_eq(stop_last(m->cpu)->stop.kind, STOP_CODE);
    }
    ck_assert_int_eq(machine_run(m, TRACE), CPU_EXIT_HALT);
    ck_assert_uint_eq(cpu_icount(m->cpu) - zero, t->n);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], ROUNDS * (ROUNDS + 1) / 2);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_BX], ROUNDS);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DX], ROUNDS / 2);
}

/* At each instruction of the program, from the start and after half of it ran. */
START_TEST(everywhere)
{
    static const u8 places[] = {0, 5, 10, 12, 17, 19, 21, 26, 29, 31, 32, 34, 35, 37, 38, 39};
    struct trace *t = malloc(sizeof(*t));
    trace_of(t);
    m = machine_new("max", _i);
    for (size_t k = 0; k < ARRAY_LEN(places); k++) {
        u32 a = AT_CODE + places[k], b = AT_CODE + places[(k * 7 + 3) % ARRAY_LEN(places)];
        u64 zero = cpu_icount(m->cpu);
        start();
        ck_assert(stop_put(m, STOP_CODE, a, 0) && stop_put(m, STOP_CODE, b, 0));
        expect_stops(t, zero, 0, a, b);
        ck_assert(stop_drop(m, STOP_CODE, a, 0) && (a == b || stop_drop(m, STOP_CODE, b, 0)));
        start();
        zero = cpu_icount(m->cpu);
        ck_assert_int_eq(machine_run(m, t->n / 2), CPU_EXIT_BUDGET);
        ck_assert(stop_put(m, STOP_CODE, a, 0) && stop_put(m, STOP_CODE, b, 0));
        /* In the middle of a string instruction its next run is one that begins. */
        if (t->at[t->n / 2] == t->at[t->n / 2 - 1] &&
            (a == t->at[t->n / 2] || b == t->at[t->n / 2]))
            ck_assert_int_eq(machine_run(m, 1), CPU_EXIT_DEBUG);
        expect_stops(t, zero, t->n / 2, a, b);
        stop_clear(m->cpu, STOP_OF_MONITOR);
        ck_assert(!stop_at(m->cpu, 0));
        start();
        zero = cpu_icount(m->cpu);
        ck_assert_int_eq(machine_run(m, TRACE), CPU_EXIT_HALT);
        ck_assert_uint_eq(cpu_icount(m->cpu) - zero, t->n);
    }
    free(t);
    machine_free(m);
}
END_TEST

/* Steps of one instruction over a stop point, which was reported, and to the next one. */
START_TEST(steps)
{
    m = machine_new("max", _i);
    start();
    stop_put(m, STOP_CODE, AT_CODE + 5, 0);
    stop_put(m, STOP_CODE, AT_CODE + 10, 0);
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_DEBUG);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE + 5);
    ck_assert_int_eq(cpu_run(m->cpu, m->engine, 1), CPU_EXIT_BUDGET);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE + 10);
    ck_assert_int_eq(stop_last(m->cpu)->stop.kind, STOP_NONE);
    ck_assert_int_eq(cpu_run(m->cpu, m->engine, 1), CPU_EXIT_DEBUG);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE + 10);
    machine_free(m);
}
END_TEST

/* Set before there is code, and with another program in its place. */
START_TEST(before_code)
{
    m = machine_new("max", _i);
    machine_protected(m, 0, AT_CODE + 0x1000);
    stop_put(m, STOP_CODE, AT_CODE + 0x1002, 0);
    machine_load(m, AT_CODE + 0x1000, nops_begin, 4);
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_DEBUG);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE + 0x1002);
    machine_free(m);
}
END_TEST

/* In front of an instruction that is written to in each round, and in the middle of what is. */
START_TEST(rewritten)
{
    m = machine_new("max", _i);
    for (u32 place = 0; place < 5; place++) {
        static const u8 at[] = {0, 2, 7, 9, 3};
        u32 hits = 0;
        machine_protected(m, 0, AT_CODE);
        machine_code(m, AT_CODE, patched);
        m->cpu->gpr[REG_BX] = AT_CODE + 3;
        m->cpu->gpr[REG_CX] = 100;
        m->cpu->gpr[REG_AX] = 0;
        stop_put(m, STOP_CODE, AT_CODE + at[place], 0);
        while (machine_run(m, 1000) == CPU_EXIT_DEBUG) {
            ck_assert_uint_eq(m->cpu->rip, AT_CODE + at[place]);
            hits++;
        }
        ck_assert(m->cpu->halted);
        ck_assert_uint_eq(hits, at[place] == 3 ? 0 : 100);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], 5050);
        stop_drop(m, STOP_CODE, AT_CODE + at[place], 0);
    }
    machine_free(m);
}
END_TEST

/* Real mode: the same code through different segments; the linear address counts. */
START_TEST(real_mode)
{
    m = machine_new("max", _i);
    for (u32 seg = 0; seg < 0x700; seg += 0x100) {
        u32 hits = 0;
        machine_real(m, 0x7000);
        machine_code(m, 0x7000, real_loop);
        m->cpu->seg[SEG_CS].sel = (u16)seg;
        m->cpu->seg[SEG_CS].base = seg << 4;
        m->cpu->rip = 0x7000 - (seg << 4);
        seg_update_all(m->cpu);
        cpu_update_mode(m->cpu);
        m->cpu->gpr[REG_CX] = 50;
        m->cpu->gpr[REG_AX] = 0;
        stop_put(m, STOP_CODE, 0x7002, 0);
        stop_put(m, STOP_CODE, 0x8002, 0); /* the same offset in another page */
        while (machine_run(m, 1000) == CPU_EXIT_DEBUG) {
            ck_assert_uint_eq(m->cpu->rip, 0x7002 - (seg << 4));
            ck_assert_uint_eq(stop_last(m->cpu)->at, 0x7002);
            hits++;
        }
        ck_assert_uint_eq(hits, 50);
        ck_assert_uint_eq((u16)m->cpu->gpr[REG_AX], 50);
    }
    machine_free(m);
}
END_TEST

enum { ALIAS = 0x200000 };

/* Two linear pages of one physical page: each has stop points of its own, and a physical one is met
 * through both. */
START_TEST(aliases)
{
    m = machine_new("max", _i);
    stop_put(m, STOP_CODE, ALIAS + 1, 0); /* before there is a mapping */
    for (u32 round = 0; round < 6; round++) {
        bool phys = round > 3;
        if (phys) {
            stop_drop(m, STOP_CODE, ALIAS + 1, 0);
            stop_put(m, STOP_PHYS, AT_CODE + 1, 0);
        }
        machine_protected(m, 0, round & 1 ? ALIAS : AT_CODE);
        machine_paging(m);
        machine_page(m, ALIAS, AT_CODE | 7);
        if (!round) /* not again: what is translated for one may be copied for the other */
            machine_load(m, AT_CODE, nops_begin, 4);
        if (phys || round & 1) {
            ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_DEBUG);
            ck_assert_uint_eq(m->cpu->rip, (round & 1 ? ALIAS : AT_CODE) + 1);
            ck_assert_int_eq(stop_last(m->cpu)->stop.kind, phys ? STOP_PHYS : STOP_CODE);
        }
        ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_HALT);
    }
    machine_free(m);
}
END_TEST

/* A page that is not there faults; the stop comes when it is. */
START_TEST(not_present)
{
    m = machine_new("max", _i);
    machine_protected(m, 0, ALIAS);
    machine_paging(m);
    machine_page(m, ALIAS, 0);
    machine_load(m, AT_CODE, nops_begin, 4);
    stop_put(m, STOP_CODE, ALIAS, 0);
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_HALT);
    ck_assert_int_eq(machine_vector(m), EXC_PF);
    machine_page(m, ALIAS, AT_CODE | 7);
    m->cpu->halted = false;
    m->cpu->rip = ALIAS;
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_DEBUG);
    ck_assert_uint_eq(m->cpu->rip, ALIAS);
    machine_free(m);
}
END_TEST

START_TEST(long_mode)
{
    u32 hits = 0;
    m = machine_new("max", _i);
    LONG(m, 0, count64);
    m->cpu->rip = LONG_HIGH + AT_CODE;
    m->cpu->gpr[REG_CX] = 100;
    m->cpu->gpr[REG_DX] = 0;
    ck_assert_int_eq(machine_run(m, 200), CPU_EXIT_BUDGET);
    stop_put(m, STOP_CODE, LONG_HIGH + AT_CODE + 2, 0);
    stop_put(m, STOP_CODE, AT_CODE + 2, 0);
    while (machine_run(m, 1000) == CPU_EXIT_DEBUG)
        hits++;
    ck_assert_uint_eq(hits, 50);
    ck_assert_uint_eq(m->cpu->gpr[REG_DX], 100);
    machine_free(m);
}
END_TEST

START_TEST(refused)
{
    struct err err;
    m = machine_new("max", _i);
    for (u32 i = 0; i < STOPS_MAX; i++)
        ck_assert(stop_put(m, STOP_CODE, i, 0));
    ck_assert(!stop_put(m, STOP_CODE, STOPS_MAX, 0));
    ck_assert(stop_put(m, STOP_CODE, 5, 0)); /* is there */
    stop_clear(m->cpu, STOP_OF_MONITOR);
    ck_assert(!stop_add(m->cpu, &(struct stop){.kind = STOP_WRITE, .addr = 5}, &err));
    ck_assert(!stop_add(m->cpu, &(struct stop){.kind = STOP_WRITE, .addr = ~0ull, .len = 2}, &err));
    ck_assert(!stop_add(m->cpu, &(struct stop){.kind = STOP_IO, .addr = 0xffff, .len = 2}, &err));
    ck_assert(!stop_add(m->cpu, &(struct stop){.kind = STOP_EXC, .addr = 32}, &err));
    ck_assert(!stop_add(m->cpu, &(struct stop){.kind = STOP_INTR, .addr = 256}, &err));
    ck_assert(!stop_add(m->cpu, &(struct stop){.kind = STOP_MODE, .addr = 0}, &err));
    ck_assert(!stop_drop(m, STOP_CODE, 5, 0));
    machine_free(m);
}
END_TEST

SUITE_MAIN("stop points on code", everywhere, steps, before_code, rewritten, real_mode, aliases,
           not_present, long_mode, refused)
#else
int main(void)
{
    return 0;
}
#endif
