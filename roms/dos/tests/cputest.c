/* CPUTEST.COM: corners of the processor that real-mode programs meet: faults and what address they
 * push, single step, segment ends, decimal arithmetic, code that changes. */
#include "roms/dos/lib/check.h"
#include "roms/dos/lib/trap.h"
#include "roms/lib/mem.h"

/* A fault pushes the address of the instruction, prefixes included; a trap that of the next. */
static const char *divide(void)
{
    u32 old = trap_install(0);

    FAULT("xorw %%cx, %%cx; movw $1, %%ax; cwd", "divw %%cx");
    CHECK_EQ(trap_count, 1, "DIV by zero");
    CHECK_EQ(trap_ip, trap_want, "DIV by zero: address");
    CHECK_EQ(trap_cs, own_seg(), "DIV by zero: segment");
    FAULT("movw $0, trap_trace; movw $1, %%ax", "divb %%es:trap_trace");
    CHECK_EQ(trap_ip, trap_want, "DIV with a prefix: address");
    FAULT("movw $0x8000, %%ax; movw $0xffff, %%dx; movb $-1, %%cl", "idivb %%cl");
    CHECK_EQ(trap_count, 1, "IDIV overflow");
    FAULT("movw $0x100, %%ax; movb $1, %%cl", "divb %%cl");
    CHECK_EQ(trap_count, 1, "DIV overflow");
    FAULT("movw $0xff, %%ax; movb $1, %%cl", "divb %%cl");
    CHECK_EQ(trap_count, 0, "DIV that just fits");
    FAULT("movw $0x1234, %%ax", ".byte 0xd4, 0x00");
    CHECK_EQ(trap_ip, trap_want, "AAM 0");
    CHECK_EQ(trap_count, 1, "AAM 0");
    set_vector(0, old);
    return NULL;
}

static const char *overflow_bound_invalid(void)
{
    static const s16 bounds[2] = {-5, 10};
    u32 old4 = trap_install(4), old5 = trap_install(5), old6 = trap_install(6);

    FAULT("xorb %%al, %%al", "into");
    CHECK_EQ(trap_count, 0, "INTO without overflow");
    FAULT("movb $0x7f, %%al; incb %%al", "into");
    CHECK_EQ(trap_count, 1, "INTO with overflow");
    CHECK_EQ(trap_ip, trap_want + 1, "INTO: address of the next instruction");
    trap_count = 0;
    __asm__ volatile(
        "movw $2f, trap_resume; movw $1f, trap_want; movw $11, %%ax; 1: bound %%ax, (%0); 2:"
        :
        : "r"(bounds)
        : "eax", "memory");
    CHECK_EQ(trap_count, 1, "BOUND outside");
    CHECK_EQ(trap_ip, trap_want, "BOUND: address of itself");
    trap_count = 0;
    __asm__ volatile("movw $-5, %%ax; bound %%ax, (%0); movw $10, %%ax; bound %%ax, (%0)"
                     :
                     : "r"(bounds)
                     : "eax", "memory");
    CHECK_EQ(trap_count, 0, "BOUND inside");
    FAULT("", "ud2");
    CHECK_EQ(trap_count, 1, "UD2");
    CHECK_EQ(trap_ip, trap_want, "UD2: address");
    FAULT("", ".byte 0xf0, 0x90"); /* LOCK NOP */
    CHECK_EQ(trap_count, 1, "LOCK without a reason");
    CHECK_EQ(trap_ip, trap_want, "LOCK: address of the prefix");
    set_vector(4, old4);
    set_vector(5, old5);
    set_vector(6, old6);
    return NULL;
}

