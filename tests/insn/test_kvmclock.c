/* The paravirtual clock: what CPUID says of it, its registers, and that the page it writes makes the
 * time out of RDTSC, also behind a write of the counter (cpu/sys/kvmclock.c). */
#include "cpu/sys/cpuid.h"
#include "cpu/sys/msr.h"
#include "devices/core/clock.h"
#include "tests/insn/suite.h"

#if defined(__x86_64__)

enum { PAGE = AT_DATA + 0x40, WALL = AT_DATA + 0x100, OLD_WALL = 0x11, OLD_TIME = 0x12 };
#define MSR_KVM_WALL 0x4b564d00u
#define MSR_KVM_TIME 0x4b564d01u

GUEST(set_time, 32, "wrmsr\n nop\n rdmsr\n mov ebx, eax\n rdtsc\n hlt");

static u64 ld64_at(struct machine *m, u32 at)
{
    return machine_ld32(m, at) | (u64)machine_ld32(m, at + 4) << 32;
}

/* What a guest makes of the page for a value of its counter. */
static u64 time_of(struct machine *m, u64 tsc)
{
    u64 d = tsc - ld64_at(m, PAGE + 8);
    s8 shift = (s8)*machine_mem(m, PAGE + 28);
    d = shift < 0 ? d >> -shift : d << shift;
    return ld64_at(m, PAGE + 16) + (u64)((unsigned __int128)d * machine_ld32(m, PAGE + 24) >> 32);
}

static void start(struct machine *m, u32 msr, u32 v)
{
    machine_protected(m, 0, AT_CODE);
    machine_code(m, AT_CODE, set_time);
    m->cpu->gpr[REG_CX] = msr;
    m->cpu->gpr[REG_AX] = v;
    m->cpu->gpr[REG_DX] = 0;
    machine_run(m, 20);
}

START_TEST(clock_page)
{
    static const u32 rates[] = {0, 1000000000, 999999999, 2400000000u, 100000, 500000000};
    struct machine *m = machine_new("qemu32,+kvmclock", _i);
    for (unsigned i = 0; i < ARRAY_LEN(rates); i++)
        for (unsigned old = 0; old < 2; old++) {
            u64 hz = rates[i] ? rates[i] : 1000000000u, tsc, off, want;
            u32 version = machine_ld32(m, PAGE);
            m->cpu->hooks.tsc_hz = rates[i];
            start(m, old ? OLD_TIME : MSR_KVM_TIME, PAGE | 1);
            ck_assert_int_eq(machine_vector(m), -1);
            ck_assert_uint_eq(m->cpu->gpr[REG_BX], PAGE | 1);
            ck_assert_uint_gt(machine_ld32(m, PAGE), version);
            ck_assert_uint_eq(machine_ld32(m, PAGE) & 1, 0);
            ck_assert_uint_eq(*machine_mem(m, PAGE + 29), 1);
            tsc = (u32)m->cpu->gpr[REG_AX] | m->cpu->gpr[REG_DX] << 32;
            ck_assert_uint_gt(tsc, ld64_at(m, PAGE + 8));
            ck_assert_uint_lt(tsc, ld64_at(m, PAGE + 8) + 10);
            for (u64 far = 0; far < (1ull << 40); far = 4 * far + 3) {
                want = (u64)((unsigned __int128)(tsc + far) * NS_PER_SEC / hz);
                off = time_of(m, tsc + far);
                off = off > want ? off - want : want - off;
                ck_assert_uint_le(off, 2 + 2 * NS_PER_SEC / hz + (want >> 30));
            }
            /* The counter is set: the time is the same one. */
            ck_assert(msr_write(m->cpu, 0x10, 1000));
            ck_assert_uint_eq(ld64_at(m, PAGE + 8), 1000);
            want = (u64)((unsigned __int128)tsc * NS_PER_SEC / hz);
            ck_assert_uint_ge(time_of(m, 1000) + 2 * NS_PER_SEC / hz + 2, want);
            ck_assert_uint_le(time_of(m, 1000), want + 20 * NS_PER_SEC / hz + 20);
            m->cpu->tsc_offset = 0;
        }
    start(m, MSR_KVM_TIME, PAGE); /* off */
    memset(machine_mem(m, PAGE), 0xee, 32);
    ck_assert(msr_write(m->cpu, 0x10, 5));
    ck_assert_uint_eq(machine_ld32(m, PAGE), 0xeeeeeeeeu);
    machine_free(m);
}
END_TEST

START_TEST(time_of_day)
{
    struct machine *m = machine_new("qemu32,+kvmclock", _i);
    m->cpu->hooks.wall = 1234567890;
    for (unsigned old = 0; old < 2; old++) {
        start(m, old ? OLD_WALL : MSR_KVM_WALL, WALL);
        ck_assert_uint_eq(m->cpu->gpr[REG_BX], WALL);
        ck_assert_uint_eq(machine_ld32(m, WALL) & 1, 0);
        ck_assert_uint_gt(machine_ld32(m, WALL), 0);
        ck_assert_uint_eq(machine_ld32(m, WALL + 4), 1234567890);
        ck_assert_uint_eq(machine_ld32(m, WALL + 8), 0);
        memset(machine_mem(m, WALL), 0, 12);
    }
    machine_free(m);
}
END_TEST

START_TEST(who_has_it)
{
    struct machine *m = machine_new("qemu32,+kvmclock", _i), *n = machine_new("qemu32", _i);
    u32 out[4];
    cpuid_query(m->cpu, 1, 0, out);
    ck_assert(out[2] & BIT(31));
    cpuid_query(m->cpu, 0x40000000, 0, out);
    ck_assert_uint_eq(out[0], 0x40000001u);
    ck_assert(!memcmp(&out[1], "KVMKVMKVM\0\0\0", 12));
    cpuid_query(m->cpu, 0x40000001, 0, out);
    ck_assert_uint_eq(out[0], 1 | 8 | 1u << 24);
    ck_assert_uint_eq(out[1] | out[2] | out[3], 0);
    cpuid_query(n->cpu, 1, 0, out);
    ck_assert(!(out[2] & BIT(31)));
    cpuid_query(n->cpu, 0x40000000, 0, out);
    ck_assert(memcmp(&out[1], "KVMKVMKVM\0\0\0", 12));
    start(n, MSR_KVM_TIME, PAGE | 1);
    ck_assert_int_eq(machine_vector(n), EXC_GP);
    start(n, OLD_WALL, WALL);
    ck_assert_int_eq(machine_vector(n), EXC_GP);
    machine_free(m);
    machine_free(n);
}
END_TEST

SUITE_MAIN("kvmclock", clock_page, time_of_day, who_has_it)

#else
int main(void)
{
    return 0;
}
#endif
