/* The blocks that were seen: every one gets a number of its own, instructions outside of blocks
 * too. */
#ifndef FRONTEND_INSIDE_BLOCKS_H
#define FRONTEND_INSIDE_BLOCKS_H

#include "devices/core/probe.h"
#include "frontend/inside/map.h"

struct seen {
    struct probe_block b;
    u64 runs, user; /* user: of whoever keeps the list */
    bool alone;     /* one instruction outside of blocks */
    bool dropped;
};
struct blocks {
    struct seen *list; /* [n], by number */
    u32 n, cap;
    struct map by_id, alone;
    u64 lost; /* blocks and runs that found no room */
};
enum { BLOCKS_MOST = 1 << 21 };

/* A block was made. Its number; *fresh: it was not there before. NULL: no room. */
struct seen *blocks_made(struct blocks *bs, const struct probe_block *b, bool *fresh);
void blocks_dropped(struct blocks *bs, u32 id);
/* The block with this id. NULL: it was not noted. */
struct seen *blocks_find(struct blocks *bs, u32 id);
/* The block of the one instruction at la. */
struct seen *blocks_alone(struct blocks *bs, u64 la, unsigned len, bool *fresh);
static inline u32 blocks_number(const struct blocks *bs, const struct seen *s)
{
    return (u32)(s - bs->list);
}
void blocks_free(struct blocks *bs);

#endif
