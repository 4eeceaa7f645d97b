/* Encoding of constants, addresses and branches of AArch64 (Arm ARM, C3.4 and C4.1). */
#include "cpu/jit/a64/asm.h"

/* A constant of a logical instruction: a run of ones, rotated, repeated in elements of 2 to 64 bits
 * (DecodeBitMasks). False: it is none. */
static bool logical(u64 v, bool wide, u32 *fields)
{
    unsigned size = 64, ones, r;
    u64 mask;
    if (!wide)
        v = (u32)v | v << 32;
    if (v == 0 || v == ~(u64)0)
        return false;
    while (size > 2) {
        unsigned half = size / 2;
        mask = BIT64(half) - 1;
        if ((v & mask) != (v >> half & mask))
            break;
        size = half;
    }
    mask = size == 64 ? ~(u64)0 : BIT64(size) - 1;
    v &= mask;
    ones = (unsigned)__builtin_popcountll(v);
    for (r = 0; r < size; r++) {
        u64 turned = r ? (v << r | v >> (size - r)) & mask : v;
        if (turned == BIT64(ones) - 1)
            break;
    }
    if (r == size)
        return false;
    *fields = (u32)(size == 64) << 22 | r << 16 | ((0x3fu & ~(2 * size - 1)) | (ones - 1)) << 10;
    return true;
}

void as_mov_imm(struct as *a, unsigned d, u64 imm)
{
    unsigned zeros = 0, ones = 0, first = 1;
    u32 fields;
    for (unsigned k = 0; k < 4; k++) {
        u16 part = (u16)(imm >> (16 * k));
        zeros += part == 0;
        ones += part == 0xffff;
    }
    if (zeros < 3 && ones < 3 && logical(imm, true, &fields)) {
        as32(a, 0xb2000000 | fields | XZR << 5 | d); /* orr d, xzr, #imm */
        return;
    }
    if (zeros < 3 && imm == (u32)imm && (u32)(imm >> 16) != 0 && (u16)imm != 0) {
        if ((u16)(imm >> 16) == 0xffff) { /* movn w: the upper half becomes 0 */
            as32(a, 0x12800000 | (u32)(u16)~imm << 5 | d);
            return;
        }
        if (logical(imm, false, &fields)) {
            as32(a, 0x32000000 | fields | XZR << 5 | d);
            return;
        }
    }
    for (unsigned k = 0; k < 4; k++) {
        u32 part = (u16)(imm >> (16 * k));
        if (part == (ones > zeros ? 0xffffu : 0u))
            continue;
        if (first)
            as32(a, (ones > zeros ? 0x92800000u : 0xd2800000u) | k << 21 |
                        (ones > zeros ? part ^ 0xffff : part) << 5 | d);
        else
            as32(a, 0xf2800000 | k << 21 | part << 5 | d);
        first = 0;
    }
    if (first) /* all parts alike */
        as32(a, (ones > zeros ? 0x92800000u : 0xd2800000u) | d);
}

bool as_add_fits(bool wide, s64 imm)
{
    u64 n;
    if (!wide)
        imm = (s32)imm;
    n = imm < 0 ? -(u64)imm : (u64)imm;
    return n < 1 << 12 || (n < 1 << 24 && !(n & 0xfff));
}

void as_add_imm(struct as *a, u32 op, bool wide, unsigned d, unsigned n, s64 imm, unsigned scratch)
{
    static const u32 other = A_ADD ^ A_SUB;
    if (!wide)
        imm = (s32)imm;
    /* -0 has another carry. */
    if (imm < 0 && imm != INT64_MIN && -imm < 1 << 24)
        op ^= other, imm = -imm;
    if (imm >= 0 && imm < 1 << 12) {
        as32(a, ((op & 0x60000000u) | 0x11000000u) | (u32)wide << 31 | (u32)imm << 10 | n << 5 | d);
    } else if (imm >= 0 && imm < 1 << 24 && !(imm & 0xfff)) {
        as32(a, ((op & 0x60000000u) | 0x11400000u) | (u32)wide << 31 | (u32)(imm >> 12) << 10 |
                    n << 5 | d);
    } else {
        as_mov_imm(a, scratch, wide ? (u64)imm : (u32)imm);
        as_rrr(a, op, wide, d, n, scratch);
    }
}

