/* Address spaces: regions mapped by priority, flattened into sorted ranges; memory and I/O ports
 * are two instances. */
#ifndef MMU_BUS_H
#define MMU_BUS_H

#include "devices/core/types.h"
#include "devices/core/log.h"
#include "mmu/ram.h"

/* Register accesses of a device. `off` is from the region's start. The bus delivers only sizes in
 * [min, max] (powers of two, naturally aligned within the region; 0 stands for 1 and 4), and splits
 * or merges the rest: of a read narrower than min it takes the bytes asked for, a write narrower
 * than min has zeroes in the unit's other bytes. Reads of nothing (or with no handler) give ones.
 */
struct region_ops {
    u64 (*read)(void *dev, u64 off, unsigned size);
    void (*write)(void *dev, u64 off, u64 v, unsigned size);
    u8 min, max;
};

enum { REGION_READ = 1, REGION_WRITE = 2, REGION_RW = 3 };

/* A stretch of an address space: either device registers (ops) or memory (ram). Owned by the
 * device; must stay in place while mapped. Zero-initialise, fill, bus_map. */
struct region {
    const char *name;
    u64 base, size;
    const struct region_ops *ops;
    void *dev;
    struct ram *ram; /* memory: bytes [ram_off, ram_off + size) of it */
    u64 ram_off;
    /* REGION_*: which accesses this region answers; 0 means both. ROM: ram with REGION_READ plus a
     * write-ignoring lower region or nothing beneath */
    u8 dirs;
    s8 prio; /* higher wins where regions overlap; among equals the later-mapped */
    bool mapped;
    u32 order;
};

/* One resolved range: [start, end) of one region. */
struct bus_range {
    u64 start, end;
    struct region *region;
};
struct bus_map {
    struct bus_range *r;
    u32 n, cap;
};

struct bus {
    const char *name;
    u64 size;
    struct log *log;
    struct region **regions;
    u32 n, cap, order;
    struct bus_map map[2];      /* 0: what reads see, 1: what writes see */
    u32 last[2];                /* index of the range that was found last */
    void (*changed)(void *arg); /* the map changed: TLBs must be flushed; may be NULL */
    void *changed_arg;
    /* > 0 inside a device handler: DMA to device registers is refused then and always (D6) */
    u32 depth;
    u32 batch;  /* > 0: between bus_begin and bus_commit */
    bool stale; /* the map is to be rebuilt by bus_commit */
};

void bus_init(struct bus *bus, const char *name, u64 size, struct log *log);
void bus_free(struct bus *bus);
void bus_map(struct bus *bus, struct region *region);   /* no-op when mapped */
void bus_unmap(struct bus *bus, struct region *region); /* no-op when not mapped */
/* Move a region (unmap, change base, map). */
void bus_move(struct bus *bus, struct region *region, u64 base);
/* Collect several changes into one rebuild. */
void bus_begin(struct bus *bus);
void bus_commit(struct bus *bus);

/* The range that answers `addr` in direction dir (0 read, 1 write), or NULL where nothing is
 * mapped. Logarithmic. */
const struct bus_range *bus_find(const struct bus *bus, u64 addr, int dir);

/* One access of 1, 2, 4 or 8 bytes as the CPU makes it, any alignment (split where needed);
 * unmapped reads give ones. */
u64 bus_read(struct bus *bus, u64 addr, unsigned size);
void bus_write(struct bus *bus, u64 addr, u64 v, unsigned size);

/* DMA: n bytes between memory at addr and host. Touches RAM/ROM only: device registers read as
 * ones, ignore writes. Writes mark pages dirty and invalidate translated code (ram_wrote). */
void bus_copy(struct bus *bus, u64 addr, void *host, size_t n, bool to_guest);

#endif
