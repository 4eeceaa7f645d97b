/* A device's saved state as rows: one table serves reset, save, restore, info, trace and tests. */
#ifndef DEVICES_CORE_FIELD_H
#define DEVICES_CORE_FIELD_H

#include "devices/core/types.h"

enum field_type { FT_END, FT_U8, FT_U16, FT_U32, FT_U64, FT_BOOL, FT_BYTES /* opaque bytes */ };

/* One field: where it is in the saved struct, how many elements, its reset value (the same for each
 * element; FT_BYTES: the byte to fill with) and since which version of the class it exists. Saved
 * little-endian. */
struct field {
    const char *name;
    u32 off, count;
    u8 type, since;
    u64 reset;
    const char *help;
    u32 keep : 1; /* 1: the machine reset leaves it alone (battery-backed, configuration) */
};

/* The width of one element in bytes. */
unsigned field_width(enum field_type type);

/* Rows for struct FIELDS_OF (define it before using these): F(member, type, reset, help), FA for an
 * array member, FK: kept over reset, FS(…, since). A FT_BYTES row covers the whole member. */
#define FIELD_ROW_(m, t, n, r, h, s, k)                                                            \
    {                                                                                              \
#m, (u32)offsetof(FIELDS_OF, m), (u32)(n), t, s, r, h, k                                   \
    }
#define FIELD_SIZEOF_(m) sizeof(((FIELDS_OF *)0)->m)
#define F(m, t, r, h)    FIELD_ROW_(m, t, (t) == FT_BYTES ? FIELD_SIZEOF_(m) : 1, r, h, 1, 0)
#define FA(m, t, r, h)   FIELD_ROW_(m, t, FIELD_SIZEOF_(m) / FIELD_SIZEOF_(m[0]), r, h, 1, 0)
#define FK(m, t, r, h)   FIELD_ROW_(m, t, (t) == FT_BYTES ? FIELD_SIZEOF_(m) : 1, r, h, 1, 1)
#define FS(m, t, r, h, since)                                                                      \
    FIELD_ROW_(m, t, (t) == FT_BYTES ? FIELD_SIZEOF_(m) : 1, r, h, since, 0)
#define FIELDS_END                                                                                 \
    {                                                                                              \
        NULL, 0, 0, FT_END, 0, 0, NULL, 0                                                          \
    }

/* Set every field of `base` to its reset value (`power_on`: also those kept over reset). */
void fields_reset(const struct field *rows, void *base, bool power_on);
/* Read/write element i of a row as a number (FT_BYTES: one byte). */
u64 field_get(const struct field *row, const void *base, u32 i);
void field_set(const struct field *row, void *base, u32 i, u64 v);
/* Offset of the first byte of [0, size) that no row covers, or -1. Padding must be declared as a
 * field or avoided. */
long fields_uncovered(const struct field *rows, size_t size);

#endif
