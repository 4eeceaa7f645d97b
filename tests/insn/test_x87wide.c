/* x87 arithmetic, comparison and conversion with precision control of 64 bits on pairs of numbers, whose
 * significands and exponents are such that rounding, cancelling and the ends of ranges all come up: what
 * each engine makes of them is what exec makes (SDM vol. 1 sections 4.8, 8.3). */
#include "cpu/jit/jit.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { PAIRS = 512, IN = 32, OUT = 256, AT_OUT = AT_DATA + PAIRS * IN, ROUNDS = 6 };

/* ESI: two numbers; EDI: where results go; each with the status word behind it. */
GUEST(all, 32,
      "1: fninit\n fld tbyte ptr [esi+16]\n fld tbyte ptr [esi]\n"
      "fld st(0)\n fadd st, st(2)\n fnstsw [edi+10]\n fstp tbyte ptr [edi]\n fnclex\n"
      "fld st(0)\n fsub st, st(2)\n fnstsw [edi+26]\n fstp tbyte ptr [edi+16]\n fnclex\n"
      "fld st(0)\n fsubr st, st(2)\n fnstsw [edi+42]\n fstp tbyte ptr [edi+32]\n fnclex\n"
      "fld st(0)\n fmul st, st(2)\n fnstsw [edi+58]\n fstp tbyte ptr [edi+48]\n fnclex\n"
      "fld st(0)\n fdiv st, st(2)\n fnstsw [edi+74]\n fstp tbyte ptr [edi+64]\n fnclex\n"
      "fld st(0)\n fdivr st, st(2)\n fnstsw [edi+90]\n fstp tbyte ptr [edi+80]\n fnclex\n"
      "fld st(0)\n fsqrt\n fnstsw [edi+106]\n fstp tbyte ptr [edi+96]\n fnclex\n"
      "fcom st(1)\n fnstsw [edi+112]\n fnclex\n"
      "fcomi st, st(1)\n pushfd\n pop dword ptr [edi+116]\n fnclex\n"
      "fst qword ptr [edi+120]\n fnstsw [edi+128]\n fnclex\n"
      "fst dword ptr [edi+132]\n fnstsw [edi+136]\n fnclex\n"
      "fist dword ptr [edi+140]\n fnstsw [edi+144]\n fnclex\n"
      "fist word ptr [edi+148]\n fnstsw [edi+152]\n fnclex\n"
      "fld st(0)\n fistp qword ptr [edi+160]\n fnstsw [edi+168]\n fnclex\n"
      "fld st(0)\n fisttp qword ptr [edi+176]\n fnstsw [edi+184]\n fnclex\n"
      "fld qword ptr [esi]\n fnstsw [edi+202]\n fstp tbyte ptr [edi+192]\n fnclex\n"
      "fld dword ptr [esi+4]\n fnstsw [edi+218]\n fstp tbyte ptr [edi+208]\n fnclex\n"
      "fild qword ptr [esi]\n fstp tbyte ptr [edi+224]\n"
      "fild dword ptr [esi+4]\n fnstsw [edi+250]\n fstp tbyte ptr [edi+240]\n"
      "add esi, 32\n add edi, 256\n dec ecx\n jne 1b\n 2: jmp 2b");

static u64 next(u64 *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return (*seed ^ *seed >> 29) * 0xd6e8feb86659fd93ull;
}

/* Often with long runs of equal bits, or near another one. */
static u64 some_frac(u64 *seed, u64 near)
{
    u64 h = next(seed), f = next(seed);
    unsigned n = h >> 8 & 63;
    switch (h & 7) {
    case 0: f = ~(u64)0 << n; break;
    case 1: f = ~(u64)0 >> n; break;
    case 2: f = BIT64(n) | (h >> 20 & 1); break;
    case 3: f &= ~(u64)0 << n; break;
    case 4: f = near + (h >> 20 & 3) - 1; break;
    case 5: f = (near & ~(u64)0 << n) | (f & 1); break;
    }
    return f;
}

