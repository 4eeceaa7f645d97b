/* Two engines in step: equal slices of instructions, equal interrupts, equal state behind every
 * slice. */
#include "tests/lock/lockstep.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- slices ---- */
struct pace {
    u64 s;
    const struct lock_prog *p;
    u32 left;
};

static struct pace pace_of(const struct lock_prog *p)
{
    return (struct pace){.s = p->seed ^ 0x51ce, .p = p, .left = p->budget};
}

enum { WANT_NMI = 2, WANT_SMI = 0xff };

/* Length of the next slice, 0 at the end; *vector: raise this interrupt in front of it, or 0. */
static u32 pace_next(struct pace *c, u8 *vector)
{
    u32 k = lock_below(&c->s, 10), n = k < 3   ? 1 + lock_below(&c->s, 4)
                                       : k < 7 ? 5 + lock_below(&c->s, 40)
                                               : 100;
    *vector = 0;
    if (c->p->irq_every) {
        n = MIN(n, 1 + lock_below(&c->s, 2 * c->p->irq_every));
        if (lock_chance(&c->s, 70))
            *vector = lock_chance(&c->s, 88)   ? (u8)(0x30 + lock_below(&c->s, 16))
                      : lock_chance(&c->s, 50) ? WANT_NMI
                                               : WANT_SMI;
    }
    n = MIN(n, c->left);
    c->left -= n;
    return n;
}

/* What a system does that changes a mapping: the entry, and then what makes it seen. */
static void remap(const struct lock_prog *p, struct lock_machine *m, u64 *s)
{
    struct mmu *mmu = &m->cpu->mmu;
    struct mmu_mode mode = mmu->mode;
    u32 la = lock_chance(s, 70) ? p->code_at + lock_below(s, p->code_len)
                                : LOCK_DATA + lock_below(s, LOCK_DATA_SIZE);
    bool global = lock_remap(p, m, la);
    unsigned k = lock_below(s, 3);
    if (k == 0 && !global)
        mmu_set_mode(mmu, &mode, true);
    else if (k == 1)
        mmu_flush(mmu, true);
    else /* all views of the page: what a TLB holds of the others is nobody's business here */
        for (unsigned v = 0; v < (p->kind == LOCK_LONG ? LOCK_VIEWS : 1); v++)
            mmu_invlpg(mmu, lock_views[v] + la);
}

/* What comes from outside between slices: DMA into the program or its data, A20. */
static void outside(const struct lock_prog *p, struct lock_machine *m)
{
    u64 s = p->seed + m->cpu->icount;
    u8 bytes[8];
    u32 at = lock_chance(&s, 60) ? p->code_at + lock_below(&s, p->code_len)
                                 : LOCK_DATA + lock_below(&s, LOCK_DATA_SIZE);
    st64(bytes, lock_chance(&s, 50) ? lock_rnd(&s) : 0x9090909090909090ull);
    bus_copy(&m->mem, at, bytes, 1 + lock_below(&s, 8), true);
    if (p->paging && lock_chance(&s, 60))
        remap(p, m, &s);
    if (lock_chance(&s, 20))
        cpu_set_a20(m->cpu, lock_chance(&s, 50));
}

static enum cpu_exit run_slice(const struct lock_prog *p, struct lock_machine *m, u32 n, u8 vector)
{
    if (p->outside)
        outside(p, m);
    if (vector == WANT_NMI)
        cpu_nmi(m->cpu);
    else if (vector == WANT_SMI)
        cpu_smi(m->cpu);
    else if (vector)
        lock_machine_irq(m, vector);
    return cpu_run(m->cpu, m->engine, n);
}

static bool same(const struct lock_machine *a, const struct lock_machine *b)
{
    return cpu_hash(a->cpu) == cpu_hash(b->cpu) && a->cpu->icount == b->cpu->icount &&
           a->dev_hash == b->dev_hash && a->dev_count == b->dev_count &&
           a->cpu->intr == b->cpu->intr && a->cpu->db_pending == b->cpu->db_pending &&
           !memcmp(a->ram.host, b->ram.host, LOCK_RAM);
}

/* Requests to leave at moments that no program can foresee. */
struct kicker {
    struct cpu *cpu;
    bool stop;
};

static void *kick(void *arg)
{
    struct kicker *k = arg;
    while (!__atomic_load_n(&k->stop, __ATOMIC_RELAXED)) {
        cpu_kick(k->cpu);
        for (volatile int i = 0; i < 100; i++)
            ;
    }
    return NULL;
}

