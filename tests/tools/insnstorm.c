/* Random instruction bytes through decoder, disassembler, interpreter and translator: insnstorm
 * [-n INSTRUCTIONS] [-s SEED] [-a SEQUENCE] [-x RUN] [-v]. One process; 16-, 32- and 64-bit code,
 * real, V86 and protected mode, levels 0 and 3. Every instruction is decoded and disassembled; one
 * of RUN sequences of them is run in exec and in the jit, which must agree. A crash or a difference
 * names the sequence; -s SEED -a SEQUENCE starts again at the epoch that it lies in. */
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/seg.h"
#include "tests/lock/machine.h"
#include "tests/tools/storm_image.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    PER_SEQUENCE = 8,
    EPOCH = 4096,        /* sequences between fresh contents of all memory */
    COMPARE_MEMORY = 64, /* sequences that are run between comparisons of all memory */
    BUDGET = 60,         /* instructions that a sequence may run */
    WATCH_SECONDS = 20,
    MOST_FAILURES = 5,
};

struct storm {
    u64 seed, rng;
    u64 decoded, undefined, too_long, run, sequences_run, faults, failures;
    struct lock_machine *a, *b;
    u8 image[STORM_IMAGE];
};

/* For the signal handlers: which sequence is at work, and whether it gets anywhere. */
static volatile u64 at_work, at_alarm = ~(u64)0, seed_at_work;

static u64 mix64(u64 z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static u64 rnd(struct storm *s)
{
    s->rng += 0x9e3779b97f4a7c15ull;
    return mix64(s->rng);
}

static void say_where(const char *what)
{
    char text[160];
    int n = snprintf(text, sizeof(text), "insnstorm: %s in sequence %llu: -s 0x%llx -a %llu\n",
                     what, (unsigned long long)at_work, (unsigned long long)seed_at_work,
                     (unsigned long long)at_work);
    if (n > 0 && write(2, text, (size_t)n) < 0)
        _exit(4);
}

static void crashed(int sig)
{
    say_where(sig == SIGSEGV ? "SIGSEGV" : sig == SIGABRT ? "abort" : "a signal");
    signal(sig, SIG_DFL);
    raise(sig);
}

static void alarmed(int sig)
{
    if (at_alarm == at_work) {
        say_where("a hang");
        _exit(3);
    }
    at_alarm = at_work;
}

/* ---- bytes ---- */

static void random_bytes(struct storm *s, u8 *p, unsigned bits)
{
    static const u8 prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x26, 0x2e, 0x36,
                                  0x3e, 0x64, 0x65, 0x66, 0xf3, 0xf2, 0x48, 0x41};
    u64 r[2] = {rnd(s), rnd(s)}, how = rnd(s);
    unsigned n = 0;
    memcpy(p, r, 15);
    if (how & 1)
        return;
    /* An opcode map, with prefixes in front. */
    while ((how >>= 2) & 1 && n < 4)
        p[n++] = prefixes[how >> 3 & 15];
    how >>= 8;
    if (bits == 64 && (how & 3) == 0)
        p[n++] = (u8)(0x40 | (how >> 4 & 15));
    switch (how >> 8 & 7) {
    case 0:
    case 1:
    case 2: p[n] = 0x0f; break;
    case 3:
        p[n] = 0x0f;
        p[n + 1] = how & 0x1000 ? 0x38 : 0x3a;
        break;
    case 4:
        p[n] = 0xc4;
        p[n + 1] = (u8)((p[n + 1] & 0xe0) | (1 + (how >> 12 & 3)));
        break;
    case 5: p[n] = 0xc5; break;
    }
}

/* One instruction: 0, or its length when it is one. */
static unsigned one(struct storm *s, u8 *p, unsigned bits, u64 feats)
{
    struct insn insn, part;
    char text[128];
    enum dec_result r;
    random_bytes(s, p, bits);
    r = decode(&insn, p, 15, bits, feats);
    s->decoded += r == DEC_OK;
    s->undefined += r == DEC_UD;
    s->too_long += r == DEC_LONG;
    if (r == DEC_SHORT || (r == DEC_OK && (!insn.len || insn.len > 15 || insn.op >= OP__COUNT)))
        abort();
    if (r != DEC_OK)
        return 0;
    if (strlen(disasm(text, sizeof(text), &insn, s->rng)) < 2)
        abort();
    /* Fewer bytes are not enough, unless they are. */
    if (insn.len > 1 && decode(&part, p, insn.len - 1u, bits, feats) != DEC_SHORT)
        abort();
    return insn.len;
}

