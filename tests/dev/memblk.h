/* A struct blk in memory for device tests: requests wait until the test lets them end, or end after
 * a virtual delay. */
#ifndef TESTS_DEV_MEMBLK_H
#define TESTS_DEV_MEMBLK_H

#include "devices/core/clock.h"
#include "devices/core/ports.h"

#include <stdlib.h>
#include <string.h>

struct memblk {
    struct blk blk;
    u8 *data;
    struct timer timer;
    struct clock *clock;
    struct blk_req *first;
    u64 delay;
    int fail;           /* the errno with which requests end; 0: they succeed */
    unsigned reads, writes, flushes, discards, cancels;
};

static inline void memblk_fire(void *arg, u64 now)
{
    struct memblk *m = arg;
    struct blk_req *req = m->first;

    if (!req)
        return;
    m->first = req->next;
    req->status = m->fail;
    if (!m->fail && req->op != BLK_FLUSH &&
        (req->off > m->blk.size || req->len > m->blk.size - req->off))
        req->status = 5;
    if (!req->status && req->op == BLK_READ)
        memcpy(req->buf, m->data + req->off, req->len);
    if (!req->status && req->op == BLK_WRITE)
        memcpy(m->data + req->off, req->buf, req->len);
    if (!req->status && req->op == BLK_DISCARD)
        memset(m->data + req->off, 0, req->len);
    m->reads += req->op == BLK_READ;
    m->writes += req->op == BLK_WRITE;
    m->flushes += req->op == BLK_FLUSH;
    m->discards += req->op == BLK_DISCARD;
    if (m->first)
        timer_set(&m->timer, clock_now(m->clock) + m->delay);
    req->done(req);
}

static inline void memblk_submit(struct blk *blk, struct blk_req *req)
{
    struct memblk *m = (struct memblk *)blk;
    struct blk_req **p = &m->first;

    while (*p)
        p = &(*p)->next;
    req->next = NULL;
    *p = req;
    if (!timer_pending(&m->timer))
        timer_set(&m->timer, clock_now(m->clock) + m->delay);
}

static inline void memblk_cancel(struct blk *blk, struct blk_req *req)
{
    struct memblk *m = (struct memblk *)blk;
    struct blk_req **p = &m->first;

    while (*p && *p != req)
        p = &(*p)->next;
    if (*p)
        *p = req->next;
    m->cancels++;
    if (!m->first)
        timer_cancel(&m->timer);
}

/* Over `size` bytes at `data` that the caller owns. */
static inline void memblk_init(struct memblk *m, struct clock *clock, u8 *data, u64 size)
{
    static const struct blk_ops ops = {memblk_submit, memblk_cancel};

    memset(m, 0, sizeof *m);
    m->blk.ops = &ops;
    m->blk.size = size;
    m->blk.inserted = size != 0;
    m->data = data;
    m->clock = clock;
    m->delay = 1000;
    timer_init(&m->timer, clock, memblk_fire, m, "memblk");
}

/* `size` bytes, each sector filled with its number. */
static inline struct memblk *memblk_new(struct clock *clock, u64 size, unsigned sector)
{
    struct memblk *m = malloc(sizeof *m);
    u8 *data = malloc(size ? size : 1);
    u64 i;

    for (i = 0; i < size; i++)
        data[i] = (u8)(i / sector * 7 + i % sector);
    memblk_init(m, clock, data, size);
    return m;
}

static inline void memblk_free(struct memblk *m)
{
    timer_cancel(&m->timer);
    free(m->data);
    free(m);
}

#endif
