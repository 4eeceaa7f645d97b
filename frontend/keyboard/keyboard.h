/* The guest's keyboard for whoever knows characters and symbols, not places: VNC clients, terminals,
 * pasted text. */
#ifndef FRONTEND_KEYBOARD_KEYBOARD_H
#define FRONTEND_KEYBOARD_KEYBOARD_H

#include "devices/core/clock.h"
#include "devices/core/ports.h"
#include "frontend/keyboard/layout.h"

enum { KEYBOARD_HELD = 32, KEYBOARD_PASTE = 64 * 1024 };

/* A symbol that is down and the key it went to, which is what its release releases. */
struct held_key {
    u32 sym;
    u16 code;
};

struct keyboard {
    const struct input_sink *sink; /* its key may be NULL */
    const struct layout *layout;
    struct held_key held[KEYBOARD_HELD];
    unsigned nheld;
    /* text being typed, one character at a time of virtual time */
    struct timer timer;
    char *text;
    size_t len, at;
    u16 down; /* key of the character that is being typed, 0: between two */
    struct stroke with;
};

void keyboard_init(struct keyboard *k, const struct input_sink *sink, struct clock *clock,
                   const struct layout *layout);
void keyboard_free(struct keyboard *k);

/* A key by its place. */
void keyboard_code(struct keyboard *k, u16 code, bool down);
/* A key by its X symbol. Shift and AltGr are put as the guest's layout wants them for a character
 * and back again. */
void keyboard_sym(struct keyboard *k, u32 sym, bool down);
/* Release all that is held. */
void keyboard_release(struct keyboard *k);
/* Is one of these symbols held? */
bool keyboard_holds(const struct keyboard *k, u32 sym, u32 other);
/* Press and release what the character (Unicode) is typed with; false: no key for it. */
bool keyboard_tap(struct keyboard *k, u32 character, bool ctrl, bool alt);
/* Type `text` (UTF-8; control characters other than line ends and tabs are left out) as fast as a
 * guest can take it. What does not fit is cut. Returns how many bytes were taken. */
size_t keyboard_paste(struct keyboard *k, const char *text, size_t len);

#endif
