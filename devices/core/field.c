/* Field tables: reset, element access and coverage. */
#include "devices/core/field.h"
#include "devices/core/err.h"

#include <string.h>

unsigned field_width(enum field_type type)
{
    switch (type) {
    case FT_U16: return 2;
    case FT_U32: return 4;
    case FT_U64: return 8;
    default: return 1;
    }
}

u64 field_get(const struct field *row, const void *base, u32 i)
{
    const char *at = (const char *)base + row->off + (size_t)i * field_width(row->type);
    u16 v16;
    u32 v32;
    u64 v64;

    switch (row->type) {
    case FT_U16: memcpy(&v16, at, 2); return v16;
    case FT_U32: memcpy(&v32, at, 4); return v32;
    case FT_U64: memcpy(&v64, at, 8); return v64;
    default: return *(const u8 *)at;
    }
}

void field_set(const struct field *row, void *base, u32 i, u64 v)
{
    char *at = (char *)base + row->off + (size_t)i * field_width(row->type);
    u16 v16 = (u16)v;
    u32 v32 = (u32)v;

    switch (row->type) {
    case FT_U16: memcpy(at, &v16, 2); break;
    case FT_U32: memcpy(at, &v32, 4); break;
    case FT_U64: memcpy(at, &v, 8); break;
    case FT_BOOL: *(bool *)at = v != 0; break;
    default: *(u8 *)at = (u8)v; break;
    }
}

void fields_reset(const struct field *rows, void *base, bool power_on)
{
    for (; rows->type != FT_END; rows++) {
        if (rows->keep && !power_on)
            continue;
        if (rows->type == FT_BYTES || rows->type == FT_U8)
            memset((char *)base + rows->off, (u8)rows->reset, rows->count);
        else
            for (u32 i = 0; i < rows->count; i++)
                field_set(rows, base, i, rows->reset);
    }
}

static bool covered(const struct field *rows, size_t off)
{
    for (; rows->type != FT_END; rows++)
        if (off >= rows->off && off < rows->off + (size_t)rows->count * field_width(rows->type))
            return true;
    return false;
}

long fields_uncovered(const struct field *rows, size_t size)
{
    for (size_t off = 0; off < size; off++)
        if (!covered(rows, off))
            return (long)off;
    return -1;
}
