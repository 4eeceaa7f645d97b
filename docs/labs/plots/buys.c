/* What each technique of the translator buys: runs a kernel with the technique and without,
 * counts the host instructions that are executed and the ways out of blocks, takes the time,
 * writes a line of CSV (docs/labs/README.md, "make plots"). Counting: the host's trap flag stops
 * behind every instruction (SDM vol. 3 section 17.3.1.4), so it needs an x86-64 host. */
#include "docs/labs/plots/kernels.h"

#include "cpu/jit/jit.h"
#include "devices/core/err.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a signal handler can reach: there is no other way to it. */
static volatile u64 traps;

static void on_trap(int signal)
{
    traps++;
}

struct kernel {
    const char *name;
    const unsigned char *begin, *end;
    unsigned bits;
    u32 rounds; /* for the count; the time is taken of `more` times as many */
    u32 more;
    bool cold; /* what matters happens in the first rounds: nothing is run before */
};
#define KERNEL(id, bits, rounds, more, cold)                                                       \
    {#id, k_##id##_begin, k_##id##_end, bits, rounds, more, cold}
static const struct kernel kernels[] = {
    KERNEL(sum, 32, 1000, 8000, false),       KERNEL(reads, 32, 1000, 4000, false),
    KERNEL(fields, 32, 1000, 4000, false),    KERNEL(update, 32, 1000, 4000, false),
    KERNEL(list, 32, 1024, 3000, false),      KERNEL(flags, 32, 1000, 4000, false),
    KERNEL(shifts, 32, 1000, 4000, false),    KERNEL(jumps, 32, 1000, 4000, false),
    KERNEL(leaf, 32, 1000, 4000, false),      KERNEL(calls, 32, 2, 12000, false),
    KERNEL(patch, 32, 3, 7000, false),        KERNEL(versions, 32, 8, 2500, false),
    KERNEL(rewrite, 32, 4, 1000, false),      KERNEL(system, 32, 500, 2000, false),
    KERNEL(upper, 64, 1000, 4000, false),     KERNEL(once, 32, 8, 1, true),
    KERNEL(aliases, 32, 6, 1, true),
};

/* Which kernel shows which technique. */
static const struct shown {
    const char *technique, *kernel;
} shown[] = {
    {"flat", "reads"},     {"upper", "upper"},       {"recipes", "flags"}, {"copies", "shifts"},
    {"polls", "jumps"},    {"dead", "jumps"},        {"traces", "leaf"},   {"returns", "calls"},
    {"groups", "fields"},  {"fuse", "update"},       {"loops", "sum"},     {"guesses", "list"},
    {"soft", "patch"},     {"revive", "versions"},   {"clones", "aliases"}, {"demote", "rewrite"},
    {"system", "system"},  {"tiers", "once"},        {"decoded", "once"},  {"brief", "once"},
    {"all", "sum"},        {"all", "fields"},        {"all", "calls"},     {"all", "patch"},
};

static void fill_list(struct machine *m)
{
    u32 at = 0;

    /* Each element on another line, in no order that a host would guess. */
    for (u32 i = 0; i < LIST; i++) {
        u32 next = (at + 167) % LIST;

        machine_st32(m, AT_LIST + at * 128, AT_LIST + next * 128);
        at = next;
    }
}

static void fill_code(struct machine *m)
{
    /* Two versions of a function; then sixteen: an operation on EAX and EBX, RET, NOP. */
    static const u8 ops[] = {0x01, 0x29, 0x31, 0x09};
    static const u8 modrm[] = {0xc0, 0xc3, 0xd8, 0xdb};

    for (u32 i = 0; i < 16; i++)
        machine_st32(m, AT_DATA + 4 * i, ops[i / 4] | (u32)modrm[i % 4] << 8 | 0x90c30000u);
    machine_st32(m, AT_PATCHED, 0x000000b8); /* mov eax, imm32 */
    machine_st32(m, AT_PATCHED + 4, 0x0000c300); /* ret */
}

static void fill_functions(struct machine *m)
{
    for (u32 i = 0; i < FUNCTIONS; i++)
        machine_code(m, AT_FUNCTIONS + i * FUNCTION_SIZE, f_once);
    machine_code(m, AT_SHARED, f_once);
}

/* Put the machine in front of `rounds` rounds. */
static void begin(struct machine *m, const struct kernel *k, u32 rounds)
{
    struct cpu *cpu = m->cpu;

    cpu->halted = false;
    cpu->rip = AT_CODE;
    memset(cpu->gpr, 0, 8 * sizeof(cpu->gpr[0]));
    cpu->gpr[REG_CX] = rounds;
    cpu->gpr[REG_DX] = strcmp(k->name, "system") ? 0 : SEL_DATA3;
    cpu->gpr[REG_SP] = AT_STACK0;
    cpu->gpr[REG_SI] = strcmp(k->name, "list") ? AT_DATA : AT_LIST;
    cpu->gpr[REG_DI] = AT_PATCHED;
}

static struct machine *start(const struct kernel *k, const struct jit_config *config)
{
    struct machine *m = machine_new("max", ENGINE_EXEC);
    struct err err = {""};

    if (config) {
        if (!jit_new(m->cpu, config, &err)) {
            fprintf(stderr, "%s\n", err.msg);
            exit(1);
        }
        m->space.wrote = jit_wrote;
        m->space.covered = jit_covers;
        m->space.arg = m->cpu;
    }
    if (k->bits == 64)
        machine_long(m, 0, AT_CODE);
    else
        machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, k->begin, (size_t)(k->end - k->begin));
    fill_list(m);
    fill_code(m);
    fill_functions(m);
    if (k->bits == 32) {
        machine_paging(m);
        for (u32 i = 0; i < ALIASES; i++)
            machine_page(m, AT_ALIASES + i * PAGE_SIZE, AT_SHARED | 7);
    }
    return m;
}

