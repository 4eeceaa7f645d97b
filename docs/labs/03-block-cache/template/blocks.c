/* Lab 3: a cache of blocks. This works already, but it decodes each instruction each time that it
 * runs. The places to change say HOLE. */
#include "docs/labs/03-block-cache/blocks.h"

#include <stdlib.h>

struct blocks {
    struct tiny *t;
    /* HOLE 1: a table of blocks by their address. A block is an EIP, a number of instructions
     * and an array of `struct insn`. */
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
    /* HOLE 2: the blocks, too. */
    free(b);
}

void blocks_run(struct blocks *b)
{
    /* HOLE 3: find the block at EIP (call tiny_look_up for each search), make it when there is
     * none, run its instructions. Beware: two addresses may share a place in the table. And an
     * instruction with REP may stop in the middle: EIP is then still its own, so look at EIP
     * behind it. */
    while (!tiny_halted(b->t)) {
        struct insn insn;

        if (!tiny_decode(b->t, tiny_eip(b->t), &insn))
            return;
        tiny_execute(b->t, &insn);
    }
}
