/* Far transfers and segment registers in long mode: direct, through call gates, RETF, nulls, FS and
 * GS (SDM vol. 3 sections 3.4.4, 5.2.1, 5.8.3.1, 5.8.5.1; vol. 2 "CALL", "JMP", "RET", "MOV"). */
#include "tests/insn/long.h"

#if GUEST_CODE

enum {
    INNER = 0x12000,
    FREE = SEL_LONG_FREE,
    GATE = SEL_LONG_FREE + 8,
    CODE1 = SEL_LONG_FREE + 24
};

GUEST(jmp_far, 64, "jmp fword ptr [rbx]");
GUEST(jmp_far_q, 64, ".byte 0x48, 0xff, 0x2b");
GUEST(call_far, 64, "call fword ptr [rbx]\n hlt");
GUEST(call_far_q, 64, ".byte 0x48, 0xff, 0x1b\n hlt");
GUEST(jmp_direct, 32, ".byte 0xea\n .long 0x12000\n .word 8");
GUEST(call_gate32, 32, ".byte 0x9a\n .long 0\n .word 0x60\n hlt");
GUEST(retf, 64, ".byte 0xcb");
GUEST(retfq, 64, ".byte 0x48, 0xcb");
GUEST(retfq16, 64, ".byte 0x48, 0xca, 16, 0");
GUEST(mov_ds, 64, "mov ds, eax\n mov rcx, [rbx]\n hlt");
GUEST(mov_ss, 64, "mov ss, eax\n mov ecx, ss\n push rcx\n hlt");
GUEST(mov_fs, 64, "mov fs, eax\n mov rcx, fs:[rbx]\n hlt");
GUEST(pop_fs, 64, "push 0x10\n pop fs\n mov rcx, fs\n hlt");
GUEST(push_fs, 64, "push fs\n push gs\n hlt");
GUEST(push_fs32, 32, "push fs\n hlt");
GUEST(lfs, 64, ".byte 0x48, 0x0f, 0xb4, 0x0b\n hlt"); /* lfs rcx, [rbx] */
GUEST(cs_write, 64, "mov cs:[rbx], rax\n hlt");
GUEST(ds_based, 64, "mov rax, ds:[rbx]\n hlt");
GUEST(halt, 64, "hlt");
GUEST(halt32, 32, "mov eax, fs:[0]\n hlt");

static struct machine *m;
static u64 *reg(unsigned r)
{
    return &m->cpu->gpr[r];
}

/* A far pointer with an offset of `size` bytes at AT_DATA, which RBX points at. */
static void pointer(unsigned size, u64 off, unsigned sel)
{
    machine_st64(m, AT_DATA, off);
    machine_load(m, AT_DATA + size, (u8[2]){(u8)sel, (u8)(sel >> 8)}, 2);
    *reg(REG_BX) = AT_DATA;
    machine_code(m, INNER, halt);
}

START_TEST(direct)
{
    m = machine_new("qemu64", _i);
    LONG(m, 0, jmp_far); /* to compatibility mode */
    pointer(4, INNER, SEL_COMPAT0);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->code_bits, 32);
    ck_assert_uint_eq(m->cpu->rip, INNER);
    COMPAT(m, 0, jmp_direct); /* and back */
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->code_bits, 64);
    ck_assert_uint_eq(m->cpu->rip, INNER);
    LONG(m, 0, jmp_far_q); /* m16:64 */
    pointer(8, LONG_HIGH + INNER, SEL_CODE0);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + INNER);
    LONG(m, 0, jmp_far_q);
    pointer(8, NOT_CANONICAL, SEL_CODE0);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, jmp_far_q); /* beyond the limit of a 32-bit segment */
    pointer(8, LONG_HIGH + INNER, SEL_COMPAT0);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, jmp_far); /* L and D */
    machine_desc(m, FREE, 0, 0xfffff, LONG_CODE | DA_DB);
    pointer(4, INNER, FREE);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, FREE, AT_CODE);
    LONG(m, 0, jmp_far); /* no task switches: TSS, task gate, 16-bit call gate */
    pointer(4, INNER, SEL_TSS64);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, SEL_TSS64, AT_CODE);
    LONG(m, 0, call_far);
    machine_gate(m, FREE, SEL_TSS64, 0, DA_P | SYS_TASK_GATE << 8, 0);
    pointer(4, INNER, FREE);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, FREE, AT_CODE);
    LONG(m, 0, call_far);
    machine_gate(m, FREE, SEL_CODE0, INNER, DA_P | SYS_CALL16 << 8, 0);
    pointer(4, INNER, FREE);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, FREE, AT_CODE);
    LONG(m, 0, call_far_q); /* pushes quadwords */
    pointer(8, LONG_HIGH + INNER, SEL_CODE0);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + INNER);
    ck_assert_uint_eq(long_frame(m, 0), AT_CODE + LENGTH(call_far_q) - 1);
    ck_assert_uint_eq(long_frame(m, 1), SEL_CODE0);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 - 16);
    LONG(m, 0, call_far); /* pushes doublewords */
    pointer(4, INNER, SEL_CODE0);
    machine_run(m, 1);
    ck_assert_uint_eq(long_frame(m, 0), (u64)SEL_CODE0 << 32 | (AT_CODE + LENGTH(call_far) - 1));
    machine_free(m);
}
END_TEST