/* The second of a pair is up to 70 bits away from the first, mostly; each may be anything. */
static struct f80 number(u64 *seed, const struct f80 *first)
{
    static const u16 special[] = {0, 0x7fff, 1, 0x7ffe, 16383 + 1023, 16383 - 1022, 16383 + 127, 16383 - 126};
    struct f80 v = {some_frac(seed, first->frac) | BIT64(63), (u16)(next(seed) >> 49)};
    u64 h = next(seed);
    u16 sign = v.se & 0x8000;
    if (first->se)
        v.se = (u16)(sign | ((u64)(first->se & 0x7fff) + (h >> 8) % 141 - 70));
    else if (h & 3)
        v.se = (u16)(sign | (16383 + (h >> 8) % 141 - 70));
    v.se = (u16)(sign | (v.se & 0x7fff));
    switch (h >> 32 & 31) {
    case 0: return (struct f80){0, sign};
    case 1: return (struct f80){v.frac, (u16)(sign | special[h >> 40 & 7])};
    case 2: return (struct f80){v.frac, (u16)(sign | (special[h >> 40 & 7] + (h >> 44 & 3) - 1))};
    case 3: return (struct f80){h & BIT64(40) ? v.frac << 1 : BIT64(63), (u16)(sign | (h & BIT64(41) ? 0x7fff : 0))};
    default: return v;
    }
}

static void fill(struct machine *x, u64 seed)
{
    for (u32 i = 0; i < PAIRS; i++) {
        u8 *m = machine_mem(x, AT_DATA + i * IN);
        struct f80 a = number(&seed, &(struct f80){0}), b = number(&seed, &a);
        st64(m, a.frac);
        st16(m + 8, a.se);
        st64(m + 16, b.frac);
        st16(m + 24, b.se);
    }
}

START_TEST(pairs)
{
    struct machine *m[2] = {machine_new("max", ENGINE_EXEC), machine_new("max", (enum cpu_engine)_i)};
    for (u32 round = 0; round < ROUNDS; round++) {
        for (unsigned k = 0; k < 2; k++) {
            machine_protected(m[k], 0, AT_CODE);
            machine_code(m[k], AT_CODE, all);
            fill(m[k], round * 77777ull + 5);
            m[k]->cpu->gpr[REG_SI] = AT_DATA;
            m[k]->cpu->gpr[REG_DI] = AT_OUT;
            m[k]->cpu->gpr[REG_CX] = PAIRS;
            machine_run(m[k], PAIRS * 90);
        }
        ck_assert(!(u32)m[0]->cpu->gpr[REG_CX] && !(u32)m[1]->cpu->gpr[REG_CX]);
        for (u32 i = 0; i < PAIRS; i++) {
            const u8 *in = machine_mem(m[0], AT_DATA + i * IN), *want = machine_mem(m[0], AT_OUT + i * OUT),
                     *got = machine_mem(m[1], AT_OUT + i * OUT);
            for (u32 at = 0; at < OUT; at += 2)
                ck_assert_msg(ld16(want + at) == ld16(got + at),
                              "%llx.%x and %llx.%x: at %u of results %x, not %x", (unsigned long long)ld64(in),
                              ld16(in + 8), (unsigned long long)ld64(in + 16), ld16(in + 24), at,
                              ld16(got + at), ld16(want + at));
        }
    }
    machine_free(m[0]);
    machine_free(m[1]);
}
END_TEST

/* The same code with one precision for long, then with the other: translated code follows. */
GUEST(sums, 32, "fninit\n fldcw [ebx]\n fld1\n fldz\n 1: fadd st, st(1)\n fmul st, st(1)\n dec ecx\n jnz 1b\n"
                " fstp qword ptr [ebx+8]\n fstp st(0)\n 2: jmp 2b");

START_TEST(precision_changes)
{
    enum { ADDS = 5000, BAILS = 1500 };
    static const u16 control[] = {0x37f, 0x27f, 0x37f, 0x27f};
    struct machine *m = machine_new("max", _i);
    for (unsigned k = 0; k < ARRAY_LEN(control); k++) {
        u64 before = 0, exits;
        u64 bits;
        double sum;
        machine_protected(m, 0, AT_CODE);
        machine_code(m, AT_CODE, sums);
        m->cpu->gpr[REG_BX] = AT_DATA;
        m->cpu->gpr[REG_CX] = ADDS;
        machine_st32(m, AT_DATA, control[k]);
        if (_i == ENGINE_JIT)
            before = jit_stats(m->cpu)->exits_bail + jit_stats(m->cpu)->exits_exec;
        machine_run(m, 4 + 4 * ADDS + 10);
        bits = ld64(machine_mem(m, AT_DATA + 8));
        memcpy(&sum, &bits, sizeof(sum));
        ck_assert(sum == ADDS);
        if (_i != ENGINE_JIT)
            continue;
        exits = jit_stats(m->cpu)->exits_bail + jit_stats(m->cpu)->exits_exec - before;
        ck_assert_msg(exits < BAILS, "%u exits with control word %x", (unsigned)exits, control[k]);
    }
    machine_free(m);
}
END_TEST

SUITE_MAIN("x87wide", pairs, precision_changes)

#else
int main(void)
{
    puts("x87wide: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
