/* Writes that are to be forgotten: chunks in memory over an image that is only read (-snapshot). */
#include "frontend/image/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BITS = 16, CHUNK = 1 << CHUNK_BITS };

struct overlay {
    u8 **chunk; /* NULL: not written yet */
    u64 n;
};

static u8 *chunk_for_write(struct image *im, u64 i, int *rc)
{
    struct overlay *o = im->priv;
    u8 *p = o->chunk[i];

    if (p)
        return p;
    p = malloc(CHUNK);
    *rc = p ? image_read_backing(im, i << CHUNK_BITS, p, CHUNK) : ENOMEM;
    if (*rc) {
        free(p);
        return NULL;
    }
    o->chunk[i] = p;
    return p;
}

static int memory_write(struct image *im, u64 off, const u8 *buf, size_t n)
{
    int rc = 0;

    while (n) {
        size_t at = off & (CHUNK - 1), part = MIN(n, CHUNK - at);
        u8 *p = chunk_for_write(im, off >> CHUNK_BITS, &rc);

        if (!p)
            return rc;
        memcpy(p + at, buf, part);
        off += part;
        buf += part;
        n -= part;
    }
    return 0;
}

static int memory_read(struct image *im, u64 off, u8 *buf, size_t n)
{
    struct overlay *o = im->priv;

    while (n) {
        size_t at = off & (CHUNK - 1), part = MIN(n, CHUNK - at);
        u64 i = off >> CHUNK_BITS;
        int rc = 0;

        if (o->chunk[i]) {
            memcpy(buf, o->chunk[i] + at, part);
        } else {
            /* as far as nothing was written, in one piece */
            while (part < n && !o->chunk[++i])
                part = MIN(n, part + CHUNK);
            rc = image_read_backing(im, off, buf, part);
        }
        if (rc)
            return rc;
        off += part;
        buf += part;
        n -= part;
    }
    return 0;
}

static int memory_flush(struct image *im)
{
    return 0;
}

static int memory_empty(struct image *im)
{
    struct overlay *o = im->priv;

    for (u64 i = 0; i < o->n; i++) {
        free(o->chunk[i]);
        o->chunk[i] = NULL;
    }
    return 0;
}

static int memory_map(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind)
{
    struct overlay *o = im->priv;
    u64 i = off >> CHUNK_BITS, end = (off + n - 1) >> CHUNK_BITS;
    bool here = o->chunk[i];

    while (i < end && !!o->chunk[i + 1] == here)
        i++;
    *run = MIN(n, ((i + 1) << CHUNK_BITS) - off);
    *kind = here ? MAP_DATA : MAP_NONE;
    return 0;
}

static int memory_close(struct image *im)
{
    struct overlay *o = im->priv;

    if (o) {
        memory_empty(im);
        free(o->chunk);
        free(o);
    }
    return 0;
}

const struct image_driver image_memory = {
    .name = "memory",
    .close = memory_close,
    .read = memory_read,
    .write = memory_write,
    .empty = memory_empty,
    .flush = memory_flush,
    .map = memory_map,
};

struct image *image_memory_over(struct image *backing)
{
    struct image *im = calloc(1, sizeof(*im));
    struct overlay *o = calloc(1, sizeof(*o));
    u64 n = (backing->size + CHUNK - 1) >> CHUNK_BITS;

    if (im && o && (o->chunk = calloc(n + 1, sizeof(*o->chunk))) &&
        (im->path = strdup(backing->path))) {
        o->n = n;
        im->priv = o;
        im->drv = &image_memory;
        im->backing = backing;
        im->size = backing->size;
        im->writable = true;
        return im;
    }
    if (o)
        free(o->chunk);
    free(o);
    free(im);
    return NULL;
}

void image_memory_drop(struct image *over)
{
    if (!over)
        return;
    over->backing = NULL;
    image_close(over);
}
