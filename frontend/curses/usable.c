/* Can ncurses use this terminal? Apart from curses.c, since term.h makes macros of common words. */
#include "frontend/curses/curses.h"

#include "config.h"

#ifdef CONFIG_CURSES
#include <curses.h>
#include <term.h>
#include <unistd.h>

bool curses_usable(void)
{
    const char *move;
    int status;

    if (setupterm(NULL, STDOUT_FILENO, &status) != OK)
        return false;
    move = tigetstr("cup"); /* puts the cursor somewhere; terminals without it are typewriters */
    del_curterm(cur_term);
    return move && move != (const char *)-1;
}

#else

bool curses_usable(void)
{
    return false;
}

#endif
