/* Lab 8, reference solution: a guest that counts timer interrupts. */
#include "roms/test/lib/test.h"

enum {
    PIC_COMMAND = 0x20, /* of the first 8259A */
    PIC_MASK = 0x21,
    PIT_CHANNEL0 = 0x40,
    PIT_CONTROL = 0x43,
    PIT_HZ = 1193182, /* what the timer counts */
    TICK_HZ = 1000,
    TICKS = 100,
};

static struct {
    volatile u32 ticks;
} guest;

static void on_tick(struct frame *f)
{
    (void)f;
    guest.ticks++;
    outb(PIC_COMMAND, 0x20);
}

static void timer_start(void)
{
    u32 divisor = PIT_HZ / TICK_HZ;

    outb(PIT_CONTROL, 0x34);
    outb(PIT_CHANNEL0, (u8)divisor);
    outb(PIT_CHANNEL0, (u8)(divisor >> 8));
}

void run_test(void)
{
    trap_hook(VEC_IRQ0, on_tick);
    timer_start();
    outb(PIC_MASK, 0xfe);
    while (guest.ticks < TICKS)
        cpu_idle();
    say("100 ticks\n");
}
