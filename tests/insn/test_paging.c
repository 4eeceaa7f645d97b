/* Paging: what a TLB may remember and what not, global pages, accessed and dirty bits, CR0.WP, PSE,
 * PSE-36, PAE, NX, reserved bits and their error codes (SDM vol. 3 sections 4.3, 4.4, 4.6 to 4.10).
 */
#include "cpu/sys/ctrl.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum {
    P = 1,
    W = 2,
    U = 4,
    A = 0x20,
    D = 0x40,
    PS = 0x80,
    G = 0x100,
    PT = AT_PAGES + 0x1000,
    LA = AT_DATA + 0x2000, /* shares no entry with code and tables, even in a TLB of four */
    OTHER = 0x60000,
    THIRD = 0x70000,
    PAE_PDPT = 0x180000,
    PAE_PD = 0x181000,
    PAE_PT = 0x184000,
};

GUEST(load, 32, "mov eax, [ebx]\n hlt");
GUEST(store, 32, "mov [ebx], eax\n hlt");
GUEST(load_store, 32, "mov eax, [ebx]\n mov [ebx], ecx\n hlt");
GUEST(rmw, 32, "add dword ptr [ebx], 1\n hlt");
GUEST(change_and_load, 32, "mov eax, [ebx]\n mov [esi], edx\n mov edi, [ebx]\n hlt");
GUEST(change_only, 32, "mov [esi], edx\n mov edi, [ebx]\n hlt");
GUEST(change_store, 32, "mov eax, [ebx]\n mov [esi], edx\n mov [ebx], ecx\n hlt");
GUEST(change_invlpg, 32, "mov eax, [ebx]\n mov [esi], edx\n invlpg [ebx]\n mov edi, [ebx]\n hlt");
GUEST(change_cr3, 32,
      "mov eax, [ebx]\n mov [esi], edx\n mov ecx, cr3\n mov cr3, ecx\n mov edi, [ebx]\n hlt");
GUEST(change_pge, 32,
      "mov eax, [ebx]\n mov [esi], edx\n mov ecx, cr4\n xor ecx, 0x80\n mov cr4, ecx\n mov edi, "
      "[ebx]\n hlt");
GUEST(neighbours, 32,
      "mov eax, [ebx]\n mov [esi+4], edx\n mov edi, [ebx+0x1000]\n mov [esi-4], edx\n mov ecx, "
      "[ebx-0x1000]\n hlt");
GUEST(call_there, 32, "call ebx\n hlt");
GUEST(halt, 32, "hlt");
GUEST(wp_toggle, 32,
      "mov [ebx], eax\n mov edx, cr0\n or edx, 0x10000\n mov cr0, edx\n mov [ebx], ecx\n hlt");
GUEST(exec_other, 32, "jmp ebx");

static struct machine *m;
#define REG(r) ((u32)m->cpu->gpr[REG_##r])

static u32 pte_at(u32 la)
{
    return PT + (la >> 12) * 4;
}

static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    machine_paging(m);
    machine_st32(m, LA, 0x1111);
    machine_st32(m, OTHER, 0x2222);
    machine_st32(m, THIRD, 0x3333);
    m->cpu->gpr[REG_AX] = 0xaaaa;
    m->cpu->gpr[REG_CX] = 0xcccc;
    m->cpu->gpr[REG_BX] = LA;
    m->cpu->gpr[REG_SI] = pte_at(LA);
    m->cpu->gpr[REG_DX] = OTHER | 7;
}
#define START(cpl, name) start(cpl, name##_begin, name##_end)

static void wp(void)
{
    ctrl_write_cr0(m->cpu, m->cpu->cr0 | CR0_WP);
}

/* What a change of a table needs and what it must not need. Real processors fill their TLBs by use
 * only, and Windows 9x, among others, lives on it. */
