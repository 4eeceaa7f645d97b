/* The x87: exact values in 80 bits, rounding, exceptions, the stack, and its state in memory (SDM
 * volume 1, chapter 8). */
#include "roms/test/lib/test.h"

enum {
    IE = 1,
    DE = 2,
    ZE = 4,
    OE = 8,
    UE = 0x10,
    PE = 0x20,
    SF = 0x40,
    ES = 0x80,
    C0 = 0x100,
    C1 = 0x200,
    C2 = 0x400,
    C3 = 0x4000
};

struct f80 {
    u64 m;
    u16 se;
} __attribute__((packed));

static struct f80 out;
static u16 sw;

/* Run x87 instructions from a clean state with control word `cw`; keep the top of the stack and the
 * status word. */
#define FPU(cw, code)                                                                              \
    do {                                                                                           \
        u16 control = (cw);                                                                        \
        __asm__ volatile("fninit\n\tfldcw %2\n\t" code "\n\tfnstsw %1\n\tfnclex\n\tfstpt %0"       \
                         : "=m"(out), "=m"(sw)                                                     \
                         : "m"(control)                                                            \
                         : "memory");                                                              \
    } while (0)

#define CHECK_F80(exp, mant)                                                                       \
    do {                                                                                           \
        CHECK_EQ(out.se, exp);                                                                     \
        CHECK_EQ((u32)(out.m >> 32), (u32)((u64)(mant) >> 32));                                    \
        CHECK_EQ((u32)out.m, (u32)(mant));                                                         \
    } while (0)

static void constants(void)
{
    FPU(0x37f, "fld1");
    CHECK_F80(0x3fff, 0x8000000000000000ull);
    FPU(0x37f, "fldpi");
    CHECK_F80(0x4000, 0xc90fdaa22168c235ull);
    FPU(0xf7f, "fldpi"); /* towards zero */
    CHECK_F80(0x4000, 0xc90fdaa22168c234ull);
    FPU(0x37f, "fldl2e");
    CHECK_F80(0x3fff, 0xb8aa3b295c17f0bcull);
    FPU(0x37f, "fldl2t");
    CHECK_F80(0x4000, 0xd49a784bcd1b8afeull);
    FPU(0x37f, "fldlg2");
    CHECK_F80(0x3ffd, 0x9a209a84fbcff799ull);
    FPU(0x37f, "fldln2");
    CHECK_F80(0x3ffe, 0xb17217f7d1cf79acull);
    FPU(0x37f, "fldz");
    CHECK_F80(0, 0);
}

/* One third in the four rounding modes and three precisions. */
static void rounding(void)
{
#define THIRD "fld1; push $3; fidivl (%%esp); add $4, %%esp"
    FPU(0x37f, THIRD);
    CHECK_F80(0x3ffd, 0xaaaaaaaaaaaaaaabull);
    CHECK_EQ(sw & PE, PE);
    CHECK_EQ(sw & C1, C1); /* rounded up */
    FPU(0x77f, THIRD);
    CHECK_F80(0x3ffd, 0xaaaaaaaaaaaaaaaaull);
    CHECK_EQ(sw & C1, 0);
    FPU(0xb7f, THIRD);
    CHECK_F80(0x3ffd, 0xaaaaaaaaaaaaaaabull);
    FPU(0xf7f, THIRD);
    CHECK_F80(0x3ffd, 0xaaaaaaaaaaaaaaaaull);
    FPU(0x27f, THIRD); /* double */
    CHECK_F80(0x3ffd, 0xaaaaaaaaaaaaa800ull);
    FPU(0x07f, THIRD); /* single */
    CHECK_F80(0x3ffd, 0xaaaaab0000000000ull);
    FPU(0x37f, "fld1; fld1; faddp; fsqrt");
    CHECK_F80(0x3fff, 0xb504f333f9de6484ull);
    /* The intermediate precision of a double is not enough for this sum: 2^63 + 1. */
    FPU(0x37f, "push $63; fildl (%%esp); fld1; fscale; fld1; faddp; fstp %%st(1); add $4, %%esp");
    CHECK_F80(0x403e, 0x8000000000000001ull);
}

