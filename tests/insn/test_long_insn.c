/* Instructions in 64-bit code: REX, sizes, zero extension, addressing, the stack, strings, opcodes
 * that are gone (SDM vol. 1 sections 3.4.1.1, 3.6, 6.2; vol. 2 sections 2.2.1, 2.2.1.6 and per
 * instruction). */
#include "tests/insn/long.h"

#if GUEST_CODE

GUEST(bytes, 64, "mov sil, al\n mov spl, al\n mov ah, al\n mov r9b, al\n mov bpl, sil\n hlt");
GUEST(zero, 64,
      "mov eax, ecx\n add r8d, 1\n xchg edx, esi\n movzx edi, cl\n cmovc ebx, eax\n"
      " bswap r10d\n hlt");
GUEST(partial, 64, "mov ax, cx\n mov dl, cl\n add r8w, 1\n inc sil\n hlt");
GUEST(high_regs, 64,
      "lea rax, [r12+r13*8+0x10]\n mov rcx, [r12]\n mov rdx, [r13]\n mov [rsp+r9], r15\n"
      " hlt");
GUEST(rex_dropped, 64, ".byte 0x48, 0x66, 0x01, 0xc8\n hlt"); /* add ax, cx: REX is not last */
GUEST(rex_wins, 64, ".byte 0x66, 0x48, 0x01, 0xc8\n hlt");    /* add rax, rcx */
GUEST(xchg_r8, 64, "xchg r8, rax\n .byte 0x48, 0x90\n nop\n hlt");
GUEST(rip_load, 64,
      "mov rax, [rip+9f]\n lea rcx, [rip+9f]\n add dword ptr [rip+9f], 1\n hlt\n"
      ".balign 8\n 9: .quad 0x1122334455667788");
GUEST(rip_32, 64, "lea rax, [eip+0x10]\n hlt");
GUEST(moffs, 64, "movabs rax, [0xffffffff80040000]\n movabs [0xffffffff80040008], al\n hlt");
GUEST(addr32, 64, "mov rax, [ebx+ecx]\n lea rdx, [ebx+ecx]\n lea esi, [rbx+rcx]\n hlt");
GUEST(disp32, 64, "mov rax, [-0x7ffc0000]\n hlt"); /* sign-extended */
GUEST(imm64, 64,
      "movabs rax, 0x123456789abcdef0\n mov rcx, -2\n add rdx, -1\n push -3\n pop rsi\n"
      " imul rdi, rdi, -4\n hlt");
GUEST(movsxd, 64, "movsxd rax, ecx\n movsxd rdx, dword ptr [rbx]\n .byte 0x63, 0xf1\n hlt");
GUEST(extend, 64, "cdqe\n cqo\n hlt");
GUEST(stack, 64,
      "push rax\n push r9\n push cx\n pushfq\n popfq\n pop dx\n pop r10\n pop rbx\n hlt");
GUEST(stack_mem, 64, "push qword ptr [rbx]\n pop qword ptr [rsp+8]\n hlt");
GUEST(enter_leave, 64, "enter 0x20, 0\n leave\n enter 8, 2\n hlt");
GUEST(calls, 64, "call 1f\n hlt\n 1: ret 8");
GUEST(near66, 64, ".byte 0x66\n call 1f\n nop\n 1: hlt"); /* 66 is ignored, as Intel has it */
GUEST(cmpxchg16b, 64, "lock cmpxchg16b [rbx]\n hlt");
GUEST(cmpxchg8b, 64, "lock cmpxchg8b [rdi]\n hlt");
GUEST(rep_movsq, 64, "rep movsq\n hlt");
GUEST(rep_movs_a32, 64, ".byte 0x67\n rep movsb\n hlt");
GUEST(rep_stosq, 64, "std\n rep stosq\n hlt");
GUEST(repne_scasb, 64, "repne scasb\n hlt");
GUEST(lods_fs, 64, "lodsq fs:[rsi]\n hlt");
GUEST(loops, 64, "1: inc eax\n loop 1b\n hlt");
GUEST(loops32, 64, "1: inc eax\n addr32 loop 1b\n hlt");
GUEST(jrcxz, 64, "jrcxz 1f\n mov eax, 1\n 1: hlt");
GUEST(jecxz, 64, "jecxz 1f\n mov eax, 1\n 1: hlt");
GUEST(lahf, 64, "lahf\n hlt");
GUEST(muldiv, 64, "mul rcx\n div rcx\n imul rsi, rcx\n shld rbx, rcx, 40\n sar rdi, 63\n hlt");
GUEST(bits, 64, "bts [rbx], rcx\n bsf rax, rdx\n bsr rsi, rdx\n hlt");
GUEST(in_out, 64, "mov dx, 0x80\n .byte 0x48, 0xed\n hlt"); /* REX.W in eax, dx */
GUEST(cvt, 64, "cvtsi2sd xmm9, rax\n cvttsd2si rcx, xmm9\n movq rdx, xmm9\n movq xmm15, rdx\n hlt");
GUEST(halt, 64, "hlt");

