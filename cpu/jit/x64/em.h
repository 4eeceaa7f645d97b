/* The state of emitting one block: where values live, where the guest's flags are, and the code put
 * off to the end. */
#ifndef CPU_JIT_X64_EM_H
#define CPU_JIT_X64_EM_H

#include "cpu/jit/backend.h"
#include "cpu/jit/guess.h"
#include "cpu/jit/shared.h"
#include "cpu/jit/plan.h"
#include "cpu/jit/x64/asm.h"

/* Fixed registers. The state pointer is biased so that the hot members have 8-bit displacements, and
 * so that it serves as a count: its lowest six bits say 12, which makes page numbers of addresses by
 * one SHRX (mem.c). */
enum {
    STATE = RBP,
    STATE_BIAS = 128 + PAGE_BITS,
    SCR = RAX, /* scratch of every template; flags are saved through it */
    SCR2 = R8, /* second scratch; site numbers for helpers */
    ADDR = R9, /* linear address of a memory template */
};
#define ST_OFF(member) ((s32)offsetof(struct cpu, member) - STATE_BIAS)
#define ST(member)     MEM(STATE, ST_OFF(member))
#define ST_AT(off)     MEM(STATE, (s32)(off)-STATE_BIAS)

/* Host register of guest register 0..7; 8..15 are at home in memory. */
extern const u8 em_pin[8];

/* Where a value is: a host register, or memory at [STATE + disp]. */
struct loc {
    bool reg;
    u8 r;
    s32 disp;
};

/* Where the guest's arithmetic flags are: in memory (struct aflags), in the host's flags, both
 * alike, or nowhere but to be had again by a recipe. */
enum flag_place { FLAGS_MEM = 1, FLAGS_HOST = 2, FLAGS_BOTH = 3, FLAGS_RECIPE = 4 };
/* What makes of host flags the guest's where the manuals leave some open and processors differ
 * (cpu/ir/README.md). */
enum flag_mend {
    MEND_NONE,
    MEND_SHIFT, /* AF is to be set */
    MEND_MUL,   /* SF, ZF, AF and PF are to be cleared; CF = OF */
    MEND_INC    /* CF is in memory, the others are the host's */
};

/* How to have the flags of an operation again once the host's are lost: its operands, or its result
 * and one of them, are unchanged up to operation `until`, which sets all flags anew (recipe.c). */
struct recipe {
    bool possible; /* as long as nothing it reads has changed */
    u8 mend;
    struct ir_ins ins;
    u32 at, until; /* the operation's index; that of the one that sets all flags anew, 0: unknown */
    u8 temp[3]; /* where dst, a and b are when they are temporaries */
};

/* Which host register has each of R8 to R15 (0: none), masks of those that have one and of those
 * that are not in memory, too, and the next operation that uses it (upper.c). */
struct uppers {
    u8 reg[8], mapped, dirty;
    u16 next[8];
};

struct cold {
    u8 kind, at, write, size, probe;
    u8 reg; /* the host register that holds the address or offset */
    u8 flags, mend;                /* where the flags are on the way here */
    u8 *from, *from2, *back; /* the jumps that lead here; where it goes on */
    u64 arg;
    u16 guess;      /* COLD_PREPARE, COLD_GROUP: 1 + the number of the guess, which was wrong */
    bool raw;       /* ... not in the raw window */
    s32 table;      /* ... where its table is */
    u8 *guess_back; /* where it goes on with the addend in SCR2 */
    struct recipe recipe;
    struct uppers upper;
    s32 disp;   /* to be added to the address in `reg` */
    bool again; /* COLD_EXIT: the recipe gives the flags that are the host's */
};


struct em {
    struct as a;
    struct codebuf *buf;
    const struct be_stubs *stubs;
    const struct be_in *in;
    struct be_out *out;
    enum flag_place flags;
    enum flag_mend mend;    /* with FLAGS_HOST: what saving must put right */
    struct recipe recipe;   /* of the operation that gave the host's flags last */
    u32 now;                /* index of the operation under way */
    struct {
        u8 v;
        u16 until;
    } kept[12]; /* temporaries that recipes keep alive */
    u32 nkept;
    u32 ncopies; /* values that recipes keep in slots, numbered behind the temporaries */
    struct ir_ins copied; /* the operation under way with a copy of an operand; IR_MOV: none */
    u32 copied_until;
    u8 live_in;    /* flags wanted at the block's entry */
    u32 free_regs; /* mask */
    u16 group_regs; /* those that groups have at times */
    u32 ngroups;
    u32 free_slots;
    u32 nexecs;
    bool fused;             /* the operation under way has an operand in memory (fuse.c) */
    u16 guess;              /* 1 + the number of the guess that the access under way makes; 0: none */
    struct uppers upper;
    bool uppers;            /* R8 to R15 may have host registers */
    bool drop;              /* sums may be left out that only such accesses ask for */
    bool avx;               /* some vector operation has a VEX prefix */
    u32 last_vec, last_x87; /* index behind the last vector and x87 operation */
    u32 ncold;
    /* What follows is set as far as the block uses it, not cleared. */
    u8 temp[IR_MAX_VALUE];  /* host register or 0x80 | slot of each temporary */
    u16 last[IR_MAX_VALUE]; /* index of the last operation that names it */
    u8 live[IR_MAX_INS];    /* flags wanted behind each operation */
    u8 group[IR_MAX_INS];   /* 1 + index of the group that each operation belongs to */
    bool follows[IR_MAX_INS]; /* an access whose check the group's first one has made */
    u8 guesses[IR_MAX_INS]; /* GUESS_* of each access (cpu/jit/guess.h) */
    s32 offset[IR_MAX_INS];
    struct group groups[PLAN_GROUPS];
    bool skip[IR_MAX_INS]; /* steps of registers that a later one makes, too */
    s32 extra[IR_MAX_INS];
    u16 next_use[IR_MAX_INS][3]; /* of the registers R8 to R15 that are dst, a and b */
    struct cold cold[IR_MAX_INS];
};

