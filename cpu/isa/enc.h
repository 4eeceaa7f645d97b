/* The encoding tables in memory: what the decoder looks up for an opcode byte (SDM vol. 2 app. A).
 * For the decoder, and for back ends that encode an instruction again; expanded from the rows of enc_*.def. */
#ifndef CPU_ISA_ENC_H
#define CPU_ISA_ENC_H

#include "cpu/isa/isa.h"

/* Operand letters. */
enum am {
    AM___, /* no operand */
#define AM(letters, cls, size, memsize) AM_##letters,
#include "cpu/isa/enc_am.def"
#undef AM
};

/* How the decoder makes an operand. */
enum am_class {
    AMC_RM,
    AMC_MEM,
    AMC_REG,
    AMC_SREG,
    AMC_CREG,
    AMC_DREG,
    AMC_MMXREG,
    AMC_MMXRM,
    AMC_MMXONLY,
    AMC_XMMREG,
    AMC_XMMRM,
    AMC_XMMONLY,
    AMC_STRM,
    AMC_VVVV,
    AMC_VVVVGPR,
    AMC_VSIB,
    AMC_ONE,
    AMC_OPREG,
    AMC_RAX,
    AMC_RCX,
    AMC_RDX,
    AMC_SEG0,
    AMC_SEG1,
    AMC_SEG2,
    AMC_SEG3,
    AMC_SEG4,
    AMC_SEG5,
    AMC_XMMFIRST,
    AMC_STFIRST,
    AMC_IMM,
    AMC_IMM2,
    AMC_REL,
    AMC_FAR,
    AMC_MOFFS,
    AMC_STRSRC,
    AMC_STRDST,
    AMC_TABLE,
    AMC_IS4,
};

/* Operand sizes; enc_size[][] gives their bytes for operand size 2, 4 and 8. */
enum am_size {
    SZ_b,
    SZ_w,
    SZ_d,
    SZ_q,
    SZ_dq,
    SZ_t,
    SZ_v,
    SZ_z,
    SZ_y,
    SZ_p,
    SZ_a,
    SZ_s,
    SZ_x,
    SZ_n,
    /* By vector length: all of it, a half, a quarter, an eighth; 8 or 32 (VMOVDDUP) */
    SZ_X,
    SZ_Xh,
    SZ_Xq,
    SZ_Xe,
    SZ_Xdup,
};

struct am_info {
    u8 cls, size, size2;
};

enum enc_kind {
    ENC_NONE,   /* undefined opcode */
    ENC_OP,     /* an instruction: `op` is an enum op */
    ENC_GROUP,  /* `op` is an enum enc_group, taken further by ModRM.mod and .reg */
    ENC_RM,     /* `op` is an enum enc_rmtab, taken further by ModRM.rm */
    ENC_PREFIX, /* a prefix byte or an escape: `op` is an enum enc_prefix */
};

enum enc_prefix {
    PFX_ES, /* as SEG_* */
    PFX_CS,
    PFX_SS,
    PFX_DS,
    PFX_FS,
    PFX_GS,
    PFX_OSZ,
    PFX_ASZ,
    PFX_LOCK,
    PFX_REP,
    PFX_REX,
    PFX_ESCAPE,
    PFX_ESC38,
    PFX_ESC3A,
    PFX_X87,
    PFX_VEX,
};

enum enc_flag {
    EF_D64 = 1,      /* 64-bit code: operand size 8 unless 66 makes it 2 */
    EF_F64 = 2,      /* 64-bit code: operand size 8, 66 ignored */
    EF_CC = 4,       /* the opcode holds a condition */
    EF_WNEXT = 8,    /* with REX.W the operation of the next row of ops.def */
    EF_REGFORM = 16, /* ModRM.mod is ignored: rm is a register */
    EF_CHECK = 32,   /* has a rule of its own in decode.c, vex.c */
    EF_LNEXT = 64,   /* with VEX.L the operation of the next row of ops.def */
};

enum enc_group {
    GRP_G1,
    GRP_G1A,
    GRP_G2,
    GRP_G3b,
    GRP_G3v,
    GRP_G4,
    GRP_G5,
    GRP_G6,
    GRP_G7,
    GRP_G8,
    GRP_G9np,
    GRP_G9,
    GRP_G9x,
    GRP_G9f3,
    GRP_G11,
    GRP_G12,
    GRP_G15,
    GRP_G15o,
    GRP_G15f3,
    GRP_G16,
    GRP_G18,
    GRP_GP,
    GRP_G62,
    GRP_GC4,
    GRP_GC5,
    GRP_GW,
    GRP_GWx,
    GRP_GD,
    GRP_GDx,
    GRP_GQ,
    GRP_GQx,
    GRP__COUNT,
};

/* What a VEX encoding says of VEX.L and of the vvvv field. */
enum vex_len {
    VL_lig, /* L is ignored: a scalar */
    VL_128, /* L must be 0 */
    VL_256, /* L must be 1 */
    VL_any, /* L is the vector length */
    VL_2,   /* ... and 256 bits need AVX2 */
};

enum vex_group {
    VG_10s,
    VG_10d,
    VG_11s,
    VG_11d,
    VG_12,
    VG_16,
    VG_W,
    VG_D,
    VG_Q,
    VG_15,
    VG_17,
    VG_B2,
    VG_18,
    VG_19,
    VG__COUNT
};

enum enc_rmtab { RMT_MONITOR, RMT_XCR, RMT_SWAPGS, RMT__COUNT };

struct enc {
    u16 op;
    u8 kind, flags;
    u8 feat; /* needed besides that of the operation */
    u8 a[3]; /* enum am */
};

struct enc_vex {
    u16 op;
    u8 kind,
        flags; /* ENC_NONE, ENC_OP or ENC_GROUP (`op` is an enum vex_group); EF_WNEXT, EF_LNEXT */
    u8 len, feat; /* enum vex_len; needed besides that of the operation */
    u8 a[4];      /* enum am */
};

/* Second index of the two- and three-byte maps: the mandatory prefix. */
enum { ENC_NP, ENC_66, ENC_F3, ENC_F2 };

extern const struct enc enc_one[2][256]; /* [64-bit code][opcode] */
extern const struct enc enc_0f[4][256];
extern const struct enc enc_0f38[4][256];
extern const struct enc enc_0f3a[4][256];
extern const struct enc enc_group[GRP__COUNT][2][8]; /* [group][mod 3][ModRM.reg] */
extern const struct enc enc_rm[RMT__COUNT][8];
extern const struct enc enc_x87_mem[8][8];         /* [escape][ModRM.reg] */
extern const struct enc enc_x87_reg[8][8][8];      /* [escape][ModRM.reg][ModRM.rm] */
extern const struct enc_vex enc_vex[3][4][2][256]; /* [0F, 0F 38, 0F 3A][prefix][W][opcode] */
extern const struct enc_vex enc_vex_group[VG__COUNT][2][8]; /* [group][mod 3][ModRM.reg] */
extern const struct am_info am_info[];
extern const u8 enc_size[][3]; /* [SZ_*][operand size 2, 4, 8] */

#endif
