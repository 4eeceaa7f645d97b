/* Names of the translator's techniques. */
#include "cpu/jit/technique.h"
#include "devices/core/err.h"

#include <string.h>

static const char *const names[JIT_T__COUNT] = {
#define TECHNIQUE(id, name, text) [JIT_T_##id] = name,
#include "cpu/jit/technique.def"
#undef TECHNIQUE
};

#define TECHNIQUE(id, name, text) name ", "
static const char list_of_names[] =
#include "cpu/jit/technique.def"
;
#undef TECHNIQUE

bool jit_parse_off(const char *list, u32 *off, struct err *err)
{
    while (*list) {
        size_t n = strcspn(list, ",");
        unsigned t = 0;
        while (t < JIT_T__COUNT && !(strlen(names[t]) == n && !memcmp(names[t], list, n)))
            t++;
        if (t < JIT_T__COUNT)
            *off |= 1u << t;
        else if (n == 3 && !memcmp(list, "all", 3))
            *off = (1u << JIT_T__COUNT) - 1;
        else
            return err_set(err, "-jit-off: there is no technique '%.*s'; choose among %sall.",
                           (int)MIN(n, 40u), list, list_of_names);
        list += n + (list[n] == ',');
    }
    return true;
}
