/* Bit fields, and little-endian loads and stores that assume no alignment or host byte order. */
#ifndef DEVICES_CORE_BITS_H
#define DEVICES_CORE_BITS_H

#include "devices/core/types.h"

#include <string.h>

/* `len` bits (1..64) of `v` from bit `pos` up. */
static inline u64 bits_get(u64 v, unsigned pos, unsigned len)
{
    return (v >> pos) & (~0ull >> (64 - len));
}

/* `v` with the `len` bits from `pos` up replaced by the low bits of `x`. */
static inline u64 bits_put(u64 v, unsigned pos, unsigned len, u64 x)
{
    u64 mask = (~0ull >> (64 - len)) << pos;
    return (v & ~mask) | ((x << pos) & mask);
}

/* The low `size` bytes (1..8) set. */
static inline u64 size_mask(unsigned size)
{
    return ~0ull >> (64 - 8 * size);
}

/* The low `bits` bits (1..64) of `v`, sign-extended. */
static inline s64 sext(u64 v, unsigned bits)
{
    return (s64)(v << (64 - bits)) >> (64 - bits);
}

static inline u16 ld16(const void *p)
{
    const u8 *b = p;
    return (u16)(b[0] | b[1] << 8);
}

static inline u32 ld32(const void *p)
{
    const u8 *b = p;
    return (u32)b[0] | (u32)b[1] << 8 | (u32)b[2] << 16 | (u32)b[3] << 24;
}

static inline u64 ld64(const void *p)
{
    return (u64)ld32(p) | (u64)ld32((const u8 *)p + 4) << 32;
}

static inline void st16(void *p, u16 v)
{
    u8 *b = p;
    b[0] = (u8)v, b[1] = (u8)(v >> 8);
}

static inline void st32(void *p, u32 v)
{
    st16(p, (u16)v), st16((u8 *)p + 2, (u16)(v >> 16));
}

static inline void st64(void *p, u64 v)
{
    st32(p, (u32)v), st32((u8 *)p + 4, (u32)(v >> 32));
}

/* The same in big-endian order, as SCSI, networks and image formats have it. */
static inline u16 be16(const void *p)
{
    return __builtin_bswap16(ld16(p));
}

static inline u32 be32(const void *p)
{
    return __builtin_bswap32(ld32(p));
}

static inline u64 be64(const void *p)
{
    return __builtin_bswap64(ld64(p));
}

static inline void be16_put(void *p, u16 v)
{
    st16(p, __builtin_bswap16(v));
}

static inline void be32_put(void *p, u32 v)
{
    st32(p, __builtin_bswap32(v));
}

static inline void be64_put(void *p, u64 v)
{
    st64(p, __builtin_bswap64(v));
}

/* A little-endian load of `size` (1, 2, 4 or 8) bytes. */
static inline u64 ld_le(const void *p, unsigned size)
{
    switch (size) {
    case 1: return *(const u8 *)p;
    case 2: return ld16(p);
    case 4: return ld32(p);
    default: return ld64(p);
    }
}

/* A little-endian store of the low `size` (1, 2, 4 or 8) bytes of `v`. */
static inline void st_le(void *p, unsigned size, u64 v)
{
    switch (size) {
    case 1: *(u8 *)p = (u8)v; break;
    case 2: st16(p, (u16)v); break;
    case 4: st32(p, (u32)v); break;
    default: st64(p, v); break;
    }
}

#endif
