/* 4-level paging, no-execute, reserved bits, page fault error codes, accessed and dirty bits, and
 * canonical addresses (SDM vol. 3 sections 4.5, 4.6, 4.7, 4.8, 4.10; vol. 1 section 3.3.7.1). */
#include "tests/insn/long.h"

#if GUEST_CODE

enum { P = 1, W = 2, U = 4, A = 32, D = 64, PS = 128, G = 256, SPARE = 0x200000 };
enum { E_P = 1, E_W = 2, E_U = 4, E_RSVD = 8, E_I = 16 };

GUEST(load, 64, "mov rax, [rbx]\n hlt");
GUEST(store, 64, "mov [rbx], rax\n hlt");
GUEST(jump, 64, "jmp rbx");
GUEST(pop_rbp, 64, "mov rax, [rbp]\n hlt");
GUEST(via_fs, 64, "mov rax, fs:[rbx]\n hlt");
GUEST(push, 64, "push rax\n hlt");
GUEST(pop, 64, "pop rax\n hlt");
GUEST(call, 64, "call rbx");
GUEST(ret, 64, "ret");
GUEST(halt, 64, "hlt");
GUEST(nops, 64, "nop\n nop\n hlt");
GUEST(invlpg, 64,
      "mov rcx, [rbx]\n mov qword ptr [rdx], 0\n mov rcx, [rbx]\n invlpg [rbx+r8]\n"
      " mov rcx, [rbx]\n hlt");

static struct machine *m;

static u64 *reg(unsigned r)
{
    return &m->cpu->gpr[r];
}

/* One load at level cpl from `la`. */
static void load_at(unsigned cpl, u64 la)
{
    *reg(REG_BX) = la;
    m->cpu->cpl = (u8)cpl;
    machine_run(m, 1);
    if (m->cpu->rip != AT_CODE + LENGTH(load) - 1)
        machine_run(m, 10);
}

START_TEST(levels)
{
    m = machine_new("max", _i);
    /* The same byte through 4 KiB pages in both halves. */
    LONG(m, 0, load);
    machine_st64(m, AT_DATA, 0x1122334455667788ull);
    load_at(0, AT_DATA);
    ck_assert_uint_eq(*reg(REG_AX), 0x1122334455667788ull);
    LONG(m, 0, load);
    load_at(0, LONG_HIGH + AT_DATA);
    ck_assert_uint_eq(*reg(REG_AX), 0x1122334455667788ull);
    /* 2 MiB: the second one is the first four MiB's upper half. */
    LONG(m, 0, load);
    machine_st64(m, 0x240000, 0xabcdef);
    machine_st64(m, LONG_PD + 5 * 8, 0x200000 | PTE_RW | PS);
    load_at(0, 5 * 0x200000 + 0x40000);
    ck_assert_uint_eq(*reg(REG_AX), 0xabcdef);
    ck_assert_uint_eq(machine_ld64(m, LONG_PD + 5 * 8) & (A | D), A);
    /* 1 GiB, in CPUs that have them. */
    LONG(m, 0, load);
    machine_st64(m, LONG_PDPT + 3 * 8, PTE_RW | PS);
    m->cpu->mmu.gib_pages = true;
    load_at(0, 0xc0000000ull + AT_DATA);
    ck_assert_uint_eq(*reg(REG_AX), 0x1122334455667788ull);
    ck_assert_uint_eq(machine_ld64(m, LONG_PDPT + 3 * 8) & (A | D), A);
    LONG(m, 0, load);
    machine_st64(m, LONG_PDPT + 3 * 8, PTE_RW | PS);
    m->cpu->mmu.gib_pages = false;
    load_at(0, 0xc0000000ull + AT_DATA);
    expect_fault(m, EXC_PF, E_P | E_RSVD, AT_CODE);
    machine_free(m);
}
END_TEST

START_TEST(not_present)
{
    static const u32 entries[4] = {LONG_PML4 + 8, LONG_PDPT + 8, LONG_PD + 16, LONG_PT + 64 * 8};
    static const u64 where[4] = {BIT64(39), BIT64(30), 2 << 21, AT_DATA};
    m = machine_new("qemu64", _i);
    for (unsigned i = 0; i < 4; i++) {
        LONG(m, 0, load);
        machine_st64(m, entries[i], 0xffffffffffffeull & ~(u64)P); /* all else is ignored */
        *reg(REG_BX) = where[i] + 0x123;
        machine_run(m, 10);
        expect_fault(m, EXC_PF, 0, AT_CODE);
        ck_assert_uint_eq(m->cpu->cr2, where[i] + 0x123);
    }
    machine_free(m);
}
END_TEST

/* Reserved: physical bits beyond the CPU's width at each level, PS in a PML4 entry, low address
 * bits of large pages, NX while EFER.NXE is clear. Bits 52 to 62 are ignored. */
