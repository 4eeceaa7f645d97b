/* A translated block and the tables around it; private to cpu/jit. */
#ifndef CPU_JIT_BLOCK_H
#define CPU_JIT_BLOCK_H

#include "cpu/exec/step.h"
#include "cpu/jit/arena.h"
#include "cpu/jit/backend.h"
#include "cpu/jit/cold.h"
#include "cpu/jit/jit.h"

struct block;

/* One direct exit: the patched jump, and its place in the target's list of incoming ones. A fifth
 * of what blocks take in memory, so struct be_exit is kept as places in the code of its block,
 * counted from 1; 0: NULL. */
struct link {
    u64 rip;
    u64 rel : 20, unlinked : 20, skip : 20, looked : 1, polled : 1, twin : 1;
    u64 keep : 20, poll : 20, poll_rel : 20;
    u32 from;                   /* number of the block that it leaves */
    u32 target;                 /* 1 + number of the block that it is linked to; 0: none */
    struct link *next, **pprev; /* incoming list of target */
};
_Static_assert(BLOCK_MOST < 1 << 20, "a place in a block's code");

/* In a block's mode key: it has no groups of accesses, because one did not fit a page. */
#define MK_PLAIN BIT64(63)

struct block {
    /* key, and what else a search looks at */
    u32 page0, page1; /* page1: RAM_NO_PAGE unless the last instruction crosses */
    u64 rip, mode_key;
    struct block *hash_next;
    const void *host; /* entry */
    u16 off;          /* in page0 */
    u16 nbytes;       /* of all its parts */
    struct part {
        u16 lo, hi; /* bytes of page0, hi also beyond its end */
    } parts[TR_PARTS];
    u32 id;
    struct part *holes; /* [nholes] bytes of page0 that the code reads when it runs */
    u8 *bytes; /* of the parts, as they were translated; NULL: not kept */
    u64 made;  /* when it was translated or came back last, in ns; 0: not noted */
    u8 nparts, nholes;
    bool dead;
    u8 unlisted; /* bit k: taken out of the list of page k already, by blocks_unlist */
    bool leaving; /* blocks_unlist is about to do that */
    bool retired; /* is to be made anew when it is looked for next; its bytes are still watched */
    u8 nguest, nlinks, nexecs;
    bool flags_unwanted, flags_dead;
    bool eip_open;  /* it may be copied for another EIP */
    u8 effort;      /* the marks of its place that it was made with */
    u16 nfixes;
    u32 forward, inner, checked; /* more entries, as places in the code like those of links */
    u64 mode_open;  /* bits of the mode key that it does not depend on */
    u32 *fixes;     /* [nfixes] for copies of its code; NULL: there may be none */
    u32 guess_first;
    u32 host_size;
    const u8 *code;             /* the beginning of its host code (executable alias) */
    struct block *page_next[2]; /* lists of the blocks that touch a page */
    struct link *incoming;
    struct link *links;    /* [nlinks] */
    struct be_exec *execs; /* [nexecs]: the instructions that call exec */
    s16 *insn_off;         /* [nguest + 1] offsets from rip */
    struct ir_block *ir;   /* kept for the eval engine only, with every instruction decoded */
    struct insn *ir_insns;
};

/* A part of code memory and what was made in it: blocks in the order of their host code. */
enum { REGIONS = 8, REGION_ID_BITS = 22 };
struct code_region {
    u8 *start, *end; /* writable alias */
    struct arena arena; /* blocks and what they point to, but for the evaluator's */
    struct block **blocks;
    u32 nblocks, cap;
};
_Static_assert((u64)REGIONS << REGION_ID_BITS <= BIT(26), "SITE() has room for the number");

enum { HASH_BITS = 19, HASH_SIZE = 1 << HASH_BITS };
/* Instructions of a page whose immediates were patched once, and of those that are read at run
 * time. */
enum { SOFT_BITS = 5, SOFT_PAGES = 1 << SOFT_BITS };
struct soft_page {
    u32 page;
    bool any; /* marks */
    u64 once[PAGE_SIZE / 64], marks[PAGE_SIZE / 64];
};
enum { GRAVE_BITS = 12, GRAVE_SIZE = 1 << GRAVE_BITS };
enum { JC_MODES = 64, JC_MODES_WIDE = 16 };
enum { HOT_BITS = 16, HOT_SIZE = 1 << HOT_BITS };
/* A place is translated when it was entered so often; each time that its code was overwritten
 * doubles that, up to a number of times. */
