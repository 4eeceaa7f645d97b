/* Lab 4, reference solution: each block has two links to blocks that came next. A dropped block
 * keeps its place and loses its instructions, so a link that leads there is found to be stale by
 * the EIP. */
#include "docs/labs/04-chaining/chain.h"

#include <stdlib.h>

enum { TABLE = 1024, MOST = 32, LINKS = 2 };

struct block {
    u32 eip, n; /* n 0: nothing here */
    struct insn insn[MOST];
    struct block *next[LINKS]; /* places in the table; what is there may have changed since */
};

struct chain {
    struct tiny *t;
    struct block table[TABLE];
};

struct chain *chain_new(struct tiny *t)
{
    struct chain *c = calloc(1, sizeof(*c));

    if (c)
        c->t = t;
    return c;
}

void chain_free(struct chain *c)
{
    free(c);
}

/* Decode from eip up to the first jump. */
static void make(struct chain *c, struct block *block, u32 eip)
{
    u32 at = eip;

    /* Links to the block that was here look at eip before they are followed. */
    block->next[0] = block->next[1] = NULL;
    block->eip = eip;
    block->n = 0;
    while (block->n < MOST && tiny_decode(c->t, at, &block->insn[block->n])) {
        const struct insn *insn = &block->insn[block->n++];

        at += insn->len;
        if (tiny_ends_block(insn))
            break;
    }
}

static struct block *find(struct chain *c, u32 eip)
{
    struct block *block = &c->table[(eip ^ eip >> 10) % TABLE];

    tiny_look_up(c->t);
    if (!block->n || block->eip != eip)
        make(c, block, eip);
    return block;
}

static void run_block(struct tiny *t, const struct block *block)
{
    u32 next = block->eip;

    for (u32 i = 0; i < block->n; i++) {
        next += block->insn[i].len;
        tiny_execute(t, &block->insn[i]);
        if (tiny_eip(t) != next)
            break; /* a jump was taken, or REP wants another turn */
    }
}

/* The block that `from` led to before, if that was at eip and is still true. */
static struct block *linked(const struct block *from, u32 eip)
{
    for (u32 i = 0; i < LINKS; i++)
        if (from->next[i] && from->next[i]->n && from->next[i]->eip == eip)
            return from->next[i];
    return NULL;
}

static void link_to(struct block *from, struct block *to)
{
    from->next[1] = from->next[0];
    from->next[0] = to;
}

void chain_run(struct chain *c)
{
    struct block *last = NULL;

    while (!tiny_halted(c->t)) {
        struct block *block = last ? linked(last, tiny_eip(c->t)) : NULL;

        if (!block) {
            block = find(c, tiny_eip(c->t));
            if (!block->n)
                return; /* no instruction */
            if (last)
                link_to(last, block);
        }
        run_block(c->t, block);
        last = block;
    }
}

void chain_drop(struct chain *c, u32 eip)
{
    /* Without instructions no link leads here any more. */
    struct block *block = &c->table[(eip ^ eip >> 10) % TABLE];

    if (block->eip == eip)
        block->n = 0;
}
