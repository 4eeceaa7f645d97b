/* The state of emitting one block for AArch64: where values live, what is known of the guest's flags,
 * and the code put off to the end. */
#ifndef CPU_JIT_A64_EM_H
#define CPU_JIT_A64_EM_H

#include "cpu/ir/shape.h"
#include "cpu/jit/a64/asm.h"
#include "cpu/jit/backend.h"
#include "cpu/jit/guess.h"
#include "cpu/jit/shared.h"
#include "cpu/jit/plan.h"
#include "cpu/jit/x87.h"

/* Fixed registers. NZCV holds the guest's S, Z, C and O. C is ARM's, which is inverted behind a
 * subtraction: at every boundary of blocks it is inverted, in between em.carry says what it is. */
enum {
    SCR = X0,   /* scratch of every template, addends of probes, results of stubs */
    ADDR = X1,  /* linear address of a memory template */
    SCR2 = X2,  /* second scratch; site numbers for stubs */
    SCR3 = X16, /* third scratch */
    PARITY = X6, /* PF is the parity of its low byte */
    ADJUST = X7, /* bit 4 of this and PARITY differ: AF is set */
    KEPT = X17, /* 32-bit code: what a shift or product was made of; 64-bit code: WIDE */
    WIDE = X17,
    RD_TABLE = X27, /* the flat table for reads in the CPU's present mode; in 64-bit code the wide one */
    WR_TABLE = X29, /* ... for writes */
    STATE = X28, /* struct cpu */
    LINK = X30,
    FIRST_LOW = X19, /* guest registers 0 to 7; 8 to 15 from X8 on */
    FIRST_HIGH = X8,
};
#define ST(member) ((s64)offsetof(struct cpu, member))

/* How ARM's carry stands to the guest's CF. */
enum carry { CARRY_INVERTED, CARRY_DIRECT };

/* What makes the flags anew that are not in PARITY, ADJUST and, with `nzcv`, NZCV: the operation and
 * the host registers that still have its result and operands (NOREG: lost, XZR: zero). `b` == NOREG
 * with `has_imm`: the constant. */
enum recipe_kind {
    RECIPE_NONE, /* nothing is open */
    RECIPE_ADD,
    RECIPE_SUB,
    RECIPE_LOGIC, /* AND, OR, XOR by their result; TEST by its operands */
    RECIPE_TEST,
    RECIPE_SHIFT, /* of `a` by imm to `res` */
    RECIPE_PRODUCT, /* the whole product in `a` */
    RECIPE_CLEAR /* P and A are clear */
};
struct recipe {
    u8 kind, op, size;
    bool nzcv, has_imm;
    bool keeps_c; /* INC, DEC: C is in NZCV already */
    u8 have;      /* with `nzcv`: flags that are in NZCV all the same */
    u8 zero;      /* 0, or a register that is 0 where Z is set, and whose sign is S: res, or a */
    u8 res, a, b;
    s64 imm;
};

/* Where a value is: a host register, or a slot of struct cpu. */
struct loc {
    bool reg;
    u8 r;
    u32 off;
};

struct cold {
    u8 kind, at, write, size, probe;
    u8 reg; /* the host register that holds the address or offset */
    u8 carry;
    u8 x87; /* 1 + index in em.x87_then of what the unit's state was; 0: all of it in struct cpu */
    u8 *from, *from2, *back; /* the branches that lead here; where it goes on */
    u64 arg;
    struct recipe recipe;
    s32 disp; /* to be added to the address in `reg` */
    u16 guess; /* COLD_PREPARE, COLD_GROUP: 1 + the number of the guess, which was wrong */
    u8 *guess_back; /* where it goes on with the addend in SCR */
};

