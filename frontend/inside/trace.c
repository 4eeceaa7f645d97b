/* What a trace notes while the machine runs. Texts of blocks are the log's (in_asm, op, op_pass,
 * out_asm), kept in a file without a name. */
#include "frontend/inside/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const u64 texts_most = 512 * MIB;

/* ---- plots ---- */
/* One more of `what` now. When the spans are used up each two become one. */
static void count(struct trace *t, enum trace_plot what)
{
    while (t->insns / t->span >= SPANS) {
        for (unsigned p = 0; p < TP__COUNT; p++) {
            for (unsigned i = 0; i < SPANS / 2; i++)
                t->plot[p][i] = t->plot[p][2 * i] + t->plot[p][2 * i + 1];
            memset(&t->plot[p][SPANS / 2], 0, SPANS / 2 * sizeof(t->plot[p][0]));
        }
        t->span *= 2;
    }
    t->plot[what][t->insns / t->span]++;
}

/* ---- blocks ---- */
static void on_line(void *arg, unsigned area, const char *text)
{
    struct trace *t = arg;
    enum trace_text kind = area == LOGA_IN_ASM                  ? TT_GUEST
                           : area == LOGA_OP                    ? TT_IR
                           : area == LOGA_OUT_ASM               ? TT_HOST
                           : strncmp(text, "IR after fold", 13) ? TT_DCE
                                                                : TT_FOLD;
    struct trace_where *w = &t->pending[kind];
    size_t n = strlen(text);
    if (kind == TT_GUEST && t->pending[TT_IR].n) /* nothing came of the last one */
        memset(t->pending, 0, sizeof(t->pending));
    /* Host code comes when the block is made already; its heading begins it. */
    if (kind == TT_HOST) {
        if (!t->newest || t->newest > t->where_cap)
            return;
        w = &t->where[t->newest - 1][TT_HOST];
        if (!strncmp(text, "host code", 9)) {
            *w = (struct trace_where){t->texts_n, 0};
            return;
        }
    } else if (kind == TT_IR || kind == TT_FOLD || kind == TT_DCE) {
        w->n = 0;
        text += strcspn(text, "\n"); /* the heading */
        text += *text == '\n';
        n = strlen(text);
    }
    if (!w->n)
        w->at = t->texts_n;
    if (t->texts_n + n + 1 > texts_most || w->at + w->n != t->texts_n) {
        t->lost++;
        return;
    }
    fwrite(text, 1, n, t->texts);
    fputc('\n', t->texts);
    t->texts_n += n + 1;
    w->n += (u32)n + 1;
}

static bool room_for(struct trace *t, u32 number)
{
    u32 cap = t->where_cap ? t->where_cap : 1024;
    void *where;
    while (cap <= number)
        cap *= 2;
    if (cap == t->where_cap)
        return true;
    where = realloc(t->where, cap * sizeof(*t->where));
    if (!where)
        return false;
    t->where = where;
    memset(t->where + t->where_cap, 0, (cap - t->where_cap) * sizeof(*t->where));
    t->where_cap = cap;
    return true;
}

static void on_made(void *arg, const struct probe_block *b)
{
    struct trace *t = arg;
    bool fresh;
    struct seen *s = blocks_made(&t->blocks, b, &fresh);
    u32 number = s ? blocks_number(&t->blocks, s) : 0;
    t->newest = 0;
    count(t, TP_BLOCKS);
    if (fresh && room_for(t, number)) {
        memcpy(t->where[number], t->pending, sizeof(t->pending));
        t->newest = number + 1;
    }
    memset(t->pending, 0, sizeof(t->pending));
}

static void on_dropped(void *arg, u32 id)
{
    struct trace *t = arg;
    blocks_dropped(&t->blocks, id);
}

struct trace_page *trace_page_of(struct trace *t, u64 la)
{
    u64 *at = map_get(&t->page_at, la >> PAGE_BITS, TRACE_PAGES);
    if (at && *at)
        return &t->pages[*at - 1];
    if (at && t->npages == t->pages_cap) {
        u32 cap = t->pages_cap ? 2 * t->pages_cap : 256;
        void *pages = realloc(t->pages, cap * sizeof(*t->pages));
        if (!pages)
            at = NULL;
        else
            t->pages = pages, t->pages_cap = cap;
    }
    if (!at) {
        t->lost++;
        return NULL;
    }
    t->pages[t->npages] = (struct trace_page){0};
    *at = ++t->npages;
    return &t->pages[*at - 1];
}

static void on_rewritten(void *arg, u32 id, u32 page, u32 off, u32 len)
{
    struct trace *t = arg;
    struct seen *s = blocks_find(&t->blocks, id);
    struct trace_page *p = s ? trace_page_of(t, s->b.la) : NULL;
    if (s)
        s->user++;
    if (p)
        p->rewritten++;
    count(t, TP_REWRITTEN);
}

