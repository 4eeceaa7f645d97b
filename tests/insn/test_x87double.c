/* x87 with precision control of 53 bits, which translated code may do with doubles, and of 64 bits, which
 * it may do on its own: random mixtures of instructions with values of all kinds, in exec and in translated
 * code side by side (SDM vol. 1 sections 4.8, 8.1.5, 8.3). */
#include "tests/insn/mixture.h"

#if GUEST_CODE

enum { PIECES = 52, BYTES = 1024 };

/* EBX: memory; EAX, ECX and EDX are spoilt at will. */
GUEST(p0, 32, "fld qword ptr [ebx+8]");
GUEST(p1, 32, "fld dword ptr [ebx+20]\n fadd qword ptr [ebx+24]");
GUEST(p2, 32, "fmul qword ptr [ebx+32]\n fst qword ptr [ebx+8]");
GUEST(p3, 32, "fld qword ptr [ebx+40]\n fmul qword ptr [ebx+48]\n faddp");
GUEST(p4, 32, "fstp qword ptr [ebx+56]");
GUEST(p5, 32, "fst dword ptr [ebx+64]\n fstp dword ptr [ebx+20]");
GUEST(p6, 32, "fld st(0)\n fmul st, st(2)\n fsubp");
GUEST(p7, 32, "fxch st(1)\n fsub st, st(1)");
GUEST(p8, 32, "fld1\n faddp st(2), st");
GUEST(p9, 32, "fdiv qword ptr [ebx+72]\n fchs");
GUEST(p10, 32, "fdivr dword ptr [ebx+64]\n fabs");
GUEST(p11, 32, "fild dword ptr [ebx+80]\n fdivrp st(1), st");
GUEST(p12, 32, "fild word ptr [ebx+86]\n fild qword ptr [ebx+88]");
GUEST(p13, 32, "fistp dword ptr [ebx+96]\n fist word ptr [ebx+100]");
GUEST(p14, 32, "fistp qword ptr [ebx+104]");
GUEST(p15, 32, "fcom qword ptr [ebx+24]\n fnstsw ax\n test ah, 0x45\n je 1f\n inc ecx\n 1:");
GUEST(p16, 32, "fcomp st(1)\n fnstsw ax\n add edx, eax");
GUEST(p17, 32, "fucompp\n fnstsw ax");
GUEST(p18, 32, "fcomi st, st(2)\n adc ecx, 7\n pushfd\n pop edx");
GUEST(p19, 32, "fucomip st, st(1)\n ja 1f\n fld1\n 1:");
GUEST(p20, 32, "ftst\n fnstsw [ebx+112]");
GUEST(p21, 32, "fnstcw [ebx+114]\n fldcw [ebx+116]\n fist dword ptr [ebx+120]\n fldcw [ebx+114]");
GUEST(p22, 32, "fadd st(3), st\n fsubr st, st(1)");
GUEST(p23, 32, "fsqrt");
GUEST(p24, 32, "fldz\n fstp st(3)");
GUEST(p25, 32, "fst st(5)");
GUEST(p26, 32, "fldpi\n fmulp");
GUEST(p27, 32, "fxam\n fnstsw ax");
GUEST(p28, 32, "fld tbyte ptr [ebx+128]");
GUEST(p29, 32, "fstp tbyte ptr [ebx+144]");
GUEST(p30, 32, "fnstenv [ebx+160]");
GUEST(p31, 32, "fninit\n fldcw [ebx+118]");
GUEST(p32, 32, "ffree st(4)\n fincstp");
GUEST(p33, 32, "movq mm0, [ebx+40]\n paddd mm3, mm0\n emms");
GUEST(p34, 32, "fiadd dword ptr [ebx+80]\n fimul word ptr [ebx+86]");
GUEST(p35, 32, "ficom word ptr [ebx+86]\n fnstsw ax\n sahf\n setc [ebx+124]");
GUEST(p36, 32, "mulsd xmm0, [ebx+24]\n fadd st, st(1)");
GUEST(p37, 32, "cvtsd2si eax, xmm0\n addsd xmm0, xmm1");
GUEST(p38, 32, "fldcw [ebx+126]\n fadd st, st(1)\n fldcw [ebx+118]");
GUEST(p39, 32, "fisttp dword ptr [ebx+96]\n fldz\n fsub");
GUEST(p40, 32, "fscale\n fld st(7)");
GUEST(p41, 32, "fnclex");
GUEST(p42, 32, "fsub st(1), st\n fmul st(2), st\n fld st(1)\n fdivp st(3), st");
GUEST(p43, 32, "fdiv st, st(1)\n fnstsw ax\n fnsave [ebx+200]\n frstor [ebx+200]");
GUEST(p44, 32, "fld tbyte ptr [ebx+320]\n fadd st, st(1)\n fld tbyte ptr [ebx+328]\n fmulp");
GUEST(p45, 32, "fld tbyte ptr [ebx+336]\n fsub st, st(1)\n fld st(0)\n fsubrp st(2), st");
GUEST(p46, 32, "fld tbyte ptr [ebx+352]\n fst qword ptr [ebx+8]\n fst dword ptr [ebx+64]\n fistp dword ptr [ebx+96]");
GUEST(p47, 32, "fld tbyte ptr [ebx+368]\n fcom st(1)\n fnstsw ax\n fcomip st, st(1)\n setc [ebx+124]");
GUEST(p48, 32, "fld tbyte ptr [ebx+384]\n fadd st(1), st\n fsubrp st(2), st");
GUEST(p49, 32, "fld tbyte ptr [ebx+400]\n fistp qword ptr [ebx+104]\n fmul st, st(0)\n fstp tbyte ptr [ebx+416]");
GUEST(p50, 32, "fild qword ptr [ebx+88]\n fadd st, st(1)\n fsub st(1), st\n fstp qword ptr [ebx+56]");
GUEST(p51, 32, "fld tbyte ptr [ebx+384]\n fchs\n fadd st, st(1)\n fnstsw ax\n fsqrt\n fnstsw [ebx+112]");

