/* A folder as a CD: ISO 9660 (ECMA-119) with upper-case names of up to 31 characters, and Joliet with
 * the names as they are, up to 64. */
#include "frontend/image/folder.h"

#include "frontend/image/be.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCK = 2048, PVD = 16, SVD = 17, TERMINATOR = 18, FIRST = 19, ID_MAX = 30, WIDE_MAX = 64 };

struct iso {
    struct folder *folder;
    struct folder_node **node;
    u64 next; /* the first block that is free */
    u32 ndirs;
};
/* One of the two trees of names. */
struct tree {
    bool joliet;
    u64 path_table, path_bytes; /* block of the first of two, bytes of each */
};

/* ---- fields ---- */

static void both16(u8 *p, u16 v)
{
    st16(p, v);
    put16(p + 2, v);
}

static void both32(u8 *p, u32 v)
{
    st32(p, v);
    put32(p + 4, v);
}

static void short_time(s64 when, u8 *p)
{
    time_t t = (time_t)when;
    struct tm tm;

    if (!gmtime_r(&t, &tm) || tm.tm_year < 0 || tm.tm_year > 255)
        return;
    p[0] = (u8)tm.tm_year;
    p[1] = (u8)(tm.tm_mon + 1);
    p[2] = (u8)tm.tm_mday;
    p[3] = (u8)tm.tm_hour;
    p[4] = (u8)tm.tm_min;
    p[5] = (u8)MIN(tm.tm_sec, 59);
}

static void pad(u8 *p, size_t n, const char *text, bool wide)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < n; i++) {
        if (!wide)
            p[i] = i < len ? (u8)text[i] : ' ';
        else if (i % 2)
            p[i] = i / 2 < len ? (u8)text[i / 2] : ' ';
    }
}

/* ---- names ---- */

static bool taken(const struct folder_node *dir, unsigned upto, const char *id)
{
    for (unsigned i = 0; i < upto; i++) {
        if (!strcmp(dir->child[i]->id, id))
            return true;
    }
    return false;
}

/* d-characters: capitals, digits and _; one dot in files. */
static void plain_name(struct folder_node *n)
{
    const char *dot = n->dir ? NULL : strrchr(n->name, '.');
    unsigned k = 0, limit = dot && dot != n->name ? ID_MAX - 4 : ID_MAX - 1;

    for (const char *p = n->name; *p && k < ID_MAX; p++) {
        char c = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;

        if (p == dot && p != n->name) {
            limit = MIN(k + 4, (unsigned)ID_MAX);
            n->id[k++] = '.';
        } else if (k < limit) {
            n->id[k++] = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
        }
    }
    n->id[k] = 0;
}

static int by_id(const void *a, const void *b)
{
    const struct folder_node *const *x = a, *const *y = b;

    return strcmp((*x)->id, (*y)->id);
}

static void name_children(struct folder_node *dir)
{
    for (unsigned i = 0; i < dir->n; i++) {
        struct folder_node *n = dir->child[i];

        plain_name(n);
        for (unsigned k = i < 100 ? 1 : i + 1; taken(dir, i, n->id) && k < 1000000; k++) {
            char tail[12], *dot = n->dir ? NULL : strrchr(n->id, '.'), end[8] = "";
            size_t base, len = (size_t)snprintf(tail, sizeof(tail), "_%u", k);

            if (dot)
                snprintf(end, sizeof(end), "%.4s", dot);
            base = dot ? (size_t)(dot - n->id) : strlen(n->id);
            base = MIN(base, ID_MAX - 1 - len - strlen(end));
            snprintf(n->id + base, sizeof(n->id) - base, "%s%s", tail, end);
        }
    }
    if (dir->n)
        qsort(dir->child, dir->n, sizeof(*dir->child), by_id);
}

/* The name of a node in a record; its length. */
static unsigned record_name(const struct tree *t, const struct folder_node *n, u8 *to)
{
    u16 wide[WIDE_MAX];
    unsigned len;

    if (!t->joliet) {
        len = (unsigned)strlen(n->id);
        memcpy(to, n->id, len);
        if (!n->dir) {
            memcpy(to + len, ";1", 2);
            len += 2;
        }
        return len;
    }
    len = utf16(n->name, wide, WIDE_MAX);
    for (unsigned i = 0; i < len; i++) {
        /* characters that Joliet does not allow */
        if (wide[i] < 32 || (wide[i] < 128 && strchr("*/:;?\\", wide[i])))
            wide[i] = '_';
        put16(to + 2 * i, wide[i]);
    }
    return 2 * len;
}

