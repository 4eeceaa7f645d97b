/* Cutting a stream of bytes into JSON objects, with limits on length and depth, before anything
 * parses them (RFC 8259 for what a string is). */
#ifndef FRONTEND_QMP_FRAME_H
#define FRONTEND_QMP_FRAME_H

#include "devices/core/types.h"

enum { FRAME_MAX = 1 << 20, FRAME_DEPTH = 64 };

enum frame_result {
    FRAME_MORE,     /* nothing yet */
    FRAME_WHOLE,    /* text[0..len) is an object or array: balanced, but not looked into */
    FRAME_JUNK,     /* a byte that no request begins with, or a raw control character in a string */
    FRAME_TOO_LONG, /* longer than FRAME_MAX */
    FRAME_TOO_DEEP, /* nested deeper than FRAME_DEPTH */
    FRAME_NO_MEMORY,
};

/* Zeroed before use. After a refusal the rest of the request is skipped: to where its brackets
 * close, or to the end of the line. */
struct frame {
    char *text;
    size_t len, cap;
    u32 depth;
    bool started; /* inside a request */
    bool string, escaped;
    bool junk;    /* skip to the end of the line or the next opening bracket */
    bool refused; /* skip to the end of the line or of the request */
};

/* Take the next byte. After FRAME_WHOLE the text is valid until the next call. */
enum frame_result frame_byte(struct frame *f, u8 c);
/* Forget what was begun: a new peer. */
void frame_reset(struct frame *f);
void frame_free(struct frame *f);

#endif