/* ---- running ---- */

static u64 some_value(struct storm *s)
{
    u64 r = rnd(s), v = rnd(s);
    switch (r & 7) {
    case 0: return v;
    case 1: return (u32)v;
    case 2: return v & 0xff;
    case 3: return (u64)((s64)v >> 56);
    case 4: return (v & (LOCK_RAM - 1) & ~(u64)0xfff) + 0x1000 - (r >> 8 & 31); /* a page's end */
    default: return v & (LOCK_RAM - 1);
    }
}

static void set_values(struct storm *s, struct cpu *cpu)
{
    for (unsigned i = 0; i < 16; i++)
        cpu->gpr[i] = some_value(s) & (cpu->code_bits == 64 ? ~(u64)0 : 0xffffffffu);
    cpu->gpr[REG_SP] = STORM_STACK - 64 * (rnd(s) & 63);
    cpu_set_aflags(cpu, (u32)rnd(s));
    if (rnd(s) & 1) {
        cpu->fpu = (struct fpu){.cw = 0x37f, .empty = (u8)rnd(s), .top = rnd(s) & 7};
        for (unsigned i = 0; i < 8; i++)
            cpu->fpu.st[i] = (struct f80){rnd(s), (u16)(0x3fff + (rnd(s) & 63) - 32)};
        for (unsigned i = 0; i < 16; i++)
            cpu->xmm[i] = (union xmm){.q = {rnd(s), rnd(s)}};
        for (unsigned i = 0; i < 16; i++)
            cpu->ymmh[i] = (union xmm){.q = {rnd(s), rnd(s)}};
        cpu->mxcsr = 0x1f80;
    }
    switch (rnd(s) & 63) {
    case 0: cpu->eflags |= FL_TF; break;
    case 1: cpu->eflags |= FL_DF | FL_AC; break;
    case 2: cpu_nmi(cpu); break;
    case 3: cpu_smi(cpu); break;
    case 4:
        cpu->dr[rnd(s) & 3] = some_value(s) & 0xffffffff;
        cpu->dr[7] = (rnd(s) & 0xffff00ff) | 0x400;
        break;
    case 5: cpu->eflags ^= FL_IF | FL_NT; break;
    case 6: cpu->eflags |= FL_IF; break;
    }
}

/* Page tables among the device's registers give another answer every time, and engines look them up
 * at other times: a difference behind a CR3 that the sequence wrote is none. */
static bool same(struct storm *s, const u8 *code, unsigned n, enum storm_mode mode)
{
    char text[4096];
    bool memory = !(s->sequences_run % COMPARE_MEMORY);
    if (cpu_hash(s->a->cpu) == cpu_hash(s->b->cpu) && s->a->dev_hash == s->b->dev_hash &&
        (!memory || !memcmp(s->a->ram.host, s->b->ram.host, LOCK_RAM)))
        return true;
    if (s->a->cpu->cr3 != storm_cr3(mode)) {
        memcpy(s->b->ram.host, s->a->ram.host, LOCK_RAM);
        ram_wrote(&s->b->ram, 0, LOCK_RAM);
        return true;
    }
    say_where("a difference");
    printf("mode %d, bytes", mode);
    for (unsigned i = 0; i < n; i++)
        printf(" %02x", code[i]);
    printf("\nexec:\n%s", cpu_dump(s->a->cpu, text, sizeof(text)));
    printf("jit:\n%s", cpu_dump(s->b->cpu, text, sizeof(text)));
    memcpy(s->b->ram.host, s->a->ram.host, LOCK_RAM);
    ram_wrote(&s->b->ram, 0, LOCK_RAM);
    return false;
}

static void run_in(struct storm *s, struct lock_machine *m, const u8 *code, unsigned n,
                   enum storm_mode mode, u32 at)
{
    u8 *ram = m->ram.host;
    if (memcmp(ram, s->image, STORM_IMAGE)) {
        memcpy(ram, s->image, STORM_IMAGE);
        ram_wrote(&m->ram, 0, STORM_IMAGE);
    }
    memcpy(ram + at, code, n);
    ram_wrote(&m->ram, at, n);
    storm_mode_set(m->cpu, mode, at);
    set_values(s, m->cpu);
    debug_update(m->cpu);
    m->cpu->icount = 0;
    m->dev_hash = m->dev_count = 0;
    cpu_run(m->cpu, m->engine, BUDGET);
}