START_TEST(call_gates)
{
    m = machine_new("qemu64", _i);
    LONG(m, 3, call_far); /* inwards: RSP0, SS null, no parameters */
    long_gate(m, GATE, SEL_CODE0, LONG_HIGH + INNER, LONG_CALL | DA_DPL | 5);
    pointer(4, 0x999, GATE | 3);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + INNER);
    ck_assert_uint_eq(m->cpu->cpl, 0);
    ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, 0);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 - 32);
    ck_assert_uint_eq(long_frame(m, 0), AT_CODE + LENGTH(call_far) - 1);
    ck_assert_uint_eq(long_frame(m, 1), SEL_CODE3);
    ck_assert_uint_eq(long_frame(m, 2), AT_STACK3);
    ck_assert_uint_eq(long_frame(m, 3), SEL_DATA3);
    /* Level 1 takes RSP1, and its SS has RPL 1. */
    LONG(m, 3, call_far);
    machine_desc(m, CODE1, 0, 0xfffff, LONG_CODE | 1 << 13);
    long_gate(m, GATE, CODE1, INNER, LONG_CALL | DA_DPL);
    machine_st64(m, AT_TSS + 12, 0x50000);
    pointer(4, 0, GATE | 3);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->cpl, 1);
    ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, 1);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].sel, CODE1 | 1);
    ck_assert_uint_eq(*reg(REG_SP), 0x50000 - 32);
    /* Same level, also from compatibility mode: quadwords on the present stack. */
    LONG(m, 0, call_far);
    long_gate(m, GATE, SEL_CODE0, INNER, LONG_CALL);
    pointer(4, 0, GATE);
    machine_run(m, 1);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 - 16);
    COMPAT(m, 0, call_gate32);
    long_gate(m, GATE, SEL_CODE0, INNER, LONG_CALL);
    *reg(REG_SP) = AT_STACK0;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->code_bits, 64);
    ck_assert_uint_eq(long_frame(m, 0), AT_CODE + 7);
    ck_assert_uint_eq(long_frame(m, 1), SEL_COMPAT0);
    COMPAT(m, 3, call_gate32);
    long_gate(m, GATE, SEL_CODE0, INNER, LONG_CALL | DA_DPL);
    machine_run(m, 1);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 - 32);
    ck_assert_uint_eq(long_frame(m, 1), SEL_COMPAT3);
    /* JMP stays at its level. */
    LONG(m, 0, jmp_far);
    long_gate(m, GATE, SEL_CODE0, LONG_HIGH + INNER, LONG_CALL);
    pointer(4, 0, GATE);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + INNER);
    machine_free(m);
}
END_TEST

