/* What -plugin, -perfmap, -jit-gdb and -timeline do to struct options. */
#include "frontend/opts.h"

#include <string.h>

/* The file in front, with or without "file=", is copied to path; *val goes behind it. */
static bool take_file(const char *flag, const char **val, char path[OPT_PATH], struct err *err)
{
    char key[64], v[OPT_PATH];
    bool has_key;

    if (!opts_next(val, key, sizeof(key), v, sizeof(v), &has_key) ||
        (has_key && strcmp(key, "file")) || !v[0])
        return err_set(err, "-%s begins with the name of a file.", flag);
    return opts_copy(path, OPT_PATH, v) || err_set(err, "The file of -%s is too long.", flag);
}

bool opt_set_PLUGIN(struct options *opt, const char *flag, const char *val, struct err *err)
{
    struct opt_plugin *p = &opt->plugins[opt->nplugins];

    if (opt->nplugins == OPT_MAX_PLUGINS)
        return err_set(err, "There are more than %d plug-ins.", OPT_MAX_PLUGINS);
    if (!take_file(flag, &val, p->path, err))
        return false;
    opt->nplugins++;
    return opts_copy(p->args, sizeof(p->args), val) ||
           err_set(err, "The arguments of plug-in '%.200s' are too long.", p->path);
}

bool opt_set_PERFMAP(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->perfmap = true;
    return true;
}

bool opt_set_JIT_GDB(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->jit_gdb = true;
    return true;
}

bool opt_set_TIMELINE(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const keys[] = {"file", "size", NULL};
    char key[64], v[64];
    bool has_key;

    opt->timeline_size = 64 * MIB;
    if (!take_file(flag, &val, opt->timeline, err))
        return false;
    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!has_key || strcmp(key, "size"))
            return opts_bad_key(flag, has_key ? key : v, keys, err);
        if (!opts_size(v, 1, &opt->timeline_size) || opt->timeline_size < 64 * KIB)
            return err_set(err, "-timeline size is a number of bytes from 64K on, not '%.60s'.", v);
    }
    return true;
}
