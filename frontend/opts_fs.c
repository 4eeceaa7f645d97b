/* What -fsdev and -virtfs do to struct options: folders that guests mount. */
#include "frontend/opts.h"

#include <string.h>

const struct opt_fsdev *opts_fsdev(const struct options *opt, const char *id)
{
    for (unsigned i = 0; i < opt->nfsdevs; i++) {
        if (!strcmp(opt->fsdevs[i].id, id))
            return &opt->fsdevs[i];
    }
    return NULL;
}

static bool fs_key(struct opt_fsdev *f, const char *flag, const char *key, const char *v,
                   struct err *err)
{
    static const char *const keys[] = {"id",       "path",          "security_model",
                                       "readonly", "mount_tag", NULL};
    static const char *const models[] = {"none", "mapped-xattr", NULL};

    if (!strcmp(key, "id"))
        return opts_copy(f->id, sizeof(f->id), v) || err_set(err, "The id of -%s is too long.", flag);
    if (!strcmp(key, "path"))
        return opts_copy(f->path, sizeof(f->path), v) ||
               err_set(err, "The path of -%s is too long.", flag);
    if (!strcmp(key, "readonly"))
        return opts_bool(v, &f->read_only) ||
               err_set(err, "-%s readonly is on or off, not '%.60s'.", flag, v);
    if (strcmp(key, "security_model"))
        return opts_bad_key(flag, key, keys, err);
    f->mapped = !strcmp(v, "mapped-xattr") || !strcmp(v, "mapped");
    return f->mapped || !strcmp(v, "none") || opts_bad_value("security_model", v, models, err);
}

/* Both options: `tag` takes mount_tag, which only -virtfs has. */
static bool parse(struct options *opt, const char *flag, const char *val, struct opt_fsdev *f,
                  char tag[64], struct err *err)
{
    static const char *const drivers[] = {"local", NULL};
    char key[64], v[OPT_PATH];
    bool has_key;

    if (opt->nfsdevs >= OPT_MAX_FSDEVS)
        return err_set(err, "There are more than %d shared folders.", OPT_MAX_FSDEVS);
    memset(f, 0, sizeof(*f));
    if (!opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key) || has_key ||
        strcmp(v, "local"))
        return opts_bad_value(flag, v, drivers, err);
    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        const char *k = has_key ? key : v, *x = has_key ? v : "on";

        if (tag && !strcmp(k, "mount_tag")) {
            if (!opts_copy(tag, 33, x))
                return err_set(err, "-%s mount_tag has 32 characters at most.", flag);
        } else if (!fs_key(f, flag, k, x, err)) {
            return false;
        }
    }
    if (!f->path[0])
        return err_set(err, "-%s needs path= with the folder to be shared.", flag);
    return true;
}

static bool add(struct options *opt, const struct opt_fsdev *f, struct err *err)
{
    if (opts_fsdev(opt, f->id))
        return err_set(err, "Two shared folders have the id '%s'.", f->id);
    opt->fsdevs[opt->nfsdevs++] = *f;
    return true;
}

bool opt_set_FSDEV(struct options *opt, const char *flag, const char *val, struct err *err)
{
    struct opt_fsdev f;

    if (!parse(opt, flag, val, &f, NULL, err))
        return false;
    return f.id[0] ? add(opt, &f, err)
                   : err_set(err, "-fsdev needs id=, for a -device to name it.");
}

bool opt_set_VIRTFS(struct options *opt, const char *flag, const char *val, struct err *err)
{
    struct opt_fsdev f;
    struct opt_addon *a;
    char tag[64] = "";

    if (!parse(opt, flag, val, &f, tag, err))
        return false;
    if (!tag[0])
        return err_set(err, "-virtfs needs mount_tag=, by which the guest mounts the folder.");
    if (!f.id[0])
        snprintf(f.id, sizeof(f.id), "virtfs-%.40s", tag);
    if (!add(opt, &f, err))
        return false;
    a = opts_new_addon(opt, "virtio-9p-pci", err);
    if (!a)
        return false;
    snprintf(a->host, sizeof(a->host), "%s", f.id);
    return opts_addon_prop(a, "mount_tag", tag) || err_set(err, "-virtfs mount_tag is too long.");
}
