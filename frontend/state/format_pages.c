/* Memory in a snapshot as it is, so that it can be mapped: a table with a check sum for each chunk,
 * then the memory at a border of pages; what is zero is a hole in the file. */
#include "frontend/state/format_int.h"

#include "frontend/image/image.h"
#include "mmu/ram.h"

#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

static u32 chunks_of(u64 size)
{
    return (u32)((size + SF_PAGES_CHUNK - 1) / SF_PAGES_CHUNK);
}

static void fill_table(u8 *t, const u8 *data, u64 size, u64 at)
{
    u32 n = chunks_of(size);

    st64(t + P_SIZE, size);
    st64(t + P_DATA, at);
    st32(t + P_CHUNK, SF_PAGES_CHUNK);
    st32(t + P_COUNT, n);
    for (u32 i = 0; i < n; i++) {
        const u8 *chunk = data + (u64)i * SF_PAGES_CHUNK;
        u8 *e = t + SF_PAGES_HEAD + (size_t)i * P_ENTRY;

        if (image_all_zero(chunk, sf_chunk_length(size, i)))
            continue;
        st32(e, 1);
        st32(e + 4, sf_crc_of(chunk, sf_chunk_length(size, i)));
    }
}

/* Runs of pages that are not zero, all within chunks that are there. */
static void write_memory(struct sf_writer *w, u64 to, const u8 *data, u64 size)
{
    for (u64 at = 0; at < size && !w->failed;) {
        u64 end = at;

        while (end < size && end - at < SF_BUFFER && !image_all_zero(data + end, PAGE_SIZE))
            end += PAGE_SIZE;
        sf_write_at(w, to + at, data + at, (size_t)(end - at));
        at = end - at < SF_BUFFER ? end + PAGE_SIZE : end;
    }
}

void sf_pages(struct sf_writer *w, const char *name, const char *instance, u32 version,
              const u8 *data, u64 size)
{
    size_t n = SF_PAGES_HEAD + (size_t)chunks_of(size) * P_ENTRY;
    u8 *table = calloc(1, n);
    u64 payload, at;

    sf_section_begin(w, name, instance, version, SF_PAGES);
    if (!table) {
        err_set(&w->err, "No memory for a snapshot.");
        w->failed = true;
        sf_section_end(w, 0);
        return;
    }
    payload = w->pos;
    at = (payload + n + P_ALIGN - 1) & ~(u64)(P_ALIGN - 1);
    fill_table(table, data, size, at - payload);
    sf_append(w, table, n);
    sf_reserve(w, at - payload - n);
    write_memory(w, sf_reserve(w, size), data, size);
    sf_section_end(w, sf_crc_of(table, n));
    free(table);
}

/* ---- reading ---- */

bool sf_pages_open(struct sf_pages *p, struct sf_reader *r, const struct sf_section *s, u64 size,
                   struct err *err)
{
    size_t n = SF_PAGES_HEAD + (size_t)chunks_of(size) * P_ENTRY;
    u64 data;

    *p = (struct sf_pages){.section = s, .size = size, .n = chunks_of(size)};
    if (s->flags != SF_PAGES)
        return sf_bad(r, s, "flags", err);
    if (s->length < n)
        return sf_bad(r, s, "length", err);
    p->table = malloc(n);
    if (!p->table)
        return err_set(err, "No memory for a snapshot.");
    if (!sf_read_at(r->io, s->at, p->table, n, "a section", err))
        return false;
    if (sf_crc_of(p->table, n) != s->crc)
        return sf_bad(r, s, "check sum of its table", err);
    data = ld64(p->table + P_DATA);
    p->at = s->at + data;
    if (ld64(p->table + P_SIZE) != size || ld32(p->table + P_COUNT) != p->n ||
        ld32(p->table + P_CHUNK) != SF_PAGES_CHUNK)
        return sf_bad(r, s, "size", err);
    return (data >= n && data <= s->length && s->length - data == size && !(p->at % P_ALIGN)) ||
           sf_bad(r, s, "place of the memory", err);
}

bool sf_pages_there(const struct sf_pages *p, u32 chunk)
{
    return ld32(p->table + SF_PAGES_HEAD + (size_t)chunk * P_ENTRY) & 1;
}

bool sf_pages_read(const struct sf_pages *p, struct sf_reader *r, u32 chunk, u8 *into,
                   struct err *err)
{
    const u8 *e = p->table + SF_PAGES_HEAD + (size_t)chunk * P_ENTRY;
    size_t n = sf_chunk_length(p->size, chunk);

    return sf_read_at(r->io, p->at + (u64)chunk * SF_PAGES_CHUNK, into, n, "memory", err) &&
           (sf_crc_of(into, n) == ld32(e + 4) ||
            sf_bad(r, p->section, "check sum of memory", err));
}

void sf_pages_close(struct sf_pages *p)
{
    free(p->table);
    *p = (struct sf_pages){0};
}
