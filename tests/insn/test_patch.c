/* Code that is patched again and again: immediates and displacements, opcodes, variants that come
 * back, breakpoints, and what a translator makes of it (SDM vol. 3 sections 8.1.3 and 11.6). */
#include "cpu/jit/jit.h"
#include "devices/core/err.h"
#include "tests/insn/long.h"

#if GUEST_CODE

enum { ALIAS = 0x200000, ROUNDS = 300 };

static struct machine *m;

static void start(u32 at, const u8 *begin, const u8 *end)
{
    machine_protected(m, 0, at);
    machine_load(m, at, begin, (size_t)(end - begin));
    m->cpu->gpr[REG_AX] = m->cpu->gpr[REG_DX] = m->cpu->gpr[REG_BP] = 0;
    m->cpu->gpr[REG_CX] = ROUNDS;
}
#define START(name) start(AT_CODE, name##_begin, name##_end)
#define REG(r)      ((u32)m->cpu->gpr[REG_##r])

/* Counters since `from`; all engines must agree on results, the jit on how it came to them. */
static struct jit_stats from;
static void mark(void)
{
    if (m->cpu->jit)
        from = *jit_stats(m->cpu);
}
/* Are all places translated when they are entered first? */
static bool translated(int engine)
{
    return engine == ENGINE_EVAL || engine == ENGINE_JIT;
}
#define SINCE(counter) (jit_stats(m->cpu)->counter - from.counter)

/* Each adds what its constant says to EAX, ECX times, and changes the constant at [EBX]. */
GUEST(mov_imm, 32, "1: mov edx, 1\n add eax, edx\n inc dword ptr [ebx]\n loop 1b\n hlt");
GUEST(add_imm, 32, "1: add eax, 0x100\n inc dword ptr [ebx]\n loop 1b\n hlt");
GUEST(add_imm8, 32, "1: add eax, 1\n inc byte ptr [ebx]\n loop 1b\n hlt");
GUEST(mov_byte, 32, "1: mov dh, 1\n movzx edi, dh\n add eax, edi\n inc byte ptr [ebx]\n"
                    "loop 1b\n hlt");
GUEST(push_imm, 32, "1: push 0x100\n pop edx\n add eax, edx\n inc dword ptr [ebx]\n loop 1b\n hlt");
GUEST(store_imm, 32, "1: mov dword ptr [esi], 0x100\n add eax, [esi]\n inc dword ptr [ebx]\n"
                     "loop 1b\n hlt");
GUEST(load_disp, 32, "1: add eax, [esi + 0x100]\n add dword ptr [ebx], 4\n loop 1b\n hlt");
GUEST(load_moffs, 32, "1: mov edx, eax\n .byte 0xa1\n .long 0x40000\n add eax, edx\n"
                      "add dword ptr [ebx], 4\n loop 1b\n hlt");
GUEST(lea_disp, 32, "1: lea edx, [esi + esi * 2 + 0x100]\n add eax, edx\n inc dword ptr [ebx]\n"
                    "loop 1b\n hlt");
/* Stored by the instruction in front, in the same block. */
GUEST(just_before, 32, "1: mov [ebx], ecx\n mov edx, 0x12345678\n add eax, edx\n loop 1b\n hlt");
GUEST(bytes_before, 32, "1: mov [ebx], cl\n mov [ebx + 1], ch\n mov edx, 0x12340000\n"
                        "add eax, edx\n loop 1b\n hlt");
/* Below once, then never again. */
GUEST(cmp_imm, 32, "1: cmp ecx, 0x7fffffff\n setb dl\n add al, dl\n mov [ebx], eax\n"
                   "loop 1b\n hlt");
/* Two bytes of the constant and the opcode behind it: INC EDI becomes INC EBP and back. */
GUEST(split, 32, "1: xor dword ptr [ebx], 0x00020001\n mov edx, 0x01000000\n inc edi\n nop\n"
                 "add eax, edx\n loop 1b\n hlt");

static const struct {
    const char *name;
    const u8 *begin, *end;
    u32 at, from, step; /* of the constant; the sum is that of from, from + step, ... */
} sums[] = {
#define S(n, at, from, step) {#n, n##_begin, n##_end, at, from, step}
    S(mov_imm, 1, 1, 1),     S(add_imm, 1, 0x100, 1),
    S(push_imm, 1, 0x100, 1), S(store_imm, 2, 0x100, 1),
    S(lea_disp, 3, 0x100, 1),
#undef S
};

