/* Shifts and rotates with their flags (SDM vol. 2, "RCL/RCR/ROL/ROR", "SAL/SAR/SHL/SHR", "SHLD",
 * "SHRD"). */
#include "cpu/flags.h"

/* OF after a rotate or shift to the left, whatever the count: the top bit differs from what left
 * last. */
static u32 left_of(u64 r, u32 cf, unsigned size)
{
    return msb(r, size) ^ cf;
}

/* OF after a rotate or shift to the right: the two top bits differ. */
static u32 right_of(u64 r, unsigned size)
{
    return msb(r, size) ^ msb(r << 1, size);
}

static u64 rotate(enum shift_kind kind, u64 a, unsigned count, unsigned size, u32 *flags)
{
    unsigned bits = 8 * size;
    unsigned n = count % bits;
    u32 cf, of;
    u64 r;
    if (kind == SHIFT_ROL) {
        r = n ? (a << n | a >> (bits - n)) : a;
        cf = (u32)r & 1;
        of = left_of(r, cf, size);
    } else {
        r = n ? (a >> n | a << (bits - n)) : a;
        cf = msb(r, size);
        of = right_of(r, size);
    }
    *flags = (*flags & ~(u32)(F_C | F_O)) | cf | of << 11;
    return r & size_mask(size);
}

/* Through CF: a register of bits + 1 bits turns. */
static u64 rotate_carry(enum shift_kind kind, u64 a, unsigned count, unsigned size, u32 *flags)
{
    unsigned bits = 8 * size;
    unsigned n = count % (bits + 1);
    u32 cf = *flags & F_C;
    u32 of;
    u64 r = a;
    if (kind == SHIFT_RCL) {
        if (n) {
            r = (n < bits ? a << n : 0) | (u64)cf << (n - 1) | (n > 1 ? a >> (bits + 1 - n) : 0);
            cf = (u32)(a >> (bits - n)) & 1;
        }
        of = left_of(r, cf, size);
    } else {
        if (n) {
            r = (n < bits ? a >> n : 0) | (u64)cf << (bits - n) | (n > 1 ? a << (bits + 1 - n) : 0);
            cf = (u32)(a >> (n - 1)) & 1;
        }
        of = right_of(r, size);
    }
    *flags = (*flags & ~(u32)(F_C | F_O)) | cf | of << 11;
    return r & size_mask(size);
}

static u64 shift(enum shift_kind kind, u64 a, unsigned count, unsigned size, u32 *flags)
{
    unsigned bits = 8 * size;
    u32 cf, of;
    u64 r;
    if (kind == SHIFT_SHR) {
        r = count < bits ? a >> count : 0;
        cf = count <= bits ? (u32)(a >> (count - 1)) & 1 : 0;
        of = right_of(r, size);
    } else if (kind == SHIFT_SAR) {
        s64 v = sext(a, bits);
        unsigned n = MIN(count, bits - 1);
        r = (u64)(v >> n);
        cf = (u32)(v >> MIN(count - 1, 63)) & 1;
        of = 0;
    } else {
        r = count < bits ? a << count : 0;
        cf = count <= bits ? (u32)(a >> (bits - count)) & 1 : 0;
        of = left_of(r, cf, size);
    }
    r &= size_mask(size);
    *flags = flags_shift(r, cf, of, size);
    return r;
}

u64 flags_rotate_shift(enum shift_kind kind, u64 a, unsigned count, unsigned size, u32 *flags)
{
    if (!count)
        return a;
    switch (kind) {
    case SHIFT_ROL:
    case SHIFT_ROR: return rotate(kind, a, count, size, flags);
    case SHIFT_RCL:
    case SHIFT_RCR: return rotate_carry(kind, a, count, size, flags);
    default: return shift(kind, a, count, size, flags);
    }
}

u64 flags_shld(u64 a, u64 b, unsigned count, unsigned size, u32 *flags)
{
    unsigned bits = 8 * size;
    u32 cf;
    u64 r;
    if (!count)
        return a;
    if (size == 2) {
        u64 wide = (a << 32) | (b << 16) | a; /* bits move in from b, then from a again */
        r = wide << count >> 32;
        cf = (u32)(wide >> (48 - count)) & 1;
    } else {
        r = a << count | b >> (bits - count);
        cf = (u32)(a >> (bits - count)) & 1;
    }
    r &= size_mask(size);
    *flags = flags_shift(r, cf, left_of(r, cf, size), size);
    return r;
}

u64 flags_shrd(u64 a, u64 b, unsigned count, unsigned size, u32 *flags)
{
    unsigned bits = 8 * size;
    u32 cf;
    u64 r;
    if (!count)
        return a;
    if (size == 2) {
        u64 wide = a << 32 | b << 16 | a;
        r = wide >> count;
        cf = (u32)(wide >> (count - 1)) & 1;
    } else {
        r = a >> count | b << (bits - count);
        cf = (u32)(a >> (count - 1)) & 1;
    }
    r &= size_mask(size);
    *flags = flags_shift(r, cf, right_of(r, size), size);
    return r;
}
