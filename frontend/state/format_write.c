/* Writing a snapshot: sections one after another; lengths and check sums are put in when they are
 * known, the header at last. */
#include "frontend/state/format_int.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#ifdef CONFIG_ZSTD
#include <zstd.h>
#endif

enum { PACKED_ROOM = SF_CHUNK + SF_CHUNK / 8 + 1024 };

enum sf_pack sf_best_pack(void)
{
#ifdef CONFIG_ZSTD
    return SF_PACK_ZSTD;
#else
    return SF_ZLIB;
#endif
}

u64 sf_hash(const char *text)
{
    u64 h = 0xcbf29ce484222325ull;

    for (; *text; text++)
        h = (h ^ (u8)*text) * 0x100000001b3ull;
    return h;
}

static void fail(struct sf_writer *w, int rc)
{
    if (!w->failed)
        err_set(&w->err, "Cannot write the snapshot '%.300s': %s.", w->io->name, strerror(rc));
    w->failed = true;
}

void sf_write_at(struct sf_writer *w, u64 at, const void *data, size_t n)
{
    int rc = w->failed || !n ? 0 : w->io->write(w->io, at, data, n);

    if (rc)
        fail(w, rc);
}

/* What was put last waits to be written in large pieces. */
static void flush(struct sf_writer *w)
{
    sf_write_at(w, w->pos - w->waiting, w->buffer, w->waiting);
    w->waiting = 0;
}

static void put_at(struct sf_writer *w, u64 at, const void *data, size_t n)
{
    u64 first = w->pos - w->waiting;

    if (at >= first && at + n <= w->pos) {
        memcpy(w->buffer + (at - first), data, n);
        return;
    }
    flush(w);
    sf_write_at(w, at, data, n);
}

void sf_append(struct sf_writer *w, const void *data, size_t n)
{
    if (n > SF_BUFFER - w->waiting)
        flush(w);
    if (n > SF_BUFFER) {
        sf_write_at(w, w->pos, data, n);
    } else if (n) {
        memcpy(w->buffer + w->waiting, data, n);
        w->waiting += n;
    }
    w->pos += n;
}

u64 sf_reserve(struct sf_writer *w, u64 n)
{
    u64 at;

    flush(w);
    at = w->pos;
    w->pos += n;
    return at;
}

void sf_begin(struct sf_writer *w, struct state_io *io, const struct sf_header *head,
              enum sf_pack pack)
{
    static const u8 zero[SF_HEADER];

    *w = (struct sf_writer){.io = io, .head = *head, .pack = pack, .buffer = malloc(SF_BUFFER)};
    if (!w->buffer)
        BUG("no memory for the buffer of a snapshot");
    if (pack == SF_PACK_PAGES) {
        w->pages = true;
        w->pack = sf_best_pack();
        w->head.features |= SF_MAPPABLE;
    }
    if (w->pack == SF_PACK_ZSTD)
        w->head.features |= SF_ZSTD;
    sf_append(w, zero, sizeof(zero));
}

void sf_section_begin(struct sf_writer *w, const char *name, const char *instance, u32 version,
                      u32 flags)
{
    u8 *s = w->section;

    memset(s, 0, SF_SECTION);
    st32(s + S_MAGIC, SECTION_MAGIC);
    st32(s + S_VERSION, version);
    memcpy(s + S_NAME, name, MIN(strlen(name), (size_t)SF_NAME));
    memcpy(s + S_INSTANCE, instance, MIN(strlen(instance), (size_t)SF_INSTANCE));
    st32(s + S_FLAGS, flags);
    w->section_at = w->pos;
    sf_append(w, s, SF_SECTION);
}

void sf_section_end(struct sf_writer *w, u32 crc)
{
    u8 *s = w->section;

    st64(s + S_LENGTH, w->pos - w->section_at - SF_SECTION);
    st32(s + S_CRC, crc);
    st32(s + S_HEADER_CRC, sf_crc_of(s, S_HEADER_CRC));
    put_at(w, w->section_at, s, SF_SECTION);
    w->crc = (u32)crc32_z(w->crc, s, SF_SECTION);
    w->sections++;
}

