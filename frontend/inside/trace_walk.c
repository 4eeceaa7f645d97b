/* Walks of the page tables as a trace keeps and writes them: of each page the last walk that got
 * through and the last that did not (SDM vol. 3, 4.3 to 4.5). */
#include "frontend/inside/trace.h"

#include <stdlib.h>

enum { WALKS_SHOWN = 400 };

void trace_note_walk(struct trace *t, const struct probe_walk *w)
{
    struct trace_page *p = trace_page_of(t, w->la);
    u32 *at;
    if (!p)
        return;
    if (w->fault)
        p->faults++;
    else
        p->walks++;
    at = &p->walk[w->fault];
    if (!*at) {
        if (t->nwalks == t->walks_cap) {
            u32 cap = t->walks_cap ? 2 * t->walks_cap : 256;
            void *walks = realloc(t->walks, cap * sizeof(*t->walks));
            if (!walks) {
                t->lost++;
                return;
            }
            t->walks = walks;
            t->walks_cap = cap;
        }
        *at = ++t->nwalks;
    }
    t->walks[*at - 1] = *w;
}

/* The name of entry i of a walk. */
static const char *level_name(const struct probe_walk *w, unsigned i)
{
    static const char *const names[] = {"PML4E", "PDPTE", "PDE", "PTE"};
    unsigned levels = w->size == 4 ? 2 : w->at[0] == ~0ull ? 3 : 4;
    return names[4 - levels + i];
}

static void write_flags(struct trace *t, const struct probe_walk *w, unsigned i)
{
    static const struct {
        u8 bit;
        const char *name;
    } flags[] = {{0, "P"}, {1, "W"}, {2, "U"}, {3, "PWT"}, {4, "PCD"},
                 {5, "A"}, {6, "D"}, {7, "PS"}, {8, "G"},  {63, "NX"}};
    const char *gap = "";
    for (unsigned k = 0; k < ARRAY_LEN(flags); k++) {
        if (!(w->e[i] >> flags[k].bit & 1))
            continue;
        fprintf(t->out, "%s%s", gap, flags[k].name);
        gap = " ";
    }
}

static void write_walk(struct trace *t, const struct trace_page *p, const struct probe_walk *w)
{
    static const char *const accesses[] = {"read", "write", "fetch"};
    fprintf(t->out, "{\"page\":\"%llx\",\"cr3\":\"%llx\",\"how\":\"%s, %s\",\"n\":%llu,\"faults\":%llu,",
            (unsigned long long)(w->la & ~(u64)PAGE_MASK), (unsigned long long)w->cr3,
            accesses[MIN(w->access, 2u)], w->user ? "user" : "supervisor",
            (unsigned long long)p->walks, (unsigned long long)p->faults);
    if (w->fault)
        fprintf(t->out, "\"end\":\"page fault, error code %x, at %llx\",", w->error,
                (unsigned long long)w->la);
    else
        fprintf(t->out, "\"end\":\"%llx%s\",", (unsigned long long)w->phys,
                w->large == 30   ? ", in a page of 1 GiB"
                : w->large == 22 ? ", in a page of 4 MiB"
                : w->large       ? ", in a page of 2 MiB"
                                 : "");
    fputs("\"steps\":[", t->out);
    for (unsigned i = 0; i < w->n; i++) {
        fprintf(t->out, "%s[\"%s\",\"", i ? "," : "", level_name(w, i));
        if (w->at[i] == ~0ull)
            fputs("register", t->out);
        else
            fprintf(t->out, "%llx", (unsigned long long)w->at[i]);
        fprintf(t->out, "\",\"%0*llx\",\"", w->size * 2, (unsigned long long)w->e[i]);
        write_flags(t, w, i);
        fputs("\"]", t->out);
    }
    fputs("]}", t->out);
}

void trace_write_walks(struct trace *t, const struct trace_rank *r, u32 n)
{
    const char *gap = "";
    u32 shown = 0;
    fprintf(t->out, "\"nwalks\":%u,\"walks\":[", t->nwalks);
    for (u32 i = 0; i < n && shown < WALKS_SHOWN; i++) {
        const struct trace_page *p = &t->pages[*map_find(&t->page_at, r[i].key) - 1];
        for (unsigned k = 0; k < 2; k++) {
            if (!p->walk[k])
                continue;
            fputs(gap, t->out);
            write_walk(t, p, &t->walks[p->walk[k] - 1]);
            gap = ",\n";
            shown++;
        }
    }
    fputs("],\n", t->out);
}
