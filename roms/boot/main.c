/* The boot ROM: brings up just enough of the machine to start a kernel given to the emulator, or
 * else the demo guest. */
#include "roms/boot/acpi.h"
#include "roms/boot/chipset.h"
#include "roms/boot/linux.h"
#include "roms/boot/memmap.h"
#include "roms/lib/bootdata.h"
#include "roms/lib/fwcfg.h"
#include "roms/lib/mem.h"
#include "roms/lib/multiboot.h"
#include "roms/lib/serial.h"
#include "roms/lib/vga.h"

enum { DEMO_ADDRESS = 0x20000, DEMO_MAX = 0x10000 };

void main(const u8 *demo, u32 demo_size);

static void say(const char *s)
{
    serial_puts(s);
    for (; *s != 0; s++)
        vga_putc(*s, 0x07);
}

/* Returns only with a reason why nothing started. */
static const char *start_kernel(const struct bootdata *b)
{
    static struct memmap map;
    u32 rsdp;

    memmap_init(&map);
    rsdp = acpi_install(&map);
    memmap_finish(&map);
    if (b->setup != 0 && b->setup_size >= 0x400)
        return linux_start(b, &map, rsdp);
    if (b->entry != 0 && b->initrd != 0) {
        struct mb_info *mbi = (struct mb_info *)b->initrd;

        multiboot_fill(mbi, map.e, map.n);
        multiboot_enter(b->entry, mbi);
    }
    return "the kernel has neither a Linux nor a multiboot header";
}

static void start_demo(const u8 *demo, u32 size)
{
    struct fw_file f;

    /* A payload given on the command line replaces the built-in one. */
    if (fw_find("opt/dragoman/demo", &f) && f.size <= DEMO_MAX)
        fw_read(f.key, (void *)DEMO_ADDRESS, f.size);
    else
        memcpy((void *)DEMO_ADDRESS, demo, size);
    ((void (*)(void))DEMO_ADDRESS)();
}

void main(const u8 *demo, u32 demo_size)
{
    struct bootdata b;
    const char *why;

    serial_init();
    chipset_init();
    pci_init();
    vga_text_mode();
    say("Dragoman boot ROM\n");
    if (bootdata_load(&b)) {
        say("starting the kernel\n");
        why = start_kernel(&b);
        say("boot ROM: ");
        say(why);
        say("\n");
    } else {
        start_demo(demo, demo_size);
    }
    for (;;)
        __asm__ volatile("cli; hlt");
}
