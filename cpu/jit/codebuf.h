/* Memory for translated code: writable and executable, never both at one address at a time. Either
 * one set of pages is mapped twice, or one mapping is switched between the two. */
#ifndef CPU_JIT_CODEBUF_H
#define CPU_JIT_CODEBUF_H

#include "devices/core/types.h"

struct err;

enum codebuf_way {
    CODEBUF_AUTO,   /* what the host allows of these, in this order (macOS: one mapping only) */
    CODEBUF_DUAL,   /* two mappings: nothing is switched */
    CODEBUF_SINGLE, /* one, whose pages are switched; with MAP_JIT, by thread (macOS) */
    CODEBUF_NONE,   /* none, as from a host that refuses: for tests */
};

struct codebuf {
    u8 *rw;
    const u8 *rx; /* the same as rw with one mapping */
    size_t size;
    enum codebuf_way way; /* CODEBUF_DUAL or CODEBUF_SINGLE */
    size_t page;          /* of the host; 0: nothing is switched by pages */
    unsigned writers;     /* codebuf_begin without their codebuf_end */
    u8 *lo, *hi;          /* pages that are writable now, with one mapping */
};

/* Parse dual|single|none|auto into *way; false with a sentence. */
bool codebuf_parse_way(const char *text, enum codebuf_way *way, struct err *err);
/* The ways to try for `way`, best first, in `tries`; how many. Of CODEBUF_AUTO the environment's
 * DRAGOMAN_JIT_MAP may choose one, in the words of codebuf_parse_way. */
enum { CODEBUF_TRIES = 2 };
unsigned codebuf_tries(enum codebuf_way way, enum codebuf_way tries[CODEBUF_TRIES]);
/* `size` bytes by two mappings or by one. False with a sentence: the host does not allow that. */
bool codebuf_init(struct codebuf *buf, size_t size, enum codebuf_way way, struct err *err);
void codebuf_free(struct codebuf *buf);

/* Code is written between these, which may be nested. With one mapping nothing runs from it in
 * between, and only what codebuf_write names may be written: [p, p+n), writable alias. */
void codebuf_begin_(struct codebuf *buf);
void codebuf_write_(struct codebuf *buf, u8 *p, size_t n);
void codebuf_end_(struct codebuf *buf);
/* This thread is about to run code. */
void codebuf_thread_(void);

static inline void codebuf_begin(struct codebuf *buf)
{
    if (UNLIKELY(buf->way == CODEBUF_SINGLE))
        codebuf_begin_(buf);
}
static inline void codebuf_write(struct codebuf *buf, u8 *p, size_t n)
{
    if (UNLIKELY(buf->page != 0))
        codebuf_write_(buf, p, n);
}
static inline void codebuf_end(struct codebuf *buf)
{
    if (UNLIKELY(buf->way == CODEBUF_SINGLE))
        codebuf_end_(buf);
}
static inline void codebuf_thread(const struct codebuf *buf)
{
    if (UNLIKELY(buf->way == CODEBUF_SINGLE && !buf->page))
        codebuf_thread_();
}

/* No block's code is longer: pages of one mapping are switched for so much. */
enum { BLOCK_MOST = 128 * 1024 };
/* Where a block ends at the latest that begins at `p` with room up to `end`. */
static inline u8 *codebuf_room(u8 *p, u8 *end)
{
    return end - p > BLOCK_MOST ? p + BLOCK_MOST : end;
}

static inline const u8 *codebuf_rx(const struct codebuf *buf, const u8 *rw)
{
    return buf->rx + (rw - buf->rw);
}
static inline u8 *codebuf_rw(const struct codebuf *buf, const u8 *rx)
{
    return buf->rw + (rx - buf->rx);
}

#endif