static void run(struct machine *m, const struct kernel *k, enum cpu_engine engine, u32 rounds)
{
    begin(m, k, rounds);
    for (;;) {
        enum cpu_exit why = cpu_run(m->cpu, engine, 0x7fffffff);

        if (why == CPU_EXIT_HALT)
            return;
        if (why == CPU_EXIT_SHUTDOWN) {
            fprintf(stderr, "the guest of '%s' shut down\n", k->name);
            exit(1);
        }
    }
}

static void set_trap_flag(bool on)
{
    if (on)
        __asm__ volatile("pushfq\n orq $0x100, (%%rsp)\n popfq" : : : "memory", "cc");
    else
        __asm__ volatile("pushfq\n andq $~0x100, (%%rsp)\n popfq" : : : "memory", "cc");
}

/* Guest instructions of `rounds` rounds. */
static u64 instructions(const struct kernel *k, u32 rounds)
{
    struct machine *m = start(k, NULL);
    u64 n;

    run(m, k, ENGINE_EXEC, rounds);
    n = cpu_icount(m->cpu);
    machine_free(m);
    return n;
}

/* Of this process: what else the machine does disturbs that least. */
static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct measured {
    /* host instructions a guest instruction, exits per 1000 of them, time */
    double host, exits, ns;
};

static struct measured measure(const struct kernel *k, u32 off)
{
    struct jit_config config = {.passes = ~0u, .off = off};
    u32 warm = k->rounds >= 500 ? 200000 : 20000, rounds = k->rounds * k->more;
    double counted = (double)instructions(k, k->rounds), timed = (double)instructions(k, rounds);
    struct measured r = {0, 0, 1e9};
    struct jit_exits x;
    struct machine *m = start(k, &config);

    if (!k->cold)
        run(m, k, ENGINE_JIT, warm);
    traps = 0;
    set_trap_flag(true);
    run(m, k, ENGINE_JIT, k->rounds);
    set_trap_flag(false);
    r.host = (double)traps / counted;
    for (u32 i = 0; i < 5; i++) {
        double then, took;

        if (k->cold) {
            machine_free(m);
            m = start(k, &config);
        }
        then = seconds();
        run(m, k, ENGINE_JIT, rounds);
        took = seconds() - then;
        if (took * 1e9 / timed < r.ns)
            r.ns = took * 1e9 / timed;
    }
    machine_free(m);
    config.tally = true;
    m = start(k, &config);
    run(m, k, ENGINE_JIT, k->cold ? k->rounds : warm);
    jit_exits(m->cpu, &x);
    if (x.insns)
        r.exits = 1000.0 / (double)x.insns *
                  (double)(x.linked + x.table + x.paired + x.unlinked + x.missed + x.exec);
    machine_free(m);
    return r;
}

static const struct kernel *find(const char *name)
{
    for (u32 i = 0; i < ARRAY_LEN(kernels); i++)
        if (!strcmp(kernels[i].name, name))
            return &kernels[i];
    return NULL;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_trap};
    const struct kernel *last = NULL;
    struct measured with = {0, 0, 0}, without;

    sigaction(SIGTRAP, &action, NULL);
    puts("technique,kernel,host with,host without,exits with,exits without,ns with,ns without");
    for (u32 i = 0; i < ARRAY_LEN(shown); i++) {
        const struct kernel *k = find(shown[i].kernel);
        struct err err = {""};
        u32 off = 0;

        if (!k || !jit_parse_off(shown[i].technique, &off, &err)) {
            fprintf(stderr, "%s: %s\n", shown[i].technique, err.msg);
            return 1;
        }
        if (k != last) /* neighbours share it */
            with = measure(k, 0);
        last = k;
        without = measure(k, off);
        printf("%s,%s,%.2f,%.2f,%.1f,%.1f,%.3f,%.3f\n", shown[i].technique, shown[i].kernel,
               with.host, without.host, with.exits, without.exits, with.ns, without.ns);
        fflush(stdout);
    }
    return 0;
}
