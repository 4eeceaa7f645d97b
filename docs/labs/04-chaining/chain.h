/* What lab 4 asks for: blocks that know which block came next the last time, and can be dropped. */
#ifndef DOCS_LABS_04_CHAINING_CHAIN_H
#define DOCS_LABS_04_CHAINING_CHAIN_H

#include "docs/labs/common/tiny.h"

struct chain;

/* The cache of one tiny emulator; NULL: no memory. */
struct chain *chain_new(struct tiny *t);
void chain_free(struct chain *c);
/* Run from EIP until HLT (tiny_halted). */
void chain_run(struct chain *c);
/* The bytes at eip have changed: the block that begins there, if any, is to be made anew. */
void chain_drop(struct chain *c, u32 eip);

#endif
