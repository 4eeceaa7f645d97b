/* Raw images over a host file: queued requests, an in-memory overlay, whole-file locks (fcntl(2),
 * OFD locks). */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "frontend/host/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BITS = 16, CHUNK = 1 << CHUNK_BITS };
/* What a request takes in virtual time: a fixed part and a part by length, about a fast disk of the
 * period's end. */
enum { DELAY_NS = 20000, NS_PER_KIB = 1000 };

struct raw {
    struct blk blk;
    struct raw_options opt;
    char *path;
    int fd;
    u64 file_len;        /* bytes really in the file; the rest up to blk.size reads as zeros */
    u8 **overlay;        /* a pointer per chunk, NULL: not written yet */
    u64 nchunks;
    struct blk_req *first, **last;
    struct timer timer;
    bool poisoned;       /* a flush failed: what was acknowledged may be lost, so nothing more is */
};

static struct raw *of_blk(struct blk *blk)
{
    return container_of(blk, struct raw, blk);
}

/* ---- reading and writing the file ---- */

static int file_read(struct raw *raw, u64 off, u8 *buf, size_t len)
{
    while (len) {
        ssize_t n = off < raw->file_len
                        ? pread(raw->fd, buf, MIN(len, raw->file_len - off), (off_t)off)
                        : 0;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0) {
            memset(buf, 0, len);
            return 0;
        }
        off += (u64)n;
        buf += n;
        len -= (size_t)n;
    }
    return 0;
}

static int file_write(struct raw *raw, u64 off, const u8 *buf, size_t len)
{
    while (len) {
        ssize_t n = pwrite(raw->fd, buf, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        off += (u64)n;
        buf += n;
        len -= (size_t)n;
        raw->file_len = MAX(raw->file_len, off);
    }
    return 0;
}

/* The overlay's bytes of the chunk, filled from the file when it is touched first. */
static u8 *chunk_for_write(struct raw *raw, u64 i, int *status)
{
    u8 *p = raw->overlay[i];

    if (p)
        return p;
    p = malloc(CHUNK);
    if (!p) {
        *status = ENOMEM;
        return NULL;
    }
    *status = file_read(raw, i << CHUNK_BITS, p, CHUNK);
    if (*status) {
        free(p);
        return NULL;
    }
    raw->overlay[i] = p;
    return p;
}

static int overlay_io(struct raw *raw, struct blk_req *req)
{
    u64 off = req->off;
    size_t left = req->len;
    u8 *buf = req->buf;

    while (left) {
        u64 i = off >> CHUNK_BITS;
        size_t at = off & (CHUNK - 1), n = MIN(left, CHUNK - at);
        int status = 0;

        if (req->op == BLK_WRITE) {
            u8 *p = chunk_for_write(raw, i, &status);

            if (!p)
                return status;
            memcpy(p + at, buf, n);
        } else if (raw->overlay[i]) {
            memcpy(buf, raw->overlay[i] + at, n);
        } else {
            status = file_read(raw, off, buf, n);
            if (status)
                return status;
        }
        off += n;
        buf += n;
        left -= n;
    }
    return 0;
}

static int flush(struct raw *raw)
{
    if (raw->opt.snapshot || raw->blk.read_only || raw->fd < 0)
        return 0;
    while (fdatasync(raw->fd) < 0) {
        if (errno == EINTR)
            continue;
        /* The kernel forgets failed pages: a second try would succeed without the data being safe.
         */
        raw->poisoned = true;
        return errno;
    }
    return 0;
}

static int perform(struct raw *raw, struct blk_req *req)
{
    if (raw->poisoned && req->op != BLK_READ)
        return EIO;
    if (req->op == BLK_FLUSH)
        return flush(raw);
    if (raw->fd < 0)
        return ENOMEDIUM;
    if (req->off > raw->blk.size || req->len > raw->blk.size - req->off)
        return EIO;
    if (req->op == BLK_DISCARD)
        return 0;
    if (req->op == BLK_WRITE && raw->blk.read_only)
        return EROFS;
    if (raw->overlay)
        return overlay_io(raw, req);
    if (req->op == BLK_WRITE)
        return file_write(raw, req->off, req->buf, req->len);
    return file_read(raw, req->off, req->buf, req->len);
}

/* ---- the queue ---- */

static void arm(struct raw *raw)
{
    if (raw->first && !timer_pending(&raw->timer))
        timer_set(&raw->timer,
                  clock_now(raw->opt.clock) + DELAY_NS + raw->first->len / 1024 * NS_PER_KIB);
}

static void fire(void *arg, u64 now)
{
    struct raw *raw = arg;
    struct blk_req *req = raw->first;

    if (!req)
        return;
    raw->first = req->next;
    if (!raw->first)
        raw->last = &raw->first;
    req->next = NULL;
    req->status = perform(raw, req);
    arm(raw);
    req->done(req);
}

static void submit(struct blk *blk, struct blk_req *req)
{
    struct raw *raw = of_blk(blk);

    req->next = NULL;
    *raw->last = req;
    raw->last = &req->next;
    arm(raw);
}

static void cancel(struct blk *blk, struct blk_req *req)
{
    struct raw *raw = of_blk(blk);
    struct blk_req **p;

    for (p = &raw->first; *p; p = &(*p)->next) {
        if (*p != req)
            continue;
        *p = req->next;
        if (!*p)
            raw->last = p;
        req->next = NULL;
        break;
    }
    if (!raw->first)
        timer_cancel(&raw->timer);
}

static const struct blk_ops raw_ops = {submit, cancel};

/* ---- opening ---- */

static void medium_out(struct raw *raw)
{
    u64 i;

    for (i = 0; raw->overlay && i < raw->nchunks; i++)
        free(raw->overlay[i]);
    free(raw->overlay);
    raw->overlay = NULL;
    raw->nchunks = 0;
    if (raw->fd >= 0)
        close(raw->fd);
    raw->fd = -1;
    free(raw->path);
    raw->path = NULL;
    raw->blk.size = 0;
    raw->blk.inserted = false;
    raw->poisoned = false;
}

static bool lock_file(int fd, bool write)
{
    struct flock lk = {.l_type = write ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};

    /* A file system that knows no locks is no reason to refuse. */
    return fcntl(fd, F_OFD_SETLK, &lk) == 0 || (errno != EAGAIN && errno != EACCES);
}

/* Check what was opened and find its length. */
static bool check_file(const struct raw_options *opt, const char *path, int fd, u64 *len,
                       struct err *err)
{
    struct stat st;
    off_t end;

    if (fstat(fd, &st) < 0)
        return err_set(err, "cannot examine '%s': %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return err_set(err, "'%s' is not a disk image: give a regular file or a block device",
                       path);
    end = lseek(fd, 0, SEEK_END);
    if (end < 0)
        return err_set(err, "cannot find the size of '%s': %s", path, strerror(errno));
    if (end == 0)
        return err_set(err, "the image '%s' is empty: create it with the size wanted first", path);
    *len = (u64)end;
    if (opt->max_size && *len > opt->max_size)
        return err_set(err, "the image '%s' has %llu bytes, this drive takes at most %llu", path,
                       (unsigned long long)*len, (unsigned long long)opt->max_size);
    return true;
}

/* Putting the same file back in must not fail on the lock that its present opening holds. */
static void unlock_if_same(struct raw *raw, int fd)
{
    struct flock lk = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    struct stat a, b;

    if (raw->fd >= 0 && !fstat(raw->fd, &a) && !fstat(fd, &b) && a.st_dev == b.st_dev &&
        a.st_ino == b.st_ino)
        fcntl(raw->fd, F_OFD_SETLK, &lk);
}

static bool medium_in(struct raw *raw, const char *path, struct err *err)
{
    bool write = !raw->opt.read_only && !raw->opt.cdrom && !raw->opt.snapshot;
    u64 sector = raw->opt.cdrom ? 2048 : 512, len = 0, size, nchunks;
    u8 **overlay = NULL;
    char *name;
    int fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);

    if (fd < 0 && write && (errno == EACCES || errno == EROFS))
        return err_set(err, "cannot write the image '%s': %s (open it read-only or with -snapshot)",
                       path, strerror(errno));
    if (fd < 0)
        return err_set(err, "cannot open the image '%s': %s", path, strerror(errno));
    if (!check_file(&raw->opt, path, fd, &len, err))
        goto fail;
    unlock_if_same(raw, fd);
    if (!lock_file(fd, write)) {
        err_set(
            err,
            "the image '%s' is in use by another program: close that first, or use -snapshot there",
            path);
        goto fail;
    }
    size = (len + sector - 1) & ~(sector - 1);
    nchunks = (size + CHUNK - 1) >> CHUNK_BITS;
    if (raw->opt.snapshot && !raw->opt.cdrom) {
        overlay = calloc(nchunks, sizeof *overlay);
        if (!overlay) {
            err_set(err, "no memory for the overlay of '%s'", path);
            goto fail;
        }
    }
    name = strdup(path);
    if (!name) {
        free(overlay);
        err_set(err, "no memory");
        goto fail;
    }
    medium_out(raw);
    raw->fd = fd;
    raw->path = name;
    raw->file_len = len;
    raw->overlay = overlay;
    raw->nchunks = overlay ? nchunks : 0;
    raw->blk.size = size;
    raw->blk.inserted = true;
    return true;
fail:
    close(fd);
    return false;
}

