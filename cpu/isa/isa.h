/* What an instruction is: operations, operands and the decoded form shared by exec, tr and the
 * disassembler (SDM volume 2, chapter 2 and appendix A). */
#ifndef CPU_ISA_ISA_H
#define CPU_ISA_ISA_H

#include "devices/core/types.h"

/* Arithmetic flags as masks, in their EFLAGS positions. */
enum {
    F_C = 0x001,
    F_P = 0x004,
    F_A = 0x010,
    F_Z = 0x040,
    F_S = 0x080,
    F_O = 0x800,
    F_SZAPC = F_S | F_Z | F_A | F_P | F_C,
    F_ALL = F_SZAPC | F_O,
};

/* What a row of ops.def says of an operation beside its flags. */
enum op_attr {
    OPA_LOCK = 1,  /* may carry LOCK when its destination is memory */
    OPA_JUMP = 2,  /* writes EIP: a translation block ends behind it (conditional or not) */
    OPA_END = 4,   /* changes mode, segments or interrupt state: a block ends behind it */
    OPA_REP = 8,   /* a string instruction: REP repeats it */
    OPA_PRIV = 16, /* CPL 0 only (#GP else); exec checks, the attribute documents and feeds tests */
    OPA_X87 = 32,  /* x87: #NM by CR0.EM/TS */
    OPA_MMX = 64,  /* MMX state: #UD by CR0.EM, #NM by CR0.TS */
    OPA_SSE = 128, /* XMM state: #UD by CR0.EM or !CR4.OSFXSR, #NM by CR0.TS */
    OPA_NOMEM = 256,   /* LEA-like: the memory operand is an address only, never accessed */
    OPA_LOAD1 = 512,   /* the first operand is only read (CMP, TEST, PUSH, ...): no write to o[0] */
    OPA_STORE = 1024,  /* the first operand is only written (MOV, SETcc, POP, ...) */
    OPA_NO64 = 2048,   /* #UD in 64-bit mode */
    OPA_ONLY64 = 4096, /* only in 64-bit mode */
    OPA_PM = 8192,     /* #UD in real and V86 mode (LAR, LSL, VERR, ARPL, LLDT, ...) */
    OPA_AVX = 16384, /* YMM state by VEX: #UD in real and V86 mode, by !CR4.OSXSAVE or XCR0; #NM by
                        CR0.TS; the upper bits of a written register become zero */
};

/* CPUID features an operation can depend on (feat.def has one row per feature: name, CPUID leaf,
 * register, bit). */
enum feat {
#define FEAT(id, name, leaf, reg, bit) FEAT_##id,
#include "cpu/isa/feat.def"
#undef FEAT
    FEAT__COUNT
};
#define FEAT_BIT(f) BIT64(FEAT_##f)
_Static_assert(FEAT__COUNT <= 64, "a mask has room for all");
#define FEAT_ALL    (~0ull >> (64 - FEAT__COUNT))

enum op {
#define OP(id, text, reads, writes, undef, attrs, feat) OP_##id,
#include "cpu/isa/ops.def"
#undef OP
    OP__COUNT
};

struct op_info {
    const char *name;
    u16 reads, writes,
        undef; /* arithmetic flags: used; defined by it; left undefined by it (F_*) */
    u16 attrs; /* OPA_* */
    u8 feat;   /* enum feat; FEAT_BASE: always there */
};
extern const struct op_info op_info[OP__COUNT];
struct insn;
/* The register files that an x87, MMX or SSE instruction works on, the words that govern its
 * arithmetic included: MMX registers are the x87 unit's. */
enum { UNIT_X87 = 1, UNIT_VEC = 2 };
unsigned insn_units(const struct insn *insn);

enum {
    REG_AX,
    REG_CX,
    REG_DX,
    REG_BX,
    REG_SP,
    REG_BP,
    REG_SI,
    REG_DI,
    REG_IP = 16,
    REG_NONE = 0xff
};
enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG__COUNT, SEG_NONE = 0xff };
enum { REP_NONE, REP_NE = 0xf2, REP_E = 0xf3 };
/* Condition codes in the order of the encoding (Jcc 0x70+cc). */
enum {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G
};

