/* Lab 9: the guest that tries the counter, a test ROM (roms/test/lib/test.h). */
#include "roms/test/lib/test.h"

enum {
    PORT = 0x5c0,
    COUNT = PORT,
    LIMIT = PORT + 4,
    CONTROL = PORT + 8,
    STATUS = PORT + 12,
    IRQ = 5,
    PIC_COMMAND = 0x20,
    PIC_MASK = 0x21,
};

static struct {
    volatile u32 interrupts, status;
} guest;

static void on_interrupt(struct frame *f)
{
    (void)f;
    guest.interrupts++;
    guest.status |= inl(STATUS);
    outl(STATUS, 1);
    outb(PIC_COMMAND, 0x20);
}

static void by_polling(void)
{
    u32 now, then;

    CHECK_EQ(inl(STATUS), 0);
    CHECK_EQ(inl(COUNT), 0);
    outl(LIMIT, 500);
    CHECK_EQ(inl(LIMIT), 500);
    outl(CONTROL, 0xfffffffdu); /* bits that are not there stay 0, the interrupt is off */
    CHECK_EQ(inl(CONTROL), 1);
    then = inl(COUNT);
    CHECK(then < 100);
    for (u32 i = 0; i < 100000 && inl(COUNT) < 200; i++)
        continue;
    CHECK(inl(COUNT) >= 200);
    CHECK_EQ(inl(STATUS), 0);
    for (u32 i = 0; i < 100000 && inl(STATUS) == 0; i++)
        continue;
    CHECK_EQ(inl(STATUS), 1);
    now = inl(COUNT);
    CHECK(now < 200); /* it went round */
    outl(STATUS, 0);
    CHECK_EQ(inl(STATUS), 1);
    outl(STATUS, 1);
    CHECK_EQ(inl(STATUS), 0);
    outl(CONTROL, 0);
    CHECK_EQ(inl(COUNT), 0);
    say("polling: ok\n");
}

static void by_interrupts(void)
{
    u64 before, after;

    trap_hook(VEC_IRQ0 + IRQ, on_interrupt);
    outb(PIC_MASK, (u8)~(1u << IRQ));
    outl(LIMIT, 1000);
    outl(CONTROL, 3);
    before = rdtsc();
    while (guest.interrupts < 10)
        cpu_idle();
    after = rdtsc();
    CHECK_EQ(guest.status, 1);
    /* The time-stamp counter counts nanoseconds here: ten times a millisecond. */
    CHECK((u32)(after - before) > 9900000u && (u32)(after - before) < 10100000u);
    outl(CONTROL, 1); /* no more interrupts: the level goes down, or never up */
    cpu_sti();
    while (inl(STATUS) == 0)
        continue;
    cpu_cli();
    CHECK_EQ(guest.interrupts, 10);
    say("interrupts: ok\n");
}

void run_test(void)
{
    by_polling();
    by_interrupts();
}
