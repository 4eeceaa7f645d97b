/* Where addresses end: IP at 64 KiB, EIP and linear addresses at 4 GiB, and the A20 gate (SDM vol.
 * 1 section 3.3.5, vol. 3 sections 8.7.13.4 and 20.1.1). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { TOP = 0xfffff000u, LOW = 0x200000, FRAME = 0x210000 };

GUEST(jmp_wrap, 16, ".byte 0xe9\n .word 0x7000\n");
GUEST(jmp_back, 16, ".byte 0xeb, 0xf0");
GUEST(jmp_wide, 16, ".byte 0x66, 0xe9\n .long 0x7000");
GUEST(call_wrap, 16, ".byte 0xe8\n .word 0x7000");
GUEST(nops16, 16, "nop\n nop\n nop\n nop");
GUEST(mov3, 16, "mov ax, 0x1234");
GUEST(halt, 16, "hlt");
GUEST(inc_hlt, 16, "inc cx\n hlt");
GUEST(push_pop, 16, "push ax\n pop bx\n hlt");
GUEST(pop_wrap, 16, "pop ax\n pop bx\n hlt");
GUEST(word_at, 16, "mov ax, [bx]\n hlt");
GUEST(bx_si, 16, "mov ax, [bx+si+2]\n hlt");
GUEST(lods_wrap, 16, "lodsb\n lodsb\n hlt");
GUEST(es_far, 16, "mov ax, es:[bx]\n mov es:[si], ax\n hlt");
GUEST(es_store, 16, "mov es:[bx], ax\n hlt");
GUEST(inc_eax, 32, "inc eax\n inc eax\n inc eax\n inc eax");
GUEST(mov_imm, 32, "mov eax, 0x44332211\n hlt");
GUEST(inc_hlt32, 32, "inc eax\n hlt");
GUEST(jmp_over, 32, ".byte 0xeb, 0x7d\n hlt");
GUEST(ld_st, 32, "mov eax, [ebx]\n mov [esi], eax\n hlt");
GUEST(index, 32, "mov eax, [ebx+ecx*8+0x10]\n hlt");
GUEST(fs_base, 32, "mov eax, fs:[ebx]\n hlt");

static struct machine *m;
#define REG(r) ((u32)m->cpu->gpr[REG_##r])

static void real(u32 ip, const u8 *begin, const u8 *end)
{
    machine_real(m, ip);
    machine_load(m, ip, begin, (size_t)(end - begin));
    m->cpu->gpr[REG_AX] = m->cpu->gpr[REG_DX] = 0;
}
#define REAL(ip, name) real(ip, name##_begin, name##_end)

/* Where linear address la of the two pages is. */
static u32 place(u32 la)
{
    return la >= TOP ? FRAME + (la & 0xfff) : FRAME + 0x1000 + la;
}

static void put(u32 la, const u8 *begin, const u8 *end)
{
    for (u32 i = 0; begin + i < end; i++)
        machine_load(m, place(la + i), begin + i, 1);
}

/* Paging on; the top page of the address space is FRAME, page 0 is the one behind it. */
static void start_top(u32 at, const u8 *begin, const u8 *end)
{
    machine_protected(m, 0, at);
    machine_paging(m);
    memset(machine_mem(m, AT_PAGES + 0x3000), 0, 0x1000);
    machine_st32(m, AT_PAGES + 0xffc, (AT_PAGES + 0x3000) | 7);
    machine_st32(m, AT_PAGES + 0x3ffc, FRAME | 7);
    machine_page(m, 0, (FRAME + 0x1000) | 7);
    put(at, begin, end);
    m->cpu->gpr[REG_AX] = 0;
}
#define TOP_AT(at, name) start_top(at, name##_begin, name##_end)

/* Branches wrap IP at 64 KiB; running off the end does not: #GP(0), as the byte at 10000H is beyond
 * the limit. */
START_TEST(instruction_pointer_16)
{
    m = machine_new("max", _i);
    REAL(0xa000, jmp_wrap);
    machine_code(m, 0x1003, halt);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->rip, 0x1004);
    REAL(0x4, jmp_back); /* below zero */
    machine_code(m, 0xfff6, halt);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->rip, 0xfff7);
    REAL(0xa000, jmp_wide); /* a 32-bit displacement does not wrap */
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_GP);
    ck_assert_uint_eq(machine_ld16(m, 0x7000 - 6), 0xa000);
    REAL(0xa000, call_wrap);
    machine_code(m, 0x1003, halt);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->rip, 0x1004);
    ck_assert_uint_eq(machine_ld16(m, 0x7000 - 2), 0xa003);
    /* To the end and on: the instruction at FFFFH runs, the next fetch is the fault. */
    for (u32 at = 0xfffc; at <= 0xffff; at++) {
        REAL(at, nops16);
        machine_code(m, 0, halt);
        machine_run(m, 10);
        ck_assert_int_eq(machine_vector(m), EXC_GP);
        ck_assert_uint_eq(m->cpu->gpr[REG_SP], 0x7000 - 6);
    }
    REAL(0xfffe, mov3); /* an instruction that crosses does not run at all */
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_GP);
    ck_assert_uint_eq(machine_ld16(m, 0x7000 - 6), 0xfffe);
    ck_assert_uint_eq(REG(AX), 0);
    REAL(0xfffd, mov3); /* one that ends exactly there does */
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_GP);
    ck_assert_uint_eq(REG(AX), 0x1234);
    machine_free(m);
}
END_TEST

