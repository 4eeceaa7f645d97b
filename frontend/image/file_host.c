/* Files and block devices of the host, with locks that other programs of the trade understand
 * (fcntl(2), "Open file description locks"). */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "frontend/image/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A reader's locks lie on single bytes, at the places where QEMU looks for them: "I read what must
 * hold still", "others must not write", "others must not resize"; a writer of theirs is seen by its
 * lock on the byte for writing. Our writers lock the whole file, which meets all of these. */
enum { LOCK_READS = 100, LOCK_WRITES = 101, LOCK_NO_WRITER = 201, LOCK_NO_RESIZER = 203 };

struct host_file {
    struct file f;
    int fd;
};

static struct host_file *of(struct file *f)
{
    return container_of(f, struct host_file, f);
}

static int host_read(struct file *f, u64 off, u8 *buf, size_t n)
{
    while (n) {
        ssize_t got = pread(of(f)->fd, buf, n, (off_t)off);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0) { /* shorter than it was */
            memset(buf, 0, n);
            return 0;
        }
        off += (u64)got;
        buf += got;
        n -= (size_t)got;
    }
    return 0;
}

static int host_write(struct file *f, u64 off, const u8 *buf, size_t n)
{
    while (n) {
        ssize_t put = pwrite(of(f)->fd, buf, n, (off_t)off);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? errno : EIO;
        off += (u64)put;
        buf += put;
        n -= (size_t)put;
        f->size = MAX(f->size, off); /* also of what fails in the middle */
    }
    return 0;
}

static int host_flush(struct file *f)
{
    while (fdatasync(of(f)->fd) < 0) {
        if (errno != EINTR)
            return errno;
    }
    return 0;
}

static int host_truncate(struct file *f, u64 size)
{
    return ftruncate(of(f)->fd, (off_t)size) < 0 ? errno : 0;
}

static int host_punch(struct file *f, u64 off, u64 n)
{
    while (fallocate(of(f)->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off,
                     (off_t)n) < 0) {
        if (errno != EINTR)
            return errno;
    }
    return 0;
}

static u64 host_run(struct file *f, u64 off, u64 n, bool *hole)
{
    off_t data = lseek(of(f)->fd, (off_t)off, SEEK_DATA), end;

    if (data < 0) {
        *hole = errno == ENXIO;
        return n;
    }
    if ((u64)data > off) {
        *hole = true;
        return MIN((u64)data - off, n);
    }
    end = lseek(of(f)->fd, (off_t)off, SEEK_HOLE);
    return end <= (off_t)off ? n : MIN((u64)end - off, n);
}

static void host_close(struct file *f)
{
    close(of(f)->fd);
    free(of(f));
}

static const struct file_ops host_ops = {
    host_read, host_write, host_flush, host_truncate, host_punch, host_run, host_close,
};

/* ---- locks ---- */

static bool lock(int fd, short type, off_t from, off_t len)
{
    struct flock lk = {.l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = len};

    /* A file system that knows no locks is no reason to refuse. */
    return fcntl(fd, F_OFD_SETLK, &lk) == 0 || (errno != EAGAIN && errno != EACCES);
}

static bool lock_to_read(int fd)
{
    struct flock lk = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_WRITES, .l_len = 1};

    if (!lock(fd, F_RDLCK, LOCK_READS, 1) || !lock(fd, F_RDLCK, LOCK_NO_WRITER, 1) ||
        !lock(fd, F_RDLCK, LOCK_NO_RESIZER, 1))
        return false;
    return fcntl(fd, F_OFD_GETLK, &lk) < 0 || lk.l_type == F_UNLCK;
}

void file_unlock(struct file *f)
{
    if (f->ops == &host_ops)
        lock(of(f)->fd, F_UNLCK, 0, 0);
}

u64 file_allocated(struct file *f)
{
    struct stat st;

    if (f->ops != &host_ops || fstat(of(f)->fd, &st) < 0)
        return 0;
    return (u64)st.st_blocks * 512;
}

/* ---- opening ---- */

static bool examine(struct host_file *h, const char *path, struct err *err)
{
    struct stat st;
    off_t end;

    if (fstat(h->fd, &st) < 0)
        return err_set(err, "cannot examine '%.300s': %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return err_set(err, "'%.300s' is not a disk image: give a regular file or a block device",
                       path);
    end = lseek(h->fd, 0, SEEK_END);
    if (end < 0)
        return err_set(err, "cannot find the size of '%.300s': %s", path, strerror(errno));
    h->f.size = (u64)end;
    h->f.fixed = S_ISBLK(st.st_mode);
    h->f.dev = h->f.fixed ? (u64)st.st_rdev : (u64)st.st_dev;
    h->f.ino = st.st_ino;
    return true;
}

struct file *file_open(const char *path, unsigned flags, struct err *err)
{
    bool write = flags & FILE_WRITE;
    struct host_file *h = calloc(1, sizeof(*h));

    if (!h) {
        err_set(err, "no memory");
        return NULL;
    }
    h->f.ops = &host_ops;
    h->f.writable = write;
    /* Not blocking: a name may be that of a pipe, which is refused once it is seen. */
    h->fd = open(path,
                 (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
                     (flags & FILE_CREATE ? O_CREAT : 0),
                 0644);
    if (h->fd < 0) {
        if (flags & FILE_CREATE)
            err_set(err, "cannot create the image '%.300s': %s", path, strerror(errno));
        else if (write && (errno == EACCES || errno == EROFS))
            err_set(err,
                    "cannot write the image '%.300s': %s (open it read-only or with -snapshot)",
                    path, strerror(errno));
        else
            err_set(err, "cannot open the image '%.300s': %s", path, strerror(errno));
        free(h);
        return NULL;
    }
    if (!examine(h, path, err)) {
        host_close(&h->f);
        return NULL;
    }
    if (!(flags & FILE_NOLOCK) && !(write ? lock(h->fd, F_WRLCK, 0, 0) : lock_to_read(h->fd))) {
        err_set(err,
                "the image '%.300s' is in use by another program: close that first, or use "
                "-snapshot there",
                path);
        host_close(&h->f);
        return NULL;
    }
    if (flags & FILE_CREATE && !h->f.fixed && file_truncate(&h->f, 0)) {
        err_set(err, "cannot empty '%.300s': %s", path, strerror(errno));
        host_close(&h->f);
        return NULL;
    }
    return &h->f;
}