void sf_put(struct sf_writer *w, const char *name, const char *instance, u32 version,
            const void *data, size_t n)
{
    sf_section_begin(w, name, instance, version, SF_PLAIN);
    sf_append(w, data, n);
    sf_section_end(w, sf_crc_of(data, n));
}

void sf_extents_begin(struct sf_writer *w, const char *name, const char *instance, u32 version)
{
    sf_section_begin(w, name, instance, version, SF_EXTENTS);
    w->extents_crc = 0;
    w->packed = w->pack == SF_RAW ? NULL : malloc(PACKED_ROOM);
    if (w->pack != SF_RAW && !w->packed)
        w->pack = SF_RAW; /* larger, and as good */
}

/* Bytes in w->packed, or 0: it does not become smaller. */
static size_t pack(struct sf_writer *w, const void *data, u32 n)
{
    uLongf room = PACKED_ROOM;

#ifdef CONFIG_ZSTD
    if (w->pack == SF_PACK_ZSTD) {
        size_t got = ZSTD_compress(w->packed, PACKED_ROOM, data, n, 1);

        return ZSTD_isError(got) || got >= n ? 0 : got;
    }
#endif
    if (w->pack == SF_RAW || compress2(w->packed, &room, data, n, 1) != Z_OK || room >= n)
        return 0;
    return room;
}

static void put_extent(struct sf_writer *w, u64 off, u32 bytes, enum sf_pack how, const void *data,
                       u32 stored)
{
    u8 e[SF_EXTENT] = {0};

    st64(e + E_OFF, off);
    st32(e + E_BYTES, bytes);
    st32(e + E_PACK, how);
    st32(e + E_STORED, stored);
    st32(e + E_CRC, sf_crc_of(data, stored));
    st32(e + E_HEADER_CRC, sf_crc_of(e, E_HEADER_CRC));
    w->extents_crc = (u32)crc32_z(w->extents_crc, e, SF_EXTENT);
    sf_append(w, e, SF_EXTENT);
    if (stored)
        sf_append(w, data, stored);
}

void sf_extent(struct sf_writer *w, u64 off, const void *data, u32 n)
{
    size_t packed = pack(w, data, n);

    if (packed)
        put_extent(w, off, n, w->pack, w->packed, (u32)packed);
    else
        put_extent(w, off, n, SF_RAW, data, n);
}

void sf_extents_end(struct sf_writer *w)
{
    put_extent(w, 0, 0, SF_RAW, "", 0);
    free(w->packed);
    w->packed = NULL;
    sf_section_end(w, w->extents_crc);
}

bool sf_end(struct sf_writer *w, struct err *err)
{
    u8 h[SF_HEADER] = {0}, t[SF_TRAILER] = {0};

    memcpy(h, SF_MAGIC, 8);
    st32(h + H_VERSION, SF_VERSION);
    st32(h + H_LENGTH, SF_HEADER);
    st64(h + H_FEATURES, w->head.features);
    st64(h + H_COMPATIBLE, w->head.compatible);
    st64(h + H_CPU, w->head.cpu_hash);
    st64(h + H_CONFIG, w->head.config_hash);
    st64(h + H_ICOUNT, w->head.icount);
    st64(h + H_CLOCK, w->head.clock);
    memcpy(h + H_MACHINE, w->head.machine, sizeof(w->head.machine));
    st32(h + H_SECTIONS, w->sections);
    st32(h + H_CRC, sf_crc_of(h, H_CRC));

    memcpy(t, SF_END, 8);
    st64(t + T_LENGTH, w->pos + SF_TRAILER);
    st32(t + T_SECTIONS, w->sections);
    st32(t + T_HASH, (u32)crc32_z(w->crc, h, SF_HEADER));
    st32(t + T_CRC, sf_crc_of(t, T_CRC));
    sf_append(w, t, sizeof(t));
    put_at(w, 0, h, sizeof(h));
    flush(w);
    free(w->buffer);
    w->buffer = NULL;
    if (w->failed && err)
        *err = w->err;
    return !w->failed;
}
