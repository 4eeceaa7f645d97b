/* The paravirtual clock of KVM (Linux, Documentation/virt/kvm/x86/msr.rst and cpuid.rst): the guest
 * names a place in memory where it finds what to make of its time-stamp counter. That counts at a
 * constant rate here, of the machine's own clock also when the machine is stopped or its time counted,
 * so what is written once stays true until the counter is set. */
#include "cpu/sys/kvmclock.h"
#include "cpu/sys/msr.h"
#include "mmu/bus.h"
#include "devices/core/clock.h"

#include <string.h>

#define MSR_WALL_OLD 0x11u
#define MSR_TIME_OLD 0x12u
#define MSR_WALL     0x4b564d00u
#define MSR_TIME     0x4b564d01u

/* Leaf 0x40000001, EAX. */
enum {
    HAS_CLOCK_OLD = BIT(0),
    HAS_CLOCK = BIT(3),
    HAS_STABLE = BIT(24), /* the flag below is to be believed */
};
enum { ENABLED = 1, TSC_STABLE = 1 };

void kvmclock_leaf(const struct cpu *cpu, u32 leaf, u32 out[4])
{
    static const char name[12] = "KVMKVMKVM";
    if (leaf == 0x40000000u) {
        out[0] = 0x40000001u;
        memcpy(&out[1], name, sizeof(name));
    } else {
        out[0] = HAS_CLOCK_OLD | HAS_CLOCK | HAS_STABLE;
    }
}

static u64 tsc_hz(const struct cpu *cpu)
{
    return cpu->hooks.tsc_hz ? cpu->hooks.tsc_hz : NS_PER_SEC;
}

static void put32(struct cpu *cpu, u64 at, u32 v)
{
    bus_write(cpu->mmu.mem, at, v, 4);
}
static void put64(struct cpu *cpu, u64 at, u64 v)
{
    put32(cpu, at, (u32)v);
    put32(cpu, at + 4, (u32)(v >> 32));
}

/* An odd version says that what follows is being changed. */
static u32 next_version(struct cpu *cpu)
{
    return ++cpu->kvm_version;
}

static void put_time(struct cpu *cpu)
{
    u64 at = cpu->kvm_time & ~(u64)ENABLED, tsc = cpu_tsc(cpu), ticks = tsc_hz(cpu);
    u64 now = muldiv64(tsc - cpu->tsc_offset, NS_PER_SEC, ticks);
    s8 shift = 0;
    /* ns = (ticks << shift) * mul / 2^32, with mul from 2^31 on */
    for (; ticks <= NS_PER_SEC; ticks <<= 1)
        shift++;
    for (; ticks > 2 * NS_PER_SEC; ticks >>= 1)
        shift--;
    put32(cpu, at, next_version(cpu));
    put32(cpu, at + 4, 0);
    put64(cpu, at + 8, tsc);
    put64(cpu, at + 16, now);
    put32(cpu, at + 24, (u32)((NS_PER_SEC << 32) / ticks));
    put32(cpu, at + 28, (u8)shift | TSC_STABLE << 8);
    put32(cpu, at, next_version(cpu));
}

/* The time of day when the clock was 0. */
static void put_wall(struct cpu *cpu)
{
    put32(cpu, cpu->kvm_wall, next_version(cpu));
    put32(cpu, cpu->kvm_wall + 4, (u32)cpu->hooks.wall);
    put32(cpu, cpu->kvm_wall + 8, 0);
    put32(cpu, cpu->kvm_wall, next_version(cpu));
}

void kvmclock_moved(struct cpu *cpu)
{
    if (cpu->kvm_time & ENABLED)
        put_time(cpu);
}

bool kvmclock_read(const struct cpu *cpu, u32 n, u64 *v)
{
    if (!cpu_has(cpu, FEAT_KVMCLOCK))
        return false;
    switch (n) {
    case MSR_WALL_OLD:
    case MSR_WALL: *v = cpu->kvm_wall; return true;
    case MSR_TIME_OLD:
    case MSR_TIME: *v = cpu->kvm_time; return true;
    default: return false;
    }
}

bool kvmclock_write(struct cpu *cpu, u32 n, u64 v)
{
    if (!cpu_has(cpu, FEAT_KVMCLOCK))
        return false;
    switch (n) {
    case MSR_WALL_OLD:
    case MSR_WALL:
        cpu->kvm_wall = v;
        put_wall(cpu);
        return true;
    case MSR_TIME_OLD:
    case MSR_TIME:
        cpu->kvm_time = v;
        kvmclock_moved(cpu);
        return true;
    default: return false;
    }
}
