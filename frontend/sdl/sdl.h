/* The window: picture, keyboard and mouse through SDL2. Without CONFIG_SDL opening it is an error.
 */
#ifndef FRONTEND_SDL_SDL_H
#define FRONTEND_SDL_SDL_H

#include "devices/core/err.h"

struct vm;
struct sdl;

/* Can a display be opened, by what the environment names? */
bool sdl_usable(void);
/* Open a window for the machine's display and hook it into the machine's loop. NULL with *err. */
struct sdl *sdl_open(struct vm *vm, struct err *err);
void sdl_close(struct sdl *sdl); /* NULL is fine */

#endif
