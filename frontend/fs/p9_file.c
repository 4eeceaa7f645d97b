/* Files and folders that are open: reading, writing, listing. */
#include "frontend/fs/p9_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Flags as Linux numbers them on the wire, whatever the host. */
enum { L_ACCESS = 3, L_EXCL = 0200, L_TRUNC = 01000 };
enum { SAFE = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };
enum { ENTRY_FIXED = 13 + 8 + 1 + 2 };

static int host_flags(u32 flags)
{
    static const int access[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY};

    /* No O_APPEND: the guest says where each write goes. */
    return access[flags & L_ACCESS] | (flags & L_TRUNC ? O_TRUNC : 0) |
           (flags & L_EXCL ? O_EXCL : 0);
}

static bool writes(u32 flags)
{
    return (flags & L_ACCESS) == 1 || (flags & L_ACCESS) == 2 || (flags & L_TRUNC);
}

/* Open what is a folder or a file. What a guest could do to pipes and devices is not a matter of
 * sharing a folder. */
static int open_at(struct p9 *s, struct p9_fid *f, int dir, const char *name, u32 flags)
{
    struct stat st;
    int fd;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return S_ISLNK(st.st_mode) ? -ELOOP : -EOPNOTSUPP;
    fd = openat(dir, name, (host_flags(flags) & ~O_EXCL) | SAFE);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
        close(fd);
        return -EOPNOTSUPP;
    }
    if (S_ISDIR(st.st_mode)) {
        f->dir = fdopendir(fd);
        if (!f->dir) {
            close(fd);
            return -ENOMEM;
        }
    }
    f->fd = fd;
    s->nopen++;
    return 0;
}

static void put_opened(struct p9_out *out, const struct stat *st)
{
    p9_put_qid(out, st);
    out_num(out, 4, 0); /* transfers of any size */
}

int p9_lopen(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    u32 flags = (u32)in_num(in, 4);
    char name[P9_NAME];
    struct stat st;
    int dir, rc;

    if (in->bad || !f || f->fd >= 0)
        return EBADF;
    if (s->read_only && writes(flags))
        return EROFS;
    if (s->nopen >= P9_OPEN)
        return EMFILE;
    dir = p9_parent(s, f->path, name);
    if (dir < 0)
        return -dir;
    rc = open_at(s, f, dir, name, flags);
    if (!rc)
        rc = p9_stat(s, dir, name, &st);
    close(dir);
    if (rc) {
        p9_shut(s, f);
        return -rc;
    }
    put_opened(out, &st);
    return 0;
}

static int create(struct p9 *s, struct p9_fid *f, const char *name, u32 flags, u32 mode, u32 gid,
                  struct stat *st)
{
    int dir = p9_folder(s, f->path), fd, rc = 0;

    if (dir < 0)
        return dir;
    fd = openat(dir, name, host_flags(flags) | O_CREAT | SAFE, s->mapped ? 0600 : mode & 0777);
    if (fd < 0 || fstat(fd, st) < 0)
        rc = -errno;
    else if (!S_ISREG(st->st_mode))
        rc = -EOPNOTSUPP;
    else
        rc = p9_created(s, dir, name, 0, gid, S_IFREG | (mode & 07777), 0);
    if (!rc)
        rc = p9_stat(s, dir, name, st);
    close(dir);
    if (rc && fd >= 0)
        close(fd);
    return rc ? rc : fd;
}

int p9_lcreate(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    char name[P9_NAME], path[P9_PATH], *copy;
    u32 flags, mode, gid;
    struct stat st;
    int fd;

    in_str(in, name, sizeof(name));
    flags = (u32)in_num(in, 4);
    mode = (u32)in_num(in, 4);
    gid = (u32)in_num(in, 4);
    if (in->bad || !f || f->fd >= 0)
        return EBADF;
    if (!p9_name_ok(name))
        return EINVAL;
    if (!p9_join(f->path, name, path))
        return ENAMETOOLONG;
    if (s->nopen >= P9_OPEN)
        return EMFILE;
    copy = strdup(path);
    if (!copy)
        return ENOMEM;
    fd = create(s, f, name, flags, mode, gid, &st);
    if (fd < 0) {
        free(copy);
        return -fd;
    }
    free(f->path);
    f->path = copy;
    f->fd = fd;
    s->nopen++;
    put_opened(out, &st);
    return 0;
}

int p9_read(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    u64 off = in_num(in, 8);
    u32 count = (u32)in_num(in, 4);
    size_t room = out->n - out->at;
    ssize_t n;

    if (in->bad || !f || f->fd < 0 || f->dir)
        return EBADF;
    if (room < 4 || off >> 63)
        return EINVAL;
    do
        n = pread(f->fd, out->p + out->at + 4, MIN((size_t)count, room - 4), (off_t)off);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno;
    out_num(out, 4, (u64)n);
    out_bytes(out, (size_t)n);
    return 0;
}

int p9_write(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    u64 off = in_num(in, 8);
    u32 count = (u32)in_num(in, 4);
    const u8 *data = in_bytes(in, count);
    ssize_t n;

    if (in->bad || !data)
        return EINVAL;
    if (!f || f->fd < 0 || f->dir)
        return EBADF;
    if (off >> 63)
        return EFBIG;
    do
        n = pwrite(f->fd, data, count, (off_t)off);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno;
    out_num(out, 4, (u64)n);
    return 0;
}

int p9_fsync(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));

    if (in->bad || !f || f->fd < 0)
        return EBADF;
    return fsync(f->fd) < 0 ? errno : 0;
}

/* One entry; false when it has no room any more. */
static bool put_entry(struct p9 *s, struct p9_fid *f, const struct dirent *d, struct p9_out *out,
                      size_t limit)
{
    bool dots = !strcmp(d->d_name, ".") || !strcmp(d->d_name, "..");
    struct stat st;

    if (out->at + ENTRY_FIXED + strlen(d->d_name) > limit)
        return false;
    /* What is above the root is not the guest's business. */
    if (p9_stat(s, f->fd, dots ? "." : d->d_name, &st))
        return true; /* gone in the meantime */
    p9_put_qid(out, &st);
    out_num(out, 8, (u64)d->d_off);
    out_num(out, 1, dots ? DT_DIR : IFTODT(st.st_mode));
    out_str(out, d->d_name);
    return true;
}

int p9_readdir(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    u64 off = in_num(in, 8);
    u32 count = (u32)in_num(in, 4);
    size_t start = out->at, limit;
    struct dirent *d;

    if (in->bad || !f || !f->dir)
        return EBADF;
    if (out->n - out->at < 4)
        return EINVAL;
    out_num(out, 4, 0);
    limit = out->at + MIN((size_t)count, out->n - out->at);
    if (off)
        seekdir(f->dir, (long)off);
    else
        rewinddir(f->dir);
    while ((d = readdir(f->dir)) && put_entry(s, f, d, out, limit))
        ;
    st32(out->p + start, (u32)(out->at - start - 4));
    return 0;
}
