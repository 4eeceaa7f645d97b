/* stubstep: our machine and QEMU in lockstep over boot ROMs, one instruction at a time; after each
 * of them registers, flags, selectors, control registers, x87, SSE and memory must be equal.
 *
 *   stubstep [-n STEPS] [-t SECONDS] [-s SKIPPED] [-q QEMU] [-v] ROM...
 *
 * STEPS and SECONDS are for each ROM; about SKIPPED instructions at its start run without comparing.
 *
 * Devices are not the matter: what ports, clocks and CPUID say is given to QEMU as ours said it, and
 * no interrupt is delivered on either side (QEMU holds them back while it steps). What QEMU is
 * known to do otherwise stands in stub_rules.c: it is counted, and QEMU is given our state. */
#include "tests/tools/stub_rules.h"
#include "devices/board/pc.h"
#include "devices/core/bits.h"
#include "frontend/firmware.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LOW = 0xa0000,       /* memory that is compared at every step */
    HIGH = 0xc0000,      /* ... and from here now and then; between them would be a display adapter */
    SWEEP = 1000,        /* steps between comparisons of all of it */
    MOST_DIFFERENCES = 5,
    REP_STEPS = 16,      /* more iterations than these are run to a breakpoint */
    NS_PER_STEP = 500,
};
/* RF is not compared: QEMU shows it as it was before the instruction. */
enum { FLAGS_SEEN = F_ALL | FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_VM | FL_AC | FL_VIF | FL_VIP | FL_ID };

struct run {
    struct clock clock;
    u64 now;
    struct pc *pc;
    u8 *bios;
    struct stub qemu;
    u64 steps, idle, inputs, undefined, known, differences;
    u32 by_rule[64];
    bool verbose;
    const char *end;     /* why it ended */
    char text[160];
};

static u64 read_clock(void *arg)
{
    return ((struct run *)arg)->now;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- states ---- */
static void our_state(const struct cpu *cpu, struct stub_state *s)
{
    u64 mask = cpu->code_bits == 64 ? ~0ull : 0xffffffff;
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < 16; i++)
        s->r[STUB_GPR + i] = cpu->gpr[i] & mask;
    s->r[STUB_RIP] = cpu->rip;
    s->r[STUB_FLAGS] = cpu_eflags(cpu);
    for (unsigned i = 0; i < SEG__COUNT; i++)
        s->r[STUB_SEG + i] = cpu->seg[i].sel;
    s->r[STUB_CR0] = cpu->cr0;
    s->r[STUB_CR2] = cpu->cr2;
    s->r[STUB_CR3] = cpu->cr3;
    s->r[STUB_CR4] = cpu->cr4;
    s->r[STUB_EFER] = cpu->efer;
    s->r[STUB_FCTRL] = cpu->fpu.cw;
    s->r[STUB_FSTAT] = cpu->fpu.sw | (u32)cpu->fpu.top << 11;
    s->r[STUB_MXCSR] = cpu->mxcsr;
    for (unsigned i = 0; i < 8; i++) {
        const struct f80 *f = &cpu->fpu.st[i];
        st64(s->st[i], f->frac);
        st16(s->st[i] + 8, f->se);
    }
    for (unsigned i = 0; i < 16; i++)
        for (unsigned k = 0; k < 2; k++)
            st64(s->xmm[i] + 8 * k, cpu->xmm[i].q[k]);
}

static u32 int_diff(unsigned reg)
{
    if (reg < STUB_RIP)
        return DIFF_GPR;
    if (reg == STUB_RIP)
        return DIFF_RIP;
    if (reg == STUB_FLAGS)
        return DIFF_FLAGS;
    if (reg < STUB_CR0)
        return DIFF_SEL;
    return reg < STUB_FCTRL ? DIFF_CR : reg < STUB_MXCSR ? DIFF_X87 : DIFF_SSE;
}

static bool reg_differs(const struct run *r, const struct stub_step *st, unsigned i)
{
    if (!r->qemu.reg[i].size)
        return false;
    if (i >= STUB_XMM)
        return memcmp(st->ours.xmm[i - STUB_XMM], st->theirs.xmm[i - STUB_XMM], 16) != 0;
    if (i >= STUB_ST)
        return memcmp(st->ours.st[i - STUB_ST], st->theirs.st[i - STUB_ST], 10) != 0;
    if (i == STUB_FLAGS)
        return (st->ours.r[i] ^ st->theirs.r[i]) & FLAGS_SEEN;
    return st->ours.r[i] != st->theirs.r[i];
}