START_TEST(immediates)
{
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
        u32 sum = 0;
        u32 at = AT_CODE + (u32)i * 0x1000;
        start(at, sums[i].begin, sums[i].end);
        m->cpu->gpr[REG_BX] = at + sums[i].at;
        m->cpu->gpr[REG_SI] = sums[i].begin == lea_disp_begin ? 5 : AT_DATA;
        mark();
        machine_run(m, ROUNDS * 8);
        for (u32 n = 0; n < ROUNDS; n++)
            sum += sums[i].from + n * sums[i].step + (sums[i].begin == lea_disp_begin ? 15 : 0);
        ck_assert_msg(REG(AX) == sum, "%s: %x instead of %x", sums[i].name, REG(AX), sum);
        ck_assert_uint_eq(machine_ld32(m, REG(BX)), sums[i].from + ROUNDS * sums[i].step);
        if (translated(_i)) {
            ck_assert_msg(SINCE(softened) >= 1, "%s is not read at run time", sums[i].name);
            ck_assert_msg(SINCE(invalidated) < 16, "%s: %u invalidated", sums[i].name,
                          (unsigned)SINCE(invalidated));
        }
    }
    machine_free(m);
}
END_TEST

START_TEST(small_immediates)
{
    u32 sum = 0;
    m = machine_new("max", _i);
    for (u32 n = 0; n < ROUNDS; n++)
        sum += (u32)(s32)(s8)(n + 1);
    START(add_imm8);
    m->cpu->gpr[REG_BX] = AT_CODE + 2;
    machine_run(m, ROUNDS * 8);
    ck_assert_uint_eq(REG(AX), sum);
    sum = 0;
    for (u32 n = 0; n < ROUNDS; n++)
        sum += (u8)(n + 1);
    START(mov_byte);
    m->cpu->gpr[REG_BX] = AT_CODE + 1;
    machine_run(m, ROUNDS * 8);
    ck_assert_uint_eq(REG(AX), sum);
    machine_free(m);
}
END_TEST

START_TEST(displacements)
{
    u32 sum = 0;
    m = machine_new("max", _i);
    for (u32 n = 0; n < ROUNDS; n++) {
        machine_st32(m, AT_DATA + n * 4, n * n);
        sum += n * n;
    }
    START(load_disp);
    m->cpu->gpr[REG_BX] = AT_CODE + 2;
    m->cpu->gpr[REG_SI] = AT_DATA - 0x100;
    machine_run(m, ROUNDS * 8);
    ck_assert_uint_eq(REG(AX), sum);
    START(load_moffs);
    m->cpu->gpr[REG_BX] = AT_CODE + 3;
    machine_run(m, ROUNDS * 8);
    ck_assert_uint_eq(REG(AX), sum);
    machine_free(m);
}
END_TEST

START_TEST(same_block)
{
    u32 sum = 0;
    m = machine_new("max", _i);
    START(just_before);
    m->cpu->gpr[REG_BX] = AT_CODE + 3;
    machine_run(m, ROUNDS * 8);
    ck_assert_uint_eq(REG(AX), ROUNDS * (ROUNDS + 1) / 2);
    START(bytes_before);
    m->cpu->gpr[REG_BX] = AT_CODE + 6;
    machine_run(m, ROUNDS * 8);
    for (u32 n = 1; n <= ROUNDS; n++)
        sum += 0x12340000 + n;
    ck_assert_uint_eq(REG(AX), sum);
    START(cmp_imm);
    m->cpu->gpr[REG_BX] = AT_CODE + 2;
    machine_run(m, ROUNDS * 8);
    ck_assert_uint_eq(REG(AX), 1);
    machine_free(m);
}
END_TEST

START_TEST(immediate_and_opcode)
{
    m = machine_new("max", _i);
    START(split);
    m->cpu->gpr[REG_DI] = 0;
    m->cpu->gpr[REG_BX] = AT_CODE + 9; /* the upper half of the constant, INC, NOP */
    machine_run(m, ROUNDS * 10);
    ck_assert_uint_eq(REG(DI), ROUNDS / 2);
    ck_assert_uint_eq(REG(BP), ROUNDS / 2);
    ck_assert_uint_eq(REG(AX), (ROUNDS / 2) * 0x02010000u);
    machine_free(m);
}
END_TEST

GUEST(constant, 32, "mov eax, 0x11111111\n add edx, eax\n hlt");

static void again(u32 at)
{
    m->cpu->halted = false;
    m->cpu->rip = at;
    m->cpu->gpr[REG_AX] = m->cpu->gpr[REG_DX] = m->cpu->gpr[REG_BP] = 0;
    machine_run(m, 20);
}

/* What is not the program's store: devices, the debugger, another mapping; and a constant at the
 * end of a page. */
