/* Lab 8: a guest that counts timer interrupts. The places to fill in say HOLE. */
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
    /* HOLE 2: tell the interrupt controller that this interrupt has been dealt with. */
}

static void timer_start(void)
{
    /* HOLE 1: channel 0, low byte then high byte, mode 2; then the divisor for TICK_HZ. */
}

void run_test(void)
{
    trap_hook(VEC_IRQ0, on_tick);
    timer_start();
    /* HOLE 3: all inputs of the interrupt controller are masked; open that of the timer, and
     * only it. */
    while (guest.ticks < TICKS)
        cpu_idle();
    say("100 ticks\n");
}
