/* Loads of segment registers one after another, the descriptor changed in between, and the fast system
 * calls: each engine against exec, over random descriptors, selectors and limits of the GDT (SDM vol. 2
 * "MOV", "POP", "SYSENTER", "SYSEXIT"; vol. 3 sections 3.4 and 5.7). */
#include "cpu/mem.h"
#include "tests/insn/suite.h"

#if defined(__x86_64__)

enum { TRIES = 4000, D0 = SEL_FREE, ENTRY = AT_CODE + 0x100 };

GUEST(loads, 32, "mov ds, eax\n mov fs, eax\n mov ds, eax\n mov ds, eax\n mov es:[ebx], ecx\n mov ds, eax\n"
                 "mov fs, eax\n mov ds, edx\n mov ds, eax\n push eax\n pop ds\n push edx\n pop gs\n"
                 "pop gs\n hlt");
GUEST(real_load, 16, "mov ds, ax\n hlt");
GUEST(flat_load, 32, "mov ds, eax\n mov ds, eax\n mov ds, eax\n hlt");
GUEST(fast_calls, 32, "mov esi, 20\n again2: sysenter\n back: dec esi\n jnz again2\n hlt");
GUEST(fast_entry, 32, "mov ecx, edi\n mov edx, 0x10007\n inc ebp\n verw ax\n sysexit");

static u32 odd_type(u64 *s)
{
    const u32 usual = DA_P | DA_S | DA_G | DA_DB | DA_ACCESSED | DA_WRITE | DA_DPL;
    static const u32 flip[] = {DA_P, DA_S, DA_ACCESSED, DA_CODE, DA_CODE | DA_CONFORM,
                               DA_WRITE, DA_DPL, DA_G};
    u64 r = suite_random(s);
    return r & 3 ? usual : usual ^ flip[r >> 8 & 7];
}

static void world(struct machine *m, u64 seed)
{
    static const u16 others[] = {0, 3, SEL_DATA3, SEL_DATA0, SEL_TSS, D0 + 8, 0xff0, SEL_LDT | 4};
    struct cpu *cpu = m->cpu;
    u64 *s = &seed, r = suite_random(s);
    unsigned cpl = r & 1 ? 3 : 0;
    machine_protected(m, cpl, AT_CODE);
    machine_code(m, AT_CODE, loads);
    machine_desc(m, D0, r & 2 ? 0 : 0x1000, r & 4 ? 0xfffff : 0xfff, odd_type(s));
    machine_desc(m, D0 + 8, 0x2000, 0xfffff, odd_type(s));
    r = suite_random(s);
    cpu->gpr[REG_AX] = r & 7 ? D0 | (r >> 3 & 3) : others[r >> 8 & 7];
    cpu->gpr[REG_DX] = others[r >> 16 & 7];
    /* What it is mostly, or other rights or another base: the byte of the rights is at 5. */
    cpu->gpr[REG_BX] = AT_GDT + (D0 & ~7) + (r >> 24 & 1 ? 4 : 2);
    cpu->gpr[REG_CX] = r >> 25 & 1 ? machine_ld32(m, (u32)cpu->gpr[REG_BX])
                                   : machine_ld32(m, (u32)cpu->gpr[REG_BX]) ^ 1u << (r >> 32 & 31);
    if (!(r >> 40 & 7))
        cpu->gdt.limit = (u16)(D0 + (r >> 44 & 15));
}

static void same(struct machine *a, struct machine *b, u64 n)
{
    ck_assert_msg(cpu_hash(a->cpu) == cpu_hash(b->cpu) && a->cpu->mode_key == b->cpu->mode_key &&
                      cpu_icount(a->cpu) == cpu_icount(b->cpu),
                  "the CPUs differ in try %llu", (unsigned long long)n);
    ck_assert_msg(!memcmp(machine_mem(a, 0), machine_mem(b, 0), AT_STACK3 + 0x1000),
                  "memories differ in try %llu", (unsigned long long)n);
}

START_TEST(loads_again)
{
    struct machine *m = machine_new("max", _i), *e = machine_new("max", ENGINE_EXEC);
    for (u64 n = 0; n < TRIES; n++) {
        world(m, n * 0x2545f4914f6cdd1dull);
        world(e, n * 0x2545f4914f6cdd1dull);
        machine_run(m, 40);
        machine_run(e, 40);
        same(m, e, n);
    }
    machine_free(m);
    machine_free(e);
}
END_TEST

/* The same selector means something else in another mode. */
START_TEST(from_real_mode)
{
    struct machine *m = machine_new("max", _i);
    struct cpu *cpu = m->cpu;
    for (unsigned n = 0; n < 3; n++) {
        machine_protected(m, 0, AT_CODE);
        machine_code(m, AT_CODE, flat_load);
        cpu->gpr[REG_AX] = SEL_DATA3;
        machine_run(m, 10);
        ck_assert_uint_eq(cpu->seg[SEG_DS].base, 0);
        machine_real(m, 0x7000);
        machine_code(m, 0x7000, real_load);
        cpu->gpr[REG_AX] = SEL_DATA3;
        machine_run(m, 10);
        ck_assert_uint_eq(cpu->seg[SEG_DS].base, SEL_DATA3 << 4);
    }
    /* A null selector where DS has the number 0 already, from real mode, and the GDT begins with 0. */
    machine_real(m, 0x7000);
    ck_assert_uint_eq(cpu->seg[SEG_DS].sel, 0);
    machine_protected(m, 0, AT_CODE);
    machine_code(m, AT_CODE, flat_load);
    memset(machine_mem(m, AT_GDT), 0, 8);
    cpu->seg[SEG_DS].sel = 0;
    cpu->gpr[REG_AX] = 0;
    machine_run(m, 10);
    ck_assert_uint_eq(cpu->seg[SEG_DS].attr & DA_P, 0);
    machine_free(m);
}
END_TEST

static void calls(struct machine *m, unsigned flags)
{
    struct cpu *cpu = m->cpu;
    machine_protected(m, 3, AT_CODE);
    machine_code(m, AT_CODE, fast_calls);
    machine_code(m, ENTRY, fast_entry);
    cpu->sysenter_cs = SEL_CODE0;
    cpu->sysenter_eip = ENTRY;
    cpu->sysenter_esp = AT_STACK0;
    machine_desc(m, SEL_CODE0 + 16, 0, 0xfffff, DA_P | DA_S | DA_CODE | DA_READ | DA_DPL | DA_G | DA_DB);
    machine_desc(m, SEL_CODE0 + 24, 0, 0xfffff, DA_P | DA_S | DA_WRITE | DA_DPL | DA_G | DA_DB);
    cpu->gpr[REG_DI] = cpu->gpr[REG_SP];
    cpu->gpr[REG_AX] = SEL_DATA3;
    cpu_set_eflags(cpu, flags);
    cpu_update_mode(cpu);
}

START_TEST(system_calls)
{
    static const u32 flags[] = {0, FL_IF, FL_TF, FL_DF | F_ALL};
    struct machine *m = machine_new("max", _i), *e = machine_new("max", ENGINE_EXEC);
    for (u64 n = 0; n < 200; n++) {
        calls(m, flags[n & 3]);
        calls(e, flags[n & 3]);
        machine_run(m, (u32)n);
        machine_run(e, (u32)n);
        same(m, e, n);
        ck_assert(n < 190 || n & 2 || e->cpu->gpr[REG_SI] == 0);
    }
    machine_free(m);
    machine_free(e);
}
END_TEST

SUITE_MAIN("reload", loads_again, from_real_mode, system_calls)

#else
int main(void)
{
    return 0;
}
#endif
