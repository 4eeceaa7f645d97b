/* Single step and debug registers (SDM volume 3, chapter 17). */
#include "roms/test/lib/test.h"

enum { TF = 0x100, RF = 0x10000, BS = 0x4000, BD = 0x2000, GD = 0x2000 };

static u32 read_dr6(void)
{
    u32 v;
    __asm__ volatile("mov %%dr6, %0" : "=r"(v));
    return v;
}

static void write_dr6(u32 v)
{
    __asm__ volatile("mov %0, %%dr6" : : "r"(v));
}

static void write_dr7(u32 v)
{
    __asm__ volatile("mov %0, %%dr7" : : "r"(v) : "memory");
}

static void set_dr0(u32 v)
{
    __asm__ volatile("mov %0, %%dr0" : : "r"(v));
}

static u32 hits, addresses[16], dr6_seen;

static void on_debug(struct frame *f)
{
    if (hits < ARRAY_LEN(addresses))
        addresses[hits] = f->eip;
    hits++;
    dr6_seen = read_dr6();
    write_dr6(0xffff0ff0);
}

/* A fault at an execution breakpoint would come again: the handler sets RF. */
static void on_breakpoint(struct frame *f)
{
    on_debug(f);
    f->eflags |= RF;
}

static void single_step(void)
{
    u32 a, b, c;

    trap_hook(VEC_DB, on_debug);
    hits = 0;
    __asm__ volatile("pushf; orl $0x100, (%%esp); popf\n\t"
                     "nop\n"
                     "1: nop\n"
                     "2: pushf; andl $~0x100, (%%esp); popf\n"
                     "3: mov $1b, %0; mov $2b, %1; mov $3b, %2"
                     : "=r"(a), "=r"(b), "=r"(c)
                     :
                     : "memory", "cc");
    /* POPF itself is not stepped; after each of the next instructions comes a trap, the last after
     * the clearing POPF. */
    CHECK_EQ(hits, 5);
    CHECK_EQ(addresses[0], a);
    CHECK_EQ(addresses[1], b);
    CHECK_EQ(addresses[4], c);
    CHECK_EQ(dr6_seen & BS, BS);
}

/* A repeated string instruction traps after each turn; a load of SS hides one trap. */
static void step_oddities(void)
{
    u32 n = 3;
    u8 from[4] = {1, 2, 3, 4}, to[4] = {0};
    u8 *d = to;
    const u8 *s = from;

    hits = 0;
    __asm__ volatile("pushf; orl $0x100, (%%esp); popf\n\t"
                     "rep movsb\n\t"
                     "pushf; andl $~0x100, (%%esp); popf"
                     : "+D"(d), "+S"(s), "+c"(n)
                     :
                     : "memory", "cc");
    CHECK_EQ(hits, 3 + 3);
    CHECK_EQ(addresses[0], addresses[1]);
    CHECK_EQ(to[2], 3);
    hits = 0;
    __asm__ volatile("mov %%ss, %%eax\n\t"
                     "pushf; orl $0x100, (%%esp); popf\n\t"
                     "mov %%eax, %%ss\n\t"
                     "nop\n\t"
                     "pushf; andl $~0x100, (%%esp); popf"
                     :
                     :
                     : "eax", "memory", "cc");
    CHECK_EQ(hits, 1 + 3);
}

/* An interrupt instruction clears TF for its handler, and IRET brings it back. */
static void step_over_int(void)
{
    u32 after;

    hits = 0;
    trap_hook(0x40, on_debug);
    __asm__ volatile("pushf; orl $0x100, (%%esp); popf\n\t"
                     "int $0x40\n"
                     "1: nop\n\t"
                     "pushf; andl $~0x100, (%%esp); popf\n\t"
                     "mov $1b, %0"
                     : "=r"(after)
                     :
                     : "memory", "cc");
    trap_hook(0x40, NULL);
    /* The handler itself, then the instruction behind INT and the three that end it. */
    CHECK_EQ(hits, 5);
    CHECK_EQ(addresses[0], after);
}

