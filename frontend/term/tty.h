/* The terminal of the process in raw mode, put back at every way out. */
#ifndef FRONTEND_TERM_TTY_H
#define FRONTEND_TERM_TTY_H

#include "devices/core/types.h"

/* Make the terminal on descriptor fd raw: keys arrive one by one, without echo. With `signals`
 * Ctrl-C and the like still raise signals. No-op when fd is no terminal. The old mode is restored
 * by tty_restore, at exit, and on fatal signals. */
void tty_raw(int fd, bool signals);
void tty_restore(void);

#endif
