/* Code that changes: the next instruction, the same block, across pages, through another address,
 * by a string instruction. */
#include "roms/test/lib/test.h"

enum { CODE = 0x320000, ALIAS = 0x330000 };

typedef u32 code_fn(void);

static u8 *put_mov_ret(u32 at, u32 v)
{
    u8 *p = (u8 *)at;

    p[0] = 0xb8; /* mov $v, %eax */
    memcpy(p + 1, &v, 4);
    p[5] = 0xc3; /* ret */
    return p + 6;
}

static u32 call(u32 at)
{
    return ((code_fn *)at)();
}

/* Patch and call, many times: what a just-in-time compiler in the guest does. */
static void between_calls(void)
{
    for (u32 i = 0; i < 1000; i++) {
        put_mov_ret(CODE, i * 7);
        CHECK_EQ(call(CODE), i * 7);
    }
    /* One byte only. */
    for (u32 i = 0; i < 300; i++) {
        ((volatile u8 *)CODE)[1] = (u8)i;
        CHECK_EQ(call(CODE) & 0xff, i & 0xff);
    }
}

/* A write to the very next instruction takes effect: processors since the Pentium Pro see to that
 * by themselves. */
static void next_instruction(void)
{
    for (u32 i = 0; i < 50; i++) {
        u32 v = 0x1000 + i, got;

        __asm__ volatile("movl %1, 1f+1\n\t"
                         "1: mov $0x12345678, %0"
                         : "=a"(got)
                         : "r"(v)
                         : "memory");
        CHECK_EQ(got, v);
    }
}

/* A loop whose body is rewritten by itself every time around. */
static void same_block(void)
{
    u32 sum, n;

    __asm__ volatile("xor %%edx, %%edx\n\t"
                     "movl $0, 1f+1\n\t"
                     "mov $100, %%ecx\n"
                     "0:\n"
                     "1: mov $0, %%eax\n\t"
                     "add %%eax, %%edx\n\t"
                     "incl 1b+1\n\t"
                     "loop 0b"
                     : "=&d"(sum), "=&c"(n)
                     :
                     : "eax", "cc", "memory");
    CHECK_EQ(sum, 99 * 100 / 2);
}

/* An instruction that lies in two pages, changed in either. */
static void across_pages(void)
{
    u32 at = CODE + 0xffd;

    put_mov_ret(at, 0x11223344);
    CHECK_EQ(call(at), 0x11223344);
    *(volatile u8 *)(CODE + 0xffe) = 0x55;
    CHECK_EQ(call(at), 0x11223355);
    *(volatile u8 *)(CODE + 0x1001) = 0x66;
    CHECK_EQ(call(at), 0x66223355);
    /* A write that itself crosses. */
    *(volatile u32 *)(CODE + 0xffe) = 0xa1b2c3d4;
    CHECK_EQ(call(at), 0xa1b2c3d4);
}

static void by_string(void)
{
    u8 image[16];
    void *d;
    const void *s;
    u32 n;

    put_mov_ret(CODE, 1);
    CHECK_EQ(call(CODE), 1);
    put_mov_ret((u32)image, 2);
    d = (void *)CODE;
    s = image;
    n = 6;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
    CHECK_EQ(call(CODE), 2);
    /* Data beside code in one page may change without harm, and code beyond it. */
    for (u32 i = 0; i < 200; i++) {
        *(volatile u32 *)(CODE + 0x800) = i;
        CHECK_EQ(call(CODE), 2);
    }
}

static void through_alias(void)
{
    paging_on();
    *pte(ALIAS) = CODE | PTE_P | PTE_W;
    invlpg((void *)ALIAS);
    for (u32 i = 0; i < 50; i++) {
        put_mov_ret(CODE, i);
        CHECK_EQ(call(ALIAS), i);
        put_mov_ret(ALIAS, i + 1000);
        CHECK_EQ(call(CODE), i + 1000);
    }
    /* The page behind an address changes: other code is there. */
    put_mov_ret(CODE, 5);
    put_mov_ret(CODE + 0x2000, 6);
    CHECK_EQ(call(ALIAS), 5);
    *pte(ALIAS) = (CODE + 0x2000) | PTE_P | PTE_W;
    invlpg((void *)ALIAS);
    CHECK_EQ(call(ALIAS), 6);
    paging_off();
    CHECK_EQ(call(CODE), 5);
}

static void jump_into_hole(void)
{
    call(CODE + 0xffd);
}

/* The second half of an instruction is missing: the fault names that page, and nothing has been
 * executed. */
static void missing_half(void)
{
    paging_on();
    put_mov_ret(CODE + 0xffd, 0x31415926);
    *pte(CODE + 0x1000) = 0;
    write_cr3(read_cr3());
    CHECK_EQ(trap_run(jump_into_hole), VEC_PF);
    CHECK_EQ(last.cr2, CODE + 0x1000);
    CHECK_EQ(last.f.eip, CODE + 0xffd);
    *pte(CODE + 0x1000) = (CODE + 0x1000) | PTE_P | PTE_W;
    write_cr3(read_cr3());
    CHECK_EQ(call(CODE + 0xffd), 0x31415926);
    paging_off();
}

/* A call that returns into code it has changed. */
static void changed_below(void)
{
    u8 *p = (u8 *)CODE;
    u32 helper = CODE + 0x100, target;

    /* call helper; mov $1, %eax; ret -- the helper turns the 1 into 9. */
    p[0] = 0xe8;
    target = helper - (CODE + 5);
    memcpy(p + 1, &target, 4);
    put_mov_ret(CODE + 5, 1);
    p = (u8 *)helper;
    p[0] = 0xc6; /* movb $9, CODE+6 */
    p[1] = 0x05;
    target = CODE + 6;
    memcpy(p + 2, &target, 4);
    p[6] = 9;
    p[7] = 0xc3;
    CHECK_EQ(call(CODE), 9);
}

void run_test(void)
{
    between_calls();
    next_instruction();
    same_block();
    across_pages();
    by_string();
    through_alias();
    missing_half();
    changed_below();
}
