/* Reading a snapshot: nothing in it is believed before its place, its length and its check sum are
 * looked at. */
#include "frontend/state/format_int.h"

#include <stdlib.h>
#include <string.h>
#ifdef CONFIG_ZSTD
#include <zstd.h>
#endif

enum { WINDOW = 1 << 20 };

static bool damaged(const struct state_io *io, const char *what, struct err *err)
{
    return err_set(err, "The snapshot '%.300s' is damaged: %s.", io->name, what);
}

bool sf_read_at(struct state_io *io, u64 at, void *buf, size_t n, const char *what,
                struct err *err)
{
    int rc;

    if (at > io->size || n > io->size - at)
        return err_set(err, "The snapshot '%.300s' is damaged: it ends inside %s.", io->name, what);
    rc = io->read(io, at, buf, n);
    return !rc || err_set(err, "Cannot read the snapshot '%.300s': %s.", io->name, strerror(rc));
}

/* ---- header, sections, trailer ---- */

static bool read_header(struct sf_reader *r, const u8 *h, struct err *err)
{
    struct state_io *io = r->io;

    if (memcmp(h, SF_MAGIC, 8))
        return err_set(err, "'%.300s' is not a snapshot: its first bytes are others.", io->name);
    if (ld32(h + H_VERSION) != SF_VERSION)
        return err_set(
            err, "The snapshot '%.300s' has format version %u; this program knows version %u.",
            io->name, ld32(h + H_VERSION), (u32)SF_VERSION);
    if (ld32(h + H_CRC) != sf_crc_of(h, H_CRC))
        return damaged(io, "the header's check sum is wrong", err);
    if (ld32(h + H_LENGTH) != SF_HEADER)
        return damaged(io, "the header's length", err);
    r->head.features = ld64(h + H_FEATURES);
    if (r->head.features & ~(u64)SF_FEATURES)
        return err_set(
            err, "The snapshot '%.300s' has features (0x%llx) that this program does not know.",
            io->name, (unsigned long long)(r->head.features & ~(u64)SF_FEATURES));
#ifndef CONFIG_ZSTD
    if (r->head.features & SF_ZSTD)
        return err_set(err,
                       "The snapshot '%.300s' is packed by zstd, which this program was built "
                       "without.",
                       io->name);
#endif
    r->head.compatible = ld64(h + H_COMPATIBLE);
    r->head.cpu_hash = ld64(h + H_CPU);
    r->head.config_hash = ld64(h + H_CONFIG);
    r->head.icount = ld64(h + H_ICOUNT);
    r->head.clock = ld64(h + H_CLOCK);
    memcpy(r->head.machine, h + H_MACHINE, sizeof(r->head.machine));
    if (r->head.machine[sizeof(r->head.machine) - 1])
        return damaged(io, "the machine's name", err);
    r->n = ld32(h + H_SECTIONS);
    return (r->n && r->n <= SF_MAX_SECTIONS) || damaged(io, "the number of sections", err);
}

static bool read_section(struct sf_reader *r, struct sf_section *s, u64 at, u64 end, u32 *crc,
                         struct err *err)
{
    u8 h[SF_SECTION];

    if (!sf_read_at(r->io, at, h, sizeof(h), "a section's header", err))
        return false;
    if (ld32(h + S_MAGIC) != SECTION_MAGIC)
        return damaged(r->io, "a section does not begin where it should", err);
    if (ld32(h + S_HEADER_CRC) != sf_crc_of(h, S_HEADER_CRC))
        return damaged(r->io, "the check sum of a section's header is wrong", err);
    *crc = (u32)crc32_z(*crc, h, sizeof(h));
    memcpy(s->name, h + S_NAME, SF_NAME);
    memcpy(s->instance, h + S_INSTANCE, SF_INSTANCE);
    s->version = ld32(h + S_VERSION);
    s->flags = ld32(h + S_FLAGS);
    s->crc = ld32(h + S_CRC);
    s->length = ld64(h + S_LENGTH);
    s->at = at + SF_SECTION;
    if (s->flags > SF_PAGES)
        return err_set(err, "The snapshot '%.300s' is damaged: section '%s', flags.", r->io->name,
                       s->name);
    if (s->length > end - s->at || (s->flags == SF_PLAIN && s->length > SF_MAX_PLAIN))
        return err_set(err, "The snapshot '%.300s' is damaged: section '%s', length.", r->io->name,
                       s->name);
    return true;
}