START_TEST(from_elsewhere)
{
    static const u32 places[] = {AT_CODE, 0x11000 - 5, 0x11000 - 4, 0x11000 - 3};
    m = machine_new("max", _i);
    for (size_t k = 0; k < ARRAY_LEN(places); k++) {
        u32 at = places[k];
        start(at, constant_begin, constant_end);
        machine_paging(m);
        machine_page(m, ALIAS, (at & ~0xfffu) | 7);
        machine_page(m, ALIAS + 0x1000, ((at & ~0xfffu) + 0x1000) | 7);
        for (u32 n = 0; n < 40; n++) {
            u32 v = 0x01010101 * n;
            machine_load(m, at + 1, &v, n & 1 ? 4 : 2);
            again(n % 3 ? at : ALIAS + (at & 0xfff));
            ck_assert_uint_eq(REG(DX), machine_ld32(m, at + 1));
        }
        machine_load(m, at, "\xbd", 1); /* MOV EBP */
        again(at);
        ck_assert_uint_eq(REG(DX), 0);
        ck_assert_uint_eq(REG(BP), machine_ld32(m, at + 1));
    }
    machine_free(m);
}
END_TEST

/* The same bytes are the immediate of one instruction and the displacement and opcode of others,
 * entered in turn, and all in one block. */
GUEST(twisted, 32, "1: xor byte ptr [ebx], 1\n .byte 0xb8\n 2: .byte 0x83, 0xc2, 0x04, 0x90\n"
                   "dec ecx\n js 3f\n test cl, 1\n jz 1b\n jmp 2b\n 3: hlt");
START_TEST(overlapping)
{
    u32 ax, dx;
    m = machine_new("max", ENGINE_EXEC);
    START(twisted);
    m->cpu->gpr[REG_BX] = AT_CODE + 6;
    machine_run(m, 20000);
    ax = REG(AX), dx = REG(DX);
    machine_free(m);
    m = machine_new("max", _i);
    START(twisted);
    m->cpu->gpr[REG_BX] = AT_CODE + 6;
    machine_run(m, 20000);
    ck_assert_uint_eq(REG(AX), ax);
    ck_assert_uint_eq(REG(DX), dx);
    machine_free(m);
}
END_TEST

/* CALL and JMP whose target changes. */
GUEST(call_rel, 32, "1: call 2f\n xor dword ptr [ebx], edi\n dec ecx\n jnz 1b\n hlt\n"
                    "2: inc eax\n ret\n 3: inc edx\n ret");
GUEST(jmp_rel, 32, "1: xor dword ptr [ebx], edi\n .byte 0xe9\n .long 2f - 4f\n"
                   "4: nop\n 2: inc eax\n nop\n 3: inc edx\n dec ecx\n jnz 1b\n hlt");
START_TEST(branches)
{
    m = machine_new("max", _i);
    START(call_rel);
    m->cpu->gpr[REG_BX] = AT_CODE + 1;
    m->cpu->gpr[REG_DI] = 6 ^ 8; /* 0x10005 + 6, and + 8 */
    mark();
    machine_run(m, ROUNDS * 8);
    ck_assert_uint_eq(REG(AX), ROUNDS / 2);
    ck_assert_uint_eq(REG(DX), ROUNDS / 2);
    if (translated(_i))
        ck_assert_uint_ge(SINCE(softened), 1);
    START(jmp_rel);
    m->cpu->gpr[REG_BX] = AT_CODE + 3;
    m->cpu->gpr[REG_DI] = 1 ^ 3;
    machine_run(m, ROUNDS * 8);
    ck_assert_uint_eq(REG(AX), ROUNDS / 2);
    ck_assert_uint_eq(REG(DX), ROUNDS);
    machine_free(m);
}
END_TEST

GUEST(real_mode, 16, "1: mov dx, 1\n add ax, dx\n add ax, [si + 0x100]\n inc word ptr [bx]\n"
                     "add word ptr [bp], 2\n dec cx\n jnz 1b\n hlt");
START_TEST(sixteen_bits)
{
    u16 sum = 0;
    m = machine_new("max", _i);
    for (u32 n = 0; n < ROUNDS; n++) {
        u16 v = (u16)(n * 77);
        u8 bytes[2];
        st16(bytes, v);
        machine_load(m, 0x5000 + n * 2, bytes, 2);
        sum = (u16)(sum + v + n + 1);
    }
    machine_real(m, 0x9000);
    machine_code(m, 0x9000, real_mode);
    m->cpu->gpr[REG_AX] = 0;
    m->cpu->gpr[REG_BX] = 0x9001;
    m->cpu->gpr[REG_BP] = 0x9007;
    m->cpu->gpr[REG_SI] = 0x4f00;
    m->cpu->gpr[REG_CX] = ROUNDS;
    mark();
    machine_run(m, ROUNDS * 10);
    ck_assert_uint_eq((u16)REG(AX), sum);
    if (translated(_i))
        ck_assert_uint_ge(SINCE(softened), 2);
    machine_free(m);
}
END_TEST