/* What the emitter knows of the x87 unit, by physical registers. `open`: not in struct cpu yet. */
enum { X87_THEN = 160 };
struct em_x87 {
    bool known;        /* the unit is awake, and this is so: */
    u8 top, top_there; /* TOP, and what struct cpu says */
    u8 tagged;         /* mask: known to be empty or not, as `empty` says; in struct cpu */
    u8 empty, empty_there;
    u8 dbl;       /* mask: known to be marked as doubles */
    u8 ready;     /* mask of X87_* known to be 0 */
    u8 dirty;     /* mask: open in reg[] */
    u8 reg[8];    /* host registers that have them as doubles; NOREG */
    u8 c1, c1_a, c1_b; /* enum x87_c1 that is open, with the operands' host registers */
    u8 site;      /* 1 + index of the instruction that noted its place last, open; 0: none */
    u8 fds;       /* 1 + segment register whose selector is in fpu.fds */
};

struct em {
    struct as a;
    struct codebuf *buf;
    const struct be_stubs *stubs;
    const struct be_in *in;
    struct be_out *out;
    enum carry carry;
    struct recipe recipe;
    u32 now; /* index of the operation under way */
    u8 live_in;
    u32 free_regs; /* mask */
    u32 free_slots;
    u32 nexecs, ncold, ngroups;
    u32 last_vec; /* index behind the last vector operation */
    u8 place;       /* the temporary that stands for [place_base + place_disp]; 0: none */
    u8 place_base;
    s32 place_disp;
    struct em_x87 x87;
    u8 x87_guess; /* what TOP may be where nothing is known */
    u32 x87_kept; /* mask of host registers that the operation under way uses */
    u32 nx87;
    bool x87_too; /* some instruction is the unit's */
    u8 constant_reg; /* has `constant` once it is `constant_made`; 0: none */
    bool constant_made;
    s64 constant;
    u16 guess; /* 1 + the number of the guess that the access under way makes; 0: none */
    bool drop; /* sums may be left out that only accesses behind a check ask for */
    /* What follows is set as far as the block uses it, not cleared. */
    u8 temp[IR_MAX_VALUE];  /* host register or 0x80 | slot of each temporary */
    u16 last[IR_MAX_VALUE]; /* index of the last operation that names it */
    u8 live[IR_MAX_INS];    /* flags wanted behind each operation */
    u8 want[IR_MAX_INS];    /* ... by more than faults and exits, which can make them anew */
    u8 group[IR_MAX_INS];   /* cpu/jit/plan.h */
    bool follows[IR_MAX_INS], skip[IR_MAX_INS];
    u8 guesses[IR_MAX_INS]; /* GUESS_* of each access (cpu/jit/guess.h) */
    s32 offset[IR_MAX_INS], extra[IR_MAX_INS];
    struct group groups[PLAN_GROUPS];
    struct cold cold[IR_MAX_INS];
    struct em_x87 x87_then[X87_THEN];
};

/* ops.c: where value v is; its register, loaded into `scratch` when it is in memory; the register
 * for a result of `size` that replaces the whole of dst, `scratch` when there is none; `r`, which
 * has a result, to dst as its size demands */
struct loc em_loc(const struct em *e, u8 v);
unsigned em_use(struct em *e, u8 v, unsigned scratch);
unsigned em_target(struct em *e, u8 dst, unsigned size, unsigned scratch);
void em_put(struct em *e, u8 dst, unsigned r, unsigned size);
/* A member of struct cpu to or from register t, by way of SCR3 when it is far. */
void em_state(struct as *a, unsigned what, unsigned size, unsigned t, s64 off);

/* flags.c: bring up what is open: all of it; NZCV at least; with C in the sense `carry`. All spoil
 * SCR, SCR2 and SCR3. */
void em_flags_make(struct em *e);
void em_flags_nzcv(struct em *e);
void em_flags_carry(struct em *e, enum carry carry);
void em_flags_commit(struct em *e); /* as blocks hand them on */
/* Does anybody, operation i or later, want flags that are not made? */
bool em_flags_wanted(const struct em *e, const struct ir_ins *i);
/* Host register r is about to be written behind operation e->now's reads: flags made of it are made
 * first if somebody may want them. */