static void execution(void)
{
    u32 n = 0;

    trap_hook(VEC_DB, on_breakpoint);
    hits = 0;
    __asm__ volatile("mov $9f, %%eax\n\t"
                     "mov %%eax, %%dr0\n\t"
                     "mov $1, %%eax\n\t"
                     "mov %%eax, %%dr7\n\t"
                     "mov $3, %%ecx\n"
                     "0:\n"
                     "9: incl %0\n\t"
                     "loop 0b\n\t"
                     "xor %%eax, %%eax\n\t"
                     "mov %%eax, %%dr7\n"
                     : "+m"(n)
                     :
                     : "eax", "ecx", "memory", "cc");
    CHECK_EQ(n, 3);
    CHECK_EQ(hits, 3);
    CHECK_EQ(addresses[0], addresses[2]);
    CHECK_EQ(dr6_seen & 0xf, 1);
    CHECK_EQ(dr6_seen & BS, 0);
}

static u32 watched[4];

/* LEN and R/W of breakpoint 0, enabled. */
static u32 dr7_data(u32 rw, u32 len)
{
    return 1 | rw << 16 | (len - 1) << 18;
}

static void data(void)
{
    volatile u32 *w = watched;
    u32 v;

    trap_hook(VEC_DB, on_debug);
    set_dr0((u32)&watched[1]);
    hits = 0;
    write_dr7(dr7_data(1, 4));
    v = w[1];
    CHECK_EQ(hits, 0);
    w[0] = 1;
    w[2] = 1;
    CHECK_EQ(hits, 0);
    w[1] = v + 1;
    CHECK_EQ(hits, 1);
    CHECK_EQ(dr6_seen & 0xf, 1);
    CHECK_EQ(w[1], 1); /* a trap: the write has happened */
    *((volatile u8 *)watched + 7) = 9;
    CHECK_EQ(hits, 2);
    /* An access that only touches the end of it. */
    *(volatile u32 *)((u8 *)watched + 1) = 0;
    CHECK_EQ(hits, 3);
    write_dr7(dr7_data(3, 4));
    v = w[1];
    CHECK_EQ(hits, 4);
    write_dr7(0);
    w[1] = v;
    CHECK_EQ(hits, 4);
    /* One byte of a repeated store. */
    set_dr0((u32)watched + 5);
    write_dr7(dr7_data(1, 1));
    memset(watched, 0x11, sizeof(watched));
    write_dr7(0);
    CHECK_EQ(hits, 5);
}

static void ports(void)
{
    u32 n;

    /* I/O breakpoints need CR4.DE. */
    write_cr4(read_cr4() | 8);
    set_dr0(0x80);
    hits = 0;
    write_dr7(dr7_data(2, 1));
    outb(0x80, 1);
    n = hits;
    write_dr7(0);
    CHECK_EQ(n, 1);
    write_cr4(read_cr4() & ~8u);
}

static void touch_dr(void)
{
    __asm__ volatile("mov %%dr0, %%eax" : : : "eax");
}

static void general_detect(void)
{
    trap_hook(VEC_DB, NULL);
    write_dr7(GD);
    CHECK_EQ(trap_run(touch_dr), VEC_DB);
    CHECK_EQ(read_dr6() & BD, BD);
    /* Delivery has cleared GD, or this would trap. */
    write_dr6(0xffff0ff0);
    write_dr7(0);
}

static void do_icebp(void)
{
    __asm__ volatile(".byte 0xf1");
}

static void user_touch(void)
{
    touch_dr();
}

static void reserved_register(void)
{
    __asm__ volatile("mov %%dr4, %%eax" : : : "eax");
}

static void odds_and_ends(void)
{
    CHECK_EQ(trap_run(do_icebp), VEC_DB);
    CHECK_EQ(user_run(user_touch), VEC_GP);
    /* DR4 is DR6, unless CR4.DE says that it does not exist. */
    CHECK_EQ(trap_run(reserved_register), TRAP_NONE);
    write_cr4(read_cr4() | 8);
    CHECK_EQ(trap_run(reserved_register), VEC_UD);
    write_cr4(read_cr4() & ~8u);
}

void run_test(void)
{
    write_dr6(0xffff0ff0);
    single_step();
    step_oddities();
    step_over_int();
    execution();
    data();
    ports();
    general_detect();
    odds_and_ends();
}
