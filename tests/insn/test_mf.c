/* x87 exceptions as the system sees them: #MF by the next waiting instruction, FERR# in the old
 * style, FWAIT and CR0.MP, EM and TS, the instruction and operand pointers (SDM vol. 1 sections
 * 8.1.8, 8.6 and 8.7; vol. 3 sections 2.5 and 13.4). */
#include "cpu/sys/ctrl.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { INT32 = DA_P | SYS_INT32 << 8, HANDLER = 0x12000, ZERO_DIVIDE = 4, CW_Z = 0x37b };

GUEST(divide_add, 32, "fldcw [ebx]\n fld1\n fldz\n fdivp\n mov eax, 1\n inc eax\n fld1\n hlt");
GUEST(divide_wait, 32, "fldcw [ebx]\n fld1\n fldz\n fdivp\n inc eax\n fwait\n hlt");
GUEST(divide_fst, 32, "fldcw [ebx]\n fld1\n fldz\n fdivp\n fst dword ptr [esi]\n hlt");
GUEST(divide_ctrl, 32,
      "fldcw [ebx]\n fld1\n fldz\n fdivp\n fnstsw ax\n fnstcw [esi]\n fnstenv [esi+16]\n fnclex\n "
      "fld1\n hlt");
GUEST(divide_init, 32, "fldcw [ebx]\n fld1\n fldz\n fdivp\n fninit\n fld1\n hlt");
GUEST(divide_save, 32, "fldcw [ebx]\n fld1\n fldz\n fdivp\n fnsave [esi]\n fld1\n hlt");
GUEST(divide_mmx, 32, "fldcw [ebx]\n fld1\n fldz\n fdivp\n pxor mm0, mm0\n hlt");
GUEST(divide_emms, 32, "fldcw [ebx]\n fld1\n fldz\n fdivp\n emms\n hlt");
GUEST(divide_sse, 32, "fldcw [ebx]\n fld1\n fldz\n fdivp\n xorps xmm0, xmm0\n hlt");
GUEST(divide_clear, 32, "fldcw [ebx]\n fld1\n fldz\n fdivp\n clts\n fwait\n hlt");
GUEST(unmask, 32, "fld1\n fldz\n fdivp\n fldcw [ebx]\n inc eax\n fld1\n hlt");
GUEST(old_style, 32, "fldcw [ebx]\n fld1\n fldz\n fdivp\n nop\n inc edi\n fld1\n inc edi\n hlt");
GUEST(ferr_handler, 32, "push eax\n fnstsw ax\n mov ebp, eax\n fnclex\n pop eax\n iretd");
GUEST(fwait, 32, "fwait\n hlt");
GUEST(fld1, 32, "fld1\n hlt");
GUEST(mmx, 32, "pxor mm0, mm0\n hlt");
GUEST(sse, 32, "xorps xmm0, xmm0\n hlt");
GUEST(fnstsw, 32, "fnstsw ax\n hlt");
GUEST(pointers, 32,
      "nop\n fld dword ptr [ebx+4]\n nop\n fnop\n fnstcw [esi]\n fnclex\n fnstenv [esi]\n hlt");
GUEST(pointers_ss, 32, "fld1\n .byte 0x66\n fiadd word ptr [esp-8]\n fnstenv [esi]\n hlt");
GUEST(pointer_fault, 32, "fld dword ptr [ebx]\n fld dword ptr [edi]\n hlt");
GUEST(env_round, 32, "fldenv [esi]\n fnstenv [ebx]\n hlt");
GUEST(mov_ts, 32, "mov eax, cr0\n or al, 8\n mov cr0, eax\n fld1\n hlt");
GUEST(dos_loop, 32, "1: fild dword ptr [ebx]\n fistp dword ptr [esi]\n fwait\n loop 1b\n hlt");

static struct machine *m;
static int ferr_level, ferr_edges;
#define REG(r) ((u32)m->cpu->gpr[REG_##r])

static void ferr(void *arg, int level)
{
    ferr_edges += level && !ferr_level;
    ferr_level = level;
    cpu_set_intr(m->cpu, level);
}

