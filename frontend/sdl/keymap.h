/* SDL scan codes (places on the keyboard) as PS/2 set-1 codes. */
#ifndef FRONTEND_SDL_KEYMAP_H
#define FRONTEND_SDL_KEYMAP_H

#include "devices/core/types.h"

/* The set-1 code of an SDL scan code, 0 when the PC keyboard has no such key. */
u16 keymap_set1(u32 scancode);

#endif
