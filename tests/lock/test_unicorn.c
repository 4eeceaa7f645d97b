/* libunicorn as a second opinion: random instructions of the lockstep generator, one at a time in
 * exec and in libunicorn from equal registers and memory, at level 0 in real, 16-bit, 32-bit and
 * 64-bit code, with and without paging. What libunicorn does otherwise is in unirules.c.
 *
 *   DRAGOMAN_UNICORN=N   instructions (10^5); DRAGOMAN_SEED=S   where to begin */
#include "cpu/exec/step.h"
#include "tests/lock/gen.h"
#include "tests/lock/unirules.h"

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_STEPS = 200, MOST_REPEATS = 63, MOST_ITERATIONS = 70, MOST_FAILURES = 100, MOST_ABORTS = 1000, PATIENCE = 3, DEFAULT_COUNT = 100000, TABLES_END = LOCK_PAGING + 0x5000 };

struct duo {
    struct lock_machine *m;
    struct unibox *box[3]; /* 16, 32, 64 bits */
    struct lock_prog prog;
    u64 compared, excluded, failures, programs;
    u64 by_rule[UNI_RULES_MAX], by_mode[3];
    u8 told[OP__COUNT];
    u64 seed, aborts;
    bool open;
};

static unsigned box_of(const struct lock_prog *p)
{
    return p->kind == LOCK_LONG ? 2 : p->kind == LOCK_FLAT32 ? 1 : 0;
}

/* One instruction in exec, a fault being taken as it is raised. The vector or UNIBOX_FINE. */
static int step_ours(struct cpu *cpu)
{
    cpu->run_budget = 1;
    cpu->budget = 1;
    cpu->ahead = 0;
    cpu->exit_request = 0;
    if (unwind_here(&cpu->unwind))
        return cpu->exc_vector;
    exec_run(cpu, 1, false);
    cpu->db_pending = 0;
    return UNIBOX_FINE;
}

static void explain(const struct duo *d, const struct uni_step *st)
{
    char text[100] = "?";
    const struct unibox_state *a = &st->ours, *b = &st->theirs;
    if (st->decoded)
        disasm(text, sizeof(text), &st->in, st->before.rip);
    printf("unicorn: seed 0x%llx, %s (%02x%02x%02x) at %llx, %u bits: ours %d, theirs %d, error %x, differs in %02x\n",
           (unsigned long long)d->prog.seed, text, st->bytes[0], st->bytes[1], st->bytes[2], (unsigned long long)st->before.rip, st->bits, st->vector, st->their_vector,
           st->error, st->diff);
    for (unsigned i = 0; i < 16; i++)
        if (a->gpr[i] != b->gpr[i])
            printf("  r%u %llx: %llx %llx\n", i, (unsigned long long)st->before.gpr[i], (unsigned long long)a->gpr[i],
                   (unsigned long long)b->gpr[i]);
    printf("  rip %llx %llx, eflags %x: %x %x, fsw %x: %x %x, fcw %x %x\n", (unsigned long long)a->rip, (unsigned long long)b->rip,
           st->before.eflags, a->eflags, b->eflags, st->before.fsw, a->fsw, b->fsw, a->fcw, b->fcw);
    for (unsigned i = 0; i < SEG__COUNT; i++)
        if (a->sel[i] != b->sel[i])
            printf("  seg %u %x %x\n", i, a->sel[i], b->sel[i]);
    printf("  cr0 %llx %llx cr2 %llx %llx cr3 %llx %llx cr4 %llx %llx\n", (unsigned long long)a->cr0, (unsigned long long)b->cr0,
           (unsigned long long)a->cr2, (unsigned long long)b->cr2, (unsigned long long)a->cr3, (unsigned long long)b->cr3,
           (unsigned long long)a->cr4, (unsigned long long)b->cr4);
    for (unsigned i = 0; i < 8; i++)
        if (memcmp(a->st[i], b->st[i], 10))
            printf("  st%u %04x%016llx: %04x%016llx %04x%016llx\n", i, ld16(st->before.st[i] + 8),
                   (unsigned long long)ld64(st->before.st[i]), ld16(a->st[i] + 8), (unsigned long long)ld64(a->st[i]),
                   ld16(b->st[i] + 8), (unsigned long long)ld64(b->st[i]));
    for (unsigned i = 0; i < (st->bits == 64 ? 16u : 8u); i++)
        if (memcmp(a->xmm[i], b->xmm[i], 16))
            printf("  xmm%u %016llx%016llx %016llx%016llx\n", i, (unsigned long long)ld64(a->xmm[i] + 8),
                   (unsigned long long)ld64(a->xmm[i]), (unsigned long long)ld64(b->xmm[i] + 8), (unsigned long long)ld64(b->xmm[i]));
    if (st->diff & UNI_MEM)
        printf("  [%x] %02x %02x\n", st->mem_at, st->mem_ours, st->mem_theirs);
}

