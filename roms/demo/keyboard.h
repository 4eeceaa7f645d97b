/* Keys from the PS/2 keyboard as characters. */
#ifndef ROMS_DEMO_KEYBOARD_H
#define ROMS_DEMO_KEYBOARD_H

#include "devices/core/types.h"

void keyboard_init(void);
/* The next character typed, or -1. Letters, digits, punctuation, '\n', '\b', 27 for Esc. */
int keyboard_get(void);
/* Make the controller deliver `scancode` as if a key had sent it. */
void keyboard_inject(u8 scancode);

#endif
