/* Accesses that share a probe, across two pages: neighbours in the host's memory, others, pages
 * that refuse the second half, user and supervisor (cpu/jit/plan.h; SDM vol. 3 section 4.6). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { ROUNDS = 40, INSNS = 3 + 9 * ROUNDS, AT_PAGE = 0x50000, P = 1, W = 2, U = 4 };

/* Sums eight words and writes them back, one more each, with a group for reads and one for writes. */
GUEST(both, 32, "mov ecx, 40\n xor eax, eax\n"
                "1: add eax, [ebx]\n add eax, [ebx+8]\n add eax, [ebx+16]\n add eax, [ebx+60]\n"
                "inc dword ptr [esi]\n inc dword ptr [esi+12]\n inc dword ptr [esi+60]\n"
                "dec ecx\n jnz 1b\n hlt");

static struct machine *m;

/* Two pages at AT_PAGE, the second one at physical `second`, with these rights; the stretch begins
 * 32 bytes before the boundary. */
static void run_both(unsigned cpl, u32 second, u32 rights)
{
    machine_protected(m, cpl, AT_CODE);
    machine_paging(m);
    machine_page(m, AT_PAGE + PAGE_SIZE, second | rights);
    for (u32 i = 0; i < 3 * PAGE_SIZE / 4; i++)
        machine_st32(m, AT_PAGE + 4 * i, i);
    machine_code(m, AT_CODE, both);
    m->cpu->gpr[REG_BX] = m->cpu->gpr[REG_SI] = AT_PAGE + PAGE_SIZE - 32;
    machine_run(m, INSNS);
}

/* The word at `at` of the stretch, by the mapping of run_both(). */
static u32 place(u32 at, u32 second)
{
    u32 la = AT_PAGE + PAGE_SIZE - 32 + at;
    return la < AT_PAGE + PAGE_SIZE ? la : la - AT_PAGE - PAGE_SIZE + second;
}

START_TEST(places)
{
    static const u32 seconds[] = {AT_PAGE + PAGE_SIZE, AT_PAGE + 2 * PAGE_SIZE, AT_PAGE};
    static const u8 reads[] = {0, 8, 16, 60}, writes[] = {0, 12, 60};
    static u32 want[3 * PAGE_SIZE / 4];
    m = machine_new("pentium3", _i);
    /* Each twice: the first time fills the tables. */
    for (unsigned k = 0; k < 4 * ARRAY_LEN(seconds); k++) {
        u32 second = seconds[k / 4], sum = 0;
        run_both(k & 1 ? 3 : 0, second, P | W | U);
        for (u32 i = 0; i < ARRAY_LEN(want); i++)
            want[i] = i;
        for (u32 n = 0; n < ROUNDS; n++) {
            for (unsigned r = 0; r < ARRAY_LEN(reads); r++)
                sum += want[(place(reads[r], second) - AT_PAGE) / 4];
            for (unsigned w = 0; w < ARRAY_LEN(writes); w++)
                want[(place(writes[w], second) - AT_PAGE) / 4]++;
        }
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], sum);
        for (u32 i = 0; i < ARRAY_LEN(want); i++)
            ck_assert_uint_eq(machine_ld32(m, AT_PAGE + 4 * i), want[i]);
    }
    machine_free(m);
}
END_TEST

/* The second page is read-only, missing, or the supervisor's: what comes before the access that it
 * refuses is done, and nothing else. */
START_TEST(refused)
{
    static const struct {
        u32 rights, error, cpl;
        bool read;
    } cases[] = {{P | U, 7, 3, false}, {0, 4, 3, true}, {P | W, 5, 3, true}, {0, 0, 0, true}};
    m = machine_new("pentium3", _i);
    for (unsigned k = 0; k < 2 * ARRAY_LEN(cases); k++) {
        const u32 beginning = (PAGE_SIZE - 32) / 4;
        run_both(cases[k / 2].cpl, AT_PAGE + PAGE_SIZE, cases[k / 2].rights);
        expect_error(m, EXC_PF, cases[k / 2].error);
        ck_assert_uint_eq(m->cpu->cr2, AT_PAGE + PAGE_SIZE - 32 + 60);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], ROUNDS);
        ck_assert_uint_eq(machine_ld32(m, place(0, AT_PAGE + PAGE_SIZE)),
                          beginning + !cases[k / 2].read);
        ck_assert_uint_eq(machine_ld32(m, place(12, AT_PAGE + PAGE_SIZE)),
                          beginning + 3 + !cases[k / 2].read);
        ck_assert_uint_eq(machine_ld32(m, place(60, AT_PAGE + PAGE_SIZE)), beginning + 15);
    }
    machine_free(m);
}
END_TEST

/* Around the end of the address space: the first page of all is no neighbour of the last one. */
START_TEST(around)
{
    m = machine_new("pentium3", _i);
    for (unsigned k = 0; k < 2; k++) {
        machine_protected(m, 0, AT_CODE);
        machine_code(m, AT_CODE, both);
        machine_paging(m);
        /* The last page of 4 GiB lies in front of what address 0 has. */
        machine_st32(m, AT_PAGE, 1 | 2 | 4);
        machine_st32(m, (u32)m->cpu->cr3 + 4092, AT_PAGE | P | W | U);
        machine_st32(m, AT_PAGE + 4092, (AT_PAGE + 2 * PAGE_SIZE) | P | W | U);
        machine_page(m, 0, (AT_PAGE + 3 * PAGE_SIZE) | P | W | U);
        for (u32 i = 0; i < 2 * PAGE_SIZE / 4; i++)
            machine_st32(m, AT_PAGE + 2 * PAGE_SIZE + 4 * i, i);
        m->cpu->gpr[REG_BX] = m->cpu->gpr[REG_SI] = 0u - 32;
        machine_run(m, INSNS);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0);
        ck_assert_uint_eq(machine_ld32(m, AT_PAGE + 3 * PAGE_SIZE - 32), (PAGE_SIZE - 32) / 4 + ROUNDS);
        ck_assert_uint_eq(machine_ld32(m, AT_PAGE + 3 * PAGE_SIZE + 28), PAGE_SIZE / 4 + 7 + ROUNDS);
    }
    machine_free(m);
}
END_TEST

SUITE_MAIN("across", places, refused, around)

#else
int main(void)
{
    puts("across: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
