/* Hardware task switches: jump, call and return, interrupts through task gates, links, flags and
 * faults (SDM 3, chapter 7). */
#include "roms/test/lib/test.h"

enum {
    SEL_T1 = SEL_FREE,
    SEL_T2 = SEL_FREE + 8,
    SEL_GATE = SEL_FREE + 16,
    SEL_T16 = SEL_FREE + 24,
    STACK1 = 0x96000,
    STACK2 = 0x94000,
    NT = 0x4000,
    CR0_TS = 8,
    BUSY = 2,
};

struct tss16 {
    u16 link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags;
    u16 ax, cx, dx, bx, sp, bp, si, di;
    u16 es, cs, ss, ds, ldt;
};

static struct tss32 t1, t2;
static struct tss16 t16;
static volatile u32 trace, nt_seen, eax_seen, ts_seen;

static u32 descriptor_type(u16 sel)
{
    return (u32)(gdt[sel >> 3] >> 40) & 15;
}

static void make_task(struct tss32 *t, u16 sel, void (*entry)(void), u32 stack)
{
    memset(t, 0, sizeof(*t));
    t->eip = (u32)entry;
    t->eflags = 2;
    t->esp = stack;
    t->cs = SEL_CODE;
    t->ss = t->ds = t->es = t->fs = t->gs = SEL_DATA;
    t->iomap = sizeof(*t);
    set_gdt(sel, make_segment((u32)t, sizeof(*t) - 1, ACC_TSS32, 0));
}

static void jump_task(u16 sel)
{
    struct {
        u32 offset;
        u16 sel;
    } __attribute__((packed)) far = {0xdeadbeef, sel};

    __asm__ volatile("ljmp *%0" : : "m"(far) : "memory", "cc");
}

static void call_task(u16 sel)
{
    struct {
        u32 offset;
        u16 sel;
    } __attribute__((packed)) far = {0xdeadbeef, sel};

    __asm__ volatile("lcall *%0" : : "m"(far) : "memory", "cc");
}

/* Task 1: by JMP; goes back by JMP, for ever. */
static void jumped(void)
{
    for (;;) {
        trace = trace * 16 + 1;
        nt_seen = read_eflags() & NT;
        ts_seen = read_cr0() & CR0_TS;
        jump_task(SEL_TSS);
    }
}

static void by_jump(void)
{
    make_task(&t1, SEL_T1, jumped, STACK1);
    t1.eax = 5;
    __asm__ volatile("clts");
    trace = 0;
    jump_task(SEL_T1);
    CHECK_EQ(trace, 1);
    CHECK_EQ(nt_seen, 0);
    CHECK_EQ(ts_seen, CR0_TS);
    CHECK_EQ(descriptor_type(SEL_T1) & BUSY, 0);
    CHECK_EQ(descriptor_type(SEL_TSS) & BUSY, BUSY);
    /* A second time: it goes on where it stopped. */
    jump_task(SEL_T1);
    CHECK_EQ(trace, 0x11);
    __asm__ volatile("clts");
}

/* Task 2: by CALL or interrupt; goes back by IRET. */
static void called(void)
{
    for (;;) {
        trace = trace * 16 + 2;
        nt_seen = read_eflags() & NT;
        ts_seen = descriptor_type(SEL_TSS) & BUSY;
        __asm__ volatile("mov %0, %%eax" : : "r"(eax_seen + 1) : "eax");
        __asm__ volatile("iret" : : : "memory");
    }
}

static void by_call(void)
{
    make_task(&t2, SEL_T2, called, STACK2);
    trace = 0;
    call_task(SEL_T2);
    CHECK_EQ(trace, 2);
    CHECK_EQ(nt_seen, NT);
    CHECK_EQ(t2.link, SEL_TSS);
    /* Both are busy while one waits for the other. */
    CHECK_EQ(ts_seen, BUSY);
    CHECK_EQ(descriptor_type(SEL_T2) & BUSY, 0);
    CHECK_EQ(read_eflags() & NT, 0);
    /* IRET clears NT in the flags it stores. */
    CHECK_EQ(t2.eflags & NT, 0);
    call_task(SEL_T2);
    CHECK_EQ(trace, 0x22);
    /* Through a task gate. */
    set_gdt(SEL_GATE, make_gate(SEL_T2, 0, ACC_TASK_GATE, 0));
    call_task(SEL_GATE);
    CHECK_EQ(trace, 0x222);
}

static void by_interrupt(void)
{
    u64 saved = idt[0x40];

    make_task(&t2, SEL_T2, called, STACK2);
    trace = 0;
    idt[0x40] = make_gate(SEL_T2, 0, ACC_TASK_GATE, 0);
    __asm__ volatile("int $0x40" : : : "memory");
    CHECK_EQ(trace, 2);
    CHECK_EQ(nt_seen, NT);
    __asm__ volatile("int $0x40" : : : "memory");
    CHECK_EQ(trace, 0x22);
    idt[0x40] = saved;
}

static volatile u32 df_esp, df_word;

