/* Framing of requests by counting brackets outside strings. */
#include "frontend/qmp/frame.h"

#include <stdlib.h>
#include <string.h>

/* Buffers that one long request made are not kept for the next. */
enum { KEEP = 64 * 1024 };

void frame_reset(struct frame *f)
{
    char *text = f->text;
    size_t cap = f->cap;

    if (cap > KEEP) {
        free(text);
        text = NULL;
        cap = 0;
    }
    memset(f, 0, sizeof(*f));
    f->text = text;
    f->cap = cap;
}

void frame_free(struct frame *f)
{
    free(f->text);
    memset(f, 0, sizeof(*f));
}

static enum frame_result keep(struct frame *f, u8 c)
{
    if (f->len == FRAME_MAX)
        return FRAME_TOO_LONG;
    if (f->len == f->cap) {
        size_t cap = f->cap ? MIN(f->cap * 2, (size_t)FRAME_MAX) : 1024;
        char *p = realloc(f->text, cap);

        if (!p)
            return FRAME_NO_MEMORY;
        f->text = p;
        f->cap = cap;
    }
    f->text[f->len++] = (char)c;
    return FRAME_MORE;
}

static enum frame_result refuse(struct frame *f, enum frame_result why)
{
    f->refused = true;
    return why;
}

/* Between requests. */
static enum frame_result outside(struct frame *f, u8 c)
{
    if (c == '{' || c == '[') {
        frame_reset(f);
        f->started = true;
        f->depth = 1;
        return keep(f, c);
    }
    if (c == '\n')
        f->junk = false;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || f->junk)
        return FRAME_MORE;
    f->junk = true;
    return FRAME_JUNK;
}

/* Where are we behind this byte? False: it cannot be there. */
static bool step(struct frame *f, u8 c)
{
    if (f->string) {
        if (c < 0x20)
            return false;
        if (!f->escaped && c == '"')
            f->string = false;
        f->escaped = !f->escaped && c == '\\';
        return true;
    }
    if (c == '"')
        f->string = true;
    else if ((c == '{' || c == '[') && f->depth < ~0u)
        f->depth++;
    else if (c == '}' || c == ']')
        f->depth--;
    return true;
}

enum frame_result frame_byte(struct frame *f, u8 c)
{
    enum frame_result r;

    if (!f->started)
        return outside(f, c);
    if (f->refused) {
        if (c == '\n' || !step(f, c) || !f->depth)
            f->started = f->refused = false;
        return FRAME_MORE;
    }
    if (!step(f, c)) { /* a string that was never closed: the next line begins anew */
        f->started = false;
        f->junk = c != '\n';
        return FRAME_JUNK;
    }
    if (f->depth > FRAME_DEPTH)
        return refuse(f, FRAME_TOO_DEEP);
    r = keep(f, c);
    if (r != FRAME_MORE)
        return f->depth ? refuse(f, r) : (f->started = false, r);
    if (f->depth)
        return FRAME_MORE;
    f->started = false;
    return FRAME_WHOLE;
}