static const struct piece pieces[PIECES] = {
    PIECE(0),  PIECE(1),  PIECE(2),  PIECE(3),  PIECE(4),  PIECE(5),  PIECE(6),  PIECE(7),
    PIECE(8),  PIECE(9),  PIECE(10), PIECE(11), PIECE(12), PIECE(13), PIECE(14), PIECE(15),
    PIECE(16), PIECE(17), PIECE(18), PIECE(19), PIECE(20), PIECE(21), PIECE(22), PIECE(23),
    PIECE(24), PIECE(25), PIECE(26), PIECE(27), PIECE(28), PIECE(29), PIECE(30), PIECE(31),
    PIECE(32), PIECE(33), PIECE(34), PIECE(35), PIECE(36), PIECE(37), PIECE(38), PIECE(39),
    PIECE(40), PIECE(41), PIECE(42), PIECE(43), PIECE(44), PIECE(45), PIECE(46), PIECE(47),
    PIECE(48), PIECE(49), PIECE(50), PIECE(51),
};

/* Mostly numbers of ordinary size, some near the ends of a format's range, some that have rules of
 * their own. */
static u64 some_double(u32 n)
{
    u64 h = (n + 1) * 0x9e3779b97f4a7c15ull, frac = (h ^ h >> 29) & (BIT64(52) - 1);
    u64 sign = h & BIT64(63);
    switch (h >> 40 & 15) {
    case 0: return sign;
    case 1: return sign | (h >> 20 & 0x7ff) << 52 | frac;
    case 2: return sign | (1023 + (h & 7)) << 52 | (frac & ~(BIT64(44) - 1));
    case 3: return sign | (1023 + (h & 1 ? 126 : -125) + (h & 3)) << 52 | frac;
    case 4: return h & 0x700 ? sign | 0x3ffull << 52 : sign | 0x7ffull << 52 | (h & 1 ? frac : 0);
    default: return sign | (1020 + (h & 15)) << 52 | frac;
    }
}

