/* Direct start of a multiboot kernel under a BIOS: the host has laid out the segments, modules and
 * the information block. */
#include "roms/lib/bootdata.h"
#include "roms/lib/loader.h"

u32 loader_main(const struct e820 *map, u32 n, u16 *stack)
{
    struct bootdata b;
    struct mb_info *mbi;

    (void)stack;
    if (!bootdata_load(&b) || b.entry == 0 || b.initrd == 0)
        loader_fail("no multiboot kernel was given (-kernel)");
    mbi = (struct mb_info *)b.initrd;
    multiboot_fill(mbi, map, n);
    multiboot_enter(b.entry, mbi);
}
