/* Lab 10: puts the student's pass in front of the project's. The program is linked with
 * -Wl,--wrap=ir_optimise, so the translator calls this one in its place. */
#include "docs/labs/10-pass/pass.h"

void __real_ir_optimise(struct ir_block *b, u32 mask);
void __wrap_ir_optimise(struct ir_block *b, u32 mask);

void __wrap_ir_optimise(struct ir_block *b, u32 mask)
{
    lab_pass(b);
    __real_ir_optimise(b, mask);
}