static u32 some_single(u32 n)
{
    u64 d = some_double(n);
    u32 exp = (u32)(d >> 52 & 0x7ff) - 1023 + 127;
    return (u32)(d >> 32 & BIT(31)) | (exp & 0xff) << 23 | (u32)(d >> 29 & (BIT(23) - 1));
}

/* Significands of which rounding has something to say; exponents close to each other, for sums that
 * cancel, at the ends of the range, or anywhere. */
static struct f80 some_extended(u32 n)
{
    u64 h = (n + 1) * 0x9e3779b97f4a7c15ull, frac = (h ^ h >> 31) * 0xd6e8feb86659fd93ull;
    u16 sign = (u16)(h >> 60 & 8) << 12, exp;
    switch (h >> 33 & 7) {
    case 0: frac = h & 1 ? 0 : ~(u64)0; break;
    case 1: frac = h >> 20 & 7; break;
    case 2: frac = BIT64(h >> 20 & 63) - (h & 1); break;
    case 3: frac &= ~(u64)0 << (h >> 20 & 63); break;
    }
    frac |= BIT64(63);
    switch (h >> 40 & 15) {
    case 0: return (struct f80){0, sign};
    case 1: exp = (u16)(h >> 20 & 0x7fff); break;
    case 2: exp = h & 0x100 ? (h & 3) : 0x7ffc + (h & 3); break;
    case 3: return (struct f80){h & 0x200 ? frac : frac << 1, (u16)(sign | (h & 0x100 ? 0 : 0x7fff))};
    case 4: exp = (u16)(16383 + (h & 0x3ff) - 512); break;
    case 5: exp = (u16)(16383 + (h & 0x100 ? 1023 : -1023) + (h & 3) - 2); break;
    case 6: exp = (u16)(16383 + (h & 0x100 ? 127 : -127) + (h & 3) - 2); break;
    case 7: exp = (u16)(16383 + (h & 127) - 2); break;
    default: exp = (u16)(16383 + (h >> 8 & 3)); break;
    }
    return (struct f80){frac, (u16)(sign | exp)};
}

static void start(struct machine *x, u32 trial)
{
    struct cpu *cpu = x->cpu;
    u8 *mem = machine_mem(x, AT_DATA);
    machine_protected(x, 0, AT_CODE);
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    for (u32 r = 0; r < 8; r++) {
        bool denormal;
        cpu->fpu.st[r] = f80_widen_f64(some_double(trial * 8 + r), &denormal);
        if (trial % 5 == 1 && r == (trial & 7))
            cpu->fpu.st[r].frac |= 3;
        cpu->xmm[r].q[0] = some_double(trial + r), cpu->xmm[r].q[1] = r;
    }
    cpu->fpu.cw = trial % 7 ? 0x27f : trial % 3 ? 0x37f : 0x67f;
    cpu->fpu.sw = trial & 1 ? 0x220 : trial & 2 ? 0x4520 : 0;
    cpu->fpu.top = trial >> 1 & 7;
    /* Some of them on the stack, one free */
    cpu->fpu.empty = (u8)(trial % 6 == 5 ? trial >> 3 : 0);
    for (u32 i = 3 + trial % 5; i < 8; i++)
        cpu->fpu.empty |= (u8)BIT((cpu->fpu.top + i) & 7);
    cpu->mxcsr = trial % 4 ? 0x1f80 : trial % 8 ? 0x7f80 : 0x9fc0;
    cpu_update_mode(cpu);
    for (u32 i = 0; i < BYTES; i += 8)
        st64(mem + i, some_double(trial * 99 + i));
    st32(mem + 20, some_single(trial + 5));
    st32(mem + 64, some_single(trial + 7));
    st32(mem + 80, trial * 77 - 3000);
    st16(mem + 86, (u16)(trial * 31));
    st64(mem + 88, trial % 3 ? trial * 1234567ull : 0x123456789abcdef1ull * trial);
    st16(mem + 116, 0xe7f);
    st16(mem + 118, 0x27f);
    st16(mem + 126, (u16)(0x7f | (trial & 15) << 8));
    cpu->gpr[REG_BX] = AT_DATA;
}

