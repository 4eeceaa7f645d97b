/* 9P messages as bytes: bounded reading and writing, little-endian (9P2000.L protocol). */
#ifndef FRONTEND_FS_P9_WIRE_H
#define FRONTEND_FS_P9_WIRE_H

#include "devices/core/bits.h"

/* A message being read; `bad` sticks once something was not there. */
struct p9_in {
    const u8 *p;
    size_t n, at;
    bool bad;
};

static inline const u8 *in_bytes(struct p9_in *in, size_t n)
{
    const u8 *p = in->p + in->at;

    if (in->bad || n > in->n - in->at) {
        in->bad = true;
        return NULL;
    }
    in->at += n;
    return p;
}

static inline u64 in_num(struct p9_in *in, unsigned size)
{
    const u8 *p = in_bytes(in, size);

    return p ? ld_le(p, size) : 0;
}

/* A string into a buffer; one that is too long or holds a zero byte is bad. */
static inline void in_str(struct p9_in *in, char *to, size_t size)
{
    size_t n = (size_t)in_num(in, 2);
    const u8 *p = in_bytes(in, n);

    to[0] = 0;
    if (!p || n >= size || memchr(p, 0, n)) {
        in->bad = true;
        return;
    }
    memcpy(to, p, n);
    to[n] = 0;
}

/* An answer being written; `full` sticks once something had no room. */
struct p9_out {
    u8 *p;
    size_t n, at;
    bool full;
};

static inline u8 *out_bytes(struct p9_out *out, size_t n)
{
    u8 *p = out->p + out->at;

    if (out->full || n > out->n - out->at) {
        out->full = true;
        return NULL;
    }
    out->at += n;
    return p;
}

static inline void out_num(struct p9_out *out, unsigned size, u64 v)
{
    u8 *p = out_bytes(out, size);

    if (p)
        st_le(p, size, v);
}

static inline void out_str(struct p9_out *out, const char *s)
{
    size_t n = strlen(s);
    u8 *p;

    out_num(out, 2, n);
    p = out_bytes(out, n);
    if (p)
        memcpy(p, s, n);
}

#endif
