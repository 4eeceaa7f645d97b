/* Virtual 8086 mode: entry and exit, sensitive instructions, interrupts, ports, segment arithmetic
 * and limits. */
#include "roms/test/lib/test.h"

enum {
    VM = 0x20000,
    IF = 0x200,
    IOPL3 = 0x3000,
    CODE = 0x6000,
    DATA = 0x7800,
    STACK_SEG = 0x0500,
    STACK_TOP = 0x0f00
};

/* Run the 16-bit code at CODE (segment 0x0600) in V86 mode with EFLAGS `flags` until it traps. */
static u32 entry_flags;

static void enter_v86(void)
{
    __asm__ volatile("push $0x0780\n\t" /* gs */
                     "push $0x0780\n\t" /* fs */
                     "push $0x0780\n\t" /* ds */
                     "push $0x0780\n\t" /* es */
                     "push %0\n\t"
                     "push %1\n\t"
                     "push %2\n\t"
                     "push $0x0600\n\t"
                     "push $0\n\t"
                     "iret"
                     :
                     : "i"(STACK_SEG), "i"(STACK_TOP), "r"(entry_flags));
}

static u32 v86_run(const void *code, u32 size, u32 flags)
{
    memcpy((void *)CODE, code, size);
    entry_flags = flags | VM | 2;
    return trap_run(enter_v86);
}

#define V86(flags, ...)                                                                            \
    ({                                                                                             \
        static const u8 code[] = {__VA_ARGS__};                                                    \
        v86_run(code, sizeof(code), flags);                                                        \
    })

static void entry_exit(void)
{
    /* mov $0x1234, %ax; mov %ax, (2); int3 */
    CHECK_EQ(V86(IOPL3, 0xb8, 0x34, 0x12, 0xa3, 0x02, 0x00, 0xcc), VEC_BP);
    CHECK_EQ(last.f.eax & 0xffff, 0x1234);
    CHECK_EQ(*(u16 *)(DATA + 2), 0x1234);
    CHECK_EQ(last.f.cs & 0xffff, 0x0600);
    CHECK_EQ(last.f.eip, 7);
    CHECK_EQ(last.f.eflags & VM, VM);
    CHECK_EQ(last.f.user_ss & 0xffff, STACK_SEG);
    CHECK_EQ(last.f.user_esp & 0xffff, STACK_TOP);
    CHECK_EQ(last.f.v86_ds & 0xffff, 0x0780);
    CHECK_EQ(last.f.v86_gs & 0xffff, 0x0780);
    /* The handler itself has null data segments. */
    CHECK_EQ(last.f.ds & 0xffff, 0);
    CHECK_EQ(last.f.fs & 0xffff, 0);
}

/* With IOPL below 3 these trap, so that a monitor can do them. */
static void sensitive(void)
{
    CHECK_EQ(V86(0, 0xfa), VEC_GP); /* cli */
    CHECK_EQ(last.f.error, 0);
    CHECK_EQ(V86(0, 0xfb), VEC_GP);       /* sti */
    CHECK_EQ(V86(0, 0x9c), VEC_GP);       /* pushf */
    CHECK_EQ(V86(0, 0x9d), VEC_GP);       /* popf */
    CHECK_EQ(V86(0, 0xcd, 0x21), VEC_GP); /* int $0x21 */
    CHECK_EQ(last.f.eip, 0);
    CHECK_EQ(V86(0, 0xcf), VEC_GP); /* iret */
    CHECK_EQ(V86(0, 0xcc), VEC_BP); /* int3 does not ask */
    /* These need ring 0, whatever IOPL says. */
    CHECK_EQ(V86(IOPL3, 0xf4), VEC_GP);                   /* hlt */
    CHECK_EQ(V86(IOPL3, 0x0f, 0x20, 0xc0), VEC_GP);       /* mov %cr0, %eax */
    CHECK_EQ(V86(IOPL3, 0x0f, 0x01, 0x16, 0, 0), VEC_GP); /* lgdt */
    /* And these do not exist here. */
    CHECK_EQ(V86(IOPL3, 0x0f, 0x00, 0xc8), VEC_UD); /* str */
    CHECK_EQ(V86(IOPL3, 0x0f, 0x02, 0xc0), VEC_UD); /* lar */
    CHECK_EQ(V86(IOPL3, 0x63, 0xc0), VEC_UD);       /* arpl */
}

