/* FPUTEST.COM: the x87 in real mode: state images of the 16-bit format, and errors that arrive as
 * IRQ 13 because CR0.NE is 0, as on every PC since the AT (FERR# through port 0xF0). */
#include "roms/dos/lib/check.h"
#include "roms/dos/lib/trap.h"
#include "roms/lib/io.h"

static const char *arithmetic(void)
{
    s32 v;
    u16 sw;
    u8 bcd[10];

    __asm__ volatile("fninit; fldpi; fldl2e; fmulp; fmuls %1; fistpl %0"
                     : "=m"(v)
                     : "m"((float){1000000.0f}));
    CHECK_EQ(v, 4532360, "pi * log2(e) * 10^6");
    __asm__ volatile("fninit; fld1; fld1; faddp; fsqrt; fld %%st(0); fmulp; fld1; fld1; faddp; "
                     "fucompp; fnstsw %0"
                     : "=a"(sw));
    CHECK((sw & 0x4500) != 0x4000, "the square of the root of 2 is not 2");
    v = -12345678;
    __asm__ volatile("fninit; fildl %1; fbstp %0" : "=m"(bcd) : "m"(v));
    CHECK_EQ(*(u32 *)bcd, 0x12345678, "FBSTP digits");
    CHECK_EQ(bcd[9], 0x80, "FBSTP sign");
    return NULL;
}

/* FNSTENV in 16-bit code and real mode: 14 bytes, the instruction's address as 20 bits. */
static const char *environment(void)
{
    u16 env[7], want_ip;
    static u32 operand = 0x3f800000;
    u32 ip, at;

    __asm__ volatile("fninit; fld1; movw $1f, %1; 1: fadds %2; fnstenv %0"
                     : "=m"(env), "=&r"(want_ip)
                     : "m"(operand));
    CHECK_EQ(env[0], 0x37f, "control word");
    CHECK_EQ(env[2], 0x3fff, "tags: register 7 has a number");
    ip = env[3] | (u32)(env[4] & 0xf000) << 4;
    at = env[5] | (u32)(env[6] & 0xf000) << 4;
    CHECK_EQ(ip, own_seg() * 16u + want_ip, "linear address of the instruction");
    CHECK_EQ(at, own_seg() * 16u + (u32)&operand, "linear address of the operand");
    /* Newer processors note the opcode only when there is an unmasked error (SDM volume 1, 8.1.9).
     */
    CHECK((env[4] & 0x7ff) == 0x006 || (env[4] & 0x7ff) == 0, "opcode");
    __asm__ volatile("fninit");
    return NULL;
}

static volatile u16 fpu_errors, fpu_status;
void irq13(void);
/* What a BIOS does: clear the latch at port 0xF0, look, end of interrupt at both controllers. */
__asm__("irq13:\n\t"
        "pushw %ax\n\t"
        "xorb %al, %al\n\t"
        "outb %al, $0xf0\n\t"
        "fnstsw %ax\n\t"
        "movw %ax, %cs:fpu_status\n\t"
        "fnclex\n\t"
        "incw %cs:fpu_errors\n\t"
        "movb $0x20, %al\n\t"
        "outb %al, $0xa0\n\t"
        "outb %al, $0x20\n\t"
        "popw %ax\n\t"
        "iretw\n");

static const char *error_interrupt(void)
{
    u32 old = get_vector(0x75), i;
    u8 mask2 = inb(0xa1), mask1 = inb(0x21);
    u16 cw = 0x37b; /* division by zero unmasked */
    u32 cr0;

    if (cpu_mode() == MODE_REAL) {
        __asm__ volatile("movl %%cr0, %0; movl %0, %%ecx; andl $~0x20, %%ecx; movl %%ecx, %%cr0"
                         : "=&r"(cr0)
                         :
                         : "ecx");
    }
    fpu_errors = 0;
    set_vector(0x75, far_code(irq13));
    outb(0xa1, mask2 & 0xdf);
    outb(0x21, mask1 & 0xfb);
    __asm__ volatile("fninit; fldcw %0; fld1; fldz" : : "m"(cw));
    CHECK_EQ(fpu_errors, 0, "an error too early");
    __asm__ volatile("fdivrp\n\tfnop\n\tfwait");
    for (i = 0; i < 1000 && fpu_errors == 0; i++)
        outb(0x80, 0);
    __asm__ volatile("fninit");
    outb(0xa1, mask2);
    outb(0x21, mask1);
    set_vector(0x75, old);
    CHECK_EQ(fpu_errors, 1, "number of IRQ 13");
    CHECK_EQ(fpu_status & 0x84, 0x84, "status word: division by zero, summary");
    /* Masked again: no interrupt. */
    __asm__ volatile("fninit; fld1; fldz; fdivrp; fwait; fninit");
    CHECK_EQ(fpu_errors, 1, "masked error");
    return NULL;
}

int main(void);

int main(void)
{
    static const struct test tests[] = {
        {"fpu-arithmetic", arithmetic},
        {"fpu-environment", environment},
        {"fpu-irq13", error_interrupt},
    };

    dos_shrink();
    return run_tests(tests, ARRAY_LEN(tests));
}
