/* What -object does to struct options, by the kind of object. */
#include "frontend/opts.h"

#include <string.h>

bool opt_set_OBJECT(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const kinds[] = {"filter-dump", NULL};
    size_t n = strcspn(val, ",");
    char kind[64];

    snprintf(kind, sizeof(kind), "%.*s", (int)MIN(n, sizeof(kind) - 1), val);
    val += n + (val[n] == ',');
    if (!strcmp(kind, "filter-dump"))
        return opts_object_dump(opt, val, err);
    return opts_bad_value(flag, kind, kinds, err);
}
