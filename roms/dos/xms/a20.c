/* Address line 20, which a PC can hold at 0 so that addresses wrap at 1 MiB as the 8086's did. */
#include "roms/dos/lib/int.h"
#include "roms/dos/xms/xms.h"
#include "roms/lib/io.h"

enum {
    PORT_FAST = 0x92,
    FAST_A20 = 2,
    FAST_RESET = 1,
    KBC_STATUS = 0x64,
    KBC_COMMAND = 0x64,
    KBC_DATA = 0x60,
    KBC_FULL = 2,
    KBC_WRITE_OUTPUT = 0xd1,
    KBC_A20_ON = 0xdf, /* output port: also "no reset", clock and data high */
    KBC_A20_OFF = 0xdd,
    KBC_NOTHING = 0xff,
};

/* A doubleword of the interrupt table (vector 80h is nobody's) and the one a mebibyte above. */
bool a20_is_on(void)
{
    u32 low = peek32(0, 0x200), high = peek32(0xffff, 0x210);
    bool on;

    if (low != high)
        return true;
    poke32(0, 0x200, ~low);
    on = peek32(0xffff, 0x210) == high;
    poke32(0, 0x200, low);
    return on;
}

static void by_bios(bool on)
{
    struct cpu_regs r = {.eax = on ? 0x2401 : 0x2400};

    cpu_int(0x15, &r);
}

static void by_port92(bool on)
{
    u8 v = inb(PORT_FAST);

    v = on ? v | FAST_A20 : v & (u8)~FAST_A20;
    outb(PORT_FAST, v & (u8)~FAST_RESET);
}

static void kbc_wait(void)
{
    u32 i;

    for (i = 0; i < 0x10000 && (inb(KBC_STATUS) & KBC_FULL) != 0; i++)
        ;
}

static void by_keyboard(bool on)
{
    kbc_wait();
    outb(KBC_COMMAND, KBC_WRITE_OUTPUT);
    kbc_wait();
    outb(KBC_DATA, on ? KBC_A20_ON : KBC_A20_OFF);
    kbc_wait();
    outb(KBC_COMMAND, KBC_NOTHING); /* gives slow controllers time to do it */
    kbc_wait();
}

bool a20_set(bool on)
{
    static void (*const way[])(bool on) = {by_bios, by_port92, by_keyboard};
    u32 i;

    for (i = 0; i < ARRAY_LEN(way); i++) {
        if (a20_is_on() == on)
            return true;
        way[i](on);
    }
    return a20_is_on() == on;
}
