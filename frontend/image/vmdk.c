/* VMDK images of VMware to be read: one sparse file, or a descriptor with flat extents ("Virtual Disk
 * Format 5.0"). */
#include "frontend/image/blockmap.h"

#include "devices/core/bits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAGIC = 0x564d444b, DESCRIPTOR_MAX = 65536, MAX_EXTENTS = 64 };
enum { FLAG_ZERO_GRAINS = 4, FLAG_COMPRESSED = 1 << 16 };

struct extent {
    u64 start, size, at; /* of the guest, of both, in the file */
    struct file *file;   /* NULL: zeros */
};
struct vmdk {
    struct blockmap map;
    struct extent extent[MAX_EXTENTS];
    unsigned n; /* 0: sparse */
};

static bool probe(struct file *f)
{
    char p[64] = "";

    if (f->size < 512 && f->size < 21)
        return false;
    return !file_get(f, 0, p, sizeof(p) - 1) &&
           (ld32(p) == MAGIC || !strncmp(p, "# Disk DescriptorFile", 21));
}

static bool bad(struct image *im, struct err *err, const char *what, u64 v)
{
    return err_set(err, "the VMDK image '%.200s' cannot be used: its %s is %llu", im->path, what,
                   (unsigned long long)v);
}

/* ---- one sparse file: a directory of tables of grains ---- */

static bool load_grains(struct image *im, struct vmdk *v, u64 gd, u64 per, bool zero_grains,
                        struct err *err)
{
    struct blockmap dir = {0}, *map = &v->map;
    u64 n = (im->size + map->block - 1) / map->block, tables = (n + per - 1) / per;
    u8 *table = malloc(per * 4);
    bool ok;

    map->entry = n <= BLOCKMAP_MAX ? calloc(n + 1, 4) : NULL;
    map->n = n;
    ok = (table && map->entry) || bad(im, err, "number of grains", n);
    ok = ok && blockmap_load(im, &dir, gd * 512, tables, false, "grain directory", err);
    for (u64 i = 0; ok && i < tables; i++) {
        u64 at = (u64)dir.entry[i] * 512;

        if (at && (at >= im->file->size || file_get(im->file, at, table, per * 4)))
            ok = bad(im, err, "grain directory's entry, which leads out of the file,", dir.entry[i]);
        for (u64 k = 0; ok && k < per && i * per + k < n; k++) {
            u32 e = at ? ld32(table + 4 * k) : 0;

            map->entry[i * per + k] = e == 0 || (e == 1 && zero_grains) ? BLOCK_NONE : e;
        }
    }
    free(table);
    blockmap_free(&dir);
    return ok;
}

static bool open_sparse(struct image *im, struct vmdk *v, const u8 *h, struct err *err)
{
    u64 grain = ld64(h + 20), capacity = ld64(h + 12);
    u32 version = ld32(h + 4), flags = ld32(h + 8), per = ld32(h + 44);

    if (version < 1 || version > 3)
        return bad(im, err, "version (1 to 3 are known)", version);
    if (flags & FLAG_COMPRESSED || ld16(h + 77))
        return err_set(err, "the VMDK image '%.200s' cannot be used: it is compressed "
                            "(streamOptimized)",
                       im->path);
    if (grain < 8 || grain > 2 * MIB || grain & (grain - 1))
        return bad(im, err, "grain size in sectors", grain);
    if (capacity > 1ull << 37)
        return bad(im, err, "capacity in sectors", capacity);
    if (!per || per > 65536)
        return bad(im, err, "number of entries in a grain table", per);
    im->size = capacity * 512;
    v->map.block = grain * 512;
    v->map.unit = 512;
    return load_grains(im, v, ld64(h + 56), per, flags & FLAG_ZERO_GRAINS, err);
}

/* ---- a descriptor: text that names files beside it ---- */

