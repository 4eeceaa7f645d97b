/* Every way to reset a PC: triple fault in real and protected mode, keyboard controller, port 0x92,
 * port 0xCF9. Each must come back through the reset vector with memory as it was and the processor
 * as after power-on. */
#include "roms/test/lib/test.h"

enum {
    STATE = 0x9000, /* survives: nothing else uses it */
    MAGIC = 0x52535421,
    PORT92 = 0x92,
    KBC_CMD = 0x64,
    PORT_CF9 = 0xcf9,
};

struct state {
    u32 magic, stage, check;
};

static volatile struct state *state(void)
{
    return (volatile struct state *)STATE;
}

static void wait_for_reset(int line)
{
    for (volatile u32 i = 0; i < 20000000; i++)
        continue;
    test_fail(line);
}

static void empty_idt(void)
{
    static const struct __attribute__((packed)) {
        u16 limit;
        u32 base;
    } none = {0, 0};

    __asm__ volatile("lidt %0" : : "m"(none));
}

/* Through real mode with an IDT that ends at once, and A20 off on the way. */
static void triple_in_real_mode(void)
{
    static const struct __attribute__((packed)) {
        u16 limit;
        u32 base;
    } none = {0, 0};
    static const u8 code[] = {0x0f, 0x20, 0xc0, 0x24, 0xfe, 0x0f, 0x22, 0xc0, 0xcc, 0xf4};

    memcpy((void *)0x8000, code, sizeof(code)); /* CR0.PE = 0, INT3 */
    __asm__ volatile("lidt %0\n\tmov $0x8000, %%eax\n\tjmp *%%eax" : : "m"(none) : "eax");
}

static void with_paging(void)
{
    paging_on();
    __asm__ volatile("mov %%cr0, %%eax\n\tor $0x10000, %%eax\n\tmov %%eax, %%cr0" : : : "eax");
    empty_idt();
    __asm__ volatile("ud2");
}

/* What must hold at the start of every life. */
static void check_fresh(void)
{
    u32 cr0, cr4, dr7;

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %%dr7, %0" : "=r"(dr7));
    CHECK_EQ(cr0 & 0x80010000, 0); /* no paging, no WP */
    CHECK_EQ(cr4, 0);
    CHECK_EQ(dr7, 0x400);
}

void run_test(void)
{
    volatile struct state *s = state();

    if (s->magic != MAGIC) {
        s->magic = MAGIC;
        s->stage = 0;
    } else {
        check_fresh();
        CHECK_EQ(s->check, s->stage * 0x01010101u);
    }
    s->stage++;
    s->check = s->stage * 0x01010101u;
    __asm__ volatile("mov %0, %%dr7" : : "r"(0x401));
    switch (s->stage) {
    case 1:
        empty_idt();
        __asm__ volatile("int3");
        break;
    case 2: with_paging(); break;
    case 3: triple_in_real_mode(); break;
    case 4:
        outb(KBC_CMD, 0xfe);
        wait_for_reset(__LINE__);
        break;
    case 5:
        outb(PORT92, (u8)(inb(PORT92) & ~1));
        outb(PORT92, (u8)(inb(PORT92) | 1));
        wait_for_reset(__LINE__);
        break;
    case 6:
        outb(PORT_CF9, 0x02);
        outb(PORT_CF9, 0x06);
        wait_for_reset(__LINE__);
        break;
    case 7: /* a shutdown inside of an interrupt's delivery, interrupts on, stack gone */
        empty_idt();
        __asm__ volatile("xor %%esp, %%esp\n\tpushl $0" : : : "memory");
        break;
    case 8: return;
    }
    test_fail(__LINE__);
}