static void start(const u8 *begin, const u8 *end)
{
    machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    m->cpu->fpu = (struct fpu){.cw = 0x37f, .empty = 0xff};
    m->cpu->cr4 |= CR4_OSFXSR;
    cpu_update_mode(m->cpu);
    m->cpu->gpr[REG_BX] = AT_DATA;
    m->cpu->gpr[REG_SI] = AT_DATA + 64;
    m->cpu->gpr[REG_AX] = m->cpu->gpr[REG_DI] = m->cpu->gpr[REG_BP] = 0;
    machine_st32(m, AT_DATA, CW_Z);
    ferr_level = ferr_edges = 0;
    m->cpu->hooks.ferr = ferr;
    m->vector = 0x75;
}
#define START(name) start(name##_begin, name##_end)

/* The fault is that of the next waiting instruction, whose address it pushes; the pointers are
 * those of the one that failed. */
START_TEST(reported_late)
{
    static const struct {
        const u8 *begin, *end;
        int at; /* of the faulting instruction; -1: none */
    } c[] = {
#define C(n, at) {n##_begin, n##_end, at}
        C(divide_add, 14),  C(divide_wait, 9),   C(divide_fst, 8), C(divide_ctrl, -1),
        C(divide_init, -1), C(divide_save, -1),  C(divide_mmx, 8), C(divide_emms, 8),
        C(divide_sse, -1),  C(divide_clear, 10),
#undef C
    };
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        start(c[i].begin, c[i].end);
        machine_run(m, 30);
        if (c[i].at < 0) {
            ck_assert_msg(machine_vector(m) == -1, "case %zu: %d", i, machine_vector(m));
            ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + (u32)(c[i].end - c[i].begin));
            continue;
        }
        ck_assert_msg(machine_vector(m) == EXC_MF, "case %zu: %d", i, machine_vector(m));
        ck_assert_msg(machine_frame(m, 0) == AT_CODE + (u32)c[i].at, "case %zu: at %x", i,
                      machine_frame(m, 0) - AT_CODE);
        ck_assert_uint_eq((u32)m->cpu->fpu.fip, AT_CODE + 6);
        ck_assert_uint_eq(m->cpu->fpu.fop, 0x6f9); /* DE F9 */
        /* Unmasked: the operands are still there. */
        ck_assert_uint_eq(m->cpu->fpu.top, 6);
        ck_assert_int_eq(ferr_edges, 0);
    }
    START(divide_fst); /* not a byte of the waiting store */
    machine_st32(m, AT_DATA + 64, 0x5555);
    machine_run(m, 30);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 64), 0x5555);
    START(divide_add); /* what is between has run */
    machine_run(m, 30);
    ck_assert_uint_eq(REG(AX), 2);
    START(unmask); /* FLDCW that unmasks a flag that is set */
    machine_run(m, 30);
    ck_assert_int_eq(machine_vector(m), EXC_MF);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 9);
    machine_free(m);
}
END_TEST

/* CR0.NE = 0: FERR# rises when the instruction fails, so the interrupt comes before the next
 * waiting one; its handler clears the exception. */
START_TEST(old_way)
{
    m = machine_new("max", _i);
    START(old_style);
    ctrl_write_cr0(m->cpu, m->cpu->cr0 & ~(u32)CR0_NE);
    machine_idt_gate(m, 0x75, SEL_CODE0, HANDLER, INT32);
    machine_code(m, HANDLER, ferr_handler);
    m->cpu->eflags |= FL_IF;
    machine_run(m, 40);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_int_eq(ferr_edges, 1);
    ck_assert_int_eq(ferr_level, 0);
    ck_assert_uint_eq(REG(DI), 2);
    ck_assert_uint_eq(REG(BP) & 0xff, 0x80 | ZERO_DIVIDE);
    START(old_style); /* interrupts off: nothing stops the program, the line stays up */
    ctrl_write_cr0(m->cpu, m->cpu->cr0 & ~(u32)CR0_NE);
    machine_run(m, 40);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_int_eq(ferr_level, 1);
    ck_assert_uint_eq(REG(DI), 2);
    machine_free(m);
}
END_TEST

