/* Text output of the demo: the screen and the serial port show the same. */
#ifndef ROMS_DEMO_CONSOLE_H
#define ROMS_DEMO_CONSOLE_H

#include "devices/core/types.h"

/* Both outputs ready, the screen in text mode with the banner. */
void console_init(void);
/* A graphic mode is on (false: text again, with a cleared screen): text goes to the serial port
 * only. */
void console_graphics(bool on);
void print_char(char c);
/* A small printf: %s %c %u %d %x (eight digits) %%. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