START_TEST(bad_call_gates)
{
    static const struct {
        unsigned target;
        u64 off;
        u32 attr, error, vec;
        u8 cpl;
    } rows[] = {
        {SEL_CODE0, INNER, LONG_CALL, GATE, EXC_GP, 3}, /* DPL */
        {SEL_CODE0, INNER, LONG_CALL & ~DA_P, GATE, EXC_NP, 0},
        {0, INNER, LONG_CALL, 0, EXC_GP, 0},
        {SEL_COMPAT0, INNER, LONG_CALL, SEL_COMPAT0, EXC_GP, 0}, /* not 64-bit code */
        {SEL_DATA0, INNER, LONG_CALL, SEL_DATA0, EXC_GP, 0},
        {SEL_CODE3, INNER, LONG_CALL, SEL_CODE3 & ~3u, EXC_GP, 0}, /* outwards */
        {SEL_CODE0, NOT_CANONICAL, LONG_CALL, 0, EXC_GP, 0},
    };
    m = machine_new("max", _i);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        LONG(m, rows[i].cpl, call_far);
        long_gate(m, GATE, rows[i].target, rows[i].off, rows[i].attr);
        pointer(4, 0, GATE | rows[i].cpl);
        machine_run(m, 10);
        expect_fault(m, rows[i].vec, rows[i].error, AT_CODE);
    }
    LONG(m, 0, call_far); /* the upper half has a type */
    long_gate(m, GATE, SEL_CODE0, INNER, LONG_CALL);
    machine_st32(m, AT_GDT + GATE + 12, 0x1f00);
    pointer(4, 0, GATE);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, GATE, AT_CODE);
    LONG(m, 0, call_far); /* ... or lies beyond the table */
    long_gate(m, GATE, SEL_CODE0, INNER, LONG_CALL);
    m->cpu->gdt.limit = GATE + 14;
    pointer(4, 0, GATE);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, GATE, AT_CODE);
    LONG(m, 3, call_far); /* RSP0 is not canonical */
    long_gate(m, GATE, SEL_CODE0, INNER, LONG_CALL | DA_DPL);
    machine_st64(m, AT_TSS + 4, NOT_CANONICAL);
    long_idt_gate(m, EXC_SS, SEL_CODE0, AT_HANDLERS + 16 * EXC_SS, LONG_INT, 1);
    machine_st64(m, AT_TSS + 0x24, AT_STACK0);
    pointer(4, 0, GATE | 3);
    machine_run(m, 10);
    expect_fault(m, EXC_SS, 0, AT_CODE);
    machine_free(m);
}
END_TEST

static void returning(u64 rip, u64 cs, u64 rsp, u64 ss)
{
    const u64 v[4] = {rip, cs, rsp, ss};
    *reg(REG_SP) = AT_STACK0 - 64;
    for (unsigned i = 0; i < 4; i++)
        machine_st64(m, AT_STACK0 - 64 + 8 * i, v[i]);
    machine_code(m, INNER, halt);
}

START_TEST(far_returns)
{
    m = machine_new("qemu64", _i);
    LONG(m, 0, retfq); /* the same level leaves SS alone */
    returning(LONG_HIGH + INNER, SEL_CODE0, 0, 0);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + INNER);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 - 48);
    LONG(m, 0, retfq16);
    returning(INNER, SEL_CODE0, 0, 0);
    machine_run(m, 1);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 - 32);
    LONG(m, 0, retfq); /* outwards */
    returning(INNER, SEL_CODE3, 0xffff800000001000ull, SEL_DATA3);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->cpl, 3);
    ck_assert_uint_eq(*reg(REG_SP), 0xffff800000001000ull);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, 0);
    LONG(m, 0, retfq); /* parameters lie below the outer RSP */
    machine_code(m, AT_CODE, retfq16);
    returning(INNER, SEL_CODE3, 0, 0);
    machine_st64(m, AT_STACK0 - 32, 0x60000);
    machine_st64(m, AT_STACK0 - 24, SEL_DATA3);
    machine_run(m, 1);
    ck_assert_uint_eq(*reg(REG_SP), 0x60010);
    LONG(m, 0, retfq); /* to compatibility mode */
    returning(INNER, SEL_COMPAT3, 0x1234500001000ull, SEL_DATA3);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->code_bits, 32);
    ck_assert_uint_eq(*reg(REG_SP), 0x1000);
    LONG(m, 0, retf); /* doublewords without REX.W */
    *reg(REG_SP) = AT_STACK0 - 8;
    machine_st64(m, AT_STACK0 - 8, (u64)SEL_CODE0 << 32 | INNER);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, INNER);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0);
    LONG(m, 0, retfq); /* a null SS to level 1 is fine, to level 3 not */
    machine_desc(m, CODE1, 0, 0xfffff, LONG_CODE | 1 << 13);
    returning(INNER, CODE1 | 1, 0x60000, 1);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->cpl, 1);
    LONG(m, 0, retfq);
    returning(INNER, SEL_CODE3, 0x60000, 3);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, retfq);
    returning(NOT_CANONICAL, SEL_CODE0, 0, 0);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 3, retfq); /* inwards */
    *reg(REG_SP) = AT_STACK0 - 16;
    machine_st64(m, AT_STACK0 - 16, INNER);
    machine_st64(m, AT_STACK0 - 8, SEL_CODE0);
    machine_st64(m, AT_TSS + 4, AT_STACK0 - 64);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, SEL_CODE0, AT_CODE);
    machine_free(m);
}
END_TEST