/* With TF set there is one trap after each instruction, except after loading SS. */
static const char *single_step(void)
{
    u32 old = trap_install(1);
    u16 a[7];
    u32 i;

    trap_count = 0;
    trap_resume = 0;
    __asm__ volatile("movw $11f, 0(%0); movw $12f, 2(%0); movw $13f, 4(%0); movw $14f, 6(%0)\n\t"
                     "movw $15f, 8(%0); movw $16f, 10(%0); movw $17f, 12(%0)\n\t"
                     "pushfw; pushfw; popw %%ax; orw $0x100, %%ax; pushw %%ax\n\t"
                     "popfw\n\t" /* TF from the next instruction on */
                     "nop\n"
                     "11:\tpushw %%ss\n"
                     "12:\tpopw %%ss\n" /* no trap here */
                     "\tnop\n"
                     "13:\tmovw %%ss, %%ax\n"
                     "14:\tmovw %%ax, %%ss\n" /* nor here */
                     "\tnop\n"
                     "15:\tint $0x60\n" /* steps do not go into interrupt handlers */
                     "16:\tpopfw\n"     /* clears TF, and is itself traced */
                     "17:\tnop\n\t"
                     "nop\n"
                     :
                     : "r"(a)
                     : "eax", "memory", "cc");
    set_vector(1, old);
    /* The handler of INT 60h is one IRET, so the step after `int` is the instruction behind. */
    CHECK_EQ(trap_trace[0], a[0], "after NOP");
    CHECK_EQ(trap_trace[1], a[1], "after PUSH SS");
    CHECK_EQ(trap_trace[2], a[2], "after POP SS and one more");
    CHECK_EQ(trap_trace[3], a[3], "after MOV from SS");
    CHECK_EQ(trap_trace[4], a[4], "after MOV to SS and one more");
    i = 5;
    if (trap_trace[i] == a[5])
        return "a step right behind INT, whose IRET brought TF back";
    CHECK_EQ(trap_trace[i], a[6], "after POPF");
    CHECK_EQ(trap_count, i + 1, "number of steps");
    CHECK((trap_flags & FLAG_TF) == 0, "the last step's flags are those that POPF loaded");
    return NULL;
}

void iret_only(void);
__asm__("iret_only:\n\tiretw\n");

static const char *flags_of_int(void)
{
    u32 old = trap_install(0x61);
    u16 inside;

    FAULT("sti", "int $0x61");
    CHECK_EQ(trap_ip, trap_want + 2, "return address");
    CHECK((trap_flags & FLAG_IF) != 0, "IF in the saved flags");
    __asm__ volatile("jmp 2f\n1:\tpushfw; popw %%cs:trap_want; iretw\n2:\tmovw $1b, %%ax"
                     : "=a"(inside));
    set_vector(0x61, (u32)own_seg() << 16 | inside);
    __asm__ volatile("sti; int $0x61" : : : "memory");
    CHECK((trap_want & (FLAG_IF | FLAG_TF)) == 0, "IF inside the handler");
    __asm__ volatile("cli; int $0x61; pushfw; sti; popw %0" : "=r"(inside));
    CHECK((inside & FLAG_IF) == 0, "IF after a handler called with IF clear");
    set_vector(0x61, old);
    return NULL;
}

/* Offsets wrap at 64 KiB when they are computed, but an access must not lie across the end. */
static const char *segment_wrap(void)
{
    u16 seg = dos_alloc(0x1001, NULL), v, si;

    CHECK(seg != 0, "memory");
    poke8(seg, 0, 0x11);
    poke8(seg, 0xffff, 0x99);
    poke16(seg, 0x10, 0xbeef);
    __asm__ volatile("pushw %%es; movw %1, %%es; movw $0xfff0, %%bx; movw $0x20, %%si; movw "
                     "%%es:(%%bx,%%si), %0; popw %%es"
                     : "=a"(v)
                     : "d"(seg)
                     : "ebx", "esi");
    CHECK_EQ(v, 0xbeef, "BX + SI beyond 0xffff");
    __asm__ volatile("pushw %%ds; movw %2, %%ds; movw $0xffff, %%si; cld; lodsb; movb %%al, %%ah; "
                     "lodsb; popw %%ds"
                     : "=a"(v), "=S"(si)
                     : "d"(seg));
    CHECK_EQ(v, 0x9911, "LODSB over the end");
    CHECK_EQ(si, 1, "SI after it");
    /* A stack that wraps: SP 0, so the first word goes to 0xfffe. */
    __asm__ volatile("cli; movw %%ss, %%dx; movl %%esp, %%ecx; movw %1, %%ss; xorl %%esp, %%esp; "
                     "pushw $0x4711\n\t"
                     "movw %%sp, %0; movw %%dx, %%ss; movl %%ecx, %%esp; sti"
                     : "=b"(v)
                     : "a"(seg)
                     : "ecx", "edx", "memory");
    CHECK_EQ(v, 0xfffe, "SP after PUSH at 0");
    CHECK_EQ(peek16(seg, 0xfffe), 0x4711, "the pushed word");
    dos_free(seg);
    return NULL;
}