static void compare(struct duo *d, struct uni_step *st, const struct unibox *b)
{
    const struct unibox_state *x = &st->ours, *y = &st->theirs;
    const u8 *ours = d->m->ram.host, *theirs = unibox_ram(b);
    u32 diff = 0;
    u64 mask = st->bits == 64 ? ~(u64)0 : 0xffffffff;
    for (unsigned i = 0; i < (st->bits == 64 ? 16u : 8u); i++)
        diff |= (x->gpr[i] ^ y->gpr[i]) & mask ? UNI_GPR : 0u;
    diff |= (x->rip ^ y->rip) & mask ? UNI_RIP : 0u;
    st->flags = (x->eflags ^ y->eflags) & (F_ALL | FL_DF | FL_IF | FL_IOPL | FL_NT | FL_ID | FL_AC | FL_TF);
    if (st->vector == UNIBOX_FINE && st->decoded)
        st->flags &= ~(u32)op_info[st->in.op].undef;
    diff |= st->flags ? UNI_FLAGS : 0u;
    diff |= memcmp(x->sel, y->sel, sizeof(x->sel)) ? UNI_SEL : 0u;
    diff |= st->bits != 64 && (x->cr0 != y->cr0 || x->cr3 != y->cr3 || x->cr4 != y->cr4) ? UNI_CR : 0u;
    diff |= st->vector == EXC_PF && x->cr2 != y->cr2 ? UNI_CR2 : 0u;
    diff |= memcmp(x->st, y->st, sizeof(x->st)) || x->fcw != y->fcw || x->fsw != y->fsw ? UNI_X87 : 0u;
    diff |= memcmp(x->xmm, y->xmm, st->bits == 64 ? 256 : 128) ? UNI_SSE : 0u;
    diff |= st->vector != st->their_vector ? UNI_FAULT : 0u;
    st->mem_at = 0;
    /* Page tables, whose accessed bits only ours sets, lie between. */
    if (memcmp(ours, theirs, LOCK_PAGING) || memcmp(ours + TABLES_END, theirs + TABLES_END, LOCK_RAM - TABLES_END)) {
        diff |= UNI_MEM;
        while (ours[st->mem_at] == theirs[st->mem_at] || (st->mem_at >= LOCK_PAGING && st->mem_at < TABLES_END))
            st->mem_at++;
        st->mem_ours = ours[st->mem_at];
        st->mem_theirs = theirs[st->mem_at];
    }
    st->diff = diff;
}

/* Give libunicorn our state. */
static void again(struct duo *d, struct unibox *b, bool world)
{
    unibox_memory(b, d->m->ram.host);
    unibox_put(b, d->m->cpu, world);
    unibox_memory(b, d->m->ram.host); /* loading selectors sets accessed bits */
}

