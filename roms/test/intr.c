/* Interrupts and exceptions: gates, rings, flags, error codes, priorities, and the shadows after
 * STI and MOV SS. */
#include "roms/test/lib/test.h"

enum { IF = 0x200, TF = 0x100, NT = 0x4000, SEL_A = SEL_FREE, SEL_CONF = SEL_FREE + 8 };

static void do_int3(void)
{
    __asm__ volatile("int3");
}

static void do_into(void)
{
    __asm__ volatile("mov $0x7fffffff, %%eax; add $1, %%eax; into" : : : "eax", "cc");
}

static void do_bound(void)
{
    static const s32 bounds[2] = {10, 20};

    __asm__ volatile("bound %0, %1" : : "r"(21), "m"(bounds[0]));
}

static void do_bound_ok(void)
{
    static const s32 bounds[2] = {10, 20};

    __asm__ volatile("bound %0, %1" : : "r"(20), "m"(bounds[0]));
}

static void do_ud2(void)
{
    __asm__ volatile("ud2");
}

static void lock_on_register(void)
{
    __asm__ volatile(".byte 0xf0, 0x01, 0xc0"); /* lock add %eax, %eax */
}

static void lock_on_mov(void)
{
    __asm__ volatile(".byte 0xf0, 0x89, 0x04, 0x24"); /* lock mov %eax, (%esp) */
}

