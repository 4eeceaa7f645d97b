/* The text screen in a terminal, through ncurses. */
#ifndef FRONTEND_CURSES_CURSES_H
#define FRONTEND_CURSES_CURSES_H

#include "devices/core/err.h"

struct vm;
struct curses;

/* Does ncurses know the terminal (TERM) of standard output, and can it show a screen there? */
bool curses_usable(void);
/* Take the terminal and hook into the machine's loop. NULL with *err. */
struct curses *curses_open(struct vm *vm, struct err *err);
void curses_close(struct curses *c); /* NULL is fine; gives the terminal back */

#endif
