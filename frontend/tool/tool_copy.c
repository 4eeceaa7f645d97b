/* dragoman image create, convert, resize, commit and compare. */
#include "frontend/tool/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COPY = 1 << 21, GRAIN = 4096 };

static bool options(struct tool *t, struct image_create *c, const char *format, char *room,
                    size_t size)
{
    if (t->options && !image_options(c, format, t->options, room, size, &t->err))
        return false;
    if (t->backing)
        c->backing = t->backing;
    if (t->backing_format)
        c->backing_format = t->backing_format;
    return true;
}

int tool_create(struct tool *t)
{
    const char *format = t->format ? t->format : "raw";
    struct image_create c = {0};
    char room[4096], size[32];
    bool sized = t->nargs > 1;

    if (!options(t, &c, format, room, sizeof(room)))
        return tool_fail(t);
    if (sized && (!tool_number(t->args[1], &c.size) || c.size > INT64_MAX / 2)) {
        err_set(&t->err, "'%.60s' is not a size: a number with K, M, G, T or P is", t->args[1]);
        return tool_fail(t);
    }
    if (!sized && !c.size && !c.backing) {
        err_set(&t->err, "how large? The size comes behind the name");
        return tool_fail(t);
    }
    if (!image_create(t->args[0], format, &c, &t->err))
        return tool_fail(t);
    if (!t->quiet)
        printf("Formatting '%s', fmt=%s size=%s\n", t->args[0], format,
               tool_size(c.size, size, sizeof(size)));
    return 0;
}

/* ---- convert ---- */

struct copy {
    struct tool *t;
    struct image *from, *to;
    u8 *buf, *other;
    size_t grain; /* of compressed clusters, or of looking for zeros */
};

static bool moved(struct copy *c, const char *what, u64 off, int rc)
{
    return !rc || err_set(&c->t->err, "cannot %s at byte %llu: %s", what, (unsigned long long)off,
                          strerror(rc));
}

/* Is what is to be written there already: zeros of a new image, or the backing file's? */
static bool there(struct copy *c, const u8 *p, const u8 *backing, size_t n)
{
    return backing ? !memcmp(p, backing, n) : image_all_zero(p, n);
}

static bool copy_chunk(struct copy *c, u64 off, size_t n)
{
    const u8 *backing = NULL;
    int rc = image_read(c->from, off, c->buf, n);

    if (!moved(c, "read", off, rc))
        return false;
    if (c->to->backing) {
        rc = image_read_backing(c->to, off, c->other, n);
        if (!moved(c, "read the backing file", off, rc))
            return false;
        backing = c->other;
    }
    for (size_t at = 0, len; at < n; at += len) {
        bool same = there(c, c->buf + at, backing ? backing + at : NULL, MIN(c->grain, n - at));

        len = MIN(c->grain, n - at);
        while (!c->t->packed && at + len < n) { /* as far as it goes on like this */
            size_t more = MIN(c->grain, n - at - len);

            if (there(c, c->buf + at + len, backing ? backing + at + len : NULL, more) != same)
                break;
            len += more;
        }
        if (same && !c->t->no_create)
            continue;
        rc = c->t->packed ? image_write_packed(c->to, off + at, c->buf + at, len)
                          : image_write(c->to, off + at, c->buf + at, len);
        if (!moved(c, "write", off + at, rc))
            return false;
    }
    return true;
}

static bool copy_all(struct copy *c)
{
    bool plain = !c->to->backing && !c->t->no_create;
    u64 end = MIN(c->from->size, c->to->size);

    for (u64 off = 0, run; off < end; off += run) {
        enum image_map kind;
        u64 align;

        if (!moved(c, "read", off, image_map_all(c->from, off, end - off, &run, &kind)))
            return false;
        if (kind == MAP_ZERO && plain && (run >= c->grain || off + run == end)) {
            /* the next step begins at a cluster again */
            align = off + run < end ? (off + run) & (c->grain - 1) : 0;
            if (align < run && !(off & (c->grain - 1))) {
                run -= align;
                continue;
            }
        }
        run = MIN((u64)COPY - (off & (COPY - 1)), end - off);
        if (!copy_chunk(c, off, (size_t)run))
            return false;
    }
    return true;
}

static bool check_target(struct copy *c)
{
    struct image_info info = {0};

    c->grain = GRAIN;
    if (!c->t->packed)
        return true;
    if (!c->to->drv->write_packed)
        return err_set(&c->t->err, "images of format %s cannot be compressed", c->to->drv->name);
    c->to->drv->info(c->to, &info);
    c->grain = (size_t)info.cluster_size;
    return true;
}