static struct machine *m;
static u64 *reg(unsigned r)
{
    return &m->cpu->gpr[r];
}

#define ALL (~(u64)0)
#define X   0x1111222233334444ull

/* All registers but RSP are ALL, then the code runs to its HLT. */
#define BEGIN(name)                                                                                \
    do {                                                                                           \
        LONG(m, 0, name);                                                                          \
        for (unsigned i_ = 0; i_ < 16; i_++)                                                       \
            if (i_ != REG_SP)                                                                      \
                *reg(i_) = ALL;                                                                    \
    } while (0)
#define RUN()                                                                                      \
    do {                                                                                           \
        machine_run(m, 400);                                                                       \
        ck_assert(m->cpu->halted);                                                                 \
        ck_assert_int_eq(machine_vector(m), -1);                                                   \
    } while (0)

START_TEST(registers)
{
    m = machine_new("qemu64", _i);
    BEGIN(bytes);
    *reg(REG_AX) = X;
    *reg(REG_SP) = AT_STACK0 | 0xff00000000ull;
    RUN();
    ck_assert_uint_eq(*reg(REG_SI), (ALL & ~(u64)0xff) | 0x44);
    ck_assert_uint_eq(*reg(REG_SP), (AT_STACK0 | 0xff00000000ull) + 0x44);
    ck_assert_uint_eq(*reg(REG_AX), 0x1111222233334444ull);
    ck_assert_uint_eq(*reg(9), (ALL & ~(u64)0xff) | 0x44);
    ck_assert_uint_eq(*reg(REG_BP), (ALL & ~(u64)0xff) | 0x44);
    BEGIN(zero);
    *reg(REG_CX) = X;
    *reg(10) = X;
    cpu_set_eflags(m->cpu, 0);
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 0x33334444);
    ck_assert_uint_eq(*reg(8), 0);
    ck_assert_uint_eq(*reg(REG_DX), 0xffffffffu);
    ck_assert_uint_eq(*reg(REG_SI), 0xffffffffu);
    ck_assert_uint_eq(*reg(REG_DI), 0x44);
    ck_assert_uint_eq(*reg(REG_BX), 0x33334444); /* carry of the addition: moved */
    ck_assert_uint_eq(*reg(10), 0x44443333);
    BEGIN(zero);
    *reg(8) = 1; /* no carry: not moved, the upper half goes all the same */
    RUN();
    ck_assert_uint_eq(*reg(REG_BX), 0xffffffffu);
    BEGIN(partial);
    *reg(REG_CX) = X;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 0xffffffffffff4444ull);
    ck_assert_uint_eq(*reg(REG_DX), 0xffffffffffffff44ull);
    ck_assert_uint_eq(*reg(8), 0xffffffffffff0000ull);
    ck_assert_uint_eq(*reg(REG_SI), 0xffffffffffffff00ull);
    BEGIN(rex_dropped);
    *reg(REG_CX) = 2;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 0xffffffffffff0001ull);
    BEGIN(rex_wins);
    *reg(REG_CX) = 2;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 1);
    BEGIN(xchg_r8);
    *reg(8) = 8;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 8);
    ck_assert_uint_eq(*reg(8), ALL);
    machine_free(m);
}
END_TEST

