/* VDI images of VirtualBox, dynamic and static, to be read. */
#include "frontend/image/blockmap.h"

#include "devices/core/bits.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER = 512, SIGNATURE = (int)0xbeda107f, DYNAMIC = 1, STATIC = 2 };
enum { VDI_ZERO = (int)0xfffffffe }; /* discarded */

static bool probe(struct file *f)
{
    u8 p[72];

    return f->size >= HEADER && !file_get(f, 0, p, sizeof(p)) && ld32(p + 64) == (u32)SIGNATURE;
}

static bool bad(struct image *im, struct err *err, const char *field, u64 v)
{
    return err_set(err, "the VDI image '%.200s' cannot be used: its %s is %llu", im->path, field,
                   (unsigned long long)v);
}

static bool vdi_open(struct image *im, struct err *err)
{
    struct blockmap *map = im->priv = calloc(1, sizeof(*map));
    u8 h[HEADER];
    u64 n;

    if (!map)
        return err_set(err, "no memory");
    if (im->file->size < HEADER || file_get(im->file, 0, h, HEADER) ||
        ld32(h + 64) != (u32)SIGNATURE)
        return err_set(err, "the VDI image '%.200s' cannot be used: it has no signature", im->path);
    if (ld32(h + 68) >> 16 != 1)
        return bad(im, err, "version", ld32(h + 68));
    if (ld32(h + 76) != DYNAMIC && ld32(h + 76) != STATIC)
        return bad(im, err, "image type (1 and 2 are known)", ld32(h + 76));
    if (ld32(h + 360) != 512)
        return bad(im, err, "sector size", ld32(h + 360));
    map->block = ld32(h + 376);
    if (map->block < 4096 || map->block & (map->block - 1) || map->block > 256 * MIB)
        return bad(im, err, "block size", map->block);
    im->size = ld64(h + 368);
    n = ld32(h + 384);
    if (im->size > 64ull << 40 || n < (im->size + map->block - 1) / map->block)
        return bad(im, err, "size, with too few blocks for it,", im->size);
    map->base = ld32(h + 344);
    map->unit = map->block;
    if (!blockmap_load(im, map, ld32(h + 340), n, false, "block map", err))
        return false;
    for (u64 i = 0; i < n; i++) {
        if (map->entry[i] == (u32)VDI_ZERO)
            map->entry[i] = BLOCK_NONE;
    }
    return true;
}

static int vdi_close(struct image *im)
{
    if (im->priv)
        blockmap_free(im->priv);
    free(im->priv);
    im->priv = NULL;
    return 0;
}

static int vdi_read(struct image *im, u64 off, u8 *buf, size_t n)
{
    return blockmap_read(im, im->priv, off, buf, n);
}

static int vdi_map(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind)
{
    return blockmap_map(im, im->priv, off, n, run, kind);
}

static void vdi_info(struct image *im, struct image_info *info)
{
    const struct blockmap *map = im->priv;

    info->cluster_size = map->block;
}

static const char *const ends[] = {"vdi", NULL};

const struct image_driver image_vdi = {
    .name = "vdi",
    .ends = ends,
    .probe = probe,
    .open = vdi_open,
    .close = vdi_close,
    .read = vdi_read,
    .map = vdi_map,
    .info = vdi_info,
};