static u32 first_difference(const u8 *a, const u8 *b, u32 n)
{
    u32 i = 0;
    while (i + 4096 <= n && !memcmp(a + i, b + i, 4096))
        i += 4096;
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

static void compare_memory(const struct run *r, struct stub_step *st, u32 from, u32 to)
{
    const u8 *a = r->pc->low.host, *b = r->qemu.ram;
    u32 at = from + first_difference(a + from, b + from, to - from);
    if (at >= to || st->mem_n)
        return;
    st->diff |= DIFF_MEM;
    st->mem_at = at;
    st->mem_ours = a[at];
    st->mem_theirs = b[at];
    for (u32 i = at; i < to; i++)
        st->mem_n += a[i] != b[i];
}

static void compare(struct run *r, struct stub_step *st)
{
    st->diff = st->flags = 0;
    for (unsigned i = 0; i < STUB_COUNT; i++)
        if (reg_differs(r, st, i))
            st->diff |= i < STUB_INTS ? int_diff(i) : i < STUB_XMM ? DIFF_X87 : DIFF_SSE;
    st->flags = (u32)(st->ours.r[STUB_FLAGS] ^ st->theirs.r[STUB_FLAGS]) & FLAGS_SEEN;
    st->mem_n = 0;
    compare_memory(r, st, 0, LOW);
    if (r->steps % SWEEP == 0)
        compare_memory(r, st, HIGH, STUB_RAM);
}

/* ---- giving QEMU our state ---- */
static void adopt_memory(struct run *r)
{
    const u8 *from = r->pc->low.host;
    for (u32 i = 0; i < STUB_RAM; i += PAGE_SIZE)
        if ((i < LOW || i >= HIGH) && memcmp(r->qemu.ram + i, from + i, PAGE_SIZE))
            memcpy(r->qemu.ram + i, from + i, PAGE_SIZE);
}

/* Control registers go first: what a selector means depends on them and on VM. */
static bool adopt(struct run *r, struct stub_step *st)
{
    static const u8 order[] = {STUB_CR4, STUB_EFER, STUB_CR3, STUB_CR0, STUB_CR2, STUB_FLAGS};
    bool ok = true;
    if (st->diff & DIFF_MEM)
        adopt_memory(r);
    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        if (reg_differs(r, st, order[i]))
            ok &= stub_set_int(&r->qemu, order[i], st->ours.r[order[i]]);
    for (unsigned i = 0; i < STUB_INTS; i++)
        if (reg_differs(r, st, i) && !memchr(order, (int)i, sizeof(order)))
            ok &= stub_set_int(&r->qemu, i, st->ours.r[i]);
    for (unsigned i = STUB_ST; i < STUB_COUNT; i++)
        if (reg_differs(r, st, i))
            ok &= stub_set(&r->qemu, i, i < STUB_XMM ? st->ours.st[i - STUB_ST] : st->ours.xmm[i - STUB_XMM]);
    if (!ok || !stub_read(&r->qemu, &st->theirs))
        return false;
    compare(r, st);
    return !st->diff;
}

/* ---- one step ---- */
static void look(struct run *r, struct stub_step *st)
{
    struct cpu *cpu = r->pc->cpu[0];
    unsigned n = 15;
    st->number = r->steps;
    st->before = st->ours;
    memcpy(st->seg, cpu->seg, sizeof(st->seg));
    st->code_bits = cpu->code_bits;
    st->stack_bits = cpu->stack_bits;
    st->la = cpu->seg[SEG_CS].base + cpu->rip;
    if (cpu->code_bits != 64)
        st->la = (u32)st->la;
    memset(st->bytes, 0, sizeof(st->bytes));
    while (n && !mmu_peek(&cpu->mmu, st->la, st->bytes, n))
        n--;
    st->decoded = n && decode(&st->in, st->bytes, n, cpu->code_bits, cpu->feats) == DEC_OK;
    st->memory = false;
    if (st->decoded)
        stub_operand(st);
}

static void report(struct run *r, const struct stub_step *st, const char *what)
{
    char text[100] = "?";
    if (st->decoded)
        disasm(text, sizeof(text), &st->in, st->la);
    printf("  %s at step %llu, %04x:%08llx %s (", what, (unsigned long long)st->number,
           (unsigned)st->before.r[STUB_SEG + SEG_CS], (unsigned long long)st->before.r[STUB_RIP], text);
    for (unsigned i = 0; i < (st->decoded ? st->in.len : 8u); i++)
        printf("%02x", st->bytes[i]);
    printf("), ours %s%d error %x; before, ours, QEMU:\n", st->vector < 0 ? "raised nothing " : "raised ", st->vector, st->error);
    for (unsigned i = 0; i < STUB_INTS; i++)
        if (r->qemu.reg[i].size && (i < STUB_EFER || reg_differs(r, st, i)))
            printf("  %c %-6s %llx %llx %llx\n", reg_differs(r, st, i) ? '*' : ' ', stub_reg_name[i],
                   (unsigned long long)st->before.r[i], (unsigned long long)st->ours.r[i], (unsigned long long)st->theirs.r[i]);
    for (unsigned i = STUB_ST; i < STUB_COUNT; i++) {
        const u8 *a = i < STUB_XMM ? st->ours.st[i - STUB_ST] : st->ours.xmm[i - STUB_XMM];
        const u8 *b = i < STUB_XMM ? st->theirs.st[i - STUB_ST] : st->theirs.xmm[i - STUB_XMM];
        if (reg_differs(r, st, i))
            printf("  * %-6s %04x%016llx %04x%016llx\n", stub_reg_name[i], ld16(a + 8), (unsigned long long)ld64(a), ld16(b + 8),
                   (unsigned long long)ld64(b));
    }
    if (st->diff & DIFF_MEM)
        printf("  * [%x]  %08x %08x\n", st->mem_at, ld32(r->pc->low.host + st->mem_at), ld32(r->qemu.ram + st->mem_at));
}

static int raised(const struct cpu *cpu, const u64 *before)
{
    for (int i = 0; i < 32; i++)
        if (cpu->stat_exc[i] != before[i])
            return i;
    return -1;
}

static bool finish(struct run *r, const char *why)
{
    r->end = why;
    return false;
}

static bool step_ours(struct run *r, struct stub_step *st)
{
    struct cpu *cpu = r->pc->cpu[0];
    u64 exc[32], rip = cpu->rip;
    struct pc_event ev;
    memcpy(exc, cpu->stat_exc, sizeof(exc));
    for (int i = 0; i < 100000; i++) {
        cpu->intr = 0;
        r->now += NS_PER_STEP;
        if (cpu_run(cpu, ENGINE_EXEC, 1) == CPU_EXIT_SHUTDOWN)
            return finish(r, "triple fault");
        st->vector = raised(cpu, exc);
        if (st->vector >= 0 || cpu->rip != rip || !st->decoded || !st->in.rep)
            break;
    }
    st->error = cpu->exc_error;
    ev = r->pc->pending.kind ? pc_take_event(r->pc) : (struct pc_event){0};
    if (ev.kind)
        return finish(r, ev.reason ? ev.reason : "event");
    our_state(cpu, &st->ours);
    return true;
}

/* A repeated string instruction is many steps in QEMU. */
static bool step_theirs(struct run *r, const struct stub_step *st)
{
    struct stub_state s;
    u64 count = st->before.r[STUB_GPR + REG_CX];
    u64 target = r->pc->cpu[0]->seg[SEG_CS].base + r->pc->cpu[0]->rip;
    if (!st->decoded || !st->in.rep || !(op_info[st->in.op].attrs & OPA_REP))
        return stub_step(&r->qemu);
    if (st->in.asz < 8)
        count &= BIT64(8 * st->in.asz) - 1;
    if (count > REP_STEPS) {
        /* Running it would take interrupts. */
        u64 flags = st->before.r[STUB_FLAGS];
        if (!(flags & FL_IF))
            return stub_run_to(&r->qemu, st->code_bits == 64 ? target : (u32)target);
        return stub_set_int(&r->qemu, STUB_FLAGS, flags & ~(u64)FL_IF) &&
               stub_run_to(&r->qemu, st->code_bits == 64 ? target : (u32)target) && stub_read(&r->qemu, &s) &&
               stub_set_int(&r->qemu, STUB_FLAGS, s.r[STUB_FLAGS] | FL_IF);
    }
    for (u64 i = 0; i <= count; i++) {
        if (!stub_step(&r->qemu) || !stub_read(&r->qemu, &s))
            return false;
        if (s.r[STUB_RIP] != st->before.r[STUB_RIP] || s.r[STUB_SEG + SEG_CS] != st->before.r[STUB_SEG + SEG_CS])
            break;
    }
    return true;
}

/* Something differs: undefined, an input, known, or a difference. False: the run ends. */
static bool judge(struct run *r, struct stub_step *st)
{
    u32 undef = st->decoded ? op_info[st->in.op].undef : 0;
    int rule;
    if (st->diff == DIFF_FLAGS && st->vector < 0 && !(st->flags & ~undef)) {
        r->undefined++;
    } else if (stub_input(st)) {
        r->inputs++;
    } else {
        rule = stub_excuse(st);
        if (rule < 0) {
            report(r, st, "difference");
            if (++r->differences >= MOST_DIFFERENCES)
                return finish(r, "too many differences");
        } else {
            r->known++;
            r->by_rule[rule]++;
            if (r->verbose)
                report(r, st, stub_rules[rule].why);
            if (stub_rules[rule].stop) {
                snprintf(r->text, sizeof(r->text), "%s", stub_rules[rule].why);
                return finish(r, r->text);
            }
        }
    }
    if (adopt(r, st))
        return true;
    snprintf(r->text, sizeof(r->text), "QEMU does not take our state (%02x) behind %s", st->diff,
             st->decoded ? op_info[st->in.op].name : "?");
    if (r->verbose)
        report(r, st, r->text);
    return finish(r, r->text);
}

static bool step(struct run *r, struct stub_step *st)
{
    const struct cpu *cpu = r->pc->cpu[0];
    look(r, st);
    if (st->decoded && st->in.op == OP_HLT && !cpu->cpl)
        return finish(r, "HLT");
    if (!step_ours(r, st))
        return false;
    r->steps++;
    /* A change of the address map or of A20 stops QEMU in front of the next instruction: once more. */
    for (int i = 0; i < 2; i++) {
        if (!step_theirs(r, st) || !stub_read(&r->qemu, &st->theirs)) {
            if (r->verbose)
                report(r, st, "QEMU does not answer");
            return finish(r, "QEMU does not answer");
        }
        compare(r, st);
        /* QEMU raises the #DB of an instruction breakpoint within the step in front. */
        if (st->diff & DIFF_RIP && st->vector < 0 && cpu->dr[7] & 0xff && st->theirs.r[STUB_RIP] != st->before.r[STUB_RIP]) {
            look(r, st);
            if (!step_ours(r, st))
                return false;
            compare(r, st);
            break;
        }
        if (!(st->diff & DIFF_RIP) || st->vector >= 0 || memcmp(st->theirs.r, st->before.r, sizeof(st->before.r)))
            break;
        r->idle++;
    }
    return !st->diff || judge(r, st);
}

/* ---- a ROM ---- */
static bool open_pc(struct run *r, const char *rom)
{
    struct err err = {""};
    size_t len;
    struct pc_config cfg = {.ram_size = STUB_RAM, .clock = &r->clock, .cpu_model = r->qemu.wide ? "max" : NULL,
                            .vga = PC_VGA_NONE, .no_exitdev = true};
    clock_init(&r->clock, read_clock, r);
    r->bios = file_read(rom, 16 * MIB, &len, &err);
    cfg.bios = (struct pc_blob){"bios", r->bios, len};
    if (r->bios)
        r->pc = pc_create(&cfg, &err);
    if (!r->pc)
        fprintf(stderr, "stubstep: %s\n", err.msg);
    return r->pc;
}

static void close_all(struct run *r)
{
    stub_stop(&r->qemu);
    if (r->pc)
        pc_destroy(r->pc);
    clock_free(&r->clock);
    free(r->bios);
}

/* Power-on: the signature in EDX is the model's, and QEMU begins with the x87 control word of FNINIT
 * instead of 40h (SDM vol. 3 table 9-1). */
static bool begin(struct run *r, struct stub_step *st)
{
    our_state(r->pc->cpu[0], &st->ours);
    st->before = st->ours;
    st->vector = -1;
    if (!stub_read(&r->qemu, &st->theirs))
        return false;
    st->theirs.r[STUB_GPR + REG_DX] = ~0ull;
    compare(r, st);
    if (!adopt(r, st)) {
        report(r, st, "different at reset");
        r->differences++;
    }
    return true;
}

/* Run both through about n instructions: ours to the first address behind them where it never was, QEMU
 * to the first time that it comes there. */
static bool skip(struct run *r, struct stub_step *st, u64 n)
{
    struct cpu *cpu = r->pc->cpu[0];
    u8 *seen = calloc(1, BIT64(17));
    u64 la = cpu->seg[SEG_CS].base + cpu->rip;
    bool ok = seen != NULL;
    for (u64 i = 0; ok; i++) {
        u32 bit = (u32)la & 0xfffff;
        if (i >= n && !(seen[bit / 8] >> bit % 8 & 1))
            break;
        seen[bit / 8] |= (u8)(1u << bit % 8);
        cpu->intr = 0;
        r->now += NS_PER_STEP;
        ok = cpu_run(cpu, ENGINE_EXEC, 1) == CPU_EXIT_BUDGET && i < 2 * n;
        la = (u32)(cpu->seg[SEG_CS].base + cpu->rip);
    }
    free(seen);
    our_state(cpu, &st->ours);
    st->before = st->ours;
    if (!ok || !stub_run_to(&r->qemu, la) || !stub_read(&r->qemu, &st->theirs))
        return finish(r, "the start cannot be skipped");
    compare(r, st);
    st->la = la;
    /* Undefined flags are the only thing that may have become different. */
    if (st->diff & ~(u32)DIFF_FLAGS) {
        report(r, st, "different behind what was skipped");
        r->differences++;
    }
    return adopt(r, st) || finish(r, "the start cannot be skipped");
}

/* Differences found, or -1 when the ROM cannot be run. */
static int run_rom(const char *qemu, const char *rom, u64 steps, double limit, u64 skipped, bool verbose)
{
    struct run *r = calloc(1, sizeof(*r));
    struct stub_step *st = calloc(1, sizeof(*st));
    const char *name = strrchr(rom, '/');
    char why[200];
    double start;
    int result = -1;
    if (!r || !st)
        goto out;
    r->verbose = verbose;
    if (!stub_start(&r->qemu, qemu, rom, why, sizeof(why))) {
        printf("%s: %s\n", rom, why);
        goto out;
    }
    start = seconds();
    if (open_pc(r, rom) && begin(r, st)) {
        bool on = !skipped || skip(r, st, skipped);
        while (on && r->steps < steps && seconds() - start < limit && step(r, st))
            ;
        if (!r->end)
            r->end = r->steps < steps ? "time" : "steps";
        printf("%-12s %s: %llu steps, %.0f/s, until %s (%08llx); %llu undefined flags, %llu inputs, %llu known, "
               "%llu differ\n",
               name ? name + 1 : rom, r->qemu.wide ? "x86_64" : "i386", (unsigned long long)r->steps,
               (double)r->steps / (seconds() - start), r->end, (unsigned long long)st->la, (unsigned long long)r->undefined, (unsigned long long)r->inputs,
               (unsigned long long)r->known, (unsigned long long)r->differences);
        for (unsigned i = 0; i < stub_nrules; i++)
            if (r->by_rule[i])
                printf("  %6u %s\n", r->by_rule[i], stub_rules[i].why);
        result = (int)r->differences;
    }
    fflush(stdout);
    close_all(r);
out:
    free(st);
    free(r);
    return result;
}

static bool present(const char *qemu)
{
    char path[200];
    snprintf(path, sizeof(path), "command -v %s >/dev/null 2>&1", qemu);
    return system(path) == 0;
}

int main(int argc, char **argv)
{
    u64 steps = 50000, skipped = 0;
    double limit = 11;
    const char *qemu = "qemu-system-i386";
    bool verbose = false;
    int c, bad = 0;
    while ((c = getopt(argc, argv, "n:t:s:q:v")) != -1)
        switch (c) {
        case 'n': steps = strtoull(optarg, NULL, 0); break;
        case 't': limit = strtod(optarg, NULL); break;
        case 's': skipped = strtoull(optarg, NULL, 0); break;
        case 'q': qemu = optarg; break;
        case 'v': verbose = true; break;
        default: fprintf(stderr, "usage: stubstep [-n STEPS] [-t SECONDS] [-s SKIPPED] [-q QEMU] [-v] ROM...\n"); return 2;
        }
    if (!present(qemu)) {
        printf("stubstep: skipped, there is no %s (package qemu-system-x86)\n", qemu);
        return 0;
    }
    for (int i = optind; i < argc; i++)
        bad += run_rom(qemu, argv[i], steps, limit, skipped, verbose) != 0;
    return bad != 0;
}
