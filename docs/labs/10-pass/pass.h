/* What lab 10 asks for: a pass over a block of IR that makes loads moves where the block knows
 * what is in memory. It runs in front of the project's own passes. */
#ifndef DOCS_LABS_10_PASS_PASS_H
#define DOCS_LABS_10_PASS_PASS_H

#include "cpu/ir/ir.h"

/* Replaces IR_LD of I32 (and I64 in long mode) into a guest register by IR_MOV, where the same
 * bytes were loaded into or stored from a guest register before in the block, and both the bytes
 * and the register are what they were. Linear in the block's operations; allocates nothing. */
void lab_pass(struct ir_block *b);

#endif
