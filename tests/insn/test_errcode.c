/* Error codes: EXT for what the program did not ask for, vectors and selectors in them, CR2; and
 * descriptor tables at their ends (SDM vol. 3 sections 6.13, 6.15 "#PF", 3.4.2 and 3.5.1). */
#include "cpu/sys/ctrl.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum {
    INT32 = DA_P | SYS_INT32 << 8,
    USED = DA_P | DA_S | DA_ACCESSED,
    FLAT = USED | DA_G | DA_DB,
    D0 = SEL_FREE,
    D1 = SEL_FREE + 8,
    HANDLER = 0x12000,
    EXT = 1,
    IDT = 2,
};

GUEST(int40, 32, "int 0x40\n hlt");
GUEST(divide, 32, "div edx\n hlt");
GUEST(int3, 32, "int3\n hlt");
GUEST(int1, 32, ".byte 0xf1\n hlt");
GUEST(into, 32, "into\n hlt");
GUEST(nops, 32, "nop\n nop\n hlt");
GUEST(load_ds, 32, "mov ds, ax\n hlt");
GUEST(load, 32, "mov ecx, [ebx]\n hlt");
GUEST(store8, 32, "mov [ebx], cl\n hlt");
GUEST(add, 32, "add [ebx], ecx\n hlt");
GUEST(push_all, 32, "pusha\n hlt");
GUEST(jmp_ebx, 32, "jmp ebx");
GUEST(rep_movs, 32, "rep movsd\n hlt");

static struct machine *m;
#define REG(r) ((u32)m->cpu->gpr[REG_##r])

static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    m->cpu->gpr[REG_DX] = 0;
}
#define START(cpl, name) start(cpl, name##_begin, name##_end)

/* How a vector comes about: by the program, by an exception, by a pin. */
static void cause(unsigned how, unsigned *vector)
{
    switch (how) {
    case 0:
        START(0, int40);
        *vector = 0x40;
        break;
    case 1:
        START(0, int3);
        *vector = EXC_BP;
        break;
    case 2:
        START(0, into);
        cpu_set_aflags(m->cpu, F_O);
        *vector = EXC_OF;
        break;
    case 3:
        START(0, nops);
        m->cpu->eflags |= FL_IF;
        m->vector = 0x50;
        cpu_set_intr(m->cpu, 1);
        *vector = 0x50;
        break;
    case 4:
        START(0, nops);
        cpu_nmi(m->cpu);
        *vector = EXC_NMI;
        break;
    case 5:
        START(0, int1);
        *vector = EXC_DB;
        break;
    default: /* #UD: its delivery failing is no double fault, so the code can be seen */
        START(0, nops);
        machine_load(m, AT_CODE, "\x0f\x0b", 2);
        *vector = EXC_UD;
        break;
    }
}