/* Offsets wrap at 64 KiB, operands do not: a word at FFFFH is beyond the limit. */
START_TEST(offsets_16)
{
    m = machine_new("max", _i);
    REAL(0x6000, push_pop); /* SP wraps from 0 to FFFE */
    m->cpu->gpr[REG_SP] = 0x12340000;
    m->cpu->gpr[REG_AX] = 0xabcd;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(BX) & 0xffff, 0xabcd);
    ck_assert_uint_eq(machine_ld16(m, 0xfffe), 0xabcd);
    ck_assert_uint_eq(REG(SP), 0x12340000);
    REAL(0x6000, pop_wrap);
    m->cpu->gpr[REG_SP] = 0xfffe;
    machine_st32(m, 0, 0x5678);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX) & 0xffff, 0xabcd);
    ck_assert_uint_eq(REG(BX) & 0xffff, 0x5678);
    ck_assert_uint_eq(REG(SP), 2);
    REAL(0x6000, word_at);
    m->cpu->gpr[REG_BX] = 0xffff;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_GP);
    REAL(0x6000, bx_si); /* the sum wraps */
    m->cpu->gpr[REG_BX] = 0xfff0;
    m->cpu->gpr[REG_SI] = 0x40;
    machine_st32(m, 0x32, 0x7777);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX) & 0xffff, 0x7777);
    REAL(0x6000, lods_wrap);
    m->cpu->gpr[REG_SI] = 0xffff;
    machine_load(m, 0xffff, "\x11\x22", 2);
    machine_load(m, 0, "\x33", 1);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX) & 0xff, 0x33);
    ck_assert_uint_eq(REG(SI), 1);
    machine_free(m);
}
END_TEST

/* Flat code goes round from FFFFFFFFH to 0, one instruction or one operand at a time. */
START_TEST(four_gigabytes)
{
    m = machine_new("max", _i);
    TOP_AT(0xfffffffeu, inc_eax);
    put(2, inc_hlt32_begin, inc_hlt32_end);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 5);
    ck_assert_uint_eq((u32)m->cpu->rip, 4);
    for (u32 at = 0xfffffffbu; at >= 0xfffffffbu; at++) { /* MOV in both pages */
        TOP_AT(at, mov_imm);
        machine_run(m, 20);
        ck_assert_uint_eq(REG(AX), 0x44332211);
        ck_assert_uint_eq((u32)m->cpu->rip, at + 6);
    }
    TOP_AT(0xffffff90u, jmp_over);
    put(0xf, halt_begin, halt_end);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, 0x10);
    /* Data: every split of a doubleword, read and written, both pages. */
    for (u32 n = 1; n < 4; n++) {
        TOP_AT(0x100, ld_st);
        for (u32 i = 0; i < 8; i++)
            machine_load(m, place(0u - 4 + i), &(u8){(u8)(0x10 + i)}, 1);
        m->cpu->gpr[REG_BX] = 0u - n;
        m->cpu->gpr[REG_SI] = 0x7fd;
        machine_run(m, 20);
        ck_assert_uint_eq(REG(AX), 0x13121110 + 0x01010101 * (4 - n));
        TOP_AT(0x100, ld_st);
        machine_st32(m, place(0x700), 0xa1b2c3d4);
        m->cpu->gpr[REG_BX] = 0x700;
        m->cpu->gpr[REG_SI] = 0u - n;
        machine_run(m, 20);
        for (u32 i = 0; i < 4; i++)
            ck_assert_uint_eq(*machine_mem(m, place(0u - n + i)), 0xa1b2c3d4u >> (8 * i) & 0xff);
    }
    TOP_AT(0x100, index); /* the effective address is a sum modulo 2^32 */
    machine_st32(m, place(0x300), 0x600d);
    m->cpu->gpr[REG_CX] = 0x70000010;
    m->cpu->gpr[REG_BX] = 0x300 - 0x10 - (u32)(m->cpu->gpr[REG_CX] << 3);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0x600d);
    TOP_AT(0x100, fs_base); /* and so is the linear one */
    m->cpu->seg[SEG_FS].base = 0xfffff000u;
    seg_update(m->cpu, SEG_FS);
    cpu_update_mode(m->cpu);
    m->cpu->gpr[REG_BX] = 0x1300;
    machine_st32(m, place(0x300), 0xf00d);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(AX), 0xf00d);
    /* The second page of a wrapping access is checked like any other. */
    TOP_AT(0x100, ld_st);
    machine_page(m, 0, (FRAME + 0x1000) | 5);
    m->cpu->cr0 |= CR0_WP;
    m->cpu->mmu.mode.cr0 |= CR0_WP;
    mmu_flush(&m->cpu->mmu, true);
    m->cpu->gpr[REG_BX] = 0x700;
    m->cpu->gpr[REG_SI] = 0xfffffffeu;
    machine_st32(m, place(0xfffffffcu), 0x55555555);
    machine_run(m, 20);
    expect_error(m, EXC_PF, 3u);
    ck_assert_uint_eq(m->cpu->cr2, 0);
    ck_assert_uint_eq(machine_ld32(m, place(0xfffffffcu)), 0x55555555);
    machine_free(m);
}
END_TEST

