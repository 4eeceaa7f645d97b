/* Raw images: the file is the disk. */
#include "frontend/image/image.h"

#include <errno.h>
#include <string.h>

/* What the file may be named: formats without a header of their own. */
static const char *const ends[] = {"raw", "img", "iso", NULL};
static const char *const keys[] = {NULL};

static bool raw_open(struct image *im, struct err *err)
{
    im->size = im->file->size;
    return true;
}

static int raw_close(struct image *im)
{
    return im->writable ? file_flush(im->file) : 0;
}

static int raw_read(struct image *im, u64 off, u8 *buf, size_t n)
{
    return file_get(im->file, off, buf, n);
}

static int raw_write(struct image *im, u64 off, const u8 *buf, size_t n)
{
    return file_put(im->file, off, buf, n);
}

static int raw_zero(struct image *im, u64 off, u64 n)
{
    static const u8 zeros[65536];
    int rc = file_punch(im->file, off, n);

    if (rc != ENOTSUP && rc != EOPNOTSUPP && rc != ENODEV && rc != EINVAL)
        return rc;
    for (rc = 0; n && !rc; off += MIN(n, (u64)sizeof(zeros)), n -= MIN(n, (u64)sizeof(zeros)))
        rc = file_put(im->file, off, zeros, (size_t)MIN(n, (u64)sizeof(zeros)));
    return rc;
}

/* Giving room back is a favour: a host that cannot leaves the bytes. */
static int raw_discard(struct image *im, u64 off, u64 n)
{
    int rc = file_punch(im->file, off, n);

    return rc == EIO || rc == EROFS ? rc : 0;
}

static int raw_flush(struct image *im)
{
    return file_flush(im->file);
}

static int raw_map(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind)
{
    bool hole;

    *run = file_run(im->file, off, n, &hole);
    *kind = hole ? MAP_ZERO : MAP_DATA;
    return 0;
}

static bool raw_create(struct file *f, const char *path, const struct image_create *c,
                       struct err *err)
{
    int rc;

    if (c->backing)
        return err_set(err, "a raw image has no place for a backing file: use qcow2");
    rc = file_truncate(f, c->size);
    return !rc || err_set(err, "cannot make '%.300s' that large: %s", path, strerror(rc));
}

static bool raw_resize(struct image *im, u64 size, bool shrink, struct err *err)
{
    int rc = file_truncate(im->file, size);

    if (rc)
        return err_set(err, "cannot change the size of '%.300s': %s", im->path, strerror(rc));
    im->size = size;
    return true;
}

const struct image_driver image_raw = {
    .name = "raw",
    .ends = ends,
    .keys = keys,
    .open = raw_open,
    .close = raw_close,
    .read = raw_read,
    .write = raw_write,
    .zero = raw_zero,
    .discard = raw_discard,
    .flush = raw_flush,
    .map = raw_map,
    .create = raw_create,
    .resize = raw_resize,
};
