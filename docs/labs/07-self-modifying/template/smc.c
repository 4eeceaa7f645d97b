/* Lab 7: a block cache for code that changes. This is the cache of lab 3: it never looks at the
 * bytes again. The places to change say HOLE. */
#include "docs/labs/07-self-modifying/smc.h"

#include <stdlib.h>

enum { TABLE = 1024, MOST = 32 };

struct block {
    u32 eip, end, n; /* bytes [eip, end); n 0: nothing here */
    struct insn insn[MOST];
};

struct smc {
    struct tiny *t;
    struct block table[TABLE];
};

struct smc *smc_new(struct tiny *t)
{
    struct smc *s = calloc(1, sizeof(*s));

    if (s)
        s->t = t;
    return s;
}

void smc_free(struct smc *s)
{
    free(s);
}

/* Decode from eip up to the first jump. */
static void make(struct smc *s, struct block *block, u32 eip)
{
    block->eip = block->end = eip;
    block->n = 0;
    while (block->n < MOST && tiny_decode(s->t, block->end, &block->insn[block->n])) {
        const struct insn *insn = &block->insn[block->n++];

        block->end += insn->len;
        if (tiny_ends_block(insn))
            break;
    }
    /* HOLE 1: ask to be told of writes to these bytes (tiny_watch). */
}

static struct block *find(struct smc *s, u32 eip)
{
    struct block *block = &s->table[(eip ^ eip >> 10) % TABLE];

    tiny_look_up(s->t);
    if (!block->n || block->eip != eip)
        make(s, block, eip);
    return block;
}

void smc_run(struct smc *s)
{
    while (!tiny_halted(s->t)) {
        const struct block *block = find(s, tiny_eip(s->t));
        u32 next = block->eip;

        if (!block->n)
            return; /* no instruction */
        for (u32 i = 0; i < block->n; i++) {
            next += block->insn[i].len;
            tiny_execute(s->t, &block->insn[i]);
            if (tiny_eip(s->t) != next)
                break; /* a jump was taken, or REP wants another turn */
            /* HOLE 2: this instruction may have changed the block itself. */
        }
    }
}

void smc_wrote(struct smc *s, u32 addr, u32 len)
{
    /* HOLE 3: blocks with a byte of [addr, addr + len) are wrong now; the others are not. */
}