/* Real mode code at FFFF:0010 is at 1 MiB with the gate open and at 0 with it closed; data and code
 * change with the gate, whatever was translated before. */
START_TEST(a20)
{
    m = machine_new("max", _i);
    for (unsigned i = 0; i < 4; i++) {
        bool open = i & 1;
        REAL(0x6000, es_far);
        cpu_set_a20(m->cpu, open);
        machine_st32(m, 0x500, 0x1111);
        machine_st32(m, 0x100500, 0x2222);
        seg_put_real(m->cpu, SEG_ES, 0xffff);
        m->cpu->gpr[REG_BX] = 0x510;
        m->cpu->gpr[REG_SI] = 0x610;
        machine_run(m, 10);
        ck_assert_uint_eq(REG(AX), open ? 0x2222 : 0x1111);
        ck_assert_uint_eq(machine_ld16(m, open ? 0x100600 : 0x600), REG(AX));
        machine_st32(m, 0x600, 0);
        machine_st32(m, 0x100600, 0);
    }
    machine_real(m, 0);
    machine_code(m, 0x700, inc_hlt);
    machine_load(m, 0x100700, "\x42\xf4", 2); /* INC DX */
    for (unsigned i = 0; i < 6; i++) {
        bool open = i & 1;
        cpu_set_a20(m->cpu, open);
        seg_put_real(m->cpu, SEG_CS, 0xffff);
        m->cpu->rip = 0x710;
        m->cpu->halted = false;
        m->cpu->gpr[REG_CX] = m->cpu->gpr[REG_DX] = 0;
        cpu_update_mode(m->cpu);
        machine_run(m, 10);
        ck_assert_uint_eq(REG(CX), !open);
        ck_assert_uint_eq(REG(DX), open);
    }
    /* A store through the closed gate changes the code that runs from below, and the other way. */
    cpu_set_a20(m->cpu, false);
    for (unsigned i = 0; i < 4; i++) {
        REAL(0x6000, es_store);
        cpu_set_a20(m->cpu, false);
        seg_put_real(m->cpu, SEG_ES, i & 1 ? 0xffff : 0);
        m->cpu->gpr[REG_BX] = i & 1 ? 0x710 : 0x700;
        m->cpu->gpr[REG_AX] = 0xf400 | (0x40 + i);
        machine_run(m, 10);
        seg_put_real(m->cpu, SEG_CS, i & 2 ? 0 : 0xffff);
        m->cpu->rip = i & 2 ? 0x700 : 0x710;
        m->cpu->halted = false;
        for (unsigned r = 0; r < 4; r++)
            m->cpu->gpr[r] = 0;
        cpu_update_mode(m->cpu);
        machine_run(m, 10);
        for (unsigned r = 0; r < 4; r++)
            ck_assert_uint_eq((u32)m->cpu->gpr[r], r == i);
    }
    /* It masks every physical address, also behind paging and of the tables themselves. */
    machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, ld_st_begin, (size_t)(ld_st_end - ld_st_begin));
    machine_paging(m);
    machine_page(m, LOW, 0x140000 | 7);
    memcpy(machine_mem(m, AT_PAGES & ~0x100000), machine_mem(m, AT_PAGES), 0x2000);
    m->cpu->gpr[REG_BX] = LOW;
    m->cpu->gpr[REG_SI] = AT_DATA + 4;
    machine_st32(m, 0x140000, 0x1234);
    machine_st32(m, 0x40000, 0x4321);
    cpu_set_a20(m->cpu, false);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 0x4321);
    machine_free(m);
}
END_TEST

SUITE_MAIN("wrap", instruction_pointer_16, offsets_16, four_gigabytes, a20)

#else
int main(void)
{
    puts("wrap: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
