/* VEX instructions and extended state in a machine: switched on by the guest, off again behind the
 * translator's back; faults in the middle of gathers, masked moves and XSAVE (SDM vol. 1 ch. 13,
 * 14). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { HOLE = 0x30000 }; /* a page that tests take away */

GUEST(enable, 32,
      "mov eax, cr4\n or eax, 0x40600\n mov cr4, eax\n xor ecx, ecx\n xgetbv\n or eax, 7\n xsetbv\n"
      "mov ecx, 100\n vmovups ymm0, [ebx]\n vxorps ymm1, ymm1, ymm1\n"
      "1: vaddps ymm1, ymm1, ymm0\n dec ecx\n jnz 1b\n vmovups [ebx+32], ymm1\n hlt");
GUEST(add, 32, "vpaddd ymm1, ymm1, ymm2\n inc eax\n hlt");
GUEST(andn, 32, "andn eax, ecx, edx\n hlt");
GUEST(gather, 32, "vpgatherdd ymm0, [ebx+ymm1*4], ymm2\n hlt");
GUEST(mask_load, 32, "vmaskmovps ymm0, ymm1, [ebx]\n hlt");
GUEST(mask_store, 32, "vmaskmovps [ebx], ymm1, ymm0\n hlt");
GUEST(load, 32, "vmovups ymm0, [ebx]\n hlt");
GUEST(store, 32, "vmovups [ebx], ymm0\n hlt");
GUEST(xsave, 32, "xsave [ebx]\n hlt");
GUEST(xrstor, 32, "xrstor [ebx]\n hlt");
GUEST(real_add, 16, ".byte 0xc5, 0xed, 0xfe, 0xc9\n hlt");

static struct machine *m;

/* At the start of a piece of code, everything enabled. */
static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_paging(m);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    m->cpu->cr4 |= CR4_OSXSAVE | CR4_OSFXSR;
    m->cpu->xcr0 = 7;
    cpu_update_mode(m->cpu);
}
#define START(cpl, name) start(cpl, name##_begin, name##_end)

static void page(u32 la, bool present)
{
    machine_page(m, la, la | (present ? 7 : 6));
}

START_TEST(enabled_by_guest)
{
    m = machine_new("max", _i);
    for (unsigned i = 0; i < 8; i++)
        machine_st32(m, AT_DATA + 4 * i, 0x3f800000 + (i << 23)); /* 1, 2, 4, ... */
    machine_protected(m, 0, AT_CODE);
    machine_code(m, AT_CODE, enable);
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_run(m, 1000);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq(m->cpu->xcr0, 7);
    for (unsigned i = 0; i < 8; i++) /* 100, 200, 400, ... */
        ck_assert_uint_eq(machine_ld32(m, AT_DATA + 32 + 4 * i), 0x42c80000 + (i << 23));
    machine_free(m);
}
END_TEST

/* The same bytes at the same place: each run finds what the state of that moment says. */
START_TEST(state_changes)
{
    static const struct {
        u32 cr0, cr4, xcr0;
        int vector;
    } rows[] = {
        {0, CR4_OSXSAVE, 7, -1},          {0, 0, 7, EXC_UD},
        {0, CR4_OSXSAVE, 7, -1},          {0, CR4_OSXSAVE, 3, EXC_UD},
        {CR0_TS, CR4_OSXSAVE, 7, EXC_NM}, {CR0_TS, CR4_OSXSAVE, 1, EXC_UD},
        {CR0_EM, CR4_OSXSAVE, 7, -1},
    };
    m = machine_new("max", _i);
    for (unsigned i = 0; i < 4 * ARRAY_LEN(rows); i++) {
        unsigned k = i % ARRAY_LEN(rows);
        START(i & 1 ? 3 : 0, add);
        m->cpu->cr0 |= rows[k].cr0;
        m->cpu->cr4 = (m->cpu->cr4 & ~(u32)CR4_OSXSAVE) | rows[k].cr4;
        m->cpu->xcr0 = rows[k].xcr0;
        m->cpu->gpr[REG_AX] = 0;
        m->cpu->xmm[1].d[3] = m->cpu->ymmh[1].d[3] = 5;
        m->cpu->xmm[2].d[3] = m->cpu->ymmh[2].d[3] = 7;
        cpu_update_mode(m->cpu);
        machine_run(m, 2);
        if (rows[k].vector < 0) {
            ck_assert_uint_eq(m->cpu->gpr[REG_AX], 1);
            ck_assert_uint_eq(m->cpu->ymmh[1].d[3], 12);
        } else {
            machine_run(m, 3);
            ck_assert_int_eq(machine_vector(m), rows[k].vector);
            ck_assert_uint_eq(m->cpu->ymmh[1].d[3], 5);
        }
        m->cpu->cr0 &= ~(u32)(CR0_TS | CR0_EM);
    }
    /* BMI needs no such state, but a mode. */
    START(3, andn);
    m->cpu->cr4 &= ~(u32)CR4_OSXSAVE;
    cpu_update_mode(m->cpu);
    m->cpu->gpr[REG_CX] = 0xf0;
    m->cpu->gpr[REG_DX] = 0xff;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->gpr[REG_AX], 0x0f);
    machine_real(m, AT_CODE);
    machine_load(m, AT_CODE, real_add_begin, (size_t)(real_add_end - real_add_begin));
    m->cpu->cr4 |= CR4_OSXSAVE;
    m->cpu->xcr0 = 7;
    cpu_update_mode(m->cpu);
    m->cpu->ymmh[1].d[3] = 5;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->ymmh[1].d[3], 5); /* #UD */
    machine_free(m);
}
END_TEST

