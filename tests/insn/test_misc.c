/* Stack, branch and read-modify-write instructions with memory: results, and nothing committed on a
 * fault. */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { D0 = SEL_FREE };

GUEST(pop_esp_mem, 32, "pop dword ptr [esp+8]\n hlt");
GUEST(push_esp, 32, "push esp\n pop eax\n hlt");
GUEST(pop_esp, 32, "pop esp\n hlt");
GUEST(push_imm, 32, "push -2\n .byte 0x66\n push -3\n .byte 0x66, 0x68, 0x34, 0x12\n hlt");
GUEST(push_seg, 32, "push ds\n hlt");
GUEST(pusha_popa, 32, "pusha\n xor eax, eax\n xor ebx, ebx\n xor ebp, ebp\n popa\n hlt");
GUEST(pusha, 32, "pusha\n hlt");
GUEST(enter0, 32, "enter 32, 0\n hlt");
GUEST(enter3, 32, "enter 16, 3\n hlt");
GUEST(leave, 32, "leave\n hlt");
GUEST(call_ret, 32, "call 1f\n hlt\n 1: inc eax\n ret 4");
GUEST(call_mem, 32, "call [ebx]\n hlt");
GUEST(loops, 32, "1: inc eax\n loop 1b\n hlt");
GUEST(loopne, 32, "1: inc eax\n cmp eax, 5\n loopne 1b\n hlt");
GUEST(jecxz, 32, "jecxz 1f\n inc eax\n 1: hlt");
GUEST(jcxz, 32, ".byte 0x67\n jecxz 1f\n inc eax\n 1: hlt");
GUEST(xlat, 32, "xlatb\n hlt");
GUEST(xchg, 32, "xchg [ebx], ecx\n hlt");
GUEST(add_mem, 32, "add [ebx], ecx\n hlt");
GUEST(cmpxchg, 32, "lock cmpxchg [ebx], ecx\n hlt");
GUEST(cmpxchg8b, 32, "lock cmpxchg8b [esi]\n hlt");
GUEST(xadd, 32, "xadd [ebx], ecx\n hlt");
GUEST(bt_mem, 32, "bt [ebx], ecx\n setc al\n hlt");
GUEST(bts_mem, 32, "bts [ebx], ecx\n hlt");
GUEST(bt_imm, 32, "bt dword ptr [ebx], 37\n setc al\n hlt");
GUEST(lea, 32, "lea eax, [ebx+ecx*4-8]\n .byte 0x67\n lea edx, [bx+si+0x10]\n hlt");
GUEST(cmov, 32, "cmovz eax, [ebx]\n hlt");
GUEST(pushf16, 32, "pushfw\n popfw\n pushfd\n pop eax\n hlt");
GUEST(popf_user, 32, "push 0x3202\n popfd\n pushfd\n pop eax\n hlt");
GUEST(hlt_user, 32, "hlt");
GUEST(ret16, 32, ".byte 0x66\n ret");
GUEST(jmp16, 32, ".byte 0x66, 0xe9, 0x00, 0x00");
GUEST(aam0, 32, ".byte 0xd4, 0");
GUEST(lock_ud, 32, ".byte 0xf0\n add eax, [ebx]");
GUEST(selfmod, 32, "mov byte ptr [ebx], 0x42\n .byte 0x40\n hlt");

static struct machine *m;

static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    m->cpu->gpr[REG_BX] = AT_DATA;
}
#define START(name) start(0, name##_begin, name##_end)
#define REG(r)      ((u32)m->cpu->gpr[REG_##r])

START_TEST(pushes)
{
    m = machine_new("max", _i);
    START(pop_esp_mem); /* the address uses the popped ESP */
    machine_st32(m, AT_STACK0 - 32, 0x1234);
    m->cpu->gpr[REG_SP] = AT_STACK0 - 32;
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld32(m, AT_STACK0 - 20), 0x1234);
    ck_assert_uint_eq(REG(SP), AT_STACK0 - 28);
    START(push_esp);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), AT_STACK0);
    START(pop_esp);
    machine_st32(m, AT_STACK0, 0x9999);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(SP), 0x9999);
    START(push_imm);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(SP), AT_STACK0 - 8);
    ck_assert_uint_eq(machine_ld32(m, AT_STACK0 - 4), 0xfffffffe);
    ck_assert_uint_eq(machine_ld16(m, AT_STACK0 - 6), 0xfffd);
    ck_assert_uint_eq(machine_ld16(m, AT_STACK0 - 8), 0x1234);
    START(push_seg);
    machine_st32(m, AT_STACK0 - 4, 0xffffffff);
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld16(m, AT_STACK0 - 4), SEL_DATA0);
    ck_assert_uint_eq(REG(SP), AT_STACK0 - 4);
    START(pusha_popa);
    for (unsigned i = 0; i < 8; i++)
        if (i != REG_SP)
            m->cpu->gpr[i] = 0x1000 + i;
    machine_run(m, 10);
    for (unsigned i = 0; i < 8; i++)
        ck_assert_uint_eq((u32)m->cpu->gpr[i], i == REG_SP ? AT_STACK0 : 0x1000 + i);
    ck_assert_uint_eq(machine_ld32(m, AT_STACK0 - 20), AT_STACK0); /* the old ESP */
    /* PUSHA faults before any of its writes when a later one cannot be done. */
    START(pusha);
    machine_paging(m);
    machine_page(m, AT_DATA, 0);
    m->cpu->gpr[REG_SP] = AT_DATA + 0x1010;
    memset(machine_mem(m, AT_DATA + 0x1000), 0xee, 16);
    machine_idt_gate(m, EXC_PF, SEL_TSS2, 0, DA_P | SYS_TASK_GATE << 8);
    memset(machine_mem(m, AT_TSS2), 0, 0x68);
    machine_st32(m, AT_TSS2 + 0x1c, AT_PAGES);
    machine_st32(m, AT_TSS2 + 0x20, AT_HANDLERS + 16 * EXC_PF);
    machine_st32(m, AT_TSS2 + 0x38, AT_STACK0);
    machine_st32(m, AT_TSS2 + 0x4c, SEL_CODE0);
    machine_st32(m, AT_TSS2 + 0x50, SEL_DATA0);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_PF);
    ck_assert_uint_eq(machine_ld32(m, AT_TSS + 0x38), AT_DATA + 0x1010);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 0x100c), 0xeeeeeeee);
    machine_free(m);
}
END_TEST