/* What goes wrong on the way to the handler, with the error code without EXT. */
START_TEST(external)
{
    enum { CAUSES = 7, TROUBLES = 9 };
    m = machine_new("max", _i);
    for (unsigned how = 0; how < CAUSES; how++)
        for (unsigned k = 0; k < TROUBLES; k++) {
            u32 ext = how >= 3 ? EXT : 0, want = 0;
            unsigned vector;
            int vec = EXC_GP;
            cause(how, &vector);
            machine_desc(m, D0, 0, 0xfffff, FLAT | DA_CODE);
            machine_desc(m, D1, 0, 0xfffff, (FLAT | DA_CODE) & ~DA_P);
            switch (k) {
            case 0: /* no gate type */
                machine_idt_gate(m, vector, SEL_CODE0, HANDLER, DA_P | SYS_LDT << 8);
                want = vector * 8 + IDT;
                break;
            case 1:
                machine_idt_gate(m, vector, SEL_CODE0, HANDLER, INT32 & ~DA_P);
                want = vector * 8 + IDT;
                vec = EXC_NP;
                break;
            case 2: machine_idt_gate(m, vector, 0, HANDLER, INT32); break;
            case 3:
                machine_idt_gate(m, vector, SEL_DATA0, HANDLER, INT32);
                want = SEL_DATA0;
                break;
            case 4:
                machine_idt_gate(m, vector, D1, HANDLER, INT32);
                want = D1;
                vec = EXC_NP;
                break;
            case 5:
                machine_idt_gate(m, vector, 0x1008, HANDLER, INT32);
                want = 0x1008;
                break;
            case 6: /* beyond the handler's segment */
                machine_desc(m, D0, 0, 0xff, USED | DA_CODE | DA_DB);
                machine_idt_gate(m, vector, D0, HANDLER, INT32);
                break;
            case 7: /* a task gate to no task */
                machine_idt_gate(m, vector, SEL_DATA0, 0, DA_P | SYS_TASK_GATE << 8);
                want = SEL_DATA0;
                break;
            case 8: /* to a task that is not present */
                machine_desc(m, SEL_TSS2, AT_TSS2, 0x67, SYS_TSS32 << 8);
                machine_idt_gate(m, vector, SEL_TSS2, 0, DA_P | SYS_TASK_GATE << 8);
                want = SEL_TSS2;
                vec = EXC_NP;
                break;
            }
            machine_run(m, 20);
            ck_assert_msg(machine_vector(m) == vec && machine_frame(m, 0) == (want | ext),
                          "cause %u trouble %u: vector %d error %x, not %x", how, k,
                          machine_vector(m), machine_frame(m, 0), want | ext);
            ck_assert_uint_eq(machine_frame(m, 1), AT_CODE); /* nothing was delivered */
            m->cpu->nmi_blocked = false;
        }
    /* The table's own end. */
    for (unsigned how = 0; how < CAUSES; how++) {
        unsigned vector;
        cause(how, &vector);
        if (vector < EXC_GP)
            continue;
        m->cpu->idt.limit = (u16)(vector * 8 + 6);
        machine_run(m, 20);
        expect_error(m, EXC_GP, (vector * 8 + IDT) | (how >= 3 ? EXT : 0u));
        cause(how, &vector);
        m->cpu->idt.limit = (u16)(vector * 8 + 7);
        machine_run(m, 20);
        ck_assert_int_eq(machine_vector(m), (int)vector);
    }
    machine_free(m);
}
END_TEST

/* From level 3: trouble with the stack of level 0 or 1 has EXT as well. */
START_TEST(inner_stack)
{
    m = machine_new("max", _i);
    for (unsigned hw = 0; hw < 2; hw++)
        for (unsigned k = 0; k < 3; k++) {
            u32 want = 0;
            if (hw)
                START(3, nops);
            else
                START(3, int40);
            machine_desc(m, D0, 0, 0xfffff, FLAT | DA_CODE | 1 << 13);
            machine_desc(m, D1, 0, 0xf, USED | DA_WRITE | DA_DB | 1 << 13);
            machine_idt_gate(m, 0x40, D0 | 1, HANDLER, INT32 | DA_DPL);
            machine_st32(m, AT_TSS + 12, 0x10);
            machine_st32(m, AT_TSS + 16, k == 0 ? (D1 | 1) : k == 1 ? 0 : SEL_DATA0);
            want = k == 0 ? D1 : k == 1 ? 0 : SEL_DATA0;
            if (hw) {
                m->cpu->eflags |= FL_IF;
                m->vector = 0x40;
                cpu_set_intr(m->cpu, 1);
            }
            machine_run(m, 20);
            ck_assert_int_eq(machine_vector(m), k ? EXC_TS : EXC_SS);
            ck_assert_uint_eq(machine_frame(m, 0), want | hw);
        }
    machine_free(m);
}
END_TEST