/* Five elements arrive; the sixth is not there; with its page it goes on behind them. */
START_TEST(gather_fault)
{
    union xmm xmm[16], ymmh[16];
    m = machine_new("max", _i);
    START(3, gather);
    for (unsigned i = 0; i < 8; i++) {
        machine_st32(m, HOLE - 32 + 4 * i, 0x100 + i);
        machine_st32(m, HOLE + 4 * i, 0x200 + i);
    }
    page(HOLE, false);
    m->cpu->gpr[REG_BX] = HOLE;
    for (unsigned i = 0; i < 4; i++) {
        m->cpu->xmm[1].d[i] = i - 8u;
        m->cpu->ymmh[1].d[i] = i == 1 ? 3 : i - 4u;
        m->cpu->xmm[2].d[i] = m->cpu->ymmh[2].d[i] = ~0u;
        m->cpu->xmm[0].d[i] = m->cpu->ymmh[0].d[i] = 7;
    }
    machine_run(m, 3);
    expect_error(m, EXC_PF, 4u);
    ck_assert_uint_eq(m->cpu->cr2, HOLE + 12);
    ck_assert_uint_eq(m->cpu->xmm[0].d[3], 0x103);
    ck_assert_uint_eq(m->cpu->ymmh[0].d[0], 0x104);
    ck_assert_uint_eq(m->cpu->ymmh[0].d[1], 7);
    ck_assert_uint_eq(m->cpu->xmm[2].q[0] | m->cpu->xmm[2].q[1] | m->cpu->ymmh[2].d[0], 0);
    ck_assert_uint_eq(m->cpu->ymmh[2].d[1] >> 31, 1);
    memcpy(xmm, m->cpu->xmm, sizeof(xmm));
    memcpy(ymmh, m->cpu->ymmh, sizeof(ymmh));
    START(3, gather);
    page(HOLE, true);
    m->cpu->gpr[REG_BX] = HOLE;
    memcpy(m->cpu->xmm, xmm, sizeof(xmm));
    memcpy(m->cpu->ymmh, ymmh, sizeof(ymmh));
    machine_st32(m, HOLE - 32, 0x999); /* not read again */
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->xmm[0].d[0], 0x100);
    ck_assert_uint_eq(m->cpu->ymmh[0].d[1], 0x203);
    ck_assert_uint_eq(m->cpu->ymmh[0].d[3], 0x107);
    ck_assert_uint_eq(m->cpu->ymmh[2].q[0] | m->cpu->ymmh[2].q[1], 0);
    machine_free(m);
}
END_TEST

/* Masked moves reach only into pages that a wanted element lies in; whole ones write nothing when
 * their second half is not there. */
