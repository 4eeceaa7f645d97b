/* Reads while paging is off (mmu/raw.c): in and around the windows of plain memory, when the memory
 * map changes under them, and with the A20 gate closed (SDM vol. 3 section 9.7, 4.1). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { ROUNDS = 30, INSNS = 3 + 8 * ROUNDS + 1 };

/* Sums what a group of reads finds, what one finds alone, and counts in memory. */
GUEST(sums, 32, "mov ecx, 30\n xor eax, eax\n nop\n"
                "1: add eax, [ebx]\n add eax, [ebx+5]\n movzx edx, word ptr [ebx+40]\n add eax, edx\n"
                "add eax, [esi]\n inc dword ptr [edi]\n dec ecx\n jnz 1b\n hlt");
GUEST(sums16, 16, "mov cx, 30\n xor eax, eax\n nop\n"
                  "1: add eax, [bx]\n add eax, [bx+5]\n movzx edx, word ptr [bx+40]\n add eax, edx\n"
                  "add eax, [si]\n inc dword ptr [di]\n dec cx\n jnz 1b\n hlt");

enum { AT_COUNT = 0x60000, END = 1 << 20, TOP = RAM_BYTES };
static struct machine *m;

static u32 at(u32 addr)
{
    return machine_ld32(m, addr);
}

static void fill(void)
{
    for (u32 a = AT_DATA; a < TOP; a += 4)
        machine_st32(m, a, a * 2654435761u);
    machine_st32(m, AT_COUNT, 0);
}

static void expect_sum(u32 group, u32 alone, u32 n)
{
    u32 each = at(group) + at(group + 5) + (at(group + 40) & 0xffff) + at(alone);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX] & 0xffff, 0);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], each * ROUNDS);
    ck_assert_uint_eq(at(AT_COUNT), n * ROUNDS);
}

static void run(u32 group, u32 alone)
{
    machine_protected(m, 0, AT_CODE);
    machine_code(m, AT_CODE, sums);
    m->cpu->gpr[REG_BX] = group;
    m->cpu->gpr[REG_SI] = alone;
    m->cpu->gpr[REG_DI] = AT_COUNT;
    machine_run(m, INSNS);
}

/* Both windows, their borders, pages that are crossed, the end of memory. */
START_TEST(places)
{
    static const u32 spots[][2] = {
        {AT_DATA, AT_DATA + 0xffe},      {END + 0x1000, END + 0x2ffd}, {0x9ffe0, 0x9fffe},
        {END - 20, END - 2},             {TOP - 44, TOP - 4},          {END, AT_DATA + 3},
        {TOP - 600, TOP - MMU_RAW_SPAN}, {0xa0000, TOP - MMU_RAW_SPAN - 1},
    };
    m = machine_new("pentium3", _i);
    fill();
    for (u32 k = 0; k < 2 * ARRAY_LEN(spots); k++) {
        run(spots[k / 2][0], spots[k / 2][1]);
        expect_sum(spots[k / 2][0], spots[k / 2][1], k + 1);
    }
    machine_free(m);
}
END_TEST

/* A group that begins in memory and ends behind it, where nothing answers. */
START_TEST(behind_memory)
{
    m = machine_new("pentium3", _i);
    fill();
    for (u32 k = 0; k < 2; k++) {
        run(TOP - 20, TOP - 8);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX],
                          (at(TOP - 20) + at(TOP - 15) + 0xffff + at(TOP - 8)) * ROUNDS);
    }
    machine_free(m);
}
END_TEST

/* In real mode, with segments in the window, at its end and above it. */
START_TEST(real_mode)
{
    static const u32 bases[] = {AT_DATA, 0x9fff0, 0x98000, 0xa8000};
    m = machine_new("pentium3", _i);
    fill();
    for (u32 k = 0; k < 2 * ARRAY_LEN(bases); k++) {
        u32 base = bases[k / 2];
        struct seg *ds = &m->cpu->seg[SEG_DS];
        machine_real(m, 0x7c00);
        machine_code(m, 0x7c00, sums16);
        ds->sel = (u16)(base >> 4);
        ds->base = base;
        cpu_update_mode(m->cpu);
        m->cpu->gpr[REG_BX] = 0x80;
        m->cpu->gpr[REG_SI] = 0xffd;
        m->cpu->gpr[REG_DI] = (AT_COUNT - base) & 0xffff;
        machine_st32(m, base + (u32)m->cpu->gpr[REG_DI], 7);
        machine_run(m, INSNS);
        ck_assert_uint_eq(at(base + (u32)m->cpu->gpr[REG_DI]), 7 + ROUNDS);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX],
                          (at(base + 0x80) + at(base + 0x85) + (at(base + 0xa8) & 0xffff) + at(base + 0xffd)) *
                              ROUNDS);
    }
    machine_free(m);
}
END_TEST

/* Another memory answers a page, then the first one does again. */
START_TEST(map_changes)
{
    enum { PAGE = 0x200000 };
    struct ram other = {0};
    struct region region;
    m = machine_new("pentium3", _i);
    fill();
    ck_assert(ram_init(&other, &m->space, PAGE_SIZE, NULL));
    region = (struct region){.name = "other", .base = PAGE, .size = PAGE_SIZE, .prio = 1, .ram = &other};
    run(PAGE + 64, PAGE - 2);
    expect_sum(PAGE + 64, PAGE - 2, 1);
    bus_map(&m->mem, &region);
    mmu_flush(&m->cpu->mmu, true);
    memset(other.host, 1, PAGE_SIZE);
    run(PAGE + 64, PAGE - 8);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX],
                      (0x01010101u * 2 + 0x0101 + at(PAGE - 8)) * ROUNDS);
    run(PAGE - 100, PAGE + PAGE_SIZE + 8);
    expect_sum(PAGE - 100, PAGE + PAGE_SIZE + 8, 3);
    bus_unmap(&m->mem, &region);
    mmu_flush(&m->cpu->mmu, true);
    run(PAGE + 64, PAGE - 2);
    expect_sum(PAGE + 64, PAGE - 2, 4);
    ram_free(&other);
    machine_free(m);
}
END_TEST

/* Bit 20 of addresses is lost while the gate is closed. */
START_TEST(gate_a20)
{
    m = machine_new("pentium3", _i);
    fill();
    for (u32 k = 0; k < 4; k++) {
        u32 lost = k & 1 ? END : 0;
        mmu_set_a20(&m->cpu->mmu, !lost);
        run(END + AT_DATA, 3 * END + AT_DATA + 1);
        expect_sum(END + AT_DATA - lost, 3 * END + AT_DATA + 1 - lost, k + 1);
    }
    machine_free(m);
}
END_TEST

SUITE_MAIN("raw", places, behind_memory, real_mode, map_changes, gate_a20)

#else
int main(void)
{
    puts("raw: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
