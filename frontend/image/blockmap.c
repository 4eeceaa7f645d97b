/* Reading images that are a table of blocks. */
#include "frontend/image/blockmap.h"

#include "frontend/image/be.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool blockmap_load(struct image *im, struct blockmap *map, u64 off, u64 n, bool big_endian,
                   const char *what, struct err *err)
{
    if (n > BLOCKMAP_MAX || off > im->file->size || n * 4 > im->file->size - off)
        return err_set(err, "'%.200s' cannot be used: its %s (%llu entries at 0x%llx) is outside of "
                            "the file or too large",
                       im->path, what, (unsigned long long)n, (unsigned long long)off);
    map->entry = calloc(n + 1, 4);
    map->n = n;
    if (!map->entry || file_get(im->file, off, map->entry, n * 4))
        return err_set(err, "the %s of '%.200s' cannot be read", what, im->path);
    for (u64 i = 0; i < n; i++)
        map->entry[i] = big_endian ? be32(&map->entry[i]) : ld32(&map->entry[i]);
    return true;
}

static u32 entry_at(const struct blockmap *map, u64 off)
{
    u64 i = off / map->block;

    return i < map->n ? map->entry[i] : BLOCK_NONE;
}

int blockmap_read(struct image *im, const struct blockmap *map, u64 off, u8 *buf, size_t n)
{
    while (n) {
        u64 in = off % map->block, host;
        size_t part = (size_t)MIN((u64)n, map->block - in);
        u32 e = entry_at(map, off);
        int rc = 0;

        host = map->base + (u64)e * map->unit;
        if (e == BLOCK_NONE)
            memset(buf, 0, part);
        else if (host >= im->file->size)
            return EIO; /* said to be outside of the file */
        else
            rc = file_get(im->file, host + in, buf, part);
        if (rc)
            return rc;
        off += part;
        buf += part;
        n -= part;
    }
    return 0;
}

int blockmap_map(struct image *im, const struct blockmap *map, u64 off, u64 n, u64 *run,
                 enum image_map *kind)
{
    u64 end = off + n, at = off - off % map->block + map->block;
    bool none = entry_at(map, off) == BLOCK_NONE;

    while (at < end && (entry_at(map, at) == BLOCK_NONE) == none)
        at += map->block;
    *run = MIN(at, end) - off;
    *kind = none ? MAP_ZERO : MAP_DATA;
    return 0;
}

void blockmap_free(struct blockmap *map)
{
    free(map->entry);
    map->entry = NULL;
}
