/* Backward liveness of the arithmetic flags over a block: who still wants what an operation writes.
 */
#include "cpu/ir/shape.h"

void ir_pass_liveness(struct ir_block *b)
{
    u8 live = IRF_ALL; /* a block that runs off its end hands everything on */
    for (u32 n = b->n; n-- > 0;) {
        struct ir_ins *i = &b->ins[n];
        i->flags_live = i->flags_out & live;
        live = ir_flags_before(i, live);
    }
}
