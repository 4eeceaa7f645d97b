/* Code memory in regions that are used one after another: when the last is full, the blocks of the
 * one filled longest ago go, and the others stay. */
#include "cpu/jit/block.h"

#include <stdlib.h>

enum { REGION_MIN = 128 * 1024 };

void regions_init(struct jit *jit)
{
    u8 *end = jit->buf.rw + jit->buf.size;
    size_t size;
    if (!jit->buf.size) { /* blocks without host code */
        jit->nregions = REGIONS;
        jit->region = &jit->regions[0];
        return;
    }
    jit->nregions = (u32)MIN((u64)(end - jit->code_p) / REGION_MIN, (u64)REGIONS);
    jit->nregions = MAX(jit->nregions, 1u);
    size = (size_t)(end - jit->code_p) / jit->nregions & ~(size_t)63;
    for (u32 i = 0; i < jit->nregions; i++) {
        jit->regions[i].start = jit->code_p + i * size;
        jit->regions[i].end = jit->regions[i].start + size;
    }
    jit->region = &jit->regions[0];
}

void regions_free(struct jit *jit)
{
    for (u32 i = 0; i < jit->nregions; i++)
        free(jit->regions[i].blocks);
}

/* All in it is dead: its memory is free. */
static void empty(struct jit *jit, struct code_region *r)
{
    jit_region_ran(jit, r);
    for (u32 i = 0; i < r->nblocks; i++)
        block_free(r->blocks[i]);
    arena_reset(&r->arena);
    r->nblocks = 0;
}

void regions_drop(struct jit *jit)
{
    for (u32 i = 0; i < jit->nregions; i++)
        empty(jit, &jit->regions[i]);
    jit->region = &jit->regions[0];
    jit->code_p = jit->region->start;
    jit->drops++;
}

void region_next(struct jit *jit)
{
    u64 invalidated = jit->stats.invalidated;
    struct code_region *r = jit->region + 1;
    if (r == jit->regions + jit->nregions)
        r = jit->regions;
    jit->region = r;
    jit->code_p = r->start;
    if (!r->nblocks)
        return;
    blocks_unlist(jit, r->blocks, r->nblocks);
    codebuf_begin(&jit->buf);
    for (u32 i = 0; i < r->nblocks; i++)
        block_kill(jit, r->blocks[i]);
    codebuf_end(&jit->buf);
    jit->stats.evicted += jit->stats.invalidated - invalidated;
    jit->stats.invalidated = invalidated;
    grave_drop(jit, (u32)(r - jit->regions));
    clone_drop(jit, (u32)(r - jit->regions));
    empty(jit, r);
    jit->stats.evictions++;
    jit->drops++;
}

bool region_add(struct jit *jit, struct block *b)
{
    struct code_region *r = jit->region;
    if (r->nblocks == r->cap) {
        u32 cap = r->cap ? r->cap * 2 : 1024;
        struct block **blocks = realloc(r->blocks, cap * sizeof(*blocks));
        if (!blocks)
            return false;
        r->blocks = blocks;
        r->cap = cap;
    }
    b->id = (u32)(r - jit->regions) << REGION_ID_BITS | r->nblocks;
    r->blocks[r->nblocks] = b;
    return true;
}

struct block *region_block_at(struct jit *jit, const void *host)
{
    size_t size = (size_t)(jit->regions[0].end - jit->regions[0].start);
    size_t off = (size_t)(codebuf_rw(&jit->buf, host) - jit->regions[0].start);
    const struct code_region *r = &jit->regions[MIN(off / size, (size_t)jit->nregions - 1)];
    u32 lo = 0, hi = r->nblocks;
    while (hi - lo > 1) {
        u32 mid = (lo + hi) / 2;
        if ((uintptr_t)r->blocks[mid]->host <= (uintptr_t)host)
            lo = mid;
        else
            hi = mid;
    }
    return r->nblocks ? r->blocks[lo] : NULL;
}