START_TEST(reserved)
{
    static const struct {
        u32 at;
        u64 entry, la;
        bool fault;
    } rows[] = {
        {LONG_PML4, BIT64(45), AT_DATA, true},
        {LONG_PML4, PS, AT_DATA, true},
        {LONG_PDPT, BIT64(45), AT_DATA, true},
        {LONG_PD, BIT64(45), AT_DATA, true},
        {LONG_PT + 64 * 8, BIT64(51), AT_DATA, true},
        {LONG_PT + 64 * 8, BIT64(40), AT_DATA, true},
        {LONG_PT + 64 * 8, BIT64(52), AT_DATA, false},
        {LONG_PT + 64 * 8, BIT64(62), AT_DATA, false},
        {LONG_PML4, BIT64(58), AT_DATA, false},
        {LONG_PT + 64 * 8, PS, AT_DATA, false}, /* PAT */
        {LONG_PML4, G, AT_DATA, false},
    };
    m = machine_new("qemu64", _i);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        /* The program and its tables run from the high half, which keeps its own upper levels. */
        LONG(m, 0, load);
        m->cpu->rip = LONG_HIGH + AT_CODE;
        m->cpu->gdt.base = LONG_HIGH + AT_GDT;
        m->cpu->idt.base = LONG_HIGH + AT_IDT;
        *reg(REG_SP) = LONG_HIGH + AT_STACK0;
        long_idt_gate(m, EXC_PF, SEL_CODE0, LONG_HIGH + AT_HANDLERS + 16 * EXC_PF, LONG_INT, 0);
        if (rows[i].at == LONG_PD) { /* shared: give the low half its own */
            machine_st64(m, 0x200000, LONG_PT | PTE_RW | rows[i].entry);
            long_entry(m, LONG_PDPT, 0x200000 | PTE_RW);
        } else {
            long_entry(m, rows[i].at, machine_ld64(m, rows[i].at) | rows[i].entry);
        }
        *reg(REG_BX) = rows[i].la;
        machine_run(m, 10);
        if (rows[i].fault) {
            ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + AT_HANDLERS + 16 * EXC_PF + 1);
            ck_assert_uint_eq(long_frame(m, 0), E_P | E_RSVD);
        } else {
            ck_assert_uint_eq(m->cpu->rip, LONG_HIGH + AT_CODE + LENGTH(load));
        }
    }
    LONG(m, 0, load); /* 2 MiB page with bit 13 set; bit 12 is PAT */
    machine_st64(m, LONG_PD + 8 * 8, 0x2000 | PTE_RW | PS);
    *reg(REG_BX) = 8 << 21;
    machine_run(m, 10);
    expect_code(m, EXC_PF, E_P | E_RSVD);
    LONG(m, 0, load);
    machine_st64(m, LONG_PD + 8 * 8, 0x1000 | PTE_RW | PS);
    *reg(REG_BX) = 8 << 21;
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE + LENGTH(load));
    LONG(m, 0, load);
    m->cpu->efer &= ~(u64)EFER_NXE;
    m->cpu->mmu.mode.efer &= ~(u32)EFER_NXE;
    long_page(m, AT_DATA, AT_DATA | PTE_RW | PTE_NX);
    *reg(REG_BX) = AT_DATA;
    machine_run(m, 10);
    expect_code(m, EXC_PF, E_P | E_RSVD);
    machine_free(m);
}
END_TEST

