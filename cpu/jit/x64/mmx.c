/* x86-64 code for MMX operations: guest MMX registers are the host's of the same number, which are
 * the mantissas of the x87 registers that the unit holds while cpu->x87_live; TOP, tags and
 * exponents then change as the processor changes them (SDM vol. 1 section 9.5). What vec.c makes of
 * vector operations serves here, too; only the rows differ. */
#include "cpu/jit/x64/em.h"

static const struct vec_row rows[OP__COUNT] = {
#define MMX(feat, op, l, s) [OP_##op] = {l, s, HOST_##feat},
#include "cpu/jit/x64/mmx.def"
#undef MMX
};
static const u16 listed[] = {
#define MMX(feat, op, l, s) OP_##op,
#include "cpu/jit/x64/mmx.def"
#undef MMX
};

const struct vec_row *em_mmx_row(unsigned op)
{
    return &rows[op];
}

void em_mmx_ops(u8 *mask)
{
    em_list_ops(mask, listed, ARRAY_LEN(listed), rows);
}