/* The instruction at cpu->rip, if it is one. */
static void look(struct duo *d, struct uni_step *st)
{
    struct cpu *cpu = d->m->cpu;
    u8 bytes[16] = {0};
    unsigned n = 15;
    u64 la = cpu->seg[SEG_CS].base + cpu->rip;
    while (n && !mmu_peek(&cpu->mmu, cpu->code_bits == 64 ? la : (u32)la, bytes, n))
        n--;
    st->decoded = n && decode(&st->in, bytes, n, cpu->code_bits, cpu->feats) == DEC_OK;
    st->bits = cpu->code_bits;
    st->lock = memchr(bytes, 0xf0, 5) != NULL;
    st->la = cpu->code_bits == 64 ? cpu->rip : (u32)la;
    memcpy(st->bytes, bytes, sizeof(st->bytes));
    unibox_ours(cpu, &st->before);
}

/* Where the program goes on behind the byte at `rip`. False: outside. */
static bool behind(const struct lock_prog *p, u64 rip, u64 *next)
{
    u64 at = rip - p->start;
    if (at >= p->at[p->n])
        return false;
    for (u32 k = 0; k <= p->n; k++)
        if (p->at[k] > at) {
            *next = p->start + p->at[k];
            return true;
        }
    return false;
}

/* It stops behind each iteration of a string instruction, and in front of an instruction that wrote to its
 * own page. */
static void step_theirs(struct unibox *b, struct uni_step *st)
{
    for (u32 i = 0; i < MOST_ITERATIONS; i++) {
        st->their_vector = unibox_step(b, st->la);
        unibox_get(b, &st->theirs);
        if (st->their_vector != UNIBOX_FINE || st->theirs.rip != st->before.rip || st->ours.rip == st->before.rip)
            return;
    }
}

static void run_program(struct duo *d)
{
    struct cpu *cpu = d->m->cpu;
    struct unibox *b = d->box[box_of(&d->prog)];
    struct uni_step st;
    u64 next, devices;
    bool fresh = true;
    int rule;
    for (u32 n = 0; n < MOST_STEPS && behind(&d->prog, cpu->rip, &next); n++) {
        look(d, &st);
        if (st.decoded && st.in.rep && cpu->gpr[REG_CX] > MOST_REPEATS) {
            cpu->gpr[REG_CX] &= MOST_REPEATS;
            fresh = true;
            look(d, &st);
        }
        if (!st.decoded || uni_excluded(&st)) {
            d->excluded++;
            cpu->rip = cpu->next_rip = next;
            fresh = true;
            continue;
        }
        if (fresh)
            again(d, b, true);
        fresh = false;
        devices = d->m->dev_count;
        st.vector = step_ours(cpu);
        st.error = cpu->exc_has_error ? cpu->exc_error : 0;
        unibox_ours(cpu, &st.ours);
        step_theirs(b, &st);
        /* A fault of the next instruction's fetch, or of memory that is not there. */
        if (st.their_vector >= 0 && st.vector == UNIBOX_FINE && st.theirs.rip == st.ours.rip && st.ours.rip != st.before.rip)
            st.their_vector = UNIBOX_FINE;
        compare(d, &st, b);
        d->compared++;
        d->by_mode[box_of(&d->prog)]++;
        if (st.diff) {
            fresh = true;
            rule = d->m->dev_count != devices ? -2 : uni_excuse(&st);
            if (rule >= 0)
                d->by_rule[rule]++;
            if (rule == -1 && d->failures++ < MOST_FAILURES && !d->told[st.decoded ? st.in.op : OP_UD]++)
                explain(d, &st); /* the first of an operation */
        } else if ((st.ours.eflags ^ st.theirs.eflags) & F_ALL) {
            unibox_put(b, cpu, false);
        }
        if (st.vector != UNIBOX_FINE || cpu->halted) {
            cpu->halted = false;
            cpu->rip = cpu->next_rip = next;
            unibox_put(b, cpu, false);
        }
        if (cpu->eflags & (FL_TF | FL_AC | FL_RF | FL_NT)) {
            cpu_set_eflags(cpu, cpu_eflags(cpu) & ~(u32)(FL_TF | FL_AC | FL_RF | FL_NT));
            cpu_update_mode(cpu);
            unibox_put(b, cpu, false);
        }
        /* Modes that the box was not made for. */
        if (cpu->code_bits != d->prog.bits || cpu->cpl || cpu->seg[SEG_CS].base != d->prog.code_base || !(cpu->cr0 & CR0_PE) != (d->prog.kind == LOCK_REAL))
            break;
    }
}

