/* Images of any format: choosing the format, backing files, bounds of requests. */
#include "frontend/image/image.h"

#include "frontend/image/folder.h"
#include "frontend/image/nbd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Longer chains are mistakes or made to exhaust us. */
enum { MAX_DEPTH = 32 };

const struct image_driver *const image_drivers[] = {&image_raw,  &image_qcow2, &image_vpc,
                                                    &image_vmdk, &image_vdi,   NULL};

const struct image_driver *image_driver_by_name(const char *name)
{
    if (!strcmp(name, "vhd"))
        name = "vpc";
    for (unsigned i = 0; image_drivers[i]; i++) {
        if (!strcmp(image_drivers[i]->name, name))
            return image_drivers[i];
    }
    return NULL;
}

/* ---- which format ---- */

static const struct image_driver *driver_by_path(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

    for (unsigned i = 0; dot && image_drivers[i]; i++) {
        for (const char *const *e = image_drivers[i]->ends; e && *e; e++) {
            if (!strcasecmp(dot + 1, *e))
                return image_drivers[i];
        }
    }
    return &image_raw;
}

static const struct image_driver *choose(struct file *f, const char *path, const char *format,
                                         unsigned flags, struct err *err)
{
    const struct image_driver *named = driver_by_path(path), *begins = &image_raw;

    if (format) {
        const struct image_driver *d = image_driver_by_name(format);

        if (!d)
            err_set(err, "there is no image format '%.60s': raw, qcow2, vpc, vmdk and vdi are known",
                    format);
        return d;
    }
    for (unsigned i = 0; image_drivers[i]; i++) {
        if (image_drivers[i]->probe && image_drivers[i]->probe(f)) {
            begins = image_drivers[i];
            break;
        }
    }
    if (flags & IMAGE_GUESS || begins == named)
        return begins;
    if (begins == &image_raw)
        err_set(err, "'%.300s' is named like an image of format %s but does not begin like one: "
                     "give format=%s or format=raw",
                path, named->name, named->name);
    else
        err_set(err,
                "'%.300s' begins like an image of format %s but is not named like one, and a guest "
                "can write such a beginning: give format=%s, or format=raw if it is a plain disk",
                path, begins->name, begins->name);
    return NULL;
}

/* ---- opening and closing ---- */

char *image_backing_path(const char *path, const char *backing)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash && backing[0] != '/' ? (size_t)(slash - path) + 1 : 0;
    char *p = malloc(n + strlen(backing) + 1);

    if (p) {
        memcpy(p, path, n);
        strcpy(p + n, backing);
    }
    return p;
}

static bool in_chain(const struct image *im, const struct file *f)
{
    return f->ino && im->file && im->file->ino == f->ino && im->file->dev == f->dev;
}

static struct image *open_chain(const char *path, const char *format, unsigned flags,
                                unsigned depth, struct image *const *above, struct err *err);

static bool open_backing(struct image *im, struct image *const *above, struct err *err)
{
    struct image *chain[MAX_DEPTH + 1];
    unsigned n = 0;
    char *path;

    if (!im->backing_name || im->flags & IMAGE_NO_BACKING)
        return true;
    if (im->depth >= MAX_DEPTH)
        return err_set(err, "'%.300s' is the %dth backing file of a chain: no more than that many "
                            "are followed",
                       im->path, MAX_DEPTH);
    while (above && above[n]) {
        chain[n] = above[n];
        n++;
    }
    chain[n++] = im;
    chain[n] = NULL;
    path = image_backing_path(im->path, im->backing_name);
    if (!path)
        return err_set(err, "no memory");
    im->backing = open_chain(path, im->backing_format,
                             im->flags & ~(unsigned)(IMAGE_WRITE | IMAGE_REPAIR | IMAGE_GUESS),
                             im->depth + 1, chain, err);
    free(path);
    return im->backing != NULL;
}

static struct image *open_over(struct file *f, const char *path, const char *format, unsigned flags,
                               unsigned depth, struct image *const *above, struct err *err)
{
    const struct image_driver *drv = choose(f, path, format, flags, err);
    struct image *im = drv ? calloc(1, sizeof(*im)) : NULL;

    if (!im) {
        if (drv)
            err_set(err, "no memory");
        file_close(f);
        return NULL;
    }
    im->drv = drv;
    im->file = f;
    im->flags = flags;
    im->depth = depth;
    im->writable = flags & IMAGE_WRITE;
    im->path = strdup(path);
    if (!im->path || (im->writable && !drv->write)) {
        err_set(err, im->path ? "images of format %s can only be read: open '%.300s' read-only or "
                                "convert it"
                              : "no memory",
                drv->name, path);
        im->writable = false;
        free(im->path);
        free(im);
        file_close(f);
        return NULL;
    }
    if (!drv->open(im, err)) {
        im->writable = false;
        image_close(im);
        return NULL;
    }
    if (!open_backing(im, above, err)) {
        image_close(im);
        return NULL;
    }
    return im;
}

