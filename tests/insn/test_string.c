/* String instructions: blocks, overlap, direction, faults in the middle, address sizes, conditions
 * (SDM vol. 2 "REP"). */
#include "cpu/sys/seg.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { SRC = 0x40000, DST = 0x60000 };

GUEST(rep_movsb, 32, "rep movsb\n hlt");
GUEST(rep_movsd, 32, "rep movsd\n hlt");
GUEST(std_movsb, 32, "std\n rep movsb\n hlt");
GUEST(std_movsd, 32, "std\n rep movsd\n hlt");
GUEST(rep_stosb, 32, "rep stosb\n hlt");
GUEST(rep_stosd, 32, "rep stosd\n hlt");
GUEST(std_stosw, 32, "std\n rep stosw\n hlt");
GUEST(rep_lodsd, 32, "rep lodsd\n hlt");
GUEST(repe_cmpsb, 32, "repe cmpsb\n hlt");
GUEST(repne_scasb, 32, "repne scasb\n hlt");
GUEST(repe_scasd, 32, "repe scasd\n hlt");
GUEST(cmpsb, 32, "cmpsb\n hlt");
GUEST(movs16, 16, "rep movsb\n hlt");
GUEST(movs_a16, 32, ".byte 0x67\n rep movsb\n hlt");
GUEST(lods_fs, 32, "lodsd fs:[esi]\n hlt");
GUEST(movs_loop, 32, "1: rep movsb\n nop\n hlt");

static struct machine *m;

static void start(const u8 *begin, const u8 *end, u32 cx, u32 si, u32 di)
{
    machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    m->cpu->gpr[REG_CX] = cx;
    m->cpu->gpr[REG_SI] = si;
    m->cpu->gpr[REG_DI] = di;
}
#define START(name, cx, si, di) start(name##_begin, name##_end, cx, si, di)

static void fill(u32 at, u32 n)
{
    for (u32 i = 0; i < n; i++)
        machine_mem(m, at)[i] = (u8)(i * 7 + i / 251);
}

/* Every overlap, alignment and direction against the plain definition. */
START_TEST(moves)
{
    static u8 expect[0x8000];
    u32 seed = 7;
    m = machine_new("max", _i);
    for (unsigned k = 0; k < 300; k++) {
        u32 r[4], size, count, si, di;
        bool back;
        for (unsigned i = 0; i < 4; i++)
            r[i] = seed = seed * 1664525 + 1013904223;
        size = r[0] >> 16 & 1 ? 4 : 1;
        back = r[0] >> 17 & 1;
        count = (r[1] >> 8) % (k & 1 ? 40 : 3000);
        si = 0x4000 + (r[2] >> 8) % 64;
        di = k % 3 ? si + (r[3] >> 8) % 33 - 16 : 0x4000 + (r[3] >> 8) % 4096;
        if (back) {
            si += count;
            di += count;
        }
        if (size == 4)
            count /= 4;
        if (back && size == 4)
            START(std_movsd, count, SRC + si, SRC + di);
        else if (back)
            START(std_movsb, count, SRC + si, SRC + di);
        else if (size == 4)
            START(rep_movsd, count, SRC + si, SRC + di);
        else
            START(rep_movsb, count, SRC + si, SRC + di);
        fill(SRC, sizeof(expect));
        memcpy(expect, machine_mem(m, SRC), sizeof(expect));
        for (u32 i = 0; i < count; i++) {
            u32 at = (back ? 0 - i : i) * size;
            u8 unit[4];
            memcpy(unit, expect + (u32)(si + at), size);
            memcpy(expect + (u32)(di + at), unit, size);
        }
        machine_run(m, 10000);
        ck_assert_int_eq(machine_vector(m), -1);
        ck_assert_msg(!memcmp(expect, machine_mem(m, SRC), sizeof(expect)),
                      "move %u: size %u count %u si %x di %x back %d", k, size, count, si, di,
                      back);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_SI],
                          SRC + si + (back ? 0 - count * size : count * size));
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI],
                          SRC + di + (back ? 0 - count * size : count * size));
    }
    machine_free(m);
}
END_TEST

