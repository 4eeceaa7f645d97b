/* The quick ways of INT and IRET (cpu/sys/quick.c) against the general ones, which a machine takes
 * whose CPU watches data accesses (for breakpoints that are not there): random tables, stacks and
 * flags, equal results (SDM vol. 3 section 6.12; vol. 2 "IRET"). */
#include "cpu/mem.h"
#include "cpu/sys/ctrl.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { TRIES = 20000, VECTOR = 0x50, CODE_FREE = SEL_FREE, DATA_FREE = SEL_FREE + 8 };

GUEST(int_50, 32, "int 0x50");
GUEST(iret_d, 32, "iretd");

/* Mostly 0, else one of a few numbers from 1 on. */
static unsigned seldom(u64 *s, unsigned n)
{
    u64 r = suite_random(s);
    return r % 8 ? 0 : 1 + (unsigned)(r >> 8) % n;
}

/* Descriptors that handlers and programs may use, as right as they are odd. */
static void free_descriptors(struct machine *m, u64 *s)
{
    const u32 usual = DA_P | DA_S | DA_G | DA_DB | DA_ACCESSED;
    static const u32 flip[] = {DA_P, DA_S, DA_DB, DA_ACCESSED, DA_CODE, DA_CONFORM, DA_WRITE, DA_G};
    u32 code = usual | DA_CODE | DA_READ | (suite_random(s) & 1 ? DA_DPL : 0);
    u32 data = usual | DA_WRITE | (suite_random(s) & 1 ? DA_DPL : 0);
    unsigned c = seldom(s, ARRAY_LEN(flip)), d = seldom(s, ARRAY_LEN(flip));
    machine_desc(m, CODE_FREE, seldom(s, 2) * 0x1000, seldom(s, 1) ? 0x30 : 0xfffff,
                 c ? code ^ flip[c - 1] : code);
    machine_desc(m, DATA_FREE, seldom(s, 2) * 0x1000, seldom(s, 1) ? 0x33 : 0xfffff,
                 d ? data ^ flip[d - 1] : data);
}

static unsigned selector(u64 *s, unsigned usual, unsigned other)
{
    static const u16 odd[] = {0, 3, SEL_TSS, SEL_LDT | 4, 0xff8, SEL_CODE3, SEL_DATA3, SEL_CODE0};
    unsigned n = seldom(s, ARRAY_LEN(odd));
    return n ? odd[n - 1] : suite_random(s) & 1 ? usual : other | (suite_random(s) & 1 ? 3 : 0);
}

static u32 flags(u64 *s)
{
    u32 most = F_ALL | FL_IF | FL_DF | FL_AC | FL_ID | FL_IOPL;
    return ((u32)suite_random(s) & most) | (seldom(s, 1) ? FL_NT : 0);
}

static u32 stack_place(u64 *s, u32 usual)
{
    static const u32 odd[] = {4, 0x30, 0xfffffff8u, AT_STACK0 + 0x1008, 0xffff};
    unsigned n = seldom(s, ARRAY_LEN(odd));
    return n ? odd[n - 1] : usual - 4 * (u32)(suite_random(s) % 64);
}

static void interrupt_world(struct machine *m, u64 *s)
{
    static const u32 types[] = {SYS_TRAP32, SYS_INT32, SYS_INT32, SYS_TRAP32, SYS_INT16, SYS_TRAP16};
    unsigned dpl = suite_random(s) % 4 ? 3 : 0;
    machine_protected(m, suite_random(s) & 1 ? 3 : 0, AT_CODE);
    machine_code(m, AT_CODE, int_50);
    free_descriptors(m, s);
    machine_idt_gate(m, VECTOR, selector(s, SEL_CODE0, CODE_FREE),
                     seldom(s, 1) ? 0x500000u : AT_HANDLERS + 16 * VECTOR,
                     (seldom(s, 1) ? 0 : DA_P) | types[suite_random(s) % ARRAY_LEN(types)] << 8 | dpl << 13);
    machine_st32(m, AT_TSS + 4, stack_place(s, AT_STACK0));
    machine_st32(m, AT_TSS + 8, selector(s, SEL_DATA0, DATA_FREE));
}

