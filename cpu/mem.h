/* Guest memory as instructions reach it: segment:offset with every check, faults raised (SDM vol. 3
 * ch. 5). All functions here leave by cpu_raise* on a fault, with nothing read or written. */
#ifndef CPU_MEM_H
#define CPU_MEM_H

#include "cpu/cpu.h"

/* The full check of an access through segment register s (SEG_*), for whatever the fast compare
 * does not cover: limits, expand-down, null, rights; in 64-bit mode the canonical form. Raises
 * #GP(0) or #SS(0), or returns. (sys/seg.c) */
void seg_check(struct cpu *cpu, unsigned s, u64 off, unsigned size, bool write);
/* The misaligned-access check failed its fast form: #AC(0) is raised. */
NORETURN void mem_raise_ac(struct cpu *cpu);
/* Compare an access with the breakpoint registers: a hit is reported behind the instruction.
 * (sys/debug.c) */
void debug_access(struct cpu *cpu, u64 la, unsigned size, bool write);

/* What cpu->watch is about: an access of n bytes at la. (sys/debug.c) */
void mem_seen(struct cpu *cpu, u64 la, unsigned n, bool write);

/* Linear address of segment s, offset off: 64-bit code has bases in FS and GS only. No checks. */
static inline u64 mem_address(const struct cpu *cpu, unsigned s, u64 off)
{
    if (cpu->code_bits == 64)
        return s >= SEG_FS ? cpu->seg[s].base + off : off;
    return (u32)(cpu->seg[s].base + off);
}

/* 64-bit code: nothing but the canonical form is checked. The upper half has no fast segment end. */
static inline bool mem_canonical(const struct cpu *cpu, unsigned s, u64 off, unsigned size)
{
    u64 la = mem_address(cpu, s, off);
    return cpu->code_bits == 64 && cpu_canonical(la) && cpu_canonical(la + size - 1);
}

/* Linear address of segment s, offset off, with rights for `size` bytes checked. */
static inline u64 mem_checked(struct cpu *cpu, unsigned s, u64 off, unsigned size, bool write)
{
    const struct seg *seg = &cpu->seg[s];
    u64 la;
    if (UNLIKELY(off + size > (write ? seg->end_w : seg->end_r) || off + size < off) &&
        !mem_canonical(cpu, s, off, size))
        seg_check(cpu, s, off, size, write);
    la = mem_address(cpu, s, off);
    if (UNLIKELY(cpu->align_check && (la & (size - 1)) && size <= 8))
        mem_raise_ac(cpu);
    return la;
}

/* The same for an access that is made now. */
static inline u64 mem_linear(struct cpu *cpu, unsigned s, u64 off, unsigned size, bool write)
{
    u64 la = mem_checked(cpu, s, off, size, write);
    if (UNLIKELY(cpu->watch))
        mem_seen(cpu, la, size, write);
    return la;
}

/* #AC for an operand that is accessed in other pieces than its type's alignment (table 6-7): `align`
 * is a power of two, `write` whether it is written. */
static inline void mem_check_align(struct cpu *cpu, unsigned s, u64 off, unsigned align,
                                   bool write)
{
    if (UNLIKELY(cpu->align_check && (mem_address(cpu, s, off) & (align - 1)))) {
        seg_check(cpu, s, off, align, write); /* the segment's own faults come first */
        mem_raise_ac(cpu);
    }
}

static inline u64 mem_read(struct cpu *cpu, unsigned s, u64 off, unsigned size)
{
    struct mmu_fault fault;
    u64 v;
    if (UNLIKELY(!mmu_read(&cpu->mmu, cpu->mmu_mode, mem_linear(cpu, s, off, size, false), size, &v,
                           &fault)))
        cpu_raise_pf(cpu, &fault);
    return v;
}

static inline void mem_write(struct cpu *cpu, unsigned s, u64 off, unsigned size, u64 v)
{
    struct mmu_fault fault;
    if (UNLIKELY(!mmu_write(&cpu->mmu, cpu->mmu_mode, mem_linear(cpu, s, off, size, true), size, v,
                            &fault)))
        cpu_raise_pf(cpu, &fault);
}

/* Make sure that a write of `size` bytes will succeed, without writing: before the first commit of
 * an instruction that reads, modifies and writes, or writes several places. */
static inline void mem_check_write(struct cpu *cpu, unsigned s, u64 off, unsigned size)
{
    struct mmu_fault fault;
    u64 la = mem_checked(cpu, s, off, size, true);
    if (UNLIKELY(cpu->watch & WATCH_DR))
        debug_access(cpu, la, size, true);
    if (UNLIKELY(!mmu_check_write(&cpu->mmu, cpu->mmu_mode, la, size, &fault)))
        cpu_raise_pf(cpu, &fault);
}

/* Read for a read-modify-write: the write is checked first, so the mem_write that follows cannot
 * fault. */
static inline u64 mem_read_rmw(struct cpu *cpu, unsigned s, u64 off, unsigned size)
{
    mem_check_write(cpu, s, off, size);
    return mem_read(cpu, s, off, size);
}

/* `n` bytes (any number below a page) through segment s; both directions check everything before
 * moving anything. */
void mem_read_bytes(struct cpu *cpu, unsigned s, u64 off, void *buf, unsigned n);
void mem_write_bytes(struct cpu *cpu, unsigned s, u64 off, const void *buf, unsigned n);

/* System accesses at a linear address with supervisor rights (descriptor tables, TSS, interrupt
 * stacks). */
u64 sys_read_slow(struct cpu *cpu, u64 la, unsigned size);
static inline u64 sys_read(struct cpu *cpu, u64 la, unsigned size)
{
    const struct tlb_entry *e;
    la = cpu_lma(cpu) ? la : (u32)la;
    e = &cpu->mmu.tlb[MMU_SUP].e[tlb_index(la)];
    if (LIKELY(tlb_hit(e->rd, la, size)))
        return ld_le((const void *)(uintptr_t)(la + e->addend), size);
    return sys_read_slow(cpu, la, size);
}
void sys_write(struct cpu *cpu, u64 la, unsigned size, u64 v);
void sys_check_write(struct cpu *cpu, u64 la, unsigned size);

#endif