/* ---- folders ---- */

static u64 place_of(const struct tree *t, const struct folder_node *n)
{
    return n->dir && t->joliet ? n->second : n->first;
}

/* A record at `p` (NULL: only its length), named by `name` bytes. */
static u32 put_record(const struct tree *t, u8 *p, const struct folder_node *n, const u8 *name,
                      unsigned len)
{
    u32 size = 33 + len + !(len & 1);

    if (!p)
        return size;
    p[0] = (u8)size;
    both32(p + 2, (u32)place_of(t, n));
    both32(p + 10, (u32)(n->dir ? (t->joliet ? n->clusters >> 32 : n->clusters & 0xffffffffu) * BLOCK
                                : n->size));
    short_time(n->mtime, p + 18);
    p[25] = n->dir ? 2 : 0;
    both16(p + 28, 1);
    p[32] = (u8)len;
    memcpy(p + 33, name, len);
    return size;
}

/* The records of a folder into p (NULL: none is written); the bytes they take, whole blocks. */
static u64 put_dir(const struct tree *t, u8 *p, const struct folder_node *dir)
{
    u8 name[2 * WIDE_MAX + 64];
    u64 at;

    name[0] = 0;
    at = put_record(t, p, dir, name, 1);
    name[0] = 1;
    at += put_record(t, p ? p + at : NULL, dir->parent ? dir->parent : dir, name, 1);
    for (unsigned i = 0; i < dir->n; i++) {
        unsigned len = record_name(t, dir->child[i], name);
        u32 size = put_record(t, NULL, dir->child[i], name, len);

        if (at % BLOCK + size > BLOCK) /* none lies across blocks */
            at = (at + BLOCK - 1) / BLOCK * BLOCK;
        at += put_record(t, p ? p + at : NULL, dir->child[i], name, len);
    }
    return (at + BLOCK - 1) / BLOCK * BLOCK;
}

static void put_path(const struct tree *t, u8 *p, u64 *at, const struct folder_node *n, bool big)
{
    u8 name[2 * WIDE_MAX + 64] = {0};
    unsigned len = n->parent ? record_name(t, n, name) : 1;

    if (p) {
        p += *at;
        p[0] = (u8)len;
        (big ? put32 : st32)(p + 2, (u32)place_of(t, n));
        (big ? put16 : st16)(p + 6, (u16)(n->parent ? n->parent->number : 1));
        memcpy(p + 8, name, len);
    }
    *at += 8 + len + (len & 1);
}

/* ---- the volume ---- */

static void put_volume(const struct tree *t, const struct iso *iso, u8 *p)
{
    const u8 zero = 0;
    bool wide = t->joliet;

    p[0] = wide ? 2 : 1;
    memcpy(p + 1, "CD001\1", 6);
    pad(p + 8, 32, "", wide);
    pad(p + 40, 32, "DRAGOMAN", wide);
    both32(p + 80, (u32)iso->next);
    if (wide)
        memcpy(p + 88, "%/E", 3); /* UCS-2, level 3 */
    both16(p + 120, 1);
    both16(p + 124, 1);
    both16(p + 128, BLOCK);
    both32(p + 132, (u32)t->path_bytes);
    st32(p + 140, (u32)t->path_table);
    put32(p + 148, (u32)(t->path_table + (t->path_bytes + BLOCK - 1) / BLOCK));
    put_record(t, p + 156, iso->folder->root, &zero, 1);
    pad(p + 190, 623, "", wide);
    for (unsigned i = 0; i < 4; i++)
        memset(p + 813 + 17 * i, '0', 16); /* no dates */
    p[881] = 1;
}

/* Places of folders and path tables of a tree. */
static void plan(struct iso *iso, struct tree *t)
{
    t->path_bytes = 0;
    for (unsigned i = 0; i < iso->folder->total; i++) {
        if (iso->node[i]->dir)
            put_path(t, NULL, &t->path_bytes, iso->node[i], false);
    }
    t->path_table = iso->next;
    iso->next += 2 * ((t->path_bytes + BLOCK - 1) / BLOCK);
    for (unsigned i = 0; i < iso->folder->total; i++) {
        struct folder_node *n = iso->node[i];
        u64 blocks = n->dir ? put_dir(t, NULL, n) / BLOCK : 0;

        if (!n->dir)
            continue;
        *(t->joliet ? &n->second : &n->first) = iso->next;
        n->clusters = t->joliet ? (n->clusters & 0xffffffffu) | blocks << 32 : blocks;
        iso->next += blocks;
    }
}

