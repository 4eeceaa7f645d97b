/* The file format of snapshots: a header, sections with check sums, a trailer (reliability.md 4;
 * docs/snapshots.md has the layout). Numbers are little-endian. */
#ifndef FRONTEND_STATE_FORMAT_H
#define FRONTEND_STATE_FORMAT_H

#include "devices/core/snap.h"
#include "frontend/state/io.h"

enum {
    SF_VERSION = 1,
    SF_HEADER = 128,
    SF_SECTION = 96,
    SF_EXTENT = 32,
    SF_TRAILER = 32,
    SF_NAME = 24,
    SF_INSTANCE = 40,
    SF_MAX_SECTIONS = 1024,
    SF_MAX_PLAIN = 64 << 20, /* bytes of a section without extents */
    SF_CHUNK = 256 << 10,    /* bytes of an extent, unpacked */
    SF_BUFFER = 1 << 20,     /* what is written at once */
    SF_PAGES_CHUNK = 65536,  /* of memory that can be mapped: has one check sum */
    SF_PAGES_HEAD = 24,      /* in front of the check sums */
};
/* Incompatible features: who does not know a bit that is set cannot read the file. */
enum { SF_ZSTD = 1, SF_MAPPABLE = 2, SF_FEATURES = SF_ZSTD | SF_MAPPABLE };
enum { SF_PLAIN = 0, SF_EXTENTS = 1, SF_PAGES = 2 }; /* flags of a section */
enum sf_pack {
    SF_RAW,
    SF_ZLIB,
    SF_PACK_ZSTD, /* how an extent is stored */
    SF_PACK_PAGES /* for sf_begin: memory as it is, to be mapped; other extents in the best way */
};

struct sf_header {
    u64 features, compatible;
    u64 cpu_hash, config_hash;
    u64 icount, clock;
    char machine[32];
};

/* ---- writing ---- */
struct sf_writer {
    struct state_io *io;
    u64 pos;
    struct sf_header head;
    enum sf_pack pack;
    bool pages; /* SF_PACK_PAGES */
    bool failed;
    struct err err;
    u32 sections, crc; /* crc: of all headers of sections */
    u8 section[SF_SECTION];
    u64 section_at;
    u32 extents_crc;
    u8 *packed, *buffer;
    size_t waiting; /* bytes in front of pos that are in the buffer */
};
/* Packs memory by `pack`: SF_PACK_ZSTD only when the program has it. With SF_PACK_PAGES memory is put
 * by sf_pages. */
void sf_begin(struct sf_writer *w, struct state_io *io, const struct sf_header *head,
              enum sf_pack pack);
/* The best way of packing that this program has. */
enum sf_pack sf_best_pack(void);
void sf_put(struct sf_writer *w, const char *name, const char *instance, u32 version,
            const void *data, size_t n);
/* A section of extents: [off, off + n) of something large, n at most SF_CHUNK. */
void sf_extents_begin(struct sf_writer *w, const char *name, const char *instance, u32 version);
void sf_extent(struct sf_writer *w, u64 off, const void *data, u32 n);
void sf_extents_end(struct sf_writer *w);
/* A section that can be mapped: all of `size` bytes of memory, where they are zero nothing. */
void sf_pages(struct sf_writer *w, const char *name, const char *instance, u32 version,
              const u8 *data, u64 size);
/* Trailer and header. False with *err when anything since sf_begin failed. */
bool sf_end(struct sf_writer *w, struct err *err);

/* ---- reading ---- */
struct sf_section {
    char name[SF_NAME + 1], instance[SF_INSTANCE + 1];
    u32 version, flags, crc;
    u64 at, length; /* of the payload */
};
struct sf_reader {
    struct state_io *io;
    struct sf_header head;
    struct sf_section *section;
    u32 n;
};
/* Check header, headers of sections and trailer. False with a sentence that names what is wrong. */
bool sf_open(struct sf_reader *r, struct state_io *io, struct err *err);
void sf_close(struct sf_reader *r);
/* The section, or NULL. */
const struct sf_section *sf_find(const struct sf_reader *r, const char *name, const char *instance);
/* The bytes of a plain section, checked, appended to `snap`. */
bool sf_get(struct sf_reader *r, const struct sf_section *s, struct snap *snap, struct err *err);
/* All extents of a section in ascending order, checked; `size` is that of what they are part of.
 * `into`: where the bytes go when it is memory (of `size` bytes), else `take` gets each. */
typedef bool sf_take(void *arg, u64 off, const u8 *data, u32 n, struct err *err);
bool sf_get_extents(struct sf_reader *r, const struct sf_section *s, u64 size, u8 *into,
                    sf_take *take, void *arg, struct err *err);

/* Memory of `size` bytes in a section that can be mapped: byte i lies at `at` + i of the file, in
 * chunks of SF_PAGES_CHUNK; only chunks that are there count, all else is zero. */
struct sf_pages {
    const struct sf_section *section;
    u64 at, size;
    u32 n;     /* chunks */
    u8 *table; /* for each: 1 when it is there (4), check sum (4) */
};
/* Its table, checked; the chunks are not yet. */
bool sf_pages_open(struct sf_pages *p, struct sf_reader *r, const struct sf_section *s, u64 size,
                   struct err *err);
bool sf_pages_there(const struct sf_pages *p, u32 chunk);
/* Read a chunk that is there, and check it. */
bool sf_pages_read(const struct sf_pages *p, struct sf_reader *r, u32 chunk, u8 *into,
                   struct err *err);
/* Bytes of a chunk of `size` bytes of memory: the last one may be short. */
static inline u32 sf_chunk_length(u64 size, u32 chunk)
{
    u64 off = (u64)chunk * SF_PAGES_CHUNK;

    return size - off < SF_PAGES_CHUNK ? (u32)(size - off) : (u32)SF_PAGES_CHUNK;
}
void sf_pages_close(struct sf_pages *p);

/* A hash for the header's fields. */
u64 sf_hash(const char *text);

#endif
