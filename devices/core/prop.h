/* A device's settings as rows: what -device name,key=value and -global can set. */
#ifndef DEVICES_CORE_PROP_H
#define DEVICES_CORE_PROP_H

#include "devices/core/types.h"

struct err;

/* PT_STR: a const char *, duplicated, freed with the device */
enum prop_type { PT_END, PT_U32, PT_U64, PT_BOOL, PT_STR };

struct prop {
    const char *name;
    u32 off;
    u8 type;
    u64 def;      /* default (PT_STR: NULL) */
    u64 min, max; /* allowed range of numbers */
    const char *help;
};
#define PROPS_END                                                                                  \
    {                                                                                              \
        NULL, 0, PT_END, 0, 0, 0, NULL                                                             \
    }

void props_default(const struct prop *rows, void *base);
/* Parse and set one property from text (numbers: decimal, 0x, K/M/G suffix; bools:
 * on/off/yes/no/true/false). False with a sentence in *err naming the property and what is
 * allowed. */
bool prop_set(const struct prop *rows, void *base, const char *name, const char *value,
              struct err *err);
/* "name=value,name=value" (",," is a comma; a name alone is name=on), each as prop_set does it; text
 * NULL: nothing. */
bool props_set(const struct prop *rows, void *base, const char *text, struct err *err);
void props_free(const struct prop *rows, void *base);

#endif
