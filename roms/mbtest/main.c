/* A multiboot kernel for the boot tests: says on the serial port what it was given, then powers the
 * machine off. */
#include "roms/lib/io.h"
#include "roms/lib/multiboot.h"
#include "roms/lib/power.h"
#include "roms/lib/serial.h"

struct mb_module {
    u32 start, end, string, reserved;
};

void main(u32 magic, const struct mb_info *mbi);

static void hex(const char *name, u32 v)
{
    serial_puts(name);
    for (int shift = 28; shift >= 0; shift -= 4)
        serial_putc("0123456789abcdef"[v >> shift & 15]);
    serial_putc(' ');
}

static void line(const char *name, const char *text)
{
    serial_puts(name);
    serial_puts(text);
    serial_puts("\n");
}

static void show_map(const struct mb_info *mbi)
{
    u32 at = mbi->mmap_addr, end = at + mbi->mmap_length;

    while (at < end) {
        const struct mb_mmap *e = (const struct mb_mmap *)at;

        hex("map ", (u32)(e->base >> 32));
        hex("", (u32)e->base);
        hex("length ", (u32)(e->length >> 32));
        hex("", (u32)e->length);
        hex("type ", e->type);
        serial_puts("\n");
        at += e->size + 4;
    }
}

static void show_modules(const struct mb_info *mbi)
{
    const struct mb_module *m = (const struct mb_module *)mbi->mods_addr;

    for (u32 i = 0; i < mbi->mods_count; i++) {
        line("module ", (const char *)m[i].string);
        serial_puts("contents ");
        for (u32 a = m[i].start; a < m[i].end; a++)
            serial_putc(*(const char *)a);
        serial_puts("\n");
    }
}

/* Initialised and zeroed data: both must have come along. */
static u32 data_word = 0x12345678;
static u32 bss_words[2048];

void main(u32 magic, const struct mb_info *mbi)
{
    u32 bss = 0;

    serial_init();
    line("multiboot kernel", "");
    for (u32 i = 0; i < ARRAY_LEN(bss_words); i++)
        bss |= bss_words[i];
    if (magic != MULTIBOOT_BOOT_MAGIC || data_word != 0x12345678 || bss != 0) {
        line("MULTIBOOT FAIL", "");
        exit_device(1);
    }
    hex("flags ", mbi->flags);
    hex("lower ", mbi->mem_lower);
    hex("upper ", mbi->mem_upper);
    serial_puts("\n");
    line("command line ", (const char *)mbi->cmdline);
    show_modules(mbi);
    show_map(mbi);
    line("MULTIBOOT PASS", "");
    power_off();
    for (;;)
        __asm__ volatile("cli; hlt");
}
