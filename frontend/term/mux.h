/* The Ctrl-A keys of a terminal that serial ports and a monitor share: pure state, no descriptors.
 */
#ifndef FRONTEND_TERM_MUX_H
#define FRONTEND_TERM_MUX_H

#include "devices/core/types.h"

enum { MUX_ESCAPE = 0x01 }; /* Ctrl-A */

struct mux {
    bool escaped;   /* the last key was the escape */
    unsigned n;     /* how many share it */
    unsigned focus; /* which one gets the keys */
};

enum mux_action {
    MUX_NONE,   /* part of an escape: nothing yet */
    MUX_BYTE,   /* give the key to the one in focus */
    MUX_QUIT,   /* x */
    MUX_SWITCH, /* c: focus has moved */
    MUX_HELP,   /* h or ? */
    MUX_BREAK,  /* b: a serial break */
    MUX_SYNC,   /* s: write out disks */
};

/* One key. For MUX_BYTE the key to pass on is the one given. */
enum mux_action mux_key(struct mux *mux, u8 key);

/* What Ctrl-A h prints; lines end in CR LF. */
extern const char mux_help[];

#endif