START_TEST(move_fault)
{
    m = machine_new("max", _i);
    for (unsigned pass = 0; pass < 2; pass++) {
        START(3, mask_load);
        page(HOLE, false);
        m->cpu->gpr[REG_BX] = HOLE - 16;
        machine_st32(m, HOLE - 4, 0x55);
        memset(&m->cpu->xmm[1], 0xff, 16);
        memset(&m->cpu->ymmh[1], pass ? 0xff : 0, 16);
        m->cpu->xmm[0].d[3] = 1;
        machine_run(m, pass ? 3 : 1);
        ck_assert_uint_eq(m->cpu->xmm[0].d[3], pass ? 1 : 0x55);
        if (pass)
            expect_error(m, EXC_PF, 4u);
        START(3, mask_store);
        page(HOLE, false);
        m->cpu->gpr[REG_BX] = HOLE - 16;
        memset(&m->cpu->xmm[1], 0xff, 16);
        memset(&m->cpu->ymmh[1], pass ? 0xff : 0, 16);
        machine_st32(m, HOLE - 4, 0x55);
        m->cpu->xmm[0].d[3] = 0x66;
        machine_run(m, pass ? 3 : 1);
        ck_assert_uint_eq(machine_ld32(m, HOLE - 4), pass ? 0x55 : 0x66);
        if (pass)
            expect_error(m, EXC_PF, 6u);
    }
    START(3, store);
    page(HOLE, false);
    m->cpu->gpr[REG_BX] = HOLE - 16;
    machine_run(m, 3);
    expect_error(m, EXC_PF, 6u);
    ck_assert_uint_eq(m->cpu->cr2, HOLE);
    ck_assert_uint_eq(machine_ld32(m, HOLE - 4), 0x55);
    START(3, load);
    page(HOLE, false);
    m->cpu->gpr[REG_BX] = HOLE - 16;
    m->cpu->xmm[0].d[3] = 1;
    machine_run(m, 3);
    expect_error(m, EXC_PF, 4u);
    ck_assert_uint_eq(m->cpu->xmm[0].d[3], 1);
    machine_free(m);
}
END_TEST

/* XSAVE over the edge of a page: nothing of it is written, nothing of XRSTOR read in. */
START_TEST(xsave_fault)
{
    m = machine_new("max", _i);
    for (unsigned pass = 0; pass < 2; pass++) {
        START(3, xsave);
        memset(machine_mem(m, HOLE - 576), 0, 1024);
        page(HOLE, pass);
        m->cpu->gpr[REG_BX] = HOLE - 576; /* AVX state lies behind the edge */
        m->cpu->gpr[REG_AX] = 7;
        m->cpu->gpr[REG_DX] = 0;
        m->cpu->xmm[2].q[0] = 0x1111;
        m->cpu->ymmh[2].q[0] = 0x2222;
        machine_run(m, pass ? 1 : 3);
        ck_assert_uint_eq(machine_ld32(m, HOLE - 576 + 24), pass ? 0x1f80 : 0);
        ck_assert_uint_eq(machine_ld32(m, HOLE - 576 + 160 + 32), pass ? 0x1111 : 0);
        ck_assert_uint_eq(machine_ld32(m, HOLE + 32), pass ? 0x2222 : 0);
        if (!pass)
            expect_error(m, EXC_PF, 6u);
    }
    START(3, xrstor);
    page(HOLE, false);
    m->cpu->gpr[REG_BX] = HOLE - 576;
    m->cpu->gpr[REG_AX] = 7;
    m->cpu->gpr[REG_DX] = 0;
    m->cpu->xmm[2].q[0] = m->cpu->ymmh[2].q[0] = 3;
    machine_run(m, 3);
    expect_error(m, EXC_PF, 4u);
    ck_assert_uint_eq(m->cpu->xmm[2].q[0], 3);
    START(3, xrstor);
    page(HOLE, true);
    m->cpu->gpr[REG_BX] = HOLE - 576;
    m->cpu->gpr[REG_AX] = 7;
    m->cpu->gpr[REG_DX] = 0;
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->xmm[2].q[0], 0x1111);
    ck_assert_uint_eq(m->cpu->ymmh[2].q[0], 0x2222);
    machine_free(m);
}
END_TEST

SUITE_MAIN("vex", enabled_by_guest, state_changes, gather_fault, move_fault, xsave_fault)

#else

int main(void)
{
    puts("guest code is assembled on x86-64 only");
    return 0;
}

#endif
