/* Memory of the flat translation tables (mmu/tlb.h), near the CPU's state. */
#ifndef CPU_JIT_FLATMEM_H
#define CPU_JIT_FLATMEM_H

#include "mmu/tlb.h"

/* Reserve tables that read as 0 within reach of a signed 32-bit displacement from `near`. False,
 * and base NULL, where the host has no such place: translated code then probes the tagged table. */
bool flatmem_new(struct flat_tables *flat, const void *near);
void flatmem_free(struct flat_tables *flat);

#endif
