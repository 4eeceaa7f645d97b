/* What a host back end gives: stubs once, code per block. It knows the IR, the layout of struct cpu
 * and nothing of guests' instructions. */
#ifndef CPU_JIT_BACKEND_H
#define CPU_JIT_BACKEND_H

#include "cpu/cpu.h"
#include "cpu/ir/ir.h"
#include "cpu/jit/codebuf.h"
#include "cpu/jit/frame.h"
#include "cpu/jit/technique.h"

/* A site names a guest instruction of a block in one number that code passes to helpers. */
#define SITE(block_id, at) ((u32)(block_id) << 6 | (u32)(at))
#define SITE_BLOCK(site)   ((site) >> 6)
#define SITE_AT(site)      ((site)&63)

/* String instructions with REP that have stubs for short strings. */
enum { BE_MOVS, BE_STOS, BE_SCAS_E, BE_SCAS_NE, BE_CMPS_E, BE_CMPS_NE, BE_REPS };

/* Entry points in code memory that blocks use (executable addresses). */
/* Stubs for x87 operations on 64 bits of precision (AArch64, x87_wide.h). */
enum be_x87_wide {
    WIDE_ADD, WIDE_SUB, WIDE_SUBR, WIDE_MUL, WIDE_DIV, WIDE_DIVR, WIDE_SQRT,
    WIDE_ORDER,
    WIDE_LOAD4, WIDE_LOAD8, WIDE_LOAD_INT,
    WIDE_STORE4, WIDE_STORE8, WIDE_STORE_INT, WIDE_STORE_TRUNC,
    BE_X87_WIDE
};

struct be_stubs {
    /* Call translated code at `host`; returns what the exit put in the result register: BE_LEAVE or
     * a link number. */
    u64 (*enter)(void *cpu, const void *host);
    /* From a helper of translated code: go on at `host` with the registers of struct cpu, as if
     * entered there. Does not return. */
    void (*resume)(void *cpu, const void *host);
    const u8 *leave;         /* rip is in state */
    const u8 *exit_link;     /* result = SITE(block, link index) | BE_LINK */
    const u8 *exit_entry;    /* result = SITE | BE_ENTRY: rip = that instruction's */
    /* [probe][write][log2 size, or 5 for ten bytes]: make plain or bail; probe: flat table of MMU_SUP,
     * of MMU_USER, 2: tagged table */
    const u8 *prepare[3][2][6];
    u8 loops, loop_insns;       /* what pays: struct tr_config */
    bool rorx;                  /* x86-64: the host has BMI2 */
    bool flagm;                 /* AArch64: the host has FlagM */
    bool guess_early;           /* x86-64: a guess is no more work than the probe, so that all loads make one */
    s64 flat;                   /* the flat tables' distance from struct cpu; 0: there are none */
    /* The check of a group that the fast one refused: gives the host address of its lowest byte, or 0. */
    const u8 *group;
    const u8 *guess; /* counts an access that found another addend than the last time, which is in SCR */
    const u8 *hot; /* the block that calls it has run often */
    const u8 *bail;          /* leave the instruction to exec */
    const u8 *vec_load[3], *vec_spill, *x87_load;
    const u8 *vec_slow; /* AArch64: a vector operation by exec in the middle of a block */
    const u8 *x87_wake, *x87_rounds, *x87_spill; /* ... jit_x87_... */
    bool x87_double; /* x87 operations: with precision control of 53 and 64 bits only, not in twins */
    const u8 *x87_wide[BE_X87_WIDE]; /* AArch64: operations on 64 bits of precision */
    bool flagm2, afp;   /* ... the host has FlagM2, FEAT_AFP */
    const u8 *seg, *exec, *execx, *rep, *quick, *quickx;
    const u8 *same[SEG__COUNT]; /* nothing to do when the selector in SCR is loaded already, else `quick` */
    const u8 *rep_short[BE_REPS][2][2][4]; /* [kind][user][64-bit code][log2 size] */
};
#define BE_LEAVE 0ull
#define BE_LINK  BIT64(40)
#define BE_ENTRY BIT64(41)

/* What a group of accesses asks for: how many bytes, writing any of them, and the access that comes
 * first: log2 of its size, writing, its place in the group. */
enum { BE_GROUP_SPAN = 0x3ff, BE_GROUP_WRITE = 1 << 10, BE_GROUP_LEAD_WRITE = 1 << 11 };
#define BE_GROUP_LEAD(size_log2, at) ((u32)(size_log2) << 12 | (u32)(at) << 16)

struct be_exec;

/* A vector operation for exec in the middle of a block: operation, registers from bit BE_VEC_D and
 * BE_VEC_S on, immediate, and how operands are. */
