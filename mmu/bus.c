/* Address spaces: flattening of prioritised regions, lookup, access splitting, and DMA. */
#include "mmu/bus.h"
#include "devices/core/bits.h"
#include "devices/core/err.h"

#include <stdlib.h>
#include <string.h>

/* Handlers that reach the bus from inside a handler: deeper than this is a loop of the guest's
 * making. */
enum { MAX_DEPTH = 8 };

void bus_init(struct bus *bus, const char *name, u64 size, struct log *log)
{
    *bus = (struct bus){.name = name, .size = size, .log = log};
}

void bus_free(struct bus *bus)
{
    free(bus->regions);
    free(bus->map[0].r);
    free(bus->map[1].r);
    *bus = (struct bus){0};
}

/* ---- the map ---- */

static u64 region_end(const struct bus *bus, const struct region *region)
{
    u64 room = bus->size - region->base;

    return region->base + MIN(region->size, room);
}

static bool answers(const struct bus *bus, const struct region *region, int dir)
{
    u8 dirs = region->dirs ? region->dirs : REGION_RW;

    return region->base < bus->size && region->size && (dirs & (dir ? REGION_WRITE : REGION_READ));
}

static bool wins(const struct region *a, const struct region *b)
{
    return a->prio != b->prio ? a->prio > b->prio : a->order > b->order;
}

static int by_value(const void *a, const void *b)
{
    u64 x = *(const u64 *)a, y = *(const u64 *)b;

    return x < y ? -1 : x > y;
}

static void add_range(struct bus_map *map, u64 start, u64 end, struct region *region)
{
    struct bus_range *last = map->n ? &map->r[map->n - 1] : NULL;

    if (last && last->region == region && last->end == start) {
        last->end = end;
        return;
    }
    if (map->n == map->cap) {
        u32 cap = map->cap ? 2 * map->cap : 64;
        struct bus_range *r = realloc(map->r, cap * sizeof(*r));

        if (!r)
            BUG("no memory for %u bus ranges", cap);
        map->r = r;
        map->cap = cap;
    }
    map->r[map->n++] = (struct bus_range){start, end, region};
}

/* Every edge of a region can change who answers; between two edges the winner is the same. */
static void flatten(struct bus *bus, int dir, u64 *edges)
{
    u32 nedges = 0;

    bus->map[dir].n = 0;
    for (u32 i = 0; i < bus->n; i++) {
        if (!answers(bus, bus->regions[i], dir))
            continue;
        edges[nedges++] = bus->regions[i]->base;
        edges[nedges++] = region_end(bus, bus->regions[i]);
    }
    qsort(edges, nedges, sizeof(*edges), by_value);
    for (u32 e = 0; e + 1 < nedges; e++) {
        struct region *best = NULL;

        if (edges[e] == edges[e + 1])
            continue;
        for (u32 i = 0; i < bus->n; i++) {
            struct region *region = bus->regions[i];

            if (answers(bus, region, dir) && region->base <= edges[e] &&
                region_end(bus, region) > edges[e] && (!best || wins(region, best)))
                best = region;
        }
        if (best)
            add_range(&bus->map[dir], edges[e], edges[e + 1], best);
    }
}

static void rebuild(struct bus *bus)
{
    u64 *edges;

    bus->stale = true;
    if (bus->batch)
        return;
    edges = malloc((2 * bus->n + 1) * sizeof(*edges));
    if (!edges)
        BUG("no memory for the map of bus %s", bus->name);
    flatten(bus, 0, edges);
    flatten(bus, 1, edges);
    free(edges);
    bus->stale = false;
    if (bus->changed)
        bus->changed(bus->changed_arg);
}

void bus_map(struct bus *bus, struct region *region)
{
    if (region->mapped)
        return;
    if (bus->n == bus->cap) {
        u32 cap = bus->cap ? 2 * bus->cap : 64;
        struct region **regions = realloc(bus->regions, cap * sizeof(*regions));

        if (!regions)
            BUG("no memory for %u regions", cap);
        bus->regions = regions;
        bus->cap = cap;
    }
    bus->regions[bus->n++] = region;
    region->mapped = true;
    region->order = ++bus->order;
    rebuild(bus);
}

void bus_unmap(struct bus *bus, struct region *region)
{
    if (!region->mapped)
        return;
    for (u32 i = 0; i < bus->n; i++) {
        if (bus->regions[i] != region)
            continue;
        bus->regions[i] = bus->regions[--bus->n];
        break;
    }
    region->mapped = false;
    rebuild(bus);
}

void bus_move(struct bus *bus, struct region *region, u64 base)
{
    bus_begin(bus);
    bus_unmap(bus, region);
    region->base = base;
    bus_map(bus, region);
    bus_commit(bus);
}

