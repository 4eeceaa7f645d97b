/* Polled driver of a 16550A at COM1 (National Semiconductor PC16550D data sheet). */
#include "roms/lib/serial.h"
#include "roms/lib/io.h"

enum {
    UART_DATA = COM1 + 0,
    UART_IER = COM1 + 1,
    UART_FCR = COM1 + 2,
    UART_LCR = COM1 + 3,
    UART_MCR = COM1 + 4,
    UART_LSR = COM1 + 5,

    LCR_8N1 = 0x03,
    LCR_DLAB = 0x80,
    FCR_ENABLE_CLEAR = 0x07,
    MCR_DTR_RTS_OUT2 = 0x0b,
    LSR_DATA = 0x01,
    LSR_THR_EMPTY = 0x20,
};

void serial_init(void)
{
    outb(UART_IER, 0);
    outb(UART_LCR, LCR_DLAB | LCR_8N1);
    outb(UART_DATA, 1); /* divisor 1: 115200 baud */
    outb(UART_IER, 0);
    outb(UART_LCR, LCR_8N1);
    outb(UART_FCR, FCR_ENABLE_CLEAR);
    outb(UART_MCR, MCR_DTR_RTS_OUT2);
}

void serial_putc(char c)
{
    for (int i = 0; i < 100000; i++) {
        if ((inb(UART_LSR) & LSR_THR_EMPTY) != 0)
            break;
    }
    outb(UART_DATA, (u8)c);
}

void serial_puts(const char *s)
{
    for (; *s != 0; s++) {
        if (*s == '\n')
            serial_putc('\r');
        serial_putc(*s);
    }
}

int serial_getc(void)
{
    u8 lsr = inb(UART_LSR);

    /* An absent port reads as all ones. */
    if (lsr == 0xff || (lsr & LSR_DATA) == 0)
        return -1;
    return inb(UART_DATA);
}