/* A word at offset 0xffff: interrupt 13 (the 8086 would have wrapped). */
static const char *segment_limit(void)
{
    u32 old = trap_install(0x0d);

    FAULT("movw $0xffff, %%bx", "movw (%%bx), %%ax");
    CHECK_EQ(trap_count, 1, "word read at 0xffff");
    CHECK_EQ(trap_ip, trap_want, "word read at 0xffff: address");
    FAULT("movl $0x10000, %%ebx", "movb (%%ebx), %%al");
    CHECK_EQ(trap_count, 1, "32-bit address above 64 KiB");
    FAULT("movw $0xffff, %%bx", "movb (%%bx), %%al");
    CHECK_EQ(trap_count, 0, "byte read at 0xffff");
    set_vector(0x0d, old);
    return NULL;
}

static const char *salc(void)
{
    u8 set, clear;
    u16 flags;

    __asm__ volatile("stc; .byte 0xd6; pushfw; popw %1" : "=a"(set), "=r"(flags) : "a"(0));
    __asm__ volatile("clc; .byte 0xd6" : "=a"(clear) : "a"(0xff));
    CHECK_EQ(set, 0xff, "carry set");
    CHECK_EQ(clear, 0, "carry clear");
    CHECK((flags & FLAG_CF) != 0, "flags unchanged");
    return NULL;
}

/* The decimal instructions against the manual's description, for every input. Flags in: CF bit 0,
 * AF bit 4. */
static u32 model(u32 op, u32 ax, u32 flags)
{
    u32 al = ax & 0xff, ah = ax >> 8, cf = flags & 1, af = flags >> 4 & 1, old = al;

    if (op < 2) { /* DAA, DAS */
        u32 low = (al & 15) > 9 || af, high = old > 0x99 || cf;

        if (op == 0)
            al += (low ? 6 : 0) + (high ? 0x60u : 0);
        else
            al -= (low ? 6 : 0) + (high ? 0x60u : 0);
        cf = high;
        if (op == 1 && low && old < 6)
            cf = 1;
        af = low;
    } else if ((al & 15) > 9 || af) { /* AAA, AAS */
        u32 t = op == 2 ? ax + 0x106 : ax - 6;

        if (op == 3)
            t -= 0x100;
        al = t & 0x0f;
        ah = t >> 8;
        cf = af = 1;
    } else {
        al &= 15;
        cf = af = 0;
    }
    return (ah & 0xff) << 8 | (al & 0xff) | cf << 16 | af << 20;
}

static const char *decimal(void)
{
    u32 ax, in, op;

    for (op = 0; op < 4; op++) {
        for (in = 0; in < 4; in++) {
            for (ax = 0x7f00; ax < 0x8000; ax++) {
                u32 flags = (in & 1) | (in & 2) << 3, got = ax;
                u16 f = (u16)(flags | 2);

#define RUN(insn)                                                                                  \
    __asm__ volatile("pushw %1; popfw; " insn "; pushfw; popw %1; sti"                             \
                     : "+a"(got), "+r"(f)                                                          \
                     :                                                                             \
                     : "cc")
                switch (op) {
                case 0: RUN("daa"); break;
                case 1: RUN("das"); break;
                case 2: RUN("aaa"); break;
                default: RUN("aas"); break;
                }
                got = (got & 0xffff) | (f & 1u) << 16 | (f >> 4 & 1u) << 20;
                CHECK_EQ(got, model(op, ax, flags),
                         op == 0   ? "DAA"
                         : op == 1 ? "DAS"
                         : op == 2 ? "AAA"
                                   : "AAS");
            }
        }
    }
    __asm__ volatile("movw $0x0509, %%ax; aad" : "=a"(ax));
    CHECK_EQ(ax & 0xffff, 59, "AAD");
    __asm__ volatile("movb $59, %%al; .byte 0xd4, 16" : "=a"(ax));
    CHECK_EQ(ax & 0xffff, 0x030b, "AAM 16");
    return NULL;
}

/* Pentium and later see a change of the very next instruction; so did nearly all programs' authors
 * wish. */