static bool read_trailer(struct sf_reader *r, u64 at, u32 hash, struct err *err)
{
    u8 t[SF_TRAILER];

    if (!sf_read_at(r->io, at, t, sizeof(t), "the trailer", err))
        return false;
    if (memcmp(t, SF_END, 8) || ld32(t + T_CRC) != sf_crc_of(t, T_CRC))
        return damaged(r->io, "the trailer", err);
    if (ld64(t + T_LENGTH) != at + SF_TRAILER || ld64(t + T_LENGTH) != r->io->size)
        return damaged(r->io, "the trailer's length", err);
    return (ld32(t + T_SECTIONS) == r->n && ld32(t + T_HASH) == hash) ||
           damaged(r->io, "the trailer's hash is of other sections", err);
}

bool sf_open(struct sf_reader *r, struct state_io *io, struct err *err)
{
    u8 h[SF_HEADER];
    u64 at = SF_HEADER;
    u32 crc = 0;

    *r = (struct sf_reader){.io = io};
    if (!sf_read_at(io, 0, h, sizeof(h), "the header", err) || !read_header(r, h, err))
        return false;
    r->section = calloc(r->n, sizeof(*r->section));
    if (!r->section)
        return err_set(err, "No memory for a snapshot.");
    for (u32 i = 0; i < r->n; i++) {
        if (io->size < at + SF_SECTION ||
            !read_section(r, &r->section[i], at, io->size, &crc, err)) {
            if (io->size < at + SF_SECTION)
                damaged(io, "it ends inside the sections", err);
            sf_close(r);
            return false;
        }
        at = r->section[i].at + r->section[i].length;
    }
    if (read_trailer(r, at, (u32)crc32_z(crc, h, SF_HEADER), err))
        return true;
    sf_close(r);
    return false;
}

void sf_close(struct sf_reader *r)
{
    free(r->section);
    r->section = NULL;
    r->n = 0;
}

const struct sf_section *sf_find(const struct sf_reader *r, const char *name, const char *instance)
{
    for (u32 i = 0; i < r->n; i++)
        if (!strcmp(r->section[i].name, name) && !strcmp(r->section[i].instance, instance))
            return &r->section[i];
    return NULL;
}

/* ---- payloads ---- */

bool sf_bad(const struct sf_reader *r, const struct sf_section *s, const char *what,
            struct err *err)
{
    return err_set(err, "The snapshot '%.300s' is damaged: section '%s' of '%s', %s.", r->io->name,
                   s->name, s->instance, what);
}

bool sf_get(struct sf_reader *r, const struct sf_section *s, struct snap *snap, struct err *err)
{
    u8 *p;
    bool ok;

    if (s->flags != SF_PLAIN)
        return sf_bad(r, s, "flags", err);
    p = malloc(s->length + 1);
    if (!p)
        return err_set(err, "No memory for a snapshot.");
    ok = sf_read_at(r->io, s->at, p, s->length, "a section", err) &&
         (sf_crc_of(p, s->length) == s->crc || sf_bad(r, s, "check sum", err));
    if (ok)
        snap_put(snap, p, s->length);
    free(p);
    return ok;
}

struct window {
    u8 *data, *out;
    u64 at, n;
};