enum {
    BE_VEC_D = 11,
    BE_VEC_S = 15,
    BE_VEC_IMM = 19,
    BE_VEC_MEM = 1 << 27,  /* the source is in memory */
    BE_VEC_GPR = 1 << 28,  /* the result is a general register's */
    BE_VEC_WIDE = 1 << 29, /* ... of 64 bits */
};
_Static_assert(OP__COUNT <= 1 << BE_VEC_D, "an operation's number has its place");

/* Helpers that stubs call. */
struct be_helpers {
    u64 (*prepare)(struct cpu *cpu, u64 la, u32 size_write, u32 site); /* returns the addend */
    u64 (*group)(struct cpu *cpu, u64 la, u32 what, u32 site);
    u64 (*guess)(struct cpu *cpu, u64 addend, const void *from); /* many were wrong; returns the addend */
    void (*hot)(struct cpu *cpu, u64 unused, const void *from);
    void (*bail)(struct cpu *cpu, u32 site); /* does not return */
    void (*x87_load)(struct cpu *cpu);
    void (*seg)(struct cpu *cpu, u64 off, u32 what, u32 site);
    void (*exec)(struct cpu *cpu, const struct be_exec *x); /* does not return to leave */
    void (*rep)(struct cpu *cpu, const struct be_exec *x);  /* the same for IR_EXECR */
    /* What BE_VEC_* say, the registers being in struct cpu; gives the general register's value. */
    u64 (*vec)(struct cpu *cpu, const union xmm *mem, u64 unused, u32 what);
};

/* What code hands to helpers.exec: a guest instruction that exec runs, with all that its
 * surroundings know at translation time. The back end passes a pointer and looks at `quick` only. */
struct be_exec {
    struct insn insn;
    void (*fn)(struct cpu *cpu, const struct insn *insn);
    /* NULL, or a shorter way to have it run: gives NULL when the block goes on, else the host code that
     * comes next, with all of the state in struct cpu. */
    const void *(*quick)(struct cpu *cpu, const struct be_exec *x);
    u8 same; /* ... loads this segment register, from general register `from`; SEG_CS: it does not */
    u8 from;
    u64 rip, next;    /* of this instruction and of the one behind it */
    s32 ahead;        /* instructions charged and not executed when it starts */
    const bool *dead; /* the block's */
    u64 mode_key;
};

/* Where a block's direct exits were emitted. Flags are in memory at `rel`. `skip`, when not NULL,
 * may be pointed to blocks that set the flags anew before anybody looks: a rel32 that points to
 * `keep` else. */
struct be_exit {
    u64 rip;            /* where it goes */
    u8 *rel;            /* the rel32 in code memory (writable alias) */
    const u8 *unlinked; /* where the rel32 points while not linked (executable alias) */
    u8 *skip;
    const u8 *keep;
    const u8 *poll; /* NULL, or where `skip` may point instead: looks at exit_request, then jumps */
    u8 *poll_rel;   /* ... by this rel32 */
    /* It has looked at exit_request on the way to `rel`: to the inner entry of its own block. */
    bool looked;
    bool polled; /* never to a block's forward entry */
    bool twin; /* goes to a block without groups at `rip` */
};

/* What of a block's code depends on whose it is and on where code lies: fields of 32 bits (EXEC: an
 * address), each as its place from the beginning of the code and BE_FIX_* << BE_FIX_AT. */
enum be_fix {
    BE_FIX_OUT,  /* a jump or call to a stub */
    BE_FIX_SITE, /* has the block's id */
    BE_FIX_HEAT, /* the block's counter */
    BE_FIX_RAN,  /* the place of its mark that it ran */
    BE_FIX_EXEC, /* the address of one of in->execs */
    BE_FIX_EIP,  /* an EIP of the block's page or beyond; in 32-bit code only */
    BE_FIX_SALT, /* a place in the jump table's columns */
    BE_FIX_JUMP, /* ... that of an EIP; behind it comes how far that is from the block's */
};
enum { BE_FIX_AT = 24, BE_FIXES = 320 };

/* One block's code for another block, that is the same but for EIP and what the mode says of it. */
struct be_copy {
    const struct codebuf *buf;
    const u8 *from; /* both writable aliases; no exit is linked */
    u8 *to;
    u32 size;
    const u32 *fixes;
    u32 nfixes;
    u32 id, old_id;
    u64 rip, old_rip;
    u64 execs, old_execs; /* host addresses */
    u32 salt, old_salt;
    u32 ran, old_ran;
};

