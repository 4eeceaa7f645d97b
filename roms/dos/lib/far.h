/* Memory outside the program's own segment, and flags, for 16-bit programs whose CS, DS and SS are
 * one segment: reads and writes at segment:offset through FS, which the compiler never uses. */
#ifndef ROMS_DOS_LIB_FAR_H
#define ROMS_DOS_LIB_FAR_H

#include "devices/core/types.h"

#define PACKED __attribute__((packed))

enum {
    FLAG_CF = 0x0001,
    FLAG_ZF = 0x0040,
    FLAG_TF = 0x0100,
    FLAG_IF = 0x0200,
    FLAG_DF = 0x0400,
    FLAG_OF = 0x0800,
};

static inline u8 peek8(u16 seg, u32 off)
{
    u8 v;
    __asm__ volatile("movw %w1, %%fs; movb %%fs:(%2), %0"
                     : "=q"(v)
                     : "r"(seg), "r"(off)
                     : "memory");
    return v;
}

static inline u16 peek16(u16 seg, u32 off)
{
    u16 v;
    __asm__ volatile("movw %w1, %%fs; movw %%fs:(%2), %0"
                     : "=r"(v)
                     : "r"(seg), "r"(off)
                     : "memory");
    return v;
}

static inline u32 peek32(u16 seg, u32 off)
{
    u32 v;
    __asm__ volatile("movw %w1, %%fs; movl %%fs:(%2), %0"
                     : "=r"(v)
                     : "r"(seg), "r"(off)
                     : "memory");
    return v;
}

static inline void poke8(u16 seg, u32 off, u8 v)
{
    __asm__ volatile("movw %w1, %%fs; movb %0, %%fs:(%2)"
                     :
                     : "q"(v), "r"(seg), "r"(off)
                     : "memory");
}

static inline void poke16(u16 seg, u32 off, u16 v)
{
    __asm__ volatile("movw %w1, %%fs; movw %0, %%fs:(%2)"
                     :
                     : "r"(v), "r"(seg), "r"(off)
                     : "memory");
}

static inline void poke32(u16 seg, u32 off, u32 v)
{
    __asm__ volatile("movw %w1, %%fs; movl %0, %%fs:(%2)"
                     :
                     : "r"(v), "r"(seg), "r"(off)
                     : "memory");
}

/* The program's segment. */
static inline u16 own_seg(void)
{
    u16 v;
    __asm__ volatile("movw %%ds, %0" : "=r"(v));
    return v;
}

/* Copy n bytes from segment:offset to memory of our own; both offsets must stay below 64 KiB. */
static inline void far_read(void *dst, u16 seg, u16 off, u32 n)
{
    u32 s = off;
    __asm__ volatile("pushw %%ds; movw %w3, %%ds; cld; .byte 0x67; rep movsb; popw %%ds"
                     : "+D"(dst), "+S"(s), "+c"(n)
                     : "a"(seg)
                     : "memory");
}

/* The other way round. */
static inline void far_write(u16 seg, u16 off, const void *src, u32 n)
{
    u32 d = off;
    __asm__ volatile("pushw %%es; movw %w3, %%es; cld; .byte 0x67; rep movsb; popw %%es"
                     : "+D"(d), "+S"(src), "+c"(n)
                     : "a"(seg)
                     : "memory");
}

/* An interrupt vector of the real-mode table: segment in the upper half. */
static inline u32 get_vector(u8 n)
{
    return peek32(0, n * 4u);
}

static inline void set_vector(u8 n, u32 far_address)
{
    poke32(0, n * 4u, far_address);
}

/* Segment:offset of something in our own segment. */
static inline u32 far_of(const void *p)
{
    return (u32)own_seg() << 16 | ((u32)p & 0xffff);
}

static inline u32 far_code(void (*fn)(void))
{
    return (u32)own_seg() << 16 | ((u32)fn & 0xffff);
}

#endif
