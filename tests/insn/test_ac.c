/* Alignment checks: level 3 with CR0.AM and EFLAGS.AC, by linear address, for the sizes of the
 * table; frames of far transfers and interrupts; what is exempt (SDM vol. 3 section 6.15 "#AC",
 * table 6-7). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { INT32 = DA_P | SYS_INT32 << 8, HANDLER = 0x12000, D0 = SEL_FREE };

#define ONE(name, text) GUEST(name, 32, text "\n hlt")
ONE(ld8, "mov al, [ebx]");
ONE(ld16, "mov ax, [ebx]");
ONE(ld32, "mov eax, [ebx]");
ONE(st16, "mov [ebx], ax");
ONE(st32, "mov [ebx], eax");
ONE(rmw32, "add [ebx], eax");
ONE(xchg32, "xchg [ebx], eax");
ONE(cx8, "cmpxchg8b [ebx]");
ONE(movq, "movq mm0, [ebx]");
ONE(movq_st, "movq [ebx], mm0");
ONE(movsd_x, "movsd xmm0, [ebx]");
ONE(movss_x, "movss xmm0, [ebx]");
ONE(fld32, "fld dword ptr [ebx]");
ONE(fld64, "fld qword ptr [ebx]");
ONE(fld80, "fld tbyte ptr [ebx]");
ONE(fst80, "fstp tbyte ptr [ebx]");
ONE(fild16, "fild word ptr [ebx]");
ONE(fild64, "fild qword ptr [ebx]");
ONE(fbld, "fbld [ebx]");
ONE(fldcw, "fldcw [ebx]");
ONE(fnstenv, "fnstenv [ebx]");
ONE(fnstenv16, ".byte 0x66\n fnstenv [ebx]");
ONE(frstor, "frstor [ebx]");
ONE(lods, "mov esi, ebx\n lodsd");
ONE(movs, "mov esi, ebx\n mov edi, ebx\n rep movsd");
ONE(stos, "mov edi, ebx\n rep stosw");
ONE(push, "mov esp, ebx\n push eax");
ONE(pop, "mov esp, ebx\n pop eax");
ONE(pusha, "mov esp, ebx\n pusha");
ONE(popa, "mov esp, ebx\n popa");
ONE(enter, "mov esp, ebx\n enter 8, 0");
ONE(leave, "mov ebp, ebx\n leave");
ONE(call, "mov esp, ebx\n call 1f\n 1:");
ONE(callf, "mov esp, ebx\n .byte 0x9a\n .long 0x12000\n .word 0x1b");
ONE(les, "les eax, [ebx]");
ONE(bound, "xor eax, eax\n bound eax, [ebx]");
ONE(bt, "bt [ebx], eax");
ONE(movdqu, "movdqu xmm0, [ebx]");
ONE(sidt, "sidt [ebx]");
ONE(halt, "nop");
GUEST(retf, 32, "mov esp, ebx\n retf");
GUEST(iret, 32, "mov esp, ebx\n iretd");
GUEST(load_es, 32, "mov es, ax\n hlt");
GUEST(int40, 32, "mov esp, ebx\n int 0x40\n hlt");

static struct machine *m;

static void start(unsigned cpl, const u8 *begin, const u8 *end, u32 bx)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    m->cpu->cr4 |= CR4_OSFXSR;
    m->cpu->cr0 |= CR0_AM;
    m->cpu->eflags |= FL_AC;
    m->cpu->fpu.cw = 0x37f;
    m->cpu->fpu.empty = 0xf0;
    m->cpu->gpr[REG_BX] = bx;
    m->cpu->gpr[REG_CX] = 3;
    m->cpu->gpr[REG_AX] = 0;
    memset(machine_mem(m, AT_DATA - 64), 0, 256);
    cpu_update_mode(m->cpu);
}
#define START(cpl, name, bx) start(cpl, name##_begin, name##_end, bx)

/* #AC, or #GP(0) from the HLT behind, or that instruction's own #BR. */
static bool is_ac(void)
{
    machine_run(m, 30);
    if (machine_vector(m) == EXC_AC)
        ck_assert_uint_eq(machine_frame(m, 0), 0);
    return machine_vector(m) == EXC_AC;
}