struct be_out {
    u8 *code, *end; /* in: room (writable alias) ; out: code .. end */
    const u8 *entry;
    const u8 *entry_forward; /* for jumps to higher addresses: without the poll when that comes first */
    /* For the block's own jumps behind a look at exit_request: what the entry sees to is so. */
    const u8 *entry_inner;
    const u8 *entry_checked; /* by the jump table, for in->two_pages; NULL else */
    bool flags_unwanted; /* `entry_forward` needs no flags: they are set anew before anybody looks */
    bool flags_dead;     /* nor does `entry` */
    bool full;
    struct be_exit exits[64]; /* SITE_AT has no more */
    u32 nexits;
    u32 nguesses;
    u32 fixes[BE_FIXES];
    u32 nfixes;
    bool fixed; /* is not to be copied */
    bool fixed_eip; /* ... for another EIP */
};

struct be_in {
    const struct ir_block *ir;
    u32 block_id;
    const struct insn *insns;    /* of the guest, by index: what vector operations are */
    const struct be_exec *execs; /* one per EXEC and EXECX, in order; they outlive the code */
    u32 off;        /* of the block in its page: exits to the same page may be linked */
    bool link_any;  /* paging is off: direct exits to other pages may be linked, too */
    u32 base;       /* of CS, for those */
    bool link_none; /* chaining is switched off */
    bool counted, user;
    bool tally;  /* keep cpu->tally */
    bool groups; /* accesses may share a probe */
    bool cut;    /* more effort makes it longer */
    u32 ran;     /* the byte of struct cpu that is cleared when the block runs; 0: none */
    bool heats;  /* count how often the block runs when more effort may be worth it */
    u8 raw;      /* 1 + the window (struct mmu_raw) that reads try first; 0: none */
    bool guess;  /* loads may guess the addend */
    u32 guess_first; /* number of the first guess, modulo CPU_GUESSES */
    bool loose;  /* accesses that are not aligned are common here */
    bool two_pages; /* the page behind may be mapped anew: links need entry_checked */
    u32 jc_salt;        /* of the block's mode */
    bool x87_rounds;    /* x87 operations may be the first to round: FP_PE may be clear */
    bool x87_wide;      /* precision control says 64 bits */
    u8 x87_top;         /* what TOP is likely to be at the entry */
    u32 off_techniques; /* JIT_OFF(...) */
};

/* exits.c: may a direct exit to `rip` be linked? */
bool be_linkable(const struct be_in *in, u64 rip);
/* string.c: the stub that may try what REP `insn` asks for in mode `mode_key`; NULL: none. */
const u8 *be_rep_stub(const struct be_stubs *stubs, const struct be_in *in, const struct insn *insn,
                      u64 mode_key);
/* copy.c: the field at `at` depends on whose the block is; what belongs to it. By how much field *n of a
 * copy grows; *n goes on over what belongs to it. */
void be_fix(struct be_out *out, enum be_fix kind, const u8 *at);
void be_fix_more(struct be_out *out, u32 word);
u64 be_fix_change(const struct be_copy *c, u32 *n);
/* One more exit, to `rip`; NULL: there is room for no more. */
struct be_exit *be_new_exit(struct be_out *out, u64 rip);

/* So many bytes of code memory can jump to each other; 0: there is no back end. */
size_t be_reach(void);
/* Does code that is written anew through the writable alias run as it was written? `buf` is empty. */
bool be_works(struct codebuf *buf);
/* Emit the stubs at *p (writable alias), advancing it. */
void be_emit_stubs(struct codebuf *buf, u8 **p, const struct be_helpers *helpers,
                   struct be_stubs *stubs);
/* Emit one block. out->full: nothing usable was written. */
void be_emit_block(struct codebuf *buf, const struct be_stubs *stubs, const struct be_in *in,
                   struct be_out *out);
/* Copy a block's code; bytes of code that hold the address of one of in->execs. */
void be_copy_block(const struct be_copy *c);
u32 be_record_field(void);
/* Bring the x87 state back from the host's unit into cpu->fpu when it is there, and note where the
 * last instruction was when that is open. */
void be_x87_spill(struct cpu *cpu);
void be_x87_load(struct cpu *cpu); /* cpu->fpu into the host's unit */
/* The vector operations that this host has as a mask of enum op: what IR_VEC and its kin may name. */
void be_vector_ops(u8 mask[(OP__COUNT + 7) / 8]);
/* The part of struct jit_frame that is the host's. */
void be_frame(struct jit_frame *frame);
/* Point the rel32 at `rel` (writable) to executable address `to`. */
void be_patch(struct codebuf *buf, u8 *rel, const u8 *to);

#endif
