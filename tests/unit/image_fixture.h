/* A disk for tests of images: a file in memory that outlives its openings and notes every write, so
 * that power can be cut anywhere; and a model that follows random operations. */
#ifndef TESTS_UNIT_IMAGE_FIXTURE_H
#define TESTS_UNIT_IMAGE_FIXTURE_H

#include "frontend/image/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the disk ---- */

enum disk_what { DISK_WRITE, DISK_ZERO, DISK_TRUNCATE, DISK_FLUSH };
struct disk_event {
    enum disk_what what;
    u64 off, n;
    u8 *data;
};
struct disk {
    u8 *data;
    u64 size, room;
    bool log;
    struct disk_event *ev;
    size_t nev, room_ev;
    u64 limit;      /* writes that would make it longer fail with ENOSPC; 0: none */
    bool bad_flush; /* flushes fail */
};
struct disk_file {
    struct file f;
    struct disk *d;
};

static void disk_note(struct disk *d, enum disk_what what, u64 off, u64 n, const u8 *data)
{
    struct disk_event *e;

    if (!d->log)
        return;
    if (d->nev == d->room_ev) {
        d->room_ev = d->room_ev ? d->room_ev * 2 : 256;
        d->ev = realloc(d->ev, d->room_ev * sizeof(*d->ev));
    }
    e = &d->ev[d->nev++];
    *e = (struct disk_event){what, off, n, NULL};
    if (data) {
        e->data = malloc(n);
        memcpy(e->data, data, n);
    }
}

static void disk_forget(struct disk *d)
{
    for (size_t i = 0; i < d->nev; i++)
        free(d->ev[i].data);
    d->nev = 0;
}

static void disk_room(struct disk *d, u64 size)
{
    if (size > d->room) {
        u64 room = size * 2;

        d->data = realloc(d->data, room);
        memset(d->data + d->room, 0, room - d->room);
        d->room = room;
    }
}

static void disk_apply(struct disk *d, const struct disk_event *e)
{
    switch (e->what) {
    case DISK_WRITE:
        disk_room(d, e->off + e->n);
        memcpy(d->data + e->off, e->data, e->n);
        d->size = MAX(d->size, e->off + e->n);
        break;
    case DISK_ZERO:
        if (e->off < d->size)
            memset(d->data + e->off, 0, MIN(e->n, d->size - e->off));
        break;
    case DISK_TRUNCATE:
        disk_room(d, e->off);
        if (e->off < d->size)
            memset(d->data + e->off, 0, d->size - e->off);
        d->size = e->off;
        break;
    case DISK_FLUSH: break;
    }
}

static int disk_read(struct file *f, u64 off, u8 *buf, size_t n)
{
    memcpy(buf, container_of(f, struct disk_file, f)->d->data + off, n);
    return 0;
}

static int disk_write(struct file *f, u64 off, const u8 *buf, size_t n)
{
    struct disk *d = container_of(f, struct disk_file, f)->d;
    struct disk_event e = {DISK_WRITE, off, n, (u8 *)buf};

    if (d->limit && off + n > d->limit && off + n > d->size)
        return ENOSPC;
    disk_note(d, DISK_WRITE, off, n, buf);
    disk_apply(d, &e);
    return 0;
}

static int disk_flush(struct file *f)
{
    struct disk *d = container_of(f, struct disk_file, f)->d;

    if (d->bad_flush)
        return EIO;
    disk_note(d, DISK_FLUSH, 0, 0, NULL);
    return 0;
}

static int disk_truncate(struct file *f, u64 size)
{
    struct disk *d = container_of(f, struct disk_file, f)->d;
    struct disk_event e = {DISK_TRUNCATE, size, 0, NULL};

    disk_note(d, DISK_TRUNCATE, size, 0, NULL);
    disk_apply(d, &e);
    return 0;
}

