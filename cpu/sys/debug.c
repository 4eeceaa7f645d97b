/* Breakpoint registers DR0..DR7: comparing accesses, and the #DB they make (SDM vol. 3
 * section 17.2). */
#include "cpu/sys/debug.h"
#include "cpu/mem.h"
#include "cpu/sys/intr.h"

enum { KIND_EXEC, KIND_WRITE, KIND_IO, KIND_RW };

static unsigned bp_kind(const struct cpu *cpu, unsigned i)
{
    return (unsigned)(cpu->dr[7] >> (16 + 4 * i)) & 3;
}

static unsigned bp_len(const struct cpu *cpu, unsigned i)
{
    static const u8 len[4] = {1, 2, 8, 4};
    return len[cpu->dr[7] >> (18 + 4 * i) & 3];
}

static bool bp_enabled(const struct cpu *cpu, unsigned i)
{
    return cpu->dr[7] >> (2 * i) & 3;
}

void debug_update(struct cpu *cpu)
{
    bool watch = false;
    for (unsigned i = 0; i < 4; i++)
        if (bp_enabled(cpu, i) && (bp_kind(cpu, i) == KIND_WRITE || bp_kind(cpu, i) == KIND_RW))
            watch = true;
    cpu->watch = (u8)((cpu->watch & ~WATCH_DR) | (watch ? WATCH_DR : 0));
    cpu_update_mode(cpu);
}

static bool overlaps(const struct cpu *cpu, unsigned i, u64 addr, unsigned size)
{
    u64 len = bp_len(cpu, i), base = cpu->dr[i] & ~(len - 1);
    return addr < base + len && base < addr + size;
}

void debug_access(struct cpu *cpu, u64 la, unsigned size, bool write)
{
    u64 hits = 0;
    bool live = false;
    for (unsigned i = 0; i < 4; i++) {
        unsigned kind = bp_kind(cpu, i);
        if (!(kind == KIND_RW || (kind == KIND_WRITE && write)) || !overlaps(cpu, i, la, size))
            continue;
        hits |= BIT64(i);
        live = live || bp_enabled(cpu, i);
    }
    if (live)
        cpu->db_pending |= hits;
}

void mem_seen(struct cpu *cpu, u64 la, unsigned n, bool write)
{
    const struct probe_hooks *probe = log_probe(cpu->log);
    if (cpu->watch & WATCH_DR)
        debug_access(cpu, la, n, write);
    if (cpu->watch & WATCH_PROBE && probe && probe->mem)
        probe->mem(probe->arg, la, n, write);
}

void debug_io(struct cpu *cpu, u16 port, unsigned size)
{
    u64 hits = 0;
    if (LIKELY(!(cpu->dr[7] & DR7_ENABLE)) || !(cpu->cr4 & CR4_DE))
        return;
    for (unsigned i = 0; i < 4; i++)
        if (bp_enabled(cpu, i) && bp_kind(cpu, i) == KIND_IO && overlaps(cpu, i, port, size))
            hits |= BIT64(i);
    cpu->db_pending |= hits;
}

void debug_fetch(struct cpu *cpu)
{
    u64 la = cpu->code_bits == 64 ? cpu->rip : (u32)(cpu->seg[SEG_CS].base + cpu->rip), hits = 0;
    if (cpu->eflags & FL_RF) {
        cpu->eflags &= ~(u32)FL_RF;
        return;
    }
    if (cpu->shadow_ss) /* as if RF were set (section 6.8.3) */
        return;
    for (unsigned i = 0; i < 4; i++)
        if (bp_enabled(cpu, i) && bp_kind(cpu, i) == KIND_EXEC && cpu->dr[i] == la)
            hits |= BIT64(i);
    if (!hits)
        return;
    cpu->dr[6] = (cpu->dr[6] & ~(u64)DR6_B) | hits;
    cpu_raise(cpu, EXC_DB);
}

void debug_trap(struct cpu *cpu)
{
    u64 bits = cpu->db_pending;
    cpu->db_pending = 0;
    cpu->dr[6] = (cpu->dr[6] & ~(u64)DR6_B) | bits;
    intr_deliver(cpu, EXC_DB, INTR_TRAP, false, 0);
}

/* DR4 and DR5 are other names of DR6 and DR7 unless CR4.DE is set. GD guards them all. */
static unsigned dr_number(struct cpu *cpu, unsigned n)
{
    if ((n == 4 || n == 5) && (cpu->cr4 & CR4_DE))
        cpu_raise(cpu, EXC_UD);
    if (cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, 0);
    if (cpu->dr[7] & DR7_GD) {
        cpu->dr[7] &= ~(u64)DR7_GD;
        cpu->dr[6] |= DR6_BD;
        cpu_raise(cpu, EXC_DB);
    }
    return n == 4 || n == 5 ? n + 2 : n & 7;
}

u64 debug_read_dr(struct cpu *cpu, unsigned n)
{
    return cpu->dr[dr_number(cpu, n)];
}

void debug_write_dr(struct cpu *cpu, unsigned n, u64 v)
{
    n = dr_number(cpu, n);
    if (n >= 6 && v >> 32) /* only 64-bit code has the upper half */
        cpu_raise_err(cpu, EXC_GP, 0);
    if (n == 6)
        v = (v & 0xe00f) | 0xffff0ff0;
    else if (n == 7)
        v = (v & 0xffff23ff) | 0x400;
    cpu->dr[n] = v;
    if (n == 7)
        debug_update(cpu);
}
