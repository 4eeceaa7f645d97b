/* VHD images, fixed and dynamic (Microsoft, "Virtual Hard Disk Image Format Specification" 1.0), to
 * be read. */
#include "frontend/image/blockmap.h"

#include "frontend/image/be.h"

#include <stdlib.h>
#include <string.h>

enum { FOOTER = 512, TYPE_FIXED = 2, TYPE_DYNAMIC = 3, TYPE_DIFFERENCING = 4 };
/* The largest geometry; disks that have it may be larger. */
#define MAX_SECTORS (65535ull * 16 * 255)

struct vpc {
    struct blockmap map;
    bool fixed;
};

static bool is_footer(const u8 *p)
{
    return !memcmp(p, "conectix", 8);
}

/* The footer: at the end, and for dynamic disks a copy at the beginning. */
static bool find_footer(struct file *f, u8 *p)
{
    if (f->size < FOOTER)
        return false;
    if (!file_get(f, f->size - FOOTER, p, FOOTER) && is_footer(p))
        return true;
    return !file_get(f, 0, p, FOOTER) && is_footer(p);
}

static bool probe(struct file *f)
{
    u8 p[FOOTER];

    return find_footer(f, p);
}

static u32 checksum(const u8 *p, size_t n, size_t skip)
{
    u32 sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += i >= skip && i < skip + 4 ? 0 : p[i];
    return ~sum;
}

/* Older programs gave the guest what the geometry says, newer ones the size. */
static u64 disk_size(const u8 *p)
{
    static const char by_size[][5] = {"win ", "qem2", "d2v ", "tap", "CTXS"};
    u64 chs = (u64)be16(p + 56) * p[58] * p[59];

    for (size_t i = 0; i < ARRAY_LEN(by_size); i++) {
        if (!memcmp(p + 28, by_size[i], 4))
            return be64(p + 48);
    }
    return chs >= MAX_SECTORS || !chs ? be64(p + 48) : chs * 512;
}

static bool open_dynamic(struct image *im, struct vpc *v, u64 at, struct err *err)
{
    u64 n, bitmap;
    u8 h[1024];

    if (at > im->file->size || im->file->size - at < sizeof(h) ||
        file_get(im->file, at, h, sizeof(h)) || memcmp(h, "cxsparse", 8))
        return err_set(err, "the VHD image '%.200s' cannot be used: its data offset, 0x%llx, leads to "
                            "no dynamic disk header",
                       im->path, (unsigned long long)at);
    if (checksum(h, sizeof(h), 36) != be32(h + 36))
        return err_set(err, "the VHD image '%.200s' cannot be used: the checksum of its dynamic disk "
                            "header is wrong",
                       im->path);
    v->map.block = be32(h + 32);
    n = be32(h + 28);
    if (v->map.block < 512 || v->map.block & (v->map.block - 1) || v->map.block > 256 * MIB)
        return err_set(err, "the VHD image '%.200s' cannot be used: its block size is %llu", im->path,
                       (unsigned long long)v->map.block);
    if (n < (im->size + v->map.block - 1) / v->map.block)
        return err_set(err, "the VHD image '%.200s' cannot be used: its table has %llu entries, too few "
                            "for its size",
                       im->path, (unsigned long long)n);
    n = (im->size + v->map.block - 1) / v->map.block;
    bitmap = (v->map.block / 512 / 8 + 511) & ~511ull;
    v->map.base = bitmap;
    v->map.unit = 512;
    return blockmap_load(im, &v->map, be64(h + 16), n, true, "block allocation table", err);
}

static bool vpc_open(struct image *im, struct err *err)
{
    struct vpc *v = im->priv = calloc(1, sizeof(*v));
    u8 p[FOOTER];
    u32 type;

    if (!v)
        return err_set(err, "no memory");
    if (!find_footer(im->file, p))
        return err_set(err, "the VHD image '%.200s' cannot be used: it has no footer 'conectix'",
                       im->path);
    if (checksum(p, FOOTER, 64) != be32(p + 64))
        return err_set(err, "the VHD image '%.200s' cannot be used: the checksum of its footer is wrong",
                       im->path);
    type = be32(p + 60);
    im->size = disk_size(p);
    if (im->size > 64ull << 40)
        return err_set(err, "the VHD image '%.200s' cannot be used: its size is %llu bytes", im->path,
                       (unsigned long long)im->size);
    if (type == TYPE_DYNAMIC)
        return open_dynamic(im, v, be64(p + 16), err);
    if (type != TYPE_FIXED)
        return err_set(err, "the VHD image '%.200s' cannot be used: its type is %u%s", im->path, type,
                       type == TYPE_DIFFERENCING ? " (differencing)" : "");
    v->fixed = true;
    if (im->size > im->file->size - FOOTER)
        return err_set(err, "the VHD image '%.200s' cannot be used: its size is larger than the file",
                       im->path);
    return true;
}

static int vpc_close(struct image *im)
{
    struct vpc *v = im->priv;

    if (v)
        blockmap_free(&v->map);
    free(v);
    im->priv = NULL;
    return 0;
}

static int vpc_read(struct image *im, u64 off, u8 *buf, size_t n)
{
    struct vpc *v = im->priv;

    return v->fixed ? file_get(im->file, off, buf, n) : blockmap_read(im, &v->map, off, buf, n);
}

static int vpc_map(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind)
{
    struct vpc *v = im->priv;

    if (!v->fixed)
        return blockmap_map(im, &v->map, off, n, run, kind);
    *run = n;
    *kind = MAP_DATA;
    return 0;
}

static void vpc_info(struct image *im, struct image_info *info)
{
    const struct vpc *v = im->priv;

    info->cluster_size = v->fixed ? 0 : v->map.block;
    strcpy(info->subformat, v->fixed ? "fixed" : "dynamic");
}

static const char *const ends[] = {"vhd", "vpc", NULL};

const struct image_driver image_vpc = {
    .name = "vpc",
    .ends = ends,
    .probe = probe,
    .open = vpc_open,
    .close = vpc_close,
    .read = vpc_read,
    .map = vpc_map,
    .info = vpc_info,
};