static void with_iopl(void)
{
    /* pushf; pop %ax; cli; pushf; pop %bx; int3 */
    CHECK_EQ(V86(IOPL3 | IF, 0x9c, 0x58, 0xfa, 0x9c, 0x5b, 0xcc), VEC_BP);
    CHECK_EQ(last.f.eax & (IF | IOPL3), IF | IOPL3);
    CHECK_EQ(last.f.ebx & IF, 0);
    /* int $0x80 through the protected-mode table: its gate is for ring 3. */
    CHECK_EQ(V86(IOPL3, 0xcd, 0x80), VEC_USER);
    CHECK_EQ(last.f.eip, 2);
    /* A gate for ring 0 refuses. */
    CHECK_EQ(V86(IOPL3, 0xcd, 0x81), VEC_GP);
    CHECK_EQ(last.f.error, 0x81 * 8 + 2);
    /* iret within V86 mode: push flags, cs, ip of a place behind it. */
    CHECK_EQ(V86(IOPL3, 0x9c, 0x0e, 0x68, 0x06, 0x00, 0xcf, 0xcc), VEC_BP);
    CHECK_EQ(last.f.eip, 7);
}

static void ports(void)
{
    /* in $0x80, %al: the bitmap decides, IOPL does not. */
    CHECK_EQ(V86(IOPL3, 0xe4, 0x80, 0xcc), VEC_GP);
    main_tss.bitmap[0x80 / 8] &= 0xfe;
    CHECK_EQ(V86(0, 0xe4, 0x80, 0xcc), VEC_BP);
    main_tss.bitmap[0x80 / 8] |= 1;
}

static void segments(void)
{
    /* mov $0xb800, %ax; mov %ax, %ds; mov $0x0780, %ax; mov %ax, %es; mov %es:(4), %bx; int3 */
    *(u16 *)(DATA + 4) = 0xfeed;
    CHECK_EQ(V86(IOPL3, 0xb8, 0x00, 0xb8, 0x8e, 0xd8, 0xb8, 0x80, 0x07, 0x8e, 0xc0, 0x26, 0x8b,
                 0x1e, 0x04, 0x00, 0xcc),
             VEC_BP);
    CHECK_EQ(last.f.ebx & 0xffff, 0xfeed);
    CHECK_EQ(last.f.v86_ds & 0xffff, 0xb800);
    /* A word at offset 0xffff is beyond the 64 KiB limit. mov (0xffff), %ax */
    CHECK_EQ(V86(IOPL3, 0xa1, 0xff, 0xff, 0xcc), VEC_GP);
    CHECK_EQ(last.f.error, 0);
    /* A 32-bit address above 64 KiB: addr32 mov (0x10000), %al */
    CHECK_EQ(V86(IOPL3, 0x67, 0xa0, 0x00, 0x00, 0x01, 0x00, 0xcc), VEC_GP);
    /* Through the stack segment it is #SS: mov $0xffff, %bp; mov (%bp), %ax */
    CHECK_EQ(V86(IOPL3, 0xbd, 0xff, 0xff, 0x8b, 0x46, 0x00), VEC_SS);
    /* Far calls are segment arithmetic: lcall $0x0601, $0x10 -> CODE+0x20, which returns. */
    *(u8 *)(CODE + 0x20) = 0xcb;
    CHECK_EQ(V86(IOPL3, 0x9a, 0x10, 0x00, 0x01, 0x06, 0xcc), VEC_BP);
    CHECK_EQ(last.f.eip, 6);
    CHECK_EQ(last.f.cs & 0xffff, 0x0600);
}

/* V86 mode is ring 3 for paging. */
static void paging(void)
{
    paging_on();
    *pte(DATA) &= ~(u32)PTE_U;
    write_cr3(read_cr3());
    CHECK_EQ(V86(IOPL3, 0xa3, 0x00, 0x00), VEC_PF);
    CHECK_EQ(last.f.error, 7);
    CHECK_EQ(last.cr2, DATA);
    paging_off();
}

/* The monitor's way back: IRET from ring 0 resumes where the trap was. */
static void skip_byte(struct frame *f)
{
    f->eip++;
    f->eax = 0x77;
}

static void resume(void)
{
    trap_hook(VEC_GP, skip_byte);
    /* hlt; mov %ax, %cx; int3 */
    CHECK_EQ(V86(0, 0xf4, 0x89, 0xc1, 0xcc), VEC_BP);
    trap_hook(VEC_GP, NULL);
    CHECK_EQ(last.f.ecx & 0xffff, 0x77);
}

/* Ring 3 cannot set VM by POPF or IRET. */
static void user_sets_vm(void)
{
    u32 f;

    __asm__ volatile("push $0x20202; popf; pushf; pop %0" : "=r"(f) : : "cc");
    __asm__ volatile("int %0" : : "i"(VEC_USER), "a"(f));
}

void run_test(void)
{
    set_gate(VEC_BP, ACC_INT_GATE | ACC_DPL3);
    entry_exit();
    sensitive();
    with_iopl();
    ports();
    segments();
    paging();
    resume();
    CHECK_EQ(user_run(user_sets_vm), VEC_USER);
    CHECK_EQ(last.f.eflags & VM, 0);
}
