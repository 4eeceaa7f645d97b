/* Functions of emit.c, and what they ask of a back end; each back end's em.h includes it. */
#ifndef CPU_JIT_SHARED_H
#define CPU_JIT_SHARED_H

#include "cpu/jit/backend.h"
#include "cpu/jit/plan.h"

struct em;

enum cold_kind {
    COLD_PREPARE,
    COLD_SEG,
    COLD_EXIT,
    COLD_ENTRY,
    COLD_BAIL,
    COLD_POLL,
    COLD_GROUP,
    COLD_HOT,
    COLD_INDIRECT,
    COLD_REP,
    COLD_CANON, /* x86-64 only, as AArch64 only: */
    COLD_VEC,
    COLD_VEC_OUT,   /* XMM registers out of the way of x87 operations */
    COLD_X87_WAKE,  /* the x87 unit is not as the block wants it */
    COLD_X87_ROUNDS, /* one rounded; FP_PE may be clear */
    COLD_X87_CHECK, /* an x87 operation's operand or result may be none for doubles */
};

/* ---- given by emit.c ---- */
/* A block's start, with nothing known; its end: what was put off, and what `out` says of it. */
void em_begin(struct em *e, struct codebuf *buf, const struct be_stubs *stubs,
              const struct be_in *in, struct be_out *out);
void em_finish(struct em *e);
/* A place for temporary v, unless it has one; taken back behind operation n, if that names it last. */
void em_temp_give(struct em *e, u8 v);
void em_temp_take_back(struct em *e, u8 v, u32 n);
void em_temps_take_back(struct em *e, const struct ir_ins *i, u32 n); /* all that i names */
/* The block's entry: charge all of it, or look for a request to leave, unless that is done later: returns
 * the operation in front of which em_poll() does, 0: none. */
u32 em_emit_entry(struct em *e);
void em_poll(struct em *e, unsigned at); /* leaves in front of guest instruction `at` */
/* Code put off to the end: reached from `from`, goes on at `back`, in front of operation i. */
void em_cold(struct em *e, enum cold_kind kind, const struct ir_ins *i, u8 *from, u8 *back, u64 arg);
/* Guest memory, segments, instructions that exec runs. */
void em_mem_op(struct em *e, const struct ir_ins *i);
/* Groups, which span up to `reach` bytes, and steps of the block; `give` finds host registers for the
 * groups when some have members. */
void em_plan(struct em *e, u32 reach, bool (*joins)(const struct insn *insn),
             void (*give)(struct em *e, struct plan *p));
/* A way out to `rip`; NULL: there is room for no more. What an unlinked one runs. */
struct be_exit *em_new_exit(struct em *e, u64 rip);
void em_unlinked(struct em *e, struct be_exit *x);
/* Leave behind `at` of the block's instructions: to a known place; to the same instruction in a block
 * without groups; to the EIP in register `to`. */
void em_direct_exit(struct em *e, u64 rip, unsigned at);
void em_twin_exit(struct em *e, unsigned at);
void em_indirect_exit(struct em *e, unsigned to, unsigned at);
/* An entry for links that goes to the block by the jump table: executable address. */
const u8 *em_checked_entry(struct em *e);
u64 em_return_eip(const struct em *e); /* behind the block, whose last instruction is a CALL */

/* ---- asked of the back end ---- */
struct cold;
/* What a way out of line must know of the emitter's state here. */
struct cold em_cold_state(struct em *e);
/* In front of what was put off: branches that lead here, up to a wrong guess; false: no room. State
 * as its stub or exit wants it. */
bool em_cold_here(struct em *e, const struct cold *c);
void em_cold_begin(struct em *e, const struct cold *c);
/* The address, site and argument that its stub takes. */
void em_cold_arguments(struct em *e, const struct cold *c);
/* On behind the operation, with what the stub gave. */
void em_cold_back(struct em *e, const struct cold *c);
/* A group's register with what its stub gave, and on, unless that is 0. */
void em_cold_group(struct em *e, const struct cold *c);
void em_cold_exit(struct em *e, const struct cold *c);  /* leave by a conditional exit */
void em_cold_bail(struct em *e);                        /* ... to exec */
void em_cold_other(struct em *e, const struct cold *c); /* kinds of one back end alone */
/* Accesses, checks of segments and addresses; the selector in v to where be_stubs.same want it. */
void em_load(struct em *e, const struct ir_ins *i);
void em_store(struct em *e, const struct ir_ins *i);
void em_load_for_write(struct em *e, const struct ir_ins *i);
void em_store_back(struct em *e, const struct ir_ins *i);
void em_segment(struct em *e, const struct ir_ins *i);
void em_canonical(struct em *e, const struct ir_ins *i);
void em_bail(struct em *e, const struct ir_ins *i);
void em_selector(struct em *e, u8 v);
u8 *em_charge_entry(struct em *e); /* charge the whole block: the branch taken when it is too long */
void em_ran(struct em *e);         /* clear the byte of in->ran; flags are kept */
u8 *em_request(struct em *e);      /* the branch taken when somebody asks for an exit */
u8 *em_refused(struct em *e);      /* ... behind a stub that says so when it did nothing */
void em_exec_record(struct em *e, u64 record); /* in the register that stubs take it in */
void em_call_stub(struct em *e, const u8 *stub);
void em_commit(struct em *e);        /* state as blocks hand it on */
void em_charge(struct em *e, s32 n); /* cpu->budget grows by n */
void em_tally(struct em *e, unsigned which, s32 n); /* a counter does, when that is asked for */
u8 *em_jump_next(struct em *e);      /* a jump to what is emitted next, to be linked */
void em_jmp_stub(struct em *e, const u8 *stub);
void em_site(struct em *e, u32 at);               /* SITE in the register that stubs take it in */
void em_eip(struct em *e, unsigned r, u64 rip); /* an EIP in a register */
unsigned em_eip_register(void);                 /* where probes want it */
/* Go on at the EIP in register `to`, which may be known, by the jump table; a miss goes to the run loop
 * with rip stored. `call`: it is a CALL, which is paired where that is possible. */
void em_probe_table(struct em *e, unsigned to, bool constant, u64 rip, bool call);

#endif