START_TEST(addresses)
{
    m = machine_new("qemu64", _i);
    BEGIN(high_regs);
    machine_st64(m, AT_DATA, 11);
    machine_st64(m, AT_DATA + 64, 22);
    *reg(12) = AT_DATA;
    *reg(13) = AT_DATA + 64;
    *reg(9) = -16;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), AT_DATA + (AT_DATA + 64) * 8 + 0x10);
    ck_assert_uint_eq(*reg(REG_CX), 11);
    ck_assert_uint_eq(*reg(REG_DX), 22);
    ck_assert_uint_eq(machine_ld64(m, AT_STACK0 - 16), ALL);
    BEGIN(rip_load);
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 0x1122334455667788ull);
    ck_assert_uint_eq(*reg(REG_CX), AT_CODE + LENGTH(rip_load) - 8);
    ck_assert_uint_eq(machine_ld32(m, AT_CODE + (u32)LENGTH(rip_load) - 8), 0x55667789);
    BEGIN(rip_32); /* cut to 32 bits */
    m->cpu->rip = LONG_HIGH + AT_CODE;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), (u32)(LONG_HIGH + AT_CODE) + LENGTH(rip_32) - 1 + 0x10);
    BEGIN(moffs);
    machine_st64(m, AT_DATA, X);
    machine_st64(m, AT_DATA + 8, 0);
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), X);
    ck_assert_uint_eq(machine_ld64(m, AT_DATA + 8), 0x44);
    BEGIN(addr32);
    *reg(REG_BX) = 0xabcd0000fffff000ull;
    *reg(REG_CX) = AT_DATA + 0x1000;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), X);
    ck_assert_uint_eq(*reg(REG_DX), AT_DATA);
    ck_assert_uint_eq(*reg(REG_SI), AT_DATA);
    BEGIN(disp32);
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), X);
    BEGIN(imm64);
    *reg(REG_DI) = 0x4000000000000001ull;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 0x123456789abcdef0ull);
    ck_assert_uint_eq(*reg(REG_CX), (u64)-2);
    ck_assert_uint_eq(*reg(REG_DX), (u64)-2);
    ck_assert_uint_eq(*reg(REG_SI), (u64)-3);
    ck_assert_uint_eq(*reg(REG_DI), (u64)-4);
    machine_free(m);
}
END_TEST

START_TEST(extension)
{
    m = machine_new("qemu64", _i);
    BEGIN(movsxd);
    *reg(REG_CX) = 0x80000000u;
    *reg(REG_BX) = AT_DATA;
    machine_st64(m, AT_DATA, 0x7fffffff);
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 0xffffffff80000000ull);
    ck_assert_uint_eq(*reg(REG_DX), 0x7fffffff);
    ck_assert_uint_eq(*reg(REG_SI), 0x80000000u); /* without REX.W a move */
    BEGIN(extend);
    *reg(REG_AX) = 0x80000000u;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 0xffffffff80000000ull);
    ck_assert_uint_eq(*reg(REG_DX), ALL);
    BEGIN(muldiv);
    *reg(REG_CX) = 0x8000000000000003ull;
    *reg(REG_SI) = 5;
    *reg(REG_BX) = 1;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), ALL);
    ck_assert_uint_eq(*reg(REG_DX), 0);
    ck_assert_uint_eq(*reg(REG_SI), 0x800000000000000full);
    ck_assert_uint_eq(*reg(REG_BX), (u64)1 << 40 | 0x8000000000ull);
    ck_assert_uint_eq(*reg(REG_DI), ALL);
    BEGIN(bits);
    *reg(REG_BX) = AT_DATA + 64;
    *reg(REG_CX) = (u64)-65; /* the quadword 16 bytes below, bit 63 */
    *reg(REG_DX) = BIT64(40);
    machine_st64(m, AT_DATA + 48, 0);
    RUN();
    ck_assert_uint_eq(machine_ld64(m, AT_DATA + 48), BIT64(63));
    ck_assert_uint_eq(*reg(REG_AX), 40);
    ck_assert_uint_eq(*reg(REG_SI), 40);
    BEGIN(in_out);
    RUN();
    ck_assert_uint_eq(*reg(REG_AX) >> 32, 0);
    BEGIN(cvt);
    *reg(REG_AX) = (u64)-3;
    RUN();
    ck_assert_uint_eq(*reg(REG_CX), (u64)-3);
    ck_assert_uint_eq(*reg(REG_DX), 0xc008000000000000ull);
    ck_assert_uint_eq(m->cpu->xmm[15].q[0], 0xc008000000000000ull);
    machine_free(m);
}
END_TEST