/* n bytes at `at` of the section, in one piece; NULL: it ends before. */
static const u8 *look(struct sf_reader *r, const struct sf_section *s, struct window *w, u64 at,
                      u32 n, struct err *err)
{
    if (n > s->length || at > s->length - n)
        return sf_bad(r, s, "it ends inside an extent", err), NULL;
    if (at < w->at || at + n > w->at + w->n) {
        w->at = at;
        w->n = MIN(s->length - at, (u64)WINDOW);
        if (!sf_read_at(r->io, s->at + at, w->data, w->n, "a section", err))
            return NULL;
    }
    return w->data + (at - w->at);
}

static bool unpack(const u8 *p, u32 stored, u32 how, u8 *out, u32 n)
{
    uLongf room = n;

    switch (how) {
    case SF_RAW:
        if (stored != n)
            return false;
        memcpy(out, p, n);
        return true;
    case SF_ZLIB: return uncompress(out, &room, p, stored) == Z_OK && room == n;
#ifdef CONFIG_ZSTD
    case SF_PACK_ZSTD: return ZSTD_decompress(out, n, p, stored) == n;
#endif
    }
    return false;
}

struct extent {
    u64 off;
    u32 bytes, pack, stored, crc;
};

static bool read_extent(struct sf_reader *r, const struct sf_section *s, const u8 *h, u64 least,
                        u64 size, struct extent *e, struct err *err)
{
    if (ld32(h + E_HEADER_CRC) != sf_crc_of(h, E_HEADER_CRC))
        return sf_bad(r, s, "check sum of an extent's header", err);
    *e = (struct extent){ld64(h + E_OFF), ld32(h + E_BYTES), ld32(h + E_PACK), ld32(h + E_STORED),
                         ld32(h + E_CRC)};
    if (!e->bytes)
        return !e->stored || sf_bad(r, s, "length of the last extent", err);
    if (e->bytes > SF_CHUNK || e->stored > SF_CHUNK)
        return sf_bad(r, s, "length of an extent", err);
    if (e->off < least || e->off > size || e->bytes > size - e->off)
        return sf_bad(r, s, "place of an extent", err);
    return true;
}

static bool take_extents(struct sf_reader *r, const struct sf_section *s, u64 size, u8 *into,
                         sf_take *take, void *arg, struct window *w, struct err *err)
{
    u64 at = 0, least = 0;
    u32 crc = 0;

    for (;;) {
        const u8 *h = look(r, s, w, at, SF_EXTENT, err), *p;
        struct extent e = {0};

        if (!h || !read_extent(r, s, h, least, size, &e, err))
            return false;
        crc = (u32)crc32_z(crc, h, SF_EXTENT);
        at += SF_EXTENT;
        if (!e.bytes)
            break;
        p = look(r, s, w, at, e.stored, err);
        if (!p)
            return false;
        if (sf_crc_of(p, e.stored) != e.crc)
            return sf_bad(r, s, "check sum of an extent", err);
        if (!unpack(p, e.stored, e.pack, into ? into + e.off : w->out, e.bytes))
            return sf_bad(r, s, "packed bytes of an extent", err);
        if (!into && !take(arg, e.off, w->out, e.bytes, err))
            return false;
        at += e.stored;
        least = e.off + e.bytes;
    }
    if (at != s->length)
        return sf_bad(r, s, "length", err);
    return crc == s->crc || sf_bad(r, s, "check sum", err);
}

bool sf_get_extents(struct sf_reader *r, const struct sf_section *s, u64 size, u8 *into,
                    sf_take *take, void *arg, struct err *err)
{
    struct window w = {.data = malloc(WINDOW), .out = malloc(SF_CHUNK)};
    bool ok;

    if (s->flags != SF_EXTENTS)
        ok = sf_bad(r, s, "flags", err);
    else if (!w.data || !w.out)
        ok = err_set(err, "No memory for a snapshot.");
    else
        ok = take_extents(r, s, size, into, take, arg, &w, err);
    free(w.data);
    free(w.out);
    return ok;
}
