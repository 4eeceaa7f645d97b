/* String instructions: counts, directions, address sizes, overlap, and faults in the middle that
 * resume where they stopped. */
#include "roms/test/lib/test.h"

enum { ZF = 0x40, CF = 1, PAGE_A = 0x300000, PAGE_B = 0x301000 };

static u8 *bytes(u32 a)
{
    return (u8 *)a;
}

static struct {
    u32 eax, ecx, esi, edi, flags;
} r;

/* Run one string instruction with the given registers; what they are afterwards is in `r`. */
#define STRING(insn, a, c, s, d)                                                                   \
    __asm__ volatile(insn "\n\tpushf\n\tpop %0\n\tcld"                                             \
                     : "=&b"(r.flags), "=a"(r.eax), "=c"(r.ecx), "=S"(r.esi), "=D"(r.edi)          \
                     : "1"(a), "2"(c), "3"(s), "4"(d)                                              \
                     : "cc", "memory")

static void fill(u32 a, u32 n, u8 start)
{
    for (u32 i = 0; i < n; i++)
        bytes(a)[i] = (u8)(start + i);
}

static void basics(void)
{
    fill(PAGE_A, 256, 0);
    memset(bytes(PAGE_B), 0, 256);
    STRING("rep movsb", 0, 100, PAGE_A, PAGE_B);
    CHECK_EQ(r.ecx, 0);
    CHECK_EQ(r.esi, PAGE_A + 100);
    CHECK_EQ(r.edi, PAGE_B + 100);
    CHECK(memcmp(bytes(PAGE_A), bytes(PAGE_B), 100) == 0 && bytes(PAGE_B)[100] == 0);
    /* Nothing happens for a count of zero, flags included. */
    STRING("cmp %%eax, %%eax; repe cmpsb", 0, 0, PAGE_A, PAGE_B + 1);
    CHECK_EQ(r.flags & ZF, ZF);
    CHECK_EQ(r.esi, PAGE_A);
    /* Downwards. */
    STRING("std; rep movsl", 0, 3, PAGE_A + 16, PAGE_B + 32);
    CHECK_EQ(r.esi, PAGE_A + 4);
    CHECK_EQ(r.edi, PAGE_B + 20);
    CHECK(memcmp(bytes(PAGE_A + 8), bytes(PAGE_B + 24), 12) == 0);
    /* Overlap by one byte repeats the first: the copy goes byte by byte. */
    bytes(PAGE_B)[0] = 0x77;
    STRING("rep movsb", 0, 50, PAGE_B, PAGE_B + 1);
    for (u32 i = 0; i <= 50; i++)
        CHECK_EQ(bytes(PAGE_B)[i], 0x77);
    STRING("rep stosw", 0xbeef, 10, 0, PAGE_B);
    CHECK_EQ(r.edi, PAGE_B + 20);
    CHECK_EQ(*(u32 *)(PAGE_B + 16), 0xbeefbeef);
    STRING("lodsl", 0, 1, PAGE_B, 0);
    CHECK_EQ(r.eax, 0xbeefbeef);
    CHECK_EQ(r.esi, PAGE_B + 4);
    CHECK_EQ(r.ecx, 1);
}

static void searching(void)
{
    fill(PAGE_A, 256, 0);
    fill(PAGE_B, 256, 0);
    STRING("repne scasb", 40, 256, 0, PAGE_A);
    CHECK_EQ(r.edi, PAGE_A + 41);
    CHECK_EQ(r.ecx, 256 - 41);
    CHECK_EQ(r.flags & ZF, ZF);
    STRING("repne scasb", 40, 40, 0, PAGE_A);
    CHECK_EQ(r.ecx, 0);
    CHECK_EQ(r.flags & ZF, 0);
    bytes(PAGE_B)[77] = 0xff;
    STRING("repe cmpsb", 0, 256, PAGE_A, PAGE_B);
    CHECK_EQ(r.esi, PAGE_A + 78);
    CHECK_EQ(r.ecx, 256 - 78);
    /* 77 - 0xff borrows. */
    CHECK_EQ(r.flags & (ZF | CF), CF);
    STRING("repe cmpsl", 0, 256, PAGE_A, PAGE_B);
    CHECK_EQ(r.esi, PAGE_A + 80);
}

/* A 16-bit address size uses CX, SI and DI, which wrap within 64 KiB and leave the upper halves
 * alone. */
static void sixteen(void)
{
    u32 low = 0x600;

    fill(0x500, 16, 1);
    STRING("addr16 rep movsb", 0, 0xabcd0010, 0x12340500, 0x43210000 + low);
    CHECK_EQ(r.ecx, 0xabcd0000);
    CHECK_EQ(r.esi, 0x12340510);
    CHECK_EQ(r.edi, 0x43210000 + low + 16);
    CHECK(memcmp(bytes(0x500), bytes(low), 16) == 0);
    bytes(0xffff)[0] = 0x5a;
    STRING("addr16 lodsb", 0, 0, 0x1234ffff, 0);
    CHECK_EQ(r.eax & 0xff, 0x5a);
    CHECK_EQ(r.esi, 0x12340000);
}

