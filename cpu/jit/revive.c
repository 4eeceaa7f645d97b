/* Blocks whose bytes were overwritten are kept for when the same bytes come back: breakpoints that
 * are set and cleared, code that is switched between variants, pages that are loaded anew. */
#include "cpu/jit/block.h"

/* So many versions of a block are kept, and so many blocks whose keys meet in the table. */
enum { VERSIONS = 4, CHAIN = 16 };

static struct block **grave_of(struct jit *jit, u32 page, u32 off, u64 rip, u64 mode_key)
{
    return &jit->graves[block_hash(page, off, rip, mode_key) >> (HASH_BITS - GRAVE_BITS)];
}

static bool has_key(const struct block *b, u32 page, u32 off, u64 rip, u64 mode_key)
{
    return b->page0 == page && b->off == off && b->rip == rip && b->mode_key == mode_key;
}

void grave_keep(struct jit *jit, struct block *b, const u8 *code, const u8 *more)
{
    u32 n = 0;
    u8 *p;
    if (jit->config.off & JIT_OFF(REVIVE) && jit->config.off & JIT_OFF(SOFT))
        return;
    for (u32 k = 0; k < b->nparts; k++)
        n += (u32)(b->parts[k].hi - b->parts[k].lo);
    b->bytes = p = arena_get(&jit->region->arena, n);
    for (u32 k = 0; k < b->nparts && p; k++) {
        u32 lo = b->parts[k].lo, hi = b->parts[k].hi, end = MIN(hi, PAGE_SIZE);
        memcpy(p, code + ((s32)lo - (s32)b->off), end - lo);
        if (hi > end)
            memcpy(p + (end - lo), more, hi - end);
        p += hi - lo;
    }
}

/* Are the `n` bytes at q, from byte `off` of page0 on, those at p but for what is read at run
 * time? */
static bool same(const struct block *b, const u8 *p, const u8 *q, u32 off, u32 n)
{
    if (!b->nholes)
        return !memcmp(p, q, n);
    for (u32 i = 0; i < n; i++)
        if (p[i] != q[i] && !soft_only(b, b->page0, off + i, off + i + 1))
            return false;
    return true;
}

/* Are its bytes what they were? */
static bool unchanged(const struct block *b, const u8 *code, const u8 *more)
{
    const u8 *p = b->bytes;
    for (u32 k = 0; k < b->nparts; k++) {
        u32 lo = b->parts[k].lo, hi = b->parts[k].hi, end = MIN(hi, PAGE_SIZE);
        if (!same(b, p, code + ((s32)lo - (s32)b->off), lo, end - lo) ||
            (hi > end && memcmp(p + (end - lo), more, hi - end)))
            return false;
        p += hi - lo;
    }
    return true;
}

void grave_add(struct jit *jit, struct block *b)
{
    struct block **p = grave_of(jit, b->page0, b->off, b->rip, b->mode_key);
    u32 versions = 0, n = 0;
    if (b->retired || !b->bytes || jit->config.off & JIT_OFF(REVIVE))
        return;
    b->hash_next = *p;
    *p = b;
    /* The oldest are at the end. */
    while (*p) {
        versions += has_key(*p, b->page0, b->off, b->rip, b->mode_key);
        if (++n > CHAIN || versions > VERSIONS) {
            *p = (*p)->hash_next;
            break;
        }
        p = &(*p)->hash_next;
    }
}

struct block *grave_revive(struct jit *jit, u32 page, u32 off, const u8 *code, u64 mode_key)
{
    u64 rip = jit->cpu->rip;
    struct block **p = grave_of(jit, page, off, rip, mode_key), *b;
    const u8 *more = NULL;
    u32 page1 = RAM_NO_PAGE;
    for (; (b = *p); p = &b->hash_next) {
        if (!has_key(b, page, off, rip, mode_key))
            continue;
        if (b->page1 != RAM_NO_PAGE && !more)
            more = block_following_page(jit, off, &page1);
        if ((b->page1 == RAM_NO_PAGE || (more && b->page1 == page1)) && unchanged(b, code, more))
            break;
    }
    if (!b)
        return NULL;
    *p = b->hash_next;
    b->dead = false;
    b->made = jit_now();
    block_insert(jit, b);
    jit->stats.revived++;
    return b;
}

void grave_forget(struct jit *jit)
{
    memset(jit->graves, 0, sizeof(jit->graves));
}

void grave_drop(struct jit *jit, u32 region)
{
    for (u32 i = 0; i < GRAVE_SIZE; i++)
        for (struct block **p = &jit->graves[i]; *p;)
            if ((*p)->id >> REGION_ID_BITS == region)
                *p = (*p)->hash_next;
            else
                p = &(*p)->hash_next;
}
