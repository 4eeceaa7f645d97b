/* System registers and the instructions around them: CPUID, MSRs, time stamp, SYSENTER, CMPXCHG8B,
 * control registers. */
#include "roms/test/lib/test.h"

enum {
    CPUID_TSC = 1 << 4,
    CPUID_MSR = 1 << 5,
    CPUID_CX8 = 1 << 8,
    CPUID_SEP = 1 << 11,
    CPUID_FXSR = 1 << 24
};
enum { MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP = 0x175, MSR_SYSENTER_EIP = 0x176 };

static u32 features;

static void cpuid(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
    __asm__ volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "0"(leaf), "2"(0));
}

static void wrmsr(u32 msr, u64 v)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "A"(v));
}

static u64 rdmsr(u32 msr)
{
    u64 v;
    __asm__ volatile("rdmsr" : "=A"(v) : "c"(msr));
    return v;
}

static void identification(void)
{
    u32 a, b, c, d, max;

    cpuid(0, &max, &b, &c, &d);
    CHECK(max >= 1 && max < 0x100);
    cpuid(1, &a, &b, &c, &features);
    /* Family 4 or later, and an x87. */
    CHECK((a >> 8 & 15) >= 4);
    CHECK_EQ(features & 1, 1);
}

static void time_stamp(void)
{
    u64 last_value, v;

    if ((features & CPUID_TSC) == 0)
        return;
    last_value = rdtsc();
    for (u32 i = 0; i < 1000; i++) {
        v = rdtsc();
        CHECK(v >= last_value);
        last_value = v;
    }
}

static void user_rdtsc(void)
{
    rdtsc();
    __asm__ volatile("int %0" : : "i"(VEC_USER));
}

static void time_stamp_disable(void)
{
    if ((features & CPUID_TSC) == 0)
        return;
    CHECK_EQ(user_run(user_rdtsc), VEC_USER);
    write_cr4(read_cr4() | 4);
    CHECK_EQ(user_run(user_rdtsc), VEC_GP);
    write_cr4(read_cr4() & ~4u);
}

static void user_rdmsr(void)
{
    rdmsr(0x10);
}

static void bad_cr4(void)
{
    write_cr4(0x80000000u);
}

static void paging_without_protection(void)
{
    write_cr0((read_cr0() & ~1u) | 0x80000000u);
}

static void nw_without_cd(void)
{
    write_cr0((read_cr0() & ~0x40000000u) | 0x20000000u);
}

static void cr1(void)
{
    __asm__ volatile(".byte 0x0f, 0x20, 0xc8"); /* mov %cr1, %eax */
}

static void registers(void)
{
    u32 v;

    if ((features & CPUID_MSR) != 0)
        CHECK_EQ(user_run(user_rdmsr), VEC_GP);
    CHECK_EQ(trap_run(bad_cr4), VEC_GP);
    CHECK_EQ(trap_run(paging_without_protection), VEC_GP);
    CHECK_EQ(trap_run(nw_without_cd), VEC_GP);
    CHECK_EQ(trap_run(cr1), VEC_UD);
    /* LMSW sets PE and cannot clear it; SMSW reads. */
    __asm__ volatile("smsw %w0" : "=r"(v));
    CHECK_EQ(v & 1, 1);
    __asm__ volatile("lmsw %w0" : : "r"((v | 8) & ~1u));
    __asm__ volatile("smsw %w0" : "=r"(v));
    CHECK_EQ(v & 9, 9);
    __asm__ volatile("clts; smsw %w0" : "=r"(v));
    CHECK_EQ(v & 8, 0);
}

static void tables(void)
{
    struct {
        u16 limit;
        u32 base;
    } __attribute__((packed)) r = {0, 0};
    u32 v = 0;

    __asm__ volatile("sgdt %0" : "=m"(r));
    CHECK_EQ(r.limit, GDT_SIZE * 8 - 1);
    CHECK_EQ(r.base, (u32)gdt);
    __asm__ volatile("sidt %0" : "=m"(r));
    CHECK_EQ(r.base, (u32)idt);
    __asm__ volatile("str %w0" : "=r"(v));
    CHECK_EQ(v & 0xffff, SEL_TSS);
    __asm__ volatile("sldt %w0" : "=r"(v));
    CHECK_EQ(v & 0xffff, 0);
}

