/* A translated block and the tables around it; private to cpu/jit. */
#ifndef CPU_JIT_BLOCK_H
#define CPU_JIT_BLOCK_H

#include "cpu/jit/arena.h"
#include "cpu/jit/backend.h"
#include "cpu/jit/cold.h"
#include "cpu/jit/jit.h"

struct block;

/* One direct exit: the patched jump, and its place in the target's list of incoming ones. */
struct link {
    struct be_exit exit;
    struct block *target;
    struct link *next, **pprev; /* incoming list of target */
};

/* In a block's mode key: it has no groups of accesses, because one did not fit a page. */
#define MK_PLAIN BIT64(63)

struct block {
    /* key, and what else a search looks at */
    u32 page0, page1; /* page1: RAM_NO_PAGE unless the last instruction crosses */
    u64 rip, mode_key;
    struct block *hash_next;
    const void *host; /* entry */
    u32 off;          /* in page0 */
    u32 nbytes;       /* of all its parts */
    struct part {
        u16 lo, hi; /* bytes of page0, hi also beyond its end */
    } parts[TR_PARTS];
    u32 nparts;
    u32 id;
    bool dead;
    bool retired; /* is to be made anew when it is looked for next; its bytes are still watched */
    u8 nguest, nlinks, nexecs;
    const void *host_forward, *host_checked;
    bool flags_unwanted, flags_dead;
    u32 host_size;
    struct block *page_next[2]; /* lists of the blocks that touch a page */
    struct link *incoming;
    struct link *links;    /* [nlinks] */
    struct be_exec *execs; /* [nexecs]: the instructions that call exec */
    s16 *insn_off;         /* [nguest + 1] offsets from rip */
    struct ir_block *ir;   /* kept for the eval engine only, with every instruction decoded */
    struct insn *ir_insns;
};

enum { HASH_BITS = 19, HASH_SIZE = 1 << HASH_BITS };
enum { JC_MODES = 64, JC_MODES_WIDE = 16 };
enum { HOT_BITS = 16, HOT_SIZE = 1 << HOT_BITS };
/* A place is translated when it was entered so often; each time that its code was overwritten
 * doubles that, up to a number of times. */
#ifdef CONFIG_TORTURE
enum { HOT_AFTER = 0, KILLS_MOST = 4 };
#else
enum { HOT_AFTER = 8, KILLS_MOST = 4 };
#endif
/* That often a block runs before more effort is made for it: several rounds of its loop, guesses. */
#ifdef CONFIG_TORTURE
enum { HEAT = 3 };
#else
enum { HEAT = 1 << 15 };
#endif
_Static_assert(HOT_AFTER << KILLS_MOST <= 0xffff, "cold.c counts in 16 bits");

struct jit {
    struct cpu *cpu;
    struct jit_config config;
    struct codebuf buf;
    struct arena arena; /* blocks and what they point to, but for the evaluator's */
    u8 *code_p;       /* next free byte (writable alias) */
    u8 *code_start;   /* behind the stubs */
    struct cold_cache *cold; /* NULL: cold code is exec's */
    u8 hot[HOT_SIZE]; /* how often a place was entered before it is translated; `cold` counts better */
    u8 kills[HOT_SIZE]; /* how often a block there was dropped of late because it was written to */
    u8 busy[HOT_SIZE / 8];  /* where blocks run so often that more effort is made */
    u8 loose[HOT_SIZE / 8]; /* where blocks have accesses that are not aligned, by place */
    u8 unsteady[HOT_SIZE / 8]; /* where guesses are often wrong, by place of the block */
    u32 nguesses;   /* made so far by all blocks */
    u64 guess_seen; /* when one in many that were wrong was looked at last, in ns */
    u32 nkills;         /* since kills[] was cleared */
    struct be_stubs stubs;
    struct block **blocks; /* by id */
    u32 nblocks, cap_blocks;
    struct block *hash[HASH_SIZE];
    struct block **pages; /* by page id: blocks on the page */
    u32 npages;
    u32 gen_seen[2]; /* mmu.gen, mmu.gen_global that the tags of class 0 and 1 were made for */
    unsigned class_seen;
    bool sup_global; /* code at CPL 0 under CR4.PGE comes from global pages, as far as was seen */
    u32 sup_local,
        sup_gen;  /* blocks in a row that did not; mmu.gen_global when that was given up */
    u64 a20_seen; /* mmu.a20_mask that links between pages were made for */
    u64 mode_seen, base_seen;
    struct {
        u64 mode_key, base;
    } jc_modes[JC_MODES]; /* which mode each number in a jump table tag means */
    struct jc_memo {
        u64 mode_key, base;
        u32 n;
    } jc_memo[64]; /* the same by hash of both */
    u32 jc_nmodes, jc_gen[2];
    u32 jc_floor; /* the generation since which numbers of modes have meant what they mean */
    bool jc_wide; /* tags are made for EIPs of 48 bits (long mode is active) */
    u8 vec[(OP__COUNT + 7) / 8]; /* be_vector_ops */
    struct ir_block ir; /* scratch for translation */
    struct jit_stats stats;
};

/* Index for byte `off` of `page` in hot[] and kills[]. */
static inline u32 jit_place(u32 page, u32 off)
{
    return (page * 0x9e3779b1u ^ off * 0x85ebca6bu) >> (32 - HOT_BITS);
}

/* Is the place marked? */
static inline bool jit_marked(const u8 marks[HOT_SIZE / 8], u32 page, u32 off)
{
    u32 place = jit_place(page, off);
    return marks[place / 8] >> (place & 7) & 1;
}

/* Linear address of `rip` in the CPU's code segment, and that of the page behind `la`. */
static inline u64 jit_la(const struct cpu *cpu, u64 rip)
{
    return cpu_long(cpu) ? rip : (u32)(cpu->seg[SEG_CS].base + rip);
}
static inline u64 jit_la_next(const struct cpu *cpu, u64 la)
{
    u64 next = (la | PAGE_MASK) + 1;
    return cpu_long(cpu) ? next : (u32)next;
}

/* cache.c */
struct block *block_find(struct jit *jit, u32 page, u32 off, u64 rip, u64 mode_key);
void block_insert(struct jit *jit, struct block *b);
void block_free(struct block *b);
void block_kill(struct jit *jit, struct block *b);
void block_retire(struct jit *jit, struct block *b);
void block_link(struct jit *jit, struct block *b, struct link *from, struct block *to);
void jc_refresh(struct jit *jit);
void jc_wipe(struct cpu *cpu);
void jc_forget_modes(struct jit *jit);
void jc_put(struct jit *jit, struct block *b);
const void *jc_again(struct jit *jit);

/* jit.c: the instruction of x is done and its block is left: what was charged beyond it is given
 * back, and execution goes on elsewhere. */
NORETURN void jit_leave_behind(struct cpu *cpu, const struct be_exec *x);
/* rep.c: the helper behind IR_EXECR */
void jit_help_rep(struct cpu *cpu, const struct be_exec *x);

u64 jit_now(void); /* the host's time in ns */

/* log.c */
void jit_log_host(struct jit *jit, const struct block *b);

/* translate.c: the block at cpu->rip, whose code starts at byte `off` of `page`, host address
 * `code`. NULL: use exec. */
struct block *block_translate(struct jit *jit, u32 page, u32 off, const u8 *code, bool eval,
                              bool plain);

#endif