static void return_world(struct machine *m, u64 *s)
{
    u32 sp = AT_STACK0 - 0x400;
    machine_protected(m, suite_random(s) % 4 ? 0 : 3, AT_CODE);
    machine_code(m, AT_CODE, iret_d);
    free_descriptors(m, s);
    machine_st32(m, sp, seldom(s, 1) ? 0x500000u : AT_CODE + 0x100);
    machine_st32(m, sp + 4, selector(s, suite_random(s) & 1 ? SEL_CODE0 : SEL_CODE3, CODE_FREE));
    machine_st32(m, sp + 8, flags(s) | (seldom(s, 1) ? FL_RF : 0) | (seldom(s, 3) == 2 ? FL_VM : 0));
    machine_st32(m, sp + 12, stack_place(s, AT_STACK3));
    machine_st32(m, sp + 16, selector(s, SEL_DATA3, DATA_FREE));
    m->cpu->gpr[REG_SP] = seldom(s, 1) ? stack_place(s, AT_STACK0) : sp;
}

/* What both kinds of worlds vary, and a TLB that knows the pages. */
static void finish(struct machine *m, u64 *s, bool general)
{
    static const u32 pages[] = {AT_GDT, AT_IDT, AT_TSS, AT_CODE, AT_STACK0 - 0x1000, AT_STACK0,
                                AT_STACK0 + 0x1000, AT_STACK3 - 0x1000, 0};
    struct cpu *cpu = m->cpu;
    cpu_set_eflags(cpu, flags(s));
    if (seldom(s, 1))
        cpu->tr.limit = 8 + (u32)(suite_random(s) % 8);
    if (seldom(s, 1))
        cpu->gdt.limit = (u16)(SEL_DATA0 + 4 + suite_random(s) % 0x40);
    if (seldom(s, 1))
        ctrl_write_cr0(cpu, cpu->cr0 | CR0_AM);
    if (seldom(s, 1))
        cpu->gpr[REG_SP] += 2;
    cpu_update_mode(cpu);
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++)
        for (int mode = MMU_SUP; mode <= MMU_USER; mode++) {
            struct mmu_fault fault;
            u64 v;
            mmu_check_write(&cpu->mmu, mode, pages[i], 4, &fault);
            ck_assert(mmu_read(&cpu->mmu, mode, pages[i], 4, &v, &fault));
        }
    cpu->watch = general;
}

static void compare(void (*world)(struct machine *, u64 *), int engine)
{
    struct machine *m[2] = {machine_new("max", ENGINE_EXEC), machine_new("max", ENGINE_EXEC)};
    unsigned done = 0;
    if (engine != ENGINE_EXEC) { /* C code that all engines share */
        machine_free(m[0]);
        machine_free(m[1]);
        return;
    }
    for (u64 n = 0; n < TRIES; n++) {
        for (unsigned k = 0; k < 2; k++) {
            u64 seed = n * 0x2545f4914f6cdd1dull;
            world(m[k], &seed);
            finish(m[k], &seed, k);
            cpu_run(m[k]->cpu, ENGINE_EXEC, 1);
        }
        done += m[0]->cpu->rip == AT_HANDLERS + 16 * VECTOR || m[0]->cpu->rip == AT_CODE + 0x100;
        ck_assert_msg(cpu_hash(m[0]->cpu) == cpu_hash(m[1]->cpu) &&
                          m[0]->cpu->mode_key == m[1]->cpu->mode_key,
                      "the CPUs differ in try %llu", (unsigned long long)n);
        ck_assert_msg(!memcmp(machine_mem(m[0], 0), machine_mem(m[1], 0), AT_STACK3 + 0x1000),
                      "memories differ in try %llu", (unsigned long long)n);
    }
    ck_assert_uint_gt(done, TRIES / 5);
    machine_free(m[0]);
    machine_free(m[1]);
}

START_TEST(interrupts)
{
    compare(interrupt_world, _i);
}
END_TEST

START_TEST(returns)
{
    compare(return_world, _i);
}
END_TEST

SUITE_MAIN("quick", interrupts, returns)

#else
int main(void)
{
    return 0;
}
#endif