START_TEST(stores_and_loads)
{
    m = machine_new("max", _i);
    START(rep_stosd, 3000, 0, DST + 2);
    m->cpu->gpr[REG_AX] = 0x11223344;
    machine_run(m, 1000);
    ck_assert_uint_eq(machine_ld32(m, DST + 2), 0x11223344);
    ck_assert_uint_eq(machine_ld32(m, DST + 2 + 4 * 2999), 0x11223344);
    ck_assert_uint_eq(machine_ld32(m, DST + 2 + 4 * 3000), 0);
    ck_assert_uint_eq(machine_ld16(m, DST), 0);
    START(rep_stosb, 0x2000, 0, DST);
    m->cpu->gpr[REG_AX] = 0x5a;
    machine_run(m, 1000);
    ck_assert_uint_eq(machine_ld32(m, DST + 0x1ffc), 0x5a5a5a5a);
    START(std_stosw, 100, 0, DST + 0x1010);
    m->cpu->gpr[REG_AX] = 0xbeef;
    machine_run(m, 1000);
    ck_assert_uint_eq(machine_ld16(m, DST + 0x1010), 0xbeef);
    ck_assert_uint_eq(machine_ld16(m, DST + 0x1010 - 198), 0xbeef);
    ck_assert_uint_eq(machine_ld16(m, DST + 0x1010 - 200), 0x5a5a);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI], DST + 0x1010 - 200);
    START(rep_lodsd, 10, SRC, 0);
    fill(SRC, 64);
    machine_run(m, 100);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], machine_ld32(m, SRC + 36));
    START(lods_fs, 1, SRC, 0);
    machine_desc(m, SEL_FREE, 0x100, 0xfffff, DA_P | DA_S | DA_WRITE | DA_G);
    m->cpu->seg[SEG_FS].base = 0x100;
    seg_update(m->cpu, SEG_FS);
    cpu_update_mode(m->cpu); /* what translations assume of segments */
    machine_st32(m, SRC + 0x100, 0x99887766);
    machine_run(m, 100);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], 0x99887766);
    machine_free(m);
}
END_TEST

START_TEST(compares)
{
    m = machine_new("max", _i);
    START(repe_cmpsb, 10000, SRC, DST);
    fill(SRC, 10000);
    memcpy(machine_mem(m, DST), machine_mem(m, SRC), 10000);
    machine_mem(m, DST)[7000] ^= 0x80;
    machine_run(m, 1000);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 2999);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SI], SRC + 7001);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI], DST + 7001);
    ck_assert(!(cpu_aflags(m->cpu) & F_Z));
    START(repe_cmpsb, 7000, SRC, DST); /* equal to the end */
    machine_run(m, 1000);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0);
    ck_assert(cpu_aflags(m->cpu) & F_Z);
    START(repe_cmpsb, 0, SRC, DST); /* a count of 0 touches nothing */
    cpu_set_aflags(m->cpu, F_C | F_S);
    machine_run(m, 1000);
    ck_assert_uint_eq(cpu_aflags(m->cpu), F_C | F_S);
    START(cmpsb, 5, SRC, DST); /* no prefix: no count */
    machine_mem(m, SRC)[0] = 3;
    machine_mem(m, DST)[0] = 5;
    machine_run(m, 1000);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 5);
    ck_assert(cpu_aflags(m->cpu) & F_C);    /* [SI] - [DI] */
    START(repne_scasb, 0xffffffff, 0, DST); /* strlen */
    memset(machine_mem(m, DST), 'x', 0x3000);
    machine_mem(m, DST)[0x2345] = 0;
    m->cpu->gpr[REG_AX] = 0;
    machine_run(m, 1000);
    ck_assert_uint_eq(~(u32)m->cpu->gpr[REG_CX] - 1, 0x2345);
    START(repe_scasd, 100, 0, DST);
    memset(machine_mem(m, DST), 0, 400);
    machine_st32(m, DST + 40, 9);
    m->cpu->gpr[REG_AX] = 0;
    machine_run(m, 1000);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 89);
    machine_free(m);
}
END_TEST

