/* Address line 20: off, the second megabyte shows the first; on, it does not. Port 0x92 and the
 * keyboard controller. */
#include "roms/test/lib/test.h"

enum { PORT92 = 0x92, KBC_DATA = 0x60, KBC_CMD = 0x64, LOW = 0x5000, HIGH = 0x105000 };

static volatile u32 *at(u32 a)
{
    return (volatile u32 *)a;
}

static void kbc_wait(void)
{
    for (u32 i = 0; i < 1000000 && (inb(KBC_CMD) & 2) != 0; i++)
        continue;
}

static void port92(bool on)
{
    outb(PORT92, (u8)((inb(PORT92) & 0xfc) | (on ? 2 : 0)));
}

/* The output port of the keyboard controller: bit 1 is A20, bit 0 must stay set or the machine
 * resets. */
static void kbc(bool on)
{
    kbc_wait();
    outb(KBC_CMD, 0xd1);
    kbc_wait();
    outb(KBC_DATA, on ? 0xdf : 0xdd);
    kbc_wait();
}

/* Code that is called at both addresses, one with other contents. */
static u32 call(u32 a)
{
    return ((u32(*)(void))a)();
}

static void put_mov_ret(u32 a, u32 v)
{
    *(volatile u8 *)a = 0xb8;
    *(volatile u8 *)(a + 1) = (u8)v;
    *(volatile u8 *)(a + 2) = (u8)(v >> 8);
    *(volatile u8 *)(a + 3) = (u8)(v >> 16);
    *(volatile u8 *)(a + 4) = (u8)(v >> 24);
    *(volatile u8 *)(a + 5) = 0xc3;
}

static void check_switch(void (*set)(bool on))
{
    set(true);
    *at(LOW) = 0x1111;
    *at(HIGH) = 0x2222;
    CHECK_EQ(*at(LOW), 0x1111);
    put_mov_ret(LOW + 0x100, 1);
    put_mov_ret(HIGH + 0x100, 2);
    CHECK_EQ(call(HIGH + 0x100), 2);
    set(false);
    CHECK_EQ(*at(HIGH), 0x1111);
    CHECK_EQ(call(HIGH + 0x100), 1);
    *at(HIGH) = 0x3333;
    CHECK_EQ(*at(LOW), 0x3333);
    /* The third megabyte is the second one's twin: only that line is tied down. */
    *at(0x205000) = 0x4444;
    CHECK_EQ(*at(0x305000), 0x4444);
    CHECK_EQ(*at(LOW), 0x3333);
    set(true);
    CHECK_EQ(*at(HIGH), 0x2222);
    CHECK_EQ(*at(LOW), 0x3333);
    CHECK_EQ(call(HIGH + 0x100), 2);
}

/* The line masks physical addresses: page tables do not get around it. */
static void with_paging(void)
{
    port92(true);
    *at(LOW) = 0x5555;
    *at(HIGH) = 0x6666;
    paging_on();
    *pte(0x300000) = HIGH | PTE_P | PTE_W;
    write_cr3(read_cr3());
    CHECK_EQ(*at(0x300000), 0x6666);
    port92(false);
    CHECK_EQ(*at(0x300000), 0x5555);
    port92(true);
    CHECK_EQ(*at(0x300000), 0x6666);
    paging_off();
}

void run_test(void)
{
    check_switch(port92);
    check_switch(kbc);
    with_paging();
}