static void start_wide(struct machine *x, u32 trial)
{
    struct cpu *cpu = x->cpu;
    u8 *mem = machine_mem(x, AT_DATA);
    start(x, trial);
    cpu->fpu.cw = trial % 7 ? 0x37f : trial % 3 ? 0x27f : 0x77f;
    cpu_update_mode(cpu);
    st16(mem + 116, 0xf7f);
    st16(mem + 118, 0x37f);
    for (u32 r = 0; r < 8; r++)
        cpu->fpu.st[r] = some_extended(trial * 8 + r);
    for (u32 i = 320; i < 448; i += 16) {
        struct f80 v = some_extended(trial * 16 + i);
        st64(mem + i, v.frac);
        st16(mem + i + 8, v.se);
    }
}

static void compare(struct machine *const *m, u32 trial, u32 part)
{
    const struct fpu *f = &m[0]->cpu->fpu, *g = &m[1]->cpu->fpu;
    ck_assert_uint_eq(m[0]->cpu->rip, m[1]->cpu->rip);
    ck_assert_msg(cpu_eflags(m[0]->cpu) == cpu_eflags(m[1]->cpu), "trial %u: flags", trial);
    for (unsigned r = 0; r < 8; r++)
        ck_assert_msg(m[0]->cpu->gpr[r] == m[1]->cpu->gpr[r], "trial %u: register %u: %llx, %llx",
                      trial, r, (unsigned long long)m[0]->cpu->gpr[r],
                      (unsigned long long)m[1]->cpu->gpr[r]);
    for (unsigned r = 0; r < 8; r++)
        ck_assert_msg(!memcmp(&m[0]->cpu->xmm[r], &m[1]->cpu->xmm[r], 16), "trial %u: XMM%u %llx, %llx",
                      trial, r, (unsigned long long)m[0]->cpu->xmm[r].q[0],
                      (unsigned long long)m[1]->cpu->xmm[r].q[0]);
    ck_assert_msg(m[0]->cpu->mxcsr == m[1]->cpu->mxcsr, "trial %u: MXCSR %x, %x", trial,
                  m[0]->cpu->mxcsr, m[1]->cpu->mxcsr);
    ck_assert_msg(f->cw == g->cw && f->sw == g->sw && f->top == g->top && f->empty == g->empty,
                  "trial %u: words %x %x %u %02x and %x %x %u %02x", trial, f->cw, f->sw, f->top,
                  f->empty, g->cw, g->sw, g->top, g->empty);
    ck_assert_uint_eq(f->fip, g->fip);
    ck_assert_uint_eq(f->fdp, g->fdp);
    for (unsigned i = 0; i < 8; i++)
        ck_assert_msg(f->st[i].frac == g->st[i].frac && f->st[i].se == g->st[i].se,
                      "trial %u: R%u %llx.%x, %llx.%x", trial, i, (unsigned long long)f->st[i].frac,
                      f->st[i].se, (unsigned long long)g->st[i].frac, g->st[i].se);
    ck_assert(!g->dbl && !g->ready);
    for (u32 i = 0; i < BYTES; i += 4)
        ck_assert_msg(ld32(machine_mem(m[0], AT_DATA) + i) == ld32(machine_mem(m[1], AT_DATA) + i),
                      "trial %u: memory +%u: %x, %x", trial, i, ld32(machine_mem(m[0], AT_DATA) + i),
                      ld32(machine_mem(m[1], AT_DATA) + i));
}

START_TEST(mixtures)
{
    static const struct mixture x = {pieces, PIECES, 600, 31, start, compare};
    mixture_run(&x, _i);
}
END_TEST

START_TEST(wide_mixtures)
{
    static const struct mixture x = {pieces, PIECES, 900, 37, start_wide, compare};
    mixture_run(&x, _i);
}
END_TEST

SUITE_MAIN("x87double", mixtures, wide_mixtures)

#else
int main(void)
{
    puts("x87double: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
