/* The intermediate representation: a linear array of typed x86-shaped operations over pinned guest
 * registers and temporaries, one block at a time (translator.md 5.2). */
#ifndef CPU_IR_IR_H
#define CPU_IR_IR_H

#include "cpu/isa/isa.h"
#include "devices/core/types.h"

/* Arithmetic flags, compact. */
enum {
    IRF_C = 1,
    IRF_P = 2,
    IRF_A = 4,
    IRF_Z = 8,
    IRF_S = 16,
    IRF_O = 32,
    IRF_ALL = 63,
    IRF_CC = 64,  /* in a row: those of the condition in b */
    IRF_VAR = 128 /* in a row: all, when the count is in b */
};
/* b of memory forms of vector operations: any address, aligned to 16, ten bytes. */
enum { IR_ACCESS_ANY, IR_ACCESS_ALIGNED, IR_ACCESS_TEN, IR_ACCESSES };
enum { IRA_FAULT = 1, IRA_EXIT = 2, IRA_MEM = 4, IRA_SIDE = 8 };

enum ir_type { I8, I16, I32, I64, I128 }; /* I128: accesses of vector operations only */
static inline unsigned ir_bytes(unsigned type)
{
    return 1u << type;
}

enum ir_op {
#define IR(id, text, args, fin, fout, attrs) IR_##id,
#include "cpu/ir/ops.def"
#undef IR
    IR__COUNT
};

/* Values: 0..15 guest registers, IR_T0.. temporaries (each written once before it is read, dead at
 * the block's end). */
enum { IR_T0 = 16, IR_MAX_VALUE = 200, IR_NONE = 0xff };

struct ir_ins {
    u8 op, type;
    u8 dst, a, b;
    u8 flags_out;  /* IRF_*: written by this operation; a subset of its row's, the others stay true
                      (0: ADD as a mere sum) */
    u8 flags_live; /* IRF_*: wanted by someone behind it (pass_liveness); of these the emitter keeps
                      all true */
    u8 at;         /* index of the guest instruction it belongs to */
    s64 imm;
};

#define IR_MAX_INS   768 /* of one block */
#define IR_MAX_GUEST 64  /* guest instructions of one block */

struct ir_block {
    u32 n;
    u32 ntemps;                /* temporaries used: IR_T0 .. IR_T0 + ntemps - 1 */
    u64 rip;                   /* EIP of the first guest instruction */
    s16 off[IR_MAX_GUEST + 1]; /* offset of guest instruction i from rip; off[nguest] is the end */
    u64 jumped;                /* bit i: the block goes on at the target of branch i, off[i + 1] */
    u32 nguest;
    /* Bits of the mode key that it depends on. In 32-bit code EIP itself is in ways out, in return
     * addresses that CALL pushes (STI) and nowhere else. */
    u64 mode_used;
    bool long_mode;                /* linear addresses have 64 bits */
    struct ir_ins ins[IR_MAX_INS]; /* last: a block that is kept has room for its own only */
};

struct ir_op_info {
    const char *name;
    char args[4]; /* of dst, a, b */
    u8 fin, fout, attrs;
    u8 use; /* IRU_*: args once more */
};
/* Whether dst is written without being read, written, read; a written, read; b written, read, a
 * value at all. */
enum {
    IRU_SETS_DST = 1,
    IRU_WRITES_DST = 2,
    IRU_READS_DST = 4,
    IRU_WRITES_A = 8,
    IRU_READS_A = 16,
    IRU_WRITES_B = 32,
    IRU_READS_B = 64,
    IRU_VALUE_B = 128
};
extern const struct ir_op_info ir_op_info[IR__COUNT];

/* Flags read by condition cc; by one instruction (its row, its condition or variable count
 * resolved). */
u8 ir_cc_flags(unsigned cc);
u8 ir_flags_in(const struct ir_ins *i);
/* F_* (EFLAGS positions) to IRF_* and back. */
u8 ir_flags_pack(u32 eflags);
u32 ir_flags_unpack(u8 flags);

/* ---- text: one operation a line, exact round trip; ir_parse returns false with a sentence in *err
 * ---- */
struct err;
void ir_print(const struct ir_block *b, char *buf, size_t n);
bool ir_parse(struct ir_block *b, const char *text, struct err *err);

/* ---- verifier: false with a sentence when an operation breaks its row or a temporary is read
 * before written ---- */
bool ir_check(const struct ir_block *b, struct err *err);

/* ---- passes, in the order in which ir_optimise runs them; `mask` has BIT(IR_PASS_x) for those
 * that are on ---- */
enum { IR_PASS_FOLD, IR_PASS_DCE, IR_PASS__COUNT };
void ir_pass_fold(struct ir_block *b); /* constants and copies forward, address arithmetic into
                                          LD/ST immediates */
void ir_pass_liveness(
    struct ir_block *b); /* fills flags_live (always runs). IRA_FAULT operations, EXEC and every
                            exit want all flags: state is precise there */
void ir_pass_dce(struct ir_block *b); /* drops operations whose dst and flags nobody wants */
void ir_optimise(struct ir_block *b, u32 mask);

#endif