#ifdef CONFIG_TORTURE
enum { HOT_AFTER = 0, KILLS_MOST = 4 };
#else
enum { HOT_AFTER = 6, KILLS_MOST = 4 };
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
    size_t stubs_size; /* of code memory, at its start */
    u8 *code_p;       /* next free byte (writable alias), in ... */
    struct code_region regions[REGIONS], *region;
    u32 nregions;
    u64 drops; /* how often blocks were freed: pointers to them are void then */
    struct cold_cache *cold; /* NULL: cold code is exec's */
    u8 hot[HOT_SIZE]; /* how often a place was entered before it is translated, without `cold` */
    u8 kills[HOT_SIZE]; /* how often a block there was dropped of late because it was written to */
    u8 busy[HOT_SIZE / 8];  /* where blocks run so often that more effort is made */
    u8 loose[HOT_SIZE / 8]; /* where blocks have accesses that are not aligned, by place */
    u8 rounds[HOT_SIZE / 8]; /* where x87 operations may be the first to round, by place */
    u8 tops[HOT_SIZE / 8]; /* where TOP was once another than expected */
    s32 precisions_left; /* so many blocks for another precision of the x87 unit until one is looked at */
    u8 unsteady[HOT_SIZE / 8]; /* where guesses are often wrong, by place of the block */
    struct donor {
        u64 key;
        struct block *block;
    } donors[HOT_SIZE]; /* by place: the last block made there that may be copied */
    struct soft_page soft[SOFT_PAGES]; /* by page */
    u64 stop_map[PAGE_SIZE / 64]; /* jit_stop_map */
    u32 nguesses;   /* made so far by all blocks */
    u64 guess_seen; /* when one in many that were wrong was looked at last, in ns */
    u32 nkills;         /* since kills[] was cleared */
    u32 remakes_left;   /* of places that are overwritten again and again, ... */
    u64 remakes_since;  /* ... from this time on, in ns */
    struct be_stubs stubs;
    struct block *hash[HASH_SIZE];
    struct block *graves[GRAVE_SIZE]; /* revive.c, by the same key */
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

/* The block's mark in cpu->idle. Each region has a stretch of its own; the blocks of one that has
 * more share marks with the next one's. */
static inline u32 jit_idle_at(u32 id)
{
    enum { EACH = CPU_IDLES / REGIONS };
    return (id + (id >> REGION_ID_BITS) * EACH) & (CPU_IDLES - 1);
}

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

static inline struct block *jit_block(const struct jit *jit, u32 id)
{
    return jit->regions[id >> REGION_ID_BITS].blocks[id & (BIT(REGION_ID_BITS) - 1)];
}

/* A place in b's code, executable alias, as links and entries have it, and back; NULL: 0. */
static inline const u8 *block_code(const struct block *b, u32 place)
{
    return place ? b->code + (place - 1) : NULL;
}
static inline u32 block_place(const struct block *b, const void *host)
{
    return host ? (u32)((const u8 *)host - b->code) + 1 : 0;
}

/* region.c: divide the code memory from code_p on; free the lists; drop all blocks, which no table
 * has any more; go on in the next region, whose blocks are taken out of all tables and freed: with
 * nothing running */
void regions_init(struct jit *jit);
void regions_free(struct jit *jit);
void regions_drop(struct jit *jit);
void region_next(struct jit *jit);
/* Give b its number; it counts once region->nblocks is raised. False: no memory. */
bool region_add(struct jit *jit, struct block *b);
/* The block that has the code at `host` (executable alias); NULL: its region has none. */
struct block *region_block_at(struct jit *jit, const void *host);

/* soft.c: immediates that are patched often are read from the guest's memory */
void soft_init(struct jit *jit);
const u64 *soft_marks(struct jit *jit, u32 page); /* of the instructions of a page; NULL: none */
/* [off, off+len) of `page`, part of block b, is written: an immediate for the second time? Then it
 * is marked, and true. */
bool soft_note(struct jit *jit, const struct block *b, u32 page, u32 off, u32 len);
/* Are [first, end) of `page`, bytes of b, all read at run time? Is [off, off+len) within one such
 * stretch: which? */
bool soft_only(const struct block *b, u32 page, u32 first, u32 end);
const struct part *soft_hole(const struct block *b, u32 page, u32 off, u32 len);

/* revive.c: blocks whose bytes were overwritten, kept for when the same bytes come back */
void grave_add(struct jit *jit, struct block *b);
/* The block at cpu->rip, whose code starts at byte `off` of `page`, host address `code`, when its
 * bytes are again what they were; it is as one just made then. Else NULL. */
struct block *grave_revive(struct jit *jit, u32 page, u32 off, const u8 *code, u64 mode_key);
void grave_forget(struct jit *jit); /* all of them: their memory goes */
void grave_drop(struct jit *jit, u32 region); /* those of a region */
/* Keep the bytes of a new block. */
void grave_keep(struct jit *jit, struct block *b, const u8 *code, const u8 *more);

/* rewrite.c: is the place overwritten so often, and all such places, that it is left to exec
 * now? */
bool rewrite_too_often(struct jit *jit, u32 page, u32 off);

/* clone.c: the block at cpu->rip as a copy of another one, NULL when there is none; what copies of
 * b need; b may be copied from now on */