void as_logic_imm(struct as *a, u32 op, bool wide, unsigned d, unsigned n, u64 imm,
                  unsigned scratch)
{
    u32 fields;
    if (!wide)
        imm = (u32)imm;
    if (logical(imm, wide, &fields)) {
        as32(a, ((op & 0x60000000u) | 0x12000000u) | (u32)wide << 31 | fields | n << 5 | d);
        return;
    }
    as_mov_imm(a, scratch, imm);
    as_rrr(a, op, wide, d, n, scratch);
}

bool as_logic_fits(bool wide, u64 imm)
{
    u32 fields;
    return logical(wide ? imm : (u32)imm, wide, &fields);
}

static bool scaled(unsigned size, s64 disp)
{
    return disp >= 0 && disp < (s64)size << 12 && !(disp & (s64)(size - 1));
}

bool as_mem_fits(unsigned size, s64 disp)
{
    return scaled(size, disp) || (disp >= -256 && disp < 256);
}

void as_mem(struct as *a, unsigned what, unsigned size, unsigned t, unsigned n, s64 disp)
{
    u32 log = (u32)__builtin_ctz(size);
    if (scaled(size, disp))
        as32(a, log << 30 | 0x39000000 | (u32)what << 22 | (u32)(disp >> log) << 10 | n << 5 | t);
    else
        as32(a, log << 30 | 0x38000000 | (u32)what << 22 | ((u32)disp & 0x1ff) << 12 | n << 5 | t);
}

static u8 *branch(struct as *a, u32 word)
{
    u8 *at = a->p;
    as32(a, word);
    return at;
}
u8 *as_b(struct as *a)
{
    return branch(a, 0x14000000);
}
u8 *as_bcond(struct as *a, unsigned cc)
{
    return branch(a, 0x54000000 | cc);
}
u8 *as_cbz(struct as *a, bool wide, unsigned t)
{
    return branch(a, 0x34000000 | (u32)wide << 31 | t);
}
u8 *as_cbnz(struct as *a, bool wide, unsigned t)
{
    return branch(a, 0x35000000 | (u32)wide << 31 | t);
}
u8 *as_tbz(struct as *a, unsigned t, unsigned bit)
{
    return branch(a, 0x36000000 | (bit >> 5) << 31 | (bit & 31) << 19 | t);
}
u8 *as_tbnz(struct as *a, unsigned t, unsigned bit)
{
    return branch(a, 0x37000000 | (bit >> 5) << 31 | (bit & 31) << 19 | t);
}

u8 *as_bl(struct as *a)
{
    return branch(a, 0x94000000);
}
u8 *as_adr(struct as *a, unsigned d)
{
    return branch(a, 0x10000000 | d);
}

void as_adr_here(struct as *a, u8 *at)
{
    if (!a->full)
        st32(at, ld32(at) | ((u32)(a->p - at) >> 2 & 0x7ffff) << 5);
}

bool as_branch(u8 *at, const u8 *to)
{
    u32 word = ld32(at);
    s64 far = (to - at) >> 2;
    unsigned bits, low;
    if ((word & 0x7c000000) == 0x14000000)
        bits = 26, low = 0;
    else if ((word & 0x7e000000) == 0x36000000)
        bits = 14, low = 5;
    else
        bits = 19, low = 5;
    if (far < -((s64)1 << (bits - 1)) || far >= (s64)1 << (bits - 1))
        return false;
    word = (word & ~((u32)(BIT64(bits) - 1) << low)) | ((u32)far & (u32)(BIT64(bits) - 1)) << low;
    st32(at, word);
    return true;
}

void as_patch(struct as *a, u8 *at)
{
    if (a->full || at >= a->end)
        return;
    if (!as_branch(at, a->p))
        a->full = true;
}

void as_b_to(struct as *a, const u8 *to)
{
    u8 *at = as_b(a);
    if (!a->full && !as_branch(at, to))
        a->full = true;
}

void as_bl_to(struct as *a, const u8 *to)
{
    u8 *at = as_bl(a);
    if (!a->full && !as_branch(at, to))
        a->full = true;
}