struct blk *raw_open(const struct raw_options *opt, struct err *err)
{
    struct raw *raw = calloc(1, sizeof *raw);

    if (!raw) {
        err_set(err, "no memory");
        return NULL;
    }
    raw->opt = *opt;
    raw->opt.path = NULL;
    raw->fd = -1;
    raw->last = &raw->first;
    raw->blk.ops = &raw_ops;
    raw->blk.cdrom = opt->cdrom;
    raw->blk.removable = opt->removable || opt->cdrom;
    raw->blk.read_only = opt->read_only || opt->cdrom;
    timer_init(&raw->timer, opt->clock, fire, raw, "disk");
    if (opt->path && !medium_in(raw, opt->path, err)) {
        free(raw);
        return NULL;
    }
    return &raw->blk;
}

void raw_close(struct blk *blk)
{
    struct raw *raw;

    if (!blk)
        return;
    raw = of_blk(blk);
    timer_cancel(&raw->timer);
    flush(raw);
    medium_out(raw);
    free(raw);
}

bool raw_change(struct blk *blk, const char *path, bool force, struct err *err)
{
    struct raw *raw = of_blk(blk);

    if (!blk->removable)
        return err_set(err, "the drive's medium cannot be changed: it is a fixed disk");
    if (blk->locked && !force)
        return err_set(
            err, "the guest has locked the drive: eject the medium in the guest, or force it");
    flush(raw);
    if (path && !medium_in(raw, path, err))
        return false;
    if (!path)
        medium_out(raw);
    else
        blk->tray_open = false;
    if (force)
        blk->locked = false;
    blk->media_gen++;
    if (blk->changed)
        blk->changed(blk->changed_arg);
    return true;
}

const char *raw_path(const struct blk *blk)
{
    return container_of(blk, const struct raw, blk)->path;
}
