/* Reading a folder of the host, never outside of it, and the pieces of a disk made of it. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "frontend/image/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the tree ---- */

static void node_free(struct folder_node *n)
{
    if (!n)
        return;
    for (unsigned i = 0; i < n->n; i++)
        node_free(n->child[i]);
    free(n->child);
    free(n->name);
    free(n);
}

void folder_free(struct folder *f)
{
    if (!f)
        return;
    node_free(f->root);
    if (f->fd >= 0)
        close(f->fd);
    free(f);
}

static int by_name(const void *a, const void *b)
{
    const struct folder_node *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static bool add_child(struct folder_node *dir, struct folder_node *n)
{
    struct folder_node **p = realloc(dir->child, (dir->n + 1) * sizeof(*p));

    if (!p)
        return false;
    dir->child = p;
    p[dir->n++] = n;
    return true;
}

static bool scan(struct folder *f, struct folder_node *dir, int fd, struct err *err);

/* One entry of the folder `fd`. */
static bool take(struct folder *f, struct folder_node *dir, int fd, const char *name,
                 struct err *err)
{
    struct folder_node *n;
    struct stat st;
    int sub = openat(fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    bool ok = true;

    if (sub < 0 || fstat(sub, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
        if (sub >= 0)
            close(sub);
        return true;
    }
    n = calloc(1, sizeof(*n));
    if (n)
        n->name = strdup(name);
    if (!n || !n->name || !add_child(dir, n)) {
        node_free(n);
        close(sub);
        return err_set(err, "no memory");
    }
    n->dir = S_ISDIR(st.st_mode);
    n->size = n->dir ? 0 : (u64)st.st_size;
    n->mtime = st.st_mtime;
    n->parent = dir;
    n->depth = dir->depth + 1;
    if (++f->total > FOLDER_MAX)
        ok = err_set(err, "the folder has more than %d entries", FOLDER_MAX);
    else if (n->depth > FOLDER_DEPTH)
        ok = err_set(err, "the folder has more than %d levels", FOLDER_DEPTH);
    else if (n->dir)
        return scan(f, n, sub, err);
    close(sub);
    return ok;
}

/* Takes over fd. */
static bool scan(struct folder *f, struct folder_node *dir, int fd, struct err *err)
{
    DIR *d = fdopendir(fd);
    struct dirent *e;
    bool ok = true;

    if (!d) {
        close(fd);
        return err_set(err, "cannot read the folder: %s", strerror(errno));
    }
    while (ok && (e = readdir(d))) {
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            ok = take(f, dir, dirfd(d), e->d_name, err);
    }
    closedir(d);
    if (dir->n)
        qsort(dir->child, dir->n, sizeof(*dir->child), by_name);
    return ok;
}

struct folder *folder_open(const char *path, struct err *err)
{
    struct folder *f = calloc(1, sizeof(*f));
    int fd = -1;

    if (f) {
        f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        f->root = calloc(1, sizeof(*f->root));
        f->total = 1;
    }
    if (!f || !f->root) {
        err_set(err, "no memory");
    } else if (f->fd < 0) {
        err_set(err, "cannot open the folder '%.300s': %s", path, strerror(errno));
    } else {
        f->root->dir = true;
        f->root->name = strdup("");
        fd = dup(f->fd);
        if (fd >= 0 && f->root->name && scan(f, f->root, fd, err))
            return f;
    }
    folder_free(f);
    return NULL;
}

struct folder_node **folder_list(const struct folder *f)
{
    struct folder_node **v = calloc(f->total, sizeof(*v));
    unsigned n = 1;

    if (!v)
        return NULL;
    v[0] = f->root;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < v[i]->n; k++)
            v[n++] = v[i]->child[k];
    }
    return v;
}

/* ---- the disk ---- */

struct piece {
    u64 off, n;
    u8 *data; /* NULL: the bytes of node */
    const struct folder_node *node;
};
struct folder_disk {
    struct file f;
    struct folder *folder;
    struct piece *piece;
    unsigned n, room;
    const struct folder_node *open; /* whose file `fd` is */
    int fd;
};

static struct folder_disk *of(struct file *f)
{
    return container_of(f, struct folder_disk, f);
}

/* From the folder down, name by name, following no link that was put there meanwhile. */
static int open_node(const struct folder *f, const struct folder_node *n)
{
    const struct folder_node *path[FOLDER_DEPTH + 1];
    unsigned depth = 0;
    int fd = f->fd;

    for (; n->parent && depth <= FOLDER_DEPTH; n = n->parent)
        path[depth++] = n;
    while (depth) {
        const struct folder_node *at = path[--depth];
        int next = openat(fd, at->name,
                          O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
                              (at->dir ? O_DIRECTORY : 0));

        if (fd != f->fd)
            close(fd);
        if (next < 0)
            return -1;
        fd = next;
    }
    return fd;
}

static int read_node(struct folder_disk *d, const struct folder_node *node, u64 off, u8 *buf,
                     size_t n)
{
    if (d->open != node) {
        if (d->fd >= 0)
            close(d->fd);
        d->fd = open_node(d->folder, node);
        d->open = node;
    }
    if (d->fd < 0)
        return EIO;
    while (n) {
        ssize_t got = pread(d->fd, buf, n, (off_t)off);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return EIO;
        if (!got) { /* it is shorter now */
            memset(buf, 0, n);
            break;
        }
        off += (u64)got;
        buf += got;
        n -= (size_t)got;
    }
    return 0;
}

static int disk_read(struct file *f, u64 off, u8 *buf, size_t n)
{
    struct folder_disk *d = of(f);
    unsigned lo = 0, hi = d->n;

    while (lo < hi) { /* the first piece that ends behind off */
        unsigned mid = (lo + hi) / 2;

        if (d->piece[mid].off + d->piece[mid].n > off)
            hi = mid;
        else
            lo = mid + 1;
    }
    memset(buf, 0, n);
    for (; lo < d->n && d->piece[lo].off < off + n; lo++) {
        const struct piece *p = &d->piece[lo];
        u64 from = MAX(p->off, off), to = MIN(p->off + p->n, off + n);
        int rc = 0;

        if (p->data)
            memcpy(buf + (from - off), p->data + (from - p->off), to - from);
        else
            rc = read_node(d, p->node, from - p->off, buf + (from - off), to - from);
        if (rc)
            return rc;
    }
    return 0;
}

static void disk_close(struct file *f)
{
    struct folder_disk *d = of(f);

    for (unsigned i = 0; i < d->n; i++)
        free(d->piece[i].data);
    free(d->piece);
    if (d->fd >= 0)
        close(d->fd);
    folder_free(d->folder);
    free(d);
}

static const struct file_ops disk_ops = {.read = disk_read, .close = disk_close};

struct file *folder_file(struct folder *folder)
{
    struct folder_disk *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->f.ops = &disk_ops;
    d->f.fixed = true;
    d->folder = folder;
    d->fd = -1;
    return &d->f;
}

static bool add(struct folder_disk *d, struct piece p)
{
    if (d->n == d->room) {
        unsigned room = d->room ? d->room * 2 : 64;
        struct piece *v = realloc(d->piece, room * sizeof(*v));

        if (!v) {
            free(p.data);
            return false;
        }
        d->piece = v;
        d->room = room;
    }
    d->piece[d->n++] = p;
    return true;
}

bool folder_add_memory(struct file *file, u64 off, u8 *data, u64 n)
{
    return data && add(of(file), (struct piece){off, n, data, NULL});
}

bool folder_add_node(struct file *file, u64 off, const struct folder_node *node)
{
    return !node->size || add(of(file), (struct piece){off, node->size, NULL, node});
}

void folder_set_size(struct file *file, u64 size)
{
    file->size = size;
}

unsigned utf16(const char *s, u16 *to, unsigned max)
{
    unsigned n = 0;

    while (*s && n < max) {
        const u8 *p = (const u8 *)s;
        u32 c = '?';
        unsigned len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3
                       : p[0] >> 3 == 30 ? 4 : 1, k = 1;

        while (k < len && p[k] >> 6 == 2)
            k++;
        if (k == len)
            c = len == 1 ? (p[0] < 0x80 ? p[0] : (u32)'?') : p[0] & (0xffu >> (len + 1));
        for (unsigned i = 1; k == len && i < len; i++)
            c = c << 6 | (p[i] & 0x3f);
        if (c > 0xffff && n + 1 < max) {
            to[n++] = (u16)(0xd800 + ((c - 0x10000) >> 10 & 0x3ff));
            c = 0xdc00 + (c & 0x3ff);
        }
        to[n++] = (u16)(c > 0xffff ? '?' : c);
        s += k == len ? len : 1;
    }
    return n;
}
