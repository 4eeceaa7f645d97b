/* Files are written beside their place, made durable, and then renamed into it. */
#define _GNU_SOURCE
#include "frontend/state/io.h"
#include "devices/core/bits.h"
#include "devices/core/hostmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

static int file_read(struct state_io *io, u64 off, void *buf, size_t n)
{
    struct state_file *f = container_of(io, struct state_file, io);
    u8 *p = buf;

    while (n) {
        ssize_t got = pread(f->fd, p, n, (off_t)off);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got ? errno : EIO;
        p += got, off += (u64)got, n -= (size_t)got;
    }
    return 0;
}

static int file_write(struct state_io *io, u64 off, const void *buf, size_t n)
{
    struct state_file *f = container_of(io, struct state_file, io);
    const u8 *p = buf;

    io->size = MAX(io->size, off + n);
    while (n) {
        ssize_t got = pwrite(f->fd, p, n, (off_t)off);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        p += got, off += (u64)got, n -= (size_t)got;
    }
    return 0;
}

static bool file_map(struct state_io *io, u64 off, void *at, size_t n)
{
    return host_map_file(at, n, container_of(io, struct state_file, io)->fd, off);
}

void state_file_allow_map(struct state_file *f)
{
    f->io.map = file_map;
}

bool state_file_open(struct state_file *f, const char *path, struct err *err)
{
    struct stat st;

    *f = (struct state_file){.io = {.read = file_read}, .fd = -1};
    f->path = strdup(path);
    f->io.name = f->path;
    f->fd = f->path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (f->fd < 0 || fstat(f->fd, &st)) {
        err_set(err, "Cannot open the snapshot '%.300s': %s.", path, strerror(errno));
        state_file_close(f);
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        err_set(err, "The snapshot '%.300s' is not a file.", path);
        state_file_close(f);
        return false;
    }
    f->io.size = (u64)st.st_size;
    return true;
}

bool state_file_create(struct state_file *f, const char *path, struct err *err)
{
    struct stat st;

    *f = (struct state_file){.io = {.read = file_read, .write = file_write}, .fd = -1};
    if (!stat(path, &st) && !S_ISREG(st.st_mode))
        return err_set(err, "Cannot write a snapshot to '%.300s': it is not a file.", path);
    f->path = strdup(path);
    f->io.name = f->path;
    if (!f->path || asprintf(&f->temp, "%s.XXXXXX", path) < 0) {
        f->temp = NULL;
        state_file_close(f);
        return err_set(err, "No memory for a snapshot.");
    }
    f->fd = mkostemp(f->temp, O_CLOEXEC);
    if (f->fd < 0) {
        err_set(err, "Cannot write a snapshot to '%.300s': %s.", path, strerror(errno));
        free(f->temp);
        f->temp = NULL;
        state_file_close(f);
        return false;
    }
    return true;
}

/* The name is durable when its folder is. */
static int sync_folder(const char *path)
{
    char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
    int fd, rc = 0;

    if (!copy)
        return ENOMEM;
    if (slash)
        slash[slash == copy] = 0;
    fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Some file systems have folders that cannot be flushed. */
    if (fd < 0 || (fsync(fd) && errno != EINVAL))
        rc = errno;
    if (fd >= 0)
        close(fd);
    free(copy);
    return rc;
}

bool state_file_publish(struct state_file *f, struct err *err)
{
    int rc = fdatasync(f->fd) || rename(f->temp, f->path) ? errno : 0;

    if (rc) {
        err_set(err, "Cannot write the snapshot '%.300s': %s.", f->path, strerror(rc));
        state_file_close(f);
        return false;
    }
    free(f->temp);
    f->temp = NULL;
    rc = sync_folder(f->path);
    if (rc)
        err_set(err, "The snapshot '%.300s' may not survive a power loss: %s.", f->path,
                strerror(rc));
    state_file_close(f);
    return !rc;
}

void state_file_close(struct state_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    if (f->temp)
        unlink(f->temp);
    free(f->temp);
    free(f->path);
    *f = (struct state_file){.fd = -1};
}

/* ---- memory ---- */

static int mem_read(struct state_io *io, u64 off, void *buf, size_t n)
{
    struct state_mem *m = container_of(io, struct state_mem, io);

    if (off > io->size || n > io->size - off)
        return EIO;
    if (n)
        memcpy(buf, m->data + off, n);
    return 0;
}

static int mem_write(struct state_io *io, u64 off, const void *buf, size_t n)
{
    struct state_mem *m = container_of(io, struct state_mem, io);

    if (off + n > m->cap) {
        size_t cap = MAX(2 * m->cap, (size_t)off + n + 4096);
        u8 *data = realloc(m->data, cap);

        if (!data)
            return ENOMEM;
        m->data = data;
        m->cap = cap;
    }
    if (off > io->size)
        memset(m->data + io->size, 0, off - io->size);
    if (n)
        memcpy(m->data + off, buf, n);
    io->size = MAX(io->size, off + n);
    return 0;
}

void state_mem_init(struct state_mem *m)
{
    *m = (struct state_mem){.io = {.read = mem_read, .write = mem_write, .name = "memory"}};
}

void state_mem_view(struct state_mem *m, const void *data, size_t n)
{
    *m = (struct state_mem){.io = {.read = mem_read, .size = n, .name = "memory"}};
    m->data = (u8 *)data;
}

void state_mem_free(struct state_mem *m)
{
    if (m->io.write)
        free(m->data);
    *m = (struct state_mem){0};
}
