/* The end of a boot that cannot go on. */
#include "roms/lib/loader.h"
#include "roms/lib/io.h"
#include "roms/lib/serial.h"

void loader_fail(const char *why)
{
    serial_init();
    serial_puts("boot ROM: ");
    serial_puts(why);
    serial_puts("\n");
    for (;;)
        __asm__ volatile("cli; hlt");
}
