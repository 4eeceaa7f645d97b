/* The page of a trace: what was noted as JSON between the two halves of page.h. */
#include "frontend/inside/trace.h"

#include "frontend/inside/json.h"
#include "frontend/inside/page.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_SHOWN = 16384, PAGES_SHOWN = 400, EDGES_SHOWN = 6000 };

static u64 heat(const struct seen *s)
{
    return s->runs * s->b.ninsns;
}

static int by_rank(const void *a, const void *b)
{
    const struct trace_rank *x = a, *y = b;
    if (x->by != y->by)
        return x->by < y->by ? 1 : -1;
    return x->key < y->key ? -1 : x->key > y->key;
}

static void write_text(struct trace *t, const struct trace_where *w)
{
    char text[TEXT_SHOWN + 8];
    u32 n = MIN(w->n, (u32)TEXT_SHOWN);
    if (!n || fseek(t->texts, (long)w->at, SEEK_SET) || fread(text, 1, n, t->texts) != n)
        n = 0;
    text[n] = 0;
    if (n && text[n - 1] == '\n')
        text[n - 1] = 0;
    else if (n)
        memcpy(text + n, "\n...", 5);
    json_text(t->out, text);
}

static void write_block(struct trace *t, u32 number)
{
    const struct seen *s = &t->blocks.list[number];
    static const struct trace_where none;
    fprintf(t->out, "{\"n\":%u,\"la\":\"%llx\",\"bytes\":%u,\"insns\":%u,\"runs\":%llu,", number,
            (unsigned long long)s->b.la, s->b.nbytes, s->b.ninsns, (unsigned long long)s->runs);
    fprintf(t->out, "\"rewritten\":%llu,\"alone\":%d,\"host\":%u,\"t\":[",
            (unsigned long long)s->user, s->alone, s->b.host_size);
    for (unsigned k = 0; k < TT__COUNT; k++) {
        if (k)
            fputc(',', t->out);
        write_text(t, !s->alone && number < t->where_cap ? &t->where[number][k] : &none);
    }
    fputs("]}", t->out);
}

/* The hottest blocks; which ones they are is marked in `shown`. */
static void write_blocks(struct trace *t, u8 *shown)
{
    struct trace_rank *r = calloc(t->blocks.n + 1, sizeof(*r));
    u32 n = 0;
    for (u32 i = 0; r && i < t->blocks.n; i++)
        r[i] = (struct trace_rank){heat(&t->blocks.list[i]), i};
    if (r)
        qsort(r, t->blocks.n, sizeof(*r), by_rank);
    fputs("\"blocks\":[", t->out);
    for (; r && n < MIN(t->blocks.n, t->opt->blocks) && r[n].by; n++) {
        if (n)
            fputs(",\n", t->out);
        write_block(t, (u32)r[n].key);
        shown[r[n].key] = 1;
    }
    fputs("],\n", t->out);
    free(r);
}

/* Ways between blocks that are shown. */
static void write_edges(struct trace *t, const u8 *shown)
{
    struct trace_rank *r = calloc(t->edges.n + 1, sizeof(*r));
    u32 n = 0;
    for (u32 i = 0; r && i < t->edges.size; i++) {
        u64 key = t->edges.keys[i] - 1;
        if (t->edges.keys[i] && shown[(key >> 32) - 1] && shown[(u32)key - 1])
            r[n++] = (struct trace_rank){t->edges.values[i], key};
    }
    if (r)
        qsort(r, n, sizeof(*r), by_rank);
    fputs("\"edges\":[", t->out);
    for (u32 i = 0; i < MIN(n, (u32)EDGES_SHOWN); i++)
        fprintf(t->out, "%s[%u,%u,%llu]", i ? "," : "", (u32)(r[i].key >> 32) - 1,
                (u32)r[i].key - 1, (unsigned long long)r[i].by);
    fputs("],\n", t->out);
    free(r);
}

static void write_pages(struct trace *t)
{
    struct trace_rank *r = calloc(t->page_at.n + 1, sizeof(*r));
    u32 n = 0;
    for (u32 i = 0; r && i < t->page_at.size; i++) {
        const struct trace_page *p;
        if (!t->page_at.keys[i] || !t->page_at.values[i])
            continue;
        p = &t->pages[t->page_at.values[i] - 1];
        r[n++] = (struct trace_rank){p->accesses + 64 * p->fills + 1024 * p->rewritten,
                               t->page_at.keys[i] - 1};
    }
    if (r)
        qsort(r, n, sizeof(*r), by_rank);
    fprintf(t->out, "\"npages\":%u,\"pages\":[", n);
    for (u32 i = 0; i < MIN(n, (u32)PAGES_SHOWN); i++) {
        const struct trace_page *p = &t->pages[*map_find(&t->page_at, r[i].key) - 1];
        fprintf(t->out, "%s[\"%llx\",%llu,%llu,%llu]", i ? "," : "",
                (unsigned long long)(r[i].key << PAGE_BITS), (unsigned long long)p->accesses,
                (unsigned long long)p->fills, (unsigned long long)p->rewritten);
    }
    fputs("],\n", t->out);
    trace_write_walks(t, r, r ? n : 0);
    free(r);
}

static void write_plots(struct trace *t)
{
    static const char *const names[TP__COUNT] = {"blocks translated", "blocks overwritten",
                                                 "TLB fills",         "device accesses",
                                                 "interrupts",        "exceptions"};
    unsigned n = (unsigned)MIN(t->insns / t->span + 1, (u64)SPANS);
    fprintf(t->out, "\"span\":%llu,\"plots\":[", (unsigned long long)t->span);
    for (unsigned p = 0; p < TP__COUNT; p++) {
        fprintf(t->out, "%s[\"%s\",[", p ? "," : "", names[p]);
        for (unsigned i = 0; i < n; i++)
            fprintf(t->out, "%s%llu", i ? "," : "", (unsigned long long)t->plot[p][i]);
        fputs("]]", t->out);
    }
    fputs("],\n", t->out);
}

static void write_exits(struct trace *t)
{
    static const char *const names[TX__COUNT] = {"on to the next code",
                                                 "conditional jump taken",
                                                 "jump",
                                                 "call",
                                                 "return",
                                                 "interrupt",
                                                 "exception",
                                                 "INT n"};
    fputs("\"exits\":[", t->out);
    for (unsigned i = 0; i < TX__COUNT; i++)
        fprintf(t->out, "%s[\"%s\",%llu]", i ? "," : "", names[i], (unsigned long long)t->exits[i]);
    fputs("]", t->out);
}

void trace_write_page(struct trace *t)
{
    u8 *shown = calloc(t->blocks.n + 1, 1);
    fputs(page_head, t->out);
    fprintf(t->out, "{\"insns\":%llu,\"nblocks\":%u,\"lost\":%llu,\n", (unsigned long long)t->insns,
            t->blocks.n, (unsigned long long)(t->lost + t->blocks.lost));
    if (shown) {
        write_blocks(t, shown);
        write_edges(t, shown);
    }
    write_pages(t);
    write_plots(t);
    write_exits(t);
    fputs("}\n", t->out);
    for (unsigned i = 0; page_tail[i]; i++)
        fputs(page_tail[i], t->out);
    free(shown);
}