GUEST(long_mode, 64, "1: movabs rdx, 0x123456789\n add rax, rdx\n mov rdi, -1\n add rax, rdi\n"
                     "add rax, [rip + 0x100]\n call 2f\n inc qword ptr [rbx + 2]\n"
                     "sub dword ptr [rbx + 16], 1\n dec ecx\n jnz 1b\n hlt\n 2: ret");
START_TEST(sixty_four_bits)
{
    u64 sum = 0;
    m = machine_new("max", _i);
    machine_long(m, 0, AT_CODE);
    machine_code(m, AT_CODE, long_mode);
    machine_st32(m, AT_CODE + 30 + 0x100, 0x777);
    m->cpu->gpr[REG_AX] = 0;
    m->cpu->gpr[REG_BX] = AT_CODE;
    m->cpu->gpr[REG_CX] = ROUNDS;
    for (u32 n = 0; n < ROUNDS; n++)
        sum += 0x123456789ull + n + (u64)(s64)(s32)(0xffffffffu - n) + 0x777;
    mark();
    machine_run(m, ROUNDS * 12);
    ck_assert_uint_eq(m->cpu->gpr[REG_AX], sum);
    if (translated(_i))
        ck_assert_uint_ge(SINCE(softened), 2);
    machine_free(m);
}
END_TEST

/* Two variants of an instruction in turn, and a breakpoint that is set and cleared: what comes back
 * is not translated again. */
START_TEST(variants)
{
    m = machine_new("max", _i);
    START(constant);
    mark();
    for (u32 n = 0; n < 200; n++) {
        machine_load(m, AT_CODE + 5, n & 1 ? "\x29" : "\x01", 1); /* SUB, ADD */
        again(AT_CODE);
        ck_assert_uint_eq(REG(DX), n & 1 ? 0xeeeeeeefu : 0x11111111u);
    }
    if (translated(_i)) {
        ck_assert_uint_le(SINCE(blocks), 4);
        ck_assert_uint_ge(SINCE(revived), 190);
    }
    mark();
    for (u32 n = 0; n < 50; n++) {
        machine_load(m, AT_CODE + 5, "\xcc", 1);
        again(AT_CODE);
        ck_assert_int_eq(machine_vector(m), EXC_BP);
        machine_protected(m, 0, AT_CODE);
        machine_load(m, AT_CODE + 5, "\x01", 1);
        again(AT_CODE);
        ck_assert_uint_eq(REG(DX), 0x11111111);
    }
    if (translated(_i))
        ck_assert_uint_ge(SINCE(revived), 90);
    /* More variants than are kept. */
    for (u32 n = 0; n < 64; n++) {
        machine_load(m, AT_CODE, n & 1 ? "\xb8" : "\xbd", 1);
        machine_load(m, AT_CODE + 5, &"\x01\x29\x09\x31\x21\x39\x19\x11"[n % 7], 1);
        again(AT_CODE);
    }
    machine_free(m);
}
END_TEST

/* Code that is overwritten all the time is translated seldom, and where it stays the same,
 * again. */
GUEST(rewritten, 32, "1: xor byte ptr [ebx], 1\n inc eax\n add edx, 3\n loop 1b\n hlt");
START_TEST(left_to_exec)
{
    struct jit_config config = {
        .counted = true, .passes = ~0u, .hot = 6, .off = JIT_OFF(REVIVE)};
    struct err err;
    m = machine_new("max", _i);
    if (translated(_i)) {
        jit_free(m->cpu);
        ck_assert_msg(jit_new(m->cpu, &config, &err), "%s", err.msg);
    }
    START(rewritten);
    m->cpu->gpr[REG_BX] = AT_CODE + 3; /* INC EAX, INC ECX */
    m->cpu->gpr[REG_CX] = 20000;
    mark();
    machine_run(m, 500000);
    ck_assert_uint_eq(REG(CX), 0);
    ck_assert_uint_eq(REG(AX), 20000); /* every other round counts up again */
    if (translated(_i)) {
        ck_assert_uint_le(SINCE(blocks), 600);
        ck_assert(SINCE(demoted) || SINCE(blocks) < 20);
    }
    machine_free(m);
}
END_TEST

SUITE_MAIN("patch", immediates, small_immediates, displacements, same_block, immediate_and_opcode,
           from_elsewhere, overlapping, branches, sixteen_bits, sixty_four_bits, variants,
           left_to_exec)

#else
int main(void)
{
    puts("patch: guest code is assembled on x86 hosts only; nothing tested");
    return 0;
}
#endif
