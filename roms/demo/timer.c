/* Programmable interval timer, channel 0, mode 2 (Intel 8254 data sheet). */
#include "roms/demo/timer.h"
#include "roms/demo/intr.h"
#include "roms/lib/io.h"

enum {
    PIT_CHANNEL0 = 0x40,
    PIT_CONTROL = 0x43,
    PIT_MODE2_LOHI = 0x34,
    PIT_HZ = 1193182,
};

static struct {
    volatile u32 ticks;
} timer;

static void tick(struct regs *r)
{
    (void)r;
    timer.ticks++;
}

void timer_init(void)
{
    u32 divisor = PIT_HZ / TIMER_HZ;

    intr_handle(VEC_IRQ0, tick);
    outb(PIT_CONTROL, PIT_MODE2_LOHI);
    outb(PIT_CHANNEL0, (u8)divisor);
    outb(PIT_CHANNEL0, (u8)(divisor >> 8));
    intr_unmask(0);
}

u32 timer_ticks(void)
{
    return timer.ticks;
}

void timer_sleep(u32 ticks)
{
    u32 until = timer.ticks + ticks;

    while ((s32)(until - timer.ticks) > 0)
        cpu_idle();
}