static void run(struct storm *s, const u8 *code, unsigned n, enum storm_mode mode)
{
    u32 at = STORM_CODE + (rnd(s) & 7 ? (u32)(rnd(s) & 0x1ff0) : 0x1000 - (u32)(rnd(s) & 31));
    u64 rng = s->rng;
    run_in(s, s->a, code, n, mode, at);
    s->run += s->a->cpu->icount;
    s->rng = rng;
    run_in(s, s->b, code, n, mode, at);
    s->faults += storm_faulted(s->a->cpu);
    s->sequences_run++;
    s->failures += !same(s, code, n, mode);
}

static void epoch(struct storm *s, u64 i)
{
    struct lock_machine *m[2] = {s->a, s->b};
    s->rng = mix64(s->seed ^ i * 0x2545f4914f6cdd1dull);
    for (u32 k = 0; k < LOCK_RAM; k += 8)
        st64(s->a->ram.host + k, rnd(s));
    memcpy(s->a->ram.host, s->image, STORM_IMAGE);
    memcpy(s->b->ram.host, s->a->ram.host, LOCK_RAM);
    for (unsigned k = 0; k < 2; k++) {
        ram_wrote(&m[k]->ram, 0, LOCK_RAM);
        cpu_reset(m[k]->cpu);
        m[k]->cpu->random = s->rng;
    }
}

static void sequence(struct storm *s, u64 i, u64 run_one_of)
{
    u8 code[PER_SEQUENCE * 15 + 1];
    enum storm_mode mode = (enum storm_mode)(rnd(s) % STORM_MODES);
    unsigned bits = storm_bits(mode), n = 0;
    for (unsigned k = 0; k < PER_SEQUENCE; k++) {
        u8 bytes[16];
        unsigned len = one(s, bytes, bits, s->a->cpu->feats);
        /* What is no instruction would end the sequence; now and then it may. */
        if (!len && (rnd(s) & 31))
            continue;
        memcpy(code + n, bytes, len ? len : 4);
        n += len ? len : 4;
    }
    code[n++] = 0xf4;
    if (!(i % run_one_of))
        run(s, code, n, mode);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void summary(const struct storm *s, u64 insns, double start)
{
    double t = now() - start;
    printf("insnstorm: %llu random instructions: %llu valid, %llu undefined, %llu too long; "
           "%llu sequences run, %llu instructions, %llu ended in an exception; %llu differences; "
           "%.0f a second\n",
           (unsigned long long)insns, (unsigned long long)s->decoded,
           (unsigned long long)s->undefined, (unsigned long long)s->too_long,
           (unsigned long long)s->sequences_run, (unsigned long long)s->run,
           (unsigned long long)s->faults, (unsigned long long)s->failures,
           t > 0 ? (double)insns / t : 0.0);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct storm s;
    const struct itimerval watch = {{WATCH_SECONDS, 0}, {WATCH_SECONDS, 0}};
    u64 n = 1000000, first = 0, run_one_of = 8;
    bool verbose = false;
    double start = now();
    s.seed = (u64)time(NULL);
    for (int c; (c = getopt(argc, argv, "n:s:a:x:v")) != -1;)
        switch (c) {
        case 'n': n = strtoull(optarg, NULL, 0); break;
        case 's': s.seed = strtoull(optarg, NULL, 0); break;
        case 'a': first = strtoull(optarg, NULL, 0) / EPOCH * EPOCH; break;
        case 'x': run_one_of = strtoull(optarg, NULL, 0); break;
        case 'v': verbose = true; break;
        default: return 2;
        }
    s.a = lock_machine_new("max", ENGINE_EXEC);
    s.b = lock_machine_new("max", ENGINE_JIT);
    if (!s.a || !s.b || !run_one_of)
        return 2;
    storm_image(s.image);
    seed_at_work = s.seed;
    signal(SIGSEGV, crashed);
    signal(SIGBUS, crashed);
    signal(SIGABRT, crashed);
    signal(SIGILL, crashed);
    signal(SIGFPE, crashed);
    signal(SIGALRM, alarmed);
    setitimer(ITIMER_REAL, &watch, NULL);
    printf("insnstorm: seed 0x%llx\n", (unsigned long long)s.seed);
    fflush(stdout);
    for (u64 i = first; (i - first) * PER_SEQUENCE < n && s.failures < MOST_FAILURES; i++) {
        at_work = i;
        if (!(i % EPOCH))
            epoch(&s, i);
        sequence(&s, i, run_one_of);
        if (verbose && i != first && !((i - first) % 1250000))
            summary(&s, (i - first) * PER_SEQUENCE, start);
    }
    summary(&s, n, start);
    lock_machine_free(s.a);
    lock_machine_free(s.b);
    return s.failures != 0;
}