/* ---- running ---- */
/* Why the block that ran was left, to go to `la`. */
static enum trace_exit cause(const struct trace *t, u64 la)
{
    if (t->cause != TX_NEXT)
        return t->cause;
    switch (t->last_op) {
    case OP_RET:
    case OP_RETF:
    case OP_SYSRET:
    case OP_IRET: return TX_RETURN;
    case OP_SYSCALL:
    case OP_CALL:
    case OP_CALLF: return TX_CALL;
    default: break;
    }
    if (la == t->last_end)
        return TX_NEXT;
    switch (t->last_op) {
    case OP_JCC:
    case OP_LOOP:
    case OP_LOOPE:
    case OP_LOOPNE:
    case OP_JCXZ: return TX_TAKEN;
    default: return TX_JUMP;
    }
}

static void enter(struct trace *t, struct seen *s)
{
    u32 number = blocks_number(&t->blocks, s) + 1;
    s->runs++;
    if (t->last) {
        u64 *edge = map_get(&t->edges, (u64)t->last << 32 | number, TRACE_EDGES);
        t->exits[cause(t, s->b.la)]++;
        if (edge)
            ++*edge;
        else
            t->lost++;
    }
    t->last = number;
    t->cause = TX_NEXT;
}

static void on_run(void *arg, u32 id)
{
    struct trace *t = arg;
    struct seen *s;
    t->alone = id == PROBE_ALONE;
    if (!t->alone && (s = blocks_find(&t->blocks, id)))
        enter(t, s);
}

static void on_insn(void *arg, u64 la, unsigned len, unsigned op)
{
    struct trace *t = arg;
    if (t->alone) {
        bool fresh;
        struct seen *s = blocks_alone(&t->blocks, la, len, &fresh);
        if (s)
            enter(t, s);
    }
    t->last_op = op;
    t->last_end = la + len;
    t->insns++;
    if (t->opt->insns && t->insns == t->opt->insns)
        t->end.end(t->end.arg);
}

static void on_mem(void *arg, u64 la, u32 n, bool write)
{
    struct trace *t = arg;
    for (u64 page = la >> PAGE_BITS; n && page <= (la + n - 1) >> PAGE_BITS; page++) {
        struct trace_page *p = trace_page_of(t, page << PAGE_BITS);
        if (p)
            p->accesses++;
    }
}

static void on_fill(void *arg, u64 la, u64 phys, bool user, unsigned access)
{
    struct trace *t = arg;
    struct trace_page *p = trace_page_of(t, la);
    if (p)
        p->fills++;
    count(t, TP_FILLS);
}

static void on_walk(void *arg, const struct probe_walk *w)
{
    trace_note_walk(arg, w);
}

static void on_io(void *arg, const struct probe_io *io)
{
    count(arg, TP_IO);
}

static void on_intr(void *arg, unsigned vector, enum probe_intr kind, u64 la)
{
    struct trace *t = arg;
    count(t, kind == PROBE_EXCEPTION ? TP_EXCEPTIONS : TP_INTERRUPTS);
    t->cause = kind == PROBE_INTERRUPT   ? TX_INTERRUPT
               : kind == PROBE_EXCEPTION ? TX_EXCEPTION
                                         : TX_SOFTWARE;
}

/* ---- life ---- */
struct trace *trace_open(const struct opt_trace *opt, struct cpu *cpu, const struct inside_end *end,
                         struct err *err)
{
    struct trace *t = calloc(1, sizeof(*t));
    if (!t) {
        err_set(err, "Out of memory.");
        return NULL;
    }
    t->texts = tmpfile();
    t->out = t->texts ? fopen(opt->path, "w") : NULL;
    if (!t->out) {
        err_set(err, "Cannot write '%.300s': %s.", t->texts ? opt->path : "a file in /tmp",
                strerror(errno));
        if (t->texts)
            fclose(t->texts);
        free(t);
        return NULL;
    }
    t->opt = opt;
    t->cpu = cpu;
    t->end = *end;
    t->span = 64;
    t->probe = (struct probe_hooks){
        .arg = t,
        .areas = BIT(LOGA_IN_ASM) | BIT(LOGA_OP) | BIT(LOGA_OP_PASS) | BIT(LOGA_OUT_ASM),
        .line = on_line,
        .block_made = on_made,
        .block_dropped = on_dropped,
        .rewritten = on_rewritten,
        .block_run = on_run,
        .insn = on_insn,
        .mem = on_mem,
        .io = on_io,
        .intr = on_intr,
        .walk = on_walk,
        .fill = on_fill,
    };
    return t;
}

const struct probe_hooks *trace_probe(const struct trace *t)
{
    return &t->probe;
}

bool trace_close(struct trace *t)
{
    bool ok;
    if (!t)
        return true;
    trace_write_page(t);
    ok = !ferror(t->out);
    if (fclose(t->out))
        ok = false;
    if (ok && t->insns)
        fprintf(stderr, "dragoman: %llu instructions of %u blocks are in '%s'\n",
                (unsigned long long)t->insns, t->blocks.n, t->opt->path);
    else if (!ok)
        fprintf(stderr, "dragoman: not all of '%s' could be written\n", t->opt->path);
    fclose(t->texts);
    blocks_free(&t->blocks);
    map_free(&t->edges);
    map_free(&t->page_at);
    free(t->where);
    free(t->pages);
    free(t->walks);
    free(t);
    return ok;
}