static struct image *open_chain(const char *path, const char *format, unsigned flags,
                                unsigned depth, struct image *const *above, struct err *err)
{
    unsigned how = (flags & IMAGE_WRITE ? FILE_WRITE : 0) | (flags & IMAGE_NO_LOCK ? FILE_NOLOCK : 0);
    struct file *f = file_open(path, above ? how | FILE_NOLOCK : how, err);

    if (!f)
        return NULL;
    for (unsigned i = 0; above && above[i]; i++) {
        if (!in_chain(above[i], f))
            continue;
        err_set(err, "the backing files of '%.200s' go in a circle: '%.200s' comes again",
                above[0]->path, path);
        file_close(f);
        return NULL;
    }
    /* Now that it is none of ours, a lock can only fail for others. */
    if (above && !(flags & IMAGE_NO_LOCK)) {
        file_close(f);
        f = file_open(path, how, err);
        if (!f)
            return NULL;
    }
    return open_over(f, path, format, flags, depth, above, err);
}

bool image_is_folder(const char *path)
{
    return !strncmp(path, "fat:", 4) || !strncmp(path, "iso:", 4);
}

/* "fat:DIR", "fat:floppy:DIR", "iso:DIR": only where the user says so, never where an image does. */
static struct image *open_folder(const char *path, const char *format, unsigned flags,
                                 struct err *err)
{
    const char *dir = path + 4;
    bool floppy = false;
    struct file *f;

    if (!strncmp(path, "fat:", 4)) {
        for (;;) {
            if (!strncmp(dir, "floppy:", 7)) {
                floppy = true;
                dir += 7;
            } else if (!strncmp(dir, "16:", 3) && !floppy) {
                dir += 3;
            } else if (!strncmp(dir, "rw:", 3)) {
                err_set(err, "what a guest writes cannot be brought back into the folder '%.200s': "
                             "leave out rw:, and writes are kept in memory",
                        dir + 3);
                return NULL;
            } else {
                break;
            }
        }
    }
    if (format && strcmp(format, "raw")) {
        err_set(err, "the disk of a folder is raw, not of format %.60s", format);
        return NULL;
    }
    if (flags & IMAGE_WRITE) {
        err_set(err, "the disk of a folder cannot be written: use snapshot=on or readonly=on");
        return NULL;
    }
    f = *path == 'i' ? iso_open(dir, err) : fat_open(dir, floppy, err);
    return f ? open_over(f, path, "raw", flags, 0, NULL, err) : NULL;
}

struct image *image_open(const char *path, const char *format, unsigned flags, struct err *err)
{
    struct file *f;

    if (image_is_folder(path))
        return open_folder(path, format, flags, err);
    if (nbd_is_uri(path)) { /* no name that says the format: it has to be told, or is raw */
        f = nbd_file_open(path, flags & IMAGE_WRITE ? FILE_WRITE : 0, err);
        return f ? open_over(f, path, format ? format : "raw", flags, 0, NULL, err) : NULL;
    }
    return open_chain(path, format, flags, 0, NULL, err);
}

struct image *image_open_file(struct file *f, const char *path, const char *format, unsigned flags,
                              unsigned depth, struct err *err)
{
    return open_over(f, path, format, flags, depth, NULL, err);
}

int image_close(struct image *im)
{
    int rc = 0;

    if (!im)
        return 0;
    if (im->drv->close)
        rc = im->drv->close(im);
    image_close(im->backing);
    file_close(im->file);
    free(im->backing_name);
    free(im->backing_format);
    free(im->path);
    free(im);
    return rc;
}

/* ---- requests ---- */

static bool inside(const struct image *im, u64 off, u64 n)
{
    return off <= im->size && n <= im->size - off;
}

int image_read(struct image *im, u64 off, void *buf, size_t n)
{
    if (!inside(im, off, n))
        return EIO;
    return n ? im->drv->read(im, off, buf, n) : 0;
}

static int writable(const struct image *im, u64 off, u64 n)
{
    if (!im->writable)
        return EROFS;
    return inside(im, off, n) ? 0 : EIO;
}

int image_write(struct image *im, u64 off, const void *buf, size_t n)
{
    int rc = writable(im, off, n);

    return rc || !n ? rc : im->drv->write(im, off, buf, n);
}

