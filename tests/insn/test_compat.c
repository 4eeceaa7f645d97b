/* Between 64-bit and compatibility mode: registers are 32 bits wide there whatever 64-bit code left
 * in them, for values, addresses, counts and the stack (SDM vol. 1 section 3.4.1.1; vol. 3
 * section 5.2.1). */
#include "tests/insn/long.h"

#if GUEST_CODE

enum { CODE32 = 0x12000, BACK = 0x13000, DATA = AT_DATA };

/* Upper halves full of ones, then by far return into CODE32. */
GUEST(
    leave_long, 64,
    "mov rax, 0xffffffff00000001\n mov rbx, 0xffffffff00040000\n mov rcx, 0xffffffff00000004\n"
    "mov rsi, 0xabcdef0100040000\n mov rdi, 0x1234567800040100\n mov rbp, 0xffffffff00050000\n"
    "mov rdx, 0x8000000000000008\n mov r8, 0x1122334455667788\n push 0x48\n push 0x12000\n retfq");
GUEST(load_store, 32, "mov eax, [ebx+4]\n mov [esi+8], eax\n mov edx, [ebx+ecx*4]\n hlt");
GUEST(strings, 32, "rep movsb\n hlt");
GUEST(stack, 32, "mov esp, ebp\n push eax\n pop ecx\n call 1f\n hlt\n 1: ret");
GUEST(branch, 32,
      "mov ecx, 2\n 1: inc eax\n loop 1b\n lea edi, [ebx+esi]\n cmp ebx, esi\n sete dl\n hlt");
GUEST(indirect, 32, "mov dword ptr [ebx], 0x13000\n jmp [ebx]");
GUEST(give_up, 32,
      "mov edx, cr0\n and edx, 0x7fffffff\n mov cr0, edx\n mov eax, [ebx]\n add eax, [esi]\n hlt");
GUEST(halt, 32, "hlt");
GUEST(user_iret, 64,
      "mov rax, 0xffffffff00040000\n mov rbx, rax\n mov edx, 0x23\n mov ds, edx\n iretq");
GUEST(user_code, 32, "mov ecx, [eax]\n add eax, 4\n mov edx, [ebx+4]\n int3");

static struct machine *m;
#define REG(r) (m->cpu->gpr[REG_##r])

static void start(const u8 *begin, const u8 *end)
{
    LONG(m, 0, leave_long);
    machine_load(m, CODE32, begin, (size_t)(end - begin));
    for (u32 i = 0; i < 64; i++)
        machine_st32(m, DATA + 4 * i, 0x1000 + i);
}
#define START(name) start(name##_begin, name##_end)

START_TEST(upper_halves)
{
    m = machine_new("max", _i);
    START(load_store);
    machine_run(m, 40);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq((u32)REG(AX), 0x1001);
    ck_assert_uint_eq(machine_ld32(m, DATA + 8), 0x1001);
    ck_assert_uint_eq((u32)REG(DX), 0x1004);
    START(strings);
    machine_run(m, 40);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq((u32)REG(CX), 0);
    ck_assert_uint_eq((u32)REG(DI), DATA + 0x104);
    ck_assert_uint_eq(machine_ld32(m, DATA + 0x100), 0x1000);
    START(stack);
    machine_run(m, 40);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq((u32)REG(SP), 0x50000);
    ck_assert_uint_eq((u32)REG(CX), 1);
    START(branch);
    machine_run(m, 40);
    ck_assert_uint_eq((u32)REG(AX), 3);
    ck_assert_uint_eq((u32)REG(DI), 0x80000);
    ck_assert_uint_eq((u8)REG(DX), 1);
    START(indirect);
    machine_code(m, BACK, halt);
    machine_run(m, 40);
    ck_assert_uint_eq(m->cpu->rip, BACK + 1);
    START(give_up); /* on to the mode without long mode: a restart of the system goes this way */
    machine_run(m, 40);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert(!cpu_lma(m->cpu));
    ck_assert_uint_eq((u32)REG(AX), 0x2000);
    /* R8 to R15 are out of reach and keep what they have. */
    ck_assert_uint_eq(m->cpu->gpr[8], 0x1122334455667788ull);
    machine_free(m);
}
END_TEST

static void to_user(void)
{
    LONG(m, 0, user_iret);
    machine_code(m, CODE32, user_code);
    long_idt_gate(m, EXC_BP, SEL_CODE0, AT_HANDLERS + 16 * EXC_BP, LONG_INT | DA_DPL, 0);
    machine_st32(m, DATA, 0x600d);
    machine_st32(m, DATA + 4, 0xf00d);
    m->cpu->gpr[REG_SP] -= 40;
    machine_st64(m, AT_STACK0 - 40, CODE32);
    machine_st64(m, AT_STACK0 - 32, SEL_COMPAT3);
    machine_st64(m, AT_STACK0 - 24, 2);
    machine_st64(m, AT_STACK0 - 16, AT_STACK3);
    machine_st64(m, AT_STACK0 - 8, SEL_DATA3);
}

/* The way a 64-bit kernel goes back to a 32-bit program. */
START_TEST(interrupt_return)
{
    m = machine_new("max", _i);
    to_user();
    machine_run(m, 40);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(REG(CX), 0x600d);
    ck_assert_uint_eq(REG(DX), 0xf00d);
    ck_assert_uint_eq(REG(AX), DATA + 4);
    to_user();
    long_page(m, DATA, 0);
    machine_run(m, 40);
    expect_fault(m, EXC_PF, 4, CODE32);
    ck_assert_uint_eq(m->cpu->cr2, DATA);
    machine_free(m);
}
END_TEST

SUITE_MAIN("compat", upper_halves, interrupt_return)

#else
int main(void)
{
    puts("compat: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
