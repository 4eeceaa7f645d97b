/* The tools of the tr_ functions: append IR, make temporaries, reach operands. */
#ifndef CPU_TR_BUILD_H
#define CPU_TR_BUILD_H

#include "cpu/tr/tr.h"

enum { TR_SOFT_IMM = 1, TR_SOFT_DISP = 2 };

struct tr {
    const struct cpu *cpu; /* mode only; registers are not looked at */
    u64 mode; /* cpu->mode_key: use tr_mode() */
    struct ir_block *ir;
    const struct insn *insn; /* the one under way */
    u8 at;                   /* its index */
    u8 next_temp;
    u64 behind; /* EIP behind it: for ways out and what CALL pushes, see ir_block.mode_used */
    u32 jumps; /* conditional exits so far */
    const struct tr_source *src;
    bool follow;   /* ... jumps */
    u8 loops;      /* ... the block itself, so many times in all */
    u8 loop_insns;
    bool leaves;   /* x87 operations may be left to exec as they run */
    bool returns;  /* ... also to where the block has been: from functions */
    bool followed; /* this branch: the block goes on at `target` */
    u64 target;
    u64 rets[4]; /* where the calls that were followed return to */
    u32 nrets, nfollowed;
    bool shadow; /* this instruction needs one behind it in the block, else exec runs it */
    bool again; /* this branch closes a loop around the block, which goes on with it once more */
    bool looped; /* the block ends behind the last of them */
    u32 copies;  /* of the loop that are still to come; 0: no loop was seen */
    struct tr_fields soft; /* of this instruction: what is to be read at run time */
    const u8 *bytes;       /* ... its bytes in guest memory */
    u8 softened;           /* ... TR_SOFT_*: what is */
    u64 softs;             /* instructions of which something is */
    bool done; /* the block ends behind this instruction */
};

/* Translate one instruction. False: nothing was appended, call exec_ instead. */
typedef bool tr_fn(struct tr *t, const struct insn *insn);

/* Those of `bits` that the mode key has: what the block depends on. */
static inline u64 tr_mode(const struct tr *t, u64 bits)
{
    t->ir->mode_used |= bits;
    return t->mode & bits;
}

/* Append; flags_out comes from the operation's row. */
struct ir_ins *tr_emit(struct tr *t, enum ir_op op, enum ir_type type, u8 dst, u8 a, u8 b, s64 imm);
u8 tr_temp(struct tr *t);

static inline enum ir_type tr_type(unsigned size)
{
    return size == 1 ? I8 : size == 2 ? I16 : size == 4 ? I32 : I64;
}

/* A linear address: value a plus immediate. */
struct tr_addr {
    u8 a;
    s32 imm;
};
/* Address of the memory operand, checked for `size` bytes where the segment is not flat. */
struct tr_addr tr_ea(struct tr *t, const struct insn *insn, unsigned size, bool write);
/* Only the offset, as LEA computes it: a temporary or guest register, zero-extended from the
 * address size. */
u8 tr_offset(struct tr *t, const struct insn *insn);
/* Linear address of seg:offset value (offset zero-extended). */
struct tr_addr tr_linear(struct tr *t, unsigned seg, u8 off, unsigned size, bool write);

/* Value of operand n (GPR, GPRH, MEM; not IMM). Its upper bits beyond the size are unspecified. */
u8 tr_read(struct tr *t, const struct insn *insn, unsigned n);
/* Operand n as the second operand of an operation: value in *b, or IR_NONE and *imm. */
void tr_source(struct tr *t, const struct insn *insn, unsigned n, u8 *b, s64 *imm);

/* A destination read for change: value in `v`; tr_dest_write stores what was computed. */
struct tr_dest {
    u8 v, place;
    enum opnd_kind kind;
    u8 reg;
};
struct tr_dest tr_dest_read(struct tr *t, const struct insn *insn, unsigned n);
/* Where a result should be computed into: the guest register itself, or a temporary. */
u8 tr_dest_target(struct tr *t, const struct tr_dest *d);
void tr_dest_write(struct tr *t, const struct tr_dest *d, enum ir_type type, u8 v);

/* Stack, flat 32-bit, 64-bit, 16-bit or with limits. tr_push's value is b or imm (b == IR_NONE). */
void tr_push(struct tr *t, unsigned size, u8 b, s64 imm);
/* Move the top by `size` bytes and write those of value b that `type` says. */
void tr_push_part(struct tr *t, unsigned size, enum ir_type type, u8 b);
/* Address of the item `at` bytes above the top. */
struct tr_addr tr_top(struct tr *t, unsigned at, unsigned size);
void tr_pop_commit(struct tr *t, unsigned bytes);

/* soft.c: when t->soft has an immediate (displacement) it is read at run time: its value; the
 * memory operand's offset. begin, end: around translating the instruction at `pos`; check: behind
 * them all */
u8 tr_soft_imm(struct tr *t, enum ir_type type);
u8 tr_soft_offset(struct tr *t, const struct insn *insn);
void tr_soft_begin(struct tr *t, const struct tr_result *out, s32 pos);
void tr_soft_end(struct tr *t, struct tr_result *out, s32 pos);
void tr_soft_check(const struct tr *t, struct tr_result *out);

bool tr_flat(const struct tr *t, unsigned seg);
/* 64-bit code: no limits, addresses as wide as registers, targets that must be canonical. */
static inline bool tr_long(const struct tr *t)
{
    return tr_mode(t, MK_CODE64);
}

/* May the block go on at `target`? Then it does, and a branch emits no exit. */
bool tr_follow(struct tr *t, u64 target);
/* Is a branch to `target` the end of a loop around the block that is worth another copy of its body?
 * Then the block goes on with it, and the branch only leaves where the loop ends. */
bool tr_again(struct tr *t, u64 target);
/* Is the function at `target` short and without branches? Others are better called. */
bool tr_leaf(const struct tr *t, u64 target);

/* Vector operations (OPA_SSE), of all names. */
tr_fn tr_vector;
/* Those with VEX prefixes. */
tr_fn tr_avx;

/* BT and its kin with a bit offset in a register and the bits in memory (atomic.c). */
bool tr_bit_memory(struct tr *t, const struct insn *insn, enum ir_op op);

/* The functions, found by name; those that are missing call exec_. */
#define TR(id) tr_fn tr_##id;
#include "cpu/tr/have.def"
#undef TR

#endif
