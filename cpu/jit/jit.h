/* Translated code of one virtual CPU: the block cache, links between blocks, invalidation, and
 * running it. */
#ifndef CPU_JIT_JIT_H
#define CPU_JIT_JIT_H

#include "cpu/cpu.h"
#include "cpu/ir/ir.h"
#include "cpu/jit/codebuf.h"
#include "cpu/jit/frame.h"
#include "cpu/jit/technique.h"
#include "cpu/tr/tr.h"

struct err;
struct jit;

struct jit_config {
    bool counted;  /* charge the budget per instruction (deterministic time); else poll exit_request
                      only */
    bool tally;    /* count blocks and their exits in cpu->tally */
    bool ran;      /* each block clears its byte of cpu->idle when it runs (jit_ran) */
    bool seen;     /* a probe wants to see blocks, instructions or accesses as they run: blocks end at
                      their first jump, and exec runs their instructions */
    bool no_chain; /* every exit returns to the run loop */
    bool eager;    /* translate a place when it is entered for the first time */
    u32 passes;    /* mask for ir_optimise */
    u32 off;       /* techniques that are switched off: JIT_OFF(...) */
    u32 hot;       /* how often a place runs before it is translated; 0: the default */
    u32 heat;      /* how often a block runs before more effort is made for it; 0: the default */
    u64 code_size; /* bytes of code memory; 0: the default */
    enum codebuf_way map; /* how it is mapped */
    struct tr_config tr;
};

/* Give `cpu` a translator. False with a sentence when the host gives no executable memory: the
 * interpreter remains. */
bool jit_new(struct cpu *cpu, const struct jit_config *config, struct err *err);
void jit_free(struct cpu *cpu);

/* Run translated code (`eval`: the same blocks through the IR evaluator) from cpu->rip until
 * something needs the run loop. What comes back says what that is. Faults go to cpu->unwind
 * with all state in cpu. */
enum jit_left {
    JIT_AGAIN, /* state is in cpu: check events and come back */
    JIT_EXEC,  /* run one instruction in exec first */
    JIT_COLD,  /* run exec up to the next jump: the code there is not worth translating yet */
};
enum jit_left jit_run(struct cpu *cpu, bool eval);

/* Bytes [off, off+len) of page `page` were written: blocks that came from them are dropped. The
 * ram_space.wrote hook. */
void jit_wrote(void *arg, u32 page, u32 off, u32 len);
/* Is there a block from any of these bytes? The ram_space.covered hook. */
bool jit_covers(void *arg, u32 page, u32 off, u32 len, u32 *lo, u32 *hi);
/* Translated code may have left the x87 state in the host's unit: bring it into cpu->fpu. */
void jit_x87_spill(struct cpu *cpu);
/* cpu_run begins, and there may be stop points: translations are cut where new ones are. */
void jit_stops(struct cpu *cpu);
/* What translated code ran since this was called last is put into cpu->ran; when that is NULL it is
 * forgotten. With jit_config.ran, else nothing is known and nothing done. */
void jit_ran(struct cpu *cpu);
/* Drop everything (code memory full, configuration changed). */
void jit_flush(struct cpu *cpu);

/* Where this CPU's frames lie; all zero without a translator. */
void jit_frame(const struct cpu *cpu, struct jit_frame *frame);

struct jit_stats {
    u64 blocks, guest_insns, guest_bytes, host_bytes, ir_ops, translate_ns;
    u64 flushes, invalidated, revived, softened, demoted, clones, links, unlinks;
    u64 evictions, evicted; /* regions of code memory used again; blocks that were in them */
    u64 exits_link, exits_indirect, exits_entry, exits_exec, exits_bail, enters, resumes;
    u64 lookups, renewals, creations;
    u64 cold_made, cold_drops, cold_runs; /* pieces of cold code: decoded, all dropped, run */
    u64 near_made; /* blocks made with the one in front of them */
    u64 exec_ops[OP__COUNT]; /* exits_exec by operation */
};
const struct jit_stats *jit_stats(const struct cpu *cpu);

/* Which ways blocks are left, with jit_config.tally. A block that is left in the middle by a fault
 * or for exec counts with all its instructions. */
struct jit_exits {
    u64 insns;  /* run by translated code */
    u64 linked; /* to the next block by a patched jump or call */
    u64 table;  /* by the jump table */
    u64 paired; /* returns that went back to their call */
    u64 unpaired; /* returns that did not match: they go by the table, too */
    u64 unlinked, missed; /* to the run loop: the exit was not linked; the table did not have it */
    u64 polls;  /* interrupts, the end of a slice */
    u64 exec;   /* instructions that exec ran and the block does not go on behind */
    u64 in_exec; /* ... and goes on */
    u64 faults;
};
void jit_exits(const struct cpu *cpu, struct jit_exits *exits);

#endif
