/* Operands for the floating-point tests: a deterministic generator that favours corners. */
#ifndef TESTS_UNIT_FP_CASES_H
#define TESTS_UNIT_FP_CASES_H

#include "cpu/fp/fp.h"

/* xorshift64*: the same sequence on every host. */
static inline u64 rnd(u64 *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 0x2545f4914f6cdd1dull;
}

/* A 64-bit pattern: random, sparse, or a run of ones. */
static inline u64 rnd_bits(u64 *s)
{
    u64 r = rnd(s), v = rnd(s);
    switch (r & 7) {
    case 0: return 0;
    case 1: return ~0ull;
    case 2: return 1ull << (v & 63);
    case 3: return ~0ull << (v & 63);
    case 4: return ~0ull >> (v & 63);
    case 5: return (~0ull << (v & 63)) ^ (1ull << (v >> 8 & 63));
    default: return v;
    }
}

static inline struct f80 rnd_f80(u64 *s)
{
    static const u16 exps[] = {0,      1,      2,      0x7fff, 0x7ffe, 0x7ffd, 0x3fff,
                               0x3ffe, 0x4000, 0x403e, 0x403f, 0x400e, 0x401e, 0x3fc0,
                               0x3f81, 0x3f80, 0x3c01, 0x3c00, 0x407e, 0x43fe, 0x407f,
                               0x43ff, 0x3f6a, 0x3bcd, 0x403a, 0x403b, 0x0040, 0x7fc0};
    u64 r = rnd(s);
    struct f80 v = {rnd_bits(s), (u16)(r >> 48)};
    switch (r & 7) {
    case 0: break;
    case 1:
    case 2:
    case 3: v.se = (u16)((v.se & 0x8000) | exps[(r >> 8) % ARRAY_LEN(exps)]); break;
    default: v.se = (u16)((v.se & 0x8000) | (16383 - 70 + (r >> 8) % 141)); break;
    }
    if ((v.se & 0x7fff) && (r >> 32 & 15))
        v.frac |= 1ull << 63;
    if ((v.se & 0x7fff) == 0 && (r >> 32 & 7))
        v.frac &= ~(1ull << 63);
    return v;
}

/* An IEEE pattern of `fracbits` and `expbits`. */
static inline u64 rnd_ieee(u64 *s, unsigned fracbits, unsigned expbits)
{
    u64 r = rnd(s), expmax = (1ull << expbits) - 1, exp, frac = rnd_bits(s) >> (63 - fracbits) >> 1;
    switch (r & 7) {
    case 0: exp = r >> 8; break;
    case 1: exp = 0; break;
    case 2: exp = expmax; break;
    case 3: exp = (r >> 8 & 1) ? 1 : expmax - 1; break;
    default: exp = (expmax >> 1) - 35 + (r >> 8) % 71; break;
    }
    return (r >> 63) << (fracbits + expbits) | (exp & expmax) << fracbits | frac;
}

#endif