static bool convert(struct copy *c)
{
    struct tool *t = c->t;
    const char *format = t->out_format ? t->out_format : "raw";
    struct image_create how = {0};
    char room[4096];

    if (t->snapshot && (!c->from->drv->snap_apply ||
                        !err_set(&t->err, "convert cannot read from inside a snapshot: apply it to "
                                          "a copy first")))
        return false;
    if (!options(t, &how, format, room, sizeof(room)))
        return false;
    how.size = MAX(how.size, c->from->size);
    if (!t->no_create && !image_create(t->args[1], format, &how, &t->err))
        return false;
    c->to = image_open(t->args[1], format, IMAGE_WRITE, &t->err);
    if (!c->to)
        return false;
    c->buf = malloc(COPY);
    c->other = malloc(COPY);
    if (!c->buf || !c->other)
        return err_set(&t->err, "no memory");
    return check_target(c) && copy_all(c);
}

int tool_convert(struct tool *t)
{
    struct copy c = {.t = t};
    bool ok;
    int rc;

    c.from = tool_open(t, 0, 0);
    if (!c.from)
        return tool_fail(t);
    ok = convert(&c);
    rc = image_close(c.to);
    if (ok && rc)
        ok = err_set(&t->err, "the last writes failed: %s", strerror(rc));
    image_close(c.from);
    free(c.buf);
    free(c.other);
    return ok ? 0 : tool_fail(t);
}

/* ---- resize and commit ---- */

int tool_resize(struct tool *t)
{
    const char *text = t->args[1];
    struct image *im = tool_open(t, 0, IMAGE_WRITE);
    u64 n, size;
    bool ok;
    int rc;

    if (!im)
        return tool_fail(t);
    ok = tool_number(text + (*text == '+' || *text == '-'), &n) ||
         err_set(&t->err, "'%.60s' is not a size: a number with K, M, G, T or P is", text);
    if (ok && *text == '-' && n > im->size)
        ok = err_set(&t->err, "'%.200s' is not that large", im->path);
    size = *text == '+' ? im->size + n : *text == '-' ? im->size - n : n;
    if (ok && size > INT64_MAX / 2)
        ok = err_set(&t->err, "'%.60s' is too large", text);
    if (ok && size < im->size && !t->shrink)
        ok = err_set(&t->err,
                     "'%.200s' would get smaller and lose what lies behind: say --shrink if that "
                     "is meant",
                     im->path);
    if (ok)
        ok = im->drv->resize ? im->drv->resize(im, size, t->shrink, &t->err)
                             : err_set(&t->err, "images of format %s keep their size",
                                       im->drv->name);
    rc = image_close(im);
    if (ok && rc)
        ok = err_set(&t->err, "the last writes failed: %s", strerror(rc));
    if (ok && !t->quiet)
        printf("Image resized.\n");
    return ok ? 0 : tool_fail(t);
}

int tool_commit(struct tool *t)
{
    struct image *im = tool_open(t, 0, IMAGE_WRITE);
    bool ok;
    int rc;

    if (!im)
        return tool_fail(t);
    ok = image_commit(im, &t->err);
    rc = image_close(im);
    if (ok && rc)
        ok = err_set(&t->err, "the last writes failed: %s", strerror(rc));
    if (ok && !t->quiet)
        printf("Image committed.\n");
    return ok ? 0 : tool_fail(t);
}

/* ---- compare ---- */

/* Bytes behind the end of one count as zeros. */
static int read_or_zero(struct image *im, u64 off, u8 *buf, size_t n)
{
    size_t in = off < im->size ? (size_t)MIN((u64)n, im->size - off) : 0;

    memset(buf + in, 0, n - in);
    return image_read(im, off < im->size ? off : 0, buf, in);
}

static int compare(struct tool *t, struct image *a, struct image *b)
{
    u64 size = MAX(a->size, b->size);
    u8 *p = malloc(COPY), *q = malloc(COPY);
    int rc = p && q ? 0 : ENOMEM, result = 0;

    for (u64 off = 0; off < size && !rc && !result; off += COPY) {
        size_t n = (size_t)MIN(size - off, (u64)COPY);

        rc = read_or_zero(a, off, p, n);
        if (!rc)
            rc = read_or_zero(b, off, q, n);
        if (rc || !memcmp(p, q, n))
            continue;
        for (size_t i = 0; i < n && !result; i++) {
            if (p[i] == q[i])
                continue;
            result = 1;
            if (!t->quiet)
                printf("Content mismatch at offset %llu!\n", (unsigned long long)(off + i));
        }
    }
    free(p);
    free(q);
    if (rc) {
        err_set(&t->err, "cannot read: %s", strerror(rc));
        tool_fail(t);
        return 2;
    }
    if (!result && !t->quiet)
        printf("Images are identical.\n");
    return result;
}

int tool_compare(struct tool *t)
{
    struct image *a = tool_open(t, 0, 0), *b = NULL;
    int rc = 2;

    if (a)
        b = image_open(t->args[1], t->backing_format, t->unlocked ? IMAGE_NO_LOCK : 0, &t->err);
    if (b)
        rc = compare(t, a, b);
    else
        tool_fail(t);
    image_close(a);
    image_close(b);
    return rc;
}
