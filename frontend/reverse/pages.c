/* Versions of pages in a hash table of chains, newest first; sets of numbers by open addressing. */
#include "frontend/reverse/pages.h"

#include <stdlib.h>
#include <string.h>

static const u8 zeros[HIST_PAGE];

static u32 place_of(u64 key, u32 cap)
{
    return (u32)(key * 0x9e3779b97f4a7c15ull >> 32) & (cap - 1);
}

/* ---- versions ---- */

/* Where the chain of `key` hangs, or would. */
static struct page_version **chain(const struct pages *p, u64 key)
{
    u32 i = place_of(key, p->cap);

    while (p->slot[i] && p->slot[i]->key != key)
        i = (i + 1) & (p->cap - 1);
    return &p->slot[i];
}

static bool grow(struct pages *p)
{
    struct pages more = {.cap = p->cap ? 2 * p->cap : 4096};

    if (p->cap && p->n < p->cap / 2)
        return true;
    more.slot = calloc(more.cap, sizeof(*more.slot));
    if (!more.slot)
        return p->cap && p->n < p->cap - 1;
    for (u32 i = 0; i < p->cap; i++)
        if (p->slot[i])
            *chain(&more, p->slot[i]->key) = p->slot[i];
    p->bytes += (more.cap - p->cap) * sizeof(*more.slot);
    free(p->slot);
    p->slot = more.slot;
    p->cap = more.cap;
    return true;
}

static bool list_add(struct pages *p, struct page_list *list, struct page_version *v)
{
    if (list->n == list->cap) {
        u32 cap = list->cap ? 2 * list->cap : 16;
        struct page_version **more = realloc(list->v, cap * sizeof(*more));

        if (!more)
            return false;
        p->bytes += (cap - list->cap) * sizeof(*more);
        list->v = more;
        list->cap = cap;
    }
    list->v[list->n++] = v;
    return true;
}

static const u8 *bytes_of(const struct page_version *v)
{
    while (v && !v->data)
        v = v->older;
    return v ? v->data : zeros;
}

static u8 *copy_of(struct pages *p, const u8 *data)
{
    u8 *copy = malloc(HIST_PAGE);

    p->lost |= !copy;
    if (copy) {
        memcpy(copy, data, HIST_PAGE);
        p->bytes += HIST_PAGE;
    }
    return copy;
}

static void drop_data(struct pages *p, const u8 *data)
{
    if (!data || data == zeros)
        return;
    free((void *)data);
    p->bytes -= HIST_PAGE;
}

void pages_put(struct pages *p, struct page_list *list, u64 key, u64 serial, const u8 *data)
{
    struct page_version *v = malloc(sizeof(*v)), **at, *newer = NULL;
    const u8 *copy = zeros;

    if (!v || !grow(p) || (list && !list_add(p, list, v))) {
        free(v);
        p->lost = true;
        return;
    }
    at = chain(p, key);
    p->n += !*at;
    for (; *at && (*at)->serial > serial; at = &newer->older)
        newer = *at;
    *v = (struct page_version){key, serial, *at, NULL};
    p->bytes += sizeof(*v);
    if (memcmp(bytes_of(*at), data, HIST_PAGE)) {
        if (newer && !newer->data) { /* it is not like the one in front of it any more */
            newer->data = bytes_of(*at);
            if (newer->data != zeros)
                newer->data = copy_of(p, newer->data);
        }
        if (memcmp(zeros, data, HIST_PAGE))
            copy = copy_of(p, data);
        v->data = copy ? copy : zeros;
    }
    *at = v;
}

const u8 *pages_find(const struct pages *p, u64 key, u64 serial)
{
    const struct page_version *v = p->cap ? *chain(p, key) : NULL;

    if (!v)
        return NULL;
    while (v && v->serial > serial)
        v = v->older;
    return bytes_of(v);
}

void pages_merge(struct pages *p, struct page_list *list, struct page_list *next, u64 serial)
{
    for (u32 i = 0; i < list->n; i++) {
        struct page_version *v = list->v[i], *newer = *chain(p, v->key);

        while (newer != v && newer->older != v)
            newer = newer->older;
        if (newer != v && newer->serial == serial) {
            newer->older = v->older;
            if (newer->data)
                drop_data(p, v->data);
            else
                newer->data = v->data;
            free(v);
            p->bytes -= sizeof(*v);
        } else {
            v->serial = serial;
            p->lost |= !list_add(p, next, v);
        }
    }
    p->bytes -= list->cap * sizeof(*list->v);
    page_list_free(list);
}

void pages_clear(struct pages *p)
{
    for (u32 i = 0; i < p->cap; i++)
        while (p->slot[i]) {
            struct page_version *v = p->slot[i];

            p->slot[i] = v->older;
            drop_data(p, v->data);
            free(v);
        }
    free(p->slot);
    *p = (struct pages){0};
}

void page_list_free(struct page_list *list)
{
    free(list->v);
    *list = (struct page_list){0};
}

/* ---- sets ---- */

static u64 *cell(const struct numset *s, u64 v)
{
    u32 i = place_of(v, s->cap);

    while (s->slot[i] && s->slot[i] != v + 1)
        i = (i + 1) & (s->cap - 1);
    return &s->slot[i];
}

bool numset_add(struct numset *s, u64 v)
{
    u64 *at;

    if (s->all)
        return false;
    if (2 * s->n >= s->cap) {
        struct numset more = {.cap = s->cap ? 2 * s->cap : 64};

        more.slot = calloc(more.cap, sizeof(*more.slot));
        if (!more.slot) {
            s->all = true;
            return false;
        }
        for (u32 i = 0; i < s->cap; i++)
            if (s->slot[i])
                *cell(&more, s->slot[i] - 1) = s->slot[i];
        free(s->slot);
        s->slot = more.slot;
        s->cap = more.cap;
    }
    at = cell(s, v);
    if (*at)
        return false;
    *at = v + 1;
    s->n++;
    return true;
}

bool numset_has(const struct numset *s, u64 v)
{
    return s->all || (s->cap && *cell(s, v));
}

void numset_join(struct numset *s, const struct numset *more)
{
    s->all |= more->all;
    for (u32 i = 0; i < more->cap && !s->all; i++)
        if (more->slot[i])
            numset_add(s, more->slot[i] - 1);
}

void numset_empty(struct numset *s)
{
    if (s->n)
        memset(s->slot, 0, s->cap * sizeof(*s->slot));
    s->n = 0;
    s->all = false;
}

void numset_free(struct numset *s)
{
    free(s->slot);
    *s = (struct numset){0};
}
