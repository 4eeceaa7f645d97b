/* Memory for translated code: one set of pages mapped twice, writable and executable, never both at
 * one address. */
#ifndef CPU_JIT_CODEBUF_H
#define CPU_JIT_CODEBUF_H

#include "devices/core/types.h"

struct err;

struct codebuf {
    u8 *rw;
    const u8 *rx;
    size_t size;
};

bool codebuf_init(struct codebuf *buf, size_t size, struct err *err);
void codebuf_free(struct codebuf *buf);
static inline const u8 *codebuf_rx(const struct codebuf *buf, const u8 *rw)
{
    return buf->rx + (rw - buf->rw);
}
static inline u8 *codebuf_rw(const struct codebuf *buf, const u8 *rx)
{
    return buf->rw + (rx - buf->rx);
}

#endif
