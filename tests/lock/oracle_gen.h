/* What the two halves of case making share: the bytes of an instruction while it is made. */
#ifndef TESTS_LOCK_ORACLE_GEN_H
#define TESTS_LOCK_ORACLE_GEN_H

#include "tests/lock/oracle.h"

struct ora_draft {
    u8 b[32];
    u32 n;
    u32 disp_at; /* where a displacement stands, disp_size bytes */
    u8 disp_size;
};

/* Choose where the code of c->ncode bytes lies. */
void ora_place(struct ora_case *c, u64 *s);
/* Give the operands of `in`, which d->b decodes to, a meaning: addresses in or at the edge of the
 * data pages, memory and stack contents, selectors, targets. */
void ora_aim(struct ora_case *c, struct ora_draft *d, const struct insn *in, u64 feats, u64 *s);

#endif