enum opnd_kind {
    OPND_NONE,
    OPND_GPR,  /* reg 0..15, size 1 (low byte), 2, 4 or 8 */
    OPND_GPRH, /* reg 0..3: AH, CH, DH, BH; size 1 */
    OPND_SEG,  /* reg = SEG_*; size 2 */
    OPND_CR,
    OPND_DR,
    OPND_MEM,  /* insn.seg:[base + index << scale + disp], size bytes (0: the operation knows, e.g.
                  FXSAVE) */
    OPND_IMM,  /* insn.imm, already extended to size */
    OPND_IMM2, /* insn.imm2: the second immediate (ENTER, EXTRQ) */
    OPND_REL,  /* insn.imm: displacement relative to the next instruction, sign-extended */
    OPND_FAR,  /* insn.imm: offset, insn.imm2: selector */
    OPND_MMX,  /* reg 0..7; size 8 */
    OPND_XMM,  /* reg 0..15; size: the bytes used */
    OPND_YMM,  /* reg 0..15; size 32 */
    OPND_ST,   /* reg 0..7: ST(i); size 10 */
};

struct opnd {
    u8 kind, reg, size;
};

/* A decoded instruction. Fixed size; owns nothing. */
struct insn {
    u16 op;  /* enum op */
    u8 len;  /* bytes, 1..15 */
    u8 osz;  /* operand size in bytes: 2, 4 or 8 */
    u8 asz;  /* address size in bytes: 2, 4 or 8 */
    u8 mode; /* 16, 32 or 64: the code size it was decoded for */
    u8 seg;  /* segment of the memory operand with overrides and the SS default applied; SEG_DS
                default of strings */
    u8 rep; /* REP_*: the prefix of a string instruction; REP_NONE where the prefix was mandatory or
               has no meaning */
    bool lock;
    u8 cc; /* CC_* of Jcc, SETcc, CMOVcc, FCMOVcc; predicate immediate stays in imm */
    u8 nopnd;
    u8 base, index, scale; /* REG_* or REG_NONE; scale 0..3 = shift. base REG_IP: RIP-relative */
    u8 vl;                 /* VEX: vector length in bytes, 16 or 32; 0: no VEX prefix */
    u8 vsib; /* bytes of the vector register `index` of a gather; 0: index is a general register */
    struct opnd o[4]; /* in Intel order: o[0] is the destination */
    u16 imm2;         /* x87: the opcode as FOP has it, the escape's low bits and ModRM */
    u16 vex; /* with VEX the encoding: opcode, map - 1 << 8, prefix << 10 (enc.h), W << 12, ModRM.reg
                << 13 */
    s64 disp; /* sign-extended; moffs: zero-extended to the address size */
    u64 imm;
};

enum dec_result {
    DEC_OK,
    DEC_SHORT, /* not an instruction within `avail` bytes, more would be needed (avail < 15) */
    DEC_UD,    /* #UD; out->len is the bytes looked at */
    DEC_LONG,  /* longer than 15 bytes: #GP(0) */
};

/* Decode the instruction at `p`, of which `avail` bytes (1..15) may be read, for code of `bits` 16,
 * 32 or 64. `feats` (mask of FEAT_BIT) chooses between encodings that changed meaning (TZCNT/BSF,
 * POPCNT, MOVBE/...); an operation whose feature is missing gives DEC_UD. LOCK on an operation that
 * cannot carry it gives DEC_UD. Total: every input gives one of the results, and only `avail` bytes
 * are ever read. (SDM vol. 2 ch. 2, app. A) */
enum dec_result decode(struct insn *out, const u8 *p, unsigned avail, unsigned bits, u64 feats);

/* Intel-syntax text of `insn` at address `pc` into `buf` (at most `n` bytes with the NUL). Returns
 * buf. */
char *disasm(char *buf, size_t n, const struct insn *insn, u64 pc);

#endif