START_TEST(faults)
{
    m = machine_new("max", _i);
    START(rep_movsb, 0x3000, SRC, DST + 0x80);
    fill(SRC, 0x3000);
    machine_paging(m);
    machine_page(m, DST + 0x2000,
                 (DST + 0x2000) | 5); /* user, read-only: WP makes supervisor writes fault */
    m->cpu->cr0 |= CR0_WP;
    m->cpu->mmu.mode.cr0 |= CR0_WP;
    mmu_flush(&m->cpu->mmu, true);
    machine_run(m, 1000);
    expect_error(m, EXC_PF, 3u);
    ck_assert_uint_eq(m->cpu->cr2, DST + 0x2000);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0x3000 - 0x1f80);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SI], SRC + 0x1f80);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI], DST + 0x2000);
    ck_assert_uint_eq(machine_frame(m, 1), AT_CODE);
    ck_assert_int_eq(memcmp(machine_mem(m, SRC), machine_mem(m, DST + 0x80), 0x1f80), 0);
    /* Backwards: CR2 is the byte, not the page. */
    START(std_movsb, 0x100, SRC + 0x80, DST + 0x80);
    machine_paging(m);
    machine_page(m, SRC - 0x1000, 0);
    machine_run(m, 1000);
    expect_error(m, EXC_PF, 0u);
    ck_assert_uint_eq(m->cpu->cr2, SRC - 1);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0x100 - 0x81);
    /* An element across pages: nothing of it is written. */
    START(rep_movsd, 4, SRC, DST + 0xff6);
    machine_paging(m);
    machine_page(m, DST + 0x1000, 0);
    machine_run(m, 1000);
    expect_error(m, EXC_PF, 2u);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 2);
    ck_assert_uint_eq(m->cpu->cr2, DST + 0x1000);
    /* A count of 0 does not fault at all. */
    START(rep_movsb, 0, 0xfffffff0, 0xfffffff0);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    /* Segment limits are found at the element that crosses them. */
    START(rep_stosd, 100, 0, 0);
    machine_desc(m, SEL_FREE, DST, 0x4f, DA_P | DA_S | DA_WRITE);
    m->cpu->seg[SEG_ES] = (struct seg){
        .base = DST, .limit = 0x4f, .attr = DA_P | DA_S | DA_WRITE | DA_ACCESSED, .sel = SEL_FREE};
    seg_update(m->cpu, SEG_ES);
    cpu_update_mode(m->cpu);
    machine_run(m, 1000);
    expect_error(m, EXC_GP, 0u);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 80);
    machine_free(m);
}
END_TEST

START_TEST(address_size)
{
    m = machine_new("max", _i);
    /* 16-bit: SI and DI wrap at 64 KiB and keep their upper halves. */
    machine_real(m, 0x6000);
    machine_code(m, 0x6000, movs16);
    fill(0xff00, 0x200);
    m->cpu->gpr[REG_CX] = 0xabcd0010;
    m->cpu->gpr[REG_SI] = 0x1234fff8;
    m->cpu->gpr[REG_DI] = 0x56785000;
    memcpy(machine_mem(m, 0), "01234567", 8);
    machine_run(m, 100);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0xabcd0000);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_SI], 0x12340008);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI], 0x56785010);
    ck_assert_int_eq(memcmp(machine_mem(m, 0x5000), machine_mem(m, 0xfff8), 8), 0);
    ck_assert_int_eq(memcmp(machine_mem(m, 0x5008), "01234567", 8), 0);
    START(movs_a16, 0x30004, 0x20000 | SRC >> 16, 0x10100);
    machine_run(m, 100);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0x30000);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_DI], 0x10104);
    machine_free(m);
}
END_TEST

/* The instruction overwrites itself: what was fetched finishes its run, then the new bytes run. */
START_TEST(overwrites_itself)
{
    m = machine_new("max", _i);
    START(movs_loop, 4, SRC, AT_CODE + 2);
    machine_load(m, SRC, "\x90\x90\x90\xf4", 4);
    machine_run(m, 100);
    ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 6);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0);
    machine_free(m);
}
END_TEST

SUITE_MAIN("string", moves, stores_and_loads, compares, faults, address_size, overwrites_itself)

#else
int main(void)
{
    puts("string: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