START_TEST(stack_sizes)
{
    m = machine_new("qemu64", _i);
    BEGIN(stack);
    *reg(REG_AX) = X;
    *reg(9) = 9;
    *reg(REG_CX) = 0x5555;
    RUN();
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0);
    ck_assert_uint_eq(*reg(REG_DX), 0xffffffffffff5555ull);
    ck_assert_uint_eq(*reg(10), 9);
    ck_assert_uint_eq(*reg(REG_BX), X);
    ck_assert_uint_eq(machine_ld64(m, AT_STACK0 - 26), 2); /* RFLAGS below 8 + 8 + 2 */
    BEGIN(stack_mem);
    *reg(REG_BX) = AT_DATA;
    machine_st64(m, AT_DATA, X);
    RUN();
    ck_assert_uint_eq(machine_ld64(m, AT_STACK0 + 8), X); /* RSP already moved */
    BEGIN(enter_leave);
    *reg(REG_BP) = AT_STACK0 + 0x100;
    machine_st64(m, AT_STACK0 + 0xf8, X);
    RUN();
    ck_assert_uint_eq(*reg(REG_BP), AT_STACK0 - 8);
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 - 24 - 8);
    ck_assert_uint_eq(machine_ld64(m, AT_STACK0 - 8), AT_STACK0 + 0x100);
    ck_assert_uint_eq(machine_ld64(m, AT_STACK0 - 16), X);
    ck_assert_uint_eq(machine_ld64(m, AT_STACK0 - 24), AT_STACK0 - 8);
    BEGIN(calls);
    RUN();
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 + 8);
    ck_assert_uint_eq(machine_ld64(m, AT_STACK0 - 8), AT_CODE + 5);
    BEGIN(near66);
    RUN();
    ck_assert_uint_eq(*reg(REG_SP), AT_STACK0 - 8);
    ck_assert_uint_eq(m->cpu->rip, AT_CODE + LENGTH(near66));
    machine_free(m);
}
END_TEST

START_TEST(cmpxchg)
{
    m = machine_new("qemu64", _i);
    for (unsigned equal = 0; equal < 2; equal++) {
        BEGIN(cmpxchg16b);
        *reg(REG_BX) = AT_DATA; /* also the low half of what is stored */
        *reg(REG_AX) = X;
        *reg(REG_DX) = equal ? 7 : 8;
        *reg(REG_CX) = 0x99;
        machine_st64(m, AT_DATA, X);
        machine_st64(m, AT_DATA + 8, 7);
        RUN();
        ck_assert_uint_eq(machine_ld64(m, AT_DATA), equal ? AT_DATA : X);
        ck_assert_uint_eq(machine_ld64(m, AT_DATA + 8), equal ? 0x99 : 7);
        ck_assert_uint_eq(*reg(REG_DX), 7);
        ck_assert_uint_eq(cpu_eflags(m->cpu) & F_Z, equal ? F_Z : 0);
    }
    BEGIN(cmpxchg16b);
    *reg(REG_BX) = AT_DATA + 8; /* not on 16 bytes */
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    BEGIN(cmpxchg8b); /* its registers lose their upper halves only when they are loaded */
    *reg(REG_DI) = AT_DATA + 3;
    *reg(REG_AX) = X;
    machine_st64(m, AT_DATA + 3, 0x123456789abcdefull);
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 0x89abcdef);
    ck_assert_uint_eq(*reg(REG_DX), 0x1234567);
    machine_free(m);
    m = machine_new("qemu64,-cx16", _i);
    BEGIN(cmpxchg16b);
    *reg(REG_BX) = AT_DATA;
    machine_run(m, 10);
    expect_vector(m, EXC_UD);
    machine_free(m);
}
END_TEST

