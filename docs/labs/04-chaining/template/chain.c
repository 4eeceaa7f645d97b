/* Lab 4: links between blocks. This is the block cache of lab 3: it searches for each block each
 * time that it runs. The places to change say HOLE. */
#include "docs/labs/04-chaining/chain.h"

#include <stdlib.h>

enum { TABLE = 1024, MOST = 32 };

struct block {
    u32 eip, n; /* n 0: nothing here */
    struct insn insn[MOST];
    /* HOLE 1: where the block went before: to the instruction behind it, or to a jump's target. A
     * link is an EIP and a block. */
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

    /* HOLE 2: another block may have been here, and others may have links to it. */
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

void chain_run(struct chain *c)
{
    while (!tiny_halted(c->t)) {
        /* HOLE 3: only search when the last block has no link to where EIP is. */
        struct block *block = find(c, tiny_eip(c->t));

        if (!block->n)
            return; /* no instruction */
        run_block(c->t, block);
    }
}

void chain_drop(struct chain *c, u32 eip)
{
    /* HOLE 4: a link to the block would still lead to the old instructions. */
    struct block *block = &c->table[(eip ^ eip >> 10) % TABLE];

    if (block->eip == eip)
        block->n = 0;
}
