/* MMX and x87 registers are the same ones and stay in the host's: random mixtures of MMX, x87 and
 * SSE instructions with ones that store or load the whole state or leave translated code, in exec
 * and in translated code side by side (SDM vol. 1 section 9.5). */
#include "tests/insn/mixture.h"

#if GUEST_CODE

enum { PIECES = 32, BYTES = 1024 };

/* EBX: memory; EAX, ECX and EDX are spoilt at will. */
GUEST(p0, 32, "movq mm0, [ebx+8]");
GUEST(p1, 32, "movd mm1, [ebx+20]\n pmuludq mm1, mm0");
GUEST(p2, 32, "paddq mm2, mm1\n psrlq mm2, 3");
GUEST(p3, 32, "movd [ebx+28], mm2\n movd eax, mm2");
GUEST(p4, 32, "movq [ebx+33], mm3\n movq mm4, mm3");
GUEST(p5, 32, "pinsrw mm5, eax, 2\n pinsrw mm3, [ebx+7], 3");
GUEST(p6, 32, "pextrw ecx, mm5, 3\n pmovmskb edx, mm4");
GUEST(p7, 32, "emms");
GUEST(p8, 32, "fld1\n fadd qword ptr [ebx+64]");
GUEST(p9, 32, "fstp qword ptr [ebx+72]");
GUEST(p10, 32, "fild dword ptr [ebx+80]\n fsqrt");
GUEST(p11, 32, "fnstenv [ebx+96]\n fldcw [ebx+96]");
GUEST(p12, 32, "fnsave [ebx+128]\n frstor [ebx+128]");
GUEST(p13, 32, "fxsave [ebx+256]");
GUEST(p14, 32, "fxrstor [ebx+256]");
GUEST(p15, 32, "cvtpi2ps xmm0, mm1\n cvtpi2pd xmm1, [ebx+16]");
GUEST(p16, 32, "cvtps2pi mm6, xmm0\n cvttpd2pi mm7, xmm1");
GUEST(p17, 32, "movq2dq xmm2, mm7\n movdq2q mm0, xmm1");
GUEST(p18, 32, "psllw mm0, 5\n psrad mm4, mm5\n psraw mm6, [ebx+40]");
GUEST(p19, 32, "packsswb mm0, mm4\n punpcklbw mm1, [ebx+12]");
GUEST(p20, 32, "pshufw mm2, [ebx+24], 0x1b\n pshufb mm2, mm6");
GUEST(p21, 32, "xor eax, eax\n xor ecx, ecx\n cpuid");
GUEST(p22, 32, "fxam\n fnstsw ax\n add [ebx], eax");
GUEST(p23, 32, "fincstp\n ffree st(3)");
GUEST(p24, 32, "fxch st(2)\n fchs");
GUEST(p25, 32, "push edi\n lea edi, [ebx+48]\n maskmovq mm0, mm4\n pop edi");
GUEST(p26, 32, "movntq [ebx+56], mm1\n psadbw mm1, mm2");
GUEST(p27, 32, "fninit");
GUEST(p28, 32, "pcmpeqw mm3, mm3\n pavgb mm3, mm2\n pandn mm6, mm3");
GUEST(p29, 32, "fprem\n fld st(1)");
GUEST(p30, 32, "palignr mm5, [ebx+64], 3\n pabsw mm5, mm5");
GUEST(p31, 32, "fcomi st, st(1)\n adc edx, 3");

static const struct piece pieces[PIECES] = {
    PIECE(0), PIECE(1), PIECE(2), PIECE(3), PIECE(4), PIECE(5), PIECE(6),
    PIECE(7), PIECE(8), PIECE(9), PIECE(10), PIECE(11), PIECE(12), PIECE(13),
    PIECE(14), PIECE(15), PIECE(16), PIECE(17), PIECE(18), PIECE(19), PIECE(20),
    PIECE(21), PIECE(22), PIECE(23), PIECE(24), PIECE(25), PIECE(26), PIECE(27),
    PIECE(28), PIECE(29), PIECE(30), PIECE(31),
};

static void start(struct machine *x, u32 trial)
{
    struct cpu *cpu = x->cpu;
    u8 *mem = machine_mem(x, AT_DATA);
    machine_protected(x, 0, AT_CODE);
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    for (unsigned r = 0; r < 8; r++) {
        cpu->fpu.st[r] = (struct f80){0x8123456789abcdefull * (r + 1) + trial, (u16)(0x3ff0 + r)};
        for (unsigned i = 0; i < 16; i++)
            cpu->xmm[r].b[i] = (u8)(r * 37 + i * 11 + trial);
    }
    cpu->fpu.cw = 0x37f;
    cpu->fpu.sw = 0;
    cpu->fpu.top = trial & 7;
    cpu->fpu.empty = (u8)(trial >> 3);
    cpu->mxcsr = 0x1f80;
    cpu_update_mode(cpu);
    for (u32 i = 0; i < BYTES; i++)
        mem[i] = (u8)(i * 13 + trial);
    memset(mem + 256, 0, 512); /* what FXRSTOR takes */
    memcpy(mem + 256, "\x7f\x03", 2);
    memcpy(mem + 256 + 24, "\x80\x1f", 2);
    cpu->gpr[REG_BX] = AT_DATA;
}

static void compare(struct machine *const *m, u32 trial, u32 part)
{
    const struct fpu *f = &m[0]->cpu->fpu, *g = &m[1]->cpu->fpu;
    ck_assert_uint_eq(m[0]->cpu->rip, m[1]->cpu->rip);
    ck_assert_uint_eq(cpu_eflags(m[0]->cpu), cpu_eflags(m[1]->cpu));
    ck_assert_mem_eq(m[0]->cpu->gpr, m[1]->cpu->gpr, sizeof(m[0]->cpu->gpr));
    ck_assert_mem_eq(m[0]->cpu->xmm, m[1]->cpu->xmm, sizeof(m[0]->cpu->xmm));
    ck_assert_uint_eq(m[0]->cpu->mxcsr, m[1]->cpu->mxcsr);
    ck_assert_msg(f->cw == g->cw && f->sw == g->sw && f->top == g->top && f->empty == g->empty,
                  "trial %u: words %x %x %u %02x and %x %x %u %02x", trial, f->cw, f->sw, f->top,
                  f->empty, g->cw, g->sw, g->top, g->empty);
    ck_assert_uint_eq(f->fip, g->fip);
    ck_assert_uint_eq(f->fdp, g->fdp);
    for (unsigned i = 0; i < 8; i++)
        ck_assert_msg(f->st[i].frac == g->st[i].frac && f->st[i].se == g->st[i].se,
                      "trial %u: R%u", trial, i);
    ck_assert_mem_eq(machine_mem(m[0], AT_DATA), machine_mem(m[1], AT_DATA), BYTES);
}

START_TEST(mixtures)
{
    static const struct mixture x = {pieces, PIECES, 400, 4712, start, compare};
    mixture_run(&x, _i);
}
END_TEST

SUITE_MAIN("mmxlive", mixtures)

#else
int main(void)
{
    puts("mmxlive: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
