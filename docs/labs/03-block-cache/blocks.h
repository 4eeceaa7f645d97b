/* What lab 3 asks for: a run loop that decodes an instruction once and runs it many times. */
#ifndef DOCS_LABS_03_BLOCK_CACHE_BLOCKS_H
#define DOCS_LABS_03_BLOCK_CACHE_BLOCKS_H

#include "docs/labs/common/tiny.h"

struct blocks;

/* The cache of one tiny emulator; NULL: no memory. */
struct blocks *blocks_new(struct tiny *t);
void blocks_free(struct blocks *b);
/* Run from EIP until HLT (tiny_halted). What was decoded in a former run may be used again. */
void blocks_run(struct blocks *b);

#endif
