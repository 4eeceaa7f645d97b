/* The first serial port, polled. */
#ifndef ROMS_LIB_SERIAL_H
#define ROMS_LIB_SERIAL_H

#include "devices/core/types.h"

enum { COM1 = 0x3f8 };

/* 115200 baud, 8 data bits, no parity, FIFOs on, no interrupts. */
void serial_init(void);
/* Send one byte; waits a bounded time for room, so a machine without the port does not hang. */
void serial_putc(char c);
/* Send a string; "\n" goes out as CR LF. */
void serial_puts(const char *s);
/* The next received byte, or -1. */
int serial_getc(void);

#endif
