/* The list of blocks, found by the translator's numbers, which are used again, or by address. */
#include "frontend/inside/blocks.h"

#include <stdlib.h>

static struct seen *add(struct blocks *bs, u64 *at)
{
    struct seen *list;
    u32 cap = bs->cap ? 2 * bs->cap : 1024;
    if (bs->n == bs->cap) {
        if (cap > BLOCKS_MOST || !(list = realloc(bs->list, cap * sizeof(*list)))) {
            bs->lost++;
            return NULL;
        }
        bs->list = list;
        bs->cap = cap;
    }
    bs->list[bs->n] = (struct seen){0};
    *at = bs->n + 1;
    return &bs->list[bs->n++];
}

static bool same(const struct probe_block *a, const struct probe_block *b)
{
    return a->la == b->la && a->page == b->page && a->off == b->off && a->nbytes == b->nbytes &&
           a->ninsns == b->ninsns && a->host == b->host;
}

struct seen *blocks_made(struct blocks *bs, const struct probe_block *b, bool *fresh)
{
    u64 *at = map_get(&bs->by_id, b->id, 2 * BLOCKS_MOST);
    struct seen *s;
    *fresh = false;
    if (!at) {
        bs->lost++;
        return NULL;
    }
    if (*at && same(&bs->list[*at - 1].b, b)) {
        bs->list[*at - 1].dropped = false; /* it came back */
        return &bs->list[*at - 1];
    }
    s = add(bs, at);
    if (!s) {
        *at = 0;
        return NULL;
    }
    s->b = *b;
    *fresh = true;
    return s;
}

struct seen *blocks_find(struct blocks *bs, u32 id)
{
    u64 *at = map_find(&bs->by_id, id);
    return at && *at ? &bs->list[*at - 1] : NULL;
}

void blocks_dropped(struct blocks *bs, u32 id)
{
    struct seen *s = blocks_find(bs, id);
    if (s)
        s->dropped = true;
}

struct seen *blocks_alone(struct blocks *bs, u64 la, unsigned len, bool *fresh)
{
    u64 *at = map_get(&bs->alone, la << 4 | (len & 15), BLOCKS_MOST);
    struct seen *s;
    *fresh = false;
    if (!at) {
        bs->lost++;
        return NULL;
    }
    if (*at)
        return &bs->list[*at - 1];
    s = add(bs, at);
    if (!s)
        return NULL;
    s->b = (struct probe_block){.id = PROBE_ALONE, .la = la, .nbytes = len, .ninsns = 1};
    s->alone = true;
    *fresh = true;
    return s;
}

void blocks_free(struct blocks *bs)
{
    free(bs->list);
    map_free(&bs->by_id);
    map_free(&bs->alone);
    *bs = (struct blocks){0};
}