START_TEST(sizes)
{
    static const struct {
        const u8 *begin, *end;
        u32 need; /* alignment asked for; 1: none */
    } c[] = {
#define C(n, a) {n##_begin, n##_end, a}
        C(ld8, 1),    C(ld16, 2),  C(ld32, 4),    C(st16, 2),      C(st32, 4),    C(rmw32, 4),
        C(xchg32, 4), C(cx8, 8),   C(movq, 8),    C(movq_st, 8),   C(movsd_x, 8), C(movss_x, 4),
        C(fld32, 4),  C(fld64, 8), C(fld80, 8),   C(fst80, 8),     C(fild16, 2),  C(fild64, 8),
        C(fldcw, 2),  C(lods, 4),  C(movs, 4),    C(stos, 2),      C(push, 4),    C(pop, 4),
        C(pusha, 4),  C(popa, 4),  C(enter, 4),   C(leave, 4),     C(call, 4),    C(callf, 4),
        C(bound, 4),  C(bt, 4),    C(fnstenv, 4), C(fnstenv16, 2), C(frstor, 4),
#undef C
    };
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        for (u32 off = 0; off < 8; off++) {
            bool want = off % c[i].need, got;
            start(3, c[i].begin, c[i].end, AT_DATA + off);
            got = is_ac();
            ck_assert_msg(got == want, "case %zu at %u: vector %d", i, off, machine_vector(m));
            if (want && c[i].need <= 4) { /* none of it happened, and nowhere but at level 3 */
                for (u32 k = 0; k < 192; k++)
                    ck_assert_uint_eq(*machine_mem(m, AT_DATA - 64 + k), 0);
            }
        }
    machine_free(m);
}
END_TEST

START_TEST(conditions)
{
    m = machine_new("max", _i);
    START(0, ld32, AT_DATA + 1);
    ck_assert(!is_ac());
    START(3, ld32, AT_DATA + 1);
    m->cpu->cr0 &= ~(u32)CR0_AM;
    cpu_update_mode(m->cpu);
    ck_assert(!is_ac());
    START(3, ld32, AT_DATA + 1);
    m->cpu->eflags &= ~(u32)FL_AC;
    cpu_update_mode(m->cpu);
    ck_assert(!is_ac());
    /* By linear address: a base of 2 makes offset 2 aligned and offset 4 not. */
    for (u32 off = 0; off < 8; off++) {
        START(3, ld32, AT_DATA + off);
        m->cpu->seg[SEG_DS].base = 2;
        seg_update(m->cpu, SEG_DS);
        cpu_update_mode(m->cpu);
        ck_assert_int_eq(is_ac(), (off + 2) % 4 != 0);
    }
    /* Moves of 16 bytes that need no alignment are checked for it here (AMD's processors do so; the
     * manuals leave it open). */
    START(3, movdqu, AT_DATA + 8);
    ck_assert(is_ac());
    START(3, movdqu, AT_DATA + 16);
    ck_assert(!is_ac());
    /* The processor's own accesses to tables are made with level 0: a GDT anywhere will do. */
    START(3, load_es, AT_DATA);
    memcpy(machine_mem(m, AT_GDT + 0x801), machine_mem(m, AT_GDT), 0x100);
    m->cpu->gdt.base += 0x801;
    m->cpu->gpr[REG_AX] = SEL_DATA3;
    ck_assert(!is_ac());
    ck_assert_uint_eq(m->cpu->seg[SEG_ES].sel, SEL_DATA3);
    machine_free(m);
}
END_TEST

/* Frames on the stack of level 3 are level 3's accesses; those on inner stacks are not. */
START_TEST(frames)
{
    m = machine_new("max", _i);
    for (u32 off = 0; off < 4; off++) {
        START(3, retf, AT_DATA + off);
        machine_st32(m, AT_DATA + off, HANDLER);
        machine_st32(m, AT_DATA + off + 4, SEL_CODE3);
        machine_code(m, HANDLER, halt);
        ck_assert_int_eq(is_ac(), off != 0);
        START(3, iret, AT_DATA + off);
        machine_st32(m, AT_DATA + off, HANDLER);
        machine_st32(m, AT_DATA + off + 4, SEL_CODE3);
        machine_st32(m, AT_DATA + off + 8, FL_AC | 2);
        ck_assert_int_eq(is_ac(), off != 0);
        /* An interrupt that stays at level 3. */
        START(3, int40, AT_DATA + 64 + off);
        machine_idt_gate(m, 0x40, SEL_CODE3, HANDLER, INT32 | DA_DPL);
        ck_assert_int_eq(is_ac(), off != 0);
        /* One that goes to level 0, from a crooked user stack to a crooked supervisor stack. */
        START(3, int40, AT_DATA + 64 + off);
        machine_idt_gate(m, 0x40, SEL_CODE0, HANDLER, INT32 | DA_DPL);
        machine_load(m, HANDLER, "\xf4", 1);
        machine_st32(m, AT_TSS + 4, AT_STACK0 - 64 + off);
        ck_assert(!is_ac());
        ck_assert_uint_eq((u32)m->cpu->rip, HANDLER + 1);
    }
    machine_free(m);
}
END_TEST

SUITE_MAIN("ac", sizes, conditions, frames)

#else
int main(void)
{
    puts("ac: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
