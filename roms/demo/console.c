/* Formatted text on the VGA text screen and COM1. */
#include "roms/demo/console.h"
#include "roms/lib/serial.h"
#include "roms/lib/vga.h"

#include <stdarg.h>

static struct {
    bool graphics;
} console;

void print_char(char c)
{
    char s[2] = {c, 0};

    serial_puts(s);
    if (c == '\b')
        serial_puts(" \b");
    if (!console.graphics)
        vga_putc(c, 0x07);
}

static void print_str(const char *s)
{
    while (*s != 0)
        print_char(*s++);
}

static void print_unsigned(u32 v)
{
    char buf[11];
    int i = sizeof(buf) - 1;

    buf[i] = 0;
    do {
        buf[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    print_str(buf + i);
}

static void print_hex(u32 v)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        print_char("0123456789abcdef"[v >> shift & 15]);
}

static void print_signed(s32 v)
{
    if (v < 0) {
        print_char('-');
        print_unsigned(0u - (u32)v);
    } else {
        print_unsigned((u32)v);
    }
}

void print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    for (; *fmt != 0; fmt++) {
        if (*fmt != '%') {
            print_char(*fmt);
            continue;
        }
        switch (*++fmt) {
        case 's': print_str(va_arg(ap, const char *)); break;
        case 'c': print_char((char)va_arg(ap, int)); break;
        case 'u': print_unsigned(va_arg(ap, u32)); break;
        case 'd': print_signed(va_arg(ap, s32)); break;
        case 'x': print_hex(va_arg(ap, u32)); break;
        default: print_char(*fmt); break;
        }
    }
    va_end(ap);
}

void console_graphics(bool on)
{
    console.graphics = on;
    if (!on)
        vga_text_mode();
}

void console_init(void)
{
    static const char *const bar = "                                        ";

    serial_init();
    console_graphics(false);
    vga_at(0, 0, bar, 0x1f);
    vga_at(0, 40, bar, 0x1f);
    vga_at(0, 2, "Dragoman demo: a PC in software", 0x1f);
    serial_puts("Dragoman demo: a PC in software");
    print("\n");
}