static int disk_punch(struct file *f, u64 off, u64 n)
{
    struct disk *d = container_of(f, struct disk_file, f)->d;
    struct disk_event e = {DISK_ZERO, off, n, NULL};

    disk_note(d, DISK_ZERO, off, n, NULL);
    disk_apply(d, &e);
    return 0;
}

static void disk_close(struct file *f)
{
    free(container_of(f, struct disk_file, f));
}

static const struct file_ops disk_ops = {
    .read = disk_read,         .write = disk_write, .flush = disk_flush,
    .truncate = disk_truncate, .punch = disk_punch, .close = disk_close,
};

static inline struct file *disk_file(struct disk *d)
{
    struct disk_file *f = calloc(1, sizeof(*f));

    f->f = (struct file){.ops = &disk_ops, .size = d->size, .writable = true};
    f->d = d;
    return &f->f;
}

static inline void disk_free(struct disk *d)
{
    disk_forget(d);
    free(d->ev);
    free(d->data);
    memset(d, 0, sizeof(*d));
}

/* ---- random numbers ---- */

static inline u64 rnd(u64 *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s * 0x2545f4914f6cdd1dull;
}
static inline u64 below(u64 *s, u64 n)
{
    return n ? (rnd(s) >> 11) % n : 0;
}

/* ---- the model ---- */

enum { MODEL_MAX = 3 << 20, MODEL_SNAPS = 4 };
struct model {
    u64 seed, size;
    u8 *disk;
    struct {
        bool used;
        char name[16];
        u64 size;
        u8 *disk;
    } snap[MODEL_SNAPS];
    bool v2, snapshots, resizes, packs;
    unsigned names;
    u8 *buf;
};

static inline void model_init(struct model *m, u64 seed, u64 size)
{
    memset(m, 0, sizeof(*m));
    m->seed = seed * 0x9e3779b97f4a7c15ull | 1;
    m->size = size;
    m->disk = calloc(1, MODEL_MAX);
    m->buf = malloc(MODEL_MAX);
    for (unsigned i = 0; i < 8; i++)
        rnd(&m->seed);
}

static inline void model_free(struct model *m)
{
    for (unsigned i = 0; i < MODEL_SNAPS; i++)
        free(m->snap[i].disk);
    free(m->disk);
    free(m->buf);
}

/* A place for a request: often at borders of clusters, in whole sectors. */
static inline void model_place(struct model *m, u64 *off, u64 *n)
{
    static const u64 grain[] = {512, 4096, 65536};
    u64 g = grain[below(&m->seed, 3)];

    *off = below(&m->seed, m->size / 512) * 512;
    if (below(&m->seed, 2))
        *off &= ~(g - 1);
    *n = (1 + below(&m->seed, below(&m->seed, 8) ? 16 : 1024)) * 512;
    if (!below(&m->seed, 3))
        *n = (*n + g - 1) & ~(g - 1);
    *n = MIN(*n, m->size - *off);
}

static inline void model_fill(struct model *m, u64 n)
{
    u64 v = rnd(&m->seed);

    for (u64 i = 0; i < n; i++)
        m->buf[i] = v & 3 ? (u8)(v >> (i & 31)) ^ (u8)(i >> 9) : 0;
}

/* Compare everything; returns the first byte that differs, or ~0. */
static inline u64 model_compare(struct model *m, struct image *im)
{
    int rc = im->size == m->size ? image_read(im, 0, m->buf, m->size) : EIO;

    if (rc)
        return 0;
    for (u64 i = 0; i < m->size; i++) {
        if (m->buf[i] != m->disk[i])
            return i;
    }
    return ~0ull;
}

/* What a discard may do: bytes stay or become zeros. */
static inline bool model_discard(struct model *m, struct image *im, u64 off, u64 n)
{
    if (image_discard(im, off, n) || image_read(im, off, m->buf, n))
        return false;
    for (u64 i = 0; i < n; i++) {
        if (m->buf[i] && m->buf[i] != m->disk[off + i])
            return false;
    }
    memcpy(m->disk + off, m->buf, n);
    return true;
}

