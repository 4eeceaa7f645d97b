/* A dropped block keeps its name, for samples and frames may still be in it, until code memory is
 * used again; then all that is there is told anew. */
#include "frontend/inside/names.h"

#include <stdlib.h>

enum { MOST = 1 << 24 };

static void note(struct code_names *m, u32 i)
{
    u64 *at = map_get(&m->by_id, m->list[i].id, MOST);
    if (at)
        *at = i + 1;
}

/* Code memory begins to be used again, in the order of addresses: dropped blocks go. */
static void tell_anew(struct code_names *m)
{
    u32 all = m->n;
    map_free(&m->by_id);
    m->anew(m->arg);
    m->n = 0;
    for (u32 i = 0; i < all; i++) {
        if (m->list[i].dropped)
            continue;
        m->list[m->n] = m->list[i];
        note(m, m->n++);
        m->put(m->arg, &m->list[m->n - 1]);
    }
}

void code_names_made(struct code_names *m, const struct probe_block *b)
{
    struct code_name e = {(uintptr_t)b->host, b->la, b->host_size, b->id, false};
    u64 *at = map_find(&m->by_id, b->id);
    struct code_name *old = at ? &m->list[*at - 1] : NULL;
    if (!b->host)
        return;
    if (old && old->host == e.host && old->la == e.la) { /* it came back */
        old->dropped = false;
        return;
    }
    if (e.host < m->top)
        tell_anew(m);
    m->top = e.host + e.size;
    if (m->n == m->cap) {
        u32 cap = m->cap ? 2 * m->cap : 4096;
        struct code_name *list = cap <= MOST ? realloc(m->list, cap * sizeof(*list)) : NULL;
        if (!list) {
            m->bad = true;
            return;
        }
        m->list = list;
        m->cap = cap;
    }
    m->list[m->n] = e;
    note(m, m->n++);
    m->put(m->arg, &m->list[m->n - 1]);
}

void code_names_dropped(struct code_names *m, u32 id)
{
    u64 *at = map_find(&m->by_id, id);
    if (at)
        m->list[*at - 1].dropped = true;
}

void code_names_free(struct code_names *m)
{
    map_free(&m->by_id);
    free(m->list);
    m->list = NULL;
    m->n = m->cap = 0;
}
