/* Names of keys, as sendkey takes them, and their PS/2 set-1 codes. */
#ifndef FRONTEND_KEYS_H
#define FRONTEND_KEYS_H

#include "devices/core/types.h"

struct key_name {
    const char *name;
    u16 code;
};
extern const struct key_name key_names[]; /* ends with a NULL name */

/* The code of name[0..len), or of a hexadecimal code "0x1c"; 0 when there is no such key. */
u16 key_by_name(const char *name, size_t len);

#endif