static void exchange(void)
{
    u64 value = 0x1122334455667788ull, want = value;
    u32 lo, hi;
    u8 equal;

    if ((features & CPUID_CX8) == 0)
        return;
    __asm__ volatile("lock cmpxchg8b %0; sete %1"
                     : "+m"(value), "=q"(equal), "=a"(lo), "=d"(hi)
                     : "2"((u32)want), "3"((u32)(want >> 32)), "b"(0xaaaa), "c"(0xbbbb)
                     : "memory", "cc");
    CHECK_EQ(equal, 1);
    CHECK_EQ((u32)value, 0xaaaa);
    CHECK_EQ((u32)(value >> 32), 0xbbbb);
    __asm__ volatile("lock cmpxchg8b %0; sete %1"
                     : "+m"(value), "=q"(equal), "=a"(lo), "=d"(hi)
                     : "2"(1), "3"(2), "b"(3), "c"(4)
                     : "memory", "cc");
    CHECK_EQ(equal, 0);
    CHECK_EQ(lo, 0xaaaa);
    CHECK_EQ(hi, 0xbbbb);
    CHECK_EQ((u32)value, 0xaaaa);
}

/* SYSENTER lands here in ring 0; SYSEXIT goes on in ring 3 at EDX with the stack in ECX. */
__asm__(".text\n"
        "fast_entry:\n\t"
        "add $0x100, %eax\n\t"
        "sysexit\n");
extern const u8 fast_entry[];

static void user_sysenter(void)
{
    u32 v = 7, cs;

    __asm__ volatile("mov %%esp, %%ecx\n\t"
                     "mov $1f, %%edx\n\t"
                     "sysenter\n"
                     "1: mov %%cs, %1"
                     : "+a"(v), "=r"(cs)
                     :
                     : "ecx", "edx", "memory");
    __asm__ volatile("int %0" : : "i"(VEC_USER), "a"(v), "b"(cs));
}

static void do_sysenter(void)
{
    __asm__ volatile("sysenter");
}

static void fast_call(void)
{
    if ((features & CPUID_SEP) == 0)
        return;
    wrmsr(MSR_SYSENTER_CS, 0);
    CHECK_EQ(user_run(do_sysenter), VEC_GP);
    CHECK_EQ(last.f.error, 0);
    wrmsr(MSR_SYSENTER_CS, SEL_CODE);
    wrmsr(MSR_SYSENTER_ESP, 0x97000);
    wrmsr(MSR_SYSENTER_EIP, (u32)fast_entry);
    CHECK_EQ(rdmsr(MSR_SYSENTER_ESP), 0x97000);
    CHECK_EQ(user_run(user_sysenter), VEC_USER);
    CHECK_EQ(last.f.eax, 0x107);
    CHECK_EQ(last.f.ebx & 0xffff, SEL_CODE3);
}

static u8 area[512] __attribute__((aligned(16)));

static void misaligned_fxsave(void)
{
    __asm__ volatile("fxsave (%0)" : : "r"(area + 8) : "memory");
}

static void state(void)
{
    u16 control = 0x27f, back = 0;

    if ((features & CPUID_FXSR) == 0)
        return;
    write_cr0(read_cr0() & ~0xcu);
    write_cr4(read_cr4() | 0x200);
    __asm__ volatile("fninit; fldcw %1; fld1; fldpi; fxsave %0" : "=m"(area) : "m"(control));
    CHECK_EQ(*(u16 *)area, 0x27f);
    CHECK_EQ(area[4], 0xc0); /* the short tag word: registers 6 and 7 hold something */
    CHECK_EQ(*(u16 *)(area + 32 + 8), 0x4000);
    CHECK_EQ(*(u16 *)(area + 48 + 8), 0x3fff);
    __asm__ volatile("fninit; fxrstor %1; fnstcw %0" : "=m"(back) : "m"(area));
    CHECK_EQ(back, 0x27f);
    CHECK_EQ(trap_run(misaligned_fxsave), VEC_GP);
}

void run_test(void)
{
    identification();
    time_stamp();
    time_stamp_disable();
    registers();
    tables();
    exchange();
    fast_call();
    state();
}
