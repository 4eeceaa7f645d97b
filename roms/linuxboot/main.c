/* Direct start of a Linux bzImage under a BIOS: copies everything, then real-mode set-up code
 * (Linux Documentation/x86/boot). */
#include "roms/lib/bootdata.h"
#include "roms/lib/loader.h"

u32 loader_main(const struct e820 *map, u32 n, u16 *stack)
{
    struct bootdata b;
    u32 top;

    /* The set-up code asks the firmware for the memory map itself. */
    (void)map;
    (void)n;
    if (!bootdata_load(&b) || b.setup == 0)
        loader_fail("no Linux kernel was given (-kernel)");
    /* The set-up code may use memory from its own end up to the command line as heap and stack. */
    top = b.cmdline - b.setup;
    *stack = (u16)(top > 0x1000 && top <= 0x10000 ? top - 16 : 0xfff0);
    return b.setup >> 4;
}
