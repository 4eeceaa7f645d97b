/* Records what this host's processor makes of x87, MMX, SSE and AVX instructions: vecrecord [-s SEED] [-q QUOTA] FILE. Every
 * row of the encoding tables that holds one gets QUOTA vectors, floating point twice that; a vector that our
 * interpreter does not agree with is a bug and ends it (tests/lock/README.md, "Vectors"). */
#include "tests/lock/vectors.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 60, BIG_PATCH = 128 };

struct recorder {
    struct ora_host *host;
    struct ora_guest *guest[2]; /* exec, by lma */
    struct ora_rows rows;
    struct vectors v;
    u64 feats, rnd, seed;
    u32 quota;
    u32 k[ORA_BATCH];
    s32 from[ORA_BATCH];
    u32 row[ORA_BATCH];
    u32 *have;
    u32 differ;
};

/* Does an instruction of this operation belong into the file? */
static bool wanted(u16 op)
{
    return op_info[op].attrs & (OPA_X87 | OPA_MMX | OPA_SSE | OPA_AVX) && ora_op_compared(op);
}

/* Arithmetic: of these more. */
static bool rounds(u16 op)
{
    static const char *const part[] = {"ADD", "SUB", "MUL", "DIV", "SQRT", "CVT", "CMP", "COMI",
                                       "MIN", "MAX", "ROUND", "FIST", "FRNDINT", "FSCALE", "FPREM", "FCOM"};
    const char *name = op_info[op].name;
    if (*name == 'P' || (*name == 'V' && name[1] == 'P'))
        return false;
    for (u32 i = 0; i < ARRAY_LEN(part); i++) {
        char low[12];
        u32 n = 0;
        for (const char *p = part[i]; *p; p++)
            low[n++] = (char)(*p | 0x20);
        low[n] = 0;
        if (strstr(name, low) || strstr(name, part[i]))
            return true;
    }
    return false;
}

static struct ora_out run(struct recorder *r, const struct ora_case *c)
{
    struct ora_out out;
    memset(&out, 0, sizeof(out));
    ora_guest_run(r->guest[c->lma], c, &out);
    out.r.flags = (out.r.flags & ORA_EFLAGS) | FL_ONE;
    return out;
}

/* An instruction that moves is the same one, if its operands are. */
static bool moved_alike(const struct ora_case *a, const struct ora_out *x, const struct ora_case *b,
                        const struct ora_out *y)
{
    return x->r.rip - a->in.rip == y->r.rip - b->in.rip;
}

/* Do both cases do the same: end alike, change the same registers and memory to the same values? */
static bool same_effect(struct recorder *r, struct ora_case *a, struct ora_out *x,
                        struct ora_case *b)
{
    struct ora_out y = run(r, b);
    if (x->status != y.status || x->vector != y.vector || x->error != y.error ||
        !moved_alike(a, x, b, &y) || x->mem_lo != y.mem_lo || x->mem_hi != y.mem_hi || x->mem_hash != y.mem_hash)
        return false;
    for (u32 i = 0; i < ORA_FIELDS; i++) {
        struct ora_field a0 = ora_field(&a->in, i), a1 = ora_field(&x->r, i);
        struct ora_field b0 = ora_field(&b->in, i), b1 = ora_field(&y.r, i);
        bool changed = memcmp(a0.p, a1.p, a0.size) != 0;
        if (i == ORA_FIELD_RIP)
            continue;
        if (changed != (memcmp(b0.p, b1.p, b0.size) != 0))
            return false;
        if (changed && memcmp(a1.p, b1.p, a1.size))
            return false;
    }
    return true;
}

/* Give register i of c the plain value where that changes nothing. */
static void simplify(struct recorder *r, struct ora_case *c, struct ora_case *plain, u32 i)
{
    struct ora_field f = ora_field(&c->in, i), p = ora_field(&plain->in, i);
    struct ora_case other;
    struct ora_out out;
    if (!memcmp(f.p, p.p, f.size))
        return;
    out = run(r, c);
    other = *c;
    memcpy(ora_field(&other.in, i).p, p.p, f.size);
    if (same_effect(r, c, &out, &other))
        *c = other;
}

