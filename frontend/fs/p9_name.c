/* Names: walking, making, linking, renaming, removing. */
#include "frontend/fs/p9_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { L_REMOVEDIR = 0x200 };

/* ---- walking ---- */

/* One step from `path`, in place. */
static int step(struct p9 *s, char path[P9_PATH], const char *name, struct stat *st)
{
    char next[P9_PATH], last[P9_NAME], *slash;
    int dir, rc;

    if (!strcmp(name, "..")) {
        slash = strrchr(path, '/');
        path[slash ? slash - path : 0] = 0; /* the root is above itself */
    } else {
        if (!p9_name_ok(name))
            return ENOENT;
        if (!p9_join(path, name, next))
            return ENAMETOOLONG;
        memcpy(path, next, sizeof(next));
    }
    dir = p9_parent(s, path, last);
    if (dir < 0)
        return -dir;
    rc = p9_stat(s, dir, last, st);
    close(dir);
    return -rc;
}

int p9_walk(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    u32 from = (u32)in_num(in, 4), to = (u32)in_num(in, 4);
    unsigned n = (unsigned)in_num(in, 2), done = 0;
    struct p9_fid *f = p9_find(s, from);
    size_t count_at = out->at;
    char path[P9_PATH];
    int rc = 0;

    if (in->bad || !f || f->fd >= 0)
        return EBADF;
    if (n > P9_WALK)
        return EINVAL;
    if (to != from && p9_find(s, to))
        return EBADF;
    snprintf(path, sizeof(path), "%s", f->path);
    out_num(out, 2, 0);
    for (; done < n; done++) {
        char name[P9_NAME];
        struct stat st;

        in_str(in, name, sizeof(name));
        rc = in->bad ? EINVAL : step(s, path, name, &st);
        if (rc)
            break;
        p9_put_qid(out, &st);
    }
    if (rc && !done)
        return rc;
    if (out->full)
        return EINVAL;
    st16(out->p + count_at, (u16)done);
    /* Only a whole walk makes the new one. */
    if (done < n)
        return 0;
    if (to == from) {
        char *copy = strdup(path);

        if (!copy)
            return ENOMEM;
        free(f->path);
        f->path = copy;
        return 0;
    }
    return p9_new(s, to, path, &rc) ? 0 : rc;
}

/* ---- making ---- */

/* What makers have in common: the folder of a fid, a new name in it. */
static int begin(struct p9 *s, const struct p9_fid *f, struct p9_in *in, const char *name)
{
    if (in->bad || !f)
        return -EBADF;
    if (!p9_name_ok(name))
        return -EINVAL;
    return p9_folder(s, f->path);
}

static int finish(struct p9 *s, int dir, const char *name, int rc, struct p9_out *out)
{
    struct stat st;

    if (!rc)
        rc = p9_stat(s, dir, name, &st);
    close(dir);
    if (!rc)
        p9_put_qid(out, &st);
    return -rc;
}

int p9_mkdir(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    char name[P9_NAME];
    u32 mode, gid;
    int dir, rc = 0;

    in_str(in, name, sizeof(name));
    mode = (u32)in_num(in, 4);
    gid = (u32)in_num(in, 4);
    dir = begin(s, f, in, name);
    if (dir < 0)
        return -dir;
    if (mkdirat(dir, name, s->mapped ? 0700 : mode & 0777) < 0)
        rc = -errno;
    if (!rc)
        rc = p9_created(s, dir, name, 0, gid, S_IFDIR | (mode & 07777), 0);
    return finish(s, dir, name, rc, out);
}

/* A file that stands for something that the host is not to have. */
static int stand_in(struct p9 *s, int dir, const char *name, u32 gid, u32 mode, u64 rdev,
                    const char *text)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), rc = 0;
    size_t n = strlen(text);

    if (fd < 0)
        return -errno;
    if (write(fd, text, n) != (ssize_t)n)
        rc = -EIO;
    close(fd);
    return rc ? rc : p9_created(s, dir, name, 0, gid, mode, rdev);
}

int p9_symlink(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    char name[P9_NAME], target[P9_PATH];
    u32 gid;
    int dir, rc = 0;

    in_str(in, name, sizeof(name));
    in_str(in, target, sizeof(target));
    gid = (u32)in_num(in, 4);
    dir = begin(s, f, in, name);
    if (dir < 0)
        return -dir;
    /* Where it leads is the guest's own matter: nobody here follows it. */
    if (s->mapped)
        rc = stand_in(s, dir, name, gid, S_IFLNK | 0777, 0, target);
    else if (symlinkat(target, dir, name) < 0)
        rc = -errno;
    return finish(s, dir, name, rc, out);
}

