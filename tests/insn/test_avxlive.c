/* Vector registers that stay in the host's: random mixtures of VEX, SSE and x87 instructions with
 * ones that leave translated code, in exec and in translated code side by side (cpu/jit/README.md).
 */
#include "tests/insn/mixture.h"

#if GUEST_CODE

enum { PIECES = 20 };

/* EBX: 256 bytes of memory; EAX, ECX and EDX are spoilt at will. */
GUEST(p0, 32, "vpaddd ymm1, ymm2, ymm3");
GUEST(p1, 32, "vpaddd xmm1, xmm2, xmm3");
GUEST(p2, 32, "paddd xmm1, xmm2");
GUEST(p3, 32, "vmovdqu ymm4, [ebx+8]");
GUEST(p4, 32, "vmovdqu [ebx+72], ymm1");
GUEST(p5, 32, "vmovdqa ymm5, [ebx+96]");
GUEST(p6, 32, "vextracti128 [ebx+16], ymm5, 1");
GUEST(p7, 32, "vinserti128 ymm2, ymm1, xmm4, 1");
GUEST(p8, 32, "xor eax, eax\n xor ecx, ecx\n cpuid");
GUEST(p9, 32, "movdqu xmm3, [ebx+40]");
GUEST(p10, 32, "fld1\n fstp st(0)");
GUEST(p11, 32, "vzeroupper");
GUEST(p12, 32, "vpmovmskb eax, ymm1\n add [ebx], eax");
GUEST(p13, 32, "vmovd xmm6, ebx\n vpbroadcastd ymm6, xmm6");
GUEST(p14, 32, "vptest ymm1, ymm4\n adc edx, 3");
GUEST(p15, 32, "vpshufb ymm3, ymm1, [ebx+32]");
GUEST(p16, 32, "stmxcsr [ebx+4]");
GUEST(p17, 32, "vpermq ymm2, ymm3, 0x93");
GUEST(p18, 32, "vblendvps ymm7, ymm1, ymm2, ymm3");
GUEST(p19, 32, "vpsrld ymm1, ymm7, 3\n vpxor xmm7, xmm7, xmm7");

static const struct piece pieces[PIECES] = {
    PIECE(0),  PIECE(1),  PIECE(2),  PIECE(3),  PIECE(4),  PIECE(5),  PIECE(6),
    PIECE(7),  PIECE(8),  PIECE(9),  PIECE(10), PIECE(11), PIECE(12), PIECE(13),
    PIECE(14), PIECE(15), PIECE(16), PIECE(17), PIECE(18), PIECE(19),
};

static void start(struct machine *x, u32 trial)
{
    struct cpu *cpu = x->cpu;
    machine_protected(x, 0, AT_CODE);
    cpu->cr4 |= CR4_OSXSAVE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu->xcr0 = 7;
    cpu_update_mode(cpu);
    for (unsigned r = 0; r < 16; r++)
        for (unsigned i = 0; i < 16; i++) {
            cpu->xmm[r].b[i] = (u8)(r * 37 + i * 11 + trial);
            cpu->ymmh[r].b[i] = (u8)(r * 59 + i * 7 + trial * 3);
        }
    for (u32 i = 0; i < 256; i++)
        machine_mem(x, AT_DATA)[i] = (u8)(i * 13 + trial);
    cpu->gpr[REG_BX] = AT_DATA;
}

static void compare(struct machine *const *m, u32 trial, u32 part)
{
    ck_assert_uint_eq(m[0]->cpu->rip, m[1]->cpu->rip);
    ck_assert_uint_eq(cpu_eflags(m[0]->cpu), cpu_eflags(m[1]->cpu));
    ck_assert_mem_eq(m[0]->cpu->gpr, m[1]->cpu->gpr, sizeof(m[0]->cpu->gpr));
    ck_assert_msg(!memcmp(m[0]->cpu->xmm, m[1]->cpu->xmm, sizeof(m[0]->cpu->xmm)),
                  "trial %u part %u: lower halves", trial, part);
    ck_assert_msg(!memcmp(m[0]->cpu->ymmh, m[1]->cpu->ymmh, sizeof(m[0]->cpu->ymmh)),
                  "trial %u part %u: upper halves", trial, part);
    ck_assert_mem_eq(machine_mem(m[0], AT_DATA), machine_mem(m[1], AT_DATA), 256);
}

START_TEST(mixtures)
{
    static const struct mixture x = {pieces, PIECES, 300, 4711, start, compare};
    mixture_run(&x, _i);
}
END_TEST

SUITE_MAIN("avxlive", mixtures)

#else
int main(void)
{
    puts("avxlive: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