/* A handler task for a fault with an error code finds the code on its own stack. */
static void fault_task(void)
{
    __asm__ volatile("1:\n\t"
                     "pop %%eax\n\t"
                     "mov %%eax, %0\n\t"
                     "mov %%esp, %1\n\t"
                     "addl $2, %2\n\t" /* step over the INT that faulted */
                     "iret\n\t"
                     "jmp 1b"
                     : "=m"(df_word), "=m"(df_esp), "+m"(main_tss.eip)
                     :
                     : "eax", "memory");
    __builtin_unreachable();
}

static void fault_by_task(void)
{
    u64 saved = idt[VEC_GP];

    make_task(&t2, SEL_T2, fault_task, STACK2);
    idt[VEC_GP] = make_gate(SEL_T2, 0, ACC_TASK_GATE, 0);
    df_word = 0xffffffff;
    __asm__ volatile("int $0xf0" : : : "memory");
    CHECK_EQ(df_word, 0xf0 * 8 + 2);
    CHECK_EQ(df_esp, STACK2);
    idt[VEC_GP] = saved;
}

static void registers(void)
{
    u32 a, b, c, d, s, e;

    make_task(&t2, SEL_T2, called, STACK2);
    __asm__ volatile(
        "push %%ebp\n\t"
        "mov $0x1111, %%eax; mov $0x2222, %%ebx; mov $0x3333, %%ecx\n\t"
        "mov $0x4444, %%edx; mov $0x5555, %%esi; mov $0x6666, %%edi; mov $0x7777, %%ebp\n\t"
        "lcall %6, $0\n\t"
        "pop %%ebp"
        : "=a"(a), "=b"(b), "=c"(c), "=d"(d), "=S"(s), "=D"(e)
        : "i"(SEL_T2)
        : "memory", "cc");
    CHECK(a == 0x1111 && b == 0x2222 && c == 0x3333 && d == 0x4444 && s == 0x5555 && e == 0x6666);
    CHECK_EQ(main_tss.ebp, 0x7777);
    CHECK_EQ(main_tss.ecx, 0x3333);
    CHECK_EQ(main_tss.cs, SEL_CODE);
}

static void jump_to_busy(void)
{
    jump_task(SEL_TSS);
}

static void jump_to_absent(void)
{
    jump_task(SEL_T1);
}

static void bad_tasks(void)
{
    CHECK_EQ(trap_run(jump_to_busy), VEC_GP);
    CHECK_EQ(last.f.error, SEL_TSS);
    set_gdt(SEL_T1, make_segment((u32)&t1, sizeof(t1) - 1, ACC_TSS32 & 0x7f, 0));
    CHECK_EQ(trap_run(jump_to_absent), VEC_NP);
    CHECK_EQ(last.f.error, SEL_T1);
    set_gdt(SEL_T1, make_segment((u32)&t1, 0x66, ACC_TSS32, 0));
    CHECK_EQ(trap_run(jump_to_absent), VEC_TS);
    CHECK_EQ(last.f.error, SEL_T1);
}

static void write_second(void)
{
    for (;;) {
        *(volatile u32 *)0x350000 = 0x2222;
        jump_task(SEL_TSS);
    }
}

/* The page tables change with the task. */
static void address_spaces(void)
{
    static u32 directory[1024] __attribute__((aligned(4096)));
    static u32 table[1024] __attribute__((aligned(4096)));

    paging_on();
    for (u32 i = 0; i < 1024; i++)
        table[i] = i << 12 | PTE_P | PTE_W;
    table[0x350] = 0x360000 | PTE_P | PTE_W;
    memset(directory, 0, sizeof(directory));
    directory[0] = (u32)table | PTE_P | PTE_W;
    make_task(&t1, SEL_T1, write_second, STACK1);
    t1.cr3 = (u32)directory;
    main_tss.cr3 = (u32)page_directory;
    *(volatile u32 *)0x350000 = 0x1111;
    jump_task(SEL_T1);
    CHECK_EQ(*(volatile u32 *)0x350000, 0x1111);
    CHECK_EQ(*(volatile u32 *)0x360000, 0x2222);
    CHECK_EQ(read_cr3(), (u32)page_directory);
    paging_off();
}

/* A 16-bit task: code and stack in 16-bit segments below 64 KiB; goes back by IRET. */
static void sixteen(void)
{
    u8 *code = (u8 *)0x7000;

    code[0] = 0x40; /* inc %ax */
    code[1] = 0xcf; /* iret: NT is set, so back to the caller's task */
    memset(&t16, 0, sizeof(t16));
    set_gdt(SEL_GATE, make_segment(0, 0xffff, ACC_CODE, SEG_16));
    t16.cs = SEL_GATE;
    t16.ss = t16.ds = t16.es = SEL_DATA;
    t16.ip = 0x7000;
    t16.flags = 2;
    t16.ax = 0x41;
    t16.sp = 0x6f00;
    set_gdt(SEL_T16, make_segment((u32)&t16, sizeof(t16) - 1, ACC_TSS16, 0));
    call_task(SEL_T16);
    CHECK_EQ(t16.ax, 0x42);
    CHECK_EQ(t16.link, SEL_TSS);
    CHECK_EQ(t16.ip, 0x7002);
}

void run_test(void)
{
    main_tss.cr3 = 0;
    by_jump();
    by_call();
    by_interrupt();
    fault_by_task();
    registers();
    bad_tasks();
    sixteen();
    address_spaces();
}