int p9_mknod(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    char name[P9_NAME];
    u32 mode, major, minor, gid;
    int dir, rc = 0;

    in_str(in, name, sizeof(name));
    mode = (u32)in_num(in, 4);
    major = (u32)in_num(in, 4);
    minor = (u32)in_num(in, 4);
    gid = (u32)in_num(in, 4);
    dir = begin(s, f, in, name);
    if (dir < 0)
        return -dir;
    if (s->mapped)
        rc = stand_in(s, dir, name, gid, mode,
                      ((u64)major & 0xfff) << 8 | (minor & 0xff) | ((u64)minor & ~0xffull) << 12,
                      "");
    else if (!S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
        rc = -EPERM; /* devices of the host are not for guests to make */
    else if (mknodat(dir, name, (mode & S_IFMT) | (mode & 0777), 0) < 0)
        rc = -errno;
    return finish(s, dir, name, rc, out);
}

int p9_readlink(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    char name[P9_NAME], target[P9_PATH];
    struct stat st;
    ssize_t n = -1;
    int dir, fd, rc;

    if (in->bad || !f)
        return EBADF;
    dir = p9_parent(s, f->path, name);
    if (dir < 0)
        return -dir;
    rc = p9_stat(s, dir, name, &st);
    if (!rc && !S_ISLNK(st.st_mode))
        rc = -EINVAL;
    if (!rc) {
        n = readlinkat(dir, name, target, sizeof(target) - 1);
        /* One that a guest made is a file with the target in it. */
        if (n < 0 && s->mapped &&
            (fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) >= 0) {
            n = read(fd, target, sizeof(target) - 1);
            close(fd);
        }
        rc = n < 0 ? -errno : 0;
    }
    close(dir);
    if (rc)
        return -rc;
    target[n] = 0;
    out_str(out, target);
    return 0;
}

/* ---- moving ---- */

int p9_link(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *to = p9_find(s, (u32)in_num(in, 4)), *f = p9_find(s, (u32)in_num(in, 4));
    char name[P9_NAME], old[P9_NAME];
    int dir, from, rc = 0;

    in_str(in, name, sizeof(name));
    dir = f ? begin(s, to, in, name) : -EBADF;
    if (dir < 0)
        return -dir;
    from = p9_parent(s, f->path, old);
    if (from < 0)
        rc = -from;
    else if (linkat(from, old, dir, name, 0) < 0)
        rc = errno;
    if (from >= 0)
        close(from);
    close(dir);
    return rc;
}

/* Fids of what was moved from one path to another, and of what is below it, go along. */
static void moved(struct p9 *s, const char *from, const char *to)
{
    size_t n = strlen(from);

    for (unsigned b = 0; b < P9_BUCKETS; b++) {
        for (struct p9_fid *f = s->bucket[b]; f; f = f->next) {
            char path[P9_PATH], *copy;
            int k;

            if (strncmp(f->path, from, n) || (f->path[n] && f->path[n] != '/'))
                continue;
            k = snprintf(path, sizeof(path), "%s%s", to, f->path + n);
            copy = k < P9_PATH ? strdup(path) : NULL;
            if (!copy)
                continue; /* it leads nowhere now */
            free(f->path);
            f->path = copy;
        }
    }
}

static int move(struct p9 *s, const char *from, const char *to)
{
    char a[P9_NAME], b[P9_NAME];
    int from_dir, to_dir, rc = 0;

    if (!from[0] || !to[0])
        return EINVAL;
    from_dir = p9_parent(s, from, a);
    if (from_dir < 0)
        return -from_dir;
    to_dir = p9_parent(s, to, b);
    if (to_dir < 0)
        rc = -to_dir;
    else if (renameat(from_dir, a, to_dir, b) < 0)
        rc = errno;
    if (to_dir >= 0)
        close(to_dir);
    close(from_dir);
    if (!rc)
        moved(s, from, to);
    return rc;
}

int p9_rename(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4)), *d = p9_find(s, (u32)in_num(in, 4));
    char name[P9_NAME], to[P9_PATH], from[P9_PATH];

    in_str(in, name, sizeof(name));
    if (in->bad || !f || !d)
        return EBADF;
    if (!p9_name_ok(name) || !p9_join(d->path, name, to))
        return EINVAL;
    snprintf(from, sizeof(from), "%s", f->path);
    return move(s, from, to);
}

int p9_renameat(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *a = p9_find(s, (u32)in_num(in, 4)), *b;
    char old[P9_NAME], name[P9_NAME], from[P9_PATH], to[P9_PATH];

    in_str(in, old, sizeof(old));
    b = p9_find(s, (u32)in_num(in, 4));
    in_str(in, name, sizeof(name));
    if (in->bad || !a || !b)
        return EBADF;
    if (!p9_name_ok(old) || !p9_name_ok(name) || !p9_join(a->path, old, from) ||
        !p9_join(b->path, name, to))
        return EINVAL;
    return move(s, from, to);
}

/* ---- removing ---- */

int p9_unlinkat(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    char name[P9_NAME];
    u32 flags;
    int dir, rc = 0;

    in_str(in, name, sizeof(name));
    flags = (u32)in_num(in, 4);
    dir = begin(s, f, in, name);
    if (dir < 0)
        return -dir;
    if (unlinkat(dir, name, flags & L_REMOVEDIR ? AT_REMOVEDIR : 0) < 0)
        rc = errno;
    close(dir);
    return rc;
}

int p9_remove(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    char name[P9_NAME];
    int dir, rc = 0;

    if (in->bad || !f)
        return EBADF;
    dir = f->path[0] ? p9_parent(s, f->path, name) : -EBUSY;
    if (s->read_only)
        rc = EROFS;
    else if (dir < 0)
        rc = -dir;
    else if (unlinkat(dir, name, 0) < 0 &&
             (errno != EISDIR || unlinkat(dir, name, AT_REMOVEDIR) < 0))
        rc = errno;
    if (dir >= 0)
        close(dir);
    p9_drop(s, f); /* it is gone whether that worked or not */
    return rc;
}
