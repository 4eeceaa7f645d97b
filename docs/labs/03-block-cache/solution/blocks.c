/* Lab 3, reference solution: a direct-mapped table of blocks. */
#include "docs/labs/03-block-cache/blocks.h"

#include <stdlib.h>

enum { TABLE = 1024, MOST = 32 };

struct block {
    u32 eip, n; /* n 0: nothing here */
    struct insn insn[MOST];
};

struct blocks {
    struct tiny *t;
    struct block table[TABLE];
};

struct blocks *blocks_new(struct tiny *t)
{
    struct blocks *b = calloc(1, sizeof(*b));

    if (b)
        b->t = t;
    return b;
}

void blocks_free(struct blocks *b)
{
    free(b);
}

/* Decode from eip up to the first jump. */
static void make(struct tiny *t, struct block *block, u32 eip)
{
    u32 at = eip;

    block->eip = eip;
    block->n = 0;
    while (block->n < MOST && tiny_decode(t, at, &block->insn[block->n])) {
        const struct insn *insn = &block->insn[block->n++];

        at += insn->len;
        if (tiny_ends_block(insn))
            break;
    }
}

static const struct block *find(struct blocks *b, u32 eip)
{
    struct block *block = &b->table[(eip ^ eip >> 10) % TABLE];

    tiny_look_up(b->t);
    if (!block->n || block->eip != eip)
        make(b->t, block, eip);
    return block;
}

void blocks_run(struct blocks *b)
{
    while (!tiny_halted(b->t)) {
        const struct block *block = find(b, tiny_eip(b->t));
        u32 next = block->eip;

        if (!block->n)
            return; /* no instruction */
        for (u32 i = 0; i < block->n; i++) {
            next += block->insn[i].len;
            tiny_execute(b->t, &block->insn[i]);
            if (tiny_eip(b->t) != next)
                break; /* a jump was taken, or REP wants another turn */
        }
    }
}