START_TEST(changes_without_invlpg)
{
    m = machine_new("max", _i);
    /* A page that was not used: the new entry counts at once, whether the old one was present or
     * not: nothing is fetched ahead, and "absent" is never remembered. */
    START(0, change_only);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DI), 0x2222);
    START(0, change_only);
    machine_page(m, LA, 0);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DI), 0x2222);
    /* Present after a fault, without INVLPG. */
    START(0, load);
    machine_st32(m, pte_at(LA), 0);
    machine_run(m, 20);
    expect_error(m, EXC_PF, 0u);
    START(0, load);
    machine_st32(m, pte_at(LA), 0);
    mmu_flush(&m->cpu->mmu, true);
    machine_run(m, 20);
    machine_st32(m, pte_at(LA), OTHER | 7);
    m->cpu->halted = false;
    m->cpu->rip = AT_CODE;
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0x2222);
    /* More rights than before: a write that the old entry refuses looks again. */
    START(3, change_store);
    machine_page(m, LA, LA | P | U);
    m->cpu->gpr[REG_DX] = LA | P | W | U;
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_GP); /* the HLT */
    ck_assert_uint_eq(machine_ld32(m, LA), 0xcccc);
    /* The neighbours of a page in use were not fetched with it. */
    START(0, neighbours);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DI), 0x2222);
    ck_assert_uint_eq(REG(CX), 0x2222);
    /* Another page table in the directory counts at once for pages not used before: directories
     * are not remembered. */
    START(0, change_only);
    memcpy(machine_mem(m, AT_PAGES + 0x5000), machine_mem(m, PT), 0x1000);
    machine_st32(m, AT_PAGES + 0x5000 + (LA >> 12) * 4, OTHER | 7);
    m->cpu->gpr[REG_SI] = AT_PAGES;
    m->cpu->gpr[REG_DX] = (AT_PAGES + 0x5000) | 7;
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DI), 0x2222);
    /* A valid entry of a page in use: either answer is right until INVLPG (4.10.2.3), then only the
     * new one; and what is used stays usable. */
    START(0, change_and_load);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert(REG(DI) == 0x1111 || REG(DI) == 0x2222);
    machine_free(m);
}
END_TEST

START_TEST(invalidation)
{
    m = machine_new("max", _i);
    START(0, change_invlpg);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DI), 0x2222);
    START(0, change_cr3);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DI), 0x2222);
    /* Global pages stay over CR3 while CR4.PGE is set, go with INVLPG and with PGE itself. */
    for (unsigned pge = 0; pge < 2; pge++) {
        START(0, change_cr3);
        ctrl_write_cr4(m->cpu, pge ? CR4_PGE : 0);
        machine_page(m, LA, LA | P | W | U | G);
        machine_run(m, 20);
        ck_assert_uint_eq(REG(DI), pge ? 0x1111 : 0x2222);
    }
    START(0, change_invlpg);
    ctrl_write_cr4(m->cpu, CR4_PGE);
    machine_page(m, LA, LA | P | W | U | G);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DI), 0x2222);
    START(0, change_pge);
    ctrl_write_cr4(m->cpu, CR4_PGE);
    machine_page(m, LA, LA | P | W | U | G);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DI), 0x2222);
    /* INVLPG takes the page's entries for every kind of access, and the whole of a large page. */
    START(0, change_invlpg);
    ctrl_write_cr4(m->cpu, CR4_PSE);
    machine_st32(m, AT_PAGES + 4, 0x000000 | P | W | U | PS); /* 4 MiB at 4 MiB: memory from 0 */
    mmu_flush(&m->cpu->mmu, true);
    m->cpu->gpr[REG_BX] = 0x400000 + LA;
    m->cpu->gpr[REG_SI] = AT_PAGES + 4;
    m->cpu->gpr[REG_DX] = 0;
    machine_run(m, 20);
    expect_error(m, EXC_PF, 0u);
    ck_assert_uint_eq(REG(AX), 0x1111);
    machine_free(m);
}
END_TEST

START_TEST(accessed_and_dirty)
{
    m = machine_new("max", _i);
    START(3, load);
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, pte_at(LA)), LA | 7 | A);
    ck_assert_uint_eq(machine_ld32(m, AT_PAGES) & 0xfff, 7 | A);
    START(3, store);
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, pte_at(LA)), LA | 7 | A | D);
    ck_assert_uint_eq(machine_ld32(m, AT_PAGES) & 0xfff, 7 | A); /* no D in a directory */
    START(3, load_store); /* a read came first: the write must set D all the same */
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, pte_at(LA)), LA | 7 | A | D);
    START(3, rmw);
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, pte_at(LA)), LA | 7 | A | D);
    START(3, store); /* a write that is refused is no write */
    machine_page(m, LA, LA | P | U);
    machine_run(m, 20);
    expect_error(m, EXC_PF, 7u);
    ck_assert_uint_eq(machine_ld32(m, pte_at(LA)) & D, 0);
    /* D cleared by software: set again after INVLPG, whatever was cached. */
    START(0, store);
    machine_run(m, 20);
    machine_st32(m, pte_at(LA), LA | 7 | A);
    mmu_invlpg(&m->cpu->mmu, LA);
    m->cpu->halted = false;
    m->cpu->rip = AT_CODE;
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, pte_at(LA)), LA | 7 | A | D);
    /* The processor's own accesses set them, too: the stack of an interrupt, the tables. */
    START(3, halt);
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, pte_at(AT_STACK0 - 4)) & (A | D), A | D);
    ck_assert_uint_eq(machine_ld32(m, pte_at(AT_IDT)) & (A | D), A);
    ck_assert_uint_eq(machine_ld32(m, pte_at(AT_CODE)) & (A | D), A);
    machine_free(m);
}
END_TEST

