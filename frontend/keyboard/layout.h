/* Keyboard layouts: which key, with which modifiers, the guest takes for a character. */
#ifndef FRONTEND_KEYBOARD_LAYOUT_H
#define FRONTEND_KEYBOARD_LAYOUT_H

#include "devices/core/types.h"

struct layout;

/* How a character is typed: a PS/2 set-1 code and what is held with it. */
struct stroke {
    u16 code;
    bool shift, altgr;
};

/* Names of all layouts, NULL-ended; the first is the default. */
extern const char *const layout_names[];
/* NULL: there is none of that name. */
const struct layout *layout_find(const char *name);
/* False: the layout has no key for that character (Unicode; \n and \t are keys). */
bool layout_stroke(const struct layout *l, u32 character, struct stroke *s);

#endif