static bool open_duo(struct duo *d)
{
    char why[120] = "";
    for (unsigned i = 0; i < 3; i++)
        if (!(d->box[i] = unibox_new(16u << i, why, sizeof(why)))) {
            printf("unicorn: skipped, %s\n", why);
            return false;
        }
    d->m = lock_machine_new("max", ENGINE_EXEC);
    ck_assert_ptr_nonnull(d->m);
    return true;
}

static void run_programs(struct duo *d, u64 want)
{
    struct lock_options options = {.kinds = BIT(LOCK_FLAT32) | BIT(LOCK_REAL) | BIT(LOCK_LONG), .no_units = true};
    d->open = open_duo(d);
    for (; d->open && d->compared < want && d->failures < MOST_FAILURES; d->seed++) {
        lock_gen(&d->prog, d->seed, d->m->cpu->feats, &options);
        if (d->prog.user || (d->prog.kind == LOCK_LONG ? d->prog.start >= MIB : d->prog.paging != PAGING_OFF))
            continue;
        d->prog.eflags &= ~(u64)(FL_TF | FL_AC);
        lock_enter(&d->prog, d->m);
        d->programs++;
        alarm(PATIENCE); /* some bytes make it go round and round */
        run_program(d);
    }
}

static void print_results(const struct duo *d, double seconds)
{
    printf("unicorn: %llu instructions in %llu programs (16 bits: %llu, 32: %llu, 64: %llu), %llu left out, %.0f/s, it aborted "
           "%llu times, %llu differ\n",
           (unsigned long long)d->compared, (unsigned long long)d->programs, (unsigned long long)d->by_mode[0],
           (unsigned long long)d->by_mode[1], (unsigned long long)d->by_mode[2], (unsigned long long)d->excluded,
           (double)d->compared / seconds, (unsigned long long)d->aborts, (unsigned long long)d->failures);
    for (unsigned i = 0; i < uni_nrules; i++)
        if (d->by_rule[i])
            printf("  %6llu %s\n", (unsigned long long)d->by_rule[i], uni_rules[i].why);
}

/* In processes of their own, since some bytes make the library abort: the next one goes on behind them. */
START_TEST(test_unicorn)
{
    struct duo *d = mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const char *count = getenv("DRAGOMAN_UNICORN"), *first = getenv("DRAGOMAN_SEED");
    u64 want = count ? strtoull(count, NULL, 0) : DEFAULT_COUNT;
    struct timespec a, b;
    int status = 1;
    ck_assert_ptr_ne(d, MAP_FAILED);
    d->seed = first ? strtoull(first, NULL, 0) : 0x5ec0;
    clock_gettime(CLOCK_MONOTONIC, &a);
    while (status && d->aborts < MOST_ABORTS) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (!child) {
            setvbuf(stdout, NULL, _IOLBF, 0);
            run_programs(d, want);
            fflush(stdout);
            _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (status) {
            d->aborts++;
            d->seed++;
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    if (d->open)
        print_results(d, (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9 + 1e-9);
    ck_assert_uint_eq(d->failures, 0);
    ck_assert_msg(!status, "it aborts too often");
    munmap(d, sizeof(*d));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("unicorn");
    TCase *t = tcase_create("unicorn");
    SRunner *r = srunner_create(s);
    int failed;
    tcase_add_test(t, test_unicorn);
    tcase_set_timeout(t, 3600);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