START_TEST(frames)
{
    m = machine_new("max", _i);
    START(enter0);
    m->cpu->gpr[REG_BP] = 0x7777;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(BP), AT_STACK0 - 4);
    ck_assert_uint_eq(REG(SP), AT_STACK0 - 36);
    ck_assert_uint_eq(machine_ld32(m, AT_STACK0 - 4), 0x7777);
    START(enter3);
    m->cpu->gpr[REG_BP] = AT_DATA + 0x100;
    machine_st32(m, AT_DATA + 0xfc, 0xaaa1);
    machine_st32(m, AT_DATA + 0xf8, 0xaaa2);
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld32(m, AT_STACK0 - 4), AT_DATA + 0x100);
    ck_assert_uint_eq(machine_ld32(m, AT_STACK0 - 8), 0xaaa1);
    ck_assert_uint_eq(machine_ld32(m, AT_STACK0 - 12), 0xaaa2);
    ck_assert_uint_eq(machine_ld32(m, AT_STACK0 - 16), AT_STACK0 - 4);
    ck_assert_uint_eq(REG(BP), AT_STACK0 - 4);
    ck_assert_uint_eq(REG(SP), AT_STACK0 - 32);
    START(leave);
    m->cpu->gpr[REG_BP] = AT_DATA;
    machine_st32(m, AT_DATA, 0x4242);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(BP), 0x4242);
    ck_assert_uint_eq(REG(SP), AT_DATA + 4);
    machine_free(m);
}
END_TEST

START_TEST(branches)
{
    m = machine_new("max", _i);
    START(call_ret);
    m->cpu->gpr[REG_AX] = 1;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 2);
    ck_assert_uint_eq(REG(SP), AT_STACK0 + 4);
    START(call_mem);
    machine_st32(m, AT_DATA, AT_HANDLERS + 16 * 200);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), 200);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 2);
    START(loops);
    m->cpu->gpr[REG_AX] = 0;
    m->cpu->gpr[REG_CX] = 1000;
    machine_run(m, 5000);
    ck_assert_uint_eq(REG(AX), 1000);
    START(loopne);
    m->cpu->gpr[REG_AX] = 0;
    m->cpu->gpr[REG_CX] = 100;
    machine_run(m, 1000);
    ck_assert_uint_eq(REG(AX), 5);
    ck_assert_uint_eq(REG(CX), 95);
    START(jecxz);
    m->cpu->gpr[REG_AX] = 0;
    m->cpu->gpr[REG_CX] = 0x10000;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 1);
    START(jcxz);
    m->cpu->gpr[REG_AX] = 0;
    m->cpu->gpr[REG_CX] = 0x10000;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 0);
    START(ret16); /* IP is cut to 16 bits */
    machine_st32(m, AT_STACK0, 0x12348000 + 16 * 201);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), 201);
    ck_assert_uint_eq(REG(SP), AT_STACK0 + 2);
    START(jmp16);
    machine_mem(m, 0x0004)[0] = 0xf4;
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->rip, 5);
    /* A target beyond the limit faults at the branch, with nothing pushed. */
    START(call_mem);
    m->cpu->seg[SEG_CS].limit = 0x1ffff;
    seg_update(m->cpu, SEG_CS);
    cpu_update_mode(m->cpu);
    machine_st32(m, AT_DATA, 0x20000);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    ck_assert_uint_eq(machine_frame(m, 1), AT_CODE);
    ck_assert_uint_eq(REG(SP), AT_STACK0 - 16);
    machine_free(m);
}
END_TEST

