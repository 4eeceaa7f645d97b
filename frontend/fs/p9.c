/* A 9P2000.L server: sessions, fids, and messages in and out (the protocol as Linux's v9fs speaks
 * it). */
#include "frontend/fs/p9_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    T_LERROR = 6, /* as an answer 7 */
    T_VERSION = 100,
    T_ATTACH = 104,
    T_FLUSH = 108,
    T_CLUNK = 120,
    T_LOCK = 52,
    T_GETLOCK = 54,
    MSIZE_MIN = 4096,
    UNLOCKED = 2,
};

/* ---- fids ---- */

struct p9_fid *p9_find(struct p9 *s, u32 id)
{
    struct p9_fid *f = s->bucket[id % P9_BUCKETS];

    while (f && f->id != id)
        f = f->next;
    return f;
}

struct p9_fid *p9_new(struct p9 *s, u32 id, const char *path, int *error)
{
    struct p9_fid *f;

    *error = EBADF;
    if (p9_find(s, id))
        return NULL;
    *error = ENFILE;
    if (s->nfids >= P9_FIDS)
        return NULL;
    f = calloc(1, sizeof(*f));
    *error = ENOMEM;
    if (!f || !(f->path = strdup(path))) {
        free(f);
        return NULL;
    }
    f->id = id;
    f->fd = -1;
    f->next = s->bucket[id % P9_BUCKETS];
    s->bucket[id % P9_BUCKETS] = f;
    s->nfids++;
    return f;
}

void p9_shut(struct p9 *s, struct p9_fid *f)
{
    if (f->fd < 0)
        return;
    if (f->dir)
        closedir(f->dir);
    else
        close(f->fd);
    f->dir = NULL;
    f->fd = -1;
    s->nopen--;
}

void p9_drop(struct p9 *s, struct p9_fid *f)
{
    struct p9_fid **p = &s->bucket[f->id % P9_BUCKETS];

    while (*p != f)
        p = &(*p)->next;
    *p = f->next;
    s->nfids--;
    p9_shut(s, f);
    free(f->path);
    free(f);
}

static void end_session(struct p9 *s)
{
    for (unsigned b = 0; b < P9_BUCKETS; b++) {
        while (s->bucket[b])
            p9_drop(s, s->bucket[b]);
    }
    s->msize = 0;
}

/* ---- messages about the session ---- */

static int version(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    u32 msize = (u32)in_num(in, 4);
    char name[32];

    in_str(in, name, sizeof(name));
    end_session(s);
    if (in->bad || msize < MSIZE_MIN)
        return EINVAL;
    msize = MIN(msize, (u32)SHARE_MSIZE);
    out_num(out, 4, msize);
    out_str(out, strcmp(name, "9P2000.L") ? "unknown" : "9P2000.L");
    if (!strcmp(name, "9P2000.L"))
        s->msize = msize;
    return 0;
}

static int attach(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    u32 id = (u32)in_num(in, 4);
    char text[P9_PATH];
    struct p9_fid *f;
    struct stat st;
    int rc;

    in_num(in, 4); /* of authentication, which there is none of */
    in_str(in, text, sizeof(text));
    in_str(in, text, sizeof(text));
    in_num(in, 4);
    if (in->bad)
        return EINVAL;
    f = p9_new(s, id, "", &rc);
    if (!f)
        return rc;
    rc = p9_fid_stat(s, f, &st);
    if (!rc)
        p9_put_qid(out, &st);
    return -rc;
}

static int nothing(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    return 0; /* every message is answered before the next is looked at */
}

static int clunk(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));

    if (in->bad || !f)
        return EBADF;
    p9_drop(s, f);
    return 0;
}

/* Locks hold among the guest's own programs, which its kernel sees to. */
static int lock(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));

    if (in->bad || !f)
        return EBADF;
    out_num(out, 1, 0);
    return 0;
}