static enum cpu_exit run_kicked(struct lock_machine *m)
{
    struct kicker k = {.cpu = m->cpu};
    enum cpu_exit why;
    pthread_t thread;
    if (pthread_create(&thread, NULL, kick, &k))
        return cpu_run(m->cpu, m->engine, ~0u);
    do
        why = cpu_run(m->cpu, m->engine, ~0u);
    while (why == CPU_EXIT_BUDGET);
    __atomic_store_n(&k.stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    m->cpu->exit_request = 0;
    return why;
}

/* A program that rewrites itself may load CR3 with anything. What its page tables then are may be
 * written as data, and what a TLB still holds of them differs between engines rightly. */
static bool lost(const struct lock_machine *m, u64 cr3)
{
    enum { PWT_PCD = 0x18 };
    return (m->cpu->cr3 ^ cr3) & ~(u64)PWT_PCD;
}

/* Without counting only the end of a program that halts by itself can be compared. */
static struct lock_diff compare_end(const struct lock_prog *p, struct lock_machine *a,
                                    struct lock_machine *b, u64 *insns)
{
    struct lock_diff d = {.length = p->budget};
    u64 cr3;
    lock_enter(p, a);
    lock_enter(p, b);
    cr3 = a->cpu->cr3;
    a->exact = b->exact = false;
    if (cpu_run(a->cpu, a->engine, p->budget) == CPU_EXIT_HALT && !lost(a, cr3)) {
        d.exit_b = p->seed & 0x20 ? run_kicked(b) : cpu_run(b->cpu, b->engine, ~0u);
        b->cpu->icount = a->cpu->icount;
        d.differ = d.exit_b != CPU_EXIT_HALT || !same(a, b);
        d.exit_a = CPU_EXIT_HALT;
    }
    a->exact = b->exact = true;
    if (insns)
        *insns += a->cpu->icount;
    return d;
}

/* From now on it is noted which code m runs; or (not on) no more. */
static void note_ran(struct lock_machine *m, bool on)
{
    jit_ran(m->cpu);
    ran_empty(&m->ran);
    ran_pages(&m->ran); /* code of segments with a base is known by its offset in the page only */
    m->cpu->ran = on ? &m->ran : NULL;
    m->cpu->ran_line = ~(u64)0;
}

/* Does b know of all lines that a ran? Otherwise the first byte of one is in *la. */
static bool knows(const struct lock_machine *a, const struct lock_machine *b, u64 *la)
{
    for (u32 i = 0; i < a->ran.cap; i++)
        for (u32 k = 0; a->ran.slot[i].page && k < PAGE_SIZE / RAN_LINE; k++) {
            *la = (a->ran.slot[i].page - 1) << PAGE_BITS | k * RAN_LINE;
            if (a->ran.slot[i].lines[k >> 6] >> (k & 63) & 1 && !ran_at(&b->ran, *la))
                return false;
        }
    return true;
}

struct lock_diff lock_compare(const struct lock_prog *p, struct lock_machine *a,
                              struct lock_machine *b, u64 *insns)
{
    struct pace pace = pace_of(p);
    struct lock_diff d = {0};
    u64 cr3;
    u8 vector;
    if (b->uncounted)
        return compare_end(p, a, b, insns);
    lock_enter(p, a);
    lock_enter(p, b);
    cr3 = a->cpu->cr3;
    while ((d.length = pace_next(&pace, &vector)) != 0) {
        enum cpu_exit x, y;
        note_ran(a, b->noted);
        note_ran(b, b->noted);
        x = run_slice(p, a, d.length, vector), y = run_slice(p, b, d.length, vector);
        jit_ran(b->cpu);
        if (lost(a, cr3) || lost(b, cr3))
            break;
        if (x != y || !same(a, b)) {
            d.differ = true;
            d.exit_a = x, d.exit_b = y;
            break;
        }
        if (b->noted && !knows(a, b, &d.ran)) {
            d.differ = d.unseen = true;
            d.exit_a = x, d.exit_b = y;
            break;
        }
        d.icount = a->cpu->icount;
        d.slices++;
        if (x == CPU_EXIT_SHUTDOWN || (x == CPU_EXIT_HALT && !p->irq_every))
            break;
    }
    if (insns)
        *insns += a->cpu->icount;
    return d;
}

static void run_whole(const struct lock_prog *p, struct lock_machine *m, struct pace *pace)
{
    u8 vector;
    u32 n = pace_next(pace, &vector);
    run_slice(p, m, n, vector);
}

/* Bring m behind `slices` slices and then `n` instructions into the next one. */
static void run_to(const struct lock_prog *p, struct lock_machine *m, u32 slices, u32 n)
{
    struct pace pace = pace_of(p);
    u8 vector;
    lock_enter(p, m);
    while (slices--)
        run_whole(p, m, &pace);
    pace_next(&pace, &vector);
    if (n)
        run_slice(p, m, n, vector);
}

void lock_minimise(struct lock_prog *p, struct lock_machine *a, struct lock_machine *b)
{
    bool again = true;
    for (int round = 0; again && round < 4; round++) {
        again = false;
        for (u32 k = p->n; k-- > 0;) {
            struct lock_insn old = p->insns[k];
            if (!old.fix && old.bytes[0] == 0x90 && old.bytes[old.len - 1] == 0x90)
                continue;
            lock_drop(p, k);
            lock_layout(p);
            if (lock_compare(p, a, b, NULL).differ) {
                again = true;
                continue;
            }
            p->insns[k] = old;
            lock_layout(p);
        }
    }
}

/* ---- report ---- */
static void print_code(const u8 *code, u32 len, u64 pc, unsigned bits, u64 feats, const u16 *at,
                       FILE *out)
{
    struct insn insn;
    char text[128];
    for (u32 i = 0; i < len;) {
        enum dec_result r = decode(&insn, code + i, MIN(len - i, 15u), bits, feats);
        u32 n = r == DEC_OK ? insn.len : 1;
        if (r == DEC_OK && insn.op == OP_NOP) {
            i += n;
            continue;
        }
        fprintf(out, "  %05llx ", (unsigned long long)(pc + i));
        for (u32 k = 0; k < n; k++)
            fprintf(out, " %02x", code[i + k]);
        fprintf(out, "%*s  %s\n", (int)(30 - 3 * n), "",
                r == DEC_OK ? disasm(text, sizeof(text), &insn, pc + i) : "(undefined)");
        i += n;
    }
}

static void print_trace(const struct lock_prog *p, struct lock_machine *a, u32 slices, u32 n,
                        FILE *out)
{
    for (u32 k = n > 60 ? n - 60 : 0; k < n; k++) {
        struct insn insn;
        u8 buf[15];
        char text[128];
        struct cpu *cpu = a->cpu;
        u64 la;
        run_to(p, a, slices, k);
        la = cpu_long(cpu) ? cpu->rip : (u32)(cpu->seg[SEG_CS].base + cpu->rip);
        fprintf(out, "  %04x:%08llx  ", cpu->seg[SEG_CS].sel, (unsigned long long)cpu->rip);
        if (mmu_peek(&cpu->mmu, la, buf, 15) &&
            decode(&insn, buf, 15, cpu->code_bits, p->feats) == DEC_OK)
            fprintf(out, "%s\n", disasm(text, sizeof(text), &insn, cpu->rip));
        else
            fprintf(out, "(undefined)\n");
    }
}

static void print_states(const struct lock_machine *a, const struct lock_machine *b, FILE *out)
{
    static const char *const names[] = {"exec", "eval", "jit"};
    char ta[4096], tb[4096], *p = ta, *q = tb;
    u32 shown = 0;
    cpu_dump(a->cpu, ta, sizeof(ta));
    cpu_dump(b->cpu, tb, sizeof(tb));
    fprintf(out, "%s:\n%sother lines in %s:\n", names[a->engine], ta, names[b->engine]);
    while (p && q && *p && *q) {
        char *pe = strchr(p, '\n'), *qe = strchr(q, '\n');
        if (!pe || !qe)
            break;
        if (pe - p != qe - q || memcmp(p, q, (size_t)(pe - p)))
            fprintf(out, "%.*s\n", (int)(qe - q), q);
        p = pe + 1, q = qe + 1;
    }
    for (unsigned r = 0; r < 16; r++)
        if (a->cpu->gpr[r] != b->cpu->gpr[r])
            fprintf(out, "gpr %u: %llx, %llx\n", r, (unsigned long long)a->cpu->gpr[r],
                    (unsigned long long)b->cpu->gpr[r]);
    {
        const u64 x[] = {a->cpu->star, a->cpu->lstar, a->cpu->kernel_gs_base, a->cpu->pat,
                         a->cpu->misc_enable, a->cpu->sysenter_esp, a->cpu->sysenter_eip},
                  y[] = {b->cpu->star, b->cpu->lstar, b->cpu->kernel_gs_base, b->cpu->pat,
                         b->cpu->misc_enable, b->cpu->sysenter_esp, b->cpu->sysenter_eip};
        for (unsigned i = 0; i < ARRAY_LEN(x); i++)
            if (x[i] != y[i])
                fprintf(out, "system register %u: %llx, %llx\n", i, (unsigned long long)x[i],
                        (unsigned long long)y[i]);
    }
    for (u32 i = 0; i < LOCK_RAM && shown < 16; i++)
        if (a->ram.host[i] != b->ram.host[i] && ++shown)
            fprintf(out, "memory %05x: %02x, %02x\n", i, a->ram.host[i], b->ram.host[i]);
    fprintf(out, "icount %llu, %llu; device %llx/%llu, %llx/%llu; intr %d, %d; shadow %d, %d\n",
            (unsigned long long)a->cpu->icount, (unsigned long long)b->cpu->icount,
            (unsigned long long)a->dev_hash, (unsigned long long)a->dev_count,
            (unsigned long long)b->dev_hash, (unsigned long long)b->dev_count, a->cpu->intr,
            b->cpu->intr, a->cpu->shadow, b->cpu->shadow);
    if (memcmp(&a->cpu->fpu, &b->cpu->fpu, sizeof(struct fpu)) ||
        memcmp(a->cpu->xmm, b->cpu->xmm, sizeof(a->cpu->xmm)))
        fprintf(out, "x87 or XMM state differs\n");
}

void lock_report(const struct lock_prog *p, struct lock_machine *a, struct lock_machine *b,
                 FILE *out)
{
    static const char *const kinds[] = {"flat32", "user32", "seg32", "long", "pm16", "real", "v86"};
    static const char *const paging[] = {"no", "32-bit", "PAE"};
    struct lock_diff d = lock_compare(p, a, b, NULL);
    u32 n = d.length;
    fprintf(out, "seed 0x%llx: %s, %s paging%s, %u-bit, level %d, base %x, irq every %u%s\n",
            (unsigned long long)p->seed, kinds[p->kind], paging[p->paging],
            p->pse ? " and PSE" : "", p->bits, p->user ? 3 : 0, p->code_base, p->irq_every,
            b->uncounted ? ", not counted" : "");
    if (!d.differ) {
        fprintf(out, "  no difference any more\n");
        return;
    }
    if (d.unseen)
        fprintf(out, "  code ran at %llx, and is not known to have\n", (unsigned long long)d.ran);
    /* The shortest slice that differs: longer ones hold the block that goes wrong. */
    for (u32 k = 1; k <= d.length && !b->uncounted; k++) {
        run_to(p, a, d.slices, k);
        run_to(p, b, d.slices, k);
        if (!same(a, b)) {
            n = k;
            break;
        }
    }
    fprintf(out, "program without its NOPs:\n");
    print_code(p->code, p->code_len, p->start, p->bits, p->feats, p->at, out);
    fprintf(out,
            "they differ behind %u slices and %u instructions (%llu in all, cpu_run gave %d, %d); "
            "the last in exec:\n",
            d.slices, n, (unsigned long long)d.icount + n, d.exit_a, d.exit_b);
    print_trace(p, a, d.slices, n, out);
    if (b->uncounted)
        compare_end(p, a, b, NULL);
    else
        run_to(p, a, d.slices, n), run_to(p, b, d.slices, n);
    print_states(a, b, out);
}

bool lock_check(struct lock_prog *p, u64 seed, const struct lock_options *options,
                struct lock_machine *a, struct lock_machine *b, u64 *insns, FILE *out)
{
    lock_gen(p, seed, a->cpu->feats, options);
    if (!lock_compare(p, a, b, insns).differ)
        return true;
    lock_minimise(p, a, b);
    lock_report(p, a, b, out);
    return false;
}

void lock_vary(struct lock_machine *m, u64 seed)
{
    struct jit_config config = {.counted = true, .passes = ~0u};
    u64 s = seed ^ 0xc0f;
    if (m->engine == ENGINE_EXEC)
        return;
    config.eager = lock_chance(&s, 60);
    config.hot = lock_chance(&s, 50) ? 1 + lock_below(&s, 6) : 0xfff;
    config.heat = 1 + lock_below(&s, 20);
    config.tally = lock_chance(&s, 10);
    config.ran = lock_chance(&s, 50);
    m->uncounted = m->engine == ENGINE_JIT && lock_chance(&s, 15);
    config.counted = !m->uncounted;
    m->noted = config.ran;
    if (lock_chance(&s, 30))
        config.tr.max_guest = 1 + lock_below(&s, 8);
    if (lock_chance(&s, 20))
        config.passes = lock_below(&s, 4);
    if (lock_chance(&s, 15))
        config.no_chain = true;
    if (lock_chance(&s, 20))
        for (u32 i = 0; i < sizeof(config.tr.off); i++)
            config.tr.off[i] = (u8)(lock_rnd(&s) & lock_rnd(&s));
    if (lock_chance(&s, 30))
        config.off = (u32)lock_rnd(&s) & ((1u << JIT_T__COUNT) - 1);
    config.code_size = 1 * MIB;
    if (lock_chance(&s, 15))
        config.map = CODEBUF_SINGLE;
    m->blocks += jit_stats(m->cpu)->blocks;
    jit_free(m->cpu);
    if (jit_new(m->cpu, &config, NULL))
        return;
    config.map = CODEBUF_AUTO; /* the host allows no other */
    if (!jit_new(m->cpu, &config, NULL))
        abort();
}
