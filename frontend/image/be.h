/* Big-endian loads and stores, as image formats want them. */
#ifndef FRONTEND_IMAGE_BE_H
#define FRONTEND_IMAGE_BE_H

#include "devices/core/bits.h"

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
static inline void put16(void *p, u16 v)
{
    st16(p, __builtin_bswap16(v));
}
static inline void put32(void *p, u32 v)
{
    st32(p, __builtin_bswap32(v));
}
static inline void put64(void *p, u64 v)
{
    st64(p, __builtin_bswap64(v));
}

#endif