static int getlock(struct p9 *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_find(s, (u32)in_num(in, 4));
    u64 start, length;
    char client[P9_NAME];
    u32 proc;

    in_num(in, 1);
    start = in_num(in, 8);
    length = in_num(in, 8);
    proc = (u32)in_num(in, 4);
    in_str(in, client, sizeof(client));
    if (in->bad || !f)
        return EBADF;
    out_num(out, 1, UNLOCKED);
    out_num(out, 8, start);
    out_num(out, 8, length);
    out_num(out, 4, proc);
    out_str(out, client);
    return 0;
}

/* ---- one message ---- */

static const struct {
    p9_fn *fn;
    bool changes; /* refused in a read-only folder */
} calls[128] = {
    [8] = {p9_statfs, false},    [12] = {p9_lopen, false},    [14] = {p9_lcreate, true},
    [16] = {p9_symlink, true},   [18] = {p9_mknod, true},     [20] = {p9_rename, true},
    [22] = {p9_readlink, false}, [24] = {p9_getattr, false},  [26] = {p9_setattr, true},
    [40] = {p9_readdir, false},  [50] = {p9_fsync, false},    [T_LOCK] = {lock, false},
    [T_GETLOCK] = {getlock, false}, [70] = {p9_link, true},   [72] = {p9_mkdir, true},
    [74] = {p9_renameat, true},  [76] = {p9_unlinkat, true},  [T_VERSION] = {version, false},
    [T_ATTACH] = {attach, false}, [T_FLUSH] = {nothing, false}, [110] = {p9_walk, false},
    [116] = {p9_read, false},    [118] = {p9_write, true},    [T_CLUNK] = {clunk, false},
    [122] = {p9_remove, false}, /* looks itself: the fid goes in any case */
};

static int call(struct p9 *s, unsigned type, struct p9_in *in, struct p9_out *out)
{
    if (type >= ARRAY_LEN(calls) || !calls[type].fn)
        return EOPNOTSUPP;
    if (!s->msize && type != T_VERSION)
        return EPROTO;
    if (s->read_only && calls[type].changes)
        return EROFS;
    return calls[type].fn(s, in, out);
}

static size_t serve(struct share *share, const u8 *msg, size_t n, u8 *answer, size_t room)
{
    struct p9 *s = container_of(share, struct p9, share);
    struct p9_in in = {.p = msg, .n = n};
    struct p9_out out = {.p = answer, .n = room};
    u32 size = (u32)in_num(&in, 4);
    unsigned type = (unsigned)in_num(&in, 1);
    u16 tag = (u16)in_num(&in, 2);
    int rc;

    if (room < P9_HEADER + 4)
        return 0;
    if (s->msize)
        out.n = MIN(out.n, (size_t)s->msize);
    out.at = P9_HEADER;
    if (in.bad || size > n || size < P9_HEADER || (s->msize && size > s->msize)) {
        rc = EINVAL;
    } else {
        in.n = size;
        rc = call(s, type, &in, &out);
    }
    if (!rc && out.full)
        rc = ENOBUFS;
    if (rc) {
        type = T_LERROR;
        out.at = P9_HEADER;
        out.full = false;
        out_num(&out, 4, (u64)rc);
    }
    st32(answer, (u32)out.at);
    answer[4] = (u8)(type + 1);
    st16(answer + 5, tag);
    return out.at;
}

static void reset(struct share *share)
{
    end_session(container_of(share, struct p9, share));
}

static const struct share_ops p9_ops = {serve, reset};

/* ---- life ---- */

struct share *share_open(const struct share_options *opt, struct err *err)
{
    struct p9 *s = calloc(1, sizeof(*s));

    if (!s) {
        err_set(err, "no memory");
        return NULL;
    }
    s->share.ops = &p9_ops;
    s->read_only = opt->read_only;
    s->mapped = opt->mapped;
    s->root = open(opt->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s->root < 0) {
        err_set(err, "the folder '%.300s' cannot be shared: %s", opt->path, strerror(errno));
        free(s);
        return NULL;
    }
    return &s->share;
}

void share_close(struct share *share)
{
    struct p9 *s;

    if (!share)
        return;
    s = container_of(share, struct p9, share);
    end_session(s);
    close(s->root);
    free(s);
}