void bus_begin(struct bus *bus)
{
    bus->batch++;
}

void bus_commit(struct bus *bus)
{
    if (--bus->batch == 0 && bus->stale)
        rebuild(bus);
}

/* Index of the first range that ends after addr; map->n when there is none. */
static u32 lower(const struct bus_map *map, u64 addr)
{
    u32 lo = 0, hi = map->n;

    while (lo < hi) {
        u32 mid = lo + (hi - lo) / 2;

        if (map->r[mid].end > addr)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

const struct bus_range *bus_find(const struct bus *bus, u64 addr, int dir)
{
    const struct bus_map *map = &bus->map[dir];
    u32 i = lower(map, addr);

    return i < map->n && map->r[i].start <= addr ? &map->r[i] : NULL;
}

/* Who answers [addr, addr + *n)? Shortens *n to the stretch that the answer holds for; NULL:
 * nobody. Mostly the same as last time. */
static inline struct region *resolve(struct bus *bus, u64 addr, int dir, u64 *n)
{
    const struct bus_map *map = &bus->map[dir];
    u32 i = bus->last[dir];

    if (i >= map->n || addr < map->r[i].start || addr >= map->r[i].end) {
        i = lower(map, addr);
        if (i == map->n)
            return NULL;
        if (map->r[i].start > addr) {
            *n = MIN(*n, map->r[i].start - addr);
            return NULL;
        }
        bus->last[dir] = i;
    }
    *n = MIN(*n, map->r[i].end - addr);
    return map->r[i].region;
}

/* ---- register accesses ---- */

static void trace(struct bus *bus, const struct region *region, char dir, u64 off, u64 v,
                  unsigned size)
{
    log_line(bus->log, LOGA_IO, "%c %s+0x%llx %0*llx", dir, region->name ? region->name : "?",
             (unsigned long long)off, (int)(2 * size), (unsigned long long)v);
}

static void show_probe(struct bus *bus, const struct region *region, bool write, u64 off, u64 v,
                       unsigned size)
{
    const struct probe_hooks *probe = bus->log->probe;
    struct probe_io io = {.space = bus->name,
                          .region = region->name ? region->name : "?",
                          .addr = region->base + off,
                          .off = off,
                          .v = v,
                          .size = size,
                          .write = write};
    if (probe->io)
        probe->io(probe->arg, &io);
}

/* One handler call; the size is one that the device declared. */
static u64 call_read(struct bus *bus, struct region *region, u64 off, unsigned size)
{
    u64 v = size_mask(size);

    if (region->ops->read)
        v &= region->ops->read(region->dev, off, size);
    if (log_on(bus->log, LOGA_IO))
        trace(bus, region, 'r', off, v, size);
    if (log_probe(bus->log))
        show_probe(bus, region, false, off, v, size);
    return v;
}

static void call_write(struct bus *bus, struct region *region, u64 off, u64 v, unsigned size)
{
    v &= size_mask(size);
    if (log_on(bus->log, LOGA_IO))
        trace(bus, region, 'w', off, v, size);
    if (log_probe(bus->log))
        show_probe(bus, region, true, off, v, size);
    if (region->ops->write)
        region->ops->write(region->dev, off, v, size);
}

/* The largest naturally aligned piece of at most `n` bytes at `off` that is not above `max`. */
static unsigned piece_size(u64 off, unsigned n, unsigned max)
{
    unsigned size = 1;

    while (size * 2 <= n && size * 2 <= max && !(off & (size * 2 - 1)))
        size *= 2;
    return size;
}

struct limits {
    unsigned min, max;
};

static struct limits limits_of(const struct region_ops *ops)
{
    unsigned max = ops->max ? ops->max : 4;
    unsigned min = ops->min ? ops->min : 1;

    return (struct limits){min, MAX(min, max)};
}

static u64 ops_read(struct bus *bus, struct region *region, u64 off, unsigned size)
{
    struct limits lim = limits_of(region->ops);
    u64 v = 0;

    for (unsigned pos = 0; pos < size;) {
        unsigned n = piece_size(off + pos, size - pos, lim.max);
        u64 piece;

        if (n < lim.min) {
            /* narrower than the device can: read the unit around it and take the bytes asked for */
            unsigned in = (unsigned)(off + pos) & (lim.min - 1);

            n = MIN(lim.min - in, size - pos);
            piece = call_read(bus, region, off + pos - in, lim.min) >> (8 * in) & size_mask(n);
        } else {
            piece = call_read(bus, region, off + pos, n);
        }
        v |= piece << (8 * pos);
        pos += n;
    }
    return v;
}

static void ops_write(struct bus *bus, struct region *region, u64 off, u64 v, unsigned size)
{
    struct limits lim = limits_of(region->ops);

    for (unsigned pos = 0; pos < size;) {
        unsigned n = piece_size(off + pos, size - pos, lim.max);
        u64 piece = v >> (8 * pos);

        if (n < lim.min) {
            /* narrower than the device can: the other bytes of the unit are zero (reading them
             * first could have side effects) */
            unsigned in = (unsigned)(off + pos) & (lim.min - 1);

            n = MIN(lim.min - in, size - pos);
            call_write(bus, region, off + pos - in, (piece & size_mask(n)) << (8 * in), lim.min);
        } else {
            call_write(bus, region, off + pos, piece, n);
        }
        pos += n;
    }
}

/* Is an access of `size` bytes at `off` of the region one call of its handler? */
static inline bool one_call(const struct region *region, u64 off, unsigned size)
{
    const struct region_ops *ops = region->ops;

    return !(size & (size - 1)) && !(off & (size - 1)) && size >= ops->min &&
           size <= (ops->max ? ops->max : 4u);
}

static bool enter(struct bus *bus, const struct region *region)
{
    if (bus->depth >= MAX_DEPTH) {
        log_guest_error(bus->log, bus->name, "accesses to %s nest too deeply", region->name);
        return false;
    }
    bus->depth++;
    return true;
}

/* Up to 8 bytes within one region. */
static u64 region_read(struct bus *bus, struct region *region, u64 off, unsigned n)
{
    u64 v = 0;

    if (region->ram) {
        u64 at = region->ram_off + off;

        if (at + n > region->ram->size)
            return size_mask(n);
        if (n == 1 || n == 2 || n == 4 || n == 8)
            return ld_le(region->ram->host + at, n);
        for (unsigned i = 0; i < n; i++)
            v |= (u64)region->ram->host[at + i] << (8 * i);
        return v;
    }
    if (!region->ops || !enter(bus, region))
        return size_mask(n);
    v = one_call(region, off, n) ? call_read(bus, region, off, n) : ops_read(bus, region, off, n);
    bus->depth--;
    return v;
}

static void region_write(struct bus *bus, struct region *region, u64 off, u64 v, unsigned n)
{
    if (region->ram) {
        u64 at = region->ram_off + off;

        if (at + n > region->ram->size)
            return;
        for (unsigned i = 0; i < n; i++)
            region->ram->host[at + i] = (u8)(v >> (8 * i));
        ram_wrote(region->ram, at, n);
        return;
    }
    if (!region->ops || !enter(bus, region))
        return;
    if (one_call(region, off, n))
        call_write(bus, region, off, v, n);
    else
        ops_write(bus, region, off, v, n);
    bus->depth--;
}

u64 bus_read(struct bus *bus, u64 addr, unsigned size)
{
    u64 v = 0;

    for (unsigned pos = 0; pos < size;) {
        u64 n = size - pos;
        /* looked up anew for each piece: a handler may have changed the map */
        struct region *region = resolve(bus, addr + pos, 0, &n);
        u64 piece = size_mask((unsigned)n);

        if (region)
            piece = region_read(bus, region, addr + pos - region->base, (unsigned)n);
        v |= piece << (8 * pos);
        pos += (unsigned)n;
    }
    return v;
}

void bus_write(struct bus *bus, u64 addr, u64 v, unsigned size)
{
    for (unsigned pos = 0; pos < size;) {
        u64 n = size - pos;
        struct region *region = resolve(bus, addr + pos, 1, &n);

        if (region)
            region_write(bus, region, addr + pos - region->base, v >> (8 * pos), (unsigned)n);
        pos += (unsigned)n;
    }
}

void bus_copy(struct bus *bus, u64 addr, void *host, size_t n, bool to_guest)
{
    const struct probe_hooks *probe = log_probe(bus->log);
    u8 *p = host;

    if (probe && probe->dma)
        probe->dma(probe->arg, addr, n, to_guest);
    while (n) {
        u64 chunk = n, at = 0;
        struct region *region = resolve(bus, addr, to_guest, &chunk);
        struct ram *ram = region ? region->ram : NULL;

        if (ram) {
            at = region->ram_off + (addr - region->base);
            if (at >= ram->size)
                ram = NULL;
            else
                chunk = MIN(chunk, ram->size - at);
        }
        if (ram && to_guest) {
            memcpy(ram->host + at, p, chunk);
            ram_wrote(ram, at, chunk);
        } else if (ram) {
            memcpy(p, ram->host + at, chunk);
        } else if (!to_guest) {
            memset(p, 0xff, chunk);
        }
        addr += chunk;
        p += chunk;
        n -= chunk;
    }
}