/* copy.c: the field that ends `back` bytes before here depends on whose the block is (enum be_fix);
 * calls of stubs and jumps there; records of execs in SCR2; EIPs in a register */
void em_fix(struct em *e, enum be_fix kind, u32 back);
struct loc em_loc(const struct em *e, u8 v);
/* Make the host's flags hold the guest's / make memory hold them; spoil: the host's flags are about
 * to be lost. */
void em_flags_load(struct em *e);
void em_flags_save(struct em *e);
void em_flags_spoil(struct em *e, bool wanted);
void em_flags_want(struct em *e, u8 reads); /* ... those of the mask, mended */
void em_flags_before(struct em *e, const struct ir_ins *i, u8 live);
void em_flags_behind(struct em *e, const struct ir_ins *i, u8 live);
void em_flags_commit(struct em *e); /* saved, and the host's are about to be lost */
/* recipe.c: look for a recipe for the flags that operation i, just emitted, gave; emit one, which
 * spoils SCR and SCR2 */
void em_recipe_note(struct em *e, const struct ir_ins *i);
void em_recipe_emit(struct em *e);
/* In front of operation i: keep what it is about to overwrite, when its flags will be spoiled but may be
 * wanted by a fault only. */
void em_recipe_before(struct em *e, const struct ir_ins *i);
bool em_recipe_useful(struct em *e, const struct ir_ins *i); /* would i, operation e->now, have one? */
bool em_recipe_holds(struct em *e); /* is e->recipe still good at operation e->now? */
void em_recipe_recall(struct em *e, const struct cold *c); /* flags as they were at c */
/* upper.c: R8 to R15 in host registers: find the uses of a block; bring in what operation e->now is
 * better off with, and note what it wrote; store what memory does not have; the same and forget
 * all; make room for a temporary; does any have a register? */
void em_upper_plan(struct em *e);
void em_upper_before(struct em *e, const struct ir_ins *i);
void em_upper_behind(struct em *e, const struct ir_ins *i);
void em_upper_flush(struct em *e);
void em_upper_leave(struct em *e);
void em_upper_give_way(struct em *e);
void em_upper_again(struct em *e, unsigned r); /* load what host register r had */
u32 em_upper_uses(const struct em *e, u32 first, u32 last); /* in these operations */
bool em_upper_any(const struct em *e);
/* The pieces of ops.c that recipes are made of: copy a value to a host register; opc reg, b|imm of
 * group operation n; the flags of a comparison. */
void em_load_to(struct em *e, unsigned r, u8 v, unsigned size);
void em_alu_to(struct em *e, const struct ir_ins *i, unsigned n, unsigned r);
void em_compare(struct em *e, const struct ir_ins *i);
/* scan.c: e->live, e->live_in, e->last, e->last_vec, e->last_x87, e->avx; e->skip of sums */
void em_scan_uses(struct em *e);
/* The host register that holds v, loaded into `scratch` when it lives in memory. */
unsigned em_use(struct em *e, u8 v, unsigned size, unsigned scratch);

/* guess.c: the jump taken where the entry [SCR] of the table
 * is none (a wrong one: with e->guess); what a wrong one runs */
/* Count how often the block runs: when that is often it is made anew, with more effort. */
void em_count_runs(struct em *e);
u8 *em_entry(struct em *e, s32 table);
void em_guess_wrong(struct em *e, const struct cold *c);
/* The guess that is never noted: what leads to the raw window. */
enum { GUESS_RAW = CPU_GUESSES + 1 };
/* fuse.c: emit operation n with those behind it as one instruction; how many, 0: not possible */
u32 em_fuse(struct em *e, u32 n);
/* The TLB probe for i's access: leaves the addend in SCR, gives the register with the linear address.
 * `access`: IR_ACCESS_*; what is not aligned as it should goes to exec. */
