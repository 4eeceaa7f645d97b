/* Encoders for the AArch64 instructions that the back end uses (Arm ARM, part C6 "A64 base instruction
 * descriptions"). */
#ifndef CPU_JIT_A64_ASM_H
#define CPU_JIT_A64_ASM_H

#include "devices/core/bits.h"
#include "devices/core/types.h"

struct as {
    u8 *p, *end;
    bool full; /* room was short, or a branch too far: what was written is of no use */
};

enum {
    X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15, X16, X17, X18, X19, X20,
    X21, X22, X23, X24, X25, X26, X27, X28, X29, X30, XZR,
    SP = 31
};
enum { NOREG = 0xff };

/* Conditions (C1.2.4). */
enum { A_EQ, A_NE, A_CS, A_CC, A_MI, A_PL, A_VS, A_VC, A_HI, A_LS, A_GE, A_LT, A_GT, A_LE, A_AL };

/* Operations on two registers, the second one shifted (C4.1.5); _S sets NZCV. */
enum {
    A_AND = 0x0a000000,
    A_BIC = 0x0a200000,
    A_ORR = 0x2a000000,
    A_ORN = 0x2a200000,
    A_EOR = 0x4a000000,
    A_EON = 0x4a200000,
    A_ANDS = 0x6a000000,
    A_ADD = 0x0b000000,
    A_ADDS = 0x2b000000,
    A_SUB = 0x4b000000,
    A_SUBS = 0x6b000000,
    A_ADC = 0x1a000000,
    A_ADCS = 0x3a000000,
    A_SBC = 0x5a000000,
    A_SBCS = 0x7a000000,
    A_UDIV = 0x1ac00800,
    A_SDIV = 0x1ac00c00,
    A_LSLV = 0x1ac02000,
    A_LSRV = 0x1ac02400,
    A_ASRV = 0x1ac02800,
    A_RORV = 0x1ac02c00,
    A_MUL = 0x1b007c00,
};
/* Operations on one register. */
enum { A_RBIT = 0x5ac00000, A_REV16 = 0x5ac00400, A_REV = 0x5ac00800, A_CLZ = 0x5ac01000 };
enum { LSL, LSR, ASR, ROR };

static inline void as32(struct as *a, u32 word)
{
    if (a->p + 4 > a->end) {
        a->full = true;
        return;
    }
    st32(a->p, word);
    a->p += 4;
}
static inline void as_rrr(struct as *a, u32 op, bool wide, unsigned d, unsigned n, unsigned m)
{
    as32(a, op | (u32)wide << 31 | m << 16 | n << 5 | d);
}
/* ... m shifted by `count` */
static inline void as_rrrs(struct as *a, u32 op, bool wide, unsigned d, unsigned n, unsigned m,
                           unsigned how, unsigned count)
{
    as32(a, op | (u32)wide << 31 | how << 22 | m << 16 | count << 10 | n << 5 | d);
}
static inline void as_rr(struct as *a, u32 op, bool wide, unsigned d, unsigned n)
{
    if (op == A_REV && wide)
        op |= 0x400;
    as32(a, op | (u32)wide << 31 | n << 5 | d);
}
static inline void as_mov(struct as *a, bool wide, unsigned d, unsigned n)
{
    as_rrr(a, A_ORR, wide, d, XZR, n);
}
/* add, sub and their S forms with any constant, by way of `scratch` when it has no short form;
 * logical ones the same. d and n are no stack pointer in the long forms. */
void as_add_imm(struct as *a, u32 op, bool wide, unsigned d, unsigned n, s64 imm, unsigned scratch);
void as_logic_imm(struct as *a, u32 op, bool wide, unsigned d, unsigned n, u64 imm,
                  unsigned scratch);
/* Has it the short form? */
bool as_add_fits(bool wide, s64 imm);
bool as_logic_fits(bool wide, u64 imm);
void as_mov_imm(struct as *a, unsigned d, u64 imm);