START_TEST(write_protect)
{
    static const struct {
        u32 pde, pte;
        unsigned cpl;
        bool wp, store;
        int err; /* -1: allowed */
    } c[] = {
        {7, P | U, 0, false, true, -1}, /* the 386: level 0 writes everywhere */
        {7, P | U, 0, true, true, 3},       {7, P, 0, true, true, 3},
        {7, P | U, 3, false, true, 7},      {7, P | U, 3, true, false, -1},
        {5, P | W | U, 0, true, true, 3}, /* both levels count */
        {5, P | W | U, 0, false, true, -1}, {5, P | W | U, 3, false, true, 7},
        {3, P | W | U, 3, false, false, 5}, {7, P | W, 3, false, false, 5},
        {7, P | W, 3, false, true, 7},      {7, P | W, 0, true, true, -1},
    };
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        if (c[i].store)
            START(c[i].cpl, store);
        else
            START(c[i].cpl, load);
        if (c[i].wp)
            wp();
        /* A directory entry of its own, so that code and tables stay reachable. */
        machine_st32(m, AT_PAGES + 4, (AT_PAGES + 0x3000) | c[i].pde);
        machine_st32(m, AT_PAGES + 0x3000, LA | c[i].pte);
        mmu_flush(&m->cpu->mmu, true);
        m->cpu->gpr[REG_BX] = 0x400000;
        machine_run(m, 20);
        if (c[i].err >= 0) {
            ck_assert_msg(machine_vector(m) == EXC_PF && machine_frame(m, 0) == (u32)c[i].err,
                          "case %zu: %d %x", i, machine_vector(m), machine_frame(m, 0));
            ck_assert_uint_eq(machine_ld32(m, LA), 0x1111);
        } else {
            ck_assert_msg(machine_vector(m) == (c[i].cpl ? EXC_GP : -1), "case %zu: %d", i,
                          machine_vector(m));
        }
    }
    START(0, wp_toggle); /* setting WP drops write permission that was cached */
    machine_page(m, LA, LA | P | U);
    machine_run(m, 20);
    expect_error(m, EXC_PF, 3u);
    ck_assert_uint_eq(machine_ld32(m, LA), 0xaaaa);
    machine_free(m);
}
END_TEST

START_TEST(large_pages)
{
    m = machine_new("max", _i);
    START(0, load);
    machine_st32(m, AT_PAGES + 4, 0 | P | W | U | PS);
    ctrl_write_cr4(m->cpu, CR4_PSE);
    m->cpu->gpr[REG_BX] = 0x400000 + LA;
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0x1111);
    ck_assert_uint_eq(machine_ld32(m, AT_PAGES + 4) & (A | D), A);
    START(0, store);
    machine_st32(m, AT_PAGES + 4, 0 | P | W | U | PS);
    ctrl_write_cr4(m->cpu, CR4_PSE);
    m->cpu->gpr[REG_BX] = 0x400000 + LA;
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, LA), 0xaaaa);
    ck_assert_uint_eq(machine_ld32(m, AT_PAGES + 4) & (A | D), A | D);
    START(0, load); /* without CR4.PSE the bit means nothing */
    machine_st32(m, AT_PAGES + 4, (AT_PAGES + 0x3000) | P | W | U | PS);
    machine_st32(m, AT_PAGES + 0x3000, OTHER | 7);
    m->cpu->gpr[REG_BX] = 0x400000;
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0x2222);
    /* PSE-36: bits 13..20 are address bits 32..39; above the width and bit 21 are reserved. */
    START(0, load);
    machine_st32(m, AT_PAGES + 4, 1u << 13 | P | W | U | PS);
    ctrl_write_cr4(m->cpu, CR4_PSE);
    m->cpu->gpr[REG_BX] = 0x400000 + LA;
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0xffffffffu); /* 4 GiB: nothing there */
    START(3, load);
    machine_st32(m, AT_PAGES + 4, BIT(21) | P | W | U | PS);
    ctrl_write_cr4(m->cpu, CR4_PSE);
    m->cpu->gpr[REG_BX] = 0x400000;
    machine_run(m, 20);
    expect_error(m, EXC_PF, 13u);
    machine_free(m);
}
END_TEST

/* PAE: identity for 4 MiB, LA's entry as given. */
static void pae(u64 pte, u64 pde, u64 efer)
{
    struct cpu *cpu = m->cpu;
    memset(machine_mem(m, PAE_PDPT), 0, 0x8000);
    st64(machine_mem(m, PAE_PDPT), PAE_PD | P);
    st64(machine_mem(m, PAE_PD), PAE_PT | 7);
    st64(machine_mem(m, PAE_PD + 8), (PAE_PT + 0x1000) | 7);
    st64(machine_mem(m, PAE_PD + 16), pde);
    for (u32 i = 0; i < 1024; i++)
        st64(machine_mem(m, PAE_PT + 8 * i), i << 12 | 7);
    st64(machine_mem(m, PAE_PT + 8 * (LA >> 12)), pte);
    cpu->efer = efer;
    cpu->cr4 = CR4_PAE;
    cpu->cr3 = PAE_PDPT;
    ck_assert(ctrl_push_mode(cpu));
    cpu_update_mode(cpu);
}