/* Table 2-2: what EM, MP and TS do to x87, FWAIT, MMX and SSE. */
START_TEST(availability)
{
    m = machine_new("max", _i);
    for (unsigned k = 0; k < 8; k++) {
        bool em = k & 1, mp = k & 2, ts = k & 4;
        u32 cr0 = (em ? CR0_EM : 0) | (mp ? CR0_MP : 0) | (ts ? CR0_TS : 0);
        for (unsigned what = 0; what < 5; what++) {
            int want = -1;
            switch (what) {
            case 0:
                START(fld1);
                want = em || ts ? EXC_NM : -1;
                break;
            case 1:
                START(fwait);
                want = mp && ts ? EXC_NM : -1;
                break;
            case 2:
                START(mmx);
                want = em ? EXC_UD : ts ? EXC_NM : -1;
                break;
            case 3:
                START(sse);
                want = em ? EXC_UD : ts ? EXC_NM : -1;
                break;
            default:
                START(fnstsw);
                want = em || ts ? EXC_NM : -1;
                break;
            }
            ctrl_write_cr0(m->cpu, m->cpu->cr0 | cr0);
            machine_run(m, 10);
            ck_assert_msg(machine_vector(m) == want, "EM %d MP %d TS %d, %u: %d", em, mp, ts, what,
                          machine_vector(m));
        }
    }
    START(sse); /* without OSFXSR there is no SSE */
    m->cpu->cr4 &= ~(u32)CR4_OSFXSR;
    cpu_update_mode(m->cpu);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_UD);
    START(mov_ts); /* at once, within one piece of code */
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_NM);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 8);
    machine_free(m);
}
END_TEST

START_TEST(saved_pointers)
{
    m = machine_new("max", _i);
    START(pointers); /* control instructions leave them alone */
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 64 + 12), AT_CODE + 5); /* FNOP */
    ck_assert_uint_eq(machine_ld16(m, AT_DATA + 64 + 16), SEL_CODE0);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 64 + 20), AT_DATA + 4);
    ck_assert_uint_eq(machine_ld16(m, AT_DATA + 64 + 24), SEL_DATA0);
    START(pointers_ss); /* the first prefix counts as the instruction's address */
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 64 + 12), AT_CODE + 2);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 64 + 20), AT_STACK0 - 8);
    START(pointer_fault); /* a page fault is no x87 instruction done */
    machine_paging(m);
    machine_page(m, 0x60000, 0);
    m->cpu->gpr[REG_DI] = 0x60010;
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_PF);
    ck_assert_uint_eq((u32)m->cpu->fpu.fip, AT_CODE);
    ck_assert_uint_eq((u32)m->cpu->fpu.fdp, AT_DATA);
    ck_assert_uint_eq(m->cpu->fpu.top, 7);
    START(env_round); /* what FLDENV loads FNSTENV stores */
    machine_load(m, AT_DATA + 64,
                 "\x7f\x03\xff\xff\x21\x28\xff\xff\x55\xfd\xff\xff\x78\x56\x34\x12\x1b\x00\xd9\x05"
                 "\xf0\xde\xbc\x9a\x23\x00\xff\xff",
                 28);
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 12), 0x12345678);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 16), 0x05d9001b);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 20), 0x9abcdef0);
    ck_assert_uint_eq(machine_ld16(m, AT_DATA + 24), 0x23);
    ck_assert_uint_eq(machine_ld16(m, AT_DATA + 4) & 0x3821, 0x2821);
    START(dos_loop); /* FWAIT at every block's end, as compilers for the 8087 have it */
    m->cpu->gpr[REG_CX] = 500;
    machine_run(m, 3000);
    ck_assert_uint_eq(REG(CX), 0);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA + 64), CW_Z);
    machine_free(m);
}
END_TEST

SUITE_MAIN("mf", reported_late, old_way, availability, saved_pointers)

#else
int main(void)
{
    puts("mf: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