/* Bit fields: signed, inserted, unsigned (SBFM, BFM, UBFM). */
static inline void as_bfm(struct as *a, u32 op, bool wide, unsigned d, unsigned n, unsigned immr,
                          unsigned imms)
{
    as32(a, op | (u32)wide << 31 | (u32)wide << 22 | immr << 16 | imms << 10 | n << 5 | d);
}
enum { A_SBFM = 0x13000000, A_BFM = 0x33000000, A_UBFM = 0x53000000 };
/* d = `width` bits of n from bit `lsb` on; the same sign-extended */
static inline void as_ubfx(struct as *a, bool wide, unsigned d, unsigned n, unsigned lsb,
                           unsigned width)
{
    as_bfm(a, A_UBFM, wide, d, n, lsb, lsb + width - 1);
}
static inline void as_sbfx(struct as *a, bool wide, unsigned d, unsigned n, unsigned lsb,
                           unsigned width)
{
    as_bfm(a, A_SBFM, wide, d, n, lsb, lsb + width - 1);
}
/* bits lsb.. of d = the lowest `width` of n; the lowest of d = those of n from lsb on */
static inline void as_bfi(struct as *a, bool wide, unsigned d, unsigned n, unsigned lsb,
                          unsigned width)
{
    unsigned bits = wide ? 64 : 32;
    as_bfm(a, A_BFM, wide, d, n, (bits - lsb) % bits, width - 1);
}
static inline void as_bfxil(struct as *a, bool wide, unsigned d, unsigned n, unsigned lsb,
                            unsigned width)
{
    as_bfm(a, A_BFM, wide, d, n, lsb, lsb + width - 1);
}
static inline void as_lsl(struct as *a, bool wide, unsigned d, unsigned n, unsigned count)
{
    unsigned bits = wide ? 64 : 32;
    as_bfm(a, A_UBFM, wide, d, n, (bits - count) % bits, bits - 1 - count);
}
static inline void as_lsr(struct as *a, bool wide, unsigned d, unsigned n, unsigned count)
{
    as_bfm(a, A_UBFM, wide, d, n, count, wide ? 63 : 31);
}
static inline void as_asr(struct as *a, bool wide, unsigned d, unsigned n, unsigned count)
{
    as_bfm(a, A_SBFM, wide, d, n, count, wide ? 63 : 31);
}
/* d = (n : m) >> lsb; ROR with n == m */
static inline void as_extr(struct as *a, bool wide, unsigned d, unsigned n, unsigned m, unsigned lsb)
{
    as32(a, 0x13800000 | (u32)wide << 31 | (u32)wide << 22 | m << 16 | lsb << 10 | n << 5 | d);
}
static inline void as_csel(struct as *a, bool wide, unsigned d, unsigned n, unsigned m, unsigned cc)
{
    as32(a, 0x1a800000 | (u32)wide << 31 | m << 16 | cc << 12 | n << 5 | d);
}
static inline void as_cset(struct as *a, unsigned d, unsigned cc)
{
    as32(a, 0x1a9f07e0 | (cc ^ 1) << 12 | d);
}
/* NZCV = that of n - m when cc holds, else `nzcv`; 64 bits */
enum { AS_V = 1, AS_C = 2, AS_Z = 4, AS_N = 8 };
static inline void as_ccmp(struct as *a, unsigned n, unsigned m, unsigned nzcv, unsigned cc)
{
    as32(a, 0xfa400000 | m << 16 | cc << 12 | n << 5 | nzcv);
}
/* d = n * m + c, n * m - c subtracted from c; long forms of 32 bits each and the upper half of 64 */
static inline void as_madd(struct as *a, bool wide, unsigned d, unsigned n, unsigned m, unsigned c)
{
    as32(a, 0x1b000000 | (u32)wide << 31 | m << 16 | c << 10 | n << 5 | d);
}
static inline void as_msub(struct as *a, bool wide, unsigned d, unsigned n, unsigned m, unsigned c)
{
    as32(a, 0x1b008000 | (u32)wide << 31 | m << 16 | c << 10 | n << 5 | d);
}
enum { A_SMULL = 0x9b207c00, A_UMULL = 0x9ba07c00, A_SMULH = 0x9b407c00, A_UMULH = 0x9bc07c00 };

/* Loads and stores of 1, 2, 4 or 8 bytes: [n + disp] where that has a form, [n + m] with m a whole
 * register or a zero-extended word. */
enum { A_STORE, A_LOAD, A_LOAD_SX64, A_LOAD_SX32 };
bool as_mem_fits(unsigned size, s64 disp);
void as_mem(struct as *a, unsigned what, unsigned size, unsigned t, unsigned n, s64 disp);
static inline void as_mem_reg(struct as *a, unsigned what, unsigned size, unsigned t, unsigned n,
                              unsigned m, bool word, bool scaled)
{
    u32 log = (u32)__builtin_ctz(size);
    as32(a, log << 30 | 0x38200800 | (u32)what << 22 | m << 16 | (word ? 2u : 3u) << 13 |
                (u32)scaled << 12 | n << 5 | t);
}
/* Pairs of 64-bit registers; disp a multiple of 8 from -512 to 504. */
enum { A_STP_D = 0x6d000000, A_LDP_D = 0x6d400000 };
enum { A_STP = 0xa9000000, A_LDP = 0xa9400000, A_STP_PRE = 0xa9800000, A_LDP_POST = 0xa8c00000 };
static inline void as_pair(struct as *a, u32 op, unsigned t, unsigned t2, unsigned n, s32 disp)
{
    as32(a, op | ((u32)(disp / 8) & 0x7f) << 15 | t2 << 10 | n << 5 | t);
}

/* Branches: each gives its place for as_patch; to a place in code memory that is known. */
u8 *as_b(struct as *a);
u8 *as_bcond(struct as *a, unsigned cc);
u8 *as_cbz(struct as *a, bool wide, unsigned t);
u8 *as_cbnz(struct as *a, bool wide, unsigned t);
u8 *as_tbz(struct as *a, unsigned t, unsigned bit);
u8 *as_tbnz(struct as *a, unsigned t, unsigned bit);
u8 *as_bl(struct as *a);
void as_b_to(struct as *a, const u8 *to);
void as_bl_to(struct as *a, const u8 *to);
static inline void as_br(struct as *a, unsigned n)
{
    as32(a, 0xd61f0000 | n << 5);
}
static inline void as_blr(struct as *a, unsigned n)
{
    as32(a, 0xd63f0000 | n << 5);
}
static inline void as_ret(struct as *a)
{
    as32(a, 0xd65f03c0);
}
/* d = the address of a place behind; it is the next instruction. */
u8 *as_adr(struct as *a, unsigned d);
void as_adr_here(struct as *a, u8 *at);
/* Does the branch at `at` (both writable aliases) reach `to`? It is pointed there when it does. */
bool as_branch(u8 *at, const u8 *to);
/* ... to the next instruction that is emitted. */
void as_patch(struct as *a, u8 *at);

static inline void as_get_nzcv(struct as *a, unsigned t)
{
    as32(a, 0xd53b4200 | t);
}
static inline void as_set_nzcv(struct as *a, unsigned t)
{
    as32(a, 0xd51b4200 | t);
}

#endif
