/* A server's export as a file (libnbd(3)): one request at a time, waited for in a thread of the
 * pool. */
#include "frontend/image/nbd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#ifdef CONFIG_NBD
#include <libnbd.h>
#endif

bool nbd_is_uri(const char *path)
{
    return !strncmp(path, "nbd://", 6) || !strncmp(path, "nbds://", 7) ||
           !strncmp(path, "nbd+unix://", 11) || !strncmp(path, "nbds+unix://", 12);
}

#ifdef CONFIG_NBD

enum { PART = 1 << 20 }; /* of one request: any server takes that */

struct nbd_disk {
    struct file f;
    struct nbd_handle *nbd;
};

static struct nbd_handle *of(struct file *f)
{
    return container_of(f, struct nbd_disk, f)->nbd;
}

static int error(void)
{
    int rc = nbd_get_errno();

    return rc ? rc : EIO;
}

static int disk_read(struct file *f, u64 off, u8 *buf, size_t n)
{
    while (n) {
        size_t part = MIN(n, (size_t)PART);

        if (nbd_pread(of(f), buf, part, off, 0) < 0)
            return error();
        off += part;
        buf += part;
        n -= part;
    }
    return 0;
}

static int disk_write(struct file *f, u64 off, const u8 *buf, size_t n)
{
    while (n) {
        size_t part = MIN(n, (size_t)PART);

        if (nbd_pwrite(of(f), buf, part, off, 0) < 0)
            return error();
        off += part;
        buf += part;
        n -= part;
    }
    return 0;
}

static int disk_flush(struct file *f)
{
    if (nbd_can_flush(of(f)) != 1)
        return 0;
    return nbd_flush(of(f), 0) < 0 ? error() : 0;
}

/* Zeros that may take no room; a server without that is written to. */
static int disk_punch(struct file *f, u64 off, u64 n)
{
    if (nbd_can_zero(of(f)) != 1)
        return ENOTSUP;
    while (n) {
        u64 part = MIN(n, (u64)64 << 20);

        if (nbd_zero(of(f), part, off, 0) < 0)
            return error();
        off += part;
        n -= part;
    }
    return 0;
}

static void disk_close(struct file *f)
{
    nbd_shutdown(of(f), 0);
    nbd_close(of(f));
    free(container_of(f, struct nbd_disk, f));
}

static const struct file_ops nbd_ops = {
    .read = disk_read,
    .write = disk_write,
    .flush = disk_flush,
    .punch = disk_punch,
    .close = disk_close,
};

struct file *nbd_file_open(const char *uri, unsigned flags, struct err *err)
{
    struct nbd_disk *d = calloc(1, sizeof(*d));
    int64_t size;

    if (!d || !(d->nbd = nbd_create())) {
        free(d);
        err_set(err, "no memory");
        return NULL;
    }
    d->f.ops = &nbd_ops;
    d->f.writable = flags & FILE_WRITE;
    d->f.fixed = true;
    if (nbd_connect_uri(d->nbd, uri) < 0 || (size = nbd_get_size(d->nbd)) < 0) {
        err_set(err, "cannot connect to '%.200s': %.200s", uri, nbd_get_error());
    } else if (d->f.writable && nbd_is_read_only(d->nbd) == 1) {
        err_set(err, "the server of '%.200s' allows reading only: open it read-only or with "
                     "-snapshot",
                uri);
    } else {
        d->f.size = (u64)size;
        return &d->f;
    }
    nbd_close(d->nbd);
    free(d);
    return NULL;
}

#else

struct file *nbd_file_open(const char *uri, unsigned flags, struct err *err)
{
    err_set(err, "'%.200s' needs a build with libnbd (libnbd-dev)", uri);
    return NULL;
}

#endif
