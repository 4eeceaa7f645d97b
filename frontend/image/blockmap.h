/* Images that are a table of blocks, each at one place in the file or nowhere: VHD, VMDK and VDI share
 * the reading. */
#ifndef FRONTEND_IMAGE_BLOCKMAP_H
#define FRONTEND_IMAGE_BLOCKMAP_H

#include "frontend/image/image.h"

#define BLOCK_NONE 0xffffffffu
enum { BLOCKMAP_MAX = 1 << 26 }; /* entries */

struct blockmap {
    u64 block;      /* bytes */
    u64 base, unit; /* entry e lies at base + e * unit */
    u64 n;
    u32 *entry;     /* in the host's order; BLOCK_NONE: zeros */
};

/* Load n entries of 4 bytes from off on. False with *err naming `what`. */
bool blockmap_load(struct image *im, struct blockmap *map, u64 off, u64 n, bool big_endian,
                   const char *what, struct err *err);
int blockmap_read(struct image *im, const struct blockmap *map, u64 off, u8 *buf, size_t n);
int blockmap_map(struct image *im, const struct blockmap *map, u64 off, u64 n, u64 *run,
                 enum image_map *kind);
void blockmap_free(struct blockmap *map);

#endif
