/* Code that has not run often: its instructions are kept decoded, and run one after another without
 * a fetch and a look at the tables in between. Private to cpu/jit. */
#ifndef CPU_JIT_COLD_H
#define CPU_JIT_COLD_H

#include "devices/core/types.h"

struct cold;
struct cold_cache;
struct jit;

/* NULL: no memory. */
struct cold_cache *cold_new(void);
void cold_free(struct cold_cache *cache);

/* The straight code at cpu->rip, which is byte `off` of `page`, host address `code`; NULL: the
 * instruction there is not one that can be kept. It stays until the next call. */
struct cold *cold_at(struct jit *jit, u32 page, u32 off, const u8 *code);
/* Has it run so often that it is worth a translation? */
bool cold_is_hot(const struct jit *jit, const struct cold *c);
/* Is byte `off` of `page` likely to get hot soon? Then it counts as if it were. */
bool cold_is_warm(struct jit *jit, u32 page, u32 off);
/* The bytes at this place are written: it has to get warm anew. */
void cold_cool(struct jit *jit, u32 page, u32 off);

/* Nothing is kept any more: stop points came up. */
void cold_forget(struct jit *jit);

/* Run c, which is the code at cpu->rip, host address `code`, and what comes behind it as long as it
 * is cold, too, and nothing else is to be done. State is in cpu as behind exec_run(); faults go to
 * cpu->unwind. Only when nothing waits and exec is not asked for. False: nothing was run, exec has
 * to do it. */
bool cold_run(struct jit *jit, struct cold *c, const u8 *code);

#endif