START_TEST(segment_loads)
{
    m = machine_new("qemu64", _i);
    LONG(m, 3, mov_ds); /* null data segments are no obstacle */
    machine_st64(m, AT_DATA, 0x1234);
    *reg(REG_BX) = AT_DATA;
    *reg(REG_AX) = 0;
    machine_run(m, 2);
    ck_assert_uint_eq(*reg(REG_CX), 0x1234);
    LONG(m, 0, mov_ss); /* a null SS below level 3, with its RPL */
    *reg(REG_AX) = 0;
    machine_run(m, 10);
    ck_assert(m->cpu->halted);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 - 8);
    LONG(m, 0, mov_ss);
    *reg(REG_AX) = 3;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 3, mov_ss);
    *reg(REG_AX) = 3;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, mov_ds); /* rights are checked as ever, uses are not */
    *reg(REG_AX) = SEL_TSS64;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, SEL_TSS64, AT_CODE);
    LONG(m, 3, mov_ds);
    *reg(REG_AX) = SEL_DATA0;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, SEL_DATA0, AT_CODE);
    LONG(m, 0, mov_ds);
    machine_desc(m, FREE, 0x700000, 0, LONG_DATA & ~(DA_P | DA_G));
    *reg(REG_AX) = FREE;
    machine_run(m, 10);
    expect_fault(m, EXC_NP, FREE, AT_CODE);
    /* Base and limit of DS mean nothing in 64-bit code, those of FS: the base counts. */
    LONG(m, 0, mov_ds);
    machine_desc(m, FREE, 0x700001, 0, LONG_DATA & ~DA_G);
    *reg(REG_AX) = FREE;
    *reg(REG_BX) = AT_DATA;
    machine_run(m, 10);
    ck_assert_uint_eq(*reg(REG_CX), 0x1234);
    LONG(m, 0, mov_fs);
    machine_desc(m, FREE, AT_DATA - 0x100, 0, LONG_DATA & ~DA_G);
    *reg(REG_AX) = FREE;
    *reg(REG_BX) = 0x100;
    machine_run(m, 10);
    ck_assert_uint_eq(*reg(REG_CX), 0x1234);
    ck_assert_uint_eq(m->cpu->seg[SEG_FS].base, AT_DATA - 0x100);
    LONG(m, 0, pop_fs);
    machine_run(m, 10);
    ck_assert_uint_eq(*reg(REG_CX), SEL_DATA0);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0);
    LONG(m, 0, push_fs); /* all eight bytes are written */
    machine_st64(m, AT_STACK0 - 8, ~(u64)0);
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld64(m, AT_STACK0 - 8), SEL_DATA0);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 - 16);
    COMPAT(m, 0, push_fs32); /* here two of four */
    machine_st64(m, AT_STACK0 - 8, ~(u64)0);
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld32(m, AT_STACK0 - 4), 0xffff0000u | SEL_DATA0);
    LONG(m, 0, lfs);
    pointer(8, 0xffff800012345678ull, SEL_DATA0);
    machine_run(m, 10);
    ck_assert_uint_eq(*reg(REG_CX), 0xffff800012345678ull);
    LONG(m, 0, cs_write); /* code segments are writable through in 64-bit code */
    *reg(REG_BX) = AT_DATA + 64;
    *reg(REG_AX) = 0x77;
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld64(m, AT_DATA + 64), 0x77);
    machine_free(m);
}
END_TEST

/* A base above 4 GiB set by MSR is cut in compatibility mode (section 3.4.4). */
START_TEST(compatibility_segments)
{
    m = machine_new("qemu64", _i);
    COMPAT(m, 0, halt32);
    machine_st64(m, AT_DATA, 0x1234567);
    m->cpu->seg[SEG_FS].base = 0xffff800000000000ull + AT_DATA;
    seg_update(m->cpu, SEG_FS);
    cpu_update_mode(m->cpu);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)*reg(REG_AX), 0x1234567);
    COMPAT(m, 0, halt32); /* limits count there */
    m->cpu->seg[SEG_FS].limit = 2;
    seg_update(m->cpu, SEG_FS);
    cpu_update_mode(m->cpu);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 0, ds_based); /* ... and come back when 64-bit code leaves */
    m->cpu->seg[SEG_DS].limit = 2;
    m->cpu->seg[SEG_DS].base = 0x123;
    seg_update(m->cpu, SEG_DS);
    *reg(REG_BX) = AT_DATA;
    machine_run(m, 10);
    ck_assert_uint_eq(*reg(REG_AX), 0x1234567);
    machine_free(m);
}
END_TEST

SUITE_MAIN("long_far", direct, call_gates, bad_call_gates, far_returns, segment_loads,
           compatibility_segments)

#else
int main(void)
{
    puts("long_far: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
