/* The set of lines by open addressing: an entry for each page, a bit in it for each line. */
#include "cpu/sys/ran.h"

#include "devices/core/bits.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 32, PAGE_SHIFT = 12, IN_PAGE = (1 << PAGE_SHIFT) - 1 };
_Static_assert(RAN_WORDS * 64 * RAN_LINE == 1 << PAGE_SHIFT, "the words hold a page's lines");

static struct ran_page *cell(const struct ran *r, u64 page)
{
    u32 i = (u32)(page * 0x9e3779b97f4a7c15ull >> 32) & (r->cap - 1);

    while (r->slot[i].page && r->slot[i].page != page + 1)
        i = (i + 1) & (r->cap - 1);
    return &r->slot[i];
}

/* Room for one more. False: there is none, and all lines are in the set now. */
static bool grow(struct ran *r)
{
    struct ran more = {.cap = r->cap ? 2 * r->cap : FEW};

    if (r->all || 4 * r->n < 3 * r->cap)
        return !r->all;
    more.slot = calloc(more.cap, sizeof(*more.slot));
    if (!more.slot) {
        r->all = true;
        return false;
    }
    for (u32 i = 0; i < r->cap; i++)
        if (r->slot[i].page)
            *cell(&more, r->slot[i].page - 1) = r->slot[i];
    free(r->slot);
    r->slot = more.slot;
    r->cap = more.cap;
    return true;
}

/* The entry of the page of la; NULL: all lines are in the set. */
static struct ran_page *enter(struct ran *r, u64 la)
{
    u64 page = la >> PAGE_SHIFT;
    struct ran_page *p = r->cap ? cell(r, page) : NULL;

    if (p && p->page)
        return p;
    if (!grow(r))
        return NULL;
    p = cell(r, page);
    p->page = page + 1;
    r->n++;
    return p;
}

static u32 line_of(u64 la)
{
    return (u32)(la & IN_PAGE) / RAN_LINE;
}

void ran_page(struct ran *r, u64 la)
{
    enter(r, la);
}

void ran_pages(struct ran *r)
{
    r->pages = true;
}

void ran_line(struct ran *r, u64 la)
{
    struct ran_page *p = enter(r, la);

    if (p)
        p->lines[line_of(la) >> 6] |= BIT64(line_of(la) & 63);
}

void ran_lines(struct ran *r, u64 la, const u64 lines[RAN_WORDS])
{
    struct ran_page *p = enter(r, la);

    for (unsigned k = 0; p && k < RAN_WORDS; k++)
        p->lines[k] |= lines[k];
}

void ran_any(struct ran *r, const u64 lines[RAN_WORDS])
{
    for (unsigned k = 0; k < RAN_WORDS; k++)
        r->any[k] |= lines[k];
}

void ran_join(struct ran *r, const struct ran *more)
{
    r->all |= more->all;
    r->pages |= more->pages;
    ran_any(r, more->any);
    for (u32 i = 0; i < more->cap && !r->all; i++)
        if (more->slot[i].page)
            ran_lines(r, (more->slot[i].page - 1) << PAGE_SHIFT, more->slot[i].lines);
}

bool ran_at(const struct ran *r, u64 la)
{
    const struct ran_page *p = r->cap ? cell(r, la >> PAGE_SHIFT) : NULL;
    u32 line = line_of(la), k = line >> 6;
    bool there = p && p->page;
    u64 lines = (there ? p->lines[k] : 0) | (there || r->pages ? r->any[k] : 0);

    return r->all || (lines >> (line & 63) & 1);
}

void ran_empty(struct ran *r)
{
    if (r->n)
        memset(r->slot, 0, r->cap * sizeof(*r->slot));
    *r = (struct ran){.slot = r->slot, .cap = r->cap};
}

void ran_free(struct ran *r)
{
    free(r->slot);
    *r = (struct ran){0};
}

u64 ran_bytes(const struct ran *r)
{
    return r->cap * sizeof(*r->slot);
}

void ran_mark(u64 lines[RAN_WORDS], u32 first, u32 end)
{
    for (u32 k = first / RAN_LINE; k * RAN_LINE < end; k++)
        lines[k >> 6] |= BIT64(k & 63);
}