static bool put_tree(struct iso *iso, struct tree *t, struct file *file)
{
    u64 blocks = (t->path_bytes + BLOCK - 1) / BLOCK;
    u8 *table = calloc(2 * blocks + 1, BLOCK);

    for (unsigned big = 0; table && big < 2; big++) {
        u64 at = 0;

        for (unsigned i = 0; i < iso->folder->total; i++) {
            if (iso->node[i]->dir)
                put_path(t, table + big * blocks * BLOCK, &at, iso->node[i], big);
        }
    }
    if (!folder_add_memory(file, t->path_table * BLOCK, table, 2 * blocks * BLOCK))
        return false;
    for (unsigned i = 0; i < iso->folder->total; i++) {
        struct folder_node *n = iso->node[i];
        u64 bytes = n->dir ? put_dir(t, NULL, n) : 0;
        u8 *p = bytes ? calloc(1, bytes) : NULL;

        if (!n->dir)
            continue;
        if (p)
            put_dir(t, p, n);
        if (!folder_add_memory(file, place_of(t, n) * BLOCK, p, bytes))
            return false;
    }
    return true;
}

static bool build(struct iso *iso, struct file *file, struct err *err)
{
    struct tree plain = {.joliet = false}, joliet = {.joliet = true};
    u8 *volumes = calloc(3, BLOCK);
    bool ok = volumes;

    plan(iso, &plain);
    plan(iso, &joliet);
    for (unsigned i = 0; i < iso->folder->total; i++) {
        struct folder_node *n = iso->node[i];

        if (n->dir)
            continue;
        if (n->size > 0xfffff800u) {
            free(volumes);
            return err_set(err, "'%.200s' is larger than a file on a CD can be (4 GiB)", n->name);
        }
        n->first = iso->next;
        iso->next += (n->size + BLOCK - 1) / BLOCK;
    }
    if (iso->next > 0x7fffffff / BLOCK * 64ull) {
        free(volumes);
        return err_set(err, "the folder is larger than a CD can be");
    }
    iso->next += 150; /* what drives read ahead */
    if (ok) {
        put_volume(&plain, iso, volumes);
        put_volume(&joliet, iso, volumes + BLOCK);
        memcpy(volumes + 2 * BLOCK, "\377CD001\1", 7);
    }
    ok = ok && folder_add_memory(file, PVD * BLOCK, volumes, 3 * BLOCK) &&
         put_tree(iso, &plain, file) && put_tree(iso, &joliet, file);
    for (unsigned i = 0; ok && i < iso->folder->total; i++) {
        if (!iso->node[i]->dir)
            ok = folder_add_node(file, iso->node[i]->first * BLOCK, iso->node[i]);
    }
    folder_set_size(file, iso->next * BLOCK);
    return ok || err_set(err, "no memory");
}

struct file *iso_open(const char *path, struct err *err)
{
    struct iso iso = {.next = FIRST};
    struct file *file;
    bool ok;

    iso.folder = folder_open(path, err);
    if (!iso.folder)
        return NULL;
    file = folder_file(iso.folder);
    for (unsigned pass = 0; file && pass < 2; pass++) {
        free(iso.node);
        iso.node = folder_list(iso.folder);
        for (unsigned i = 0; iso.node && !pass && i < iso.folder->total; i++)
            name_children(iso.node[i]);
        /* then the list again: names have put folders into another order */
    }
    if (!file || !iso.node) {
        err_set(err, "no memory");
        if (file)
            file_close(file);
        else
            folder_free(iso.folder);
        return NULL;
    }
    for (unsigned i = 0; i < iso.folder->total; i++)
        iso.node[i]->number = iso.node[i]->dir ? ++iso.ndirs : 0;
    ok = iso.ndirs < 65536 ? build(&iso, file, err)
                           : err_set(err, "the folder has more than 65535 folders in it");
    free(iso.node);
    if (ok)
        return file;
    file_close(file);
    return NULL;
}
