/* Series of oracle cases: batches on the host while the one before is run in our engines;
 * differences made small and written down. */
#include "tests/lock/oracle.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { X32, X64, J32, J64, GUESTS };
static const char *const guest_name[] = {"exec", "exec", "jit", "jit"};

struct runner {
    struct ora_series *s;
    struct ora_host *host;
    struct ora_guest *guest[GUESTS];
    struct ora_rows rows;
    u64 feats;
    FILE *out;
    u64 foreign_n[32];
    /* Differences wait here until the host is idle: making them small needs it. */
    struct ora_case waiting[16];
    u32 waiting_in[16], nwaiting;
    char waiting_text[16][400];
    const char *foreign[32];
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One case in the host, alone. */
static struct ora_out host_one(struct runner *r, const struct ora_case *c)
{
    *ora_host_cases(r->host) = *c;
    ora_host_start(r->host, 1);
    return *ora_host_wait(r->host);
}

/* Do host and guest differ on c? */
static bool still(struct runner *r, u32 which, const struct ora_case *c)
{
    struct ora_out h = host_one(r, c), g;
    struct ora_verdict v;
    ora_guest_run(r->guest[which], c, &g);
    ora_compare(c, &h, &g, &v);
    return !v.same;
}

static void reset_bytes(struct runner *r, u32 which, struct ora_case *c, void *p, u32 n,
                        const void *to)
{
    u8 keep[ORA_PATCH];
    if (!memcmp(p, to, n))
        return;
    memcpy(keep, p, n);
    memcpy(p, to, n);
    if (!still(r, which, c))
        memcpy(p, keep, n);
}

/* Put everything that the difference does not need to its plain value. */
static void minimise(struct runner *r, u32 which, struct ora_case *c)
{
    static const u8 zero[ORA_PATCH];
    static const u8 cw[2] = {0x7f, 3}, mxcsr[4] = {0x80, 0x1f}, full = 0xff;
    u16 data = c->mode == 64 ? 0 : c->mode == 32 ? ORA_DS32 : 0x27;
    u64 fs = ORA_DATA;
    for (u32 i = 0; i < 16; i++) {
        reset_bytes(r, which, c, &c->in.gpr[i], 8, zero);
        reset_bytes(r, which, c, c->in.ymmh[i], 16, zero);
        reset_bytes(r, which, c, c->in.fx + 160 + 16 * i, 16, zero);
    }
    reset_bytes(r, which, c, &c->in.flags, 8, zero);
    for (u32 bit = 0; bit < 22; bit++)
        if (c->in.flags >> bit & 1) {
            u64 to = c->in.flags & ~BIT64(bit);
            reset_bytes(r, which, c, &c->in.flags, 8, &to);
        }
    reset_bytes(r, which, c, c->in.fx, 2, cw);
    reset_bytes(r, which, c, c->in.fx + 2, 2, zero);
    reset_bytes(r, which, c, c->in.fx + 4, 1, &full);
    reset_bytes(r, which, c, c->in.fx + 4, 1, zero);
    reset_bytes(r, which, c, c->in.fx + 6, 18, zero);
    reset_bytes(r, which, c, c->in.fx + 24, 4, mxcsr);
    for (u32 i = 0; i < 8; i++)
        reset_bytes(r, which, c, c->in.fx + 32 + 16 * i, 10, zero);
    for (u32 i = 0; i < SEG__COUNT; i++)
        if (i != SEG_CS && i != SEG_SS)
            reset_bytes(r, which, c, &c->in.sel[i], 2, &data);
    reset_bytes(r, which, c, &c->in.fsbase, 8, c->mode == 64 ? (const void *)&fs : zero);
    reset_bytes(r, which, c, &c->in.gsbase, 8, c->mode == 64 ? (const void *)&fs : zero);
    reset_bytes(r, which, c, &c->npatch, 2, zero);
}

static void record(struct runner *r, u32 which, const struct ora_case *first, const char *text)
{
    struct ora_case c = *first;
    struct ora_out h, g;
    struct ora_verdict v;
    if (!still(r, which, &c)) {
        fprintf(r->out, "seed %llx: not again (%s)\n", (unsigned long long)c.seed, text);
        c = *first;
    } else {
        minimise(r, which, &c);
    }
    h = host_one(r, &c);
    ora_guest_run(r->guest[which], &c, &g);
    ora_compare(&c, &h, &g, &v);
    fprintf(r->out, "DRAGOMAN_SEED=0x%llx %s%s, %u-bit%s,", (unsigned long long)c.seed,
            op_info[c.op].name, c.op == OP_UD ? " (rejected)" : "", c.mode, c.lma ? " (lma)" : "");
    for (u32 i = 0; i < c.ncode; i++)
        fprintf(r->out, " %02x", c.code[i]);
    fprintf(r->out, ", host/%s:%s\n", guest_name[which], v.text);
    if (!r->s->quiet)
        ora_explain(r->out, &c, &h, &g, guest_name[which]);
    if (r->s->cases_dir) {
        char path[512], note[480];
        FILE *f;
        snprintf(path, sizeof(path), "%s/%s_%u_%llx.txt", r->s->cases_dir, op_info[c.op].name,
                 c.mode, (unsigned long long)(c.seed & 0xffffff));
        snprintf(note, sizeof(note), "%s had (host/ours):%s", guest_name[which], v.text);
        f = fopen(path, "w");
        if (f) {
            ora_write(f, &c, &h, note);
            fclose(f);
        }
    }
    fflush(r->out);
}

static void record_all(struct runner *r)
{
    for (u32 i = 0; i < r->nwaiting; i++)
        record(r, r->waiting_in[i], &r->waiting[i], r->waiting_text[i]);
    r->nwaiting = 0;
}

static void note_foreign(struct runner *r, const char *what)
{
    for (u32 i = 0; i < ARRAY_LEN(r->foreign); i++) {
        if (!r->foreign[i])
            r->foreign[i] = what;
        if (!strcmp(r->foreign[i], what)) {
            r->foreign_n[i]++;
            return;
        }
    }
}

/* The case in our engines against what the host made of it. */
static void judge(struct runner *r, const struct ora_case *c, const struct ora_out *h)
{
    struct ora_series *s = r->s;
    struct ora_out g;
    struct ora_verdict v;
    const u32 list[2] = {c->lma ? X64 : X32, c->lma ? J64 : J32};
    for (u32 i = 0; i < 2; i++) {
        if (!r->guest[list[i]])
            continue;
        ora_guest_run(r->guest[list[i]], c, &g);
        ora_compare(c, h, &g, &v);
        s->masked[c->op] |= v.masked;
        s->jit_ran += i;
        if (v.excused && !i) {
            s->excused++;
            note_foreign(r, v.excused);
        }
        if (!v.same) {
            s->differ++;
            if (s->by_op_differ[c->op]++ < 2 && r->nwaiting < ARRAY_LEN(r->waiting)) {
                memcpy(r->waiting_text[r->nwaiting], v.text, sizeof(v.text));
                r->waiting[r->nwaiting] = *c;
                r->waiting_in[r->nwaiting++] = list[i];
            }
            return;
        }
    }
}

static bool make_guests(struct runner *r)
{
    u64 feats = ora_host_feats();
    for (u32 i = 0; i < GUESTS; i++) {
        bool jit = i >= J32;
        if (jit && r->s->no_jit)
            continue;
        r->guest[i] = ora_guest_new(jit ? ENGINE_JIT : ENGINE_EXEC, i == X64 || i == J64, feats);
        if (!r->guest[i] && !jit)
            return false;
    }
    r->feats = ora_guest_feats(r->guest[X64]);
    return ora_rows_make(&r->rows);
}

/* Fill the next batch; how many cases are in it. */
static u32 fill(struct runner *r, u64 *next, u64 end)
{
    struct ora_case *c = ora_host_cases(r->host);
    const char *why;
    u32 n = 0;
    while (n < ORA_BATCH && *next < end) {
        ora_make(&c[n], r->s->seed + (*next)++, &r->rows, r->feats);
        if (!ora_may_run(&c[n], &why) || (r->s->only_op >= 0 && c[n].op != r->s->only_op)) {
            r->s->skipped++;
            continue;
        }
        n++;
    }
    return n;
}

static void run(struct runner *r)
{
    struct ora_series *s = r->s;
    u64 next = 0;
    struct ora_case *mine = malloc(ORA_BATCH * sizeof(*mine));
    struct ora_out *outs = malloc(ORA_BATCH * sizeof(*outs));
    const struct ora_case *running;
    u32 n, more;
    if (!mine || !outs)
        return;
    running = ora_host_cases(r->host);
    n = fill(r, &next, s->count);
    if (n)
        ora_host_start(r->host, n);
    while (n) {
        const struct ora_out *done = ora_host_wait(r->host);
        /* Copies: comparing may need the host for making cases small. */
        memcpy(mine, running, n * sizeof(*mine));
        memcpy(outs, done, n * sizeof(*outs));
        record_all(r);
        if (s->differ >= s->most)
            break;
        running = ora_host_cases(r->host);
        more = fill(r, &next, s->count);
        if (more)
            ora_host_start(r->host, more);
        for (u32 i = 0; i < n; i++) {
            s->ran++;
            s->timeouts += outs[i].status != ORA_OK;
            s->by_op[mine[i].op]++;
            s->by_op_done[mine[i].op] +=
                outs[i].status == ORA_OK && outs[i].r.rip != mine[i].in.rip;
            s->by_row[mine[i].row % ARRAY_LEN(s->by_row)]++;
            judge(r, &mine[i], &outs[i]);
        }
        n = more;
        if (!n)
            record_all(r);
    }
    free(mine);
    free(outs);
}

static void report(struct runner *r, double seconds)
{
    struct ora_series *s = r->s;
    u32 ops = 0, rows = 0, all = 0;
    for (u32 i = 0; i < OP__COUNT; i++)
        ops += s->by_op[i] != 0;
    for (u32 i = 0; i < r->rows.n; i++)
        rows += s->by_row[i] != 0;
    all = r->rows.n;
    s->seconds = seconds;
    fprintf(r->out,
            "oracle: %llu cases (%llu also in the jit, %llu blocks), %.0f a second, %u of %u "
            "encodings, %u "
            "operations; "
            "%llu without an end, %llu excused, %llu differ\n",
            (unsigned long long)s->ran, (unsigned long long)s->jit_ran,
            (unsigned long long)(ora_guest_blocks(r->guest[J32]) + ora_guest_blocks(r->guest[J64])),
            (double)s->ran / seconds, rows, all, ops, (unsigned long long)s->timeouts,
            (unsigned long long)s->excused, (unsigned long long)s->differ);
    if (s->quiet)
        return;
    fprintf(r->out, "undefined flags that differed and were masked:");
    for (u32 i = 0; i < OP__COUNT; i++)
        if (s->masked[i])
            fprintf(r->out, " %s:%s%s%s%s%s%s", op_info[i].name, s->masked[i] & F_O ? "O" : "",
                    s->masked[i] & F_S ? "S" : "", s->masked[i] & F_Z ? "Z" : "",
                    s->masked[i] & F_A ? "A" : "", s->masked[i] & F_P ? "P" : "",
                    s->masked[i] & F_C ? "C" : "");
    fputc('\n', r->out);
    for (u32 i = 0; i < ARRAY_LEN(r->foreign) && r->foreign[i]; i++)
        fprintf(r->out, "%8llu excused: %s\n", (unsigned long long)r->foreign_n[i], r->foreign[i]);
}

bool ora_series(struct ora_series *s, FILE *out)
{
    struct runner *r = calloc(1, sizeof(*r));
    char why[128];
    double start;
    bool ok = false;
    if (!r)
        return false;
    r->s = s;
    r->out = out;
    /* The helper is forked first: it need not have what the guests hold. */
    r->host = ora_host_new(why, sizeof(why));
    if (!r->host) {
        fprintf(out, "oracle: skipped: %s\n", why);
        free(r);
        return false;
    }
    if (make_guests(r)) {
        start = now();
        run(r);
        report(r, now() - start);
        ok = true;
    }
    for (u32 i = 0; i < GUESTS; i++)
        ora_guest_free(r->guest[i]);
    ora_rows_free(&r->rows);
    ora_host_free(r->host);
    free(r);
    return ok;
}