START_TEST(rights)
{
    static const struct {
        u64 pte;
        u8 cpl;
        bool write;
        u32 error; /* 0: no fault */
    } rows[] = {
        {P | W | U, 3, true, 0},           {P | W, 3, false, E_P | E_U},
        {P | W, 3, true, E_P | E_U | E_W}, {P | U, 3, false, 0},
        {P | U, 3, true, E_P | E_U | E_W}, {P | U, 0, true, E_P | E_W}, /* CR0.WP */
        {0, 3, true, E_U | E_W},           {0, 0, false, 0x100},        /* error code 0 */
        {P | W | U | PTE_NX, 3, true, 0},
    };
    m = machine_new("qemu64", _i);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].write)
            LONG(m, rows[i].cpl, store);
        else
            LONG(m, rows[i].cpl, load);
        machine_st64(m, AT_DATA, 0);
        long_page(m, AT_DATA, AT_DATA | rows[i].pte);
        *reg(REG_BX) = AT_DATA + 8;
        *reg(REG_AX) = 5;
        machine_run(m, rows[i].error ? 10 : 1);
        if (rows[i].error) {
            expect_fault(m, EXC_PF, rows[i].error & 0xff, AT_CODE);
            ck_assert_uint_eq(m->cpu->cr2, AT_DATA + 8);
            ck_assert_uint_eq(machine_ld64(m, LONG_PT + 64 * 8) & (A | D), 0);
        } else {
            ck_assert_uint_eq(m->cpu->rip, AT_CODE + 3);
            ck_assert_uint_eq(machine_ld64(m, LONG_PT + 64 * 8) & (A | D),
                              rows[i].write ? A | D : A);
        }
    }
    /* A right that any level denies is denied; A is set in every level, D in the leaf only. */
    LONG(m, 3, store);
    long_entry(m, LONG_PML4 + 511 * 8, LONG_PDPT_HIGH | P | U | A); /* D is ignored there */
    *reg(REG_BX) = LONG_HIGH + AT_DATA;
    machine_run(m, 10);
    expect_code(m, EXC_PF, E_P | E_U | E_W);
    LONG(m, 0, store);
    *reg(REG_BX) = AT_DATA;
    machine_run(m, 1);
    ck_assert_uint_eq(machine_ld64(m, LONG_PML4) & (A | D), A);
    ck_assert_uint_eq(machine_ld64(m, LONG_PDPT) & (A | D), A);
    ck_assert_uint_eq(machine_ld64(m, LONG_PD) & (A | D), A);
    ck_assert_uint_eq(machine_ld64(m, LONG_PT + 64 * 8) & (A | D), A | D);
    machine_free(m);
}
END_TEST

START_TEST(no_execute)
{
    m = machine_new("max", _i);
    LONG(m, 3, jump);
    long_page(m, AT_DATA, AT_DATA | PTE_RW | PTE_NX);
    *reg(REG_BX) = AT_DATA;
    machine_run(m, 10);
    expect_fault(m, EXC_PF, E_P | E_U | E_I, AT_DATA);
    ck_assert_uint_eq(m->cpu->cr2, AT_DATA);
    /* At an upper level, and for a page that is not there. */
    LONG(m, 0, jump);
    machine_st64(m, LONG_PD + 8 * 8, PTE_RW | PS | PTE_NX);
    *reg(REG_BX) = 8 << 21;
    machine_run(m, 10);
    expect_code(m, EXC_PF, E_P | E_I);
    LONG(m, 0, jump);
    long_page(m, AT_DATA, 0);
    *reg(REG_BX) = AT_DATA;
    machine_run(m, 10);
    expect_code(m, EXC_PF, E_I);
    /* SMEP: the system does not run the program's pages (section 4.6). */
    LONG(m, 0, jump);
    m->cpu->mmu.mode.cr4 |= CR4_SMEP;
    for (u32 at = 0; at < 0x80000; at += 0x1000)
        long_page(m, at, at | (at == AT_DATA ? PTE_RW : P | W));
    *reg(REG_BX) = AT_DATA;
    machine_run(m, 10);
    expect_code(m, EXC_PF, E_P | E_I);
    /* The instruction's second page counts only when the instruction gets there. */
    LONG(m, 0, jump);
    machine_load(m, AT_DATA + 0xffd, nops_begin, 3);
    long_page(m, AT_DATA + 0x1000, (AT_DATA + 0x1000) | PTE_RW | PTE_NX);
    *reg(REG_BX) = AT_DATA + 0xffd;
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->rip, AT_DATA + 0x1000);
    ck_assert(m->cpu->halted);
    LONG(m, 0, jump);
    machine_load(m, AT_DATA + 0xffd, load_begin, 3);
    machine_load(m, AT_DATA + 0xffe, load_begin, 2);
    long_page(m, AT_DATA + 0x1000, (AT_DATA + 0x1000) | PTE_RW | PTE_NX);
    *reg(REG_BX) = AT_DATA + 0xffe;
    machine_run(m, 10);
    expect_fault(m, EXC_PF, E_P | E_I, AT_DATA + 0xffe);
    ck_assert_uint_eq(m->cpu->cr2, AT_DATA + 0x1000);
    machine_free(m);
}
END_TEST

