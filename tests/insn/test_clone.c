/* The same code at several addresses and in modes that differ in what it does not look at: a
 * translator that makes one block from another must not show (SDM vol. 3 sections 4.10 and
 * 11.6). */
#include "cpu/jit/jit.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { VIEWS = 4, VIEW = 0x200000, PLACE = 0x11000, TABLE = 0x50000 };

static struct machine *m;

/* Pushes and pops EIP, calls near and far away, loops, jumps back and forth, by tables and by
 * returns, has exec do things, and faults at the end. */
GUEST(program, 32,
      "push ebp\n mov ebp, esp\n xor eax, eax\n mov ecx, 20\n"
      "1: call 2f\n 2: pop edx\n sub edx, esi\n add eax, edx\n"
      "call 5f\n call 6f\n test ecx, 1\n jz 3f\n add eax, 3\n jmp 4f\n"
      "3: add eax, 5\n lea edx, [ecx * 2 + eax]\n rol edx, 3\n xor eax, edx\n"
      "4: mov [edi + ecx * 4], eax\n dec ecx\n jnz 1b\n"
      "mov ecx, 40\n 7: add eax, [edi + 4]\n adc eax, [edi + 8]\n dec ecx\n jnz 7b\n"
      "push eax\n cpuid\n pop eax\n"
      "mov ecx, 3\n push edi\n push esi\n rep movsd\n pop esi\n pop edi\n"
      "lea ebx, [esi + 8f - program_begin]\n call ebx\n"
      "fld1\n fld1\n faddp\n fistp dword ptr [edi]\n add eax, [edi]\n"
      "mov ebx, eax\n xor ecx, ecx\n mov edx, [ecx + 0x70000000]\n hlt\n"
      "5: add eax, 7\n ret\n .fill 700, 1, 0x90\n"
      "6: call 9f\n inc eax\n ret\n 8: add eax, 11\n ret\n 9: lea eax, [eax + eax * 2]\n ret");

static void enter(u32 at)
{
    machine_protected(m, 0, at);
    machine_paging(m);
    for (u32 v = 1; v < VIEWS; v++)
        for (u32 page = 0; page < 2; page++)
            machine_page(m, VIEW + v * 0x5000 + page * 0x1000, (PLACE + page * 0x1000) | 7);
    for (u32 i = 0; i < 64; i++)
        machine_st32(m, AT_DATA + 4 * i, i * 77);
    m->cpu->gpr[REG_DI] = AT_DATA;
    m->cpu->gpr[REG_SI] = at;
    m->cpu->gpr[REG_BX] = 0;
    m->cpu->fpu.cw = 0x37f;
    m->cpu->fpu.empty = 0xff;
    cpu_update_mode(m->cpu);
}

static u32 view(u32 v)
{
    return v ? VIEW + v * 0x5000 : PLACE;
}

/* Only back ends copy code. */
#ifdef CONFIG_JIT
enum { CLONES = 1 };
#else
enum { CLONES = 0 };
#endif

static u64 copies(void)
{
    return m->engine == ENGINE_JIT ? jit_stats(m->cpu)->clones : 0;
}

static u32 run(u32 at)
{
    machine_run(m, 5000);
    ck_assert_int_eq(machine_vector(m), EXC_PF);
    ck_assert_uint_eq(m->cpu->cr2, 0x70000000);
    return machine_frame(m, 1) - at; /* where it faulted */
}

START_TEST(addresses)
{
    u32 want = 0, where = 0;
    m = machine_new("max", _i);
    machine_code(m, PLACE, program);
    for (u32 round = 0; round < 3; round++)
        for (u32 v = 0; v < VIEWS; v++) {
            u64 before = copies();
            u32 fault;
            enter(view(v));
            fault = run(view(v));
            if (!round && !v)
                want = (u32)m->cpu->gpr[REG_BX], where = fault;
            ck_assert_uint_eq((u32)m->cpu->gpr[REG_BX], want);
            ck_assert_uint_eq(fault, where);
            if (CLONES && _i == ENGINE_JIT && v && !round)
                ck_assert_msg(copies() - before >= 8, "%u copies", (u32)(copies() - before));
        }
    /* What is written through one view is seen in all. */
    for (u32 i = 0; i < 128; i++)
        if (!memcmp(machine_mem(m, PLACE + i), "\x83\xc0\x03", 3)) /* ADD EAX, 3 */
            machine_load(m, PLACE + i + 2, "\x55", 1);
    for (u32 v = 0; v < VIEWS; v++) {
        enter(view(v));
        run(view(v));
        if (!v) {
            ck_assert_uint_ne((u32)m->cpu->gpr[REG_BX], want);
            want = (u32)m->cpu->gpr[REG_BX];
        }
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_BX], want);
    }
    machine_free(m);
}
END_TEST

/* Another mode: what GS and FS are. One program looks at them, one does not. */
GUEST(uses_gs, 32, "mov eax, gs:[ebx]\n add eax, ecx\n hlt");
GUEST(no_gs, 32, "mov eax, ds:[ebx]\n add eax, ecx\n hlt");
START_TEST(modes)
{
    m = machine_new("max", _i);
    for (u32 uses = 0; uses < 2; uses++)
        for (u32 i = 0; i < 6; i++) {
            u64 before = copies();
            machine_protected(m, 0, PLACE);
            if (!i && uses)
                machine_code(m, PLACE, uses_gs);
            else if (!i)
                machine_code(m, PLACE, no_gs);
            machine_paging(m);
            machine_desc(m, SEL_FREE, 0x100, 0xfffff, DA_P | DA_S | DA_WRITE | DA_G | DA_DB);
            machine_desc(m, SEL_FREE + 8, 0, 0xff, DA_P | DA_S | DA_WRITE);
            machine_st32(m, TABLE, 0x1111);
            machine_st32(m, TABLE + 0x100, 0x2222);
            m->cpu->gpr[REG_BX] = TABLE;
            m->cpu->gpr[REG_CX] = i;
            if (i % 3) {
                struct seg *gs = &m->cpu->seg[SEG_GS];
                *gs = m->cpu->seg[SEG_DS];
                if (i % 3 == 1)
                    gs->base = 0x100;
                else
                    gs->limit = 0xff;
                seg_update(m->cpu, SEG_GS);
                cpu_update_mode(m->cpu);
            }
            machine_run(m, 100);
            if (uses && i % 3 == 2) {
                ck_assert_int_eq(machine_vector(m), EXC_GP);
                continue;
            }
            ck_assert_int_eq(machine_vector(m), -1);
            ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX],
                              (uses && i % 3 == 1 ? 0x2222 : 0x1111) + i);
            if (CLONES && _i == ENGINE_JIT && !uses && (i == 1 || i == 2))
                ck_assert_uint_ge(copies() - before, 1);
        }
    machine_free(m);
}
END_TEST

SUITE_MAIN("clone", addresses, modes)

#else
int main(void)
{
    puts("clone: guest code is assembled on x86 hosts only; nothing tested");
    return 0;
}
#endif