int image_write_packed(struct image *im, u64 off, const void *buf, size_t n)
{
    int rc = writable(im, off, n);

    if (rc || !n)
        return rc;
    return im->drv->write_packed ? im->drv->write_packed(im, off, buf, n) : ENOTSUP;
}

int image_zero(struct image *im, u64 off, u64 n)
{
    static const u8 zeros[65536];
    int rc = writable(im, off, n);

    if (rc || !n)
        return rc;
    if (im->drv->zero)
        return im->drv->zero(im, off, n);
    while (n && !rc) {
        size_t part = (size_t)MIN(n, (u64)sizeof(zeros));

        rc = im->drv->write(im, off, zeros, part);
        off += part;
        n -= part;
    }
    return rc;
}

int image_discard(struct image *im, u64 off, u64 n)
{
    int rc = writable(im, off, n);

    return rc || !n || !im->drv->discard ? rc : im->drv->discard(im, off, n);
}

int image_flush(struct image *im)
{
    return im->writable ? im->drv->flush(im) : 0;
}

int image_map(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind)
{
    *run = n;
    *kind = MAP_DATA;
    if (!n || !inside(im, off, n))
        return EIO;
    return im->drv->map ? im->drv->map(im, off, n, run, kind) : 0;
}

int image_map_all(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind)
{
    int rc = 0;

    for (; im; im = im->backing) {
        if (off >= im->size) {
            *kind = MAP_ZERO;
            *run = n;
            return 0;
        }
        n = MIN(n, im->size - off);
        rc = image_map(im, off, n, run, kind);
        if (rc || *kind != MAP_NONE)
            return rc;
        n = *run;
    }
    *kind = MAP_ZERO;
    return rc;
}

int image_read_backing(struct image *im, u64 off, u8 *buf, size_t n)
{
    struct image *b = im->backing;
    size_t in = b && off < b->size ? (size_t)MIN((u64)n, b->size - off) : 0;
    int rc = in ? b->drv->read(b, off, buf, in) : 0;

    memset(buf + in, 0, n - in);
    return rc;
}

bool image_all_zero(const u8 *p, size_t n)
{
    return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

/* ---- commit ---- */

enum { COPY = 1 << 20 };

static bool commit_run(struct image *im, struct image *to, u64 off, u64 n, enum image_map kind,
                       u8 *buf, struct err *err)
{
    while (n) {
        size_t part = (size_t)MIN(n, (u64)COPY);
        int rc = kind == MAP_ZERO ? 0 : image_read(im, off, buf, part);

        if (!rc)
            rc = kind == MAP_ZERO ? image_zero(to, off, part) : image_write(to, off, buf, part);
        if (rc)
            return err_set(err, "cannot commit at byte %llu: %s", (unsigned long long)off,
                           strerror(rc));
        off += part;
        n -= part;
    }
    return true;
}

static bool commit_all(struct image *im, struct image *to, struct err *err)
{
    u8 *buf = malloc(COPY);
    u64 off = 0, run;
    bool ok = buf || err_set(err, "no memory");
    enum image_map kind;

    if (ok && to->size < im->size)
        ok = to->drv->resize ? to->drv->resize(to, im->size, false, err)
                             : err_set(err, "the backing file is smaller and cannot grow");
    while (ok && off < im->size) {
        int rc = image_map(im, off, im->size - off, &run, &kind);

        if (rc)
            ok = err_set(err, "cannot read '%.300s': %s", im->path, strerror(rc));
        else if (kind != MAP_NONE)
            ok = commit_run(im, to, off, run, kind, buf, err);
        off += run;
    }
    free(buf);
    return ok;
}

bool image_commit(struct image *im, struct err *err)
{
    struct image *b = im->backing, *to;
    bool ok;
    int rc;

    if (!b)
        return err_set(err, "'%.300s' has no backing file to commit to", im->path);
    /* The backing file is opened for reading: a second opening that may write takes the lock. */
    file_unlock(b->file);
    to = image_open(b->path, b->drv->name, IMAGE_WRITE, err);
    if (!to)
        return false;
    ok = commit_all(im, to, err);
    rc = image_close(to);
    if (ok && rc)
        ok = err_set(err, "cannot write '%.300s': %s", b->path, strerror(rc));
    /* What the reader had seen of it may be old. */
    to = image_open(b->path, b->drv->name, b->flags, ok ? err : NULL);
    if (to) {
        image_close(im->backing);
        im->backing = to;
    } else {
        ok = false;
    }
    /* Only now is what lies above no longer needed. */
    if (ok && im->writable && im->drv->empty) {
        rc = im->drv->empty(im);
        if (!rc)
            rc = image_flush(im);
        if (rc)
            ok = err_set(err, "cannot empty '%.300s': %s", im->path, strerror(rc));
    }
    return ok;
}