void em_flags_guard(struct em *e, const struct ir_ins *i, unsigned r);
/* Make the flags of recipe `open` and hand them on as blocks do; for ways out of line. */
void em_flags_recall(struct em *e, const struct recipe *open, enum carry carry);
/* Make NZCV of the recipe, whether it is there or not; gives how C stands then. */
enum carry em_flags_anew(struct em *e, const struct recipe *k);
/* S and Z of the lowest bytes of r, the guest's C and O clear; gives how C stands then. */
enum carry em_sign_and_zero(struct em *e, unsigned r, unsigned size);
/* C of a shift by a constant. */
void em_flags_shifted(struct em *e, const struct recipe *k);
/* cond.c: the guest's condition cc as one of the host's; CC_P and CC_NP leave a value in SCR whose being
 * zero decides. A branch that is taken when cc is true. */
unsigned em_condition(struct em *e, unsigned cc, bool *by_parity);
u8 *em_branch(struct em *e, unsigned cc);
/* Is the next that reads S, Z, C or O a branch by Z or S alone? Are bits of v beyond `size` bytes known to be 0? */
bool em_branch_by_zero(const struct em *e);
bool em_is_short(const struct em *e, u8 v, unsigned size);
/* C or O = bit 0 of r, the other three as they are; the CF then is direct. */
void em_flags_insert(struct em *e, unsigned r, bool overflow);
void em_flags_invert(struct em *e, struct as *a);
/* between cpu->af and NZCV, PARITY, ADJUST; spoils SCR, SCR2, SCR3 */
void em_flags_out(struct as *a);
void em_flags_in(struct as *a);
void em_getf(struct em *e, const struct ir_ins *i);
void em_setf(struct em *e, const struct ir_ins *i, u8 live);

/* alu.c: find a register for a long constant that the block's sums or comparisons have several
 * times */
void em_plan_constant(struct em *e);
/* alu.c, shift.c, muldiv.c: operations that set flags; true: done */
bool em_alu_op(struct em *e, const struct ir_ins *i, u8 live, u8 want);
bool em_shift_op(struct em *e, const struct ir_ins *i, u8 live, u8 want);
bool em_bits_op(struct em *e, const struct ir_ins *i, u8 live);
bool em_muldiv_op(struct em *e, const struct ir_ins *i, u8 live);

/* pair.c: a load or store and the one behind it as one instruction; true: done, that one is skipped. Is the
 * place that LDW i gives for its STW alone, with the group's register as it is until then? */
bool em_pair(struct em *e, const struct ir_ins *i);
bool em_place_stays(const struct em *e, const struct ir_ins *i);
/* group.c: find the block's groups and give them registers */
void em_plan_groups(struct em *e);
/* mem.c */
/* Where an access goes: [base + index] or [base + disp]. Access i is checked and may go ahead: SCR2,
 * SCR3 and X30 are free then; load to or store from a general or vector register */
struct em_place {
    u8 base, index; /* index NOREG: none */
    bool word;      /* of index its lower half */
    s32 disp;       /* without an index */
};
struct em_place em_access(struct em *e, const struct ir_ins *i, bool write);
void em_place_general(struct em *e, unsigned what, unsigned size, unsigned t, struct em_place p);
void em_place_vec(struct em *e, unsigned size, unsigned v, struct em_place p, bool write);
/* vec.c: vector operations. vec_state.c: registers into the host's at entry and behind C code; the stubs
 * for that; what is live goes to struct cpu, spoiling SCR to SCR3 and LINK; comes back by what
 * register `live` says of vec_live before, spoiling the same */
void em_vector_op(struct em *e, const struct ir_ins *i, u8 live);
bool em_vec_wants(const struct insn *insn); /* XMM registers in the host's? */
bool em_vec_access_is_wide(const struct insn *insn); /* 32 bytes of memory */
void em_vector_enter(struct em *e);
void em_vec_cold(struct em *e, const struct cold *c);
void em_vector_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs);
void em_vector_out(struct as *a, const u8 *spill);
void em_vector_back(struct as *a, unsigned live, const u8 *const load[2]);
/* x87_state.c: the unit's state in host registers, as far as the emitter knows it. Write what is open
 * to struct cpu; the same and take it as written; the same and forget what is known; the index for struct cold */
void em_x87_write(struct em *e, const struct em_x87 *k);
/* Out of line, when the block goes on: TOP and tags in struct cpu are what the block takes them for. SCR
 * is kept. */
