/* X key symbols, by which RFB clients name keys (X11 keysymdef.h; RFC 6143, 7.5.4). */
#ifndef FRONTEND_KEYBOARD_KEYSYM_H
#define FRONTEND_KEYBOARD_KEYSYM_H

#include "devices/core/types.h"

/* The character of a symbol (Unicode), 0: it has none. */
u32 keysym_character(u32 sym);
/* The PS/2 set-1 code of a key that is the same on every layout, 0: not one of those. */
u16 keysym_code(u32 sym);

#endif
