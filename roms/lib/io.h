/* Port I/O and the few privileged instructions the ROMs need, as inline functions (Intel SDM volume
 * 2). */
#ifndef ROMS_LIB_IO_H
#define ROMS_LIB_IO_H

#include "devices/core/types.h"

static inline void outb(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outw(u16 port, u16 v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outl(u16 port, u32 v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline u8 inb(u16 port)
{
    u8 v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline u16 inw(u16 port)
{
    u16 v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline u32 inl(u16 port)
{
    u32 v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

/* Read `n` bytes from one port into memory with one string instruction. */
static inline void insb(u16 port, void *dst, u32 n)
{
    __asm__ volatile("cld; rep insb" : "+D"(dst), "+c"(n) : "d"(port) : "memory");
}

static inline u64 rdtsc(void)
{
    u64 v;
    __asm__ volatile("rdtsc" : "=A"(v));
    return v;
}

static inline void cpu_cli(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void cpu_sti(void)
{
    __asm__ volatile("sti" : : : "memory");
}

/* Sleep until the next interrupt. `sti` takes effect after the following instruction, so none is
 * lost between the two. */
static inline void cpu_idle(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

static inline u32 read_cr0(void)
{
    u32 v;
    __asm__ volatile("mov %%cr0, %0" : "=r"(v));
    return v;
}

static inline void write_cr0(u32 v)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}

static inline u32 read_cr2(void)
{
    u32 v;
    __asm__ volatile("mov %%cr2, %0" : "=r"(v));
    return v;
}

static inline u32 read_cr3(void)
{
    u32 v;
    __asm__ volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}

static inline void write_cr3(u32 v)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}

static inline u32 read_cr4(void)
{
    u32 v;
    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}

static inline void write_cr4(u32 v)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

static inline void invlpg(const volatile void *p)
{
    __asm__ volatile("invlpg (%0)" : : "r"(p) : "memory");
}

static inline u32 read_eflags(void)
{
    u32 v;
    __asm__ volatile("pushf; pop %0" : "=r"(v));
    return v;
}

/* 64 by 32 bit division; the compiler's own needs a 32-bit support library that not every host has.
 */
static inline u64 div64(u64 a, u32 b)
{
    u32 hi = (u32)(a >> 32), lo = (u32)a, qhi, qlo, rem;

    __asm__("divl %4" : "=a"(qhi), "=d"(rem) : "0"(hi), "1"(0), "r"(b));
    __asm__("divl %4" : "=a"(qlo), "=d"(rem) : "0"(lo), "1"(rem), "r"(b));
    return (u64)qhi << 32 | qlo;
}

#endif