/* Not canonical: #GP(0), #SS(0) through the stack's registers, CR2 untouched. */
START_TEST(canonical)
{
    static const u64 bad[] = {NOT_CANONICAL, NOT_CANONICAL - 7, ~(u64)0 << 47 ^ BIT64(60),
                              0xffff7fffffffffffull, 0xffff7ffffffffff9ull};
    m = machine_new("max", _i);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        LONG(m, 0, load);
        m->cpu->cr2 = 0x77;
        *reg(REG_BX) = bad[i];
        machine_run(m, 10);
        expect_fault(m, EXC_GP, 0, AT_CODE);
        ck_assert_uint_eq(m->cpu->cr2, 0x77);
        LONG(m, 3, store);
        *reg(REG_BX) = bad[i];
        machine_run(m, 10);
        expect_fault(m, EXC_GP, 0, AT_CODE);
        LONG(m, 3, pop_rbp);
        *reg(REG_BP) = bad[i];
        machine_run(m, 10);
        expect_fault(m, EXC_SS, 0, AT_CODE);
        LONG(m, 3, pop);
        *reg(REG_SP) = bad[i];
        machine_run(m, 10);
        expect_fault(m, EXC_SS, 0, AT_CODE);
    }
    LONG(m, 3, push);
    *reg(REG_SP) = NOT_CANONICAL + 4; /* the quadword below straddles the edge */
    machine_run(m, 10);
    expect_fault(m, EXC_SS, 0, AT_CODE);
    /* With a base the sum counts. */
    LONG(m, 3, via_fs);
    m->cpu->seg[SEG_FS].base = NOT_CANONICAL - 0x1000;
    seg_update(m->cpu, SEG_FS);
    *reg(REG_BX) = 0x1000;
    machine_run(m, 10);
    expect_code(m, EXC_GP, 0);
    LONG(m, 3, via_fs);
    m->cpu->seg[SEG_FS].base = 0xffff800000000000ull;
    seg_update(m->cpu, SEG_FS);
    *reg(REG_BX) = AT_DATA - 0xffff800000000000ull;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE + LENGTH(via_fs) - 1);
    /* Branches fault before they leave (SDM vol. 2 "JMP", "CALL", "RET"). */
    LONG(m, 3, jump);
    *reg(REG_BX) = NOT_CANONICAL;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    LONG(m, 3, call);
    *reg(REG_BX) = NOT_CANONICAL;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    ck_assert_uint_eq(long_frame(m, 4), AT_STACK3); /* nothing was pushed */
    LONG(m, 3, ret);
    machine_st64(m, AT_STACK3, NOT_CANONICAL);
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    ck_assert_uint_eq(long_frame(m, 4), AT_STACK3);
    machine_free(m);
}
END_TEST

/* Code that runs into the end of the lower half: the fetch raises #GP(0). */
START_TEST(edge_of_code)
{
    m = machine_new("max", _i);
    LONG(m, 0, halt);
    long_entry(m, LONG_PML4 + 255 * 8, SPARE | PTE_RW);
    machine_st64(m, SPARE + 511 * 8, (SPARE + 0x1000) | PTE_RW);
    machine_st64(m, SPARE + 0x1000 + 511 * 8, (SPARE + 0x2000) | PTE_RW);
    machine_st64(m, SPARE + 0x2000 + 511 * 8, AT_DATA | PTE_RW);
    machine_load(m, AT_DATA + 0xffe, nops_begin, 2);
    m->cpu->rip = NOT_CANONICAL - 2;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, NOT_CANONICAL);
    LONG(m, 0, halt);
    long_entry(m, LONG_PML4 + 255 * 8, SPARE | PTE_RW);
    machine_load(m, AT_DATA + 0xffe, load_begin, 2); /* cut off */
    m->cpu->rip = NOT_CANONICAL - 2;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, NOT_CANONICAL - 2);
    machine_free(m);
}
END_TEST

/* INVLPG drops a large page whole, whatever its size, and is a NOP for an address that is not
 * canonical (section 4.10.4.1; vol. 2 "INVLPG"). */
START_TEST(invalidation)
{
    static const struct {
        u32 entry;
        u64 value, la, inv;
    } rows[] = {
        {LONG_PT + 64 * 8, AT_DATA | PTE_RW, AT_DATA, 0x18},
        {LONG_PD + 9 * 8, PTE_RW | PS, 9 << 21, 0x1ff000},
        {LONG_PDPT + 3 * 8, PTE_RW | PS | G, 0xc0000000u, 0x3ffff000},
    };
    m = machine_new("max", _i);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        LONG(m, 0, invlpg);
        m->cpu->mmu.gib_pages = true;
        long_entry(m, rows[i].entry, rows[i].value);
        *reg(REG_BX) = rows[i].la;
        *reg(REG_DX) = rows[i].entry;
        *reg(8) = rows[i].inv;
        machine_run(m, 10);
        expect_code(m, EXC_PF, 0);
        /* The TLB may go on answering until INVLPG, and no longer. */
        ck_assert_uint_ge(long_frame(m, 1), AT_CODE + 10);
        ck_assert_uint_le(long_frame(m, 1), AT_CODE + LENGTH(invlpg) - 4);
    }
    LONG(m, 0, invlpg);
    *reg(REG_BX) = AT_DATA;
    *reg(REG_DX) = AT_DATA;
    *reg(8) = NOT_CANONICAL;
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE + LENGTH(invlpg));
    machine_free(m);
}
END_TEST

SUITE_MAIN("long_page", levels, not_present, reserved, rights, no_execute, canonical, edge_of_code,
           invalidation)

#else
int main(void)
{
    puts("long_page: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
