/* The Ctrl-A keys, as people know them from QEMU's -nographic. */
#include "frontend/term/mux.h"

const char mux_help[] = "\r\n"
                        "Ctrl-A h       this help\r\n"
                        "Ctrl-A x       quit\r\n"
                        "Ctrl-A c       switch between serial port and monitor\r\n"
                        "Ctrl-A b       send a break\r\n"
                        "Ctrl-A Ctrl-A  send Ctrl-A\r\n";

enum mux_action mux_key(struct mux *mux, u8 key)
{
    if (!mux->escaped) {
        if (key != MUX_ESCAPE)
            return MUX_BYTE;
        mux->escaped = true;
        return MUX_NONE;
    }
    mux->escaped = false;
    switch (key) {
    case MUX_ESCAPE: return MUX_BYTE;
    case 'x': return MUX_QUIT;
    case 'h':
    case '?': return MUX_HELP;
    case 'b': return MUX_BREAK;
    case 's': return MUX_SYNC;
    case 'c':
        if (mux->n > 1)
            mux->focus = (mux->focus + 1) % mux->n;
        return MUX_SWITCH;
    default: return MUX_NONE;
    }
}