static bool add_extent(struct image *im, struct vmdk *v, u64 sectors, const char *kind,
                       const char *name, u64 at, struct err *err)
{
    struct extent *e = &v->extent[v->n];
    char *path;

    if (v->n == MAX_EXTENTS || sectors > 1ull << 37)
        return bad(im, err, "number of extents or their size", sectors);
    *e = (struct extent){.start = im->size, .size = sectors * 512, .at = at * 512};
    if (!strcmp(kind, "FLAT")) {
        /* What an image says must not lead to files elsewhere. */
        if (strchr(name, '/') || !*name)
            return err_set(err, "the VMDK image '%.200s' cannot be used: its extent '%.100s' is not a "
                                "file beside it",
                           im->path, name);
        path = image_backing_path(im->path, name);
        e->file = path ? file_open(path, im->flags & IMAGE_NO_LOCK ? FILE_NOLOCK : 0, err) : NULL;
        free(path);
        if (!e->file)
            return false;
    } else if (strcmp(kind, "ZERO")) {
        return err_set(err, "the VMDK image '%.200s' cannot be used: an extent is of kind '%.20s', but "
                            "FLAT and ZERO are known",
                       im->path, kind);
    }
    im->size += e->size;
    v->n++;
    return true;
}

static bool open_descriptor(struct image *im, struct vmdk *v, struct err *err)
{
    size_t n = (size_t)MIN(im->file->size, (u64)DESCRIPTOR_MAX);
    char *text = calloc(1, n + 1), *line, *save = NULL;
    bool ok = text && !file_get(im->file, 0, text, n);

    if (!ok)
        err_set(err, "the descriptor of '%.200s' cannot be read", im->path);
    for (line = ok ? strtok_r(text, "\r\n", &save) : NULL; line && ok;
         line = strtok_r(NULL, "\r\n", &save)) {
        char access[16], kind[16], name[256] = "";
        unsigned long long sectors, at = 0;

        if (!strncmp(line, "parentCID=", 10) && strncasecmp(line + 10, "ffffffff", 8))
            ok = err_set(err, "the VMDK image '%.200s' cannot be used: it is a link to another one "
                              "(parentCID)",
                         im->path);
        else if (sscanf(line, "%15s %llu %15s \"%255[^\"]\" %llu", access, &sectors, kind, name,
                        &at) >= 3 &&
                 (!strcmp(access, "RW") || !strcmp(access, "RDONLY")))
            ok = add_extent(im, v, sectors, kind, name, at, err);
    }
    free(text);
    return ok && (v->n || bad(im, err, "number of extents", 0));
}

static bool vmdk_open(struct image *im, struct err *err)
{
    struct vmdk *v = im->priv = calloc(1, sizeof(*v));
    u8 h[512];

    if (!v)
        return err_set(err, "no memory");
    if (!probe(im->file) || file_get(im->file, 0, h, sizeof(h)))
        return err_set(err, "the VMDK image '%.200s' cannot be used: it begins neither with 'KDMV' nor "
                            "with '# Disk DescriptorFile'",
                       im->path);
    return ld32(h) == MAGIC ? open_sparse(im, v, h, err) : open_descriptor(im, v, err);
}

static int vmdk_close(struct image *im)
{
    struct vmdk *v = im->priv;

    if (!v)
        return 0;
    for (unsigned i = 0; i < v->n; i++)
        file_close(v->extent[i].file);
    blockmap_free(&v->map);
    free(v);
    im->priv = NULL;
    return 0;
}

static int vmdk_read(struct image *im, u64 off, u8 *buf, size_t n)
{
    struct vmdk *v = im->priv;

    if (!v->n)
        return blockmap_read(im, &v->map, off, buf, n);
    for (unsigned i = 0; i < v->n && n; i++) {
        const struct extent *e = &v->extent[i];
        size_t part;
        int rc = 0;

        if (off >= e->start + e->size)
            continue;
        part = (size_t)MIN((u64)n, e->start + e->size - off);
        if (e->file)
            rc = file_get(e->file, e->at + off - e->start, buf, part);
        else
            memset(buf, 0, part);
        if (rc)
            return rc;
        off += part;
        buf += part;
        n -= part;
    }
    return n ? EIO : 0;
}

static int vmdk_map(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind)
{
    struct vmdk *v = im->priv;

    if (!v->n)
        return blockmap_map(im, &v->map, off, n, run, kind);
    *run = n;
    *kind = MAP_DATA;
    return 0;
}

static void vmdk_info(struct image *im, struct image_info *info)
{
    const struct vmdk *v = im->priv;

    info->cluster_size = v->n ? 0 : v->map.block;
    strcpy(info->subformat, v->n ? "monolithicFlat" : "monolithicSparse");
}

static const char *const ends[] = {"vmdk", NULL};

const struct image_driver image_vmdk = {
    .name = "vmdk",
    .ends = ends,
    .probe = probe,
    .open = vmdk_open,
    .close = vmdk_close,
    .read = vmdk_read,
    .map = vmdk_map,
    .info = vmdk_info,
};
