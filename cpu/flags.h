/* The arithmetic flags of integer operations as pure functions, shared by exec and by the evaluator
 * of the IR (SDM vol. 1 section 3.4.3.1, vol. 2 per instruction). */
#ifndef CPU_FLAGS_H
#define CPU_FLAGS_H

#include "cpu/isa/isa.h"
#include "devices/core/bits.h"

/* All functions take operands of `size` bytes (1, 2, 4, 8) already cut to that size, and return F_*
 * masks. */

/* The top bit of an operand. */
static inline u32 msb(u64 v, unsigned size)
{
    return (u32)(v >> (8 * size - 1)) & 1;
}

/* SF, ZF and PF of a result. */
static inline u32 flags_szp(u64 r, unsigned size)
{
    u32 f = (u32)!__builtin_parity((u32)r & 0xff) << 2;
    r &= size_mask(size);
    if (!r)
        f |= F_Z;
    return f | msb(r, size) << 7;
}

/* AND, OR, XOR, TEST: CF, OF and AF cleared. */
static inline u32 flags_logic(u64 r, unsigned size)
{
    return flags_szp(r, size);
}

/* r = a + b + carry in. */
static inline u32 flags_add(u64 a, u64 b, u64 r, unsigned size)
{
    u64 carry = (a & b) | ((a | b) & ~r);
    return flags_szp(r, size) | msb(carry, size) | ((u32)(a ^ b ^ r) & F_A) |
           msb((a ^ r) & (b ^ r), size) << 11;
}

/* r = a - b - borrow in. */
static inline u32 flags_sub(u64 a, u64 b, u64 r, unsigned size)
{
    u64 borrow = (~a & b) | ((~a | b) & r);
    return flags_szp(r, size) | msb(borrow, size) | ((u32)(a ^ b ^ r) & F_A) |
           msb((a ^ b) & (a ^ r), size) << 11;
}

/* INC and DEC leave CF alone: it comes in `old`. */
static inline u32 flags_inc(u64 a, u64 r, unsigned size, u32 old)
{
    return (flags_add(a, 1, r, size) & ~(u32)F_C) | (old & F_C);
}

static inline u32 flags_dec(u64 a, u64 r, unsigned size, u32 old)
{
    return (flags_sub(a, 1, r, size) & ~(u32)F_C) | (old & F_C);
}

/* MUL and IMUL: CF = OF = the upper half matters. The SDM leaves the rest open and processors
 * differ; here SF, ZF, AF and PF are cleared, which host code does as cheaply as saving them
 * (cpu/ir/README.md). */
static inline u32 flags_mul(bool upper)
{
    return upper ? (u32)(F_C | F_O) : 0;
}

/* Shifts by a count that is not 0: `cf` is the last bit out, `of` as the callers compute it; AF is
 * set, as AMD's processors do (the SDM leaves it open, cpu/ir/README.md). */
static inline u32 flags_shift(u64 r, u32 cf, u32 of, unsigned size)
{
    return flags_szp(r, size) | F_A | cf | of << 11;
}

/* Is condition cc (CC_*) true under these flags (F_*)? */
static inline bool flags_cc(u32 f, unsigned cc)
{
    bool t;
    bool lt = !(f & F_S) != !(f & F_O);
    switch (cc >> 1 & 7) {
    case CC_O / 2: t = f & F_O; break;
    case CC_B / 2: t = f & F_C; break;
    case CC_E / 2: t = f & F_Z; break;
    case CC_BE / 2: t = f & (F_C | F_Z); break;
    case CC_S / 2: t = f & F_S; break;
    case CC_P / 2: t = f & F_P; break;
    case CC_L / 2: t = lt; break;
    default: t = lt || (f & F_Z); break;
    }
    return t != (cc & 1);
}

/* ---- shifts and rotates: the new value of `a`, with *flags (F_ALL, the old ones) updated. `count`
 * is already masked to 5 bits (6 for 8 bytes); 0 changes nothing. (cpu/flags.c) ---- */
enum shift_kind {
    SHIFT_ROL,
    SHIFT_ROR,
    SHIFT_RCL,
    SHIFT_RCR,
    SHIFT_SHL,
    SHIFT_SHR,
    SHIFT_SHL2,
    SHIFT_SAR
};
u64 flags_rotate_shift(enum shift_kind kind, u64 a, unsigned count, unsigned size, u32 *flags);
/* SHLD and SHRD of `a` with bits from `b`. 16-bit counts above 16 go on with bits of `a`, as
 * processors do. */
u64 flags_shld(u64 a, u64 b, unsigned count, unsigned size, u32 *flags);
u64 flags_shrd(u64 a, u64 b, unsigned count, unsigned size, u32 *flags);

#endif