static const char *changing_code(void)
{
    u16 v;
    u32 i;

    __asm__ volatile("movb $0x42, 1f + 1\n1:\tmovb $0, %%al" : "=a"(v) : : "memory");
    CHECK_EQ(v & 0xff, 0x42, "next instruction's immediate");
    for (i = 1; i < 200; i++) {
        __asm__ volatile("movb %b1, 1f + 1\n\tjmp 1f\n1:\tmovb $0, %%al"
                         : "=a"(v)
                         : "q"(i)
                         : "memory");
        CHECK_EQ(v & 0xff, i, "immediate in a loop");
    }
    /* A string store that runs over the instructions behind it: INC becomes NOP. */
    __asm__ volatile(
        "movw %%ds, %%ax; pushw %%es; movw %%ax, %%es; movw $1f, %%di; movb $0x90, %%al\n\t"
        "movw $4, %%cx; xorw %%bx, %%bx; cld; rep stosb\n"
        "1:\tincw %%bx; incw %%bx; incw %%bx; incw %%bx; incw %%bx; popw %%es"
        : "=b"(v)
        :
        : "eax", "ecx", "edi", "memory");
    CHECK_EQ(v, 1, "REP STOSB over the code behind it");
    /* A call whose target is written just before. */
    {
        static u8 code[16];

        for (i = 0; i < 100; i++) {
            code[0] = 0xb8; /* mov $i, %ax; retw */
            code[1] = (u8)i;
            code[2] = 0x33;
            code[3] = 0xc3;
            __asm__ volatile("callw *%w1" : "=a"(v) : "r"(code) : "memory");
            CHECK_EQ(v, 0x3300 + i, "function written before each call");
        }
    }
    return NULL;
}

static const char *counts(void)
{
    u32 n = 0, e;
    u16 sp, pushed;

    __asm__ volatile("xorw %%cx, %%cx\n1:\tincl %0\n\tloop 1b" : "+r"(n) : : "ecx");
    CHECK_EQ(n, 65536, "LOOP from CX 0");
    n = 0;
    __asm__ volatile("movl $0x10003, %%ecx\n1:\tincl %0\n\t.byte 0x67; loop 1b"
                     : "+r"(n)
                     :
                     : "ecx");
    CHECK_EQ(n, 0x10003, "LOOP with ECX");
    __asm__ volatile("movl $0x10000, %%ecx; xorl %0, %0; jcxz 1f; incl %0\n1:"
                     : "=&r"(n)
                     :
                     : "ecx");
    CHECK_EQ(n, 0, "JCXZ looks at 16 bits");
    __asm__ volatile("movw %%sp, %0; pushw %%sp; popw %1" : "=&r"(sp), "=r"(pushed));
    CHECK_EQ(pushed, sp, "PUSH SP pushes the value before");
    __asm__ volatile("movl $1, %0; movb $33, %%cl; shll %%cl, %0" : "=&r"(e) : : "ecx");
    CHECK_EQ(e, 2, "shift counts are masked to 5 bits");
    return NULL;
}

/* The upper half of registers is there in 16-bit code, too, and survives interrupts. */
static const char *wide_registers(void)
{
    u32 a = 0x12345678, b, before = bios_ticks();

    __asm__ volatile("xorw %%ax, %%ax; movw %%ax, %%fs; movl %1, %%ebx; 1: movl %%fs:0x46c, %%eax; "
                     "cmpl %%eax, %%edx; je 1b; movl %%ebx, %0"
                     : "=r"(b)
                     : "r"(a), "d"(before)
                     : "eax", "ebx");
    CHECK_EQ(b, a, "EBX across a timer interrupt");
    return NULL;
}

int main(void);

int main(void)
{
    static const struct test tests[] = {
        {"cpu-divide", divide},
        {"cpu-into-bound-ud", overflow_bound_invalid},
        {"cpu-single-step", single_step},
        {"cpu-int-flags", flags_of_int},
        {"cpu-segment-wrap", segment_wrap},
        {"cpu-segment-limit", segment_limit},
        {"cpu-salc", salc},
        {"cpu-decimal", decimal},
        {"cpu-changing-code", changing_code},
        {"cpu-counts", counts},
        {"cpu-wide-registers", wide_registers},
    };
    u32 old = get_vector(0x60);
    int failures;

    dos_shrink();
    set_vector(0x60, far_code(iret_only));
    failures = run_tests(tests, ARRAY_LEN(tests));
    set_vector(0x60, old);
    return failures;
}