START_TEST(pae_nx_and_reserved)
{
    static const struct {
        u64 pte, efer;
        unsigned cpl;
        bool store;
        int err;
    } c[] = {
        {OTHER | 7, 0, 3, false, -1},
        {OTHER | 7 | BIT64(63), 0, 3, false, 13}, /* NX is reserved without EFER.NXE */
        {OTHER | 7 | BIT64(63), EFER_NXE, 3, false, -1},
        {OTHER | 7 | BIT64(62), EFER_NXE, 3, false, 13},
        {OTHER | 7 | BIT64(52), 0, 3, true, 15},
        {OTHER | 7 | BIT64(45), 0, 3, false, 13}, /* above the physical width */
        {OTHER | 7 | BIT64(45), 0, 0, true, 11},
        {OTHER | 5, 0, 3, true, 7},
        {0 | BIT64(45) | 6, 0, 3, false, 4}, /* absent: nothing is reserved */
    };
    m = machine_new("max", _i);
    m->cpu->mmu.phys_mask = BIT64(36) - 1;
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        if (c[i].store)
            START(c[i].cpl, store);
        else
            START(c[i].cpl, load);
        pae(c[i].pte, 0, c[i].efer);
        machine_run(m, 20);
        if (c[i].err >= 0)
            ck_assert_msg(machine_vector(m) == EXC_PF && machine_frame(m, 0) == (u32)c[i].err,
                          "case %zu: %d %x", i, machine_vector(m), machine_frame(m, 0));
        else
            ck_assert_uint_eq(REG(AX), 0x2222);
    }
    /* Fetches: NX, its error code (I), and I only when NX is on. */
    for (unsigned nxe = 0; nxe < 2; nxe++) {
        START(3, exec_other);
        machine_code(m, OTHER, halt);
        pae(nxe ? OTHER | 7 | BIT64(63) : OTHER | 3, 0, nxe ? EFER_NXE : 0);
        machine_run(m, 20);
        expect_error(m, EXC_PF, nxe ? 0x15u : 5u);
        ck_assert_uint_eq(m->cpu->cr2, LA);
        ck_assert_uint_eq(machine_frame(m, 1), LA);
    }
    START(0, exec_other); /* NX of the directory entry, level 0 */
    pae(OTHER | 7, 0, EFER_NXE);
    st64(machine_mem(m, PAE_PD + 16), 0 | P | W | U | PS | BIT64(63));
    m->cpu->gpr[REG_BX] = 0x400000 + LA;
    machine_run(m, 20);
    expect_error(m, EXC_PF, 0x11u);
    /* 2 MiB pages, with a reserved bit and without. */
    START(0, load);
    pae(OTHER | 7, 0 | P | W | U | PS, 0);
    m->cpu->gpr[REG_BX] = 0x400000 + OTHER;
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0x2222);
    START(0, load);
    pae(OTHER | 7, BIT(14) | P | W | U | PS, 0);
    m->cpu->gpr[REG_BX] = 0x400000 + OTHER;
    machine_run(m, 20);
    expect_error(m, EXC_PF, 9u);
    /* The four pointers are loaded with CR3 and stay: memory may change. */
    START(0, load);
    pae(OTHER | 7, 0, 0);
    st64(machine_mem(m, PAE_PDPT), 0);
    mmu_flush(&m->cpu->mmu, true);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0x2222);
    machine_free(m);
}
END_TEST

/* Two addresses of one page, and a fetch and a read of one page with their own entries. */
START_TEST(aliases)
{
    m = machine_new("max", _i);
    START(0, load_store);
    machine_page(m, LA, OTHER | 7);
    machine_page(m, LA + 0x1000, OTHER | 7);
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, OTHER), 0xcccc);
    START(0, load);
    machine_page(m, LA + 0x1000, OTHER | 7);
    machine_st32(m, OTHER, 0xcccc);
    m->cpu->gpr[REG_BX] = LA + 0x1000;
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0xcccc);
    START(3, call_there);
    machine_load(m, OTHER, "\xb8\x44\x33\x22\x11\xc3", 6);
    machine_page(m, LA, OTHER | P | U);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0x11223344);
    machine_free(m);
}
END_TEST

SUITE_MAIN("paging", changes_without_invlpg, invalidation, accessed_and_dirty, write_protect,
           large_pages, pae_nx_and_reserved, aliases)

#else
int main(void)
{
    puts("paging: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