static void to_integers(void)
{
    u16 control = 0x37f;
    s32 i;
    s64 q;
    s16 h;

    __asm__ volatile("fninit; fldcw %1; fldpi; fistpl %0" : "=m"(i) : "m"(control));
    CHECK_EQ(i, 3);
    control = 0xb7f;
    __asm__ volatile("fninit; fldcw %1; fldpi; fchs; fistpl %0" : "=m"(i) : "m"(control));
    CHECK_EQ(i, (u32)-3);
    control = 0x77f;
    __asm__ volatile("fninit; fldcw %1; fldpi; fchs; fistpl %0" : "=m"(i) : "m"(control));
    CHECK_EQ(i, (u32)-4);
    /* Half goes to even: 2.5 -> 2, 3.5 -> 4. */
    control = 0x37f;
    __asm__ volatile(
        "fninit; push $5; fildl (%%esp); movl $2, (%%esp); fidivl (%%esp); add $4, %%esp; fistpl %0"
        : "=m"(i));
    CHECK_EQ(i, 2);
    __asm__ volatile("fninit; push $7; fildl (%%esp); movl $2, (%%esp); fidivl (%%esp); add $4, "
                     "%%esp; fistpll %0"
                     : "=m"(q));
    CHECK(q == 4);
    /* Too large: the integer indefinite and an invalid operation. */
    __asm__ volatile("fninit; push $70000; fildl (%%esp); add $4, %%esp; fistps %0; fnstsw %1"
                     : "=m"(h), "=m"(sw));
    CHECK_EQ((u16)h, 0x8000);
    CHECK_EQ(sw & IE, IE);
}

static void masked_exceptions(void)
{
    FPU(0x37f, "fldz; fld1; fdiv %%st(1), %%st"); /* 1/0 */
    CHECK_F80(0x7fff, 0x8000000000000000ull);
    CHECK_EQ(sw & (IE | ZE), ZE);
    FPU(0x37f, "fldz; fldz; fdivp"); /* 0/0: the default NaN */
    CHECK_F80(0xffff, 0xc000000000000000ull);
    CHECK_EQ(sw & (IE | ZE | SF), IE);
    FPU(0x37f, "fld1; fchs; fsqrt");
    CHECK_F80(0xffff, 0xc000000000000000ull);
    /* An empty register: stack fault, C1 = 0 for underflow. */
    FPU(0x37f, "fxch");
    CHECK_EQ(sw & (IE | SF), IE | SF);
    CHECK_EQ(sw & C1, 0);
    /* The ninth push: C1 = 1 for overflow. */
    FPU(0x37f, "fld1; fld1; fld1; fld1; fld1; fld1; fld1; fld1; fld1");
    CHECK_EQ(sw & (IE | SF | C1), IE | SF | C1);
    CHECK_F80(0xffff, 0xc000000000000000ull);
    /* Overflow to infinity or the largest number, by the rounding mode. */
    FPU(0x37f, "push $20000; fildl (%%esp); fld1; fscale; fstp %%st(1); add $4, %%esp");
    CHECK_F80(0x7fff, 0x8000000000000000ull);
    CHECK_EQ(sw & (OE | PE), OE | PE);
    FPU(0xf7f, "push $20000; fildl (%%esp); fld1; fscale; fstp %%st(1); add $4, %%esp");
    CHECK_F80(0x7ffe, 0xffffffffffffffffull);
    /* Gradual underflow. */
    FPU(0x37f, "push $-16400; fildl (%%esp); fld1; fscale; fstp %%st(1); add $4, %%esp");
    CHECK_F80(0, 0x0000200000000000ull);
    CHECK_EQ(sw & (UE | PE), 0);
}

static void comparisons(void)
{
    FPU(0x37f, "fld1; fldpi; fcom");
    CHECK_EQ(sw & (C0 | C2 | C3), 0); /* pi > 1 */
    FPU(0x37f, "fldpi; fld1; fcom");
    CHECK_EQ(sw & (C0 | C2 | C3), C0);
    FPU(0x37f, "fld1; fld1; fcom");
    CHECK_EQ(sw & (C0 | C2 | C3), C3);
    FPU(0x37f, "fldz; fldz; fdivp; fnclex; fld1; fucom");
    CHECK_EQ(sw & (C0 | C2 | C3), C0 | C2 | C3);
    CHECK_EQ(sw & IE, 0);
    FPU(0x37f, "fldz; fldz; fdivp; fnclex; fld1; fcom");
    CHECK_EQ(sw & IE, IE);
    FPU(0x37f, "fld1; fchs; fxam");
    CHECK_EQ(sw & (C0 | C1 | C2 | C3), C1 | C2); /* a negative finite number */
    FPU(0x37f, "fldz; fxam");
    CHECK_EQ(sw & (C0 | C1 | C2 | C3), C3);
}

static void partial_remainder(void)
{
    /* 22 = 5 * 4 + 2: the quotient's low bits come in C0 C3 C1. */
    FPU(0x37f, "push $4; fildl (%%esp); movl $22, (%%esp); fildl (%%esp); add $4, %%esp; fprem");
    CHECK_F80(0x4000, 0x8000000000000000ull);
    CHECK_EQ(sw & (C0 | C1 | C2 | C3), C0 * 1 * (5 >> 2 & 1) + C3 * (5 >> 1 & 1) + C1 * (5 & 1));
    /* The IEEE remainder takes the nearest quotient: 6 * 4 - 2. */
    FPU(0x37f, "push $4; fildl (%%esp); movl $22, (%%esp); fildl (%%esp); add $4, %%esp; fprem1");
    CHECK_EQ(out.se & 0x7fff, 0x4000);
}