static u32 faults;

/* Supply the missing page; the instruction goes on with the registers it had when it stopped. */
static void supply(struct frame *f)
{
    faults++;
    CHECK_EQ(last.cr2 & ~0xfffu, PAGE_B);
    CHECK_EQ(f->ecx, 64 - 16 / 4);
    CHECK_EQ(f->edi, PAGE_B);
    *pte(PAGE_B) = PAGE_B | PTE_P | PTE_W;
    invlpg((void *)PAGE_B);
}

static void fault_in_the_middle(void)
{
    paging_on();
    fill(0x310000, 256, 3);
    *pte(PAGE_B) = 0;
    invlpg((void *)PAGE_B);
    trap_hook(VEC_PF, supply);
    STRING("rep movsl", 0, 64, 0x310000, PAGE_B - 16);
    trap_hook(VEC_PF, NULL);
    CHECK_EQ(faults, 1);
    CHECK_EQ(r.ecx, 0);
    CHECK_EQ(r.edi, PAGE_B - 16 + 256);
    CHECK(memcmp((void *)0x310000, bytes(PAGE_B - 16), 256) == 0);
}

static void compare_into_hole(void)
{
    STRING("repe cmpsb", 0, 100, PAGE_A + 0xff0, 0x310000);
}

static void store_down_into_hole(void)
{
    STRING("std; rep stosl", 0x11111111, 100, 0, 0x302010);
}

static void fault_registers(void)
{
    fill(PAGE_A + 0xff0, 16, 9);
    fill(0x310000, 16, 9);
    *pte(PAGE_B) = 0;
    write_cr3(read_cr3());
    CHECK_EQ(trap_run(compare_into_hole), VEC_PF);
    CHECK_EQ(last.cr2, PAGE_B);
    CHECK_EQ(last.f.ecx, 84);
    CHECK_EQ(last.f.esi, PAGE_B);
    CHECK_EQ(last.f.edi, 0x310010);
    CHECK_EQ(trap_run(store_down_into_hole), VEC_PF);
    CHECK_EQ(last.cr2, PAGE_B + 0xffc);
    CHECK_EQ(last.f.error, 2);
    CHECK_EQ(last.f.ecx, 95);
    CHECK_EQ(last.f.edi, PAGE_B + 0xffc);
    CHECK_EQ(*(u32 *)0x302000, 0x11111111);
    *pte(PAGE_B) = PAGE_B | PTE_P | PTE_W;
    write_cr3(read_cr3());
}

static u32 ticks;

static void on_timer(struct frame *f)
{
    (void)f;
    ticks++;
    outb(0x20, 0x20);
}

/* A long instruction can be interrupted between two steps and goes on afterwards. */
static void interrupted(void)
{
    u32 n = 0x80000;

    trap_hook(VEC_IRQ0, on_timer);
    outb(0x43, 0x34);
    outb(0x40, 0xa9); /* about 1000 Hz */
    outb(0x40, 0x04);
    outb(0x21, 0xfe);
    cpu_sti();
    /* Long enough for ticks on any machine, but bounded. */
    for (u32 round = 0; round < 2000 && ticks < 5; round++) {
        STRING("rep stosl", 0x01020304 + round, n, 0, 0x400000);
        CHECK_EQ(r.ecx, 0);
        CHECK_EQ(r.edi, 0x400000 + n * 4);
        CHECK_EQ(*(u32 *)(0x400000 + (n - 1) * 4), 0x01020304 + round);
    }
    cpu_cli();
    outb(0x21, 0xff);
    CHECK(ticks >= 5);
}

/* Port strings: the same bytes out of memory as are read back from a register that keeps them. */
static void io_strings(void)
{
    static const u8 out[3] = {0x12, 0x34, 0x56};
    u8 in[2] = {0xff, 0xff};

    /* The scratch register of the first serial port. */
    __asm__ volatile("rep outsb"
                     : "=S"(r.esi), "=c"(r.ecx)
                     : "0"(out), "1"(3), "d"(0x3ff)
                     : "memory");
    CHECK_EQ(r.esi, (u32)out + 3);
    CHECK_EQ(r.ecx, 0);
    __asm__ volatile("rep insb"
                     : "=D"(r.edi), "=c"(r.ecx)
                     : "0"(in), "1"(2), "d"(0x3ff)
                     : "memory");
    CHECK_EQ(r.edi, (u32)in + 2);
    CHECK_EQ(in[0], 0x56);
    CHECK_EQ(in[1], 0x56);
}

void run_test(void)
{
    basics();
    searching();
    sixteen();
    fault_in_the_middle();
    fault_registers();
    paging_off();
    interrupted();
    io_strings();
}
