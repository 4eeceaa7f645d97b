/* Byte blocks through segments, and the accesses that the processor makes for itself with
 * supervisor rights (SDM vol. 3 sections 4.6 and 5.3). */
#include "cpu/mem.h"

void mem_raise_ac(struct cpu *cpu)
{
    cpu_raise_err(cpu, EXC_AC, 0);
}

/* Linear address of the block after all checks of segmentation. Blocks are not aligned operands:
 * #AC is the caller's. */
static u64 block_linear(struct cpu *cpu, unsigned s, u64 off, unsigned n, bool write)
{
    const struct seg *seg = &cpu->seg[s];
    u64 la;
    if (UNLIKELY(off + n > (write ? seg->end_w : seg->end_r) || off + n < off))
        seg_check(cpu, s, off, n, write);
    la = mem_address(cpu, s, off);
    if (UNLIKELY(cpu->watch))
        mem_seen(cpu, la, n, write);
    return la;
}

/* The largest power of two, at most 8, that fits n. */
static unsigned piece(unsigned n)
{
    return n >= 8 ? 8 : n >= 4 ? 4 : n >= 2 ? 2 : 1;
}

void mem_read_bytes(struct cpu *cpu, unsigned s, u64 off, void *buf, unsigned n)
{
    struct mmu_fault fault;
    u64 la = block_linear(cpu, s, off, n, false);
    u8 *out = buf;
    if (!mmu_check_read(&cpu->mmu, cpu->mmu_mode, la, n, &fault))
        cpu_raise_pf(cpu, &fault);
    while (n) {
        unsigned size = piece(n);
        u64 v;
        if (!mmu_read(&cpu->mmu, cpu->mmu_mode, la, size, &v, &fault))
            cpu_raise_pf(cpu, &fault);
        st_le(out, size, v);
        out += size;
        la += size;
        n -= size;
    }
}

void mem_write_bytes(struct cpu *cpu, unsigned s, u64 off, const void *buf, unsigned n)
{
    struct mmu_fault fault;
    u64 la = block_linear(cpu, s, off, n, true);
    const u8 *in = buf;
    if (!mmu_check_write(&cpu->mmu, cpu->mmu_mode, la, n, &fault))
        cpu_raise_pf(cpu, &fault);
    while (n) {
        unsigned size = piece(n);
        if (!mmu_write(&cpu->mmu, cpu->mmu_mode, la, size, ld_le(in, size), &fault))
            cpu_raise_pf(cpu, &fault);
        in += size;
        la += size;
        n -= size;
    }
}

/* Linear addresses are 32 bits wide outside long mode, and canonical in it. */
static u64 wrap(struct cpu *cpu, u64 la, unsigned size)
{
    if (!cpu_lma(cpu))
        return (u32)la;
    if (UNLIKELY(!cpu_canonical(la) || !cpu_canonical(la + size - 1)))
        cpu_raise_err(cpu, EXC_GP, 0);
    return la;
}

u64 sys_read_slow(struct cpu *cpu, u64 la, unsigned size)
{
    struct mmu_fault fault;
    u64 v;
    if (!mmu_read(&cpu->mmu, MMU_SUP, wrap(cpu, la, size), size, &v, &fault))
        cpu_raise_pf(cpu, &fault);
    return v;
}

void sys_write(struct cpu *cpu, u64 la, unsigned size, u64 v)
{
    struct mmu_fault fault;
    if (!mmu_write(&cpu->mmu, MMU_SUP, wrap(cpu, la, size), size, v, &fault))
        cpu_raise_pf(cpu, &fault);
}

void sys_check_write(struct cpu *cpu, u64 la, unsigned size)
{
    struct mmu_fault fault;
    if (!mmu_check_write(&cpu->mmu, MMU_SUP, wrap(cpu, la, size), size, &fault))
        cpu_raise_pf(cpu, &fault);
}