static u8 image[108];

static void state_in_memory(void)
{
    u16 control = 0x37f, tag;

    __asm__ volatile("fninit; fldcw %1; fld1; fldpi; fldz; fnsave %0" : "=m"(image) : "m"(control));
    CHECK_EQ(*(u16 *)(image + 0), 0x37f);
    CHECK_EQ(*(u16 *)(image + 4) >> 11 & 7, 5);
    tag = *(u16 *)(image + 8);
    CHECK_EQ(tag, 0x07ff | 1 << 10 | 0 << 12); /* register 5: zero, 6 and 7: valid */
    memcpy(&out, image + 28, 10);
    CHECK_F80(0, 0);
    memcpy(&out, image + 38, 10);
    CHECK_F80(0x4000, 0xc90fdaa22168c235ull);
    /* FNSAVE resets the unit; FRSTOR brings everything back. */
    __asm__ volatile("fnstsw %0" : "=m"(sw));
    CHECK_EQ(sw, 0);
    __asm__ volatile("frstor %2; fstp %%st(0); fnstsw %1; fstpt %0"
                     : "=m"(out), "=m"(sw)
                     : "m"(image));
    CHECK_F80(0x4000, 0xc90fdaa22168c235ull);
    CHECK_EQ(sw >> 11 & 7, 6);
}

static void decimal(void)
{
    static u8 bcd[10];
    s32 v = -1234567, back;

    __asm__ volatile("fninit; fildl %1; fbstp %0" : "=m"(bcd) : "m"(v));
    CHECK_EQ(*(u32 *)bcd, 0x01234567);
    CHECK_EQ(bcd[9], 0x80);
    __asm__ volatile("fbld %1; fistpl %0" : "=m"(back) : "m"(bcd));
    CHECK_EQ(back, v);
}

static void unmasked_divide(void)
{
    u16 control = 0x37b;

    __asm__ volatile("fninit; fldcw %0; fldz; fld1; fdiv %%st(1), %%st; fwait" : : "m"(control));
}

static void use_fpu(void)
{
    __asm__ volatile("fld1");
}

static void do_wait(void)
{
    __asm__ volatile("fwait");
}

static void traps(void)
{
    /* With CR0.NE an unmasked exception is #MF at the next waiting instruction. */
    write_cr0((read_cr0() | 0x20) & ~0xcu);
    CHECK_EQ(trap_run(unmasked_divide), VEC_MF);
    __asm__ volatile("fnstsw %0; fnclex" : "=m"(sw));
    CHECK_EQ(sw & (ES | ZE), ES | ZE);
    /* EM: no unit here. TS: somebody else's registers. */
    write_cr0(read_cr0() | 4);
    CHECK_EQ(trap_run(use_fpu), VEC_NM);
    CHECK_EQ(trap_run(do_wait), TRAP_NONE);
    write_cr0((read_cr0() & ~4u) | 8);
    CHECK_EQ(trap_run(use_fpu), VEC_NM);
    write_cr0(read_cr0() | 2);
    CHECK_EQ(trap_run(do_wait), VEC_NM);
    __asm__ volatile("clts");
    CHECK_EQ(trap_run(use_fpu), TRAP_NONE);
    write_cr0(read_cr0() & ~2u);
}

static void transcendental(void)
{
    /* Known to the last bit because they are exact. */
    FPU(0x37f, "fldz; f2xm1");
    CHECK_F80(0, 0);
    FPU(0x37f, "fld1; f2xm1");
    CHECK_F80(0x3fff, 0x8000000000000000ull);
    FPU(0x37f, "fld1; push $8; fildl (%%esp); add $4, %%esp; fyl2x");
    CHECK_F80(0x4000, 0xc000000000000000ull);
    FPU(0x37f, "fldz; fcos");
    CHECK_F80(0x3fff, 0x8000000000000000ull);
    /* atan(1) is a quarter of pi. */
    FPU(0x37f, "fld1; fld1; fpatan");
    CHECK_F80(0x3ffe, 0xc90fdaa22168c235ull);
    FPU(0x37f, "push $63; fildl (%%esp); fld1; fscale; fstp %%st(1); add $4, %%esp; fsin");
    CHECK_EQ(sw & C2, C2); /* out of range: unchanged */
    CHECK_F80(0x403e, 0x8000000000000000ull);
}

void run_test(void)
{
    write_cr0(read_cr0() & ~0xcu);
    constants();
    rounding();
    to_integers();
    masked_exceptions();
    comparisons();
    partial_remainder();
    state_in_memory();
    decimal();
    traps();
    transcendental();
}
