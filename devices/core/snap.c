/* Saved state: tagged sections written to and read from a buffer; everything read is checked before
 * it is used. */
#include "devices/core/snap.h"
#include "devices/core/bits.h"
#include "devices/core/err.h"

#include <stdlib.h>
#include <string.h>

/* Layout of a section, numbers as 8 bytes little-endian, strings as length and bytes:
 *   name, id, version, length of the rest, then rows of {name, length, bytes}. */
enum { NAME_MAX_LEN = 255 };

void snap_free(struct snap *snap)
{
    free(snap->data);
    *snap = (struct snap){0};
}

void snap_put(struct snap *snap, const void *data, size_t n)
{
    if (n > snap->cap - snap->len) {
        size_t cap = MAX(snap->cap * 2, snap->len + n + 4096);
        u8 *grown = realloc(snap->data, cap);

        if (!grown)
            BUG("no memory for a snapshot of %zu bytes", cap);
        snap->data = grown;
        snap->cap = cap;
    }
    if (n)
        memcpy(snap->data + snap->len, data, n);
    snap->len += n;
}

void snap_put_u64(struct snap *snap, u64 v)
{
    u8 buf[8];

    st64(buf, v);
    snap_put(snap, buf, 8);
}

void snap_get(struct snap *snap, void *data, size_t n)
{
    if (snap->bad || n > snap->len - snap->pos) {
        snap->bad = true;
        if (n)
            memset(data, 0, n);
        return;
    }
    if (n)
        memcpy(data, snap->data + snap->pos, n);
    snap->pos += n;
}

u64 snap_get_u64(struct snap *snap)
{
    u8 buf[8];

    snap_get(snap, buf, 8);
    return ld64(buf);
}

static void put_str(struct snap *snap, const char *s)
{
    size_t n = MIN(strlen(s), (size_t)NAME_MAX_LEN);

    snap_put_u64(snap, n);
    snap_put(snap, s, n);
}

/* A string of at most NAME_MAX_LEN bytes into out[NAME_MAX_LEN + 1]. */
static void get_str(struct snap *snap, char *out)
{
    u64 n = snap_get_u64(snap);

    if (n > NAME_MAX_LEN) {
        snap->bad = true;
        n = 0;
    }
    snap_get(snap, out, n);
    out[snap->bad ? 0 : n] = 0;
}

static void save_row(struct snap *snap, const struct field *row, const void *base)
{
    unsigned width = field_width(row->type);

    put_str(snap, row->name);
    snap_put_u64(snap, (u64)row->count * width);
    if (width == 1) {
        snap_put(snap, (const char *)base + row->off, row->count);
        return;
    }
    for (u32 i = 0; i < row->count; i++) {
        u8 buf[8];

        st64(buf, field_get(row, base, i));
        snap_put(snap, buf, width);
    }
}

void snap_save_fields(struct snap *snap, const char *name, const char *id, u32 version,
                      const struct field *rows, const void *base)
{
    size_t at;

    put_str(snap, name);
    put_str(snap, id);
    snap_put_u64(snap, version);
    at = snap->len;
    snap_put_u64(snap, 0);
    for (; rows->type != FT_END; rows++)
        save_row(snap, rows, base);
    st64(snap->data + at, snap->len - at - 8);
}

/* The row called `name`, or the end row. */
static const struct field *find_row(const struct field *rows, const char *name)
{
    while (rows->type != FT_END && strcmp(rows->name, name))
        rows++;
    return rows;
}

/* Take one row's `n` bytes: missing elements keep the reset value (arrays may have grown since). */
static void load_row(struct snap *snap, const struct field *row, void *base, u64 n)
{
    unsigned width = field_width(row->type);

    if (n % width || n / width > row->count) {
        snap->bad = true;
        return;
    }
    for (u32 i = 0; i < n / width; i++) {
        u8 buf[8] = {0};

        snap_get(snap, buf, width);
        field_set(row, base, i, ld64(buf));
    }
}

/* Read rows until the section's end. With base NULL only check that they are well-formed. */
static bool walk_rows(struct snap *snap, size_t end, const struct field *rows, void *base)
{
    while (!snap->bad && snap->pos < end) {
        char name[NAME_MAX_LEN + 1];
        const struct field *row;
        u64 n;

        get_str(snap, name);
        n = snap_get_u64(snap);
        if (snap->bad || snap->pos > end || n > end - snap->pos)
            return false;
        row = find_row(rows, name);
        if (row->type == FT_END)
            snap->pos += n;
        else if (base)
            load_row(snap, row, base, n);
        else if (n % field_width(row->type) || n / field_width(row->type) > row->count)
            return false;
        else
            snap->pos += n;
    }
    return !snap->bad && snap->pos == end;
}

bool snap_load_fields(struct snap *snap, const char *name, const char *id, u32 version,
                      const struct field *rows, void *base, struct err *err)
{
    char got_name[NAME_MAX_LEN + 1], got_id[NAME_MAX_LEN + 1];
    u64 got_version, n;
    size_t start;

    get_str(snap, got_name);
    get_str(snap, got_id);
    got_version = snap_get_u64(snap);
    n = snap_get_u64(snap);
    if (snap->bad || n > snap->len - snap->pos) {
        snap->bad = true;
        return err_set(err, "the snapshot ends inside the section of %s '%s'", name, id);
    }
    if (strcmp(got_name, name) || strcmp(got_id, id))
        return err_set(
            err,
            "the snapshot has a section '%.60s' '%.60s' where %s '%s' belongs: it is from "
            "another machine",
            got_name, got_id, name, id);
    if (got_version > version)
        return err_set(err, "the snapshot of %s '%s' has version %llu; this program knows up to %u",
                       name, id, (unsigned long long)got_version, version);
    start = snap->pos;
    /* The target is untouched until the whole section is known to be sound. */
    if (!walk_rows(snap, start + n, rows, NULL)) {
        snap->bad = true;
        return err_set(err, "the snapshot's section of %s '%s' is damaged", name, id);
    }
    fields_reset(rows, base, true);
    snap->pos = start;
    walk_rows(snap, start + n, rows, base);
    return true;
}