void em_x87_unwrite(struct em *e, const struct em_x87 *k);
void em_x87_flush(struct em *e);
void em_x87_forget(struct em *e);
void em_x87_leave(struct em *e, const struct ir_ins *i); /* ... and registers are fpu.st again */
u8 em_x87_now(struct em *e);
/* The host register with physical register p; one for a result; p's value is in host register r now;
 * its value is dropped, it is empty */
unsigned em_x87_get(struct em *e, unsigned p);
unsigned em_x87_new(struct em *e);
void em_x87_set(struct em *e, unsigned p, unsigned r);
void em_x87_fill(struct em *e, unsigned p); /* it is not empty: its value is in fpu.st */
void em_x87_drop(struct em *e, unsigned p);
/* See to it that the unit is as operation i wants it, or leave the block. */
bool em_x87_begin(struct em *e, const struct ir_ins *i, const struct x87_does *does);
/* x87.c: x87 operations; what they put off; leave the instruction to exec when `from` is taken */
void em_x87_op(struct em *e, const struct ir_ins *i);
void em_x87_cold(struct em *e, const struct cold *c);
void em_x87_bail(struct em *e, const struct ir_ins *i, u8 *from);

/* guess.c: the addend by the entry of page SCR in the table: the branch taken where there is none, or not
 * the one guessed (e->guess); what a wrong guess runs. Count how often the block runs: when that is often it
 * is made anew, with more effort. */
u8 *em_entry(struct em *e, unsigned table);
void em_guess_wrong(struct em *e, const struct cold *c);
void em_count_runs(struct em *e);
/* copy.c: constants that depend on whose the block is: site numbers (em_site) and records of execs in SCR2;
 * its counter, from STATE; EIPs (em_eip); the place of `rip`, or of the mode, in the jump table's tags, from STATE */
void em_heat(struct em *e, unsigned r);
void em_table_place(struct em *e, unsigned r, bool constant, u64 rip);
/* beside.c: `last`, the address of the last byte of a write at `la` in `mode` (MMU__MODES: the CPU's): the
 * addend in SCR when no code is known to be on these bytes, else the branch taken; spoils t and t2. The
 * first part of a stub for stores of `size` bytes at ADDR that missed: returns with the addend in SCR, else
 * goes on with all registers but SCR and SCR3 as they were; the same for a group, whose host address it gives */
u8 *em_beside(struct as *a, unsigned la, unsigned last, unsigned mode, unsigned t, unsigned t2);
void em_store_beside(struct as *a, unsigned size, unsigned probe);
void em_group_beside(struct as *a);
/* group.c: the same for a group across two pages, whose last byte's address is in SCR3, when they are
 * neighbours in the host's memory, too; else goes on with SCR2 and SCR3 spoilt. */
void em_group_across(struct as *a);
/* string.c: string instructions with REP */
void em_string_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs);
/* segment.c: a load of segment register s with the selector in SCR: returns when nothing is to be done,
 * else goes to `otherwise` */
void em_segment_stub(struct as *a, unsigned s, const u8 *otherwise);
/* ops.c: may the block's own jumps skip what its entry does for XMM registers? These stay where they
 * are unless C code comes behind the last operation with them. */
bool em_has_inner(const struct em *e);
/* exit.c: ways out */
void em_exit_op(struct em *e, const struct ir_ins *i);
void em_side_exit(struct em *e, u64 rip, unsigned at);
/* stack.c: guest calls and returns by pairs on the host's stack. begin: in the entry stub, behind the
 * saved registers; `last`: where a return to what lies below all pairs goes, which last() begins;
 * again: no pairs, as at the entry; both spoil SCR to SCR3 */
void em_stack_begin(struct as *a, const u8 *last);
void em_stack_last(struct as *a);
void em_stack_again(struct as *a);
/* Push the pair for the CALL that ends the block: where the place that it returns to is to be put
 * (as_adr_here); false: not paired. Spoils SCR, SCR2 and SCR3. */
bool em_stack_call(struct em *e, u8 **here);
/* Return when the EIP in `to` is the one on top: the branch taken when it is not. */
u8 *em_stack_return(struct em *e, unsigned to);

#endif
