/* The back end of hosts that have none: no stubs to enter code by, so the IR evaluator runs all blocks. */
#include "cpu/jit/backend.h"

#include <string.h>

void be_emit_stubs(struct codebuf *buf, u8 **p, const struct be_helpers *helpers,
                   struct be_stubs *stubs)
{
}

void be_emit_block(struct codebuf *buf, const struct be_stubs *stubs, const struct be_in *in,
                   struct be_out *out)
{
    out->full = true;
}

void be_x87_spill(struct cpu *cpu)
{
}

void be_x87_load(struct cpu *cpu)
{
}

void be_vector_ops(u8 mask[(OP__COUNT + 7) / 8])
{
    memset(mask, 0, (OP__COUNT + 7) / 8);
}

void be_copy_block(const struct be_copy *c)
{
}

void be_frame(struct jit_frame *frame)
{
}

u32 be_record_field(void)
{
    return 0;
}

void be_patch(struct codebuf *buf, u8 *rel, const u8 *to)
{
}

size_t be_reach(void)
{
    return 0; /* no code memory */
}

bool be_works(struct codebuf *buf)
{
    return true;
}
