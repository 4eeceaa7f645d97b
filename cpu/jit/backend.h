/* What a host back end gives: stubs once, code per block. It knows the IR, the layout of struct cpu
 * and nothing of guests' instructions. */
#ifndef CPU_JIT_BACKEND_H
#define CPU_JIT_BACKEND_H

#include "cpu/cpu.h"
#include "cpu/ir/ir.h"
#include "cpu/jit/codebuf.h"

/* A site names a guest instruction of a block in one number that code passes to helpers. */
#define SITE(block_id, at) ((u32)(block_id) << 6 | (u32)(at))
#define SITE_BLOCK(site)   ((site) >> 6)
#define SITE_AT(site)      ((site)&63)

/* Entry points in code memory that blocks use (executable addresses). */
struct be_stubs {
    /* Call translated code at `host`; returns what the exit put in the result register: BE_LEAVE or
     * a link number. */
    u64 (*enter)(void *cpu, const void *host);
    /* From a helper of translated code: go on at `host` with the registers of struct cpu, as if
     * entered there. Does not return. */
    void (*resume)(void *cpu, const void *host);
    const u8 *leave;         /* rip is in state */
    const u8 *exit_link;     /* result = SITE(block, link index) | BE_LINK */
    const u8 *exit_entry;    /* result = SITE | BE_ENTRY: rip = the block's */
    const u8 *prepare[2][6]; /* [write][log2 size, or 5 for ten bytes]: make plain or bail */
    const u8 *bail;          /* leave the instruction to exec */
    const u8 *vec_load[2], *vec_spill, *x87_load;
    const u8 *seg, *exec, *execx;
};
#define BE_LEAVE 0ull
#define BE_LINK  BIT64(40)
#define BE_ENTRY BIT64(41)

struct be_exec;

/* Helpers that stubs call. */
struct be_helpers {
    u64 (*prepare)(struct cpu *cpu, u64 la, u32 size_write, u32 site); /* returns the addend */
    void (*bail)(struct cpu *cpu, u32 site); /* does not return */
    void (*x87_load)(struct cpu *cpu);
    void (*seg)(struct cpu *cpu, u64 off, u32 what, u32 site);
    u64 (*exec)(struct cpu *cpu, const struct be_exec *x); /* nonzero: leave */
};

/* What code hands to helpers.exec: a guest instruction that exec runs, with all that its
 * surroundings know at translation time. The back end passes a pointer and looks at nothing. */
struct be_exec {
    struct insn insn;
    void (*fn)(struct cpu *cpu, const struct insn *insn);
    u64 rip, next;    /* of this instruction and of the one behind it */
    s32 ahead;        /* instructions charged and not executed when it starts */
    const bool *dead; /* the block's */
    u64 mode_key;
};

/* Where a block's direct exits were emitted. */
struct be_exit {
    u64 rip;
    u8 *rel;
    const u8 *unlinked;
};

struct be_out {
    u8 *code, *end; /* in: room (writable alias) ; out: code .. end */
    const u8 *entry;
    bool full;
    struct be_exit exits[IR_MAX_GUEST + 2];
    u32 nexits;
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
};

/* Emit the stubs at *p (writable alias), advancing it. */
void be_emit_stubs(struct codebuf *buf, u8 **p, const struct be_helpers *helpers,
                   struct be_stubs *stubs);
/* Emit one block. out->full: nothing usable was written. */
void be_emit_block(struct codebuf *buf, const struct be_stubs *stubs, const struct be_in *in,
                   struct be_out *out);
/* Bring the x87 state back from the host's unit into cpu->fpu when it is there, and note where the
 * last instruction was when that is open. */
void be_x87_spill(struct cpu *cpu);
void be_x87_load(struct cpu *cpu); /* cpu->fpu into the host's unit */
/* The vector operations that this host has as a mask of enum op: what IR_VEC and its kin may name. */
void be_vector_ops(u8 mask[(OP__COUNT + 7) / 8]);
/* Point the rel32 at `rel` (writable) to executable address `to`. */
void be_patch(struct codebuf *buf, u8 *rel, const u8 *to);

#endif
