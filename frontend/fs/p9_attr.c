/* What files are: attributes, changing them, and those that are kept beside files for guests that the
 * host does not let have them (mapped-xattr, with the names that QEMU gives them). */
#include "frontend/fs/p9_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { QID_DIR = 0x80, QID_LINK = 2, BASIC = 0x7ff };
enum { SET_MODE = 1, SET_UID = 2, SET_GID = 4, SET_SIZE = 8, SET_ATIME = 16, SET_MTIME = 32 };
enum { SET_ATIME_TO = 128, SET_MTIME_TO = 256, MAGIC = 0x01021997 };

static const char mapped_uid[] = "user.virtfs.uid", mapped_gid[] = "user.virtfs.gid",
                  mapped_mode[] = "user.virtfs.mode", mapped_rdev[] = "user.virtfs.rdev";

/* A path by which the calls that know no descriptors reach a name in a folder. */
static void by_fd(int dir, const char *name, char buf[P9_NAME + 32])
{
    snprintf(buf, P9_NAME + 32, "/proc/self/fd/%d/%s", dir, name);
}

static bool get_mapped(const char *at, const char *attr, unsigned size, u64 *v)
{
    u8 b[8];

    if (lgetxattr(at, attr, b, size) != (ssize_t)size)
        return false;
    *v = ld_le(b, size);
    return true;
}

static int set_mapped(const char *at, const char *attr, unsigned size, u64 v)
{
    u8 b[8];

    st_le(b, size, v);
    return lsetxattr(at, attr, b, size, 0) < 0 ? -errno : 0;
}

static void apply_mapped(int dir, const char *name, struct stat *st)
{
    char at[P9_NAME + 32];
    u64 v;

    by_fd(dir, name, at);
    if (get_mapped(at, mapped_uid, 4, &v))
        st->st_uid = (uid_t)v;
    if (get_mapped(at, mapped_gid, 4, &v))
        st->st_gid = (gid_t)v;
    /* A folder is one and a file is none, whatever the attribute says. */
    if (get_mapped(at, mapped_mode, 4, &v) && S_ISDIR(st->st_mode) == S_ISDIR(v))
        st->st_mode = (mode_t)v & (S_IFMT | 07777);
    if (get_mapped(at, mapped_rdev, 8, &v))
        st->st_rdev = (dev_t)v;
}

int p9_stat(struct p9 *s, int dir, const char *name, struct stat *st)
{
    if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (s->mapped)
        apply_mapped(dir, name, st);
    return 0;
}

int p9_fid_stat(struct p9 *s, const struct p9_fid *f, struct stat *st)
{
    char name[P9_NAME];
    int dir, rc;

    /* What is open may have been removed from its place. */
    if (f->fd >= 0 && !s->mapped)
        return fstat(f->fd, st) < 0 ? -errno : 0;
    dir = p9_parent(s, f->path, name);
    if (dir < 0)
        return dir;
    rc = p9_stat(s, dir, name, st);
    close(dir);
    return rc;
}

int p9_created(struct p9 *s, int dir, const char *name, u32 uid, u32 gid, u32 mode, u64 rdev)
{
    char at[P9_NAME + 32];
    int rc;

    if (!s->mapped)
        return 0;
    by_fd(dir, name, at);
    rc = set_mapped(at, mapped_mode, 4, mode);
    if (!rc)
        rc = set_mapped(at, mapped_uid, 4, uid);
    if (!rc)
        rc = set_mapped(at, mapped_gid, 4, gid);
    if (!rc && (S_ISCHR(mode) || S_ISBLK(mode)))
        rc = set_mapped(at, mapped_rdev, 8, rdev);
    return rc;
}

void p9_put_qid(struct p9_out *out, const struct stat *st)
{
    out_num(out, 1, S_ISDIR(st->st_mode) ? QID_DIR : S_ISLNK(st->st_mode) ? QID_LINK : 0);
    out_num(out, 4, (u64)st->st_mtim.tv_sec ^ (u64)st->st_size << 8);
    out_num(out, 8, (u64)st->st_ino ^ (u64)st->st_dev << 48);
}

static void put_time(struct p9_out *out, const struct timespec *t)
{
    out_num(out, 8, (u64)t->tv_sec);
    out_num(out, 8, (u64)t->tv_nsec);
}

