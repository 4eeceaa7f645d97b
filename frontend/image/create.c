/* Making images: options as text, and the steps that all formats share. */
#include "frontend/image/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- options ---- */

static bool number(const char *text, u64 *v)
{
    static const char units[] = "bKMGTPE";
    const char *u;
    char *end;

    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    *v = strtoull(text, &end, 0);
    if (errno)
        return false;
    if (!*end)
        return true;
    u = strchr(units, *end >= 'a' && *end != 'b' ? *end - 'a' + 'A' : *end);
    if (!u || end[1] || *v > ~0ull >> 10 * (u - units))
        return false;
    *v <<= 10 * (u - units);
    return true;
}

static bool on_off(const char *text, bool *v)
{
    *v = !strcmp(text, "on") || !strcmp(text, "yes") || !strcmp(text, "true");
    return *v || !strcmp(text, "off") || !strcmp(text, "no") || !strcmp(text, "false");
}

static bool set(struct image_create *c, const char *key, const char *v, struct err *err)
{
    u64 n;

    if (!strcmp(key, "size"))
        return number(v, &c->size) || err_set(err, "'%.60s' is not a size", v);
    if (!strcmp(key, "backing_file"))
        return (c->backing = v), true;
    if (!strcmp(key, "backing_fmt"))
        return (c->backing_format = v), true;
    if (!strcmp(key, "cluster_size"))
        return number(v, &c->cluster_size) || err_set(err, "cluster_size=%.60s is not a size", v);
    if (!strcmp(key, "refcount_bits")) {
        if (!number(v, &n) || n > 64)
            return err_set(err, "refcount_bits=%.60s is not 1, 2, 4, 8, 16, 32 or 64", v);
        c->refcount_bits = n ? (unsigned)n : 65;
        return true;
    }
    if (!strcmp(key, "compat")) {
        c->version = !strcmp(v, "0.10") || !strcmp(v, "v2") ? 2
                     : !strcmp(v, "1.1") || !strcmp(v, "v3") ? 3 : 0;
        return c->version || err_set(err, "compat is 0.10 or 1.1, not '%.60s'", v);
    }
    if (!strcmp(key, "lazy_refcounts"))
        return on_off(v, &c->lazy) || err_set(err, "lazy_refcounts is on or off, not '%.60s'", v);
    if (!strcmp(key, "compression_type")) {
        c->zstd = !strcmp(v, "zstd");
        return c->zstd || !strcmp(v, "zlib") ||
               err_set(err, "compression_type is zlib or zstd, not '%.60s'", v);
    }
    if (!strcmp(key, "subformat")) {
        c->fixed = !strcmp(v, "fixed") || !strcmp(v, "monolithicFlat");
        return c->fixed || !strcmp(v, "dynamic") || !strcmp(v, "monolithicSparse") ||
               err_set(err, "subformat is dynamic or fixed, not '%.60s'", v);
    }
    return err_set(err, "the option '%.60s' is not known", key);
}

bool image_options(struct image_create *c, const char *format, const char *text, char *room,
                   size_t size, struct err *err)
{
    const struct image_driver *drv = image_driver_by_name(format);
    size_t at = 0;

    if (!drv || !drv->create)
        return err_set(err, "images of format %.60s cannot be made", format);
    while (*text) {
        char *key = room + at, *v;
        bool known = false;

        /* a comma is written twice where it belongs to a value */
        while (*text && (*text != ',' || text[1] == ',')) {
            if (at + 2 >= size)
                return err_set(err, "the text of -o is too long");
            text += *text == ',';
            room[at++] = *text++;
        }
        room[at++] = 0;
        text += *text == ',';
        v = strchr(key, '=');
        if (!v)
            return err_set(err, "-o takes option=value, not '%.60s'", key);
        *v++ = 0;
        for (const char *const *k = drv->keys; *k; k++)
            known |= !strcmp(*k, key);
        if (!known && strcmp(key, "size"))
            return err_set(err, "images of format %s have no option '%.60s'", drv->name, key);
        if (!set(c, key, v, err))
            return false;
    }
    return true;
}

/* ---- creating ---- */

static bool look_at_backing(const char *path, struct image_create *c, struct err *err)
{
    struct image *b;
    char *name;

    if (!c->backing)
        return true;
    if (!c->backing_format)
        return err_set(err, "the format of the backing file '%.200s' has to be given with -F",
                       c->backing);
    name = image_backing_path(path, c->backing);
    b = name ? image_open(name, c->backing_format, 0, err) : NULL;
    free(name);
    if (!b)
        return false;
    if (!c->size)
        c->size = b->size;
    image_close(b);
    return true;
}

static bool give_size(struct file *f, const char *path, const struct image_driver *drv, u64 size,
                      struct err *err)
{
    struct image *im = image_open_file(f, path, drv->name, IMAGE_WRITE | IMAGE_NO_BACKING, 0, err);
    bool ok;
    int rc;

    if (!im)
        return false;
    ok = drv->resize(im, size, false, err);
    rc = image_close(im);
    return ok && (!rc || err_set(err, "cannot write '%.300s': %s", path, strerror(rc)));
}

bool image_create(const char *path, const char *format, const struct image_create *how,
                  struct err *err)
{
    const struct image_driver *drv = image_driver_by_name(format);
    struct image_create c = *how;
    struct file *f;
    bool ok;

    if (!drv || !drv->create)
        return err_set(err, "images of format %.60s cannot be made", format);
    if (!look_at_backing(path, &c, err))
        return false;
    c.size = (c.size + 511) & ~511ull;
    f = file_open(path, FILE_WRITE | FILE_CREATE, err);
    if (!f)
        return false;
    ok = drv->create(f, path, &c, err);
    if (ok && drv->grows)
        return give_size(f, path, drv, c.size, err);
    if (ok && file_flush(f))
        ok = err_set(err, "cannot write '%.300s'", path);
    file_close(f);
    return ok;
}