struct block *clone_make(struct jit *jit, u32 page, u32 off, bool plain);
void clone_keep(struct jit *jit, struct block *b, const struct be_out *out);
void clone_offer(struct jit *jit, struct block *b);
void clone_drop(struct jit *jit, u32 region); /* its memory goes */
/* A copy and its code, and what translation gave in its place, which must be the same. */
void clone_check(struct jit *jit, const struct block *copy, const u8 *code, const struct block *b);

/* cache.c; unpatch: point an exit of b where it points when it is not linked */
void block_unpatch(struct jit *jit, const struct block *b, const struct link *l);
/* Does b have bytes in [off, off+len) of page that it was made from? The next block on the page. */
bool block_overlaps(const struct block *b, u32 page, u32 off, u32 len);
struct block **block_page_next(struct block *b, u32 page);
u32 block_hash(u32 page, u32 off, u64 rip, u64 mode_key);
struct block *block_find(struct jit *jit, u32 page, u32 off, u64 rip, u64 mode_key);
void block_insert(struct jit *jit, struct block *b);
void block_free(struct block *b);
void block_kill(struct jit *jit, struct block *b);
/* Take many blocks out of their pages' lists before each is killed: one walk over each page's list,
 * where killing walks it for every block. A page of a library that many programs have at addresses
 * of their own is in thousands of blocks. */
void blocks_unlist(struct jit *jit, struct block **blocks, u32 n);
void block_retire(struct jit *jit, struct block *b);
void block_link(struct jit *jit, struct block *b, struct link *from, struct block *to);
void jc_refresh(struct jit *jit);
void jc_wipe(struct cpu *cpu);
void jc_forget_modes(struct jit *jit);
void jc_put(struct jit *jit, struct block *b);
const void *jc_again(struct jit *jit);
/* Host code for cpu->rip by the jump table alone. */
static inline const void *jc_probe(struct jit *jit)
{
    const struct cpu *cpu = jit->cpu;
    u32 at = jc_index(cpu->rip, cpu->mode_key);
    return cpu->jc[at].tag == (cpu->jc_tag ^ cpu->rip) ? cpu->jc[at].host : jc_again(jit);
}

/* jit.c: the instruction of x is done and its block is left: what was charged beyond it is given
 * back, and execution goes on elsewhere. */
NORETURN void jit_leave_behind(struct cpu *cpu, const struct be_exec *x);
/* May the block go on behind an instruction that exec ran? */
static inline bool jit_goes_on(const struct cpu *cpu)
{
    return LIKELY(!(__atomic_load_n(&cpu->exit_request, __ATOMIC_RELAXED) | cpu_waits(cpu) |
                    cpu->db_pending)) ||
           (!cpu->db_pending && !cpu->shadow && !cpu_attention(cpu));
}
/* What the x87 unit says of its last instruction, from the site that translated code left. */
void jit_x87_place(struct cpu *cpu);
/* quick.c: the shorter way of an instruction that exec runs; NULL: it has none. */
const void *(*jit_quick(const struct insn *insn))(struct cpu *cpu, const struct be_exec *x);
/* ... and which data segment register it loads from a general one; SEG_CS: none. */
u8 jit_quick_same(const struct jit *jit, const struct insn *insn);
/* ran.c: the blocks of a region are about to go: those that ran are put into cpu->ran. */
void jit_region_ran(struct jit *jit, const struct code_region *r);
/* rep.c: the helper behind IR_EXECR */
void jit_help_rep(struct cpu *cpu, const struct be_exec *x);
/* vec_exec.c: the helper of back ends for vector operations */
u64 jit_help_vec(struct cpu *cpu, const union xmm *mem, u64 unused, u32 what);

/* Does EIP say which linear address a block of this mode runs at? Only when CS has no base:
 * otherwise blocks for several may be one. */
static inline bool jit_exact(u64 mode_key)
{
    return mode_key & (MK_CODE64 | MK_FLAT_CS);
}
/* stops.c: does an instruction at `la` have a stop point (or may it)? Those of a page, a bit for
 * each byte; valid until the next call. */
bool jit_stop_at(const struct cpu *cpu, u64 la);
const u64 *jit_stop_map(struct jit *jit, u64 la);

u64 jit_now(void); /* the host's time in ns */

/* log.c */
/* The block enters the tables: tell the probe. */
void block_show_made(struct jit *jit, const struct block *b);
void jit_log_host(struct jit *jit, const struct block *b);

/* translate.c: an empty block, of no table, with the number of the next one */
struct block *block_new(struct jit *jit, u32 page, u32 off, bool plain, u64 made);
/* The bytes of the page behind that of cpu->rip, byte `off` of its own, for a last
 * instruction that crosses: its id in *page1. NULL: none. */
const u8 *block_following_page(struct jit *jit, u32 off, u32 *page1);
/* The block at cpu->rip, whose code starts at byte `off` of `page`, host address
 * `code`. NULL: use exec. */
struct block *block_translate(struct jit *jit, u32 page, u32 off, const u8 *code, bool eval,
                              bool plain);

#endif
