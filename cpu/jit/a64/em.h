/* The state of emitting one block for AArch64: where values live, what is known of the guest's flags,
 * and the code put off to the end. */
#ifndef CPU_JIT_A64_EM_H
#define CPU_JIT_A64_EM_H

#include "cpu/ir/shape.h"
#include "cpu/jit/a64/asm.h"
#include "cpu/jit/backend.h"
#include "cpu/jit/plan.h"

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

enum cold_kind {
    COLD_PREPARE,
    COLD_SEG,
    COLD_EXIT,
    COLD_ENTRY,
    COLD_BAIL,
    COLD_POLL,
    COLD_GROUP,
    COLD_INDIRECT,
    COLD_HOT,
    COLD_VEC,
};
struct cold {
    u8 kind, at, write, size, probe;
    u8 reg; /* the host register that holds the address or offset */
    u8 carry;
    u8 *from, *from2, *back; /* the branches that lead here; where it goes on */
    u64 arg;
    struct recipe recipe;
    s32 disp; /* to be added to the address in `reg` */
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
    u32 nexecs, ncold;
    u32 last_vec; /* index behind the last vector operation */
    u8 place;       /* the temporary that stands for [place_base + place_disp]; 0: none */
    u8 place_base;
    s32 place_disp;
    bool drop; /* sums may be left out that only accesses behind a check ask for */
    /* What follows is set as far as the block uses it, not cleared. */
    u8 temp[IR_MAX_VALUE];  /* host register or 0x80 | slot of each temporary */
    u16 last[IR_MAX_VALUE]; /* index of the last operation that names it */
    u8 live[IR_MAX_INS];    /* flags wanted behind each operation */
    u8 want[IR_MAX_INS];    /* ... by more than faults and exits, which can make them anew */
    u8 group[IR_MAX_INS];   /* cpu/jit/plan.h */
    bool follows[IR_MAX_INS], skip[IR_MAX_INS];
    s32 offset[IR_MAX_INS], extra[IR_MAX_INS];
    struct group groups[PLAN_GROUPS];
    struct cold cold[IR_MAX_INS];
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
void em_cold(struct em *e, enum cold_kind kind, const struct ir_ins *i, u8 *from, u8 *back,
             u64 arg);

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
/* mem.c: guest memory, segments, calls to exec; the code put off */
void em_mem_op(struct em *e, const struct ir_ins *i);
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
void em_emit_cold(struct em *e);
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
/* Count how often the block runs: when that is often it is made anew, with more effort. */
void em_count_runs(struct em *e);
/* exit.c: ways out; add n to a counter when that is asked for */
void em_tally(struct em *e, unsigned which, s32 n);
void em_exit_op(struct em *e, const struct ir_ins *i);
void em_direct_exit(struct em *e, u64 rip, unsigned at);
void em_side_exit(struct em *e, u64 rip, unsigned at);
/* To the same instruction in a block without groups. */
void em_twin_exit(struct em *e, unsigned at);
void em_indirect_exit(struct em *e, unsigned to, unsigned at);
const u8 *em_checked_entry(struct em *e);

#endif
