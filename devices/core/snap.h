/* Saved state as tagged sections in a growing buffer; what is read back is hostile until validated
 * (reliability.md 4). */
#ifndef DEVICES_CORE_SNAP_H
#define DEVICES_CORE_SNAP_H

#include "devices/core/types.h"
#include "devices/core/field.h"

struct err;

/* Bytes being written (grows) or read (pos advances; `bad` sticks once it was out of range). */
struct snap {
    u8 *data;
    size_t len, cap, pos;
    bool bad;
};

void snap_free(struct snap *snap);
void snap_put(struct snap *snap, const void *data, size_t n);
void snap_put_u64(struct snap *snap, u64 v);
/* n bytes into data; on shortage sets bad and zero-fills. */
void snap_get(struct snap *snap, void *data, size_t n);
u64 snap_get_u64(struct snap *snap);

/* One section: {name, instance, version, tag-length-value rows}. Loading gives absent rows their
 * reset value, skips unknown rows, and refuses a section of another name or a newer version with a
 * sentence in *err. */
void snap_save_fields(struct snap *snap, const char *name, const char *id, u32 version,
                      const struct field *rows, const void *base);
bool snap_load_fields(struct snap *snap, const char *name, const char *id, u32 version,
                      const struct field *rows, void *base, struct err *err);

#endif