START_TEST(read_modify_write)
{
    m = machine_new("max", _i);
    START(xchg);
    machine_st32(m, AT_DATA, 5);
    m->cpu->gpr[REG_CX] = 6;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(CX), 5);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA), 6);
    START(xadd);
    m->cpu->gpr[REG_CX] = 100;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(CX), 6);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA), 106);
    START(cmpxchg);
    m->cpu->gpr[REG_AX] = 106;
    m->cpu->gpr[REG_CX] = 7;
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA), 7);
    ck_assert(cpu_aflags(m->cpu) & F_Z);
    START(cmpxchg);
    m->cpu->gpr[REG_AX] = 1;
    m->cpu->gpr[REG_CX] = 9;
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA), 7);
    ck_assert_uint_eq(REG(AX), 7);
    START(cmpxchg8b);
    machine_st32(m, AT_DATA + 4, 8);
    m->cpu->gpr[REG_SI] = AT_DATA;
    m->cpu->gpr[REG_AX] = 7;
    m->cpu->gpr[REG_DX] = 8;
    m->cpu->gpr[REG_BX] = 0x11;
    m->cpu->gpr[REG_CX] = 0x22;
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA), 0x11);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 4), 0x22);
    ck_assert(cpu_aflags(m->cpu) & F_Z);
    START(cmpxchg8b);
    m->cpu->gpr[REG_SI] = AT_DATA;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 0x11);
    ck_assert_uint_eq(REG(DX), 0x22);
    ck_assert(!(cpu_aflags(m->cpu) & F_Z));
    /* All of them need a writable destination, even those that would write the old value. */
    for (unsigned k = 0; k < 4; k++) {
        switch (k) {
        case 0: START(cmpxchg); break;
        case 1: START(add_mem); break;
        case 2: START(xchg); break;
        default: START(bts_mem); break;
        }
        machine_paging(m);
        machine_page(m, AT_DATA, AT_DATA | 5);
        m->cpu->cr0 |= CR0_WP;
        m->cpu->mmu.mode.cr0 |= CR0_WP;
        mmu_flush(&m->cpu->mmu, true);
        m->cpu->gpr[REG_AX] = 0x12345;
        m->cpu->gpr[REG_CX] = 0x3;
        cpu_set_aflags(m->cpu, F_A | F_O);
        machine_run(m, 10);
        expect_error(m, EXC_PF, 3u);
        ck_assert_uint_eq(REG(CX), 3);
        ck_assert_uint_eq(machine_frame(m, 3) & F_ALL, F_A | F_O);
    }
    machine_free(m);
}
END_TEST

START_TEST(bit_strings)
{
    m = machine_new("max", _i);
    START(bt_mem);
    machine_st32(m, AT_DATA - 8, 0x80000000);
    m->cpu->gpr[REG_CX] = (u32)-33; /* bit 31 two doublewords below */
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX) & 0xff, 1);
    START(bts_mem);
    machine_st32(m, AT_DATA + 0x1000, 0);
    m->cpu->gpr[REG_CX] = 0x8000 + 5;
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 0x1000), 0x20);
    START(bt_imm); /* taken modulo 32 */
    machine_st32(m, AT_DATA, 0x20);
    machine_st32(m, AT_DATA + 4, 0);
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX) & 0xff, 1);
    machine_free(m);
}
END_TEST

START_TEST(others)
{
    m = machine_new("max", _i);
    START(xlat);
    machine_mem(m, AT_DATA + 0xfe)[0] = 0x77;
    m->cpu->gpr[REG_AX] = 0x123456fe;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 0x12345677);
    START(lea);
    m->cpu->gpr[REG_BX] = 0x12340;
    m->cpu->gpr[REG_CX] = 0x10;
    m->cpu->gpr[REG_SI] = 0xfff0;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 0x12378);
    ck_assert_uint_eq(REG(DX), 0x2340);
    START(cmov); /* the source is read even when the condition is false */
    machine_paging(m);
    machine_page(m, AT_DATA, 0);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_PF);
    START(pushf16);
    m->cpu->eflags |= FL_AC | FL_ID | FL_DF;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), FL_AC | FL_ID | FL_DF | 2);
    start(3, popf_user_begin, popf_user_end); /* IF and IOPL stay */
    machine_run(m, 4);
    ck_assert_uint_eq(REG(AX), 2);
    start(3, hlt_user_begin, hlt_user_end);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(aam0);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_DE);
    START(lock_ud);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_UD);
    /* The next instruction is what the store made of it: INC EAX becomes INC EDX. */
    START(selfmod);
    m->cpu->gpr[REG_AX] = m->cpu->gpr[REG_DX] = 0;
    m->cpu->gpr[REG_BX] = AT_CODE + 3;
    machine_run(m, 10);
    ck_assert_uint_eq(REG(AX), 0);
    ck_assert_uint_eq(REG(DX), 1);
    machine_free(m);
}
END_TEST

SUITE_MAIN("misc", pushes, frames, branches, read_modify_write, bit_strings, others)

#else
int main(void)
{
    puts("misc: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