static void sixteen_bytes(void)
{
    /* Fifteen bytes are the most; the rest of a longer one is not even looked at. */
    __asm__ volatile(
        ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90");
}

static void do_cli(void)
{
    __asm__ volatile("cli");
}

static void do_hlt(void)
{
    __asm__ volatile("hlt");
}

static void do_in(void)
{
    inb(0x80);
}

static void do_int_dpl0(void)
{
    __asm__ volatile("int $0x81");
}

static void do_int_user(void)
{
    __asm__ volatile("int %0" : : "i"(VEC_USER));
}

static void do_int_beyond(void)
{
    __asm__ volatile("int $0xf0");
}

static void faults(void)
{
    CHECK_EQ(trap_run(do_int3), VEC_BP);
    CHECK_EQ(*(u8 *)(last.f.eip - 1), 0xcc); /* a trap: behind the instruction */
    CHECK_EQ(trap_run(do_into), VEC_OF);
    CHECK_EQ(*(u8 *)(last.f.eip - 1), 0xce);
    CHECK_EQ(trap_run(do_bound), VEC_BR);
    CHECK_EQ(*(u8 *)last.f.eip, 0x62); /* a fault: at the instruction */
    CHECK_EQ(trap_run(do_bound_ok), TRAP_NONE);
    CHECK_EQ(trap_run(do_ud2), VEC_UD);
    CHECK_EQ(trap_run(lock_on_register), VEC_UD);
    CHECK_EQ(trap_run(lock_on_mov), VEC_UD);
    CHECK_EQ(trap_run(sixteen_bytes), VEC_GP);
    CHECK_EQ(last.f.error, 0);
    /* A vector beyond the table: the error code names it, with the IDT bit. */
    CHECK_EQ(trap_run(do_int_beyond), VEC_GP);
    CHECK_EQ(last.f.error, 0xf0 * 8 + 2);
}

static void rings(void)
{
    CHECK_EQ(user_run(do_int_user), VEC_USER);
    CHECK_EQ(last.f.cs, SEL_CODE3);
    CHECK_EQ(last.f.user_ss, SEL_DATA3);
    CHECK_EQ(user_run(do_int_dpl0), VEC_GP);
    CHECK_EQ(last.f.error, 0x81 * 8 + 2);
    CHECK_EQ(trap_run(do_int_dpl0), 0x81);
    /* Exceptions ignore the gate's level. */
    CHECK_EQ(user_run(do_ud2), VEC_UD);
    CHECK_EQ(user_run(do_cli), VEC_GP);
    CHECK_EQ(user_run(do_hlt), VEC_GP);
    CHECK_EQ(user_run(do_in), VEC_GP);
    CHECK_EQ(user_run(do_int3), VEC_GP);
    CHECK_EQ(last.f.error, VEC_BP * 8 + 2);
    set_gate(VEC_BP, ACC_INT_GATE | ACC_DPL3);
    CHECK_EQ(user_run(do_int3), VEC_BP);
    /* The I/O bitmap opens single ports. */
    main_tss.bitmap[0x80 / 8] &= 0xfe;
    CHECK_EQ(trap_run(do_in), TRAP_NONE);
    main_tss.bitmap[0x80 / 8] |= 1;
    /* A gate that is not there. */
    set_gate(VEC_BP, (ACC_INT_GATE | ACC_DPL3) & 0x7f);
    CHECK_EQ(user_run(do_int3), VEC_NP);
    CHECK_EQ(last.f.error, VEC_BP * 8 + 2);
    set_gate(VEC_BP, ACC_INT_GATE);
}

static void in_then_leave(void)
{
    inb(0x80);
    __asm__ volatile("int %0" : : "i"(VEC_USER));
}

static void in_wide_then_leave(void)
{
    inw(0x7f);
    __asm__ volatile("int %0" : : "i"(VEC_USER));
}

static void io_bitmap(void)
{
    main_tss.bitmap[0x80 / 8] &= 0xfe;
    CHECK_EQ(user_run(in_then_leave), VEC_USER);
    /* A wider access needs every port it touches. */
    CHECK_EQ(user_run(in_wide_then_leave), VEC_GP);
    main_tss.bitmap[0x7f / 8] &= 0x7f;
    CHECK_EQ(user_run(in_wide_then_leave), VEC_USER);
    main_tss.bitmap[0x7f / 8] |= 0x80;
    main_tss.bitmap[0x80 / 8] |= 1;
}

static u32 flags_inside;

static void note_flags(struct frame *f)
{
    (void)f;
    flags_inside = read_eflags();
}

static void gate_flags(void)
{
    trap_hook(VEC_BP, note_flags);
    cpu_sti();
    do_int3();
    CHECK_EQ(flags_inside & (IF | TF | NT), 0);
    CHECK_EQ(read_eflags() & IF, IF);
    set_gate(VEC_BP, ACC_TRAP_GATE);
    do_int3();
    CHECK_EQ(flags_inside & IF, IF);
    set_gate(VEC_BP, ACC_INT_GATE);
    cpu_cli();
    trap_hook(VEC_BP, NULL);
}

/* Only ring 0 changes IOPL, and IF changes with enough privilege only; POPF ignores the rest
 * silently. */
static void user_popf(void)
{
    u32 f;

    __asm__ volatile("push $0x3202; popf; pushf; pop %0" : "=r"(f) : : "cc");
    __asm__ volatile("int %0" : : "i"(VEC_USER), "a"(f));
}

static void privileged_flags(void)
{
    CHECK_EQ(user_run(user_popf), VEC_USER);
    CHECK_EQ(last.f.eax & 0x3200, 0);
}

/* The timer is pending while interrupts are off. Where does it strike? */
static u32 strike;

static void on_irq(struct frame *f)
{
    strike = f->eip;
    outb(0x21, 0xff);
    outb(0x20, 0x20);
}

static void pend_timer(void)
{
    outb(0x21, 0xff);
    /* One shot that is over quickly. */
    outb(0x43, 0x30);
    outb(0x40, 0x20);
    outb(0x40, 0x00);
    outb(0x20, 0x0a);
    for (u32 i = 0; i < 10000000 && (inb(0x20) & 1) == 0; i++)
        continue;
    CHECK_EQ(inb(0x20) & 1, 1);
    outb(0x21, 0xfe);
}

static void shadows(void)
{
    u32 after_sti, after_next;

    trap_hook(VEC_IRQ0, on_irq);
    pend_timer();
    strike = 0;
    __asm__ volatile("sti\n"
                     "1: nop\n"
                     "2: nop\n\t"
                     "cli\n\t"
                     "mov $1b, %0\n\t"
                     "mov $2b, %1"
                     : "=r"(after_sti), "=r"(after_next)
                     :
                     : "memory");
    (void)after_sti;
    CHECK_EQ(strike, after_next);
    /* STI, CLI: nothing gets in. */
    pend_timer();
    strike = 0;
    __asm__ volatile("sti; cli; nop; nop" : : : "memory");
    CHECK_EQ(strike, 0);
    /* MOV SS holds interrupts off for one instruction, so that the stack pointer can follow. */
    __asm__ volatile("mov %%ss, %%eax\n\t"
                     "sti\n\t"
                     "mov %%eax, %%ss\n"
                     "1: nop\n"
                     "2: nop\n\t"
                     "cli\n\t"
                     "mov $2b, %0"
                     : "=r"(after_next)
                     :
                     : "eax", "memory");
    CHECK_EQ(strike, after_next);
    /* HLT wakes up, and the return address is behind it. */
    pend_timer();
    __asm__ volatile("sti\n\t"
                     "hlt\n"
                     "1: cli\n\t"
                     "mov $1b, %0"
                     : "=r"(after_next)
                     :
                     : "memory");
    CHECK_EQ(strike, after_next);
    trap_hook(VEC_IRQ0, NULL);
}

/* Conforming code runs at the caller's level. */
static void call_conforming(void)
{
    u32 cs;

    __asm__ volatile("lcall %1, $1f\n\t"
                     "jmp 2f\n"
                     "1: mov %%cs, %0\n\t"
                     "lret\n"
                     "2:"
                     : "=r"(cs)
                     : "i"(SEL_CONF | 3)
                     : "memory");
    __asm__ volatile("int %0" : : "i"(VEC_USER), "a"(cs));
}

static void conforming(void)
{
    set_gdt(SEL_CONF, make_segment(0, 0xfffff, ACC_CODE_CONFORMING, SEG_32 | SEG_PAGES));
    CHECK_EQ(user_run(call_conforming), VEC_USER);
    CHECK_EQ(last.f.eax & 0xffff, SEL_CONF | 3);
}

/* The handler's gate names a bad segment: the second fault takes over, with its selector. */
static void bad_handler(void)
{
    u64 saved = idt[VEC_UD];

    set_gdt(SEL_A, 0);
    idt[VEC_UD] = make_gate(SEL_A, 0, ACC_INT_GATE, 0);
    CHECK_EQ(trap_run(do_ud2), VEC_GP);
    CHECK_EQ(last.f.error & ~1u, SEL_A);
    CHECK_EQ(*(u16 *)last.f.eip, 0x0b0f);
    idt[VEC_UD] = saved;
}

static u64 saved_gp;

/* #GP while #GP is being delivered: a double fault, with an error code of zero. */
static void double_fault(void)
{
    saved_gp = idt[VEC_GP];
    idt[VEC_GP] = make_gate(SEL_A, 0, ACC_INT_GATE, 0);
    CHECK_EQ(trap_run(do_int_beyond), VEC_DF);
    CHECK_EQ(last.f.error, 0);
    idt[VEC_GP] = saved_gp;
}

static void iret_to_null(void)
{
    __asm__ volatile("pushf; push $0; push $0; iret");
}

static void iret_to_data(void)
{
    __asm__ volatile("pushf; push %0; push $0; iret" : : "i"(SEL_DATA));
}

static void bad_iret(void)
{
    CHECK_EQ(trap_run(iret_to_null), VEC_GP);
    CHECK_EQ(last.f.error, 0);
    CHECK_EQ(*(u8 *)last.f.eip, 0xcf);
    CHECK_EQ(trap_run(iret_to_data), VEC_GP);
    CHECK_EQ(last.f.error, SEL_DATA);
}

/* A return to ring 3 clears data segments that ring 3 must not have. */
static void look_at_segments(void)
{
    u32 v;

    __asm__ volatile("mov %%gs, %0" : "=r"(v));
    __asm__ volatile("int %0" : : "i"(VEC_USER), "a"(v));
}

static void enter_with_gs(void)
{
    __asm__ volatile("mov %0, %%gs\n\t"
                     "push %1\n\t"
                     "push $0x9f000\n\t"
                     "pushf\n\t"
                     "push %2\n\t"
                     "push %3\n\t"
                     "iret"
                     :
                     : "r"(SEL_DATA), "i"(SEL_DATA3), "i"(SEL_CODE3), "r"(look_at_segments));
}

static void segments_cleared(void)
{
    CHECK_EQ(trap_run(enter_with_gs), VEC_USER);
    CHECK_EQ(last.f.eax & 0xffff, 0);
}

static void unaligned_user(void)
{
    __asm__ volatile("pushf; orl $0x40000, (%%esp); popf; mov 0x1001, %%eax; int %0"
                     :
                     : "i"(VEC_USER)
                     : "eax");
}

/* Alignment checks: ring 3 only, with both AM and AC. */
static void alignment(void)
{
    CHECK_EQ(user_run(unaligned_user), VEC_USER);
    write_cr0(read_cr0() | 0x40000);
    CHECK_EQ(user_run(unaligned_user), VEC_AC);
    CHECK_EQ(last.f.error, 0);
    write_cr0(read_cr0() & ~0x40000u);
}

void run_test(void)
{
    faults();
    rings();
    io_bitmap();
    gate_flags();
    privileged_flags();
    shadows();
    conforming();
    bad_handler();
    double_fault();
    bad_iret();
    segments_cleared();
    alignment();
}
