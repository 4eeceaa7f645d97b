/* New qcow2 images, and other sizes for old ones. */
#include "frontend/image/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool check_options(const struct image_create *c, u64 csize, unsigned version,
                          unsigned refcount_bits, struct err *err)
{
    if (csize < 512 || csize > 2 * MIB || csize & (csize - 1))
        return err_set(err, "cluster_size is %llu, but a power of two from 512 to 2M is needed",
                       (unsigned long long)csize);
    if (!refcount_bits || refcount_bits > 64 || refcount_bits & (refcount_bits - 1))
        return err_set(err, "refcount_bits is %u, but 1, 2, 4, 8, 16, 32 or 64 is needed",
                       refcount_bits);
    if (version == 2 && (c->lazy || c->zstd || refcount_bits != 16))
        return err_set(err, "%s needs compat=1.1",
                       c->lazy ? "lazy_refcounts" : c->zstd ? "compression_type=zstd"
                                                            : "another refcount_bits than 16");
    if (c->zstd && !q_have_zstd())
        return err_set(err, "this build has no zstd (libzstd-dev)");
    if (c->backing && strlen(c->backing) > 1023)
        return err_set(err, "the name of the backing file is longer than 1023 bytes");
    return true;
}

bool q_create(struct file *f, const char *path, const struct image_create *c, struct err *err)
{
    unsigned version = c->version ? c->version : 3, bits = c->refcount_bits ? c->refcount_bits : 16;
    unsigned header = version == 2 ? Q_V2_HEADER : 112, at = header, order = 0, cbits = 0;
    u64 csize = c->cluster_size ? c->cluster_size : 65536;
    size_t name = c->backing ? strlen(c->backing) : 0;
    struct qcow2 like = {0};
    int rc;
    u8 *p;

    if (!check_options(c, csize, version, bits, err))
        return false;
    while (1u << order < bits)
        order++;
    while (1ull << cbits < csize)
        cbits++;
    p = calloc(3, csize);
    if (!p)
        return err_set(err, "no memory");
    put32(p, Q_MAGIC);
    put32(p + 4, version);
    put32(p + 20, cbits);
    put64(p + 40, 3 * csize);
    put64(p + 48, csize);
    put32(p + 56, 1);
    if (version == 3) {
        put64(p + 72, c->zstd ? Q_COMP_TYPE : 0);
        put64(p + 80, c->lazy ? Q_LAZY : 0);
        put32(p + 96, order);
        put32(p + 100, header);
        p[104] = c->zstd;
    }
    if (c->backing_format) {
        size_t n = strlen(c->backing_format);

        put32(p + at, 0xe2792aca);
        put32(p + at + 4, (u32)n);
        memcpy(p + at + 8, c->backing_format, MIN(n, (size_t)32));
        at += 8 + (u32)((n + 7) & ~7u);
    }
    at += 8; /* the end of the extensions */
    if (at + name > csize) {
        free(p);
        return err_set(err, "the name of the backing file does not fit into a cluster of %llu bytes",
                       (unsigned long long)csize);
    }
    if (name) {
        put64(p + 8, at);
        put32(p + 16, (u32)name);
        memcpy(p + at, c->backing, name);
    }
    put64(p + csize, 2 * csize);
    like.rorder = order;
    for (unsigned i = 0; i < 3; i++)
        q_ref_store(&like, p + 2 * csize, i, 1);
    rc = file_put(f, 0, p, 3 * csize);
    free(p);
    return !rc || err_set(err, "cannot write '%.300s': %s", path, strerror(rc));
}

/* Behind its old end the disk reads as zeros, also where a backing file has bytes. */
static int grow(struct qcow2 *q, u64 size)
{
    u64 n = (size + q_l2_span(q) - 1) / q_l2_span(q), old = q->im->size, *l1;
    u8 bytes[8];
    int rc;

    if (n * 8 > Q_MAX_L1)
        return EFBIG;
    if (n > q->l1_size) {
        l1 = calloc(n + 1, 8);
        if (!l1)
            return ENOMEM;
        memcpy(l1, q->l1, q->l1_size * 8ull);
        rc = q_replace_l1(q, l1, (u32)n, size);
        if (!rc && !q_meta_build(q, true, NULL))
            rc = ENOMEM;
    } else {
        put64(bytes, size);
        rc = q_header_write(q, 24, bytes, 8);
        q->im->size = size;
    }
    if (!rc && q->im->backing && q->im->backing->size > old)
        rc = q_zero(q->im, old, MIN(size, q->im->backing->size) - old);
    return rc;
}

static int shrink(struct qcow2 *q, u64 size)
{
    u64 end = MIN((size + q->csize - 1) & ~(q->csize - 1), q->im->size);
    u8 bytes[8];
    int rc = end > size ? q_zero(q->im, size, end - size) : 0;

    if (!rc && end < q->im->size)
        rc = q_discard(q->im, end, q->im->size - end);
    if (!rc)
        rc = q_sync(q, false);
    put64(bytes, size);
    if (!rc)
        rc = q_header_write(q, 24, bytes, 8);
    if (!rc)
        q->im->size = size;
    return rc;
}

bool q_resize(struct image *im, u64 size, bool shrink_too, struct err *err)
{
    struct qcow2 *q = im->priv;
    int rc;

    size = (size + 511) & ~511ull;
    if (q->nsnaps && q->version < 3)
        return err_set(err, "'%.200s' has snapshots, and those of version 2 have no size of their "
                            "own: delete them first",
                       im->path);
    if (size < im->size && !shrink_too)
        return err_set(err, "'%.200s' would get smaller and lose what lies behind", im->path);
    rc = size > im->size ? grow(q, size) : size < im->size ? shrink(q, size) : 0;
    if (!rc)
        rc = q_sync(q, true);
    return !rc || err_set(err, "cannot change the size of '%.200s': %s", im->path,
                          rc == EFBIG ? "it is too large for clusters of this size" : strerror(rc));
}