/* CR2 is the first byte that could not be reached; the code says what for. */
START_TEST(page_faults)
{
    m = machine_new("max", _i);
    for (u32 off = 0xffc; off <= 0x1000; off++) {
        START(0, load);
        machine_paging(m);
        machine_page(m, AT_DATA + 0x1000, 0);
        m->cpu->gpr[REG_BX] = AT_DATA + off;
        machine_run(m, 20);
        if (off == 0xffc) {
            ck_assert_int_eq(machine_vector(m), -1);
            continue;
        }
        expect_error(m, EXC_PF, 0u);
        ck_assert_uint_eq(m->cpu->cr2, AT_DATA + 0x1000);
        START(3, add);
        machine_paging(m);
        machine_page(m, AT_DATA, 0);
        m->cpu->gpr[REG_BX] = AT_DATA + off;
        machine_run(m, 20);
        if (off < 0x1000) {
            expect_error(m, EXC_PF, 6u);
            ck_assert_uint_eq(m->cpu->cr2, AT_DATA + off);
        }
    }
    START(3, store8); /* two faults: the second overwrites CR2 and keeps nothing of the first */
    machine_paging(m);
    machine_page(m, AT_DATA, 0);
    machine_page(m, AT_STACK0 - 0x1000, 0);
    machine_idt_gate(m, EXC_DF, SEL_TSS2, 0, DA_P | SYS_TASK_GATE << 8);
    memset(machine_mem(m, AT_TSS2), 0, 0x68);
    machine_st32(m, AT_TSS2 + 0x1c, AT_PAGES);
    machine_st32(m, AT_TSS2 + 0x20, AT_HANDLERS + 16 * EXC_DF);
    machine_st32(m, AT_TSS2 + 0x38, 0x50000);
    machine_st32(m, AT_TSS2 + 0x4c, SEL_CODE0);
    machine_st32(m, AT_TSS2 + 0x50, SEL_DATA0);
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_st32(m, AT_TSS + 4, AT_STACK0 - 0x800);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_DF);
    ck_assert_uint_eq(m->cpu->cr2, AT_STACK0 - 0x804);
    START(3, jmp_ebx); /* a fetch: EIP is the target already */
    machine_paging(m);
    machine_page(m, AT_DATA, AT_DATA | 3);
    m->cpu->gpr[REG_BX] = AT_DATA + 0x123;
    machine_run(m, 20);
    expect_error(m, EXC_PF, 5u);
    ck_assert_uint_eq(m->cpu->cr2, AT_DATA + 0x123);
    ck_assert_uint_eq(machine_frame(m, 1), AT_DATA + 0x123);
    START(3, load_ds); /* the processor's own access to a table: not a user's */
    machine_paging(m);
    machine_page(m, AT_LDT, 0);
    m->cpu->gpr[REG_AX] = 0x0f;
    machine_run(m, 20);
    expect_error(m, EXC_PF, 0u);
    ck_assert_uint_eq(m->cpu->cr2, AT_LDT + 8);
    machine_free(m);
}
END_TEST

/* The last byte of a descriptor must be within the table; a table may wrap and may be huge. */
START_TEST(table_ends)
{
    m = machine_new("max", _i);
    for (u32 limit = D0; limit <= D0 + 8; limit++) {
        START(0, load_ds);
        machine_desc(m, D0, 0, 0xfffff, FLAT | DA_WRITE);
        m->cpu->gdt.limit = (u16)limit;
        m->cpu->gpr[REG_AX] = D0;
        machine_run(m, 20);
        if (limit >= D0 + 7)
            ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, D0);
        else
            expect_error(m, EXC_GP, (u32)D0);
    }
    START(0, load_ds); /* an LDT of all 8192 descriptors, the last one */
    m->cpu->ldt.base = 0x60000;
    m->cpu->ldt.limit = 0xffff;
    machine_st32(m, 0x6fff8, 0x0000ffff);
    machine_st32(m, 0x6fffc, 0xf0000 | FLAT | DA_WRITE);
    m->cpu->gpr[REG_AX] = 0xfffc;
    machine_run(m, 20);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, 0xfffc);
    START(0, load_ds); /* a limit beyond what selectors reach is a limit all the same */
    m->cpu->ldt.base = 0x60000;
    m->cpu->ldt.limit = 0x10000;
    m->cpu->gpr[REG_AX] = 0xfffc;
    machine_run(m, 20);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, 0xfffc);
    START(0, load_ds); /* no LDT at all */
    m->cpu->ldt = (struct seg){0};
    m->cpu->gpr[REG_AX] = 4;
    machine_run(m, 20);
    expect_error(m, EXC_GP, 4u);
    START(0, load_ds); /* selectors 0 to 3 are null, 4 is not */
    m->cpu->gpr[REG_AX] = 3;
    machine_run(m, 20);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, 3);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].attr & DA_P, 0);
    machine_free(m);
}
END_TEST

SUITE_MAIN("errcode", external, inner_stack, page_faults, table_ends)

#else
int main(void)
{
    puts("errcode: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