unsigned em_probe(struct em *e, const struct ir_ins *i, s32 imm, bool write, unsigned access);
/* wide.c: in long mode, tables by the lower half of the address: are they there? the probe for the
 * bytes from `la` on: leaves the addend in SCR, spoils SCR2, gives the jump taken on a miss; the
 * operand of access i as em_access gives it */
bool em_wide(const struct em *e);
/* May it be added in the probe and the access, with room for the size? */
bool em_wide_disp(s32 imm);
u8 *em_probe_wide(struct em *e, struct mem la, unsigned size, bool write);
struct mem em_wide_access(struct em *e, const struct ir_ins *i, bool write);
/* An address in register r that is no multiple of `size` goes to exec. */
void em_bail_unless_aligned(struct em *e, const struct ir_ins *i, unsigned r, unsigned size);
/* The register with the linear address a + imm: a's own, or ADDR. */
unsigned em_address(struct em *e, const struct ir_ins *i, s32 imm);
/* vec.c: vector operations; the stubs that bring registers in and out. mmx.c: the rows of operations
 * with an MMX register, and em_mmx_ops adds them to the mask of operations */
struct vec_row {
    u32 load, store; /* prefix << 16 | map << 8 | opcode */
    u8 feature;
};
enum { HOST_SSE2, HOST_SSE3, HOST_SSSE3, HOST_SSE41, HOST_SSE42, HOST_AES, HOST_PCLMUL };
bool em_host_has(unsigned feature);
/* Add those of the n operations whose row `of` the host can run to the mask. */
void em_list_ops(u8 *mask, const u16 *ops, unsigned n, const struct vec_row *of);
const struct vec_row *em_mmx_row(unsigned op);
void em_mmx_ops(u8 *mask);
void em_vector_op(struct em *e, const struct ir_ins *i, u8 live);
void em_vector_enter(struct em *e);
/* avx.c: the same with VEX prefixes */
bool em_host_avx(void);
void em_avx_ops(u8 mask[(OP__COUNT + 7) / 8]);
void em_avx_op(struct em *e, const struct ir_ins *i, u8 live);
void em_avx_enter(struct em *e);
void em_avx_load(struct as *a); /* upper halves from struct cpu and back */
void em_avx_spill(struct as *a);
void em_x87_op(struct em *e, const struct ir_ins *i, u8 live);
void em_x87_enter(struct em *e);
bool em_x87_control(unsigned op);
void em_vector_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs);
/* muldiv.c: multiplication and division with AX and DX */
void em_muldiv_op(struct em *e, const struct ir_ins *i);
/* bits.c: SHLD and SHRD (true: the flags are placed, too), scans and counts */
bool em_double_shift(struct em *e, const struct ir_ins *i, u8 live);
void em_scan_op(struct em *e, const struct ir_ins *i, u8 live);
void em_set_szapc(struct em *e, const struct ir_ins *i, u8 live); /* SETF without O */
/* string.c: string instructions with REP */
void em_string_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs);
/* beside.c: the first part of a stub for stores of `size` bytes at ADDR that missed: returns with
 * the addend in SCR when no code is known to be on these bytes, else goes on with all registers but
 * SCR as they were; the same for a group, whose host address it gives; for `count` elements (a
 * register) at la: the addend in `to`, and the jumps taken otherwise */
void em_store_beside(struct as *a, unsigned size, unsigned probe);
void em_group_beside(struct as *a);
/* group.c: the same for a group across two pages, when they are neighbours in the host's memory, too. */
void em_group_across(struct as *a, s64 flat);
void em_string_beside(struct as *a, unsigned la, unsigned count, unsigned shift, bool user,
                      unsigned to, u8 *slow[3]);
/* A load of segment register s with the selector in SCR: returns when nothing is to be done, else goes
 * to `otherwise`. */
void em_segment_stub(struct as *a, unsigned s, const u8 *otherwise);
/* exit.c: ways out; em_tally spoils the host's flags */
void em_exit_op(struct em *e, const struct ir_ins *i);
void em_side_exit(struct em *e, u8 *jcc, u64 rip, unsigned at, bool again);
/* stack.c: guest calls and returns by the host's call stack. begin: in the entry stub, behind the
 * saved registers; `last`: where a return to what lies below all pairs goes, which last() begins */
void em_stack_begin(struct as *a, const u8 *last);
void em_stack_last(struct as *a);
void em_stack_again(struct as *a); /* no pairs, as at the entry */
bool em_stack_call(struct em *e, u8 **rel); /* the jump to the callee; false: not paired */
/* For the check of a return's EIP: the jump taken unless it is on top, which is canonical; false: not
 * a return. */
bool em_stack_top(struct em *e, const struct ir_ins *i, u8 **other);
u8 *em_stack_return(struct em *e, unsigned to); /* the jump taken where it does not match */

#endif
