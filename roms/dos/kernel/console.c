/* The console: characters go to the screen by the BIOS (INT 10h AH=0Eh) and, so that tests can read
 * them, to the first serial port and to port E9; keys come from the BIOS (INT 16h). */
#include "roms/dos/kernel/kernel.h"
#include "roms/dos/lib/int.h"
#include "roms/lib/io.h"
#include "roms/lib/serial.h"

static struct {
    u8 pending; /* scan code of an extended key whose 0 has been delivered */
} con;

void con_init(void)
{
    con.pending = 0;
    serial_init();
}

void con_put(char c)
{
    struct cpu_regs r = {.ax = (u16)(0x0e00 | (u8)c), .bx = 7};

    outb(0xe9, (u8)c);
    serial_putc(c);
    cpu_int(0x10, &r);
}

void con_puts(const char *s)
{
    for (; *s != 0; s++) {
        if (*s == '\n')
            con_put('\r');
        con_put(*s);
    }
}

bool con_ready(void)
{
    struct cpu_regs r = {.ax = 0x0100};

    if (con.pending != 0)
        return true;
    cpu_int(0x16, &r);
    return (r.flags & FLAG_ZF) == 0;
}

u8 con_get(void)
{
    struct cpu_regs r = {.ax = 0};
    u8 c = con.pending;

    if (c != 0) {
        con.pending = 0;
        return c;
    }
    cpu_int(0x16, &r);
    if (r.al == 0)
        con.pending = r.ah;
    return r.al;
}

u32 con_line(char *buf, u32 max)
{
    u32 n = 0;

    for (;;) {
        u8 c = con_get();

        if (c == '\r')
            return n;
        if (c == '\b') {
            if (n > 0) {
                n--;
                con_puts("\b \b");
            }
        } else if (c == 0) {
            con_get(); /* no use for function keys here */
        } else if (n < max) {
            buf[n++] = (char)c;
            con_put((char)c);
        }
    }
}
