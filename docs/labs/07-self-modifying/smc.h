/* What lab 7 asks for: a block cache that notices when the guest writes to code. */
#ifndef DOCS_LABS_07_SELF_MODIFYING_SMC_H
#define DOCS_LABS_07_SELF_MODIFYING_SMC_H

#include "docs/labs/common/tiny.h"

struct smc;

/* The cache of one tiny emulator; NULL: no memory. */
struct smc *smc_new(struct tiny *t);
void smc_free(struct smc *s);
/* Run from EIP until HLT (tiny_halted). */
void smc_run(struct smc *s);
/* The guest wrote, or is just writing, len bytes at addr, somewhere near watched bytes. The test
 * bench makes this the tiny emulator's `wrote`. It is called from inside of tiny_execute. */
void smc_wrote(struct smc *s, u32 addr, u32 len);

#endif