/* The case of a seed over state k: vector and x87 registers from there, the rest plain if possible. */
static bool make(struct recorder *r, struct ora_case *c, u64 seed, u32 at)
{
    struct ora_case plain;
    struct insn in;
    const char *why;
    u32 k = ora_below(&r->rnd, VEC_STATES);
    ora_make(c, seed, &r->rows, r->feats);
    if (!wanted(c->op) || c->op != r->rows.row[c->row].op || !ora_may_run(c, &why) ||
        decode(&in, c->code, MIN((u32)c->ncode, 15u), c->mode, ~0ull) != DEC_OK)
        return false;
    plain = *c;
    vectors_plain(&r->v, k, &plain);
    if (!(op_info[c->op].attrs & (OPA_X87 | OPA_MMX)) && in.o[0].kind != OPND_MMX &&
        in.o[1].kind != OPND_MMX)
        memcpy(c->in.fx, plain.in.fx, 6);
    memcpy(plain.in.fx + 2, c->in.fx + 2, 2);
    vectors_turn(&plain.in, true);
    for (u32 i = 0; i < 8; i++)
        memcpy(c->in.fx + 32 + 16 * i, plain.in.fx + 32 + 16 * i, 10);
    for (u32 i = 0; i < 16; i++) {
        bool index = op_info[c->op].attrs & OPA_AVX && in.index == i && strstr(op_info[c->op].name, "gath");
        if (index)
            continue;
        memcpy(c->in.fx + 160 + 16 * i, plain.in.fx + 160 + 16 * i, 16);
        memcpy(c->in.ymmh[i], plain.in.ymmh[i], 16);
    }
    if (!r->rows.avx)
        return false;
    r->from[at] = -1;
    if (c->npatch && c->npatch <= VEC_MEM_MOST && ora_chance(&r->rnd, 75)) {
        r->from[at] = (s32)ora_below(&r->rnd, op_info[c->op].attrs & OPA_X87 ? 24 : 16);
        vectors_memory(&r->v, k, (u32)r->from[at], c);
    }
    memset(c->in.fx + 6, 0, 18); /* pointers of the last x87 instruction */
    c->in.flags = (c->in.flags & ORA_EFLAGS) | FL_ONE;
    for (u32 i = 0; i < ORA_FIELD_X87; i++)
        simplify(r, c, &plain, i);
    r->k[at] = k;
    r->row[at] = c->row;
    return true;
}

/* Take what the host made of case i, if it ran to its end or into a floating-point exception. */
static void take(struct recorder *r, const struct ora_case *c, const struct ora_out *h, u32 i)
{
    struct ora_out g;
    struct ora_verdict v;
    bool ran = h->status == ORA_OK && (h->vector == EXC_BP || h->vector == EXC_MF || h->vector == EXC_XM);
    u32 most = r->quota * (rounds(c->op) ? 2 : 1);
    if (!ran || h->mem_hi - h->mem_lo > ORA_MEM || r->have[r->row[i]] >= most ||
        (c->npatch > BIG_PATCH && r->have[r->row[i]] >= 2))
        return;
    g = run(r, c);
    ora_compare(c, h, &g, &v);
    if (!v.same) {
        printf("%s differs:%s\n", op_info[c->op].name, v.text);
        ora_explain(stdout, c, h, &g, "exec");
        r->differ++;
        return;
    }
    r->have[r->row[i]]++;
    vectors_put(&r->v, r->k[i], r->from[i], c, h);
}

static void record(struct recorder *r)
{
    for (u32 t = 0; t < TRIES; t++) {
        u32 row = 0;
        while (row < r->rows.n) {
            struct ora_case *c = ora_host_cases(r->host);
            const struct ora_out *out;
            u32 n = 0;
            for (; row < r->rows.n && n < ORA_BATCH; row++) {
                u64 seed = (r->seed + t) * r->rows.n + row;
                u16 op = r->rows.row[row].op;
                if (wanted(op) && r->have[row] < r->quota * (rounds(op) ? 2 : 1))
                    n += make(r, &c[n], seed, n);
            }
            if (!n)
                continue;
            ora_host_start(r->host, n);
            out = ora_host_wait(r->host);
            for (u32 i = 0; i < n; i++)
                take(r, &c[i], &out[i], i);
        }
    }
}

static bool begin(struct recorder *r)
{
    static struct ora_regs states[VEC_STATES];
    struct ora_case c;
    char why[128];
    r->host = ora_host_new(why, sizeof(why));
    if (!r->host) {
        fprintf(stderr, "vecrecord: %s\n", why);
        return false;
    }
    for (u32 lma = 0; lma < 2; lma++)
        r->guest[lma] = ora_guest_new(ENGINE_EXEC, lma, ~0ull);
    if (!r->guest[0] || !r->guest[1] || !ora_rows_make(&r->rows))
        return false;
    r->feats = ora_host_feats() & ora_guest_feats(r->guest[1]);
    r->have = calloc(r->rows.n, sizeof(*r->have));
    for (u32 i = 0; i < VEC_STATES; i++) {
        memset(&c, 0, sizeof(c));
        c.mode = 64;
        ora_make_state(&c, &r->rnd);
        states[i] = c.in;
    }
    return r->have && vectors_new(&r->v, states, r->rows.amd);
}

int main(int argc, char **argv)
{
    struct recorder r = {.seed = 1, .quota = 3};
    u32 rows = 0, empty = 0;
    bool ok;
    for (int c; (c = getopt(argc, argv, "s:q:")) != -1;)
        switch (c) {
        case 's': r.seed = strtoull(optarg, NULL, 0); break;
        case 'q': r.quota = (u32)strtoul(optarg, NULL, 0); break;
        default: return 2;
        }
    if (optind + 1 != argc) {
        fprintf(stderr, "usage: vecrecord [-s SEED] [-q QUOTA] FILE\n");
        return 2;
    }
    r.rnd = r.seed;
    if (!begin(&r))
        return 1;
    record(&r);
    for (u32 i = 0; i < r.rows.n; i++)
        if (wanted(r.rows.row[i].op)) {
            rows++;
            empty += !r.have[i];
            if (!r.have[i])
                printf("no vector: %s (row %u)\n", op_info[r.rows.row[i].op].name, i);
        }
    ok = !r.differ && vectors_save(&r.v, argv[optind]);
    printf("%u vectors of %u rows, %u rows without; %u differ\n", r.v.n, rows, empty, r.differ);
    return !ok;
}
