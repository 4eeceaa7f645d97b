/* Between the files of the 9P server. */
#ifndef FRONTEND_FS_P9_INT_H
#define FRONTEND_FS_P9_INT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "frontend/fs/p9_wire.h"
#include "frontend/fs/share.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
    P9_NAME = 256,     /* with its zero */
    P9_PATH = 4096,
    P9_FIDS = 16384,   /* that a guest has at once */
    P9_OPEN = 256,     /* of them with a file of the host open */
    P9_BUCKETS = 256,
    P9_WALK = 16,      /* names in one walk */
    P9_HEADER = 7,
};

/* What the guest calls by a number: a place under the root. */
struct p9_fid {
    u32 id;
    char *path; /* names joined by '/', without "." and ".."; "": the root */
    int fd;     /* -1: not open */
    DIR *dir;   /* an open folder; owns fd */
    struct p9_fid *next;
};

struct p9 {
    struct share share;
    int root;
    bool read_only, mapped;
    u32 msize; /* as agreed; 0: no session */
    unsigned nfids, nopen;
    struct p9_fid *bucket[P9_BUCKETS];
};

/* p9_path.c. All never follow a symbolic link and never leave the root. Errors are -errno. */
/* The folder at `path`, as an O_PATH descriptor. */
int p9_folder(struct p9 *s, const char *path);
/* The folder that holds `path`, and its name there ("." for the root). */
int p9_parent(struct p9 *s, const char *path, char name[P9_NAME]);
/* Is it a name that a file can be given? */
bool p9_name_ok(const char *name);
/* path/name into buf; false when that is too long. */
bool p9_join(const char *path, const char *name, char buf[P9_PATH]);

/* p9_attr.c. 0 or -errno. */
int p9_stat(struct p9 *s, int dir, const char *name, struct stat *st);
int p9_fid_stat(struct p9 *s, const struct p9_fid *f, struct stat *st);
/* Something was created: who made it and what it is to be, where attributes keep that. */
int p9_created(struct p9 *s, int dir, const char *name, u32 uid, u32 gid, u32 mode, u64 rdev);
void p9_put_qid(struct p9_out *out, const struct stat *st);

/* p9.c */
struct p9_fid *p9_find(struct p9 *s, u32 id);
struct p9_fid *p9_new(struct p9 *s, u32 id, const char *path, int *error);
void p9_drop(struct p9 *s, struct p9_fid *f);
void p9_shut(struct p9 *s, struct p9_fid *f); /* close what is open */

/* One function per message: reads *in, writes what comes behind the header; 0 or an errno. */
typedef int p9_fn(struct p9 *s, struct p9_in *in, struct p9_out *out);
p9_fn p9_lopen, p9_lcreate, p9_read, p9_write, p9_readdir, p9_fsync;
p9_fn p9_walk, p9_mkdir, p9_symlink, p9_mknod, p9_link, p9_rename, p9_renameat, p9_unlinkat,
    p9_remove, p9_readlink;
p9_fn p9_getattr, p9_setattr, p9_statfs;

#endif