START_TEST(strings)
{
    m = machine_new("qemu64", _i);
    BEGIN(rep_movsq); /* over a page's end, from the one half to the other */
    for (unsigned i = 0; i < 8; i++)
        machine_st64(m, AT_DATA + 0xfe0 + 8 * i, 100 + i);
    *reg(REG_SI) = AT_DATA + 0xfe0;
    *reg(REG_DI) = LONG_HIGH + 0x50fd0;
    *reg(REG_CX) = 8;
    RUN();
    ck_assert_uint_eq(*reg(REG_CX), 0);
    ck_assert_uint_eq(*reg(REG_SI), AT_DATA + 0x1020);
    ck_assert_uint_eq(*reg(REG_DI), LONG_HIGH + 0x51010);
    for (unsigned i = 0; i < 8; i++)
        ck_assert_uint_eq(machine_ld64(m, 0x50fd0 + 8 * i), 100 + i);
    BEGIN(rep_movs_a32); /* ESI, EDI, ECX; all three are written with 32 bits */
    *reg(REG_SI) = 0xabc00000000ull | (AT_DATA + 0xfe0);
    *reg(REG_DI) = 0xabc00000000ull | 0x52000;
    *reg(REG_CX) = 0xabc00000000ull | 3;
    RUN();
    ck_assert_uint_eq(*reg(REG_SI), AT_DATA + 0xfe3);
    ck_assert_uint_eq(*reg(REG_DI), 0x52003);
    ck_assert_uint_eq(*reg(REG_CX), 0);
    ck_assert_uint_eq(machine_ld32(m, 0x52000) & 0xffffff, 100);
    BEGIN(rep_stosq);
    *reg(REG_AX) = X;
    *reg(REG_DI) = 0x53000;
    *reg(REG_CX) = 3;
    RUN();
    ck_assert_uint_eq(*reg(REG_DI), 0x53000 - 24);
    ck_assert_uint_eq(machine_ld64(m, 0x53000 - 16), X);
    BEGIN(repne_scasb);
    memcpy(machine_mem(m, 0x54000), "abcdef", 6);
    *reg(REG_AX) = 'd';
    *reg(REG_DI) = LONG_HIGH + 0x54000;
    RUN();
    ck_assert_uint_eq(*reg(REG_DI), LONG_HIGH + 0x54004);
    ck_assert_uint_eq(*reg(REG_CX), ALL - 4);
    BEGIN(lods_fs);
    m->cpu->seg[SEG_FS].base = LONG_HIGH;
    seg_update(m->cpu, SEG_FS);
    m->cpu->seg[SEG_DS].base = 0x77; /* DS and ES have none here */
    *reg(REG_SI) = 0x53000;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), X);
    BEGIN(rep_movsq); /* a string that leaves the canonical half faults at its element */
    m->cpu->seg[SEG_ES].base = 0x12345;
    long_entry(m, LONG_PML4 + 255 * 8, LONG_PDPT_HIGH | PTE_RW);
    machine_st64(m, LONG_PDPT_HIGH + 511 * 8, (LONG_PDPT_HIGH + 0x1000) | PTE_RW);
    machine_st64(m, LONG_PDPT_HIGH + 0x1000 + 511 * 8, LONG_PT | PTE_RW);
    machine_st64(m, LONG_PT + 511 * 8, 0x55000 | PTE_RW);
    *reg(REG_SI) = AT_DATA;
    *reg(REG_DI) = NOT_CANONICAL - 16;
    *reg(REG_CX) = 4;
    machine_run(m, 10);
    expect_fault(m, EXC_GP, 0, AT_CODE);
    ck_assert_uint_eq(*reg(REG_CX), 2);
    ck_assert_uint_eq(*reg(REG_DI), NOT_CANONICAL);
    machine_free(m);
}
END_TEST

START_TEST(counters)
{
    m = machine_new("qemu64", _i);
    BEGIN(loops);
    *reg(REG_AX) = 0;
    *reg(REG_CX) = 5;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 5);
    BEGIN(loops32); /* ECX */
    *reg(REG_AX) = 0;
    *reg(REG_CX) = 0x100000003ull;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 3);
    ck_assert_uint_eq(*reg(REG_CX), 0);
    BEGIN(jrcxz);
    *reg(REG_CX) = 0x100000000ull;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 1);
    BEGIN(jecxz);
    *reg(REG_CX) = 0x100000000ull;
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), ALL);
    BEGIN(lahf);
    *reg(REG_AX) = 0;
    cpu_set_eflags(m->cpu, F_C | F_Z);
    RUN();
    ck_assert_uint_eq(*reg(REG_AX), 0x4300);
    machine_free(m);
    m = machine_new("qemu64,-lahf_lm", _i);
    BEGIN(lahf);
    machine_run(m, 10);
    expect_vector(m, EXC_UD);
    machine_free(m);
}
END_TEST

START_TEST(gone)
{
    static const u8 codes[][3] = {
        {0x06}, {0x07}, {0x0e},     {0x16},     {0x17}, {0x1e}, {0x1f},
        {0x27}, {0x2f}, {0x37},     {0x3f},     {0x60}, {0x61}, {0x82, 0xc0, 1},
        {0x9a}, {0xce}, {0xd4, 10}, {0xd5, 10}, {0xd6}, {0xea},
    };
    m = machine_new("qemu64", _i);
    for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
        LONG(m, 0, halt);
        machine_load(m, AT_CODE, codes[i], 3);
        machine_run(m, 10);
        expect_vector(m, EXC_UD);
        ck_assert_uint_eq(long_frame(m, 0), AT_CODE);
    }
    machine_free(m);
}
END_TEST

SUITE_MAIN("long_insn", registers, addresses, extension, stack_sizes, cmpxchg, strings, counters,
           gone)

#else
int main(void)
{
    puts("long_insn: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