int p9_getattr(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    struct stat st;
    int rc;

    in_num(in, 8); /* all that is known is told */
    if (in->bad || !f)
        return EBADF;
    rc = p9_fid_stat(s, f, &st);
    if (rc)
        return -rc;
    out_num(out, 8, BASIC);
    p9_put_qid(out, &st);
    out_num(out, 4, st.st_mode);
    out_num(out, 4, st.st_uid);
    out_num(out, 4, st.st_gid);
    out_num(out, 8, st.st_nlink);
    out_num(out, 8, st.st_rdev);
    out_num(out, 8, (u64)st.st_size);
    out_num(out, 8, (u64)st.st_blksize);
    out_num(out, 8, (u64)st.st_blocks);
    put_time(out, &st.st_atim);
    put_time(out, &st.st_mtim);
    put_time(out, &st.st_ctim);
    for (unsigned i = 0; i < 4; i++) /* time of birth, generation, data version */
        out_num(out, 8, 0);
    return 0;
}

/* ---- changing ---- */

/* The size of a file, and only of a file: others could block, or do something. */
static int set_size(int dir, const char *name, u64 size)
{
    struct stat st;
    int fd, rc = 0;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (size >> 63 || ftruncate(fd, (off_t)size) < 0)
        rc = size >> 63 ? -EFBIG : -errno;
    close(fd);
    return rc;
}

static int set_mode(struct p9 *s, int dir, const char *name, u32 mode)
{
    char at[P9_NAME + 32];
    struct stat st;
    int fd, rc = 0;

    if (s->mapped) {
        rc = p9_stat(s, dir, name, &st);
        if (rc)
            return rc;
        by_fd(dir, name, at);
        return set_mapped(at, mapped_mode, 4, (st.st_mode & S_IFMT) | (mode & 07777));
    }
    fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    /* Held by the descriptor, it cannot become a link on the way. */
    snprintf(at, sizeof(at), "/proc/self/fd/%d", fd);
    if (fstat(fd, &st) < 0)
        rc = -errno;
    else if (S_ISLNK(st.st_mode))
        rc = -EOPNOTSUPP;
    else if (chmod(at, mode & 07777) < 0)
        rc = -errno;
    close(fd);
    return rc;
}

static int set_owner(struct p9 *s, int dir, const char *name, u32 valid, u32 uid, u32 gid)
{
    char at[P9_NAME + 32];
    int rc = 0;

    if (!s->mapped) {
        /* An unprivileged program cannot give files away: that is no error (model none). */
        if (fchownat(dir, name, valid & SET_UID ? uid : (uid_t)-1,
                     valid & SET_GID ? gid : (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 &&
            errno != EPERM)
            return -errno;
        return 0;
    }
    by_fd(dir, name, at);
    if (valid & SET_UID)
        rc = set_mapped(at, mapped_uid, 4, uid);
    if (!rc && (valid & SET_GID))
        rc = set_mapped(at, mapped_gid, 4, gid);
    return rc;
}

static struct timespec get_time(struct p9_in *in, bool change, bool to)
{
    struct timespec t = {.tv_sec = (time_t)in_num(in, 8)};
    u64 ns = in_num(in, 8);

    t.tv_nsec = !change ? UTIME_OMIT : !to ? UTIME_NOW : (long)MIN(ns, (u64)999999999);
    return t;
}

int p9_setattr(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    u32 valid = (u32)in_num(in, 4), mode = (u32)in_num(in, 4), uid = (u32)in_num(in, 4);
    u32 gid = (u32)in_num(in, 4);
    u64 size = in_num(in, 8);
    struct timespec t[2];
    char name[P9_NAME];
    int dir, rc = 0;

    t[0] = get_time(in, valid & SET_ATIME, valid & SET_ATIME_TO);
    t[1] = get_time(in, valid & SET_MTIME, valid & SET_MTIME_TO);
    if (in->bad || !f)
        return EBADF;
    dir = p9_parent(s, f->path, name);
    if (dir < 0)
        return -dir;
    if (valid & SET_MODE)
        rc = set_mode(s, dir, name, mode);
    if (!rc && (valid & (SET_UID | SET_GID)))
        rc = set_owner(s, dir, name, valid, uid, gid);
    if (!rc && (valid & SET_SIZE))
        rc = set_size(dir, name, size);
    if (!rc && (valid & (SET_ATIME | SET_MTIME)) &&
        utimensat(dir, name, t, AT_SYMLINK_NOFOLLOW) < 0)
        rc = -errno;
    close(dir);
    return -rc;
}

int p9_statfs(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    struct statvfs v;

    if (in->bad || !f)
        return EBADF;
    if (fstatvfs(s->root, &v) < 0)
        return errno;
    out_num(out, 4, MAGIC);
    out_num(out, 4, v.f_bsize);
    out_num(out, 8, v.f_blocks);
    out_num(out, 8, v.f_bfree);
    out_num(out, 8, v.f_bavail);
    out_num(out, 8, v.f_files);
    out_num(out, 8, v.f_ffree);
    out_num(out, 8, v.f_fsid);
    out_num(out, 4, P9_NAME - 1);
    return 0;
}