static inline bool model_snapshot(struct model *m, struct image *im, struct err *err)
{
    unsigned i = (unsigned)below(&m->seed, MODEL_SNAPS);

    if (!m->snap[i].used) {
        snprintf(m->snap[i].name, sizeof(m->snap[i].name), "s%u", m->names++);
        m->snap[i].used = true;
        m->snap[i].size = m->size;
        m->snap[i].disk = realloc(m->snap[i].disk, MODEL_MAX);
        memcpy(m->snap[i].disk, m->disk, MODEL_MAX);
        return im->drv->snap_create(im, m->snap[i].name, err);
    }
    if (below(&m->seed, 2)) {
        m->size = m->snap[i].size;
        memcpy(m->disk, m->snap[i].disk, MODEL_MAX);
        return im->drv->snap_apply(im, m->snap[i].name, err);
    }
    m->snap[i].used = false;
    return im->drv->snap_delete(im, m->snap[i].name, err);
}

static inline bool model_resize(struct model *m, struct image *im, struct err *err)
{
    u64 size = (1 + below(&m->seed, MODEL_MAX / 512)) * 512;

    for (unsigned i = 0; m->v2 && i < MODEL_SNAPS; i++) {
        if (m->snap[i].used)
            return true; /* refused there */
    }
    if (size < m->size)
        memset(m->disk + size, 0, m->size - size);
    m->size = size;
    return im->drv->resize(im, size, true, err);
}

/* One random operation on both; false with a sentence. */
static inline bool model_step(struct model *m, struct image *im, struct err *err)
{
    u64 off, n, what = below(&m->seed, 100);
    int rc = 0;

    model_place(m, &off, &n);
    if (what < 45) {
        model_fill(m, n);
        memcpy(m->disk + off, m->buf, n);
        rc = image_write(im, off, m->buf, n);
    } else if (what < 55) {
        rc = image_read(im, off, m->buf, n);
        if (!rc && memcmp(m->buf, m->disk + off, n))
            return err_set(err, "reading 0x%llx bytes at 0x%llx differs", (unsigned long long)n,
                           (unsigned long long)off);
    } else if (what < 65) {
        memset(m->disk + off, 0, n);
        rc = image_zero(im, off, n);
    } else if (what < 75) {
        if (!model_discard(m, im, off, n))
            return err_set(err, "discarding 0x%llx bytes at 0x%llx changes others",
                           (unsigned long long)n, (unsigned long long)off);
    } else if (what < 82) {
        rc = image_flush(im);
    } else if (what < 88) {
        struct image_info info = {0};

        if (!m->packs)
            return true;
        im->drv->info(im, &info);
        off &= ~(info.cluster_size - 1);
        n = MIN(info.cluster_size, m->size - off);
        model_fill(m, n);
        memcpy(m->disk + off, m->buf, n);
        rc = image_write_packed(im, off, m->buf, n);
    } else if (what < 94) {
        return !m->snapshots || model_snapshot(m, im, err);
    } else if (what < 96) {
        return !m->resizes || model_resize(m, im, err);
    }
    return !rc || err_set(err, "operation %u at 0x%llx, 0x%llx bytes: %s", (unsigned)what,
                          (unsigned long long)off, (unsigned long long)n, strerror(rc));
}

/* The kinds of image that a seed chooses. */
static inline void model_options(struct model *m, struct image_create *c)
{
    static const u64 clusters[] = {512, 4096, 65536, 1024, 65536};

    memset(c, 0, sizeof(*c));
    c->size = m->size;
    c->version = below(&m->seed, 3) ? 3 : 2;
    c->cluster_size = clusters[below(&m->seed, 5)];
    m->v2 = c->version == 2;
    if (!m->v2) {
        c->lazy = !below(&m->seed, 4);
        c->refcount_bits = below(&m->seed, 2) ? 16 : 1u << (3 + below(&m->seed, 4));
#ifdef CONFIG_ZSTD
        c->zstd = !below(&m->seed, 3);
#endif
    }
}

#endif
